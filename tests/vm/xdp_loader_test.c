/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xdp_loader_test BRAID DIR JSON.MD - `braid xdp-loader` against the real one: the same lines
 * (xdp_loader_steps.h), the same exit status, the same programs, pins and status. And each of
 * the two reads what the other one has made. DIR has xl_*.o.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "file.h"
#include "kernel/xdp_features.h"
#include "net.h"
#include "run.h"
#include "tap.h"
#include "wait.h"
#include "xdp_loader_steps.h"

enum { DEADLINE_MS = 20000 };

/* A tool, and where it works. */
struct side {
	const char *tool;      /* the real one, or a link to braid of that name */
	const char *interface; /* of equal length, so that columns are */
	const char *pins;
};

static struct side real = {"/usr/sbin/xdp-loader", "real0", "/sys/fs/bpf/real0"};
static struct side ours = {"/run/scratch/xdp-loader", "ours0", "/sys/fs/bpf/ours0"};
static const char *braid_path, *objects, *doc;

/* How a command has ended; what it has said, if not as expected. */
static void exited(const struct run *r, int want, const char *what)
{
	if (!is_int(r->status, want, "%s", what))
		diag("%s%s", r->out, r->err);
}

/* Status of the side's interface as @tool prints it. Caller frees. */
static char *status_by(const char *tool, const struct side *s)
{
	_cleanup_run_ struct run r = {};

	if (run(&r, tool, "status", s->interface))
		bail_out("%s status: %s", tool, r.err);
	return TAKE_PTR(r.out);
}

/* The id in the line of @name; 0: there is none. */
static unsigned int find_id(const struct side *s, const char *name)
{
	_cleanup_free_ char *status = status_by(real.tool, s);
	char *line = status, *rest = status;

	while ((line = strsep(&rest, "\n"))) {
		char *word, *words[8];
		int n = 0;

		while (n < 8 && (word = strsep(&line, " ")))
			if (*word)
				words[n++] = word;
		for (int i = 0; i < n; i++)
			if (strcmp(words[i], name) == 0) {
				/* in front of the id stands the mode, unless it is a component */
				for (int k = i + 1; k < n; k++)
					if (strspn(words[k], "0123456789") == strlen(words[k]))
						return atoi(words[k]);
			}
	}
	return 0;
}

/* A word of a step as @s is given it. Caller frees. */
static char *expand(const struct side *s, const char *word)
{
	size_t n = strlen(word);

	if (strcmp(word, "''") == 0)
		return strdup("");
	if (strcmp(word, "%i") == 0)
		return strdup(s->interface);
	if (strncmp(word, "%p", 2) == 0)
		return text_fmt("%s%s", s->pins, word + 2);
	if (*word == '#')
		return text_fmt("%u", find_id(s, word + 1));
	if (n > 2 && strcmp(word + n - 2, ".o") == 0)
		return text_fmt("%s/xl_%s",
				strcmp(word, "cut.o") && strcmp(word, "text.o") ? objects
										: net_scratch(),
				word);
	return strdup(word);
}

/* Return: the exit status. */
static int run_line(struct run *r, const struct side *s, const char *line)
{
	char copy[512], *rest = copy, *word, *argv[32] = {strdup(s->tool)};
	int n = 1, status;

	snprintf(copy, sizeof(copy), "%s", line);
	while (n < 31 && (word = strsep(&rest, " ")))
		if (*word)
			argv[n++] = expand(s, word);
	run_start(r, (const char *const *)argv);
	status = run_wait(r);
	while (n)
		free(argv[--n]);
	return status;
}

/* Where the tag of a program stands in a line of status; NULL: it has none. */
static char *find_tag(char *line, const char *end)
{
	for (char *at = line; at + 16 <= end; at++)
		if (strspn(at, "0123456789abcdef") == 16 && at[16] == ' ')
			return at;
	return NULL;
}

/*
 * What differs by nature becomes blank: the interface, ids; and the tag of a dispatcher, since
 * braid's is another program than libxdp's.
 */
static void mask(char *status, const struct side *s)
{
	char *end;

	for (char *at = status; (at = strstr(at, s->interface)); at += strlen(s->interface))
		memset(at, '.', strlen(s->interface));
	for (char *line = status; *line; line = end + (*end != '\0')) {
		char *tag;

		end = line + strcspn(line, "\n");
		tag = find_tag(line, end);
		if (!tag)
			continue;
		if (memmem(line, end - line, "xdp_dispatcher", 14))
			memset(tag, '-', 16);
		while (tag[-1] == ' ')
			tag--;
		while (tag[-1] >= '0' && tag[-1] <= '9')
			*--tag = ' ';
	}
}

/* Names in a folder, sorted; "" if there is none. Caller frees. */
static char *names_in(const char *folder)
{
	_cleanup_run_ struct run r = {};

	run(&r, "ls", "-A", folder);
	return TAKE_PTR(r.out);
}

/* What both interfaces have, as both tools read it, and what is pinned for maps. */
static void compare(const char *line)
{
	_cleanup_free_ char *real_by_real = status_by(real.tool, &real);
	_cleanup_free_ char *real_by_ours = status_by(ours.tool, &real);
	_cleanup_free_ char *ours_by_real = status_by(real.tool, &ours);
	_cleanup_free_ char *ours_by_ours = status_by(ours.tool, &ours);
	_cleanup_free_ char *real_pins = names_in(real.pins), *ours_pins = names_in(ours.pins);

	is_str(real_by_ours, real_by_real, "%s: braid reads what xdp-loader made", line);
	is_str(ours_by_ours, ours_by_real, "%s: xdp-loader reads what braid made", line);
	mask(real_by_real, &real);
	mask(ours_by_real, &ours);
	is_str(ours_by_real, real_by_real, "%s: the same programs", line);
	is_str(ours_pins, real_pins, "%s: the same pins", line);
}

static void try_step(const struct step *s)
{
	_cleanup_run_ struct run a = {}, b = {};

	is_int(run_line(&a, &real, s->line), s->status, "xdp-loader %s", s->line);
	if (!is_int(run_line(&b, &ours, s->line), s->status, "braid xdp-loader %s", s->line))
		diag("%s%s", b.out, b.err);
	if (s->status)
		ok(*b.err || strstr(s->line, "--"), "a reason is given");
}

/* Looking takes as long as doing, so what changes nothing is looked at once, at its end. */
static void try_steps(const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		try_step(&steps[i]);
		if (!steps[i].status || i + 1 == n)
			compare(steps[i].line);
	}
}

#define TRY(steps) try_steps(steps, sizeof(steps) / sizeof(*(steps)))

static void try_usage(void)
{
	for (size_t i = 0; i < sizeof(usage_steps) / sizeof(*usage_steps); i++)
		try_step(&usage_steps[i]);
	compare("wrong usage");
}

static void test_bare(void)
{
	must_run("ip link set dev %s xdpdrv obj %s/xl_plain.o sec xdp", real.interface, objects);
	must_run("ip link set dev %s xdpdrv obj %s/xl_plain.o sec xdp", ours.interface, objects);
	TRY(bare_steps);
	must_run("rm -rf %s/xdp/globals", "/sys/fs/bpf");
}

static void make_pipeline(const char *interface)
{
	_cleanup_free_ char *path = text_fmt("%s/%s.yaml", net_scratch(), interface);
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	fprintf(f,
		"braid: 1\npipelines:\n"
		"  - {name: edge-%s, hook: xdp, interfaces: [%s], strategy: fused,\n"
		"     stages: [{name: edge, object: %s/xl_plain.o}]}\n",
		interface, interface, objects);
	fflush(f);
	must_run("%s apply %s", braid_path, path);
}

static void test_link(void)
{
	_cleanup_run_ struct run r = {};

	make_pipeline(real.interface);
	make_pipeline(ours.interface);
	TRY(link_steps);
	run_line(&r, &ours, "load %i first.o");
	ok(strstr(r.err, "pipeline 'edge-ours0'") && strstr(r.err, "braid delete edge-ours0"),
	   "braid says whose it is, and what to do: %s", r.err);
	must_run("%s delete edge-%s", braid_path, real.interface);
	must_run("%s delete edge-%s", braid_path, ours.interface);
}

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail_out("%s: %s", path, strerror(errno));
}

/* The interface that came last; its name. */
static char *newest(char name[IF_NAMESIZE])
{
	struct if_nameindex *all = if_nameindex();
	unsigned int last = 0;

	if (!all)
		bail_out("if_nameindex: %s", strerror(errno));
	for (struct if_nameindex *i = all; i->if_index; i++)
		last = i->if_index > last ? i->if_index : last;
	if_freenameindex(all);
	return if_indextoname(last, name);
}

/* Netdevsim's device @number becomes @name. */
static void make_device(int number, const char *name)
{
	char text[16], before[IF_NAMESIZE], made[IF_NAMESIZE];

	newest(before);
	snprintf(text, sizeof(text), "%d 1", number);
	write_file("/sys/bus/netdevsim/new_device", text);
	if (!wait_until(strcmp(newest(made), before) != 0, DEADLINE_MS))
		bail_out("netdevsim has no interface");
	must_run("ip link set %s name %s", made, name);
	must_run("ip link set %s up", name);
}

/* Since Linux 6.3 the kernel tells what the driver of an interface can do. */
static bool features_are_told(void)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	__u32 ifindex = if_nametoindex(ours.interface);
	__u64 features;

	return !netns_open(NULL, &ns, &err) && !xdp_features_read(&ns, ifindex, &features, &err);
}

static void test_unspecified(void)
{
	if (features_are_told())
		TRY(unspecified_steps);
	else
		skip("unspecified, generic: this kernel does not tell what drivers can do");
}

static void test_hardware(void)
{
	if (access("/sys/bus/netdevsim", F_OK)) {
		skip("hardware: this kernel has no netdevsim");
		return;
	}
	make_device(7, real.interface);
	make_device(8, ours.interface);
	TRY(hardware_steps);
	write_file("/sys/bus/netdevsim/del_device", "7");
	write_file("/sys/bus/netdevsim/del_device", "8");
}

static void test_devices(void)
{
	const char *old[] = {real.interface, ours.interface};

	real.interface = "real7";
	ours.interface = "ours8";
	test_hardware();
	must_run("ip link add real7 type dummy");
	must_run("ip link add ours8 type dummy");
	TRY(dummy_steps);
	must_run("ip link delete real7");
	must_run("ip link delete ours8");
	real.interface = old[0];
	ours.interface = old[1];
}

/* Each adds to what the other has begun, takes out of it, and both read it. */
static void test_together(void)
{
	_cleanup_free_ char *by_real = NULL, *by_ours = NULL;
	_cleanup_run_ struct run r = {};
	struct side there = {real.tool, ours.interface, real.pins};

	run_line(&r, &ours, "load %i frags.o -P 3");
	exited(&r, 0, "braid begins, with frags");
	run_line(&r, &there, "load %i first.o");
	exited(&r, 0, "xdp-loader adds");
	run_line(&r, &ours, "load %i plain.o -P 1");
	exited(&r, 0, "braid adds");
	run_line(&r, &there, "unload %i -i #xl_frags");
	exited(&r, 0, "xdp-loader removes");
	run_line(&r, &ours, "unload %i -i #xl_first");
	exited(&r, 0, "braid removes");
	by_real = status_by(real.tool, &ours);
	by_ours = status_by(ours.tool, &ours);
	is_str(by_ours, by_real, "both read the same");
	ok(strstr(by_real, "xl_plain") && !strstr(by_real, "xl_f"), "what is left: %s", by_real);
	run_line(&r, &there, "unload %i -a");
	exited(&r, 0, "xdp-loader takes all away");
}

/* An interface goes, and its pins stay: each tool tidies up behind either. */
static void test_clean(void)
{
	const char *const tools[] = {ours.tool, real.tool};

	for (int i = 0; i < 2; i++) {
		_cleanup_run_ struct run r = {};
		_cleanup_free_ char *before = NULL, *after = NULL;

		must_run("ip link add gone0 type veth peer name gone1");
		must_run("%s load gone0 %s/xl_plain.o", real.tool, objects);
		must_run("%s load gone1 %s/xl_first.o", ours.tool, objects);
		must_run("ip link delete gone0");
		before = names_in("/sys/fs/bpf/xdp");
		ok(*before, "pins are left");
		is_int(run(&r, tools[i], "clean"), 0, "%s clean", tools[i]);
		after = names_in("/sys/fs/bpf/xdp");
		is_str(after, "", "none are left");
	}
}

static void test_nobody(void)
{
	_cleanup_run_ struct run a = {}, b = {};

	is_int(run(&a, "setpriv", "--reuid", "65534", "--clear-groups", real.tool, "status"), 1,
	       "xdp-loader without privileges");
	is_int(run(&b, "setpriv", "--reuid", "65534", "--clear-groups", ours.tool, "status"), 1,
	       "braid xdp-loader without privileges");
	ok(*b.err, "a reason is given: %s", b.err);
}

/* What only ours has. */
static void test_more(void)
{
	_cleanup_run_ struct run r = {};
	json_t *j, *component;
	const char *key;
	json_t *value;

	run_line(&r, &ours, "load %i plain.o --json");
	exited(&r, 0, "load --json");
	j = json_loads(r.out, 0, NULL);
	component = json_array_get(json_object_get(j, "components"), 0);
	is_int(json_integer_value(json_array_get(json_object_get(j, "added"), 0)),
	       find_id(&ours, "xl_plain"), "it tells the id of what was added");
	ok(json_object_size(component) > 5, "and all about it");
	json_object_foreach (component, key, value) {
		_cleanup_free_ char *row = text_fmt("`%s`", key);

		ok(strstr(doc, row), "'%s' of a component is documented", key);
	}
	json_decref(j);
	run_line(&r, &ours, "unload %i -a --json");
	exited(&r, 0, "unload --json");
	ok(strstr(r.out, "\"removed\""), "it tells what was removed");
	run_line(&r, &ours, "features %i");
	if (features_are_told()) {
		exited(&r, 0, "features");
		ok(strstr(r.out, "NETDEV_XDP_ACT_BASIC:           yes\n"), "veth has native XDP");
	} else {
		ok(r.status && strstr(r.err, "since Linux 6.3"), "it says why not: %s", r.err);
		skip("features: this kernel does not tell what drivers can do");
	}
	run_line(&r, &ours, "features nosuch");
	exited(&r, 1, "of no interface");
}

static void write_objects(void)
{
	char head[300];
	_cleanup_free_ char *whole = text_fmt("%s/xl_plain.o", objects);
	_cleanup_close_ int in = open(whole, O_RDONLY | O_CLOEXEC), out = -1;

	write_file("/run/scratch/xl_text.o", "no object\n");
	out = open("/run/scratch/xl_cut.o", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (read(in, head, sizeof(head)) < 0 || write(out, head, sizeof(head)) < 0)
		bail_out("%s: %s", whole, strerror(errno));
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;

	if (argc != 4)
		bail_out("usage: xdp_loader_test BRAID DIR JSON.MD");
	if (access(real.tool, X_OK))
		skip_all("needs xdp-tools: %s", real.tool);
	braid_path = realpath(argv[1], NULL); /* a link to it leads from elsewhere */
	objects = argv[2];
	doc = text = file_text(argv[3]);
	net_init();
	write_objects();
	if (symlink(braid_path, ours.tool))
		bail_out("%s: %s", ours.tool, strerror(errno));
	net_veth(NULL, "real0", NULL, "real1");
	net_veth(NULL, "ours0", NULL, "ours1");
	try_usage();
	TRY(chain_steps);
	TRY(generic_steps);
	test_unspecified();
	TRY(pin_steps);
	test_bare();
	test_link();
	test_devices();
	test_together();
	test_clean();
	test_nobody();
	test_more();
	return done();
}
