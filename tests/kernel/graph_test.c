/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pipelines that are no chain: which stages a packet meets, by a switch on each field, by what
 * a stage returns, past stages that are paused. Each scene is the same for every way to put it
 * together, and whatever its stages do with registers and stack.
 */
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/text.h"
#include "graph_common.h"
#include "net.h"

#define ACCEPT STAGE_SAYS_ACCEPT

enum { TRIPS = 20 };

struct scene {
	const char *name, *pipeline, *stages;
	struct trip trips[TRIPS]; /* up to the first without a packet */
	const char *hook;         /* only at this one */
};

static void check_scene(const struct scene *scene)
{
	_cleanup_free_ char *pipeline = graph_words(scene->pipeline);

	if (scene->hook && !text_eq(scene->hook, seams_hook))
		return;
	for (size_t i = 0; i < SEAMS_WAYS; i++)
		for (size_t m = i < 2 ? 0 : 1; m < GRAPH_MIXES; m += i < 2 ? 1 : 2) {
			_cleanup_free_ char *stages = graph_stages(scene->stages, graph_mixes[m]);
			_cleanup_free_ char *what = text_fmt("%s, %s, %s, %zu", seams_hook,
							     scene->name, seams_ways[i].name, m);
			_cleanup_seams_ struct seams s = {};
			size_t wrong = 0, n = 0;

			seams_start(&s, &seams_ways[i], pipeline, stages);
			for (; n < TRIPS && scene->trips[n].packet; n++)
				if (graph_runs(&scene->trips[n]))
					wrong += graph_check(&s, &scene->trips[n], what);
			is_int(wrong, 0, "%s: %zu packets", what, n);
		}
}

static const struct scene fields[] = {
	{"by protocol, joined",
	 "",
	 "[" M(1) ", " SWITCH(
		 "by-proto", "protocol",
		 WHEN("tcp", M(2)) ", " WHEN("udp, sctp", M(3) ", " M(4)) ", " WHEN("58", ""),
		 M(5)) ", " M(6) "]",
	 {{tcp4, "126", XDP_PASS},
	  {udp4, "1346", XDP_PASS},
	  {udp6, "1346", XDP_PASS},
	  {sctp4, "1346", XDP_PASS},
	  {icmp6, "16", XDP_PASS},
	  {arp, "156", XDP_PASS},
	  {fragment4, "1346", XDP_PASS},
	  {cut4, "156", XDP_PASS}}},
	{"by ethertype, first of all",
	 "",
	 "[" SWITCH("by-type", "ethertype", WHEN("ipv4", M(1)) ", " WHEN("0x86dd, arp", M(2)),
		    M(3)) "]",
	 {{tcp4, "1", XDP_PASS},
	  {tcp4_tagged, "1", XDP_PASS},
	  {udp6, "2", XDP_PASS},
	  {arp, "2", XDP_PASS},
	  {arp, "2", XDP_DROP, 2, XDP_DROP}}},
	{"by VLAN and DSCP, one behind the other",
	 "",
	 "[" SWITCH("by-vlan", "vlan", WHEN("7, 8", M(1)) ", " WHEN("none", M(2)),
		    M(3)) ", " SWITCH("by-dscp", "dscp", WHEN("ef", M(4)) ", " WHEN("0", ""),
				      M(5)) "]",
	 {{tcp4_tagged, "14", XDP_PASS},
	  {udp4, "2", XDP_PASS},
	  {icmp6, "2", XDP_PASS},
	  {arp, "25", XDP_PASS},
	  {cut4, "25", XDP_PASS}}},
	{"by port, in each other",
	 "",
	 "[" SWITCH("by-type", "ethertype",
		    WHEN("ipv4",
			 SWITCH("by-proto", "protocol",
				WHEN("tcp",
				     SWITCH("by-port", "destination-port",
					    WHEN("80, 8080", M(1)) ", " WHEN("443", M(2)), M(3))),
				M(4)) ", " M(5)),
		    SWITCH("by-port6", "destination-port", WHEN("443", M(6)), "")) ", " M(7) "]",
	 {{tcp4, "157", XDP_PASS},
	  {tcp4_tagged, "257", XDP_PASS},
	  {udp4, "457", XDP_PASS},
	  {fragment4, "457", XDP_PASS},
	  {udp6, "67", XDP_PASS},
	  {icmp6, "7", XDP_PASS},
	  {arp, "7", XDP_PASS},
	  {tcp4, "15", XDP_TX, 5, XDP_TX}}},
};

#define TWO_WAYS                                                                                   \
	"[" M(1) ", " SWITCH(                                                                      \
		"by-proto", "protocol",                                                            \
		WHEN("tcp", M_WITH(2, "proceed-on: [pass, tx]") ", " M(3)) ", " WHEN("udp", ""),   \
		M(4)) "]"

static const struct scene ends[] = {
	{"the end, with a verdict of its own",
	 "",
	 TWO_WAYS,
	 {{tcp4, "123", XDP_PASS},
	  {tcp4, "1", XDP_DROP, 1, XDP_DROP},
	  {tcp4, "12", XDP_DROP, 2, XDP_DROP},
	  {tcp4, "12", XDP_PASS, 2, ACCEPT},
	  {tcp4, "123", XDP_PASS, 2, XDP_TX},
	  {tcp4, "123", XDP_TX, 3, XDP_TX},
	  {tcp4, "123", 34, 3, 34},
	  {tcp4, "123", XDP_PASS, 3, ACCEPT},
	  {udp4, "1", XDP_PASS},
	  {udp4, "1", XDP_TX, 1, XDP_TX},
	  {udp4, "1", XDP_PASS, 1, ACCEPT},
	  {arp, "14", XDP_PASS},
	  {arp, "14", XDP_ABORTED, 4, XDP_ABORTED}}},
	{"the end, with a fixed verdict",
	 "final: tx, ",
	 TWO_WAYS,
	 {{tcp4, "123", XDP_TX},
	  {tcp4, "12", XDP_DROP, 2, XDP_DROP},
	  {tcp4, "12", XDP_PASS, 2, ACCEPT},
	  {tcp4, "123", XDP_TX, 2, XDP_TX},
	  {tcp4, "123", XDP_DROP, 3, XDP_DROP},
	  {tcp4, "123", XDP_PASS, 3, ACCEPT},
	  {udp4, "1", XDP_TX},
	  {udp4, "1", XDP_DROP, 1, XDP_DROP},
	  {arp, "14", XDP_TX},
	  {arp, "14", XDP_REDIRECT, 4, XDP_REDIRECT}}},
	{"nothing at the end but empty branches",
	 "",
	 "[" M_WITH(1, "proceed-on: [drop, pass]") ", " SWITCH(
		 "a", "ethertype", WHEN("ipv4", SWITCH("b", "protocol", WHEN("tcp", M(2)), "")),
		 "") "]",
	 {{tcp4, "12", XDP_PASS},
	  {udp4, "1", XDP_PASS},
	  {udp4, "1", XDP_PASS, 1, XDP_DROP}, /* its verdict went on, and nobody said more */
	  {arp, "1", XDP_PASS},
	  {arp, "1", XDP_TX, 1, XDP_TX}}},
};

#define BY_RESULT(more)                                                                            \
	"[" M_WITH(1, "proceed-on: drop" more) ", " SWITCH(                                        \
		"way", "result",                                                                   \
		WHEN("0, 200", M(2)) ", " WHEN("drop", M(3)) ", " WHEN("0xffffffff",               \
								       M(4)) ", " WHEN("31", ""),  \
		M(5)) ", " M(6) "]"

static const struct scene results[] = {
	{"by a result",
	 "",
	 BY_RESULT(""),
	 {{udp4, "156", XDP_PASS},
	  {udp4, "126", XDP_PASS, 1, 0},
	  {udp4, "126", XDP_PASS, 1, 200},
	  {udp4, "136", XDP_PASS, 1, XDP_DROP},
	  {udp4, "156", XDP_PASS, 1, XDP_TX},
	  {udp4, "146", XDP_PASS, 1, STAGE_SAYS_MINUS},
	  {udp4, "16", XDP_PASS, 1, 31},
	  {udp4, "156", XDP_PASS, 1, ACCEPT},
	  {udp4, "156", XDP_PASS, 1, STAGE_SAYS_HUGE},
	  {udp4, "15", XDP_DROP, 5, XDP_DROP},
	  {udp4, "156", XDP_TX, 6, XDP_TX}},
	 "xdp"}, /* that says pass to -1 */
	{"by a result, past stages",
	 "",
	 BY_RESULT(""),
	 {{udp4, "56", XDP_PASS, 1, 0, "m1"}, /* the default: nobody says otherwise */
	  {udp4, "126", XDP_PASS, 1, 0, ""},
	  {udp4, "16", XDP_PASS, 1, 0, "m2"},
	  {udp4, "126", XDP_PASS, 1, 0, "m3 m4 m5"},
	  {udp4, "6", XDP_PASS, 1, 0, "m1 m5"},
	  {udp4, "12", XDP_PASS, 1, 0, "m6"},
	  {udp4, "", XDP_PASS, 1, 0, "m1 m2 m3 m4 m5 m6"}}},
	{"by a result, behind another result",
	 "",
	 "[" M(1) ", " SWITCH("a", "result", WHEN("7", M(2)), M(3)) ", " M(4) ", " SWITCH(
		 "b", "result", WHEN("7", M(5)), "") ", " M(6) "]",
	 {{udp4, "1346", XDP_PASS},
	  {udp4, "1246", XDP_PASS, 1, 7},
	  {udp4, "13456", XDP_PASS, 4, 7},
	  {udp4, "136", XDP_PASS, 4, 7, "m4"},
	  {udp4, "13", XDP_DROP, 3, XDP_DROP}}},
	{"by the result at the end, nothing follows",
	 "",
	 "[" M(1) ", " SWITCH("a", "result", WHEN("pass, 7", M(2)), "") "]",
	 {{udp4, "12", XDP_PASS},
	  {udp4, "1", XDP_PASS, 1, XDP_DROP},
	  {udp4, "12", XDP_PASS, 1, 7},
	  {udp4, "12", XDP_DROP, 2, XDP_DROP},
	  {udp4, "", XDP_PASS, 1, 7, "m1"},
	  {udp4, "1", XDP_PASS, 1, 7, "m2"}}},
	{"a result, and a fixed end",
	 "final: drop, ",
	 "[" M(1) ", " SWITCH("a", "result", WHEN("pass, 7", M(2)), "") "]",
	 {{udp4, "12", XDP_DROP},
	  {udp4, "1", XDP_DROP, 1, XDP_TX},
	  {udp4, "12", XDP_DROP, 1, 7},
	  {udp4, "12", XDP_TX, 2, XDP_TX},
	  {udp4, "", XDP_DROP, 1, 7, "m1"},
	  {udp4, "1", XDP_DROP, 1, 7, "m2"},
	  {udp4, "", XDP_DROP, 0, 0, "m1 m2"}}},
};

static const struct scene disabled[] = {
	{"a branch that is empty now",
	 "",
	 "[" M(1) ", " SWITCH("a", "protocol", WHEN("tcp", M_WITH(2, OFF)), M(3)) ", " M(4) "]",
	 {{tcp4, "14", XDP_PASS}, {udp4, "134", XDP_PASS}}},
	{"a default that is empty now",
	 "",
	 "[" M(1) ", " SWITCH("a", "protocol", WHEN("tcp", M(2)), M_WITH(3, OFF)) "]",
	 {{tcp4, "12", XDP_PASS}, {udp4, "1", XDP_PASS}, {udp4, "1", XDP_TX, 1, XDP_TX}}},
	{"a classifier that does not run",
	 "",
	 "[" M_WITH(1, OFF) ", " SWITCH("a", "result", WHEN("0", M(2)), M(3)) ", " M(4) "]",
	 {{tcp4, "34", XDP_PASS}, {tcp4, "3", XDP_DROP, 3, XDP_DROP}}},
	{"a classifier that does not run, in a branch",
	 "",
	 "[" SWITCH("o", "protocol",
		    WHEN("tcp", M_WITH(1, OFF) ", " SWITCH("a", "result", WHEN("0", M(2)), M(3))),
		    M(4)) ", " M(5) "]",
	 {{tcp4, "35", XDP_PASS}, {udp4, "45", XDP_PASS}}},
	{"a choice without a stage",
	 "",
	 "[" M(1) ", " SWITCH("a", "protocol", WHEN("tcp", M_WITH(2, OFF)),
			      M_WITH(3, OFF)) ", " M(4) "]",
	 {{tcp4, "14", XDP_PASS}, {udp4, "14", XDP_PASS}, {udp4, "1", XDP_DROP, 1, XDP_DROP}}},
	{"a result that nobody looks at any more",
	 "",
	 "[" M(1) ", " SWITCH("a", "result", WHEN("0", M_WITH(2, OFF)), "") ", " M(4) "]",
	 {{tcp4, "14", XDP_PASS}, {tcp4, "14", XDP_PASS, 1, XDP_DROP}}},
};

#define BRANCHES                                                                                   \
	"[" M(1) ", " SWITCH("a", "protocol", WHEN("tcp", M(2) ", " M(3)), M(4)) ", " M(5) "]"

static const struct scene paused[] = {
	{"past stages, with a verdict of its own",
	 "",
	 BRANCHES,
	 {{tcp4, "1235", XDP_PASS},
	  {tcp4, "235", XDP_PASS, 0, 0, "m1"},
	  {tcp4, "135", XDP_PASS, 0, 0, "m2"},
	  {tcp4, "125", XDP_PASS, 0, 0, "m3"},
	  {tcp4, "15", XDP_PASS, 0, 0, "m2 m3"},
	  {tcp4, "1235", XDP_PASS, 0, 0, "m4"},
	  {udp4, "15", XDP_PASS, 0, 0, "m4"},
	  {udp4, "14", XDP_PASS, 0, 0, "m5"},
	  {udp4, "14", XDP_DROP, 4, XDP_DROP, "m5"},
	  {udp4, "5", XDP_TX, 5, XDP_TX, "m1 m2 m3 m4"},
	  {tcp4, "", XDP_PASS, 0, 0, "m1 m2 m3 m4 m5"},
	  {udp4, "", XDP_PASS, 1, XDP_DROP, "m1 m2 m3 m4 m5"},
	  {tcp4, "1235", XDP_TX, 5, XDP_TX, ""}}},
	{"past stages, with a fixed end",
	 "final: redirect, ",
	 BRANCHES,
	 {{tcp4, "1235", XDP_REDIRECT},
	  {tcp4, "135", XDP_REDIRECT, 0, 0, "m2"},
	  {tcp4, "123", XDP_REDIRECT, 0, 0, "m5"},
	  {udp4, "14", XDP_REDIRECT, 0, 0, "m5"},
	  {udp4, "14", XDP_DROP, 4, XDP_DROP, "m5"},
	  {tcp4, "", XDP_REDIRECT, 0, 0, "m1 m2 m3 m4 m5"}}},
	{"only the whole can be closed",
	 "signals: pipeline, ",
	 BRANCHES,
	 {{tcp4, "1235", XDP_PASS}, {tcp4, "1235", XDP_PASS, 0, 0, "m1 m2 m3 m4 m5"}}},
	{"nothing can be paused",
	 "signals: none, ",
	 BRANCHES,
	 {{tcp4, "1235", XDP_PASS}, {udp4, "145", XDP_PASS}}},
};

/* Each stage has its own way with the context. */
#define KEPT                                                                                       \
	"[" MARK(1, "mark_kept") ", " SWITCH(                                                      \
		"a", "protocol",                                                                   \
		WHEN("tcp", MARK(2, "mark_regs") ", " MARK(3, "mark_kept")) ", " WHEN(             \
			"udp", MARK(4, "mark_kept") ", " MARK(5, "mark_kept")),                    \
		"") ", " MARK(6, "mark_kept") ", " MARK(7, "mark_regs") "]"

static const struct scene contexts[] = {
	{"who does not touch the context",
	 "",
	 KEPT,
	 {{tcp4, "12367", XDP_PASS},
	  {udp4, "14567", XDP_PASS},
	  {arp, "167", XDP_PASS},
	  {tcp4, "1367", XDP_PASS, 0, 0, "m2"},
	  {tcp4, "1267", XDP_PASS, 0, 0, "m3"},
	  {udp4, "67", XDP_PASS, 0, 0, "m1 m4 m5"},
	  {arp, "17", XDP_PASS, 0, 0, "m6"}}},
	{"known verdicts",
	 "",
	 "[" MARK(1, "mark_words") ", " SWITCH(
		 "a", "protocol",
		 WHEN("tcp", MARK(2, "mark_words") ", " MARK(3, "mark_words")) ", " WHEN(
			 "udp", MARK(4, "mark_drop")),
		 MARK(5, "mark_words")) ", " MARK(6, "mark_words") "]",
	 {{tcp4, "1236", XDP_PASS},
	  {tcp4, "1", XDP_TX, 1, XDP_TX},
	  {tcp4, "12", XDP_ABORTED, 2, XDP_ABORTED},
	  {tcp4, "123", XDP_DROP, 3, XDP_DROP},
	  {udp4, "14", XDP_DROP},
	  {udp4, "16", XDP_PASS, 0, 0, "m4"},
	  {arp, "156", XDP_TX, 6, XDP_TX},
	  {arp, "15", XDP_PASS, 6, XDP_TX, "m6"}}},
	{"known verdicts in front of a choice by them",
	 "",
	 "[" MARK(1, "mark_words") ", " SWITCH(
		 "a", "result", WHEN("drop", MARK(2, "mark_kept")) ", " WHEN("tx", ""),
		 MARK(3, "mark_kept")) ", " MARK(4, "mark_kept") "]",
	 {{tcp4, "134", XDP_PASS},
	  {tcp4, "124", XDP_PASS, 1, XDP_DROP},
	  {tcp4, "14", XDP_PASS, 1, XDP_TX},
	  {tcp4, "134", XDP_PASS, 1, XDP_ABORTED},
	  {tcp4, "34", XDP_PASS, 1, XDP_DROP, "m1"}}},
	{"past who reads the context from where it is kept",
	 "",
	 "[" MARK(1, "mark") ", " MARK(2, "mark") ", " SWITCH(
		 "a", "result", WHEN("7", MARK(3, "mark")),
		 MARK(4, "mark_var")) ", " MARK(5, "mark") ", " MARK(6, "mark_var") "]",
	 {{tcp4, "12456", XDP_PASS},
	  {tcp4, "12356", XDP_PASS, 2, 7},
	  {tcp4, "1456", XDP_PASS, 2, 7, "m2"},
	  {tcp4, "1246", XDP_PASS, 0, 0, "m5"}}},
	{"further than a jump reaches",
	 "",
	 "[" SWITCH("a", "protocol",
		    WHEN("tcp", LONG(1)) ", " WHEN("udp", LONG(2)) ", " WHEN("sctp", ""),
		    LONG(3)) ", " MARK(4, "mark_regs") "]",
	 {{tcp4, "14", XDP_PASS},
	  {udp4, "24", XDP_PASS},
	  {sctp4, "4", XDP_PASS},
	  {arp, "34", XDP_PASS},
	  {tcp4, "1", XDP_DROP, 1, XDP_DROP},
	  {arp, "3", XDP_TX, 3, XDP_TX},
	  {udp4, "4", XDP_PASS, 0, 0, "m2"},
	  {arp, "3", XDP_PASS, 0, 0, "m4"}}},
	{"a chain further than a jump reaches",
	 "",
	 "[" LONG(1) ", " LONG(2) ", " LONG(3) ", " LONG(4) "]",
	 {{tcp4, "1234", XDP_PASS},
	  {tcp4, "1", XDP_DROP, 1, XDP_DROP},
	  {tcp4, "12", XDP_PASS, 2, ACCEPT},
	  {tcp4, "123", XDP_TX, 3, XDP_TX},
	  {tcp4, "134", XDP_PASS, 0, 0, "m2"},
	  {tcp4, "", XDP_PASS, 0, 0, "m1 m2 m3 m4"}}},
};

/* What only TC has. */
static const struct scene tc[] = {
	{"tags beside the packet",
	 "",
	 "[" SWITCH("a", "vlan", WHEN("7", M(1)), M(2)) ", " MARK(3, "mark_tag") ", " SWITCH(
		 "b", "vlan", WHEN("7", M(4)),
		 M(5)) ", " SWITCH("c", "destination-port", WHEN("443", M(6)) ", " WHEN("80", M(7)),
				   M(8)) "]",
	 {{tcp4, "2347", XDP_PASS},
	  {tcp4_tagged, "1346", XDP_PASS}, /* twice tagged now */
	  {udp4, "2348", XDP_PASS},
	  {arp, "2348", XDP_PASS}},
	 "tc-ingress"},
	{"three tags are one too many, wherever they are",
	 "",
	 "[" MARK(1, "mark_tag") ", " MARK(2, "mark_tag") ", " SWITCH(
		 "b", "ethertype", WHEN("ipv4", M(3)) ", " WHEN("vlan", M(4)), M(5)) "]",
	 {{tcp4, "123", XDP_PASS}, {tcp4_tagged, "124", XDP_PASS}, {arp, "125", XDP_PASS}},
	 "tc-ingress"},
	{"the default: next and pipe go on, ok does not",
	 "",
	 "[" M(1) ", " M(2) ", " M(3) "]",
	 {{tcp4, "123", XDP_PASS},
	  {tcp4, "1", 0, 1, 0},
	  {tcp4, "123", XDP_PASS, 1, GRAPH_RAW(3)},
	  {tcp4, "1", GRAPH_RAW(1), 1, GRAPH_RAW(1)},
	  {tcp4, "12", XDP_DROP, 2, XDP_DROP},
	  {tcp4, "12", 8, 2, 8},
	  {tcp4, "1", 31, 1, 31},
	  {tcp4, "1", 30, 1, 30},
	  {tcp4, "1", 1u << 31 | 2, 1, STAGE_SAYS_HUGE},
	  {tcp4, "12", XDP_PASS, 2, ACCEPT},
	  {tcp4, "123", GRAPH_RAW(3), 3, GRAPH_RAW(3)}},
	 "tc-ingress"},
	{"sets of one, two and many",
	 "final: trap, ",
	 "[" M_WITH(1, "proceed-on: ok") ", " M_WITH(2, "proceed-on: [pipe, stolen]") ", " M_WITH(
		 3, "proceed-on: [unspec, ok, trap]") ", " M_WITH(4, "proceed-on: [ok, trap, "
								     "reclassify]") "]",
	 {{tcp4, "1", XDP_PASS}, {tcp4, "12", XDP_PASS, 1, 0}, {tcp4, "1", 31, 1, 31}},
	 "tc-ingress"},
	{"a set with -1 in it",
	 "final: trap, ",
	 "[" M_WITH(1, "proceed-on: [unspec, ok, trap]") ", " M_WITH(2, "proceed-on: [unspec, "
									"shot]") "]",
	 {{tcp4, "12", 8},
	  {tcp4, "12", 8, 1, 0},
	  {tcp4, "12", 8, 1, 8},
	  {tcp4, "1", 7, 1, 7},
	  {tcp4, "1", 9, 1, 9},
	  {tcp4, "1", 31, 1, 31},
	  {tcp4, "1", 30, 1, 30},
	  {tcp4, "1", 32, 1, 32},
	  {tcp4, "1", 40, 1, 40},
	  {tcp4, "1", 1u << 31 | 2, 1, STAGE_SAYS_HUGE},
	  {tcp4, "1", XDP_PASS, 1, ACCEPT},
	  {tcp4, "12", 8, 2, XDP_DROP},
	  {tcp4, "12", 34, 2, 34},
	  {tcp4, "12", 0, 2, 0}},
	 "tc-ingress"},
	{"a set without -1, of many",
	 "final: trap, ",
	 "[" M_WITH(1, "proceed-on: [ok, trap, reclassify]") ", " M(2) "]",
	 {{tcp4, "1", XDP_PASS},
	  {tcp4, "12", 8, 1, 0},
	  {tcp4, "12", 8, 1, 8},
	  {tcp4, "1", XDP_DROP, 1, XDP_DROP},
	  {tcp4, "1", 31, 1, 31},
	  {tcp4, "1", 32, 1, 32}},
	 "tc-ingress"},
	{"a result of -1",
	 "",
	 "[" M(1) ", " SWITCH("a", "result", WHEN("unspec", M(2)) ", " WHEN("ok, 7", M(3)),
			      M(4)) "]",
	 {{tcp4, "12", XDP_PASS},
	  {tcp4, "13", XDP_PASS, 1, 0},
	  {tcp4, "13", XDP_PASS, 1, 7},
	  {tcp4, "14", XDP_PASS, 1, 31},
	  {tcp4, "14", XDP_PASS, 1, ACCEPT}},
	 "tc-ingress"},
	{"a load beyond the packet ends a stage",
	 "",
	 "[" M(1) ", {name: old, object: graph_stage.bpf.o, program: mark_old, proceed-on: "
		  "next}, " M(2) "]",
	 {{udp4, "12", XDP_PASS}, {tcp4, "1", 0}},
	 "tc-ingress"},
	{"a load beyond the packet, and on",
	 "",
	 "[" M(1) ", {name: old, object: graph_stage.bpf.o, program: mark_old, proceed-on: [ok, "
		  "next]}, " M(2) "]",
	 {{udp4, "12", XDP_PASS}, {tcp4, "12", XDP_PASS}},
	 "tc-ingress"},
};

#define CHECK_SCENES(list)                                                                         \
	for (size_t scene_ = 0; scene_ < COUNT(list); scene_++)                                    \
	check_scene(&(list)[scene_])

static void test_scenes(void)
{
	CHECK_SCENES(fields);
	CHECK_SCENES(ends);
	CHECK_SCENES(results);
	CHECK_SCENES(disabled);
	CHECK_SCENES(paused);
	CHECK_SCENES(contexts);
	CHECK_SCENES(tc);
}

static void test_closed(void)
{
	for (size_t i = 0; i < SEAMS_WAYS; i++) {
		_cleanup_free_ char *stages = graph_stages(BRANCHES, graph_mixes[1]);
		_cleanup_free_ char *final = graph_words("final: drop, ");
		struct trip open = {tcp4, "1235", XDP_PASS}, closed = {tcp4, "", XDP_PASS};
		_cleanup_seams_ struct seams s = {};
		struct control c;
		size_t wrong = 0;

		seams_start(&s, &seams_ways[i], final, stages);
		c = seams_control(&s);
		c.closed = 1;
		seams_set_control(&s, &c);
		wrong += graph_check(&s, &closed, "closed, passing");
		closed.verdict = XDP_DROP;
		c.verdict = graph_verdict(XDP_DROP);
		seams_set_control(&s, &c);
		wrong += graph_check(&s, &closed, "closed, dropping");
		c.closed = 0;
		seams_set_control(&s, &c);
		open.verdict = XDP_DROP;
		wrong += graph_check(&s, &open, "open again");
		is_int(wrong, 0, "%s: closed and open again, %s", seams_hook, seams_ways[i].name);
	}
}

enum { MANY = 70 };

/* A list of MANY stages, whose ids do not matter. */
static char *many_stages(const char *program)
{
	struct buf b = {};

	for (int k = 0; k < MANY; k++)
		buf_fmt(&b,
			"%s{name: m%d, object: graph_stage.bpf.o, program: %s, "
			"constants: {id: %d}}",
			k ? ", " : "[", k, program, k + 1);
	buf_str(&b, "]");
	return buf_take(&b) ?: (bail_out("no memory"), NULL);
}

/* The gates of more stages than a word has bits: each alone, and each of them alone not. */
static void test_many(const struct seams_way *way, const char *program)
{
	_cleanup_free_ char *xdp = many_stages(program), *stages = graph_words(xdp);
	_cleanup_seams_ struct seams s = {};
	struct trip t = {udp4};
	size_t wrong = 0;
	struct pkt p;

	seams_start(&s, way, "", stages);
	for (__u32 k = 0; k < MANY; k++) {
		struct control c = seams_control(&s);

		memset(c.bypass, 0, sizeof(c.bypass));
		c.bypass[k / 32] = 1u << k % 32;
		seams_set_control(&s, &c);
		graph_make(&p, &t);
		wrong += seams_run(&s, p.data, p.len) != graph_verdict(XDP_PASS) ||
			 p.data[GRAPH_SIGNED] != MANY - 1;
		for (size_t w = 0; w < COUNT(c.bypass); w++)
			c.bypass[w] = ~c.bypass[w];
		seams_set_control(&s, &c);
		graph_make(&p, &t);
		wrong += seams_run(&s, p.data, p.len) != graph_verdict(XDP_PASS) ||
			 p.data[GRAPH_SIGNED] != 1 || p.data[0] != k + 1;
	}
	is_int(wrong, 0, "%s: %d stages, each paused, and all others, %s, %s", seams_hook, MANY,
	       way->name, program);
}

/* Over a real wire: what arrives is what was passed, signed. */
static void check_wire(const struct seams *s, int in, int out, const struct trip *t)
{
	struct trip last = {arp};
	struct pkt p, got = {}, behind;
	ssize_t n;

	if (t->paused)
		seams_bypass(s, t->paused);
	graph_make(&p, t);
	wire_send(in, p.data, p.len);
	if (t->verdict == XDP_PASS) {
		n = wire_recv(out, got.data, sizeof(got.data), 20000);
		ok(n == (ssize_t)p.len && text_eq(graph_path(&got), t->path) &&
			   !memcmp(got.data + ETH_HLEN, p.data + ETH_HLEN, p.len - ETH_HLEN),
		   "it arrives by way of '%s': '%s'", t->path, graph_path(&got));
		return;
	}
	/* what is sent behind it comes, and it does not */
	graph_make(&behind, &last);
	wire_send(in, behind.data, behind.len);
	n = wire_recv(out, got.data, sizeof(got.data), 20000);
	ok(n > ETH_HLEN && got.data[12] == 0x08 && got.data[13] == 0x06, "it is dropped");
}

static void test_wire(const struct seams_way *way)
{
	_cleanup_free_ char *stages = graph_stages(BRANCHES, graph_mixes[3]);
	const struct trip trips[] = {
		{tcp4, "1235", XDP_PASS},
		{udp4, "145", XDP_PASS},
		{tcp4, "12", XDP_DROP, 2, XDP_DROP},
		{tcp4, "135", XDP_PASS, 2, XDP_DROP, "m2"},
		{tcp4_tagged, "", XDP_PASS, 0, 0, "m1 m2 m3 m4 m5"},
	};
	_cleanup_seams_ struct seams s = {};
	_cleanup_close_ int in = wire_open("left", "l0"), out = wire_open("right", "r0");

	seams_start(&s, way, "", stages);
	{
		_net_in_(there, "right");

		if (bpf_xdp_attach(net_ifindex("right", "r0"), s.program, XDP_FLAGS_DRV_MODE, NULL))
			bail_out("cannot attach to r0");
	}
	for (size_t i = 0; i < COUNT(trips); i++)
		check_wire(&s, in, out, &trips[i]);
	{
		_net_in_(there, "right");

		bpf_xdp_detach(net_ifindex("right", "r0"), XDP_FLAGS_DRV_MODE, NULL);
	}
}

static void test_hook(const char *hook)
{
	seams_hook = hook;
	test_scenes();
	test_closed();
	for (size_t i = 0; i < SEAMS_WAYS; i++) {
		test_many(&seams_ways[i], "mark");
		test_many(&seams_ways[i], "mark_regs");
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: graph_test FOLDER");
	seams_folder = argv[1];
	net_init();
	test_hook("tc-ingress");
	test_hook("xdp");
	net_add("left");
	net_add("right");
	net_veth("left", "l0", "right", "r0");
	test_wire(&seams_ways[0]);
	test_wire(&seams_ways[1]);
	return done();
}
