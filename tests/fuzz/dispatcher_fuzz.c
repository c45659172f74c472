/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as the configuration of a dispatcher: refused with a message, or read; what was
 * read is written and read again without a change, and is a dispatcher that can be emitted.
 * For libFuzzer; the test vectors are its corpus, and also run as a test.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "object/dispatcher.h"
#include "object/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const struct braid_error *err)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s (%s)\n", what, err->what ?: "", err->why ?: "");
	abort();
}

static bool same(const struct dispatcher_config *a, const struct dispatcher_config *b)
{
	return a->version == b->version && a->n == b->n && a->frags == b->frags &&
	       a->devbound == b->devbound && !memcmp(a->slots, b->slots, sizeof(a->slots));
}

static void write_and_read(const struct dispatcher_config *c)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	__u8 bytes[DISPATCHER_MAX_CONFIG];
	struct dispatcher_config again;
	int r = dispatcher_config_write(c, bytes, &err);

	if (r) {
		must(r == -EINVAL && err.what, "no error message", &err);
		must(c->version == 1 || c->version == 2, "not written", &err);
		return;
	}
	r = dispatcher_config_read(bytes, dispatcher_config_size(c->version), 0, &again, &err);
	must(r == 0, "refused after writing", &err);
	must(same(c, &again), "changed by a round", &err);
}

static void emit(const struct dispatcher_config *c)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = NULL;
	_cleanup_free_ void *elf = NULL;
	size_t size;
	int r = dispatcher_emit(c, &elf, &size, &err);

	if (r) {
		must(r == -EINVAL && err.what, "no error message", &err);
		return;
	}
	must(unit_read(elf, size, "emitted", &u, &err) == 0, "no object", &err);
	must(u->funcs.n == c->n + 1, "functions are missing", &err);
}

static void read_as(const uint8_t *data, size_t size, __u32 metadata_version)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct dispatcher_config c = {};
	int r = dispatcher_config_read(data, size, metadata_version, &c, &err);

	if (r) {
		must(r == err.code && err.what && err.why, "no error message", &err);
		must(r == -EBADMSG || r == -EOPNOTSUPP, "an odd error code", &err);
		must((r == -EOPNOTSUPP) == (c.version > DISPATCHER_NEWEST), "an odd version", &err);
		return;
	}
	must(c.n <= DISPATCHER_SLOTS && c.version && c.version <= DISPATCHER_NEWEST,
	     "what no dispatcher is", &err);
	write_and_read(&c);
	emit(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (__u32 version = 0; version <= DISPATCHER_NEWEST + 1; version++)
		read_as(data, size, version);
	return 0;
}
