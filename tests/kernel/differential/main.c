/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random pipelines of the examples, random and malformed packets: whatever way braid runs a
 * pipeline, it must decide, change packets and fill maps as its stages do one by one.
 *
 *	differential [--seed N] [--pipelines N] [--packets N] [--only N] [--hook HOOK] OBJECT...
 *
 * BRAID_SEED stands in for --seed. A pipeline depends on the seed and its own number only, so
 * what failed is repeated with --only, which also prints the pipeline.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "apart.h"
#include "base/error.h"
#include "composed.h"
#include "net.h"
#include "report.h"
#include "run.h"
#include "tap.h"
#include "vary.h"

enum {
	ATTEMPTS = 20, /* at a run that takes less than a second */
	LARGE = 26     /* one of so many pipelines is */
};

static const char *objects[KINDS];
static enum hook hook;

static struct {
	__u64 seed;
	size_t pipelines, packets, only;
} options = {.seed = 1, .pipelines = 52, .packets = 200, .only = -1};

/* What has been seen of the reference: agreement about nothing would be worth nothing. */
static struct {
	size_t packets;
	size_t verdicts[32], strange;      /* came out; by the bit */
	size_t one, several, many;         /* stages that a packet met */
	size_t unusual;                    /* went on although the verdict was not PASS */
	size_t resized, elements, samples; /* packets, elements of maps, samples */
	size_t off[OPTIMIZE_ALL];          /* pipelines that agreed with it turned off, by itself */
	size_t counted[2];                 /* pipelines that did not count, and did */
	size_t tried, too_large; /* pipelines in each way; those that the verifier gave up on */
} seen;

static void look(const struct event *v, const struct trail *t)
{
	array_foreach (o, &t->packets) {
		seen.packets++;
		if (verdict_name(hook, o->verdict))
			seen.verdicts[o->verdict & 31]++;
		else
			seen.strange++;
		seen.one += o->ran == 1;
		seen.several += o->ran > 1;
		seen.many += o->ran > 20;
		seen.unusual += o->unusual;
		seen.resized += o->size != v[o - t->packets.v].packet.len;
	}
	array_foreach (m, &t->maps)
		if (m->type == BPF_MAP_TYPE_RINGBUF)
			seen.samples += m->bytes.n / m->step;
		else
			seen.elements += m->bytes.n / m->step;
}

/* A chain, packets for it, and what is wrong with it. */
struct trial {
	struct chain chain;
	ARRAY(struct event) packets;
	struct buf why;
	size_t packet; /* where it was seen */
	bool counts;   /* the first time, not while it is made smaller */
};

static bool record_apart(const struct trial *t, struct map_names *ret_maps, struct trail *ret)
{
	struct apart *a = apart_new(&t->chain, objects);
	struct runner runner = apart_runner(a);
	bool fast;

	array_done(&ret_maps->v);
	apart_list_maps(a, ret_maps);
	fast = trail_record(&runner, &t->chain, ret_maps->v.v, ret_maps->v.n, t->packets.v,
			    t->packets.n, ret);
	apart_free(a);
	return fast;
}

/* Return: 0; -EAGAIN: too slow to mean anything; else what composed_new() returns. */
static int record_way(const struct trial *t, const struct braid_pipeline *p, enum way way,
		      const struct map_names *maps, struct trail *ret, struct braid_error *err)
{
	struct composed *composed;
	struct runner runner;
	int r = composed_new(&t->chain, p, way, &composed, err);

	if (r)
		return r;
	runner = composed_runner(composed);
	if (!trail_record(&runner, &t->chain, maps->v.v, maps->v.n, t->packets.v, t->packets.n,
			  ret))
		r = -EAGAIN;
	composed_free(composed);
	return r;
}

/*
 * A limit of the verifier, and the reason why there is another strategy; or of the stack, which
 * a plan that is reshaped at random does not look at.
 */
static bool is_limit(int r, enum way way, const struct braid_error *err)
{
	if (r == -E2BIG && err->log && way != TAILCALL)
		return true;
	return r == -EACCES && (way == CALLED || way == MIXED || way == WATCHED) &&
	       strstr(err->what, "stack size");
}

static __u32 turned_off(const struct chain *c, enum way way)
{
	return way == ONE_OFF ? c->one_off : way == SOME_OFF ? c->some_off : 0;
}

static bool way_agrees(struct trial *t, const struct braid_pipeline *p, enum way way,
		       const struct map_names *maps, const struct trail *want)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_trail_ struct trail got = {};
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++)
		r = record_way(t, p, way, maps, &got, &err);
	if (r == -EAGAIN)
		bail_out("%zu packets take a second, too slow: try fewer", t->packets.n);
	seen.tried += t->counts;
	if (is_limit(r, way, &err)) {
		if (t->counts)
			diag("%s: too large for the verifier", way_words[way]);
		seen.too_large += t->counts;
		return true;
	}
	if (r)
		buf_fmt(&t->why, "cannot be loaded: %s: %s\n%s\n", err.where ?: "", err.what ?: "",
			err.why ?: "");
	else if (trail_is_same(&t->chain, want, &got, &t->why, &t->packet)) {
		seen.counted[got.counts] += t->counts;
		if (way == ONE_OFF)
			seen.off[__builtin_ctz(p->not_optimized)] += t->counts;
		return true;
	}
	buf_fmt(&t->why, "%s, against each stage alone\n", way_words[way]);
	return false;
}

static bool agrees(struct trial *t)
{
	struct braid_pipeline *p = chain_pipeline(&t->chain, objects);
	_cleanup_trail_ struct trail want = {};
	struct map_names maps = {};
	bool same = true, fast = false;

	buf_done(&t->why);
	for (int i = 0; i < ATTEMPTS && !fast; i++)
		fast = record_apart(t, &maps, &want);
	if (!fast)
		bail_out("%zu packets take a second, too slow: try fewer", t->packets.n);
	if (t->counts)
		look(t->packets.v, &want);
	for (int way = 0; way < WAYS && same; way++) {
		p->not_optimized = turned_off(&t->chain, way);
		p->stats = way == SOME_OFF && t->chain.shape >> 61 & 1 ? STATS_OFF : STATS_COUNTERS;
		same = way_agrees(t, p, way, &maps, &want);
	}
	array_done(&maps.v);
	braid_pipeline_free(p);
	return same;
}

/* Takes away stages and packets as long as something stays wrong. */
static void make_smaller(struct trial *t)
{
	struct trial *less = calloc(1, sizeof(*less));

	if (!less)
		bail_out("no memory");
	t->packets.n = t->packet + 1;
	for (size_t k = t->chain.n; k-- > 0 && t->chain.n > 1;) {
		less->chain = t->chain;
		less->packets = t->packets;
		if (chain_drop(&less->chain, k) && !agrees(less)) {
			t->chain = less->chain;
			t->packet = less->packet;
		}
	}
	for (size_t part = t->packets.n / 2; part; part /= 2)
		for (size_t at = 0; at + part <= t->packets.n && t->packets.n > 1;) {
			size_t n = t->packets.n - part;
			struct event *kept = calloc(n, sizeof(*kept));

			if (!kept)
				bail_out("no memory");
			memcpy(kept, t->packets.v, at * sizeof(*kept));
			memcpy(kept + at, t->packets.v + at + part, (n - at) * sizeof(*kept));
			less->chain = t->chain;
			less->packets.v = kept;
			less->packets.n = less->packets.cap = n;
			if (agrees(less)) {
				at += part;
				free(kept);
			} else {
				array_done(&t->packets);
				t->packets.v = kept;
				t->packets.n = t->packets.cap = n;
			}
		}
	buf_done(&less->why);
	free(less);
}

static void fail(struct trial *t, size_t number)
{
	diag("%s", t->why.v);
	diag("repeat with --seed %llu --packets %zu --only %zu; made smaller:", options.seed,
	     options.packets, number);
	make_smaller(t);
	if (agrees(t))
		diag("it did not happen again");
	else
		diag("%s", t->why.v);
	report_chain(&t->chain, objects);
	report_events(t->packets.v, t->packets.n);
}

/* A TC program is not run on a part of an IP header. */
static bool may_run(const struct pkt *p)
{
	__u16 type = p->data[2 * ETH_ALEN] << 8 | p->data[2 * ETH_ALEN + 1];
	size_t ip = type == ETH_P_IP ? 20 : type == ETH_P_IPV6 ? 40 : 0;

	return hook == HOOK_XDP || p->len >= ETH_HLEN + ip;
}

static void random_event(struct rng *r, struct event *e)
{
	if (rng_chance(r, 60)) {
		pkt_random(r, &e->packet);
		vary_packet(r, &e->packet);
	} else {
		do {
			pkt_random_broken(r, &e->packet);
		} while (!may_run(&e->packet));
	}
}

static void try_pipeline(size_t number)
{
	struct trial *t = calloc(1, sizeof(*t));
	struct rng r = {options.seed};

	if (!t || !array_reserve(&t->packets, options.packets))
		bail_out("no memory");
	r.state = rng_next(&r) + number * 0xd1342543de82ef95;
	r.state = rng_next(&r);
	chain_random(&r, hook, options.packets, number % LARGE == LARGE - 1, &t->chain);
	t->chain.one_off = 1u << number % OPTIMIZE_ALL;
	for (size_t i = 0; i < options.packets; i++) {
		struct event *e = array_push(&t->packets);

		random_event(&r, e);
		/* a state lasts for some packets */
		e->state = i && !rng_chance(&r, 6) ? e[-1].state : rng_below(&r, STATES);
	}
	if (options.only == number)
		report_chain(&t->chain, objects);
	t->counts = true;
	if (!ok(agrees(t), "pipeline %zu: %s", number, chain_text(&t->chain))) {
		t->counts = false;
		fail(t, number);
	}
	buf_done(&t->why);
	array_done(&t->packets);
	free(t);
}

static void check_coverage(void)
{
	ok(seen.packets >= 10000, "%zu packets", seen.packets);
	for (unsigned int bit = 0; bit < 32; bit++) {
		const char *name = verdict_name(hook, verdict_of_bit(bit));

		ok(!name || seen.verdicts[bit] > 10, "%zu came out with verdict %s",
		   seen.verdicts[bit], name ?: "of no name");
	}
	ok(seen.strange > 100, "%zu with verdicts that the hook does not know", seen.strange);
	ok(seen.one > 1000 && seen.several > 1000 && seen.many > 10,
	   "%zu met one stage, %zu several, %zu of them more than 20", seen.one, seen.several,
	   seen.many);
	ok(seen.unusual > 100, "%zu times the next stage ran after another verdict than PASS",
	   seen.unusual);
	ok(seen.resized > 100, "%zu came out longer or shorter", seen.resized);
	ok(seen.elements > 1000, "%zu elements of maps", seen.elements);
	if (hook == HOOK_XDP)
		ok(seen.samples > 100, "%zu samples", seen.samples);
	ok(walked.paused > 500 && walked.closed > 100,
	   "%zu times past a stage, %zu times past the whole", walked.paused, walked.closed);
	for (int v = 0; v < 2; v++)
		ok(walked.versions[v] > 200 && walked.configs[v] > 500,
		   "%zu times version %d of a stage, %zu times of the configuration",
		   walked.versions[v], v, walked.configs[v]);
	ok(walked.nobody > 200, "%zu met no stage at the end", walked.nobody);
	for (enum field f = 0; f <= FIELD_RESULT; f++)
		ok(walked.branches[f][0] > 30 && walked.branches[f][1] > 30,
		   "by %s: %zu times a case, %zu times the default", field_names[f],
		   walked.branches[f][0], walked.branches[f][1]);
	for (int i = 0; i < OPTIMIZE_ALL; i++)
		ok(seen.off[i] > 3, "%zu pipelines that are the same with %s: off", seen.off[i],
		   optimize_names[i]);
	ok(seen.counted[0] > 10 && seen.counted[1] > 30,
	   "%zu pipelines that count as it was, %zu that do not count", seen.counted[1],
	   seen.counted[0]);
	ok(seen.too_large * 10 < seen.tried,
	   "of %zu pipelines loaded %zu are too large for the verifier", seen.tried,
	   seen.too_large);
}

static __u64 to_number(const char *text)
{
	char *end;
	__u64 n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		bail_out("not a number: %s", text);
	return n;
}

static void take_object(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = strcspn(name, ".");

	for (int kind = 0; kind < KINDS; kind++)
		if (strlen(kind_names[kind]) == n && !memcmp(kind_names[kind], name, n))
			objects[kind] = path;
}

static void take_options(int argc, char **argv)
{
	static const struct option names[] = {
		{"seed", required_argument, NULL, 's'},
		{"pipelines", required_argument, NULL, 'p'},
		{"packets", required_argument, NULL, 'n'},
		{"only", required_argument, NULL, 'o'},
		{"hook", required_argument, NULL, 'h'},
		{},
	};
	int option;

	if (getenv("BRAID_SEED"))
		options.seed = to_number(getenv("BRAID_SEED"));
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (option == 's')
			options.seed = to_number(optarg);
		else if (option == 'p')
			options.pipelines = to_number(optarg);
		else if (option == 'n')
			options.packets = to_number(optarg);
		else if (option == 'o')
			options.only = to_number(optarg);
		else if (option == 'h' && hook_parse(optarg, &hook))
			continue;
		else
			bail_out("usage: differential [--seed N] [--pipelines N] [--packets N] "
				 "[--only N] [--hook HOOK] OBJECT...");
	for (; optind < argc; optind++)
		take_object(argv[optind]);
	for (int kind = 0; kind < KINDS; kind++)
		if (!objects[kind])
			bail_out("the object %s.bpf.o is not given", kind_names[kind]);
}

/*
 * Per-CPU values are equal only when all packets run on one CPU. On this one, which had time: of
 * the tests that run side by side there are several like this.
 */
static void stay_on_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	if (cpu < 0)
		bail_out("cannot ask for the CPU");
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bail_out("cannot stay on CPU %d", cpu);
}

/* libbpf's remarks about sections that it does not know are none of the test's. */
static int print_warnings(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

int main(int argc, char **argv)
{
	take_options(argc, argv);
	net_init();
	libbpf_set_print(print_warnings);
	stay_on_one_cpu();
	/* test runs come in at lo: lb's "too big" must be reached by some packets */
	must_run("ip link set lo mtu 600");
	diag("%s, seed %llu, %zu pipelines, %zu packets each", hook_names[hook], options.seed,
	     options.pipelines, options.packets);
	if (options.only != (size_t)-1) {
		try_pipeline(options.only);
		return done();
	}
	for (size_t i = 0; i < options.pipelines; i++)
		try_pipeline(i);
	if (options.pipelines * options.packets >= 10000)
		check_coverage();
	return done();
}
