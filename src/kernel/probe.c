/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/probe.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "base/text.h"

#ifndef CAP_PERFMON /* headers before Linux 5.8 */
#define CAP_PERFMON 38
#define CAP_BPF     39
#endif

int probe_kernel(unsigned int major, unsigned int minor, const char *what_for,
		 struct braid_error *err)
{
	unsigned int have_major, have_minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &have_major, &have_minor) != 2)
		return error_errno(err, -EOPNOTSUPP, NULL, "cannot tell the kernel's version");
	if (have_major > major || (have_major == major && have_minor >= minor))
		return 0;
	error_set(err, -EOPNOTSUPP, NULL, "this kernel is too old for %s", what_for);
	error_why(err, "it is Linux %s; %u.%u or later is needed", name.release, major, minor);
	return -EOPNOTSUPP;
}

static int read_effective(__u64 *ret, struct braid_error *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return error_errno(err, -errno, NULL, "cannot read this thread's capabilities");
	*ret = data[0].effective | (__u64)data[1].effective << 32;
	return 0;
}

static void note_missing(struct buf *missing, const char *name)
{
	buf_fmt(missing, "%s%s", missing->n ? ", " : "", name);
}

int probe_privileges(struct braid_error *err)
{
	_cleanup_(buf_done) struct buf missing = {};
	__u64 have = 0;
	int r;

	r = read_effective(&have, err);
	if (r)
		return r;
	if (!(have & 1ULL << CAP_NET_ADMIN))
		note_missing(&missing, "CAP_NET_ADMIN");
	if (!(have & 1ULL << CAP_SYS_ADMIN)) {
		if (!(have & 1ULL << CAP_BPF))
			note_missing(&missing, "CAP_BPF");
		if (!(have & 1ULL << CAP_PERFMON))
			note_missing(&missing, "CAP_PERFMON");
	}
	if (!missing.n && !missing.failed)
		return 0;
	error_set(err, -EPERM, NULL, "not enough privileges for BPF programs on interfaces");
	if (missing.n)
		error_why(err, "missing: %s", missing.v);
	error_hint(err, "run as root: sudo");
	return -EPERM;
}
