/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at packets in a process of its own, so that there is always somebody who takes out what
 * it has put in: the process itself; or, when it is killed, the one that waits for it.
 */
#include "cli/observe.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/text.h"
#include "cli/observe_signals.h"

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

/* In the child. The parent may have ended before it was asked to be told of that. */
static void work(const struct look_guard *g, pid_t parent)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	signals_catch();
	status = g->work(g->ctx);
	signals_forget(); /* nothing is in any more, and somebody may not read what is left to say
			   */
	exit(status);
}

/* The signals that it must hear are blocked. Return: as waitpid() says. */
static int wait_for(pid_t child, const sigset_t *heard)
{
	siginfo_t info;
	int status;

	while (!waitpid(child, &status, WNOHANG)) {
		int signal = sigwaitinfo(heard, &info);

		/* what comes from the terminal, the child gets, too */
		if (signal > 0 && signal != SIGCHLD && info.si_code <= 0)
			kill(child, signal);
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
	struct terminal terminal;
	sigset_t heard, was;
	int status;

	signals_of_interest(&heard);
	sigprocmask(SIG_BLOCK, &heard, NULL); /* the child's, until it waits */
	sigaddset(&heard, SIGCHLD);
	sigprocmask(SIG_BLOCK, &heard, &was);
	terminal_save(&terminal);
	fflush(NULL);
	child = fork();
	if (!child) {
		sigprocmask(SIG_SETMASK, &was, NULL);
		work(g, parent);
	}
	if (child < 0) {
		perror("braid: cannot start a process");
		return EXIT_FAILED;
	}
	status = wait_for(child, &heard);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	terminal_reset(&terminal, g->reset);
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
