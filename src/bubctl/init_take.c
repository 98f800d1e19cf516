/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judges the answers that `bubctl init` gets.  Owns what is accepted: no more than bubd accepts, so
 * that what is written can be started.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "init.h"
#include "text.h"

#define NO_ADDRESS "is no address; expected an IPv6 address such as 2001:db8:1::1"
#define BLANKS " \t,"

const char *init_text(const struct in6_addr *addr, char ret_text[static INET6_ADDRSTRLEN])
{
	return inet_ntop(AF_INET6, addr, ret_text, INET6_ADDRSTRLEN);
}

static const char *take_address(const char *text, struct in6_addr *ret_addr)
{
	struct in6_addr addr;

	if (inet_pton(AF_INET6, text, &addr) != 1)
		return NO_ADDRESS;
	if (IN6_IS_ADDR_UNSPECIFIED(&addr) || IN6_IS_ADDR_LOOPBACK(&addr) ||
	    IN6_IS_ADDR_MULTICAST(&addr) || IN6_IS_ADDR_LINKLOCAL(&addr) ||
	    IN6_IS_ADDR_V4MAPPED(&addr))
		return "cannot be used here; expected a unicast address that is not link-local";
	*ret_addr = addr;
	return NULL;
}

static const char *take_prefix(const char *text, struct init_prefix *ret_prefix)
{
	char addr[INET6_ADDRSTRLEN] = "";
	const char *slash = strchr(text, '/');
	const char *why = NULL;
	char *end = NULL;
	unsigned long len = 0;

	if (slash == NULL)
		return "has no prefix length; expected ADDRESS/LENGTH, the length mostly 64";
	if ((size_t)(slash - text) >= sizeof(addr))
		return NO_ADDRESS;
	memcpy(addr, text, (size_t)(slash - text));
	len = isdigit((unsigned char)slash[1]) ? strtoul(slash + 1, &end, 10) : 0;
	if (len < 1 || len > 128 || *end != '\0')
		return "has a wrong prefix length; expected 1 to 128 after the /";
	why = take_address(addr, &ret_prefix->addr);
	if (why == NULL)
		ret_prefix->len = (unsigned)len;
	return why;
}

/* Calls @take for each word; returns the first complaint. */
static const char *each(struct init *in, const char *text, init_take_fn *take)
{
	char *copy = strdup(text);
	char *rest = NULL;
	const char *why = NULL;

	for (char *word = strtok_r(copy, BLANKS, &rest); word != NULL && why == NULL;
	     word = strtok_r(NULL, BLANKS, &rest))
		why = take(in, word);
	free(copy);
	return why;
}

const char *init_take_home(struct init *in, const char *text)
{
	struct init_prefix home = {0};
	const char *why = take_prefix(text, &home);

	if (why == NULL && memcmp(&home.addr, &in->agent, sizeof(in->agent)) == 0)
		return "is the home agent's; expected an address of this node's own";
	if (why == NULL)
		in->home = home;
	return why;
}

const char *init_take_agent(struct init *in, const char *text)
{
	struct in6_addr agent = in6addr_any;
	const char *why = take_address(text, &agent);

	if (why == NULL && memcmp(&agent, &in->home.addr, sizeof(agent)) == 0)
		return "is the home address; expected the home agent's own";
	for (unsigned i = 0; why == NULL && i < in->n_nodes; i++)
		if (memcmp(&agent, &in->node[i], sizeof(agent)) == 0)
			return "is a mobile node's; expected the home agent's own";
	if (why == NULL)
		in->agent = agent;
	return why;
}

static const char *one_prefix(struct init *in, const char *text)
{
	struct init_prefix p = {0}, cut = {0};
	const char *why = take_prefix(text, &p);

	if (why != NULL)
		return why;
	if (in->n_prefixes == INIT_PREFIXES_MAX)
		return "is one prefix too many; expected at most 8";
	memcpy(&cut.addr, &p.addr, (p.len + 7) / 8);
	if (p.len % 8 != 0)
		cut.addr.s6_addr[p.len / 8] &= (uint8_t)(0xff00u >> p.len % 8);
	if (memcmp(&cut.addr, &p.addr, sizeof(p.addr)) != 0)
		return "is an address in a prefix; expected the prefix alone, as 2001:db8:1::/64";
	for (unsigned i = 0; i < in->n_prefixes; i++)
		if (in->prefix[i].len == p.len &&
		    memcmp(&in->prefix[i].addr, &p.addr, sizeof(p.addr)) == 0)
			return "is there twice; expected it once";
	in->prefix[in->n_prefixes++] = p;
	return NULL;
}

const char *init_take_prefixes(struct init *in, const char *text)
{
	unsigned before = in->n_prefixes;
	const char *why = each(in, text, one_prefix);

	if (why != NULL)
		in->n_prefixes = before;
	return why;
}

static bool in_prefixes(const struct init *in, const struct in6_addr *node)
{
	for (unsigned i = 0; i < in->n_prefixes; i++)
		if (text_same_bits(node, &in->prefix[i].addr, in->prefix[i].len))
			return true;
	return false;
}

const struct in6_addr *init_outside(const struct init *in)
{
	for (unsigned i = 0; i < in->n_nodes; i++)
		if (!in_prefixes(in, &in->node[i]))
			return &in->node[i];
	return NULL;
}

static const char *one_node(struct init *in, const char *text)
{
	struct in6_addr node = in6addr_any;
	const char *why = take_address(text, &node);

	if (why != NULL)
		return strchr(text, '/') != NULL ? "has a length; expected the home address alone"
						 : why;
	if (in->n_nodes == INIT_NODES_MAX)
		return "is one mobile node too many; write the others into the file";
	if (in->n_prefixes > 0 && !in_prefixes(in, &node)) /* else they come later */
		return "is outside the home prefixes; expected a home address in one of them";
	if (memcmp(&node, &in->agent, sizeof(node)) == 0)
		return "is the home agent's own; expected a mobile node's home address";
	for (unsigned i = 0; i < in->n_nodes; i++)
		if (memcmp(&node, &in->node[i], sizeof(node)) == 0)
			return "is there twice; expected it once";
	in->node[in->n_nodes++] = node;
	return NULL;
}

const char *init_take_nodes(struct init *in, const char *text)
{
	unsigned before = in->n_nodes;
	const char *why = each(in, text, one_node);

	if (why != NULL)
		in->n_nodes = before;
	return why;
}

static const char *take_ifname(const char *text, char ret_name[static IF_NAMESIZE])
{
	size_t len = strlen(text);
	bool fine = len > 0 && len < IF_NAMESIZE && text[strcspn(text, "/:\"'\\$")] == '\0' &&
		    strcmp(text, ".") != 0 && strcmp(text, "..") != 0;

	for (size_t i = 0; i < len; i++)
		fine &= isgraph((unsigned char)text[i]) != 0;
	if (!fine)
		return "is no interface name; expected one that `ip link` shows";
	memcpy(ret_name, text, len + 1);
	return NULL;
}

static const char *one_interface(struct init *in, const char *text)
{
	const char *why = NULL;

	if (in->n_interfaces == INIT_INTERFACES_MAX)
		return "is one interface too many; expected at most 16";
	for (unsigned i = 0; i < in->n_interfaces; i++)
		if (strcmp(in->interface[i], text) == 0)
			return "is there twice; expected it once";
	why = take_ifname(text, in->interface[in->n_interfaces]);
	if (why == NULL)
		in->n_interfaces++;
	return why;
}

const char *init_take_interfaces(struct init *in, const char *text)
{
	return each(in, text, one_interface);
}

const char *init_take_home_link(struct init *in, const char *text)
{
	return take_ifname(text, in->home_link);
}

/* What needs no quoting, neither in the configuration nor in a shell. */
static bool is_plain(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("-_.:/%@+,=", *c) == NULL)
			return false;
	return text[0] != '\0' && text[0] != '-';
}

const char *init_take_name(struct init *in, const char *text)
{
	if (!is_plain(text) || strlen(text) > INIT_NAME_MAX)
		return "is no name; expected 1 to 64 letters, digits or - _ .";
	(void)snprintf(in->name, sizeof(in->name), "%s", text);
	return NULL;
}

static const char *take_path(const char *text, char ret_path[static PATH_MAX])
{
	if (!is_plain(text) || strlen(text) + 64 > PATH_MAX || text[strlen(text) - 1] == '/')
		return "is no usable path; expected a file, without blanks and quotes";
	(void)snprintf(ret_path, PATH_MAX, "%s", text);
	return NULL;
}

const char *init_take_secret(struct init *in, const char *text)
{
	return take_path(text, in->secret);
}

const char *init_take_config(struct init *in, const char *text)
{
	return take_path(text, in->config);
}
