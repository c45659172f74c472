/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The new program runs on the new map, and the old map has changes that came after the last
 * copying. Each is a difference between what was copied and what is there now:
 *
 *	counters    the difference is added
 *	the rest    is put there, word by word, where the new map still has what was copied;
 *		    otherwise the new program's word stays, and that is a conflict
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "kernel/inplace.h"
#include "live/migrate.h"

/* One entry on one CPU. */
struct entry {
	const void *key;       /* in the new layout */
	const char *was, *is;  /* the old map's value: as copied, and now */
	const char *had, *has; /* the same in the new layout */
	struct late_change *change;
};

struct merger {
	struct migration *m;
	struct inplace *p; /* NULL: values cannot be changed in place */
	__u32 granule;     /* bytes of the largest word that is aligned in every value; 0: none */
	char *counted; /* by byte of the new value: it belongs to a counter that can be added to */
	const struct entry *entry;
};

/* The largest power of two up to 8 at which all values begin. */
static __u32 granule_of(const struct elements *map)
{
	__u32 data = map->info.key_size - sizeof(__u32);

	if (map->info.type != BPF_MAP_TYPE_LPM_TRIE)
		return 8;
	/* a node of a trie has the bits of the prefix in front of the value */
	return data % 8 == 0 ? 8 : data % 4 == 0 ? 4 : 0;
}

/* Can this counter be added to by one instruction? */
static bool is_addable(const struct merger *g, const struct scalar *s)
{
	__u32 size = s->to_bits / 8;

	return (s->to_bits == 32 || s->to_bits == 64) && s->to % s->to_bits == 0 &&
	       s->from_bits <= 64 && size <= g->granule;
}

static int mark_counter(void *ctx, const struct scalar *s)
{
	struct merger *g = ctx;

	if (is_addable(g, s))
		memset(g->counted + s->to / 8, 1, s->to_bits / 8);
	return 0;
}

static void set_conflict(struct merger *g)
{
	g->entry->change->conflict = true;
}

static int add_counter(void *ctx, const struct scalar *s)
{
	struct merger *g = ctx;
	const struct entry *e = g->entry;
	__u64 was = bits_read(e->was, s->from, s->from_bits, s->is_signed);
	__u64 delta = (__u64)bits_read(e->is, s->from, s->from_bits, s->is_signed) - was;

	if (!is_addable(g, s))
		return 0;      /* then it is one of the words */
	if (s->from_bits < 64) /* it wraps around by its own size, and may have been lowered */
		delta = bits_read(&delta,
				  __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 64 - s->from_bits : 0,
				  s->from_bits, true);
	if (delta && (!g->p || inplace_add(g->p, e->key, s->to / 8, s->to_bits / 8, delta)))
		set_conflict(g);
	return 0;
}

static bool is_counted(const struct merger *g, __u32 at, __u32 size)
{
	for (__u32 i = 0; i < size; i++)
		if (g->counted[at + i])
			return true;
	return false;
}

/* Puts a word there if the new program has not changed it. false: it is no word for that. */
static bool swap_word(struct merger *g, __u32 at, __u32 size)
{
	const struct entry *e = g->entry;
	__u64 from = 0, to = 0;

	if (at % size || at + size > g->m->value.to_size || size > g->granule ||
	    is_counted(g, at, size))
		return false;
	if (!memcmp(e->had + at, e->has + at, size))
		return true;
	if (size == 4) {
		__u32 word;

		from = (memcpy(&word, e->had + at, 4), word);
		to = (memcpy(&word, e->has + at, 4), word);
	} else {
		memcpy(&from, e->had + at, 8);
		memcpy(&to, e->has + at, 8);
	}
	if (!g->p || inplace_swap(g->p, e->key, at, size, from, to))
		set_conflict(g);
	return true;
}

static void swap_words(struct merger *g)
{
	const struct entry *e = g->entry;

	for (__u32 at = 0; at < g->m->value.to_size;) {
		if (swap_word(g, at, 8)) {
			at += 8;
		} else if (swap_word(g, at, 4)) {
			at += 4;
		} else {
			if (!g->counted[at] && e->had[at] != e->has[at])
				set_conflict(g);
			at++;
		}
	}
}

/* Both programs have made the entry: what is no counter must be the same in both. */
static void compare_rest(struct merger *g, const char *there)
{
	for (__u32 i = 0; i < g->m->value.to_size; i++)
		if (!g->counted[i] && there[i] != g->entry->has[i])
			set_conflict(g);
}

static bool differs_on(const struct migration *m, const struct late_change *change, __u32 cpu)
{
	size_t slice = m->from.stride / m->from.cpus;
	struct record *rec = shadow_at(&m->shadow, change->record);

	return change->added || memcmp((char *)record_value(&m->shadow, rec) + cpu * slice,
				       (char *)change->now + cpu * slice, slice);
}

/* Room for an entry in the new layout. */
struct room {
	char *key, *had, *has;
	char *there; /* of all CPUs */
};

static void room_done(struct room *room)
{
	free(room->key);
	free(room->had);
	free(room->has);
	free(room->there);
}

static void merge_entry(struct merger *g, struct late_change *change, __u32 cpu, struct room *room)
{
	struct migration *m = g->m;
	struct record *rec = shadow_at(&m->shadow, change->record);
	size_t from = cpu * (m->from.stride / m->from.cpus), to = cpu * (m->to.stride / m->to.cpus);
	struct entry e = {
		.key = room->key,
		.was = (char *)record_value(&m->shadow, rec) + from,
		.is = (char *)change->now + from,
		.had = room->had,
		.has = room->has,
		.change = change,
	};

	g->entry = &e;
	conversion_run(&m->key, record_key(rec), room->key);
	conversion_run(&m->value, e.was, room->had);
	conversion_run(&m->value, e.is, room->has);
	conversion_each_counter(&m->value, add_counter, g);
	if (!change->added)
		swap_words(g);
	else if (elements_get(&m->to, room->key, room->there))
		set_conflict(g);
	else
		compare_rest(g, room->there + to);
}

/* Of per-CPU maps each CPU's values on that CPU. */
static void merge_on(struct merger *g, struct late_changes *late, __u32 cpu, struct room *room)
{
	_cleanup_cpu_guard_ struct cpu_guard guard = {};
	bool entered = g->m->to.cpus == 1, failed = false;

	array_foreach (change, &late->list) {
		if (!differs_on(g->m, change, cpu))
			continue;
		if (!entered && !failed) {
			failed = cpu_enter(cpu, &guard) != 0;
			entered = !failed;
		}
		if (entered)
			merge_entry(g, change, cpu, room);
		else
			change->conflict = true;
	}
}

/* The values cannot be changed in place: that is no error, but all that changed is a conflict. */
static int open_inplace(struct merger *g, struct braid_error *err)
{
	_cleanup_error_ struct braid_error why = BRAID_ERROR_INIT;
	int r = inplace_open(&g->m->to, &g->p, &why);

	if (r == -ENOMEM)
		return error_move(err, &why);
	if (!r)
		return 0;
	g->m->report.note = text_fmt("%s%s%s", why.what ?: "", why.why ? ": " : "", why.why ?: "");
	return g->m->report.note ? 0 : error_oom(err);
}

static int merge_all(struct merger *g, struct late_changes *late, struct braid_error *err)
{
	struct migration *m = g->m;
	_cleanup_(room_done) struct room room = {
		malloc(m->to.info.key_size ?: 1),
		malloc(m->value.to_size ?: 1),
		malloc(m->value.to_size ?: 1),
		malloc(m->to.stride ?: 1),
	};
	int r;

	g->counted = calloc(1, m->value.to_size ?: 1);
	if (!g->counted || !room.key || !room.had || !room.has || !room.there)
		return error_oom(err);
	r = open_inplace(g, err);
	if (r)
		return r;
	conversion_each_counter(&m->value, mark_counter, g);
	for (__u32 cpu = 0; cpu < m->to.cpus; cpu++)
		merge_on(g, late, cpu, &room);
	array_foreach (change, &late->list) {
		if (change->conflict)
			m->report.conflicts++;
		else
			m->report.late++;
	}
	return 0;
}

int migration_merge(struct migration *m, struct late_changes *late, struct braid_error *err)
{
	struct merger g = {.m = m, .granule = granule_of(&m->to)};
	int r = late->list.n ? merge_all(&g, late, err) : 0;

	inplace_close(g.p);
	free(g.counted);
	return r;
}
