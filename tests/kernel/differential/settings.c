/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Constants and map entries that make a stage decide now this way, now that. Addresses and
 * ports are from the pools of pkt_random().
 *
 * No decision depends on the time or on lots: ratelimit gets a token each second (and a run
 * takes less, see trail.c) or none is ever missing; sampler counts, or takes all.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "chain.h"
#include "tap.h"

#define PICK(r, array) ((array)[rng_below(r, sizeof(array) / sizeof((array)[0]))])

static const char *const net4[] = {"10.0.0", "192.0.2", "198.51.100", "203.0.113", "127.0.0"};
static const char *const net6[] = {"2001:db8:", "2001:db8:1:", "fd00:", "fe80:", ":"};

static struct setting *add(struct link *l, int what, const char *name)
{
	struct setting *s = &l->settings[l->n_settings++];

	if (l->n_settings > SETTINGS)
		bail_out("more than %d settings", SETTINGS);
	*s = (struct setting){.what = what, .name = name};
	return s;
}

/* @value as the machine stores it: little and big endian alike for the sizes that are used. */
static void number(struct link *l, const char *name, __u64 value, __u32 size)
{
	struct setting *s = add(l, CONSTANT, name);
	__u8 byte = value;
	__u16 half = value;
	__u32 word = value;
	const void *from = size == 1   ? (void *)&byte
			   : size == 2 ? (void *)&half
			   : size == 4 ? (void *)&word
				       : (void *)&value;

	snprintf(s->value, sizeof(s->value), "%llu", value);
	memcpy(s->value_bytes, from, size);
	s->value_size = size;
}

static void boolean(struct rng *r, struct link *l, const char *name)
{
	bool value = rng_chance(r, 50);

	number(l, name, value, 1);
	strcpy(l->settings[l->n_settings - 1].value, value ? "true" : "false");
}

static void size(struct link *l, const char *map, __u32 n)
{
	add(l, MAX_ENTRIES, map)->value_size = n;
}

static void address(const char *text, int family, void *ret)
{
	if (inet_pton(family, text, ret) != 1)
		bail_out("no address: %s", text);
}

/* An entry with @key_size bytes of @key and so on; the words are printed by the caller. */
static struct setting *entry(struct link *l, const char *map, const void *key, __u32 key_size,
			     const void *value, __u32 value_size)
{
	struct setting *s = add(l, ENTRY, map);

	memcpy(s->key_bytes, key, key_size);
	memcpy(s->value_bytes, value, value_size);
	s->key_size = key_size;
	s->value_size = value_size;
	return s;
}

static void guard(struct rng *r, struct link *l)
{
	boolean(r, l, "check_checksum");
	boolean(r, l, "drop_private");
	boolean(r, l, "allow_unspecified");
}

/* Clears what is behind the first @bits of @n bytes. */
static void clear_behind(__u8 *bytes, __u32 n, __u32 bits)
{
	for (__u32 i = 0; i < n; i++)
		if (i * 8 >= bits)
			bytes[i] = 0;
		else if (bits - i * 8 < 8)
			bytes[i] &= 0xff00 >> (bits - i * 8);
}

static void acl_rule(struct rng *r, struct link *l, int family)
{
	static const __u8 bits4[] = {0, 8, 24, 29, 30, 31, 32};
	static const __u8 bits6[] = {0, 16, 32, 64, 125, 127, 128};
	bool four = family == AF_INET;
	struct {
		__u32 bits;
		__u8 address[16];
	} key = {.bits = four ? PICK(r, bits4) : PICK(r, bits6)};
	__u32 value[2] = {rng_below(r, 3), rng_below(r, 10)}, n = four ? 4 : 16;
	char text[48];
	struct setting *s;

	if (four)
		snprintf(text, sizeof(text), "%s.%u", PICK(r, net4), rng_below(r, 8));
	else
		snprintf(text, sizeof(text), "%s:%x", PICK(r, net6), rng_below(r, 8));
	address(text, family, key.address);
	clear_behind(key.address, n, key.bits);
	inet_ntop(family, key.address, text, sizeof(text));
	s = entry(l, four ? "rules4" : "rules6", &key, 4 + n, value, sizeof(value));
	snprintf(s->key, sizeof(s->key), "\"%s/%u\"", text, key.bits);
	snprintf(s->value, sizeof(s->value), "{action: %u, hits: %u}", value[0], value[1]);
}

static void acl(struct rng *r, struct link *l)
{
	boolean(r, l, "default_deny");
	if (rng_chance(r, 70)) /* fewer than the hits that rules name */
		size(l, "hits", 8);
	if (rng_chance(r, 50))
		size(l, "rules4", 16);
	for (__u32 n = rng_below(r, 10); n > 0; n--)
		acl_rule(r, l, AF_INET);
	for (__u32 n = rng_below(r, 8); n > 0; n--)
		acl_rule(r, l, AF_INET6);
	for (__u32 i = 0; i < 2 && rng_chance(r, 30); i++) { /* each CPU starts with it */
		__u64 start = rng_below(r, 1000);
		struct setting *s = entry(l, "counters", &i, sizeof(i), &start, sizeof(start));

		snprintf(s->value, sizeof(s->value), "%llu", start);
	}
}

static void ratelimit(struct rng *r, struct link *l, size_t packets)
{
	static const __u32 rates[] = {1, 1, 1, 0, 4294967295}; /* the last one: a token each 0 ns */
	static const __u32 bursts[] = {0, 1, 2, 3, 8, 1000};
	static const __u8 bits4[] = {0, 8, 24, 29, 31, 32}, bits6[] = {0, 16, 48, 64, 125, 128};
	__u64 never = 1ull << 62; /* full at the end of all days: until then it is empty */

	number(l, "rate", PICK(r, rates), 4);
	number(l, "burst", PICK(r, bursts), 4);
	number(l, "bits4", PICK(r, bits4), 1);
	number(l, "bits6", PICK(r, bits6), 1);
	size(l, "buckets", packets * USUAL); /* nothing is evicted */
	for (__u32 n = rng_below(r, 6); n > 0; n--) {
		char text[48];
		__u8 key[16];
		struct setting *s;

		if (rng_chance(r, 60))
			snprintf(text, sizeof(text), "::ffff:%s.%u", PICK(r, net4),
				 rng_below(r, 8));
		else
			snprintf(text, sizeof(text), "%s:%x", PICK(r, net6), rng_below(r, 8));
		address(text, AF_INET6, key);
		s = entry(l, "buckets", key, sizeof(key), &never, sizeof(never));
		snprintf(s->key, sizeof(s->key), "\"%s\"", text);
		snprintf(s->value, sizeof(s->value), "{full_at: %llu}", never);
	}
}

static void flowstat(struct rng *r, struct link *l, size_t packets)
{
	boolean(r, l, "by_vlan");
	size(l, "flows", packets * USUAL); /* nothing is evicted */
}

static void sampler(struct rng *r, struct link *l)
{
	static const __u32 every[] = {0, 1, 1, 2, 3, 7, 1000};
	__u32 n = PICK(r, every);

	number(l, "every", n, 4);
	if (n > 1)
		number(l, "periodic", 1, 1);
	else
		boolean(r, l, "periodic");
	if (rng_chance(r, 50)) /* some 24 samples: the rest is lost */
		size(l, "samples", 4096);
}

static void lb_vip(struct rng *r, struct link *l, bool any_port)
{
	static const __u16 ports[] = {22, 53, 80, 443, 1024, 8080, 65535};
	struct {
		__u8 address[16];
		__u16 port;
		__u8 protocol, pad;
	} key = {
		.port = any_port ? 0 : PICK(r, ports),
		.protocol = rng_chance(r, 50) ? 6 : 17,
	};
	__u32 table = rng_below(r, 3); /* of two */
	char text[48];
	struct setting *s;

	if (rng_chance(r, 50))
		snprintf(text, sizeof(text), "::ffff:%s.%u", PICK(r, net4), rng_below(r, 8));
	else
		snprintf(text, sizeof(text), "%s:%x", PICK(r, net6), rng_below(r, 8));
	address(text, AF_INET6, key.address);
	s = entry(l, "vips", &key, sizeof(key), &table, sizeof(table));
	snprintf(s->key, sizeof(s->key), "{address: \"%s\", port: %u, protocol: %u}", text,
		 key.port, key.protocol);
	snprintf(s->value, sizeof(s->value), "%u", table);
}

static void lb_backend(struct rng *r, struct link *l, __u32 index)
{
	struct {
		__u8 address[16], mac[6], pad[2];
	} value = {.mac = {2, 0, 0, 0, 1, index}};
	char text[48];
	struct setting *s;

	snprintf(text, sizeof(text), rng_chance(r, 50) ? "::ffff:198.51.100.%u" : "2001:db8:9::%u",
		 index + 1);
	if (rng_chance(r, 15)) /* not usable */
		strcpy(text, "::");
	address(text, AF_INET6, value.address);
	s = entry(l, "backends", &index, sizeof(index), &value, sizeof(value));
	snprintf(s->value, sizeof(s->value), "{address: \"%s\", mac: \"02:00:00:00:01:%02x\"}",
		 text, index);
}

static void lb(struct rng *r, struct link *l)
{
	static const __u32 sizes[] = {3, 7, 13};
	__u32 table_size = PICK(r, sizes);
	struct setting *s;

	number(l, "table_size", table_size, 4);
	number(l, "ttl", 1 + rng_below(r, 255), 1);
	number(l, "seed", rng_next(r), 8);
	if (rng_chance(r, 85)) {
		s = add(l, CONSTANT, "source4");
		s->value_size = 4;
		strcpy(s->value, rng_chance(r, 50) ? "192.0.2.1" : "0xc0000201");
		address("192.0.2.1", AF_INET, s->value_bytes);
	}
	if (rng_chance(r, 85)) {
		s = add(l, CONSTANT, "source6");
		s->value_size = 16;
		strcpy(s->value, "\"2001:db8::1\"");
		address("2001:db8::1", AF_INET6, s->value_bytes);
	}
	size(l, "tables", 2 * table_size);
	size(l, "backends", 8);
	if (rng_chance(r, 80))
		size(l, "sent", 8);
	for (__u32 n = 1 + rng_below(r, 10); n > 0; n--)
		lb_vip(r, l, rng_chance(r, 60));
	for (__u32 i = 0; i < 6; i++)
		lb_backend(r, l, i);
	for (__u32 i = 0; i < 2 * table_size; i++) {
		__u32 backend = rng_below(r, 10); /* beyond the six: none of the last four works */

		s = entry(l, "tables", &i, sizeof(i), &backend, sizeof(backend));
		snprintf(s->value, sizeof(s->value), "%u", backend);
	}
}

void settings_random(struct rng *r, size_t packets, struct link *l)
{
	switch (l->kind) {
	case GUARD:
		return guard(r, l);
	case ACL:
		return acl(r, l);
	case RATELIMIT:
		return ratelimit(r, l, packets);
	case FLOWSTAT:
		return flowstat(r, l, packets);
	case SAMPLER:
		return sampler(r, l);
	case LB:
		return lb(r, l);
	case DICE:
	case DICE_TC:
		return number(l, "salt", rng_below(r, 1u << 31), 4);
	case HELLO:
		return size(l, "packets", packets * USUAL); /* as flowstat */
	case TALLY:
		number(l, "every", 2 + rng_below(r, 5), 4);
		return size(l, "seen", packets * USUAL);
	case RELIC:
		return number(l, "turn", rng_below(r, 8), 4);
	case KINDS:
		break;
	}
}
