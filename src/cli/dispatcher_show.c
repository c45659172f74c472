/* SPDX-License-Identifier: GPL-2.0-only */
/* Dispatchers for people. */
#include "cli/dispatcher.h"

#include <string.h>

#include "base/text.h"
#include "cli/show.h"

static const char *state_text(const json_t *j)
{
	static const char *const texts[][2] = {
		{"none", "no XDP program is attached"},
		{"program", "is no dispatcher: it takes no others in"},
		{"later", "is a dispatcher of a later version: shown, not changed"},
		{"broken", "is a dispatcher that nobody can change any more"},
		{"linked", "is a dispatcher that a link holds: only its owner can change it"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (text_eq(member(j, "state"), texts[i][0]))
			return texts[i][1];
	return NULL;
}

static void show_components(const json_t *list)
{
	static const char *const headings[] = {">ID", "NAME",   ">PRIORITY", "PROCEEDS ON",
					       "TAG", "LOADED", "PIPELINE"};
	struct table *t = table_new(headings, 7);
	json_t *c;
	size_t i;

	json_array_foreach (list, i, c) {
		_cleanup_free_ char *id = text_fmt("%lld", number(c, "id"));
		_cleanup_free_ char *priority = text_fmt("%lld", number(c, "priority"));
		_cleanup_free_ char *verdicts = list_text(json_object_get(c, "proceed-on"));

		table_row(t, id, member(c, "name"), priority, verdicts, member(c, "tag"),
			  time_text(number(c, "loaded")), member(c, "pipeline"));
	}
	table_print(t);
}

static void show_program(const json_t *j, const json_t *p, const char *what)
{
	printf("%s in %s: program %lld '%s' in %s mode%s%s%s%s\n", member(j, "interface"),
	       member(j, "netns"), number(p, "id"), member(p, "name"), member(p, "mode"),
	       *member(p, "pipeline") ? ", of pipeline " : "", member(p, "pipeline"),
	       what ? " " : "", what ?: "");
}

static void show_sound(const json_t *j, const char *state)
{
	const json_t *program = json_object_get(j, "program");

	printf("%s in %s: dispatcher %lld, version %lld, %s mode%s\n", member(j, "interface"),
	       member(j, "netns"), number(program, "id"), number(j, "version"),
	       member(program, "mode"),
	       json_is_true(json_object_get(j, "frags")) ? ", packets of several buffers" : "");
	if (state)
		printf("  it %s\n", state);
	show_components(json_object_get(j, "components"));
}

void show_dispatcher(const json_t *j)
{
	const json_t *program = json_object_get(j, "program");
	const char *state = state_text(j);

	if (json_object_get(j, "hardware"))
		show_program(j, json_object_get(j, "hardware"), NULL);
	if (json_object_get(j, "components"))
		show_sound(j, state);
	else if (program)
		show_program(j, program, state);
	else
		printf("%s: %s\n", member(j, "interface"), state);
	if (*member(j, "why"))
		printf("  why: %s\n", member(j, "why"));
}

/* @text: an object with a list @name; taken. */
static int show_each(const struct options *o, char *text, const char *name, const char *none)
{
	_cleanup_json_ json_t *all = NULL;
	json_t *list, *j;
	size_t i;

	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	all = parse_json(text);
	list = json_object_get(all, name);
	if (!json_array_size(list))
		puts(none);
	json_array_foreach (list, i, j) {
		if (i)
			putchar('\n');
		show_dispatcher(j);
	}
	return EXIT_DONE;
}

int dispatcher_list(const struct options *o)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	char *text;

	if (braid_dispatchers(&text, &err))
		return fail(o, &err);
	return show_each(o, text, "dispatchers", "There is no dispatcher.");
}

int dispatcher_show(const struct options *o, const char *netns, const char *interface)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	char *text;

	if (braid_interfaces(netns, interface, &text, &err))
		return fail(o, &err);
	return show_each(o, text, "interfaces", "There is no interface.");
}

int dispatcher_clean(const struct options *o, const char *netns, const char *interface)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	const json_t *list;
	json_t *one;
	char *text;
	size_t i;

	if (braid_dispatchers_clean(netns, interface, &text, &err))
		return fail(o, &err);
	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	list = json_object_get(j, "leftovers");
	json_array_foreach (list, i, one)
		printf("%s: %s: %s\n", member(one, "folder"),
		       json_is_true(json_object_get(one, "removed")) ? "removed" : "stays",
		       member(one, "why"));
	if (!json_array_size(list))
		puts("No pins of dispatchers.");
	return EXIT_DONE;
}

int dispatcher_report(const struct options *o, char *text)
{
	_cleanup_json_ json_t *j = NULL;

	if (o->json) {
		print_json(text);
		return EXIT_DONE;
	}
	j = parse_json(text);
	show_dispatcher(j);
	if (*member(j, "pins-left"))
		printf("  pins stay: %s\n  do:  braid dispatcher clean\n", member(j, "pins-left"));
	return EXIT_DONE;
}
