/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Instructions as the kernel shows them, with names for what are numbers there. */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/dump.h"
#include "object/insn.h"

static int add_map(struct dump_names *n, const char *folder, const char *symbol,
		   struct braid_error *err)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_free_ char *pin = symbol ? path_map(folder, symbol) : NULL;
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	struct dump_map m = {};

	if (!pin)
		return error_oom(err);
	/* one whose pin somebody has removed goes by its number */
	if (bpffs_get(pin, BPFFS_MAP, &fd, &ignored) || bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	m = (struct dump_map){info.id, strdup(symbol)};
	if (m.symbol && array_add(&n->maps, m))
		return 0;
	free(m.symbol);
	return error_oom(err);
}

int dump_names_init(struct dump_names *n, const json_t *plan, const char *folder,
		    struct braid_error *err)
{
	const json_t *map;
	size_t i;
	int r = 0;

	*n = (struct dump_names){};
	json_array_foreach (json_object_get(plan, "maps"), i, map)
		r = r ?: add_map(n, folder, json_string_value(json_object_get(map, "symbol")), err);
	if (r)
		dump_names_done(n);
	return r;
}

void dump_names_done(struct dump_names *n)
{
	array_foreach (m, &n->maps)
		free(m->symbol);
	array_done(&n->maps);
}

/* One that has no pin, such as .rodata, tells a part of its name. */
static void add_map_name(const struct dump_names *n, __u32 id, struct buf *b)
{
	_cleanup_close_ int fd = -1;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	const char *dot;

	array_foreach (m, &n->maps)
		if (m->id == id) {
			buf_str(b, m->symbol);
			return;
		}
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || !*info.name) {
		buf_fmt(b, "id:%u", id);
		return;
	}
	/* libbpf: the object's name in front of that of the section */
	dot = strchr(info.name, '.');
	buf_str(b, dot ?: info.name);
}

static bool name_load(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b)
{
	const struct dump_names *n = ctx;
	const char *func;

	switch (insn->src_reg) {
	case BPF_PSEUDO_MAP_FD:
	case BPF_PSEUDO_MAP_VALUE:
		buf_str(b, "map[");
		add_map_name(n, insn->imm, b);
		buf_str(b, "]");
		if (insn->src_reg == BPF_PSEUDO_MAP_VALUE)
			buf_fmt(b, "+%d", insn[1].imm);
		return true;
	case BPF_PSEUDO_FUNC:
		func = xlated_func(n->x, at + 1 + insn->imm);
		if (func)
			buf_fmt(b, "&%s", func);
		return func != NULL;
	default:
		return false;
	}
}

/* Helpers and kernel functions are known by where they are, once the verifier is through. */
static bool name_call(void *ctx, const struct bpf_insn *insn, __u32 at, struct buf *b)
{
	const struct dump_names *n = ctx;
	const char *name = NULL;

	if (insn->src_reg == BPF_PSEUDO_CALL)
		name = xlated_func(n->x, at + 1 + insn->off);
	else if (!insn->imm)
		name = "(hidden)";
	else if (n->calls)
		name = kallsyms_at(n->calls, kallsyms_call_base(n->calls) + insn->imm);
	if (!name && insn->src_reg == BPF_PSEUDO_CALL)
		buf_fmt(b, "pc%+d", insn->off);
	else if (name)
		buf_str(b, name);
	return name || insn->src_reg == BPF_PSEUDO_CALL;
}

/* What a jump or a call of a function leads to; -1: it is none. */
static __s64 dump_target(const struct xlated *x, __u32 at)
{
	const struct bpf_insn *insn = &x->insns.v[at];
	__s32 jump;

	if (insn_is_pseudo_call(insn))
		return (__s64)at + 1 + insn->off;
	return insn_is_jump(insn, &jump) ? (__s64)at + 1 + jump : -1;
}

json_t *dump_insn(struct dump_names *n, __u32 at)
{
	const struct insn_names names = {.call = name_call, .load = name_load, .ctx = n};
	const __u8 *raw = (const __u8 *)&n->x->insns.v[at];
	size_t size = insn_is_ld_imm64(&n->x->insns.v[at]) ? 16 : 8;
	struct buf text = {}, bytes = {};
	json_t *j;

	for (size_t i = 0; i < size; i++)
		buf_fmt(&bytes, "%02x", raw[i]);
	if (!insn_text(n->x->insns.v, at, &names, &text))
		buf_fmt(&text, "unknown: %s", bytes.v ?: "");
	j = json_pack("{s:I, s:s, s:s}", "at", (json_int_t)at, "bytes", bytes.v ?: "", "text",
		      text.v ?: "");
	if (dump_target(n->x, at) >= 0)
		json_object_set_new(j, "target", json_integer(dump_target(n->x, at)));
	buf_done(&text);
	buf_done(&bytes);
	return j;
}
