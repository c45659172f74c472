/* SPDX-License-Identifier: GPL-2.0-only */
/* As many frames as this machine can make, from l0 to r0, each of them counted. */
#pragma once

#include <stddef.h>

/* Starts to send. Needs live_init(). One at a time. */
void live_flood_start(void);
/*
 * The same in steps: frames that start as @frame and go through `flood` of @object, which has
 * what live_send.bpf.c has; some now, or from now on until it is stopped.
 */
void live_flood_open(const char *object, const void *frame, size_t size);
void live_flood_send(unsigned int n);
void live_flood_go(void);
void live_flood_stop(void);
/*
 * How many frames were sent, without those for which the queue of r0 had no room: each of
 * these came before what is attached there. Exact while none is being sent.
 */
long long live_flood_sent(void);
/* Return: the same, of all. */
long long live_flood_end(void);
/* The map `count` of a stage of edge; bails out if there is none. */
int live_open_count(const char *stage);
/* Its value at key 0. */
long long live_counted(int fd);
