// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts what a packet says: byte 14 is the verdict (255: braid_accept()), 15 the version. */
#include "../../bpf/rollout.bpf.c"

SEC(SECTION) int count_version(CONTEXT *ctx)
{
	struct parse_cursor cursor = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	const __u8 *says = parse_take(&cursor, 16);

	if (!says)
		return 0;
	begin();
	return braid_count_version(says[14] == 255 ? BRAID_ACCEPT : says[14], says[15]);
}
