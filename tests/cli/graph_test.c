/* SPDX-License-Identifier: GPL-2.0-only */
/* braid graph: what is in a picture, and what graphviz makes of it. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "file.h"
#include "graph_common.h"

static bool has_graphviz;

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* graphviz reads @file, and finds so many nodes and edges in it. */
static void dot_finds(const char *file, size_t nodes, size_t edges)
{
	_cleanup_run_ struct run r = {};

	if (!has_graphviz) {
		skip("there is no dot(1) of graphviz");
		return;
	}
	is_int(run(&r, "dot", "-Tplain", file), 0, "%s: graphviz takes it", file);
	is_str(r.err, "", "without a warning");
	is_int(count(r.out, "\nnode "), nodes, "nodes");
	is_int(count(r.out, "\nedge "), edges, "edges");
}

static void test_dot(void)
{
	_cleanup_run_ struct run r = {};

	is_int(run(&r, graph_braid, "graph", "./all.yaml", "-c", "all.json", "-o", "all.dot"), 0,
	       "a picture for graphviz");
	/* entry, 8 stages, 2 choices and where they join, 4 ways out, the end */
	dot_finds("all.dot", 1 + 8 + 4 + 4 + 1, 20);
	is_int(run(&r, graph_braid, "graph", "all.yaml", "-o", "plain.gv"), 0, "without numbers");
	/* each of 6 stages may end a packet, and the last one does */
	dot_finds("plain.gv", 1 + 8 + 4 + 6 + 1, 22);
	graph_write_many(20, "    strategy: tailcall\n");
	is_int(run(&r, graph_braid, "graph", "many.yaml", "-o", "many.dot"), 0, "20 programs");
	dot_finds("many.dot", 1 + 20 + 19 + 1, 20 + 19 + 1);
}

static void has(const char *text, const char *what)
{
	ok(strstr(text, what), "has %s", what);
}

/* Numbers stand where packets went. */
static void test_numbers(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *svg = NULL;

	is_int(run(&r, graph_braid, "graph", "all.yaml", "-c", "all.json", "-o", "all.svg"), 0,
	       "a picture with numbers");
	is_str(r.out, "", "it prints nothing");
	svg = file_text("all.svg");
	has(svg, "1000 \u00b7 100\u00a0%<"); /* in */
	has(svg, ">900 \u00b7 90.0\u00a0%<");
	has(svg, ">300 \u00b7 30.0\u00a0%<"); /* nobody counted it: what is left of the choice */
	has(svg, ">850 \u00b7 85.0\u00a0%<"); /* where the branches have met */
	has(svg, "data-verdict=\"drop\"><title>50 packets, 5000 bytes<");
	has(svg, "data-verdict=\"drop\"><title>5 packets, 500 bytes<");
	has(svg, "data-verdict=\"tx\"><title>800 packets, 80000 bytes<");
	is_int(count(svg, "data-verdict=\"pass\"><title>45 packets"), 2, "in the sum and the end");
	is_int(count(svg, "class=\"leave\""), 4 + 3 + 1, "where they leave, by verdict, the end");
	is_int(count(svg, "class=\"card"), 8 + 2, "cards of the stages, and those of the legend");
	is_int(count(svg, "class=\"card off\""), 2, "one is off, and explained");
	has(svg, ">udp, sctp<");
	has(svg, ">eth0, eth1 in blue<");
	ok(!strstr(svg, "http") || count(svg, "http") == 1, "nothing from elsewhere");
}

/* From one recording to another: so many a second. */
static void test_rates(void)
{
	_cleanup_free_ char *later = file_text("all.json");
	_cleanup_run_ struct run r = {};
	char *at = strstr(later, "1700000010.0");

	at[strlen("17000000")] = '2'; /* ten seconds later, with nothing but new packets at lb */
	memcpy(strstr(later, "\"packets\": 845"), "\"packets\": 945", 14);
	memcpy(strstr(later, "\"packets\": 1000"), "\"packets\": 1100", 15);
	graph_write("later.json", later);
	is_int(run(&r, graph_braid, "graph", "all.yaml", "-c", "all.json", "-c", "later.json", "-f",
		   "svg"),
	       0, "rates between two");
	has(r.out, "10.0\u00a0pps \u00b7 100\u00a0%<");
	has(r.out, "packets of 10.0 s");
	is_int(run(&r, graph_braid, "graph", "all.yaml", "-c", "later.json", "-c", "all.json"), 1,
	       "not backwards");
	has(r.err, "the older one stands first");
}

/* Whatever is in a name, the picture is one. */
static void test_names(void)
{
	static const char odd[] = "a<b>&\"c'\u00fc\\.o";
	_cleanup_free_ char *link = text_fmt("examples/hello/hello.bpf.o");
	_cleanup_run_ struct run r = {};
	struct buf b = {};

	if (symlink(link, odd))
		bail_out("%s: %s", odd, strerror(errno));
	buf_fmt(&b, "braid: 1\npipelines: [{name: odd, hook: xdp, stages: "
		    "[{name: one, object: 'a<b>&\"c''\u00fc\\.o'}]}]\n");
	graph_write("odd.yaml", b.v);
	buf_done(&b);
	is_int(run(&r, graph_braid, "graph", "odd.yaml", "-f", "svg"), 0, "SVG");
	has(r.out, "a&lt;b&gt;&amp;&quot;c&#39;\u00fc\\.o");
	ok(!strstr(r.out, "a<b>"), "nothing of it is a tag");
	is_int(run(&r, graph_braid, "graph", "odd.yaml", "-f", "html"), 0, "HTML");
	ok(!strstr(r.out, "a<b>"), "nothing of it is a tag");
	is_int(run(&r, graph_braid, "graph", "odd.yaml", "-o", "odd.dot"), 0, "DOT");
	dot_finds("odd.dot", 3, 2);
}

static int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (int)(st.st_mode & (S_IFMT | 07777));
}

/* For those for whom it was, or as the umask says; where a link leads, and the link stays. */
static void test_modes(void)
{
	_cleanup_run_ struct run r = {};
	mode_t was = umask(077);

	must_run("mkdir -p modes");
	run(&r, graph_braid, "graph", "all.yaml", "-o", "modes/x.dot");
	is_int(mode_of("modes/x.dot"), S_IFREG | 0600, "a new file");
	must_run("chmod 640 modes/x.dot");
	must_run("ln -s x.dot modes/link.dot");
	must_run("ln -s y.dot modes/new.dot");
	run(&r, graph_braid, "graph", "many.yaml", "-o", "modes/link.dot");
	is_int(mode_of("modes/x.dot"), S_IFREG | 0640, "one that was there");
	is_int(mode_of("modes/link.dot") & S_IFMT, S_IFLNK, "through a link, which stays");
	is_int(run(&r, "cmp", "modes/x.dot", "many.dot"), 0, "with what is new");
	is_int(run(&r, graph_braid, "graph", "many.yaml", "-o", "modes/new.dot"), 0, "a link");
	is_int(mode_of("modes/y.dot"), S_IFREG | 0600, "to what was not there");
	umask(was);
}

/* A file comes at once, for all to read, and nothing stays beside it. */
static void test_output(void)
{
	_cleanup_run_ struct run r = {};
	json_t *j;

	must_run("mkdir -p out");
	is_int(run(&r, graph_braid, "graph", "all.yaml", "-o", "out/x.html"), 0, "a page");
	is_int(run(&r, "ls", "out"), 0, "ls");
	is_str(r.out, "x.html\n", "there is nothing else");
	is_int(run(&r, graph_braid, "graph", "all.yaml", "-o", "none/x.html"), 1, "no folder");
	has(r.err, "none/x.html: cannot write it: No such file");
	is_int(run(&r, graph_braid, "graph", "all.yaml", "--json"), 0, "--json");
	j = json_loads(r.out, 0, NULL);
	is_str(json_string_value(json_object_get(j, "format")), "dot", "says what it is");
	ok(strstr(json_string_value(json_object_get(j, "picture")) ?: "", "digraph"), "and has it");
	json_decref(j);
}

static void test_wrong(void)
{
	_cleanup_run_ struct run r = {};

	run_wrong(graph_braid, "graph", "which pipeline?");
	run_wrong(graph_braid, "graph all.yaml -f png", "dot, svg, html");
	run_wrong(graph_braid, "graph all.yaml -o all.png", "--format");
	run_wrong(graph_braid, "graph edge other", "one pipeline at a time");
	run_wrong(graph_braid, "graph all.yaml -i soon", "'soon' is not a time");
	graph_write("two.yaml", "braid: 1\npipelines:\n"
				"  - {name: a, hook: xdp, stages: [{name: s, object: "
				"examples/hello/hello.bpf.o}]}\n"
				"  - {name: b, hook: xdp, stages: [{name: s, object: "
				"examples/hello/hello.bpf.o}]}\n");
	is_int(run(&r, graph_braid, "graph", "two.yaml"), 1, "one picture of two pipelines");
	has(r.err, "name one of a, b");
	is_int(run(&r, graph_braid, "graph", "two.yaml", "b"), 0, "of one of them");
	is_int(run(&r, graph_braid, "graph", "two.yaml", "a", "-c", "all.json"), 1,
	       "counters of another one");
	has(r.err, "no counters of pipeline 'a'");
	is_int(run(&r, graph_braid, "graph", "all.yaml", "-c", "all.yaml"), 1, "no JSON");
	has(r.err, "all.yaml:1:");
}

int main(int argc, char **argv)
{
	_cleanup_run_ struct run r = {};

	graph_init(argc, argv);
	has_graphviz = run(&r, "dot", "-V") == 0;
	graph_write_all();
	test_dot();
	test_numbers();
	test_rates();
	test_names();
	test_output();
	test_modes();
	test_wrong();
	return graph_end();
}
