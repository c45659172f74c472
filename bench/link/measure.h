/* SPDX-License-Identifier: GPL-2.0-only */
/* One measurement of everything between a pipeline's description and its running. */
#pragma once

#include "link/subjects.h"

/* In the order in which they happen; QUANTITY_* are indices. */
enum {
	LINK_US,    /* plan and link: objects in, one object out */
	LOAD_US,    /* the object into the kernel by libbpf: maps, BTF, verification, JIT */
	VERIFY_US,  /* of that the verifier's time, by its own account */
	ATTACH_US,  /* a new link, native XDP on veth */
	APPLY_US,   /* braid_apply(), nothing runs: all of the above, pins, the store */
	REPLACE_US, /* braid_apply() of the other version while the first one runs */
	DELETE_US,  /* braid_delete() */
	ELF_BYTES,
	PROGRAMS,
	INSNS,          /* of all programs, as the kernel has them (xlated) */
	JITED_BYTES,    /* of all programs */
	VERIFIED_INSNS, /* instructions that the verifier walked over, paths counted */
	QUANTITIES
};

extern const char *const quantity_units[QUANTITIES];

struct sample {
	double of[QUANTITIES];
};

/* Makes the namespaces with interface eth0 that measure() is about. Once per process. */
void measure_init(void);

void measure(struct braid *braid, const struct subject *subject, struct sample *ret);
