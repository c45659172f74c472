/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static __u64 own_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

/* Fields 3 and 22 of /proc/<pid>/stat; field 2, the name, may have anything in it. */
static bool read_stat(__u32 pid, char *ret_state, __u64 *ret_start)
{
	char path[64], text[1024];
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long start;
	const char *at;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	at = strrchr(text, ')');
	if (!at ||
	    sscanf(at + 1,
		   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%llu",
		   ret_state, &start) != 2)
		return false;
	*ret_start = start;
	return true;
}

void process_self(struct process *ret)
{
	char state;

	*ret = (struct process){.pid = getpid(), .pid_ns = own_namespace()};
	read_stat(ret->pid, &state, &ret->start);
}

bool process_is_gone(const struct process *p)
{
	__u64 start;
	char state;

	if (p->pid_ns != own_namespace())
		return false;
	if (!read_stat(p->pid, &state, &start))
		return true;
	return start != p->start || state == 'Z' || state == 'X';
}
