/* SPDX-License-Identifier: GPL-2.0-only */
/* Dispatchers on an interface that ours does not write: of other versions, and broken ones. */
#pragma once

#include "dispatch_common.h"

struct fixture {
	const char *object; /* dispatch_<object>.bpf.o */
	__u8 bytes[256];    /* of the configuration, filled by fixture_config() */
	const char *components[4];
	bool by_link;
	int fd, link_fd; /* of the dispatcher */
	__u32 id;
	char *folder;
};

/* The beginning of every version's configuration, but 1's. */
void fixture_config(struct fixture *f, __u8 version, __u8 n);
/* Version 1. */
void fixture_config_1(struct fixture *f, __u8 n);

/* Loads, links, pins, attaches to the test's interface. */
void fixture_attach(struct fixture *f);
void fixture_detach(struct fixture *f);
/* Without "prog0-link" or such. */
void fixture_unpin(const struct fixture *f, const char *name);
