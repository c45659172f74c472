/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands share that look at packets of a running pipeline.
 *
 *	static int look_at_it(void *ctx)           in a process of its own: look_guard()
 *	{
 *		open_braid(), look_open()          an observer
 *		look_loop()                        until it is enough
 *		look_close()                       what runs is what ran before
 *	}
 */
#pragma once

#include <braid/observe.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"

/* What they all take: a member of the command's struct of own options. */
struct look_options {
	const char *filter;       /* an expression as tcpdump takes it */
	const char *sample;       /* "1:1000" */
	uint64_t every, duration; /* 0: not given; packets, ns */
};

/* In a list of struct own_option: of struct @type, where they are @member. */
#define LOOK_OPTIONS(type, member)                                                                 \
	{"filter", 'f', OPTION_TEXT, offsetof(type, member.filter),                                \
	 "-f, --filter EXPRESSION only these packets, as they come in; as tcpdump takes it"},      \
		{"sample", 0, OPTION_TEXT, offsetof(type, member.sample),                          \
		 "    --sample 1:N        one packet of N, by chance"},                            \
		{"every",                                                                          \
		 0,                                                                                \
		 OPTION_NUMBER,                                                                    \
		 offsetof(type, member.every),                                                     \
		 "    --every N           the same",                                               \
		 "1",                                                                              \
		 UINT32_TEXT},                                                                     \
	{                                                                                          \
		"duration", 'd', OPTION_TIME, offsetof(type, member.duration),                     \
			"-d, --duration TIME     end after this long: 500ms, 10s, 5m", "1ms"       \
	}

/* The same, understood. */
struct look {
	uint32_t every;       /* 0: all */
	uint64_t duration_ms; /* 0: no end */
	struct braid_filter *filter;
	size_t n_filter; /* 0: all packets */
};

/* Return: EXIT_DONE; else how to exit: what is wrong has been said. */
int look_parse(const struct command *c, const struct options *o, const struct look_options *from,
	       struct look *ret);
void look_done(struct look *l);
#define _cleanup_look_ _cleanup_(look_done)

/*
 * @work in a process of its own. Whichever of the two processes is killed, the other one takes out
 * what it had put in; only if both are killed at once, the kernel side expires, and the next
 * command takes it out. So @work opens all that it needs itself: struct braid, too.
 * Signals that end a process (INT, TERM, QUIT, HUP) end look_loop() in order; so does an output
 * that nobody reads. ^Z stops both processes, and what was put in expires meanwhile.
 */
struct look_guard {
	const struct options *o;
	const char *const *pipelines; /* that it looks at */
	size_t n;
	int (*work)(void *ctx); /* Return: exit status */
	void *ctx;
	/* written to a terminal, if it was killed; NULL: nothing. Its modes are reset anyway */
	const char *reset;
};

/* Return: exit status of @work; EXIT_FAILED when it was killed, which has been said. */
int look_guard(const struct look_guard *g);

/* braid_observer_open() with what @l says; the rest of @opts is the caller's. */
int look_open(struct braid *b, const char *pipeline, const struct look *l,
	      const struct braid_observe_opts *opts, struct braid_observer **ret,
	      struct braid_error *err);
/* The last time in which nobody looked, as the pipeline was changed. */
uint64_t look_gap_ns(const struct braid_observer *observer);
/* "nobody looked for 0.31 s"; caller frees. NULL: no memory. */
char *look_gap_text(uint64_t ns);
/* ", nobody looked for 0.62 s while the pipeline changed": all of them; "" without. The same. */
char *look_gaps_text(const struct braid_observer *observer);
/* "gaps", how many, and "gap-seconds", all together. Return: as json_object_set(). */
int look_gaps_add(const struct braid_observer *observer, json_t *j);
/* On standard error: on how many interfaces the pipeline is now. */
void look_tell_interfaces(const char *pipeline, const struct braid_observer *observer);
/* NULL is fine. An error is printed. Return: @status, or how to exit for that error. */
int look_close(const struct options *o, struct braid_observer *observer, int status);

/*
 * Waits, reads, tends. Callbacks are called with @ctx, may be NULL, and end the loop by what they
 * return, if it is not 0: 1 it is enough; a negative errno, which is returned.
 */
struct look_loop {
	struct braid_observer *const *observers;
	size_t n;
	const struct look *look; /* how long; NULL: no end */
	void *ctx;
	int (*event)(void *ctx, size_t observer, const struct braid_event *e);
	/* all events that were there are read */
	int (*round)(void *ctx);
	/* each @period_ms, and at last once more; 0: never */
	int (*tick)(void *ctx);
	unsigned int period_ms;
	/* it looks at another revision: stages may have changed; counts go on, times are anew */
	int (*changed)(void *ctx, size_t observer);
	/* it is on other interfaces than before */
	int (*moved)(void *ctx, size_t observer);
	/* that pipeline was deleted. NULL: that is an error, which ends the loop */
	int (*gone)(void *ctx, size_t observer);
	/* @fd is readable: the keyboard; -1: there is none. With input NULL it is not looked at */
	int (*input)(void *ctx);
	int fd;
	/* ^Z, if signals_catch_pause() was called: it is to call signals_pause() */
	int (*pause)(void *ctx);
};

/* Return: 0 a signal, the end of the time, a reader that went away, or enough; -errno. */
int look_loop(const struct look_loop *l, struct braid_error *err);

/* @ns that were measured, without the @look_ns that measuring takes. */
static inline double without_looking(double ns, double look_ns)
{
	return ns > look_ns ? ns - look_ns : 0;
}
