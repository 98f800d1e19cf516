/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel room, agreed keys and a home agent's subscribers would say, where test_request.c
 * does not care.
 */
#include "keyd.h"
#include "lacking.h"
#include "linux_xfrm.h"
#include "owners.h"
#include "switching.h"

json_t *keyd_status_home(const struct keyd *k, const struct in6_addr *home, bool at_home_agent)
{
	(void)k;
	(void)home;
	return json_pack("{s:s}", "kind", at_home_agent ? "agreed" : "static");
}

bool keyd_lacks(const struct keyd *k, const struct in6_addr *home)
{
	(void)k;
	(void)home;
	return false;
}

void keyd_why(const struct keyd *k, const struct in6_addr *home, char *ret_text, size_t cap)
{
	(void)k;
	(void)home;
	(void)snprintf(ret_text, cap, "-");
}

void keyd_counters(const struct keyd *k, json_t *object)
{
	(void)k;
	(void)json_object_set_new(object, "keys-agreed", json_integer(3));
}

json_t *keyd_status(const struct keyd *k)
{
	(void)k;
	return json_null();
}

bool owners_count(struct owners *o, uint64_t *ret_all, size_t *ret_loaded)
{
	(void)o;
	*ret_all = 1000;
	*ret_loaded = 10;
	return true;
}

bool lnx_bypassed(const struct lnx *lnx)
{
	(void)lnx;
	return false;
}

const char *lnx_preferred(const struct lnx *lnx, bool *ret_once)
{
	(void)lnx;
	*ret_once = true;
	return "wl0";
}

bool lnx_lack_next(const struct lnx *lnx, unsigned *at, struct lnx_lack *ret)
{
	(void)lnx;
	(void)at;
	(void)ret;
	return false;
}

const char *bub_switched_name(enum bub_switched what)
{
	(void)what;
	return "asked";
}

json_t *switching_answer(const json_t *request, const struct request_target *t)
{
	(void)request;
	(void)t;
	return json_pack("{s:b}", "running", 1);
}

bool lnx_xfrm_status(struct lnx *lnx, const struct in6_addr *home, struct lnx_xfrm_status *ret)
{
	(void)lnx;
	(void)home;
	*ret = (struct lnx_xfrm_status){.why = "configured", .out_packets = 7};
	return true;
}

uint32_t lnx_own_ifindex(const struct lnx *lnx)
{
	(void)lnx;
	return 77;
}

bool lnx_carrier(const struct lnx *lnx, const struct in6_addr *home, struct lnx_carrier *ret)
{
	(void)home;
	(void)lnx;
	*ret = (struct lnx_carrier){.name = "udp", .why = "answered first", .port = 4500};
	return true;
}
