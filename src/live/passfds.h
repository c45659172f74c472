/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Descriptors on their way to another process, with what they are: docs/pass-fds.md. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/array.h"
#include "base/error.h"

#define PASSFDS_VERSION 1
#define PASSFDS_MAX_FDS 253 /* in one message, as the kernel's SCM_MAX_FD */
/* Of one message. Below what a socket's buffer takes when nobody has changed it. */
#define PASSFDS_MAX_TEXT 65536
/* Where a sender begins another one: a description is never longer than the rest. */
#define PASSFDS_ENOUGH 32768

/* One descriptor, and what it is. */
struct passed {
	int fd; /* owned */
	json_t *description;
	size_t size; /* of that, as text */
};

struct passfds {
	ARRAY(struct passed) list;
};

void passfds_done(struct passfds *p);
#define _cleanup_passfds_ _cleanup_(passfds_done)

/* One more. @fd and @description are taken, whatever comes of it. */
int passfds_add(struct passfds *p, int fd, json_t *description, struct braid_error *err);
/* All of them, in as few messages as it takes. They stay @p's. */
int passfds_send(const struct passfds *p, int socket, struct braid_error *err);
