/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bubload's command line, and its result as JSON; see bubload(1).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "secret.h"

#define NODES_MAX (1u << 24)
#define WINDOW_DEFAULT 256u
#define WINDOW_PACED 65536u /* with a rate: as many as it takes */
#define TIMEOUT_DEFAULT_MS 1000u
#define TRIES_DEFAULT 5u
#define TRIES_MAX 100u
#define ROUNDS_MAX 1000000u
#define LIFETIME_DEFAULT_S 3600u
#define LIFETIME_MAX_S 262140u
#define US_PER_S 1e6
#define NS_PER_S 1e9
#define NS_PER_US 1e3
#define EXIT_USAGE 2
#define STATUS_REFUSED 128u
#define STATUS_SEQUENCE 135u

enum option_key {
	OPT_AGENT = 256,
	OPT_INTERFACE,
	OPT_NODES,
	OPT_HOME,
	OPT_CARE_OF,
	OPT_SECRET,
	OPT_PSK,
	OPT_KEY_SOURCE,
	OPT_DO,
	OPT_ROUNDS,
	OPT_TIME,
	OPT_RATE,
	OPT_WINDOW,
	OPT_TIMEOUT,
	OPT_TRIES,
	OPT_LIFETIME,
	OPT_REGISTERED,
	OPT_PID,
	OPT_ECHO,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"agent", required_argument, NULL, OPT_AGENT},
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"nodes", required_argument, NULL, OPT_NODES},
	{"home", required_argument, NULL, OPT_HOME},
	{"care-of", required_argument, NULL, OPT_CARE_OF},
	{"secret-file", required_argument, NULL, OPT_SECRET},
	{"psk-file", required_argument, NULL, OPT_PSK},
	{"key-source", required_argument, NULL, OPT_KEY_SOURCE},
	{"do", required_argument, NULL, OPT_DO},
	{"rounds", required_argument, NULL, OPT_ROUNDS},
	{"time", required_argument, NULL, OPT_TIME},
	{"rate", required_argument, NULL, OPT_RATE},
	{"window", required_argument, NULL, OPT_WINDOW},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"tries", required_argument, NULL, OPT_TRIES},
	{"lifetime", required_argument, NULL, OPT_LIFETIME},
	{"registered", required_argument, NULL, OPT_REGISTERED},
	{"pid", required_argument, NULL, OPT_PID},
	{"echo", no_argument, NULL, OPT_ECHO},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: bubload --agent ADDRESS --interface NAME --nodes N --home ADDRESS\n"
	"               --care-of ADDRESS\n"
	"               [--secret-file PATH | --psk-file PATH --key-source ADDRESS]\n"
	"               [--do PHASE,...]\n"
	"               [--rounds N | --time SECONDS] [--rate N] [--window N] [--timeout MS]\n"
	"               [--tries N] [--lifetime SECONDS] [--registered SEQUENCE] [--pid N] "
	"[--echo]\n"
	"       bubload --help | --version\n"
	"PHASE: register refresh handover deregister; see bubload(1)\n";

/* ---- Options ------------------------------------------------------------------------------- */

static bool wrong(const char *option, const char *text, const char *expected)
{
	fprintf(stderr, "bubload: --%s %s: expected %s\n", option, text, expected);
	return false;
}

static bool read_address(const char *option, const char *text, struct in6_addr *ret)
{
	return inet_pton(AF_INET6, text, ret) == 1 || wrong(option, text, "an IPv6 address");
}

static bool read_number(const char *option, const char *text, uint32_t least, uint32_t most,
			uint32_t *ret)
{
	char expected[64];
	char *end = NULL;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	*ret = (uint32_t)n;
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && n >= least && n <= most)
		return true;
	(void)snprintf(expected, sizeof(expected), "a number from %u to %u", (unsigned)least,
		       (unsigned)most);
	return wrong(option, text, expected);
}

static bool read_amount(const char *option, const char *text, double *ret)
{
	char *end = NULL;

	*ret = strtod(text, &end);
	if (end != text && *end == '\0' && isfinite(*ret) && *ret >= 0)
		return true;
	return wrong(option, text, "a number");
}

static bool read_phases(const char *option, char *text, struct load_options *o)
{
	char *rest = NULL;

	o->n_phases = 0;
	for (char *word = strtok_r(text, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		unsigned what = LOAD_REGISTER;

		while (what <= LOAD_DEREGISTER &&
		       strcmp(word, load_what_name((enum load_what)what)) != 0)
			what++;
		if (what > LOAD_DEREGISTER)
			return wrong(option, word, "register, refresh, handover or deregister");
		if (o->n_phases == LOAD_PHASES_MAX)
			return wrong(option, word, "fewer phases");
		o->phase[o->n_phases++] = (enum load_what)what;
	}
	return o->n_phases > 0 || wrong(option, text, "a list with commas between");
}

static bool read_secret(const char *option, const char *path,
			uint8_t ret_secret[static ESP_SECRET_MAX], size_t *ret_len)
{
	const char *why = secret_read(path, ret_secret, ret_len);

	if (why != NULL)
		fprintf(stderr, "bubload: --%s %s %s\n", option, path, why);
	return why == NULL;
}

static bool load_word(int key, const char *name, char *text, struct load_options *o)
{
	uint32_t n = 0;

	switch ((enum option_key)key) {
	case OPT_AGENT:
		return read_address(name, text, &o->agent);
	case OPT_INTERFACE:
		o->interface = text;
		return true;
	case OPT_NODES:
		return read_number(name, text, 1, NODES_MAX, &o->nodes);
	case OPT_HOME:
		return read_address(name, text, &o->home);
	case OPT_CARE_OF:
		return read_address(name, text, &o->care_of);
	case OPT_SECRET:
		return read_secret(name, text, o->secret, &o->secret_len);
	case OPT_PSK:
		return read_secret(name, text, o->psk, &o->psk_len);
	case OPT_KEY_SOURCE:
		return read_address(name, text, &o->key_source);
	case OPT_DO:
		return read_phases(name, text, o);
	case OPT_ROUNDS:
		return read_number(name, text, 1, ROUNDS_MAX, &o->rounds);
	case OPT_TIME:
		return read_amount(name, text, &o->time_s);
	case OPT_RATE:
		return read_amount(name, text, &o->rate);
	case OPT_WINDOW:
		return read_number(name, text, 1, NODES_MAX, &o->window);
	case OPT_TIMEOUT:
		return read_number(name, text, 1, UINT16_MAX, &o->timeout_ms);
	case OPT_TRIES:
		return read_number(name, text, 1, TRIES_MAX, &o->tries);
	case OPT_LIFETIME:
		return read_number(name, text, 4, LIFETIME_MAX_S, &o->lifetime_s);
	case OPT_REGISTERED:
		return read_number(name, text, 0, UINT32_MAX / 2, &o->sequence);
	case OPT_PID:
		if (!read_number(name, text, 1, INT32_MAX, &n))
			return false;
		o->pid = (int)n;
		return true;
	case OPT_ECHO:
		o->echo = true;
		return true;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	case OPT_VERSION:
		puts("bubload " BUB_VERSION);
		exit(EXIT_SUCCESS);
	}
	fputs(usage, stderr);
	return false;
}

static bool has_all(const struct load_options *o)
{
	if (o->interface != NULL && o->nodes != 0 && !IN6_IS_ADDR_UNSPECIFIED(&o->agent) &&
	    !IN6_IS_ADDR_UNSPECIFIED(&o->home) && !IN6_IS_ADDR_UNSPECIFIED(&o->care_of) &&
	    (o->psk_len == 0 || (o->secret_len == 0 && !IN6_IS_ADDR_UNSPECIFIED(&o->key_source))))
		return true;
	fputs(usage, stderr);
	return false;
}

static bool load_words(int argc, char **argv, struct load_options *o)
{
	int key, at = 0;

	*o = (struct load_options){
		.phase = {LOAD_REGISTER},
		.n_phases = 1,
		.rounds = 1,
		.timeout_ms = TIMEOUT_DEFAULT_MS,
		.tries = TRIES_DEFAULT,
		.lifetime_s = LIFETIME_DEFAULT_S,
		.progress = isatty(STDERR_FILENO) == 1,
	};
	while ((key = getopt_long(argc, argv, "", long_options, &at)) != -1)
		if (!load_word(key, key == '?' ? "" : long_options[at].name, optarg, o))
			return false;
	if (optind != argc) {
		fputs(usage, stderr);
		return false;
	}
	if (o->window == 0)
		o->window = o->rate > 0 ? WINDOW_PACED : WINDOW_DEFAULT;
	return has_all(o);
}

/* ---- The result ---------------------------------------------------------------------------- */

static json_t *statuses_of(const struct tally *t)
{
	json_t *all = json_object();
	char text[8];

	for (unsigned i = 0; i < sizeof(t->status) / sizeof(t->status[0]); i++) {
		if (t->status[i] == 0)
			continue;
		(void)snprintf(text, sizeof(text), "%u", i);
		(void)json_object_set_new(all, text, json_integer((json_int_t)t->status[i]));
	}
	return all;
}

static json_t *times_of(const struct tally *t)
{
	return json_pack("{s:f, s:f, s:f, s:f}", "50", (double)tally_percentile(t, 0.5) / NS_PER_US,
			 "90", (double)tally_percentile(t, 0.9) / NS_PER_US, "99",
			 (double)tally_percentile(t, 0.99) / NS_PER_US, "max",
			 (double)t->longest_ns / NS_PER_US);
}

static void set_count(json_t *o, const char *name, uint64_t n)
{
	(void)json_object_set_new(o, name, json_integer((json_int_t)n));
}

static void set_number(json_t *o, const char *name, double n)
{
	(void)json_object_set_new(o, name, json_real(n));
}

static json_t *phase_of(const struct load_result *r)
{
	const struct tally *t = &r->tally;
	json_t *o = json_object();

	(void)json_object_set_new(o, "phase", json_string(load_what_name(r->what)));
	set_number(o, "seconds", (double)r->took_ns / NS_PER_S);
	set_number(o, "rate",
		   r->took_ns > 0 ? (double)t->answered * NS_PER_S / (double)r->took_ns : 0);
	set_count(o, "answered", t->answered);
	set_count(o, "given_up", t->given_up);
	set_count(o, "sent", t->sent);
	set_count(o, "repeated", t->repeated);
	set_count(o, "not_sent", t->not_sent);
	set_count(o, "foreign", t->foreign);
	set_count(o, "bad", t->bad);
	(void)json_object_set_new(o, "statuses", statuses_of(t));
	(void)json_object_set_new(o, "microseconds", times_of(t));
	set_count(o, "sequence", r->sequence);
	set_number(o, "silence_ms", (double)t->silence_ns / US_PER_S);
	set_number(o, "own_cpu_s", (double)r->own_cpu_ns / NS_PER_S);
	if (r->agent_cpu_ns > 0) {
		set_number(o, "agent_cpu_s", (double)r->agent_cpu_ns / NS_PER_S);
		set_number(o, "rate_of_agent_core",
			   (double)t->answered * NS_PER_S / (double)r->agent_cpu_ns);
		set_count(o, "agent_rss_kb", r->agent_rss_kb);
	}
	return o;
}

struct report {
	json_t *phases;
	bool fine; /* every question was answered as it should be */
};

static bool is_fine(const struct tally *t)
{
	for (unsigned i = STATUS_REFUSED; i < sizeof(t->status) / sizeof(t->status[0]); i++)
		if (t->status[i] > 0 && i != STATUS_SEQUENCE)
			return false;
	return t->given_up == 0;
}

static void main_on_phase(void *ctx, const struct load_result *r)
{
	struct report *report = ctx;

	report->fine = report->fine && is_fine(&r->tally);
	(void)json_array_append_new(report->phases, phase_of(r));
}

static volatile sig_atomic_t main_stop;

static void main_on_signal(int signum)
{
	(void)signum;
	main_stop = 1;
}

int main(int argc, char **argv)
{
	struct report report = {.fine = true};
	struct load_options o;
	json_t *all;
	int status;

	if (!load_words(argc, argv, &o))
		return EXIT_USAGE;
	o.stop = &main_stop;
	(void)signal(SIGINT, main_on_signal);
	(void)signal(SIGTERM, main_on_signal);
	report.phases = json_array();
	status = load_run(&o, main_on_phase, &report) == 0 && report.fine ? EXIT_SUCCESS
									  : EXIT_FAILURE;
	all = json_pack("{s:i, s:b, s:o}", "nodes", (int)o.nodes, "esp",
			o.secret_len + o.psk_len > 0, "phases", report.phases);
	if (all != NULL && json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0)
		fputc('\n', stdout);
	json_decref(all);
	explicit_bzero(&o, sizeof(o));
	return status;
}
