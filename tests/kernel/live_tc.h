/* SPDX-License-Identifier: GPL-2.0-only */
/* Pipelines at the hooks of TC. At l0 and l1 egress is on the way of live_trip(). */
#pragma once

#include "live_common.h"

/*
 * A manifest of one pipeline. @more: its keys besides name, hook and stages, in flow style and
 * with a comma behind; @marks: "1,2,3", ids of stages of live_tc_mark.
 */
const char *live_tc_manifest(const char *name, const char *hook, const char *more,
			     const char *marks);
/* Several stages m<id> of live_tc_mark. As live_text(). */
const char *live_tc_marks(const char *ids);
#define ON_L0    "interfaces: [{name: l0, netns: left}], "
#define ON_L0_L1 "interfaces: [{name: l0, netns: left}, {name: l1, netns: left}], "

/* Programs at a hook of TC, filters included; those of filters alone. */
size_t live_tc_programs(const char *ns, const char *ifname, const char *hook);
bool live_tc_has_clsact(const char *ns, const char *ifname);
/* Has this kernel links for TC? */
bool live_tc_links(void);

/* A program of nobody's pipeline, last at egress, that signs with @id. Return: its link. */
int live_tc_stranger(const char *ns, const char *ifname, int id);

/*
 * A frame from l0 to r0, received behind the ingress of r0. Return: as live_trip(), "dropped"
 * if the frame behind it came and it did not.
 */
const char *live_tc_trip_in(int ask_id, int verdict);
