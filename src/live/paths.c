/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */

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

bool path_parse_revision(const char *name, __u32 *ret_revision)
{
	unsigned int revision;
	int end = 0;

	if (sscanf(name, "r%u%n", &revision, &end) != 1 || name[end])
		return false;
	*ret_revision = revision;
	return true;
}
