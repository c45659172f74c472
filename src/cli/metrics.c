/* SPDX-License-Identifier: GPL-2.0-only */
/* braid metrics: what status says, for Prometheus. */
#include "cli/metrics.h"

#include <string.h>

#include "cli/write.h"

/* What all samples of a pipeline begin with. */
struct subject {
	struct metrics *m;
	const char *home, *pipeline, *hook;
};

static void add(const struct subject *s, enum family f, json_t *value)
{
	const char *labels[] = {"home", s->home, "pipeline", s->pipeline, NULL};

	metrics_add(s->m, f, value, labels);
}

static void add_flag(const struct subject *s, enum family f, bool value)
{
	add(s, f, json_integer(value));
}

/* Packets and bytes of @flow, with up to three more labels; nothing if it has none. */
static void add_flow(const struct subject *s, enum family packets, enum family bytes,
		     const json_t *flow, const char *const more[6])
{
	const char *labels[] = {"home",  s->home, "pipeline", s->pipeline, "hook",
				s->hook, more[0], more[1],    more[2],     more[3],
				more[4], more[5], NULL};
	json_t *n = json_object_get(flow, "packets"), *size = json_object_get(flow, "bytes");

	if (!n || !size)
		return;
	metrics_add(s->m, packets, json_incref(n), labels);
	metrics_add(s->m, bytes, json_incref(size), labels);
}

static void add_verdicts(const struct subject *s, enum family packets, enum family bytes,
			 const json_t *verdicts, const char *stage)
{
	const char *verdict;
	json_t *flow;

	json_object_foreach ((json_t *)verdicts, verdict, flow) {
		const char *own[6] = {"verdict", verdict};
		const char *both[6] = {"stage", stage, "verdict", verdict};

		add_flow(s, packets, bytes, flow, stage ? both : own);
	}
}

static void add_stage(const struct subject *s, const json_t *count)
{
	const char *stage = member(count, "stage"), *own[6] = {"stage", stage};
	const char *labels[] = {"home",  s->home, "pipeline", s->pipeline, "hook",
				s->hook, "stage", stage,      NULL};

	add_verdicts(s, STAGE_PACKETS, STAGE_BYTES, json_object_get(count, "verdicts"), stage);
	add_flow(s, STAGE_BYPASSED_PACKETS, STAGE_BYPASSED_BYTES,
		 json_object_get(count, "bypassed"), own);
	metrics_add(s->m, TAIL_CALLS_LOST, json_integer(number(count, "lost")), labels);
}

static void add_counters(struct subject *s, const json_t *counters)
{
	static const char *const none[6];
	const json_t *stages = json_object_get(counters, "stages");
	const json_t *edges = json_object_get(counters, "edges");
	json_t *one;
	size_t i;

	if (!counters)
		return;
	s->hook = member(counters, "hook");
	add(s, PIPELINE_SINCE, json_incref(json_object_get(counters, "since")));
	add_flow(s, PIPELINE_PACKETS, PIPELINE_BYTES, json_object_get(counters, "entered"), none);
	add_verdicts(s, PIPELINE_LEFT_PACKETS, PIPELINE_LEFT_BYTES,
		     json_object_get(counters, "left"), NULL);
	json_array_foreach (stages, i, one)
		if (!json_is_true(json_object_get(one, "internal")))
			add_stage(s, one);
	json_array_foreach (edges, i, one) {
		const char *ends[6] = {"from", member(one, "from"), "to", member(one, "to"),
				       "case", member(one, "case")};

		add_flow(s, EDGE_PACKETS, EDGE_BYTES, one, ends);
	}
}

static void add_interfaces(const struct subject *s, const json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *labels[] = {"home",      s->home,
					"pipeline",  s->pipeline,
					"interface", member(one, "name"),
					"netns",     member(one, "netns"),
					NULL};

		metrics_add(s->m, PIPELINE_ATTACHED,
			    json_integer(text_eq(member(one, "state"), "attached")), labels);
	}
}

static void add_programs(const struct subject *s, const json_t *list)
{
	static const struct {
		enum family family;
		const char *member;
	} numbers[] = {
		{PROGRAM_INSTRUCTIONS, "instructions"},
		{PROGRAM_JITED, "jited-bytes"},
		{PROGRAM_VERIFIED, "verified-instructions"},
	};
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *labels[] = {"home",      s->home,   "pipeline",
					s->pipeline, "program", member(one, "program"),
					NULL};

		for (int k = 0; k < 3; k++) {
			json_t *value = json_object_get(one, numbers[k].member);

			if (value)
				metrics_add(s->m, numbers[k].family, json_incref(value), labels);
		}
	}
}

static bool has_word(const json_t *list, const char *word)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (text_eq(json_string_value(one), word))
			return true;
	return false;
}

/* The operator's bits only where they are set: nobody else knows what they mean. */
static void add_signals(const struct subject *s, const json_t *stage)
{
	static const char *const known[] = {"pause", "drain", "shutdown"};
	const json_t *list = json_object_get(stage, "signals");
	const char *labels[] = {"home",      s->home, "pipeline",
				s->pipeline, "stage", member(stage, "name"),
				"signal",    NULL,    NULL};
	json_t *one;
	size_t i;

	for (int k = 0; k < 3; k++) {
		labels[7] = known[k];
		metrics_add(s->m, SIGNAL_ACTIVE, json_integer(has_word(list, known[k])), labels);
	}
	json_array_foreach (list, i, one) {
		labels[7] = json_string_value(one);
		if (text_has_prefix(labels[7], "user-"))
			metrics_add(s->m, SIGNAL_ACTIVE, json_integer(1), labels);
	}
}

static void add_rollout(const struct subject *s, const json_t *rollout)
{
	const char *labels[] = {
		"home", s->home, "pipeline", s->pipeline, "stage", member(rollout, "stage"), NULL};
	const char *state = member(rollout, "state");
	bool active = !text_eq(state, "promoted") && !text_eq(state, "failed") &&
		      !text_eq(state, "aborted") && !text_eq(state, "ended");
	double percent = json_number_value(json_object_get(rollout, "wanted"));

	if (!rollout)
		return;
	metrics_add(s->m, ROLLOUT_ACTIVE, json_integer(active), labels);
	if (!active)
		return;
	metrics_add(s->m, ROLLOUT_SHARE, json_real(percent / 100), labels);
	metrics_add(s->m, ROLLOUT_STEP, json_integer(number(rollout, "step")), labels);
}

static void add_info(const struct subject *s, const json_t *p)
{
	const char *labels[] = {"home",     s->home,
				"pipeline", s->pipeline,
				"hook",     s->hook,
				"strategy", member(p, "strategy"),
				"license",  member(p, "license"),
				NULL};

	metrics_add(s->m, PIPELINE_INFO, json_integer(1), labels);
}

static void add_pipeline(struct metrics *m, const json_t *p)
{
	struct subject s = {m, member(p, "home"), member(p, "pipeline"), ""};
	const json_t *stages = json_object_get(p, "stages"), *stage;
	const json_t *observers = json_object_get(json_object_get(p, "observed"), "observers");
	const char *state = member(p, "state");
	bool broken = json_object_get(p, "error") != NULL;
	size_t i;

	add_flag(&s, PIPELINE_ERROR, broken);
	if (broken)
		return;
	add_counters(&s, json_object_get(p, "counters"));
	if (!*s.hook)
		s.hook = member(p, "hook");
	add_info(&s, p);
	add(&s, PIPELINE_REVISION, json_integer(number(p, "revision")));
	add(&s, PIPELINE_CREATED, json_integer(number(p, "created")));
	add_flag(&s, PIPELINE_INTERRUPTED, number(p, "interrupted") != 0);
	if (*state)
		add_flag(&s, PIPELINE_RUNNING, text_eq(state, "running"));
	add_interfaces(&s, json_object_get(p, "interfaces"));
	add_programs(&s, json_object_get(p, "programs"));
	json_array_foreach (stages, i, stage)
		add_signals(&s, stage);
	add(&s, OBSERVERS, json_integer(json_array_size(observers)));
	add_rollout(&s, json_object_get(p, "rollout"));
}

static void add_all(struct metrics *m, const json_t *status)
{
	const char *version[] = {"version", braid_version(), NULL};
	const json_t *list = json_object_get(status, "pipelines"), *p;
	size_t i;

	metrics_add(m, BUILD_INFO, json_integer(1), version);
	json_array_foreach (list, i, p)
		add_pipeline(m, p);
}

static int print(const struct options *o, const struct metrics *m, const char *output)
{
	_cleanup_json_ json_t *all = NULL;
	_cleanup_free_ char *text = NULL;
	struct buf b = {};

	if (o->json) {
		all = metrics_json(m);
		text = json_dumps(all, JSON_INDENT(2));
		buf_fmt(&b, "%s\n", text ?: "");
		free(text);
	} else {
		metrics_text(m, &b);
	}
	text = buf_take(&b);
	if (text)
		return write_text(o, output, text);
	fputs("braid: out of memory\n", stderr);
	return EXIT_FAILED;
}

struct metrics_options {
	const char *output;
};

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *status = NULL;
	struct metrics_options own = {};
	struct metrics m = {};
	int result, first = options_parse_own(c, OPT_STATE, argc, argv, &o, &own, &result);
	char *text;

	if (first < 0)
		return result;
	if (argc > first)
		return usage(c, "metrics are of all pipelines");
	if (open_braid(&o, &b, &err) || braid_status(b, NULL, &text, &err))
		return fail(&o, &err);
	status = parse_json(text);
	add_all(&m, status);
	result = print(&o, &m, own.output);
	metrics_done(&m);
	return result;
}

static const struct own_option own_options[] = {
	{"output", 'o', OPTION_TEXT, offsetof(struct metrics_options, output),
	 "-o, --output FILE       write it there, at once (default: standard output)"},
};

const struct command cmd_metrics = {
	.name = "metrics",
	.usage = "[options]",
	.summary = "print counters and states of all pipelines for Prometheus",
	.help = "Its text format, as node_exporter's textfile collector reads it.\n"
		"\n"
		"  braid metrics -o /var/lib/prometheus/node-exporter/braid.prom\n",
	.run = run,
	.own = own_options,
	.n_own = 1,
};
