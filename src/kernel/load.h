/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* An image into the kernel: programs verified, maps made and filled. Nothing is attached. */
#pragma once

#include "compose/image.h"

/* A map that is there already, in the place of the image's own. */
struct load_reuse {
	const char *symbol; /* of the image's map */
	int fd;             /* borrowed */
};

struct loaded;

/**
 * @reuse:      maps that are there; may be NULL when @n_reuse is 0.
 * @only:       load the program of this segment only; 0: of all.
 * @dispatcher: fd of a dispatcher: programs become components, of type EXT; 0: of the hook's.
 * @stats:      the verifier says what it cost it, in loaded_log(); what it refuses it explains
 * less.
 */
struct load_opts {
	const struct load_reuse *reuse;
	size_t n_reuse;
	__u32 only;
	int dispatcher;
	bool stats;
};

/**
 * load_image() - load all programs and maps of @image, and fill the maps that are new.
 * @ret: written on success only. Its fds are closed by loaded_free(): what is to live on
 *       must be pinned or attached by then.
 * Needs: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON; or CAP_SYS_ADMIN.
 * Return: 0; -EPERM no privileges; -EACCES, -EINVAL, -E2BIG and others from the verifier,
 * with the stage, file and line in @err->where and the verifier's log in @err->log; what
 * bpf(2) returns for maps.
 */
int load_image(const struct image *image, const struct load_opts *o, struct loaded **ret,
	       struct braid_error *err);
void loaded_free(struct loaded *l);
DEFINE_CLEANUP(struct loaded *, loaded_free)

/* Borrowed fds; -1: no such. */
int loaded_program(const struct loaded *l, __u32 segment);
int loaded_map(const struct loaded *l, const char *symbol);
/* What the verifier has said of a program that it took; "". */
const char *loaded_log(const struct loaded *l, __u32 segment);
/* The present bytes of a section of globals, all @size of them. Return: 0; -ENOENT. */
int loaded_read(const struct loaded *l, const char *symbol, void *out, size_t size,
		struct braid_error *err);
