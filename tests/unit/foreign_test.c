/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program on an interface means for a pipeline there: every hook against every other. */
#include <linux/if_ether.h>
#include <string.h>

#include "live/foreign_means.h"
#include "tap.h"

static struct attached_list all;

static struct attached *add(enum attached_hook hook, __u32 id)
{
	struct attached at = {.hook = hook, .is = {.prog_id = id}};

	if (!array_add(&all.list, at))
		bail_out("no memory");
	return &all.list.v[all.list.n - 1];
}

static void add_filter(enum attached_hook hook, __u32 id, __u32 chain)
{
	struct attached *at = add(hook, id);

	at->is.clsact = true;
	at->is.chain = chain;
}

/* What program @id means for the pipeline begins with @want. */
static void means(const struct foreign_view *view, __u32 id, const char *want)
{
	size_t own = foreign_index(view, &all);

	for (size_t i = 0; i < all.list.n; i++) {
		char *text;

		if (all.list.v[i].is.prog_id != id)
			continue;
		text = foreign_means(view, own, &all, i);
		ok(text && strncmp(text, want, strlen(want)) == 0, "%u: '%s…' is '%s'", id, want,
		   text ? text : "");
		free(text);
		return;
	}
	ok(false, "there is no %u", id);
}

/* One or two of each, in the order in which they are read. */
static void fill(void)
{
	add(ATTACHED_HARDWARE, 1);
	add(ATTACHED_NETKIT_PEER, 2);
	add(ATTACHED_XDP, 3);
	add(ATTACHED_TC_INGRESS, 4);
	add(ATTACHED_TC_INGRESS, 5);
	add_filter(ATTACHED_TC_INGRESS, 6, 0);
	add_filter(ATTACHED_TC_INGRESS, 7, 9);
	add(ATTACHED_TC_EGRESS, 8);
	add_filter(ATTACHED_TC_EGRESS, 9, 0);
	add(ATTACHED_NETKIT_PRIMARY, 10);
}

#define LIST_BEFORE "runs before this pipeline, which sees only what that leaves undecided"
#define LIST_AFTER  "runs after this pipeline, on what all before it leave undecided"
#define BEFORE      "runs before this pipeline, which never sees what that drops"
#define AFTER       "runs after this pipeline, on what that passes"

static void test_xdp(void)
{
	struct foreign_view view = {.hook = HOOK_XDP};

	means(&view, 1, BEFORE);
	means(&view, 2, BEFORE);
	means(&view, 3, "holds the hook: apply needs --replace");
	means(&view, 4, AFTER);
	means(&view, 6, AFTER);
	means(&view, 7, "in chain 9");
	means(&view, 8, "sees what is sent");
	means(&view, 10, "sees what is sent");
	view.replace = true;
	means(&view, 3, "holds the hook: apply replaces it");
	view.replace = false;
	strcpy(all.list.v[2].is.name, "xdp_dispatcher");
	means(&view, 3, "libxdp's dispatcher holds the hook: apply needs `strategy: dispatcher`");
	view.joins = true;
	means(&view, 3, "libxdp's dispatcher: this pipeline joins it");
	view.closed = "it has no BTF";
	means(&view, 3, "libxdp's dispatcher holds the hook, and takes nobody in (it has no BTF)");
	view.attached = true;
	means(&view, 3, "libxdp's dispatcher, in which this pipeline is");
}

static void test_ingress(void)
{
	struct foreign_view view = {.hook = HOOK_TC_INGRESS};

	means(&view, 1, BEFORE);
	means(&view, 2, BEFORE);
	means(&view, 3, BEFORE);
	means(&view, 4, LIST_BEFORE);
	means(&view, 5, LIST_BEFORE);
	means(&view, 6, LIST_AFTER);
	means(&view, 9, "sees what is sent");
	view.place.position = TC_FIRST;
	means(&view, 3, BEFORE);
	means(&view, 4, LIST_AFTER);
	view.place = (struct tc_place){.position = TC_BEFORE, .relative = 5};
	means(&view, 4, LIST_BEFORE);
	means(&view, 5, LIST_AFTER);
	view.place.position = TC_AFTER;
	view.place.relative = 4;
	means(&view, 4, LIST_BEFORE);
	means(&view, 5, LIST_AFTER);
	view = (struct foreign_view){.hook = HOOK_TC_INGRESS, .clsact = true};
	means(&view, 5, LIST_BEFORE);
	means(&view, 6, LIST_BEFORE);
	view.place.position = TC_FIRST;
	means(&view, 5, LIST_BEFORE);
	means(&view, 6, LIST_AFTER);
}

static void test_out(void)
{
	struct foreign_view view = {.hook = HOOK_TC_EGRESS};

	means(&view, 3, "sees what is received");
	means(&view, 8, LIST_BEFORE);
	means(&view, 9, LIST_AFTER);
	means(&view, 10, AFTER);
	view.hook = HOOK_NETKIT_PRIMARY;
	means(&view, 2, "sees what is received");
	means(&view, 8, BEFORE);
	means(&view, 9, BEFORE);
	means(&view, 10, LIST_BEFORE);
	view.hook = HOOK_NETKIT_PEER;
	means(&view, 1, BEFORE);
	means(&view, 2, LIST_BEFORE);
	means(&view, 3, AFTER);
	means(&view, 10, "sees what is sent");
}

int main(void)
{
	fill();
	test_xdp();
	test_ingress();
	test_out();
	attached_done(&all);
	return done();
}
