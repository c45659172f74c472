/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a run of packets through a chain leaves behind, in a form in which two runs that did
 * the same are equal byte by byte:
 *
 * - of each packet the verdict and its bytes, and where a run can tell, the stage that it
 *   left behind and that stage's verdict;
 * - of each map its definition and all elements in the order of their keys (of arrays, hashes,
 *   LRU and LPM alike), per-CPU ones with the values of all CPUs; of a ring buffer what was
 *   in it, in the order in which it was written.
 *
 * Times cannot be equal. But each is one that a stage took while one packet ran, so it is
 * replaced by that packet's number, which can: first_seen and last_seen of flowstat, time of
 * a sample; full_at of a token bucket by the packet that found it full last, and the tokens
 * taken since (exact as long as a run takes less than the second that refills one).
 *
 * Not compared: what sampler_abi.h calls undefined, the bytes of a sample behind those that
 * were captured.
 */
#pragma once

#include "chain.h"
#include "traffic.h"

#include "base/array.h"
#include "base/text.h"

enum { OUT_SIZE = PKT_SIZE + 256 }; /* a packet, and all that headroom could add */

struct outcome {
	__u32 verdict;
	/* the last stage that ran, a new version as + STAGES; and what it said; -1: none ran */
	__u32 stage, stage_verdict;
	/* of the reference: stages that ran; that went on with another verdict than PASS */
	__u32 ran, unusual;
	size_t size;
	__u8 bytes[OUT_SIZE];
};

struct map_name {
	size_t stage;
	bool new; /* of its second version */
	char name[32];
};

/* What a version of a stage has said: XDP's verdicts, and others. */
struct said {
	__u64 packets, verdicts[6];
};

struct tally {
	struct said version[2];
};

/* A packet, and how things stand when it comes: one of the chain's states. */
struct event {
	struct pkt packet;
	__u32 state;
};

struct contents {
	struct map_name of;
	bool found;
	__u32 type, key_size, value_size, max_entries;
	size_t step;      /* bytes of an element: key, then value or values */
	struct buf bytes; /* elements */
};

struct trail {
	bool knows_stage;
	ARRAY(struct outcome) packets;
	ARRAY(__u64) times; /* before each packet; CLOCK_MONOTONIC, ns */
	__u64 end;
	ARRAY(struct contents) maps;
	struct tally tallies[STAGES];
	bool counts;
	struct traffic traffic;
};

void trail_done(struct trail *t);
#define _cleanup_trail_ _cleanup_(trail_done)

/* Something that packets can be sent through. */
struct runner {
	void *ctx;
	bool knows_stage;
	void (*set)(void *ctx, const struct state *state);
	void (*run)(void *ctx, const void *packet, size_t size, struct outcome *ret);
	/* of a stage that is rolled out */
	void (*count)(void *ctx, size_t stage, struct tally *ret);
	/* of all that ran; NULL: it does not count */
	void (*traffic)(void *ctx, struct traffic *ret);
	int (*map)(void *ctx, const struct map_name *name); /* borrowed fd; -1: it has none */
};

/* Return: false: it took so long that decisions could depend on the time. @ret is empty then. */
bool trail_record(const struct runner *runner, const struct chain *c, const struct map_name *maps,
		  size_t n_maps, const struct event *v, size_t n, struct trail *ret);
/*
 * @why: the first difference is described there.
 * @ret_packet: the packet it was seen at; the last one when a map differs.
 */
bool trail_is_same(const struct chain *c, const struct trail *want, const struct trail *got,
		   struct buf *why, size_t *ret_packet);
