/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Perhaps the peer has lost Kabm (protocol.md, 5.6).
 *
 * A key is not dead because packets got lost.  After three Binding Updates under Kabm without an
 * answer the key is doubted, and kept: the Binding Updates under it go on, with the pauses that
 * they have anyway.  Beside them return routability runs, and when it is done one Binding Update
 * under Kbm goes out: the question.
 *
 *   a peer that holds the key     discards the question, and says so by a Binding Update under Kabm
 *   a peer that has lost it       accepts the question, or refuses it, and signs that with Kbm
 *
 * So the doubt ends with the first message under Kabm that answers something of now, and the key
 * ends with an acknowledgement under Kbm.  Who drops packets, and who sees one of the two paths of
 * return routability, can bring about neither.
 *
 * As long as there is a doubt data goes through the home agents: a peer that has restarted is
 * perhaps not where it was.
 *
 * This file keeps what is known and judges it; session.c decides, registration.c sends.
 */
#include "bul/doubt.h"

bool doubt_is_begun(const struct doubt *d)
{
	return d->begun;
}

bool doubt_begin(struct doubt *d)
{
	bool new = !d->begun;

	d->begun = true;
	return new;
}

void doubt_end(struct doubt *d)
{
	bub_wipe(d, sizeof *d);
	d->every_way = true;
}

bool doubt_divert(struct doubt *d)
{
	bool new = !d->diverts;

	d->diverts = true;
	return new;
}

bool doubt_turn_back(struct doubt *d)
{
	bool was = d->diverts;

	d->diverts = false;
	return was;
}

bool doubt_diverts(const struct doubt *d)
{
	return d->diverts;
}

void doubt_reset(struct doubt *d)
{
	bub_wipe(d, sizeof *d);
}

bool doubt_wants_every_way(const struct doubt *d)
{
	return d->begun || d->every_way;
}

void doubt_peer_moved(struct doubt *d)
{
	d->every_way = false;
}

void doubt_note_question(const struct bub_engine *eng, struct doubt *d, uint16_t sequence,
			 const struct in6_addr *care_of, uint32_t asked_s,
			 const struct bub_key *kbm)
{
	d->asks++;
	d->out = true;
	d->sequence = sequence;
	d->care_of = *care_of;
	d->asked_s = asked_s;
	d->at = core_now(eng);
	d->kbm = *kbm;
}

void doubt_moved(struct doubt *d)
{
	d->out = false;
}

void doubt_begin_round(struct doubt *d)
{
	d->asks = 0;
}

bool doubt_is_unheard(const struct doubt *d)
{
	return d->asks >= DOUBT_ASKS;
}

bool doubt_is_confirmed(struct bub_engine *eng, const struct doubt *d, const struct in6_addr *peer,
			const struct rx *rx)
{
	const size_t at = rx->mh.opts.auth_at;
	const uint16_t sequence = rx->mh.u.ba.sequence;
	uint8_t auth[BUB_AUTH_LEN];

	if (!d->begun || !d->out || !(rx->mh.opts.present & BUB_OPT_AUTH))
		return false;
	/* Status 135 names the last number that the peer has accepted. */
	if (rx->mh.u.ba.status == BUB_STATUS_SEQUENCE ? bub_seq_greater(d->sequence, sequence)
						      : sequence != d->sequence)
		return false;
	bub_authenticator(core_crypto(eng), &d->kbm, &d->care_of, peer, rx->mh.raw.data, at, auth);
	return bub_equal_secret(auth, rx->mh.raw.data + at, sizeof auth);
}
