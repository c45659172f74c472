/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * braid xdp-loader and braid dispatcher on this kernel, which may refuse freplace: then one
 * program is attached alone. With dispatchers: tests/vm. Last argument: docs/json.md.
 */
#include <bpf/bpf.h>
#include <braid/braid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "file.h"
#include "live_common.h"

static char *doc;
static bool refused; /* does this kernel? */

/* In network namespace `right`, where r0 and r1 are. */
#define loader(r, ...)                                                                             \
	({                                                                                         \
		_net_in_(there, "right");                                                          \
		run(r, live_braid, "xdp-loader", __VA_ARGS__);                                     \
	})

/* How a command has ended; what it has said, if not as expected. */
static void exited(const struct run *r, int want, const char *what)
{
	if (!is_int(r->status, want, "%s", what))
		diag("%s%s", r->out, r->err);
}

static const char *mark_object(void)
{
	return live_text("%s/live_mark.bpf.o", live_objects);
}

/* Each member of @j is in the document; so are those of its objects and lists of objects. */
static void is_documented(const json_t *j, const char *what)
{
	const char *key;
	json_t *value, *element;
	size_t i;

	json_object_foreach ((json_t *)j, key, value) {
		ok(strstr(doc, live_text("`%s`", key)) || strstr(doc, live_text("{\"%s\": [", key)),
		   "'%s' of %s is documented", key, what);
		if (json_is_object(value))
			is_documented(value, what);
		json_array_foreach (value, i, element)
			is_documented(element, what);
	}
}

static json_t *parse(const struct run *r, const char *what)
{
	json_t *j = json_loads(r->out, 0, NULL);

	if (!j)
		bail_out("%s: no JSON: %s%s", what, r->out, r->err);
	is_documented(j, what);
	return j;
}

static void test_load(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL, *now = NULL;

	loader(&r, "load", "r0", mark_object(), "--json");
	exited(&r, 0, "load");
	j = parse(&r, "load");
	refused = strcmp(json_text(j, "state"), "program") == 0;
	if (refused) {
		ok(strstr(r.err, "r0") && strstr(r.err, "alone") && strstr(r.err, "freplace"),
		   "attached alone, and that is said: %s", r.err);
		ok(*json_text(j, "alone"), "in JSON, too");
		is_int(json_number(j, "added/0"), json_number(j, "program/id"), "by its id");
	} else {
		is_str(json_text(j, "state"), "dispatcher", "a dispatcher");
		is_str(r.err, "", "nothing else to say");
		is_int(json_number(j, "added/0"), json_number(j, "components/0/id"), "by its id");
	}
	is_str(live_trip(0), "1", "a frame through it");
	loader(&r, "status", "r0", "--json");
	exited(&r, 0, "status");
	now = parse(&r, "status");
	is_str(json_text(now, "interfaces/0/state"), json_text(j, "state"), "it tells the same");
}

static void test_second(void)
{
	_cleanup_run_ struct run r = {};

	loader(&r, "load", "r0", mark_object());
	exited(&r, refused ? 240 : 0, "a second one");
	is_str(live_trip(0), refused ? "1" : "11", "what runs then");
	loader(&r, "load", "r1", mark_object(), mark_object());
	exited(&r, refused ? 161 : 0, "two at once");
	is_str(live_trip(1), refused ? "" : "11", "both or none");
	if (!refused)
		loader(&r, "unload", "r1", "--all");
}

static void test_unload(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL, *clean = NULL;

	loader(&r, "unload", "r0", "--id", "1");
	exited(&r, 1, "an id that is not there");
	ok(strstr(r.err, "program 1 does not run here"), "it says so: %s", r.err);
	loader(&r, "unload", "r0", "--all", "--json");
	exited(&r, 0, "unload");
	j = parse(&r, "unload");
	ok(json_array_size(json_at(j, "removed")) > 0, "it tells what was removed");
	is_str(live_trip(0), "", "nothing signs any more");
	loader(&r, "unload", "r0", "--all");
	exited(&r, 1, "nothing to unload");
	loader(&r, "clean", "--json");
	exited(&r, 0, "clean");
	clean = parse(&r, "clean");
	is_int(json_array_size(json_at(clean, "leftovers")), 0, "nothing is left");
}

static void test_features(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	if (loader(&r, "features", "r0", "--json") == 256 - EOPNOTSUPP) {
		skip("this kernel does not tell what drivers can do");
		return;
	}
	j = parse(&r, "features");
	ok(json_is_true(json_at(j, "basic")), "veth has native XDP");
	ok(json_is_false(json_at(j, "offload")), "and runs no programs itself");
}

/* A pipeline holds r0: nobody adds to it or takes it away from here. */
static void test_pipeline(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	must_braid("apply", live_manifest("one.yaml", ON_R0 AS_FUSED, live_marks("2")));
	loader(&r, "load", "r0", mark_object());
	exited(&r, 240, "load");
	ok(strstr(r.err, "pipeline 'edge'"), "it names the pipeline: %s", r.err);
	loader(&r, "unload", "r0", "--all");
	exited(&r, 1, "unload");
	ok(strstr(r.err, "braid delete edge"), "and says what to do: %s", r.err);
	braid(&r, "dispatcher", "add", "r0", mark_object(), "--netns", "right");
	exited(&r, 3, "dispatcher add");
	braid(&r, "dispatcher", "show", "r0", "--netns", "right", "--json");
	exited(&r, 0, "show");
	j = parse(&r, "show");
	is_str(json_text(j, "interfaces/0/program/pipeline"), "edge", "show tells whose it is");
	is_str(live_trip(0), "2", "it runs on");
	must_braid("delete", "edge");
}

static void test_dispatcher(void)
{
	_cleanup_run_ struct run r = {};
	int status = braid(&r, "dispatcher", "add", "r0", mark_object(), "--netns", "right",
			   "--priority", "7");

	if (refused) {
		is_int(status, 4, "dispatcher add is refused, and does nothing else");
		ok(strstr(r.err, "freplace"), "it says why: %s", r.err);
		is_str(live_trip(0), "", "nothing is attached");
		return;
	}
	is_int(status, 0, "dispatcher add: %s", r.err);
	must_braid("dispatcher", "set", "r0", "mark", "--netns", "right", "--priority", "9");
	must_braid("dispatcher", "remove", "r0", "mark", "--netns", "right");
	is_str(live_trip(0), "", "it is gone");
}

/* The program and its maps come over the socket. */
static void test_pass_fds(void)
{
	_cleanup_run_ struct run r = {};
	struct braid_fds *f = NULL;
	__u64 before, after;
	char number[12];
	int ends[2], map;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		bail_out("socketpair: %s", strerror(errno));
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", ends[1]);
	loader(&r, "load", "r0", mark_object(), "--pass-fds", number);
	exited(&r, 0, "load");
	close(ends[1]);
	is_int(braid_fds_receive(ends[0], &f, NULL), 0, "descriptors arrive");
	map = braid_fds_get(f, braid_fds_find(f, "map", "r0", NULL, "count"));
	if (!ok(map >= 0, "a map of the program"))
		bail_out("of no use without it");
	ok(braid_fds_find(f, "program", "r0", NULL, "mark") >= 0, "the program");
	is_int(braid_fds_find(f, "link", NULL, NULL, NULL) >= 0, !refused,
	       "a link, if it is a component");
	bpf_map_lookup_elem(map, &(__u32){0}, &before);
	is_str(live_trip(0), "1", "a frame through it");
	bpf_map_lookup_elem(map, &(__u32){0}, &after);
	is_int(after, before + 1, "the map counts it");
	braid_fds_free(f);
	close(ends[0]);
	loader(&r, "unload", "r0", "-a");
	exited(&r, 0, "unload");
}

int main(int argc, char **argv)
{
	doc = file_text(argv[argc - 1]);
	live_init(argc - 1, argv);
	test_load();
	test_second();
	test_unload();
	test_features();
	test_pipeline();
	test_dispatcher();
	test_pass_fds();
	free(doc);
	return done();
}
