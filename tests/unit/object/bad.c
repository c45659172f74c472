/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are no objects, or no longer: refused with a reason, never a crash. */
#include <elf.h>
#include <errno.h>

#include "base/error.h"
#include "common.h"
#include "random.h"
#include "tap.h"

static const char *folder;
static struct braid_error err;

/* @bytes to a heap block of their own, so that reading beyond them is seen. */
static int read_bytes(const void *bytes, size_t n, struct unit **ret)
{
	_cleanup_free_ char *copy = malloc(n ?: 1);

	memcpy(copy, bytes, n);
	return unit_read(copy, n, "bad.o", ret, &err);
}

/* An error that says something, or a unit that can be written. Counts what is neither. */
static size_t survive(const void *bytes, size_t n)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	_cleanup_free_ void *out = NULL;
	size_t size;
	int r = read_bytes(bytes, n, &u);

	if (r)
		return r != err.code || !err.what || (r != -EINVAL && r != -EOPNOTSUPP);
	return unit_write(u, &out, &size, &err) != 0;
}

static void test_cut(const char *name)
{
	struct buf b = file_in(folder, name);
	size_t wrong = 0, refused = 0;

	for (size_t n = 0; n < b.n; n += 64) {
		_cleanup_(unit_freep) struct unit *u = NULL;

		wrong += survive(b.v, n);
		refused += read_bytes(b.v, n, &u) != 0;
	}
	is_int(wrong, 0, "%s: cut at every 64 bytes", name);
	/* the section headers are at the end: without them nothing is left */
	is_int(refused, (b.n + 63) / 64, "%s: each is refused", name);
	buf_done(&b);
}

static void test_flipped(const char *name, unsigned int rounds)
{
	struct buf b = file_in(folder, name);
	_cleanup_free_ char *copy = malloc(b.n);
	struct rng rng = {42};
	size_t wrong = 0;

	while (rounds--) {
		memcpy(copy, b.v, b.n);
		for (__u32 bits = 1 + rng_below(&rng, 8); bits; bits--)
			copy[rng_below(&rng, b.n)] ^= 1 << rng_below(&rng, 8);
		wrong += survive(copy, b.n);
	}
	is_int(wrong, 0, "%s: flipped bits", name);
	buf_done(&b);
}

static void refused(const void *bytes, size_t n, int code, const char *what, const char *hint,
		    const char *name)
{
	struct unit *u = NULL;

	is_int(read_bytes(bytes, n, &u), code, "%s", name);
	ok(err.what && strstr(err.what, what), "%s: %s", name, err.what);
	ok(err.where && strstr(err.where, "bad.o"), "%s: the file is named", name);
	ok(!hint || (err.hint && strstr(err.hint, hint)), "%s: %s", name, err.hint ?: "");
	unit_free(u);
}

static void test_others(void)
{
	struct buf b = file_in(folder, "stage");
	Elf64_Ehdr eh;

	refused("", 0, -EOPNOTSUPP, "not an ELF", "clang", "nothing");
	refused("#!/bin/sh\n", 10, -EOPNOTSUPP, "not an ELF", "clang", "a script");
	memcpy(&eh, b.v, sizeof(eh));
	eh.e_machine = EM_X86_64;
	memcpy(b.v, &eh, sizeof(eh));
	refused(b.v, b.n, -EOPNOTSUPP, "not a BPF object", "-target bpf", "another machine");
	eh.e_machine = EM_BPF;
	eh.e_type = ET_EXEC;
	memcpy(b.v, &eh, sizeof(eh));
	refused(b.v, b.n, -EOPNOTSUPP, "not a BPF object", "-c", "an executable");
	eh.e_type = ET_REL;
	eh.e_ident[EI_DATA] = eh.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	memcpy(b.v, &eh, sizeof(eh));
	ok(survive(b.v, b.n) == 0, "the other byte order");
	buf_done(&b);
}

static void test_objects(void)
{
	static const struct {
		const char *name;
		const char *what, *hint;
	} bad[] = {
		{"no_btf", "no BTF", "clang -g"},
		{"bad_maps", "old section 'maps'", "SEC(\".maps\")"},
		{"bad_call", "caller calls callee", "SEC()"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf b = file_in(folder, bad[i].name);

		refused(b.v, b.n, -EOPNOTSUPP, bad[i].what, bad[i].hint, bad[i].name);
		buf_done(&b);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: bad FOLDER");
	folder = argv[1];
	test_others();
	test_objects();
	test_cut("kinds");
	test_cut("maps");
	test_flipped("kinds", 3000);
	test_flipped("maps", 2000);
	test_flipped("tail", 3000);
	braid_error_clear(&err);
	return done();
}
