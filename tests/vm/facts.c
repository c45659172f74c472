/* SPDX-License-Identifier: GPL-2.0-only */
#include "facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tap.h"

static const char *folder;
static bool own; /* the project's kernel */
static struct utsname kernel;

void facts_init(const char *objects)
{
	folder = objects;
	own = access("/proc/modules", F_OK);
	uname(&kernel);
	diag("Linux %s, %s", kernel.release, own ? "the project's own" : "somebody's");
}

bool fact(int error, const char *what)
{
	if (!error)
		return ok(true, "%s", what);
	if (own)
		return ok(false, "%s: %s", what, strerror(-error));
	skip("Linux %s: %s: %s", kernel.release, what, strerror(-error));
	return false;
}

struct bpf_object *facts_open(const char *name)
{
	struct bpf_object *o;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, name);
	o = bpf_object__open_file(path, NULL);
	if (!o)
		bail_out("%s: %s", path, strerror(errno));
	return o;
}

struct bpf_program *facts_find(struct bpf_object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);

	if (!p)
		bail_out("no program %s", name);
	return p;
}

struct bpf_program *facts_find_alone(struct bpf_object *o, const char *name)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, strcmp(bpf_program__name(p), name) == 0);
	return facts_find(o, name);
}

__u64 facts_value(const struct bpf_object *o)
{
	int fd = bpf_object__find_map_fd_by_name(o, ".bss");
	__u64 value;

	if (bpf_map_lookup_elem(fd, &(__u32){0}, &value))
		bail_out("reading .bss: %s", strerror(errno));
	return value;
}

void facts_value_set(const struct bpf_object *o, __u64 value)
{
	int fd = bpf_object__find_map_fd_by_name(o, ".bss");

	if (bpf_map_update_elem(fd, &(__u32){0}, &value, BPF_ANY))
		bail_out("writing .bss: %s", strerror(errno));
}

int facts_verdict(int prog_fd)
{
	__u8 frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(prog_fd, &run) ?: (int)run.retval;
}

bool facts_file_is(const char *path, const char *line)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char found[128] = "";

	return f && fgets(found, sizeof(found), f) && strcspn(found, "\n") == strlen(line) &&
	       strncmp(found, line, strlen(line)) == 0;
}
