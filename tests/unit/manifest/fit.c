/* SPDX-License-Identifier: GPL-2.0-only */
/* Values against BTF types: the bytes they become, and what does not fit. */
#include "manifest/fit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "tap.h"

/* The types of the tests, by their place in this list. */
enum {
	U8,
	S8,
	CHAR,
	U16,
	U32,
	S32,
	U64,
	U128,
	S128,
	BOOL,
	BE16,
	BE32,
	BE64,
	CONST_BE32,
	VERDICT,
	SIGNED_ENUM,
	OLD_ENUM,
	WIDE_ENUM,
	NAME,   /* char[8] */
	ADDR4,  /* __u8[4] */
	MAC,    /* __u8[6] */
	ADDR16, /* __u8[16] */
	WORDS,  /* __u32[4] */
	TABLE,  /* __u16[3] */
	IN6,    /* struct { union { __u8 a[16]; __u32 w[4]; }; } */
	LPM4,   /* struct { __u32 prefixlen; __u8 a[4]; } */
	LPM6,
	RULE,
	BITS,
	POINTER,
	FLOAT,
	LOOP, /* typedef of itself: broken */
	N_TYPES,
};

static struct btf *btf;
static int id[N_TYPES];

static void add_scalars(void)
{
	id[U8] = btf__add_int(btf, "unsigned char", 1, 0);
	id[S8] = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	id[CHAR] = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	id[U16] = btf__add_int(btf, "unsigned short", 2, 0);
	id[U32] = btf__add_typedef(btf, "__u32", btf__add_int(btf, "unsigned int", 4, 0));
	id[S32] = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	id[U64] = btf__add_int(btf, "unsigned long", 8, 0);
	id[U128] = btf__add_int(btf, "unsigned __int128", 16, 0);
	id[S128] = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);
	id[BOOL] = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	id[BE16] = btf__add_typedef(btf, "__be16", id[U16]);
	id[BE32] = btf__add_typedef(btf, "__be32", id[U32]);
	id[BE64] = btf__add_typedef(btf, "__be64", id[U64]);
	id[CONST_BE32] = btf__add_var(
		btf, "v", BTF_VAR_STATIC,
		btf__add_const(btf,
			       btf__add_volatile(btf, btf__add_typedef(btf, "addr_t", id[BE32]))));
	id[POINTER] = btf__add_ptr(btf, id[U8]);
	id[FLOAT] = btf__add_float(btf, "double", 8);
	id[LOOP] = btf__add_typedef(btf, "loop", btf__type_cnt(btf));
}

static void add_enums(void)
{
	id[VERDICT] = btf__add_enum(btf, "verdict", 4);
	btf__add_enum_value(btf, "PASS", 0);
	btf__add_enum_value(btf, "DROP", 1);
	id[OLD_ENUM] = btf__add_enum(btf, "old", 1);
	btf__add_enum_value(btf, "MINUS", -2);
	/* Compilers of that time did not set the flag that says "signed". */
	((struct btf_type *)btf__type_by_id(btf, id[OLD_ENUM]))->info &= ~(1u << 31);
	id[SIGNED_ENUM] = btf__add_enum64(btf, "wide_signed", 8, true);
	btf__add_enum64_value(btf, "LOW", -5000000000LL);
	id[WIDE_ENUM] = btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "HIGH", 0xffffffff00000001ULL);
}

static int add_array(int type, __u32 n)
{
	return btf__add_array(btf, id[U32], type, n);
}

static void add_structs(void)
{
	int inner, bytes, words;

	id[NAME] = add_array(id[CHAR], 8);
	id[ADDR4] = add_array(id[U8], 4);
	id[MAC] = add_array(id[U8], 6);
	id[ADDR16] = bytes = add_array(id[U8], 16);
	id[WORDS] = words = add_array(id[U32], 4);
	id[TABLE] = add_array(id[U16], 3);

	inner = btf__add_union(btf, "", 16);
	btf__add_field(btf, "a", bytes, 0, 0);
	btf__add_field(btf, "w", words, 0, 0);
	id[IN6] = btf__add_struct(btf, "in6_addr", 16);
	btf__add_field(btf, "", inner, 0, 0);

	id[LPM4] = btf__add_struct(btf, "lpm4", 8);
	btf__add_field(btf, "prefixlen", id[U32], 0, 0);
	btf__add_field(btf, "addr", id[ADDR4], 32, 0);
	id[LPM6] = btf__add_struct(btf, "lpm6", 20);
	btf__add_field(btf, "prefixlen", id[U32], 0, 0);
	btf__add_field(btf, "addr", id[IN6], 32, 0);

	inner = btf__add_union(btf, "", 4);
	btf__add_field(btf, "saddr", id[BE32], 0, 0);
	btf__add_field(btf, "mark", id[U32], 0, 0);
	id[RULE] = btf__add_struct(btf, "rule", 16);
	btf__add_field(btf, "action", id[VERDICT], 0, 0);
	btf__add_field(btf, "ports", id[TABLE], 32, 0);
	btf__add_field(btf, "proto", id[U8], 80, 0);
	btf__add_field(btf, "", inner, 96, 0);

	id[BITS] = btf__add_struct(btf, "bits", 4);
	btf__add_field(btf, "low", id[U32], 0, 3);
	btf__add_field(btf, "mid", id[S32], 3, 9);
	btf__add_field(btf, "on", id[BOOL], 12, 1);
	btf__add_field(btf, "verdict", id[VERDICT], 13, 2);
	btf__add_field(btf, "high", id[U32], 15, 17);
}

static int fit(int type, const char *yaml, unsigned char *out, size_t size, struct braid_error *err)
{
	_cleanup_(node_freep) struct node *n = NULL;
	int r = node_parse(yaml, strlen(yaml), "y", &n, err);

	if (r)
		bail_out("%s: %s: %s", yaml, err->where, err->what);
	memset(out, 0xaa, size);
	return fit_value(n, "value", btf, type < 0 ? 0 : id[type], out, size, err);
}

struct fits {
	int type;
	const char *yaml;
	size_t size;
	const char *bytes; /* of a little-endian host */
};

static const struct fits fits[] = {
	{U8, "0", 1, "\x00"},
	{U8, "255", 1, "\xff"},
	{U8, "\"0x7f\"", 1, "\x7f"},
	{S8, "-128", 1, "\x80"},
	{S8, "127", 1, "\x7f"},
	{CHAR, "65", 1, "A"},
	{U16, "0x0102", 2, "\x02\x01"},
	{U32, "4294967295", 4, "\xff\xff\xff\xff"},
	{S32, "-2", 4, "\xfe\xff\xff\xff"},
	{U64, "18446744073709551615", 8, "\xff\xff\xff\xff\xff\xff\xff\xff"},
	{U128, "0x0102030405060708090a0b0c0d0e0f10", 16,
	 "\x10\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x07\x06\x05\x04\x03\x02\x01"},
	{S128, "-1", 16, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
	{BOOL, "true", 1, "\x01"},
	{BOOL, "false", 1, "\x00"},
	{BOOL, "1", 1, "\x01"},
	{BE16, "0x0102", 2, "\x01\x02"},
	{BE32, "0x01020304", 4, "\x01\x02\x03\x04"},
	{BE32, "192.0.2.1", 4, "\xc0\x00\x02\x01"},
	{CONST_BE32, "192.0.2.1", 4, "\xc0\x00\x02\x01"},
	{BE64, "1", 8, "\x00\x00\x00\x00\x00\x00\x00\x01"},
	{VERDICT, "DROP", 4, "\x01\x00\x00\x00"},
	{VERDICT, "7", 4, "\x07\x00\x00\x00"},
	{OLD_ENUM, "MINUS", 1, "\xfe"},
	{OLD_ENUM, "-1", 1, "\xff"},
	{OLD_ENUM, "255", 1, "\xff"},
	{SIGNED_ENUM, "LOW", 8, "\x00\x0e\xfa\xd5\xfe\xff\xff\xff"},
	{WIDE_ENUM, "HIGH", 8, "\x01\x00\x00\x00\xff\xff\xff\xff"},
	{NAME, "eth0", 8, "eth0\0\0\0"},
	{NAME, "\"1234567\"", 8, "1234567"},
	{NAME, "12", 8, "12\0\0\0\0\0"},
	{NAME, "\"\"", 8, "\0\0\0\0\0\0\0"},
	{NAME, "[65, 66]", 8, "AB\0\0\0\0\0"},
	{NAME, "hex:4142434445464748", 8, "ABCDEFGH"},
	{ADDR4, "192.0.2.1", 4, "\xc0\x00\x02\x01"},
	{ADDR4, "[1, 2]", 4, "\x01\x02\x00\x00"},
	{MAC, "02:00:00:00:00:fF", 6, "\x02\x00\x00\x00\x00\xff"},
	{ADDR16, "2001:db8::1", 16, " \x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"},
	{WORDS, "2001:db8::1", 16, " \x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"},
	{WORDS, "[1]", 16, "\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
	{TABLE, "[]", 6, "\0\0\0\0\0"},
	{TABLE, "[1, 0x100, 3]", 6, "\x01\0\0\x01\x03\0"},
	{IN6, "2001:db8::1", 16, " \x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"},
	{IN6, "{a: [1]}", 16, "\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
	{LPM4, "10.0.0.0/8", 8, "\x08\0\0\0\x0a\0\0\0"},
	{LPM4, "0.0.0.0/0", 8, "\0\0\0\0\0\0\0\0"},
	{LPM4, "10.1.2.3/32", 8, "\x20\0\0\0\x0a\x01\x02\x03"},
	{LPM4, "{prefixlen: 8, addr: 10.0.0.0}", 8, "\x08\0\0\0\x0a\0\0\0"},
	{LPM6, "2001:db8::/32", 20, " \0\0\0 \x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0"},
	{LPM6, "\"::/0\"", 20, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
	{RULE, "{action: DROP, ports: [80, 443], proto: 6, saddr: 192.0.2.1}", 16,
	 "\x01\0\0\0\x50\0\xbb\x01\0\0\x06\0\xc0\0\x02\x01"},
	{RULE, "{mark: 1}", 16, "\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0"},
	{RULE, "{}", 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
	{RULE, "hex:000102030405060708090A0b0c0d0e0f", 16,
	 "\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"},
	/* low 5, mid -2 = 0x1fe, on 1, verdict 1, high 0x1ffff */
	{BITS, "{low: 5, mid: -2, on: true, verdict: DROP, high: 0x1ffff}", 4, "\xf5\xbf\xff\xff"},
	{BITS, "{mid: 1}", 4, "\x08\0\0"},
	{-1, "0x0102", 2, "\x02\x01"},
	{-1, "-1", 8, "\xff\xff\xff\xff\xff\xff\xff\xff"},
	{-1, "hex:010203", 3, "\x01\x02\x03"},
	{POINTER, "hex:0000000000000000", 8, "\0\0\0\0\0\0\0"},
};

static void check_fits(void)
{
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		unsigned char out[32];

		if (!is_int(fit(fits[i].type, fits[i].yaml, out, fits[i].size, &err), 0,
			    "type %d takes %s", fits[i].type, fits[i].yaml))
			diag("%s: %s (%s)", err.where, err.what, err.why);
		else
			is_mem(out, fits[i].bytes, fits[i].size, "as these bytes");
	}
}

static const struct {
	int type;
	const char *yaml;
	size_t size;
	const char *column, *what, *why, *hint;
} bad[] = {
	{U8, "256", 1, "1", "value: 256 is out of range", "unsigned char takes 0 to 255"},
	{U8, "-1", 1, "1", "value: -1 is out of range"},
	{S8, "128", 1, "1", "value: 128 is out of range", "takes -128 to 127"},
	{S32, "0xffffffff", 4, "1", "value: 0xffffffff is out of range",
	 "int takes -2147483648 to 2147483647"},
	{U128, "0x100000000000000000000000000000000", 16, "1", "out of range",
	 "takes 0 to 340282366920938463463374607431768211455"},
	{U32, "1.5", 4, "1", "value: '1.5' is not a whole number", "floating point"},
	{U32, "010", 4, "1", "value: '010' starts with a zero", "octal"},
	{U32, "ten", 4, "1", "value: expected a whole number, found 'ten'", "the type is __u32"},
	{U32, "true", 4, "1", "expected a whole number", NULL, "write 1"},
	{U32, "192.0.2.1", 4, "1", "value: an address for __u32, whose byte order is not known",
	 NULL, "__be32"},
	{U32, "~", 4, "1", "expected a whole number, found nothing"},
	{U32, "[1]", 4, "1", "expected a whole number, found a list"},
	{BE32, "192.0.2", 4, "1", "expected a whole number, found '192.0.2'"},
	{BOOL, "2", 1, "1", "value: 2 is out of range", "takes 0 to 1"},
	{BOOL, "yes", 1, "1", "value: expected true or false, found 'yes'"},
	{BOOL, "[]", 1, "1", "value: expected true or false, found a list"},
	{VERDICT, "DORP", 4, "1", "value: verdict has no enumerator 'DORP'", "one of PASS, DROP",
	 "'DROP'"},
	{VERDICT, "-1", 4, "1", "value: -1 is out of range"},
	{VERDICT, "{}", 4, "1", "value: expected an enumerator or a number, found a map"},
	{NAME, "12345678", 8, "1", "value: '12345678' is too long",
	 "needs 9 bytes with its NUL; the type has 8"},
	{NAME, "{}", 8, "1", "value: expected a list, found a map"},
	{TABLE, "[1, 2, 3, 4]", 6, "1", "value: 4 values are too many", "the array has 3"},
	{TABLE, "[1, [2]]", 6, "5", "value[1]: expected a whole number, found a list"},
	{TABLE, "1", 6, "1", "value: expected a list, found '1'"},
	{ADDR4, "10.0.0", 4, "1", "expected an IPv4 address or a list"},
	{MAC, "02:00:00:00:00", 6, "1", "expected a MAC address or a list"},
	{ADDR16, "10.0.0.1", 16, "1", "expected an IPv6 address or a list"},
	{IN6, "10.0.0.1", 16, "1", "expected a map of members or an IPv6 address"},
	{IN6, "{a: [1], w: [1]}", 16, "13", "value.w: 'a' is given too", "of a union"},
	{LPM4, "10.0.0.1/8", 8, "1", "value: '10.0.0.1/8' has bits behind its prefix", NULL, "/32"},
	{LPM4, "10.0.0.0/33", 8, "1", "value: '10.0.0.0/33' is no prefix", "IPv4 takes /0 to /32"},
	{LPM4, "10.0.0.0/08", 8, "1", "is no prefix"},
	{LPM4, "10.0.0.0/", 8, "1", "is no prefix"},
	{LPM4, "2001:db8::/32", 8, "1", "other address family", "lpm4 takes IPv4"},
	{LPM6, "10.0.0.0/8", 20, "1", "other address family", "lpm6 takes IPv6"},
	{LPM6, "2001:db8::1/32", 20, "1", "has bits behind its prefix", NULL, "/128"},
	{LPM4, "10.0.0.0", 8, "1", "expected an IPv4 prefix, as 10.0.0.0/8, or a map"},
	{RULE, "{acton: 1}", 16, "2", "value: rule has no member 'acton'",
	 "its members are action, ports, proto, saddr, mark", "'action'"},
	{RULE, "{saddr: 1, mark: 2}", 16, "18", "value.mark: 'saddr' is given too"},
	{RULE, "{ports: [1, 70000]}", 16, "13", "value.ports[1]: 70000 is out of range",
	 "unsigned short takes 0 to 65535"},
	{RULE, "5", 16, "1", "value: expected a map of members or an IPv6 address"},
	{RULE, "hex:00", 16, "1", "value: 1 bytes in hex", "the type has exactly 16"},
	{RULE, "hex:0", 16, "1", "value: 'hex:0' is not hex", NULL, "two hex digits"},
	{RULE, "hex:zz", 16, "1", "value: 'hex:zz' is not hex"},
	{BITS, "{low: 8}", 4, "7", "value.low: 8 is out of range", "__u32 takes 0 to 7"},
	{BITS, "{mid: 256}", 4, "7", "value.mid: 256 is out of range", "takes -256 to 255"},
	{BITS, "{verdict: [DROP]}", 4, "11", "value.verdict: expected an enumerator"},
	{POINTER, "1", 8, "1", "value: no value can be given to a pointer"},
	{FLOAT, "1", 8, "1", "value: no value can be given to double"},
	{LOOP, "1", 4, "1", "value: no value can be given to its type"},
	{U32, "1", 8, "1", "value: __u32 has 4 bytes where 8 are wanted"},
	{-1, "1", 3, "1", "value: expected hex: and its bytes", "the object has no BTF"},
	{-1, "256", 1, "1", "value: 256 is out of range", "takes -128 to 255"},
	{-1, "x", 1, "1", "value: expected a whole number, or hex:"},
};

static void check_part(const char *got, const char *fragment, const char *yaml)
{
	if (fragment && !ok(got && strstr(got, fragment), "%s: %s", yaml, fragment))
		diag("it is: %s", got ? got : "(null)");
}

static void check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_free_ char *where = text_fmt("y:1:%s", bad[i].column);
		unsigned char out[32];

		is_int(fit(bad[i].type, bad[i].yaml, out, bad[i].size, &err), -EINVAL,
		       "type %d refuses %s", bad[i].type, bad[i].yaml);
		is_str(err.where, where, "at its place");
		check_part(err.what, bad[i].what, bad[i].yaml);
		check_part(err.why, bad[i].why, bad[i].yaml);
		check_part(err.hint, bad[i].hint, bad[i].yaml);
	}
}

int main(void)
{
	if (htonl(1) == 1)
		skip_all("the bytes in this test are those of little-endian hosts");
	btf = btf__new_empty();
	if (!btf)
		bail_out("no BTF");
	add_scalars();
	add_enums();
	add_structs();
	for (int i = 0; i < N_TYPES; i++) {
		if (id[i] <= 0)
			bail_out("type %d is not in the BTF: %d", i, id[i]);
	}
	check_fits();
	check_bad();
	btf__free(btf);
	return done();
}
