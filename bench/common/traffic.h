/* SPDX-License-Identifier: GPL-2.0-only */
/* The generator of frames: a thread that sends as fast as it can, until told to end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/net.h"

struct traffic;

/*
 * Starts sending from @net's generator end. The thread sends at least @frames,
 * and goes on until traffic_finish() is called, so that slow replacements too
 * happen under load.
 */
struct traffic *traffic_start(const struct net *net, uint64_t frames);

/* Waits for the end of sending and frees @traffic. @ret_seconds: spent sending. */
void traffic_finish(struct traffic *traffic, uint64_t *ret_sent, double *ret_seconds);

/*
 * Waits until @count says @want of @self, or more; false: nothing came for ten seconds.
 * For those who follow what arrives.
 */
bool traffic_wait(uint64_t (*count)(void *self), void *self, uint64_t want);
