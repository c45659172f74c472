/* SPDX-License-Identifier: GPL-2.0-only */
/* An edit of a dispatcher, by what was read: who is in which slot then, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch/inside.h"
#include "object/dispatcher_abi.h"
#include "tap.h"

enum { PASS = 1u << 2 };

static struct dispatcher now;

/* As if it ran: three of version @version, with ids 11, 12, 13. */
static void run(__u32 version, bool bound)
{
	static const char *const names[] = {"one", "two", "three"};

	dispatcher_done(&now);
	now.state = DISPATCHER_SOUND;
	now.config.version = version;
	now.config.devbound = bound;
	for (int i = 0; i < 3; i++) {
		struct component *c = array_push(&now.components);

		if (!c)
			bail_out("no memory");
		*c = (struct component){
			.id = 11 + i,
			.slot = {.priority = 50 + i,
				 .actions = PASS,
				 .flags = bound ? DISPATCHER_DEVBOUND : 0},
			.fd = -1,
		};
		strcpy(c->name, names[i]);
	}
}

/* Ids in the order of the slots, "12 11"; or the error. Valid up to the next call. */
static const char *made(const struct dispatch_edit *edit, struct chain *ret)
{
	static char text[64];
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	int r = chain_make(&now, edit, ret, &err);

	*text = '\0';
	if (r)
		snprintf(text, sizeof(text), "%s", r == -ENOENT ? "not there" : "refused");
	else
		array_foreach (m, &ret->members)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
				 *text ? " " : "", m->id);
	return text;
}

static void removes(const __u32 ids[2], size_t n, bool rest, const char *want, bool changed)
{
	const struct dispatch_edit edit = {.remove = ids, .n_remove = n, .remove_rest = rest};
	struct chain chain = {};

	run(2, false);
	is_str(made(&edit, &chain), want, "without %u%s", ids[0], rest ? ", if it is there" : "");
	is_int(chain.changed, changed, "that is%s another chain", changed ? "" : " not");
	array_done(&chain.members);
}

static void test_remove(void)
{
	removes((__u32[2]){12, 0}, 1, false, "11 13", true);
	removes((__u32[2]){12, 13}, 2, false, "11", true);
	removes((__u32[2]){12, 99}, 2, false, "not there", false);
	removes((__u32[2]){99, 12}, 2, true, "11 13", true);
	removes((__u32[2]){98, 99}, 2, true, "11 12 13", false);
	/* nobody has id 0, which is no reason to think that nothing was asked for */
	removes((__u32[2]){0}, 1, false, "not there", false);
	removes((__u32[2]){12, 0}, 2, false, "not there", false);
}

static void test_set(void)
{
	struct resetting set = {.id = 13, .set_priority = true, .priority = 1};
	struct dispatch_edit edit = {.set = &set, .n_set = 1};
	const __u32 gone = 13;
	struct chain chain = {};

	run(2, false);
	is_str(made(&edit, &chain), "13 11 12", "another priority");
	is_int(chain.config.slots[0].actions, PASS, "with its actions");
	array_done(&chain.members);
	set.id = 0;
	is_str(made(&edit, &chain), "not there", "of nobody");
	set.id = 13;
	edit.remove = &gone;
	edit.n_remove = 1;
	is_str(made(&edit, &chain), "not there", "of one that goes");
	edit.remove_rest = true;
	is_str(made(&edit, &chain), "not there", "in whatever way");
}

static void writes(__u32 there, bool bound, __u32 asked, __u32 want)
{
	const struct dispatch_edit edit = {.version = asked};
	struct chain chain = {};

	run(there, bound);
	made(&edit, &chain);
	is_int(chain.config.version, want, "%u is there%s, %u asked for: version %u", there,
	       bound ? ", bound to a device" : "", asked, want);
	is_int(chain.config.devbound, bound, "bound as it was");
	array_done(&chain.members);
}

/* What is there decides; of version 1, which is not written any more, the installed libxdp. */
static void test_version(void)
{
	__u32 installed = dispatch_installed_version() ?: DISPATCHER_NEWEST;

	writes(2, false, 0, 2);
	writes(3, false, 0, 3);
	writes(3, true, 0, 3);
	writes(3, false, 2, 2);
	writes(1, false, 0, installed);
}

int main(void)
{
	now = DISPATCHER_NONE;
	test_remove();
	test_set();
	test_version();
	dispatcher_done(&now);
	return done();
}
