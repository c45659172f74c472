/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of the Ethernet addresses, as stages of graph_stage sign them: from 0 on the ids of
 * the stages in the order in which they saw the packet, eight of them; then how many signed.
 * A packet may ask one stage for an answer, which stage_meaning() explains.
 */
#pragma once

/*
 * Verdicts are written as those of XDP. What stands for one in a TC pipeline: pass is what goes
 * on (unspec), drop shot, tx stolen, redirect and aborted (ok) what they are; GRAPH_RAW(n) is n,
 * whatever that means to XDP; any other itself.
 */
#define GRAPH_RAW(n) (100 + (n))
#define graph_tc(v)                                                                                \
	((v) == XDP_PASS           ? (__u32)-1                                                     \
	 : (v) == XDP_DROP         ? 2u                                                            \
	 : (v) == XDP_TX           ? 4u                                                            \
	 : (v) == XDP_REDIRECT     ? 7u                                                            \
	 : (v) >= 100 && (v) < 132 ? (v)-100u                                                      \
				   : (__u32)(v))

enum {
	GRAPH_SIGNED = 9,
	GRAPH_ASKED = 10, /* id; 0: nobody */
	GRAPH_ANSWER = 11,
	GRAPH_NEW = 0x80, /* beside the id: it was the new version */
};
