/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the packets of a preflight come from: a file, or the pipeline that runs. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/observe.h"
#include "cli/preflight.h"

int preflight_from_file(struct preflight *s, struct braid_error *err)
{
	const char *path = s->own->pcap;
	const unsigned char *bytes;
	struct pcap_pkthdr *h;
	pcap_t *in = NULL;
	int got = 0, r = packet_file_read(path, PCAP_TSTAMP_PRECISION_NANO, &in, err);

	if (r)
		return r;
	while (!r && (got = pcap_next_ex(in, &h, &bytes)) == 1)
		r = preflight_take(s, h, bytes, err);
	if (!r && got == PCAP_ERROR && !s->n)
		r = packet_file_error(err, path, pcap_geterr(in));
	else if (!r && got == PCAP_ERROR && !(s->cut_off = strdup(pcap_geterr(in))))
		r = err->code = -ENOMEM;
	pcap_close(in);
	return r;
}

/* Packets that were taken from the interface. */
struct taken {
	const struct preflight *s;
	struct {
		struct taken_packet {
			struct pcap_pkthdr h;
			unsigned char *bytes; /* owned */
		} * v;
		size_t n, cap;
	} list;
	uint64_t offset; /* from CLOCK_MONOTONIC to CLOCK_REALTIME, ns */
};

static int take_event(void *ctx, size_t observer, const struct braid_event *e)
{
	struct taken *t = ctx;
	uint64_t when = e->time_ns + t->offset;
	struct taken_packet p = {.h = {.caplen = e->captured, .len = e->length}};

	if (e->point != BRAID_EVENT_ENTRY)
		return 0;
	if (t->list.n >= t->s->own->live)
		return 1;
	/* with nanoseconds in the place of microseconds, as the file of --save has them */
	p.h.ts.tv_sec = when / 1000000000;
	p.h.ts.tv_usec = when % 1000000000;
	p.bytes = malloc(e->captured ?: 1);
	if (!p.bytes)
		return -ENOMEM;
	memcpy(p.bytes, e->bytes, e->captured);
	if (!array_add(&t->list, p)) {
		free(p.bytes);
		return -ENOMEM;
	}
	return t->list.n == t->s->own->live;
}

static int observe(struct preflight *s, struct taken *t, struct braid_error *err)
{
	struct braid_observe_opts opts = {
		.sz = sizeof(opts), .what = BRAID_OBSERVE_EVENTS, .snap = 65535, .ring = 32 << 20};
	const struct look look = {.duration_ms = s->own->seconds / 1000000};
	struct braid_observer *observer = NULL;
	struct look_loop loop = {
		.observers = &observer, .n = 1, .look = &look, .ctx = t, .event = take_event};
	int r = look_open(s->b, braid_pipeline_name(s->p), &look, &opts, &observer, err);

	if (r)
		return r;
	r = look_loop(&loop, err);
	if (r == -ENOMEM)
		err->code = r;
	if (look_close(s->o, observer, EXIT_DONE) != EXIT_DONE && !r) {
		err->code = r = -EIO;
		err->what = strdup("the variant that looks at packets is still in");
	}
	return r;
}

int preflight_from_interface(struct preflight *s, struct braid_error *err)
{
	struct taken t = {.s = s, .offset = clock_to_wall(CLOCK_MONOTONIC)};
	int r = observe(s, &t, err);

	array_foreach (p, &t.list) {
		r = r ?: preflight_take(s, &p->h, p->bytes, err);
		free(p->bytes);
	}
	array_done(&t.list);
	return r;
}
