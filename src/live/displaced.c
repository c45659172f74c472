/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/displaced.h"

#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"

static char *folder_of(const char *revision_path)
{
	return text_fmt("%s/displaced", revision_path);
}

int displaced_keep(const char *revision_path, const struct spot *s, const struct front *foreign,
		   struct braid_error *err)
{
	_cleanup_free_ char *folder = folder_of(revision_path), *pin = NULL;

	if (folder)
		pin = text_fmt("%s/%" PRIu64 "-%u-%s", folder, (uint64_t)s->ns.cookie, s->ifindex,
			       xdp_mode_names[spot_xdp(s)->mode]);
	if (!pin)
		return error_oom(err);
	return bpffs_mkdir(folder, err) ?: bpffs_pin(front_fd(foreign), pin, err);
}

static bool parse_name(const char *name, struct spot *s, __u64 *ret_cookie, enum xdp_mode *ret_mode)
{
	unsigned long long cookie;
	unsigned int ifindex;
	int end = 0;

	if (sscanf(name, "%llu-%u-%n", &cookie, &ifindex, &end) != 2 || !end)
		return false;
	*ret_mode = text_eq(name + end, xdp_mode_names[XDP_GENERIC]) ? XDP_GENERIC : XDP_NATIVE;
	*ret_cookie = cookie;
	s->ifindex = ifindex;
	s->hook = HOOK_XDP;
	return true;
}

/* Between two packets, if ours is attached as it was. */
static int exchange(struct attachments *all, struct attachment *a, const struct front *new,
		    const struct front *foreign, struct braid_error *err)
{
	int r = attachment_update(a, new, foreign, err);

	if (r)
		return r;
	a->live = false; /* it is not ours any more */
	return attachment_remove(all, a, err);
}

static int put_back(struct spot *s, enum xdp_mode mode, struct attachments *all,
		    const struct front *new, const struct front *foreign, struct braid_error *err)
{
	struct attachment *a = attachment_at(all, s);
	int r = 0;

	if (a && a->way == &way_xdp_netlink && a->mode == mode && front_is(new, &a->runs))
		return exchange(all, a, new, foreign, err);
	if (a && front_is(new, &a->runs))
		r = attachment_remove(all, a, err) ?: spot_look(s, err);
	if (r || spot_xdp(s)) /* it never went, or somebody else's is there */
		return r;
	return xdp_attach_foreign(&s->ns, s->ifindex, front_fd(foreign), mode, err);
}

static int put_back_pinned(const char *folder, const char *name, struct attachments *all,
			   const struct front *new, struct braid_error *err)
{
	_cleanup_free_ char *pin = text_fmt("%s/%s", folder, name);
	_cleanup_front_ struct front foreign = {};
	_cleanup_spot_ struct spot s = SPOT_INIT;
	enum xdp_mode mode;
	__u64 cookie;
	int r;

	if (!parse_name(name, &s, &cookie, &mode))
		return 0;
	r = pin ? front_by_pin(pin, &foreign, err) : error_oom(err);
	if (r)
		return r;
	r = attachment_netns(cookie, &s.ns, err) ?: spot_look(&s, err);
	if (r == -ENOENT || r == -ENODEV) { /* gone, and what was attached with it */
		braid_error_clear(err);
		return 0;
	}
	return r ?: put_back(&s, mode, all, new, &foreign, err);
}

int displaced_put_back(const char *revision_path, struct attachments *all, const struct front *new,
		       struct braid_error *err)
{
	_cleanup_free_ char *folder = folder_of(revision_path);
	struct bpffs_entries entries = {};
	int r = folder ? bpffs_list(folder, &entries, err) : error_oom(err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	array_foreach (e, &entries.list)
		if (!r && !e->is_folder)
			r = put_back_pinned(folder, e->name, all, new, err);
	bpffs_entries_done(&entries);
	return r;
}

int displaced_drop(const char *revision_path, struct braid_error *err)
{
	_cleanup_free_ char *folder = folder_of(revision_path);

	return folder ? bpffs_remove_tree(folder, err) : error_oom(err);
}
