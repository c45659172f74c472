/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The bytes of FILE, from builtin_<NAME> to builtin_<NAME>_end: see builtin.c. */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define START	    JOIN(builtin_, NAME)
#define END	    JOIN(START, _end)

	.section .rodata
	.balign 8
	.global START, END
	.hidden START, END
START:
	.incbin FILE
END:
	.section .note.GNU-stack, "", %progbits
