/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference: each stage's own object, as clang wrote it, loaded alone by libbpf. Packets
 * go from one to the next here in user space (walk.c), by the rules of docs/semantics.md and
 * the tree of the manifest. Of braid's only those programs take part, each alone, that read a
 * field of a packet, or the key by which a version is chosen.
 *
 * Each stage gets fresh headroom here, while in a pipeline all draw on the same: 256 bytes,
 * less the frame's own 40. lb takes up to 40 for a packet that is not in a tunnel yet, dice 8
 * now and then, so ten stages stay below 216: that limit is not what is compared.
 */
#pragma once

#include "trail.h"

struct apart;

/* Bails out when a stage does not load alone. */
struct apart *apart_new(const struct chain *c, const char *const *objects);
void apart_free(struct apart *a);
/* The maps of all stages, shared ones once for each. Free with array_done(). */
struct map_names {
	ARRAY(struct map_name) v;
};
void apart_list_maps(const struct apart *a, struct map_names *ret);
struct runner apart_runner(struct apart *a);

/* For walk.c: programs, borrowed. */
const struct chain *apart_chain(const struct apart *a);
int apart_stage(const struct apart *a, size_t k, bool new, __u32 config);
int apart_field(const struct apart *a, enum field field);
int apart_key(const struct apart *a, size_t k);

/* walk.c: a packet on its way. @ret: the packet; what becomes of it. */
void walk(const struct apart *a, const struct state *state, struct tally *tallies,
	  struct traffic *traffic, struct outcome *ret);
/* How often something has happened: agreement about nothing would be worth nothing. */
extern struct walked {
	size_t paused, closed, versions[2], configs[CONFIGS], nobody;
	size_t branches[FIELD_RESULT + 1][2]; /* cases, default */
} walked;
