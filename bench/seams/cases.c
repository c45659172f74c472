// SPDX-License-Identifier: GPL-2.0-only
#include "seams/cases.h"

#include <stddef.h>
#include <netinet/in.h>

#define STAGE(name, object, program)                                                               \
	"{name: " name ", object: " object ".bpf.o, program: " program "}, "
#define COUNTER(i) STAGE("counter_" i, "counter", "counter")
/* Ten counters in a row; what is measured often takes the place of the middle one, number 5. */
#define FIVE COUNTER("0") COUNTER("1") COUNTER("2") COUNTER("3") COUNTER("4")
#define FOUR COUNTER("6") COUNTER("7") COUNTER("8") COUNTER("9")
#define TEN  FIVE COUNTER("5") FOUR

#define TAILCALL      "strategy: tailcall, signals: "
#define FUSED         "strategy: fused, signals: "
#define TAILCALL_NONE TAILCALL "none"

/* clang-format off */
#define VARY(flows)                                                                                \
	"{name: vary, object: vary.bpf.o, constants: {flows: " #flows "}}, "
/* clang-format on */

static const struct variant signals_fused[] = {
	{.name = "none", .keys = FUSED "none", .stages = TEN},
	{.name = "pipeline", .keys = FUSED "pipeline", .stages = TEN},
	{.name = "stages", .keys = FUSED "stages", .stages = TEN},
};

#define COUNTED(of, stages_, n)                                                                    \
	{                                                                                          \
		{.name = "off", .keys = of "none", .stages = stages_, .counters = n},              \
			{.name = "counters",                                                       \
			 .keys = of "none",                                                        \
			 .stages = stages_,                                                        \
			 .counters = n,                                                            \
			 .stats = "counters"},                                                     \
	}

static const struct variant stats_one[] = COUNTED(FUSED, COUNTER("0"), 1);
static const struct variant stats_five[] = COUNTED(FUSED, FIVE, 5);
static const struct variant stats_ten[] = COUNTED(FUSED, TEN, 10);
static const struct variant stats_tailcall[] = COUNTED(TAILCALL, TEN, 10);

static const struct variant signals_tailcall[] = {
	{.name = "none", .keys = TAILCALL "none", .stages = TEN},
	{.name = "pipeline", .keys = TAILCALL "pipeline", .stages = TEN},
	{.name = "stages", .keys = TAILCALL "stages", .stages = TEN},
};

/* Each optimisation turned off by itself, and all. */
#define OFF(what) FUSED "none, optimize: {" what ": off}"

static const struct variant optimize[] = {
	{.name = "all on", .keys = FUSED "none", .stages = TEN},
	{.name = "splice off", .keys = OFF("splice"), .stages = TEN},
	{.name = "fold off", .keys = OFF("fold"), .stages = TEN},
	{.name = "unread off", .keys = OFF("unread"), .stages = TEN},
	{.name = "context off", .keys = OFF("context"), .stages = TEN},
	{.name = "frame off", .keys = OFF("frame"), .stages = TEN},
	{.name = "all off", .keys = FUSED "none, optimize: off", .stages = TEN},
};

/* @program: reads_ or called_ */
#define READER(i, program) STAGE("reader_" i, "settings", program)
#define ONE(program)       FIVE READER("5", program) FOUR
#define ALL(program)                                                                               \
	READER("0", program)                                                                       \
	READER("1", program)                                                                       \
	READER("2", program)                                                                       \
	READER("3", program)                                                                       \
	READER("4", program)                                                                       \
	READER("5", program)                                                                       \
	READER("6", program)                                                                       \
	READER("7", program)                                                                       \
	READER("8", program) READER("9", program)

#define READERS(where, program, of)                                                                \
	{                                                                                          \
		{.name = "constants", .keys = of, .stages = where(program "constants")},           \
			{.name = "globals", .keys = of, .stages = where(program "globals")},       \
			{.name = "config", .keys = of, .stages = where(program "config")},         \
	}

static const struct variant config_one[] = READERS(ONE, "reads_", NULL);
static const struct variant config_ten[] = READERS(ALL, "reads_", NULL);
static const struct variant config_called[] = READERS(ONE, "called_", NULL);
static const struct variant config_one_tailcall[] = READERS(ONE, "reads_", TAILCALL_NONE);
static const struct variant config_ten_tailcall[] = READERS(ALL, "reads_", TAILCALL_NONE);

/* The place of one counter is taken by four cases and a default, each with a counter. */
#define CASE(when, i) "{when: " when ", stages: [" COUNTER(i) "]}, "
#define SWITCH(field, a, b, c, d)                                                                  \
	"{name: by, switch: " field ", cases: [" CASE(a, "a") CASE(b, "b") CASE(c, "c")            \
		CASE(d, "d") "], default: [" COUNTER("e") "]}, "
#define BY_PROTOCOL      FIVE SWITCH("protocol", "tcp", "udp", "icmp", "sctp") FOUR
#define IDLE(i, j, k, l) "counter_" #i " counter_" #j " counter_" #k " counter_" #l " "
#define PROTOCOL_OF_NONE 253 /* kept for experiments */

static const struct variant switch_protocol[] = {
	{.name = "row", .stages = TEN, .protocol = IPPROTO_TCP},
	{
		.name = "first case",
		.stages = BY_PROTOCOL,
		.protocol = IPPROTO_TCP,
		.idle = IDLE(b, c, d, e),
	},
	{
		.name = "last case",
		.stages = BY_PROTOCOL,
		.protocol = IPPROTO_SCTP,
		.idle = IDLE(a, b, c, e),
	},
	{
		.name = "default",
		.stages = BY_PROTOCOL,
		.protocol = PROTOCOL_OF_NONE,
		.idle = IDLE(a, b, c, d),
	},
};

/* In the row its result is a verdict that goes on. */
#define CLASSIFIER(more) "{name: classifier, object: classifier.bpf.o" more "}, "
#define ANY              ", proceed-on: [aborted, drop, pass, tx, redirect]"
#define LESS             COUNTER("0") COUNTER("1") COUNTER("2") COUNTER("3")
#define BY_RESULT        LESS CLASSIFIER("") SWITCH("result", "1", "2", "3", "4") FOUR

static const struct variant switch_result[] = {
	{.name = "row", .stages = LESS CLASSIFIER(ANY) COUNTER("5") FOUR, .tos = 1},
	{.name = "first case", .stages = BY_RESULT, .tos = 1, .idle = IDLE(b, c, d, e)},
	{.name = "last case", .stages = BY_RESULT, .tos = 4, .idle = IDLE(a, b, c, e)},
	{.name = "default", .stages = BY_RESULT, .tos = 0, .idle = IDLE(a, b, c, d)},
};

#define ROLLOUT(key, percent)                                                                      \
	{                                                                                          \
		.name = key " " #percent "%", .stages = VARY(10000) TEN, .rollout_key = key,       \
		.share = percent,                                                                  \
	}

static const struct variant rollout[] = {
	{.name = "alone", .stages = VARY(10000) TEN},
	ROLLOUT("flow", 0),
	ROLLOUT("flow", 50),
	ROLLOUT("flow", 100),
	ROLLOUT("source", 0),
	ROLLOUT("source", 50),
	ROLLOUT("source", 100),
	ROLLOUT("random", 0),
	ROLLOUT("random", 50),
	ROLLOUT("random", 100),
};

static const struct variant scratch[] = {
	{.name = "none", .stages = TEN},
	{
		.name = "begin and get",
		.stages = FIVE STAGE("leave", "notes", "leave") STAGE("find", "notes", "find")
			COUNTER("7") COUNTER("8") COUNTER("9"),
	},
};

#define FLOWS(of, program) VARY(of) FIVE STAGE("flow", "flows", program) FOUR
#define FLOWS_OF(of)                                                                               \
	{                                                                                          \
		{.name = "none", .stages = VARY(of) TEN},                                          \
			{.name = "key", .stages = FLOWS(of, "key")},                               \
			{.name = "state", .stages = FLOWS(of, "state"), .flows = of},              \
	}

static const struct variant flows_one[] = FLOWS_OF(1);
static const struct variant flows_many[] = FLOWS_OF(10000);

/* if it is IPv4 and TCP: no packet here is */
static const struct braid_filter tcp[] = {
	{0x28, 0, 0, 12}, {0x15, 0, 3, 0x0800}, {0x30, 0, 0, 23},
	{0x15, 0, 1, 6},  {0x06, 0, 0, 65535},  {0x06, 0, 0, 0},
};

#define OPTS .sz = sizeof(struct braid_observe_opts)
static const struct observers by_chance = {
	.opts = {OPTS, .what = BRAID_OBSERVE_EVENTS, .every = 4294967295u}, .n = 1};
static const struct observers by_chance_8 = {
	.opts = {OPTS, .what = BRAID_OBSERVE_EVENTS, .every = 4294967295u}, .n = 8};
static const struct observers by_filter = {
	.opts = {OPTS, .what = BRAID_OBSERVE_EVENTS, .filter = tcp, .n_filter = 6}, .n = 1};
static const struct observers times = {
	.opts = {OPTS, .what = BRAID_OBSERVE_TIMES}, .n = 1, .looks = 1};
/* All events of the run fit into the ring: none is missed. */
#define RING (64u << 20)
static const struct observers events = {
	.opts = {OPTS, .what = BRAID_OBSERVE_EVENTS, .snap = 64, .ring = RING},
	.n = 1,
	.fewer = 20,
	.looks = 1,
};
static const struct observers both = {
	.opts = {OPTS, .what = BRAID_OBSERVE_EVENTS | BRAID_OBSERVE_TIMES, .snap = 64,
		 .ring = RING},
	.n = 1,
	.fewer = 20,
	.looks = 1,
};

#define OBSERVED(of)                                                                               \
	{                                                                                          \
		{.name = "nobody", .keys = of, .stages = TEN},                                     \
			{.name = "chance", .keys = of, .stages = TEN, .observers = &by_chance},    \
			{.name = "chance of 8",                                                    \
			 .keys = of,                                                               \
			 .stages = TEN,                                                            \
			 .observers = &by_chance_8},                                               \
			{.name = "filter", .keys = of, .stages = TEN, .observers = &by_filter},    \
			{.name = "times", .keys = of, .stages = TEN, .observers = &times},         \
			{.name = "events", .keys = of, .stages = TEN, .observers = &events},       \
			{.name = "both", .keys = of, .stages = TEN, .observers = &both},           \
	}

static const struct variant observed[] = OBSERVED(FUSED "none");
static const struct variant observed_tailcall[] = OBSERVED(TAILCALL_NONE);

#define CASE_OF(name_, variants_, second_, text_)                                                  \
	{                                                                                          \
		.name = name_, .text = text_, .variants = variants_,                               \
		.n = sizeof(variants_) / sizeof(*variants_), .second = second_,                    \
	}

const struct bench_case cases[] = {
	CASE_OF("signals/fused", signals_fused, 0, "what can be paused: a check at each"),
	CASE_OF("signals/tailcall", signals_tailcall, 0, "the same, a program per stage"),
	CASE_OF("optimize", optimize, 0, "what each optimisation is worth: one is turned off"),
	CASE_OF("stats/1", stats_one, 0, "packets and bytes are counted, one stage"),
	CASE_OF("stats/5", stats_five, 0, "the same, five stages"),
	CASE_OF("stats/10", stats_ten, 0, "the same, ten stages"),
	CASE_OF("stats/10 tailcall", stats_tailcall, 0, "the same, a program per stage"),
	CASE_OF("observe", observed, 0, "somebody looks at packets, or not at this one"),
	CASE_OF("observe/tailcall", observed_tailcall, 0, "the same, a program per stage"),
	CASE_OF("config/one", config_one, 1, "one of ten stages reads two values"),
	CASE_OF("config/ten", config_ten, 1, "each of ten stages reads two values"),
	CASE_OF("config/called", config_called, 1, "a function of one stage reads two values"),
	CASE_OF("config/one tailcall", config_one_tailcall, 1, "one of ten, a program per stage"),
	CASE_OF("config/ten tailcall", config_ten_tailcall, 1, "each, a program per stage"),
	CASE_OF("switch/protocol", switch_protocol, 0, "four cases and a default"),
	CASE_OF("switch/result", switch_result, 0, "the same, of what a stage returns"),
	CASE_OF("rollout", rollout, 0, "two versions of one stage, 10,000 flows"),
	CASE_OF("scratch", scratch, 0, "one stage leaves a note, the next one reads it"),
	CASE_OF("flows/1", flows_one, 1, "state of a flow: one flow"),
	CASE_OF("flows/10000", flows_many, 1, "state of a flow: 10,000 flows"),
};

const unsigned int cases_n = sizeof(cases) / sizeof(*cases);
