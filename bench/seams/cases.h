/* SPDX-License-Identifier: GPL-2.0-only */
/* The things that can stand at a seam, each with what it is compared with. */
#pragma once

#include <braid/observe.h>
#include <stdint.h>

/* Who looks meanwhile. */
struct observers {
	struct braid_observe_opts opts;
	unsigned int n;
	unsigned int fewer; /* so many times fewer packets; 0: as many as without */
	unsigned int looks; /* 1: at each packet; 0: at none */
};

/* One pipeline, the packet that runs through it, and the stages that must have counted it. */
struct variant {
	const char *name;
	const char *keys;   /* of the pipeline, in YAML's flow style; NULL: none, fused */
	const char *stages; /* the list, in flow style; objects are those of main.c */
	const char *idle;   /* stages that no packet meets, each with a space behind; NULL: none */
	uint8_t protocol;   /* of the packet; 0: UDP */
	uint8_t tos;
	/* A rollout of stage counter_5 by this key, and percent of the packets; NULL: none. */
	const char *rollout_key;
	unsigned int share;
	const char *stats;                 /* NULL: off */
	unsigned int counters;             /* stages that count by themselves; 0: ten */
	const struct observers *observers; /* NULL: nobody */
	unsigned int flows; /* of which there must be an entry in braid_flows; 0: do not look */
};

struct bench_case {
	const char *name, *text;
	const struct variant *variants; /* all are compared with the first */
	unsigned int n;
	unsigned int second; /* those behind this one are compared with it, too; 0: with none */
};

extern const struct bench_case cases[];
extern const unsigned int cases_n;
