/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Manifests: what is wanted, read from YAML or built in C. Pure values: nothing here needs
 * a privilege, opens an object file or looks at the system.
 *
 * Threads: any, one at a time for each object. Strings given are copied. @err may be NULL
 * everywhere. A wrong manifest is -EINVAL with the file, line and column in @err->where.
 * The format: docs/manifest.md.
 */
#ifndef BRAID_MANIFEST_H
#define BRAID_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid_manifest;
struct braid_pipeline;

/**
 * struct braid_manifest_opts - how to read a manifest. Zero it, set @sz.
 * @sz:       sizeof(struct braid_manifest_opts).
 * @values:   paths of values files, laid over the manifest in this order; may be NULL.
 * @n_values: their number.
 */
struct braid_manifest_opts {
	size_t sz;
	const char *const *values;
	size_t n_values;
};

/**
 * braid_manifest_load() - read a manifest and the values over it.
 * @path: a file or a pipe of at most 16 MiB. Relative paths of objects in a file are
 *        relative to the folder of that file.
 * @opts: may be NULL.
 * @ret:  written on success only; free it with braid_manifest_free().
 * Return: 0; -EINVAL the manifest is wrong; -ENOENT no such file, or a values file names
 * a pipeline or stage that is not there; -EFBIG too large; what open() and read() return;
 * -E2BIG @opts has fields this library does not know; -ENOMEM.
 */
int braid_manifest_load(const char *path, const struct braid_manifest_opts *opts,
			struct braid_manifest **ret, struct braid_error *err);

/**
 * braid_manifest_parse() - read a manifest from memory; otherwise as braid_manifest_load().
 * @text: @size bytes of UTF-8, not necessarily NUL-terminated.
 * @name: what errors call it, and the path that relative paths of objects start from;
 *        NULL: "manifest".
 */
int braid_manifest_parse(const char *text, size_t size, const char *name,
			 const struct braid_manifest_opts *opts, struct braid_manifest **ret,
			 struct braid_error *err);

/** braid_manifest_free() - free @m and all its pipelines. NULL is fine. */
void braid_manifest_free(struct braid_manifest *m);

/** braid_manifest_count() - the number of pipelines, at least one. */
size_t braid_manifest_count(const struct braid_manifest *m);

/** braid_manifest_get() - pipeline @i in the order of the file, owned by @m; NULL: no such. */
const struct braid_pipeline *braid_manifest_get(const struct braid_manifest *m, size_t i);

/**
 * braid_manifest_find() - the pipeline of a name.
 * @ret: owned by @m; written on success only.
 * Return: 0; -ENOENT none, with the nearest name as the hint; -ENOMEM.
 */
int braid_manifest_find(const struct braid_manifest *m, const char *name,
			const struct braid_pipeline **ret, struct braid_error *err);

/**
 * braid_manifest_edit() - the same as braid_manifest_get(), to be changed: one that was read
 * from the store by braid_revision(), before it is applied again. It stays @m's.
 */
struct braid_pipeline *braid_manifest_edit(struct braid_manifest *m, size_t i);

/**
 * braid_pipeline_new() - an empty pipeline: hook xdp, mode native, strategy auto, signals
 * stages, on-change refuse, final last.
 * @name: 1 to 32 of a-z, 0-9, '_' and '-', starting with a letter.
 * @ret:  written on success only; free it with braid_pipeline_free().
 * Return: 0; -EINVAL a bad name; -ENOMEM.
 */
int braid_pipeline_new(const char *name, struct braid_pipeline **ret, struct braid_error *err);

/** braid_pipeline_free() - free a pipeline from braid_pipeline_new(). NULL is fine. */
void braid_pipeline_free(struct braid_pipeline *p);

/** braid_pipeline_name() - its name, owned by @p. */
const char *braid_pipeline_name(const struct braid_pipeline *p);

/**
 * braid_pipeline_json() - a pipeline as a manifest of its own, in JSON (which is YAML too).
 * @ret: written on success only; free it with free(). An object that was given as bytes
 *       is there by its label only.
 * Return: 0; -ENOMEM.
 */
int braid_pipeline_json(const struct braid_pipeline *p, char **ret, struct braid_error *err);

/**
 * braid_pipeline_add_interface() - attach the pipeline here, too, when it is applied.
 * @netns: a name in /run/netns or an absolute path; NULL: the caller's own.
 * Return: 0; -EINVAL a bad name, or one that is there already; -ENOMEM.
 */
int braid_pipeline_add_interface(struct braid_pipeline *p, const char *name, const char *netns,
				 struct braid_error *err);

/**
 * braid_pipeline_set_hook() - "xdp", "tc-ingress", "tc-egress", "netkit-primary" or
 * "netkit-peer". The first thing to set: verdicts and the way to attach are the hook's.
 * Return: 0; -EINVAL another word, or something of another hook is set already; -ENOMEM.
 */
int braid_pipeline_set_hook(struct braid_pipeline *p, const char *hook, struct braid_error *err);

/** braid_pipeline_hook() - its hook, a constant string. */
const char *braid_pipeline_hook(const struct braid_pipeline *p);

/**
 * struct braid_attach_opts - how a pipeline is attached. Zero it, set @sz.
 * @sz:           sizeof(struct braid_attach_opts).
 * @order:        "last" or "first" among the programs of a TC or netkit hook; NULL: "last".
 * @before:       in front of "pipeline:NAME", "program:NAME" or "id:N" (of a program); NULL.
 * @after:        behind it. Of @order, @before and @after one may be given.
 * @via:          "auto", "link" or "netlink"; NULL: "auto", a link where the kernel has it.
 * @has_priority: nonzero: @priority counts.
 * @priority:     of a component in a dispatcher, or of a filter (via "netlink" at a TC hook).
 */
struct braid_attach_opts {
	size_t sz;
	const char *order;
	const char *before;
	const char *after;
	const char *via;
	int has_priority;
	uint32_t priority;
};

/**
 * braid_pipeline_set_attach() - how it is attached, in place of what was said before.
 * @opts: NULL: the default again.
 * Whether all of it goes with the hook and the strategy is checked when it is planned.
 * Return: 0; -EINVAL an unknown word, a wrong name, two places; -E2BIG; -ENOMEM.
 */
int braid_pipeline_set_attach(struct braid_pipeline *p, const struct braid_attach_opts *opts,
			      struct braid_error *err);

/**
 * braid_pipeline_set_mode() - "native" or "generic"; only the hook xdp has modes.
 * braid_pipeline_set_strategy() - "auto", "fused", "tailcall" or "dispatcher" (hook xdp only).
 * braid_pipeline_set_final() - "last", or a verdict of the hook: "drop", "pass".
 * braid_pipeline_set_signals() - what can be paused: "stages", "pipeline" or "none".
 * braid_pipeline_set_stats() - what is counted at the seams: "counters" or "off".
 * braid_pipeline_set_on_change() - what becomes of maps that change their shape and do not say
 * themselves: "refuse", "reset" or "migrate".
 * Return: 0; -EINVAL another word, with the nearest one as the hint; -ENOMEM.
 */
int braid_pipeline_set_mode(struct braid_pipeline *p, const char *mode, struct braid_error *err);
int braid_pipeline_set_strategy(struct braid_pipeline *p, const char *strategy,
				struct braid_error *err);
int braid_pipeline_set_final(struct braid_pipeline *p, const char *final, struct braid_error *err);
int braid_pipeline_set_signals(struct braid_pipeline *p, const char *signals,
			       struct braid_error *err);
int braid_pipeline_set_stats(struct braid_pipeline *p, const char *stats, struct braid_error *err);
int braid_pipeline_set_on_change(struct braid_pipeline *p, const char *on_change,
				 struct braid_error *err);

/**
 * braid_pipeline_set_optimize() - turn an optimisation of the linker off, or on again; all are
 * on by default. What packets meet is the same: this is for finding out whose fault something is.
 * @what: "splice", "fold", "unread", "context" or "frame", as in docs/manifest.md; NULL: all.
 * @on:   0: off.
 * Return: 0; -EINVAL another word, with the nearest one as the hint; -ENOMEM.
 */
int braid_pipeline_set_optimize(struct braid_pipeline *p, const char *what, int on,
				struct braid_error *err);

/**
 * struct braid_stage_opts - where a stage comes from. Zero it, set @sz.
 * @sz:            sizeof(struct braid_stage_opts).
 * @object:        path of a BPF object; with @bytes a label for messages, and then it may
 *                 be NULL.
 * @bytes:         the object itself, @size bytes; copied. NULL: it is read from @object.
 * @size:          bytes at @bytes.
 * @program:       name of its function; NULL: the object has only one program.
 * @proceed_on:    verdicts, by name, with which the next stage runs; NULL: the default of
 *                 the object or of the hook.
 * @n_proceed_on:  number of names.
 * @proceed_mask:  the same as bits (1 << XDP_PASS …), for callers that have no names; the
 *                 union of both counts.
 * @disabled:      nonzero: the stage is kept, but does not run.
 * @choice:        name of the choice in which it stands; NULL: in none.
 * @branch:        the case of it, from 0; BRAID_DEFAULT: the default.
 * @has_priority:  nonzero: under strategy dispatcher the stage is a component of its own.
 * @priority:      … of this priority.
 */
struct braid_stage_opts {
	size_t sz;
	const char *object;
	const void *bytes;
	size_t size;
	const char *program;
	const char *const *proceed_on;
	size_t n_proceed_on;
	uint32_t proceed_mask;
	int disabled;
	const char *choice;
	size_t branch;
	int has_priority;
	uint32_t priority;
};

#define BRAID_DEFAULT SIZE_MAX

/**
 * braid_pipeline_add_stage() - one more stage, behind those that are there.
 * @name: as a pipeline's.
 * @opts: not NULL; needs @object or @bytes.
 * Stages, and choices with all that is in them, are added in the order of a manifest.
 * Return: 0; -EINVAL a bad or taken name, no object, an unknown verdict, a branch that is
 * passed already; -ENOENT no such choice; -E2BIG @opts has fields this library does not know;
 * -ENOMEM.
 */
int braid_pipeline_add_stage(struct braid_pipeline *p, const char *name,
			     const struct braid_stage_opts *opts, struct braid_error *err);

/**
 * struct braid_choice_opts - a way through one of several branches. Zero it, set @sz.
 * @sz:     sizeof(struct braid_choice_opts).
 * @field:  what it looks at: "ethertype", "vlan", "protocol", "dscp", "destination-port", or
 *          "result": what the stage directly in front of it returned.
 * @choice: name of the choice in which it stands itself; NULL: in none.
 * @branch: as in struct braid_stage_opts.
 */
struct braid_choice_opts {
	size_t sz;
	const char *field;
	const char *choice;
	size_t branch;
};

/**
 * braid_pipeline_add_choice() - one more choice, behind what is there; with an empty default.
 * @name: as a stage's, and none of theirs.
 * @opts: not NULL; needs @field.
 * Return: 0; -EINVAL a bad or taken name, an unknown field, no stage for a result in front,
 * more than 8 in each other; -ENOENT no such outer choice; -E2BIG; -ENOMEM.
 */
int braid_pipeline_add_choice(struct braid_pipeline *p, const char *name,
			      const struct braid_choice_opts *opts, struct braid_error *err);

/**
 * braid_pipeline_add_case() - one more branch of a choice, numbered from 0.
 * @values: one or more, as in a manifest: "tcp", "0x800", "443". A packet with none of any
 *          case goes through the default.
 * Return: 0; -EINVAL a wrong value, one that is there already, or stages are; -ENOENT no such
 * choice; -ENOMEM.
 */
int braid_pipeline_add_case(struct braid_pipeline *p, const char *choice, const char *const *values,
			    size_t n_values, struct braid_error *err);

/**
 * struct braid_candidate_opts - a second version of a stage. Zero it, set @sz.
 * @sz:         sizeof(struct braid_candidate_opts).
 * @object, @bytes, @size: as in struct braid_stage_opts.
 * @key:        by what packets go to one of the two: "flow", "source", "random"; NULL: "flow".
 * @share_maps: nonzero: its maps are those of the stage.
 * @seed:       of the hash of the key.
 * @program:    function in the object; NULL: as the stage's.
 */
struct braid_candidate_opts {
	size_t sz;
	const char *object;
	const void *bytes;
	size_t size;
	const char *key;
	int share_maps;
	uint32_t seed;
	const char *program;
};

/**
 * braid_pipeline_set_candidate() - a second version of a stage, which gets a share of its
 * packets in a gradual rollout.
 * @opts: NULL: none any more.
 * Return: 0; -EINVAL no object, an unknown key, a disabled stage; -ENOENT no such stage;
 * -E2BIG; -ENOMEM.
 */
int braid_pipeline_set_candidate(struct braid_pipeline *p, const char *stage,
				 const struct braid_candidate_opts *opts, struct braid_error *err);

/**
 * braid_pipeline_set_constant() - the value of a constant of .rodata.
 * @stage: name of a stage that is there.
 * @var:   name of the variable; a value it has already is replaced.
 * @value: YAML as it would stand in the manifest: "500", "true", "{limit: 5, burst: 10}".
 *         It is fitted to the variable's type when the pipeline is planned.
 * Return: 0; -EINVAL not YAML, or a bad name; -ENOENT no such stage; -ENOMEM.
 */
int braid_pipeline_set_constant(struct braid_pipeline *p, const char *stage, const char *var,
				const char *value, struct braid_error *err);

/**
 * braid_pipeline_set_max_entries() - the size of a map, instead of the object's own.
 * @n: 1 or more.
 * Return: 0; -EINVAL @n is 0, or a bad name; -ENOENT no such stage; -ENOMEM.
 */
int braid_pipeline_set_max_entries(struct braid_pipeline *p, const char *stage, const char *map,
				   uint32_t n, struct braid_error *err);

/**
 * braid_pipeline_add_entry() - one more element that a map starts with.
 * @key:   YAML; NULL: the position among the entries, for arrays.
 * @value: YAML.
 * Return: 0; -EINVAL not YAML, or a bad name; -ENOENT no such stage; -ENOMEM.
 */
int braid_pipeline_add_entry(struct braid_pipeline *p, const char *stage, const char *map,
			     const char *key, const char *value, struct braid_error *err);

/**
 * braid_pipeline_set_map_on_change() - what becomes of the entries of a map when a new revision
 * has it in another shape: "refuse", "reset" or "migrate". @map ".data": the stage's globals.
 * Return: 0; -EINVAL another word, or a bad name; -ENOENT no such stage; -ENOMEM.
 */
int braid_pipeline_set_map_on_change(struct braid_pipeline *p, const char *stage, const char *map,
				     const char *on_change, struct braid_error *err);

/**
 * braid_pipeline_set_map_default() - the value of a member that a migration adds; else it is 0.
 * @member: "ttl", or "limits.burst" of a struct inside.
 * @value:  YAML.
 * Return: 0; -EINVAL not YAML, or a bad name; -ENOENT no such stage; -ENOMEM.
 */
int braid_pipeline_set_map_default(struct braid_pipeline *p, const char *stage, const char *map,
				   const char *member, const char *value, struct braid_error *err);

/**
 * braid_pipeline_share_map() - one map in the place of one map each of several stages.
 * @name:    of the shared map; as a pipeline's.
 * @members: two or more of "stage.map"; the first gives the definition.
 * Return: 0; -EINVAL a bad or taken name, a map that is shared already; -ENOENT no such
 * stage; -ENOMEM.
 */
int braid_pipeline_share_map(struct braid_pipeline *p, const char *name, const char *const *members,
			     size_t n_members, struct braid_error *err);

/**
 * braid_pipeline_share_across() - the same, and other pipelines of the same home that have a
 * shared map of that name, made so, use the same one.
 * @members: one or more.
 * Return: as braid_pipeline_share_map().
 */
int braid_pipeline_share_across(struct braid_pipeline *p, const char *name,
				const char *const *members, size_t n_members,
				struct braid_error *err);

/*
 * Changing a pipeline that runs: read it with braid_revision(), change it, apply it. After an
 * error the pipeline is as it was. A stage with a candidate is neither removed, disabled nor
 * updated: -EBUSY.
 */

/**
 * braid_pipeline_update_stage() - other code for a stage. Its name, place, constants and maps
 * stay, memberships in shared maps too.
 * @opts: not NULL; needs @object or @bytes. @program and @proceed_on replace those of the stage
 *        if they are given. @disabled and @choice do not belong here.
 * Return: 0; -EINVAL as braid_pipeline_add_stage(); -ENOENT no such stage; -EBUSY; -E2BIG;
 * -ENOMEM.
 */
int braid_pipeline_update_stage(struct braid_pipeline *p, const char *name,
				const struct braid_stage_opts *opts, struct braid_error *err);

/** enum braid_where - where a stage goes: BRAID_FIRST and BRAID_LAST: of the whole pipeline. */
enum braid_where { BRAID_FIRST, BRAID_LAST, BRAID_BEFORE, BRAID_AFTER };

/**
 * braid_pipeline_insert_stage() - one more stage, anywhere.
 * @opts:  as for braid_pipeline_add_stage(), without @choice.
 * @other: of BRAID_BEFORE and BRAID_AFTER: a stage or a choice, into whose branch it goes.
 * Return: 0; -EINVAL as braid_pipeline_add_stage(), or it would stand between a stage and the
 * choice that looks at its result; -ENOENT no such @other; -E2BIG; -ENOMEM.
 */
int braid_pipeline_insert_stage(struct braid_pipeline *p, const char *name,
				const struct braid_stage_opts *opts, enum braid_where where,
				const char *other, struct braid_error *err);

/**
 * braid_pipeline_remove_stage() - a stage goes. A choice goes with its last stage; a branch
 * that becomes empty stays. The stage leaves its shared maps; one that has a single member
 * left goes, and that member has a map of its own again, which starts anew.
 * Return: 0; -EINVAL no other stage is enabled, or a choice looks at its result; -ENOENT no
 * such stage; -EBUSY; -ENOMEM.
 */
int braid_pipeline_remove_stage(struct braid_pipeline *p, const char *name,
				struct braid_error *err);

/** braid_pipeline_move_stage() - to another place; parameters and errors as for inserting. */
int braid_pipeline_move_stage(struct braid_pipeline *p, const char *name, enum braid_where where,
			      const char *other, struct braid_error *err);

/**
 * braid_pipeline_enable_stage() - whether a stage runs. One that is disabled keeps its place;
 * it is not part of what is linked. A choice that looks at its result takes the default then.
 * Return: 0; -EINVAL no other stage is enabled; -ENOENT no such stage; -EBUSY; -ENOMEM.
 */
int braid_pipeline_enable_stage(struct braid_pipeline *p, const char *name, int enabled,
				struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
