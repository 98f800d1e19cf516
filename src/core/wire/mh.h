/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the Mobility Header share with one another and with nobody else: mh.c owns the
 * header and the fixed parts of the messages, mhopt.c the options behind them, dh.c the body of
 * the Diffie-Hellman messages, which has items in place of options.
 */
#ifndef BUB_WIRE_MH_H
#define BUB_WIRE_MH_H

#include "bub/wire.h"
#include "buf.h"

/* Octets that every Mobility Header begins with, up to the message data (RFC 6275, 6.1.1). */
#define MH_HDR_LEN 6

/* True when @opt is a type number that an option of BUB may be given: none of those that RFC 6275
 * or RFC 4283 use in our messages. */
bool bub_mhopt_is_free(uint8_t opt);

/*
 * Reads the options from @r, which stands at offset @at of a message of kind @kind, to its end.
 * Writes @ret_opts only on success.
 *
 * Returns BUB_DROP_NONE or MH_OPTION_MALFORMED.
 */
enum bub_drop bub_mhopt_decode(struct rd *r, size_t at, enum bub_mh_kind kind,
			       const struct bub_codepoints *cp, struct bub_mh_opts *ret_opts);

/*
 * Writes the options behind the fixed part and pads to eight octets.  @ret_auth_at is set when
 * there is a Binding Authorization Data option; space is judged by @w->bad alone.
 *
 * Returns 0 or BUB_ERR_INVALID.
 */
int bub_mhopt_encode(struct wr *w, enum bub_mh_kind kind, const struct bub_codepoints *cp,
		     const struct bub_mh_opts *opts, size_t *ret_auth_at);

/* True for a message and a format version that dh.c knows: octets 6 and 7 of the MH. */
bool bub_dh_is_known(uint8_t message, uint8_t version);

/* Octets of the shortest DH message: fixed part, one empty padding item, signature. */
#define DH_LEN_MIN 40

/* Decodes the whole MH @mh, of at least DH_LEN_MIN octets and of a known message and version.
 * Returns BUB_DROP_NONE or MH_LENGTH. */
enum bub_drop bub_dh_decode(struct bub_view mh, struct bub_dh *ret_dh);

/* Writes all behind the first six octets; the signature is left zero.  Space is judged by @w->bad
 * alone.  Returns 0 or BUB_ERR_INVALID. */
int bub_dh_encode(struct wr *w, const struct bub_dh *dh, size_t *ret_signature_at);

/* Lifetimes and intervals are sent in units of four seconds (RFC 6275, 6.1.7, 6.1.8, 6.2.4). */
#define MH_LIFETIME_UNIT_S 4u

static inline bool mh_lifetime_fits(uint32_t lifetime_s)
{
	return lifetime_s % MH_LIFETIME_UNIT_S == 0 && lifetime_s <= BUB_LIFETIME_MAX_S;
}

#endif
