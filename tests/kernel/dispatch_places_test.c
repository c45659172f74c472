/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folders of dispatchers in a bpffs: which names there are such, also where libxdp's own
 * folder is a symbolic link, as iproute2 makes it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "dispatch/inside.h"
#include "kernel_common.h"
#include "net.h"

/* "dispatch-7-12 prog-test-link-3-4"; caller frees. */
static char *places(const char *root)
{
	_cleanup_(dispatch_places_done) struct dispatch_places found = {};
	struct buf names = {};

	buf_str(&names, "");
	is_int(dispatch_places_read(root, &found, &err), 0, "what is there is read");
	array_foreach (p, &found.list)
		buf_fmt(&names, "%s%s", names.n ? " " : "", p->folder + strlen(root) + 1);
	return buf_take(&names);
}

static void are_places(const char *root, const char *want, const char *what)
{
	_cleanup_free_ char *got = places(root);

	is_str(got, want, "%s", what);
}

static void make(const char *root, const char *name)
{
	_cleanup_free_ char *path = text_fmt("%s/%s", root, name);

	if (mkdir(path, 0700))
		bail_out("%s: %s", path, strerror(errno));
}

static void make_all(const char *root, const char *folder)
{
	static const char *const names[] = {
		"dispatch-7-12", "dispatch-7-13x", "dispatch-7",
		"dispatch--",    "globals",        "prog-test-link-3-4",
	};

	make(root, folder);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		_cleanup_free_ char *below = text_fmt("%s/%s", folder, names[i]);

		make(root, below);
	}
}

static void test_names(const char *root)
{
	_cleanup_free_ char *pin = text_fmt("%s/xdp/prog-test-link-5-6", root);
	_cleanup_free_ char *other = text_fmt("%s/xdp/dispatch-5-6", root);
	_cleanup_close_ int fd = verdict_program("one", XDP_PASS);

	are_places(root, "", "nothing, where nobody was");
	make_all(root, "xdp");
	if (bpf_obj_pin(fd, pin) || bpf_obj_pin(fd, other))
		bail_out("pin: %s", strerror(errno));
	are_places(root, "xdp/dispatch-7-12 xdp/prog-test-link-5-6",
		   "other names are of other people, and so is what is of another kind");
}

static void test_link(const char *root)
{
	_cleanup_free_ char *link = text_fmt("%s/linked", root), *xdp = text_fmt("%s/xdp", link);
	struct dispatch_lock lock = DISPATCH_LOCK_INIT;

	make(root, "linked");
	make_all(link, "tc");
	if (symlink("tc", xdp))
		bail_out("%s: %s", xdp, strerror(errno));
	are_places(link, "xdp/dispatch-7-12", "through a symbolic link");
	is_int(dispatch_lock(link, &lock, &err), 0, "it is a lock as well");
	dispatch_unlock(&lock);
}

int main(void)
{
	kernel_test_begin();
	test_names(getenv("BRAID_BPFFS"));
	test_link(getenv("BRAID_BPFFS"));
	return kernel_test_end();
}
