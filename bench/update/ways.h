/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways of exchanging a stage that bench-update compares. */
#pragma once

#include <stdbool.h>

#include "update/subject.h"

/*
 * Updates to @version. The time that this takes is measured. Return: whether only a slot of
 * the PROG_ARRAY was replaced, as braid says.
 */
struct way {
	const char *name;
	bool (*update)(const struct subject *s, unsigned int version);
};

extern const struct way ways[];
extern const unsigned int ways_n;
