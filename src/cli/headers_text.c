/* SPDX-License-Identifier: GPL-2.0-only */
/* Fields as text, and a packet in one line. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/headers.h"

__u64 field_value(const struct header_field *f, const __u8 *header)
{
	unsigned int first = f->at / 8, last = (f->at + f->size - 1) / 8;
	unsigned int behind = 7 - (f->at + f->size - 1) % 8;
	__u64 v = 0;

	for (unsigned int i = first; i <= last; i++)
		v = v << 8 | header[i];
	v >>= behind;
	return f->size < 64 ? v & ((1ull << f->size) - 1) : v;
}

static void mac_text(const __u8 *p, struct buf *out)
{
	buf_fmt(out, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
}

static void address_text(int family, const __u8 *p, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	buf_str(out, inet_ntop(family, p, text, sizeof(text)));
}

/* "SYN,ACK"; "none". */
static void tcp_flags_text(__u8 flags, struct buf *out)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	const char *comma = "";

	if (!flags)
		buf_str(out, "none");
	for (unsigned int i = 0; i < 8; i++)
		if (flags & 1 << i) {
			buf_fmt(out, "%s%s", comma, names[i]);
			comma = ",";
		}
}

void field_text(const struct header_field *f, const __u8 *header, struct buf *out)
{
	const __u8 *p = header + f->at / 8;

	switch (f->kind) {
	case FIELD_MAC:
		mac_text(p, out);
		break;
	case FIELD_IP4:
		address_text(AF_INET, p, out);
		break;
	case FIELD_IP6:
		address_text(AF_INET6, p, out);
		break;
	case FIELD_TCP_FLAGS:
		tcp_flags_text(*p, out);
		break;
	case FIELD_HEX:
		buf_fmt(out, "0x%0*" PRIx64, (f->size + 3) / 4, (uint64_t)field_value(f, header));
		break;
	default:
		buf_fmt(out, "%" PRIu64, (uint64_t)field_value(f, header));
	}
}

/* By name: a handful of them, each asked for once. */
static __u64 value_of(const struct header *h, const __u8 *p, const char *name)
{
	size_t n;
	const struct header_field *f = header_fields(h, &n);

	for (size_t i = 0; i < n; i++)
		if (text_eq(f[i].name, name))
			return field_value(&f[i], p);
	return 0;
}

static void text_of(const struct header *h, const __u8 *p, const char *name, struct buf *out)
{
	size_t n;
	const struct header_field *f = header_fields(h, &n);

	for (size_t i = 0; i < n; i++)
		if (text_eq(f[i].name, name))
			field_text(&f[i], p, out);
}

static bool is(const struct header *h, const char *name)
{
	return text_eq(header_name(h), name);
}

static bool is_ip(const struct header *h)
{
	return is(h, "ip") || is(h, "ip6");
}

static bool has_ports(const struct header *h)
{
	return is(h, "tcp") || is(h, "udp") || is(h, "sctp");
}

static bool is_extension(const struct header *h)
{
	return is(h, "hop-by-hop") || is(h, "routing") || is(h, "options") || is(h, "fragment") ||
	       is(h, "ah");
}

/* "10.0.0.1:1000 > 10.0.0.2:80"; in brackets, if it is IPv6 and there are ports. */
static void ends(const struct header *network, const struct header *transport, const __u8 *bytes,
		 struct buf *out)
{
	static const char *const names[2][2] = {{"src", "sport"}, {"dst", "dport"}};
	bool ports = transport && has_ports(transport);
	bool brackets = ports && is(network, "ip6");

	for (int i = 0; i < 2; i++) {
		buf_str(out, i ? " > " : "");
		buf_str(out, brackets ? "[" : "");
		text_of(network, bytes + network->at, names[i][0], out);
		buf_str(out, brackets ? "]" : "");
		if (!ports)
			continue;
		buf_str(out, ":");
		text_of(transport, bytes + transport->at, names[i][1], out);
	}
}

static void icmp_text(const struct header *h, const __u8 *p, struct buf *out)
{
	static const struct {
		const char *protocol;
		__u8 type;
		const char *text;
	} known[] = {
		{"icmp", 0, "echo reply"},
		{"icmp", 3, "unreachable"},
		{"icmp", 5, "redirect"},
		{"icmp", 8, "echo request"},
		{"icmp", 11, "time exceeded"},
		{"icmp6", 1, "unreachable"},
		{"icmp6", 2, "packet too big"},
		{"icmp6", 3, "time exceeded"},
		{"icmp6", 128, "echo request"},
		{"icmp6", 129, "echo reply"},
		{"icmp6", 133, "router solicitation"},
		{"icmp6", 134, "router advertisement"},
		{"icmp6", 135, "neighbour solicitation"},
		{"icmp6", 136, "neighbour advertisement"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!is(h, known[i].protocol) || known[i].type != p[0])
			continue;
		buf_fmt(out, " %s", known[i].text);
		if (strstr(known[i].text, "echo"))
			buf_fmt(out, " id %d seq %d", p[4] << 8 | p[5], p[6] << 8 | p[7]);
		else if (p[1])
			buf_fmt(out, " code %d", p[1]);
		return;
	}
	buf_fmt(out, " type %d code %d", p[0], p[1]);
}

static void arp_text(const struct header *h, const __u8 *p, struct buf *out)
{
	__u64 op = value_of(h, p, "op");

	if (op == 1) {
		buf_str(out, "arp who-has ");
		text_of(h, p, "target-ip", out);
		buf_str(out, " tell ");
		text_of(h, p, "sender-ip", out);
	} else if (op == 2) {
		buf_str(out, "arp ");
		text_of(h, p, "sender-ip", out);
		buf_str(out, " is-at ");
		text_of(h, p, "sender-mac", out);
	} else {
		buf_fmt(out, "arp op %d", (int)op);
	}
}

/* Addresses, and all that belongs to this header of IP. Return: the next header's index. */
static size_t ip_text(const struct headers *all, size_t i, const __u8 *bytes, struct buf *out)
{
	const struct header *network = &all->v[i++], *transport;
	const __u8 *p = bytes + network->at;
	const char *more = "";
	__u64 number = value_of(network, p, is(network, "ip") ? "protocol" : "next"), offset = 0;

	if (is(network, "ip")) {
		offset = value_of(network, p, "fragment");
		more = value_of(network, p, "flags") & 1 ? "+" : "";
	}
	for (; i < all->n && is_extension(&all->v[i]); i++) {
		const __u8 *ext = bytes + all->v[i].at;

		number = ext[0];
		if (is(&all->v[i], "fragment")) {
			offset = value_of(&all->v[i], ext, "offset");
			more = value_of(&all->v[i], ext, "more") ? "+" : "";
		}
	}
	transport = i < all->n && !is_ip(&all->v[i]) ? &all->v[i] : NULL;
	ends(network, transport, bytes, out);
	if (transport)
		buf_fmt(out, " %s", header_name(transport));
	else if (i == all->n)
		buf_fmt(out, " protocol %d", (int)number);
	if (offset || *more)
		buf_fmt(out, " fragment %d%s", (int)offset * 8, more);
	return i;
}

static void eth_text(const struct header *h, const __u8 *bytes, bool last, struct buf *out)
{
	if (!last)
		return;
	text_of(h, bytes + h->at, "src", out);
	buf_str(out, " > ");
	text_of(h, bytes + h->at, "dst", out);
	buf_str(out, " type ");
	text_of(h, bytes + h->at, "type", out);
}

/* Anything but IP. */
static void header_text(const struct headers *all, size_t i, const __u8 *bytes, struct buf *out)
{
	const struct header *h = &all->v[i];
	const __u8 *p = bytes + h->at;
	bool last = i + 1 == all->n;

	if (is(h, "eth")) {
		eth_text(h, bytes, last, out);
	} else if (is(h, "vlan")) {
		buf_str(out, "vlan ");
		text_of(h, p, "id", out);
		if (last) {
			buf_str(out, " type ");
			text_of(h, p, "type", out);
		}
	} else if (is(h, "mpls")) {
		buf_str(out, "mpls ");
		text_of(h, p, "label", out);
	} else if (is(h, "arp")) {
		arp_text(h, p, out);
	} else if (is(h, "tcp")) {
		buf_str(out, " ");
		text_of(h, p, "flags", out);
	} else if (is(h, "icmp") || is(h, "icmp6")) {
		icmp_text(h, p, out);
	} else if (is(h, "vxlan") || is(h, "geneve")) {
		buf_fmt(out, " %s ", header_name(h));
		text_of(h, p, "vni", out);
	} else if (is(h, "esp")) {
		buf_str(out, " spi ");
		text_of(h, p, "spi", out);
	}
}

/* Between what is in @out and a header that begins something of its own. */
static const char *separator(const struct headers *all, size_t i, const struct buf *out)
{
	const struct header *h = &all->v[i], *outer = h - 1;

	if (!out->n || is(outer, "eth"))
		return "";
	if (is(outer, "vlan") || is(outer, "mpls"))
		return " ";
	return is_ip(h) || is(h, "eth") || is(h, "arp") || is(h, "vlan") || is(h, "mpls") ? ": "
											  : "";
}

char *packet_summary(const void *bytes, size_t size)
{
	struct headers all;
	struct buf out = {};

	headers_find(bytes, size, &all);
	if (!all.n)
		buf_fmt(&out, "%zu bytes, no Ethernet header", size);
	for (size_t i = 0; i < all.n;) {
		buf_str(&out, separator(&all, i, &out));
		if (is_ip(&all.v[i]))
			i = ip_text(&all, i, bytes, &out);
		else
			header_text(&all, i++, bytes, &out);
	}
	return buf_take(&out);
}
