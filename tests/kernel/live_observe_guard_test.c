/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands that look at packets, killed in whatever way: one of their two processes tidies up. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "live_observe.h"
#include "wait.h"

enum { SOON_MS = 60000 };

/* The process that looks, for the one that waits. 0: there is none. */
static pid_t child_of(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	int child = 0;

	f = fopen(live_text("/proc/%d/task/%d/children", pid, pid), "re");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	return child;
}

/* Starts to look. Return: the process that does. */
static pid_t start(struct run *r)
{
	run_start(r, (const char *const[]){live_braid, "trace", "edge", NULL});
	if (!wait_until(observe_looking() == 1, SOON_MS)) {
		kill(r->pid, SIGKILL);
		run_wait(r);
		bail_out("it does not look: %s%s", r->out, r->err);
	}
	return child_of(r->pid);
}

static bool is_base(const struct observed_run *base)
{
	_cleanup_observed_run_ struct observed_run now = {};

	observed_run_read(&now);
	return observed_run_is(base, &now) && !*observe_state();
}

static void test_signal(const struct observed_run *base, int signal)
{
	_cleanup_run_ struct run r = {};

	start(&r);
	kill(r.pid, signal);
	is_int(run_wait(&r), 0, "%s ends it in order: %s", strsignal(signal), r.err ?: "");
	ok(is_base(base), "and what ran before runs");
}

static void test_signal_to_child(const struct observed_run *base)
{
	_cleanup_run_ struct run r = {};

	kill(start(&r), SIGTERM);
	is_int(run_wait(&r), 0, "so does one to the process that looks: %s", r.err ?: "");
	ok(is_base(base), "and what ran before runs");
}

static void test_killed_child(const struct observed_run *base)
{
	_cleanup_run_ struct run r = {};

	kill(start(&r), SIGKILL);
	is_int(run_wait(&r), 1, "the process that looks is killed: the command fails");
	ok(strstr(r.err, "taken out"), "it says what it did: %s", r.err);
	ok(is_base(base), "and what ran before runs when it ends");
}

static void test_killed_parent(const struct observed_run *base)
{
	_cleanup_run_ struct run r = {};

	start(&r);
	kill(r.pid, SIGKILL);
	is_int(run_wait(&r), 128 + SIGKILL, "the process that waits is killed");
	ok(wait_until(is_base(base), SOON_MS), "what ran before runs by itself");
}

/* Who tells the child is the kernel; but a dead one hears nothing. */
static void test_killed_both(const struct observed_run *base)
{
	_cleanup_run_ struct run r = {};
	pid_t child = start(&r);

	kill(r.pid, SIGSTOP);
	kill(child, SIGKILL);
	kill(r.pid, SIGKILL);
	run_wait(&r);
	is_str(observe_state(), "nobody looks", "both are killed: status says it");
	must_braid("signal", "edge", "resume");
	ok(is_base(base), "the next command puts back what ran before");
}

int main(int argc, char **argv)
{
	_cleanup_observed_run_ struct observed_run base = {};

	live_init(argc, argv);
	must_braid("apply", live_manifest("edge.yaml", ON_R0 AS_FUSED, live_marks("1,2")));
	observed_run_read(&base);
	test_signal(&base, SIGINT);
	test_signal(&base, SIGTERM);
	test_signal(&base, SIGHUP);
	test_signal_to_child(&base);
	test_killed_child(&base);
	test_killed_parent(&base);
	test_killed_both(&base);
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
