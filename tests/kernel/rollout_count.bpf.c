// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts what a packet says: byte 14 is the verdict (255: braid_accept()), 15 the version. */
#include "../../bpf/rollout.bpf.c"

SEC("xdp") int count_version(struct xdp_md *ctx)
{
	struct parse_cursor cursor = parse_start(ctx);
	const __u8 *says = parse_take(&cursor, 16);

	if (!says)
		return XDP_ABORTED;
	begin();
	return braid_count_version(says[14] == 255 ? BRAID_ACCEPT : says[14], says[15]);
}
