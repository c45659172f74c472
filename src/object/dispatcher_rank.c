/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <linux/bpf.h>
#include <string.h>

#include "object/dispatcher.h"

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_tags(const __u8 *a, const __u8 *b)
{
	static const __u8 none[BPF_TAG_SIZE];

	return memcmp(a ?: none, b ?: none, BPF_TAG_SIZE);
}

int dispatcher_rank_compare(const struct dispatcher_rank *a, const struct dispatcher_rank *b)
{
	int r = compare(a->priority, b->priority) ?: strcmp(a->name, b->name);

	if (!r)
		r = compare(b->loaded, a->loaded);
	if (!r && !a->loaded)
		r = compare(a->instructions, b->instructions);
	return r ?: compare_tags(a->tag, b->tag) ?: compare(a->loaded_ns, b->loaded_ns);
}
