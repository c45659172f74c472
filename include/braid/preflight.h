/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a change would do: two pipelines over the same packets, each with its own copy of the same
 * maps, by BPF_PROG_TEST_RUN. What runs is not touched.
 */
#ifndef BRAID_PREFLIGHT_H
#define BRAID_PREFLIGHT_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"
#include "braid/manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid;
struct braid_preflight;

/**
 * struct braid_preflight_opts - Zero it, set @sz.
 * @sz:    sizeof(struct braid_preflight_opts).
 * @old:   what it is compared with; borrowed until braid_preflight_close(). NULL: the current
 *         revision of that name, by its manifest and objects in the store.
 * @empty: nonzero: maps of both start with what manifests and objects say. Otherwise those of the
 *         old one start with a copy of what is in the maps that run, if the pipeline runs, and
 *         those of the new one with what braid_apply() would bring over of that.
 */
struct braid_preflight_opts {
	size_t sz;
	const struct braid_pipeline *old;
	int empty;
};

/**
 * braid_preflight_open() - both pipelines into the kernel, attached nowhere.
 * @p:    the new one; borrowed until braid_preflight_close().
 * @opts: may be NULL.
 * @ret:  free it with braid_preflight_close().
 * Signals, a rollout's share and the configuration are as they are wanted of what runs; not if
 * @opts->empty.
 * Needs: as braid_apply(), but no interface, and no lock.
 * Return: 0; -ENOENT the pipeline does not run, and @opts->old is not given; -EMEDIUMTYPE, -ENOSPC
 * braid_apply() would refuse it, as a map changed its shape; -EINVAL the two have different hooks;
 * as braid_plan_new() and the verifier: @err->where begins with "old" or "new".
 */
int braid_preflight_open(struct braid *b, const struct braid_pipeline *p,
			 const struct braid_preflight_opts *opts, struct braid_preflight **ret,
			 struct braid_error *err);
/** braid_preflight_close() - NULL is fine. */
void braid_preflight_close(struct braid_preflight *f);

/**
 * Bits of braid_preflight_packet.differs. Bytes count only if both pipelines let the packet out:
 * XDP pass, tx, redirect; netkit ok, unspec, redirect; TC all but shot.
 */
enum {
	BRAID_DIFFERS_VERDICT = 1,
	BRAID_DIFFERS_BYTES = 2,
};

/**
 * struct braid_preflight_step - a packet behind a stage.
 * @stage:   its name, owned by the braid_preflight; NULL: there is none, it is the end of the
 *           pipeline: a verdict of the manifest's (final), of a stage that is paused, or a tail
 *           call that failed.
 * @verdict: that it returned.
 * @leaves:  nonzero: the packet leaves here.
 * @bytes:   the packet, @size bytes, until the next call; NULL: not known.
 */
struct braid_preflight_step {
	const char *stage;
	uint32_t verdict;
	int leaves;
	size_t size;
	const void *bytes;
};

/**
 * struct braid_preflight_outcome - what became of a packet in one of the pipelines.
 * @verdict: as in braid_run_result.
 * @size, @bytes: the packet that came out; until the next call.
 * @head:    by how many bytes its start has moved; negative: it grew in front.
 * @parts:   nonzero: @at is where the ways part.
 */
struct braid_preflight_outcome {
	uint32_t verdict;
	size_t size;
	const void *bytes;
	int head;
	int parts;
	struct braid_preflight_step at;
};

/**
 * struct braid_preflight_packet - what became of a packet in both.
 * @differs: bits; 0: nothing.
 * If it differs, the two `at` are the first steps that are not the same: of the same stage, of one
 * that has another name in the other pipeline, or of stages that only one of them has.
 */
struct braid_preflight_packet {
	unsigned int differs;
	struct braid_preflight_outcome was, is;
};

/**
 * braid_preflight_packet() - one packet through both, an Ethernet frame of @size bytes. Maps keep
 * what it did.
 * The calling thread is on one CPU meanwhile, the same in all calls: per-CPU maps agree.
 * Return: 0; -EMSGSIZE it cannot be run: shorter than an Ethernet header, or longer than the
 * kernel takes; it does not count then. @err says which.
 */
int braid_preflight_packet(struct braid_preflight *f, const void *packet, size_t size,
			   struct braid_preflight_packet *ret, struct braid_error *err);

/** braid_preflight_hook() - "xdp", "tc-ingress" and so on; a constant. */
const char *braid_preflight_hook(const struct braid_preflight *f);

/**
 * braid_preflight_report() - all there is to say behind the last packet: what the two are, stages
 * and maps of both, verdicts old to new with numbers of packets, what the verifier says, and what
 * a packet costs in both, measured now by some of the packets.
 * @ret_json: free it with free(). Members: docs/json.md#preflight.
 * The measurement changes maps: no packet should be run behind it.
 */
int braid_preflight_report(struct braid_preflight *f, char **ret_json, struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
