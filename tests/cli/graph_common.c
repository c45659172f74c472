/* SPDX-License-Identifier: GPL-2.0-only */
#include "graph_common.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"

const char *graph_braid;
static char examples[PATH_MAX], braid_path[PATH_MAX], folder[] = "/tmp/braid-graph-XXXXXX";

void graph_init(int argc, char **argv)
{
	if (argc < 3 || !realpath(argv[1], braid_path) || !realpath(argv[2], examples))
		bail_out("needs the command and the folder of the examples");
	graph_braid = braid_path;
	if (!mkdtemp(folder) || chdir(folder))
		bail_out("%s: %s", folder, strerror(errno));
	must_run("ln -s %s examples", examples);
}

int graph_end(void)
{
	must_run("rm -r %s", folder);
	return done();
}

void graph_write(const char *name, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(name, "we");

	if (!f || fputs(text, f) < 0)
		bail_out("%s: %s", name, strerror(errno));
}

#define OBJECT(name) "object: examples/" name "/" name ".bpf.o"

static const char all[] =
	"braid: 1\n"
	"pipelines:\n"
	"  - name: all\n"
	"    hook: xdp\n"
	"    interfaces: [eth0, {name: eth1, netns: blue}]\n"
	"    stages:\n"
	"      - {name: guard, " OBJECT(
		"guard") "}\n"
			 "      - name: by-proto\n"
			 "        switch: protocol\n"
			 "        cases:\n"
			 "          - {when: tcp, stages: [{name: acl, " OBJECT(
				 "acl") "},\n"
					"                                 {name: "
					"limit, " OBJECT(
						"ratelimit") "}]}\n"
							     "          - {when: [udp, sctp], "
							     "stages: []}\n"
							     "        default: [{name: "
							     "hello, " OBJECT(
								     "hello") "}]\n"
									      "      - {name: "
									      "flows, " OBJECT(
										      "flowsta"
										      "t") ","
											   "\n"
											   "  "
											   "  "
											   "  "
											   "  "
											   " r"
											   "ol"
											   "lo"
											   "ut"
											   ": "
											   "{" OBJECT(
												   "flowstat") ", key: source}}\n"
													       "      - {name: sampler, " OBJECT(
														       "sampler") ", disabled: true}\n"
																  "      - {name: lb, " OBJECT(
																	  "lb") "}\n";

/* What each stage was given, and how many of that ended there, by one verdict. */
static const struct {
	const char *stage;
	int packets;
	const char *verdict;
	int leave;
} counted[] = {
	{"guard", 1000, "drop", 100}, {"acl", 500, "drop", 50},  {"limit", 450, "drop", 0},
	{"hello", 100, "drop", 0},    {"flows", 765, "drop", 0}, {"flows@new", 85, "drop", 5},
	{"lb", 845, "tx", 800},
};

/* Each packet has a hundred bytes. */
static void add_flow(struct buf *b, const char *name, int packets, const char *more)
{
	buf_fmt(b, "\"%s\": {\"packets\": %d, \"bytes\": %d%s}", name, packets, 100 * packets,
		more);
}

static void add_stage(struct buf *b, size_t i)
{
	int packets = counted[i].packets, leave = counted[i].leave;

	buf_fmt(b, "%s{\"stage\": \"%s\", \"packets\": %d, \"bytes\": %d, ", i ? ",\n" : "",
		counted[i].stage, packets, 100 * packets);
	add_flow(b, "bypassed", 0, "");
	buf_str(b, ", \"verdicts\": {");
	add_flow(b, counted[i].verdict, leave, ", \"leaves\": true");
	buf_str(b, ", ");
	add_flow(b, "pass", packets - leave, ", \"leaves\": false");
	buf_str(b, "}}");
}

void graph_write_all(void)
{
	struct buf b = {};

	graph_write("all.yaml", all);
	buf_str(&b, "{\"pipelines\": [{\"pipeline\": \"all\", \"home\": \"init\", "
		    "\"counters\": {\"pipeline\": \"all\", \"home\": \"init\", "
		    "\"revision\": 1, \"hook\": \"xdp\", \"since\": 1700000000, "
		    "\"at\": 1700000010.0, \"edges\": [], ");
	add_flow(&b, "entered", 1000, "");
	buf_str(&b, ", \"left\": {");
	add_flow(&b, "drop", 155, "");
	buf_str(&b, ", ");
	add_flow(&b, "tx", 800, "");
	buf_str(&b, ", ");
	add_flow(&b, "pass", 45, "");
	buf_str(&b, "}, \"stages\": [");
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++)
		add_stage(&b, i);
	buf_str(&b, "]}}]}\n");
	graph_write("all.json", b.v);
	buf_done(&b);
}

void graph_write_many(int n, const char *more)
{
	static const char *const names[] = {"guard", "acl", "ratelimit", "flowstat", "hello"};
	struct buf b = {};

	buf_fmt(&b, "braid: 1\npipelines:\n  - name: many\n    hook: xdp\n%s    stages:\n", more);
	for (int i = 0; i < n; i++)
		buf_fmt(&b,
			"      - {name: of-team-%d-with-a-long-name, object: "
			"examples/%s/%s.bpf.o}\n",
			i, names[i % 5], names[i % 5]);
	graph_write("many.yaml", b.v);
	buf_done(&b);
}
