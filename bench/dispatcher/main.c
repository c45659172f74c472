// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-dispatcher: what a packet pays for going through components of a libxdp dispatcher, made
 * by xdp-loader and by braid, and for the same stages fused.
 *
 * It takes freplace, which kernels that are locked down refuse. In the machine of scripts/vm,
 * with BRAID_VM_COUNT=1, the clock counts instructions: then each nanosecond is one instruction
 * that was executed, of the machine that is emulated, and each round gives the same.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "common/net.h"
#include "common/sandbox.h"
#include "common/stats.h"
#include "common/testrun.h"

static const char about[] =
	"bench-dispatcher: instructions (in the VM, counted) or nanoseconds per packet\n"
	"through 1, 5 and 10 components of a dispatcher, and through the same stages fused";

#define NAME "bench"
#define LINK "sink"

static void command(const char *line)
{
	if (system(line))
		errx(1, "failed: %s", line);
}

static void none_attach(struct braid *b, const char *object, unsigned int n)
{
	struct bpf_object *o = object_open(EMBEDDED(bounds_chain), "chain");
	struct bpf_program *p = bpf_object__find_program_by_name(o, "empty");

	bpf_program__set_autoload(p, true);
	if (bpf_object__load(o) ||
	    bpf_xdp_attach(if_nametoindex(LINK), bpf_program__fd(p), XDP_FLAGS_DRV_MODE, NULL))
		errx(1, "an empty program");
	bpf_object__close(o);
}

static void none_detach(struct braid *b)
{
	bpf_xdp_detach(if_nametoindex(LINK), XDP_FLAGS_DRV_MODE, NULL);
}

static void libxdp_attach(struct braid *b, const char *object, unsigned int n)
{
	char line[1024] = "xdp-loader load -m native " LINK;

	for (unsigned int i = 0; i < n; i++)
		sprintf(line + strlen(line), " " SANDBOX "/%s.bpf.o", object);
	command(line);
}

static void libxdp_detach(struct braid *b)
{
	command("xdp-loader unload -a " LINK);
}

/* Each stage is a component of its own under strategy dispatcher, as it has a priority. */
static void braid_attach(struct braid *b, const char *strategy, const char *object, unsigned int n)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_manifest *m;
	char text[2048];
	int len = snprintf(text, sizeof(text),
			   "{braid: 1, pipelines: [{name: " NAME ", hook: xdp, signals: none, "
			   "stats: off, "
			   "strategy: %s, interfaces: [" LINK "], stages: [",
			   strategy);

	for (unsigned int i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - len,
				"{name: s%u, object: %s.bpf.o, priority: %u}, ", i, object, i + 1);
	snprintf(text + len, sizeof(text) - len, "]}]}");
	m = manifest_parse(text, SANDBOX);
	braid_must(braid_apply(b, braid_manifest_get(m, 0), &opts, NULL, &error), &error, strategy);
	braid_manifest_free(m);
}

static void dispatcher_attach(struct braid *b, const char *object, unsigned int n)
{
	braid_attach(b, "dispatcher", object, n);
}

static void fused_attach(struct braid *b, const char *object, unsigned int n)
{
	braid_attach(b, "fused", object, n);
}

static void braid_detach(struct braid *b)
{
	struct braid_error error = BRAID_ERROR_INIT;

	braid_must(braid_delete(b, NAME, &error), &error, "delete");
}

static const struct variant {
	const char *name;
	/* @object: `bounds` is measured; `counter` shows that packets meet all stages */
	void (*attach)(struct braid *b, const char *object, unsigned int n);
	void (*detach)(struct braid *b);
} variants[] = {
	{"empty", none_attach, none_detach},
	{"libxdp", libxdp_attach, libxdp_detach},
	{"dispatcher", dispatcher_attach, braid_detach},
	{"fused", fused_attach, braid_detach},
};

enum { EMPTY, LIBXDP, N_VARIANTS = 4, COUNTED = 100 };

/* Of what is attached; the caller closes it. */
static int attached(const struct variant *v)
{
	__u32 id = 0;
	int fd;

	if (bpf_xdp_query_id(if_nametoindex(LINK), 0, &id) || !id)
		errx(1, "%s: nothing is attached", v->name);
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		err(1, "%s: program %u", v->name, id);
	return fd;
}

static double measure(struct braid *b, const struct variant *v, unsigned int n, unsigned int runs)
{
	struct frame frame;
	struct testrun result;
	int fd;

	frame_make(&frame);
	v->attach(b, "bounds", n);
	fd = attached(v);
	testrun(fd, &frame, 1000, &result); /* code and data into caches, of QEMU, too */
	testrun(fd, &frame, runs, &result);
	close(fd);
	v->detach(b);
	return result.ns;
}

static __u32 newest_map(void)
{
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id))
		;
	return id;
}

/* How many counters of stages came after map @id, each of which must have all packets. */
static unsigned int stages_since(__u32 id, const char *who)
{
	unsigned int stages = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ||
		    info.type != BPF_MAP_TYPE_PERCPU_ARRAY || !strstr(info.name, "count"))
			continue;
		if (counter_read(fd, 0) != COUNTED)
			errx(1, "%s: of %d packets a stage met %llu", who, COUNTED,
			     (unsigned long long)counter_read(fd, 0));
		stages++;
	}
	return stages;
}

/* A function that nothing replaced would pass packets as well, and cost less. */
static void check(struct braid *b, const struct variant *v, unsigned int n)
{
	__u32 before = newest_map();
	struct testrun result;
	struct frame frame;
	unsigned int stages;
	int fd;

	frame_make(&frame);
	v->attach(b, "counter", n);
	fd = attached(v);
	testrun(fd, &frame, COUNTED, &result);
	stages = stages_since(before, v->name);
	if (stages != n)
		errx(1, "%s: packets met %u stages, not %u", v->name, stages, n);
	close(fd);
	v->detach(b);
}

static void report(unsigned int n, double *const all[], const struct options *options)
{
	for (unsigned int i = 0; i < N_VARIANTS; i++) {
		struct summary net = summarize_pairs(all[i], all[EMPTY], options->rounds,
						     difference_of);
		char name[16];
		struct row row = {"dispatcher", name, variants[i].name, "net"};

		snprintf(name, sizeof(name), "components/%u", n);
		if (!options->json)
			printf("%10u  %-10s %9.2f %9.2f %9.2f %9.2f\n", n, variants[i].name,
			       summarize(all[i], options->rounds).median, net.median, net.p10,
			       net.p90);
		row.summary = net;
		if (options->json)
			row_print_json(&row);
	}
}

static void bench(struct braid *b, unsigned int n, const struct options *options)
{
	double *all[N_VARIANTS];

	for (unsigned int i = 0; i < N_VARIANTS; i++)
		if (!(all[i] = calloc(options->rounds, sizeof(double))))
			err(1, "series");
	for (unsigned int i = LIBXDP; i < N_VARIANTS; i++)
		check(b, &variants[i], n);
	for (unsigned int round = 0; round < options->rounds; round++)
		for (unsigned int turn = 0; turn < N_VARIANTS; turn++) {
			unsigned int i = (round + turn) % N_VARIANTS;

			all[i][round] = measure(b, &variants[i], n,
						options->quick ? 10000 : 100000);
		}
	report(n, all, options);
	for (unsigned int i = 0; i < N_VARIANTS; i++)
		free(all[i]);
}

int main(int argc, char **argv)
{
	static const unsigned int lengths[] = {1, 5, 10};
	struct options options;
	struct net net;
	struct braid *b;

	options_parse(argc, argv, about, 3, 1, &options);
	pin_cpu(0);
	sandbox_enter();
	setenv("LIBXDP_BPFFS", SANDBOX "/bpf", 1);
	sandbox_write("bounds", EMBEDDED(bounds));
	sandbox_write("counter", EMBEDDED(counter));
	net_open(&net);
	b = sandbox_braid();
	if (!options.json)
		printf("components  variant       median       net       p10       p90\n");
	for (unsigned int i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "components/%u", lengths[i]);
		if (options_want(&options, name))
			bench(b, lengths[i], &options);
	}
	options_check(&options);
	braid_close(b);
	net_close(&net);
	return 0;
}
