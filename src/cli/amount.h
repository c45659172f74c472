/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that options take. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* "1000": from 1. */
bool parse_count(const char *text, uint64_t *ret);
/* "65536", "64k", "10M", "1G": bytes, from 1; powers of 1024. */
bool parse_size(const char *text, uint64_t *ret);
/* Bytes of a packet: 0 to 65535. */
bool parse_snap(const char *text, uint32_t *ret);
