/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The maps of an observer, in the process that looks. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "compose/observe.h"
#include "kernel/bpffs.h"
#include "live/observer.h"

void seat_done(struct seat *s)
{
	free(s->pin);
	if (s->control)
		munmap(s->control, sizeof(*s->control));
	closep(&s->times);
	closep(&s->state);
	ring_buffer__free(s->ring);
	array_foreach (stage, &s->stages) {
		free(stage->name);
		free(stage->program);
	}
	array_done(&s->stages);
	*s = (struct seat){.times = -1, .state = -1};
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

bool seat_is_kept(const struct seat *s)
{
	_cleanup_error_ struct braid_error ignored = BRAID_ERROR_INIT;
	_cleanup_close_ int fd = -1;

	return s->control && !bpffs_get(s->pin, BPFFS_MAP, &fd, &ignored) &&
	       map_id(fd) == s->control_id;
}

void seat_renew(struct seat *s)
{
	__atomic_store_n(&s->control->lease, clock_ns(CLOCK_MONOTONIC) + OBSERVE_LEASE_NS,
			 __ATOMIC_RELAXED);
}

void seat_leave(struct seat *s)
{
	if (s->control)
		__atomic_store_n(&s->control->lease, 0, __ATOMIC_RELAXED);
}

/* A map of the slot; "events" and "times" are there only if they were asked for. */
static int map_of(const struct loaded *l, const char *format, __u32 slot)
{
	char symbol[64];

	snprintf(symbol, sizeof(symbol), format, slot);
	return loaded_map(l, symbol);
}

static int copy_map(const struct loaded *l, const char *format, __u32 slot, int *ret,
		    struct braid_error *err)
{
	int fd = fd_copy(map_of(l, format, slot));

	if (fd < 0)
		return error_errno(err, fd, NULL, "cannot use a map of an observer");
	*ret = fd;
	return 0;
}

static int take_control(const struct loaded *l, const char *folder, struct seat *s,
			struct braid_error *err)
{
	_cleanup_free_ char *path = path_slot(folder, s->slot);
	_cleanup_free_ char *symbol = text_fmt(OBSERVE_CONTROL, s->slot);
	int fd = symbol ? loaded_map(l, symbol) : -1;
	void *at;

	s->pin = path && symbol ? path_map(path, symbol) : NULL;
	if (!s->pin)
		return error_oom(err);
	s->control_id = map_id(fd);
	at = mmap(NULL, sizeof(*s->control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return error_errno(err, -errno, NULL, "cannot write to a map of what runs");
	s->control = at;
	return 0;
}

static int take_ring(const struct loaded *l, struct braid_observer *o, struct seat *s,
		     struct braid_error *err)
{
	s->ring = ring_buffer__new(map_of(l, OBSERVE_SYMBOL("events"), s->slot),
				   observer_take_event, o, NULL);
	return s->ring ? 0 : error_errno(err, -errno, NULL, "cannot read events");
}

/* With those that braid added. */
static int take_stages(const struct running_image *run, struct seat *s, struct braid_error *err)
{
	array_foreach (ps, &run->plan->stages) {
		const struct image_segment *segment = &run->image->segments.v[ps->segment];
		struct seen_stage *stage = array_push(&s->stages);

		if (!stage)
			return error_oom(err);
		stage->name = strdup(ps->stage->name);
		stage->program = strdup(segment->name);
		if (!stage->name || !stage->program)
			return error_oom(err);
	}
	return 0;
}

int seat_take(const struct variant *v, const struct running *run, __u32 slot,
	      struct braid_observer *o, struct seat *ret, struct braid_error *err)
{
	struct seat s = {.revision = run->revision.number, .slot = slot, .times = -1, .state = -1};
	int what = json_integer_value(json_object_get(o->asks, "what"));
	const struct loaded *l = v->run.loaded;
	int r = take_stages(&v->run, &s, err) ?:
		take_control(l, run->folder, &s, err) ?:
		copy_map(l, OBSERVE_SYMBOL("state"), slot, &s.state, err);

	if (!r && what & OBSERVE_EVENTS)
		r = take_ring(l, o, &s, err);
	if (!r && what & OBSERVE_TIMES)
		r = copy_map(l, OBSERVE_SYMBOL("times"), slot, &s.times, err);
	if (r)
		seat_done(&s);
	else
		*ret = s;
	return r;
}
