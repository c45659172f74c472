/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What runs goes on while it is copied, so it is copied once: both sides get their entries from
 * that copy, as braid_apply() would bring them over.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/preflight.h"

struct snapshot {
	struct {
		struct snapped {
			__u32 id; /* of the map that runs */
			int fd;   /* of its copy */
		} * v;
		size_t n, cap;
	} maps;
};

int snapshot_new(struct snapshot **ret, struct braid_error *err)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : error_oom(err);
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	array_foreach (m, &s->maps)
		close(m->fd);
	array_done(&s->maps);
	free(s);
}

/* All entries of the one map into the other, byte by byte. */
static int copy(int from, int to, const char *name, size_t *ret_entries, struct braid_error *err)
{
	struct conversion key = {}, value = {};
	struct migration m = {.from_fd = -1};
	struct elements e;
	int r = elements_open(from, &e, err);

	if (!r && (conversion_new_raw(e.info.key_size, &key, err) ||
		   conversion_new_raw(e.info.value_size, &value, err)))
		r = error_oom(err);
	if (r) {
		conversion_done(&key);
		conversion_done(&value);
		return r;
	}
	r = migration_init(&m, &e, &key, &value, "a copy", name, err)
		    ?: migration_copy(&m, to, err);
	*ret_entries = m.report.copied;
	migration_done(&m);
	return r;
}

/* A table that throws nothing out: a copy must be whole. */
static __u32 type_of_copy(__u32 type)
{
	return type == BPF_MAP_TYPE_LRU_HASH          ? BPF_MAP_TYPE_HASH
	       : type == BPF_MAP_TYPE_LRU_PERCPU_HASH ? BPF_MAP_TYPE_PERCPU_HASH
						      : type;
}

static int make_copy(const struct elements *e, const char *name, int *ret, struct braid_error *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = e->info.map_flags & BPF_F_NO_PREALLOC);
	size_t entries;
	int fd = bpf_map_create(type_of_copy(e->info.type), NULL, e->info.key_size,
				e->info.value_size, e->info.max_entries, &opts);
	int r;

	if (fd < 0)
		return error_errno(err, fd, NULL, "cannot make a copy of map '%s'", name);
	r = copy(e->fd, fd, name, &entries, err);
	if (r)
		close(fd);
	else
		*ret = fd;
	return r;
}

/* @ret: borrowed from @s; -1: what is in a map of its type cannot be copied. */
static int snap(struct snapshot *s, int fd, const char *name, int *ret, struct braid_error *err)
{
	enum elements_class class;
	struct elements e;
	struct snapped new = {.fd = -1};
	int r = elements_open(fd, &e, err);

	*ret = -1;
	if (r)
		return r;
	array_foreach (m, &s->maps)
		if (m->id == e.info.id)
			*ret = m->fd;
	class = elements_class(e.info.type);
	if (*ret >= 0 || (class != ELEMENTS_VALUES && class != ELEMENTS_DEVICES))
		return 0;
	new.id = e.info.id;
	r = make_copy(&e, name, &new.fd, err);
	if (!r && !array_add(&s->maps, new)) {
		close(new.fd);
		return error_oom(err);
	}
	*ret = r ? -1 : new.fd;
	return r;
}

static const char *why_not_copied(int fd)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct elements e;

	if (!elements_open(fd, &e, &ignored) && elements_class(e.info.type) == ELEMENTS_NONE)
		return "what is in there is on its way to a reader";
	return "what is in a map of its type cannot be read back";
}

static int fill_continued(struct snapshot *s, const struct carried *c, int to, struct fate *fate,
			  struct braid_error *err)
{
	int from, r = snap(s, c->fd, c->name, &from, err);

	if (r)
		return r;
	if (from < 0) {
		fate->how = "not-copied";
		fate->why = strdup(why_not_copied(c->fd));
		return fate->why ? 0 : error_oom(err);
	}
	fate->how = "copied";
	return copy(from, to, c->name, &fate->entries, err);
}

/* The migration reads the copy instead of what runs. */
static int fill_migrated(struct snapshot *s, struct carried *c, int to, struct fate *fate,
			 struct braid_error *err)
{
	struct migration *m = c->migration;
	int from, r = snap(s, m->from.fd, c->name, &from, err);

	if (r || from < 0)
		return r;
	r = elements_open(from, &m->from, err) ?: migration_copy(m, to, err);
	fate->how = "migrated";
	fate->entries = m->report.copied;
	return r;
}

static int fill_one(struct snapshot *s, struct side *side, struct carried *c,
		    struct braid_error *err)
{
	int to = loaded_map(side->base.loaded, c->symbol), r = 0;
	struct fate fate = {.how = "anew"};

	if (c->how == CARRY_DROPPED || c->how == CARRY_PARKED)
		return 0;
	array_foreach (m, &side->base.image->maps)
		if (text_eq(m->symbol, c->symbol)) {
			fate.stage = m->stage;
			fate.name = m->name;
		}
	if (c->why) {
		fate.why = strdup(c->why);
		r = fate.why ? 0 : error_oom(err);
	}
	if (!r && c->how == CARRY_CONTINUES) {
		free(TAKE_PTR(fate.why));
		r = fill_continued(s, c, to, &fate, err);
	}
	if (!r && c->how == CARRY_MIGRATED)
		r = fill_migrated(s, c, to, &fate, err);
	if (!r && array_add(&side->fates, fate))
		return 0;
	free(fate.why);
	return r ?: error_oom(err);
}

int snapshot_fill(struct snapshot *s, struct braid *b, struct side *side, const json_t *old,
		  const char *folder, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL;
	struct carry carry = {};
	int r = bpffs_root(&root, err);

	r = r ?: carry_find(side->base.image, old, folder, &carry, err) ?:
	    across_find(b, root, side->base.image, &carry, err) ?:
	    carry_check(&carry, err);
	array_foreach (c, &carry.list)
		r = r ?: fill_one(s, side, c, err);
	carry_done(&carry);
	return r;
}
