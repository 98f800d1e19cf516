/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event log and the key log, by content.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "eventlog.h"
#include "jsonline.h"
#include "keylog.h"

static struct bub_time now = {123456789};

struct bub_time lnx_now(void)
{
	return now;
}

struct fixture {
	char path[64];
	struct log log;
	struct eventlog el;
};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd = -1;

	(void)snprintf(f->path, sizeof(f->path), "/tmp/bub-eventlog-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	(void)close(fd);
	f->log.level = LNX_LOG_ERROR;
	assert_int_equal(eventlog_open(&f->el, f->path, "mn\"1", &f->log), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	eventlog_close(&f->el);
	(void)unlink(f->path);
	free(f);
	return 0;
}

/* The last line of the log, parsed; the members that all events have are checked and taken off. */
static json_t *last_event(struct fixture *f, const char *event)
{
	FILE *fp = fopen(f->path, "re");
	char line[4096] = "";
	json_t *o = NULL;
	double at = 0;

	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL)
		assert_non_null(strchr(line, '\n'));
	(void)fclose(fp);
	o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	at = json_real_value(json_object_get(o, "time"));
	assert_true(at > (double)time(NULL) - 60 && at < (double)time(NULL) + 60);
	assert_int_equal(json_integer_value(json_object_get(o, "mono_ns")), now.ns);
	assert_string_equal(json_string_value(json_object_get(o, "node")), "mn\"1");
	assert_string_equal(json_string_value(json_object_get(o, "event")), event);
	(void)json_object_del(o, "time");
	(void)json_object_del(o, "mono_ns");
	(void)json_object_del(o, "node");
	(void)json_object_del(o, "event");
	return o;
}

static void assert_last(struct fixture *f, const char *event, const char *expected_text)
{
	json_t *have = last_event(f, event);
	json_t *expected = json_loads(expected_text, 0, NULL);

	assert_non_null(expected);
	if (json_equal(have, expected) != 1) {
		char *text = json_dumps(have, 0);

		print_message("have: %s\n", text);
		free(text);
		fail();
	}
	json_decref(expected);
	json_decref(have);
}

static void a_handover(void **state)
{
	struct fixture *f = *state;
	struct handover h = {
		.local = addr("2001:db8:1::10"),
		.peer = addr("2001:db8:2::10"),
		.ours = {true, addr("2001:db8:a::1"), addr("2001:db8:b::1")},
		.mode = HANDOVER_BUB,
		.lost = {1000000},
		.usable = {3000000},
		.began = {3000000},
		.update = {3004000},
		.acknowledged = {93000000},
		.data_in = {94000000},
		.gap_known = true,
		.gap_ns = 95000000,
		.sent = 2,
		.received = 1,
	};

	eventlog_handover(&f->el, &h);
	assert_last(f, "handover",
		    "{\"local\":\"2001:db8:1::10\",\"peer\":\"2001:db8:2::10\",\"mode\":\"bub\","
		    "\"result\":\"done\",\"moved\":\"local\",\"from\":\"2001:db8:a::1\","
		    "\"to\":\"2001:db8:b::1\",\"began_ns\":3000000,\"lost_before_us\":2000,"
		    "\"usable_us\":0,\"update_us\":4,\"acknowledged_us\":90000,"
		    "\"data_in_us\":91000,\"gap_us\":95000,\"messages_sent\":2,"
		    "\"messages_received\":1}");
}

static void start_and_stop(void **state)
{
	struct fixture *f = *state;
	json_t *o = NULL;

	eventlog_start(&f->el, "0.1.0");
	o = last_event(f, "start");
	assert_string_equal(json_string_value(json_object_get(o, "what")), "0.1.0");
	assert_int_equal(json_integer_value(json_object_get(o, "number")), getpid());
	json_decref(o);
	eventlog_stop(&f->el, "SIGTERM");
	assert_last(f, "stop", "{\"what\": \"SIGTERM\"}");
}

/* RFC 4303, 4; and a flood does not fill the disk. */
static void esp_is_audited(void **state)
{
	struct fixture *f = *state;
	struct lnx_esp_drop drop = {
		.why = ESP_REPLAY,
		.src = addr("2001:db8:a::1"),
		.dst = addr("2001:db8:1::1"),
		.spi = 0x1234,
		.sequence = 77,
		.flow = 0xabcde,
	};

	eventlog_esp_drop(&f->el, &drop);
	assert_last(f, "esp-drop",
		    "{\"drop\": \"esp-replay\", \"what\": \"received\","
		    " \"out_src\": \"2001:db8:a::1\", \"out_dst\": \"2001:db8:1::1\","
		    " \"spi\": 4660, \"number\": 77, \"flow\": 703710, \"more\": 0}");
	for (unsigned i = 0; i < 1000; i++) {
		drop.sequence++;
		eventlog_esp_drop(&f->el, &drop);
	}
	drop.sequence = 77 + EVENTLOG_ESP_PER_S - 1;
	assert_last(f, "esp-drop",
		    "{\"drop\": \"esp-replay\", \"what\": \"received\","
		    " \"out_src\": \"2001:db8:a::1\", \"out_dst\": \"2001:db8:1::1\","
		    " \"spi\": 4660, \"number\": 86, \"flow\": 703710, \"more\": 0}");
	now.ns += BUB_NS_PER_S;
	drop.out = true;
	drop.why = ESP_EXHAUSTED;
	eventlog_esp_drop(&f->el, &drop);
	assert_last(f, "esp-drop",
		    "{\"drop\": \"esp-exhausted\", \"what\": \"sent\","
		    " \"out_src\": \"2001:db8:a::1\", \"out_dst\": \"2001:db8:1::1\","
		    " \"spi\": 4660, \"number\": 86, \"flow\": 703710, \"more\": 991}");
}

static void care_of_and_link(void **state)
{
	struct fixture *f = *state;
	struct bub_event ev = {.type = BUB_EV_CARE_OF_NEW, .ifindex = if_nametoindex("lo")};

	ev.u.care_of.address = addr("2001:db8:a::1");
	eventlog_event(&f->el, &ev);
	assert_last(f, "care-of",
		    "{\"usable\": true, \"address\": \"2001:db8:a::1\", \"interface\": \"lo\"}");
	ev.type = BUB_EV_CARE_OF_GONE;
	ev.ifindex = 1u << 30; /* an interface that is gone has no name any more */
	eventlog_event(&f->el, &ev);
	assert_last(f, "care-of",
		    "{\"usable\": false, \"address\": \"2001:db8:a::1\","
		    " \"interface\": \"#1073741824\"}");
	ev = (struct bub_event){.type = BUB_EV_LINK_DOWN, .ifindex = if_nametoindex("lo")};
	eventlog_event(&f->el, &ev);
	assert_last(f, "link-down", "{\"interface\": \"lo\"}");
}

static void other_events_are_no_lines(void **state)
{
	struct fixture *f = *state;
	struct bub_event ev = {.type = BUB_EV_PACKET};
	struct bub_action act = {.type = BUB_ACT_SEND};
	struct stat st;

	eventlog_event(&f->el, &ev);
	eventlog_action(&f->el, &act);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void paths(void **state)
{
	struct fixture *f = *state;
	struct bub_action act = {.type = BUB_ACT_PATH_SET};

	act.u.path = (struct bub_path){
		.local = addr("2001:db8:1::10"),
		.peer = addr("2001:db8:2::10"),
		.direct = true,
		.out_src = addr("2001:db8:a::10"),
		.out_dst = addr("2001:db8:b::10"),
		.in_care_of = addr("2001:db8:b::10"),
	};
	eventlog_action(&f->el, &act);
	assert_last(f, "path",
		    "{\"what\": \"set\", \"local\": \"2001:db8:1::10\","
		    " \"peer\": \"2001:db8:2::10\", \"direct\": true,"
		    " \"out_src\": \"2001:db8:a::10\", \"out_dst\": \"2001:db8:b::10\","
		    " \"care_of\": \"2001:db8:b::10\"}");
	act.type = BUB_ACT_PATH_DEL;
	eventlog_action(&f->el, &act);
	assert_last(f, "path",
		    "{\"what\": \"del\", \"local\": \"2001:db8:1::10\","
		    " \"peer\": \"2001:db8:2::10\"}");
}

static void traces(void **state)
{
	struct fixture *f = *state;
	struct bub_trace tr = {
		.type = BUB_TR_STATE,
		.machine = "bub-test",
		.from = "waiting",
		.to = "succeeded",
		.what = "BUBC",
		.local = addr("2001:db8:1::10"),
		.peer = addr("2001:db8:2::10"),
	};

	eventlog_trace(&f->el, &tr);
	assert_last(f, "state",
		    "{\"machine\": \"bub-test\", \"from\": \"waiting\", \"to\": \"succeeded\","
		    " \"what\": \"BUBC\", \"local\": \"2001:db8:1::10\","
		    " \"peer\": \"2001:db8:2::10\"}");
	tr = (struct bub_trace){
		.type = BUB_TR_SENT,
		.what = "Binding Update",
		.via = "direct",
		.peer = addr("2001:db8:2::10"),
		.care_of = addr("2001:db8:a::10"),
		.number = 0,
	};
	eventlog_trace(&f->el, &tr);
	assert_last(f, "sent",
		    "{\"what\": \"Binding Update\", \"via\": \"direct\","
		    " \"peer\": \"2001:db8:2::10\", \"care_of\": \"2001:db8:a::10\","
		    " \"number\": 0}");
	tr.type = BUB_TR_RECEIVED;
	tr.number = UINT32_MAX;
	eventlog_trace(&f->el, &tr);
	assert_last(f, "received",
		    "{\"what\": \"Binding Update\", \"via\": \"direct\","
		    " \"peer\": \"2001:db8:2::10\", \"care_of\": \"2001:db8:a::10\","
		    " \"number\": 4294967295}");
	tr = (struct bub_trace){.type = BUB_TR_DROP, .drop = BUB_DROP_BU_SEQUENCE};
	eventlog_trace(&f->el, &tr);
	assert_last(f, "drop", "{\"drop\": \"bu-sequence\", \"rule\": \"RFC 6275, 9.5.1\"}");
}

static void keys_never_come_to_the_event_log(void **state)
{
	static const uint8_t secret[] = {0xde, 0xad};
	struct fixture *f = *state;
	struct bub_trace tr = {.type = BUB_TR_KEY, .what = "kabm", .secret = {secret, 2}};
	struct stat st;

	f->log.level = LNX_LOG_DEBUG;
	eventlog_trace(&f->el, &tr);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* What is written for people goes to standard error. */
static void many_drops_are_one_line_a_second(void **state)
{
	struct fixture *f = *state;
	struct bub_trace tr = {.type = BUB_TR_DROP, .drop = BUB_DROP_NO_CARE_OF};
	char text[1024] = "";
	int saved = dup(STDERR_FILENO);
	FILE *out = tmpfile();

	assert_non_null(out);
	assert_true(dup2(fileno(out), STDERR_FILENO) >= 0);
	f->log.level = LNX_LOG_DEBUG;
	tr.peer = addr("2001:db8:2::10");
	for (unsigned ms = 0; ms <= 1000; ms += 10) {
		tr.now = bub_time_add_ms((struct bub_time){0}, ms);
		eventlog_trace(&f->el, &tr);
	}
	tr.drop = BUB_DROP_MH_CHECKSUM;
	eventlog_trace(&f->el, &tr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	rewind(out);
	assert_true(fread(text, 1, sizeof(text) - 1, out) > 0);
	(void)fclose(out);
	assert_string_equal(
		text,
		"debug: dropped: no-care-of (RFC 6275, 11.3.1), from 2001:db8:2::10\n"
		"debug: dropped: no-care-of (RFC 6275, 11.3.1), from 2001:db8:2::10; 99 more since "
		"the last line\n"
		"debug: dropped: mh-checksum (RFC 6275, 9.2), from 2001:db8:2::10\n");
}

static void without_a_file(void **state)
{
	struct fixture *f = *state;
	struct eventlog el;

	assert_int_equal(eventlog_open(&el, "", "mn1", &f->log), 0);
	eventlog_start(&el, "x");
	eventlog_close(&el);
	assert_int_equal(eventlog_open(&el, "/no/such/folder/x", "mn1", &f->log), -1);
}

struct watcher {
	bool watches;
	char text[1024];
};

static bool watcher_wants(void *ctx)
{
	const struct watcher *w = ctx;

	return w->watches;
}

static void watcher_reads(void *ctx, const char *text, size_t len)
{
	struct watcher *w = ctx;

	assert_true(len < sizeof(w->text));
	memcpy(w->text, text, len);
	w->text[len] = '\0';
}

/* What is watched is what would stand in the file, which need not be there. */
static void a_watcher_needs_no_file(void **state)
{
	struct fixture *f = *state;
	struct watcher w = {.watches = true};
	struct eventlog el;
	json_t *o = NULL;

	assert_int_equal(eventlog_open(&el, "", "mn1", &f->log), 0);
	el.watch = (struct eventlog_watch){watcher_wants, watcher_reads, &w};
	eventlog_stop(&el, "for a test");
	o = json_loads(w.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "event")), "stop");
	assert_string_equal(json_string_value(json_object_get(o, "what")), "for a test");
	json_decref(o);
	w = (struct watcher){.watches = false};
	eventlog_stop(&el, "again");
	assert_string_equal(w.text, "");
	eventlog_close(&el);
}

static void strings_stay_json(void **state)
{
	struct jsonline j;
	char text[3000];
	json_t *o = NULL;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	jsonline_begin(&j);
	jsonline_string(&j, "odd", "a\"b\\c\n\x01\xc3\xbc");
	jsonline_string(&j, "none", NULL);
	for (int i = 0; i < 9; i++)
		jsonline_string(&j, "long", text);
	jsonline_bool(&j, "yes", true);
	jsonline_end(&j);
	assert_true(j.len <= sizeof(j.text));
	o = json_loadb(j.text, j.len, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "odd")),
			    "a\"b\\c\n\x01\xc3\x83\xc2\xbc");
	assert_null(json_object_get(o, "none"));
	json_decref(o);
}

static void key_log_is_a_wireshark_table(void **state)
{
	struct fixture *f = *state;
	struct esp_sa_params sa = {.spi = 0x1234};
	static const uint8_t secret[] = {0xde, 0xad};
	struct bub_trace tr = {.type = BUB_TR_KEY,
			       .what = "kabm",
			       .local = addr("2001:db8:1::10"),
			       .peer = addr("2001:db8:2::10"),
			       .secret = {secret, sizeof(secret)}};
	FILE *kl = NULL;
	char text[512] = "";
	struct stat st;

	assert_int_equal(chmod(f->path, 0644), 0);
	kl = keylog_open(f->path);
	assert_non_null(kl);
	memset(sa.enc_key, 0xaa, sizeof(sa.enc_key));
	memset(sa.auth_key, 0xbb, sizeof(sa.auth_key));
	keylog_esp(kl, &sa);
	keylog_trace(kl, &tr);
	keylog_esp(NULL, &sa);
	keylog_trace(NULL, &tr);
	(void)fclose(kl);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	kl = fopen(f->path, "re");
	assert_non_null(kl);
	text[fread(text, 1, sizeof(text) - 1, kl)] = '\0';
	(void)fclose(kl);
	assert_string_equal(
		text, "\"IPv6\",\"*\",\"*\",\"0x00001234\",\"AES-CBC [RFC3602]\","
		      "\"0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"HMAC-SHA-256-128 [RFC4868]\","
		      "\"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"\n"
		      "# bub-key kabm 2001:db8:1::10 2001:db8:2::10 dead\n");
}

/* Rotation: the file is renamed, and then the log goes on in a new one of the same name. */
static void a_renamed_log_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	char old[80] = "";
	struct stat st;

	eventlog_start(&f->el, "1");
	(void)snprintf(old, sizeof(old), "%s.1", f->path);
	assert_int_equal(rename(f->path, old), 0);
	assert_int_equal(eventlog_reopen(&f->el, f->path), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_mode & 0137, 0);
	eventlog_stop(&f->el, "test");
	json_decref(last_event(f, "stop"));

	/* Where there cannot be one, nothing is lost. */
	assert_int_equal(eventlog_reopen(&f->el, "/nonexistent/log"), -1);
	eventlog_start(&f->el, "2");
	json_decref(last_event(f, "start"));
	assert_int_equal(unlink(old), 0);
}

static void no_log_stays_none(void **state)
{
	struct fixture *f = *state;
	struct eventlog none;

	assert_int_equal(eventlog_open(&none, "", "n", &f->log), 0);
	assert_int_equal(eventlog_reopen(&none, ""), 0);
	assert_int_equal(none.fd, -1);
}

static void a_renamed_key_log_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	struct bub_trace key = {.type = BUB_TR_KEY, .what = "kabm"};
	FILE *kl = keylog_open(f->path);
	char old[80] = "";
	struct stat st;

	assert_non_null(kl);
	(void)snprintf(old, sizeof(old), "%s.1", f->path);
	assert_int_equal(rename(f->path, old), 0);
	assert_int_equal(keylog_reopen(kl, f->path), 0);
	keylog_trace(kl, &key);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(keylog_reopen(kl, "/nonexistent/log"), -1);
	keylog_trace(kl, &key);
	assert_int_equal(fclose(kl), 0);
	assert_int_equal(unlink(old), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(start_and_stop),
		T(a_handover),
		T(esp_is_audited),
		T(care_of_and_link),
		T(other_events_are_no_lines),
		T(paths),
		T(traces),
		T(keys_never_come_to_the_event_log),
		T(many_drops_are_one_line_a_second),
		T(without_a_file),
		T(a_watcher_needs_no_file),
		T(strings_stay_json),
		T(key_log_is_a_wireshark_table),
		T(a_renamed_log_is_begun_anew),
		T(no_log_stays_none),
		T(a_renamed_key_log_is_begun_anew),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
