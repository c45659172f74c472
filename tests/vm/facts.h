/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels can do, each thing really done. The project's own kernel, which has no modules,
 * has all of it. Others may lack things, and then a subtest is skipped and says which.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"

enum { FACTS_DEADLINE_MS = 20000 };

void facts_init(const char *objects);
/* The first step of a thing. @error: as of a system call. Return: whether to go on. */
bool fact(int error, const char *what);

static inline void object_closep(struct bpf_object **o)
{
	bpf_object__close(*o);
}
#define _cleanup_object_ __attribute__((cleanup(object_closep)))

static inline void link_destroyp(struct bpf_link **link)
{
	bpf_link__destroy(*link);
}
#define _cleanup_link_ __attribute__((cleanup(link_destroyp)))

/* Set-up that fails bails out. */
struct bpf_object *facts_open(const char *name);
struct bpf_program *facts_find(struct bpf_object *o, const char *name);
/* Of all programs of @o, only this one is going to be loaded. */
struct bpf_program *facts_find_alone(struct bpf_object *o, const char *name);

/* The only global variable of an object */
__u64 facts_value(const struct bpf_object *o);
void facts_value_set(const struct bpf_object *o, __u64 value);

/* A frame through a program. Return: the verdict; negative errno. */
int facts_verdict(int prog_fd);

/* Return: whether the file holds that line, and nothing else. */
bool facts_file_is(const char *path, const char *line);

/* The files */
void facts_types(void);
void facts_freplace(void);
void facts_xdp(void);
void facts_devices(void);
void facts_tc(void);
