/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What is wanted, as a value: pipelines of stages. Comes from YAML (manifest.c),
 * from C (build.c) or from the store; the layers below read it, none changes it.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/array.h"
#include "braid/manifest.h"
#include "manifest/node.h"

enum hook {
	HOOK_XDP,
	HOOK_TC_INGRESS,
	HOOK_TC_EGRESS,
	HOOK_NETKIT_PRIMARY, /* what the primary device of a netkit pair sends */
	HOOK_NETKIT_PEER     /* what its peer sends */
};

/* How an XDP program is attached: in the driver, or in the stack for any device. */
enum mode { MODE_NATIVE, MODE_GENERIC };

/* STRATEGY_DISPATCHER: components of libxdp's dispatcher, beside those of other tools. */
enum strategy { STRATEGY_AUTO, STRATEGY_FUSED, STRATEGY_TAILCALL, STRATEGY_DISPATCHER };

/*
 * By what a pipeline is attached. LINK: a bpf_link (XDP, TCX, netkit). NETLINK: as ip(8) and
 * tc(8) do it: XDP without a link, a filter of clsact. AUTO: a link where the kernel has it.
 */
enum via { VIA_AUTO, VIA_LINK, VIA_NETLINK };

/* Where among the other programs of a TCX or netkit hook. */
enum attach_order { ATTACH_LAST, ATTACH_FIRST, ATTACH_BEFORE, ATTACH_AFTER };

struct attach {
	enum via via;
	bool has_order; /* it was given */
	enum attach_order order;
	char *relative; /* BEFORE, AFTER: "pipeline:NAME", "program:NAME", "id:N" (of a program) */
	bool has_priority;
	__u32 priority; /* of a component in a dispatcher (libxdp's run priority), of a filter
			   (pref) */
	struct place at;
};

/* What can be paused while it runs: the pipeline alone costs a check per packet, stages one each.
 */
enum signals { SIGNALS_STAGES, SIGNALS_PIPELINE, SIGNALS_NONE };

/* What is counted at seams: packets and bytes, per stage, verdict and CPU; or nothing. */
enum stats { STATS_COUNTERS, STATS_OFF };

/* What makes a packet's way shorter, and can be turned off to find out whose fault something is. */
enum optimization {
	OPTIMIZE_SPLICE, /* stages become one code; off: each is called as a function */
	OPTIMIZE_FOLD, /* verdicts known beforehand, short checks; off: all are checked, by mask */
	OPTIMIZE_UNREAD,  /* verdicts that nobody reads are not set */
	OPTIMIZE_CONTEXT, /* seams keep things in registers, and reload only what was destroyed */
	OPTIMIZE_FRAME, /* spliced stages share a stack frame; off: each has its own bytes in it */
	OPTIMIZE_ALL    /* how many there are */
};

/* What becomes of a map's entries when a new revision has it in another shape. */
enum on_change { ON_CHANGE_REFUSE, ON_CHANGE_RESET, ON_CHANGE_MIGRATE };

/* What a choice looks at. FIELD_RESULT: what the stage in front of it returned. */
enum field {
	FIELD_ETHERTYPE, /* behind VLAN tags */
	FIELD_VLAN,      /* id of the outer tag; 0: none */
	FIELD_PROTOCOL,  /* of IPv4; of IPv6 behind extension headers */
	FIELD_DSCP,
	FIELD_DESTINATION_PORT, /* of TCP, UDP, SCTP; 0: none */
	FIELD_RESULT
};

/* By what a gradual rollout sends a packet to the old or to the new version of a stage. */
enum rollout_key { ROLLOUT_FLOW, ROLLOUT_SOURCE, ROLLOUT_RANDOM };

struct interface {
	char *name;
	char *netns; /* a name in /run/netns, or a path with '/'; NULL: the caller's own */
	struct place at;
};

/* A constant of .rodata: @value is fitted to the variable's BTF type when linking. */
struct constant {
	char *name;
	struct node *value;
	struct place at;
};

/* One initial entry of a map; NULL key: the index is the entry's position (arrays). */
struct map_entry {
	struct node *key, *value;
	struct place at;
};

/* What the manifest says about one map of a stage. ".data" is its globals. */
struct map_setup {
	char *name;
	__u32 max_entries; /* 0: as the object says */
	ARRAY(struct map_entry) entries;
	bool has_on_change;
	enum on_change on_change;
	ARRAY(struct constant) defaults; /* of members that a migration adds: "ttl", "a.b" */
	struct place at;
};

/* A second version of a stage, which gets a share of the packets. */
struct candidate {
	char *object; /* as in struct stage */
	void *bytes;
	size_t size;
	char *program; /* NULL: as the stage's */
	enum rollout_key key;
	bool share_maps; /* its maps are those of the stage; otherwise it has its own */
	__u32 seed;      /* of the hash that sends a flow to the old or the new version */
};

struct stage {
	char *name;   /* [a-z][a-z0-9_-]{0,31} */
	char *object; /* path, with the manifest's folder in front; with @bytes only a label */
	void *bytes;  /* owned; the object itself, when it does not come from @object */
	size_t size;
	char *program;     /* function name; NULL: the only program of the hook in the object */
	bool has_priority; /* under STRATEGY_DISPATCHER: a component of its own, of this priority */
	__u32 priority;
	bool has_proceed_on;
	__u32 proceed_on; /* bit v set: verdict v goes on to the next stage */
	ARRAY(struct constant) constants;
	ARRAY(struct map_setup) maps;
	bool disabled;               /* not linked; its maps wait for it */
	struct candidate *candidate; /* owned; NULL: no rollout */
	/* Where it stands: in choices.v[choice - 1].branches.v[branch]; choice 0: in none. */
	__u32 choice, branch;
	struct place at;
};

/*
 * A way through one of several branches, which join again behind it. It stands where its
 * stages stand in the pipeline's list: they are neighbours there, in the order of the branches.
 */
struct branch {
	ARRAY(__u32) values; /* host byte order, ascending order not required; none: the default */
	struct place at;
};

struct choice {
	char *name; /* as a stage's, and none of theirs */
	enum field field;
	__u32 choice, branch;          /* where it stands itself: as in struct stage */
	ARRAY(struct branch) branches; /* the last is the default, empty or not */
	struct place at;
};

struct map_ref {
	char *stage, *map;
	struct place at;
};

/* One map in place of one map each of several stages; the first gives the definition. */
struct shared_map {
	char *name;
	bool across; /* other pipelines of the home that have one of this name share it, too */
	ARRAY(struct map_ref) members;
	struct place at;
};

struct braid_pipeline {
	char *name; /* [a-z][a-z0-9_-]{0,31} */
	enum hook hook;
	enum mode mode;
	enum strategy strategy;
	enum signals signals;
	enum stats stats;
	__u32 not_optimized;      /* bits of enum optimization */
	enum on_change on_change; /* of maps that do not say themselves */
	struct attach attach;
	bool has_final;
	__u32 final; /* verdict after the last stage; without: the last stage's own */
	ARRAY(struct interface) interfaces;
	ARRAY(struct stage) stages;   /* of all branches, in the order of the manifest */
	ARRAY(struct choice) choices; /* an outer one before those in it */
	ARRAY(struct shared_map) shared;
	/* what it was read from, as what runs: applied only if that still does; 0: nothing */
	__u32 revision;
	struct place at;
};

struct braid_manifest {
	ARRAY(struct braid_pipeline *) pipelines;
	ARRAY(char *) files; /* owns the names that every struct place points to */
};

void interface_done(struct interface *i);
void constant_done(struct constant *c);
void map_entry_done(struct map_entry *e);
void stage_done(struct stage *s);
void shared_map_done(struct shared_map *s);
void choice_done(struct choice *c);
void attach_done(struct attach *a);
struct candidate *candidate_free(struct candidate *c); /* NULL */
DEFINE_CLEANUP(struct candidate *, candidate_free)
DEFINE_CLEANUP(struct braid_pipeline *, braid_pipeline_free)
DEFINE_CLEANUP(struct braid_manifest *, braid_manifest_free)

/* NULL: none of that name. */
struct stage *pipeline_stage(const struct braid_pipeline *p, const char *name);

/* By their enums, NULL-terminated. Words of hooks and verdicts: hook.h. */
extern const char *const mode_names[];
extern const char *const strategy_names[];
extern const char *const signals_names[];
extern const char *const stats_names[];
extern const char *const optimize_names[];
extern const char *const on_change_names[];
extern const char *const field_names[];
extern const char *const rollout_key_names[];
extern const char *const via_names[];
extern const char *const attach_order_names[];
