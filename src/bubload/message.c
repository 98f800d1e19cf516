/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See message.h.  Addresses count up: mobile node 5 has the fifth home address after the first, and
 * at each place the fifth care-of address after the first one there.
 */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agree.h"
#include "base/octets.h"
#include "bub/wire.h"

#define PLACE_AT 8    /* octet of the care-of address that says where the mobile node is */
#define COUNTER_AT 12 /* 32 bits that count up, in either address */
#define SAS_EACH 2    /* one a direction: signalling needs no tunnel */
#define IV_LEN 16
#define TOLD_EVERY 65536u /* mobile nodes between two progress lines */

struct messages {
	const struct load_options *o;
	struct bub_codepoints cp;
	struct esp_sad *sad;     /* NULL: without ESP */
	struct esp_sa **outward; /* by mobile node */
	uint64_t iv_state[2];
	uint8_t plain[LOAD_PACKET_MAX];
};

static struct in6_addr message_address(const struct in6_addr *first, uint32_t index)
{
	struct in6_addr a = *first;

	set_be32(a.s6_addr + COUNTER_AT, be32(a.s6_addr + COUNTER_AT) + index);
	return a;
}

struct in6_addr messages_home(const struct load_options *o, uint32_t index)
{
	return message_address(&o->home, index);
}

static struct in6_addr care_of_address(const struct messages *m, uint32_t index, uint8_t place)
{
	struct in6_addr a = message_address(&m->o->care_of, index);

	a.s6_addr[PLACE_AT] = (uint8_t)(a.s6_addr[PLACE_AT] + place);
	return a;
}

/* Which mobile node has this address; false: none. */
static bool message_index(const struct messages *m, const struct in6_addr *first,
			  const struct in6_addr *a, uint32_t *ret_index)
{
	*ret_index = be32(a->s6_addr + COUNTER_AT) - be32(first->s6_addr + COUNTER_AT);
	return *ret_index < m->o->nodes && memcmp(a, first, PLACE_AT) == 0;
}

/* ---- Associations -------------------------------------------------------------------------- */

/* Those for signalling. */
static bool add_associations(void *ctx, uint32_t index,
			     const struct esp_sa_params set[static ESP_SET_COUNT])
{
	struct messages *m = ctx;
	const char *why = NULL;

	m->outward[index] = esp_sad_add(m->sad, &set[ESP_SET_TRANSPORT_UP], &why);
	if (m->outward[index] != NULL &&
	    esp_sad_add(m->sad, &set[ESP_SET_TRANSPORT_DOWN], &why) != NULL)
		return true;
	fprintf(stderr, "bubload: no security associations for mobile node %u: %s\n",
		(unsigned)index, why);
	return false;
}

static bool derive_associations(struct messages *m, uint32_t index)
{
	const struct in6_addr home = messages_home(m->o, index);
	struct esp_sa_params set[ESP_SET_COUNT];
	bool fine = esp_derive_set(m->o->secret, m->o->secret_len, &home, &m->o->agent, false,
				   set) == 0;

	set[ESP_SET_TRANSPORT_UP].sequence = m->o->sequence;
	if (!fine)
		fprintf(stderr, "bubload: libcrypto refuses to derive keys\n");
	fine = fine && add_associations(m, index, set);
	explicit_bzero(set, sizeof(set));
	return fine;
}

static bool make_associations(struct messages *m)
{
	m->sad = esp_sad_new((size_t)m->o->nodes * SAS_EACH);
	m->outward = calloc(m->o->nodes, sizeof(struct esp_sa *));
	if (m->sad == NULL || m->outward == NULL) {
		fprintf(stderr, "bubload: out of memory\n");
		return false;
	}
	if (m->o->psk_len > 0)
		return agree_all(m->o, add_associations, m);
	for (uint32_t i = 0; i < m->o->nodes; i++) {
		if (!derive_associations(m, i))
			return false;
		if (m->o->progress && i % TOLD_EVERY == TOLD_EVERY - 1)
			fprintf(stderr, "\rkeys of %u of %u mobile nodes ", (unsigned)i + 1,
				(unsigned)m->o->nodes);
	}
	return true;
}

struct messages *messages_new(const struct load_options *o)
{
	struct messages *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		fprintf(stderr, "bubload: out of memory\n");
		return NULL;
	}
	m->o = o;
	m->cp = BUB_CODEPOINTS_DEFAULT;
	m->iv_state[0] = load_now_ns();
	if (o->secret_len + o->psk_len > 0 && !make_associations(m)) {
		messages_free(m);
		return NULL;
	}
	return m;
}

void messages_free(struct messages *m)
{
	if (m == NULL)
		return;
	esp_sad_free(m->sad);
	free(m->outward);
	free(m);
}

/* ---- Out ----------------------------------------------------------------------------------- */

/* No two are the same in a run, and that is all that a load generator needs: nothing that it
 * encrypts is a secret. */
static void message_iv(struct messages *m, uint8_t ret[static IV_LEN])
{
	m->iv_state[1]++;
	memcpy(ret, m->iv_state, IV_LEN);
}

static size_t message_sealed(struct messages *m, uint32_t index, size_t len, size_t upper_at,
			     uint8_t out[static LOAD_PACKET_MAX])
{
	uint8_t iv[IV_LEN];
	struct bub_ip6 ip;
	size_t sealed = 0;

	message_iv(m, iv);
	if (bub_ip6_decode((struct bub_view){m->plain, len}, &ip) != BUB_DROP_NONE ||
	    esp_seal_transport(m->outward[index], m->plain, len, ip.upper_proto_at, upper_at, iv,
			       out, LOAD_PACKET_MAX, &sealed) != ESP_OK)
		return 0;
	return sealed;
}

size_t messages_update(struct messages *m, uint32_t index, const struct load_node *node,
		       uint8_t out[static LOAD_PACKET_MAX])
{
	const struct in6_addr home = messages_home(m->o, index);
	struct bub_mh mh = {.kind = BUB_MH_BU};
	struct bub_ip6_build headers = {
		.src = care_of_address(m, index, node->place),
		.dst = m->o->agent,
		.hao = &home,
		.upper_proto = BUB_NH_MH,
	};
	struct bub_mh_layout layout;
	uint8_t message[LOAD_PACKET_MAX];
	uint8_t *packet = m->sad != NULL ? m->plain : out;
	int at;

	mh.u.bu.sequence = (uint16_t)node->sequence;
	mh.u.bu.flags = BUB_BU_ACK | BUB_BU_HOME;
	mh.u.bu.lifetime_s = node->deletes ? 0 : m->o->lifetime_s;
	mh.opts.present = BUB_OPT_ALT_CARE_OF;
	mh.opts.alt_care_of = headers.src;
	if (bub_mh_encode(&mh, &m->cp, message, sizeof(message), &layout) != 0)
		return 0;
	bub_mh_finish(message, layout.len, &home, &headers.dst);
	headers.upper_len = (uint16_t)layout.len;
	at = bub_ip6_encode(&headers, packet, LOAD_PACKET_MAX);
	if (at <= 0 || (size_t)at + layout.len > LOAD_PACKET_MAX)
		return 0;
	memcpy(packet + at, message, layout.len);
	if (m->sad == NULL)
		return (size_t)at + layout.len;
	return message_sealed(m, index, (size_t)at + layout.len, (size_t)at, out);
}

/* ---- In ------------------------------------------------------------------------------------ */

/* Takes ESP off: @ip is of the packet without it from then on. */
static bool message_opened(struct messages *m, struct bub_ip6 *ip)
{
	struct esp_opened opened;

	return ip->upper_proto == BUB_NH_ESP &&
	       esp_open(m->sad, ip->packet.data, ip->packet.len, ip->upper_proto_at,
			(size_t)(ip->upper.data - ip->packet.data), m->plain, sizeof(m->plain),
			&opened) == ESP_OK &&
	       bub_ip6_decode((struct bub_view){m->plain, opened.len}, ip) == BUB_DROP_NONE;
}

static enum message_kind message_echoed(const struct messages *m, const struct bub_ip6 *ip,
					struct message_answer *ret)
{
	*ret = (struct message_answer){.lifetime_s = m->o->lifetime_s};
	return message_index(m, &m->o->care_of, &ip->dst, &ret->index) ? MESSAGE_ANSWER
								       : MESSAGE_FOREIGN;
}

enum message_kind messages_read(struct messages *m, const uint8_t *packet, size_t len,
				struct message_answer *ret)
{
	struct bub_mh_fault fault;
	struct bub_ip6 ip;
	struct bub_mh mh;
	uint32_t index;

	if (bub_ip6_decode((struct bub_view){packet, len}, &ip) != BUB_DROP_NONE)
		return MESSAGE_FOREIGN;
	if (m->o->echo)
		return message_echoed(m, &ip, ret);
	if (!message_index(m, &m->o->home, bub_ip6_home_dst(&ip), &index) ||
	    !bub_addr_eq(&ip.src, &m->o->agent) ||
	    (ip.upper_proto != BUB_NH_MH && ip.upper_proto != BUB_NH_ESP))
		return MESSAGE_FOREIGN;
	if (m->sad != NULL && !message_opened(m, &ip))
		return MESSAGE_BAD;
	if (ip.upper_proto != BUB_NH_MH || bub_mh_decode(&ip, &m->cp, &mh, &fault) != 0)
		return MESSAGE_BAD;
	if (mh.kind != BUB_MH_BA)
		return MESSAGE_FOREIGN;
	*ret = (struct message_answer){
		.index = index,
		.sequence = mh.u.ba.sequence,
		.status = mh.u.ba.status,
		.lifetime_s = mh.u.ba.lifetime_s,
	};
	return MESSAGE_ANSWER;
}
