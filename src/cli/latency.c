/* SPDX-License-Identifier: GPL-2.0-only */
/* braid latency: what each stage costs, as histograms that the kernel side keeps. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/expression.h"
#include "cli/latency.h"
#include "cli/observe.h"

struct own {
	struct look_options look;
	const char *against;
};

static const struct own_option own_options[] = {
	LOOK_OPTIONS(struct own, look),
	{"against", 0, OPTION_TEXT, offsetof(struct own, against),
	 "    --against FILE      compare with what --json has printed before"},
};

struct run {
	const struct options *o;
	const char *pipeline;
	struct look look;
	struct measurement old; /* --against */
	bool compares;
	struct braid_observer *observer;
	uint64_t begin; /* of the present measurement, ns */
	struct {
		ARRAY(struct measurement) list; /* one for each revision; the last is growing */
	} measured;
	struct braid_error err;
};

void measurement_done(struct measurement *m)
{
	array_foreach (l, &m->list)
		free(l->name);
	array_done(&m->list);
}

static void judge(struct latency *l, double look_ns)
{
	const struct braid_times *t = &l->times;

	l->packets = t->n;
	l->mean = t->n ? without_looking((double)t->sum / t->n, look_ns) : 0;
	l->p50 = without_looking(braid_times_percentile(t, 50), look_ns);
	l->p90 = without_looking(braid_times_percentile(t, 90), look_ns);
	l->p99 = without_looking(braid_times_percentile(t, 99), look_ns);
	l->p999 = without_looking(braid_times_percentile(t, 99.9), look_ns);
	l->max = without_looking(braid_times_percentile(t, 100), look_ns);
}

/* Looks at the clock in the time of one packet: one in that of a stage. */
static double looks(const struct measurement *m, const struct latency *whole)
{
	double n = 0;

	array_foreach (l, &m->list)
		n += l != whole ? l->packets : 0;
	return whole->times.n ? n / whole->times.n : 0;
}

static int add(struct measurement *m, struct braid_observer *o, uint32_t stage, const char *name,
	       struct braid_error *err)
{
	struct latency *l = array_push(&m->list);
	int r;

	if (!l || !(l->name = strdup(name)))
		return -ENOMEM;
	r = braid_observer_times(o, stage, &l->times, err);
	if (!r)
		judge(l, stage == BRAID_TIMES_WHOLE ? looks(m, l) * m->clock_ns : m->clock_ns);
	return r;
}

/* What @o has counted until now, in the place of what is there. */
static int measurement_read(struct measurement *m, struct braid_observer *o,
			    struct braid_error *err)
{
	struct measurement next = {.revision = braid_observer_revision(o), .seconds = m->seconds};
	struct braid_times clock;
	int r = braid_observer_times(o, BRAID_TIMES_CLOCK, &clock, err);

	if (r)
		return r;
	next.clock_ns = braid_times_percentile(&clock, 50);
	for (size_t i = 0; i < braid_observer_stages(o) && !r; i++)
		r = add(&next, o, i, braid_observer_stage(o, i), err);
	r = r ?: add(&next, o, BRAID_TIMES_WHOLE, "", err);
	if (r) {
		measurement_done(&next);
		return r;
	}
	measurement_done(m);
	*m = next;
	return 0;
}

static int begin_measurement(struct run *r)
{
	r->begin = clock_ns(CLOCK_MONOTONIC);
	return array_push(&r->measured.list) ? 0 : -ENOMEM;
}

static int tick(void *ctx)
{
	struct run *r = ctx;
	struct measurement *m = &r->measured.list.v[r->measured.list.n - 1];

	m->seconds = (clock_ns(CLOCK_MONOTONIC) - r->begin) / 1e9;
	return measurement_read(m, r->observer, &r->err);
}

static int changed(void *ctx, size_t observer __attribute__((unused)))
{
	return begin_measurement(ctx);
}

static int moved(void *ctx, size_t observer __attribute__((unused)))
{
	const struct run *r = ctx;

	look_tell_interfaces(r->pipeline, r->observer);
	return 0;
}

static json_t *all_to_json(const struct run *r)
{
	json_t *list = json_array();

	array_foreach (m, &r->measured.list)
		json_array_append_new(list, latency_to_json(m));
	return json_pack("{s:s, s:s, s:o}", "pipeline", r->pipeline, "hook",
			 braid_observer_hook(r->observer), "revisions", list);
}

static void show(const struct run *r)
{
	const struct measurement *first = r->measured.list.v, *last;

	if (r->o->json) {
		_cleanup_json_ json_t *j = all_to_json(r);

		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	array_foreach (m, &r->measured.list) {
		printf("%s%s (%s), ", m == first ? "" : "\n", r->pipeline,
		       braid_observer_hook(r->observer));
		latency_show(m);
	}
	last = first + r->measured.list.n - 1;
	if (last != first) {
		putchar('\n');
		latency_compare(first, last);
	}
	if (r->compares) {
		printf("\nagainst the file: ");
		latency_compare(&r->old, last);
	}
}

static int measure(struct run *r, struct braid *b)
{
	struct braid_observe_opts opts = {.what = BRAID_OBSERVE_TIMES};
	struct look_loop loop = {
		.observers = &r->observer,
		.n = 1,
		.look = &r->look,
		.ctx = r,
		.tick = tick,
		.period_ms = 500,
		.changed = changed,
		.moved = moved,
	};
	int e = look_open(b, r->pipeline, &r->look, &opts, &r->observer, &r->err);

	return e ?: begin_measurement(r) ?: look_loop(&loop, &r->err);
}

/* In a process of its own: look_guard(). */
static int work(void *ctx)
{
	struct run *r = ctx;
	_cleanup_(braid_closep) struct braid *b = NULL;
	int status, e = open_braid(r->o, &b, &r->err) ?: measure(r, b);

	if (!e)
		show(r);
	status = e ? fail(r->o, &r->err) : EXIT_DONE;
	status = look_close(r->o, r->observer, status);
	array_foreach (m, &r->measured.list)
		measurement_done(m);
	array_done(&r->measured.list);
	braid_error_clear(&r->err);
	return status;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_free_ char *expression = NULL;
	struct own own = {};
	struct run r = {.o = &o, .err = BRAID_ERROR_INIT};
	struct look_guard guard = {
		.o = &o, .pipelines = &r.pipeline, .n = 1, .work = work, .ctx = &r};
	int status,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	if (argc - first < 1)
		return usage(c, "which pipeline?");
	r.pipeline = argv[first];
	own.look.duration = own.look.duration ?: 10000000000;
	own.look.every = own.look.every || own.look.sample ? own.look.every : 100;
	status = take_expression(c, argc - first - 1, argv + first + 1, &own.look, &expression);
	status = status ?: look_parse(c, &o, &own.look, &r.look);
	if (!status && own.against && latency_from_file(own.against, &r.old, &r.err))
		status = fail(&o, &r.err);
	r.compares = own.against;
	status = status ?: look_guard(&guard);
	measurement_done(&r.old);
	braid_error_clear(&r.err);
	look_done(&r.look);
	return status;
}

const struct command cmd_latency = {
	.name = "latency",
	.usage = "[options] PIPELINE [EXPRESSION]",
	.summary = "measure what each stage costs, in nanoseconds per packet",
	.help = "Looks at one packet of 100 for ten seconds, unless told otherwise, and prints\n"
		"percentiles for each stage and the whole pipeline. If the pipeline is changed\n"
		"meanwhile, its old and its new revision are compared. The times are of packets\n"
		"that went through a stage, with what its seam takes. EXPRESSION chooses packets\n"
		"as they come in, as tcpdump takes it.\n"
		"\n"
		"  braid latency edge\n"
		"  braid latency edge --duration 1m --sample 1:10 udp port 53\n"
		"  braid latency edge --json > before.json; braid apply edge.yaml\n"
		"  braid latency edge --against before.json\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
