/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/observe_signals.h"

#define BATCH (1 << 20) /* bytes; what is pending goes out then */

static int failed(struct braid_error *err, const char *path, const char *what, int code)
{
	braid_error_clear(err);
	err->code = -code;
	err->where = strdup(path);
	err->what = strdup(what);
	err->why = strdup(strerror(code));
	return -code;
}

static bool is_pipe(const struct capture_file *f)
{
	return text_eq(f->path, "-");
}

/* "edge.pcapng" -> "edge_00001_20261121042511.pcapng", as dumpcap names them. Caller frees. */
static char *ring_name(const char *path, unsigned int number)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	time_t now = time(NULL);
	char when[16];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%d%H%M%S", &tm);
	if (!dot)
		dot = path + strlen(path);
	return text_fmt("%.*s_%05u_%s%s", (int)(dot - path), path, number, when, dot);
}

struct capture_whole *capture_whole_new(void)
{
	void *w = mmap(NULL, sizeof(struct capture_whole), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return w == MAP_FAILED ? NULL : w;
}

static void tell_guard(struct capture_file *f)
{
	struct stat st;

	if (is_pipe(f))
		return;
	f->whole->path[0] = '\0';
	f->whole->size = 0;
	if (fstat(f->fd, &st) || !S_ISREG(st.st_mode))
		return;
	f->whole->dev = st.st_dev;
	f->whole->ino = st.st_ino;
	snprintf(f->whole->path, sizeof(f->whole->path), "%s", f->names.v[f->names.n - 1]);
}

void capture_whole_mend(const struct capture_whole *w)
{
	_cleanup_close_ int fd = w->path[0] ? open(w->path, O_WRONLY | O_CLOEXEC) : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_dev != w->dev || st.st_ino != w->ino)
		return;
	if ((uint64_t)st.st_size > w->size && ftruncate(fd, w->size))
		perror("braid: cannot cut off half a block");
}

static int remove_oldest(struct capture_file *f, struct braid_error *err)
{
	char *oldest = f->names.v[0];
	int r = 0;

	if (unlink(oldest) && errno != ENOENT)
		r = failed(err, oldest, "cannot remove the oldest file of the ring", errno);
	free(oldest);
	memmove(f->names.v, f->names.v + 1, --f->names.n * sizeof(*f->names.v));
	return r;
}

static int open_file(struct capture_file *f, struct braid_error *err)
{
	char *name = f->files ? ring_name(f->path, ++f->number) : strdup(f->path);

	if (!name || !array_add(&f->names, name)) {
		free(name);
		return err->code = -ENOMEM;
	}
	/* O_APPEND: at its end, also when half a block was cut off */
	f->fd = is_pipe(f) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
			   : open(name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return failed(err, name, "cannot write it", errno);
	tell_guard(f);
	f->size = 0;
	f->begin(f->ctx, &f->pending);
	f->size = f->pending.n;
	return f->files && f->names.n > f->files ? remove_oldest(f, err) : 0;
}

int capture_file_open(struct capture_file *f, struct braid_error *err)
{
	int r = open_file(f, err);

	return r ?: capture_file_flush(f, err);
}

/* Nothing is half when this fails: neither in the file nor in what is said of it. */
static int write_all(struct capture_file *f, struct braid_error *err)
{
	size_t done = 0;

	while (done < f->pending.n) {
		ssize_t n = write(f->fd, f->pending.v + done, f->pending.n - done);

		if (n >= 0) {
			done += n;
			continue;
		}
		if (errno == EINTR && !(is_pipe(f) && signals_came()))
			continue;
		if (errno == EPIPE || errno == EINTR) {
			f->over = true;
			return 0;
		}
		failed(err, f->names.v[f->names.n - 1], "cannot write to it", errno);
		capture_whole_mend(f->whole);
		return err->code;
	}
	return 0;
}

int capture_file_flush(struct capture_file *f, struct braid_error *err)
{
	int r = 0;

	if (f->pending.failed)
		return err->code = -ENOMEM;
	if (f->pending.n && !f->over) {
		r = write_all(f, err);
		f->total += f->pending.n;
		if (!r)
			f->whole->size += f->pending.n;
	}
	f->pending.n = 0;
	return r;
}

int capture_file_room(struct capture_file *f, size_t n, struct braid_error *err)
{
	if (!f->files || f->size + n + f->reserve <= f->limit)
		return 0;
	return capture_file_close(f, err) ?: open_file(f, err) ?: 1;
}

int capture_file_add(struct capture_file *f, const struct buf *block, struct braid_error *err)
{
	buf_add(&f->pending, block->v, block->n);
	f->size += block->n;
	return f->pending.n >= BATCH ? capture_file_flush(f, err) : 0;
}

int capture_file_close(struct capture_file *f, struct braid_error *err)
{
	int r;

	if (f->fd < 0)
		return 0;
	f->end(f->ctx, &f->pending);
	r = capture_file_flush(f, err);
	if (close(f->fd) && !r)
		r = failed(err, f->names.v[f->names.n - 1], "cannot write to it", errno);
	f->fd = -1;
	return r;
}

void capture_file_done(struct capture_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_done(&f->pending);
	array_foreach (name, &f->names)
		free(*name);
	array_done(&f->names);
}
