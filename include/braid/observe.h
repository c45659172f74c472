/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Looking at a running pipeline: while somebody looks, a variant of it that says more at its
 * seams, on the same maps, stands in its place; it comes and goes between two packets.
 */
#ifndef BRAID_OBSERVE_H
#define BRAID_OBSERVE_H

#include <stddef.h>
#include <stdint.h>

#include "braid/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct braid;
struct braid_observer;

/** struct braid_filter - one instruction of classic BPF, laid out as in <linux/filter.h>. */
struct braid_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

/** Bits of braid_observe_opts.what. */
enum {
	BRAID_OBSERVE_EVENTS = 1,
	BRAID_OBSERVE_TIMES = 2,
};

/**
 * struct braid_observe_opts - Zero it, set @sz.
 * @sz:      sizeof(struct braid_observe_opts).
 * @what:    BRAID_OBSERVE_EVENTS: braid_observer_read(); BRAID_OBSERVE_TIMES:
 *           braid_observer_times(). One of them at least.
 * @every:   of so many packets one is looked at, by chance; 0, 1: all.
 * @filter:  packets to look at, as they come in: classic BPF over an Ethernet frame, as
 *           tcpdump -ddd prints it; @n_filter instructions; 0: all packets.
 * @snap:    bytes of the packet in each event at most; up to 65535.
 * @verdicts: events only where packets leave the pipeline with one of these verdicts; names as
 *           braid_verdict_name() has them, @n_verdicts of them; 0: all events.
 * @before:  also events in front of stages, by name, @n_before of them.
 * @only:    nonzero: no events but those in front of @before, and behind @behind, @n_behind of
 *           them: neither at the entry, nor where packets leave otherwise. Not with times.
 * @ring:    bytes of the buffer between kernel and reader; 0: 4 MiB. Rounded up to a power of 2.
 */
struct braid_observe_opts {
	size_t sz;
	unsigned int what;
	uint32_t every;
	const struct braid_filter *filter;
	size_t n_filter;
	uint32_t snap;
	const char *const *verdicts;
	size_t n_verdicts;
	const char *const *before;
	size_t n_before;
	size_t ring;
	int only;
	const char *const *behind;
	size_t n_behind;
};

/**
 * braid_observer_open() - begin to look at pipeline @name.
 * @b: borrowed until braid_observer_close(). @ret: free it with that.
 * The variant takes the pipeline's place, or a new one that of the variant that is in already:
 * up to 8 observers share one. Packets meet one or the other, and none is lost. When the
 * process ends in whatever way, the variant looks at no packet any more within five seconds,
 * and the next change to the pipeline, or the next observer, takes it out.
 * A change to the pipeline takes it out, too: braid_observer_tend() puts it back.
 * Return: 0; -ENOENT no such pipeline, or it does not run; -EINVAL @opts; -EUSERS all slots are
 * taken; -EBUSY another process changes pipelines; what the verifier says. After an error the
 * pipeline runs as before.
 */
int braid_observer_open(struct braid *b, const char *name, const struct braid_observe_opts *opts,
			struct braid_observer **ret, struct braid_error *err);
/** braid_observer_close() - the variant is taken out, if nobody else looks. NULL is fine. */
int braid_observer_close(struct braid_observer *o, struct braid_error *err);

/**
 * braid_observer_tend() - keep it going: call it once a second at least; ten times, so that little
 * is missed when the pipeline changes, as that costs nearly nothing.
 * Renews what the kernel side expires by. If the pipeline has another revision now, or its
 * variant was taken out, that of the present revision is put in; events of before are to be read
 * first: until then it waits. Once a second it looks on how many interfaces the pipeline is.
 * Return: 0; 1 it was put in again, mostly into another revision: stages may have changed,
 * histograms are empty; 2 it is on other interfaces than before: braid_observer_interfaces();
 * -ENOENT the pipeline does not run any more, or on no interface; -EBUSY another process
 * changes pipelines: very soon again.
 */
int braid_observer_tend(struct braid_observer *o, struct braid_error *err);

/**
 * struct braid_observer_gaps - the times in which nobody looked, as the pipeline changed.
 * @n:        how many there were.
 * @total_ns: all of them together.
 * @last_ns:  the last one, which ended when braid_observer_tend() returned 1. Up to the time
 *            between two calls of that is not known for sure; it counts as not looked.
 */
struct braid_observer_gaps {
	uint32_t n;
	uint64_t total_ns, last_ns;
};

/** braid_observer_gaps() - since braid_observer_open(). */
void braid_observer_gaps(const struct braid_observer *o, struct braid_observer_gaps *ret);

/** braid_observer_interfaces() - on how many the pipeline was when that was looked at last. */
size_t braid_observer_interfaces(const struct braid_observer *o);

/**
 * braid_observers_sweep() - when a process that looked at pipeline @name was killed: takes out now
 * what it has left. Nothing to do is fine. Other observers come back by braid_observer_tend().
 * Return: 0; -EBUSY another process changes pipelines.
 */
int braid_observers_sweep(struct braid *b, const char *name, struct braid_error *err);

/** braid_observer_fd() - readable (POLLIN) when there are events. Belongs to @o; may change when
 * braid_observer_tend() returns 1. -1: it asked for no events. */
int braid_observer_fd(const struct braid_observer *o);

/** braid_observer_revision() - that it looks at. */
uint32_t braid_observer_revision(const struct braid_observer *o);
/** braid_observer_hook() - "xdp", "tc-ingress" and so on; a constant. */
const char *braid_observer_hook(const struct braid_observer *o);
/** braid_observer_stages() - how many stages there are, with those that braid added. */
size_t braid_observer_stages(const struct braid_observer *o);
/** braid_observer_stage() - name of stage @i; owned by @o. NULL: no such. */
const char *braid_observer_stage(const struct braid_observer *o, size_t i);
/** braid_observer_program() - name of the program that stage @i is a part of; owned by @o. */
const char *braid_observer_program(const struct braid_observer *o, size_t i);

/** What braid_event.point says beside the index of a stage. */
#define BRAID_EVENT_ENTRY 0xffffffffu /* in front of the first stage */
/*
 * It leaves, but not with what a stage said: behind the last stage with the verdict that the
 * manifest has for it, or past a last stage that is paused; or because a tail call failed.
 */
#define BRAID_EVENT_END    0xfffffffeu
#define BRAID_EVENT_LOST   0xfffffffdu
#define BRAID_EVENT_BEFORE 0x80000000u /* bit: in front of that stage, not behind it */

/**
 * struct braid_event - a packet at a seam.
 * @time_ns:  CLOCK_MONOTONIC.
 * @packet:   the same number for all events of one packet, and of no other one of this observer.
 * @point:    index of the stage that it comes from; or as above.
 * @verdict:  of the stage; as in braid_run_result.
 * @leaves:   nonzero: it leaves the pipeline here, or its component in a dispatcher.
 * @length:   of the packet as it is now.
 * @head:     by how many bytes its start has moved since the entry; negative: it grew in front.
 * @ifindex, @queue: where it came in; TC: of the device.
 * @spent_ns: in the stage, without looking; 0 unless BRAID_OBSERVE_TIMES are wanted, too.
 * @bytes:    the first @captured bytes; valid during the call only.
 */
struct braid_event {
	uint64_t time_ns, packet;
	uint32_t point, verdict, length, captured;
	int32_t head;
	uint32_t ifindex, queue;
	uint16_t cpu;
	uint16_t leaves;
	uint32_t spent_ns;
	const void *bytes;
};

/**
 * braid_observer_read() - the events that are there, in the order in which they were written.
 * @fn: called for each; what it returns other than 0 ends the call and is returned.
 * Never waits, and ends after a tenth of a second also where more comes than is read: then
 * braid_observer_fd() stays readable. Return: 0; what @fn returned.
 */
int braid_observer_read(struct braid_observer *o, int (*fn)(void *ctx, const struct braid_event *e),
			void *ctx, struct braid_error *err);

/**
 * struct braid_observer_count - since braid_observer_open(), over all CPUs.
 * @packets: looked at.
 * @missed:  events that there was no room for.
 */
struct braid_observer_count {
	uint64_t packets, missed;
};

/** braid_observer_count() - Return: 0; a negative errno of bpf(2). */
int braid_observer_count(struct braid_observer *o, struct braid_observer_count *ret,
			 struct braid_error *err);

/** What braid_observer_times() takes beside the index of a stage. */
#define BRAID_TIMES_WHOLE 0xffffffffu /* from the entry to where the packet left */
#define BRAID_TIMES_CLOCK 0xfffffffeu /* what reading the clock takes: it is in all others */

/** Buckets of struct braid_times. */
#define BRAID_TIMES_BUCKETS 240

/**
 * struct braid_times - nanoseconds of a stage, over all CPUs.
 * @n, @sum: packets, and nanoseconds of all of them.
 * @buckets: packets by nanoseconds: braid_times_bound() has the bounds.
 */
struct braid_times {
	uint64_t n, sum;
	uint64_t buckets[BRAID_TIMES_BUCKETS];
};

/** braid_observer_times() - Return: 0; -EINVAL no such stage; -ENODATA it asked for no times. */
int braid_observer_times(struct braid_observer *o, uint32_t stage, struct braid_times *ret,
			 struct braid_error *err);
/** braid_times_bound() - the smallest number of nanoseconds in @bucket; of 240: above all. */
uint64_t braid_times_bound(unsigned int bucket);
/**
 * braid_times_percentile() - nanoseconds that @percent of the packets did not exceed; by the
 * middle of the bucket, so within 6.3 %. 0: no packets.
 */
uint64_t braid_times_percentile(const struct braid_times *t, double percent);

#ifdef __cplusplus
}
#endif
#endif
