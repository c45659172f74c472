/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Interfaces that got another name while a pipeline runs on them. The kernel's link follows
 * the interface; the manifest still has the name of before.
 */
#include "base/text.h"
#include "kernel/iface.h"
#include "live/live.h"

static bool is_same_netns(const struct interface *a, const struct interface *b)
{
	return a->netns ? text_eq(a->netns, b->netns) : !b->netns;
}

static bool is_named(const struct braid_pipeline *p, const struct interface *like, const char *name)
{
	array_foreach (i, &p->interfaces)
		if (is_same_netns(i, like) && text_eq(i->name, name))
			return true;
	return false;
}

/* The name of the interface in @ns that @a is at. false: none, it was moved elsewhere. */
static bool name_of(const struct netns *ns, const struct attachment *a, char ret[IF_NAMESIZE])
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct spot s = {.ns = *ns, .ifindex = a->ifindex, .hook = a->hook}; /* borrows */
	bool found;

	if (a->cookie != ns->cookie || !a->live || iface_name(ns, a->ifindex, ret, &ignored) ||
	    spot_look(&s, &ignored))
		return false;
	found = attachment_is_at(a, &s);
	tc_state_done(&s.tc);
	return found;
}

/* As which interface of the manifest the pipeline was attached to @ifindex; NULL: unknown. */
static const char *known_name(const json_t *known, const struct netns *ns, __u32 ifindex)
{
	json_t *at;
	size_t i;

	json_array_foreach (known, i, at)
		if (text_eq(json_string_value(json_object_get(at, "netns")), ns->name) &&
		    json_integer_value(json_object_get(at, "ifindex")) == ifindex)
			return json_string_value(json_object_get(at, "name"));
	return NULL;
}

/* Names of the manifest, beside @iface, that no interface of @ns has and nobody knows of. */
static size_t count_missing(const struct braid_pipeline *p, const struct interface *iface,
			    const struct netns *ns)
{
	size_t n = 0;

	array_foreach (i, &p->interfaces) {
		_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
		__u32 ifindex;

		n += i != iface && is_same_netns(i, iface) &&
		     iface_index(ns, i->name, &ifindex, &ignored);
	}
	return n;
}

char *renamed_to(const struct braid_pipeline *p, const struct interface *iface, const char *home,
		 const struct attachments *all, const json_t *known)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	char name[IF_NAMESIZE], found[IF_NAMESIZE];
	size_t n = 0;

	if (netns_open(iface->netns ?: home, &ns, &ignored))
		return NULL;
	array_foreach (a, &all->list) {
		const char *was = known_name(known, &ns, a->ifindex);

		if (!name_of(&ns, a, name) || is_named(p, iface, name))
			continue;
		if (text_eq(was, iface->name))
			return strdup(name);
		if (!was) {
			strcpy(found, name);
			n++;
		}
	}
	return n == 1 && !count_missing(p, iface, &ns) ? strdup(found) : NULL;
}
