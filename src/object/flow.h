/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A small data flow over one function: which registers hold a constant, and which an
 * address of the function's own stack, and at the lowest? Where paths join, unequal
 * constants are anything, and the lower address counts.
 *
 * A stack that is taken for less than it is does no harm: the verifier sees it, too. A
 * constant that is none would lead a packet the wrong way: when in doubt it is anything.
 */
#pragma once

#include "object/unit.h"

enum value_kind { VALUE_ANY, VALUE_CONST, VALUE_STACK };

struct value {
	enum value_kind kind;
	__s32 v; /* VALUE_CONST: the low 32 bits; VALUE_STACK: offset from the frame pointer, <= 0
		  */
};

/* Four bits name a register, and files may say anything: there is room for what is none. */
#define FLOW_REGS 16

struct regs {
	struct value at[FLOW_REGS];
};

struct flow {
	const struct func *f;
	struct regs *before; /* by instruction; of those that are seen */
	bool *seen;          /* by instruction: it is reached */
	bool stack_known;    /* false: a stack address takes part in variable arithmetic */
	__u32 stack;         /* bytes below the frame pointer, a multiple of 8 */
};

/* 0 or -ENOMEM. flow_done() it. */
int flow_init(struct flow *fl, const struct func *f);
void flow_done(struct flow *fl);

/*
 * Stack slots of 8 bytes that the function reads or writes in parts: bit i is the slot at
 * frame pointer - 8 * (i + 1).
 */
__u64 flow_partial_slots(const struct flow *fl);

/* r0 when instruction @insn has run and control goes on: to its jump's target, or behind it. */
struct value flow_verdict(const struct flow *fl, __u32 insn, bool jumps);
