/* SPDX-License-Identifier: GPL-2.0-only */
#include "dispatch_fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/freplace.h"
#include "kernel/proginfo.h"

enum { MAGIC = 236, SLOTS = 10, PRIORITY = 30 };

/* Actions and priorities follow each other in all versions. */
static void fill_slots(struct fixture *f, __u8 n)
{
	__u32 words[2 * SLOTS] = {};

	for (int i = 0; i < n && i < SLOTS; i++) {
		words[i] = 1u << XDP_PASS | 1u << 31;
		words[SLOTS + i] = PRIORITY + i;
	}
	memcpy(f->bytes + 4, words, sizeof(words));
}

void fixture_config(struct fixture *f, __u8 version, __u8 n)
{
	const __u8 head[] = {MAGIC, version, n, 0};

	memcpy(f->bytes, head, sizeof(head));
	fill_slots(f, n);
}

void fixture_config_1(struct fixture *f, __u8 n)
{
	f->bytes[0] = n;
	fill_slots(f, n);
}

static void must(int r, const char *what)
{
	if (r)
		bail_out("%s: %s", what, strerror(-r));
}

static void load(struct fixture *f)
{
	struct bpf_object *o = bpf_object__open_file(dispatch_object(f->object), NULL);
	struct bpf_map *map;

	if (!o)
		bail_out("%s: %s", dispatch_object(f->object), strerror(errno));
	map = bpf_object__next_map(o, NULL);
	must(bpf_map__set_initial_value(map, f->bytes, bpf_map__value_size(map)), "its bytes");
	must(bpf_object__load(o), f->object);
	f->fd = dup(bpf_program__fd(bpf_object__next_program(o, NULL)));
	bpf_object__close(o);
}

static void pin(int fd, const char *folder, int slot, const char *what)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *path = text_fmt("%s/prog%d-%s", folder, slot, what);

	must(bpffs_pin(fd, path, &err), path);
}

static void add_component(struct fixture *f, int slot)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_close_ int link = -1;
	struct addition a;
	char name[16];

	snprintf(name, sizeof(name), "prog%d", slot);
	must(dispatch_component(dispatch_objects, f->components[slot], 0, &a, &err),
	     f->components[slot]);
	must(freplace_link(a.fd, f->fd, name, &link, &err), name);
	pin(link, f->folder, slot, "link");
	pin(a.fd, f->folder, slot, "prog");
	close(a.fd);
	free((char *)a.name);
}

void fixture_attach(struct fixture *f)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct proginfo p;

	load(f);
	must(proginfo_read(f->fd, &p, &err), "proginfo");
	f->id = p.id;
	proginfo_done(&p);
	f->folder = text_fmt("%s/xdp/dispatch-%u-%u", getenv("BRAID_BPFFS"), dispatch_ifindex(),
			     f->id);
	must(bpffs_mkdir(f->folder, &err), f->folder);
	for (int i = 0; f->components[i]; i++)
		add_component(f, i);
	f->link_fd = -1;
	if (!f->by_link) {
		must(bpf_xdp_attach(dispatch_ifindex(), f->fd, XDP_FLAGS_DRV_MODE, NULL), "attach");
		return;
	}
	f->link_fd = bpf_link_create(f->fd, dispatch_ifindex(), BPF_XDP, &opts);
	must(f->link_fd < 0 ? f->link_fd : 0, "link");
}

void fixture_detach(struct fixture *f)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	if (f->link_fd >= 0)
		close(f->link_fd);
	else
		bpf_xdp_detach(dispatch_ifindex(), XDP_FLAGS_DRV_MODE, NULL);
	close(f->fd);
	bpffs_remove_tree(f->folder, &err);
	free(f->folder);
	*f = (struct fixture){};
}

void fixture_unpin(const struct fixture *f, const char *name)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *path = text_fmt("%s/%s", f->folder, name);

	must(bpffs_unpin(path, &err), path);
}
