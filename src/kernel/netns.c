/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/text.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define NETNS_FOLDER "/run/netns"
#define OWN          "/proc/thread-self/ns/net"
#define INIT         "/proc/1/ns/net"
#define OPEN_FLAGS   (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* As long as one of the fds is open, its inode number is not given to another namespace. */
static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static bool is_netns(int fd)
{
	return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

/* The names in /run/netns, sorted: which of two names for one namespace counts must not change. */
struct names {
	char **v;
	size_t n;
};

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

/* No folder, no names: `ip netns add` makes it on first use. */
static int names_read(struct names *ret)
{
	_cleanup_(names_done) struct names names = {};
	struct dirent **entries;
	int n = scandir(NETNS_FOLDER, &entries, not_dots, alphasort);

	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	names.v = calloc(n + 1, sizeof(*names.v));
	for (int i = 0; i < n; i++) {
		if (names.v && (names.v[names.n] = strdup(entries[i]->d_name)))
			names.n++;
		free(entries[i]);
	}
	free(entries);
	if (!names.v || names.n < (size_t)n)
		return -ENOMEM;
	*ret = names;
	names = (struct names){};
	return 0;
}

static int open_name(const char *name)
{
	_cleanup_free_ char *path = text_fmt(NETNS_FOLDER "/%s", name);
	int fd = path ? open(path, OPEN_FLAGS) : -1;

	return fd >= 0 ? fd : path ? -errno : -ENOMEM;
}

/* A namespace so named would be taken for something else. */
static bool is_reserved(const char *name)
{
	return text_eq(name, "init") || text_has_prefix(name, "cookie:");
}

/*
 * Settings that the whole machine shares are shown in its initial network namespace
 * only, and /proc/sys/net is that of the thread who looks.
 */
static bool is_machine_wide(const struct netns *ns)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;

	return !netns_enter(ns, &guard, &ignored) &&
	       !access("/proc/sys/net/core/netdev_max_backlog", F_OK);
}

static bool is_init(const struct netns *ns)
{
	_cleanup_close_ int init = open(INIT, OPEN_FLAGS);

	return init >= 0 ? is_same_file(ns->fd, init) : is_machine_wide(ns);
}

/* Return: NULL: no memory. */
static char *name_of(const struct netns *ns)
{
	_cleanup_(names_done) struct names names = {};

	if (is_init(ns))
		return strdup("init");
	if (names_read(&names))
		return NULL;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_close_ int other = open_name(names.v[i]);

		if (other >= 0 && is_same_file(ns->fd, other) && !is_reserved(names.v[i]))
			return TAKE_PTR(names.v[i]);
	}
	return text_fmt("cookie:%llu", (unsigned long long)ns->cookie);
}

int netns_enter(const struct netns *ns, struct netns_guard *guard, struct braid_error *err)
{
	_cleanup_close_ int own = open(OWN, OPEN_FLAGS);

	if (own < 0)
		return error_errno(err, -errno, OWN, "cannot open this thread's network namespace");
	if (is_same_file(own, ns->fd))
		return 0;
	if (setns(ns->fd, CLONE_NEWNET)) {
		int r = -errno;

		error_errno(err, r, NULL, "cannot enter network namespace '%s'",
			    ns->name ? ns->name : "?");
		if (r == -EPERM)
			error_hint(err, "it takes CAP_SYS_ADMIN: run as root");
		return r;
	}
	guard->old = TAKE_FD(own);
	return 0;
}

void netns_leave(struct netns_guard *guard)
{
	if (guard->old < 0)
		return;
	if (setns(guard->old, CLONE_NEWNET))
		abort();
	close(guard->old);
	guard->old = -1;
}

static int read_cookie(const struct netns *ns, __u64 *ret, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	_cleanup_close_ int fd = -1;
	socklen_t size = sizeof(*ret);
	__u64 cookie;
	int r;

	r = netns_enter(ns, &guard, err);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, -errno, NULL, "cannot make a socket");
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size)) {
		r = errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
		error_errno(err, r, NULL, "cannot tell network namespaces apart");
		if (r == -EOPNOTSUPP)
			error_hint(err, "SO_NETNS_COOKIE takes Linux 5.14");
		return r;
	}
	*ret = cookie;
	return 0;
}

/* Takes @fd, also on failure. @spec is for errors. */
static int adopt(int fd, const char *spec, struct netns *ret, struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = {.fd = fd};
	char *name;
	int r;

	if (!is_netns(ns.fd)) {
		error_set(err, -EINVAL, NULL, "'%s' is not a network namespace", spec);
		error_hint(err, "a name left in " NETNS_FOLDER
				" by a machine that went down? `ip netns delete` removes it");
		return -EINVAL;
	}
	ns.name = strdup(spec);
	if (!ns.name)
		return error_oom(err);
	r = read_cookie(&ns, &ns.cookie, err);
	if (r)
		return r;
	name = name_of(&ns);
	if (!name)
		return error_oom(err);
	free(ns.name);
	ns.name = name;
	*ret = ns;
	ns = (struct netns)NETNS_INIT;
	return 0;
}

static int no_such_name(const char *name, struct braid_error *err)
{
	_cleanup_(names_done) struct names names = {};
	const char *near;

	if (names_read(&names))
		return error_oom(err);
	near = text_nearest(name, (const char *const *)names.v, names.n);
	error_set(err, -ENOENT, NULL, "no network namespace '%s'", name);
	if (near)
		error_hint(err, "did you mean '%s'? `ip netns list` shows all", near);
	else if (names.n)
		error_hint(err, "`ip netns list` shows those with a name; others go by a path, "
				"/proc/PID/ns/net");
	else
		error_hint(err,
			   "none has a name here (`ip netns add %s` would make it); others go "
			   "by a path, /proc/PID/ns/net",
			   name);
	return -ENOENT;
}

static int open_path(const char *path, const char *spec, struct netns *ret, struct braid_error *err)
{
	int fd = open(path, OPEN_FLAGS);

	if (fd < 0)
		return error_errno(err, -errno, NULL, "cannot open network namespace '%s'", spec);
	return adopt(fd, spec, ret, err);
}

/* Where process 1 may not be looked at, the way there is to be there already. */
static int open_init(struct netns *ret, struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns own = NETNS_INIT;

	if (netns_open(NULL, &own, &ignored) || !text_eq(own.name, "init"))
		return open_path(INIT, "init", ret, err);
	*ret = own;
	own = (struct netns)NETNS_INIT;
	return 0;
}

int netns_open(const char *spec, struct netns *ret, struct braid_error *err)
{
	unsigned long long cookie;
	char rest;
	int fd;

	if (!spec)
		return open_path(OWN, "the caller's", ret, err);
	if (strchr(spec, '/'))
		return open_path(spec, spec, ret, err);
	if (text_eq(spec, "init"))
		return open_init(ret, err);
	if (sscanf(spec, "cookie:%llu%c", &cookie, &rest) == 1)
		return netns_find(cookie, ret, err);
	if (!*spec || text_eq(spec, ".") || text_eq(spec, "..")) {
		error_set(err, -EINVAL, NULL, "'%s' is no name for a network namespace", spec);
		return -EINVAL;
	}
	fd = open_name(spec);
	if (fd == -ENOENT)
		return no_such_name(spec, err);
	if (fd < 0)
		return error_errno(err, fd, NULL, "cannot open network namespace '%s'", spec);
	return adopt(fd, spec, ret, err);
}

/* Hands @ns over to @ret if it has @cookie. */
static bool take_if(struct netns *ns, __u64 cookie, struct netns *ret)
{
	if (ns->fd < 0 || ns->cookie != cookie)
		return false;
	*ret = *ns;
	*ns = (struct netns)NETNS_INIT;
	return true;
}

int netns_find(__u64 cookie, struct netns *ret, struct braid_error *err)
{
	_cleanup_(names_done) struct names names = {};
	/* a namespace that vanishes or may not be entered is not the one */
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	static const char *const first[] = {NULL, "init"};

	if (names_read(&names))
		return error_oom(err);
	for (size_t i = 0; i < 2 + names.n; i++) {
		_cleanup_netns_ struct netns ns = NETNS_INIT;

		if (!netns_open(i < 2 ? first[i] : names.v[i - 2], &ns, &ignored) &&
		    take_if(&ns, cookie, ret))
			return 0;
	}
	error_set(err, -ENOENT, NULL, "no network namespace with cookie %llu",
		  (unsigned long long)cookie);
	error_hint(err, "it is gone, or has neither a name in " NETNS_FOLDER " nor a privilege "
			"here to look inside");
	return -ENOENT;
}

char *netns_describe(__u64 cookie)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;

	if (netns_find(cookie, &ns, &ignored) == 0)
		return TAKE_PTR(ns.name);
	return text_fmt("cookie:%llu", (unsigned long long)cookie);
}

void netns_done(struct netns *ns)
{
	closep(&ns->fd);
	free(ns->name);
	*ns = (struct netns)NETNS_INIT;
}
