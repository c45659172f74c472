/* SPDX-License-Identifier: GPL-2.0-only */
#include "dispatcher_common.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "common.h"
#include "tap.h"

struct dispatcher_config config_plain(__u32 version, __u32 n)
{
	struct dispatcher_config c = {.version = version, .n = n};

	for (__u32 i = 0; i < n; i++)
		c.slots[i] = (struct dispatcher_slot){50 + i, PASS_MASK, 0};
	return c;
}

struct unit *dispatcher_ours(const struct dispatcher_config *c)
{
	struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ void *elf = NULL;
	struct unit *u = NULL;
	size_t size;
	int r = dispatcher_emit(c, &elf, &size, &err);

	r = r ?: unit_read(elf, size, "emitted", &u, &err);
	if (r)
		bail_out("a dispatcher: %s (%s)", err.what, err.why ?: "");
	return u;
}

static void configure(struct unit *u, const struct dispatcher_config *c)
{
	struct braid_error err = BRAID_ERROR_INIT;
	int section = unit_find_section(u, ".rodata");

	if (section < 0 || u->sections.v[section].bytes.n != dispatcher_config_size(c->version) ||
	    dispatcher_config_write(c, u->sections.v[section].bytes.v, &err))
		bail_out("libxdp's object does not take a configuration of version %u", c->version);
}

struct unit *dispatcher_libxdps(const struct dispatcher_config *c)
{
	struct unit *u = unit_installed("xdp-dispatcher.o");

	if (u)
		configure(u, c);
	return u;
}

static void must_add(struct func *f, struct bpf_insn insn)
{
	if (!array_add(&f->insns, insn))
		bail_out("no memory");
}

#define INSN(...)                                                                                  \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* r1 is the context; the packet is long enough, and the verifier is shown so. */
static void play(struct func *f, int i)
{
	const int jump = BPF_JMP | BPF_JGT | BPF_X, load = BPF_LDX | BPF_MEM | BPF_W;

	f->insns.n = f->refs.n = f->cores.n = 0;
	f->lines.n = f->lines.n > 0; /* libbpf wants one of each function, if others have some */
	must_add(f, INSN(.code = load, .dst_reg = 2, .src_reg = 1));
	must_add(f, INSN(.code = load, .dst_reg = 3, .src_reg = 1, .off = 4));
	must_add(f, INSN(.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 2));
	must_add(f, INSN(.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = PACKET_SIZE));
	must_add(f, INSN(.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0));
	must_add(f, INSN(.code = jump, .dst_reg = 4, .src_reg = 3, .off = 2));
	must_add(f, INSN(.code = BPF_ST | BPF_MEM | BPF_B, .dst_reg = 2, .off = TRAIL_AT + i,
			 .imm = 1));
	must_add(f, INSN(.code = load, .dst_reg = 0, .src_reg = 2, .off = VERDICTS_AT + 4 * i));
	must_add(f, INSN(.code = BPF_JMP | BPF_EXIT));
}

void dispatcher_play(struct unit *u)
{
	for (int i = 0; i < DISPATCHER_SLOTS; i++) {
		_cleanup_free_ char *name = text_fmt("prog%d", i);
		int func = unit_find_func(u, name);

		if (func >= 0)
			play(&u->funcs.v[func], i);
	}
}

struct bpf_object *dispatcher_load(const struct unit *u)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "xdp_disp");
	struct buf bytes = unit_bytes(u);
	struct bpf_object *o = bpf_object__open_mem(bytes.v, bytes.n, &opts);
	struct bpf_program *p;

	buf_done(&bytes);
	if (!o)
		return NULL;
	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, text_eq(bpf_program__name(p), DISPATCHER_NAME));
	if (bpf_object__load(o)) {
		bpf_object__close(o);
		return NULL;
	}
	return o;
}

int dispatcher_fd(const struct bpf_object *o)
{
	return bpf_program__fd(bpf_object__find_program_by_name(o, DISPATCHER_NAME));
}

/* Where the configuration seems to be. */
#define CONFIG_AT 0x10000ull

struct machine {
	const struct bpf_insn *insns;
	__u32 n;
	const __u8 *config;
	size_t size;
	__u64 r[11];
	__u32 at;
};

static bool step_load(struct machine *m, const struct bpf_insn *i)
{
	__u64 from = m->r[i->src_reg] + i->off - CONFIG_AT;
	size_t width = BPF_SIZE(i->code) == BPF_W ? 4 : 1;

	if (from + width > m->size)
		return false;
	m->r[i->dst_reg] = 0;
	memcpy(&m->r[i->dst_reg], m->config + from, width); /* little-endian as all of BPF here */
	return true;
}

static bool step_alu(struct machine *m, const struct bpf_insn *i)
{
	__u64 *dst = &m->r[i->dst_reg],
	      v = BPF_SRC(i->code) == BPF_X ? m->r[i->src_reg] : (__u64)(__s64)i->imm;

	switch (BPF_OP(i->code)) {
	case BPF_MOV:
		*dst = v;
		break;
	case BPF_AND:
		*dst &= v;
		break;
	case BPF_LSH:
		*dst <<= v & 63;
		break;
	case BPF_RSH:
		*dst >>= v & 63;
		break;
	default:
		return false;
	}
	if (BPF_CLASS(i->code) == BPF_ALU)
		*dst = (__u32)*dst;
	return true;
}

static bool step_jump(struct machine *m, const struct bpf_insn *i)
{
	bool narrow = BPF_CLASS(i->code) == BPF_JMP32, taken;
	__u64 a = m->r[i->dst_reg],
	      b = BPF_SRC(i->code) == BPF_X ? m->r[i->src_reg] : (__u64)(__s64)i->imm;

	if (narrow) {
		a = (__u32)a;
		b = (__u32)b;
	}
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		taken = true;
		break;
	case BPF_JEQ:
		taken = a == b;
		break;
	case BPF_JNE:
		taken = a != b;
		break;
	case BPF_JGT:
		taken = a > b;
		break;
	case BPF_JSET:
		taken = a & b;
		break;
	default:
		return false;
	}
	m->at += taken ? i->off : 0;
	return true;
}

static long follow(struct machine *m, __u32 verdict)
{
	for (long count = 1; m->at < m->n; count++) {
		const struct bpf_insn *i = &m->insns[m->at++];
		int class = BPF_CLASS(i->code);
		bool known = true;

		if (insn_is_exit(i))
			return count;
		if (insn_is_pseudo_call(i)) {
			m->r[0] = verdict;
		} else if (insn_is_ld_imm64(i)) {
			m->r[i->dst_reg] = CONFIG_AT + i[1].imm;
			m->at++;
		} else if (class == BPF_LDX) {
			known = step_load(m, i);
		} else if (class == BPF_ALU || class == BPF_ALU64) {
			known = step_alu(m, i);
		} else {
			known = (class == BPF_JMP || class == BPF_JMP32) && step_jump(m, i);
		}
		if (!known) {
			diag("instruction %u has code %#x", m->at - 1, i->code);
			return -1;
		}
	}
	return -1;
}

long dispatcher_count(int fd, const void *config, size_t size, __u32 verdict)
{
	struct bpf_insn insns[1024] = {};
	struct bpf_prog_info info = {.xlated_prog_insns = (__u64)(uintptr_t)insns,
				     .xlated_prog_len = sizeof(insns)};
	struct machine m = {.insns = insns, .config = config, .size = size};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		bail_out("instructions of a program: %s", strerror(errno));
	m.n = info.xlated_prog_len / sizeof(*insns);
	return follow(&m, verdict);
}
