/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "compose/observe.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/builtin.h"
#include "compose/image.h"
#include "manifest/hook.h"
#include "object/analyse.h"
#include "object/cbpf.h"
#include "object/link.h"

#define DEFAULT_RING (4u << 20)

/* What seams call, and what is not there when nobody wants it: bpf/observe.bpf.c. */
enum { BEGIN, AGAIN, SEAM, N_ROOTS };
static const char *const roots[N_ROOTS] = {"observe_begin", "observe_again", "observe_seam"};
static const struct {
	__u32 what;
	const char *func, *map;
} kinds[] = {
	{OBSERVE_EVENTS, "observe_event", "events"},
	{OBSERVE_TIMES, "observe_time", "times"},
};
static const char *const names[] = {"events", "times", "state"};

static int refuse(const struct braid_plan *plan, struct braid_error *err, const char *what)
{
	error_set(err, -EINVAL, plan->pipeline->name, "an observer asks for %s", what);
	return -EINVAL;
}

static int check_slot(const struct braid_plan *plan, const struct observe_slot *slot,
		      struct braid_error *err)
{
	const struct observe_settings *s = &slot->settings;

	if (!s->what || s->what & ~(OBSERVE_EVENTS | OBSERVE_TIMES))
		return refuse(plan, err, "neither events nor times");
	if (s->snap > OBSERVE_SNAP)
		return refuse(plan, err, "more bytes of a packet than it can have");
	if (slot->ring & (slot->ring - 1) || slot->ring % sysconf(_SC_PAGESIZE) ||
	    slot->ring > 1u << 31)
		return refuse(plan, err, "a ring whose size is no power of 2, or not one of pages");
	if (s->only && s->what & OBSERVE_TIMES)
		return refuse(plan, err, "times, and not of all stages");
	for (size_t i = 0; i < slot->n_before; i++)
		if (slot->before[i] >= plan->stages.n || plan->stages.v[slot->before[i]].internal)
			return refuse(plan, err, "events in front of a stage that is not there");
	return 0;
}

/* Nobody wants it: what it needs is not linked in. */
static int empty_func(struct unit *u, const char *name, struct braid_error *err)
{
	struct func *f = &u->funcs.v[unit_find_func(u, name)];
	static const struct bpf_insn body[] = {
		{.code = BPF_ALU | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return func_set_body(f, body, sizeof(body) / sizeof(*body)) ? error_oom(err) : 0;
}

static int set_filter(const struct braid_plan *plan, const struct observe_slot *slot,
		      struct unit *u, struct braid_error *err)
{
	bool tc = hook_facts(plan->pipeline->hook)->is_tc;
	struct cbpf_opts opts = {
		.skb = tc,
		.several_buffers = tc || plan->frags,
	};

	if (!slot->n_filter)
		return 0;
	return cbpf_compile(slot->filter, slot->n_filter, &opts,
			    &u->funcs.v[unit_find_func(u, "observe_filter")], err);
}

/* The slot's own copy of the builtin. The caller frees it. */
static int slot_unit(const struct braid_plan *plan, const struct observe_slot *slot,
		     struct unit **ret, struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	int r = check_slot(plan, slot, err);

	r = r ?: builtin_unit(builtin_for(BUILTIN_OBSERVE, plan->pipeline->hook), &u, err);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !r; i++)
		if (!(slot->settings.what & kinds[i].what))
			r = empty_func(u, kinds[i].func, err);
	r = r ?: set_filter(plan, slot, u, err);
	if (!r)
		*ret = TAKE_PTR(u);
	return r;
}

/* Linux counts frames in steps of 32. */
static int measure(const struct unit *u, __u32 *ret_stack, struct braid_error *err)
{
	for (int i = 0; i < N_ROOTS; i++) {
		struct func_facts facts;
		__u32 stack;

		if (func_analyse(u, unit_find_func(u, roots[i]), &facts))
			return error_oom(err);
		stack = (facts.stack < 32 ? 32 : (facts.stack + 31) & ~31u) + facts.chain_stack;
		if (stack > *ret_stack)
			*ret_stack = stack;
	}
	return 0;
}

int plan_observe(struct braid_plan *plan, const struct observe_set *set, struct braid_error *err)
{
	enum strategy strategy = plan->strategy == STRATEGY_FUSED ? STRATEGY_AUTO : plan->strategy;
	_cleanup_free_ char *why = plan->why;
	int r = 0;

	plan->watch_maps = plan->watch_stack = 0;
	for (size_t i = 0; set && i < OBSERVE_SLOTS && !r; i++) {
		const struct observe_slot *slot = &set->slots[i];
		_cleanup_(unit_freep) struct unit *u = NULL;

		if (!slot->used)
			continue;
		r = slot_unit(plan, slot, &u, err) ?: measure(u, &plan->watch_stack, err);
		/* state and control */
		plan->watch_maps += 2 + __builtin_popcount(slot->settings.what);
	}
	if (r || !plan->watch_maps) {
		TAKE_PTR(why);
		return r;
	}
	array_foreach (seg, &plan->segments)
		free(seg->name);
	array_done(&plan->segments);
	plan->why = NULL;
	return plan_segment(plan, strategy, why, err);
}

static int set_settings(struct image *image, const struct observe_slot *slot, const char *ns,
			struct braid_error *err)
{
	_cleanup_free_ char *symbol = link_name(ns, "settings");
	struct observe_settings settings = slot->settings;
	__u32 section;
	const struct var *v = symbol ? unit_find_var(image->unit, symbol, &section) : NULL;

	if (!v)
		return error_oom(err);
	settings.stages = image->plan->stages.n;
	settings.several = image->plan->segments.n > 1;
	settings.frags = image->plan->frags;
	memcpy(image->unit->sections.v[section].bytes.v + v->offset, &settings, sizeof(settings));
	return 0;
}

static int note_map(struct image *image, const char *name, const char *symbol, __u32 index,
		    struct braid_error *err)
{
	int r = image_add_own_map(image, name, symbol, err);

	if (!r) {
		image->maps.v[image->maps.n - 1].observer = true;
		image->maps.v[image->maps.n - 1].slot = index;
	}
	return r;
}

static int add_map(struct image *image, const struct observe_slot *slot, __u32 index, __u32 map,
		   const char *name, struct braid_error *err)
{
	__u32 n = 1;
	int r;

	if (text_eq(name, "events"))
		n = slot->ring ?: DEFAULT_RING;
	else if (text_eq(name, "times"))
		n = image->plan->stages.n + OBSERVE_MORE;
	r = map_def_set_max_entries(image->unit, map, n, err)
		    ?: note_map(image, name, image->unit->maps.v[map].name, index, err);
	return r ?: map_def_read(image->unit, map, &image->maps.v[image->maps.n - 1].def, err);
}

static int add_maps(struct image *image, const struct observe_slot *slot, __u32 index,
		    const char *ns, struct braid_error *err)
{
	_cleanup_free_ char *control = text_fmt(OBSERVE_CONTROL, index);
	int r = control ? 0 : error_oom(err);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !r; i++) {
		_cleanup_free_ char *symbol = link_name(ns, names[i]);
		int map = symbol ? unit_find_map(image->unit, symbol) : -1;

		if (!symbol)
			return error_oom(err);
		if (map >= 0)
			r = add_map(image, slot, index, map, names[i], err);
	}
	return r ?: note_map(image, "control", control, index, err);
}

static int add_slot(struct image *image, const struct observe_slot *slot, __u32 index,
		    struct splice_watch *ret, struct braid_error *err)
{
	_cleanup_free_ char *ns = text_fmt("_observe%u", index);
	_cleanup_(unit_freep) struct unit *u = NULL;
	struct link_opts opts = {.ns = ns};
	__u32 wanted[N_ROOTS], funcs[N_ROOTS];
	int r = ns ? slot_unit(image->plan, slot, &u, err) : error_oom(err);

	for (int i = 0; i < N_ROOTS && !r; i++)
		wanted[i] = unit_find_func(u, roots[i]);
	r = r ?: link_import(image->unit, u, wanted, N_ROOTS, &opts, funcs, err);
	r = r ?: set_settings(image, slot, ns, err) ?: add_maps(image, slot, index, ns, err);
	if (!r)
		*ret = (struct splice_watch){funcs[BEGIN], funcs[AGAIN], funcs[SEAM],
					     slot->settings.what & OBSERVE_TIMES,
					     !slot->settings.only};
	return r;
}

int observe_add(struct image *image, const struct observe_set *set,
		struct splice_watch *ret_watches, size_t *ret_n, struct braid_error *err)
{
	size_t n = 0;
	int r = 0;

	for (__u32 i = 0; set && i < OBSERVE_SLOTS && !r; i++)
		if (set->slots[i].used)
			r = add_slot(image, &set->slots[i], i, &ret_watches[n++], err);
	if (!r)
		*ret_n = n;
	return r;
}

static bool has(const __u32 *list, size_t n, __u32 k)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == k)
			return true;
	return false;
}

__u32 observe_before(const struct observe_set *set, __u32 k)
{
	__u32 bits = 0, watch = 0;

	for (size_t i = 0; set && i < OBSERVE_SLOTS; i++) {
		const struct observe_slot *slot = &set->slots[i];

		if (slot->used && has(slot->before, slot->n_before, k))
			bits |= 1u << watch;
		watch += slot->used;
	}
	return bits;
}

__u32 observe_behind(const struct observe_set *set, __u32 k)
{
	__u32 bits = 0, watch = 0;

	for (size_t i = 0; set && i < OBSERVE_SLOTS; i++) {
		const struct observe_slot *slot = &set->slots[i];

		if (slot->used && (!slot->settings.only || has(slot->behind, slot->n_behind, k)))
			bits |= 1u << watch;
		watch += slot->used;
	}
	return bits;
}
