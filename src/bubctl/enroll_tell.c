/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `bubctl enroll` says: the lines for the configuration of this end and of the other one.
 */
#include <arpa/inet.h>
#include <string.h>

#include "enroll.h"

#define CONFIG_FOLDER "/etc/bub"

/* A file as a configuration in /etc/bub names it: what is not there by its path. */
static const char *enroll_file(const struct enroll *e, const char *suffix,
			       char ret_name[static ENROLL_FILE_MAX])
{
	const char *folder = strcmp(e->folder, CONFIG_FOLDER) == 0 ? "" : e->folder;

	(void)snprintf(ret_name, ENROLL_FILE_MAX, "%s%s%s%s", folder, folder[0] != '\0' ? "/" : "",
		       e->stem, suffix);
	return ret_name;
}

static void tell_psk_of_node(FILE *out, const struct enroll *e, const char *home)
{
	char name[ENROLL_FILE_MAX];

	(void)fprintf(out,
		      "\nHere, in the section mobile-node:\n"
		      "    keys { psk-file = \"%s\" }\n"
		      "\nAt the home agent, in the section home-agent:\n"
		      "    mobile-node \"%s\" { psk-file = \"%s.psk\" }\n"
		      "and the same file, which nobody else may read:\n"
		      "    scp -p %s/%s.psk root@HOME-AGENT:" CONFIG_FOLDER "/\n",
		      enroll_file(e, ".psk", name), home, e->stem, e->folder, e->stem);
}

static void tell_certificate_of_node(FILE *out, const struct enroll *e, const char *home,
				     const char *fingerprint)
{
	char key[ENROLL_FILE_MAX], certificate[ENROLL_FILE_MAX];
	const bool known = e->peer[0] != '\0';

	(void)fprintf(out,
		      "\nHere, in the section mobile-node%s:\n"
		      "    keys {\n"
		      "        certificate-file = \"%s\"\n"
		      "        key-file = \"%s\"\n"
		      "        fingerprint = \"%s\"\n"
		      "    }\n"
		      "\nAt the home agent, in the section home-agent:\n"
		      "    mobile-node \"%s\" { fingerprint = \"%s\" }\n",
		      known ? "" : "; `bubctl enroll home-agent` says the fingerprint there",
		      enroll_file(e, ".crt", certificate), enroll_file(e, ".key", key),
		      known ? e->peer : "sha256:...", home, fingerprint);
}

static void tell_keys_of_agent(FILE *out, const struct enroll *e, const char *fingerprint)
{
	char key[ENROLL_FILE_MAX], certificate[ENROLL_FILE_MAX];

	(void)fprintf(
		out,
		"\nHere, in the section home-agent:\n"
		"    keys {\n"
		"        certificate-file = \"%s\"\n"
		"        key-file = \"%s\"\n"
		"    }\n"
		"\nAt each mobile node that has a certificate, in the section mobile-node, in "
		"keys:\n"
		"    fingerprint = \"%s\"\n",
		enroll_file(e, ".crt", certificate), enroll_file(e, ".key", key), fingerprint);
}

void enroll_tell(FILE *out, const struct enroll *e, const char *fingerprint)
{
	char home[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(AF_INET6, &e->home, home, sizeof(home));
	if (fingerprint == NULL)
		tell_psk_of_node(out, e, home);
	else if (e->home_agent)
		tell_keys_of_agent(out, e, fingerprint);
	else
		tell_certificate_of_node(out, e, home, fingerprint);
}
