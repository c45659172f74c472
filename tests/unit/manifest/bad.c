/* SPDX-License-Identifier: GPL-2.0-only */
/* Wrong manifests: each error has the right place, says what and why, and helps. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "braid/manifest.h"
#include "tap.h"
#include "manifest/model.h"

#define HEAD  "braid: 1\npipelines:\n  - name: edge\n    hook: xdp\n"
#define STAGE "    stages:\n      - name: guard\n        object: guard.o\n"
#define TWO   STAGE "      - name: acl\n        object: acl.o\n"

struct bad {
	const char *text;
	const char *place; /* behind "edge.yaml:" */
	const char *what, *why, *hint;
	int code; /* 0: -EINVAL */
};

#define SIXTEEN "[[[[[[[[[[[[[[[["

static const struct bad yaml[] = {
	{"", "1:1", "nothing in it"},
	{"# only a comment\n", "2:1", "nothing in it"},
	{"braid: 1\n\tpipelines: []\n", "2:1", "not YAML", NULL, "starts with a tab"},
	{"braid: [1\npipelines: x\n", "2:10", "not YAML: did not find expected ','",
	 "starts in line 1"},
	{"a: \"\\x00\"\n", "1:4", "a character that texts cannot hold", "round trip"},
	{"a: \"\\x7f\"\n", "1:4", "byte 0x7f"},
	{"a: \"\\u2028\"\n", "1:4", "byte 0xe2"},
	{"a: \xff\n", "1:4", "not readable as UTF-8"},
	{"\xff\xfe"
	 "a\0",
	 "1:1", "not readable as UTF-8"},
	{"a: \x01\n", "1:4", "not readable as UTF-8 text: control characters"},
	{"a: &x 1\n", "1:4", "anchors are not part", NULL, "write the value out"},
	{"a: *x\n", "1:4", "aliases are not part", NULL, "write the value out"},
	{"a: !!str 1\n", "1:4", "tags are not part"},
	{"a: ! 1\n", "1:4", "tags are not part"},
	{"a: &x [1]\n", "1:4", "anchors are not part"},
	{"a: !x {b: 1}\n", "1:4", "tags are not part"},
	{"a: {<<: 1}\n", "1:5", "merge keys are not part"},
	{"%YAML 1.1\n---\na: 1\n", "1:1", "directives are not part"},
	{"a: 1\n---\na: 2\n", "2:1", "several documents"},
	{"a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' is given twice", "line 1"},
	{"b: 1\na: 1\nc: 1\na: 1\nb: 1\n", "4:1", "the key 'a' is given twice", "line 2"},
	{"? [a]\n: 1\n", "1:3", "a key must be a word"},
	{": 1\n", "1:1", "not YAML: did not find expected key"},
	{"\"\": 1\n", "1:1", "a key is missing"},
	{SIXTEEN SIXTEEN SIXTEEN SIXTEEN "[1", "1:65", "nested deeper than 64"},
};

static const struct bad roots[] = {
	{"- 1\n", "1:1", "a manifest: expected a map of keys and values, found a list"},
	{"pipelines: []\n", "1:1", "a manifest needs the key 'braid'", NULL, "'braid: 1'"},
	{"braid: 2\n", "1:8", "expected the number 1, found '2'", "only version"},
	{"braid: \"1\"\n", "1:8", "expected the number 1, found the string '1'"},
	{"braid:\n", "1:7", "expected the number 1, found nothing"},
	{"braid: 1\n", "1:1", "needs the key 'pipelines'"},
	{"braid: 1\npipeline: []\n", "2:1", "unknown key 'pipeline' in a manifest",
	 "a manifest has the keys braid, pipelines", "'pipelines'"},
	{"braid: 1\npipelines: []\n", "2:12", "pipelines: the list is empty"},
	{"braid: 1\npipelines: {}\n", "2:12", "expected a list, found a map"},
	{"braid: 1\npipelines: edge\n", "2:12", "found 'edge'", NULL, "[edge]"},
	{"braid: 1\npipelines:\n", "2:11", "expected a list, found nothing"},
	{"braid-values: 1\npipelines: {}\n", "1:1", "a values file, not a manifest", NULL,
	 "--values"},
};

static const struct bad pipelines[] = {
	{"braid: 1\npipelines: [1]\n", "2:13", "a pipeline: expected a map"},
	{HEAD, "3:5", "a pipeline needs the key 'stages'"},
	{"braid: 1\npipelines:\n  - name: edge\n" STAGE, "3:5", "needs the key 'hook'"},
	{HEAD "    stage: []\n", "5:5", "unknown key 'stage'", "has the keys name, hook, mode",
	 "'stages'"},
	{HEAD "    stages: []\n", "5:13", "stages: the list is empty"},
	{HEAD "    stages: {}\n", "5:13", "expected a list, found a map"},
	{"braid: 1\npipelines:\n  - {name: Edge, hook: xdp}\n", "3:12",
	 "'Edge' is no name for a pipeline", "a-z, 0-9"},
	{"braid: 1\npipelines:\n  - {name: [a], hook: xdp}\n", "3:12",
	 "name: expected a text, found a list"},
	{"braid: 1\npipelines:\n  - {name: a23456789012345678901234567890123, hook: xdp}\n", "3:12",
	 "is no name for a pipeline", "1 to 32"},
	{"braid: 1\npipelines:\n  - {name: a, hook: xpd}\n", "3:21", "unknown hook 'xpd'",
	 "expected xdp", "'xdp'"},
	{HEAD "    mode: natve\n" STAGE, "5:11", "unknown mode 'natve'", "native, generic",
	 "'native'"},
	{HEAD "    mode: {}\n" STAGE, "5:11", "mode: expected a text, found a map"},
	{HEAD "    strategy: fusd\n" STAGE, "5:15", "unknown strategy 'fusd'",
	 "auto, fused, tailcall", "'fused'"},
	{HEAD STAGE "    final: lats\n", "8:12", "unknown final verdict 'lats'",
	 "last, aborted, drop, pass, tx, redirect", "'last'"},
	{HEAD STAGE "  - name: edge\n    hook: xdp\n" STAGE, "8:11",
	 "two pipelines have the name 'edge'", "edge.yaml:3:11"},
	{HEAD "    interfaces: [eth0]\n" STAGE
	      "  - name: core\n    hook: xdp\n    interfaces: [eth1, eth0]\n" STAGE,
	 "11:24", "two pipelines are on the interface 'eth0' at the hook xdp",
	 "'edge' has it already, at edge.yaml:5:18"},
};

static const struct bad running[] = {
	{HEAD "    signals: stage\n" STAGE, "5:14", "unknown signals 'stage'",
	 "stages, pipeline, none", "'stages'"},
	{HEAD "    stats: counter\n" STAGE, "5:12", "unknown stats 'counter'", "counters, off",
	 "'counters'"},
	{HEAD "    optimize: no\n" STAGE, "5:15", "unknown optimize 'no'", "off, on"},
	{HEAD "    optimize: {fold: false}\n" STAGE, "5:22", "unknown fold 'false'", "off, on"},
	{HEAD "    optimize: {folds: off}\n" STAGE, "5:16", "unknown key 'folds' in optimize",
	 "splice, fold, unread, context, frame", "'fold'"},
	{HEAD "    optimize: [fold]\n" STAGE, "5:15", "expected a map"},
	{HEAD "    on-change: migrat\n" STAGE, "5:16", "unknown on-change 'migrat'",
	 "refuse, reset, migrate", "'migrate'"},
	{HEAD STAGE "        disabled: yes\n", "8:19", "expected true or false, found 'yes'"},
	{HEAD STAGE "        disabled: \"true\"\n", "8:19", "found the string 'true'"},
	{HEAD STAGE "        disabled: []\n", "8:19", "expected true or false, found a list"},
	{HEAD STAGE "        disabled: true\n", "3:11",
	 "all stages of the pipeline 'edge' are "
	 "disabled",
	 NULL, "braid delete edge"},
	{HEAD TWO "        disabled: true\n        rollout: {object: b.o}\n", "8:15",
	 "the stage 'acl' is disabled and has a rollout", "no packets"},
	{HEAD STAGE "        rollout: b.o\n", "8:18", "a rollout: expected a map"},
	{HEAD STAGE "        rollout: {key: flow}\n", "8:18", "a rollout needs the key 'object'"},
	{HEAD STAGE "        rollout: {object: \"\"}\n", "8:27", "object is empty"},
	{HEAD STAGE "        rollout: {object: b.o, key: flows}\n", "8:37", "unknown key 'flows'",
	 "flow, source, random", "'flow'"},
	{HEAD STAGE "        rollout: {object: b.o, share-maps: 1}\n", "8:44",
	 "share-maps: expected true or false, found '1'"},
	{HEAD STAGE "        rollout: {object: b.o, seed: x}\n", "8:38",
	 "seed: expected a whole number, found 'x'"},
	{HEAD STAGE "        rollout: {object: b.o, seed: 4294967296}\n", "8:38",
	 "the seed is out of range", "0 to 4294967295"},
	{HEAD STAGE "        rollout: {object: b.o, steps: [1]}\n", "8:32", "unknown key 'steps'",
	 "a rollout has the keys object, program, key, share-maps, seed"},
	{HEAD STAGE "        maps: {a: {on-change: keep}}\n", "8:31", "unknown on-change 'keep'"},
	{HEAD STAGE "        maps: {a: {defaults: [1]}}\n", "8:30", "defaults: expected a map"},
	{HEAD STAGE "        maps: {a: {defaults: {a..b: 1}}}\n", "8:31",
	 "'a..b' is no name of a member", NULL, "limits.burst"},
	{HEAD STAGE "        maps: {a: {defaults: {a.: 1}}}\n", "8:31", "no name of a member"},
	{HEAD STAGE "        maps: {a: {defaults: {\"a[1]\": 1}}}\n", "8:31",
	 "no name of a member"},
	{HEAD STAGE "        maps: {.data: {max-entries: 1}}\n", "8:37",
	 "the globals of a stage have no max-entries", "on-change and defaults"},
	{HEAD STAGE "        maps: {.data: {entries: [{value: 1}]}}\n", "8:34",
	 "the globals of a stage have no entries"},
	{HEAD STAGE "        maps: {.bss: {}}\n", "8:16", "'.bss' is no name of a map"},
};

#define CHOICE(field, cases)                                                                       \
	"      - name: by\n        switch: " field "\n        cases: " cases "\n"
#define CASE(when) "[{when: " when ", stages: [{name: syn, object: o}]}]"

static const struct bad choices[] = {
	{HEAD TWO "      - {name: by, switch: protocol}\n", "10:9",
	 "a choice needs the key 'cases'"},
	{HEAD TWO "      - {name: by, cases: []}\n", "10:9", "a choice needs the key 'switch'"},
	{HEAD TWO "      - {switch: vlan, cases: []}\n", "10:9", "a choice needs the key 'name'"},
	{HEAD TWO "      - {name: by, switch: vlan, object: o}\n", "10:34",
	 "unknown key 'object' in a choice", "name, switch, cases, default"},
	{HEAD TWO CHOICE("port", CASE("1")), "11:17", "unknown switch 'port'",
	 "ethertype, vlan, protocol, dscp, destination-port, result"},
	{HEAD TWO CHOICE("vlan", "[]"), "12:16", "cases: the list is empty"},
	{HEAD TWO CHOICE("vlan", "{}"), "12:16", "cases: expected a list"},
	{HEAD TWO CHOICE("vlan", "[1]"), "12:17", "a case: expected a map"},
	{HEAD TWO CHOICE("vlan", "[{when: 1}]"), "12:17", "a case needs the key 'stages'"},
	{HEAD TWO CHOICE("vlan", "[{stages: []}]"), "12:17", "a case needs the key 'when'"},
	{HEAD TWO CHOICE("vlan", "[{when: 1, stages: x}]"), "12:35",
	 "stages: expected a list, found 'x'"},
	{HEAD TWO CHOICE("vlan", CASE("1")) "        default: x\n", "13:18",
	 "default: expected a list, found 'x'"},
	{HEAD TWO CHOICE("vlan", "[{when: [], stages: []}]"), "12:24", "when: the list is empty",
	 NULL, "default"},
	{HEAD TWO CHOICE("vlan", "[{when: {}, stages: []}]"), "12:24", "when: expected a list"},
	{HEAD TWO CHOICE("vlan", "[{when: [[1]], stages: []}]"), "12:25",
	 "when: expected a text, found a list"},
	{HEAD TWO CHOICE("vlan", "[{when: 1, stages: []}]"), "10:15",
	 "the choice 'by' has no stage", "makes no difference"},
	{HEAD TWO CHOICE("vlan", "[{when: 1, stages: []}]") "        default: []\n", "10:15",
	 "the choice 'by' has no stage"},
	{HEAD TWO "      - {name: guard, switch: vlan, cases: " CASE("1") "}\n", "10:16",
	 "a stage and a choice have the name 'guard'", "edge.yaml:6:15"},
	{HEAD TWO "      - {name: syn, switch: vlan, cases: " CASE("1") "}\n", "10:69",
	 "a stage and a choice have the name 'syn'", "edge.yaml:10:16"},
	{HEAD TWO CHOICE("vlan", CASE("1")) CHOICE("vlan", CASE("1")), "13:15",
	 "two choices have the name 'by'", "edge.yaml:10:15"},
	{HEAD TWO "      - {name: By, switch: vlan, cases: " CASE("1") "}\n", "10:16",
	 "'By' is no name for a choice"},
};

static const struct bad whens[] = {
	{HEAD TWO CHOICE("protocol", CASE("tpc")), "12:24", "unknown protocol 'tpc'",
	 "expected 0 to 255, or icmp, igmp", "'tcp'"},
	{HEAD TWO CHOICE("protocol", CASE("256")), "12:24", "protocol: '256' is out of range",
	 "a whole number from 0 to 255"},
	{HEAD TWO CHOICE("protocol", CASE("-1")), "12:24", "protocol: '-1' is out of range"},
	{HEAD TWO CHOICE("protocol", CASE("1.5")), "12:24", "protocol: '1.5' is out of range"},
	{HEAD TWO CHOICE("protocol", CASE("006")), "12:24", "is no number: it starts with 0"},
	{HEAD TWO CHOICE("protocol", CASE("[6, tcp]")), "12:28",
	 "the value 6 (tcp) is given twice in the choice 'by'", "the case at edge.yaml:12:17"},
	{HEAD TWO CHOICE("vlan",
			 "[{when: 7, stages: []},\n                {when: 0x7, stages: []}]"),
	 "13:24", "the value 7 is given twice", "edge.yaml:12:17"},
	{HEAD TWO CHOICE("ethertype", CASE("0x10000")), "12:24", "ethertype: '0x10000' is out"},
	{HEAD TWO CHOICE("ethertype", CASE("ip4")), "12:24", "unknown ethertype 'ip4'", NULL,
	 "'ipv4'"},
	{HEAD TWO CHOICE("vlan", CASE("4096")), "12:24", "VLAN: '4096' is out of range",
	 "0 to 4095"},
	{HEAD TWO CHOICE("dscp", CASE("64")), "12:24", "DSCP: '64' is out of range", "0 to 63"},
	{HEAD TWO CHOICE("dscp", CASE("af14")), "12:24", "unknown DSCP 'af14'"},
	{HEAD TWO CHOICE("destination-port", CASE("65536")), "12:24", "out of range", "0 to 65535"},
	{HEAD TWO CHOICE("destination-port", CASE("8000-8099")), "12:24", "'8000-8099' is a range",
	 "single values", "switch: result"},
	{HEAD TWO CHOICE("destination-port", CASE("http")), "12:24",
	 "unknown destination port 'http'"},
	{HEAD TWO CHOICE("result", CASE("4294967296")), "12:24", "result: '4294967296' is out"},
};

static const struct bad results[] = {
	{HEAD "    stages:\n" CHOICE("result", CASE("1")) "      - {name: z, object: o}\n", "6:15",
	 "the choice 'by' has no stage directly in front", "what that stage returned",
	 "the same list"},
	{HEAD TWO CHOICE("vlan", CASE("1")) "      - {name: more, switch: result, cases: [{when: "
					    "1, stages: []}]}\n",
	 "13:16", "the choice 'more' has no stage directly in front"},
	{HEAD TWO CHOICE("vlan",
			 "[{when: 1, stages: [{name: in, switch: result, cases: " CASE("1") "}]}]"),
	 "12:43", "the choice 'in' has no stage directly in front"},
};

static const struct bad interfaces[] = {
	{HEAD "    interfaces: eth0\n" STAGE, "5:17", "interfaces: expected a list, found 'eth0'",
	 NULL, "[eth0]"},
	{HEAD "    interfaces: [eth0, eth1, eth0]\n" STAGE, "5:30",
	 "the interface 'eth0' is given twice", "edge.yaml:5:18"},
	{HEAD "    interfaces:\n      - {name: eth0, netns: blue}\n"
	      "      - {name: eth0, netns: /run/netns/blue}\n" STAGE,
	 "7:16", "'eth0' of the network namespace '/run/netns/blue' is given twice"},
	{HEAD "    interfaces: [a234567890123456]\n" STAGE, "5:18",
	 "'a234567890123456' is no name of an interface", "1 to 15 bytes"},
	{HEAD "    interfaces: [a/b]\n" STAGE, "5:18", "no name of an interface"},
	{HEAD "    interfaces: [\"a b\"]\n" STAGE, "5:18", "no name of an interface"},
	{HEAD "    interfaces: [..]\n" STAGE, "5:18", "no name of an interface"},
	{HEAD "    interfaces: [\"\"]\n" STAGE, "5:18", "no name of an interface"},
	{HEAD "    interfaces: [{nam: eth0}]\n" STAGE, "5:19", "unknown key 'nam'",
	 "an interface has the keys name, netns", "'name'"},
	{HEAD "    interfaces: [{netns: blue}]\n" STAGE, "5:18",
	 "an interface needs the key 'name'"},
	{HEAD "    interfaces: [{name: a, netns: ../x}]\n" STAGE, "5:25",
	 "'../x' is a relative path", NULL, "from the root"},
	{HEAD "    interfaces: [{name: a, netns: ..}]\n" STAGE, "5:25",
	 "'..' is no network namespace"},
	{HEAD "    interfaces: [[a]]\n" STAGE, "5:18", "an interface: expected a map"},
};

static const struct bad stages[] = {
	{HEAD "    stages:\n      - name: guard\n", "6:9", "a stage needs the key 'object'"},
	{HEAD "    stages:\n      - object: guard.o\n", "6:9", "a stage needs the key 'name'"},
	{HEAD "    stages: [guard]\n", "5:14", "a stage: expected a map"},
	{HEAD STAGE "        objekt: x\n", "8:9", "unknown key 'objekt' in a stage",
	 "name, object, program, proceed-on, priority, constants, maps, disabled, rollout",
	 "'object'"},
	{HEAD STAGE "        proceed_on: pass\n", "8:9", "unknown key 'proceed_on'", NULL,
	 "'proceed-on'"},
	{HEAD STAGE "      - name: guard\n        object: x\n", "8:15",
	 "two stages have the name 'guard'", "edge.yaml:6:15"},
	{HEAD "    stages: [{name: a.b, object: x}]\n", "5:21", "'a.b' is no name for a stage"},
	{HEAD "    stages: [{name: a, object: \"\"}]\n", "5:32", "object is empty"},
	{HEAD "    stages: [{name: a, object: ~}]\n", "5:32",
	 "object: expected a text, found nothing"},
	{HEAD STAGE "        program: a b\n", "8:18", "'a b' is no name of a program"},
	{HEAD STAGE "        proceed-on: [pas]\n", "8:22", "unknown verdict 'pas'",
	 "aborted, drop, pass, tx, redirect", "'pass'"},
	{HEAD STAGE "        proceed-on: PASS\n", "8:21", "unknown verdict 'PASS'"},
	{HEAD STAGE "        proceed-on: []\n", "8:21", "the list is empty", "would ever run",
	 "leave the key out"},
	{HEAD STAGE "        proceed-on: {}\n", "8:21", "proceed-on: expected a list"},
	{HEAD STAGE "        proceed-on: [[pass]]\n", "8:22", "expected a text, found a list"},
	{HEAD STAGE "        constants: [1]\n", "8:20", "constants: expected a map"},
	{HEAD STAGE "        constants: {1a: 2}\n", "8:21", "'1a' is no name of a variable",
	 "C identifier"},
	{HEAD STAGE "        constants: {a: 1, b: 2, a: 3}\n", "8:33", "'a' is given twice"},
	{HEAD STAGE "        maps: {a-b: {}}\n", "8:16", "'a-b' is no name of a map"},
	{HEAD STAGE "        maps: {a: 5}\n", "8:19", "the setup of a map: expected a map"},
	{HEAD STAGE "        maps: {a: {entires: []}}\n", "8:20", "unknown key 'entires'",
	 "max-entries, entries, on-change, defaults", "'entries'"},
	{HEAD STAGE "        maps: {a: {max-entries: 0}}\n", "8:33",
	 "max-entries of the map 'a' is out of range", "1 to 4294967295"},
	{HEAD STAGE "        maps: {a: {max-entries: 4294967296}}\n", "8:33", "out of range"},
	{HEAD STAGE "        maps: {a: {max-entries: 18446744073709551617}}\n", "8:33",
	 "out of range"},
	{HEAD STAGE "        maps: {a: {max-entries: -1}}\n", "8:33", "out of range"},
	{HEAD STAGE "        maps: {a: {max-entries: \"5\"}}\n", "8:33",
	 "expected a whole number, found the string '5'"},
	{HEAD STAGE "        maps: {a: {max-entries: 1.5}}\n", "8:33", "expected a whole number"},
	{HEAD STAGE "        maps: {a: {entries: {}}}\n", "8:29", "entries: expected a list"},
	{HEAD STAGE "        maps: {a: {entries: [1]}}\n", "8:30", "an entry of a map: expected"},
	{HEAD STAGE "        maps: {a: {entries: [{key: 1}]}}\n", "8:30",
	 "an entry of a map needs the key 'value'"},
	{HEAD STAGE "        maps: {a: {entries: [{keys: 1, value: 1}]}}\n", "8:31",
	 "unknown key 'keys'", "key, value", "'key'"},
};

static const struct bad shared[] = {
	{HEAD TWO "    shared-maps: []\n", "10:18", "shared-maps: expected a map"},
	{HEAD TWO "    shared-maps: {a: guard.x}\n", "10:22", "shared-maps: expected a list"},
	{HEAD TWO "    shared-maps: {A: [guard.x, acl.y]}\n", "10:19", "no name for a shared map"},
	{HEAD TWO "    shared-maps: {a: [guard.x]}\n", "10:19", "'a' needs two members or more",
	 NULL, "[guard.blocked, acl.deny]"},
	{HEAD TWO "    shared-maps: {a: {maps: [], across-pipelines: true}}\n", "10:19",
	 "'a' needs a member or more"},
	{HEAD TWO "    shared-maps: {a: {maps: [guard.x]}}\n", "10:19",
	 "'a' needs two members or more"},
	{HEAD TWO "    shared-maps: {a: {maps: [guard.x], across-pipelines: yes}}\n", "10:58",
	 "across-pipelines: expected true or false"},
	{HEAD TWO "    shared-maps: {a: {across-pipelines: true}}\n", "10:22",
	 "a shared map needs the key 'maps'"},
	{HEAD TWO "    shared-maps: {a: [guard.x, acl]}\n", "10:32",
	 "'acl' is not a map of a stage", NULL, "stage.map"},
	{HEAD TWO "    shared-maps: {a: [guard.x, .y]}\n", "10:32", "'.y' is not a map of a stage"},
	{HEAD TWO "    shared-maps: {a: [guard.x, acl.]}\n", "10:32", "no name of a map"},
	{HEAD TWO "    shared-maps: {a: [guard.x, akl.y]}\n", "10:32",
	 "the pipeline 'edge' has no stage 'akl'", "its stages are guard, acl", "'acl'", -ENOENT},
	{HEAD TWO "    shared-maps: {a: [guard.x, guard.x]}\n", "10:32",
	 "has two maps of the stage 'guard'"},
	{HEAD TWO "    shared-maps:\n      a: [guard.x, acl.y]\n      b: [guard.z, acl.y]\n",
	 "12:20", "the map 'acl.y' is in two shared maps", "it is in 'a' already"},
};

/* A NULL fragment wants nothing there. */
static void check_part(const char *got, const char *fragment, const char *part, const char *place)
{
	if (!fragment)
		return;
	if (!ok(got && strstr(got, fragment), "%s: %s has: %s", place, part, fragment))
		diag("it is: %s", got ? got : "(null)");
}

static void check_table(const char *name, const struct bad *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct bad *bad = &table[i];
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
		char place[64];
		int r;

		r = braid_manifest_parse(bad->text, strlen(bad->text), "edge.yaml", NULL, &m, &err);
		snprintf(place, sizeof(place), "edge.yaml:%s", bad->place);
		is_int(r, bad->code ?: -EINVAL, "%s %zu: refused", name, i);
		is_int(err.code, r, "%s %zu: the code is in the error", name, i);
		is_str(err.where, place, "%s %zu: %s", name, i, bad->what);
		check_part(err.what, bad->what, "what", place);
		check_part(err.why, bad->why, "why", place);
		check_part(err.hint, bad->hint, "hint", place);
	}
}

/* Choices in each other: 8 are fine, and need no more levels than YAML may have. */
static void check_depth(void)
{
	static const char open[] = "{name: c%d, switch: vlan, cases: [{when: 1, stages: [";

	for (int depth = 8; depth <= 9; depth++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
		char text[2048];
		int n = snprintf(text, sizeof(text), "%s    stages: [", HEAD);

		for (int i = 0; i < depth; i++)
			n += snprintf(text + n, sizeof(text) - n, open, i);
		n += snprintf(text + n, sizeof(text) - n,
			      "{name: a, object: o, maps: {m: {entries: [{value: {a: [[1]]}}]}}}");
		for (int i = 0; i < depth; i++)
			n += snprintf(text + n, sizeof(text) - n, "]}]}");
		snprintf(text + n, sizeof(text) - n, "]\n");
		is_int(braid_manifest_parse(text, strlen(text), "x", NULL, &m, &err),
		       depth == 8 ? 0 : -EINVAL, "%d choices in each other", depth);
		if (depth == 9)
			is_str(err.what, "the choice 'c8' is nested too deeply", "says so");
		else if (err.what)
			diag("%s: %s", err.where, err.what);
	}
}

#define CHECK(table) check_table(#table, table, sizeof(table) / sizeof(table[0]))

int main(void)
{
	CHECK(yaml);
	CHECK(roots);
	CHECK(pipelines);
	CHECK(running);
	CHECK(choices);
	CHECK(whens);
	CHECK(results);
	CHECK(interfaces);
	CHECK(stages);
	CHECK(shared);
	check_depth();
	is_int(braid_manifest_parse("x", 1, NULL, NULL, NULL, NULL), -EINVAL, "no error wanted");
	return done();
}
