/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints what happens as it happens: the events of bubd, a line each.  Owns the words for people;
 * members and meaning of events are in bubd.conf(5).
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

static const char *event_text(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));

	return text != NULL ? text : "";
}

static json_int_t event_number(const json_t *event, const char *name)
{
	return json_integer_value(json_object_get(event, name));
}

static void print_time(FILE *out, const json_t *event)
{
	const double at = json_number_value(json_object_get(event, "time"));
	const time_t s = (time_t)at;
	struct tm tm;

	/* Events that the daemon has not timed, as the one about lost ones. */
	if (at <= 0 || localtime_r(&s, &tm) == NULL)
		return;
	(void)fprintf(out, "%02d:%02d:%02d.%03d ", tm.tm_hour, tm.tm_min, tm.tm_sec,
		      (int)((at - (double)s) * 1000));
}

static void print_state(FILE *out, const json_t *e)
{
	const char *peer = event_text(e, "peer");

	(void)fprintf(out, "%s %s%s%s: %s -> %s", event_text(e, "machine"), event_text(e, "local"),
		      peer[0] != '\0' ? " with " : "", peer, event_text(e, "from"),
		      event_text(e, "to"));
	if (event_text(e, "what")[0] != '\0')
		(void)fprintf(out, " (%s)", event_text(e, "what"));
}

static void print_message(FILE *out, const json_t *e)
{
	const bool sent = strcmp(event_text(e, "event"), "sent") == 0;
	const char *via = event_text(e, "via");

	(void)fprintf(out, "%s %s %s %s, %s, number %" JSON_INTEGER_FORMAT, event_text(e, "event"),
		      event_text(e, "what"), sent ? "to" : "from", event_text(e, "peer"),
		      via[0] != '\0' ? via : "direct", event_number(e, "number"));
}

static void print_drop(FILE *out, const json_t *e)
{
	const char *local = event_text(e, "local");

	(void)fprintf(out, "dropped: %s (%s), from %s%s%s", event_text(e, "drop"),
		      event_text(e, "rule"), event_text(e, "peer"), local[0] != '\0' ? " to " : "",
		      local);
}

static void print_esp_drop(FILE *out, const json_t *e)
{
	(void)fprintf(out, "ESP %s and dropped: %s, %s to %s, SPI 0x%08" PRIx64,
		      event_text(e, "what"), event_text(e, "drop"), event_text(e, "out_src"),
		      event_text(e, "out_dst"), (uint64_t)event_number(e, "spi"));
}

static void print_trouble(FILE *out, const json_t *e)
{
	(void)fputs(event_text(e, "what"), out);
}

static void print_path(FILE *out, const json_t *e)
{
	(void)fprintf(out, "path %s to %s: ", event_text(e, "local"), event_text(e, "peer"));
	if (strcmp(event_text(e, "what"), "set") != 0)
		(void)fputs("removed", out);
	else if (json_is_true(json_object_get(e, "direct")))
		(void)fprintf(out, "direct, %s to %s", event_text(e, "out_src"),
			      event_text(e, "out_dst"));
	else
		(void)fputs("as routed", out);
}

static void print_care_of(FILE *out, const json_t *e)
{
	(void)fprintf(out, "care-of address %s on %s is %s", event_text(e, "address"),
		      event_text(e, "interface"),
		      json_is_true(json_object_get(e, "usable")) ? "usable" : "gone");
}

static void print_link_down(FILE *out, const json_t *e)
{
	(void)fprintf(out, "link %s is down", event_text(e, "interface"));
}

static void print_start(FILE *out, const json_t *e)
{
	(void)fprintf(out, "bubd %s starts", event_text(e, "what"));
}

static void print_stop(FILE *out, const json_t *e)
{
	(void)fprintf(out, "bubd stops: %s", event_text(e, "what"));
}

static void print_lost(FILE *out, const json_t *e)
{
	(void)fprintf(out, "%" JSON_INTEGER_FORMAT " events are not shown: this reads too slowly",
		      event_number(e, "number"));
}

static void print_ms(FILE *out, const char *before, const json_t *e, const char *name)
{
	if (json_object_get(e, name) != NULL)
		(void)fprintf(out, "%s%.1f ms", before, (double)event_number(e, name) / 1000);
}

static void print_handover(FILE *out, const json_t *e)
{
	const char *moved = event_text(e, "moved");

	(void)fprintf(out, "handover of %s with %s by %s, %s:", event_text(e, "local"),
		      event_text(e, "peer"), event_text(e, "mode"), event_text(e, "result"));
	if (strcmp(moved, "peer") != 0)
		(void)fprintf(out, " moved from %s to %s", event_text(e, "from"),
			      event_text(e, "to"));
	if (strcmp(moved, "local") != 0)
		(void)fprintf(out, "%s peer moved from %s to %s",
			      strcmp(moved, "both") == 0 ? "," : "", event_text(e, "peer_from"),
			      event_text(e, "peer_to"));
	print_ms(out, ", data again after ", e, "data_in_us");
	print_ms(out, ", silence of ", e, "gap_us");
}

static const struct {
	const char *event;
	void (*print)(FILE *out, const json_t *e);
} kinds[] = {
	{"state", print_state},       {"trouble", print_trouble}, {"sent", print_message},
	{"received", print_message},  {"drop", print_drop},       {"esp-drop", print_esp_drop},
	{"path", print_path},         {"care-of", print_care_of}, {"link-down", print_link_down},
	{"start", print_start},       {"stop", print_stop},       {"lost", print_lost},
	{"handover", print_handover},
};

void ctl_print_event(FILE *out, const json_t *event)
{
	const char *name = event_text(event, "event");

	print_time(out, event);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].event, name) == 0) {
			kinds[i].print(out, event);
			(void)fputc('\n', out);
			return;
		}
	}
	/* Of a newer daemon. */
	(void)json_dumpf(event, out, JSON_COMPACT);
	(void)fputc('\n', out);
}
