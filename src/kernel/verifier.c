/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/verifier.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

#define TAIL_LINES 8

struct text_line {
	const char *s;
	size_t n;
};

struct lines {
	ARRAY(struct text_line) list;
};

static int split(const char *log, struct lines *ret)
{
	while (*log) {
		size_t n = strcspn(log, "\n");

		if (n && !array_add(&ret->list, ((struct text_line){log, n})))
			return -ENOMEM;
		log += n + (log[n] == '\n');
	}
	return 0;
}

/* "12: (61) r2 = *(u32 *)(r1 +4)" */
static bool is_insn(const struct text_line *l, __u32 *ret)
{
	char *end;
	unsigned long n = strtoul(l->s, &end, 10);

	if (!isdigit((unsigned char)l->s[0]) || !text_has_prefix(end, ": ("))
		return false;
	*ret = n;
	return true;
}

/* "Func#3 ('count') is safe for any args that match its prototype" */
static bool is_global(const struct text_line *l)
{
	static const char safe[] = " is safe for any args", valid[] = " is global and assumed";

	return text_has_prefix(l->s, "Func#") &&
	       (memmem(l->s, l->n, safe, strlen(safe)) || memmem(l->s, l->n, valid, strlen(valid)));
}

/* Lines that tell of states, statistics and source, not of the reason. */
static bool is_noise(const struct text_line *l)
{
	static const char *const prefixes[] = {"processed ",   "verification time",
					       "stack depth ", "insns processed",
					       "; ",           "max_states_per_insn",
					       "from ",        "mark_precise",
					       "arg#",         "libbpf:",
					       "-- ",          "0: R"};
	__u32 insn;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (text_has_prefix(l->s, prefixes[i]))
			return true;
	return is_global(l) || is_insn(l, &insn);
}

static char *join(const struct lines *lines, size_t first, size_t end)
{
	struct buf b = {};

	for (size_t i = first; i < end; i++)
		buf_fmt(&b, "%s%.*s", b.n ? "\n" : "", (int)lines->list.v[i].n, lines->list.v[i].s);
	return buf_take(&b);
}

int verdict_parse_log(const char *log, struct verdict *ret)
{
	struct verdict v = {};
	struct lines lines = {};
	size_t after = 0, reason, end;
	int r = split(log, &lines);

	for (size_t i = 0; i < lines.list.n && !r; i++)
		if (is_insn(&lines.list.v[i], &v.insn)) {
			v.has_insn = true;
			after = i + 1;
		}
	/* the reason stands behind the last instruction; without one, at the end */
	end = lines.list.n;
	for (reason = after; reason < end && is_noise(&lines.list.v[reason]);)
		reason++;
	if (!r && reason < end) {
		v.reason = strndup(lines.list.v[reason].s, lines.list.v[reason].n);
		r = v.reason ? 0 : -ENOMEM;
	}
	if (!r && lines.list.n) {
		end = reason < end ? reason + 1 : end;
		v.tail = join(&lines, end > TAIL_LINES ? end - TAIL_LINES : 0, end);
		r = v.tail ? 0 : -ENOMEM;
	}
	array_done(&lines.list);
	if (r)
		verdict_done(&v);
	else
		*ret = v;
	return r;
}

void verdict_done(struct verdict *v)
{
	free(v->reason);
	free(v->tail);
	*v = (struct verdict){};
}

bool verdict_gave_up(const char *log)
{
	return strstr(log, "BPF program is too large") || strstr(log, "jumps is too complex");
}
