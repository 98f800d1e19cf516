/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carries the core's actions out: one line for each.  Nothing here calls back; a verdict is queued
 * for lnx_expire() or lnx_readable().
 */
#include "carrier.h"
#include "xfrm.h"

void lnx_carry_out(struct lnx *l, struct bub_time now, const struct bub_action *act)
{
	switch (act->type) {
	case BUB_ACT_SEND:
		tx_send(l, act);
		break;
	case BUB_ACT_DELIVER:
		tun_write(l, act->u.send.data, act->u.send.merged);
		break;
	case BUB_ACT_PATH_SET:
		link_path_set(l->link, now, &act->u.path);
		ops_carry_out(l);
		break;
	case BUB_ACT_PATH_DEL:
		link_path_del(l->link, now, &act->u.path.local, &act->u.path.peer);
		ops_carry_out(l);
		break;
	case BUB_ACT_TUNNEL_SET:
		link_tunnel_set(l->link, now, &act->u.tunnel);
		ops_carry_out(l);
		carrier_fit(l, &act->u.tunnel.home); /* carried out below */
		carriers_keep_alive(l->carrier->choice, now, &act->u.tunnel.home,
				    act->u.tunnel.keep_alive_s);
		break;
	case BUB_ACT_TUNNEL_DEL:
		link_tunnel_del(l->link, now, &act->u.tunnel.home);
		ops_carry_out(l);
		carriers_keep_alive(l->carrier->choice, now, &act->u.tunnel.home, 0);
		carriers_forget(l->carrier->choice, now, &act->u.tunnel.home);
		xfrm_fit(l, &act->u.tunnel.home, false);
		break;
	case BUB_ACT_ATTACH:
		link_attach(l->link, now, &act->u.attach);
		break;
	case BUB_ACT_REGISTRATION:
		link_registered(l->link, now, &act->u.registration);
		break;
	case BUB_ACT_HOME_ADD:
		link_home_add(l->link, now, &act->u.home_add.home, act->u.home_add.prefix_len,
			      &act->u.home_add.home_agent, &act->u.home_add.instead_of);
		break;
	case BUB_ACT_HOME_DEL:
		link_home_del(l->link, now, &act->u.home);
		break;
	case BUB_ACT_HOME_AGENT: /* the daemon's, which has the secrets */
	case BUB_ACT_STORE:      /* likewise: bindings.c */
		break;
	case BUB_ACT_DAD:
		link_dad(l->link, now, act->id, &act->u.home);
		break;
	case BUB_ACT_PROXY_ADD:
		link_proxy_add(l->link, now, &act->u.home);
		break;
	case BUB_ACT_PROXY_DEL:
		link_proxy_del(l->link, now, &act->u.home);
		break;
	case BUB_ACT_GROUP_JOIN:
		agent_group(l, &act->u.group, true);
		break;
	case BUB_ACT_GROUP_LEAVE:
		agent_group(l, &act->u.group, false);
		break;
	case BUB_ACT_GROUP_SEND:
		(void)tx_raw(l, l->home_link_ifindex, act->u.send.data, (struct bub_view){NULL, 0});
		break;
	}
	ops_carry_out(l);
}
