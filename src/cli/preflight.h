/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of "braid preflight" share. */
#pragma once

#include <braid/preflight.h>

#include "cli/packet_file.h"

struct preflight_options {
	const char *pcap, *old, *save, *allow, *max_diff;
	uint64_t live;    /* packets from the interface; 0: none */
	uint64_t seconds; /* ns, that it may take; 0: no end */
	uint64_t limit;   /* packets that are listed */
	bool empty;
};

/* Differences that are wanted: a verdict old to new; NULL: any. */
struct allowed {
	char *old, *new; /* owned */
};

struct preflight {
	const struct options *o;
	const struct preflight_options *own;
	const struct braid_pipeline *p;
	struct braid *b;
	struct braid_preflight *f;
	const char *hook;
	ARRAY(struct allowed) allow;
	uint64_t max_diff; /* packets, or percent */
	bool percent;
	/* what was seen */
	unsigned long long n, skipped, allowed, unexpected, listed;
	json_t *list; /* with --json */
	struct packet_file save;
	char *cut_off; /* owned; why the file of packets could not be read to its end */
};

/* A packet as it came; 0 or a negative errno. */
int preflight_take(struct preflight *s, const struct pcap_pkthdr *h, const unsigned char *bytes,
		   struct braid_error *err);

/* preflight_packets.c: all packets there are, through preflight_take(). */
int preflight_from_file(struct preflight *s, struct braid_error *err);
/* Those that arrive at the pipeline that runs; all are there before the first is run. */
int preflight_from_interface(struct preflight *s, struct braid_error *err);

/* preflight_show.c */
void preflight_show_packet(struct preflight *s, const struct pcap_pkthdr *h,
			   const unsigned char *bytes, const struct braid_preflight_packet *p);
void preflight_show_skipped(struct preflight *s, const struct pcap_pkthdr *h, const char *why);
const char *preflight_verdict(const struct preflight *s, uint32_t verdict, char room[16]);

/* preflight_report.c: what it comes to. @report: of the library. */
void preflight_show_report(const struct preflight *s, json_t *report);
