/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames and lines (RFC 6618, 5.1 and 5.2).  Names of lines are compared without regard to case, as
 * those of HTTP are; values are not.
 */
#include "message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/octets.h"
#include "internal.h"

#define VALUE_MAX 128u /* characters of a value that is looked at, with the end */
#define VERSION_SHIFT 5

struct message_line {
	char name[32]; /* "": longer than any that is known */
	char value[VALUE_MAX];
};

static const struct {
	enum keys_line line;
	const char *name;
} message_names[] = {
	{KEYS_LINE_VERSION, "version"},
	{KEYS_LINE_STATUS, "status-code"},
	{KEYS_LINE_REASON, "reason"},
	{KEYS_LINE_HOME_AGENT, "mip6-haa-ip6"},
	{KEYS_LINE_HOME, "mip6-ip6-hoa"},
	{KEYS_LINE_PREFIX, "mip6-ip6-hnp"},
	{KEYS_LINE_SUITES, "mip6-suitelist"},
	{KEYS_LINE_SUITE, "mip6-ciphersuite"},
	{KEYS_LINE_SPI_TRANSPORT, "spi-transport"},
	{KEYS_LINE_SPI_TUNNEL, "spi-tunnel"},
	{KEYS_LINE_SPI_PAYLOAD, "spi-payload"},
	{KEYS_LINE_LIFETIME, "sa-lifetime"},
	{KEYS_LINE_OCTETS, "sa-octets"},
	{KEYS_LINE_TOKEN, "restart-token"},
};
#define LINE_COUNT (sizeof(message_names) / sizeof(message_names[0]))

enum keys_frame keys_frame_read(const uint8_t *data, size_t len, uint8_t *ret_id,
				struct keys_octets *ret_content)
{
	struct rd r = rd_of(data, len);
	const uint8_t first = rd_u8(&r);
	const uint8_t id = rd_u8(&r);
	const size_t content_len = rd_u16(&r);

	if (r.bad)
		return KEYS_FRAME_MORE;
	if (first >> VERSION_SHIFT != 0)
		return KEYS_FRAME_VERSION;
	if (id == 0 || content_len == 0 || content_len > KEYS_CONTENT_MAX)
		return KEYS_FRAME_BAD;
	if (rd_left(&r) < content_len)
		return KEYS_FRAME_MORE;
	*ret_id = id;
	*ret_content = (struct keys_octets){.data = r.p, .len = content_len};
	return KEYS_FRAME_WHOLE;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool message_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		const uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || digit > max || n > (max - digit) / 10)
			return false;
		n = 10 * n + digit;
	}
	*ret = n;
	return true;
}

static bool message_number32(const char *text, uint32_t *ret)
{
	uint64_t n = 0;

	if (!message_number(text, UINT32_MAX, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool message_prefix(const char *text, struct in6_addr *ret, uint8_t *ret_len)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	uint64_t len = 0;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr) ||
	    !message_number(slash + 1, 128, &len) || len == 0)
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	*ret_len = (uint8_t)len;
	return inet_pton(AF_INET6, addr, ret) == 1;
}

/* Names that are not known are passed over, and so are those that were there before. */
static bool message_suites(const char *text, struct keys_message *msg)
{
	char name[VALUE_MAX];

	for (;;) {
		const size_t len = strcspn(text, ",");
		enum esp_alg alg = ESP_ALG_COUNT, twice = ESP_ALG_COUNT;

		if (len == 0)
			return false;
		memcpy(name, text, len);
		name[len] = '\0';
		if (keys_suite_find(name, &alg) &&
		    !keys_suite_choose(&alg, 1, msg->suites, msg->suite_count, &twice))
			msg->suites[msg->suite_count++] = alg;
		if (text[len] == '\0')
			return true;
		text += len + 1;
		text += strspn(text, " ");
	}
}

static bool message_reason(const char *text, enum keys_reason *ret)
{
	if (!keys_reason_find(text, ret))
		*ret = KEYS_PEER_REFUSED;
	return *text != '\0';
}

static bool message_value(enum keys_line line, const char *text, struct keys_message *msg)
{
	switch (line) {
	case KEYS_LINE_VERSION:
		return message_number32(text, &msg->version);
	case KEYS_LINE_STATUS:
		return message_number32(text, &msg->status);
	case KEYS_LINE_REASON:
		return message_reason(text, &msg->reason);
	case KEYS_LINE_HOME_AGENT:
		return inet_pton(AF_INET6, text, &msg->home_agent) == 1;
	case KEYS_LINE_HOME:
		return inet_pton(AF_INET6, text, &msg->home) == 1;
	case KEYS_LINE_PREFIX:
		return message_prefix(text, &msg->prefix, &msg->prefix_len);
	case KEYS_LINE_SUITES:
		return message_suites(text, msg);
	case KEYS_LINE_SUITE:
		return keys_suite_find(text, &msg->suite);
	case KEYS_LINE_SPI_TRANSPORT:
		return message_number32(text, &msg->spi_transport);
	case KEYS_LINE_SPI_TUNNEL:
		return message_number32(text, &msg->spi_tunnel);
	case KEYS_LINE_SPI_PAYLOAD:
		return message_number32(text, &msg->spi_payload);
	case KEYS_LINE_LIFETIME:
		return message_number32(text, &msg->lifetime_s);
	case KEYS_LINE_OCTETS:
		return message_number(text, UINT64_MAX, &msg->octets);
	case KEYS_LINE_TOKEN:
		return keys_hex_parse(text, strlen(text), msg->token, KEYS_TOKEN_LEN);
	}
	return false;
}

/* Takes the octets up to the end of a line; false where there is no end, or no text before it. */
static bool message_take_line(struct rd *r, struct rd *ret_line)
{
	const uint8_t *end = memchr(r->p, '\r', rd_left(r));

	if (end == NULL || r->end - end < 2 || end[1] != '\n')
		return false;
	*ret_line = rd_of(r->p, (size_t)(end - r->p));
	for (const uint8_t *p = r->p; p < end; p++)
		if ((*p < ' ' && *p != '\t') || *p >= 0x7f)
			return false;
	r->p = end + 2;
	return true;
}

static bool message_split(const struct rd *line, struct message_line *ret)
{
	const uint8_t *colon = memchr(line->p, ':', rd_left(line));
	const uint8_t *value = NULL, *end = line->end;
	size_t name_len = 0;

	if (colon == NULL || colon == line->p)
		return false;
	for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
		;
	for (; end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	name_len = (size_t)(colon - line->p);
	memset(ret, 0, sizeof(*ret));
	if (name_len < sizeof(ret->name))
		memcpy(ret->name, line->p, name_len);
	/* Only what has a known name may be wrong, and no value of those is so long. */
	if ((size_t)(end - value) < sizeof(ret->value))
		memcpy(ret->value, value, (size_t)(end - value));
	return true;
}

static bool message_line(const struct message_line *line, struct keys_message *msg)
{
	for (size_t i = 0; i < LINE_COUNT; i++) {
		if (strcasecmp(line->name, message_names[i].name) != 0)
			continue;
		if ((msg->has & (unsigned)message_names[i].line) != 0)
			return false;
		msg->has |= (unsigned)message_names[i].line;
		return message_value(message_names[i].line, line->value, msg);
	}
	return true;
}

bool keys_message_read(struct keys_octets content, struct keys_message *ret_msg)
{
	struct rd r = rd_of(content.data, content.len);
	struct keys_message msg = {0};
	struct message_line line;
	struct rd text;

	for (;;) {
		if (!message_take_line(&r, &text))
			return false;
		if (rd_left(&text) == 0)
			break;
		if (!message_split(&text, &line) || !message_line(&line, &msg))
			return false;
	}
	if (rd_left(&r) != 0)
		return false;
	*ret_msg = msg;
	return true;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void message_write_suites(const struct keys_message *msg, char *text, size_t cap)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < msg->suite_count; i++)
		at += (size_t)snprintf(text + at, cap - at, "%s%s", i > 0 ? "," : "",
				       keys_suite_name(msg->suites[i]));
}

static void message_write_addr(const struct in6_addr *addr, int prefix_len, char *text, size_t cap)
{
	char addr_text[INET6_ADDRSTRLEN];

	(void)inet_ntop(AF_INET6, addr, addr_text, sizeof(addr_text));
	if (prefix_len >= 0)
		(void)snprintf(text, cap, "%s/%d", addr_text, prefix_len);
	else
		(void)snprintf(text, cap, "%s", addr_text);
}

static void message_write_value(enum keys_line line, const struct keys_message *msg,
				char text[static VALUE_MAX])
{
	uint64_t n = 0;

	switch (line) {
	case KEYS_LINE_REASON:
		(void)snprintf(text, VALUE_MAX, "%s", keys_reason_name(msg->reason));
		return;
	case KEYS_LINE_HOME_AGENT:
		message_write_addr(&msg->home_agent, -1, text, VALUE_MAX);
		return;
	case KEYS_LINE_HOME:
		message_write_addr(&msg->home, -1, text, VALUE_MAX);
		return;
	case KEYS_LINE_PREFIX:
		message_write_addr(&msg->prefix, msg->prefix_len, text, VALUE_MAX);
		return;
	case KEYS_LINE_SUITES:
		message_write_suites(msg, text, VALUE_MAX);
		return;
	case KEYS_LINE_SUITE:
		(void)snprintf(text, VALUE_MAX, "%s", keys_suite_name(msg->suite));
		return;
	case KEYS_LINE_TOKEN:
		keys_hex_print(msg->token, KEYS_TOKEN_LEN, text);
		return;
	case KEYS_LINE_VERSION:
		n = msg->version;
		break;
	case KEYS_LINE_STATUS:
		n = msg->status;
		break;
	case KEYS_LINE_SPI_TRANSPORT:
		n = msg->spi_transport;
		break;
	case KEYS_LINE_SPI_TUNNEL:
		n = msg->spi_tunnel;
		break;
	case KEYS_LINE_SPI_PAYLOAD:
		n = msg->spi_payload;
		break;
	case KEYS_LINE_LIFETIME:
		n = msg->lifetime_s;
		break;
	case KEYS_LINE_OCTETS:
		n = msg->octets;
		break;
	}
	(void)snprintf(text, VALUE_MAX, "%llu", (unsigned long long)n);
}

size_t keys_message_write(const struct keys_message *msg, uint8_t id, uint8_t *out, size_t cap)
{
	struct wr w = wr_to(out, cap);
	char value[VALUE_MAX];

	wr_u8(&w, 0);
	wr_u8(&w, id);
	wr_u16(&w, 0);
	for (size_t i = 0; i < LINE_COUNT; i++) {
		if ((msg->has & (unsigned)message_names[i].line) == 0)
			continue;
		message_write_value(message_names[i].line, msg, value);
		wr_bytes(&w, message_names[i].name, strlen(message_names[i].name));
		wr_bytes(&w, ": ", 2);
		wr_bytes(&w, value, strlen(value));
		wr_bytes(&w, "\r\n", 2);
	}
	wr_bytes(&w, "\r\n", 2);
	if (w.bad || w.at - KEYS_FRAME_HEADER > KEYS_CONTENT_MAX)
		return 0;
	set_be16(out + 2, w.at - KEYS_FRAME_HEADER);
	return w.at;
}
