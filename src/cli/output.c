/* SPDX-License-Identifier: GPL-2.0-only */
/* Errors, texts and times as people and programs see them. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/cli.h"

enum exit_status exit_status_of(const struct braid_error *err)
{
	if (err->log) /* the verifier says -EACCES to programs, not to people */
		return EXIT_FAILED;
	switch (err->code) {
	case -EBUSY:
	case -ESTALE:
	case -EAGAIN:
	case -EEXIST:
		return EXIT_CONFLICT;
	case -EPERM:
	case -EACCES:
		return EXIT_DENIED;
	default:
		return EXIT_FAILED;
	}
}

/* Continuation lines stand below the first one. */
static void print_block(const char *label, const char *text)
{
	while (*text) {
		int n = strcspn(text, "\n");

		fprintf(stderr, "  %-5s%.*s\n", label, n, text);
		text += n + (text[n] == '\n');
		label = "";
	}
}

/* As names that an error is about may have any bytes. */
static json_t *escaped(const char *text)
{
	_cleanup_free_ char *bytes = text ? text_escape(text) : NULL;

	return bytes ? json_string(bytes) : json_null();
}

json_t *error_json(const struct braid_error *err)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "code", err->code, "name",
			 strerrorname_np(-err->code) ?: "", "where", escaped(err->where), "what",
			 escaped(err->what ?: strerror(-err->code)), "why", escaped(err->why),
			 "hint", escaped(err->hint), "log", escaped(err->log));
}

static void fail_json(const struct braid_error *err)
{
	json_t *j = json_pack("{s:o}", "error", error_json(err));

	if (j)
		json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
}

int fail(const struct options *o, const struct braid_error *err)
{
	pass_fds_failure(err);
	if (o->json) {
		fail_json(err);
		return exit_status_of(err);
	}
	fprintf(stderr, "braid: %s%s%s\n", err->where ?: "", err->where ? ": " : "",
		err->what ?: strerror(-err->code));
	if (err->why)
		print_block("why:", err->why);
	if (err->hint)
		print_block("do:", err->hint);
	if (err->log && o->verbose)
		fprintf(stderr, "\n%s", err->log);
	else if (err->log)
		print_block("", "(--verbose shows the whole log)");
	return exit_status_of(err);
}

void quoted_text(struct buf *b, const char *text)
{
	buf_str(b, "\"");
	for (; *text; text++)
		if (*text == '\n')
			buf_str(b, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_fmt(b, "\\%c", *text);
		else
			buf_add(b, text, 1);
	buf_str(b, "\"");
}

const char *time_text(long long seconds)
{
	static char text[32];
	time_t t = seconds;
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return text;
}
