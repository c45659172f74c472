/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that tests look at. */
#pragma once

/* All of it, as text, to be freed; bails out when it cannot be read. */
char *file_text(const char *path);
