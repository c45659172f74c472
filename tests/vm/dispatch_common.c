/* SPDX-License-Identifier: GPL-2.0-only */
#include "dispatch_common.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "dispatch_frame.h"
#include "kernel/bpffs.h"
#include "kernel/iface.h"
#include "net.h"
#include "run.h"
#include "wait.h"

const char *dispatch_tool, *dispatch_objects;

enum { ARRIVES_MS = 20000 }; /* only what does not arrive takes that long */

static char *next_text(void)
{
	static char texts[8][4096];
	static int next;
	char *text = texts[next++ % 8];

	*text = '\0';
	return text;
}

static void append(char *text, const char *fmt, ...)
{
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text + n, 4096 - n, fmt, ap) >= (int)(4096 - n))
		bail_out("text too long");
	va_end(ap);
}

void dispatch_init(int argc, char **argv)
{
	if (argc < 3)
		bail_out("usage: %s TOOL OBJECTS", argv[0]);
	dispatch_tool = argv[1];
	dispatch_objects = argv[2];
	net_init();
	net_veth(NULL, DISPATCH_IF, NULL, "d1");
}

const char *dispatch_object(const char *name)
{
	char *path = next_text();

	append(path, "%s/dispatch_%s.bpf.o", dispatch_objects, name);
	return path;
}

/* The only program of an object. */
static struct bpf_program *as_component(struct bpf_object *o, struct addition *a)
{
	struct bpf_program *p = bpf_object__next_program(o, NULL);
	__u32 frags = 1u << 5; /* BPF_F_XDP_HAS_FRAGS */

	/* libbpf sets the flag from the section's name, when it loads; not for this type */
	if (text_eq(bpf_program__section_name(p), "xdp.frags"))
		a->slot.flags = frags;
	bpf_program__set_type(p, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(p, 0);
	return p;
}

static int make_scratch(bool frags, __u32 bound_to, int *ret, struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;

	if (!bound_to)
		return dispatch_scratch(frags, ret, err);
	return netns_open(NULL, &ns, err) ?: dispatch_scratch_bound(&ns, bound_to, frags, ret, err);
}

int dispatch_component(const char *objects, const char *name, __u32 bound_to, struct addition *ret,
		       struct braid_error *err)
{
	char path[512];
	struct addition a = {.slot = {.priority = 50, .actions = 1u << XDP_PASS}};
	_cleanup_close_ int scratch = -1;
	struct bpf_program *p;
	struct bpf_object *o;
	int r;

	snprintf(path, sizeof(path), "%s/dispatch_%s.bpf.o", objects, name);
	o = bpf_object__open_file(path, NULL);
	if (!o)
		return error_errno(err, -errno, path, "cannot open a test's object");
	p = as_component(o, &a);
	r = make_scratch(a.slot.flags, bound_to, &scratch, err);
	if (bound_to)
		a.slot.flags |= 1u << 6; /* BPF_F_XDP_DEV_BOUND_ONLY */
	if (!r) {
		bpf_program__set_attach_target(p, scratch, "prog0");
		r = bpf_object__load(o);
		if (r)
			error_errno(err, r, path, "cannot load a test's object");
	}
	if (!r) {
		a.fd = dup(bpf_program__fd(p));
		a.name = strdup(bpf_program__name(p));
		*ret = a;
	}
	bpf_object__close(o);
	return r;
}

/* An edit under construction. */
struct words {
	struct dispatch_edit edit;
	struct addition add[16];
	__u32 remove[16];
	struct resetting set[16];
};

static void find_by_name(const struct dispatcher *now, const char *name, __u32 *ids, size_t *n)
{
	size_t before = *n;

	array_foreach (c, &now->components)
		if (text_eq(c->name, name))
			ids[(*n)++] = c->id;
	/* so that the library has something to refuse */
	if (*n == before)
		ids[(*n)++] = 0xffffffff;
}

static void set_one(struct words *w, const struct dispatcher *now, const char *word)
{
	struct resetting *set = &w->set[w->edit.n_set];
	char name[128];
	__u32 ids[16];
	size_t n = 0;

	*set = (struct resetting){.set_priority = true, .set_actions = true};
	if (sscanf(word, "=%127[^:]:%u:%u", name, &set->priority, &set->actions) != 3)
		bail_out("what is %s?", word);
	find_by_name(now, name, ids, &n);
	set->id = ids[0];
	w->edit.n_set++;
}

static int add_one(struct words *w, const char *objects, const char *word, __u32 bound_to,
		   struct braid_error *err)
{
	struct addition *a = &w->add[w->edit.n_add];
	__u32 priority, actions;
	char name[128];
	int r;

	if (sscanf(word + 1, "%127[^:]:%u:%u", name, &priority, &actions) != 3)
		bail_out("what is %s?", word);
	r = dispatch_component(objects, name, bound_to, a, err);
	if (r)
		return r;
	a->slot.priority = priority;
	a->slot.actions = actions;
	w->edit.n_add++;
	return 0;
}

static int read_word(struct words *w, const struct dispatcher *now, __u32 ifindex,
		     const char *objects, const char *word, struct braid_error *err)
{
	switch (*word) {
	case '+':
		return add_one(w, objects, word, 0, err);
	case '@':
		return add_one(w, objects, word, ifindex, err);
	case '-':
		find_by_name(now, word + 1, w->remove, &w->edit.n_remove);
		return 0;
	case '=':
		set_one(w, now, word);
		return 0;
	case 'g':
		w->edit.mode = XDP_GENERIC;
		return 0;
	case 'v':
		w->edit.version = strtoul(word + 1, NULL, 10);
		return 0;
	}
	bail_out("what is %s?", word);
}

static int look(const struct netns *ns, __u32 ifindex, struct dispatcher *ret,
		struct braid_error *err)
{
	_cleanup_free_ char *bpffs = NULL;

	return dispatch_bpffs(&bpffs, err) ?: dispatcher_read(ns, ifindex, bpffs, ret, err);
}

int dispatch_edit_words(const char *ifname, const char *const *words, const char *objects,
			__u32 *ret_id, struct braid_error *err)
{
	_cleanup_netns_ struct netns ns = NETNS_INIT;
	_cleanup_(dispatcher_done) struct dispatcher now = DISPATCHER_NONE;
	struct words w = {.edit = {.add = w.add, .remove = w.remove, .set = w.set}};
	__u32 ifindex;
	int r = netns_open(NULL, &ns, err);

	r = r ?: iface_index(&ns, ifname, &ifindex, err);
	r = r ?: look(&ns, ifindex, &now, err);
	for (; *words && !r; words++)
		r = read_word(&w, &now, ifindex, objects, *words, err);
	r = r ?: dispatch_change(&ns, ifindex, &w.edit, ret_id, err);
	for (size_t i = 0; i < w.edit.n_add; i++) {
		close(w.add[i].fd);
		free((char *)w.add[i].name);
	}
	return r;
}

static void tell(const struct braid_error *err)
{
	diag("%s: %s: %s (%s)", err->where ?: "", err->what ?: "", err->why ?: "", err->hint ?: "");
	if (err->log)
		diag("%s", err->log);
}

__u32 dispatch_must_edit(const char *const *words, const char *file, int line)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	__u32 id = 0;
	int r = dispatch_edit_words(DISPATCH_IF, words, dispatch_objects, &id, &err);

	if (r)
		tell(&err);
	tap_is_int(r, 0, file, line, "edit %s%s%s", words[0] ?: "", words[0] ? " " : "",
		   words[0] && words[1] ? words[1] : "");
	return id;
}

int dispatch_edit_error(const char *says, const char *const *words)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	int r = dispatch_edit_words(DISPATCH_IF, words, dispatch_objects, NULL, &err);
	char text[1024];

	snprintf(text, sizeof(text), "%s: %s: %s (%s)", err.where ?: "", err.what ?: "",
		 err.why ?: "", err.hint ?: "");
	if (!strstr(text, says))
		diag("'%s' is not in: %s", says, text);
	return strstr(text, says) ? r : 0;
}

__u32 dispatch_ifindex(void)
{
	return net_ifindex(NULL, DISPATCH_IF);
}

void dispatch_look(struct dispatcher *ret)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;
	_cleanup_netns_ struct netns ns = NETNS_INIT;

	if (netns_open(NULL, &ns, &err) || look(&ns, dispatch_ifindex(), ret, &err)) {
		tell(&err);
		bail_out("cannot read what is on " DISPATCH_IF);
	}
}

static const char *const verdicts[] = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
				       "XDP_REDIRECT"};

const char *seen_by_us(void)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	char *text = next_text();

	dispatch_look(&d);
	if (d.state != DISPATCHER_SOUND && d.state != DISPATCHER_ABSENT)
		append(text, "state %d: %s\n", d.state, d.why ?: "");
	array_foreach (c, &d.components) {
		const char *comma = "";

		append(text, "%u %s %u ", c->slot.priority, c->name, c->id);
		for (int v = 0; v < 5; v++) {
			if (!(c->slot.actions & 1u << v))
				continue;
			append(text, "%s%s", comma, verdicts[v]);
			comma = ",";
		}
		append(text, "\n");
	}
	return text;
}

/* " =>   50   mark_a    12  0123456789abcdef  XDP_PASS" */
static void read_row(char *text, const char *row)
{
	char name[128], tag[32], actions[128] = "";
	unsigned int priority, id;
	int n = sscanf(row, " => %u %127s %u %31s %127s", &priority, name, &id, tag, actions);

	if (n >= 4)
		append(text, "%u %s %u %s\n", priority, name, id, actions);
}

const char *seen_by_them(void)
{
	_cleanup_run_ struct run r = {};
	char *text = next_text(), *rest, *row;

	run(&r, "xdp-loader", "status", DISPATCH_IF);
	rest = r.out;
	while ((row = strsep(&rest, "\n")))
		read_row(text, row);
	if (r.status || strstr(r.err, "legacy"))
		append(text, "status %d: %s", r.status, r.err);
	return text;
}

const char *names_now(void)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	char *text = next_text();

	dispatch_look(&d);
	array_foreach (c, &d.components)
		append(text, "%s%s", *text ? " " : "",
		       text_has_prefix(c->name, "mark_") ? c->name + 5 : c->name);
	return text;
}

const char *met_by_packets(const char *asks)
{
	_cleanup_(dispatcher_done) struct dispatcher d = DISPATCHER_NONE;
	__u8 frame[FRAME_SIZE] = {}, out[FRAME_SIZE];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .data_out = out, .data_size_out = sizeof(out));
	char *text = next_text();

	dispatch_look(&d);
	if (d.fd < 0)
		return "";
	for (; asks && asks[0] && asks[1]; asks += 2)
		frame[FRAME_ASKS + asks[0] - 'a'] = asks[1] - '0' + 1;
	if (bpf_prog_test_run_opts(d.fd, &run))
		bail_out("running the dispatcher: %s", strerror(errno));
	for (int i = 0; i < out[FRAME_SIGNED] && i < FRAME_MOST; i++)
		append(text, "%s%c", i ? " " : "", out[FRAME_MARKS + i]);
	if (run.retval != XDP_PASS)
		append(text, " =%u", run.retval);
	return text;
}

const char *met_by_frames(void)
{
	_cleanup_close_ int in = wire_open(NULL, "d1");
	_cleanup_close_ int out = wire_open(NULL, DISPATCH_IF);
	__u8 frame[FRAME_SIZE] = {[12] = 0x88, [13] = 0xb5}, got[2048];
	char *text = next_text();

	wire_send(in, frame, sizeof(frame));
	if (wire_recv(out, got, sizeof(got), ARRIVES_MS) != sizeof(frame))
		return "lost";
	for (int i = 0; i < got[FRAME_SIGNED] && i < FRAME_MOST; i++)
		append(text, "%s%c", i ? " " : "", got[FRAME_MARKS + i]);
	return text;
}

int dispatch_xdp_loader(const char *const *argv)
{
	_cleanup_run_ struct run r = {};

	run_start(&r, argv);
	if (run_wait(&r))
		diag("xdp-loader %s: %d: %s%s", argv[1], r.status, r.out, r.err);
	return r.status;
}

static int folders, pins;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	folders += kind == FTW_D && at->level == 1;
	pins += kind == FTW_F;
	return 0;
}

static void count(void)
{
	char path[512];

	folders = pins = 0;
	snprintf(path, sizeof(path), "%s/xdp", getenv("BRAID_BPFFS"));
	if (nftw(path, visit, 8, FTW_PHYS) && errno != ENOENT)
		bail_out("walking bpffs: %s", strerror(errno));
}

int dispatch_folders(void)
{
	count();
	return folders;
}

int dispatch_pins(void)
{
	count();
	return pins;
}
