/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatcher_chain COMPONENT N - which components see a packet, and what becomes of it: as a
 * model of a few lines says, and as libxdp's own dispatcher has it, for N configurations.
 * COMPONENT is an object with a program for freplace; where the kernel refuses that, functions
 * that play components stand in for it everywhere.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "dispatcher_common.h"
#include "kernel/testrun.h"
#include "random.h"
#include "tap.h"

enum { PACKETS = 30 };

static struct braid_error err;

struct outcome {
	__u32 verdict;
	__u8 ran[DISPATCHER_SLOTS];
};

static struct outcome model(const struct dispatcher_config *c, const __u32 *verdicts)
{
	struct outcome o = {.verdict = XDP_PASS};

	for (__u32 i = 0; i < c->n; i++) {
		o.ran[i] = 1;
		if (verdicts[i] > 31 || !((c->slots[i].actions | 1u << 31) & 1u << verdicts[i])) {
			o.verdict = verdicts[i];
			break;
		}
	}
	return o;
}

static struct outcome send(int prog, const __u32 *verdicts)
{
	__u8 packet[PACKET_SIZE] = {}, out[PACKET_SIZE] = {};
	struct testrun run = {
		.packet = packet, .size = sizeof(packet), .out = out, .room = sizeof(out)};
	struct testrun_result result = {};
	struct outcome o = {};

	memcpy(packet + VERDICTS_AT, verdicts, DISPATCHER_SLOTS * sizeof(*verdicts));
	if (testrun_packet(prog, &run, &result, &err))
		bail_out("a packet: %s (%s)", err.what, err.why);
	o.verdict = result.verdict;
	memcpy(o.ran, out + TRAIL_AT, sizeof(o.ran));
	return o;
}

static __u32 random_mask(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return PASS_MASK;
	case 1:
		return 0;
	case 2:
		return 0x1f;
	case 3:
		return 1u << rng_below(r, 31);
	case 4:
		return 1u << rng_below(r, 5) | 1u << rng_below(r, 5);
	default:
		return rng_next(r) & INT32_MAX;
	}
}

static struct dispatcher_config random_config(struct rng *r)
{
	struct dispatcher_config c = config_plain(2, 1 + rng_below(r, DISPATCHER_SLOTS));

	for (__u32 i = 0; i < c.n; i++)
		c.slots[i].actions = random_mask(r);
	return c;
}

/* @larger: also such that no mask has a bit for. libxdp's C leaves those undefined. */
static __u32 random_verdict(struct rng *r, __u32 mask, bool larger)
{
	if (mask && rng_chance(r, 70))
		for (;;) {
			__u32 v = rng_below(r, 31);

			if (mask & 1u << v)
				return v;
		}
	if (larger && rng_chance(r, 20))
		return 32 + (rng_next(r) & INT32_MAX);
	return rng_chance(r, 20) ? 31 : rng_below(r, 6);
}

static bool same(const struct outcome *got, const struct outcome *want, const char *who,
		 const struct dispatcher_config *c, const __u32 *verdicts)
{
	if (!memcmp(got, want, sizeof(*got)))
		return true;
	diag("%s: verdict %u, wanted %u", who, got->verdict, want->verdict);
	for (__u32 i = 0; i < c->n; i++)
		diag("component %u: actions %#x, returns %u; ran %d, wanted %d", i,
		     c->slots[i].actions, verdicts[i], got->ran[i], want->ran[i]);
	return false;
}

/* @unit is consumed. */
static struct bpf_object *play(struct unit *u)
{
	struct bpf_object *o;

	dispatcher_play(u);
	o = dispatcher_load(u);
	unit_free(u);
	if (!o)
		bail_out("a dispatcher with played components: %s", strerror(errno));
	return o;
}

static void check_model(int configurations)
{
	struct rng r = {.state = 1};
	bool ours = true, libxdps = true, installed = false;

	for (int k = 0; k < configurations && ours && libxdps; k++) {
		struct dispatcher_config c = random_config(&r);
		struct unit *u = dispatcher_libxdps(&c);
		_cleanup_object_ struct bpf_object *a = play(dispatcher_ours(&c));
		_cleanup_object_ struct bpf_object *b = u ? play(u) : NULL;

		installed |= b != NULL;
		for (int p = 0; p < PACKETS && ours && libxdps; p++) {
			__u32 verdicts[DISPATCHER_SLOTS] = {};
			struct outcome want, got;

			for (__u32 i = 0; i < c.n; i++)
				verdicts[i] = random_verdict(&r, c.slots[i].actions, p % 2 == 0);
			want = model(&c, verdicts);
			got = send(dispatcher_fd(a), verdicts);
			ours = same(&got, &want, "ours", &c, verdicts);
			if (!b || p % 2 == 0)
				continue;
			got = send(dispatcher_fd(b), verdicts);
			libxdps = same(&got, &want, "libxdp's", &c, verdicts);
		}
	}
	ok(ours, "verdicts and trails are those of the model");
	if (installed)
		ok(libxdps, "and those of libxdp's dispatcher");
	else
		skip("no dispatcher of libxdp is installed");
}

struct component {
	struct bpf_object *object;
	int link;
};

/* A component for function @name. -EPERM: the kernel takes none at all. */
static int attach(const char *path, int dispatcher, const char *name, __u32 slot,
		  struct component *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	struct bpf_object *o = bpf_object__open_file(path, NULL);
	struct bpf_program *p = o ? bpf_object__next_program(o, NULL) : NULL;
	struct bpf_map *rodata = o ? bpf_object__find_map_by_name(o, ".rodata") : NULL;
	int r;

	if (!p || !rodata || bpf_map__set_initial_value(rodata, &slot, sizeof(slot)))
		bail_out("%s: %s", path, strerror(errno));
	r = bpf_program__set_attach_target(p, dispatcher, name) ?: bpf_object__load(o);
	if (!r) {
		r = bpf_link_create(bpf_program__fd(p), 0, 0, &opts);
		ret->link = r;
	}
	ret->object = r < 0 ? NULL : o;
	if (r < 0)
		bpf_object__close(o);
	return r < 0 ? r : 0;
}

static void detach(struct component *c)
{
	if (!c->object)
		return;
	close(c->link);
	bpf_object__close(c->object);
	*c = (struct component){};
}

static bool alike(int prog, const struct dispatcher_config *c, const __u32 *verdicts)
{
	struct outcome want = model(c, verdicts), got = send(prog, verdicts);

	for (__u32 i = 0; i < c->n; i++)
		want.ran[i] = want.ran[i] && verdicts[i] != 31; /* nothing is there */
	return same(&got, &want, "with components", c, verdicts);
}

/* Real components in all functions, then without one in the middle and without the last. */
static void check_components(const char *path, __u32 n)
{
	static const __u32 goes_on[DISPATCHER_SLOTS] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
	struct component components[DISPATCHER_SLOTS] = {};
	struct dispatcher_config c = config_plain(3, n);
	_cleanup_(unit_freep) struct unit *u = dispatcher_ours(&c);
	_cleanup_object_ struct bpf_object *o = dispatcher_load(u);
	__u32 verdicts[DISPATCHER_SLOTS];
	int r = 0, prog = o ? dispatcher_fd(o) : -1;

	for (__u32 i = 0; i < n && !r; i++) {
		_cleanup_free_ char *name = text_fmt("prog%u", i);

		r = attach(path, prog, n == 1 ? DISPATCHER_NAME : name, i, &components[i]);
	}
	if (r == -EPERM) {
		skip("%u components: this kernel refuses programs of type EXT", n);
		return;
	}
	is_int(r, 0, "%u components take their functions", n);
	memcpy(verdicts, goes_on, sizeof(verdicts));
	ok(alike(prog, &c, verdicts), "%u components: all run", n);
	verdicts[n / 2] = XDP_DROP;
	ok(alike(prog, &c, verdicts), "%u components: one drops", n);
	verdicts[n / 2] = 31;
	detach(&components[n / 2]);
	ok(alike(prog, &c, verdicts), "%u components: one is gone, the others run", n);
	verdicts[n - 1] = 31;
	detach(&components[n - 1]);
	ok(alike(prog, &c, verdicts), "%u components: the last is gone, packets pass", n);
	for (__u32 i = 0; i < n; i++)
		detach(&components[i]);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		bail_out("usage: dispatcher_chain COMPONENT N");
	check_model(atoi(argv[2]));
	check_components(argv[1], 1);
	check_components(argv[1], 2);
	check_components(argv[1], DISPATCHER_SLOTS);
	braid_error_clear(&err);
	return done();
}
