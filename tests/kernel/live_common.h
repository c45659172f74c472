/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of running pipelines share: the command, manifests, frames that are
 * signed on their way, and what status says.
 *
 * Two namespaces, `left` with l0, l1 and `right` with r0, r1, where pipelines are attached;
 * l0-r0 and l1-r1 are veth pairs. Home is the namespace of net_init().
 */
#pragma once

#include <jansson.h>

#include "live_frame.h"
#include "net.h"
#include "run.h"
#include "tap.h"

/* Arguments: the command; the folder of live_*.bpf.o; the folder of the examples. */
void live_init(int argc, char **argv);
/* Makes l<wire> and r<wire> again, in new namespaces too; the old ones must be gone. */
void live_plug(int wire);
extern const char *live_braid, *live_objects, *live_examples;

/* `braid(&r, "apply", path)`: the exit status. */
#define braid(r, ...) run(r, live_braid, __VA_ARGS__)
/* It must succeed, or the test bails out: for what is not in question. */
#define must_braid(...)                                                                            \
	do {                                                                                       \
		_cleanup_run_ struct run must_ = {};                                               \
		if (braid(&must_, __VA_ARGS__))                                                    \
			bail_out("braid failed: %s%s", must_.out, must_.err);                      \
	} while (0)
/* What it prints with --json; the caller decrefs. Bails out if that is no JSON. */
#define braid_json(...) live_json((const char *const[]){live_braid, __VA_ARGS__, "--json", NULL})
json_t *live_json(const char *const argv[]);
#define _cleanup_json_ __attribute__((cleanup(json_decrefp)))

/* What status says, but for what packets and others change. The caller decrefs. */
json_t *live_status(void);

/* The value at "pipelines/0/interfaces/1/state"; NULL: there is none. */
json_t *json_at(json_t *j, const char *path);
/* As text; "" when there is none. Valid as long as @j. */
const char *json_text(json_t *j, const char *path);
/* -1 when there is none. */
long long json_number(json_t *j, const char *path);

/* Formatted; valid up to the next but 15. */
const char *live_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Writes a file into the scratch folder. Return: its path, valid up to the next but 7. */
const char *live_write(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * A manifest of pipeline `edge`. @pipeline: its keys besides name, hook and stages, in flow
 * style and with a comma behind ("mode: generic, "); @stages: in flow style, with commas.
 */
const char *live_manifest(const char *name, const char *pipeline, const char *stages);
#define ON_R0    "interfaces: [{name: r0, netns: right}], "
#define ON_R0_R1 "interfaces: [{name: r0, netns: right}, {name: r1, netns: right}], "
#define AS_FUSED "strategy: fused, "
#define AS_TAILS "strategy: tailcall, "
/* Stage m<id> of live_mark; @more: further keys, with a comma in front. As live_text(). */
const char *live_mark(int id, const char *more);
/* Several: "1,2,3" -> stages m1, m2, m3. */
const char *live_marks(const char *ids);

/*
 * Sends a frame from l<wire> to r<wire> that asks stage @id for @verdict (0: nobody).
 * Return: "123", the signatures in their order on the frame that arrived, all other bytes
 * being the same; "dropped"; "lost" (not even the frame behind it came); "changed".
 */
const char *live_trip_asking(int wire, int id, int verdict);
#define live_trip(wire) live_trip_asking(wire, 0, 0)
/* Sends the same two frames: the program at r<wire>, which runs natively, drops both. */
bool live_is_lost(int wire);
/* Forgets what has arrived at r<wire> by other ways. */
void live_drain(int wire);

/* The value at key 0 of a map with 8 bytes of value, by its pin in status; -1: no such map. */
long long live_count(const char *stage, const char *map);
/* What braid has pinned, folders not counted. */
size_t live_pins(void);
