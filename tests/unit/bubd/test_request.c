/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control protocol: replies by content, from an engine whose status is made up here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lacking.h"
#include "request.h"

/* ---- A made-up engine and kernel room ------------------------------------------------------ */

struct bub_engine {
	unsigned n_homes, n_peers, n_clients, n_memberships;
	const char *obstacle; /* to a BUB test */
	struct bub_counters counters;
};

static bool troubled; /* much is wrong */

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

bool bub_engine_home_status(const struct bub_engine *eng, struct bub_time now, unsigned index,
			    struct bub_home_status *ret)
{
	(void)now;
	if (index >= eng->n_homes)
		return false;
	*ret = (struct bub_home_status){
		.address = addr("2001:db8:1::10"),
		.home_agent = addr("2001:db8:1::1"),
		.care_of = index == 0 ? addr("2001:db8:a::10") : in6addr_any,
		.state = index == 0 ? "registered" : "at home",
		.why = "since a test",
		.lifetime_s = index == 0 ? 3599 : 0,
		.sequence = 65535,
		.prefix = index == 0 ? "deprecated" : "unknown",
		.prefix_lifetime_s = index == 0 ? 77 : 0,
		.nat = index == 0,
		.nat_refresh_s = index == 0 ? 110 : 0,
	};
	if (index == 0) {
		ret->trouble = BUB_TROUBLE_PROHIBITED;
		ret->reporter = addr("2001:db8::7");
		ret->unanswered = 4;
		ret->unanswered_s = 21;
	}
	return true;
}

const char *bub_engine_bub_obstacle(const struct bub_engine *eng, const struct in6_addr *peer)
{
	(void)peer;
	return eng->obstacle;
}

bool bub_engine_peer_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			    struct bub_peer_status *ret)
{
	(void)now;
	if (*at >= eng->n_peers)
		return false;
	++*at;
	*ret = (struct bub_peer_status){
		.local = addr("2001:db8:1::10"),
		.peer = addr("2001:db8:2::10"),
		.local_care_of = addr("2001:db8:a::10"),
		.mode = troubled ? BUB_MODE_RO : BUB_MODE_BUB,
		.why = "since the DH exchange",
		.test = "succeeded",
		.direct_path = "filtered",
		.sequence_out = 7,
		.sequence_in = 9,
		.lifetime_s = 3000,
		.peer_lifetime_s = 2000,
		.handovers = 3,
	};
	return true;
}

bool bub_engine_client_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
			      struct bub_client_status *ret)
{
	(void)now;
	if (*at >= eng->n_clients)
		return false;
	++*at;
	*ret = (struct bub_client_status){
		.home = addr("2001:db8:1::20"),
		.registered = true,
		.care_of = addr("::ffff:192.0.2.20"),
		.nat = true,
		.link_local = true,
		.lifetime_s = 60,
		.sequence = 4,
	};
	return true;
}

bool bub_engine_client(const struct bub_engine *eng, struct bub_time now,
		       const struct in6_addr *home, struct bub_client_status *ret)
{
	unsigned at = 0;

	return bub_engine_client_status(eng, now, &at, ret) && bub_addr_eq(&ret->home, home);
}

void bub_engine_table_use(const struct bub_engine *eng, struct bub_table_use *ret)
{
	*ret = (struct bub_table_use){.clients = eng->n_clients, .registered = eng->n_clients};
}

bool bub_engine_membership_status(const struct bub_engine *eng, struct bub_time now, unsigned *at,
				  struct bub_membership_status *ret)
{
	(void)now;
	if (*at >= eng->n_memberships)
		return false;
	++*at;
	*ret = (struct bub_membership_status){
		.group = addr("ff1e::1234"),
		.home = addr("2001:db8:1::20"),
		.lifetime_s = 250,
	};
	return true;
}

const struct bub_counters *bub_engine_counters(const struct bub_engine *eng)
{
	return &eng->counters;
}

const char *bub_mode_name(enum bub_mode mode)
{
	static const char *const name[] = {"plain", "tunnel", "ro", "bub"};

	return name[mode];
}

unsigned lnx_counters(struct lnx *lnx, struct lnx_counter *ret, unsigned cap)
{
	(void)lnx;
	assert_true(cap >= 2);
	ret[0] = (struct lnx_counter){"data-out", UINT64_MAX, false};
	ret[1] = (struct lnx_counter){"data-hao-no-binding", 0, true};
	return 2;
}

bool lnx_failure_next(const struct lnx *lnx, unsigned *at, struct lnx_failure *ret)
{
	(void)lnx;
	if ((*at)++ > 0)
		return false;
	*ret = (struct lnx_failure){addr("2001:db8:b::5"), "wl1", 3};
	return true;
}

bool lnx_care_of_next(const struct lnx *lnx, unsigned *at, struct lnx_care_of *ret)
{
	(void)lnx;
	if (*at > 1)
		return false;
	*ret = (struct lnx_care_of){.addr = addr(*at == 0 ? "2001:db8:a::10" : "2001:db8:b::5"),
				    .router = *at == 0 ? addr("fe80::1") : in6addr_any,
				    .interface = "wl0",
				    .preference = 7 - (int32_t)*at,
				    .failures = 3 * *at};
	++*at;
	return true;
}

bool lnx_is_away(const struct lnx *lnx, const struct in6_addr *home)
{
	struct in6_addr away = addr("2001:db8:1::10");

	(void)lnx;
	return memcmp(home, &away, sizeof(away)) == 0;
}

bool lnx_tunnel_ends(const struct lnx *lnx, const struct in6_addr *home, struct in6_addr *ret_local,
		     struct in6_addr *ret_remote)
{
	(void)home;
	(void)lnx;
	*ret_local = addr("2001:db8:a::10");
	*ret_remote = addr("2001:db8:1::1");
	return true;
}

bool sas_status(const struct sas *sas, size_t *at, struct esp_sa_status *ret,
		struct bub_time *ret_since)
{
	(void)sas;
	if (*at > 1)
		return false;
	*ret = (struct esp_sa_status){
		.spi = 0xabcdef01,
		.direction = *at == 0 ? ESP_OUT : ESP_IN,
		.mode = *at == 0 ? ESP_TRANSPORT : ESP_TUNNEL,
		.alg = esp_alg_info(*at == 0 ? ESP_AES_CBC_HMAC_SHA256_128 : ESP_AES_128_GCM),
		.covers = *at == 0 ? ESP_CLASS_BINDING : ESP_CLASS_MOBILITY | ESP_CLASS_PAYLOAD,
		.owner = addr(*at == 0 ? "2001:db8:1::10" : "2001:db8:1::20"),
		.sequence = 7,
		.exhausted = *at == 0,
		.packets = 5,
		.octets = 600,
	};
	ret->errors[ESP_REPLAY] = 3;
	ret->errors[ESP_DUMMY] = 2; /* no fault */
	*ret_since = (struct bub_time){0};
	++*at;
	return true;
}

bool lnx_home_interface(const struct lnx *lnx, const struct in6_addr *home,
			const struct in6_addr *care_of, char ret_name[static 16])
{
	(void)lnx;
	(void)home;
	if (IN6_IS_ADDR_UNSPECIFIED(care_of))
		return false;
	(void)snprintf(ret_name, 16, "wl0");
	return true;
}

enum lnx_way lnx_way(const struct lnx *lnx, const struct in6_addr *local,
		     const struct in6_addr *peer, struct in6_addr *ret_out_src,
		     struct in6_addr *ret_out_dst)
{
	struct in6_addr known = addr("2001:db8:2::10");

	(void)lnx;
	if (memcmp(peer, &known, sizeof(known)) != 0)
		return lnx_is_away(lnx, local) ? LNX_WAY_TUNNEL : LNX_WAY_ROUTED;
	*ret_out_src = addr("2001:db8:a::10");
	*ret_out_dst = addr("2001:db8:b::10");
	return LNX_WAY_DIRECT;
}

bool lnx_traffic(struct lnx *lnx, const struct in6_addr *local, const struct in6_addr *peer,
		 struct lnx_traffic *ret)
{
	const struct in6_addr known = addr("2001:db8:2::10");

	(void)lnx;
	(void)local;
	*ret = (struct lnx_traffic){.in_packets = 1,
				    .in_octets = 2,
				    .in_refused = 3,
				    .out_packets = 4,
				    .out_octets = 5,
				    .out_dropped = 6};
	if (troubled)
		*ret = (struct lnx_traffic){.out_packets = 12};
	return bub_addr_eq(peer, &known);
}

const char *lnx_shared(const struct lnx *lnx)
{
	(void)lnx;
	return troubled ? "another program uses what is bubd's alone: rule 1001" : NULL;
}

/* ---- A handover ---------------------------------------------------------------------------- */

static void no_turn(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		    const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of)
{
	(void)ctx;
	(void)local;
	(void)peer;
	(void)local_care_of;
	(void)peer_care_of;
}

static bool no_traffic(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		       struct lnx_traffic *ret)
{
	(void)ctx;
	(void)local;
	(void)peer;
	*ret = (struct lnx_traffic){.in_refused = 3};
	return false;
}

static void not_told(void *ctx, const struct handover *h)
{
	(void)ctx;
	(void)h;
}

/* The peer has moved 8 s before @now. */
static struct handovers *one_handover(struct bub_time now)
{
	const struct handovers_host host = {
		.turn = no_turn, .traffic = no_traffic, .done = not_told};
	struct handovers *hs = handovers_new(&host, 4, 1);
	const struct bub_time then = {now.ns - 8 * BUB_NS_PER_S};
	struct bub_action act = {.type = BUB_ACT_PATH_SET};

	act.u.path.local = addr("2001:db8:1::10");
	act.u.path.peer = addr("2001:db8:2::10");
	act.u.path.in_care_of = addr("2001:db8:c::1");
	handovers_action(hs, then, &act);
	act.u.path.in_care_of = addr("2001:db8:d::1");
	handovers_action(hs, then, &act);
	handovers_expire(hs, then);
	handovers_expire(hs, now);
	return hs;
}

/* ---- The tests ----------------------------------------------------------------------------- */

struct bub_time lnx_now(void)
{
	return (struct bub_time){0};
}

bool bub_engine_has_client(const struct bub_engine *eng, const struct in6_addr *home)
{
	(void)eng;
	(void)home;
	return false;
}

struct fixture {
	struct complaints complaints;
	struct bub_engine engine;
	struct bub_config cfg;
	struct handovers *handovers;
	struct gaps gaps;
	struct request_target target;
	unsigned n_commands;
	enum bub_command command;
	struct in6_addr peer;
	struct reload_result reload;
	char interface[16];
	bool once;
	int prefer_error;
	bool watch;
};

static void on_command(void *ctx, enum bub_command what, const struct in6_addr *peer)
{
	struct fixture *f = ctx;

	f->n_commands++;
	f->command = what;
	f->peer = *peer;
}

static void on_reload(void *ctx, struct reload_result *ret)
{
	struct fixture *f = ctx;

	f->n_commands++;
	*ret = f->reload;
}

static int on_prefer(void *ctx, const char *interface, bool once)
{
	struct fixture *f = ctx;

	f->n_commands++;
	(void)snprintf(f->interface, sizeof(f->interface), "%s",
		       interface != NULL ? interface : "-");
	f->once = once;
	return f->prefer_error;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bub_time now = {9 * BUB_NS_PER_S};

	f->complaints.slot[3] = (struct complaint){
		.kind = COMPLAINT_SECRET,
		.home = addr("2001:db8:1::20"),
		.from = addr("2001:db8:b::20"),
		.to = addr("2001:db8:1::1"),
		.spi = 0x1234,
		.times = 3,
		.first = {5 * BUB_NS_PER_S},
		.last = {9 * BUB_NS_PER_S},
	};
	f->cfg.n_homes = 2;
	f->cfg.ha.enabled = true;
	f->engine.n_homes = 2;
	f->engine.n_peers = 1;
	f->engine.n_clients = 1;
	f->engine.n_memberships = 1;
	f->engine.counters.drop[BUB_DROP_MH_CHECKSUM] = 5;
	f->engine.counters.sent[BUB_MH_BU] = 6;
	f->engine.counters.dh_received[2] = 8;
	f->engine.counters.handovers = 11;
	f->handovers = one_handover(now);
	f->target = (struct request_target){
		.src = {.node = "mn1",
			.cfg = &f->cfg,
			.engine = &f->engine,
			.complaints = &f->complaints,
			.storing = "disk full",
			.handovers = f->handovers,
			.gaps = &f->gaps,
			.now = now},
		.command = on_command,
		.reload = on_reload,
		.prefer = on_prefer,
		.ctx = f,
		.ret_watch = &f->watch,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	handovers_free(f->handovers);
	free(f);
	return 0;
}

/* Asks and parses the one line that comes back. */
static json_t *ask_octets(struct fixture *f, const char *request, size_t len)
{
	char *line = request_answer(request, len, &f->target);
	json_t *reply = NULL;

	assert_non_null(line);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	reply = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(reply);
	free(line);
	return reply;
}

static json_t *ask(struct fixture *f, const char *request)
{
	return ask_octets(f, request, strlen(request));
}

static void assert_same_json(const json_t *have, const char *expected_text)
{
	json_t *expected = json_loads(expected_text, JSON_DECODE_ANY, NULL);

	assert_non_null(expected);
	if (json_equal(have, expected) != 1) {
		char *text = json_dumps(have, JSON_INDENT(1) | JSON_ENCODE_ANY);

		print_message("have: %s\n", text);
		free(text);
		fail();
	}
	json_decref(expected);
}

#define CARRIER                                                                                    \
	"\"carrier\": {\"name\": \"udp\", \"why\": \"answered first\", \"address\": null,"         \
	" \"port\": 4500},"                                                                        \
	"\"esp\": {\"by\": \"user\", \"why\": \"configured\", \"in_packets\": 0, \"in_octets\": "  \
	"0,"                                                                                       \
	" \"out_packets\": 7, \"out_octets\": 0},"

static void why_tells_what_else_was_seen(void **state)
{
	json_t *r = NULL;

	troubled = true;
	r = ask(*state, "{\"cmd\": \"show\"}");
	troubled = false;
	assert_same_json(json_object_get(json_array_get(json_object_get(r, "homes"), 1), "why"),
			 "\"since a test; another program uses what is bubd's alone: rule 1001\"");
	assert_same_json(
		json_object_get(json_array_get(json_object_get(r, "peers"), 0), "why"),
		"\"since the DH exchange; 12 packets went by the direct path, and none came: a "
		"firewall may drop their headers\"");
	json_decref(r);
}

static void show_has_everything(void **state)
{
	json_t *r = ask(*state, "{\"cmd\": \"show\"}");

	assert_int_equal(json_object_size(r), 14);
	assert_same_json(json_object_get(r, "node"), "\"mn1\"");
	assert_same_json(json_object_get(r, "roles"),
			 "[\"mobile-node\", \"home-agent\", \"correspondent\"]");
	assert_same_json(json_object_get(r, "homes"),
			 "[{\"address\": \"2001:db8:1::10\", \"home_agent\": \"2001:db8:1::1\","
			 " \"home_agent_name\": null, \"name_trouble\": null,"
			 "  \"unbound_direct\": false,"
			 "  \"care_of\": \"2001:db8:a::10\", \"interface\": \"wl0\", \"state\": "
			 "\"registered\","
			 "  \"why\": \"since a test (no answer 4 times in 21 s; says 2001:db8::7);"
			 " no answer by 2001:db8:b::5 on wl1\", \"trouble\": \"prohibited\","
			 "  \"lifetime_s\": 3599, \"sequence\": 65535,"
			 "  \"prefix\": \"deprecated\", \"prefix_lifetime_s\": 77," CARRIER
			 "  \"registered_s\": null, \"nat_refresh_s\": 110,"
			 "  \"tunnel\": null, \"last_handover\": null,"
			 "  \"keys\": {\"kind\": \"static\"}},"
			 " {\"address\": \"2001:db8:1::10\", \"home_agent\": \"2001:db8:1::1\","
			 " \"home_agent_name\": null, \"name_trouble\": null,"
			 "  \"unbound_direct\": false,"
			 "  \"care_of\": null, \"interface\": null, \"state\": \"at home\", "
			 "\"lifetime_s\": 0,"
			 "  \"why\": \"since a test\", \"trouble\": null,"
			 "  \"prefix\": \"unknown\", \"prefix_lifetime_s\": 0," CARRIER
			 "  \"registered_s\": null, \"nat_refresh_s\": null,"
			 "  \"tunnel\": null, \"last_handover\": null, "
			 "\"sequence\": 65535, \"keys\": {\"kind\": \"static\"}}]");
	assert_same_json(
		json_object_get(r, "peers"),
		"[{\"local\": \"2001:db8:1::10\", \"peer\": \"2001:db8:2::10\", \"mode\": \"bub\","
		"  \"why\": \"since the DH exchange\", \"path\": \"direct\","
		"  \"out_src\": \"2001:db8:a::10\", \"out_dst\": \"2001:db8:b::10\", \"test\": "
		"\"succeeded\", \"direct_path\": \"filtered\", \"direct_path_why\": null,"
		"  \"local_care_of\": \"2001:db8:a::10\", \"peer_care_of\": null,"
		"  \"sequence_out\": 7, \"sequence_in\": 9, \"lifetime_s\": 3000,"
		"  \"peer_lifetime_s\": 2000, \"handovers\": 3,"
		"  \"key\": null, \"key_age_s\": null,"
		"  \"direct\": {\"packets_in\": 1, \"octets_in\": 2, \"packets_out\": 4,"
		"   \"octets_out\": 5, \"refused_in\": 3, \"dropped_out\": 6},"
		"  \"tunnel\": {\"packets_in\": 0, \"octets_in\": 0, \"packets_out\": 0,"
		"   \"octets_out\": 0},"
		"  \"last_handover\": {\"mode\": \"tunnel\", \"result\": \"done\", \"moved\": "
		"\"peer\","
		"   \"from\": \"2001:db8:1::10\", \"to\": \"2001:db8:1::10\","
		"   \"peer_from\": \"2001:db8:c::1\", \"peer_to\": \"2001:db8:d::1\", \"age_s\": "
		"8,"
		"   \"lost_before_us\": null, \"usable_us\": null, \"update_us\": null,"
		"   \"acknowledged_us\": null, \"data_in_us\": null, \"data_out_us\": null,"
		"   \"gap_us\": null, \"messages_sent\": 0, \"messages_received\": 0,"
		"   \"refused_in\": null, \"dropped_out\": null}}]");
	assert_same_json(json_object_get(r, "clients"),
			 "[{\"home\": \"2001:db8:1::20\", \"registered\": true, "
			 "\"provisional\": false, \"care_of\": "
			 "\"192.0.2.20\", \"nat\": true," CARRIER
			 "  \"lifetime_s\": 60, \"sequence\": 4, \"why\": \"disk full; ESP from "
			 "2001:db8:b::20 to "
			 "2001:db8:1::1 (3 packets in 4 s, SPI 0x00001234) under keys that are "
			 "unknown here: its secret is another one there\","
			 " \"switched\": null, \"keys\": {\"kind\": \"agreed\"}}]");
	assert_same_json(json_object_get(r, "strangers"), "[]");
	assert_same_json(json_object_get(r, "subscribers"), "{\"all\": 1000, \"loaded\": 10}");
	assert_same_json(json_object_get(r, "memberships"),
			 "[{\"group\": \"ff1e::1234\", \"home\": \"2001:db8:1::20\","
			 "  \"lifetime_s\": 250}]");
	assert_int_equal(json_object_size(json_object_get(r, "counters")), 7);
	assert_same_json(json_object_get(json_object_get(r, "counters"), "keys"),
			 "{\"keys-agreed\": 3}");
	assert_same_json(json_object_get(r, "keys"), "null");
	assert_int_equal(json_object_size(json_object_get(r, "handover_gaps")), 4);
	assert_same_json(
		json_array_get(
			json_object_get(json_object_get(json_object_get(r, "handover_gaps"), "bub"),
					"buckets"),
			0),
		"{\"below_ms\": 10, \"n\": 0}");
	json_decref(r);
}

static void assert_refused(struct fixture *f, const char *request, const char *words);

static void show_has_what_is_asked_for(void **state)
{
	static const struct {
		const char *request;
		size_t members, peers, clients;
	} rows[] = {
		{"{\"cmd\":\"show\",\"only\":[\"peers\"]}", 4, 1, 0},
		{"{\"cmd\":\"show\",\"only\":[\"homes\",\"clients\"]}", 11, 0, 1},
		{"{\"cmd\":\"show\",\"only\":[\"counters\"]}", 5, 0, 0},
		{"{\"cmd\":\"show\",\"mode\":\"bub\"}", 14, 1, 1},
		{"{\"cmd\":\"show\",\"mode\":\"ro\"}", 14, 0, 1},
		{"{\"cmd\":\"show\",\"peer\":\"2001:db8:2::10\"}", 14, 1, 0},
		{"{\"cmd\":\"show\",\"peer\":\"2001:db8:1::20\"}", 14, 0, 1},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *r = ask(f, rows[i].request);

		assert_int_equal(json_object_size(r), rows[i].members);
		assert_int_equal(json_array_size(json_object_get(r, "peers")), rows[i].peers);
		assert_int_equal(json_array_size(json_object_get(r, "clients")), rows[i].clients);
		assert_int_equal(json_array_size(json_object_get(r, "memberships")),
				 rows[i].clients);
		json_decref(r);
	}
	assert_refused(f, "{\"cmd\":\"show\",\"peer\":\"2001:db8:9::9\"}", "nothing is known");
	assert_refused(f, "{\"cmd\":\"show\",\"peer\":\"mn2\"}", "no IPv6 address");
	assert_refused(f, "{\"cmd\":\"show\",\"mode\":\"fast\"}", "\"mode\" is none of");
	assert_refused(f, "{\"cmd\":\"show\",\"mode\":7}", "\"mode\" is none of");
	assert_refused(f, "{\"cmd\":\"show\",\"only\":\"peers\"}", "\"only\" is not");
	assert_refused(f, "{\"cmd\":\"show\",\"only\":[]}", "\"only\" is not");
	assert_refused(f, "{\"cmd\":\"show\",\"only\":[\"peers\",\"x\"]}", "\"only\" is not");
	assert_refused(f, "{\"cmd\":\"show\",\"only\":[\"peers\",1]}", "\"only\" is not");
}

/* However many there are: bubd does nothing else meanwhile. */
static void an_answer_has_an_end(void **state)
{
	struct fixture *f = *state;
	json_t *r = NULL;

	f->engine.n_clients = f->engine.n_peers = 250;
	r = ask(f, "{\"cmd\":\"show\"}");
	assert_int_equal(json_array_size(json_object_get(r, "clients")), PAGE_ENTRIES);
	assert_int_equal(json_array_size(json_object_get(r, "peers")), PAGE_ENTRIES);
	assert_same_json(json_object_get(r, "served"), "{\"all\": 250, \"registered\": 250}");
	assert_same_json(json_object_get(r, "more"), "{\"clients\": 100, \"peers\": 100}");
	json_decref(r);
	r = ask(f, "{\"cmd\":\"show\",\"from\":{\"clients\":200}}");
	assert_int_equal(json_object_size(r), 1);
	assert_int_equal(json_array_size(json_object_get(r, "clients")), 50);
	json_decref(r);
	r = ask(f, "{\"cmd\":\"bindings\",\"from\":{\"clients\":100}}");
	assert_int_equal(json_array_size(json_object_get(r, "here")), PAGE_ENTRIES);
	assert_same_json(json_object_get(r, "more"), "{\"clients\": 200}");
	json_decref(r);
	assert_refused(f, "{\"cmd\":\"show\",\"from\":{\"x\":1}}", "\"from\" is not");
	assert_refused(f, "{\"cmd\":\"sas\",\"from\":{\"sas\":-1}}", "\"from\" is not");
}

static void roles_follow_the_configuration(void **state)
{
	struct fixture *f = *state;
	json_t *r = NULL;

	f->cfg.n_homes = 0;
	f->cfg.ha.enabled = false;
	r = ask(f, "{\"cmd\": \"show\"}");
	assert_same_json(json_object_get(r, "roles"), "[\"correspondent\"]");
	json_decref(r);
}

static void counters_have_every_reason(void **state)
{
	json_t *r = ask(*state, "{\"cmd\": \"counters\"}");
	json_t *c = json_object_get(r, "counters");
	json_t *drops = json_object_get(c, "drops");

	assert_int_equal(json_object_size(r), 2);
	assert_int_equal(json_object_size(drops), BUB_DROP_COUNT - 1);
	/* Of every layer: one more here, and one of a group. */
	assert_int_equal(json_object_size(json_object_get(c, "discarded")), BUB_DROP_COUNT + 1);
	assert_int_equal(json_integer_value(json_object_get(drops, "mh-checksum")), 5);
	assert_same_json(json_object_get(drops, "hao-no-binding"), "0");
	assert_null(json_object_get(drops, "none"));
	assert_same_json(json_object_get(c, "sent"),
			 "{\"brr\": 0, \"hoti\": 0, \"coti\": 0, \"hot\": 0, \"cot\": 0, \"bu\": 6,"
			 " \"ba\": 0, \"be\": 0, \"bubc\": 0, \"switch\": 0, \"dh1\": 0, \"dh2\": "
			 "0, \"dh3\": 0,"
			 " \"dh4\": 0}");
	assert_same_json(json_object_get(json_object_get(c, "received"), "dh2"), "8");
	assert_same_json(json_object_get(c, "engine"),
			 "{\"handovers\": 11, \"bub-tests\": 0, \"bub-tests-failed\": 0,"
			 " \"dh-exchanges\": 0, \"dh-failed\": 0, \"tunnel-in\": 0,"
			 " \"tunnel-out\": 0}");
	assert_same_json(json_object_get(c, "data"),
			 "{\"data-out\": 9223372036854775807, \"data-hao-no-binding\": 0}");
	json_decref(r);
}

static void commands_reach_the_engine(void **state)
{
	static const struct {
		const char *request;
		enum bub_command what;
		const char *peer;
	} rows[] = {
		{"{\"cmd\":\"refresh\"}", BUB_CMD_SEND_BINDING_UPDATES, "::"},
		{"{\"cmd\":\"bub-start\",\"peer\":\"2001:db8:2::10\"}", BUB_CMD_START_BUB,
		 "2001:db8:2::10"},
		{"{\"cmd\":\"forget\",\"peer\":\"2001:db8:2:0::10\"}", BUB_CMD_FORGET_PEER,
		 "2001:db8:2::10"},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *r = ask(f, rows[i].request);
		struct in6_addr peer = addr(rows[i].peer);

		assert_same_json(r, "{\"ok\": true}");
		assert_int_equal(f->n_commands, i + 1);
		assert_int_equal(f->command, rows[i].what);
		assert_memory_equal(&f->peer, &peer, sizeof(peer));
		json_decref(r);
	}
}

static void who_monitors_is_known_as_one(void **state)
{
	struct fixture *f = *state;
	json_t *r = ask(f, "{\"cmd\":\"refresh\"}");

	assert_false(f->watch);
	json_decref(r);
	r = ask(f, "{\"cmd\":\"monitor\"}");
	assert_same_json(r, "{\"ok\": true}");
	assert_true(f->watch);
	json_decref(r);
}

static void reload_says_what_it_did(void **state)
{
	struct fixture *f = *state;
	json_t *r = NULL;

	f->reload = (struct reload_result){.clients = {.added = 2, .removed = 1}};
	r = ask(f, "{\"cmd\":\"reload\"}");
	assert_same_json(r, "{\"ok\": true, \"messages\": [], \"added\": 2, \"changed\": 0,"
			    " \"removed\": 1, \"restart_for\": null}");
	json_decref(r);
	(void)snprintf(f->reload.restart_for, sizeof(f->reload.restart_for), "tun, home-agent");
	f->reload.problems = strdup("1 home addresses are not served\n");
	r = ask(f, "{\"cmd\":\"reload\"}");
	assert_same_json(r,
			 "{\"error\": \"not everything could be taken over\","
			 " \"messages\": [\"1 home addresses are not served\"], \"added\": 2,"
			 " \"changed\": 0, \"removed\": 1, \"restart_for\": \"tun, home-agent\"}");
	json_decref(r);
	assert_int_equal(f->n_commands, 2);
}

static void reload_tells_of_mistakes(void **state)
{
	struct fixture *f = *state;
	json_t *r = NULL;

	f->reload.messages = strdup("bubd.conf:1:2: one\nbubd.conf:3:4: two\n");
	r = ask(f, "{\"cmd\":\"reload\"}");
	assert_same_json(r, "{\"error\": \"the configuration has mistakes; nothing was changed\","
			    " \"messages\": [\"bubd.conf:1:2: one\", \"bubd.conf:3:4: two\"]}");
	json_decref(r);
}

static void assert_refused(struct fixture *f, const char *request, const char *words)
{
	json_t *r = ask(f, request);
	const char *error = json_string_value(json_object_get(r, "error"));

	assert_int_equal(json_object_size(r), 1);
	assert_non_null(error);
	if (strstr(error, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", error, words);
	json_decref(r);
}

static void what_has_no_effect_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "{\"cmd\":\"forget\",\"peer\":\"2001:db8:2::99\"}", "nothing is known");
	assert_int_equal(f->n_commands, 0);
	f->cfg.n_homes = 0;
	assert_refused(f, "{\"cmd\":\"refresh\"}", "no mobile node");
	assert_int_equal(f->n_commands, 0);
}

/* In the engine's own words. */
static void bub_start_says_why_not(void **state)
{
	struct fixture *f = *state;

	f->engine.obstacle = "that peer is not known to be away from home";
	assert_refused(f, "{\"cmd\":\"bub-start\",\"peer\":\"2001:db8:2::10\"}",
		       "no BUB test was started: that peer is not known to be away");
	assert_int_equal(f->n_commands, 0);
}

static void an_interface_is_put_first(void **state)
{
	static const struct {
		const char *request;
		const char *interface;
		bool once;
	} rows[] = {
		{"{\"cmd\":\"prefer\",\"interface\":\"wl0\"}", "wl0", false},
		{"{\"cmd\":\"move\",\"interface\":\"wl1\"}", "wl1", true},
		{"{\"cmd\":\"prefer\",\"interface\":null}", "-", false},
	};
	struct fixture *f = *state;
	json_t *r = ask(f, "{\"cmd\":\"prefer\"}");

	assert_int_equal(f->n_commands, 0);
	assert_same_json(r, "{\"interface\": \"wl0\", \"once\": true, \"care_ofs\": ["
			    " {\"address\": \"2001:db8:a::10\", \"interface\": \"wl0\","
			    "  \"router\": \"fe80::1\", \"preference\": 7, \"failures\": 0,"
			    "  \"in_use\": true},"
			    " {\"address\": \"2001:db8:b::5\", \"interface\": \"wl0\","
			    "  \"router\": null, \"preference\": 6, \"failures\": 3,"
			    "  \"in_use\": false}]}");
	json_decref(r);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = ask(f, rows[i].request);
		assert_non_null(json_object_get(r, "care_ofs"));
		assert_int_equal(f->n_commands, i + 1);
		assert_string_equal(f->interface, rows[i].interface);
		assert_int_equal(f->once, rows[i].once);
		json_decref(r);
	}
}

static void an_interface_that_is_not_there(void **state)
{
	const char *request = "{\"cmd\":\"prefer\",\"interface\":\"wl7\"}";
	struct fixture *f = *state;

	f->prefer_error = -ENODEV;
	assert_refused(f, request,
		       "\"wl7\" is no interface that bubd holds care-of addresses on; "
		       "there are some on: wl0");
	f->prefer_error = -ENETDOWN;
	assert_refused(f, request, "\"wl7\" has no carrier");
	f->prefer_error = -EADDRNOTAVAIL;
	assert_refused(f, request, "\"wl7\" has no care-of address");
	assert_int_equal(f->n_commands, 3);
	assert_refused(f, "{\"cmd\":\"prefer\",\"interface\":7}", "needs an interface");
	assert_refused(f, "{\"cmd\":\"move\",\"interface\":null}", "needs an interface");
	assert_refused(f, "{\"cmd\":\"move\"}", "move needs an interface");
	f->cfg.n_homes = 0;
	assert_refused(f, request, "no mobile node");
	assert_int_equal(f->n_commands, 3);
}

static void ping_says_what_there_is(void **state)
{
	struct fixture *f = *state;
	json_t *r = ask(f, "{\"cmd\":\"ping\",\"peer\":\"2001:db8:2::10\"}");

	assert_same_json(r, "{\"local\": \"2001:db8:1::10\", \"away\": true, \"own_ifindex\": 77,"
			    " \"mark\": 6452578, \"paths\": [{\"path\": \"direct\", \"why\": null},"
			    " {\"path\": \"home-agents\", \"why\": null}]}");
	json_decref(r);
	/* Of somebody who is not known the first home address asks. */
	r = ask(f, "{\"cmd\":\"ping\",\"peer\":\"2001:db8:9::9\"}");
	assert_same_json(
		json_object_get(r, "paths"),
		"[{\"path\": \"direct\", \"why\": \"nothing is known of that peer, which has "
		"to be sent something first\"}, {\"path\": \"home-agents\", \"why\": null}]");
	json_decref(r);
	f->engine.n_homes = 0;
	r = ask(f, "{\"cmd\":\"ping\",\"peer\":\"2001:db8:9::9\"}");
	assert_true(json_is_null(json_object_get(r, "local")));
	assert_same_json(json_object_get(r, "away"), "false");
	assert_same_json(json_array_get(json_object_get(r, "paths"), 1),
			 "{\"path\": \"routed\", \"why\": null}");
	json_decref(r);
	assert_refused(f, "{\"cmd\":\"ping\"}", "needs a peer");
	assert_refused(f, "{\"cmd\":\"ping\",\"peer\":\"ff02::1\"}", "unicast");
}

static void bindings_are_told_both_ways(void **state)
{
	struct fixture *f = *state;
	json_t *r = ask(f, "{\"cmd\":\"bindings\"}");

	assert_same_json(
		json_object_get(r, "here"),
		"[{\"home\": \"2001:db8:1::20\", \"care_of\": \"192.0.2.20\", \"with\": null,"
		" \"home_registration\": true, \"link_local\": true, \"lifetime_s\": 60,"
		" \"sequence\": 4, \"signed_by\": \"ipsec\"}]");
	assert_same_json(
		json_object_get(r, "there"),
		"[{\"home\": \"2001:db8:1::10\", \"care_of\": \"2001:db8:a::10\","
		" \"with\": \"2001:db8:1::1\", \"home_registration\": true, \"sequence\": 65535,"
		" \"link_local\": false, \"lifetime_s\": 3599, \"signed_by\": \"ipsec\"},"
		" {\"home\": \"2001:db8:1::10\", \"care_of\": \"2001:db8:a::10\", \"sequence\": 7,"
		" \"with\": \"2001:db8:2::10\", \"home_registration\": false,"
		" \"link_local\": false, \"lifetime_s\": 3000, \"signed_by\": \"kbm\"}]");
	json_decref(r);
	r = ask(f, "{\"cmd\":\"bindings\",\"peer\":\"2001:db8:2::10\"}");
	assert_int_equal(json_array_size(json_object_get(r, "here")), 0);
	assert_int_equal(json_array_size(json_object_get(r, "there")), 1);
	json_decref(r);
	f->target.src.unprotected = true;
	r = ask(f, "{\"cmd\":\"bindings\",\"peer\":\"2001:db8:1::20\"}");
	assert_same_json(
		json_object_get(json_array_get(json_object_get(r, "here"), 0), "signed_by"),
		"\"nothing\"");
	json_decref(r);
	assert_refused(f, "{\"cmd\":\"bindings\",\"peer\":\"x\"}", "no IPv6 address");
}

static void associations_are_told_without_keys(void **state)
{
	struct fixture *f = *state;
	json_t *r = NULL, *sa = NULL;

	f->target.src.now = (struct bub_time){5 * BUB_NS_PER_S};
	r = ask(f, "{\"cmd\":\"sas\"}");
	assert_int_equal(json_array_size(json_object_get(r, "sas")), 2);
	/* These members and no others. */
	assert_same_json(
		json_array_get(json_object_get(r, "sas"), 0),
		"{\"spi\": 2882400001, \"direction\": \"out\", \"mode\": \"transport\","
		" \"home\": \"2001:db8:1::10\", \"local\": \"2001:db8:a::10\","
		" \"remote\": \"2001:db8:1::1\", \"covers\": [\"binding\"],"
		" \"encryption\": \"aes-cbc\", \"integrity\": \"hmac-sha256-128\","
		" \"state\": \"stopped\", \"sequence\": 7, \"packets\": 5, \"octets\": 600,"
		" \"errors\": {\"esp-replay\": 3}, \"age_s\": 5}");
	json_decref(r);
	r = ask(f, "{\"cmd\":\"sas\",\"peer\":\"2001:db8:1::20\"}");
	assert_int_equal(json_array_size(json_object_get(r, "sas")), 1);
	sa = json_array_get(json_object_get(r, "sas"), 0);
	assert_same_json(json_object_get(sa, "state"), "\"ready\"");
	assert_true(json_is_null(json_object_get(sa, "integrity")));
	assert_same_json(json_object_get(sa, "covers"), "[\"mobility\", \"payload\"]");
	json_decref(r);
}

static void malformed_requests_are_refused(void **state)
{
	static const struct {
		const char *request;
		const char *words;
	} rows[] = {
		{"", "no JSON"},
		{"show", "no JSON"},
		{"{", "no JSON"},
		{"{\"cmd\": \"show\"} x", "no JSON"},
		{"{\"cmd\": \"show\", \"cmd\": \"refresh\"}", "no JSON"},
		{"\xff\xfe", "no JSON"},
		{"[]", "\"cmd\""},
		{"[\"show\"]", "\"cmd\""},
		{"{}", "\"cmd\""},
		{"{\"cmd\": 1}", "\"cmd\""},
		{"{\"cmd\": null}", "\"cmd\""},
		{"{\"cmd\": \"\"}", "unknown command"},
		{"{\"cmd\": \"halt\"}", "unknown command \"halt\"; expected show, "},
		{"{\"cmd\": \"forget\"}", "needs a peer"},
		{"{\"cmd\": \"forget\", \"peer\": 7}", "needs a peer"},
		{"{\"cmd\": \"bub-start\", \"peer\": null}", "needs a peer"},
		{"{\"cmd\": \"bub-start\", \"peer\": \"mn2\"}", "no IPv6 address"},
		{"{\"cmd\": \"bub-start\", \"peer\": \"192.0.2.1\"}", "no IPv6 address"},
		{"{\"cmd\": \"bub-start\", \"peer\": \"ff02::1\"}", "unicast"},
		{"{\"cmd\": \"bub-start\", \"peer\": \"%n%s\"}", "%n%s"},
	};
	struct fixture *f = *state;
	char nul[] = "{\"cmd\":\0\"show\"}";
	json_t *r = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(f, rows[i].request, rows[i].words);
	r = ask_octets(f, nul, sizeof(nul) - 1);
	assert_non_null(json_object_get(r, "error"));
	json_decref(r);
	assert_int_equal(f->n_commands, 0);
}

static void deep_nesting_is_refused(void **state)
{
	char request[REQUEST_MAX];
	json_t *r = NULL;

	memset(request, '[', sizeof(request));
	r = ask_octets(*state, request, sizeof(request));
	assert_non_null(json_object_get(r, "error"));
	json_decref(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(why_tells_what_else_was_seen),   T(show_has_everything),
		T(show_has_what_is_asked_for),     T(roles_follow_the_configuration),
		T(counters_have_every_reason),     T(commands_reach_the_engine),
		T(who_monitors_is_known_as_one),   T(what_has_no_effect_is_refused),
		T(bub_start_says_why_not),         T(malformed_requests_are_refused),
		T(deep_nesting_is_refused),        T(reload_says_what_it_did),
		T(reload_tells_of_mistakes),       T(an_interface_is_put_first),
		T(an_interface_that_is_not_there), T(ping_says_what_there_is),
		T(bindings_are_told_both_ways),    T(associations_are_told_without_keys),
		T(an_answer_has_an_end),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
