// SPDX-License-Identifier: GPL-2.0-only
#include "common/status.h"

#include <bpf/bpf.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

json_t *status_read(struct braid *b, const char *pipeline)
{
	struct braid_error error = BRAID_ERROR_INIT;
	json_t *all, *one;
	char *text;

	braid_must(braid_status(b, pipeline, &text, &error), &error, "status");
	all = json_loads(text, 0, NULL);
	one = json_incref(json_array_get(json_object_get(all, "pipelines"), 0));
	json_decref(all);
	free(text);
	if (!one)
		errx(1, "%s does not run", pipeline);
	return one;
}

int status_program(const json_t *pipeline)
{
	const json_t *first = json_array_get(json_object_get(pipeline, "programs"), 0);
	int fd = bpf_prog_get_fd_by_id(json_integer_value(json_object_get(first, "id")));

	if (fd < 0)
		err(1, "the attached program");
	return fd;
}

static bool is_text(const json_t *j, const char *text)
{
	const char *is = json_string_value(j);

	return text ? is && strcmp(is, text) == 0 : !is;
}

int status_map(const json_t *pipeline, const char *stage, const char *name)
{
	const json_t *map;
	size_t i;

	json_array_foreach (json_object_get(pipeline, "maps"), i, map) {
		int fd;

		if (!is_text(json_object_get(map, "stage"), stage) ||
		    !is_text(json_object_get(map, "name"), name))
			continue;
		fd = bpf_map_get_fd_by_id(json_integer_value(json_object_get(map, "id")));
		if (fd < 0)
			err(1, "the map %s of %s", name, stage ?: "all");
		return fd;
	}
	errx(1, "no map %s of %s", name, stage ?: "all");
}
