/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/image.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "base/text.h"
#include "object/link.h"
#include "object/types.h"

void image_free(struct image *image)
{
	if (!image)
		return;
	array_foreach (s, &image->segments) {
		free(s->name);
		array_done(&s->map.ranges);
	}
	array_foreach (m, &image->maps) {
		array_foreach (e, &m->entries) {
			free(e->key);
			free(e->value);
		}
		array_done(&m->entries);
		free(m->symbol);
	}
	array_done(&image->segments);
	array_done(&image->maps);
	unit_free(image->unit);
	free(image->elf);
	free(image);
}

struct image_map *image_find_map(struct image *image, __u32 stage, const char *name)
{
	const struct plan_stage *ps = &image->plan->stages.v[stage];
	const struct shared_map *shared = shared_find(image, ps, name);

	array_foreach (m, &image->maps)
		if (shared ? !m->stage && !m->braid && text_eq(m->name, shared->name)
			   : m->stage && m->stage_index == stage && text_eq(m->name, name))
			return m;
	return NULL;
}

static int add_map(struct image *image, const struct image_map *m, struct braid_error *err)
{
	char *symbol = strdup(m->symbol);

	if (!symbol || !array_add(&image->maps, *m)) {
		free(symbol);
		return error_oom(err);
	}
	image->maps.v[image->maps.n - 1].symbol = symbol;
	return 0;
}

/* The first stage's map becomes the shared one, under the shared name. */
static int rename_map(struct unit *u, struct map *m, const char *name, struct braid_error *err)
{
	char *symbol = strdup(name);
	int there;

	if (!symbol)
		return error_oom(err);
	for (char *c = symbol; *c; c++)
		if (*c == '-')
			*c = '_';
	there = unit_find_map(u, symbol);
	if (there >= 0 && m != &u->maps.v[there]) {
		error_set(err, -EINVAL, NULL, "the name of the shared map '%s' is taken", name);
		error_why(err, "another map is called '%s' in the linked object", symbol);
		free(symbol);
		return -EINVAL;
	}
	free(m->name);
	m->name = symbol;
	return type_rename(u->btf, m->type_id, symbol) ? error_oom(err) : 0;
}

/* The maps that importing a stage added, from @first_map on, and its globals. */
static int note_maps(struct image *image, const struct plan_stage *ps, size_t first_map,
		     struct braid_error *err)
{
	__u32 index = ps - image->plan->stages.v;
	_cleanup_free_ char *globals = text_fmt(".data.%s", ps->ns);
	int r = globals ? 0 : error_oom(err);

	for (size_t i = first_map; i < image->unit->maps.n && !r; i++) {
		struct map *m = &image->unit->maps.v[i];
		int in_stage = unit_find_map(ps->unit, m->name + strlen(ps->ns) + 2);
		struct image_map im = {.stage = ps->stage->name,
				       .stage_index = index,
				       .name = ps->unit->maps.v[in_stage].name};
		const struct shared_map *shared = shared_find(image, ps, im.name);

		if (shared) {
			im.stage = NULL;
			im.name = shared->name;
			r = rename_map(image->unit, m, shared->name, err);
		}
		im.symbol = image->unit->maps.v[i].name;
		r = r ?: map_def_read(image->unit, i, &im.def, err) ?: add_map(image, &im, err);
	}
	if (!r && unit_find_section(image->unit, globals) >= 0)
		r = add_map(image,
			    &(struct image_map){.stage = ps->stage->name,
						.stage_index = index,
						.name = ".data",
						.symbol = globals,
						.globals = true},
			    err);
	return r;
}

static const char *section_of(const struct braid_plan *plan)
{
	return plan->frags ? "xdp.frags" : "xdp";
}

static bool held_by_map(const struct unit *u, __u32 func)
{
	array_foreach (m, &u->maps)
		array_foreach (v, &m->values)
			if (v->kind == REF_FUNC && v->target == func)
				return true;
	return false;
}

/*
 * Programs that came along, as the stage's maps hold them: they must know as much of packets
 * of several buffers as those that tail-call them. A stage that is itself one of them stays
 * so, and what becomes part of the pipeline is a copy.
 */
static int keep_programs(struct image *image, size_t first_func, __u32 *func,
			 struct braid_error *err)
{
	struct unit *u = image->unit;
	_cleanup_free_ char *name = NULL;

	for (size_t i = first_func; i < u->funcs.n; i++) {
		struct func *f = &u->funcs.v[i];
		char *section;

		if (!func_is_program(f))
			continue;
		section = strdup(section_of(image->plan));
		if (!section)
			return error_oom(err);
		free(f->section);
		f->section = section;
	}
	if (!held_by_map(u, *func))
		return 0;
	name = text_fmt("%s__part", u->funcs.v[*func].name);
	return name ? link_clone(u, *func, name, func, err) : error_oom(err);
}

static int import_stage(struct image *image, const struct plan_stage *ps, __u32 *ret_func,
			struct braid_error *err)
{
	size_t first_map = image->unit->maps.n, first_func = image->unit->funcs.n, n = 0;
	_cleanup_free_ struct link_alias *aliases = calloc(ps->unit->maps.n + 1, sizeof(*aliases));
	struct link_opts opts = {.ns = ps->ns, .aliases = aliases};
	int r = aliases ? shared_aliases(image, ps, aliases, &n, err) : error_oom(err);

	opts.n_aliases = n;
	r = r ?: link_import(image->unit, ps->unit, &ps->func, 1, &opts, ret_func, err);
	r = r ?: note_maps(image, ps, first_map, err);
	return r ?: keep_programs(image, first_func, ret_func, err);
}

/* A section for what recording seams write. */
static int add_record(struct image *image, int *ret_section, struct braid_error *err)
{
	struct section *s = array_push(&image->unit->sections);

	if (!s)
		return error_oom(err);
	s->kind = SECTION_DATA;
	s->align = 8;
	s->name = strdup(IMAGE_RECORD_SECTION);
	s->bytes.v = calloc(1, sizeof(struct image_record));
	s->bytes.n = sizeof(struct image_record);
	if (!s->name || !s->bytes.v)
		return error_oom(err);
	*ret_section = s - image->unit->sections.v;
	return add_map(image,
		       &(struct image_map){.name = "record",
					   .symbol = (char *)IMAGE_RECORD_SECTION,
					   .braid = true},
		       err);
}

/* The PROG_ARRAY: slot k holds the program of segment k. No stage's name begins with '_'. */
#define JUMPS "_braid_jumps"

static int add_jumps(struct image *image, __u32 *ret_map, struct braid_error *err)
{
	struct image_map im = {.name = "jumps", .symbol = (char *)JUMPS, .braid = true};
	int r = map_def_add_prog_array(image->unit, JUMPS, image->plan->segments.n, ret_map, err);

	return r ?: map_def_read(image->unit, *ret_map, &im.def, err) ?: add_map(image, &im, err);
}

static void fill_parts(const struct braid_plan *plan, const struct segment *seg, const __u32 *funcs,
		       struct splice_part *parts)
{
	for (__u32 k = 0; k < seg->n; k++) {
		const struct plan_stage *ps = &plan->stages.v[seg->first + k];

		parts[k] = (struct splice_part){
			.func = funcs[seg->first + k],
			.call = ps->called,
			.proceed_on = ps->proceed_on,
			.index = seg->first + k,
			.name = ps->stage->name,
		};
	}
}

static int splice_segment(struct image *image, __u32 index, const __u32 *funcs, __u32 jumps,
			  int record, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	const struct segment *seg = &plan->segments.v[index];
	_cleanup_free_ struct splice_part *parts = calloc(seg->n, sizeof(*parts));
	_cleanup_free_ char *origin = text_fmt("braid:%s", plan->pipeline->name);
	struct image_segment *out = array_push(&image->segments);
	struct splice s = {
		.name = seg->name,
		.section = section_of(plan),
		.origin = origin,
		.parts = parts,
		.n_parts = seg->n,
		.end = index + 1 < plan->segments.n ? SPLICE_TAIL
		       : plan->pipeline->has_final  ? SPLICE_FIXED
						    : SPLICE_LAST,
		.verdict = plan->pipeline->final,
		.tail_map = jumps,
		.tail_slot = index + 1,
		.pass = XDP_PASS,
		.lost = XDP_ABORTED,
		.clean_stack = plan->clean_stack,
		.record_section = record,
	};

	if (!parts || !origin || !out)
		return error_oom(err);
	out->name = strdup(seg->name);
	if (!out->name)
		return error_oom(err);
	fill_parts(plan, seg, funcs, parts);
	return splice(image->unit, &s, &out->func, &out->map, err);
}

static int assemble(struct image *image, bool record, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	_cleanup_free_ __u32 *funcs = calloc(plan->stages.n, sizeof(*funcs));
	bool tail = plan->segments.n > 1;
	int record_section = -1, r;
	__u32 jumps = 0;

	image->unit->license = strdup(plan->license);
	if (!funcs || !image->unit->license)
		return error_oom(err);
	r = record ? add_record(image, &record_section, err) : 0;
	for (size_t i = 0; i < plan->stages.n && !r; i++) {
		r = import_stage(image, &plan->stages.v[i], &funcs[i], err);
		if (r)
			error_within(err, "stage %s", plan->stages.v[i].stage->name);
	}
	if (!r && tail)
		r = add_jumps(image, &jumps, err);
	for (size_t k = 0; k < plan->segments.n && !r; k++) {
		r = splice_segment(image, k, funcs, jumps, record_section, err);
		if (!r && k)
			r = map_def_set_program(image->unit, jumps, k, image->segments.v[k].func,
						err);
	}
	return r;
}

int image_new(const struct braid_plan *plan, bool record, struct image **ret,
	      struct braid_error *err)
{
	_cleanup_(image_freep) struct image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return error_oom(err);
	image->plan = plan;
	r = unit_new(plan->pipeline->name, &image->unit, err) ?:
		    assemble(image, record, err) ?:
		    image_set_constants(image, err) ?:
		    image_set_maps(image, err) ?:
		    unit_write(image->unit, &image->elf, &image->size, err);
	if (r)
		return r;
	*ret = TAKE_PTR(image);
	return 0;
}

int braid_plan_link(const struct braid_plan *plan, void **ret_bytes, size_t *ret_size,
		    struct braid_error *err)
{
	_cleanup_(image_freep) struct image *image = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = image_new(plan, false, &image, err);
	if (r)
		return r;
	*ret_bytes = TAKE_PTR(image->elf);
	*ret_size = image->size;
	return 0;
}
