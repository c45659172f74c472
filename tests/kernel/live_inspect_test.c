/* SPDX-License-Identifier: GPL-2.0-only */
/* The code that runs, why it is as it is, and text instead of a compiler. */
#include <string.h>
#include <unistd.h>

#include "live_common.h"

/* "if r1 == 0x0 goto pc+3" as bpftool has it; "": none. Caller uses it before the next call. */
static const char *their_text(const char *dump, long long at)
{
	static char text[256];
	char want[32];
	const char *line;

	snprintf(want, sizeof(want), "%4lld: (", at);
	line = strstr(dump, want);
	if (!line)
		return "";
	line = strstr(line, ") ") + 2;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
	return text;
}

/* What an older bpftool has no words for, or other ones. */
static bool is_comparable(const char *ours)
{
	return !strstr(ours, "map[") && !strstr(ours, " ll") && !strstr(ours, "__percpu") &&
	       !strstr(ours, "call ") && !strstr(ours, "unknown");
}

static void compare_block(const char *theirs, json_t *block, int *same, int *other)
{
	json_t *insn;
	size_t i;

	json_array_foreach (json_object_get(block, "instructions"), i, insn) {
		const char *text = json_text(insn, "text");

		if (!is_comparable(text))
			continue;
		if (!strcmp(text, their_text(theirs, json_number(insn, "at"))))
			++*same;
		else if (++*other < 5)
			diag("%lld: '%s', bpftool: '%s'", json_number(insn, "at"), text,
			     their_text(theirs, json_number(insn, "at")));
	}
}

static void compare_with_bpftool(json_t *program)
{
	_cleanup_run_ struct run r = {};
	int same = 0, other = 0;
	json_t *block;
	size_t i;

	if (run(&r, "bpftool", "prog", "dump", "xlated", "id",
		live_text("%lld", json_number(program, "id")))) {
		skip("bpftool: %s", r.err);
		return;
	}
	json_array_foreach (json_object_get(program, "blocks"), i, block)
		compare_block(r.out, block, &same, &other);
	is_int(other, 0, "instructions that bpftool writes otherwise");
	ok(same > 20, "and the same: %d", same);
}

/* The stages in the order of their code, each once: "m1 m2 m3"; @seams: blocks of braid's own. */
static const char *order_of(json_t *programs, int *ret_seams)
{
	static char text[256];
	json_t *program, *block;
	const char *last = "";
	size_t i, k;

	*text = '\0';
	*ret_seams = 0;
	json_array_foreach (programs, i, program)
		json_array_foreach (json_object_get(program, "blocks"), k, block) {
			const char *stage = json_text(block, "stage");

			*ret_seams += json_object_get(block, "seam") != NULL;
			if (json_object_get(block, "seam") || !strcmp(stage, last))
				continue;
			last = stage;
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? " " : "", *stage ? stage : "?");
		}
	return text;
}

/* Three stages of one object: all lines are three times there. */
static void test_dump(const char *strategy, size_t programs)
{
	_cleanup_json_ json_t *j = NULL, *one = NULL;
	json_t *list, *block;
	int seams, none;
	size_t i;

	must_braid("apply", live_manifest("twins.yaml", live_text(ON_R0 "%s", strategy),
					  live_marks("1,2,3")));
	j = braid_json("dump", "edge");
	one = braid_json("dump", "edge", "m2");
	list = json_object_get(j, "programs");
	is_str(live_trip(0), "123", "'%s' runs", strategy);
	is_int(json_array_size(list), programs, "programs");
	ok(!json_object_get(j, "stages-unknown"), "stages are known");
	is_str(order_of(list, &seams), "m1 m2 m3", "stages in their order");
	ok(seams >= 3, "seams: %d", seams);
	is_str(order_of(json_object_get(one, "programs"), &none), "m2", "one stage");
	json_array_foreach (json_object_get(json_at(one, "programs/0"), "blocks"), i, block)
		if (strcmp(json_text(block, "stage"), "m2"))
			ok(false, "a block of %s", json_text(block, "stage"));
	compare_with_bpftool(json_at(j, "programs/0"));
}

static void test_source(void)
{
	_cleanup_run_ struct run r = {}, wrong = {};
	_cleanup_json_ json_t *j = braid_json("dump", "edge", "m1");
	json_t *block;
	bool found = false;
	size_t i;

	json_array_foreach (json_object_get(json_at(j, "programs/0"), "blocks"), i, block)
		found |= strstr(json_text(block, "file"), "live_mark.bpf.c") &&
			 json_number(block, "line") > 0 && *json_text(block, "source");
	ok(found, "a line of the author's source");
	is_int(braid(&r, "dump", "--opcodes", "edge"), 0, "for people");
	ok(strstr(r.out, "== stage m1") && strstr(r.out, "== seam of m1"), "stages and seams");
	ok(strstr(r.out, "live_mark.bpf.c:"), "files");
	is_int(braid(&wrong, "dump", "edge", "m11"), 1, "an unknown stage");
	ok(strstr(wrong.err, "did you mean 'm1'?"), "says which is meant: %s", wrong.err);
}

/* All bytes of the machine code are there, once, and were disassembled. */
static void test_machine(void)
{
	static const char *const parts[] = {"prologue", "machine"};
	_cleanup_json_ json_t *j = braid_json("dump", "--jited", "edge");
	json_t *program = json_at(j, "programs/0"), *block, *piece;
	long long bytes = 0, read = 0;
	size_t i;

	if (*json_text(j, "machine-hidden")) {
		skip("%s", json_text(j, "machine-hidden"));
		return;
	}
	json_array_foreach (json_object_get(program, "blocks"), i, block)
		for (int k = 0; k < 2; k++) {
			piece = json_object_get(block, parts[k]);
			bytes += strlen(json_text(piece, "bytes")) / 2;
			read += json_array_size(json_object_get(piece, "code"));
		}
	is_int(bytes, json_number(program, "jited-bytes"), "bytes of machine code");
	if (*json_text(j, "bytes-only"))
		skip("%s", json_text(j, "bytes-only"));
	else
		ok(read > 20, "instructions: %lld", read);
}

/* Each instruction that the verifier went through belongs to a stage or to its seams. */
static void check_sum(json_t *j, const char *what)
{
	json_t *one;
	long long whole = 0, parts = 0;
	size_t i;

	json_array_foreach (json_object_get(j, "programs"), i, one)
		whole += json_number(one, "verifier/processed");
	json_array_foreach (json_object_get(j, "stages"), i, one)
		parts += json_number(one, "verifier/processed") +
			 json_number(one, "verifier/seams/processed");
	ok(whole > 0, "%s: the verifier went through %lld instructions", what, whole);
	is_int(parts, whole, "%s: of stages and seams together", what);
}

static void test_explain(void)
{
	const char *m = live_manifest("why.yaml", ON_R0 AS_FUSED, live_marks("1,2"));
	_cleanup_json_ json_t *file = braid_json("explain", m, "edge");
	_cleanup_json_ json_t *running = braid_json("explain", "edge");
	_cleanup_json_ json_t *one = braid_json("explain", "edge", "m3");
	_cleanup_run_ struct run r = {}, wrong = {};

	check_sum(file, "a manifest");
	is_int(json_array_size(json_object_get(file, "stages")), 2, "its stages");
	ok(strstr(json_text(file, "stages/0/at"), "why.yaml:"), "where: %s",
	   json_text(file, "stages/0/at"));
	ok(strstr(json_text(file, "stages/1/why"), "stage 2 of 2"), "why it is there");
	ok(!json_object_get(running, "differs"), "what runs is what is explained");
	check_sum(running, "what runs");
	is_int(json_array_size(json_object_get(running, "programs")), 3, "its programs");
	is_str(json_text(running, "programs/1/why"), "strategy tailcall: a program for each stage",
	       "why they are several");
	is_int(json_array_size(json_object_get(one, "stages")), 1, "one stage");
	is_int(braid(&r, "explain", m), 0, "for people");
	ok(strstr(r.out, "stage m1") && strstr(r.out, "verifier  went through"), "says it: %s",
	   r.out);
	is_int(braid(&wrong, "explain", m, "egde"), 1, "an unknown pipeline");
}

/* A program for which the verifier takes a while: the whole at once, its stages if asked for. */
static void test_costs(void)
{
	const char *m =
		live_manifest("much.yaml", ON_R0 AS_FUSED,
			      live_text("{name: flowstat, object: %s/flowstat/flowstat.bpf.o}"
					", {name: lb, object: %s/lb/lb.bpf.o}",
					live_examples, live_examples));
	_cleanup_json_ json_t *j = braid_json("explain", m), *all = NULL;
	_cleanup_run_ struct run r = {};
	long long processed = json_number(j, "programs/0/verifier/processed");

	ok(json_is_true(json_at(j, "programs/0/verifier/accepted")), "much to verify: accepted");
	ok(processed > 100000, "instructions gone through: %lld", processed);
	ok(json_number(j, "programs/0/verifier/instructions") > 500, "and left");
	ok(strstr(json_text(j, "programs/0/verifier/costs-unknown"), "log"), "not of each stage");
	ok(!json_at(j, "stages/0/verifier"), "none has a figure then");
	is_int(braid(&r, "explain", m, "edge", "lb"), 0, "one stage, for people");
	ok(strstr(r.out, "--costs asks for it"), "how to know it: %s", r.out);
	all = braid_json("explain", "--costs", m);
	is_int(json_number(all, "programs/0/verifier/processed"), processed, "as many");
	check_sum(all, "asked for");
	ok(json_number(all, "stages/1/verifier/processed") > 10000, "those of a stage");
}

/* Refused behind a million instructions, and not because of what the log has room for. */
static void test_too_much(void)
{
	const char *source = live_write("loop.s", ".license \"GPL\"\n"
						  ".program loop xdp\n"
						  "	r1 = 0\n"
						  "again:	r1 += 1\n"
						  "	if r1 < 1000000 goto again\n"
						  "	r0 = 2\n"
						  "	exit\n");
	const char *object = live_text("%s/loop.o", net_scratch());
	const char *m = live_manifest("loop.yaml", "",
				      live_text("{name: loop, object: %s}", object));
	_cleanup_json_ json_t *j = NULL;

	must_braid("asm", "-o", object, source);
	j = braid_json("explain", m);
	ok(json_is_false(json_at(j, "programs/0/verifier/accepted")), "too much: refused");
	ok(strstr(json_text(j, "programs/0/verifier/reason"), "program is too large"), "why: %s",
	   json_text(j, "programs/0/verifier/reason"));
	ok(json_number(j, "programs/0/verifier/processed") >= 1000000, "gone through");
}

static void test_refused(void)
{
	const char *m = live_manifest(
		"no.yaml", ON_R0 AS_FUSED,
		live_text("%s, {name: blue, object: %s/live_refused.bpf.o, program: beyond}",
			  live_mark(1, ""), live_objects));
	_cleanup_json_ json_t *j = braid_json("explain", m);

	ok(json_is_false(json_at(j, "programs/0/verifier/accepted")), "refused");
	ok(strstr(json_text(j, "programs/0/verifier/reason"), "invalid access to packet"),
	   "and why: %s", json_text(j, "programs/0/verifier/reason"));
	check_sum(j, "refused");
}

static void test_asm(void)
{
	const char *good = live_write("good.s", ".license \"GPL\"\n"
						".map seen array key=4 value=8 entries=1\n"
						".program count xdp\n"
						"	r2 = r10\n"
						"	r2 += -4\n"
						"	*(u32 *)(r10 -4) = 0\n"
						"	r1 = map[seen]\n"
						"	call bpf_map_lookup_elem\n"
						"	if r0 == 0 goto out\n"
						"	r1 = 1\n"
						"	lock *(u64 *)(r0 +0) += r1\n"
						"out:	r0 = 2\n"
						"	exit\n");
	const char *bad = live_write("bad.s", "r1 = *(u32 *)(r1 +4)\nr0 = *(u8 *)(r1 +0)\nexit\n");
	const char *object = live_text("%s.o", good);
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *yes = braid_json("asm", "--verify", good);
	_cleanup_json_ json_t *no = braid_json("asm", "--verify", bad);

	ok(json_is_true(json_at(yes, "0/accepted")), "accepted: %s", json_text(yes, "0/log"));
	ok(json_number(yes, "0/processed") >= 10, "figures");
	ok(json_is_false(json_at(no, "0/accepted")), "refused");
	is_int(json_number(no, "0/at"), 1, "where");
	ok(strstr(json_text(no, "0/reason"), "R1"), "why: %s", json_text(no, "0/reason"));
	is_int(braid(&r, "asm", "--verify", bad), 1, "the exit status says so, too");
	must_braid("asm", good, "-o", object);
	run_wrong(live_braid, live_text("asm --verify %s -o %s.2", object, object),
		  "an object already");
	run_wrong(live_braid, live_text("asm --verify %s -o -", good), "-o FILE");
	must_braid("apply", live_manifest("asm.yaml", ON_R0 AS_FUSED,
					  live_text("%s, {name: count, object: %s}",
						    live_mark(1, ""), object)));
	live_drain(0);
	is_str(live_trip(0), "1", "as a stage");
	ok(live_count("count", "seen") > 0, "it counts: %lld", live_count("count", "seen"));
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_dump(AS_FUSED, 1);
	test_source();
	test_machine();
	test_dump(AS_TAILS, 3);
	test_explain();
	test_costs();
	test_too_much();
	test_refused();
	test_asm();
	must_braid("delete", "edge");
	return done();
}
