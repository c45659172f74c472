/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What would be on the disk if the machine stopped now: of a folder's files, the content of
 * their last fsync(2); of names, those of the folder's last one. What was written since is
 * lost. The most a disk may lose: what it keeps beyond that is the case of a command that
 * was killed.
 */
#pragma once

/* All that is in @folder is on the disk. */
void live_disk_start(const char *folder);
/* For live_killed_everywhere(). */
void live_disk_synced(const char *path);
/* The folder is what is on the disk, and nothing else. */
void live_disk_crash(void);
