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

/* Whether who fails for @why has shown a certificate or a name. */
static bool is_named(enum keys_reason why)
{
	switch (why) {
	case KEYS_CERTIFICATE_EXPIRED:
	case KEYS_CERTIFICATE_NOT_YET_VALID:
	case KEYS_UNKNOWN_CA:
	case KEYS_CERTIFICATE_REVOKED:
	case KEYS_CRL_UNUSABLE:
	case KEYS_FINGERPRINT_DIFFERS:
	case KEYS_NAME_DIFFERS:
	case KEYS_CERTIFICATE_UNFIT:
	case KEYS_WRONG_PSK:
	case KEYS_HOME_NOT_PERMITTED:
	case KEYS_BUSY:
	case KEYS_PEER_REFUSED:
	case KEYS_INTERNAL:
		return true;
	case KEYS_OK:
	case KEYS_NO_CERTIFICATE:
	case KEYS_UNKNOWN_IDENTITY:
	case KEYS_NO_COMMON_ALGORITHM:
	case KEYS_NO_COMMON_VERSION:
	case KEYS_NOT_TLS:
	case KEYS_OTHER_PROTOCOL:
	case KEYS_BAD_FRAME:
	case KEYS_TOO_MUCH:
	case KEYS_CLOSED:
	case KEYS_TIMED_OUT:
	case KEYS_CONNECTION_REFUSED:
	case KEYS_UNREACHABLE:
	case KEYS_REASON_COUNT:
		break;
	}
	return false;
}

/* Whether there is room for one more line this minute. */
static bool keytally_may_tell(const struct keytally *t, struct keytally_kept *kept,
			      struct bub_time now)
{
	if (kept->minute.ns == 0 || bub_time_ms_between(kept->minute, now) >= MINUTE_MS) {
		if (kept->left_out > 0)
			log_line(t->log, LNX_LOG_WARNING,
				 "keys: %u more failed, and got no line each", kept->left_out);
		kept->minute = now;
		kept->lines = kept->left_out = 0;
	}
	if (kept->lines < KEYTALLY_LINES) {
		kept->lines++;
		return true;
	}
	kept->left_out++;
	return false;
}

/* Where the next failure of @home goes: where its last one is, or in place of the oldest. */
static struct keytally_failure *keytally_place(struct keytally_kept *kept,
					       const struct in6_addr *home)
{
	for (unsigned i = 0; !IN6_IS_ADDR_UNSPECIFIED(home) && i < KEYTALLY_LAST; i++)
		if (bub_addr_eq(&kept->last[i].home, home))
			return &kept->last[i];
	return &kept->last[kept->next++ % KEYTALLY_LAST];
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
	const bool named = !IN6_IS_ADDR_UNSPECIFIED(home) || is_named(f->reason);
	struct keytally_kept *kept = &t->kept[named ? KEYTALLY_NAMED : KEYTALLY_STRANGER];
	struct keytally_failure *last = keytally_place(kept, home);

	t->failed[f->reason]++;
	*last = (struct keytally_failure){
		.home = *home, .peer = *peer, .at = now, .reason = f->reason};
	(void)snprintf(last->text, sizeof(last->text), "%s%s%s", f->text,
		       f->said[0] != '\0' ? "; the other end says: " : "", f->said);
	if (told && keytally_may_tell(t, kept, now))
		keytally_tell(t, home, peer, f);
}

void keytally_agreed(struct keytally *t, const struct in6_addr *home)
{
	struct keytally_kept *kept = &t->kept[KEYTALLY_NAMED];

	t->agreed++;
	for (unsigned i = 0; i < KEYTALLY_LAST; i++)
		if (bub_addr_eq(&kept->last[i].home, home))
			kept->last[i] = (struct keytally_failure){0};
}

const struct keytally_failure *keytally_of(const struct keytally *t, const struct in6_addr *home)
{
	const struct keytally_kept *kept = &t->kept[KEYTALLY_NAMED];

	for (unsigned i = 0; i < KEYTALLY_LAST; i++)
		if (kept->last[i].reason != KEYS_OK && bub_addr_eq(&kept->last[i].home, home))
			return &kept->last[i];
	return NULL;
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
