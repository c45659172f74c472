/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The configuration of what runs: config.c has its life, config_set.c what people do with it. */
#pragma once

#include "live/runtime.h"

struct live_config {
	struct running run;
	struct config_fields fields;
	struct control_map control;
	int fd;     /* of CONFIG_SECTION's map */
	char *both; /* what is in it */
	json_t *values;
	__u32 number; /* the version of the store that has them; 0: none, all defaults */
	char *recovered;
};

#define LIVE_CONFIG_INIT                                                                           \
	{                                                                                          \
		.control = CONTROL_MAP_INIT, .fd = -1                                              \
	}
#define _cleanup_live_config_ _cleanup_(live_config_done)

/* Return: 0; -ENOENT no such pipeline; -EOPNOTSUPP it has no fields; -EBADMSG. */
int live_config_open(struct braid *b, const char *name, struct live_config *c,
		     struct braid_error *err);
void live_config_done(struct live_config *c);
/* The bytes that packets use; of @c->fields.size. */
const char *live_config_active(const struct live_config *c);
/* One version with @values in it; caller frees. @ret_dropped may be NULL. NULL: @err is filled. */
char *live_config_bytes(const struct live_config *c, const json_t *values, json_t **ret_dropped,
			struct braid_error *err);
/*
 * Makes @values what packets use, all at once. @what: the change in words. Hold the lock.
 * After an error packets use what they did.
 */
int live_config_switch(struct braid *b, struct live_config *c, const json_t *values,
		       const char *what, __u32 *ret_number, struct braid_error *err);
