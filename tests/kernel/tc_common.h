/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of TC hooks: programs of a few instructions that leave a trail, and frames to
 * follow. All programs of a test share one map of 64-bit words.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>

#include "base/error.h"
#include "kernel/ids.h"
#include "kernel/netns.h"

/* A link that is attached as long as it is there, and not looked at. */
#define _held_ _cleanup_close_ __attribute__((unused))

enum { TC_MAP_TRAIL, TC_MAP_COUNT_A, TC_MAP_COUNT_B, TC_MAP_COUNT_ALL, TC_MAP_SIZE };

struct tc_test {
	struct braid_error err; /* of what is tested */
	int map;
	int wire_in, wire_out; /* where frames are sent, and where they are seen */
};

/* What went wrong, all of it, as one string to look into. */
const char *tc_error(const struct tc_test *t);
#define tc_says(t, word) ok(strstr(tc_error(t), word), "the error says '%s': %s", word, tc_error(t))

void tc_map_make(struct tc_test *t);
__u64 tc_value(const struct tc_test *t, __u32 word);
void tc_value_set(const struct tc_test *t, __u32 word, __u64 value);

/* Programs of type SCHED_CLS. One appends @digit (1 to 15) to the trail, in hexadecimal. */
int tc_program_mark(const struct tc_test *t, const char *name, int digit, int verdict);
/* The other one counts: it adds 1 to @word, and goes on. */
int tc_program_count(const struct tc_test *t, const char *name, __u32 word);
__u32 tc_link_id(int fd);

/*
 * Sends frames from @wire_in, and waits for them to leave @expected, at most eight digits, each.
 * Two are sent: when the second one has been seen, the first one has left all that it does.
 */
void tc_trail_is(const struct tc_test *t, __u64 expected, const char *what);
/*
 * Opens the wires: what @from sends, @to receives. Frames get through when it returns: for a
 * while the kernel has not found yet that an interface is up.
 */
void tc_wires(struct tc_test *t, const char *from_ns, const char *from, const char *to_ns,
	      const char *to);
/* Packet sockets see frames behind TC programs of egress, but before those of ingress. */
void tc_send(const struct tc_test *t, unsigned int frames);

struct netns tc_netns(const char *name);
