/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A change to the XDP programs of one interface, as it is made up. */
#include <errno.h>

#include "base/text.h"
#include "kernel/iface.h"
#include "live/chain.h"
#include "live/live.h"
#include "manifest/opts.h"

/* By enum chain_mode. */
static const char *const modes[] = {"native", "generic", "hardware", "any"};

static int parse_mode(const char *text, enum chain_mode *ret, struct braid_error *err)
{
	const char *near;

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (text_eq(text, modes[i])) {
			*ret = i;
			return 0;
		}
	near = text_nearest(text, modes, sizeof(modes) / sizeof(*modes));
	error_set(err, -EINVAL, NULL, "there is no mode '%s'", text);
	error_why(err, "there are native, generic, hardware, any");
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return -EINVAL;
}

int braid_chain_open(const char *interface, const struct braid_chain_opts *opts,
		     struct braid_chain **ret, struct braid_error *err)
{
	struct braid_chain_opts o;
	struct braid_chain *c;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	if (r)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return error_oom(err);
	c->ns = (struct netns)NETNS_INIT;
	c->now = DISPATCHER_NONE;
	c->alone = o.alone;
	r = parse_mode(o.mode ?: "native", &c->mode, err) ?: netns_open(o.netns, &c->ns, err);
	r = r ?: iface_index(&c->ns, interface, &c->ifindex, err);
	if (!r && o.pin_path) {
		c->pin_path = strdup(o.pin_path);
		r = c->pin_path ? 0 : error_oom(err);
	}
	if (!r)
		c->where = iface_where(&c->ns, c->ifindex);
	if (r) {
		braid_chain_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

static void member_done(struct chain_member *m)
{
	component_close(&m->object);
	free((char *)m->wish.path);
	free((char *)m->wish.section);
	free((char *)m->wish.program);
}

void braid_chain_close(struct braid_chain *c)
{
	if (!c)
		return;
	array_foreach (m, &c->add)
		member_done(m);
	array_done(&c->add);
	array_done(&c->remove);
	array_done(&c->set);
	array_done(&c->removed);
	dispatcher_done(&c->now);
	pinned_programs_done(&c->owners);
	netns_done(&c->ns);
	free(c->where);
	free(c->pin_path);
	free(c->bpffs);
	free(c->why_alone);
	free(c->why_pins);
	free(c);
}

/* NULL stays NULL. false: no memory. */
static bool copy(const char *text, const char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

int braid_chain_add(struct braid_chain *c, const struct braid_component *component,
		    struct braid_error *err)
{
	struct braid_component o;
	struct chain_member m = {};
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), component, err);
	if (r)
		return r;
	if (!o.object || (o.section && o.program)) {
		error_set(err, -EINVAL, o.object, "%s",
			  o.object ? "a program is chosen by its section or by its name"
				   : "which object?");
		return -EINVAL;
	}
	m.has_priority = o.has_priority;
	m.priority = o.priority;
	m.has_actions = o.has_actions;
	m.actions = o.actions;
	m.replaces = o.replaces;
	m.wish.pin_path = c->pin_path;
	if (!copy(o.object, &m.wish.path) || !copy(o.section, &m.wish.section) ||
	    !copy(o.program, &m.wish.program))
		r = error_oom(err);
	r = r ?: component_open(&m.wish, &m.object, err);
	if (!r && o.replaces)
		r = braid_chain_remove(c, o.replaces, err);
	if (!r && !array_add(&c->add, m))
		r = error_oom(err);
	if (r)
		member_done(&m);
	return r;
}

int braid_chain_remove(struct braid_chain *c, uint32_t id, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	array_foreach (known, &c->remove)
		if (*known == id)
			return 0;
	return array_add(&c->remove, id) ? 0 : error_oom(err);
}

int braid_chain_remove_all(struct braid_chain *c, struct braid_error *err)
{
	c->remove_all = true;
	return 0;
}

int braid_chain_set(struct braid_chain *c, uint32_t id, const uint32_t *priority,
		    const uint32_t *actions, struct braid_error *err)
{
	struct resetting set = {
		.id = id,
		.set_priority = priority,
		.set_actions = actions,
		.priority = priority ? *priority : 0,
		.actions = actions ? *actions : 0,
	};
	ERROR_SCRATCH(err);

	return array_add(&c->set, set) ? 0 : error_oom(err);
}
