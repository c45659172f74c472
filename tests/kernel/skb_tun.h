/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * A tun device, up: packets begin with IP, and what is written to it comes in there. It goes
 * when it is closed. Return: its fd; a negative errno when there are none here.
 */
int tun_open(const char *ns, const char *ifname);
