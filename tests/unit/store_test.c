/* SPDX-License-Identifier: GPL-2.0-only */
/* src/store: objects, revisions, the lock; and what is left when a process is killed. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/text.h"
#include "store_common.h"
#include "wait.h"

static void test_objects(void)
{
	/* SHA-256 of "abc", from FIPS 180-2 */
	static const char abc[] = "sha256:ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad";
	_cleanup_free_ char *dir = fresh("objects");
	_cleanup_store_ struct store *s = must_open(dir);
	__u8 digest[STORE_DIGEST_SIZE], again[STORE_DIGEST_SIZE], none[STORE_DIGEST_SIZE] = {};
	char text[STORE_DIGEST_TEXT];
	void *bytes = NULL;
	size_t size = 1;

	is_int(store_put(s, "abc", 3, digest, &err), 0, "put");
	is_str(store_digest_text(digest, text), abc, "the digest is SHA-256");
	is_int(store_put(s, "abc", 3, again, &err), 0, "put again");
	is_mem(again, digest, sizeof(digest), "the same digest");
	is_int(raw_number(dir, "SELECT count(*) FROM object"), 1, "kept once");
	is_int(store_get(s, digest, &bytes, &size, &err), 0, "get");
	ok(size == 3 && !memcmp(bytes, "abc", 3), "the bytes");
	free(bytes);
	is_int(store_put(s, NULL, 0, digest, &err), 0, "put nothing");
	is_int(store_get(s, digest, &bytes, &size, &err), 0, "get nothing");
	is_int(size, 0, "it is empty");
	free(bytes);
	is_int(store_get(s, none, &bytes, &size, &err), -ENOENT, "get what was never put");
	says("sha256:0000");
}

static void test_damaged_object(void)
{
	_cleanup_free_ char *dir = fresh("damaged");
	_cleanup_store_ struct store *s = must_open(dir);
	__u8 digest[STORE_DIGEST_SIZE];
	void *bytes = NULL;
	size_t size;

	store_put(s, "abc", 3, digest, &err);
	raw_sql(dir, "UPDATE object SET bytes = x'616263ff'");
	is_int(store_get(s, digest, &bytes, &size, &err), -EBADMSG, "other bytes are noticed");
	says("braid.db");
	says("ba7816bf");
	says("apply");
	ok(!bytes, "and not handed out");
	is_int(store_put(s, "abc", 3, digest, &err), 0, "put again");
	is_int(store_get(s, digest, &bytes, &size, &err), 0, "mends it");
	ok(size == 3 && !memcmp(bytes, "abc", 3), "the bytes are back");
	free(bytes);
}

static void test_revision_life(void)
{
	_cleanup_free_ char *dir = fresh("life");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_revision_ struct revision got = {};
	__u32 one = 0, two = 0, number = 0;

	is_int(begin(s, "init", "a", &one), 0, "begin");
	is_int(one, 1, "the first number");
	is_int(state_of(s, "init", one), REVISION_PENDING, "pending");
	is_int(begin(s, "init", "b", &number), -EEXIST, "one at a time");
	says("revision 1 is still pending");
	is_int(begin(s, "blue", "b", &number), 0, "but elsewhere is elsewhere");
	is_int(number, 1, "with numbers of its own");
	is_int(revision_commit(s, "init", "edge", one, &err), 0, "commit");
	is_int(state_of(s, "init", one), REVISION_CURRENT, "current");
	is_int(revision_commit(s, "init", "edge", one, &err), -ESTALE, "only once");
	says("not pending but current");
	is_int(state_of(s, "init", one), REVISION_CURRENT, "and it stays current");
	is_int(revision_commit(s, "init", "edge", 7, &err), -ENOENT, "not one that is not");
	is_int(state_of(s, "init", one), REVISION_CURRENT, "nor does that change anything");

	is_int(begin(s, "init", "b", &two), 0, "begin the next");
	is_int(revision_abort(s, "init", "edge", two, "eth0 vanished", &err), 0, "abort");
	is_int(state_of(s, "init", two), REVISION_FAILED, "failed");
	is_int(state_of(s, "init", one), REVISION_CURRENT, "what was current is");
	is_int(revision_abort(s, "init", "edge", two, "again", &err), -ESTALE, "only once");
	number = apply(s, "init", "c");
	is_int(number, 3, "the next number");
	is_int(state_of(s, "init", one), REVISION_OLD, "the former is old");
	is_int(revision_find(s, "init", "edge", REVISION_CURRENT, &got, &err), 0, "find");
	is_int(got.number, 3, "the current one");

	is_int(revision_delete(s, "init", "edge", "braid delete edge", &err), 0, "delete");
	is_int(state_of(s, "init", number), REVISION_DELETED, "deleted");
	is_int(revision_delete(s, "init", "edge", NULL, &err), -ENOENT, "only once");
	is_int(apply(s, "init", "d"), 4, "numbers go on after a deletion");
}

static void test_revision_contents(void)
{
	_cleanup_free_ char *dir = fresh("contents");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_revision_ struct revision got = {}, none = {};
	_cleanup_(revisions_done) struct revisions history = {};
	_cleanup_(store_pipelines_done) struct store_pipelines all = {};
	__u32 number = 0;
	void *bytes;
	size_t size;

	apply(s, "init", "a");
	begin(s, "init", "b", &number);
	revision_abort(s, "init", "edge", number, "no", &err);
	begin(s, "blue", "b", &number);

	is_int(revision_get(s, "init", "edge", 1, &got, &err), 0, "get");
	is_str(got.home, "init", "home");
	is_str(got.pipeline, "edge", "pipeline");
	is_str(got.cause, "braid apply edge.yaml", "cause");
	is_str(got.manifest, "{\"m\":1}", "manifest");
	is_str(got.plan, "{\"p\":2}", "plan");
	is_str(got.note, NULL, "no note");
	ok(got.created_ns > 1700000000000000000ULL, "created after 2023");
	is_int(got.objects.n, 1, "one object");
	is_str(got.objects.v[0].stage, "acl", "of its stage");
	is_int(store_get(s, got.objects.v[0].digest, &bytes, &size, &err), 0, "which is there");
	ok(size == 1 && !memcmp(bytes, "a", 1), "with its bytes");
	free(bytes);
	is_int(revision_get(s, "init", "edge", 9, &none, &err), -ENOENT, "no such number");
	says("there is no revision 9");
	is_int(revision_find(s, "init", "edge", REVISION_PENDING, &none, &err), -ENOENT, "none");
	says("pipeline edge|no revision is pending");
	is_int(revision_find(s, "blue", "edge", REVISION_CURRENT, &none, &err), -ENOENT, "none");
	says("pipeline edge in netns blue");

	is_int(store_history(s, "init", "edge", &history, &err), 0, "history");
	is_int(history.list.n, 2, "of two");
	is_int(history.list.v[0].number, 2, "newest first");
	is_str(history.list.v[0].note, "no", "with its note");
	is_int(history.list.v[1].state, REVISION_CURRENT, "and state");
	revisions_done(&history);
	is_int(store_history(s, "init", "nothing", &history, &err), 0, "of an unknown one");
	is_int(history.list.n, 0, "empty");
	is_int(store_pipelines(s, &all, &err), 0, "pipelines");
	is_int(all.list.n, 2, "two");
	is_str(all.list.v[0].home, "blue", "by home");
	is_int(all.list.v[0].current, 0, "none current");
	is_int(all.list.v[0].pending, 1, "the first pending");
	is_int(all.list.v[1].current, 1, "the first current");
	is_int(all.list.v[1].pending, 0, "none pending");
}

/* A begin that fails halfway leaves nothing. */
static void test_begin_unknown_object(void)
{
	_cleanup_free_ char *dir = fresh("unknown");
	_cleanup_store_ struct store *s = must_open(dir);
	struct revision_object objects[2] = {{.stage = "acl"}, {.stage = "guard", .digest = {1}}};
	struct revision wanted = {
		.home = "init", .pipeline = "edge", .cause = "c", .manifest = "{}", .plan = "{}"};
	__u32 number = 0;

	store_put(s, "a", 1, objects[0].digest, &err);
	wanted.objects.v = objects;
	wanted.objects.n = 2;
	is_int(revision_begin(s, &wanted, &number, &err), -ENOENT, "an object that was not put");
	says("stage 'guard'");
	says("sha256:0100");
	is_int(raw_number(dir, "SELECT count(*) FROM revision"), 0, "leaves no revision");
	is_int(raw_number(dir, "SELECT count(*) FROM revision_object"), 0, "nor half of one");
	wanted.objects.n = 1;
	is_int(revision_begin(s, &wanted, &number, &err), 0, "without it, it begins");
}

static void test_prune(void)
{
	_cleanup_free_ char *dir = fresh("prune");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_(revisions_done) struct revisions history = {};
	__u8 digest[STORE_DIGEST_SIZE];
	__u32 number;
	char bytes[] = "a";

	apply(s, "blue", "shared");
	begin(s, "red", "shared", &number);
	for (; bytes[0] < 'f'; bytes[0]++)
		apply(s, "init", bytes);
	for (; bytes[0] < 'i'; bytes[0]++) {
		begin(s, "init", bytes, &number);
		revision_abort(s, "init", "edge", number, "no", &err);
	}
	store_put(s, "nobody's", 8, digest, &err);
	is_int(store_prune(s, 2, &err), 0, "prune");
	is_int(store_history(s, "init", "edge", &history, &err), 0, "history");
	is_int(history.list.n, 3, "keeps two and the current one");
	is_int(history.list.v[0].number, 8, "the newest");
	is_int(history.list.v[1].number, 7, "the one before");
	is_int(history.list.v[2].number, 5, "and the current one, though older");
	is_int(raw_number(dir, "SELECT count(*) FROM revision WHERE home != 'init'"), 2,
	       "others are untouched");
	is_int(raw_number(dir, "SELECT count(*) FROM object"), 4, "objects in use stay");
	is_int(raw_number(dir, "SELECT count(*) FROM revision_object"), 5, "and only they");
	is_int(raw_number(dir, "PRAGMA freelist_count"), 0, "the file gives the space back");

	revision_delete(s, "init", "edge", NULL, &err);
	is_int(store_prune(s, 0, &err), 0, "keep none");
	is_int(apply(s, "init", "z"), 9, "numbers go on all the same");
}

static int hold_lock(const char *dir)
{
	_cleanup_store_ struct store *s = must_open(dir);

	/* waits: the parent looks by trying to lock, and has it for a moment each time */
	if (store_lock(s, "braid apply held.yaml", 10000000000, &err))
		return 1;
	for (;;)
		pause();
}

static int try_lock(struct store *s, __u64 timeout_ns)
{
	int r = store_lock(s, "test", timeout_ns, &err);

	if (!r)
		store_unlock(s);
	return r;
}

static void test_lock(void)
{
	_cleanup_free_ char *dir = fresh("lock");
	_cleanup_store_ struct store *s = must_open(dir), *other = must_open(dir);
	char pid_text[32];
	pid_t pid;

	is_int(store_lock(s, "first", 0, &err), 0, "lock");
	is_int(store_lock(other, "second", 0, &err), -EBUSY, "once");
	says("first");
	is_int(store_lock(s, "first", 0, &err), 0, "again by who has it");
	store_unlock(s);
	is_int(try_lock(other, 0), -EBUSY, "then one store_unlock() is not enough");
	store_unlock(s);
	is_int(try_lock(other, 0), 0, "free again");
	store_lock(s, "first", 0, &err);
	store_lock(s, "first", 0, &err);
	s = store_close(s);
	is_int(try_lock(other, 0), 0, "closing gives it up");

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(hold_lock(dir));
	ok(wait_until(try_lock(other, 0) == -EBUSY && strstr(error_all(), "held.yaml"), 10000),
	   "another process has it, and says for what: %s", error_all());
	snprintf(pid_text, sizeof(pid_text), "process %d:", pid);
	says(pid_text);
	is_int(try_lock(other, 50000000), -EBUSY, "waiting does not help");
	kill(pid, SIGKILL);
	is_int(try_lock(other, 10000000000), 0, "but when the process is killed");
	waitpid(pid, NULL, 0);
}

/* The lock is worth something only if nobody else is inside: applies twenty revisions. */
static int apply_twenty(const char *dir)
{
	_cleanup_store_ struct store *s = must_open(dir);

	for (int i = 0; i < 20; i++) {
		__u32 number;

		if (store_lock(s, "race", 60000000000, &err) || begin(s, "init", "x", &number) ||
		    revision_commit(s, "init", "edge", number, &err))
			return 1;
		store_unlock(s);
	}
	return 0;
}

static void test_two_processes(void)
{
	_cleanup_free_ char *dir = fresh("two");
	pid_t pids[3];
	int failed = 0;

	fflush(NULL);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(apply_twenty(dir));
	}
	for (int i = 0; i < 3; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		failed += status != 0;
	}
	is_int(failed, 0, "three processes make the store and apply twenty times each");
	is_int(raw_number(dir, "SELECT max(number) FROM revision"), 60, "sixty revisions");
	is_int(raw_number(dir, "SELECT count(*) FROM revision WHERE state = 'old'"), 59, "59 old");
	is_int(raw_number(dir, "SELECT number FROM revision WHERE state = 'current'"), 60,
	       "the last is current");
}

static int killed_after_begin(const char *dir)
{
	_cleanup_store_ struct store *s = must_open(dir);
	__u32 number;

	if (store_lock(s, "braid apply", 0, &err) || begin(s, "init", "b", &number))
		return 1;
	raise(SIGKILL);
	return 2;
}

static void test_killed_between(void)
{
	_cleanup_free_ char *dir = fresh("killed");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_revision_ struct revision pending = {}, current = {};

	apply(s, "init", "a");
	is_int(in_child(killed_after_begin, dir), 128 + SIGKILL, "killed after begin");
	is_int(store_lock(s, "next", 0, &err), 0, "the lock is free");
	is_int(revision_find(s, "init", "edge", REVISION_PENDING, &pending, &err), 0,
	       "the next one sees what was begun");
	is_int(pending.number, 2, "by its number");
	is_int(pending.objects.n, 1, "with its objects");
	is_int(revision_find(s, "init", "edge", REVISION_CURRENT, &current, &err), 0, "and");
	is_int(current.number, 1, "what is current");
	is_int(revision_abort(s, "init", "edge", 2, "interrupted", &err), 0, "it can undo");
	is_int(apply(s, "init", "c"), 3, "and go on");
}

/* Dies with half a transaction in the file: a cache of one page spills at once. */
static int killed_in_transaction(const char *dir)
{
	_cleanup_free_ char *path = text_fmt("%s/braid.db", dir);
	sqlite3 *db;

	if (sqlite3_open(path, &db) ||
	    sqlite3_exec(db,
			 "PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
			 "UPDATE revision SET state = 'failed', plan = hex(zeroblob(100000));"
			 "UPDATE object SET bytes = zeroblob(200000)",
			 NULL, NULL, NULL))
		return 1;
	raise(SIGKILL);
	return 2;
}

static void test_killed_inside(void)
{
	_cleanup_free_ char *dir = fresh("inside"), *journal = fresh("inside/braid.db-journal");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_revision_ struct revision r = {};
	struct stat st;
	void *bytes;
	size_t size;

	apply(s, "init", "a");
	s = store_close(s);
	is_int(in_child(killed_in_transaction, dir), 128 + SIGKILL, "killed in a transaction");
	ok(!stat(journal, &st) && st.st_size > 0, "the database is half written");
	s = must_open(dir);
	is_int(revision_find(s, "init", "edge", REVISION_CURRENT, &r, &err), 0, "as before");
	is_str(r.plan, "{\"p\":2}", "with its plan");
	is_int(store_get(s, r.objects.v[0].digest, &bytes, &size, &err), 0, "and its object");
	free(bytes);
}

static void test_busy(void)
{
	_cleanup_free_ char *dir = fresh("busy"), *path = fresh("busy/braid.db");
	_cleanup_store_ struct store *s = must_open(dir);
	__u32 number;
	sqlite3 *db;

	if (sqlite3_open(path, &db) || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
		bail_out("%s", sqlite3_errmsg(db));
	is_int(begin(s, "init", "a", &number), -EBUSY, "somebody keeps the database");
	says("another process has been writing");
	sqlite3_close(db);
	is_int(begin(s, "init", "a", &number), 0, "until they let go");
}

static void test_later_version(void)
{
	_cleanup_free_ char *dir = fresh("later");
	struct store *s = must_open(dir);

	apply(s, "init", "a");
	store_close(s);
	raw_sql(dir, "PRAGMA user_version = 99");
	is_int(store_open(dir, &s, &err), -EPROTONOSUPPORT, "a store of the future is refused");
	says("99");
	raw_sql(dir, "PRAGMA user_version = 2");
	s = must_open(dir);
	is_int(state_of(s, "init", 1), REVISION_CURRENT, "and was not touched");
	store_close(s);
}

/* Overwrites @size bytes of the database at @at. */
static void scribble(const char *dir, off_t at, size_t size)
{
	_cleanup_free_ char *path = text_fmt("%s/braid.db", dir), *junk = malloc(size);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	memset(junk, 0xa5, size);
	if (pwrite(fd, junk, size, at) != (ssize_t)size)
		bail_out("%s: %s", path, strerror(errno));
}

static void test_damaged_database(void)
{
	_cleanup_free_ char *head = fresh("head"), *body = fresh("body"), *alien = fresh("alien");
	_cleanup_revision_ struct revision r = {};
	struct store *s;

	store_close(must_open(head));
	scribble(head, 0, 100);
	is_int(store_open(head, &s, &err), -EBADMSG, "a file that is no database");
	says("damaged");
	says("move it aside");

	s = must_open(body);
	apply(s, "init", "a");
	store_close(s);
	scribble(body, 4096, 8 * 4096);
	s = must_open(body);
	is_int(revision_find(s, "init", "edge", REVISION_CURRENT, &r, &err), -EBADMSG,
	       "pages that are no pages");
	store_close(s);

	mkdir(alien, 0700);
	raw_sql(alien, "CREATE TABLE object(x); PRAGMA user_version = 2");
	s = must_open(alien);
	is_int(revision_find(s, "init", "edge", REVISION_CURRENT, &r, &err), -EBADMSG,
	       "a database of another program");
	store_close(s);
}

static void test_folders(void)
{
	_cleanup_free_ char *deep = fresh("no/such"), *file = fresh("file"),
			    *open_to = fresh("777");
	_cleanup_free_ char *named = fresh("named"), *db = fresh("named/braid.db");
	struct store *s = NULL;
	struct stat st;

	is_int(store_open(deep, &s, &err), -ENOENT, "a folder whose parent is not there");
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	is_int(store_open(file, &s, &err), -ENOTDIR, "a file instead of a folder");
	mkdir(open_to, 0700);
	chmod(open_to, 0777);
	is_int(store_open(open_to, &s, &err), -EPERM, "a folder that all may write to");
	says("0777");
	ok(!s, "none is opened");
	setenv("BRAID_STATE", named, 1);
	is_int(store_open(NULL, &s, &err), 0, "the folder of the environment");
	unsetenv("BRAID_STATE");
	ok(!stat(named, &st) && (st.st_mode & 07777) == 0700, "is made, for the owner only");
	ok(!access(db, F_OK), "with the database in it");
	store_close(s);
}

/* As somebody without privileges, if we are root. */
static int write_to_read_only(const char *dir)
{
	struct store *s;
	__u32 number;
	int r;

	if (!geteuid() &&
	    (chown(dir, 65534, 65534) || setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		return 100;
	if (chmod(dir, 0700) || store_open(dir, &s, &err))
		return 101;
	apply(s, "init", "a");
	if (chmod(dir, 0500))
		return 102;
	r = begin(s, "init", "b", &number);
	if (r != -EACCES && r != -EROFS)
		return 103;
	r = runtime_put(s, "init", "edge", "signals", "{}", &err);
	if (r != -EACCES && r != -EROFS)
		return 106;
	if (state_of(s, "init", 1) != REVISION_CURRENT) /* reading goes on */
		return 104;
	store_close(s);
	if (chmod(dir, 0700)) /* for the removal */
		return 105;
	braid_error_clear(&err);
	return 0;
}

static void test_read_only(void)
{
	_cleanup_free_ char *dir = fresh("read-only");

	mkdir(dir, 0700);
	chmod(top, 0711);
	is_int(in_child(write_to_read_only, dir), 0, "a read-only folder: one error, reads go on");
	chmod(top, 0700);
}

static bool write_line(const char *path, const char *line)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, line, strlen(line)) > 0;
}

/* Where mounts are seen by this process only, and allowed. */
static bool enter_mount_namespace(void)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (geteuid()) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
		    !write_line("/proc/self/uid_map", uid) ||
		    !write_line("/proc/self/setgroups", "deny") ||
		    !write_line("/proc/self/gid_map", gid))
			return false;
	} else if (unshare(CLONE_NEWNS)) {
		return false;
	}
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* On a file system of 256 KiB of one's own. */
static int fill_disk(const char *dir)
{
	_cleanup_free_ char *bytes = calloc(1, 400000);
	__u8 digest[STORE_DIGEST_SIZE];
	struct store *s;

	if (!enter_mount_namespace() || mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=700"))
		return 77;
	if (store_open(dir, &s, &err))
		return 100;
	apply(s, "init", "a");
	if (store_put(s, bytes, 400000, digest, &err) != -ENOSPC || !err.hint)
		return 101;
	memset(bytes, ' ', 399999); /* as JSON goes */
	if (event_add(s, "init", "edge", "test", bytes, &err) != -ENOSPC || !err.hint)
		return 104;
	if (state_of(s, "init", 1) != REVISION_CURRENT)
		return 102;
	if (store_put(s, bytes, 1000, digest, &err))
		return 103; /* it was rolled back and there is room for a small one */
	store_close(s);
	braid_error_clear(&err);
	return 0;
}

static void test_full_disk(void)
{
	_cleanup_free_ char *dir = fresh("full");
	int status;

	mkdir(dir, 0700);
	status = in_child(fill_disk, dir);
	if (status == 77)
		skip("no mount namespace to be had for a full disk");
	else
		is_int(status, 0, "a full disk: one error, nothing lost");
}

int main(void)
{
	store_test_begin();
	test_objects();
	test_damaged_object();
	test_revision_life();
	test_revision_contents();
	test_begin_unknown_object();
	test_prune();
	test_lock();
	test_two_processes();
	test_killed_between();
	test_killed_inside();
	test_busy();
	test_later_version();
	test_damaged_database();
	test_folders();
	test_read_only();
	test_full_disk();
	return store_test_end();
}
