/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Maps of what runs, for people: what the files map_*.c share. */
#pragma once

#include "braid/map.h"
#include "kernel/elements.h"
#include "kernel/inplace.h"
#include "kernel/mapinfo.h"
#include "live/live.h"
#include "live/rebuild.h"
#include "object/layout.h"

/* A map of a pipeline, and what it is called. */
struct found_map {
	char *home, *pipeline;
	json_t *plan;   /* as the plan has it */
	json_t *shares; /* "guard.flows", …: of whom it is a shared map; NULL: of nobody */
	char *name;     /* "guard.flows"; of a shared map "blocked" */
	char *pin;
};

struct found_maps {
	ARRAY(struct found_map) list;
};

void found_map_done(struct found_map *m);
void found_maps_done(struct found_maps *m);
#define _cleanup_found_maps_ _cleanup_(found_maps_done)

/*
 * map_find.c: the maps of all pipelines, or of one. @home: NULL: all, but with @pipeline the
 * caller's. Return: 0; -ENOENT no such pipeline.
 */
int maps_find(struct braid *b, const char *pipeline, const char *home, struct found_maps *ret,
	      struct braid_error *err);
/* The one that @name means. Return: 0; -ENOENT; -ENOTUNIQ. */
int maps_pick(const struct found_maps *all, const char *pipeline, const char *name,
	      struct found_map **ret, struct braid_error *err);
bool found_map_is_own(const struct found_map *m);

enum map_kind {
	MAP_ENTRIES,  /* bytes by bytes */
	MAP_DEVICES,  /* devmaps */
	MAP_CPUS,     /* cpumaps */
	MAP_PROGRAMS, /* arrays of programs */
	MAP_MAPS,     /* maps of maps */
	MAP_SOCKETS,  /* sockmaps */
	MAP_QUEUE,    /* and stacks: no keys */
	MAP_BLOOM,    /* no keys, and values cannot be read */
	MAP_OPAQUE,   /* nothing in it can be named from outside */
};

/* All entries at one time, by their keys. */
struct snapshot {
	char *v; /* key, value, key, value, … */
	size_t n, cap;
	__u64 at_ns; /* CLOCK_MONOTONIC */
	bool taken;
};

struct braid_map {
	struct braid *b; /* borrowed */
	struct found_map at;
	int fd;
	struct elements e;
	struct mapinfo info;
	enum map_kind kind;
	bool globals;
	/* types; ids are 0 where they are not known */
	const struct btf *btf;
	struct btf *own_btf; /* owned, or NULL: those of @rebuilt */
	struct rebuilt rebuilt;
	__u32 key_type, value_type;
	char *prefix;         /* of the names of globals */
	struct layout layout; /* of the value; without leaves: not known */
	bool *counters;       /* as struct unfit_sum has them; NULL: all whole numbers */
	struct inplace *inplace;
	struct snapshot before;
};

/* Opens it; @found is taken. */
int map_new(struct braid *b, struct found_map *found, struct braid_map **ret,
	    struct braid_error *err);
DEFINE_CLEANUP(struct braid_map *, braid_map_close)

/* What errors begin with: "edge guard.flows". NULL: no memory, which error_set() takes. */
char *map_where(const struct braid_map *m);
/* -EPERM unless people may write into it. */
int map_check_writable(const struct braid_map *m, struct braid_error *err);
/* What bpf(2) said of an entry, in words. @key: as it was given; may be NULL. Return: @code. */
int map_fail(const struct braid_map *m, int code, const char *key, struct braid_error *err);

/*
 * map_text.c: text to bytes. @key: NULL: the only one. @ret: of the key's or the value's size,
 * all CPUs; at least a byte; caller frees.
 */
int map_key(const struct braid_map *m, const char *text, void **ret, struct braid_error *err);
int map_value(const struct braid_map *m, const char *text, bool per_cpu, void **ret,
	      struct braid_error *err);
/* A node of what people typed, without places. */
int map_node(const struct braid_map *m, const char *text, const char *what, struct node **ret,
	     struct braid_error *err);

/* map_show.c: bytes to JSON. NULL: no memory. */
json_t *map_key_json(const struct braid_map *m, const void *key);
/* Puts "value", "sum" or "cpus" into @to. Return: 0; -ENOMEM. */
int map_put_value(const struct braid_map *m, json_t *to, const char *instead, const void *value,
		  bool per_cpu);
/* map_special.c: values that name devices, programs, maps, sockets. */
json_t *special_json(const struct braid_map *m, const void *value);
int special_value(const struct braid_map *m, const struct node *n, void *out,
		  struct braid_error *err);
/* Writes one; opens what its id names. Return: 0; negative errno. */
int special_put(const struct braid_map *m, const void *key, const void *value, __u64 flags);

/* -EOPNOTSUPP when it has no entries to walk along. */
int map_check_walkable(const struct braid_map *m, struct braid_error *err);
