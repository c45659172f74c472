/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Texts that stand for bytes. Nothing is written unless the result is TEXT_FITS. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum text_fit {
	TEXT_FITS,
	TEXT_OTHER,     /* not of this form at all */
	TEXT_MALFORMED, /* of this form, but broken */
	TEXT_SIZE,      /* of this form, but of another size or family */
	TEXT_HOST_BITS, /* bits are set beyond the prefix */
};

/* "hex:0a0b"; @ret_bytes: how many it has, also for TEXT_SIZE. */
enum text_fit text_hex(const char *text, unsigned char *out, size_t size, size_t *ret_bytes);
/* An IPv4 (@size 4), IPv6 (16) or MAC (6) address; network byte order. */
enum text_fit text_address(const char *text, unsigned char *out, size_t size);
/* "10.0.0.0/8": @out is an address of @size 4 or 16. */
enum text_fit text_prefix(const char *text, unsigned char *out, size_t size, unsigned int *ret_len);
