/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatch_tool OBJECTS IFNAME [WORD...] - an edit in words (dispatch_common.h), as a process of
 * its own: to be killed, and to run beside others. Says what is wrong.
 * dispatch_tool hold PIN - opens what is pinned there, unpins it, and stays.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dispatch_common.h"

static int hold(const char *pin)
{
	if (bpf_obj_get(pin) < 0 || unlink(pin))
		return 1;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "hold"))
		return hold(argv[2]);
	if (!dispatch_edit_words(argv[2], (const char *const *)argv + 3, argv[1], NULL, &err))
		return 0;
	fprintf(stderr, "%s: %s: %s\n%s", err.where ?: "", err.what ?: "", err.why ?: "",
		err.log ?: "");
	return 1;
}
