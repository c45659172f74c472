/* SPDX-License-Identifier: GPL-2.0-only */
/* A strict reader of Prometheus's text format: what promtool would not take is a failure. */
#pragma once

/* Checks all of @text: subtests of their own. */
void prometheus_check(const char *text);
/*
 * The value of the only sample of @name that has all of @labels, as they are written
 * ("stage=\"a\""; NULL at the end): -1: there is none, -2: several.
 */
double prometheus_value(const char *text, const char *name, const char *const *labels);
#define prometheus(text, name, ...)                                                                \
	prometheus_value(text, name,                                                               \
			 (const char *const[]){__VA_ARGS__ __VA_OPT__(, )(const char *) 0})
