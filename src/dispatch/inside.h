/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of this layer share. */
#pragma once

#include "dispatch/dispatch.h"

/*
 * Folder "xdp" of @bpffs is libxdp's lock: flock(2). @fd -1: not held.
 * Whoever has it must not ask for it again: it would wait for itself.
 */
struct dispatch_lock {
	int fd;
};

#define DISPATCH_LOCK_INIT                                                                         \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* To change: alone; the folder is made. Waits. */
int dispatch_lock(const char *bpffs, struct dispatch_lock *ret, struct braid_error *err);
/* To read: beside other readers of this kind. No folder, no lock: there is nothing to read. */
int dispatch_lock_shared(const char *bpffs, struct dispatch_lock *ret, struct braid_error *err);
void dispatch_unlock(struct dispatch_lock *l);
/* Gives the lock away until those have it who are about to read the pins of dispatcher @id. */
void dispatch_lock_yield(const struct dispatch_lock *l, __u32 id);
#define _cleanup_dispatch_lock_ _cleanup_(dispatch_unlock)

/* NULL: no memory; caller frees. */
char *dispatch_folder(const char *bpffs, __u32 ifindex, __u32 id);
char *dispatch_pin(const char *folder, __u32 slot, const char *what);

/*
 * The folders in `xdp`, of any interface. And single pins: libxdp tries out there whether it can
 * pin a link, under the lock. Who has that finds those of killed ones only.
 */
struct dispatch_place {
	char *folder; /* owned; or the path of such a pin */
	bool is_trial;
	__u32 ifindex, id;
};

struct dispatch_places {
	ARRAY(struct dispatch_place) list;
};

int dispatch_places_read(const char *bpffs, struct dispatch_places *ret, struct braid_error *err);
void dispatch_places_done(struct dispatch_places *p);

/* As dispatcher_read(), by who has the lock. */
int dispatcher_read_locked(const struct netns *ns, __u32 ifindex, const char *bpffs,
			   struct dispatcher *ret, struct braid_error *err);

/* What @d cannot be changed for, as an error; 0: it can be. */
int dispatcher_must_be_ours(const struct netns *ns, __u32 ifindex, const struct dispatcher *d,
			    struct braid_error *err);

/* The version that the installed libxdp writes; 0: none is installed, or it says nothing. */
__u32 dispatch_installed_version(void);

/* A component of a chain that is to be. */
struct member {
	int fd; /* of its program; borrowed, as is @name */
	const char *name;
	__u32 id, instructions;
	__u64 loaded_ns;
	__u8 tag[BPF_TAG_SIZE];
	struct dispatcher_slot slot;
	bool is_new;
	size_t at; /* before sorting: what is alike keeps its order */
};

struct chain {
	struct dispatcher_config config;
	ARRAY(struct member) members; /* as config.slots */
	bool changed;                 /* it is not what @now runs */
};

/* @edit applied to @now. Borrows from both. @ret: array_done(&ret->members). */
int chain_make(const struct dispatcher *now, const struct dispatch_edit *edit, struct chain *ret,
	       struct braid_error *err);

/* A dispatcher that is not attached yet; its components live in its links. */
struct built {
	int fd;
	__u32 id;
	int links[DISPATCHER_SLOTS];
	char *folder; /* NULL: nothing is pinned */
};

#define BUILT_NONE ((struct built){.fd = -1, .links = {[0 ... DISPATCHER_SLOTS - 1] = -1}})

void built_done(struct built *b);

/* Loads a dispatcher and links the components of @chain to it. */
int build_dispatcher(const struct netns *ns, __u32 ifindex, const struct chain *chain,
		     struct built *ret, struct braid_error *err);
/* Pins what libxdp pins, in its order. On failure nothing is left. */
int build_pin(struct built *b, const struct chain *chain, const char *bpffs, __u32 ifindex,
	      struct braid_error *err);

/*
 * Removes folders of @ifindex (0: any) that nobody needs; by who has the lock.
 * @needed: id of a dispatcher that is not asked about; 0: none.
 */
int clean_locked(__u32 ifindex, __u32 needed, const char *bpffs, struct dispatch_leftovers *ret,
		 struct braid_error *err);
