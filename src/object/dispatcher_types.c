/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "object/dispatcher_types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>

#include "object/annotation.h"
#include "object/dispatcher_abi.h"

#define VERSION_NAME "dispatcher_version"

struct builder {
	struct btf *btf;
	int error; /* the first one */
	__u32 u8, u32, s32, size;
};

/* The id, or 0 with the error noted. */
static __u32 added(struct builder *b, int id)
{
	if (id < 0 && !b->error)
		b->error = id;
	return id < 0 ? 0 : id;
}

static void check(struct builder *b, int r)
{
	added(b, r < 0 ? r : 0);
}

static void add_basic(struct builder *b)
{
	b->s32 = added(b, btf__add_int(b->btf, "int", 4, BTF_INT_SIGNED));
	b->u8 = added(b, btf__add_int(b->btf, "unsigned char", 1, 0));
	b->u8 = added(b, btf__add_typedef(b->btf, "__u8", b->u8));
	b->u32 = added(b, btf__add_int(b->btf, "unsigned int", 4, 0));
	b->u32 = added(b, btf__add_typedef(b->btf, "__u32", b->u32));
	b->size = added(b, btf__add_int(b->btf, "__ARRAY_SIZE_TYPE__", 4, 0));
}

/* What every function takes and returns: int (struct xdp_md *ctx). */
static __u32 add_prototype(struct builder *b)
{
	static const char *const members[] = {"data",           "data_end",
					      "data_meta",      "ingress_ifindex",
					      "rx_queue_index", "egress_ifindex"};
	const int n = sizeof(members) / sizeof(*members);
	__u32 context = added(b, btf__add_struct(b->btf, "xdp_md", n * sizeof(__u32))), prototype;

	for (int i = 0; i < n; i++)
		check(b, btf__add_field(b->btf, members[i], b->u32, i * 32, 0));
	context = added(b, btf__add_ptr(b->btf, context));
	prototype = added(b, btf__add_func_proto(b->btf, b->s32));
	check(b, btf__add_func_param(b->btf, "ctx", context));
	return prototype;
}

static __u32 add_func(struct builder *b, const char *name, __u32 prototype)
{
	return added(b, btf__add_func(b->btf, name, BTF_FUNC_GLOBAL, prototype));
}

/* static volatile const struct xdp_dispatcher_config conf */
static __u32 add_config(struct builder *b, __u32 version)
{
	static const char *const bytes[] = {"magic", "dispatcher_version", "num_progs_enabled",
					    "is_xdp_frags"};
	static const char *const words[] = {"chain_call_actions", "run_prios", "program_flags"};
	const __u32 bits = DISPATCHER_SLOTS * 32;
	__u32 slots = added(b, btf__add_array(b->btf, b->size, b->u32, DISPATCHER_SLOTS)), config;

	config = added(b, btf__add_struct(b->btf, "xdp_dispatcher_config",
					  dispatcher_config_size(version)));
	for (int i = 0; i < 4; i++)
		check(b, btf__add_field(b->btf, bytes[i], b->u8, i * 8, 0));
	for (int i = 0; i < 3; i++)
		check(b, btf__add_field(b->btf, words[i], slots, 32 + i * bits, 0));
	if (version >= 3)
		check(b, btf__add_field(b->btf, "is_xdp_devbound", b->u8, 32 + 3 * bits, 0));
	config = added(b, btf__add_volatile(b->btf, config));
	config = added(b, btf__add_const(b->btf, config));
	return added(b, btf__add_var(b->btf, "conf", BTF_VAR_STATIC, config));
}

/* As __uint() does: a pointer to an array of that many elements. */
static __u32 add_version(struct builder *b, __u32 version)
{
	__u32 type = added(b, btf__add_array(b->btf, b->size, b->s32, version));

	type = added(b, btf__add_ptr(b->btf, type));
	return added(b, btf__add_var(b->btf, VERSION_NAME, BTF_VAR_GLOBAL_ALLOCATED, type));
}

int dispatcher_types(struct btf *btf, const struct dispatcher_config *c,
		     struct dispatcher_types *ret)
{
	struct builder b = {.btf = btf};
	struct dispatcher_types t = {};
	__u32 prototype;
	char name[16];

	add_basic(&b);
	prototype = add_prototype(&b);
	for (__u32 i = 0; i < c->n; i++) {
		snprintf(name, sizeof(name), "prog%u", i);
		t.stubs[i] = add_func(&b, name, prototype);
	}
	t.dispatcher = add_func(&b, DISPATCHER_NAME, prototype);
	t.config = add_config(&b, c->version);
	t.version = add_version(&b, c->version);
	if (b.error)
		return b.error;
	*ret = t;
	return 0;
}

__u32 dispatcher_metadata_version(const struct btf *btf)
{
	const struct btf_type *var = btf_section_var(btf, DISPATCHER_METADATA, VERSION_NAME);
	__u32 version;

	return var && btf_number(btf, var->type, &version) ? version : 0;
}
