/* SPDX-License-Identifier: GPL-2.0-only */
/* Layouts of types: told apart, described, and values of the one made values of the other. */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "../../bpf/layouts.h"
#include "common.h"
#include "object/layout_convert.h"
#include "tap.h"

static struct braid_error err;
static struct unit *unit;

static struct layout layout_of(const char *name)
{
	struct layout l;
	int id = btf__find_by_name_kind(unit->btf, name, BTF_KIND_STRUCT);

	if (id < 0 || layout_read(unit->btf, id, NULL, &l, &err))
		bail_out("struct %s: %s", name, err.what ?: "not there");
	return l;
}

static const struct leaf *leaf_of(const struct layout *l, const char *path)
{
	const struct leaf *leaf = layout_find(l, path);

	if (!leaf)
		bail_out("no leaf %s", path);
	return leaf;
}

static void test_leaves(void)
{
	struct layout l = layout_of("array_old");
	const struct leaf *leaf = leaf_of(&l, "rules.n");

	is_int(l.size, sizeof(struct array_old), "size");
	is_int(l.leaves.n, 4, "an array is one leaf");
	is_int(leaf->bit, 8 * offsetof(struct array_old, rules[0].n), "offset");
	is_int(leaf->bits, 32, "bits");
	is_int(leaf->n_dims, 2, "in two arrays");
	is_int(leaf->dims[0].n, 2, "the outer one");
	is_int(leaf->dims[0].stride, 8 * sizeof(((struct array_old *)0)->rules[0]), "stride");
	is_int(leaf->dims[1].n, 2, "the inner one");
	ok(!layout_find(&l, "rules"), "a struct is no leaf");
	ok(!layout_find(&l, "rules.nn"), "nor is what is not there");
	layout_done(&l);

	l = layout_of("wide_old");
	is_int(leaf_of(&l, "count")->kind, LEAF_UNSIGNED, "unsigned");
	is_str(leaf_of(&l, "count")->type, "__u32", "as the author wrote it");
	is_int(leaf_of(&l, "degrees")->kind, LEAF_SIGNED, "signed");
	is_int(leaf_of(&l, "on")->kind, LEAF_BOOL, "bool");
	is_int(leaf_of(&l, "color")->kind, LEAF_ENUM, "enum");
	is_int(leaf_of(&l, "change")->kind, LEAF_SENUM, "enum with negative values");
	layout_done(&l);

	l = layout_of("signs");
	is_int(leaf_of(&l, "letter")->kind, LEAF_CHAR, "char");
	is_int(leaf_of(&l, "half")->kind, LEAF_FLOAT, "float");
	is_int(leaf_of(&l, "pointer")->kind, LEAF_POINTER, "pointer");
	ok(leaf_of(&l, "address")->network_order, "network byte order");
	layout_done(&l);
}

static void test_special(void)
{
	struct layout l = layout_of("locked_old");

	is_int(leaf_of(&l, "lock")->kind, LEAF_LOCK, "bpf_spin_lock");
	ok(layout_has(&l, LEAF_LOCK) && !layout_has(&l, LEAF_HELD), "is found");
	layout_done(&l);
	l = layout_of("timed_old");
	is_int(leaf_of(&l, "timer")->kind, LEAF_HELD, "bpf_timer");
	layout_done(&l);
	l = layout_of("held_old");
	is_int(leaf_of(&l, "thing")->kind, LEAF_HELD, "kptr");
	layout_done(&l);
	l = layout_of("union_old");
	is_str(leaf_of(&l, "address")->type, "union { __u32 v4; __u8 v6[16]; }",
	       "a union is what is in it");
	is_int(leaf_of(&l, "(port|type)")->bits, 16, "one without a name has those of its members");
	layout_done(&l);
	l = layout_of("bits_old");
	ok(leaf_of(&l, "middle")->bitfield, "a bit-field");
	is_int(leaf_of(&l, "middle")->bit, 3, "its bit");
	is_int(leaf_of(&l, "middle")->bits, 11, "its bits");
	layout_done(&l);
	l = layout_of("counts");
	ok(leaf_of(&l, "packets")->counter && leaf_of(&l, "by.hits")->counter, "counters");
	ok(!leaf_of(&l, "by.last")->counter, "and none");
	layout_done(&l);
}

/* "equal", or the diff. Equal layouts have none. */
static void is_diff(const char *from, const char *to, const char *want)
{
	struct layout a = layout_of(from), b = layout_of(to);
	char *diff = layout_diff(&a, &b);

	is_int(layout_equal(&a, &b), !*want, "%s and %s: equal", from, to);
	is_str(diff, want, "%s and %s: diff", from, to);
	free(diff);
	layout_done(&a);
	layout_done(&b);
}

static void test_diff(void)
{
	is_diff("same_a", "same_b", "");
	is_diff("same_a", "same_a", "");
	is_diff("same_a", "renamed", "- unsigned short in.b at 4\n+ __u16 in.c at 4");
	is_diff("key_old", "key_new",
		"- __u32 source at 0\n+ __u16 proto at 0\n+ __u16 port at 2\n"
		"- __u16 port at 4\n+ __u32 source at 4");
	is_diff("locked_old", "locked_new",
		"- struct bpf_spin_lock lock at 0\n+ __u64 n at 0\n- __u32 n at 4\n"
		"+ struct bpf_spin_lock lock at 8\n8 bytes became 16");
	is_diff("array_old", "signs_a",
		"- __u16 v[3] at 0\n+ __u32 a at 0\n- __u8 rules[2].kind at 8\n"
		"- __u32 rules[2].n[2] at 12\n- char name[5] at 32\n40 bytes became 4");
	is_diff("signs_a", "bits_new",
		"- __u32 a at 0\n+ __u64 high:40 at 0, bit 0\n+ __u64 whole:9 at 5, bit 0\n"
		"+ __s64 sign at 8\n+ __u8 low:5 at 16, bit 0\n+ __u32 middle at 20\n"
		"+ __u32 added:6 at 24, bit 0\n4 bytes became 32");
}

/* Makes the conversion; it must be possible. */
static struct conversion convert(const char *from, const char *to, const void *fill)
{
	struct layout a = layout_of(from), b = layout_of(to);
	struct conversion c;

	if (conversion_new(&a, &b, false, fill, &c, &err))
		bail_out("%s to %s: %s: %s", from, to, err.what, err.why);
	layout_done(&a);
	layout_done(&b);
	return c;
}

static void test_wider(void)
{
	struct wide_old old = {0xfffffff0, -5, 1, 200, GREEN, DOWN};
	struct conversion c = convert("wide_old", "wide_new", NULL);
	struct wide_new new;

	conversion_run(&c, &old, &new);
	is_int(new.count, 0xfffffff0, "unsigned: extended by zeroes");
	is_int(new.degrees, -5, "signed: by its sign");
	is_int(new.on, 1, "bool to integer");
	is_int(new.small, 200, "unsigned to signed, with room for it");
	is_int(new.color, GREEN, "enum to integer");
	is_int(new.change, DOWN, "enum with a sign");
	is_int(c.added.n + c.removed.n, 0, "nothing added, nothing removed");
	conversion_done(&c);
}

static void test_nested(void)
{
	struct nested_old old = {.a = 1, .in = {2, 3}, .direct = 4, .b = 5};
	struct nested_new fill = {.ttl = 64}, new;
	struct conversion c = convert("nested_old", "nested_new", &fill);

	conversion_run(&c, &old, &new);
	is_int(new.a, 1, "moved");
	is_int(new.in.x, 2, "reordered in a struct");
	is_int(new.in.y, 3, "and its neighbour");
	is_int(new.direct, 4, "out of a struct without a name");
	is_int(new.b, 5, "to the front");
	is_int(new.ttl, 64, "added with a default");
	is_int(new.in.z, 0, "added without");
	is_int(c.added.n, 2, "two were added");
	is_str(c.added.v[0], "__u8 in.z", "the one");
	is_str(c.added.v[1], "__u32 ttl", "the other");
	ok(!c.identical, "the bytes do not stay");
	conversion_done(&c);

	c = convert("nested_new", "nested_old", NULL);
	conversion_run(&c, &new, &old);
	is_int(old.in.y, 3, "and back");
	is_int(c.removed.n, 2, "two are removed");
	is_str(c.removed.v[1], "__u32 ttl", "with their names");
	conversion_done(&c);
}

static void test_arrays(void)
{
	struct array_old old = {
		.v = {1, 2, 3}, .rules = {{1, {10, 11}}, {2, {20, 21}}}, .name = "abcd"};
	struct array_new fill = {.v = {9, 9, 9, 9, 9}}, new;
	struct conversion c = convert("array_old", "array_new", &fill);

	conversion_run(&c, &old, &new);
	is_int(new.v[0] + 10 * new.v[1] + 100 * new.v[2], 321, "element by element, wider");
	is_int(new.v[3] + new.v[4], 18, "the new ones have the default");
	is_int(new.rules[1].n[1], 21, "arrays of structs with arrays");
	is_int(new.rules[1].n[2], 0, "longer ones");
	is_int(new.rules[1].kind, 2, "their other members");
	is_int(new.rules[2].kind, 0, "a new struct");
	is_str(new.name, "abcd", "text");
	conversion_done(&c);
}

static void test_bits(void)
{
	struct bits_old old = {.low = 5, .middle = 1234, .high = 200000, .sign = -3, .whole = 255};
	struct bits_new fill = {.added = 33}, new;
	struct conversion c = convert("bits_old", "bits_new", &fill);

	conversion_run(&c, &old, &new);
	is_int(new.low, 5, "bits to more bits");
	is_int(new.middle, 1234, "bits to a whole number");
	is_int(new.high, 200000, "more bits");
	is_int(new.sign, -3, "with a sign");
	is_int(new.whole, 255, "a whole number to bits");
	is_int(new.added, 33, "a default in bits");
	conversion_done(&c);
}

static void test_unions(void)
{
	struct union_old old = {.tag = 6, .address.v6 = {[15] = 1}, .port = 80};
	struct conversion c = convert("union_old", "union_new", NULL);
	struct union_new new;

	conversion_run(&c, &old, &new);
	is_int(new.tag, 6, "beside unions");
	is_mem(&new.address, &old.address, sizeof(old.address), "a union that stayed, elsewhere");
	is_int(new.port, 80, "one without a name");
	conversion_done(&c);
}

static void test_kept(void)
{
	struct signs old = {-1, ~0u, 0x0100007f, 'x', 0.5, &old};
	struct conversion c = convert("signs", "signs_kept", NULL);
	struct signs_kept new;

	conversion_run(&c, &old, &new);
	is_int(new.a, -1, "wider");
	is_int(new.b, 0xffffffff, "unsigned to a wider signed one");
	is_int(new.address, 0x0100007f, "network byte order is only bytes");
	is_int(new.letter, 'x', "char to byte");
	ok(new.half == 0.5, "float");
	ok(new.pointer == &old, "pointer");
	conversion_done(&c);
}

static void test_locks(void)
{
	struct locked_old old = {{0xdead}, 7};
	struct conversion c = convert("locked_old", "locked_new", NULL);
	struct locked_new new;

	conversion_run(&c, &old, &new);
	is_int(new.n, 7, "beside a lock");
	is_int(new.lock.val, 0, "the lock is free");
	is_int(c.added.n + c.removed.n, 0, "it counts neither as added nor as removed");
	conversion_done(&c);
}

static int sum_counters(void *ctx, const struct scalar *s)
{
	__u32 *sum = ctx;

	sum[0]++;
	sum[1] += s->from;
	sum[2] += s->to;
	return 0;
}

static void test_counters(void)
{
	struct conversion c = convert("counts", "counts_new", NULL);
	__u32 sum[3] = {};

	conversion_each_counter(&c, sum_counters, sum);
	is_int(sum[0], 3, "three counters, those in the array among them");
	is_int(sum[1],
	       8 * (offsetof(struct counts, packets) + offsetof(struct counts, by[0].hits) +
		    offsetof(struct counts, by[1].hits)),
	       "where they were");
	is_int(sum[2],
	       8 * (offsetof(struct counts_new, packets) + offsetof(struct counts_new, by[0].hits) +
		    offsetof(struct counts_new, by[1].hits)),
	       "where they are");
	conversion_done(&c);
}

/* Must be refused, and name @member. */
static void refuses(const char *from, const char *to, bool is_key, const char *member,
		    const char *why)
{
	struct layout a = layout_of(from), b = layout_of(to);
	struct conversion c;

	is_int(conversion_new(&a, &b, is_key, NULL, &c, &err), -EMEDIUMTYPE, "%s to %s", from, to);
	ok(strstr(err.what, member), "it names %s: %s", member, err.what);
	ok(strstr(err.why, why), "why: %s", err.why);
	braid_error_clear(&err);
	layout_done(&a);
	layout_done(&b);
}

static void test_refused(void)
{
	refuses("wide_new", "wide_old", false, "'__u64 count'", "may hold values that do not fit");
	refuses("signs", "signs_a", false, "'__s32 a'", "negative");
	refuses("signs_a", "signs", false, "'__u32 a'", "negative");
	refuses("signs", "signs_b", true, "'__s32 a'", "two keys could become one");
	refuses("array_new", "array_old", false, "'__u32 v[5]'", "shorter");
	refuses("union_old", "union_bad", false, "address'", "union's members");
	refuses("timed_old", "timed_new", false, "'struct bpf_timer timer'", "cannot be copied");
	refuses("timed_old", "timed_old", false, "timer", "cannot be copied");
	refuses("held_old", "held_old", false, "thing", "cannot be copied");
	refuses("key_new", "key_old", true, "'__u16 proto'", "two keys could become one");
	refuses("signs_address", "signs", false, "'__be64 address'", "do not fit");
	refuses("signs_half", "signs", false, "'double half'", "different kinds");
	refuses("signs_pointer", "signs", false, "'__u64 pointer'", "different kinds");
	refuses("signs_array", "signs", false, "'__s32 a[1]'", "array");
	refuses("signs_letter", "signs", false, "'__s16 letter'", "characters");
}

static void refuses_member(const char *to, const char *member, const char *why)
{
	struct layout a = layout_of("signs"), b = layout_of(to), one = {.size = a.size};
	struct conversion c;

	/* that member alone: the first that cannot be is the one that is named */
	array_foreach (leaf, &a.leaves)
		if (!strcmp(leaf->path, member) && !array_add(&one.leaves, *leaf))
			bail_out("no memory");
	is_int(conversion_new(&one, &b, false, NULL, &c, &err), -EMEDIUMTYPE, "%s: to %s", member,
	       to);
	ok(strstr(err.what ?: "", member) && strstr(err.why ?: "", why), "%s: %s", err.what ?: "",
	   err.why ?: "");
	braid_error_clear(&err);
	array_done(&one.leaves);
	layout_done(&a);
	layout_done(&b);
}

static void test_refused_members(void)
{
	refuses_member("signs_b", "b", "do not fit");
	refuses_member("signs_address", "address", "network byte order");
	refuses_member("signs_letter", "letter", "characters");
	refuses_member("signs_half", "half", "different kinds");
	refuses_member("signs_pointer", "pointer", "different kinds");
	refuses_member("signs_array", "a", "array");
	refuses_member("signs_bool", "b", "neither true nor false");
}

static void test_keys(void)
{
	struct layout a = layout_of("key_old"), b = layout_of("key_new");
	struct key_old old = {0x0a000001, 443};
	struct conversion c;
	struct key_new new;

	is_int(conversion_new(&a, &b, true, NULL, &c, &err), 0, "a key with one member more");
	conversion_run(&c, &old, &new);
	ok(new.source == old.source &&new.port == old.port && !new.proto, "its members");
	conversion_done(&c);
	layout_done(&a);
	layout_done(&b);
}

static void test_globals(void)
{
	int section = unit_find_section(unit, ".data.globals");
	struct layout l;

	if (section < 0)
		bail_out("no section");
	is_int(layout_read_section(unit, section, "to", &l, &err), 0, "a section");
	is_int(l.leaves.n, 2, "its variables");
	ok(leaf_of(&l, "tal")->counter, "a prefix is left out, a tag is seen");
	is_int(leaf_of(&l, "limits")->dims[0].n, 4, "an array");
	layout_done(&l);
}

static void is_broken(const struct btf *btf, int id, const char *what)
{
	struct layout l;

	is_int(layout_read(btf, id, NULL, &l, &err), -EINVAL, "%s", what);
	braid_error_clear(&err);
}

/* BTF that says what cannot be. */
static void test_broken(void)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int outside = btf__add_struct(btf, "outside", 4);
	int array, many, proto;

	btf__add_field(btf, "a", number, 8, 0);
	is_broken(btf, outside, "a member that ends behind its struct");
	array = btf__add_array(btf, number, number, 0x40000000);
	many = btf__add_struct(btf, "many", 8);
	btf__add_field(btf, "a", array, 0, 0);
	is_broken(btf, many, "an array that ends behind its struct");
	is_broken(btf, array, "an array of more bytes than there can be");
	proto = btf__add_func_proto(btf, number);
	is_broken(btf, proto, "a function");
	is_broken(btf, 1000, "a type that is not there");
	is_broken(btf, btf__add_fwd(btf, "later", BTF_FWD_STRUCT), "one that is not defined");
	btf__free(btf);
}

static void test_raw(void)
{
	struct conversion c;
	char from[5] = "abcd", to[5];

	is_int(conversion_new_raw(5, &c, &err), 0, "bytes");
	conversion_run(&c, from, to);
	is_str(to, "abcd", "stay as they are");
	conversion_done(&c);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: layout FOLDER");
	unit = unit_in(argv[1], "layouts");
	test_leaves();
	test_special();
	test_diff();
	test_wider();
	test_nested();
	test_arrays();
	test_bits();
	test_unions();
	test_kept();
	test_locks();
	test_counters();
	test_refused();
	test_refused_members();
	test_keys();
	test_globals();
	test_broken();
	test_raw();
	unit_free(unit);
	braid_error_clear(&err);
	return done();
}
