/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database of security associations, the replay window (RFC 4303, 3.4.3) with its edges and
 * against a model, the end of the sequence numbers, and the cache of key schedules.
 */
#include "esp_test.h"

#define COUNT 2000u
#define PAIRS_LEN ((size_t)2 * COUNT)

/* ---- Database ------------------------------------------------------------------------------ */

static void assert_not_added(struct esp_sad *sad, const struct esp_sa_params *p, const char *why)
{
	const char *error = NULL;

	assert_null(esp_sad_add(sad, p, &error));
	assert_non_null(error);
	if (strstr(error, why) == NULL)
		fail_msg("%s", error);
}

static void test_add_refused(void **state)
{
	struct esp_sad *sad = esp_sad_new(2);
	struct esp_sa_params p = params(ESP_IN, ESP_TUNNEL);

	(void)state;
	for (uint32_t spi = 0; spi < 256; spi++) {
		p.spi = spi;
		assert_not_added(sad, &p, "below 256");
	}
	p.spi = 256;
	p.sequence = UINT64_C(0x100000000);
	assert_not_added(sad, &p, "32 bits");
	p.sequence = 0;
	p.alg = (enum esp_alg)99;
	assert_not_added(sad, &p, "algorithm");
	p.alg = ESP_AES_CBC_HMAC_SHA256_128;
	assert_null(esp_sad_next(sad, NULL));
	add(sad, &p);
	p.mode = ESP_TRANSPORT;
	assert_not_added(sad, &p, "has this SPI");
	p.direction = ESP_OUT; /* the peer chose that one: no clash */
	add(sad, &p);
	p.spi = 300;
	assert_not_added(sad, &p, "full");
	esp_sad_free(sad);
}

static void test_empty_database(void **state)
{
	struct esp_sad *sad = esp_sad_new(0);
	const struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	struct octets packet = plain_packet(100), got;

	(void)state;
	assert_non_null(sad);
	assert_null(esp_sad_next(sad, NULL));
	assert_null(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, ESP_CLASS_PAYLOAD));
	assert_not_added(sad, &p, "full");
	assert_int_equal(open_at_40(sad, &packet, &got), ESP_NO_SA);
	assert_int_equal(esp_sad_errors(sad)[ESP_NO_SA], 1);
	esp_sad_free(sad);
	esp_sad_free(NULL);
	assert_null(esp_sad_new(SIZE_MAX));
}

static struct esp_sa_params numbered(uint32_t i, enum esp_direction direction)
{
	struct esp_sa_params p = params(direction, i % 2 != 0 ? ESP_TUNNEL : ESP_TRANSPORT);

	p.spi = 0x1000 + i;
	p.owner.s6_addr[12] = (uint8_t)(i / 2 >> 8);
	p.owner.s6_addr[13] = (uint8_t)(i / 2);
	p.enc_key[0] = (uint8_t)i;
	p.auth_key[0] = (uint8_t)(i >> 8);
	p.auth_key[1] = (uint8_t)i;
	return p;
}

static void test_find_and_walk(void **state)
{
	struct esp_sad *sad = esp_sad_new(PAIRS_LEN);
	struct in6_addr nobody = addr("2001:db8:ffff::1");
	const struct esp_sa *at = NULL;
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct esp_sa_params out = numbered(i, ESP_OUT), in = numbered(i, ESP_IN);

		add(sad, &out);
		add(sad, &in);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct esp_sa_params p = numbered(i, ESP_OUT);
		struct esp_sa *sa = esp_sad_find_out(sad, &p.owner, p.mode, ESP_CLASS_PAYLOAD);
		struct esp_sa_status s;

		assert_non_null(sa);
		s = status(sa);
		assert_int_equal(s.spi, p.spi);
		assert_int_equal(s.direction, ESP_OUT);
		assert_int_equal(s.mode, p.mode);
		assert_memory_equal(&s.owner, &p.owner, sizeof(p.owner));
	}
	assert_null(esp_sad_find_out(sad, &nobody, ESP_TUNNEL, ESP_CLASS_PAYLOAD));
	while ((at = esp_sad_next(sad, at)) != NULL)
		n++;
	assert_int_equal(n, PAIRS_LEN);
	esp_sad_free(sad);
}

/* New keys for the same owner: the SA that was added last is the one to send with. */
static void test_newest_outbound_found(void **state)
{
	struct esp_sad *sad = esp_sad_new(2);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	struct esp_sa *second;

	(void)state;
	add(sad, &p);
	p.spi++;
	second = add(sad, &p);
	assert_ptr_equal(esp_sad_find_out(sad, &p.owner, ESP_TUNNEL, ESP_CLASS_PAYLOAD), second);
	assert_null(esp_sad_find_out(sad, &p.owner, ESP_TRANSPORT, ESP_CLASS_PAYLOAD));
	esp_sad_free(sad);
}

/* What the SA of @p alone, in a database where nobody takes its slot, makes of @in: sealed if it is
 * outbound, opened if not. */
static enum esp_result alone(const struct esp_sa_params *p, const struct octets *in,
			     struct octets *ret_out)
{
	struct esp_sad *sad = esp_sad_new(1);
	struct esp_sa *sa = add(sad, p);
	const enum esp_result why = p->direction == ESP_OUT ? seal_tunnel(sa, in, ret_out)
							    : open_at_40(sad, in, ret_out);

	esp_sad_free(sad);
	return why;
}

static size_t count_sas(struct esp_sad *sad)
{
	size_t n = 0;

	for (const struct esp_sa *at = NULL; (at = esp_sad_next(sad, at)) != NULL;)
		n++;
	return n;
}

/* One goes, with packets before and after: the others stay what they are, and who gets its place
 * has its own keys, numbers and counters. */
static void test_removed(void **state)
{
	const struct octets plain = plain_packet(30);
	struct esp_sad *sad = esp_sad_new(4), *peer = esp_sad_new(4);
	struct esp_sa_params p[3];
	struct esp_sa *in[3];
	struct octets sealed, got;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		p[i] = numbered(2 * i + 1, ESP_IN);
		if (i == 1) /* with a slot of its own */
			p[i].alg = ESP_AES_256_CBC_HMAC_SHA256_128;
		in[i] = add(sad, &p[i]);
		p[i].direction = ESP_OUT;
		assert_int_equal(seal_tunnel(add(peer, &p[i]), &plain, &sealed), ESP_OK);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	}
	for (uint32_t i = 0; i < 2; i++) {
		esp_sad_remove(sad, in[i]);
		assert_int_equal(count_sas(sad), 2 - i);
		assert_int_equal(seal_tunnel(esp_sad_find_out(peer, &p[i].owner, ESP_TUNNEL,
							      ESP_CLASS_PAYLOAD),
					     &plain, &sealed),
				 ESP_OK);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_NO_SA);
		assert_int_equal(seal_tunnel(esp_sad_find_out(peer, &p[2].owner, ESP_TUNNEL,
							      ESP_CLASS_PAYLOAD),
					     &plain, &sealed),
				 ESP_OK);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	}
	/* More than there were places at first. */
	for (uint32_t i = 10; i < 16; i++) {
		struct esp_sa_params fresh = numbered(2 * i + 1, ESP_IN);
		struct esp_sa *sa = add(sad, &fresh);

		assert_int_equal(count_sas(sad), 2);
		assert_int_equal(status(sa).packets, 0);
		fresh.direction = ESP_OUT;
		assert_int_equal(alone(&fresh, &plain, &sealed), ESP_OK);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
		esp_sad_remove(sad, sa);
	}
	for (uint32_t i = 0; i < 2; i++) { /* outbound, and the last of its chain */
		struct esp_sa *sa =
			esp_sad_find_out(peer, &p[i].owner, ESP_TUNNEL, ESP_CLASS_PAYLOAD);

		esp_sad_remove(peer, sa);
		assert_null(esp_sad_find_out(peer, &p[i].owner, ESP_TUNNEL, ESP_CLASS_PAYLOAD));
	}
	esp_sad_free(sad);
	esp_sad_free(peer);
}

struct heard {
	unsigned n;
	uint32_t spi;
	bool there;
};

static void on_spi(void *ctx, uint32_t spi, bool there)
{
	struct heard *h = ctx;

	*h = (struct heard){h->n + 1, spi, there};
}

/* Somebody keeps a list of the SPIs that packets may come with: of inbound SAs only, as a peer's
 * choice for the other direction may be the same number. */
static void test_watched(void **state)
{
	struct esp_sad *sad = esp_sad_new(4);
	struct esp_sa_params p = params(ESP_IN, ESP_TUNNEL);
	struct heard h = {0};
	struct esp_sa *in;

	(void)state;
	assert_int_equal(esp_sad_capacity(sad), 4);
	p.spi = 1000;
	in = add(sad, &p);
	p.direction = ESP_OUT;
	p.spi = 1001;
	add(sad, &p);
	esp_sad_watch(sad, on_spi, &h);
	assert_true(h.n == 1 && h.spi == 1000 && h.there);
	p.spi = 1002;
	add(sad, &p);
	assert_int_equal(h.n, 1);
	p.direction = ESP_IN;
	p.spi = 1003;
	add(sad, &p);
	assert_true(h.n == 2 && h.spi == 1003 && h.there);
	esp_sad_remove(sad, in);
	assert_true(h.n == 3 && h.spi == 1000 && !h.there);
	esp_sad_watch(sad, NULL, NULL);
	p.spi = 1004;
	add(sad, &p);
	assert_int_equal(h.n, 3);
	esp_sad_free(sad);
}

static void on_first(void *ctx, struct esp_sa *sa)
{
	struct esp_sa **told = ctx;

	assert_null(*told);
	*told = sa;
}

/* Who agrees on new keys wants to know when the other end has begun with them. */
static void test_first_packet(void **state)
{
	const struct octets plain = plain_packet(30);
	struct esp_sad *sad = esp_sad_new(2), *peer = esp_sad_new(2);
	struct esp_sa_params p = params(ESP_IN, ESP_TUNNEL);
	struct esp_sa *in, *out, *told = NULL;
	struct octets sealed, got;
	struct esp_opened opened;

	(void)state;
	assert_false(esp_sad_has_spi(sad, p.spi));
	in = add(sad, &p);
	assert_true(esp_sad_has_spi(sad, p.spi));
	p.direction = ESP_OUT;
	out = add(peer, &p);
	assert_false(esp_sad_has_spi(peer, p.spi));
	esp_sad_on_first(sad, on_first, &told);
	for (unsigned n = 1; n <= 4; n++) {
		if (n == 2)
			esp_sa_await(in);
		assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
		sealed.at[sealed.len - 1] ^= 1;
		(void)esp_open(sad, sealed.at, sealed.len, 6, 40, got.at, sizeof(got.at), &opened);
		assert_true((told != NULL) == (n > 2)); /* a forged one says nothing */
		sealed.at[sealed.len - 1] ^= 1;
		assert_int_equal(esp_open(sad, sealed.at, sealed.len, 6, 40, got.at, sizeof(got.at),
					  &opened),
				 ESP_OK);
		assert_true((told != NULL) == (n >= 2));
	}
	assert_ptr_equal(told, in);
	esp_sad_free(sad);
	esp_sad_free(peer);
}

/* SPIs are derived, so two mobile nodes may have the same: each packet is its own SA's all the
 * same, with a replay window of its own. */
static void test_one_spi_for_several(void **state)
{
	static const enum esp_alg algs[3] = {
		ESP_AES_CBC_HMAC_SHA256_128,
		ESP_AES_CBC_HMAC_SHA256_128,
		ESP_3DES_CBC_HMAC_SHA1_96,
	};
	const struct octets plain = plain_packet(30);
	struct esp_sad *sad = esp_sad_new(6), *peer = esp_sad_new(6);
	struct esp_sa *in[3], *out[3];
	struct octets sealed, first, got;
	struct heard h = {0};

	(void)state;
	esp_sad_watch(sad, on_spi, &h);
	for (uint32_t i = 0; i < 3; i++) {
		struct esp_sa_params p = numbered(2 * i + 1, ESP_IN);

		p.alg = algs[i];
		p.spi = 1000;
		p.id[7] = (uint8_t)i;
		in[i] = add(sad, &p);
		assert_not_added(sad, &p, "has this SPI and these keys");
		p.direction = ESP_OUT;
		out[i] = add(peer, &p);
	}
	assert_int_equal(h.n, 1);
	for (uint32_t n = 1; n <= 10; n++)
		for (uint32_t i = 0; i < 3; i++) {
			const struct esp_sa_params p = numbered(2 * i + 1, ESP_IN);
			struct esp_opened opened;

			assert_int_equal(seal_tunnel(out[i], &plain, &sealed), ESP_OK);
			assert_int_equal(esp_open(sad, sealed.at, sealed.len, 6, 40, got.at,
						  sizeof(got.at), &opened),
					 ESP_OK);
			assert_ptr_equal(opened.sa, in[i]);
			assert_memory_equal(&opened.owner, &p.owner, sizeof(p.owner));
			assert_memory_equal(got.at, plain.at, plain.len);
			assert_int_equal(status(in[i]).sequence, n);
			if (n == 1 && i == 0)
				first = sealed;
		}
	/* A replay, and what is nobody's: dropped and counted, and charged to none of them. */
	assert_int_not_equal(open_at_40(sad, &first, &got), ESP_OK);
	sealed.at[sealed.len - 1] ^= 1;
	assert_int_not_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	for (uint32_t i = 0; i < 3; i++) {
		const struct esp_sa_status s = status(in[i]);

		assert_int_equal(s.packets, 10);
		assert_int_equal(s.errors[ESP_BAD_ICV] + s.errors[ESP_REPLAY], 0);
	}
	assert_int_equal(esp_sad_errors(sad)[ESP_BAD_ICV] + esp_sad_errors(sad)[ESP_REPLAY] +
				 esp_sad_errors(sad)[ESP_TRUNCATED],
			 2);
	/* As long as one is left its SPI is known. */
	esp_sad_remove(sad, in[1]);
	esp_sad_remove(sad, in[2]);
	assert_int_equal(h.n, 1);
	assert_int_equal(seal_tunnel(out[0], &plain, &sealed), ESP_OK);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	for (unsigned i = 0; i < 2; i++) /* a number that in[0] has not seen */
		assert_int_equal(seal_tunnel(out[1], &plain, &sealed), ESP_OK);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_BAD_ICV);
	assert_int_equal(status(in[0]).errors[ESP_BAD_ICV], 1); /* alone again */
	esp_sad_remove(sad, in[0]);
	assert_true(h.n == 2 && h.spi == 1000 && !h.there);
	esp_sad_free(sad);
	esp_sad_free(peer);
}

/* More SAs than the cache has slots, in an order in which they take the slots from each other: each
 * packet still has its own SA's keys, in both directions. */
static void test_key_schedules_shared(void **state)
{
	struct esp_sad *sad = esp_sad_new(PAIRS_LEN);
	const struct octets plain = plain_packet(30);
	static struct esp_sa *out[COUNT];

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		struct esp_sa_params p = numbered(i, ESP_OUT);

		p.mode = ESP_TUNNEL;
		out[i] = add(sad, &p);
		p.direction = ESP_IN;
		add(sad, &p);
	}
	for (uint32_t i = 0; i < 2 * COUNT; i++) {
		/* 512 pairs of SAs fill 1024 slots: neighbours in this order collide. */
		const uint32_t sa = (i % 4 * 512 + i / 4) % COUNT;
		struct esp_sa_params p = numbered(sa, ESP_IN);
		struct octets sealed, got;

		p.mode = ESP_TUNNEL;
		assert_int_equal(seal_tunnel(out[sa], &plain, &sealed), ESP_OK);
		assert_int_equal(alone(&p, &sealed, &got), ESP_OK);
		assert_memory_equal(got.at, plain.at, plain.len);

		p.direction = ESP_OUT;
		p.sequence = i;
		assert_int_equal(alone(&p, &plain, &sealed), ESP_OK);
		assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
		assert_int_equal(got.len, plain.len);
		assert_memory_equal(got.at, plain.at, plain.len);
	}
	esp_sad_free(sad);
}

/* ---- Replay -------------------------------------------------------------------------------- */

/* Sends the packet with number @sequence to @sad. */
static enum esp_result deliver(struct esp_sad *sad, uint32_t sequence)
{
	struct esp_sad *sender = esp_sad_new(1);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	const struct octets plain = plain_packet(1);
	struct octets sealed, got;
	enum esp_result why;

	p.sequence = sequence - 1;
	assert_int_equal(seal_tunnel(add(sender, &p), &plain, &sealed), ESP_OK);
	why = open_at_40(sad, &sealed, &got);
	esp_sad_free(sender);
	return why;
}

static struct esp_sad *receiver(uint64_t edge)
{
	struct esp_sad *sad = esp_sad_new(1);
	struct esp_sa_params p = params(ESP_IN, ESP_TUNNEL);

	p.sequence = edge;
	add(sad, &p);
	return sad;
}

static void test_window_edges(void **state)
{
	struct esp_sad *sad = receiver(0);

	(void)state;
	assert_int_equal(deliver(sad, 1), ESP_OK);
	assert_int_equal(deliver(sad, 1), ESP_REPLAY);
	assert_int_equal(deliver(sad, 3), ESP_OK);
	assert_int_equal(deliver(sad, 2), ESP_OK);
	assert_int_equal(deliver(sad, 2), ESP_REPLAY);
	assert_int_equal(deliver(sad, 3), ESP_REPLAY);
	assert_int_equal(deliver(sad, 300), ESP_OK);
	assert_int_equal(deliver(sad, 44), ESP_REPLAY); /* 300 - 256: just left of it */
	assert_int_equal(deliver(sad, 45), ESP_OK);     /* the leftmost */
	assert_int_equal(deliver(sad, 45), ESP_REPLAY);
	assert_int_equal(deliver(sad, 299), ESP_OK);
	assert_int_equal(deliver(sad, 301), ESP_OK);
	assert_int_equal(deliver(sad, 45), ESP_REPLAY);
	assert_int_equal(deliver(sad, 46), ESP_OK);
	/* A step of just the window, of one less, and of much more. */
	assert_int_equal(deliver(sad, 301 + 256), ESP_OK);
	assert_int_equal(deliver(sad, 301), ESP_REPLAY);
	assert_int_equal(deliver(sad, 302), ESP_OK);
	assert_int_equal(deliver(sad, 557 + 255), ESP_OK);
	assert_int_equal(deliver(sad, 557), ESP_REPLAY);
	assert_int_equal(deliver(sad, 558), ESP_OK);
	assert_int_equal(deliver(sad, 1000000), ESP_OK);
	assert_int_equal(deliver(sad, 812), ESP_REPLAY);
	assert_int_equal(deliver(sad, 999999), ESP_OK);
	assert_int_equal(deliver(sad, 1000000 - 255), ESP_OK);
	assert_int_equal(deliver(sad, 1000000 - 256), ESP_REPLAY);
	assert_int_equal(status(esp_sad_next(sad, NULL)).errors[ESP_REPLAY], 10);
	assert_int_equal(status(esp_sad_next(sad, NULL)).sequence, 1000000);
	esp_sad_free(sad);
}

/* Number 0 is never sent (RFC 4303, 3.3.3), and what came before a restart is all refused. */
static void test_window_start(void **state)
{
	struct esp_sad *sad = receiver(0), *restarted = receiver(5000);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	struct esp_sad *sender = esp_sad_new(1);
	const struct octets plain = plain_packet(1);
	struct octets sealed, got;

	(void)state;
	assert_int_equal(seal_tunnel(add(sender, &p), &plain, &sealed), ESP_OK);
	sealed.at[47] = 0;
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_REPLAY);
	assert_int_equal(deliver(sad, 100), ESP_OK);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_REPLAY);
	for (uint32_t s = 5000 - 300; s <= 5000; s += 10)
		assert_int_equal(deliver(restarted, s), ESP_REPLAY);
	assert_int_equal(deliver(restarted, 5002), ESP_OK);
	assert_int_equal(deliver(restarted, 5001), ESP_OK);
	esp_sad_free(sender);
	esp_sad_free(sad);
	esp_sad_free(restarted);
}

/* 4000 deliveries in a seeded disorder, with jumps, against a model that remembers every number. */
static void test_window_model(void **state)
{
	enum { NUMBERS = 1 << 16 };
	static bool seen[NUMBERS];
	struct esp_sad *sad = receiver(0);
	uint32_t random = 12345, edge = 0;
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		uint32_t number, r;
		bool fresh;

		random = random * 1664525 + 1013904223;
		r = random >> 8;
		if (r % 4 == 0)
			number = edge + 1 + (r >> 2) % 8;
		else if (r % 128 == 1)
			number = edge + 1 + (r >> 7) % 400;
		else
			number = edge > 300 ? edge - (r >> 7) % 300 : edge + 1;
		assert_in_range(number, 1, NUMBERS - 1);
		fresh = number > edge || (edge - number < ESP_REPLAY_WINDOW && !seen[number]);
		assert_int_equal(deliver(sad, number), fresh ? ESP_OK : ESP_REPLAY);
		seen[number] = true;
		edge = number > edge ? number : edge;
		refused += !fresh;
	}
	assert_in_range(refused, 1000, 3000); /* the disorder has both kinds */
	assert_true(edge > 4000);
	esp_sad_free(sad);
}

static void test_exhausted(void **state)
{
	struct esp_sad *sender = esp_sad_new(1), *sad = receiver(0);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	const struct octets plain = plain_packet(1);
	struct octets sealed, got;
	struct esp_sa *out;

	(void)state;
	p.sequence = UINT32_MAX - 1;
	out = add(sender, &p);
	assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
	assert_memory_equal(sealed.at + 44, "\xff\xff\xff\xff", 4);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(seal_tunnel(out, &plain, &got), ESP_EXHAUSTED);
	assert_int_equal(status(out).errors[ESP_EXHAUSTED], 3);
	assert_int_equal(status(out).sequence, UINT32_MAX);

	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_OK);
	assert_int_equal(open_at_40(sad, &sealed, &got), ESP_REPLAY);
	assert_int_equal(deliver(sad, 1), ESP_REPLAY);
	assert_int_equal(deliver(sad, UINT32_MAX - 255), ESP_OK);
	assert_int_equal(deliver(sad, UINT32_MAX - 256), ESP_REPLAY);
	esp_sad_free(sad);
	esp_sad_free(sender);
}

/* Who stores the numbers says how far they may go. */
static void test_limit(void **state)
{
	struct esp_sad *sender = esp_sad_new(1);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	const struct octets plain = plain_packet(1);
	struct octets sealed;
	struct esp_sa *out;

	(void)state;
	p.sequence = 7;
	out = add(sender, &p);
	esp_sa_set_limit(out, 8);
	assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
	assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_EXHAUSTED);
	assert_int_equal(status(out).sequence, 8);
	esp_sa_set_limit(out, UINT64_MAX);
	assert_int_equal(seal_tunnel(out, &plain, &sealed), ESP_OK);
	assert_memory_equal(sealed.at + 44, "\0\0\0\x09", 4);
	esp_sad_free(sender);
}

/* What an error may quote: the SPI and a number that were used not long ago, of the right owner and
 * mode. */
static void test_what_was_sent(void **state)
{
	struct esp_sad *sad = esp_sad_new(4);
	struct esp_sa_params p = params(ESP_OUT, ESP_TUNNEL);
	struct in6_addr other = p.owner;

	(void)state;
	p.sequence = 100000;
	add(sad, &p);
	assert_true(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi, 100000));
	assert_true(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi, 100000 - 65535));
	assert_false(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi, 100000 - 65536));
	assert_false(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi, 100001));
	assert_false(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi, UINT32_MAX));
	assert_false(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi ^ 1, 100000));
	assert_false(esp_sad_has_sent(sad, &p.owner, ESP_TRANSPORT, p.spi, 100000));
	other.s6_addr[15] ^= 1;
	assert_false(esp_sad_has_sent(sad, &other, ESP_TUNNEL, p.spi, 100000));
	/* Nothing has been sent yet. */
	p.owner = other;
	p.sequence = 0;
	add(sad, &p);
	assert_false(esp_sad_has_sent(sad, &p.owner, ESP_TUNNEL, p.spi, 0));
	esp_sad_free(sad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_refused),
		cmocka_unit_test(test_empty_database),
		cmocka_unit_test(test_find_and_walk),
		cmocka_unit_test(test_newest_outbound_found),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_key_schedules_shared),
		cmocka_unit_test(test_window_edges),
		cmocka_unit_test(test_window_start),
		cmocka_unit_test(test_window_model),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_what_was_sent),
		cmocka_unit_test(test_watched),
		cmocka_unit_test(test_first_packet),
		cmocka_unit_test(test_one_spi_for_several),
	};

	return cmocka_run_group_tests_name("sad", tests, NULL, NULL);
}
