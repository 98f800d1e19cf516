/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of what is given out, in the order in which it came to be, and the numbers of
 * operations.
 */
#include <assert.h>

#include "link_internal.h"

static struct link_out *out_at(struct link *lk, unsigned index)
{
	return &lk->out[(lk->out_first + index) % OUTS_MAX];
}

struct link_out *link_put(struct link *lk, enum link_out_type type)
{
	struct link_out *out = out_at(lk, lk->n_out);

	assert(lk->n_out < OUTS_MAX);
	lk->n_out++;
	*out = (struct link_out){.type = type};
	return out;
}

struct link_out *link_put_asked(struct link *lk, enum link_out_type type, uint32_t *ret_id)
{
	struct link_out *out = link_put(lk, type);

	if (++lk->last_id == 0)
		lk->last_id = 1;
	*ret_id = out->id = lk->last_id;
	return out;
}

struct link_out *link_say(struct link *lk, enum link_say what, uint32_t ifindex,
			  const struct in6_addr *addr, const struct in6_addr *other)
{
	struct link_out *out = link_put(lk, LINK_SAY);

	out->u.say.what = what;
	out->u.say.ifindex = ifindex;
	if (addr != NULL)
		out->u.say.addr = *addr;
	if (other != NULL)
		out->u.say.other = *other;
	return out;
}

void link_verdict(struct link *lk, uint32_t id, int error)
{
	struct bub_event *ev = &link_put(lk, LINK_EVENT)->u.event;

	ev->type = BUB_EV_DONE;
	ev->u.done.id = id;
	ev->u.done.error = error;
}

void link_enter(struct link *lk, struct bub_time now)
{
	lk->now = now;
	lk->due = (struct bub_time){0};
}

bool link_next(struct link *lk, struct link_out *ret)
{
	if (lk->n_out == 0)
		return false;
	*ret = lk->out[lk->out_first];
	lk->out_first = (lk->out_first + 1) % OUTS_MAX;
	lk->n_out--;
	return true;
}

/* Those in front of it, which are few, move up. */
bool link_next_operation(struct link *lk, struct link_out *ret)
{
	unsigned at = 0;

	while (at < lk->n_out && out_at(lk, at)->type == LINK_EVENT)
		at++;
	if (at == lk->n_out)
		return false;
	*ret = *out_at(lk, at);
	for (; at > 0; at--)
		*out_at(lk, at) = *out_at(lk, at - 1);
	lk->out_first = (lk->out_first + 1) % OUTS_MAX;
	lk->n_out--;
	return true;
}
