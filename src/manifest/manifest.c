/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "braid/manifest.h"

#include <errno.h>
#include <fcntl.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/edit.h"
#include "manifest/opts.h"
#include "manifest/read.h"

#define FILE_MAX (16u << 20)

static int read_all(int fd, const char *path, struct buf *text, struct braid_error *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, -errno, path, "cannot read the file");
		if (text->n + n > FILE_MAX) {
			error_set(err, -EFBIG, path, "the file is too large");
			return error_code(
				error_why(err, "a manifest is at most %u MiB", FILE_MAX >> 20));
		}
		if (buf_add(text, chunk, n))
			return error_oom(err);
	}
	return 0;
}

static int read_file(const char *path, struct buf *text, struct braid_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, -errno, path, "cannot open the file");
	return read_all(fd, path, text, err);
}

/* The copy of @name that places in @m point to; NULL: no memory. */
static const char *keep_name(struct braid_manifest *m, const char *name)
{
	char *copy = strdup(name);

	if (copy && array_add(&m->files, copy))
		return copy;
	free(copy);
	return NULL;
}

typedef int (*root_fn)(const struct node *n, const char *file, struct braid_manifest *m,
		       struct braid_error *err);

static int add_text(struct braid_manifest *m, const char *text, size_t size, const char *name,
		    root_fn root, struct braid_error *err)
{
	_cleanup_(node_freep) struct node *n = NULL;
	const char *file = keep_name(m, name);
	int r;

	if (!file)
		return error_oom(err);
	r = node_parse(text, size, file, &n, err);
	return r ?: root(n, file, m, err);
}

static int add_file(struct braid_manifest *m, const char *path, root_fn root,
		    struct braid_error *err)
{
	_cleanup_(buf_done) struct buf text = {};
	int r = read_file(path, &text, err);

	return r ?: add_text(m, text.v ?: "", text.n, path, root, err);
}

/* @text NULL: the file @name. */
static int load(const char *text, size_t size, const char *name,
		const struct braid_manifest_opts *user_opts, struct braid_manifest **ret,
		struct braid_error *err)
{
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	struct braid_manifest_opts opts;
	int r = opts_take(&opts, sizeof(opts), user_opts, err);

	if (r)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return error_oom(err);
	if (text)
		r = add_text(m, text, size, name, read_manifest, err);
	else
		r = add_file(m, name, read_manifest, err);
	for (size_t i = 0; !r && i < opts.n_values; i++)
		r = add_file(m, opts.values[i], read_values, err);
	r = r ?: manifest_check(m, err);
	if (!r)
		*ret = TAKE_PTR(m);
	return r;
}

int braid_manifest_load(const char *path, const struct braid_manifest_opts *opts,
			struct braid_manifest **ret, struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return load(NULL, 0, path, opts, ret, err);
}

int braid_manifest_parse(const char *text, size_t size, const char *name,
			 const struct braid_manifest_opts *opts, struct braid_manifest **ret,
			 struct braid_error *err)
{
	ERROR_SCRATCH(err);

	return load(text ?: "", text ? size : 0, name ?: "manifest", opts, ret, err);
}

size_t braid_manifest_count(const struct braid_manifest *m)
{
	return m->pipelines.n;
}

const struct braid_pipeline *braid_manifest_get(const struct braid_manifest *m, size_t i)
{
	return i < m->pipelines.n ? m->pipelines.v[i] : NULL;
}

struct braid_pipeline *braid_manifest_edit(struct braid_manifest *m, size_t i)
{
	return i < m->pipelines.n ? m->pipelines.v[i] : NULL;
}

int braid_manifest_find(const struct braid_manifest *m, const char *name,
			const struct braid_pipeline **ret, struct braid_error *err)
{
	struct braid_pipeline *p;
	int r;
	ERROR_SCRATCH(err);

	r = manifest_find(m, name, (struct place){}, &p, err);
	if (!r)
		*ret = p;
	return r;
}
