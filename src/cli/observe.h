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
	const char *filter;         /* an expression as tcpdump takes it */
	const char *sample, *every; /* "1:1000"; "1000" */
	const char *duration;       /* "10s" */
};

/* In a list of struct own_option: of struct @type, where they are @member. */
#define LOOK_OPTIONS(type, member)                                                                 \
	{"filter", 'f', OPTION_TEXT, offsetof(type, member.filter),                                \
	 "-f, --filter EXPRESSION only these packets, as they come in; as tcpdump takes it"},      \
		{"sample", 0, OPTION_TEXT, offsetof(type, member.sample),                          \
		 "    --sample 1:N        one packet of N, by chance"},                            \
		{"every", 0, OPTION_TEXT, offsetof(type, member.every),                            \
		 "    --every N           the same"},                                              \
	{                                                                                          \
		"duration", 'd', OPTION_TEXT, offsetof(type, member.duration),                     \
			"-d, --duration TIME     end after this long: 500ms, 10s, 5m"              \
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
/* "10s", "500ms", "2m", "1h"; a number alone is seconds. */
bool look_parse_duration(const char *text, uint64_t *ret_ms);

/*
 * @work in a process of its own. Whichever of the two processes is killed, the other one takes out
 * what it had put in; only if both are killed at once, the kernel side expires, and the next
 * command takes it out. So @work opens all that it needs itself: struct braid, too.
 * Signals that end a process (INT, TERM, QUIT, HUP) end look_loop() in order; so does an output
 * that nobody reads.
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
	/* that pipeline was deleted. NULL: that is an error, which ends the loop */
	int (*gone)(void *ctx, size_t observer);
	/* @fd is readable: the keyboard. With input NULL it is not looked at */
	int (*input)(void *ctx);
	int fd;
};

/* Return: 0 a signal, the end of the time, a reader that went away, or enough; -errno. */
int look_loop(const struct look_loop *l, struct braid_error *err);
