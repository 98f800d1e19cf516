/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SAs of both ends, made from configurations: what one seals the other opens, and numbers go on
 * after a crash, after a clean exit and after a change of the home agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sas.h"

static const struct bub_time t0 = {1000 * BUB_NS_PER_S};

struct end {
	char dir[64];
	struct bubd_config cfg;
	struct bubd_pair pair;
	struct sas *sas;
};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void start(struct end *e)
{
	char error[256] = "";

	e->sas = sas_new(&e->cfg, NULL, t0, error, sizeof(error));
	if (e->sas == NULL || sas_commit(e->sas, t0, error, sizeof(error)) != 0)
		fail_msg("%s", error);
}

static void finish(struct end *e)
{
	char error[256] = "";

	assert_int_equal(sas_free(e->sas, error, sizeof(error)), 0);
	e->sas = NULL;
}

static void make(struct end *e, const char *home_agent, bool at_home_agent)
{
	memset(e, 0, sizeof(*e));
	(void)snprintf(e->dir, sizeof(e->dir), "/tmp/bub-sas-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	e->pair.home = addr("2001:db8:1::10");
	e->pair.home_agent = addr(home_agent);
	e->pair.at_home_agent = at_home_agent;
	e->pair.secret_len = 32;
	memset(e->pair.secret, 0x5a, 32);
	e->cfg.pairs = &e->pair;
	e->cfg.n_pairs = 1;
	(void)snprintf(e->cfg.state_dir, sizeof(e->cfg.state_dir), "%s", e->dir);
	start(e);
}

static void in_folder(const struct end *e, const char *words)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "cd %s && %s", e->dir, words);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

/* Leaves the file as it is: what a crash does.  The lock goes with the process, so here the exit is
 * a clean one, and what it has written is undone. */
static void crash(struct end *e)
{
	in_folder(e, "cp esp.mdb saved");
	(void)sas_free(e->sas, NULL, 0);
	in_folder(e, "cat saved > esp.mdb && rm saved");
	start(e);
}

/* The disk takes nothing more, or as much as before. */
static void fill_disk(bool full)
{
	struct rlimit limit;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 0 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void destroy(struct end *e)
{
	if (e->sas != NULL)
		finish(e);
	in_folder(e, "rm -r $PWD");
}

/* A packet through the tunnel from @a to @b; returns what @b says, and its number. */
static enum esp_result carry(struct end *a, struct end *b, uint32_t *ret_sequence)
{
	static const uint8_t inner[48] = {0x60, 0, 0, 0, 0, 8, 59, 64};
	static uint8_t counter;
	uint8_t iv[16] = {++counter};
	uint8_t wire[256];
	uint8_t out[256];
	struct esp_opened opened;
	struct in6_addr home = addr("2001:db8:1::10");
	struct in6_addr src = addr("2001:db8:a::1");
	struct in6_addr dst = addr("2001:db8:b::1");
	struct esp_sa *sa =
		esp_sad_find_out(sas_database(a->sas), &home, ESP_TUNNEL, ESP_CLASS_PAYLOAD);
	size_t len = 0;

	assert_non_null(sa);
	assert_int_equal(
		esp_seal_tunnel(sa, &src, &dst, inner, sizeof(inner), iv, wire, sizeof(wire), &len),
		ESP_OK);
	*ret_sequence = (uint32_t)wire[44] << 24 | (uint32_t)wire[45] << 16 |
			(uint32_t)wire[46] << 8 | wire[47];
	return esp_open(sas_database(b->sas), wire, len, 6, 40, out, sizeof(out), &opened);
}

static void both_ends_understand_each_other(void **state)
{
	struct end mn;
	struct end ha;
	uint32_t sequence = 0;

	(void)state;
	make(&mn, "2001:db8:1::1", false);
	make(&ha, "2001:db8:1::1", true);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_int_equal(sequence, 1);
	assert_int_equal(carry(&ha, &mn, &sequence), ESP_OK);
	assert_int_equal(sequence, 1);
	destroy(&mn);
	destroy(&ha);
}

static void numbers_go_on(void **state)
{
	struct end mn;
	struct end ha;
	uint32_t sequence = 0;

	(void)state;
	make(&mn, "2001:db8:1::1", false);
	make(&ha, "2001:db8:1::1", true);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	finish(&mn);
	start(&mn);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_int_equal(sequence, 6); /* a clean exit loses none */
	crash(&mn);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_true(sequence > 6); /* and a crash repeats none */
	finish(&ha);
	start(&ha);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	destroy(&mn);
	destroy(&ha);
}

static void a_restarted_receiver_remembers(void **state)
{
	struct end mn;
	struct end again;
	struct end ha;
	uint32_t sequence = 0;

	(void)state;
	make(&mn, "2001:db8:1::1", false);
	make(&again, "2001:db8:1::1", false); /* sends the same numbers: a replay */
	make(&ha, "2001:db8:1::1", true);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	finish(&ha);
	start(&ha);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(carry(&again, &ha, &sequence), ESP_REPLAY);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	destroy(&mn);
	destroy(&again);
	destroy(&ha);
}

static int use(struct end *mn, const char *home_agent)
{
	struct in6_addr home = addr("2001:db8:1::10");
	struct in6_addr agent = addr(home_agent);
	char error[256] = "";

	if (sas_use_home_agent(mn->sas, &mn->cfg, &home, &agent, t0, error, sizeof(error)) != 0)
		return -1;
	return sas_commit(mn->sas, t0, error, sizeof(error));
}

static void discovered_home_agents(void **state)
{
	struct in6_addr home = addr("2001:db8:1::10");
	struct end mn;
	struct end ha1;
	struct end ha2;
	uint32_t sequence = 0;

	(void)state;
	make(&mn, "::", false);
	make(&ha1, "2001:db8:1::1", true);
	make(&ha2, "2001:db8:1::2", true);
	assert_null(esp_sad_find_out(sas_database(mn.sas), &home, ESP_TUNNEL, ESP_CLASS_PAYLOAD));
	assert_int_equal(use(&mn, "2001:db8:1::1"), 0);
	assert_int_equal(carry(&mn, &ha1, &sequence), ESP_OK);
	assert_int_equal(use(&mn, "2001:db8:1::2"), 0);
	assert_int_equal(carry(&mn, &ha2, &sequence), ESP_OK);
	assert_int_equal(sequence, 1); /* an SA of its own */
	assert_int_equal(carry(&ha2, &mn, &sequence), ESP_OK);
	/* Back to the first, twice: its numbers go on. */
	assert_int_equal(use(&mn, "2001:db8:1::1"), 0);
	assert_int_equal(use(&mn, "2001:db8:1::1"), 0);
	assert_int_equal(carry(&mn, &ha1, &sequence), ESP_OK);
	assert_int_equal(sequence, 2);
	assert_int_equal(carry(&ha1, &mn, &sequence), ESP_OK);
	finish(&mn);
	start(&mn);
	assert_int_equal(use(&mn, "2001:db8:1::1"), 0);
	assert_int_equal(carry(&mn, &ha1, &sequence), ESP_OK);
	assert_int_equal(sequence, 3);
	destroy(&mn);
	destroy(&ha1);
	destroy(&ha2);
}

static void changes_of_home_agent_are_bounded(void **state)
{
	char agent[32];
	struct end mn;
	unsigned n = 0;

	(void)state;
	make(&mn, "::", false);
	while (n < 1000) /* two, again and again */
		assert_int_equal(use(&mn, n++ % 2 == 0 ? "2001:db8:1::1" : "2001:db8:1::2"), 0);
	n = 0;
	do
		(void)snprintf(agent, sizeof(agent), "2001:db8:1::%x", ++n);
	while (n < 1000 && use(&mn, agent) == 0);
	assert_true(n >= 10);
	assert_true(n < 1000); /* an error, not a crash */
	destroy(&mn);
}

static void a_configured_home_agent_stays(void **state)
{
	struct end mn;
	struct end ha;
	uint32_t sequence = 0;

	(void)state;
	make(&mn, "2001:db8:1::1", false);
	make(&ha, "2001:db8:1::1", true);
	assert_int_equal(use(&mn, "2001:db8:1::1"), 0);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	destroy(&mn);
	destroy(&ha);
}

/* What sas_check() has said. */
struct said {
	unsigned good;
	unsigned bad;
	char last[512];
};

static void note_line(void *ctx, bool good, const char *text)
{
	struct said *said = ctx;

	*(good ? &said->good : &said->bad) += 1;
	(void)snprintf(said->last, sizeof(said->last), "%s", text);
}

static bool check(struct end *e, struct said *said)
{
	const struct sas_listener listener = {.ctx = said, .line = note_line};

	return sas_check(e->sas, t0, &listener);
}

static struct esp_sa *tunnel_of(struct end *e, struct in6_addr home)
{
	struct esp_sa *sa =
		esp_sad_find_out(sas_database(e->sas), &home, ESP_TUNNEL, ESP_CLASS_PAYLOAD);

	assert_non_null(sa);
	return sa;
}

/* Seals a packet in the tunnel of @home, into 256 octets at @wire. */
static enum esp_result seal_to(struct end *e, struct in6_addr home, uint64_t *ret_sequence,
			       uint8_t *wire, size_t *ret_len)
{
	static const uint8_t inner[48] = {0x60, 0, 0, 0, 0, 8, 59, 64};
	static const uint8_t iv[16];
	struct in6_addr agent = addr("2001:db8:1::1");
	struct esp_sa *sa = tunnel_of(e, home);
	struct esp_sa_status status;
	enum esp_result r =
		esp_seal_tunnel(sa, &agent, &home, inner, sizeof(inner), iv, wire, 256, ret_len);

	esp_sa_get_status(sa, &status);
	*ret_sequence = status.sequence;
	return r;
}

static enum esp_result seal(struct end *e, struct in6_addr home, uint64_t *ret_sequence)
{
	uint8_t wire[256];
	size_t len = 0;

	return seal_to(e, home, ret_sequence, wire, &len);
}

/* Nothing can be stored: an association stops when its block is used up, never with a number twice,
 * and that is said once.  The other client's goes on, and so does this one when the disk is well
 * again. */
static void a_failing_disk_stops_one_association(void **state)
{
	struct bubd_pair pairs[2];
	struct in6_addr home[2] = {addr("2001:db8:1::10"), addr("2001:db8:1::20")};
	struct said said = {0};
	struct end ha;
	uint64_t sequence = 0;

	(void)state;
	make(&ha, "2001:db8:1::1", true);
	finish(&ha);
	pairs[0] = pairs[1] = ha.pair;
	pairs[1].home = home[1];
	ha.cfg.pairs = pairs;
	ha.cfg.n_pairs = 2;
	start(&ha);
	fill_disk(true);
	for (unsigned i = 0; i < 20000; i++) {
		enum esp_result first = seal(&ha, home[0], &sequence);

		assert_int_equal(first, i < 16384 ? ESP_OK : ESP_EXHAUSTED);
		if (i % 4 == 0)
			assert_int_equal(seal(&ha, home[1], &sequence), ESP_OK);
		if (i % 1000 == 999)
			assert_int_equal(check(&ha, &said), i >= 8999);
	}
	assert_int_equal(said.bad, 2); /* cannot be written; has stopped */
	assert_non_null(strstr(said.last, "2001:db8:1::10"));
	assert_non_null(strstr(said.last, "has stopped"));
	fill_disk(false);
	assert_false(check(&ha, &said));
	assert_int_equal(said.good, 2);
	assert_int_equal(said.bad, 2);
	assert_int_equal(seal(&ha, home[0], &sequence), ESP_OK);
	assert_int_equal(sequence, 16385);
	destroy(&ha);
}

/* A home agent is discovered while the disk is full: no packet leaves under a number that is not
 * stored, or it would come again after the next start. */
static void numbers_wait_for_the_disk(void **state)
{
	static const uint8_t inner[48] = {0x60, 0, 0, 0, 0, 8, 59, 64};
	static const uint8_t iv[16];
	struct in6_addr home = addr("2001:db8:1::10");
	struct in6_addr agent = addr("2001:db8:1::1");
	struct end mn;
	struct esp_sa *sa = NULL;
	uint8_t wire[256];
	char error[256] = "";
	size_t len = 0;

	(void)state;
	make(&mn, "::", false);
	assert_int_equal(
		sas_use_home_agent(mn.sas, &mn.cfg, &home, &agent, t0, error, sizeof(error)), 0);
	sa = esp_sad_find_out(sas_database(mn.sas), &home, ESP_TUNNEL, ESP_CLASS_PAYLOAD);
	assert_non_null(sa);
	fill_disk(true);
	assert_int_equal(sas_commit(mn.sas, t0, error, sizeof(error)), -1);
	assert_int_equal(esp_seal_tunnel(sa, &home, &agent, inner, sizeof(inner), iv, wire,
					 sizeof(wire), &len),
			 ESP_EXHAUSTED);
	fill_disk(false);
	assert_int_equal(sas_commit(mn.sas, t0, error, sizeof(error)), 0);
	assert_int_equal(esp_seal_tunnel(sa, &home, &agent, inner, sizeof(inner), iv, wire,
					 sizeof(wire), &len),
			 ESP_OK);
	destroy(&mn);
}

/* ---- Written out --------------------------------------------------------------------------- */

#define N_WRITTEN 4

/* As config_sa.c would make them: transport and tunnel, up and down, with old algorithms. */
static void make_written(struct end *e, bool at_home_agent)
{
	static struct bubd_sa sas[2][N_WRITTEN];
	struct bubd_sa *s = sas[at_home_agent];

	memset(e, 0, sizeof(*e));
	memset(s, 0, sizeof(sas[0]));
	(void)snprintf(e->dir, sizeof(e->dir), "/tmp/bub-sas-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	for (unsigned i = 0; i < N_WRITTEN; i++) {
		struct esp_sa_params *p = &s[i].params;

		p->spi = 0x7d0 + i;
		p->owner = addr("2001:db8:1::10");
		p->direction = (i % 2 == 0) != at_home_agent ? ESP_OUT : ESP_IN;
		p->mode = i < 2 ? ESP_TRANSPORT : ESP_TUNNEL;
		p->covers = i < 2 ? ESP_CLASS_BINDING : ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD;
		p->alg = ESP_3DES_CBC_HMAC_SHA1_96;
		for (unsigned k = 0; k < 24; k++)
			p->enc_key[k] = (uint8_t)(16 * i + 3 * k);
		for (unsigned k = 0; k < 20; k++)
			p->auth_key[k] = (uint8_t)(20 * i + k);
	}
	e->pair.home = addr("2001:db8:1::10");
	e->pair.at_home_agent = at_home_agent;
	if (at_home_agent)
		e->pair.home_agent = addr("2001:db8:1::1"); /* the mobile node discovers it */
	e->cfg.pairs = &e->pair;
	e->cfg.n_pairs = 1;
	e->cfg.sas = s;
	e->cfg.n_sas = N_WRITTEN;
	(void)snprintf(e->cfg.state_dir, sizeof(e->cfg.state_dir), "%s", e->dir);
	start(e);
}

static void written_out(void **state)
{
	struct end mn;
	struct end ha;
	uint32_t before = 0;
	uint32_t sequence = 0;
	struct said said = {0};

	(void)state;
	make_written(&mn, false);
	make_written(&ha, true);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_int_equal(carry(&ha, &mn, &sequence), ESP_OK);
	assert_int_equal(use(&mn, "2001:db8:1::1"), 0); /* whatever it is */
	assert_int_equal(carry(&mn, &ha, &before), ESP_OK);
	assert_int_equal(before, 2);
	(void)check(&mn, &said);
	assert_int_equal(said.bad, 0);
	crash(&mn);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_true(sequence > before);
	before = sequence;
	finish(&mn);
	start(&mn);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_int_equal(sequence, before + 1);
	destroy(&mn);
	destroy(&ha);
}

/* Keys are what tells associations apart, not SPIs: with one SPI for all that go one way, each has
 * its own numbers and its own window, over restarts and crashes. */
static void one_spi_for_several(void **state)
{
	struct end mn, again, ha;
	uint32_t sequence = 0;

	(void)state;
	make_written(&mn, false);
	make_written(&ha, true);
	finish(&mn);
	finish(&ha);
	for (unsigned i = 2; i < N_WRITTEN; i++)
		mn.cfg.sas[i].params.spi = ha.cfg.sas[i].params.spi = mn.cfg.sas[i - 2].params.spi;
	start(&mn);
	start(&ha);
	again = mn; /* sends the same numbers: a replay */
	(void)snprintf(again.dir, sizeof(again.dir), "/tmp/bub-sas-XXXXXX");
	assert_non_null(mkdtemp(again.dir));
	(void)snprintf(again.cfg.state_dir, sizeof(again.cfg.state_dir), "%s", again.dir);
	start(&again);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
		assert_int_equal(sequence, i);
		assert_int_equal(carry(&ha, &mn, &sequence), ESP_OK);
		assert_int_equal(sequence, i);
		finish(&mn);
		start(&mn);
		finish(&ha);
		start(&ha);
	}
	assert_int_not_equal(carry(&again, &ha, &sequence), ESP_OK);
	crash(&mn);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_int_equal(sequence, 3 + 16384 + 1);
	destroy(&mn);
	destroy(&again);
	destroy(&ha);
}

/* Two mobile nodes whose secrets bring the same SPI: the home agent starts, and serves both. */
static void derived_spis_may_meet(void **state)
{
	static const char *const homes[2] = {"2001:db8:1::1:0:aa60", "2001:db8:1::1:0:c67c"};
	struct esp_sa_status status[2];
	struct bubd_pair pairs[2];
	struct end mn[2], ha;
	uint64_t sequence = 0;

	(void)state;
	make(&ha, "2001:db8:1::1", true);
	finish(&ha);
	for (unsigned i = 0; i < 2; i++) {
		make(&mn[i], "2001:db8:1::1", false);
		finish(&mn[i]);
		mn[i].pair.home = addr(homes[i]);
		mn[i].cfg.pairs = &mn[i].pair;
		start(&mn[i]);
		pairs[i] = ha.pair;
		pairs[i].home = mn[i].pair.home;
		esp_sa_get_status(tunnel_of(&mn[i], mn[i].pair.home), &status[i]);
	}
	assert_int_equal(status[0].spi, status[1].spi);
	ha.cfg.pairs = pairs;
	ha.cfg.n_pairs = 2;
	start(&ha);
	for (uint64_t n = 1; n <= 3; n++) {
		for (unsigned i = 0; i < 2; i++) {
			uint8_t wire[256], out[256];
			struct esp_opened opened;
			size_t len = 0;

			assert_int_equal(seal_to(&mn[i], pairs[i].home, &sequence, wire, &len),
					 ESP_OK);
			assert_int_equal(sequence, n);
			assert_int_equal(esp_open(sas_database(ha.sas), wire, len, 6, 40, out,
						  sizeof(out), &opened),
					 ESP_OK);
			assert_memory_equal(&opened.owner, &pairs[i].home, 16);
			/* Not again, and not after a restart. */
			finish(&ha);
			start(&ha);
			assert_int_not_equal(esp_open(sas_database(ha.sas), wire, len, 6, 40, out,
						      sizeof(out), &opened),
					     ESP_OK);
		}
	}
	destroy(&ha);
	for (unsigned i = 0; i < 2; i++)
		destroy(&mn[i]);
}

/* The same keys twice: nothing tells whose a packet is. */
static void the_same_keys_twice(void **state)
{
	struct end mn;
	char error[256] = "";

	(void)state;
	make_written(&mn, false);
	finish(&mn);
	mn.cfg.sas[3].params.spi = mn.cfg.sas[1].params.spi;
	memcpy(mn.cfg.sas[3].params.auth_key, mn.cfg.sas[1].params.auth_key, 20);
	assert_null(sas_new(&mn.cfg, NULL, t0, error, sizeof(error)));
	assert_string_equal(error, "2001:db8:1::10, SPI 000007d1: another inbound security "
				   "association has this SPI and these keys");
	destroy(&mn);
}

/* A look at the numbers is not for those that were not used. */
static void a_look_is_for_those_used(void **state)
{
	struct end mn, ha;
	struct said said = {0};
	uint32_t sequence = 0;
	unsigned n = 0;

	(void)state;
	make(&mn, "2001:db8:1::1", false);
	make(&ha, "2001:db8:1::1", true);
	assert_null(esp_sad_take_used(sas_database(ha.sas)));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	while (esp_sad_take_used(sas_database(ha.sas)) != NULL)
		n++;
	assert_int_equal(n, 1);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_false(check(&ha, &said));
	assert_null(esp_sad_take_used(sas_database(ha.sas)));
	destroy(&mn);
	destroy(&ha);
}

static void let_go(struct end *e, const char *home)
{
	struct addrset homes = {0};
	const struct in6_addr a = addr(home);
	char error[256] = "";

	assert_int_equal(addrset_add(&homes, &a, 0), 0);
	assert_int_equal(sas_remove_homes(e->sas, &homes, t0, error, sizeof(error)), 0);
	addrset_free(&homes);
}

static void serve(struct end *e, const struct bubd_pair *pair)
{
	char error[256] = "";

	assert_int_equal(
		sas_add_client(e->sas, &e->cfg, pair, &pair->home, t0, error, sizeof(error)), 0);
	assert_int_equal(sas_commit(e->sas, t0, error, sizeof(error)), 0);
}

/* A mobile node goes and comes back with the same secret: what it sent before is a replay, and the
 * home agent uses no number again.  Another one that came meanwhile is not disturbed. */
static void clients_come_and_go(void **state)
{
	struct end mn, again, ha;
	struct bubd_pair other;
	struct in6_addr home;
	uint32_t last = 0, sequence = 0;

	(void)state;
	make(&mn, "2001:db8:1::1", false);
	make(&again, "2001:db8:1::1", false);
	make(&ha, "2001:db8:1::1", true);
	finish(&ha);
	ha.cfg.engine.ha.enabled = true;
	ha.cfg.engine.limit.clients = 3;
	start(&ha);
	other = ha.pair;
	other.home = addr("2001:db8:1::20");
	for (unsigned i = 0; i < 4; i++) { /* more often than there is room */
		assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
		assert_int_equal(carry(&ha, &mn, &sequence), ESP_OK);
		assert_true(i == 0 || sequence > last);
		last = sequence;
		serve(&ha, &other);
		assert_int_equal(carry(&ha, &mn, &last), ESP_OK);
		assert_int_equal(last, sequence + 1);
		let_go(&ha, "2001:db8:1::10");
		assert_int_equal(carry(&mn, &ha, &sequence), ESP_NO_SA);
		home = addr("2001:db8:1::10");
		assert_null(esp_sad_find_out(sas_database(ha.sas), &home, ESP_TUNNEL,
					     ESP_CLASS_PAYLOAD));
		assert_non_null(esp_sad_find_out(sas_database(ha.sas), &other.home, ESP_TUNNEL,
						 ESP_CLASS_PAYLOAD));
		serve(&ha, &ha.pair);
		assert_int_equal(carry(&again, &ha, &sequence), ESP_REPLAY);
		let_go(&ha, "2001:db8:1::20");
	}
	destroy(&mn);
	destroy(&again);
	destroy(&ha);
}

/* Of two that share their SPIs one goes: the other keeps its own, and when the first comes back its
 * numbers go on. */
static void one_of_two_with_an_spi_goes(void **state)
{
	struct end ha, mn;
	struct bubd_pair other;
	struct esp_sa_status status;
	struct in6_addr home = addr("2001:db8:1::20");
	uint32_t last = 0, sequence = 0;
	size_t n = 0;

	(void)state;
	make_written(&mn, false);
	make_written(&ha, true);
	finish(&ha);
	/* The second mobile node has the SPIs of the first one. */
	ha.cfg.sas = realloc(NULL, sizeof(ha.cfg.sas[0]) * 2 * N_WRITTEN);
	assert_non_null(ha.cfg.sas);
	for (size_t i = 0; i < N_WRITTEN; i++) {
		ha.cfg.sas[i] = mn.cfg.sas[i];
		ha.cfg.sas[i].params.direction =
			mn.cfg.sas[i].params.direction == ESP_IN ? ESP_OUT : ESP_IN;
		ha.cfg.sas[N_WRITTEN + i] = ha.cfg.sas[i];
		ha.cfg.sas[N_WRITTEN + i].params.owner = home;
		ha.cfg.sas[N_WRITTEN + i].params.auth_key[0] ^= 0x80;
	}
	ha.cfg.n_sas = 2 * (size_t)N_WRITTEN;
	ha.cfg.engine.ha.enabled = true;
	ha.cfg.engine.limit.clients = 4;
	start(&ha);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(carry(&ha, &mn, &last), ESP_OK);
	let_go(&ha, "2001:db8:1::10");
	for (const struct esp_sa *sa = NULL; (sa = esp_sad_next(sas_database(ha.sas), sa)) != NULL;
	     n++) {
		esp_sa_get_status(sa, &status);
		assert_memory_equal(&status.owner, &home, sizeof(home));
	}
	assert_int_equal(n, N_WRITTEN);
	other = ha.pair;
	other.n_sas = N_WRITTEN;
	serve(&ha, &other);
	assert_int_equal(carry(&ha, &mn, &sequence), ESP_OK);
	assert_int_equal(sequence, last + 1);
	last = sequence;
	let_go(&ha, "2001:db8:1::20");
	assert_int_equal(carry(&ha, &mn, &sequence), ESP_OK);
	assert_int_equal(sequence, last + 1);
	free(ha.cfg.sas);
	ha.cfg.sas = NULL;
	destroy(&mn);
	destroy(&ha);
}

/* An SA for signalling in tunnel mode is kept as exactly as one in transport mode. */
static void signalling_is_kept_exactly(void **state)
{
	struct end mn;
	struct end ha;
	uint32_t sequence = 0;
	struct said said = {0};

	(void)state;
	make_written(&mn, false);
	make_written(&ha, true);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_OK);
	assert_false(check(&ha, &said)); /* payload: a block behind is good enough */
	finish(&ha);
	ha.cfg.sas[2].params.covers = ESP_CLASS_MOBILITY;
	start(&ha);
	assert_int_equal(carry(&mn, &ha, &sequence), ESP_NOT_COVERED);
	assert_true(check(&ha, &said));
	assert_int_equal(said.bad, 0);
	destroy(&mn);
	destroy(&ha);
}

static void weak_ones_are_told(void **state)
{
	struct esp_sa_params p = {.spi = 0x7d0, .direction = ESP_IN};
	char text[128] = "";

	(void)state;
	for (unsigned alg = 0; alg < ESP_ALG_COUNT; alg++) {
		p.alg = alg;
		assert_int_equal(sas_weakness(&p, text, sizeof(text)),
				 alg > ESP_AES_256_CBC_HMAC_SHA256_128);
	}
	p.alg = ESP_3DES_CBC_HMAC_SHA1_96;
	assert_true(sas_weakness(&p, text, sizeof(text)));
	assert_string_equal(text,
			    "SA 0x7d0: 3des-cbc with hmac-sha1-96; for old peers and tests only");
	p.alg = ESP_AES_CBC_HMAC_SHA256_128;
	p.any_sequence = true;
	assert_true(sas_weakness(&p, text, sizeof(text)));
	assert_non_null(strstr(text, "no replay check"));
}

static void no_secrets_no_folder(void **state)
{
	struct bubd_config cfg = {.state_dir = "/no/such/folder/state"};
	char error[256] = "";
	struct sas *sas = sas_new(&cfg, NULL, t0, error, sizeof(error));
	struct end e = {.sas = sas};
	struct said said = {0};

	(void)state;
	assert_non_null(sas);
	assert_false(check(&e, &said));
	assert_int_equal(said.bad, 0);
	assert_int_equal(sas_free(sas, error, sizeof(error)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_understand_each_other),
		cmocka_unit_test(numbers_go_on),
		cmocka_unit_test(a_restarted_receiver_remembers),
		cmocka_unit_test(discovered_home_agents),
		cmocka_unit_test(changes_of_home_agent_are_bounded),
		cmocka_unit_test(a_configured_home_agent_stays),
		cmocka_unit_test(a_failing_disk_stops_one_association),
		cmocka_unit_test(numbers_wait_for_the_disk),
		cmocka_unit_test(written_out),
		cmocka_unit_test(one_spi_for_several),
		cmocka_unit_test(derived_spis_may_meet),
		cmocka_unit_test(clients_come_and_go),
		cmocka_unit_test(one_of_two_with_an_spi_goes),
		cmocka_unit_test(the_same_keys_twice),
		cmocka_unit_test(a_look_is_for_those_used),
		cmocka_unit_test(signalling_is_kept_exactly),
		cmocka_unit_test(weak_ones_are_told),
		cmocka_unit_test(no_secrets_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
