/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a running pipeline looks at and a command may change: one array map of one element,
 * the section .data._control of the image, which programs read at their seams.
 *
 * Writers hold the lock of the store and change single 32-bit words: each takes effect for
 * the next packet. What must change together is put elsewhere first and chosen by one word.
 */
#pragma once

#include <linux/types.h>

#define CONTROL_SECTION ".data._control"
#define CONTROL_MAGIC   0x64697262u /* "brid" */
#define CONTROL_VERSION 1
/* Stages (of all branches, candidates too) that can have signals. */
#define CONTROL_STAGES 256

/* Bits of control.signals[], for programs to look at. */
enum {
	CONTROL_SIGNAL_PAUSE = 1,      /* packets go past the stage */
	CONTROL_SIGNAL_DRAIN = 2,      /* finish what has begun, begin nothing new */
	CONTROL_SIGNAL_SHUTDOWN = 4,   /* the stage is about to go */
	CONTROL_SIGNAL_USER = 1 << 16, /* and those above: the operator's */
};

struct control {
	__u32 magic, version;
	__u32 closed;  /* not 0: no packet enters the pipeline; each leaves with: */
	__u32 verdict; /* of the hook */
	__u32 config;  /* version of the configuration that packets use from now on: 0 or 1 */
	/*
	 * Of 65536 parts of all flows, those that go to a stage's candidate: a flow whose hash
	 * is below. 0: none; 65536: all.
	 */
	__u32 share;
	__u32 reserved[2];
	__u32 bypass[CONTROL_STAGES / 32]; /* bit k: packets go past stage k */
	__u32 signals[CONTROL_STAGES];     /* by stage */
};

_Static_assert(sizeof(struct control) == 32 + 32 + 4 * CONTROL_STAGES, "no padding");

/*
 * The configuration: section .data._config, two versions of all stages' fields, one behind
 * the other. A packet uses one of them from its first stage to its last: the one that
 * control.config named when it entered. The other one is free to write when no packet can
 * be inside any more that entered before it was left.
 */
#define CONFIG_SECTION  ".data._config"
#define CONFIG_VERSIONS 2

/* What an author's object has: variables in these sections. */
#define CONFIG_SOURCE_SECTION ".rodata.braid_config"  /* BRAID_CONFIG() */
#define SIGNAL_SOURCE_SECTION ".rodata.braid_signals" /* BRAID_SIGNALS() */
