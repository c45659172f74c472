/* SPDX-License-Identifier: GPL-2.0-only */
#include "observe_common.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static struct seen seen[SEEN_MAX];
static size_t n_seen;

static int on_event(void *ctx, void *data, size_t size)
{
	const struct observe_event *e = data;
	struct seen *at = &seen[n_seen];
	size_t n = e->captured < sizeof(at->bytes) ? e->captured : sizeof(at->bytes);

	if (size < sizeof(*e) + e->captured)
		bail_out("an event of %zu bytes says that it has %u of the packet", size,
			 e->captured);
	if (n_seen == SEEN_MAX)
		return -1;
	*at = (struct seen){.e = *e};
	memcpy(at->bytes, e + 1, n);
	n_seen++;
	return 0;
}

static int find_map(const struct look *l, const char *fmt, __u32 slot)
{
	_cleanup_free_ char *symbol = text_fmt(fmt, slot);

	return loaded_map(l->s.loaded, symbol);
}

static void open_slot(struct look *l, __u32 slot)
{
	int control = find_map(l, OBSERVE_CONTROL, slot);
	int ring = find_map(l, OBSERVE_SYMBOL("events"), slot);
	void *p = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, control, 0);

	if (p == MAP_FAILED)
		bail_out("the control of slot %u cannot be mapped", slot);
	l->controls[slot] = p;
	l->controls[slot]->sample = 1ull << 32;
	l->controls[slot]->lease = clock_ns(CLOCK_MONOTONIC) + 60000000000ull;
	if (ring < 0)
		return;
	l->rings[slot] = ring_buffer__new(ring, on_event, NULL, NULL);
	if (!l->rings[slot])
		bail_out("the ring of slot %u cannot be read", slot);
}

void look_start(struct look *l, const struct seams_way *way, const struct observe_set *set,
		const char *pipeline, const char *stages)
{
	struct seams_way watched = *way;

	watched.observe = set;
	seams_start(&l->s, &watched, pipeline, stages);
	look_open(l, set);
}

void look_open(struct look *l, const struct observe_set *set)
{
	for (__u32 i = 0; i < OBSERVE_SLOTS; i++)
		if (set->slots[i].used)
			open_slot(l, i);
}

__u32 look_run(const struct look *l, const void *packet, size_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = n);

	if (bpf_prog_test_run_opts(l->s.program, &opts))
		bail_out("a packet of %zu bytes cannot be run", n);
	return opts.retval;
}

void look_done(struct look *l)
{
	for (__u32 i = 0; i < OBSERVE_SLOTS; i++) {
		if (l->rings[i])
			ring_buffer__free(l->rings[i]);
		if (l->controls[i])
			munmap((void *)l->controls[i], getpagesize());
	}
	seams_done(&l->s);
	*l = (struct look){};
}

size_t look_read(struct look *l, __u32 slot, struct seen **ret)
{
	n_seen = 0;
	ring_buffer__consume(l->rings[slot]);
	*ret = seen;
	return n_seen;
}

void look_drain(struct look *l, __u32 slot)
{
	do {
		n_seen = 0;
	} while (ring_buffer__consume(l->rings[slot]));
}

/* The verdict of XDP that it stands for in pipelines of these tests: graph_frame.h. */
static int as_xdp(__u32 verdict)
{
	static const int of[] = {0, 100, 1, 101, 3, 102, 103, 4};

	if (text_eq(seams_hook, "xdp"))
		return verdict;
	return verdict == (__u32)-1 ? 2 : verdict < 8 ? of[verdict] : (int)verdict;
}

static void add_text(const struct look *l, struct buf *b, const struct observe_event *e)
{
	__u32 stage = e->point & ~OBSERVE_BEFORE;
	const char *name = stage < l->s.plan->stages.n ? l->s.plan->stages.v[stage].stage->name
						       : "";

	buf_str(b, b->n ? " " : "");
	if (e->point == OBSERVE_ENTRY)
		buf_str(b, ">");
	else if (e->point == OBSERVE_END)
		buf_fmt(b, "$:%d", as_xdp(e->verdict));
	else if (e->point == OBSERVE_LOST)
		buf_fmt(b, "?:%d", as_xdp(e->verdict));
	else if (!*name)
		buf_fmt(b, "%#x", e->point);
	else if (e->point & OBSERVE_BEFORE)
		buf_fmt(b, "<%s", name);
	else if (e->verdict == BRAID_ACCEPT)
		buf_fmt(b, "%s:accept", name);
	else
		buf_fmt(b, "%s:%d", name, as_xdp(e->verdict));
	if (e->flags & OBSERVE_LEAVES)
		buf_str(b, "!");
}

const char *look_text(struct look *l, __u32 slot)
{
	static char *text;
	struct seen *events;
	struct buf b = {};
	size_t n = look_read(l, slot, &events);

	for (size_t i = 0; i < n; i++)
		add_text(l, &b, &events[i].e);
	free(text);
	text = buf_take(&b);
	return text ?: "";
}

struct observe_state look_state(const struct look *l, __u32 slot)
{
	int map = find_map(l, OBSERVE_SYMBOL("state"), slot), cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct observe_state *all = calloc(cpus, sizeof(*all));
	struct observe_state sum = {};
	__u32 zero = 0;

	if (bpf_map_lookup_elem(map, &zero, all))
		bail_out("cannot read the state of slot %u", slot);
	for (int i = 0; i < cpus; i++) {
		sum.packets += all[i].packets;
		sum.missed += all[i].missed;
	}
	return sum;
}

struct observe_times look_times(const struct look *l, __u32 slot, __u32 index)
{
	int map = find_map(l, OBSERVE_SYMBOL("times"), slot), cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct observe_times *all = calloc(cpus, sizeof(*all));
	struct observe_times sum = {};

	if (bpf_map_lookup_elem(map, &index, all))
		bail_out("cannot read times %u of slot %u", index, slot);
	for (int i = 0; i < cpus; i++) {
		sum.n += all[i].n;
		sum.sum += all[i].sum;
		for (int k = 0; k < OBSERVE_BUCKETS; k++)
			sum.buckets[k] += all[i].buckets[k];
	}
	return sum;
}
