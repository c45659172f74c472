/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * braid: many BPF programs as one system. All of the public API.
 *
 *	manifest.h  what is wanted: read from YAML, or built in C
 *	plan.h      how it will run; linking
 *	live.h      making it run, and what runs
 *	dispatcher.h  XDP programs of several tools on one interface
 *	fds.h       programs, maps and links from process to process
 *	map.h       the entries of maps of what runs
 *	observe.h   packets of what runs, at the seams between stages
 *	preflight.h what a change would do to packets
 *	run.h       packets through a pipeline that is attached nowhere
 *
 * Conventions: functions return 0 or a negative errno and fill a struct braid_error
 * (may be NULL); what they return through ret_ parameters is written on success only.
 * Option structs begin with their size, so that they can grow.
 */
#ifndef BRAID_BRAID_H
#define BRAID_BRAID_H

#include "braid/dispatcher.h"
#include "braid/error.h"
#include "braid/fds.h"
#include "braid/inspect.h"
#include "braid/live.h"
#include "braid/manifest.h"
#include "braid/map.h"
#include "braid/observe.h"
#include "braid/plan.h"
#include "braid/preflight.h"
#include "braid/run.h"

#ifdef __cplusplus
extern "C" {
#endif

/** braid_version() - "0.1.0": of the library that runs, not of the header. */
const char *braid_version(void);

#ifdef __cplusplus
}
#endif
#endif
