// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-migrate: how fast do the entries of a map go into a new layout, and is a frame lost
 * meanwhile?
 *
 * An apply does more than that: load, verify, attach, wait for RCU. What it takes with one
 * entry in the map, in the same round, is taken off.
 */
#include <bpf/bpf.h>
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/net.h"
#include "common/sandbox.h"
#include "common/stats.h"
#include "common/status.h"
#include "common/traffic.h"
#include "migrate/subject.h"

static const char about[] = "bench-migrate: entries per second into another layout";

struct bench {
	struct braid *braid;
	struct net net;
	uint32_t entries;
	unsigned int rounds;
	bool json;
};

/* One value per round. */
struct series {
	double *copy, *migrate, *loaded; /* entries per second */
	double *sent, *lost, *late, *conflicts;
};

static double now(void)
{
	return now_ns() / 1e9;
}

/* Applies a version. @ret_report: JSON, for json_decref(); may be NULL. Return: seconds. */
static double apply(const struct bench *b, const struct subject *s, unsigned int version,
		    uint32_t entries, json_t **ret_report)
{
	struct braid_pipeline *p = subject_pipeline(s, version, entries, b->net.sink_ifindex);
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	double start = now();
	char *report;

	braid_must(braid_apply(b->braid, p, &opts, &report, &error), &error, s->name);
	start = now() - start;
	if (ret_report)
		*ret_report = json_loads(report, 0, NULL);
	free(report);
	braid_pipeline_free(p);
	return start;
}

static void delete (const struct bench *b)
{
	struct braid_error error = BRAID_ERROR_INIT;

	braid_must(braid_delete(b->braid, "bench", &error), &error, "deleting");
}

static int open_map(const struct bench *b, const char *name)
{
	json_t *status = status_read(b->braid, "bench");
	int fd = status_map(status, "stage_0", name);

	json_decref(status);
	return fd;
}

/* Version 0 runs, its map has @entries. */
static void prepare(const struct bench *b, const struct subject *s, uint32_t entries)
{
	int fd;

	apply(b, s, 0, entries, NULL);
	fd = open_map(b, s->map);
	subject_fill(s, fd, entries);
	close(fd);
}

static void check(const struct bench *b, const struct subject *s)
{
	int fd = open_map(b, s->map);
	uint32_t n = subject_count(s, fd);

	close(fd);
	if (n != b->entries)
		errx(1, "%s: %u of %u entries", s->name, n, b->entries);
}

/* The least that can be done: all entries as they are, nobody changes them. */
static double copy(const struct bench *b, const struct subject *s)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = s->flags);
	uint32_t room = subject_room(s, b->entries);
	int from = bpf_map_create(s->type, "from", s->key_size, s->value_size, room, &opts);
	double start;
	int to;

	if (from < 0)
		err(1, "%s", s->name);
	subject_fill(s, from, b->entries);
	start = now();
	to = bpf_map_create(s->type, "to", s->key_size, s->value_size, room, &opts);
	if (to < 0)
		err(1, "%s", s->name);
	subject_copy(s, from, to);
	start = now() - start;
	if (subject_count(s, to) != b->entries)
		errx(1, "%s: the copy has not all entries", s->name);
	close(from);
	close(to);
	return b->entries / start;
}

/* What an apply takes that has one entry to migrate. */
static double apply_alone(const struct bench *b, const struct subject *s)
{
	double seconds;

	prepare(b, s, 1);
	seconds = apply(b, s, 1, 1, NULL);
	delete (b);
	return seconds;
}

/* A round on a busy machine may take less than the one it is compared with. */
static double rate(const struct bench *b, double seconds, double alone)
{
	double difference = seconds - alone;

	return b->entries / (difference > 1e-6 ? difference : 1e-6);
}

static double migrate(const struct bench *b, const struct subject *s, double alone)
{
	double seconds;

	prepare(b, s, b->entries);
	seconds = apply(b, s, 1, b->entries, NULL);
	check(b, s);
	delete (b);
	return rate(b, seconds, alone);
}

/* The sum of a number over all maps that a report lists. */
static double reported(const json_t *report, const char *member)
{
	double sum = 0;
	json_t *map;
	size_t i;

	json_array_foreach (json_object_get(report, "carry"), i, map)
		sum += json_number_value(json_object_get(map, member));
	return sum;
}

/* Until @want frames have come, or none for a second. */
static void wait_for(int counter, uint64_t want)
{
	const struct timespec pause = {.tv_nsec = 20000};
	uint64_t last = 0;
	double progress = now();

	for (uint64_t n; (n = counter_read(counter, 0)) < want; nanosleep(&pause, NULL)) {
		if (n != last) {
			last = n;
			progress = now();
		} else if (now() - progress > 1) {
			return;
		}
	}
}

/* As migrate(), with as many frames as the machine can make, each of which changes an entry. */
static void migrate_loaded(const struct bench *b, const struct subject *s, double alone,
			   struct series *series, unsigned int round)
{
	struct traffic *traffic;
	double seconds, took;
	json_t *report;
	uint64_t sent;
	int counter;

	prepare(b, s, b->entries);
	counter = open_map(b, "count");
	traffic = traffic_start(&b->net, 1);
	wait_for(counter, 100000);
	took = apply(b, s, 1, b->entries, &report);
	traffic_finish(traffic, &sent, &seconds);
	wait_for(counter, sent);
	check(b, s);
	series->loaded[round] = rate(b, took, alone);
	series->sent[round] = sent;
	series->lost[round] = (double)sent - (double)counter_read(counter, 0);
	series->late[round] = reported(report, "late");
	series->conflicts[round] = reported(report, "conflicts");
	json_decref(report);
	close(counter);
	delete (b);
}

static double *values_new(unsigned int n)
{
	double *v = calloc(n, sizeof(*v));

	if (!v)
		err(1, "%u values", n);
	return v;
}

static void report_json(const struct bench *b, const struct subject *s, const struct series *v)
{
	const struct {
		const char *variant, *unit;
		struct summary summary;
	} rows[] = {
		{"copy", "entries_per_s", summarize(v->copy, b->rounds)},
		{"migrate", "entries_per_s", summarize(v->migrate, b->rounds)},
		{"migrate", "ratio_copy",
		 summarize_pairs(v->migrate, v->copy, b->rounds, ratio_of)},
		{"loaded", "entries_per_s", summarize(v->loaded, b->rounds)},
		{"loaded", "frames_sent", summarize(v->sent, b->rounds)},
		{"loaded", "frames_lost", summarize(v->lost, b->rounds)},
		{"loaded", "entries_late", summarize(v->late, b->rounds)},
		{"loaded", "conflicts", summarize(v->conflicts, b->rounds)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		row_print_json(&(struct row){"migrate", s->name, rows[i].variant, rows[i].unit,
					     rows[i].summary});
}

static void report_table(const struct bench *b, const struct subject *s, const struct series *v)
{
	struct summary ratio = summarize_pairs(v->migrate, v->copy, b->rounds, ratio_of);

	printf("%-11s %10.0f %10.0f %6.2f (%4.2f-%5.2f) %10.0f %10.0f %5.0f %8.0f %9.0f\n", s->name,
	       summarize(v->copy, b->rounds).median, summarize(v->migrate, b->rounds).median,
	       ratio.median, ratio.p10, ratio.p90, summarize(v->loaded, b->rounds).median,
	       summarize(v->sent, b->rounds).median, summarize(v->lost, b->rounds).p90,
	       summarize(v->late, b->rounds).median, summarize(v->conflicts, b->rounds).median);
}

/* Return: whether no frame was lost. */
static bool subject_bench(const struct bench *b, const struct subject *s)
{
	struct series v = {
		values_new(b->rounds), values_new(b->rounds), values_new(b->rounds),
		values_new(b->rounds), values_new(b->rounds), values_new(b->rounds),
		values_new(b->rounds),
	};
	bool lost = false;

	for (unsigned int i = 0; i < b->rounds; i++) {
		double alone = apply_alone(b, s);

		v.copy[i] = copy(b, s);
		v.migrate[i] = migrate(b, s, alone);
		migrate_loaded(b, s, alone, &v, i);
		lost |= v.lost[i] != 0;
	}
	(b->json ? report_json : report_table)(b, s, &v);
	fflush(stdout);
	free(v.copy);
	free(v.migrate);
	free(v.loaded);
	free(v.sent);
	free(v.lost);
	free(v.late);
	free(v.conflicts);
	return !lost;
}

int main(int argc, char **argv)
{
	struct options options;
	struct bench b = {};
	const struct subject *all;
	unsigned int n;
	bool exact = true;

	options_parse(argc, argv, about, 7, 1, &options);
	b.entries = options.quick ? 2000 : 100000;
	b.rounds = options.rounds;
	b.json = options.json;
	pin_cpu(0);
	sandbox_enter();
	net_open(&b.net);
	b.braid = sandbox_braid();
	if (!b.json)
		printf("case          copy/s  migrate/s  ratio (p10 - p90)   loaded/s       sent"
		       "  lost     late conflicts\n");
	all = subjects(&n);
	for (unsigned int i = 0; i < n; i++)
		if (options_want(&options, all[i].name))
			exact &= subject_bench(&b, &all[i]);
	options_check(&options);
	braid_close(b.braid);
	net_close(&b.net);
	if (!exact)
		errx(1, "frames were lost");
	return 0;
}
