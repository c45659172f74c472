/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live_common.h"

/* Files by what was synchronised of them, and those of which the folder knows on the disk. */
static char folder[256], contents[256], disk[256];

static const char *in(const char *where, const char *name)
{
	return live_text("%s/%s", where, name);
}

/* A file that does not exist is copied as an empty one: its name is all that is known of it. */
static void copy(const char *from, const char *to)
{
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = 1;

	while (source >= 0 && n > 0)
		n = sendfile(target, source, NULL, 1 << 20);
	if (target < 0 || n < 0 || (source < 0 && errno != ENOENT))
		bail_out("copying %s: %s", from, strerror(errno));
}

/* Calls @each for the names in @where. */
static void walk(const char *where, void (*each)(const char *name))
{
	DIR *dir = opendir(where);
	struct dirent *d;

	if (!dir)
		bail_out("%s: %s", where, strerror(errno));
	while ((d = readdir(dir)))
		if (d->d_type == DT_REG)
			each(d->d_name);
	closedir(dir);
}

static void add_name(const char *name)
{
	if (access(in(disk, name), F_OK))
		copy(in(contents, name), in(disk, name));
}

static void drop_name(const char *name)
{
	if (!access(in(folder, name), F_OK))
		return;
	unlink(in(disk, name));
	unlink(in(contents, name));
}

static void start_with(const char *name)
{
	copy(in(folder, name), in(contents, name));
	copy(in(folder, name), in(disk, name));
}

static void remove_it(const char *name)
{
	unlink(in(folder, name));
}

static void put_back(const char *name)
{
	copy(in(disk, name), in(folder, name));
}

void live_disk_start(const char *path)
{
	snprintf(folder, sizeof(folder), "%s", path);
	snprintf(contents, sizeof(contents), "%s/contents", net_scratch());
	snprintf(disk, sizeof(disk), "%s/disk", net_scratch());
	must_run("rm -rf %s %s", contents, disk);
	if (mkdir(contents, 0700) || mkdir(disk, 0700))
		bail_out("%s: %s", contents, strerror(errno));
	walk(folder, start_with);
}

void live_disk_synced(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t n = strlen(folder);

	if (!strcmp(path, folder)) {
		walk(folder, add_name);
		walk(disk, drop_name);
	} else if (!strncmp(path, folder, n) && path[n] == '/') {
		copy(path, in(contents, name));
		if (!access(in(disk, name), F_OK))
			copy(path, in(disk, name));
	}
}

void live_disk_crash(void)
{
	walk(folder, remove_it);
	walk(disk, put_back);
}
