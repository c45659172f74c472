0: R1=ctx() R10=fp0
; int f(struct xdp_md *ctx) @ f.c:3
0: (61) r2 = *(u32 *)(r1 +4)          ; R1=ctx() R2_w=pkt_end()
1: (18) r3 = 0x5                      ; R3_w=5
3: (15) if r2 == 0x0 goto pc+1        ; R2=pkt_end()
4: (b7) r0 = 2
5: (95) exit
