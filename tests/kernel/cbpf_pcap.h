/* SPDX-License-Identifier: GPL-2.0-only */
/* libpcap, in a file of its own: its <pcap/bpf.h> and <linux/bpf.h> do not go together. */
#pragma once

#include <braid/observe.h>
#include <stddef.h>

/* An expression over Ethernet frames; bails out if it is none. Free @ret. Return: how long. */
size_t pcap_filter(const char *expression, struct braid_filter **ret);
/* What libpcap says of the packet. The filter is one that it would take. */
uint32_t pcap_says(const struct braid_filter *filter, const void *packet, size_t n);
