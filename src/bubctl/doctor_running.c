/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of what the running bubd says of itself: whether it answers, whether home addresses are
 * registered, and what ESP was discarded for.
 */
#include <string.h>

#include "ctl.h"
#include "doctor.h"
#include "program.h"

#define DEFAULT_SOCKET "/run/bub/bubd.sock"
#define CLIENTS_TOLD_MAX 16
#define COMPARE_FINGERPRINTS "bubctl doctor | grep fingerprint"

static json_int_t data_counter(const struct doctor *d, const char *name)
{
	const json_t *counters = json_object_get(d->show, "counters");

	return json_integer_value(json_object_get(json_object_get(counters, "data"), name));
}

/* What bubctl prints when bubd does not answer, without the name in front. */
static const char *without_name(char *message)
{
	static const char name[] = "bubctl: ";

	message[strcspn(message, "\n")] = '\0';
	return strncmp(message, name, sizeof(name) - 1) == 0 ? message + sizeof(name) - 1 : message;
}

void doctor_check_running(struct doctor *d)
{
	const char *control = doctor_text(d->config, "control");
	const char *argv[] = {"/proc/self/exe", "-s", NULL, "show", "--json", NULL};
	struct program_result r;

	/* A socket that was named goes before the configuration's. */
	if (control[0] != '\0' && strcmp(d->socket, DEFAULT_SOCKET) == 0)
		d->socket = control;
	argv[2] = d->socket;
	program_run(argv, &r);
	if (r.status == 0)
		d->show = json_loads(r.out, 0, NULL);
	if (d->show != NULL)
		doctor_add(d, DOCTOR_OK, "running",
			   json_sprintf("bubd answers at %s as %s", d->socket,
					doctor_text(d->show, "node")),
			   NULL, NULL);
	else
		doctor_add(
			d, DOCTOR_NOTE, "running", json_string(without_name(r.error)),
			"not known without it: registrations, counters, whether its programs are "
			"attached",
			json_sprintf("bubd -c %s", d->config_path));
	program_free(&r);
}

/* The command that shows more of what a home agent is not heard for (bubctl(8), trouble). */
static json_t *mend_of_trouble(const char *trouble, const char *agent)
{
	static const struct {
		const char *trouble, *mend; /* %s: the home agent */
	} mends[] = {
		{"silence", "ping -6 -c 3 %s"},
		{"clear-only", COMPARE_FINGERPRINTS},
		{"no-route-here", "ip -6 route get %s"},
		{"refused-here", "nft list ruleset; ip -6 rule"},
		{"no-route", "traceroute -6 %s"},
		{"prohibited", "traceroute -6 %s"},
		{"unreachable", "traceroute -6 %s"},
		{"loop", "traceroute -6 %s"},
	};

	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (strcmp(mends[i].trouble, trouble) == 0)
			return strstr(mends[i].mend, "%s") != NULL
				       ? json_sprintf("%.*s%s", (int)strcspn(mends[i].mend, "%"),
						      mends[i].mend, agent)
				       : json_string(mends[i].mend);
	return NULL; /* it is at the other end, or on the way */
}

static bool is_served(const char *state)
{
	return strcmp(state, "registered") == 0 || strcmp(state, "at home") == 0;
}

static bool check_homes(struct doctor *d)
{
	bool all = true;
	const json_t *h = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(d->show, "homes"), i, h)
	{
		const char *state = doctor_text(h, "state"), *why = doctor_text(h, "why");
		const char *care_of = doctor_text(h, "care_of");
		const char *trouble = doctor_text(h, "trouble");
		const bool served = is_served(state), well = served && trouble[0] == '\0';

		all &= well;
		doctor_add(d,
			   well     ? DOCTOR_OK
			   : served ? DOCTOR_WARNING
				    : DOCTOR_FAULT,
			   "registration",
			   json_sprintf("home address %s: %s%s%s%s%s%s", doctor_text(h, "address"),
					state, care_of[0] != '\0' ? " from " : "", care_of,
					why[0] != '\0' ? " (" : "", why, why[0] != '\0' ? ")" : ""),
			   well ? NULL
			   : served
				   ? "it works as long as the registration stands; `bubctl doctor` "
				     "at the home agent may tell more"
				   : "until it is registered, nothing that is sent to it arrives; "
				     "`bubctl doctor` at the home agent may tell more",
			   well ? NULL : mend_of_trouble(trouble, doctor_text(h, "home_agent")));
	}
	return all;
}

static bool check_clients(struct doctor *d)
{
	const json_t *clients = json_object_get(d->show, "clients");
	const json_t *c = NULL;
	const json_int_t n = ctl_served(d->show, "registered"), all = ctl_served(d->show, "all");
	size_t i = 0, told = 0;

	json_array_foreach(clients, i, c)
	{
		const bool registered = json_is_true(json_object_get(c, "registered"));
		const char *why = doctor_text(c, "why");

		if (why[0] != '\0' && told++ < CLIENTS_TOLD_MAX)
			doctor_add(d, registered ? DOCTOR_NOTE : DOCTOR_WARNING, "keys",
				   json_sprintf("mobile node %s: %s", doctor_text(c, "home"), why),
				   "strangers can cause this too; it is meant where nothing works "
				   "there",
				   json_string(strstr(why, "protect-payload") != NULL
						       ? "grep -r protect-payload /etc/bub"
						       : COMPARE_FINGERPRINTS));
	}
	if (d->is_agent)
		doctor_add(d, DOCTOR_OK, "registration",
			   json_sprintf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
					" mobile nodes are registered here",
					n, all),
			   NULL, NULL);
	return n == all;
}

/* Who tries to register, and is not served here. */
static void check_strangers(struct doctor *d)
{
	const json_t *s = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(d->show, "strangers"), i, s)
	{
		doctor_add(d, DOCTOR_WARNING, "registration",
			   json_sprintf("home address %s tries to register: %s",
					doctor_text(s, "home"), doctor_text(s, "why")),
			   "the address is a mistake there, or a mobile-node line is missing here; "
			   "strangers can cause this too",
			   json_string("grep -r mobile-node /etc/bub"));
	}
}

#define DAY_S ((json_int_t)86400)
#define CERTIFICATE_SOON_S (14 * DAY_S)
#define TIME_HINT "timedatectl status"

/* The command that may mend what keys were not agreed on for. */
static const char *mend_of_reason(const char *reason)
{
	static const struct {
		const char *reason, *mend;
	} mends[] = {
		{"certificate-expired", "bubctl enroll mobile-node --renew"},
		{"certificate-not-yet-valid", TIME_HINT},
		{"wrong-psk", "sha256sum /etc/bub/*.psk"},
		{"connection-refused", "bubctl doctor, at the home agent"},
		{"timed-out", "bubctl doctor, at the home agent"},
		{"unreachable", "ip -6 route get"},
	};

	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (strcmp(mends[i].reason, reason) == 0)
			return mends[i].mend;
	return NULL;
}

static void add_certificate(struct doctor *d, const json_t *certificate, const char *whose)
{
	const json_int_t left = json_integer_value(json_object_get(certificate, "ends_in_s"));

	if (!json_is_object(certificate) || left >= CERTIFICATE_SOON_S)
		return;
	doctor_add(d, left < 0 ? DOCTOR_FAULT : DOCTOR_WARNING, "keys",
		   left < 0 ? json_sprintf("the certificate of %s has ended", whose)
			    : json_sprintf("the certificate of %s ends in %" JSON_INTEGER_FORMAT
					   " days",
					   whose, left / DAY_S),
		   "keys cannot be renewed then; a new one is taken by a reload",
		   json_string("bubctl enroll --help"));
}

/* Keys of a home address of this node that are agreed on. */
static void check_agreed(struct doctor *d, const json_t *h)
{
	const json_t *keys = json_object_get(h, "keys");
	const json_t *failure = json_object_get(keys, "last_failure");
	const char *algorithm = doctor_text(keys, "algorithm");
	const char *mend = mend_of_reason(doctor_text(failure, "reason"));

	if (strcmp(doctor_text(keys, "kind"), "agreed") != 0)
		return;
	add_certificate(d, json_object_get(keys, "certificate"), doctor_text(h, "address"));
	if (json_is_object(failure))
		doctor_add(d, algorithm[0] == '\0' ? DOCTOR_FAULT : DOCTOR_WARNING, "keys",
			   json_sprintf("no new keys for %s: %s", doctor_text(h, "address"),
					doctor_text(failure, "text")),
			   algorithm[0] == '\0' ? "without keys nothing goes to the home agent"
						: "those in use last some hours more",
			   mend != NULL ? json_string(mend) : NULL);
	else if (algorithm[0] != '\0')
		doctor_add(d, DOCTOR_OK, "keys",
			   json_sprintf("keys of %s are agreed on: %s", doctor_text(h, "address"),
					algorithm),
			   NULL, NULL);
}

/* What others failed with at this home agent. */
static void check_refused(struct doctor *d)
{
	const json_t *keys = json_object_get(d->show, "keys");
	const json_t *f = NULL;
	size_t i = 0, told = 0;

	if (!json_is_integer(json_object_get(keys, "port")))
		return;
	add_certificate(d, json_object_get(keys, "certificate"), "the home agent");
	json_array_foreach(json_object_get(keys, "failures"), i, f)
	{
		const char *home = doctor_text(f, "home");

		if (told++ < CLIENTS_TOLD_MAX)
			doctor_add(d, home[0] != '\0' ? DOCTOR_WARNING : DOCTOR_NOTE, "keys",
				   json_sprintf("no keys with %s%s%s: %s", doctor_text(f, "peer"),
						home[0] != '\0' ? ", home address " : "", home,
						doctor_text(f, "text")),
				   "strangers can cause this too; it is meant where nothing works "
				   "there",
				   NULL);
	}
}

/* To whom data goes by the direct path while nothing comes back by it. */
static void check_peers(struct doctor *d)
{
	const json_t *p = NULL;
	size_t i = 0, told = 0;

	json_array_foreach(json_object_get(d->show, "peers"), i, p)
	{
		if (strstr(doctor_text(p, "why"), "and none came") == NULL ||
		    told++ >= CLIENTS_TOLD_MAX)
			continue;
		doctor_add(
			d, DOCTOR_WARNING, "direct-path",
			json_sprintf("peer %s: %s", doctor_text(p, "peer"), doctor_text(p, "why")),
			"what this node sends there may be lost; in the configuration, "
			"peer \"ADDRESS\" { bub = require } has it go through the home agents",
			json_sprintf("bubctl -s %s ping %s", d->socket, doctor_text(p, "peer")));
	}
}

/* Each of these is a stranger's where everybody is registered. */
static void check_keys(struct doctor *d, bool all_well)
{
	static const struct {
		const char *counter, *what, *why;
	} kinds[] = {
		{"esp-bad-icv", "had another signature than the secret gives",
		 "the secret differs at the two ends, or somebody has changed the packets"},
		{"esp-unknown-spi", "belonged to no secret of this node",
		 "the secret differs at the two ends, or the mobile node is not configured here"},
		{"esp-no-sa", "were of a home address, under keys that it does not have here",
		 "the secret differs at the two ends, or the mobile node is not configured here"},
		{"esp-replay", "came twice or too late",
		 "normal where packets overtake each other; else an end has lost its state-dir"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		json_int_t n = data_counter(d, kinds[i].counter);

		if (n > 0)
			doctor_add(d, all_well ? DOCTOR_NOTE : DOCTOR_WARNING, "keys",
				   json_sprintf("%" JSON_INTEGER_FORMAT " ESP packets %s (%s)", n,
						kinds[i].what, kinds[i].counter),
				   kinds[i].why, json_string(COMPARE_FINGERPRINTS));
	}
	if (!all_well && data_counter(d, "esp-out") > 0 && data_counter(d, "esp-in") == 0)
		doctor_add(d, DOCTOR_WARNING, "keys",
			   json_sprintf("%" JSON_INTEGER_FORMAT
					" ESP packets went out, and none came back",
					data_counter(d, "esp-out")),
			   "the secret differs at the two ends, or something on the way drops "
			   "protocol 50, or no home agent runs there",
			   json_string(COMPARE_FINGERPRINTS));
}

void doctor_check_registration(struct doctor *d)
{
	bool homes = false, clients = false;
	const json_t *h = NULL;
	size_t i = 0;

	if (d->show == NULL)
		return;
	homes = check_homes(d);
	clients = check_clients(d);
	check_strangers(d);
	check_peers(d);
	json_array_foreach(json_object_get(d->show, "homes"), i, h) check_agreed(d, h);
	check_refused(d);
	check_keys(d, homes && clients);
}
