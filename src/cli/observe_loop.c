/* SPDX-License-Identifier: GPL-2.0-only */
/* The loop of commands that look at packets: wait, read, tend. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/observe.h"
#include "cli/observe_signals.h"

/* What has changed is noticed so soon; when it has not, that takes microseconds. */
#define TEND_MS 100
/* Somebody is at it: the gap is to be short. */
#define BUSY_MS 10
/* The kernel side wakes readers of the first of several events only. */
#define LOOK_MS 100

static volatile sig_atomic_t came, pause_came;

/* Whoever is told to end is not stopped by a terminal that is others' meanwhile. */
static void note(int number)
{
	came = 1;
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
}

static void note_pause(int number)
{
	pause_came = 1;
}

static const int interest[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};
#define N_INTEREST (sizeof(interest) / sizeof(*interest))

void signals_of_interest(sigset_t *ret)
{
	sigemptyset(ret);
	for (size_t i = 0; i < N_INTEREST; i++)
		sigaddset(ret, interest[i]);
	sigaddset(ret, SIGTSTP); /* nobody is stopped who holds the lock */
}

/* No SA_RESTART: a write to somebody who does not read must end, too. */
void signals_catch(void)
{
	struct sigaction noted = {.sa_handler = note}, ignored = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < N_INTEREST; i++)
		sigaction(interest[i], &noted, NULL);
	sigaction(SIGPIPE, &ignored, NULL);
}

void signals_catch_pause(void)
{
	struct sigaction noted = {.sa_handler = note_pause}, was;

	if (!sigaction(SIGTSTP, NULL, &was) && was.sa_handler != SIG_IGN)
		sigaction(SIGTSTP, &noted, NULL);
}

void signals_pause(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, was;

	pause_came = 0;
	sigaction(SIGTSTP, &usual, &was);
	raise(SIGTSTP); /* here it stands still */
	if (!came)
		sigaction(SIGTSTP, &was, NULL);
}

void signals_forget(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t all;

	signals_of_interest(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL); /* those that have come meanwhile are noted */
	for (size_t i = 0; i < N_INTEREST; i++)
		sigaction(interest[i], &usual, NULL);
}

void signals_mask_open(sigset_t *ret)
{
	sigprocmask(SIG_SETMASK, NULL, ret);
	for (size_t i = 0; i < N_INTEREST; i++)
		sigdelset(ret, interest[i]);
	sigdelset(ret, SIGTSTP);
}

bool signals_came(void)
{
	return came;
}

static uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

struct looping {
	const struct look_loop *l;
	struct braid_error *err;
	uint64_t end, tick, tend; /* when: ms; UINT64_MAX: never */
	struct pollfd *fds;       /* of the observers, and of input */
	bool *gone;
	bool deaf;       /* no input comes any more */
	size_t observer; /* whose events are read */
};

static int take_event(void *ctx, const struct braid_event *e)
{
	struct looping *lo = ctx;

	return lo->l->event(lo->l->ctx, lo->observer, e);
}

/* A callback, which may write: then a signal must be able to end it. */
static int call(struct looping *lo, int (*fn)(void *ctx))
{
	sigset_t open, was;
	int r;

	if (!fn)
		return 0;
	signals_mask_open(&open);
	sigprocmask(SIG_SETMASK, &open, &was);
	r = fn(lo->l->ctx);
	sigprocmask(SIG_SETMASK, &was, NULL);
	return r;
}

static int read_events(struct looping *lo)
{
	const struct look_loop *l = lo->l;
	sigset_t open, was;
	int r = 0;

	if (!l->event)
		return 0;
	signals_mask_open(&open);
	sigprocmask(SIG_SETMASK, &open, &was);
	for (size_t i = 0; i < l->n && !r; i++) {
		lo->observer = i;
		if (!lo->gone[i] && braid_observer_fd(l->observers[i]) >= 0)
			r = braid_observer_read(l->observers[i], take_event, lo, lo->err);
	}
	sigprocmask(SIG_SETMASK, &was, NULL);
	return r ?: call(lo, l->round);
}

static int tend_one(struct looping *lo, size_t i)
{
	const struct look_loop *l = lo->l;
	int r = braid_observer_tend(l->observers[i], lo->err);

	if (r == 1)
		return l->changed ? l->changed(l->ctx, i) : 0;
	if (r == -ENOENT && l->gone) {
		braid_error_clear(lo->err);
		lo->gone[i] = true;
		return l->gone(l->ctx, i);
	}
	if (r == 2)
		return l->moved ? l->moved(l->ctx, i) : 0;
	if (r != -EBUSY)
		return r;
	braid_error_clear(lo->err);
	lo->tend = now_ms() + BUSY_MS;
	return 0;
}

static int tend(struct looping *lo)
{
	int r = 0;

	if (now_ms() < lo->tend)
		return 0;
	lo->tend = now_ms() + TEND_MS;
	for (size_t i = 0; i < lo->l->n && !r; i++)
		if (!lo->gone[i])
			r = tend_one(lo, i);
	return r;
}

static int tick(struct looping *lo)
{
	if (now_ms() < lo->tick)
		return 0;
	lo->tick = now_ms() + lo->l->period_ms;
	return call(lo, lo->l->tick);
}

/*
 * Until something is to be read, or to be done, or a signal comes. Return: may there be input?
 * A terminal of another size is a signal, and curses makes a key of it.
 */
static bool wait_for_it(struct looping *lo)
{
	const struct look_loop *l = lo->l;
	uint64_t now = now_ms(), until = lo->tend;
	struct timespec ts = {};
	sigset_t open;
	int n;

	for (size_t i = 0; i < l->n; i++)
		lo->fds[i] = (struct pollfd){
			.fd = l->event && !lo->gone[i] ? braid_observer_fd(l->observers[i]) : -1,
			.events = POLLIN};
	lo->fds[l->n] = (struct pollfd){.fd = l->input && !lo->deaf ? l->fd : -1, .events = POLLIN};
	if (l->event && until > now + LOOK_MS)
		until = now + LOOK_MS;
	until = lo->tick < until ? lo->tick : until;
	until = lo->end < until ? lo->end : until;
	if (until > now) {
		ts.tv_sec = (until - now) / 1000;
		ts.tv_nsec = (until - now) % 1000 * 1000000;
	}
	signals_mask_open(&open);
	n = ppoll(lo->fds, l->n + 1, &ts, &open);
	/* the terminal is gone: it would be readable for ever */
	if (n > 0 && lo->fds[l->n].revents & (POLLHUP | POLLERR | POLLNVAL))
		lo->deaf = true;
	return n < 0 ? l->input && errno == EINTR : n && lo->fds[l->n].revents;
}

/* The output has nobody who reads it any more; or writing was cut short by a signal. */
static bool is_over(const struct looping *lo)
{
	return signals_came() || ferror(stdout) || now_ms() >= lo->end;
}

/* Blocked as it is now, it cannot come between this look and the wait. */
static int pause_if_asked(struct looping *lo)
{
	return pause_came ? call(lo, lo->l->pause) : 0;
}

static int go_round(struct looping *lo)
{
	int r = pause_if_asked(lo);
	bool input = !r && wait_for_it(lo);

	return r ?: (input ? call(lo, lo->l->input) : 0) ?: read_events(lo) ?: tick(lo) ?: tend(lo);
}

int look_loop(const struct look_loop *l, struct braid_error *err)
{
	uint64_t now = now_ms(), duration = l->look ? l->look->duration_ms : 0;
	struct looping lo = {
		.l = l,
		.err = err,
		.end = duration ? now + duration : UINT64_MAX,
		.tick = l->period_ms ? now + l->period_ms : UINT64_MAX,
		.tend = now + TEND_MS,
		.fds = calloc(l->n + 1, sizeof(*lo.fds)),
		.gone = calloc(l->n + 1, sizeof(*lo.gone)),
	};
	int r = lo.fds && lo.gone ? 0 : -ENOMEM;

	while (!r && !is_over(&lo))
		r = go_round(&lo);
	if (!r)
		r = read_events(&lo);
	if (r >= 0 && l->period_ms)
		r = call(&lo, l->tick) ?: r;
	free(lo.fds);
	free(lo.gone);
	return r < 0 ? r : 0;
}
