/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/field.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"
#include "manifest/number.h"

static const struct word ethertypes[] = {
	{"ipv4", 0x0800},
	{"arp", 0x0806},
	{"vlan", 0x8100},
	{"ipv6", 0x86dd},
	{"slow", 0x8809},
	{"mpls", 0x8847},
	{"pppoe", 0x8864},
	{"eapol", 0x888e},
	{"qinq", 0x88a8},
	{"lldp", 0x88cc},
	{"macsec", 0x88e5},
	{"ptp", 0x88f7},
	{},
};

static const struct word protocols[] = {
	{"icmp", 1},   {"igmp", 2},    {"ipip", 4},   {"tcp", 6},
	{"udp", 17},   {"ipv6", 41},   {"gre", 47},   {"esp", 50},
	{"ah", 51},    {"icmpv6", 58}, {"ospf", 89},  {"pim", 103},
	{"vrrp", 112}, {"l2tp", 115},  {"sctp", 132}, {},
};

/* RFC 2474, 2597, 3246, 5865, 8622. */
static const struct word dscps[] = {
	{"cs0", 0},   {"cs1", 8},   {"cs2", 16},  {"cs3", 24},  {"cs4", 32},  {"cs5", 40},
	{"cs6", 48},  {"cs7", 56},  {"af11", 10}, {"af12", 12}, {"af13", 14}, {"af21", 18},
	{"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28}, {"af33", 30}, {"af41", 34},
	{"af42", 36}, {"af43", 38}, {"ef", 46},   {"va", 44},   {"le", 1},    {},
};

static const struct word none[] = {{"none", 0}, {}}; /* no tag, no ports */

static const struct {
	const char *what;
	__u32 max;
	const struct word *words;
} fields[] = {
	[FIELD_ETHERTYPE] = {"ethertype", 0xffff, ethertypes},
	[FIELD_VLAN] = {"VLAN", 4095, none},
	[FIELD_PROTOCOL] = {"protocol", 255, protocols},
	[FIELD_DSCP] = {"DSCP", 63, dscps},
	[FIELD_DESTINATION_PORT] = {"destination port", 65535, none},
	[FIELD_RESULT] = {"result", 0xffffffff}, /* verdicts of the hook */
};

static const struct word *words_of(enum field field, enum hook hook)
{
	return field == FIELD_RESULT ? hook_facts(hook)->verdicts : fields[field].words;
}

static const char *name_of(const void *element)
{
	return ((const struct word *)element)->name;
}

/* "8000-8099": digits on both sides. */
static bool is_range(const char *word)
{
	const char *dash = strchr(word, '-');

	return dash && dash > word && isdigit(word[0]) && isdigit(dash[1]);
}

static int error_range(enum field field, const char *word, struct place at, struct braid_error *err)
{
	place_error(err, at, "'%.64s' is a range", word);
	error_why(err, "a case lists the single values of a %s", fields[field].what);
	return error_code(error_hint(err, "let a stage return a number for each range, and put "
					  "'switch: result' behind it"));
}

static int error_number(enum field field, const char *word, enum number_kind kind, struct place at,
			struct braid_error *err)
{
	place_error(err, at, "%s: '%.64s' is %s", fields[field].what, word,
		    kind == NUMBER_OCTAL ? "no number: it starts with 0" : "out of range");
	return error_code(error_why(err, "a %s is a whole number from 0 to %u", fields[field].what,
				    fields[field].max));
}

static int error_word(enum field field, const struct word *words, const char *word, struct place at,
		      struct braid_error *err)
{
	char expected[64];
	size_t n = 0;

	while (words[n].name)
		n++;
	place_error(err, at, "unknown %s '%.64s'", fields[field].what, word);
	snprintf(expected, sizeof(expected), "expected 0 to %u, or", fields[field].max);
	return error_unknown(err, word, expected, words, n, sizeof(*words), name_of);
}

int field_parse(enum field field, enum hook hook, const char *word, struct place at, __u32 *ret,
		struct braid_error *err)
{
	struct number number, max = {.magnitude = fields[field].max};
	enum number_kind kind = number_parse(word, &number);

	if (kind == NUMBER_WHOLE && number_within(number, (struct number){}, max)) {
		*ret = number.magnitude;
		return 0;
	}
	if (kind != NUMBER_NONE)
		return error_number(field, word, kind, at, err);
	for (const struct word *w = words_of(field, hook); w->name; w++) {
		if (text_eq(w->name, word)) {
			*ret = w->value;
			return 0;
		}
	}
	if (is_range(word))
		return error_range(field, word, at, err);
	return error_word(field, words_of(field, hook), word, at, err);
}

const char *field_text(enum field field, enum hook hook, __u32 value, char *buf)
{
	const struct word *w = words_of(field, hook);

	while (w->name && w->value != value)
		w++;
	if (w->name)
		snprintf(buf, FIELD_TEXT_MAX, "%u (%s)", value, w->name);
	else
		snprintf(buf, FIELD_TEXT_MAX, "%u", value);
	return buf;
}
