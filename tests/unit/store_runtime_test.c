/* SPDX-License-Identifier: GPL-2.0-only */
/* src/store: what is wanted of running pipelines, versions of configuration, events. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store_common.h"

static int begin_config(struct store *s, const char *home, const char *fields, __u32 *ret)
{
	const struct config_version wanted = {
		.cause = "braid config set edge",
		.what = "guard.limit: 100 -> 500",
		.fields = (char *)fields,
	};

	return config_begin(s, home, "edge", &wanted, ret, &err);
}

/* Begun and committed. Return: its number. */
static __u32 set_config(struct store *s, const char *home, const char *fields)
{
	__u32 number = 0;

	if (begin_config(s, home, fields, &number) || config_commit(s, home, "edge", number, &err))
		bail_out("%s", error_all());
	return number;
}

static enum config_state config_state_of(struct store *s, __u32 number)
{
	_cleanup_config_version_ struct config_version v = {};

	if (config_get(s, "init", "edge", number, &v, &err))
		bail_out("%s", error_all());
	return v.state;
}

/* The document, in one of a few buffers; "(none)" when there is none. */
static const char *document(struct store *s, const char *home, const char *key)
{
	static char texts[4][256];
	static int next;
	char *text = texts[next++ % 4];
	_cleanup_free_ char *json = NULL;

	if (runtime_get(s, home, "edge", key, &json, &err))
		bail_out("%s", error_all());
	snprintf(text, sizeof(texts[0]), "%s", json ?: "(none)");
	return text;
}

static void test_documents(void)
{
	_cleanup_free_ char *dir = fresh("documents");
	_cleanup_store_ struct store *s = must_open(dir);

	is_str(document(s, "init", "signals"), "(none)", "none at first");
	is_int(runtime_put(s, "init", "edge", "signals", "{\"a\":1}", &err), 0, "put");
	is_str(document(s, "init", "signals"), "{\"a\":1}", "get");
	is_str(document(s, "init", "rollout"), "(none)", "another key is another");
	is_str(document(s, "blue", "signals"), "(none)", "and so is another home");
	is_int(runtime_put(s, "init", "edge", "signals", "{\"a\":2}", &err), 0, "put again");
	is_str(document(s, "init", "signals"), "{\"a\":2}", "replaces it");
	s = store_close(s);
	s = must_open(dir);
	is_str(document(s, "init", "signals"), "{\"a\":2}", "it is there for the next process");
	is_int(runtime_put(s, "init", "edge", "signals", NULL, &err), 0, "remove");
	is_str(document(s, "init", "signals"), "(none)", "none again");
	is_int(runtime_put(s, "init", "edge", "signals", NULL, &err), 0, "twice is fine");
}

static void test_events(void)
{
	_cleanup_free_ char *dir = fresh("events");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_(events_done) struct events events = {}, none = {};

	is_int(event_add(s, "init", "edge", "braid apply", "restored", &err), 0, "an event");
	apply(s, "init", "a");
	is_int(runtime_record(s, "init", "edge", "signals", "{}", "braid signal", "paused", &err),
	       0, "one with a document");
	event_add(s, "blue", "edge", "braid apply", "elsewhere", &err);
	is_str(document(s, "init", "signals"), "{}", "the document is there");
	is_int(store_events(s, "init", "edge", &events, &err), 0, "events");
	is_int(events.list.n, 2, "of this home only");
	is_str(events.list.v[0].what, "paused", "newest first");
	is_str(events.list.v[0].cause, "braid signal", "with its cause");
	is_int(events.list.v[0].number, 2, "number");
	is_int(events.list.v[0].revision, 1, "and the revision of that time");
	is_int(events.list.v[1].revision, 0, "before the first one, none");
	ok(events.list.v[1].created_ns > 1700000000000000000ULL, "it happened after 2023");
	is_int(store_events(s, "init", "nothing", &none, &err), 0, "of an unknown pipeline");
	is_int(none.list.n, 0, "none");
}

/* Both or nothing. */
static void test_record_is_one(void)
{
	_cleanup_free_ char *dir = fresh("record");
	_cleanup_store_ struct store *s = must_open(dir);

	runtime_put(s, "init", "edge", "signals", "{\"old\":1}", &err);
	raw_sql(dir, "DROP TABLE event");
	is_int(runtime_record(s, "init", "edge", "signals", "{}", "c", "paused", &err), -EBADMSG,
	       "an event that cannot be written");
	says("damaged");
	is_str(document(s, "init", "signals"), "{\"old\":1}", "leaves the document as it was");
}

static void test_config_life(void)
{
	_cleanup_free_ char *dir = fresh("config");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_config_version_ struct config_version got = {}, none = {};
	_cleanup_(events_done) struct events events = {};
	__u32 one = 0, two = 0, number = 0;

	is_int(config_find(s, "init", "edge", CONFIG_CURRENT, &none, &err), -ENOENT, "none yet");
	says("no configuration is current");
	is_int(begin_config(s, "init", "{\"x\":1}", &one), 0, "begin");
	is_int(one, 1, "the first number");
	is_int(config_state_of(s, one), CONFIG_PENDING, "pending");
	is_int(begin_config(s, "init", "{}", &number), -EEXIST, "one at a time");
	says("configuration 1 is still pending");
	is_int(begin_config(s, "blue", "{}", &number), 0, "but elsewhere is elsewhere");
	is_int(config_commit(s, "init", "edge", one, &err), 0, "commit");
	is_int(config_state_of(s, one), CONFIG_CURRENT, "current");
	is_int(config_commit(s, "init", "edge", one, &err), -ESTALE, "only once");
	says("not pending but current");
	is_int(config_commit(s, "init", "edge", 7, &err), -ENOENT, "not one that is not");
	says("there is no configuration 7");

	is_int(begin_config(s, "init", "{\"x\":2}", &two), 0, "begin the next");
	is_int(config_abort(s, "init", "edge", two, "no map", &err), 0, "abort");
	is_int(config_state_of(s, two), CONFIG_FAILED, "failed");
	is_int(config_state_of(s, one), CONFIG_CURRENT, "what was current is");
	is_int(set_config(s, "init", "{\"x\":3}"), 3, "the next number");
	is_int(config_state_of(s, one), CONFIG_OLD, "the former is old");
	is_int(config_find(s, "init", "edge", CONFIG_CURRENT, &got, &err), 0, "find");
	is_int(got.number, 3, "the current one");
	is_str(got.fields, "{\"x\":3}", "with its fields");
	is_str(got.cause, "braid config set edge", "cause");
	is_str(got.what, "guard.limit: 100 -> 500", "and what it changed");
	is_str(got.note, NULL, "nothing more to say");

	store_events(s, "init", "edge", &events, &err);
	is_int(events.list.n, 2, "each commit is an event, and nothing else");
	is_str(events.list.v[0].what, "configuration 3: guard.limit: 100 -> 500", "in words");
}

static void test_config_history(void)
{
	_cleanup_free_ char *dir = fresh("versions");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_(config_versions_done) struct config_versions all = {}, none = {};
	__u32 number;

	set_config(s, "init", "{\"x\":1}");
	begin_config(s, "init", "{\"x\":2}", &number);
	config_abort(s, "init", "edge", number, "no map", &err);
	is_int(store_configs(s, "init", "edge", &all, &err), 0, "all versions");
	is_int(all.list.n, 2, "two");
	is_int(all.list.v[0].number, 2, "newest first");
	is_str(all.list.v[0].note, "no map", "with its note");
	is_str(all.list.v[1].fields, "{\"x\":1}", "and fields");
	is_int(store_configs(s, "blue", "edge", &none, &err), 0, "of another home");
	is_int(none.list.n, 0, "none");
}

/* A new life of a name begins with nothing paused and with all defaults. */
static void test_delete(void)
{
	_cleanup_free_ char *dir = fresh("delete");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_config_version_ struct config_version none = {};
	_cleanup_(events_done) struct events events = {};
	__u32 number;

	apply(s, "init", "a");
	apply(s, "blue", "a");
	runtime_put(s, "init", "edge", "signals", "{}", &err);
	runtime_put(s, "init", "edge", "rollout", "{}", &err);
	runtime_put(s, "blue", "edge", "signals", "{}", &err);
	set_config(s, "init", "{\"x\":1}");
	begin_config(s, "init", "{\"x\":2}", &number);
	is_int(revision_delete(s, "init", "edge", "braid delete edge", &err), 0, "delete");
	is_str(document(s, "init", "signals"), "(none)", "signals go");
	is_str(document(s, "init", "rollout"), "(none)", "the rollout too");
	is_str(document(s, "blue", "signals"), "{}", "those of another home stay");
	is_int(config_find(s, "init", "edge", CONFIG_CURRENT, &none, &err), -ENOENT,
	       "no configuration is current");
	is_int(config_state_of(s, 1), CONFIG_OLD, "that which was is in the history");
	is_int(config_state_of(s, number), CONFIG_FAILED, "one that was begun has failed");
	store_events(s, "init", "edge", &events, &err);
	is_int(events.list.n, 1, "events stay");
	is_int(set_config(s, "init", "{}"), 3, "numbers go on");

	runtime_put(s, "init", "edge", "signals", "{}", &err);
	is_int(revision_delete(s, "init", "edge", NULL, &err), -ENOENT, "nothing to delete");
	is_str(document(s, "init", "signals"), "{}", "deletes nothing");
}

static void test_prune(void)
{
	_cleanup_free_ char *dir = fresh("prune");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_(config_versions_done) struct config_versions versions = {};
	_cleanup_(events_done) struct events events = {};
	__u32 number;

	set_config(s, "init", "{\"x\":1}");
	for (int i = 0; i < 4; i++) {
		begin_config(s, "init", "{\"x\":2}", &number);
		config_abort(s, "init", "edge", number, "no", &err);
	}
	event_add(s, "blue", "edge", "c", "the only one", &err);
	raw_sql(dir, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n LIMIT 2999)"
		     "INSERT INTO event SELECT 'init', 'edge', i, 0, 0, 'c', 'w' || i FROM n");
	is_int(store_prune(s, 2, &err), 0, "prune");
	store_configs(s, "init", "edge", &versions, &err);
	is_int(versions.list.n, 3, "two versions stay, and the current one");
	is_int(versions.list.v[2].number, 1, "which is older");
	store_events(s, "init", "edge", &events, &err);
	is_int(events.list.n, STORE_EVENTS, "so many events stay");
	is_str(events.list.v[0].what, "w3000", "the newest");
	is_int(raw_number(dir, "SELECT count(*) FROM event WHERE home = 'blue'"), 1,
	       "others are untouched");
	event_add(s, "init", "edge", "c", "next", &err);
	is_int(raw_number(dir, "SELECT max(number) FROM event"), 3001, "numbers go on");
	is_int(set_config(s, "init", "{}"), 6, "those of configurations too");
}

static int killed_after_begin(const char *dir)
{
	_cleanup_store_ struct store *s = must_open(dir);
	__u32 number;

	if (begin_config(s, "init", "{\"x\":2}", &number))
		return 1;
	raise(SIGKILL);
	return 2;
}

static void test_killed_between(void)
{
	_cleanup_free_ char *dir = fresh("killed");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_config_version_ struct config_version pending = {};

	set_config(s, "init", "{\"x\":1}");
	is_int(in_child(killed_after_begin, dir), 128 + SIGKILL, "killed after begin");
	is_int(config_find(s, "init", "edge", CONFIG_PENDING, &pending, &err), 0,
	       "the next one sees what was begun");
	is_str(pending.fields, "{\"x\":2}", "with its fields");
	is_int(config_state_of(s, 1), CONFIG_CURRENT, "and what is current");
	is_int(config_commit(s, "init", "edge", pending.number, &err), 0, "it can finish");
	is_int(config_state_of(s, 1), CONFIG_OLD, "as the killed one would have");
}

/* A store of before: with revisions, and without these tables. */
static void test_migration(void)
{
	_cleanup_free_ char *dir = fresh("migration");
	struct store *s = must_open(dir);

	apply(s, "init", "a");
	store_close(s);
	raw_sql(dir, "DROP TABLE runtime; DROP TABLE event; DROP TABLE config;"
		     "PRAGMA user_version = 1");
	s = must_open(dir);
	is_int(raw_number(dir, "PRAGMA user_version"), 2, "a store of version 1 becomes one of 2");
	is_int(state_of(s, "init", 1), REVISION_CURRENT, "with its revisions");
	is_int(runtime_record(s, "init", "edge", "signals", "{}", "c", "paused", &err), 0,
	       "and room for what is new");
	is_int(set_config(s, "init", "{}"), 1, "all of it");
	store_close(s);
}

static void test_damaged(void)
{
	_cleanup_free_ char *dir = fresh("damaged");
	_cleanup_store_ struct store *s = must_open(dir);
	_cleanup_config_version_ struct config_version v = {};
	_cleanup_(events_done) struct events events = {};
	char *json = NULL;
	__u32 number;

	raw_sql(dir, "DROP TABLE runtime; DROP TABLE event; DROP TABLE config");
	is_int(runtime_get(s, "init", "edge", "signals", &json, &err), -EBADMSG, "documents");
	is_int(store_events(s, "init", "edge", &events, &err), -EBADMSG, "events");
	is_int(config_find(s, "init", "edge", CONFIG_CURRENT, &v, &err), -EBADMSG, "configuration");
	is_int(begin_config(s, "init", "{}", &number), -EBADMSG, "to be set");
	says("move it aside");
}

int main(void)
{
	store_test_begin();
	test_documents();
	test_events();
	test_record_is_one();
	test_config_life();
	test_config_history();
	test_delete();
	test_prune();
	test_killed_between();
	test_migration();
	test_damaged();
	return store_test_end();
}
