/* SPDX-License-Identifier: GPL-2.0-only */
/* The canonical form: what it looks like, and that it parses back to itself. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "tap.h"
#include "manifest/json.h"

#define STAGE "stages: [{name: a, object: o"
#define HEAD  "{braid: 1, pipelines: [{name: p, hook: xdp, "

static struct braid_manifest *parse(const char *text)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_manifest *m = NULL;

	if (braid_manifest_parse(text, strlen(text), "x", NULL, &m, &err))
		diag("%s: %s: %s", err.where, err.what, text);
	return m;
}

static char *to_text(const struct braid_manifest *m)
{
	char *text = NULL;

	if (m)
		braid_pipeline_json(m->pipelines.v[0], &text, NULL);
	return text;
}

/* Each pair: how it is written in YAML, and in JSON after any number of rounds. */
static const char *const scalars[][2] = {
	{"500", "500"},
	{"-5", "-5"},
	{"0", "0"},
	{"-0", "\"-0\""},
	{"007", "\"007\""},
	{"0x1F", "\"0x1F\""},
	{"1.50", "\"1.50\""},
	{"9223372036854775807", "9223372036854775807"},
	{"9223372036854775808", "\"9223372036854775808\""},
	{"18446744073709551615", "\"18446744073709551615\""},
	{"true", "true"},
	{"\"true\"", "\"true\""},
	{"\"500\"", "\"500\""},
	{"'~'", "\"~\""},
	{"~", "null"},
	{"\"\"", "\"\""},
	{"no", "\"no\""},
	{"192.0.2.0/24", "\"192.0.2.0/24\""},
	{"02:00:00:00:00:01", "\"02:00:00:00:00:01\""},
	{"\"2001:db8::/32\"", "\"2001:db8::/32\""},
	{"\"a\\\"b\\\\c\\n\\td\\re\"", "\"a\\\"b\\\\c\\n\\td\\re\""},
	{"\"\xc3\xa9 \xf0\x9f\x8d\xba\"", "\"\xc3\xa9 \xf0\x9f\x8d\xba\""},
	{"[1, [], {}, {\"k: #\": [~]}]", "[1, [], {}, {\"k: #\": [null]}]"},
};

static void check_scalar(const char *yaml, const char *want)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(node_freep) struct node *n = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL, *text2 = NULL;
	json_t *j;

	if (!ok(node_parse(yaml, strlen(yaml), "x", &n, &err) == 0, "%s is YAML", yaml))
		return;
	j = node_to_json(n);
	text = json_dumps(j, JSON_ENCODE_ANY);
	json_decref(j);
	is_str(text, want, "%s in JSON", yaml);
	if (!ok(node_parse(text, strlen(text), "x", &again, &err) == 0, "%s is YAML too", text))
		return;
	j = node_to_json(again);
	text2 = json_dumps(j, JSON_ENCODE_ANY);
	json_decref(j);
	is_str(text2, want, "%s after another round", yaml);
}

static const char *const pipelines[] = {
	HEAD STAGE "}]}]}",
	HEAD "mode: generic, strategy: fused, final: aborted, " STAGE "}]}]}",
	HEAD "final: redirect, interfaces: [a, {name: a, netns: b}, {name: b}], " STAGE "}]}]}",
	HEAD STAGE
	", program: m, proceed-on: [tx, pass, tx]}, {name: b, object: ../x/y.o}],"
	" shared-maps: {m: [a.x, b.y], n: [b.x, a.y], o: {maps: [a.z], across-pipelines: true}}}]}",
	HEAD "optimize: {frame: off, splice: on, fold: off}, " STAGE "}]}]}",
	HEAD "optimize: off, " STAGE "}]}]}",
	HEAD "signals: none, stats: off, on-change: migrate, " STAGE
	     ", disabled: true, maps: {.data: "
	     "{on-change: reset, defaults: {a: 1, b.c: [0x1]}}}}, {name: b, object: o, rollout: "
	     "{object: n, program: f, key: source, share-maps: true, seed: 4294967295}}, {name: c, "
	     "object: o, "
	     "rollout: {object: n}}]}]}",
	HEAD STAGE "}, {name: x, switch: ethertype, cases: [{when: ipv4, stages: [{name: y, "
		   "switch: protocol, cases: [{when: [tcp, 0x11], stages: []}, {when: 1, stages: "
		   "[{name: b, object: o}]}]}, {name: c, object: o}]}, {when: arp, stages: []}], "
		   "default: [{name: z, switch: dscp, cases: [{when: ef, stages: [{name: d, "
		   "object: o}]}]}]}, {name: e, object: o}]}]}",
	HEAD STAGE
	"}, {name: x, switch: result, cases: [{when: [drop, 4294967295], stages: [{name: "
	"b, object: o}, {name: y, switch: result, cases: [{when: 7, stages: [{name: c, "
	"object: o}]}]}]}]}]}]}",
	HEAD STAGE ", constants: {a: 1, b: [0x10, x], c: {d: ~}}, maps: {m: {}, n: {max-entries: "
		   "4294967295}, o: {entries: [{key: {a: 1}, value: ~}, {value: \"1\"}]}}}]}]}",
};

static void check_round(const char *yaml)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(yaml), *again = NULL;
	_cleanup_free_ char *text = to_text(m), *text2 = NULL;

	if (!ok(text, "to JSON: %s", yaml))
		return;
	again = parse(text);
	text2 = to_text(again);
	is_str(text2, text, "and back");
}

static void check_form(void)
{
	static const char want[] = "{\n"
				   "  \"braid\": 1,\n"
				   "  \"pipelines\": [\n"
				   "    {\n"
				   "      \"name\": \"p\",\n"
				   "      \"hook\": \"xdp\",\n"
				   "      \"mode\": \"native\",\n"
				   "      \"strategy\": \"auto\",\n"
				   "      \"signals\": \"stages\",\n"
				   "      \"stats\": \"counters\",\n"
				   "      \"on-change\": \"refuse\",\n"
				   "      \"interfaces\": [],\n"
				   "      \"stages\": [\n"
				   "        {\n"
				   "          \"name\": \"a\",\n"
				   "          \"object\": \"o\"\n"
				   "        }\n"
				   "      ],\n"
				   "      \"final\": \"last\"\n"
				   "    }\n"
				   "  ]\n"
				   "}";
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(pipelines[0]);
	_cleanup_free_ char *text = to_text(m);

	is_str(text, want, "defaults are written out");
}

/* A choice: numbers, the default written out, stages where they stand. */
static void check_choice(void)
{
	static const char yaml[] = HEAD STAGE
		"}, {name: x, switch: protocol, cases: [{when: tcp, stages: [{name: b, "
		"object: o}]}, {when: [udp, 132], stages: []}]}]}]}";
	static const char want[] =
		"{\"cases\": [{\"stages\": [{\"name\": \"b\", \"object\": \"o\"}], \"when\": [6]}, "
		"{\"stages\": [], \"when\": [17, 132]}], \"default\": [], \"name\": \"x\", "
		"\"switch\": \"protocol\"}";
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = parse(yaml);
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *text = NULL;
	json_t *j = NULL;

	if (!ok(m && !pipeline_to_json(m->pipelines.v[0], &j, &err), "a choice to JSON"))
		return;
	text = json_dumps(json_array_get(json_object_get(j, "stages"), 1), JSON_SORT_KEYS);
	is_str(text, want, "as it is kept");
	json_decref(j);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++)
		check_scalar(scalars[i][0], scalars[i][1]);
	for (size_t i = 0; i < sizeof(pipelines) / sizeof(pipelines[0]); i++)
		check_round(pipelines[i]);
	check_form();
	check_choice();
	return done();
}
