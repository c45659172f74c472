/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *const mode_names[] = {[MODE_NATIVE] = "native", [MODE_GENERIC] = "generic", NULL};
const char *const strategy_names[] = {[STRATEGY_AUTO] = "auto",
				      [STRATEGY_FUSED] = "fused",
				      [STRATEGY_TAILCALL] = "tailcall",
				      [STRATEGY_DISPATCHER] = "dispatcher",
				      NULL};
const char *const via_names[] = {
	[VIA_AUTO] = "auto", [VIA_LINK] = "link", [VIA_NETLINK] = "netlink", NULL};
const char *const attach_order_names[] = {[ATTACH_LAST] = "last",
					  [ATTACH_FIRST] = "first",
					  [ATTACH_BEFORE] = "before",
					  [ATTACH_AFTER] = "after",
					  NULL};
const char *const signals_names[] = {[SIGNALS_STAGES] = "stages",
				     [SIGNALS_PIPELINE] = "pipeline",
				     [SIGNALS_NONE] = "none",
				     NULL};
const char *const stats_names[] = {[STATS_COUNTERS] = "counters", [STATS_OFF] = "off", NULL};
const char *const on_change_names[] = {[ON_CHANGE_REFUSE] = "refuse",
				       [ON_CHANGE_RESET] = "reset",
				       [ON_CHANGE_MIGRATE] = "migrate",
				       NULL};
const char *const field_names[] = {[FIELD_ETHERTYPE] = "ethertype",
				   [FIELD_VLAN] = "vlan",
				   [FIELD_PROTOCOL] = "protocol",
				   [FIELD_DSCP] = "dscp",
				   [FIELD_DESTINATION_PORT] = "destination-port",
				   [FIELD_RESULT] = "result",
				   NULL};
const char *const rollout_key_names[] = {
	[ROLLOUT_FLOW] = "flow", [ROLLOUT_SOURCE] = "source", [ROLLOUT_RANDOM] = "random", NULL};
struct stage *pipeline_stage(const struct braid_pipeline *p, const char *name)
{
	array_foreach (s, &p->stages) {
		if (text_eq(s->name, name))
			return s;
	}
	return NULL;
}

void interface_done(struct interface *i)
{
	free(i->name);
	free(i->netns);
	*i = (struct interface){};
}

void constant_done(struct constant *c)
{
	free(c->name);
	node_free(c->value);
	*c = (struct constant){};
}

void map_entry_done(struct map_entry *e)
{
	node_free(e->key);
	node_free(e->value);
	*e = (struct map_entry){};
}

static void map_setup_done(struct map_setup *m)
{
	free(m->name);
	array_foreach (e, &m->entries)
		map_entry_done(e);
	array_done(&m->entries);
	array_foreach (c, &m->defaults)
		constant_done(c);
	array_done(&m->defaults);
	*m = (struct map_setup){};
}

struct candidate *candidate_free(struct candidate *c)
{
	if (!c)
		return NULL;
	free(c->object);
	free(c->bytes);
	free(c->program);
	free(c);
	return NULL;
}

void stage_done(struct stage *s)
{
	free(s->name);
	free(s->object);
	free(s->bytes);
	free(s->program);
	array_foreach (c, &s->constants)
		constant_done(c);
	array_done(&s->constants);
	array_foreach (m, &s->maps)
		map_setup_done(m);
	array_done(&s->maps);
	candidate_free(s->candidate);
	*s = (struct stage){};
}

void choice_done(struct choice *c)
{
	free(c->name);
	array_foreach (b, &c->branches)
		array_done(&b->values);
	array_done(&c->branches);
	*c = (struct choice){};
}

void shared_map_done(struct shared_map *s)
{
	free(s->name);
	array_foreach (ref, &s->members) {
		free(ref->stage);
		free(ref->map);
	}
	array_done(&s->members);
	*s = (struct shared_map){};
}

void attach_done(struct attach *a)
{
	free(a->relative);
	*a = (struct attach){};
}

void braid_pipeline_free(struct braid_pipeline *p)
{
	if (!p)
		return;
	free(p->name);
	attach_done(&p->attach);
	array_foreach (i, &p->interfaces)
		interface_done(i);
	array_done(&p->interfaces);
	array_foreach (s, &p->stages)
		stage_done(s);
	array_done(&p->stages);
	array_foreach (c, &p->choices)
		choice_done(c);
	array_done(&p->choices);
	array_foreach (s, &p->shared)
		shared_map_done(s);
	array_done(&p->shared);
	free(p);
}

void braid_manifest_free(struct braid_manifest *m)
{
	if (!m)
		return;
	array_foreach (p, &m->pipelines)
		braid_pipeline_free(*p);
	array_done(&m->pipelines);
	array_foreach (file, &m->files)
		free(*file);
	array_done(&m->files);
	free(m);
}
