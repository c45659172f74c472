/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Revisions of pipelines, the objects they were made of, and what was done to them while
 * they ran, on disk.
 *
 * A pipeline is known by its home, the text of the network namespace where it lives, and
 * its name. Each call is one transaction: done or not done, however the process ends.
 * Every call may fail with -EBUSY (another process kept the database too long), -ENOSPC,
 * -EROFS, -EIO, -EBADMSG (the database is damaged) and -ENOMEM, beside what it says itself.
 * Threads: one per struct store.
 */
#pragma once

#include <linux/types.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/error.h"

#define STORE_DIGEST_SIZE 32 /* SHA-256 */

struct store;

/**
 * store_open() - open the store in folder @dir, or make one there.
 * @dir: NULL: $BRAID_STATE, else /var/lib/braid. Its parent must exist.
 * Return: 0; -EPERM others could change what is in the folder; -EPROTONOSUPPORT written
 * by a later braid; -EACCES.
 */
int store_open(const char *dir, struct store **ret, struct braid_error *err);
/* Also gives up the lock. Return: NULL. */
struct store *store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close)
#define _cleanup_store_ _cleanup_(store_closep)
/* The file that is written whenever the store changes; valid as long as @s. */
const char *store_path(const struct store *s);

/**
 * store_lock() - keep other processes from changing pipelines until store_unlock().
 * @command: what for, shown to those who wait.
 * @timeout_ns: relative; 0: do not wait.
 * Who has it may take it again: each call needs its store_unlock(), so that a change may be
 * made of several. Not needed for reading. The kernel frees it when the process (and children it
 * forked meanwhile) ends in whatever way. Return: 0; -EBUSY naming the process that has it.
 */
int store_lock(struct store *s, const char *command, __u64 timeout_ns, struct braid_error *err);
void store_unlock(struct store *s);

/**
 * store_put() - keep @bytes; @ret_digest is what they are called from now on.
 * The same bytes twice are kept once; a damaged copy is mended by it. Until a revision
 * refers to them, store_prune() may take them: hold the lock.
 */
int store_put(struct store *s, const void *bytes, size_t size, __u8 ret_digest[STORE_DIGEST_SIZE],
	      struct braid_error *err);
/**
 * store_get() - the bytes called @digest, which are verified. @ret: caller frees.
 * Return: 0; -ENOENT; -EBADMSG they are not what was put in.
 */
int store_get(struct store *s, const __u8 digest[STORE_DIGEST_SIZE], void **ret, size_t *ret_size,
	      struct braid_error *err);
/* "sha256:" and 64 digits, NUL-terminated. Return: @buf. */
#define STORE_DIGEST_TEXT (7 + 2 * STORE_DIGEST_SIZE + 1)
char *store_digest_text(const __u8 digest[STORE_DIGEST_SIZE], char buf[STORE_DIGEST_TEXT]);

/*
 * pending: begun, and neither commit nor abort was reached yet; at most one of a pipeline.
 * current: what is wanted; at most one. old: was current. failed: never became so.
 * deleted: was current when the pipeline was deleted.
 */
enum revision_state {
	REVISION_PENDING,
	REVISION_CURRENT,
	REVISION_OLD,
	REVISION_FAILED,
	REVISION_DELETED
};

extern const char *const revision_state_names[]; /* by enum revision_state */

struct revision_object {
	char *stage;
	__u8 digest[STORE_DIGEST_SIZE];
};

struct revision {
	char *home, *pipeline;
	__u32 number; /* counts up from 1 per pipeline; never used again */
	enum revision_state state;
	__u64 created_ns;      /* CLOCK_REALTIME */
	char *cause;           /* the command that made it */
	char *manifest, *plan; /* JSON */
	char *note;            /* why it failed or was deleted; NULL: nothing to say */
	ARRAY(struct revision_object) objects; /* by stage */
};

void revision_done(struct revision *r);
#define _cleanup_revision_ _cleanup_(revision_done)

/**
 * revision_begin() - record as pending what is about to be tried.
 * @wanted: borrowed; state and creation time in it are ignored, note may be NULL. Its number is one
 * that is in use elsewhere, or 0: the new one is above it, and above all that the store has.
 * Return: 0; -EEXIST an earlier one is still pending: commit or abort it first; -ENOENT
 * one of its objects was not put.
 */
int revision_begin(struct store *s, const struct revision *wanted, __u32 *ret_number,
		   struct braid_error *err);
/* Pending to current, and what was current to old, at once. Return: 0; -ESTALE not pending. */
int revision_commit(struct store *s, const char *home, const char *pipeline, __u32 number,
		    struct braid_error *err);
/* Pending to failed. @note: why. Return: 0; -ESTALE not pending. */
int revision_abort(struct store *s, const char *home, const char *pipeline, __u32 number,
		   const char *note, struct braid_error *err);
/*
 * Current to deleted. @note may be NULL. The wanted runtime state of the pipeline goes with
 * it, and no configuration is current any more. Return: 0; -ENOENT none is current.
 */
int revision_delete(struct store *s, const char *home, const char *pipeline, const char *note,
		    struct braid_error *err);

/* One revision with all that belongs to it. Return: 0; -ENOENT. */
int revision_get(struct store *s, const char *home, const char *pipeline, __u32 number,
		 struct revision *ret, struct braid_error *err);
/* The newest in @state, of which pending and current have at most one. Return: 0; -ENOENT. */
int revision_find(struct store *s, const char *home, const char *pipeline,
		  enum revision_state state, struct revision *ret, struct braid_error *err);

struct revisions {
	ARRAY(struct revision) list;
};

void revisions_done(struct revisions *revisions);

/**
 * store_history() - all revisions of a pipeline, newest first; empty for an unknown one.
 * Without manifest, plan and objects, which are large: revision_get() has them.
 */
int store_history(struct store *s, const char *home, const char *pipeline, struct revisions *ret,
		  struct braid_error *err);

struct store_pipeline {
	char *home, *name;
	__u32 current, pending; /* 0: none */
};

struct store_pipelines {
	ARRAY(struct store_pipeline) list;
};

void store_pipelines_done(struct store_pipelines *pipelines);
/* Every pipeline that has a revision, by home and name; @ret: store_pipelines_done() it. */
int store_pipelines(struct store *s, struct store_pipelines *ret, struct braid_error *err);

/*
 * runtime.c: what is wanted of a running pipeline beside its revision: small JSON documents
 * by key. "signals": what is paused; "rollout": how far one is. The maps of what runs follow
 * them: here first, there second.
 */
/* @json: borrowed; NULL: none any more. */
int runtime_put(struct store *s, const char *home, const char *pipeline, const char *key,
		const char *json, struct braid_error *err);
/* runtime_put() and event_add() at once. */
int runtime_record(struct store *s, const char *home, const char *pipeline, const char *key,
		   const char *json, const char *cause, const char *what, struct braid_error *err);
/* @ret_json: NULL: none; caller frees. */
int runtime_get(struct store *s, const char *home, const char *pipeline, const char *key,
		char **ret_json, struct braid_error *err);

/*
 * event.c: what happened to a pipeline beside revisions: signals, configuration, steps of a
 * rollout and failed gates, recoveries.
 */
struct event {
	__u64 number;     /* counts up from 1 per pipeline */
	__u32 revision;   /* the newest at that time; 0: none */
	__u64 created_ns; /* CLOCK_REALTIME */
	char *cause;      /* the command */
	char *what;       /* a sentence without a full stop */
};

struct events {
	ARRAY(struct event) list;
};

void events_done(struct events *events);
int event_add(struct store *s, const char *home, const char *pipeline, const char *cause,
	      const char *what, struct braid_error *err);
/* Newest first; empty for an unknown pipeline. */
int store_events(struct store *s, const char *home, const char *pipeline, struct events *ret,
		 struct braid_error *err);

/*
 * config.c: versions of a pipeline's configuration, with the life of revisions: pending,
 * then current or failed; what was current is old. None current: all fields have their
 * defaults.
 */
enum config_state { CONFIG_PENDING, CONFIG_CURRENT, CONFIG_OLD, CONFIG_FAILED };

extern const char *const config_state_names[]; /* by enum config_state */

struct config_version {
	__u32 number; /* counts up from 1 per pipeline; never used again */
	enum config_state state;
	__u64 created_ns; /* CLOCK_REALTIME */
	char *cause;      /* the command that made it */
	char *what;       /* what it changes, for the event of its commit */
	char *fields;     /* JSON: those that are not at their defaults */
	char *note;       /* why it failed; NULL: nothing to say */
};

void config_version_done(struct config_version *v);
#define _cleanup_config_version_ _cleanup_(config_version_done)

/**
 * config_begin() - record as pending what is about to be used.
 * @wanted: borrowed; cause, what and fields of it.
 * Return: 0; -EEXIST an earlier one is still pending: commit or abort it first.
 */
int config_begin(struct store *s, const char *home, const char *pipeline,
		 const struct config_version *wanted, __u32 *ret_number, struct braid_error *err);
/*
 * Pending to current, what was current to old, and an event that says so.
 * Return: 0; -ESTALE not pending.
 */
int config_commit(struct store *s, const char *home, const char *pipeline, __u32 number,
		  struct braid_error *err);
/* Pending to failed. @note: why. Return: 0; -ESTALE not pending. */
int config_abort(struct store *s, const char *home, const char *pipeline, __u32 number,
		 const char *note, struct braid_error *err);
/* Return: 0; -ENOENT. */
int config_get(struct store *s, const char *home, const char *pipeline, __u32 number,
	       struct config_version *ret, struct braid_error *err);
/* The newest in @state. Return: 0; -ENOENT. */
int config_find(struct store *s, const char *home, const char *pipeline, enum config_state state,
		struct config_version *ret, struct braid_error *err);

struct config_versions {
	ARRAY(struct config_version) list;
};

void config_versions_done(struct config_versions *versions);
/* Newest first; empty for an unknown pipeline. */
int store_configs(struct store *s, const char *home, const char *pipeline,
		  struct config_versions *ret, struct braid_error *err);

/**
 * store_prune() - forget all but the newest @keep revisions and versions of configuration
 * of each pipeline, all but its newest STORE_EVENTS events, and objects that no revision
 * refers to. What is pending or current stays, and the newest, so that numbers go on from it.
 */
#define STORE_EVENTS 2000
int store_prune(struct store *s, __u32 keep, struct braid_error *err);
