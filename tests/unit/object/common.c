/* SPDX-License-Identifier: GPL-2.0-only */
#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "run.h"
#include "tap.h"

static void list_installed(struct run *ret)
{
	/* the packages there are; what it says about others does not matter */
	run(ret, "dpkg", "-L", "xdp-tools", "libxdp1");
}

/* The next line of @rest that is the path of an object; NULL: no more. */
static const char *next_object(char **rest)
{
	char *line;

	while ((line = strsep(rest, "\n"))) {
		size_t n = strlen(line);

		if (n > 2 && text_eq(line + n - 2, ".o"))
			return line;
	}
	return NULL;
}

void each_installed(void (*check)(const char *path))
{
	_cleanup_run_ struct run r = {};
	const char *path;
	bool any = false;
	char *rest;

	list_installed(&r);
	for (rest = r.out; (path = next_object(&rest)); any = true)
		check(path);
	if (!any)
		skip("xdp-tools is not installed");
}

struct unit *unit_installed(const char *name)
{
	_cleanup_run_ struct run r = {};
	struct unit *u = NULL;
	const char *path;
	char *rest;

	list_installed(&r);
	for (rest = r.out; !u && (path = next_object(&rest));)
		if (text_eq(last_part(path), name)) {
			_cleanup_(buf_done) struct buf bytes = file_read(path);

			u = unit_from(&bytes, name);
		}
	return u;
}

struct buf file_read(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	struct buf b = {};
	char part[4096];
	size_t n;

	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), f)))
		buf_add(&b, part, n);
	if (ferror(f) || b.failed || !b.n)
		bail_out("%s: cannot be read", path);
	return b;
}

struct buf file_in(const char *folder, const char *name)
{
	_cleanup_free_ char *path = text_fmt("%s/%s.o", folder, name);

	return file_read(path);
}

void file_write(const char *path, const void *bytes, size_t n)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	if (!f || fwrite(bytes, 1, n, f) != n)
		bail_out("%s: %s", path, strerror(errno));
}

struct unit *unit_from(const struct buf *bytes, const char *name)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct unit *u;

	if (unit_read(bytes->v, bytes->n, name, &u, &err))
		bail_out("%s: %s", name, err.what);
	return u;
}

struct unit *unit_in(const char *folder, const char *name)
{
	struct buf b = file_in(folder, name);
	struct unit *u = unit_from(&b, name);

	buf_done(&b);
	return u;
}

struct buf unit_bytes(const struct unit *u)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct buf b = {};
	void *bytes;

	if (unit_write(u, &bytes, &b.n, &err))
		bail_out("%s: %s (%s)", u->name, err.what, err.why ?: "");
	b.v = bytes;
	return b;
}

const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
