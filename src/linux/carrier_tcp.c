/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes by TCP, in TLS: the last resort of a mobile node whose network lets neither
 * native ESP nor UDP through (docs/field.md).  The connections are bubd's, which has the
 * identities; here are only the packets.
 */
#include <errno.h>

#include "base/ip6.h"
#include "carrier.h"

int carrier_tcp_send(struct lnx *l, const struct lnx_tcp *to, struct bub_view packet)
{
	int err = -ENOTCONN;

	if (packet.len > LNX_TCP_PACKET_MAX) {
		l->count[COUNT_TX_TOO_BIG]++;
		return -EMSGSIZE;
	}
	if (l->cb.tcp != NULL)
		err = l->cb.tcp->send(l->cb.tcp_ctx, to, packet);
	if (err == 0)
		l->count[COUNT_TCP_OUT]++;
	else
		l->count[err == -ENOBUFS ? COUNT_TCP_FULL : COUNT_TCP_UNCONNECTED]++;
	return err;
}

void carrier_tcp_end(struct lnx *l, const struct in6_addr *home)
{
	if (l->cb.tcp != NULL)
		l->cb.tcp->end(l->cb.tcp_ctx, home);
}

void carrier_tcp_data(struct lnx *l, const struct link_tunnel *t, struct bub_view sealed)
{
	const struct bub_view esp = {sealed.data + BUB_IP6_HDR_LEN, sealed.len - BUB_IP6_HDR_LEN};
	struct lnx_tcp to = {
		.own = link_home(l->link, &t->entry.a, NULL),
		.home = t->entry.a,
		.src = t->local_outer,
		.dst = t->remote_outer,
	};
	struct carrier_end end = {.carrier = CARRIER_NATIVE};

	if (!to.own && (!carriers_data_to(l->carrier->choice, &to.home, &to.dst, &end) ||
			end.carrier != CARRIER_TCP)) {
		l->count[COUNT_TX_NO_TUNNEL]++;
		return;
	}
	to.stream = end.stream;
	(void)carrier_tcp_send(l, &to, esp);
}
