/* SPDX-License-Identifier: GPL-2.0-only */
/* What a stage did to a packet, told from two views of it. */
#include "cli/change.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "lib/packet.h"
#include "lib/random.h"
#include "lib/tap.h"

static struct view view_of(const struct pkt *p, int head)
{
	return (struct view){p->data, p->len, p->len, head};
}

static void hex(const __u8 *bytes, unsigned int n, struct buf *out)
{
	for (unsigned int i = 0; bytes && i < n; i++)
		buf_fmt(out, "%02x", bytes[i]);
}

/* "[22] ip.ttl 40>3f 64>63": one line for each change. */
static char *told(const struct view *old, const struct view *now)
{
	static const char *const kinds[] = {"", "", "+", "-"};
	struct changes c;
	struct buf b = {};

	if (changes_find(old, now, &c))
		bail_out("out of memory");
	if (c.front || c.end)
		buf_fmt(&b, "front %d end %d\n", c.front, c.end);
	array_foreach (change, &c.list) {
		buf_fmt(&b, "%s[%u] %s ", kinds[change->kind], change->at, change->name ?: "-");
		hex(change->old, change->n, &b);
		buf_str(&b, ">");
		hex(change->now, change->n, &b);
		if (change->kind == CHANGE_FIELD)
			buf_fmt(&b, " %s>%s", change->from, change->to);
		else if (change->from || change->to)
			buf_fmt(&b, " %s", change->from ?: change->to);
		buf_str(&b, "\n");
	}
	changes_done(&c);
	return buf_take(&b) ?: strdup("");
}

static void is_told(const struct pkt *old, const struct pkt *now, int head, const char *want,
		    const char *what)
{
	struct view a = view_of(old, 0), b = view_of(now, head);
	_cleanup_free_ char *got = told(&a, &b);

	is_str(got, want, "%s", what);
}

static struct pkt tcp(void)
{
	struct pkt p = {};

	pkt_eth(&p);
	pkt_ip4(&p, "10.0.0.1", "192.0.2.10");
	pkt_tcp(&p, 1000, 80, 2);
	pkt_payload(&p, NULL, 20);
	pkt_finish(&p);
	return p;
}

static void test_fields(void)
{
	struct pkt old = tcp(), now = old;
	__u8 *ip = pkt_at(&now, PKT_IP4), *th = pkt_at(&now, PKT_TCP);

	is_told(&old, &now, 0, "", "nothing");
	ip[8]--;
	is_told(&old, &now, 0, "[22] ip.ttl 40>3f 64>63\n", "one field");
	memcpy(ip + 16, "\xc6\x33\x64\x0b", 4);
	memcpy(th + 2, "\x1f\x90", 2);
	th[13] |= 0x10;
	memset(now.data, 0x22, 6);
	is_told(&old, &now, 0,
		"[0] eth.dst 020000000002>222222222222 02:00:00:00:00:02>22:22:22:22:22:22\n"
		"[22] ip.ttl 40>3f 64>63\n"
		"[30] ip.dst c000020a>c633640b 192.0.2.10>198.51.100.11\n"
		"[36] tcp.dport 0050>1f90 80>8080\n"
		"[47] tcp.flags 02>12 SYN>SYN,ACK\n",
		"several");
	now = old;
	ip[1] = 0xb8 | 1;
	is_told(&old, &now, 0,
		"[15] ip.dscp 00>b9 0>46\n"
		"[15] ip.ecn 00>b9 0>1\n",
		"two fields of one byte");
	now = old;
	now.data[54 + 3] = now.data[54 + 5] = 0xff;
	now.data[54 + 18] = 0xee;
	is_told(&old, &now, 0,
		"[57] - 030405>ff04ff\n"
		"[72] - 12>ee\n",
		"payload: what is near is one run");
}

static void test_tag(void)
{
	struct pkt plain = tcp(), tagged = {};

	pkt_eth(&tagged);
	pkt_vlan(&tagged, ETH_P_8021Q, 10);
	pkt_ip4(&tagged, "10.0.0.1", "192.0.2.10");
	pkt_tcp(&tagged, 1000, 80, 2);
	pkt_payload(&tagged, NULL, 20);
	pkt_finish(&tagged);
	is_told(&plain, &tagged, -4,
		"front 4 end 0\n"
		"[12] eth.type 0800>8100 0x0800>0x8100\n"
		"+[14] vlan >000a0800 pcp 0 dei 0 id 10 type 0x0800\n",
		"a tag is put in");
	is_told(&tagged, &plain, 4,
		"front -4 end 0\n"
		"-[14] vlan 000a0800> pcp 0 dei 0 id 10 type 0x0800\n"
		"[12] eth.type 8100>0800 0x8100>0x0800\n",
		"and taken out");
}

static void test_tunnel(void)
{
	struct pkt plain = tcp(), around = plain;
	struct pkt outer = {};

	pkt_eth(&outer);
	pkt_ip4(&outer, "192.0.2.1", "192.0.2.2");
	pkt_finish(&outer);
	outer.data[14 + 9] = IPPROTO_IPIP;
	memmove(around.data + 34, plain.data + 14, plain.len - 14);
	memcpy(around.data, outer.data, 34);
	around.len = plain.len + 20;
	{
		struct view a = view_of(&plain, 0), b = view_of(&around, -20);
		_cleanup_free_ char *got = told(&a, &b);

		ok(strstr(got, "front 20 end 0\n+[14] ip >45000014"), "a header in front: %s", got);
		ok(strstr(got, "dst 192.0.2.2\n") && !strchr(strstr(got, "dst"), '['),
		   "and nothing else");
	}
	{
		struct view a = view_of(&around, -20), b = view_of(&plain, 0);
		_cleanup_free_ char *got = told(&a, &b);

		ok(strstr(got, "front -20 end 0\n-[14] ip 45000014"), "and out of it: %s", got);
		ok(!strstr(got, "tcp"), "what was in it is as it was");
	}
}

/* No headers that anybody knows, in front and at the end. */
static void test_bytes(void)
{
	struct pkt old = {}, now;

	pkt_eth(&old);
	pkt_ethertype(&old, 0x88b5);
	pkt_payload(&old, "0123456789abcdefghij", 20);
	now = old;
	memcpy(now.data + 14, old.data + 22, 12);
	now.len -= 8;
	is_told(&old, &now, 8,
		"front -8 end 0\n"
		"-[14] - 3031323334353637>\n",
		"bytes behind the first header are gone");
	is_told(&now, &old, -8,
		"front 8 end 0\n"
		"+[14] - >3031323334353637\n",
		"or come");
	now = old;
	now.len -= 5;
	is_told(&old, &now, 0, "front 0 end -5\n", "cut at the end");
	is_told(&now, &old, 0,
		"front 0 end 5\n"
		"+[29] - >666768696a\n",
		"and longer there");
}

/* Bytes that were not captured are neither new nor gone. */
static void test_snap(void)
{
	struct pkt old = tcp(), now = old;
	struct view a = {old.data, 30, old.len, 0}, b = {now.data, 30, now.len, 0};
	_cleanup_free_ char *got = NULL, *longer = NULL;

	now.data[22]--;
	now.data[60]++;
	got = told(&a, &b);
	is_str(got, "[22] - 40>3f\n", "half a header is bytes; what is behind is not seen");
	b.captured = 50;
	longer = told(&a, &b);
	is_str(longer, "[22] ip 40>3f\n", "a longer view of the same: nothing was pushed");
}

/* All bytes that differ are told, if the packet stayed where it is; ASan looks at the rest. */
static void test_any(void)
{
	struct rng r = {11};
	size_t untold = 0, all = 0;

	for (int i = 0; i < 5000; i++) {
		struct pkt a, b;
		struct view old, now;
		struct changes c;

		pkt_random(&r, &a);
		if (rng_chance(&r, 50)) {
			pkt_random_broken(&r, &b);
		} else {
			b = a;
			for (unsigned int k = rng_below(&r, 9); k; k--)
				b.data[rng_below(&r, b.len)] ^= 1 << rng_below(&r, 8);
		}
		old = view_of(&a, 0);
		now = view_of(&b, rng_chance(&r, 50) ? 0 : (int)rng_below(&r, 64) - 32);
		if (changes_find(&old, &now, &c))
			bail_out("out of memory");
		for (unsigned int k = 0; !now.head && k < a.len && k < b.len; k++) {
			bool is_told = a.data[k] == b.data[k];

			all += !is_told;
			array_foreach (change, &c.list)
				is_told |= k >= change->at && k < change->at + change->n;
			untold += !is_told;
		}
		changes_done(&c);
	}
	is_int(untold, 0, "every byte of %zu that differ is told", all);
}

int main(void)
{
	test_fields();
	test_tag();
	test_tunnel();
	test_bytes();
	test_snap();
	test_any();
	return done();
}
