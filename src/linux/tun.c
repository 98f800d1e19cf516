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
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

#define TUN_READS (LNX_BATCH * LNX_BATCHES)

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

int tun_open(struct lnx *l, char *ret_error, size_t error_size)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
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

void tun_readable(struct lnx *l)
{
	for (unsigned i = 0; i < TUN_READS; i++) {
		struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = l->tun_ifindex};
		ssize_t n = read(l->fd[FD_TUN], l->tun, LNX_PACKET_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		/* Link-local packets have no meaning beyond this interface, multicast only where it
		 * is wanted: the kernel's own listener reports here (RFC 3810). */
		if (n < BUB_IP6_HDR_LEN || l->tun[0] >> 4 != 6 ||
		    (l->tun[24] == 0xff && !l->cfg.multicast) ||
		    (l->tun[24] == 0xfe && (l->tun[25] & 0xc0) == 0x80)) {
			l->count[COUNT_TUN_IGNORED]++;
			continue;
		}
		l->count[COUNT_TUN_IN]++;
		ev.u.packet.data = (struct bub_view){l->tun, (size_t)n};
		ev.u.packet.ingress = BUB_INGRESS_TUN;
		lnx_emit(l, &ev);
	}
}

void tun_write(struct lnx *l, const uint8_t *packet, size_t len)
{
	want_flush_soon(l->want); /* the route by which it goes on */
	if (write(l->fd[FD_TUN], packet, len) == (ssize_t)len)
		l->count[COUNT_TUN_OUT]++;
	else
		l->count[COUNT_TUN_FAILED]++;
}
