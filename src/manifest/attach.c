/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where a pipeline runs and how it gets there: hook, mode, place among others. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/edit.h"
#include "manifest/hook.h"
#include "manifest/number.h"
#include "manifest/read.h"

#define PREF_MAX 65535 /* of a filter: 16 bits */

int pipeline_set_hook(struct braid_pipeline *p, enum hook hook, struct place at,
		      struct braid_error *err)
{
	const struct attach *a = &p->attach;

	if (hook != p->hook && (p->stages.n || p->choices.n || p->has_final || p->mode ||
				a->has_order || a->via || a->has_priority)) {
		place_error(err, at, "the hook is set too late");
		return error_code(error_why(err,
					    "mode, final, attach and stages are of the hook "
					    "%s already",
					    hook_names[p->hook]));
	}
	p->hook = hook;
	return 0;
}

int pipeline_set_mode(struct braid_pipeline *p, const char *word, struct place at,
		      struct braid_error *err)
{
	unsigned int mode;
	int r;

	if (hook_facts(p->hook)->is_tc) {
		place_error(err, at, "the hook %s has no modes", hook_names[p->hook]);
		return error_code(error_hint(err, "leave 'mode' out: it is for XDP"));
	}
	r = word_parse("mode", word, mode_names, at, &mode, err);
	if (!r)
		p->mode = mode;
	return r;
}

void pipeline_set_attach(struct braid_pipeline *p, struct attach *a)
{
	attach_done(&p->attach);
	p->attach = *a;
	*a = (struct attach){};
}

const char *const attach_words[] = {[ATTACH_LAST] = "last", [ATTACH_FIRST] = "first", NULL};

static int check_once(const struct attach *a, struct place at, struct braid_error *err)
{
	if (!a->has_order)
		return 0;
	place_error(err, at, "two places among the others are given");
	return error_code(error_why(err, "it is one of order, before and after"));
}

int attach_set_order(struct attach *a, const char *word, struct place at, struct braid_error *err)
{
	unsigned int order;
	int r = check_once(a, at, err) ?: word_parse("order", word, attach_words, at, &order, err);

	if (r)
		return r;
	a->has_order = true;
	a->order = order;
	return 0;
}

static bool is_id(const char *text)
{
	struct number n, min = {.magnitude = 1};

	return number_parse(text, &n) == NUMBER_WHOLE &&
	       number_within(n, min, number_max(false, 32));
}

/* @who: checked as far as that is possible without looking at an interface. */
static int check_who(const char *who, struct place at, struct braid_error *err)
{
	if (text_has_prefix(who, "pipeline:"))
		return check_name("pipeline", who + strlen("pipeline:"), at, err);
	if (text_has_prefix(who, "program:"))
		return check_symbol("program", who + strlen("program:"), at, err);
	if (text_has_prefix(who, "id:") && is_id(who + strlen("id:")))
		return 0;
	place_error(err, at, "'%.64s' does not name a program", who);
	return error_code(error_hint(err, "write pipeline:NAME, program:NAME, or id:N for the id "
					  "of a program"));
}

int attach_set_relative(struct attach *a, enum attach_order order, const char *who, struct place at,
			struct braid_error *err)
{
	char *copy;
	int r = check_once(a, at, err) ?: check_who(who, at, err);

	if (r)
		return r;
	copy = strdup(who);
	if (!copy)
		return error_oom(err);
	a->has_order = true;
	a->order = order;
	a->relative = copy;
	return 0;
}

int attach_set_via(struct attach *a, const char *word, struct place at, struct braid_error *err)
{
	unsigned int via;
	int r = word_parse("via", word, via_names, at, &via, err);

	if (!r)
		a->via = via;
	return r;
}

int attach_set_priority(struct attach *a, unsigned long long n, struct place at,
			struct braid_error *err)
{
	if (n > UINT_MAX) {
		place_error(err, at, "the priority is out of range");
		return error_code(error_why(err, "it is 0 to %u", UINT_MAX));
	}
	a->has_priority = true;
	a->priority = n;
	return 0;
}

static int check_strategy(const struct braid_pipeline *p, struct braid_error *err)
{
	if (p->strategy != STRATEGY_DISPATCHER)
		return 0;
	if (p->hook != HOOK_XDP) {
		place_error(err, p->at, "the strategy dispatcher is given with the hook %s",
			    hook_names[p->hook]);
		error_why(err, "libxdp's dispatcher is an XDP program");
		return error_code(error_hint(err, "the kernel runs programs of this hook one after "
						  "the other by itself: use another strategy"));
	}
	if (p->attach.via != VIA_LINK)
		return 0;
	place_error(err, p->attach.at, "the strategy dispatcher is given with 'via: link'");
	return error_code(error_why(err, "libxdp's protocol attaches the dispatcher by netlink"));
}

static int check_order(const struct braid_pipeline *p, struct braid_error *err)
{
	const char *order = attach_order_names[p->attach.order];
	const struct place at = p->attach.at;

	if (p->attach.order == ATTACH_LAST)
		return 0;
	if (!hook_facts(p->hook)->is_tc) {
		place_error(err, at, "attach: '%s' is given with the hook %s", order,
			    hook_names[p->hook]);
		if (p->strategy == STRATEGY_DISPATCHER)
			return error_code(error_hint(err, "in a dispatcher 'priority' orders"));
		return error_code(error_why(err, "there is one program on an interface"));
	}
	if (p->attach.via != VIA_NETLINK)
		return 0;
	place_error(err, at, "attach: '%s' is given with 'via: netlink'", order);
	return error_code(error_hint(err, "filters of clsact are ordered by 'priority'"));
}

static int check_priority(const struct braid_pipeline *p, struct braid_error *err)
{
	bool filter = hook_facts(p->hook)->is_tc && p->attach.via == VIA_NETLINK;

	if (!p->attach.has_priority)
		return 0;
	if (!filter && (hook_facts(p->hook)->is_tc || p->strategy == STRATEGY_FUSED ||
			p->strategy == STRATEGY_TAILCALL)) {
		place_error(err, p->attach.at, "attach: 'priority' has no meaning here");
		return error_code(error_why(err, "it is that of a component (strategy dispatcher), "
						 "or of a filter (via: netlink at a TC hook)"));
	}
	if (!filter || (p->attach.priority >= 1 && p->attach.priority <= PREF_MAX))
		return 0;
	place_error(err, p->attach.at, "attach: the priority %u is out of range",
		    p->attach.priority);
	return error_code(error_why(err, "that of a filter is 1 to %u", PREF_MAX));
}

int attach_check(const struct braid_pipeline *p, struct braid_error *err)
{
	bool netkit = p->hook == HOOK_NETKIT_PRIMARY || p->hook == HOOK_NETKIT_PEER;
	int r = check_strategy(p, err);

	if (!r && netkit && p->attach.via == VIA_NETLINK) {
		place_error(err, p->attach.at, "attach: 'via: netlink' is given with the hook %s",
			    hook_names[p->hook]);
		return error_code(error_why(err, "programs in a netkit device have links only"));
	}
	return r ?: check_order(p, err) ?: check_priority(p, err);
}
