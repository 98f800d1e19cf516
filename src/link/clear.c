/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may come and go in the clear (link_clear.h): what kind of traffic a packet is, a table that
 * says what each kind has to be protected by, and whose it is.  Nothing here changes anything.
 */
#include "link_clear.h"

#include "link_internal.h"

/* ---- Kinds of traffic ---------------------------------------------------------------------- */

enum clear_traffic {
	TRAFFIC_HOME_UPDATE, /* Binding Update with the H bit */
	TRAFFIC_ACK,         /* Binding Acknowledgement */
	TRAFFIC_MOBILITY,    /* any other mobility message */
	TRAFFIC_PREFIX_SOLICIT,
	TRAFFIC_PREFIX_ADVERT,
	TRAFFIC_DISCOVERY, /* home agent address discovery */
	TRAFFIC_PAYLOAD,
	TRAFFIC_COUNT,
};

static enum clear_traffic clear_mobility(struct bub_view mh)
{
	enum bub_mh_kind kind;
	uint16_t flags;

	if (!bub_mh_peek(mh, &kind, &flags))
		return TRAFFIC_MOBILITY;
	if (kind == BUB_MH_BA || kind == BUB_MH_HA_SWITCH)
		return TRAFFIC_ACK;
	return kind == BUB_MH_BU && (flags & BUB_BU_HOME) != 0 ? TRAFFIC_HOME_UPDATE
							       : TRAFFIC_MOBILITY;
}

static enum clear_traffic clear_traffic_of(const struct bub_ip6 *ip)
{
	if (ip->upper_proto == BUB_NH_MH)
		return clear_mobility(ip->upper);
	if (ip->upper_proto != BUB_NH_ICMPV6 || ip->upper.len == 0)
		return TRAFFIC_PAYLOAD;
	switch (ip->upper.data[0]) {
	case BUB_ICMP6_DHAAD_REQUEST:
	case BUB_ICMP6_DHAAD_REPLY:
		return TRAFFIC_DISCOVERY;
	case BUB_ICMP6_PREFIX_SOLICIT:
		return TRAFFIC_PREFIX_SOLICIT;
	case BUB_ICMP6_PREFIX_ADVERT:
		return TRAFFIC_PREFIX_ADVERT;
	default:
		return TRAFFIC_PAYLOAD;
	}
}

/* ---- What has to be protected -------------------------------------------------------------- */

/* By what keyword of the operator something goes in the clear. */
enum clear_rule {
	RULE_ANYBODY, /* is nobody's in particular, and needs no protection */
	RULE_NEVER,
	RULE_REGISTRATION,
	RULE_MOBILITY,
	RULE_PREFIXES,
	RULE_PAYLOAD,
};

/*
 * Beside the tunnel, the registration and prefix discovery are protected, each in its direction
 * (RFC 6275, 5.1 and 5.3).  In the tunnel a Binding Update is one to a correspondent, and prefix
 * discovery has no business there but in ESP.
 */
static const struct {
	enum clear_rule to_home;  /* it came to a home address of this node */
	enum clear_rule to_agent; /* it came to any other address of a home agent */
	enum clear_rule tunnel;   /* it is in the tunnel */
} clear_table[TRAFFIC_COUNT] = {
	[TRAFFIC_HOME_UPDATE] = {RULE_ANYBODY, RULE_REGISTRATION, RULE_MOBILITY},
	[TRAFFIC_ACK] = {RULE_REGISTRATION, RULE_ANYBODY, RULE_MOBILITY},
	[TRAFFIC_MOBILITY] = {RULE_ANYBODY, RULE_ANYBODY, RULE_MOBILITY},
	[TRAFFIC_PREFIX_SOLICIT] = {RULE_ANYBODY, RULE_PREFIXES, RULE_NEVER},
	[TRAFFIC_PREFIX_ADVERT] = {RULE_PREFIXES, RULE_ANYBODY, RULE_NEVER},
	[TRAFFIC_DISCOVERY] = {RULE_ANYBODY, RULE_ANYBODY, RULE_NEVER},
	[TRAFFIC_PAYLOAD] = {RULE_ANYBODY, RULE_ANYBODY, RULE_PAYLOAD},
};

static bool clear_is_wanted(const struct link_clear_config *cfg, enum clear_rule rule)
{
	switch (rule) {
	case RULE_ANYBODY:
	case RULE_NEVER:
		return false;
	case RULE_REGISTRATION:
		return cfg->registration;
	case RULE_MOBILITY:
		return cfg->mobility;
	case RULE_PREFIXES:
		return cfg->prefixes;
	case RULE_PAYLOAD:
		return cfg->payload;
	}
	return false;
}

/* ---- Beside the tunnel --------------------------------------------------------------------- */

/* What the home agent sends comes from the far end of the tunnel.  Correspondents acknowledge
 * Binding Updates as well. */
static bool clear_is_far_end(const struct link *lk, const struct in6_addr *home,
			     const struct in6_addr *src)
{
	const struct link_tunnel *t = link_tunnel(lk, home);

	return t != NULL && bub_addr_eq(&t->remote_outer, src);
}

enum link_clear link_clear_bare(const struct link *lk, const struct bub_ip6 *ip,
				struct in6_addr *ret_owner)
{
	const enum clear_traffic traffic = clear_traffic_of(ip);
	const struct in6_addr *home = bub_ip6_home_dst(ip);
	const bool to_home = lookup_home_seen(lk, home) != NULL;
	const enum clear_rule rule =
		to_home ? clear_table[traffic].to_home : clear_table[traffic].to_agent;

	if (rule == RULE_ANYBODY ||
	    (to_home ? !clear_is_far_end(lk, home, &ip->src) : !lk->cfg.tunnel.home_agent))
		return LINK_CLEAR_PLAIN;
	if (!clear_is_wanted(&lk->cfg.clear, rule))
		return LINK_CLEAR_NEEDS_ESP;
	/* At a home agent the core asks the binding who that is. */
	*ret_owner = to_home ? *home : *bub_ip6_home_src(ip);
	return LINK_CLEAR_OWNED;
}

/* ---- In the tunnel ------------------------------------------------------------------------- */

/* Whose tunnel it is said to have come out of.  In a packet for a group only the source is
 * somebody's, and a listener's report has a link-local one. */
static const struct in6_addr *clear_owner(const struct link *lk, const struct bub_ip6 *inner,
					  const struct in6_addr *outer_src)
{
	const struct link_tunnel *t;

	if (lookup_home_seen(lk, &inner->dst) != NULL)
		return &inner->dst;
	if (!lk->cfg.tunnel.multicast || !IN6_IS_ADDR_MULTICAST(&inner->dst) ||
	    link_tunnel(lk, &inner->src) != NULL)
		return &inner->src;
	t = tunnel_from(lk, outer_src, &inner->src);
	return t != NULL ? &t->entry.a : &inner->src;
}

/* Nothing but the addresses says whose tunnel it is, and the core compares them with the binding.
 * That is good enough for data where the operator wants it so, for signalling in tests. */
enum link_clear link_clear_inner(const struct link *lk, const struct bub_ip6 *inner,
				 const struct in6_addr *outer_src, struct in6_addr *ret_owner)
{
	const struct in6_addr *owner;

	if (!clear_is_wanted(&lk->cfg.clear, clear_table[clear_traffic_of(inner)].tunnel))
		return LINK_CLEAR_NEEDS_ESP;
	owner = clear_owner(lk, inner, outer_src);
	/* At a home agent there may be none yet: what is to be done then is the core's to say. */
	if (link_tunnel(lk, owner) == NULL &&
	    (!lk->cfg.tunnel.home_agent || lookup_home_seen(lk, owner) != NULL))
		return LINK_CLEAR_NO_TUNNEL;
	*ret_owner = *owner;
	return LINK_CLEAR_OWNED;
}

bool link_clear_out(const struct link *lk, struct bub_view packet)
{
	const struct link_clear_config *cfg = &lk->cfg.clear;
	struct bub_ip6 ip;

	if (!cfg->payload && !cfg->mobility)
		return false; /* nothing has to be looked at */
	if (bub_ip6_decode(packet, &ip) != BUB_DROP_NONE)
		return cfg->payload;
	return clear_is_wanted(cfg, clear_table[clear_traffic_of(&ip)].tunnel);
}
