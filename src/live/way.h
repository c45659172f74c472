/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How a pipeline is attached to one interface. There are several ways; what they have in
 * common is this table of functions, and nothing else of live knows which one it is.
 *
 * What runs on an interface is found by looking at the interface. What a pipeline has to do
 * with it is found in the pipeline's folder `links`: a link; or, for ways that have none, a
 * note (note.h), which says to look there. Which programs there are the pipeline's own is
 * known from those that it has pinned.
 */
#pragma once

#include "dispatch/dispatch.h"
#include "kernel/link.h"
#include "kernel/netns.h"
#include "kernel/tc.h"
#include "kernel/xdp.h"
#include "live/front.h"
#include "manifest/model.h"

/* An interface, a hook of it, and what was found there. */
struct spot {
	struct netns ns;
	__u32 ifindex;
	enum hook hook;
	struct xdp_state xdp;     /* HOOK_XDP */
	struct dispatcher *chain; /* HOOK_XDP: what is attached is libxdp's; NULL: it is not */
	struct tc_state tc;       /* the others */
};

#define SPOT_INIT ((struct spot){.ns = NETNS_INIT})

void spot_done(struct spot *s);
#define _cleanup_spot_ _cleanup_(spot_done)
/* Looks, again if need be. Return: as xdp_query(), tc_query(). */
int spot_look(struct spot *s, struct braid_error *err);
enum tc_hook tc_hook_of(enum hook hook);
/* What is attached where XDP wants to be; hardware offload is not in its way. NULL: nothing. */
const struct xdp_attached *spot_xdp(const struct spot *s);
/* Closes what is open of it. */
void spot_forget_chain(struct spot *s);
/* Is there a dispatcher that takes components? */
bool spot_has_chain(const struct spot *s);
/* One that has others, too, beside those of @ours (NULL: none is). */
bool spot_has_others(const struct spot *s, const struct ids *ours);

/*
 * A pipeline at a spot. Or what is left of that: a pin without effect.
 */
struct attachment {
	const struct way *way;
	char *path; /* of the pin; owned */
	__u64 cookie;
	__u32 ifindex;
	enum hook hook;
	int fd;             /* the link, or the note */
	int program;        /* fd; of ways without links: what runs; -1: nothing of ours does */
	bool live;          /* false: detached, or the interface is gone */
	struct ids runs;    /* programs */
	__u32 link_id;      /* 0: not by a link */
	enum xdp_mode mode; /* of XDP without a link */
	struct tc_filter filter;
	bool made_clsact;
};

struct attachments {
	ARRAY(struct attachment) list;
};

void attachment_done(struct attachment *a);
/* All of a pipeline, by what is pinned below @pipeline_path; none is fine. */
int attachments_read(const char *pipeline_path, struct attachments *ret, struct braid_error *err);
void attachments_done(struct attachments *all);
/*
 * Detaches, and removes the pin. Links lose the pin first: killed or refused between the two,
 * there is a link that works or none. @all: what was read with it; NULL: nothing was.
 */
int attachment_remove(struct attachments *all, struct attachment *a, struct braid_error *err);
/* Exchanges programs between two packets. -ESTALE: it does not run @from. */
int attachment_update(struct attachment *a, const struct front *from, const struct front *to,
		      struct braid_error *err);
/* Of one without a link, which lost its note (orphan.h): another one. */
int attachment_note(struct attachment *a, struct braid_error *err);
/* Is it what was found at @s? */
bool attachment_is_at(const struct attachment *a, const struct spot *s);
/* The one at @s; NULL: none. */
struct attachment *attachment_at(const struct attachments *all, const struct spot *s);
/* Where its pin lies. @next: beside the one there is, while it is moved. NULL: no memory. */
char *attachment_path(const char *pipeline_path, __u64 cookie, __u32 ifindex, enum hook hook,
		      bool next);
/* The network namespace @cookie, if any process is in it. -ENOENT: it is gone. */
int attachment_netns(__u64 cookie, struct netns *ret, struct braid_error *err);

/* In which mode, where among others: what a way takes beside the spot. */
struct how {
	enum xdp_mode mode;
	const struct attach *wanted; /* by the manifest; NULL: @place and @filter */
	const char *home, *root;     /* of pipelines that it names; root of bpffs */
	bool lenient;                /* whoever it names and is not there does not count */
	struct tc_place place;       /* as it stood */
	struct tc_filter filter;     /* … and was numbered */
	int instead;                 /* XDP: fd of the program whose place it takes; -1: none */
};

struct way {
	__u32 number; /* in notes: never another one */
	const char *name;
	bool has_link;
	/*
	 * Of ways without links: those that are attached at @s with programs of @ours, one by
	 * one. @at: 0 before the first call. @ret: the fields that this finds are set.
	 */
	bool (*find)(const struct spot *s, const struct ids *ours, size_t *at,
		     struct attachment *ret);
	/*
	 * @path: where it is to be pinned; what is pinned there has no effect any more.
	 * @ret: on success all of it, but for cookie, ifindex and hook.
	 */
	int (*attach)(struct spot *s, const struct how *how, const struct front *f,
		      const char *path, struct attachment *ret, struct braid_error *err);
	/* Not with links. @ns: of @a. */
	int (*update)(struct attachment *a, const struct netns *ns, const struct front *from,
		      const struct front *to, struct braid_error *err);
	int (*detach)(struct attachment *a, const struct netns *ns, struct braid_error *err);
	/*
	 * Where there is a list. Does it stand where @how wants it? And another one with @f
	 * that does; the caller then detaches @a. Both NULL: there is only one place.
	 */
	int (*stands)(const struct attachment *a, const struct spot *s, const struct how *how,
		      bool *ret, struct braid_error *err);
	int (*move)(const struct attachment *a, struct spot *s, const struct how *how,
		    const struct front *f, const char *path, struct attachment *ret,
		    struct braid_error *err);
	/* How it stands: attach() with that puts it back. */
	void (*describe)(const struct attachment *a, const struct spot *s, struct how *ret);
};

extern const struct way way_xdp_link, way_xdp_netlink, way_tc_link, way_clsact, way_dispatcher;

/* NULL: none of that number. */
const struct way *way_by_number(__u32 number);
/* Of a link. */
const struct way *way_of_link(enum link_kind kind);
/* In plans and in status. A TCX link and a netkit link are one way with two names. */
const char *way_name(const struct way *way, enum hook hook);

/* A new one, with all fields. */
int attachment_create(const struct way *way, struct spot *s, const struct how *how,
		      const struct front *f, const char *pipeline_path, struct attachment *ret,
		      struct braid_error *err);
/* The same for one that stands elsewhere: packets meet both for a moment, then @ret. */
int attachment_move(struct attachment *a, struct spot *s, const struct how *how,
		    const struct front *f, const char *pipeline_path, struct attachment *ret,
		    struct braid_error *err);

/* Of one that was left beside the one that it was to replace: its pin in the place of that. */
int attachment_settle_path(struct attachment *a, const char *pipeline_path,
			   struct braid_error *err);

/*
 * tc_place.c: where in a list @how wants to be, as things are. @clsact: among filters.
 * Return: 0; -ENOENT who is named is not there; -ENOTUNIQ several are; -EINVAL.
 */
int tc_place_find(const struct spot *s, const struct how *how, bool clsact, struct tc_place *ret,
		  struct braid_error *err);
/* Is @a, found at @s, there? */
bool tc_place_is_right(const struct spot *s, const struct attachment *a,
		       const struct tc_place *place);
/* The place in front of what comes behind @a. */
struct tc_place tc_place_of(const struct spot *s, const struct attachment *a);
