/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dispatchers in several network namespaces, on interfaces of one index: whose pins are whose,
 * and which of them nobody needs.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/text.h"
#include "dispatch_common.h"
#include "net.h"
#include "run.h"
#include "wait.h"

enum { IFINDEX = 4711, DEADLINE_MS = 20000 };

static void plug(const char *ns)
{
	must_run("ip -n %s link add p0 index %d type veth peer name p1", ns, IFINDEX);
	must_run("ip -n %s link set p0 up", ns);
}

static __u32 edit_in(const char *ns, const char *word)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const char *words[] = {word, NULL};
	__u32 id = 0;

	_net_in_(there, ns);
	if (!is_int(dispatch_edit_words("p0", words, dispatch_objects, &id, &err), 0, "%s in %s",
		    word, ns))
		diag("%s: %s", err.what, err.why ?: "");
	return id;
}

static const struct dispatch_leftover *find(const struct dispatch_leftovers *l, __u32 id)
{
	array_foreach (one, &l->list)
		if (one->id == id)
			return one;
	return NULL;
}

/* @removed: whether that of @id is. */
static void clean(__u32 ifindex, __u32 id, bool removed, const char *why)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers l = {};
	const struct dispatch_leftover *one;

	if (!is_int(dispatch_clean(ifindex, getenv("BRAID_BPFFS"), &l, &err), 0, "clean"))
		diag("%s: %s", err.what, err.why ?: "");
	one = find(&l, id);
	ok(one && one->removed == removed, "%u is %s", id, removed ? "removed" : "kept");
	ok(one && strstr(one->why, why), "since %s", one ? one->why : "it is not known");
}

static void clean_other(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers l = {};

	is_int(dispatch_clean(IFINDEX + 1, getenv("BRAID_BPFFS"), &l, &err), 0, "clean");
	is_int(l.list.n, 0, "nothing is found");
}

/* Takes the dispatcher away, and leaves its pins, as one does that is killed then. */
static void detach(const char *ns)
{
	_net_in_(there, ns);
	if (bpf_xdp_detach(IFINDEX, XDP_FLAGS_DRV_MODE, NULL))
		bail_out("detach: %s", strerror(errno));
}

static const struct dispatch_site *find_site(const struct dispatch_sites *s, const char *netns)
{
	array_foreach (site, &s->list)
		if (text_eq(site->netns, netns))
			return site;
	return NULL;
}

static void test_list(__u32 left, __u32 right)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(dispatch_sites_done) struct dispatch_sites s = {};
	const struct dispatch_site *l, *r;

	is_int(dispatch_list(getenv("BRAID_BPFFS"), &s, &err), 0, "all are listed");
	is_int(s.list.n, 2, "two");
	l = find_site(&s, "left");
	r = find_site(&s, "right");
	ok(l && l->dispatcher.id == left && l->ifindex == IFINDEX, "of left");
	ok(r && r->dispatcher.id == right && text_eq(r->ifname, "p0"), "of right");
	ok(r && r->dispatcher.components.n == 1 &&
		   text_eq(r->dispatcher.components.v[0].name, "mark_b"),
	   "with what it is made of");
}

static void test_two(void)
{
	__u32 left, right, old;

	left = edit_in("left", "+a:50:4");
	right = edit_in("right", "+b:50:4");
	test_list(left, right);
	clean(0, left, false, "attached to p0 in netns 'left'");
	clean(IFINDEX, right, false, "attached to p0 in netns 'right'");
	old = left;
	left = edit_in("left", "+c:60:4");
	ok(left != old, "a change in one");
	clean(0, right, false, "attached");
	is_int(dispatch_folders(), 2, "does not touch the pins of the other");
	detach("right");
	clean_other();
	is_int(dispatch_folders(), 2, "another index is not asked about");
	clean(0, right, true, "nowhere");
	is_int(dispatch_folders(), 1, "those that nobody needs are removed");
	edit_in("left", "-mark_a");
	edit_in("left", "-mark_c");
	is_int(dispatch_folders(), 0, "and so is the rest");
}

/* Without a name, but somebody is there, or has it open. */
static void test_nameless(void)
{
	_cleanup_close_ int fd = -1;
	struct run inside = {};
	__u32 id;

	net_add("held");
	plug("held");
	id = edit_in("held", "+a:50:4");
	run_start(&inside,
		  (const char *const[]){"ip", "netns", "exec", "held", "sleep", "infinity", NULL});
	fd = open("/run/netns/held", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		bail_out("/run/netns/held: %s", strerror(errno));
	net_delete("held");
	clean(0, id, false, "attached to p0 in netns 'cookie:");
	run_done(&inside);
	clean(0, id, false, "attached to p0 in netns 'cookie:");
	close(fd);
	fd = -1;
	/* the namespace ends, somewhat later, and with it what was attached there */
	for (int i = 0; i < 100 && dispatch_folders(); i++) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_(dispatch_leftovers_done) struct dispatch_leftovers l = {};

		dispatch_clean(0, getenv("BRAID_BPFFS"), &l, &err);
	}
	is_int(dispatch_folders(), 0, "nobody can be there: nobody needs it");
}

/* Who has the program open may be on the way to attach it: that is how libxdp works. */
static void test_about_to_attach(void)
{
	__u32 id = edit_in("left", "+a:50:4");
	struct run holder = {};
	char pin[128];

	snprintf(pin, sizeof(pin), "%s/holds", getenv("BRAID_BPFFS"));
	must_run("bpftool prog pin id %u %s", id, pin);
	run_start(&holder, (const char *const[]){dispatch_tool, "hold", pin, NULL});
	ok(wait_until(access(pin, F_OK), DEADLINE_MS), "somebody has it open");
	detach("left");
	clean(0, id, false, "may be about to attach");
	run_done(&holder);
	clean(0, id, true, "nowhere");
}

int main(int argc, char **argv)
{
	dispatch_init(argc, argv);
	net_add("left");
	net_add("right");
	plug("left");
	plug("right");
	test_two();
	test_nameless();
	test_about_to_attach();
	return done();
}
