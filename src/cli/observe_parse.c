/* SPDX-License-Identifier: GPL-2.0-only */
/* What commands that look at packets are told: which packets, how many of them, how long. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/observe.h"

void look_done(struct look *l)
{
	free(l->filter);
	*l = (struct look){};
}

static int no_filter(const struct options *o, const char *expression, const char *why)
{
	struct braid_error err = BRAID_ERROR_INIT;
	int status;

	err.code = -EINVAL;
	err.what = text_fmt("no packet filter: '%s'", expression);
	err.why = strdup(why);
	err.hint = strdup("an expression as tcpdump takes it: 'tcp port 80', 'host 192.0.2.1'; "
			  "pcap-filter(7)");
	status = fail(o, &err);
	braid_error_clear(&err);
	return status;
}

/* Offsets from here on are no bytes of the packet: what Linux knows of it, as its direction. */
#define ANCILLARY 0xfffff000u

static bool asks_for_bytes(const struct bpf_program *p)
{
	for (size_t i = 0; i < p->bf_len; i++)
		if (BPF_CLASS(p->bf_insns[i].code) == BPF_LD &&
		    BPF_MODE(p->bf_insns[i].code) == BPF_ABS && p->bf_insns[i].k >= ANCILLARY)
			return false;
	return true;
}

static bool take_program(const struct bpf_program *from, struct look *ret)
{
	ret->filter = calloc(from->bf_len + 1, sizeof(*ret->filter));
	if (!ret->filter)
		return false;
	ret->n_filter = from->bf_len;
	for (size_t i = 0; i < from->bf_len; i++)
		ret->filter[i] = (struct braid_filter){
			.code = from->bf_insns[i].code,
			.jt = from->bf_insns[i].jt,
			.jf = from->bf_insns[i].jf,
			.k = from->bf_insns[i].k,
		};
	return true;
}

static int compile(const struct options *o, const char *expression, struct look *ret)
{
	pcap_t *ether = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program program;
	int status = EXIT_DONE;

	if (!ether)
		return no_filter(o, expression, "out of memory");
	if (pcap_compile(ether, &program, expression, 1, PCAP_NETMASK_UNKNOWN)) {
		status = no_filter(o, expression, pcap_geterr(ether));
	} else {
		if (!asks_for_bytes(&program))
			status = no_filter(o, expression,
					   "it asks for more than the bytes of a packet");
		else if (!take_program(&program, ret))
			status = no_filter(o, expression, "out of memory");
		pcap_freecode(&program);
	}
	pcap_close(ether);
	return status;
}

int look_parse(const struct command *c, const struct options *o, const struct look_options *from,
	       struct look *ret)
{
	struct look l = {.duration_ms = from->duration / 1000000};
	uint64_t every = from->every;
	int status;

	if (from->sample && from->every)
		return usage(c, "--sample and --every are the same");
	if (from->sample && !text_has_prefix(from->sample, "1:"))
		return usage(c, "--sample: '%s' is not a sample: 1:1000 is one packet of 1000",
			     from->sample);
	if (from->sample &&
	    !take_amount(c, "--sample", NUMBER("1", UINT32_TEXT), from->sample + 2, &every))
		return EXIT_USAGE;
	l.every = every;
	status = from->filter ? compile(o, from->filter, &l) : EXIT_DONE;
	if (status)
		look_done(&l);
	else
		*ret = l;
	return status;
}
