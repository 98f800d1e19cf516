/* SPDX-License-Identifier: BSD-2-Clause */
/* See settings.h. */
#include "settings.h"

#include "sas.h"

#define TEXT_MAX 512
#define USUAL_PREFIX_LEN 64u /* RFC 4291, 2.5.4 */

void settings_warn(const struct bubd_config *cfg, const struct log *log)
{
	char text[TEXT_MAX] = "";

	if (cfg->lnx.unprotected != 0)
		log_line(log, LNX_LOG_WARNING,
			 "signalling with the home agent goes without IPsec, as \"unprotected\" "
			 "says, against RFC 6275, 5.1: whoever can send a packet can take over a "
			 "home address; for tests only");
	if (cfg->engine.ha.enabled && !cfg->engine.ha.stable)
		log_line(log, LNX_LOG_WARNING,
			 "refresh-advice is set: registrations are kept in memory only, and lost "
			 "with a restart");
	for (unsigned i = 0; i < cfg->engine.n_homes; i++)
		if (cfg->engine.home[i].prefix_len < USUAL_PREFIX_LEN)
			log_line(log, LNX_LOG_WARNING,
				 "home-address has a prefix length of %u: the prefix of a link has "
				 "mostly %u, and this node counts as at home wherever an address "
				 "begins with the same %u bits",
				 cfg->engine.home[i].prefix_len, USUAL_PREFIX_LEN,
				 cfg->engine.home[i].prefix_len);
	for (size_t i = 0; i < cfg->n_sas; i++)
		if (sas_weakness(&cfg->sas[i].params, text, sizeof(text)))
			log_line(log, LNX_LOG_WARNING, "%s", text);
}
