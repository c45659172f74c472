.license "GPL"
.version 0x50f00
.extern LINUX_KERNEL_VERSION .kconfig type=57
.extern CONFIG_BPF_NO_SUCH_OPTION .kconfig type=59 weak
.extern no_such_kernel_variable .ksyms type=61 weak
.extern no_such_kernel_function .ksyms type=18 weak

.section .data align=4 size=8
.bytes 0: 05 00 00 00 07 00 00 00
.variable counter .data type=38 at=0 size=4
.variable hidden_counter .data type=68 at=4 size=4

.section .rodata align=4 size=28
.bytes 0: 64 00 00 00 01 00 00 00 02 00 00 00 71 75 65 75
.bytes 0x10: 65 20 25 64 20 6f 66 20 25 64 0a 00
.variable limit .rodata type=41 at=0 size=4
.variable pair .rodata type=45 at=4 size=8
.variable kinds.format .rodata type=55 at=12 size=16

.section .data.apart align=4 size=4
.bytes 0: 09 00 00 00
.variable apart .data.apart type=46 at=0 size=4

.section .rodata.fixed align=2 size=2
.bytes 0: 03 00
.variable fixed .rodata.fixed type=51 at=0 size=2

.section .bss align=8 size=32
.variable zero .bss type=56 at=0 size=4
.variable zeroes .bss type=66 at=8 size=24

.section .rodata.str1.1 align=1 size=19
.bytes 0: 69 6e 20 2e 72 6f 64 61 74 61 2e 73 74 72 20 25
.bytes 0x10: 64 0a 00

.function checked global type=5
	.file "tests/bpf/kinds.bpf.c"
	.line 42:13 "\treturn x > limit ? -1 : (int)x;"
	r2 = &limit
	r2 = *(u32 *)(r2 +0)
	w0 = -1
	.line 42:9 "\treturn x > limit ? -1 : (int)x;"
	if w2 < w1 goto L6
	w0 = w1
L6:
	.line 42:2 "\treturn x > limit ? -1 : (int)x;"
	exit

.function veiled global hidden type=6
	.file "tests/bpf/kinds.bpf.c"
	.line 47:9 "\treturn twice(x) + 1;"
	call twice
	.line 47:18 "\treturn twice(x) + 1;"
	w0 += 1
	.line 47:2 "\treturn twice(x) + 1;"
	exit

.function twice type=8
	.file "tests/bpf/kinds.bpf.c"
	.line 37:14 "\treturn (x + hidden_counter) * 2;"
	r2 = &hidden_counter
	r0 = *(u32 *)(r2 +0)
	.line 37:12 "\treturn (x + hidden_counter) * 2;"
	w0 += w1
	.line 37:30 "\treturn (x + hidden_counter) * 2;"
	w0 <<= 1
	.line 37:2 "\treturn (x + hidden_counter) * 2;"
	exit

.function each type=21
	.file "tests/bpf/kinds.bpf.c"
	.line 52:16 "\t*(__u32 *)ctx += i;"
	r3 = *(u32 *)(r2 +0)
	w3 += w1
	*(u32 *)(r2 +0) = r3
	.line 53:11 "\tzeroes[i & 1]++;"
	w1 &= 1
	.line 53:2 "\tzeroes[i & 1]++;"
	r1 <<= 3
	r2 = &zeroes
	r2 += r1
	.line 53:15 "\tzeroes[i & 1]++;"
	r1 = *(u64 *)(r2 +0)
	r1 += 1
	*(u64 *)(r2 +0) = r1
	.line 54:2 "\treturn 0;"
	r0 = 0
	exit

.program kinds xdp type=12
	.file "tests/bpf/kinds.bpf.c"
	.line 58:0 "SEC(\"xdp\") int kinds(struct xdp_md *ctx)"
	r6 = r1
	.line 61:14 "\t__u32 sum = zero;"
	r1 = &zero
	r1 = *(u32 *)(r1 +0)
	.line 61:8 "\t__u32 sum = zero;"
	*(u32 *)(r10 -4) = r1
	r3 = r10
	.line 0:0 ""
	r3 += -4
	.line 63:2 "\tbpf_loop(4, each, &sum, 0);"
	w1 = 4
	r2 = &each
	r4 = 0
	call bpf_loop#181
	.core field_exists 13 "0:1"
	r1 = 1
	.line 64:6 "\tif (bpf_core_field_exists(struct xdp_rxq_info, queue_index))"
	if w1 == 0x0 goto L18
	.core field_byte_offset 13 "0:0"
	r1 = 0
	.line 65:7 "\t\tsum += bpf_core_field_offset(struct xdp_rxq_info, dev);"
	r2 = *(u32 *)(r10 -4)
	w2 += w1
	*(u32 *)(r10 -4) = r2
L18:
	.core type_exists 15 "0"
	r1 = 1
	.line 66:6 "\tif (bpf_core_type_exists(struct net_device))"
	if w1 == 0x0 goto L27
	.core type_size 15 "0"
	r2 = 4
	w1 = 1
	.line 67:48 "\t\tsum += bpf_core_type_size(struct net_device) != 0;"
	if w2 != 0x0 goto L24
	w1 = 0
L24:
	.line 67:7 "\t\tsum += bpf_core_type_size(struct net_device) != 0;"
	r2 = *(u32 *)(r10 -4)
	w2 += w1
	*(u32 *)(r10 -4) = r2
L27:
	.line 68:6 "\tif (LINUX_KERNEL_VERSION < 1 || CONFIG_BPF_NO_SUCH_OPTION || &no_such_kernel_variable)"
	r1 = &LINUX_KERNEL_VERSION
	r1 = *(u32 *)(r1 +0)
	.line 68:31 "\tif (LINUX_KERNEL_VERSION < 1 || CONFIG_BPF_NO_SUCH_OPTION || &no_such_kernel_variable)"
	if w1 s< 0x1 goto L38
	.line 68:34 "\tif (LINUX_KERNEL_VERSION < 1 || CONFIG_BPF_NO_SUCH_OPTION || &no_such_kernel_variable)"
	r1 = &CONFIG_BPF_NO_SUCH_OPTION
	r1 = *(u8 *)(r1 +0)
	.line 68:60 "\tif (LINUX_KERNEL_VERSION < 1 || CONFIG_BPF_NO_SUCH_OPTION || &no_such_kernel_variable)"
	if w1 != 0x0 goto L38
	r1 = &no_such_kernel_variable
	if r1 == 0x0 goto L41
L38:
	.line 69:6 "\t\tsum++;"
	r1 = *(u32 *)(r10 -4)
	w1 += 1
	*(u32 *)(r10 -4) = r1
L41:
	.line 70:6 "\tif (no_such_kernel_function)"
	r1 = &no_such_kernel_function
	if r1 == 0x0 goto L46
	.line 71:3 "\t\tno_such_kernel_function(ctx);"
	r1 = r6
	call no_such_kernel_function
L46:
	.line 72:6 "\tif (sum == 0xffffffff)"
	r1 = *(u32 *)(r10 -4)
	.line 72:6 "\tif (sum == 0xffffffff)"
	if w1 != 0xffffffff goto L57
	.line 73:49 "\t\tbpf_trace_printk(format, sizeof(format), sum, limit);"
	r1 = &limit
	r4 = *(u32 *)(r1 +0)
	.line 73:3 "\t\tbpf_trace_printk(format, sizeof(format), sum, limit);"
	r1 = &kinds.format
	w2 = 16
	w3 = -1
	call bpf_trace_printk#6
	.line 74:6 "\tif (sum == 0xfffffffe)"
	r1 = *(u32 *)(r10 -4)
L57:
	.line 74:6 "\tif (sum == 0xfffffffe)"
	if w1 != 0xfffffffe goto L64
	.line 75:3 "\t\tbpf_trace_printk(\"in .rodata.str %d\\n\", sizeof(\"in .rodata.str %d\\n\"), sum);"
	r1 = map[.rodata.str1.1]+0
	w2 = 19
	w3 = -2
	call bpf_trace_printk#6
	.line 76:21 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	r1 = *(u32 *)(r10 -4)
L64:
	.line 76:13 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	call checked
	w6 = w0
	.line 76:35 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	r1 = *(u32 *)(r10 -4)
	.line 76:28 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	call veiled
	.line 76:26 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	w0 += w6
	.line 76:47 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	r1 = &pair
	r1 = *(u32 *)(r1 +4)
	.line 76:40 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	w0 += w1
	.line 76:10 "\tcounter += checked(sum) + veiled(sum) + pair.b;"
	r1 = &counter
	r2 = *(u32 *)(r1 +0)
	w0 += w2
	*(u32 *)(r1 +0) = r0
	.line 77:11 "\tapart += fixed;"
	r1 = &fixed
	r1 = *(u16 *)(r1 +0)
	.line 77:8 "\tapart += fixed;"
	r2 = &apart
	r3 = *(u32 *)(r2 +0)
	w3 += w1
	*(u32 *)(r2 +0) = r3
	.line 78:2 "\treturn XDP_PASS;"
	w0 = 2
	exit

.program second xdp type=22
	.file "tests/bpf/kinds.bpf.c"
	.line 83:15 "\treturn twice(counter) > 0 ? XDP_PASS : XDP_DROP;"
	r1 = &counter
	r1 = *(u32 *)(r1 +0)
	.line 83:9 "\treturn twice(counter) > 0 ? XDP_PASS : XDP_DROP;"
	call twice
	w1 = w0
	w0 = 1
	if w1 s< 0x1 goto L8
	w0 = 2
L8:
	.line 83:2 "\treturn twice(counter) > 0 ? XDP_PASS : XDP_DROP;"
	exit

.program other_hook tc type=37
	.file "tests/bpf/kinds.bpf.c"
	.line 88:22 "\treturn checked(skb->len);"
	r1 = *(u32 *)(r1 +0)
	.line 88:9 "\treturn checked(skb->len);"
	call checked
	.line 88:2 "\treturn checked(skb->len);"
	exit

; types, as BTF has them
.type 1 typedef "__u32" 2
.type 2 int "unsigned int" 4 : 32
.type 3 func_proto "" 4 : "x" 1
.type 4 int "int" 4 : 16777248
.type 5 func "checked" 3 1
.type 6 func "veiled" 3 1
.type 7 func_proto "" 4 : "x" 4
.type 8 func "twice" 7 0
.type 9 ptr "" 10
.type 10 struct "xdp_md" 24 : "data" 1 0 "data_end" 1 32 "data_meta" 1 64 "ingress_ifindex" 1 96 "rx_queue_index" 1 128 "egress_ifindex" 1 160
.type 11 func_proto "" 4 : "ctx" 9
.type 12 func "kinds" 11 1
.type 13 struct "xdp_rxq_info" 16 : "dev" 14 0 "queue_index" 1 64
.type 14 ptr "" 15
.type 15 struct "net_device" 4 : "ifindex" 4 0
.type 16 func_proto "" 0 : "" 17
.type 17 ptr "" 0
.type 18 func "no_such_kernel_function" 16 2
.type 19 func_proto "" 20 : "i" 1 "ctx" 17
.type 20 int "long" 8 : 16777280
.type 21 func "each" 19 0
.type 22 func "second" 11 1
.type 23 ptr "" 24
.type 24 struct "__sk_buff" 192 : "len" 1 0 "pkt_type" 1 32 "mark" 1 64 "queue_mapping" 1 96 "protocol" 1 128 "vlan_present" 1 160 "vlan_tci" 1 192 "vlan_proto" 1 224 "priority" 1 256 "ingress_ifindex" 1 288 "ifindex" 1 320 "tc_index" 1 352 "cb" 25 384 "hash" 1 544 "tc_classid" 1 576 "data" 1 608 "data_end" 1 640 "napi_id" 1 672 "family" 1 704 "remote_ip4" 1 736 "local_ip4" 1 768 "remote_ip6" 27 800 "local_ip6" 27 928 "remote_port" 1 1056 "local_port" 1 1088 "data_meta" 1 1120 "" 28 1152 "tstamp" 30 1216 "wire_len" 1 1280 "gso_segs" 1 1312 "" 32 1344 "gso_size" 1 1408 "tstamp_type" 34 1440 "hwtstamp" 30 1472
.type 25 array "" 0 : 1 26 5
.type 26 int "__ARRAY_SIZE_TYPE__" 4 : 32
.type 27 array "" 0 : 1 26 4
.type 28 union "" 8 : "flow_keys" 29 0
.type 29 ptr "" 69
.type 30 typedef "__u64" 31
.type 31 int "unsigned long long" 8 : 64
.type 32 union "" 8 : "sk" 33 0
.type 33 ptr "" 70
.type 34 typedef "__u8" 35
.type 35 int "unsigned char" 1 : 8
.type 36 func_proto "" 4 : "skb" 23
.type 37 func "other_hook" 36 1
.type 38 var "counter" 4 : 1
.type 39 const "" 40
.type 40 volatile "" 1
.type 41 var "limit" 39 : 1
.type 42 const "" 43
.type 43 volatile "" 44
.type 44 struct "" 8 : "a" 34 0 "b" 1 32
.type 45 var "pair" 42 : 1
.type 46 var "apart" 1 : 1
.type 47 const "" 48
.type 48 volatile "" 49
.type 49 typedef "__u16" 50
.type 50 int "unsigned short" 2 : 16
.type 51 var "fixed" 47 : 1
.type 52 const "" 53
.type 53 int "char" 1 : 16777224
.type 54 array "" 0 : 52 26 16
.type 55 var "kinds.format" 54 : 0
.type 56 var "zero" 40 : 0
.type 57 var "LINUX_KERNEL_VERSION" 4 : 2
.type 58 int "_Bool" 1 : 67108872
.type 59 var "CONFIG_BPF_NO_SUCH_OPTION" 58 : 2
.type 60 const "" 4
.type 61 var "no_such_kernel_variable" 60 : 2
.type 62 array "" 0 : 53 26 4
.type 63 var "_license" 62 : 1
.type 64 var "_version" 1 : 1
.type 65 array "" 0 : 30 26 3
.type 66 var "zeroes" 65 : 1
.type 67 volatile "" 4
.type 68 var "hidden_counter" 67 : 0
.type 69 fwd "bpf_flow_keys" 0
.type 70 fwd "bpf_sock" 0
