/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames in and out of one interface, by packet sockets; declared in net.h. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tap.h"
#include "wait.h"

enum {
	FRAME_MAX = 65536,
	ADDRESSES = 2 * ETH_ALEN, /* what stands before a VLAN tag */
	TAG = 4,
	SOCKET_BUFFER = 32 << 20, /* bytes; some 10,000 small frames with their overhead */
};

static void must(int ret, const char *what)
{
	if (ret < 0)
		bail_out("%s: %s", what, strerror(errno));
}

int wire_open(const char *ns, const char *ifname)
{
	const int yes = 1, buffer = SOCKET_BUFFER;
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd;

	_net_in_(there, ns);
	at.sll_ifindex = if_nametoindex(ifname);
	must(at.sll_ifindex ? 0 : -1, ifname);
	/* Protocol 0: nothing is received before it is bound to its interface. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(fd, "packet socket");
	must(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)),
	     "PACKET_IGNORE_OUTGOING");
	must(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)), "PACKET_AUXDATA");
	must(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)), "SO_RCVBUFFORCE");
	must(bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	return fd;
}

void wire_send(int wire, const void *frame, size_t size)
{
	struct pollfd room = {.fd = wire, .events = POLLOUT};
	ssize_t sent;

	while ((sent = send(wire, frame, size, 0)) < 0 && (errno == EAGAIN || errno == ENOBUFS))
		must(poll(&room, 1, 1000), "poll");
	if (sent != (ssize_t)size)
		bail_out("sending %zu bytes: %s", size, strerror(errno));
}

/* The kernel takes the outermost tag off before packet sockets see the frame; put it back. */
static size_t tag_restore(struct msghdr *msg, __u8 *frame, size_t size)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *c;
	__be16 tag[2];

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || size < ADDRESSES)
			continue;
		tag[0] = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
									 : ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(frame + ADDRESSES + TAG, frame + ADDRESSES, size - ADDRESSES);
		memcpy(frame + ADDRESSES, tag, sizeof(tag));
		return size + TAG;
	}
	return size;
}

/* One frame that is there already. Return: its size; -EAGAIN. */
static ssize_t receive(int wire, __u8 frame[FRAME_MAX + TAG])
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
	struct iovec data = {.iov_base = frame, .iov_len = FRAME_MAX};
	struct msghdr msg = {.msg_iov = &data,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t size = recvmsg(wire, &msg, 0);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	must(size, "recvmsg");
	return tag_restore(&msg, frame, size);
}

/* The same, waiting until @until at the latest. Return: its size; -ETIMEDOUT. */
static ssize_t receive_until(int wire, __u8 frame[FRAME_MAX + TAG], long long until)
{
	struct pollfd readable = {.fd = wire, .events = POLLIN};

	for (;;) {
		ssize_t size = receive(wire, frame);
		long long left = until - now_ms();

		if (size != -EAGAIN)
			return size;
		if (left <= 0)
			return -ETIMEDOUT;
		poll(&readable, 1, left);
	}
}

ssize_t wire_recv(int wire, void *frame, size_t size, int timeout_ms)
{
	__u8 whole[FRAME_MAX + TAG];
	ssize_t got = receive_until(wire, whole, now_ms() + timeout_ms);

	if (got < 0)
		return got;
	got = (size_t)got < size ? (size_t)got : size;
	memcpy(frame, whole, got);
	return got;
}

size_t wire_count(int wire, size_t want, int timeout_ms)
{
	long long until = now_ms() + timeout_ms;
	__u8 frame[FRAME_MAX + TAG];
	size_t count = 0;

	while (count < want && receive_until(wire, frame, until) >= 0)
		count++;
	while (receive(wire, frame) >= 0)
		count++;
	return count;
}

ssize_t wire_count_before(int wire, const void *mark, size_t size, int timeout_ms)
{
	long long until = now_ms() + timeout_ms;
	__u8 frame[FRAME_MAX + TAG];

	for (ssize_t count = 0;; count++) {
		ssize_t got = receive_until(wire, frame, until);

		if (got < 0)
			return got;
		if ((size_t)got == size && memcmp(frame, mark, size) == 0)
			return count;
	}
}
