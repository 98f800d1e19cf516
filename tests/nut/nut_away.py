#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a mobile node away from home: messages of others that it gets there, good and bad.

What its home agent sends in ESP, what correspondents send in the tunnel and directly, and what
other mobile nodes send to its home address, for which it is a correspondent.

RFC 6275, 9.2 (Mobility Header checks), 9.4 (tests), 9.5 (updates), 11.7.3 (acknowledgements).
"""

import hashlib
import os
import struct
import sys
import time

import nut_common as nut
from nut_common import (A, BA, BE, BU, COT, COTI, DOWN, HOT, HOTI, MH, TUNNEL_UP, UP, check,
                        equal)
from nut_mn import AGENT, HOME, Node, Peer

NOTHING_S = 1.5


def nothing(n, what, match):
    end = time.monotonic() + NOTHING_S
    n.link.wait("the end", lambda: time.monotonic() > end)
    found = n.link.find(match)
    check(f"no {what}", not found, found)


def from_agent(n, text, fresh=True):
    """A mobility message of the home agent, in ESP behind a routing header."""
    if fresh:
        text = nut.finish(text, AGENT, HOME)
    proto, text = n.esp.seal(DOWN, MH, text)
    n.link.send(nut.ip6(AGENT, n.care_of, nut.ROUTING, nut.rh2(HOME, proto) + text))


def acknowledgement(seq, status, reserved=0, units=100, **kw):
    return nut.mobility(BA, struct.pack("!BBHH", status, reserved, seq & 0xFFFF, units), **kw)


def problem(p, pointer):
    equal("code", p.data[1], 0)
    equal("pointer", struct.unpack("!I", p.data[4:8])[0], pointer)


def to_agent(n):
    return lambda p: p.dst == AGENT and (p.icmp == 4 or p.kind == BE)


# ---- The home agent ----------------------------------------------------------------------------


def broken_message_of_the_home_agent(n):
    """RFC 6275, 9.2: Payload Proto, then Header Len; the octet is the one ahead of ESP."""
    n.arrive(2)
    n.seq = n.update().bu.seq
    for kw, pointer in (({"proto": nut.ICMP6}, 64), ({"length": 0}, 65)):
        from_agent(n, acknowledgement(n.seq, 0, **kw))
        p = n.link.expect("Parameter Problem", to_agent(n))
        equal("source", p.src, n.care_of)
        equal("extension headers", p.chain, [])
        problem(p, pointer)
        equal("checksum", nut.checksum(p.src, p.dst, nut.ICMP6, p.data), 0)


def unknown_message_of_the_home_agent(n):
    """RFC 6275, 9.2: Binding Error, status 2.  Not where the association is for others only."""
    text = nut.mobility(20, b"\0" * 10)
    from_agent(n, text)
    nothing(n, "answer", to_agent(n))
    n.link.send(nut.mobile(AGENT, n.care_of, text, to_home=HOME))
    p = n.link.expect("Binding Error", to_agent(n))
    equal("source", p.src, n.care_of)
    equal("extension headers", p.chain, [])
    equal("status", p.mh.status, 2)
    equal("home address", p.mh.ha, "::")


def bad_checksum_of_the_home_agent(n):
    from_agent(n, acknowledgement(n.seq, 0)[:4] + b"\xde\xad" + b"\0" * 6, fresh=False)
    nothing(n, "answer", to_agent(n))


def reserved_bits_and_unknown_options(n):
    """RFC 6275, 6.1.8 and 6.2.1: ignored; all statuses below 128 accept (11.7.3)."""
    seq = n.update().bu.seq  # not answered so far: one that is on its way
    text = acknowledgement(seq, 99, reserved=0x3F) + b"\x99\x06" + b"\xff" * 6
    text = text[:1] + bytes([len(text) // 8 - 1, BA, 0xFF]) + text[4:]
    from_agent(n, text)
    peer = Peer(n, 1)
    ident = peer.ping()
    n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))
    n.link.drain()
    end = time.monotonic() + 5  # the next repetition would have come
    n.link.wait("the end", lambda: time.monotonic() > end)
    found = [p for p in n.link.packets if n.esp.is_for(UP, p) and n.esp.message(UP, p).kind == BU]
    check("no more home BU", not found, found)


# ---- Correspondents ----------------------------------------------------------------------------


def broken_home_test(n):
    """It came through the tunnel, and so does the answer."""
    peer = Peer(n, 2)
    for kw, pointer in (({"proto": nut.ICMP6}, 40), ({"length": 1}, 41)):
        text = nut.mobility(HOT, b"\0\1" + b"\0" * 16, **kw)
        n.tunnel(nut.mobile(peer.addr, HOME, text))
        p = n.tunnelled("Parameter Problem", lambda p: p.icmp == 4 and p.dst == peer.addr)
        equal("source", p.src, HOME)
        equal("extension headers", p.chain, [])
        problem(p, pointer)


def broken_care_of_test(n):
    peer = Peer(n, 3)
    for kw, pointer in (({"proto": nut.ICMP6}, 40), ({"length": 1}, 41)):
        text = nut.mobility(COT, b"\0\1" + b"\0" * 16, **kw)
        n.link.send(nut.mobile(peer.addr, n.care_of, text))
        p = n.link.expect("Parameter Problem", lambda p: p.icmp == 4 and p.dst == peer.addr)
        equal("source", p.src, n.care_of)
        equal("extension headers", p.chain, [])
        problem(p, pointer)


def unknown_message_of_a_correspondent(n):
    peer = Peer(n, 4)
    text = nut.mobility(20, b"\0" * 10)
    n.tunnel(nut.mobile(peer.addr, HOME, text))
    p = n.tunnelled("Binding Error", lambda p: p.kind == BE and p.dst == peer.addr)
    equal("source", p.src, HOME)
    equal("status", p.mh.status, 2)
    n.link.send(nut.mobile(peer.addr, n.care_of, text))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == peer.addr)
    equal("source", p.src, n.care_of)
    equal("status", p.mh.status, 2)


def errors_start_no_return_routability(n):
    """RFC 6275, 11.3.5: nor does a message of another mobile node's test."""
    peer = Peer(n, 5)
    quoted = nut.echo(HOME, "2001:db8:c::dead", 1)
    for kind, code in ((1, 3), (3, 0), (4, 0)):
        n.tunnel(nut.icmp6(peer.addr, HOME, kind, code, struct.pack("!I", 0) + quoted))
    n.tunnel(nut.mobile(peer.addr, HOME, nut.mobility(COTI, b"\0\0" + os.urandom(8))))
    n.tunnelled("CoT", lambda p: p.kind == COT and p.dst == peer.addr)
    end = time.monotonic() + NOTHING_S
    n.link.wait("the end", lambda: time.monotonic() > end)
    check("left alone", not peer.attempts(), peer.attempts())
    ident = peer.ping()  # but this does
    n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))
    peer.home_init()
    peer.care_of_init()


def spoilt_acknowledgement_of_a_correspondent(n):
    """Binding Authorization Data is the last option; others there are skipped."""
    peer = Peer(n, 6)
    peer.ping()
    peer.home_test(peer.home_init())
    peer.care_of_test(peer.care_of_init())
    seq = peer.update().bu.seq
    data = b"\x05\x0c" + b"\0" * 12
    body = struct.pack("!BBHH", 0, 0, seq, 105)
    text = nut.mobility(BA, nut.padded(b"\0" * 6 + body, 8, 2)[6:] + data + b"\x01\x06" + b"\0" * 6)
    text = text[:-20] + nut.signed(text[:-8], peer.kbm(), n.care_of, peer.addr)[-12:] + text[-8:]
    n.link.send(nut.mobile(peer.addr, n.care_of, text, to_home=HOME))
    seq = peer.update().bu.seq  # repeated
    body = struct.pack("!BBHH", 0, 0x3F, seq, 105) + b"\x99\x02\xff\xff"
    text = nut.mobility(BA, nut.padded(b"\0" * 6 + body, 8, 2)[6:] + data)
    text = text[:3] + b"\xff" + text[4:]
    text = nut.signed(text, peer.kbm(), n.care_of, peer.addr)
    n.link.send(nut.mobile(peer.addr, n.care_of, text, to_home=HOME))
    equal("home address", peer.direct_reply().home, HOME)


# ---- Other mobile nodes ------------------------------------------------------------------------


def it_is_a_correspondent_through_the_tunnel(n):
    """RFC 6275, 9.4 and 9.5.4: from the home address, without the Home Address option."""
    home, care_of = "2001:db8:c::77", "2001:db8:b::77"
    cookie = os.urandom(8)
    n.tunnel(nut.mobile(home, HOME, nut.mobility(HOTI, b"\0\0" + cookie)))
    p = n.tunnelled("HoT", lambda p: p.kind == HOT and p.dst == home)
    equal("HoT", (p.src, p.chain, p.data[8:16]), (HOME, [], cookie))
    home_nonce, home_token = p.data[6:8], p.data[16:24]
    n.tunnel(nut.mobile(care_of, HOME, nut.mobility(COTI, b"\0\0" + cookie)))
    p = n.tunnelled("CoT", lambda p: p.kind == COT and p.dst == care_of)
    equal("CoT", (p.src, p.chain, p.data[8:16]), (HOME, [], cookie))
    nonces = struct.unpack("!HH", home_nonce + p.data[6:8])
    key = hashlib.sha1(home_token + p.data[16:24]).digest()
    text = nut.binding_update(9, A, 60, nonces=nonces, key=key, care_of=care_of, peer=HOME)
    n.tunnel(nut.mobile(care_of, HOME, text, home=home))
    p = n.tunnelled("BA", lambda p: p.kind == BA and p.dst == care_of)
    equal("BA", (p.src, p.chain, p.to_home), (HOME, [nut.ROUTING], home))
    equal("status and number", (p.mh.status, p.mh.seq), (0, 9))
    p.check_signature(key, care_of, HOME)


# ---- No registration ---------------------------------------------------------------------------


def says_nothing(n, ident):
    """What had been sent already comes first."""
    peer = Peer(n, ident)

    def ask():
        n.link.drain()
        n.link.send(nut.echo(AGENT, n.care_of, ident, to_home=HOME))
        n.tunnel(nut.echo(peer.addr, HOME, ident))
        end = time.monotonic() + 0.5
        n.link.wait("the end", lambda: time.monotonic() > end)
        return not n.link.find(lambda p: n.esp.is_for(TUNNEL_UP, p) or p.icmp == 129)

    n.link.wait("no answer", ask, 3)


def unanswered_it_uses_no_tunnel(n):
    """RFC 6275, 11.7.3: it has no registration that anything could rest upon."""
    n.arrive(2)
    n.update()
    n.update()
    says_nothing(n, 8)


def registered_it_does(n):
    seq = n.update().bu.seq
    from_agent(n, acknowledgement(seq, 0))
    peer = Peer(n, 9)
    ident = peer.ping()
    n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))


def refused_it_uses_no_tunnel(n):
    """Though the home agent may well have the binding of before."""
    n.arrive(3)
    from_agent(n, acknowledgement(n.update().bu.seq, 130, units=0))
    says_nothing(n, 10)


def plain(bubd):
    return Node(bubd)


if __name__ == "__main__":
    sys.exit(
        nut.main(
            [
                (plain, (
                    broken_message_of_the_home_agent,
                    unknown_message_of_the_home_agent,
                    bad_checksum_of_the_home_agent,
                    reserved_bits_and_unknown_options,
                    broken_home_test,
                    broken_care_of_test,
                    unknown_message_of_a_correspondent,
                    errors_start_no_return_routability,
                    spoilt_acknowledgement_of_a_correspondent,
                    it_is_a_correspondent_through_the_tunnel,
                )),
                (plain, (
                    unanswered_it_uses_no_tunnel,
                    registered_it_does,
                    refused_it_uses_no_tunnel,
                )),
            ]
        )
    )
