/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* libyaml's events -> tree, less the parts of YAML that surprise people. */
#include "manifest/node.h"

#include <errno.h>
#include <yaml.h>

#include "base/error.h"
#include "base/text.h"

#define DEPTH_MAX 64
/* libyaml reads back at most 1024 characters of key, and JSON may double each by escaping. */
#define KEY_MAX 255

struct parse {
	yaml_parser_t yaml;
	yaml_event_t event; /* the current one */
	const char *text, *file;
	size_t size;
	struct braid_error *err;
};

static void parse_done(struct parse *p)
{
	yaml_event_delete(&p->event);
	yaml_parser_delete(&p->yaml);
}

static struct place place_at(const struct parse *p, yaml_mark_t mark)
{
	return (struct place){p->file, mark.line + 1, mark.column + 1};
}

static struct place place_here(const struct parse *p)
{
	return place_at(p, p->event.start_mark);
}

/* The place of a byte; columns count characters, as libyaml's do. */
static struct place place_of_offset(const struct parse *p, size_t offset)
{
	struct place at = {p->file, 1, 1};

	for (size_t i = 0; i < offset && i < p->size; i++) {
		if (p->text[i] == '\n') {
			at.line++;
			at.column = 1;
		} else if ((p->text[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static bool line_starts_with_tab(const struct parse *p, unsigned int line)
{
	const char *s = p->text, *end = p->text + p->size;

	while (s && line-- > 1) {
		s = memchr(s, '\n', end - s);
		s = s ? s + 1 : NULL;
	}
	while (s && s < end && *s == ' ')
		s++;
	return s && s < end && *s == '\t';
}

static int fail_yaml(struct parse *p)
{
	const yaml_parser_t *y = &p->yaml;
	struct braid_error *err = p->err;
	struct place at;

	if (y->error == YAML_MEMORY_ERROR)
		return error_oom(err);
	if (y->error == YAML_READER_ERROR) {
		at = place_of_offset(p, y->problem_offset);
		place_error(err, at, "not readable as UTF-8 text: %s", y->problem);
		return error_code(err);
	}
	at = place_at(p, y->problem_mark);
	place_error(err, at, "not YAML: %s", y->problem ?: "malformed");
	if (y->context && y->context_mark.line != y->problem_mark.line)
		error_why(err, "%s that starts in line %zu", y->context, y->context_mark.line + 1);
	else if (y->context)
		error_why(err, "%s", y->context);
	if (line_starts_with_tab(p, at.line))
		error_hint(err, "YAML is indented with spaces; this line starts with a tab");
	return error_code(err);
}

static int next(struct parse *p)
{
	yaml_event_delete(&p->event);
	return yaml_parser_parse(&p->yaml, &p->event) ? 0 : fail_yaml(p);
}

static int refuse(struct parse *p, const char *what, const char *instead)
{
	place_error(p->err, place_here(p), "%s are not part of braid's YAML", what);
	return error_code(error_hint(p->err, "%s", instead));
}

static int refuse_marks(struct parse *p, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(p, "anchors", "write the value out; quote a text that starts with &");
	if (tag)
		return refuse(p, "tags", "leave it out; quote a text that starts with !");
	return 0;
}

static int check_text(struct parse *p, const char *s, size_t size)
{
	size_t fault = text_fault(s, size);

	if (fault == size)
		return 0;
	place_error(p->err, place_here(p), "a character that texts cannot hold, byte 0x%02x",
		    (unsigned char)s[fault]);
	return error_code(error_why(p->err, "control characters, byte order marks and special "
					    "line breaks would not survive a round trip"));
}

static bool is_null(const char *text)
{
	return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static int parse_scalar(struct parse *p, struct node *n)
{
	const char *text = (const char *)p->event.data.scalar.value;
	size_t size = p->event.data.scalar.length;
	int r = refuse_marks(p, p->event.data.scalar.anchor, p->event.data.scalar.tag);

	r = r ?: check_text(p, text, size);
	if (r)
		return r;
	n->quoted = p->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (!n->quoted && is_null(text))
		return 0;
	n->kind = NODE_SCALAR;
	n->text = strdup(text);
	return n->text ? 0 : error_oom(p->err);
}

static int parse_key(struct parse *p, struct node_pair *pair)
{
	const char *text = (const char *)p->event.data.scalar.value;
	size_t size = p->event.data.scalar.length;
	struct place at = place_here(p);
	int r;

	if (p->event.type != YAML_SCALAR_EVENT)
		return error_code(place_error(p->err, at, "a key must be a word"));
	r = refuse_marks(p, p->event.data.scalar.anchor, p->event.data.scalar.tag);
	r = r ?: check_text(p, text, size);
	if (r)
		return r;
	if (size == 0)
		return error_code(place_error(p->err, at, "a key is missing before ':'"));
	if (size > KEY_MAX)
		return error_code(
			place_error(p->err, at, "a key is longer than %d bytes", KEY_MAX));
	if (strcmp(text, "<<") == 0)
		return refuse(p, "merge keys", "write the keys out");
	pair->at = at;
	pair->key = strdup(text);
	return pair->key ? 0 : error_oom(p->err);
}

/* By key, then by place: pairs are compared where they lie in their array. */
static int compare_pairs(const void *a, const void *b)
{
	const struct node_pair *x = *(const struct node_pair *const *)a;
	const struct node_pair *y = *(const struct node_pair *const *)b;
	int d = strcmp(x->key, y->key);

	return d ?: (x > y) - (x < y);
}

/* Sorted, not pair by pair: a hostile file may hold a million keys. */
static int check_duplicates(struct parse *p, const struct node *n)
{
	const struct node_pair *first = NULL, *again = NULL;
	_cleanup_free_ const struct node_pair **sorted = NULL;

	if (n->pairs.n < 2)
		return 0;
	sorted = calloc(n->pairs.n, sizeof(*sorted));
	if (!sorted)
		return error_oom(p->err);
	for (size_t i = 0; i < n->pairs.n; i++)
		sorted[i] = &n->pairs.v[i];
	qsort(sorted, n->pairs.n, sizeof(*sorted), compare_pairs);
	for (size_t i = 1; i < n->pairs.n; i++) {
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 &&
		    (!again || sorted[i] < again)) {
			first = sorted[i - 1];
			again = sorted[i];
		}
	}
	if (!again)
		return 0;
	place_error(p->err, again->at, "the key '%s' is given twice", again->key);
	return error_code(error_why(p->err, "it is given in line %u already", first->at.line));
}

static int parse_value(struct parse *p, unsigned int depth, struct node **ret);

static int parse_list(struct parse *p, unsigned int depth, struct node *n)
{
	int r = refuse_marks(p, p->event.data.sequence_start.anchor,
			     p->event.data.sequence_start.tag);

	n->kind = NODE_LIST;
	r = r ?: next(p);
	while (!r && p->event.type != YAML_SEQUENCE_END_EVENT) {
		struct node **item = array_push(&n->items);

		if (!item)
			return error_oom(p->err);
		r = parse_value(p, depth + 1, item);
		r = r ?: next(p);
	}
	return r;
}

static int parse_map(struct parse *p, unsigned int depth, struct node *n)
{
	int r = refuse_marks(p, p->event.data.mapping_start.anchor,
			     p->event.data.mapping_start.tag);

	n->kind = NODE_MAP;
	r = r ?: next(p);
	while (!r && p->event.type != YAML_MAPPING_END_EVENT) {
		struct node_pair *pair = array_push(&n->pairs);

		if (!pair)
			return error_oom(p->err);
		r = parse_key(p, pair);
		r = r ?: next(p);
		r = r ?: parse_value(p, depth + 1, &pair->value);
		r = r ?: next(p);
	}
	return r ?: check_duplicates(p, n);
}

/* Enters at the value's first event, leaves at its last. */
static int parse_value(struct parse *p, unsigned int depth, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = NULL;
	struct place at = place_here(p);
	int r;

	if (p->event.type == YAML_ALIAS_EVENT)
		return refuse(p, "aliases", "write the value out; quote a text that starts with *");
	if (depth > DEPTH_MAX)
		return error_code(place_error(p->err, at, "nested deeper than %d", DEPTH_MAX));
	n = calloc(1, sizeof(*n));
	if (!n)
		return error_oom(p->err);
	n->at = at;
	if (p->event.type == YAML_SEQUENCE_START_EVENT)
		r = parse_list(p, depth, n);
	else if (p->event.type == YAML_MAPPING_START_EVENT)
		r = parse_map(p, depth, n);
	else
		r = parse_scalar(p, n);
	if (!r)
		*ret = TAKE_PTR(n);
	return r;
}

static int parse_stream(struct parse *p, struct node **ret)
{
	_cleanup_(node_freep) struct node *n = NULL;
	int r = next(p); /* start of the stream */

	r = r ?: next(p);
	if (r)
		return r;
	if (p->event.type == YAML_STREAM_END_EVENT)
		return error_code(place_error(p->err, place_here(p), "nothing in it"));
	if (p->event.data.document_start.version_directive ||
	    p->event.data.document_start.tag_directives.start !=
		    p->event.data.document_start.tag_directives.end)
		return refuse(p, "directives", "leave out the line that starts with %");
	r = next(p);
	r = r ?: parse_value(p, 1, &n);
	r = r ?: next(p); /* end of the document */
	r = r ?: next(p);
	if (r)
		return r;
	if (p->event.type != YAML_STREAM_END_EVENT)
		return refuse(p, "several documents in one file", "use one file for each");
	*ret = TAKE_PTR(n);
	return 0;
}

int node_parse(const char *text, size_t size, const char *file, struct node **ret,
	       struct braid_error *err)
{
	struct parse p = {.file = file, .err = err};
	int r;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	p.text = text;
	p.size = size;
	if (!yaml_parser_initialize(&p.yaml))
		return error_oom(err);
	/* Said, not guessed: libyaml would take UTF-16 too. */
	yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, size);
	r = parse_stream(&p, ret);
	parse_done(&p);
	return r;
}
