/* SPDX-License-Identifier: BSD-2-Clause */
/* See keyhint.h.  Owns the form of a hint and the socket; what is believed is keyd.c's business. */
#include "keyhint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/octets.h"
#include "keysocket.h"

/* RFC 6618, 6 has packets at that port that begin with a type of four bits, 0, 1 or 8: this is none
 * of them. */
static const uint8_t magic[4] = {'B', 'U', 'B', 'K'};

#define HINT_VERSION 1
#define BODY_AT 8

void keyhint_encode(const struct keyhint *h, uint8_t ret[static KEYHINT_LEN])
{
	memset(ret, 0, KEYHINT_LEN);
	memcpy(ret, magic, sizeof(magic));
	ret[4] = HINT_VERSION;
	ret[5] = (uint8_t)h->kind;
	if (h->kind == KEYHINT_RESTARTED) {
		memcpy(ret + BODY_AT, h->token, KEYS_TOKEN_LEN);
		return;
	}
	set_be32(ret + BODY_AT, h->spi);
	set_be32(ret + BODY_AT + 4, h->sequence);
}

bool keyhint_decode(const uint8_t *data, size_t len, struct keyhint *ret)
{
	struct keyhint h = {0};

	if (len != KEYHINT_LEN || memcmp(data, magic, sizeof(magic)) != 0 ||
	    data[4] != HINT_VERSION ||
	    (data[5] != KEYHINT_RESTARTED && data[5] != KEYHINT_UNKNOWN_SPI))
		return false;
	h.kind = (enum keyhint_kind)data[5];
	if (h.kind == KEYHINT_RESTARTED) {
		memcpy(h.token, data + BODY_AT, sizeof(h.token));
	} else {
		h.spi = be32(data + BODY_AT);
		h.sequence = be32(data + BODY_AT + 4);
	}
	*ret = h;
	return true;
}

/* ---- The socket ---------------------------------------------------------------------------- */

struct keyhints {
	uv_udp_t udp;
	struct keytally *tally;
	void (*heard)(void *ctx, const struct in6_addr *from, const struct keyhint *h);
	void *ctx;
	uint8_t in[64];
};

static void keyhints_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	struct keyhints *k = handle->data;

	(void)suggested;
	*ret_buf = uv_buf_init((char *)k->in, sizeof(k->in));
}

static void keyhints_on_read(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
			     const struct sockaddr *from, unsigned flags)
{
	struct keyhints *k = udp->data;
	struct sockaddr_in6 in6;
	struct keyhint h;

	(void)flags;
	if (n < 0 || from == NULL || from->sa_family != AF_INET6)
		return;
	memcpy(&in6, from, sizeof(in6));
	if (keyhint_decode((const uint8_t *)buf->base, (size_t)n, &h))
		k->heard(k->ctx, &in6.sin6_addr, &h);
	else
		k->tally->dropped[KEYTALLY_HINT_MALFORMED]++;
}

struct keyhints *
keyhints_open(uv_loop_t *loop, const struct in6_addr *local, uint16_t port, struct keytally *tally,
	      void (*heard)(void *ctx, const struct in6_addr *from, const struct keyhint *h),
	      void *ctx, char *ret_error, size_t error_size)
{
	struct keyhints *k = calloc(1, sizeof(*k));
	int fd = -1;
	/* One node may be a mobile node and a home agent: each has a socket of its own there. */
	int err = k != NULL ? keysocket_open(SOCK_DGRAM, local, port, &fd) : UV_ENOMEM;

	if (err == 0)
		err = uv_udp_init(loop, &k->udp);
	if (err != 0)
		goto fail;
	k->udp.data = k;
	k->tally = tally;
	k->heard = heard;
	k->ctx = ctx;
	err = uv_udp_open(&k->udp, fd);
	if (err == 0) {
		fd = -1; /* taken */
		err = uv_udp_recv_start(&k->udp, keyhints_on_alloc, keyhints_on_read);
	}
	if (err == 0)
		return k;
	uv_close((uv_handle_t *)&k->udp, NULL);
	(void)uv_run(loop, UV_RUN_NOWAIT);
fail:
	(void)snprintf(ret_error, error_size, "keys: UDP port %u: %s", port, uv_strerror(err));
	if (fd >= 0)
		(void)close(fd);
	free(k);
	return NULL;
}

void keyhints_send(struct keyhints *k, const struct in6_addr *to, uint16_t port,
		   const struct keyhint *h)
{
	const struct sockaddr_in6 at = {
		.sin6_family = AF_INET6, .sin6_addr = *to, .sin6_port = htons(port)};
	uint8_t octets[KEYHINT_LEN];
	uv_buf_t buf = uv_buf_init((char *)octets, sizeof(octets));

	keyhint_encode(h, octets);
	(void)uv_udp_try_send(&k->udp, &buf, 1, (const struct sockaddr *)&at);
}

void keyhints_close(struct keyhints *k)
{
	if (k != NULL && !uv_is_closing((uv_handle_t *)&k->udp))
		uv_close((uv_handle_t *)&k->udp, NULL);
}

void keyhints_free(struct keyhints *k)
{
	free(k);
}
