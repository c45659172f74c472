/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The code of pipelines and of objects, for people: what runs, why it is as it is, and as text. */
#ifndef BRAID_INSPECT_H
#define BRAID_INSPECT_H

#include <stddef.h>

#include "braid/error.h"
#include "braid/manifest.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid;

/**
 * struct braid_inspect_opts - Zero it, set @sz. NULL is the same as all 0.
 * @sz:      sizeof(struct braid_inspect_opts).
 * @stage:   only what belongs to that stage; NULL: all.
 * @machine: if nonzero, braid_dump() adds machine code.
 * @costs:   if nonzero, braid_explain() finds what each stage cost the verifier however long that
 *           takes: for a program of a million instructions ten seconds and 600 MB of memory. If 0,
 *           only of programs for which it takes about a second.
 */
struct braid_inspect_opts {
	size_t sz;
	const char *stage;
	int machine;
	int costs;
};

/**
 * braid_dump() - the instructions of the programs of pipeline @name, as the kernel runs them,
 * with the authors' source lines, and of which stage each is.
 * @ret_json: free it with free(). Members: docs/json.md#dump.
 * Needs: CAP_SYS_ADMIN; for names of helpers and machine code CAP_SYSLOG, and
 * kernel.kptr_restrict below 2: without, what is hidden is said in the JSON.
 * Return: 0; -ENOENT no such pipeline or stage, or nothing of it is loaded; -EPERM.
 */
int braid_dump(struct braid *b, const char *name, const struct braid_inspect_opts *opts,
	       char **ret_json, struct braid_error *err);

/**
 * braid_explain() - why pipeline @name, which runs, is as it is: for each stage why it is there,
 * in which program, how it was put in, what its seam costs, and what it cost the verifier.
 * Loads its programs once or twice more, attached to nothing, to ask the verifier.
 * @ret_json: free it with free(). Members: docs/json.md#explain.
 * Return: 0; -ENOENT no such pipeline or stage. What the verifier says to it is in the JSON.
 */
int braid_explain(struct braid *b, const char *name, const struct braid_inspect_opts *opts,
		  char **ret_json, struct braid_error *err);
/**
 * braid_explain_pipeline() - the same of @p, which need not run.
 * Return: 0; -ENOENT no such stage; as braid_plan_new().
 */
int braid_explain_pipeline(const struct braid_pipeline *p, const struct braid_inspect_opts *opts,
			   char **ret_json, struct braid_error *err);

/**
 * braid_assemble() - an object from text. The language: docs/asm.md.
 * @text: @size bytes. @name: of the file, for messages.
 * @ret_bytes: a relocatable ELF file for libbpf, bpftool, ip, or a stage; free it with free().
 * Return: 0; -EINVAL with file:line:column, what was read and what was expected; -ENOMEM.
 */
int braid_assemble(const char *text, size_t size, const char *name, void **ret_bytes,
		   size_t *ret_size, struct braid_error *err);
/**
 * braid_disassemble() - text from an object, which assembles to the same.
 * @ret_text: free it with free(). Return: 0; -EINVAL no BPF object; -EOPNOTSUPP one without BTF.
 */
int braid_disassemble(const void *bytes, size_t size, const char *name, char **ret_text,
		      struct braid_error *err);
/**
 * braid_verify() - what the verifier says to the programs of an object.
 * Each is loaded alone, with its maps, and let go at once. Pinning that it asks for is ignored.
 * @ret_json: a list with an element for each program: name, section, whether it was accepted,
 * figures, the log. Members: docs/json.md#asm. Free it with free().
 * Needs: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON; or CAP_SYS_ADMIN.
 * Return: 0, also if it refuses; -EPERM; -EINVAL no object.
 */
int braid_verify(const void *bytes, size_t size, const char *name, char **ret_json,
		 struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
