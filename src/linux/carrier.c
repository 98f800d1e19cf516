/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes between a mobile node and its home agent once ESP has sealed it: by which carrier, or
 * by several with the same octets while nobody knows which gets through.
 *
 * A home agent answers where the question came from.  A copy of the question by the other carrier
 * has the answer sent there too, so that a firewall which lets native ESP through in one direction
 * only keeps nobody waiting.
 */
#include "carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/addr.h"
#include "base/ip6.h"
#include "base/octets.h"
#include "copies.h"
#include "xfrm.h"

#define UDP_HDR_LEN 8

static uint8_t traffic_class(const uint8_t *ip6)
{
	return (uint8_t)((ip6[0] & 0x0f) << 4 | ip6[1] >> 4);
}

int carrier_new(struct lnx *l)
{
	uint64_t seed = 0;

	l->carrier = calloc(1, sizeof(*l->carrier));
	if (l->carrier == NULL || getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -ENOMEM;
	l->carrier->choice =
		carriers_new(l->cfg.udp, l->cfg.tcp_port != 0, l->cfg.max_tunnels, seed);
	l->carrier->copies = copies_new();
	l->carrier->answer = calloc(ANSWERS, sizeof(*l->carrier->answer));
	if (l->carrier->choice == NULL || l->carrier->copies == NULL || l->carrier->answer == NULL)
		return -ENOMEM;
	return 0;
}

void carrier_free(struct lnx *l)
{
	if (l->carrier == NULL)
		return;
	carrier_udp_close(l);
	carriers_free(l->carrier->choice);
	copies_free(l->carrier->copies);
	free(l->carrier->answer);
	free(l->carrier);
}

/* ---- How it is, for people ----------------------------------------------------------------- */

static const char *const carrier_name[] = {"native", "udp", "tcp"};

static const char *carrier_reason(enum carrier_why why)
{
	switch (why) {
	case CARRIER_WHY_AT_HOME:
		return "at home";
	case CARRIER_WHY_TRYING:
		return "both are tried";
	case CARRIER_WHY_SILENT:
		return "neither native ESP nor UDP is answered";
	case CARRIER_WHY_LAST:
		return "the last resort: neither native ESP nor UDP was answered";
	case CARRIER_WHY_ANSWERED:
		return "answered first";
	case CARRIER_WHY_TRANSLATED:
		return "native ESP is refused: addresses are translated here";
	case CARRIER_WHY_REMEMBERED:
		return "it worked in this network";
	case CARRIER_WHY_CONFIGURED:
		return "configured";
	case CARRIER_WHY_IPV4:
		return "the network has IPv4 only";
	case CARRIER_WHY_FOLLOWED:
		return "the mobile node came so";
	}
	return NULL;
}

bool lnx_carrier(const struct lnx *l, const struct in6_addr *home, struct lnx_carrier *ret)
{
	const struct link_tunnel *t = link_tunnel(l->link, home);
	enum carrier carrier = CARRIER_NATIVE;
	enum carrier_why why = CARRIER_WHY_FOLLOWED;
	struct carrier_end to = {0};

	if (t == NULL)
		return false;
	if (link_home(l->link, home, NULL)) {
		if (!carriers_own(l->carrier->choice, home, &carrier, &why))
			return false;
		to.addr = t->remote_outer;
		to.port = carrier == CARRIER_TCP ? l->cfg.tcp_port : l->cfg.udp_esp_port;
	} else if (carriers_data_to(l->carrier->choice, home, &t->remote_outer, &to)) {
		carrier = to.carrier;
	}
	*ret = (struct lnx_carrier){.name = carrier_name[carrier], .why = carrier_reason(why)};
	if (carrier != CARRIER_NATIVE) {
		ret->addr = to.addr;
		ret->port = to.port;
	}
	return true;
}

/* Octets that the carrier takes beside those of native ESP. */
static uint32_t carrier_overhead(const struct lnx *l, const struct link_tunnel *t)
{
	enum carrier carrier = CARRIER_NATIVE;
	enum carrier_why why;
	struct carrier_end to;

	if (IN6_IS_ADDR_V4MAPPED(&t->remote_outer))
		return 0; /* the link layer knows what IPv4 takes */
	if (!carriers_own(l->carrier->choice, &t->entry.a, &carrier, &why) &&
	    carriers_data_to(l->carrier->choice, &t->entry.a, &t->remote_outer, &to))
		carrier = to.carrier;
	return carrier == CARRIER_UDP ? UDP_HDR_LEN : 0;
}

static unsigned carrier_data_way(const struct lnx *l, const struct link_tunnel *t)
{
	struct carrier_end to;

	if (link_home(l->link, &t->entry.a, NULL))
		return carriers_own_data(l->carrier->choice, &t->entry.a, &t->local_outer);
	if (carriers_data_to(l->carrier->choice, &t->entry.a, &t->remote_outer, &to))
		return CARRIER_BIT(to.carrier);
	return CARRIER_BIT(IN6_IS_ADDR_V4MAPPED(&t->remote_outer) ? CARRIER_UDP : CARRIER_NATIVE);
}

void carrier_fit(struct lnx *l, const struct in6_addr *home)
{
	const struct link_tunnel *t = link_tunnel(l->link, home);

	if (t == NULL)
		return;
	link_tunnel_carrier(l->link, lnx_now(), home, carrier_overhead(l, t));
	xfrm_fit(l, home, carrier_data_way(l, t) == CARRIER_BIT(CARRIER_NATIVE));
}

/* ---- Answers by both carriers -------------------------------------------------------------- */

/* Few at once, and who has to share a place loses nothing but the second way. */
static struct carrier_answer *answer_of(const struct lnx *l, const struct in6_addr *home)
{
	const uint8_t *a = home->s6_addr;
	const uint32_t h = (be32(a + 4) * 31 + be32(a + 8)) * 31 + be32(a + 12);

	return &l->carrier->answer[(h ^ h >> 16) % ANSWERS];
}

void carrier_question(struct lnx *l, const struct in6_addr *home, const struct in6_addr *care_of,
		      const uint8_t *esp)
{
	struct carrier_answer *a = answer_of(l, home);

	*a = (struct carrier_answer){
		.home = *home,
		.care_of = *care_of,
		.until = bub_time_add_s(lnx_now(), ANSWER_S),
	};
	memcpy(a->question, esp, sizeof(a->question));
}

static int message_by_udp(struct lnx *l, bool own, const struct in6_addr *src,
			  const struct carrier_end *to, struct bub_view packet)
{
	const struct carrier_datagram d = {
		.port = CARRIER_MESSAGE,
		.src = *src,
		.dst = to->addr,
		.dst_port = to->port,
		.traffic_class = traffic_class(packet.data),
		.payload = packet,
	};

	return carrier_udp_send(l, own, &d);
}

static int answer_send(struct lnx *l, const struct carrier_end *to, struct bub_view packet)
{
	const struct lnx_tcp tcp = {.stream = to->stream, .message = true};

	leave_flush(l); /* what waits was sent before */
	switch (to->carrier) {
	case CARRIER_NATIVE:
		break;
	case CARRIER_UDP:
		return message_by_udp(l, false, &in6addr_any, to, packet);
	case CARRIER_TCP:
		return carrier_tcp_send(l, &tcp, packet);
	}
	return tx_plain(l, 0, packet);
}

void carrier_copy_came(struct lnx *l, const struct bub_ip6 *ip, const struct carrier_end *from)
{
	struct carrier_answer *a = answer_of(l, bub_ip6_home_src(ip));

	if (!bub_addr_eq(&a->home, bub_ip6_home_src(ip)) ||
	    a->n_also >= sizeof(a->also) / sizeof(a->also[0]) ||
	    memcmp(a->question, ip->upper.data, sizeof(a->question)) != 0 ||
	    !bub_time_before(lnx_now(), a->until))
		return;
	a->also[a->n_also++] = *from;
	if (a->len > 0)
		(void)answer_send(l, from, (struct bub_view){a->packet, a->len});
}

/* The answer to a question: kept for the copy of the question, or sent where that has
 * come from already. */
static void answer_keep(struct lnx *l, const struct in6_addr *home, struct bub_view packet)
{
	struct carrier_answer *a = answer_of(l, home);
	const struct in6_addr dst = ip6_dst(packet.data);

	if (!bub_addr_eq(&a->home, home) || a->len > 0 || packet.len > ANSWER_MAX ||
	    !bub_addr_eq(&a->care_of, &dst) || !bub_time_before(lnx_now(), a->until))
		return;
	memcpy(a->packet, packet.data, packet.len);
	a->len = (uint16_t)packet.len;
	for (unsigned i = 0; i < a->n_also; i++)
		(void)answer_send(l, &a->also[i], packet);
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void carrier_say(struct lnx *l, const struct in6_addr *home)
{
	static const char *const words[] = {"native ESP", "ESP in UDP", "ESP in TLS over TCP"};
	enum carrier carrier;
	enum carrier_why why;

	if (!carriers_news(l->carrier->choice, home) ||
	    !carriers_own(l->carrier->choice, home, &carrier, &why))
		return;
	lnx_log(l, LNX_LOG_INFO, "%s: to the home agent by %s: %s", lnx_ntop(home), words[carrier],
		carrier_reason(why));
}

/* What is for port 4500 opens a translator's way for the answer, and shows the home agent the
 * carrier.  As short as can be. */
static void carrier_show(struct lnx *l, const struct in6_addr *home, enum carrier carrier)
{
	static const struct bub_action plain;
	const struct link_tunnel *t = link_tunnel(l->link, home);
	struct bub_view sealed;

	if (t == NULL || !lnx_esp_dummy(l, t, 1, &sealed))
		return;
	if (carrier == CARRIER_UDP)
		carrier_data_by_udp(l, t, sealed, &plain);
	else if (carrier == CARRIER_TCP)
		carrier_tcp_data(l, t, sealed);
	else
		tx_outer(l, t, sealed, &plain);
}

void carrier_decided(struct lnx *l, const struct in6_addr *home)
{
	enum carrier carrier;
	enum carrier_why why;

	if (!carriers_own(l->carrier->choice, home, &carrier, &why))
		return;
	carrier_say(l, home);
	carrier_fit(l, home);
	if (carrier != CARRIER_TCP)
		carrier_tcp_end(l, home);
	carrier_show(l, home, carrier);
}

/* Of a mobile node.  0 where it went by one of them, or a negative errno. */
static int question_send(struct lnx *l, const struct bub_action *act, struct bub_view sealed,
			 const struct carrier_ask *ask)
{
	const bool ipv4 = IN6_IS_ADDR_V4MAPPED(&act->u.send.outer_dst);
	const struct in6_addr src = ipv4 ? act->u.send.outer_src : ip6_src(sealed.data);
	const struct carrier_end to = {
		.carrier = CARRIER_UDP,
		.addr = ipv4 ? act->u.send.outer_dst : ip6_dst(sealed.data),
		.port = l->cfg.udp_port,
	};
	const struct lnx_tcp tcp = {
		.own = true,
		.home = act->u.send.owner,
		.src = src,
		.dst = to.addr,
		.message = true,
	};
	int by_udp = -ENOTCONN, native = -ENOTCONN, by_tcp = -ENOTCONN;

	if ((ask->by & CARRIER_BIT(CARRIER_UDP)) != 0 && ask->udp_first)
		by_udp = message_by_udp(l, true, &src, &to, sealed);
	if ((ask->by & CARRIER_BIT(CARRIER_NATIVE)) != 0)
		native = tx_plain(l, act->u.send.ifindex, sealed);
	if ((ask->by & CARRIER_BIT(CARRIER_UDP)) != 0 && !ask->udp_first)
		by_udp = message_by_udp(l, true, &src, &to, sealed);
	if ((ask->by & CARRIER_BIT(CARRIER_TCP)) != 0)
		by_tcp = carrier_tcp_send(l, &tcp, sealed);
	if (by_udp == 0 || native == 0 || by_tcp == 0)
		return 0;
	return native != -ENOTCONN ? native : by_udp;
}

static void carrier_ask(struct lnx *l, const struct bub_action *act, struct bub_view sealed)
{
	const struct in6_addr *home = &act->u.send.owner;
	const bool ipv4 = IN6_IS_ADDR_V4MAPPED(&act->u.send.outer_src);
	const struct in6_addr src = ip6_src(sealed.data), agent = ip6_dst(sealed.data);
	const struct carrier_ask ask = carriers_ask(l->carrier->choice, lnx_now(), home,
						    ipv4 ? &act->u.send.outer_src : &src, &agent);

	if ((ask.by & CARRIER_BIT(CARRIER_TCP)) == 0)
		carrier_tcp_end(l, home);
	undelivered_note(l, home, sealed, question_send(l, act, sealed, &ask));
	carrier_say(l, home);
	carrier_fit(l, home);
	if ((ask.by & CARRIER_BIT(CARRIER_UDP)) != 0)
		carrier_show(l, home, CARRIER_UDP);
}

void carrier_send_message(struct lnx *l, const struct bub_action *act, struct bub_view sealed)
{
	const struct in6_addr *home = &act->u.send.owner;
	const bool ipv4 = IN6_IS_ADDR_V4MAPPED(&act->u.send.outer_dst);
	const struct in6_addr dst = ipv4 ? act->u.send.outer_dst : ip6_dst(sealed.data);
	struct carrier_end to = {.carrier = CARRIER_NATIVE};
	int err = -ENOTCONN;

	if (link_home(l->link, home, NULL)) {
		leave_flush(l); /* data that was sent before it is ahead of it */
		carrier_ask(l, act, sealed);
		return;
	}
	if (!carriers_message_to(l->carrier->choice, home, &dst, &to) && !ipv4) {
		leave_take_message(l, home, act->u.send.ifindex, sealed);
	} else {
		if (to.carrier != CARRIER_NATIVE)
			err = answer_send(l, &to, sealed);
		else
			l->count[COUNT_TX_NO_TUNNEL]++;
		undelivered_note(l, home, sealed, err);
	}
	answer_keep(l, home, sealed); /* last: copies are answered behind what came first */
}

/* ---- Data ---------------------------------------------------------------------------------- */

/* How data of @t goes in UDP; false: there is nowhere to send it to. */
static bool udp_way(const struct lnx *l, const struct link_tunnel *t, struct bub_view sealed,
		    const struct bub_action *act, struct leave_way *ret)
{
	const bool own = link_home(l->link, &t->entry.a, NULL);
	struct carrier_end to = {.addr = t->remote_outer, .port = l->cfg.udp_esp_port};

	if (!own && !carriers_data_to(l->carrier->choice, &t->entry.a, &t->remote_outer, &to))
		return false;
	*ret = (struct leave_way){
		.udp = true,
		.home = t->entry.a,
		.own = own,
		.to =
			{
				.port = CARRIER_DATA,
				.src = own ? t->local_outer : in6addr_any,
				.dst = to.addr,
				.dst_port = to.port,
				.traffic_class = traffic_class(sealed.data),
				.whole = act->u.send.whole,
			},
	};
	return true;
}

/* The octets that go in UDP. */
static struct bub_view udp_payload(struct bub_view sealed)
{
	return (struct bub_view){sealed.data + BUB_IP6_HDR_LEN, sealed.len - BUB_IP6_HDR_LEN};
}

void carrier_data_by_udp(struct lnx *l, const struct link_tunnel *t, struct bub_view sealed,
			 const struct bub_action *act)
{
	struct leave_way way;

	if (!udp_way(l, t, sealed, act, &way)) {
		l->count[COUNT_TX_NO_TUNNEL]++;
		return;
	}
	way.to.payload = udp_payload(sealed);
	(void)carrier_udp_send(l, way.own, &way.to);
	carriers_sent(l->carrier->choice, lnx_now(), &t->entry.a);
}

/* By one carrier, and as it is: the packet may wait for others.  One that may not be cut, or that
 * the path is too small for, goes by itself. */
static bool carrier_may_wait(const struct lnx *l, const struct link_tunnel *t, unsigned by,
			     struct bub_view sealed, const struct bub_action *act,
			     struct leave_way *ret)
{
	if (act->u.send.whole || act->u.send.has_limit)
		return false;
	if (by == CARRIER_BIT(CARRIER_UDP))
		return udp_way(l, t, sealed, act, ret);
	*ret = (struct leave_way){.home = t->entry.a, .ifindex = act->u.send.ifindex};
	ret->to.src = ip6_src(sealed.data);
	ret->to.dst = ip6_dst(sealed.data);
	return by == CARRIER_BIT(CARRIER_NATIVE) && (t->pmtu == 0 || sealed.len <= t->pmtu);
}

void carrier_send_data(struct lnx *l, const struct link_tunnel *t, struct bub_view sealed,
		       const struct bub_action *act)
{
	const unsigned by = carrier_data_way(l, t);
	struct leave_way way;

	if (carrier_may_wait(l, t, by, sealed, act, &way)) {
		leave_take(l, &way, way.udp ? udp_payload(sealed) : sealed);
		return;
	}
	leave_flush(l);
	if ((by & CARRIER_BIT(CARRIER_NATIVE)) != 0)
		tx_outer(l, t, sealed, act);
	if ((by & CARRIER_BIT(CARRIER_UDP)) != 0)
		carrier_data_by_udp(l, t, sealed, act);
	if ((by & CARRIER_BIT(CARRIER_TCP)) != 0)
		carrier_tcp_data(l, t, sealed);
}

/* The other end goes over to new keys with the first packet that bubd there opens under them.  Data
 * that the kernel does is none of these, so a dummy is. */
static void carrier_greet(struct lnx *l, const struct in6_addr *home)
{
	static const struct bub_action plain;
	const struct link_tunnel *t = link_tunnel(l->link, home);
	struct bub_view sealed;

	if (t != NULL && lnx_esp_dummy(l, t, 1, &sealed))
		carrier_send_data(l, t, sealed, &plain);
}

/* ---- Hints --------------------------------------------------------------------------------- */

bool lnx_udp_end(const struct lnx *l, const struct in6_addr *home, struct in6_addr *ret_addr,
		 uint16_t *ret_port)
{
	struct carrier_end end;

	if (!carriers_followed(l->carrier->choice, home, &end) || end.carrier != CARRIER_UDP)
		return false;
	*ret_addr = end.addr;
	*ret_port = end.port;
	return true;
}

void lnx_hint(struct lnx *l, const struct in6_addr *to, uint16_t port, struct bub_view octets)
{
	uint8_t payload[CARRIER_NO_ESP_LEN + LNX_HINT_LEN] = {0};
	const struct carrier_datagram d = {
		.port = CARRIER_DATA,
		.dst = *to,
		.dst_port = port,
		.payload = {payload, sizeof(payload)},
	};

	memcpy(payload + CARRIER_NO_ESP_LEN, octets.data, LNX_HINT_LEN);
	(void)carrier_udp_send(l, false, &d);
}

bool lnx_note(struct lnx *l, const struct in6_addr *home, struct bub_view octets)
{
	static const struct bub_action plain;
	const struct link_tunnel *t = link_tunnel(l->link, home);
	struct bub_view sealed;

	if (t == NULL || !lnx_esp_note(l, t, octets, &sealed))
		return false;
	carrier_send_data(l, t, sealed, &plain);
	return true;
}

void lnx_udp_restore(struct lnx *l, const struct in6_addr *home, const struct in6_addr *addr,
		     uint16_t port)
{
	const struct carrier_end end = {.carrier = CARRIER_UDP, .addr = *addr, .port = port};
	const struct link_tunnel *t = link_tunnel(l->link, home);

	if (t == NULL)
		return;
	(void)carriers_heard_data(l->carrier->choice, lnx_now(), home, &t->remote_outer, &end);
	carrier_fit(l, home);
}

/* ---- Keep-alives --------------------------------------------------------------------------- */

struct bub_time carrier_deadline(const struct lnx *l)
{
	return carriers_deadline(l->carrier->choice);
}

void carrier_expire(struct lnx *l, struct bub_time now)
{
	static const uint8_t keep_alive[] = {0xff}; /* RFC 3948, 2.3 */
	struct in6_addr home;

	while (xfrm_next(l, &home)) {
		carrier_fit(l, &home);
		carrier_greet(l, &home);
	}
	while (carriers_expire(l->carrier->choice, now, &home)) {
		const struct link_tunnel *t = link_tunnel(l->link, &home);
		struct carrier_datagram d = {
			.port = CARRIER_DATA,
			.dst_port = l->cfg.udp_esp_port,
			.payload = {keep_alive, sizeof(keep_alive)},
		};

		if (t == NULL)
			continue;
		d.src = t->local_outer;
		d.dst = t->remote_outer;
		if (carrier_udp_send(l, true, &d) == 0)
			l->count[COUNT_UDP_KEEP_ALIVE]++;
	}
}
