/* SPDX-License-Identifier: GPL-2.0-only */
/* The fuzzer's corpus, once: each file is refused or survives the round trip. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_file(const char *folder, const char *name)
{
	_cleanup_free_ char *path = text_fmt("%s/%s", folder, name);
	_cleanup_fclose_ FILE *f = path ? fopen(path, "re") : NULL;
	static uint8_t data[1 << 16];
	size_t n;

	if (!f)
		bail_out("cannot read %s", name);
	n = fread(data, 1, sizeof(data), f);
	ok(LLVMFuzzerTestOneInput(data, n) == 0, "%s", name);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *folder = text_fmt("%s/tests/fuzz/manifest_corpus",
					       argc > 1 ? argv[1] : ".");
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		bail_out("no corpus in %s", folder);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			run_file(folder, entry->d_name);
	}
	closedir(dir);
	return done();
}
