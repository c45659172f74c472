/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps are migrated while programs count in them: no frame is lost, and none counts twice. */
#include <bpf/bpf.h>
#include <string.h>

#include "live_flood.h"
#include "live_migrate_common.h"
#include "wait.h"

enum { MANY = 100000, CHANGES = 6 };

static const char *reordered(int i, unsigned int keys)
{
	return manifest(i % 2 ? "1" : "2", MIGRATE,
			live_text(", constants: {keys: %u, verdict: 1}", keys));
}

static void count_late(json_t *report, long long *late, long long *conflicts)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(report, "carry"), i, m) {
		if (strcmp(json_text(m, "how"), "migrated"))
			continue;
		*late += json_number(m, "late");
		*conflicts += json_number(m, "conflicts");
		if (*json_text(m, "note"))
			diag("%s: %s", json_text(m, "name"), json_text(m, "note"));
	}
}

/* Return: whether all changes happened. */
static bool migrate_under_load(unsigned int keys, int changes, long long *late,
			       long long *conflicts)
{
	for (int i = 0; i < changes; i++) {
		long long before = live_flood_sent();
		_cleanup_json_ json_t *j = NULL;

		if (!wait_until(live_flood_sent() > before + FRAMES_BETWEEN, DEADLINE_MS))
			return false;
		j = braid_json("apply", reordered(i + 1, keys));
		if (strcmp(how(j, "flows"), "migrated"))
			return false;
		count_late(j, late, conflicts);
	}
	return true;
}

static void is_exact(long long sent, int variant)
{
	wait_until(global("total", 8) >= sent, DEADLINE_MS);
	is_int(global("total", 8), sent, "globals: each frame once");
	for (int i = 0; i < COUNTING; i++)
		is_int(packets_in(counting[i], variant), sent, "%s: each frame once", counting[i]);
}

/* Tries take no entries from the programs here. */
static void make_routes(void)
{
	_cleanup_close_ int fd = open_map("routes");
	const struct record2 empty = {};

	for (__u32 i = 0; i < PREFIXES; i++) {
		struct prefix prefix = prefix_of(i);

		must_put(fd, &prefix, &empty);
	}
}

/* All that is tagged as a counter is exact, however often it moves, and no frame is lost. */
static void test_load(unsigned int keys, int changes)
{
	long long late = 0, conflicts = 0, sent;
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	must_braid("apply", reordered(1, keys));
	must_braid("apply", reordered(0, keys));
	make_routes();
	live_flood_start();
	ok(migrate_under_load(keys, changes, &late, &conflicts),
	   "%d migrations of %u flows under load", changes, keys);
	sent = live_flood_end();
	diag("%lld frames, %lld entries late, %lld conflicts", sent, late, conflicts);
	if (keys > 1) /* with so many there is always one */
		ok(late > 0, "some entries changed between the last copying and the switch");
	is_exact(sent, changes % 2 ? 1 : 2);
}

static void fill_many(void)
{
	_cleanup_close_ int fd = open_map("flows");
	const struct record2 empty = {.kind = 5};

	for (__u32 i = 0; i < MANY; i++)
		must_put(fd, &i, &empty);
}

static void test_many(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;
	long long sent;

	braid(&r, "delete", "edge");
	must_braid("apply", reordered(0, MANY));
	fill_many();
	make_routes();
	live_flood_start();
	if (!wait_until(live_flood_sent() > FRAMES_BETWEEN, DEADLINE_MS))
		bail_out("no frames");
	j = braid_json("apply", reordered(1, MANY));
	sent = live_flood_end();
	is_int(json_number(carry_of(j, "flows"), "copied"), MANY, "%d entries", MANY);
	is_int(json_number(carry_of(j, "flows"), "conflicts"), 0, "no conflict");
	is_exact(sent, 1);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_load(1, CHANGES);
	test_load(1000, CHANGES);
	test_many();
	braid_error_clear(&err);
	return done();
}
