/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Filling a struct braid_error. Inside the library @err is never NULL: public
 * functions, where it may be, put ERROR_SCRATCH(err) in front.
 *
 *	return error_hint(error_set(err, -EINVAL, where, "unknown key '%s'", key),
 *			  "did you mean '%s'?", near);
 */
#pragma once

#include "braid/error.h"

#include "base/cleanup.h"

/*
 * Replaces what @err held. @where may be NULL; it is copied.
 * Return: @err, so that error_why(), error_hint() and error_code() can follow.
 */
struct braid_error *error_set(struct braid_error *err, int code, const char *where, const char *fmt,
			      ...) __attribute__((format(printf, 4, 5)));
struct braid_error *error_why(struct braid_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
struct braid_error *error_hint(struct braid_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Takes ownership of @log. */
struct braid_error *error_log(struct braid_error *err, char *log);
/* Prefixes @where: "edge.yaml" + "stage guard" -> "edge.yaml: stage guard". */
struct braid_error *error_within(struct braid_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline int error_code(const struct braid_error *err)
{
	return err->code;
}

/* -ENOMEM with nothing allocated. */
int error_oom(struct braid_error *err);
/* @code (negative errno) with strerror as the reason. Return: @code. */
int error_errno(struct braid_error *err, int code, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Moves @from into @to, replacing it. Return: the code. */
int error_move(struct braid_error *to, struct braid_error *from);

/* strerror() without a shared buffer, lower-case first letter not forced: "No such file". */
const char *error_name(int code);

#define _cleanup_error_ _cleanup_(braid_error_clear)

#define ERROR_SCRATCH(err)                                                                         \
	_cleanup_error_ struct braid_error scratch_ = BRAID_ERROR_INIT;                            \
	if (!(err))                                                                                \
	(err) = &scratch_
