/* SPDX-License-Identifier: GPL-2.0-only */
/* braid preflight: what a change would do to recorded packets, before it is made. */
#include "cli/preflight.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "cli/observe.h"
#include "cli/show.h"

#define LISTED 20 /* packets, unless --limit says otherwise */

static void preflight_done(struct preflight *s)
{
	array_foreach (a, &s->allow) {
		free(a->old);
		free(a->new);
	}
	array_done(&s->allow);
	packet_file_done(&s->save);
	free(s->cut_off);
	json_decref(s->list);
	braid_preflight_close(s->f);
	braid_close(s->b);
}

static bool is_allowed(const struct preflight *s, const struct braid_preflight_packet *p)
{
	char was[16], is[16];

	preflight_verdict(s, p->was.verdict, was);
	array_foreach (a, &s->allow)
		if (!strcmp(a->old, preflight_verdict(s, p->was.verdict, was)) &&
		    !strcmp(a->new, preflight_verdict(s, p->is.verdict, is)))
			return true;
	return false;
}

int preflight_take(struct preflight *s, const struct pcap_pkthdr *h, const unsigned char *bytes,
		   struct braid_error *err)
{
	struct braid_preflight_packet p;
	int r;

	s->n++;
	if (h->caplen < h->len) {
		preflight_show_skipped(s, h, "the capture has only a part of it");
		return 0;
	}
	r = braid_preflight_packet(s->f, bytes, h->caplen, &p, err);
	if (r == -EMSGSIZE) {
		preflight_show_skipped(s, h, err->what);
		braid_error_clear(err);
		return 0;
	}
	if (r || !p.differs)
		return r;
	if (is_allowed(s, &p)) {
		s->allowed++;
		return 0;
	}
	s->unexpected++;
	preflight_show_packet(s, h, bytes, &p);
	packet_file_add(&s->save, h, bytes);
	return 0;
}

/* "drop:pass,pass:pass" */
static bool parse_allow(struct preflight *s, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, ","), colon = strcspn(text, ":,");
		struct allowed a = {};

		if (text[colon] != ':' || !colon || colon + 1 == n)
			return false;
		a.old = strndup(text, colon);
		a.new = strndup(text + colon + 1, n - colon - 1);
		if (!a.old || !a.new || !array_add(&s->allow, a))
			return false;
		text += n + (text[n] == ',');
	}
	return true;
}

/* Each word is a verdict of the hook, or a number. */
static const char *unknown_verdict(const struct preflight *s)
{
	array_foreach (a, &s->allow)
		for (int i = 0; i < 2; i++) {
			const char *word = i ? a->new : a->old;
			bool known = strspn(word, "0123456789") == strlen(word);

			for (uint32_t v = -1; v != 31 && !known; v++)
				known = braid_verdict_name(s->hook, v) &&
					!strcmp(braid_verdict_name(s->hook, v), word);
			if (!known)
				return word;
		}
	return NULL;
}

/* "20", "1%" */
static bool take_max(const struct command *c, struct preflight *s, const char *text)
{
	size_t n = strlen(text);
	_cleanup_free_ char *digits = NULL;

	s->percent = n && text[n - 1] == '%';
	digits = strndup(text, n - s->percent);
	return digits && take_amount(c, "--max-diff", NUMBER(NULL, s->percent ? "100" : NULL),
				     digits, &s->max_diff);
}

/* How to exit, for a script: were there more differences than expected? */
static int status_of(const struct preflight *s)
{
	unsigned long long most = s->max_diff;

	if (s->percent)
		most = (s->n - s->skipped) * s->max_diff / 100;
	return s->unexpected > most ? EXIT_DIFFERS : EXIT_DONE;
}

/* Of packets that were not run nothing is known: no "nothing differs" for whoever asks. */
static int check_compared(const struct preflight *s, struct braid_error *err)
{
	if (s->n > s->skipped)
		return 0;
	err->code = -ENODATA;
	err->where = strdup(s->own->pcap ?: braid_pipeline_name(s->p));
	if (!s->n)
		err->what = strdup("there is no packet: nothing was compared");
	else
		err->what = text_fmt("none of its %llu packets could be run: nothing was compared",
				     s->n);
	err->hint = strdup(s->n && s->own->pcap ? "record whole packets: tcpdump -s 0, braid "
						  "capture without --snap"
			   : s->own->pcap       ? "record some: tcpdump -w, braid capture"
						: "give it more time: --seconds");
	return err->code;
}

static int run_both(struct preflight *s, const struct braid_pipeline *old, struct braid_error *err)
{
	struct braid_preflight_opts opts = {.sz = sizeof(opts), .old = old, .empty = s->own->empty};
	char *text;
	int r = open_braid(s->o, &s->b, err)
			?: braid_preflight_open(s->b, s->p, &opts, &s->f, err)
				   ?: packet_file_open(&s->save, s->own->save,
						       PCAP_TSTAMP_PRECISION_NANO, err);

	s->list = json_array();
	r = r ?: s->own->live ? preflight_from_interface(s, err) : preflight_from_file(s, err);
	r = r ?: check_compared(s, err) ?: packet_file_finish(&s->save, err) ?:
		 braid_preflight_report(s->f, &text, err);
	if (!r) {
		_cleanup_json_ json_t *report = parse_json(text);

		preflight_show_report(s, report);
	}
	return r;
}

/* The pipeline of the same name, or the only one. */
static int pick_old(const struct braid_manifest *m, const char *path, const char *name,
		    const struct braid_pipeline **ret, struct braid_error *err)
{
	return pick_pipeline(m, path, braid_manifest_count(m) > 1 ? name : NULL, ret, err);
}

struct preflight_work {
	struct preflight *s;
	const struct braid_pipeline *old;
};

static int work(void *ctx)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct preflight_work *w = ctx;
	int r = run_both(w->s, w->old, &err);

	if (r)
		return fail(w->s->o, &err);
	return w->s->cut_off ? packet_file_cut_off(w->s->o, w->s->own->pcap, w->s->cut_off, w->s->n)
			     : status_of(w->s);
}

/* Only who looks at the pipeline that runs has something to take out again. */
static int guarded(struct preflight_work *w)
{
	const char *name = braid_pipeline_name(w->s->p);
	struct look_guard guard = {
		.o = w->s->o, .pipelines = &name, .n = 1, .work = work, .ctx = w};

	return w->s->own->live ? look_guard(&guard) : work(w);
}

static int parse_own(const struct command *c, struct preflight *s)
{
	const struct preflight_options *own = s->own;
	const char *word;

	if (!own->pcap && !own->live)
		return usage(c, "which packets? --pcap FILE or --live N");
	if (own->pcap && own->live)
		return usage(c, "which packets? --pcap FILE or --live N, not both");
	if (own->save && !strcmp(own->save, "-"))
		return usage(c, "--save: standard output has the report: a file, please");
	if (own->seconds && !own->live)
		return usage(c, "--seconds goes with --live");
	if (own->max_diff && !take_max(c, s, own->max_diff))
		return EXIT_USAGE;
	if (!parse_allow(s, own->allow))
		return usage(c, "--allow: not old:new, with commas between: %s", own->allow);
	word = unknown_verdict(s);
	return word ? usage(c, "--allow: the hook %s has no verdict '%s'", s->hook, word)
		    : EXIT_DONE;
}

static int run(const struct command *c, int argc, char **argv)
{
	_cleanup_options_ struct options o = {};
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_(braid_manifest_freep) struct braid_manifest *m = NULL, *old = NULL;
	struct preflight_options own = {.limit = LISTED};
	_cleanup_(preflight_done) struct preflight s = {.o = &o, .own = &own};
	struct preflight_work w = {.s = &s};
	int status,
		first = options_parse_own(c, OPT_VALUES | OPT_STATE, argc, argv, &o, &own, &status);

	if (first < 0)
		return status;
	if (argc - first < 1 || argc - first > 2)
		return usage(c, "which manifest?");
	if (load_manifest(&o, argv[first], &m, &err) ||
	    pick_pipeline(m, argv[first], argv[first + 1], &s.p, &err))
		return fail(&o, &err);
	s.hook = braid_pipeline_hook(s.p);
	status = parse_own(c, &s);
	if (status)
		return status;
	if (own.old && (braid_manifest_load(own.old, NULL, &old, &err) ||
			pick_old(old, own.old, braid_pipeline_name(s.p), &w.old, &err)))
		return fail(&o, &err);
	return guarded(&w);
}

#define OWN(member) offsetof(struct preflight_options, member)

static const struct own_option own_options[] = {
	{"pcap", 0, OPTION_TEXT, OWN(pcap), "    --pcap FILE         packets, in pcap or pcapng"},
	{"live", 0, OPTION_NUMBER, OWN(live),
	 "    --live N            the first N packets that come to what runs", "1"},
	{"seconds", 0, OPTION_TIME, OWN(seconds),
	 "    --seconds TIME      … in that time: 60, 5m; fewer will do then", "1ms"},
	{"old", 0, OPTION_TEXT, OWN(old),
	 "    --old MANIFEST      compare with that, not with what runs"},
	{"empty", 0, OPTION_FLAG, OWN(empty),
	 "    --empty             maps begin as manifests and objects say"},
	{"save", 0, OPTION_TEXT, OWN(save),
	 "    --save FILE         write the packets that differ, in pcap"},
	{"limit", 0, OPTION_NUMBER, OWN(limit),
	 "    --limit N           list so many that differ (20)"},
	{"allow", 0, OPTION_TEXT, OWN(allow),
	 "    --allow OLD:NEW,…   these verdicts may differ: drop:pass; pass:pass: the bytes"},
	{"max-diff", 0, OPTION_TEXT, OWN(max_diff),
	 "    --max-diff N|P%     so many others may differ, of all packets (0)"},
};

const struct command cmd_preflight = {
	.name = "preflight",
	.usage = "[options] MANIFEST [PIPELINE] --pcap FILE",
	.summary = "send packets through what runs and through what is new, and compare",
	.help = "Loads both beside what runs, which is not touched: the pipeline as it runs now\n"
		"(or --old), and as the manifest says. Maps of both begin with a copy of what is\n"
		"in those that run, as apply would bring it over. Shows verdicts old and new, the\n"
		"packets that differ and at which stage their ways part, and the cost.\n"
		"Exit status 5: packets differ, other ones or more than allowed.\n"
		"\n"
		"  braid preflight edge.yaml --pcap yesterday.pcap --save diff.pcap\n"
		"  braid preflight edge.yaml --pcap yesterday.pcap --allow drop:pass --max-diff "
		"1%\n"
		"  braid preflight edge.yaml --live 10000 --seconds 60\n",
	.run = run,
	.own = own_options,
	.n_own = sizeof(own_options) / sizeof(*own_options),
};
