/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What braid offers to authors of stages. All of it is optional: a stage is an
 * ordinary BPF program and needs nothing from here.
 */
#ifndef BRAID_BPF_BRAID_H
#define BRAID_BPF_BRAID_H

#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#endif
#include <bpf/bpf_helpers.h>

/*
 * A verdict that no hook has: the chain ends here and the packet passes (XDP_PASS; at TC hooks
 * TC_ACT_UNSPEC), whatever the stages behind would say. Only a braid pipeline knows it. A program
 * that may also run alone must not return it: a driver takes an unknown verdict as aborted.
 */
#define BRAID_ACCEPT 0x42524402u

static __always_inline int braid_accept(void)
{
	return (int)BRAID_ACCEPT;
}

/*
 * BRAID_RUN_CONFIG(program, priority, verdicts...) - defaults for running @program
 * among others: lower priorities run earlier; on each of @verdicts (XDP_PASS, XDP_TX, …;
 * one to five of them) the next program runs.
 *
 *	BRAID_RUN_CONFIG(sampler, 40, XDP_PASS);
 *
 * The layout is libxdp's, so xdp-loader reads it too: a variable "_<program>" in
 * section .xdp_run_config, nothing of it but its type counts: a pointer member of
 * each setting's name, whose array length is the value. A manifest overrides it.
 */
#define BRAID_RUN_CONFIG(program, prio, ...)                                                       \
	struct {                                                                                   \
		int (*priority)[prio];                                                             \
		int (*XDP_ABORTED)[BRAID_RUN_CONFIG_HAS_(XDP_ABORTED, __VA_ARGS__)];               \
		int (*XDP_DROP)[BRAID_RUN_CONFIG_HAS_(XDP_DROP, __VA_ARGS__)];                     \
		int (*XDP_PASS)[BRAID_RUN_CONFIG_HAS_(XDP_PASS, __VA_ARGS__)];                     \
		int (*XDP_TX)[BRAID_RUN_CONFIG_HAS_(XDP_TX, __VA_ARGS__)];                         \
		int (*XDP_REDIRECT)[BRAID_RUN_CONFIG_HAS_(XDP_REDIRECT, __VA_ARGS__)];             \
	} _##program __attribute__((used)) SEC(".xdp_run_config")

/* 1 when the list has it, else 0: all are named, as XDP_PASS would count where it is not. */
#define BRAID_RUN_CONFIG_HAS_(verdict, ...)                                                        \
	(1u & BRAID_RUN_CONFIG_BITS_(__VA_ARGS__, 31, 31, 31, 31, 31) >> (verdict))
#define BRAID_RUN_CONFIG_BITS_(a, b, c, d, e, ...)                                                 \
	(1u << (a) | 1u << (b) | 1u << (c) | 1u << (d) | 1u << (e))

/* Where a compiler has no such tags, what they say is not known, and all else works. */
#if defined(__has_attribute)
#if __has_attribute(btf_decl_tag)
#define BRAID_TAG_(text) __attribute__((btf_decl_tag(text)))
#endif
#endif
#ifndef BRAID_TAG_
#define BRAID_TAG_(text)
#endif

/*
 * braid_range(min, max) - on a variable or member of a configuration: what an operator may set.
 * Both are plain decimal numbers, and in the range.
 */
#define braid_range(min, max) BRAID_TAG_("braid:range=" #min ".." #max)

/*
 * braid_counter - on a member of a map's value, or a global: it counts. When entries move to
 * another layout, what was counted meanwhile is added; else the later value wins.
 *
 *	struct record {
 *		__u64 packets braid_counter;
 *		__u64 last_seen;
 *	};
 */
#define braid_counter BRAID_TAG_("braid:counter")

/*
 * BRAID_CONFIG(type, name) - what an operator sets while the program runs ("braid config").
 * The initial value is the default. One variable of that kind, mostly a struct; integers,
 * booleans, enums, addresses and arrays of them, no bit-fields.
 *
 *	struct limits {
 *		__u32 rate braid_range(1, 1000000);
 *		__u32 burst braid_range(1, 10000);
 *	};
 *	BRAID_CONFIG(struct limits, limits) = {.rate = 1000, .burst = 100};
 *
 *	if (count > limits.burst)
 *		return XDP_DROP;
 *
 * In a pipeline all stages see one version of the configuration from a packet's first stage to
 * its last, however often they look. Loaded alone it is a constant.
 * Costs, beside the load that it is: none where the version is known (one load and an add per
 * stage that uses it).
 */
#define BRAID_CONFIG(type, name)                                                                   \
	const volatile type name __attribute__((used, section(".rodata.braid_config")))

/*
 * BRAID_SIGNALS(name) - a word of bits that an operator sets ("braid signal"), for a program
 * that wants to do more about it than braid, which leads packets past a stage that is paused.
 * One per object.
 *
 *	BRAID_SIGNALS(signals);
 *
 *	if (!flow && (signals & BRAID_SIGNAL_DRAIN))
 *		return XDP_DROP;		nothing new any more
 *
 * Each packet sees what the word is when it looks. Loaded alone it is 0.
 * Costs two instructions, one of them the load; no helper.
 */
#define BRAID_SIGNALS(name)                                                                        \
	const volatile __u32 name __attribute__((used, section(".rodata.braid_signals")))

enum {
	BRAID_SIGNAL_PAUSE = 1,    /* packets go past the stage: seen by those that are inside */
	BRAID_SIGNAL_DRAIN = 2,    /* finish what has begun, begin nothing new */
	BRAID_SIGNAL_SHUTDOWN = 4, /* the stage is about to go; packets go past it */
};

/* The operator's own, @n from 0 to 15. */
#define BRAID_SIGNAL_USER(n) (1u << (16 + (n)))

/*
 * BRAID_SCRATCH(content) - an area in which stages leave things for those behind them, while one
 * packet goes through: on the packet's CPU, the same for all stages of a pipeline that say
 * BRAID_SCRATCH. They must say it of the same type; braid compares.
 *
 *	struct notes {
 *		__u32 customer;
 *	};
 *	BRAID_SCRATCH(struct notes);
 *
 *	struct notes *notes = braid_scratch_begin();	in the first stage that uses it
 *	struct notes *notes = braid_scratch();		in those behind it
 *
 *	if (!notes)
 *		return XDP_ABORTED;
 *
 * braid_scratch_begin() makes it zero: else it holds what the packet before has left there.
 * Loaded alone it is a map of the program's own.
 * Costs one helper call (bpf_map_lookup_elem() on a per-CPU array, five instructions with what
 * is around it); braid_scratch_begin() one store more for each 8 bytes.
 */
#define BRAID_SCRATCH(content)                                                                     \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, content);                                                            \
	} braid_scratch SEC(".maps")

/* Return: a pointer to it; NULL never, but the verifier wants to see that looked at. */
#define braid_scratch()                                                                            \
	({                                                                                         \
		__u32 braid_zero_ = 0;                                                             \
		(__typeof__(braid_scratch.value))bpf_map_lookup_elem(&braid_scratch,               \
								     &braid_zero_);                \
	})

#define braid_scratch_begin()                                                                      \
	({                                                                                         \
		__typeof__(braid_scratch.value) braid_notes_ = braid_scratch();                    \
		if (braid_notes_)                                                                  \
			__builtin_memset(braid_notes_, 0, sizeof(*braid_notes_));                  \
		braid_notes_;                                                                      \
	})

#endif
