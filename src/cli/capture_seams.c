/* SPDX-License-Identifier: GPL-2.0-only */
/* Seams as interfaces of a capture, and packets at them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "cli/capture.h"

static bool names_it(const struct seam_choice *c, const char *stage)
{
	for (size_t i = 0; i < c->n_stages; i++)
		if (text_eq(c->stages[i], stage))
			return true;
	return !c->n_stages;
}

static bool wants_before(const struct seam_choice *c)
{
	return c->before || (c->n_stages && !c->after);
}

static bool wants_after(const struct seam_choice *c)
{
	return c->after || !c->before;
}

const char **seams_before(const struct seam_choice *c, const char *const *all, size_t n_all,
			  size_t *ret_n)
{
	const char **list = calloc(n_all + 1, sizeof(*list));

	*ret_n = 0;
	for (size_t i = 0; list && i < n_all; i++)
		if (wants_before(c) && names_it(c, all[i]))
			list[(*ret_n)++] = all[i];
	return list;
}

void seams_limit(const struct seam_choice *c, struct braid_observe_opts *opts)
{
	opts->only = c->n_stages || !wants_after(c);
	if (!opts->only || !wants_after(c))
		return;
	opts->behind = c->stages;
	opts->n_behind = c->n_stages;
}

static int add(struct seams *s, uint32_t point, const struct names *n, const char *pipeline)
{
	struct seam *seam = array_push(&s->list);
	const char *stage = names_stage(n, point);

	if (!seam)
		return -ENOMEM;
	s->present++;
	seam->point = point;
	if (point >= BRAID_EVENT_LOST)
		seam->name = strdup(stage);
	else
		seam->name = text_fmt("%s (%s)", stage,
				      point & BRAID_EVENT_BEFORE ? "before" : "after");
	seam->description = text_fmt("pipeline %s, revision %u, %s", pipeline, n->revision,
				     n->hook);
	return seam->name && seam->description ? 0 : -ENOMEM;
}

/* The observer has checked what it was asked for: it was there. */
static int no_stage(const char *name, const struct names *n, const char *pipeline,
		    struct braid_error *err)
{
	braid_error_clear(err);
	err->code = -ENOENT;
	err->where = strdup(pipeline);
	err->what = text_fmt("revision %u has no stage '%s' any more", n->revision, name);
	err->hint = strdup("braid status lists its stages");
	return -ENOENT;
}

static bool has_stage(const struct names *n, const char *name)
{
	array_foreach (s, &n->stages)
		if (text_eq(s->name, name))
			return true;
	return false;
}

int seams_choose(struct seams *s, const struct seam_choice *c, const struct names *n,
		 const char *pipeline, struct braid_error *err)
{
	bool ends = !c->n_stages && wants_after(c);
	int r = 0;

	for (size_t i = 0; i < c->n_stages; i++)
		if (!has_stage(n, c->stages[i]))
			return no_stage(c->stages[i], n, pipeline, err);
	s->present = 0;
	if (ends && !c->after)
		r = add(s, BRAID_EVENT_ENTRY, n, pipeline);
	for (size_t i = 0; i < n->stages.n; i++) {
		if (!names_it(c, n->stages.v[i].name))
			continue;
		if (wants_before(c))
			r = r ?: add(s, i | BRAID_EVENT_BEFORE, n, pipeline);
		if (wants_after(c))
			r = r ?: add(s, i, n, pipeline);
	}
	if (ends)
		r = r ?: add(s, BRAID_EVENT_END, n, pipeline)
				 ?: add(s, BRAID_EVENT_LOST, n, pipeline);
	if (r)
		err->code = r;
	return r;
}

static void seam_done(struct seam *s)
{
	free(s->name);
	free(s->description);
	free(s->comment.text);
}

/* Those of earlier revisions are not in a new file. */
static void seams_forget(struct seams *s)
{
	size_t old = s->list.n - s->present;

	for (size_t i = 0; i < old; i++)
		seam_done(&s->list.v[i]);
	if (old)
		memmove(s->list.v, s->list.v + old, s->present * sizeof(*s->list.v));
	s->list.n = s->present;
}

void seams_done(struct seams *s)
{
	array_foreach (seam, &s->list)
		seam_done(seam);
	array_done(&s->list);
}

struct seam *seams_find(struct seams *s, const struct braid_event *e)
{
	for (size_t i = s->list.n - s->present; i < s->list.n; i++)
		if (s->list.v[i].point == e->point)
			return &s->list.v[i];
	return NULL;
}

void seams_add(struct seams *s, struct buf *out)
{
	for (size_t i = s->list.n - s->present; i < s->list.n; i++) {
		struct seam *seam = &s->list.v[i];
		const struct pcapng_interface block = {.name = seam->name,
						       .description = seam->description,
						       .filter = s->filter,
						       .snap = s->snap};

		seam->interface = i;
		seam->packets = 0;
		pcapng_interface(out, &block);
	}
}

void seams_begin_file(struct seams *s, struct buf *out)
{
	struct utsname u;
	_cleanup_free_ char *os = NULL, *application = text_fmt("braid %s", braid_version());
	struct pcapng_section section = {.application = application};

	if (!uname(&u)) {
		os = text_fmt("%s %s", u.sysname, u.release);
		section.os = os;
		section.hardware = u.machine;
	}
	pcapng_section(out, &section);
	seams_forget(s);
	seams_add(s, out);
}

void seams_end_file(const struct seams *s, uint64_t start_ns, uint64_t end_ns, uint64_t missed,
		    struct buf *out)
{
	array_foreach (seam, &s->list) {
		const struct pcapng_statistics block = {
			.interface = seam->interface,
			.time_ns = end_ns,
			.start_ns = start_ns,
			.end_ns = end_ns,
			.received = seam->packets,
			.dropped = missed,
			.comment = missed ? "missed: at all seams together" : NULL,
		};

		pcapng_statistics(out, &block);
	}
}

static bool is_outbound(const char *hook)
{
	return text_eq(hook, "tc-egress") || text_has_prefix(hook, "netkit");
}

/* "guard: drop, leaves; r0, cpu 1" */
static char *comment(const struct names *n, const struct braid_event *e)
{
	const char *interface = names_interface(n, e->ifindex), *stage = names_stage(n, e->point);
	_cleanup_free_ char *from = *interface ? strdup(interface)
					       : text_fmt("ifindex %u", e->ifindex);

	if (e->point == BRAID_EVENT_ENTRY)
		return text_fmt("%s; %s, cpu %u", stage, from, e->cpu);
	if (e->point < BRAID_EVENT_LOST && e->point & BRAID_EVENT_BEFORE)
		return text_fmt("before %s; %s, cpu %u", stage, from, e->cpu);
	return text_fmt("%s: %s%s; %s, cpu %u", stage, names_verdict(n, e->verdict),
			e->leaves ? ", leaves" : "", from, e->cpu);
}

static const char *comment_of(struct seam *s, const struct names *n, const struct braid_event *e)
{
	struct seam_comment *c = &s->comment;

	if (c->text && c->verdict == e->verdict && c->ifindex == e->ifindex &&
	    c->leaves == e->leaves && c->cpu == e->cpu)
		return c->text;
	free(c->text);
	*c = (struct seam_comment){comment(n, e), e->verdict, e->ifindex, e->leaves, e->cpu};
	return c->text;
}

/* A number as the kernel has it: those of TC have a sign. */
static uint64_t verdict_number(const char *hook, uint32_t verdict)
{
	return text_eq(hook, "xdp") ? verdict : (uint64_t)(int32_t)verdict;
}

void seam_packet(struct seam *s, const struct names *n, const struct braid_event *e,
		 uint64_t dropped, const char *gap, struct buf *out)
{
	const char *text = comment_of(s, n, e);
	_cleanup_free_ char *both = gap ? text_fmt("%s; %s", gap, text ?: "") : NULL;
	bool judged = e->point != BRAID_EVENT_ENTRY &&
		      (e->point >= BRAID_EVENT_LOST || !(e->point & BRAID_EVENT_BEFORE));
	const struct pcapng_packet block = {
		.interface = s->interface,
		.time_ns = e->time_ns + n->wall_ns,
		.bytes = e->bytes,
		.captured = e->captured,
		.length = e->length,
		.comment = both ?: text,
		.direction = is_outbound(n->hook) ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
		.dropped = dropped,
		.id = e->packet,
		.queue = e->queue,
		.verdict_kind = !judged                   ? PCAPNG_NO_VERDICT
				: text_eq(n->hook, "xdp") ? PCAPNG_XDP
							  : PCAPNG_TC,
		.verdict = verdict_number(n->hook, e->verdict),
	};

	pcapng_packet(out, &block);
}
