/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_rollout.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#include "wait.h"

enum { DEADLINE_MS = 20000 };

void rollout_open_flood(void)
{
	struct rollout_frame frame = {
		.destination_mac = {2, 0, 0, 0, 0, 2},
		.source_mac = {2, 0, 0, 0, 0, 1},
		.ethertype = htons(0x0800),
		.version = 0x45,
		.length = htons(sizeof(frame) - 14),
		.ttl = 64,
		.protocol = 17,
		.destination = htonl(0x0a010001),
		.destination_port = htons(53),
		.udp_length = htons(sizeof(frame) - 34),
	};

	live_flood_open("rollout_send", &frame, sizeof(frame));
}

const char *rollout_object(int version)
{
	return live_text("%s/rollout_stage%d.bpf.o", live_objects, version);
}

void rollout_apply(const char *strategy)
{
	must_braid("apply", live_manifest("rollout.yaml", live_text(ON_R0 "%s", strategy),
					  live_text("{name: s, object: %s}, {name: z, object: %s}",
						    rollout_object(0), rollout_object(0))));
}

int rollout_map(const char *stage, const char *map)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (!strcmp(json_text(m, "name"), map) && !strcmp(json_text(m, "stage"), stage))
			return bpf_obj_get(json_text(m, "pin"));
	}
	return -1;
}

static long long read_packets(int map, __u32 version)
{
	__u64 n = 0;

	return map < 0 || bpf_map_lookup_elem(map, &version, &n) ? -1 : (long long)n;
}

long long rollout_packets(const char *stage, int version)
{
	_cleanup_close_ int map = rollout_map(stage, "packets");

	return read_packets(map, version);
}

bool rollout_send(unsigned int n)
{
	_cleanup_close_ int map = rollout_map("z", "packets");
	long long came = read_packets(map, 0), before = live_flood_sent(), sent;

	live_flood_send(n);
	sent = live_flood_sent() - before;
	if (wait_until(read_packets(map, 0) - came >= sent, DEADLINE_MS))
		return true;
	diag("of %lld frames %lld came to z", sent, read_packets(map, 0) - came);
	return false;
}

const char *rollout_state(void)
{
	_cleanup_json_ json_t *status = braid_json("rollout", "status", "edge");

	return live_text("%s", json_text(status, "state"));
}

long long rollout_step_number(void)
{
	_cleanup_json_ json_t *status = braid_json("rollout", "status", "edge");

	return json_number(status, "step");
}
