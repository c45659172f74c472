/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a manifest: refused with a place and a message, or read; what was read goes
 * to JSON and back without a change. For libFuzzer; the corpus also runs as a unit test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "manifest/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n%s\n", what, text ? text : "");
	abort();
}

static void check_round(const struct braid_pipeline *p)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *text = NULL, *again = NULL;

	must(braid_pipeline_json(p, &text, &err) == 0, "no JSON", err.what);
	if (braid_manifest_parse(text, strlen(text), "json", NULL, &m, &err)) {
		fprintf(stderr, "%s: %s\n", err.where, err.what);
		must(false, "its own JSON is refused", text);
	}
	must(braid_pipeline_json(braid_manifest_get(m, 0), &again, &err) == 0, "no JSON", err.what);
	must(strcmp(text, again) == 0, "changed by a round", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	int r = braid_manifest_parse((const char *)data, size, "fuzz", NULL, &m, &err);

	if (r) {
		must(r == err.code && err.what, "no error message", NULL);
		must(err.where && strncmp(err.where, "fuzz:", 5) == 0, "no place", err.what);
		return 0;
	}
	for (size_t i = 0; i < braid_manifest_count(m); i++)
		check_round(braid_manifest_get(m, i));
	return 0;
}
