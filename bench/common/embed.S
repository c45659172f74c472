/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes of FILE as embedded_<NAME>, for EMBEDDED() in harness.h. */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define START	    JOIN(embedded_, NAME)
#define END	    JOIN(START, _end)

	.section .rodata
	.balign 8
	.global START, END
START:
	.incbin FILE
END:
	.section .note.GNU-stack, "", %progbits
