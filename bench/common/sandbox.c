// SPDX-License-Identifier: GPL-2.0-only
#include "common/sandbox.h"

#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define BPFFS SANDBOX "/bpf"

static void must(int r, const char *what)
{
	if (r)
		err(1, "%s", what);
}

void sandbox_enter(void)
{
	must(unshare(CLONE_NEWNS), "a mount namespace");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making mounts private");
	must(mount("tmpfs", SANDBOX, "tmpfs", 0, "mode=755"), "mounting " SANDBOX);
	must(mkdir(BPFFS, 0700), BPFFS);
	must(mount("bpf", BPFFS, "bpf", 0, "mode=700"), "mounting " BPFFS);
	must(setenv("BRAID_BPFFS", BPFFS, 1), "setenv");
}

struct braid *sandbox_braid(void)
{
	struct braid_opts opts = {.sz = sizeof(opts), .state = SANDBOX_STATE, .cause = "bench"};
	struct braid_error error = BRAID_ERROR_INIT;
	struct braid *b;

	braid_must(braid_open(&opts, &b, &error), &error, "opening the store");
	return b;
}

void sandbox_write(const char *name, struct bytes object)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), SANDBOX "/%s.bpf.o", name);
	f = fopen(path, "we");
	if (!f || fwrite(object.data, 1, object.size, f) != object.size || fclose(f))
		err(1, "%s", path);
}
