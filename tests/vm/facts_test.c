/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * facts_test DIR - what only the VM's kernel can do, each thing really done, so that other tests
 * may rely on it. DIR has facts_*.bpf.o.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "wait.h"

enum { DEADLINE_MS = 20000 };

static const char *objects;

static void object_closep(struct bpf_object **o)
{
	bpf_object__close(*o);
}
#define _cleanup_object_ __attribute__((cleanup(object_closep)))

static void link_destroyp(struct bpf_link **link)
{
	bpf_link__destroy(*link);
}
#define _cleanup_link_ __attribute__((cleanup(link_destroyp)))

static struct bpf_object *object_open(const char *name)
{
	struct bpf_object *o;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", objects, name);
	o = bpf_object__open_file(path, NULL);
	if (!o)
		bail_out("%s: %s", path, strerror(errno));
	return o;
}

static struct bpf_program *find(struct bpf_object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);

	if (!p)
		bail_out("no program %s", name);
	return p;
}

/* Of facts_hooks, only this one is going to be loaded. */
static struct bpf_program *find_alone(struct bpf_object *o, const char *name)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o)
		bpf_program__set_autoload(p, strcmp(bpf_program__name(p), name) == 0);
	return find(o, name);
}

/* The only global variable of each object. */
static __u64 value(const struct bpf_object *o)
{
	int fd = bpf_object__find_map_fd_by_name(o, ".bss");
	__u64 value;

	if (bpf_map_lookup_elem(fd, &(__u32){0}, &value))
		bail_out("reading .bss: %s", strerror(errno));
	return value;
}

static void value_set(const struct bpf_object *o, __u64 value)
{
	int fd = bpf_object__find_map_fd_by_name(o, ".bss");

	if (bpf_map_update_elem(fd, &(__u32){0}, &value, BPF_ANY))
		bail_out("writing .bss: %s", strerror(errno));
}

/* A frame through an XDP program. Return: the verdict; negative errno. */
static int verdict(const struct bpf_program *p)
{
	__u8 frame[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	return bpf_prog_test_run_opts(bpf_program__fd(p), &run) ?: (int)run.retval;
}

static void test_freplace(void)
{
	_cleanup_object_ struct bpf_object *target = object_open("facts_target");
	_cleanup_object_ struct bpf_object *hooks = object_open("facts_hooks");
	struct bpf_program *xdp = find(target, "facts_target");
	struct bpf_program *replaced = find_alone(hooks, "facts_replaced");
	struct bpf_link *link;

	if (bpf_object__load(target))
		bail_out("loading facts_target: %s", strerror(errno));
	is_int(verdict(xdp), XDP_DROP, "a program as it is");
	bpf_program__set_attach_target(replaced, bpf_program__fd(xdp), "facts_verdict");
	if (!is_int(bpf_object__load(hooks), 0, "freplace loads"))
		return;
	link = bpf_program__attach_freplace(replaced, 0, NULL);
	ok(link, "freplace attaches");
	is_int(verdict(xdp), XDP_TX, "its function is replaced");
	bpf_link__destroy(link);
	is_int(verdict(xdp), XDP_DROP, "and is not, later");
}

static void test_fentry(void)
{
	_cleanup_object_ struct bpf_object *o = object_open("facts_hooks");
	struct bpf_program *entry = find_alone(o, "facts_entry");
	_cleanup_link_ struct bpf_link *link = NULL;
	LIBBPF_OPTS(bpf_test_run_opts, run);

	if (!is_int(bpf_object__load(o), 0, "fentry loads"))
		return;
	link = bpf_program__attach(entry);
	ok(link, "fentry attaches");
	is_int(bpf_prog_test_run_opts(bpf_program__fd(entry), &run), 0, "the function is called");
	is_int(value(o), 1, "fentry saw it");
}

static int make_map(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "facts", 4, 4, 1, NULL);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void test_lsm(void)
{
	_cleanup_object_ struct bpf_object *o = object_open("facts_hooks");
	struct bpf_program *lsm = find_alone(o, "facts_lsm");
	struct bpf_link *link;

	if (!is_int(bpf_object__load(o), 0, "LSM loads"))
		return;
	value_set(o, getpid());
	is_int(make_map(), 0, "a map is made");
	link = bpf_program__attach_lsm(lsm);
	ok(link, "LSM attaches");
	is_int(make_map(), -EACCES, "a map is refused");
	bpf_link__destroy(link);
	is_int(make_map(), 0, "and is not, later");
}

/* Return: whether the file holds that line, and nothing else. */
static bool file_is(const char *path, const char *line)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char found[128] = "";

	return f && fgets(found, sizeof(found), f) && strcspn(found, "\n") == strlen(line) &&
	       strncmp(found, line, strlen(line)) == 0;
}

static void test_sched_ext(void)
{
	_cleanup_object_ struct bpf_object *o = object_open("facts_sched");
	struct bpf_map *ops = bpf_object__find_map_by_name(o, "facts_sched");
	struct bpf_link *link;

	ok(file_is("/sys/kernel/sched_ext/state", "disabled"), "sched_ext is there");
	if (!is_int(bpf_object__load(o), 0, "a scheduler loads"))
		return;
	link = bpf_map__attach_struct_ops(ops);
	ok(link, "it attaches");
	ok(file_is("/sys/kernel/sched_ext/state", "enabled"), "it is the scheduler");
	ok(file_is("/sys/kernel/sched_ext/root/ops", "braid_facts"), "under its name");
	ok(value(o) > 0, "it was given the tasks");
	bpf_link__destroy(link);
	ok(wait_until(file_is("/sys/kernel/sched_ext/state", "disabled"), DEADLINE_MS),
	   "it is the scheduler no more");
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* The interface that came last. */
static int newest(void)
{
	struct if_nameindex *all = if_nameindex();
	int last = 0;

	if (!all)
		bail_out("if_nameindex: %s", strerror(errno));
	for (struct if_nameindex *i = all; i->if_index; i++)
		last = (int)i->if_index > last ? (int)i->if_index : last;
	if_freenameindex(all);
	return last;
}

/* A program for a device is taken by it, which shows in debugfs. */
static void check_offload(int ifindex)
{
	const char *shown = "/sys/kernel/debug/netdevsim/netdevsim7/ports/0/bpf_offloaded_id";
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_ifindex = ifindex);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "facts", "GPL", pass, 2, &opts);

	ok(fd >= 0, "a program for a device loads");
	ok(file_is(shown, "0"), "the device has none yet");
	is_int(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_HW_MODE, NULL), 0, "offloading it");
	ok(!file_is(shown, "0"), "the device has it");
	is_int(bpf_xdp_detach(ifindex, XDP_FLAGS_HW_MODE, NULL), 0, "taking it back");
	ok(file_is(shown, "0"), "the device has it no more");
}

static void test_netdevsim(void)
{
	int before = newest();

	if (!is_int(write_file("/sys/bus/netdevsim/new_device", "7 1"), 0, "netdevsim is made"))
		return;
	ok(wait_until(newest() > before, DEADLINE_MS), "it has an interface");
	check_offload(newest());
	is_int(write_file("/sys/bus/netdevsim/del_device", "7"), 0, "netdevsim is taken away");
	is_int(newest(), before, "with its interface");
}

static void test_netkit(void)
{
	_cleanup_run_ struct run r = {};

	is_int(run(&r, "ip", "link", "add", "facts", "type", "netkit"), 0, "netkit is made");
	is_int(run(&r, "ip", "link", "delete", "facts"), 0, "and taken away");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		bail_out("usage: facts_test DIR");
	objects = argv[1];
	net_init();
	test_freplace();
	test_fentry();
	test_lsm();
	test_sched_ext();
	test_netdevsim();
	test_netkit();
	return done();
}
