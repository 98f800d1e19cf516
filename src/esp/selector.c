/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which class of traffic a packet belongs to, and with that which SA covers it: the selectors of
 * RFC 4301, 4.4.1.1 as far as mobility needs them (upper-layer protocol, type of the mobility
 * message or of the ICMPv6 message).  Addresses are not looked at: an SA names its owner, and who
 * uses an opened packet compares.
 *
 * RFC 3776, 4 and RFC 4877, 4.2: Binding Updates and Acknowledgements and prefix discovery in
 * transport mode, the other mobility messages and payload in tunnel mode.
 */
#include "base/ip6.h"
#include "sad.h"

#define MH_TYPE_AT 2
#define MH_BU 5
#define MH_BA 6
#define MH_HA_SWITCH 12
#define ICMP6_PREFIX_SOLICIT 146
#define ICMP6_PREFIX_ADVERT 147

/* RFC 5142, 10: a Home Agent Switch may use the security association of Binding Updates. */
static bool is_binding(uint8_t mh_type)
{
	return mh_type == MH_BU || mh_type == MH_BA || mh_type == MH_HA_SWITCH;
}

enum esp_class esp_class_of(enum esp_mode mode, const uint8_t *packet, size_t len)
{
	struct ip6_walk w;
	struct ip6_ext e;
	size_t at;

	if (len < IP6_HDR_LEN)
		return ESP_CLASS_PAYLOAD;
	w = ip6_walk_of(packet, len);
	while (ip6_walk_next(&w, &e))
		;
	at = w.at;
	if (w.next == IPPROTO_MH) {
		/* In the tunnel go those of a correspondent, too, which is another matter than the
		 * home registration (RFC 4877, 4.2). */
		return mode == ESP_TRANSPORT && len - at > MH_TYPE_AT &&
				       is_binding(packet[at + MH_TYPE_AT])
			       ? ESP_CLASS_BINDING
			       : ESP_CLASS_MOBILITY;
	}
	if (w.next == IPPROTO_ICMPV6 && len > at &&
	    (packet[at] == ICMP6_PREFIX_SOLICIT || packet[at] == ICMP6_PREFIX_ADVERT))
		return ESP_CLASS_PREFIX;
	return ESP_CLASS_PAYLOAD;
}
