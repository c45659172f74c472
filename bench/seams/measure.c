// SPDX-License-Identifier: GPL-2.0-only
#include "seams/measure.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "common/status.h"
#include "common/testrun.h"

#define NAME "bench"

void measure_init(void)
{
	sandbox_write("classifier", EMBEDDED(classifier));
	sandbox_write("counter", EMBEDDED(counter));
	sandbox_write("flows", EMBEDDED(flows));
	sandbox_write("notes", EMBEDDED(notes));
	sandbox_write("settings", EMBEDDED(settings));
	sandbox_write("vary", EMBEDDED(vary));
	if (unshare(CLONE_NEWNET))
		err(1, "a network namespace");
	/* Down: no packet comes but those of the test runs. */
	if (system("ip link add eth0 type veth peer name eth1"))
		errx(1, "no veth pair");
}

static void apply(struct braid *b, const struct variant *v)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid_manifest *m;
	char *text;

	if (asprintf(&text,
		     "{braid: 1, pipelines: [{name: " NAME ", hook: xdp, interfaces: [eth0], "
		     "%s, stats: %s, stages: [%s]}]}",
		     v->keys ?: "strategy: fused, signals: none", v->stats ?: "off", v->stages) < 0)
		errx(1, "no memory for a manifest");
	m = manifest_parse(text, SANDBOX);
	braid_must(braid_apply(b, braid_manifest_get(m, 0), &opts, NULL, &error), &error, v->name);
	braid_manifest_free(m);
	free(text);
}

/* The first step of a rollout lasts longer than the bench. */
static void roll_out(struct braid *b, const struct variant *v)
{
	struct braid_rollout_opts opts = {
		.sz = sizeof(opts),
		.steps = v->share == 100 ? "100" : "50,100",
		.every_ns = 1000000000000000ull,
		.key = v->rollout_key,
		.separate_maps = 1,
	};
	struct braid_error error = BRAID_ERROR_INIT;
	uint64_t wait_ns;

	braid_must(braid_rollout_start(b, NAME, "counter_5", SANDBOX "/counter.bpf.o", &opts, NULL,
				       &error),
		   &error, v->name);
	if (v->share)
		braid_must(braid_rollout_step(b, NAME, &wait_ns, NULL, &error), &error, v->name);
}

/* How many of @packets the stage must have counted; of one in a rollout, @ret_most at most. */
static uint64_t expected(const struct variant *v, const char *stage, uint64_t packets,
			 uint64_t *ret_most)
{
	bool new = strcmp(stage, "counter_5@new") == 0;
	uint64_t least = packets;
	char word[64];

	snprintf(word, sizeof(word), "%s ", stage);
	if (v->idle && strstr(v->idle, word))
		least = 0;
	if (v->rollout_key && (new || strcmp(stage, "counter_5") == 0))
		least = packets * (new ? v->share : 100 - v->share) / 100;
	*ret_most = least;
	if (!least || least == packets)
		return least;
	/* A hash of 10,000 flows: half a percent is one standard deviation. */
	*ret_most = least + packets / 20;
	return least - packets / 20;
}

static void check_counts(const json_t *status, const struct variant *v, uint64_t packets)
{
	const json_t *map;
	unsigned int stages = 0;
	size_t i;

	json_array_foreach (json_object_get(status, "maps"), i, map) {
		const char *stage = json_string_value(json_object_get(map, "stage"));
		const char *name = json_string_value(json_object_get(map, "name"));
		_cleanup_close_ int fd = -1;
		uint64_t n, least, most;

		if (!stage || strcmp(name, "count") != 0)
			continue;
		fd = status_map(status, stage, name);
		n = counter_read(fd, 0);
		least = expected(v, stage, packets, &most);
		if (n < least || n > most)
			errx(1, "%s: stage %s has counted %llu of %llu packets", v->name, stage,
			     (unsigned long long)n, (unsigned long long)packets);
		stages++;
	}
	if (stages < (v->counters ?: 10))
		errx(1, "%s: %u stages have a counter", v->name, stages);
}

/* The state of each flow was there for each of its packets. */
static void check_flows(const json_t *status, const struct variant *v, uint64_t packets)
{
	_cleanup_close_ int fd = status_map(status, NULL, "braid_flows");
	uint64_t seen = 0, value;
	unsigned int n = 0;
	char keys[2][64];

	for (void *last = NULL; !bpf_map_get_next_key(fd, last, keys[n % 2]); n++) {
		last = keys[n % 2];
		if (bpf_map_lookup_elem(fd, last, &value))
			err(1, "reading a flow");
		seen += value;
	}
	if (n != v->flows || seen != packets)
		errx(1, "%s: %u flows with %llu packets", v->name, n, (unsigned long long)seen);
}

static void sizes(const json_t *status, struct measurement *ret)
{
	const json_t *program;
	size_t i;

	ret->insns = 0;
	json_array_foreach (json_object_get(status, "programs"), i, program)
		ret->insns += json_integer_value(json_object_get(program, "instructions"));
	ret->programs = i;
}

#define OBSERVERS 8

static void look(struct braid *b, const struct variant *v, struct braid_observer **ret)
{
	struct braid_error error = BRAID_ERROR_INIT;

	for (unsigned int i = 0; i < v->observers->n; i++)
		braid_must(braid_observer_open(b, NAME, &v->observers->opts, &ret[i], &error),
			   &error, v->name);
}

/* Each has seen all packets, or none, and has missed nothing. */
static void look_away(const struct variant *v, uint64_t packets, struct braid_observer **list)
{
	struct braid_error error = BRAID_ERROR_INIT;

	for (unsigned int i = 0; i < v->observers->n; i++) {
		struct braid_observer_count count;

		braid_must(braid_observer_count(list[i], &count, &error), &error, v->name);
		if (count.packets != (v->observers->looks ? packets : 0) || count.missed)
			errx(1, "%s: an observer has looked at %llu of %llu packets, missed %llu",
			     v->name, (unsigned long long)count.packets,
			     (unsigned long long)packets, (unsigned long long)count.missed);
		braid_must(braid_observer_close(list[i], &error), &error, v->name);
	}
}

/* What is attached now; its size is that of the one program in front. */
static int attached(struct measurement *ret)
{
	struct bpf_prog_info info = {};
	__u32 id, size = sizeof(info);
	int fd;

	if (bpf_xdp_query_id(if_nametoindex("eth0"), 0, &id) || !id)
		err(1, "what is attached");
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		err(1, "the program that is attached");
	ret->insns = info.xlated_prog_len / sizeof(struct bpf_insn);
	return fd;
}

static void run(int program_fd, const struct variant *v, unsigned int warm_up, unsigned int runs,
		struct measurement *ret)
{
	struct testrun timed;
	struct frame frame;

	frame_make(&frame);
	frame.ip.tos = v->tos;
	if (v->protocol)
		frame.ip.protocol = v->protocol;
	testrun(program_fd, &frame, warm_up, &timed);
	testrun(program_fd, &frame, runs, &timed);
	ret->ns = timed.ns;
	ret->kernel_ns = timed.kernel_ns;
}

/* As measure(), with those who look, from when it is applied to when it is deleted. */
static void measure_observed(struct braid *b, const struct variant *v, unsigned int runs,
			     struct measurement *ret)
{
	struct braid_observer *observers[OBSERVERS];
	_cleanup_close_ int program = -1;
	unsigned int warm_up;

	runs /= v->observers->fewer ?: 1;
	warm_up = runs / 20;
	look(b, v, observers);
	program = attached(ret);
	run(program, v, warm_up, runs, ret);
	look_away(v, warm_up + runs, observers);
}

void measure(struct braid *b, const struct variant *v, unsigned int runs, struct measurement *ret)
{
	/* Flows come in no order: after so many packets all have come. */
	unsigned int warm_up = runs / 20 + 20 * v->flows;
	struct braid_error error = BRAID_ERROR_INIT;
	_cleanup_close_ int program = -1;
	json_t *status;

	apply(b, v);
	if (v->rollout_key)
		roll_out(b, v);
	status = status_read(b, NAME);
	program = status_program(status);
	sizes(status, ret);
	if (v->observers) {
		measure_observed(b, v, runs, ret);
		runs /= v->observers->fewer ?: 1;
		warm_up = runs / 20;
	} else {
		run(program, v, warm_up, runs, ret);
	}
	check_counts(status, v, warm_up + runs);
	if (v->flows)
		check_flows(status, v, warm_up + runs);
	json_decref(status);
	braid_must(braid_delete(b, NAME, &error), &error, "deleting");
}
