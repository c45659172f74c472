/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which maps go on as they are: those of the same layout, those that the manifest fills, and
 * those of stages that are disabled, dropped, or on trial.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "live_migrate_common.h"

static void test_same_layout(void)
{
	static const char *const names[] = {"flows", "by_cpu", "names", ".data"};
	_cleanup_json_ json_t *j = NULL;
	__u32 id;

	begin("0");
	set_global("setting", 12, 4);
	id = id_of(".data");
	j = braid_json("apply", manifest("3", ON_R0, ""));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		is_str(how(j, names[i]), "continues", "another object: %s continues", names[i]);
	is_int(id_of(".data"), id, "globals are the same map");
	is_int(global("setting", 4), 12, "with what was in them");
}

/* Entries of the manifest are what a map begins with, not what it goes on with. */
static void test_manifests_entries(void)
{
	const char *entries = ", maps: {names: {entries: [{key: 1, value: {passed: 5}}, "
			      "{key: 2, value: {passed: 6}}], max-entries: %d}}";
	_cleanup_close_ int fd = -1;
	_cleanup_run_ struct run r = {};
	__u32 one = 1, two = 2, value[2] = {50, 0};

	braid(&r, "delete", "edge");
	must_braid("apply", manifest("0", ON_R0, live_text(entries, 8)));
	fd = open_map("names");
	must_put(fd, &one, value);
	bpf_map_delete_elem(fd, &two);
	close(TAKE_FD(fd));
	must_braid("apply", manifest("0", ON_R0, live_text(entries, 9)));
	fd = open_map("names");
	ok(!bpf_map_lookup_elem(fd, &one, value) && value[0] == 50, "what was changed stays so");
	is_int(bpf_map_lookup_elem(fd, &two, value), -ENOENT, "what was deleted, too");
}

static void test_parked(void)
{
	const char *both = live_text("%s, {name: s, object: %s/live_migrate0.bpf.o%%s}",
				     live_mark(1, ""), live_objects);
	_cleanup_json_ json_t *off = NULL, *again = NULL, *on = NULL, *gone = NULL;
	_cleanup_run_ struct run r = {};
	__u32 id;

	braid(&r, "delete", "edge");
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_text(both, "")));
	fill("flows", ENTRIES);
	id = id_of("flows");
	off = braid_json("apply",
			 live_manifest("m.yaml", ON_R0, live_text(both, ", disabled: true")));
	is_str(how(off, "flows"), "parked", "a disabled stage's maps wait");
	again = braid_json("apply", live_manifest("m.yaml", ON_R0 "final: pass, ",
						  live_text(both, ", disabled: true")));
	is_str(how(again, "flows"), "parked", "for as long as it takes");
	on = braid_json("apply", live_manifest("m.yaml", ON_R0, live_text(both, "")));
	is_str(how(on, "flows"), "continues", "enabled: they go on");
	is_int(id_of("flows"), id, "the same map");
	is_int(packets_in("flows", 0), ENTRIES * (ENTRIES - 1) / 2, "with all entries");
	gone = braid_json("apply", live_manifest("m.yaml", ON_R0, live_mark(1, "")));
	is_str(how(gone, "flows"), "dropped", "without its stage it is dropped, and that is said");
}

static __u32 id_in(const char *stage, const char *name)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (!strcmp(json_text(m, "stage"), stage) && !strcmp(json_text(m, "name"), name))
			return json_number(m, "id");
	}
	return 0;
}

/* What was the candidate of a rollout becomes the stage, and its maps those of the stage. */
static void test_promoted(void)
{
	const char *rollout = live_text(", rollout: {object: %s/live_migrate3.bpf.o}",
					live_objects);
	_cleanup_json_ json_t *both = NULL, *promoted = NULL;
	__u32 old, new;

	begin("0");
	both = braid_json("apply", manifest("0", ON_R0, rollout));
	is_str(how(both, "flows"), "continues", "during a rollout the stage's maps go on");
	old = id_in("s", "flows");
	new = id_in("s@new", "flows");
	ok(old && new &&old != new, "the candidate has its own");
	promoted = braid_json("apply", manifest("3", ON_R0, ""));
	is_str(how(promoted, "flows"), "continues", "promoted");
	is_int(id_in("s", "flows"), new, "it goes on with its own maps");
	begin("0");
	must_braid("apply", manifest("0", ON_R0, rollout));
	old = id_in("s", "flows");
	must_braid("apply", manifest("0", ON_R0, ""));
	is_int(id_in("s", "flows"), old, "aborted: the stage goes on with its own");
	is_int(id_in("s@new", "flows"), 0, "the candidate's are gone");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	test_same_layout();
	test_manifests_entries();
	test_parked();
	test_promoted();
	braid_error_clear(&err);
	return done();
}
