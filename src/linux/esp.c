/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the packets of this folder and the ESP transform of src/esp: finds the SA, brings the
 * initialisation vectors, provides the buffers.  No ESP format is known here.
 */
#include <string.h>
#include <sys/random.h>

#include "base/octets.h"
#include "internal.h"

#define IV_LEN 16
#define ESP_FIXED (40 + 8 + 16 + 16) /* outer header, SPI and sequence, IV, ICV */

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

/* The largest inner packet whose outer packet fits @link_mtu: what ESP pads to is a multiple of the
 * cipher's block, with two octets of trailer (RFC 4303, 2.4). */
uint32_t lnx_tunnel_mtu(uint32_t link_mtu, bool esp)
{
	uint32_t mtu;

	if (!esp)
		mtu = link_mtu > BUB_IP6_HDR_LEN ? link_mtu - BUB_IP6_HDR_LEN : 0;
	else
		mtu = link_mtu > ESP_FIXED + 16 ? (link_mtu - ESP_FIXED) / 16 * 16 - 2 : 0;
	return mtu < LNX_TUN_MTU_MIN ? LNX_TUN_MTU_MIN : mtu;
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

static bool take(struct lnx *l, enum esp_result r, size_t len, struct bub_view *ret)
{
	if (r != ESP_OK)
		return false; /* counted in the SA */
	l->count[COUNT_ESP_OUT]++;
	*ret = (struct bub_view){l->out, len};
	return true;
}

#define MH_FLAGS_AT 8 /* of a Binding Update */
#define MH_FLAG_HOME 0x40

static bool is_home_registration(const struct bub_ip6 *ip)
{
	return ip->upper.len > MH_FLAGS_AT && (ip->upper.data[MH_FLAGS_AT] & MH_FLAG_HOME) != 0;
}

/*
 * Whether a packet that came without ESP is one that needs none here, and then whose it is; NULL:
 * it is a packet like any other.  Without an SA only addresses say who sent it, which is why this
 * is for tests (RFC 6275, 5.1: the home registration MUST be protected).
 */
const struct in6_addr *lnx_esp_bypass(struct lnx *l, const struct bub_ip6 *ip)
{
	enum esp_class class = esp_class_of(ESP_TRANSPORT, ip->packet.data, ip->packet.len);
	const struct in6_addr *home = bub_ip6_home_dst(ip);
	const struct lnx_tunnel *t;

	if ((class & (ESP_CLASS_BINDING | ESP_CLASS_PREFIX) & l->cfg.unprotected) == 0)
		return NULL;
	if (iface_is_home(l, home)) {
		t = tunnel_find(l, home);
		return t != NULL && bub_addr_eq(&t->remote_outer, &ip->src) ? home : NULL;
	}
	/* With a correspondent, which a home agent is too, it is a plain matter anyway. */
	if (class == ESP_CLASS_BINDING && !is_home_registration(ip))
		return NULL;
	return l->cfg.home_agent ? bub_ip6_home_src(ip) : NULL;
}

bool lnx_esp_transport(struct lnx *l, const struct in6_addr *owner, struct bub_view packet,
		       struct bub_view *ret)
{
	enum esp_class class = esp_class_of(ESP_TRANSPORT, packet.data, packet.len);
	struct esp_sa *sa = esp_sad_find_out(l->sad, owner, ESP_TRANSPORT, class);
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
			       (size_t)(ip.upper.data - ip.packet.data), next_iv(l), l->out,
			       LNX_PACKET_MAX, &len);
	audit_out(l, sa, &ip.src, &ip.dst, r);
	return take(l, r, len, ret);
}

bool lnx_esp_tunnel(struct lnx *l, const struct lnx_tunnel *t, struct bub_view packet,
		    struct bub_view *ret)
{
	struct esp_sa *sa = esp_sad_find_out(l->sad, &t->entry.a, ESP_TUNNEL,
					     esp_class_of(ESP_TUNNEL, packet.data, packet.len));
	enum esp_result r;
	size_t len = 0;

	if (sa == NULL) {
		l->count[COUNT_TX_NO_SA]++;
		return false;
	}
	r = esp_seal_tunnel(sa, &t->local_outer, &t->remote_outer, packet.data, packet.len,
			    next_iv(l), l->out, LNX_PACKET_MAX, &len);
	audit_out(l, sa, &t->local_outer, &t->remote_outer, r);
	return take(l, r, len, ret);
}

bool lnx_esp_dummy(struct lnx *l, const struct lnx_tunnel *t, struct bub_view *ret)
{
	struct esp_sa *sa = esp_sad_find_out(l->sad, &t->entry.a, ESP_TUNNEL, ESP_CLASS_PAYLOAD);
	/* Random octets of its own: those of the IV can be seen, and would tell a dummy by its
	 * length. */
	const uint8_t *lot = next_iv(l);
	size_t dummy_len = (size_t)(lot[0] << 8 | lot[1]) % ESP_DUMMY_MAX + 1, len = 0;
	enum esp_result r;

	if (sa == NULL)
		return false;
	r = esp_seal_dummy(sa, &t->local_outer, &t->remote_outer, dummy_len, next_iv(l), l->out,
			   LNX_PACKET_MAX, &len);
	audit_out(l, sa, &t->local_outer, &t->remote_outer, r);
	return take(l, r, len, ret);
}
