/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MTU inside a tunnel, against what src/esp makes of packets of that size: the largest one that
 * is let in fits the link, and one octet more would not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "esp_keys.h"
#include "internal.h"

#define SECRET "sixteen octets or more"

static size_t sealed_len(struct esp_sa *sa, size_t inner_len)
{
	static uint8_t inner[10000], out[11000];
	const struct in6_addr outer = {{{0x20, 0x01}}};
	const uint8_t iv[16] = {0};
	size_t len = 0;

	inner[0] = 0x60;
	inner[4] = (uint8_t)((inner_len - 40) >> 8);
	inner[5] = (uint8_t)(inner_len - 40);
	assert_int_equal(
		esp_seal_tunnel(sa, &outer, &outer, inner, inner_len, iv, out, sizeof(out), &len),
		ESP_OK);
	return len;
}

static void test_esp_fits(void **state)
{
	const struct in6_addr home = {{{0x20, 0x01, [15] = 1}}}, agent = {{{0x20, 0x01, [15] = 2}}};
	struct esp_sa_params p[ESP_SET_COUNT];
	struct esp_sad *sad = esp_sad_new(ESP_SET_COUNT);
	const char *error = NULL;
	struct esp_sa *sa;

	assert_non_null(sad);
	assert_int_equal(
		esp_derive_set((const uint8_t *)SECRET, strlen(SECRET), &home, &agent, false, p),
		0);
	sa = esp_sad_add(sad, &p[ESP_SET_TUNNEL_UP], &error);
	assert_non_null(sa);
	for (uint32_t link = 1400; link <= 9000; link += link < 1600 ? 1 : 97) {
		uint32_t mtu = link_tunnel_mtu(link, true);

		assert_true(sealed_len(sa, mtu) <= link);
		assert_true(sealed_len(sa, mtu + 1) > link);
	}
	esp_sad_free(sad);
}

static void test_plain_fits(void **state)
{
	assert_int_equal(link_tunnel_mtu(1500, false), 1460);
	assert_int_equal(link_tunnel_mtu(1320, false), 1280);
}

/* No IPv6 interface may have less (RFC 8200, 5). */
static void test_lower_bound(void **state)
{
	assert_int_equal(link_tunnel_mtu(1280, true), 1280);
	assert_int_equal(link_tunnel_mtu(0, true), 1280);
	assert_int_equal(link_tunnel_mtu(0, false), 1280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_esp_fits),
		cmocka_unit_test(test_plain_fits),
		cmocka_unit_test(test_lower_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
