/* SPDX-License-Identifier: GPL-2.0-only */
#include "leak.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tap.h"
#include "wait.h"

static int program_name(int fd, char *ret)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	sprintf(ret, "%s (type %u)", info.name, info.type);
	return 0;
}

static int map_name(int fd, char *ret)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	sprintf(ret, "%s (type %u)", info.name, info.type);
	return 0;
}

static int link_name(int fd, char *ret)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	sprintf(ret, "of program %u (type %u)", info.prog_id, info.type);
	return 0;
}

static const struct {
	const char *name;
	int (*next)(__u32 id, __u32 *ret);
	int (*open)(__u32 id);
	int (*describe)(int fd, char *ret); /* BPF_OBJ_NAME_LEN + 32 bytes are enough */
} kinds[LEAK_KINDS] = {
	[LEAK_PROGRAM] = {"program", bpf_prog_get_next_id, bpf_prog_get_fd_by_id, program_name},
	[LEAK_MAP] = {"map", bpf_map_get_next_id, bpf_map_get_fd_by_id, map_name},
	[LEAK_LINK] = {"link", bpf_link_get_next_id, bpf_link_get_fd_by_id, link_name},
};

static void must_add(struct leak_snapshot *s, enum leak_kind kind, __u32 id)
{
	if (!array_add(&s->ids[kind], id))
		bail_out("out of memory");
}

void leak_done(struct leak_snapshot *s)
{
	for (int k = 0; k < LEAK_KINDS; k++)
		array_done(&s->ids[k]);
}

int leak_take(struct leak_snapshot *ret)
{
	struct leak_snapshot s = {};

	for (int k = 0; k < LEAK_KINDS; k++) {
		__u32 id = 0;

		while (!kinds[k].next(id, &id))
			must_add(&s, k, id);
		if (errno != ENOENT) {
			int error = -errno;

			leak_done(&s);
			return error;
		}
	}
	*ret = s;
	return 0;
}

static int id_order(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

static bool has(const struct leak_snapshot *s, enum leak_kind kind, __u32 id)
{
	return s->ids[kind].n && bsearch(&id, s->ids[kind].v, s->ids[kind].n, sizeof(id), id_order);
}

static bool exists(enum leak_kind kind, __u32 id)
{
	_cleanup_close_ int fd = kinds[kind].open(id);

	/* An object that is being freed is found no more; any other failure is not its end. */
	return fd >= 0 || errno != ENOENT;
}

static void name_leak(enum leak_kind kind, __u32 id)
{
	_cleanup_close_ int fd = kinds[kind].open(id);
	char name[BPF_OBJ_NAME_LEN + 32] = "(no longer readable)";

	if (fd >= 0)
		kinds[kind].describe(fd, name);
	diag("left behind: %s %u %s", kinds[kind].name, id, name);
}

size_t leak_count(const struct leak_snapshot *before, int timeout_ms)
{
	long long until = now_ms() + timeout_ms;
	struct leak_snapshot after;
	size_t left = 0;

	if (leak_take(&after))
		bail_out("listing BPF objects: %s", strerror(errno));
	for (int k = 0; k < LEAK_KINDS; k++) {
		array_foreach (id, &after.ids[k]) {
			if (has(before, k, *id))
				continue;
			if (wait_until(!exists(k, *id), until - now_ms()))
				continue;
			name_leak(k, *id);
			left++;
		}
	}
	leak_done(&after);
	return left;
}

int leak_write(const struct leak_snapshot *s, FILE *f)
{
	for (int k = 0; k < LEAK_KINDS; k++) {
		array_foreach (id, &s->ids[k])
			fprintf(f, "%s %u\n", kinds[k].name, *id);
	}
	return fflush(f) ? -errno : 0;
}

int leak_read(struct leak_snapshot *ret, FILE *f)
{
	struct leak_snapshot s = {};
	char name[16];
	__u32 id;
	int n;

	while ((n = fscanf(f, "%15s %u", name, &id)) == 2) {
		int k = 0;

		while (k < LEAK_KINDS && strcmp(kinds[k].name, name))
			k++;
		if (k == LEAK_KINDS)
			break;
		must_add(&s, k, id);
	}
	if (n != EOF || ferror(f)) {
		leak_done(&s);
		return ferror(f) ? -EIO : -EINVAL;
	}
	*ret = s;
	return 0;
}
