// SPDX-License-Identifier: GPL-2.0-only
/* "bare link": one BPF_LINK_UPDATE between two loaded programs, the least that can be done. */
#include "replace/variants.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/harness.h"

struct bare {
	struct bpf_object *versions[2];
	int programs[2]; /* borrowed from @versions */
	int count;       /* the map of version 0, which version 1 uses too; borrowed */
	int link;
};

static struct bpf_map *count_map(struct bpf_object *object)
{
	return bpf_object__find_map_by_name(object, "count");
}

static void *bare_open(const struct variant *variant, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	struct bare *b = calloc(1, sizeof(*b));

	if (!b)
		err(1, "%s", variant->name);
	for (uint32_t i = 0; i < 2; i++) {
		struct bpf_object *object = object_open(EMBEDDED(sink), "sink");

		object_set_rodata(object, &i, sizeof(i));
		if (i == 1 && bpf_map__reuse_fd(count_map(object), b->count))
			err(1, "sharing the counters");
		if (bpf_object__load(object))
			err(1, "loading version %u", i);
		if (i == 0)
			b->count = bpf_map__fd(count_map(object));
		b->programs[i] = object_program(object, "sink");
		b->versions[i] = object;
	}
	b->link = bpf_link_create(b->programs[0], ifindex, BPF_XDP, &native);
	if (b->link < 0)
		err(1, "attaching");
	return b;
}

static void bare_replace(void *self, unsigned int version)
{
	struct bare *b = self;
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE,
		    .old_prog_fd = b->programs[!version]);

	if (bpf_link_update(b->link, b->programs[version], &opts))
		err(1, "BPF_LINK_UPDATE to version %u", version);
}

static uint64_t bare_count(void *self, unsigned int version)
{
	struct bare *b = self;

	return counter_read(b->count, version);
}

static void bare_count_stages(void *self, struct counts *ret)
{
	uint64_t n = bare_count(self, 0) + bare_count(self, 1);

	*ret = (struct counts){n, n};
}

static void bare_close(void *self)
{
	struct bare *b = self;

	close(b->link);
	bpf_object__close(b->versions[1]);
	bpf_object__close(b->versions[0]);
	free(b);
}

const struct variant variant_bare = {
	.name = "bare link",
	.open = bare_open,
	.replace = bare_replace,
	.count = bare_count,
	.count_stages = bare_count_stages,
	.close = bare_close,
};
