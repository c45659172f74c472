/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects to text and back, and what is said to text that is none. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "braid/inspect.h"
#include "common.h"
#include "object/asm.h"
#include "object/mapdef.h"
#include "tap.h"

static struct unit *assemble(const char *text, struct braid_error *err)
{
	struct unit *u = NULL;

	return unit_assemble(text, strlen(text), "t.s", &u, err) ? NULL : u;
}

/* Text of an object assembles to an object that says the same, and whose text is the same. */
static void round_trip(const char *path)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct buf bytes = file_read(path), first = {};
	_cleanup_(unit_freep) struct unit *u = unit_from(&bytes, last_part(path)), *v = NULL;
	_cleanup_free_ char *text = NULL, *again = NULL;
	_cleanup_free_ void *object = NULL;
	size_t size = 0;

	ok(!braid_disassemble(bytes.v, bytes.n, last_part(path), &text, &err), "%s: text%s%s",
	   last_part(path), err.what ? ": " : "", err.what ?: "");
	if (!text)
		goto out;
	ok(!braid_assemble(text, strlen(text), "text", &object, &size, &err), "%s: object%s%s%s",
	   last_part(path), err.where ?: "", err.what ? ": " : "", err.what ?: "");
	if (!object)
		goto out;
	buf_add(&first, object, size);
	v = unit_from(&first, last_part(path));
	ok(units_equal(u, v), "%s: the same", last_part(path));
	ok(!braid_disassemble(object, size, last_part(path), &again, &err), "%s: text again",
	   last_part(path));
	is_str(again, text, "%s: a fixpoint", last_part(path));
out:
	buf_done(&bytes);
	buf_done(&first);
}

static const char whole[] = ".license \"GPL\"\n"
			    "; a comment\n"
			    ".map counts percpu_array key=4 value=8 entries=2 flags=0\n"
			    ".map jumps prog_array key=4 entries=3\n"
			    ".value jumps 1 other\n"
			    ".variable limit .rodata u32 1000\n"
			    ".variable name .rodata u8[8] 0x65 0x74 0x68\n"
			    ".variable seen .bss u64[16]\n"
			    ".variable table .data static u16 1 2 3\n"
			    ".program filter xdp\n"
			    "	*(u32 *)(r10 -4) = 0	// the key\n"
			    "	r2 = r10\n"
			    "	r2 += -4\n"
			    "	r1 = map[counts]\n"
			    "	call bpf_map_lookup_elem\n"
			    "	if r0 == 0 goto out\n"
			    "	r1 = 1\n"
			    "	lock *(u64 *)(r0 +0) += r1\n"
			    "	r1 = &limit\n"
			    "	r1 = *(u32 *)(r1 +0)\n"
			    "	r2 = map[.data]+2\n"
			    "	r2 = &seen+8\n"
			    "	call twice\n"
			    "out:	r0 = 2\n"
			    "	exit\n"
			    ".program other xdp\n"
			    "	r0 = 1\n"
			    "	exit\n"
			    ".function twice u64\n"
			    "	r0 = r1\n"
			    "	r0 += r0\n"
			    "	exit\n";

static const struct ref *ref_at(const struct func *f, __u32 insn)
{
	array_foreach (r, &f->refs)
		if (r->insn == insn)
			return r;
	return NULL;
}

static void check_whole(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = assemble(whole, &err), *v = NULL;
	struct map_def def = {};
	const struct func *f;
	const struct ref *ref;
	struct buf bytes;
	__u32 section;

	if (!ok(u != NULL, "it assembles%s%s: %s", err.where ? ": " : "", err.where ?: "",
		err.what ?: "fine"))
		return;
	f = &u->funcs.v[0];
	is_int(u->funcs.n, 3, "functions");
	is_str(f->section, "xdp", "section");
	ok(f->global && !u->funcs.v[2].global, "programs are global, functions are not");
	is_int(f->insns.v[6].off, 10, "a jump to a label, across three ld_imm64 of two slots");
	ref = ref_at(f, 3);
	ok(ref && ref->kind == REF_MAP && !ref->target, "a map");
	is_int(f->insns.v[6].code, BPF_JMP | BPF_JEQ, "behind one of two slots");
	ok(!map_def_read(u, 0, &def, &err), "a definition");
	is_int(def.type, BPF_MAP_TYPE_PERCPU_ARRAY, "its type");
	is_int(def.value_size, 8, "its value");
	is_int(def.max_entries, 2, "its entries");
	is_int(u->maps.v[1].values.n, 1, "a program in a PROG_ARRAY");
	is_int(u->maps.v[1].values.v[0].target, 1, "the other one");
	ok(unit_find_var(u, "name", &section) && unit_find_var(u, "name", &section)->offset == 4,
	   "a variable behind another");
	is_mem(u->sections.v[section].bytes.v, "\xe8\x03\0\0eth\0", 8, "bytes");
	bytes = unit_bytes(u);
	v = unit_from(&bytes, "t.o");
	ok(units_equal(u, v), "written and read");
	buf_done(&bytes);
}

/* A log of the verifier, as it was printed. */
static void check_log(void)
{
	static const char log[] =
		"0: R1=ctx() R10=fp0\n"
		"; int f(struct xdp_md *ctx) @ f.c:3\n"
		"0: (61) r2 = *(u32 *)(r1 +4)          ; R1=ctx() R2_w=pkt_end()\n"
		"1: (18) r3 = 0x5                      ; R3_w=5\n"
		"3: (15) if r2 == 0x0 goto pc+1        ; R2=pkt_end()\n"
		"4: (b7) r0 = 2\n"
		"5: (95) exit\n";
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = assemble(log, &err);

	if (!ok(u != NULL, "lines of a log: %s", err.what ?: "fine"))
		return;
	is_int(u->funcs.v[0].insns.n, 6, "instructions");
	is_int(u->funcs.v[0].insns.v[1].code, 0x18, "the opcode decides");
	is_str(u->funcs.v[0].name, "snippet", "without a frame it is a program");
}

static void check_wrong(void)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{"r0 = 2\nexi\n", "t.s:2:1", "'exi' where an instruction is expected"},
		{"r0 = r11\n", "t.s:1:6", "'r11' where a register (r0 to r10) is expected"},
		{"r0 = w1\n", "t.s:1:6", "both registers must have the same size"},
		{"r0 =\n", "t.s:1:5", "the line ends where a register (r0 to r10) is expected"},
		{"r0 = 0x100000000\n", "t.s:1:6",
		 "a number of more than 32 bits needs 'll' behind it"},
		{"r1 = *(u24 *)(r1 +0)\n", "t.s:1:8",
		 "'u24' where u8, u16, u32, u64, s8, s16 or s32 is expected"},
		{"r1 = *(u32 *)(r1 +40000)\n", "t.s:1:18", "+40000) is no offset: -32768 to 32767"},
		{"r0 = 2 3\n", "t.s:1:8", "'3' where the end of the line is expected"},
		{"if r1 = 2 goto x\n", "t.s:1:7",
		 "'=' where a comparison, such as == or s> is expected"},
		{"goto there\nexit\n", "t.s:1:6", "there is no label 'there' in function snippet"},
		{"goto pc+9\nexit\n", "t.s:1:6", "a jump out of function snippet"},
		{"r1 = 1 ll\ngoto pc-2\nexit\n", "t.s:2:6", "a jump out of function snippet"},
		{"x: r0 = 1\nx: exit\n", "t.s:2:1",
		 "there is a label 'x' in this function already"},
		{"call nobody\nexit\n", "t.s:1:6", "there is no function or helper 'nobody'"},
		{"call bpf_tail_call#1\n", "t.s:1:21", "bpf_tail_call is helper 12"},
		{"r1 = map[none]\nexit\n", "t.s:1:10", "there is no map or section of data 'none'"},
		{"r1 = &none\nexit\n", "t.s:1:7", "there is no variable, function or map 'none'"},
		{"0: (b4) r0 = 2\n", "t.s:1:9", "that is (b7), but in front of it stands (b4)"},
		{"1: r0 = 2\n", "t.s:1:1",
		 "this is instruction 0: lines of the log are missing, or there are some too many"},
		{".progam x xdp\n", "t.s:1:1", "there is no directive '.progam'"},
		{".program x xdp\n.program y xdp\nexit\n", "t.s:2:15",
		 "function x has no instructions"},
		{".map m hsh key=4\n", "t.s:1:8",
		 "'hsh' where a type of maps, such as hash is expected"},
		{".map m hash key=4 siz=3\n", "t.s:1:19",
		 "'siz=3' where key=, value=, entries=, flags=, pinning=, type= or size= is "
		 "expected"},
		{".variable v .data u8 256\n", "t.s:1:22", "256 is no number: -128 to 255"},
		{".type 2 int \"int\" 4 : 32\n", "t.s:1:8",
		 "this is type 1: they are numbered from 1"},
		{".license GPL\n", "t.s:1:10", "'GPL' where '\"' is expected"},
		{"", "t.s:0:1", "there is nothing in it"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_(unit_freep) struct unit *u = assemble(cases[i].text, &err);

		ok(!u, "case %zu is refused", i);
		is_str(err.where, cases[i].where, "case %zu: where", i);
		is_str(err.what, cases[i].what, "case %zu: what", i);
	}
}

/* Bytes that no text says, and unused fields that hold something. */
static void check_raw(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = assemble(
						  ".insn 0xb7 0 3 5 2\n.insn 0xff 1 2 3 4\nexit\n",
						  &err),
					  *v = NULL;
	_cleanup_free_ char *text = NULL;

	if (!ok(u && !unit_disassemble(u, &text, &err), "raw instructions: %s", err.what ?: "fine"))
		return;
	ok(strstr(text, "\t.insn 0xb7 0 3 5 2\n\t.insn 0xff 1 2 3 4\n\texit\n"), "stay raw");
	v = assemble(text, &err);
	ok(v && units_equal(u, v), "and come back");
}

int main(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: asm FOLDER OBJECT...");
	check_whole();
	check_log();
	check_wrong();
	check_raw();
	for (int i = 2; i < argc; i++)
		round_trip(argv[i]);
	each_installed(round_trip);
	return done();
}
