// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/status.h"
#include "update/records.h"
#include "update/subject.h"

const struct kind kind_carry = {"carry", "target", 2, false};
const struct kind kind_migrate = {"migrate", "records", 3, true};

static const char *const others[] = {
	"counter_0", "counter_1", "counter_2", "counter_3", "counter_4",
	"counter_5", "counter_6", "counter_7", "sink",
};

#define OTHERS (sizeof(others) / sizeof(*others))

_Static_assert(OTHERS == sizeof(((struct subject *)NULL)->others) / sizeof(int), "a map each");

void subjects_init(void)
{
	sandbox_write("counter", EMBEDDED(counter));
	sandbox_write("sink", EMBEDDED(sink));
	sandbox_write("target_0", EMBEDDED(target_0));
	sandbox_write("target_1", EMBEDDED(target_1));
	sandbox_write("records_0", EMBEDDED(records_0));
	sandbox_write("records_1", EMBEDDED(records_1));
	sandbox_write("records_2", EMBEDDED(records_2));
}

#define COUNTER(i) "{name: counter_" #i ", object: counter.bpf.o}, "

static struct braid_manifest *version_new(const struct kind *kind, const char *strategy,
					  unsigned int version)
{
	struct braid_manifest *m;
	char *text;

	if (asprintf(&text,
		     "{braid: 1, pipelines: [{name: " SUBJECT ", hook: xdp, strategy: %s, "
		     "interfaces: [sink], stages: ["
		     /* clang-format off */
		     COUNTER(0) COUNTER(1) COUNTER(2) COUNTER(3)
		     "{name: target, object: %s_%u.bpf.o%s}, "
		     COUNTER(4) COUNTER(5) COUNTER(6) COUNTER(7)
		     /* clang-format on */
		     "{name: sink, object: sink.bpf.o}]}]}",
		     strategy, kind->object, version,
		     kind->has_records ? ", maps: {records: {on-change: migrate}}" : "") < 0)
		errx(1, "no memory for a manifest");
	m = manifest_parse(text, SANDBOX);
	free(text);
	return m;
}

/* Version 0 of a record; update/records_0.bpf.c. */
struct record {
	uint64_t packets;
	uint32_t owner, limit;
};

static void fill_records(const json_t *status)
{
	struct record *records = calloc(RECORDS, sizeof(*records));
	uint32_t *keys = calloc(RECORDS, sizeof(*keys)), n = RECORDS;
	int fd = status_map(status, "target", "records");

	if (!records || !keys)
		err(1, "records");
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = i;
		records[i].owner = ~i;
	}
	if (bpf_map_update_batch(fd, keys, records, &n, NULL) || n != RECORDS)
		err(1, "filling the records");
	close(fd);
	free(records);
	free(keys);
}

void subject_open(const struct kind *kind, const char *strategy, struct subject *ret)
{
	struct braid_apply_opts opts = {.sz = sizeof(opts)};
	struct braid_error error = BRAID_ERROR_INIT;
	json_t *status;

	*ret = (struct subject){.kind = kind, .braid = sandbox_braid()};
	for (unsigned int v = 0; v < kind->versions; v++)
		ret->versions[v] = version_new(kind, strategy, v);
	braid_must(braid_apply(ret->braid, braid_manifest_get(ret->versions[0], 0), &opts, NULL,
			       &error),
		   &error, "applying");
	status = status_read(ret->braid, SUBJECT);
	ret->count = status_map(status, "target", "count");
	ret->first = status_map(status, "target", "first");
	for (size_t i = 0; i < OTHERS; i++)
		ret->others[i] = status_map(status, others[i], "count");
	if (kind->has_records)
		fill_records(status);
	json_decref(status);
}

void subject_close(struct subject *s)
{
	struct braid_error error = BRAID_ERROR_INIT;

	braid_must(braid_delete(s->braid, SUBJECT, &error), &error, "deleting");
	for (size_t i = 0; i < OTHERS; i++)
		close(s->others[i]);
	close(s->count);
	close(s->first);
	for (unsigned int v = 0; v < s->kind->versions; v++)
		braid_manifest_free(s->versions[v]);
	braid_close(s->braid);
}

struct counts subject_counts(const struct subject *s)
{
	uint64_t n = 0;
	struct counts counts;

	for (unsigned int v = 0; v < VERSIONS; v++)
		n += counter_read(s->count, v);
	counts = (struct counts){n, n};
	for (size_t i = 0; i < OTHERS; i++) {
		n = counter_read(s->others[i], 0);
		if (n < counts.fewest)
			counts.fewest = n;
		if (n > counts.most)
			counts.most = n;
	}
	return counts;
}

/* Where the members of a record are, in each version. */
static const struct {
	size_t packets, owner, size;
} layouts[VERSIONS] = {{0, 8, 16}, {16, 0, 24}, {0, 8, 16}};

int64_t subject_records_lost(const struct subject *s, unsigned int version, uint64_t frames)
{
	json_t *status = status_read(s->braid, SUBJECT);
	int fd = status_map(status, "target", "records");
	uint64_t counted = 0;

	for (uint32_t key = 0; key < RECORDS; key++) {
		char value[32];
		uint64_t packets;
		uint32_t owner;

		if (bpf_map_lookup_elem(fd, &key, value))
			err(1, "record %u is gone", key);
		memcpy(&packets, value + layouts[version].packets, sizeof(packets));
		memcpy(&owner, value + layouts[version].owner, sizeof(owner));
		if (owner != ~key)
			errx(1, "record %u has another owner: %x", key, owner);
		counted += packets;
	}
	close(fd);
	json_decref(status);
	return frames - counted;
}

void subject_forget(const struct subject *s, unsigned int version)
{
	uint64_t never = 0;

	if (bpf_map_update_elem(s->first, &version, &never, BPF_EXIST))
		err(1, "forgetting the first packet");
}

uint64_t subject_first(const struct subject *s, unsigned int version)
{
	uint64_t at;

	if (bpf_map_lookup_elem(s->first, &version, &at))
		err(1, "reading when the first packet came");
	return at;
}
