/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests in the Test Anything Protocol. One program counts its own subtests:
 *
 *	ok(x != NULL, "found %s", name);
 *	is_int(count, 3, "three frames");
 *	return done();
 *
 * Each check returns whether it held. A failure says where and what; the test goes on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ok(cond, ...) tap_ok(!!(cond), #cond, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                                     \
	tap_is_int((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
/* NULL equals only NULL. */
#define is_str(got, want, ...)       tap_is_str(got, want, __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(got, want, size, ...) tap_is_mem(got, want, size, __FILE__, __LINE__, __VA_ARGS__)

/* A line for the reader of the log. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One subtest that cannot run here, and why. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* This whole program cannot run here, and why. */
void skip_all(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The test itself is broken: its set-up failed, so nothing below would mean anything. */
void bail_out(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Prints the plan. Return: the exit status of the program; a program without subtests failed. */
int done(void);

bool tap_ok(bool held, const char *cond, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool tap_is_int(long long got, long long want, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool tap_is_mem(const void *got, const void *want, size_t size, const char *file, int line,
		const char *fmt, ...) __attribute__((format(printf, 6, 7)));
