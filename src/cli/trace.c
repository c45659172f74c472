/* SPDX-License-Identifier: GPL-2.0-only */
/* braid trace: packets on their way through a pipeline, stage by stage. */
#include "cli/trace.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/expression.h"

#define SNAP        256        /* bytes; what is changed behind them is not seen */
#define SNAP_ALL    65535      /* as long as packets are */
#define DROPS_SNAP  128        /* enough to say which packet it was */
#define DROPS_RING  (16 << 20) /* bytes; at full rate */
#define TICK_MS     1000
#define ABANDON_NS  1000000000ull /* without an event: the end was missed */
#define DROPS_KINDS 3

struct own {
	struct look_options look;
	bool drops;
	uint64_t count, snap; /* 0: no limit; snap UINT64_MAX: not given */
};

static const struct own_option own_options[] = {
	LOOK_OPTIONS(struct own, look),
	{"drops", 'D', OPTION_FLAG, offsetof(struct own, drops),
	 "-D, --drops             only where packets die: one line each, and how many by stage"},
	{"count", 'n', OPTION_NUMBER, offsetof(struct own, count),
	 "-n, --count N           end after N packets", "1"},
	{"snap", 's', OPTION_SIZE, offsetof(struct own, snap),
	 "-s, --snap SIZE         of each packet (default 256; 0: all): later changes are not seen",
	 NULL, "65535"},
};

struct trace {
	const struct options *o;
	const char *pipeline;
	struct look look;
	bool drops, colour;
	uint64_t count; /* 0: no limit */
	uint32_t snap;
	struct braid *b;
	struct braid_observer *observer;
	struct names names;
	struct journeys journeys;
	struct trace_totals totals;
	struct braid_error err;
};

static bool is_enough(struct trace *t)
{
	t->totals.shown++;
	return t->count && t->totals.shown >= t->count;
}

static int show_journey(void *ctx, const struct journey *j)
{
	struct trace *t = ctx;

	if (t->o->json)
		trace_json(&t->names, j);
	else
		trace_text(&t->names, j, t->colour);
	return is_enough(t);
}

static int count_drop(struct trace *t, const char *stage, const char *verdict)
{
	struct drop_count *d;

	array_foreach (known, &t->totals.drops)
		if (text_eq(known->stage, stage) && text_eq(known->verdict, verdict)) {
			known->packets++;
			return 0;
		}
	d = array_push(&t->totals.drops);
	if (!d || !(d->stage = strdup(stage)))
		return -ENOMEM;
	d->verdict = verdict;
	d->packets = 1;
	return 0;
}

static int show_drop(struct trace *t, const struct braid_event *e)
{
	int r = count_drop(t, names_stage(&t->names, e->point),
			   names_verdict(&t->names, e->verdict));

	if (r)
		return r;
	if (t->o->json)
		trace_json_drop(&t->names, e);
	else
		trace_text_drop(&t->names, e, t->colour);
	return is_enough(t);
}

static int event(void *ctx, size_t observer __attribute__((unused)), const struct braid_event *e)
{
	struct trace *t = ctx;

	return t->drops ? show_drop(t, e) : journeys_add(&t->journeys, e);
}

static int round_is_over(void *ctx)
{
	struct trace *t = ctx;
	int r = journeys_round(&t->journeys);

	fflush(stdout);
	return r;
}

static int tick(void *ctx)
{
	struct trace *t = ctx;
	uint64_t now = names_now(&t->names) - t->names.wall_ns;

	names_clock(&t->names);
	return journeys_expire(&t->journeys, now - ABANDON_NS);
}

/* Packets that are under way are the old revision's, and so are their stages. */
static int changed(void *ctx, size_t observer __attribute__((unused)))
{
	struct trace *t = ctx;
	uint32_t was = t->names.revision;
	int r = journeys_expire(&t->journeys, UINT64_MAX)
			?: names_read(&t->names, t->b, t->pipeline, t->observer, &t->err);

	if (!r && t->o->json)
		trace_json_gap(&t->names, look_gap_ns(t->observer));
	else if (!r)
		trace_text_gap(&t->names, was != t->names.revision, look_gap_ns(t->observer));
	return r;
}

static int moved(void *ctx, size_t observer __attribute__((unused)))
{
	struct trace *t = ctx;

	look_tell_interfaces(t->pipeline, t->observer);
	return 0;
}

/* What packets die of, at the hook of the pipeline. */
static int drop_verdicts(struct trace *t, const char **ret, size_t *ret_n)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	int r = braid_revision(t->b, t->pipeline, 0, &m, &t->err);
	const char *hook;

	if (r)
		return r;
	hook = braid_pipeline_hook(braid_manifest_get(m, 0));
	*ret_n = 0;
	for (uint32_t v = 0; v < 31 && *ret_n < DROPS_KINDS; v++)
		if (is_drop(braid_verdict_name(hook, v)))
			ret[(*ret_n)++] = braid_verdict_name(hook, v);
	return 0;
}

static int open_observer(struct trace *t)
{
	const char *verdicts[DROPS_KINDS];
	struct braid_observe_opts opts = {.what = BRAID_OBSERVE_EVENTS, .snap = t->snap};
	int r = 0;

	if (t->drops) {
		r = drop_verdicts(t, verdicts, &opts.n_verdicts);
		opts.verdicts = verdicts;
		opts.ring = DROPS_RING;
	} else {
		opts.what |= BRAID_OBSERVE_TIMES;
	}
	r = r ?: look_open(t->b, t->pipeline, &t->look, &opts, &t->observer, &t->err);
	return r ?: names_read(&t->names, t->b, t->pipeline, t->observer, &t->err);
}

/* All that is known only when nothing is looked at any more. */
static int show_totals(struct trace *t)
{
	struct braid_observer_count count;
	int r = braid_observer_count(t->observer, &count, &t->err);

	if (r)
		return r;
	t->totals.looked_at = count.packets;
	t->totals.missed = count.missed;
	t->totals.observer = t->observer;
	if (t->o->json)
		trace_json_totals(&t->totals, t->drops);
	else
		trace_text_totals(&t->totals, t->drops);
	return 0;
}

static int trace(struct trace *t)
{
	struct look_loop loop = {
		.observers = &t->observer,
		.n = 1,
		.look = &t->look,
		.ctx = t,
		.event = event,
		.round = round_is_over,
		.tick = tick,
		.period_ms = TICK_MS,
		.changed = changed,
		.moved = moved,
	};
	int r = open_observer(t) ?: look_loop(&loop, &t->err);

	/* with a limit, those that are half there are too many */
	if (!r && !(t->count && t->totals.shown >= t->count))
		r = journeys_expire(&t->journeys, UINT64_MAX);
	return r < 0 ? r : show_totals(t);
}

/* In a process of its own: look_guard(). */
static int work(void *ctx)
{
	struct trace *t = ctx;
	int r, status;

	t->journeys = (struct journeys){.emit = show_journey, .ctx = t};
	r = open_braid(t->o, &t->b, &t->err) ?: trace(t);
	if (r && !t->err.code)
		t->err.code = r;
	status = r ? fail(t->o, &t->err) : EXIT_DONE;
	status = look_close(t->o, t->observer, status);
	journeys_done(&t->journeys);
	names_done(&t->names);
	array_foreach (d, &t->totals.drops)
		free(d->stage);
	array_done(&t->totals.drops);
	braid_error_clear(&t->err);
	braid_close(t->b);
	return status;
}

static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no || !*no) && !text_eq(term, "dumb");
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_free_ char *expression = NULL;
	struct own own = {.snap = UINT64_MAX};
	struct trace t = {.o = &o, .err = BRAID_ERROR_INIT};
	struct look_guard guard = {
		.o = &o, .pipelines = &t.pipeline, .n = 1, .work = work, .ctx = &t};
	int status,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	if (argc - first < 1)
		return usage(c, "which pipeline?");
	t.pipeline = argv[first];
	t.drops = own.drops;
	t.colour = wants_colour() && !o.json;
	t.count = own.count;
	t.snap = own.snap == UINT64_MAX ? (own.drops ? DROPS_SNAP : SNAP) : own.snap ?: SNAP_ALL;
	status = take_expression(c, argc - first - 1, argv + first + 1, &own.look, &expression);
	status = status ?: look_parse(c, &o, &own.look, &t.look);
	status = status ?: look_guard(&guard);
	look_done(&t.look);
	return status;
}

const struct command cmd_trace = {
	.name = "trace",
	.usage = "[options] PIPELINE [EXPRESSION]",
	.summary = "follow packets through a pipeline that runs, stage by stage",
	.help = "For each packet: what it is; then, for each stage that it came to, its verdict,\n"
		"the nanoseconds that it took (and since the packet came in, with what looking\n"
		"takes), and what it changed: offset, header field, old and new value.\n"
		"EXPRESSION chooses packets as they come in, as tcpdump takes it. Ends with how\n"
		"many were looked at, and how many events were missed.\n"
		"\n"
		"  braid trace edge host 203.0.113.9 and tcp port 443\n"
		"  braid trace edge --sample 1:1000 --count 20\n"
		"  braid trace edge --drops --duration 10s udp port 53\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
