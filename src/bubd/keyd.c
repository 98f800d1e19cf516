/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See keyd.h.  Owns what connects the parts: a restart token goes to the disk once its keys are in
 * use, and comes back from there after a restart; a hint is believed where it can only come from
 * the home agent, and else makes the mobile node ask.
 */
#include "keyd.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "keyd_internal.h"
#include "owners.h"
#include "storage.h"

#define ERROR_MAX 256
#define TOLD_AT_ONCE 10u /* hints, and then a pause: each brings a handshake */
#define TOLD_PAUSE_MS 50u
#define SPI_HINTS_PER_S 10u
#define FOLLOWED_MS 1000u
#define UNANSWERED 2u /* Binding Updates, before the home agent is asked for new keys */

/* After each round, as a hint may be lost; then the mobile node finds out by itself. */
static const uint16_t told_rounds_ms[] = {300, 500, 700, 1500, 3000, 6000};
#define TOLD_ROUNDS (sizeof(told_rounds_ms) / sizeof(told_rounds_ms[0]))

/* ---- Mobile node --------------------------------------------------------------------------- */

static void keyd_registers(void *ctx)
{
	struct keyd *k = ctx;

	k->host.registers(k->host.ctx);
}

static void keyd_on_renew(void *ctx, const struct in6_addr *home)
{
	struct keyd *k = ctx;

	keyclient_renew(k->client, home);
}

/* ESP that this node has sent a moment ago: who quotes it has seen it. */
static bool keyd_has_sent(const struct keyd *k, const struct in6_addr *home,
			  const struct keyhint *h)
{
	const struct esp_sad *sad = sas_database(k->host.sas);

	return esp_sad_has_sent(sad, home, ESP_TRANSPORT, h->spi, h->sequence) ||
	       esp_sad_has_sent(sad, home, ESP_TUNNEL, h->spi, h->sequence);
}

/* Whatever address it came from, as the home agent has two. */
static bool keyd_doubts(struct keyd *k, const struct keyhint *h)
{
	const struct in6_addr *home;
	struct sas_agreed_status status;
	bool known = false;

	for (unsigned i = 0; (home = keyclient_next(k->client, &i)) != NULL;) {
		if (!sas_agreed_status(k->host.sas, home, k->host.now(), &status) ||
		    !keyd_has_sent(k, home, h))
			continue;
		known = true;
		keyclient_doubt(k->client, home);
	}
	return known;
}

static void keyd_on_mobile_hint(void *ctx, const struct in6_addr *from, const struct keyhint *h)
{
	struct keyd *k = ctx;
	char agent[INET6_ADDRSTRLEN] = "";

	if (h->kind == KEYHINT_RESTARTED && keyclient_token(k->client, from, h->token)) {
		(void)inet_ntop(AF_INET6, from, agent, sizeof(agent));
		log_line(k->host.log, LNX_LOG_INFO,
			 "home agent %s has restarted and lost its keys: new ones are agreed on",
			 agent);
	} else if (h->kind == KEYHINT_RESTARTED || !keyd_doubts(k, h)) {
		k->tally.dropped[KEYTALLY_HINT_UNKNOWN]++;
	}
}

static void keyd_on_udp_hint(void *ctx, const struct in6_addr *from, struct bub_view octets)
{
	struct keyd *k = ctx;
	struct keyhint h;

	if (k == NULL || k->client == NULL)
		return;
	if (keyhint_decode(octets.data, octets.len, &h))
		keyd_on_mobile_hint(k, from, &h);
	else
		k->tally.dropped[KEYTALLY_HINT_MALFORMED]++;
}

void keyd_action(struct keyd *k, const struct bub_action *act)
{
	const struct bub_attach *a = &act->u.attach;

	if (k == NULL)
		return;
	if (act->type == BUB_ACT_ATTACH)
		keyclient_attached(k->client, &a->home, a->at_home ? &a->home : &a->care_of,
				   &a->home_agent);
	else if (act->type == BUB_ACT_HOME_AGENT)
		keyclient_attached(k->client, &act->u.agent.home, NULL, &act->u.agent.home_agent);
	else if (act->type == BUB_ACT_HOME_ADD)
		keyclient_add(k->client, &act->u.home_add.home, &act->u.home_add.instead_of);
	else if (act->type == BUB_ACT_HOME_DEL)
		keyclient_remove(k->client, &act->u.home);
}

void keyd_agent_found(struct keyd *k, const struct in6_addr *home, const struct in6_addr *ipv4)
{
	if (k != NULL)
		keyclient_ipv4(k->client, home, ipv4);
}

void keyd_trace(struct keyd *k, const struct bub_trace *tr)
{
	if (k != NULL && tr->type == BUB_TR_SENT && strcmp(tr->via, "home agent") == 0)
		k->asks = true;
}

void keyd_clock_set(struct keyd *k)
{
	if (k != NULL)
		keyclient_clock_set(k->client);
}

bool keyd_lacks(const struct keyd *k, const struct in6_addr *home)
{
	struct keyclient_status client;
	struct sas_agreed_status status;

	return k != NULL && keyclient_status(k->client, home, &client) &&
	       !sas_agreed_status(k->host.sas, home, k->host.now(), &status);
}

/* A home agent that answers nothing may have lost its keys, and its hints on the way. */
static void keyd_look_for_silence(struct keyd *k)
{
	struct bub_home_status h;

	if (!k->asks)
		return;
	k->asks = false;
	for (unsigned i = 0; bub_engine_home_status(k->host.engine, k->host.now(), i, &h); i++)
		if (h.unanswered >= UNANSWERED)
			keyclient_doubt(k->client, &h.address);
}

/* ---- Home agent ---------------------------------------------------------------------------- */

/* Where data of @home goes in UDP; port 0: it does not. */
static struct store_end keyd_end_of(const struct keyd *k, const struct in6_addr *home)
{
	struct store_end end = {.port = 0};

	if (*k->host.lnx != NULL)
		(void)lnx_udp_end(*k->host.lnx, home, &end.addr, &end.port);
	return end;
}

/* In the store of a group, or in a file. */
static bool keyd_has_tokens(const struct keyd *k)
{
	return k->tokens != NULL || (k->server != NULL && storage_has_tokens(k->host.storage));
}

static void keyd_put_token(struct keyd *k, const struct in6_addr *home, const uint8_t *token)
{
	const struct store_end end = keyd_end_of(k, home);

	if (k->tokens != NULL)
		tokens_put(k->tokens, home, token, &end);
	else
		storage_put_token(k->host.storage, home, token, &end);
}

static void keyd_on_in_use(void *ctx, const struct in6_addr *home,
			   const uint8_t token[static SAS_TOKEN_LEN])
{
	struct keyd *k = ctx;

	if (!keyd_has_tokens(k))
		return;
	keyd_put_token(k, home, token);
	k->noted = true;
}

static void followed_on_timer(uv_timer_t *timer)
{
	struct keyd *k = timer->data;

	k->noted = k->noted || k->followed;
	k->followed = false;
	keyd_turn(k);
}

/* A NAT may give a port anew for each packet: the disk is not to follow them all. */
static void keyd_on_followed(void *ctx, const struct in6_addr *home)
{
	struct keyd *k = ctx;
	const uint8_t *token;

	if (k == NULL || !keyd_has_tokens(k))
		return;
	token = sas_agreed_token(k->host.sas, home);
	if (token == NULL)
		return;
	keyd_put_token(k, home, token);
	if (!k->followed)
		(void)uv_timer_start(&k->followed_timer, followed_on_timer, FOLLOWED_MS, 0);
	k->followed = true;
}

const struct lnx_hint_ops keyd_hint_ops = {.followed = keyd_on_followed,
					   .hint = keyd_on_udp_hint,
					   .note = keyd_on_note,
					   .doubt = keyd_on_doubt};

static void keyd_on_ended(void *ctx, const struct in6_addr *home)
{
	struct keyd *k = ctx;
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(AF_INET6, home, text, sizeof(text));
	log_line(k->host.log, LNX_LOG_WARNING,
		 "keys of %s have ended, and no new ones were agreed on: nothing goes until then",
		 text);
	keyclient_renew(k->client, home);
	if (k->server == NULL || !keyd_has_tokens(k))
		return;
	if (k->tokens != NULL)
		tokens_delete(k->tokens, home);
	else
		storage_delete_token(k->host.storage, home);
	k->noted = true;
}

static void keyd_commit(struct keyd *k)
{
	char error[ERROR_MAX] = "";

	if (!k->noted)
		return;
	k->noted = false;
	if (k->tokens == NULL)
		return; /* storage.c does it */
	if (tokens_commit(k->tokens, error, sizeof(error)) != 0)
		log_line(k->host.log, LNX_LOG_WARNING,
			 "%s; after a restart mobile nodes notice it some seconds later", error);
}

static void keyd_on_agent_hint(void *ctx, const struct in6_addr *from, const struct keyhint *h)
{
	struct keyd *k = ctx;

	(void)from;
	(void)h;
	k->tally.dropped[KEYTALLY_HINT_UNKNOWN]++;
}

static void keyd_hint(const struct keyd *k, const struct in6_addr *to, const struct keyhint *h)
{
	struct keyhints *from = IN6_IS_ADDR_V4MAPPED(to) ? k->ipv4_hints : k->agent_hints;

	if (from != NULL)
		keyhints_send(from, to, k->agent_port, h);
}

bool keyd_has_restarted_for(const struct keyd *k, const struct lnx_esp_drop *drop)
{
	return k != NULL && k->server != NULL && !drop->out && drop->why == ESP_NO_SA &&
	       owners_pair(k->host.owners, &drop->home) != NULL;
}

void keyd_esp_drop(struct keyd *k, const struct lnx_esp_drop *drop)
{
	const struct keyhint h = {.kind = KEYHINT_UNKNOWN_SPI,
				  .spi = drop->spi,
				  .sequence = (uint32_t)drop->sequence};
	struct bub_time now;

	if (k == NULL || k->agent_hints == NULL || k->aside || drop->out ||
	    drop->why != ESP_NO_SA || !bub_addr_eq(&drop->dst, &k->host.cfg->engine.ha.address))
		return;
	now = k->host.now();
	if (now.ns / BUB_NS_PER_S != k->second.ns / BUB_NS_PER_S)
		k->spi_hints = 0;
	k->second = now;
	if (k->spi_hints++ < SPI_HINTS_PER_S)
		keyd_hint(k, &drop->src, &h);
}

static void told_on_timer(uv_timer_t *timer);

/* ---- After a restart ----------------------------------------------------------------------- */

static void told_add(struct keyd *k, const struct in6_addr *home, const uint8_t *token,
		     const struct store_end *end)
{
	struct keyd_told *more;

	if ((k->n_told & (k->n_told - 1)) == 0) {
		more = realloc(k->told,
			       (k->n_told == 0 ? 1 : 2 * k->n_told) * sizeof(struct keyd_told));
		if (more == NULL)
			return;
		k->told = more;
	}
	k->told[k->n_told] = (struct keyd_told){.home = *home, .to = *home, .end = *end};
	memcpy(k->told[k->n_told++].token, token, KEYS_TOKEN_LEN);
}

static void told_restore(void *ctx, const struct in6_addr *home, const uint8_t *token,
			 const struct store_end *end)
{
	struct keyd *k = ctx;

	if (owners_pair(k->host.owners, home) != NULL)
		told_add(k, home, token, end);
}

void keyd_client_leaves(struct keyd *k, const struct bub_client_status *client)
{
	const uint8_t *token = k != NULL ? sas_agreed_token(k->host.sas, &client->home) : NULL;
	struct store_end end;
	size_t before;

	if (token == NULL || k->agent_hints == NULL || k->aside || !client->registered)
		return;
	before = k->n_told;
	end = keyd_end_of(k, &client->home);
	told_add(k, &client->home, token, &end);
	if (k->n_told == before)
		return;
	k->told[before].to = client->care_of;
	k->round = 0;
	k->at_told = 0;
	(void)uv_timer_start(&k->told_timer, told_on_timer, 0, 0); /* once its keys are gone */
}

static int told_compare(const void *a, const void *b)
{
	const struct keyd_told *x = a, *y = b;

	return memcmp(&x->home, &y->home, sizeof(x->home));
}

/* Those that are away are told there. */
static void told_find_care_ofs(struct keyd *k)
{
	struct bub_client_status c;

	qsort(k->told, k->n_told, sizeof(*k->told), told_compare);
	for (unsigned at = 0; bub_engine_client_status(k->host.engine, k->host.now(), &at, &c);) {
		const struct keyd_told key = {.home = c.home};
		struct keyd_told *t = bsearch(&key, k->told, k->n_told, sizeof(key), told_compare);

		if (t != NULL && c.registered)
			t->to = c.care_of;
	}
}

static void told_end(struct keyd *k)
{
	if (k->told != NULL)
		explicit_bzero(k->told, k->n_told * sizeof(*k->told));
	free(k->told);
	k->told = NULL;
	k->n_told = 0;
}

/* To the ports of the agreements; and by the way of its data, which a NAT or a firewall lets in. */
static void told_send(const struct keyd *k, const struct keyd_told *t)
{
	struct keyhint h = {.kind = KEYHINT_RESTARTED};
	uint8_t octets[KEYHINT_LEN];

	memcpy(h.token, t->token, sizeof(h.token));
	keyd_hint(k, &t->to, &h);
	if (t->end.port == 0 || *k->host.lnx == NULL)
		return;
	keyhint_encode(&h, octets);
	lnx_hint(*k->host.lnx, &t->end.addr, t->end.port,
		 (struct bub_view){octets, sizeof(octets)});
}

static void told_on_timer(uv_timer_t *timer)
{
	struct keyd *k = timer->data;
	struct sas_agreed_status status;

	for (unsigned n = 0; n < TOLD_AT_ONCE && k->at_told < k->n_told; k->at_told++) {
		const struct keyd_told *t = &k->told[k->at_told];

		if (sas_agreed_status(k->host.sas, &t->home, k->host.now(), &status))
			continue;
		told_send(k, t);
		n++;
	}
	if (k->at_told < k->n_told) {
		(void)uv_timer_start(timer, told_on_timer, TOLD_PAUSE_MS, 0);
	} else if (k->round < TOLD_ROUNDS) {
		k->at_told = 0;
		(void)uv_timer_start(timer, told_on_timer, told_rounds_ms[k->round++], 0);
	} else {
		told_end(k);
	}
}

/* Data of those whose keys are there goes where it went. */
static void told_restore_ends(const struct keyd *k)
{
	for (size_t i = 0; i < k->n_told && *k->host.lnx != NULL; i++)
		if (k->told[i].end.port != 0)
			lnx_udp_restore(*k->host.lnx, &k->told[i].home, &k->told[i].end.addr,
					k->told[i].end.port);
}

/* Of them, those who have to agree anew. */
static size_t told_without_keys(const struct keyd *k)
{
	struct sas_agreed_status status;
	size_t n = 0;

	for (size_t i = 0; i < k->n_told; i++)
		n += !sas_agreed_status(k->host.sas, &k->told[i].home, k->host.now(), &status);
	return n;
}

void keyd_aside(struct keyd *k, bool aside)
{
	if (k == NULL || k->server == NULL)
		return;
	k->aside = aside;
	keyserver_aside(k->server, aside);
	if (!aside)
		return;
	(void)uv_timer_stop(&k->told_timer);
	(void)uv_timer_stop(&k->doubt_timer);
	told_end(k);
}

void keyd_start(struct keyd *k)
{
	char error[ERROR_MAX] = "";
	size_t n = 0;

	if (k->agent_hints == NULL)
		return;
	if (k->tokens != NULL && tokens_each(k->tokens, told_restore, k, error, sizeof(error)) != 0)
		log_line(k->host.log, LNX_LOG_WARNING, "%s", error);
	storage_each_token(k->host.storage, told_restore, k);
	told_restore_ends(k);
	keyd_doubt_begin(k);
	n = told_without_keys(k);
	if (n == 0) {
		told_end(k);
		return;
	}
	told_find_care_ofs(k);
	log_line(k->host.log, LNX_LOG_INFO,
		 "%zu mobile node%s told that keys have to be agreed on anew", n,
		 n == 1 ? " is" : "s are");
	(void)uv_timer_start(&k->told_timer, told_on_timer, 0, 0);
}

void keyd_turn(struct keyd *k)
{
	if (k == NULL)
		return;
	keyd_look_for_silence(k);
	keyd_commit(k);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static int keyd_open_server(struct keyd *k, char *ret_error, size_t error_size)
{
	const struct keyserver_host host = {.loop = k->host.loop,
					    .cfg = k->host.cfg,
					    .owners = k->host.owners,
					    .storage = k->host.storage,
					    .sas = k->host.sas,
					    .log = k->host.log,
					    .tally = &k->tally,
					    .tcp = k->tcp,
					    .now = k->host.now,
					    .random = k->host.random};
	const struct bubd_config *cfg = k->host.cfg;
	char error[ERROR_MAX] = "";

	k->server = keyserver_open(&host, ret_error, error_size);
	if (k->server == NULL)
		return -1;
	k->agent_port = cfg->agent_keys.port;
	k->agent_hints = keyhints_open(k->host.loop, &cfg->engine.ha.address, k->agent_port,
				       &k->tally, keyd_on_agent_hint, k, ret_error, error_size);
	if (k->agent_hints == NULL)
		return -1;
	if (!IN6_IS_ADDR_UNSPECIFIED(&cfg->engine.ha.ipv4_address)) {
		k->ipv4_hints =
			keyhints_open(k->host.loop, &cfg->engine.ha.ipv4_address, k->agent_port,
				      &k->tally, keyd_on_agent_hint, k, ret_error, error_size);
		if (k->ipv4_hints == NULL)
			return -1;
	}
	if (storage_has_tokens(k->host.storage))
		return 0;
	k->tokens = tokens_open(cfg->state_dir, error, sizeof(error));
	if (k->tokens == NULL)
		log_line(k->host.log, LNX_LOG_WARNING, "%s", error);
	return 0;
}

static int keyd_open_client(struct keyd *k, char *ret_error, size_t error_size)
{
	const struct keyclient_host host = {.loop = k->host.loop,
					    .cfg = k->host.cfg,
					    .sas = k->host.sas,
					    .log = k->host.log,
					    .tally = &k->tally,
					    .now = k->host.now,
					    .random = k->host.random,
					    .registers = keyd_registers,
					    .ctx = k};
	const struct bubd_config *cfg = k->host.cfg;
	uint16_t port = KEYS_PORT;

	for (unsigned i = cfg->engine.n_homes; i-- > 0;)
		if (cfg->home_keys[i].there)
			port = cfg->home_keys[i].port;
	k->client = keyclient_open(&host, ret_error, error_size);
	if (k->client == NULL)
		return -1;
	k->mobile_hints = keyhints_open(k->host.loop, &in6addr_any, port, &k->tally,
					keyd_on_mobile_hint, k, ret_error, error_size);
	return k->mobile_hints != NULL ? 0 : -1;
}

static struct keys_context *keyd_identity(void *ctx, const struct in6_addr *home,
					  struct in6_addr *ret_home_agent)
{
	struct keyd *k = ctx;

	return keyclient_identity(k->client, home, ret_home_agent);
}

static void keyd_tcp_take(void *ctx, const struct lnx_tcp *from, struct bub_view packet)
{
	struct keyd *k = ctx;

	k->host.tcp_take(k->host.ctx, from, packet);
}

static int keyd_open_tcp(struct keyd *k, char *ret_error, size_t error_size)
{
	const struct tcpcarrier_host host = {.loop = k->host.loop,
					     .log = k->host.log,
					     .now = k->host.now,
					     .port = k->host.cfg->lnx.tcp_port,
					     .identity = keyd_identity,
					     .registers = keyd_registers,
					     .take = keyd_tcp_take,
					     .ctx = k};

	if (host.port == 0)
		return 0;
	k->tcp = tcpcarrier_new(&host);
	if (k->tcp != NULL)
		return 0;
	(void)snprintf(ret_error, error_size, "out of memory");
	return -1;
}

struct tcpcarrier *keyd_tcp(const struct keyd *k)
{
	return k != NULL ? k->tcp : NULL;
}

struct keyd *keyd_open(const struct keyd_host *host, char *ret_error, size_t error_size)
{
	struct keyd *k = calloc(1, sizeof(*k));
	struct sas_agreed_host sas_host = {
		.ctx = k, .renew = keyd_on_renew, .in_use = keyd_on_in_use, .ended = keyd_on_ended};
	int rc = 0;

	if (k == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	k->host = *host;
	k->tally.log = host->log;
	(void)uv_timer_init(host->loop, &k->told_timer);
	(void)uv_timer_init(host->loop, &k->followed_timer);
	(void)uv_timer_init(host->loop, &k->doubt_timer);
	k->told_timer.data = k->followed_timer.data = k->doubt_timer.data = k;
	sas_agreed_listen(host->sas, &sas_host);
	rc = keyd_open_tcp(k, ret_error, error_size);
	if (rc == 0 && bubd_config_serves_keys(host->cfg))
		rc = keyd_open_server(k, ret_error, error_size);
	if (rc == 0 && keyclient_is_wanted(host->cfg))
		rc = keyd_open_client(k, ret_error, error_size);
	if (rc == 0)
		return k;
	keyd_close(k);
	(void)uv_run(host->loop, UV_RUN_NOWAIT);
	keyd_free(k);
	return NULL;
}

int keyd_reload(struct keyd *k, char *ret_error, size_t error_size)
{
	if (k->client != NULL && keyclient_reload(k->client, ret_error, error_size) != 0)
		return -1;
	if (k->server != NULL)
		return keyserver_reload(k->server, ret_error, error_size);
	if (!bubd_config_serves_keys(k->host.cfg))
		return 0;
	return keyd_open_server(k, ret_error, error_size);
}

void keyd_close(struct keyd *k)
{
	if (k == NULL)
		return;
	keyclient_close(k->client);
	keyserver_close(k->server);
	tcpcarrier_close(k->tcp);
	keyhints_close(k->mobile_hints);
	keyhints_close(k->agent_hints);
	keyhints_close(k->ipv4_hints);
	if (!uv_is_closing((uv_handle_t *)&k->told_timer))
		uv_close((uv_handle_t *)&k->told_timer, NULL);
	if (!uv_is_closing((uv_handle_t *)&k->followed_timer))
		uv_close((uv_handle_t *)&k->followed_timer, NULL);
	if (!uv_is_closing((uv_handle_t *)&k->doubt_timer))
		uv_close((uv_handle_t *)&k->doubt_timer, NULL);
}

void keyd_free(struct keyd *k)
{
	struct sas_agreed_host nobody = {0};

	if (k == NULL)
		return;
	sas_agreed_listen(k->host.sas, &nobody);
	keyclient_free(k->client);
	keyserver_free(k->server);
	tcpcarrier_free(k->tcp);
	keyhints_free(k->mobile_hints);
	keyhints_free(k->agent_hints);
	keyhints_free(k->ipv4_hints);
	tokens_close(k->tokens);
	told_end(k);
	free(k);
}
