/* SPDX-License-Identifier: GPL-2.0-only */
/* What an observer has of a packet: its bytes as they are there, its length, where it begins. */
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "graph_common.h"
#include "observe_common.h"

#define LARGE 9000

static struct braid_error err;

/* How bytes are read: each where the kernel has it. */
static const struct how {
	const char *name, *hook, *object;
	bool direct; /* as on a kernel without bpf_xdp_load_bytes() */
	bool large;  /* packets may be in several buffers */
} hows[] = {
	{"XDP", "xdp", "observe_plain.bpf.o"},
	{"XDP of before 5.18", "xdp", "observe_plain.bpf.o", .direct = true},
	{"XDP of several buffers", "xdp", "observe_frags.bpf.o", .large = true},
	{"TC", "tc-ingress", "observe_tc.bpf.o"},
};

static char *stages_of(const struct how *how, const char *const *programs, size_t n)
{
	struct buf b = {};

	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%s{name: s%zu, object: %s, program: %s}", i ? ", " : "[", i,
			how->object, programs[i]);
	buf_str(&b, "]");
	return buf_take(&b) ?: (bail_out("no memory"), NULL);
}

/* As if the kernel did not have the helper: libbpf has nothing to look up any more. */
static void forget_helpers(struct image *image)
{
	size_t n = 0;

	array_foreach (f, &image->unit->funcs) {
		array_foreach (c, &f->cores) {
			f->insns.v[c->insn].imm = 0;
			n++;
		}
		f->cores.n = 0;
	}
	free(image->elf);
	image->elf = NULL;
	if (!n || unit_write(image->unit, &image->elf, &image->size, &err))
		bail_out("cannot take helpers away: %s", err.what ?: "none is asked for");
}

static void start(struct look *l, const struct how *how, const struct observe_set *set,
		  const char *const *programs, size_t n)
{
	_cleanup_free_ char *stages = stages_of(how, programs, n);
	struct seams_way way = {"fused", STRATEGY_AUTO, .observe = set};
	struct image_opts opts = {.observe = set};

	seams_hook = how->hook;
	if (!how->direct) {
		look_start(l, &way, set, "", stages);
		return;
	}
	if (seams_plan(&l->s, &way, "", stages) || image_new(l->s.plan, &opts, &l->s.image, &err))
		bail_out("%s: %s", how->name, seams_error());
	forget_helpers(l->s.image);
	if (load_image(l->s.image, &(struct load_opts){}, &l->s.loaded, &err))
		bail_out("%s: %s (%s)", how->name, err.what, err.why ?: "");
	l->s.program = loaded_program(l->s.loaded, 0);
	look_open(l, set);
}

static void fill(__u8 *packet, size_t n)
{
	for (size_t i = 0; i < n; i++)
		packet[i] = i * 7 + i / 256;
	packet[12] = ETH_P_ARP >> 8; /* TC runs IP with all of its header only */
	packet[13] = (__u8)ETH_P_ARP;
}

static void test_snap(const struct how *how)
{
	static const __u32 snaps[] = {0, 1, 63, 64, 65, 100, 128, 1000, 1536, OBSERVE_SNAP};
	static const size_t sizes[] = {14, 60, 63, 64, 65, 128, 129, 1514, 2049, LARGE};
	static const char *const programs[] = {"mark"};
	static __u8 packet[LARGE];
	size_t wrong = 0, n = 0;

	for (size_t s = 0; s < COUNT(snaps); s++) {
		struct observe_set set = {
			.slots[0] = {.used = true,
				     .settings = {.what = OBSERVE_EVENTS, .snap = snaps[s]}}};
		_cleanup_look_ struct look l = {};

		start(&l, how, &set, programs, 1);
		for (size_t i = 0; i < COUNT(sizes); i++) {
			__u32 want = sizes[i] < snaps[s] ? sizes[i] : snaps[s];
			struct seen *seen;

			if (sizes[i] == LARGE && !how->large)
				continue;
			fill(packet, sizes[i]);
			look_run(&l, packet, sizes[i]);
			if (look_read(&l, 0, &seen) == 2 && seen[0].e.captured == want &&
			    seen[1].e.captured == want && seen[0].e.length == sizes[i] &&
			    !memcmp(seen[0].bytes, packet, want) &&
			    (!want || seen[1].bytes[0] == 1) &&
			    (want < 2 || !memcmp(seen[1].bytes + 1, packet + 1, want - 1)))
				n++;
			else if (!wrong++)
				diag("%s: snap %u, packet of %zu: captured %u of %u", how->name,
				     snaps[s], sizes[i], seen[0].e.captured, seen[0].e.length);
		}
	}
	is_int(wrong, 0, "%s: %zu packets, as many bytes as were asked for", how->name, n);
}

struct change {
	const char *program;
	int head, length, first;
};

static void check_changes(const struct how *how, const struct change *changes, size_t n)
{
	static const struct observe_set set = {
		.slots[3] = {.used = true, .settings = {.what = OBSERVE_EVENTS, .snap = 200}}};
	const char *programs[8];
	_cleanup_look_ struct look l = {};
	struct seen *seen;
	__u8 packet[100];

	for (size_t i = 0; i < n; i++)
		programs[i] = changes[i].program;
	start(&l, how, &set, programs, n);
	fill(packet, sizeof(packet));
	packet[0] = 0x77;
	look_run(&l, packet, sizeof(packet));
	is_int(look_read(&l, 3, &seen), n + 1, "%s: an event for each", how->name);
	is_mem(seen[0].bytes, packet, sizeof(packet), "%s: the packet as it came", how->name);
	is_int(seen[0].e.head, 0, "%s: … where it began", how->name);
	for (size_t i = 0; i < n; i++) {
		const struct change *c = &changes[i];

		is_int(seen[i + 1].e.head, c->head, "%s: %s: where it begins", how->name,
		       c->program);
		is_int(seen[i + 1].e.length, c->length, "%s: %s: its length", how->name,
		       c->program);
		is_int(seen[i + 1].bytes[0], c->first, "%s: %s: its first byte", how->name,
		       c->program);
		ok(seen[i + 1].e.packet == seen[0].e.packet, "%s: %s: the same packet", how->name,
		   c->program);
	}
}

static void test_changes(const struct how *how)
{
	static const struct change xdp[] = {
		{"mark", 0, 100, 1}, {"grow", -4, 104, 0xee}, {"shrink", 2, 98, 14},
		{"cut", 2, 88, 14},  {"mark", 2, 88, 1},
	};
	static const struct change tc[] = {
		{"mark", 0, 100, 1},
		{"grow", -4, 104, 0},
		{"mark", -4, 104, 1},
	};

	if (text_eq(how->hook, "xdp"))
		check_changes(how, xdp, COUNT(xdp));
	else
		check_changes(how, tc, COUNT(tc));
}

int main(int argc, char **argv)
{
	seams_folder = argv[1];
	for (size_t i = 0; i < COUNT(hows); i++) {
		test_snap(&hows[i]);
		test_changes(&hows[i]);
	}
	return done();
}
