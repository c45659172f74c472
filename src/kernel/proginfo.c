/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/proginfo.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"

int program_open(__u32 id, int *ret_fd, struct braid_error *err)
{
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0) {
		error_errno(err, fd, NULL, "cannot open program %u", id);
		if (fd == -EPERM)
			error_hint(err, "it takes CAP_SYS_ADMIN: run as root");
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

/* The only function of that beginning; NULL: there are several, or none. */
static const char *complete(const struct btf *btf, const char *cut)
{
	const char *found = NULL;

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);

		if (!btf_is_func(t) || !text_has_prefix(name, cut))
			continue;
		if (found)
			return NULL;
		found = name;
	}
	return found;
}

/* @func: where the first instruction belongs to; its type_id 0: unknown. */
static void find_name(struct proginfo *p, const struct bpf_func_info *func)
{
	const struct btf_type *t = NULL;
	const char *whole = NULL;

	strcpy(p->name, p->short_name);
	if (!p->btf || strlen(p->short_name) < BPF_OBJ_NAME_LEN - 1)
		return;
	if (func->type_id)
		t = btf__type_by_id(p->btf, func->type_id);
	if (t && btf_is_func(t))
		whole = btf__name_by_offset(p->btf, t->name_off);
	/* a name that was given when it was loaded is not that of its function */
	if (!whole || !text_has_prefix(whole, p->short_name))
		whole = complete(p->btf, p->short_name);
	if (whole && strlen(whole) < sizeof(p->name))
		strcpy(p->name, whole);
}

int proginfo_read(int prog_fd, struct proginfo *ret, struct braid_error *err)
{
	struct bpf_func_info func = {};
	struct bpf_prog_info info = {
		.nr_func_info = 1,
		.func_info = (uintptr_t)&func,
		.func_info_rec_size = sizeof(func),
	};
	__u32 size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(prog_fd, &info, &size);

	if (r)
		return error_errno(err, r, NULL, "cannot read what a program is");
	*ret = (struct proginfo){
		.id = info.id,
		.type = info.type,
		.uid = info.created_by_uid,
		.instructions = info.xlated_prog_len / sizeof(struct bpf_insn),
		.loaded_ns = info.load_time,
		.btf = info.btf_id ? btf__load_from_kernel_by_id(info.btf_id) : NULL,
	};
	memcpy(ret->short_name, info.name, sizeof(ret->short_name));
	memcpy(ret->tag, info.tag, sizeof(ret->tag));
	find_name(ret, &func);
	return 0;
}

void proginfo_done(struct proginfo *p)
{
	btf__free(p->btf);
	p->btf = NULL;
}
