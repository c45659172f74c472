/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as values and back: whatever they are, what is said of them becomes them again. Of types
 * of the test's own, and of all those of the kernel that runs.
 */
#include "manifest/unfit.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "lib/random.h"
#include "manifest/fit.h"
#include "tap.h"

enum { SIZE_MAX_OF_KERNEL = 2048, ROUNDS = 400 };

static struct btf *btf;
static int u8, u16, u32, s32, u64, character, boolean, be16, be32, verdict;
static struct rng rng = {20261121};

static void add_scalars(void)
{
	btf = btf__new_empty();
	if (!btf)
		bail_out("no BTF");
	u8 = btf__add_int(btf, "unsigned char", 1, 0);
	u16 = btf__add_int(btf, "unsigned short", 2, 0);
	u32 = btf__add_int(btf, "unsigned int", 4, 0);
	s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	u64 = btf__add_int(btf, "unsigned long", 8, 0);
	character = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	boolean = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	be16 = btf__add_typedef(btf, "__be16", u16);
	be32 = btf__add_typedef(btf, "__be32", u32);
	verdict = btf__add_enum(btf, "verdict", 4);
	btf__add_enum_value(btf, "PASS", 0);
	btf__add_enum_value(btf, "DROP", 1);
}

static int array_of(int type, __u32 n)
{
	return btf__add_array(btf, u32, type, n);
}

/* What is said of @bytes, compact. */
static const char *say(int type, const void *bytes, size_t size)
{
	static char *text;
	json_t *j = unfit_value(btf, type, bytes, size);

	free(text);
	text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(j);
	return text;
}

/* Does what is said of @bytes become @bytes? */
static bool comes_back(const struct btf *of, int type, const unsigned char *bytes, size_t size)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(node_freep) struct node *n = NULL;
	_cleanup_free_ unsigned char *again = malloc(size ?: 1);
	json_t *j = unfit_value(of, type, bytes, size);
	_cleanup_free_ char *text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	bool same;

	json_decref(j);
	if (!text || node_parse(text, strlen(text), "said", &n, &err) ||
	    fit_value(n, "value", of, type, again, size, &err)) {
		diag("%s: %s (%s)", text ?: "nothing", err.what, err.why ?: "");
		return false;
	}
	same = !memcmp(bytes, again, size);
	if (!same)
		diag("%s is other bytes", text);
	return same;
}

/* Random, sparse, all ones, texts: what values are like. */
static void fill(unsigned char *bytes, size_t size, int round)
{
	memset(bytes, round % 5 == 4 ? 0xff : 0, size);
	for (size_t i = 0; i < size && round % 5 != 4; i++) {
		if (round % 5 == 0 || (round % 5 == 1 && rng_chance(&rng, 5)))
			bytes[i] = rng_next(&rng);
		if (round % 5 == 2)
			bytes[i] = rng_chance(&rng, 70) ? 'a' + rng_below(&rng, 26) : 0;
		if (round % 5 == 3)
			bytes[i] = rng_below(&rng, 3);
	}
}

static void rounds(const char *name, int type, size_t size)
{
	_cleanup_free_ unsigned char *bytes = malloc(size);
	int wrong = 0;

	for (int round = 0; round < ROUNDS && !wrong; round++) {
		fill(bytes, size, round);
		wrong += !comes_back(btf, type, bytes, size);
	}
	is_int(wrong, 0, "%s: any bytes come back", name);
}

static void test_scalars(void)
{
	const unsigned char top[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const unsigned char two[1] = {2}, one[4] = {1}, address[4] = {192, 0, 2, 1};

	is_str(say(u64, top, 8), "\"18446744073709551615\"", "more than JSON can say: a text");
	is_str(say(s32, top, 4), "-1", "a signed number");
	is_str(say(boolean, two, 1), "\"hex:02\"", "a bool that is neither");
	is_str(say(verdict, one, 4), "\"DROP\"", "an enumerator");
	is_str(say(verdict, address, 4), "16908480", "a number that has no name");
	is_str(say(be16, (const unsigned char[]){0, 53}, 2), "53", "network byte order");
	is_str(say(be32, address, 4), "\"192.0.2.1\"", "__be32 is an address");
	is_str(say(0, address, 4), "\"hex:c0000201\"", "without a type");
	for (size_t i = 0; i < 9; i++) {
		const int types[] = {u8, u16, u32, s32, u64, boolean, be16, be32, verdict};

		rounds(btf__name_by_offset(btf, btf__type_by_id(btf, types[i])->name_off), types[i],
		       btf__resolve_size(btf, types[i]));
	}
}

static void test_arrays(void)
{
	int mac = array_of(u8, 6), text = array_of(character, 8), words = array_of(u32, 4);
	int ip6 = array_of(u8, 16), raw6 = array_of(be32, 4), two = array_of(text, 2);
	int bytes = array_of(u8, 5), none = array_of(u32, 0);
	unsigned char b[16] = {2, 0, 0, 0, 0, 1};

	is_str(say(mac, b, 6), "\"02:00:00:00:00:01\"", "six bytes: a MAC address");
	is_str(say(bytes, b, 5), "[2,0,0,0,0]", "five: a list");
	is_str(say(text, "eth0\0\0\0", 8), "\"eth0\"", "a text");
	is_str(say(text, "eth0\0x\0", 8), "\"hex:6574683000780000\"", "one with more behind it");
	is_str(say(text, "12345678", 8), "\"hex:3132333435363738\"", "one without its NUL");
	is_str(say(two, "a\0\0\0\0\0\0\0b\0\0\0\0\0\0", 16), "[\"a\",\"b\"]", "two texts");
	memset(b, 0, sizeof(b));
	b[15] = 1;
	is_str(say(ip6, b, 16), "\"::1\"", "16 bytes: an IPv6 address");
	is_str(say(raw6, b, 16), "\"::1\"", "also as words in network byte order");
	is_str(say(words, b, 16), "[0,0,0,16777216]", "but not other words");
	is_str(say(none, b, 0), "[]", "of none");
	rounds("mac", mac, 6);
	rounds("text", text, 8);
	rounds("texts", two, 16);
	rounds("ipv6", ip6, 16);
	rounds("words", words, 16);
	rounds("raw6", raw6, 16);
}

static void test_structs(void)
{
	unsigned char b[16] = {1, 0, 0, 0, 0, 0, 0, 0, 5};
	int rule, bits, anonymous, padded, to_bytes, pointer, lock, nested;

	anonymous = btf__add_union(btf, "", 4);
	btf__add_field(btf, "byte", u8, 0, 0);
	btf__add_field(btf, "word", u32, 0, 0);
	rule = btf__add_struct(btf, "rule", 16);
	btf__add_field(btf, "action", verdict, 0, 0);
	btf__add_field(btf, "", anonymous, 32, 0);
	btf__add_field(btf, "hits", u64, 64, 0);
	is_str(say(rule, b, 16), "{\"action\":\"DROP\",\"word\":0,\"hits\":5}",
	       "members, of a union the largest one");
	rounds("struct with a union", rule, 16);
	bits = btf__add_struct(btf, "bits", 4);
	btf__add_field(btf, "low", u32, 0, 3);
	btf__add_field(btf, "mid", s32, 3, 9);
	btf__add_field(btf, "on", boolean, 12, 1);
	btf__add_field(btf, "verdict", verdict, 13, 2);
	btf__add_field(btf, "wide", boolean, 15, 2);
	is_str(say(bits, (const unsigned char[]){0xfd, 0x3f, 0, 0}, 4),
	       "{\"low\":5,\"mid\":-1,\"on\":true,\"verdict\":\"DROP\",\"wide\":false}",
	       "bit-fields");
	is_str(say(bits, (const unsigned char[]){0, 0, 1, 0}, 4), "\"hex:00000100\"",
	       "a bool of two bits that is neither");
	is_str(say(bits, (const unsigned char[]){0, 0, 0, 0x80}, 4), "\"hex:00000080\"",
	       "bits that are nobody's");
	rounds("bit-fields", bits, 4);
	padded = btf__add_struct(btf, "padded", 8);
	btf__add_field(btf, "a", u8, 0, 0);
	btf__add_field(btf, "b", u32, 32, 0);
	is_str(say(padded, b, 8), "{\"a\":1,\"b\":0}", "padding that is 0");
	is_str(say(padded, "\1\2\0\0\0\0\0", 8), "\"hex:0102000000000000\"", "and that is not");
	rounds("padding", padded, 8);
	to_bytes = btf__add_ptr(btf, u8);
	pointer = btf__add_struct(btf, "pointers", 16);
	btf__add_field(btf, "p", to_bytes, 0, 0);
	btf__add_field(btf, "n", u64, 64, 0);
	is_str(say(pointer, b, 16), "{\"p\":\"hex:0100000000000000\",\"n\":5}", "a pointer");
	lock = btf__add_struct(btf, "bpf_spin_lock", 4);
	btf__add_field(btf, "val", u32, 0, 0);
	nested = btf__add_struct(btf, "nested", 12);
	btf__add_field(btf, "lock", lock, 0, 0);
	btf__add_field(btf, "in", padded, 32, 0);
	is_str(say(nested, "\0\0\0\0\7\0\0\0\1\0\0", 12),
	       "{\"lock\":\"hex:00000000\",\"in\":{\"a\":7,\"b\":1}}",
	       "a lock, and a struct within");
	rounds("nested", nested, 12);
}

static void test_prefix(void)
{
	int address = array_of(u8, 4), lpm = btf__add_struct(btf, "lpm", 8), wide;

	btf__add_field(btf, "prefixlen", u32, 0, 0);
	btf__add_field(btf, "address", address, 32, 0);
	wide = btf__add_struct(btf, "lpm_ports", 8);
	btf__add_field(btf, "prefixlen", u32, 0, 0);
	btf__add_field(btf, "port", u16, 32, 0);
	btf__add_field(btf, "proto", u16, 48, 0);
	is_str(say(lpm, "\10\0\0\0\12\0\0", 8), "\"10.0.0.0/8\"", "a prefix");
	is_str(say(lpm, "\10\0\0\0\12\0\0\1", 8), "{\"prefixlen\":8,\"address\":\"10.0.0.1\"}",
	       "one with more bits");
	is_str(say(lpm, "\41\0\0\0\12\0\0", 8), "{\"prefixlen\":33,\"address\":\"10.0.0.0\"}",
	       "one that is too long");
	is_str(say(wide, "\10\0\0\0\12\0\0", 8), "{\"prefixlen\":8,\"port\":10,\"proto\":0}",
	       "a prefix of something else");
	rounds("prefix", lpm, 8);
	rounds("other prefix", wide, 8);
}

static const char *total(int type, const struct unfit_sum *sum, const void *bytes, size_t size)
{
	static char *text;
	json_t *j = unfit_sum(btf, type, sum, bytes, size);

	free(text);
	text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(j);
	return text;
}

static void test_sums(void)
{
	struct {
		__u32 small, state;
		__s32 signed_one;
		__be32 address;
		__u64 large;
	} cpus[3] = {
		{0xffffffff, 1, -5, 1, 1ull << 63},
		{1, 1, 2, 1, 1ull << 63},
		{0, 1, 2, 2, 7},
	};
	bool only_small[sizeof(cpus[0])] = {true};
	struct unfit_sum all = {3, sizeof(cpus[0])}, some = {3, sizeof(cpus[0]), only_small};
	int stats = btf__add_struct(btf, "stats", sizeof(cpus[0]));

	btf__add_field(btf, "small", u32, 0, 0);
	btf__add_field(btf, "state", verdict, 32, 0);
	btf__add_field(btf, "signed_one", s32, 64, 0);
	btf__add_field(btf, "address", be32, 96, 0);
	btf__add_field(btf, "large", u64, 128, 0);
	is_str(total(stats, &all, cpus, sizeof(cpus[0])),
	       "{\"small\":4294967296,\"state\":\"DROP\",\"signed_one\":-1,\"address\":null,"
	       "\"large\":\"18446744073709551623\"}",
	       "sums beyond the type; what is no number is what all say, or null");
	is_str(total(stats, &some, cpus, sizeof(cpus[0])),
	       "{\"small\":4294967296,\"state\":\"DROP\",\"signed_one\":null,\"address\":null,"
	       "\"large\":null}",
	       "only what counts is added up");
	all.n = 1;
	cpus[0].large = 9;
	ok(strstr(total(stats, &all, cpus, sizeof(cpus[0])), "\"large\":9"), "of one CPU");
}

static void test_kernel(void)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	unsigned char bytes[SIZE_MAX_OF_KERNEL];
	int tried = 0, wrong = 0;

	if (!kernel) {
		skip("the kernel shows no BTF");
		return;
	}
	for (__u32 i = 1; i < btf__type_cnt(kernel) && wrong < 5; i++) {
		const struct btf_type *t = btf__type_by_id(kernel, i);
		__s64 size = btf__resolve_size(kernel, i);

		if (!btf_is_composite(t) || size < 1 || size > SIZE_MAX_OF_KERNEL)
			continue;
		for (int round = 0; round < 4; round++) {
			fill(bytes, size, round);
			if (comes_back(kernel, i, bytes, size))
				continue;
			diag("%s, type %u", btf__name_by_offset(kernel, t->name_off), i);
			wrong++;
		}
		tried++;
	}
	is_int(wrong, 0, "types of the kernel: any bytes come back");
	ok(tried > 1000, "of %d types", tried);
	btf__free(kernel);
}

static void set(int type, unsigned char *bytes, size_t size, const char *path, const char *value,
		int want, const char *says)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(node_freep) struct node *n = NULL;
	struct spot_in at;
	int r = fit_find(btf, type, NULL, path, size, &at, &err);

	if (!r && node_parse(value, strlen(value), "value", &n, &err))
		bail_out("%s", err.what);
	if (!r)
		r = fit_bits(n, path, btf, &at, bytes, size, &err);
	is_int(r, want, "%s=%s", path, value);
	if (says)
		ok(err.what && (strstr(err.what, says) || strstr(err.hint ?: "", says)),
		   "it says %s: %s", says, err.what);
}

static void test_paths(void)
{
	unsigned char b[16] = {};
	int pair = btf__add_struct(btf, "pair", 4), table, bits;

	btf__add_field(btf, "low", u16, 0, 0);
	btf__add_field(btf, "high", u16, 16, 0);
	table = array_of(pair, 3);
	bits = btf__add_struct(btf, "outer", 16);
	btf__add_field(btf, "flag", u32, 0, 1);
	btf__add_field(btf, "count", s32, 1, 7);
	btf__add_field(btf, "table", table, 32, 0);
	memset(b, 0xff, 4);
	set(bits, b, 16, "count", "-3", 0, NULL);
	set(bits, b, 16, "flag", "0", 0, NULL);
	is_int(b[0], 0xfa, "only its bits");
	is_int(b[1], 0xff, "have changed");
	set(bits, b, 16, "table[2].high", "0x1234", 0, NULL);
	is_int(b[14] | b[15] << 8, 0x1234, "a member of an element");
	set(bits, b, 16, "table[1]", "{low: 7}", 0, NULL);
	is_str(say(bits, b + 0, 16),
	       "\"hex:faffffff0000000007000000"
	       "00003412\"",
	       "a struct of them");
	set(bits, b, 16, "tabel[2].low", "1", -EINVAL, "table");
	set(bits, b, 16, "table[3]", "1", -EINVAL, "no element 3");
	set(bits, b, 16, "table[x]", "1", -EINVAL, "no element");
	set(bits, b, 16, "table.low", "1", -EINVAL, "no members");
	set(bits, b, 16, "flag[0]", "1", -EINVAL, "no elements");
	set(bits, b, 16, "flag", "2", -EINVAL, "out of range");
	set(bits, b, 16, "", "2", -EINVAL, "no member");
	set(u32, b, 4, "x", "2", -EINVAL, "no members");
}

static void test_globals(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(node_freep) struct node *n = NULL;
	int limit = btf__add_var(btf, "guard__limit", BTF_VAR_GLOBAL_ALLOCATED, u32);
	int inner = btf__add_var(btf, "guard__main.seen", BTF_VAR_STATIC, u64);
	int section = btf__add_datasec(btf, ".data.guard", 16);
	const char *text = "{limit: 9, main.seen: 5}";
	unsigned char b[16] = {};
	struct spot_in at;
	json_t *j;

	btf__add_datasec_var_info(btf, limit, 0, 4);
	btf__add_datasec_var_info(btf, inner, 8, 8);
	if (node_parse(text, strlen(text), "value", &n, &err))
		bail_out("%s", err.what);
	is_int(fit_globals(n, "value", btf, section, "guard__", b, 16, &err), 0, "variables");
	is_int(b[0], 9, "one");
	is_int(b[8], 5, "one of a function");
	j = unfit_globals(btf, section, "guard__", b, 16);
	is_int(json_integer_value(json_object_get(j, "limit")), 9, "and back");
	is_int(json_integer_value(json_object_get(j, "main.seen")), 5, "both");
	json_decref(j);
	is_int(fit_find(btf, section, "guard__", "main.seen", 16, &at, &err), 0, "by name");
	is_int(at.bit, 64, "where it is");
	is_int(fit_find(btf, section, "guard__", "limt", 16, &at, &err), -EINVAL, "unknown");
	ok(strstr(err.hint ?: "", "limit"), "the nearest: %s", err.hint);
}

/* To compare with a range: what does not fit is the greatest. */
static void test_numbers(void)
{
	int s64 = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	const __s64 all[] = {0, -1, INT64_MIN, INT64_MIN + 1, INT64_MAX};
	const __u64 most = UINT64_MAX;
	__s64 v = 1;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		ok(unfit_number(btf, s64, &all[i], 8, &v), "a number");
		is_int(v, all[i], "%lld", (long long)all[i]);
	}
	ok(unfit_number(btf, u64, &most, 8, &v) && v == INT64_MAX, "one that is too large");
	ok(!unfit_number(btf, array_of(u8, 8), &most, 8, &v), "none");
}

int main(void)
{
	add_scalars();
	test_scalars();
	test_arrays();
	test_structs();
	test_prefix();
	test_sums();
	test_kernel();
	test_paths();
	test_globals();
	test_numbers();
	btf__free(btf);
	return done();
}
