/* SPDX-License-Identifier: GPL-2.0-only */
#include <assert.h>
#include <stdarg.h>

#include "base/text.h"
#include "cli/cli.h"

/* Options without a letter. */
enum { OPTION_PASS_FDS = 256 };

/* What getopt_long() says of a name, where a command may have the letter for an option of its own.
 */
#define OPTION_LONG 0x1000

static const struct {
	struct option option;
	unsigned int sets; /* 0: all commands */
	const char *help;
} known[] = {
	{{"values", required_argument, NULL, 'v'},
	 OPT_VALUES,
	 "-v, --values FILE       lay a values file over the manifest; may be repeated"},
	{{"replace", no_argument, NULL, 'R'},
	 OPT_REPLACE,
	 "    --replace           detach other people's XDP programs that are in the way"},
	{{"wait", required_argument, NULL, 'w'},
	 OPT_WAIT,
	 "-w, --wait TIME         for another braid to finish: 500ms, 30s (default), 5m"},
	{{"state", required_argument, NULL, 'S'},
	 OPT_STATE,
	 "    --state FOLDER      the store (default $BRAID_STATE, else /var/lib/braid)"},
	{{"pass-fds", required_argument, NULL, OPTION_PASS_FDS},
	 OPT_PASS_FDS,
	 "    --pass-fds N        hand programs, maps and links to the caller by socket N"},
	{{"json", no_argument, NULL, 'j'},
	 0,
	 "-j, --json              for programs: JSON on standard output, errors too"},
	{{"verbose", no_argument, NULL, 'V'}, 0, "    --verbose           whole verifier logs"},
	{{"help", no_argument, NULL, 'h'}, 0, "-h, --help              this"},
};

#define N_KNOWN (sizeof(known) / sizeof(*known))

static bool takes_letter(const struct command *c, char letter)
{
	for (size_t i = 0; i < c->n_own; i++)
		if (c->own[i].letter == letter)
			return true;
	return false;
}

static void print_help(const struct command *c, unsigned int sets)
{
	printf("usage: braid %s %s\n\n%s.\n\n%s\noptions:\n", c->name, c->usage, c->summary,
	       c->help);
	for (size_t i = 0; i < c->n_own; i++)
		printf("  %s\n", c->own[i].help);
	for (size_t i = 0; i < N_KNOWN; i++)
		if (!known[i].sets || known[i].sets & sets) {
			bool taken = takes_letter(c, known[i].help[1]);

			printf("  %s%s\n", taken ? "    " : "", known[i].help + 4 * taken);
		}
}

int usage(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fputs("braid: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: braid %s %s\n       braid %s --help\n", c->name, c->usage,
		c->name);
	return EXIT_USAGE;
}

bool take_amount(const struct command *c, const char *place, const struct amount *a,
		 const char *text, uint64_t *ret)
{
	const char *wrong = amount_parse(a, text, ret);

	if (wrong)
		usage(c, "%s: '%s' %s", place, text, wrong);
	return !wrong;
}

int find_word_in(const struct command *c, const char *what, const char *word, const void *table,
		 size_t size, size_t n)
{
	_cleanup_free_ const char **names = calloc(n, sizeof(*names));
	_cleanup_(buf_done) struct buf all = {};
	const char *near;

	for (size_t i = 0; names && i < n; i++) {
		names[i] = *(const char *const *)((const char *)table + i * size);
		if (text_eq(names[i], word))
			return i;
		buf_fmt(&all, "%s%s", i ? ", " : "", names[i]);
	}
	near = names ? text_nearest(word, names, n) : NULL;
	if (near)
		usage(c, "unknown %s '%s': did you mean '%s'?", what, word, near);
	else
		usage(c, "unknown %s '%s': %s", what, word, all.v ?: "");
	return -1;
}

/* false: a wrong value, which has been said; or no memory. */
static bool take(const struct command *c, struct options *o, int opt, const char *arg)
{
	static const struct amount wait = {AMOUNT_TIME, NULL, "24h"};

	switch (opt) {
	case 'v':
		return array_add(&o->values, arg);
	case 'w':
		return take_amount(c, "--wait", &wait, arg, &o->wait_ns);
	case 'R':
		o->replace = true;
		break;
	case 'S':
		o->state = arg;
		break;
	case 'j':
		o->json = true;
		break;
	case 'V':
		o->verbose = true;
		break;
	case OPTION_PASS_FDS:
		return pass_fds_open(c, arg);
	}
	return true;
}

/* The most that one command has. */
#define MAX_OWN 40

/* What getopt_long() says of a command's own option; or its letter. */
#define OPTION_OWN 10000

static const struct own_option *find_own(const struct command *c, int opt)
{
	if (opt >= OPTION_OWN)
		return &c->own[opt - OPTION_OWN];
	for (size_t i = 0; i < c->n_own; i++)
		if (c->own[i].letter && c->own[i].letter == opt)
			return &c->own[i];
	return NULL;
}

static bool take_own(const struct command *c, const struct own_option *own, void *fields,
		     const char *arg)
{
	const struct amount amount = {own->kind - OPTION_NUMBER, own->least, own->most};
	void *field = (char *)fields + own->at;
	char place[32];

	switch (own->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_TEXT:
		*(const char **)field = arg;
		break;
	case OPTION_TEXTS:
		return array_add(&((struct texts *)field)->list, arg);
	default:
		snprintf(place, sizeof(place), "--%s", own->name);
		return take_amount(c, place, &amount, arg, field);
	}
	return true;
}

/* The options of @c and of @sets for getopt_long(): a terminated list, and their letters. */
static void select_options(const struct command *c, unsigned int sets, struct option *ret_long,
			   char *ret_short)
{
	for (size_t i = 0; i < c->n_own; i++) {
		int arg = c->own[i].kind == OPTION_FLAG ? no_argument : required_argument;

		*ret_long++ = (struct option){c->own[i].name, arg, NULL, OPTION_OWN + (int)i};
		if (c->own[i].letter)
			*ret_short++ = c->own[i].letter;
		if (c->own[i].letter && arg)
			*ret_short++ = ':';
	}
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (known[i].sets && !(known[i].sets & sets))
			continue;
		*ret_long = known[i].option;
		ret_long++->val |= OPTION_LONG;
		if (known[i].help[0] == '-' && !takes_letter(c, known[i].help[1])) {
			*ret_short++ = known[i].option.val;
			if (known[i].option.has_arg)
				*ret_short++ = ':';
		}
	}
	*ret_long = (struct option){};
	*ret_short = '\0';
}

/* getopt_long() has moved past the word, unless it is in the middle of one with several letters. */
static int unknown_option(const struct command *c, const struct option *options, const char *shorts,
			  char **argv)
{
	const char letter[] = {'-', (char)optopt, '\0'}, *word = argv[optind - 1];
	const char *names[N_KNOWN + MAX_OWN], *near;
	size_t n = 0;

	if (optopt > 0 && optopt < 256 && !strchr(shorts, optopt))
		word = letter;
	while (options[n].name) {
		names[n] = options[n].name;
		n++;
	}
	near = text_has_prefix(word, "--") ? text_nearest(word + 2, names, n) : NULL;
	if (near && !text_eq(near, word + 2))
		return usage(c, "unknown option, or one without its value: %s (--%s?)", word, near);
	return usage(c, "unknown option, or one without its value: %s", word);
}

int options_parse_own(const struct command *c, unsigned int sets, int argc, char **argv,
		      struct options *ret, void *ret_own, int *ret_status)
{
	struct option longs[N_KNOWN + MAX_OWN + 1];
	char shorts[2 * (N_KNOWN + MAX_OWN) + 1];
	const struct own_option *own;
	int opt;

	assert(c->n_own <= MAX_OWN);
	*ret = (struct options){.wait_ns = 30000000000};
	*ret_status = EXIT_USAGE;
	select_options(c, sets, longs, shorts);
	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		own = find_own(c, opt);
		opt &= ~OPTION_LONG;
		if (opt == 'h') {
			print_help(c, sets);
			*ret_status = EXIT_DONE;
			return -1;
		}
		if (opt == '?') {
			unknown_option(c, longs, shorts, argv);
			return -1;
		}
		if (own ? !take_own(c, own, ret_own, optarg) : !take(c, ret, opt, optarg))
			return -1;
	}
	return optind;
}

int options_parse(const struct command *c, unsigned int sets, int argc, char **argv,
		  struct options *ret, int *ret_status)
{
	return options_parse_own(c, sets, argc, argv, ret, NULL, ret_status);
}

void options_done(struct options *o)
{
	array_done(&o->values);
}

static char *command_line;

void remember_command_line(int argc, char **argv)
{
	struct buf b = {};

	buf_str(&b, "braid");
	for (int i = 1; i < argc; i++)
		buf_fmt(&b, " %s", argv[i]);
	free(command_line);
	command_line = buf_take(&b);
}

int open_braid(const struct options *o, struct braid **ret, struct braid_error *err)
{
	struct braid_opts opts = {
		.sz = sizeof(opts),
		.state = o->state,
		.cause = command_line,
		.wait_ns = o->wait_ns,
	};

	return braid_open(&opts, ret, err);
}

int load_manifest(const struct options *o, const char *path, struct braid_manifest **ret,
		  struct braid_error *err)
{
	struct braid_manifest_opts opts = {
		.sz = sizeof(opts),
		.values = o->values.v,
		.n_values = o->values.n,
	};

	return braid_manifest_load(path, &opts, ret, err);
}
