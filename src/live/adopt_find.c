/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Which object a component was made of: one that has a program of its name, and to which the
 * kernel gives its tag.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"
#include "live/adopt.h"
#include "object/unit.h"

#define OBJECT_LIMIT (64 << 20) /* bytes */

void origin_object_done(struct origin_object *o)
{
	free(o->path);
	free(o->bytes);
	*o = (struct origin_object){};
}

struct search {
	const struct component *wanted;
	struct origin_object found;
	char *other_build; /* the first object with that program, but another tag */
};

static int read_object(const char *path, struct origin_object *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *bytes = NULL;
	struct stat st;

	if (!f || fstat(fileno(f), &st) || !S_ISREG(st.st_mode) || st.st_size > OBJECT_LIMIT)
		return -ENOENT;
	bytes = malloc(st.st_size + 1);
	*ret = (struct origin_object){.path = strdup(path)};
	if (!bytes || !ret->path) {
		origin_object_done(ret);
		return -ENOMEM;
	}
	ret->size = fread(bytes, 1, st.st_size, f);
	ret->bytes = TAKE_PTR(bytes);
	return 0;
}

/* What is no object, or one that cannot be loaded here, is none that was. */
static bool has_program(const struct origin_object *o, const char *name)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_(unit_freep) struct unit *u = NULL;
	int func;

	if (unit_read(o->bytes, o->size, o->path, &u, &ignored))
		return false;
	func = unit_find_func(u, name);
	return func >= 0 && func_is_program(&u->funcs.v[func]);
}

/* Return: 0, found or not; -ENOMEM. */
static int look_into(struct search *s, const char *path)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	struct origin_object o = {};
	__u8 tag[BPF_TAG_SIZE];
	int r = read_object(path, &o);

	if (r)
		return r == -ENOENT ? 0 : r;
	if (has_program(&o, s->wanted->name) &&
	    !program_tag(o.bytes, o.size, s->wanted->name, tag, &ignored)) {
		if (!memcmp(tag, s->wanted->tag, sizeof(tag))) {
			s->found = o;
			return 0;
		}
		if (!s->other_build)
			s->other_build = TAKE_PTR(o.path);
	}
	origin_object_done(&o);
	return 0;
}

static int is_object(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 2 && strcmp(e->d_name + n - 2, ".o") == 0;
}

static int look_below(struct search *s, const char *place)
{
	struct dirent **list = NULL;
	int n = scandir(place, &list, is_object, alphasort), r = 0;

	if (n < 0)
		return look_into(s, place);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = text_fmt("%s/%s", place, list[i]->d_name);

		if (!r && !s->found.bytes)
			r = path ? look_into(s, path) : -ENOMEM;
		free(list[i]);
	}
	free(list);
	return r;
}

static int not_found(const struct search *s, struct braid_error *err)
{
	const struct component *c = s->wanted;

	error_set(err, -ENOENT, c->name, "the object that component %u was made of is not found",
		  c->id);
	if (s->other_build)
		error_why(err, "%s has such a program, but of another build (its tag differs)",
			  s->other_build);
	else
		error_why(err, "no object in the places that were looked at has a program '%s'",
			  c->name);
	error_hint(err, "name the file that it was loaded from, or its folder, with --objects");
	return -ENOENT;
}

int origin_find(const struct component *c, const char *const *places, size_t n,
		struct origin_object *ret, struct braid_error *err)
{
	/* where libxdp looks for objects of its tools, by its build options and distributions */
	const char *const usual[] = {getenv("LIBXDP_OBJECT_PATH"),
				     "/usr/lib/bpf",
				     "/usr/lib64/bpf",
				     "/usr/lib/x86_64-linux-gnu/bpf",
				     "/usr/lib/aarch64-linux-gnu/bpf",
				     "/usr/local/lib/bpf"};
	struct search s = {.wanted = c};
	int r = 0;

	for (size_t i = 0; i < n && !r && !s.found.bytes; i++)
		r = look_below(&s, places[i]);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual) && !r && !s.found.bytes; i++)
		if (usual[i])
			r = look_below(&s, usual[i]);
	if (r)
		error_oom(err);
	else if (!s.found.bytes)
		r = not_found(&s, err);
	else
		*ret = s.found;
	free(s.other_build);
	return r;
}
