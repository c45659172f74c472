/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Pipelines on interfaces. What runs is pinned in bpffs and outlives every process; what
 * is wanted, and its history, is in the store.
 *
 * Needs, for all but reading the store: Linux 5.15; CAP_SYS_ADMIN and CAP_NET_ADMIN, or
 * CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; bpffs. Other network namespaces: CAP_SYS_ADMIN.
 *
 * A pipeline belongs to the network namespace in which the caller is: its home. Its
 * interfaces may be in others.
 */
#ifndef BRAID_LIVE_H
#define BRAID_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"
#include "braid/manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid;

/**
 * struct braid_opts - Zero it, set @sz.
 * @sz:      sizeof(struct braid_opts).
 * @state:   folder of the store; NULL: $BRAID_STATE, else /var/lib/braid.
 * @cause:   who acts, for the history and for others who wait: "braid apply edge.yaml".
 * @wait_ns: how long a change waits for another process's to end; CLOCK_MONOTONIC, relative.
 */
struct braid_opts {
	size_t sz;
	const char *state;
	const char *cause;
	uint64_t wait_ns;
};

/**
 * braid_open() - a handle on this machine's pipelines.
 * @opts: may be NULL.
 * Threads: one per handle. Return: 0; -EACCES, -EROFS, -EPERM the store's folder; -EBADMSG
 * a damaged store; -EPROTONOSUPPORT a store of a later version; -ENOMEM.
 */
int braid_open(const struct braid_opts *opts, struct braid **ret, struct braid_error *err);
/** braid_close() - what runs goes on. NULL is fine. */
void braid_close(struct braid *b);

/**
 * struct braid_apply_opts - Zero it, set @sz.
 * @sz:      sizeof(struct braid_apply_opts).
 * @replace: nonzero: detach programs of others that are in the way. While one is
 *           exchanged for braid's, packets meet neither.
 */
struct braid_apply_opts {
	size_t sz;
	int replace;
};

/**
 * braid_apply() - make @p what runs on its interfaces: on all of them, or nothing changes.
 * @ret_report: JSON: revision, whether anything changed, strategy and why, interfaces, maps
 *              that carried over or not and why, what an earlier killed command had left.
 *              Free it with free(); may be NULL.
 *
 * New programs are loaded and verified beside what runs. The switch of each interface is
 * one atomic update of a link, conditional on the old program. Interfaces that the pipeline
 * no longer names are detached. A map carries over when its stage still has one of that
 * name with the same type, sizes and flags, and the manifest's entries for it are the same.
 *
 * Return: 0; -EBUSY another program is attached, or another process changes pipelines;
 * -ENODEV no such interface; -EOPNOTSUPP no native XDP there; what braid_plan_new() and the
 * verifier say; -ENOMEM. After an error what ran before runs; but if only the tidying up
 * behind the switch failed, the new revision does, and @err->hint says so.
 */
int braid_apply(struct braid *b, const struct braid_pipeline *p,
		const struct braid_apply_opts *opts, char **ret_report, struct braid_error *err);

/**
 * braid_preview() - what braid_apply() would do, as a JSON object: the plan as
 * braid_plan_json() has it, and "changes", "interfaces", "carry". Changes nothing.
 */
int braid_preview(struct braid *b, const struct braid_pipeline *p,
		  const struct braid_apply_opts *opts, char **ret_json, struct braid_error *err);

/**
 * braid_status() - what runs, of all homes, as JSON: {"pipelines": [...]}: revision,
 * strategy, stages, programs, maps, interfaces and whether each really runs it.
 * @name: only this pipeline; NULL: all.
 * Return: 0; -ENOENT no such pipeline.
 */
int braid_status(struct braid *b, const char *name, char **ret_json, struct braid_error *err);

/** braid_delete() - detach @name everywhere and remove its programs and maps; the history stays. */
int braid_delete(struct braid *b, const char *name, struct braid_error *err);

/** braid_history() - its revisions as JSON, newest first: number, state, time, cause, note. */
int braid_history(struct braid *b, const char *name, char **ret_json, struct braid_error *err);

/**
 * braid_revision() - the pipeline as it was wanted in @revision, objects included.
 * @revision: 0: the current one.
 * @ret: apply it to go back; free it with braid_manifest_free().
 * Return: 0; -ENOENT no such pipeline or revision; -EBADMSG the store is damaged.
 */
int braid_revision(struct braid *b, const char *name, uint32_t revision,
		   struct braid_manifest **ret, struct braid_error *err);

/**
 * braid_diff() - how @to differs from @from, as JSON: a list of {"path", "old", "new"};
 * "old" or "new" is missing where there is none. Objects are compared by their bytes.
 */
int braid_diff(const struct braid_pipeline *from, const struct braid_pipeline *to, char **ret_json,
	       struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
