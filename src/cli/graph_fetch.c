/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the manifest, the plan and the numbers of a graph come from. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/graph.h"
#include "cli/show.h"

/* The manifest and the plan of @p. */
static int read_pipeline(const struct braid_pipeline *p, struct graph *g, struct braid_error *err)
{
	_cleanup_(braid_plan_freep) struct braid_plan *plan = NULL;
	_cleanup_json_ json_t *whole = NULL;
	char *text;
	int r = braid_pipeline_json(p, &text, err);

	if (r)
		return r;
	whole = parse_json(text);
	g->model = json_incref(json_array_get(json_object_get(whole, "pipelines"), 0));
	r = braid_plan_new(p, &plan, err) ?: braid_plan_json(plan, &text, err);
	if (!r)
		g->plan = parse_json(text);
	return r;
}

static int read_manifest(const struct graph_request *rq, struct graph *g, struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	const struct braid_pipeline *p;
	int r = load_manifest(rq->o, rq->what, &m, err)
			?: pick_pipeline(m, rq->what, rq->pipeline, &p, err)
				   ?: read_pipeline(p, g, err);

	if (!r)
		g->numbers = graph_keep(g, text_fmt("as %s has it", rq->what));
	return r;
}

/*
 * The pipeline of that name of the caller's home: the one whose history says that it was begun
 * at that time.
 */
static int find_running(struct braid *b, const char *name, json_t **ret, struct braid_error *err)
{
	_cleanup_json_ json_t *status = NULL, *history = NULL;
	const json_t *list, *now;
	json_t *one;
	char *text;
	size_t i;
	int r = braid_status(b, name, &text, err);

	if (r)
		return r;
	status = parse_json(text);
	r = braid_history(b, name, &text, err);
	if (r)
		return r;
	history = parse_json(text);
	now = graph_find(history, "state", "current");
	list = json_object_get(status, "pipelines");
	json_array_foreach (list, i, one)
		if (number(one, "revision") == number(now, "revision") &&
		    number(one, "created") == number(now, "created")) {
			*ret = json_incref(one);
			return 0;
		}
	err->code = -ENOENT;
	err->what = text_fmt("no pipeline '%s' runs in this network namespace", name);
	err->hint = strdup("braid status shows the home of each: run braid there");
	return -ENOENT;
}

static void wait_seconds(double seconds)
{
	struct timespec t = {seconds, (seconds - (long long)seconds) * 1e9};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

/* What came in the interval; or, if that is 0, since the counters began. */
static int count_live(const struct graph_request *rq, struct braid *b, struct graph *g,
		      struct braid_error *err)
{
	const json_t *first = json_object_get(g->status, "counters");
	_cleanup_json_ json_t *later = NULL;
	uint64_t begun = clock_ns(CLOCK_MONOTONIC);
	double seconds;
	int r;

	if (!first)
		return 0;
	if (rq->interval == 0) {
		g->counters = json_deep_copy(first);
		return 0;
	}
	wait_seconds(rq->interval);
	r = find_running(b, rq->what, &later, err);
	seconds = (clock_ns(CLOCK_MONOTONIC) - begun) / 1e9;
	if (!r)
		g->counters = counters_between(first, json_object_get(later, "counters"), seconds);
	g->per_second = g->counters != NULL;
	return r;
}

static void name_numbers(const struct graph_request *rq, struct graph *g)
{
	const char *since = time_text(number(g->status, "created"));
	const char *seen = json_object_get(g->status, "observed") ? ", observed" : "";
	_cleanup_free_ char *revision = graph_must(
		text_fmt("revision %lld since %s%s", number(g->status, "revision"), since, seen));

	if (g->counters && g->per_second)
		g->numbers = graph_keep(g, text_fmt("%s · packets of %g s, %s", revision,
						    rq->interval, time_text(time(NULL))));
	else if (g->counters)
		g->numbers = graph_keep(g, text_fmt("%s · packets since %s", revision,
						    time_text(number(g->counters, "since"))));
	else
		g->numbers = graph_keep(g, text_fmt("%s · no counters", revision));
}

/* Planned as it runs: what `auto` came to is in the status. */
static int read_as_it_runs(struct braid *b, const char *name, struct graph *g,
			   struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	struct braid_pipeline *p;
	json_t *why = json_object_get(g->status, "why");
	int r = braid_revision(b, name, number(g->status, "revision"), &m, err);

	if (r)
		return r;
	p = braid_manifest_edit(m, 0);
	r = braid_pipeline_set_strategy(p, member(g->status, "strategy"), err)
		    ?: read_pipeline(p, g, err);
	if (!r && why)
		json_object_set(g->plan, "why", why);
	return r;
}

static int read_running(const struct graph_request *rq, struct graph *g, struct braid_error *err)
{
	_cleanup_error_ struct braid_error none = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	char *text;
	int r = open_braid(rq->o, &b, err) ?: find_running(b, rq->what, &g->status, err);

	r = r ?: read_as_it_runs(b, rq->what, g, err);
	if (!r && !rq->n_counters)
		r = count_live(rq, b, g, err);
	if (r)
		return r;
	if (!braid_rollout_status(b, rq->what, &text, &none))
		g->rollout = parse_json(text);
	name_numbers(rq, g);
	return 0;
}

/* What `braid status --json` once said of the pipeline. */
static int read_recorded(const struct graph *g, const char *path, json_t **ret,
			 struct braid_error *err)
{
	const char *name = member(g->plan, "pipeline");
	const char *home = g->status ? member(g->status, "home") : NULL;
	json_error_t e;
	_cleanup_json_ json_t *status = json_load_file(path, 0, &e);

	err->code = -EINVAL;
	if (!status) {
		err->where = text_fmt("%s:%d:%d", path, e.line > 0 ? e.line : 1,
				      e.column > 0 ? e.column : 1);
		err->what = strdup(e.text);
		err->hint = strdup("--counters takes what `braid status --json` printed");
		return -EINVAL;
	}
	*ret = counters_of(status, name, home);
	if (*ret) {
		err->code = 0;
		return 0;
	}
	err->where = strdup(path);
	err->what = text_fmt("it has no counters of pipeline '%s'", name);
	err->why = strdup("it did not run then, or its manifest says stats: off");
	return -EINVAL;
}

static int rates_between(struct graph *g, const json_t *old, const json_t *new,
			 struct braid_error *err)
{
	double from = json_number_value(json_object_get(old, "at"));
	double to = json_number_value(json_object_get(new, "at"));

	g->counters = counters_between(old, new, to - from);
	if (g->counters) {
		g->per_second = true;
		g->numbers = graph_keep(
			g, text_fmt("packets of %.1f s, up to %s", to - from, time_text(to)));
		return 0;
	}
	err->code = -EINVAL;
	err->where = strdup("--counters");
	err->what = strdup("there are no rates between these two");
	err->why = strdup("the older one stands first, and the counters must not have begun anew");
	return -EINVAL;
}

static int count_recorded(const struct graph_request *rq, struct graph *g, struct braid_error *err)
{
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	int r = read_recorded(g, rq->counters[0], &first, err);

	if (!r && rq->n_counters > 1)
		r = read_recorded(g, rq->counters[1], &second, err);
	if (r)
		return r;
	if (second)
		return rates_between(g, first, second, err);
	g->counters = json_incref(first);
	g->numbers = graph_keep(g, text_fmt("packets from %s on, as recorded in %s",
					    time_text(number(first, "since")), rq->counters[0]));
	return 0;
}

int graph_fetch(const struct graph_request *rq, struct graph *g, struct braid_error *err)
{
	int r = is_file(rq->what) ? read_manifest(rq, g, err) : read_running(rq, g, err);

	if (!r && rq->n_counters)
		r = count_recorded(rq, g, err);
	return r;
}
