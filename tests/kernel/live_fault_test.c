/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be wrong around a change, and in what it is told. Each time: the exit status,
 * one error that says what it is, and what ran goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "live_common.h"
#include "store/store.h"
#include "wait.h"

static const char *good, *next; /* manifests: what runs, and a change */

static size_t count_errors(const char *text)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, "braid: ")); at++)
		n += at == text || at[-1] == '\n';
	return n;
}

static void goes_on(void)
{
	is_str(live_trip(0), "1", "what ran goes on");
}

static void failed(struct run *r, int status, const char *says, const char *what)
{
	is_int(r->status, status, "%s: status", what);
	ok(strstr(r->err, says), "it says '%s': %s", says, r->err);
	is_int(count_errors(r->err), 1, "once");
	goes_on();
}

#define fails(status, says, what, ...)                                                             \
	do {                                                                                       \
		_cleanup_run_ struct run fails_ = {};                                              \
		braid(&fails_, __VA_ARGS__);                                                       \
		failed(&fails_, status, says, what);                                               \
	} while (0)

/* Something was in the way and is no more: the change must succeed, and be undone. */
static void recovers(void)
{
	must_braid("apply", next);
	is_str(live_trip(0), "12", "afterwards the change succeeds");
	must_braid("apply", good);
}

static void must(int error, const char *what)
{
	if (error)
		bail_out("%s: %s", what, strerror(errno));
}

/* Does it look again and again whether the lock is free? */
static bool waits(pid_t pid)
{
	_cleanup_fclose_ FILE *f = fopen(live_text("/proc/%d/syscall", pid), "re");
	long nr = -1;

	return f && fscanf(f, "%ld", &nr) == 1 &&
	       (nr == SYS_clock_nanosleep || nr == SYS_nanosleep);
}

static void test_lock(void)
{
	_cleanup_close_ int fd = open(live_text("%s/lock", getenv("BRAID_STATE")),
				      O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_run_ struct run r = {};

	must(fd < 0 || flock(fd, LOCK_EX), "taking the lock");
	must(dprintf(fd, "4711 braid apply other.yaml\n") < 0, "writing the lock");
	fails(3, "process 4711: braid apply other.yaml", "the lock is taken", "apply", "--wait",
	      "0", next);
	fails(3, "another command is at work", "for delete, too", "delete", "--wait", "0", "edge");
	must(ftruncate(fd, 0), "writing the lock");
	is_int(braid(&r, "status"), 0, "looking needs no lock");
	run_start(&r, (const char *const[]){live_braid, "apply", next, NULL});
	ok(wait_until(waits(r.pid), 20000), "one that may wait does so");
	goes_on();
	must(flock(fd, LOCK_UN), "giving the lock back");
	is_int(run_wait(&r), 0, "one that waits succeeds when the lock is free");
	must_braid("apply", good);
}

static void test_two_at_once(void)
{
	const char *const a[] = {live_braid, "apply", good, NULL};
	const char *const b[] = {live_braid, "apply", next, NULL};
	const char *const at_once[] = {live_braid, "apply", "--wait", "0", next, NULL};
	_cleanup_run_ struct run one = {}, two = {};
	const char *trip;

	run_start(&one, a);
	run_start(&two, b);
	is_int(run_wait(&one), 0, "of two at once the one succeeds");
	is_int(run_wait(&two), 0, "and the other");
	trip = live_trip(0);
	ok(!strcmp(trip, "1") || !strcmp(trip, "12"), "either was the last: '%s'", trip);
	must_braid("apply", good);
	run_start(&one, at_once);
	run_start(&two, at_once);
	run_wait(&one);
	run_wait(&two);
	ok(!one.status || !two.status, "of two that do not wait one succeeds");
	ok((!one.status || one.status == 3) && (!two.status || two.status == 3),
	   "the other one, too, or it says what is in the way: %s%s", one.err, two.err);
	is_str(live_trip(0), "12", "and it runs");
	must_braid("apply", good);
}

static void test_bpffs(void)
{
	_cleanup_free_ char *root = text_fmt("%s", getenv("BRAID_BPFFS"));

	setenv("BRAID_BPFFS", net_scratch(), 1);
	fails(1, "no BPF file system is mounted here", "no bpffs", "apply", next);
	setenv("BRAID_BPFFS", "/run/nothing", 1);
	fails(1, "$BRAID_BPFFS", "no folder for bpffs", "apply", next);
	setenv("BRAID_BPFFS", root, 1);
	must(mount(NULL, root, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), "remount");
	fails(1, "Read-only file system", "bpffs is read-only", "apply", next);
	fails(1, "Read-only file system", "for delete, too", "delete", "edge");
	must(mount(NULL, root, NULL, MS_REMOUNT | MS_BIND, NULL), "remount");
	recovers();
}

/* As user 0, but without a capability. */
#define powerless(r, ...)                                                                          \
	run(r, "setpriv", "--bounding-set", "-all", "--inh-caps", "-all", live_braid, __VA_ARGS__)

static void test_privileges(void)
{
	_cleanup_free_ char *folder = text_fmt("%s/others", net_scratch());
	_cleanup_run_ struct run r = {};

	powerless(&r, "apply", next);
	failed(&r, 4, "CAP_", "without capabilities");
	powerless(&r, "delete", "edge");
	failed(&r, 4, "CAP_", "delete without");
	is_int(powerless(&r, "plan", next), 0, "plan needs none");
	ok(strstr(r.out, "Without a look at what runs"), "and says what it cannot: %s", r.out);
	must(mkdir(folder, 0700) || chown(folder, 1, 1), folder);
	powerless(&r, "apply", "--state", folder, next);
	failed(&r, 4, folder, "state that belongs to somebody else");
	must_run("rm -r %s", folder);
}

static void test_state(void)
{
	_cleanup_free_ char *state = text_fmt("%s", getenv("BRAID_STATE"));
	_cleanup_run_ struct run r = {};

	must(mount(state, state, NULL, MS_BIND, NULL), "bind mount");
	must(mount(NULL, state, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), "remount");
	fails(1, "Read-only file system", "state is read-only", "apply", next);
	is_int(braid(&r, "status"), 0, "status reads it nevertheless");
	is_int(braid(&r, "history", "edge"), 0, "history too");
	must(umount(state), "umount");
	fails(1, "cannot", "no folder above it", "apply", "--state", "/run/no/where", next);
	must(chmod(state, 0777), state);
	fails(4, "others could change the state", "a folder for everybody", "apply", next);
	must(chmod(state, 0700), state);
	recovers();
}

static void fill(const char *folder)
{
	_cleanup_close_ int fd = open(live_text("%s/ballast", folder),
				      O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	static const char block[4096];

	while (fd >= 0 && write(fd, block, sizeof(block)) > 0)
		;
	if (fd < 0 || errno != ENOSPC)
		bail_out("filling %s: %s", folder, strerror(errno));
}

static void test_full(void)
{
	_cleanup_free_ char *state = text_fmt("%s", getenv("BRAID_STATE"));
	_cleanup_free_ char *small = text_fmt("%s/small", net_scratch());

	must(mkdir(small, 0700), small);
	must(mount("tmpfs", small, "tmpfs", 0, "size=4m,mode=700"), "mount");
	must_run("cp %s/braid.db %s/braid.db", state, small);
	fill(small);
	setenv("BRAID_STATE", small, 1);
	fails(1, "No space left", "no space for state", "apply", next);
	must_run("rm %s/ballast", small);
	recovers();
	setenv("BRAID_STATE", state, 1);
	/* what ran in between is unknown to the older copy */
	must_braid("apply", "--replace", good);
	must(umount(small), "umount");
}

static void *read_all(int fd, size_t *ret_size)
{
	struct stat st;
	void *bytes;

	must(fd < 0 || fstat(fd, &st), "the database");
	*ret_size = st.st_size;
	bytes = malloc(st.st_size);
	if (!bytes || pread(fd, bytes, st.st_size, 0) != st.st_size)
		bail_out("reading the database");
	return bytes;
}

/* Overwrites a few bytes of the database at @offset behind the first @what. */
static void damage(const char *path, const void *what, size_t size, size_t offset)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	size_t all;
	_cleanup_free_ char *bytes = read_all(fd, &all);
	char *found = memmem(bytes, all, what, size);

	if (!found || pwrite(fd, "damage", 6, found - bytes + offset) != 6)
		bail_out("damaging the database");
}

static void test_damaged(void)
{
	_cleanup_free_ char *copy = text_fmt("%s/copy", net_scratch());
	_cleanup_free_ char *db = text_fmt("%s/braid.db", copy);

	must(mkdir(copy, 0700), copy);
	must_run("cp %s/braid.db %s", getenv("BRAID_STATE"), db);
	damage(db, "\177ELF", 4, 100);
	fails(1, "is damaged", "an object in the store", "rollback", "--state", copy, "edge", "1");
	damage(db, "SQLite format 3", 15, 0);
	fails(1, "the database is damaged", "the whole store", "apply", "--state", copy, next);
	fails(1, "the database is damaged", "for status, too", "status", "--state", copy);
	must_run("rm -r %s", copy);
}

static void damage_document(const char *home, const char *key)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_store_ struct store *s = NULL;

	if (store_open(NULL, &s, &err) || runtime_put(s, home, "edge", key, "{", &err))
		bail_out("%s: %s", key, err.what);
}

/* What was counted, and who looked, is lost with its document, and nothing else. */
static void test_documents(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge"), *j = NULL;
	const char *home = json_text(status, "pipelines/0/home");

	damage_document(home, "counters");
	damage_document(home, "observers");
	j = braid_json("status", "edge");
	ok(json_number(j, "pipelines/0/counters/entered/packets") >= 0, "it counts nevertheless");
	must_braid("apply", next);
	is_str(live_trip(0), "12", "a change is made");
	json_decref(j);
	j = braid_json("status", "edge");
	ok(json_number(j, "pipelines/0/counters/entered/packets") >= 2, "and counts on");
	must_braid("apply", good);
	damage_document(home, "counters");
	damage_document(home, "signals");
	fails(1, "signals", "but nobody may take it that no signal was sent", "apply", next);
	must_braid("delete", "edge");
	is_str(live_trip(0), "", "it can be deleted");
	must_braid("apply", good);
}

/* A lost store: what runs is taken over by the first manifest that is applied. */
static void test_lost(void)
{
	_cleanup_json_ json_t *was = braid_json("status", "edge"), *j = NULL;
	long long revision = json_number(was, "pipelines/0/revision");
	size_t pins = live_pins();

	must_run("rm -r %s", getenv("BRAID_STATE"));
	goes_on();
	j = braid_json("apply", good);
	ok(strstr(json_text(j, "recovered"), "a new history begins"), "a new history begins");
	is_int(json_number(j, "revision"), revision + 1, "with a number that nothing has");
	is_str(json_text(j, "interfaces/0/action"), "update", "with what is attached");
	goes_on();
	is_int(live_pins(), pins, "what the old one had pinned is gone");
	must_run("rm -r %s", getenv("BRAID_STATE"));
	must_braid("delete", "edge");
	is_str(live_trip(0), "", "delete needs no store, either");
	is_int(live_pins(), 0, "and leaves nothing");
	must_braid("apply", good);
}

static void test_objects(void)
{
	const char *mark = live_text("%s/live_mark.bpf.o", live_objects);
	const char *refused = live_text("%s/live_refused.bpf.o", live_objects);
	const struct {
		const char *stage, *says, *what;
	} cases[] = {
		{live_text("object: /run/scratch/none.o"), "none.o", "no such object"},
		{live_text("object: %s", good), "ELF", "an object that is none"},
		{live_text("object: %s, program: makr", mark), "did you mean 'mark'?",
		 "no such program"},
		{live_text("object: %s, program: elsewhere", refused), "elsewhere",
		 "a program of another hook"},
		{live_text("object: %s", refused), "beyond", "several programs, none is named"},
		{live_text("object: %s, constants: {verdikt: 1}", mark), "did you mean 'verdict'?",
		 "no such constant"},
		{live_text("object: %s, constants: {id: 256}", mark), "id: 256 is out of range",
		 "a constant out of range"},
		{live_text("object: %s, constants: {id: [1]}", mark), "id", "a list for a number"},
		{live_text("object: %s, maps: {size: {max-entries: 4}}", mark),
		 "did you mean 'sizes'?", "no such map"},
		{live_text("object: %s, maps: {count: {entries: [{value: x}]}}", mark),
		 "value: expected", "a word for a number"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		fails(1, cases[i].says, cases[i].what, "apply",
		      live_manifest("bad.yaml", ON_R0,
				    live_text("{name: m1, %s}", cases[i].stage)));
}

/* Of a stage that runs. */
static void test_updates(void)
{
	const char *refused = live_text("m1=%s/live_refused.bpf.o", live_objects);
	const char *mark = live_text("%s/live_mark.bpf.o", live_objects);
	const char *file = live_text("%s/moving.bpf.o", net_scratch());
	const char *stage = live_text("m1=%s", file);

	/* without constants, which the other objects do not have */
	must_braid("apply",
		   live_manifest("plain.yaml", ON_R0, live_text("{name: m1, object: %s}", mark)));
	fails(1, "the verifier refuses the program", "an update that the verifier refuses",
	      "update", "edge", refused, "--program", "beyond");
	must_run("cp %s %s", mark, file);
	must_braid("update", "edge", stage);
	must_run("rm %s", file);
	fails(1, "moving.bpf.o", "an update whose file has vanished", "update", "edge", stage);
	must_braid("apply", good);
	fails(1, "no stage 'm7'", "an update of a stage that there is not", "update", "edge",
	      live_text("m7=%s", mark));
	recovers();
}

static void test_manifests(void)
{
	const char *key = live_write("key.yaml", "braid: 1\n"
						 "pipelines:\n"
						 "  - name: edge\n"
						 "    hook: xdp\n"
						 "    stagse: []\n");
	const char *values = live_write("values.yaml", "braid-values: 1\n"
						       "pipelines:\n"
						       "  egde: {mode: generic}\n");

	fails(1, "key.yaml:5:5: unknown key 'stagse'", "a wrong key", "apply", key);
	fails(1, "did you mean 'stages'?", "and the nearest one", "apply", key);
	fails(1, "values.yaml:3:3", "values for nobody", "apply", good, "--values", values);
	fails(1, "none.yaml", "no such manifest", "apply", "/run/scratch/none.yaml");
	fails(1, "none.yaml", "no such values", "apply", good, "-v", "/run/scratch/none.yaml");
	fails(1, "did you mean 'edge'?", "no such pipeline", "apply", good, "edeg");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	_cleanup_free_ char *a = strdup(live_manifest("good.yaml", ON_R0, live_marks("1")));
	_cleanup_free_ char *b = strdup(live_manifest("next.yaml", ON_R0, live_marks("1,2")));

	good = a;
	next = b;
	must_braid("apply", good);
	test_lock();
	test_two_at_once();
	test_bpffs();
	test_privileges();
	test_state();
	test_full();
	test_damaged();
	test_documents();
	test_objects();
	test_updates();
	test_manifests();
	test_lost();
	must_braid("delete", "edge");
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
