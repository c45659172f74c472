/* SPDX-License-Identifier: GPL-2.0-only */
/* When nobody looks, and where nobody can: a change to the pipeline, an interface that goes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "live_observe.h"
#include "wait.h"

enum { SOON_MS = 60000, SIGNALS = 20 };

static const char *manifest(const char *marks)
{
	return live_manifest("edge.yaml", ON_R0_R1, live_marks(marks));
}

static struct braid_observer_gaps gaps_of(const struct braid_observer *o)
{
	struct braid_observer_gaps gaps;

	braid_observer_gaps(o, &gaps);
	return gaps;
}

static int ignore(void *ctx, const struct braid_event *e)
{
	return 0;
}

static int tend(struct braid_observer *o)
{
	if (braid_observer_read(o, ignore, NULL, NULL))
		bail_out("reading events");
	return braid_observer_tend(o, NULL);
}

static void test_gaps(void)
{
	const char *refused = live_text("m1=%s/live_refused.bpf.o", live_objects);
	struct braid *b = observe_braid("test");
	_cleanup_run_ struct run r = {};
	struct braid_observer *o;
	unsigned long long first;

	must_braid("apply", manifest("1,2"));
	o = observe_open(b, 0);
	is_int(gaps_of(o).n, 0, "somebody looks");
	must_braid("apply", manifest("1,2"));
	is_int(tend(o), 0, "what is applied runs already: he looks on");
	is_int(braid(&r, "update", "edge", refused, "--program", "beyond"), 1,
	       "another is refused");
	is_int(tend(o), 0, "and he looks on");
	is_int(gaps_of(o).n, 0, "all the time");
	must_braid("apply", manifest("1,2,3"));
	ok(wait_until(tend(o) == 1, SOON_MS), "a change, and he is back");
	first = gaps_of(o).last_ns;
	is_int(gaps_of(o).n, 1, "he knows of the gap");
	ok(first > 0 && gaps_of(o).total_ns == first, "and how long it was");
	must_braid("rollback", "edge");
	ok(wait_until(tend(o) == 1, SOON_MS), "a second one");
	ok(gaps_of(o).n == 2 && gaps_of(o).total_ns == first + gaps_of(o).last_ns,
	   "is counted, too");
	observe_close(o);
	braid_close(b);
	must_braid("delete", "edge");
}

static void test_interfaces(void)
{
	struct braid *b = observe_braid("test");
	struct braid_error err = BRAID_ERROR_INIT;
	struct braid_observer *o;

	must_braid("apply", manifest("1,2"));
	o = observe_open(b, 0);
	is_int(braid_observer_interfaces(o), 2, "on two interfaces");
	must_run("ip -n right link del r1");
	ok(wait_until(tend(o) == 2, SOON_MS), "one goes, and that is seen");
	is_int(braid_observer_interfaces(o), 1, "one is left");
	must_run("ip -n right link del r0");
	ok(wait_until(braid_observer_tend(o, &err) == -ENOENT, SOON_MS), "none is left");
	ok(err.what && strstr(err.what, "no interface"), "and it says so: %s", err.what ?: "");
	braid_error_clear(&err);
	observe_close(o);
	braid_close(b);
	must_braid("delete", "edge");
	live_plug(0);
	live_plug(1);
}

/* The command, in a process group of its own, with its output in a file. */
struct started {
	pid_t pid;
	const char *out; /* the same for all: live_text() forgets */
};

static char *output, *packets; /* paths */

static struct started start(const char *const argv[])
{
	struct started s = {.out = output};
	int fd;

	unlink(s.out);
	fflush(NULL);
	s.pid = fork();
	if (!s.pid) {
		setpgid(0, 0);
		fd = open(s.out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(126);
		execv(live_braid, (char *const *)argv);
		_exit(127);
	}
	if (s.pid < 0 || !wait_until(observe_looking() == 1, SOON_MS))
		bail_out("%s does not look", argv[1]);
	return s;
}

/* Return: exit status; 128 + number when a signal ended it. */
static int end(const struct started *s)
{
	int status;

	if (waitpid(s->pid, &status, 0) != s->pid)
		bail_out("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char *read_all(const char *path, size_t *ret_n)
{
	char *all = calloc(1, 1 << 20);
	FILE *f = fopen(path, "re");

	*ret_n = f && all ? fread(all, 1, (1 << 20) - 1, f) : 0;
	if (f)
		fclose(f);
	return all;
}

static bool says(const char *path, const char *text)
{
	size_t n;
	_cleanup_free_ char *all = read_all(path, &n);

	return memmem(all, n, text, strlen(text));
}

static void ends(const struct started *s, int want, const char *what)
{
	size_t n;
	_cleanup_free_ char *all = NULL;
	int status = end(s);

	all = read_all(s->out, &n);
	ok(status == want, "%s: %d %s", what, status, status == want ? "" : all);
}

/* One that looks while the pipeline is changed, and a frame behind that. */
static void changes(const char *const argv[], const char *file, const char *text)
{
	struct started s;

	must_braid("apply", manifest("1,2"));
	s = start(argv);
	must_braid("apply", manifest("1,2,3"));
	ok(wait_until(observe_looking() == 1, SOON_MS), "%s: it is back", argv[1]);
	is_str(live_trip(0), "123", "%s: a frame", argv[1]);
	kill(s.pid, SIGINT);
	ends(&s, 0, live_text("%s: ends in order", argv[1]));
	ok(says(file ?: s.out, text), "%s: %s", argv[1], text);
	ok(says(s.out, "while the pipeline changed") || says(s.out, "\"gaps\":1"),
	   "%s: and at its end", argv[1]);
	must_braid("delete", "edge");
}

static void test_told(void)
{
	changes((const char *const[]){live_braid, "trace", "edge", NULL}, NULL,
		"nobody looked for");
	changes((const char *const[]){live_braid, "trace", "edge", "--json", NULL}, NULL,
		"{\"gap\":{\"seconds\":");
	changes((const char *const[]){live_braid, "capture", "edge", "-w", packets, NULL}, packets,
		"nobody looked for");
}

static void test_goes(const char *const argv[])
{
	struct started s;

	must_braid("apply", manifest("1,2"));
	s = start(argv);
	must_run("ip -n right link del r1");
	ok(wait_until(says(s.out, "edge is on 1 interface now"), SOON_MS), "%s: one goes", argv[1]);
	must_run("ip -n right link del r0");
	ends(&s, 1, live_text("%s: the last one goes: it ends", argv[1]));
	ok(says(s.out, "no interface now"), "%s: and says why", argv[1]);
	must_braid("delete", "edge");
	live_plug(0);
	live_plug(1);
}

/* What a terminal does, and timeout(1): all of its processes get it, and more than once. */
static void test_group(const char *const argv[], bool deleted)
{
	struct started s;
	siginfo_t info = {};

	must_braid("apply", manifest("1,2"));
	s = start(argv);
	if (deleted)
		must_braid("delete", "edge");
	for (int i = 0; i < SIGNALS; i++)
		kill(-s.pid, SIGINT);
	/* and while it ends */
	while (!waitid(P_PID, s.pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid)
		kill(-s.pid, SIGINT);
	ends(&s, 0, live_text("%s: SIGINT to all of it%s", argv[1], deleted ? ", deleted" : ""));
	ok(!says(s.out, "killed"), "%s: and nothing is said of a kill", argv[1]);
	if (!deleted) {
		is_str(observe_state(), "", "%s: nothing is left in", argv[1]);
		must_braid("delete", "edge");
	}
}

int main(int argc, char **argv)
{
	const char *const trace[] = {argv[1], "trace", "edge", NULL};
	const char *const capture[] = {argv[1], "capture", "edge", "-w", "/dev/null", NULL};
	const char *const latency[] = {argv[1], "latency", "edge", "-d", "1h", NULL};
	const char *const top[] = {argv[1], "top", "edge", "--json", NULL};

	live_init(argc, argv);
	output = text_fmt("%s/out", net_scratch());
	packets = text_fmt("%s/edge.pcapng", net_scratch());
	test_gaps();
	test_interfaces();
	test_told();
	test_goes(trace);
	test_goes(capture);
	test_goes(latency);
	test_group(trace, false);
	test_group(capture, false);
	test_group(latency, false);
	test_group(top, false);
	test_group(top, true);
	is_int(live_pins(), 0, "nothing is left");
	free(output);
	free(packets);
	return done();
}
