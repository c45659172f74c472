/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a change to a chain adds: loaded, and attached. */
#include <errno.h>
#include <linux/if_link.h>

#include "base/text.h"
#include "kernel/proginfo.h"
#include "kernel/rtnl.h"
#include "kernel/xdp_features.h"
#include "kernel/xdp_netlink.h"
#include "live/chain.h"
#include "live/live.h"
#include "object/dispatcher_abi.h"

void chain_unload(struct braid_chain *c)
{
	array_foreach (m, &c->add) {
		component_unpin(&m->object);
		m->id = 0;
	}
}

/* The dispatchers that components are loaded for: with frags, and without. */
struct scratch {
	int fds[2];
};

static void scratch_done(struct scratch *s)
{
	closep(&s->fds[0]);
	closep(&s->fds[1]);
}

/* Those that are there are bound to the device, or there is none. */
static bool is_bound(const struct braid_chain *c)
{
	return c->now.state == DISPATCHER_SOUND && c->now.config.devbound;
}

static int make_scratch(const struct braid_chain *c, bool frags, int *ret, struct braid_error *err)
{
	if (is_bound(c))
		return dispatch_scratch_bound(&c->ns, c->ifindex, frags, ret, err);
	return dispatch_scratch(frags, ret, err);
}

static int load_one(const struct braid_chain *c, struct chain_member *m, struct scratch *s,
		    struct braid_error *err)
{
	int *target = &s->fds[m->object.frags], r = 0;

	if (*target < 0)
		r = make_scratch(c, m->object.frags, target, err);
	r = r ?: component_load(&m->object, *target, err);
	if (!r)
		m->id = program_id(component_fd(&m->object));
	return r;
}

static int load_all(struct braid_chain *c, struct braid_error *err)
{
	_cleanup_(scratch_done) struct scratch s = {{-1, -1}};
	int r = 0;

	array_foreach (m, &c->add)
		r = r ?: load_one(c, m, &s, err);
	return r;
}

/* What a component that goes had is the default for the one in its place. */
static const struct dispatcher_slot *replaced(const struct braid_chain *c, __u32 id)
{
	array_foreach (old, &c->now.components)
		if (id && old->id == id)
			return &old->slot;
	return NULL;
}

static struct addition addition_of(const struct braid_chain *c, const struct chain_member *m)
{
	const struct dispatcher_slot *old = replaced(c, m->replaces);
	struct addition a = {
		.fd = component_fd(&m->object),
		.name = m->object.name,
		.slot.priority = old ? old->priority : m->object.config.priority,
		.slot.actions = old ? old->actions : m->object.config.actions,
		.slot.flags = (m->object.frags ? DISPATCHER_FRAGS : 0) |
			      (is_bound(c) ? DISPATCHER_DEVBOUND : 0),
	};

	if (m->has_priority)
		a.slot.priority = m->priority;
	if (m->has_actions)
		a.slot.actions = m->actions;
	return a;
}

static int change(struct braid_chain *c, const struct addition *add, enum xdp_mode mode,
		  struct braid_error *err)
{
	struct dispatch_edit edit = {
		.remove = c->remove.v,
		.n_remove = c->remove.n,
		.add = add,
		.n_add = c->add.n,
		.set = c->set.v,
		.n_set = c->set.n,
		.mode = mode,
	};

	return dispatch_change(&c->ns, c->ifindex, &edit, NULL, err);
}

/*
 * As the kernel would choose for who leaves it the choice. Where it does not tell what the
 * driver can do, what is attached already says it.
 */
static enum xdp_mode any_mode(const struct braid_chain *c)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	__u64 features;

	if (!xdp_features_read(&c->ns, c->ifindex, &features, &ignored))
		return features & 1u << XDP_FEATURE_BASIC ? XDP_NATIVE : XDP_GENERIC;
	return c->now.state == DISPATCHER_SOUND ? c->now.mode : XDP_NATIVE;
}

static enum xdp_mode wanted_mode_of(const struct braid_chain *c)
{
	return c->mode == CHAIN_ANY       ? any_mode(c)
	       : c->mode == CHAIN_GENERIC ? XDP_GENERIC
					  : XDP_NATIVE;
}

static int change_in_mode(struct braid_chain *c, const struct addition *add,
			  struct braid_error *err)
{
	enum xdp_mode mode = wanted_mode_of(c);
	int r;

	r = change(c, add, mode, err);
	if (r == -EOPNOTSUPP && c->mode == CHAIN_ANY && c->now.state == DISPATCHER_ABSENT) {
		braid_error_clear(err);
		r = change(c, add, XDP_GENERIC, err);
	}
	return r;
}

/* Does the kernel refuse this kind of program, to whomever? */
static bool is_refused(const struct braid_chain *c, const struct braid_error *err)
{
	return err->code == -EPERM && !err->log && c->now.state == DISPATCHER_ABSENT;
}

static int fall_back(struct braid_chain *c, struct braid_error *err)
{
	braid_error_clear(err);
	if (c->add.n > 1) {
		error_set(err, -EOPNOTSUPP, c->where, "%zu programs cannot be attached here",
			  c->add.n);
		error_why(err, "the kernel refuses programs that replace functions of others "
			       "(freplace), so there can be one only");
		error_hint(err, "a pipeline of strategy `fused` is one program");
		return -EOPNOTSUPP;
	}
	free(c->why_alone);
	c->why_alone = strdup("the kernel refuses programs that replace functions of others "
			      "(freplace)");
	return c->why_alone ? chain_add_alone(c, err) : error_oom(err);
}

int chain_add_components(struct braid_chain *c, struct braid_error *err)
{
	struct addition add[DISPATCHER_SLOTS + 1];
	int r;

	if (c->add.n > DISPATCHER_SLOTS) {
		error_set(err, -ENOSPC, c->where, "%zu components, and a dispatcher has %d places",
			  c->add.n, DISPATCHER_SLOTS);
		return -ENOSPC;
	}
	r = load_all(c, err);
	if (r && c->alone && is_refused(c, err)) {
		chain_unload(c);
		return fall_back(c, err);
	}
	if (r == -EPERM)
		dispatch_explain(err);
	for (size_t i = 0; i < c->add.n && !r; i++)
		add[i] = addition_of(c, &c->add.v[i]);
	return r ?: change_in_mode(c, add, err);
}

static int attach_hardware(struct braid_chain *c, int fd, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_free_ char *message = NULL;
	int r = netns_enter(&c->ns, &guard, err);

	if (r)
		return r;
	r = rtnl_xdp_attach(c->ifindex, fd, XDP_FLAGS_HW_MODE, &message);
	if (!r)
		return 0;
	error_errno(err, r, c->where, "the device does not take the program");
	if (message)
		error_why(err, "%s", message);
	return r;
}

static int attach_alone(struct braid_chain *c, int fd, struct braid_error *err)
{
	int r;

	if (c->mode == CHAIN_HARDWARE)
		return attach_hardware(c, fd, err);
	r = xdp_netlink_attach(&c->ns, c->ifindex, fd, wanted_mode_of(c), err);
	if (r == -EOPNOTSUPP && c->mode == CHAIN_ANY) {
		braid_error_clear(err);
		r = xdp_netlink_attach(&c->ns, c->ifindex, fd, XDP_GENERIC, err);
	}
	return r;
}

/* A device is named by its ifindex in the namespace of who loads. */
static int load_alone(struct braid_chain *c, struct chain_member *m, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	int r = netns_enter(&c->ns, &guard, err);

	return r
		       ?: component_load_alone(&m->object,
					       c->mode == CHAIN_HARDWARE ? c->ifindex : 0, err);
}

int chain_add_alone(struct braid_chain *c, struct braid_error *err)
{
	struct chain_member *m = &c->add.v[0];
	int r;

	/* libbpf loads an object once, and it may have been tried already */
	component_close(&m->object);
	r = component_open(&m->wish, &m->object, err) ?: load_alone(c, m, err);
	r = r ?: attach_alone(c, component_fd(&m->object), err);
	if (!r)
		m->id = program_id(component_fd(&m->object));
	return r;
}
