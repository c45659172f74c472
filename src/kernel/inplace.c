/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/inplace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum op { OP_ADD4, OP_ADD8, OP_SWAP4, OP_SWAP8 };
enum outcome { DONE, NOT_THERE, OUTSIDE, OTHER_VALUE }; /* what the program returns */

/* What is to be done, in memory that the program sees, too. */
struct order {
	__u64 operand;  /* to add, or to put there */
	__u64 expected; /* what must be there, for the SWAPs */
	__u32 offset, op;
	__u8 key[];
};

struct inplace {
	int scratch, program; /* fds */
	struct order *order;  /* the memory of @scratch */
	size_t mapped;        /* bytes */
	__u32 key_size;
};

#define INSN(op, dst, src, offset, value)                                                          \
	((struct bpf_insn){.code = op, .dst_reg = dst, .src_reg = src, .off = offset, .imm = value})
#define MOV(to, from)     INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define MOV32(to, from)   INSN(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value)    INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, value)    INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define ADD_REG(to, from) INSN(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define AND(to, value)    INSN(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value)
#define LOAD(size, to, field)                                                                      \
	INSN(BPF_LDX | BPF_MEM | size, to, 6, offsetof(struct order, field), 0)
#define JUMP(op, reg, value, offset) INSN(BPF_JMP | op | BPF_K, reg, 0, offset, value)
#define ATOMIC(size, at, from, op)   INSN(BPF_STX | BPF_ATOMIC | (size), at, from, 0, op)
#define CALL(helper)                 INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define EXIT()                       INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define ADDRESS(to, kind, fd)        INSN(BPF_LD | BPF_IMM | BPF_DW, to, kind, 0, fd), INSN(0, 0, 0, 0, 0)

struct code {
	struct bpf_insn insns[96];
	size_t n;
};

#define emit(code, ...)                                                                            \
	do {                                                                                       \
		const struct bpf_insn emit_[] = {__VA_ARGS__};                                     \
		memcpy((code)->insns + (code)->n, emit_, sizeof(emit_));                           \
		(code)->n += sizeof(emit_) / sizeof(*emit_);                                       \
	} while (0)

/* r1: offset; r2: operand; r7: the value. */
static void emit_add(struct code *c, enum op op, __u32 size, __u32 value_size)
{
	emit(c, JUMP(BPF_JNE, 8, op, 8), AND(1, -(int)size), JUMP(BPF_JGT, 1, value_size - size, 4),
	     ADD_REG(7, 1), ATOMIC(size == 4 ? BPF_W : BPF_DW, 7, 2, BPF_ADD), SET(0, DONE), EXIT(),
	     SET(0, OUTSIDE), EXIT());
}

/* And r0: what is expected there; the instruction leaves there what was. */
static void emit_swap(struct code *c, enum op op, __u32 size, __u32 value_size)
{
	emit(c, JUMP(BPF_JNE, 8, op, 12), AND(1, -(int)size),
	     JUMP(BPF_JGT, 1, value_size - size, 8), ADD_REG(7, 1),
	     size == 4 ? MOV32(3, 0) : MOV(3, 0),
	     ATOMIC(size == 4 ? BPF_W : BPF_DW, 7, 2, BPF_CMPXCHG),
	     INSN(BPF_JMP | BPF_JEQ | BPF_X, 0, 3, 2, 0), SET(0, OTHER_VALUE), EXIT(), SET(0, DONE),
	     EXIT(), SET(0, OUTSIDE), EXIT());
}

static void emit_program(struct code *c, int map, int scratch, __u32 value_size)
{
	emit(c, ADDRESS(6, BPF_PSEUDO_MAP_VALUE, scratch), ADDRESS(1, BPF_PSEUDO_MAP_FD, map),
	     MOV(2, 6), ADD(2, offsetof(struct order, key)), CALL(BPF_FUNC_map_lookup_elem),
	     JUMP(BPF_JNE, 0, 0, 2), SET(0, NOT_THERE), EXIT(), MOV(7, 0), LOAD(BPF_W, 8, op),
	     LOAD(BPF_W, 1, offset), LOAD(BPF_DW, 2, operand), LOAD(BPF_DW, 0, expected));
	emit_add(c, OP_ADD4, 4, value_size);
	emit_swap(c, OP_SWAP4, 4, value_size);
	if (value_size >= 8) {
		emit_add(c, OP_ADD8, 8, value_size);
		emit_swap(c, OP_SWAP8, 8, value_size);
	}
	emit(c, SET(0, OUTSIDE), EXIT());
}

static int load(struct inplace *p, const struct elements *map, struct braid_error *err)
{
	struct code code = {};

	emit_program(&code, map->fd, p->scratch, map->info.value_size);
	p->program = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "braid_inplace", "GPL", code.insns,
				   code.n, NULL);
	return p->program < 0 ? error_errno(err, p->program, map->info.name,
					    "cannot load the program that changes values in place")
			      : 0;
}

static int map_scratch(struct inplace *p, struct braid_error *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	size_t size = (sizeof(struct order) + p->key_size + 7) & ~(size_t)7;
	size_t page = sysconf(_SC_PAGESIZE);

	p->scratch = bpf_map_create(BPF_MAP_TYPE_ARRAY, "braid_order", 4, size, 1, &opts);
	if (p->scratch < 0)
		return error_errno(err, p->scratch, NULL, "cannot make a map");
	p->mapped = (size + page - 1) & ~(page - 1);
	p->order = mmap(NULL, p->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, p->scratch, 0);
	if (p->order == MAP_FAILED) {
		p->order = NULL;
		return error_errno(err, -errno, NULL, "cannot map a map into memory");
	}
	return 0;
}

int inplace_open(const struct elements *map, struct inplace **ret, struct braid_error *err)
{
	_cleanup_(inplace_closep) struct inplace *p = NULL;
	int r;

	if (map->locked || map->info.value_size < 4) {
		error_set(err, -EOPNOTSUPP, map->info.name,
			  "values that %s cannot be changed in place",
			  map->locked ? "have a lock" : "are that small");
		return -EOPNOTSUPP;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_oom(err);
	p->scratch = p->program = -1;
	p->key_size = map->info.key_size;
	r = map_scratch(p, err) ?: load(p, map, err);
	if (!r)
		*ret = TAKE_PTR(p);
	return r;
}

void inplace_close(struct inplace *p)
{
	if (!p)
		return;
	if (p->order)
		munmap(p->order, p->mapped);
	closep(&p->scratch);
	closep(&p->program);
	free(p);
}

/* The shortest packet that a test run takes; the program does not look at it. */
static int carry_out(struct inplace *p, const void *key)
{
	static const __u8 packet[ETH_HLEN];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = 1);
	int r;

	memcpy(p->order->key, key, p->key_size);
	r = bpf_prog_test_run_opts(p->program, &opts);
	if (r)
		return r;
	return opts.retval == DONE        ? 0
	       : opts.retval == NOT_THERE ? -ENOENT
	       : opts.retval == OUTSIDE   ? -ERANGE
					  : -EBUSY;
}

int inplace_add(struct inplace *p, const void *key, __u32 offset, __u32 size, __u64 delta)
{
	p->order->op = size == 4 ? OP_ADD4 : OP_ADD8;
	p->order->offset = offset;
	p->order->operand = delta;
	return carry_out(p, key);
}

int inplace_swap(struct inplace *p, const void *key, __u32 offset, __u32 size, __u64 from, __u64 to)
{
	p->order->op = size == 4 ? OP_SWAP4 : OP_SWAP8;
	p->order->offset = offset;
	p->order->operand = to;
	p->order->expected = size == 4 ? (__u32)from : from;
	return carry_out(p, key);
}

/* The kernel lists a per-CPU value by possible CPUs, which need not be numbered without gaps. */
static int cpu_at(__u32 index, __u32 *ret)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	__u32 seen = 0;
	unsigned int first, last;
	int n;

	if (!f)
		return -errno;
	while ((n = fscanf(f, "%u-%u", &first, &last)) > 0) {
		__u32 count = n == 2 ? last - first + 1 : 1;

		if (index < seen + count) {
			*ret = first + index - seen;
			return 0;
		}
		seen += count;
		fgetc(f); /* the comma */
	}
	return -ENODEV;
}

int cpu_enter(__u32 index, struct cpu_guard *guard)
{
	__u32 cpu = 0;
	int r = cpu_at(index, &cpu);
	size_t size = CPU_ALLOC_SIZE(cpu + 1 > 4096 ? cpu + 1 : 4096);
	_cleanup_free_ cpu_set_t *before = calloc(1, size), *only = calloc(1, size);

	if (r)
		return r;
	if (!before || !only)
		return -ENOMEM;
	CPU_SET_S(cpu, size, only);
	if (sched_getaffinity(0, size, before) || sched_setaffinity(0, size, only))
		return -errno;
	*guard = (struct cpu_guard){TAKE_PTR(before), size};
	return 0;
}

void cpu_leave(struct cpu_guard *guard)
{
	if (guard->before)
		sched_setaffinity(0, guard->size, guard->before);
	free(guard->before);
	*guard = (struct cpu_guard){};
}
