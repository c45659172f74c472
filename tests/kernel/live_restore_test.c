/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * After a reboot, or whatever else took away what ran: `braid restore` puts it back, from
 * the store alone, as far as the interfaces are there.
 */
#include <braid/braid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "live_killed.h"
#include "live_restore.h"

static void test_reboot(void)
{
	const char *file = live_text("%s/mine.bpf.o", net_scratch());
	const char *m = live_manifest(
		"m.yaml", ON_R0_R1 AS_TAILS,
		live_text("{name: a, object: %s, constants: {id: 1}}, %s", file, live_mark(2, "")));
	_cleanup_json_ json_t *report = NULL, *history = NULL, *again = NULL;
	long long was;
	size_t pins;

	must_run("cp %s/live_mark.bpf.o %s", live_objects, file);
	fresh(m);
	pins = live_pins();
	was = revision();
	must_run("rm %s", file);
	reboot();
	trips("", "", "after a reboot nothing runs");
	report = braid_json("restore");
	trips("12", "12", "restored, without the object's file");
	is_str(json_text(of(report, "edge"), "state"), "restored", "the report says so");
	is_int(json_number(of(report, "edge"), "revision"), was + 1, "as a new revision");
	is_int(json_number(report, "missing"), 0, "nothing is missing");
	is_str(json_text(of(report, "edge"), "attached/1/name"), "r1", "it names what it attached");
	is_int(live_pins(), pins, "as many pins as before");
	states("attached", "attached", "status");
	history = braid_json("history", "edge");
	is_str(json_text(history, "0/cause"), "braid restore --json", "history has the cause");
	again = braid_json("restore");
	is_str(json_text(of(again, "edge"), "state"), "runs", "once more: it runs");
	is_int(revision(), was + 1, "and is left alone");
}

static void test_only_links_are_gone(void)
{
	_cleanup_json_ json_t *report = NULL;
	long long was, counted;
	size_t pins;

	fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1,2")));
	pins = live_pins();
	was = revision();
	trips("12", "12", "before");
	must_run("rm -r %s/braid/home/edge/links", getenv("BRAID_BPFFS"));
	ok(wait_until(!strcmp(live_trip(0), "") && !strcmp(live_trip(1), ""), SOON_MS),
	   "links are removed");
	counted = live_count("m1", "count");
	report = braid_json("restore");
	trips("12", "12", "restored");
	is_int(revision(), was, "with the programs that were pinned: it is no new revision");
	is_int(live_count("m1", "count"), counted + 2, "and with their maps");
	is_str(json_text(of(report, "edge"), "attached/0/action"), "attach", "the report says so");
	is_int(live_pins(), pins, "as many pins as before");
	must_run("rm -r %s/braid/home/edge/r%lld/maps", getenv("BRAID_BPFFS"), was);
	must_braid("restore");
	is_int(revision(), was + 1, "maps lost their pins: it is loaded anew");
	trips("12", "12", "and runs");
	is_int(live_pins(), pins, "with all pins");
}

static void test_interface_made_again(void)
{
	_cleanup_json_ json_t *report = NULL;
	long long was;
	size_t pins;

	fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
	pins = live_pins();
	was = revision();
	must_run("ip -n right link delete r1");
	states("attached", "missing", "an interface is deleted");
	report = braid_json("restore");
	is_str(json_text(of(report, "edge"), "missing/0/name"), "r1", "it is reported as missing");
	is_int(live_pins(), pins - 1, "the pin of its link is removed");
	live_plug(1);
	trips("1", "", "it is made again");
	must_braid("restore");
	trips("1", "1", "restored there");
	is_int(live_pins(), pins, "as many pins as before");
	is_int(revision(), was, "it is no new revision");
}

static void test_missing(void)
{
	const char *m = live_manifest("m.yaml", ON_R0_R1, live_marks("1"));
	_cleanup_json_ json_t *first = NULL, *second = NULL, *third = NULL, *same = NULL;
	_cleanup_run_ struct run r = {};
	long long was;

	fresh(m);
	power_cycle();
	first = braid_json("restore");
	is_str(json_text(of(first, "edge"), "state"), "waiting", "no interface is there");
	is_int(json_number(first, "missing"), 2, "two are missing");
	is_int(live_pins(), 0, "nothing is loaded");
	live_plug(0);
	second = braid_json("restore");
	is_str(live_trip(0), "1", "restored on the one that is there");
	is_str(json_text(of(second, "edge"), "missing/0/name"), "r1", "the other is missing");
	is_str(json_text(of(second, "edge"), "missing/0/netns"), "right", "with its namespace");
	states("attached", "missing", "status");
	was = revision();
	is_int(braid(&r, "apply", m), 1, "apply fails");
	ok(strstr(r.err, "no interface 'r1'"), "since it is missing: %s", r.err);
	is_str(live_trip(0), "1", "what ran goes on");
	is_int(revision(), was, "as the revision that it was");
	live_plug(1);
	third = braid_json("restore");
	trips("1", "1", "the other is there");
	is_int(json_number(third, "missing"), 0, "nothing is missing");
	same = braid_json("apply", m);
	is_int(json_number(same, "revision"), was, "apply finds it as wanted");
	ok(json_is_false(json_at(same, "changed")), "and changes nothing");
}

/* Without a name, it is known by a number that means something else after a reboot. */
static void test_home_without_a_name(void)
{
	_cleanup_json_ json_t *wiped = NULL, *there = NULL, *elsewhere = NULL;

	{
		_net_in_(nameless, NULL);
		must_run("ip link add plain type veth peer name plain2");
		must_braid("apply", live_manifest("m.yaml", "mode: generic, interfaces: [plain], ",
						  live_marks("1")));
		must_run("find %s/braid -path *cookie*/links/* -delete", getenv("BRAID_BPFFS"));
	}
	{
		_net_in_(nameless, NULL);
		there = braid_json("restore");
	}
	elsewhere = braid_json("restore");
	is_str(json_text(of(elsewhere, "edge"), "state"), "skipped",
	       "from elsewhere it cannot be found");
	is_str(json_text(of(there, "edge"), "state"), "restored",
	       "a home without a name, of which something is pinned");
	wipe();
	wiped = braid_json("restore");
	is_str(json_text(of(wiped, "edge"), "state"), "skipped", "nothing is: it is skipped");
	is_int(json_number(wiped, "missing"), 0, "and not waited for");
	{
		_net_in_(nameless, NULL);
		must_braid("delete", "edge");
		must_run("ip link delete plain");
	}
}

/* Not the pipeline's. */
static void attach_stranger(const char *interface)
{
	must_run("ip -n right link set %s xdp obj %s/live_mark.bpf.o sec xdp", interface,
		 live_objects);
}

static const char *pipeline(const char *name, const char *interface, const char *stage)
{
	return live_text("{name: %s, hook: xdp, interfaces: [{name: %s, netns: right}], "
			 "stages: [%s]}",
			 name, interface, stage);
}

/* One that cannot be restored keeps nothing from the others. */
static void test_failures(void)
{
	_cleanup_json_ json_t *report = NULL;
	_cleanup_run_ struct run r = {};
	const char *m = live_write("three.yaml", "braid: 1\npipelines: [%s, %s]\n",
				   pipeline("aside", "r0", live_mark(1, "")),
				   pipeline("beside", "r1", live_mark(2, "")));

	braid(&r, "delete", "edge");
	must_braid("apply", m);
	reboot();
	attach_stranger("r0");
	is_int(braid(&r, "restore"), 3, "a foreign program is in the way");
	ok(strstr(r.err, "another XDP program is attached here: 'mark'"), "it is told: %s", r.err);
	trips("1", "2", "the other pipeline is restored");
	report = braid_json("restore");
	is_str(json_text(of(report, "aside"), "state"), "failed", "as JSON: failed");
	is_str(json_text(of(report, "aside"), "error/name"), "EBUSY", "and why");
	is_str(json_text(of(report, "beside"), "state"), "runs", "the other one runs");
	is_int(json_number(report, "failed"), 1, "one has failed");
	must_run("ip -n right link set r0 xdp off");
	is_int(braid(&r, "restore", "aside"), 0, "only this one, when nothing is in the way");
	trips("1", "2", "then");
	is_int(braid(&r, "restore", "asside"), 1, "no such pipeline");
	ok(strstr(r.err, "no pipeline 'asside'"), "it is told: %s", r.err);
	must_braid("delete", "aside");
	must_braid("delete", "beside");
}

/* Overwrites some bytes in the middle of the object that the store keeps. */
static void damage_object(void)
{
	_cleanup_free_ char *path = strdup(live_text("%s/braid.db", getenv("BRAID_STATE")));
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	static char bytes[1 << 22];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	char *found = n > 0 ? memmem(bytes, n, "\177ELF", 4) : NULL;

	if (!found || pwrite(fd, "damage", 6, found - bytes + 100) != 6)
		bail_out("damaging %s", path);
}

static void test_damaged_object(void)
{
	const char *m = live_manifest("m.yaml", ON_R0, live_marks("1"));
	_cleanup_run_ struct run r = {};

	must_run("rm -r %s", getenv("BRAID_STATE"));
	must_braid("apply", m);
	damage_object();
	must_run("rm -r %s/braid/home/edge/links", getenv("BRAID_BPFFS"));
	is_int(braid(&r, "restore"), 0, "pinned programs need no object: %s", r.err);
	is_str(live_trip(0), "1", "restored");
	wipe();
	is_int(braid(&r, "restore"), 1, "a damaged object in the store");
	ok(strstr(r.err, "the stored object"), "it is told: %s", r.err);
	ok(strstr(r.err, "that mends it"), "and what to do");
	is_int(live_pins(), 0, "nothing is left of the attempt");
	must_braid("apply", m);
	is_str(live_trip(0), "1", "the manifest with the original file mends it");
	wipe();
	must_braid("restore");
	is_str(live_trip(0), "1", "so that it can be restored");
}

/* Up, which takes Linux 6.2. */
static bool can_rename(void)
{
	_cleanup_run_ struct run r = {};

	if (run(&r, "ip", "-n", "right", "link", "set", "r0", "name", "r9"))
		return false;
	must_run("ip -n right link set r9 name r0");
	return true;
}

static void rename_to(const char *from, const char *to)
{
	must_run("ip -n right link set %s name %s", from, to);
}

/* With its last mount a BPF file system ends, and all that is pinned there. */
static void test_unmounted(void)
{
	const char *m = live_manifest("m.yaml", ON_R0_R1, live_marks("1"));
	_cleanup_run_ struct run r = {};

	fresh(m);
	must_run("umount /sys/fs/bpf");
	trips("1", "1", "bpffs has another mount");
	must_run("umount /run/bpf");
	ok(wait_until(!strcmp(live_trip(0), ""), SOON_MS), "bpffs is unmounted: nothing runs");
	is_int(braid(&r, "apply", m), 1, "apply fails");
	ok(strstr(r.err, "no BPF file system is mounted here"), "it is told: %s", r.err);
	is_int(braid(&r, "restore"), 1, "so does restore");
	ok(strstr(r.err, "no BPF file system is mounted here"), "in the same words");
	must_run("mount -t bpf bpf /run/bpf -o mode=700");
	must_run("mount --bind /run/bpf /sys/fs/bpf");
	must_braid("restore");
	trips("1", "1", "mounted again, it is restored");
}

/* The wanted name is gone, the link is not. */
static void test_renamed(void)
{
	const char *m = live_manifest("m.yaml", ON_R0_R1, live_marks("1"));
	_cleanup_json_ json_t *status = NULL, *report = NULL;
	_cleanup_run_ struct run r = {};
	size_t pins;

	if (!can_rename()) {
		skip("this kernel renames no interface that is up");
		return;
	}
	fresh(m);
	pins = live_pins();
	rename_to("r0", "r9");
	rename_to("r1", "r8");
	trips("1", "1", "interfaces are renamed");
	states("renamed", "renamed", "status");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/interfaces/0/now"), "r9", "it knows the new name");
	is_str(json_text(status, "pipelines/0/interfaces/1/now"), "r8", "of each");
	rename_to("r8", "r1");
	is_int(braid(&r, "apply", live_manifest("n.yaml", ON_R0_R1, live_marks("1,2"))), 1,
	       "a change is refused");
	ok(strstr(r.err, "no interface 'r0'"), "as there is no such name: %s", r.err);
	ok(strstr(r.err, "runs on 'r9'"), "it says what it is now");
	trips("1", "1", "what ran goes on");
	report = braid_json("restore");
	is_str(json_text(of(report, "edge"), "missing/0/now"), "r9", "restore says so, too");
	trips("1", "1", "and leaves it alone");
	must_braid("apply",
		   live_manifest("n.yaml",
				 "interfaces: [{name: r9, netns: right}, {name: r1, netns: "
				 "right}], ",
				 live_marks("1,2")));
	trips("12", "12", "under its new name in the manifest it is updated");
	rename_to("r9", "r7");
	must_braid("delete", "edge");
	trips("", "", "delete needs no name");
	is_int(live_pins(), 0, "and leaves nothing of %zu pins", pins);
	rename_to("r7", "r0");
}

/* Killed when packets met the new program already; then the interfaces get other names. */
static void test_renamed_after_a_kill(void)
{
	_cleanup_free_ char *next = strdup(live_manifest("next.yaml", ON_R0_R1, live_marks("1,2")));
	const char *const argv[] = {live_braid, "apply", next, NULL};
	_cleanup_json_ json_t *status = NULL;
	_cleanup_run_ struct run r = {};
	int nth = 0;

	if (!can_rename())
		return;
	do {
		fresh(live_manifest("m.yaml", ON_R0_R1, live_marks("1")));
		if (!live_killed_at(argv, nth++))
			bail_out("it is never killed with one interface switched");
	} while (strcmp(live_trip(0), "12") || strcmp(live_trip(1), "1"));
	rename_to("r0", "r9");
	is_int(braid(&r, "restore"), 0, "killed, and then an interface is renamed");
	ok(strstr(r.out, "was interrupted: undone"), "it is undone: %s", r.out);
	trips("1", "1", "there, too");
	status = braid_json("status", "edge");
	is_str(json_text(status, "pipelines/0/interfaces/0/now"), "r9", "it runs there");
	rename_to("r9", "r0");
	must_braid("apply", next);
	trips("12", "12", "the change succeeds");
}

/* `partial` of braid_apply(). */
static void test_partial(void)
{
	const char *m = live_manifest(
		"p.yaml", "interfaces: [{name: r0, netns: right}, {name: no, netns: right}], ",
		live_marks("1,2"));
	struct braid_apply_opts partial = {.sz = sizeof(partial), .partial = 1};
	_cleanup_json_ json_t *first = NULL, *again = NULL;
	struct braid_manifest *manifest = NULL;
	const struct braid_pipeline *p;
	char *texts[2] = {};
	struct braid *b = NULL;

	if (braid_open(NULL, &b, NULL) || braid_manifest_load(m, NULL, &manifest, NULL))
		bail_out("opening");
	fresh(live_manifest("m.yaml", ON_R0, live_marks("1")));
	p = braid_manifest_get(manifest, 0);
	is_int(braid_apply(b, p, NULL, NULL, NULL), -ENODEV, "apply: one does not exist");
	is_str(live_trip(0), "1", "what ran goes on");
	is_int(braid_apply(b, p, &partial, &texts[0], NULL), 0, "partial: on the one that does");
	first = json_loads(texts[0], 0, NULL);
	is_str(json_text(first, "missing/0/name"), "no", "and the report names the other");
	is_str(live_trip(0), "12", "it runs");
	is_int(braid_apply(b, p, &partial, &texts[1], NULL), 0, "again");
	again = json_loads(texts[1], 0, NULL);
	ok(json_is_false(json_at(again, "changed")), "nothing has changed");
	is_int(json_number(again, "revision"), json_number(first, "revision"), "no new revision");
	free(texts[0]);
	free(texts[1]);
	braid_manifest_free(manifest);
	braid_close(b);
	must_braid("delete", "edge");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	net_add("home");
	net_enter("home");
	test_reboot();
	test_only_links_are_gone();
	test_interface_made_again();
	test_missing();
	test_home_without_a_name();
	test_failures();
	test_damaged_object();
	test_unmounted();
	test_renamed();
	test_renamed_after_a_kill();
	test_partial();
	is_int(live_pins(), 0, "nothing is left");
	return done();
}
