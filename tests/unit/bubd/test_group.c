/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which home agent of a group this one is, against a daemon, a store and a machine that the test
 * plays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bub/ip6.h"
#include "group.h"

struct world {
	uv_loop_t loop;
	struct log log;
	struct group *group;
	enum group_role role;
	unsigned takes, releases, offers, peeks;
	bool here, store_fails, serves_at_release;
};

static void world_take(void *ctx)
{
	((struct world *)ctx)->takes++;
}

static void world_release(void *ctx)
{
	struct world *w = ctx;

	w->releases++;
	w->serves_at_release = w->serves_at_release || group_serves(w->group);
}

static void world_hand_over(void *ctx)
{
	((struct world *)ctx)->offers++;
}

static void world_peek(void *ctx)
{
	((struct world *)ctx)->peeks++;
}

static void world_changed(void *ctx, enum group_role role)
{
	((struct world *)ctx)->role = role;
}

static bool world_has_address(void *ctx)
{
	return ((struct world *)ctx)->here;
}

static bool world_answers(void *ctx, char ret_why[static GROUP_WHY_MAX])
{
	(void)snprintf(ret_why, GROUP_WHY_MAX, "no store");
	return !((struct world *)ctx)->store_fails;
}

static uint64_t world_term(void *ctx)
{
	return ((struct world *)ctx)->takes;
}

static const struct in6_addr agent = {{{0x20, 1, 0xd, 0xb8, [15] = 1}}};

static int world_open(void **state)
{
	static struct world w;
	const struct group_host host = {.ctx = &w,
					.take = world_take,
					.release = world_release,
					.hand_over = world_hand_over,
					.peek = world_peek,
					.changed = world_changed,
					.has_address = world_has_address,
					.answers = world_answers,
					.term = world_term};

	w = (struct world){.log = {.level = LNX_LOG_ERROR}};
	assert_int_equal(uv_loop_init(&w.loop), 0);
	w.group = group_open(&w.loop, &w.log, &agent, &host);
	assert_non_null(w.group);
	group_start(w.group, false);
	*state = &w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	assert_false(w->serves_at_release);
	group_close(w->group);
	(void)uv_run(&w->loop, UV_RUN_DEFAULT);
	group_free(w->group);
	return uv_loop_close(&w->loop);
}

/* Until the group has looked @n times. */
static void world_looks(struct world *w, unsigned n)
{
	for (const unsigned end = w->peeks + n; w->peeks < end;) {
		(void)uv_run(&w->loop, UV_RUN_ONCE);
		group_peeked(w->group, false);
	}
}

static void world_becomes_active(struct world *w)
{
	char why[GROUP_WHY_MAX] = "";

	assert_int_equal(group_active(w->group, why), 0);
	assert_int_equal(w->role, GROUP_TAKING);
	group_taken(w->group, NULL);
	assert_int_equal(w->role, GROUP_ACTIVE);
}

static bool world_is_fit(const struct world *w)
{
	char why[GROUP_WHY_MAX] = "";

	return group_is_fit(w->group, why);
}

static void standby_until_told(void **state)
{
	struct world *w = *state;
	char why[GROUP_WHY_MAX] = "";

	assert_int_equal(w->role, GROUP_STANDBY);
	world_looks(w, 2);
	assert_int_equal(w->takes, 0);
	assert_false(group_serves(w->group));
	assert_true(world_is_fit(w));
	world_becomes_active(w);
	assert_true(group_serves(w->group));
	assert_int_equal(group_active(w->group, why), 0); /* it is */
	assert_int_equal(w->takes, 1);
	assert_int_equal(group_standby(w->group, why), 0);
	assert_int_equal(w->role, GROUP_STANDBY);
	assert_int_equal(w->releases, 1);
	assert_int_equal(w->offers, 1); /* who has been told already may go ahead */
	world_becomes_active(w);
}

static void fenced_at_once(void **state)
{
	struct world *w = *state;
	char why[GROUP_WHY_MAX] = "";

	world_becomes_active(w);
	w->here = true;
	group_fenced(w->group, "another one has term 2");
	assert_int_equal(w->role, GROUP_STANDBY);
	assert_int_equal(w->releases, 1);
	/* The address has to leave, and nothing is claimed back by itself: two would do it in turn.
	 */
	assert_false(world_is_fit(w));
	world_looks(w, 7);
	assert_int_equal(w->takes, 1);
	w->here = false;
	assert_true(world_is_fit(w));
	assert_int_equal(group_active(w->group, why), 0);
	assert_int_equal(w->takes, 2);
	group_fenced(w->group, "while it was loading");
	assert_int_equal(w->role, GROUP_STANDBY);
	group_taken(w->group, NULL); /* too late */
	assert_int_equal(w->role, GROUP_STANDBY);
}

static void who_was_fenced_comes_back_when_it_is_offered(void **state)
{
	struct world *w = *state;

	world_becomes_active(w);
	group_fenced(w->group, "");
	group_peeked(w->group, true);
	assert_int_equal(w->role, GROUP_TAKING);
}

static void a_store_that_fails_is_asked_again(void **state)
{
	struct world *w = *state;
	char why[GROUP_WHY_MAX] = "";

	assert_int_equal(group_active(w->group, why), 0);
	group_taken(w->group, "a record is damaged");
	assert_int_equal(w->role, GROUP_STANDBY);
	assert_int_equal(w->releases, 1);
	world_looks(w, 6);
	assert_int_equal(w->takes, 2);
	group_taken(w->group, NULL);
}

/* How many lines group_taken() logs for this reason, when it is tried at once or again. */
static unsigned lines_of_failure(struct world *w, const char *why)
{
	FILE *log = tmpfile();
	const int before = dup(STDERR_FILENO);
	unsigned lines = 0;
	int c;

	assert_non_null(log);
	assert_int_equal(dup2(fileno(log), STDERR_FILENO), STDERR_FILENO);
	group_taken(w->group, why);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(before);
	rewind(log);
	while ((c = fgetc(log)) != EOF)
		lines += c == '\n';
	(void)fclose(log);
	return lines;
}

static void what_stands_in_the_way_is_told_once(void **state)
{
	struct world *w = *state;
	char why[GROUP_WHY_MAX] = "";

	assert_int_equal(group_active(w->group, why), 0);
	assert_int_equal(lines_of_failure(w, "wrong password"), 1);
	world_looks(w, 6);
	assert_int_equal(lines_of_failure(w, "wrong password"), 0);
	world_looks(w, 6);
	assert_int_equal(lines_of_failure(w, "a record is damaged"), 1);
	assert_int_equal(group_active(w->group, why), 0); /* who asks again is answered again */
	assert_int_equal(lines_of_failure(w, "a record is damaged"), 1);
}

/* Where it fails for all, the address stays with who serves. */
static void who_serves_is_the_last_to_be_unfit(void **state)
{
	struct world *w = *state;
	char why[GROUP_WHY_MAX] = "";

	world_looks(w, 1);
	w->store_fails = true;
	assert_false(world_is_fit(w));
	world_looks(w, 1);
	w->store_fails = false;
	world_looks(w, 1);
	assert_false(world_is_fit(w)); /* not the first to be fit again */
	world_becomes_active(w);
	assert_true(world_is_fit(w));
	w->store_fails = true;
	world_looks(w, 20);
	assert_true(world_is_fit(w));
	world_looks(w, 6);
	assert_false(world_is_fit(w));
	w->store_fails = false;
	assert_true(world_is_fit(w));
	assert_int_equal(group_standby(w->group, why), 0);
}

static void drained(void **state)
{
	struct world *w = *state;
	char why[GROUP_WHY_MAX] = "";

	world_becomes_active(w);
	w->here = true;
	assert_int_equal(group_drain(w->group, why), 0);
	assert_int_equal(w->role, GROUP_DRAINING);
	assert_int_equal(w->offers, 1);
	assert_false(group_serves(w->group));
	assert_true(world_is_fit(w)); /* the address waits until another one serves */
	assert_int_equal(group_active(w->group, why), -1);
	group_fenced(w->group, "");
	assert_int_equal(w->role, GROUP_LEAVING);
	assert_int_equal(w->releases, 0); /* data goes on */
	assert_false(world_is_fit(w));
	assert_int_equal(group_standby(w->group, why), 0);
	assert_int_equal(w->role, GROUP_LEAVING);
	world_looks(w, 3);
	assert_int_equal(w->role, GROUP_LEAVING);
	w->here = false;
	world_looks(w, 6);
	assert_int_equal(w->role, GROUP_STANDBY);
	assert_int_equal(w->releases, 1);
	assert_false(world_is_fit(w));
	group_peeked(w->group, true); /* its own offer, which nobody has taken */
	assert_int_equal(w->role, GROUP_STANDBY);
	assert_int_equal(group_ready(w->group, why), 0);
	assert_true(world_is_fit(w));
}

static void who_is_not_told_lets_others_go_first(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 3; i++)
		group_peeked(w->group, true);
	assert_int_equal(w->role, GROUP_STANDBY);
	group_peeked(w->group, true);
	assert_int_equal(w->role, GROUP_TAKING);
}

/* A Binding Update, up to its first octets. */
static struct bub_event binding_update(uint8_t *packet, enum bub_ingress ingress)
{
	struct bub_event ev = {.type = BUB_EV_PACKET};

	memset(packet, 0, 56);
	packet[0] = 0x60;
	packet[5] = 16;
	packet[6] = 135;
	memcpy(packet + 24, &agent, sizeof(agent));
	packet[40] = 59;
	packet[41] = 1;
	packet[42] = 5;
	ev.u.packet.data = (struct bub_view){packet, 56};
	ev.u.packet.ingress = ingress;
	return ev;
}

static void only_the_active_one_answers(void **state)
{
	struct world *w = *state;
	uint8_t packet[56];
	struct bub_event ev = binding_update(packet, BUB_INGRESS_ESP_TRANSPORT);
	const struct bub_event other = {.type = BUB_EV_COMMAND};

	assert_true(group_mutes(w->group, &ev));
	assert_int_equal(group_muted(w->group), 1);
	assert_false(group_mutes(w->group, &other));
	assert_false(group_mutes(NULL, &ev));
	packet[39] = 2; /* somebody else's */
	assert_false(group_mutes(w->group, &ev));
	packet[39] = 1;
	world_becomes_active(w);
	assert_false(group_mutes(w->group, &ev));
	assert_int_equal(group_muted(w->group), 1);
}

int main(void)
{
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		WITH_WORLD(standby_until_told),
		WITH_WORLD(fenced_at_once),
		WITH_WORLD(who_was_fenced_comes_back_when_it_is_offered),
		WITH_WORLD(a_store_that_fails_is_asked_again),
		WITH_WORLD(what_stands_in_the_way_is_told_once),
		WITH_WORLD(who_serves_is_the_last_to_be_unfit),
		WITH_WORLD(drained),
		WITH_WORLD(who_is_not_told_lets_others_go_first),
		WITH_WORLD(only_the_active_one_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
