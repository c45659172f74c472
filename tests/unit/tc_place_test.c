/* SPDX-License-Identifier: GPL-2.0-only */
/* Where an attachment stands among those of its list, and whether it is where it wants to be. */
#include "live/live.h"
#include "tap.h"

enum { OURS = 40 };

static struct spot spot;

static void add(__u32 id, bool clsact, __u32 chain)
{
	struct tc_attached at = {.prog_id = id, .clsact = clsact, .chain = chain};

	at.link_id = clsact ? 0 : 100 + id;
	if (!array_add(&spot.tc.list, at))
		bail_out("no memory");
}

static bool is_right(bool clsact, enum tc_position position, __u32 relative)
{
	const struct tc_place place = {.position = position, .relative = relative};
	struct attachment a = {.link_id = clsact ? 0 : 100 + OURS};
	bool right;

	if (!array_add(&a.runs.list, OURS))
		bail_out("no memory");
	right = tc_place_is_right(&spot, &a, &place);
	array_done(&a.runs.list);
	return right;
}

static struct tc_place place_of(bool clsact)
{
	struct attachment a = {.link_id = clsact ? 0 : 100 + OURS};
	struct tc_place place;

	if (!array_add(&a.runs.list, OURS))
		bail_out("no memory");
	place = tc_place_of(&spot, &a);
	array_done(&a.runs.list);
	return place;
}

static void test_links(void)
{
	add(1, false, 0);
	add(OURS, false, 0);
	add(2, false, 0);
	ok(!is_right(false, TC_FIRST, 0), "a link before it");
	ok(!is_right(false, TC_LAST, 0), "and one behind it");
	ok(is_right(false, TC_BEFORE, 2) && !is_right(false, TC_BEFORE, 1), "before the second");
	ok(is_right(false, TC_AFTER, 1) && !is_right(false, TC_AFTER, 2), "after the first");
	is_int(place_of(false).position, TC_BEFORE, "it stands before something");
	is_int(place_of(false).relative, 102, "which is a link");
	array_done(&spot.tc.list);
}

/* The other lists do not count: links, and the filters of other chains. */
static void test_filters(void)
{
	add(1, false, 0);
	add(2, true, 5);
	add(OURS, true, 0);
	add(3, true, 9);
	ok(is_right(true, TC_FIRST, 0), "it is the first filter of chain 0");
	ok(is_right(true, TC_LAST, 0), "and the last");
	is_int(place_of(true).position, TC_LAST, "nothing of its list comes behind it");
	add(4, true, 0);
	ok(is_right(true, TC_FIRST, 0), "still the first");
	ok(!is_right(true, TC_LAST, 0), "and not the last any more");
	is_int(place_of(true).relative, 4, "behind it comes the other one of chain 0");
	array_done(&spot.tc.list);
}

int main(void)
{
	test_links();
	test_filters();
	return done();
}
