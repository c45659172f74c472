/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Bringing programs, and all that they need, into another unit. */
#pragma once

#include "object/unit.h"

/* A map that is not brought along: the one that is there takes its place. */
struct link_alias {
	const char *map; /* in the source */
	__u32 target;    /* in the destination */
};

/* A section of globals that is not brought along: its bytes are elsewhere. */
struct link_place {
	const char *section; /* in the source */
	__u32 target, base;  /* section in the destination, and where in it */
};

struct link_opts {
	/*
	 * Name space: symbols become <ns>__<name>, .data and .bss become .data.<ns>,
	 * read-only data joins the one .rodata. NULL: names stay, and must not collide.
	 */
	const char *ns;
	const struct link_alias *aliases;
	size_t n_aliases;
	const struct link_place *places;
	size_t n_places;
};

/*
 * Copies funcs[roots[i]] of @in to @out with what they call and use.
 * @ret_funcs: their indexes there, n_roots of them. The unit @out is of no use
 * after an error other than to be freed.
 * Return: 0; -EEXIST two symbols of one name; -EINVAL externs that contradict each other.
 */
int link_import(struct unit *out, const struct unit *in, const __u32 *roots, size_t n_roots,
		const struct link_opts *opts, __u32 *ret_funcs, struct braid_error *err);

/*
 * funcs[@func] once more, under another name and not global: for a program that is to be
 * part of another one and is held by a map, too.
 */
int link_clone(struct unit *u, __u32 func, const char *name, __u32 *ret_func,
	       struct braid_error *err);

/* <ns>__<name>, as link_import() names it. NULL: no memory. */
char *link_name(const char *ns, const char *name);
