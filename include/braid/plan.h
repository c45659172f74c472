/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Plans: how a pipeline will run, decided before anything is touched. Pure: reads the
 * object files, needs no privilege.
 */
#ifndef BRAID_PLAN_H
#define BRAID_PLAN_H

#include <stddef.h>

#include "braid/error.h"
#include "braid/manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid_plan;

/**
 * braid_plan_new() - decide how @p will run.
 * @p:   borrowed; must outlive the plan.
 * @ret: written on success only; free it with braid_plan_free().
 *
 * Reads each stage's object, finds its program, and decides strategy, segments, what is
 * spliced into one program and what is called.
 * Return: 0; -ENOENT an object or a program that is not there; -EINVAL a damaged object, or
 * a program of another hook, or licences that the kernel would not take together;
 * -EOPNOTSUPP an object without BTF, or for another machine; -E2BIG strategy fused, and more
 * than one program can hold; -ENOMEM.
 */
int braid_plan_new(const struct braid_pipeline *p, struct braid_plan **ret,
		   struct braid_error *err);

/** braid_plan_free() - NULL is fine. */
void braid_plan_free(struct braid_plan *plan);

/**
 * braid_plan_json() - the plan as a JSON object: pipeline, strategy and why, licence,
 * segments, stages (object, SHA-256, program, verdicts and where they come from, spliced or
 * called and why, stack, instructions), maps.
 * @ret: written on success only; free it with free().
 * Return: 0; -EINVAL a constant or a map entry that does not fit; -ENOENT one that is not
 * there; -ENOMEM.
 */
int braid_plan_json(const struct braid_plan *plan, char **ret, struct braid_error *err);

/**
 * braid_plan_link() - the plan carried out: one BPF object.
 * @ret_bytes: a relocatable ELF file for libbpf, bpftool or ip; free it with free().
 * @ret_size:  its bytes.
 *
 * Constants and sizes of maps are in it; entries that the manifest gives maps are not, a
 * loader of objects knows nothing of them.
 * Return: 0; as braid_plan_json().
 */
int braid_plan_link(const struct braid_plan *plan, void **ret_bytes, size_t *ret_size,
		    struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
