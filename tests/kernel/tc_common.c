/* SPDX-License-Identifier: GPL-2.0-only */
#include "tc_common.h"

#include <errno.h>
#include <string.h>

#include "net.h"
#include "tap.h"
#include "wait.h"

#define INSN(op, dst, src, offset, value)                                                          \
	((struct bpf_insn){.code = op, .dst_reg = dst, .src_reg = src, .off = offset, .imm = value})

enum { DEADLINE_MS = 60000 };

const char *tc_error(const struct tc_test *t)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s|%s|%s|%s", t->err.where ?: "", t->err.what ?: "",
		 t->err.why ?: "", t->err.hint ?: "");
	return text;
}

void tc_map_make(struct tc_test *t)
{
	t->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "trail", 4, 8, TC_MAP_SIZE, NULL);
	if (t->map < 0)
		bail_out("making a map: %s", strerror(-t->map));
}

__u64 tc_value(const struct tc_test *t, __u32 word)
{
	__u64 value;

	if (bpf_map_lookup_elem(t->map, &word, &value))
		bail_out("reading a map");
	return value;
}

void tc_value_set(const struct tc_test *t, __u32 word, __u64 value)
{
	if (bpf_map_update_elem(t->map, &word, &value, BPF_ANY))
		bail_out("writing a map");
}

/* @body: what it does with the word, to which r0 points; r1 is free. */
static int load(const struct tc_test *t, const char *name, __u32 word,
		const struct bpf_insn body[4], int verdict)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, word),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, t->map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4, 0),
		body[0],
		body[1],
		body[2],
		body[3],
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	if (fd < 0)
		bail_out("loading %s: %s", name, strerror(-fd));
	return fd;
}

int tc_program_mark(const struct tc_test *t, const char *name, int digit, int verdict)
{
	const struct bpf_insn body[4] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_LSH | BPF_K, 1, 0, 0, 4),
		INSN(BPF_ALU64 | BPF_OR | BPF_K, 1, 0, 0, digit),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0),
	};

	return load(t, name, TC_MAP_TRAIL, body, verdict);
}

int tc_program_count(const struct tc_test *t, const char *name, __u32 word)
{
	const struct bpf_insn body[4] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD),
		INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
	};

	return load(t, name, word, body, TC_ACT_UNSPEC);
}

__u32 tc_link_id(int fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("reading a link's info");
	return info.id;
}

void tc_send(const struct tc_test *t, unsigned int frames)
{
	static const unsigned char frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};

	while (frames--)
		wire_send(t->wire_in, frame, sizeof(frame));
}

void tc_wires(struct tc_test *t, const char *from_ns, const char *from, const char *to_ns,
	      const char *to)
{
	t->wire_in = wire_open(from_ns, from);
	t->wire_out = wire_open(to_ns, to);
	if (!wait_until((tc_send(t, 1), wire_count(t->wire_out, 1, 20)), DEADLINE_MS))
		bail_out("no frame gets from %s to %s", from, to);
}

void tc_trail_is(const struct tc_test *t, __u64 expected, const char *what)
{
	__u64 twice = expected, found;

	for (__u64 digits = expected; digits; digits >>= 4)
		twice <<= 4;
	twice |= expected;
	tc_value_set(t, TC_MAP_TRAIL, 0);
	tc_send(t, 2);
	ok(wire_count(t->wire_out, 2, DEADLINE_MS) == 2, "%s: frames come out", what);
	wait_until(tc_value(t, TC_MAP_TRAIL) == twice, DEADLINE_MS);
	found = tc_value(t, TC_MAP_TRAIL);
	ok(found == twice, "%s: trail is %#llx, of two frames, of %#llx", what,
	   (unsigned long long)found, (unsigned long long)twice);
}

struct netns tc_netns(const char *name)
{
	struct braid_error err = BRAID_ERROR_INIT;
	struct netns ns;

	if (netns_open(name, &ns, &err))
		bail_out("%s", err.what);
	return ns;
}
