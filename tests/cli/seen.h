/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands that look at packets, and packets for them: `edge` is guard, acl and lb of the
 * examples on r0. Frames go in at l0; what lb sends back comes out there.
 */
#pragma once

#include "live_common.h"
#include "packet.h"

/* What becomes of a frame. */
enum flow {
	FLOW_VIP,    /* 198.18.0.1:1000 > 192.0.2.10:80 tcp: lb puts it into a tunnel */
	FLOW_DENIED, /* 203.0.113.9:1000 > 192.0.2.10:80 tcp: acl drops it */
	FLOW_OTHER,  /* 198.18.0.1:1000 > 192.0.2.99:53 udp: passes */
};

/* @pipeline: its keys, as live_manifest() takes them. */
void seen_apply(const char *pipeline);
struct pkt seen_frame(enum flow flow);
void seen_send(enum flow flow, unsigned int n);

/* Starts the command, and waits until @observers of edge look. */
#define seen_start(r, observers, ...)                                                              \
	seen_start_argv(r, observers, (const char *const[]){live_braid, __VA_ARGS__, NULL})
void seen_start_argv(struct run *r, int observers, const char *const argv[]);
/* Observers of edge that look, as status has them. */
int seen_looking(void);
/* The pid of observer @i: of the process that works. */
int seen_worker(int i);
/* Lines that the command has printed until now. */
size_t seen_lines(const struct run *r);
/* Sends it @signal and waits for its end. Return: its status. */
int seen_end(struct run *r, int signal);

/* Line @i of JSON; bails out if it is none. */
json_t *seen_json(const struct run *r, size_t i);
/* Waits until it has printed so many. */
bool seen_wait(const struct run *r, size_t lines);
enum { SEEN_MS = 60000 }; /* only what does not happen takes that long */
