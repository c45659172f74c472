/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_killed.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live_common.h"

/* A map of what runs as memory of the command: what it writes there is no system call. */
static bool shares_map(const struct __ptrace_syscall_info *call)
{
	return call->entry.args[3] & MAP_SHARED && (int)call->entry.args[4] >= 0;
}

/* @shared: whether a map is shared; its end is the first call behind the writing. */
static bool leaves_traces(const struct __ptrace_syscall_info *call, bool *shared)
{
	bool was = *shared;

	switch (call->entry.nr) {
	case __NR_mmap:
		*shared = shares_map(call);
		return *shared;
	case __NR_munmap:
		*shared = false;
		return was;
	case __NR_bpf:
		switch (call->entry.args[0]) {
		case BPF_OBJ_PIN:
		case BPF_LINK_CREATE:
		case BPF_LINK_UPDATE:
		case BPF_LINK_DETACH:
			return true;
		}
		return false;
	case __NR_pwrite64:
	case __NR_ftruncate:
	case __NR_unlinkat:
	case __NR_mkdirat:
	case __NR_renameat2:
#ifdef __NR_unlink
	case __NR_unlink:
	case __NR_rmdir:
	case __NR_mkdir:
	case __NR_rename:
#endif
		return true;
	}
	return false;
}

static void must_ptrace(int request, pid_t pid, unsigned long data)
{
	if (ptrace(request, pid, 0, data))
		bail_out("ptrace %d: %s", request, strerror(errno));
}

static pid_t start_traced(const char *const argv[])
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		freopen("/dev/null", "w", stdout);
		freopen("/dev/null", "w", stderr);
		/* of a sanitizer that cannot work under a tracer */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		bail_out("starting %s", argv[0]);
	must_ptrace(PTRACE_SETOPTIONS, pid, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return pid;
}

/* A slot of a PROG_ARRAY, a word of the control block; and all that fills a map. */
static bool writes_map(const struct __ptrace_syscall_info *call)
{
	return call->entry.nr == __NR_bpf && (call->entry.args[0] == BPF_MAP_UPDATE_ELEM ||
					      call->entry.args[0] == BPF_MAP_DELETE_ELEM);
}

/* Over netlink, what changes something: attaches, adds a filter, removes one. */
static bool changes_by_netlink(pid_t pid, const struct __ptrace_syscall_info *call)
{
	struct nlmsghdr head;
	long word;

	if (call->entry.nr != __NR_sendto || call->entry.args[2] < sizeof(head))
		return false;
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, call->entry.args[1], NULL);
	if (errno)
		return false;
	memcpy(&head, &word, sizeof(word));
	switch (head.nlmsg_type) {
	case RTM_SETLINK:
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		return true;
	}
	return false;
}

/* A command at a system call. */
struct tracee {
	pid_t pid;
	struct __ptrace_syscall_info call;
	bool shared;
	int syncing; /* the fd that is being synchronised; -1: none */
	void (*synced)(const char *path);
};

/* On the way out of fsync(2): what was written before is on the disk now. */
static void note_sync(struct tracee *t)
{
	bool is_entry = t->call.op == PTRACE_SYSCALL_INFO_ENTRY;
	char link[64], path[512];
	ssize_t n;

	if (is_entry) {
		bool is_sync = t->call.entry.nr == __NR_fsync || t->call.entry.nr == __NR_fdatasync;

		t->syncing = is_sync ? (int)t->call.entry.args[0] : -1;
		return;
	}
	if (t->syncing < 0 || t->call.exit.is_error || !t->synced)
		return;
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", t->pid, t->syncing);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		bail_out("%s: %s", link, strerror(errno));
	path[n] = '\0';
	t->synced(path);
}

/* To the next system call, in or out. false: the command has ended. */
static bool go_on(struct tracee *t, const char *name)
{
	int status, signal = 0;

	do {
		must_ptrace(PTRACE_SYSCALL, t->pid, signal);
		if (waitpid(t->pid, &status, 0) != t->pid)
			bail_out("waitpid: %s", strerror(errno));
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return false;
		if (!WIFSTOPPED(status))
			bail_out("braid %s ended with %#x", name, status);
		signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
	} while (signal || ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(t->call), &t->call) < 0);
	return true;
}

static bool is_trace(struct tracee *t, bool maps)
{
	return t->call.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       (leaves_traces(&t->call, &t->shared) || changes_by_netlink(t->pid, &t->call) ||
		(maps && writes_map(&t->call)));
}

static bool killed(const char *const argv[], int nth, bool maps, void (*synced)(const char *path))
{
	struct tracee t = {.pid = start_traced(argv), .syncing = -1, .synced = synced};
	int n = 0;

	while (go_on(&t, argv[1])) {
		note_sync(&t);
		if (!is_trace(&t, maps) || n++ < nth)
			continue;
		kill(t.pid, SIGKILL);
		waitpid(t.pid, NULL, 0);
		return true;
	}
	return false;
}

bool live_killed_at(const char *const argv[], int nth)
{
	return killed(argv, nth, false, NULL);
}

bool live_killed_everywhere(const char *const argv[], int nth, void (*synced)(const char *path))
{
	return killed(argv, nth, true, synced);
}
