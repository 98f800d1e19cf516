/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for libbub's errors and drop reasons.  The tables grow out of BUB_DROP_REASONS in
 * error.h, so that a reason cannot exist without its counter name and its rule.  What becomes of
 * an error or a drop is the caller's: nothing is counted or logged here.
 */
#include "bub/error.h"

static const char *const drop_names[BUB_DROP_COUNT] = {[BUB_DROP_NONE] = "none",
#define DROP_NAME(id, name, rule) [BUB_DROP_##id] = (name),
						       BUB_DROP_REASONS(DROP_NAME)
#undef DROP_NAME
};

static const char *const drop_rules[BUB_DROP_COUNT] = {[BUB_DROP_NONE] = "none",
#define DROP_RULE(id, name, rule) [BUB_DROP_##id] = (rule),
						       BUB_DROP_REASONS(DROP_RULE)
#undef DROP_RULE
};

const char *bub_strerror(int err)
{
	switch (err) {
	case 0:
		return "success";
	case BUB_ERR_TRUNCATED:
		return "truncated";
	case BUB_ERR_MALFORMED:
		return "malformed";
	case BUB_ERR_NO_SPACE:
		return "no space left";
	case BUB_ERR_NOT_FOUND:
		return "not found";
	case BUB_ERR_INVALID:
		return "invalid value";
	case BUB_ERR_CRYPTO:
		return "refused by the cryptographic library";
	case BUB_ERR_EXISTS:
		return "exists already";
	default:
		return "unknown error";
	}
}

const char *bub_drop_name(enum bub_drop why)
{
	return (unsigned)why < BUB_DROP_COUNT ? drop_names[why] : "unknown";
}

const char *bub_drop_rule(enum bub_drop why)
{
	return (unsigned)why < BUB_DROP_COUNT ? drop_rules[why] : "unknown";
}
