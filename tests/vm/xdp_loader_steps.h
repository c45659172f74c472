/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What xdp-loader of xdp-tools 1.3.1 does, found out by trying: command lines and how they
 * exit. Both tools are given each line, each on an interface of its own, and then both
 * interfaces must look the same. In a line stand
 *
 *	%i		the interface
 *	%p		a folder in bpffs for maps
 *	#NAME		the id of component NAME on the interface
 *	NAME.o		that object of the test
 */
#pragma once

struct step {
	const char *line;
	int status;
};

/* Nothing is attached, and nothing comes of it. */
static const struct step usage_steps[] = {
	{"", 255},
	{"help", 255},
	{"h", 255},
	{"nosuch", 1},
	{"load", 1},
	{"lo", 1},
	{"load %i", 1},
	{"load --help", 1},
	{"load --version", 1},
	{"load -Z", 1},
	{"load %i plain.o -i 3", 1},
	{"load %i plain.o -P", 1},
	{"load %i plain.o -P -1", 1},
	{"load %i plain.o -P 99999999999", 1},
	{"load %i plain.o -m SKB", 1},
	{"load %i plain.o -A pass", 1},
	{"load %i several.o -s xdp -n xl_one", 1},
	{"load nosuch plain.o", 1},
	{"load %i none.o", 254},
	{"load %i plain.o none.o", 254},
	{"load %i cut.o", 95},
	{"load %i text.o", 95},
	{"load %i no_btf.o", 254},
	{"load %i tc.o", 234},
	{"load %i several.o -s nosuch", 254},
	{"load %i several.o -s ?xdp", 254},
	{"load %i several.o -n xl_four_has_a", 254},
	{"load %i several.o -n xl_refused", 243},
	{"load %i plain.o -p /tmp/no-bpffs", 234},
	{"load %i plain.o -p %p/a/b", 254},
	{"load %i plain.o -m hw", 234},
	{"load %i plain.o first.o -m hw", 1},
	{"load %i plain.o plain.o plain.o plain.o plain.o plain.o plain.o plain.o plain.o plain.o "
	 "plain.o",
	 249},
	{"unload", 1},
	{"unload %i", 1},
	{"unload -a", 1},
	{"unload %i %i -a", 1},
	{"unload %i --id", 1},
	{"unload %i -i x", 1},
	{"unload %i -i -5", 1},
	{"unload %i -i 5", 1},
	{"unload %i -a", 1},
	{"unload nosuch -a", 1},
	{"status %i", 0},
	{"st %i", 0},
	{"status nosuch", 1},
	{"status %i %i", 1},
	{"clean", 0},
	{"clean %i", 0},
	{"clean -v", 0},
	{"clean nosuch", 1},
	{"clean %i %i", 1},
};

/* A chain grows and shrinks. */
static const struct step chain_steps[] = {
	{"load %i plain.o", 0},
	{"load %i first.o", 0},
	{"load %i several.o", 0},
	{"load %i several.o -n xl_two -P 20", 0},
	{"load -s xdp/three %i several.o --prio=7 --actions XDP_DROP,XDP_TX", 0},
	{"load %i several.o -n xl_four_has_a_long_name -P 6x", 0},
	{"load %i several.o -s odd -P 0", 0},
	{"unload %i -i #xl_first", 0},
	{"load %i first.o -P 0x10", 0},
	{"unload %i -i 999999", 1},
	{"unload %i -i #xdp_dispatcher", 1},
	{"load %i plain.o -m skb", 240},
	{"load %i plain.o -m hw", 234},
	{"load %i several.o -n xl_refused", 243},
	{"load %i plain.o none.o", 254},
	{"load %i several.o -n xl_freplace -A XDP_PASS -A XDP_REDIRECT,XDP_ABORTED,", 0},
	{"load %i several.o -n xl_optional -P 2147483648", 0},
	{"load %i first.o plain.o", 249},
	{"load %i first.o -m unspecified", 0},
	{"load %i first.o", 249},
	{"unload %i -i #xl_three", 0},
	{"clean %i", 0},
	{"unload %i -i 5 --all", 0},
	{"unload %i -a", 1},
	/* several at once; the last one that goes takes the dispatcher along */
	{"load %i plain.o first.o several.o -A ''", 0},
	{"unload -i #xl_first %i", 0},
	{"unload -i #xl_one %i", 0},
	{"unload -i #xl_plain %i", 0},
	{"unload %i -i 5", 1},
};

static const struct step generic_steps[] = {
	{"load %i plain.o -m skb -m native -m skb", 0},
	{"load %i first.o", 240},
	{"load %i first.o -m skb", 0},
	{"unload %i -a", 0},
	{"load %i plain.o --mode unspecified", 0},
	{"unload %i -a", 0},
};

/* Where the kernel tells what a driver can do; elsewhere braid joins what is there. */
static const struct step unspecified_steps[] = {
	{"load %i plain.o -m skb", 0},
	{"load %i first.o -m unspecified", 240},
	{"unload %i -a", 0},
};

static const struct step pin_steps[] = {
	{"load %i plain.o -p %p", 0},    {"load %i first.o -p %p", 0},
	{"load %i bigger.o -p %p", 234}, {"unload %i -a", 0},
	{"load %i bigger.o plain.o", 0}, {"unload %i -a", 0},
};

/* A program that ip(8) has attached. */
static const struct step bare_steps[] = {
	{"load %i first.o", 240}, {"load %i first.o -m skb -p %p/bare", 240},
	{"unload %i -i 1", 1},    {"unload %i -i #xl_plain", 0},
	{"unload %i -a", 1},
};

/* One that a pipeline of braid's has attached. */
static const struct step link_steps[] = {
	{"load %i first.o", 240}, {"unload %i -i 1", 1}, {"unload %i -i #edge", 1},
	{"unload %i -a", 1},      {"status %i", 0},
};

static const struct step hardware_steps[] = {
	{"load %i minimal.o -m hw", 0},
	{"load %i minimal.o -m hw", 239},
	{"load %i minimal.o -m skb", 240},
	{"unload %i -i #xl_plain", 0},
	{"load %i minimal.o -m skb", 0},
	{"load %i minimal.o -m hw", 0},
	{"unload %i -i 1", 1},
	{"unload %i -a", 0},
	{"unload %i -a", 1},
};

/* A device whose driver knows no XDP. */
static const struct step dummy_steps[] = {
	{"load %i plain.o", 161},
	{"load %i plain.o -m unspecified", 0},
	{"load %i first.o -m unspecified", 0},
	{"load %i first.o -m native", 240},
	{"unload %i -a", 0},
};
