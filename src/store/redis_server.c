/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers of Redis as people write them (redis_settings.h). */
#include "redis_settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool redis_server_read(const char *text, uint16_t default_port, struct redis_server *ret)
{
	struct redis_server s = {.port = default_port};
	const char *end = text + strlen(text);
	const char *colon = strrchr(text, ':');
	uint8_t octets[sizeof(struct in6_addr)];
	bool bracket = text[0] == '[';
	char *rest = NULL;
	unsigned long port;

	if (strncmp(text, "unix:/", 6) == 0) {
		*ret = s;
		return snprintf(ret->path, sizeof(ret->path), "%s", text + 5) <
		       (int)sizeof(ret->path);
	}
	/* An IPv6 address has colons of its own. */
	if (colon != NULL &&
	    (bracket ? colon > text && colon[-1] == ']' : strchr(text, ':') == colon)) {
		port = strtoul(colon + 1, &rest, 10);
		if (*rest != '\0' || rest == colon + 1 || port == 0 || port > UINT16_MAX)
			return false;
		s.port = (uint16_t)port;
		end = colon;
	}
	if (bracket && (end - text < 2 || end[-1] != ']'))
		return false;
	if (bracket) {
		text++;
		end--;
	}
	if ((size_t)(end - text) >= sizeof(s.host))
		return false;
	memcpy(s.host, text, (size_t)(end - text));
	*ret = s;
	return inet_pton(AF_INET6, s.host, octets) == 1 ||
	       (!bracket && inet_pton(AF_INET, s.host, octets) == 1);
}

const char *redis_server_text(const struct redis_server *server)
{
	static char text[sizeof(server->path) + INET6_ADDRSTRLEN + 16];

	if (server->path[0] != '\0')
		(void)snprintf(text, sizeof(text), "unix:%s", server->path);
	else
		(void)snprintf(text, sizeof(text),
			       strchr(server->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
			       server->host, server->port);
	return text;
}
