/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pipelines of one manifest, planned, linked and loaded, attached nowhere; and the words that
 * their seams look at while packets run.
 */
#pragma once

#include "compose/control_abi.h"
#include "compose/image.h"
#include "compose/observe.h"
#include "kernel/load.h"
#include "tap.h"

/* One way to put a pipeline together: all of them must do the same. */
struct seams_way {
	const char *name;
	enum strategy strategy;
	bool called; /* no stage is spliced */
	bool record, clean_stack;
	const struct observe_set *observe; /* NULL: nobody */
};
#define SEAMS_WAYS 6
extern const struct seams_way seams_ways[SEAMS_WAYS];

/* `_cleanup_seams_ struct seams s = {};` */
struct seams {
	struct braid_manifest *manifest;
	struct braid_plan *plan;
	struct image *image;
	struct loaded *loaded;
	int program;         /* borrowed; the first segment's */
	int control, config; /* borrowed; maps, -1: there is none */
};

/* Of all pipelines: "xdp" at first. */
extern const char *seams_hook;
/* In which relative paths of manifests start. */
extern const char *seams_folder;

/*
 * @pipeline: keys beside name, hook and stages, in flow style with a comma behind; @stages: a
 * list in flow style. Return: 0, or an error, which seams_error() has.
 */
int seams_plan(struct seams *s, const struct seams_way *way, const char *pipeline,
	       const char *stages);
/* The same, and loaded; bails out when that fails. */
void seams_start(struct seams *s, const struct seams_way *way, const char *pipeline,
		 const char *stages);
/* What is planned is linked and loaded, with maps that are there already. 0, or an error. */
int seams_load(struct seams *s, const struct seams_way *way, const struct load_reuse *reuse,
	       size_t n_reuse);
void seams_done(struct seams *s);
#define _cleanup_seams_ _cleanup_(seams_done)
/* The last error, all of its parts. Valid until the next one. */
const char *seams_error(void);

/* Index in the plan; bails out when there is none. */
__u32 seams_stage(const struct seams *s, const char *name);

/* The control block as it is, to be changed and written back. */
struct control seams_control(const struct seams *s);
void seams_set_control(const struct seams *s, const struct control *c);
/* Gates: packets go past the stages that are named, separated by blanks, and through others. */
void seams_bypass(const struct seams *s, const char *names);

/* Runs a packet; what comes out replaces it, as far as it was long. Return: the verdict. */
__u32 seams_run(const struct seams *s, void *packet, size_t size);
