/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces and namespaces that come and go, seen by one file descriptor. */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

#include "kernel/linkwatch.h"
#include "lib/net.h"
#include "lib/run.h"
#include "lib/tap.h"

enum { SOON_MS = 60000 }; /* only what never comes takes that long */

static bool is_readable(const struct linkwatch *w, int timeout_ms)
{
	struct pollfd fd = {.fd = w->fd, .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

/* What was done must be seen; when it has been taken, nothing more is there. */
static void seen(struct linkwatch *w, const char *what)
{
	ok(is_readable(w, SOON_MS), "%s", what);
	linkwatch_drain(w);
	/* one change may be several messages, and the kernel need not have sent all */
	while (is_readable(w, 50))
		linkwatch_drain(w);
}

static void unseen(struct linkwatch *w, const char *what)
{
	ok(!is_readable(w, 0), "%s", what);
}

static void follow(struct linkwatch *w, const char *first, const char *second)
{
	const char *const names[] = {first, second};
	struct braid_error err = BRAID_ERROR_INIT;

	linkwatch_begin(w);
	for (int i = 0; i < 2; i++) {
		_cleanup_netns_ struct netns ns = NETNS_INIT;

		if (names[i] && (netns_open(names[i], &ns, &err) || linkwatch_add(w, &ns, &err)))
			bail_out("following %s: %s", names[i], err.what);
	}
	linkwatch_end(w);
}

static void test_interfaces(struct linkwatch *w)
{
	net_add("a");
	net_add("b");
	seen(w, "two names for namespaces");
	follow(w, "a", NULL);
	must_run("ip -n a link add x type veth peer name y");
	seen(w, "an interface is made");
	must_run("ip -n a link set x name z");
	seen(w, "it is renamed");
	must_run("ip -n b link add x type veth peer name y");
	unseen(w, "one in a namespace that is not followed");
	must_run("ip -n b link set x netns a");
	seen(w, "it is moved to one that is");
	must_run("ip -n a link delete z");
	seen(w, "one is deleted");
	follow(w, "a", "b");
	unseen(w, "to follow another one is no event");
	must_run("ip -n b link set y name q");
	seen(w, "but what happens there");
	follow(w, "b", NULL);
	must_run("ip -n a link set x name w");
	unseen(w, "the first one is no longer followed");
}

/* More than a socket keeps; all of it is one event for us. */
static void test_flood(struct linkwatch *w)
{
	_net_in_(there, "b");

	for (int i = 0; i < 400; i++)
		must_run("ip link set lo txqueuelen %d", 1000 + i % 2);
	ok(is_readable(w, SOON_MS), "a flood");
	linkwatch_drain(w);
	unseen(w, "is taken at once");
}

static void test_names(struct linkwatch *w)
{
	follow(w, NULL, NULL);
	must_run("ip netns add c");
	seen(w, "a name that is a mount");
	must_run("ln -s /run/netns/c /run/netns/d");
	seen(w, "a name that is a symbolic link");
	must_run("mv /run/netns/d /run/netns/e");
	seen(w, "it is renamed");
	must_run("rm /run/netns/e");
	seen(w, "it is removed");
	must_run("ip netns delete c");
	seen(w, "a mounted name is removed");
}

static void test_folder(struct linkwatch *w)
{
	must_run("ip netns delete a");
	must_run("ip netns delete b");
	must_run("umount -l /run/netns");
	must_run("rm -r /run/netns");
	seen(w, "the folder of names is removed");
	if (mkdir("/run/netns", 0755))
		bail_out("mkdir");
	seen(w, "it is made again");
	must_run("ln -s /proc/self/ns/net /run/netns/f");
	seen(w, "a name in it");
}

static void test_file(struct linkwatch *w)
{
	struct braid_error err = BRAID_ERROR_INIT;

	must_run("touch /run/scratch/file");
	if (linkwatch_file(w, "/run/scratch/file", &err))
		bail_out("%s", err.what);
	unseen(w, "a file");
	must_run("cp /proc/self/status /run/scratch/file");
	seen(w, "it is written");
	is_int(linkwatch_file(w, "/run/scratch/none", &err), -ENOENT, "no such file");
	braid_error_clear(&err);
}

int main(void)
{
	struct braid_error err = BRAID_ERROR_INIT;
	struct linkwatch w = LINKWATCH_INIT;

	net_init();
	if (linkwatch_open(&w, &err))
		bail_out("linkwatch_open: %s", err.what);
	unseen(&w, "at first nothing");
	test_interfaces(&w);
	test_flood(&w);
	test_names(&w);
	test_folder(&w);
	test_file(&w);
	linkwatch_done(&w);
	return done();
}
