/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Optimisations that are turned off, one by one or all: to find out whose fault something is. */
#include "base/error.h"
#include "manifest/build.h"
#include "manifest/check.h"
#include "manifest/json.h"
#include "manifest/read.h"

const char *const optimize_names[] = {
	[OPTIMIZE_SPLICE] = "splice",   [OPTIMIZE_FOLD] = "fold",   [OPTIMIZE_UNREAD] = "unread",
	[OPTIMIZE_CONTEXT] = "context", [OPTIMIZE_FRAME] = "frame", NULL};

const char *const optimize_words[] = {"off", "on", NULL};

#define ALL ((1u << OPTIMIZE_ALL) - 1)

static void set(struct braid_pipeline *p, __u32 which, bool on)
{
	p->not_optimized = on ? p->not_optimized & ~which : p->not_optimized | which;
}

static int read_switch(struct reading *r, const struct node *n, const char *what, __u32 which,
		       struct braid_pipeline *p)
{
	unsigned int on;
	int res = read_word(r, n, what, optimize_words, &on);

	if (!res)
		set(p, which, on);
	return res;
}

/* A key for each; they need no more than their names. */
#define READ(name, which)                                                                          \
	static int read_##name(struct reading *r, const struct node *n, void *pipeline)            \
	{                                                                                          \
		return read_switch(r, n, #name, 1u << (which), pipeline);                          \
	}
READ(splice, OPTIMIZE_SPLICE)
READ(fold, OPTIMIZE_FOLD)
READ(unread, OPTIMIZE_UNREAD)
READ(context, OPTIMIZE_CONTEXT)
READ(frame, OPTIMIZE_FRAME)

int read_optimize(struct reading *r, const struct node *n, void *pipeline)
{
	if (n->kind == NODE_SCALAR)
		return read_switch(r, n, "optimize", ALL, pipeline);
	return read_map(r, n, &optimize_table, pipeline);
}

static const struct key optimize_keys[] = {
	{"splice", KEY_WORD, false, optimize_words, read_splice},
	{"fold", KEY_WORD, false, optimize_words, read_fold},
	{"unread", KEY_WORD, false, optimize_words, read_unread},
	{"context", KEY_WORD, false, optimize_words, read_context},
	{"frame", KEY_WORD, false, optimize_words, read_frame},
};
TABLE(optimize, "optimize", "optimize");

json_t *optimize_to_json(const struct braid_pipeline *p)
{
	json_t *map = json_object();
	bool failed = !map;

	for (unsigned int i = 0; i < OPTIMIZE_ALL; i++)
		if (p->not_optimized & 1u << i)
			failed = failed ||
				 json_object_set_new(map, optimize_names[i], json_string("off"));
	if (!failed)
		return map;
	json_decref(map);
	return NULL;
}

int braid_pipeline_set_optimize(struct braid_pipeline *p, const char *what, int on,
				struct braid_error *err)
{
	static const struct place nowhere;
	unsigned int i;
	int r = 0;
	ERROR_SCRATCH(err);

	if (what)
		r = word_parse("optimisation", what, optimize_names, nowhere, &i, err);
	if (!r)
		set(p, what ? 1u << i : ALL, on);
	return build_within(p, r, err);
}
