/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the packets of a preflight come from: a file, or the pipeline that runs. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/observe.h"
#include "cli/preflight.h"

int preflight_file_error(struct braid_error *err, const char *path, const char *what)
{
	braid_error_clear(err);
	err->code = -EIO;
	err->where = strdup(path);
	err->what = strdup(what);
	return -EIO;
}

static int check_link_type(pcap_t *in, const char *path, struct braid_error *err)
{
	const char *name = pcap_datalink_val_to_name(pcap_datalink(in));
	char what[128];

	if (pcap_datalink(in) == DLT_EN10MB)
		return 0;
	snprintf(what, sizeof(what), "its packets are not Ethernet frames, but of link type %s",
		 name ?: "without a name");
	preflight_file_error(err, path, what);
	err->why = strdup("programs at this hook see Ethernet frames");
	err->hint = strdup("capture at an Ethernet interface, and not at \"any\"");
	return -EIO;
}

int preflight_from_file(struct preflight *s, struct braid_error *err)
{
	const char *path = s->own->pcap;
	char why[PCAP_ERRBUF_SIZE];
	const unsigned char *bytes;
	struct pcap_pkthdr *h;
	int got = 0, r;
	pcap_t *in = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);

	if (!in)
		return preflight_file_error(err, path, why);
	r = check_link_type(in, path, err);
	while (!r && (got = pcap_next_ex(in, &h, &bytes)) == 1)
		r = preflight_take(s, h, bytes, err);
	if (!r && got == PCAP_ERROR)
		r = preflight_file_error(err, path, pcap_geterr(in));
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

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int take_event(void *ctx, size_t observer, const struct braid_event *e)
{
	struct taken *t = ctx;
	uint64_t when = e->time_ns + t->offset;
	struct taken_packet p = {.h = {.caplen = e->captured, .len = e->length}};

	if (e->point != BRAID_EVENT_ENTRY)
		return 0;
	if (t->list.n >= t->s->live)
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
	return t->list.n == t->s->live;
}

static int observe(struct preflight *s, struct taken *t, struct braid_error *err)
{
	struct braid_observe_opts opts = {
		.sz = sizeof(opts), .what = BRAID_OBSERVE_EVENTS, .snap = 65535, .ring = 32 << 20};
	const struct look look = {.duration_ms = s->seconds * 1000};
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
	struct taken t = {.s = s, .offset = now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC)};
	int r = observe(s, &t, err);

	array_foreach (p, &t.list) {
		r = r ?: preflight_take(s, &p->h, p->bytes, err);
		free(p->bytes);
	}
	array_done(&t.list);
	return r;
}
