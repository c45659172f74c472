/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Who else is attached where pipelines are, who that belongs to, and what it means for a
 * pipeline. Read once for an answer, as it takes a look through /proc and the bpffs:
 *
 *	_cleanup_foreign_ struct foreign *f = NULL;
 *
 *	foreign_new(root, &f, err);
 *	foreign_add(f, &ns, ifindex, &(struct foreign_view){…}, json_of_the_interface);
 *	others = foreign_others(f, &home);
 */
#pragma once

#include <jansson.h>

#include "kernel/netns.h"
#include "kernel/tc.h"
#include "manifest/model.h"

struct foreign;

/** foreign_new() - @root: of bpffs. Return: 0; -ENOMEM; what a bpffs says that cannot be read. */
int foreign_new(const char *root, struct foreign **ret, struct braid_error *err);
void foreign_free(struct foreign *f);
DEFINE_CLEANUP(struct foreign *, foreign_free)
#define _cleanup_foreign_ _cleanup_(foreign_freep)

/* The pipeline that asks. All is borrowed. */
struct foreign_view {
	const char *home, *pipeline;
	enum hook hook;
	bool attached;      /* it is there, if only as a component of a dispatcher */
	bool joins;         /* strategy dispatcher */
	const char *closed; /* why libxdp's dispatcher, which is there, takes nobody in; or NULL */
	bool replace;       /* of XDP: apply may detach who is there */
	bool moves;         /* not where it is attached counts, but where it is going to be */
	/* of TC, where it is not attached (yet): where it is going to be */
	bool clsact;
	struct tc_place place;
};

/*
 * Adds "foreigners" to @j: all that is attached to the interface and not of that pipeline, by
 * hook and order. Without privileges to look, or when the interface is gone, there is no such
 * member.
 */
void foreign_add(struct foreign *f, const struct netns *ns, __u32 ifindex,
		 const struct foreign_view *view, json_t *j);

/*
 * All interfaces of @ns with something attached that foreign_add() was not asked for, and on
 * which no pipeline runs: a list of objects with "foreigners", without "means".
 */
json_t *foreign_others(const struct foreign *f, const struct netns *ns);
