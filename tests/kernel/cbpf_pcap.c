/* SPDX-License-Identifier: GPL-2.0-only */
#include "cbpf_pcap.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

_Static_assert(sizeof(struct braid_filter) == sizeof(struct bpf_insn), "the same eight bytes");

size_t pcap_filter(const char *expression, struct braid_filter **ret)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program program;
	size_t n;

	if (!p || pcap_compile(p, &program, expression, 1, PCAP_NETMASK_UNKNOWN))
		bail_out("'%s' is no filter: %s", expression, p ? pcap_geterr(p) : "no memory");
	n = program.bf_len;
	*ret = calloc(n, sizeof(**ret));
	if (!*ret)
		bail_out("no memory");
	memcpy(*ret, program.bf_insns, n * sizeof(**ret));
	pcap_freecode(&program);
	pcap_close(p);
	return n;
}

uint32_t pcap_says(const struct braid_filter *filter, const void *packet, size_t n)
{
	return bpf_filter((const struct bpf_insn *)filter, packet, n, n);
}
