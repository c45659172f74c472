/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the two versions of a stage have done since the present step of a rollout began. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/boot.h"
#include "kernel/bpffs.h"
#include "live/rollout.h"

static const char *find_symbol(const json_t *plan)
{
	json_t *map;
	size_t i;

	json_array_foreach (json_object_get(plan, "maps"), i, map)
		if (json_is_true(json_object_get(map, "braid")) &&
		    text_eq(json_string_value(json_object_get(map, "name")), ROLLOUT_MAP))
			return json_string_value(json_object_get(map, "symbol"));
	return NULL;
}

int rollout_map_open(const struct running *r, struct rollout_map *ret, struct braid_error *err)
{
	const char *symbol = find_symbol(r->plan);
	_cleanup_free_ char *pin = symbol ? path_map(r->folder, symbol) : NULL;
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int result;

	*ret = (struct rollout_map)ROLLOUT_MAP_INIT;
	if (!symbol)
		return 0;
	result = pin ? bpffs_get(pin, BPFFS_MAP, &fd, err) : error_oom(err);
	if (result)
		return result;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, pin, "cannot look at a map");
	if (info.value_size != sizeof(struct rollout_counters)) {
		error_set(err, -EPROTONOSUPPORT, pin, "the counters are those of another braid");
		return -EPROTONOSUPPORT;
	}
	*ret = (struct rollout_map){TAKE_FD(fd), info.id};
	return 0;
}

void rollout_map_done(struct rollout_map *m)
{
	closep(&m->fd);
	*m = (struct rollout_map)ROLLOUT_MAP_INIT;
}

/* All members of both are __u64. */
static void add_words(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(__u64); i++)
		((__u64 *)to)[i] += ((const __u64 *)from)[i];
}

static int sum_versions(const struct rollout_map *m, struct rollout_version *ret,
			struct braid_error *err)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct rollout_counters *all = cpus > 0 ? calloc(cpus, sizeof(*all)) : NULL;
	__u32 zero = 0;

	if (!all)
		return error_oom(err);
	if (bpf_map_lookup_elem(m->fd, &zero, all))
		return error_errno(err, -errno, NULL, "cannot read the counters of the rollout");
	memset(ret, 0, ROLLOUT_VERSIONS * sizeof(*ret));
	for (int cpu = 0; cpu < cpus; cpu++)
		add_words(ret, all[cpu].version, ROLLOUT_VERSIONS * sizeof(*ret));
	return 0;
}

int rollout_base_take(const struct rollout_map *m, struct rollout_base *ret,
		      struct braid_error *err)
{
	int r = boot_id(ret->boot, err) ?: sum_versions(m, ret->version, err);

	if (r)
		return r;
	ret->map = m->id;
	ret->began_ns = clock_ns(CLOCK_BOOTTIME);
	return 0;
}

static void subtract(struct rollout_version *from, const struct rollout_version *base)
{
	__u64 *a = (void *)from;
	const __u64 *b = (const void *)base;

	for (size_t i = 0; i < sizeof(*from) / sizeof(*a); i++)
		a[i] = a[i] > b[i] ? a[i] - b[i] : 0;
}

int rollout_step_read(const struct rollout_map *m, const struct rollout *r,
		      struct rollout_step *ret, struct braid_error *err)
{
	int result = rollout_base_take(m, &ret->base, err);

	if (result)
		return result;
	memset(ret->version, 0, sizeof(ret->version));
	ret->elapsed_ns = 0;
	ret->anew = r->base.map != m->id || !text_eq(r->base.boot, ret->base.boot);
	if (ret->anew)
		return 0;
	ret->elapsed_ns = ret->base.began_ns - r->base.began_ns;
	memcpy(ret->version, ret->base.version, sizeof(ret->version));
	for (int i = 0; i < ROLLOUT_VERSIONS; i++)
		subtract(&ret->version[i], &r->base.version[i]);
	return 0;
}

struct gate_result rollout_judge(const struct rollout *r, const struct gate *g,
				 const struct rollout_step *step)
{
	const struct rollout_version *old = &step->version[ROLLOUT_OLD];

	if (rollout_share(r) == ROLLOUT_WHOLE && r->has_reference)
		old = &r->reference;
	return gate_judge(g, old, &step->version[ROLLOUT_NEW], r->min_packets);
}
