/* SPDX-License-Identifier: GPL-2.0-only */
#include "seen.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "wait.h"

void seen_apply(const char *pipeline)
{
	const char *path = live_manifest(
		"edge.yaml", pipeline,
		live_text("{name: guard, object: %s/guard/guard.bpf.o}, "
			  "{name: acl, object: %s/acl/acl.bpf.o, maps: {rules4: {entries: "
			  "[{key: 203.0.113.0/24, value: {action: 1, hits: 1}}]}}}, "
			  "{name: lb, object: %s/lb/lb.bpf.o, "
			  "constants: {source4: 192.0.2.1, table_size: 1}, maps: {"
			  "vips: {entries: [{key: {address: '::ffff:192.0.2.10', port: 80, "
			  "protocol: 6}, value: 0}]}, tables: {entries: [{value: 0}]}, "
			  "backends: {entries: [{value: {address: '::ffff:198.51.100.11', "
			  "mac: '02:00:00:00:00:11'}}]}}}",
			  live_examples, live_examples, live_examples));

	must_braid("apply", path);
}

struct pkt seen_frame(enum flow flow)
{
	struct pkt p = {};

	pkt_eth(&p);
	pkt_ip4(&p, flow == FLOW_DENIED ? "203.0.113.9" : "198.18.0.1",
		flow == FLOW_OTHER ? "192.0.2.99" : "192.0.2.10");
	if (flow == FLOW_OTHER)
		pkt_udp(&p, 1000, 53);
	else
		pkt_tcp(&p, 1000, 80, 2);
	pkt_payload(&p, NULL, 100);
	pkt_finish(&p);
	return p;
}

void seen_send(enum flow flow, unsigned int n)
{
	_cleanup_close_ int wire = wire_open("left", "l0");
	struct pkt p = seen_frame(flow);

	while (n--)
		wire_send(wire, p.data, p.len);
}

int seen_looking(void)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *list = json_at(status, "pipelines/0/observed/observers"), *o;
	int n = 0;
	size_t i;

	json_array_foreach (list, i, o)
		n += json_is_true(json_object_get(o, "looks"));
	return n;
}

int seen_worker(int i)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");

	return json_number(status, live_text("pipelines/0/observed/observers/%d/pid", i));
}

void seen_start_argv(struct run *r, int observers, const char *const argv[])
{
	run_start(r, argv);
	if (wait_until(seen_looking() == observers, SEEN_MS))
		return;
	seen_end(r, SIGKILL);
	bail_out("%s does not look: %s%s", argv[1], r->out, r->err);
}

size_t seen_lines(const struct run *r)
{
	char part[4096];
	size_t lines = 0;
	ssize_t n;

	for (off_t at = 0; (n = pread(r->out_fd, part, sizeof(part), at)) > 0; at += n)
		for (ssize_t i = 0; i < n; i++)
			lines += part[i] == '\n';
	return lines;
}

bool seen_wait(const struct run *r, size_t lines)
{
	return wait_until(seen_lines(r) >= lines, SEEN_MS);
}

int seen_end(struct run *r, int signal)
{
	kill(r->pid, signal);
	return run_wait(r);
}

json_t *seen_json(const struct run *r, size_t i)
{
	const char *line = r->out;
	json_error_t where;
	json_t *j;

	while (i-- && line)
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
	j = line ? json_loads(line, JSON_DISABLE_EOF_CHECK, &where) : NULL;
	if (!j)
		bail_out("no such line of JSON: %s%s", r->out, r->err);
	return j;
}
