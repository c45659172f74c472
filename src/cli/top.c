/* SPDX-License-Identifier: GPL-2.0-only */
/* braid top: what packets do in pipelines, now. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/observe.h"
#include "cli/observe_signals.h"
#include "cli/top.h"

struct own {
	bool once, no_times;
	const char *sort;
	uint64_t interval, every; /* ns; packets */
};

static const struct own_option own_options[] = {
	{"once", 0, OPTION_FLAG, offsetof(struct own, once),
	 "    --once              one interval, as text; the default if there is no terminal"},
	{"interval", 'i', OPTION_TIME, offsetof(struct own, interval),
	 "-i, --interval TIME     between two samples: 200ms, 1s (default), 5s", "100ms", "1h"},
	{"sort", 0, OPTION_TEXT, offsetof(struct own, sort),
	 "    --sort WORD         order (default), pps, drops, ns, cpu"},
	{"every", 0, OPTION_NUMBER, offsetof(struct own, every),
	 "    --every N           time one packet of N (default 1000)", "1", UINT32_TEXT},
	{"no-times", 0, OPTION_FLAG, offsetof(struct own, no_times),
	 "    --no-times          counters only: what runs stays as it is"},
};

struct run {
	const struct command *c;
	const struct options *o;
	struct {
		ARRAY(char *) list;
	} names; /* of the pipelines */
	bool once, times, enough;
	uint32_t every;
	struct top_settings settings;
	struct look_loop loop;
	/* in the process that looks */
	struct braid *b;
	struct top top;
	struct screen *screen;
	struct {
		ARRAY(struct braid_observer *) list;
	} observers;
	struct braid_error err;
};

/* Of the last interval, for all stages of a pipeline that somebody looks at. */
static void feed_times(struct run *r, struct top_pipeline *p)
{
	struct braid_times t, clock;

	if (!p->observer || braid_observer_times(p->observer, BRAID_TIMES_CLOCK, &clock, &r->err))
		return;
	for (size_t i = 0; i < p->n_last; i++)
		if (!braid_observer_times(p->observer, i, &t, &r->err))
			top_feed_times(p, i, &t, braid_times_percentile(&clock, 50));
}

static void note(char **to, const struct braid_error *err)
{
	free(*to);
	*to = text_fmt("%s%s%s", err->what ?: "", err->why ? ": " : "", err->why ?: "");
}

/* What cannot be read says so, and the others go on. */
static void sample_one(struct run *r, struct top_pipeline *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_counters_opts opts = {.sz = sizeof(opts), .cpus = 1};
	_cleanup_json_ json_t *j = NULL;
	char *text = NULL;
	int e = braid_counters(r->b, p->name, &opts, &text, &err);

	if (!e) {
		free(p->unread);
		p->unread = NULL;
		j = parse_json(text);
		top_feed(p, j, clock_ns(CLOCK_MONOTONIC));
	} else {
		note(&p->unread, &err);
		if (e == -ENODATA)
			top_feed_uncounted(p);
		else
			top_feed_nothing(p);
	}
	if (!e || e == -ENODATA)
		feed_times(r, p);
}

static void show(struct run *r)
{
	if (r->screen) {
		top_screen_draw(r->screen);
	} else if (r->o->json) {
		_cleanup_json_ json_t *j = top_to_json(&r->top, &r->settings.view);

		json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
		fflush(stdout);
	} else {
		top_print(&r->top, &r->settings.view, text_eq(nl_langinfo(CODESET), "UTF-8"));
	}
}

static int tick(void *ctx)
{
	struct run *r = ctx;

	if (r->enough) /* the loop's last tick comes at once */
		return 0;
	array_foreach (p, &r->top.pipelines)
		if (!r->settings.paused)
			sample_one(r, p);
	show(r);
	r->loop.period_ms = r->settings.interval_ms;
	r->enough = r->once;
	return r->once;
}

static int input(void *ctx)
{
	struct run *r = ctx;

	r->enough = !top_screen_input(r->screen);
	return r->enough;
}

static int pause_screen(void *ctx)
{
	struct run *r = ctx;

	r->enough = !top_screen_pause(r->screen);
	return r->enough;
}

static struct top_pipeline *observed_by(struct run *r, size_t observer)
{
	array_foreach (p, &r->top.pipelines)
		if (p->observer == r->observers.list.v[observer])
			return p;
	return NULL;
}

static int remember_times(struct top_pipeline *p)
{
	free(p->last);
	p->n_last = braid_observer_stages(p->observer);
	p->last = calloc(p->n_last + 1, sizeof(*p->last));
	return p->last ? 0 : -ENOMEM;
}

static int changed(void *ctx, size_t observer)
{
	struct top_pipeline *p = observed_by(ctx, observer);

	return p ? remember_times(p) : 0;
}

static int gone(void *ctx, size_t observer)
{
	struct top_pipeline *p = observed_by(ctx, observer);

	if (p) {
		p->observer = NULL;
		p->n_last = 0;
		free(p->note);
		p->note = strdup("it does not run any more");
	}
	return 0;
}

/* Where that is not possible there are counters without times, and a note that says why. */
static int observe(struct run *r, struct top_pipeline *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid_observe_opts opts = {
		.sz = sizeof(opts), .what = BRAID_OBSERVE_TIMES, .every = r->every};
	struct braid_observer *o;

	if (braid_observer_open(r->b, p->name, &opts, &o, &err)) {
		note(&p->note, &err);
		return 0;
	}
	if (!array_add(&r->observers.list, o)) {
		braid_observer_close(o, &err);
		return -ENOMEM;
	}
	p->observer = o;
	if (!p->rows.n)
		top_feed_uncounted(p);
	return remember_times(p);
}

static int begin(struct run *r)
{
	int e = open_braid(r->o, &r->b, &r->err);

	for (size_t i = 0; i < r->names.list.n && !e; i++) {
		struct top_pipeline *p = top_add(&r->top, r->names.list.v[i]);

		if (!p)
			return -ENOMEM;
		sample_one(r, p);
		e = r->times ? observe(r, p) : 0;
	}
	return e;
}

static int end(struct run *r, int status)
{
	top_screen_end(r->screen);
	array_foreach (o, &r->observers.list)
		status = look_close(r->o, *o, status);
	array_done(&r->observers.list);
	top_done(&r->top);
	braid_close(r->b);
	return status;
}

/* In a process of its own: look_guard(). */
static int work(void *ctx)
{
	struct run *r = ctx;
	int e = begin(r), status = EXIT_DONE;

	if (!e && !r->once && !r->o->json) {
		signals_catch_pause();
		r->screen = top_screen_begin(&r->top, &r->settings);
		r->loop.input = input;
		r->loop.pause = pause_screen;
		if (isatty(STDIN_FILENO)) /* a file is readable for ever */
			r->loop.fd = STDIN_FILENO;
		e = r->screen ? 0 : -ENOMEM;
	}
	r->loop.observers = r->observers.list.v;
	r->loop.n = r->observers.list.n;
	e = e ?: look_loop(&r->loop, &r->err);
	top_screen_end(r->screen);
	r->screen = NULL;
	if (e)
		status = fail(r->o, &r->err);
	status = end(r, status);
	braid_error_clear(&r->err);
	return status;
}

/* Return: EXIT_DONE; else how to exit. */
static int understand(struct run *r, const struct own *own)
{
	int sort = own->sort ? find_word(r->c, "order", own->sort, top_sort_names) : 0;

	if (sort < 0)
		return EXIT_USAGE;
	r->settings.view.sort = sort;
	r->settings.interval_ms = own->interval / 1000000;
	r->every = own->every;
	r->times = !own->no_times;
	r->once = own->once || (!r->o->json && !isatty(STDOUT_FILENO));
	r->loop.period_ms = r->settings.interval_ms;
	return EXIT_DONE;
}

/* Once, also if another namespace has one of that name. */
static bool add_name(struct run *r, const char *name)
{
	char *copy;

	array_foreach (known, &r->names.list)
		if (text_eq(*known, name))
			return true;
	copy = strdup(name);
	return copy && array_add(&r->names.list, copy);
}

/* Of a pipeline that counts nothing there are times at least, if they are wanted. */
static int check_counted(const struct run *r, struct braid *b, const char *name,
			 struct braid_error *err)
{
	char *text = NULL;
	int e = braid_counters(b, name, NULL, &text, err);

	if (e == -ENODATA && r->times) {
		braid_error_clear(err);
		return 0;
	}
	if (!e)
		free(text);
	return e;
}

/* Those that are named; else all of this network namespace that can be shown. */
static int find_names(struct run *r, struct braid *b, char **args, int n, struct braid_error *err)
{
	_cleanup_json_ json_t *all = NULL;
	char *text = NULL;
	json_t *j;
	size_t i;
	int e = n ? 0 : braid_status(b, NULL, &text, err);

	for (int k = 0; k < n && !e; k++) {
		e = check_counted(r, b, args[k], err);
		if (!e && !add_name(r, args[k]))
			e = err->code = -ENOMEM;
	}
	if (e || n)
		return e;
	all = parse_json(text);
	json_array_foreach (json_object_get(all, "pipelines"), i, j) {
		_cleanup_error_ struct braid_error other = BRAID_ERROR_INIT;

		if (check_counted(r, b, member(j, "pipeline"), &other))
			continue;
		if (!add_name(r, member(j, "pipeline")))
			return err->code = -ENOMEM;
	}
	return 0;
}

static int find_pipelines(struct run *r, char **args, int n)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;

	if (open_braid(r->o, &b, &err) || find_names(r, b, args, n, &err))
		return fail(r->o, &err);
	if (r->names.list.n)
		return EXIT_DONE;
	fputs("braid: no pipeline runs here that could be shown\n"
	      "  do:  braid status lists pipelines; of those with 'stats: off' there are only "
	      "times,\n"
	      "       which --no-times leaves out\n",
	      stderr);
	return EXIT_FAILED;
}

static void run_done(struct run *r)
{
	array_foreach (name, &r->names.list)
		free(*name);
	array_done(&r->names.list);
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct own own = {.interval = 1000000000, .every = 1000};
	_cleanup_(run_done) struct run r = {
		.c = c,
		.o = &o,
		.err = BRAID_ERROR_INIT,
		.loop = {.tick = tick, .changed = changed, .gone = gone, .fd = -1},
	};
	struct look_guard guard = {.o = &o, .work = work, .ctx = &r};
	bool is_screen;
	int status,
		first = options_parse_own(c, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	r.loop.ctx = &r;
	status = understand(&r, &own);
	is_screen = !r.once && !o.json;
	if (!status && is_screen)
		status = top_terminal_check(&o);
	status = status ?: find_pipelines(&r, argv + first, argc - first);
	if (status)
		return status;
	setlocale(LC_CTYPE, "");
	guard.pipelines = (const char *const *)r.names.list.v;
	guard.n = r.names.list.n;
	if (is_screen) /* out of the alternate screen, the cursor, no colours */
		guard.reset = "\033[?1049l\033[?25h\033[0m\n";
	return r.times ? look_guard(&guard) : work(&r);
}

const struct command cmd_top = {
	.name = "top",
	.usage = "[options] [PIPELINE...]",
	.summary = "watch packet rates, drops and times of each stage",
	.help = "Of each stage: packets and bits per second; which share of its packets left the\n"
		"pipeline there, and died there; nanoseconds per packet, of packets that are\n"
		"timed by chance; the share of a CPU that it takes; and the trend.\n"
		"While it runs, a variant of each pipeline that can be timed stands in its place:\n"
		"no packet is lost by that. --no-times leaves what runs alone.\n"
		"Keys are those of htop; F1 lists them. With --json: one object per interval.\n"
		"\n"
		"  braid top\n"
		"  braid top edge --once --sort drops\n"
		"  braid top edge --json --interval 5s | jq .\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
