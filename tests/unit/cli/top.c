/* SPDX-License-Identifier: GPL-2.0-only */
/* What braid top makes of counters: rates, shares, order, and lines of 80 columns. */
#include <string.h>
#include <wchar.h>

#include "cli/top.h"
#include "tap.h"

#define SECOND 1000000000ll

/* Two stages: `dropped` of `n` packets die in the first one; 100 bytes each. */
static json_t *counters(long long n, long long dropped)
{
	long long rest = n - dropped;

	return json_pack("{s:s, s:s, s:s, s:i, s:{s:I, s:I}, s:[{s:s, s:I, s:I, s:{s:{s:I, s:I, "
			 "s:b}, s:{s:I, "
			 "s:I, s:b}}}, {s:s, s:I, s:I, s:{s:{s:I, s:I, s:b}}}]}",
			 "pipeline", "edge", "home", "init", "hook", "xdp", "revision", 3,
			 "entered", "packets", n, "bytes", 100 * n, "stages", "stage", "guard",
			 "packets", n, "bytes", 100 * n, "verdicts", "drop", "packets", dropped,
			 "bytes", 100 * dropped, "leaves", 1, "pass", "packets", rest, "bytes",
			 100 * rest, "leaves", 0, "stage", "acl", "packets", rest, "bytes",
			 100 * rest, "verdicts", "pass", "packets", rest, "bytes", 100 * rest,
			 "leaves", 1);
}

static void feed(struct top_pipeline *p, long long n, long long dropped, long long at)
{
	json_t *j = counters(n, dropped);

	if (!j)
		bail_out("no JSON");
	top_feed(p, j, at);
	json_decref(j);
}

static bool near(double a, double b)
{
	return a > b - 0.001 && a < b + 0.001;
}

static void test_rates(void)
{
	struct top top = {};
	struct top_pipeline *p = top_add(&top, "edge");

	feed(p, 1000, 0, 5 * SECOND);
	is_int(p->samples, 1, "one sample");
	ok(near(p->pps, 0), "which gives no rate");
	feed(p, 5000, 1000, 7 * SECOND);
	ok(near(p->pps, 2000), "packets per second");
	ok(near(p->bps, 8 * 100 * 2000), "bits per second");
	ok(near(p->died, 0.25), "of which a quarter died");
	ok(near(p->rows.v[0].died, 0.25) && near(p->rows.v[0].left, 0.25), "in the first stage");
	ok(near(p->rows.v[1].died, 0) && near(p->rows.v[1].left, 1), "all others left at the last");
	ok(near(p->rows.v[1].pps, 1500), "which had what was left");
	ok(near(p->rows.v[0].history[TOP_HISTORY - 1], 2000), "the trend has it");
	feed(p, 10, 0, 8 * SECOND);
	ok(near(p->pps, 0), "counters that began anew give no rate");
	top_done(&top);
}

static void test_order(void)
{
	struct top top = {};
	struct top_pipeline *p = top_add(&top, "edge");
	const struct top_row *rows[2];
	struct top_view v = {.sort = TOP_SORT_PPS, .inverted = true};

	feed(p, 0, 0, SECOND);
	feed(p, 100, 50, 2 * SECOND);
	is_int(top_select(p, &v, rows), 2, "two rows");
	is_str(rows[0]->stage, "acl", "the fewest packets first");
	v.inverted = false;
	top_select(p, &v, rows);
	is_str(rows[0]->stage, "guard", "the most first");
	v = (struct top_view){.sort = TOP_SORT_ORDER, .inverted = true};
	top_select(p, &v, rows);
	is_str(rows[0]->stage, "acl", "the last stage first");
	v = (struct top_view){.filter = "GUA"};
	is_int(top_select(p, &v, rows), 1, "only those with a name");
	is_str(rows[0]->stage, "guard", "that one");
	top_done(&top);
}

static const char *count(double n)
{
	static char text[8][32];
	static int at;

	top_count(text[at = (at + 1) % 8], sizeof(*text), n);
	return text[at];
}

static void test_numbers(void)
{
	is_str(count(0), "0", "nothing");
	is_str(count(999), "999", "three digits");
	is_str(count(1000), "1.00k", "a thousand");
	is_str(count(12345), "12.3k", "thousands");
	is_str(count(999499), "999k", "nearly a million");
	is_str(count(999500), "1.00M", "rounded to a million");
	is_str(count(148.8e6), "149M", "line rate");
	is_str(count(9.996), "10", "small");
}

/* In characters, not bytes. */
static size_t columns(const char *line)
{
	size_t n = 0;

	for (; *line; line++)
		n += (*line & 0xc0) != 0x80;
	return n;
}

static void test_lines(void)
{
	struct top_row r = {.stage = (char *)"a-stage-with-a-very-long-name-indeed",
			    .counted = true,
			    .pps = 123456789,
			    .bps = 9.99e12,
			    .left = 1,
			    .died = 0.0001,
			    .times_n = 5,
			    .mean = 123456,
			    .p99 = 9999999};
	char line[512];

	for (int i = 0; i < TOP_HISTORY; i++)
		r.history[i] = i;
	top_heading(line, sizeof(line));
	ok(columns(line) <= 80, "the heading has at most 80 columns");
	top_line(&r, 8, true, line, sizeof(line));
	is_int(columns(line), 80, "a line with 8 columns of trend has 80");
	ok(strstr(line, "█"), "its peak is a full block");
	ok(strstr(line, "<0.1%"), "a few drops are not none");
	ok(strchr(line, '~'), "a P99 of five packets is said to be of few");
	top_line(&r, 8, false, line, sizeof(line));
	ok(strchr(line, '#') && columns(line) == strlen(line), "ASCII where it must be");
	r.times_n = 0;
	top_line(&r, 8, false, line, sizeof(line));
	ok(strstr(line, " - "), "without times there is a dash");
}

int main(void)
{
	test_rates();
	test_order();
	test_numbers();
	test_lines();
	return done();
}
