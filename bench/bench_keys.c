/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an agreement on keys costs in processor time, both ends apart, and how much memory a session
 * takes while it waits, by each kind of identity; and what agreed keys take at a home agent for
 * each mobile node.
 *
 * As in a daemon the contexts are made once.  The ends take turns in one thread, so that what each
 * has used is known; the network's time is not in it.
 */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keys.h"
#include "keys_make.h"
#include "sas.h"

#define AGREEMENTS 500
#define SESSIONS 200
#define MOBILE_NODES 10000u
#define WALL 1800000000
#define DAY 86400

static struct keys_made mn_made, ha_made;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	exit(1);
}

static struct keys_octets pem_of(const char *text)
{
	return (struct keys_octets){.data = (const uint8_t *)text, .len = strlen(text)};
}

static size_t bench_psk(void *user, const char *name, uint8_t ret_secret[static KEYS_SECRET_MAX])
{
	(void)user;
	(void)name;
	memset(ret_secret, 7, 32);
	return 32;
}

static bool bench_pinned(void *user, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	(void)user;
	return memcmp(fingerprint, mn_made.fingerprint, KEYS_FINGERPRINT_LEN) == 0;
}

static enum keys_reason bench_grant(void *user, const struct keys_request *req,
				    struct keys_grant *ret_grant)
{
	(void)user;
	*ret_grant = (struct keys_grant){.home = req->home,
					 .home_agent = req->home_agent,
					 .spi_transport = 8193,
					 .spi_tunnel = 8194,
					 .lifetime_s = 28800};
	return KEYS_OK;
}

static const struct keys_server_ops ops = {
	.psk = bench_psk, .pinned = bench_pinned, .grant = bench_grant};

struct ends {
	struct keys_context *mn, *ha;
	struct keys_client_params ask;
	struct keys_server_params serve;
};

static void ends_init(struct ends *e, bool by_psk)
{
	static const uint8_t secret[32] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
					   7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
	struct keys_client_config mn = {.has_fingerprint = true};
	struct keys_server_config ha = {.ops = &ops};
	char why[KEYS_TEXT_MAX] = "";

	ha.trust.certificate = pem_of(ha_made.certificate);
	ha.trust.key = pem_of(ha_made.key);
	memcpy(mn.fingerprint, ha_made.fingerprint, KEYS_FINGERPRINT_LEN);
	if (by_psk) {
		mn.secret = (struct keys_octets){.data = secret, .len = sizeof(secret)};
	} else {
		mn.trust.certificate = pem_of(mn_made.certificate);
		mn.trust.key = pem_of(mn_made.key);
	}
	e->mn = keys_client_context_new(&mn, why);
	e->ha = keys_server_context_new(&ha, why);
	must(e->mn != NULL && e->ha != NULL, why);
	e->ask = (struct keys_client_params){
		.wall_s = WALL, .spi_transport = 4097, .spi_tunnel = 4098};
	must(inet_pton(AF_INET6, "2001:db8:1::5", &e->ask.home) == 1 &&
		     inet_pton(AF_INET6, "2001:db8:1::1", &e->ask.home_agent) == 1,
	     "no address");
	e->serve = (struct keys_server_params){.wall_s = WALL};
}

static double cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Steps @s and gives what it sends to @to; returns how many octets that were. */
static size_t turn(struct keys_session *s, struct keys_session *to, double *spent_us)
{
	static uint8_t octets[KEYS_INPUT_MAX];
	const double from = cpu_us();
	size_t n = 0, got = 0;

	(void)keys_step(s, (struct bub_time){1});
	while ((got = keys_take(s, octets + n, sizeof(octets) - n)) > 0)
		n += got;
	*spent_us += cpu_us() - from;
	keys_feed(to, octets, n);
	return n;
}

static void agree(const struct ends *e, double spent_us[2], size_t sent[2])
{
	double from = cpu_us();
	struct keys_session *mn = keys_client_new(e->mn, &e->ask), *ha = NULL;
	bool more = true;

	spent_us[0] += cpu_us() - from;
	from = cpu_us();
	ha = keys_server_new(e->ha, &e->serve);
	spent_us[1] += cpu_us() - from;
	must(mn != NULL && ha != NULL, "out of memory");
	while (more) {
		const size_t up = turn(mn, ha, &spent_us[0]), down = turn(ha, mn, &spent_us[1]);

		sent[0] += up;
		sent[1] += down;
		more = up > 0 || down > 0;
	}
	must(keys_state_of(mn) == KEYS_AGREED && keys_state_of(ha) == KEYS_AGREED, "not agreed");
	from = cpu_us();
	keys_session_free(mn);
	spent_us[0] += cpu_us() - from;
	from = cpu_us();
	keys_session_free(ha);
	spent_us[1] += cpu_us() - from;
}

static void measure(const char *name, const struct ends *e)
{
	double spent_us[2] = {0};
	size_t sent[2] = {0};

	agree(e, spent_us, sent); /* libcrypto fetches its algorithms */
	memset(spent_us, 0, sizeof(spent_us));
	memset(sent, 0, sizeof(sent));
	for (unsigned i = 0; i < AGREEMENTS; i++)
		agree(e, spent_us, sent);
	(void)printf("%-22s mobile node %4.0f us, %4zu octets; home agent %4.0f us, %4zu octets\n",
		     name, spent_us[0] / AGREEMENTS, sent[0] / AGREEMENTS, spent_us[1] / AGREEMENTS,
		     sent[1] / AGREEMENTS);
}

/* A home agent that has answered the first message, and waits for what never comes. */
static void measure_memory(const char *name, const struct ends *e)
{
	struct keys_session *ha[SESSIONS];
	double spent_us = 0;
	size_t before = 0;

	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct keys_session *mn = keys_client_new(e->mn, &e->ask);

		ha[i] = keys_server_new(e->ha, &e->serve);
		must(mn != NULL && ha[i] != NULL, "out of memory");
		(void)turn(mn, ha[i], &spent_us);
		(void)turn(ha[i], mn, &spent_us);
		keys_session_free(mn);
	}
	(void)printf("%-22s half-open at the home agent: %zu kB\n", name,
		     (mallinfo2().uordblks - before) / SESSIONS / 1024);
	for (unsigned i = 0; i < SESSIONS; i++)
		keys_session_free(ha[i]);
}

static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	must(file != NULL && fscanf(file, "%*s %ld", &pages) == 1, "no statm");
	(void)fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

/* The @round'th keys of the @n'th mobile node, as its home agent has them. */
static struct sas_agreed keys_of(uint32_t n, uint32_t round)
{
	struct sas_agreed a = {
		.home = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
		.home_agent = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8}},
		.at_home_agent = true,
		.lifetime_s = 28800,
	};

	memcpy(a.home.s6_addr + 8, &n, sizeof(n));
	for (uint32_t i = 0; i < ESP_SET_COUNT; i++) {
		const bool up = i == ESP_SET_TRANSPORT_UP || i == ESP_SET_TUNNEL_UP;
		struct esp_sa_params *p = &a.set[i];

		*p = (struct esp_sa_params){
			.spi = 0x1000 + ESP_SET_COUNT * (n + MOBILE_NODES * round) + i,
			.direction = up ? ESP_IN : ESP_OUT,
			.mode = i >= ESP_SET_TUNNEL_UP ? ESP_TUNNEL : ESP_TRANSPORT,
			.covers = i >= ESP_SET_TUNNEL_UP ? ESP_CLASS_PAYLOAD : ESP_CLASS_BINDING,
			.alg = ESP_AES_128_GCM,
		};
		memcpy(p->enc_key, &p->spi, sizeof(p->spi));
	}
	return a;
}

/* As a daemon has them: there is room for every mobile node from the start, which costs nothing
 * before it is used. */
static void measure_mobile_nodes(void)
{
	struct bubd_pair pair = {.at_home_agent = true, .keys = BUBD_KEYS_PSK, .secret_len = 32};
	static struct bubd_config cfg;
	char error[256] = "";
	long before = resident(), now = 0;
	struct sas *sas = NULL;

	cfg.pairs = &pair;
	cfg.n_pairs = 1;
	cfg.engine.ha.enabled = true;
	cfg.engine.limit.clients = MOBILE_NODES;
	sas = sas_new(&cfg, NULL, (struct bub_time){1}, error, sizeof(error));
	must(sas != NULL, error);
	(void)printf("%u mobile nodes        room for all: %.1f kB each", MOBILE_NODES,
		     (double)(resident() - before) / MOBILE_NODES / 1024);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t n = 0; n < MOBILE_NODES; n++) {
			const struct sas_agreed a = keys_of(n, round);

			must(sas_agreed_add(sas, &a, (struct bub_time){1}, error, sizeof(error)) ==
				     0,
			     error);
		}
		now = resident();
		(void)printf("; %s: %.1f kB each", round == 0 ? "with keys" : "while renewed",
			     (double)(now - before) / MOBILE_NODES / 1024);
	}
	(void)putchar('\n');
	must(sas_free(sas, error, sizeof(error)) == 0, error);
}

int main(void)
{
	struct ends psk, certificates;

	must(keys_make("mobile node", WALL - DAY, WALL + DAY, &mn_made) &&
		     keys_make("home agent", WALL - DAY, WALL + DAY, &ha_made),
	     "no certificates");
	ends_init(&psk, true);
	ends_init(&certificates, false);
	measure("pre-shared key", &psk);
	measure("certificates (P-256)", &certificates);
	measure_memory("pre-shared key", &psk);
	measure_memory("certificates (P-256)", &certificates);
	measure_mobile_nodes();
	keys_context_free(psk.mn);
	keys_context_free(psk.ha);
	keys_context_free(certificates.mn);
	keys_context_free(certificates.ha);
	return 0;
}
