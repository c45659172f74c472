/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatcher FOLDER - the configuration of libxdp's dispatcher, by the vectors in FOLDER, which
 * are for all who implement the protocol; and the order of components.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/error.h"
#include "common.h"
#include "object/dispatcher.h"
#include "tap.h"

static struct braid_error err;

static void check_slots(const char *name, const struct dispatcher_config *c, json_t *want)
{
	json_t *slot;
	size_t i;

	is_int(c->n, json_array_size(want), "%s: components", name);
	json_array_foreach (want, i, slot) {
		const struct dispatcher_slot *s = &c->slots[i];

		is_int(s->priority, json_integer_value(json_object_get(slot, "priority")),
		       "%s: priority of %zu", name, i);
		is_int(s->actions, json_integer_value(json_object_get(slot, "actions")),
		       "%s: actions of %zu", name, i);
		is_int(s->flags, json_integer_value(json_object_get(slot, "flags")),
		       "%s: flags of %zu", name, i);
	}
}

/* Versions 2 and 3 come out as they went in, if nothing odd was in them. */
static void check_rewritten(const char *name, const struct dispatcher_config *c,
			    const struct buf *bytes)
{
	__u8 out[DISPATCHER_MAX_CONFIG] = {};

	if (c->version == 1) {
		is_int(dispatcher_config_write(c, out, &err), -EINVAL, "%s: is not written", name);
		return;
	}
	is_int(dispatcher_config_write(c, out, &err), 0, "%s: is written", name);
	if (text_has_prefix(name, "v2-rubbish") || text_has_prefix(name, "v2-no-magic"))
		return;
	is_mem(out, bytes->v, dispatcher_config_size(c->version), "%s: as it was", name);
}

static void check_vector(const char *name, json_t *vector, const struct buf *bytes)
{
	json_t *want = json_object_get(vector, "expect");
	const char *error = json_string_value(json_object_get(want, "error"));
	__u32 metadata = json_integer_value(json_object_get(vector, "metadata-version"));
	struct dispatcher_config c = {};
	int r = dispatcher_config_read(bytes->v, bytes->n, metadata, &c, &err);

	is_int(c.version, json_integer_value(json_object_get(want, "version")), "%s: version",
	       name);
	if (error) {
		is_int(r, text_eq(error, "EOPNOTSUPP") ? -EOPNOTSUPP : -EBADMSG, "%s: %s", name,
		       error);
		return;
	}
	is_int(r, 0, "%s: read", name);
	ok(c.frags == json_is_true(json_object_get(want, "frags")), "%s: frags", name);
	ok(c.devbound == json_is_true(json_object_get(want, "devbound")), "%s: bound", name);
	check_slots(name, &c, json_object_get(want, "slots"));
	check_rewritten(name, &c, bytes);
}

static void check_vectors(const char *folder)
{
	_cleanup_free_ char *path = text_fmt("%s/configurations.json", folder);
	json_t *vectors = json_load_file(path, 0, NULL), *vector;
	const char *name;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		skip("the vectors are little-endian, and a configuration is in host order");
		return;
	}
	if (!vectors)
		bail_out("%s cannot be read", path);
	json_object_foreach (vectors, name, vector) {
		_cleanup_free_ char *file = text_fmt("%s/%s.bin", folder, name);
		struct buf bytes = file_read(file);

		check_vector(name, vector, &bytes);
		buf_done(&bytes);
	}
	json_decref(vectors);
}

static void check_refused(void)
{
	struct dispatcher_config c = {.version = 2, .n = DISPATCHER_SLOTS + 1};
	struct dispatcher_config got = {};
	__u8 out[DISPATCHER_MAX_CONFIG];
	size_t size;
	void *elf;

	is_int(dispatcher_config_read("", 0, 1, &got, &err), -EBADMSG, "no byte at all");
	is_int(dispatcher_config_write(&c, out, &err), -EINVAL, "too many components");
	c = (struct dispatcher_config){.version = 4, .n = 1};
	is_int(dispatcher_config_write(&c, out, &err), -EINVAL, "a later version");
	c = (struct dispatcher_config){.version = 2, .n = 1, .devbound = true};
	is_int(dispatcher_config_write(&c, out, &err), -EINVAL, "version 2, bound to a device");
	c.devbound = false;
	c.slots[0].flags = 1u << 6;
	is_int(dispatcher_config_write(&c, out, &err), -EINVAL, "version 2, a bound program");
	c.version = 3;
	is_int(dispatcher_config_write(&c, out, &err), 0, "version 3 takes it");
	c.n = 0;
	is_int(dispatcher_emit(&c, &elf, &size, &err), -EINVAL, "no dispatcher of nothing");
	is_int(dispatcher_config_size(0), 0, "no version 0");
	is_int(dispatcher_config_size(4), 0, "no version 4");
}

/* From first to last. */
static void check_order(void)
{
	static const __u8 tag_a[BPF_TAG_SIZE] = {1}, tag_b[BPF_TAG_SIZE] = {1, 0x80};
	static const struct dispatcher_rank ranks[] = {
		{.priority = 0, .name = "z"},
		{.priority = 10, .name = "B", .loaded = true, .tag = tag_b},
		{.priority = 10, .name = "a", .loaded = true, .tag = tag_b, .loaded_ns = 9},
		{.priority = 20,
		 .name = "a",
		 .loaded = true,
		 .instructions = 9,
		 .tag = tag_a,
		 .loaded_ns = 9},
		{.priority = 20,
		 .name = "a",
		 .loaded = true,
		 .instructions = 5,
		 .tag = tag_b,
		 .loaded_ns = 1},
		{.priority = 20, .name = "a", .loaded = true, .tag = tag_b, .loaded_ns = 2},
		{.priority = 20, .name = "a", .instructions = 5, .tag = tag_b},
		{.priority = 20, .name = "a", .instructions = 6},
		{.priority = 20, .name = "a", .instructions = 6, .tag = tag_a},
		{.priority = 20, .name = "ab", .loaded = true},
		{.priority = 0x80000000, .name = "a", .loaded = true},
		{.priority = 0xffffffff, .name = "a", .loaded = true},
	};
	const int n = sizeof(ranks) / sizeof(*ranks);

	for (int i = 0; i < n; i++)
		for (int k = 0; k < n; k++) {
			int r = dispatcher_rank_compare(&ranks[i], &ranks[k]);

			ok(i < k ? r < 0 : i > k ? r > 0 : r == 0, "order of %d and %d", i, k);
		}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		bail_out("usage: dispatcher FOLDER");
	check_vectors(argv[1]);
	check_refused();
	check_order();
	braid_error_clear(&err);
	return done();
}
