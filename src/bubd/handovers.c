/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handover of this node begins when its home address is attached elsewhere, and is complete when
 * the peer has acknowledged that; one of the peer begins with its Binding Update, when the path to
 * it changes.  Two that overlap are one: a double jump.
 *
 * A trace of a received message tells only that it was well-formed: it dates what happens, and
 * nothing happens because of it.
 */
#include "handovers.h"

#include <stdlib.h>
#include <string.h>

#include "base/ip6.h"
#include "base/table.h"

#define LOOKED_AT 16u        /* pairs, for room for another one */
#define JOIN_MS 2000         /* a move of the other end belongs to a handover for so long */
#define FRESH_MS 1000        /* what was so long ago did not cause what happens now */
#define PEER_HOME_MS 50      /* a binding that ends so soon after an update was ended by it */
#define TUNNEL_PAUSE_MS 1000 /* tunnelled data begins anew after so long a pause */
#define CARE_OFS 16          /* addresses whose times are kept */

struct watched {
	struct tentry entry; /* local, peer */
	bool has_path;
	struct in6_addr ours;        /* where the peer knows us; ::: it does not */
	struct in6_addr peers;       /* where we know the peer; ::: we do not */
	struct bub_time update_came; /* the last one from the peer */
	bool update_from_home;
	struct bub_time update_went; /* the last one to the peer, */
	struct in6_addr update_said; /* and where it said that we are */
	bool bub;                    /* the two are in BUB mode */
	struct bub_time kabm_since, kbm_since;
	struct handover_tunnel tunnel;
	struct handover now, last;
	bool has_last;
	bool has_base;                    /* dropped_* of now have been read */
	uint64_t in_refused, out_dropped; /* .. before it */
	struct bub_time due;
	struct watched *next, *before; /* of those with an active handover */
};

struct watched_home {
	bool used;
	bool attached;           /* at home, or at .. */
	struct in6_addr care_of; /* the home address: at home */
	struct bub_time lost;    /* since when it is not attached; 0: it is */
	struct bub_time since;   /* registered there; 0: it is not */
	struct watched w;        /* with the home agent */
};

struct handovers {
	struct handovers_host host;
	struct table pairs;
	void *memory;
	struct watched *active;
	struct bub_time due; /* not after that of any of them */
	unsigned cursor;     /* where room is looked for */
	struct watched_home home[BUB_HOMES_MAX];
	struct {
		struct in6_addr addr;
		struct bub_time at;
	} usable[CARE_OFS];
	unsigned next_usable;
};

/* ---- Life ---------------------------------------------------------------------------------- */

struct handovers *handovers_new(const struct handovers_host *host, uint32_t pairs, uint64_t seed)
{
	struct handovers *hs = calloc(1, sizeof(*hs));
	struct arena arena = {0};

	if (hs == NULL)
		return NULL;
	if (pairs > HANDOVERS_PAIRS_MAX)
		pairs = HANDOVERS_PAIRS_MAX;
	hs->host = *host;
	hs->due = BUB_TIME_NEVER;
	table_init(&hs->pairs, &arena, pairs, sizeof(struct watched), seed);
	hs->memory = calloc(1, arena.used);
	if (hs->memory == NULL) {
		free(hs);
		return NULL;
	}
	arena = (struct arena){.base = hs->memory};
	table_init(&hs->pairs, &arena, pairs, sizeof(struct watched), seed);
	return hs;
}

void handovers_free(struct handovers *hs)
{
	if (hs == NULL)
		return;
	free(hs->memory);
	free(hs);
}

static bool is_set(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a);
}

static struct watched_home *watched_home(struct handovers *hs, const struct in6_addr *home)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++)
		if (hs->home[i].used && bub_addr_eq(&hs->home[i].w.entry.a, home))
			return &hs->home[i];
	return NULL;
}

static bool is_agent(const struct watched_home *h, const struct in6_addr *peer)
{
	return h != NULL && bub_addr_eq(&h->w.entry.b, peer);
}

/* ---- Pairs --------------------------------------------------------------------------------- */

static void watched_unlink(struct handovers *hs, struct watched *w)
{
	if (w->next != NULL)
		w->next->before = w->before;
	if (w->before != NULL)
		w->before->next = w->next;
	else
		hs->active = w->next;
	w->next = NULL;
	w->before = NULL;
}

static void watched_set_due(struct handovers *hs, struct watched *w, struct bub_time at)
{
	w->due = at;
	if (bub_time_before(at, hs->due))
		hs->due = at;
}

static void watched_link(struct handovers *hs, struct watched *w)
{
	w->next = hs->active;
	if (hs->active != NULL)
		hs->active->before = w;
	hs->active = w;
}

/* A home agent may have data paths to more mobile nodes than there is room for: where all have one,
 * the next pair goes on looking where this one has ended. */
static void watched_make_room(struct handovers *hs)
{
	for (uint32_t n = 0; n < hs->pairs.cap && n < LOOKED_AT; n++) {
		struct watched *w = table_at(&hs->pairs, hs->cursor++ % hs->pairs.cap);

		if (w == NULL || w->has_path || w->now.active)
			continue;
		table_remove(&hs->pairs, w);
		return;
	}
}

/* NULL: there is no room. */
static struct watched *watched_admit(struct handovers *hs, const struct in6_addr *local,
				     const struct in6_addr *peer)
{
	struct watched *w = table_find(&hs->pairs, local, peer);

	if (w != NULL)
		return w;
	if (table_is_full(&hs->pairs))
		watched_make_room(hs);
	return table_add(&hs->pairs, local, peer);
}

/* ---- Handovers ----------------------------------------------------------------------------- */

/* Where this end is: what a peer's data is addressed to. */
static struct in6_addr watched_place(struct handovers *hs, const struct in6_addr *local)
{
	const struct watched_home *h = watched_home(hs, local);

	return h != NULL && h->attached ? h->care_of : *local;
}

static bool watched_is_away(struct handovers *hs, const struct in6_addr *local)
{
	const struct watched_home *h = watched_home(hs, local);

	return h != NULL && h->attached && !bub_addr_eq(&h->care_of, local);
}

/* What is known of data so far. */
static void watched_judge(struct handovers *hs, struct watched *w)
{
	struct lnx_traffic direct = {0};
	bool known = w->now.mode != HANDOVER_AGENT &&
		     hs->host.traffic(hs->host.ctx, &w->entry.a, &w->entry.b, &direct);
	bool sees_all = w->now.ours.moved || watched_is_away(hs, &w->entry.a);

	if (!w->has_base) {
		w->in_refused = direct.in_refused;
		w->out_dropped = direct.out_dropped;
		w->has_base = true;
	}
	w->now.dropped_known = known;
	w->now.in_refused = direct.in_refused - w->in_refused;
	w->now.out_dropped = direct.out_dropped - w->out_dropped;
	handover_judge(&w->now, &direct, &w->tunnel, sees_all);
}

static void watched_end(struct handovers *hs, struct watched *w, enum handover_result result)
{
	watched_judge(hs, w);
	if (w->now.mode != HANDOVER_AGENT && w->now.update.ns == 0)
		w->now.mode = HANDOVER_TUNNEL;
	if (result == HANDOVER_UNANSWERED)
		w->ours = in6addr_any;
	w->now.result = result;
	w->now.active = false;
	w->tunnel.in_began = (struct bub_time){0};
	watched_unlink(hs, w);
	w->last = w->now;
	w->has_last = true;
	hs->host.done(hs->host.ctx, &w->last);
}

/* The handover that a move of one end at @at belongs to; @again: that end has moved in it before.
 */
static struct handover *watched_begin(struct handovers *hs, struct watched *w, struct bub_time at,
				      bool again)
{
	const struct bub_time none = {0};
	struct handover *h = &w->now;
	bool late = h->complete.ns != 0 && bub_time_ms_between(h->began, at) > JOIN_MS;

	if (h->active && (again || late))
		watched_end(hs, w, h->complete.ns != 0 ? HANDOVER_DONE : HANDOVER_OVERTAKEN);
	if (!h->active) {
		*h = (struct handover){
			.active = true,
			.local = w->entry.a,
			.peer = w->entry.b,
			.began = at,
			.mode = w->bub ? HANDOVER_BUB : HANDOVER_RO,
		};
		w->has_base = false;
		watched_link(hs, w);
	}
	if (bub_time_before(at, h->began))
		h->began = at;
	h->complete = none;
	w->tunnel.in_first = none;
	w->tunnel.out_first = none;
	watched_set_due(hs, w, at);
	return h;
}

static void watched_complete(struct handovers *hs, struct watched *w, struct bub_time now)
{
	if (!w->now.active || w->now.complete.ns != 0)
		return;
	w->now.complete = now;
	watched_set_due(hs, w, now);
}

/* ---- This node moves ----------------------------------------------------------------------- */

static struct bub_time usable_since(const struct handovers *hs, const struct in6_addr *addr,
				    struct bub_time now)
{
	for (unsigned i = 0; i < CARE_OFS; i++)
		if (bub_addr_eq(&hs->usable[i].addr, addr))
			return hs->usable[i].at;
	return now;
}

static void we_move(struct handovers *hs, struct watched *w, const struct watched_home *home,
		    struct bub_time now)
{
	const struct bub_time usable = usable_since(hs, &home->care_of, now);
	/* The message is told before the move is. */
	const bool told = bub_addr_eq(&w->update_said, &home->care_of) &&
			  bub_time_ms_between(w->update_went, now) <= FRESH_MS;
	/* An address that was there for some time is taken only now. */
	const bool fresh = bub_time_ms_between(usable, now) <= FRESH_MS;
	const struct bub_time began = fresh ? usable : told ? w->update_went : now;
	const bool counted = w->now.active;
	struct handover *h = watched_begin(hs, w, began, w->now.ours.moved);

	h->ours = (struct handover_side){.moved = true, .from = w->ours, .to = home->care_of};
	if (!h->peers.moved)
		h->peers.from = h->peers.to = w->peers;
	h->lost = home->lost;
	h->usable = usable;
	h->update = h->acknowledged = (struct bub_time){0};
	if (w->update_went.ns >= began.ns && bub_addr_eq(&w->update_said, &home->care_of)) {
		h->update = w->update_went;
		h->sent += !counted;
	}
	if (w == &home->w)
		h->mode = HANDOVER_AGENT;
	else
		hs->host.turn(hs->host.ctx, &w->entry.a, &w->entry.b, &home->care_of,
			      is_set(&w->peers) ? &w->peers : &w->entry.b);
}

/* Tells whether @w is to be told, and is not being told, that we are at @care_of. */
static bool we_have_to_tell(const struct watched *w, const struct in6_addr *care_of)
{
	return is_set(&w->ours) && !bub_addr_eq(&w->ours, care_of) &&
	       !(w->now.active && w->now.ours.moved && bub_addr_eq(&w->now.ours.to, care_of));
}

static struct watched_home *home_admit(struct handovers *hs, const struct in6_addr *home)
{
	struct watched_home *h = watched_home(hs, home);

	for (unsigned i = 0; h == NULL && i < BUB_HOMES_MAX; i++)
		if (!hs->home[i].used)
			h = &hs->home[i];
	if (h != NULL) {
		h->used = true;
		h->w.entry.a = *home;
	}
	return h;
}

static void handovers_on_attach(struct handovers *hs, struct bub_time now,
				const struct bub_attach *a)
{
	struct watched_home *h = home_admit(hs, &a->home);
	struct watched *w = NULL;

	if (h == NULL)
		return;
	h->w.entry.b = a->home_agent;
	h->attached = a->at_home || is_set(&a->care_of);
	if (!h->attached) {
		if (h->lost.ns == 0)
			h->lost = now;
		return;
	}
	h->care_of = a->at_home ? a->home : a->care_of;
	if (a->at_home && !is_set(&h->w.ours))
		h->w.ours = a->home; /* where the home agent has looked for us all the time */
	if (we_have_to_tell(&h->w, &h->care_of))
		we_move(hs, &h->w, h, now);
	while ((w = table_next(&hs->pairs, w)) != NULL)
		if (bub_addr_eq(&w->entry.a, &a->home) && !is_agent(h, &w->entry.b) &&
		    we_have_to_tell(w, &h->care_of))
			we_move(hs, w, h, now);
	h->lost = (struct bub_time){0};
}

/* The other end has acknowledged where we are. */
static void we_arrived(struct handovers *hs, struct watched *w, struct bub_time now)
{
	w->ours = watched_place(hs, &w->entry.a);
	if (!w->now.active || !w->now.ours.moved || !bub_addr_eq(&w->ours, &w->now.ours.to))
		return;
	if (w->now.acknowledged.ns == 0)
		w->now.acknowledged = now;
	watched_complete(hs, w, now);
}

static void handovers_on_registration(struct handovers *hs, struct bub_time now,
				      const struct bub_registration *r)
{
	struct watched_home *h = watched_home(hs, &r->home);

	if (h == NULL)
		return;
	h->since = r->acknowledged ? now : (struct bub_time){0};
	if (r->acknowledged)
		we_arrived(hs, &h->w, now);
}

/* ---- The peer moves ------------------------------------------------------------------------ */

static void peer_moves(struct handovers *hs, struct watched *w, struct bub_time now,
		       const struct in6_addr *to)
{
	const struct in6_addr place = watched_place(hs, &w->entry.a);
	const bool told =
		w->update_came.ns != 0 && bub_time_ms_between(w->update_came, now) < FRESH_MS;
	const bool counted = w->now.active;
	struct handover *h = watched_begin(hs, w, told ? w->update_came : now, w->now.peers.moved);

	h->peers = (struct handover_side){.moved = true, .from = w->peers, .to = *to};
	if (!h->ours.moved) {
		h->ours.from = h->ours.to = place;
		h->update = told ? w->update_came : h->update;
	}
	h->received += told && !counted;
	hs->host.turn(hs->host.ctx, &w->entry.a, &w->entry.b, &place, to);
	w->peers = *to;
	if (!h->ours.moved || h->acknowledged.ns != 0)
		watched_complete(hs, w, now);
}

/* Where the peer is bound; its home address where it has gone home. */
static struct in6_addr peer_place(const struct watched *w, struct bub_time now,
				  const struct bub_path *p, bool set)
{
	const bool bound = set && is_set(&p->in_care_of);
	const bool ended =
		w->update_from_home && bub_time_ms_between(w->update_came, now) < PEER_HOME_MS;

	if (bound)
		return p->in_care_of;
	return is_set(&w->peers) && (ended || bub_addr_eq(&w->peers, &p->peer)) ? p->peer
										: in6addr_any;
}

static void handovers_on_path(struct handovers *hs, struct bub_time now, const struct bub_path *p,
			      bool set)
{
	struct watched *w = set ? watched_admit(hs, &p->local, &p->peer)
				: table_find(&hs->pairs, &p->local, &p->peer);
	const struct watched_home *h = watched_home(hs, &p->local);
	struct in6_addr place;

	if (w == NULL)
		return;
	w->has_path = set;
	place = peer_place(w, now, p, set);
	if (is_set(&place) && is_set(&w->peers) && !bub_addr_eq(&place, &w->peers))
		peer_moves(hs, w, now, &place);
	w->peers = place;
	/* At home the path is direct before the peer knows: that its acknowledgement tells. */
	if (set && p->direct && (!w->now.active || !bub_addr_eq(&p->out_src, &p->local)))
		we_arrived(hs, w, now);
	else if (!set && !w->now.active && h != NULL && h->attached)
		w->ours = in6addr_any; /* the peer is told no more */
}

/* ---- Messages ------------------------------------------------------------------------------ */

/* Whose message it is; NULL: nobody's who is watched.  A test of a care-of address names that. */
static struct watched *watched_of_trace(struct handovers *hs, const struct bub_trace *tr)
{
	struct watched_home *h = watched_home(hs, &tr->local);
	struct watched *w;

	if (is_agent(h, &tr->peer))
		return &h->w;
	w = table_find(&hs->pairs, &tr->local, &tr->peer);
	for (unsigned i = 0; w == NULL && i < BUB_HOMES_MAX; i++)
		if (hs->home[i].used && bub_addr_eq(&hs->home[i].care_of, &tr->local))
			w = table_find(&hs->pairs, &hs->home[i].w.entry.a, &tr->peer);
	return w;
}

static void handovers_on_message(struct watched *w, const struct bub_trace *tr)
{
	const bool update = strcmp(tr->what, "Binding Update") == 0;
	const bool sent = tr->type == BUB_TR_SENT;
	struct handover *h = &w->now;

	if (update && !sent) {
		w->update_came = tr->now;
		w->update_from_home = bub_addr_eq(&tr->care_of, &tr->peer);
	}
	if (update && sent) {
		w->update_went = tr->now;
		w->update_said = tr->care_of;
	}
	if (!h->active)
		return;
	h->sent += sent;
	h->received += !sent;
	if (update && strcmp(tr->via, "home agents") == 0)
		h->mode = HANDOVER_BUB;
	if (update && sent && h->ours.moved && h->update.ns == 0)
		h->update = tr->now;
	if (sent && !h->ours.moved && h->acknowledged.ns == 0 &&
	    strcmp(tr->what, "Binding Acknowledgement") == 0)
		h->acknowledged = tr->now;
}

static void handovers_on_state(struct handovers *hs, struct watched *w, const struct bub_trace *tr)
{
	const struct in6_addr place = watched_place(hs, &w->entry.a);
	const bool home = bub_addr_eq(&place, &w->entry.a);

	if (strcmp(tr->machine, "mode") == 0)
		w->bub = strcmp(tr->to, "bub") == 0;
	else if (strcmp(tr->machine, "home-registration") == 0 && strcmp(tr->to, "at home") == 0)
		we_arrived(hs, w, tr->now);
	else if (strcmp(tr->machine, "correspondent-registration") == 0 &&
		 (strcmp(tr->to, "bound") == 0 || (home && strcmp(tr->what, "at home") == 0)))
		we_arrived(hs, w, tr->now);
}

static void handovers_on_key(struct handovers *hs, const struct bub_trace *tr)
{
	struct watched *w = NULL;

	if (watched_home(hs, &tr->local) != NULL)
		w = watched_admit(hs, &tr->local, &tr->peer);
	if (w != NULL && strcmp(tr->what, "Kabm") == 0)
		w->kabm_since = tr->now;
	else if (w != NULL && strcmp(tr->what, "Kbm") == 0)
		w->kbm_since = tr->now;
}

void handovers_trace(struct handovers *hs, const struct bub_trace *tr)
{
	struct watched *w = NULL;

	if (tr->type == BUB_TR_KEY)
		handovers_on_key(hs, tr);
	if (tr->type != BUB_TR_SENT && tr->type != BUB_TR_RECEIVED && tr->type != BUB_TR_STATE)
		return;
	w = watched_of_trace(hs, tr);
	if (w == NULL && tr->type == BUB_TR_STATE && watched_home(hs, &tr->local) != NULL)
		w = watched_admit(hs, &tr->local, &tr->peer); /* as many as the core has entries */
	if (w == NULL)
		return;
	if (tr->type == BUB_TR_STATE)
		handovers_on_state(hs, w, tr);
	else
		handovers_on_message(w, tr);
}

/* ---- Data through the tunnel --------------------------------------------------------------- */

/* Of those that one stands for, the headers of all but the first are in no octets. */
static uint64_t merged_packets(struct bub_merged m)
{
	return m.n > 0 ? m.n : 1;
}

static bool is_data(struct bub_view packet)
{
	struct ip6_walk walk;
	struct ip6_ext ext;

	if (packet.len < IP6_HDR_LEN)
		return false;
	walk = ip6_walk_of(packet.data, packet.len);
	while (ip6_walk_next(&walk, &ext))
		;
	return walk.next != IPPROTO_MH && walk.next != IPPROTO_IPV6;
}

static void tunnel_in(struct handovers *hs, struct watched *w, struct bub_time now,
		      const struct bub_event *ev)
{
	struct handover_tunnel *t = &w->tunnel;
	struct lnx_traffic direct;

	if (w->has_path && bub_time_ms_between(t->in_last, now) > TUNNEL_PAUSE_MS) {
		(void)hs->host.traffic(hs->host.ctx, &w->entry.a, &w->entry.b, &direct);
		t->in_began = now;
		t->direct_before = direct.in_last;
	}
	if (w->now.active && t->in_first.ns == 0 &&
	    (!w->now.ours.moved || bub_addr_eq(&ev->u.packet.outer_dst, &w->now.ours.to))) {
		t->in_first = now;
		t->in_before = t->in_last;
	}
	t->in_last = now;
	t->in_packets += merged_packets(ev->u.packet.merged);
	t->in_octets += ev->u.packet.data.len;
}

static void tunnel_out(struct watched *w, struct bub_time now, const struct bub_action *act)
{
	if (w->now.active && w->tunnel.out_first.ns == 0)
		w->tunnel.out_first = now;
	w->tunnel.out_packets += merged_packets(act->u.send.merged);
	w->tunnel.out_octets += act->u.send.data.len;
}

static void handovers_on_data_in(struct handovers *hs, struct bub_time now,
				 const struct bub_event *ev)
{
	const struct bub_view packet = ev->u.packet.data;
	struct in6_addr local, peer;
	struct watched_home *h;
	struct watched *w;

	if (!is_data(packet))
		return;
	local = ip6_dst(packet.data);
	peer = ip6_src(packet.data);
	h = watched_home(hs, &local);
	if (h == NULL)
		return;
	tunnel_in(hs, &h->w, now, ev);
	w = table_find(&hs->pairs, &local, &peer);
	if (w != NULL)
		tunnel_in(hs, w, now, ev);
}

static void handovers_on_data_out(struct handovers *hs, struct bub_time now,
				  const struct bub_action *act)
{
	const struct bub_view packet = act->u.send.data;
	struct in6_addr local, peer;
	struct watched_home *h;
	struct watched *w;

	if (!is_data(packet))
		return;
	local = ip6_src(packet.data);
	peer = ip6_dst(packet.data);
	h = watched_home(hs, &local);
	if (h == NULL)
		return;
	tunnel_out(&h->w, now, act);
	w = table_find(&hs->pairs, &local, &peer);
	if (w != NULL)
		tunnel_out(w, now, act);
}

/* ---- Events and actions -------------------------------------------------------------------- */

static void handovers_on_usable(struct handovers *hs, struct bub_time now,
				const struct in6_addr *addr)
{
	unsigned at = hs->next_usable % CARE_OFS;

	for (unsigned i = 0; i < CARE_OFS; i++)
		if (bub_addr_eq(&hs->usable[i].addr, addr))
			at = i;
	if (at == hs->next_usable % CARE_OFS)
		hs->next_usable++;
	hs->usable[at].addr = *addr;
	hs->usable[at].at = now;
}

void handovers_event(struct handovers *hs, struct bub_time now, const struct bub_event *ev)
{
	if (ev->type == BUB_EV_CARE_OF_NEW)
		handovers_on_usable(hs, now, &ev->u.care_of.address);
	else if (ev->type == BUB_EV_PACKET && (ev->u.packet.ingress == BUB_INGRESS_ESP_TUNNEL ||
					       ev->u.packet.ingress == BUB_INGRESS_IP_TUNNEL))
		handovers_on_data_in(hs, now, ev);
}

void handovers_action(struct handovers *hs, struct bub_time now, const struct bub_action *act)
{
	struct watched_home *h;

	switch ((unsigned)act->type) {
	case BUB_ACT_SEND:
		if (act->u.send.egress == BUB_EGRESS_TUNNEL)
			handovers_on_data_out(hs, now, act);
		break;
	case BUB_ACT_PATH_SET:
	case BUB_ACT_PATH_DEL:
		handovers_on_path(hs, now, &act->u.path, act->type == BUB_ACT_PATH_SET);
		break;
	case BUB_ACT_ATTACH:
		handovers_on_attach(hs, now, &act->u.attach);
		break;
	case BUB_ACT_REGISTRATION:
		handovers_on_registration(hs, now, &act->u.registration);
		break;
	case BUB_ACT_HOME_DEL:
		h = watched_home(hs, &act->u.home);
		if (h == NULL)
			break;
		if (h->w.now.active)
			watched_end(hs, &h->w, HANDOVER_OVERTAKEN);
		*h = (struct watched_home){0};
		break;
	default:
		break;
	}
}

/* ---- Time ---------------------------------------------------------------------------------- */

struct bub_time handovers_deadline(const struct handovers *hs)
{
	return hs->due;
}

void handovers_expire(struct handovers *hs, struct bub_time now)
{
	struct watched *next = NULL;

	if (bub_time_before(now, hs->due))
		return;
	hs->due = BUB_TIME_NEVER;
	for (struct watched *w = hs->active; w != NULL; w = next) {
		next = w->next;
		if (!bub_time_before(now, w->due)) {
			watched_judge(hs, w);
			if (handover_is_over(&w->now, now, &w->due)) {
				watched_end(hs, w,
					    w->now.complete.ns != 0 ? HANDOVER_DONE
								    : HANDOVER_UNANSWERED);
				continue;
			}
		}
		watched_set_due(hs, w, w->due);
	}
}

/* ---- Looking in ---------------------------------------------------------------------------- */

static struct handovers_view watched_view(const struct watched *w)
{
	return (struct handovers_view){.last = w->has_last ? &w->last : NULL,
				       .tunnel = &w->tunnel,
				       .kabm_since = w->kabm_since,
				       .kbm_since = w->kbm_since};
}

bool handovers_of_peer(const struct handovers *hs, const struct in6_addr *local,
		       const struct in6_addr *peer, struct handovers_view *ret)
{
	const struct watched *w = table_find(&hs->pairs, local, peer);

	if (w != NULL)
		*ret = watched_view(w);
	return w != NULL;
}

bool handovers_of_home(const struct handovers *hs, const struct in6_addr *home,
		       struct handovers_view *ret, struct bub_time *ret_since)
{
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		const struct watched_home *h = &hs->home[i];

		if (!h->used || !bub_addr_eq(&h->w.entry.a, home))
			continue;
		*ret = watched_view(&h->w);
		*ret_since = h->since;
		return true;
	}
	return false;
}
