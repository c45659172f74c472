/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The configuration is there in several versions, and a packet uses one from its first stage
 * to its last. What an author wrote as the address of a variable,
 *
 *	rX = &config + offset			two slots
 *
 * becomes the address in the version of this packet, in the same two slots:
 *
 *	rX = *(u64 *)(r10 - slot)
 *	rX += offset
 */
#include "object/config.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/error.h"
#include "object/analyse.h"
#include "object/arguments.h"
#include "object/splicer.h"

bool func_uses_section(const struct func *f, int section)
{
	array_foreach (ref, &f->refs)
		if (ref->kind == REF_DATA && (int)ref->target == section)
			return true;
	return false;
}

void emit_config_address(struct emitter *e, const struct bpf_insn *insn, __s16 slot, __u32 offset)
{
	emit_load(e, BPF_DW, insn->dst_reg, BPF_REG_10, slot);
	emit_alu64(e, BPF_ADD, insn->dst_reg, offset);
}

/* r0 = element 0 of the per-CPU array; @slot serves as the key. Falls through when it is NULL. */
static void emit_lookup(struct emitter *e, __u32 map, __s16 slot)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_DW,
				       .dst_reg = BPF_REG_10,
				       .off = slot});
	emit_mov(e, BPF_REG_2, BPF_REG_10);
	emit_alu64(e, BPF_ADD, BPF_REG_2, slot);
	emit_address(e, BPF_REG_1, REF_MAP, map, 0);
	emit_helper(e, BPF_FUNC_map_lookup_elem);
}

/* if r0 == NULL skip @n instructions */
static void emit_skip_if_null(struct emitter *e, __s16 n)
{
	emit_insn(e, (struct bpf_insn){.code = BPF_JMP | BPF_JEQ | BPF_K, .off = n});
}

void emit_config_home(struct emitter *e, const struct splice *s, __s16 slot, bool used)
{
	const struct splice_config *c = &s->config;

	if (c->packet_map >= 0)
		emit_lookup(e, c->packet_map, slot);
	if (s->control.entry) {
		emit_address(e, BPF_REG_2, REF_DATA, s->control.section, 0);
		emit_load(e, BPF_W, BPF_REG_3, BPF_REG_2, s->control.config);
		if (c->packet_map >= 0) {
			emit_skip_if_null(e, 1);
			emit_store(e, BPF_W, BPF_REG_0, 0, BPF_REG_3);
		}
	} else {
		emit_mov32(e, BPF_REG_3, 0);
		emit_skip_if_null(e, 1);
		emit_load(e, BPF_W, BPF_REG_3, BPF_REG_0, 0);
	}
	if (!used)
		return;
	emit_alu64(e, BPF_AND, BPF_REG_3, 1);
	emit_alu64(e, BPF_MUL, BPF_REG_3, c->size);
	emit_address(e, BPF_REG_2, REF_DATA, c->section, 0);
	emit_add(e, BPF_REG_2, BPF_REG_3);
	emit_store(e, BPF_DW, BPF_REG_10, slot, BPF_REG_2);
}

/* The function's own code behind the new one. */
static void emit_body(struct emitter *e, const struct func *f, int section, __s16 slot)
{
	__u32 base = emit_here(e);
	const struct ref *ref = f->refs.v;

	for (__u32 i = 0; i < f->insns.n; i++) {
		const struct bpf_insn *insn = &f->insns.v[i];
		bool here = ref && ref < f->refs.v + f->refs.n && ref->insn == i;

		if (here && ref->kind == REF_DATA && (int)ref->target == section) {
			emit_config_address(e, insn, slot, ref->addend);
			i++;
		} else {
			if (here)
				emit_ref(e, ref->kind, ref->target, ref->addend);
			emit_insn(e, *insn);
			if (insn_is_ld_imm64(insn))
				emit_insn(e, f->insns.v[++i]);
		}
		ref += here;
	}
	array_foreach (l, &f->lines) {
		struct line moved = *l;

		moved.insn += l->insn ? base : 0; /* what is in front belongs to its first line */
		e->failed |= !array_add(&e->out.lines, moved);
	}
	array_foreach (c, &f->cores) {
		struct core_relo moved = *c;

		moved.insn += base;
		e->failed |= !array_add(&e->out.cores, moved);
	}
}

/* Name, type and flags stay. */
static void exchange_code(struct func *f, struct func *with)
{
	struct func old = *f;

	memcpy(&f->insns, &with->insns, sizeof(f->insns));
	memcpy(&f->refs, &with->refs, sizeof(f->refs));
	memcpy(&f->lines, &with->lines, sizeof(f->lines));
	memcpy(&f->cores, &with->cores, sizeof(f->cores));
	memcpy(&with->insns, &old.insns, sizeof(f->insns));
	memcpy(&with->refs, &old.refs, sizeof(f->refs));
	memcpy(&with->lines, &old.lines, sizeof(f->lines));
	memcpy(&with->cores, &old.cores, sizeof(f->cores));
}

static int bind(struct unit *u, struct func *f, __u8 arguments, const struct splice *s,
		struct braid_error *err)
{
	struct emitter e = {};
	struct func_facts facts;
	int n = __builtin_popcount(arguments), r = emitter_init(&e, 1), at = 0;
	__s16 slot;

	if (r || func_analyse(u, f - u->funcs.v, &facts)) {
		emitter_done(&e);
		return error_oom(err);
	}
	/*
	 * Where the depth is not known, this is a guess. Whoever writes there spoils an address,
	 * which the verifier sees.
	 */
	slot = -(__s16)(facts.stack + 8);
	if (facts.stack + 8 * (n + 1) > STACK_LIMIT) {
		emitter_done(&e);
		error_set(err, -EOVERFLOW, f->name, "no room on its stack for the configuration");
		error_why(err, "it uses %u bytes, braid needs %d, and there are %d", facts.stack,
			  8 * (n + 1), STACK_LIMIT);
		error_hint(err, "make the function __always_inline");
		return -EOVERFLOW;
	}
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++)
		if (arguments & 1 << i)
			emit_store(&e, BPF_DW, BPF_REG_10, slot - 8 * ++at, i);
	emit_config_home(&e, s, slot, true);
	at = 0;
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++)
		if (arguments & 1 << i)
			emit_load(&e, BPF_DW, i, BPF_REG_10, slot - 8 * ++at);
	emit_body(&e, f, s->config.section, slot);
	r = e.failed ? error_oom(err) : 0;
	if (!r)
		exchange_code(f, &e.out);
	emitter_done(&e);
	return r;
}

int config_bind_functions(struct unit *u, __u32 n, const struct splice *s, struct braid_error *err)
{
	_cleanup_free_ __u8 *arguments = NULL;
	struct splice later = *s;
	int r = find_arguments(u, &arguments) ? error_oom(err) : 0;

	later.control.entry = false; /* the version is the one that the packet entered with */
	for (__u32 i = 0; i < n && !r; i++)
		if (!u->funcs.v[i].dead && func_uses_section(&u->funcs.v[i], s->config.section))
			r = bind(u, &u->funcs.v[i], arguments[i], &later, err);
	return r;
}
