/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a home agent has taken over keys from another one: mobile nodes are asked for a packet that
 * is younger than all that the other one has received (sas.h, sas_kept_ask()).  Question and answer
 * are inside dummy packets of their tunnel, so nobody else sees them or can make them.
 *
 *    "BUBN" | version 1 | kind: 1 question, 2 answer | 2 octets of zero | 16 octets by chance
 */
#include <string.h>

#include "keyd_internal.h"

#define NOTE_LEN (8 + SAS_NONCE_LEN)
#define NOTE_VERSION 1
#define NOTE_QUESTION 1
#define NOTE_ANSWER 2

#define ASKED_AT_ONCE 256u /* mobile nodes, and then a pause */
#define ASKED_PAUSE_MS 10u
#define ASKED_PER_S 200u /* of those that have sent something */

/* After each round, as a question may be lost; then who sends something is asked. */
static const uint16_t rounds_ms[] = {200, 400, 800, 1600};
#define ROUNDS (sizeof(rounds_ms) / sizeof(rounds_ms[0]))

static const uint8_t magic[4] = {'B', 'U', 'B', 'N'};

static void note_send(const struct keyd *k, const struct in6_addr *home, uint8_t kind,
		      const uint8_t nonce[static SAS_NONCE_LEN])
{
	uint8_t note[NOTE_LEN] = {0};

	memcpy(note, magic, sizeof(magic));
	note[4] = NOTE_VERSION;
	note[5] = kind;
	memcpy(note + 8, nonce, SAS_NONCE_LEN);
	if (*k->host.lnx != NULL)
		(void)lnx_note(*k->host.lnx, home, (struct bub_view){note, sizeof(note)});
}

static void doubt_ask(const struct keyd *k, const struct in6_addr *home)
{
	uint8_t fresh[SAS_NONCE_LEN], nonce[SAS_NONCE_LEN];

	k->host.random(NULL, fresh, sizeof(fresh));
	if (sas_kept_ask(k->host.sas, home, fresh, nonce))
		note_send(k, home, NOTE_QUESTION, nonce);
}

static void doubt_on_timer(uv_timer_t *timer)
{
	struct keyd *k = timer->data;
	struct in6_addr home;
	unsigned n = 0;

	while (n < ASKED_AT_ONCE && sas_kept_doubt(k->host.sas, &k->doubt_at, &home)) {
		doubt_ask(k, &home);
		n++;
	}
	k->doubts += n;
	if (n == ASKED_AT_ONCE) {
		(void)uv_timer_start(timer, doubt_on_timer, ASKED_PAUSE_MS, 0);
	} else if (k->doubts > 0 && k->doubt_round < ROUNDS) {
		k->doubt_at = k->doubts = 0;
		(void)uv_timer_start(timer, doubt_on_timer, rounds_ms[k->doubt_round++], 0);
	}
}

void keyd_doubt_begin(struct keyd *k)
{
	k->doubt_at = k->doubts = 0;
	k->doubt_round = 0;
	(void)uv_timer_start(&k->doubt_timer, doubt_on_timer, 0, 0);
}

void keyd_on_doubt(void *ctx, const struct in6_addr *home)
{
	struct keyd *k = ctx;
	struct bub_time now;

	if (k == NULL)
		return;
	now = k->host.now();
	if (now.ns / BUB_NS_PER_S != k->doubt_second.ns / BUB_NS_PER_S)
		k->doubt_asks = 0;
	k->doubt_second = now;
	if (k->doubt_asks++ < ASKED_PER_S)
		doubt_ask(k, home);
}

void keyd_on_note(void *ctx, struct esp_sa *by, const struct in6_addr *home, struct bub_view octets)
{
	struct keyd *k = ctx;
	const uint8_t *nonce = octets.data + 8;

	/* A dummy packet that is one and no more has zeros. */
	if (k == NULL || octets.len != NOTE_LEN || memcmp(octets.data, magic, sizeof(magic)) != 0)
		return;
	if (octets.data[4] == NOTE_VERSION && octets.data[5] == NOTE_QUESTION && k->client != NULL)
		note_send(k, home, NOTE_ANSWER, nonce);
	else if (octets.data[4] != NOTE_VERSION || octets.data[5] != NOTE_ANSWER ||
		 !sas_kept_answered(k->host.sas, by, home, nonce))
		k->tally.dropped[KEYTALLY_HINT_UNKNOWN]++;
}
