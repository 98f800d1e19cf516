/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bub's own interface, a TUN device.  Home addresses live on it; what the kernel routes into it
 * comes to the core, and what the core delivers enters the kernel through it.  It has no
 * link-local address, so that the kernel sends nothing into it by itself but reports of groups that
 * applications join there, and no redirect out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ip6.h"
#include "internal.h"
#include "merged.h"

#define TUN_READS (LNX_BATCH * LNX_BATCHES)
#define HEAD_MAX 256 /* of what is delivered, which has no headers but its own */

/* From Linux 6.2 on. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static int find_ifindex(struct lnx *l)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, l->tun_name, sizeof(ifr.ifr_name));
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		err = -errno;
	else
		l->tun_ifindex = (uint32_t)ifr.ifr_ifindex;
	close(fd);
	return err;
}

/* Packets may go and come with their checksums left open, and several as one.  What the kernel does
 * not know comes one by one. */
static void set_offloads(struct lnx *l)
{
	const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	l->tun_udp = ioctl(l->fd[FD_TUN], TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!l->tun_udp)
		(void)ioctl(l->fd[FD_TUN], TUNSETOFFLOAD, tcp);
}

int tun_open(struct lnx *l, char *ret_error, size_t error_size)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err;

	l->fd[FD_TUN] = fd;
	if (fd < 0) {
		err = -errno;
		snprintf(ret_error, error_size,
			 "cannot open /dev/net/tun (%s): load the kernel module tun",
			 strerror(-err));
		return err;
	}
	memcpy(ifr.ifr_name, l->tun_name, sizeof(ifr.ifr_name));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		err = -errno;
		snprintf(ret_error, error_size, "cannot make the interface %s (%s)%s", l->tun_name,
			 strerror(-err),
			 err == -EBUSY    ? ": is another bubd running?"
			 : err == -EINVAL ? ": the name is taken; set \"tun\" to another"
					  : "");
		return err;
	}
	set_offloads(l);
	err = find_ifindex(l);
	if (err < 0)
		snprintf(ret_error, error_size, "the interface %s is gone", l->tun_name);
	return err;
}

void tun_set_mtu(struct lnx *l, uint32_t mtu)
{
	want_tun(l->want, l->tun_ifindex, mtu);
}

/* Of bub's own interface. */
static void want(struct lnx *l, const char *name, int value, const char *means)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "conf/%s/%s", l->tun_name, name);
	err = want_sysctl(l->want, path, value);
	if (err < 0)
		lnx_log(l, LNX_LOG_WARNING, "cannot set net.ipv6.conf.%s.%s: %s; %s", l->tun_name,
			name, strerror(-err), means);
}

int tun_setup(struct lnx *l)
{
	/* A system with IPv6 switched off by default still wants it here. */
	want(l, "disable_ipv6", 0, "there is no IPv6 on it");
	want(l, "accept_ra", 0, "router advertisements out of a tunnel would be believed");
	if (l->cfg.home_agent)
		want(l, "forwarding", 1, "nothing is forwarded out of tunnels");
	want_tun(l->want, l->tun_ifindex, link_tun_setup(l->link));
	return want_settle(l->want);
}

/* What the header of a packet leaves to whoever reads it.  False: it is none that can be. */
static bool complete_checksum(const struct virtio_net_hdr *vnet, uint8_t *packet, size_t len)
{
	const size_t start = vnet->csum_start, at = start + vnet->csum_offset;
	uint16_t sum;

	if (start > len || len - start < 2 || at > len - 2)
		return false;
	sum = (uint16_t)~sum_words(packet + start, len - start);
	if (sum == 0)
		sum = UINT16_MAX; /* the same sum, and not UDP's word for none (RFC 8200, 8.1) */
	set_be16(packet + at, sum);
	return true;
}

/* Link-local packets have no meaning beyond this interface, multicast only where it is wanted: the
 * kernel's own listener reports here (RFC 3810). */
static bool tun_is_ours(const struct lnx *l, const uint8_t *packet, size_t len)
{
	return len >= BUB_IP6_HDR_LEN && packet[0] >> 4 == 6 &&
	       (packet[IP6_DST_AT] != 0xff || l->cfg.multicast) &&
	       (packet[IP6_DST_AT] != 0xfe || (packet[IP6_DST_AT + 1] & 0xc0) != 0x80);
}

static struct bub_event tun_event(const struct lnx *l, const uint8_t *packet, size_t len)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = l->tun_ifindex};

	ev.u.packet.data = (struct bub_view){packet, len};
	ev.u.packet.ingress = BUB_INGRESS_TUN;
	return ev;
}

/* Copies of what goes to a group go into several tunnels, one by one. */
static void tun_take_apart(struct lnx *l, struct merged *m)
{
	size_t n;

	while ((n = merged_next(m, l->in)) > 0) {
		const struct bub_event ev = tun_event(l, l->in, n);

		lnx_emit(l, &ev);
	}
}

/* Several in one.  False: it is nothing that bub has asked for. */
static bool tun_take_merged(struct lnx *l, size_t len, size_t size)
{
	struct bub_event ev = tun_event(l, l->tun, len);
	struct merged m;

	if (!merged_begin(&m, l->tun, len, size))
		return false;
	l->count[COUNT_TUN_IN] += merged_count(&m);
	l->count[COUNT_TUN_IN_MERGED]++;
	if (merged_count(&m) == 1 || l->tun[IP6_DST_AT] == 0xff) {
		tun_take_apart(l, &m);
		return true;
	}
	ev.u.packet.merged = (struct bub_merged){(uint16_t)merged_count(&m), (uint16_t)size};
	lnx_emit(l, &ev);
	return true;
}

static void tun_take(struct lnx *l, const struct virtio_net_hdr *vnet, size_t len)
{
	const bool partial = (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	const struct bub_event ev = tun_event(l, l->tun, len);

	if (!tun_is_ours(l, l->tun, len) ||
	    (vnet->gso_type == VIRTIO_NET_HDR_GSO_NONE && partial &&
	     !complete_checksum(vnet, l->tun, len)) ||
	    (vnet->gso_type != VIRTIO_NET_HDR_GSO_NONE &&
	     !tun_take_merged(l, len, vnet->gso_size))) {
		l->count[COUNT_TUN_IGNORED]++;
		return;
	}
	if (vnet->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return;
	l->count[COUNT_TUN_IN]++;
	bulk_take(l, &ev, partial);
}

void tun_readable(struct lnx *l)
{
	for (unsigned i = 0; i < TUN_READS && bulk_may_read(l); i++) {
		struct virtio_net_hdr vnet;
		struct iovec iov[] = {{&vnet, sizeof(vnet)}, {l->tun, LNX_PACKET_MAX}};
		ssize_t n = readv(l->fd[FD_TUN], iov, 2);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < (ssize_t)sizeof(vnet))
			return;
		tun_take(l, &vnet, (size_t)n - sizeof(vnet));
	}
}

static void tun_write_count(struct lnx *l, const struct iovec *iov, int n_iov, unsigned packets)
{
	l->count[writev(l->fd[FD_TUN], iov, n_iov) >= 0 ? COUNT_TUN_OUT : COUNT_TUN_FAILED] +=
		packets;
}

static void tun_write_one(struct lnx *l, const uint8_t *packet, size_t len)
{
	struct virtio_net_hdr vnet = {0};
	const struct iovec iov[] = {{&vnet, sizeof(vnet)}, {(void *)(uintptr_t)packet, len}};

	tun_write_count(l, iov, 2, 1);
}

static void tun_write_merged(struct lnx *l, struct merged *m, struct bub_merged merged)
{
	uint8_t head[HEAD_MAX];
	struct virtio_net_hdr vnet = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = m->proto == IPPROTO_TCP ? VIRTIO_NET_HDR_GSO_TCPV6
						    : VIRTIO_NET_HDR_GSO_UDP_L4,
		.hdr_len = (uint16_t)m->head_len,
		.gso_size = merged.size,
		.csum_start = (uint16_t)m->transport_at,
	};
	const struct iovec iov[] = {
		{&vnet, sizeof(vnet)},
		{head, m->head_len},
		{(void *)(uintptr_t)(m->packet + m->head_len), m->data_len},
	};
	size_t n;

	if (m->head_len <= sizeof(head) && (m->proto == IPPROTO_TCP || l->tun_udp)) {
		vnet.csum_offset = (uint16_t)merged_head(m, head);
		l->count[COUNT_TUN_OUT_MERGED]++;
		tun_write_count(l, iov, 3, merged.n);
		return;
	}
	while ((n = merged_next(m, l->segment)) > 0)
		tun_write_one(l, l->segment, n);
}

void tun_write(struct lnx *l, struct bub_view packet, struct bub_merged merged)
{
	struct merged m;

	want_flush_soon(l->want); /* the route by which it goes on */
	if (merged.n == 0)
		tun_write_one(l, packet.data, packet.len);
	else if (merged_begin(&m, packet.data, packet.len, merged.size))
		tun_write_merged(l, &m, merged);
	else
		l->count[COUNT_TUN_FAILED] += merged.n;
}
