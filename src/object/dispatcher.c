/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The dispatcher program, emitted for one configuration. libxdp's own is compiled once and
 * reads its configuration while packets pass; here it is known beforehand, so what it decides
 * are immediates. For three components, each of which goes on after XDP_PASS:
 *
 *		r6 = r1
 *		call prog0
 *		if w0 != PASS goto else0
 *		r1 = r6
 *		call prog1
 *		if w0 != PASS goto else1
 *		r1 = r6
 *		call prog2
 *		if w0 == 31 goto end	no component is there: the chain goes on
 *		exit
 *	else0:	if w0 == 31 goto ...	behind the check after prog0
 *		exit
 *	else1:	...
 *	end:	w0 = PASS
 *		if w0 == PASS goto +2	always: the verifier takes it out, and what it skips,
 *		r1 = configuration	but the map remains one of the program's
 *		exit
 */
#include "object/dispatcher.h"

#include <bpf/btf.h>
#include <errno.h>

#include "base/text.h"
#include "object/dispatcher_abi.h"
#include "object/dispatcher_types.h"
#include "object/emit.h"
#include "object/unit.h"

#define PASS       2                  /* XDP_PASS */
#define ORIGIN     "braid:dispatcher" /* the file that line information names */
#define LICENSE    "Dual BSD/GPL"
#define ALIGN_DATA 4

/* Labels: i is behind the check of component i, or where the rest of it is. */
enum { NEXT, ELSE = DISPATCHER_SLOTS, END = 2 * DISPATCHER_SLOTS, OUT, LABELS };

struct code {
	struct emitter e;
	__u32 places[LABELS];
};

static bool has_bit(__u32 bits, int bit)
{
	return bits & 1u << bit;
}

/* Jumps go in both directions here: all get their distances when all places are known. */
static void place(struct code *c, __u32 label)
{
	c->places[label] = emit_here(&c->e);
}

static void resolve(struct code *c)
{
	for (__u32 l = 0; l < LABELS; l++)
		array_foreach (insn, &c->e.to[l].insns)
			c->e.out.insns.v[*insn].off = (__s64)c->places[l] - *insn - 1;
}

static void jump_if(struct code *c, int op, __s32 verdict, __u32 label)
{
	emit_jump32(&c->e, op, BPF_REG_0, verdict, 0);
	emit_fix_later(&c->e, label);
}

/* Verdicts in @bits lead to @label; with others it goes on behind. */
static void emit_test(struct code *c, __u32 bits, __u32 label)
{
	if (__builtin_popcount(bits) <= 2) {
		for (int v = 0; v < 32; v++)
			if (has_bit(bits, v))
				jump_if(c, BPF_JEQ, v, label);
		return;
	}
	/* A shift is by the number modulo 32: larger ones are no verdicts. */
	emit_jump32(&c->e, BPF_JGT, BPF_REG_0, 31, 3);
	emit_mov32(&c->e, BPF_REG_1, bits);
	emit_insn(&c->e, (struct bpf_insn){.code = BPF_ALU | BPF_RSH | BPF_X,
					   .dst_reg = BPF_REG_1,
					   .src_reg = BPF_REG_0});
	emit_jump32(&c->e, BPF_JSET, BPF_REG_1, 1, 0);
	emit_fix_later(&c->e, label);
}

/* After which verdict a chain goes on in a straight line: the one to be expected. */
static int usual(__u32 bits)
{
	return has_bit(bits, PASS) ? PASS : __builtin_ctz(bits);
}

static __u32 chain_bits(const struct dispatcher_config *c, __u32 slot)
{
	return c->slots[slot].actions | 1u << DISPATCHER_STUB;
}

static void emit_components(struct code *c, const struct dispatcher_config *config)
{
	for (__u32 i = 0; i < config->n; i++) {
		__u32 bits = chain_bits(config, i);

		emit_note(&c->e, "/* component %u */", i);
		if (i > 0)
			emit_mov(&c->e, BPF_REG_1, BPF_REG_6);
		else if (config->n > 1)
			emit_mov(&c->e, BPF_REG_6, BPF_REG_1);
		emit_call(&c->e, i);
		if (i + 1 == config->n)
			break;
		jump_if(c, BPF_JNE, usual(bits), ELSE + i);
		place(c, NEXT + i);
	}
}

static void emit_rest(struct code *c, const struct dispatcher_config *config)
{
	__u32 last = config->n - 1;

	/* Behind the last one all that goes on is PASS, which PASS is already. */
	emit_test(c, chain_bits(config, last) & ~(1u << PASS), END);
	emit_exit(&c->e);
	for (__u32 i = 0; i < last; i++) {
		__u32 bits = chain_bits(config, i);

		place(c, ELSE + i);
		emit_note(&c->e, "/* component %u has returned something else */", i);
		emit_test(c, bits & ~(1u << usual(bits)), NEXT + i);
		emit_exit(&c->e);
	}
	place(c, END);
	emit_note(&c->e, "/* behind the last component */");
	emit_mov32(&c->e, BPF_REG_0, PASS);
	jump_if(c, BPF_JEQ, PASS, OUT);
	emit_address(&c->e, BPF_REG_1, REF_DATA, 0, 0);
	place(c, OUT);
	emit_exit(&c->e);
}

/*
 * What a component replaces. The kernel lets only functions that may change packets be replaced
 * by such ones; this call changes nothing, and runs only where no component is.
 */
static void emit_stub(struct code *c)
{
	emit_note(&c->e, "/* no component */");
	emit_insn(&c->e,
		  (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2});
	emit_helper(&c->e, BPF_FUNC_xdp_adjust_tail);
	emit_mov32(&c->e, BPF_REG_0, DISPATCHER_STUB);
	emit_exit(&c->e);
}

static int code_init(struct code *c, struct unit *u)
{
	int origin = btf__add_str(u->btf, ORIGIN);

	*c = (struct code){};
	if (origin < 0)
		return origin;
	c->e.btf = u->btf;
	c->e.origin = origin;
	return emitter_init(&c->e, LABELS);
}

/* Makes what @c holds a function of @u. */
static int add_func(struct unit *u, struct code *c, const char *section, const char *name,
		    __u32 type_id)
{
	struct func *f = c->e.failed ? NULL : array_push(&u->funcs);

	if (!f)
		return -ENOMEM;
	resolve(c);
	*f = c->e.out;
	c->e.out = (struct func){};
	f->name = strdup(name);
	f->section = strdup(section);
	f->global = true;
	f->type_id = type_id;
	return f->name && f->section ? 0 : -ENOMEM;
}

static int add_stub(struct unit *u, __u32 i, __u32 type_id)
{
	_cleanup_free_ char *name = text_fmt("prog%u", i);
	struct code c = {};
	int r = name ? code_init(&c, u) : -ENOMEM;

	if (!r) {
		emit_stub(&c);
		r = add_func(u, &c, ".text", name, type_id);
	}
	emitter_done(&c.e);
	return r;
}

static int add_dispatcher(struct unit *u, const struct dispatcher_config *config, __u32 type_id)
{
	struct code c;
	int r = code_init(&c, u);

	if (!r) {
		emit_components(&c, config);
		emit_rest(&c, config);
		r = add_func(u, &c, config->frags ? "xdp.frags" : "xdp", DISPATCHER_NAME, type_id);
	}
	emitter_done(&c.e);
	return r;
}

static int add_section(struct unit *u, const char *name, enum section_kind kind, const void *bytes,
		       size_t size, __u32 var)
{
	struct section *s = array_push(&u->sections);
	struct var v = {.type_id = var, .size = size};

	if (!s)
		return -ENOMEM;
	s->name = strdup(name);
	s->kind = kind;
	s->align = ALIGN_DATA;
	s->bytes.v = malloc(size);
	if (!s->name || !s->bytes.v || !array_add(&s->vars, v))
		return -ENOMEM;
	memcpy(s->bytes.v, bytes, size);
	s->bytes.n = size;
	return 0;
}

/* Functions 0 to n - 1 are what components replace; calls name them by these numbers. */
static int build(struct unit *u, const struct dispatcher_config *c, const void *bytes)
{
	static const char version_marker[8];
	struct dispatcher_types t;
	int r = dispatcher_types(u->btf, c, &t);

	u->license = strdup(LICENSE);
	if (!u->license)
		return -ENOMEM;
	for (__u32 i = 0; i < c->n && !r; i++)
		r = add_stub(u, i, t.stubs[i]);
	r = r ?: add_dispatcher(u, c, t.dispatcher);
	r = r
		    ?: add_section(u, ".rodata", SECTION_RODATA, bytes,
				   dispatcher_config_size(c->version), t.config);
	return r
		       ?: add_section(u, DISPATCHER_METADATA, SECTION_OTHER, version_marker,
				      sizeof(version_marker), t.version);
}

int dispatcher_emit(const struct dispatcher_config *c, void **ret_elf, size_t *ret_size,
		    struct braid_error *err)
{
	_cleanup_(unit_freep) struct unit *u = NULL;
	__u8 bytes[DISPATCHER_MAX_CONFIG];
	int r;

	if (!c->n)
		return error_code(error_set(err, -EINVAL, NULL, "a dispatcher without components"));
	r = dispatcher_config_write(c, bytes, err);
	r = r ?: unit_new(DISPATCHER_NAME, &u, err);
	if (r)
		return r;
	r = build(u, c, bytes);
	if (r == -ENOMEM)
		return error_oom(err);
	if (r)
		return error_errno(err, r, DISPATCHER_NAME, "cannot build its types");
	return unit_write(u, ret_elf, ret_size, err);
}
