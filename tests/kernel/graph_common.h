/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of pipelines that are no chain share: stages, packets, trips of packets. */
#pragma once

#include <linux/bpf.h>

#include "bpf/stage.bpf.h"
#include "graph_frame.h"
#include "packet.h"
#include "seams.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Stage m<n>, which signs with <n>; '@' is one of mark, mark_regs and so on. */
#define M(n)            STAGE_(n, "@", "")
#define MARK(n, what)   STAGE_(n, what, "")
#define M_WITH(n, more) STAGE_(n, "@", ", " more)
#define STAGE_(n, program, more)                                                                   \
	"{name: m" #n ", object: graph_stage.bpf.o, program: " program ", constants: {id: " #n     \
	"}" more "}"
#define LONG(n) "{name: m" #n ", object: graph_long.bpf.o, constants: {id: " #n "}}"
#define SWITCH(name, field, cases, rest)                                                           \
	"{name: " name ", switch: " field ", cases: [" cases "], default: [" rest "]}"
#define WHEN(values, stages) "{when: [" values "], stages: [" stages "]}"
#define OFF                  "disabled: true"

typedef void packet_maker(struct pkt *p);

/* A packet, and what becomes of it. */
struct trip {
	packet_maker *packet;
	const char *path; /* "125": the stages that it meets; letters: new versions */
	__u32 verdict;
	__u8 asks, answer;  /* stage m<asks> returns @answer */
	const char *paused; /* NULL: none */
};

packet_maker udp4, udp6, tcp4, sctp4, icmp6, arp;
packet_maker tcp4_tagged; /* VLAN 7, DSCP 46 */
packet_maker fragment4;   /* the second part: it has no ports */
packet_maker cut4;

/* What stands for XDP's verdict at the hook of the pipelines. */
__u32 graph_verdict(__u32 verdict);
/* false: the kernel runs no program of the hook on it in a test run. */
bool graph_runs(const struct trip *t);
/* A manifest's text for that hook. Free it. */
char *graph_words(const char *text);
/* Ready to be signed. */
void graph_make(struct pkt *p, const struct trip *t);
/* Who signed. Valid until the next call. */
const char *graph_path(const struct pkt *p);
/* Runs the packet, past who is paused. Return: 0; 1: it went another way, which is printed. */
size_t graph_check(const struct seams *s, const struct trip *t, const char *what);

/* What stages do with registers and the stack, by their position. */
#define GRAPH_MIXES 5
extern const char *const graph_mixes[GRAPH_MIXES][4];
/* Replaces each '@' by a program; at a TC hook also verdicts and objects by TC's. Free it. */
char *graph_stages(const char *stages, const char *const mix[4]);
