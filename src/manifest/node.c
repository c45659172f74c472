/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/node.h"

#include <errno.h>
#include <linux/types.h>

#include "base/error.h"
#include "base/text.h"

void node_free(struct node *n)
{
	if (!n)
		return;
	array_foreach (item, &n->items)
		node_free(*item);
	array_done(&n->items);
	array_foreach (pair, &n->pairs) {
		free(pair->key);
		node_free(pair->value);
	}
	array_done(&n->pairs);
	free(n->text);
	free(n);
}

static int copy_into(struct node *to, const struct node *n)
{
	if (n->text && !(to->text = strdup(n->text)))
		return -ENOMEM;
	array_foreach (item, &n->items) {
		struct node **slot = array_push(&to->items);

		if (!slot || !(*slot = node_copy(*item)))
			return -ENOMEM;
	}
	array_foreach (pair, &n->pairs) {
		struct node_pair *slot = array_push(&to->pairs);

		if (!slot)
			return -ENOMEM;
		slot->at = pair->at;
		slot->key = strdup(pair->key);
		slot->value = node_copy(pair->value);
		if (!slot->key || !slot->value)
			return -ENOMEM;
	}
	return 0;
}

struct node *node_copy(const struct node *n)
{
	_cleanup_(node_freep) struct node *to = calloc(1, sizeof(*to));

	if (!to)
		return NULL;
	to->kind = n->kind;
	to->at = n->at;
	to->quoted = n->quoted;
	return copy_into(to, n) ? NULL : TAKE_PTR(to);
}

struct node *node_get(const struct node *n, const char *key)
{
	array_foreach (pair, &n->pairs) {
		if (strcmp(pair->key, key) == 0)
			return pair->value;
	}
	return NULL;
}

void node_unplace(struct node *n)
{
	n->at = (struct place){};
	array_foreach (item, &n->items)
		node_unplace(*item);
	array_foreach (pair, &n->pairs) {
		pair->at = (struct place){};
		node_unplace(pair->value);
	}
}

const char *node_describe(const struct node *n, char *buf, size_t size)
{
	switch (n->kind) {
	case NODE_NULL:
		snprintf(buf, size, "nothing");
		break;
	case NODE_SCALAR:
		snprintf(buf, size, "%s'%.40s'%s", n->quoted ? "the string " : "", n->text,
			 strlen(n->text) > 40 ? "…" : "");
		break;
	case NODE_LIST:
		snprintf(buf, size, "a list");
		break;
	case NODE_MAP:
		snprintf(buf, size, "a map");
		break;
	}
	return buf;
}

const char *place_text(struct place at, char *buf, size_t size)
{
	if (at.line && at.file)
		snprintf(buf, size, "%s:%u:%u", at.file, at.line, at.column);
	else
		buf[0] = '\0';
	return buf;
}

struct braid_error *place_error(struct braid_error *err, struct place at, const char *fmt, ...)
{
	_cleanup_free_ char *where = NULL;
	struct buf what = {};
	va_list ap;

	if (at.line && at.file)
		where = text_fmt("%s:%u:%u", at.file, at.line, at.column);
	va_start(ap, fmt);
	buf_vfmt(&what, fmt, ap);
	va_end(ap);
	error_set(err, -EINVAL, where, "%s", what.v ?: "");
	buf_done(&what);
	return err;
}

static bool is_plain(__u32 c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return !(c >= 0x7f && c <= 0x9f) && c != 0x2028 && c != 0x2029 && c != 0xfeff &&
	       c != 0xfffe && c != 0xffff;
}

size_t text_fault(const char *s, size_t size)
{
	size_t at = 0;

	while (at < size) {
		__u32 c;
		size_t n = text_utf8(s + at, size - at, &c);

		if (n == 0 || !is_plain(c))
			break;
		at += n;
	}
	return at;
}
