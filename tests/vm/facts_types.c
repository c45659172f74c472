/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs of types that a locked-down kernel refuses: fentry, LSM, schedulers. */
#include <errno.h>
#include <unistd.h>

#include "facts.h"
#include "tap.h"
#include "wait.h"

static void test_fentry(void)
{
	_cleanup_object_ struct bpf_object *o = facts_open("facts_hooks");
	struct bpf_program *entry = facts_find_alone(o, "facts_entry");
	_cleanup_link_ struct bpf_link *link = NULL;
	LIBBPF_OPTS(bpf_test_run_opts, run);

	if (!fact(bpf_object__load(o), "fentry: a program loads"))
		return;
	link = bpf_program__attach(entry);
	ok(link, "it attaches");
	is_int(bpf_prog_test_run_opts(bpf_program__fd(entry), &run), 0, "the function is called");
	is_int(facts_value(o), 1, "fentry saw it");
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
	_cleanup_object_ struct bpf_object *o = facts_open("facts_hooks");
	struct bpf_program *lsm = facts_find_alone(o, "facts_lsm");
	struct bpf_link *link;

	if (!fact(bpf_object__load(o), "LSM: a program loads"))
		return;
	facts_value_set(o, getpid());
	is_int(make_map(), 0, "a map is made");
	link = bpf_program__attach_lsm(lsm);
	ok(link, "it attaches");
	is_int(make_map(), -EACCES, "a map is refused");
	bpf_link__destroy(link);
	is_int(make_map(), 0, "and is not, later");
}

static void test_sched_ext(void)
{
	_cleanup_object_ struct bpf_object *o = NULL;
	struct bpf_map *ops;
	struct bpf_link *link;

	if (!fact(access("/sys/kernel/sched_ext/state", F_OK) ? -errno : 0,
		  "sched_ext: schedulers as programs"))
		return;
	o = facts_open("facts_sched");
	ops = bpf_object__find_map_by_name(o, "facts_sched");
	ok(facts_file_is("/sys/kernel/sched_ext/state", "disabled"), "there is none yet");
	if (!is_int(bpf_object__load(o), 0, "a scheduler loads"))
		return;
	link = bpf_map__attach_struct_ops(ops);
	ok(link, "it attaches");
	ok(facts_file_is("/sys/kernel/sched_ext/state", "enabled"), "it is the scheduler");
	ok(facts_file_is("/sys/kernel/sched_ext/root/ops", "braid_facts"), "under its name");
	ok(facts_value(o) > 0, "it was given the tasks");
	bpf_link__destroy(link);
	ok(wait_until(facts_file_is("/sys/kernel/sched_ext/state", "disabled"), FACTS_DEADLINE_MS),
	   "it is the scheduler no more");
}

void facts_types(void)
{
	test_fentry();
	test_lsm();
	test_sched_ext();
}
