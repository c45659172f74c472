/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All network namespaces: also those in which only a thread is, or that only somebody's own
 * mounts hold; and that some may be hidden is told.
 */
#include "kernel/netns_list.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel_common.h"
#include "net.h"

static bool is_listed(__u64 cookie)
{
	_cleanup_(netns_list_done) struct netns_list all = {};

	if (netns_list_read(false, &all, &err))
		bail_out("listing network namespaces: %s", error_all());
	array_foreach (ns, &all.list)
		if (ns->cookie == cookie)
			return true;
	return false;
}

static __u64 own_cookie(void)
{
	_cleanup_netns_ struct netns own = must_open(NULL);

	return own.cookie;
}

/* Told once it is there; then it stays until it is told to go. */
struct stay {
	int there[2], go[2];
};

static void stay_open(struct stay *s)
{
	if (pipe2(s->there, O_CLOEXEC) || pipe2(s->go, O_CLOEXEC))
		bail_out("pipe: %s", strerror(errno));
}

static void stay_close(struct stay *s)
{
	for (int i = 0; i < 2; i++) {
		closep(&s->there[i]);
		closep(&s->go[i]);
	}
}

static void stay(const struct stay *s, __u64 cookie)
{
	char word;

	if (write(s->there[1], &cookie, sizeof(cookie)) != sizeof(cookie) ||
	    read(s->go[0], &word, 1) != 1)
		_exit(1);
}

static __u64 wait_for(const struct stay *s)
{
	__u64 cookie;

	if (read(s->there[0], &cookie, sizeof(cookie)) != sizeof(cookie))
		bail_out("whoever was to be waited for has ended");
	return cookie;
}

static void let_go(const struct stay *s)
{
	if (write(s->go[1], "", 1) != 1)
		bail_out("write: %s", strerror(errno));
}

static void *be_elsewhere(void *arg)
{
	if (unshare(CLONE_NEWNET))
		bail_out("unshare: %s", strerror(errno));
	stay(arg, own_cookie());
	return NULL;
}

static void test_thread(void)
{
	struct stay s;
	pthread_t thread;
	__u64 cookie;

	stay_open(&s);
	if (pthread_create(&thread, NULL, be_elsewhere, &s))
		bail_out("pthread_create");
	cookie = wait_for(&s);
	ok(cookie != own_cookie(), "a thread is elsewhere");
	ok(is_listed(cookie), "where only that is");
	let_go(&s);
	pthread_join(thread, NULL);
	stay_close(&s);
}

/* A new one, bound to @path where nobody else sees it, and left again. */
static __u64 bind_new(const char *path)
{
	_cleanup_close_ int back = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	__u64 cookie;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(path, 0700) || mount("braid", path, "tmpfs", 0, NULL))
		_exit(2);
	if (chdir(path) || close(creat("a place", 0600)) || unshare(CLONE_NEWNET))
		_exit(3);
	cookie = own_cookie();
	if (mount("/proc/self/ns/net", "a place", NULL, MS_BIND, NULL) || setns(back, CLONE_NEWNET))
		_exit(4);
	return cookie;
}

static void test_mounted(void)
{
	_cleanup_free_ char *path = text_fmt("%s/mounts", net_scratch());
	_cleanup_free_ char *place = text_fmt("%s/a place", path);
	struct stay s;
	__u64 cookie;
	pid_t pid;
	int status;

	stay_open(&s);
	pid = fork();
	if (pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (!pid) {
		stay(&s, bind_new(path));
		_exit(0);
	}
	closep(&s.there[1]);
	cookie = wait_for(&s);
	ok(access(place, F_OK), "a process has a mount of its own");
	ok(is_listed(cookie), "which holds what nobody else does");
	let_go(&s);
	waitpid(pid, &status, 0);
	stay_close(&s);
}

/* Process 1 of a container, with all that it can see. */
static int see_less(void)
{
	_cleanup_(netns_list_done) struct netns_list all = {};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return 2;
	return netns_list_read(true, &all, &err) ? 3 : !all.hidden;
}

static int be_container(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS))
		return 4;
	pid = fork();
	if (!pid)
		_exit(see_less());
	return pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)
		       ? 5
		       : WEXITSTATUS(status);
}

static void test_container(void)
{
	is_int(in_child(be_container), 0, "in a container some are hidden, and that is told");
}

int main(void)
{
	kernel_test_begin();
	test_thread();
	test_mounted();
	test_container();
	return kernel_test_end();
}
