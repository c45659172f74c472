/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a capture goes: a file, a ring of files, a pipe. Whole blocks only: a file can be read at
 * every moment, and when the process is killed in the middle of a write, the one that guards it
 * cuts off what is half.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "base/text.h"
#include "cli/cli.h"

/* Shared with the process that guards: of the present file. */
struct capture_whole {
	char path[PATH_MAX]; /* "": none, or a pipe */
	dev_t dev;
	ino_t ino;
	uint64_t size; /* whole blocks */
};

struct capture_file {
	const char *path;            /* "-": standard output */
	unsigned int files;          /* of a ring; 0: one file */
	uint64_t limit;              /* bytes of a file of the ring */
	size_t reserve;              /* bytes that end() takes at most */
	struct capture_whole *whole; /* borrowed */
	/* what each file begins with, and ends with */
	void (*begin)(void *ctx, struct buf *out);
	void (*end)(void *ctx, struct buf *out);
	void *ctx;
	/* from here on: its own. Start with fd = -1 */
	int fd;
	struct buf pending; /* whole blocks */
	uint64_t size;      /* of the present file, with what is pending */
	uint64_t total;     /* of all */
	unsigned int number;
	ARRAY(char *) names; /* of files that are there */
	bool over;           /* nobody reads the pipe any more, or a signal ended a write */
};

int capture_file_open(struct capture_file *f, struct braid_error *err);
/*
 * Makes room for a block of @n bytes, in a new file if it does not fit. Return: 1 a new file has
 * begun, and so have its interfaces; 0; negative errno.
 */
int capture_file_room(struct capture_file *f, size_t n, struct braid_error *err);
int capture_file_add(struct capture_file *f, const struct buf *block, struct braid_error *err);
/* What was added goes out. */
int capture_file_flush(struct capture_file *f, struct braid_error *err);
/* With its end. */
int capture_file_close(struct capture_file *f, struct braid_error *err);
void capture_file_done(struct capture_file *f);

/* In memory that is shared; NULL: none. */
struct capture_whole *capture_whole_new(void);
/* The writer was killed, or the disk is full: cuts off half a block. */
void capture_whole_mend(const struct capture_whole *w);
