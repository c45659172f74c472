/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The BTF of a dispatcher: with the names that libxdp gives, as others look for them. */
#pragma once

#include "object/dispatcher.h"

struct btf;

struct dispatcher_types {
	__u32 stubs[DISPATCHER_SLOTS]; /* FUNC; the first n */
	__u32 dispatcher;              /* FUNC */
	__u32 config, version;         /* VAR */
};

/* Adds them to @btf. 0 or a negative errno. */
int dispatcher_types(struct btf *btf, const struct dispatcher_config *c,
		     struct dispatcher_types *ret);
