/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens to observers themselves, in words: when they did not look, and where they do. */
#include "base/text.h"
#include "cli/observe.h"

uint64_t look_gap_ns(const struct braid_observer *observer)
{
	struct braid_observer_gaps gaps;

	braid_observer_gaps(observer, &gaps);
	return gaps.last_ns;
}

char *look_gap_text(uint64_t ns)
{
	return text_fmt("nobody looked for %.2f s", ns / 1e9);
}

char *look_gaps_text(const struct braid_observer *observer)
{
	struct braid_observer_gaps gaps;

	braid_observer_gaps(observer, &gaps);
	return gaps.n ? text_fmt(", nobody looked for %.2f s while the pipeline changed",
				 gaps.total_ns / 1e9)
		      : strdup("");
}

int look_gaps_add(const struct braid_observer *observer, json_t *j)
{
	struct braid_observer_gaps gaps;

	braid_observer_gaps(observer, &gaps);
	return json_object_set_new(j, "gaps", json_integer(gaps.n))
		       ?: json_object_set_new(j, "gap-seconds", json_real(gaps.total_ns / 1e9));
}

void look_tell_interfaces(const char *pipeline, const struct braid_observer *observer)
{
	size_t n = braid_observer_interfaces(observer);

	fprintf(stderr, "%s is on %zu interface%s now\n", pipeline, n, n == 1 ? "" : "s");
}
