/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Around a run of the tests: `leaks save FILE`, then `leaks check FILE`, which prints one
 * subtest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "leak.h"
#include "tap.h"

enum { DEADLINE_MS = 10000 };

static int save(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");
	struct leak_snapshot s;
	int error;

	if (!f) {
		fprintf(stderr, "leaks: %s: %s\n", path, strerror(errno));
		return 1;
	}
	error = leak_take(&s);
	if (error == -EPERM)
		return 0; /* an empty file; check() finds out by itself that it may not look */
	if (!error) {
		error = leak_write(&s, f);
		leak_done(&s);
	}
	if (error)
		fprintf(stderr, "leaks: %s: %s\n", path, strerror(-error));
	return error ? 1 : 0;
}

static int check(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	struct leak_snapshot before, now;
	int error;

	error = leak_take(&now);
	if (error == -EPERM)
		skip_all("needs root: ids of BPF objects");
	if (error)
		bail_out("listing BPF objects: %s", strerror(-error));
	leak_done(&now);
	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	error = leak_read(&before, f);
	if (error)
		bail_out("%s: %s", path, strerror(-error));
	is_int(leak_count(&before, DEADLINE_MS), 0, "the tests leave no BPF object behind");
	leak_done(&before);
	return done();
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "save") == 0)
		return save(argv[2]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	fprintf(stderr, "usage: leaks save|check FILE\n");
	return 2;
}
