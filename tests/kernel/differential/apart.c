/* SPDX-License-Identifier: GPL-2.0-only */
#include "apart.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "compose/builtin.h"
#include "tap.h"

/* A stage's objects: one for each configuration, on the same maps, as that is a constant there. */
struct version {
	struct bpf_object *obj[CONFIGS];
	int program[CONFIGS];
};

struct apart {
	const struct chain *c;
	struct version stages[STAGES][2];
	struct bpf_object *fields, *keys[STAGES];
	const struct state *state;
	struct tally tallies[STAGES];
	struct traffic traffic;
};

/* Where a variable is in a section's bytes, before they are loaded. */
static __u8 *find_variable(struct bpf_object *obj, const char *in, const char *name, __u32 size)
{
	const struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, in, BTF_KIND_DATASEC);
	const struct btf_type *section = btf__type_by_id(btf, id);
	const struct btf_var_secinfo *var = btf_var_secinfos(section);
	struct bpf_map *map;

	for (int i = 0; i < btf_vlen(section); i++, var++)
		if (var->size == size &&
		    text_eq(btf__name_by_offset(btf, btf__type_by_id(btf, var->type)->name_off),
			    name))
			break;
	if (var == btf_var_secinfos(section) + btf_vlen(section))
		bail_out("there is no constant %s of %u bytes", name, size);
	bpf_object__for_each_map(map, obj)
	{
		/* libbpf puts a piece of the object's name in front of the usual sections */
		const char *at = strstr(bpf_map__name(map), in);
		size_t room;

		if (at && text_eq(at, in))
			return (__u8 *)bpf_map__initial_value(map, &room) + var->offset;
	}
	bail_out("there is no %s", in);
}

static struct bpf_map *must_find_map(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map)
		bail_out("there is no map %s", name);
	return map;
}

static void put_entry(struct bpf_map *map, const struct setting *s)
{
	bool per_cpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
	int cpus = per_cpu ? libbpf_num_possible_cpus() : 1;
	size_t step = per_cpu ? (s->value_size + 7) & ~7u : s->value_size;
	_cleanup_free_ __u8 *values = calloc(cpus, step);

	if (!values || s->key_size != bpf_map__key_size(map) ||
	    s->value_size != bpf_map__value_size(map))
		bail_out("an entry of %s has another size", s->name);
	for (int i = 0; i < cpus; i++)
		memcpy(values + i * step, s->value_bytes, s->value_size);
	if (bpf_map_update_elem(bpf_map__fd(map), s->key_bytes, values, BPF_ANY))
		bail_out("an entry of %s does not fit", s->name);
}

static void reuse(struct bpf_map *map, const struct bpf_object *of)
{
	if (bpf_map__reuse_fd(
		    map, bpf_map__fd(must_find_map((struct bpf_object *)of, bpf_map__name(map)))))
		bail_out("cannot share %s", bpf_map__name(map));
}

/* Maps that others have; of a further configuration all but what is constant. */
static void take_maps(struct apart *a, struct owner of, int config)
{
	struct version *v = &a->stages[of.stage][of.new];
	struct bpf_map *map;

	bpf_object__for_each_map(map, v->obj[config])
	{
		const char *name = bpf_map__name(map);
		struct owner owner = chain_owner(a->c, of, name);

		if (strstr(name, ".rodata"))
			continue;
		if (config)
			reuse(map, v->obj[0]);
		else if (!bpf_map__is_internal(map) &&
			 (owner.stage != of.stage || owner.new != of.new))
			reuse(map, a->stages[owner.stage][owner.new].obj[0]);
	}
}

/* The layout of dice.bpf.c. */
struct twist {
	__u8 nothing;
	__u32 a, b;
};

static void set_constants(struct apart *a, struct owner of, int config)
{
	const struct link *l = &a->c->stages[of.stage];
	struct bpf_object *obj = a->stages[of.stage][of.new].obj[config];

	for (const struct setting *s = l->settings; s < l->settings + l->n_settings; s++)
		if (s->what == CONSTANT)
			memcpy(find_variable(obj, ".rodata", s->name, s->value_size),
			       s->value_bytes, s->value_size);
		else if (s->what == MAX_ENTRIES &&
			 bpf_map__set_max_entries(must_find_map(obj, s->name), s->value_size))
			bail_out("cannot set the size of %s", s->name);
	if (kind_is_dice(l->kind)) {
		struct twist twist = {.a = l->twist[of.new][config],
				      .b = ~l->twist[of.new][config]};

		memcpy(find_variable(obj, ".rodata.braid_config", "twist", sizeof(twist)), &twist,
		       sizeof(twist));
	}
}

/* libbpf knows "tc", but not yet all that is like it. */
static void set_type(const struct apart *a, struct bpf_object *obj)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj) if (hook_facts(a->c->hook)->is_tc &&
						 bpf_program__set_type(p, BPF_PROG_TYPE_SCHED_CLS))
		bail_out("cannot set a type");
}

static void load_version(struct apart *a, struct owner of, const char *object)
{
	const struct link *l = &a->c->stages[of.stage];
	struct version *v = &a->stages[of.stage][of.new];
	const char *name = kind_names[l->kind];

	for (int i = 0; i < (kind_is_dice(l->kind) ? CONFIGS : 1); i++) {
		v->obj[i] = bpf_object__open(object);
		if (!v->obj[i])
			bail_out("cannot open %s", object);
		set_type(a, v->obj[i]);
		set_constants(a, of, i);
		take_maps(a, of, i);
		if (bpf_object__load(v->obj[i]))
			bail_out("cannot load %s", object);
		v->program[i] = bpf_program__fd(bpf_object__find_program_by_name(v->obj[i], name));
	}
	for (const struct setting *s = l->settings; s < l->settings + l->n_settings; s++)
		if (s->what == ENTRY)
			put_entry(must_find_map(v->obj[0], s->name), s);
}

/* As the library has it. */
static struct bpf_object *load_builtin(enum builtin which, __u32 seed)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = NULL;
	_cleanup_free_ void *bytes = NULL;
	struct bpf_object *obj;
	size_t size;

	if (builtin_unit(which, &u, &err) || unit_write(u, &bytes, &size, &err))
		bail_out("%s", err.what);
	obj = bpf_object__open_mem(bytes, size, NULL);
	if (!obj)
		bail_out("cannot open a program of braid's");
	if (which == BUILTIN_ROLLOUT || which == BUILTIN_ROLLOUT_TC)
		memcpy(find_variable(obj, ".rodata", "seed", sizeof(seed)), &seed, sizeof(seed));
	if (bpf_object__load(obj))
		bail_out("cannot load a program of braid's");
	return obj;
}

struct apart *apart_new(const struct chain *c, const char *const *objects)
{
	struct apart *a = calloc(1, sizeof(*a));

	if (!a)
		bail_out("no memory");
	a->c = c;
	a->state = &c->states[0];
	if (c->n_forks)
		a->fields = load_builtin(builtin_for(BUILTIN_CLASSIFY, c->hook), 0);
	for (size_t k = 0; k < c->n; k++) {
		const struct link *l = &c->stages[k];

		for (int n = 0; n <= l->rolled && tree_runs(c, k); n++)
			load_version(a, (struct owner){k, n}, objects[l->kind]);
		if (l->rolled)
			a->keys[k] = load_builtin(builtin_for(BUILTIN_ROLLOUT, c->hook), l->seed);
	}
	return a;
}

void apart_free(struct apart *a)
{
	for (size_t k = 0; k < a->c->n; k++) {
		bpf_object__close(a->keys[k]);
		for (int n = 0; n < 2; n++)
			for (int i = 0; i < CONFIGS; i++)
				bpf_object__close(a->stages[k][n].obj[i]);
	}
	bpf_object__close(a->fields);
	free(a);
}

void apart_list_maps(const struct apart *a, struct map_names *ret)
{
	struct bpf_map *map;

	for (size_t k = 0; k < a->c->n; k++)
		for (int n = 0; n < 2 && a->stages[k][n].obj[0]; n++)
			bpf_object__for_each_map(map, a->stages[k][n].obj[0])
			{
				struct map_name *name;

				/* globals are seen by what their stages decide */
				if (bpf_map__is_internal(map))
					continue;
				name = array_push(&ret->v);
				if (!name)
					bail_out("no memory");
				name->stage = k;
				name->new = n;
				snprintf(name->name, sizeof(name->name), "%s", bpf_map__name(map));
			}
}

const struct chain *apart_chain(const struct apart *a)
{
	return a->c;
}

int apart_stage(const struct apart *a, size_t k, bool new, __u32 config)
{
	return a->stages[k][new].program[kind_is_dice(a->c->stages[k].kind) ? config : 0];
}

static int program_of(struct bpf_object *obj, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(obj, name));
}

int apart_field(const struct apart *a, enum field field)
{
	return program_of(a->fields, builtin_classifiers[field]);
}

int apart_key(const struct apart *a, size_t k)
{
	return program_of(a->keys[k], builtin_keys[a->c->stages[k].key]);
}

static void run(void *ctx, const void *packet, size_t size, struct outcome *ret)
{
	struct apart *a = ctx;

	memcpy(ret->bytes, packet, size);
	ret->size = size;
	walk(a, a->state, a->tallies, &a->traffic, ret);
}

static void set(void *ctx, const struct state *state)
{
	((struct apart *)ctx)->state = state;
}

static int find_map(void *ctx, const struct map_name *name)
{
	const struct apart *a = ctx;

	return bpf_map__fd(must_find_map(a->stages[name->stage][name->new].obj[0], name->name));
}

static void count(void *ctx, size_t stage, struct tally *ret)
{
	*ret = ((const struct apart *)ctx)->tallies[stage];
}

static void traffic(void *ctx, struct traffic *ret)
{
	*ret = ((const struct apart *)ctx)->traffic;
}

struct runner apart_runner(struct apart *a)
{
	return (struct runner){.ctx = a,
			       .run = run,
			       .set = set,
			       .map = find_map,
			       .count = count,
			       .traffic = traffic,
			       .knows_stage = true};
}
