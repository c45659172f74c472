/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command is killed in front of every system call that changes what outlives it: pins,
 * links, and the store's files. Between two of them there is nothing to tell apart. Each
 * time frames must go on as before or after the change, and the next command must bring
 * everything to where it would be without the kill. The last argument is the number of a
 * scenario: they may run side by side.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "live_common.h"

static bool leaves_traces(const struct __ptrace_syscall_info *call)
{
	switch (call->entry.nr) {
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

/* Runs a command and kills it in front of the @nth trace that it leaves. false: it ended first. */
static bool killed_at(const char *const argv[], int nth)
{
	pid_t pid = start_traced(argv);
	struct __ptrace_syscall_info call;
	int status, n = 0, signal = 0;

	for (;;) {
		must_ptrace(PTRACE_SYSCALL, pid, signal);
		if (waitpid(pid, &status, 0) != pid)
			bail_out("waitpid: %s", strerror(errno));
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return false;
		if (!WIFSTOPPED(status))
			bail_out("braid %s ended with %#x", argv[1], status);
		signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
		if (signal || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(call), &call) < 0 ||
		    call.op != PTRACE_SYSCALL_INFO_ENTRY || !leaves_traces(&call) || n++ < nth)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return true;
	}
}

/* What is killed, and what the world is like around it. */
struct scenario {
	const char *name;
	const char *before;      /* manifest that runs; NULL: none */
	const char *command[4];  /* that is killed */
	const char *next[4];     /* the command behind it */
	const char *trips[2][3]; /* of r0, r1: before, after, and in between if that differs */
	const char *end[2];      /* when `next` has ended */
	bool no_revision;        /* the command makes none */
};

static bool is_one_of(const char *trip, const char *const allowed[3])
{
	for (int i = 0; i < 3; i++)
		if (allowed[i] && !strcmp(trip, allowed[i]))
			return true;
	return false;
}

static size_t count_pins_after_clean(const struct scenario *s)
{
	must_braid("apply", s->next[1]);
	return live_pins();
}

/* No revision may be half done: neither in history nor for status. */
static bool is_settled(void)
{
	_cleanup_json_ json_t *history = braid_json("history", "edge");
	_cleanup_json_ json_t *status = braid_json("status");
	json_t *revision;
	size_t i;

	json_array_foreach (history, i, revision) {
		if (!strcmp(json_text(revision, "state"), "pending"))
			return false;
	}
	return !json_at(status, "pipelines/0/interrupted");
}

/* Revisions of which history says that their command was interrupted. */
static size_t count_interrupted(void)
{
	_cleanup_json_ json_t *history = braid_json("history", "edge");
	json_t *revision;
	size_t i, n = 0;

	json_array_foreach (history, i, revision)
		n += strstr(json_text(revision, "note"), "interrupted") != NULL;
	return n;
}

struct tally {
	int kills, bad_trips, interrupted, failed, unsettled, pins, bad_ends, told;
};

static void look_at_frames(const struct scenario *s, int nth, struct tally *t)
{
	for (int i = 0; i < 2; i++) {
		const char *trip = live_trip(i);

		if (is_one_of(trip, s->trips[i]))
			continue;
		t->bad_trips++;
		diag("killed in front of call %d: at r%d '%s'", nth, i, trip);
	}
}

static bool status_tells(void)
{
	_cleanup_json_ json_t *status = braid_json("status");

	return json_number(status, "pipelines/0/interrupted") > 0;
}

static void look_at_end(const struct scenario *s, int nth, size_t pins, struct tally *t)
{
	if (!is_settled()) {
		t->unsettled++;
		diag("killed in front of call %d: still unsettled", nth);
	}
	if (live_pins() != pins) {
		t->pins++;
		diag("killed in front of call %d: %zu pins, not %zu", nth, live_pins(), pins);
	}
	for (int i = 0; i < 2; i++) {
		const char *trip = live_trip(i);

		if (!strcmp(trip, s->end[i]))
			continue;
		t->bad_ends++;
		diag("killed in front of call %d: in the end at r%d '%s'", nth, i, trip);
	}
}

static void prepare(const struct scenario *s)
{
	_cleanup_run_ struct run r = {};

	braid(&r, "delete", "edge");
	if (s->before)
		must_braid("apply", s->before);
}

static void run_scenario(const struct scenario *s)
{
	const char *const *c = s->command, *const *n = s->next;
	const char *const argv[] = {live_braid, c[0], c[1], c[2], c[3], NULL};
	size_t pins = count_pins_after_clean(s);
	size_t interrupted = count_interrupted();
	struct tally t = {};

	for (int nth = 0;; nth++) {
		const char *const next[] = {live_braid, n[0], n[1], n[2], n[3], NULL};
		_cleanup_run_ struct run r = {};

		prepare(s);
		if (!killed_at(argv, nth))
			break;
		t.kills++;
		look_at_frames(s, nth, &t);
		t.interrupted += status_tells();
		run_start(&r, next);
		if (run_wait(&r)) {
			t.failed++;
			diag("killed in front of call %d: %s%s", nth, r.out, r.err);
		}
		t.told += strstr(r.out, "was interrupted") || strstr(r.out, "not been removed");
		look_at_end(s, nth, pins, &t);
	}
	ok(t.kills > 10, "%s: killed at %d points", s->name, t.kills);
	is_int(t.bad_trips, 0, "frames go on as before or after");
	is_int(t.failed, 0, "the next command succeeds");
	is_int(t.unsettled, 0, "no revision stays half done");
	is_int(t.pins, 0, "nothing is left in bpffs, nothing is missing");
	is_int(t.bad_ends, 0, "what was wanted last runs");
	ok(t.told > 0, "the next command told %d times what it found", t.told);
	if (s->no_revision)
		return;
	ok(count_interrupted() > interrupted, "so does history");
	if (s->before)
		ok(t.interrupted > 0, "and status, %d times, before that", t.interrupted);
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	const char *old = live_manifest("old.yaml", ON_R0_R1, live_marks("1"));
	const char *new = live_manifest("new.yaml", ON_R0_R1, live_marks("1,2"));
	const char *old_r0 = live_manifest("r0.yaml", ON_R0, live_marks("1"));
	const char *generic = live_manifest("generic.yaml", ON_R0_R1 "mode: generic, ",
					    live_marks("1,2"));
	const struct scenario scenarios[] = {
		{
			.name = "a change, and then what ran before",
			.before = old,
			.command = {"apply", new},
			.next = {"apply", old},
			.trips = {{"1", "12"}, {"1", "12"}},
			.end = {"1", "1"},
		},
		{
			.name = "a first apply, repeated",
			.command = {"apply", new},
			.next = {"apply", new},
			.trips = {{"", "12"}, {"", "12"}},
			.end = {"12", "12"},
		},
		{
			.name = "one interface less, repeated",
			.before = new,
			.command = {"apply", old_r0},
			.next = {"apply", old_r0},
			.trips = {{"12", "1"}, {"12", ""}},
			.end = {"1", ""},
		},
		{
			.name = "one interface more, and then without it",
			.before = old_r0,
			.command = {"apply", new},
			.next = {"apply", old_r0},
			.trips = {{"1", "12"}, {"", "12"}},
			.end = {"1", ""},
		},
		{
			/* between the modes there is no program for a moment */
			.name = "another mode, and then the one before",
			.before = old,
			.command = {"apply", generic},
			.next = {"apply", old},
			.trips = {{"1", "12", ""}, {"1", "12", ""}},
			.end = {"1", "1"},
		},
		{
			.name = "delete, and then apply",
			.no_revision = true,
			.before = old,
			.command = {"delete", "edge"},
			.next = {"apply", old},
			.trips = {{"1", ""}, {"1", ""}},
			.end = {"1", "1"},
		},
	};

	size_t which = argc > 4 ? strtoul(argv[4], NULL, 10) : SIZE_MAX;

	if (which >= sizeof(scenarios) / sizeof(*scenarios))
		bail_out("which scenario? 0 to %zu", sizeof(scenarios) / sizeof(*scenarios) - 1);
	run_scenario(&scenarios[which]);
	prepare(&(struct scenario){});
	is_int(live_pins(), 0, "nothing is left of all that");
	return done();
}
