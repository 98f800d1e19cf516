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
#include "sad.h"

#define IP6_HDR_LEN 40
#define NH_HOPOPTS 0
#define NH_ROUTING 43
#define NH_ICMPV6 58
#define NH_DSTOPTS 60
#define NH_MH 135
#define MH_TYPE_AT 2
#define MH_BU 5
#define MH_BA 6
#define ICMP6_PREFIX_SOLICIT 146
#define ICMP6_PREFIX_ADVERT 147

static bool is_extension(uint8_t next_header)
{
	return next_header == NH_HOPOPTS || next_header == NH_ROUTING || next_header == NH_DSTOPTS;
}

enum esp_class esp_class_of(enum esp_mode mode, const uint8_t *packet, size_t len)
{
	size_t at = IP6_HDR_LEN;
	uint8_t proto;

	if (len < IP6_HDR_LEN)
		return ESP_CLASS_PAYLOAD;
	proto = packet[6];
	while (is_extension(proto) && len - at >= 2) {
		const size_t ext_len = ((size_t)packet[at + 1] + 1) * 8;

		if (ext_len > len - at)
			return ESP_CLASS_PAYLOAD;
		proto = packet[at];
		at += ext_len;
	}
	if (proto == NH_MH) {
		/* In the tunnel go those of a correspondent, too, which is another matter than the
		 * home registration (RFC 4877, 4.2). */
		if (mode == ESP_TRANSPORT && len - at > MH_TYPE_AT &&
		    (packet[at + MH_TYPE_AT] == MH_BU || packet[at + MH_TYPE_AT] == MH_BA))
			return ESP_CLASS_BINDING;
		return ESP_CLASS_MOBILITY;
	}
	if (proto == NH_ICMPV6 && len > at &&
	    (packet[at] == ICMP6_PREFIX_SOLICIT || packet[at] == ICMP6_PREFIX_ADVERT))
		return ESP_CLASS_PREFIX;
	return ESP_CLASS_PAYLOAD;
}
