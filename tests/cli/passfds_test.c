/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `braid … --pass-fds N` as a program uses it: it forks braid, gets descriptors, and works with
 * them without knowing a path or an id.
 */
#include <bpf/bpf.h>
#include <braid/braid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "live_common.h"

/* How a command has ended; what it has said, if not as expected. */
static void exited(const struct run *r, int want, const char *what)
{
	if (!is_int(r->status, want, "%s", what))
		diag("%s%s", r->out, r->err);
}

/* A socket of which a child inherits one end. */
struct channel {
	int mine, childs;
	char number[12]; /* of the child's, for the command line */
};

static struct channel channel_make(int type)
{
	struct channel c;
	int ends[2];

	if (socketpair(AF_UNIX, type, 0, ends))
		bail_out("socketpair: %s", strerror(errno));
	c = (struct channel){.mine = ends[0], .childs = ends[1]};
	fcntl(c.mine, F_SETFD, FD_CLOEXEC);
	snprintf(c.number, sizeof(c.number), "%d", c.childs);
	return c;
}

static void channel_done(struct channel *c)
{
	close(c->mine);
	if (c->childs >= 0)
		close(c->childs);
}

/* What the command sends. It runs meanwhile, and must succeed. */
static struct braid_fds *receive(struct channel *c, struct run *r)
{
	_cleanup_(braid_error_clear) struct braid_error err = BRAID_ERROR_INIT;
	struct braid_fds *f = NULL;

	close(c->childs);
	c->childs = -1;
	if (!is_int(braid_fds_receive(c->mine, &f, &err), 0, "descriptors arrive"))
		diag("%s: %s", err.what, err.why ?: "");
	if (run_wait(r))
		bail_out("braid failed: %s%s", r->out, r->err);
	if (!f)
		bail_out("nothing came");
	return f;
}

#define braid_start(r, ...) run_start(r, (const char *const[]){live_braid, __VA_ARGS__, NULL})

static int found(const struct braid_fds *f, const char *kind, const char *stage, const char *name)
{
	long i = braid_fds_find(f, kind, "edge", stage, name);

	if (!ok(i >= 0, "there is a %s %s", kind, name))
		bail_out("of no use without it");
	return braid_fds_get(f, i);
}

/* What a map that came over the socket has counted. */
static long long counted(const struct braid_fds *f, const char *stage)
{
	__u64 value;

	if (bpf_map_lookup_elem(found(f, "map", stage, "count"), &(__u32){0}, &value))
		bail_out("reading the map: %s", strerror(errno));
	return value;
}

static __u32 program_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* All that came are the very objects that run. */
static void check_same(const struct braid_fds *f)
{
	_cleanup_json_ json_t *j = braid_json("status", "edge");
	struct bpf_link_info link = {};
	__u32 size = sizeof(link);
	size_t maps = json_array_size(json_at(j, "pipelines/0/maps"));

	is_int(program_id(
		       found(f, "program", NULL, json_text(j, "pipelines/0/programs/0/program"))),
	       json_number(j, "pipelines/0/programs/0/id"), "the program that is attached");
	bpf_obj_get_info_by_fd(found(f, "link", NULL, "r0"), &link, &size);
	is_int(link.id, json_number(j, "pipelines/0/interfaces/0/link"), "the link of r0");
	is_int(braid_fds_count(f), maps + json_array_size(json_at(j, "pipelines/0/programs")) + 2,
	       "all maps, programs and links, and nothing else");
}

static void test_apply(int type)
{
	_cleanup_run_ struct run r = {};
	struct channel c = channel_make(type);
	struct braid_fds *f;
	long long before;

	braid_start(&r, "apply", "--pass-fds", c.number,
		    live_manifest("two.yaml", ON_R0_R1 AS_TAILS, live_marks("1,2")));
	f = receive(&c, &r);
	check_same(f);
	before = counted(f, "m1");
	is_str(live_trip(0), "12", "a frame through the pipeline");
	is_int(counted(f, "m1"), before + 1, "the map that came counts it");
	ok(strstr(braid_fds_json(f, 0), "\"pipeline\":\"edge\""), "it is told whose: %s",
	   braid_fds_json(f, 0));
	braid_fds_free(f);
	channel_done(&c);
}

/* The others: update makes another revision, status shows one. */
static void test_later(void)
{
	_cleanup_run_ struct run r = {};
	struct channel c = channel_make(SOCK_SEQPACKET);
	struct braid_fds *f;

	braid_start(&r, "update", "edge", live_text("m2=%s/live_mark.bpf.o", live_objects),
		    "--pass-fds", c.number, "--json");
	f = receive(&c, &r);
	check_same(f);
	braid_fds_free(f);
	channel_done(&c);

	c = channel_make(SOCK_STREAM);
	braid_start(&r, "rollback", "edge", "1", "--pass-fds", c.number);
	f = receive(&c, &r);
	check_same(f);
	braid_fds_free(f);
	channel_done(&c);

	c = channel_make(SOCK_STREAM);
	braid_start(&r, "status", "--pass-fds", c.number);
	f = receive(&c, &r);
	check_same(f);
	is_str(live_trip(0), "12", "it runs on");
	must_braid("delete", "edge");
	ok(program_id(found(f, "program", NULL, "edge")) != 0,
	   "who has it open has it beyond its end");
	braid_fds_free(f);
	channel_done(&c);

	c = channel_make(SOCK_STREAM);
	braid_start(&r, "status", "--pass-fds", c.number);
	f = receive(&c, &r);
	is_int(braid_fds_count(f), 0, "of nothing, nothing");
	braid_fds_free(f);
	channel_done(&c);
}

static void test_failure(void)
{
	_cleanup_(braid_error_clear) struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_run_ struct run r = {};
	struct channel c = channel_make(SOCK_STREAM);
	struct braid_fds *f = NULL;

	braid(&r, "update", "nobody", "a=b", "--pass-fds", c.number);
	exited(&r, 1, "it fails");
	close(c.childs);
	c.childs = -1;
	is_int(braid_fds_receive(c.mine, &f, &err), -ENOENT, "and the receiver knows why");
	ok(strstr(err.what, "b") != NULL, "in words: %s", err.what);
	channel_done(&c);

	c = channel_make(SOCK_STREAM);
	close(c.mine);
	c.mine = -1;
	braid(&r, "apply", "--pass-fds", c.number,
	      live_manifest("one.yaml", ON_R0, live_marks("1")));
	exited(&r, 1, "nobody receives: that is an error");
	ok(strstr(r.err, "receiver"), "it says so: %s", r.err);
	is_str(live_trip(0), "1", "but the pipeline runs");
	must_braid("delete", "edge");
	close(c.childs);

	run_wrong(live_braid, "status --pass-fds 0", "it is no socket");
	run_wrong(live_braid, "status --pass-fds 999", "it is not open");
	run_wrong(live_braid, "status --pass-fds x", "'x' is not a number");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_apply(SOCK_STREAM);
	test_later();
	test_apply(SOCK_SEQPACKET);
	must_braid("delete", "edge");
	test_failure();
	return done();
}
