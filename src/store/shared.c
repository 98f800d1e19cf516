/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is the same whatever the store: records become octets, and who holds no term writes nothing.
 */
#include "shared.h"

#include <string.h>

#include "shared_internal.h"

void shared_close(struct shared *s)
{
	if (s != NULL)
		s->ops->close(s);
}

void shared_take(struct shared *s, void (*each)(void *ctx, const struct shared_record *r),
		 shared_done *done, void *ctx)
{
	s->term = 0;
	s->ops->take(s, each, done, ctx);
}

void shared_release(struct shared *s)
{
	s->term = 0;
	s->ops->release(s);
}

uint64_t shared_term(const struct shared *s)
{
	return s->term;
}

void shared_put(struct shared *s, const struct shared_record *r)
{
	struct record_octets octets;

	if (s->term == 0)
		return;
	record_shared_encode(r, &octets);
	s->ops->mark(s, &octets);
	explicit_bzero(&octets, sizeof(octets));
}

void shared_delete(struct shared *s, enum shared_kind kind, const struct in6_addr *home,
		   uint32_t id)
{
	struct record_octets octets;

	if (s->term == 0)
		return;
	record_shared_key(kind, home, id, &octets);
	s->ops->mark(s, &octets);
}

void shared_commit(struct shared *s, enum shared_when when, shared_done *done, void *ctx)
{
	if (s->term > 0)
		s->ops->commit(s, when, done, ctx);
	else if (done != NULL)
		done(ctx, SHARED_FENCED, "this home agent holds no term");
}

void shared_hand_over(struct shared *s)
{
	if (s->term > 0 && s->ops->hand_over != NULL)
		s->ops->hand_over(s);
}

void shared_peek(struct shared *s, shared_peeked *peeked, void *ctx)
{
	if (s->ops->peek != NULL)
		s->ops->peek(s, peeked, ctx);
	else
		peeked(ctx, true, false); /* there is nobody to hand over */
}

void shared_status(const struct shared *s, struct shared_status *ret)
{
	*ret = (struct shared_status){.name = s->ops->name, .term = s->term};
	s->ops->status(s, ret);
}
