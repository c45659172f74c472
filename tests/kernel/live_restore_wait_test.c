/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `braid restore --wait`: what is missing is picked up as it appears; and how a service
 * manager and a program see that.
 */
#include <braid/braid.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "live_restore.h"

/* Does it sleep in poll(2) without a timeout? */
static bool sleeps(pid_t pid)
{
	_cleanup_fclose_ FILE *f = fopen(live_text("/proc/%d/syscall", pid), "re");
	char text[256] = "";
	unsigned long long third = 0;
	long nr = -1;

	if (!f || !fgets(text, sizeof(text), f) ||
	    sscanf(text, "%ld %*x %*x %llx", &nr, &third) != 2)
		return false;
#ifdef SYS_poll
	if (nr == SYS_poll)
		return (int)third == -1;
#endif
	return nr == SYS_ppoll && !third;
}

static void start_waiting(struct run *r)
{
	run_start(r, (const char *const[]){live_braid, "restore", "--wait", NULL});
	ok(wait_until(sleeps(r->pid), SOON_MS), "restore --wait sleeps, without a timeout");
}

static void test_wait(void)
{
	_cleanup_run_ struct run r = {};

	fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1,2")));
	power_cycle();
	start_waiting(&r);
	live_plug(0);
	ok(wait_until(!strcmp(live_trip(0), "12"), SOON_MS), "picked up as it was made");
	must_run("ip -n left link add l1 type veth peer name other netns right");
	ok(wait_until(sleeps(r.pid), SOON_MS), "one of another name is none of its business");
	states("attached", "missing", "still");
	must_run("ip -n right link set other name r1");
	is_int(run_wait(&r), 0, "renamed to what is wanted: the command ends");
	states("attached", "attached", "then");
	ok(strstr(r.out, "r1 in right: missing"), "it told what was missing: %s", r.out);
	ok(strstr(r.out, "r1 in right: attach"), "and when it was there");
	must_run("ip -n right link delete r1");
	live_plug(1);
	must_braid("restore");
}

/* Namespaces that appear, under a name that is a mount and under one that is a symbolic link. */
static void test_wait_for_namespaces(void)
{
	_cleanup_run_ struct run r = {};

	net_add("later");
	must_run("ip -n later link add d0 type veth peer name d1");
	must_run("ln -s /run/netns/later /run/netns/alias");
	fresh(live_manifest(
		"m.yaml",
		"interfaces: [{name: d0, netns: later}, {name: lo, netns: alias}], mode: generic, ",
		live_marks("1")));
	wipe();
	must_run("rm /run/netns/alias");
	net_delete("later");
	start_waiting(&r);
	net_add("later");
	must_run("ip -n later link add d0 type veth peer name d1");
	ok(wait_until(live_pins() > 0, SOON_MS), "a namespace, and an interface in it");
	ok(wait_until(sleeps(r.pid), SOON_MS), "the other is still missing");
	must_run("ln -s /run/netns/later /run/netns/alias");
	is_int(run_wait(&r), 0, "and the other: %s", r.err);
	states("attached", "attached", "then");
	must_run("rm /run/netns/alias");
	net_delete("later");
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
}

static bool has_interface(const char *ns, const char *name)
{
	_cleanup_run_ struct run r = {};

	return !run(&r, "ip", "-n", ns, "link", "show", name);
}

/* What waits for an interface of a namespace does not keep that namespace. */
static void test_wait_lets_go(void)
{
	_cleanup_run_ struct run r = {};

	net_add("short");
	net_veth("left", "ls", "short", "s0");
	net_veth("left", "lt", "short", "s1");
	fresh(live_manifest("m.yaml",
			    "interfaces: [{name: s0, netns: short}, {name: s1, netns: short}], ",
			    live_marks("1")));
	must_run("ip -n left link delete lt");
	start_waiting(&r);
	net_delete("short");
	ok(wait_until(!has_interface("left", "ls"), SOON_MS), "the namespace ends");
	ok(wait_until(sleeps(r.pid), SOON_MS), "it goes on waiting");
	net_add("short");
	net_veth("left", "ls", "short", "s0");
	net_veth("left", "lt", "short", "s1");
	is_int(run_wait(&r), 0, "another one of that name will do");
	states("attached", "attached", "then");
	must_braid("delete", "edge");
	net_delete("short");
}

static void test_wait_ends(void)
{
	_cleanup_run_ struct run r = {};
	size_t pins;

	fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
	power_cycle();
	live_plug(0);
	start_waiting(&r);
	pins = live_pins();
	kill(r.pid, SIGTERM);
	is_int(run_wait(&r), 128 + SIGTERM, "SIGTERM ends it");
	is_str(live_trip(0), "1", "what it has restored goes on");
	is_int(live_pins(), pins, "nothing else is left");
	start_waiting(&r);
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1,2")));
	is_int(run_wait(&r), 0, "nobody wants the missing one any more: it ends");
	is_str(live_trip(0), "12", "with what was applied meanwhile");
	live_plug(1);
}

static void test_home(void)
{
	_cleanup_json_ json_t *report = NULL;
	_cleanup_run_ struct run r = {};

	must_braid("delete", "edge");
	net_add("flat");
	must_run("nsenter --net=/run/netns/flat %s apply %s", live_braid,
		 live_manifest("m.yaml", "mode: generic, interfaces: [lo], ", live_marks("1")));
	wipe();
	net_delete("flat");
	report = braid_json("restore");
	is_str(json_text(of(report, "edge"), "state"), "waiting", "its home is away");
	is_str(json_text(of(report, "edge"), "missing/0/netns"), "flat", "and named");
	is_int(live_pins(), 0, "nothing is loaded");
	start_waiting(&r);
	net_add("flat");
	is_int(run_wait(&r), 0, "it is there: %s", r.err);
	states("attached", "", "from another home");
	{
		_net_in_(there, "flat");
		must_braid("delete", "edge");
	}
	net_delete("flat");
}

/* "CAP_SYS_ADMIN CAP_BPF" of the unit file, as setpriv wants it: "-all,+sys_admin,+bpf". */
static const char *capabilities_of(const char *unit)
{
	_cleanup_fclose_ FILE *f = fopen(unit, "re");
	static char text[256];
	char line[256], *word, *rest;

	strcpy(text, "-all");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "CapabilityBoundingSet=", 22))
			continue;
		for (rest = line + 22; (word = strsep(&rest, " \n"));)
			if (!strncmp(word, "CAP_", 4)) {
				strcat(strcat(text, ",+"), word + 4);
			}
	}
	for (char *at = text; *at; at++)
		*at = tolower(*at);
	if (!strcmp(text, "-all"))
		bail_out("%s says nothing of capabilities", unit);
	return text;
}

/* As RestrictAddressFamilies= does it: a socket of another family cannot be made. */
static void restrict_families(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

/* In a process that has no more than the unit file allows. Return: exit status. */
static int run_confined(const char *capabilities)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		freopen("/dev/null", "w", stdout);
		restrict_families();
		execlp("setpriv", "setpriv", "--bounding-set", capabilities, "--inh-caps",
		       capabilities, live_braid, "restore", "--wait", NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("running confined: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The socket of a service manager. */
static int listen_as_manager(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/run/scratch/notify"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		bail_out("a socket: %s", strerror(errno));
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	return fd;
}

/* What the unit file promises: as confined as it says, and telling when it is ready. */
static void test_service(const char *unit)
{
	_cleanup_close_ int manager = listen_as_manager();
	char text[256] = "";

	fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1,2")));
	reboot();
	is_int(run_confined(capabilities_of(unit)), 0, "with the capabilities of the unit file");
	unsetenv("NOTIFY_SOCKET");
	trips("12", "12", "restored");
	if (recv(manager, text, sizeof(text) - 1, 0) < 0)
		diag("recv: %s", strerror(errno));
	ok(!strncmp(text, "READY=1\n", 8), "it says that it is ready: %s", text);
	must_braid("delete", "edge");
}

/* The same as a library: a descriptor to poll, and a report of each step. */
static json_t *step(struct braid_restore *rs)
{
	struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_free_ char *text = NULL;

	if (braid_restore_step(rs, &text, &err))
		bail_out("braid_restore_step: %s", err.what);
	return json_loads(text, 0, NULL);
}

static void test_library(void)
{
	struct braid_opts opts = {.sz = sizeof(opts), .cause = "a program"};
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	struct braid_restore *rs = NULL;
	struct braid *b = NULL;
	struct pollfd fd = {.events = POLLIN};

	fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
	power_cycle();
	live_plug(0);
	if (braid_open(&opts, &b, NULL) || braid_restore_open(b, NULL, &rs, NULL))
		bail_out("opening");
	first = step(rs);
	is_int(json_number(first, "missing"), 1, "a step of the library: one is missing");
	json_decref(step(rs));
	fd.fd = braid_restore_fd(rs);
	is_int(poll(&fd, 1, 0), 0, "nothing happens: the descriptor is quiet");
	live_plug(1);
	is_int(poll(&fd, 1, SOON_MS), 1, "an interface: it is readable");
	second = step(rs);
	is_int(json_number(second, "missing"), 0, "another step: nothing is missing");
	trips("1", "1", "then");
	braid_restore_close(rs);
	braid_close(b);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		bail_out("the fourth argument is the unit file");
	live_init(argc, argv);
	net_add("home");
	net_enter("home");
	test_wait();
	test_wait_for_namespaces();
	test_wait_lets_go();
	test_wait_ends();
	test_home();
	test_service(argv[4]);
	test_library();
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
