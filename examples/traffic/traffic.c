/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * traffic INTERFACE MAC SECONDS - the demo's packets, as fast as one CPU sends them, for so long
 * or until SIGTERM; prints how many of each kind left, as JSON. A packet that the interface
 * refuses is sent again, so what is counted has been handed over.
 *
 * traffic --pcap FILE MAC - one packet of each kind into a file instead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define FRAME_SIZE 64
#define BATCH      64

/* Addresses are from the ranges for documentation: RFC 5737. */
static const struct kind {
	const char *name;
	const char *source, *destination;
	unsigned int sources; /* that many, counting up from @source */
	unsigned char protocol, tcp_flags;
	unsigned short port;
	unsigned int weight; /* packets of it in a batch */
} kinds[] = {
	{"clients", "198.51.100.16", "192.0.2.20", 200, IPPROTO_UDP, 0, 53, 24},
	{"web clients", "198.51.100.16", "192.0.2.10", 200, IPPROTO_TCP, TH_ACK, 80, 16},
	{"one flooding host", "198.51.100.9", "192.0.2.20", 1, IPPROTO_UDP, 0, 53, 8},
	{"denied network", "203.0.113.64", "192.0.2.20", 100, IPPROTO_UDP, 0, 53, 6},
	{"allowed host in it", "203.0.113.7", "192.0.2.20", 1, IPPROTO_UDP, 0, 53, 2},
	{"spoofed 127.0.0.1", "127.0.0.1", "192.0.2.20", 1, IPPROTO_UDP, 0, 53, 4},
	{"SYN and FIN at once", "198.51.100.16", "192.0.2.20", 200, IPPROTO_TCP, TH_SYN | TH_FIN,
	 80, 4},
};

#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static unsigned short checksum(const void *data, size_t size)
{
	const unsigned char *p = data;
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* Packet number @n of a kind; the upper checksum is left out, as for UDP it may be. */
static void build(const struct kind *k, unsigned int n, const struct ether_addr *to,
		  unsigned char frame[FRAME_SIZE])
{
	struct ether_header *eth = (struct ether_header *)frame;
	struct iphdr *ip = (struct iphdr *)(eth + 1);
	size_t size = FRAME_SIZE - sizeof(*eth);

	memset(frame, 0, FRAME_SIZE);
	memcpy(eth->ether_dhost, to, ETH_ALEN);
	memcpy(eth->ether_shost, "\x02\0\0\0\0\x01", ETH_ALEN);
	eth->ether_type = htons(ETHERTYPE_IP);
	*ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = k->protocol};
	ip->tot_len = htons(size);
	ip->saddr = htonl(ntohl(inet_addr(k->source)) + n % k->sources);
	ip->daddr = inet_addr(k->destination);
	ip->check = checksum(ip, sizeof(*ip));
	if (k->protocol == IPPROTO_UDP) {
		struct udphdr *udp = (struct udphdr *)(ip + 1);

		udp->source = htons(1024 + n % 1000);
		udp->dest = htons(k->port);
		udp->len = htons(size - sizeof(*ip));
	} else {
		struct tcphdr *tcp = (struct tcphdr *)(ip + 1);

		tcp->source = htons(1024 + n % 1000);
		tcp->dest = htons(k->port);
		tcp->doff = 5;
		tcp->th_flags = k->tcp_flags;
	}
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = 0,
		.sll_ifindex = if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || !addr.sll_ifindex || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on))) {
		fprintf(stderr, "traffic: %s: %s\n", interface, strerror(errno));
		exit(1);
	}
	return fd;
}

/* All @n, however often the interface has to be asked. */
static void send_all(int fd, struct mmsghdr *messages, unsigned int n)
{
	for (unsigned int sent = 0; sent < n;) {
		int r = sendmmsg(fd, messages + sent, n - sent, 0);

		if (r > 0)
			sent += r;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
			perror("traffic: sendmmsg");
			exit(1);
		}
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static volatile sig_atomic_t ended;

static void end_now(int signal)
{
	ended = signal;
}

static void flood(int fd, const struct ether_addr *to, double seconds,
		  unsigned long long counts[N_KINDS])
{
	static unsigned char frames[BATCH][FRAME_SIZE];
	struct mmsghdr messages[BATCH] = {};
	struct iovec vectors[BATCH];
	double end = now() + seconds;
	unsigned int round = 0;

	for (unsigned int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){frames[i], FRAME_SIZE};
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (!ended && now() < end) {
		unsigned int n = 0;

		for (size_t k = 0; k < N_KINDS; k++) {
			for (unsigned int i = 0; i < kinds[k].weight; i++)
				build(&kinds[k], round * kinds[k].weight + i, to, frames[n++]);
			counts[k] += kinds[k].weight;
		}
		send_all(fd, messages, n);
		round++;
	}
}

static void write_pcap(const char *path, const struct ether_addr *to)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, FRAME_SIZE);
	pcap_dumper_t *out = dead ? pcap_dump_open(dead, path) : NULL;

	if (!out) {
		fprintf(stderr, "traffic: cannot write %s\n", path);
		exit(1);
	}
	for (size_t k = 0; k < N_KINDS; k++) {
		struct pcap_pkthdr h = {.caplen = FRAME_SIZE, .len = FRAME_SIZE};
		unsigned char frame[FRAME_SIZE];

		h.ts.tv_sec = k;
		build(&kinds[k], 0, to, frame);
		pcap_dump((unsigned char *)out, &h, frame);
	}
	pcap_dump_close(out);
	pcap_close(dead);
}

int main(int argc, char **argv)
{
	bool pcap = argc == 4 && strcmp(argv[1], "--pcap") == 0;
	struct ether_addr *to = argc == 4 ? ether_aton(pcap ? argv[3] : argv[2]) : NULL;
	unsigned long long counts[N_KINDS] = {}, sum = 0;

	if (!to) {
		fputs("usage: traffic INTERFACE MAC SECONDS\n"
		      "       traffic --pcap FILE MAC\n",
		      stderr);
		return 2;
	}
	if (pcap) {
		write_pcap(argv[2], to);
		return 0;
	}
	signal(SIGTERM, end_now);
	flood(open_socket(argv[1]), to, atof(argv[3]), counts);
	printf("{");
	for (size_t k = 0; k < N_KINDS; k++) {
		printf("\"%s\": %llu, ", kinds[k].name, counts[k]);
		sum += counts[k];
	}
	printf("\"all\": %llu}\n", sum);
	return 0;
}
