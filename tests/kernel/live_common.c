/* SPDX-License-Identifier: GPL-2.0-only */
#include "live_common.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <ftw.h>
#include <linux/if_ether.h>
#include <stdarg.h>
#include <string.h>

#include "wait.h"

const char *live_braid, *live_objects, *live_examples;

static int wires[2][2]; /* [number][left, right] */

enum { ARRIVES_MS = 60000 }; /* only what does not arrive takes that long */

/* An interface sends nothing before the kernel has found, somewhat later, that it is up. */
static bool is_up(const char *ns, const char *ifname)
{
	_cleanup_run_ struct run r = {};

	return !run(&r, "ip", "-n", ns, "-o", "link", "show", ifname) && strstr(r.out, "state UP");
}

void live_plug(int wire)
{
	const char *const names[][2] = {{"l0", "r0"}, {"l1", "r1"}};

	for (int i = 0; i < 2; i++)
		if (wires[wire][i])
			close(wires[wire][i]);
	net_veth("left", names[wire][0], "right", names[wire][1]);
	if (!wait_until(is_up("left", names[wire][0]), ARRIVES_MS))
		bail_out("%s is not up", names[wire][0]);
	wires[wire][0] = wire_open("left", names[wire][0]);
	wires[wire][1] = wire_open("right", names[wire][1]);
}

void live_init(int argc, char **argv)
{
	if (argc < 4)
		bail_out("usage: %s BRAID OBJECTS EXAMPLES", argv[0]);
	live_braid = argv[1];
	live_objects = argv[2];
	live_examples = argv[3];
	net_init();
	net_add("left");
	net_add("right");
	live_plug(0);
	live_plug(1);
}

json_t *live_json(const char *const argv[])
{
	_cleanup_run_ struct run r = {};
	json_error_t where;
	json_t *j;

	run_start(&r, argv);
	run_wait(&r);
	j = json_loads(r.out, 0, &where);
	if (!j)
		bail_out("braid %s --json: status %d, %s: %s%s", argv[1], r.status, where.text,
			 r.out, r.err);
	return j;
}

json_t *live_status(void)
{
	json_t *status = braid_json("status"), *p;
	size_t i;

	json_array_foreach (json_object_get(status, "pipelines"), i, p)
		json_object_del(p, "counters");
	/* of all the machine, which is not ours alone */
	json_object_del(status, "dispatchers");
	return status;
}

json_t *json_at(json_t *j, const char *path)
{
	char copy[256], *rest = copy, *part;

	snprintf(copy, sizeof(copy), "%s", path);
	while (j && (part = strsep(&rest, "/")))
		j = json_is_array(j) ? json_array_get(j, strtoul(part, NULL, 10))
				     : json_object_get(j, part);
	return j;
}

const char *json_text(json_t *j, const char *path)
{
	return json_string_value(json_at(j, path)) ?: "";
}

long long json_number(json_t *j, const char *path)
{
	json_t *value = json_at(j, path);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *live_write(const char *name, const char *fmt, ...)
{
	static char paths[8][256];
	static int next;
	char *path = paths[next++ % 8];
	FILE *f;
	va_list ap;

	snprintf(path, sizeof(paths[0]), "%s/%s", net_scratch(), name);
	f = fopen(path, "we");
	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	if (fclose(f))
		bail_out("%s: %s", path, strerror(errno));
	return path;
}

const char *live_manifest(const char *name, const char *pipeline, const char *stages)
{
	return live_write(name,
			  "braid: 1\n"
			  "pipelines:\n"
			  "  - {name: edge, hook: xdp, %sstages: [%s]}\n",
			  pipeline, stages);
}

const char *live_text(const char *fmt, ...)
{
	static char texts[16][1024];
	static int next;
	char *text = texts[next++ % 16];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(texts[0]), fmt, ap) >= (int)sizeof(texts[0]))
		bail_out("text too long: %s", fmt);
	va_end(ap);
	return text;
}

const char *live_mark(int id, const char *more)
{
	return live_text("{name: m%d, object: %s/live_mark.bpf.o, constants: {id: %d}%s}", id,
			 live_objects, id, more);
}

const char *live_marks(const char *ids)
{
	static char texts[4][2048];
	static int next;
	char *text = texts[next++ % 4];
	size_t n = 0;

	for (const char *id = ids; *id; id += strcspn(id, ","), id += *id == ',')
		n += snprintf(text + n, sizeof(texts[0]) - n, "%s%s", n ? ", " : "",
			      live_mark(atoi(id), ""));
	return text;
}

static void make_frame(__u8 *frame, __u16 ethertype, int id, int verdict)
{
	struct ethhdr *eth = (void *)frame;

	for (int i = FRAME_ASKS + FRAME_IDS; i < FRAME_SIZE; i++)
		frame[i] = i;
	memset(frame, 2, 2 * ETH_ALEN);
	eth->h_proto = htons(ethertype);
	if (id)
		frame[FRAME_ASKS + id] = verdict;
}

const char *live_trip_asking(int wire, int id, int verdict)
{
	static char marks[FRAME_IDS + 1];
	__u8 sent[FRAME_SIZE] = {}, follower[FRAME_SIZE] = {}, got[2048];
	int in = wires[wire][0], out = wires[wire][1];
	size_t n;

	make_frame(sent, FRAME_TYPE, id, verdict);
	make_frame(follower, FRAME_FOLLOWER, 0, 0);
	wire_send(in, sent, sizeof(sent));
	wire_send(in, follower, sizeof(follower));
	if (wire_recv(out, got, sizeof(got), ARRIVES_MS) != FRAME_SIZE)
		return "lost";
	if (!memcmp(got, follower, FRAME_SIZE))
		return "dropped";
	n = got[FRAME_SIGNED] % FRAME_IDS;
	for (size_t i = 0; i < n; i++)
		marks[i] = "0123456789abcdef"[got[FRAME_MARKS + i] % 16];
	marks[n] = '\0';
	got[FRAME_SIGNED] = 0;
	memset(got + FRAME_MARKS, 0, n);
	if (memcmp(got, sent, FRAME_SIZE))
		return "changed";
	if (wire_recv(out, got, sizeof(got), ARRIVES_MS) != FRAME_SIZE ||
	    memcmp(got, follower, FRAME_SIZE))
		return "lost";
	return marks;
}

bool live_is_lost(int wire)
{
	__u8 frame[FRAME_SIZE] = {}, follower[FRAME_SIZE] = {};
	const char *ifname = live_text("r%d", wire);
	__u64 before = net_stats("right", ifname).rx_packets;

	make_frame(frame, FRAME_TYPE, 0, 0);
	make_frame(follower, FRAME_FOLLOWER, 0, 0);
	wire_send(wires[wire][0], frame, sizeof(frame));
	wire_send(wires[wire][0], follower, sizeof(follower));
	return wait_until(net_stats("right", ifname).rx_packets - before >= 2, ARRIVES_MS) &&
	       !wire_count(wires[wire][1], 0, 0);
}

void live_drain(int wire)
{
	wire_count(wires[wire][1], 0, 0);
}

static const char *find_pin(json_t *status, const char *stage, const char *map)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_at(status, "pipelines/0/maps"), i, m) {
		if (!strcmp(json_text(m, "stage"), stage) && !strcmp(json_text(m, "name"), map))
			return json_text(m, "pin");
	}
	return NULL;
}

long long live_count(const char *stage, const char *map)
{
	_cleanup_json_ json_t *status = braid_json("status", "edge");
	const char *pin = find_pin(status, stage, map);
	_cleanup_close_ int fd = pin ? bpf_obj_get(pin) : -1;
	__u32 zero = 0;
	__u64 value = 0;

	return fd < 0 || bpf_map_lookup_elem(fd, &zero, &value) ? -1 : (long long)value;
}

static size_t pins;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	pins += kind == FTW_F;
	return 0;
}

size_t live_pins(void)
{
	pins = 0;
	if (nftw(live_text("%s/braid", getenv("BRAID_BPFFS")), visit, 8, FTW_PHYS) &&
	    errno != ENOENT)
		bail_out("walking bpffs: %s", strerror(errno));
	return pins;
}
