/* SPDX-License-Identifier: GPL-2.0-only */
/* braid asm: objects from text, and text from objects. */
#include <braid/inspect.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/write.h"

struct own {
	bool disassemble, verify;
	const char *out;
};

static bool is_stdio(const char *path)
{
	return text_eq(path, "-");
}

static int file_error(const char *path, const char *what, struct braid_error *err)
{
	err->code = -(errno ?: EIO);
	err->where = strdup(is_stdio(path) ? "standard input or output" : path);
	err->what = text_fmt("%s: %s", what, strerror(-err->code));
	return err->code;
}

static int read_file(const char *path, struct buf *ret, struct braid_error *err)
{
	FILE *f = is_stdio(path) ? stdin : fopen(path, "re");
	char part[4096];
	size_t n;
	int r = 0;

	if (!f)
		return file_error(path, "cannot read it", err);
	while (!r && (n = fread(part, 1, sizeof(part), f)) > 0)
		r = buf_add(ret, part, n);
	if (ferror(f))
		r = file_error(path, "cannot read it", err);
	else if (r)
		err->code = r;
	if (f != stdin)
		fclose(f);
	return r;
}

static void show_verdict(const struct options *o, const json_t *j)
{
	if (json_is_true(json_object_get(j, "accepted")))
		printf("%s (%s): accepted: %lld instructions; the verifier went through %lld, "
		       "%lld states, %lld bytes of stack\n",
		       member(j, "program"), member(j, "section"), number(j, "instructions"),
		       number(j, "processed"), number(j, "states"), number(j, "stack"));
	else if (json_object_get(j, "at"))
		printf("%s (%s): refused at instruction %lld: %s\n", member(j, "program"),
		       member(j, "section"), number(j, "at"), member(j, "reason"));
	else
		printf("%s (%s): refused: %s\n", member(j, "program"), member(j, "section"),
		       member(j, "reason"));
	if (!json_is_true(json_object_get(j, "accepted")) || o->verbose)
		fputs(member(j, "log"), stdout);
}

/* Return: exit status: EXIT_FAILED if one is refused. */
static int verify(const struct options *o, const char *path, const void *bytes, size_t size)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *list = NULL;
	int status = EXIT_DONE;
	const json_t *one;
	char *text;
	size_t i;

	if (braid_verify(bytes, size, path, &text, &err))
		return fail(o, &err);
	list = parse_json(text);
	json_array_foreach (list, i, one) {
		if (!json_is_true(json_object_get(one, "accepted")))
			status = EXIT_FAILED;
		if (!o->json)
			show_verdict(o, one);
	}
	if (o->json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	return status;
}

static bool is_object(const struct buf *in)
{
	return in->n >= 4 && !memcmp(in->v, "\177ELF", 4);
}

static int to_text(const struct options *o, const struct own *own, const char *path,
		   const struct buf *in)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *text = NULL;

	if (braid_disassemble(in->v, in->n, path, &text, &err) ||
	    write_whole(own->out ?: "-", text, strlen(text), &err))
		return fail(o, &err);
	return EXIT_DONE;
}

static int to_object(const struct options *o, const struct own *own, const char *path,
		     const struct buf *in)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ void *bytes = NULL;
	size_t size;

	if (own->verify && is_object(in))
		return verify(o, path, in->v, in->n);
	if (braid_assemble(in->v ?: "", in->n, path, &bytes, &size, &err) ||
	    (own->out && write_whole(own->out, bytes, size, &err)))
		return fail(o, &err);
	return own->verify ? verify(o, path, bytes, size) : EXIT_DONE;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(buf_done) struct buf in = {};
	struct own own = {};
	const char *name;
	int status, first = options_parse_own(c, 0, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	if (argc - first != 1)
		return usage(c, "which file? - is standard input");
	if (own.disassemble && own.verify)
		return usage(c, "--disassemble or --verify");
	if (!own.disassemble && !own.verify && !own.out)
		return usage(c, "where to? -o FILE, or --verify");
	if (own.verify && own.out && is_stdio(own.out))
		return usage(c, "--verify says on standard output what it found: -o FILE");
	name = is_stdio(argv[first]) ? "<stdin>" : argv[first];
	if (read_file(argv[first], &in, &err))
		return fail(&o, &err);
	if (own.verify && own.out && is_object(&in))
		return usage(c, "-o: '%s' is an object already, and --verify changes nothing",
			     name);
	return own.disassemble ? to_text(&o, &own, name, &in) : to_object(&o, &own, name, &in);
}

static const struct own_option own_options[] = {
	{"output", 'o', OPTION_TEXT, offsetof(struct own, out),
	 "-o, --output FILE       what to write; - is standard output"},
	{"disassemble", 'd', OPTION_FLAG, offsetof(struct own, disassemble),
	 "-d, --disassemble       an object to text"},
	{"verify", 0, OPTION_FLAG, offsetof(struct own, verify),
	 "    --verify            ask the verifier: of text, or of an object"},
};

const struct command cmd_asm = {
	.name = "asm",
	.usage = "[options] FILE",
	.summary = "assemble BPF in the verifier log's syntax, and disassemble objects",
	.help = "Instructions are written as the verifier's log and bpftool print them; lines of "
		"a\n"
		"log can be pasted. Around them: .program, .function, .map, .variable and others;\n"
		"docs/asm.md is the reference. A file of instructions alone is one XDP program.\n"
		"--verify loads each program, prints the verdict, and lets it go again; exit "
		"status\n"
		"1 if one is refused.\n"
		"\n"
		"  braid asm filter.s -o filter.bpf.o\n"
		"  printf 'r0 = 2\\nexit\\n' | braid asm --verify -\n"
		"  braid asm -d guard.bpf.o > guard.s\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
