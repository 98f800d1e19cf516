/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent's registrations outlive its restart (RFC 6275, 10.1: the binding cache belongs into
 * stable storage where a restart must not cut mobile nodes off).
 *
 * What a registration changes is stored first, then carried out and acknowledged: so a mobile node
 * never counts on a binding that a crash takes away.  Where the storage is, and when it is written
 * for many at once, is the caller's business (BUB_ACT_STORE, BUB_EV_STORED).
 *
 * A deletion leaves its sequence number behind for a while, as in memory: else an old Binding
 * Update that comes right after a restart would bring the binding back.
 */
#include "ha/stable.h"
#include "ha/careof.h"
#include "ha/state.h"

static uint32_t stable_store(struct bub_engine *eng, const struct bub_stored *what)
{
	struct bub_action *act = core_action(eng, BUB_ACT_STORE);

	act->u.store = *what;
	return act->id;
}

bool stable_keep(struct bub_engine *eng, struct mobile_node *c, const struct request *req,
		 uint32_t lifetime_s)
{
	struct bub_stored s = {
		.home = c->key.a,
		.sequence = req->sequence,
		.registered = lifetime_s > 0,
		.lifetime_s = lifetime_s > 0 ? lifetime_s : MAX_DELETE_BCE_TIMEOUT_S,
	};

	if (!core_ha(eng)->cfg.stable)
		return false;
	if (s.registered) {
		s.care_of = req->care_of;
		s.link_local = req->link_local;
		s.unseen = !bub_addr_eq(&req->care_of, &req->source);
	}
	c->more->storing = *req;
	c->store_id = stable_store(eng, &s);
	return true;
}

void stable_forget(struct bub_engine *eng, struct mobile_node *c)
{
	const struct bub_stored s = {.home = c->key.a};

	c->store_id = 0;
	if (core_ha(eng)->cfg.stable)
		(void)stable_store(eng, &s);
}

void stable_on_verdict(struct bub_engine *eng, const struct bub_event *ev)
{
	struct mobile_node *c = ha_mobile_node(eng, &ev->u.stored.home);

	/* A later request of the same mobile node has taken the place of that one. */
	if (c == NULL || c->store_id == 0 || c->store_id != ev->u.stored.id)
		return;
	c->store_id = 0;
	ha_on_stored(eng, c, ev->u.stored.error);
}

/* The care-of address is one that would be accepted today: the configuration, what this node serves
 * and who else is on the home link may have changed meanwhile. */
static bool stable_may_be_at(struct bub_engine *eng, const struct bub_stored *s)
{
	return careof_is_unicast(eng, &s->care_of) && !careof_is_anycast(eng, &s->care_of) &&
	       !careof_leads_back(eng, &s->care_of) &&
	       (!s->unseen || core_ha(eng)->cfg.any_care_of);
}

int stable_restore(struct bub_engine *eng, const struct bub_stored *s)
{
	struct mobile_node *c = ha_mobile_node(eng, &s->home);
	const struct request req = {
		.care_of = s->care_of,
		.sequence = s->sequence,
		.link_local = s->link_local,
		.nat = IN6_IS_ADDR_V4MAPPED(&s->care_of), /* as far as anybody knows */
	};
	struct bub_stored kept = *s;

	uint8_t status;
	uint32_t lifetime_s;

	if (c == NULL || ha_prefix_of(eng, &s->home) == NULL || s->lifetime_s == 0 ||
	    s->lifetime_s > BUB_LIFETIME_MAX_S)
		return BUB_ERR_INVALID;
	if (!s->registered) {
		c->sequence = s->sequence;
		c->deleted = true;
		c->deleted_at = core_now(eng);
		return 0;
	}
	lifetime_s = ha_grant(eng, &s->home, s->lifetime_s, &status);
	if (lifetime_s == 0 || !stable_may_be_at(eng, s))
		return BUB_ERR_INVALID;
	ha_establish(eng, c, &req, lifetime_s, "as it was before the restart");
	if (lifetime_s < s->lifetime_s) {
		/* The next restart begins with what counts now. */
		kept.lifetime_s = lifetime_s;
		(void)stable_store(eng, &kept);
	}
	/* Prefixes may have changed meanwhile, and who listens to which group was forgotten: both
	 * are asked and told as after a registration (RFC 6275, 10.6.2 and 10.4.3). */
	prefixes_on_registered(eng, c);
	multicast_on_restored(eng, c);
	return 0;
}
