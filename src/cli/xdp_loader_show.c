/* SPDX-License-Identifier: GPL-2.0-only */
/* xdp-loader status, features, clean. Scripts read the columns of status: they stay. */
#include <braid/dispatcher.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/xdp_loader.h"

static const char *mode_word(const json_t *program)
{
	const char *mode = member(program, "mode");

	if (text_eq(mode, "generic"))
		return "skb";
	return text_eq(mode, "hardware") ? "hw" : mode;
}

static void show_program(const char *interface, const json_t *program)
{
	printf("%-16s %-5s %-17s %-8s %-4lld %-17s\n", interface, "", member(program, "name"),
	       mode_word(program), number(program, "id"), member(program, "tag"));
}

/* "XDP_DROP,XDP_PASS" */
static char *actions_text(const json_t *list)
{
	static const char *const names[][2] = {
		{"aborted", "XDP_ABORTED"}, {"drop", "XDP_DROP"},         {"pass", "XDP_PASS"},
		{"tx", "XDP_TX"},           {"redirect", "XDP_REDIRECT"},
	};
	struct buf b = {};
	json_t *verdict;
	size_t i;

	json_array_foreach (list, i, verdict)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (text_eq(json_string_value(verdict), names[k][0]))
				buf_fmt(&b, "%s%s", b.n ? "," : "", names[k][1]);
	return buf_take(&b);
}

static void show_component(const json_t *c)
{
	_cleanup_free_ char *actions = actions_text(json_object_get(c, "proceed-on"));

	printf("%-16s %-5d  %-16s %-8s %-4lld %-17s %s\n", " =>", (int)number(c, "priority"),
	       member(c, "name"), "", number(c, "id"), member(c, "tag"), actions ?: "");
}

static void show_interface(const json_t *j)
{
	const json_t *program = json_object_get(j, "program");
	const json_t *hardware = json_object_get(j, "hardware");
	json_t *component;
	size_t i;

	if (hardware)
		show_program(member(j, "interface"), hardware);
	if (!program)
		printf("%-16s %-5s <No XDP program loaded!>\n", member(j, "interface"), "");
	else
		show_program(member(j, "interface"), program);
	json_array_foreach (json_object_get(j, "components"), i, component)
		show_component(component);
}

static void show_status(const json_t *list)
{
	json_t *j;
	size_t i;
	int n;

	puts("CURRENT XDP PROGRAM STATUS:\n");
	n = printf("%-16s %-5s %-17s %-8s %-4s %-17s %s\n", "Interface", "Prio", "Program name",
		   "Mode", "ID", "Tag", "Chain actions");
	while (--n > 0)
		putchar('-');
	putchar('\n');
	json_array_foreach (list, i, j)
		show_interface(j);
	putchar('\n');
}

static int run_status(const struct loader_options *o, int argc, char **argv)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	int status;
	char *text;

	if (argc > 1)
		return loader_usage(&loader_status, "one interface at most");
	if (argc && !loader_has_interface(o, &loader_status, argv[0], &status))
		return status;
	if (braid_interfaces(NULL, argc ? argv[0] : NULL, &text, &err))
		return loader_fail(o, &err, LOADER_FAILED);
	if (o->common.json) {
		print_json(text);
		return LOADER_DONE;
	}
	j = parse_json(text);
	show_status(json_object_get(j, "interfaces"));
	return LOADER_DONE;
}

static int run_features(const struct loader_options *o, int argc, char **argv)
{
	static const char *const names[][2] = {
		{"basic", "NETDEV_XDP_ACT_BASIC:"},
		{"redirect", "NETDEV_XDP_ACT_REDIRECT:"},
		{"xmit", "NETDEV_XDP_ACT_NDO_XMIT:"},
		{"zerocopy", "NETDEV_XDP_ACT_XSK_ZEROCOPY:"},
		{"offload", "NETDEV_XDP_ACT_HW_OFFLOAD:"},
		{"frags", "NETDEV_XDP_ACT_RX_SG:"},
		{"xmit-frags", "NETDEV_XDP_ACT_NDO_XMIT_SG:"},
	};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	int status;
	char *text;

	if (argc != 1)
		return loader_usage(&loader_features, argc ? "one interface" : "which interface?");
	if (!loader_has_interface(o, &loader_features, argv[0], &status))
		return status;
	if (braid_interface_features(NULL, argv[0], &text, &err))
		return loader_fail(o, &err, (unsigned char)err.code);
	if (o->common.json) {
		print_json(text);
		return LOADER_DONE;
	}
	j = parse_json(text);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		printf("%-31s %s\n", names[i][1],
		       json_is_true(json_object_get(j, names[i][0])) ? "yes" : "no");
	return LOADER_DONE;
}

static int run_clean(const struct loader_options *o, int argc, char **argv)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_json_ json_t *j = NULL;
	json_t *one;
	int status;
	char *text;
	size_t i;

	if (argc > 1)
		return loader_usage(&loader_clean, "one interface at most");
	if (argc && !loader_has_interface(o, &loader_clean, argv[0], &status))
		return status;
	if (!o->common.json)
		printf("Removing pins of dispatchers that are attached nowhere (%s)\n",
		       argc ? argv[0] : "all interfaces");
	if (braid_dispatchers_clean(NULL, argc ? argv[0] : NULL, &text, &err))
		return loader_fail(o, &err,
				   (unsigned char)(err.code == -ENODEV ? -ENOENT : err.code));
	if (o->common.json) {
		print_json(text);
		return LOADER_DONE;
	}
	j = parse_json(text);
	json_array_foreach (json_object_get(j, "leftovers"), i, one)
		if (o->common.verbose)
			fprintf(stderr, "%s: %s: %s\n", member(one, "folder"),
				json_is_true(json_object_get(one, "removed")) ? "removed" : "stays",
				member(one, "why"));
	return LOADER_DONE;
}

const struct loader_command loader_status = {
	.name = "status",
	.usage = "[options] [INTERFACE]",
	.summary = "Show what runs on interfaces",
	.letters = "",
	.run = run_status,
};

const struct loader_command loader_features = {
	.name = "features",
	.usage = "[options] INTERFACE",
	.summary = "Show what an interface's driver can do with XDP",
	.letters = "",
	.run = run_features,
};

const struct loader_command loader_clean = {
	.name = "clean",
	.usage = "[options] [INTERFACE]",
	.summary = "Remove pins of dispatchers that are attached nowhere any more",
	.letters = "",
	.run = run_clean,
};
