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
 * @replace: nonzero: take the place of programs of others that are in the way. One that was
 *           attached by netlink is exchanged between two packets, unless the manifest asks for a
 *           link or another mode; else packets meet neither for a moment.
 * @partial: nonzero: interfaces that do not exist are left out, and the report names them
 *           as "missing"; otherwise one that does not exist is an error.
 */
struct braid_apply_opts {
	size_t sz;
	int replace;
	int partial;
};

/**
 * braid_apply() - make @p what runs on its interfaces: on all of them, or nothing changes.
 * @ret_report: JSON: revision, whether anything changed, strategy and why, interfaces, maps
 *              that carried over or not and why, what an earlier killed command had left.
 *              Free it with free(); may be NULL.
 *
 * New programs are loaded and verified beside what runs. The switch of each interface is
 * one atomic exchange, conditional on the old program, unless mode, way or place of the
 * attachment change. Interfaces that the pipeline no longer names are detached. A map carries
 * over when its stage still has one of that name with the same type, flags and layout, and the
 * manifest's entries for it are the same; otherwise on-change of the manifest says what becomes
 * of its entries.
 *
 * Return: 0; -EMEDIUMTYPE, -ENOSPC the entries of a map cannot go on as they are: nothing was
 * said of it, or they do not fit; -EBUSY another program is attached, or another process
 * changes pipelines; -ENOENT who is named in `before` or `after` is not attached, -ENOTUNIQ
 * several are;
 * -EAGAIN @p is a changed copy of a revision that does not run any more; -ENODEV no such
 * interface; -EOPNOTSUPP no native XDP there; what braid_plan_new() and the
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
 * @name: only this pipeline; NULL: all; of those one that cannot be read has "error" instead.
 * Then there is also what is attached where no pipeline is: "others". (The command's "dispatchers"
 * are those of braid_dispatchers(), which looks into all network namespaces.)
 * Return: 0; -ENOENT no such pipeline.
 */
int braid_status(struct braid *b, const char *name, char **ret_json, struct braid_error *err);

/**
 * struct braid_counters_opts - Zero it, set @sz.
 * @sz:   sizeof(struct braid_counters_opts).
 * @cpus: nonzero: also what each CPU counted, of the present revision.
 */
struct braid_counters_opts {
	size_t sz;
	int cpus;
};

/**
 * braid_counters() - what @name has counted since it runs, as JSON: packets and bytes that
 * entered, left with each verdict, came to each stage, and went from stage to stage. Through all
 * revisions of the pipeline; from 0 after a reboot. braid_status() has it, too.
 * @opts: may be NULL.
 * Threads: one per handle. Return: 0; -ENOENT no such pipeline; -ENODATA it has `stats: off`;
 * -EBADMSG its counters cannot be read; -ENOMEM.
 */
int braid_counters(struct braid *b, const char *name, const struct braid_counters_opts *opts,
		   char **ret_json, struct braid_error *err);

/** braid_delete() - detach @name everywhere and remove its programs and maps; the history stays. */
int braid_delete(struct braid *b, const char *name, struct braid_error *err);

/**
 * struct braid_adopt_opts - Zero it, set @sz.
 * @sz:        sizeof(struct braid_adopt_opts).
 * @name:      of the pipeline, if none is in the dispatcher yet; NULL: the interface's.
 * @objects:   files and folders with the objects that components were made of, @n_objects of
 *             them; where libxdp looks for objects is looked at, too.
 * @strategy:  of the pipeline then; NULL: "fused".
 */
struct braid_adopt_opts {
	size_t sz;
	const char *name;
	const char *const *objects;
	size_t n_objects;
	const char *strategy;
};

/**
 * braid_adopt() - make stages of a pipeline of all components of the libxdp dispatcher on an
 * interface, in their order, with their verdicts, constants and maps.
 * @iface:  its name, in @netns (NULL: the caller's; a name, or a path).
 * @opts:   may be NULL.
 * @ret_report: JSON: what was adopted, from which objects; programs, calls and instructions
 *              before and after; the report of braid_apply(); the manifest. Free it with free().
 * A component is adopted only if the object that it was made of is found: it has its tag. The
 * pipeline that is in the dispatcher already becomes this one, else a new one does. Between two
 * packets the new program takes the dispatcher's place. Maps are the same maps, so who has
 * pinned them goes on using them; globals (.data, .bss) start anew.
 * Return: 0; -ENOENT no dispatcher, or an object is not found; -EALREADY no component of
 * others; -EBUSY several pipelines are in it; -EINVAL the pipeline is on several interfaces;
 * as braid_apply(). After an error the components run on as they were.
 */
int braid_adopt(struct braid *b, const char *iface, const char *netns,
		const struct braid_adopt_opts *opts, char **ret_report, struct braid_error *err);

/**
 * braid_history() - its revisions as JSON, newest first: number, state, time, cause, note; and
 * between them events: signals, configuration, rollouts, recoveries.
 */
int braid_history(struct braid *b, const char *name, char **ret_json, struct braid_error *err);

/**
 * braid_revision() - the pipeline as it was wanted in @revision, objects included.
 * @revision: 0: the current one.
 * @ret: apply it to go back; free it with braid_manifest_free(). The current one may be
 *       changed (braid_manifest_edit()) and applied: braid_apply() refuses it with -EAGAIN when
 *       another revision runs by then, so that no change of somebody else's is lost.
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

struct braid_restore;

/**
 * struct braid_restore_opts - Zero it, set @sz.
 * @sz:      sizeof(struct braid_restore_opts).
 * @names:   restore only pipelines of these names, of all homes; @n_names 0: all.
 */
struct braid_restore_opts {
	size_t sz;
	const char *const *names;
	size_t n_names;
};

/**
 * braid_restore_open() - begin to put back what the store wants, as after a reboot.
 * @b: borrowed until braid_restore_close(). @opts: may be NULL.
 * From here on its file descriptor tells when there is more to do. Return: 0; -EMFILE,
 * -ENOMEM.
 */
int braid_restore_open(struct braid *b, const struct braid_restore_opts *opts,
		       struct braid_restore **ret, struct braid_error *err);
/** braid_restore_close() - what runs goes on. NULL is fine. */
void braid_restore_close(struct braid_restore *rs);

/**
 * braid_restore_step() - put back all that can be put back now.
 * @ret_report: JSON: "pipelines", each with its state, what was attached, which interfaces
 *              are "missing" and why it "failed"; and how many are missing and failed in
 *              all. Free it with free(); may be NULL.
 *
 * What runs is left alone. Where the programs of the current revision are still pinned,
 * missing links are made with them; otherwise they are loaded from the objects in the store,
 * as a new revision. Interfaces that do not exist are left out: a pipeline is loaded when one
 * of its interfaces is there. Pipelines of homes that do not exist wait for them. What
 * cannot be restored keeps nothing else from it, and is not tried again by @rs before its
 * revision changes.
 *
 * To wait: while "missing" in the report is not 0, poll() braid_restore_fd(), then do the
 * step again.
 *
 * Return: 0, also if pipelines failed: see the report; -ENOENT no pipeline of one of the
 * names; -EBUSY another process changes pipelines; -ENODEV no BPF file system; -EPERM.
 */
int braid_restore_step(struct braid_restore *rs, char **ret_report, struct braid_error *err);
/**
 * braid_restore_fd() - readable (POLLIN) when interfaces or namespaces have come, gone or
 * changed their name since the last step, or the store has changed. Belongs to @rs.
 */
int braid_restore_fd(const struct braid_restore *rs);

/**
 * struct braid_rollout_opts - Zero it, set @sz.
 * @sz:            sizeof(struct braid_rollout_opts).
 * @program:       function in the new object; NULL: the stage's.
 * @steps:         percent of the packets that go to the new version, step by step, the last
 *                 being 100; NULL: "1,5,25,100".
 * @every_ns:      how long a step lasts; 0: 30 s.
 * @key:           what stays with one version: "flow", "source", or "random": nothing does;
 *                 NULL: "flow".
 * @gates:         what must hold of the new version: "drop_rate<+0.5%", "latency_p99<500ns".
 * @n_gates:       number of them.
 * @min_packets:   how many packets of a version a gate needs to judge it; 0: 1000.
 * @separate_maps: nonzero: the new version has maps of its own; else those of the old one.
 */
struct braid_rollout_opts {
	size_t sz;
	const char *program;
	const char *steps;
	uint64_t every_ns;
	const char *key;
	const char *const *gates;
	size_t n_gates;
	uint64_t min_packets;
	int separate_maps;
};

/**
 * braid_rollout_start() - a new revision of @pipeline in which @object runs beside @stage.
 * @object: path of the new version.
 * @opts: may be NULL.
 * @ret_json: as braid_rollout_status(); may be NULL.
 * No packet goes to it yet: braid_rollout_step() begins with that.
 * Return: 0; -EBUSY a rollout of the pipeline is under way; -EINVAL wrong steps, key or gates;
 * -ENOENT no such pipeline, stage or file; what braid_apply() says. After an error what ran
 * before runs.
 */
int braid_rollout_start(struct braid *b, const char *pipeline, const char *stage,
			const char *object, const struct braid_rollout_opts *opts, char **ret_json,
			struct braid_error *err);

/**
 * braid_rollout_step() - look at a rollout and do what is due: the next step, back because a
 * gate failed, or promote.
 * @ret_wait_ns: when to call it again, relative; 0: no more, the state is another one than
 *               "running".
 * @ret_json: as braid_rollout_status(); may be NULL.
 * Who calls it drives the rollout; it keeps nothing but what is in the store, so anyone may go
 * on where another stopped. A gate that fails is no error: the state is "failed" then.
 * Return: 0; -ENOENT there was none; -EBUSY another process changes pipelines; what
 * braid_apply() says.
 */
int braid_rollout_step(struct braid *b, const char *pipeline, uint64_t *ret_wait_ns,
		       char **ret_json, struct braid_error *err);

/**
 * braid_rollout_status() - how far it is, or how the last one ended, as JSON: state, steps,
 * share wanted and actual, rates and latencies of both versions, gates with their values.
 * Changes nothing. Return: 0; -ENOENT there was none.
 */
int braid_rollout_status(struct braid *b, const char *pipeline, char **ret_json,
			 struct braid_error *err);

/**
 * braid_rollout_pause() - the share stays as it is, and no gate is looked at.
 * braid_rollout_continue() - go on, with the present step from its beginning. This too only
 * says so: braid_rollout_step() does it.
 * braid_rollout_abort() - no packet to the new version from the next one on, and then a
 * revision without it.
 * braid_rollout_promote() - a revision with the new version as the stage.
 * @ret_json: as braid_rollout_status(); may be NULL.
 * What a killed process has begun to take back or to promote is finished first.
 * Return: 0; -ENOENT none is under way; -ECANCELED promote: it is being taken back; what
 * braid_apply() says.
 */
int braid_rollout_pause(struct braid *b, const char *pipeline, char **ret_json,
			struct braid_error *err);
int braid_rollout_continue(struct braid *b, const char *pipeline, char **ret_json,
			   struct braid_error *err);
int braid_rollout_abort(struct braid *b, const char *pipeline, char **ret_json,
			struct braid_error *err);
int braid_rollout_promote(struct braid *b, const char *pipeline, char **ret_json,
			  struct braid_error *err);

/**
 * struct braid_signal_opts - Zero it, set @sz.
 * @sz:      sizeof(struct braid_signal_opts).
 * @stage:   name of a stage; NULL: the whole pipeline.
 * @verdict: of packets that meet a pipeline that is paused: "pass" or "drop"; NULL: pass.
 * @bit:     for "set" and "clear": 0 to 15, BRAID_SIGNAL_USER(bit) for programs. Without @stage: of
 * all stages.
 */
struct braid_signal_opts {
	size_t sz;
	const char *stage;
	const char *verdict;
	unsigned int bit;
};

/**
 * braid_signal() - tell a running pipeline, or one stage, what to do.
 * @signal:     pause     packets go past the stage; none enters the pipeline: each leaves at
 *                        once with the verdict of @opts.
 *              resume    the end of pause and drain.
 *              drain     the stage's program sees that it shall begin nothing new, and runs
 *                        on; the pipeline: no packet enters, and none is inside any more when
 *                        the call returns.
 *              shutdown  the stage: packets go past it, and when none is inside it is
 *                        disabled, as a new revision; the pipeline: drained and deleted.
 *              reload    objects are read from their files again, and applied if they changed.
 *              set, clear  a bit for programs to look at.
 * @opts:       may be NULL.
 * @ret_report: JSON: the state as braid_signals() has it, and whether anything changed; for
 *              reload as braid_apply(). Free it with free(); may be NULL.
 *
 * A signal holds from the next packet on, through updates, kills and reboots, until the
 * pipeline is deleted.
 * Return: 0; -ENOENT no such pipeline, stage or file; -EOPNOTSUPP it takes no signals;
 * -EINVAL no such signal; -EBUSY; what braid_apply() and braid_delete() say.
 */
int braid_signal(struct braid *b, const char *name, const char *signal,
		 const struct braid_signal_opts *opts, char **ret_report, struct braid_error *err);
/** braid_signals() - state of a pipeline and the signals of its stages, as JSON. */
int braid_signals(struct braid *b, const char *name, char **ret_json, struct braid_error *err);

/**
 * braid_config_set() - give fields of the configuration other values, all at once.
 * @changes:    "guard.limit=500", or "limit=500" where only one stage has such a field; values
 *              as in manifests. "guard.limit=": back to the default.
 * @ret_report: JSON: version, whether anything changed, what. Free it with free(); may be NULL.
 *
 * Fields are those that authors declare with BRAID_CONFIG(). Each packet meets all of the old
 * values or all of the new ones, in all stages. Values are kept over updates, kills and
 * reboots, until the pipeline is deleted.
 * Return: 0; -ENOENT no such pipeline or field; -EINVAL a value does not fit or is out of
 * its range; -EOPNOTSUPP the pipeline has no fields; -EBUSY. After an error nothing changed.
 */
int braid_config_set(struct braid *b, const char *name, const char *const *changes,
		     size_t n_changes, char **ret_report, struct braid_error *err);
/**
 * braid_config_get() - all fields as JSON: value, default, type, range; and where what runs
 * differs from what is wanted.
 */
int braid_config_get(struct braid *b, const char *name, char **ret_json, struct braid_error *err);
/** braid_config_history() - versions of the configuration as JSON, newest first. */
int braid_config_history(struct braid *b, const char *name, char **ret_json,
			 struct braid_error *err);
/**
 * braid_config_rollback() - the values of an earlier version, as a new one.
 * @version: 0: all defaults; -1: the newest that was in use and is not now.
 * Return: as braid_config_set(); -ENOENT no such version.
 */
int braid_config_rollback(struct braid *b, const char *name, int64_t version, char **ret_report,
			  struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
