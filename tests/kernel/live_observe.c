/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_observe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"

#define _cleanup_error_ _cleanup_(braid_error_clear)

struct braid *observe_braid(const char *cause)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const struct braid_opts opts = {.sz = sizeof(opts), .cause = cause, .wait_ns = 30000000000};
	struct braid *b;

	if (braid_open(&opts, &b, &err))
		bail_out("braid_open: %s", err.what);
	return b;
}

struct braid_observer *observe_open(struct braid *b, unsigned int every)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	const struct braid_observe_opts opts = {
		.sz = sizeof(opts),
		.what = BRAID_OBSERVE_EVENTS | BRAID_OBSERVE_TIMES,
		.every = every,
		.snap = 128,
	};
	struct braid_observer *o;

	if (braid_observer_open(b, "edge", &opts, &o, &err))
		bail_out("looking: %s: %s (%s)\n%s", err.where ?: "", err.what, err.why ?: "",
			 err.log ?: "");
	return o;
}

void observe_close(struct braid_observer *o)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	if (braid_observer_close(o, &err))
		bail_out("no more looking: %s: %s (%s)", err.where ?: "", err.what, err.why ?: "");
}

void observed_run_read(struct observed_run *ret)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	_cleanup_close_ int fd = -1;

	*ret = (struct observed_run){
		.program = json_number(status, "pipelines/0/interfaces/0/program"),
		.link = json_number(status, "pipelines/0/interfaces/0/link"),
		.pins = live_pins(),
	};
	fd = bpf_prog_get_fd_by_id(ret->program);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		bail_out("program %lld: %s", ret->program, strerror(errno));
	ret->size = info.xlated_prog_len;
	ret->xlated = calloc(1, ret->size);
	info = (struct bpf_prog_info){.xlated_prog_len = ret->size,
				      .xlated_prog_insns = (unsigned long)ret->xlated};
	size = sizeof(info);
	if (!ret->xlated || bpf_obj_get_info_by_fd(fd, &info, &size) || !info.xlated_prog_insns)
		bail_out("instructions of program %lld", ret->program);
}

void observed_run_done(struct observed_run *r)
{
	free(r->xlated);
}

bool observed_run_is(const struct observed_run *a, const struct observed_run *b)
{
	return a->program == b->program && a->link == b->link && a->pins == b->pins &&
	       a->size == b->size && !memcmp(a->xlated, b->xlated, a->size);
}

const char *observe_state(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	if (!json_at(status, "pipelines/0/observed"))
		return "";
	return json_is_true(json_at(status, "pipelines/0/observed/looks")) ? "observed"
									   : "nobody looks";
}

int observe_listed(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_array_size(json_at(status, "pipelines/0/observed/observers"));
}

int observe_looking(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *one;
	size_t i;
	int n = 0;

	json_array_foreach (json_at(status, "pipelines/0/observed/observers"), i, one)
		n += json_is_true(json_at(one, "looks"));
	return n;
}

static int ignore(void *ctx, const struct braid_event *e)
{
	return 0;
}

/* Until the other end of @told is closed. */
static int look(int ready, int told, unsigned int every)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	struct braid *b = observe_braid("a looker");
	struct braid_observer *o = observe_open(b, every);
	struct pollfd end = {.fd = told, .events = POLLIN};
	int r;

	if (write(ready, "r", 1) != 1)
		return 1;
	while (!poll(&end, 1, 100)) {
		braid_observer_read(o, ignore, NULL, &err);
		r = braid_observer_tend(o, &err);
		if (r < 0 && r != -EBUSY) {
			diag("tend: %s (%s)", err.what, err.why ?: "");
			return 2;
		}
	}
	r = braid_observer_close(o, &err);
	braid_close(b);
	return r ? 3 : 0;
}

void looker_start(struct looker *l, unsigned int every)
{
	int ready[2], told[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) || pipe2(told, O_CLOEXEC))
		bail_out("pipe: %s", strerror(errno));
	fflush(NULL);
	l->pid = fork();
	if (!l->pid) {
		close(ready[0]);
		close(told[1]);
		_exit(look(ready[1], told[0], every));
	}
	close(ready[1]);
	close(told[0]);
	l->tell = told[1];
	if (l->pid < 0 || read(ready[0], &byte, 1) != 1)
		bail_out("the process that is to look has ended");
	close(ready[0]);
}

int looker_end(struct looker *l)
{
	int status;

	close(l->tell);
	if (waitpid(l->pid, &status, 0) != l->pid)
		bail_out("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void looker_kill(struct looker *l)
{
	kill(l->pid, SIGKILL);
	looker_end(l);
}
