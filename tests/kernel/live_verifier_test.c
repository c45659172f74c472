/* SPDX-License-Identifier: GPL-2.0-only */
/* What the verifier refuses: whose stage it is, where and why; and what auto does about it. */
#include <string.h>

#include "live_common.h"

static const char *refused(const char *name, const char *program)
{
	return live_text("{name: %s, object: %s/live_refused.bpf.o, program: %s}", name,
			 live_objects, program);
}

static void says(const struct run *r, const char *text)
{
	ok(strstr(r->err, text), "the error says '%s': %.400s", text, r->err);
}

/* Out of the packet's bounds, in the second of three stages. */
static void test_bad_stage(const char *strategy)
{
	const char *m = live_manifest("bad.yaml", live_text(ON_R0 "%s", strategy),
				      live_text("%s, %s, %s", live_mark(1, ""),
						refused("blue", "beyond"), live_mark(3, "")));
	_cleanup_run_ struct run r = {}, verbose = {};
	_cleanup_json_ json_t *j = braid_json("apply", m);

	is_int(braid(&r, "apply", m), 1, "'%s': a stage that the verifier refuses", strategy);
	says(&r, "stage blue");
	says(&r, "live_refused.bpf.c:4711");
	says(&r, "invalid access to packet");
	says(&r, "--verbose");
	ok(!strstr(r.err, "processed "), "the log is not shown");
	is_int(braid(&verbose, "apply", "--verbose", m), 1, "--verbose");
	ok(strstr(verbose.err, "processed "), "shows it to the end");
	ok(strlen(verbose.err) > strlen(r.err), "all of it");
	is_str(json_text(j, "error/name"), "EACCES", "for programs: the code");
	ok(strstr(json_text(j, "error/where"), "stage blue"), "where");
	ok(strstr(json_text(j, "error/log"), "invalid access to packet"), "and the log");
	is_str(live_trip(0), "1", "what ran runs");
}

static const char *tiring(const char *strategy)
{
	return live_manifest("tiring.yaml", live_text(ON_R0 "%s", strategy),
			     live_text("%s, %s, %s, %s", live_mark(1, ""), refused("a", "tiring"),
				       refused("b", "tiring"), live_mark(2, "")));
}

/* Two stages, each of which the verifier takes, but not both as one program. */
static void test_too_large(void)
{
	_cleanup_run_ struct run r = {};
	_cleanup_json_ json_t *j = NULL;

	is_int(braid(&r, "apply", tiring(AS_FUSED)), 1, "fused is refused");
	says(&r, "too large");
	says(&r, "use strategy auto or tailcall");
	is_str(live_trip(0), "1", "what ran runs");
	j = braid_json("apply", tiring("strategy: auto, "));
	is_str(json_text(j, "strategy"), "tailcall", "auto takes tail calls");
	ok(strstr(json_text(j, "why"), "fused was refused") &&
		   strstr(json_text(j, "why"), "too large"),
	   "and says why: %s", json_text(j, "why"));
	is_str(live_trip(0), "12", "frames meet all stages");
	is_int(braid(&r, "status"), 0, "status");
	ok(strstr(r.out, "fused was refused"), "tells it, too");
}

/* Three examples whose stacks keep the verifier's states apart until it gives up. */
static void test_clean_stack(void)
{
	const char *m = live_manifest(
		"big.yaml", ON_R0 AS_FUSED,
		live_text("{name: hello, object: %s/hello/hello.bpf.o}, "
			  "{name: guard, object: %s/guard/guard.bpf.o, "
			  "constants: {drop_private: true}}, "
			  "{name: lb, object: %s/lb/lb.bpf.o, constants: {source4: 192.0.2.1}}",
			  live_examples, live_examples, live_examples));
	_cleanup_json_ json_t *j = braid_json("apply", m), *status = braid_json("status");

	is_str(json_text(j, "strategy"), "fused", "they run as one program");
	ok(strstr(json_text(j, "why"), "stack cleaned"), "and it says how: %s",
	   json_text(j, "why"));
	ok(json_number(status, "pipelines/0/programs/0/verified-instructions") < 500000,
	   "far from the verifier's limit");
}

int main(int argc, char **argv)
{
	live_init(argc, argv);
	must_braid("apply", live_manifest("m.yaml", ON_R0, live_marks("1")));
	test_bad_stage("");
	test_bad_stage(AS_FUSED);
	test_bad_stage(AS_TAILS);
	test_too_large();
	test_clean_stack();
	must_braid("delete", "edge");
	return done();
}
