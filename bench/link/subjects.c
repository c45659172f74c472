// SPDX-License-Identifier: GPL-2.0-only
#include "link/subjects.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNTERS 64

static void counters_open(const char *strategy, struct subject *ret)
{
	static const char *const finals[2] = {"last", "pass"};

	*ret = (struct subject){};
	for (unsigned int i = 0; i < 2; i++) {
		struct braid_error error = BRAID_ERROR_INIT;
		struct braid_pipeline *p = pipeline_open("counters", strategy);

		pipeline_repeat(p, "counter", EMBEDDED(counter), COUNTERS);
		braid_must(braid_pipeline_add_interface(p, "eth0", NULL, &error), &error, "eth0");
		braid_must(braid_pipeline_set_final(p, finals[i], &error), &error, "final");
		ret->versions[i] = p;
	}
}

/* What differs from the example as it is: values laid over it. */
static struct braid_manifest *example_load(const char *strategy, const char *final)
{
	char path[] = "/run/values-XXXXXX";
	const char *const values[] = {path};
	struct braid_manifest_opts opts = {.sz = sizeof(opts), .values = values, .n_values = 1};
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_manifest *m;
	int fd = mkstemp(path);

	if (fd < 0 || dprintf(fd,
			      "braid-values: 1\n"
			      "pipelines:\n"
			      "  edge: {interfaces: [eth0], strategy: %s, final: %s, stats: off}\n",
			      strategy, final) < 0)
		err(1, "%s", path);
	close(fd);
	braid_must(braid_manifest_load(EXAMPLE, &opts, &m, &error), &error, EXAMPLE);
	unlink(path);
	return m;
}

static void example_open(const char *strategy, struct subject *ret)
{
	ret->manifests[0] = example_load(strategy, "last");
	ret->manifests[1] = example_load(strategy, "pass");
	for (unsigned int i = 0; i < 2; i++)
		ret->versions[i] = braid_manifest_get(ret->manifests[i], 0);
}

void subject_close(struct subject *s)
{
	for (unsigned int i = 0; i < 2; i++)
		if (s->manifests[i])
			braid_manifest_free(s->manifests[i]);
		else
			braid_pipeline_free((struct braid_pipeline *)s->versions[i]);
}

const struct subject_kind subject_kinds[] = {
	{"example", example_open},
	{"counter/64", counters_open},
};

const unsigned int subject_kinds_n = sizeof(subject_kinds) / sizeof(*subject_kinds);
