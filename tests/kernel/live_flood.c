/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_flood.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "kernel/testrun.h"
#include "live_common.h"

enum { FRAMES_AT_ONCE = 4096 };

static struct {
	struct bpf_object *object;
	int links[2];
	struct netns left;
	__u8 frame[256];
	size_t size;
	__u32 full; /* frames that found no room before this flood */
	pthread_t thread;
	bool runs; /* the thread */
	atomic_bool stop;
	int failed; /* negative errno */
} flood;

static int program(const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(flood.object, name));
}

/*
 * What never came before a pipeline: the queue of r0 was full, as the CPU that empties it was
 * busy or was taken away for a moment. Frames that get lost in any other way are not in it.
 */
static __u32 found_no_room(void)
{
	return net_stats("left", "l0").tx_dropped;
}

static long long made(void)
{
	__u64 n = 0;
	__u32 zero = 0;

	bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(flood.object, ".bss"), &zero, &n);
	return n;
}

/* The kernel ends a test run early when anything wants the thread's attention. */
void live_flood_send(unsigned int n)
{
	long long sent, until = made() + n;

	while (!flood.failed && (sent = made()) < until) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		const struct testrun_live run = {
			.packet = flood.frame,
			.size = flood.size,
			.ns = &flood.left,
			.repeat = until - sent,
		};
		int r = testrun_live(program("flood"), &run, &err);

		flood.failed = r == -EINTR ? 0 : r;
	}
}

static void *send_frames(void *arg)
{
	while (!flood.stop && !flood.failed)
		live_flood_send(FRAMES_AT_ONCE);
	return NULL;
}

static int attach(const char *name, const char *ifname, __u32 mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);
	_net_in_(there, "left");
	int link = bpf_link_create(program(name), net_ifindex("left", ifname), BPF_XDP, &opts);

	if (link < 0)
		bail_out("attaching %s: %s", name, strerror(-link));
	return link;
}

void live_flood_open(const char *object, const void *frame, size_t size)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	__u32 ifindex = net_ifindex("left", "l0");
	struct bpf_map *rodata;

	flood.left = (struct netns)NETNS_INIT;
	flood.stop = flood.runs = false;
	flood.failed = 0;
	flood.size = size;
	flood.full = found_no_room();
	memcpy(flood.frame, frame, size);
	flood.object = bpf_object__open(live_text("%s/%s.bpf.o", live_objects, object));
	rodata = flood.object ? bpf_object__find_map_by_name(flood.object, ".rodata") : NULL;
	if (!rodata || bpf_map__set_initial_value(rodata, &ifindex, sizeof(ifindex)) ||
	    bpf_object__load(flood.object) || netns_open("left", &flood.left, &err))
		bail_out("loading the flood: %s", strerror(errno));
	flood.links[0] = attach("open_door", "l0", XDP_FLAGS_DRV_MODE);
	/* nothing comes in at lo; but a test run of what is attached nowhere waits for RCU */
	flood.links[1] = attach("flood", "lo", XDP_FLAGS_SKB_MODE);
}

void live_flood_go(void)
{
	flood.stop = false;
	flood.runs = !pthread_create(&flood.thread, NULL, send_frames, NULL);
	if (!flood.runs)
		bail_out("a thread");
}

void live_flood_stop(void)
{
	flood.stop = true;
	if (flood.runs)
		pthread_join(flood.thread, NULL);
	flood.runs = false;
}

void live_flood_start(void)
{
	__u8 frame[FRAME_SIZE] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};

	frame[12] = FRAME_TYPE >> 8;
	frame[13] = FRAME_TYPE & 0xff;
	live_flood_open("live_send", frame, sizeof(frame));
	live_flood_go();
}

long long live_flood_sent(void)
{
	return made() - (__u32)(found_no_room() - flood.full);
}

long long live_flood_end(void)
{
	long long sent;

	live_flood_stop();
	sent = live_flood_sent();
	if (sent != made())
		diag("%lld more frames did not fit into the queue of r0", made() - sent);
	is_int(flood.failed, 0, "the flood never failed");
	close(flood.links[0]);
	close(flood.links[1]);
	bpf_object__close(flood.object);
	netns_done(&flood.left);
	return sent;
}

int live_open_count(const char *stage)
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

long long live_counted(int fd)
{
	__u64 n = 0;
	__u32 zero = 0;

	bpf_map_lookup_elem(fd, &zero, &n);
	return n;
}
