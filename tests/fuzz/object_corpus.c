/* SPDX-License-Identifier: GPL-2.0-only */
/* The fuzzer's corpus, once: each file of the folder is refused or survives all of it. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* On the heap and no larger than the file, so that reading beyond it is seen. */
static void run_file(const char *folder, const char *name)
{
	_cleanup_free_ char *path = text_fmt("%s/%s", folder, name);
	_cleanup_fclose_ FILE *f = path ? fopen(path, "re") : NULL;
	_cleanup_free_ uint8_t *data = NULL;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		bail_out("cannot read %s", name);
	rewind(f);
	data = malloc(size ?: 1);
	if (!data || fread(data, 1, size, f) != size)
		bail_out("cannot read %s", name);
	ok(LLVMFuzzerTestOneInput(data, size) == 0, "%s", name);
}

int main(int argc, char **argv)
{
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *entry;

	if (!dir)
		bail_out("usage: object_corpus FOLDER");
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			run_file(argv[1], entry->d_name);
	closedir(dir);
	return done();
}
