/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the packets of this folder and the ESP transform of src/esp: finds the SA, brings the
 * initialisation vectors, provides the buffers.  No ESP format is known here.
 */
#include <string.h>
#include <sys/random.h>

#include "base/octets.h"
#include "esp_doubt.h"
#include "internal.h"

#define IV_LEN 16

/* Random numbers are fetched for 256 packets at once: a system call for each would cost as much as
 * the cipher. */
static const uint8_t *next_iv(struct lnx *l)
{
	const uint8_t *iv;

	if (l->iv_used + IV_LEN > sizeof(l->iv)) {
		size_t have = 0;

		while (have < sizeof(l->iv)) {
			ssize_t n = getrandom(l->iv + have, sizeof(l->iv) - have, 0);

			if (n > 0)
				have += (size_t)n;
		}
		l->iv_used = 0;
	}
	iv = l->iv + l->iv_used;
	l->iv_used += IV_LEN;
	return iv;
}

/* What RFC 4303, 4 wants to be known of a packet that came. */
static void audit_in(struct lnx *l, const struct bub_ip6 *ip, enum esp_result why)
{
	struct lnx_esp_drop drop = {
		.why = why,
		.src = ip->src,
		.dst = ip->dst,
		.flow = be32(ip->packet.data) & 0xfffff,
	};

	if (l->cb.esp_drop == NULL || why == ESP_DUMMY)
		return;
	if (ip->has_hao)
		drop.home = ip->hao;
	if (ip->upper.len >= 4)
		drop.spi = be32(ip->upper.data);
	if (ip->upper.len >= 8)
		drop.sequence = be32(ip->upper.data + 4);
	l->cb.esp_drop(l->cb.ctx, &drop);
}

/* The same of one that was to be sent. */
static void audit_out(struct lnx *l, const struct esp_sa *sa, const struct in6_addr *src,
		      const struct in6_addr *dst, enum esp_result why)
{
	struct lnx_esp_drop drop = {.why = why, .out = true, .src = *src, .dst = *dst};
	struct esp_sa_status status;

	if (l->cb.esp_drop == NULL || why != ESP_EXHAUSTED)
		return;
	esp_sa_get_status(sa, &status);
	drop.spi = status.spi;
	drop.sequence = status.sequence;
	l->cb.esp_drop(l->cb.ctx, &drop);
}

enum esp_result lnx_esp_open(struct lnx *l, const struct bub_ip6 *ip, struct esp_opened *ret)
{
	size_t at = (size_t)(ip->upper.data - ip->packet.data);
	enum esp_result r = esp_open(l->sad, ip->packet.data, ip->packet.len, ip->upper_proto_at,
				     at, l->in, LNX_PACKET_MAX, ret);

	if (r == ESP_OK)
		l->count[COUNT_ESP_IN]++;
	else
		audit_in(l, ip, r);
	return r;
}

static bool take(struct lnx *l, enum esp_result r, const uint8_t *out, size_t len,
		 struct bub_view *ret)
{
	if (r != ESP_OK)
		return false; /* counted in the SA */
	l->count[COUNT_ESP_OUT]++;
	*ret = (struct bub_view){out, len};
	return true;
}

bool lnx_esp_transport(struct lnx *l, const struct in6_addr *owner, struct bub_view packet,
		       struct bub_view *ret)
{
	enum esp_class class = esp_class_of(ESP_TRANSPORT, packet.data, packet.len);
	struct esp_sa *sa = esp_sad_find_out(l->sad, owner, ESP_TRANSPORT, class);
	uint8_t *out = l->out + l->out_used;
	struct bub_ip6 ip;
	enum esp_result r;
	size_t len = 0;

	if ((l->cfg.unprotected & class) != 0) {
		*ret = packet;
		return true;
	}
	if (sa == NULL) {
		l->count[COUNT_TX_NO_SA]++;
		return false;
	}
	if (bub_ip6_decode(packet, &ip) != BUB_DROP_NONE) {
		l->count[COUNT_TX_FAILED]++;
		return false;
	}
	r = esp_seal_transport(sa, ip.packet.data, ip.packet.len, ip.upper_proto_at,
			       (size_t)(ip.upper.data - ip.packet.data), next_iv(l), out,
			       LNX_PACKET_MAX, &len);
	audit_out(l, sa, &ip.src, &ip.dst, r);
	return take(l, r, out, len, ret);
}

bool lnx_esp_tunnel(struct lnx *l, const struct link_tunnel *t, struct bub_view packet,
		    struct bub_view *ret)
{
	struct esp_sa *sa = esp_sad_find_out(l->sad, &t->entry.a, ESP_TUNNEL,
					     esp_class_of(ESP_TUNNEL, packet.data, packet.len));
	uint8_t *out = l->out + l->out_used;
	enum esp_result r;
	size_t len = 0;

	if (sa == NULL) {
		l->count[COUNT_TX_NO_SA]++;
		return false;
	}
	r = esp_seal_tunnel(sa, &t->local_outer, &t->remote_outer, packet.data, packet.len,
			    next_iv(l), out, LNX_PACKET_MAX, &len);
	audit_out(l, sa, &t->local_outer, &t->remote_outer, r);
	return take(l, r, out, len, ret);
}

bool lnx_esp_note(struct lnx *l, const struct link_tunnel *t, struct bub_view note,
		  struct bub_view *ret)
{
	struct esp_sa *sa = esp_sad_find_out(l->sad, &t->entry.a, ESP_TUNNEL, ESP_CLASS_PAYLOAD);
	uint8_t *out = l->out + l->out_used;
	size_t len = 0;
	enum esp_result r;

	if (sa == NULL || note.len > ESP_DUMMY_MAX)
		return false;
	r = esp_seal_note(sa, &t->local_outer, &t->remote_outer, note.data, note.len, next_iv(l),
			  out, LNX_PACKET_MAX, &len);
	audit_out(l, sa, &t->local_outer, &t->remote_outer, r);
	return take(l, r, out, len, ret);
}

bool lnx_esp_dummy(struct lnx *l, const struct link_tunnel *t, size_t len, struct bub_view *ret)
{
	struct esp_sa *sa = esp_sad_find_out(l->sad, &t->entry.a, ESP_TUNNEL, ESP_CLASS_PAYLOAD);
	/* Random octets of its own: those of the IV can be seen, and would tell a dummy by its
	 * length. */
	const uint8_t *lot = next_iv(l);
	uint8_t *out = l->out + l->out_used;
	size_t sealed_len = 0;
	enum esp_result r;

	if (sa == NULL)
		return false;
	if (len == 0)
		len = (size_t)(lot[0] << 8 | lot[1]) % ESP_DUMMY_MAX + 1;
	r = esp_seal_dummy(sa, &t->local_outer, &t->remote_outer, len, next_iv(l), out,
			   LNX_PACKET_MAX, &sealed_len);
	audit_out(l, sa, &t->local_outer, &t->remote_outer, r);
	return take(l, r, out, sealed_len, ret);
}
