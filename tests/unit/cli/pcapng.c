/* SPDX-License-Identifier: GPL-2.0-only */
/* Blocks of a pcapng file, byte by byte against the specification; and libpcap reads them. */
#include "cli/pcapng.h"

#include <endian.h>
#include <pcap/pcap.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/tap.h"

/* Little-endian, as this machine is. */
#define U16(v) (v) & 255, (v) >> 8 & 255
#define U32(v) U16(v), U16((v) >> 16)
#define U64(v) U32((v)&0xffffffff), U32((uint64_t)(v) >> 32)

#define is_block(b, want, what)                                                                    \
	do {                                                                                       \
		is_int((b)->n, sizeof(want), "%s: its length", what);                              \
		if ((b)->n == sizeof(want))                                                        \
			is_mem((b)->v, want, sizeof(want), "%s: its bytes", what);                 \
		buf_done(b);                                                                       \
	} while (0)

/* clang-format off */
static void test_section(void)
{
	static const uint8_t empty[] = {
		U32(0x0a0d0d0a), U32(32),              /* type, length */
		U32(0x1a2b3c4d), U16(1), U16(0),       /* byte order, version */
		U32(0xffffffff), U32(0xffffffff),      /* length of the section */
		U16(0), U16(0), U32(32),               /* end of the options; length */
	};
	static const uint8_t full[] = {
		U32(0x0a0d0d0a), U32(64),
		U32(0x1a2b3c4d), U16(1), U16(0),
		U32(0xffffffff), U32(0xffffffff),
		U16(1), U16(3), 'a', 'b', 'c', 0,                    /* comment */
		U16(2), U16(4), 'c', 'p', 'u', '1',                  /* hardware */
		U16(3), U16(5), 'l', 'i', 'n', 'u', 'x', 0, 0, 0,    /* os */
		U16(4), U16(0),                                      /* application: empty */
		U16(0), U16(0), U32(64),
	};
	struct buf b = {};

	pcapng_section(&b, &(struct pcapng_section){});
	is_block(&b, empty, "a section");
	pcapng_section(&b, &(struct pcapng_section){"cpu1", "linux", "", "abc"});
	is_block(&b, full, "a section with everything");
}

static void test_interface(void)
{
	static const uint8_t plain[] = {
		U32(1), U32(32),
		U16(1), U16(0), U32(0),                /* Ethernet, reserved, snap length */
		U16(9), U16(1), 9, 0, 0, 0,            /* nanoseconds */
		U16(0), U16(0), U32(32),
	};
	static const uint8_t full[] = {
		U32(1), U32(60),
		U16(1), U16(0), U32(256),
		U16(2), U16(5), 'g', 'u', 'a', 'r', 'd', 0, 0, 0,    /* name */
		U16(3), U16(4), 'e', 'd', 'g', 'e',                  /* description */
		U16(9), U16(1), 9, 0, 0, 0,
		U16(11), U16(4), 0, 't', 'c', 'p',     /* filter: 0, as libpcap takes it */
		U16(0), U16(0), U32(60),
	};
	struct buf b = {};

	pcapng_interface(&b, &(struct pcapng_interface){});
	is_block(&b, plain, "an interface");
	pcapng_interface(&b, &(struct pcapng_interface){"guard", "edge", "tcp", 256});
	is_block(&b, full, "an interface with everything");
}

static void test_packet(void)
{
	static const uint8_t plain[] = {
		U32(6), U32(64),
		U32(0),                                /* interface */
		U32(0x12345678), U32(0x9abcdef0),      /* time: upper half, lower half */
		U32(0), U32(1500),                     /* captured, length */
		U16(2), U16(4), U32(0),                /* flags */
		U16(5), U16(8), U64(7),                /* id */
		U16(6), U16(4), U32(3),                /* queue */
		U16(0), U16(0), U32(64),
	};
	static const uint8_t full[] = {
		U32(6), U32(108),
		U32(2),
		U32(0x12345678), U32(0x9abcdef0),
		U32(5), U32(60),
		1, 2, 3, 4, 5, 0, 0, 0,                /* bytes, and what fills them up */
		U16(1), U16(4), 'd', 'r', 'o', 'p',    /* comment */
		U16(2), U16(4), U32(1),                /* inbound */
		U16(4), U16(8), U64(0x100000009),      /* missed before it */
		U16(5), U16(8), U64(0x1000000000007),
		U16(6), U16(4), U32(3),
		U16(7), U16(9), 2, U64(1), 0, 0, 0,    /* XDP_DROP */
		U16(0), U16(0), U32(108),
	};
	struct pcapng_packet p = {.time_ns = 0x123456789abcdef0,
				  .length = 1500,
				  .id = 7,
				  .queue = 3,
				  .verdict_kind = PCAPNG_NO_VERDICT};
	struct buf b = {};

	pcapng_packet(&b, &p);
	is_block(&b, plain, "a packet");
	p.interface = 2;
	p.bytes = "\1\2\3\4\5";
	p.captured = 5;
	p.length = 60;
	p.comment = "drop";
	p.direction = PCAPNG_INBOUND;
	p.dropped = 0x100000009;
	p.id = 0x1000000000007;
	p.verdict_kind = PCAPNG_XDP;
	p.verdict = 1;
	pcapng_packet(&b, &p);
	is_block(&b, full, "a packet with everything");
	p.verdict_kind = PCAPNG_TC;
	p.verdict = -1; /* unspec: of TC's verdicts some are negative */
	p.direction = PCAPNG_OUTBOUND;
	pcapng_packet(&b, &p);
	is_int((uint8_t)b.v[48], 2, "outbound");
	is_int(b.v[88], 1, "a verdict of TC");
	is_mem(b.v + 89, "\377\377\377\377\377\377\377\377", 8, "with its sign");
	buf_done(&b);
}

static void test_statistics(void)
{
	static const uint8_t want[] = {
		U32(5), U32(76),
		U32(1),
		U32(0x12345678), U32(0x9abcdef0),
		U16(2), U16(8), U32(1), U32(2),        /* start: upper half, lower half */
		U16(3), U16(8), U32(3), U32(4),        /* end */
		U16(4), U16(8), U64(1000),             /* received */
		U16(5), U16(8), U64(17),               /* dropped */
		U16(0), U16(0), U32(76),
	};
	struct buf b = {};

	pcapng_statistics(&b, &(struct pcapng_statistics){.interface = 1,
							  .time_ns = 0x123456789abcdef0,
							  .start_ns = 0x100000002,
							  .end_ns = 0x300000004,
							  .received = 1000,
							  .dropped = 17});
	is_block(&b, want, "statistics");
}

/* clang-format on */

/* A text that does not fit into an option is cut, and the block is as long as it says. */
static void test_long_text(void)
{
	_cleanup_free_ char *text = malloc(70001);
	struct buf b = {};
	uint32_t first, last;

	memset(text, 'x', 70000);
	text[70000] = '\0';
	pcapng_interface(&b, &(struct pcapng_interface){.name = text, .filter = text});
	memcpy(&first, b.v + 4, 4);
	memcpy(&last, b.v + b.n - 4, 4);
	is_int(first, b.n, "a long text: the length in front");
	is_int(last, b.n, "and the one at the end");
	buf_done(&b);
}

/* All of it is one file for libpcap, cut behind any block. */
static void test_reader(void)
{
	struct buf b = {};
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *bytes;
	_cleanup_fclose_ FILE *f = NULL;
	pcap_t *in;

	pcapng_section(&b, &(struct pcapng_section){"hw", "os", "braid", NULL});
	pcapng_interface(&b, &(struct pcapng_interface){"a", NULL, "tcp", 0});
	pcapng_interface(&b, &(struct pcapng_interface){"b", NULL, NULL, 0});
	for (unsigned int i = 0; i < 3; i++)
		pcapng_packet(&b, &(struct pcapng_packet){.interface = i & 1,
							  .time_ns = 5000000000 + i,
							  .bytes = "0123456789",
							  .captured = 5 + i,
							  .length = 10,
							  .verdict_kind = PCAPNG_XDP});
	pcapng_statistics(&b, &(struct pcapng_statistics){.interface = 1});
	f = fmemopen(b.v, b.n, "r");
	in = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!ok(in != NULL, "libpcap opens it: %s", in ? "" : why))
		return;
	f = NULL; /* belongs to it now */
	for (unsigned int i = 0; i < 3; i++) {
		if (!ok(pcap_next_ex(in, &h, &bytes) == 1, "packet %u", i))
			break;
		is_int(h->caplen, 5 + i, "captured");
		is_int(h->len, 10, "length");
		is_int(h->ts.tv_sec, 5, "seconds");
		is_int(h->ts.tv_usec, i, "nanoseconds");
		is_mem(bytes, "0123456789", h->caplen, "bytes");
	}
	is_int(pcap_next_ex(in, &h, &bytes), PCAP_ERROR_BREAK, "and no more");
	pcap_close(in);
	buf_done(&b);
}

int main(void)
{
	if (BYTE_ORDER != LITTLE_ENDIAN)
		skip_all("what is expected is written for little-endian machines");
	test_section();
	test_interface();
	test_packet();
	test_statistics();
	test_long_text();
	test_reader();
	return done();
}
