/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two versions of a stage: which one a packet meets, by its key and the share; that both are
 * stages like others where they return, are paused, classify; what is counted of them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "base/error.h"
#include "compose/builtin.h"
#include "compose/rollout_abi.h"
#include "graph_common.h"
#include "kernel/testrun.h"
#include "manifest/hook.h"
#include "net.h"

static enum hook hook; /* of all pipelines */

/* What braid's own program says of a packet, alone. */
static __u32 key_of(enum rollout_key key, __u32 seed, const struct pkt *p)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = NULL;
	_cleanup_free_ void *bytes = NULL;
	struct testrun_result result;
	struct bpf_object *o;
	const struct var *v;
	__u32 section;
	size_t size;

	if (builtin_unit(builtin_for(BUILTIN_ROLLOUT, hook), &u, &err))
		bail_out("%s", err.what);
	v = unit_find_var(u, "seed", &section);
	memcpy(u->sections.v[section].bytes.v + v->offset, &seed, sizeof(seed));
	if (unit_write(u, &bytes, &size, &err))
		bail_out("%s", err.what);
	o = bpf_object__open_mem(bytes, size, NULL);
	if (!o || bpf_object__load(o) ||
	    testrun_packet(bpf_program__fd(bpf_object__find_program_by_name(o, builtin_keys[key])),
			   &(struct testrun){.packet = p->data, .size = p->len}, &result, &err))
		bail_out("the program of a key does not run");
	bpf_object__close(o);
	return result.verdict;
}

static void set_share(const struct seams *s, __u32 share)
{
	struct control c = seams_control(s);

	c.share = share;
	seams_set_control(s, &c);
}

/* Packets that the two versions have counted, @version, and in @ret_drops those dropped. */
static __u64 counted(const struct seams *s, const char *map, int version, __u64 *ret_drops)
{
	int fd = loaded_map(s->loaded, map), cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct rollout_counters *each = calloc(cpus, sizeof(*each));
	__u32 zero = 0;
	__u64 n = 0;

	if (!each || bpf_map_lookup_elem(fd, &zero, each))
		bail_out("cannot read %s", map);
	*ret_drops = 0;
	for (int cpu = 0; cpu < cpus; cpu++) {
		n += each[cpu].version[version].packets;
		*ret_drops += each[cpu].version[version].verdicts[ROLLOUT_VERDICT_DROP];
	}
	return n;
}

#define ROLLED(n, key) M_WITH(n, "rollout: {object: graph_new.bpf.o, key: " key ", seed: 77}")

/* With the share at the packet's key it is one of the old version's; above, of the new one's. */
static size_t check_share(const struct seams *s, enum rollout_key key, struct trip *t,
			  const char *old, const char *new)
{
	size_t wrong = 0;
	struct pkt p;
	__u32 at;

	graph_make(&p, t);
	at = key_of(key, 77, &p);
	for (int i = 0; i < 4; i++) {
		const __u32 shares[] = {0, at, at + 1, ROLLOUT_WHOLE};

		set_share(s, shares[i]);
		t->path = i < 2 ? old : new;
		wrong += graph_check(s, t, "rollout");
	}
	return wrong;
}

static void test_rollout(const struct seams_way *way, const char *const mix[4])
{
	_cleanup_free_ char *text =
		graph_stages("[" M(1) ", " SWITCH("a", "protocol", WHEN("tcp", ROLLED(2, "flow")),
						  M(3)) ", " M(4) "]",
			     mix);
	struct trip tcp = {tcp4, NULL, XDP_PASS}, drops = {tcp4, NULL, XDP_DROP, 2, XDP_DROP},
		    udp = {udp4, NULL, XDP_PASS}, past = {tcp4, NULL, XDP_PASS, 0, 0, "m2"};
	_cleanup_seams_ struct seams s = {};
	size_t wrong = 0;
	__u64 n, dropped;

	seams_start(&s, way, "", text);
	wrong += check_share(&s, ROLLOUT_FLOW, &tcp, "124", "1b4");
	wrong += check_share(&s, ROLLOUT_FLOW, &drops, "12", "1b");
	wrong += check_share(&s, ROLLOUT_FLOW, &udp, "134", "134");
	wrong += check_share(&s, ROLLOUT_FLOW, &past, "14", "1b4");
	past.paused = "m2 m2@new";
	wrong += check_share(&s, ROLLOUT_FLOW, &past, "14", "14");
	is_int(wrong, 0, "a stage in a branch is rolled out, %s", way->name);
	n = counted(&s, "m2_share__versions", ROLLOUT_OLD, &dropped);
	ok(n == 4 && dropped == 2, "the old one counts its packets: %llu, %llu dropped", n,
	   dropped);
	n = counted(&s, "m2_share__versions", ROLLOUT_NEW, &dropped);
	ok(n == 6 && dropped == 2, "the new one, too: %llu, %llu dropped", n, dropped);
}

/* Who classifies is rolled out: what either version says counts; and by source. */
static void test_rollout_result(const struct seams_way *way, const char *const mix[4])
{
	_cleanup_free_ char *text =
		graph_stages("[" ROLLED(1, "source") ", " SWITCH("a", "result", WHEN("7", M(2)),
								 M(3)) ", " M(4) "]",
			     mix);
	struct trip seven = {udp6, NULL, XDP_PASS, 1, 7}, other = {udp6, NULL, XDP_PASS, 1, 1},
		    past = {udp6, NULL, XDP_PASS, 1, 7, "m1 m1@new"};
	_cleanup_seams_ struct seams s = {};
	size_t wrong = 0;
	__u64 n, dropped;

	seams_start(&s, way, "", text);
	wrong += check_share(&s, ROLLOUT_SOURCE, &seven, "124", "a24");
	wrong += check_share(&s, ROLLOUT_SOURCE, &other, "134", "a34");
	wrong += check_share(&s, ROLLOUT_SOURCE, &past, "34", "34");
	is_int(wrong, 0, "who classifies is rolled out, %s", way->name);
	n = counted(&s, "m1_share__versions", ROLLOUT_NEW, &dropped);
	ok(n == 4 && dropped == 2, "counted: %llu, %llu dropped", n, dropped);
}

/* At the end, in a pipeline with an end of its own; by lots. */
static void test_rollout_random(const struct seams_way *way, const char *const mix[4])
{
	_cleanup_free_ char *text = graph_stages("[" M(1) ", " ROLLED(2, "random") "]", mix);
	_cleanup_free_ char *final = graph_words("final: tx, ");
	struct trip t = {arp, "12", XDP_TX};
	_cleanup_seams_ struct seams s = {};
	size_t wrong = 0, new = 0;
	struct pkt p;

	seams_start(&s, way, final, text);
	wrong += graph_check(&s, &t, "share 0");
	set_share(&s, ROLLOUT_WHOLE);
	t.path = "1b";
	wrong += graph_check(&s, &t, "share 1");
	set_share(&s, ROLLOUT_WHOLE / 4);
	for (int i = 0; i < 2000; i++) {
		graph_make(&p, &t);
		wrong += seams_run(&s, p.data, p.len) != graph_verdict(XDP_TX);
		new += p.data[1] & GRAPH_NEW;
	}
	new /= GRAPH_NEW;
	is_int(wrong, 0, "the last stage is rolled out, %s", way->name);
	ok(new > 300 && new < 700, "a quarter goes to the new version: %zu of 2000", new);
}

/* Who leaves the context alone is counted by a function that does not. */
static void test_rollout_kept(const struct seams_way *way)
{
	_cleanup_free_ char *stages = graph_words(
		"[{name: m1, object: graph_stage.bpf.o, program: mark_kept, constants: {id: 1}, "
		"rollout: {object: graph_new.bpf.o, seed: 77}}, " MARK(2, "mark_var") "]");
	struct trip t = {tcp4, NULL, XDP_PASS}, past = {tcp4, "2", XDP_PASS, 0, 0, "m1 m1@new"};
	_cleanup_seams_ struct seams s = {};
	size_t wrong = 0;

	seams_start(&s, way, "", stages);
	wrong += check_share(&s, ROLLOUT_FLOW, &t, "12", "12"); /* both sign alike */
	wrong += graph_check(&s, &past, "rollout");
	is_int(wrong, 0, "who leaves the context alone is rolled out, %s", way->name);
}

static void test_rollouts(void)
{
	for (size_t i = 0; i < SEAMS_WAYS; i++)
		test_rollout_kept(&seams_ways[i]);

	for (size_t i = 0; i < SEAMS_WAYS; i++)
		for (size_t m = 0; m < 4; m += 3) {
			test_rollout(&seams_ways[i], graph_mixes[m]);
			test_rollout_result(&seams_ways[i], graph_mixes[m]);
			test_rollout_random(&seams_ways[i], graph_mixes[m]);
		}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: graph_rollout_test FOLDER");
	seams_folder = argv[1];
	net_init();
	for (int tc = 0; tc < 2; tc++) {
		hook = tc ? HOOK_TC_EGRESS : HOOK_XDP;
		seams_hook = hook_names[hook];
		test_rollouts();
	}
	return done();
}
