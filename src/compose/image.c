/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/image.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "compose/count.h"
#include "compose/observe.h"
#include "compose/rollout_abi.h"
#include "manifest/hook.h"
#include "object/config.h"
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
	array_foreach (f, &image->fields)
		free(f->name);
	array_done(&image->segments);
	array_done(&image->maps);
	array_done(&image->fields);
	unit_free(image->unit);
	free(image->elf);
	free(image);
}

bool image_map_is_own(const struct image *image, const struct image_map *m)
{
	int map = m->globals ? -1 : unit_find_map(image->unit, m->symbol);

	return map >= 0 && image->unit->maps.v[map].values.n;
}

struct image_map *image_find_map(struct image *image, __u32 stage, const char *name)
{
	const struct plan_stage *ps = &image->plan->stages.v[stage];
	const char *shared = shared_name(image, ps, name);

	array_foreach (m, &image->maps)
		if (shared ? !m->stage && !m->braid && text_eq(m->name, shared)
			   : m->stage && m->stage_index == stage && text_eq(m->name, name))
			return m;
	if (!shared && ps->is_candidate && ps[-1].stage->candidate->share_maps)
		return image_find_map(image, stage - 1, name);
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

int image_add_own_map(struct image *image, const char *name, const char *symbol,
		      struct braid_error *err)
{
	return add_map(image,
		       &(struct image_map){.name = name, .symbol = (char *)symbol, .braid = true},
		       err);
}

int image_add_own_section(struct image *image, const char *name, const char *symbol, size_t size,
			  __u32 align, int *ret_section, struct braid_error *err)
{
	struct section *s = array_push(&image->unit->sections);

	if (!s)
		return error_oom(err);
	s->kind = SECTION_DATA;
	s->align = align;
	s->name = strdup(symbol);
	s->bytes.v = calloc(1, size);
	s->bytes.n = size;
	if (!s->name || !s->bytes.v)
		return error_oom(err);
	*ret_section = s - image->unit->sections.v;
	return image_add_own_map(image, name, symbol, err);
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
				       .name = ps->unit->maps.v[in_stage].name,
				       .braid = ps->internal};
		const char *shared = shared_name(image, ps, im.name);

		if (shared) {
			im.stage = NULL;
			im.name = shared;
			im.across = shared_across(image, shared);
			r = rename_map(image->unit, m, shared, err);
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
	const struct hook_facts *hook = hook_facts(plan->pipeline->hook);

	return plan->frags && !hook->is_tc ? "xdp.frags" : hook->sections;
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

/* The stage's program; of a rollout's sender also the function that counts for it. */
static size_t find_roots(const struct plan_stage *ps, __u32 roots[2])
{
	roots[0] = ps->func;
	if (!ps->by_share)
		return 1;
	roots[1] = unit_find_func(ps->unit, ROLLOUT_COUNT_FUNC);
	return 2;
}

static int import_stage(struct image *image, const struct plan_stage *ps, struct imported *ret,
			struct braid_error *err)
{
	size_t first_map = image->unit->maps.n, first_func = image->unit->funcs.n, n = 0;
	_cleanup_free_ struct link_alias *aliases = calloc(ps->unit->maps.n + 1, sizeof(*aliases));
	struct link_place places[2];
	struct link_opts opts = {.ns = ps->ns, .aliases = aliases, .places = places};
	__u32 roots[2], funcs[2] = {};
	size_t n_roots = find_roots(ps, roots);
	int r = aliases ? shared_aliases(image, ps, aliases, &n, err) : error_oom(err);

	opts.n_aliases = n;
	opts.n_places = control_places(image, ps - image->plan->stages.v, places);
	r = r ?: link_import(image->unit, ps->unit, roots, n_roots, &opts, funcs, err);
	r = r ?: note_maps(image, ps, first_map, err);
	r = r ?: keep_programs(image, first_func, &funcs[0], err);
	*ret = (struct imported){funcs[0], funcs[1]};
	return r;
}

/* A section for what recording seams write. */
static int add_record(struct image *image, int *ret_section, struct braid_error *err)
{
	return image_add_own_section(image, "record", IMAGE_RECORD_SECTION,
				     sizeof(struct image_record), 8, ret_section, err);
}

static int add_jumps(struct image *image, __u32 *ret_map, struct braid_error *err)
{
	int r = map_def_add_prog_array(image->unit, IMAGE_JUMPS, image->plan->segments.n, ret_map,
				       err)
			?: image_add_own_map(image, "jumps", IMAGE_JUMPS, err);

	return r ?: map_def_read(image->unit, *ret_map, &image->maps.v[image->maps.n - 1].def, err);
}

/* What makes a splice of a segment. */
struct assembly {
	struct image *image;
	struct imported *stages; /* by stage of the plan */
	__u32 jumps;
	int record;
	struct count_seams *count;
	const struct observe_set *observe;
	struct splice_watch watches[OBSERVE_SLOTS];
	size_t n_watches;
};

/* Where a way leads, for code in @seg: to one of its parts, or by a tail call. */
static __u32 next_for(const struct braid_plan *plan, const struct segment *seg, __u32 next)
{
	if (next == SPLICE_END)
		return SPLICE_END;
	if (next >= seg->first && next < seg->first + seg->n)
		return next - seg->first;
	if (plan->strategy == STRATEGY_DISPATCHER)
		return SPLICE_END; /* the dispatcher goes on */
	return SPLICE_SLOT + plan->stages.v[next].segment;
}

/* @cases: room for those of all parts, borrowed by them. */
static void fill_part(const struct assembly *a, const struct segment *seg, __u32 k,
		      struct splice_case **cases, struct splice_part *ret)
{
	const struct braid_plan *plan = a->image->plan;
	const struct plan_stage *ps = &plan->stages.v[k];

	*ret = (struct splice_part){
		.func = a->stages[k].func,
		.call = ps->called,
		.proceed_on = ps->proceed_on,
		.next = next_for(plan, seg, ps->next),
		.chooses = ps->chooses,
		.cases = *cases,
		.n_cases = ps->cases.n,
		.by_share = ps->by_share,
		.gated = plan_is_gated(plan, k),
		.record = !ps->internal,
		.observed = ps->in_rollout,
		.silent = ps->internal,
		.before = observe_before(a->observe, k),
		.behind = observe_behind(a->observe, k),
		.index = k,
		.name = ps->stage->name,
	};
	if (ps->in_rollout) {
		ret->observer = a->stages[ps->sender].count;
		ret->observe_as = ps->is_candidate ? ROLLOUT_NEW : ROLLOUT_OLD;
	}
	array_foreach (c, &ps->cases)
		*(*cases)++ = (struct splice_case){c->value, next_for(plan, seg, c->next)};
}

static size_t count_cases(const struct braid_plan *plan, const struct segment *seg)
{
	size_t n = 0;

	for (__u32 k = seg->first; k < seg->first + seg->n; k++)
		n += plan->stages.v[k].cases.n;
	return n;
}

static struct splice_config config_for_seams(const struct image *image)
{
	return (struct splice_config){image->config, image->config_size, image->packet_map};
}

static struct splice_plain plain_of(const struct braid_pipeline *p)
{
	return (struct splice_plain){
		.fold = p->not_optimized & 1u << OPTIMIZE_FOLD,
		.unread = p->not_optimized & 1u << OPTIMIZE_UNREAD,
		.context = p->not_optimized & 1u << OPTIMIZE_CONTEXT,
		.frame = p->not_optimized & 1u << OPTIMIZE_FRAME,
	};
}

/* Verdicts after which a component leaves the packet to one behind it. */
static __u32 goes_on_after(const struct braid_plan *plan, __u32 segment)
{
	bool last = segment + 1 == plan->segments.n;

	return plan->strategy == STRATEGY_DISPATCHER && !last ? plan->segments.v[segment].actions
							      : 0;
}

static int splice_segment(const struct assembly *a, __u32 index, struct braid_error *err)
{
	struct image *image = a->image;
	const struct braid_plan *plan = image->plan;
	const struct hook_facts *hook = hook_facts(plan->pipeline->hook);
	const struct segment *seg = &plan->segments.v[index];
	_cleanup_free_ struct splice_part *parts = calloc(seg->n, sizeof(*parts));
	_cleanup_free_ struct splice_case *cases = calloc(count_cases(plan, seg) + 1,
							  sizeof(*cases));
	struct splice_case *next_case = cases;
	_cleanup_free_ char *origin = text_fmt("braid:%s", plan->pipeline->name);
	struct image_segment *out = array_push(&image->segments);
	struct splice s = {
		.name = seg->name,
		.section = section_of(plan),
		.origin = origin,
		.parts = parts,
		.n_parts = seg->n,
		.end = plan_end_of(plan, index),
		.verdict = plan->pipeline->final,
		.tail_map = a->jumps,
		.pass = hook->pass,
		.lost = hook->lost,
		.clean_stack = plan->clean_stack,
		.record_section = a->record,
		.control = control_for_seams(image, !index),
		.config = config_for_seams(image),
		.plain = plain_of(plan->pipeline),
		.count = count_for_seams(a->count, image, index),
		.watches = a->watches,
		.n_watches = a->n_watches,
		.goes_on = goes_on_after(plan, index),
	};

	if (!parts || !cases || !origin || !out)
		return error_oom(err);
	out->name = strdup(seg->name);
	if (!out->name)
		return error_oom(err);
	for (__u32 k = 0; k < seg->n; k++)
		fill_part(a, seg, seg->first + k, &next_case, &parts[k]);
	return splice_parts(image->unit, &s, &out->func, &out->map, err);
}

/* A packet's key goes to another version in each rollout. */
static void set_seed(struct image *image, const struct plan_stage *sender)
{
	_cleanup_free_ char *symbol = link_name(sender->ns, "seed");
	const struct plan_stage *old = sender + 1;
	__u32 section;
	const struct var *v = symbol ? unit_find_var(image->unit, symbol, &section) : NULL;

	if (v && v->size == sizeof(old->stage->candidate->seed))
		memcpy(image->unit->sections.v[section].bytes.v + v->offset,
		       &old->stage->candidate->seed, v->size);
}

static int import_all(struct assembly *a, struct braid_error *err)
{
	const struct braid_plan *plan = a->image->plan;

	for (size_t i = 0; i < plan->stages.n; i++) {
		int r = import_stage(a->image, &plan->stages.v[i], &a->stages[i], err);

		if (r) {
			error_within(err, "stage %s", plan->stages.v[i].stage->name);
			return r;
		}
		if (plan->stages.v[i].by_share)
			set_seed(a->image, &plan->stages.v[i]);
	}
	return 0;
}

/* Functions that stay functions: of the first @n, which are no pipelines. */
static int bind_functions(struct image *image, __u32 n, struct braid_error *err)
{
	struct splice s = {.control = control_for_seams(image, false),
			   .config = config_for_seams(image)};

	return image->config < 0 ? 0 : config_bind_functions(image->unit, n, &s, err);
}

/* Components are called by the dispatcher, one by one. */
static bool has_jumps(const struct braid_plan *plan)
{
	return plan->segments.n > 1 && plan->strategy != STRATEGY_DISPATCHER;
}

static int assemble(struct image *image, const struct image_opts *opts, struct braid_error *err)
{
	const struct braid_plan *plan = image->plan;
	_cleanup_(count_seams_done) struct count_seams count = {};
	_cleanup_free_ struct imported *stages = calloc(plan->stages.n, sizeof(*stages));
	struct assembly a = {.image = image,
			     .stages = stages,
			     .record = -1,
			     .observe = opts->observe,
			     .count = &count};
	size_t n_funcs;
	int r;

	image->unit->license = strdup(plan->license);
	if (!stages || !image->unit->license)
		return error_oom(err);
	r = opts->record ? add_record(image, &a.record, err) : 0;
	r = r ?: control_add(image, err) ?: import_all(&a, err);
	if (!r && plan_counts(plan) && !opts->record)
		r = count_add(image, opts->cpus, &count, err);
	r = r ?: observe_add(image, opts->observe, a.watches, &a.n_watches, err);
	if (!r && has_jumps(plan))
		r = add_jumps(image, &a.jumps, err);
	r = r ?: control_add_packet_map(image, stages, err);
	n_funcs = image->unit->funcs.n;
	for (size_t k = 0; k < plan->segments.n && !r; k++) {
		r = splice_segment(&a, k, err);
		if (!r && k && has_jumps(plan))
			r = map_def_set_program(image->unit, a.jumps, k, image->segments.v[k].func,
						err);
	}
	return r ?: bind_functions(image, n_funcs, err);
}

int image_empty_jumps(struct image *image, struct braid_error *err)
{
	int map = unit_find_map(image->unit, IMAGE_JUMPS);

	image->unit->maps.v[map].values.n = 0;
	free(image->elf);
	image->elf = NULL;
	return unit_write(image->unit, &image->elf, &image->size, err);
}

int image_new(const struct braid_plan *plan, const struct image_opts *opts, struct image **ret,
	      struct braid_error *err)
{
	static const struct image_opts none;
	_cleanup_(image_freep) struct image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return error_oom(err);
	image->plan = plan;
	r = unit_new(plan->pipeline->name, &image->unit, err) ?:
		    assemble(image, opts ?: &none, err) ?:
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
	struct braid_plan plain = *plan;
	ERROR_SCRATCH(err);
	int r;

	plain.plain = true;
	r = image_new(&plain, NULL, &image, err);
	if (r)
		return r;
	*ret_bytes = TAKE_PTR(image->elf);
	*ret_size = image->size;
	return 0;
}
