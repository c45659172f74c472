/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Requests to route netlink, in the network namespace of the calling thread. The kernel's own
 * sentence about an error (extended acknowledgement) comes back as text.
 */
#pragma once

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>

struct netlink_request {
	struct nlmsghdr head;
	char body[512];
};

/* @type: RTM_…; @flags: NLM_F_…, NLM_F_REQUEST is added; @family: the fixed part behind the head.
 */
void netlink_begin(struct netlink_request *req, unsigned short type, unsigned short flags,
		   const void *family, size_t size);
/* An attribute. There is room: who asks for more has made a mistake, and it ends the process. */
struct rtattr *netlink_put(struct netlink_request *req, unsigned short type, const void *data,
			   size_t size);
/* The attributes between the two are inside of one. */
struct rtattr *netlink_nest(struct netlink_request *req, unsigned short type);
void netlink_nest_end(struct netlink_request *req, struct rtattr *nest);

/**
 * netlink_talk() - send @req and wait until the kernel has done it.
 * @ret_message: its sentence, NULL if there is none; written on failure only; caller frees.
 */
int netlink_talk(struct netlink_request *req, char **ret_message);

/**
 * netlink_ask() - send @req, and call @each for every message of the answer.
 * With NLM_F_DUMP in the request: of the list, which may have to be read anew: then @each is
 * called with NULL, and must forget.
 * @each: its error ends it.
 */
int netlink_ask(struct netlink_request *req, int (*each)(void *ctx, const struct nlmsghdr *msg),
		void *ctx, char **ret_message);

/* The attributes of an answer behind its fixed part of @size bytes. */
struct netlink_attrs {
	const struct rtattr *first;
	size_t size;
};

struct netlink_attrs netlink_attrs(const struct nlmsghdr *msg, size_t size);
/* Those inside of @nest; NULL has none. */
struct netlink_attrs netlink_inside(const struct rtattr *nest);
/* NULL: there is none of that type, or it has less than @size bytes. */
const struct rtattr *netlink_get(struct netlink_attrs attrs, unsigned short type, size_t size);
/* 0: there is none. */
__u32 netlink_get_u32(struct netlink_attrs attrs, unsigned short type);
/* "": there is none. */
void netlink_get_text(struct netlink_attrs attrs, unsigned short type, char *ret, size_t size);
