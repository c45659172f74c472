/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * An update of one segment behind a tail call: only its program is loaded, and put into its
 * slot of the PROG_ARRAY that runs. The other programs, and the links, stay as they are.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/plan_json.h"
#include "kernel/bpffs.h"
#include "live/live.h"

void slot_done(struct slot *s)
{
	closep(&s->old_program);
	array_foreach (r, &s->own)
		closep(&r->fd);
	array_done(&s->own);
	*s = SLOT_INIT;
}

static const char *text_of(const json_t *j, const char *member)
{
	return json_string_value(json_object_get(j, member));
}

/* The one segment that differs; 0: none, several, the first, or another number of them. */
static __u32 changed_segment(const json_t *old, const json_t *new)
{
	__u32 found = 0;
	size_t i;
	json_t *was;

	if (json_array_size(old) != json_array_size(new))
		return 0;
	json_array_foreach (old, i, was) {
		const json_t *is = json_array_get(new, i);

		if (!text_eq(text_of(was, "program"), text_of(is, "program")))
			return 0;
		if (text_eq(text_of(was, "digest"), text_of(is, "digest")))
			continue;
		if (!i || found)
			return 0;
		found = i;
	}
	return found;
}

/* Do all other segments keep their maps, and does nothing that is set at the start change? */
static bool stays(const struct image *image, const struct carry *carry, __u32 segment)
{
	const struct braid_plan *plan = image->plan;
	const struct segment *seg = &plan->segments.v[segment];

	for (__u32 k = seg->first; k < seg->first + seg->n; k++)
		if (plan->stages.v[k].uses_config || plan->stages.v[k].in_rollout)
			return false;
	array_foreach (m, &image->maps) {
		const struct carried *c = NULL;

		array_foreach (each, &carry->list)
			if (text_eq(each->symbol, m->symbol))
				c = each;
		if (m->braid || (c && c->fd >= 0))
			continue;
		if (!m->stage || plan->stages.v[m->stage_index].segment != segment)
			return false;
	}
	return true;
}

/* braid's own maps go on: they say what runs. */
static int reuse_own(const struct image *image, const char *path, struct slot *s,
		     struct braid_error *err)
{
	array_foreach (m, &image->maps) {
		_cleanup_free_ char *pin = m->braid ? path_map(path, m->symbol) : NULL;
		struct load_reuse reuse = {.symbol = m->symbol, .fd = -1};
		int r;

		if (!m->braid)
			continue;
		r = pin ? bpffs_get(pin, BPFFS_MAP, &reuse.fd, err) : error_oom(err);
		if (r)
			return r;
		if (!array_add(&s->own, reuse)) {
			close(reuse.fd);
			return error_oom(err);
		}
		if (text_eq(m->symbol, IMAGE_JUMPS))
			s->jumps = reuse.fd;
	}
	return s->jumps < 0 ? -ENOENT : 0;
}

/* What is in a slot; 0: nothing. */
static __u32 program_in(int jumps, __u32 slot)
{
	__u32 id = 0;

	return bpf_map_lookup_elem(jumps, &slot, &id) ? 0 : id;
}

/* Is the old program, by its pin, what the slot holds? */
static int open_old(const json_t *segments, const char *path, struct slot *s,
		    struct braid_error *err)
{
	const char *name = text_of(json_array_get(segments, s->index), "program");
	_cleanup_free_ char *pin = path_program(path, name);
	int r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &s->old_program, err) : error_oom(err);

	if (!r && program_in(s->jumps, s->index) != program_id(s->old_program))
		return -ENOENT;
	return r;
}

int slot_find(const struct image *image, const struct carry *carry, const json_t *old,
	      const char *path, struct slot *ret, struct braid_error *err)
{
	_cleanup_error_ struct braid_error missing = BRAID_ERROR_INIT;
	const json_t *was = json_object_get(old, "segments");
	_cleanup_json_ json_t *is = NULL;
	struct slot s = SLOT_INIT;
	int r = segments_to_json(image, &is, err);

	if (r)
		return r;
	s.index = changed_segment(was, is);
	if (!s.index || !stays(image, carry, s.index))
		return 0;
	r = reuse_own(image, path, &s, &missing) ?: open_old(was, path, &s, &missing);
	if (r) { /* then all is loaded anew, which mends what is missing */
		slot_done(&s);
		return r == -ENOMEM ? error_oom(err) : 0;
	}
	*ret = s;
	return 0;
}

static int put(const struct slot *s, int program, struct braid_error *err)
{
	int r = bpf_map_update_elem(s->jumps, &s->index, &program, BPF_ANY);

	return r ? error_errno(err, r, NULL, "cannot put the program into slot %u", s->index) : 0;
}

int slot_switch(const struct slot *s, int program, struct braid_error *err)
{
	return put(s, program, err);
}

int slot_undo(const struct slot *s, struct braid_error *err)
{
	return put(s, s->old_program, err);
}

/* The slot that a plan says its revision replaced; 0: none. */
static __u32 slot_of(const json_t *plan)
{
	return json_integer_value(json_object_get(plan, "slot"));
}

static int open_pinned(const json_t *plan, const char *folder, __u32 slot, int *ret_program,
		       struct braid_error *err)
{
	const json_t *segment = json_array_get(json_object_get(plan, "segments"), slot);
	_cleanup_free_ char *pin = path_program(folder, text_of(segment, "program"));

	return pin ? bpffs_get(pin, BPFFS_PROGRAM, ret_program, err) : error_oom(err);
}

static int open_jumps(const char *folder, int *ret, struct braid_error *err)
{
	_cleanup_free_ char *pin = path_map(folder, IMAGE_JUMPS);

	return pin ? bpffs_get(pin, BPFFS_MAP, ret, err) : error_oom(err);
}

bool slot_is_switched(const json_t *plan, const char *folder)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_close_ int program = -1, jumps = -1;
	__u32 slot = slot_of(plan);

	if (!slot)
		return true; /* nothing of the kind is to be done */
	return !open_pinned(plan, folder, slot, &program, &err) &&
	       !open_jumps(folder, &jumps, &err) && program_in(jumps, slot) == program_id(program);
}

int slot_put_back(const json_t *plan, const json_t *old_plan, const char *old_folder,
		  struct braid_error *err)
{
	_cleanup_close_ int program = -1, jumps = -1;
	struct slot s = SLOT_INIT;
	int r;

	s.index = slot_of(plan);
	if (!s.index)
		return 0;
	r = open_pinned(old_plan, old_folder, s.index, &program, err)
		    ?: open_jumps(old_folder, &jumps, err);
	s.jumps = jumps;
	return r ?: put(&s, program, err);
}
