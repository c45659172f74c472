/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Which version of the protocol the libxdp here speaks. Its tools cannot add to a dispatcher of
 * another version than their own, so ours on a fresh interface is theirs.
 */
#include <bpf/btf.h>
#include <glob.h>

#include "base/text.h"
#include "dispatch/inside.h"

DEFINE_CLEANUP(struct btf *, btf__free)

/* As built with: with an architecture in it on Debian, and for those who built it themselves. */
static const char *const places[] = {
	"/usr/local/lib*/bpf/xdp-dispatcher.o",
	"/usr/local/lib/*/bpf/xdp-dispatcher.o",
	"/usr/lib*/bpf/xdp-dispatcher.o",
	"/usr/lib/*/bpf/xdp-dispatcher.o",
};

static __u32 version_of(const char *path)
{
	_cleanup_(btf__freep) struct btf *btf = btf__parse_elf(path, NULL);
	__u32 version = btf ? dispatcher_metadata_version(btf) : 0;

	return version <= DISPATCHER_NEWEST ? version : 0;
}

static __u32 version_at(const char *pattern)
{
	__u32 version = 0;
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !version; i++)
		version = version_of(found.gl_pathv[i]);
	globfree(&found);
	return version;
}

__u32 dispatch_installed_version(void)
{
	const char *named = secure_getenv("LIBXDP_OBJECT_PATH");
	_cleanup_free_ char *path = named ? text_fmt("%s/xdp-dispatcher.o", named) : NULL;
	__u32 version = path ? version_of(path) : 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !version; i++)
		version = version_at(places[i]);
	return version;
}
