/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every bench needs: options, CPUs, frames, BPF objects from memory.
 *
 * A bench has nothing to save when something fails: it says what and exits.
 * Everything it makes (programs, maps, links, namespaces) hangs on its file
 * descriptors, so the kernel removes it however the process ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

struct bpf_map;
struct bpf_object;

struct options {
	bool json;
	bool quick; /* a smoke test: shorter runs, numbers of no value */
	unsigned int rounds;
	bool rounds_given; /* @rounds is what --rounds says, no default */
	const char *only;  /* a case or a variant; NULL: all */
	bool only_found;
};

/*
 * --json, --rounds N, --quick, --only NAME, --help; exits on anything else. @about is what
 * --help says; @rounds and @quick_rounds are the defaults.
 */
void options_parse(int argc, char **argv, const char *about, unsigned int rounds,
		   unsigned int quick_rounds, struct options *ret);

/* Is this case, or variant, to be measured? */
bool options_want(struct options *options, const char *name);
/* Exits if --only named none of those that options_want() was asked about. */
void options_check(const struct options *options);

/*
 * Pins the calling thread to the @nth usable CPU, counted from the last one, as
 * the first is where most interrupts go. Wraps around when there are fewer.
 */
void pin_cpu(unsigned int nth);

/* CLOCK_MONOTONIC */
uint64_t now_ns(void);

/* 64 bytes, without the FCS: Ethernet, IPv4, UDP to the discard port. */
struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[22];
} __attribute__((packed));

_Static_assert(sizeof(struct frame) == 64, "the benches are about 64-byte frames");

void frame_make(struct frame *ret);

/* Bytes that embed.S put into this executable, borrowed. */
struct bytes {
	const void *data;
	size_t size;
};

#define EMBEDDED(name)                                                                             \
	({                                                                                         \
		extern const char embedded_##name[], embedded_##name##_end[];                      \
		(struct bytes){embedded_##name, embedded_##name##_end - embedded_##name};          \
	})

/* Opened, not loaded; the caller closes it with bpf_object__close(). */
struct bpf_object *object_open(struct bytes bytes, const char *name);

/* The fd of program @name of a loaded object, borrowed. */
int object_program(struct bpf_object *object, const char *name);

/* Sets the object's .rodata, all of it, before loading. */
void object_set_rodata(struct bpf_object *object, const void *data, size_t size);

/* The sum over all CPUs of element @key of a per-CPU array of __u64. */
uint64_t counter_read(int map_fd, uint32_t key);
