/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that is configured by a name, or by several addresses.
 *
 * What was found last stays in use until a lookup says that it is none of the name's addresses any
 * more, so a name server that is out of reach does no harm.  The name is looked up again when what
 * was found is old, and when the home agent does not answer: after two Binding Updates, then at
 * pauses that double.  Of several addresses the next is tried after two Binding Updates without an
 * answer, round and round, ever more slowly (RFC 8305 has the idea; it can ask at many at once, and
 * there is one registration).  One that has said meanwhile that it is there goes first.
 */
#include "agentname.h"

#include <string.h>

#include "bub/wire.h"

#define OLD_MIN_S 60u
#define OLD_MAX_S 3600u
#define PAUSE_MAX_S 60u
#define SILENT 2u /* Binding Updates without an answer */
#define TURN_MS 1500u
#define TURN_MAX_MS 32000u
#define SENT_TO_MS 10000u /* for one that the home agent before has sent this node to */

void agentname_init(struct agentname *a, struct bub_time now)
{
	*a = (struct agentname){.due = now, .turn_ms = TURN_MS};
}

void agentname_list(struct agentname *a, const struct in6_addr *addr, unsigned n)
{
	a->n = n < AGENTNAME_ADDRS_MAX ? n : AGENTNAME_ADDRS_MAX;
	memcpy(a->addr, addr, a->n * sizeof(addr[0]));
	a->current = a->addr[0];
	a->due = BUB_TIME_NEVER;
}

void agentname_asked(struct agentname *a)
{
	a->due = BUB_TIME_NEVER;
}

static uint32_t agentname_pause(struct agentname *a)
{
	a->pause_s = a->pause_s == 0 ? 1 : 2 * a->pause_s;
	if (a->pause_s > PAUSE_MAX_S)
		a->pause_s = PAUSE_MAX_S;
	return a->pause_s;
}

static unsigned agentname_index(const struct agentname *a, const struct in6_addr *addr)
{
	unsigned i = 0;

	while (i < a->n && !bub_addr_eq(&a->addr[i], addr))
		i++;
	return i;
}

bool agentname_found(struct agentname *a, struct bub_time now, const struct in6_addr *addr,
		     unsigned n, uint32_t ttl_s)
{
	a->n = n < AGENTNAME_ADDRS_MAX ? n : AGENTNAME_ADDRS_MAX;
	memcpy(a->addr, addr, a->n * sizeof(addr[0]));
	a->failing = false;
	if (ttl_s < OLD_MIN_S)
		ttl_s = OLD_MIN_S;
	a->due = bub_time_add_s(now, ttl_s < OLD_MAX_S ? ttl_s : OLD_MAX_S);
	if (agentname_index(a, &a->current) < a->n)
		return false;
	a->current = a->addr[0];
	a->turns = 0;
	return true;
}

bool agentname_failed(struct agentname *a, struct bub_time now)
{
	const bool is_new = !a->failing;

	if (is_new)
		a->failing_since = now;
	a->failing = true;
	a->due = bub_time_add_s(now, agentname_pause(a));
	return is_new;
}

/* Another of several addresses, where it is time for that: @there, or the next one. */
static bool agentname_turn(struct agentname *a, struct bub_time now, const struct in6_addr *there)
{
	if (a->n < 2 || bub_time_before(now, a->next_turn))
		return false;
	if (agentname_index(a, there) < a->n && !bub_addr_eq(there, &a->current))
		a->current = *there;
	else
		a->current = a->addr[(agentname_index(a, &a->current) + 1) % a->n];
	if (++a->turns % a->n == 0 && a->turn_ms < TURN_MAX_MS)
		a->turn_ms *= 2;
	a->next_turn = bub_time_add_ms(now, a->turn_ms);
	return true;
}

void agentname_use(struct agentname *a, struct bub_time now, const struct in6_addr *current)
{
	a->current = *current;
	a->turns = 0;
	a->turn_ms = TURN_MS;
	a->next_turn = bub_time_add_ms(now, SENT_TO_MS);
}

bool agentname_look(struct agentname *a, struct bub_time now,
		    const struct agentname_answers *answers)
{
	const uint32_t unanswered = answers->unanswered;

	if (unanswered == 0 && answers->refused)
		return agentname_turn(a, now, &answers->others);
	if (unanswered == 0) {
		a->turns = 0;
		a->turn_ms = TURN_MS;
		if (!a->failing)
			a->pause_s = 0;
		return false;
	}
	if (unanswered < SILENT || IN6_IS_ADDR_UNSPECIFIED(&a->current))
		return false;
	/* What a lookup has said meanwhile holds for the pause. */
	if (!bub_time_is_never(a->due) && !a->failing) {
		const struct bub_time soon =
			a->pause_s == 0 ? now : bub_time_add_s(now, a->pause_s);

		if (bub_time_before(soon, a->due)) {
			a->due = soon;
			(void)agentname_pause(a);
		}
	}
	return agentname_turn(a, now, &answers->others);
}

void agentname_moved(struct agentname *a, struct bub_time now)
{
	if (!a->failing || bub_time_is_never(a->due))
		return;
	a->due = now;
	a->pause_s = 0;
}
