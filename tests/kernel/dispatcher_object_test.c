/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emitted dispatcher in the kernel: what every reader of the protocol looks at, and what
 * it does to packets by itself.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "dispatcher_common.h"
#include "kernel/testrun.h"
#include "tap.h"

#define HAS_FRAGS (1u << 5)

static struct braid_error err;

static struct bpf_object *must_load(const struct dispatcher_config *c)
{
	_cleanup_(unit_freep) struct unit *u = dispatcher_ours(c);
	struct bpf_object *o = dispatcher_load(u);

	if (!o)
		bail_out("version %u, %u components: not loaded: %s", c->version, c->n,
			 strerror(errno));
	return o;
}

static int open_map(int prog, const char *what, struct bpf_map_info *ret)
{
	__u32 ids[4] = {}, len;
	struct bpf_prog_info info = {.nr_map_ids = 4, .map_ids = (__u64)(uintptr_t)ids};
	int fd;

	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		bail_out("a program: %s", strerror(errno));
	is_str(info.name, DISPATCHER_NAME, "%s: its name", what);
	is_int(info.nr_map_ids, 1, "%s: one map", what);
	fd = bpf_map_get_fd_by_id(ids[0]);
	len = sizeof(*ret);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, ret, &len))
		bail_out("its map: %s", strerror(errno));
	return fd;
}

static void check_map(int prog, const struct dispatcher_config *c, const char *what)
{
	struct bpf_map_info info = {};
	_cleanup_close_ int map = open_map(prog, what, &info);
	__u8 bytes[DISPATCHER_MAX_CONFIG] = {}, want[DISPATCHER_MAX_CONFIG] = {};
	__u32 key = 0;

	is_int(info.type, BPF_MAP_TYPE_ARRAY, "%s: an array", what);
	is_int(info.key_size, 4, "%s: the size of its key", what);
	is_int(info.value_size, dispatcher_config_size(c->version), "%s: and of its value", what);
	is_int(info.max_entries, 1, "%s: one entry", what);
	ok(info.map_flags & BPF_F_RDONLY_PROG, "%s: programs can only read it", what);
	is_int(bpf_map_lookup_elem(map, &key, bytes), 0, "%s: it can be read", what);
	is_int(bpf_map_update_elem(map, &key, bytes, 0), -EPERM, "%s: it is frozen", what);
	is_int(dispatcher_config_write(c, want, &err), 0, "%s: what was meant", what);
	is_mem(bytes, want, sizeof(want), "%s: is what it says", what);
}

/* Functions that the kernel has: components name them by their BTF. */
static void check_functions(int prog, const struct dispatcher_config *c, const char *what)
{
	struct bpf_func_info funcs[DISPATCHER_SLOTS + 2];
	struct bpf_prog_info info = {.nr_func_info = DISPATCHER_SLOTS + 2,
				     .func_info_rec_size = sizeof(*funcs),
				     .func_info = (__u64)(uintptr_t)funcs};
	__u32 len = sizeof(info);
	struct btf *btf;

	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		bail_out("a program: %s", strerror(errno));
	btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!btf)
		bail_out("its types: %s", strerror(errno));
	is_int(info.nr_func_info, c->n + 1, "%s: functions", what);
	is_int(dispatcher_metadata_version(btf), c->version, "%s: version in xdp_metadata", what);
	for (__u32 i = 0; i < info.nr_func_info; i++) {
		_cleanup_free_ char *stub = text_fmt("prog%u", i - 1);
		const struct btf_type *t = btf__type_by_id(btf, funcs[i].type_id);

		is_str(btf__name_by_offset(btf, t->name_off), i ? stub : DISPATCHER_NAME,
		       "%s: function %u", what, i);
	}
	btf__free(btf);
}

static void check_passes(int prog, const char *what)
{
	__u8 packet[PACKET_SIZE] = {};
	struct testrun run = {.packet = packet, .size = sizeof(packet)};
	struct testrun_result result = {};

	is_int(testrun_packet(prog, &run, &result, &err), 0, "%s: run", what);
	is_int(result.verdict, XDP_PASS, "%s: without components, packets pass", what);
}

static void check_one(__u32 version, __u32 n, bool frags)
{
	_cleanup_free_ char *what = text_fmt("version %u, %u components%s", version, n,
					     frags ? ", frags" : "");
	struct dispatcher_config c = config_plain(version, n);
	_cleanup_object_ struct bpf_object *o = NULL;
	int prog;

	c.frags = frags;
	for (__u32 i = 0; i < n; i++)
		c.slots[i].flags = frags ? HAS_FRAGS : 0;
	o = must_load(&c);
	prog = dispatcher_fd(o);
	check_map(prog, &c, what);
	check_functions(prog, &c, what);
	check_passes(prog, what);
}

/*
 * The program alone, as a loader passes it that binds no maps to programs: what refers to the
 * map is taken out as dead code, and it is a map of the program all the same.
 */
static void check_unbound(void)
{
	struct dispatcher_config c = config_plain(3, 2);
	_cleanup_object_ struct bpf_object *o = must_load(&c);
	const struct bpf_program *p = bpf_object__find_program_by_name(o, DISPATCHER_NAME);
	struct bpf_insn insns[64] = {};
	struct bpf_prog_info info = {.xlated_prog_insns = (__u64)(uintptr_t)insns,
				     .xlated_prog_len = sizeof(insns)};
	__u32 len = sizeof(info), left = 0;
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "unbound", "Dual BSD/GPL",
					       bpf_program__insns(p), bpf_program__insn_cnt(p),
					       NULL);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		bail_out("the program alone: %s", strerror(errno));
	is_int(info.nr_map_ids, 1, "a loader that binds no maps: the map is there");
	for (__u32 i = 0; i < info.xlated_prog_len / sizeof(*insns); i++)
		left += insn_is_ld_imm64(&insns[i]);
	is_int(left, 0, "no instruction refers to it");
}

/* Per packet that all components let pass, in the dispatcher itself. */
static void check_count(__u32 n)
{
	struct dispatcher_config c = config_plain(2, n);
	_cleanup_(unit_freep) struct unit *theirs = dispatcher_libxdps(&c);
	_cleanup_object_ struct bpf_object *a = must_load(&c), *b = NULL;
	__u8 bytes[DISPATCHER_MAX_CONFIG];
	long ours = dispatcher_count(dispatcher_fd(a), NULL, 0, XDP_PASS), libxdps;

	is_int(ours, n == 1 ? 3 : 3 * n + 1, "%u components: instructions executed", n);
	b = theirs ? dispatcher_load(theirs) : NULL;
	if (!b) {
		skip("no dispatcher of libxdp is installed");
		return;
	}
	dispatcher_config_write(&c, bytes, &err);
	libxdps = dispatcher_count(dispatcher_fd(b), bytes, dispatcher_config_size(2), XDP_PASS);
	ok(libxdps > 3 * ours, "%u components: %ld, of libxdp's %ld", n, ours, libxdps);
}

int main(void)
{
	static const __u32 counts[] = {1, 2, 5, 10};

	for (__u32 version = 2; version <= 3; version++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			check_one(version, counts[i], counts[i] == 2);
	check_unbound();
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		check_count(counts[i]);
	braid_error_clear(&err);
	return done();
}
