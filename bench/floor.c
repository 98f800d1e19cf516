/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a tunnel in user space has to do, for bench/tunnel.py: what bub's tunnel is
 *compared with.
 *
 *	bench_floor udp|esp TUN LOCAL PEER
 *
 * Packets of the TUN interface go to PEER in ESP with AES-128-GCM (RFC 4106), and come from there,
 *in one thread, with one fixed key, no replay window, no policy and no keys' life.  Both ways use
 *all that the kernel offers for many packets a call: TUN with IFF_VNET_HDR takes and gives 64 kB of
 *a TCP stream at once. `udp` has segmentation and merging of UDP (GSO, GRO); `esp` is a raw socket,
 *which has none: sendmmsg and recvmmsg.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/udp.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PORT 4191
#define PACKET_MAX 65536
#define OUT_MAX 128     /* packets gathered for one send */
#define SEGMENTS_MAX 64 /* in one UDP send, UDP_MAX_SEGMENTS of older kernels */
#define SEND_MAX 65000  /* octets of one */
#define IN_MAX 16       /* buffers of one receive */
#define READS_MAX 64    /* packets of the TUN between two looks at the socket */
#define HEAD_LEN 16     /* SPI, sequence number, IV */
#define ICV_LEN 16
#define ADDED_MAX (HEAD_LEN + 3 + 2 + ICV_LEN)
#define NONCE_LEN 12
#define TCP_CHECKSUM_AT 16

struct out {
	uint8_t *octets;
	size_t used;
	size_t len[OUT_MAX];
	unsigned n;
};

/* Consecutive segments of one TCP stream on their way into the TUN. */
struct merge {
	struct iovec iov[2 + SEGMENTS_MAX];
	unsigned n; /* segments; 0: none */
	size_t head_len, segment_len, payload_len;
	uint32_t next;
	bool closed; /* a shorter one was the last */
	uint8_t *first;
};

struct tunnel {
	int tun, sock;
	bool udp;
	uint32_t seq;
	EVP_CIPHER_CTX *seal, *open;
	struct out out;
	struct merge merge;
	uint8_t *in[IN_MAX];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static EVP_CIPHER_CTX *gcm(bool seals)
{
	static const uint8_t key[16] = "the bench's key";
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx == NULL || EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, NULL, seals) != 1)
		die("AES-GCM");
	return ctx;
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t before)
{
	uint64_t total = before;
	uint32_t word;
	uint16_t half;

	for (; len >= 4; p += 4, len -= 4) {
		memcpy(&word, p, 4);
		total += word;
	}
	if (len >= 2) {
		memcpy(&half, p, 2);
		total += half;
		p += 2;
		len -= 2;
	}
	if (len == 1)
		total += htons((uint16_t)(*p << 8));
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	return (uint32_t)total;
}

/* The checksum field's sum over addresses, length and protocol (RFC 8200, 8.1). */
static uint16_t pseudo(const uint8_t *ip, size_t len, uint8_t protocol)
{
	uint32_t more = sum((const uint8_t[4]){0, 0, 0, protocol}, 4, 0);
	uint32_t length = htonl((uint32_t)len);

	more = sum((const uint8_t *)&length, 4, more);
	return (uint16_t)sum(ip + 8, 32, more);
}

/* ---- Towards the peer --------------------------------------------------------------------------
 */

static void send_udp(struct tunnel *t, const uint8_t *octets, size_t len, size_t segment)
{
	struct iovec iov = {(void *)(uintptr_t)octets, len};
	char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	uint16_t size = (uint16_t)segment;
	struct cmsghdr *c;

	if (len > segment) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(size));
		memcpy(CMSG_DATA(c), &size, sizeof(size));
	}
	(void)sendmsg(t->sock, &msg, 0); /* what does not go out is lost, as on any network */
}

/* Packets of one size, of which the last may be shorter, go in one call. */
static void flush_udp(struct tunnel *t)
{
	const struct out *o = &t->out;
	const uint8_t *p = o->octets;
	size_t total;
	unsigned n;

	for (unsigned i = 0; i < o->n; i += n, p += total) {
		total = o->len[i];
		for (n = 1; i + n < o->n && n < SEGMENTS_MAX; n++) {
			if (o->len[i + n] > o->len[i] || total + o->len[i + n] > SEND_MAX)
				break;
			total += o->len[i + n];
			if (o->len[i + n] < o->len[i]) {
				n++;
				break;
			}
		}
		send_udp(t, p, total, o->len[i]);
	}
}

static void flush_esp(struct tunnel *t)
{
	struct mmsghdr msgs[OUT_MAX] = {0};
	struct iovec iov[OUT_MAX];
	uint8_t *p = t->out.octets;

	for (unsigned i = 0; i < t->out.n; i++) {
		iov[i] = (struct iovec){p, t->out.len[i]};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		p += t->out.len[i];
	}
	(void)sendmmsg(t->sock, msgs, t->out.n, 0);
}

static void flush(struct tunnel *t)
{
	if (t->out.n == 0)
		return;
	if (t->udp)
		flush_udp(t);
	else
		flush_esp(t);
	t->out.n = 0;
	t->out.used = 0;
}

/* Where the next packet's plain text goes. */
static uint8_t *room(struct tunnel *t)
{
	if (t->out.n == OUT_MAX)
		flush(t);
	return t->out.octets + t->out.used + HEAD_LEN;
}

/* Seals @len octets that lie in room(). */
static void seal(struct tunnel *t, size_t len)
{
	uint8_t *esp = t->out.octets + t->out.used, *inner = esp + HEAD_LEN;
	uint8_t nonce[NONCE_LEN] = {0};
	size_t pad = -(len + 2) & 3;
	uint32_t spi = htonl(0x1000), seq = htonl(++t->seq);
	int n;

	memcpy(esp, &spi, 4);
	memcpy(esp + 4, &seq, 4);
	memset(esp + 8, 0, 8);
	memcpy(esp + 12, &seq, 4);
	memcpy(nonce + 4, esp + 8, 8);
	for (size_t i = 0; i < pad; i++)
		inner[len + i] = (uint8_t)(i + 1);
	inner[len + pad] = (uint8_t)pad;
	inner[len + pad + 1] = IPPROTO_IPV6;
	len += pad + 2;
	if (EVP_EncryptInit_ex(t->seal, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(t->seal, NULL, &n, esp, 8) != 1 ||
	    EVP_EncryptUpdate(t->seal, inner, &n, inner, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(t->seal, inner + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(t->seal, EVP_CTRL_AEAD_GET_TAG, ICV_LEN, inner + len) != 1)
		die("sealing");
	t->out.len[t->out.n] = HEAD_LEN + len + ICV_LEN;
	t->out.used += t->out.len[t->out.n++];
}

static void set_checksum(uint8_t *ip, size_t len, size_t start, size_t at)
{
	uint16_t check = (uint16_t)~sum(ip + start, len - start, 0);

	memcpy(ip + at, &check, 2);
}

/* Cuts a large TCP packet into segments, each with its headers. */
static void cut(struct tunnel *t, const struct virtio_net_hdr *vnet, const uint8_t *ip, size_t len)
{
	size_t tcp = vnet->csum_start, head = tcp + (size_t)(ip[tcp + 12] >> 4) * 4,
	       size = vnet->gso_size, n;
	uint32_t seq, next;
	uint16_t field;
	uint8_t *p;

	memcpy(&seq, ip + tcp + 4, 4);
	for (size_t at = head; at < len; at += n) {
		n = len - at < size ? len - at : size;
		p = room(t);
		memcpy(p, ip, head);
		memcpy(p + head, ip + at, n);
		field = htons((uint16_t)(head - sizeof(struct ip6_hdr) + n));
		memcpy(p + 4, &field, 2);
		next = htonl(ntohl(seq) + (uint32_t)(at - head));
		memcpy(p + tcp + 4, &next, 4);
		if (at + n < len)
			p[tcp + 13] &= (uint8_t) ~(TH_FIN | TH_PUSH);
		field = pseudo(p, head - tcp + n, IPPROTO_TCP);
		memcpy(p + tcp + TCP_CHECKSUM_AT, &field, 2);
		set_checksum(p, head + n, tcp, tcp + TCP_CHECKSUM_AT);
		seal(t, head + n);
	}
}

static void from_tun(struct tunnel *t)
{
	static uint8_t buf[sizeof(struct virtio_net_hdr) + PACKET_MAX];
	uint8_t *ip = buf + sizeof(struct virtio_net_hdr);
	struct virtio_net_hdr vnet;
	ssize_t got;

	for (int i = 0; i < READS_MAX; i++) {
		got = read(t->tun, buf, sizeof(buf));
		if (got <= (ssize_t)(sizeof(vnet) + sizeof(struct ip6_hdr)))
			break;
		memcpy(&vnet, buf, sizeof(vnet));
		got -= (ssize_t)sizeof(vnet);
		if (vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
			cut(t, &vnet, ip, (size_t)got);
			continue;
		}
		if ((vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
			set_checksum(ip, (size_t)got, vnet.csum_start,
				     (size_t)vnet.csum_start + vnet.csum_offset);
		memcpy(room(t), ip, (size_t)got);
		seal(t, (size_t)got);
	}
	flush(t);
}

/* ---- From the peer -----------------------------------------------------------------------------
 */

/* The length of the inner packet, which then lies behind the header; 0: not ours. */
static size_t unseal(struct tunnel *t, uint8_t *esp, size_t len)
{
	uint8_t nonce[NONCE_LEN] = {0}, *inner = esp + HEAD_LEN;
	size_t added;
	int n;

	if (len < HEAD_LEN + 2 + ICV_LEN)
		return 0;
	len -= HEAD_LEN + ICV_LEN;
	memcpy(nonce + 4, esp + 8, 8);
	if (EVP_DecryptInit_ex(t->open, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_DecryptUpdate(t->open, NULL, &n, esp, 8) != 1 ||
	    EVP_DecryptUpdate(t->open, inner, &n, inner, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(t->open, EVP_CTRL_AEAD_SET_TAG, ICV_LEN, inner + len) != 1 ||
	    EVP_DecryptFinal_ex(t->open, inner + len, &n) != 1)
		return 0;
	added = (size_t)inner[len - 2] + 2;
	return added < len ? len - added : 0;
}

static void write_merged(struct tunnel *t)
{
	struct merge *m = &t->merge;
	struct virtio_net_hdr vnet = {0};
	size_t len = m->head_len - sizeof(struct ip6_hdr) + m->payload_len;
	uint16_t field;

	if (m->n == 0)
		return;
	vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM; /* the ICV has vouched for what is in it */
	vnet.csum_start = sizeof(struct ip6_hdr);
	vnet.csum_offset = TCP_CHECKSUM_AT;
	if (m->n > 1) {
		vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
		vnet.gso_size = (uint16_t)m->segment_len;
		vnet.hdr_len = (uint16_t)m->head_len;
	}
	field = htons((uint16_t)len);
	memcpy(m->first + 4, &field, 2);
	field = pseudo(m->first, len, IPPROTO_TCP);
	memcpy(m->first + sizeof(struct ip6_hdr) + TCP_CHECKSUM_AT, &field, 2);
	m->iov[0] = (struct iovec){&vnet, sizeof(vnet)};
	(void)!writev(t->tun, m->iov, (int)(1 + m->n));
	m->n = 0;
}

/* May this segment follow those that are gathered?  All but length, number, PSH and checksum is the
 * same. */
static bool follows(const struct merge *m, const uint8_t *ip, size_t head, size_t payload)
{
	const uint8_t *tcp = ip + sizeof(struct ip6_hdr),
		      *first = m->first + sizeof(struct ip6_hdr);
	uint32_t seq;

	memcpy(&seq, tcp + 4, 4);
	return m->n > 0 && m->n < SEGMENTS_MAX && !m->closed && head == m->head_len &&
	       payload <= m->segment_len && m->payload_len + payload < PACKET_MAX - 100 &&
	       ntohl(seq) == m->next && memcmp(ip, m->first, 4) == 0 &&
	       memcmp(ip + 6, m->first + 6, 34 + 4) == 0 && memcmp(tcp + 8, first + 8, 5) == 0 &&
	       memcmp(tcp + 14, first + 14, 2) == 0 &&
	       memcmp(tcp + 18, first + 18, head - sizeof(struct ip6_hdr) - 18) == 0;
}

static void to_tun(struct tunnel *t, uint8_t *ip, size_t len)
{
	struct merge *m = &t->merge;
	uint8_t *tcp = ip + sizeof(struct ip6_hdr);
	struct virtio_net_hdr none = {0};
	struct iovec plain[2] = {{&none, sizeof(none)}, {ip, len}};
	size_t head = len < 60 || ip[6] != IPPROTO_TCP
			      ? 0
			      : sizeof(struct ip6_hdr) + (size_t)(tcp[12] >> 4) * 4;
	uint32_t seq;

	if (head == 0 || head >= len || (tcp[13] & ~(TH_PUSH | TH_ACK)) != 0) {
		write_merged(t);
		(void)!writev(t->tun, plain, 2);
		return;
	}
	if (follows(m, ip, head, len - head)) {
		m->iov[1 + m->n++] = (struct iovec){ip + head, len - head};
		m->payload_len += len - head;
		m->closed = len - head < m->segment_len || (tcp[13] & TH_PUSH) != 0;
		m->first[sizeof(struct ip6_hdr) + 13] |= tcp[13];
	} else {
		write_merged(t);
		memcpy(&seq, tcp + 4, 4);
		m->iov[1] = (struct iovec){ip, len};
		m->n = 1;
		m->first = ip;
		m->head_len = head;
		m->segment_len = m->payload_len = len - head;
		m->next = ntohl(seq);
		m->closed = (tcp[13] & TH_PUSH) != 0;
	}
	m->next += (uint32_t)(len - head);
}

static size_t merged_size(struct msghdr *msg, size_t len)
{
	int size;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			return (size_t)size;
		}
	return len;
}

static void from_peer(struct tunnel *t)
{
	char control[IN_MAX][CMSG_SPACE(sizeof(int))];
	struct mmsghdr msgs[IN_MAX] = {0};
	struct iovec iov[IN_MAX];
	size_t size, n, inner;
	int got;

	for (int i = 0; i < IN_MAX; i++) {
		iov[i] = (struct iovec){t->in[i], PACKET_MAX};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		msgs[i].msg_hdr.msg_control = control[i];
		msgs[i].msg_hdr.msg_controllen = sizeof(control[i]);
	}
	got = recvmmsg(t->sock, msgs, IN_MAX, 0, NULL);
	for (int i = 0; i < got; i++) {
		size = merged_size(&msgs[i].msg_hdr, msgs[i].msg_len);
		for (size_t at = 0; at < msgs[i].msg_len; at += n) {
			n = msgs[i].msg_len - at < size ? msgs[i].msg_len - at : size;
			inner = unseal(t, t->in[i] + at, n);
			if (inner != 0)
				to_tun(t, t->in[i] + at + HEAD_LEN, inner);
		}
	}
	write_merged(t);
}

/* ---- Life --------------------------------------------------------------------------------------
 */

static int open_tun(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0 ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO6) != 0)
		die(name);
	return fd;
}

static int open_socket(bool udp, const char *local, const char *peer)
{
	int fd = udp ? socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0)
		     : socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ESP);
	struct sockaddr_in6 from = {.sin6_family = AF_INET6}, to = {.sin6_family = AF_INET6};
	int on = 1, octets = 4 << 20;

	if (udp)
		from.sin6_port = to.sin6_port = htons(PORT);
	if (inet_pton(AF_INET6, local, &from.sin6_addr) != 1 ||
	    inet_pton(AF_INET6, peer, &to.sin6_addr) != 1 || fd < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) != 0 ||
	    (udp && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) != 0))
		die(local);
	return fd;
}

int main(int argc, char **argv)
{
	static struct tunnel t;
	struct pollfd fds[2];

	if (argc != 5) {
		(void)fprintf(stderr, "usage: bench_floor udp|esp TUN LOCAL PEER\n");
		return 2;
	}
	t.udp = strcmp(argv[1], "udp") == 0;
	t.tun = open_tun(argv[2]);
	t.sock = open_socket(t.udp, argv[3], argv[4]);
	t.seal = gcm(true);
	t.open = gcm(false);
	t.out.octets = malloc(PACKET_MAX + OUT_MAX * (size_t)(PACKET_MAX / 16));
	for (int i = 0; i < IN_MAX; i++)
		t.in[i] = malloc(PACKET_MAX);
	fds[0] = (struct pollfd){.fd = t.tun, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = t.sock, .events = POLLIN};
	printf("ready\n");
	(void)fflush(stdout);
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents != 0)
			from_tun(&t);
		if (fds[1].revents != 0)
			from_peer(&t);
	}
	return 0;
}
