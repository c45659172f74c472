/* SPDX-License-Identifier: GPL-2.0-only */
/* Files in pcap that packets come from and go to, of commands that run them. */
#pragma once

#include <pcap/pcap.h>
#include <stdio.h>

#include "cli/cli.h"

/* "in.pcap: what". @what: of libpcap, which may begin with the path already. Return: -EIO. */
int packet_file_error(struct braid_error *err, const char *path, const char *what);

/* Ethernet frames, or it is an error. @precision: PCAP_TSTAMP_PRECISION_NANO or _MICRO. */
int packet_file_read(const char *path, int precision, pcap_t **ret, struct braid_error *err);

/*
 * What there was behind @n packets could not be read, as behind a tcpdump that was killed. To be
 * said behind what came of them. JSON has it as "cut-off". Return: how to exit.
 */
int packet_file_cut_off(const struct options *o, const char *path, const char *why,
			unsigned long long n);

/* The file is there when all packets are in it, whole, or what was there before stays. */
struct packet_file {
	const char *path; /* borrowed */
	pcap_t *dead;
	pcap_dumper_t *dump; /* NULL: no file is wanted */
	int code;            /* that it cannot be written */
};

/* @path: NULL: none. Fails here where the folder does not take it. */
int packet_file_open(struct packet_file *f, const char *path, int precision,
		     struct braid_error *err);
void packet_file_add(struct packet_file *f, const struct pcap_pkthdr *h, const void *bytes);
/* All packets were added. */
int packet_file_finish(struct packet_file *f, struct braid_error *err);
void packet_file_done(struct packet_file *f);
