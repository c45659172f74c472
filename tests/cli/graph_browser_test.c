/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page of braid graph in a real browser: nothing covers anything else, all is within its
 * bounds, stages can be chosen by pointer and by keys. graph_probe.js looks; the browser prints
 * what the page has become. Last argument: that script.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "file.h"
#include "graph_common.h"

#define BROWSER "chromium-headless-shell"
#define OFFLINE                                                                                    \
	BROWSER, "--no-sandbox", "--disable-gpu", "--disable-background-networking",               \
		"--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=profile"

static char *probe;

static void draw(const char *manifest, const char *counters, const char *to)
{
	_cleanup_run_ struct run r = {};

	if (counters)
		is_int(run(&r, graph_braid, "graph", manifest, "-c", counters, "-o", to), 0, "%s",
		       to);
	else
		is_int(run(&r, graph_braid, "graph", manifest, "-o", to), 0, "%s", to);
}

/* The page with the probe at its end. */
static void arm(const char *page, const char *more)
{
	_cleanup_free_ char *text = file_text(page);
	char *end = strstr(text, "</body>");
	struct buf b = {};

	if (!end)
		bail_out("%s is no page", page);
	buf_add(&b, text, end - text);
	buf_fmt(&b, "%s<script>%s</script></body></html>\n", more, probe);
	graph_write("armed.html", b.v);
	buf_done(&b);
}

static char *file_url(const char *name)
{
	_cleanup_free_ char *here = realpath(name, NULL);

	return text_fmt("file://%s", here ?: "");
}

/* What the probe saw: its lines. Caller frees. */
static char *look(const char *page, const char *more)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *url = NULL;
	char *found;

	arm(page, more);
	url = file_url("armed.html");
	is_int(run(&r, OFFLINE, "--window-size=1600,1000", "--virtual-time-budget=60000",
		   "--dump-dom", url),
	       0, "%s: the browser loads it", page);
	ok(!strstr(r.err, "CONSOLE"), "%s: it complains of nothing", page);
	found = strstr(r.out, "id=\"probe\"");
	if (!ok(found && strstr(found, "\ndone\n"), "%s: it was looked at", page))
		return strdup("\n");
	*strstr(found, "\ndone\n") = '\0';
	return strdup(found);
}

static void none(const char *seen, const char *page, const char *what)
{
	_cleanup_free_ char *line = text_fmt("\n%s ", what);
	const char *at = strstr(seen, line);

	ok(!at, "%s: no %s%.*s", page, what, at ? (int)strcspn(at + 1, "\n") : 0, at ? at : "");
}

static int number_of(const char *seen, const char *what)
{
	_cleanup_free_ char *line = text_fmt("\n%s ", what);
	const char *at = strstr(seen, line);

	return at ? atoi(at + strlen(line)) : -1;
}

static void good(const char *page, int stages)
{
	static const char *const faults[] = {"overlap", "overflow", "outside",  "invisible",
					     "open",    "unshown",  "unclosed", "lost",
					     "error",   "blocked"};
	_cleanup_free_ char *seen = look(page, ""), *all = NULL;

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		none(seen, page, faults[i]);
	ok(number_of(seen, "things") > stages, "%s: there is something to see", page);
	ok(number_of(seen, "colours") > 20, "%s: it is drawn", page);
	all = text_fmt("\nreached %d of %d", stages, stages);
	ok(strstr(seen, all), "%s: keys reach all of %d stages", page, stages);
}

/* It does find what is wrong: a second card over the first, and a text that is too long. */
static void test_probe(void)
{
	_cleanup_free_ char *seen =
		look("all.html", "<script>const one = document.querySelector('.stage');"
				 "one.after(one.cloneNode(true));"
				 "one.querySelector('text').textContent = 'x'.repeat(99);"
				 "document.querySelectorAll('article')[1].remove();</script>");

	ok(strstr(seen, "\noverlap "), "the probe finds what covers something");
	ok(strstr(seen, "\noverflow xxx"), "what is too long");
	ok(strstr(seen, "\nerror "), "and what is missing");
}

static off_t screenshot(const char *page, const char *to, const char *more)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *url = file_url(page), *option = text_fmt("--screenshot=%s", to);
	struct stat st;

	is_int(run(&r, OFFLINE, "--window-size=1200,900", more, option, url), 0, "a screenshot");
	return stat(to, &st) ? 0 : st.st_size;
}

/* Flat colours take next to nothing in a PNG. */
static void test_screenshot(void)
{
	off_t blank, light, dark;

	graph_write("blank.html", "<!DOCTYPE html><title>blank</title>");
	blank = screenshot("blank.html", "blank.png", "--mute-audio");
	light = screenshot("all.html", "light.png", "--mute-audio");
	dark = screenshot("all.html", "dark.png", "--blink-settings=preferredColorScheme=0");
	ok(blank > 0, "a blank one has %lld bytes", (long long)blank);
	ok(light > 4 * blank, "a picture more: %lld", (long long)light);
	ok(dark > 4 * blank && dark != light, "in the dark it is another one: %lld",
	   (long long)dark);
}

/* An XML parser that forgives nothing. */
static void test_svg(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *url = NULL;

	draw("all.yaml", "all.json", "all.svg");
	url = file_url("all.svg");
	is_int(run(&r, OFFLINE, "--dump-dom", url), 0, "the browser reads the SVG");
	ok(strstr(r.out, "</svg>") && !strstr(r.out, "parsererror"), "it is XML");
	must_run("cp all.svg broken.svg");
	must_run("sed -i s/<defs>// broken.svg");
	free(url);
	url = file_url("broken.svg");
	is_int(run(&r, OFFLINE, "--dump-dom", url), 0, "and one with a tag too few");
	ok(strstr(r.out, "parsererror"), "of which it complains");
}

int main(int argc, char **argv)
{
	_cleanup_run_ struct run r = {};

	if (run(&r, BROWSER, "--version"))
		skip_all("there is no " BROWSER);
	probe = file_text(argv[argc - 1]);
	graph_init(argc, argv);
	graph_write_all();
	draw("all.yaml", "all.json", "all.html");
	good("all.html", 8);
	draw("all.yaml", NULL, "plain.html");
	good("plain.html", 8);
	draw("examples/edge.yaml", NULL, "edge.html");
	good("edge.html", 6);
	graph_write_many(50, "    strategy: tailcall\n");
	draw("many.yaml", NULL, "tails.html");
	good("tails.html", 50);
	graph_write_many(3, "    strategy: dispatcher\n    attach: {priority: 7}\n");
	draw("many.yaml", NULL, "dispatcher.html");
	good("dispatcher.html", 3);
	test_probe();
	test_screenshot();
	test_svg();
	free(probe);
	return graph_end();
}
