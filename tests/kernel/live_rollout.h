/* SPDX-License-Identifier: GPL-2.0-only */
/* Rollouts in tests: pipeline edge at r0 with the stage s in versions, and z behind it. */
#pragma once

#include "braid/live.h"
#include "live_common.h"
#include "live_flood.h"
#include "rollout_frame.h"

/* Loads what sends flow after flow; stages count what arrives. */
void rollout_open_flood(void);
/* Applies edge with the old version of s. @strategy: AS_FUSED, AS_TAILS. */
void rollout_apply(const char *strategy);
/* The object of a version: rollout_stage.bpf.c. */
const char *rollout_object(int version);

/* A map of a stage, "s@new" too, by its pin in status; -1: there is none. */
int rollout_map(const char *stage, const char *map);
/* Packets that the old and the new version of @stage have counted in it; -1: no such map. */
long long rollout_packets(const char *stage, int version);
/* Sends @n frames, each of the next flow, and waits until z has seen them. false: it did not. */
bool rollout_send(unsigned int n);
#define rollout_send_all() rollout_send(ROLLOUT_FLOWS)

/* "rollout status edge": a text of it, or a number. */
const char *rollout_state(void);
long long rollout_step_number(void);
