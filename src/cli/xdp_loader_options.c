/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of xdp-loader, as that reads it. */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "cli/xdp_loader.h"

/* Options without a letter. */
enum { OPTION_JSON = 256, OPTION_VERSION, OPTION_FDS };

static const struct known {
	struct option option;
	const char *help;
} known[] = {
	{{"mode", required_argument, NULL, 'm'},
	 "-m, --mode WORD         native (default), skb, hw, unspecified"},
	{{"pin-path", required_argument, NULL, 'p'},
	 "-p, --pin-path FOLDER   in bpffs, for maps that ask to be pinned by name"},
	{{"section", required_argument, NULL, 's'},
	 "-s, --section NAME      the first program in this section of each file"},
	{{"prog-name", required_argument, NULL, 'n'},
	 "-n, --prog-name NAME    the program of this name of each file"},
	{{"prio", required_argument, NULL, 'P'},
	 "-P, --prio N            run priority (default: the file's, else 50)"},
	{{"actions", required_argument, NULL, 'A'},
	 "-A, --actions LIST      verdicts, with commas, after which the next program runs"},
	{{"id", required_argument, NULL, 'i'}, "-i, --id ID             of the program to unload"},
	{{"all", no_argument, NULL, 'a'}, "-a, --all               unload all programs"},
	{{"pass-fds", required_argument, NULL, OPTION_FDS},
	 "    --pass-fds N        hand programs, maps and links to the caller by socket N"},
	{{"json", no_argument, NULL, OPTION_JSON},
	 "    --json              for programs: JSON on standard output, errors too"},
	{{"verbose", no_argument, NULL, 'v'},
	 "-v, --verbose           whole verifier logs; what was removed"},
	{{"version", no_argument, NULL, OPTION_VERSION}, "    --version           of braid"},
	{{"help", no_argument, NULL, 'h'}, "-h, --help              this"},
};

#define N_KNOWN (sizeof(known) / sizeof(*known))

/* `f` stands for --pass-fds. */
static bool has(const char *letters, const struct known *k)
{
	int val = k->option.val;

	return val == 'v' || val == 'h' || val == OPTION_JSON || val == OPTION_VERSION ||
	       strchr(letters, val == OPTION_FDS ? 'f' : val);
}

void loader_print_options(const char *letters)
{
	puts("options:");
	for (size_t i = 0; i < N_KNOWN; i++)
		if (has(letters, &known[i]))
			printf("  %s\n", known[i].help);
}

static void print_usage(FILE *to, const struct loader_command *l)
{
	fprintf(to, "usage: xdp-loader %s %s\n", l->name, l->usage);
}

int loader_usage(const struct loader_command *l, const char *fmt, ...)
{
	va_list ap;

	fputs("xdp-loader: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	print_usage(stderr, l);
	return LOADER_FAILED;
}

int loader_fail(const struct loader_options *o, const struct braid_error *err, int status)
{
	fail(&o->common, err);
	return status;
}

bool loader_has_interface(const struct loader_options *o, const struct loader_command *l,
			  const char *name, int *ret_status)
{
	struct braid_error err = {.code = -ENODEV, .what = "there is no such interface"};

	if (if_nametoindex(name))
		return true;
	err.where = (char *)name;
	*ret_status = loader_fail(o, &err, LOADER_FAILED);
	print_usage(stderr, l);
	return false;
}

/*
 * As xdp-loader reads numbers: blanks before it and anything behind it do not count, and what
 * is no number is 0, which is as if it had not been given.
 */
static bool parse_number(const char *text, uint32_t *ret)
{
	unsigned long n;

	errno = 0;
	n = strtoul(text, NULL, 10);
	if (errno == ERANGE || n > 0xffffffff)
		return false;
	*ret = n;
	return true;
}

static bool parse_mode(const char *text, const char **ret)
{
	static const char *const words[][2] = {
		{"native", "native"},
		{"skb", "generic"},
		{"hw", "hardware"},
		{"unspecified", "any"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_eq(text, words[i][0])) {
			*ret = words[i][1];
			return true;
		}
	return false;
}

/* "XDP_PASS,XDP_TX": a comma at the end is as good as none. */
static bool parse_actions(const char *text, uint32_t *ret)
{
	static const char *const names[] = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
					    "XDP_REDIRECT"};
	uint32_t actions = 0;

	while (*text) {
		size_t i = 0, n = strcspn(text, ",");

		while (i < 5 && (strlen(names[i]) != n || strncmp(text, names[i], n) != 0))
			i++;
		if (i == 5)
			return false;
		actions |= 1u << i;
		text += n + (text[n] == ',');
	}
	*ret = actions;
	return true;
}

/* false: a wrong value. */
static bool take(struct loader_options *o, int opt, const char *arg)
{
	switch (opt) {
	case 'm':
		return parse_mode(arg, &o->mode);
	case 'p':
		o->pin_path = arg;
		break;
	case 's':
		o->section = arg;
		break;
	case 'n':
		o->program = arg;
		break;
	case 'P':
		return parse_number(arg, &o->priority);
	case 'A':
		return parse_actions(arg, &o->actions);
	case 'i':
		return parse_number(arg, &o->id);
	case 'a':
		o->all = true;
		break;
	case 'v':
		o->common.verbose = true;
		break;
	case OPTION_JSON:
		o->common.json = true;
		break;
	}
	return true;
}

static void select_options(const char *letters, struct option *ret_long, char *ret_short)
{
	*ret_short++ = ':'; /* a missing value is told apart */
	for (size_t i = 0; i < N_KNOWN; i++) {
		if (!has(letters, &known[i]))
			continue;
		*ret_long++ = known[i].option;
		if (known[i].option.val < 256) {
			*ret_short++ = known[i].option.val;
			if (known[i].option.has_arg)
				*ret_short++ = ':';
		}
	}
	*ret_long = (struct option){};
	*ret_short = '\0';
}

/* Return: 0; 1: stop, *ret_status is how to exit. */
static int take_one(const struct command *c, const struct loader_command *l, int opt,
		    const char *word, struct loader_options *o, int *ret_status)
{
	*ret_status = LOADER_FAILED; /* for help, too: that is how xdp-loader does it */
	if (opt == 'h') {
		printf("usage: xdp-loader %s %s\n\n%s.\n\n", l->name, l->usage, l->summary);
		loader_print_options(l->letters);
		return 1;
	}
	if (opt == OPTION_VERSION) {
		printf("xdp-loader of braid %s\n", braid_version());
		return 1;
	}
	if (opt == '?' || opt == ':')
		loader_usage(l, "unknown option, or one without its value: %s", word);
	else if (opt == OPTION_FDS && !pass_fds_open(c, optarg))
		return 1;
	else if (!take(o, opt, optarg))
		loader_usage(l, "'%s' is no value of option %s", optarg, word);
	else
		return 0;
	return 1;
}

int loader_parse(const struct command *c, const struct loader_command *l, int argc, char **argv,
		 struct loader_options *ret, int *ret_status)
{
	struct option longs[N_KNOWN + 1];
	char shorts[2 * N_KNOWN + 2];
	int opt, at;

	*ret = (struct loader_options){};
	select_options(l->letters, longs, shorts);
	opterr = 0;
	optind = 1;
	while (at = optind, (opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		if (take_one(c, l, opt, argv[at < argc ? at : argc - 1], ret, ret_status))
			return -1;
	return optind;
}
