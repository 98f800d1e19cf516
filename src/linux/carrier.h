/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ESP between a mobile node and its home agent, below ESP: natively, in UDP or in TLS.
 * docs/field.md has the story; what is decided is decided in src/link/carrier.c.
 *
 *   carrier.c      what goes: by which carrier, and the answers that go by two
 *   carrier_in.c   what came: opened, told to the core, and what it says about the way
 *   carrier_udp.c  the UDP sockets, and sending by them
 *   carrier_rx.c   reading from them
 *   carrier_err.c  ICMP errors about what they have sent
 *   carrier_tcp.c  what goes by connections, which are somebody else's
 *   copies.c       what comes by two carriers
 *   leave.c        what waits to leave with what follows
 *
 * In UDP there are two ports at the home agent, as RFC 5555 has them: one for whole IPv6 packets,
 * which are signalling, and one for bare ESP, which is data (RFC 3948).  The mobile node has one
 * port for both.
 */
#ifndef BUB_LINUX_CARRIER_H
#define BUB_LINUX_CARRIER_H

#include "internal.h"
#include "linux_hint.h"
#include "linux_tcp.h"

/* What goes to one end, or came from one. */
enum carrier_port {
	CARRIER_MESSAGE, /* IPv6 | ESP, transport mode */
	CARRIER_DATA,    /* ESP, tunnel mode */
	CARRIER_PORTS,
};

#define CARRIER_NO_ESP_LEN 4 /* octets of zero, where ESP has its SPI */

#define ANSWER_MAX 512 /* octets of an acknowledgement in ESP */
#define ANSWERS 256
#define ANSWER_S 5

/* The last message of a mobile node and what it was answered. */
struct carrier_answer {
	struct in6_addr home, care_of;
	uint8_t question[8];        /* SPI and number */
	struct carrier_end also[2]; /* copies came from there */
	uint8_t n_also;
	uint16_t len; /* of the answer; 0: none yet */
	struct bub_time until;
	uint8_t packet[ANSWER_MAX];
};

enum { UDP_SOCKETS_MAX = 4 };

/* One UDP socket. */
struct carrier_socket {
	int fd;                 /* -1: none */
	enum carrier_port port; /* home agent's */
	bool own;               /* mobile node's: both */
	bool ipv4;
};

struct carrier_state {
	struct carriers *choice;
	struct copies *copies;
	struct carrier_answer *answer; /* ANSWERS */
	struct carrier_socket sock[UDP_SOCKETS_MAX];
	unsigned n_socks;
	unsigned last;   /* the socket that something was read from */
	unsigned n_last; /* reads since the others were looked at */
};

/* carrier.c */
int carrier_new(struct lnx *l); /* 0 or -ENOMEM */
void carrier_free(struct lnx *l);

/* carrier_udp.c */
int carrier_udp_open(struct lnx *l, char *ret_error, size_t error_size);
void carrier_udp_close(struct lnx *l);
/* Counts what the sockets had no room for. */
void carrier_udp_count_lost(struct lnx *l);

/* A datagram from @src (:: as the socket is bound) with that traffic class.  @whole: rather not at
 * all than in fragments.  0 or a negative errno. */
struct carrier_datagram {
	enum carrier_port port;
	struct in6_addr src, dst;
	uint16_t dst_port;
	uint8_t traffic_class;
	bool whole;
	struct bub_view payload;
};
int carrier_udp_send(struct lnx *l, bool own, const struct carrier_datagram *d);

/* Several, with the payloads @payload, all of one size but for the last, by one call.  False: they
 * have to be sent one by one, or this is not known here. */
bool carrier_udp_send_many(struct lnx *l, bool own, const struct carrier_datagram *d,
			   struct iovec *payload, unsigned n);

/* leave.c: what has been sealed waits for what follows */
struct leave_way {
	bool udp;
	struct in6_addr home;
	bool own;                   /* UDP: as a mobile node */
	struct carrier_datagram to; /* UDP; has no payload */
	uint32_t ifindex;           /* natively */
	bool message;               /* natively: no data, but a mobility message */
};
int leave_new(struct lnx *l); /* 0 or -ENOMEM */
void leave_free(struct lnx *l);
/* @packet, which was sealed behind those that wait: natively all of it, in UDP what is behind its
 * IPv6 header. */
void leave_take(struct lnx *l, const struct leave_way *way, struct bub_view packet);
/* A message to the mobile node @home, whole and native: it may stand anywhere. */
void leave_take_message(struct lnx *l, const struct in6_addr *home, uint32_t ifindex,
			struct bub_view packet);
/* Whether packets wait for others; those that do leave with the end of it. */
void leave_wait(struct lnx *l, bool waits);
/* Those that wait leave now. */
void leave_flush(struct lnx *l);

/* carrier_err.c: ICMP errors that wait at a socket */
void carrier_errors(struct lnx *l, const struct carrier_socket *s);

/* carrier_rx.c */
void carrier_readable(struct lnx *l);
/* Bare ESP gets the IPv6 header that it would have had natively: it stands in front of @packet
 * then. */
void carrier_put_outer(uint8_t *packet, size_t len, const struct in6_addr *src,
		       const struct in6_addr *dst, uint8_t tclass);

/* carrier_tcp.c */
int carrier_tcp_send(struct lnx *l, const struct lnx_tcp *to, struct bub_view packet);
void carrier_tcp_end(struct lnx *l, const struct in6_addr *home);
void carrier_tcp_data(struct lnx *l, const struct link_tunnel *t, struct bub_view sealed);

/* carrier_in.c: a packet with ESP came from @from to @to; @port is of UDP only */
void carrier_take(struct lnx *l, uint32_t ifindex, const struct bub_ip6 *ip,
		  const struct carrier_end *from, const struct in6_addr *to,
		  enum carrier_port port);

/* carrier.c again */
/* A message that the transport mode SA of its owner has sealed. */
void carrier_send_message(struct lnx *l, const struct bub_action *act, struct bub_view sealed);
/* A packet of the tunnel @t, with its outer header. */
void carrier_send_data(struct lnx *l, const struct link_tunnel *t, struct bub_view sealed,
		       const struct bub_action *act);
void carrier_data_by_udp(struct lnx *l, const struct link_tunnel *t, struct bub_view sealed,
			 const struct bub_action *act);
/* A mobile node has its answer: what it comes to is said, and the home agent is shown. */
void carrier_decided(struct lnx *l, const struct in6_addr *home);
/* The room for inner packets becomes that of the carrier.  What this brings is to be carried out.
 */
void carrier_fit(struct lnx *l, const struct in6_addr *home);
struct bub_time carrier_deadline(const struct lnx *l);
void carrier_expire(struct lnx *l, struct bub_time now);
/* Home agent: a message of @home was opened; and a copy of one came from @from. */
void carrier_question(struct lnx *l, const struct in6_addr *home, const struct in6_addr *care_of,
		      const uint8_t *esp);
void carrier_copy_came(struct lnx *l, const struct bub_ip6 *ip, const struct carrier_end *from);

#endif
