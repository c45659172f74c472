/* SPDX-License-Identifier: GPL-2.0-only */
/* braid graph: a pipeline as a picture. */
#include "cli/graph.h"

#include <string.h>

#include "cli/show.h"
#include "cli/write.h"

struct graph_options {
	const char *format, *output;
	uint64_t interval; /* ns */
	struct texts counters;
};

struct request {
	const struct options *o;
	const struct graph_options *own;
	struct graph_request from;
	int format;
};

enum { FORMAT_DOT, FORMAT_SVG, FORMAT_HTML, FORMATS };

static const char *const format_names[FORMATS] = {"dot", "svg", "html"};

/* By the ending of a file. -1: it says nothing. */
static int format_of_file(const char *path)
{
	static const struct {
		const char *ending;
		int format;
	} endings[] = {
		{".dot", FORMAT_DOT},  {".gv", FORMAT_DOT},    {".svg", FORMAT_SVG},
		{".htm", FORMAT_HTML}, {".html", FORMAT_HTML},
	};
	const char *dot = path ? strrchr(path, '.') : NULL;

	for (size_t i = 0; dot && i < sizeof(endings) / sizeof(*endings); i++)
		if (text_eq(dot, endings[i].ending))
			return endings[i].format;
	return -1;
}

static bool choose_format(const struct command *c, struct request *r)
{
	const char *word = r->own->format, *file = r->own->output;

	if (word) {
		r->format = find_word(c, "format", word, format_names);
		return r->format >= 0;
	}
	if (!file || text_eq(file, "-")) {
		r->format = FORMAT_DOT;
		return true;
	}
	r->format = format_of_file(file);
	if (r->format < 0)
		usage(c, "'%s' does not end in .dot, .svg or .html: say --format", file);
	return r->format >= 0;
}

static int draw(const struct request *rq, struct graph *g)
{
	struct buf b = {};
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *said = NULL;
	bool printed = !rq->own->output || text_eq(rq->own->output, "-");
	int status;

	if (rq->format == FORMAT_DOT) {
		graph_dot(g, &b);
	} else {
		graph_place(g);
		if (rq->format == FORMAT_SVG)
			graph_svg(g, false, &b);
		else
			graph_html(g, &b);
	}
	text = graph_must(buf_take(&b));
	if (!rq->o->json)
		return write_text(rq->o, rq->own->output, text);
	status = printed ? EXIT_DONE : write_text(rq->o, rq->own->output, text);
	if (status)
		return status;
	said = graph_must(json_pack("{s:s, s:s, s:s*, s:s*, s:O*}", "pipeline", g->name, "format",
				    format_names[rq->format], "output",
				    printed ? NULL : rq->own->output, "picture",
				    printed ? text : NULL, "counters", g->counters));
	print_json(graph_must(json_dumps(said, JSON_INDENT(2))));
	return EXIT_DONE;
}

static int read_and_draw(const struct request *rq)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct graph g = {};
	int status;

	if (graph_fetch(&rq->from, &g, &err)) {
		status = fail(rq->o, &err);
	} else {
		graph_read(&g);
		status = draw(rq, &g);
	}
	graph_done(&g);
	return status;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct graph_options own = {.interval = 1000000000};
	int status,
		first = options_parse_own(c, OPT_VALUES | OPT_STATE, argc, argv, &o, &own, &status);
	struct request r = {.o = &o, .own = &own};

	if (first < 0)
		goto out;
	status = EXIT_USAGE;
	r.from = (struct graph_request){&o,
					argv[first],
					argc - first > 1 ? argv[first + 1] : NULL,
					own.counters.list.v,
					own.counters.list.n,
					own.interval / 1e9};
	if (argc - first < 1)
		usage(c, "which pipeline?");
	else if (argc - first > 2 || (r.from.pipeline && !is_file(r.from.what)))
		usage(c, "one pipeline at a time");
	else if (r.from.n_counters > 2)
		usage(c, "--counters twice at most");
	else if (choose_format(c, &r))
		status = read_and_draw(&r);
out:
	array_done(&own.counters.list);
	return status;
}

#define OWN(field) offsetof(struct graph_options, field)

static const struct own_option own_options[] = {
	{"format", 'f', OPTION_TEXT, OWN(format),
	 "-f, --format WORD       dot, svg or html (default: by the ending of the file)"},
	{"output", 'o', OPTION_TEXT, OWN(output),
	 "-o, --output FILE       write it there (default: standard output)"},
	{"interval", 'i', OPTION_TIME, OWN(interval),
	 "-i, --interval TIME     count so long (default 1s); 0: since the counters began", NULL,
	 "1h"},
	{"counters", 'c', OPTION_TEXTS, OWN(counters),
	 "-c, --counters FILE     numbers that braid status --json gave; twice: rates between"},
};

const struct command cmd_graph = {
	.name = "graph",
	.usage = "[options] PIPELINE | FILE.yaml [PIPELINE]",
	.summary = "draw a pipeline, with what packets do in it",
	.help = "A pipeline that runs, with what came through it meanwhile; or one of a manifest,\n"
		"which has a dot or a slash in its name.\n"
		"\n"
		"  braid graph edge -o edge.html            a page: choose a stage to see its "
		"facts\n"
		"  braid graph edge -o edge.svg --interval 10\n"
		"  braid graph edge.yaml | dot -Tpdf > edge.pdf\n"
		"  braid graph ./edge.yaml edge -c status.json -o edge.svg\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
