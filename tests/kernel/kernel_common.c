/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel_common.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "net.h"

struct braid_error err;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

void kernel_test_begin(void)
{
	net_init();
	libbpf_set_print(quiet);
	net_add("red");
	net_add("blue");
	net_veth("red", "veth0", "blue", "veth0");
}

int kernel_test_end(void)
{
	braid_error_clear(&err);
	return done();
}

struct netns must_open(const char *name)
{
	struct netns ns;

	if (netns_open(name, &ns, &err))
		bail_out("%s", err.what);
	return ns;
}

int load(const char *name, const struct bpf_insn *insns, size_t n)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", insns, n, NULL);

	if (fd < 0)
		bail_out("loading %s: %s", name, strerror(-fd));
	return fd;
}

int verdict_program(const char *name, int verdict)
{
	const struct bpf_insn insns[] = {MOV(0, verdict), EXIT()};

	return load(name, insns, COUNT(insns));
}

const char *error_all(void)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s|%s|%s|%s", err.where ?: "", err.what ?: "", err.why ?: "",
		 err.hint ?: "");
	return text;
}

int in_child(int (*body)(void))
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		/* no leak check for what the parent owns */
		_exit(body());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
