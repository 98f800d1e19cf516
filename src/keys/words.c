/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said of a failure: for each reason a line that says what is wrong and what to do about
 * it, in the words of the end that says it.  It is another line where the other end has found it
 * out.
 *
 *   {from} {until}  dates of the certificate that it is about
 *   {now}           this end's time
 *   {who}           the mobile node, as far as it is known
 *   {home}          the home address that was asked for
 *   {detail}        what libssl or the caller says about it
 *   {said}          what the other end said
 */
#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define DATE_MAX 32u /* "2026-11-29 22:40:00 UTC" */

struct words {
	const char *found; /* by this end */
	const char *told;  /* by the other one; NULL: as found */
};

static const struct words words_at_mobile_node[KEYS_REASON_COUNT] = {
	[KEYS_CERTIFICATE_EXPIRED] =
		{"the home agent's certificate was valid until {until}, and it is {now} here: "
		 "renew it there or, where this clock is wrong, set it",
		 "the home agent says that this node's certificate has expired; it is valid until "
		 "{until}, and it is {now} here: renew it, or set the clock that is wrong"},
	[KEYS_CERTIFICATE_NOT_YET_VALID] =
		{"the home agent's certificate is not valid before {from}, and it is {now} here: "
		 "set the clock that is wrong, here or where the certificate was made",
		 "the home agent says that this node's certificate is not valid yet; it is from "
		 "{from} on, and it is {now} here: set the clock that is wrong, here or there"},
	[KEYS_UNKNOWN_CA] =
		{"no CA that this node trusts vouches for the home agent's certificate: name the "
		 "right CA file or the home agent's fingerprint",
		 "the home agent knows neither the fingerprint of this node's certificate nor the "
		 "CA behind it: add its fingerprint to the mobile-node line there"},
	[KEYS_CERTIFICATE_REVOKED] =
		{"the home agent's certificate has been revoked: it needs a new one",
		 "the home agent says that this node's certificate has been revoked: get a new "
		 "one"},
	[KEYS_CRL_UNUSABLE] =
		{"the revocation list is of no use ({detail}): get the CA's latest one", NULL},
	[KEYS_FINGERPRINT_DIFFERS] =
		{"the home agent has another key than the one whose fingerprint is configured: if "
		 "it was changed on purpose, take over the new fingerprint; if not, somebody "
		 "stands between",
		 NULL},
	[KEYS_NAME_DIFFERS] =
		{"the home agent's certificate is not for the name or address that is configured: "
		 "its subjectAltName has to have it",
		 NULL},
	[KEYS_CERTIFICATE_UNFIT] =
		{"the home agent's certificate is not fit for use: {detail}",
		 "the home agent says that this node's certificate is not fit for use, or its own "
		 "revocation list is not: its log has the reason"},
	[KEYS_NO_CERTIFICATE] = {"the home agent showed no certificate",
				 "the home agent wants a certificate"},
	[KEYS_WRONG_PSK] =
		{"the home agent has another pre-shared key than this node",
		 "the home agent has another pre-shared key than this node, or does not know this "
		 "name: compare both files and names; the home agent's log says which it is"},
	[KEYS_UNKNOWN_IDENTITY] =
		{"the home agent does not know this node's pre-shared key and offered a "
		 "certificate: it needs a psk-file for this mobile node",
		 "the home agent takes pre-shared keys only: it needs a certificate, or this node "
		 "a psk-file"},
	[KEYS_HOME_NOT_PERMITTED] =
		{"the home agent does not let this node have the home address {home}", //
		 "the home agent knows who this node is, but not as the owner of the home address "
		 "{home}: compare its mobile-node line with this node's identity"},
	[KEYS_NO_COMMON_ALGORITHM] =
		{"this node and the home agent have no algorithm in common ({detail})",
		 "the home agent has none of this node's algorithms ({said}): compare the two "
		 "lists"},
	[KEYS_NO_COMMON_VERSION] =
		{"the home agent speaks no TLS 1.3, or another version of this protocol: one of "
		 "the two needs an update",
		 NULL},
	[KEYS_NOT_TLS] =
		{"what answers at the home agent's port for keys is not TLS: compare the ports",
		 NULL},
	[KEYS_OTHER_PROTOCOL] =
		{"what answers at the home agent's port for keys speaks TLS, but for something "
		 "else: compare the ports",
		 NULL},
	[KEYS_BAD_FRAME] =
		{"what the home agent said cannot be understood ({detail}): its version may differ",
		 "the home agent could not understand this node: their versions may differ"},
	[KEYS_TOO_MUCH] = {"the home agent sent more than an agreement needs", NULL},
	[KEYS_PEER_REFUSED] = {"the home agent refused ({said}): its log may say why", NULL},
	[KEYS_CLOSED] =
		{"the home agent closed the connection before keys were agreed on: its log may "
		 "say why",
		 NULL},
	[KEYS_TIMED_OUT] =
		{"the home agent did not answer in time: it is busy, or packets are lost", NULL},
	[KEYS_BUSY] = {"the home agent is busy; it is asked again later", NULL},
	[KEYS_CONNECTION_REFUSED] =
		{"nobody listens at the home agent's port for keys ({detail}): is bubd running "
		 "there, with agreed keys and the same port?",
		 NULL},
	[KEYS_UNREACHABLE] =
		{"the home agent's port for keys cannot be reached ({detail}): a network without "
		 "a way there, or a packet filter",
		 NULL},
	[KEYS_INTERNAL] = {"something failed in this node ({detail})",
			   "something failed in the home agent: its log has it"},
};

static const struct words words_at_home_agent[KEYS_REASON_COUNT] = {
	[KEYS_CERTIFICATE_EXPIRED] =
		{"{who} was valid until {until}, and it is {now} here: the mobile node needs a new "
		 "one or, where this clock is wrong, set it",
		 "the mobile node says that this home agent's certificate has expired; it is valid "
		 "until {until}, and it is {now} here: renew it, or set the clock that is wrong"},
	[KEYS_CERTIFICATE_NOT_YET_VALID] =
		{"{who} is not valid before {from}, and it is {now} here: set the clock that is "
		 "wrong, here or where the certificate was made",
		 "the mobile node says that this home agent's certificate is not valid yet; it is "
		 "from {from} on, and it is {now} here: set the clock that is wrong, here or "
		 "there"},
	[KEYS_UNKNOWN_CA] =
		{"{who} has neither a fingerprint nor a CA that is known here: add its fingerprint "
		 "to the mobile-node line, or name the right CA file",
		 "the mobile node knows neither the fingerprint of this home agent's certificate "
		 "nor the CA behind it: give it the fingerprint"},
	[KEYS_CERTIFICATE_REVOKED] =
		{"{who} has been revoked: the mobile node needs a new one",
		 "the mobile node says that this home agent's certificate has been revoked: get a "
		 "new one"},
	[KEYS_CRL_UNUSABLE] =
		{"the revocation list is of no use ({detail}): get the CA's latest one", NULL},
	[KEYS_FINGERPRINT_DIFFERS] = {"{who} has another key than the one that is known", NULL},
	[KEYS_NAME_DIFFERS] =
		{"{who} is for another name",
		 "the mobile node says that this home agent's certificate is not for the name or "
		 "address that it is configured with: the subjectAltName has to have it"},
	[KEYS_CERTIFICATE_UNFIT] =
		{"{who} is not fit for use: {detail}",
		 "the mobile node says that this home agent's certificate is not fit for use, or "
		 "its own revocation list is not: its log has the reason"},
	[KEYS_NO_CERTIFICATE] = {"a mobile node showed neither a certificate nor a pre-shared key",
				 NULL},
	[KEYS_WRONG_PSK] =
		{"{who}: the mobile node has another key of this name: compare both files", NULL},
	[KEYS_UNKNOWN_IDENTITY] =
		{"{who} is not known here: no mobile-node line with a key has that name", NULL},
	[KEYS_HOME_NOT_PERMITTED] =
		{"{who} may not have the home address {home}: if it should, its mobile-node line "
		 "has to say that it is the owner",
		 NULL},
	[KEYS_NO_COMMON_ALGORITHM] =
		{"{who}: the mobile node has no algorithm that this home agent has ({detail}): "
		 "compare the two lists",
		 NULL},
	[KEYS_NO_COMMON_VERSION] =
		{"who came speaks no TLS 1.3, or another version of this protocol: the mobile node "
		 "needs an update",
		 NULL},
	[KEYS_NOT_TLS] = {"what came is not TLS: no mobile node, or one with the wrong port", NULL},
	[KEYS_OTHER_PROTOCOL] = {"who came speaks TLS, but for something else: no mobile node",
				 NULL},
	[KEYS_BAD_FRAME] = {"what came cannot be understood ({detail})", NULL},
	[KEYS_TOO_MUCH] = {"more came than an agreement needs", NULL},
	[KEYS_PEER_REFUSED] = {"the mobile node refused ({said}): its log may say why", NULL},
	[KEYS_CLOSED] = {"the connection was closed before keys were agreed on", NULL},
	[KEYS_TIMED_OUT] = {"no keys were agreed on in the time that there is for it", NULL},
	[KEYS_BUSY] = {"there are too many at once: this one had to go", NULL},
	[KEYS_CONNECTION_REFUSED] = {"the connection was refused ({detail})", NULL},
	[KEYS_UNREACHABLE] = {"the connection broke ({detail})", NULL},
	[KEYS_INTERNAL] = {"something failed in this home agent ({detail})",
			   "something failed in the mobile node: its log has it"},
};

static void words_date(int64_t seconds, char ret_text[static DATE_MAX])
{
	const time_t t = (time_t)seconds;
	struct tm tm;

	if (OPENSSL_gmtime(&t, &tm) == NULL ||
	    strftime(ret_text, DATE_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(ret_text, DATE_MAX, "an unknown date");
}

/* Writes what stands for the word in braces that @word begins with, or nothing. */
static void words_expand(const struct keys_session *s, const char *word, const char *detail,
			 char ret_text[static KEYS_NAME_MAX])
{
	const struct keys_own *own = &s->ctx->own;
	const struct keys_verdict *v = &s->verdict;

	ret_text[0] = '\0';
	if (strncmp(word, "from}", 5) == 0)
		words_date(s->told ? own->not_before : v->not_before, ret_text);
	else if (strncmp(word, "until}", 6) == 0)
		words_date(s->told ? own->not_after : v->not_after, ret_text);
	else if (strncmp(word, "now}", 4) == 0)
		words_date(s->wall_s, ret_text);
	else if (strncmp(word, "home}", 5) == 0)
		(void)inet_ntop(AF_INET6, &s->wanted.home, ret_text, INET6_ADDRSTRLEN);
	else if (strncmp(word, "who}", 4) == 0)
		(void)snprintf(ret_text, KEYS_NAME_MAX, "%s",
			       s->peer.text[0] != '\0' ? s->peer.text : "the mobile node");
	else if (strncmp(word, "said}", 5) == 0)
		(void)snprintf(ret_text, KEYS_NAME_MAX, "%s", s->failure.said);
	else
		(void)snprintf(ret_text, KEYS_NAME_MAX, "%s",
			       detail != NULL ? detail : "nothing more is known");
}

void keys_write_words(struct keys_session *s, const char *detail)
{
	const struct words *w =
		&(s->ctx->server ? words_at_home_agent : words_at_mobile_node)[s->failure.reason];
	const char *p = s->told && w->told != NULL ? w->told : w->found;
	char *text = s->failure.text;
	size_t at = 0;

	for (; *p != '\0' && at + 1 < KEYS_TEXT_MAX; p++) {
		char word[KEYS_NAME_MAX];
		const char *end = *p == '{' ? strchr(p, '}') : NULL;

		if (end == NULL) {
			text[at++] = *p;
			continue;
		}
		words_expand(s, p + 1, detail, word);
		at += (size_t)snprintf(text + at, KEYS_TEXT_MAX - at, "%s", word);
		p = end;
	}
	text[at < KEYS_TEXT_MAX ? at : KEYS_TEXT_MAX - 1] = '\0';
}
