/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/hook.h"

#include <linux/bpf.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "manifest/check.h"

#define UNSPEC ((__u32)-1)

/* include/uapi/linux/pkt_cls.h, whose names are macros without a type. */
enum { ACT_OK, ACT_RECLASSIFY, ACT_SHOT, ACT_PIPE, ACT_STOLEN, ACT_QUEUED, ACT_REPEAT };
enum { ACT_REDIRECT = 7, ACT_TRAP };

static const struct word xdp_words[] = {
	{"aborted", XDP_ABORTED}, {"drop", XDP_DROP},         {"pass", XDP_PASS},
	{"tx", XDP_TX},           {"redirect", XDP_REDIRECT}, {},
};

static const struct word tc_words[] = {
	{"unspec", UNSPEC},
	{"ok", ACT_OK},
	{"reclassify", ACT_RECLASSIFY},
	{"shot", ACT_SHOT},
	{"pipe", ACT_PIPE},
	{"stolen", ACT_STOLEN},
	{"queued", ACT_QUEUED},
	{"repeat", ACT_REPEAT},
	{"redirect", ACT_REDIRECT},
	{"trap", ACT_TRAP},
	{"next", UNSPEC},
	{"pass", ACT_OK},
	{"drop", ACT_SHOT},
	{},
};

/* A netkit device knows these only: it drops packets with any other. */
static const struct word netkit_words[] = {
	{"unspec", UNSPEC}, {"ok", ACT_OK},   {"shot", ACT_SHOT}, {"redirect", ACT_REDIRECT},
	{"next", UNSPEC},   {"pass", ACT_OK}, {"drop", ACT_SHOT}, {},
};

#define ALL_XDP "aborted", "drop", "pass", "tx", "redirect"
#define ALL_TC                                                                                     \
	"unspec", "ok", "reclassify", "shot", "pipe", "stolen", "queued", "repeat", "trap", "next"

const char *const verdict_names[] = {ALL_XDP, ALL_TC, NULL};
const char *const final_names[] = {"last", ALL_XDP, ALL_TC, NULL};
const char *const hook_names[] = {[HOOK_XDP] = "xdp",
				  [HOOK_TC_INGRESS] = "tc-ingress",
				  [HOOK_TC_EGRESS] = "tc-egress",
				  [HOOK_NETKIT_PRIMARY] = "netkit-primary",
				  [HOOK_NETKIT_PEER] = "netkit-peer",
				  NULL};

/* After "pipe" TC asks the next action; after "unspec" the next program. */
#define TC                                                                                         \
	.sections = "tc", .is_tc = true, .pass = UNSPEC, .drop = ACT_SHOT, .lost = ACT_SHOT,       \
	.proceed_on = 1u << 31 | 1u << ACT_PIPE, .verdicts = tc_words
#define NETKIT                                                                                     \
	.sections = "tc", .is_tc = true, .pass = UNSPEC, .drop = ACT_SHOT, .lost = ACT_SHOT,       \
	.proceed_on = 1u << 31, .verdicts = netkit_words

static const struct hook_facts facts[] = {
	[HOOK_XDP] = {.name = "xdp",
		      .sections = "xdp",
		      .pass = XDP_PASS,
		      .drop = XDP_DROP,
		      .lost = XDP_ABORTED,
		      .proceed_on = 1u << XDP_PASS,
		      .verdicts = xdp_words},
	[HOOK_TC_INGRESS] = {.name = "tc-ingress", TC},
	[HOOK_TC_EGRESS] = {.name = "tc-egress", TC},
	[HOOK_NETKIT_PRIMARY] = {.name = "netkit-primary", NETKIT},
	[HOOK_NETKIT_PEER] = {.name = "netkit-peer", NETKIT},
};

const struct hook_facts *hook_facts(enum hook hook)
{
	return &facts[hook];
}

bool hook_parse(const char *name, enum hook *ret)
{
	for (enum hook i = 0; hook_names[i]; i++) {
		if (text_eq(hook_names[i], name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

__u32 hook_closed_verdict(enum hook hook, const char *word)
{
	return text_eq(word, "drop") ? facts[hook].drop : facts[hook].pass;
}

const char *hook_closed_word(enum hook hook, __u32 verdict)
{
	return verdict == facts[hook].pass ? "pass" : verdict == facts[hook].drop ? "drop" : NULL;
}

const char *verdict_name(enum hook hook, __u32 verdict)
{
	for (const struct word *w = facts[hook].verdicts; w->name; w++) {
		if (w->value == verdict)
			return w->name;
	}
	return NULL;
}

bool verdict_parse(enum hook hook, const char *name, __u32 *ret_verdict)
{
	for (const struct word *w = facts[hook].verdicts; w->name; w++) {
		if (text_eq(w->name, name)) {
			*ret_verdict = w->value;
			return true;
		}
	}
	return false;
}

static const char *name_of_word(const void *element)
{
	return *(const char *const *)element;
}

#define WORDS_MAX 16

int verdict_read(enum hook hook, const char *what, const char *besides, const char *word,
		 struct place at, __u32 *ret_verdict, struct braid_error *err)
{
	const char *words[WORDS_MAX];
	char kind[64];
	size_t n = 0;

	if (verdict_parse(hook, word, ret_verdict))
		return 0;
	if (besides)
		words[n++] = besides;
	for (const struct word *w = facts[hook].verdicts; w->name; w++)
		words[n++] = w->name;
	snprintf(kind, sizeof(kind), "with the hook %s expected", facts[hook].name);
	place_error(err, at, "unknown %s '%.64s'", what, word);
	return error_unknown(err, word, kind, words, n, sizeof(*words), name_of_word);
}
