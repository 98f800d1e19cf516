/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between a line of JSON and a subscriber.  What is refused here would be refused by the daemon, or
 * would never come to it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "keys_identity.h"
#include "secret.h"
#include "subscriber.h"

#define HEX "hex:"
#define HEX_MAX (sizeof(HEX) + 2 * (size_t)SUBSCRIBER_VALUE_MAX)

bool subscriber_parse_home(const char *text, struct in6_addr *ret,
			   char ret_why[static SUBSCRIBER_WHY_MAX])
{
	struct in6_addr home;

	if (inet_pton(AF_INET6, text, &home) != 1 || IN6_IS_ADDR_UNSPECIFIED(&home) ||
	    IN6_IS_ADDR_MULTICAST(&home) || IN6_IS_ADDR_LINKLOCAL(&home) ||
	    IN6_IS_ADDR_V4MAPPED(&home)) {
		(void)snprintf(ret_why, SUBSCRIBER_WHY_MAX,
			       "\"%.64s\" is no home address; expected an IPv6 address such as "
			       "2001:db8:1::10",
			       text);
		return false;
	}
	*ret = home;
	return true;
}

static bool parse_name(const json_t *v, struct subscriber *sub, char *why)
{
	const size_t len = json_string_length(v);

	if (len == 0 || len >= KEYS_NAME_MAX || strlen(json_string_value(v)) != len) {
		(void)snprintf(why, SUBSCRIBER_WHY_MAX,
			       "identity: expected a name of 1 to %u letters", KEYS_NAME_MAX - 1);
		return false;
	}
	sub->proof = SUBSCRIBER_NAME;
	sub->len = len;
	memcpy(sub->value, json_string_value(v), len);
	return true;
}

static bool parse_fingerprint(const json_t *v, struct subscriber *sub, char *why)
{
	if (!json_is_string(v) || !keys_fingerprint_parse(json_string_value(v), sub->value)) {
		(void)snprintf(why, SUBSCRIBER_WHY_MAX,
			       "fingerprint: expected \"sha256:\" and 64 hexadecimal digits");
		return false;
	}
	sub->proof = SUBSCRIBER_FINGERPRINT;
	sub->len = SUBSCRIBER_FINGERPRINT_LEN;
	return true;
}

static bool parse_psk(const json_t *v, struct subscriber *sub, char *why)
{
	const char *text = json_string_value(v);
	const char *wrong =
		text == NULL ? "is no string"
			     : secret_parse(text, json_string_length(v), sub->value, &sub->len);

	if (wrong == NULL && sub->len < ESP_SECRET_MIN)
		wrong = "is too short; expected at least 16 octets (hex:) or characters";
	if (wrong != NULL) {
		(void)snprintf(why, SUBSCRIBER_WHY_MAX, "psk: %s", wrong);
		return false;
	}
	sub->proof = SUBSCRIBER_PSK;
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(const json_t *v, struct subscriber *sub, char *why);
} proofs[] = {
	{"identity", parse_name},
	{"fingerprint", parse_fingerprint},
	{"psk", parse_psk},
};
#define N_PROOFS (sizeof(proofs) / sizeof(proofs[0]))

static bool parse_members(const json_t *object, struct subscriber *sub, char *why)
{
	const char *home = json_string_value(json_object_get(object, "home"));
	size_t known = 1;

	if (home == NULL) {
		(void)snprintf(why, SUBSCRIBER_WHY_MAX,
			       "there is no \"home\"; expected {\"home\": ADDRESS, ...}");
		return false;
	}
	if (!subscriber_parse_home(home, &sub->home, why))
		return false;
	sub->proof = SUBSCRIBER_ADDRESS;
	for (size_t i = 0; i < N_PROOFS; i++) {
		const json_t *v = json_object_get(object, proofs[i].name);

		if (v == NULL)
			continue;
		known++;
		if (!proofs[i].parse(v, sub, why))
			return false;
	}
	if (known > 2 || json_object_size(object) != known) {
		(void)snprintf(why, SUBSCRIBER_WHY_MAX,
			       "%s; expected \"home\" and at most one of \"identity\", "
			       "\"fingerprint\" and \"psk\"",
			       known > 2 ? "there is more than one proof"
					 : "there is a member that is not known");
		return false;
	}
	return true;
}

bool subscriber_parse(const char *line, size_t len, struct subscriber *ret,
		      char ret_why[static SUBSCRIBER_WHY_MAX])
{
	struct subscriber sub = {0};
	json_error_t error;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	bool fine = false;

	if (!json_is_object(object))
		(void)snprintf(ret_why, SUBSCRIBER_WHY_MAX,
			       "%s; expected a line of JSON such as {\"home\": \"2001:db8:1::10\", "
			       "\"psk\": \"hex:...\"}",
			       object == NULL ? error.text : "that is no object");
	else
		fine = parse_members(object, &sub, ret_why);
	json_decref(object);
	if (fine)
		*ret = sub;
	explicit_bzero(&sub, sizeof(sub));
	return fine;
}

static json_t *hex_of(const struct subscriber *sub)
{
	char text[HEX_MAX] = HEX;
	json_t *v;

	for (size_t i = 0; i < sub->len; i++)
		(void)snprintf(text + sizeof(HEX) - 1 + 2 * i, 3, "%02x", sub->value[i]);
	v = json_string(text);
	explicit_bzero(text, sizeof(text));
	return v;
}

json_t *subscriber_json(const struct subscriber *sub, bool secret)
{
	char home[INET6_ADDRSTRLEN] = "", fingerprint[KEYS_FINGERPRINT_TEXT_MAX];
	json_t *o = json_object();

	(void)inet_ntop(AF_INET6, &sub->home, home, sizeof(home));
	(void)json_object_set_new(o, "home", json_string(home));
	switch (sub->proof) {
	case SUBSCRIBER_ADDRESS:
		break;
	case SUBSCRIBER_NAME:
		(void)json_object_set_new(o, "identity",
					  json_stringn((const char *)sub->value, sub->len));
		break;
	case SUBSCRIBER_FINGERPRINT:
		keys_fingerprint_print(sub->value, fingerprint);
		(void)json_object_set_new(o, "fingerprint", json_string(fingerprint));
		break;
	case SUBSCRIBER_PSK:
		(void)json_object_set_new(o, "psk", secret ? hex_of(sub) : json_true());
		break;
	}
	return o;
}
