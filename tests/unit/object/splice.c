/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shape of spliced programs: no exit within a part, nothing lost, every jump lands, a
 * map of ranges without gaps. What they decide is tested in the kernel: splice_test.
 */
#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "common.h"
#include "object/analyse.h"
#include "object/link.h"
#include "object/mapdef.h"
#include "object/splice.h"
#include "tap.h"

#define PARTS 6

static const char *folder;
static struct braid_error err;

/* A unit with some stages in it, and the splice of them. */
struct fixture {
	struct unit *u;
	struct splice_part parts[PARTS];
	char names[PARTS][8];
	struct splice s;
	struct splice_map map;
	__u32 func;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){.s = {.name = "all",
				    .section = "xdp",
				    .origin = "braid:test",
				    .pass = 2,
				    .record_section = -1,
				    .control = {.section = -1},
				    .config = {.section = -1, .packet_map = -1}}};
	if (unit_new("out", &f->u, &err))
		bail_out("%s", err.what);
}

static void fixture_done(struct fixture *f)
{
	array_done(&f->map.ranges);
	unit_free(f->u);
}

/* Behind those that are there; after PASS the next one runs. */
static struct splice_part *add(struct fixture *f, const struct unit *in, const char *program)
{
	size_t k = f->s.n_parts++;
	__u32 root = unit_find_func(in, program);
	struct link_opts opts = {.ns = f->names[k]};

	snprintf(f->names[k], sizeof(f->names[k]), "p%zu", k);
	f->parts[k] = (struct splice_part){.proceed_on = 1 << 2,
					   .next = SPLICE_END,
					   .record = true,
					   .index = k,
					   .name = f->names[k]};
	if (k)
		f->parts[k - 1].next = k;
	f->s.parts = f->parts;
	if (link_import(f->u, in, &root, 1, &opts, &f->parts[k].func, &err))
		bail_out("%s", err.what);
	return &f->parts[k];
}

static void must_splice(struct fixture *f)
{
	if (splice_parts(f->u, &f->s, &f->func, &f->map, &err))
		bail_out("%s", err.what);
}

/* Targets of jumps are inside, and no slot of an ld_imm64 is one. */
static void check_jumps(const struct func *f, const char *what)
{
	_cleanup_free_ bool *second = calloc(f->insns.n + 1, sizeof(*second));
	size_t wrong = 0;
	__s32 jump;

	for (size_t i = 0; i < f->insns.n; i++)
		if (insn_is_ld_imm64(&f->insns.v[i]))
			second[++i] = true;
	for (size_t i = 0; i < f->insns.n; i++)
		if (!second[i] && insn_is_jump(&f->insns.v[i], &jump)) {
			__s64 to = (__s64)i + 1 + jump;

			wrong += to < 0 || to >= (__s64)f->insns.n || second[to];
		}
	is_int(wrong, 0, "%s: jumps that lead nowhere", what);
	ok(insn_is_exit(&f->insns.v[f->insns.n - 1]) ||
		   (insn_is_jump(&f->insns.v[f->insns.n - 1], &jump) && jump < 0),
	   "%s: control does not run off the end", what);
}

static void check_ranges(const struct fixture *f, const char *what)
{
	const struct func *p = &f->u->funcs.v[f->func];
	size_t next = 0, exits = 0, gaps = 0, backwards = 0;
	__u32 part = 0;

	array_foreach (r, &f->map.ranges) {
		gaps += r->first != next || !r->n;
		backwards += r->part < part;
		part = r->part;
		next = r->first + r->n;
		for (__u32 i = r->first; i < next && !r->seam && next <= p->insns.n; i++)
			exits += insn_is_exit(&p->insns.v[i]);
	}
	is_int(gaps, 0, "%s: ranges follow each other", what);
	is_int(next, p->insns.n, "%s: to the end", what);
	is_int(backwards, 0, "%s: in the order of the parts", what);
	is_int(part, f->s.n_parts - 1, "%s: all of them", what);
	is_int(exits, 0, "%s: no part leaves by itself", what);
}

static void check_lines(const struct func *p, const char *what)
{
	size_t wrong = 0;

	for (size_t i = 1; i < p->lines.n; i++)
		wrong += p->lines.v[i].insn <= p->lines.v[i - 1].insn ||
			 p->lines.v[i].insn >= p->insns.n;
	is_int(wrong, 0, "%s: lines in order", what);
	is_int(p->lines.n ? p->lines.v[0].insn : -1, 0, "%s: from the first instruction on", what);
}

/* Written, read, and the program is still what it was. */
static void check_written(const struct fixture *f, const char *what)
{
	struct buf bytes = unit_bytes(f->u);
	_cleanup_(unit_freep) struct unit *again = unit_from(&bytes, what);
	int func = unit_find_func(again, "all");
	const struct func *p = &f->u->funcs.v[f->func];

	is_int(func < 0 ? 0 : again->funcs.v[func].insns.n, p->insns.n, "%s: written", what);
	is_int(func < 0 ? 0 : again->funcs.v[func].lines.n, p->lines.n, "%s: with its lines", what);
	is_int(func < 0 ? 0 : again->funcs.v[func].refs.n, p->refs.n, "%s: references", what);
	buf_done(&bytes);
}

static void check_all(const struct fixture *f, const char *what)
{
	const struct func *p = &f->u->funcs.v[f->func];

	check_jumps(p, what);
	check_ranges(f, what);
	check_lines(p, what);
	check_written(f, what);
}

/* References and CO-RE records of all parts are in the program, at the right instructions. */
static void test_carried(void)
{
	_cleanup_(unit_freep) struct unit *kinds = unit_in(folder, "kinds"),
					  *stage = unit_in(folder, "stage");
	size_t refs, cores, lost = 0;
	struct fixture f;

	fixture_init(&f);
	add(&f, kinds, "kinds");
	add(&f, stage, "stage");
	add(&f, kinds, "second");
	refs = cores = 0;
	for (size_t k = 0; k < f.s.n_parts; k++) {
		refs += f.u->funcs.v[f.parts[k].func].refs.n;
		cores += f.u->funcs.v[f.parts[k].func].cores.n;
	}
	must_splice(&f);
	check_all(&f, "three");
	is_int(f.u->funcs.v[f.func].refs.n, refs, "all references");
	is_int(f.u->funcs.v[f.func].cores.n, cores, "all CO-RE records");
	array_foreach (r, &f.u->funcs.v[f.func].refs) {
		const struct bpf_insn *i = &f.u->funcs.v[f.func].insns.v[r->insn];

		lost += r->kind == REF_CALL || r->kind == REF_KFUNC ? !insn_is_call(i)
								    : !insn_is_ld_imm64(i);
	}
	is_int(lost, 0, "each at an instruction that it fits");
	is_int(unit_find_func(f.u, "p0__kinds"), -1, "the part is gone");
	ok(unit_find_func(f.u, "p0__checked") >= 0, "what it calls is not");
	is_str(unit_type_name(f.u, f.u->funcs.v[f.func].type_id), "all", "its type has its name");
	fixture_done(&f);
}

/* Where no register is free, the context goes below what the parts before the last one use. */
static void test_slot(void)
{
	static const struct {
		const char *first, *last;
		int slot;
	} cases[] = {
		{"stack_8", "stack_64", -16},
		{"stack_64", "stack_8", -72},
		{"stack_64", "stack_512", -72},
		{"stack_504", "stack_8", -512},
	};
	_cleanup_(unit_freep) struct unit *stack = unit_in(folder, "stack");

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bpf_insn insn;
		struct fixture f;

		fixture_init(&f);
		add(&f, stack, cases[i].first);
		add(&f, stack, cases[i].last);
		must_splice(&f);
		insn = f.u->funcs.v[f.func].insns.v[0];
		ok(insn.code == (BPF_STX | BPF_MEM | BPF_DW) && insn.src_reg == BPF_REG_1 &&
			   insn.dst_reg == BPF_REG_10,
		   "%s, %s: the context is saved first", cases[i].first, cases[i].last);
		is_int(insn.off, cases[i].slot, "%s, %s: there", cases[i].first, cases[i].last);
		check_all(&f, cases[i].first);
		fixture_done(&f);
	}
}

/* Into a register that nobody touches, if there is one; nowhere if nobody writes r1. */
static void test_register(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "stage");
	const struct func *p;
	struct fixture f;
	size_t writes = 0;
	__u8 reg;

	fixture_init(&f);
	add(&f, in, "stage");
	add(&f, in, "words");
	must_splice(&f);
	check_all(&f, "register");
	p = &f.u->funcs.v[f.func];
	ok(p->insns.v[0].code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
		   p->insns.v[0].src_reg == BPF_REG_1,
	   "the context goes to a register");
	reg = p->insns.v[0].dst_reg;
	ok(reg >= BPF_REG_6 && reg <= BPF_REG_9, "that calls leave alone: r%u", reg);
	for (size_t i = 1; i < p->insns.n; i++)
		writes += p->insns.v[i].dst_reg == reg;
	is_int(writes, 0, "and nothing writes it");
	fixture_done(&f);
	fixture_init(&f);
	add(&f, in, "passes");
	add(&f, in, "stage");
	must_splice(&f);
	check_all(&f, "nowhere");
	ok(f.u->funcs.v[f.func].insns.v[0].src_reg != BPF_REG_1, "the context stays in r1");
	fixture_done(&f);
}

static void test_no_room(void)
{
	_cleanup_(unit_freep) struct unit *stack = unit_in(folder, "stack");
	struct fixture f;

	fixture_init(&f);
	add(&f, stack, "stack_512");
	add(&f, stack, "stack_8");
	is_int(splice_parts(f.u, &f.s, &f.func, NULL, &err), -EOVERFLOW,
	       "512 bytes before the last");
	ok(strstr(err.what, "512"), "with the number: %s", err.what);
	fixture_done(&f);
}

/* One part that is called stays a function, and a static one. */
static void test_called(void)
{
	_cleanup_(unit_freep) struct unit *twin = unit_in(folder, "twin1"),
					  *stage = unit_in(folder, "stage");
	const struct btf_type *t;
	size_t calls = 0;
	struct fixture f;
	int called;

	fixture_init(&f);
	add(&f, stage, "stage");
	add(&f, twin, "twin")->call = true;
	add(&f, stage, "stage");
	must_splice(&f);
	check_all(&f, "called");
	called = unit_find_func(f.u, "p1__twin");
	if (called < 0)
		bail_out("the called part is gone");
	is_str(f.u->funcs.v[called].section, ".text", "in .text");
	ok(!f.u->funcs.v[called].global, "a static symbol");
	t = btf__type_by_id(f.u->btf, f.u->funcs.v[called].type_id);
	is_int(btf_vlen(t), BTF_FUNC_STATIC, "its type, too");
	array_foreach (r, &f.u->funcs.v[f.func].refs)
		calls += r->kind == REF_CALL && r->target == called;
	is_int(calls, 1, "called once");
	fixture_done(&f);
}

/* One that makes tail calls: global, of a type by which the kernel can verify it alone. */
static void test_called_global(void)
{
	static const char *const names[] = {"tail", "untyped"};
	_cleanup_(unit_freep) struct unit *tail = unit_in(folder, "tail"),
					  *stage = unit_in(folder, "stage");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct btf_type *t;
		const struct func *p;
		struct fixture f;

		fixture_init(&f);
		add(&f, tail, names[i])->call = true;
		add(&f, stage, "stage");
		must_splice(&f);
		check_all(&f, names[i]);
		p = &f.u->funcs.v[f.parts[0].func];
		ok(p->global && !p->weak, "%s: a global symbol", names[i]);
		t = btf__type_by_id(f.u->btf, p->type_id);
		is_int(btf_vlen(t), BTF_FUNC_GLOBAL, "%s: so its type", names[i]);
		t = btf__type_by_id(f.u->btf, t->type);
		is_str(unit_type_name(f.u, t->type), "int", "%s: it returns int", names[i]);
		if (!is_int(btf_vlen(t), 1, "%s: it takes one thing", names[i]))
			bail_out("which is not there");
		t = btf__type_by_id(f.u->btf, btf_params(t)->type);
		ok(btf_is_ptr(t), "%s: a pointer", names[i]);
		is_str(unit_type_name(f.u, t->type), "xdp_md", "%s: to the context", names[i]);
		fixture_done(&f);
	}
}

/* A part made long by instructions that do nothing. */
static void lengthen(struct func *f, __u32 n)
{
	struct bpf_insn nothing = {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_6};

	if (!array_reserve(&f->insns, n))
		bail_out("out of memory");
	memmove(f->insns.v + n, f->insns.v, f->insns.n * sizeof(nothing));
	for (__u32 i = 0; i < n; i++)
		f->insns.v[i] = nothing;
	f->insns.n += n;
	array_foreach (r, &f->refs)
		r->insn += n;
	array_foreach (c, &f->cores)
		c->insn += n;
	array_foreach (l, &f->lines)
		l->insn += l->insn ? n : 0;
}

/* Four of them, further than a jump reaches. */
static void test_long(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "stack");
	struct fixture f;

	lengthen(&in->funcs.v[unit_find_func(in, "stack_64")], 20000);
	fixture_init(&f);
	for (int k = 0; k < 4; k++)
		add(&f, in, "stack_64");
	must_splice(&f);
	ok(f.u->funcs.v[f.func].insns.n > 80000, "%zu instructions", f.u->funcs.v[f.func].insns.n);
	check_all(&f, "long");
	fixture_done(&f);
	lengthen(&in->funcs.v[unit_find_func(in, "stack_64")], SPLICE_PART_LIMIT - 20000);
	fixture_init(&f);
	add(&f, in, "stack_64");
	add(&f, in, "stack_64");
	is_int(splice_parts(f.u, &f.s, &f.func, NULL, &err), -E2BIG, "one that is too long");
	fixture_done(&f);
}

/* Where control from @at comes to, past jumps that only lead on. */
static __u32 follow(const struct func *p, __u32 at)
{
	__s32 off;

	while (p->insns.v[at].code == (BPF_JMP | BPF_JA) && insn_is_jump(&p->insns.v[at], &off))
		at += 1 + off;
	return at;
}

/* The first instruction of a part, or of what stands in front of it. */
static __u32 start_of(const struct fixture *f, __u32 part)
{
	array_foreach (r, &f->map.ranges)
		if (r->part == part)
			return follow(&f->u->funcs.v[f->func], r->first);
	return -1;
}

/* Where the jump leads that is taken when r0 is @value; -1: there is none. */
static long leads_to(const struct func *p, __s32 value)
{
	array_foreach (i, &p->insns)
		if (i->code == (BPF_JMP32 | BPF_JEQ | BPF_K) && !i->dst_reg && i->imm == value)
			return follow(p, i - p->insns.v + 1 + i->off);
	return -1;
}

static bool is_tail_call(const struct func *p, __u32 at, __s32 slot)
{
	return at + 4 < p->insns.n && insn_is_ld_imm64(&p->insns.v[at]) &&
	       p->insns.v[at + 2].imm == slot && p->insns.v[at + 3].imm == BPF_FUNC_tail_call;
}

/* A choice of long ways: no jump reaches them at once. */
static void test_far(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "stack");
	static const struct splice_case cases[] = {
		{1001, 2}, {1002, 3}, {1003, 4}, {1004, SPLICE_END}, {1005, SPLICE_SLOT + 3}};
	const struct func *p;
	struct fixture f;

	lengthen(&in->funcs.v[unit_find_func(in, "stack_64")], 20000);
	fixture_init(&f);
	add(&f, in, "stack_8");
	for (int k = 1; k < 4; k++)
		add(&f, in, "stack_64");
	add(&f, in, "stack_8");
	for (int k = 1; k < 4; k++)
		f.parts[k].next = 4;
	f.parts[0].chooses = true;
	f.parts[0].cases = cases;
	f.parts[0].n_cases = sizeof(cases) / sizeof(*cases);
	f.s.end = SPLICE_FIXED;
	f.s.verdict = 3;
	if (map_def_add_prog_array(f.u, "jumps", 4, &f.s.tail_map, &err))
		bail_out("%s", err.what);
	must_splice(&f);
	check_all(&f, "far");
	p = &f.u->funcs.v[f.func];
	for (int i = 0; i < 3; i++)
		is_int(leads_to(p, 1001 + i), start_of(&f, 2 + i), "case %d leads to its part", i);
	ok(leads_to(p, 1004) > 0 && p->insns.v[leads_to(p, 1004)].imm == 3 &&
		   insn_is_exit(&p->insns.v[leads_to(p, 1004) + 1]),
	   "one to the end, with the fixed verdict");
	ok(leads_to(p, 1005) > 0 && is_tail_call(p, leads_to(p, 1005), 3), "one to a slot");
	fixture_done(&f);
}

/* More cases than a seam is thought to have, behind a part that is nearly too long. */
static void test_many_cases(void)
{
	_cleanup_(unit_freep) struct unit *in = unit_in(folder, "stack");
	static struct splice_case cases[3000];
	const struct func *p;
	struct fixture f;
	size_t wrong = 0;

	for (__u32 i = 0; i < 3000; i++)
		cases[i] = (struct splice_case){1000 + i, 2 + i % 2};
	lengthen(&in->funcs.v[unit_find_func(in, "stack_64")], 29000);
	fixture_init(&f);
	add(&f, in, "stack_64");
	for (int k = 1; k < 4; k++)
		add(&f, in, "stack_64");
	f.parts[1].chooses = true;
	f.parts[1].cases = cases;
	f.parts[1].n_cases = 3000;
	f.parts[1].next = f.parts[2].next = 3;
	must_splice(&f);
	check_all(&f, "cases");
	p = &f.u->funcs.v[f.func];
	for (__u32 i = 0; i < 3000; i += 271)
		wrong += leads_to(p, 1000 + i) != (i % 2 ? -1 : (long)start_of(&f, 2));
	is_int(wrong, 0, "each of 3000 cases leads to its part, or is none beside the default");
	fixture_done(&f);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: splice FOLDER");
	folder = argv[1];
	test_carried();
	test_slot();
	test_register();
	test_no_room();
	test_called();
	test_called_global();
	test_long();
	test_far();
	test_many_cases();
	braid_error_clear(&err);
	return done();
}
