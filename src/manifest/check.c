/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/check.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/text.h"

#define NAME_MAX_BYTES   32
#define SYMBOL_MAX_BYTES 127
#define IFNAME_MAX_BYTES 15 /* IFNAMSIZ less the NUL */
#define NETNS_MAX_BYTES  255
#define LISTED_MAX       24 /* names in one message */

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Sets "bad … name" unless @name is 1 to @max of @chars and starts with one of @first. */
static bool is_made_of(const char *name, const char *first, const char *chars, size_t max)
{
	size_t n = strspn(name, chars);

	return n && n <= max && !name[n] && strchr(first, name[0]);
}

int check_name(const char *what, const char *name, struct place at, struct braid_error *err)
{
	if (is_made_of(name, LOWER, LOWER DIGITS "_-", NAME_MAX_BYTES))
		return 0;
	place_error(err, at, "'%.64s' is no name for a %s", name, what);
	return error_code(error_why(err,
				    "a name is 1 to %d of a-z, 0-9, '_' and '-', and starts with "
				    "a letter",
				    NAME_MAX_BYTES));
}

int check_symbol(const char *what, const char *name, struct place at, struct braid_error *err)
{
	if (is_made_of(name, LOWER UPPER "_", LOWER UPPER DIGITS "_.$", SYMBOL_MAX_BYTES))
		return 0;
	place_error(err, at, "'%.64s' is no name of a %s", name, what);
	return error_code(error_why(err, "in an object it is a C identifier of at most %d bytes",
				    SYMBOL_MAX_BYTES));
}

int check_member_name(const char *name, struct place at, struct braid_error *err)
{
	bool dots = strstr(name, "..") || (name[0] && name[strlen(name) - 1] == '.');

	if (!dots && is_made_of(name, LOWER UPPER "_", LOWER UPPER DIGITS "_.", SYMBOL_MAX_BYTES))
		return 0;
	place_error(err, at, "'%.64s' is no name of a member", name);
	return error_code(error_hint(err, "write it as in C: ttl, or limits.burst for a member of "
					  "a struct in it"));
}

static bool is_text(const char *s)
{
	return !s[text_fault(s, strlen(s))];
}

int check_interface(const char *name, struct place at, struct braid_error *err)
{
	size_t n = strlen(name);
	bool bad = n == 0 || n > IFNAME_MAX_BYTES || !is_text(name) || !strcmp(name, ".") ||
		   !strcmp(name, "..") || name[strcspn(name, "/: \t\n\v\f\r")];

	if (!bad)
		return 0;
	place_error(err, at, "'%.64s' is no name of an interface", name);
	return error_code(error_why(err, "Linux takes 1 to %d bytes without '/', ':' and spaces",
				    IFNAME_MAX_BYTES));
}

int check_netns(const char *netns, struct place at, struct braid_error *err)
{
	if (strchr(netns, '/')) {
		if (netns[0] == '/')
			return check_path("network namespace", netns, at, err);
		place_error(err, at, "the network namespace '%.64s' is a relative path", netns);
		return error_code(
			error_hint(err, "give a name in /run/netns or a path from the root"));
	}
	if (netns[0] && strlen(netns) <= NETNS_MAX_BYTES && strcmp(netns, ".") &&
	    strcmp(netns, "..") && is_text(netns))
		return 0;
	place_error(err, at, "'%.64s' is no network namespace", netns);
	return error_code(error_hint(err, "give a name in /run/netns or a path from the root"));
}

int check_path(const char *what, const char *path, struct place at, struct braid_error *err)
{
	if (!path[0])
		return error_code(place_error(err, at, "the path of the %s is empty", what));
	if (strlen(path) >= PATH_MAX)
		return error_code(place_error(err, at, "the path of the %s is longer than %d bytes",
					      what, PATH_MAX - 1));
	if (!is_text(path))
		return error_code(place_error(
			err, at, "the path of the %s is not readable as UTF-8 text", what));
	return 0;
}

static size_t words_count(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

static const char *name_of_word(const void *element)
{
	return *(const char *const *)element;
}

int word_parse(const char *what, const char *word, const char *const *words, struct place at,
	       unsigned int *ret, struct braid_error *err)
{
	size_t n = words_count(words);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0) {
			*ret = i;
			return 0;
		}
	}
	place_error(err, at, "unknown %s '%.64s'", what, word);
	return error_unknown(err, word, "expected", words, n, sizeof(*words), name_of_word);
}

int error_unknown(struct braid_error *err, const char *word, const char *kind, const void *elements,
		  size_t n, size_t size, name_fn name_of)
{
	_cleanup_free_ const char **names = calloc(n ?: 1, sizeof(*names));
	struct buf list = {};
	const char *near;

	if (!names)
		return error_oom(err);
	for (size_t i = 0; i < n; i++) {
		names[i] = name_of((const char *)elements + i * size);
		if (i < LISTED_MAX)
			buf_fmt(&list, "%s%s", i ? ", " : "", names[i]);
	}
	if (n > LISTED_MAX)
		buf_fmt(&list, " and %zu more", n - LISTED_MAX);
	error_why(err, "%s %s", kind, n ? list.v ?: "" : "nothing");
	buf_done(&list);
	near = text_nearest(word, names, n);
	if (near)
		error_hint(err, "did you mean '%s'?", near);
	return error_code(err);
}
