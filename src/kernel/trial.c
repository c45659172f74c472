/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "kernel/trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/hearing.h"
#include "kernel/probe.h"
#include "kernel/program.h"

DEFINE_CLEANUP(struct bpf_object *, bpf_object__close)

/* Linux, include/linux/bpf_verifier.h: BPF_LOG_LEVEL1, LEVEL2, STATS. */
enum { LOG_ERRORS = 1, LOG_VISITS = 2, LOG_STATS = 4 };

#define LOG_FEW  (1u << 20)        /* bytes: figures, and the last line of a refusal */
#define LOG_MOST (UINT32_MAX >> 2) /* no kernel takes more; only what is written takes memory */

static void take_figures(const char *log, struct trial *t)
{
	const char *line = strstr(log, "processed "), *depth = strstr(log, "stack depth ");

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

static void take_size(const struct bpf_program *p, struct trial *t)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (!bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size))
		t->instructions = info.xlated_prog_len / sizeof(struct bpf_insn);
}

/* -ENOSPC is no refusal: the log had no room, and what became of the program is not known. */
static int load_once(const void *object, size_t size, const char *name, __u32 level, char *log,
		     size_t room, struct trial *t)
{
	_cleanup_(bpf_object__closep) struct bpf_object *obj = bpf_object__open_mem(object, size,
										    NULL);
	struct bpf_program *p = obj ? program_choose(obj, name) : NULL;
	int r;

	if (!obj)
		return -EINVAL;
	if (!p)
		return -ENOENT;
	*log = '\0';
	bpf_program__set_log_level(p, level);
	bpf_program__set_log_buf(p, log, room);
	r = bpf_object__load(obj);
	if (!r)
		take_size(p, t);
	return r;
}

/* As many bytes as a log may have, but no more than half of the machine's memory. */
static char *longest_log(size_t *ret_room)
{
	size_t half = (size_t)sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGE_SIZE);
	size_t room = half < LOG_MOST ? half : LOG_MOST;
	char *log;

	while (!(log = malloc(room)) && room > LOG_FEW)
		room /= 2;
	*ret_room = room;
	return log;
}

/* What it wrote, without the room that was left. @log: owned. */
static char *shorten(char *log)
{
	return realloc(log, strlen(log) + 1) ?: log;
}

/*
 * Figures first: they take a tenth of the time. The way to a refusal is asked for when there is
 * one; of a program that it accepts the verifier keeps no log but of visits.
 */
static int load(const void *object, size_t size, const char *name, struct trial *t)
{
	char *log = malloc(LOG_FEW);
	size_t room;
	int r, again;

	if (!log)
		return -ENOMEM;
	r = load_once(object, size, name, LOG_STATS, log, LOG_FEW, t);
	take_figures(log, t);
	if ((r && *log) || r == -ENOSPC) {
		free(log);
		log = longest_log(&room);
		if (!log)
			return -ENOMEM;
		again = load_once(object, size, name, LOG_ERRORS | LOG_STATS, log, room, t);
		/* the end of a log that is too long is what counts, and Linux 6.4 has kept it */
		r = again == -ENOSPC ? r : again;
	}
	t->log = shorten(log);
	return r;
}

int trial_load(const void *object, size_t size, const char *name, struct trial *ret,
	       struct braid_error *err)
{
	struct trial t = {};
	struct buf heard = {};
	struct hearing h = hear(&heard);
	int r = load(object, size, name, &t);

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
	else
		r = 0;
	if (r)
		trial_done(&t);
	else
		*ret = t;
	return r;
}

int trial_visits(const void *object, size_t size, const char *name, char **ret,
		 struct braid_error *err)
{
	struct buf heard = {};
	struct trial t = {};
	size_t room;
	char *log = longest_log(&room);
	struct hearing h;
	int r;

	if (!log)
		return error_oom(err);
	h = hear(&heard);
	r = load_once(object, size, name, LOG_VISITS | LOG_STATS, log, room, &t);
	hear_no_more(h);
	buf_done(&heard);
	if (r == -ENOSPC) {
		free(log);
		error_set(err, -E2BIG, name, "the verifier's log has more than %zu MB", room >> 20);
		return -E2BIG;
	}
	*ret = shorten(log);
	return 0;
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
