/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The maps of pipelines that run: their entries as text, by the types that the kernel has of
 * them. Values are written as in manifests and come as JSON that says the same: what is read
 * can be written. What the members of the JSON are: docs/json.md.
 */
#ifndef BRAID_MAP_H
#define BRAID_MAP_H

#include <stddef.h>

#include "braid/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid;
struct braid_map;

/**
 * struct braid_maps_opts - Zero it, set @sz.
 * @sz:    sizeof(struct braid_maps_opts).
 * @home:  only pipelines of that home; NULL: if a pipeline is named the caller's, else all.
 * @own:   nonzero: also braid's own maps.
 * @count: nonzero: count the entries of hash tables and tries, which reads all of them.
 */
struct braid_maps_opts {
	size_t sz;
	const char *home;
	int own;
	int count;
};

/**
 * braid_maps() - the maps of what runs, as JSON: {"maps": [...]}.
 * @pipeline: NULL: of all.
 * @opts: may be NULL.
 * Return: 0; -ENOENT no such pipeline; -EPERM; -ENOMEM.
 */
int braid_maps(struct braid *b, const char *pipeline, const struct braid_maps_opts *opts,
	       char **ret_json, struct braid_error *err);

/**
 * braid_map_open() - a map of the current revision; it stays the same when that changes.
 * @name: "guard.flows": stage and map; "flows", if only one has it, or of a shared map;
 *        "guard.data" or ".data": globals.
 * @home: of the pipeline; NULL: the caller's network namespace.
 * @ret: braid_map_close() it before @b is closed.
 * Return: 0; -ENOENT no such pipeline or map; -ENOTUNIQ several stages have it; -EPERM; -ENOMEM.
 */
int braid_map_open(struct braid *b, const char *pipeline, const char *name, const char *home,
		   struct braid_map **ret, struct braid_error *err);
/** braid_map_close() - NULL is fine. */
void braid_map_close(struct braid_map *m);
/** braid_map_json() - what it is: as one of braid_maps(). */
int braid_map_json(struct braid_map *m, char **ret_json, struct braid_error *err);

/**
 * braid_map_get() - one entry, as JSON: "key" and "value".
 * @key: as in a manifest. NULL: of a map with one element; of a queue or stack, what comes out
 *       next. Of a Bloom filter, the value that is asked for.
 * @per_cpu: nonzero: of a per-CPU map "cpus", a list of values. Else "sum": what counts is added
 *           up, all else is what all CPUs have, and null where they differ. What counts are
 *           members that are tagged braid_counter; if none is, all whole numbers.
 * Return: 0; -ENOENT no such entry; -EINVAL that is no key of the map; -EOPNOTSUPP it cannot be
 * read; -EPERM; -ENOMEM.
 */
int braid_map_get(struct braid_map *m, const char *key, int per_cpu, char **ret_json,
		  struct braid_error *err);

/**
 * struct braid_map_set_opts - Zero it, set @sz.
 * @sz:      sizeof(struct braid_map_set_opts).
 * @create:  nonzero: -EEXIST if it is there.
 * @update:  nonzero: -ENOENT if it is not.
 * @per_cpu: nonzero: the value is a list, with one for each CPU; else all CPUs get it.
 */
struct braid_map_set_opts {
	size_t sz;
	int create;
	int update;
	int per_cpu;
};

/**
 * braid_map_set() - write an entry; of a queue or stack, put @value in; add it to a Bloom filter.
 * @key: NULL: of a map with one element; of queues, stacks and Bloom filters.
 * @opts: may be NULL.
 * The value is replaced as a whole: what is left out is 0. Programs see the old one or the new
 * one in hash tables and tries, and in arrays, which are copied over, maybe something between.
 * Return: 0; -EINVAL it does not fit; -EEXIST, -ENOENT by @opts; -ENOSPC there is no room;
 * -EPERM the map is read-only, or braid's own; -EOPNOTSUPP nothing can be put there; -ENOMEM.
 */
int braid_map_set(struct braid_map *m, const char *key, const char *value,
		  const struct braid_map_set_opts *opts, struct braid_error *err);

/**
 * braid_map_set_members() - change members of an entry where it is, and leave the others.
 * @members: @n times "limit=500", "limits.rate=7", "table[3]=1".
 * In a per-CPU map on all CPUs. Each machine word is exchanged at once, so what programs write
 * into other members meanwhile is kept; several words are not seen to change together. Where
 * that cannot be done (values with a lock, tries, the last bytes of a size that is no multiple
 * of 4), the whole value is read, changed and written.
 * Return: as braid_map_set(); -ENODATA the types of the map are not known.
 */
int braid_map_set_members(struct braid_map *m, const char *key, const char *const *members,
			  size_t n, struct braid_error *err);

/**
 * braid_map_delete() - delete an entry; of a queue or stack, take out what comes next.
 * @ret_json: what was taken out; NULL is written of other maps. May be NULL.
 * Return: 0; -ENOENT; as braid_map_set().
 */
int braid_map_delete(struct braid_map *m, const char *key, char **ret_json,
		     struct braid_error *err);
/**
 * braid_map_clear() - delete all entries that are there at the start.
 * @ret_n: how many it were; may be NULL.
 */
int braid_map_clear(struct braid_map *m, size_t *ret_n, struct braid_error *err);

/**
 * braid_map_each() - visit all entries, until @visit returns not 0.
 * @visit: gets each as braid_map_get() has it; @json is valid during the call.
 * Programs go on meanwhile. What comes or goes may be visited or not; what stays is visited.
 * Return: 0; what @visit returned; -EOPNOTSUPP they cannot be read without taking them out, or
 * not at all; -EAGAIN it changes faster than it can be read; -EPERM; -ENOMEM.
 */
int braid_map_each(struct braid_map *m, int per_cpu, int (*visit)(void *ctx, const char *json),
		   void *ctx, struct braid_error *err);

/**
 * braid_map_changes() - visit what has changed since the last call with the same @m.
 * The first call visits nothing. "change" is "added", "removed" or "changed", beside "key" and
 * "value"; of what changed "old", "seconds" since then, and "rates" per second of what counts.
 * Keeps a copy of all entries.
 */
int braid_map_changes(struct braid_map *m, int per_cpu, int (*visit)(void *ctx, const char *json),
		      void *ctx, struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
