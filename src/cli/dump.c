/* SPDX-License-Identifier: GPL-2.0-only */
/* braid dump: the code that runs, with its source lines, stage by stage. */
#include <braid/inspect.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/machine.h"

struct own {
	bool jited, opcodes;
};

/* What the reader knows already, and need not be told again. */
struct state {
	const struct own *own;
	const char *function, *stage, *file;
	bool seam;
};

static bool same(const char **was, const char *is)
{
	bool equal = *was && !strcmp(*was, is);

	*was = is;
	return equal;
}

/* Where another stage, seam, function or file begins. */
static void show_heading(struct state *s, const json_t *block)
{
	const char *stage = member(block, "stage"), *function = member(block, "function");
	bool seam = json_object_get(block, "seam");
	bool same_stage = same(&s->stage, stage), same_func = same(&s->function, function);

	if (!same_func && *function)
		printf("\n%s:\n", function);
	if (!same_func || !same_stage || seam != s->seam) {
		if (seam && *stage)
			printf("\n  == seam of %s\n", stage);
		else if (seam)
			puts("\n  == between stages");
		else if (*stage)
			printf("\n  == stage %s\n", stage);
		s->file = NULL;
	}
	s->seam = seam;
}

static void show_source(struct state *s, const json_t *block)
{
	const char *path = member(block, "file"), *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path, *source = member(block, "source");

	if (!*file || !number(block, "line"))
		return; /* the compiler's own: line 0 */
	if (json_object_get(block, "seam"))
		printf("; %s\n", source);
	else if (same(&s->file, path))
		printf("; %lld: %s\n", number(block, "line"), source);
	else
		printf("; %s:%lld: %s\n", file, number(block, "line"), source);
}

static void show_insn(const struct state *s, const json_t *insn)
{
	const char *to = member(insn, "to");
	const json_t *target = json_object_get(insn, "target");

	printf("%6lld: ", number(insn, "at"));
	if (s->own->opcodes)
		printf("%-34s", member(insn, "bytes"));
	if (!target)
		printf("%s\n", member(insn, "text"));
	else
		printf("%-38s ; to %lld%s%s\n", member(insn, "text"), number(insn, "target"),
		       *to ? ", " : "", to);
}

static void show_machine(const struct state *s, const json_t *piece)
{
	const json_t *code = json_object_get(piece, "code"), *insn;
	size_t i;

	if (piece && !code)
		printf("%s: %s\n", member(piece, "address"), member(piece, "bytes"));
	json_array_foreach (code, i, insn) {
		printf("%20s: ", member(insn, "address"));
		if (s->own->opcodes)
			printf("%-24s", member(insn, "bytes"));
		printf("%s\n", member(insn, "text"));
	}
}

static void show_block(struct state *s, const json_t *block)
{
	const json_t *insn;
	size_t i;

	show_heading(s, block);
	if (s->own->jited)
		show_machine(s, json_object_get(block, "prologue"));
	show_source(s, block);
	if (s->own->jited) {
		show_machine(s, json_object_get(block, "machine"));
		return;
	}
	json_array_foreach (json_object_get(block, "instructions"), i, insn)
		show_insn(s, insn);
}

static void show(const json_t *dump, const struct own *own)
{
	static const char *const notes[] = {"stages-unknown", "helpers-hidden", "machine-hidden"};
	static const char *const means[] = {"stages are not told apart", "helpers have no names",
					    "no machine code"};
	const json_t *program, *block;
	size_t i, k;

	printf("%s, revision %lld, hook %s, %s\n", member(dump, "pipeline"),
	       number(dump, "revision"), member(dump, "hook"), member(dump, "strategy"));
	for (i = 0; i < sizeof(notes) / sizeof(*notes); i++)
		if (*member(dump, notes[i]))
			printf("%s: %s\n", means[i], member(dump, notes[i]));
	json_array_foreach (json_object_get(dump, "programs"), i, program) {
		struct state s = {.own = own};

		printf("\nprogram %s (id %lld, tag %s): %lld instructions\n",
		       member(program, "program"), number(program, "id"), member(program, "tag"),
		       number(program, "instructions"));
		json_array_foreach (json_object_get(program, "blocks"), k, block)
			show_block(&s, block);
	}
}

static bool read_block(struct machine_reader *m, const json_t *block)
{
	json_t *prologue = json_object_get(block, "prologue");
	json_t *machine = json_object_get(block, "machine");

	return (!prologue || machine_read(m, prologue)) && (!machine || machine_read(m, machine));
}

/* Machine code comes as bytes. */
static bool read_machine(json_t *dump)
{
	struct machine_reader *m = machine_reader_new();
	const json_t *program, *block;
	bool ok = true;
	size_t i, k;

	if (!m) {
		json_object_set_new(dump, "bytes-only",
				    json_string("libcapstone does not know this architecture"));
		return true;
	}
	json_array_foreach (json_object_get(dump, "programs"), i, program)
		json_array_foreach (json_object_get(program, "blocks"), k, block)
			ok = ok && read_block(m, block);
	machine_reader_free(m);
	return ok;
}

static int dump(const struct options *o, const struct own *own, const char *pipeline,
		const char *stage)
{
	struct braid_inspect_opts opts = {
		.sz = sizeof(opts), .stage = stage, .machine = own->jited};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_json_ json_t *j = NULL;
	char *text;

	if (open_braid(o, &b, &err) || braid_dump(b, pipeline, &opts, &text, &err))
		return fail(o, &err);
	j = parse_json(text);
	if (own->jited && !read_machine(j)) {
		fputs("braid: out of memory\n", stderr);
		return EXIT_FAILED;
	}
	if (o->json) {
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		show(j, own);
	}
	return EXIT_DONE;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	struct own own = {};
	int status, first = options_parse_own(c, OPT_STATE, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	if (argc - first < 1)
		return usage(c, "which pipeline?");
	if (argc - first > 2)
		return usage(c, "one stage at a time, or none for all");
	return dump(&o, &own, argv[first], argv[first + 1]);
}

static const struct own_option own_options[] = {
	{"jited", 'm', OPTION_FLAG, offsetof(struct own, jited),
	 "-m, --jited             machine code instead of BPF instructions"},
	{"opcodes", 'x', OPTION_FLAG, offsetof(struct own, opcodes),
	 "-x, --opcodes           the bytes, too"},
};

const struct command cmd_dump = {
	.name = "dump",
	.usage = "[options] PIPELINE [STAGE]",
	.summary = "show the code that runs, with its source lines, stage by stage",
	.help = "The programs of the pipeline as the verifier left them, in the words of its log;\n"
		"above each line of source what it became. Seams, which braid puts between "
		"stages,\n"
		"are marked. A jump says where it leads to; if to another stage, to which.\n"
		"\n"
		"  braid dump edge\n"
		"  braid dump edge guard           one stage, with its functions and its seams\n"
		"  braid dump --jited edge guard   what the processor runs\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
