/* SPDX-License-Identifier: GPL-2.0-only */
/* braid capture: packets at the seams of a pipeline, as pcapng. */
#include "cli/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/capture_file.h"
#include "cli/expression.h"
#include "cli/observe.h"

#define SNAP    65535      /* bytes */
#define RING    (32 << 20) /* bytes between kernel and reader */
#define TICK_MS 1000

struct own {
	struct look_options look;
	const char *write, *ring;
	uint64_t count, bytes, snap, buffer; /* count, bytes: 0: no limit */
	struct texts stages;
	bool before, after;
};

static const struct own_option own_options[] = {
	{"write", 'w', OPTION_TEXT, offsetof(struct own, write),
	 "-w, --write FILE        pcapng; - is standard output"},
	{"stage", 0, OPTION_TEXTS, offsetof(struct own, stages),
	 "    --stage NAME        only at this stage; may be repeated (default: all)"},
	{"before", 0, OPTION_FLAG, offsetof(struct own, before),
	 "    --before            in front of stages"},
	{"after", 0, OPTION_FLAG, offsetof(struct own, after),
	 "    --after             behind stages, with their verdicts"},
	LOOK_OPTIONS(struct own, look),
	{"count", 'n', OPTION_NUMBER, offsetof(struct own, count),
	 "-n, --count N           end after N packets in the file", "1"},
	{"bytes", 0, OPTION_SIZE, offsetof(struct own, bytes),
	 "    --bytes SIZE        end before the file is longer: 500k, 10M, 2G", "1"},
	{"snap", 's', OPTION_SIZE, offsetof(struct own, snap),
	 "-s, --snap SIZE         of each packet at most; 0: all (default)", NULL, "65535"},
	{"ring", 0, OPTION_TEXT, offsetof(struct own, ring),
	 "    --ring FILES:SIZE   as many files of that size: a new one replaces the oldest"},
	{"buffer", 'B', OPTION_SIZE, offsetof(struct own, buffer),
	 "-B, --buffer SIZE       between kernel and reader (default 32M)", "1", "1G"},
};

struct capture {
	const struct options *o;
	const char *pipeline;
	struct look look;
	struct seam_choice choice;
	uint64_t count, bytes, buffer; /* of struct own */
	struct capture_file file;
	struct seams seams;
	struct names names;
	struct braid *b;
	struct braid_observer *observer;
	struct buf block;
	uint64_t written, missed;
	uint64_t missed_untold; /* not yet in the file */
	uint64_t gap_untold;    /* ns in which nobody looked, the same */
	uint64_t missed_before; /* when the present file began */
	uint64_t start_ns;      /* of the present file */
	struct braid_error err;
};

static void begin_file(void *ctx, struct buf *out)
{
	struct capture *c = ctx;

	c->start_ns = names_now(&c->names);
	c->missed_before = c->missed;
	seams_begin_file(&c->seams, out);
	c->file.reserve = c->seams.list.n * SEAM_END_BYTES;
}

static void end_file(void *ctx, struct buf *out)
{
	struct capture *c = ctx;

	seams_end_file(&c->seams, c->start_ns, names_now(&c->names), c->missed - c->missed_before,
		       out);
}

/* Of all files together; with the end of the last one it stays below. */
static bool is_too_long(const struct capture *c)
{
	const struct capture_file *f = &c->file;

	return c->bytes && f->total + f->pending.n + c->block.n + f->reserve > c->bytes;
}

static int make_block(struct capture *c, const struct braid_event *e, struct seam *seam)
{
	_cleanup_free_ char *gap = c->gap_untold ? look_gap_text(c->gap_untold) : NULL;

	c->block.n = 0;
	seam_packet(seam, &c->names, e, c->missed_untold, gap, &c->block);
	return c->block.failed ? -ENOMEM : 0;
}

static int event(void *ctx, size_t observer __attribute__((unused)), const struct braid_event *e)
{
	struct capture *c = ctx;
	struct seam *seam = seams_find(&c->seams, e);
	int r;

	if (!seam)
		return 0;
	r = make_block(c, e, seam);
	if (!r && is_too_long(c))
		return 1;
	r = r ?: capture_file_room(&c->file, c->block.n, &c->err);
	if (r == 1) { /* interfaces have other numbers in a new file */
		seam = seams_find(&c->seams, e);
		r = make_block(c, e, seam);
	}
	r = r ?: capture_file_add(&c->file, &c->block, &c->err);
	if (r)
		return r;
	seam->packets++;
	c->missed_untold = c->gap_untold = 0;
	c->written++;
	return c->file.over || (c->count && c->written >= c->count);
}

static int count_missed(struct capture *c)
{
	struct braid_observer_count count;
	int r = braid_observer_count(c->observer, &count, &c->err);

	if (r)
		return r;
	c->missed_untold += count.missed - c->missed;
	c->missed = count.missed;
	return 0;
}

static int round_is_over(void *ctx)
{
	struct capture *c = ctx;
	int r = count_missed(c) ?: capture_file_flush(&c->file, &c->err);

	return r ?: c->file.over;
}

static int tick(void *ctx)
{
	struct capture *c = ctx;

	names_clock(&c->names);
	return 0;
}

/* Its seams are interfaces of their own, behind those that are in the file. */
static int changed(void *ctx, size_t observer __attribute__((unused)))
{
	struct capture *c = ctx;
	uint32_t was = c->names.revision;
	size_t known = c->seams.list.n;
	_cleanup_free_ char *gap = look_gap_text(look_gap_ns(c->observer));
	int r = names_read(&c->names, c->b, c->pipeline, c->observer, &c->err);

	c->gap_untold += look_gap_ns(c->observer);
	if (!r && c->names.revision == was)
		fprintf(stderr, "%s\n", gap ?: "");
	if (r || c->names.revision == was)
		return r;
	r = seams_choose(&c->seams, &c->choice, &c->names, c->pipeline, &c->err);
	if (r)
		return r;
	c->block.n = 0;
	seams_add(&c->seams, &c->block);
	c->file.reserve = c->seams.list.n * SEAM_END_BYTES;
	fprintf(stderr, "revision %u runs now: %zu more interfaces in the file; %s\n",
		c->names.revision, c->seams.list.n - known, gap ?: "");
	return capture_file_add(&c->file, &c->block, &c->err);
}

static int moved(void *ctx, size_t observer __attribute__((unused)))
{
	const struct capture *c = ctx;

	look_tell_interfaces(c->pipeline, c->observer);
	return 0;
}

/*
 * Which stages have events in front of them: the observer must be told. *ret_status: owns the names
 * of all, if all are meant.
 */
static int choose_before(struct capture *c, json_t **ret_status, const char ***ret, size_t *ret_n)
{
	struct texts all = {};
	bool whole = true;
	json_t *p, *stage;
	char *text;
	size_t i;
	int r;

	for (i = 0; i < c->choice.n_stages; i++)
		whole &= !!array_add(&all.list, c->choice.stages[i]);
	if (!i && c->choice.before) {
		r = braid_status(c->b, c->pipeline, &text, &c->err);
		if (r)
			return r;
		*ret_status = parse_json(text);
		p = json_array_get(json_object_get(*ret_status, "pipelines"), 0);
		json_array_foreach (json_object_get(p, "stages"), i, stage)
			whole &= !!array_add(&all.list, member(stage, "name"));
	}
	*ret = whole ? seams_before(&c->choice, all.list.v, all.list.n, ret_n) : NULL;
	array_done(&all.list);
	return *ret ? 0 : -ENOMEM;
}

static int open_observer(struct capture *c)
{
	struct braid_observe_opts opts = {
		.what = BRAID_OBSERVE_EVENTS, .snap = c->seams.snap, .ring = c->buffer};
	_cleanup_free_ const char **before = NULL;
	_cleanup_json_ json_t *status = NULL;
	int r = choose_before(c, &status, &before, &opts.n_before);

	if (r)
		return r;
	opts.before = before;
	seams_limit(&c->choice, &opts);
	r = look_open(c->b, c->pipeline, &c->look, &opts, &c->observer, &c->err);
	r = r ?: names_read(&c->names, c->b, c->pipeline, c->observer, &c->err);
	return r ?: seams_choose(&c->seams, &c->choice, &c->names, c->pipeline, &c->err);
}

static void show_json(const struct capture *c, const struct braid_observer_count *count)
{
	json_t *files = json_array(), *j;

	array_foreach (name, &c->file.names)
		json_array_append_new(files, json_string(*name));
	j = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "pipeline", c->pipeline, "revision",
		      (json_int_t)c->names.revision, "looked-at", (json_int_t)count->packets,
		      "written", (json_int_t)c->written, "missed", (json_int_t)count->missed,
		      "bytes", (json_int_t)c->file.total, "files", files);
	look_gaps_add(c->observer, j);
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(j);
}

/* On standard error, as the packets may be on the other one. */
static int show_totals(struct capture *c)
{
	_cleanup_free_ char *gaps = look_gaps_text(c->observer);
	struct braid_observer_count count;
	int r = braid_observer_count(c->observer, &count, &c->err);

	if (r)
		return r;
	if (c->o->json) {
		show_json(c, &count);
		return 0;
	}
	fprintf(stderr,
		"%" PRIu64 " packets looked at, %" PRIu64 " written at their seams (%" PRIu64
		" bytes), %" PRIu64 " events missed%s\n",
		count.packets, c->written, c->file.total, count.missed, gaps ?: "");
	if (count.missed)
		fputs("  there were more than could be written: a filter, --snap, --sample or a "
		      "larger\n"
		      "  --buffer help\n",
		      stderr);
	return 0;
}

/* Whether there is room is known before the file is there, or what was in it is gone. */
static int open_file(struct capture *c)
{
	uint64_t limit = c->file.files ? c->file.limit : c->bytes, empty;
	_cleanup_(buf_done) struct buf first = {};

	begin_file(c, &first);
	empty = first.n + c->file.reserve;
	if (!limit || limit >= empty)
		return capture_file_open(&c->file, &c->err);
	c->err.code = -EINVAL;
	c->err.where = strdup(c->file.path);
	c->err.what = text_fmt("a file of %" PRIu64 " bytes has no room for packets", limit);
	c->err.why = text_fmt("its interfaces take %" PRIu64, empty);
	return -EINVAL;
}

/* Also after an error a file gets its end, if it can be written to at all. @r: that error. */
static int close_file(struct capture *c, int r)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	int closed = capture_file_close(&c->file, r ? &second : &c->err);

	return r ?: closed;
}

static int capture(struct capture *c)
{
	struct look_loop loop = {
		.observers = &c->observer,
		.n = 1,
		.look = &c->look,
		.ctx = c,
		.event = event,
		.round = round_is_over,
		.tick = tick,
		.period_ms = TICK_MS,
		.changed = changed,
		.moved = moved,
	};
	int r = open_observer(c) ?: open_file(c);

	r = r ?: look_loop(&loop, &c->err) ?: count_missed(c);
	return close_file(c, r) ?: show_totals(c);
}

/* In a process of its own: look_guard(). */
static int work(void *ctx)
{
	struct capture *c = ctx;
	int r, status;

	r = open_braid(c->o, &c->b, &c->err) ?: capture(c);
	if (r && !c->err.code)
		c->err.code = r;
	status = r ? fail(c->o, &c->err) : EXIT_DONE;
	status = look_close(c->o, c->observer, status);
	capture_file_done(&c->file);
	seams_done(&c->seams);
	names_done(&c->names);
	buf_done(&c->block);
	braid_error_clear(&c->err);
	braid_close(c->b);
	return status;
}

/* "10:5M". Return: EXIT_DONE; else how to exit. */
static int take_ring(const struct command *cmd, const char *text, struct capture_file *f)
{
	static const struct amount size = {AMOUNT_SIZE, "1"};
	_cleanup_free_ char *files = strdup(text);
	char *colon = files ? strchr(files, ':') : NULL;
	uint64_t n;

	if (!colon)
		return usage(cmd, "--ring: '%s' is not a ring: 10:5M is ten files of 5 MiB", text);
	*colon = '\0';
	if (!take_amount(cmd, "--ring", NUMBER("1", "99999"), files, &n) ||
	    !take_amount(cmd, "--ring", &size, colon + 1, &f->limit))
		return EXIT_USAGE;
	f->files = n;
	return EXIT_DONE;
}

static int take_options(const struct command *cmd, const struct own *own, struct capture *c)
{
	bool is_stdout = text_eq(own->write, "-");

	if (!own->write)
		return usage(cmd, "where to? -w FILE, or -w - for standard output");
	if (is_stdout && isatty(STDOUT_FILENO))
		return usage(cmd, "standard output is a terminal, and pcapng is no text");
	if (is_stdout && own->ring)
		return usage(cmd, "--ring is for files, not for standard output");
	if (is_stdout && c->o->json)
		return usage(cmd, "--json and packets are both for standard output");
	c->file.path = own->write;
	c->count = own->count;
	c->bytes = own->bytes;
	c->buffer = own->buffer;
	c->seams.snap = own->snap ?: SNAP; /* 0: all, as for tcpdump */
	c->choice = (struct seam_choice){.stages = own->stages.list.v,
					 .n_stages = own->stages.list.n,
					 .before = own->before,
					 .after = own->after};
	return own->ring ? take_ring(cmd, own->ring, &c->file) : EXIT_DONE;
}

static int guarded(struct capture *c)
{
	const struct look_guard guard = {
		.o = c->o, .pipelines = &c->pipeline, .n = 1, .work = work, .ctx = c};
	int status;

	c->file.whole = capture_whole_new();
	if (!c->file.whole) {
		fputs("braid: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	status = look_guard(&guard);
	capture_whole_mend(c->file.whole);
	return status;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_free_ char *expression = NULL;
	struct own own = {.snap = SNAP, .buffer = RING};
	struct capture c = {.o = &o, .err = BRAID_ERROR_INIT};
	int status,
		first = options_parse_own(cmd, OPT_STATE | OPT_WAIT, argc, argv, &o, &own, &status);

	if (first >= 0 && argc - first < 1)
		status = usage(cmd, "which pipeline?");
	if (first >= 0 && argc - first >= 1) {
		c.pipeline = argv[first];
		c.file = (struct capture_file){
			.fd = -1, .begin = begin_file, .end = end_file, .ctx = &c};
		status = take_expression(cmd, argc - first - 1, argv + first + 1, &own.look,
					 &expression) ?:
			 take_options(cmd, &own, &c) ?: look_parse(cmd, &o, &own.look, &c.look);
		c.seams.filter = own.look.filter;
		status = status ?: guarded(&c);
	}
	look_done(&c.look);
	array_done(&own.stages.list);
	return status;
}

const struct command cmd_capture = {
	.name = "capture",
	.usage = "[options] PIPELINE [EXPRESSION] -w FILE",
	.summary = "write packets at the seams of a pipeline to a file for Wireshark",
	.help = "One interface in the file for each seam: as packets come in, and behind each\n"
		"stage; with --stage, in front of that stage and behind it. Each packet has stage\n"
		"and verdict as a comment, and the same id at all seams. EXPRESSION chooses\n"
		"packets as they come in, as tcpdump takes it. The packets' way is never blocked:\n"
		"what the writer is too slow for is missed, counted and said, in the file, too.\n"
		"\n"
		"  braid capture edge -w edge.pcapng tcp port 443\n"
		"  braid capture edge --stage lb -w lb.pcapng --count 1000\n"
		"  braid capture edge -w edge.pcapng --ring 10:50M --snap 128\n"
		"  braid capture edge -w - | wireshark -k -i -\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
