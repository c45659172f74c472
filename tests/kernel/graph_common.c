/* SPDX-License-Identifier: GPL-2.0-only */
#include "graph_common.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"

static void finish_udp(struct pkt *p, __u16 port)
{
	pkt_udp(p, 1000, port);
	pkt_payload(p, NULL, 64);
	pkt_finish(p);
}

void udp4(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip4(p, "10.0.0.1", "10.0.0.2");
	finish_udp(p, 53);
}

void udp6(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip6(p, "2001:db8::1", "2001:db8::2");
	pkt_ext(p, IPPROTO_HOPOPTS, 1);
	finish_udp(p, 443);
}

void tcp4(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip4(p, "10.0.0.1", "10.0.0.2");
	pkt_tcp(p, 1000, 80, 2);
	pkt_finish(p);
}

void tcp4_tagged(struct pkt *p)
{
	pkt_eth(p);
	pkt_vlan(p, ETH_P_8021Q, 7);
	pkt_ip4(p, "10.0.0.1", "10.0.0.2");
	pkt_tcp(p, 1000, 443, 2);
	((__u8 *)pkt_at(p, PKT_IP4))[1] = 46 << 2;
	pkt_finish(p);
}

void sctp4(struct pkt *p)
{
	udp4(p);
	((__u8 *)pkt_at(p, PKT_IP4))[9] = IPPROTO_SCTP;
}

void icmp6(struct pkt *p)
{
	pkt_eth(p);
	pkt_ip6(p, "2001:db8::1", "2001:db8::2");
	pkt_icmp(p, 128, 0);
	pkt_finish(p);
}

void arp(struct pkt *p)
{
	pkt_eth(p);
	pkt_ethertype(p, ETH_P_ARP);
	pkt_payload(p, NULL, 46);
	pkt_finish(p);
}

void fragment4(struct pkt *p)
{
	struct pkt whole = {}, first = {};

	udp4(&whole);
	pkt_fragment(&whole, 16, &first, p);
}

void cut4(struct pkt *p)
{
	udp4(p);
	p->len = ETH_HLEN + 12;
}

static bool is_tc(void)
{
	return !text_eq(seams_hook, "xdp");
}

__u32 graph_verdict(__u32 verdict)
{
	return is_tc() ? graph_tc(verdict) : verdict;
}

bool graph_runs(const struct trip *t)
{
	return !is_tc() || t->packet != cut4;
}

char *graph_words(const char *text)
{
	static const char *const words[][2] = {
		{"pass", "next"},
		{"tx", "stolen"},
		{"drop", "shot"},
		{"aborted", "ok"},
		{"graph_stage.bpf.o", "graph_tc.bpf.o"},
		{"graph_new.bpf.o", "graph_tc_new.bpf.o"},
		{"graph_long.bpf.o", "graph_tc_long.bpf.o"},
	};
	struct buf b = {};

	while (*text) {
		size_t n = strcspn(text, " ,:[]{}"), i = 0;

		while (i < COUNT(words) &&
		       (strlen(words[i][0]) != n || memcmp(words[i][0], text, n)))
			i++;
		if (is_tc() && i < COUNT(words))
			buf_str(&b, words[i][1]);
		else
			buf_add(&b, text, n);
		text += n;
		if (*text)
			buf_add(&b, text++, 1);
	}
	if (!b.v)
		buf_str(&b, "");
	return buf_take(&b) ?: (bail_out("no memory"), NULL);
}

void graph_make(struct pkt *p, const struct trip *t)
{
	*p = (struct pkt){};
	t->packet(p);
	memset(p->data, 0, 2 * ETH_ALEN);
	p->data[GRAPH_ASKED] = t->asks;
	p->data[GRAPH_ANSWER] = t->answer;
	if (t->asks && t->answer < STAGE_SAYS_HUGE && graph_verdict(t->answer) == (__u32)-1)
		p->data[GRAPH_ANSWER] = STAGE_SAYS_MINUS;
	else if (t->asks && t->answer < STAGE_SAYS_HUGE)
		p->data[GRAPH_ANSWER] = graph_verdict(t->answer);
}

const char *graph_path(const struct pkt *p)
{
	static char text[16];
	size_t n = p->data[GRAPH_SIGNED] < 8 ? p->data[GRAPH_SIGNED] : 8;

	for (size_t i = 0; i < n; i++)
		text[i] = p->data[i] & GRAPH_NEW ? 'a' + (p->data[i] & 15) - 1 : '0' + p->data[i];
	text[n] = '\0';
	return text;
}

size_t graph_check(const struct seams *s, const struct trip *t, const char *what)
{
	struct pkt p;
	__u32 got;

	if (s->control >= 0)
		seams_bypass(s, t->paused ?: "");
	graph_make(&p, t);
	got = seams_run(s, p.data, p.len);
	if (got == graph_verdict(t->verdict) && text_eq(graph_path(&p), t->path))
		return 0;
	diag("%s: asks %u for %u, past '%s': '%s' and %#x instead of '%s' and %#x", what, t->asks,
	     t->answer, t->paused ?: "", graph_path(&p), got, t->path, graph_verdict(t->verdict));
	return 1;
}

const char *const graph_mixes[GRAPH_MIXES][4] = {
	{"mark", "mark", "mark", "mark"},
	{"mark_regs", "mark_regs", "mark_regs", "mark_regs"},
	{"mark_deep", "mark_regs", "mark", "mark_regs"},
	{"mark_tail", "mark", "mark_var", "mark_regs"},
	{"mark_regs", "mark_tail", "mark", "mark_var"},
};

char *graph_stages(const char *stages, const char *const mix[4])
{
	struct buf b = {};
	size_t n = 0;

	for (const char *c = stages; *c; c++)
		if (*c == '@')
			buf_str(&b, mix[n++ % 4]);
		else
			buf_add(&b, c, 1);
	if (b.v) {
		char *words = graph_words(b.v);

		buf_done(&b);
		return words;
	}
	bail_out("no memory");
}
