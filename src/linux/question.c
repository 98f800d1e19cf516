/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions of want.h: which way would the kernel send a packet?
 *
 * A question is a request in the lane of data, behind the routes that were changed before it.  It
 * is answered by a route and a verdict, or by a verdict alone, and the answer is kept until it is
 * fetched.
 */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "want_internal.h"

struct question *question_admit(struct want *w, const struct link_hop_question *asked)
{
	struct question *q = table_find(&w->question, &asked->local, &asked->peer);

	if (q == NULL)
		q = table_add(&w->question, &asked->local, &asked->peer);
	else
		w->n_told -= q->told;
	if (q == NULL)
		return NULL;
	q->asked = *asked;
	q->told = false;
	return q;
}

static void question_drop(struct want *w, struct question *q)
{
	w->n_told -= q->told;
	table_remove(&w->question, q);
}

void want_ask_no_more(struct want *w, const struct in6_addr *local, const struct in6_addr *peer)
{
	struct question *q = table_find(&w->question, local, peer);

	if (q != NULL)
		question_drop(w, q);
}

/* Where the packet does not go to another node by one way, there is no answer. */
void question_told(struct question *q, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *metric[RTAX_MAX + 1];
	const struct nlattr *tb[RTA_MAX + 1];

	if (q->seq != nlh->nlmsg_seq || nlh->nlmsg_type != RTM_NEWROUTE ||
	    rtm->rtm_type != RTN_UNICAST)
		return;
	nl_parse(nlh, sizeof(*rtm), tb, RTA_MAX + 1);
	nl_parse_nested(tb[RTA_METRICS], metric, RTAX_MAX + 1);
	q->hop.ifindex = nl_u32(tb[RTA_OIF], 0);
	nl_addr(tb[RTA_GATEWAY], &q->hop.gateway);
	q->hop.mtu = nl_u32(metric[RTAX_MTU], 0);
}

void question_done(struct want *w, struct question *q, uint32_t seq)
{
	if (q->seq != seq)
		return; /* another question took its place */
	q->seq = 0;
	q->told = true;
	w->n_told++;
}

bool want_told(struct want *w, struct link_hop_question *ret_question, struct link_hop *ret_hop)
{
	while (w->n_told > 0) {
		struct question *q = table_from(&w->question, &w->told_at);

		if (q == NULL) {
			w->told_at = 0;
			continue;
		}
		if (!q->told)
			continue;
		*ret_question = q->asked;
		*ret_hop = q->hop;
		question_drop(w, q);
		return true;
	}
	return false;
}
