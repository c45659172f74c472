/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Counters of a revision, from the map that its seams write into. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/proginfo.h"
#include "live/counters.h"
#include "live/runtime.h"

bool counters_are_in(const json_t *plan)
{
	return json_object_get(plan, "counting");
}

void counters_done(struct counters *c)
{
	count_model_done(&c->model);
	free(c->values);
	*c = (struct counters){};
}

static int none(struct braid_error *err)
{
	error_set(err, -ENODATA, NULL, "nothing is counted");
	error_hint(err, "the manifest's `stats: counters` has packets counted");
	return -ENODATA;
}

static int another(const char *pin, struct braid_error *err)
{
	error_set(err, -EBADMSG, pin, "the counters are not those of the plan");
	error_hint(err, "apply the pipeline again");
	return -EBADMSG;
}

static int open_map(const char *pin, struct bpf_map_info *ret, int *ret_fd, struct braid_error *err)
{
	__u32 size = sizeof(*ret);
	int r = bpffs_get(pin, BPFFS_MAP, ret_fd, err);

	if (r == -ENOENT)
		return none(err);
	if (!r && bpf_obj_get_info_by_fd(*ret_fd, ret, &size))
		r = error_errno(err, -errno, pin, "cannot look at a map");
	return r;
}

/* Programs write meanwhile, a word at a time: so it is read. */
static void copy(__u64 *to, const __u64 *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static int copy_blocks(struct counters *c, const char *blocks, const char *pin,
		       struct braid_error *err)
{
	size_t size = c->model.counters * sizeof(struct count_value);
	__u64 mark, is;
	int r = count_model_mark(&c->model, &mark, err);

	if (r)
		return r;
	memcpy(&is, blocks + COUNT_MARK_OFFSET, sizeof(is));
	if (is != mark)
		return another(pin, err);
	c->values = calloc(c->cpus, size);
	if (!c->values)
		return error_oom(err);
	for (__u32 cpu = 0; cpu < c->cpus; cpu++)
		copy((void *)(c->values + (size_t)cpu * c->model.counters),
		     (const void *)(blocks + (size_t)cpu * count_block_size(c->model.counters)),
		     size / sizeof(__u64));
	return 0;
}

static int read_map(struct counters *c, const char *pin, struct braid_error *err)
{
	struct bpf_map_info info = {};
	_cleanup_close_ int fd = -1;
	__u32 block = count_block_size(c->model.counters);
	int r = open_map(pin, &info, &fd, err);
	void *at;

	if (r)
		return r;
	if (info.max_entries != 1 || !info.value_size || info.value_size % block)
		return another(pin, err);
	at = mmap(NULL, info.value_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return error_errno(err, -errno, pin, "cannot read the counters");
	c->map = info.id;
	c->cpus = info.value_size / block;
	r = copy_blocks(c, at, pin, err);
	munmap(at, info.value_size);
	return r;
}

/* Seconds since 1970 when program @fd was loaded. */
static __u64 loaded_at(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return clock_ns(CLOCK_REALTIME) / 1000000000;
	return (info.load_time + clock_to_wall(CLOCK_BOOTTIME)) / 1000000000;
}

/* The first program is never exchanged without its map. */
static int read_since(struct counters *c, const json_t *plan, const char *folder,
		      struct braid_error *err)
{
	const json_t *first = json_array_get(json_object_get(plan, "segments"), 0);
	const char *name = json_string_value(json_object_get(first, "program"));
	_cleanup_free_ char *pin = path_program(folder, name ?: "");
	_cleanup_close_ int fd = -1;
	int r = pin ? bpffs_get(pin, BPFFS_PROGRAM, &fd, err) : error_oom(err);

	if (r == -ENOENT)
		return none(err);
	if (!r)
		c->since = loaded_at(fd);
	return r;
}

int counters_read(const json_t *plan, const char *folder, struct counters *ret,
		  struct braid_error *err)
{
	_cleanup_counters_ struct counters c = {.hook = hook_of_plan(plan)};
	_cleanup_free_ char *pin = path_map(folder, COUNT_SECTION);
	int r;

	if (!counters_are_in(plan))
		return none(err);
	r = pin ? count_model_from_json(json_object_get(plan, "counting"), &c.model, err)
		: error_oom(err);
	r = r ?: read_map(&c, pin, err) ?: read_since(&c, plan, folder, err);
	if (r)
		return r;
	*ret = c;
	c = (struct counters){};
	return 0;
}
