/* SPDX-License-Identifier: GPL-2.0-only */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int ran, failed;

/* Prints @fmt on what is left of the line: a newline would end it, a '#' start a directive. */
static void print_name(const char *fmt, va_list ap)
{
	char name[512];

	vsnprintf(name, sizeof(name), fmt, ap);
	for (const char *c = name; *c; c++) {
		if (*c != '#')
			putchar(*c == '\n' ? ' ' : *c);
	}
}

/* Flushed at once: a crash must not take results along, nor a fork double them. */
static bool report(bool held, const char *file, int line, const char *fmt, va_list ap)
{
	printf("%sok %u - ", held ? "" : "not ", ++ran);
	print_name(fmt, ap);
	putchar('\n');
	if (!held) {
		failed++;
		printf("# at %s:%d\n", file, line);
	}
	fflush(stdout);
	return held;
}

void diag(const char *fmt, ...)
{
	char text[4096];
	char *rest = text;
	char *line;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	while ((line = strsep(&rest, "\n")))
		printf("# %s\n", line);
	fflush(stdout);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	printf("ok %u # SKIP ", ++ran);
	va_start(ap, fmt);
	print_name(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void skip_all(const char *fmt, ...)
{
	va_list ap;

	if (ran)
		bail_out("skip_all() after %u subtests", ran);
	printf("1..0 # SKIP ");
	va_start(ap, fmt);
	print_name(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(EXIT_SUCCESS); /* under TAP, Meson takes any other status for an error */
}

void bail_out(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	print_name(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(EXIT_FAILURE);
}

int done(void)
{
	if (!ran)
		bail_out("no subtest ran");
	printf("1..%u\n", ran);
	fflush(stdout);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool tap_ok(bool held, const char *cond, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(held, file, line, fmt, ap);
	va_end(ap);
	if (!held)
		diag("does not hold: %s", cond);
	return held;
}

bool tap_is_int(long long got, long long want, const char *file, int line, const char *fmt, ...)
{
	bool held = got == want;
	va_list ap;

	va_start(ap, fmt);
	report(held, file, line, fmt, ap);
	va_end(ap);
	if (!held)
		diag("got  %lld (0x%llx)\nwant %lld (0x%llx)", got, got, want, want);
	return held;
}

bool tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	bool held = got && want ? strcmp(got, want) == 0 : got == want;
	va_list ap;

	va_start(ap, fmt);
	report(held, file, line, fmt, ap);
	va_end(ap);
	if (!held) {
		diag("got  %s", got ? got : "(NULL)");
		diag("want %s", want ? want : "(NULL)");
	}
	return held;
}

/* Sixteen bytes of @data around the first difference. */
static void diag_bytes(const char *label, const unsigned char *data, size_t from, size_t size)
{
	char line[3 * 16 + 1] = "";

	for (size_t i = 0; i < 16 && from + i < size; i++)
		sprintf(line + 3 * i, " %02x", data[from + i]);
	diag("%s at %4zu:%s", label, from, line);
}

bool tap_is_mem(const void *got, const void *want, size_t size, const char *file, int line,
		const char *fmt, ...)
{
	const unsigned char *a = got, *b = want;
	size_t at = 0;
	va_list ap;

	while (at < size && a[at] == b[at])
		at++;
	va_start(ap, fmt);
	report(at == size, file, line, fmt, ap);
	va_end(ap);
	if (at < size) {
		diag("byte %zu of %zu differs", at, size);
		diag_bytes("got ", a, at & ~(size_t)15, size);
		diag_bytes("want", b, at & ~(size_t)15, size);
	}
	return at == size;
}
