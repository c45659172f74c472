/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ours and xdp-loader change one dispatcher in turn. After each change both list the same
 * components, those that are to be there, and packets meet them in that order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dispatch_common.h"
#include "random.h"

enum { EDITS = 100, LETTERS = 10, SEED = 4 };

static void agree(const char *what)
{
	const char *ours = seen_by_us(), *theirs = seen_by_them();

	is_str(ours, theirs, "%s: both list the same", what);
	is_str(met_by_packets(""), names_now(), "%s: packets meet these", what);
}

static void test_in_turn(void)
{
	is_int(xdp_loader("load", DISPATCH_IF, dispatch_object("a")), 0, "xdp-loader loads a");
	is_str(names_now(), "a", "it is there");
	agree("a");
	edit("+b:50:4");
	agree("a, b");
	is_str(names_now(), "a b", "in the order of priorities: 40 is a's own");
	is_int(xdp_loader("load", "-P", "45", DISPATCH_IF, dispatch_object("c")), 0,
	       "xdp-loader loads c");
	agree("a, b, c");
	is_str(names_now(), "a c b", "in between");
	is_str(met_by_frames(), "a c b", "frames from a wire meet them, too");
	edit("-mark_a");
	agree("without a");
	is_str(names_now(), "c b", "a is gone");
	edit("=mark_b:10:6");
	agree("b first");
	is_str(names_now(), "b c", "b is before c");
	is_str(met_by_packets("b1"), "b c", "and goes on after DROP");
	edit("=mark_b:10:2");
	is_str(met_by_packets("b1"), "b c", "and after DROP only");
	is_str(met_by_packets(""), "b", "not after PASS");
	edit("-mark_b", "-mark_c");
	is_str(seen_by_us(), "", "nothing is left");
	is_int(dispatch_folders(), 0, "nor are pins");
	is_int(xdp_loader("load", DISPATCH_IF, dispatch_object("long")), 0, "a long name");
	is_str(seen_by_us(), seen_by_them(), "a long name: both list the same");
	is_str(names_now(), "with_a_name_that_is_long", "it is whole");
	edit("-mark_with_a_name_that_is_long");
}

/* What is to be there. */
struct model {
	struct {
		bool is;
		__u32 priority, actions;
	} of[LETTERS];
};

static const __u32 masks[] = {1 << XDP_PASS, 1 << XDP_DROP, 1 << XDP_PASS | 1 << XDP_DROP, 31};

/* In the order in which they run: priority, then letter. Return: how many. */
static int order(const struct model *m, int ret[LETTERS])
{
	int n = 0;

	for (int i = 0; i < LETTERS; i++) {
		int at = n;

		if (!m->of[i].is)
			continue;
		for (; at && m->of[ret[at - 1]].priority > m->of[i].priority; at--)
			ret[at] = ret[at - 1];
		ret[at] = i;
		n++;
	}
	return n;
}

/* Whom a frame meets if letter @asked returns @verdict, and all others PASS. */
static void meets(const struct model *m, int asked, int verdict, char *text)
{
	int sorted[LETTERS], n = order(m, sorted), last = XDP_PASS;

	*text = '\0';
	for (int i = 0; i < n; i++) {
		last = sorted[i] == asked ? verdict : XDP_PASS;
		sprintf(text + strlen(text), "%s%c", i ? " " : "", 'a' + sorted[i]);
		if (!(m->of[sorted[i]].actions & 1u << last))
			break;
		last = XDP_PASS;
	}
	if (last != XDP_PASS)
		sprintf(text + strlen(text), " =%d", last);
}

static void check_model(const struct model *m, struct rng *rng, const char *what)
{
	int sorted[LETTERS], n = order(m, sorted), asked = rng_below(rng, LETTERS);
	char names[64] = "", met[64], asks[3] = {'a' + asked, '0' + rng_below(rng, 4)};

	for (int i = 0; i < n; i++)
		sprintf(names + strlen(names), "%s%c", i ? " " : "", 'a' + sorted[i]);
	is_str(names_now(), names, "%s: what is to be there", what);
	is_str(seen_by_us(), seen_by_them(), "%s: both list the same", what);
	meets(m, asked, asks[1] - '0', met);
	is_str(met_by_packets(asks), met, "%s: packets meet these, %c returns %c", what, asks[0],
	       asks[1]);
	is_int(dispatch_folders(), !!n, "%s: folders", what);
	is_int(dispatch_pins(), 2 * n, "%s: pins", what);
}

static __u32 id_of(int letter)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	char name[8];

	snprintf(name, sizeof(name), "mark_%c", 'a' + letter);
	dispatch_look(&d);
	array_foreach (c, &d.components)
		if (text_eq(c->name, name))
			return c->id;
	bail_out("%s is not there", name);
}

static void theirs_add(struct model *m, int letter)
{
	static const char *const names[] = {"XDP_PASS", "XDP_DROP", "XDP_PASS,XDP_DROP",
					    "XDP_ABORTED,XDP_DROP,XDP_PASS,XDP_TX,XDP_REDIRECT"};
	char priority[8], name[2] = {'a' + letter};
	const char *mask = NULL;

	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++)
		if (masks[i] == m->of[letter].actions)
			mask = names[i];
	snprintf(priority, sizeof(priority), "%u", m->of[letter].priority);
	is_int(xdp_loader("load", "-P", priority, "-A", mask, DISPATCH_IF, dispatch_object(name)),
	       0, "xdp-loader load %s", name);
}

static void theirs_remove(int letter)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", id_of(letter));
	is_int(xdp_loader("unload", "-i", id, DISPATCH_IF), 0, "xdp-loader unload %c",
	       'a' + letter);
}

static const char *word(char sign, int letter, const struct model *m)
{
	static char words[4][64];
	static int next;
	char *text = words[next++ % 4];

	if (sign == '-')
		snprintf(text, 64, "-mark_%c", 'a' + letter);
	else
		snprintf(text, 64, "%c%s%c:%u:%u", sign, sign == '=' ? "mark_" : "", 'a' + letter,
			 m->of[letter].priority, m->of[letter].actions);
	return text;
}

static void draw(struct model *m, struct rng *rng, int letter)
{
	m->of[letter].is = true;
	m->of[letter].priority = 10 + rng_below(rng, 5) * 10; /* 0 is no priority to xdp-loader */
	m->of[letter].actions = masks[rng_below(rng, sizeof(masks) / sizeof(*masks))];
}

/* Ours can do several things at once. */
static void ours(struct model *m, struct rng *rng, int letter)
{
	int other = (letter + 1 + rng_below(rng, LETTERS - 1)) % LETTERS;
	const char *first, *second = NULL;

	if (!m->of[letter].is) {
		draw(m, rng, letter);
		first = word('+', letter, m);
	} else if (rng_chance(rng, 50)) {
		draw(m, rng, letter);
		first = word('=', letter, m);
	} else {
		m->of[letter].is = false;
		first = word('-', letter, m);
	}
	if (rng_chance(rng, 30)) {
		m->of[other].is = !m->of[other].is;
		if (m->of[other].is)
			draw(m, rng, other);
		second = word(m->of[other].is ? '+' : '-', other, m);
	}
	edit(first, second);
}

static void theirs(struct model *m, struct rng *rng, int letter)
{
	if (m->of[letter].is) {
		theirs_remove(letter);
		m->of[letter].is = false;
	} else {
		draw(m, rng, letter);
		theirs_add(m, letter);
	}
}

static void test_random(void)
{
	struct rng rng = {SEED};
	struct model m = {};

	for (int i = 0; i < EDITS; i++) {
		char what[32];
		int letter = rng_below(&rng, LETTERS);

		snprintf(what, sizeof(what), "%d, by %s", i, i % 2 ? "us" : "them");
		if (i % 2)
			ours(&m, &rng, letter);
		else
			theirs(&m, &rng, letter);
		check_model(&m, &rng, what);
	}
	xdp_loader("unload", "-a", DISPATCH_IF);
	is_int(dispatch_folders(), 0, "nothing is left of all that");
}

int main(int argc, char **argv)
{
	dispatch_init(argc, argv);
	test_in_turn();
	test_random();
	return done();
}
