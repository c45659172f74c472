/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/packet_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/write.h"

#define PACKET_MOST 131072 /* bytes: a packet with all headroom that programs may use */

int packet_file_error(struct braid_error *err, const char *path, const char *what)
{
	size_t n = strlen(path);

	if (text_has_prefix(what, path) && what[n] == ':' && what[n + 1] == ' ')
		what += n + 2;
	braid_error_clear(err);
	err->code = -EIO;
	err->where = strdup(path);
	err->what = strdup(what);
	return -EIO;
}

static int check_link_type(pcap_t *in, const char *path, struct braid_error *err)
{
	const char *name = pcap_datalink_val_to_name(pcap_datalink(in));
	char what[128];

	if (pcap_datalink(in) == DLT_EN10MB)
		return 0;
	snprintf(what, sizeof(what), "its packets are not Ethernet frames, but of link type %s",
		 name ?: "without a name");
	packet_file_error(err, path, what);
	err->why = strdup("programs at this hook see Ethernet frames");
	err->hint = strdup("capture at an Ethernet interface, and not at \"any\"");
	return -EIO;
}

int packet_file_read(const char *path, int precision, pcap_t **ret, struct braid_error *err)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *in = pcap_open_offline_with_tstamp_precision(path, precision, why);
	int r;

	if (!in)
		return packet_file_error(err, path, why);
	r = check_link_type(in, path, err);
	if (r)
		pcap_close(in);
	else
		*ret = in;
	return r;
}

int packet_file_cut_off(const struct options *o, const char *path, const char *why,
			unsigned long long n)
{
	_cleanup_error_ struct braid_error err = BRAID_ERROR_INIT;

	packet_file_error(&err, path, why);
	err.hint = text_fmt("what is said above is of the %llu whole packets in front of that", n);
	return o->json ? EXIT_FAILED : fail(o, &err);
}

static int cannot_write(const struct packet_file *f, int code, struct braid_error *err)
{
	braid_error_clear(err);
	err->code = code;
	err->where = strdup(f->path);
	err->what = text_fmt("cannot write it: %s", strerror(-code));
	err->hint = strdup("choose a folder that is there, that you may write to, and with room");
	return code;
}

/* Where the file will be, so that there is room for it; without a name: a kill leaves nothing. */
static int open_nameless(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	const char *name = real ?: path, *slash = strrchr(name, '/');
	_cleanup_free_ char *folder = slash ? strndup(name, slash - name + 1) : strdup(".");
	int fd;

	if (!folder)
		return -ENOMEM;
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* Not for what is no file, which is written to as it is; some file systems have none. */
static FILE *open_spool(const char *path)
{
	struct stat st;
	int fd = -EOPNOTSUPP;
	FILE *spool;

	if (stat(path, &st) || S_ISREG(st.st_mode))
		fd = open_nameless(path);
	else if (S_ISDIR(st.st_mode))
		fd = -EISDIR;
	if (fd == -EOPNOTSUPP)
		return tmpfile();
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	spool = fdopen(fd, "w+");
	if (!spool)
		close(fd);
	return spool;
}

int packet_file_open(struct packet_file *f, const char *path, int precision,
		     struct braid_error *err)
{
	FILE *spool;

	*f = (struct packet_file){.path = path};
	if (!path)
		return 0;
	spool = open_spool(path);
	if (!spool)
		return cannot_write(f, -errno, err);
	f->dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, PACKET_MOST, precision);
	f->dump = f->dead ? pcap_dump_fopen(f->dead, spool) : NULL;
	if (f->dump)
		return 0;
	fclose(spool);
	return packet_file_error(err, path, f->dead ? pcap_geterr(f->dead) : "no memory");
}

/* Libpcap does not say that a write has failed, but its stream does. */
void packet_file_add(struct packet_file *f, const struct pcap_pkthdr *h, const void *bytes)
{
	if (!f->dump || f->code)
		return;
	errno = 0;
	pcap_dump((unsigned char *)f->dump, h, bytes);
	if (ferror(pcap_dump_file(f->dump)))
		f->code = errno ? -errno : -EIO;
}

int packet_file_finish(struct packet_file *f, struct braid_error *err)
{
	FILE *spool = f->dump ? pcap_dump_file(f->dump) : NULL;
	struct stat st;
	void *bytes;
	int r;

	if (!f->dump)
		return 0;
	if (!f->code && (fflush(spool) || fstat(fileno(spool), &st)))
		f->code = -errno;
	if (f->code)
		return cannot_write(f, f->code, err);
	bytes = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fileno(spool), 0);
	if (bytes == MAP_FAILED)
		return cannot_write(f, -errno, err);
	r = write_whole(f->path, bytes, st.st_size, err);
	munmap(bytes, st.st_size);
	return r;
}

void packet_file_done(struct packet_file *f)
{
	if (f->dump)
		pcap_dump_close(f->dump);
	if (f->dead)
		pcap_close(f->dead);
	*f = (struct packet_file){};
}
