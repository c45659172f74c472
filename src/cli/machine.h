/* SPDX-License-Identifier: GPL-2.0-only */
/* Machine code of this machine as text. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct machine_reader;

/* NULL: libcapstone knows nothing of this architecture, and bytes stay bytes. */
struct machine_reader *machine_reader_new(void);
void machine_reader_free(struct machine_reader *m); /* NULL is fine */

/*
 * Adds "code" to {"address", "bytes"}: a list of {"address", "bytes", "text"}. What cannot be
 * read is ".byte" at the end of it. false: damaged, or no memory.
 */
bool machine_read(struct machine_reader *m, json_t *piece);
