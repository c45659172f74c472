/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of `braid map` share. */
#pragma once

#include <braid/map.h>

#include "base/text.h"
#include "cli/cli.h"

DEFINE_CLEANUP(struct braid_map *, braid_map_close)

struct map_options {
	bool all, count, per_cpu, create, update, yes, once;
	const char *home, *from;
	uint64_t limit, interval; /* 0: not given; ns */
};

/* What is behind the verb. */
struct map_call {
	const struct command *c;
	const struct options *o;
	const struct map_options *own;
	struct braid *b; /* opened when it is needed */
	int n;
	char **args;
};

/* Opens the map that the first two arguments name. Return: 0; else *ret_status is how to exit. */
int map_call_open(struct map_call *call, struct braid_map **ret, int *ret_status);

/* map_text.c: as one types it: {packets: 3, address: 10.0.0.1}. */
void inline_text(const json_t *j, struct buf *to);
/* The value of an entry, whatever it is called. */
const json_t *entry_value(const json_t *entry);
/* " = " between key and value; a value alone where there is no key. */
void print_entry(const char *mark, const json_t *entry);

int map_list(struct map_call *call);
int map_dump(struct map_call *call);
int map_watch(struct map_call *call);
int map_set(struct map_call *call);
int map_delete(struct map_call *call);
