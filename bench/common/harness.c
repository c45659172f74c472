// SPDX-License-Identifier: GPL-2.0-only
#include "common/harness.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static unsigned int rounds_parse(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || n < 1 || n > 100000)
		errx(2, "--rounds takes a number from 1 to 100000, not '%s'", text);
	return n;
}

void options_parse(int argc, char **argv, const char *about, unsigned int rounds,
		   unsigned int quick_rounds, struct options *ret)
{
	static const struct option known[] = {
		{"json", no_argument, NULL, 'j'},  {"rounds", required_argument, NULL, 'r'},
		{"quick", no_argument, NULL, 'q'}, {"only", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},  {},
	};
	struct options o = {};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'j':
			o.json = true;
			break;
		case 'r':
			o.rounds = rounds_parse(optarg);
			o.rounds_given = true;
			break;
		case 'q':
			o.quick = true;
			break;
		case 'o':
			o.only = optarg;
			break;
		case 'h':
			printf("%s\n"
			       "  --json      one JSON object per row instead of tables\n"
			       "  --rounds N  rounds per case (%u; %u with --quick)\n"
			       "  --quick     shorter, to see that it works\n"
			       "  --only NAME one case, by its name in --json;"
			       " of bench-replace, one variant\n",
			       about, rounds, quick_rounds);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc)
		errx(2, "unknown argument '%s'", argv[optind]);
	if (!o.rounds)
		o.rounds = o.quick ? quick_rounds : rounds;
	*ret = o;
}

bool options_want(struct options *options, const char *name)
{
	bool want = !options->only || strcmp(options->only, name) == 0;

	options->only_found |= want;
	return want;
}

void options_check(const struct options *options)
{
	if (!options->only_found)
		errx(2, "there is no '%s' here", options->only);
}

void pin_cpu(unsigned int nth)
{
	/* Asked for once: a thread inherits the narrowed mask of the one that made it. */
	static cpu_set_t usable;
	cpu_set_t one;
	int cpu = CPU_SETSIZE;

	if (!CPU_COUNT(&usable) && sched_getaffinity(0, sizeof(usable), &usable))
		err(1, "sched_getaffinity");

	nth %= CPU_COUNT(&usable);
	for (unsigned int seen = 0; seen <= nth; seen++)
		do {
			cpu--;
		} while (!CPU_ISSET(cpu, &usable));

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "pinning to CPU %d", cpu);
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static uint16_t ip_checksum(const struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / 2];
	uint32_t sum = 0;

	memcpy(words, ip, sizeof(words));
	for (size_t i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return ~sum;
}

void frame_make(struct frame *ret)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.tot_len = htons(sizeof(*ret) - sizeof(ret->eth)),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(0xc6120001), /* 198.18.0.1, from the range kept for benchmarks */
		.daddr = htonl(0xc6130001), /* 198.19.0.1 */
	};

	ip.check = ip_checksum(&ip);
	*ret = (struct frame){
		/* Locally administered addresses. */
		.eth.h_dest = {0x02, 0, 0, 0, 0, 2},
		.eth.h_source = {0x02, 0, 0, 0, 0, 1},
		.eth.h_proto = htons(ETH_P_IP),
		.ip = ip,
		.udp.source = htons(1024),
		.udp.dest = htons(9),
		.udp.len = htons(sizeof(ret->udp) + sizeof(ret->payload)),
	};
}

struct bpf_object *object_open(struct bytes bytes, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	struct bpf_object *object = bpf_object__open_mem(bytes.data, bytes.size, &opts);

	if (!object)
		err(1, "%s: opening the object", name);
	return object;
}

int object_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		errx(1, "%s: no program %s", bpf_object__name(object), name);
	return bpf_program__fd(program);
}

void object_set_rodata(struct bpf_object *object, const void *data, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");

	if (!map || bpf_map__set_initial_value(map, data, size))
		errx(1, "%s: no .rodata of %zu bytes", bpf_object__name(object), size);
}

uint64_t counter_read(int map_fd, uint32_t key)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t values[CPU_SETSIZE], sum = 0;

	if (cpus < 1 || cpus > CPU_SETSIZE)
		errx(1, "%d possible CPUs", cpus);
	if (bpf_map_lookup_elem(map_fd, &key, values))
		err(1, "reading a counter");
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}
