/* SPDX-License-Identifier: GPL-2.0-only */
/* Latencies as tables, as a histogram, and as JSON that is read again to compare with. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/latency.h"

static const char *name_of(const struct latency *l)
{
	return *l->name ? l->name : "(whole)";
}

/* "812 ns", "4.31 us": four digits at most, so that a column stays one. */
static char *time_of(double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t unit = 0;

	while (ns >= 9999.5 && unit < 3) {
		ns /= 1000;
		unit++;
	}
	return text_fmt("%.*f %s", unit && ns < 100 ? 1 : 0, ns, units[unit]);
}

static void show_table(const struct measurement *m)
{
	static const char *const headings[] = {"  STAGE", ">PACKETS", ">MEAN",  ">P50",
					       ">P90",    ">P99",     ">P99.9", ">MAX"};
	struct table *t = table_new(headings, 8);

	array_foreach (l, &m->list) {
		_cleanup_free_ char *name = text_fmt("  %s", name_of(l));
		_cleanup_free_ char *packets = text_fmt("%llu", l->packets);
		_cleanup_free_ char *mean = time_of(l->mean), *p50 = time_of(l->p50);
		_cleanup_free_ char *p90 = time_of(l->p90), *p99 = time_of(l->p99);
		_cleanup_free_ char *p999 = time_of(l->p999), *max = time_of(l->max);

		if (l->packets)
			table_row(t, name, packets, mean, p50, p90, p99, p999, max);
		else
			table_row(t, name, packets, "-", "-", "-", "-", "-", "-");
	}
	table_print(t);
}

/* Buckets of one power of two together: a shape is what one wants to see. */
#define OCTAVES 33

static size_t octave_of(unsigned int bucket)
{
	unsigned long long bound = braid_times_bound(bucket);

	return bound ? 64 - __builtin_clzll(bound) : 0;
}

static void show_shape(const struct latency *l)
{
	unsigned long long octaves[OCTAVES] = {}, most = 0;
	size_t first = OCTAVES, last = 0;

	for (unsigned int i = 0; i < BRAID_TIMES_BUCKETS; i++)
		octaves[octave_of(i)] += l->times.buckets[i];
	for (size_t i = 0; i < OCTAVES; i++) {
		if (!octaves[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = octaves[i] > most ? octaves[i] : most;
	}
	for (size_t i = first; i <= last && most; i++) {
		_cleanup_free_ char *from = time_of(i ? 1ull << (i - 1) : 0);
		_cleanup_free_ char *to = time_of(1ull << i);

		printf("  %8s to %8s  %-40.*s %llu\n", from, to, (int)(40 * octaves[i] / most),
		       "****************************************", octaves[i]);
	}
}

void latency_show(const struct measurement *m)
{
	const struct latency *whole = m->list.n ? &m->list.v[m->list.n - 1] : NULL;

	printf("revision %lld, looked at for %.1f s\n", m->revision, m->seconds);
	show_table(m);
	if (!whole || !whole->packets)
		return;
	printf("\n  Of each stage's time %.0f ns are taken off, which looking at the clock takes.\n"
	       "  The whole, with that:\n",
	       m->clock_ns);
	show_shape(whole);
}

static const struct latency *find(const struct measurement *m, const char *name)
{
	array_foreach (l, &m->list)
		if (text_eq(l->name, name))
			return l;
	return NULL;
}

static char *change(double old, double new)
{
	_cleanup_free_ char *from = time_of(old), *to = time_of(new);

	if (old <= 0)
		return text_fmt("%s -> %s", from ?: "", to ?: "");
	return text_fmt("%s -> %s (%+.0f%%)", from ?: "", to ?: "", 100 * (new - old) / old);
}

void latency_compare(const struct measurement *old, const struct measurement *new)
{
	static const char *const headings[] = {"  STAGE", "MEAN", "P50", "P99"};
	struct table *t = table_new(headings, 4);

	printf("revision %lld -> %lld\n", old->revision, new->revision);
	array_foreach (l, &new->list) {
		const struct latency *was = find(old, l->name);
		_cleanup_free_ char *name = text_fmt("  %s", name_of(l)), *mean = NULL;
		_cleanup_free_ char *p50 = NULL, *p99 = NULL;

		if (!was || !was->packets || !l->packets) {
			table_row(t, name, was ? "no packets" : "new", "", "");
			continue;
		}
		mean = change(was->mean, l->mean);
		p50 = change(was->p50, l->p50);
		p99 = change(was->p99, l->p99);
		table_row(t, name, mean, p50, p99);
	}
	array_foreach (l, &old->list) {
		_cleanup_free_ char *name = text_fmt("  %s", name_of(l));

		if (!find(new, l->name))
			table_row(t, name, "gone", "", "");
	}
	table_print(t);
}

static json_t *one_to_json(const struct latency *l)
{
	json_t *histogram = json_array();

	for (unsigned int i = 0; i < BRAID_TIMES_BUCKETS; i++)
		if (l->times.buckets[i])
			json_array_append_new(
				histogram, json_pack("{s:I, s:I, s:I}", "from",
						     (json_int_t)braid_times_bound(i), "below",
						     (json_int_t)braid_times_bound(i + 1),
						     "packets", (json_int_t)l->times.buckets[i]));
	return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "stage", l->name,
			 "packets", (json_int_t)l->packets, "mean", l->mean, "p50", l->p50, "p90",
			 l->p90, "p99", l->p99, "p99.9", l->p999, "max", l->max, "histogram",
			 histogram);
}

json_t *latency_to_json(const struct measurement *m)
{
	json_t *stages = json_array();

	array_foreach (l, &m->list)
		json_array_append_new(stages, one_to_json(l));
	return json_pack("{s:I, s:f, s:f, s:o}", "revision", (json_int_t)m->revision, "seconds",
			 m->seconds, "clock", m->clock_ns, "stages", stages);
}

static double real(const json_t *j, const char *name)
{
	return json_number_value(json_object_get(j, name));
}

static int read_stages(const json_t *stages, struct measurement *m)
{
	const json_t *j;
	size_t i;

	json_array_foreach (stages, i, j) {
		struct latency *l = array_push(&m->list);

		if (!l || !(l->name = strdup(member(j, "stage"))))
			return -ENOMEM;
		l->packets = number(j, "packets");
		l->mean = real(j, "mean");
		l->p50 = real(j, "p50");
		l->p90 = real(j, "p90");
		l->p99 = real(j, "p99");
		l->p999 = real(j, "p99.9");
		l->max = real(j, "max");
	}
	return 0;
}

static int not_readable(struct braid_error *err, int code, const char *path, const char *why)
{
	err->code = code;
	err->where = strdup(path);
	err->what = strdup("it has no latencies to compare with");
	err->why = strdup(why);
	err->hint = strdup("'braid latency PIPELINE --json' writes them");
	return code;
}

int latency_from_file(const char *path, struct measurement *ret, struct braid_error *err)
{
	json_error_t why;
	_cleanup_json_ json_t *all = json_load_file(path, 0, &why);
	const json_t *list = json_object_get(all, "revisions"), *last;
	struct measurement m = {};
	int r;

	if (!all)
		return not_readable(err, -EINVAL, path, why.text);
	last = json_array_get(list, json_array_size(list) - 1);
	if (!json_is_array(json_object_get(last, "stages")))
		return not_readable(err, -EINVAL, path, "there is no list \"revisions\" in it");
	m.revision = number(last, "revision");
	r = read_stages(json_object_get(last, "stages"), &m);
	if (r)
		measurement_done(&m);
	else
		*ret = m;
	return r;
}
