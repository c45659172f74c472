/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of libxdp's protocol share: components, edits in words, and what is on an
 * interface as seen by us, by xdp-loader, and by packets.
 */
#pragma once

#include "dispatch/dispatch.h"
#include "tap.h"

/* Where the tests play; its other end is "d1". */
#define DISPATCH_IF "d0"

extern const char *dispatch_tool, *dispatch_objects;

/* Arguments: TOOL OBJECTS. A network of its own with the interface. */
void dispatch_init(int argc, char **argv);

/* dispatch_<name>.bpf.o, somewhere in @objects. */
const char *dispatch_object(const char *name);

/*
 * Loads dispatch_<name>.bpf.o as a component.
 * @bound_to: ifindex here of the device that it is bound to; 0: none.
 */
int dispatch_component(const char *objects, const char *name, __u32 bound_to, struct addition *ret,
		       struct braid_error *err);

/*
 * An edit of @ifname, here, in words:
 *	+a:50:4		dispatch_a.bpf.o, at priority 50, going on after the verdicts of 4 (PASS)
 *	@a:50:4		the same, bound to the device
 *	-mark_a		without all components of that name
 *	=mark_a:10:6	at priority 10, going on after DROP and PASS
 *	generic, v2	mode, version
 */
int dispatch_edit_words(const char *ifname, const char *const *words, const char *objects,
			__u32 *ret_id, struct braid_error *err);

/* The same for the test's interface, and it must succeed. Return: id of the dispatcher. */
#define edit(...) dispatch_must_edit((const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
__u32 dispatch_must_edit(const char *const *words, const char *file, int line);
/* And it must fail. Return: the error's code; its text in @says. */
#define edit_error(says, ...) dispatch_edit_error(says, (const char *const[]){__VA_ARGS__, NULL})
int dispatch_edit_error(const char *says, const char *const *words);

/* Of the test's interface. */
__u32 dispatch_ifindex(void);
void dispatch_look(struct dispatcher *ret);

/*
 * The components in order, a line for each: "PRIORITY NAME ID ACTIONS". "": none. What they
 * return is used again by the eighth call.
 */
const char *seen_by_us(void);
const char *seen_by_them(void);
/* The names only, "a b": those that begin with mark_ are cut to what follows. */
const char *names_now(void);
/* The letters of those who met a frame; @asks: "a1" lets a return 1. Through the program itself. */
const char *met_by_packets(const char *asks);
/* The same of a frame that comes in at the interface. */
const char *met_by_frames(void);
/* What xdp-loader does with its arguments. Return: its status. */
#define xdp_loader(...) dispatch_xdp_loader((const char *const[]){"xdp-loader", __VA_ARGS__, NULL})
int dispatch_xdp_loader(const char *const *argv);

/* Folders in bpffs, below xdp; and pins in them. */
int dispatch_folders(void);
int dispatch_pins(void);
