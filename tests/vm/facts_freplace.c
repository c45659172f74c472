/* SPDX-License-Identifier: GPL-2.0-only */
/* freplace, as libxdp's dispatcher is made of it: a function of an XDP program is replaced. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"
#include "tap.h"

static struct bpf_object *target_load(void)
{
	struct bpf_object *o = facts_open("facts_target");

	if (bpf_object__load(o))
		bail_out("loading facts_target: %s", strerror(errno));
	return o;
}

static int target_fd(struct bpf_object *target)
{
	return bpf_program__fd(facts_find(target, "facts_target"));
}

/*
 * Attached once it has forgotten for which target it was loaded, which must be named then. It may
 * be another one.
 */
static void test_again(struct bpf_program *replacing, struct bpf_object *target)
{
	_cleanup_object_ struct bpf_object *other = target_load();
	struct bpf_link *first, *second;

	first = bpf_program__attach_freplace(replacing, target_fd(target), "facts_function");
	if (!fact(first ? 0 : -errno, "freplace: attaches again"))
		return;
	second = bpf_program__attach_freplace(replacing, target_fd(other), "facts_function");
	if (!fact(second ? 0 : -errno, "freplace: attaches to another program, too")) {
		bpf_link__destroy(first);
		return;
	}
	is_int(facts_verdict(target_fd(target)), XDP_TX, "the first one is replaced");
	is_int(facts_verdict(target_fd(other)), XDP_TX, "and the second");
	bpf_link__destroy(first);
	is_int(facts_verdict(target_fd(target)), XDP_DROP, "the first is not any more");
	is_int(facts_verdict(target_fd(other)), XDP_TX, "the second still is");
	bpf_link__destroy(second);
}

void facts_freplace(void)
{
	_cleanup_object_ struct bpf_object *target = target_load();
	_cleanup_object_ struct bpf_object *hooks = facts_open("facts_hooks");
	struct bpf_program *replacing = facts_find_alone(hooks, "facts_replaced");
	struct bpf_link *link;

	is_int(facts_verdict(target_fd(target)), XDP_DROP, "a program as it is");
	bpf_program__set_attach_target(replacing, target_fd(target), "facts_function");
	if (!fact(bpf_object__load(hooks), "freplace: a program loads"))
		return;
	link = bpf_program__attach_freplace(replacing, 0, NULL);
	ok(link, "it attaches");
	is_int(facts_verdict(target_fd(target)), XDP_TX, "its function is replaced");
	bpf_link__destroy(link);
	is_int(facts_verdict(target_fd(target)), XDP_DROP, "and is not, later");
	test_again(replacing, target);
}
