/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Acknowledgements of a peer (RFC 6275, 11.7.3): whose key signed one, which Binding Update
 * it answers, and what follows for the registration and for the direct path.
 */
#include "bul/entry.h"
#include "bul/session.h"
#include "mn/mn.h"

/* Of repetitions, the acknowledgement of each shows that there is a binding (RFC 6275, 11.7.3). */
static bool acked_is_outstanding(const struct registration *reg, const struct rx *rx)
{
	return rx->mh.u.ba.sequence == reg->sequence ||
	       (reg->state == REG_SENT && rx->mh.u.ba.status < 128 &&
		sent_when(&reg->sent, rx->mh.u.ba.sequence) != NULL);
}

static void acked_accept(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	/* A report waits before it goes. */
	reg_note_answer(eng, p, rx->mh.u.ba.sequence, !(rx->mh.opts.present & BUB_OPT_PATH_REPORT));
	reg_registered(eng, p, rx->mh.u.ba.lifetime_s);
	if (p->reg.state != REG_BOUND)
		return;
	if (!kabm_is_held(&p->kabm))
		ropath_on_registered(eng, p, rx);
	else if (rx->mh.opts.present & BUB_OPT_PATH_REPORT)
		bubmode_on_report(eng, p, rx);
	else if (rx->tunnelled) /* only through the home agents (protocol.md, 5.4) */
		bubmode_headers_lost(eng, p);
	else /* perhaps closed since before there was a Kabm */
		bubmode_consider_open(eng, p, rx);
}

static void acked_refuse(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	switch (rx->mh.u.ba.status) {
	case BUB_STATUS_SEQUENCE:
		/* The number of our update is greater than the one that the refusal names: the
		 * refusal is an old one, or played back. */
		if (bub_seq_greater(p->reg.sequence, rx->mh.u.ba.sequence)) {
			core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
			return;
		}
		reg_take_number(p, rx->mh.u.ba.sequence); /* go on from there: RFC 6275, 11.7.3 */
		if (bul_rate_wait(eng, p, BUL_UPDATES) > 0)
			core_timer(eng,
				   p->reg.state == REG_SENT ? &p->reg.resend_timer
							    : &p->reg.refresh_timer,
				   bul_rate_wait(eng, p, BUL_UPDATES));
		else if (kabm_is_held(&p->kabm))
			bubmode_send_bu(eng, p);
		else
			reg_send_ro_bu(eng, p);
		return;
	case BUB_STATUS_HOME_NONCE_EXPIRED:
	case BUB_STATUS_CARE_OF_NONCE_EXPIRED:
	case BUB_STATUS_NONCES_EXPIRED:
		rr_forget_home_token(&p->rr);
		reg_set_state(eng, p, REG_NONE, "a nonce has expired");
		reg_update(eng, p);
		return;
	default:
		reg_refused(eng, p, bub_status_name(rx->mh.u.ba.status));
		return;
	}
}

/* The key that signed the acknowledgement; NULL: none of ours. */
static const struct bub_key *ba_signer(struct bub_engine *eng, const struct bul_entry *p,
				       const struct rx *rx)
{
	size_t at = rx->mh.opts.auth_at;
	uint8_t auth[BUB_AUTH_LEN];

	if (kabm_is_held(&p->kabm))
		return kabm_signer(eng, &p->kabm, rx, &p->reg.care_of, &p->key.b);
	bub_authenticator(core_crypto(eng), &p->reg.kbm, &p->reg.care_of, &p->key.b,
			  rx->mh.raw.data, at, auth);
	return bub_equal_secret(auth, rx->mh.raw.data + at, sizeof auth) ? &p->reg.kbm : NULL;
}

/* Nonce errors come unsigned (RFC 6275, 9.5.4): believed only for a Binding Update that is out. */
static bool is_nonce_error(uint8_t status)
{
	return status == BUB_STATUS_HOME_NONCE_EXPIRED ||
	       status == BUB_STATUS_CARE_OF_NONCE_EXPIRED || status == BUB_STATUS_NONCES_EXPIRED;
}

/* Without the A bit only a refusal is answered (RFC 6275, 9.5.4), and the binding was taken for
 * granted until then.  Status 135 with our own number answers a duplicate. */
static bool is_late_refusal(const struct bub_engine *eng, const struct bul_entry *p,
			    const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;

	return !kabm_is_held(&p->kabm) && !core_config(eng)->ack_correspondents && status >= 128 &&
	       (status != BUB_STATUS_SEQUENCE || rx->mh.u.ba.sequence != p->reg.sequence);
}

void reg_on_ba(struct bub_engine *eng, struct bul_entry *p, const struct rx *rx)
{
	uint8_t status = rx->mh.u.ba.status;
	bool is_signed = rx->mh.opts.present & BUB_OPT_AUTH;
	const struct bub_key *key = NULL;

	if (doubt_is_confirmed(eng, &p->doubt, &p->key.b, rx))
		session_lost_key(eng, p); /* and this is what begins the next session */
	if (p->reg.state != REG_SENT && p->reg.state != REG_BOUND) {
		core_drop(eng, BUB_DROP_BA_NO_MATCH, &rx->peer);
		return;
	}
	if (!is_signed && (kabm_is_held(&p->kabm) || !is_nonce_error(status))) {
		core_drop(eng, BUB_DROP_BA_NO_AUTH, &rx->peer);
		return;
	}
	if (is_signed) {
		key = ba_signer(eng, p, rx);
		if (key == NULL) {
			core_drop(eng, BUB_DROP_BA_BAD_AUTH, &rx->peer);
			return;
		}
	}
	if (status != BUB_STATUS_SEQUENCE && !acked_is_outstanding(&p->reg, rx)) {
		core_drop(eng, BUB_DROP_BA_SEQUENCE, &rx->peer);
		return;
	}
	if (is_signed)
		suspect_answered(&p->suspect);
	if (kabm_is_held(&p->kabm)) {
		session_heard(eng, p, key);
		bubmode_note_source(eng, p, rx);
	}
	if (p->reg.state == REG_BOUND && !is_late_refusal(eng, p, rx)) {
		/* The answer to a repetition comes twice: this is the second copy. */
		if (kabm_is_held(&p->kabm))
			bubmode_consider_open(eng, p, rx);
		else if (is_signed)
			ropath_on_ba(eng, p);
		if (kabm_is_held(&p->kabm) && rx->mh.opts.present & BUB_OPT_PATH_REPORT)
			bubmode_on_report(eng, p, rx);
		if (status < 128)
			proof_answer(eng, p, rx);
		return;
	}
	if (status >= 128) {
		acked_refuse(eng, p, rx);
		return;
	}
	acked_accept(eng, p, rx);
	proof_answer(eng, p, rx);
}
