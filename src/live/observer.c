/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* An observer's life: it joins those who look at a pipeline, stays among them, and leaves. */
#include "live/observer.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <time.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/bpffs.h"
#include "kernel/probe.h"
#include "live/observe_ask.h"
#include "manifest/hook.h"
#include "manifest/opts.h"

static void observer_free(struct braid_observer *o)
{
	if (!o)
		return;
	seat_done(&o->seat);
	json_decref(o->asks);
	free(o->name);
	free(o);
}

DEFINE_CLEANUP(struct braid_observer *, observer_free)

/* Those who do not look any more are forgotten; so is @but, which leaves. */
static void forget(struct observers *all, const char *folder, __u32 but)
{
	size_t n = 0;

	array_foreach (o, &all->list) {
		struct observing kept = *o;

		if (o->slot == but || !observing_looks(o, folder))
			observing_done(o);
		else
			all->list.v[n++] = kept;
	}
	all->list.n = n;
}

#define NOBODY OBSERVE_SLOTS /* no slot has that number */

static __u32 free_slot(const struct observers *all)
{
	__u32 taken = 0, slot = 0;

	array_foreach (o, &all->list)
		taken |= 1u << o->slot;
	while (taken & 1u << slot)
		slot++;
	return slot;
}

static int no_slot(const struct observers *all, struct braid_error *err)
{
	_cleanup_(buf_done) struct buf who = {};

	array_foreach (o, &all->list)
		buf_fmt(&who, "%sprocess %u (%s)", who.n ? ", " : "", o->process.pid, o->cause);
	error_set(err, -EUSERS, NULL, "%d observers look at the pipeline already", OBSERVE_SLOTS);
	error_why(err, "%s", who.v ?: "");
	error_hint(err, "end one of them");
	return -EUSERS;
}

static int add_self(const struct braid_observer *o, struct observers *all, __u32 *ret_slot,
		    struct braid_error *err)
{
	__u32 slot = free_slot(all);
	struct observing *self;

	if (slot == OBSERVE_SLOTS)
		return no_slot(all, err);
	self = array_push(&all->list);
	if (!self)
		return error_oom(err);
	*self = (struct observing){
		.slot = slot,
		.cause = strdup(o->b->cause),
		.since = time(NULL),
		.asks = json_incref(o->asks),
		.is_new = true,
	};
	process_self(&self->process);
	*ret_slot = slot;
	return self->cause ? 0 : error_oom(err);
}

/* What a killed command left is settled; others who look go on to. */
static int open_running(struct braid *b, const char *name, struct running *ret,
			struct braid_error *err)
{
	_cleanup_free_ char *root = NULL, *recovered = NULL;

	return bpffs_root(&root, err) ?:
	       recover_beside(b, root, name, OBSERVERS_STAY, &recovered, err) ?:
	       running_open(b, name, ret, err);
}

/* With the lock. Others who look come back by themselves. */
static int take_out_all(struct braid_observer *o, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL, *what = NULL;

	return bpffs_root(&root, err) ?: observe_end(o->b, root, o->name, &what, err);
}

/* It failed behind the exchange: nobody would tend what is in. */
static void end_if_in(struct braid_observer *o, const struct running *run, __u32 slot)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	_cleanup_free_ char *path = path_slot(run->folder, slot);

	if (path && !access(path, F_OK))
		take_out_all(o, &second);
}

int observer_join(struct braid_observer *o, bool first, struct braid_error *err)
{
	_cleanup_observers_ struct observers all = {};
	_cleanup_running_ struct running run = {};
	_cleanup_variant_ struct variant v = {};
	struct seat seat;
	__u32 slot = 0;
	int r = open_running(o->b, o->name, &run, err);

	if (r == -ENOENT)
		return pipeline_unknown(o->b, o->name, err);
	if (!r && first)
		r = ask_check(o->asks, run.plan, err);
	r = r ?: observers_read(o->b, o->b->home.name, o->name, run.revision.number, &all, err);
	if (r)
		return r;
	forget(&all, run.folder, NOBODY);
	r = add_self(o, &all, &slot, err);
	if (r)
		return r;
	r = observe_put_in(o->b, o->name, &run, &all, &v, err)
		    ?: seat_take(&v, &run, slot, o, &seat, err);
	if (r) {
		end_if_in(o, &run, slot);
		return r;
	}
	seat_done(&o->seat);
	o->seat = seat;
	o->hook = hook_of_plan(run.plan);
	observer_begins(o, v.interfaces);
	return 0;
}

int braid_observer_open(struct braid *b, const char *name, const struct braid_observe_opts *opts,
			struct braid_observer **ret, struct braid_error *err)
{
	_cleanup_(observer_freep) struct braid_observer *o = calloc(1, sizeof(*o));
	struct braid_observe_opts given;
	ERROR_SCRATCH(err);
	int r;

	if (!o)
		return error_oom(err);
	o->b = b;
	o->seat = (struct seat){.times = -1, .state = -1};
	o->name = strdup(name);
	if (!o->name)
		return error_oom(err);
	r = opts_take(&given, sizeof(given), opts, err) ?:
	    ask_new(&given, &o->asks, err) ?:
	    probe_privileges(err) ?:
	    store_lock(b->store, b->cause, b->wait_ns, err);
	if (r)
		return r;
	r = observer_join(o, true, err);
	store_unlock(b->store);
	if (r)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

static int leave(struct braid_observer *o, struct braid_error *err)
{
	_cleanup_error_ struct braid_error second = BRAID_ERROR_INIT;
	_cleanup_observers_ struct observers all = {};
	_cleanup_running_ struct running run = {};
	_cleanup_variant_ struct variant v = {};
	int r = open_running(o->b, o->name, &run, err);

	if (r == -ENOENT) {
		braid_error_clear(err);
		return 0;
	}
	if (r || !seat_is_kept(&o->seat))
		return r;
	r = observers_read(o->b, o->b->home.name, o->name, run.revision.number, &all, err);
	if (r)
		return r;
	forget(&all, run.folder, o->seat.slot);
	if (all.list.n && !observe_put_in(o->b, o->name, &run, &all, &v, &second))
		return 0;
	return take_out_all(o, err);
}

int braid_observer_close(struct braid_observer *o, struct braid_error *err)
{
	ERROR_SCRATCH(err);
	int r = 0;

	if (!o)
		return 0;
	seat_leave(&o->seat);
	if (seat_is_kept(&o->seat)) {
		r = store_lock(o->b->store, o->b->cause, o->b->wait_ns, err);
		if (!r) {
			r = leave(o, err);
			store_unlock(o->b->store);
		}
	}
	observer_free(o);
	return r;
}

int braid_observers_sweep(struct braid *b, const char *name, struct braid_error *err)
{
	_cleanup_free_ char *root = NULL, *what = NULL;
	ERROR_SCRATCH(err);
	int r = bpffs_root(&root, err) ?: store_lock(b->store, b->cause, b->wait_ns, err);

	if (r)
		return r;
	r = recover_beside(b, root, name, OBSERVERS_STAY_WELL, &what, err);
	store_unlock(b->store);
	return r;
}

int braid_observer_fd(const struct braid_observer *o)
{
	return o->seat.ring ? ring_buffer__epoll_fd(o->seat.ring) : -1;
}

uint32_t braid_observer_revision(const struct braid_observer *o)
{
	return o->seat.revision;
}

const char *braid_observer_hook(const struct braid_observer *o)
{
	return hook_names[o->hook];
}

size_t braid_observer_stages(const struct braid_observer *o)
{
	return o->seat.stages.n;
}

const char *braid_observer_stage(const struct braid_observer *o, size_t i)
{
	return i < o->seat.stages.n ? o->seat.stages.v[i].name : NULL;
}

const char *braid_observer_program(const struct braid_observer *o, size_t i)
{
	return i < o->seat.stages.n ? o->seat.stages.v[i].program : NULL;
}
