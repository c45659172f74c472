/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libbraid as others use it. Further arguments: the client, the shared library.
 */
#include <string.h>

#include "live_common.h"

static void test_client(const char *client)
{
	const char *mark = live_text("%s/live_mark.bpf.o", live_objects);
	_cleanup_json_ json_t *j =
		live_json((const char *const[]){client, mark, "r0", "right", NULL});
	_cleanup_json_ json_t *status = NULL, *history = NULL, *again = NULL;

	is_int(json_number(j, "revision"), 1, "a pipeline that was built in C runs");
	is_str(live_trip(0), "45", "frames meet its stages, with their constants");
	is_str(live_trip_asking(0, 4, 3), "45", "proceed-on by names");
	status = braid_json("status", "in-c");
	is_str(json_text(status, "pipelines/0/interfaces/0/state"), "attached",
	       "the command shows what the library did");
	is_int(json_array_size(json_at(status, "pipelines/0/stages")), 2, "both stages");
	history = braid_json("history", "in-c");
	is_str(json_text(history, "0/cause"), "client", "history says who it was");
	again = live_json((const char *const[]){client, mark, "r0", "right", NULL});
	ok(json_is_false(json_at(again, "changed")), "again: nothing to do");
	must_braid("delete", "in-c");
	must_braid("rollback", "in-c", "1");
	is_str(live_trip(0), "45", "what was given as bytes is in the store, too");
	must_braid("delete", "in-c");
}

/* Every symbol that the library defines is one of its API. */
static void test_symbols(const char *library)
{
	_cleanup_run_ struct run r = {};
	char *rest, *line;
	size_t n = 0, foreign = 0;

	if (run(&r, "nm", "-D", "--defined-only", library))
		bail_out("nm: %s", r.err);
	rest = r.out;
	while ((line = strsep(&rest, "\n"))) {
		char name[256], kind;

		if (sscanf(line, "%*s %c %255s", &kind, name) != 2 || kind == 'A')
			continue;
		n++;
		if (strncmp(name, "braid_", 6) != 0) {
			foreign++;
			diag("%s", name);
		}
	}
	ok(n > 20, "%zu symbols", n);
	is_int(foreign, 0, "all begin with braid_");
}

int main(int argc, char **argv)
{
	if (argc < 6)
		bail_out("usage: %s BRAID OBJECTS EXAMPLES CLIENT LIBRARY", argv[0]);
	live_init(argc, argv);
	test_client(argv[4]);
	test_symbols(argv[5]);
	return done();
}
