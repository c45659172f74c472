/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_maps_common.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

const char *maps_stage(const char *more)
{
	return live_text("{name: all, object: %s/live_maps.bpf.o%s}", live_objects, more);
}

void maps_apply(const char *more)
{
	must_braid("apply", live_manifest("m.yaml", ON_R0, maps_stage(more)));
}

/* Trailing newlines do not count. */
static const char *keep(const char *text)
{
	static char texts[8][1 << 16];
	static int next;
	char *kept = texts[next++ % 8];
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		n--;
	if (n >= sizeof(texts[0]))
		bail_out("it says too much");
	memcpy(kept, text, n);
	kept[n] = '\0';
	return kept;
}

const char *maps_run(int status, const char *says, const char *const argv[])
{
	_cleanup_run_ struct run r = {};
	const char *what = argv[2];

	run_start(&r, argv);
	run_wait(&r);
	if (r.status != status)
		diag("%s%s", r.out, r.err);
	is_int(r.status, status, "map %s %s %s ends with %d", what, argv[3] ?: "",
	       argv[3] && argv[4] ? argv[4] : "", status);
	if (says)
		ok(strstr(r.err, says), "and says '%s': %s", says, r.err);
	return keep(status ? r.err : r.out);
}

int maps_open(const char *map)
{
	_cleanup_json_ json_t *j = braid_json("map", "list", "edge");
	json_t *m;
	size_t i;
	int fd;

	json_array_foreach (json_at(j, "maps"), i, m) {
		if (strcmp(json_text(m, "map"), live_text("all.%s", map)) != 0)
			continue;
		fd = bpf_obj_get(json_text(m, "pin"));
		if (fd < 0)
			bail_out("map %s: %s", map, strerror(errno));
		return fd;
	}
	bail_out("there is no map %s", map);
}

bool has_line(const char *out, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = out; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, line, n) && (at[n] == '\n' || !at[n]))
			return true;
		if (!*at)
			break;
	}
	return false;
}
