.license "GPL"
; a comment
.map counts percpu_array key=4 value=8 entries=2 flags=0
.map jumps prog_array key=4 entries=3
.value jumps 1 other
.variable limit .rodata u32 1000
.variable name .rodata u8[8] 0x65 0x74 0x68
.variable seen .bss u64[16]
.variable table .data static u16 1 2 3
.program filter xdp
	*(u32 *)(r10 -4) = 0	// the key
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = 1
	lock *(u64 *)(r0 +0) += r1
	r1 = &limit
	r1 = *(u32 *)(r1 +0)
	r2 = map[.data]+2
	r2 = &seen+8
	call twice
out:	r0 = 2
	exit
.program other xdp
	r0 = 1
	exit
.function twice u64
	r0 = r1
	r0 += r0
	exit
