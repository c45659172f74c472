/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Revisions of pipelines and the objects they were made of, on disk.
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

/**
 * store_lock() - keep other processes from changing pipelines until store_unlock().
 * @command: what for, shown to those who wait.
 * @timeout_ns: relative; 0: do not wait.
 * Not needed for reading. The kernel frees it when the process (and children it forked
 * meanwhile) ends in whatever way.
 * Return: 0; -EBUSY naming the process that has it.
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
 * @wanted: borrowed; number, state and creation time in it are ignored, note may be NULL.
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
/* Current to deleted. @note may be NULL. Return: 0; -ENOENT none is current. */
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

/**
 * store_prune() - forget all but the newest @keep revisions of each pipeline, and objects
 * that none refers to. Pending and current ones stay, and the newest, so that numbers go
 * on from it.
 */
int store_prune(struct store *s, __u32 keep, struct braid_error *err);
