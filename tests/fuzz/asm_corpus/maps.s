.license "Dual BSD/GPL"
.map m_first array key=4 value=8 entries=8 type=14 size=32
.map m_second array key=4 value=8 entries=8 type=15 size=32
.map m_outer array_of_maps key=4 value=4 entries=3 type=23 size=48
.map m_array array key=4 value=16 entries=4 type=29 size=32
.map m_percpu_array percpu_array key=4 value=16 entries=4 type=33 size=32
.map m_hash hash key=8 value=16 entries=16 type=43 size=32
.map m_percpu_hash percpu_hash key=8 value=8 entries=8 type=47 size=32
.map m_lru lru_hash key=4 value=4 entries=64 type=53 size=32
.map m_lru_percpu lru_percpu_hash key=4 value=4 entries=64 type=57 size=32
.map m_devmap devmap key=4 value=8 entries=4 type=64 size=32
.map m_devmap_hash devmap_hash key=4 value=4 entries=4 type=68 size=32
.map m_xskmap xskmap key=4 value=4 entries=4 type=72 size=32
.map m_lpm lpm_trie key=8 value=4 entries=32 flags=1 type=78 size=40
.map m_perf perf_event_array key=4 value=4 type=80 size=24
.map m_ringbuf ringbuf entries=4096 type=86 size=16
.map m_queue queue value=8 entries=8 type=90 size=24
.map m_stack stack value=8 entries=8 type=94 size=24
.map m_bloom bloom_filter value=4 entries=100 type=100 size=32
.map m_outer_hash hash_of_maps key=4 value=4 entries=3 type=104 size=24
.map m_cpumap cpumap key=4 value=8 entries=2 type=108 size=32
.value m_outer 0 m_first
.value m_outer 2 m_second

.program maps xdp type=112
	.file "tests/bpf/maps.bpf.c"
	.line 99:0 "SEC(\"xdp\") int maps(struct xdp_md *ctx)"
	r6 = r1
	.line 101:30 "\tstruct key key = {.a = ctx->rx_queue_index};"
	r1 = *(u32 *)(r6 +16)
	.line 101:19 "\tstruct key key = {.a = ctx->rx_queue_index};"
	*(u32 *)(r10 -8) = r1
	w1 = 0
	*(u32 *)(r10 -4) = r1
	.line 102:8 "\t__u32 zero = 0, *number;"
	*(u32 *)(r10 -12) = r1
	r1 = 1
	.line 103:8 "\t__u64 word = 1, *count;"
	*(u64 *)(r10 -24) = r1
	r2 = r10
	.line 0:0 ""
	r2 += -12
	.line 107:10 "\tvalue = bpf_map_lookup_elem(&m_array, &zero);"
	r1 = map[m_array]
	call bpf_map_lookup_elem#1
	.line 108:6 "\tif (value)"
	if r0 == 0x0 goto L17
	.line 109:17 "\t\tvalue->packets++;"
	r1 = *(u64 *)(r0 +0)
	r1 += 1
	*(u64 *)(r0 +0) = r1
L17:
	r2 = r10
	.line 0:0 ""
	r2 += -12
	.line 110:10 "\tvalue = bpf_map_lookup_elem(&m_percpu_array, &zero);"
	r1 = map[m_percpu_array]
	call bpf_map_lookup_elem#1
	.line 111:6 "\tif (value)"
	if r0 == 0x0 goto L26
	.line 112:15 "\t\tvalue->bytes++;"
	r1 = *(u64 *)(r0 +8)
	r1 += 1
	*(u64 *)(r0 +8) = r1
L26:
	r7 = r10
	.line 113:2 "\tbpf_map_lookup_elem(&m_hash, &key);"
	r7 += -8
	r1 = map[m_hash]
	r2 = r7
	call bpf_map_lookup_elem#1
	.line 114:2 "\tbpf_map_lookup_elem(&m_percpu_hash, &key);"
	r1 = map[m_percpu_hash]
	r2 = r7
	call bpf_map_lookup_elem#1
	r2 = r10
	.line 113:2 "\tbpf_map_lookup_elem(&m_hash, &key);"
	r2 += -12
	.line 115:11 "\tnumber = bpf_map_lookup_elem(&m_lru, &zero);"
	r1 = map[m_lru]
	call bpf_map_lookup_elem#1
	.line 116:6 "\tif (number)"
	if r0 == 0x0 goto L44
	w1 = 1
	.line 117:3 "\t\t__sync_fetch_and_add(number, 1);"
	lock *(u32 *)(r0 +0) += r1
L44:
	r7 = r10
	.line 0:0 ""
	r7 += -12
	.line 118:2 "\tbpf_map_lookup_elem(&m_lru_percpu, &zero);"
	r1 = map[m_lru_percpu]
	r2 = r7
	call bpf_map_lookup_elem#1
	.line 119:2 "\tbpf_map_lookup_elem(&m_devmap, &zero);"
	r1 = map[m_devmap]
	r2 = r7
	call bpf_map_lookup_elem#1
	.line 120:2 "\tbpf_map_lookup_elem(&m_devmap_hash, &zero);"
	r1 = map[m_devmap_hash]
	r2 = r7
	call bpf_map_lookup_elem#1
	.line 121:2 "\tbpf_map_lookup_elem(&m_xskmap, &zero);"
	r1 = map[m_xskmap]
	r2 = r7
	call bpf_map_lookup_elem#1
	r8 = r10
	.line 0:0 ""
	r8 += -8
	.line 122:2 "\tbpf_map_lookup_elem(&m_lpm, &key);"
	r1 = map[m_lpm]
	r2 = r8
	call bpf_map_lookup_elem#1
	.line 123:2 "\tbpf_perf_event_output(ctx, &m_perf, BPF_F_CURRENT_CPU, &key, sizeof(key));"
	r1 = r6
	r2 = map[m_perf]
	r3 = 0xffffffff ll
	r4 = r8
	r5 = 8
	call bpf_perf_event_output#25
	r8 = r10
	.line 0:0 ""
	r8 += -24
	.line 124:2 "\tbpf_ringbuf_output(&m_ringbuf, &word, sizeof(word), 0);"
	r1 = map[m_ringbuf]
	r2 = r8
	r3 = 8
	r4 = 0
	call bpf_ringbuf_output#130
	.line 125:2 "\tbpf_map_push_elem(&m_queue, &word, 0);"
	r1 = map[m_queue]
	r2 = r8
	r3 = 0
	call bpf_map_push_elem#87
	.line 126:2 "\tbpf_map_push_elem(&m_stack, &word, 0);"
	r1 = map[m_stack]
	r2 = r8
	r3 = 0
	call bpf_map_push_elem#87
	.line 127:2 "\tbpf_map_push_elem(&m_bloom, &zero, 0);"
	r1 = map[m_bloom]
	r2 = r7
	r3 = 0
	call bpf_map_push_elem#87
	.line 128:10 "\tinner = bpf_map_lookup_elem(&m_outer, &zero);"
	r1 = map[m_outer]
	r2 = r7
	call bpf_map_lookup_elem#1
	.line 129:6 "\tif (inner) {"
	if r0 == 0x0 goto L112
	r2 = r10
	.line 0:0 ""
	r2 += -12
	.line 130:11 "\t\tcount = bpf_map_lookup_elem(inner, &zero);"
	r1 = r0
	call bpf_map_lookup_elem#1
	.line 131:7 "\t\tif (count)"
	if r0 == 0x0 goto L112
	.line 132:11 "\t\t\t*count += 1;"
	r1 = *(u64 *)(r0 +0)
	r1 += 1
	*(u64 *)(r0 +0) = r1
L112:
	r2 = r10
	.line 0:0 ""
	r2 += -12
	.line 134:2 "\tbpf_map_lookup_elem(&m_outer_hash, &zero);"
	r1 = map[m_outer_hash]
	call bpf_map_lookup_elem#1
	w0 = 2
	.line 135:11 "\tif (ctx->rx_queue_index == 0xffff)"
	r1 = *(u32 *)(r6 +16)
	.line 135:6 "\tif (ctx->rx_queue_index == 0xffff)"
	if w1 != 0xffff goto L125
	.line 136:10 "\t\treturn bpf_redirect_map(&m_cpumap, 0, XDP_PASS);"
	r1 = map[m_cpumap]
	r2 = 0
	r3 = 2
	call bpf_redirect_map#51
L125:
	.line 138:1 "}"
	exit

; types, as BTF has them
.type 1 ptr "" 3
.type 2 int "int" 4 : 16777248
.type 3 array "" 0 : 2 4 2
.type 4 int "__ARRAY_SIZE_TYPE__" 4 : 32
.type 5 ptr "" 6
.type 6 array "" 0 : 2 4 8
.type 7 ptr "" 8
.type 8 typedef "__u32" 9
.type 9 int "unsigned int" 4 : 32
.type 10 ptr "" 11
.type 11 typedef "__u64" 12
.type 12 int "unsigned long long" 8 : 64
.type 13 struct "counters" 32 : "type" 1 0 "max_entries" 5 64 "key" 7 128 "value" 10 192
.type 14 var "m_first" 13 : 1
.type 15 var "m_second" 13 : 1
.type 16 ptr "" 17
.type 17 array "" 0 : 2 4 12
.type 18 ptr "" 19
.type 19 array "" 0 : 2 4 3
.type 20 ptr "" 13
.type 21 array "" 0 : 20 4 0
.type 22 struct "" 24 : "type" 16 0 "max_entries" 18 64 "key" 7 128 "values" 21 192
.type 23 var "m_outer" 22 : 1
.type 24 ptr "" 25
.type 25 array "" 0 : 2 4 4
.type 26 ptr "" 27
.type 27 struct "value" 16 : "packets" 11 0 "bytes" 11 64
.type 28 struct "" 32 : "type" 1 0 "max_entries" 24 64 "key" 7 128 "value" 26 192
.type 29 var "m_array" 28 : 1
.type 30 ptr "" 31
.type 31 array "" 0 : 2 4 6
.type 32 struct "" 32 : "type" 30 0 "max_entries" 24 64 "key" 7 128 "value" 26 192
.type 33 var "m_percpu_array" 32 : 1
.type 34 ptr "" 35
.type 35 array "" 0 : 2 4 1
.type 36 ptr "" 37
.type 37 array "" 0 : 2 4 16
.type 38 ptr "" 39
.type 39 struct "key" 8 : "a" 8 0 "b" 40 32 "c" 40 48
.type 40 typedef "__u16" 41
.type 41 int "unsigned short" 2 : 16
.type 42 struct "" 32 : "type" 34 0 "max_entries" 36 64 "key" 38 128 "value" 26 192
.type 43 var "m_hash" 42 : 1
.type 44 ptr "" 45
.type 45 array "" 0 : 2 4 5
.type 46 struct "" 32 : "type" 44 0 "max_entries" 5 64 "key" 38 128 "value" 10 192
.type 47 var "m_percpu_hash" 46 : 1
.type 48 ptr "" 49
.type 49 array "" 0 : 2 4 9
.type 50 ptr "" 51
.type 51 array "" 0 : 2 4 64
.type 52 struct "" 32 : "type" 48 0 "max_entries" 50 64 "key" 7 128 "value" 7 192
.type 53 var "m_lru" 52 : 1
.type 54 ptr "" 55
.type 55 array "" 0 : 2 4 10
.type 56 struct "" 32 : "type" 54 0 "max_entries" 50 64 "key" 7 128 "value" 7 192
.type 57 var "m_lru_percpu" 56 : 1
.type 58 ptr "" 59
.type 59 array "" 0 : 2 4 14
.type 60 ptr "" 61
.type 61 struct "bpf_devmap_val" 8 : "ifindex" 8 0 "bpf_prog" 62 32
.type 62 union "" 4 : "fd" 2 0 "id" 8 0
.type 63 struct "" 32 : "type" 58 0 "max_entries" 24 64 "key" 7 128 "value" 60 192
.type 64 var "m_devmap" 63 : 1
.type 65 ptr "" 66
.type 66 array "" 0 : 2 4 25
.type 67 struct "" 32 : "type" 65 0 "max_entries" 24 64 "key" 7 128 "value" 7 192
.type 68 var "m_devmap_hash" 67 : 1
.type 69 ptr "" 70
.type 70 array "" 0 : 2 4 17
.type 71 struct "" 32 : "type" 69 0 "max_entries" 24 64 "key" 7 128 "value" 7 192
.type 72 var "m_xskmap" 71 : 1
.type 73 ptr "" 74
.type 74 array "" 0 : 2 4 11
.type 75 ptr "" 76
.type 76 array "" 0 : 2 4 32
.type 77 struct "" 40 : "type" 73 0 "map_flags" 34 64 "max_entries" 75 128 "key_size" 5 192 "value_size" 24 256
.type 78 var "m_lpm" 77 : 1
.type 79 struct "" 24 : "type" 24 0 "key_size" 24 64 "value_size" 24 128
.type 80 var "m_perf" 79 : 1
.type 81 ptr "" 82
.type 82 array "" 0 : 2 4 27
.type 83 ptr "" 84
.type 84 array "" 0 : 2 4 4096
.type 85 struct "" 16 : "type" 81 0 "max_entries" 83 64
.type 86 var "m_ringbuf" 85 : 1
.type 87 ptr "" 88
.type 88 array "" 0 : 2 4 22
.type 89 struct "" 24 : "type" 87 0 "max_entries" 5 64 "value" 10 128
.type 90 var "m_queue" 89 : 1
.type 91 ptr "" 92
.type 92 array "" 0 : 2 4 23
.type 93 struct "" 24 : "type" 91 0 "max_entries" 5 64 "value" 10 128
.type 94 var "m_stack" 93 : 1
.type 95 ptr "" 96
.type 96 array "" 0 : 2 4 30
.type 97 ptr "" 98
.type 98 array "" 0 : 2 4 100
.type 99 struct "" 32 : "type" 95 0 "max_entries" 97 64 "map_extra" 18 128 "value" 7 192
.type 100 var "m_bloom" 99 : 1
.type 101 ptr "" 102
.type 102 array "" 0 : 2 4 13
.type 103 struct "" 24 : "type" 101 0 "max_entries" 18 64 "key" 7 128 "values" 21 192
.type 104 var "m_outer_hash" 103 : 1
.type 105 ptr "" 106
.type 106 struct "bpf_cpumap_val" 8 : "qsize" 8 0 "bpf_prog" 62 32
.type 107 struct "" 32 : "type" 36 0 "max_entries" 1 64 "key" 7 128 "value" 105 192
.type 108 var "m_cpumap" 107 : 1
.type 109 ptr "" 110
.type 110 struct "xdp_md" 24 : "data" 8 0 "data_end" 8 32 "data_meta" 8 64 "ingress_ifindex" 8 96 "rx_queue_index" 8 128 "egress_ifindex" 8 160
.type 111 func_proto "" 2 : "ctx" 109
.type 112 func "maps" 111 1
.type 113 int "char" 1 : 16777224
.type 114 array "" 0 : 113 4 13
.type 115 var "_license" 114 : 1
