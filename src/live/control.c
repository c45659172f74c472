/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The control block of what runs: read through bpf(2), written as shared memory. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/text.h"
#include "compose/control_abi.h"
#include "kernel/bpffs.h"
#include "live/runtime.h"
#include "manifest/hook.h"

void control_done(struct control_map *c)
{
	closep(&c->fd);
	c->fd = -1;
}

static int check_block(const struct control *is, const char *pin, struct braid_error *err)
{
	if (is->magic == CONTROL_MAGIC && is->version == CONTROL_VERSION)
		return 0;
	error_set(err, -EPROTONOSUPPORT, pin, "the control block is that of another version");
	error_why(err, "it says version %u, this braid knows %u",
		  is->magic == CONTROL_MAGIC ? is->version : 0, CONTROL_VERSION);
	error_hint(err, "apply the pipeline again with this braid");
	return -EPROTONOSUPPORT;
}

int control_open(const char *folder, struct control_map *ret, struct braid_error *err)
{
	_cleanup_free_ char *pin = path_map(folder, CONTROL_SECTION);
	_cleanup_close_ int fd = -1;
	__u32 zero = 0;
	int r = pin ? bpffs_get(pin, BPFFS_MAP, &fd, err) : error_oom(err);

	if (r)
		return r;
	if (bpf_map_lookup_elem(fd, &zero, &ret->is))
		return error_errno(err, -errno, pin, "cannot read the control block");
	r = check_block(&ret->is, pin, err);
	if (!r)
		ret->fd = TAKE_FD(fd);
	return r;
}

/*
 * bpf_map_update_elem() copies in whatever steps it likes; a program must never see half of
 * a word. load.c asks for maps that can be shared.
 */
static int map_share(int fd, size_t size, void **ret, struct braid_error *err)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return error_errno(err, -errno, NULL, "cannot write to a map of what runs");
	*ret = at;
	return 0;
}

int map_write(int fd, size_t offset, const void *bytes, size_t size, struct braid_error *err)
{
	void *at = NULL;
	int r = map_share(fd, offset + size, &at, err);

	if (r)
		return r;
	memcpy((char *)at + offset, bytes, size);
	munmap(at, offset + size);
	return 0;
}

static void put_word(__u32 *to, __u32 value)
{
	if (*to != value)
		__atomic_store_n(to, value, __ATOMIC_SEQ_CST);
}

int control_write(struct control_map *c, const struct control *want, struct braid_error *err)
{
	struct control *to;
	void *at = NULL;
	int r = map_share(c->fd, sizeof(*to), &at, err);

	if (r)
		return r;
	to = at;
	for (int i = 0; i < CONTROL_STAGES; i++)
		put_word(&to->signals[i], want->signals[i]);
	for (int i = 0; i < CONTROL_STAGES / 32; i++)
		put_word(&to->bypass[i], want->bypass[i]);
	put_word(&to->share, want->share);
	if (!want->closed)
		put_word(&to->closed, 0);
	put_word(&to->verdict, want->verdict);
	put_word(&to->closed, want->closed);
	munmap(at, sizeof(*to));
	c->is = *want;
	return 0;
}

int control_use_config(struct control_map *c, __u32 version, struct braid_error *err)
{
	void *at = NULL;
	int r = map_share(c->fd, sizeof(struct control), &at, err);

	if (r)
		return r;
	put_word(&((struct control *)at)->config, version);
	munmap(at, sizeof(struct control));
	c->is.config = version;
	return 0;
}

/* Signals of a stage hold for its candidate, too. */
static __u32 signals_of(const json_t *stages, const char *name)
{
	char base[64];

	snprintf(base, sizeof(base), "%.*s", (int)strcspn(name, "@"), name);
	return json_integer_value(json_object_get(stages, base));
}

/* Is there somebody to send a share of the packets to? */
static bool has_candidate(const json_t *plan)
{
	json_t *stage;
	size_t i;

	json_array_foreach (json_object_get(plan, "stages"), i, stage)
		if (strchr(json_string_value(json_object_get(stage, "name")) ?: "", '@'))
			return true;
	return false;
}

enum hook hook_of_plan(const json_t *plan)
{
	enum hook hook = HOOK_XDP;

	hook_parse(json_string_value(json_object_get(plan, "hook")) ?: "", &hook);
	return hook;
}

void control_wanted(const struct control *is, const json_t *signals, const json_t *rollout,
		    const json_t *plan, struct control *ret)
{
	const json_t *wanted = json_object_get(signals, "stages");
	const char *verdict = json_string_value(json_object_get(signals, "verdict"));
	size_t i;
	json_t *stage;

	*ret = *is;
	ret->closed = json_object_get(signals, "closed") ? 1 : 0;
	ret->verdict = hook_closed_verdict(hook_of_plan(plan), verdict);
	ret->share = has_candidate(plan) ? json_integer_value(json_object_get(rollout, "share"))
					 : 0;
	memset(ret->bypass, 0, sizeof(ret->bypass));
	memset(ret->signals, 0, sizeof(ret->signals));
	json_array_foreach (json_object_get(plan, "stages"), i, stage) {
		json_int_t k = json_integer_value(json_object_get(stage, "index"));
		const char *name = json_string_value(json_object_get(stage, "name"));

		if (!name || k < 0 || k >= CONTROL_STAGES)
			continue;
		ret->signals[k] = signals_of(wanted, name);
		if (ret->signals[k] & (CONTROL_SIGNAL_PAUSE | CONTROL_SIGNAL_SHUTDOWN))
			ret->bypass[k / 32] |= 1u << k % 32;
	}
}
