/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* XDP programs of several tools on one interface: showing them, and one change to them. */
#pragma once

#include <jansson.h>

#include "braid/dispatcher.h"
#include "dispatch/dispatch.h"
#include "kernel/component.h"
#include "kernel/netns.h"
#include "live/pinned.h"

/* Which mode the first component gets. */
enum chain_mode { CHAIN_NATIVE, CHAIN_GENERIC, CHAIN_HARDWARE, CHAIN_ANY };

/* One to add. The strings of @wish are owned. */
struct chain_member {
	struct component_wish wish;
	struct component_object object;
	bool has_priority, has_actions;
	__u32 priority, actions, replaces;
	__u32 id; /* of the program; 0: not loaded */
};

struct braid_chain {
	struct netns ns;
	__u32 ifindex;
	char *where; /* the interface, for errors */
	enum chain_mode mode;
	char *pin_path;
	enum braid_chain_alone alone;
	ARRAY(struct chain_member) add;
	ARRAY(__u32) remove;
	ARRAY(struct resetting) set;
	bool remove_all, committed;
	/* while it is carried out */
	char *bpffs;
	struct dispatcher now;
	struct xdp_state state;
	struct pinned_programs owners;
	ARRAY(__u32) removed;
	char *why_alone;
	char *why_pins; /* some stay that nobody needs */
};

/* chain_show.c: an interface. @owners: of programs. */
int chain_describe(const struct netns *ns, __u32 ifindex, const char *bpffs,
		   const struct pinned_programs *owners, json_t **ret, struct braid_error *err);
/* Programs of pipelines; without a bpffs there are none. */
int chain_owners(struct pinned_programs *ret, struct braid_error *err);

/*
 * Where components are pinned. Without a bpffs there are no dispatchers that anybody could change,
 * but programs are attached all the same: then it is a folder that does not exist.
 */
int chain_bpffs(char **ret, struct braid_error *err);

/* What of @state runs on the device; NULL: nothing. */
const struct xdp_attached *chain_hardware(const struct xdp_state *state);

/* chain_load.c: one that takes more than the others' words. Loads and attaches all that is to come.
 */
int chain_add_components(struct braid_chain *c, struct braid_error *err);
/* Without a dispatcher: the only program to add, in hardware or not. */
int chain_add_alone(struct braid_chain *c, struct braid_error *err);
/* What was loaded has not come to anything. */
void chain_unload(struct braid_chain *c);
