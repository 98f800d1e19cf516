/* SPDX-License-Identifier: BSD-2-Clause */
/* See keytally.h. */
#include "keytally.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS 60000u

static const char *const drop_names[KEYTALLY_DROP_COUNT] = {
#define KEYTALLY_NAME(id, name) [KEYTALLY_##id] = (name),
	KEYTALLY_DROPS(KEYTALLY_NAME)
#undef KEYTALLY_NAME
};

/* Whether there is room for one more line this minute. */
static bool keytally_may_tell(struct keytally *t, struct bub_time now)
{
	if (t->minute.ns == 0 || bub_time_ms_between(t->minute, now) >= MINUTE_MS) {
		if (t->left_out > 0)
			log_line(t->log, LNX_LOG_WARNING,
				 "keys: %u more failed, and got no line each", t->left_out);
		t->minute = now;
		t->lines = t->left_out = 0;
	}
	if (t->lines < KEYTALLY_LINES) {
		t->lines++;
		return true;
	}
	t->left_out++;
	return false;
}

static void keytally_tell(const struct keytally *t, const struct in6_addr *home,
			  const struct in6_addr *peer, const struct keys_failure *f)
{
	char whose[INET6_ADDRSTRLEN] = "", with[INET6_ADDRSTRLEN] = "";

	if (!IN6_IS_ADDR_UNSPECIFIED(home))
		(void)inet_ntop(AF_INET6, home, whose, sizeof(whose));
	(void)inet_ntop(AF_INET6, peer, with, sizeof(with));
	log_line(t->log, LNX_LOG_WARNING, "keys%s%s with %s: %s: %s%s%s",
		 whose[0] != '\0' ? " of " : "", whose, with, keys_reason_name(f->reason), f->text,
		 f->said[0] != '\0' ? "; it says: " : "", f->said);
}

void keytally_failed(struct keytally *t, const struct in6_addr *home, const struct in6_addr *peer,
		     const struct keys_failure *f, struct bub_time now, bool told)
{
	struct keytally_failure *last = &t->last[t->next++ % KEYTALLY_LAST];

	t->failed[f->reason]++;
	*last = (struct keytally_failure){
		.home = *home, .peer = *peer, .at = now, .reason = f->reason};
	(void)snprintf(last->text, sizeof(last->text), "%s%s%s", f->text,
		       f->said[0] != '\0' ? "; the other end says: " : "", f->said);
	if (told && keytally_may_tell(t, now))
		keytally_tell(t, home, peer, f);
}

void keytally_agreed(struct keytally *t, const struct in6_addr *home)
{
	t->agreed++;
	for (unsigned i = 0; i < KEYTALLY_LAST; i++)
		if (bub_addr_eq(&t->last[i].home, home))
			t->last[i] = (struct keytally_failure){0};
}

const struct keytally_failure *keytally_of(const struct keytally *t, const struct in6_addr *home)
{
	const struct keytally_failure *found = NULL;

	for (unsigned i = 0; i < KEYTALLY_LAST; i++) {
		const struct keytally_failure *f = &t->last[i];

		if (f->reason != KEYS_OK && bub_addr_eq(&f->home, home) &&
		    (found == NULL || bub_time_before(found->at, f->at)))
			found = f;
	}
	return found;
}

const char *keytally_counter(const struct keytally *t, unsigned index, uint64_t *ret_value)
{
	static char name[64];

	if (index == 0) {
		*ret_value = t->agreed;
		return "keys-agreed";
	}
	if (index < KEYS_REASON_COUNT) {
		*ret_value = t->failed[index];
		(void)snprintf(name, sizeof(name), "keys-%s",
			       keys_reason_name((enum keys_reason)index));
		return name;
	}
	if (index - KEYS_REASON_COUNT >= KEYTALLY_DROP_COUNT)
		return NULL;
	*ret_value = t->dropped[index - KEYS_REASON_COUNT];
	return drop_names[index - KEYS_REASON_COUNT];
}
