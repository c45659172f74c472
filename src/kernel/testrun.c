/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/testrun.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>

#include "kernel/iface.h"

/* Smaller ones fit into one page on every kernel, beside headroom and skb_shared_info. */
#define SURELY_FITS 3072

/* Of a TC program the kernel wants the whole IP header, if there is one. */
static bool is_cut(const struct testrun *run)
{
	const struct ethhdr *eth = run->packet;
	size_t ip = eth->h_proto == htons(ETH_P_IP)     ? sizeof(struct iphdr)
		    : eth->h_proto == htons(ETH_P_IPV6) ? sizeof(struct ipv6hdr)
							: 0;

	return run->size < sizeof(*eth) + ip;
}

static int explain_cut(const struct testrun *run, struct braid_error *err)
{
	error_set(err, -EMSGSIZE, NULL, "a packet of %zu bytes is too short to run", run->size);
	error_why(err, "a TC program is not run on a part of an IP header");
	return -EMSGSIZE;
}

static int explain(int r, size_t size, struct braid_error *err)
{
	if ((r == -EINVAL || r == -E2BIG || r == -ENOMEM) && size > SURELY_FITS) {
		error_set(err, -EMSGSIZE, NULL, "a packet of %zu bytes is too large to run", size);
		error_why(err,
			  "Linux 5.18 and later take some 64 KiB for XDP, for TC some 3,500 bytes");
		return -EMSGSIZE;
	}
	error_errno(err, r, NULL, "cannot run the program on a packet");
	if (r == -EPERM)
		error_hint(err, "it takes CAP_BPF and CAP_NET_ADMIN: run as root");
	return r;
}

static int check_size(size_t size, struct braid_error *err)
{
	if (size >= ETH_HLEN)
		return 0;
	error_set(err, -EMSGSIZE, NULL, "a packet of %zu bytes is too short to run", size);
	error_why(err, "an Ethernet header takes %d", ETH_HLEN);
	return -EMSGSIZE;
}

int testrun_packet(int prog_fd, const struct testrun *run, struct testrun_result *ret,
		   struct braid_error *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->packet, .data_size_in = run->size,
		    .data_out = run->out, .data_size_out = run->out ? run->room : 0,
		    .repeat = run->repeat ?: 1);
	int r;

	r = check_size(run->size, err);
	if (r)
		return r;
	r = bpf_prog_test_run_opts(prog_fd, &opts);
	if (r == -ENOSPC && run->out) {
		error_set(err, r, NULL, "the packet grew to %u bytes, beyond the %zu there are",
			  opts.data_size_out, run->room);
		return r;
	}
	if (r == -EINVAL && is_cut(run))
		return explain_cut(run, err);
	if (r)
		return explain(r, run->size, err);
	*ret = (struct testrun_result){opts.retval, opts.data_size_out, opts.duration};
	return 0;
}

int testrun_live(int prog_fd, const struct testrun_live *run, struct braid_error *err)
{
	_cleanup_netns_guard_ struct netns_guard guard = NETNS_GUARD_INIT;
	struct xdp_md ctx = {
		.data_end = run->size,
		.ingress_ifindex = run->ifindex,
		.rx_queue_index = run->queue,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->packet, .data_size_in = run->size,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = run->repeat,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = run->batch);
	int r;

	r = check_size(run->size, err);
	if (r)
		return r;
	r = netns_enter(run->ns, &guard, err);
	if (r)
		return r;
	r = bpf_prog_test_run_opts(prog_fd, &opts);
	if (r == -ENODEV || (r == -EINVAL && run->ifindex && run->size <= SURELY_FITS)) {
		_cleanup_free_ char *where = iface_where(run->ns, run->ifindex);

		error_errno(err, -ENODEV, where, "cannot let packets come in on queue %u here",
			    run->queue);
		error_why(err, "there is no such interface or queue");
		return -ENODEV;
	}
	return r ? explain(r, run->size, err) : 0;
}
