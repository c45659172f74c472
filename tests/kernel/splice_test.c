/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What pipelines do with packets: verdicts, traces, maps and globals, the same for every
 * way to put them together, and as a model of a few lines says.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"
#include "bpf/stage.bpf.h"
#include "common.h"
#include "kernel/load.h"
#include "kernel/testrun.h"
#include "net.h"
#include "pipe.h"
#include "run.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define BIT(verdict) (1u << (verdict))

static const char *folder;
static struct braid_error err;

/* One way to put a pipeline together. */
struct way {
	const char *name, *strategy;
	bool record, call;
	const char *signals; /* NULL: the default, which puts a gate in front of each stage */
};

static const struct way ways[] = {
	{"fused", "fused", false, false},       {"no gates", "fused", false, false, "none"},
	{"tailcall", "tailcall", false, false}, {"called", "fused", false, true},
	{"recording", "fused", true, false},    {"recording, tailcall", "tailcall", true, false},
};

struct running {
	struct pipe pipe;
	struct loaded *loaded;
	int program;
};

static void print_error(const char *what)
{
	diag("%s: %s: %s (%s)", what, err.where ?: "", err.what ?: "", err.why ?: "");
}

static void stop(struct running *r)
{
	loaded_free(r->loaded);
	pipe_done(&r->pipe);
}

/* Loads what pipe_init() has made. 0, or an error that is printed. */
static int start_more(struct running *r, const struct pipe_opts *opts,
		      const struct pipe_stage *stages, size_t n)
{
	int code = pipe_build(&r->pipe, opts, stages, n, &err);

	r->loaded = NULL;
	code = code ?: load_image(r->pipe.image, &(struct load_opts){}, &r->loaded, &err);
	if (code)
		print_error(opts->strategy);
	r->program = code ? -1 : loaded_program(r->loaded, 0);
	return code;
}

static int start(struct running *r, const struct way *way, const struct pipe_stage *stages,
		 size_t n, const char *final)
{
	struct pipe_stage copy[PIPE_STAGES];
	struct pipe_opts opts = {.folder = folder,
				 .strategy = way->strategy,
				 .final = final,
				 .record = way->record,
				 .signals = way->signals};

	for (size_t k = 0; k < n; k++) {
		copy[k] = stages[k];
		copy[k].call |= way->call;
	}
	pipe_init(&r->pipe, &opts, copy, n);
	return start_more(r, &opts, copy, n);
}

/* Runs a packet that tells stage k what @bytes[k] stands for. */
static __u32 send(const struct running *r, const __u8 *bytes, size_t n, __u8 *out)
{
	__u8 packet[STAGE_PACKET] = {};
	struct testrun run = {
		.packet = packet, .size = sizeof(packet), .out = out, .room = STAGE_PACKET};
	struct testrun_result result;

	memcpy(packet + STAGE_VERDICTS, bytes, n);
	if (testrun_packet(r->program, &run, &result, &err))
		bail_out("%s", err.what);
	return result.verdict;
}

/* What a stage returns when the packet says @byte. */
static __u32 stage_says(const struct pipe_stage *s, __u8 byte)
{
	__u32 v = stage_meaning(byte);

	if (text_eq(s->program, "drops"))
		return XDP_DROP;
	if (text_eq(s->program, "either"))
		return v == XDP_PASS ? XDP_PASS : XDP_DROP;
	if (text_eq(s->program, "passes") || text_eq(s->program, "kinds") ||
	    text_eq(s->program, "maps"))
		return XDP_PASS;
	if (text_eq(s->program, "relocated"))
		return 0;
	if (text_eq(s->program, "words"))
		return v <= XDP_REDIRECT || v == stage_meaning(STAGE_SAYS_ACCEPT) || v == -1u
			       ? v
			       : XDP_PASS;
	return v;
}

/* docs/ARCHITECTURE.md, semantics of a chain. @trace: who ran. Return: the verdict. */
static __u32 model(const struct pipe_stage *stages, size_t n, const char *final, const __u8 *bytes,
		   __u8 *trace, __u32 *ret_last)
{
	__u32 v = 0;

	memset(trace, 0, STAGE_SLOTS);
	for (size_t k = 0; k < n; k++) {
		__u32 on = stages[k].never ? 0 : stages[k].proceed_on ?: BIT(XDP_PASS);

		v = stage_says(&stages[k], bytes[k]);
		*ret_last = k;
		trace[k] = !stages[k].no_slot;
		if (v == stage_meaning(STAGE_SAYS_ACCEPT))
			return XDP_PASS;
		if (v >= 32 || !(on & BIT(v)))
			return v;
	}
	return final ? XDP_TX : v; /* the only fixed verdict of these tests */
}

/* The record that a recording seam wrote, or -1. */
static __u32 recorded(const struct running *r)
{
	struct image_record rec;

	return loaded_read(r->loaded, IMAGE_RECORD_SECTION, &rec, sizeof(rec), &err) ? -1u
										     : rec.stage;
}

static const __u8 says[] = {
	XDP_ABORTED, XDP_DROP, XDP_PASS,          XDP_TX,           XDP_REDIRECT,   31,
	32,          34,       STAGE_SAYS_ACCEPT, STAGE_SAYS_MINUS, STAGE_SAYS_HUGE};

/* Every combination of what up to three stages can say. */
static void check_all_verdicts(const struct running *r, const char *name,
			       const struct pipe_stage *stages, size_t n, const char *final,
			       bool record)
{
	size_t runs = 1, wrong = 0, wrong_trace = 0, wrong_record = 0;

	for (size_t k = 0; k < n; k++)
		runs *= COUNT(says);
	for (size_t i = 0; i < runs; i++) {
		__u8 bytes[3], trace[STAGE_SLOTS], out[STAGE_PACKET];
		__u32 want, got, last;
		size_t rest = i;

		for (size_t k = 0; k < n; k++, rest /= COUNT(says))
			bytes[k] = says[rest % COUNT(says)];
		want = model(stages, n, final, bytes, trace, &last);
		got = send(r, bytes, n, out);
		if (got != want && !wrong++)
			diag("%u %u %u: %#x instead of %#x", bytes[0], bytes[1], bytes[2], got,
			     want);
		wrong_trace += memcmp(out + STAGE_TRACE, trace, STAGE_SLOTS) != 0;
		wrong_record += record && recorded(r) != last;
	}
	is_int(wrong, 0, "%s: verdicts of %zu packets", name, runs);
	is_int(wrong_trace, 0, "%s: who ran", name);
	if (record)
		is_int(wrong_record, 0, "%s: the last stage is told", name);
}

static void check_ways(const char *what, const struct pipe_stage *stages, size_t n,
		       const char *final)
{
	for (size_t i = 0; i < COUNT(ways); i++) {
		_cleanup_free_ char *name = text_fmt("%s, %s", what, ways[i].name);
		struct running r;

		if (is_int(start(&r, &ways[i], stages, n, final), 0, "%s: loads", name))
			check_all_verdicts(&r, name, stages, n, final, ways[i].record);
		stop(&r);
	}
}

static void test_verdicts(void)
{
	static const struct pipe_stage one[] = {{"stage", "stage"}, {"stage", "stage"}},
				       several[] = {{"stage", "stage", BIT(1) | BIT(2) | BIT(4)},
						    {"stage", "stage", BIT(3)},
						    {"stage", "stage", BIT(0) | BIT(2)}},
				       known[] = {{"stage", "words", BIT(2) | BIT(4)},
						  {"stage", "stage", BIT(0)},
						  {"stage", "words", BIT(1)}},
				       words[] = {{"stage", "words"},
						  {"stage", "words"},
						  {"stage", "words"}},
				       alone[] = {{"stage", "stage", BIT(2)}},
				       word[] = {{"stage", "words", BIT(1)}};

	check_ways("one verdict", one, COUNT(one), NULL);
	check_ways("several", several, COUNT(several), NULL);
	check_ways("several, final", several, COUNT(several), "tx");
	check_ways("known", known, COUNT(known), NULL);
	check_ways("known, final", known, COUNT(known), "tx");
	check_ways("all known", words, COUNT(words), NULL);
	check_ways("all known, final", words, COUNT(words), "tx");
	check_ways("alone", alone, COUNT(alone), NULL);
	check_ways("alone, final", alone, COUNT(alone), "tx");
	check_ways("one known, final", word, COUNT(word), "tx");
}

/* Stages that end the chain whatever they say, or never look at the packet. */
static void test_edges(void)
{
	static const struct pipe_stage
		all[] = {{"kinds", "kinds", .no_slot = true},
			 {"maps", "maps", .no_slot = true},
			 {"stage", "stage"}},
		either[] = {{"stage", "either"}, {"stage", "either"}},
		never[] = {{"stage", "stage", .never = true}, {"stage", "stage"}},
		never_word[] = {{"stage", "words", .never = true}, {"stage", "words"}},
		never_last[] = {{"stage", "stage"}, {"stage", "stage", .never = true}},
		drops[] = {{"stage", "stage"}, {"stage", "drops"}, {"stage", "stage"}},
		drops_on[] = {{"stage", "drops", BIT(1)}, {"stage", "stage"}},
		passes[] = {{"stage", "passes", .no_slot = true},
			    {"stage", "words"},
			    {"stage", "passes", .no_slot = true}},
		reloc[] = {{"stage", "relocated", BIT(0)}, {"stage", "stage"}};

	check_ways("all that an object can hold", all, COUNT(all), NULL);
	check_ways("by a jump", either, COUNT(either), NULL);
	check_ways("never", never, COUNT(never), NULL);
	check_ways("never, known", never_word, COUNT(never_word), NULL);
	check_ways("never at the end", never_last, COUNT(never_last), NULL);
	check_ways("never at the end, final", never_last, COUNT(never_last), "tx");
	check_ways("always drops", drops, COUNT(drops), NULL);
	check_ways("always drops, final", drops, COUNT(drops), "tx");
	check_ways("drops, and goes on", drops_on, COUNT(drops_on), NULL);
	check_ways("leaves the context alone", passes, COUNT(passes), NULL);
	check_ways("a verdict that CO-RE decides", reloc, COUNT(reloc), NULL);
}

/* Older kernels count a function without a stack as 32 bytes of it: 512 above it are too many. */
static bool frame_is_free(void)
{
	const struct bpf_insn calls[] = {
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -512},
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "frame", "GPL", calls,
					       COUNT(calls), NULL);

	return fd >= 0;
}

/* The stack is full up to the context's slot, or to the end. */
static void test_stack(void)
{
	static const struct pipe_stage full[] = {{"stack", "stack_504"}, {"stage", "stage"}},
				       last[] = {{"stage", "stage"}, {"stack", "stack_512"}},
				       variable[] = {{"stack", "stack_var"}, {"stack", "stack_64"}},
				       chain[] = {{"stack", "stack_chain"}, {"stack", "stack_240"}};

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct running r;

		if (ways[i].call)
			continue; /* 504 bytes below a frame of braid's are too much for the kernel
				   */
		if (text_eq(ways[i].strategy, "fused") && !frame_is_free()) {
			skip("504 and 512 bytes, %s: this kernel has less for a stage",
			     ways[i].name);
			continue;
		}
		if (is_int(start(&r, &ways[i], full, 2, NULL), 0, "504 bytes, %s", ways[i].name))
			check_all_verdicts(&r, "504 bytes", full, 2, NULL, ways[i].record);
		stop(&r);
		if (text_eq(ways[i].strategy, "fused")) {
			if (is_int(start(&r, &ways[i], last, 2, NULL), 0, "512, %s", ways[i].name))
				check_all_verdicts(&r, "512 bytes", last, 2, NULL, ways[i].record);
			stop(&r);
		}
	}
	check_ways("a variable index", variable, COUNT(variable), NULL);
	check_ways("calls", chain, COUNT(chain), NULL);
}

/* The value of a map of @stage at @key. */
static __u64 map_value(const struct running *r, __u32 stage, const char *map, __u32 key,
		       size_t size)
{
	struct image_map *m = image_find_map(r->pipe.image, stage, map);
	__u64 value[8] = {};

	if (!m || m->def.value_size != size)
		bail_out("s%u has no map %s of %zu bytes", stage, map, size);
	if (bpf_map_lookup_elem(loaded_map(r->loaded, m->symbol), &key, value))
		return -1;
	return value[size / 8 - 1];
}

static __u64 global(const struct running *r, const char *section, const char *name)
{
	_cleanup_free_ char *bytes = malloc(4096);
	const struct unit *u = r->pipe.image->unit;
	__u32 index;
	const struct var *v = unit_find_var(u, name, &index);
	__u64 value = 0;

	if (!v || !text_eq(u->sections.v[index].name, section))
		bail_out("no %s in %s", name, section);
	if (loaded_read(r->loaded, section, bytes, u->sections.v[index].bytes.n, &err))
		bail_out("%s", err.what);
	memcpy(&value, bytes + v->offset, v->size);
	return value;
}

/* Two objects with the same names for everything, and one of them twice. */
static void test_twins(void)
{
	static const struct pipe_stage twins[] = {
		{"twin1", NULL}, {"twin2", NULL}, {"twin1", NULL}};
	static const __u8 pass[] = {2, 2, 2};

	for (size_t i = 0; i < COUNT(ways); i++) {
		__u8 out[STAGE_PACKET];
		struct running r;

		if (!is_int(start(&r, &ways[i], twins, 3, NULL), 0, "twins, %s", ways[i].name)) {
			stop(&r);
			continue;
		}
		for (int k = 0; k < 3; k++)
			is_int(send(&r, pass, 3, out), XDP_PASS, "all pass");
		is_int(map_value(&r, 0, "table", 0, 16), 3 * 12, "the first one's map");
		is_int(map_value(&r, 1, "table", 1, 24), 3 * 24, "the second one's");
		is_int(map_value(&r, 2, "table", 0, 16), 3 * 12, "and the first again, apart");
		is_int(global(&r, ".data.s0", "s0__total"), 103, "the first one's globals");
		is_int(global(&r, ".data.s1", "s1__total"), 206, "the second one's");
		is_int(global(&r, ".data.s2", "s2__calls"), 3, "those of .bss");
		stop(&r);
	}
}

/*
 * Stages that make tail calls, whose programs return here; next to such as know frags. What
 * they return if the tail call fails, and nothing else, is what many kernels expect of a
 * static function.
 */
static void test_tail_calls(void)
{
	static const struct {
		const char *what;
		struct pipe_stage stages[2];
	} cases[] = {
		{"tail call", {{"tail", "tail"}, {"stage", "stage"}}},
		{"tail call at the end", {{"stage", "stage"}, {"tail", "tail"}}},
		{"two of them", {{"tail", "tail"}, {"tail", "tail"}}},
		{"frags", {{"tail_frags", "tail"}, {"stage", "stage"}}},
		{"frags, but not the other", {{"tail_frags", "tail"}, {"twin1", NULL}}},
		{"beside 240 bytes", {{"stack", "stack_240"}, {"tail", "tail"}}},
		{"beside 248 bytes", {{"stack", "stack_248"}, {"tail", "tail"}}},
		{"beside 448 bytes", {{"stack", "stack_448"}, {"tail", "tail"}}},
		{"into itself", {{"tail", "again"}, {"stage", "stage"}}},
		{"of another type", {{"tail", "untyped"}, {"stage", "stage"}}},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check_ways(cases[i].what, cases[i].stages, 2, NULL);
}

/* What a manifest says about the inside: constants, sizes, entries, shared maps. */
static void test_settings(void)
{
	static const struct pipe_stage stages[] = {{"stage", "stage"}, {"stage", "stage"}};
	static const char *const members[] = {"s0.table", "s1.table"};
	static const __u8 pass[] = {2, 2};

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct pipe_opts opts = {.folder = folder,
					 .strategy = ways[i].strategy,
					 .record = ways[i].record,
					 .signals = ways[i].signals};
		__u8 out[STAGE_PACKET];
		struct running r;
		struct braid_pipeline *p;
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);

		pipe_init(&r.pipe, &opts, stages, 2);
		p = r.pipe.pipeline;
		if (braid_pipeline_set_constant(p, "s0", "limits", "{low: 7, high: 9}", &err) ||
		    braid_pipeline_set_constant(p, "s1", "limits", "{low: 8}", &err) ||
		    braid_pipeline_share_map(p, "both", members, 2, &err) ||
		    braid_pipeline_set_max_entries(p, "s0", "table", 9, &err) ||
		    braid_pipeline_add_entry(p, "s0", "table", "7", "100", &err))
			bail_out("%s", err.what);
		if (is_int(start_more(&r, &opts, stages, 2), 0, "settings, %s", ways[i].name)) {
			is_int(send(&r, pass, 2, out), XDP_PASS, "passes");
			is_int(map_value(&r, 0, "table", 7, 8), 101, "an entry, counted on");
			is_int(map_value(&r, 0, "table", 8, 8), 1, "by another constant");
			is_int(map_value(&r, 1, "table", 7, 8), 101, "in the one map of both");
			bpf_obj_get_info_by_fd(loaded_map(r.loaded, "both"), &info, &size);
			is_int(info.max_entries, 9, "of the size that was asked for");
		}
		stop(&r);
	}
}

/* As many as there may be; the packet leaves at any of them. */
static void test_many(void)
{
	struct pipe_stage stages[64];
	__u8 bytes[64], out[STAGE_PACKET];

	for (size_t k = 0; k < 64; k++)
		stages[k] = (struct pipe_stage){"stage", k % 3 ? "words" : "either"};
	for (size_t i = 0; i < COUNT(ways); i++) {
		size_t wrong = 0;
		struct running r;
		int error = start(&r, &ways[i], stages, 64, NULL);

		if (ways[i].call && error == -E2BIG) {
			skip("64, %s: too large for this kernel's verifier", ways[i].name);
			stop(&r);
			continue;
		}
		if (!is_int(error, 0, "64, %s", ways[i].name)) {
			stop(&r);
			continue;
		}
		for (size_t leaves = 0; leaves < 64; leaves++) {
			size_t seen = 0;

			memset(bytes, XDP_PASS, sizeof(bytes));
			bytes[leaves] = XDP_DROP;
			wrong += send(&r, bytes, 64, out) != XDP_DROP;
			for (size_t k = 0; k < 64; k++)
				seen += out[STAGE_TRACE + k];
			wrong += seen != leaves + 1;
			wrong += ways[i].record && recorded(&r) != leaves;
		}
		is_int(wrong, 0, "64 stages: leaving at each, %s", ways[i].name);
		stop(&r);
	}
}

/* More maps than a program may use: auto makes several programs of it. */
static void test_crowd(void)
{
	static const struct pipe_stage stages[] = {
		{"crowd", NULL}, {"crowd", NULL}, {"crowd", NULL}};
	static const struct way crowded[] = {{"auto", "auto"}, {"auto, recording", "auto", true}};

	for (size_t i = 0; i < COUNT(crowded); i++) {
		struct running r;

		if (is_int(start(&r, &crowded[i], stages, 3, NULL), 0, "crowd, %s",
			   crowded[i].name)) {
			is_int(r.pipe.plan->segments.n, 2, "two programs");
			is_int(r.pipe.plan->strategy, STRATEGY_FUSED, "as few as can be");
			check_all_verdicts(&r, crowded[i].name, stages, 3, NULL, crowded[i].record);
		}
		stop(&r);
	}
}

/* An object in which @program is longer by @n instructions that do nothing. */
static void make_long(const char *path, const char *object, const char *program, __u32 n)
{
	struct bpf_insn nothing = {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_6};
	_cleanup_(unit_freep) struct unit *u = unit_in(folder, object);
	struct func *f = &u->funcs.v[unit_find_func(u, program)];
	struct buf bytes;

	if (!array_reserve(&f->insns, n))
		bail_out("out of memory");
	memmove(f->insns.v + n, f->insns.v, f->insns.n * sizeof(nothing));
	for (__u32 i = 0; i < n; i++)
		f->insns.v[i] = nothing;
	f->insns.n += n;
	array_foreach (ref, &f->refs)
		ref->insn += n;
	array_foreach (l, &f->lines)
		l->insn += l->insn ? n : 0;
	bytes = unit_bytes(u);
	file_write(path, bytes.v, bytes.n);
	buf_done(&bytes);
}

/* Stages across which no jump reaches: dynamic verdicts, and such as are all known. */
static void test_long(void)
{
	static const struct pipe_stage
		asks[] = {{"long", "stage"}, {"long", "stage"}, {"long", "stage"}},
		knows[] = {{"long", "words"}, {"long", "words"}, {"long", "words"}},
		jumps[] = {{"long", "either"}, {"long", "either"}, {"long", "either"}};
	const char *own = folder;
	_cleanup_free_ char *path = text_fmt("%s/long.o", net_scratch());

	make_long(path, "stage", "stage", 25000);
	folder = net_scratch();
	check_ways("far away", asks, COUNT(asks), NULL);
	folder = own;
	make_long(path, "stage", "either", 25000);
	folder = net_scratch();
	check_ways("far away, by a jump", jumps, COUNT(jumps), NULL);
	folder = own;
	make_long(path, "stage", "words", 25000);
	folder = net_scratch();
	check_ways("far away, known", knows, COUNT(knows), NULL);
	check_ways("far away, known, final", knows, COUNT(knows), "tx");
	folder = own;
}

/* A reader of the running program sees the authors' names and lines. */
static void test_names(void)
{
	static const struct pipe_stage stages[] = {{"stage", "stage"},
						   {"twin1", NULL, .call = true}};
	static const char *const want[] = {
		"s0__count", "s1__helper", "s1__twin", "stage_act(ctx, slot)",
		"runs++",    "s0 -> s1",   "call s1"};
	_cleanup_run_ struct run dump = {};
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct running r;
	char id[16];

	if (start(&r, &ways[0], stages, 2, NULL))
		bail_out("nothing to look at");
	bpf_obj_get_info_by_fd(r.program, &info, &size);
	snprintf(id, sizeof(id), "%u", info.id);
	is_int(run(&dump, "bpftool", "prog", "dump", "xlated", "id", id, "linum"), 0, "bpftool");
	for (size_t i = 0; i < COUNT(want); i++)
		ok(strstr(dump.out, want[i]), "the dump tells of '%s'", want[i]);
	is_str(info.name, "test", "the program has the pipeline's name");
	stop(&r);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: splice_test FOLDER");
	folder = argv[1];
	net_init();
	test_verdicts();
	test_edges();
	test_stack();
	test_twins();
	test_tail_calls();
	test_settings();
	test_many();
	test_crowd();
	test_long();
	test_names();
	braid_error_clear(&err);
	return done();
}
