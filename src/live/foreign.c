/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/foreign.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/attached.h"
#include "kernel/iface.h"
#include "kernel/owner.h"
#include "live/foreign_means.h"
#include "live/live.h"
#include "live/pinned.h"
#include "manifest/hook.h"

struct asked {
	__u64 cookie;
	__u32 ifindex;
};

struct foreign {
	struct owners owners;
	struct pinned_programs ours;
	ARRAY(struct asked) asked;
	__u64 boot_ns; /* when the machine started: since 1970 */
};

void foreign_free(struct foreign *f)
{
	if (!f)
		return;
	owners_done(&f->owners);
	pinned_programs_done(&f->ours);
	array_done(&f->asked);
	free(f);
}

int foreign_new(const char *root, struct foreign **ret, struct braid_error *err)
{
	_cleanup_foreign_ struct foreign *f = calloc(1, sizeof(*f));
	int r = f ? owners_read(root, &f->owners, err) ?: pinned_programs_read(root, &f->ours, err)
		  : error_oom(err);

	if (r)
		return r;
	f->boot_ns = clock_to_wall(CLOCK_BOOTTIME);
	*ret = TAKE_PTR(f);
	return 0;
}

/* How it is held there. */
static const char *by_text(const struct attached *a)
{
	bool xdp = a->hook == ATTACHED_XDP || a->hook == ATTACHED_HARDWARE;

	if (a->is.clsact)
		return "clsact";
	if (a->is.link_id || a->links)
		return "link";
	return xdp ? "netlink" : "program";
}

static void filter_to_json(const struct tc_attached *t, json_t *j)
{
	json_object_set_new(j, "kind", json_string(t->kind));
	json_object_set_new(j, "priority", json_integer(t->priority));
	json_object_set_new(j, "handle", json_integer(t->handle));
	if (t->chain)
		json_object_set_new(j, "chain", json_integer(t->chain));
	if (t->protocol != ETH_P_ALL)
		json_object_set_new(j, "protocol", json_integer(t->protocol));
	json_object_set_new(j, "direct-action", json_boolean(t->direct));
}

static void program_to_json(const struct foreign *f, const struct tc_attached *t, json_t *j)
{
	char tag[2 * sizeof(t->tag) + 1];

	json_object_set_new(j, "program", json_integer(t->prog_id));
	if (!t->loaded_ns) /* it may not be looked at, or is gone by now */
		return;
	for (size_t i = 0; i < sizeof(t->tag); i++)
		snprintf(tag + 2 * i, 3, "%02x", t->tag[i]);
	json_object_set_new(j, "tag", json_string(tag));
	json_object_set_new(j, "uid", json_integer(t->uid));
	json_object_set_new(j, "loaded", json_integer((f->boot_ns + t->loaded_ns) / 1000000000));
}

static void owners_to_json(const struct foreign *f, const struct tc_attached *t, json_t *j)
{
	json_t *processes = json_array(), *pins = json_array();

	owners_foreach(h, &f->owners, t->prog_id, t->link_id)
	{
		if (h->pin)
			json_array_append_new(pins, json_escaped(h->pin));
		else if (h->pid != (__u32)getpid())
			json_array_append_new(processes,
					      json_pack("{s:I, s:o}", "pid", (json_int_t)h->pid,
							"comm", json_escaped(h->comm)));
	}
	json_object_set_new(j, "processes", processes);
	json_object_set_new(j, "pins", pins);
}

static json_t *to_json(const struct foreign *f, const struct attached *a)
{
	const struct pinned_program *ours = pinned_program_find(&f->ours, a->is.prog_id);
	json_t *j = json_pack("{s:s, s:s, s:o}", "hook", foreign_hook_name(a->hook), "by",
			      by_text(a), "name", json_escaped(a->is.name));

	if (a->hook == ATTACHED_XDP || a->hook == ATTACHED_HARDWARE)
		json_object_set_new(j, "mode", json_string(xdp_mode_names[a->mode]));
	if (a->is.link_id)
		json_object_set_new(j, "link", json_integer(a->is.link_id));
	if (a->is.clsact)
		filter_to_json(&a->is, j);
	if (a->is.prog_id)
		program_to_json(f, &a->is, j);
	if (ours) {
		json_object_set_new(j, "pipeline", json_string(ours->pipeline));
		json_object_set_new(j, "home", json_string(ours->home));
	}
	owners_to_json(f, &a->is, j);
	return j;
}

static bool is_own(const struct foreign *f, const struct foreign_view *view,
		   const struct attached *a)
{
	const struct pinned_program *p = pinned_program_find(&f->ours, a->is.prog_id);

	return p && text_eq(p->home, view->home) && text_eq(p->pipeline, view->pipeline);
}

/* Where the pipeline stands, or is going to. */
static size_t own_index(const struct foreign *f, const struct foreign_view *view,
			const struct attached_list *all)
{
	for (size_t i = 0; !view->moves && i < all->list.n; i++)
		if (is_own(f, view, &all->list.v[i]) &&
		    text_eq(foreign_hook_name(all->list.v[i].hook), hook_names[view->hook]))
			return i;
	return foreign_index(view, all);
}

void foreign_add(struct foreign *f, const struct netns *ns, __u32 ifindex,
		 const struct foreign_view *view, json_t *j)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(attached_done) struct attached_list all = {};
	json_t *list;
	size_t own;

	if (!array_add(&f->asked, ((struct asked){ns->cookie, ifindex})) ||
	    attached_read(ns, ifindex, &all, &err))
		return;
	own = own_index(f, view, &all);
	list = json_array();
	for (size_t i = 0; i < all.list.n; i++) {
		_cleanup_free_ char *means = NULL;
		json_t *one;

		if (is_own(f, view, &all.list.v[i]))
			continue;
		one = to_json(f, &all.list.v[i]);
		means = foreign_means(view, own, &all, i);
		if (means)
			json_object_set_new(one, "means", json_string(means));
		json_array_append_new(list, one);
	}
	json_object_set_new(j, "foreigners", list);
}

static bool was_asked(const struct foreign *f, const struct netns *ns, __u32 ifindex)
{
	array_foreach (a, &f->asked)
		if (a->cookie == ns->cookie && a->ifindex == ifindex)
			return true;
	return false;
}

/* NULL: nothing is there, or a pipeline is. */
static json_t *other_to_json(const struct foreign *f, const struct netns *ns,
			     const struct iface *iface)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(attached_done) struct attached_list all = {};
	json_t *list;

	if (was_asked(f, ns, iface->ifindex) || attached_read(ns, iface->ifindex, &all, &err) ||
	    !all.list.n)
		return NULL;
	array_foreach (a, &all.list)
		if (pinned_program_find(&f->ours, a->is.prog_id))
			return NULL;
	list = json_array();
	array_foreach (a, &all.list)
		json_array_append_new(list, to_json(f, a));
	return json_pack("{s:o, s:o, s:I, s:o}", "name", json_escaped(iface->name), "netns",
			 json_escaped(ns->name), "ifindex", (json_int_t)iface->ifindex,
			 "foreigners", list);
}

json_t *foreign_others(const struct foreign *f, const struct netns *ns)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	json_t *list = json_array();
	struct ifaces ifaces = {};

	if (iface_list(ns, &ifaces, &err))
		return list;
	array_foreach (iface, &ifaces.list) {
		json_t *j = other_to_json(f, ns, iface);

		if (j)
			json_array_append_new(list, j);
	}
	array_done(&ifaces.list);
	return list;
}
