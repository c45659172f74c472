/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The way back of fit.h: bytes of a BTF type as a value of a manifest. */
#pragma once

#include <bpf/btf.h>
#include <jansson.h>
#include <linux/types.h>

/**
 * unfit_value() - a value that fit_value() makes @bytes of.
 * @bytes: @size bytes, the type's size.
 * Numbers, true and false, names of enumerators, texts, lists; hex: for all else. A number
 * that JSON cannot say exactly is a text. Return: NULL: no memory.
 */
json_t *unfit_value(const struct btf *btf, __u32 type_id, const void *bytes, size_t size);
/*
 * What number the @size bytes are; false: its type is none that holds one of at most 64 bits.
 * For an unsigned one of 64 bits whose highest bit is set, S64_MAX.
 */
bool unfit_number(const struct btf *btf, __u32 type_id, const void *bytes, size_t size, __s64 *ret);
/* "__u32", "enum mode", "char[16]". Return: NULL: no memory; caller frees. */
char *type_text(const struct btf *btf, __u32 type_id);
