/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/xlated.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdint.h>

#include "base/cleanup.h"

/* What the second look at the program is told: where to put what the first one counted. */
struct room {
	__u64 *addresses;
	__u32 *sizes;
	__u32 n;
};

#define ROOM(array, count) (array_reserve(array, count) ? ((array)->n = (count), true) : false)

static int make_room(struct xlated *x, const struct bpf_prog_info *seen, bool machine,
		     struct room *room)
{
	if (!ROOM(&x->insns, seen->xlated_prog_len / sizeof(struct bpf_insn)) ||
	    !ROOM(&x->funcs, seen->nr_func_info) || !ROOM(&x->lines, seen->nr_line_info))
		return -ENOMEM;
	if (!machine)
		return 0;
	room->n = seen->nr_jited_ksyms;
	room->addresses = calloc(room->n + 1, sizeof(*room->addresses));
	room->sizes = calloc(room->n + 1, sizeof(*room->sizes));
	return room->addresses && room->sizes && ROOM(&x->machine_code, seen->jited_prog_len) &&
			       ROOM(&x->line_addresses, seen->nr_jited_line_info)
		       ? 0
		       : -ENOMEM;
}

static int read_all(int fd, struct xlated *x, bool machine, struct bpf_prog_info *ret,
		    struct room *room)
{
	struct bpf_prog_info info = {
		.xlated_prog_len = x->insns.n * sizeof(struct bpf_insn),
		.xlated_prog_insns = (uintptr_t)x->insns.v,
		.nr_func_info = x->funcs.n,
		.func_info_rec_size = sizeof(struct bpf_func_info),
		.func_info = (uintptr_t)x->funcs.v,
		.nr_line_info = x->lines.n,
		.line_info_rec_size = sizeof(struct bpf_line_info),
		.line_info = (uintptr_t)x->lines.v,
	};
	__u32 size = sizeof(info);
	int r;

	if (machine) {
		info.jited_prog_len = x->machine_code.n;
		info.jited_prog_insns = (uintptr_t)x->machine_code.v;
		info.nr_jited_ksyms = info.nr_jited_func_lens = room->n;
		info.jited_ksyms = (uintptr_t)room->addresses;
		info.jited_func_lens = (uintptr_t)room->sizes;
		info.nr_jited_line_info = x->line_addresses.n;
		info.jited_line_info_rec_size = sizeof(__u64);
		info.jited_line_info = (uintptr_t)x->line_addresses.v;
	}
	r = bpf_obj_get_info_by_fd(fd, &info, &size);
	*ret = info;
	return r;
}

/* Hidden ones come as null pointers, or as nothing but zeros. */
static int take_machine(struct xlated *x, const struct bpf_prog_info *info, const struct room *room)
{
	bool shown = info->jited_prog_insns && info->jited_ksyms && info->jited_func_lens &&
		     room->n && room->addresses[0];
	__u32 offset = 0;

	for (__u32 i = 0; i < room->n && shown; i++) {
		struct machine m = {room->addresses[i], offset, room->sizes[i]};

		if (m.size > x->machine_code.n - offset)
			break;
		if (!array_add(&x->machines, m))
			return -ENOMEM;
		offset += m.size;
	}
	if (!shown)
		x->machine_code.n = 0;
	if (!shown || !info->jited_line_info)
		x->line_addresses.n = 0;
	return 0;
}

static int read_twice(int fd, bool machine, struct xlated *x, struct bpf_prog_info *info)
{
	struct bpf_prog_info seen = {};
	struct room room = {};
	__u32 size = sizeof(seen);
	int r = bpf_obj_get_info_by_fd(fd, &seen, &size);

	r = r ?: make_room(x, &seen, machine, &room) ?: read_all(fd, x, machine, info, &room);
	if (!r && !info->xlated_prog_insns)
		r = -EPERM;
	if (!r && machine)
		r = take_machine(x, info, &room);
	free(room.addresses);
	free(room.sizes);
	return r;
}

int xlated_read(int prog_fd, bool machine, struct xlated *ret, struct braid_error *err)
{
	struct bpf_prog_info info = {};
	struct xlated x = {};
	int r = read_twice(prog_fd, machine, &x, &info);

	if (r) {
		error_errno(err, r, NULL, "cannot read the code of a program");
		if (r == -EPERM)
			error_hint(err, "it takes CAP_SYS_ADMIN, and net.core.bpf_jit_harden=2 "
					"hides it from everybody but root");
		xlated_done(&x);
		return r;
	}
	x.id = info.id;
	memcpy(x.name, info.name, sizeof(x.name));
	memcpy(x.tag, info.tag, sizeof(x.tag));
	x.btf = info.btf_id ? btf__load_from_kernel_by_id(info.btf_id) : NULL;
	*ret = x;
	return 0;
}

void xlated_done(struct xlated *x)
{
	array_done(&x->insns);
	array_done(&x->funcs);
	array_done(&x->lines);
	array_done(&x->machine_code);
	array_done(&x->machines);
	array_done(&x->line_addresses);
	btf__free(x->btf);
	x->btf = NULL;
}

int xlated_line(const struct xlated *x, __u32 insn)
{
	int best = -1;

	array_foreach (l, &x->lines)
		if (l->insn_off <= insn)
			best = l - x->lines.v;
	return best;
}

const char *xlated_func(const struct xlated *x, __u32 insn)
{
	const struct btf_type *t;

	array_foreach (f, &x->funcs) {
		if (f->insn_off != insn || !x->btf)
			continue;
		t = btf__type_by_id(x->btf, f->type_id);
		return t ? btf__name_by_offset(x->btf, t->name_off) : NULL;
	}
	return NULL;
}
