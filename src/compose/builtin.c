/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Objects that came into the library when it was built (builtin.S). */
#include "compose/builtin.h"

#include "manifest/hook.h"

#define EMBEDDED(name) extern const char builtin_##name[], builtin_##name##_end[]

EMBEDDED(classify);
EMBEDDED(rollout);
EMBEDDED(observe);
EMBEDDED(classify_tc);
EMBEDDED(rollout_tc);
EMBEDDED(observe_tc);

const char *const builtin_classifiers[] = {
	[FIELD_ETHERTYPE] = "braid_ethertype",
	[FIELD_VLAN] = "braid_vlan",
	[FIELD_PROTOCOL] = "braid_protocol",
	[FIELD_DSCP] = "braid_dscp",
	[FIELD_DESTINATION_PORT] = "braid_destination_port",
	[FIELD_RESULT] = NULL,
};

const char *const builtin_keys[] = {
	[ROLLOUT_FLOW] = "braid_by_flow",
	[ROLLOUT_SOURCE] = "braid_by_source",
	[ROLLOUT_RANDOM] = "braid_by_random",
};

enum builtin builtin_for(enum builtin which, enum hook hook)
{
	return hook_facts(hook)->is_tc ? BUILTIN_CLASSIFY_TC + which : which;
}

int builtin_unit(enum builtin which, struct unit **ret, struct braid_error *err)
{
	const struct {
		const char *name, *start, *end;
	} objects[] = {
		[BUILTIN_CLASSIFY] = {"braid:classify", builtin_classify, builtin_classify_end},
		[BUILTIN_ROLLOUT] = {"braid:rollout", builtin_rollout, builtin_rollout_end},
		[BUILTIN_OBSERVE] = {"braid:observe", builtin_observe, builtin_observe_end},
		[BUILTIN_CLASSIFY_TC] = {"braid:classify", builtin_classify_tc,
					 builtin_classify_tc_end},
		[BUILTIN_ROLLOUT_TC] = {"braid:rollout", builtin_rollout_tc,
					builtin_rollout_tc_end},
		[BUILTIN_OBSERVE_TC] = {"braid:observe", builtin_observe_tc,
					builtin_observe_tc_end},
	};

	return unit_read(objects[which].start, objects[which].end - objects[which].start,
			 objects[which].name, ret, err);
}
