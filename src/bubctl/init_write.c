/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `bubctl init` writes and says.  Owns the words of the configuration and of what comes next.
 */
#include <string.h>

#include "init.h"

#define DEFAULT_CONFIG "/etc/bub/bubd.conf"

void init_secret_name(const struct init *in, const struct in6_addr *home,
		      char ret_name[static PATH_MAX])
{
	char text[INET6_ADDRSTRLEN];

	if (in->secret[0] != '\0') {
		(void)snprintf(ret_name, PATH_MAX, "%s", in->secret);
		return;
	}
	(void)init_text(home, text);
	for (char *c = text; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	(void)snprintf(ret_name, PATH_MAX, "%s.secret", text);
}

void init_secret_path(const struct init *in, const struct in6_addr *home,
		      char ret_path[static PATH_MAX])
{
	const char *slash = strrchr(in->config, '/');
	char name[PATH_MAX];
	int folder = slash != NULL ? (int)(slash - in->config) + 1 : 0;

	init_secret_name(in, home, name);
	if (name[0] == '/')
		folder = 0;
	if (snprintf(ret_path, PATH_MAX, "%.*s%s", folder, in->config, name) >= PATH_MAX)
		(void)snprintf(ret_path, PATH_MAX, "%s", name); /* cannot be: see take_path() */
}

static void write_names(FILE *out, const struct init *in)
{
	(void)fputs("# bubd.conf(5) explains every keyword; what is not set has a default.\n\n",
		    out);
	if (in->name[0] != '\0')
		(void)fprintf(out, "name = \"%s\"\n", in->name);
	else
		(void)fputs("# The node's name in logs; without this line, the host name.\n"
			    "# name = \"...\"\n",
			    out);
	(void)fprintf(out, "\n# Interfaces %s; without this line, all.\n%sinterfaces = {",
		      in->home_agent ? "where bubd listens" : "that may hold care-of addresses",
		      in->n_interfaces == 0 ? "# " : "");
	for (unsigned i = 0; i < in->n_interfaces; i++)
		(void)fprintf(out, "%s\"%s\"", i > 0 ? ", " : "", in->interface[i]);
	(void)fputs(in->n_interfaces == 0 ? "\"eth0\"}\n\n" : "}\n\n", out);
}

static void write_mobile_node(FILE *out, const struct init *in)
{
	char text[INET6_ADDRSTRLEN], name[PATH_MAX];

	(void)fputs("# A mobile node, by bubctl init.\n", out);
	write_names(out, in);
	(void)fprintf(out,
		      "mobile-node {\n"
		      "    # Applications use this address, which stays the same wherever the node "
		      "is.\n"
		      "    home-address = \"%s/%u\"\n",
		      init_text(&in->home.addr, text), in->home.len);
	init_secret_name(in, &in->home.addr, name);
	(void)fprintf(
		out,
		"    home-agent = \"%s\"\n"
		"    # Keys are agreed on and renewed; the file proves who this node is.  One "
		"line, "
		"mode\n"
		"    # 0600, and the same at the home agent.\n"
		"    keys { psk-file = \"%s\" }\n"
		"}\n\n"
		"# Binding Update Backhauling with other mobile nodes, where they can do it.\n"
		"bub { policy = allow }\n",
		init_text(&in->agent, text), name);
}

static void write_home_agent(FILE *out, const struct init *in)
{
	char text[INET6_ADDRSTRLEN], name[PATH_MAX];

	(void)fputs("# A home agent, by bubctl init.\n", out);
	write_names(out, in);
	(void)fprintf(
		out,
		"home-agent {\n"
		"    # Mobile nodes register here; an interface of this node has it.\n"
		"    address = \"%s\"\n"
		"    # The interface of the home link.  None where the prefix is routed to this "
		"node.\n",
		init_text(&in->agent, text));
	if (in->home_link[0] != '\0')
		(void)fprintf(out, "    home-link = \"%s\"\n", in->home_link);
	else
		(void)fputs("    # home-link = \"eth1\"\n", out);
	(void)fputs("    prefixes = {", out);
	for (unsigned i = 0; i < in->n_prefixes; i++)
		(void)fprintf(out, "%s\"%s/%u\"", i > 0 ? ", " : "",
			      init_text(&in->prefix[i].addr, text), in->prefix[i].len);
	(void)fputs("}\n\n    # One line for each mobile node; the secret as there, mode 0600.\n",
		    out);
	for (unsigned i = 0; i < in->n_nodes; i++) {
		init_secret_name(in, &in->node[i], name);
		(void)fprintf(out, "    mobile-node \"%s\" { psk-file = \"%s\" }\n",
			      init_text(&in->node[i], text), name);
	}
	if (in->n_nodes == 0)
		(void)fputs("    # mobile-node \"ADDRESS\" { psk-file = \"ADDRESS.secret\" }\n",
			    out);
	(void)fputs("}\n", out);
}

void init_write(FILE *out, const struct init *in)
{
	if (in->home_agent)
		write_home_agent(out, in);
	else
		write_mobile_node(out, in);
}

/* ---- What comes next ----------------------------------------------------------------------- */

static void tell_mobile_node(FILE *out, const struct init *in)
{
	char text[INET6_ADDRSTRLEN], agent[INET6_ADDRSTRLEN], path[PATH_MAX];
	const char *name = NULL;

	init_secret_path(in, &in->home.addr, path);
	name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	(void)fprintf(out,
		      "\nThe home agent needs the same secret,\n"
		      "    scp %s root@[%s]:/etc/bub/\n"
		      "and in its section home-agent the line\n"
		      "    mobile-node \"%s\" { psk-file = \"%s\" }\n",
		      path, init_text(&in->agent, agent), init_text(&in->home.addr, text), name);
}

static void tell_home_agent(FILE *out, const struct init *in)
{
	char text[INET6_ADDRSTRLEN], agent[INET6_ADDRSTRLEN], path[PATH_MAX];

	for (unsigned i = 0; i < in->n_nodes; i++) {
		const char *name = NULL;
		unsigned p = 0;

		init_secret_path(in, &in->node[i], path);
		name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
		while (p + 1 < in->n_prefixes &&
		       memcmp(&in->prefix[p].addr, &in->node[i], in->prefix[p].len / 8) != 0)
			p++;
		(void)init_text(&in->node[i], text);
		(void)fprintf(out,
			      "\nThe mobile node %s needs the same secret, in its /etc/bub\n"
			      "    scp %s root@MOBILE-NODE:/etc/bub/\n"
			      "and there\n"
			      "    bubctl init mobile-node --home-address %s/%u --home-agent %s "
			      "--secret %s\n",
			      text, path, text, in->prefix[p].len, init_text(&in->agent, agent),
			      name);
	}
	if (in->n_nodes == 0)
		(void)fputs("\nNo mobile node is served yet: add a line for each.\n", out);
	(void)fputs("\nA home agent forwards packets:\n"
		    "    sysctl -w net.ipv6.conf.all.forwarding=1\n",
		    out);
}

void init_tell(FILE *out, const struct init *in)
{
	const bool usual = strcmp(in->config, DEFAULT_CONFIG) == 0;
	const char *option = usual ? "" : " -c ", *path = usual ? "" : in->config;

	if (in->home_agent)
		tell_home_agent(out, in);
	else
		tell_mobile_node(out, in);
	(void)fprintf(out, "\nThen here\n    %s%s\n    bubctl doctor%s%s\n    bubctl show\n",
		      usual ? "systemctl enable --now bubd" : "bubd -c ", path, option, path);
}
