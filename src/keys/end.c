/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ends that a session comes to, and what is sent before.
 */
#include <openssl/err.h>

#include "internal.h"

struct keys_session *keys_session_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static void end_session(struct keys_session *s, enum keys_state state)
{
	s->state = state;
	s->phase = KEYS_PHASE_END;
	s->deadline = BUB_TIME_NEVER;
	/* Where libssl has stopped, its alert is on its way already. */
	if (s->proved && !s->broken)
		(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
}

bool keys_fail(struct keys_session *s, enum keys_reason why, const char *detail)
{
	if (s->phase == KEYS_PHASE_END)
		return false;
	s->failure.reason = why;
	keys_write_words(s, detail);
	end_session(s, KEYS_FAILED);
	OPENSSL_cleanse(&s->agreed, sizeof(s->agreed));
	return false;
}

bool keys_fail_in_ssl(struct keys_session *s)
{
	const char *detail = NULL;
	const enum keys_reason why = keys_reason_of_ssl(s, &detail);

	s->broken = true;
	return keys_fail(s, why, detail);
}

void keys_agree(struct keys_session *s)
{
	end_session(s, KEYS_AGREED);
}

bool keys_send(struct keys_session *s, const uint8_t *data, size_t len)
{
	ERR_clear_error();
	if (SSL_write(s->ssl, data, (int)len) == (int)len)
		return true;
	return keys_fail_in_ssl(s);
}
