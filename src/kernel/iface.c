/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/iface.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

#define NAMES_SHOWN 12 /* in a hint; a host of containers has thousands */

static int by_index(const void *a, const void *b)
{
	const struct iface *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

int iface_list(const struct netns *ns, struct ifaces *ret, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	struct if_nameindex *all;
	struct ifaces ifaces = {};
	bool full;
	int r;

	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	all = if_nameindex();
	if (!all)
		return error_errno(err, -errno, NULL, "cannot list interfaces in netns '%s'",
				   ns->name);
	full = true;
	for (struct if_nameindex *i = all; i->if_index && full; i++) {
		struct iface one = {.ifindex = i->if_index};

		strncpy(one.name, i->if_name, sizeof(one.name) - 1);
		full = array_add(&ifaces.list, one);
	}
	if_freenameindex(all);
	if (!full) {
		array_done(&ifaces.list);
		return error_oom(err);
	}
	if (ifaces.list.n)
		qsort(ifaces.list.v, ifaces.list.n, sizeof(*ifaces.list.v), by_index);
	*ret = ifaces;
	return 0;
}

/* Which interfaces there are, as a help for who asked for @name. */
static void hint_names(const struct ifaces *ifaces, const char *name, struct braid_error *err)
{
	_cleanup_(buf_done) struct buf text = {};
	const char **names = calloc(ifaces->list.n + 1, sizeof(*names));
	const char *near;

	if (!names)
		return;
	for (size_t i = 0; i < ifaces->list.n; i++)
		names[i] = ifaces->list.v[i].name;
	near = text_nearest(name, names, ifaces->list.n);
	for (size_t i = 0; i < ifaces->list.n && i < NAMES_SHOWN; i++)
		buf_fmt(&text, "%s%s", i ? ", " : "", names[i]);
	if (ifaces->list.n > NAMES_SHOWN)
		buf_fmt(&text, " and %zu more", ifaces->list.n - NAMES_SHOWN);
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	else if (text.n)
		error_hint(err, "there are %s", text.v);
	free(names);
}

int iface_index(const struct netns *ns, const char *name, __u32 *ret_ifindex,
		struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	struct ifaces ifaces = {};
	unsigned int ifindex;
	int r;

	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	ifindex = if_nametoindex(name);
	if (ifindex) {
		*ret_ifindex = ifindex;
		return 0;
	}
	if (errno != ENODEV)
		return error_errno(err, -errno, NULL, "cannot look up interface '%s'", name);
	error_set(err, -ENODEV, NULL, "no interface '%s' in netns '%s'", name, ns->name);
	if (!iface_list(ns, &ifaces, &ignored))
		hint_names(&ifaces, name, err);
	array_done(&ifaces.list);
	return -ENODEV;
}

int iface_name(const struct netns *ns, __u32 ifindex, char ret_name[IF_NAMESIZE],
	       struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	char name[IF_NAMESIZE];
	int r;

	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	if (!if_indextoname(ifindex, name)) {
		r = errno == ENXIO ? -ENODEV : -errno;
		return error_errno(err, r, NULL, "no interface with index %u in netns '%s'",
				   ifindex, ns->name);
	}
	strcpy(ret_name, name);
	return 0;
}

char *iface_where(const struct netns *ns, __u32 ifindex)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	char name[IF_NAMESIZE];

	if (iface_name(ns, ifindex, name, &ignored))
		snprintf(name, sizeof(name), "#%u", ifindex);
	if (text_eq(ns->name, "init"))
		return text_fmt("interface %s", name);
	return text_fmt("interface %s in netns %s", name, ns->name);
}
