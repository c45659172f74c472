// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Dispatchers that nobody here writes: VERSION 1, which has no magic, and one of a later version.
 * With BYTES other than the version's own it is a broken one. The test fills in the
 * configuration.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define SLOTS 10

#if VERSION == 1
struct config {
	__u8 n;
	__u32 actions[SLOTS];
	__u32 priorities[SLOTS];
#ifdef BYTES
	__u8 more[BYTES - 84];
#endif
};
#else
struct config {
	__u8 magic, version, n, frags;
	__u32 actions[SLOTS];
	__u32 priorities[SLOTS];
	__u32 flags[SLOTS];
#ifdef BYTES
	__u8 more[BYTES - 124];
#endif
};
#endif

static volatile const struct config conf;

#define FUNCTION(i)                                                                                \
	__attribute__((noinline)) int prog##i(struct xdp_md *ctx)                                  \
	{                                                                                          \
		volatile int verdict = 31;                                                         \
		return ctx ? verdict : XDP_ABORTED;                                                \
	}
FUNCTION(0)
FUNCTION(1)
FUNCTION(2)

#define CALL(i)                                                                                    \
	if (conf.n < i + 1)                                                                        \
		return XDP_PASS;                                                                   \
	verdict = prog##i(ctx);                                                                    \
	if (!(1u << verdict & conf.actions[i]))                                                    \
		return verdict;

SEC("xdp") int xdp_dispatcher(struct xdp_md *ctx)
{
	int verdict;

	CALL(0)
	CALL(1)
	CALL(2)
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
__uint(dispatcher_version, VERSION) SEC("xdp_metadata");
