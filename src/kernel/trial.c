/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "kernel/hearing.h"
#include "kernel/probe.h"

DEFINE_CLEANUP(struct bpf_object *, bpf_object__close)

/* Linux, include/linux/bpf_verifier.h: BPF_LOG_LEVEL1, LEVEL2, STATS, FIXED (Linux 6.4). */
enum { LOG_ERRORS = 1, LOG_VISITS = 2, LOG_STATS = 4, LOG_FIXED = 8 };

#define LOG_FIRST (64ul << 20) /* bytes; only those that are written take memory */
#define LOG_LAST  (1ul << 30)  /* the kernel takes no more */

/* Only @name, pinned nowhere. NULL: there is no such program. */
static struct bpf_program *choose(struct bpf_object *obj, const char *name)
{
	struct bpf_program *p, *found = NULL;
	struct bpf_map *map;

	bpf_object__for_each_program(p, obj)
	{
		bool wanted = text_eq(bpf_program__name(p), name);

		bpf_program__set_autoload(p, wanted);
		if (wanted)
			found = p;
	}
	bpf_object__for_each_map(map, obj) bpf_map__set_pin_path(map, NULL);
	return found;
}

static void take_figures(struct bpf_program *p, struct trial *t)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	const char *line = strstr(t->log, "processed "), *depth = strstr(t->log, "stack depth ");

	if (!bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size)) {
		t->instructions = info.xlated_prog_len / sizeof(struct bpf_insn);
		t->processed = info.verified_insns;
	}
	/* the last one: names in a program's source could be in the log before */
	for (const char *next = line; next; next = strstr(next + 1, "\nprocessed "))
		line = next;
	if (line)
		line = strstr(line, "processed ");
	if (line)
		sscanf(line,
		       "processed %u insns (limit %*u) max_states_per_insn %*u "
		       "total_states %u peak_states %u",
		       &t->processed, &t->states, &t->peak_states);
	/* "stack depth 40+16": the program, and functions apart from it */
	if (depth)
		t->stack = strtoul(depth + strlen("stack depth "), NULL, 10);
}

/* -ENOSPC: the log did not fit. -EINVAL with LOG_FIXED: a kernel that knows nothing of it. */
static int load_once(const void *object, size_t size, const char *name, __u32 level, char *log,
		     size_t room, struct trial *t)
{
	_cleanup_(bpf_object__closep) struct bpf_object *obj = bpf_object__open_mem(object, size,
										    NULL);
	struct bpf_program *p = obj ? choose(obj, name) : NULL;
	int r;

	if (!obj)
		return -EINVAL;
	if (!p)
		return -ENOENT;
	*log = '\0';
	bpf_program__set_log_level(p, level);
	bpf_program__set_log_buf(p, log, room);
	r = bpf_object__load(obj);
	t->log = log;
	if (!r)
		take_figures(p, t);
	return r;
}

/* With as much room as the log takes. */
static int load(const void *object, size_t size, const char *name, bool visits, struct trial *t)
{
	__u32 level = (visits ? LOG_VISITS | LOG_FIXED : LOG_ERRORS) | LOG_STATS;
	size_t room = visits ? LOG_FIRST : LOG_FIRST / 4;
	char *log = NULL;
	int r;

	for (;;) {
		free(log);
		t->log = NULL;
		log = malloc(room);
		if (!log)
			return -ENOMEM;
		r = load_once(object, size, name, level, log, room, t);
		if (r == -EINVAL && level & LOG_FIXED && !*log) {
			level &= ~LOG_FIXED;
		} else if (r == -ENOSPC && room < LOG_LAST) {
			room *= 4;
			room = room > LOG_LAST ? LOG_LAST : room;
		} else {
			break;
		}
	}
	if (!t->log)
		free(log);
	return r;
}

int trial_load(const void *object, size_t size, const char *name, bool visits, struct trial *ret,
	       struct braid_error *err)
{
	struct trial t = {};
	struct buf heard = {};
	struct hearing h = hear(&heard);
	int r = load(object, size, name, visits, &t);

	hear_no_more(h);
	t.code = r;
	t.heard = heard.n ? buf_take(&heard) : NULL;
	buf_done(&heard);
	if (r == -EPERM && (!t.log || !*t.log) && probe_privileges(err)) {
		trial_done(&t);
		return r;
	}
	if (r == -ENOMEM)
		error_oom(err);
	else if (r == -ENOENT)
		error_set(err, r, NULL, "the object has no program '%s'", name);
	else if (r == -ENOSPC)
		error_set(err, r = -E2BIG, name, "the verifier's log has more than 1 GB");
	else
		r = 0;
	if (!r && !t.log && !(t.log = strdup("")))
		r = error_oom(err);
	if (r)
		trial_done(&t);
	else
		*ret = t;
	return r;
}

void trial_done(struct trial *t)
{
	free(t->log);
	free(t->heard);
	*t = (struct trial){};
}

static int take_names(struct bpf_object *obj, struct trial_names *ret)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, obj)
	{
		struct trial_name n = {strdup(bpf_program__name(p)),
				       strdup(bpf_program__section_name(p))};

		if (n.name && n.section && array_add(&ret->list, n))
			continue;
		free(n.name);
		free(n.section);
		return -ENOMEM;
	}
	return 0;
}

int trial_names(const void *object, size_t size, struct trial_names *ret, struct braid_error *err)
{
	_cleanup_(bpf_object__closep) struct bpf_object *obj = NULL;
	struct trial_names names = {};
	struct buf heard = {};
	struct hearing h = hear(&heard);
	int r = 0;

	obj = bpf_object__open_mem(object, size, NULL);
	if (!obj)
		r = error_errno(err, -errno, NULL, "libbpf does not take the object");
	hear_no_more(h);
	if (r && heard.n)
		error_why(err, "%s", heard.v);
	buf_done(&heard);
	if (!r && take_names(obj, &names))
		r = error_oom(err);
	if (r)
		trial_names_done(&names);
	else
		*ret = names;
	return r;
}

void trial_names_done(struct trial_names *n)
{
	array_foreach (one, &n->list) {
		free(one->name);
		free(one->section);
	}
	array_done(&n->list);
}
