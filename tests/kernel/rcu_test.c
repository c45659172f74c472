/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for programs that run: whoever has waited finds none that had begun before. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/rcu.h"
#include "kernel/testrun.h"
#include "kernel_common.h"
#include "wait.h"

/*
 * Counts `started` up, looks up a huge key very often, counts `finished` up. It spends
 * milliseconds in one run, nearly all of them between the two.
 */
static int slow_program(int counts, int hash)
{
	enum { KEY = 480, ROUNDS = 6000 };
	struct bpf_insn insns[KEY / 8 + 40];
	size_t n = 0, top, jump;

#define EMIT(...) (insns[n++] = __VA_ARGS__)
#define COUNT_UP(offset)                                                                           \
	do {                                                                                       \
		EMIT(INSN(BPF_LD | BPF_IMM | BPF_DW, 6, BPF_PSEUDO_MAP_VALUE, 0, counts));         \
		EMIT(INSN(0, 0, 0, 0, offset));                                                    \
		EMIT(LOAD(7, 6, 0));                                                               \
		EMIT(ADD(7, 1));                                                                   \
		EMIT(STORE(6, 0, 7));                                                              \
	} while (0)
	for (int at = -KEY; at < 0; at += 8)
		EMIT(INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, at, 0));
	COUNT_UP(0);
	EMIT(MOV(8, 0));
	top = n;
	EMIT(INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, hash));
	EMIT(INSN(0, 0, 0, 0, 0));
	EMIT(MOV_REG(2, 10));
	EMIT(ADD(2, -KEY));
	EMIT(CALL(BPF_FUNC_map_lookup_elem));
	EMIT(ADD(8, 1));
	jump = n;
	EMIT(INSN(BPF_JMP | BPF_JLT | BPF_K, 8, 0, (short)(top - jump - 1), ROUNDS));
	COUNT_UP(8);
	EMIT(MOV(0, XDP_PASS));
	EMIT(EXIT());
#undef COUNT_UP
#undef EMIT
	return load("slow", insns, n);
}

struct slow {
	int prog;
	atomic_bool stop;
	int failed;
};

static void *run_slow(void *arg)
{
	_cleanup_error_ struct braid_error own = BRAID_ERROR_INIT;
	struct testrun_result result;
	struct slow *slow = arg;
	char packet[64] = {};
	struct testrun run = {.packet = packet, .size = sizeof(packet)};

	while (!atomic_load(&slow->stop))
		slow->failed |= testrun_packet(slow->prog, &run, &result, &own);
	return NULL;
}

static void read_counts(int map, __u64 ret[2])
{
	__u32 key = 0;

	if (bpf_map_lookup_elem(map, &key, ret))
		bail_out("reading counts");
}

/* Return: how often a run that had begun before the call was not over after it. */
static int count_early_returns(void)
{
	_cleanup_close_ int counts = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4, 16, 1, NULL);
	_cleanup_close_ int hash = bpf_map_create(BPF_MAP_TYPE_HASH, "hash", 480, 4, 1, NULL);
	_cleanup_close_ int prog = slow_program(counts, hash);
	struct slow slow = {.prog = prog};
	long long until = now_ms() + 10000;
	int early = 0, caught = 0;
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_slow, &slow))
		bail_out("pthread_create");
	while (caught < 10 && now_ms() < until) {
		__u64 before[2], after[2];

		read_counts(counts, before);
		caught += before[0] > before[1];
		if (kernel_sync_rcu(&err))
			early = -1000;
		read_counts(counts, after);
		early += after[1] < before[0];
	}
	atomic_store(&slow.stop, true);
	pthread_join(thread, NULL);
	is_int(caught, 10, "ten calls while the program was running");
	is_int(slow.failed, 0, "and its runs succeeded");
	return early;
}

#define NO_SECCOMP 77 /* the kernel is one without CONFIG_SECCOMP_FILTER */

/* In a child: membarrier(2) as a nohz_full kernel answers it. */
static int sync_without_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {COUNT(code), code};

	if (freopen("/dev/null", "w", stdout) == NULL || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 100;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return errno == EINVAL ? NO_SECCOMP : 100;
	if (syscall(SYS_membarrier, 0, 0, 0) != -1)
		return 101;
	return count_early_returns() ? 1 : 0;
}

static void test_rcu(void)
{
	int r;

	is_int(count_early_returns(), 0, "no call returned before a running program did");
	r = in_child(sync_without_membarrier);
	if (r == NO_SECCOMP)
		skip("the kernel cannot refuse membarrier: it has no CONFIG_SECCOMP_FILTER");
	else
		is_int(r, 0, "nor where membarrier is refused");
}

int main(void)
{
	kernel_test_begin();
	test_rcu();
	return kernel_test_end();
}
