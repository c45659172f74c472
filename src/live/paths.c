/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "live/live.h"

/* <folder>/<part>, with the part made fit for bpffs. */
static char *below(const char *folder, const char *part)
{
	_cleanup_free_ char *name = bpffs_escape(part);

	return name ? text_fmt("%s/%s", folder, name) : NULL;
}

char *path_pipeline(const char *root, const char *home, const char *pipeline)
{
	_cleanup_free_ char *braid = text_fmt("%s/braid", root);
	_cleanup_free_ char *folder = braid ? below(braid, home) : NULL;

	return folder ? below(folder, pipeline) : NULL;
}

char *path_revision(const char *pipeline_path, __u32 revision)
{
	return text_fmt("%s/r%u", pipeline_path, revision);
}

char *path_program(const char *revision_path, const char *program)
{
	_cleanup_free_ char *folder = text_fmt("%s/programs", revision_path);

	return folder ? below(folder, program) : NULL;
}

char *path_map(const char *revision_path, const char *symbol)
{
	_cleanup_free_ char *folder = text_fmt("%s/maps", revision_path);

	return folder ? below(folder, symbol) : NULL;
}

char *path_link(const char *pipeline_path, __u64 cookie, __u32 ifindex)
{
	return text_fmt("%s/links/%" PRIu64 "-%u", pipeline_path, (uint64_t)cookie, ifindex);
}

bool path_parse_revision(const char *name, __u32 *ret_revision)
{
	unsigned int revision;
	int end = 0;

	if (sscanf(name, "r%u%n", &revision, &end) != 1 || name[end])
		return false;
	*ret_revision = revision;
	return true;
}

bool path_parse_link(const char *name, __u64 *ret_cookie, __u32 *ret_ifindex)
{
	unsigned long long cookie;
	unsigned int ifindex;
	int end = 0;

	if (sscanf(name, "%llu-%u%n", &cookie, &ifindex, &end) != 2 || name[end])
		return false;
	*ret_cookie = cookie;
	*ret_ifindex = ifindex;
	return true;
}

int revision_entry(const json_t *plan, const char *folder, int *ret_fd, __u32 *ret_id,
		   struct braid_error *err)
{
	const json_t *first = json_array_get(json_object_get(plan, "segments"), 0);
	const char *name = json_string_value(json_object_get(first, "program"));
	_cleanup_free_ char *pin = name ? path_program(folder, name) : NULL;
	_cleanup_close_ int fd = -1;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int r;

	if (!pin)
		return error_oom(err);
	r = bpffs_get(pin, BPFFS_PROGRAM, &fd, err);
	if (r == -ENOENT)
		braid_error_clear(err);
	else if (r)
		return r;
	else if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, pin, "cannot look at a program");
	*ret_fd = TAKE_FD(fd);
	*ret_id = info.id;
	return 0;
}

static void pinned_link_done(struct pinned_link *l)
{
	free(l->path);
	closep(&l->fd);
}

void pinned_links_done(struct pinned_links *links)
{
	array_foreach (l, &links->list)
		pinned_link_done(l);
	array_done(&links->list);
}

static int read_link(const char *folder, const char *name, struct pinned_links *ret,
		     struct braid_error *err)
{
	struct pinned_link link = {.fd = -1}, *slot;
	int r;

	if (!path_parse_link(name, &link.cookie, &link.ifindex))
		return 0;
	link.path = text_fmt("%s/%s", folder, name);
	if (!link.path)
		return error_oom(err);
	r = bpffs_get(link.path, BPFFS_LINK, &link.fd, err)
		    ?: link_info(link.fd, &link.info, err);
	slot = r ? NULL : array_push(&ret->list);
	if (!slot) {
		pinned_link_done(&link);
		return r ?: error_oom(err);
	}
	*slot = link;
	return 0;
}

int pinned_links_read(const char *pipeline_path, struct pinned_links *ret, struct braid_error *err)
{
	_cleanup_free_ char *folder = text_fmt("%s/links", pipeline_path);
	struct bpffs_entries entries = {};
	struct pinned_links links = {};
	int r = folder ? bpffs_list(folder, &entries, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		r = 0;
	}
	for (size_t i = 0; i < entries.list.n && !r; i++)
		if (!entries.list.v[i].is_folder)
			r = read_link(folder, entries.list.v[i].name, &links, err);
	bpffs_entries_done(&entries);
	if (r)
		pinned_links_done(&links);
	else
		*ret = links;
	return r;
}
