/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SAs under agreed keys, at both ends, by a clock of the test's own: no packet is lost over a
 * renewal, whenever it is sent; what is old ends; and no file of numbers is ever made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sas.h"

#define LIFETIME_S 1000u
#define NO_FOLDER "/no/such/folder/state"

struct end {
	struct bubd_config cfg;
	struct bubd_pair pair;
	struct sas *sas;
	unsigned renewals, in_use, ended;
	uint8_t token[SAS_TOKEN_LEN];
};

static struct bub_time now;

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void on_renew(void *ctx, const struct in6_addr *home)
{
	struct end *e = ctx;

	assert_memory_equal(home, &e->pair.home, sizeof(*home));
	e->renewals++;
}

static void on_in_use(void *ctx, const struct in6_addr *home,
		      const uint8_t token[static SAS_TOKEN_LEN])
{
	struct end *e = ctx;

	assert_memory_equal(home, &e->pair.home, sizeof(*home));
	memcpy(e->token, token, SAS_TOKEN_LEN);
	e->in_use++;
}

static void on_ended(void *ctx, const struct in6_addr *home)
{
	struct end *e = ctx;

	assert_memory_equal(home, &e->pair.home, sizeof(*home));
	e->ended++;
}

static void make(struct end *e, bool at_home_agent)
{
	const struct sas_agreed_host host = {
		.ctx = e, .renew = on_renew, .in_use = on_in_use, .ended = on_ended};
	char error[256] = "";

	memset(e, 0, sizeof(*e));
	e->pair.home = addr("2001:db8:1::10");
	e->pair.home_agent = addr("2001:db8:1::1");
	e->pair.at_home_agent = at_home_agent;
	e->pair.keys = BUBD_KEYS_PSK;
	e->pair.secret_len = 32;
	e->cfg.pairs = &e->pair;
	e->cfg.n_pairs = 1;
	e->cfg.engine.ha.enabled = at_home_agent;
	e->cfg.engine.limit.clients = 4;
	(void)snprintf(e->cfg.state_dir, sizeof(e->cfg.state_dir), "%s", NO_FOLDER);
	e->sas = sas_new(&e->cfg, NULL, now, error, sizeof(error));
	if (e->sas == NULL || sas_commit(e->sas, now, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	sas_agreed_listen(e->sas, &host);
}

static void finish(struct end *e)
{
	char error[256] = "";

	assert_int_equal(sas_free(e->sas, error, sizeof(error)), 0);
	assert_int_not_equal(access(NO_FOLDER, F_OK), 0);
}

/* The keys of the @generation'th agreement, as one of the two ends has them. */
static struct sas_agreed agreement(unsigned generation, bool at_home_agent)
{
	struct sas_agreed a = {
		.home = addr("2001:db8:1::10"),
		.home_agent = addr("2001:db8:1::1"),
		.at_home_agent = at_home_agent,
		.lifetime_s = LIFETIME_S,
		.octets = 100000,
		.token = {(uint8_t)generation},
	};

	for (unsigned i = 0; i < ESP_SET_MAX; i++) {
		const bool up = i % 2 == 0;
		const bool tunnel = i >= ESP_SET_TUNNEL_UP;

		a.set[i] = (struct esp_sa_params){
			.spi = 0x1000 + ESP_SET_MAX * generation + i,
			.direction = up != at_home_agent ? ESP_OUT : ESP_IN,
			.mode = tunnel ? ESP_TUNNEL : ESP_TRANSPORT,
			.covers = i >= ESP_SET_COUNT ? ESP_CLASS_PAYLOAD
				  : tunnel           ? ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD
						     : ESP_CLASS_BINDING | ESP_CLASS_PREFIX,
			.alg = ESP_AES_128_GCM,
			.enc_key = {(uint8_t)generation, (uint8_t)i},
		};
	}
	return a;
}

static void agree(struct end *e, unsigned generation)
{
	const struct sas_agreed a = agreement(generation, e->pair.at_home_agent);
	char error[256] = "";

	if (sas_agreed_add(e->sas, &a, now, error, sizeof(error)) != 0)
		fail_msg("%s", error);
}

struct wire {
	uint8_t octets[256];
	size_t len;
	uint32_t spi;
};

static struct wire seal(struct end *e)
{
	static const uint8_t inner[48] = {0x60, 0, 0, 0, 0, 8, 59, 64};
	static const uint8_t iv[16];
	const struct in6_addr src = addr("2001:db8:a::1"), dst = addr("2001:db8:b::1");
	struct esp_sa *sa = esp_sad_find_out(sas_database(e->sas), &e->pair.home, ESP_TUNNEL,
					     ESP_CLASS_PAYLOAD);
	struct wire w;

	assert_non_null(sa);
	assert_int_equal(esp_seal_tunnel(sa, &src, &dst, inner, sizeof(inner), iv, w.octets,
					 sizeof(w.octets), &w.len),
			 ESP_OK);
	w.spi = (uint32_t)w.octets[40] << 24 | (uint32_t)w.octets[41] << 16 |
		(uint32_t)w.octets[42] << 8 | w.octets[43];
	return w;
}

static enum esp_result take(struct end *e, const struct wire *w)
{
	struct esp_opened opened;
	uint8_t out[256];

	return esp_open(sas_database(e->sas), w->octets, w->len, 6, 40, out, sizeof(out), &opened);
}

static void carry(struct end *from, struct end *to, unsigned generation)
{
	const struct wire w = seal(from);

	assert_int_equal((w.spi - 0x1000) / ESP_SET_MAX, generation);
	assert_int_equal(take(to, &w), ESP_OK);
}

static void pass(struct end *a, struct end *b, uint64_t ms)
{
	now = bub_time_add_ms(now, ms);
	sas_agreed_expire(a->sas, now);
	sas_agreed_expire(b->sas, now);
}

static size_t count(const struct end *e)
{
	struct esp_sa_status status;
	struct bub_time since;
	size_t at = 0, n = 0;

	while (sas_status(e->sas, &at, &status, &since))
		n++;
	return n;
}

static void begin(struct end *mn, struct end *ha)
{
	now = (struct bub_time){1000 * BUB_NS_PER_S};
	make(mn, false);
	make(ha, true);
	agree(ha, 0); /* before its answer leaves */
	agree(mn, 0);
}

static void end(struct end *mn, struct end *ha)
{
	finish(mn);
	finish(ha);
}

static void the_first_keys_serve_both_ways_at_once(void **state)
{
	struct sas_agreed_status status;
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha);
	carry(&ha, &mn, 0); /* the mobile node has not said a word yet */
	carry(&mn, &ha, 0);
	pass(&mn, &ha, 0);
	assert_int_equal(ha.in_use, 1);
	assert_int_equal(mn.in_use, 0);
	assert_int_equal(count(&mn), ESP_SET_COUNT);
	assert_true(sas_agreed_status(mn.sas, &mn.pair.home, now, &status));
	assert_true(status.confirmed);
	assert_int_equal(status.renew_s, LIFETIME_S / 10 * 9);
	assert_int_equal(status.end_s, LIFETIME_S / 10 * 11);
	end(&mn, &ha);
}

/* ---- Data with SAs of its own ---- */

static struct {
	bool refuses;
	unsigned added, removed;
	uint32_t preferred;
	struct esp_sa_params out, in;
} kernel;

static bool kernel_add(struct lnx *lnx, const struct in6_addr *home,
		       const struct esp_sa_params *out, const struct esp_sa_params *in,
		       uint64_t octets)
{
	assert_int_equal(octets, 100000);
	(void)lnx;
	(void)home;
	if (kernel.refuses)
		return false;
	kernel.added++;
	kernel.out = *out;
	kernel.in = *in;
	return true;
}

static void kernel_prefer(struct lnx *lnx, const struct in6_addr *home, uint32_t out_spi)
{
	(void)lnx;
	(void)home;
	kernel.preferred = out_spi;
}

static void kernel_remove(struct lnx *lnx, const struct in6_addr *home, uint32_t out_spi)
{
	(void)lnx;
	(void)home;
	(void)out_spi;
	kernel.removed++;
}

static bool kernel_has_spi(const struct lnx *lnx, uint32_t spi)
{
	(void)lnx;
	return spi == kernel.in.spi;
}

static void agree_payload(struct end *e, unsigned generation)
{
	struct sas_agreed a = agreement(generation, e->pair.at_home_agent);
	char error[256] = "";

	a.set_count = ESP_SET_MAX;
	if (sas_agreed_add(e->sas, &a, now, error, sizeof(error)) != 0)
		fail_msg("%s", error);
}

/* Without the kernel, this end takes what comes under the pair's inbound SA, and sends under that
 * of the messages: the pair's outbound one is nobody's. */
static void data_of_its_own_is_taken(void **state)
{
	struct end mn, ha;

	(void)state;
	now = (struct bub_time){1000 * BUB_NS_PER_S};
	make(&mn, false);
	make(&ha, true);
	agree_payload(&ha, 0);
	agree_payload(&mn, 0);
	assert_int_equal(count(&mn), ESP_SET_COUNT + 1);
	assert_true(esp_sad_has_spi(sas_database(mn.sas), 0x1000 + ESP_SET_PAYLOAD_DOWN));
	assert_true(esp_sad_has_spi(sas_database(ha.sas), 0x1000 + ESP_SET_PAYLOAD_UP));
	assert_int_equal(seal(&mn).spi, 0x1000 + ESP_SET_TUNNEL_UP);
	assert_int_equal(seal(&ha).spi, 0x1000 + ESP_SET_TUNNEL_DOWN);
	end(&mn, &ha);
}

/* The kernel has both of the pair, and hears of each renewal; what it refuses is taken here. */
static void the_kernel_has_the_pair(void **state)
{
	static const struct sas_kernel ops = {(struct lnx *)&kernel, kernel_add, kernel_prefer,
					      kernel_remove, kernel_has_spi};
	struct end mn, ha;

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	now = (struct bub_time){1000 * BUB_NS_PER_S};
	make(&mn, false);
	make(&ha, true);
	sas_agreed_kernel(ha.sas, &ops);
	agree_payload(&ha, 0);
	agree_payload(&mn, 0);
	assert_int_equal(count(&ha), ESP_SET_COUNT);
	assert_int_equal(kernel.added, 1);
	assert_true(sas_has_spi(ha.sas, 0x1000 + ESP_SET_PAYLOAD_UP));
	assert_true(sas_has_spi(ha.sas, 0x1000 + ESP_SET_TUNNEL_UP));
	assert_false(sas_has_spi(ha.sas, 0x1000 + ESP_SET_PAYLOAD_DOWN));
	assert_int_equal(kernel.out.direction, ESP_OUT);
	assert_int_equal(kernel.in.direction, ESP_IN);
	assert_int_equal(kernel.preferred, 0x1000 + ESP_SET_PAYLOAD_DOWN);
	carry(&mn, &ha, 0);
	agree_payload(&ha, 1); /* not before the mobile node has it */
	assert_int_equal(kernel.preferred, 0x1000 + ESP_SET_PAYLOAD_DOWN);
	agree_payload(&mn, 1);
	carry(&mn, &ha, 1);
	assert_int_equal(kernel.preferred, 0x1000 + ESP_SET_MAX + ESP_SET_PAYLOAD_DOWN);
	pass(&mn, &ha, 1000);
	pass(&mn, &ha, SAS_OLD_S * 1000);
	assert_int_equal(kernel.removed, 1);
	kernel.refuses = true;
	agree_payload(&ha, 2);
	assert_true(esp_sad_has_spi(sas_database(ha.sas),
				    0x1000 + 2 * ESP_SET_MAX + ESP_SET_PAYLOAD_UP));
	sas_agreed_forget(ha.sas, &ha.pair.home);
	assert_int_equal(kernel.removed, 2);
	assert_int_equal(count(&ha), 0);
	end(&mn, &ha);
}

/* Whatever is on its way over a renewal arrives, each way, and each direction moves when it is
 * sure that the other end has the new keys. */
static void a_renewal_loses_nothing(void **state)
{
	struct end mn, ha;
	struct wire late_up, late_down;

	(void)state;
	begin(&mn, &ha);
	carry(&mn, &ha, 0);
	pass(&mn, &ha, 1000);
	for (unsigned g = 1; g < 50; g++) {
		late_up = seal(&mn);
		agree(&ha, g);
		carry(&ha, &mn, g - 1); /* the answer may be lost: under the old keys */
		carry(&mn, &ha, g - 1);
		late_down = seal(&ha);
		agree(&mn, g);
		carry(&ha, &mn, g - 1);
		carry(&mn, &ha, g);
		carry(&ha, &mn, g); /* with the first packet, not with the next look at the clock */
		pass(&mn, &ha, 1000);
		assert_int_equal(take(&ha, &late_up), ESP_OK);
		assert_int_equal(take(&mn, &late_down), ESP_OK);
		assert_int_equal(ha.in_use, g + 1);
		assert_int_equal(ha.token[0], g);
		assert_int_equal(count(&ha), 2 * ESP_SET_COUNT);
	}
	pass(&mn, &ha, SAS_OLD_S * 1000);
	assert_int_equal(count(&mn), ESP_SET_COUNT);
	assert_int_equal(count(&ha), ESP_SET_COUNT);
	carry(&mn, &ha, 49);
	carry(&ha, &mn, 49);
	end(&mn, &ha);
}

/* A mobile node that only listens: the old keys are taken to their end, and then the home agent
 * goes over to the new ones by itself. */
static void a_listener_keeps_the_old_ones(void **state)
{
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha);
	pass(&mn, &ha, LIFETIME_S * 900);
	assert_int_equal(mn.renewals, 1);
	assert_int_equal(ha.renewals, 0);
	agree(&ha, 1);
	agree(&mn, 1);
	pass(&mn, &ha, SAS_OLD_S * 2000);
	carry(&ha, &mn, 0);
	pass(&mn, &ha, LIFETIME_S * 200 - SAS_OLD_S * 2000);
	assert_int_equal(ha.in_use, 2);
	carry(&ha, &mn, 1);
	end(&mn, &ha);
}

static void an_answer_that_was_lost(void **state)
{
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha);
	carry(&mn, &ha, 0);
	agree(&ha, 1); /* the mobile node never hears of it */
	pass(&mn, &ha, 1000);
	agree(&ha, 2);
	assert_int_equal(count(&ha), 2 * ESP_SET_COUNT);
	carry(&mn, &ha, 0);
	agree(&mn, 2);
	carry(&mn, &ha, 2);
	carry(&ha, &mn, 2);
	end(&mn, &ha);
}

/* Its keys are gone: it has others before the home agent has given up the old ones. */
static void a_mobile_node_that_restarted(void **state)
{
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha);
	carry(&mn, &ha, 0);
	pass(&mn, &ha, 1000);
	finish(&mn);
	make(&mn, false);
	agree(&ha, 1);
	agree(&mn, 1);
	carry(&mn, &ha, 1);
	carry(&ha, &mn, 1);
	end(&mn, &ha);
}

static void keys_that_are_not_renewed_end(void **state)
{
	struct sas_agreed_status status;
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha);
	pass(&mn, &ha, LIFETIME_S * 900 - 1);
	assert_int_equal(mn.renewals, 0);
	pass(&mn, &ha, 1);
	assert_int_equal(mn.renewals, 1);
	pass(&mn, &ha, LIFETIME_S * 200 - 1);
	assert_int_equal(mn.renewals, 1); /* who was told tries again by himself */
	carry(&mn, &ha, 0);
	pass(&mn, &ha, 1);
	assert_int_equal(mn.ended, 1);
	assert_int_equal(ha.ended, 1);
	assert_int_equal(count(&mn), 0);
	assert_int_equal(count(&ha), 0);
	assert_false(sas_agreed_status(mn.sas, &mn.pair.home, now, &status));
	assert_true(bub_time_is_never(sas_agreed_deadline(mn.sas)));
	end(&mn, &ha);
}

static void octets_count_as_time_does(void **state)
{
	const struct sas_listener nobody = {0};
	struct sas_agreed a = agreement(0, false);
	char error[256] = "";
	struct end mn, ha;

	(void)state;
	begin(&mn, &ha);
	sas_agreed_forget(mn.sas, &mn.pair.home);
	a.octets = 4800; /* a hundred packets */
	assert_int_equal(sas_agreed_add(mn.sas, &a, now, error, sizeof(error)), 0);
	for (unsigned n = 0; n < 111; n++) {
		assert_int_equal(mn.renewals, n >= 90);
		assert_int_equal(mn.ended, 0);
		carry(&mn, &ha, 0);
		assert_false(sas_check(mn.sas, now, &nobody));
		pass(&mn, &ha, 1);
	}
	/* They had their octets in no time; new ones need some. */
	assert_int_equal(mn.ended, 0);
	pass(&mn, &ha, SAS_OCTETS_S * 1000 - 200);
	assert_int_equal(mn.ended, 0);
	pass(&mn, &ha, 200);
	assert_int_equal(mn.ended, 1);
	end(&mn, &ha);
}

static void a_full_database_changes_nothing(void **state)
{
	const struct sas_agreed_host nobody = {0};
	struct sas_agreed a = agreement(1, true);
	char error[256] = "";
	struct end mn, ha;
	unsigned n = 0;

	(void)state;
	begin(&mn, &ha);
	sas_agreed_listen(ha.sas, &nobody);
	for (; n < 100; n++) {
		a.home.s6_addr[15] = (uint8_t)(0x20 + n);
		for (unsigned i = 0; i < ESP_SET_COUNT; i++)
			a.set[i].spi += 4;
		if (sas_agreed_add(ha.sas, &a, now, error, sizeof(error)) != 0)
			break;
	}
	assert_true(n >= 4 && n < 100);
	assert_non_null(strstr(error, "full"));
	carry(&mn, &ha, 0);
	carry(&ha, &mn, 0);
	pass(&mn, &ha, LIFETIME_S * 1100);
	assert_int_equal(count(&ha), 0);
	end(&mn, &ha);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_keys_serve_both_ways_at_once),
		cmocka_unit_test(a_renewal_loses_nothing),
		cmocka_unit_test(data_of_its_own_is_taken),
		cmocka_unit_test(the_kernel_has_the_pair),
		cmocka_unit_test(a_listener_keeps_the_old_ones),
		cmocka_unit_test(an_answer_that_was_lost),
		cmocka_unit_test(a_mobile_node_that_restarted),
		cmocka_unit_test(keys_that_are_not_renewed_end),
		cmocka_unit_test(octets_count_as_time_does),
		cmocka_unit_test(a_full_database_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
