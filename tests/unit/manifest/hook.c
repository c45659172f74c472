/* SPDX-License-Identifier: GPL-2.0-only */
/* Hooks: their verdicts, what goes with them and what does not, how pipelines are attached. */
#include "manifest/hook.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/edit.h"
#include "manifest/json.h"
#include "tap.h"

#define UNSPEC   ((__u32)-1)
#define HEAD     "{braid: 1, pipelines: [{name: p, hook: "
#define STAGES   ", stages: [{name: a, object: o}]}]}"
#define TC(rest) HEAD "tc-ingress" rest STAGES

static int parse(const char *text, struct braid_manifest **ret, struct braid_error *err)
{
	return braid_manifest_parse(text, strlen(text), "x", NULL, ret, err);
}

static void check_verdicts(void)
{
	__u32 v;

	is_str(verdict_name(HOOK_XDP, 4), "redirect", "XDP's last verdict");
	is_str(verdict_name(HOOK_XDP, 5), NULL, "no such verdict");
	is_str(verdict_name(HOOK_XDP, UNSPEC), NULL, "XDP has no -1");
	ok(verdict_parse(HOOK_XDP, "tx", &v) && v == 3, "verdict by name");
	ok(!verdict_parse(HOOK_XDP, "TX", &v), "not in capitals");
	ok(!verdict_parse(HOOK_XDP, "shot", &v), "not of another hook");
	is_str(verdict_name(HOOK_TC_EGRESS, UNSPEC), "unspec", "TC's -1");
	is_str(verdict_name(HOOK_TC_EGRESS, 8), "trap", "TC's last");
	is_str(verdict_name(HOOK_TC_EGRESS, 9), NULL, "no such verdict");
	ok(verdict_parse(HOOK_TC_INGRESS, "next", &v) && v == UNSPEC, "next is unspec");
	ok(verdict_parse(HOOK_TC_INGRESS, "pass", &v) && v == 0, "pass is ok");
	ok(verdict_parse(HOOK_TC_INGRESS, "drop", &v) && v == 2, "drop is shot");
	ok(!verdict_parse(HOOK_TC_INGRESS, "tx", &v), "TC has no tx");
	ok(!verdict_parse(HOOK_NETKIT_PEER, "pipe", &v), "netkit has no pipe");
	ok(verdict_parse(HOOK_NETKIT_PEER, "next", &v) && v == UNSPEC, "but next");
	is_str(verdict_name(HOOK_NETKIT_PRIMARY, 7), "redirect", "and redirect");
}

/* Every word of a hook is one of the words that tables and schema have, and the other way. */
static void check_words(void)
{
	for (int i = 0; verdict_names[i]; i++) {
		bool any = false;
		__u32 v;

		for (enum hook h = 0; hook_names[h]; h++)
			any |= verdict_parse(h, verdict_names[i], &v);
		ok(any, "'%s' is a verdict of some hook", verdict_names[i]);
		is_str(final_names[i + 1], verdict_names[i], "and may be final");
	}
	for (enum hook h = 0; hook_names[h]; h++)
		for (const struct word *w = hook_facts(h)->verdicts; w->name; w++) {
			int i = 0;

			while (verdict_names[i] && !text_eq(verdict_names[i], w->name))
				i++;
			ok(verdict_names[i], "%s: '%s' is a known word", hook_names[h], w->name);
		}
}

static void check_masks(void)
{
	__u32 mask = verdict_bit(UNSPEC) | verdict_bit(3) | verdict_bit(0);

	is_int(mask, 0x80000009u, "-1 is the top bit");
	ok(verdict_in(mask, UNSPEC) && verdict_in(mask, 3) && verdict_in(mask, 0), "they are in");
	ok(!verdict_in(mask, 31) && !verdict_in(mask, 32) && !verdict_in(mask, 35), "31 is not -1");
	ok(!verdict_in(mask, 0xfffffffe) && !verdict_in(mask, 1), "nor is another");
	ok(!verdict_in(0x7fffffff, UNSPEC) && verdict_in(0x7fffffff, 30), "up to 30");
	for (unsigned int bit = 0; bit < 32; bit++)
		ok(verdict_bit(verdict_of_bit(bit)) == 1u << bit, "bit %u and back", bit);
}

/* How it is written, and the canonical form, which is the same after another round. */
static void check_form(const char *yaml, const char *want)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL, *text2 = NULL;

	if (!ok(parse(yaml, &m, &err) == 0, "%s", yaml)) {
		diag("%s: %s", err.where, err.what);
		return;
	}
	is_int(pipeline_to_text(m->pipelines.v[0], &text, &err), 0, "to JSON");
	for (char *c = text, *to = text; *to; c++) /* without its white space */
		if (!(*to = *c))
			break;
		else if (*c != ' ' && *c != '\n')
			to++;
	if (!ok(strstr(text, want), "has %s", want))
		diag("%s", text);
	is_int(parse(text, &again, &err), 0, "which is read again");
	if (again)
		is_int(pipeline_to_text(again->pipelines.v[0], &text2, &err), 0, "and written");
	if (text2 &&
	    !ok(strlen(text2) > 0 && m->pipelines.v[0]->final == again->pipelines.v[0]->final,
		"with the same final verdict"))
		diag("%s", text2);
}

static void check_forms(void)
{
	check_form(TC(""), "{\"name\":\"p\",\"hook\":\"tc-ingress\",\"strategy\":\"auto\",");
	check_form(TC(", final: drop"), "\"final\":\"shot\"");
	check_form(TC(", final: next"), "\"final\":\"unspec\"");
	check_form(TC(", attach: first"), "\"attach\":{\"order\":\"first\",\"via\":\"auto\"}");
	check_form(TC(", attach: {before: \"pipeline:q\", via: link}"),
		   "\"attach\":{\"before\":\"pipeline:q\",\"via\":\"link\"}");
	check_form(TC(", attach: {after: \"id:4294967295\"}"),
		   "\"attach\":{\"after\":\"id:4294967295\",\"via\":\"auto\"}");
	check_form(TC(", attach: {via: netlink, priority: 65535}"),
		   "\"attach\":{\"order\":\"last\",\"via\":\"netlink\",\"priority\":65535}");
	check_form(HEAD "xdp, strategy: dispatcher, attach: {priority: 0}" STAGES,
		   "\"attach\":{\"order\":\"last\",\"via\":\"auto\",\"priority\":0}");
	check_form(HEAD "xdp, mode: generic, attach: {via: netlink}" STAGES,
		   "\"attach\":{\"order\":\"last\",\"via\":\"netlink\"}");
	check_form(HEAD "netkit-peer, attach: {after: \"program:cil_from_container\"}" STAGES,
		   "\"after\":\"program:cil_from_container\"");
	check_form(TC(", attach: {order: last, via: auto}"),
		   "\"on-change\":\"refuse\",\"interfaces\"");
	check_form(HEAD "tc-egress, stages: [{name: a, object: o, proceed-on: [trap, next, pass, "
			"pipe, unspec]}]}]}",
		   "\"proceed-on\":[\"ok\",\"pipe\",\"trap\",\"unspec\"]");
	check_form(HEAD "tc-egress, stages: [{name: a, object: o}, {name: x, switch: result, "
			"cases: [{when: [next, shot], stages: [{name: b, object: o}]}]}]}]}",
		   "\"when\":[4294967295,2]");
}

static const struct {
	const char *text, *what, *help; /* in why or hint */
} bad[] = {
	{HEAD "tc" STAGES, "unknown hook 'tc'", "tc-ingress, tc-egress"},
	{TC(", mode: native"), "the hook tc-ingress has no modes", "leave 'mode' out"},
	{TC(", final: tx"), "unknown final verdict 'tx'",
	 "with the hook tc-ingress expected last, "
	 "unspec, ok"},
	{TC(", final: aborted"), "unknown final verdict 'aborted'", "shot"},
	{HEAD "netkit-primary, final: stolen" STAGES, "unknown final verdict 'stolen'",
	 "last, unspec, ok, shot, redirect, next, pass, drop"},
	{HEAD "xdp, stages: [{name: a, object: o, proceed-on: next}]}]}", "unknown verdict 'next'",
	 "with the hook xdp expected aborted, drop, pass, tx, redirect"},
	{HEAD "tc-egress, stages: [{name: a, object: o, proceed-on: pas}]}]}",
	 "unknown verdict 'pas'", "did you mean 'pass'"},
	{HEAD "tc-egress, stages: [{name: a, object: o}, {name: x, switch: result, cases: [{when: "
	      "tx, stages: [{name: b, object: o}]}]}]}]}",
	 "unknown result 'tx'", "expected 0 to 4294967295, or unspec"},
	{TC(", strategy: dispatcher"), "the strategy dispatcher is given with the hook tc-ingress",
	 "an XDP program"},
	{HEAD "xdp, strategy: dispatcher, attach: {via: link}" STAGES, "'via: link'", "by netlink"},
	{HEAD "xdp, attach: first" STAGES, "attach: 'first' is given with the hook xdp",
	 "one program on an interface"},
	{HEAD "xdp, strategy: dispatcher, attach: {before: \"id:3\"}" STAGES,
	 "attach: 'before' is given with the hook xdp", "'priority' orders"},
	{HEAD "xdp, strategy: fused, attach: {priority: 7}" STAGES,
	 "'priority' has no meaning here", "component"},
	{TC(", attach: {priority: 7}"), "'priority' has no meaning here", "via: netlink"},
	{TC(", attach: {via: netlink, priority: 0}"), "priority 0 is out of range", "1 to 65535"},
	{TC(", attach: {via: netlink, priority: 65536}"), "priority 65536 is out", "1 to 65535"},
	{TC(", attach: {via: netlink, priority: 4294967296}"), "the priority is out of range",
	 "0 to 4294967295"},
	{TC(", attach: {via: netlink, priority: -1}"), "the priority is out of range", NULL},
	{TC(", attach: {priority: x}"), "priority: expected a whole number, found 'x'", NULL},
	{TC(", attach: {via: netlink, order: first}"), "'first' is given with 'via: netlink'",
	 "'priority'"},
	{HEAD "netkit-peer, attach: {via: netlink}" STAGES, "the hook netkit-peer", "links only"},
	{TC(", attach: {order: last, before: \"id:3\"}"), "two places among the others",
	 "one of order, before and after"},
	{TC(", attach: {before: \"id:3\", after: \"id:4\"}"), "two places among the others", NULL},
	{TC(", attach: {before: \"id:0\"}"), "'id:0' does not name a program", "pipeline:NAME"},
	{TC(", attach: {before: \"id:4294967296\"}"), "does not name a program", NULL},
	{TC(", attach: {before: eth0}"), "'eth0' does not name a program", NULL},
	{TC(", attach: {before: \"pipeline:A\"}"), "'A' is no name for a pipeline", NULL},
	{TC(", attach: {before: \"program:\"}"), "'' is no name of a program", NULL},
	{TC(", attach: frist"), "unknown order 'frist'", "did you mean 'first'"},
	{TC(", attach: {via: tcx}"), "unknown via 'tcx'", "auto, link, netlink"},
	{TC(", attach: [first]"), "attach: expected a map", NULL},
	{TC(", attach: {prio: 3}"), "unknown key 'prio' in attach",
	 "attach has the keys order, before, after, via, priority"},
};

static void check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
		_cleanup_free_ char *help = NULL;

		is_int(parse(bad[i].text, &m, &err), -EINVAL, "refused: %s", bad[i].text);
		ok(text_has_prefix(err.where ?: "", "x:1:"), "with its place: %s", err.where);
		if (!ok(err.what && strstr(err.what, bad[i].what), "what: %s", bad[i].what))
			diag("it says: %s", err.what);
		help = text_fmt("%s; %s", err.why ?: "", err.hint ?: "");
		if (bad[i].help && !ok(strstr(help, bad[i].help), "helps: %s", bad[i].help))
			diag("it says: %s", help);
	}
}

/* Two pipelines on one interface. */
static void check_pair(const char *first, const char *second, bool fine)
{
	_cleanup_free_ char *text =
		text_fmt("{braid: 1, pipelines: [{name: p, interfaces: [e], hook: %s, stages: "
			 "[{name: a, object: o}]}, {name: q, interfaces: [e], hook: %s, stages: "
			 "[{name: a, object: o}]}]}",
			 first, second);
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;

	is_int(parse(text, &m, &err), fine ? 0 : -EINVAL, "%s and %s on one interface", first,
	       second);
	if (!fine)
		ok(err.what && strstr(err.what, "two pipelines are on the interface 'e'"), "why");
}

static void check_pairs(void)
{
	check_pair("xdp", "tc-ingress", true);
	check_pair("tc-ingress", "tc-egress", true);
	check_pair("tc-ingress", "tc-ingress", true);
	check_pair("netkit-peer", "netkit-peer", true);
	check_pair("xdp", "xdp", false);
	check_pair("xdp, strategy: dispatcher", "xdp", false);
	check_pair("xdp, strategy: dispatcher", "xdp, strategy: dispatcher", true);
}

static void check_build(void)
{
	struct braid_attach_opts opts = {.sz = sizeof(opts), .after = "program:x", .via = "link"};
	struct braid_attach_opts two = {.sz = sizeof(two), .order = "last", .before = "id:3"};
	struct braid_stage_opts stage = {
		.sz = sizeof(stage), .object = "o", .proceed_mask = 1u << 31 | 1};
	_cleanup_(braid_pipeline_freep) struct braid_pipeline *p = NULL;
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	is_int(braid_pipeline_new("p", &p, &err), 0, "a pipeline");
	is_str(braid_pipeline_hook(p), "xdp", "of XDP at first");
	is_int(braid_pipeline_set_hook(p, "tc", &err), -EINVAL, "no such hook");
	is_int(braid_pipeline_set_hook(p, "tc-egress", &err), 0, "then of TC");
	is_str(braid_pipeline_hook(p), "tc-egress", "which it says");
	is_int(braid_pipeline_set_mode(p, "native", &err), -EINVAL, "without modes");
	is_int(braid_pipeline_set_attach(p, &opts, &err), 0, "attached behind another");
	is_int(p->attach.order, ATTACH_AFTER, "behind");
	is_str(p->attach.relative, "program:x", "whom");
	is_int(p->attach.via, VIA_LINK, "by a link");
	is_int(braid_pipeline_set_attach(p, &two, &err), -EINVAL, "two places");
	is_str(p->attach.relative, "program:x", "nothing has changed");
	is_int(braid_pipeline_set_hook(p, "xdp", &err), -EINVAL, "too late for another hook");
	ok(strstr(err.what ?: "", "too late"), "which it says");
	is_int(braid_pipeline_set_hook(p, "tc-egress", &err), 0, "the same one is fine");
	is_int(braid_pipeline_add_stage(p, "a", &stage, &err), 0, "verdicts by bits");
	is_int(p->stages.v[0].proceed_on, 0x80000001u, "-1 is one of them");
	is_int(pipeline_check(p, &err), 0, "all of it is fine");
	is_int(braid_pipeline_set_attach(p, NULL, &err), 0, "the default again");
	ok(attach_is_default(&p->attach), "it is");
	stage.proceed_mask = 1u << 9;
	is_int(braid_pipeline_add_stage(p, "b", &stage, &err), -EINVAL, "no such verdict");
	ok(strstr(err.what ?: "", "has no verdict 9"), "which it says");
}

static void check_facts(void)
{
	enum hook hook;

	for (enum hook h = 0; hook_names[h]; h++) {
		const struct hook_facts *f = hook_facts(h);

		is_str(f->name, hook_names[h], "%s", f->name);
		ok(hook_parse(f->name, &hook) && hook == h, "by its name");
		ok(verdict_name(h, f->pass) && verdict_name(h, f->drop) && verdict_name(h, f->lost),
		   "its verdicts have names");
		ok(verdict_in(f->proceed_on, f->pass), "what goes on by itself is in the default");
		ok(!verdict_in(f->proceed_on, f->drop), "and drop is not");
		is_int(hook_closed_verdict(h, NULL), f->pass, "paused: they pass");
		is_int(hook_closed_verdict(h, "drop"), f->drop, "or are dropped");
		is_str(hook_closed_word(h, f->drop), "drop", "which is so called");
	}
	ok(!hook_parse("tc", &hook), "no such hook");
}

int main(void)
{
	check_verdicts();
	check_words();
	check_masks();
	check_forms();
	check_bad();
	check_pairs();
	check_build();
	check_facts();
	return done();
}
