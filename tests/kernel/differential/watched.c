/* SPDX-License-Identifier: GPL-2.0-only */
#include "watched.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tap.h"

/* One that wants all, behind one that wants little and before one that only times. */
#define WHO 2
const struct observe_set watched_set = {
	.slots = {
		[0] = {.used = true, .settings = {.what = OBSERVE_EVENTS, .leaves = 1}},
		[WHO] = {.used = true,
			 .settings = {.what = OBSERVE_EVENTS | OBSERVE_TIMES, .snap = 100}},
		[7] = {.used = true, .settings = {.what = OBSERVE_TIMES}},
	}};

struct watched {
	struct ring_buffer *ring;
	struct image_record last;
	__u64 packet; /* of the events that were read */
	size_t left;
};

static int on_event(void *ctx, void *data, size_t size)
{
	const struct observe_event *e = data;
	struct watched *w = ctx;

	if (w->packet && e->packet != w->packet)
		bail_out("events of two packets where one was run");
	if (w->left)
		bail_out("an event of a packet that has left");
	w->packet = e->packet;
	w->left += e->flags & OBSERVE_LEAVES;
	if (e->point < OBSERVE_BEFORE)
		w->last = (struct image_record){e->point, e->verdict};
	return 0;
}

struct watched *watched_open(const struct loaded *loaded)
{
	static const struct observe_control all = {.lease = -1, .sample = 1ull << 32};
	struct watched *w = calloc(1, sizeof(*w));
	__u32 zero = 0;

	for (unsigned int i = 0; i < OBSERVE_SLOTS; i++) {
		_cleanup_free_ char *control = text_fmt(OBSERVE_CONTROL, i);
		int fd = loaded_map(loaded, control);

		if (watched_set.slots[i].used && bpf_map_update_elem(fd, &zero, &all, BPF_ANY))
			bail_out("cannot write %s", control);
		if (i == WHO && w) {
			_cleanup_free_ char *ring = text_fmt(OBSERVE_SYMBOL("events"), i);

			w->ring = ring_buffer__new(loaded_map(loaded, ring), on_event, w, NULL);
		}
	}
	if (!w || !w->ring)
		bail_out("cannot read events");
	return w;
}

void watched_close(struct watched *w)
{
	if (w)
		ring_buffer__free(w->ring);
	free(w);
}

struct image_record watched_last(struct watched *w)
{
	w->last = (struct image_record){-1, -1};
	w->packet = 0;
	w->left = 0;
	ring_buffer__consume(w->ring);
	return w->last;
}
