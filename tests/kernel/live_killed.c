/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_killed.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live_common.h"

bool live_killed_at_each_write;

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

#define STOP_AT(call)                                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),                                           \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)
/* of a word of 64 bits */
#define LOW_HALF (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)

/*
 * Of thousands of calls a command stops at those that may matter here: a stop is two switches to
 * another process and back. A process of its own that it forks would fail in these calls.
 */
static void stop_at_some(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		STOP_AT(__NR_munmap),
		STOP_AT(__NR_bpf),
		STOP_AT(__NR_pwrite64),
		STOP_AT(__NR_ftruncate),
		STOP_AT(__NR_unlinkat),
		STOP_AT(__NR_mkdirat),
		STOP_AT(__NR_renameat2),
#ifdef __NR_unlink
		STOP_AT(__NR_unlink),
		STOP_AT(__NR_rmdir),
		STOP_AT(__NR_mkdir),
		STOP_AT(__NR_rename),
#endif
		STOP_AT(__NR_sendto),
		STOP_AT(__NR_fsync),
		STOP_AT(__NR_fdatasync),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[3]) + LOW_HALF),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(126);
}

/* Is seccomp(2) there? It is not in each kernel that tests run in; then it stops at all calls. */
static bool stops_at_some(void)
{
	return prctl(PR_GET_SECCOMP) >= 0;
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
		if (stops_at_some())
			stop_at_some();
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		bail_out("starting %s", argv[0]);
	must_ptrace(PTRACE_SETOPTIONS, pid,
		    PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
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

/* A path that the command has given to the kernel. */
static void read_path(pid_t pid, unsigned long at, char *path, size_t size)
{
	memset(path, 0, size);
	for (size_t i = 0; i + sizeof(long) < size && strlen(path) == i; i += sizeof(long)) {
		long word = ptrace(PTRACE_PEEKDATA, pid, at + i, NULL);

		memcpy(path + i, &word, sizeof(word));
	}
}

/* A folder that is there already, which nothing becomes of. */
static bool is_made_again(pid_t pid, const struct __ptrace_syscall_info *call)
{
	const __u64 *args = (const __u64 *)call->entry.args;
	char path[512];

	switch (call->entry.nr) {
	case __NR_mkdirat:
		read_path(pid, args[1], path, sizeof(path));
		break;
#ifdef __NR_mkdir
	case __NR_mkdir:
		read_path(pid, args[0], path, sizeof(path));
		break;
#endif
	default:
		return false;
	}
	return *path == '/' && !access(path, F_OK);
}

/* A command at a system call. On the way in, entry and seccomp have the same members. */
struct tracee {
	pid_t pid;
	struct __ptrace_syscall_info call;
	bool shared;
	void (*synced)(const char *path); /* NULL: what was written is not lost */
	int syncing;                      /* the fd that is being synchronised; -1: none */
	bool on_disk_since;               /* something is, since the last point to kill it at */
	int writing;                      /* the fd that was written to at last; -1: none */
};

static bool is_on_the_way_in(const struct tracee *t)
{
	return t->call.op == PTRACE_SYSCALL_INFO_SECCOMP ||
	       (t->call.op == PTRACE_SYSCALL_INFO_ENTRY && !stops_at_some());
}

static bool is_sync(const struct __ptrace_syscall_info *call)
{
	return call->entry.nr == __NR_fsync || call->entry.nr == __NR_fdatasync;
}

/* On the way out of fsync(2): what was written before is on the disk now. */
static void note_sync(struct tracee *t)
{
	int fd = t->syncing;
	char link[64], path[512];
	ssize_t n;

	if (is_on_the_way_in(t)) {
		if (t->synced && is_sync(&t->call))
			t->syncing = t->call.entry.args[0];
		return;
	}
	if (fd < 0)
		return;
	t->syncing = -1;
	if (t->call.exit.is_error)
		return;
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", t->pid, fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		bail_out("%s: %s", link, strerror(errno));
	path[n] = '\0';
	t->synced(path);
	t->on_disk_since = true;
}

/* A stop of ours, and no signal. */
static bool is_at_call(int status)
{
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8) ||
	       WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/* Into the next system call that may matter, or out of fsync(2). false: the command has ended. */
static bool go_on(struct tracee *t, const char *name)
{
	int request = t->syncing < 0 && stops_at_some() ? PTRACE_CONT : PTRACE_SYSCALL;
	int status, signal = 0;

	do {
		must_ptrace(request, t->pid, signal);
		if (waitpid(t->pid, &status, 0) != t->pid)
			bail_out("waitpid: %s", strerror(errno));
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return false;
		if (!WIFSTOPPED(status))
			bail_out("braid %s ended with %#x", name, status);
		signal = is_at_call(status) ? 0 : WSTOPSIG(status);
	} while (signal || ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(t->call), &t->call) < 0);
	return true;
}

static bool is_trace(struct tracee *t, bool maps)
{
	return is_on_the_way_in(t) && !is_made_again(t->pid, &t->call) &&
	       (leaves_traces(&t->call, &t->shared) || changes_by_netlink(t->pid, &t->call) ||
		(maps && writes_map(&t->call)));
}

/*
 * Of what SQLite writes into a file between two other calls all is valid, or nothing: to us these
 * are one write.
 */
static bool is_written_again(struct tracee *t)
{
	bool is_write = t->call.entry.nr == __NR_pwrite64;
	bool again = is_write && (int)t->call.entry.args[0] == t->writing;

	t->writing = is_write ? (int)t->call.entry.args[0] : -1;
	return again && !live_killed_at_each_write;
}

/*
 * Of a machine that stops only the disk is left: between two synchronisations there is nothing
 * to tell apart.
 */
static bool is_point(struct tracee *t, bool maps)
{
	if (!is_trace(t, maps) || is_written_again(t) || (t->synced && !t->on_disk_since))
		return false;
	t->on_disk_since = false;
	return true;
}

static bool killed(const char *const argv[], int nth, bool maps, void (*synced)(const char *path))
{
	struct tracee t = {
		.pid = start_traced(argv),
		.synced = synced,
		.syncing = -1,
		.on_disk_since = true,
		.writing = -1,
	};
	int n = 0;

	while (go_on(&t, argv[1])) {
		note_sync(&t);
		if (!is_point(&t, maps) || n++ < nth)
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
