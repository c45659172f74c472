/* SPDX-License-Identifier: GPL-2.0-only */
/* What stages have counted, as a table. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/show.h"

/* "12.3%"; what is not nothing, and not all, does not look so. */
static void add_share(struct buf *b, long long part, long long whole)
{
	double share = whole ? 100.0 * part / whole : 0;

	if (part == whole)
		buf_str(b, "100%");
	else if (share < 0.05)
		buf_str(b, "<0.1%");
	else if (share >= 99.95)
		buf_str(b, ">99.9%");
	else
		buf_fmt(b, "%.1f%%", share);
}

/* "drop 12.3%, tx 0.1%": of the packets that came to the stage. */
static char *left_text(const json_t *stage)
{
	long long all = number(stage, "packets"), past;
	struct buf b = {};
	const char *verdict;
	json_t *v;

	json_object_foreach (json_object_get(stage, "verdicts"), verdict, v) {
		if (!json_is_true(json_object_get(v, "leaves")) || !number(v, "packets"))
			continue;
		buf_fmt(&b, "%s%s ", b.n ? ", " : "", verdict);
		add_share(&b, number(v, "packets"), all);
	}
	past = number(json_object_get(stage, "bypassed"), "packets");
	if (past)
		buf_fmt(&b, "%s%lld went past it", b.n ? "; " : "", past);
	if (number(stage, "lost"))
		buf_fmt(&b, "%s%lld lost in front", b.n ? "; " : "", number(stage, "lost"));
	if (!b.n)
		buf_str(&b, "-");
	return buf_take(&b);
}

static void show_left(const json_t *left, long long entered)
{
	struct buf b = {};
	const char *verdict;
	json_t *v;

	json_object_foreach ((json_t *)left, verdict, v) {
		if (!number(v, "packets"))
			continue;
		buf_fmt(&b, ", %s ", verdict);
		add_share(&b, number(v, "packets"), entered);
	}
	if (b.n)
		printf("  left with: %s\n", b.v + 2);
	buf_done(&b);
}

void show_counters(const json_t *counters)
{
	static const char *const headings[] = {"  STAGE", ">PACKETS", ">BYTES", "LEFT THERE"};
	const json_t *entered = json_object_get(counters, "entered");
	struct table *t;
	json_t *stage;
	size_t i;

	if (!counters)
		return;
	printf("\n  since %s: %lld packets, %lld bytes\n", time_text(number(counters, "since")),
	       number(entered, "packets"), number(entered, "bytes"));
	show_left(json_object_get(counters, "left"), number(entered, "packets"));
	t = table_new(headings, 4);
	json_array_foreach (json_object_get(counters, "stages"), i, stage) {
		_cleanup_free_ char *name = text_fmt("  %s", member(stage, "stage"));
		_cleanup_free_ char *packets = text_fmt("%lld", number(stage, "packets"));
		_cleanup_free_ char *bytes = text_fmt("%lld", number(stage, "bytes"));
		_cleanup_free_ char *left = left_text(stage);

		if (!json_is_true(json_object_get(stage, "internal")))
			table_row(t, name, packets, bytes, left);
	}
	table_print(t);
}
