/* SPDX-License-Identifier: GPL-2.0-only */
/* Standard input and output: whoever has started the command may have closed them, or filled them.
 */
#include "cli/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* The other way round, so that who uses one of them fails, as if it were closed. */
bool stdio_open(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			return false;
	return true;
}

/* Who has read enough does not want to hear of it. */
static bool has_no_reader(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP);
}

int stdio_close(int status)
{
	int error = fflush(stdout) ? errno : 0;

	if (!error && !ferror(stdout))
		return status;
	if (!has_no_reader()) {
		fputs("braid: standard output: cannot write all of it\n", stderr);
		if (error)
			fprintf(stderr, "  why: %s\n", strerror(error));
		if (status == EXIT_DONE)
			fputs("  do:  let it go elsewhere; what was to be changed is changed\n",
			      stderr);
	}
	return status == EXIT_DONE ? EXIT_FAILED : status;
}
