/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is told of keys, as JSON (keyd.h).  Owns the names of the members, which are an interface.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keyd_internal.h"
#include "keys_identity.h"
#include "owners.h"

#define SOON_S (INT64_C(14) * 86400) /* a certificate that ends in so long is told */
#define DAY_S INT64_C(86400)

static void keystatus_set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static json_t *keystatus_number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *keystatus_address(const struct in6_addr *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_UNSPECIFIED(addr))
		return json_null();
	return json_string(inet_ntop(AF_INET6, addr, text, sizeof(text)));
}

/* As the configuration has it. */
static const char *alg_name(const struct esp_alg_info *alg)
{
	return keys_suite_name((enum esp_alg)(alg - esp_alg_info((enum esp_alg)0)));
}

static json_t *keystatus_failure(const struct keyd *k, const struct keytally_failure *f)
{
	json_t *o = NULL;

	if (f == NULL)
		return json_null();
	o = json_object();
	keystatus_set(o, "reason", json_string(keys_reason_name(f->reason)));
	keystatus_set(o, "text", json_string(f->text));
	keystatus_set(o, "peer", keystatus_address(&f->peer));
	keystatus_set(o, "age_s",
		      keystatus_number(bub_time_ms_between(f->at, k->host.now()) / 1000));
	return o;
}

static json_t *keystatus_certificate(const struct keys_own *own)
{
	char fingerprint[KEYS_FINGERPRINT_TEXT_MAX];
	json_t *o = json_object();
	const int64_t left = own->not_after - (int64_t)time(NULL);

	keys_fingerprint_print(own->fingerprint, fingerprint);
	keystatus_set(o, "fingerprint", json_string(fingerprint));
	keystatus_set(o, "ends_in_s", json_integer((json_int_t)left));
	return o;
}

static bool is_agreed(const struct keyd *k, const struct in6_addr *home, bool at_home_agent)
{
	const struct bubd_pair *pair = at_home_agent ? owners_pair(k->host.owners, home)
						     : bubd_config_pair(k->host.cfg, home, false);

	return pair != NULL && pair->keys != BUBD_KEYS_STATIC;
}

json_t *keyd_status_home(const struct keyd *k, const struct in6_addr *home, bool at_home_agent)
{
	const bool agreed = k != NULL && is_agreed(k, home, at_home_agent);
	struct keyclient_status client = {.next_s = UINT64_MAX};
	struct sas_agreed_status s;
	struct keys_own own;
	char why[KEYTALLY_TEXT_MAX] = "";
	bool there;
	json_t *o = json_object();

	keystatus_set(o, "kind", json_string(agreed ? "agreed" : "static"));
	if (!agreed)
		return o;
	there = sas_agreed_status(k->host.sas, home, k->host.now(), &s);
	(void)keyclient_status(k->client, home, &client);
	keyd_why(k, home, why, sizeof(why));
	keystatus_set(o, "algorithm", there ? json_string(alg_name(s.alg)) : json_null());
	keystatus_set(o, "age_s", there ? keystatus_number(s.age_s) : json_null());
	keystatus_set(o, "renews_in_s",
		      there && !at_home_agent ? keystatus_number(s.renew_s) : json_null());
	keystatus_set(o, "ends_in_s", there ? keystatus_number(s.end_s) : json_null());
	keystatus_set(o, "confirmed", json_boolean(there && s.confirmed));
	keystatus_set(o, "why", why[0] != '\0' ? json_string(why) : json_null());
	keystatus_set(o, "attempts", keystatus_number(client.attempts));
	keystatus_set(o, "next_attempt_s",
		      client.next_s != UINT64_MAX ? keystatus_number(client.next_s) : json_null());
	keystatus_set(o, "last_failure", keystatus_failure(k, keytally_of(&k->tally, home)));
	keystatus_set(o, "certificate",
		      !at_home_agent && keyclient_own(k->client, home, &own)
			      ? keystatus_certificate(&own)
			      : json_null());
	return o;
}

static void why_certificate(const struct keys_own *own, char *ret_text, size_t cap)
{
	const int64_t left = own->not_after - (int64_t)time(NULL);

	if (left < 0)
		(void)snprintf(ret_text, cap,
			       "this node's certificate has ended, so the keys cannot be renewed: "
			       "renew it, and reload");
	else if (left < SOON_S)
		(void)snprintf(ret_text, cap,
			       "this node's certificate ends in %lld days: renew it, and reload",
			       (long long)(left / DAY_S));
}

void keyd_why(const struct keyd *k, const struct in6_addr *home, char *ret_text, size_t cap)
{
	const struct keytally_failure *f = k != NULL ? keytally_of(&k->tally, home) : NULL;
	struct keyclient_status client;
	struct sas_agreed_status s;
	struct keys_own own;

	ret_text[0] = '\0';
	if (k == NULL)
		return;
	if (f != NULL)
		(void)snprintf(ret_text, cap, "%s", f->text);
	else if (sas_agreed_status(k->host.sas, home, k->host.now(), &s) &&
		 keyclient_own(k->client, home, &own))
		why_certificate(&own, ret_text, cap);
	else if (keyclient_status(k->client, home, &client) && client.why != NULL)
		(void)snprintf(ret_text, cap, "%s", client.why);
}

void keyd_counters(const struct keyd *k, json_t *object)
{
	static const struct keytally none;
	const struct keytally *t = k != NULL ? &k->tally : &none;
	const char *name;
	uint64_t value;

	for (unsigned i = 0; (name = keytally_counter(t, i, &value)) != NULL; i++)
		keystatus_set(object, name, keystatus_number(value));
}

static void keystatus_add_failures(const struct keyd *k, enum keytally_kind kind, json_t *array)
{
	for (unsigned i = 0; i < KEYTALLY_LAST; i++) {
		const struct keytally_failure *f = &k->tally.kept[kind].last[i];
		json_t *o = f->reason != KEYS_OK ? keystatus_failure(k, f) : NULL;

		if (o == NULL)
			continue;
		keystatus_set(o, "home", keystatus_address(&f->home));
		(void)json_array_append_new(array, o);
	}
}

static json_t *keystatus_failures(const struct keyd *k)
{
	json_t *array = json_array();

	keystatus_add_failures(k, KEYTALLY_NAMED, array);
	keystatus_add_failures(k, KEYTALLY_STRANGER, array);
	return array;
}

json_t *keyd_status(const struct keyd *k)
{
	struct keys_own own;
	json_t *o = NULL;

	if (k == NULL || (k->server == NULL && k->client == NULL))
		return json_null();
	o = json_object();
	keystatus_set(o, "port",
		      k->server != NULL ? keystatus_number(k->host.cfg->agent_keys.port)
					: json_null());
	keystatus_set(o, "certificate",
		      k->server != NULL && keyserver_own(k->server, &own)
			      ? keystatus_certificate(&own)
			      : json_null());
	keystatus_set(o, "failures", keystatus_failures(k));
	return o;
}
