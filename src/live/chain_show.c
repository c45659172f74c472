/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What XDP programs are on interfaces, whoever attached them. */
#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "braid/run.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "kernel/proginfo.h"
#include "kernel/xdp_features.h"
#include "live/chain.h"
#include "live/live.h"
#include "object/dispatcher_abi.h"

/* By enum dispatcher_state. */
static const char *const state_names[] = {"none",  "dispatcher", "program",
					  "later", "broken",     "linked"};

int chain_owners(struct pinned_programs *ret, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL;
	int r = bpffs_root(&root, err);

	if (r == -ENOENT || r == -ENODEV || r == -EXDEV) {
		braid_error_clear(err);
		return 0;
	}
	return r ?: pinned_programs_read(root, ret, err);
}

const struct xdp_attached *chain_hardware(const struct xdp_state *state)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->v[i].mode == XDP_HARDWARE)
			return &state->v[i];
	return NULL;
}

static json_t *tag_to_json(const __u8 *tag)
{
	char text[2 * BPF_TAG_SIZE + 1];

	for (int i = 0; i < BPF_TAG_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", tag[i]);
	return json_string(text);
}

/* Of CLOCK_BOOTTIME: seconds since 1970. */
static json_int_t clock_time(__u64 boottime_ns)
{
	return (boottime_ns + clock_to_wall(CLOCK_BOOTTIME)) / 1000000000;
}

static void add_owner(json_t *j, __u32 id, const struct pinned_programs *owners)
{
	const struct pinned_program *owner = pinned_program_find(owners, id);

	if (!owner)
		return;
	json_object_set_new(j, "pipeline", json_string(owner->pipeline));
	json_object_set_new(j, "home", json_string(owner->home));
}

static json_t *verdicts_to_json(__u32 actions)
{
	json_t *list = json_array();

	for (__u32 v = 0; v < DISPATCHER_STUB; v++)
		if (actions & 1u << v && braid_verdict_name("xdp", v))
			json_array_append_new(list, json_string(braid_verdict_name("xdp", v)));
		else if (actions & 1u << v)
			json_array_append_new(list, json_integer(v));
	return list;
}

static json_t *component_to_json(const struct component *c, const struct pinned_programs *owners)
{
	json_t *j = json_pack("{s:I, s:s, s:o, s:I, s:o, s:b, s:I, s:I, s:I, s:I}", "id",
			      (json_int_t)c->id, "name", c->name, "tag", tag_to_json(c->tag),
			      "priority", (json_int_t)c->slot.priority, "proceed-on",
			      verdicts_to_json(c->slot.actions), "frags",
			      !!(c->slot.flags & DISPATCHER_FRAGS), "instructions",
			      (json_int_t)c->instructions, "uid", (json_int_t)c->uid, "loaded",
			      clock_time(c->loaded_ns), "link", (json_int_t)c->link_id);

	if (j)
		add_owner(j, c->id, owners);
	return j;
}

/* A program that is not held open may be gone by now. */
static json_t *program_to_json(int fd, enum xdp_mode mode, const struct pinned_programs *owners,
			       struct braid_error *err)
{
	struct proginfo p;
	json_t *j;

	if (proginfo_read(fd, &p, err))
		return NULL;
	j = json_pack("{s:I, s:s, s:o, s:s}", "id", (json_int_t)p.id, "name", p.name, "tag",
		      tag_to_json(p.tag), "mode", xdp_mode_names[mode]);
	if (j)
		add_owner(j, p.id, owners);
	else
		error_oom(err);
	proginfo_done(&p);
	return j;
}

static void add_dispatcher(json_t *j, const struct dispatcher *d,
			   const struct pinned_programs *owners)
{
	json_t *list;

	if (d->why)
		json_object_set_new(j, "why", json_string(d->why));
	if (d->config.version)
		json_object_set_new(j, "version", json_integer(d->config.version));
	if (d->state != DISPATCHER_SOUND && d->state != DISPATCHER_LINKED)
		return;
	list = json_array();
	array_foreach (c, &d->components)
		json_array_append_new(list, component_to_json(c, owners));
	json_object_set_new(j, "frags", json_boolean(d->config.frags));
	json_object_set_new(j, "components", list);
}

static json_t *interface_to_json(const struct netns *ns, __u32 ifindex, const char *name,
				 const struct dispatcher *d, const struct pinned_programs *owners,
				 struct braid_error *err)
{
	json_t *program, *j = json_pack("{s:o, s:o, s:I, s:s}", "interface", json_escaped(name),
					"netns", json_escaped(ns->name), "ifindex",
					(json_int_t)ifindex, "state", state_names[d->state]);

	if (!j)
		error_oom(err);
	if (!j || d->state == DISPATCHER_ABSENT)
		return j;
	program = program_to_json(d->fd, d->mode, owners, err);
	if (!program) {
		json_decref(j);
		return NULL;
	}
	if (d->by_link)
		json_object_set_new(program, "link",
				    d->link_id ? json_integer(d->link_id) : json_null());
	json_object_set_new(j, "program", program);
	add_dispatcher(j, d, owners);
	return j;
}

/* A second program, beside the dispatcher or whatever is not in hardware. */
static int add_hardware(const struct xdp_state *state, json_t *j,
			const struct pinned_programs *owners, struct braid_error *err)
{
	const struct xdp_attached *hardware = chain_hardware(state);
	_cleanup_close_ int fd = -1;
	json_t *program;
	int r;

	if (state->n < 2 || !hardware)
		return 0;
	r = program_open(hardware->prog_id, &fd, err);
	if (r)
		return r;
	program = program_to_json(fd, XDP_HARDWARE, owners, err);
	if (!program)
		return err->code;
	return json_object_set_new(j, "hardware", program) ? error_oom(err) : 0;
}

int chain_describe(const struct netns *ns, __u32 ifindex, const char *bpffs,
		   const struct pinned_programs *owners, json_t **ret, struct braid_error *err)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	_cleanup_json_ json_t *j = NULL;
	struct xdp_state state = {};
	char name[IF_NAMESIZE];
	int r = iface_name(ns, ifindex, name, err);

	r = r ?: dispatcher_read(ns, ifindex, bpffs, &d, err) ?: xdp_query(ns, ifindex, &state, err);
	if (r)
		return r;
	j = interface_to_json(ns, ifindex, name, &d, owners, err);
	if (!j)
		return err->code;
	r = add_hardware(&state, j, owners, err);
	if (!r)
		*ret = TAKE_PTR(j);
	return r;
}

/* What there is to look at: one interface, or all of a namespace. */
static int list_interfaces(const struct netns *ns, const char *interface, struct ifaces *ret,
			   struct braid_error *err)
{
	struct iface one = {};
	int r;

	if (!interface)
		return iface_list(ns, ret, err);
	r = iface_index(ns, interface, &one.ifindex, err);
	return r ?: array_add(&ret->list, one) ? 0 : error_oom(err);
}

#define NO_BPFFS "/nonexistent"

int chain_bpffs(char **ret, struct braid_error *err)
{
	int r = dispatch_bpffs(ret, err);

	if (r != -ENOENT && r != -ENODEV && r != -EXDEV)
		return r;
	braid_error_clear(err);
	*ret = strdup(NO_BPFFS);
	return *ret ? 0 : error_oom(err);
}

static int describe_all(const struct netns *ns, const char *interface, json_t *list,
			struct braid_error *err)
{
	_cleanup_(pinned_programs_done) struct pinned_programs owners = {};
	_cleanup_free_ char *bpffs = NULL;
	struct ifaces ifaces = {};
	int r = list_interfaces(ns, interface, &ifaces, err);

	r = r ?: chain_bpffs(&bpffs, err) ?: chain_owners(&owners, err);
	array_foreach (i, &ifaces.list) {
		json_t *j = NULL;

		r = r ?: chain_describe(ns, i->ifindex, bpffs, &owners, &j, err);
		if (r == -ENODEV && !interface) { /* it went meanwhile */
			braid_error_clear(err);
			r = 0;
		}
		if (j)
			json_array_append_new(list, j);
	}
	array_done(&ifaces.list);
	return r;
}

int braid_interfaces(const char *netns, const char *interface, char **ret_json,
		     struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	_cleanup_json_ json_t *list = json_array(), *all = NULL;
	ERROR_SCRATCH(err);
	int r;

	r = netns_open(netns, &ns, err) ?: describe_all(&ns, interface, list, err);
	if (r)
		return r;
	all = json_pack("{s:O}", "interfaces", list);
	return json_give(all, ret_json, err);
}

static int site_to_json(const struct dispatch_site *s, const struct pinned_programs *owners,
			json_t *list, struct braid_error *err)
{
	struct netns ns = {.fd = -1, .cookie = s->cookie, .name = s->netns};
	json_t *j = interface_to_json(&ns, s->ifindex, s->ifname, &s->dispatcher, owners, err);

	if (!j)
		return err->code;
	return json_array_append_new(list, j) ? error_oom(err) : 0;
}

int braid_dispatchers(char **ret_json, struct braid_error *err)
{
	_cleanup_(dispatch_sites_done) struct dispatch_sites sites = {};
	_cleanup_(pinned_programs_done) struct pinned_programs owners = {};
	_cleanup_json_ json_t *list = json_array(), *all = NULL;
	_cleanup_free_ char *bpffs = NULL;
	ERROR_SCRATCH(err);
	int r = chain_bpffs(&bpffs, err);

	r = r ?: chain_owners(&owners, err) ?: dispatch_list(bpffs, &sites, err);
	array_foreach (s, &sites.list)
		r = r ?: site_to_json(s, &owners, list, err);
	if (r)
		return r;
	all = json_pack("{s:O}", "dispatchers", list);
	return json_give(all, ret_json, err);
}

int braid_dispatchers_clean(const char *netns, const char *interface, char **ret_json,
			    struct braid_error *err)
{
	_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers found = {};
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	_cleanup_json_ json_t *list = json_array(), *all = NULL;
	_cleanup_free_ char *bpffs = NULL;
	__u32 ifindex = 0;
	ERROR_SCRATCH(err);
	int r;

	r = netns_open(netns, &ns, err);
	if (!r && interface)
		r = iface_index(&ns, interface, &ifindex, err);
	r = r ?: dispatch_bpffs(&bpffs, err) ?: dispatch_clean(ifindex, bpffs, &found, err);
	if (r)
		return r;
	array_foreach (l, &found.list)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:b, s:s}", "folder",
						      l->folder, "ifindex", (json_int_t)l->ifindex,
						      "program", (json_int_t)l->id, "removed",
						      l->removed, "why", l->why));
	all = json_pack("{s:O}", "leftovers", list);
	return json_give(all, ret_json, err);
}

/* By enum xdp_feature. */
static const char *const feature_names[XDP_FEATURES] = {
	"basic", "redirect", "xmit", "zerocopy", "offload", "frags", "xmit-frags",
};

int braid_interface_features(const char *netns, const char *interface, char **ret_json,
			     struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	_cleanup_json_ json_t *j = NULL;
	__u64 features;
	__u32 ifindex;
	ERROR_SCRATCH(err);
	int r;

	r = netns_open(netns, &ns, err) ?: iface_index(&ns, interface, &ifindex, err);
	r = r ?: xdp_features_read(&ns, ifindex, &features, err);
	if (r)
		return r;
	j = json_pack("{s:o, s:o, s:I}", "interface", json_escaped(interface), "netns",
		      json_escaped(ns.name), "ifindex", (json_int_t)ifindex);
	for (int i = 0; i < XDP_FEATURES && j; i++)
		json_object_set_new(j, feature_names[i], json_boolean(features & 1ull << i));
	return json_give(j, ret_json, err);
}
