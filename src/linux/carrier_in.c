/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets with ESP as they come, by whatever carrier: opened, told to the core, and looked at for
 * what they say about the way.  Only what ESP has proved says anything (protocol.md, P88), and only
 * what is newer than all before: a packet that somebody has kept moves nothing.
 */
#include <string.h>

#include "base/ip6.h"
#include "carrier.h"
#include "copies.h"

#define MH_TYPE_AT 2
#define MH_BA 6
#define MH_BA_STATUS_AT 6
#define BA_REFUSED 128

/* Data of @home came with ESP, and this node has it without. */
static void carrier_tell_fault(struct lnx *l, const struct in6_addr *home,
			       const struct bub_event *ev)
{
	const struct lnx_data_fault fault = {true, *home, ev->u.packet.outer_src,
					     ev->u.packet.outer_dst};

	if (l->cb.data_fault != NULL)
		l->cb.data_fault(l->cb.ctx, &fault);
}

/* 0 where @message is no Binding Acknowledgement. */
static uint8_t acknowledged_status(struct bub_view message)
{
	struct bub_ip6 ip;

	if (bub_ip6_decode(message, &ip) != BUB_DROP_NONE || ip.upper_proto != BUB_NH_MH ||
	    ip.upper.len <= MH_BA_STATUS_AT || ip.upper.data[MH_TYPE_AT] != MH_BA)
		return 0;
	return ip.upper.data[MH_BA_STATUS_AT];
}

/* A refusal is no way home yet: by the other carrier it may be none, as where a translator has
 * changed the source of native ESP (docs/field.md).  Returns whether that is to be seen. */
static bool heard_answer(struct lnx *l, const struct esp_opened *opened,
			 const struct carrier_end *from)
{
	uint8_t status;

	if (opened->mode != ESP_TRANSPORT)
		return false;
	status = acknowledged_status((struct bub_view){l->in, opened->len});
	if (status == BUB_STATUS_INVALID_CARE_OF)
		return carriers_refused(l->carrier->choice, &opened->owner);
	if (status < BA_REFUSED &&
	    carriers_answered(l->carrier->choice, lnx_now(), &opened->owner, from->carrier))
		carrier_decided(l, &opened->owner);
	return false;
}

/* By now the home address is that of whoever has the connection. */
static void heard_by_tcp(const struct lnx *l, const struct in6_addr *home,
			 const struct carrier_end *from)
{
	if (from->carrier == CARRIER_TCP && l->cb.tcp != NULL)
		l->cb.tcp->bound(l->cb.tcp_ctx, from->stream, home);
}

static void heard_client(struct lnx *l, const struct bub_ip6 *ip, const struct esp_opened *opened,
			 const struct carrier_end *from)
{
	const struct in6_addr *home = &opened->owner;
	const struct link_tunnel *t = link_tunnel(l->link, home);
	const struct in6_addr *care_of = IN6_IS_ADDR_V4MAPPED(&from->addr) ? &from->addr : &ip->src;

	bool another;

	heard_by_tcp(l, home, from);
	if (opened->mode == ESP_TRANSPORT) {
		another =
			carriers_heard_message(l->carrier->choice, lnx_now(), home, care_of, from);
		carrier_question(l, home, &ip->src, ip->upper.data);
		carrier_fit(l, home);
	} else {
		another = carriers_heard_data(l->carrier->choice, lnx_now(), home,
					      t != NULL ? &t->remote_outer : &in6addr_any, from);
		if (another)
			carrier_fit(l, home);
	}
	if (another && l->cb.hints != NULL)
		l->cb.hints->followed(l->cb.hints_ctx, home);
}

/* A message in UDP over IPv6 has the address that it was sent from inside, too. */
static bool is_translated(const struct bub_ip6 *ip, const struct esp_opened *opened,
			  const struct carrier_end *from)
{
	return opened->mode == ESP_TRANSPORT && from->carrier != CARRIER_NATIVE &&
	       !IN6_IS_ADDR_V4MAPPED(&from->addr) && !bub_addr_eq(&from->addr, &ip->src);
}

static void carrier_tell(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *ip,
			 const struct esp_opened *opened, const struct carrier_end *from,
			 const struct in6_addr *to, bool retry)
{
	struct bub_event ev = {.type = BUB_EV_PACKET, .ifindex = ifindex};
	const struct link_tunnel *t = link_tunnel(l->link, &opened->owner);

	ev.u.packet.data = (struct bub_view){l->in, opened->len};
	ev.u.packet.owner = opened->owner;
	ev.u.packet.newest = opened->newest;
	ev.u.packet.translated = is_translated(ip, opened, from);
	ev.u.packet.retry = retry;
	ev.u.packet.ingress = BUB_INGRESS_ESP_TRANSPORT;
	if (from->carrier != CARRIER_NATIVE && IN6_IS_ADDR_V4MAPPED(&from->addr)) {
		ev.u.packet.outer_src = from->addr;
		ev.u.packet.outer_dst = *to;
	}
	if (opened->mode == ESP_TUNNEL) {
		ev.u.packet.ingress = BUB_INGRESS_ESP_TUNNEL;
		ev.u.packet.outer_src =
			carriers_care_of(l->carrier->choice, &opened->owner,
					 t != NULL ? &t->remote_outer : &ip->src, from);
		ev.u.packet.outer_dst = ip->dst;
		if (!l->cfg.protect_payload &&
		    esp_class_of(ESP_TUNNEL, l->in, opened->len) == ESP_CLASS_PAYLOAD)
			carrier_tell_fault(l, &opened->owner, &ev);
	}
	if (opened->mode == ESP_TUNNEL)
		bulk_take(l, &ev, false);
	else
		lnx_emit(l, &ev);
}

void carrier_take(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *ip,
		  const struct carrier_end *from, const struct in6_addr *to, enum carrier_port port)
{
	const uint8_t *esp = ip->upper.data;
	const size_t len = ip->upper.len;
	struct esp_opened opened = {0};
	enum esp_result r;
	bool retry = false;

	if (copies_take(l->carrier->copies, esp, len, from->carrier)) {
		l->count[COUNT_CARRIER_COPY]++;
		carrier_copy_came(l, ip, from);
		return;
	}
	r = lnx_esp_open(l, ip, &opened);
	if (r == ESP_DOUBT && l->cb.hints != NULL)
		l->cb.hints->doubt(l->cb.hints_ctx, &opened.owner);
	if (r != ESP_OK && r != ESP_DUMMY)
		return; /* counted there */
	copies_note(l->carrier->copies, esp, len, from->carrier);
	if (from->carrier != CARRIER_NATIVE &&
	    (opened.mode == ESP_TRANSPORT) != (port == CARRIER_MESSAGE)) {
		l->count[from->carrier == CARRIER_UDP ? COUNT_UDP_WRONG_PORT : COUNT_TCP_NO_ESP]++;
		return;
	}
	if (link_home(l->link, &opened.owner, NULL))
		retry = heard_answer(l, &opened, from);
	else if (opened.newest)
		heard_client(l, ip, &opened, from);
	if (r == ESP_OK)
		carrier_tell(l, ifindex, ip, &opened, from, to, retry);
	else if (opened.len > 0 && l->cb.hints != NULL)
		l->cb.hints->note(l->cb.hints_ctx, opened.sa, &opened.owner,
				  (struct bub_view){l->in, opened.len});
}
