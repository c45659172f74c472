/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pairs of types, as a stage has them before and after its author changed something. Both the
 * object, for its BTF, and the test have them from here: values are set and read by the
 * compiler's own idea of where members are.
 */
#pragma once

#include <linux/bpf.h>

#ifdef __bpf__
#define COUNTER __attribute__((btf_decl_tag("braid:counter")))
#define KPTR    __attribute__((btf_type_tag("kptr")))
#else
#define COUNTER
#define KPTR
#endif

enum color { RED, GREEN = 200 };
enum change { DOWN = -3, UP = 3 };

struct wide_old {
	__u32 count;
	__s16 degrees;
	_Bool on;
	__u8 small;
	enum color color;
	enum change change;
};

struct wide_new {
	__u64 count;
	__s64 degrees;
	__u32 on;
	__s16 small;
	__u64 color;
	__s64 change;
};

struct nested_old {
	__u32 a;
	struct {
		__u16 x, y;
	} in;
	struct {
		__u8 direct;
	};
	__u64 b;
};

struct nested_new {
	__u64 b;
	struct place {
		__u8 z;
		__u16 y, x;
	} in;
	__u8 direct;
	__u32 a;
	__u32 ttl;
};

struct array_old {
	__u16 v[3];
	struct {
		__u8 kind;
		__u32 n[2];
	} rules[2];
	char name[5];
};

struct array_new {
	__u32 v[5];
	struct {
		__u64 n[3];
		__u8 kind;
	} rules[3];
	char name[8];
};

struct bits_old {
	__u32 low : 3, middle : 11, high : 18;
	__s32 sign : 4;
	__u8 whole;
};

struct bits_new {
	__u64 high : 40, whole : 9;
	__s64 sign;
	__u8 low : 5;
	__u32 middle;
	__u32 added : 6;
};

struct union_old {
	__u32 tag;
	union {
		__u32 v4;
		__u8 v6[16];
	} address;
	union {
		__u16 port;
		__u16 type;
	};
};

struct union_new {
	__u64 tag;
	union {
		__u16 port;
		__u16 type;
	};
	union {
		unsigned int v4;
		__u8 v6[16];
	} address;
};

struct union_bad {
	__u32 tag;
	union {
		__u32 v4;
		__u8 v6[20];
	} address;
	union {
		__u16 port;
		__u16 type;
	};
};

struct key_old {
	__u32 source;
	__u16 port;
};

struct key_new {
	__u16 proto;
	__u16 port;
	__u32 source;
};

struct locked_old {
	struct bpf_spin_lock lock;
	__u32 n;
};

struct locked_new {
	__u64 n;
	struct bpf_spin_lock lock;
};

struct timed_old {
	struct bpf_timer timer;
	__u32 n;
};

struct timed_new {
	__u32 n;
	struct bpf_timer timer;
};

struct held_old {
	__u64 n;
	struct thing KPTR *thing;
};

struct signs {
	__s32 a;
	__u32 b;
	__be32 address;
	char letter;
	float half;
	void *pointer;
};

struct signs_kept { /* each of them can be */
	__s64 a;
	__s64 b;
	__u32 address;
	__u8 letter;
	void *pointer;
	float half;
};

/* One each of what cannot be. */
struct signs_a {
	__u32 a;
};
struct signs_b {
	__u16 b;
};
struct signs_address {
	__be64 address;
};
struct signs_letter {
	__s16 letter;
};
struct signs_half {
	double half;
};
struct signs_pointer {
	__u64 pointer;
};
struct signs_array {
	__s32 a[1];
};
struct signs_bool {
	_Bool b;
};

struct counts {
	__u64 packets COUNTER;
	struct {
		__u32 hits COUNTER;
		__u32 last;
	} by[2];
};

struct counts_new {
	__u32 flags;
	struct {
		__u64 last;
		__u64 hits COUNTER;
	} by[2];
	__u64 packets COUNTER;
};

struct same_a {
	unsigned int a;
	struct {
		unsigned short b;
	} in;
};

struct same_b {
	__u32 a;
	struct other_name {
		__u16 b;
	} in;
};

struct renamed {
	__u32 a;
	struct {
		__u16 c;
	} in;
};
