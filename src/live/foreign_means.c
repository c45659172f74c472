/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/foreign_means.h"

#include "base/text.h"
#include "manifest/hook.h"
#include "object/dispatcher.h"

static const struct {
	const char *name;
	bool is_tc;
} hooks[] = {
	[ATTACHED_HARDWARE] = {"xdp", false},
	[ATTACHED_NETKIT_PEER] = {"netkit-peer", true},
	[ATTACHED_XDP] = {"xdp", false},
	[ATTACHED_TC_INGRESS] = {"tc-ingress", true},
	[ATTACHED_TC_EGRESS] = {"tc-egress", true},
	[ATTACHED_NETKIT_PRIMARY] = {"netkit-primary", true},
};

const char *foreign_hook_name(enum attached_hook hook)
{
	return hooks[hook].name;
}

/* Of a pipeline's hook; nobody's pipeline is on the device. */
static enum attached_hook attached_hook_of(enum hook hook)
{
	switch (hook) {
	case HOOK_XDP:
		return ATTACHED_XDP;
	case HOOK_TC_INGRESS:
		return ATTACHED_TC_INGRESS;
	case HOOK_TC_EGRESS:
		return ATTACHED_TC_EGRESS;
	case HOOK_NETKIT_PRIMARY:
		return ATTACHED_NETKIT_PRIMARY;
	case HOOK_NETKIT_PEER:
		return ATTACHED_NETKIT_PEER;
	}
	return ATTACHED_XDP;
}

/* Of one hook: the list of links comes before the filters. */
static bool is_list(const struct foreign_view *view, const struct attached *a)
{
	return a->hook == attached_hook_of(view->hook) && a->is.clsact == view->clsact;
}

static bool is_earlier_list(const struct foreign_view *view, const struct attached *a)
{
	enum attached_hook hook = attached_hook_of(view->hook);

	return a->hook < hook || (a->hook == hook && !a->is.clsact && view->clsact);
}

static bool is_relative(const struct tc_place *place, const struct attached *a)
{
	return place->relative &&
	       place->relative == (place->is_link ? a->is.link_id : a->is.prog_id);
}

size_t foreign_index(const struct foreign_view *view, const struct attached_list *all)
{
	size_t start = 0, end;

	while (start < all->list.n && is_earlier_list(view, &all->list.v[start]))
		start++;
	for (end = start; end < all->list.n && is_list(view, &all->list.v[end]); end++)
		if (is_relative(&view->place, &all->list.v[end]))
			return view->place.position == TC_AFTER ? end + 1 : end;
	return view->place.position == TC_FIRST ? start : end;
}

static char *dispatcher_holds_hook(const struct foreign_view *view)
{
	if (view->attached)
		return strdup("libxdp's dispatcher, in which this pipeline is");
	if (view->closed)
		return text_fmt("libxdp's dispatcher holds the hook, and takes nobody in (%s): "
				"apply needs --replace",
				view->closed);
	if (view->joins)
		return strdup("libxdp's dispatcher: this pipeline joins it");
	return strdup("libxdp's dispatcher holds the hook: apply needs `strategy: dispatcher`, or "
		      "--replace");
}

/* The only place of XDP. */
static char *holds_hook(const struct foreign_view *view, const struct attached *a)
{
	if (view->replace)
		return strdup("holds the hook: apply replaces it");
	if (text_has_prefix(a->is.name, DISPATCHER_NAME))
		return dispatcher_holds_hook(view);
	return strdup("holds the hook: apply needs --replace");
}

static const char *before(const struct foreign_view *view, const struct attached *a)
{
	if (a->hook == attached_hook_of(view->hook))
		return "runs before this pipeline, which sees only what that leaves undecided "
		       "(unspec)";
	return "runs before this pipeline, which never sees what that drops";
}

static const char *after(const struct foreign_view *view, const struct attached *a)
{
	if (a->hook == attached_hook_of(view->hook))
		return "runs after this pipeline, on what all before it leave undecided (unspec)";
	return "runs after this pipeline, on what that passes";
}

char *foreign_means(const struct foreign_view *view, size_t own, const struct attached_list *all,
		    size_t i)
{
	enum attached_hook hook = attached_hook_of(view->hook);
	const struct attached *a = &all->list.v[i];

	if (attached_goes_out(a->hook) != attached_goes_out(hook))
		return strdup(attached_goes_out(a->hook)
				      ? "sees what is sent; this pipeline what is received"
				      : "sees what is received; this pipeline what is sent");
	if (a->is.chain)
		return text_fmt("in chain %u of clsact: runs only if a filter goes there",
				a->is.chain);
	if (a->hook == ATTACHED_XDP && hook == ATTACHED_XDP)
		return holds_hook(view, a);
	return strdup(i < own ? before(view, a) : after(view, a));
}
