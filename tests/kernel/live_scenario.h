/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command is killed in front of every system call that changes what outlives it: pins,
 * links, and the store's files. Between two of them there is nothing to tell apart. Each
 * time frames must go on as before or after the change, and the next command must bring
 * everything to where it would be without the kill.
 *
 * With `crash`, the machine stops at that moment instead: what was not synchronised with the
 * disk is lost, and everything in the kernel. Then `braid restore` must bring back what was
 * before or what is after the change, entirely. It stops once for each thing that the disk may
 * hold.
 *
 * The arguments behind those of all live tests: the name of a scenario, since they may run
 * side by side; and `kill`, `crash`, or `each`: killed in front of each write of SQLite, too, not
 * only of the first into a file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Arguments of braid; or what happens to it: "!wipe" all of bpffs, "!unlink" its links, "!ip"
 * attaches a program that signs with 1, "!chain" the same at r0 as the only component of a
 * dispatcher.
 */
struct line {
	const char *argv[7];
};

/* What is killed, and what the world is like around it. */
struct scenario {
	const char *name, *what;
	const char *needs;       /* a command of braid; NULL: none besides those of the first day */
	struct line before[3];   /* in an empty world */
	struct line command;     /* that is killed */
	struct line next;        /* the command behind it */
	const char *trips[2][3]; /* of r0, r1: before, after, and in between if that differs */
	const char *end[2];      /* when `next` has ended */
	bool no_revision;        /* the command makes none */
	bool untold;             /* what it leaves needs no words */
	bool pins_differ;        /* `next` leaves what it finds */
};

/* Runs the one that is named in the arguments. Return: of main(). */
int scenario_main(const struct scenario *scenarios, size_t n, int argc, char **argv);
/* A copy that stays: live_text() and others use their memory again. */
char *keep(const char *text);
