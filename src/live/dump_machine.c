/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Machine code by source line: as bytes, which the library does not know how to read. */
#include "base/text.h"
#include "live/dump.h"

static const struct machine *machine_of(const struct xlated *x, __u64 address)
{
	array_foreach (m, &x->machines)
		if (address >= m->address && address - m->address < m->size)
			return m;
	return NULL;
}

/* Where the code of the next line begins, at the latest where the function ends. */
static __u64 end_of(const struct xlated *x, const struct machine *m, __u64 from)
{
	__u64 end = m->address + m->size;

	array_foreach (a, &x->line_addresses)
		if (*a > from && *a < end)
			end = *a;
	return end;
}

static json_t *piece(const struct xlated *x, const struct machine *m, __u64 from, __u64 end)
{
	const __u8 *bytes = x->machine_code.v + m->offset + (from - m->address);
	struct buf b = {};
	char address[24];
	json_t *j;

	for (__u64 i = 0; i < end - from; i++)
		buf_fmt(&b, "%02x", bytes[i]);
	snprintf(address, sizeof(address), "%#llx", (unsigned long long)from);
	j = json_pack("{s:s, s:s}", "address", address, "bytes", b.v ?: "");
	buf_done(&b);
	return j;
}

json_t *dump_machine(const struct xlated *x, size_t line)
{
	__u64 from = line < x->line_addresses.n ? x->line_addresses.v[line] : 0;
	const struct machine *m = from ? machine_of(x, from) : NULL;

	return m ? piece(x, m, from, end_of(x, m, from)) : NULL;
}

json_t *dump_prologue(const struct xlated *x, __u32 insn)
{
	/* the kernel lists both in the order of the functions */
	array_foreach (f, &x->funcs) {
		size_t i = f - x->funcs.v;
		const struct machine *m = i < x->machines.n ? &x->machines.v[i] : NULL;

		if (f->insn_off != insn || !m)
			continue;
		return end_of(x, m, m->address - 1) > m->address
			       ? piece(x, m, m->address, end_of(x, m, m->address - 1))
			       : NULL;
	}
	return NULL;
}
