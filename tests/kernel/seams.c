/* SPDX-License-Identifier: GPL-2.0-only */
#include "seams.h"

#include <bpf/bpf.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/testrun.h"

const char *seams_hook = "xdp";
const char *seams_folder;
static struct braid_error err;

/* auto: as few programs as will do, mostly one */
const struct seams_way seams_ways[SEAMS_WAYS] = {
	{"fused", STRATEGY_AUTO},
	{"tailcall", STRATEGY_TAILCALL},
	{"called", STRATEGY_AUTO, .called = true},
	{"called, tailcall", STRATEGY_TAILCALL, .called = true},
	{"recording", STRATEGY_AUTO, .record = true},
	{"clean stack", STRATEGY_AUTO, .clean_stack = true},
};

const char *seams_error(void)
{
	static char text[4096];

	snprintf(text, sizeof(text), "%s|%s|%s|%s", err.where ?: "", err.what ?: "", err.why ?: "",
		 err.hint ?: "");
	return text;
}

int seams_plan(struct seams *s, const struct seams_way *way, const char *pipeline,
	       const char *stages)
{
	_cleanup_free_ char *name = text_fmt("%s/edge.yaml", seams_folder);
	_cleanup_free_ char *text =
		text_fmt("{braid: 1, pipelines: [{name: edge, hook: %s, %sstages: %s}]}",
			 seams_hook, pipeline, stages);
	int r;

	*s = (struct seams){.program = -1, .control = -1, .config = -1};
	if (!name || !text)
		bail_out("no memory");
	if (braid_manifest_parse(text, strlen(text), name, NULL, &s->manifest, &err))
		bail_out("%s\n%s", seams_error(), text);
	r = plan_new(braid_manifest_get(s->manifest, 0), way->strategy, NULL, &s->plan, &err);
	if (r)
		return r;
	s->plan->clean_stack = way->clean_stack;
	r = plan_observe(s->plan, way->observe, &err);
	array_foreach (ps, &s->plan->stages)
		ps->called |= way->called;
	return r;
}

int seams_load(struct seams *s, const struct seams_way *way, const struct load_reuse *reuse,
	       size_t n_reuse)
{
	struct image_opts opts = {.record = way->record, .observe = way->observe};
	int r = image_new(s->plan, &opts, &s->image, &err);

	r = r ?: load_image(s->image, &(struct load_opts){reuse, n_reuse}, &s->loaded, &err);
	if (r)
		return r;
	s->program = loaded_program(s->loaded, 0);
	s->control = loaded_map(s->loaded, CONTROL_SECTION);
	s->config = loaded_map(s->loaded, CONFIG_SECTION);
	return 0;
}

void seams_start(struct seams *s, const struct seams_way *way, const char *pipeline,
		 const char *stages)
{
	if (seams_plan(s, way, pipeline, stages) || seams_load(s, way, NULL, 0))
		bail_out("%s: %s\n%s", way->name, stages, seams_error());
}

void seams_done(struct seams *s)
{
	loaded_free(s->loaded);
	image_free(s->image);
	braid_plan_free(s->plan);
	braid_manifest_free(s->manifest);
	braid_error_clear(&err);
	*s = (struct seams){};
}

__u32 seams_stage(const struct seams *s, const char *name)
{
	array_foreach (ps, &s->plan->stages)
		if (text_eq(ps->stage->name, name))
			return ps - s->plan->stages.v;
	bail_out("the plan has no stage %s", name);
}

struct control seams_control(const struct seams *s)
{
	struct control c;
	__u32 zero = 0;

	if (bpf_map_lookup_elem(s->control, &zero, &c))
		bail_out("cannot read the control block");
	return c;
}

void seams_set_control(const struct seams *s, const struct control *c)
{
	__u32 zero = 0;

	if (bpf_map_update_elem(s->control, &zero, c, BPF_ANY))
		bail_out("cannot write the control block");
}

void seams_bypass(const struct seams *s, const char *names)
{
	_cleanup_free_ char *copy = strdup(names);
	struct control c = seams_control(s);
	char *rest = copy, *name;

	memset(c.bypass, 0, sizeof(c.bypass));
	while ((name = strsep(&rest, " "))) {
		__u32 k = *name ? seams_stage(s, name) : 0;

		if (*name)
			c.bypass[k / 32] |= 1u << k % 32;
	}
	seams_set_control(s, &c);
}

__u32 seams_run(const struct seams *s, void *packet, size_t size)
{
	__u8 in[4096], out[4096];
	struct testrun run = {.packet = in, .size = size, .out = out, .room = sizeof(out)};
	struct testrun_result result;

	if (size > sizeof(in))
		bail_out("a packet of %zu bytes", size);
	memcpy(in, packet, size);
	if (testrun_packet(s->program, &run, &result, &err))
		bail_out("%s", seams_error());
	memcpy(packet, out, size < result.size ? size : result.size);
	return result.verdict;
}
