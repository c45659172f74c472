/* SPDX-License-Identifier: GPL-2.0-only */
/* --pass-fds: what the command made run, handed to the process that has started it. */
#include <braid/dispatcher.h>
#include <braid/fds.h>

#include "cli/cli.h"

/* -1: nobody wants them, or the end mark is sent. */
static int receiver = -1;

bool pass_fds_open(const struct command *c, const char *arg)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	uint64_t fd;

	if (!take_amount(c, "--pass-fds", NUMBER(NULL, "2147483647"), arg, &fd))
		return false;
	if (braid_fds_check(fd, &err)) {
		usage(c, "%s: %s", err.what, err.why);
		return false;
	}
	receiver = fd;
	return true;
}

int pass_pipeline(const struct options *o, struct braid *b, const char *home, const char *name)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	if (receiver < 0 || !braid_fds_send_pipeline(b, receiver, home, name, &err))
		return EXIT_DONE;
	return fail(o, &err);
}

int pass_chain(const struct options *o, const struct braid_chain *c)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	if (receiver < 0 || !braid_fds_send_chain(c, receiver, &err))
		return EXIT_DONE;
	return fail(o, &err);
}

void pass_fds_failure(const struct braid_error *err)
{
	/* whether it arrives or not, this one error is what is told */
	if (receiver >= 0)
		braid_fds_send_end(receiver, err, NULL);
	receiver = -1;
}

int pass_fds_end(int status)
{
	static const struct options plain = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	if (receiver < 0 || status != EXIT_DONE || !braid_fds_send_end(receiver, NULL, &err))
		return status;
	receiver = -1;
	return fail(&plain, &err);
}
