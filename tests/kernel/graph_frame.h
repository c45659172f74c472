/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of the Ethernet addresses, as stages of graph_stage sign them: from 0 on the ids of
 * the stages in the order in which they saw the packet, eight of them; then how many signed.
 * A packet may ask one stage for an answer, which stage_meaning() explains.
 */
#pragma once

enum {
	GRAPH_SIGNED = 9,
	GRAPH_ASKED = 10, /* id; 0: nobody */
	GRAPH_ANSWER = 11,
	GRAPH_NEW = 0x80, /* beside the id: it was the new version */
};
