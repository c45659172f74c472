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

bool look_parse_duration(const char *text, uint64_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};
	char *end;
	double n = strtod(text, &end);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end != text && text_eq(end, units[i].unit) && n > 0 && n * units[i].ms < 1e12) {
			*ret_ms = n * units[i].ms < 1 ? 1 : n * units[i].ms;
			return true;
		}
	return false;
}

/* 1 to 2^32 - 1. */
static bool parse_n(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	*ret = n;
	return *text >= '0' && *text <= '9' && !*end && n && n <= UINT32_MAX;
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
		if (!take_program(&program, ret))
			status = no_filter(o, expression, "out of memory");
		pcap_freecode(&program);
	}
	pcap_close(ether);
	return status;
}

int look_parse(const struct command *c, const struct options *o, const struct look_options *from,
	       struct look *ret)
{
	struct look l = {};
	int status;

	if (from->sample && from->every)
		return usage(c, "--sample and --every are the same");
	if (from->sample &&
	    (!text_has_prefix(from->sample, "1:") || !parse_n(from->sample + 2, &l.every)))
		return usage(c, "'%s' is no sample: 1:1000 is one packet of 1000", from->sample);
	if (from->every && !parse_n(from->every, &l.every))
		return usage(c, "'%s' is no number of packets", from->every);
	if (from->duration && !look_parse_duration(from->duration, &l.duration_ms))
		return usage(c, "'%s' is no time: 500ms, 10s, 5m", from->duration);
	status = from->filter ? compile(o, from->filter, &l) : EXIT_DONE;
	if (status)
		look_done(&l);
	else
		*ret = l;
	return status;
}
