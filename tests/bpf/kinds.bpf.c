/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an object file can hold besides maps: every kind of section, symbol and relocation. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

int counter = 5;                        /* .data */
static volatile int hidden_counter = 7; /* static: no symbol of its own */
__u64 zeroes[3];                        /* .bss */
static volatile __u32 zero;
const volatile __u32 limit = 100; /* .rodata */
const volatile struct {
	__u8 a;
	__u32 b;
} pair = {1, 2};
__u32 apart SEC(".data.apart") = 9; /* sections that libbpf maps one by one */
const volatile __u16 fixed SEC(".rodata.fixed") = 3;

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_NO_SUCH_OPTION __kconfig __weak;
extern const int no_such_kernel_variable __ksym __weak;
extern void no_such_kernel_function(void *p) __ksym __weak;

/* As the kernel has it, cut to what is read here. */
struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

struct xdp_rxq_info {
	struct net_device *dev;
	__u32 queue_index;
} __attribute__((preserve_access_index));

static __noinline int twice(int x)
{
	return (x + hidden_counter) * 2;
}

__noinline int checked(__u32 x) /* global: verified apart */
{
	return x > limit ? -1 : (int)x;
}

__attribute__((visibility("hidden"))) __noinline int veiled(__u32 x)
{
	return twice(x) + 1;
}

static long each(__u32 i, void *ctx)
{
	*(__u32 *)ctx += i;
	zeroes[i & 1]++;
	return 0;
}

/* In a section of its own beside another program. */
SEC("xdp") int kinds(struct xdp_md *ctx)
{
	static const char format[] = "queue %d of %d\n";
	__u32 sum = zero;

	bpf_loop(4, each, &sum, 0);
	if (bpf_core_field_exists(struct xdp_rxq_info, queue_index))
		sum += bpf_core_field_offset(struct xdp_rxq_info, dev);
	if (bpf_core_type_exists(struct net_device))
		sum += bpf_core_type_size(struct net_device) != 0;
	if (LINUX_KERNEL_VERSION < 1 || CONFIG_BPF_NO_SUCH_OPTION || &no_such_kernel_variable)
		sum++;
	if (no_such_kernel_function)
		no_such_kernel_function(ctx);
	if (sum == 0xffffffff)
		bpf_trace_printk(format, sizeof(format), sum, limit);
	if (sum == 0xfffffffe)
		bpf_trace_printk("in .rodata.str %d\n", sizeof("in .rodata.str %d\n"), sum);
	counter += checked(sum) + veiled(sum) + pair.b;
	apart += fixed;
	return XDP_PASS;
}

SEC("xdp") int second(struct xdp_md *ctx)
{
	return twice(counter) > 0 ? XDP_PASS : XDP_DROP;
}

SEC("tc") int other_hook(struct __sk_buff *skb)
{
	return checked(skb->len);
}

char _license[] SEC("license") = "GPL";
__u32 _version SEC("version") = 0x050f00;
