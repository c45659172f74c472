/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The configuration of a dispatcher: bytes, in the byte order of the host <-> a struct. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "object/dispatcher.h"
#include "object/dispatcher_abi.h"

size_t dispatcher_config_size(__u32 version)
{
	static const size_t sizes[] = {
		[1] = sizeof(struct dispatcher_bytes_1),
		[2] = sizeof(struct dispatcher_bytes_2),
		[3] = sizeof(struct dispatcher_bytes_3),
	};

	return version < sizeof(sizes) / sizeof(*sizes) ? sizes[version] : 0;
}

/* Is anything in @c that version 2 cannot say? */
static bool needs_version_3(const struct dispatcher_config *c)
{
	bool bound = c->devbound;

	for (__u32 i = 0; i < c->n; i++)
		bound |= c->slots[i].flags & DISPATCHER_DEVBOUND;
	return bound;
}

static int check_writable(const struct dispatcher_config *c, struct braid_error *err)
{
	if (c->version != 2 && c->version != 3) {
		error_set(err, -EINVAL, NULL, "version %u of the dispatcher is not written",
			  c->version);
		error_hint(err, "versions 2 and 3 are");
		return -EINVAL;
	}
	if (c->n > DISPATCHER_SLOTS)
		return error_code(error_set(err, -EINVAL, NULL,
					    "%u components, and a dispatcher takes %d", c->n,
					    DISPATCHER_SLOTS));
	if (c->version == 2 && needs_version_3(c)) {
		error_set(err, -EINVAL, NULL,
			  "version 2 of the dispatcher takes no programs that are bound to a "
			  "device");
		error_why(err, "its configuration has no place to say so");
		error_hint(err, "version 3 has");
		return -EINVAL;
	}
	return 0;
}

int dispatcher_config_write(const struct dispatcher_config *c, void *out, struct braid_error *err)
{
	struct dispatcher_bytes_3 b = {
		.magic = DISPATCHER_MAGIC,
		.version = c->version,
		.n = c->n,
		.frags = c->frags,
		.devbound = c->devbound,
	};
	int r = check_writable(c, err);

	if (r)
		return r;
	for (__u32 i = 0; i < c->n; i++) {
		b.actions[i] = c->slots[i].actions | 1u << DISPATCHER_STUB;
		b.priorities[i] = c->slots[i].priority;
		b.flags[i] = c->slots[i].flags;
	}
	memcpy(out, &b, dispatcher_config_size(c->version));
	return 0;
}

static int broken(struct braid_error *err, const char *why, unsigned long a, unsigned long b)
{
	error_set(err, -EBADMSG, NULL, "this is no configuration of a dispatcher");
	error_why(err, why, a, b);
	return -EBADMSG;
}

static int find_version(const __u8 *bytes, size_t size, __u32 metadata_version, __u32 *ret,
			struct braid_error *err)
{
	bool magic = size >= 2 && bytes[0] == DISPATCHER_MAGIC;

	if (size < 2)
		return broken(err, "it has %lu bytes", size, 0);
	if (!magic && !metadata_version)
		return broken(err, "its first byte is %lu, not %lu", bytes[0], DISPATCHER_MAGIC);
	*ret = magic ? bytes[1] : metadata_version;
	/* Version 1 had no magic: its first byte is the number of components. */
	if (!*ret || (magic && *ret == 1))
		return broken(err, "there is no version %lu with this first byte", *ret, 0);
	return 0;
}

static int check_size(__u32 version, size_t size, struct braid_error *err)
{
	size_t want = dispatcher_config_size(version);

	/* In the older ones more may follow, such as other constants of the object. */
	if (size < want || (version >= 3 && size != want))
		return broken(err, "it has %lu bytes, and its version has %lu", size, want);
	return 0;
}

static void read_1(const void *bytes, struct dispatcher_config *c)
{
	struct dispatcher_bytes_1 b;

	memcpy(&b, bytes, sizeof(b));
	c->n = b.n;
	for (int i = 0; i < DISPATCHER_SLOTS; i++)
		c->slots[i] = (struct dispatcher_slot){b.priorities[i], b.actions[i], 0};
}

static void read_2_3(const void *bytes, struct dispatcher_config *c)
{
	struct dispatcher_bytes_3 b = {};

	memcpy(&b, bytes, dispatcher_config_size(c->version));
	c->n = b.n;
	c->frags = b.frags;
	c->devbound = b.devbound;
	for (int i = 0; i < DISPATCHER_SLOTS; i++)
		c->slots[i] = (struct dispatcher_slot){b.priorities[i], b.actions[i], b.flags[i]};
}

int dispatcher_config_read(const void *bytes, size_t size, __u32 metadata_version,
			   struct dispatcher_config *ret, struct braid_error *err)
{
	struct dispatcher_config c = {};
	int r = find_version(bytes, size, metadata_version, &c.version, err);

	if (r)
		return r;
	if (c.version > DISPATCHER_NEWEST) {
		error_set(err, -EOPNOTSUPP, NULL, "the dispatcher is of version %u", c.version);
		error_why(err, "later than %d, the last one known here", DISPATCHER_NEWEST);
		error_hint(err, "change it with the tools that made it");
		*ret = c;
		return -EOPNOTSUPP;
	}
	r = check_size(c.version, size, err);
	if (r)
		return r;
	if (c.version == 1)
		read_1(bytes, &c);
	else
		read_2_3(bytes, &c);
	if (c.n > DISPATCHER_SLOTS)
		return broken(err, "it says %lu components, and there are %lu slots", c.n,
			      DISPATCHER_SLOTS);
	for (__u32 i = 0; i < DISPATCHER_SLOTS; i++)
		if (i < c.n)
			c.slots[i].actions &= ~(1u << DISPATCHER_STUB);
		else
			c.slots[i] = (struct dispatcher_slot){};
	*ret = c;
	return 0;
}
