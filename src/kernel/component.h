/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A program of an object file, loaded as its author wrote it, by itself: to be a component of a
 * dispatcher, or to be attached alone. libbpf does it, since that is who authors write for.
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "object/annotation.h"

/* Which one. At most one of @section and @program; neither: the first program of the file. */
struct component_wish {
	const char *path;
	const char *section;  /* the first program in it */
	const char *program;  /* name of its function */
	const char *pin_path; /* folder for maps that ask to be pinned; NULL: they are not */
};

struct component_object {
	struct bpf_object *obj;
	struct bpf_program *program; /* borrowed from @obj */
	const char *name;            /* of its function, whole; borrowed */
	const char *path;            /* of the file; borrowed */
	bool frags;                  /* it takes packets of several buffers */
	struct run_config config;
	ARRAY(struct bpf_map *) pinned; /* by loading it; borrowed */
};

/**
 * component_open() - Return: 0; -ENOENT no such file, section or program; -ENOEXEC it is no
 * BPF object; -ENODATA it has no BTF; -EINVAL it is no XDP program, or what it says about how to
 * run it cannot be read.
 */
int component_open(const struct component_wish *wish, struct component_object *ret,
		   struct braid_error *err);
void component_close(struct component_object *o);
#define _cleanup_component_ _cleanup_(component_close)

/* Once, each object. What fails leaves no pin that was not there. */

/**
 * component_load() - for function "prog0" of a dispatcher.
 * Return: 0; -EPERM, also where the kernel refuses freplace: dispatch_explain(); what the
 * verifier and bpf(2) say.
 */
int component_load(struct component_object *o, int dispatcher_fd, struct braid_error *err);
/**
 * component_load_alone() - as a program of type XDP.
 * @device: ifindex of the one that runs it, in the caller's network namespace; 0: the kernel.
 */
int component_load_alone(struct component_object *o, __u32 device, struct braid_error *err);

/** component_unpin() - take back the pins that loading it made: what it was for has failed. */
void component_unpin(struct component_object *o);

/* Borrowed; -1 before it is loaded. */
int component_fd(const struct component_object *o);
