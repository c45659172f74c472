/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edit of ours is killed in front of every system call that changes what outlives it: pins,
 * folders, links, the exchange. The old chain runs then or the new one, and whoever comes next,
 * ours or xdp-loader, can work with it, and leaves no pins but those of what runs. And xdp-loader
 * is killed; ours comes next.
 *
 * dispatch_kill_test TOOL OBJECTS ours|theirs SCENARIO...: who comes next.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dispatch_common.h"
#include "live_killed.h"
#include "net.h"

struct scenario {
	const char *name, *what;
	const char *before[4]; /* the edit on an interface without anything */
	const char *edit[4];   /* that is killed; in theirs: arguments of xdp-loader */
	const char *old, *new; /* names */
	bool theirs;
};

static const struct scenario scenarios[] = {
	{"first", "a first component", {}, {"+a:50:4"}, "", "a"},
	{"second", "a second one", {"+a:50:4"}, {"+b:60:4"}, "a", "a b"},
	{"remove",
	 "one of three is removed",
	 {"+a:50:4", "+b:60:4", "+c:70:4"},
	 {"-mark_b"},
	 "a b c",
	 "a c"},
	{"last", "the last one is removed", {"+a:50:4"}, {"-mark_a"}, "a", ""},
	{"reset", "another priority", {"+a:50:4", "+b:60:4"}, {"=mark_b:10:4"}, "a b", "b a"},
	{"replace",
	 "one is exchanged for another",
	 {"+a:50:4", "+b:60:4"},
	 {"-mark_a", "+d:50:4"},
	 "a b",
	 "d b"},
	{"load", "xdp-loader loads one", {"+a:50:4"}, {"load", "-P", "60"}, "a", "a b", true},
};

struct tally {
	int kills, chains, packets, disagreements, refused, pins, old, new;
};

static void prepare(const struct scenario *s)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	const char *words[12] = {};
	char names[10][136];
	size_t n = 0;

	dispatch_look(&d);
	array_foreach (c, &d.components) {
		snprintf(names[n], sizeof(names[n]), "-%s", c->name);
		words[n] = names[n];
		n++;
	}
	for (const char *const *w = s->before; *w; w++)
		words[n++] = *w;
	if (dispatch_edit_words(DISPATCH_IF, words, dispatch_objects, NULL, &err))
		bail_out("preparing: %s: %s: %s", err.where ?: "", err.what, err.why ?: "");
	if (!text_eq(names_now(), s->old))
		bail_out("prepared '%s', not '%s'", names_now(), s->old);
}

/* Old or new, for everybody. */
static void look(const struct scenario *s, int nth, struct tally *t)
{
	const char *now = names_now();
	bool is_old = text_eq(now, s->old), is_new = text_eq(now, s->new);

	t->old += is_old;
	t->new += is_new;
	if (!is_old && !is_new) {
		t->chains++;
		diag("killed in front of call %d: '%s'", nth, now);
	}
	if (!text_eq(met_by_packets(""), now)) {
		t->packets++;
		diag("killed in front of call %d: packets meet '%s'", nth, met_by_packets(""));
	}
	if (!text_eq(seen_by_us(), seen_by_them())) {
		t->disagreements++;
		diag("killed in front of call %d: we see '%s', they '%s'", nth, seen_by_us(),
		     seen_by_them());
	}
}

static int next_of_ours(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const char *words[] = {"+e:80:4", NULL};
	int r = dispatch_edit_words(DISPATCH_IF, words, dispatch_objects, NULL, &err);

	if (r)
		diag("%s: %s: %s", err.where ?: "", err.what, err.why ?: "");
	return r;
}

static int next_of_theirs(void)
{
	return xdp_loader("load", "-P", "80", DISPATCH_IF, dispatch_object("e"))
		       ?: xdp_loader("clean", DISPATCH_IF);
}

static void go_on(const struct scenario *s, int nth, bool theirs, struct tally *t)
{
	char want[64];
	int components;

	snprintf(want, sizeof(want), "%s%se", names_now(), *names_now() ? " " : "");
	t->refused += (theirs ? next_of_theirs() : next_of_ours()) != 0;
	if (!text_eq(names_now(), want) || !text_eq(met_by_packets(""), want)) {
		t->chains++;
		diag("killed in front of call %d: then '%s', not '%s'", nth, names_now(), want);
	}
	components = (strlen(names_now()) + 1) / 2;
	if (dispatch_folders() != 1 || dispatch_pins() != 2 * components) {
		t->pins++;
		diag("killed in front of call %d: %d folders with %d pins are left", nth,
		     dispatch_folders(), dispatch_pins());
	}
}

/* false: there are not so many calls. */
static bool kill_once(const struct scenario *s, int nth, bool theirs, struct tally *t)
{
	const char *argv[8] = {dispatch_tool, dispatch_objects, DISPATCH_IF};
	int n = 3;

	if (s->theirs) {
		argv[0] = "/usr/sbin/xdp-loader";
		n = 1;
	}
	for (int i = 0; i < 4 && s->edit[i]; i++)
		argv[n++] = s->edit[i];
	if (s->theirs) {
		argv[n++] = DISPATCH_IF;
		argv[n] = dispatch_object("b");
	}
	prepare(s);
	if (!live_killed_at(argv, nth))
		return false;
	/* of xdp-loader, and in the way of the next one only: it may be empty still */
	unlink("/run/xdp-loader.lck");
	t->kills++;
	look(s, nth, t);
	go_on(s, nth, theirs, t);
	return true;
}

static void run_scenario(const struct scenario *s, bool theirs)
{
	struct tally t = {};

	for (int nth = 0; kill_once(s, nth, theirs, &t); nth++)
		;
	ok(t.kills > 4, "%s: killed at %d points", s->what, t.kills);
	is_int(t.chains, 0, "what runs is old or new, and what was added then");
	/* behind a first one there is nothing to remove, where it could still be killed */
	ok(t.old && (t.new || !*s->old), "the old one runs %d times, the new one %d times", t.old,
	   t.new);
	is_int(t.packets, 0, "packets meet it");
	is_int(t.disagreements, 0, "xdp-loader lists it");
	is_int(t.refused, 0, "the next one succeeds");
	is_int(t.pins, 0, "no pins are left over");
}

static bool is_named(const char *name, int argc, char **argv)
{
	for (int i = 4; i < argc; i++)
		if (text_eq(argv[i], name))
			return true;
	return argc == 4;
}

/*
 * To xdp-loader, which is slow here, all exchanges look the same; and what a killed one leaves
 * of its trials with pins the next one does not clean.
 */
static bool is_wanted(const struct scenario *s, bool theirs)
{
	return !theirs || !(s->theirs || text_eq(s->name, "reset") || text_eq(s->name, "replace"));
}

int main(int argc, char **argv)
{
	bool theirs;

	dispatch_init(argc, argv);
	if (argc < 4 || (!text_eq(argv[3], "ours") && !text_eq(argv[3], "theirs")))
		bail_out("who comes next?");
	theirs = text_eq(argv[3], "theirs");
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (is_wanted(&scenarios[i], theirs) && is_named(scenarios[i].name, argc, argv))
			run_scenario(&scenarios[i], theirs);
	prepare(&(struct scenario){.old = ""});
	is_int(dispatch_folders(), 0, "nothing is left of all that");
	return done();
}
