/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at packets in a process of its own, so that there is always somebody who takes out what
 * it has put in: the process itself; or, when it is killed, the one that waits for it.
 */
#include "cli/observe.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/text.h"
#include "cli/observe_signals.h"
#include "cli/stdio.h"

/* As the terminal was, for when nobody puts it back. */
struct terminal {
	struct termios modes;
	bool is;
};

static void terminal_save(struct terminal *t)
{
	t->is = !tcgetattr(STDIN_FILENO, &t->modes);
}

static void terminal_reset(const struct terminal *t, const char *reset)
{
	struct sigaction quiet = {.sa_handler = SIG_IGN}, was;

	if (!t->is)
		return;
	sigaction(SIGTTOU, &quiet, &was); /* in the background it would stop us */
	tcsetattr(STDIN_FILENO, TCSANOW, &t->modes);
	sigaction(SIGTTOU, &was, NULL);
	if (reset && isatty(STDOUT_FILENO)) {
		fputs(reset, stdout);
		fflush(stdout);
	}
}

/* Of the child, where the parent can read it. */
struct outcome {
	bool over; /* nothing is in any more; what a signal cuts short is only what is said of it */
	int status;
};

/* In the child. The parent may have ended before it was asked to be told of that. */
static void work(const struct look_guard *g, pid_t parent, struct outcome *outcome)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	signals_catch();
	status = g->work(g->ctx);
	*outcome = (struct outcome){true, status};
	/* nothing is in any more, and somebody may not read what is left to say */
	signals_forget();
	if (signals_came()) /* what they cut short is not missed */
		clearerr(stdout);
	exit(stdio_close(status));
}

/* By ^Z, or by a terminal that is others' now: a shell waits for that, and continues both. */
static void stop_too(pid_t child, int number)
{
	sigset_t one, was;

	if (number != SIGTSTP && number != SIGTTOU && number != SIGTTIN)
		return;
	sigemptyset(&one);
	sigaddset(&one, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, &was);
	sigprocmask(SIG_SETMASK, &was, NULL);
	kill(child, SIGCONT);
}

/* @status: as waitpid() says. */
static bool has_ended(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

/* The signals that it must hear are blocked. Return: as waitpid() says. */
static int wait_for(pid_t child, const sigset_t *heard)
{
	int status = W_EXITCODE(EXIT_FAILED, 0); /* if there is none to ask for */
	bool ending = false;
	siginfo_t info;
	pid_t who;

	while (who = waitpid(child, &status, WNOHANG | WUNTRACED),
	       who >= 0 && (!who || !has_ended(status))) {
		int number;

		if (who && !ending)
			stop_too(child, WSTOPSIG(status));
		if (who && ending)
			kill(child, SIGCONT);
		number = sigwaitinfo(heard, &info);
		if (number <= 0 || number == SIGCHLD)
			continue;
		/* what comes from the terminal, the child gets, too */
		if (info.si_code <= 0)
			kill(child, number);
		ending = ending || number != SIGTSTP;
		if (ending) /* who stands still does not hear it */
			kill(child, SIGCONT);
	}
	return status;
}

static int sweep(const struct look_guard *g, struct braid_error *err)
{
	_cleanup_(braid_closep) struct braid *b = NULL;
	int r = open_braid(g->o, &b, err);

	for (size_t i = 0; i < g->n; i++)
		r = r ?: braid_observers_sweep(b, g->pipelines[i], err);
	return r;
}

static int tidy_up(const struct look_guard *g, int signal)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	fprintf(stderr, "braid: the process that looked at packets was killed (%s)\n",
		strsignal(signal));
	if (sweep(g, &err)) {
		fail(g->o, &err);
		fputs("  do:  nothing: what is left looks at no packet any more within five "
		      "seconds,\n"
		      "       and the next change to the pipeline takes it out\n",
		      stderr);
	} else {
		fputs("  what it had put in is taken out\n", stderr);
	}
	return EXIT_FAILED;
}

int look_guard(const struct look_guard *g)
{
	pid_t child, parent = getpid();
	struct outcome *outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct terminal terminal;
	sigset_t heard, was;
	int status;

	if (outcome == MAP_FAILED) {
		perror("braid: cannot start a process");
		return EXIT_FAILED;
	}
	signal(SIGCHLD, SIG_DFL); /* who started us may ignore it: then no end is told, nor kept */
	signals_of_interest(&heard);
	sigprocmask(SIG_BLOCK, &heard, NULL); /* the child's, until it waits */
	sigaddset(&heard, SIGCHLD);
	sigprocmask(SIG_BLOCK, &heard, &was);
	terminal_save(&terminal);
	fflush(NULL);
	child = fork();
	if (!child) {
		sigprocmask(SIG_SETMASK, &was, NULL);
		work(g, parent, outcome);
	}
	if (child < 0) {
		perror("braid: cannot start a process");
		return EXIT_FAILED;
	}
	status = wait_for(child, &heard);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	terminal_reset(&terminal, g->reset);
	if (outcome->over)
		return outcome->status;
	return tidy_up(g, WTERMSIG(status));
}

int look_open(struct braid *b, const char *pipeline, const struct look *l,
	      const struct braid_observe_opts *opts, struct braid_observer **ret,
	      struct braid_error *err)
{
	struct braid_observe_opts all = *opts;

	all.sz = sizeof(all);
	all.every = l->every;
	all.filter = l->filter;
	all.n_filter = l->n_filter;
	return braid_observer_open(b, pipeline, &all, ret, err);
}

int look_close(const struct options *o, struct braid_observer *observer, int status)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	return braid_observer_close(observer, &err) ? fail(o, &err) : status;
}
