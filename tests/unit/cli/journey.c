/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets put together from events that come mixed, late, or not at all. */
#include "cli/journey.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "lib/random.h"
#include "lib/tap.h"

#define PACKET(cpu, n) ((uint64_t)(cpu) << 48 | (n))

/* What was emitted: "0:1 e01. " is packet 1 of CPU 0 with entry, stages 0 and 1, and its end. */
struct log {
	struct buf text;
	size_t emitted, events, wrong, stop_at;
};

static int emit(void *ctx, const struct journey *j)
{
	struct log *log = ctx;

	buf_fmt(&log->text, "%d:%d ", (int)(j->packet >> 48), (int)(j->packet & 0xffffffff));
	array_foreach (e, &j->events) {
		log->events++;
		log->wrong += e->packet != j->packet || e->captured != 4 ||
			      memcmp(e->bytes, &e->point, 4) != 0;
		buf_fmt(&log->text, "%c", e->point == BRAID_EVENT_ENTRY ? 'e' : '0' + e->point);
	}
	buf_fmt(&log->text, "%s ", j->left ? "." : "?");
	return ++log->emitted == log->stop_at;
}

static int add(struct journeys *all, uint64_t packet, uint32_t point, bool leaves)
{
	struct braid_event e = {.time_ns = 1000 + packet,
				.packet = packet,
				.point = point,
				.leaves = leaves,
				.captured = 4,
				.length = 60,
				.bytes = &point};

	return journeys_add(all, &e);
}

static void is_log(struct log *log, const char *want, const char *what)
{
	is_str(log->text.v ?: "", want, "%s", what);
	is_int(log->wrong, 0, "with their own bytes");
	buf_done(&log->text);
}

static void test_mixed(void)
{
	struct log log = {};
	struct journeys all = {.emit = emit, .ctx = &log};

	add(&all, PACKET(0, 1), BRAID_EVENT_ENTRY, false);
	add(&all, PACKET(3, 1), BRAID_EVENT_ENTRY, false);
	add(&all, PACKET(3, 1), 0, false);
	add(&all, PACKET(0, 1), 0, true);
	add(&all, PACKET(3, 1), 1, true);
	is_log(&log, "", "nothing is said before it is sure");
	journeys_round(&all);
	is_log(&log, "0:1 e0. 3:1 e01. ", "two CPUs");
	add(&all, PACKET(0, 2), BRAID_EVENT_ENTRY, false);
	add(&all, PACKET(0, 2), 0, true);
	add(&all, PACKET(0, 3), BRAID_EVENT_ENTRY, false);
	is_log(&log, "0:2 e0. ", "the next packet of a CPU ends the one before");
	journeys_round(&all);
	is_log(&log, "", "one that is under way waits");
	add(&all, PACKET(0, 3), 0, true);
	add(&all, PACKET(0, 3), 1, true);
	journeys_round(&all);
	is_log(&log, "0:3 e01. ", "left twice: from one component into the next");
	journeys_done(&all);
}

static void test_missed(void)
{
	struct log log = {};
	struct journeys all = {.emit = emit, .ctx = &log};

	add(&all, PACKET(0, 1), 1, true);
	journeys_round(&all);
	is_log(&log, "0:1 1. ", "its beginning was missed");
	for (int i = 2; i < 2 + JOURNEYS_AT_ONCE; i++)
		add(&all, PACKET(0, i), BRAID_EVENT_ENTRY, false);
	is_log(&log, "", "ends that were missed: it might be one within the other");
	add(&all, PACKET(0, 2), 0, true);
	journeys_round(&all);
	is_log(&log, "0:2 e0. ", "as here");
	add(&all, PACKET(0, 8), BRAID_EVENT_ENTRY, false);
	add(&all, PACKET(0, 9), BRAID_EVENT_ENTRY, false);
	is_log(&log, "0:3 e? ", "too many: the oldest is given up");
	journeys_expire(&all, 1000 + PACKET(0, 8));
	is_log(&log, "0:4 e? 0:5 e? ", "and old ones");
	journeys_expire(&all, UINT64_MAX);
	is_log(&log, "0:8 e? 0:9 e? ", "and all");
	journeys_done(&all);
}

static void test_limits(void)
{
	struct log log = {.stop_at = 2};
	struct journeys all = {.emit = emit, .ctx = &log};
	int r = 0;

	for (int i = 0; i < JOURNEY_EVENTS + 10; i++)
		add(&all, PACKET(1, 1), 0, false);
	journeys_expire(&all, UINT64_MAX);
	is_int(log.events, JOURNEY_EVENTS, "a packet that goes round is cut");
	for (int i = 2; i < 5; i++)
		r = r ?: add(&all, PACKET(1, i), 0, true);
	is_int(r, 1, "whoever takes them says when it is enough");
	is_int(log.emitted, 2, "and gets no more");
	buf_done(&log.text);
	journeys_done(&all);
}

/* Whatever is missing: all that was added comes out, once. */
static void test_any(void)
{
	struct rng r = {3};
	struct log log = {};
	struct journeys all = {.emit = emit, .ctx = &log};
	uint64_t number[4] = {};
	uint32_t stage[4] = {};
	size_t added = 0;

	for (int i = 0; i < 20000; i++) {
		int cpu = rng_below(&r, 4);
		bool leaves = rng_chance(&r, 30);

		if (!rng_chance(&r, 20)) {
			added++;
			add(&all, PACKET(cpu, number[cpu]),
			    stage[cpu] ? stage[cpu] - 1 : BRAID_EVENT_ENTRY, leaves);
		}
		stage[cpu]++;
		if (leaves) {
			stage[cpu] = 0;
			number[cpu]++;
		}
		if (rng_chance(&r, 5))
			journeys_round(&all);
	}
	journeys_expire(&all, UINT64_MAX);
	is_int(log.events, added, "events of %zu packets", log.emitted);
	is_int(log.wrong, 0, "each with its bytes");
	buf_done(&log.text);
	journeys_done(&all);
}

int main(void)
{
	test_mixed();
	test_missed();
	test_limits();
	test_any();
	return done();
}
