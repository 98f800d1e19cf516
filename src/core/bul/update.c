/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Updates of a peer: which key of the session signed one, the rules of the draft, 7, for
 * those under Kabm, and what an accepted one means for the session.  The binding is the
 * correspondent's (cn/cn.c).
 */
#include "bul/entry.h"
#include "bul/session.h"
#include "cn/cn.h"
#include "mn/mn.h"

/* Which key of the session signed it; NULL: none. */
static const struct bub_key *find_signer(struct bub_engine *eng, const struct bul_entry *p,
					 struct update *u)
{
	const struct in6_addr first = u->covered;
	const struct bub_key *key;

	do {
		key = kabm_signer(eng, &p->kabm, u->rx, &u->covered, &u->rx->local);
	} while (key == NULL && cn_take_other_form(u));
	if (key == NULL)
		u->covered = first; /* Kbm may have signed it, in either form */
	return key;
}

static void after_kabm(struct bub_engine *eng, struct bul_entry *p, const struct update *u,
		       const struct bub_key *signer)
{
	kabm_note_number(&p->kabm, u->rx->mh.u.bu.sequence);
	kabm_count_in(eng, &p->kabm, &p->key, signer);
	session_heard(eng, p, signer);
	if (u->moved || u->deletes)
		bubmode_peer_moved(eng, p);
	if (u->deletes)
		return;
	if (u->moved)
		reg_on_peer_moved(eng, p);
	bubmode_await_proof(eng, p, u->binding, u->moved);
	bubmode_report_later(eng, p, u->binding, u->moved);
}

/* The rules of the draft, 7, for an update whose signature under Kabm is right. */
static void on_kabm(struct bub_engine *eng, struct bul_entry *p, struct update *u,
		    const struct bub_key *signer)
{
	const struct bub_mh *mh = &u->rx->mh;
	enum bub_drop why = BUB_DROP_NONE;

	if (mh->opts.present & BUB_OPT_ALT_CARE_OF)
		why = BUB_DROP_BUB_BU_ALT_COA;
	else if (mh->opts.present & BUB_OPT_NONCE_INDICES)
		why = BUB_DROP_BUB_BU_NONCE_INDICES;
	else if (kabm_is_worn_in(&p->kabm, signer))
		why = BUB_DROP_BUB_BU_KEY_WORN;
	if (why != BUB_DROP_NONE) {
		core_drop(eng, why, &u->rx->peer);
		if (why == BUB_DROP_BUB_BU_KEY_WORN)
			session_leave(eng, p, "Kabm has signed all that it may");
		return;
	}
	cn_signed_by(u, signer);
	/* The first number under a new Kabm is the start (draft, 7).  It outlives the binding: an
	 * old Binding Update is as well signed as ever. */
	if (!kabm_is_new_number(&p->kabm, mh->u.bu.sequence)) {
		cn_refuse_sequence(eng, u, p->kabm.sequence_in);
		return;
	}
	if (mh->opts.present & BUB_OPT_PATH_REPORT)
		p->report.peer_port = mh->opts.report_port;
	u->udp_port = u->rx->ip->in_udp ? p->report.peer_port : 0;
	u->both_ways = !directpath_is_open(&p->direct);
	u->report = p->report.waited ? BUB_REPORT_WAITED : 0;
	cn_accept(eng, u);
	if (u->accepted)
		after_kabm(eng, p, u, signer);
}

/* The peer is known to be mobile now: what we owe it, and whether BUB is worth a test. */
static void after_update(struct bub_engine *eng, const struct update *u)
{
	struct bul_entry *p;

	if (u->deletes || u->rx->home == NULL || !home_is_direct(u->rx->home))
		return;
	p = bul_get(eng, u->rx->home, &u->rx->peer);
	if (p == NULL)
		return;
	probe_acquit(eng, p);
	if (p->reg.state == REG_NONE && !p->rr.active && !kabm_is_held(&p->kabm))
		reg_update(eng, p);
	else
		session_consider_test(eng, p);
}

/* No Kabm signed it: perhaps Kbm. */
static void on_kbm(struct bub_engine *eng, struct bul_entry *p, struct update *u)
{
	/* While Kabm lives, Kbm is not enough: else whoever sits on the path could take the session
	 * back.  But a peer that has restarted has only Kbm, so it is asked whether it still holds
	 * Kabm (protocol.md, 5.7). */
	if (p != NULL && kabm_is_shared(&p->kabm)) {
		core_drop(eng, BUB_DROP_BUB_BU_RR_SIGNED, &u->rx->peer);
		if (cn_is_genuine(eng, u))
			probe_on_claim(eng, p);
		return;
	}
	if (p != NULL)
		ropath_fill_answer(eng, p, u);
	cn_on_update(eng, u);
	if (!u->accepted || p == NULL)
		return;
	ropath_on_update(eng, p, u);
	if (u->fresh)
		reg_on_peer_heard(eng, p);
}

void update_input(struct bub_engine *eng, const struct rx *rx, bool home_registered)
{
	const struct bub_key *signer = NULL;
	struct bul_entry *p = NULL;
	struct update u;

	if (!cn_take_update(eng, rx, &u))
		return;
	u.home_registered = home_registered;
	if (rx->home != NULL)
		p = bul_find(eng, &rx->local, &rx->peer);
	if (p != NULL)
		signer = find_signer(eng, p, &u);
	if (signer != NULL)
		on_kabm(eng, p, &u, signer);
	else if (rx->mh.opts.present & BUB_OPT_NONCE_INDICES)
		on_kbm(eng, p, &u);
	else
		core_drop(eng, BUB_DROP_BU_BAD_AUTH, &rx->peer);
	if (u.accepted && u.fresh && p != NULL)
		session_bound(eng, p);
	if (u.accepted)
		after_update(eng, &u);
}
