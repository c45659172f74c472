/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ten at once, every other one xdp-loader. Each does its work or says that it has not; nobody
 * takes away what another one has made.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dispatch_common.h"
#include "net.h"
#include "run.h"

enum { LOADERS = 10, ROUNDS = 2 };

/* An xdp-loader refuses to run beside another one: they wait for each other, but not for ours. */
static char theirs_lock[64];

static bool is_theirs(int i)
{
	return i % 2;
}

static bool has(const char *names, int letter)
{
	return strchr(names, 'a' + letter) != NULL;
}

static void start_adding(struct run *r, int i)
{
	char name[2] = {'a' + i}, word[16];

	snprintf(word, sizeof(word), "+%s:50:4", name);
	if (is_theirs(i))
		run_start(r, (const char *const[]){"flock", theirs_lock, "xdp-loader", "load",
						   DISPATCH_IF, dispatch_object(name), NULL});
	else
		run_start(r, (const char *const[]){dispatch_tool, dispatch_objects, DISPATCH_IF,
						   word, NULL});
}

static __u32 id_of(int letter)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;

	dispatch_look(&d);
	array_foreach (c, &d.components)
		if (c->name[5] == 'a' + letter)
			return c->id;
	return 0;
}

static void start_removing(struct run *r, int i)
{
	char word[16], id[16];

	snprintf(word, sizeof(word), "-mark_%c", 'a' + i);
	snprintf(id, sizeof(id), "%u", id_of(i));
	if (is_theirs(i))
		run_start(r, (const char *const[]){"flock", theirs_lock, "xdp-loader", "unload",
						   "-i", id, DISPATCH_IF, NULL});
	else
		run_start(r, (const char *const[]){dispatch_tool, dispatch_objects, DISPATCH_IF,
						   word, NULL});
}

/* @was: names before, @removes: by letter. */
static void check_round(struct run runs[LOADERS], const char *was, const bool removes[LOADERS])
{
	int wrong = 0, refused = 0, theirs_refused = 0, misled = 0;
	const char *now;

	for (int i = 0; i < LOADERS; i++)
		run_wait(&runs[i]);
	now = names_now();
	for (int i = 0; i < LOADERS; i++) {
		bool wanted = runs[i].status ? has(was, i) : !removes[i];

		if (runs[i].status) {
			diag("%s %c: %s", is_theirs(i) ? "xdp-loader" : "ours", 'a' + i,
			     runs[i].err);
			theirs_refused += is_theirs(i);
			refused += !is_theirs(i);
			misled += strstr(runs[i].err, "pinned progs") != NULL;
		}
		wrong += wanted != has(now, i);
	}
	is_int(wrong, 0, "each has what it said, of '%s'", now);
	is_int(refused, 0, "none of ours was refused");
	/*
	 * Theirs do not try again if they lose where nothing was attached. They come one after the
	 * other, so then something is; and where something is they try more often than ours come.
	 */
	ok(theirs_refused <= 1, "of theirs %d were refused, one at most", theirs_refused);
	is_int(misled, 0, "none of theirs found pins gone that it was about to read");
	is_str(seen_by_us(), seen_by_them(), "both list the same");
	is_str(met_by_packets(""), now, "packets meet these");
}

static void round_of(const bool removes[LOADERS])
{
	struct run runs[LOADERS] = {};
	char was[128];

	snprintf(was, sizeof(was), "%s", names_now());
	for (int i = 0; i < LOADERS; i++) {
		if (removes[i])
			start_removing(&runs[i], i);
		else
			start_adding(&runs[i], i);
	}
	check_round(runs, was, removes);
	for (int i = 0; i < LOADERS; i++)
		run_done(&runs[i]);
}

int main(int argc, char **argv)
{
	bool removes[LOADERS] = {};

	dispatch_init(argc, argv);
	snprintf(theirs_lock, sizeof(theirs_lock), "%s/theirs", net_scratch());
	round_of(removes);
	for (int round = 0; round < ROUNDS; round++) {
		const char *now = names_now();

		for (int i = 0; i < LOADERS; i++)
			removes[i] = has(now, i);
		round_of(removes);
	}
	/* whatever is there now; what they left at their races is for the next one to clean */
	for (int i = 0; i < LOADERS; i++) {
		char word[16];

		snprintf(word, sizeof(word), "-mark_%c", 'a' + i);
		if (has(names_now(), i))
			edit(word);
	}
	is_int(dispatch_folders(), 0, "in the end no pins are left");
	return done();
}
