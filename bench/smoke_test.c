// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-smoke PROGRAM: a bench with --quick and --json works, prints rows that a program can read,
 * and loses no frame. Of the times it says nothing.
 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "tap.h"

static bool is_row(const json_t *row)
{
	const char *bench, *name, *variant, *unit;
	double min, median, p90;
	int runs;

	return json_unpack((json_t *)row, "{s:s, s:s, s:s, s:s, s:F, s:F, s:F, s:i}", "bench",
			   &bench, "case", &name, "variant", &variant, "unit", &unit, "min", &min,
			   "median", &median, "p90", &p90, "runs", &runs) == 0 &&
	       min <= median && median <= p90 && runs > 0;
}

/* Frames that are missing, or counted too often, in any round. */
static void check_frames(const json_t *row)
{
	const char *unit = json_string_value(json_object_get(row, "unit"));

	if (strcmp(unit, "frames_lost") == 0 || strcmp(unit, "frames_extra") == 0 ||
	    strcmp(unit, "records_lost") == 0)
		ok(json_number_value(json_object_get(row, "min")) == 0 &&
			   json_number_value(json_object_get(row, "p90")) == 0,
		   "%s: no %s", json_string_value(json_object_get(row, "variant")), unit);
}

/* Return: how many rows there were, all of them sound; -1: not all. */
static int check_rows(char *text)
{
	int rows = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *row = json_loads(line, 0, NULL);
		bool sound = row && is_row(row);

		if (sound)
			check_frames(row);
		else
			diag("not a row: %s", line);
		json_decref(row);
		if (!sound)
			return -1;
		rows++;
	}
	return rows;
}

/* Of ways that differ in numbers only, some. */
static const struct {
	const char *bench, *only;
} some[] = {
	{"bench-observe", "trace 1:1000"},
	{"bench-observe", "capture 1:100"},
	{"bench-dispatcher", "components/5"},
};

static void check_bench(char *program, const char *name, const char *only)
{
	const char *argv[] = {program, "--quick", "--json", only ? "--only" : NULL, only, NULL};
	_cleanup_run_ struct run r = {};

	run_start(&r, argv);
	if (!is_int(run_wait(&r), 0, "%s %s succeeds", name, only ?: ""))
		diag("%s", r.err);
	ok(check_rows(r.out) > 0, "each line is a row");
}

int main(int argc, char **argv)
{
	const char *slash = argc == 2 ? strrchr(argv[1], '/') : NULL, *name;
	bool all = true;

	if (!slash)
		bail_out("usage: bench-smoke FOLDER/PROGRAM");
	name = slash + 1;
	if (geteuid())
		skip_all("needs root: BPF, network and mount namespaces");
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		if (strcmp(some[i].bench, name) == 0) {
			check_bench(argv[1], name, some[i].only);
			all = false;
		}
	if (all)
		check_bench(argv[1], name, NULL);
	return done();
}
