/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places where a pipeline can stand beside XDP, each with frames that come through it. `edge` is
 * there: m1, m2, m3 of live_tc_mark, which sign what they see.
 */
#pragma once

#include "live_common.h"

struct site {
	const char *what, *hook;
	const char *pipeline; /* its keys, as live_manifest() takes them */
	const char *ifname;   /* as status and events have it */
	bool outbound;
	/* Sends a frame that asks stage @id for @verdict. Return: as live_trip_asking(). */
	const char *(*trip)(int id, int verdict);
};

/* Ends with one without a name. Those of netkit take a kernel that has it. */
extern const struct site sites_tc[], sites_netkit[];

/* Has this kernel links at the hook? */
bool site_has_links(const struct site *s);
/* The pair of netkit devices: left and right have `primary` and `peer`. */
void site_plug_netkit(void);

/* Applies edge there; @more: further keys of the pipeline. */
void site_apply(const struct site *s, const char *more);
/* A stage's map `count`; close it. And how many frames it has counted. */
int site_open_count(const char *stage);
long long site_counted(int count);
/* Sends that many frames without looking what becomes of them. */
void site_send(const struct site *s, unsigned int n);
