/* SPDX-License-Identifier: GPL-2.0-only */
/* braid top: what its files share. Rates are those between the last two samples of counters. */
#pragma once

#include <braid/observe.h>

#include "cli/cli.h"

#define TOP_HISTORY   60
#define TOP_TIMED_FEW 100 /* of fewer packets the 99th percentile is the greatest of them */

struct top_verdict {
	char *name;
	bool leaves; /* packets leave the pipeline with it */
	long long packets;
	double pps;
};

struct top_row {
	char *stage;
	bool counted;                       /* else there are times only */
	long long packets, bytes, bypassed; /* since they are counted */
	double pps, bps;                    /* bits per second */
	double left, died;                  /* of its packets, those that left there: 0 to 1 */
	ARRAY(struct top_verdict) verdicts;
	/* of packets that were looked at in the last interval; times_n 0: none */
	unsigned long long times_n;
	double mean, p99;           /* ns */
	float history[TOP_HISTORY]; /* pps, the newest last */
};

struct top_cpu {
	long long cpu, packets;
	double pps;
};

struct top_pipeline {
	char *name, *hook;
	/* one line each; NULL: there are some */
	char *unread; /* why the last sample has no numbers */
	char *note;   /* why there are no times */
	long long revision, packets, bytes;
	double pps, bps, died;
	ARRAY(struct top_row) rows;
	ARRAY(struct top_cpu) cpus;
	long long sampled_ns; /* when its counters were read; 0: never */
	unsigned int samples; /* 2 and more: there are rates */
	/* of the observer */
	struct braid_observer *observer;
	struct braid_times *last; /* by stage, at the last sample; as many as there are rows */
	size_t n_last;
};

struct top {
	ARRAY(struct top_pipeline) pipelines;
};

enum top_sort {
	TOP_SORT_ORDER,
	TOP_SORT_PPS,
	TOP_SORT_DROPS,
	TOP_SORT_NS,
	TOP_SORT_CPU,
	N_TOP_SORT
};
extern const char *const top_sort_names[N_TOP_SORT];

/* What is shown of a pipeline's rows. */
struct top_view {
	enum top_sort sort;
	bool inverted;
	char filter[64]; /* part of a stage's name */
};

/* top_model.c */
void top_done(struct top *t);
struct top_pipeline *top_add(struct top *t, const char *name);
/* A line for whoever misses numbers; NULL: none is missing. */
const char *top_note(const struct top_pipeline *p);
/* The counters of @p as braid_counters() gives them, at CLOCK_MONOTONIC @now_ns. */
void top_feed(struct top_pipeline *p, const json_t *counters, long long now_ns);
/* Nobody counts: stages and revision are what its observer says; NULL: what they were. */
void top_feed_uncounted(struct top_pipeline *p);
/* Nothing can be read: no rates, no times. */
void top_feed_nothing(struct top_pipeline *p);
/* What looking costs is taken off. @stage: its index among those of the observer. */
void top_feed_times(struct top_pipeline *p, size_t stage, const struct braid_times *now,
		    double clock_ns);
/* CPUs that a stage keeps busy, by packets and nanoseconds: 1.0 is one CPU. */
double top_row_load(const struct top_row *r);
/* Rows in the order of @v, without those that it filters out: @ret has room for all. */
size_t top_select(const struct top_pipeline *p, const struct top_view *v,
		  const struct top_row **ret);

/* top_text.c */
/* "4.31M", "812", "0": at most 5 characters. */
void top_count(char *to, size_t room, double n);
/* Lines of 80 columns; the last column is the trend, which takes @trend of them. */
void top_title(const struct top_pipeline *p, char *to, size_t room);
void top_heading(char *to, size_t room);
void top_line(const struct top_row *r, size_t trend, bool utf8, char *to, size_t room);
void top_print(const struct top *t, const struct top_view *v, bool utf8);
json_t *top_to_json(const struct top *t, const struct top_view *v);

/* What keys change. */
struct top_settings {
	struct top_view view;
	unsigned int interval_ms;
	bool paused;
};

/* top_terminal.c: can there be a screen? Return: EXIT_DONE; else how to exit: it has been said. */
int top_terminal_check(const struct options *o);

/* top_screen.c: on a terminal. NULL: no memory. */
struct screen;
struct screen *top_screen_begin(const struct top *t, struct top_settings *settings);
void top_screen_draw(struct screen *s);
/* Takes the keys that were pressed. false: to quit. */
bool top_screen_input(struct screen *s);
/* ^Z: the terminal is the shell's, until we are continued. false: to quit. */
bool top_screen_pause(struct screen *s);
void top_screen_end(struct screen *s); /* NULL is fine */
