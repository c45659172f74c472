/* SPDX-License-Identifier: GPL-2.0-only */
#include "trail.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "contents.h"
#include "sampler/sampler_abi.h"
#include "tap.h"

#define NSEC_PER_SEC 1000000000ull

/* flowstat's */
struct record {
	__u64 packets, bytes, first_seen, last_seen;
	__u32 tcp_flags, pad;
};

void trail_done(struct trail *t)
{
	array_foreach (m, &t->maps)
		buf_done(&m->bytes);
	array_done(&t->maps);
	array_done(&t->packets);
	array_done(&t->times);
	*t = (struct trail){};
}

/* The packet, counted from 1, during which @time was taken; a time outside of the run stays. */
static __u64 packet_at(const struct trail *t, __u64 time)
{
	size_t low = 0, high = t->times.n;

	if (!t->times.n || time < t->times.v[0] || time > t->end)
		return time;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->times.v[middle] <= time)
			low = middle;
		else
			high = middle;
	}
	return low + 1;
}

static void replace_flow_times(const struct trail *t, __u8 *values, size_t size)
{
	for (size_t at = 0; at < size; at += sizeof(struct record)) {
		struct record r;

		memcpy(&r, values + at, sizeof(r));
		r.first_seen = packet_at(t, r.first_seen);
		r.last_seen = packet_at(t, r.last_seen);
		memcpy(values + at, &r, sizeof(r));
	}
}

/*
 * A bucket that was full at a packet's time has tokens missing, a second for each. What lies
 * further ahead was put there by the test and is never changed.
 */
static void replace_full_at(const struct trail *t, __u8 *value)
{
	__u64 full_at, tokens;

	memcpy(&full_at, value, sizeof(full_at));
	if (!t->times.n || full_at < t->times.v[0] || full_at >> 61)
		return;
	tokens = (full_at - t->times.v[0]) / NSEC_PER_SEC;
	full_at = tokens * NSEC_PER_SEC + packet_at(t, full_at - tokens * NSEC_PER_SEC);
	memcpy(value, &full_at, sizeof(full_at));
}

static void replace_sample(const struct trail *t, __u8 *value)
{
	struct sample s;

	memcpy(&s, value, sizeof(s));
	s.time = packet_at(t, s.time);
	if (s.captured < sizeof(s.bytes))
		memset(s.bytes + s.captured, 0, sizeof(s.bytes) - s.captured);
	memcpy(value, &s, sizeof(s));
}

static void replace_times(const struct trail *t, enum kind kind, struct contents *m)
{
	for (size_t at = 0; at < m->bytes.n; at += m->step) {
		__u8 *value = (__u8 *)m->bytes.v + at + m->key_size;

		if (kind == FLOWSTAT && text_eq(m->of.name, "flows"))
			replace_flow_times(t, value, m->step - m->key_size);
		else if (kind == RATELIMIT && text_eq(m->of.name, "buckets"))
			replace_full_at(t, value);
		else if (kind == SAMPLER && text_eq(m->of.name, "samples"))
			replace_sample(t, value);
	}
}

bool trail_record(const struct runner *runner, const struct chain *c, const struct map_name *maps,
		  size_t n_maps, const struct event *v, size_t n, struct trail *ret)
{
	*ret = (struct trail){.knows_stage = runner->knows_stage};
	if (!array_reserve(&ret->packets, n) || !array_reserve(&ret->times, n) ||
	    !array_reserve(&ret->maps, n_maps))
		bail_out("no memory");
	for (size_t i = 0; i < n; i++) {
		struct outcome *o = array_push(&ret->packets);

		if (!i || v[i].state != v[i - 1].state)
			runner->set(runner->ctx, &c->states[v[i].state]);
		array_add(&ret->times, clock_ns(CLOCK_MONOTONIC));
		runner->run(runner->ctx, v[i].packet.data, v[i].packet.len, o);
	}
	ret->end = clock_ns(CLOCK_MONOTONIC);
	if (n && ret->end - ret->times.v[0] >= NSEC_PER_SEC) {
		trail_done(ret);
		return false;
	}
	for (size_t k = 0; k < c->n; k++)
		if (c->stages[k].rolled && tree_runs(c, k))
			runner->count(runner->ctx, k, &ret->tallies[k]);
	ret->counts = runner->traffic;
	if (ret->counts)
		runner->traffic(runner->ctx, &ret->traffic);
	for (size_t i = 0; i < n_maps; i++) {
		struct contents *m = array_push(&ret->maps);

		m->of = maps[i];
		contents_read(runner->map(runner->ctx, &maps[i]), m);
		replace_times(ret, c->stages[maps[i].stage].kind, m);
	}
	return true;
}

static bool outcome_is_same(const struct outcome *want, const struct outcome *got, bool stages,
			    struct buf *why)
{
	size_t at = 0;

	if (got->verdict != want->verdict)
		buf_fmt(why, "verdict %#x, want %#x\n", got->verdict, want->verdict);
	else if (stages && (got->stage != want->stage || got->stage_verdict != want->stage_verdict))
		buf_fmt(why, "left stage %u with %#x, want stage %u with %#x\n", got->stage,
			got->stage_verdict, want->stage, want->stage_verdict);
	else if (got->size != want->size)
		buf_fmt(why, "%zu bytes come out, want %zu\n", got->size, want->size);
	while (!why->n && at < want->size && got->bytes[at] == want->bytes[at])
		at++;
	if (!why->n && at < want->size)
		buf_fmt(why, "byte %zu of what comes out is %#x, want %#x\n", at, got->bytes[at],
			want->bytes[at]);
	return !why->n;
}

static bool tallies_are_same(const struct chain *c, const struct trail *want,
			     const struct trail *got, struct buf *why)
{
	for (size_t k = 0; k < c->n; k++)
		for (int v = 0; v < 2; v++) {
			const struct said *a = &want->tallies[k].version[v];
			const struct said *b = &got->tallies[k].version[v];

			if (!memcmp(a, b, sizeof(*a)))
				continue;
			buf_fmt(why, "%llu packets counted, %llu dropped, %llu passed; ",
				b->packets, b->verdicts[1], b->verdicts[2]);
			buf_fmt(why, "want %llu, %llu, %llu\n", a->packets, a->verdicts[1],
				a->verdicts[2]);
			buf_fmt(why, "of version %d of stage %s\n", v, c->stages[k].name);
			return false;
		}
	return true;
}

bool trail_is_same(const struct chain *c, const struct trail *want, const struct trail *got,
		   struct buf *why, size_t *ret_packet)
{
	for (size_t i = 0; i < want->packets.n; i++) {
		*ret_packet = i;
		if (!outcome_is_same(&want->packets.v[i], &got->packets.v[i], got->knows_stage,
				     why)) {
			buf_fmt(why, "of packet %zu\n", i);
			return false;
		}
	}
	if (!tallies_are_same(c, want, got, why))
		return false;
	if (got->counts && !traffic_is_same(c, &want->traffic, &got->traffic, why))
		return false;
	for (size_t i = 0; i < want->maps.n; i++) {
		const struct map_name *of = &want->maps.v[i].of;

		if (!contents_are_same(&want->maps.v[i], &got->maps.v[i], why)) {
			buf_fmt(why, "in map %s of stage %s\n", of->name,
				c->stages[of->stage].name);
			return false;
		}
	}
	return true;
}
