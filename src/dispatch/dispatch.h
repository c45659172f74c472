/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libxdp's dispatchers on interfaces: what is there, and changing it so that every other
 * implementation of the protocol finds what it expects. The protocol: docs/libxdp-protocol.md.
 *
 * A change is one transaction: read, build a new dispatcher beside the old one, let all
 * components replace its functions, pin them, exchange the dispatchers on the interface with
 * the expected old one, unpin that. Somebody else's change in between makes it begin again.
 */
#pragma once

#include <net/if.h>

#include "base/array.h"
#include "kernel/netns.h"
#include "kernel/xdp.h"
#include "object/dispatcher.h"

enum dispatcher_state {
	DISPATCHER_ABSENT,  /* no XDP program is attached */
	DISPATCHER_SOUND,   /* one that can be changed */
	DISPATCHER_FOREIGN, /* a program that is no dispatcher */
	DISPATCHER_LATER,   /* of a later version of the protocol */
	DISPATCHER_BROKEN,  /* pins or configuration do not fit: libxdp calls it legacy */
	DISPATCHER_LINKED,  /* a sound one that a bpf_link holds: only its owner can exchange it */
};

struct component {
	__u32 id;       /* of its program */
	char name[128]; /* whole, from BTF where the kernel has cut it */
	__u8 tag[BPF_TAG_SIZE];
	__u32 uid;
	__u64 loaded_ns;    /* CLOCK_BOOTTIME */
	__u32 instructions; /* before JIT, as the kernel counts xlated code */
	struct dispatcher_slot slot;
	__u32 link_id;
	int fd;
};

struct dispatcher {
	enum dispatcher_state state;
	enum xdp_mode mode;
	__u32 id; /* of the program on the interface; 0: none */
	char name[BPF_OBJ_NAME_LEN];
	bool by_link;                       /* a bpf_link holds it, of any state */
	__u32 link_id;                      /* of that; 0: it cannot be told which one */
	int fd;                             /* of the program; -1: none */
	char *why;                          /* BROKEN, LATER: what is wrong with it */
	struct dispatcher_config config;    /* SOUND; LATER, BROKEN: its version, 0: unknown */
	ARRAY(struct component) components; /* in the order in which packets meet them */
	char *folder;                       /* of its pins; NULL: none */
};

#define DISPATCHER_NONE ((struct dispatcher){.fd = -1})

/* Frees, and makes it DISPATCHER_NONE. */
void dispatcher_done(struct dispatcher *d);
/* Why nobody can join @d, which is one; NULL: all can. Valid as long as @d. */
const char *dispatcher_closed(const struct dispatcher *d);

/**
 * dispatcher_read() - what is on @ifindex.
 * @bpffs: where libxdp pins: dispatch_bpffs().
 * Waits while somebody changes pins. A LINKED dispatcher has its components, as SOUND ones.
 * Needs: CAP_SYS_ADMIN (programs by id). Return: 0, whatever is there; -ENODEV no such
 * interface; -EPERM; -EAGAIN it changed each time it was looked at.
 */
int dispatcher_read(const struct netns *ns, __u32 ifindex, const char *bpffs,
		    struct dispatcher *ret, struct braid_error *err);

/* Where libxdp pins: $LIBXDP_BPFFS, else as bpffs_root(). Caller frees. */
int dispatch_bpffs(char **ret, struct braid_error *err);

/* A program that is to become a component. */
struct addition {
	int fd; /* borrowed; of type EXT, loaded for prog0 of dispatch_scratch() or of another */
	const char *name; /* whole; counts for the order */
	struct dispatcher_slot slot;
};

struct resetting {
	__u32 id; /* of a component that is there */
	bool set_priority, set_actions;
	__u32 priority, actions;
};

/*
 * All of it or nothing. Components of the same priority keep libxdp's order (name, loaded
 * before not yet loaded, …).
 */
struct dispatch_edit {
	const __u32 *remove; /* ids of components */
	size_t n_remove;
	bool remove_rest; /* of @remove, who is not there any more does not count */
	const struct addition *add;
	size_t n_add;
	const struct resetting *set;
	size_t n_set;
	enum xdp_mode
		mode;  /* for n_add: where there is none yet; else it must be the one there is */
	__u32 version; /* 0: that of the one there is, else the installed libxdp's, else 3 */
	/*
	 * NULL, or asked of each reading that can be changed (ABSENT, SOUND), before anything is
	 * built: an error ends the transaction with nothing changed. It is asked under the lock:
	 * it must not call what waits for that, which is all functions here that take @bpffs.
	 */
	int (*check)(void *ctx, const struct dispatcher *now, struct braid_error *err);
	void *ctx;
};

/**
 * dispatch_change() - make @edit on @ifindex, atomically for packets.
 * @ret_id: of the new dispatcher; 0: none is left. May be NULL.
 * Components that @edit does not name are moved as they are. Waits for the lock of libxdp. An
 * edit that changes nothing is fine. What killed ones have left on @ifindex is removed.
 * A dispatcher of version 1 becomes one of the version for a fresh interface.
 * Needs: Linux 5.10, CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_BPF.
 * Return: 0; -EBUSY what is there is no dispatcher or cannot be changed, with who it is in
 * @err; -ENOENT a component to remove or set is not there; -ENOSPC more than ten components;
 * -EEXIST another mode; -EINVAL no component, or bound to a device unlike the others; -EAGAIN
 * others changed it ten times meanwhile; -EPERM, also when the kernel refuses freplace
 * (lockdown); what the verifier says of the dispatcher.
 */
int dispatch_change(const struct netns *ns, __u32 ifindex, const struct dispatch_edit *edit,
		    __u32 *ret_id, struct braid_error *err);

/**
 * dispatch_scratch() - a dispatcher that is attached nowhere, for loading components: they are
 * loaded for its function "prog0" (type EXT, expected attach type 0, no flags), and attached to
 * another one's later.
 * @frags: the component knows packets of several buffers.
 */
int dispatch_scratch(bool frags, int *ret_fd, struct braid_error *err);
/* The same for components that are bound to a device (DEV_BOUND_ONLY). */
int dispatch_scratch_bound(const struct netns *ns, __u32 ifindex, bool frags, int *ret_fd,
			   struct braid_error *err);

/**
 * dispatch_explain() - completes the error of loading a component: -EPERM is what a kernel says
 * that refuses freplace (lockdown). Others stay as they are.
 * Return: the code of @err.
 */
int dispatch_explain(struct braid_error *err);

/* A folder of pins that dispatch_clean() found. */
struct dispatch_leftover {
	char *folder; /* owned; or the path of a pin that libxdp made for a trial */
	__u32 ifindex, id;
	bool removed;
	char *why; /* it was removed, or not; owned */
};

struct dispatch_leftovers {
	ARRAY(struct dispatch_leftover) list;
};

/**
 * dispatch_clean() - remove pins of dispatchers that are attached nowhere any more.
 * Looks in all network namespaces (netns_list_read()) before it calls one unused, and does
 * nothing if it may not look into some: -EACCES. Those that some process has a descriptor of
 * stay: it may be about to attach them.
 * @ifindex: only of this one; 0: all.
 * @ret: all that were looked at, also those that stay.
 */
int dispatch_clean(__u32 ifindex, const char *bpffs, struct dispatch_leftovers *ret,
		   struct braid_error *err);
void dispatch_leftovers_done(struct dispatch_leftovers *l);

/**
 * dispatch_tidy() - dispatch_clean() behind something that is done, whether or not pins can go.
 * @ret_why: why some may be left, or NULL; what was there is freed. Return: 0; -ENOMEM.
 */
int dispatch_tidy(__u32 ifindex, const char *bpffs, char **ret_why, struct braid_error *err);

/* A dispatcher somewhere on the machine. */
struct dispatch_site {
	char *netns; /* as struct netns calls it; owned */
	__u64 cookie;
	__u32 ifindex;
	char ifname[IF_NAMESIZE];
	struct dispatcher dispatcher; /* neither ABSENT nor FOREIGN */
};

struct dispatch_sites {
	ARRAY(struct dispatch_site) list;
};

/** dispatch_list() - all dispatchers, in all network namespaces that can be found. */
int dispatch_list(const char *bpffs, struct dispatch_sites *ret, struct braid_error *err);
void dispatch_sites_done(struct dispatch_sites *s);
