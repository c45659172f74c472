/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libxdp's dispatchers: several XDP programs on one interface, of several tools. What is there,
 * and changing it, as xdp-loader and every program with libxdp do it and expect it.
 *
 * A change is one transaction: packets meet the old chain or the new one. What is in a chain
 * lives in the kernel and in bpffs only; the store knows nothing of it. Components that belong
 * to a braid pipeline are shown here, and changed by the pipeline only.
 *
 * Needs: Linux 5.10, CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_BPF; bpffs.
 */
#ifndef BRAID_DISPATCHER_H
#define BRAID_DISPATCHER_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * braid_interfaces() - what XDP programs are on interfaces, as JSON: {"interfaces": [...]}.
 * @netns: as in a manifest; NULL: the caller's own.
 * @interface: only this one; NULL: all of @netns.
 * Return: 0; -ENODEV no such interface; -ENOENT no such network namespace; -EPERM.
 */
int braid_interfaces(const char *netns, const char *interface, char **ret_json,
		     struct braid_error *err);

/**
 * braid_dispatchers() - all dispatchers of the machine, in all network namespaces that can be
 * found, as JSON: {"dispatchers": [...]}, each as an interface above.
 */
int braid_dispatchers(char **ret_json, struct braid_error *err);

/**
 * braid_dispatchers_clean() - remove pins of dispatchers that are attached nowhere any more.
 * @interface: only of this one of @netns; NULL: of all.
 * @ret_json: {"leftovers": [...]}: what was looked at, whether it was removed, and why.
 * Return: 0; -ENODEV no such interface, or no bpffs; -EPERM.
 */
int braid_dispatchers_clean(const char *netns, const char *interface, char **ret_json,
			    struct braid_error *err);

/**
 * braid_interface_features() - what its driver can do with XDP, as JSON. Needs Linux 6.3.
 * Return: 0; -ENODEV; -EOPNOTSUPP the kernel does not tell.
 */
int braid_interface_features(const char *netns, const char *interface, char **ret_json,
			     struct braid_error *err);

/* A change to one interface: made up, then carried out at once. */
struct braid_chain;

enum braid_chain_alone {
	BRAID_CHAIN_NEVER_ALONE,
	BRAID_CHAIN_ALONE_IF_REFUSED, /* the kernel refuses programs that replace functions */
	BRAID_CHAIN_ALWAYS_ALONE
};

/**
 * struct braid_chain_opts - Zero it, set @sz.
 * @sz:       sizeof(struct braid_chain_opts).
 * @netns:    of the interface, as in a manifest; NULL: the caller's own.
 * @mode:     for the first component: "native", "generic"; "any": native where the driver can;
 *            "hardware": the device runs it, and there is no dispatcher; NULL: "native". A chain
 *            that is there must have it, too.
 * @pin_path: folder in bpffs for maps that ask to be pinned by name; NULL: they are not pinned.
 * @alone:    what to do when nothing is attached yet: make a dispatcher, or attach the one
 *            program as it is, to which nobody can add another one.
 */
struct braid_chain_opts {
	size_t sz;
	const char *netns;
	const char *mode;
	const char *pin_path;
	enum braid_chain_alone alone;
};

/**
 * braid_chain_open() - begin a change. Nothing happens before braid_chain_commit().
 * @opts: may be NULL.
 * @ret: free it with braid_chain_close().
 * Return: 0; -ENODEV no such interface; -ENOENT no such network namespace; -EINVAL no such mode.
 */
int braid_chain_open(const char *interface, const struct braid_chain_opts *opts,
		     struct braid_chain **ret, struct braid_error *err);
/** braid_chain_close() - what runs goes on. NULL is fine. */
void braid_chain_close(struct braid_chain *c);

/**
 * struct braid_component - one program to add. Zero it, set @sz.
 * @sz:           sizeof(struct braid_component).
 * @object:       path.
 * @section:      the first program in this section; NULL: see @program.
 * @program:      the function of this name; NULL, too: the first program of the object.
 * @has_priority: nonzero: @priority counts, not what the object says, or else 50.
 * @priority:     components with a lower one run earlier.
 * @has_actions:  nonzero: @actions counts, not what the object says, or else XDP_PASS.
 * @actions:      bit v set: after verdict v the next component runs.
 * @replaces:     id of a component that goes, and whose priority and actions are the default;
 *                0: none.
 */
struct braid_component {
	size_t sz;
	const char *object;
	const char *section;
	const char *program;
	int has_priority;
	uint32_t priority;
	int has_actions;
	uint32_t actions;
	uint32_t replaces;
};

/**
 * braid_chain_add() - one more component.
 * Return: 0; -ENOENT no such file, section or program; -ENOEXEC no BPF object; -ENODATA it has
 * no BTF; -EINVAL no XDP program, both section and program, or an annotation that cannot be read.
 */
int braid_chain_add(struct braid_chain *c, const struct braid_component *component,
		    struct braid_error *err);

/** braid_chain_remove() - take component @id out. A program that is attached alone: detach it. */
int braid_chain_remove(struct braid_chain *c, uint32_t id, struct braid_error *err);

/**
 * braid_chain_remove_all() - take out whatever is attached through netlink: all components, a
 * program that is no dispatcher, a dispatcher that nobody can change any more; in hardware, too.
 */
int braid_chain_remove_all(struct braid_chain *c, struct braid_error *err);

/**
 * braid_chain_set() - other settings of component @id.
 * @priority, @actions: NULL: as it is.
 */
int braid_chain_set(struct braid_chain *c, uint32_t id, const uint32_t *priority,
		    const uint32_t *actions, struct braid_error *err);

/**
 * braid_chain_commit() - carry it out: all of it, or nothing. Once.
 * @ret_json: what runs now, as an interface of braid_interfaces(), with "added" and "removed":
 *            ids; "alone": why there is no dispatcher. May be NULL.
 * Return: 0; -EBUSY what is attached is no dispatcher, a link holds it, or it belongs to a
 * pipeline, with who it is in @err; -ENOENT a component that is to go or to be set is not there;
 * -ENOSPC more than ten components; -EEXIST the chain is of another mode, or the device has a
 * program already; -EOPNOTSUPP no native XDP, or several programs for hardware or @alone;
 * -EAGAIN others changed it meanwhile, over and over; -EPERM, also where the kernel refuses
 * freplace; what the verifier says. After an error what ran before runs.
 */
int braid_chain_commit(struct braid_chain *c, char **ret_json, struct braid_error *err);

/**
 * braid_fds_send_chain() - what was added to @c, behind its commit: programs, maps and links,
 * without the end mark. See fds.h.
 */
int braid_fds_send_chain(const struct braid_chain *c, int socket, struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
