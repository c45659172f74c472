/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/kallsyms.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

struct symbol {
	__u64 address;
	char *name;
};

struct kallsyms {
	ARRAY(struct symbol) list; /* by address */
	__u64 call_base;
};

void kallsyms_free(struct kallsyms *k)
{
	if (!k)
		return;
	array_foreach (s, &k->list)
		free(s->name);
	array_done(&k->list);
	free(k);
}

/* "ffffffff81000000 T bpf_map_lookup_elem\t[module]": code only. 0 or -ENOMEM. */
static int take(struct kallsyms *k, const char *line)
{
	unsigned long long address;
	char type, name[128];
	struct symbol *s;

	if (sscanf(line, "%llx %c %127s", &address, &type, name) != 3 || !strchr("tTwW", type))
		return 0;
	if (text_eq(name, "__bpf_call_base"))
		k->call_base = address;
	s = address ? array_push(&k->list) : NULL;
	if (!address)
		return 0;
	if (!s)
		return -ENOMEM;
	s->address = address;
	s->name = strdup(name);
	return s->name ? 0 : -ENOMEM;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

int kallsyms_read(struct kallsyms **ret, struct braid_error *err)
{
	_cleanup_(kallsyms_freep) struct kallsyms *k = calloc(1, sizeof(*k));
	_cleanup_fclose_ FILE *f = fopen("/proc/kallsyms", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int r = 0;

	if (!k)
		return error_oom(err);
	if (!f)
		return error_errno(err, -errno, "/proc/kallsyms", "cannot read it");
	while (!r && getline(&line, &room, f) > 0)
		r = take(k, line);
	if (r)
		return error_oom(err);
	if (!k->call_base) {
		error_set(err, -EPERM, "/proc/kallsyms", "the kernel hides its addresses");
		error_hint(err, "it takes CAP_SYSLOG, and sysctl kernel.kptr_restrict below 2");
		return -EPERM;
	}
	qsort(k->list.v, k->list.n, sizeof(*k->list.v), by_address);
	*ret = TAKE_PTR(k);
	return 0;
}

const char *kallsyms_at(const struct kallsyms *k, __u64 address)
{
	size_t low = 0, high = k->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->list.v[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->list.n && k->list.v[low].address == address ? k->list.v[low].name : NULL;
}

__u64 kallsyms_call_base(const struct kallsyms *k)
{
	return k->call_base;
}
