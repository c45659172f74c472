/* SPDX-License-Identifier: GPL-2.0-only */
/* Dispatchers in the kernel: braid's and libxdp's own, with the same configuration. */
#pragma once

#include <bpf/libbpf.h>

#include "object/dispatcher.h"
#include "object/unit.h"

#define PASS_MASK (1u << 2)

/* Of @n components that go on after PASS. */
struct dispatcher_config config_plain(__u32 version, __u32 n);

/* The object of braid's emitter. These bail out when they fail. */
struct unit *dispatcher_ours(const struct dispatcher_config *c);
/* That of the installed libxdp, configured; NULL: there is none. Of version 2. */
struct unit *dispatcher_libxdps(const struct dispatcher_config *c);

/*
 * Functions prog<i> get a body that says so in the packet, at TRAIL_AT + i, and returns what
 * stands there at VERDICTS_AT: no kernel is asked to let components replace them.
 */
enum { VERDICTS_AT = 16, TRAIL_AT = 64, PACKET_SIZE = 128 };
void dispatcher_play(struct unit *u);

/* Loaded by libbpf; its program xdp_dispatcher only. NULL: the kernel refused it. */
struct bpf_object *dispatcher_load(const struct unit *u);
int dispatcher_fd(const struct bpf_object *o); /* borrowed */

static inline void bpf_object_closep(struct bpf_object **o)
{
	bpf_object__close(*o);
}
#define _cleanup_object_ __attribute__((cleanup(bpf_object_closep)))

/*
 * How many instructions of @fd's main function are executed when all that it calls returns
 * @verdict: of those that the kernel has after its own changes, without the called functions.
 * -1: it has one that this cannot follow.
 */
long dispatcher_count(int fd, const void *config, size_t size, __u32 verdict);
