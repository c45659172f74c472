/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets in and out of capture files, by libpcap; declared in packet.h. */
#include "packet.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "tap.h"

void pkt_write_pcap(const char *path, const struct pkt *v, size_t n)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, PKT_SIZE);
	pcap_dumper_t *file = pcap ? pcap_dump_open(pcap, path) : NULL;

	if (!file)
		bail_out("%s: %s", path, pcap ? pcap_geterr(pcap) : "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct pcap_pkthdr h = {
			.ts = {.tv_sec = i / 1000000, .tv_usec = i % 1000000},
			.caplen = v[i].len,
			.len = v[i].len,
		};

		pcap_dump((u_char *)file, &h, v[i].data);
	}
	if (pcap_dump_flush(file))
		bail_out("%s: cannot be written", path);
	pcap_dump_close(file);
	pcap_close(pcap);
}

struct pkt *pkt_read_pcap(const char *path, size_t *ret_n)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, error);
	ARRAY(struct pkt) all = {};
	struct pcap_pkthdr *h;
	const u_char *data;
	int got;

	if (!pcap)
		bail_out("%s", error);
	while ((got = pcap_next_ex(pcap, &h, &data)) == 1) {
		struct pkt *p = array_push(&all);

		if (!p)
			bail_out("out of memory");
		p->len = h->caplen < PKT_SIZE ? h->caplen : PKT_SIZE;
		memcpy(p->data, data, p->len);
	}
	if (got != PCAP_ERROR_BREAK)
		bail_out("%s: %s", path, pcap_geterr(pcap));
	pcap_close(pcap);
	*ret_n = all.n;
	return all.v;
}
