/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The programs that braid links into pipelines itself: folder bpf/, compiled into the library. */
#pragma once

#include "manifest/model.h"
#include "object/unit.h"

enum builtin {
	BUILTIN_CLASSIFY, /* what a choice looks at */
	BUILTIN_ROLLOUT,  /* keys, and the count of both versions: rollout_abi.h */
	BUILTIN_OBSERVE,  /* who looks at packets: observe_abi.h */
	BUILTIN_CLASSIFY_TC,
	BUILTIN_ROLLOUT_TC,
	BUILTIN_OBSERVE_TC,
};

/* @which of the first three, for the hook's kind of packets. */
enum builtin builtin_for(enum builtin which, enum hook hook);

/* Its object, read anew: the caller owns it. Return: 0; -ENOMEM. */
int builtin_unit(enum builtin which, struct unit **ret, struct braid_error *err);

/* Programs of BUILTIN_CLASSIFY, by enum field; NULL: FIELD_RESULT needs none. */
extern const char *const builtin_classifiers[];
/* Programs of BUILTIN_ROLLOUT, by enum rollout_key. */
extern const char *const builtin_keys[];
