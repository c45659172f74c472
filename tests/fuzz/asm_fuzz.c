/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as assembler text: refused with a place and a message, or a unit whose text
 * assembles to the same text again. For libFuzzer; the corpus also runs as a test.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "object/asm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const struct braid_error *err)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s: %s (%s)\n", what, err->where ?: "", err->what ?: "",
		err->why ?: "");
	abort();
}

static char *text_of(const struct unit *u)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	char *text = NULL;

	must(unit_disassemble(u, &text, &err) == 0, "no text", &err);
	return text;
}

/* What was assembled is an object, or one that the reader says something against. */
static void write_and_read(const struct unit *u)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *again = NULL;
	_cleanup_free_ void *bytes = NULL;
	size_t size;
	int r = unit_write(u, &bytes, &size, &err);

	must(!r || err.what, "not written, and nobody says why", &err);
	if (r)
		return;
	r = unit_read(bytes, size, "again", &again, &err);
	must(!r || (r == err.code && err.what), "not read, and nobody says why", &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = NULL, *v = NULL;
	_cleanup_free_ char *text = NULL, *again = NULL;
	int r = unit_assemble((const char *)data, size, "fuzz", &u, &err);

	if (r) {
		must(r == -EINVAL && err.code == r && err.what && err.where, "an odd error", &err);
		return 0;
	}
	text = text_of(u);
	r = unit_assemble(text, strlen(text), "text", &v, &err);
	if (r)
		fputs(text, stderr);
	must(r == 0, "its text does not assemble", &err);
	again = text_of(v);
	must(!strcmp(text, again), "another text", &err);
	write_and_read(u);
	return 0;
}
