/* SPDX-License-Identifier: GPL-2.0-only */
#include "traffic.h"

#include <bpf/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "compose/count.h"
#include "kernel/load.h"
#include "tap.h"

void amount_add(struct amount *a, __u64 packets, __u64 bytes)
{
	a->packets += packets;
	a->bytes += bytes;
}

int row_of(enum hook hook, __u32 verdict)
{
	if (hook_facts(hook)->is_tc)
		return verdict + 1 < 10 ? (int)verdict + 1 : 10;
	return verdict < 5 ? verdict : 5;
}

/* All CPUs together. */
static void sum_blocks(const struct count_model *m, const struct loaded *loaded,
		       struct count_value *sum)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0, block = count_block_size(m->counters);
	int fd = loaded_map(loaded, COUNT_SECTION);
	_cleanup_free_ char *bytes = NULL;

	if (bpf_obj_get_info_by_fd(fd, &info, &size) || info.value_size % block)
		bail_out("the counters are not %u bytes for each CPU", block);
	bytes = malloc(info.value_size);
	if (!bytes || bpf_map_lookup_elem(fd, &zero, bytes))
		bail_out("cannot read the counters");
	for (__u32 at = 0; at < info.value_size; at += block)
		for (__u32 i = 1; i < m->counters; i++) {
			const struct count_value *v = (const void *)(bytes + at);

			sum[i].packets += v[i].packets;
			sum[i].bytes += v[i].bytes;
		}
}

static void add_stage(const struct count_edge *e, const struct count_value *v, enum hook hook,
		      struct met *ret)
{
	switch (e->kind) {
	case COUNT_VERDICT:
	case COUNT_ACCEPT:
	case COUNT_PROCEED:
		amount_add(&ret->verdicts[row_of(hook, e->verdict)], v->packets, v->bytes);
		/* fall through */
	case COUNT_DEFAULT:
	case COUNT_CASE:
		amount_add(&ret->all, v->packets, v->bytes);
		break;
	case COUNT_BYPASS:
		amount_add(&ret->past, v->packets, v->bytes);
		break;
	default:
		if (v->packets)
			bail_out("%llu tail calls failed", v->packets);
	}
}

void traffic_read(const struct image *image, const struct loaded *loaded,
		  bool (*stage)(const void *ctx, __u32 at, size_t *ret, bool *ret_new),
		  const void *ctx, struct traffic *ret)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_count_model_ struct count_model m = {};
	_cleanup_free_ struct count_value *block = NULL, *values = NULL;
	enum hook hook = image->plan->pipeline->hook;

	if (count_model_new(image->plan, &m, &err))
		bail_out("%s", err.what);
	block = calloc(m.counters, sizeof(*block));
	values = calloc(m.edges.n, sizeof(*values));
	if (!block || !values)
		bail_out("no memory");
	sum_blocks(&m, loaded, block);
	if (count_derive(&m, block, values))
		bail_out("no memory");
	array_foreach (e, &m.edges) {
		const struct count_value *v = &values[e - m.edges.v];
		size_t k;
		bool new;

		if (e->from == COUNT_OUTSIDE)
			amount_add(&ret->entered, v->packets, v->bytes);
		else if (stage(ctx, e->from, &k, &new))
			add_stage(e, v, hook, &ret->stages[k][new]);
		if (e->to == COUNT_OUTSIDE)
			amount_add(&ret->left[row_of(hook, e->left)], v->packets, v->bytes);
	}
}

static bool amount_is_same(const struct amount *want, const struct amount *got, struct buf *why)
{
	if (!memcmp(want, got, sizeof(*want)))
		return true;
	buf_fmt(why, "%llu packets of %llu bytes counted, want %llu of %llu: ", got->packets,
		got->bytes, want->packets, want->bytes);
	return false;
}

static bool met_is_same(const struct met *want, const struct met *got, struct buf *why)
{
	if (!amount_is_same(&want->all, &got->all, why)) {
		buf_str(why, "all");
		return false;
	}
	if (!amount_is_same(&want->past, &got->past, why)) {
		buf_str(why, "past");
		return false;
	}
	for (int i = 0; i < ROW; i++)
		if (!amount_is_same(&want->verdicts[i], &got->verdicts[i], why)) {
			buf_fmt(why, "with verdict %d of a row", i);
			return false;
		}
	return true;
}

bool traffic_is_same(const struct chain *c, const struct traffic *want, const struct traffic *got,
		     struct buf *why)
{
	if (!amount_is_same(&want->entered, &got->entered, why)) {
		buf_str(why, "entered\n");
		return false;
	}
	for (int i = 0; i < ROW; i++)
		if (!amount_is_same(&want->left[i], &got->left[i], why)) {
			buf_fmt(why, "left with verdict %d of a row\n", i);
			return false;
		}
	for (size_t k = 0; k < c->n; k++)
		for (int v = 0; v < 2; v++)
			if (!met_is_same(&want->stages[k][v], &got->stages[k][v], why)) {
				buf_fmt(why, " of version %d of stage %s\n", v, c->stages[k].name);
				return false;
			}
	return true;
}
