/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the interfaces: whether they are there and up, their sysctls, and what else is attached
 * where bubd's programs go.
 */
#include <string.h>

#include "doctor.h"

#define IPV6_MTU_MIN 1280 /* RFC 8200, 5 */

/* The object of `ip -j` about the interface; NULL: there is none. */
static const json_t *find_link(const json_t *links, const char *name)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(links, i, one)
	{
		if (strcmp(doctor_text(one, "ifname"), name) == 0)
			return one;
	}
	return NULL;
}

static bool link_has_flag(const json_t *link, const char *flag)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(link, "flags"), i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), flag) == 0)
			return true;
	}
	return false;
}

static bool has_global_address(const json_t *link)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(link, "addr_info"), i, one)
	{
		if (strcmp(doctor_text(one, "family"), "inet6") == 0 &&
		    strcmp(doctor_text(one, "scope"), "global") == 0 &&
		    !json_is_true(json_object_get(one, "tentative")))
			return link_has_flag(link, "LOWER_UP");
	}
	return false;
}

/* Addresses of which the kernel has found that another host has them. */
static void check_duplicates(struct doctor *d, const json_t *link, const char *name)
{
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(link, "addr_info"), i, one)
	{
		if (json_is_true(json_object_get(one, "dadfailed")))
			doctor_add(
				d, DOCTOR_FAULT, "address",
				json_sprintf("another host on %s has the address %s", name,
					     doctor_text(one, "local")),
				"the kernel does not use it; a copied machine has the same MAC "
				"address, mostly",
				json_sprintf("ip -6 addr del %s/%" JSON_INTEGER_FORMAT " dev %s",
					     doctor_text(one, "local"),
					     json_integer_value(json_object_get(one, "prefixlen")),
					     name));
	}
}

/* A sysctl of one interface, which may have a dot in its name. */
static long link_sysctl(const char *name, const char *key, long or_else)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "conf/%.20s/%.30s", name, key);
	return doctor_sysctl(path, or_else);
}

static json_t *link_sysctl_mend(const char *name, const char *key, int value)
{
	return json_sprintf("sysctl -w net/ipv6/conf/%s/%s=%d", name, key, value);
}

static void check_link_sysctls(struct doctor *d, const char *name)
{
	const bool deaf =
		link_sysctl(name, "forwarding", 0) == 1 && link_sysctl(name, "accept_ra", 1) == 1;

	if (link_sysctl(name, "disable_ipv6", 0) != 0)
		doctor_add(d, DOCTOR_FAULT, "ipv6",
			   json_sprintf("IPv6 is switched off on %s", name),
			   "it gets no care-of address, and bubd hears nothing there",
			   link_sysctl_mend(name, "disable_ipv6", 0));
	if (d->is_mobile && deaf)
		doctor_add(d, DOCTOR_FAULT, "accept-ra",
			   json_sprintf("%s forwards, so the kernel is deaf to router "
					"advertisements there",
					name),
			   "no care-of address comes by them",
			   link_sysctl_mend(name, "accept_ra", 2));
	if (d->is_mobile && link_sysctl(name, "accept_ra", 1) == 0)
		doctor_add(
			d, DOCTOR_NOTE, "accept-ra",
			json_sprintf("the kernel does not take router advertisements on %s", name),
			"right where NetworkManager or systemd-networkd does it in its place",
			link_sysctl_mend(name, "accept_ra", 1));
}

/* Programs of bubd sit on the qdisc clsact; the older "ingress" has no egress side. */
static void check_qdisc(struct doctor *d, const char *name)
{
	const char *const argv[] = {"tc", "-j", "qdisc", "show", "dev", name, NULL};
	json_t *all = doctor_json(argv);
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach(all, i, one)
	{
		if (strcmp(doctor_text(one, "kind"), "ingress") == 0)
			doctor_add(
				d, DOCTOR_FAULT, "qdisc",
				json_sprintf("another program has made the old ingress qdisc on "
					     "%s",
					     name),
				"bubd needs clsact in that place: data takes no direct path over "
				"this interface",
				json_sprintf("tc qdisc del dev %s ingress", name));
	}
	json_decref(all);
}

/* Only where bubd runs: then its programs have to be there. */
static void check_attached(struct doctor *d, const char *name)
{
	const char *const argv[] = {"tc", "-j", "filter", "show", "dev", name, "egress", NULL};
	json_t *all = NULL;
	const json_t *one = NULL;
	size_t i = 0;
	bool found = false;

	if (d->show == NULL || !d->root)
		return;
	all = doctor_json(argv);
	json_array_foreach(all, i, one)
	{
		found |= strncmp(doctor_text(json_object_get(one, "options"), "bpf_name"),
				 "egress_", 7) == 0;
	}
	if (all != NULL && !found)
		doctor_add(d, DOCTOR_FAULT, "bpf",
			   json_sprintf("bubd's programs are not attached on %s", name),
			   "data takes no direct path over this interface; bubd's log says why",
			   json_string("journalctl -u bubd | grep 'no data path'"));
	json_decref(all);
}

static void check_link(struct doctor *d, const json_t *links, const char *name)
{
	const json_t *link = find_link(links, name);
	const json_int_t mtu = json_integer_value(json_object_get(link, "mtu"));

	if (link == NULL) {
		doctor_add(
			d, DOCTOR_WARNING, "interface",
			json_sprintf("the interface %s, which is configured, does not exist", name),
			"bubd waits for it; perhaps the name is a mistake",
			json_string("ip -br link"));
		return;
	}
	/* Where none is configured every one counts, also those that nobody uses. */
	if (!link_has_flag(link, "UP") &&
	    json_array_size(json_object_get(d->config, "interfaces")) > 0)
		doctor_add(d, d->is_mobile ? DOCTOR_NOTE : DOCTOR_WARNING, "interface",
			   json_sprintf("the interface %s is down", name), NULL,
			   json_sprintf("ip link set %s up", name));
	else if (link_has_flag(link, "UP") && !link_has_flag(link, "LOWER_UP"))
		doctor_add(d, d->is_mobile ? DOCTOR_NOTE : DOCTOR_WARNING, "interface",
			   json_sprintf("the interface %s has no link", name),
			   "no cable is in, or no network is joined", NULL);
	check_duplicates(d, link, name);
	if (mtu < IPV6_MTU_MIN)
		doctor_add(d, DOCTOR_FAULT, "mtu",
			   json_sprintf("%s has an MTU of %" JSON_INTEGER_FORMAT, name, mtu),
			   "IPv6 needs 1280",
			   json_sprintf("ip link set %s mtu %d", name, IPV6_MTU_MIN));
	check_link_sysctls(d, name);
	check_qdisc(d, name);
	if (link_has_flag(link, "UP"))
		check_attached(d, name);
}

/* The interface that is nearest to an address, and what shows why it has none. */
static json_t *mend_of_no_address(const json_t *links, const json_t *names)
{
	const char *best = NULL;
	const json_t *name = NULL;
	bool is_up = false;
	size_t i = 0;

	json_array_foreach(names, i, name)
	{
		const json_t *link = find_link(links, json_string_value(name));

		if (link_has_flag(link, "LOWER_UP"))
			return json_sprintf("timeout 60 tcpdump -c 1 -vni %s 'icmp6[0] == 134'",
					    json_string_value(name));
		if (link == NULL || is_up)
			continue;
		best = json_string_value(name);
		is_up = link_has_flag(link, "UP");
	}
	return best != NULL && !is_up ? json_sprintf("ip link set %s up", best)
				      : json_string("ip -br link");
}

/* A mobile node needs an address somewhere. */
static void check_care_of(struct doctor *d, const json_t *links, const json_t *names)
{
	const json_t *name = NULL;
	bool any = !d->is_mobile;
	size_t i = 0;

	json_array_foreach(names, i, name)
	{
		any |= has_global_address(find_link(links, json_string_value(name)));
	}
	if (!any)
		doctor_add(d, DOCTOR_FAULT, "care-of",
			   json_string("no interface that bubd uses has a link and an IPv6 address "
				       "beyond it"),
			   "there is nothing to register from: no network, no router that "
			   "advertises, or the interface is down",
			   mend_of_no_address(links, names));
}

static void check_home_agent_links(struct doctor *d, const json_t *links)
{
	const json_t *agent = json_object_get(d->config, "home_agent");
	const char *home_link = doctor_text(agent, "home_link");
	const char *own = doctor_text(agent, "address");
	const json_t *link = NULL, *a = NULL;
	bool found = false;
	size_t i = 0, k = 0;

	if (!d->is_agent)
		return;
	if (home_link[0] != '\0' && find_link(links, home_link) == NULL)
		doctor_add(d, DOCTOR_FAULT, "interface",
			   json_sprintf("the home link %s does not exist", home_link),
			   "bubd cannot answer there for mobile nodes that are away",
			   json_string("ip -br link"));
	json_array_foreach(links, i, link)
	{
		json_array_foreach(json_object_get(link, "addr_info"), k, a)
		{
			found |= strcmp(doctor_text(a, "local"), own) == 0;
		}
	}
	/* Without a home link bubd puts it on its own interface, while it runs. */
	if (!found && (home_link[0] != '\0' || d->show != NULL))
		doctor_add(d, DOCTOR_NOTE, "address",
			   json_sprintf("the home agent's address %s is on no interface", own),
			   "right where its prefix is routed to this machine; but nobody else here "
			   "answers for it, ping for one",
			   json_sprintf("ip -6 addr add %s/128 dev lo", own));
}

void doctor_check_links(struct doctor *d)
{
	const char *const argv[] = {"ip", "-j", "addr", "show", NULL};
	json_t *links = doctor_json(argv), *names = NULL;
	const json_t *name = NULL;
	size_t i = 0;

	if (links == NULL) {
		doctor_add(d, DOCTOR_WARNING, "interface",
			   json_string("there is no program ip to ask about interfaces"),
			   "interfaces, addresses and routes are not looked at",
			   json_string("apt-get install iproute2"));
		return;
	}
	names = doctor_interfaces(d);
	json_array_foreach(names, i, name) check_link(d, links, json_string_value(name));
	check_care_of(d, links, names);
	check_home_agent_links(d, links);
	json_decref(names);
	json_decref(links);
}
