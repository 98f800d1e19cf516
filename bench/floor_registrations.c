/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a home agent has to do for a registration, for bench/load.py: the limit that bubd
 * is compared with.
 *
 *	bench_floor_registrations esp|plain INTERFACE ADDRESS
 *
 * Binding Updates to ADDRESS are read as bubd reads them, by a packet socket and many at a time;
 * something as long as a Binding Acknowledgement goes back, many at a time by a raw socket.  With
 * esp what came is opened and what goes is sealed with AES-128-GCM (RFC 4106), under a key that is
 * another one each time, as that of another mobile node is.  Nothing is looked up, checked, kept or
 * stored.  bubload takes the answers with --echo.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BATCH 64
#define PACKET_MAX 512
#define BUFFER (16 << 20)
#define OPTIONS_LEN 24 /* with the Home Address option; a type 2 routing header is as long */
#define ANSWER_LEN 16  /* a Binding Acknowledgement */
#define ESP_LEN 16     /* SPI, sequence number, IV */
#define TRAILER_LEN 4
#define ICV_LEN 16
#define KEY_LEN 16
#define NONCE_LEN 12
#define UPPER_AT (sizeof(struct ip6_hdr) + OPTIONS_LEN)

struct floor {
	bool esp;
	struct in6_addr address;
	int in, out;
	uint32_t number;
	EVP_CIPHER_CTX *open, *seal;
	struct mmsghdr in_msg[BATCH], out_msg[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	struct sockaddr_in6 to[BATCH];
	uint8_t in_packet[BATCH][PACKET_MAX], out_packet[BATCH][PACKET_MAX];
	unsigned n_out;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The kernel answers that it knows no such protocol, unless somebody has a socket for it. */
static void keep_quiet(int protocol)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {1, code};
	int fd = socket(AF_INET6, SOCK_RAW, protocol);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		die("raw socket");
}

static void open_sockets(struct floor *f, const char *interface)
{
	const struct sockaddr_ll here = {.sll_family = AF_PACKET,
					 .sll_protocol = htons(ETH_P_IPV6),
					 .sll_ifindex = (int)if_nametoindex(interface)};
	int on = 1, size = BUFFER;

	f->in = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (f->in < 0 ||
	    setsockopt(f->in, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    bind(f->in, (const struct sockaddr *)&here, sizeof(here)) < 0)
		die(interface);
	f->out = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
	if (f->out < 0 || setsockopt(f->out, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)) < 0)
		die("raw socket");
	(void)setsockopt(f->in, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(f->out, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	keep_quiet(IPPROTO_ESP);
	keep_quiet(IPPROTO_MH);
	for (unsigned i = 0; i < BATCH; i++) {
		f->in_iov[i] = (struct iovec){f->in_packet[i], PACKET_MAX};
		f->in_msg[i].msg_hdr.msg_iov = &f->in_iov[i];
		f->in_msg[i].msg_hdr.msg_iovlen = 1;
		f->out_iov[i].iov_base = f->out_packet[i];
		f->out_msg[i].msg_hdr.msg_iov = &f->out_iov[i];
		f->out_msg[i].msg_hdr.msg_iovlen = 1;
		f->to[i].sin6_family = AF_INET6;
		f->out_msg[i].msg_hdr.msg_name = &f->to[i];
		f->out_msg[i].msg_hdr.msg_namelen = sizeof(f->to[i]);
	}
}

/* The octets that are the key, and others each time. */
static void key_of(const uint8_t *packet, uint8_t ret[static KEY_LEN])
{
	memcpy(ret, packet + offsetof(struct ip6_hdr, ip6_src), KEY_LEN);
}

/* Whether the ICV is right is not asked: it is not the same key.  The work is the same. */
static void unseal(struct floor *f, uint8_t *packet, size_t len)
{
	uint8_t key[KEY_LEN], nonce[NONCE_LEN] = {0}, *esp = packet + UPPER_AT;
	int n;

	if (len < UPPER_AT + ESP_LEN + ICV_LEN)
		return;
	key_of(packet, key);
	memcpy(nonce + 4, esp + 8, 8);
	if (EVP_DecryptInit_ex(f->open, NULL, NULL, key, nonce) != 1 ||
	    EVP_DecryptUpdate(f->open, NULL, &n, esp, 8) != 1 ||
	    EVP_DecryptUpdate(f->open, esp + ESP_LEN, &n, esp + ESP_LEN,
			      (int)(len - UPPER_AT - ESP_LEN - ICV_LEN)) != 1 ||
	    EVP_CIPHER_CTX_ctrl(f->open, EVP_CTRL_AEAD_SET_TAG, ICV_LEN, packet + len - ICV_LEN) !=
		    1)
		die("opening");
	(void)EVP_DecryptFinal_ex(f->open, esp + ESP_LEN, &n);
}

/* Returns how long it is with ESP. */
static size_t seal(struct floor *f, uint8_t *packet, const uint8_t *came)
{
	uint8_t key[KEY_LEN], nonce[NONCE_LEN] = {0}, *esp = packet + UPPER_AT;
	const int len = ANSWER_LEN + TRAILER_LEN;
	int n;

	key_of(came, key);
	f->number++;
	memcpy(esp + 4, &f->number, sizeof(f->number));
	memcpy(nonce + 8, &f->number, sizeof(f->number));
	if (EVP_EncryptInit_ex(f->seal, NULL, NULL, key, nonce) != 1 ||
	    EVP_EncryptUpdate(f->seal, NULL, &n, esp, 8) != 1 ||
	    EVP_EncryptUpdate(f->seal, esp + ESP_LEN, &n, esp + ESP_LEN, len) != 1 ||
	    EVP_EncryptFinal_ex(f->seal, esp + ESP_LEN + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(f->seal, EVP_CTRL_AEAD_GET_TAG, ICV_LEN, esp + ESP_LEN + len) != 1)
		die("sealing");
	return (size_t)(ESP_LEN + len + ICV_LEN);
}

static void answer(struct floor *f, uint8_t *came, size_t len)
{
	uint8_t *packet = f->out_packet[f->n_out];
	struct ip6_hdr *head = (struct ip6_hdr *)packet;
	struct in6_addr from, to;
	size_t upper = ANSWER_LEN;

	memcpy(&from, came + offsetof(struct ip6_hdr, ip6_src), sizeof(from));
	memcpy(&to, came + offsetof(struct ip6_hdr, ip6_dst), sizeof(to));
	if (len < UPPER_AT || came[offsetof(struct ip6_hdr, ip6_nxt)] != IPPROTO_DSTOPTS ||
	    !IN6_ARE_ADDR_EQUAL(&to, &f->address))
		return;
	if (f->esp) {
		unseal(f, came, len);
		upper = seal(f, packet, came);
	}
	*head = (struct ip6_hdr){.ip6_src = f->address, .ip6_dst = from};
	head->ip6_flow = htonl(6u << 28);
	head->ip6_nxt = IPPROTO_NONE;
	head->ip6_hlim = 64;
	head->ip6_plen = htons((uint16_t)(OPTIONS_LEN + upper));
	f->to[f->n_out].sin6_addr = from;
	f->out_iov[f->n_out++].iov_len = UPPER_AT + upper;
}

int main(int argc, char **argv)
{
	static struct floor f;
	struct pollfd p;

	if (argc != 4 || inet_pton(AF_INET6, argv[3], &f.address) != 1) {
		fprintf(stderr, "usage: %s esp|plain INTERFACE ADDRESS\n", argv[0]);
		return 2;
	}
	f.esp = strcmp(argv[1], "esp") == 0;
	f.open = EVP_CIPHER_CTX_new();
	f.seal = EVP_CIPHER_CTX_new();
	if (f.open == NULL || f.seal == NULL ||
	    EVP_DecryptInit_ex(f.open, EVP_aes_128_gcm(), NULL, NULL, NULL) != 1 ||
	    EVP_EncryptInit_ex(f.seal, EVP_aes_128_gcm(), NULL, NULL, NULL) != 1)
		die("AES-GCM");
	open_sockets(&f, argv[2]);
	puts("ready");
	fflush(stdout);
	p = (struct pollfd){.fd = f.in, .events = POLLIN};
	for (;;) {
		int n = recvmmsg(f.in, f.in_msg, BATCH, MSG_DONTWAIT, NULL);

		if (n <= 0) {
			(void)poll(&p, 1, -1);
			continue;
		}
		f.n_out = 0;
		for (int i = 0; i < n; i++)
			answer(&f, f.in_packet[i], f.in_msg[i].msg_len);
		for (int sent = 0, k; sent<(int)f.n_out; sent += k> 0 ? k : 1)
			k = sendmmsg(f.out, f.out_msg + sent, f.n_out - (unsigned)sent, 0);
	}
}
