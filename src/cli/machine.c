/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/machine.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

struct machine_reader {
	csh handle;
};

/* The architecture that this was compiled for: the kernel's code is of the same. */
static bool choose(cs_arch *ret, cs_mode *ret_mode)
{
#if defined(__x86_64__)
	*ret = CS_ARCH_X86;
	*ret_mode = CS_MODE_64;
#elif defined(__i386__)
	*ret = CS_ARCH_X86;
	*ret_mode = CS_MODE_32;
#elif defined(__aarch64__)
	*ret = CS_ARCH_ARM64;
	*ret_mode = CS_MODE_LITTLE_ENDIAN;
#elif defined(__arm__)
	*ret = CS_ARCH_ARM;
	*ret_mode = CS_MODE_ARM;
#elif defined(__powerpc64__)
	*ret = CS_ARCH_PPC;
	*ret_mode = CS_MODE_64 | (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? CS_MODE_BIG_ENDIAN
									 : CS_MODE_LITTLE_ENDIAN);
#elif defined(__s390x__)
	*ret = CS_ARCH_SYSZ;
	*ret_mode = CS_MODE_BIG_ENDIAN;
#elif defined(__riscv) && CS_API_MAJOR >= 5
	*ret = CS_ARCH_RISCV;
	*ret_mode = CS_MODE_RISCV64 | CS_MODE_RISCVC;
#else
	return false;
#endif
	return true;
}

struct machine_reader *machine_reader_new(void)
{
	struct machine_reader *m = calloc(1, sizeof(*m));
	cs_mode mode;
	cs_arch arch;

	if (m && choose(&arch, &mode) && cs_open(arch, mode, &m->handle) == CS_ERR_OK)
		return m;
	free(m);
	return NULL;
}

void machine_reader_free(struct machine_reader *m)
{
	if (m)
		cs_close(&m->handle);
	free(m);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL: not hexadecimal, or no memory. */
static unsigned char *bytes_of(const char *text, size_t *ret)
{
	size_t n = strlen(text) / 2;
	unsigned char *bytes = malloc(n ?: 1);

	for (size_t i = 0; bytes && i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			free(bytes);
			return NULL;
		}
		bytes[i] = high << 4 | low;
	}
	*ret = n;
	return bytes;
}

static void add(json_t *list, unsigned long long address, const unsigned char *bytes, size_t n,
		const char *text)
{
	_cleanup_free_ char *at = text_fmt("%#llx", address);
	struct buf b = {};

	for (size_t i = 0; i < n; i++)
		buf_fmt(&b, "%02x", bytes[i]);
	json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "address", at ?: "", "bytes",
					      b.v ?: "", "text", text));
	buf_done(&b);
}

bool machine_read(struct machine_reader *m, json_t *piece)
{
	unsigned long long address = strtoull(member(piece, "address"), NULL, 0);
	size_t size, done = 0, n;
	_cleanup_free_ unsigned char *bytes = bytes_of(member(piece, "bytes"), &size);
	json_t *list = json_array();
	cs_insn *insns = NULL;

	if (!bytes) {
		json_decref(list);
		return false;
	}
	n = cs_disasm(m->handle, bytes, size, address, 0, &insns);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = text_fmt("%s%s%s", insns[i].mnemonic,
						     *insns[i].op_str ? " " : "", insns[i].op_str);

		add(list, insns[i].address, insns[i].bytes, insns[i].size, text ?: "");
		done += insns[i].size;
	}
	if (n)
		cs_free(insns, n);
	if (done < size)
		add(list, address + done, bytes + done, size - done, ".byte");
	return !json_object_set_new(piece, "code", list);
}
