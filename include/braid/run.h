/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Packets through a pipeline that is attached nowhere: BPF_PROG_TEST_RUN. */
#ifndef BRAID_RUN_H
#define BRAID_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"
#include "braid/manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid_run;

/**
 * struct braid_run_result - what became of one packet.
 * @verdict:       of the pipeline: enum xdp_action, or TC_ACT_*.
 * @stage:         index of the stage where the packet left; the last one when it passed all.
 * @stage_verdict: that stage's own.
 * @size:          bytes of the packet that came out.
 * @nanoseconds:   that the pipeline took, as the kernel measured it once.
 */
struct braid_run_result {
	uint32_t verdict;
	uint32_t stage;
	uint32_t stage_verdict;
	size_t size;
	uint32_t nanoseconds;
};

/**
 * braid_run_open() - load @p for running packets through it, with maps of its own.
 * @p:   borrowed; must outlive the run.
 * @ret: free it with braid_run_close().
 * Needs: as braid_apply(), but no interface and no store.
 * Return: 0; as braid_plan_new() and the verifier.
 */
int braid_run_open(const struct braid_pipeline *p, struct braid_run **ret, struct braid_error *err);
/** braid_run_close() - NULL is fine. */
void braid_run_close(struct braid_run *run);

/**
 * braid_run_packet() - one packet, an Ethernet frame of @size bytes. Maps keep what it did.
 * @out:  what came out; NULL when it does not matter.
 * @room: bytes at @out.
 * Return: 0; -EMSGSIZE shorter than an Ethernet header, or longer than the kernel takes;
 * -ENOSPC @room is too small.
 */
int braid_run_packet(struct braid_run *run, const void *packet, size_t size, void *out, size_t room,
		     struct braid_run_result *ret, struct braid_error *err);

/** braid_run_stages() - the number of stages. */
size_t braid_run_stages(const struct braid_run *run);
/** braid_run_stage() - name of stage @i, owned by the pipeline; NULL: no such. */
const char *braid_run_stage(const struct braid_run *run, size_t i);
/** braid_run_strategy() - "fused" or "tailcall". */
const char *braid_run_strategy(const struct braid_run *run);

/**
 * braid_verdict_name() - of @hook "xdp": "aborted", "drop", "pass", "tx", "redirect"; of TC and
 * netkit hooks "unspec" (-1 as a uint32_t), "ok", "shot" and so on.
 * Return: a constant string; NULL: the hook has no such verdict, or there is no such hook.
 */
const char *braid_verdict_name(const char *hook, uint32_t verdict);

#ifdef __cplusplus
}
#endif
#endif
