/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The lengths of chain that are measured, and a list of stages for the macros in chains.h. */
#pragma once

#define CHAIN_MAX        64 /* the kernel's limit of maps in one program (MAX_USED_MAPS) */
#define CHAIN_LENGTHS(L) L(1) L(2) L(5) L(10) L(20) L(40) L(64)

/* clang-format off */
#define CHAIN_STAGES(S) CHAIN_STAGES_63(S) S(63)

#define CHAIN_STAGES_63(S)                                              \
	S(0)  S(1)  S(2)  S(3)  S(4)  S(5)  S(6)  S(7)                  \
	S(8)  S(9)  S(10) S(11) S(12) S(13) S(14) S(15)                 \
	S(16) S(17) S(18) S(19) S(20) S(21) S(22) S(23)                 \
	S(24) S(25) S(26) S(27) S(28) S(29) S(30) S(31)                 \
	S(32) S(33) S(34) S(35) S(36) S(37) S(38) S(39)                 \
	S(40) S(41) S(42) S(43) S(44) S(45) S(46) S(47)                 \
	S(48) S(49) S(50) S(51) S(52) S(53) S(54) S(55)                 \
	S(56) S(57) S(58) S(59) S(60) S(61) S(62)
/* clang-format on */
