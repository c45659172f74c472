/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "live/note.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/error.h"
#include "kernel/bpffs.h"

int note_write(int fd, const struct note *n, struct braid_error *err)
{
	struct note note = *n;
	__u32 zero = 0;
	int r;

	note.magic = NOTE_MAGIC;
	note.version = NOTE_VERSION;
	r = bpf_map_update_elem(fd, &zero, &note, BPF_ANY);
	return r ? error_errno(err, r, NULL, "cannot note how a pipeline is attached") : 0;
}

int note_pin(const char *path, const struct note *n, int *ret_fd, struct braid_error *err)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "braid_note", sizeof(__u32),
						sizeof(*n), 1, NULL);
	int r;

	if (fd < 0)
		return error_errno(err, fd, path, "cannot make a map");
	r = note_write(fd, n, err) ?: bpffs_unpin(path, err);
	if (r && r != -ENOENT)
		return r;
	braid_error_clear(err);
	r = bpffs_pin(fd, path, err);
	if (!r)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int note_read(int fd, const char *path, struct note *ret, struct braid_error *err)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0;
	struct note note;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, path, "cannot look at a map");
	if (info.value_size != sizeof(note) || bpf_map_lookup_elem(fd, &zero, &note) ||
	    note.magic != NOTE_MAGIC) {
		error_set(err, -EBADMSG, path, "what is pinned here is neither a link nor a note");
		error_hint(err, "braid did not pin it: remove it");
		return -EBADMSG;
	}
	if (note.version > NOTE_VERSION) {
		error_set(err, -EPROTONOSUPPORT, path, "this note is of a later braid");
		error_why(err, "it is of version %u, this braid knows %u", note.version,
			  NOTE_VERSION);
		error_hint(err, "use that braid");
		return -EPROTONOSUPPORT;
	}
	*ret = note;
	return 0;
}
