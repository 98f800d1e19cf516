/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for the tests of the data path, put together by hand: IPv6 with the headers that mobility
 * adds, and something on top whose checksum is right for the home addresses.
 */
#ifndef BUB_TEST_DATAPATH_PACKETS_H
#define BUB_TEST_DATAPATH_PACKETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

struct packet {
	uint8_t octet[2048];
	size_t len;
	size_t next_at; /* octet that names the next header */
};

static inline void add(struct packet *p, const void *data, size_t len)
{
	assert_true(p->len + len <= sizeof(p->octet));
	memcpy(p->octet + p->len, data, len);
	p->len += len;
}

static inline struct in6_addr ip(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static inline void add_addr(struct packet *p, const char *text)
{
	struct in6_addr a = ip(text);

	add(p, &a, sizeof(a));
}

static inline struct packet ip6(const char *src, const char *dst)
{
	static const uint8_t ether[] = {0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0x86, 0xdd};
	static const uint8_t head[] = {0x60, 1, 2, 3, 0, 0, 59, 64};
	struct packet p = {.len = 0};

	add(&p, ether, sizeof(ether));
	p.next_at = p.len + 6;
	add(&p, head, sizeof(head));
	add_addr(&p, src);
	add_addr(&p, dst);
	return p;
}

static inline void name(struct packet *p, uint8_t next)
{
	p->octet[p->next_at] = next;
	p->next_at = p->len;
}

static inline void rh2(struct packet *p, const char *home)
{
	static const uint8_t head[] = {59, 2, 2, 1, 0, 0, 0, 0};

	name(p, 43);
	add(p, head, sizeof(head));
	add_addr(p, home);
}

/* An extension header of @len octets with next header 59. */
static inline void ext(struct packet *p, uint8_t type, const uint8_t *body, size_t len)
{
	uint8_t head[2] = {59, (uint8_t)((len + 2) / 8 - 1)};

	assert_int_equal((len + 2) % 8, 0);
	name(p, type);
	add(p, head, sizeof(head));
	add(p, body, len);
}

/* An options header with @before, HAO, @after in it. */
static inline void options(struct packet *p, const uint8_t *before, size_t n_before,
			   const char *home, const uint8_t *after, size_t n_after)
{
	struct in6_addr a = ip(home);
	uint8_t body[256] = {0};

	memcpy(body, before, n_before);
	body[n_before] = 0xc9;
	body[n_before + 1] = 16;
	memcpy(body + n_before + 2, &a, 16);
	memcpy(body + n_before + 18, after, n_after);
	ext(p, 60, body, n_before + 18 + n_after);
}

static inline void hao(struct packet *p, const char *home)
{
	static const uint8_t pad[] = {1, 2, 0, 0};

	options(p, pad, sizeof(pad), home, pad, 0);
}

static inline void hop_by_hop(struct packet *p)
{
	static const uint8_t alert[] = {5, 2, 0, 0, 1, 0}; /* router alert, PadN */

	ext(p, 0, alert, sizeof(alert));
}

static inline void fragment(struct packet *p, uint8_t next)
{
	uint8_t body[] = {next, 0, 0, 1, 1, 2, 3, 4};

	name(p, 44);
	add(p, body, sizeof(body));
	p->next_at = p->len - 8;
}

/* What upper() writes first, read as an SPI. */
#define SPI_OF_UPPER 0x01070e15

/* Ends the packet with @len octets of upper layer; sets the payload length. */
static inline void upper(struct packet *p, uint8_t proto, uint8_t first, size_t len)
{
	size_t payload;

	name(p, proto);
	for (size_t i = 0; i < len; i++) {
		uint8_t octet = i == 0 ? first : (uint8_t)(i * 7);

		add(p, &octet, 1);
	}
	payload = p->len - 14 - 40;
	p->octet[14 + 4] = (uint8_t)(payload >> 8);
	p->octet[14 + 5] = (uint8_t)payload;
}

static inline struct packet plain(const char *src, const char *dst, uint8_t proto, uint8_t first)
{
	struct packet p = ip6(src, dst);

	upper(&p, proto, first, 64);
	return p;
}

static inline struct packet arriving(const char *src, const char *dst, const char *rh2_home,
				     const char *hao_home, uint8_t proto, uint8_t first)
{
	struct packet p = ip6(src, dst);

	if (rh2_home != NULL)
		rh2(&p, rh2_home);
	if (hao_home != NULL)
		hao(&p, hao_home);
	upper(&p, proto, first, 64);
	return p;
}

#endif
