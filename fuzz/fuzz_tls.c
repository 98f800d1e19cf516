/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: octets that a stranger sends to either end of an agreement, before it has proved who
 * it is.
 *
 * The first octet says to whom (1: the mobile node) and whether with certificates (2); each of the
 * following ones says how many octets come at once.  The promise tested: nobody agrees with a
 * stranger, and a session that has failed says so.
 */
#include <string.h>

#include "fuzz.h"
#include "keys.h"
#include "keys_make.h"

#define WALL 1800000000

enum {
	TO_MOBILE_NODE = 1,
	WITH_CERTIFICATES = 2,
};

static size_t known_psk(void *user, const char *name, uint8_t ret_secret[static KEYS_SECRET_MAX])
{
	(void)user;
	if (strcmp(name, "2001:db8::5") != 0)
		return 0;
	memset(ret_secret, 7, 32);
	return 32;
}

static bool known_key(void *user, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	(void)user;
	(void)fingerprint;
	return false;
}

static enum keys_reason no_grant(void *user, const struct keys_request *req,
				 struct keys_grant *ret_grant)
{
	(void)user;
	(void)req;
	(void)ret_grant;
	FUZZ_REQUIRE(false);
	return KEYS_INTERNAL;
}

static const struct keys_server_ops ops = {
	.psk = known_psk, .pinned = known_key, .grant = no_grant};

static struct keys_octets octets_of(const char *text)
{
	return (struct keys_octets){.data = (const uint8_t *)text, .len = strlen(text)};
}

/* Made once, as a daemon does. */
static struct keys_context *context_of(unsigned kind)
{
	static struct keys_context *contexts[4];
	static const uint8_t secret[32] = {1};
	struct keys_client_config mn = {.has_fingerprint = true};
	struct keys_server_config ha = {.ops = &ops};
	struct keys_trust trust = {0};
	struct keys_made made;
	char why[KEYS_TEXT_MAX];

	if (contexts[kind] != NULL)
		return contexts[kind];
	if ((kind & WITH_CERTIFICATES) != 0) {
		FUZZ_REQUIRE(keys_make("one", WALL - 1000, WALL + 1000, &made));
		trust.certificate = octets_of(made.certificate);
		trust.key = octets_of(made.key);
	} else {
		mn.secret = (struct keys_octets){.data = secret, .len = sizeof(secret)};
	}
	mn.trust = ha.trust = trust;
	contexts[kind] = (kind & TO_MOBILE_NODE) != 0 ? keys_client_context_new(&mn, why)
						      : keys_server_context_new(&ha, why);
	FUZZ_REQUIRE(contexts[kind] != NULL);
	return contexts[kind];
}

static struct keys_session *session_of(unsigned kind)
{
	const struct keys_client_params mn = {
		.wall_s = WALL, .spi_transport = 256, .spi_tunnel = 257};
	const struct keys_server_params ha = {.wall_s = WALL};
	struct keys_session *s = (kind & TO_MOBILE_NODE) != 0
					 ? keys_client_new(context_of(kind), &mn)
					 : keys_server_new(context_of(kind), &ha);

	FUZZ_REQUIRE(s != NULL);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bub_time now = {1};
	struct keys_session *s = NULL;
	uint8_t out[512];

	if (size == 0)
		return 0;
	s = session_of(data[0] & 3u);
	(void)keys_step(s, now);
	data++;
	size--;
	while (size > 0) {
		size_t len = *data++;

		size--;
		if (len > size)
			len = size;
		keys_feed(s, data, len);
		(void)keys_step(s, now);
		while (keys_take(s, out, sizeof(out)) > 0)
			;
		data += len;
		size -= len;
	}
	keys_feed_end(s);
	FUZZ_REQUIRE(keys_step(s, now) == KEYS_FAILED);
	FUZZ_REQUIRE(keys_agreed_of(s) == NULL);
	FUZZ_REQUIRE(keys_failure_of(s)->text[0] != '\0');
	keys_session_free(s);
	return 0;
}
