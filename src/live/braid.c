/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>

#include "base/error.h"
#include "braid/braid.h"
#include "live/live.h"
#include "manifest/opts.h"

const char *braid_version(void)
{
	return BRAID_VERSION;
}

int braid_open(const struct braid_opts *opts, struct braid **ret, struct braid_error *err)
{
	struct braid_opts o;
	struct braid *b;
	ERROR_SCRATCH(err);
	int r;

	r = opts_take(&o, sizeof(o), opts, err);
	if (r)
		return r;
	b = calloc(1, sizeof(*b));
	if (!b)
		return error_oom(err);
	b->home = (struct netns)NETNS_INIT;
	b->wait_ns = o.wait_ns;
	b->cause = strdup(o.cause ?: "libbraid");
	r = b->cause ? 0 : error_oom(err);
	r = r ?: netns_open(NULL, &b->home, err) ?: store_open(o.state, &b->store, err);
	if (r) {
		braid_close(b);
		return r;
	}
	*ret = b;
	return 0;
}

void braid_close(struct braid *b)
{
	if (!b)
		return;
	store_close(b->store);
	netns_done(&b->home);
	free(b->cause);
	free(b);
}
