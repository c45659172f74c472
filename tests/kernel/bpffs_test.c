/* SPDX-License-Identifier: GPL-2.0-only */
/* bpffs: pins, the names that it takes, folders, and which one is used. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/ids.h"
#include "kernel_common.h"
#include "net.h"

static void test_bpffs_pins(const char *root)
{
	_cleanup_free_ char *folder = text_fmt("%s/braid/x", root);
	_cleanup_free_ char *pin = text_fmt("%s/prog", folder),
			    *dotted = text_fmt("%s/a.b", folder);
	_cleanup_(bpffs_entries_done) struct bpffs_entries entries = {};
	_cleanup_close_ int one = verdict_program("one", XDP_PASS), got = -1;
	_cleanup_close_ int two = verdict_program("two", XDP_DROP);
	struct stat st;

	is_int(bpffs_mkdir(folder, &err), 0, "a folder and the one above");
	is_int(bpffs_mkdir(folder, &err), 0, "again");
	ok(!stat(folder, &st) && (st.st_mode & 0777) == 0700, "for the owner only");
	is_int(bpffs_pin(one, pin, &err), 0, "a pin");
	is_int(bpffs_pin(two, pin, &err), -EEXIST, "is not replaced by pinning");
	is_int(bpffs_get(pin, BPFFS_PROGRAM, &got, &err), 0, "it can be opened");
	is_int(program_id(got), program_id(one), "and is the program");
	closep(&got);
	is_int(bpffs_get(pin, BPFFS_MAP, &got, &err), -EMEDIUMTYPE, "but not as a map");
	says("a map was expected here, not a program");
	is_int(bpffs_list(folder, &entries, &err), 0, "the folder can be read");
	is_int(entries.list.n, 1, "there is one thing");
	is_str(entries.list.v[0].name, "prog", "the pin");
	ok(!entries.list.v[0].is_folder, "which is no folder");
	is_int(bpffs_pin(one, dotted, &err), -EPERM, "a '.' is refused");
	says("allows no '.'");
	is_int(bpffs_unpin(pin, &err), 0, "unpinned");
	is_int(bpffs_unpin(pin, &err), -ENOENT, "once");
}

static void test_bpffs_escape(void)
{
	_cleanup_free_ char *vlan = bpffs_escape("eth0.100%"), *back = bpffs_unescape(vlan);

	is_str(vlan, "eth0%2e100%25", "escaped for bpffs");
	is_str(back, "eth0.100%", "and back");
}

static void test_bpffs_remove_tree(const char *root)
{
	_cleanup_free_ char *top = text_fmt("%s/tree", root), *deep = text_fmt("%s/a/b", top);
	_cleanup_free_ char *pin = text_fmt("%s/pin", deep), *link = text_fmt("%s/link", top);
	_cleanup_close_ int prog = verdict_program("tree", XDP_PASS);
	const char *outside = net_scratch();

	bpffs_mkdir(deep, &err);
	bpffs_pin(prog, pin, &err);
	if (symlink(outside, link))
		bail_out("symlink: %s", strerror(errno));
	is_int(bpffs_remove_tree(top, &err), -EXDEV, "a symbolic link stops a removal");
	says("/tree/link");
	unlink(link);
	is_int(bpffs_remove_tree(top, &err), 0, "a tree is removed");
	ok(access(top, F_OK), "all of it");
	is_int(bpffs_remove_tree(top, &err), 0, "one that is gone is fine");
	is_int(bpffs_remove_tree(outside, &err), -ENODEV, "a folder elsewhere is refused");
	ok(!access(outside, F_OK), "and left alone");
}

static void test_bpffs_root(void)
{
	_cleanup_free_ char *root = NULL, *named = strdup(getenv("BRAID_BPFFS"));
	char *none = NULL;

	setenv("BRAID_BPFFS", "/run/bpf///", 1);
	is_int(bpffs_root(&root, &err), 0, "a root that was named");
	is_str(root, "/run/bpf", "without slashes at its end");
	setenv("BRAID_BPFFS", "/proc", 1);
	is_int(bpffs_root(&none, &err), -ENODEV, "another file system");
	says("no BPF file system is mounted here");
	setenv("BRAID_BPFFS", "/run/nothing", 1);
	is_int(bpffs_root(&none, &err), -ENOENT, "no folder");
	says("$BRAID_BPFFS");
	unsetenv("BRAID_BPFFS");
	is_int(bpffs_root(&none, &err), -EXDEV, "a private one that nobody named");
	says("ip netns exec");
	umount("/sys/fs/bpf");
	if (mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL))
		bail_out("mount: %s", strerror(errno));
	is_int(bpffs_root(&none, &err), -ENODEV, "none at the usual place");
	says("netns:");
	umount("/sys/fs/bpf");
	ok(!none, "an error returns no path");
	setenv("BRAID_BPFFS", named, 1);
}

int main(void)
{
	_cleanup_free_ char *root = NULL;

	kernel_test_begin();
	if (bpffs_root(&root, &err))
		bail_out("%s", error_all());
	test_bpffs_pins(root);
	test_bpffs_escape();
	test_bpffs_remove_tree(root);
	test_bpffs_root();
	return kernel_test_end();
}
