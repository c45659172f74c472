/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a program on an interface means for a pipeline there: pure, of what was read. */
#pragma once

#include "kernel/attached.h"
#include "live/foreign.h"

/* As in manifests. */
const char *foreign_hook_name(enum attached_hook hook);

/*
 * Where among @all the pipeline is going to stand, which is not attached: what has a smaller
 * index runs before it, if it is of its direction.
 */
size_t foreign_index(const struct foreign_view *view, const struct attached_list *all);

/*
 * A sentence about number @i. @own: where the pipeline stands, or is going to. NULL: no memory.
 * Caller frees.
 */
char *foreign_means(const struct foreign_view *view, size_t own, const struct attached_list *all,
		    size_t i);
