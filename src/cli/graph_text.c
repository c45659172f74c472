/* SPDX-License-Identifier: GPL-2.0-only */
/* Text of pictures: how wide it is, what must be escaped, and numbers for people. */
#include <string.h>

#include "cli/graph.h"

#define NBSP "\u00a0"
#define BOLD 1.07 /* times as wide */

void xml_text(struct buf *b, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			buf_str(b, "&amp;");
			break;
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		case '\'':
			buf_str(b, "&#39;");
			break;
		default:
			buf_add(b, text, 1);
		}
}

/* Length of the UTF-8 character at @s. */
static size_t char_bytes(const char *s)
{
	unsigned char c = *s;
	size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return strnlen(s, n);
}

/*
 * In parts of the size; rather too wide. There is no font to ask, and another one may be
 * there when the picture is looked at: these are those of a wide one.
 */
static double char_width(const char *s)
{
	unsigned char c = *s;

	if (c >= 0xe1) /* Hangul, kana, ideographs: as wide as high */
		return 1.05;
	if (c >= 0x80)
		return 0.7;
	if (strchr("ijl|.,:;'!", c))
		return 0.33;
	if (strchr("frtI()[]-/\\ \"`", c))
		return 0.42;
	if (strchr("mMwW%@", c))
		return 1.0;
	if (c >= 'A' && c <= 'Z')
		return 0.72;
	return 0.61;
}

double text_width(const char *text, double size, bool bold)
{
	double width = 0;

	for (; *text; text += char_bytes(text))
		width += char_width(text);
	return width * size * (bold ? BOLD : 1);
}

/* The end of @text that is no wider than @room. */
static const char *tail(const char *text, double size, bool bold, double room)
{
	while (*text && text_width(text, size, bold) > room)
		text += char_bytes(text);
	return text;
}

char *text_fit(const char *text, double size, bool bold, double room)
{
	double head = 0, dots = text_width("…", size, bold);
	const char *end = text;

	if (text_width(text, size, bold) <= room)
		return graph_must(strdup(text));
	room -= dots;
	while (*end && head + char_width(end) * size * (bold ? BOLD : 1) <= room * 0.6) {
		head += char_width(end) * size * (bold ? BOLD : 1);
		end += char_bytes(end);
	}
	return graph_must(
		text_fmt("%.*s…%s", (int)(end - text), text, tail(end, size, bold, room - head)));
}

/* "12 345": below a million. */
static char *grouped(double v)
{
	long long n = v + 0.5;

	if (n < 10000)
		return graph_must(text_fmt("%lld", n));
	return graph_must(text_fmt("%lld" NBSP "%03lld", n / 1000, n % 1000));
}

/* Three digits and a prefix: "1.25 M". */
static char *scaled(double v, const char *unit)
{
	static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
	int i = 0;

	while (v >= 999.5 && i < 5) {
		v /= 1000;
		i++;
	}
	return graph_must(text_fmt("%.*f" NBSP "%s%s",
				   v >= 99.95 || !v       ? 0
				   : v >= 9.995 || i == 0 ? 1
							  : 2,
				   v, prefixes[i], unit));
}

/* "1.25 Mpps", "12 345"; free it. */
static char *graph_flow_text(const struct graph *g, const struct flow *f)
{
	if (!f->known)
		return graph_must(strdup(""));
	if (g->per_second)
		return scaled(f->packets, "pps");
	return f->packets < 999999.5 ? grouped(f->packets) : scaled(f->packets, "");
}

double graph_share(const struct graph *g, const struct flow *f)
{
	double share;

	if (!f->known || !g->entered.known || g->entered.packets <= 0)
		return 0;
	share = f->packets / g->entered.packets;
	return share < 0 ? 0 : share > 1 ? 1 : share;
}

char *graph_share_text(const struct graph *g, const struct flow *f)
{
	double percent = 100 * graph_share(g, f);

	if (!f->known || !g->entered.known || g->entered.packets <= 0)
		return graph_must(strdup(""));
	if (f->packets > 0 && percent < 0.1)
		return graph_must(strdup("<0.1" NBSP "%"));
	if (percent < 100 && percent >= 99.95)
		return graph_must(strdup(">99.9" NBSP "%"));
	return graph_must(
		text_fmt("%.*f" NBSP "%%", percent == 0 || percent == 100 ? 0 : 1, percent));
}

char *graph_label(const struct graph *g, const struct flow *f)
{
	_cleanup_free_ char *flow = graph_flow_text(g, f), *share = graph_share_text(g, f);

	if (!*flow || !*share)
		return TAKE_PTR(flow);
	return graph_must(text_fmt("%s · %s", flow, share));
}
