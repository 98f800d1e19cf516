/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that runs out: each allocation of an agreement fails in turn, those of libcrypto and of
 * this code.  Whatever comes of it, nobody crashes, nothing is lost, and nobody agrees alone with
 * keys that are none.
 *
 * An argument N: only each Nth fails.  All take a minute, and with sanitizers two.
 */
#include "keys_test.h"

#include <stdlib.h>

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static unsigned long allocations; /* so far */
static unsigned long fails;       /* this one; 0: none */
static unsigned long stride = 1;

static bool is_refused(void)
{
	return ++allocations == fails;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

static void *oom_malloc(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_refused() ? NULL : malloc(len);
}

static void *oom_realloc(void *old, size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_refused() ? NULL : realloc(old, len);
}

static void oom_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Sessions of @p, whose contexts are there; returns whether all went well. */
static bool try(struct pair *p, unsigned long which)
{
	const struct keys_server_params server = {.now = p->now, .wall_s = p->ha_wall, .user = p};
	bool agreed = false;

	allocations = 0;
	fails = which;
	p->client = p->server = (struct end){0};
	p->ask.now = p->now;
	p->ask.wall_s = p->mn_wall;
	p->client.s = keys_client_new(p->mn_ctx, &p->ask);
	p->server.s = keys_server_new(p->ha_ctx, &server);
	if (p->client.s != NULL && p->server.s != NULL)
		pair_move(p);
	fails = 0;
	if (p->client.s != NULL && p->server.s != NULL) {
		agreed = keys_agreed_of(p->client.s) != NULL && keys_agreed_of(p->server.s) != NULL;
		if (agreed)
			assert_agreed(p);
	}
	keys_session_free(p->client.s);
	keys_session_free(p->server.s);
	return agreed;
}

static void each_fails(struct pair *p)
{
	unsigned long all = 0;
	unsigned failed = 0;

	assert_true(try(p, 0)); /* what is fetched once is there from now on */
	assert_true(try(p, 0));
	all = allocations;
	assert_true(all > 100);
	for (unsigned long which = 1; which <= all; which += stride)
		failed += !try(p, which);
	assert_true(failed > 0);
	assert_true(try(p, 0));
}

static void test_by_psk(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_contexts(&p);
	each_fails(&p);
	p.client.s = p.server.s = NULL;
	pair_done(&p);
}

static void test_by_ca(void **state)
{
	struct cert ca, mn, ha;
	struct pair p;

	(void)state;
	pair_init(&p);
	pair_use_ca(&p, &ca, &mn, &ha);
	pair_contexts(&p);
	each_fails(&p);
	p.client.s = p.server.s = NULL;
	pair_done(&p);
	cert_free(&mn);
	cert_free(&ha);
	cert_free(&ca);
}

static void test_contexts(void **state)
{
	struct cert ca, c;
	struct pair p;
	char crl[KEYS_PEM_MAX], why[KEYS_TEXT_MAX] = "";
	unsigned long all = 0;

	(void)state;
	cert_make(&ca, &(struct cert_wish){.name = "our CA", .ca = true});
	cert_make(&c, &(struct cert_wish){.name = "both", .issuer = &ca});
	crl_make(&ca, 0, WALL - DAY, WALL + DAY, crl);
	pair_init(&p);
	pair_use_certificates(&p, &c, &c);
	p.mn.trust.ca = p.ha.trust.ca = text_of(ca.pem);
	p.mn.trust.crl = p.ha.trust.crl = text_of(crl);
	for (unsigned long which = 0; which <= all; which += stride) {
		struct keys_context *mn = NULL, *ha = NULL;

		allocations = 0;
		fails = which;
		mn = keys_client_context_new(&p.mn, why);
		ha = keys_server_context_new(&p.ha, why);
		fails = 0;
		if (which == 0)
			all = allocations;
		assert_true(why[0] != '\0' || (mn != NULL && ha != NULL));
		keys_context_free(mn);
		keys_context_free(ha);
	}
	cert_free(&ca);
	cert_free(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_psk),
		cmocka_unit_test(test_by_ca),
		cmocka_unit_test(test_contexts),
	};

	if (argc > 1)
		stride = strtoul(argv[1], NULL, 10);
	if (stride == 0 || CRYPTO_set_mem_functions(oom_malloc, oom_realloc, oom_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
