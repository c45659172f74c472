.insn 0xb7 0 3 5 2
.insn 0xff 1 2 3 4
exit
