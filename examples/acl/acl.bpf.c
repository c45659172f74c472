/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* acl: allows or denies by source address; the longest matching prefix decides. */
#include <braid/bpf/parse.h>

/* What happens to an IP packet that no rule matches, or that cannot be read. */
const volatile bool default_deny = false;

#define ACL_RULES 1024

enum acl_action {
	ACL_ALLOW,
	ACL_DENY,
};

/* Indexes of counters. */
enum acl_count {
	ACL_RULE_ALLOWED,
	ACL_RULE_DENIED,
	ACL_DEFAULT_ALLOWED,
	ACL_DEFAULT_DENIED,
	ACL_MALFORMED, /* counted in addition to the default's */
	ACL_NOT_IP,    /* passed */
	ACL_COUNTS,
};

struct prefix4 {
	__u32 prefixlen;
	__be32 address;
};

struct prefix6 {
	__u32 prefixlen;
	__u8 address[16];
};

struct rule {
	__u32 action; /* enum acl_action */
	__u32 hits;   /* index into hits; rules may share one */
};

struct hit {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, ACL_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix4);
	__type(value, struct rule);
} rules4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, ACL_RULES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix6);
	__type(value, struct rule);
} rules6 SEC(".maps");

/* Beside the rules and not in them: all CPUs hit the same few rules. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ACL_RULES);
	__type(key, __u32);
	__type(value, struct hit);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ACL_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &what);

	if (packets)
		(*packets)++;
}

enum readable {
	IP,
	NOT_IP,
	MALFORMED,
};

/* @ret_rule: NULL when none matches; always written. */
static __always_inline enum readable find_rule(const struct xdp_md *ctx,
					       const struct rule **ret_rule)
{
	struct parse_cursor cursor = parse_start(ctx);
	struct parse_link link;
	struct parse_upper upper;

	*ret_rule = NULL;
	if (parse_link(&cursor, &link) < 0)
		return MALFORMED;
	if (link.protocol == PARSE_IPV4) {
		const struct iphdr *ip = parse_ipv4(&cursor, &upper);
		struct prefix4 source = {.prefixlen = 32};

		if (!ip)
			return MALFORMED;
		source.address = ip->saddr;
		*ret_rule = bpf_map_lookup_elem(&rules4, &source);
		return IP;
	}
	if (link.protocol == PARSE_IPV6) {
		const struct ipv6hdr *ip = parse_ipv6(&cursor, &upper);
		struct prefix6 source = {.prefixlen = 128};

		if (!ip)
			return MALFORMED;
		__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
		*ret_rule = bpf_map_lookup_elem(&rules6, &source);
		return IP;
	}
	return NOT_IP;
}

static __always_inline void hit_rule(const struct xdp_md *ctx, const struct rule *rule)
{
	__u32 index = rule->hits;
	struct hit *hit = bpf_map_lookup_elem(&hits, &index);

	if (!hit)
		return;
	hit->packets++;
	hit->bytes += ctx->data_end - ctx->data;
}

SEC("xdp") int acl(struct xdp_md *ctx)
{
	const struct rule *rule;
	bool allow;

	switch (find_rule(ctx, &rule)) {
	case NOT_IP:
		count(ACL_NOT_IP);
		return XDP_PASS;
	case MALFORMED:
		count(ACL_MALFORMED);
		break;
	case IP:
		break;
	}
	if (rule) {
		hit_rule(ctx, rule);
		allow = rule->action == ACL_ALLOW; /* what we do not know is safer denied */
		count(allow ? ACL_RULE_ALLOWED : ACL_RULE_DENIED);
	} else {
		allow = !default_deny;
		count(allow ? ACL_DEFAULT_ALLOWED : ACL_DEFAULT_DENIED);
	}
	return allow ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
