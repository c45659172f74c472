/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the programs of a pipeline are to the verifier. */
#include <bpf/bpf.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "live/preflight.h"

/* The same image once more, on the same maps: for what the verifier says about it only. */
static int load_again(const struct side *side, struct loaded **ret, struct braid_error *err)
{
	const struct image *image = side->base.image;
	struct load_opts opts = {.stats = true};
	struct {
		ARRAY(struct load_reuse) list;
	} reuse = {};
	bool failed = false;
	int r;

	array_foreach (m, &image->maps) {
		int fd = loaded_map(side->base.loaded, m->symbol);

		if (fd >= 0 && !image_map_is_own(image, m))
			failed |= !array_add(&reuse.list, ((struct load_reuse){m->symbol, fd}));
	}
	opts.reuse = reuse.list.v;
	opts.n_reuse = reuse.list.n;
	r = failed ? error_oom(err) : load_image(image, &opts, ret, err);
	array_done(&reuse.list);
	return r;
}

/* Linux, kernel/bpf/verifier.c, print_verification_stats(). */
static void add_states(json_t *j, const char *log)
{
	const char *total = strstr(log, "total_states "), *peak = strstr(log, "peak_states ");
	unsigned int n;

	if (total && sscanf(total, "total_states %u", &n) == 1)
		json_object_set_new(j, "states", json_integer(n));
	if (peak && sscanf(peak, "peak_states %u", &n) == 1)
		json_object_set_new(j, "peak-states", json_integer(n));
}

static json_t *program_to_json(const struct side *side, __u32 segment, const struct loaded *again)
{
	const struct segment *seg = &side->base.plan->segments.v[segment];
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	json_t *stages = json_array(), *j;

	for (__u32 k = seg->first; k < seg->first + seg->n; k++)
		if (!side->base.plan->stages.v[k].internal)
			json_array_append_new(
				stages, json_string(side->base.plan->stages.v[k].stage->name));
	j = json_pack("{s:s, s:o}", "program", seg->name, "stages", stages);
	if (bpf_obj_get_info_by_fd(loaded_program(side->base.loaded, segment), &info, &size))
		return j;
	json_object_set_new(j, "instructions", json_integer(info.xlated_prog_len / 8));
	json_object_set_new(j, "jited-bytes", json_integer(info.jited_prog_len));
	json_object_set_new(j, "verified-instructions", json_integer(info.verified_insns));
	if (again)
		add_states(j, loaded_log(again, segment));
	return j;
}

/* The states are there if the kernel took it once more: nothing depends on them. */
int side_programs(const struct side *side, json_t **ret, struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_(loaded_freep) struct loaded *again = NULL;
	json_t *list = json_array();

	if (!list)
		return error_oom(err);
	load_again(side, &again, &ignored);
	for (__u32 k = 0; k < side->base.plan->segments.n; k++)
		json_array_append_new(list, program_to_json(side, k, again));
	*ret = list;
	return 0;
}
