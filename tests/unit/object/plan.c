/* SPDX-License-Identifier: GPL-2.0-only */
/* What is decided about a pipeline before anything is linked or loaded. */
#include <errno.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "base/text.h"
#include "pipe.h"
#include "tap.h"

static const char *folder;
static struct braid_error err;

static int build(struct pipe *p, const char *strategy, const struct pipe_stage *stages, size_t n)
{
	struct pipe_opts opts = {.folder = folder, .strategy = strategy};

	pipe_init(p, &opts, stages, n);
	return pipe_build(p, &opts, stages, n, &err);
}

static const char *error_all(void)
{
	static char text[2048];

	snprintf(text, sizeof(text), "%s|%s|%s|%s", err.where ?: "", err.what ?: "", err.why ?: "",
		 err.hint ?: "");
	return text;
}

#define says(word) ok(strstr(error_all(), word), "the error says '%s': %s", word, error_all())

static void test_licences(void)
{
	static const struct pipe_stage free_mix[] = {{"maps", "maps", .no_slot = true},
						     {"stage", "stage"}},
				       helper[] = {{"closed", NULL}, {"gpl_helper", NULL}},
				       kfunc[] = {{"gpl_kfunc", NULL}, {"closed", NULL}},
				       closed[] = {{"closed", NULL}, {"stack", "stack_8"}};
	struct pipe p;

	is_int(build(&p, "auto", free_mix, 2), 0, "Dual BSD/GPL and GPL");
	is_str(p.plan ? p.plan->license : NULL, "GPL", "make GPL");
	pipe_done(&p);
	is_int(build(&p, "auto", helper, 2), -EINVAL, "a closed one and a GPL-only helper");
	says("Proprietary");
	says("stage s0");
	says("'s1'");
	says("bpf_trace_printk");
	pipe_done(&p);
	is_int(build(&p, "auto", kfunc, 2), -EINVAL, "a closed one and a kernel function");
	says("bpf_cast_to_kern_ctx");
	pipe_done(&p);
	is_int(build(&p, "auto", closed, 2), 0,
	       "a closed one beside what needs nothing of the GPL");
	is_str(p.plan ? p.plan->license : NULL, "Proprietary", "makes all of it closed");
	pipe_done(&p);
}

static void test_segments(void)
{
	static const struct pipe_stage crowd[] = {
		{"crowd", NULL}, {"crowd", NULL}, {"crowd", NULL}};
	struct pipe_stage many[64];
	struct pipe p;

	is_int(build(&p, "auto", crowd, 2), 0, "60 maps");
	is_int(p.plan->segments.n, 1, "one program");
	pipe_done(&p);
	is_int(build(&p, "auto", crowd, 3), 0, "90 maps");
	is_int(p.plan->segments.n, 2, "two programs");
	ok(strstr(p.plan->why, "64"), "for a reason: %s", p.plan->why);
	pipe_done(&p);
	is_int(build(&p, "fused", crowd, 3), -E2BIG, "one program was asked for");
	says("64 maps");
	pipe_done(&p);
	for (size_t k = 0; k < 64; k++)
		many[k] = (struct pipe_stage){"stage", "words"};
	is_int(build(&p, "tailcall", many, 34), 0, "34 stages by tail calls");
	is_int(p.plan->segments.n, 34, "one by one");
	pipe_done(&p);
	is_int(build(&p, "tailcall", many, 64), 0, "64 stages by tail calls");
	is_int(p.plan->segments.n, 34, "no more than may follow one another");
	pipe_done(&p);
}

static void test_placement(void)
{
	static const struct pipe_stage stages[] = {{"stage", "stage"},
						   {"stack", "stack_var"},
						   {"tail", "tail"},
						   {"stack", "stack_448"},
						   {"stack", "stack_chain"}};
	struct pipe p;

	is_int(build(&p, "fused", stages, 5), 0, "five of all sorts");
	ok(!p.plan->stages.v[0].called, "a plain one is spliced");
	ok(p.plan->stages.v[1].called && strstr(p.plan->stages.v[1].why_called, "stack"),
	   "a variable index is called");
	ok(p.plan->stages.v[2].called && strstr(p.plan->stages.v[2].why_called, "tail call"),
	   "a tail call, too");
	ok(p.plan->stages.v[3].called, "and what is deep beside a tail call");
	ok(!p.plan->stages.v[4].called, "calls are none the worse");
	pipe_done(&p);
}

static void test_defaults(void)
{
	static const struct pipe_stage one[] = {{"stage", "stage"}},
				       set[] = {{"stage", "stage", 2}};
	struct pipe p;

	is_int(build(&p, "auto", one, 1), 0, "nothing said");
	is_int(p.plan->stages.v[0].proceed_on, 1u << XDP_PASS, "goes on after pass");
	is_int(p.plan->stages.v[0].proceed_from, FROM_DEFAULT, "by default");
	ok(p.plan->frags, "one that knows frags");
	is_int(p.plan->strategy, STRATEGY_FUSED, "auto is fused");
	pipe_done(&p);
	is_int(build(&p, "tailcall", set, 1), 0, "verdicts and strategy said");
	is_int(p.plan->stages.v[0].proceed_on, 2, "as it was said");
	is_int(p.plan->stages.v[0].proceed_from, FROM_MANIFEST, "by the manifest");
	is_int(p.plan->strategy, STRATEGY_TAILCALL, "and so is the strategy");
	pipe_done(&p);
}

static void test_programs(void)
{
	static const struct pipe_stage missing[] = {{"stage", "stagee"}},
				       several[] = {{"stage", NULL}},
				       hook[] = {{"kinds", "other_hook", .no_slot = true}};
	struct pipe p;

	is_int(build(&p, "auto", missing, 1), -ENOENT, "a program that is not there");
	says("'stage'");
	pipe_done(&p);
	is_int(build(&p, "auto", several, 1), -ENOENT, "several, and none named");
	says("words");
	pipe_done(&p);
	is_int(build(&p, "auto", hook, 1), -EINVAL, "one of another hook");
	says("section 'tc'");
	pipe_done(&p);
}

static void test_names(void)
{
	struct pipe_opts opts = {.folder = folder, .strategy = "auto"};
	struct pipe_stage stages[] = {{"stage", "stage"}, {"stage", "stage"}};
	static const char *const members[] = {"s0.table", "s1.table"};
	static const char *const different[] = {"s0.table", "s1.a0"};
	struct pipe p;

	pipe_init(&p, &opts, stages, 2);
	if (braid_pipeline_share_map(p.pipeline, "s1--table", members, 2, &err))
		bail_out("%s", err.what);
	is_int(pipe_build(&p, &opts, stages, 2, &err), 0,
	       "a shared map with a name like a private one");
	is_int(p.image ? p.image->unit->maps.n : 0, 1, "is one map");
	pipe_done(&p);
	stages[1] = (struct pipe_stage){"crowd", "crowd"};
	pipe_init(&p, &opts, stages, 2);
	if (braid_pipeline_share_map(p.pipeline, "both", different, 2, &err))
		bail_out("%s", err.what);
	is_int(pipe_build(&p, &opts, stages, 2, &err), -EINVAL, "different maps are not shared");
	says("type");
	pipe_done(&p);
}

/* Stages of @n that have a priority, by their numbers; -1: none. */
static int build_components(struct pipe *p, const int *priorities, size_t n)
{
	struct pipe_opts opts = {.folder = folder, .strategy = "dispatcher"};
	struct pipe_stage stages[12];

	for (size_t k = 0; k < n; k++)
		stages[k] = (struct pipe_stage){"stage", "words"};
	pipe_init(p, &opts, stages, n);
	for (size_t k = 0; k < n; k++) {
		p->pipeline->stages.v[k].has_priority = priorities[k] >= 0;
		p->pipeline->stages.v[k].priority = priorities[k];
	}
	return pipe_build(p, &opts, stages, n, &err);
}

static void is_component(const struct pipe *p, size_t i, __u32 n, __u32 priority)
{
	const struct segment *seg = &p->plan->segments.v[i];

	is_int(seg->n, n, "component %zu has %u stages", i, n);
	is_int(seg->priority, priority, "its priority is %u", priority);
	is_int(seg->actions, p->plan->stages.v[seg->first].proceed_on, "its verdicts the stage's");
}

static void test_components(void)
{
	static const int between[] = {10, -1, -1, 50, 90}, back[] = {-1, 40};
	static const int crowd[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	struct pipe p;

	is_int(build_components(&p, between, 5), -EINVAL, "of equal priorities the names decide");
	says("'s3'");
	pipe_done(&p);
	is_int(build_components(&p, (int[]){10, -1, -1, 51, 90}, 5), 0, "stages with priorities");
	is_int(p.plan->segments.n, 4, "four components");
	is_component(&p, 0, 1, 10);
	is_component(&p, 1, 2, 50);
	is_component(&p, 2, 1, 51);
	is_component(&p, 3, 1, 90);
	is_int(unit_find_map(p.image->unit, IMAGE_JUMPS), -1, "without tail calls");
	pipe_done(&p);
	is_int(build_components(&p, back, 2), -EINVAL, "priorities against the order");
	says("in front of");
	pipe_done(&p);
	is_int(build_components(&p, crowd, 11), -ENOSPC, "eleven components");
	says("room for 10");
	pipe_done(&p);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: plan FOLDER");
	folder = argv[1];
	test_licences();
	test_segments();
	test_components();
	test_placement();
	test_defaults();
	test_programs();
	test_names();
	braid_error_clear(&err);
	return done();
}
