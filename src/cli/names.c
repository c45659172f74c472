/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/names.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

void names_clock(struct names *n)
{
	n->wall_ns = clock_to_wall(CLOCK_MONOTONIC);
}

uint64_t names_now(const struct names *n)
{
	return clock_ns(CLOCK_MONOTONIC) + n->wall_ns;
}

static int add_stage(struct names *n, const struct braid_observer *o, size_t i)
{
	struct named_stage *s = array_push(&n->stages);

	if (!s)
		return -ENOMEM;
	s->name = strdup(braid_observer_stage(o, i) ?: "");
	s->program = strdup(braid_observer_program(o, i) ?: "");
	return s->name && s->program ? 0 : -ENOMEM;
}

static int add_interface(struct names *n, const json_t *j)
{
	const char *now = member(j, "now"), *name = *now ? now : member(j, "name");
	long long ifindex = number(j, "ifindex");
	struct named_interface *known;
	char *both;

	if (!ifindex)
		return 0;
	array_foreach (i, &n->interfaces) {
		if (i->ifindex != ifindex)
			continue;
		both = text_fmt("%s|%s", i->name, name);
		if (!both)
			return -ENOMEM;
		free(i->name);
		i->name = both;
		return 0;
	}
	known = array_push(&n->interfaces);
	if (!known || !(known->name = strdup(name)))
		return -ENOMEM;
	known->ifindex = ifindex;
	return 0;
}

/* A pipeline of that name may run in other homes, too; mostly in another revision. */
static int read_interfaces(struct names *n, struct braid *b, const char *pipeline,
			   struct braid_error *err)
{
	_cleanup_json_ json_t *j = NULL;
	json_t *p, *iface;
	size_t i, k;
	char *text;
	int r = braid_status(b, pipeline, &text, err);

	if (r)
		return r;
	j = parse_json(text);
	json_array_foreach (json_object_get(j, "pipelines"), i, p)
		if (number(p, "revision") == n->revision) {
			n->components = text_eq(member(p, "strategy"), "dispatcher");
			json_array_foreach (json_object_get(p, "interfaces"), k, iface)
				r = r ?: add_interface(n, iface);
		}
	return r;
}

int names_read(struct names *n, struct braid *b, const char *pipeline,
	       const struct braid_observer *o, struct braid_error *err)
{
	int r = 0;

	names_done(n);
	n->hook = braid_observer_hook(o);
	n->revision = braid_observer_revision(o);
	names_clock(n);
	for (size_t i = 0; i < braid_observer_stages(o) && !r; i++)
		r = add_stage(n, o, i);
	r = r ?: read_interfaces(n, b, pipeline, err);
	if (r) {
		names_done(n);
		if (!err->code)
			err->code = r;
	}
	return r;
}

void names_done(struct names *n)
{
	array_foreach (s, &n->stages) {
		free(s->name);
		free(s->program);
	}
	array_done(&n->stages);
	array_foreach (i, &n->interfaces)
		free(i->name);
	array_done(&n->interfaces);
}

const char *names_stage(const struct names *n, uint32_t point)
{
	switch (point) {
	case BRAID_EVENT_ENTRY:
		return "entry";
	case BRAID_EVENT_END:
		return "end";
	case BRAID_EVENT_LOST:
		return "tail call";
	}
	point &= ~BRAID_EVENT_BEFORE;
	return point < n->stages.n ? n->stages.v[point].name : "unknown";
}

const char *names_program(const struct names *n, uint32_t point)
{
	point &= ~BRAID_EVENT_BEFORE;
	return point < n->stages.n ? n->stages.v[point].program : "";
}

const char *names_verdict(const struct names *n, uint32_t verdict)
{
	return braid_verdict_name(n->hook, verdict) ?: "unknown";
}

const char *names_interface(const struct names *n, uint32_t ifindex)
{
	/* what it sends has its peer's number already, which is in another namespace */
	if (text_eq(n->hook, "netkit-primary"))
		return n->interfaces.n == 1 ? n->interfaces.v[0].name : "";
	array_foreach (i, &n->interfaces)
		if (i->ifindex == ifindex)
			return i->name;
	return "";
}

bool is_drop(const char *verdict)
{
	return text_eq(verdict, "drop") || text_eq(verdict, "aborted") ||
	       text_eq(verdict, "shot") || text_eq(verdict, "lost");
}
