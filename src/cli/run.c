/* SPDX-License-Identifier: GPL-2.0-only */
/* braid run: recorded packets through a pipeline that is attached nowhere. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/headers.h"
#include "cli/packet_file.h"
#include "cli/show.h"

#define VERDICTS 11        /* of any hook, and the last for all others */
#define OUT_ROOM (1 << 17) /* bytes; more than a packet and all headroom */

struct own {
	const char *pcap, *out;
};

static const struct own_option own_options[] = {
	{"pcap", 'p', OPTION_TEXT, offsetof(struct own, pcap),
	 "-p, --pcap FILE         packets to send through the pipeline; - is standard input"},
	{"out", 0, OPTION_TEXT, offsetof(struct own, out),
	 "    --out FILE          write the packets that come out"},
};

struct session {
	const struct own *own;
	const struct options *o;
	struct braid_run *run;
	pcap_t *in;
	struct packet_file out;
	char *cut_off; /* owned; why --pcap could not be read to its end */
	json_t *packets;
	unsigned long long n, skipped;
	const char *hook;
	uint32_t verdicts[VERDICTS];
	size_t n_verdicts;                    /* that the hook has */
	unsigned long long (*left)[VERDICTS]; /* by stage and verdict */
	char *buffer;
};

static const char *verdict_text(const struct session *s, uint32_t verdict)
{
	return braid_verdict_name(s->hook, verdict) ?: "unknown";
}

/* In their order, which for TC begins with -1. */
static void find_verdicts(struct session *s)
{
	for (uint32_t v = -1; v != 31 && s->n_verdicts < VERDICTS - 1; v++)
		if (braid_verdict_name(s->hook, v))
			s->verdicts[s->n_verdicts++] = v;
}

static void count(struct session *s, const struct braid_run_result *res)
{
	size_t i = 0;

	while (i < s->n_verdicts && s->verdicts[i] != res->verdict)
		i++;
	s->left[res->stage][i]++;
}

static void report_packet(struct session *s, const struct pcap_pkthdr *h,
			  const unsigned char *bytes, const struct braid_run_result *res)
{
	_cleanup_free_ char *summary = packet_summary(bytes, h->caplen);
	const char *stage = braid_run_stage(s->run, res->stage);

	if (s->packets)
		json_array_append_new(
			s->packets,
			json_pack("{s:I, s:s, s:I, s:I, s:s, s:s, s:s, s:I}", "packet",
				  (json_int_t)s->n, "summary", summary ?: "", "size",
				  (json_int_t)h->caplen, "size-out", (json_int_t)res->size,
				  "verdict", verdict_text(s, res->verdict), "stage", stage,
				  "stage-verdict", verdict_text(s, res->stage_verdict), "ns",
				  (json_int_t)res->nanoseconds));
	else
		printf("%6llu  %5u bytes  %-9s left at %s%s  %s\n", s->n, h->caplen,
		       verdict_text(s, res->verdict), stage,
		       res->stage + 1 == braid_run_stages(s->run) ? " (the last)" : "",
		       summary ?: "");
}

static void report_skipped(struct session *s, const struct pcap_pkthdr *h, const char *why)
{
	s->skipped++;
	if (s->packets)
		json_array_append_new(s->packets,
				      json_pack("{s:I, s:I, s:s}", "packet", (json_int_t)s->n,
						"size", (json_int_t)h->caplen, "skipped", why));
	else
		printf("%6llu  %5u bytes  skipped: %s\n", s->n, h->caplen, why);
}

static int run_packet(struct session *s, const struct pcap_pkthdr *h, const unsigned char *bytes,
		      struct braid_error *err)
{
	struct braid_run_result res;
	struct pcap_pkthdr out = {.ts = h->ts};
	int r;

	s->n++;
	if (h->caplen < h->len) {
		report_skipped(s, h, "the capture has only a part of it");
		return 0;
	}
	r = braid_run_packet(s->run, bytes, h->caplen, s->buffer, OUT_ROOM, &res, err);
	if (r == -EMSGSIZE) {
		report_skipped(s, h, err->what);
		braid_error_clear(err);
		return 0;
	}
	if (r)
		return r;
	count(s, &res);
	report_packet(s, h, bytes, &res);
	out.caplen = out.len = res.size;
	packet_file_add(&s->out, &out, s->buffer);
	return 0;
}

static json_t *totals_to_json(const struct session *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < braid_run_stages(s->run); i++) {
		json_t *j = json_pack("{s:s}", "stage", braid_run_stage(s->run, i));

		for (size_t v = 0; v <= s->n_verdicts; v++)
			json_object_set_new(
				j, v < s->n_verdicts ? verdict_text(s, s->verdicts[v]) : "unknown",
				json_integer(s->left[i][v]));
		json_array_append_new(list, j);
	}
	return list;
}

/* All of XDP's five verdicts; of the many of TC those that occurred. */
static bool is_shown(const struct session *s, size_t v)
{
	bool any = s->n_verdicts <= 5;

	for (size_t i = 0; i < braid_run_stages(s->run); i++)
		any |= s->left[i][v] != 0;
	return any;
}

static char *heading(const struct session *s, size_t v)
{
	char *text = text_fmt(">%s", v < s->n_verdicts ? verdict_text(s, s->verdicts[v]) : "other");

	for (char *c = text; c && *c; c++)
		*c = toupper(*c);
	return text;
}

static void print_table(const struct session *s)
{
	const char *headings[VERDICTS + 1] = {"LEFT AT"};
	size_t shown[VERDICTS], n = 0;
	struct table *t;

	for (size_t v = 0; v <= s->n_verdicts; v++)
		if (is_shown(s, v)) {
			headings[n + 1] = heading(s, v);
			shown[n++] = v;
		}
	t = table_new(headings, n + 1);
	for (size_t i = 0; i < braid_run_stages(s->run); i++) {
		char c[VERDICTS][24];

		for (size_t k = 0; k < n; k++)
			snprintf(c[k], sizeof(c[k]), "%llu", s->left[i][shown[k]]);
		table_row(t, braid_run_stage(s->run, i), c[0], c[1], c[2], c[3], c[4], c[5], c[6],
			  c[7], c[8], c[9], c[10]);
	}
	table_print(t);
	for (size_t k = 1; k <= n; k++)
		free((char *)headings[k]);
}

static void print_totals(const struct session *s)
{
	printf("\n%llu packets, %llu skipped, %s\n\n", s->n, s->skipped,
	       braid_run_strategy(s->run));
	print_table(s);
}

static void session_done(struct session *s)
{
	packet_file_done(&s->out);
	free(s->cut_off);
	if (s->in)
		pcap_close(s->in);
	braid_run_close(s->run);
	json_decref(s->packets);
	free(s->left);
	free(s->buffer);
}

static int open_files(struct session *s, struct braid_error *err)
{
	const int precision = PCAP_TSTAMP_PRECISION_MICRO;

	return packet_file_read(s->own->pcap, precision, &s->in, err)
		       ?: packet_file_open(&s->out, s->own->out, precision, err);
}

static int run_all(struct session *s, struct braid_error *err)
{
	struct pcap_pkthdr *h;
	const unsigned char *bytes;
	int got, r = 0;

	while (!r && (got = pcap_next_ex(s->in, &h, &bytes)) == 1)
		r = run_packet(s, h, bytes, err);
	if (!r && got == PCAP_ERROR && !s->n)
		return packet_file_error(err, s->own->pcap, pcap_geterr(s->in));
	if (!r && got == PCAP_ERROR && !(s->cut_off = strdup(pcap_geterr(s->in))))
		return err->code = -ENOMEM;
	return r ?: packet_file_finish(&s->out, err);
}

static int run_pipeline(struct session *s, const struct braid_pipeline *p, struct braid_error *err)
{
	int r = open_files(s, err) ?: braid_run_open(p, &s->run, err);

	if (r)
		return r;
	s->hook = braid_pipeline_hook(p);
	find_verdicts(s);
	s->packets = s->o->json ? json_array() : NULL;
	s->buffer = malloc(OUT_ROOM);
	s->left = calloc(braid_run_stages(s->run), sizeof(*s->left));
	if (!s->buffer || !s->left)
		return err->code = -ENOMEM;
	r = run_all(s, err);
	if (r)
		return r;
	if (s->o->json) {
		_cleanup_json_ json_t *j =
			json_pack("{s:s, s:s, s:I, s:I, s:O, s:o}", "pipeline",
				  braid_pipeline_name(p), "strategy", braid_run_strategy(s->run),
				  "packets", (json_int_t)s->n, "skipped", (json_int_t)s->skipped,
				  "results", s->packets, "totals", totals_to_json(s));

		if (s->cut_off)
			json_object_set_new(j, "cut-off", json_string(s->cut_off));
		json_dumpf(j, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_totals(s);
	}
	return 0;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL;
	_cleanup_(session_done) struct session s = {.o = &o};
	struct own own = {};
	int status, first = options_parse_own(c, OPT_VALUES, argc, argv, &o, &own, &status);
	const struct braid_pipeline *p;

	if (first < 0)
		return status;
	if (argc - first < 1 || argc - first > 2)
		return usage(c, "which manifest?");
	s.own = &own;
	if (!own.pcap)
		return usage(c, "which packets? --pcap FILE");
	if (own.out && !strcmp(own.out, "-"))
		return usage(c, "--out: standard output has the verdicts: a file, please");
	if (load_manifest(&o, argv[first], &m, &err) ||
	    pick_pipeline(m, argv[first], argv[first + 1], &p, &err) || run_pipeline(&s, p, &err))
		return fail(&o, &err);
	return s.cut_off ? packet_file_cut_off(&o, own.pcap, s.cut_off, s.n) : EXIT_DONE;
}

const struct command cmd_run = {
	.name = "run",
	.usage = "[options] MANIFEST [PIPELINE] --pcap FILE",
	.summary = "send recorded packets through a pipeline, without attaching it",
	.help = "The pipeline is loaded beside what runs, with maps of its own. Shows for each\n"
		"packet the verdict and the stage where it left. Redirects and transmissions do\n"
		"not happen.\n"
		"\n"
		"  braid run edge.yaml --pcap in.pcap --out out.pcap\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
