/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mark_tc: the class that mark has left in front of a packet becomes the mark of the skb, for
 * routing rules, netfilter and queueing disciplines.
 */
#include <linux/pkt_cls.h>

#include "mark.h"

const volatile __u32 base = 0x100; /* class n becomes mark base + n */

SEC("tc") int mark_tc(struct __sk_buff *skb)
{
	const struct mark *m = braid_meta_get_skb(skb, MARK_META, struct mark);
	__u32 class = m ? m->class : 0;
	struct seen *s = bpf_map_lookup_elem(&seen, &class);

	if (m)
		skb->mark = base + class;
	if (s && m)
		s->tc++;
	else if (s)
		s->unmarked++;
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
