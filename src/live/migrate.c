/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "kernel/inplace.h"

/* Entries that are converted and written at once. */
#define CHUNK 1024
/*
 * A pass that finds less than that share of all entries, or so few, was the last one. So was
 * one that finds hardly less than the one before: more of them would not either.
 */
#define ENOUGH_SHARE 1000
#define ENOUGH_COUNT 16
#define HARDLY_LESS  0.75
/* Elements that an LRU map sets free at once: Linux, kernel/bpf/bpf_lru_list.c. */
#define LRU_LOT 128

int migration_init(struct migration *m, const struct elements *from, struct conversion *key,
		   struct conversion *value, const char *where, const char *name,
		   struct braid_error *err)
{
	*m = (struct migration){.where = where, .name = name, .from_fd = -1, .from = *from};
	m->key = *key;
	m->value = *value;
	*key = *value = (struct conversion){};
	shadow_init(&m->shadow, from->info.key_size, from->stride);
	m->from_fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	m->from.fd = m->from_fd;
	return m->from_fd < 0 ? error_errno(err, -errno, where, "cannot keep map '%s' open", name)
			      : 0;
}

void migration_done(struct migration *m)
{
	conversion_done(&m->key);
	conversion_done(&m->value);
	shadow_done(&m->shadow);
	array_done(&m->dirty);
	free(m->report.note);
	closep(&m->from_fd);
	*m = (struct migration){.from_fd = -1};
}

static bool is_lru(const struct elements *e)
{
	return e->info.type == BPF_MAP_TYPE_LRU_HASH ||
	       e->info.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static int no_room(const struct migration *m, size_t entries, struct braid_error *err)
{
	error_set(err, -ENOSPC, m->where, "map '%s' has no room for all of its entries", m->name);
	error_why(err, "the one that runs has %zu, and max-entries is now %u", entries,
		  m->to.info.max_entries);
	error_hint(err, "raise max-entries, or begin without the entries: on-change: reset");
	return -ENOSPC;
}

static size_t live_records(const struct migration *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->shadow.n; i++)
		n += !shadow_at(&m->shadow, i)->gone;
	return n;
}

/* Notes an entry of the old map. */
static int see(void *ctx, const void *key, const void *value)
{
	struct migration *m = ctx;
	struct record *r = shadow_find(&m->shadow, key);
	bool known = r && !r->gone;

	r = r ?: shadow_add(&m->shadow, key);
	if (!r)
		return -ENOMEM;
	r->pass = m->pass;
	r->gone = false;
	if (known && !memcmp(record_value(&m->shadow, r), value, m->shadow.value_size))
		return 0;
	memcpy(record_value(&m->shadow, r), value, m->shadow.value_size);
	return array_add(&m->dirty, shadow_index(&m->shadow, r)) ? 0 : -ENOMEM;
}

/* What the pass has not seen was deleted. Before what was added: the new map may be full. */
static int drop_gone(struct migration *m, size_t *count, struct braid_error *err)
{
	_cleanup_free_ void *key = malloc(m->to.info.key_size ?: 1);

	if (!key)
		return error_oom(err);
	for (size_t i = 0; i < m->shadow.n && !elements_is_array(m->from.info.type); i++) {
		struct record *rec = shadow_at(&m->shadow, i);
		int r;

		if (rec->gone || rec->pass == m->pass)
			continue;
		conversion_run(&m->key, record_key(rec), key);
		r = elements_drop(&m->to, key, 1);
		if (r)
			return error_errno(err, r, m->where, "cannot delete from map '%s'",
					   m->name);
		rec->gone = true;
		++*count;
	}
	return 0;
}

static void convert_values(const struct migration *m, const char *from, char *to)
{
	for (__u32 cpu = 0; cpu < m->from.cpus; cpu++)
		conversion_run(&m->value, from + cpu * (m->from.stride / m->from.cpus),
			       to + cpu * (m->to.stride / m->to.cpus));
}

static bool is_zero(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Of an array that became shorter, an element behind its end. It must be empty. */
static int behind_the_end(const struct migration *m, struct record *rec, bool *ret,
			  struct braid_error *err)
{
	__u32 index;

	*ret = false;
	if (!elements_is_array(m->from.info.type))
		return 0;
	memcpy(&index, record_key(rec), sizeof(index));
	*ret = index >= m->to.info.max_entries;
	if (!*ret || is_zero(record_value(&m->shadow, rec), m->shadow.value_size))
		return 0;
	error_set(err, -ENOSPC, m->where, "map '%s' has no room for all of its entries", m->name);
	error_why(err, "element %u is in use, and max-entries is now %u", index,
		  m->to.info.max_entries);
	error_hint(err, "raise max-entries, or begin without the entries: on-change: reset");
	return -ENOSPC;
}

struct chunk {
	char *keys, *values;
	size_t n;
};

static int flush(struct migration *m, struct chunk *c, struct braid_error *err)
{
	size_t done;
	int r = elements_put(&m->to, c->keys, c->values, c->n, BPF_ANY, &done);

	c->n = 0;
	if (r == -E2BIG || r == -ENOSPC)
		return no_room(m, live_records(m), err);
	return r ? error_errno(err, r, m->where, "cannot write the entries of map '%s'", m->name)
		 : 0;
}

static int write_dirty(struct migration *m, struct braid_error *err)
{
	_cleanup_free_ char *keys = malloc(CHUNK * m->to.info.key_size);
	_cleanup_free_ char *values = calloc(CHUNK, m->to.stride);
	struct chunk chunk = {keys, values};
	int r = 0;

	if (!keys || !values)
		return error_oom(err);
	array_foreach (i, &m->dirty) {
		struct record *rec = shadow_at(&m->shadow, *i);
		bool skip;

		r = behind_the_end(m, rec, &skip, err);
		if (r)
			return r;
		if (skip)
			continue;
		conversion_run(&m->key, record_key(rec), keys + chunk.n * m->to.info.key_size);
		convert_values(m, record_value(&m->shadow, rec), values + chunk.n * m->to.stride);
		if (++chunk.n == CHUNK)
			r = flush(m, &chunk, err);
		if (r)
			return r;
	}
	return chunk.n ? flush(m, &chunk, err) : 0;
}

/* Makes the new map what the old one is now. @ret_found: entries that were not so. */
static int run_pass(struct migration *m, size_t *ret_found, struct braid_error *err)
{
	size_t gone = 0;
	int r;

	m->pass++;
	m->dirty.n = 0;
	r = elements_each(&m->from, see, m, err) ?: drop_gone(m, &gone, err);
	if (!r && !elements_is_array(m->to.info.type) && live_records(m) > m->to.info.max_entries)
		r = no_room(m, live_records(m), err);
	r = r ?: write_dirty(m, err);
	if (!r)
		*ret_found = m->dirty.n + gone;
	else if (!err->where)
		error_within(err, "%s, map %s", m->where, m->name);
	return r;
}

struct key_list {
	size_t key_size;
	ARRAY(char *) keys;
};

static int note_key(void *ctx, const void *key, const void *value)
{
	struct key_list *list = ctx;
	char *copy = malloc(list->key_size);

	if (!copy || !array_add(&list->keys, copy)) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, key, list->key_size);
	return 0;
}

/* The manifest's entries are what a map begins with; this one goes on instead. */
static int clear(struct migration *m, struct braid_error *err)
{
	struct key_list list = {m->to.info.key_size};
	int r;

	if (elements_is_array(m->to.info.type))
		return 0;
	r = elements_each(&m->to, note_key, &list, err);
	array_foreach (key, &list.keys) {
		r = r ?: elements_drop(&m->to, *key, 1);
		free(*key);
	}
	array_done(&list.keys);
	return r && !err->code ? error_errno(err, r, m->where, "cannot empty map '%s'", m->name)
			       : r;
}

/*
 * An LRU map sets some elements free in advance, in lots, when it is nearly full: so it does
 * with each pass that adds. More than that means that it is too small.
 */
static int check_evicted(struct migration *m, size_t want, size_t have, struct braid_error *err)
{
	m->report.evicted = want - have;
	return m->report.evicted > (m->report.n_passes + 1) * LRU_LOT ? no_room(m, want, err) : 0;
}

/* Keys that became one, and what an LRU map threw out, show in the number of entries only. */
static int check_count(struct migration *m, struct braid_error *err)
{
	size_t want = live_records(m), have;
	int r;

	if (elements_is_array(m->to.info.type) || (!is_lru(&m->to) && m->key.identical))
		return 0;
	r = elements_count(&m->to, &have, err);
	if (r || have >= want)
		return r;
	if (is_lru(&m->to))
		return check_evicted(m, want, have, err);
	error_set(err, -EMEDIUMTYPE, m->where, "keys of map '%s' are the same in their new layout",
		  m->name);
	error_why(err, "%zu keys became %zu: they differed in bytes that belong to no member", want,
		  have);
	error_hint(err, "begin without the entries: on-change: reset");
	return -EMEDIUMTYPE;
}

static int catch_up(struct migration *m, struct braid_error *err)
{
	struct migration_report *report = &m->report;
	size_t before = report->copied, found = before;
	int r = 0;

	while (!r && report->n_passes < MIGRATION_PASSES) {
		r = run_pass(m, &found, err);
		report->passes[report->n_passes++] = found;
		if (found <= ENOUGH_COUNT || found < report->copied / ENOUGH_SHARE ||
		    (report->n_passes > 1 && found > before * HARDLY_LESS))
			break;
		before = found;
	}
	return r;
}

int migration_copy(struct migration *m, int to, struct braid_error *err)
{
	_cleanup_cpu_guard_ struct cpu_guard guard = {};
	int r = elements_open(to, &m->to, err);

	if (r)
		return r;
	m->to.locked = m->to_locked;
	/* an LRU map keeps free elements for each CPU: from one alone all of them can be used */
	if (is_lru(&m->to))
		cpu_enter(0, &guard);
	r = clear(m, err) ?: run_pass(m, &m->report.copied, err) ?: catch_up(m, err);
	return r ?: check_count(m, err);
}

/* The old map's last word on an entry. */
static int see_late(struct migration *m, struct late_changes *late, const void *key,
		    const void *value)
{
	struct record *rec = shadow_find(&m->shadow, key);
	bool known = rec && !rec->gone;
	struct late_change *change;

	rec = rec ?: shadow_add(&m->shadow, key);
	if (!rec)
		return -ENOMEM;
	rec->pass = m->pass;
	if (known && !memcmp(record_value(&m->shadow, rec), value, m->shadow.value_size))
		return 0;
	if (!known)
		memset(record_value(&m->shadow, rec), 0, m->shadow.value_size);
	rec->gone = false;
	change = array_push(&late->list);
	if (!change)
		return -ENOMEM;
	*change = (struct late_change){.record = shadow_index(&m->shadow, rec), .added = !known};
	change->now = malloc(m->shadow.value_size);
	if (!change->now)
		return -ENOMEM;
	memcpy(change->now, value, m->shadow.value_size);
	return 0;
}

struct late_reader {
	struct migration *m;
	struct late_changes *late;
};

static int visit_late(void *ctx, const void *key, const void *value)
{
	struct late_reader *reader = ctx;

	return see_late(reader->m, reader->late, key, value);
}

/* An entry of the old map alone. -EEXIST: the new program has made it, too. */
static int insert(struct migration *m, const struct late_change *change)
{
	struct record *rec = shadow_at(&m->shadow, change->record);
	_cleanup_free_ char *key = malloc(m->to.info.key_size);
	_cleanup_free_ char *value = calloc(1, m->to.stride);
	size_t done;

	if (!key || !value)
		return -ENOMEM;
	conversion_run(&m->key, record_key(rec), key);
	convert_values(m, change->now, value);
	return elements_put(&m->to, key, value, 1, BPF_NOEXIST, &done);
}

/* Those that the new program has not made; the others stay in the list. */
static void insert_added(struct migration *m, struct late_changes *late)
{
	size_t kept = 0;

	array_foreach (change, &late->list) {
		int r = change->added ? insert(m, change) : -EEXIST;

		if (r == -EEXIST) {
			late->list.v[kept++] = *change;
			continue;
		}
		if (r)
			m->report.conflicts++;
		else
			m->report.late++;
		free(change->now);
	}
	late->list.n = kept;
}

/*
 * What the old program deleted in the end stays: the new one may be using it. That an LRU map
 * has thrown something out means nothing.
 */
static void count_deleted(struct migration *m)
{
	if (elements_is_array(m->from.info.type) || is_lru(&m->from))
		return;
	for (size_t i = 0; i < m->shadow.n; i++) {
		const struct record *rec = shadow_at(&m->shadow, i);

		m->report.conflicts += !rec->gone && rec->pass != m->pass;
	}
}

int migration_finish(struct migration *m, struct braid_error *err)
{
	struct late_changes late = {};
	struct late_reader reader = {m, &late};
	int r;

	m->pass++;
	r = elements_each(&m->from, visit_late, &reader, err);
	if (!r) {
		insert_added(m, &late);
		count_deleted(m);
		r = migration_merge(m, &late, err);
	}
	array_foreach (change, &late.list)
		free(change->now);
	array_done(&late.list);
	return r;
}
