/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/freplace.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "kernel/hearing.h"
#include "kernel/probe.h"
#include "kernel/proginfo.h"

/* Newer than the headers here. */
#define XDP_HAS_FRAGS      (1U << 5)
#define XDP_DEV_BOUND_ONLY (1U << 6)

#define LOG_SIZE (1u << 20) /* bytes; only those that are written take memory */

DEFINE_CLEANUP(struct bpf_object *, bpf_object__close)

/* @log: of LOG_SIZE bytes, empty. */
static int load(struct bpf_object *obj, __u32 bound_to, char *log, int *ret_fd)
{
	struct bpf_program *p = bpf_object__next_program(obj, NULL);
	int fd, r;

	if (!p)
		return -ENOENT;
	bpf_program__set_log_buf(p, log, LOG_SIZE);
	if (bound_to) {
		bpf_program__set_ifindex(p, bound_to);
		bpf_program__set_flags(p, bpf_program__flags(p) | XDP_DEV_BOUND_ONLY);
	}
	r = bpf_object__load(obj);
	if (r)
		return r;
	fd = fcntl(bpf_program__fd(p), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int freplace_load(const void *elf, size_t size, __u32 bound_to, int *ret_fd,
		  struct braid_error *err)
{
	_cleanup_(bpf_object__closep) struct bpf_object *obj = NULL;
	_cleanup_free_ char *log = calloc(1, LOG_SIZE);
	_cleanup_(buf_done) struct buf heard = {};
	struct hearing h;
	int r;

	if (!log)
		return error_oom(err);
	h = hear(&heard);
	obj = bpf_object__open_mem(elf, size, NULL);
	r = obj ? load(obj, bound_to, log, ret_fd) : -errno;
	hear_no_more(h);
	if (!r)
		return 0;
	if (r == -EPERM && probe_privileges(err))
		return r;
	error_errno(err, r, NULL, "the kernel does not take the dispatcher");
	if (heard.v)
		error_why(err, "%s\n%s", error_name(r), heard.v);
	if (*log)
		error_log(err, TAKE_PTR(log));
	return r;
}

static int find_function(int prog_fd, const char *name, struct braid_error *err)
{
	struct proginfo p;
	int id, r;

	r = proginfo_read(prog_fd, &p, err);
	if (r)
		return r;
	id = p.btf ? btf__find_by_name_kind(p.btf, name, BTF_KIND_FUNC) : -ENOENT;
	if (id <= 0) {
		id = -ENOENT;
		error_set(err, id, NULL, "program %u has no function '%s' that could be replaced",
			  p.id, name);
	}
	proginfo_done(&p);
	return id;
}

int freplace_link(int prog_fd, int target_fd, const char *name, int *ret_fd,
		  struct braid_error *err)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int id = find_function(target_fd, name, err);
	int fd;

	if (id < 0)
		return id;
	opts.target_btf_id = id;
	fd = bpf_link_create(prog_fd, target_fd, 0, &opts);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd == -EPERM && probe_privileges(err))
		return fd;
	error_errno(err, fd, NULL, "cannot replace '%s' by a program", name);
	if (fd == -EINVAL)
		error_why(err, "it is no program of type EXT, or was made for a function that "
			       "takes, returns or does something else");
	return freplace_explain(err);
}

int freplace_info(int link_fd, struct freplace_info *ret, struct braid_error *err)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(link_fd, &info, &size);

	if (r)
		return error_errno(err, r, NULL, "cannot read what a link is");
	if (info.type != BPF_LINK_TYPE_TRACING) {
		error_set(err, -EMEDIUMTYPE, NULL, "link %u replaces no function", info.id);
		return -EMEDIUMTYPE;
	}
	*ret = (struct freplace_info){info.id, info.prog_id, info.tracing.target_obj_id};
	return 0;
}

/* What the file has in brackets is in force. "": unknown. */
static void read_lockdown(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "", *from, *to;

	*ret = '\0';
	if (!f || !fgets(line, sizeof(line), f) || !(from = strchr(line, '[')) ||
	    !(to = strchr(from, ']')))
		return;
	*to = '\0';
	if (strcmp(from + 1, "none"))
		snprintf(ret, size, "%s", from + 1);
}

int freplace_explain(struct braid_error *err)
{
	char lockdown[32];

	if (error_code(err) != -EPERM)
		return error_code(err);
	read_lockdown(lockdown, sizeof(lockdown));
	if (*lockdown)
		error_why(err,
			  "the kernel is locked down (%s): programs may not replace functions "
			  "of others (freplace), which is what dispatchers live on",
			  lockdown);
	else
		error_why(err, "the kernel refuses programs that replace functions of others "
			       "(freplace), which dispatchers live on: it may be locked down");
	error_hint(err, "strategies `fused` and `tailcall` do without; or boot without lockdown");
	return error_code(err);
}

bool freplace_knows_frags(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = XDP_HAS_FRAGS);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "braid_frags", "GPL", pass, 2,
					       &opts);

	return fd >= 0;
}
