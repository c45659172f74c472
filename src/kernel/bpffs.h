/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The BPF file system: what is pinned there outlives every process. */
#pragma once

#include <stdbool.h>

#include "base/array.h"
#include "base/error.h"

enum bpffs_kind { BPFFS_PROGRAM, BPFFS_MAP, BPFFS_LINK };

struct bpffs_entry {
	char *name;
	bool is_folder; /* else something pinned */
};

struct bpffs_entries {
	ARRAY(struct bpffs_entry) list;
};

void bpffs_entries_done(struct bpffs_entries *entries);

/**
 * bpffs_root() - the BPF file system to use: $BRAID_BPFFS, else /sys/fs/bpf.
 * @ret: path, no slash at its end; caller frees.
 *
 * The default is refused when it is mounted in a private mount namespace only, such as
 * `ip netns exec` makes: pins there vanish with the last process inside, and with them
 * what they hold. Whoever names a root by $BRAID_BPFFS has chosen and is not asked.
 * Return: 0; -ENOENT no such folder; -ENODEV nothing mounted there; -EXDEV private;
 * -EACCES.
 */
int bpffs_root(char **ret, struct braid_error *err);

/*
 * A name for a pin: bpffs allows no '.', which network namespaces and interfaces
 * ("eth0.100") do have. '.' becomes "%2e", '%' "%25". NULL: no memory.
 */
char *bpffs_escape(const char *name);
char *bpffs_unescape(const char *pinned);

/** bpffs_mkdir() - make folder @path, 0700, and those above it. One that is there is fine. */
int bpffs_mkdir(const char *path, struct braid_error *err);

/** bpffs_list() - what is in folder @path, by name. Return: 0; -ENOENT no such folder. */
int bpffs_list(const char *path, struct bpffs_entries *ret, struct braid_error *err);

/**
 * bpffs_pin() - pin @fd at @path. Return: 0; -EEXIST something is there; -ENOENT no such
 * folder; -EPERM.
 */
int bpffs_pin(int fd, const char *path, struct braid_error *err);

/**
 * bpffs_get() - an fd for what is pinned at @path.
 * Return: 0; -ENOENT nothing; -EMEDIUMTYPE it is of another kind; -EPERM.
 */
int bpffs_get(const char *path, enum bpffs_kind kind, int *ret_fd, struct braid_error *err);

/** bpffs_unpin() - remove the pin at @path; what it held may cease. Return: 0; -ENOENT. */
int bpffs_unpin(const char *path, struct braid_error *err);

/**
 * bpffs_remove_tree() - remove folder @path with all pins and folders below.
 * Anything else there (a symbolic link, another file system) stops it. No such folder is
 * fine: the work of a killed process is finished by doing it again.
 */
int bpffs_remove_tree(const char *path, struct braid_error *err);
