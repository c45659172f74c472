/* SPDX-License-Identifier: GPL-2.0-only */
/* A flood of frames while revisions are exchanged: each is seen by each stage, once. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "kernel/testrun.h"
#include "live_common.h"
#include "wait.h"

enum {
	FRAMES_AT_ONCE = 4096,
	FRAMES_BETWEEN = 4 * FRAMES_AT_ONCE, /* that each revision has to see at least */
	CHANGES = 20,
	DEADLINE_MS = 20000,
};

struct flood {
	struct bpf_object *object;
	int links[2];
	struct netns left;
	pthread_t thread;
	atomic_bool stop;
	int failed; /* negative errno */
};

static int program(const struct flood *f, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(f->object, name));
}

static void *send_frames(void *arg)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct flood *f = arg;
	__u8 frame[FRAME_SIZE] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
	const struct testrun_live run = {
		.packet = frame,
		.size = sizeof(frame),
		.ns = &f->left,
		.repeat = FRAMES_AT_ONCE,
	};

	frame[12] = FRAME_TYPE >> 8;
	frame[13] = FRAME_TYPE & 0xff;
	while (!f->stop && !f->failed)
		f->failed = testrun_live(program(f, "flood"), &run, &err);
	return NULL;
}

static int attach(const struct flood *f, const char *name, const char *ifname, __u32 mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);
	_net_in_(there, "left");
	int link = bpf_link_create(program(f, name), net_ifindex("left", ifname), BPF_XDP, &opts);

	if (link < 0)
		bail_out("attaching %s: %s", name, strerror(-link));
	return link;
}

static void flood_start(struct flood *f)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	__u32 ifindex = net_ifindex("left", "l0");
	struct bpf_map *rodata;

	*f = (struct flood){.left = NETNS_INIT};
	f->object = bpf_object__open(live_text("%s/live_send.bpf.o", live_objects));
	rodata = f->object ? bpf_object__find_map_by_name(f->object, ".rodata") : NULL;
	if (!rodata || bpf_map__set_initial_value(rodata, &ifindex, sizeof(ifindex)) ||
	    bpf_object__load(f->object) || netns_open("left", &f->left, &err))
		bail_out("loading the flood: %s", strerror(errno));
	f->links[0] = attach(f, "open_door", "l0", XDP_FLAGS_DRV_MODE);
	/* nothing comes in at lo; but a test run of what is attached nowhere waits for RCU */
	f->links[1] = attach(f, "flood", "lo", XDP_FLAGS_SKB_MODE);
	if (pthread_create(&f->thread, NULL, send_frames, f))
		bail_out("a thread");
}

/* Return: how many frames were sent. */
static long long flood_end(struct flood *f)
{
	__u64 sent = 0;
	__u32 zero = 0;

	f->stop = true;
	pthread_join(f->thread, NULL);
	bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(f->object, ".bss"), &zero, &sent);
	is_int(f->failed, 0, "the flood never failed");
	close(f->links[0]);
	close(f->links[1]);
	bpf_object__close(f->object);
	netns_done(&f->left);
	return sent;
}

/*
 * What never came before a pipeline: the queue of r0 was full, as its CPU was busy sending and left
 * receiving to ksoftirqd, which some kernels do. Frames that get lost in any other way count as
 * sent.
 */
static long long overflowed(void)
{
	__u32 n = net_stats("left", "l0").tx_dropped;

	if (n)
		diag("%u more frames did not fit into the queue of r0", n);
	return n;
}

static int open_count(const char *stage)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *map;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, map) {
		if (!strcmp(json_text(map, "name"), "count") &&
		    !strcmp(json_text(map, "stage"), stage))
			return bpf_obj_get(json_text(map, "pin"));
	}
	bail_out("stage %s has no map 'count'", stage);
}

static long long counted(int fd)
{
	__u64 n = 0;
	__u32 zero = 0;

	bpf_map_lookup_elem(fd, &zero, &n);
	return n;
}

static const char *manifest(const char *strategy)
{
	return live_manifest("m.yaml", live_text(ON_R0 "%s", strategy),
			     live_text("%s, %s, {name: m3, object: %s/live_mark.bpf.o, "
				       "constants: {id: 3, verdict: 1}}",
				       live_mark(1, ""), live_mark(2, ""), live_objects));
}

/* Return: whether all changes happened, and were seen at work. */
static bool change_under_load(int seen_last)
{
	for (int i = 0; i < CHANGES; i++) {
		long long before = counted(seen_last);
		_cleanup_run_ struct run r = {};

		if (!wait_until(counted(seen_last) > before + FRAMES_BETWEEN, DEADLINE_MS))
			return false;
		if (i % 2 ? braid(&r, "rollback", "edge")
			  : braid(&r, "apply", manifest(AS_TAILS))) {
			diag("%s%s", r.out, r.err);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *const stages[] = {"m1", "m2", "m3"};
	_cleanup_json_ json_t *status = NULL;
	int counts[3];
	struct flood flood;
	long long sent;

	live_init(argc, argv);
	must_braid("apply", manifest(AS_TAILS));
	must_braid("apply", manifest(AS_FUSED));
	for (int i = 0; i < 3; i++)
		counts[i] = open_count(stages[i]);
	flood_start(&flood);
	ok(change_under_load(counts[2]), "%d changes while frames flow", CHANGES);
	sent = flood_end(&flood) - overflowed();
	status = braid_json("status", "edge");
	is_int(json_number(status, "pipelines/0/revision"), 2 + CHANGES, "each was a revision");
	ok(sent > CHANGES * FRAMES_BETWEEN, "%lld frames were sent", sent);
	for (int i = 0; i < 3; i++) {
		wait_until(counted(counts[i]) >= sent, DEADLINE_MS);
		is_int(counted(counts[i]), sent, "stage %s saw each of them once", stages[i]);
		close(counts[i]);
	}
	must_braid("delete", "edge");
	return done();
}
