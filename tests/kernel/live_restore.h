/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of `braid restore` share. The home has a name here: one without a name
 * cannot be found again after a reboot.
 */
#pragma once

#include <string.h>

#include "live_common.h"
#include "wait.h"

enum { SOON_MS = 60000 }; /* only what never comes takes that long */

static inline void wipe(void)
{
	/* links first: programs whose tail calls have lost their targets drop what we send */
	must_run("find %s/braid -path */links/* -delete", getenv("BRAID_BPFFS"));
	must_run("rm -r %s/braid", getenv("BRAID_BPFFS"));
}

/* Namespaces are new, so their cookies are; nothing runs; bpffs is empty. No interface is there. */
static inline void power_cycle(void)
{
	wipe();
	net_delete("left");
	net_delete("right");
	net_add("left");
	net_add("right");
}

static inline void reboot(void)
{
	power_cycle();
	live_plug(0);
	live_plug(1);
}

/* The pipeline of that name in a report; NULL: it is not there. */
static inline json_t *of(json_t *report, const char *name)
{
	json_t *p;
	size_t i;

	json_array_foreach (json_at(report, "pipelines"), i, p) {
		if (!strcmp(json_text(p, "pipeline"), name))
			return p;
	}
	return NULL;
}

static inline void states(const char *first, const char *second, const char *what)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	is_str(json_text(status, "pipelines/0/interfaces/0/state"), first, "%s: r0 is %s", what,
	       first);
	is_str(json_text(status, "pipelines/0/interfaces/1/state"), second, "%s: r1 is %s", what,
	       second);
}

static inline void trips(const char *first, const char *second, const char *what)
{
	is_str(live_trip(0), first, "%s: at r0 '%s'", what, first);
	is_str(live_trip(1), second, "%s: at r1 '%s'", what, second);
}

static inline long long revision(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, "pipelines/0/revision");
}

static inline void fresh(const char *manifest)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	must_braid("apply", manifest);
}
