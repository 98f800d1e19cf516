/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See keyclient.h.  Owns when keys are agreed on: as soon as the home agent can be reached and
 * there are none, when they are due for renewal, and when the home agent has lost them.  Never
 * twice at once for one home address.  A move needs nothing: the keys are not tied to an address.
 *
 * Where it fails it is tried again after 1, 2, 4 seconds, up to a minute, give or take a quarter,
 * so that the mobile nodes of a home agent that was down do not all come at once.
 */
#include "keyclient.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyconn.h"
#include "keys_token.h"

#define RETRY_FIRST_MS 1000u
#define RETRY_MAX_MS 60000u
#define SILENCE_MS 1000u
#define DOUBT_APART_MS 10000u
#define ERROR_MAX 256

struct keyclient_home {
	struct keyclient *k;
	unsigned settings; /* which of the configuration's home_keys are its own */
	struct in6_addr home, from, home_agent;
	struct in6_addr agent_ipv4; /* of the home agent, mapped; :: none */
	struct keys_context *ctx;   /* NULL: it does not agree on keys */
	struct keyconn *conn;       /* NULL: no attempt is under way */
	struct keys_tokens tokens;
	uv_timer_t timer;
	struct bub_time retry; /* when; 0: no attempt is planned */
	unsigned attempts;
	bool lost;      /* the home agent has lost its keys */
	bool suspected; /* it is only silent: what comes from it shows otherwise */
	/* A doubt: inbound packets when it came up. */
	bool doubts;
	struct bub_time doubted;
	uint64_t heard;
};

struct keyclient {
	struct keyclient_host host;
	struct keyclient_home home[BUB_HOMES_MAX];
};

static struct keyclient_home *keyclient_find(const struct keyclient *k, const struct in6_addr *home)
{
	for (unsigned i = 0; k != NULL && i < BUB_HOMES_MAX; i++)
		if (k->home[i].ctx != NULL && bub_addr_eq(&k->home[i].home, home))
			return (struct keyclient_home *)(uintptr_t)&k->home[i];
	return NULL;
}

static bool has_keys(const struct keyclient_home *h)
{
	struct sas_agreed_status status;

	return sas_agreed_status(h->k->host.sas, &h->home, h->k->host.now(), &status);
}

/* Where the home agent is for where this node is; :: nowhere. */
static struct in6_addr keyclient_agent(const struct keyclient_home *h)
{
	return IN6_IS_ADDR_V4MAPPED(&h->from) ? h->agent_ipv4 : h->home_agent;
}

static bool is_reachable(const struct keyclient_home *h)
{
	const struct in6_addr agent = keyclient_agent(h);

	return !IN6_IS_ADDR_UNSPECIFIED(&h->from) && !IN6_IS_ADDR_UNSPECIFIED(&h->home_agent) &&
	       !IN6_IS_ADDR_UNSPECIFIED(&agent);
}

/* Inbound packets under the keys of @h. */
static uint64_t count_heard(const struct keyclient_home *h)
{
	struct esp_sad *sad = sas_database(h->k->host.sas);
	struct esp_sa_status status;
	uint64_t n = 0;

	for (struct esp_sa *sa = esp_sad_next(sad, NULL); sa != NULL; sa = esp_sad_next(sad, sa)) {
		esp_sa_get_status(sa, &status);
		if (status.direction == ESP_IN && bub_addr_eq(&status.owner, &h->home))
			n += status.packets;
	}
	return n;
}

/* ---- An attempt ---------------------------------------------------------------------------- */

static void keyclient_on_timer(uv_timer_t *timer);

static void keyclient_plan(struct keyclient_home *h, uint64_t ms)
{
	h->retry = bub_time_add_ms(h->k->host.now(), ms);
	(void)uv_timer_start(&h->timer, keyclient_on_timer, ms, 0);
}

/* Milliseconds until the next attempt: give or take a quarter. */
static uint64_t keyclient_pause(const struct keyclient_home *h)
{
	const unsigned doublings = h->attempts < 7 ? h->attempts - 1 : 6;
	uint64_t ms = (uint64_t)RETRY_FIRST_MS << doublings;
	uint16_t lot;

	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	h->k->host.random(NULL, (uint8_t *)&lot, sizeof(lot));
	return ms - ms / 4 + ms / 2 * lot / UINT16_MAX;
}

/* A line at the first failure, and at growing intervals while it stays the same. */
static bool is_worth_a_line(const struct keyclient_home *h, const struct keys_failure *f)
{
	const struct keytally_failure *before = keytally_of(h->k->host.tally, &h->home);

	return before == NULL || before->reason != f->reason ||
	       (h->attempts & (h->attempts - 1)) == 0;
}

static void keyclient_failed(struct keyclient_home *h, const struct keys_failure *f)
{
	bool told;

	h->attempts++;
	told = is_worth_a_line(h, f);
	keytally_failed(h->k->host.tally, &h->home, &h->home_agent, f, h->k->host.now(), told);
	keyclient_plan(h, keyclient_pause(h));
}

static void keyclient_take(struct keyclient_home *h, const struct keys_agreed *a)
{
	const struct keyclient_host *host = &h->k->host;
	const bool registers = h->lost || !has_keys(h);
	char home[INET6_ADDRSTRLEN] = "", agent[INET6_ADDRSTRLEN] = "", error[ERROR_MAX] = "";
	struct keys_failure f = {.reason = KEYS_INTERNAL};
	struct sas_agreed keys = {
		.home = h->home,
		.home_agent = h->home_agent,
		.lifetime_s = a->grant.lifetime_s,
		.octets = a->grant.octets,
	};

	memcpy(keys.set, a->set, sizeof(keys.set));
	keys.set_count = a->set_count;
	(void)inet_ntop(AF_INET6, &h->home, home, sizeof(home));
	(void)inet_ntop(AF_INET6, &h->home_agent, agent, sizeof(agent));
	if (sas_agreed_add(host->sas, &keys, host->now(), error, sizeof(error)) != 0) {
		(void)snprintf(f.text, sizeof(f.text), "the keys cannot be used: %s", error);
		keyclient_failed(h, &f);
	} else {
		log_line(host->log, LNX_LOG_INFO, "keys of %s agreed with %s (%s): %s, for %u s",
			 home, agent, a->peer, keys_suite_name(a->alg), keys.lifetime_s);
		keys_tokens_add(&h->tokens, a->grant.has_token ? a->grant.token : NULL);
		h->attempts = 0;
		h->lost = h->doubts = h->suspected = false;
		keytally_agreed(host->tally, &h->home);
		if (registers)
			host->registers(host->ctx);
	}
	explicit_bzero(&keys, sizeof(keys));
}

static void keyclient_on_progress(void *ctx, struct keyconn *c, enum keys_state state)
{
	struct keyclient_home *h = c->user;

	(void)ctx;
	if (state == KEYS_GOING || h->conn != c)
		return;
	h->conn = NULL;
	if (state == KEYS_AGREED)
		keyclient_take(h, keys_agreed_of(c->session));
	else
		keyclient_failed(h, keys_failure_of(c->session));
}

static void keyclient_on_gone(void *ctx, struct keyconn *c)
{
	struct keyclient_home *h = c->user;

	(void)ctx;
	if (h->conn == c)
		h->conn = NULL;
}

static uint32_t keyclient_spi(const struct keyclient *k)
{
	uint32_t lot;

	k->host.random(NULL, (uint8_t *)&lot, sizeof(lot));
	return keys_spi(lot, sas_has_spi, k->host.sas);
}

static struct keys_session *keyclient_session(const struct keyclient_home *h)
{
	struct keys_client_params p = {
		.now = h->k->host.now(),
		.wall_s = time(NULL),
		.home = h->home,
		.home_agent = h->home_agent,
		.spi_transport = keyclient_spi(h->k),
	};

	do
		p.spi_tunnel = keyclient_spi(h->k);
	while (p.spi_tunnel == p.spi_transport);
	do
		p.spi_payload = keyclient_spi(h->k);
	while (p.spi_payload == p.spi_transport || p.spi_payload == p.spi_tunnel);
	return keys_client_new(h->ctx, &p);
}

/* Where the port of keys may be blocked that of TCP takes them, too: by turns. */
static uint16_t keyclient_port(const struct keyclient_home *h)
{
	const uint16_t tcp = h->k->host.cfg->lnx.tcp_port;

	if (tcp != 0 && h->attempts % 2 == 1)
		return tcp;
	return h->k->host.cfg->home_keys[h->settings].port;
}

static void keyclient_begin(struct keyclient_home *h)
{
	const struct keyconn_host host = {.ctx = h->k,
					  .now = h->k->host.now,
					  .progress = keyclient_on_progress,
					  .gone = keyclient_on_gone};
	const struct sockaddr_in6 to = {.sin6_family = AF_INET6,
					.sin6_addr = keyclient_agent(h),
					.sin6_port = htons(keyclient_port(h))};
	struct keys_session *session;

	h->retry = (struct bub_time){0};
	if (h->conn != NULL || !is_reachable(h))
		return;
	h->conn = keyconn_new(h->k->host.loop, &host, h);
	session = h->conn != NULL ? keyclient_session(h) : NULL;
	if (session != NULL) {
		keyconn_connect(h->conn, session, &h->from, &to);
		return;
	}
	if (h->conn != NULL)
		keyconn_close(h->conn);
	h->conn = NULL;
	h->attempts++;
	keyclient_plan(h, keyclient_pause(h));
}

/* The home agent did not say anything: its keys are lost. */
static void keyclient_judge(struct keyclient_home *h)
{
	h->doubts = false;
	if (count_heard(h) == h->heard)
		h->lost = h->suspected = true;
}

/* It was the path, and the keys are as good as before. */
static void keyclient_acquit(struct keyclient_home *h)
{
	struct sas_agreed_status status;

	if (!h->suspected || count_heard(h) == h->heard)
		return;
	h->lost = h->suspected = false;
	if (!sas_agreed_status(h->k->host.sas, &h->home, h->k->host.now(), &status) ||
	    status.renew_s == 0)
		return;
	h->retry = (struct bub_time){0};
	h->attempts = 0;
}

static void keyclient_on_timer(uv_timer_t *timer)
{
	struct keyclient_home *h = timer->data;

	if (h->doubts)
		keyclient_judge(h);
	keyclient_acquit(h);
	if (h->retry.ns != 0 || h->lost)
		keyclient_begin(h);
}

/* As soon as the loop goes on: what the kernel needs for it is on its way then. */
static void keyclient_now(struct keyclient_home *h)
{
	if (h->conn == NULL)
		keyclient_plan(h, 0);
}

/* ---- What is told -------------------------------------------------------------------------- */

static void keyclient_abandon(struct keyclient_home *h)
{
	struct keyconn *c = h->conn;

	h->conn = NULL;
	if (c != NULL)
		keyconn_close(c);
}

void keyclient_attached(struct keyclient *k, const struct in6_addr *home,
			const struct in6_addr *from, const struct in6_addr *home_agent)
{
	struct keyclient_home *h = keyclient_find(k, home);
	bool other, wanted;

	if (h == NULL)
		return;
	if (from == NULL)
		from = &h->from;
	other = !bub_addr_eq(&h->home_agent, home_agent);
	if (!other && bub_addr_eq(&h->from, from))
		return;
	wanted = h->conn != NULL || h->retry.ns != 0;
	keyclient_abandon(h);
	if (other && !IN6_IS_ADDR_UNSPECIFIED(&h->home_agent))
		sas_agreed_forget(k->host.sas, home); /* those of another home agent */
	h->from = *from;                              /* which may be itself */
	h->home_agent = *home_agent;
	h->attempts = 0;
	h->retry = (struct bub_time){0};
	(void)uv_timer_stop(&h->timer);
	if (is_reachable(h) && (wanted || !has_keys(h)))
		keyclient_now(h);
}

void keyclient_ipv4(struct keyclient *k, const struct in6_addr *home, const struct in6_addr *ipv4)
{
	struct keyclient_home *h = keyclient_find(k, home);
	bool was_reachable;

	if (h == NULL)
		return;
	was_reachable = is_reachable(h);
	h->agent_ipv4 = *ipv4;
	if (!was_reachable && is_reachable(h) && !has_keys(h))
		keyclient_now(h);
}

void keyclient_renew(struct keyclient *k, const struct in6_addr *home)
{
	struct keyclient_home *h = keyclient_find(k, home);

	if (h != NULL)
		keyclient_now(h);
}

bool keyclient_token(struct keyclient *k, const struct in6_addr *from,
		     const uint8_t token[static KEYS_TOKEN_LEN])
{
	bool right = false;

	for (unsigned i = 0; k != NULL && i < BUB_HOMES_MAX; i++) {
		struct keyclient_home *h = &k->home[i];

		if (h->ctx == NULL ||
		    (!bub_addr_eq(&h->home_agent, from) && !bub_addr_eq(&h->agent_ipv4, from)) ||
		    !keys_tokens_use(&h->tokens, token))
			continue;
		right = true;
		h->lost = true;
		h->attempts = 0;
		keyclient_abandon(h); /* it was begun while nobody was there */
		keyclient_now(h);
	}
	return right;
}

void keyclient_doubt(struct keyclient *k, const struct in6_addr *home)
{
	struct keyclient_home *h = keyclient_find(k, home);
	struct bub_time now;

	if (h == NULL)
		return;
	now = h->k->host.now();
	if (h->doubts || h->conn != NULL || h->retry.ns != 0 ||
	    (h->doubted.ns != 0 && bub_time_ms_between(h->doubted, now) < DOUBT_APART_MS))
		return;
	h->doubts = true;
	h->doubted = now;
	h->heard = count_heard(h);
	(void)uv_timer_start(&h->timer, keyclient_on_timer, SILENCE_MS, 0);
	h->k->host.registers(h->k->host.ctx);
}

/* A machine without a battery learns the time after it has learnt its address. */
void keyclient_clock_set(struct keyclient *k)
{
	for (unsigned i = 0; k != NULL && i < BUB_HOMES_MAX; i++) {
		struct keyclient_home *h = &k->home[i];
		const struct keytally_failure *f = keytally_of(k->host.tally, &h->home);

		if (h->ctx == NULL || h->attempts == 0 || f == NULL ||
		    (f->reason != KEYS_CERTIFICATE_EXPIRED &&
		     f->reason != KEYS_CERTIFICATE_NOT_YET_VALID))
			continue;
		h->attempts = 0;
		keyclient_now(h);
	}
}

/* ---- Life ---------------------------------------------------------------------------------- */

bool keyclient_is_wanted(const struct bubd_config *cfg)
{
	for (unsigned i = 0; i < cfg->engine.n_homes; i++)
		if (cfg->home_keys[i].there)
			return true;
	return false;
}

/* Who @h is by the configuration in force.  Returns 0, or -1 and a line in @ret_why: then it is who
 * it was. */
static int keyclient_identify(struct keyclient_home *h, char ret_why[static KEYS_TEXT_MAX])
{
	struct keys_context *ctx =
		bubd_config_client_keys(&h->k->host.cfg->home_keys[h->settings], ret_why);

	if (ctx == NULL)
		return -1;
	keys_context_free(h->ctx);
	h->ctx = ctx;
	return 0;
}

int keyclient_reload(struct keyclient *k, char *ret_error, size_t error_size)
{
	char why[KEYS_TEXT_MAX] = "";

	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		struct keyclient_home *h = &k->home[i];

		if (h->ctx == NULL || !k->host.cfg->home_keys[h->settings].there)
			continue;
		if (keyclient_identify(h, why) != 0) {
			(void)snprintf(ret_error, error_size, "keys: %s", why);
			return -1;
		}
		if (h->attempts > 0)
			keyclient_now(h);
	}
	return 0;
}

static int keyclient_open_homes(struct keyclient *k, char *ret_error, size_t error_size)
{
	const struct bubd_config *cfg = k->host.cfg;
	char why[KEYS_TEXT_MAX] = "";

	for (unsigned i = 0; i < cfg->engine.n_homes; i++) {
		struct keyclient_home *h = &k->home[i];

		h->home = cfg->engine.home[i].address;
		h->agent_ipv4 = cfg->engine.home[i].home_agent_ipv4;
		h->settings = i;
		if (!cfg->home_keys[i].there || keyclient_identify(h, why) == 0)
			continue;
		(void)snprintf(ret_error, error_size, "keys: %s", why);
		return -1;
	}
	return 0;
}

struct keyclient *keyclient_open(const struct keyclient_host *host, char *ret_error,
				 size_t error_size)
{
	struct keyclient *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	k->host = *host;
	for (unsigned i = 0; i < BUB_HOMES_MAX; i++) {
		k->home[i].k = k;
		(void)uv_timer_init(host->loop, &k->home[i].timer);
		k->home[i].timer.data = &k->home[i];
	}
	if (keyclient_open_homes(k, ret_error, error_size) == 0)
		return k;
	keyclient_close(k);
	(void)uv_run(host->loop, UV_RUN_NOWAIT);
	keyclient_free(k);
	return NULL;
}

void keyclient_close(struct keyclient *k)
{
	for (unsigned i = 0; k != NULL && i < BUB_HOMES_MAX; i++) {
		keyclient_abandon(&k->home[i]);
		if (!uv_is_closing((uv_handle_t *)&k->home[i].timer))
			uv_close((uv_handle_t *)&k->home[i].timer, NULL);
	}
}

void keyclient_free(struct keyclient *k)
{
	for (unsigned i = 0; k != NULL && i < BUB_HOMES_MAX; i++) {
		keys_context_free(k->home[i].ctx);
		explicit_bzero(&k->home[i].tokens, sizeof(k->home[i].tokens));
	}
	free(k);
}

/* ---- Renumbering (RFC 6275, 11.4.3) --------------------------------------------------------- */

/* Nobody's; all that was known of a home address is gone but for its timer. */
static void keyclient_clear(struct keyclient_home *h)
{
	keyclient_abandon(h);
	(void)uv_timer_stop(&h->timer);
	keys_context_free(h->ctx);
	explicit_bzero(&h->tokens, sizeof(h->tokens));
	h->ctx = NULL;
	h->from = h->home_agent = (struct in6_addr){0};
	h->retry = h->doubted = (struct bub_time){0};
	h->attempts = 0;
	h->lost = h->suspected = h->doubts = false;
}

void keyclient_add(struct keyclient *k, const struct in6_addr *home,
		   const struct in6_addr *instead_of)
{
	const struct keyclient_home *old = keyclient_find(k, instead_of);
	char text[INET6_ADDRSTRLEN] = "", why[KEYS_TEXT_MAX] = "";
	struct keyclient_home *h = NULL;

	if (old == NULL)
		return;
	for (unsigned i = 0; i < BUB_HOMES_MAX && h == NULL; i++)
		if (k->home[i].ctx == NULL)
			h = &k->home[i];
	/* The engine has no more home addresses than there are places. */
	if (h == NULL)
		return;
	keyclient_clear(h);
	h->home = *home;
	h->home_agent = old->home_agent;
	h->agent_ipv4 = old->agent_ipv4;
	h->settings = old->settings;
	if (keyclient_identify(h, why) == 0)
		return;
	(void)inet_ntop(AF_INET6, home, text, sizeof(text));
	log_line(k->host.log, LNX_LOG_ERROR, "no keys can be agreed on for %s: %s", text, why);
}

void keyclient_remove(struct keyclient *k, const struct in6_addr *home)
{
	struct keyclient_home *h = keyclient_find(k, home);

	if (h != NULL)
		keyclient_clear(h);
}

const struct in6_addr *keyclient_next(const struct keyclient *k, unsigned *at)
{
	while (k != NULL && *at < BUB_HOMES_MAX) {
		const struct keyclient_home *h = &k->home[(*at)++];

		if (h->ctx != NULL)
			return &h->home;
	}
	return NULL;
}

/* ---- What is told of it --------------------------------------------------------------------- */

struct keys_context *keyclient_identity(const struct keyclient *k, const struct in6_addr *home,
					struct in6_addr *ret_home_agent)
{
	const struct keyclient_home *h = keyclient_find(k, home);

	if (h == NULL)
		return NULL;
	*ret_home_agent = h->home_agent;
	return h->ctx;
}

bool keyclient_status(const struct keyclient *k, const struct in6_addr *home,
		      struct keyclient_status *ret)
{
	const struct keyclient_home *h = keyclient_find(k, home);

	if (h == NULL)
		return false;
	*ret = (struct keyclient_status){
		.going = h->conn != NULL,
		.next_s = h->retry.ns != 0 ? bub_time_ms_between(k->host.now(), h->retry) / 1000
					   : UINT64_MAX,
		.attempts = h->attempts,
		.why = IN6_IS_ADDR_UNSPECIFIED(&h->home_agent) ? "no home agent is known yet"
		       : IN6_IS_ADDR_UNSPECIFIED(&h->from)     ? "there is no usable address"
		       : !is_reachable(h) ? "no IPv4 address of the home agent is known"
					  : NULL,
	};
	return true;
}

bool keyclient_own(const struct keyclient *k, const struct in6_addr *home, struct keys_own *ret)
{
	const struct keyclient_home *h = keyclient_find(k, home);

	if (h == NULL)
		return false;
	keys_context_own(h->ctx, ret);
	return ret->has_certificate;
}
