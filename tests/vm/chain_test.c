/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chain_test BRAID DIR - `braid dispatcher`: components come and go, by id and by name, get other
 * settings and other programs; what cannot be is refused with nothing changed. DIR has xl_*.o.
 */
#include <bpf/bpf.h>
#include <braid/braid.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "net.h"
#include "run.h"
#include "tap.h"

#define _cleanup_json_ __attribute__((cleanup(json_decrefp)))

static const char *braid_path, *objects;

/* Return: the exit status. */
#define dispatcher(r, ...) run(r, braid_path, "dispatcher", __VA_ARGS__)

/* How a command has ended; what it has said, if not as expected. */
static void exited(const struct run *r, int want, const char *what)
{
	if (!is_int(r->status, want, "%s", what))
		diag("%s%s", r->out, r->err);
}

/* Of the test's objects; valid up to the next but three. */
static const char *object(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/xl_%s.o", objects, name);
	return path;
}

/* Interface v0 as it is; the caller decrefs. */
static json_t *look(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *all = NULL;

	if (dispatcher(&r, "show", "v0", "--json"))
		bail_out("dispatcher show: %s", r.err);
	all = json_loads(r.out, 0, NULL);
	return json_incref(json_array_get(json_object_get(all, "interfaces"), 0));
}

/* "xl_first:10:pass,drop xl_plain:50:pass"; caller frees. */
static char *chain(void)
{
	_cleanup_json_ json_t *j = look();
	struct buf b = {};
	json_t *c, *verdict;
	size_t i, k;

	buf_str(&b, "");
	json_array_foreach (json_object_get(j, "components"), i, c) {
		buf_fmt(&b, "%s%s:%lld:", i ? " " : "",
			json_string_value(json_object_get(c, "name")),
			json_integer_value(json_object_get(c, "priority")));
		json_array_foreach (json_object_get(c, "proceed-on"), k, verdict)
			buf_fmt(&b, "%s%s", k ? "," : "", json_string_value(verdict));
	}
	return buf_take(&b);
}

static void is_chain(const char *want, const char *what)
{
	_cleanup_free_ char *got = chain();

	is_str(got, want, "%s", what);
}

/* Id of the component at @place, as text; caller frees. */
static char *id_at(size_t place)
{
	_cleanup_json_ json_t *j = look();
	const json_t *c = json_array_get(json_object_get(j, "components"), place);

	return text_fmt("%lld", json_integer_value(json_object_get(c, "id")));
}

static void test_edits(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *id = NULL;

	dispatcher(&r, "add", "v0", object("plain"), object("first"));
	exited(&r, 0, "two at once");
	is_chain("xl_first:10:drop,pass xl_plain:50:pass", "as their objects say");
	dispatcher(&r, "set", "v0", "xl_plain", "--priority", "5", "--proceed-on", "pass,tx");
	exited(&r, 0, "other settings, by name");
	is_chain("xl_plain:5:pass,tx xl_first:10:drop,pass", "and another order");
	id = id_at(0);
	dispatcher(&r, "replace", "v0", id, object("several"), "--program", "xl_two");
	exited(&r, 0, "another program, by id");
	is_chain("xl_two:5:pass,tx xl_first:10:drop,pass", "with the settings of the old one");
	dispatcher(&r, "replace", "v0", "xl_two", object("several"), "--section", "xdp/three",
		   "--priority", "20");
	exited(&r, 0, "and with other settings");
	is_chain("xl_first:10:drop,pass xl_three:20:pass,tx", "as far as they are given");
	dispatcher(&r, "remove", "v0", "xl_first");
	exited(&r, 0, "one goes");
	is_chain("xl_three:20:pass,tx", "the other one stays");
}

static void test_refused(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *id = NULL, *dispatcher_id = NULL;
	_cleanup_json_ json_t *j = look();

	dispatcher(&r, "add", "v0", object("several"), "--program", "xl_three", "--priority", "30");
	exited(&r, 0, "two of one name");
	dispatcher(&r, "remove", "v0", "xl_three");
	exited(&r, 1, "which one?");
	id = id_at(0);
	ok(strstr(r.err, id), "the ids are told: %s", r.err);
	dispatcher(&r, "remove", "v0", "xl_nosuch");
	exited(&r, 1, "none of that name");
	dispatcher_id = text_fmt(
		"%lld", json_integer_value(json_object_get(json_object_get(j, "program"), "id")));
	dispatcher(&r, "remove", "v0", id, dispatcher_id);
	exited(&r, 1, "one is there, one is not");
	dispatcher(&r, "set", "v0", "1", "--priority", "1");
	exited(&r, 1, "an id that is not there");
	dispatcher(&r, "add", "v0", object("plain"), object("several"), "--program", "xl_plain");
	exited(&r, 1, "one has that program, one has not");
	dispatcher(&r, "add", "v0", object("plain"), "--mode", "generic");
	exited(&r, 3, "another mode");
	dispatcher(&r, "add", "v0", object("plain"), "--mode", "generc");
	exited(&r, 1, "no mode");
	ok(strstr(r.err, "'generic'"), "which is meant? %s", r.err);
	is_chain("xl_three:20:pass,tx xl_three:30:pass", "nothing has changed");
	dispatcher(&r, "remove", "v0", id);
	exited(&r, 0, "by its id");
	is_chain("xl_three:30:pass", "the one that was meant");
}

static void test_list(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *all = NULL;
	const json_t *list;

	net_add("elsewhere");
	net_veth("elsewhere", "e0", "elsewhere", "e1");
	dispatcher(&r, "add", "e0", object("first"), "--netns", "elsewhere");
	exited(&r, 0, "in another network namespace");
	dispatcher(&r, "list", "--json");
	exited(&r, 0, "list");
	all = json_loads(r.out, 0, NULL);
	list = json_object_get(all, "dispatchers");
	is_int(json_array_size(list), 2, "both are listed");
	ok(strstr(r.out, "\"netns\": \"elsewhere\""), "by their namespaces");
	dispatcher(&r, "list");
	ok(strstr(r.out, "e0 in elsewhere: dispatcher") && strstr(r.out, "xl_first"),
	   "people see it, too: %s", r.out);
	dispatcher(&r, "remove", "e0", "--all", "--netns", "elsewhere");
	exited(&r, 0, "all away");
	net_delete("elsewhere");
}

/* What was added comes over the socket: its link, too. */
static void test_pass_fds(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_free_ char *id = NULL;
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	struct braid_fds *f = NULL;
	char number[12];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		bail_out("socketpair: %s", strerror(errno));
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", ends[1]);
	dispatcher(&r, "add", "v0", object("plain"), "--priority", "1", "--pass-fds", number);
	exited(&r, 0, "add");
	close(ends[1]);
	is_int(braid_fds_receive(ends[0], &f, NULL), 0, "descriptors arrive");
	is_int(braid_fds_count(f), 3, "program, map, link");
	bpf_obj_get_info_by_fd(braid_fds_get(f, braid_fds_find(f, "link", "v0", NULL, NULL)), &info,
			       &size);
	id = text_fmt("%u", info.prog_id);
	ok(braid_fds_find(f, "map", "v0", NULL, "xl_counts") >= 0, "the map, by its name");
	braid_fds_free(f);
	close(ends[0]);
	dispatcher(&r, "remove", "v0", id);
	exited(&r, 0, "the link is that of the component");
	is_chain("xl_three:30:pass", "which is gone");
}

/* A program alone, as who sets the variable wants it; then nobody can add another one. */
static void test_alone(void)
{
	_cleanup_run_ struct run r = {};

	dispatcher(&r, "remove", "v0", "--all");
	exited(&r, 0, "all away");
	run(&r, "env", "LIBXDP_SKIP_DISPATCHER=1", braid_path, "xdp-loader", "load", "v0",
	    object("plain"));
	exited(&r, 0, "without a dispatcher");
	ok(strstr(r.err, "alone"), "which is said: %s", r.err);
	dispatcher(&r, "add", "v0", object("first"));
	exited(&r, 3, "another one");
	ok(strstr(r.err, "xl_plain"), "what is in the way: %s", r.err);
	dispatcher(&r, "remove", "v0", "--all");
	exited(&r, 0, "all away");
}

/* Of a load that fails no pin is left, whichever of its objects was refused. */
static void test_pins(void)
{
	_cleanup_run_ struct run r = {};

	dispatcher(&r, "add", "v0", object("plain"), object("tc"), "--pin-path",
		   "/sys/fs/bpf/pins");
	exited(&r, 1, "no XDP program in it");
	dispatcher(&r, "add", "v0", object("bigger"), object("plain"), "--pin-path",
		   "/sys/fs/bpf/pins");
	exited(&r, 1, "two maps of one name that differ");
	run(&r, "ls", "/sys/fs/bpf/pins");
	is_str(r.out, "", "no pin is left");
	is_chain("", "nothing is attached");
	dispatcher(&r, "add", "v0", object("plain"), object("first"), "--pin-path",
		   "/sys/fs/bpf/pins");
	exited(&r, 0, "two that share one");
	run(&r, "ls", "/sys/fs/bpf/pins");
	is_str(r.out, "xl_counts\n", "it is pinned");
	dispatcher(&r, "remove", "v0", "xl_plain", "xl_first");
	exited(&r, 0, "both go");
	is_chain("", "and the dispatcher with them");
	dispatcher(&r, "clean");
	exited(&r, 0, "clean");
}

/* A pipeline's component stands beside others, and is the pipeline's business only. */
static void test_pipeline(void)
{
	_cleanup_free_ char *path = text_fmt("%s/edge.yaml", net_scratch());
	_cleanup_run_ struct run r = {};
	FILE *f = fopen(path, "we");

	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	fprintf(f,
		"braid: 1\npipelines:\n"
		"  - {name: edge, hook: xdp, interfaces: [v0], strategy: dispatcher,\n"
		"     stages: [{name: one, object: %s}]}\n",
		object("minimal"));
	fclose(f);
	dispatcher(&r, "add", "v0", object("first"));
	exited(&r, 0, "somebody's component");
	run(&r, braid_path, "apply", path);
	exited(&r, 0, "and a pipeline's");
	dispatcher(&r, "show", "v0", "--json");
	ok(strstr(r.out, "\"pipeline\": \"edge\""), "it is told whose it is: %s", r.out);
	dispatcher(&r, "remove", "v0", "--all");
	exited(&r, 3, "all away");
	ok(strstr(r.err, "pipeline 'edge'"), "is refused, with its name: %s", r.err);
	run(&r, braid_path, "xdp-loader", "unload", "v0", "--all");
	exited(&r, 1, "so by xdp-loader");
	dispatcher(&r, "remove", "v0", "xl_first");
	exited(&r, 0, "the other one goes");
	run(&r, braid_path, "delete", "edge");
	exited(&r, 0, "the pipeline goes");
	is_chain("", "and the dispatcher with it");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		bail_out("usage: chain_test BRAID DIR");
	braid_path = argv[1];
	objects = argv[2];
	net_init();
	net_veth(NULL, "v0", NULL, "v1");
	test_edits();
	test_refused();
	test_list();
	test_pass_fds();
	test_alone();
	test_pins();
	test_pipeline();
	return done();
}
