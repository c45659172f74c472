/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

static int write_all(int fd, const char *bytes, size_t left)
{
	while (left) {
		ssize_t n = write(fd, bytes, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			left -= n;
		}
	}
	return 0;
}

/* Whose and for whom what stands there is; or as a new file is made. */
static int take_mode(int fd, const char *path)
{
	struct stat st;
	mode_t mask;

	if (stat(path, &st)) {
		mask = umask(0);
		umask(mask);
		return fchmod(fd, 0666 & ~mask);
	}
	if (fchown(fd, st.st_uid, st.st_gid) && errno != EPERM)
		return -1;
	return fchmod(fd, st.st_mode & 07777);
}

/* Beside it, as only there it can be renamed to it; a link goes on to lead there. */
static int replace(const char *path, const void *bytes, size_t size)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_free_ char *beside = text_fmt("%s.XXXXXX", real ?: path);
	_cleanup_close_ int fd = -1;
	int r;

	if (!beside)
		return -ENOMEM;
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, bytes, size);
	if (!r && (take_mode(fd, path) || fsync(fd) || rename(beside, real ?: path)))
		r = -errno;
	if (r)
		unlink(beside);
	return r;
}

/* A terminal, a pipe, a device, a link to what is not there: nothing may take their places. */
static bool is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) ? !lstat(path, &st) : !S_ISREG(st.st_mode);
}

static int write_into(const char *path, const void *bytes, size_t size)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : write_all(fd, bytes, size);
}

int write_whole(const char *path, const void *bytes, size_t size, struct braid_error *err)
{
	int r;

	if (!path || text_eq(path, "-")) {
		fwrite(bytes, 1, size, stdout);
		return 0;
	}
	r = is_special(path) ? write_into(path, bytes, size) : replace(path, bytes, size);
	if (!r)
		return 0;
	err->code = r;
	err->where = strdup(path);
	err->what = text_fmt("cannot write it: %s", strerror(-r));
	err->hint = strdup("choose a folder that is there and that you may write to");
	return r;
}

int write_text(const struct options *o, const char *path, const char *text)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	return write_whole(path, text, strlen(text), &err) ? fail(o, &err) : EXIT_DONE;
}
