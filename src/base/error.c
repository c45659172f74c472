/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

void braid_error_clear(struct braid_error *err)
{
	if (!err)
		return;
	free(err->where);
	free(err->what);
	free(err->why);
	free(err->hint);
	free(err->log);
	*err = (struct braid_error)BRAID_ERROR_INIT;
}

static void replace(char **slot, const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	free(*slot);
	*slot = s;
}

struct braid_error *error_set(struct braid_error *err, int code, const char *where, const char *fmt,
			      ...)
{
	char *place = where ? strdup(where) : NULL; /* @where may be a part of @err */
	char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	replace(&what, fmt, ap); /* and so may the arguments */
	va_end(ap);
	braid_error_clear(err);
	err->code = code;
	err->where = place;
	err->what = what;
	return err;
}

struct braid_error *error_why(struct braid_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	replace(&err->why, fmt, ap);
	va_end(ap);
	return err;
}

struct braid_error *error_hint(struct braid_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	replace(&err->hint, fmt, ap);
	va_end(ap);
	return err;
}

struct braid_error *error_log(struct braid_error *err, char *log)
{
	free(err->log);
	err->log = log;
	return err;
}

struct braid_error *error_within(struct braid_error *err, const char *fmt, ...)
{
	char *outer = NULL;
	va_list ap;

	va_start(ap, fmt);
	replace(&outer, fmt, ap);
	va_end(ap);
	if (outer && err->where) {
		char *both = text_fmt("%s: %s", outer, err->where);

		free(outer);
		outer = both;
	}
	if (outer) {
		free(err->where);
		err->where = outer;
	}
	return err;
}

int error_oom(struct braid_error *err)
{
	braid_error_clear(err);
	err->code = -ENOMEM;
	err->what = strdup("out of memory");
	return -ENOMEM;
}

const char *error_name(int code)
{
	const char *s = strerrordesc_np(code < 0 ? -code : code);

	return s ? s : "unknown error";
}

int error_errno(struct braid_error *err, int code, const char *where, const char *fmt, ...)
{
	char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	replace(&what, fmt, ap);
	va_end(ap);
	error_set(err, code, where, "%s", what ? what : "");
	error_why(err, "%s", error_name(code));
	free(what);
	return code;
}

int error_move(struct braid_error *to, struct braid_error *from)
{
	if (to == from)
		return to->code;
	braid_error_clear(to);
	*to = *from;
	*from = (struct braid_error)BRAID_ERROR_INIT;
	return to->code;
}
