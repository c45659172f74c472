/* SPDX-License-Identifier: GPL-2.0-only */
/* What came to each stage and left with each verdict: as a pipeline counts it, or a walk. */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/text.h"
#include "chain.h"

enum { ROW = 11 }; /* XDP: from 0, and one for all others; TC: from -1 */

struct amount {
	__u64 packets, bytes;
};

struct met {
	struct amount all, past, verdicts[ROW]; /* those of a stage that chooses are none */
};

struct traffic {
	struct amount entered, left[ROW];
	struct met stages[STAGES][2]; /* by version */
};

void amount_add(struct amount *a, __u64 packets, __u64 bytes);
/* Where a verdict is in a row. */
int row_of(enum hook hook, __u32 verdict);

struct image;
struct loaded;
/* What the seams of @image have counted. @stage: of the plan -> of the chain; false: braid's own.
 */
void traffic_read(const struct image *image, const struct loaded *loaded,
		  bool (*stage)(const void *ctx, __u32 at, size_t *ret, bool *ret_new),
		  const void *ctx, struct traffic *ret);
/* @why: the first difference. */
bool traffic_is_same(const struct chain *c, const struct traffic *want, const struct traffic *got,
		     struct buf *why);
