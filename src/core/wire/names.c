/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RFC's words for message kinds and status values, for logs, bubctl and traces.
 */
#include "bub/wire.h"

const char *bub_mh_kind_name(enum bub_mh_kind kind)
{
	switch (kind) {
	case BUB_MH_BRR:
		return "Binding Refresh Request";
	case BUB_MH_HOTI:
		return "Home Test Init";
	case BUB_MH_COTI:
		return "Care-of Test Init";
	case BUB_MH_HOT:
		return "Home Test";
	case BUB_MH_COT:
		return "Care-of Test";
	case BUB_MH_BU:
		return "Binding Update";
	case BUB_MH_BA:
		return "Binding Acknowledgement";
	case BUB_MH_BE:
		return "Binding Error";
	case BUB_MH_BUBC:
		return "BUB Complete";
	case BUB_MH_DH:
		return "Diffie-Hellman";
	case BUB_MH_HA_SWITCH:
		return "Home Agent Switch";
	}
	return "unknown";
}

const char *bub_status_name(uint8_t status)
{
	switch (status) { /* RFC 6275, 6.1.8 */
	case BUB_STATUS_ACCEPTED:
		return "accepted";
	case BUB_STATUS_PREFIX_DISCOVERY:
		return "accepted but prefix discovery necessary";
	case BUB_STATUS_UNSPECIFIED:
		return "reason unspecified";
	case BUB_STATUS_PROHIBITED:
		return "administratively prohibited";
	case BUB_STATUS_NO_RESOURCES:
		return "insufficient resources";
	case BUB_STATUS_HOME_NOT_SUPPORTED:
		return "home registration not supported";
	case BUB_STATUS_NOT_HOME_SUBNET:
		return "not home subnet";
	case BUB_STATUS_NOT_HA_FOR_MN:
		return "not home agent for this mobile node";
	case BUB_STATUS_DAD_FAILED:
		return "duplicate address detection failed";
	case BUB_STATUS_SEQUENCE:
		return "sequence number out of window";
	case BUB_STATUS_HOME_NONCE_EXPIRED:
		return "expired home nonce index";
	case BUB_STATUS_CARE_OF_NONCE_EXPIRED:
		return "expired care-of nonce index";
	case BUB_STATUS_NONCES_EXPIRED:
		return "expired nonces";
	case BUB_STATUS_REGISTRATION_TYPE:
		return "registration type change disallowed";
	case BUB_STATUS_INVALID_CARE_OF:
		return "invalid care-of address";
	default:
		return "unknown";
	}
}
