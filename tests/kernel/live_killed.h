/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands that are killed in front of a system call that changes what outlives them: pins,
 * links, what is attached by netlink, memory that is a map, and the store's files. Between two of
 * them there is nothing to tell apart.
 */
#pragma once

#include <stdbool.h>

/*
 * Also in front of those writes into a file of the store that follow others into it. It is SQLite
 * that makes nothing or one transaction of them all.
 */
extern bool live_killed_at_each_write;

/* Runs a command and kills it in front of the @nth trace that it leaves. false: it ended first. */
bool live_killed_at(const char *const argv[], int nth);
/*
 * In front of each write into a map as well, of which there may be as many as a map has
 * entries. @synced, if not NULL, gets the path of each file and folder that was
 * synchronised with the disk; then it is the machine that stops, and traces count only once for
 * each time that what is on the disk may have changed.
 */
bool live_killed_everywhere(const char *const argv[], int nth, void (*synced)(const char *path));
