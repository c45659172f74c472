/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames that stages sign: byte FRAME_SIGNED counts the signatures, which stand from
 * FRAME_MARKS on in the order in which the stages saw the frame. At FRAME_ASKS + id the
 * frame may ask one stage for a verdict; 0 leaves it to the stage.
 */
#pragma once

enum {
	FRAME_SIGNED = 14,
	FRAME_MARKS = 16,
	FRAME_IDS = 16, /* ids of stages are 1 to 15 */
	FRAME_ASKS = FRAME_MARKS + FRAME_IDS,
	FRAME_SIZE = 128,
	FRAME_TYPE = 0x88b5,    /* EtherType for local experiments */
	FRAME_FOLLOWER = 0x88b6 /* neither signed nor counted: comes behind the frame in question */
};
