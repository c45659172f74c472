/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "compose/count.h"
#include "kernel/hearing.h"
#include "kernel/probe.h"
#include "kernel/verifier.h"

/* libbpf calls a map that is reused by the name that it has in the kernel. */
struct named_map {
	char *symbol; /* owned */
	struct bpf_map *map;
};

struct loaded {
	struct bpf_object *obj;
	const struct image *image;            /* borrowed during load_image() only */
	ARRAY(struct bpf_program *) programs; /* by segment */
	ARRAY(char *) logs;                   /* by segment */
	ARRAY(struct named_map) maps;
};

#define LOG_STATS 4          /* Linux, include/linux/bpf_verifier.h: BPF_LOG_STATS */
#define LOG_SIZE  (8u << 20) /* bytes; only those that are written take memory */

void loaded_free(struct loaded *l)
{
	if (!l)
		return;
	bpf_object__close(l->obj);
	array_foreach (log, &l->logs)
		free(*log);
	array_foreach (m, &l->maps)
		free(m->symbol);
	array_done(&l->maps);
	array_done(&l->logs);
	array_done(&l->programs);
	free(l);
}

/* What is written while programs read it is shared memory, to be written word by word. */
static bool is_for_sharing(const char *symbol)
{
	return text_eq(symbol, CONTROL_SECTION) || text_eq(symbol, CONFIG_SECTION) ||
	       text_eq(symbol, COUNT_SECTION);
}

/* Verified as what replaces its first function; it is attached to others of that type later. */
static void make_component(struct bpf_program *prog, int dispatcher)
{
	bpf_program__set_type(prog, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(prog, 0);
	bpf_program__set_attach_target(prog, dispatcher, "prog0");
	bpf_program__set_flags(prog, bpf_program__flags(prog) & ~BPF_F_XDP_HAS_FRAGS);
}

static int open_object(struct loaded *l, const struct load_opts *o, struct braid_error *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = l->image->plan->pipeline->name);
	struct bpf_map *map;

	l->obj = bpf_object__open_mem(l->image->elf, l->image->size, &opts);
	if (!l->obj)
		return -errno;
	/* where maps are pinned is decided by the pipeline, not by each object */
	bpf_object__for_each_map(map, l->obj)
	{
		struct named_map named = {strdup(bpf_map__name(map)), map};

		if (!named.symbol || !array_add(&l->maps, named)) {
			free(named.symbol);
			return error_oom(err);
		}
		bpf_map__set_pin_path(map, NULL);
		if (is_for_sharing(bpf_map__name(map)))
			bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_MMAPABLE);
	}
	array_foreach (seg, &l->image->segments) {
		struct bpf_program *prog = bpf_object__find_program_by_name(l->obj, seg->name);
		char *log = malloc(LOG_SIZE);

		if (log)
			*log = '\0';
		if (!prog || !log || !array_add(&l->logs, log) || !array_add(&l->programs, prog))
			return error_oom(err);
		bpf_program__set_log_buf(prog, log, LOG_SIZE);
		if (o->only && seg - l->image->segments.v != o->only)
			bpf_program__set_autoload(prog, false);
		if (o->dispatcher > 0)
			make_component(prog, o->dispatcher);
		if (o->stats)
			bpf_program__set_log_level(prog, LOG_STATS);
	}
	return 0;
}

static struct bpf_map *find_map(const struct loaded *l, const char *symbol)
{
	array_foreach (m, &l->maps)
		if (text_eq(m->symbol, symbol))
			return m->map;
	return NULL;
}

static int reuse_maps(struct loaded *l, const struct load_reuse *reuse, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		struct bpf_map *map = find_map(l, reuse[i].symbol);

		r = map ? bpf_map__reuse_fd(map, reuse[i].fd) : -ENOENT;
	}
	return r;
}

/* "stage guard, guard.bpf.c:42", or what is known of it. */
static char *describe(const struct location *at)
{
	struct buf b = {};

	if (at->stage)
		buf_fmt(&b, "stage %s", at->stage);
	else
		buf_str(&b, "between stages");
	if (at->func)
		buf_fmt(&b, ", function %s", at->func);
	if (*at->file)
		buf_fmt(&b, ", %s:%u", at->file, at->line);
	return buf_take(&b);
}

/* The verifier refused the program of @segment. */
static int refused(const struct loaded *l, size_t segment, int code, struct braid_error *err)
{
	const char *log = l->logs.v[segment];
	_cleanup_(verdict_done) struct verdict v = {};
	_cleanup_free_ char *where = NULL;
	struct location at = {};

	if (verdict_parse_log(log, &v))
		return error_oom(err);
	if (v.has_insn && image_locate(l->image, segment, v.insn, &at))
		where = describe(&at);
	error_set(err, code, where ?: l->image->segments.v[segment].name,
		  "the verifier refuses the program: %s", v.reason ?: error_name(code));
	if (v.has_insn && at.text && *at.text)
		error_why(err, "%s\n%s", at.text, v.tail);
	else if (v.tail)
		error_why(err, "%s", v.tail);
	error_log(err, strdup(log));
	return code;
}

static int cannot_load(const struct loaded *l, int code, const struct buf *heard,
		       struct braid_error *err)
{
	/* a log alone does not tell: it is there, too, when something fails after the program */
	bool by_verifier = heard->v && strstr(heard->v, "BPF program load failed");

	for (size_t i = 0; i < l->logs.n && by_verifier; i++)
		if (*l->logs.v[i])
			return refused(l, i, code, err);
	if (code == -EPERM && probe_privileges(err))
		return code;
	error_errno(err, code, l->image->plan->pipeline->name,
		    "the kernel does not take the pipeline");
	if (heard->v)
		error_why(err, "%s\n%s", error_name(code), heard->v);
	return code;
}

/* A per-CPU map takes a value for each possible CPU: the same for all. */
static int fill_entry(int fd, const struct image_map *m, const struct image_entry *e)
{
	bool percpu = m->def.type == BPF_MAP_TYPE_PERCPU_HASH ||
		      m->def.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
		      m->def.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	int cpus = percpu ? libbpf_num_possible_cpus() : 1;
	size_t step = percpu ? (m->def.value_size + 7) & ~7u : m->def.value_size;
	_cleanup_free_ char *values = cpus > 0 ? calloc(cpus, step) : NULL;

	if (!values)
		return cpus < 0 ? cpus : -ENOMEM;
	for (int cpu = 0; cpu < cpus; cpu++)
		memcpy(values + cpu * step, e->value, m->def.value_size);
	return bpf_map_update_elem(fd, e->key, values, BPF_ANY);
}

static bool is_reused(const char *symbol, const struct load_reuse *reuse, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_eq(reuse[i].symbol, symbol))
			return true;
	return false;
}

static int fill_maps(const struct loaded *l, const struct load_reuse *reuse, size_t n,
		     struct braid_error *err)
{
	array_foreach (m, &l->image->maps) {
		if (is_reused(m->symbol, reuse, n))
			continue;
		array_foreach (e, &m->entries) {
			int r = fill_entry(loaded_map(l, m->symbol), m, e);

			if (!r)
				continue;
			error_errno(err, r, m->stage, "cannot put entry %zu into map '%s'",
				    (size_t)(e - m->entries.v), m->name);
			error_within(err, "%s", l->image->plan->pipeline->name);
			return r;
		}
	}
	return 0;
}

int load_image(const struct image *image, const struct load_opts *o, struct loaded **ret,
	       struct braid_error *err)
{
	_cleanup_(loaded_freep) struct loaded *l = calloc(1, sizeof(*l));
	struct buf heard = {};
	struct hearing h;
	int r;

	if (!l)
		return error_oom(err);
	l->image = image;
	h = hear(&heard);
	r = open_object(l, o, err) ?: reuse_maps(l, o->reuse, o->n_reuse);
	r = r ?: bpf_object__load(l->obj);
	hear_no_more(h);
	if (r == -ENOMEM)
		error_oom(err);
	else if (r)
		cannot_load(l, r, &heard, err);
	r = r ?: fill_maps(l, o->reuse, o->n_reuse, err);
	buf_done(&heard);
	l->image = NULL;
	if (r)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

int loaded_program(const struct loaded *l, __u32 segment)
{
	return segment < l->programs.n ? bpf_program__fd(l->programs.v[segment]) : -1;
}

int loaded_map(const struct loaded *l, const char *symbol)
{
	struct bpf_map *map = find_map(l, symbol);

	return map ? bpf_map__fd(map) : -1;
}

const char *loaded_log(const struct loaded *l, __u32 segment)
{
	return segment < l->logs.n ? l->logs.v[segment] : "";
}

int loaded_read(const struct loaded *l, const char *symbol, void *out, size_t size,
		struct braid_error *err)
{
	struct bpf_map *map = find_map(l, symbol);
	__u32 key = 0;
	int r;

	if (!map || bpf_map__value_size(map) != size) {
		error_set(err, -ENOENT, symbol, "there are no such globals of %zu bytes", size);
		return -ENOENT;
	}
	r = bpf_map_lookup_elem(bpf_map__fd(map), &key, out);
	return r ? error_errno(err, r, symbol, "cannot read globals") : 0;
}
