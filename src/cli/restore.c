/* SPDX-License-Identifier: GPL-2.0-only */
/* braid restore: put back what was wanted, after a reboot; and wait for what is not there yet. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"
#include "cli/cli.h"

/* The error of a pipeline, to be shown as any other. */
static void take_error(const json_t *j, struct braid_error *ret)
{
	const struct {
		char **text;
		const char *name;
	} texts[] = {
		{&ret->where, "where"}, {&ret->what, "what"}, {&ret->why, "why"},
		{&ret->hint, "hint"},   {&ret->log, "log"},
	};

	ret->code = number(j, "code");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *text = json_string_value(json_object_get(j, texts[i].name));

		*texts[i].text = text ? strdup(text) : NULL;
	}
}

static void show_missing(const json_t *list)
{
	json_t *iface;
	size_t i;

	json_array_foreach (list, i, iface)
		if (*member(iface, "now"))
			printf("  %s in %s: now %s, where it runs\n", member(iface, "name"),
			       member(iface, "netns"), member(iface, "now"));
		else
			printf("  %s in %s: missing\n", member(iface, "name"),
			       member(iface, "netns"));
}

static void show_pipeline(const json_t *p)
{
	const char *state = member(p, "state");
	json_t *iface;
	size_t i;

	if (*member(p, "recovered"))
		printf("%s\n", member(p, "recovered"));
	if (text_eq(state, "skipped"))
		printf("%s: skipped: its home %s had no name to find it again by\n",
		       member(p, "pipeline"), member(p, "home"));
	else
		printf("%s: revision %lld: %s\n", member(p, "pipeline"), number(p, "revision"),
		       state);
	json_array_foreach (json_object_get(p, "attached"), i, iface)
		printf("  %s in %s: %s\n", member(iface, "name"), member(iface, "netns"),
		       member(iface, "action"));
	show_missing(json_object_get(p, "missing"));
}

static bool is_news(const json_t *p)
{
	return json_array_size(json_object_get(p, "attached")) || *member(p, "recovered") ||
	       text_eq(member(p, "state"), "failed");
}

/* Did the step change or find anything? */
static bool has_news(const json_t *report)
{
	json_t *p;
	size_t i;

	json_array_foreach (json_object_get(report, "pipelines"), i, p)
		if (is_news(p))
			return true;
	return false;
}

/* @first: show what runs and what is missing, too. Return: the status of the first failure. */
static int show(const struct options *o, const json_t *report, bool first)
{
	int status = EXIT_DONE;
	json_t *p;
	size_t i;

	json_array_foreach (json_object_get(report, "pipelines"), i, p) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

		if ((first || is_news(p)) && !o->json)
			show_pipeline(p);
		if (!text_eq(member(p, "state"), "failed"))
			continue;
		take_error(json_object_get(p, "error"), &err);
		if (!o->json)
			fail(o, &err);
		status = status ?: (int)exit_status_of(&err);
	}
	if (first && !o->json && !json_array_size(json_object_get(report, "pipelines")))
		puts("There is nothing to restore.");
	fflush(stdout);
	return status;
}

/* To the service manager, if one has started us and wants to know. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t n = path ? strlen(path) : 0;

	if (n < 2 || n >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* a service manager that does not listen is no reason to fail */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		      offsetof(struct sockaddr_un, sun_path) + n);
}

static void notify_ready(const json_t *report)
{
	_cleanup_free_ char *text = text_fmt("READY=1\nSTATUS=%lld interfaces are missing",
					     number(report, "missing"));

	notify(text ?: "READY=1");
}

/* From here on these signals come through the fd that is returned: no step is cut short. */
static int catch_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigprocmask(SIG_BLOCK, ret, NULL);
	return signalfd(-1, ret, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Return: true when @fd is readable; false when a signal has come. */
static bool wait_for(int fd, int signals)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !fds[1].revents;
}

struct own {
	bool stay;
};

static const struct own_option own_options[] = {
	{"wait", 0, OPTION_FLAG, offsetof(struct own, stay),
	 "    --wait              stay until all interfaces are there and attached"},
};

static int restore(const struct options *o, const struct own *own, struct braid_restore *rs,
		   int signals)
{
	int status = EXIT_DONE;

	for (bool first = true;; first = false) {
		_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
		_cleanup_json_ json_t *j = NULL;
		char *text;
		int failed;

		if (braid_restore_step(rs, &text, &err))
			return fail(o, &err);
		j = parse_json(strdup(text));
		if (o->json && (first || has_news(j)))
			puts(text);
		free(text);
		failed = show(o, j, first);
		status = status ?: failed;
		notify_ready(j);
		if (!own->stay || !number(j, "missing"))
			return status;
		if (!wait_for(braid_restore_fd(rs), signals))
			return status ?: EXIT_FAILED;
	}
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_closep) struct braid *b = NULL;
	_cleanup_(braid_restore_closep) struct braid_restore *rs = NULL;
	struct own own = {};
	int status, first = options_parse_own(c, OPT_STATE, argc, argv, &o, &own, &status);
	struct braid_restore_opts opts = {.sz = sizeof(opts)};
	_cleanup_close_ int signals = -1;
	sigset_t set;

	if (first < 0)
		return status;
	opts.names = (const char *const *)argv + first;
	opts.n_names = argc - first;
	signals = catch_signals(&set);
	if (open_braid(&o, &b, &err) || braid_restore_open(b, &opts, &rs, &err))
		return fail(&o, &err);
	status = restore(&o, &own, rs, signals);
	/* a signal that was held back ends the process now, in its own way */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return status;
}

const struct command cmd_restore = {
	.name = "restore",
	.usage = "[options] [PIPELINE…]",
	.summary = "put back what was wanted, as after a reboot",
	.help = "All pipelines of the store, or those that are named, in all network namespaces\n"
		"that exist. Objects come from the store: the files may be gone. What runs is "
		"left\n"
		"alone. A pipeline runs on those of its interfaces that exist; with --wait the "
		"others\n"
		"are attached as they appear, and the command ends when all are.\n"
		"\n"
		"  braid restore --wait\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
