// SPDX-License-Identifier: GPL-2.0-only
#include "chain/measure.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/if_link.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "common/net.h"
#include "common/testrun.h"

void measure_init(void)
{
	if (unshare(CLONE_NEWNET))
		err(1, "a network namespace");
}

static uint64_t counters_sum(struct bpf_object *object)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map(map, object) if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY)
		sum += counter_read(bpf_map__fd(map), 0);
	return sum;
}

static unsigned int programs_loaded(const struct bpf_object *object)
{
	struct bpf_program *program;
	unsigned int n = 0;

	bpf_object__for_each_program(program, object) n += bpf_program__fd(program) >= 0;
	return n;
}

void measure(const struct image *image, unsigned int runs, struct measurement *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	struct bpf_object *object = object_open(image->object, "chain");
	struct bpf_program *entry = bpf_object__find_program_by_name(object, image->program);
	unsigned int warm_up = runs / 20;
	_cleanup_close_ int link = -1;
	struct testrun timed;
	struct frame frame;

	if (!entry)
		errx(1, "no program %s", image->program);
	bpf_program__set_autoload(entry, true);
	if (bpf_object__load(object))
		err(1, "loading %s", image->program);

	link = bpf_link_create(bpf_program__fd(entry), LOOPBACK_IFINDEX, BPF_XDP, &generic);
	if (link < 0)
		err(1, "attaching %s", image->program);
	frame_make(&frame);
	testrun(bpf_program__fd(entry), &frame, warm_up, &timed);
	testrun(bpf_program__fd(entry), &frame, runs, &timed);
	ret->ns = timed.ns;
	ret->kernel_ns = timed.kernel_ns;
	ret->runs = warm_up + runs;
	ret->programs = programs_loaded(object);
	ret->counted = counters_sum(object);
	bpf_object__close(object);
}

void measurement_check(const struct measurement *m, const struct chain *chain, const char *variant)
{
	uint64_t stages = strcmp(chain->kind, "counter") == 0 ? chain->length : 0;

	if (m->counted != stages * m->runs)
		errx(1, "%s: %llu packets counted in %u stages, %llu expected", variant,
		     (unsigned long long)m->counted, chain->length,
		     (unsigned long long)stages * m->runs);
}
