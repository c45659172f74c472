/* SPDX-License-Identifier: GPL-2.0-only */
/* braid rollout: two versions of a stage, and more and more packets to the new one. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/cli.h"

static double real(const json_t *j, const char *name)
{
	return json_number_value(json_object_get(j, name));
}

static bool is_over(const char *state)
{
	return text_eq(state, "failed") || text_eq(state, "aborted") ||
	       text_eq(state, "promoted") || text_eq(state, "ended");
}

/* "0.52", "-" when there is none; free it. */
static char *value_text(const json_t *j, const char *name)
{
	const json_t *value = json_object_get(j, name);

	return json_is_number(value) ? text_fmt("%.*f", json_number_value(value) < 100 ? 2 : 0,
						json_number_value(value))
				     : text_fmt("-");
}

static void add_version(struct table *t, const char *name, const json_t *v)
{
	const json_t *rates = json_object_get(v, "rates"), *latency = json_object_get(v, "latency");
	_cleanup_free_ char *packets = text_fmt("%lld", number(v, "packets"));
	_cleanup_free_ char *aborted = value_text(rates, "aborted"), *tx = value_text(rates, "tx");
	_cleanup_free_ char *drop = value_text(rates, "drop"), *pass = value_text(rates, "pass");
	_cleanup_free_ char *redirect = value_text(rates, "redirect");
	_cleanup_free_ char *mean = value_text(latency, "mean"), *p50 = value_text(latency, "p50");
	_cleanup_free_ char *p90 = value_text(latency, "p90"), *p99 = value_text(latency, "p99");

	table_row(t, name, packets, aborted, drop, pass, tx, redirect, mean, p50, p90, p99);
}

static void show_versions(const json_t *j)
{
	static const char *const headings[] = {
		"  VERSION",   ">PACKETS", ">ABORTED %", ">DROP %", ">PASS %", ">TX %",
		">REDIRECT %", ">MEAN NS", ">P50 NS",    ">P90 NS", ">P99 NS",
	};
	struct table *t;

	if (!json_object_get(j, "old"))
		return;
	t = table_new(headings, sizeof(headings) / sizeof(*headings));
	add_version(t, "  old", json_object_get(j, "old"));
	add_version(t, "  new", json_object_get(j, "new"));
	table_print(t);
}

static void show_gates(const json_t *list)
{
	static const char *const headings[] = {"  GATE", "STATE", ">OLD", ">NEW", ">LIMIT"};
	struct table *t;
	json_t *gate;
	size_t i;

	if (!json_array_size(list))
		return;
	t = table_new(headings, sizeof(headings) / sizeof(*headings));
	json_array_foreach (list, i, gate) {
		_cleanup_free_ char *name = text_fmt("  %s", member(gate, "gate"));
		_cleanup_free_ char *old = value_text(gate, "old"), *new = value_text(gate, "new");
		_cleanup_free_ char *limit = value_text(gate, "limit");

		table_row(t, name, member(gate, "state"), old, new, limit);
	}
	table_print(t);
}

/* "step 2 of 4, 5 % to the new version". */
static void show_step(const json_t *j)
{
	printf("step %lld of %zu, %g %% to the new version", number(j, "step"),
	       json_array_size(json_object_get(j, "steps")), real(j, "wanted"));
}

static void show_status(const json_t *j)
{
	const char *state = member(j, "state");

	printf("%s: rollout of %s: %s\n", member(j, "pipeline"), member(j, "stage"), state);
	if (*member(j, "why"))
		printf("  %s\n", member(j, "why"));
	if (!*member(j, "stage"))
		return;
	printf("  %s, by %s, maps %s\n", member(j, "object"), member(j, "key"), member(j, "maps"));
	if (is_over(state))
		return;
	fputs("  ", stdout);
	show_step(j);
	if (json_object_get(j, "actual"))
		printf(", %.2f %% of its packets went there", real(j, "actual"));
	if (json_object_get(j, "next"))
		printf("; the next step is due in %.0f s", real(j, "next"));
	putchar('\n');
	show_versions(j);
	show_gates(json_object_get(j, "gates"));
}

/* What the loop tells of a look, once for each thing that is new. */
static void show_progress(const json_t *j, json_t **last)
{
	static const char *const seen[] = {"state", "step", "why"};
	bool news = !*last;

	for (size_t i = 0; i < sizeof(seen) / sizeof(*seen) && *last; i++) {
		json_t *was = json_object_get(*last, seen[i]), *is = json_object_get(j, seen[i]);

		/* the numbers in a reason change with each look */
		news |= text_eq(seen[i], "why") ? !was != !is : !json_equal(was, is);
	}
	json_decref(*last);
	*last = json_incref((json_t *)j);
	if (!news || !text_eq(member(j, "state"), "running"))
		return;
	printf("%s: %s: ", member(j, "pipeline"), member(j, "stage"));
	show_step(j);
	printf("%s%s\n", *member(j, "why") ? ": " : "", member(j, "why"));
	fflush(stdout);
}

/* @code NULL texts are fine. */
static int fail_with(const struct options *o, int code, const char *where, char *what, char *why,
		     char *hint)
{
	_cleanup_error_ struct braid_error err = {
		.code = code, .where = strdup(where), .what = what, .why = why, .hint = hint};

	return fail(o, &err);
}

/* The end of the loop, whatever it is. */
static int end(const struct options *o, const json_t *j)
{
	const char *state = member(j, "state"), *pipeline = member(j, "pipeline");
	const char *why = member(j, "why");

	if (o->json) {
		json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		putchar('\n');
	}
	if (text_eq(state, "promoted")) {
		if (!o->json)
			printf("%s: %s: promoted\n", pipeline, member(j, "stage"));
		return EXIT_DONE;
	}
	return fail_with(o, -ECANCELED, pipeline,
			 text_fmt("the rollout of '%s' is %s", member(j, "stage"), state),
			 *why ? strdup(why) : NULL,
			 text_eq(state, "paused")
				 ? text_fmt("'braid rollout continue %s' goes on", pipeline)
				 : NULL);
}

static int interrupted(const struct options *o, const json_t *j)
{
	const char *pipeline = member(j, "pipeline");

	return fail_with(
		o, -EINTR, pipeline,
		text_fmt("interrupted: %g %% to the new version, and so it stays",
			 real(j, "wanted")),
		NULL,
		text_fmt("'braid rollout continue %s' goes on; or promote, or abort", pipeline));
}

/* These come while we wait, and never in the middle of a change. */
static void block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigprocmask(SIG_BLOCK, ret, NULL);
}

/* true: a signal has come. */
static bool wait_ns(const sigset_t *signals, uint64_t ns)
{
	struct timespec t = {ns / 1000000000, ns % 1000000000};

	return sigtimedwait(signals, NULL, &t) >= 0;
}

#define BUSY_NS 1000000000

/* From step to step, to the end or until a signal comes. */
static int control(const struct options *o, struct braid *b, const char *pipeline,
		   const sigset_t *signals)
{
	_cleanup_json_ json_t *last = NULL;

	for (;;) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_json_ json_t *j = NULL;
		uint64_t ns = BUSY_NS;
		char *text;
		int r = braid_rollout_step(b, pipeline, &ns, &text, &err);

		/* somebody else's change that takes long is no reason to give up */
		if (r && (r != -EBUSY || !last))
			return fail(o, &err);
		if (!r) {
			j = parse_json(text);
			if (!o->json)
				show_progress(j, &last);
			else
				json_object_set(last ?: (last = json_object()), "last", j);
			if (!ns)
				return end(o, j);
		}
		if (wait_ns(signals, ns))
			return interrupted(o, o->json ? json_object_get(last, "last") : last);
	}
}

struct own {
	const char *steps, *key, *maps, *program;
	uint64_t every, min_packets; /* ns; 0: not given */
	struct texts gates;
};

static void own_done(struct own *own)
{
	array_done(&own->gates.list);
}

#define _cleanup_own_ _cleanup_(own_done)

static const struct own_option own_options[] = {
	{"steps", 0, OPTION_TEXT, offsetof(struct own, steps),
	 "    --steps LIST        percent of the packets, up to 100 (default 1,5,25,100)"},
	{"every", 0, OPTION_TIME, offsetof(struct own, every),
	 "    --every TIME        how long a step lasts: 500ms, 30s (default), 10m", "1ms",
	 "1000000h"},
	{"key", 0, OPTION_TEXT, offsetof(struct own, key),
	 "    --key WORD          what stays with a version: flow (default), source, random"},
	{"gate", 0, OPTION_TEXTS, offsetof(struct own, gates),
	 "    --gate GATE         what must hold: 'drop_rate<+0.5%'; may be repeated"},
	{"maps", 0, OPTION_TEXT, offsetof(struct own, maps),
	 "    --maps WORD         of the new version: shared (default), separate"},
	{"min-packets", 0, OPTION_NUMBER, offsetof(struct own, min_packets),
	 "    --min-packets N     that a gate needs of a version (default 1000)", "1", UINT32_TEXT},
	{"program", 0, OPTION_TEXT, offsetof(struct own, program),
	 "    --program NAME      of the function, if the object has several"},
};

/* EXIT_DONE, or wrong usage. */
static int read_opts(const struct command *c, const struct own *o, struct braid_rollout_opts *ret)
{
	*ret = (struct braid_rollout_opts){
		.sz = sizeof(*ret),
		.program = o->program,
		.steps = o->steps,
		.every_ns = o->every,
		.key = o->key,
		.gates = o->gates.list.v,
		.n_gates = o->gates.list.n,
		.separate_maps = text_eq(o->maps, "separate"),
		.min_packets = o->min_packets,
	};
	if (o->maps && !ret->separate_maps && !text_eq(o->maps, "shared"))
		return usage(c, "maps are shared or separate, not '%s'", o->maps);
	return EXIT_DONE;
}

static int start(const struct command *c, const struct options *o, const struct own *own,
		 const char *pipeline, const char *what)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_free_ char *stage = NULL, *object = NULL;
	const char *path;
	struct braid_rollout_opts opts;
	int status = read_opts(c, own, &opts);
	sigset_t signals;

	if (status)
		return status;
	if (!parse_assignment(what, &stage, &path))
		return usage(c, "'%s' is not STAGE=OBJECT", what);
	object = object_path(path, &err);
	if (!object)
		return fail(o, &err);
	block_signals(&signals);
	if (open_braid(o, &b, &err) ||
	    braid_rollout_start(b, pipeline, stage, object, &opts, NULL, &err))
		return fail(o, &err);
	return control(o, b, pipeline, &signals);
}

static int verb(const struct options *o, const char *pipeline,
		int (*call)(struct braid *b, const char *pipeline, char **ret_json,
			    struct braid_error *err))
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (open_braid(o, &b, &err) || call(b, pipeline, &text, &err))
		return fail(o, &err);
	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	show_status(j);
	return EXIT_DONE;
}

static int go_on(const struct options *o, const char *pipeline)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	sigset_t signals;

	block_signals(&signals);
	if (open_braid(o, &b, &err) || braid_rollout_continue(b, pipeline, NULL, &err))
		return fail(o, &err);
	return control(o, b, pipeline, &signals);
}

static bool is_given(const struct own *o)
{
	return o->steps || o->every || o->key || o->gates.list.n || o->maps || o->program ||
	       o->min_packets;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	static const struct {
		const char *name;
		int (*call)(struct braid *b, const char *pipeline, char **ret_json,
			    struct braid_error *err);
	} verbs[] = {{"status", braid_rollout_status},
		     {"pause", braid_rollout_pause},
		     {"continue", NULL},
		     {"abort", braid_rollout_abort},
		     {"promote", braid_rollout_promote}};
	_cleanup_own_ struct own own = {};
	int status, at,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);
	const char *word, *second;

	if (first < 0)
		return status;
	if (argc - first != 2)
		return usage(c, "which pipeline, and which new version of which stage?");
	word = argv[first];
	second = argv[first + 1];
	if (strchr(second, '='))
		return start(c, &o, &own, word, second);
	if (is_given(&own))
		return usage(c, "'%s' takes none of the options of a new rollout", word);
	at = find_word(c, "rollout command", word, verbs);
	if (at < 0)
		return EXIT_USAGE;
	return verbs[at].call ? verb(&o, second, verbs[at].call) : go_on(&o, second);
}

const struct command cmd_rollout = {
	.name = "rollout",
	.usage = "[options] PIPELINE STAGE=OBJECT | status|pause|continue|abort|promote PIPELINE",
	.summary = "give a new version of a stage more and more of the packets",
	.help = "Both versions run. A flow stays with its version, and moves from the old one to\n"
		"the new one only, as the share grows. When a gate fails, all packets go back to\n"
		"the old version. After the last step the new version is promoted: it is the "
		"stage.\n"
		"The command stays until then. When it ends, the share stays as it is, and\n"
		"'continue' goes on.\n"
		"\n"
		"  braid rollout edge guard=guard-v2.o --steps 1,5,25,100 --every 30s \\\n"
		"      --gate 'drop_rate<+0.5%' --gate 'latency_p99<+20%'\n"
		"  braid rollout status edge\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
