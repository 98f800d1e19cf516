#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a mobile node with one interface, judged from the wire.

The link never goes down: the node moves because another router's advertisements arrive and the
router before answers no more.  The tester is all routers, the home agent and the correspondents.
The cases of a group are one story, each going on where the one before ended.

RFC 6275, 11 (mobile node), 5.2 (return routability), 6.6 (discovery); RFC 3776, 3.
"""

import hashlib
import os
import struct
import sys
import time

import nut_common as nut
from nut_common import (A, BA, BE, BRR, BU, COT, COTI, DOWN, DSTOPT, ESP_NH, H, HOT, HOTI, ICMP6,
                        IP6_NH, MH, MPS_DOWN, MPS_UP, TUNNEL_DOWN, TUNNEL_UP, UP, Link, check,
                        equal)

HOME_PREFIX = "2001:db8:1::"
HOME = HOME_PREFIX + nut.NUT_IID
AGENT = HOME_PREFIX + "1"
ANYCAST = "2001:db8:1:0:fdff:ffff:ffff:fffe"
SECRET = b"a secret for the conformance cases"


class Node:
    def __init__(self, bubd, agent=f'home-agent = "{AGENT}"', extra="bub { policy = never }",
                 esp=None, keys=""):
        self.link = Link("mn")
        self.esp = esp or nut.Esp(SECRET, HOME, AGENT)
        if esp is None:
            keys = f'secret-file = "{self.link.secret("secret", SECRET.decode())}"'
        text = f'{extra}\nmobile-node {{\nhome-address = "{HOME}/64"\n{agent}\n'
        text += f'{keys}\nlifetime = 400\n}}\n'
        try:
            self.arrive(1, HOME_PREFIX)
            self.link.start(bubd, text)
            self.link.expect("claim of the home address", lambda p: is_advert(p, HOME))
        except BaseException:
            for line in self.link.tail():
                print(f"# bubd: {line}", flush=True)
            self.link.close()
            raise

    def arrive(self, number, prefix=None, full=None):
        """The router before vanishes, this one advertises its prefix, and perhaps its address."""
        prefix = prefix or f"2001:db8:{number:x}::"
        router, mac = f"fe80::{number:x}", f"02:00:00:00:00:{number:02x}"
        self.link.owned.clear()
        self.link.routers.clear()
        self.link.router(router, mac)
        if prefix == HOME_PREFIX:
            self.link.owned[AGENT] = mac
        self.care_of = prefix + nut.NUT_IID
        self.link.drain()
        self.link.beacon = lambda: self.link.advertise([prefix], router, mac, full=full)
        self.link.beacon_at = time.monotonic()
        self.link.beacon()

    # -- home agent

    def is_update(self, p, source):
        return (p.src == source and p.dst == AGENT and self.esp.is_for(UP, p)
                and self.esp.message(UP, p).kind == BU)

    def update(self, source=None):
        """The next home Binding Update, out of ESP."""
        source = source or self.care_of
        p = self.esp.message(UP, self.link.expect("home BU", lambda p: self.is_update(p, source)))
        p.bu = p.mh
        return p

    def acknowledge(self, seq, status=0, units=100, away=True, protected=True):
        text = nut.mobility(BA, struct.pack("!BBHH", status, 0, seq & 0xFFFF, units))
        text, proto = nut.finish(text, AGENT, HOME), MH
        if protected:
            proto, text = self.esp.seal(DOWN, proto, text)
        if away:
            text, proto = nut.rh2(HOME, proto) + text, nut.ROUTING
        self.link.send(nut.ip6(AGENT, self.care_of if away else HOME, proto, text))

    def deregister(self, p, what, match, status=0):
        """Acknowledges this deregistration, and its repetitions: of several the node takes an
        answer to the last one only.  Until a packet comes that matches: returns it."""
        while True:
            self.acknowledge(p.bu.seq, status=status, units=0, away=False)
            p = self.link.expect(what, lambda p: match(p) or self.is_update(p, HOME))
            if match(p):
                return p
            p = self.esp.message(UP, p)
            p.bu = p.mh

    def tunnel(self, packet, src=AGENT):
        proto, text = self.esp.seal(TUNNEL_DOWN, IP6_NH, packet)
        self.link.send(nut.ip6(src, self.care_of, proto, text))

    def tunnelled(self, what, match, limit_s=nut.LIMIT_S):
        """A packet out of the reverse tunnel."""

        def outer(p):
            return self.esp.is_for(TUNNEL_UP, p) and match(self.esp.inner(TUNNEL_UP, p))

        p = self.link.expect(what, outer, limit_s)
        equal("outer source", p.src, self.care_of)
        equal("outer destination", p.dst, AGENT)
        equal("outer headers", p.chain, [])
        return self.esp.inner(TUNNEL_UP, p)

    def register(self):
        p = self.update()
        self.acknowledge(p.bu.seq)
        return p

    def move(self, number):
        self.arrive(number)
        return self.register()


class Peer:
    """A correspondent."""

    def __init__(self, node, number):
        self.node, self.link = node, node.link
        self.addr = f"2001:db8:c::{number:x}"
        self.home_token, self.care_of_token = os.urandom(8), os.urandom(8)
        self.nonces = (0x1000 + number, 0x2000 + number)
        self.ident = number << 8

    def ping(self):
        """Through the home agent, which makes the node start return routability."""
        self.ident += 1
        self.node.tunnel(nut.echo(self.addr, HOME, self.ident))
        return self.ident

    def is_reply(self, p, ident=None):
        return p.icmp == 129 and p.data[4:6] == struct.pack("!H", ident or self.ident)

    def home_init(self, limit_s=nut.LIMIT_S):
        p = self.node.tunnelled(
            "HoTI", lambda p: p.kind == HOTI and p.dst == self.addr, limit_s
        )
        equal("source", p.src, HOME)
        equal("extension headers", p.chain, [])
        p.mh  # noqa: B018: checks it
        return p.data[8:16]

    def care_of_init(self, limit_s=nut.LIMIT_S):
        p = self.link.expect("CoTI", lambda p: p.kind == COTI and p.dst == self.addr, limit_s)
        equal("source", p.src, self.node.care_of)
        equal("extension headers", p.chain, [])
        p.mh  # noqa: B018: checks it
        return p.data[8:16]

    def home_test(self, cookie):
        text = nut.mobility(HOT, struct.pack("!H", self.nonces[0]) + cookie + self.home_token)
        self.node.tunnel(nut.mobile(self.addr, HOME, text))

    def care_of_test(self, cookie):
        text = nut.mobility(COT, struct.pack("!H", self.nonces[1]) + cookie + self.care_of_token)
        self.link.send(nut.mobile(self.addr, self.node.care_of, text))

    def kbm(self):
        return hashlib.sha1(self.home_token + self.care_of_token).digest()

    def update(self, limit_s=nut.LIMIT_S):
        p = self.link.expect("BU", lambda p: p.kind == BU and p.dst == self.addr, limit_s)
        p.bu = p.mh
        return p

    def acknowledge(self, seq, status=0, units=105, key=None):
        text = struct.pack("!BBHH", status, 0, seq, units)
        text = nut.padded(b"\0" * 6 + text, 8, 2) + b"\x05\x0c" + b"\0" * 12
        text = nut.mobility(BA, text[6:])
        text = nut.signed(text, key or self.kbm(), self.node.care_of, self.addr)
        self.link.send(nut.mobile(self.addr, self.node.care_of, text, to_home=HOME))

    def return_routability(self, home=True):
        if home:
            self.home_test(self.home_init())
        self.care_of_test(self.care_of_init())
        p = self.update()
        self.acknowledge(p.bu.seq)
        return p

    def direct_reply(self):
        """To a ping on the direct path.  The kernel answers by itself, and may do so before bubd
        has read the acknowledgement that came ahead: asked until the answer is direct too."""

        def ask():
            self.ident += 1
            self.link.send(nut.echo(self.addr, self.node.care_of, self.ident, to_home=HOME))
            end = time.monotonic() + 0.2
            found = []
            while not found and time.monotonic() < end:
                self.link.take(0.02)
                found = self.link.find(lambda p: p.icmp == 129 and p.dst == self.addr)
            return found

        p = self.link.wait("direct echo reply", ask)[0]
        self.link.packets.remove(p)
        return p

    def attempts(self):
        """Messages towards route optimisation that are waiting here."""
        found = self.link.find(lambda p: p.dst == self.addr and p.kind in (COTI, BU))
        for p in self.link.packets:
            if self.node.esp.is_for(TUNNEL_UP, p):
                inner = self.node.esp.inner(TUNNEL_UP, p)
                if inner.kind == HOTI and inner.dst == self.addr:
                    found.append(inner)
        return found

    def stays_in_the_tunnel(self):
        """Refused: data goes on in the tunnel, and nothing is tried again."""
        ident = self.ping()
        self.node.tunnelled("echo reply", lambda p: self.is_reply(p, ident))
        self.link.drain()
        for _ in range(4):
            ident = self.ping()
            self.node.tunnelled("echo reply", lambda p: self.is_reply(p, ident))
        end = time.monotonic() + 2.5  # a retransmission would have come
        self.link.wait("the end", lambda: time.monotonic() > end)
        check("left alone", not self.attempts(), self.attempts())


def is_advert(p, target):
    return p.icmp == 136 and p.data[8:24] == nut.addr(target)


# ---- Home and away -----------------------------------------------------------------------------


def at_home_it_is_a_host(n):
    n.link.send(nut.echo("2001:db8:c::99", HOME, 77))
    p = n.link.expect("echo reply", lambda p: p.icmp == 129)
    equal("source", p.src, HOME)
    equal("extension headers", p.chain, [])
    found = n.link.find(lambda p: p.proto in (ESP_NH, MH))
    check("no signalling", not found, found)


def moved_it_registers(n):
    """Every octet of the Binding Update (RFC 6275, 11.7.1; RFC 3776, 3.1)."""
    n.arrive(2)
    p = n.update()
    n.first_at = p.at
    equal("headers", p.chain, [DSTOPT])
    equal("home address option", p.octets[40:64], nut.hao(HOME, MH))
    seq = p.bu.seq
    wanted = nut.binding_update(seq, A | H, 100, n.care_of)
    equal("message", p.data, nut.finish(wanted, HOME, AGENT))
    n.seq = seq


def unanswered_it_repeats(n):
    """RFC 6275, 11.8: after 1.5 s at first, then twice as long, with new numbers."""
    before = n.first_at
    for wait_s in (1.5, 3):
        p = n.update()
        check(f"after {wait_s} s", wait_s - 0.2 < p.at - before < wait_s + 1.2, p.at - before)
        n.seq += 1
        equal("sequence", p.bu.seq, n.seq & 0xFFFF)
        before = p.at


def wrong_acknowledgements_are_dropped(n):
    n.acknowledge(n.seq, protected=False)
    n.acknowledge(n.seq - 100)  # of the Binding Updates of this round each may be acknowledged
    n.acknowledge(n.seq + 1)
    p = n.update()  # still repeated
    n.seq = p.bu.seq


def sequence_refused_it_goes_on_from_there(n):
    last = n.seq + 500 & 0xFFFF
    n.acknowledge(n.seq, status=135)  # not greater than what was sent: an old one
    n.acknowledge(last, status=135, units=0)
    p = n.update()
    equal("sequence", p.bu.seq, last + 1 & 0xFFFF)
    n.seq = p.bu.seq


def registered_it_asks_for_prefixes(n):
    n.acknowledge(n.seq)
    p = n.link.expect(
        "MPS", lambda p: n.esp.is_for(MPS_UP, p) and n.esp.message(MPS_UP, p).icmp == 146)
    p = n.esp.message(MPS_UP, p)
    equal("source", p.src, n.care_of)
    equal("home address", p.home, HOME)
    equal("destination", p.dst, AGENT)
    equal("checksum", nut.checksum(HOME, AGENT, ICMP6, p.data), 0)
    option = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 3600, 0) + nut.addr(HOME_PREFIX)
    text = nut.icmp6(AGENT, HOME, 147, 0, p.data[4:6] + b"\0\0" + option)[40:]
    proto, text = n.esp.seal(MPS_DOWN, ICMP6, text)
    text = nut.rh2(HOME, proto) + text
    n.link.send(nut.ip6(AGENT, n.care_of, nut.ROUTING, text))
    end = time.monotonic() + 4  # it would be repeated after three
    n.link.wait("the end", lambda: time.monotonic() > end)
    found = n.link.find(lambda p: n.esp.is_for(MPS_UP, p))
    check("answered, it is quiet", not found, found)


def tunnel_is_only_the_home_agents(n):
    peer = Peer(n, 1)
    n.tunnel(nut.echo(peer.addr, HOME, 1), src="2001:db8:66::1")
    n.link.send(nut.ip6(AGENT, n.care_of, IP6_NH, nut.echo(peer.addr, HOME, 2)))
    ident = peer.ping()
    p = n.tunnelled("echo reply", lambda p: p.icmp == 129)
    check("to the good one", peer.is_reply(p, ident), p)
    # Its route optimisation fails; the next cases have peers of their own.
    cookie = peer.care_of_init()
    check("a cookie", cookie != b"\0" * 8)


# ---- Route optimisation ------------------------------------------------------------------------


def tunnelled_packet_starts_return_routability(n):
    peer = n.peer = Peer(n, 2)
    ident = peer.ping()
    p = n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))
    equal("source", p.src, HOME)
    n.home_cookie, n.care_of_cookie = peer.home_init(), peer.care_of_init()
    check("two cookies", n.home_cookie != n.care_of_cookie)


def test_messages_without_the_cookie_are_dropped(n):
    """Wrong cookie; right cookie in the wrong message."""
    n.peer.home_test(os.urandom(8))
    n.peer.home_test(n.care_of_cookie)
    n.peer.care_of_test(os.urandom(8))
    n.peer.care_of_test(n.home_cookie)
    # Repeated after a second, with new cookies.
    n.home_cookie, n.care_of_cookie = n.peer.home_init(), n.peer.care_of_init()
    check("no BU", not n.link.find(lambda p: p.kind == BU))


def tokens_make_a_binding_update(n):
    peer = n.peer
    peer.home_test(n.home_cookie)
    peer.care_of_test(n.care_of_cookie)
    p = peer.update()
    equal("source", p.src, n.care_of)
    equal("home address", p.home, HOME)
    equal("headers", p.chain, [DSTOPT])
    equal("flags", struct.unpack("!H", p.data[8:10])[0], A)
    check("lifetime", 0 < p.bu.mhtime <= 105, p.bu.mhtime)
    options = dict(p.options())
    equal("nonce indices", options[4], struct.pack("!HH", *peer.nonces))
    p.check_signature(peer.kbm(), n.care_of, peer.addr)
    n.seq = p.bu.seq


def forged_acknowledgements_are_dropped(n):
    n.peer.acknowledge(n.seq, key=b"\0" * 20)
    n.peer.acknowledge(n.seq - 100 & 0xFFFF)
    p = n.peer.update()  # repeated after a second
    equal("sequence", p.bu.seq, n.seq + 1 & 0xFFFF)
    p.check_signature(n.peer.kbm(), n.care_of, n.peer.addr)
    n.seq = p.bu.seq


def acknowledged_it_sends_directly(n):
    peer = n.peer
    peer.acknowledge(n.seq)
    p = peer.direct_reply()
    equal("source", p.src, n.care_of)
    equal("home address", p.home, HOME)
    equal("destination", p.dst, peer.addr)
    equal("checksum", nut.checksum(HOME, peer.addr, ICMP6, p.data), 0)


def routing_header_for_others_is_dropped(n):
    n.link.send(nut.echo(n.peer.addr, n.care_of, 5, to_home="2001:db8:1::77"))
    packet = bytearray(nut.echo(n.peer.addr, n.care_of, 6, to_home=HOME))
    packet[43] = 2  # segments left
    n.link.send(bytes(packet))
    n.link.send(nut.echo(n.peer.addr, n.care_of, 7, to_home=HOME))
    n.link.expect("echo reply", lambda p: n.peer.is_reply(p, 7))
    found = n.link.find(lambda p: p.icmp == 129 or p.true_dst == "2001:db8:1::77")
    check("one only", not found, found)


def refresh_request_is_answered(n):
    text = nut.mobility(BRR, b"\0\0")
    n.tunnel(nut.mobile(n.peer.addr, HOME, text))
    p = n.peer.return_routability(home=False)  # its home token is fresh
    p.check_signature(n.peer.kbm(), n.care_of, n.peer.addr)
    equal("sequence", p.bu.seq, n.seq + 1 & 0xFFFF)
    n.seq = p.bu.seq


def refresh_request_of_strangers_is_dropped(n):
    stranger = Peer(n, 3)
    n.tunnel(nut.mobile(stranger.addr, HOME, nut.mobility(BRR, b"\0\0")))
    n.link.send(nut.echo(n.peer.addr, n.care_of, 8, to_home=HOME))
    n.link.expect("echo reply", lambda p: n.peer.is_reply(p, 8))
    check("nothing", not stranger.attempts())


def lost_binding_is_made_anew(n):
    """Binding Error 1 (RFC 6275, 11.3.6), which a correspondent sends for packet after packet.
    Nobody signs it: the node looks into such messages once in 30 s (protocol.md, P40), and the
    refresh request before was one of them."""
    text = nut.mobility(BE, b"\x01\0" + nut.addr(HOME))
    error = nut.mobile(n.peer.addr, n.care_of, text)

    def asked():
        n.link.send(error)
        n.link.take(0.2)
        return n.link.find(lambda p: p.kind == COTI and p.dst == n.peer.addr)

    n.link.wait("CoTI", asked, 45)
    p = n.peer.return_routability(home=False)
    p.check_signature(n.peer.kbm(), n.care_of, n.peer.addr)
    n.seq = p.bu.seq


def binding_error_ends_the_attempts(n):
    peer = Peer(n, 4)
    peer.ping()
    peer.care_of_init()
    text = nut.mobility(BE, b"\x02\0" + nut.addr("::"))
    n.link.send(nut.mobile(peer.addr, n.care_of, text))
    peer.stays_in_the_tunnel()


def parameter_problem_ends_the_attempts(n):
    """Code 1: Next Header 135 is unknown there (RFC 6275, 11.3.5)."""
    peer = Peer(n, 5)
    peer.ping()
    p = n.link.expect("CoTI", lambda p: p.kind == COTI and p.dst == peer.addr)
    n.link.send(nut.icmp6(peer.addr, n.care_of, 4, 1, struct.pack("!I", 6) + p.octets))
    peer.stays_in_the_tunnel()


def moved_again_it_tells_everybody(n):
    """The home agent first; the peer's home token is still good."""
    n.arrive(3)
    p = n.update()
    equal("alternate care-of address", dict(p.options())[3], nut.addr(n.care_of))
    n.acknowledge(p.bu.seq)
    p = n.peer.return_routability(home=False)
    equal("source", p.src, n.care_of)
    p.check_signature(n.peer.kbm(), n.care_of, n.peer.addr)
    equal("sequence", p.bu.seq, n.seq + 1 & 0xFFFF)


def solicit(n, target, src, mac):
    """Another node on the link, or the home agent, asks for an address."""
    group = nut.text_of(nut.addr("ff02::1:ff00:0")[:13] + nut.addr(target)[13:])
    body = b"\0" * 4 + nut.addr(target) + b"\x01\x01" + bytes.fromhex(mac.replace(":", ""))
    n.link.send(nut.icmp6(src, group, 135, 0, body, hops=255), mac)


def asks(p):
    return p.icmp == 135 and (p.src == HOME or p.data[8:24] == nut.addr(HOME))


def claims(p):
    return is_advert(p, HOME) and p.dst == "ff02::1"


def returned_it_deregisters(n):
    """RFC 6275, 11.5.5: from the home address, lifetime 0; then it claims its address."""
    n.arrive(1, HOME_PREFIX)
    n.link.owned[HOME] = "02:00:00:00:00:01"  # the home agent defends it
    p = n.update(HOME)
    # The home agent's link-layer address is asked for from ::, once, and nobody from the home
    # address; the kernel's duplicate detection would have an option more (RFC 7527).
    found = [q for q in n.link.packets if asks(q)]
    check("one question", [(q.src, len(q.data)) for q in found] == [("::", 24)], found)
    # Nor may the kernel keep the address that it forms from the advertisement: it would answer
    # for it.
    n.link.wait("the kernel's own address to go", lambda: HOME not in nut.run(
        "ip", "-n", n.link.nut, "-6", "addr", "show", "dev", "eth0"))
    # It cannot tell the home agent's solicitation from others, and answers each to the one who asks;
    # not to who wants the address for itself.
    nut.run("ip", "-n", n.link.nut, "neigh", "replace", "fe80::77", "lladdr", "02:00:00:00:00:77",
            "dev", "eth0", "nud", "reachable")
    n.link.drain()
    for src, mac in (("fe80::77", "02:00:00:00:00:77"), (AGENT, "02:00:00:00:00:01")):
        solicit(n, HOME, src, mac)
        q = n.link.expect("answer", lambda p: is_advert(p, HOME))
        equal("destination", q.dst, src)
        equal("solicited, override", q.data[4] & 0xE0, 0x60)
    del n.link.owned[HOME]
    equal("headers", p.chain, [])
    equal("flags", struct.unpack("!H", p.data[8:10])[0], A | H)
    equal("lifetime", p.bu.mhtime, 0)
    equal("source", p.src, HOME)
    n.link.drain()
    p = n.deregister(p, "claim", claims)
    equal("override only", p.data[4] & 0xE0, 0x20)
    equal("hop limit", p.hops, 255)
    equal("target link-layer address", p.data[24:32],
          b"\x02\x01" + bytes.fromhex(nut.NUT_MAC.replace(":", "")))
    p = n.link.expect("claim of the link-local address", lambda p: p.icmp == 136
                      and p.dst == "ff02::1" and p.data[8:10] == b"\xfe\x80")
    equal("override only", p.data[4] & 0xE0, 0x20)
    n.link.owned["fe80::77"] = "02:00:00:00:00:77"

    def others_are_answered():
        solicit(n, HOME, "fe80::77", "02:00:00:00:00:77")
        try:
            return n.link.expect("answer to others", is_answer, limit_s=1)
        except nut.Failure:
            return None

    def is_answer(p):
        return is_advert(p, HOME) and p.dst == "fe80::77"

    # As a neighbour does, again where it hears nothing: the kernel may still have the address that
    # it formed by itself from the advertisement, and detects duplicates of it.
    n.link.wait("answer to others", others_are_answered)


def returned_it_deletes_the_bindings(n):
    peer = n.peer
    key = hashlib.sha1(peer.home_token).digest()
    p = peer.update()
    equal("source", p.src, HOME)
    equal("headers", p.chain, [])
    equal("lifetime", p.bu.mhtime, 0)
    equal("home nonce index", dict(p.options())[4][:2], struct.pack("!H", peer.nonces[0]))
    p.check_signature(key, HOME, peer.addr)


def returned_to_an_agent_that_tells_its_address(n):
    """RFC 6275, 11.5.5: its advertisement has the link-layer address, so that nobody is asked."""
    n.move(2)
    n.arrive(1, HOME_PREFIX, full=AGENT)
    n.link.owned[HOME] = "02:00:00:00:00:01"
    p = n.update(HOME)
    equal("lifetime", p.bu.mhtime, 0)
    found = [q for q in n.link.packets if asks(q)]
    check("no question", not found, found)
    del n.link.owned[HOME]
    n.deregister(p, "claim", claims)


def returned_where_none_was_served(n):
    """RFC 6275, 11.5.5: no binding was left (133), so nobody has defended the address meanwhile: it
    is probed for before it is claimed, and not claimed where another node has it."""
    for taken in (True, False):
        n.move(2)
        n.arrive(1, HOME_PREFIX, full=AGENT)
        p = n.update(HOME)
        n.link.drain()
        if taken:
            n.link.owned[HOME] = "02:00:00:00:00:09"
        begin = time.monotonic()
        probe = n.deregister(p, "probe", asks, status=133)
        if taken:
            while time.monotonic() < probe.at + 1.5:
                n.link.take(0.1)
            check("no claim", not n.link.find(claims), n.link.packets)
            del n.link.owned[HOME]
        else:
            n.link.expect("claim", claims)
            check("a second later", time.monotonic() - begin >= 0.9)


STORY = (
    at_home_it_is_a_host,
    moved_it_registers,
    unanswered_it_repeats,
    wrong_acknowledgements_are_dropped,
    sequence_refused_it_goes_on_from_there,
    registered_it_asks_for_prefixes,
    tunnel_is_only_the_home_agents,
    tunnelled_packet_starts_return_routability,
    test_messages_without_the_cookie_are_dropped,
    tokens_make_a_binding_update,
    forged_acknowledgements_are_dropped,
    acknowledged_it_sends_directly,
    routing_header_for_others_is_dropped,
    refresh_request_is_answered,
    refresh_request_of_strangers_is_dropped,
    lost_binding_is_made_anew,
    binding_error_ends_the_attempts,
    parameter_problem_ends_the_attempts,
    moved_again_it_tells_everybody,
    returned_it_deregisters,
    returned_it_deletes_the_bindings,
    returned_to_an_agent_that_tells_its_address,
    returned_where_none_was_served,
)


# ---- Started at home, with a binding left from before ------------------------------------------


def started_at_home_it_gives_up_an_old_binding(n):
    """The home agent still answers for the home address: it is told to stop (RFC 6275, 11.5.5)."""
    n.link.stop(hard=True)
    n.link.drain()
    n.link.owned[HOME] = "02:00:00:00:00:01"
    n.link.launch()
    p = n.update(HOME)
    equal("lifetime", p.bu.mhtime, 0)
    del n.link.owned[HOME]
    n.link.drain()
    n.deregister(p, "claim", claims)
    at_home_it_is_a_host(n)


# ---- As it comes: BUB is on, and stock peers do not know it -----------------------------------


def stock_peer_gets_a_binding(n):
    n.move(2)
    peer = Peer(n, 1)
    peer.ping()
    p = peer.return_routability()
    p.check_signature(peer.kbm(), n.care_of, peer.addr)
    equal("home address", peer.direct_reply().home, HOME)


# ---- No home agent configured ------------------------------------------------------------------


def home_agent_is_discovered(n):
    """RFC 6275, 11.4.1: to the anycast address, from the care-of address, repeated after 3 s."""
    n.arrive(2)
    first = n.link.expect("request", lambda p: p.icmp == 144)
    again = n.link.expect("second request", lambda p: p.icmp == 144)
    for p in (first, again):
        equal("source", p.src, n.care_of)
        equal("destination", p.dst, ANYCAST)
        equal("extension headers", p.chain, [])
        equal("checksum", nut.checksum(p.src, p.dst, ICMP6, p.data), 0)
    check("after 3 s", 2.8 < again.at - first.at < 4.5, again.at - first.at)
    wrong = struct.pack("!H", struct.unpack("!H", again.data[4:6])[0] ^ 1)
    for ident, agent in ((wrong, "2001:db8:1::66"), (again.data[4:6], AGENT)):
        body = ident + b"\0\0" + nut.addr(agent) + nut.addr("2001:db8:1::2")
        n.link.send(nut.icmp6(AGENT, n.care_of, 145, 0, body))
    p = n.register()
    equal("alternate care-of address", dict(p.options())[3], nut.addr(n.care_of))
    peer = Peer(n, 1)
    ident = peer.ping()
    n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))


def plain(bubd):
    return Node(bubd, extra="")


def searching(bubd):
    return Node(bubd, agent="")


if __name__ == "__main__":
    sys.exit(
        nut.main(
            [
                (Node, STORY),
                (plain, (started_at_home_it_gives_up_an_old_binding,)),
                (plain, (stock_peer_gets_a_binding,)),
                (searching, (home_agent_is_discovered,)),
            ]
        )
    )
