start:
r0 = 2
w6 = -1
r6 = r1
r1 = (s8)r2
w1 = (s16)w2
r2 += -8
r2 s>>= 32
r2 s/= r3
w2 s%= 7
r3 = -r3
r0 = be16 r0
r0 = le64 r0
r4 = bswap32 r4
r1 = *(u32 *)(r1 +0)
r1 = *(s8 *)(r2 -3)
*(u64 *)(r10 -8) = r1
*(u32 *)(r10 -4) = 7
lock *(u64 *)(r1 +0) += r2
lock *(u32 *)(r1 +4) |= r2
r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)
r2 = atomic_xchg((u32 *)(r1 +0), r2)
r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)
r1 = load_acquire((u64 *)(r2 +0))
store_release((u16 *)(r1 +2), r2)
if w0 == 0x2 goto start
if r1 s> r2 goto start
if r1 & 0xffffffff goto start
goto start
gotol start
may_goto start
call bpf_map_lookup_elem#1
call 5000
call kernel-function#99
r0 = *(u16 *)skb[12]
r0 = *(u8 *)skb[r3 + 1]
r1 = 0x1122334455667788 ll
exit
if w0==2 goto start
call 12
call map_lookup_elem#1
w1 = *(u32 *)(r1)
r1=*(u32*)(r1 + 8)
r1 = 0xffffffff
r1 = 0x5 // five
r1 = 0x5 ; five
r1 = 5 ll
r3 = addr_space_cast(r2, 0, 1)
r0 = &(void __percpu *)(r0)
