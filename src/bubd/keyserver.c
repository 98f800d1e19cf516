/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See keyserver.h.  Owns who may have which home address, and the order: new SAs are there before
 * the answer leaves that tells of them.
 */
#include "keyserver.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "keyconn.h"
#include "keyflood.h"
#include "keys_identity.h"
#include "keysocket.h"
#include "owners.h"
#include "storage.h"
#include "tcpcarrier.h"

#define BACKLOG 256

struct keyserver {
	struct keyserver_host host;
	/* At the IPv6 address and, where there is one, the IPv4 address; NULL: none.  Their memory
	 * goes when they have closed. */
	uv_tcp_t *listener[2];
	uv_tcp_t *tcp_listener[2]; /* for streams, and for keys where their port is blocked */
	uint16_t port;
	struct keys_context *ctx;
	bool aside; /* another home agent of the group serves */
	struct keyflood flood;
	struct keyconn *conn[KEYFLOOD_MAX];
};

/* What is known of one connection. */
struct keyserver_user {
	struct keyserver *s;
	struct in6_addr peer, home; /* home: that it has named; :: none */
	bool spoke;                 /* octets came */
};

static struct in6_addr peer_of(const uv_tcp_t *tcp)
{
	struct sockaddr_storage from = {0};
	struct sockaddr_in6 in6 = {0};
	int len = sizeof(from);

	if (uv_tcp_getpeername(tcp, (struct sockaddr *)&from, &len) == 0 &&
	    from.ss_family == AF_INET6)
		memcpy(&in6, &from, sizeof(in6));
	return in6.sin6_addr;
}

/* ---- Who may have what --------------------------------------------------------------------- */

static size_t keyserver_psk(void *user, const char *name,
			    uint8_t ret_secret[static KEYS_SECRET_MAX])
{
	struct keyserver_user *u = user;
	const struct bubd_pair *pair = NULL;
	struct in6_addr home;

	if (inet_pton(AF_INET6, name, &home) == 1) {
		u->home = home;
		pair = owners_pair(u->s->host.owners, &home);
	}
	if (pair == NULL || pair->keys != BUBD_KEYS_PSK)
		return 0;
	memcpy(ret_secret, pair->secret, pair->secret_len);
	return pair->secret_len;
}

static bool keyserver_pinned(void *user, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	const struct keyserver_user *u = user;

	return owners_is_pinned(u->s->host.owners, fingerprint);
}

static const struct bubd_pair *pair_for(const struct keyserver_user *u,
					const struct keys_request *req)
{
	struct owners *owners = u->s->host.owners;
	const struct bubd_pair *pair = NULL;

	if (IN6_IS_ADDR_UNSPECIFIED(&req->home))
		return owners_find(owners, req->who);
	/* After renumbering a certificate is for the address that is written, and the name of a
	 * pre-shared key is the new one. */
	pair = owners_pair(owners, &req->home);
	return pair != NULL && (owners_is_of(pair, &pair->home, req->who) ||
				owners_is_of(pair, &req->home, req->who))
		       ? pair
		       : NULL;
}

static uint32_t choose_spi(const struct keyserver *s)
{
	uint32_t lot;

	s->host.random(NULL, (uint8_t *)&lot, sizeof(lot));
	return keys_spi(lot, sas_has_spi, s->host.sas);
}

static enum keys_reason keyserver_grant(void *user, const struct keys_request *req,
					struct keys_grant *ret_grant)
{
	struct keyserver_user *u = user;
	struct keyserver *s = u->s;
	const struct bubd_key_settings *settings = &s->host.cfg->agent_keys;
	const struct bub_ha_config *ha = &s->host.cfg->engine.ha;
	const struct bubd_pair *pair = pair_for(u, req);
	struct keys_grant g = {0};

	if (!storage_is_ready(s->host.storage))
		return KEYS_BUSY;
	g.home = req->home;
	if (IN6_IS_ADDR_UNSPECIFIED(&g.home) && pair != NULL)
		g.home = pair->home;
	if (!IN6_IS_ADDR_UNSPECIFIED(&g.home))
		u->home = g.home;
	if (pair == NULL || !owners_serve(s->host.owners, &g.home) ||
	    (!IN6_IS_ADDR_UNSPECIFIED(&req->home_agent) &&
	     !bub_addr_eq(&req->home_agent, &ha->address)))
		return KEYS_HOME_NOT_PERMITTED;
	g.home_agent = ha->address;
	for (unsigned i = 0; i < ha->n_prefixes; i++) {
		if (!bub_addr_in_prefix(&g.home, &ha->prefix[i].prefix, ha->prefix[i].len))
			continue;
		g.prefix = ha->prefix[i].prefix;
		g.prefix_len = ha->prefix[i].len;
	}
	g.spi_transport = choose_spi(s);
	do
		g.spi_tunnel = choose_spi(s);
	while (g.spi_tunnel == g.spi_transport);
	/* The kernel's numbers are not stored: keys that outlive this process are none of those. */
	while (req->spi_payload != 0 && !s->host.cfg->store.keeps_keys &&
	       (g.spi_payload == 0 || g.spi_payload == g.spi_transport ||
		g.spi_payload == g.spi_tunnel))
		g.spi_payload = choose_spi(s);
	g.lifetime_s = settings->lifetime_s;
	g.octets = (uint64_t)settings->megabytes << 20;
	g.has_token = true;
	s->host.random(NULL, g.token, sizeof(g.token));
	*ret_grant = g;
	return KEYS_OK;
}

/* Before the answer leaves: a mobile node that hears yes sends under these keys at once. */
static enum keys_reason keyserver_take(void *user, const struct keys_agreed *a,
				       char ret_why[static KEYS_TEXT_MAX])
{
	const struct keyserver_user *u = user;
	const struct keyserver_host *host = &u->s->host;
	struct sas_agreed keys = {
		.home = a->grant.home,
		.home_agent = a->grant.home_agent,
		.at_home_agent = true,
		.lifetime_s = a->grant.lifetime_s,
		.octets = a->grant.octets,
	};
	int rc;

	memcpy(keys.set, a->set, sizeof(keys.set));
	keys.set_count = a->set_count;
	memcpy(keys.token, a->grant.token, sizeof(keys.token));
	rc = sas_agreed_add(host->sas, &keys, host->now(), ret_why, KEYS_TEXT_MAX);
	explicit_bzero(&keys, sizeof(keys));
	return rc == 0 ? KEYS_OK : KEYS_INTERNAL;
}

static const struct keys_server_ops keyserver_ops = {.psk = keyserver_psk,
						     .pinned = keyserver_pinned,
						     .grant = keyserver_grant,
						     .take = keyserver_take};

/* ---- Connections --------------------------------------------------------------------------- */

static void keyserver_agreed(const struct keyserver_user *u, const struct keys_agreed *a)
{
	const struct keyserver_host *host = &u->s->host;
	char home[INET6_ADDRSTRLEN] = "", peer[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(AF_INET6, &a->grant.home, home, sizeof(home));
	(void)inet_ntop(AF_INET6, &u->peer, peer, sizeof(peer));
	log_line(host->log, LNX_LOG_INFO, "keys of %s agreed with %s (%s): %s, for %u s", home,
		 peer, a->peer, keys_suite_name(a->alg), a->grant.lifetime_s);
	keytally_agreed(host->tally, &a->grant.home);
}

/* Octets cost, a connection that says nothing does not. */
static struct keys_session *keyserver_on_octets(void *ctx, struct keyconn *c)
{
	struct keyserver *s = ctx;
	struct keyserver_user *u = c->user;
	const struct keys_server_params p = {.now = s->host.now(),
					     .wall_s = time(NULL),
					     .user = u,
					     .streams = s->host.tcp != NULL};

	u->spoke = true;
	if (keyflood_spend(&s->flood, &u->peer, p.now))
		return keys_server_new(s->ctx, &p);
	s->host.tally->dropped[KEYTALLY_RATE]++;
	return NULL;
}

static void keyserver_leave(struct keyserver *s, struct keyconn *c)
{
	if (c->slot == KEYFLOOD_NONE || s->conn[c->slot] != c)
		return;
	s->conn[c->slot] = NULL;
	keyflood_leave(&s->flood, c->slot);
	c->slot = KEYFLOOD_NONE;
}

/* What is proved and stays has its own limits. */
static void keyserver_give(struct keyserver *s, struct keyconn *c)
{
	struct keyserver_user *u = c->user;

	keyserver_leave(s, c);
	if (tcpcarrier_accept(s->host.tcp, c)) {
		free(u);
		return;
	}
	s->host.tally->dropped[KEYTALLY_FULL]++;
	keyconn_close(c);
}

static void keyserver_on_progress(void *ctx, struct keyconn *c, enum keys_state state)
{
	struct keyserver *s = ctx;
	struct keyserver_user *u = c->user;

	if (c->slot != KEYFLOOD_NONE && keys_proved(c->session))
		keyflood_proved(&s->flood, c->slot);
	if (state == KEYS_STREAMING)
		keyserver_give(s, c);
	else if (state == KEYS_AGREED)
		keyserver_agreed(u, keys_agreed_of(c->session));
	else if (state == KEYS_FAILED)
		keytally_failed(s->host.tally, &u->home, &u->peer, keys_failure_of(c->session),
				s->host.now(), true);
}

static void keyserver_on_gone(void *ctx, struct keyconn *c)
{
	struct keyserver *s = ctx;
	struct keyserver_user *u = c->user;

	if (c->slot != KEYFLOOD_NONE && s->conn[c->slot] == c)
		s->host.tally->dropped[KEYTALLY_SILENT] += !u->spoke;
	keyserver_leave(s, c);
	free(u);
}

/* Room for @c; false: there is none. */
static bool keyserver_enter(struct keyserver *s, struct keyconn *c, const struct in6_addr *from)
{
	uint32_t gone;

	if (!keyflood_enter(&s->flood, from, &c->slot, &gone)) {
		c->slot = KEYFLOOD_NONE;
		s->host.tally->dropped[KEYTALLY_FULL]++;
		return false;
	}
	if (gone != KEYFLOOD_NONE) {
		s->host.tally->dropped[KEYTALLY_OLDEST]++;
		s->conn[gone]->slot = KEYFLOOD_NONE;
		keyconn_close(s->conn[gone]);
	}
	s->conn[c->slot] = c;
	return true;
}

static void keyserver_begin(struct keyserver *s, struct keyconn *c, struct keyserver_user *u)
{
	u->s = s;
	u->peer = peer_of(&c->tcp);
	s->host.tally->dropped[KEYTALLY_ASIDE] += s->aside;
	if (!s->aside && keyserver_enter(s, c, &u->peer))
		keyconn_accepted(c, KEYS_TIMEOUT_MS);
	else
		keyconn_close(c);
}

static void keyserver_on_connection(uv_stream_t *listener, int status)
{
	struct keyserver *s = listener->data;
	const struct keyconn_host host = {.ctx = s,
					  .now = s->host.now,
					  .begin = keyserver_on_octets,
					  .progress = keyserver_on_progress,
					  .gone = keyserver_on_gone};
	struct keyserver_user *u = status == 0 ? calloc(1, sizeof(*u)) : NULL;
	struct keyconn *c = u != NULL ? keyconn_new(s->host.loop, &host, u) : NULL;

	if (c == NULL) {
		free(u);
		return;
	}
	c->slot = KEYFLOOD_NONE;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) == 0)
		keyserver_begin(s, c, u);
	else
		keyconn_close(c);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void keyserver_free_listener(uv_handle_t *handle)
{
	free(handle);
}

static void keyserver_stop_listening(uv_tcp_t *listener)
{
	if (listener != NULL && !uv_is_closing((uv_handle_t *)listener))
		uv_close((uv_handle_t *)listener, keyserver_free_listener);
}

static int keyserver_listen_at(struct keyserver *s, const struct in6_addr *address, uint16_t port,
			       uv_tcp_t **ret_listener)
{
	uv_tcp_t *listener = calloc(1, sizeof(*listener));
	int fd = -1;
	int err = listener != NULL ? keysocket_open(SOCK_STREAM, address, port, &fd) : UV_ENOMEM;

	if (err == 0)
		err = uv_tcp_init(s->host.loop, listener);
	if (err != 0) {
		if (fd >= 0)
			(void)close(fd);
		free(listener);
		return err;
	}
	listener->data = s;
	err = uv_tcp_open(listener, fd);
	if (err != 0)
		(void)close(fd);
	else
		err = uv_listen((uv_stream_t *)listener, BACKLOG, keyserver_on_connection);
	if (err == 0)
		*ret_listener = listener;
	else
		keyserver_stop_listening(listener);
	return err;
}

static int keyserver_listen(struct keyserver *s, uint16_t port, uv_tcp_t **set)
{
	const struct bub_ha_config *ha = &s->host.cfg->engine.ha;
	uv_tcp_t *listener[2] = {NULL, NULL};
	int err = keyserver_listen_at(s, &ha->address, port, &listener[0]);

	if (err == 0 && !IN6_IS_ADDR_UNSPECIFIED(&ha->ipv4_address))
		err = keyserver_listen_at(s, &ha->ipv4_address, port, &listener[1]);
	if (err != 0) {
		keyserver_stop_listening(listener[0]);
		return err;
	}
	for (unsigned i = 0; i < 2; i++) {
		keyserver_stop_listening(set[i]);
		set[i] = listener[i];
	}
	return 0;
}

int keyserver_reload(struct keyserver *s, char *ret_error, size_t error_size)
{
	const struct bubd_key_settings *settings = &s->host.cfg->agent_keys;
	char address[INET6_ADDRSTRLEN] = "", why[KEYS_TEXT_MAX] = "";
	struct keys_context *ctx;
	uint8_t decoy[32];
	int err = 0;

	s->host.random(NULL, decoy, sizeof(decoy));
	ctx = bubd_config_server_keys(settings, &keyserver_ops, decoy, why);
	if (ctx == NULL) {
		(void)snprintf(ret_error, error_size, "keys: %s", why);
		return -1;
	}
	if (settings->port != s->port)
		err = keyserver_listen(s, settings->port, s->listener);
	if (err != 0) {
		keys_context_free(ctx);
		(void)inet_ntop(AF_INET6, &s->host.cfg->engine.ha.address, address,
				sizeof(address));
		(void)snprintf(ret_error, error_size, "keys: cannot listen at %s, TCP port %u: %s",
			       address, settings->port, uv_strerror(err));
		return -1;
	}
	s->port = settings->port;
	keys_context_free(s->ctx);
	s->ctx = ctx;
	return 0;
}

static int keyserver_open_tcp(struct keyserver *s, char *ret_error, size_t error_size)
{
	const uint16_t port = s->host.cfg->lnx.tcp_port;
	char address[INET6_ADDRSTRLEN] = "";
	int err = 0;

	if (s->host.tcp == NULL || port == s->port)
		return 0;
	err = keyserver_listen(s, port, s->tcp_listener);
	if (err == 0)
		return 0;
	(void)inet_ntop(AF_INET6, &s->host.cfg->engine.ha.address, address, sizeof(address));
	(void)snprintf(ret_error, error_size, "tcp-port: cannot listen at %s, TCP port %u: %s",
		       address, port, uv_strerror(err));
	return -1;
}

struct keyserver *keyserver_open(const struct keyserver_host *host, char *ret_error,
				 size_t error_size)
{
	struct keyserver *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)snprintf(ret_error, error_size, "out of memory");
		return NULL;
	}
	s->host = *host;
	s->host.random(NULL, (uint8_t *)&s->flood.seed, sizeof(s->flood.seed));
	if (keyserver_reload(s, ret_error, error_size) == 0 &&
	    keyserver_open_tcp(s, ret_error, error_size) == 0)
		return s;
	keyserver_close(s);
	keyserver_free(s);
	return NULL;
}

static void keyserver_end_all(struct keyserver *s)
{
	for (unsigned i = 0; i < KEYFLOOD_MAX; i++)
		if (s->conn[i] != NULL)
			keyconn_close(s->conn[i]);
}

void keyserver_aside(struct keyserver *s, bool aside)
{
	s->aside = aside;
	if (aside)
		keyserver_end_all(s);
}

void keyserver_close(struct keyserver *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < 2; i++) {
		keyserver_stop_listening(s->listener[i]);
		keyserver_stop_listening(s->tcp_listener[i]);
		s->listener[i] = s->tcp_listener[i] = NULL;
	}
	keyserver_end_all(s);
}

void keyserver_free(struct keyserver *s)
{
	if (s == NULL)
		return;
	keys_context_free(s->ctx);
	free(s);
}

bool keyserver_own(const struct keyserver *s, struct keys_own *ret)
{
	keys_context_own(s->ctx, ret);
	return ret->has_certificate;
}
