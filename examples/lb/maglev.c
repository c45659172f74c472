/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maglev - compute the lookup table of one VIP for lb, as entries of a manifest.
 *
 * Every backend has a permutation of the table's slots, derived from its name. They
 * take turns; in its turn a backend takes the first slot of its permutation that is
 * free. So all get equally many, and a backend that leaves or comes moves few slots
 * of the others (Eisenbud et al., Maglev, NSDI 2016).
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_DEFAULT 65537
#define SLOTS_MAX    (1u << 24)
#define FREE         UINT32_MAX

struct backend {
	bool used;     /* false: a "-" that keeps the numbers of those behind it */
	uint32_t slot; /* the next one that it asks for */
	uint32_t step; /* from one slot of its permutation to the next: 1 to size - 1 */
};

static void usage(FILE *to)
{
	fputs("Usage: maglev [--size N] BACKEND...\n"
	      "Prints the entries of map 'tables' for one VIP: in each slot a number of a "
	      "BACKEND,\n"
	      "counted from 0. A BACKEND is any name that stays the same; '-' is an unused "
	      "number.\n"
	      "  -s, --size N   slots: a prime, at least the number of backends, better 100 times\n"
	      "                 that (default 65537); the constant table_size must be the same\n"
	      "  -h, --help     print this\n",
	      to);
}

static bool is_prime(uint32_t n)
{
	for (uint32_t i = 2; (uint64_t)i * i <= n; i++)
		if (n % i == 0)
			return false;
	return n >= 2;
}

/* FNV-1a, and a finish that lets every byte reach every bit. */
static uint64_t hash(const char *name, uint64_t seed)
{
	uint64_t h = 0xcbf29ce484222325u ^ seed;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* @table: @size slots, all written; @n of @backends, at least one of them used. */
static void fill(uint32_t *table, uint32_t size, struct backend *backends, uint32_t n)
{
	uint32_t left = size;

	for (uint32_t i = 0; i < size; i++)
		table[i] = FREE;
	for (uint32_t i = 0; left; i = (i + 1) % n) {
		struct backend *b = &backends[i];

		if (!b->used)
			continue;
		/* size is prime, so the steps reach every slot: a free one is found. */
		while (table[b->slot] != FREE)
			b->slot = ((uint64_t)b->slot + b->step) % size;
		table[b->slot] = i;
		left--;
	}
}

static int print(const uint32_t *table, uint32_t size)
{
	fputs("entries: [", stdout);
	for (uint32_t i = 0; i < size; i++)
		printf("%s{value: %u}%s", i % 6 ? " " : "\n  ", table[i], i + 1 < size ? "," : "");
	puts("\n]");
	return fflush(stdout) || ferror(stdout) ? -1 : 0;
}

static int parse_size(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long size;

	errno = 0;
	size = strtoul(text, &end, 10);
	if (errno || end == text || *end || size < 2 || size > SLOTS_MAX || !is_prime(size)) {
		fprintf(stderr, "maglev: size '%s': a prime from 2 to %u is needed\n", text,
			SLOTS_MAX);
		return -1;
	}
	*ret = size;
	return 0;
}

/* @names: @n of them. Return: how many backends are used, or -1 with a message printed. */
static int read_backends(char **names, uint32_t n, uint32_t size, struct backend *backends)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < n; i++) {
		backends[i] = (struct backend){
			.used = strcmp(names[i], "-") != 0,
			.slot = hash(names[i], 0) % size,
			.step = hash(names[i], 1) % (size - 1) + 1,
		};
		used += backends[i].used;
	}
	if (used >= 1 && used <= size)
		return used;
	fprintf(stderr, "maglev: %u backends do not fit %u slots\n", used, size);
	return -1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"size", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {}};
	uint32_t size = SIZE_DEFAULT, n, *table;
	struct backend *backends;
	int option, r = EXIT_FAILURE;

	while ((option = getopt_long(argc, argv, "s:h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return EXIT_SUCCESS;
		}
		if (option != 's') {
			usage(stderr);
			return EXIT_FAILURE;
		}
		if (parse_size(optarg, &size) < 0)
			return EXIT_FAILURE;
	}
	n = argc - optind;
	if (!n) {
		usage(stderr);
		return EXIT_FAILURE;
	}

	table = calloc(size, sizeof(*table));
	backends = calloc(n, sizeof(*backends));
	if (!table || !backends) {
		fputs("maglev: no memory\n", stderr);
	} else if (read_backends(argv + optind, n, size, backends) > 0) {
		fill(table, size, backends, n);
		if (print(table, size) < 0)
			fputs("maglev: cannot write\n", stderr);
		else
			r = EXIT_SUCCESS;
	}
	free(table);
	free(backends);
	return r;
}
