// SPDX-License-Identifier: GPL-2.0-only
#include "link/measure.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "common/sandbox.h"

/* clang-format off */
const char *const quantity_units[QUANTITIES] = {
	[LINK_US] = "link_us",
	[LOAD_US] = "load_us",
	[VERIFY_US] = "verify_us",
	[ATTACH_US] = "attach_us",
	[APPLY_US] = "apply_us",
	[REPLACE_US] = "replace_us",
	[DELETE_US] = "delete_us",
	[ELF_BYTES] = "elf_bytes",
	[PROGRAMS] = "programs",
	[INSNS] = "insns",
	[JITED_BYTES] = "jited_bytes",
	[VERIFIED_INSNS] = "verified_insns",
};
/* clang-format on */

#define VERIFIER_STATS 4    /* Linux, BPF_LOG_STATS: a few lines for each program */
#define LOG_SIZE       4096 /* bytes; enough for those */

void measure_init(void)
{
	sandbox_enter();
	if (unshare(CLONE_NEWNET))
		err(1, "a network namespace");
	if (system("ip link add eth0 type veth peer name eth1 && "
		   "ip link set eth0 up && ip link set eth1 up"))
		errx(1, "no veth pair");
}

static double now_us(void)
{
	return now_ns() / 1e3;
}

static void add_program_size(int program_fd, struct sample *ret)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd, &info, &size))
		err(1, "sizes of a program");
	ret->of[PROGRAMS]++;
	ret->of[INSNS] += info.xlated_prog_len / 8;
	ret->of[JITED_BYTES] += info.jited_prog_len;
	ret->of[VERIFIED_INSNS] += info.verified_insns;
}

static double verification_us(const char *log)
{
	static const char words[] = "verification time ";
	const char *found = strstr(log, words);

	if (!found)
		errx(1, "the verifier does not say how long it took: %s", log);
	return strtod(found + strlen(words), NULL);
}

/* Loads @elf for measuring only: braid_apply() does it for itself again. */
static void measure_load(struct bytes elf, struct sample *ret)
{
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	struct bpf_object *object = object_open(elf, "link");
	struct bpf_program *entry = bpf_object__next_program(object, NULL), *p;
	_cleanup_close_ int link = -1;
	double start;

	bpf_object__for_each_program(p, object)
	{
		char *log = calloc(1, LOG_SIZE);

		if (!log)
			err(1, "a log");
		bpf_program__set_log_level(p, VERIFIER_STATS);
		bpf_program__set_log_buf(p, log, LOG_SIZE);
	}
	start = now_us();
	if (bpf_object__load(object))
		err(1, "loading");
	ret->of[LOAD_US] = now_us() - start;

	start = now_us();
	link = bpf_link_create(bpf_program__fd(entry), if_nametoindex("eth0"), BPF_XDP, &native);
	if (link < 0)
		err(1, "attaching");
	ret->of[ATTACH_US] = now_us() - start;

	bpf_object__for_each_program(p, object)
	{
		size_t size;
		char *log = (char *)bpf_program__log_buf(p, &size);

		add_program_size(bpf_program__fd(p), ret);
		ret->of[VERIFY_US] += verification_us(log);
		bpf_program__set_log_buf(p, NULL, 0);
		free(log);
	}
	bpf_object__close(object);
}

static double apply_us(struct braid *braid, const struct braid_pipeline *p)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	double start = now_us();

	braid_must(braid_apply(braid, p, &opts, NULL, &error), &error, "applying");
	return now_us() - start;
}

void measure(struct braid *braid, const struct subject *subject, struct sample *ret)
{
	struct braid_error error = BRAID_ERROR_INIT;
	const struct braid_pipeline *p = subject->versions[0];
	struct bytes elf;
	double start = now_us();

	*ret = (struct sample){};
	elf = pipeline_link(p);
	ret->of[LINK_US] = now_us() - start;
	ret->of[ELF_BYTES] = elf.size;
	measure_load(elf, ret);
	free((void *)elf.data);

	ret->of[APPLY_US] = apply_us(braid, p);
	ret->of[REPLACE_US] = apply_us(braid, subject->versions[1]);
	start = now_us();
	braid_must(braid_delete(braid, braid_pipeline_name(p), &error), &error, "deleting");
	ret->of[DELETE_US] = now_us() - start;
}
