/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "manifest/fit_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"

#define HEX_PREFIX "hex:"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two digits at @s. Return: the byte; -1: not two hex digits. */
static int hex_byte(const char *s)
{
	int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);

	return low < 0 ? -1 : high << 4 | low;
}

enum text_fit text_hex(const char *text, unsigned char *out, size_t size, size_t *ret_bytes)
{
	const char *digits = text + strlen(HEX_PREFIX);
	size_t n;

	if (!text_has_prefix(text, HEX_PREFIX))
		return TEXT_OTHER;
	n = strlen(digits);
	for (size_t i = 0; i < n; i++) {
		if (hex_digit(digits[i]) < 0)
			return TEXT_MALFORMED;
	}
	if (n % 2)
		return TEXT_MALFORMED;
	*ret_bytes = n / 2;
	if (n / 2 != size)
		return TEXT_SIZE;
	for (size_t i = 0; i < size; i++)
		out[i] = hex_byte(digits + 2 * i);
	return TEXT_FITS;
}

static enum text_fit text_mac(const char *text, unsigned char *out)
{
	unsigned char mac[6];

	if (strlen(text) != 17)
		return TEXT_OTHER;
	for (size_t i = 0; i < 6; i++) {
		int byte = hex_byte(text + 3 * i);

		if (byte < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return TEXT_OTHER;
		mac[i] = byte;
	}
	memcpy(out, mac, sizeof(mac));
	return TEXT_FITS;
}

enum text_fit text_address(const char *text, unsigned char *out, size_t size)
{
	unsigned char other[16];

	if (size == 6)
		return text_mac(text, out);
	if (size == 4 && inet_pton(AF_INET, text, out) == 1)
		return TEXT_FITS;
	if (size == 16 && inet_pton(AF_INET6, text, out) == 1)
		return TEXT_FITS;
	if (inet_pton(size == 4 ? AF_INET6 : AF_INET, text, other) == 1)
		return TEXT_SIZE;
	return TEXT_OTHER;
}

/* The number behind the slash. Return: -1: not a number of at most three digits. */
static int prefix_len(const char *s)
{
	size_t n = strspn(s, "0123456789");
	int len = 0;

	if (n == 0 || n > 3 || s[n] || (s[0] == '0' && n > 1))
		return -1;
	while (*s)
		len = len * 10 + (*s++ - '0');
	return len;
}

static bool has_bits_beyond(const unsigned char *address, size_t size, unsigned int len)
{
	for (unsigned int bit = len; bit < size * 8; bit++) {
		if (address[bit / 8] & 0x80 >> bit % 8)
			return true;
	}
	return false;
}

enum text_fit text_prefix(const char *text, unsigned char *out, size_t size, unsigned int *ret_len)
{
	const char *slash = strchr(text, '/');
	char head[INET6_ADDRSTRLEN];
	unsigned char address[16];
	enum text_fit fit;
	int len;

	if (!slash || slash - text >= (ptrdiff_t)sizeof(head))
		return TEXT_OTHER;
	memcpy(head, text, slash - text);
	head[slash - text] = '\0';
	fit = text_address(head, address, size);
	if (fit != TEXT_FITS)
		return fit;
	len = prefix_len(slash + 1);
	if (len < 0 || len > (int)size * 8)
		return TEXT_MALFORMED;
	if (has_bits_beyond(address, size, len))
		return TEXT_HOST_BITS;
	memcpy(out, address, size);
	*ret_len = len;
	return TEXT_FITS;
}
