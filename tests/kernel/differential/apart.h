/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reference: each stage's own object, as clang wrote it, loaded alone by libbpf. Packets
 * go from one to the next here in user space, by the rules of docs/manifest.md. Nothing of
 * braid's takes part.
 *
 * Each stage gets fresh headroom here, while in a pipeline all draw on the same: 256 bytes,
 * less the frame's own 40. lb takes up to 40 for a packet that is not in a tunnel yet, dice 8
 * each time, so ten stages stay below 216: that limit is not what is compared.
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
