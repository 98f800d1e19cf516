/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was sent to a home agent and does not get there, told to the core: the kernel has refused to
 * send it, or an ICMPv6 error quotes it.
 *
 * Anybody can write an error.  It counts where it quotes SPI and number of an ESP packet that this
 * node has sent lately (protocol.md, P52), and even then it only informs.
 */
#include <errno.h>

#include "base/ip6.h"
#include "base/octets.h"
#include "internal.h"

/* The core is in the middle of an action: it hears of it when its turn is over. */
void undelivered_note(struct lnx *l, const struct in6_addr *home, struct bub_view packet, int err)
{
	switch (err) {
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -ENETDOWN:
	case -EACCES:
	case -EPERM:
		l->unsent = (struct lnx_unsent){*home, ip6_src(packet.data), err};
		break;
	default: /* it went, or what is wrong is not the way */
		break;
	}
}

void undelivered_expire(struct lnx *l)
{
	const struct lnx_unsent unsent = l->unsent;
	struct bub_event ev = {.type = BUB_EV_NOT_DELIVERED};

	if (unsent.error == 0)
		return;
	l->unsent.error = 0;
	ev.u.not_delivered.home = unsent.home;
	ev.u.not_delivered.care_of = unsent.care_of;
	ev.u.not_delivered.by = unsent.error == -EACCES || unsent.error == -EPERM
					? BUB_NOT_DELIVERED_REFUSED
					: BUB_NOT_DELIVERED_NO_ROUTE;
	lnx_emit(l, &ev);
}

struct bub_time undelivered_deadline(const struct lnx *l)
{
	const struct bub_time at_once = {0};

	return l->unsent.error != 0 ? at_once : BUB_TIME_NEVER;
}

static bool undelivered_is_ours(const struct lnx *l, const struct in6_addr *home,
				const struct bub_ip6 *quoted)
{
	const uint32_t spi = be32(quoted->upper.data), number = be32(quoted->upper.data + 4);

	return esp_sad_has_sent(l->sad, home, ESP_TRANSPORT, spi, number) ||
	       esp_sad_has_sent(l->sad, home, ESP_TUNNEL, spi, number);
}

void undelivered_on_error(struct lnx *l, const struct in6_addr *src, const struct bub_icmp6 *icmp)
{
	struct bub_event ev = {.type = BUB_EV_NOT_DELIVERED};
	struct link_home home;
	struct bub_ip6 quoted;
	unsigned at = 0;

	if (bub_ip6_decode(icmp->quoted, &quoted) != BUB_DROP_NONE ||
	    quoted.upper_proto != BUB_NH_ESP || quoted.upper.len < 8)
		return;
	while (link_home_next(l->link, &at, &home)) {
		if (!undelivered_is_ours(l, &home.addr, &quoted))
			continue;
		ev.u.not_delivered.home = home.addr;
		ev.u.not_delivered.care_of = quoted.src;
		ev.u.not_delivered.by = BUB_NOT_DELIVERED_ICMP6;
		ev.u.not_delivered.icmp6_type = (uint8_t)icmp->kind;
		ev.u.not_delivered.icmp6_code = icmp->code;
		ev.u.not_delivered.reporter = *src;
		lnx_emit(l, &ev);
		return;
	}
}
