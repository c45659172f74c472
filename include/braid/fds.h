/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Handing programs, maps and links from process to process: what a `braid --pass-fds N` that
 * was forked off sends to its caller, and receiving it. What goes over the socket is in
 * docs/pass-fds.md.
 */
#ifndef BRAID_FDS_H
#define BRAID_FDS_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid;
struct braid_fds;

/**
 * braid_fds_receive() - all that one sender sends, up to its end mark and not a byte more.
 * @socket: AF_UNIX, SOCK_STREAM or SOCK_SEQPACKET; borrowed.
 * @ret: free it with braid_fds_free().
 * Waits as long as the sender takes, also on a non-blocking socket. Close the sender's end in
 * this process first: without that its death goes unnoticed.
 * Return: 0; -ECONNRESET the sender ended without the mark: its exit status tells more; -EPROTO
 * that is no sender of ours; -EMFILE this process may not open that many files; what went wrong
 * with the sender, as it has sent it; -ENOMEM.
 */
int braid_fds_receive(int socket, struct braid_fds **ret, struct braid_error *err);
/** braid_fds_free() - and close what was not taken. NULL is fine. */
void braid_fds_free(struct braid_fds *f);

/** braid_fds_count() - how many descriptors there are: 0 to count - 1 below. */
size_t braid_fds_count(const struct braid_fds *f);
/** braid_fds_json() - what descriptor @i is, as a JSON object; lives as long as @f. */
const char *braid_fds_json(const struct braid_fds *f, size_t i);
/** braid_fds_get() - it stays @f's. -1: it was taken. */
int braid_fds_get(const struct braid_fds *f, size_t i);
/** braid_fds_take() - it becomes the caller's. -1: it was taken. It is close-on-exec. */
int braid_fds_take(struct braid_fds *f, size_t i);

/**
 * braid_fds_find() - the first one of a kind with a name.
 * @kind: "program", "map", "link".
 * @owner: name of the pipeline, or of the interface whose dispatcher it belongs to; NULL: of any.
 * @stage: whose map it is; NULL: of any, and of programs and links.
 * @name: of the program, of the map in its object; of a link the interface; NULL: any.
 * Return: its number; -1: there is none.
 */
long braid_fds_find(const struct braid_fds *f, const char *kind, const char *owner,
		    const char *stage, const char *name);

/**
 * braid_fds_check() - can descriptors be sent over @socket?
 * Return: 0; -EBADF; -ENOTSOCK; -EPROTOTYPE no AF_UNIX socket, or one of datagrams; -ENOTCONN.
 */
int braid_fds_check(int socket, struct braid_error *err);

/**
 * braid_fds_send_pipeline() - the programs, maps and links of what runs as pipeline @name.
 * @home: as in braid_status(); NULL: the caller's.
 * Waits when the receiver does not keep up. Return: 0; -ENOENT no such pipeline runs; -EPIPE the
 * receiver has gone; -ETOOMANYREFS too many descriptors are under way; as braid_fds_check().
 */
int braid_fds_send_pipeline(struct braid *b, int socket, const char *home, const char *name,
			    struct braid_error *err);

/**
 * braid_fds_send_end() - the end mark.
 * @failed: what went wrong, for the receiver; NULL: nothing.
 * Return: as above.
 */
int braid_fds_send_end(int socket, const struct braid_error *failed, struct braid_error *err);

#ifdef __cplusplus
}
#endif
#endif
