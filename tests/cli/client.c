/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program of somebody who has libbraid and nothing else of braid: a pipeline that is
 * built in C, without a manifest. Run by library_test. Arguments: object, interface,
 * network namespace.
 */
#include <braid/braid.h>
#include <stdio.h>
#include <stdlib.h>

static struct braid_error err = BRAID_ERROR_INIT;

static void must(int error)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s (%s)\n", err.where ? err.where : "", err.what ? err.what : "",
		err.why ? err.why : "");
	exit(1);
}

static void *read_file(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "r");
	void *bytes = malloc(1 << 20);

	if (!f || !bytes || !(*ret_size = fread(bytes, 1, 1 << 20, f)))
		exit(2);
	fclose(f);
	return bytes;
}

/* One stage by path, one by bytes, one map for both. */
static struct braid_pipeline *build(const char *object, const char *ifname, const char *netns)
{
	static const char *const verdicts[] = {"pass", "tx"};
	static const char *const shared[] = {"first.count", "second.count"};
	struct braid_stage_opts first = {.sz = sizeof(first), .object = object},
				second = {.sz = sizeof(second), .program = "mark"};
	struct braid_pipeline *p;
	void *bytes;

	first.proceed_on = verdicts;
	first.n_proceed_on = 2;
	bytes = read_file(object, &second.size);
	second.bytes = bytes;
	must(braid_pipeline_new("in-c", &p, &err));
	must(braid_pipeline_add_interface(p, ifname, netns, &err));
	must(braid_pipeline_set_mode(p, "native", &err));
	must(braid_pipeline_set_strategy(p, "fused", &err));
	must(braid_pipeline_set_final(p, "pass", &err));
	must(braid_pipeline_add_stage(p, "first", &first, &err));
	must(braid_pipeline_add_stage(p, "second", &second, &err));
	must(braid_pipeline_set_constant(p, "first", "id", "4", &err));
	must(braid_pipeline_set_constant(p, "second", "id", "5", &err));
	must(braid_pipeline_set_max_entries(p, "second", "sizes", 16, &err));
	must(braid_pipeline_add_entry(p, "second", "sizes", "128", "0", &err));
	must(braid_pipeline_share_map(p, "all", shared, 2, &err));
	free(bytes); /* it was copied */
	return p;
}

int main(int argc, char **argv)
{
	struct braid_opts opts = {.sz = sizeof(opts), .cause = "client"};
	struct braid_pipeline *p;
	struct braid *b;
	char *report;

	if (argc != 4)
		return 2;
	p = build(argv[1], argv[2], argv[3]);
	must(braid_open(&opts, &b, &err));
	must(braid_apply(b, p, NULL, &report, &err));
	puts(report);
	free(report);
	braid_close(b);
	braid_pipeline_free(p);
	return 0;
}
