/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A stage's object: read, its program found, its facts gathered. */
#include <errno.h>
#include <sha256.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "compose/plan.h"
#include "manifest/hook.h"

#define OBJECT_LIMIT (64u << 20) /* bytes */

char *stage_where(const struct stage *s)
{
	char at[512];

	place_text(s->at, at, sizeof(at));
	return text_fmt("%s%sstage %s", at, *at ? ": " : "", s->name);
}

/* libbpf's names of type SCHED_CLS: the kernel takes any of them at any of these hooks. */
static bool is_tc_section(const char *section)
{
	static const char *const names[] = {"tc", "classifier", "tcx", "netkit"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (text_has_prefix(section, names[i]) && (!section[n] || section[n] == '/'))
			return true;
	}
	return false;
}

/* Is a program in that section for the hook? @ret_frags: it knows packets of several buffers. */
static bool section_is_hook(const char *section, enum hook hook, bool *ret_frags)
{
	section += *section == '?'; /* "not loaded unless asked for": here it is */
	if (hook_facts(hook)->is_tc) {
		*ret_frags = true; /* an skb looks the same, however many buffers it has */
		return is_tc_section(section);
	}
	/* libbpf's names; "xdp/devmap", "xdp/cpumap" run elsewhere than on an interface */
	*ret_frags = text_has_prefix(section, "xdp.frags");
	return text_has_prefix(section, "xdp") && !strstr(section, "/devmap") &&
	       !strstr(section, "/cpumap");
}

static int cannot_read(const struct stage *s, int code, struct braid_error *err)
{
	_cleanup_free_ char *where = stage_where(s);

	error_errno(err, code, where, "cannot read the object '%s'", s->object);
	if (code == -ENOENT)
		error_hint(err, "a path in a manifest starts from the manifest's own folder");
	return code;
}

static int read_file(const struct stage *s, void **ret, size_t *ret_size, struct braid_error *err)
{
	_cleanup_fclose_ FILE *f = fopen(s->object, "re");
	_cleanup_free_ char *bytes = NULL;
	struct stat st;

	if (!f || fstat(fileno(f), &st))
		return cannot_read(s, -errno, err);
	if (!S_ISREG(st.st_mode))
		return cannot_read(s, -EISDIR, err);
	if (st.st_size > OBJECT_LIMIT)
		return cannot_read(s, -EFBIG, err);
	bytes = malloc(st.st_size + 1);
	if (!bytes)
		return error_oom(err);
	*ret_size = fread(bytes, 1, st.st_size, f);
	if (ferror(f))
		return cannot_read(s, -EIO, err);
	*ret = TAKE_PTR(bytes);
	return 0;
}

static int take_bytes(struct plan_stage *ps, struct braid_error *err)
{
	const struct stage *s = ps->stage;

	if (!s->bytes)
		return read_file(s, &ps->bytes, &ps->size, err);
	ps->bytes = malloc(s->size ?: 1);
	if (!ps->bytes)
		return error_oom(err);
	memcpy(ps->bytes, s->bytes, s->size);
	ps->size = s->size;
	return 0;
}

int stage_read(const struct stage *s, void **ret, size_t *ret_size, struct braid_error *err)
{
	struct plan_stage ps = {.stage = s};
	int r = take_bytes(&ps, err);

	if (!r) {
		*ret = ps.bytes;
		*ret_size = ps.size;
	}
	return r;
}

int stage_digest(const struct stage *s, char ret[65], struct braid_error *err)
{
	_cleanup_free_ void *bytes = NULL;
	size_t size;
	int r = stage_read(s, &bytes, &size, err);

	if (!r)
		SHA256Data(bytes, size, ret);
	return r;
}

/* Programs of the hook in the object, as a list for messages. */
static char *list_programs(const struct unit *u, enum hook hook)
{
	struct buf b = {};
	bool frags;

	array_foreach (f, &u->funcs)
		if (func_is_program(f) && section_is_hook(f->section, hook, &frags))
			buf_fmt(&b, "%s%s", b.n ? ", " : "", f->name);
	if (!b.n)
		buf_str(&b, "none");
	return buf_take(&b);
}

static int no_program(const struct plan_stage *ps, enum hook hook, struct braid_error *err)
{
	const struct stage *s = ps->stage;
	const char *names[64];
	const char *near;
	size_t n = 0;
	bool frags;
	_cleanup_free_ char *where = stage_where(s), *all = list_programs(ps->unit, hook);

	array_foreach (f, &ps->unit->funcs)
		if (n < 64 && section_is_hook(f->section, hook, &frags))
			names[n++] = f->name;
	near = text_nearest(s->program, names, n);
	error_set(err, -ENOENT, where, "there is no program '%s' in %s", s->program, s->object);
	error_why(err, "its %s programs: %s", hook_names[hook], all ?: "");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -ENOENT;
}

/* The named program, or the only one of the hook. */
static int find_program(struct plan_stage *ps, enum hook hook, struct braid_error *err)
{
	const struct stage *s = ps->stage;
	_cleanup_free_ char *where = stage_where(s);
	int found = -1, n = 0;
	bool frags;

	if (s->program) {
		found = unit_find_func(ps->unit, s->program);
		if (found < 0 || !func_is_program(&ps->unit->funcs.v[found]))
			return no_program(ps, hook, err);
		if (!section_is_hook(ps->unit->funcs.v[found].section, hook, &ps->frags)) {
			error_set(err, -EINVAL, where, "program '%s' is not for hook %s",
				  s->program, hook_names[hook]);
			error_why(err, "it is in section '%s'", ps->unit->funcs.v[found].section);
			error_hint(err, "put it into SEC(\"%s\")", hook_facts(hook)->sections);
			return -EINVAL;
		}
	} else {
		_cleanup_free_ char *all = list_programs(ps->unit, hook);

		array_foreach (f, &ps->unit->funcs)
			if (func_is_program(f) && section_is_hook(f->section, hook, &frags)) {
				found = f - ps->unit->funcs.v;
				ps->frags = frags;
				n++;
			}
		if (n != 1) {
			error_set(err, -ENOENT, where,
				  n ? "%s has several programs" : "%s has no program for this hook",
				  s->object);
			error_why(err, "its %s programs: %s", hook_names[hook], all ?: "");
			if (n)
				error_hint(err, "say which one: program: <name>");
			return -ENOENT;
		}
	}
	ps->func = found;
	return 0;
}

/* The annotation is libxdp's: it names verdicts of XDP. */
static int choose_verdicts(struct plan_stage *ps, enum hook hook, struct braid_error *err)
{
	const struct stage *s = ps->stage;
	int r = 0;

	if (hook == HOOK_XDP)
		r = run_config_read(ps->unit, ps->unit->funcs.v[ps->func].name, &ps->config, err);
	if (r)
		return r;
	if (s->has_proceed_on) {
		ps->proceed_on = s->proceed_on;
		ps->proceed_from = FROM_MANIFEST;
	} else if (ps->config.has_actions) {
		ps->proceed_on = ps->config.actions;
		ps->proceed_from = FROM_ANNOTATION;
	} else {
		ps->proceed_on = hook_facts(hook)->proceed_on;
		ps->proceed_from = FROM_DEFAULT;
	}
	return 0;
}

char *stage_name_space(const char *name)
{
	char *ns = strdup(name);

	for (char *c = ns; c && *c; c++)
		if (*c == '-' || *c == '@')
			*c = '_';
	return ns;
}

struct uses {
	bool *func, *map; /* by index in the unit */
	bool data, rodata, kconfig;
};

static void mark_data(const struct section *s, struct uses *uses)
{
	if (text_eq(s->name, CONFIG_SOURCE_SECTION))
		return; /* in a map of the pipeline's */
	if (s->kind == SECTION_RODATA)
		uses->rodata = true;
	else
		uses->data = true;
}

static void mark_uses(const struct unit *u, __u32 func, struct uses *uses)
{
	if (uses->func[func])
		return;
	uses->func[func] = true;
	array_foreach (ref, &u->funcs.v[func].refs) {
		if (ref->kind == REF_CALL || ref->kind == REF_FUNC)
			mark_uses(u, ref->target, uses);
		else if (ref->kind == REF_MAP)
			uses->map[ref->target] = true;
		else if (ref->kind == REF_DATA)
			mark_data(&u->sections.v[ref->target], uses);
		else if (ref->kind == REF_EXTERN)
			uses->kconfig |= text_eq(u->externs.v[ref->target].section, ".kconfig");
	}
}

/* Also in programs that the stage tail-calls: those that its maps hold come along. */
static bool reaches_config(const struct unit *u, __u32 func, bool *entered)
{
	bool found = false;

	if (entered[func])
		return false;
	entered[func] = true;
	array_foreach (ref, &u->funcs.v[func].refs) {
		if (ref->kind == REF_CALL || ref->kind == REF_FUNC)
			found |= reaches_config(u, ref->target, entered);
		else if (ref->kind == REF_DATA)
			found |= text_eq(u->sections.v[ref->target].name, CONFIG_SOURCE_SECTION);
		else if (ref->kind == REF_MAP)
			array_foreach (v, &u->maps.v[ref->target].values)
				if (v->kind == REF_FUNC)
					found |= reaches_config(u, v->target, entered);
	}
	return found;
}

static int count_maps(struct plan_stage *ps, struct braid_error *err)
{
	const struct unit *u = ps->unit;
	_cleanup_free_ bool *func = calloc(u->funcs.n, sizeof(*func));
	_cleanup_free_ bool *map = calloc(u->maps.n + 1, sizeof(*map));
	struct uses uses = {func, map};

	if (!func || !map)
		return error_oom(err);
	mark_uses(u, ps->func, &uses);
	ps->n_maps = uses.data;
	for (size_t i = 0; i < u->maps.n; i++)
		ps->n_maps += map[i];
	ps->uses_rodata = uses.rodata;
	ps->uses_kconfig = uses.kconfig;
	memset(func, 0, u->funcs.n * sizeof(*func));
	ps->uses_config = reaches_config(u, ps->func, func);
	return 0;
}

int plan_stage_measure(struct plan_stage *ps, struct braid_error *err)
{
	int r = count_maps(ps, err);

	return r ?: func_analyse(ps->unit, ps->func, &ps->facts) ? error_oom(err) : 0;
}

int plan_stage_load(struct plan_stage *ps, const struct braid_pipeline *p, const struct stage *s,
		    struct braid_error *err)
{
	_cleanup_free_ char *where = stage_where(s);
	int r;

	ps->stage = s;
	ps->ns = stage_name_space(s->name);
	if (!ps->ns || !where)
		return error_oom(err);
	r = take_bytes(ps, err);
	if (r)
		return r;
	SHA256Data(ps->bytes, ps->size, ps->digest);
	r = unit_read(ps->bytes, ps->size, s->object ?: s->name, &ps->unit, err);
	if (r) {
		error_within(err, "%s", where);
		return r;
	}
	return find_program(ps, p->hook, err) ?: choose_verdicts(ps, p->hook, err) ?: plan_stage_measure(ps, err);
}

void plan_stage_done(struct plan_stage *ps)
{
	unit_free(ps->unit);
	free(ps->bytes);
	free(ps->ns);
	array_done(&ps->cases);
	if (ps->own)
		free(ps->own->name);
	free(ps->own);
}
