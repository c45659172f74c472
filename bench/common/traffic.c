// SPDX-License-Identifier: GPL-2.0-only
#include "common/traffic.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/harness.h"

/*
 * Frames between two looks at whether to end. Not fewer: some 15 ms are lost
 * between two test runs, and no frames flow meanwhile.
 */
#define FRAMES_AT_ONCE 1000000

struct traffic {
	const struct net *net;
	uint64_t frames;
	atomic_bool finish;
	pthread_t thread;
	struct bpf_object *object;
	int pass_link, generator_link;
	double seconds; /* the thread's, until it is joined */
};

static void *send_frames(void *arg)
{
	struct traffic *t = arg;
	int generator = object_program(t->object, "generator");
	uint64_t sent = 0;
	struct frame frame;
	uint64_t start;

	pin_cpu(1);
	net_enter(t->net->gen_ns);
	frame_make(&frame);
	start = now_ns();
	while (sent < t->frames || !atomic_load(&t->finish)) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame,
			    .data_size_in = sizeof(frame), .repeat = FRAMES_AT_ONCE,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

		if (bpf_prog_test_run_opts(generator, &opts))
			err(1, "BPF_PROG_TEST_RUN with live frames");
		sent += FRAMES_AT_ONCE;
	}
	t->seconds = (now_ns() - start) / 1e9;
	return NULL;
}

static int attach(struct bpf_object *object, const char *program, int ifindex, uint32_t mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode);
	int link = bpf_link_create(object_program(object, program), ifindex, BPF_XDP, &opts);

	if (link < 0)
		err(1, "attaching %s to interface %d", program, ifindex);
	return link;
}

struct traffic *traffic_start(const struct net *net, uint64_t frames)
{
	uint32_t ifindex = net->gen_ifindex;
	struct traffic *t = calloc(1, sizeof(*t));

	if (!t)
		err(1, "traffic");
	t->net = net;
	t->frames = frames;
	t->object = object_open(EMBEDDED(generator), "generator");
	object_set_rodata(t->object, &ifindex, sizeof(ifindex));
	if (bpf_object__load(t->object))
		err(1, "loading the generator");

	net_enter(net->gen_ns);
	t->pass_link = attach(t->object, "pass", ifindex, XDP_FLAGS_DRV_MODE);
	/*
	 * Never reached by a packet there. But each test run of a program that is not
	 * attached anywhere waits for RCU, and then the traffic would pause.
	 */
	t->generator_link = attach(t->object, "generator", LOOPBACK_IFINDEX, XDP_FLAGS_SKB_MODE);
	net_enter(net->sink_ns);

	errno = pthread_create(&t->thread, NULL, send_frames, t);
	if (errno)
		err(1, "a thread");
	return t;
}

void traffic_finish(struct traffic *traffic, uint64_t *ret_sent, double *ret_seconds)
{
	struct bpf_map *sent = bpf_object__find_map_by_name(traffic->object, "sent");

	atomic_store(&traffic->finish, true);
	errno = pthread_join(traffic->thread, NULL);
	if (errno)
		err(1, "joining the thread");
	*ret_sent = counter_read(bpf_map__fd(sent), 0);
	*ret_seconds = traffic->seconds;
	close(traffic->generator_link);
	close(traffic->pass_link);
	bpf_object__close(traffic->object);
	free(traffic);
}

bool traffic_wait(uint64_t (*count)(void *self), void *self, uint64_t want)
{
	const struct timespec pause = {.tv_nsec = 20000};
	const uint64_t patience = 10000000000; /* as long as a busy machine may stand still */
	uint64_t last = 0, progress = now_ns();

	for (;;) {
		uint64_t n = count(self);

		if (n >= want)
			return true;
		if (n != last) {
			last = n;
			progress = now_ns();
		} else if (now_ns() - progress > patience) {
			return false;
		}
		nanosleep(&pause, NULL);
	}
}
