/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * facts_test DIR - what the kernel can do that not every kernel can, so that other tests may rely
 * on it. DIR has facts_*.bpf.o.
 */
#include "facts.h"
#include "net.h"
#include "tap.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		bail_out("usage: facts_test DIR");
	net_init();
	facts_init(argv[1]);
	facts_types();
	facts_freplace();
	facts_xdp();
	facts_tc();
	facts_devices();
	return done();
}
