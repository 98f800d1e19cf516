#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a home agent with one interface, the home link, judged from the wire.

The tester is the router of the home link, the mobile nodes behind it, their correspondents and the
neighbours; keys come from the secret as docs/esp.md says, ESP itself is scapy's.

RFC 6275, 10 (home agent), 6.5 to 6.8 (discovery), 7 (advertisements); RFC 3776, 3; RFC 4861, 7.2.
"""

import json
import os
import struct
import sys
import time

import nut_common as nut
from nut_common import (A, BA, BU, DOWN, ESP_NH, H, HOTI, ICMP6, IP6_NH, L, MH, MPS_DOWN, MPS_UP,
                        TUNNEL_DOWN, TUNNEL_UP, UP, Link, check, equal)

PREFIX = "2001:db8:1::"
AGENT = PREFIX + nut.NUT_IID
ANYCAST = "2001:db8:1:0:fdff:ffff:ffff:fffe"
SECRET = b"a secret for the conformance cases"
MOBILES = 40


class Mobile:
    def __init__(self, node, number):
        self.link = node.link
        self.home = f"{PREFIX}{0x100 + number:x}"
        self.care_of = f"2001:db8:b::{number:x}"
        self.peer = f"2001:db8:c::{number:x}"
        self.esp = node.esps.get(number) or nut.Esp(SECRET, self.home, AGENT)
        self.seq = 1000
        self.ident = number << 8

    def packet(self, flags=A | H, units=100, alt=True, src=None, home=True, **kw):
        """A home Binding Update with all headers."""
        src = src or self.care_of
        text = nut.binding_update(self.seq, flags, units, src if alt is True else alt or None, **kw)
        text = nut.finish(text, self.home, AGENT)
        proto, text = self.esp.seal(UP, MH, text)
        if home:
            text, proto = nut.hao(self.home, proto) + text, nut.DSTOPT
        return nut.ip6(src, AGENT, proto, text)

    def send(self, **kw):
        self.seq += 1
        self.link.send(self.packet(**kw))
        return time.monotonic()

    def answer(self, dst=None, limit_s=nut.LIMIT_S):
        """The acknowledgement, out of ESP."""
        dst = dst or self.care_of
        p = self.link.expect(
            f"BA to {dst}", lambda p: p.dst == dst and self.esp.is_for(DOWN, p), limit_s
        )
        p = self.esp.message(DOWN, p)
        equal("source", p.src, AGENT)
        equal("type", p.kind, BA)
        p.ba = p.mh
        return p

    def register(self, **kw):
        self.send(**kw)
        p = self.answer()
        equal("status", p.ba.status, 0)
        equal("sequence", p.ba.seq, self.seq)
        return p

    def up(self, octets, src=None):
        """A packet in the reverse tunnel."""
        proto, text = self.esp.seal(TUNNEL_UP, IP6_NH, octets)
        self.link.send(nut.ip6(src or self.care_of, AGENT, proto, text))

    def ping_up(self, inner_src=None, outer_src=None):
        self.ident += 1
        self.up(nut.echo(inner_src or self.home, self.peer, self.ident), outer_src)
        return self.ident

    def is_forwarded(self, ident):
        return self.link.expect(
            "forwarded echo request",
            lambda p: p.icmp == 128
            and p.dst == self.peer
            and p.data[4:6] == struct.pack("!H", ident),
        )

    def check_reverse(self):
        """Nothing but what is sent now comes out of the reverse tunnel."""
        ident = self.ping_up()
        p = self.is_forwarded(ident)
        equal("source", p.src, self.home)
        others = [p for p in self.link.packets if p.dst == self.peer]
        check("only what is allowed", not others, others)
        return p

    def is_intercepted(self, care_of=None):
        self.ident += 1
        packet = nut.echo(self.peer, self.home, self.ident)
        self.link.send(packet)
        care_of = care_of or self.care_of
        p = self.link.expect(
            "packet in the tunnel", lambda p: p.dst == care_of and self.esp.is_for(TUNNEL_DOWN, p)
        )
        equal("extension headers", p.chain, [])
        equal("source", p.src, AGENT)
        inner = self.esp.inner(TUNNEL_DOWN, p)
        equal("payload", inner.data, packet[40:])
        equal("addresses", (inner.src, inner.dst), (self.peer, self.home))
        check("hop limit", inner.hops in (63, 64), inner.hops)

    def link_local(self):
        return f"fe80::{struct.unpack('!H', nut.addr(self.home)[14:])[0]:x}"

    def solicit(self, src="fe80::77", dst=None):
        """A neighbour asks who has the home address."""
        self.link.owned[src] = "02:00:00:00:00:77"
        option = b"" if src == "::" else b"\x01\x01" + bytes.fromhex("020000000077")
        group = "ff02::1:ff" + f"{nut.addr(self.home)[13]:02x}:{nut.addr(self.home)[14]:02x}" \
            f"{nut.addr(self.home)[15]:02x}"
        body = b"\0" * 4 + nut.addr(self.home) + option
        packet = nut.icmp6(src, dst or group, 135, 0, body, hops=255)
        self.link.send(packet, "02:00:00:00:00:77")

    def adverts(self):
        """Unsolicited advertisements that claim the home address."""
        return self.link.find(lambda p: is_claim(p, self.home) and p.dst == "ff02::1")

    def probes(self):
        return self.link.find(
            lambda p: p.icmp == 135 and p.src == "::" and p.data[8:24] == nut.addr(self.home)
        )


def is_advert(p, target):
    return p.icmp == 136 and p.data[8:24] == nut.addr(target)


def is_claim(p, target):
    """With the override flag: while the address is probed for there is one without it, which takes nothing
    from anybody (RFC 4429, 3.3)."""
    return is_advert(p, target) and bool(p.data[4] & 0x20)


class Node:
    def __init__(self, bubd, extra="", esps=None, head="", keys=None):
        """esps: by number of the mobile node, what protects it in place of the secret."""
        self.link = Link("ha", forwarding=True)
        self.esps = esps or {}
        self.mobiles = 0
        ip = ("ip", "-n", self.link.nut)
        nut.run(*ip, "addr", "add", f"{AGENT}/64", "dev", "eth0", "nodad")
        nut.run(*ip, "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        path = self.link.secret("secret", SECRET.decode())
        text = f'{head}home-agent {{\naddress = "{AGENT}"\nhome-link = "eth0"\npreference = 10\n'
        text += f'prefixes = {{"{PREFIX}/64"}}\n{extra}\n'
        for i in range(1, MOBILES):
            own = f'secret-file = "{path}"' if keys is None else keys(i)
            text += f'mobile-node "{PREFIX}{0x100 + i:x}" {{ {own} }}\n'
        try:
            self.link.start(bubd, text + "}\n")
            self.link.wait("an answer", self.is_ready)
        except BaseException:
            for line in self.link.tail():
                print(f"# bubd: {line}", flush=True)
            self.link.close()
            raise

    def is_ready(self):
        try:
            self.link.answered(HOTI, "2001:db8:a::ffff", AGENT, limit_s=1)
            return True
        except nut.Failure:
            return False

    def mobile(self):
        self.mobiles += 1
        return Mobile(self, self.mobiles)

    def silent(self, what, match):
        self.link.silent(what, match, AGENT)


def esp_to(m, dst=None):
    return lambda p: p.proto == ESP_NH and p.dst in (dst or m.care_of, m.home)


# ---- Registration ------------------------------------------------------------------------------


def first_registration_probes_for_duplicates(n):
    m = n.mobile()
    begin = m.send()
    p = n.link.expect("probe", lambda p: p.icmp == 135 and p.data[8:24] == nut.addr(m.home))
    equal("source", p.src, "::")
    equal("destination", p.dst, "ff02::1:ff00:101")
    equal("hop limit", p.hops, 255)
    equal("no options", len(p.data), 24)
    equal("checksum", nut.checksum(p.src, p.dst, ICMP6, p.data), 0)
    check("no BA before the end", not n.link.find(esp_to(m)))
    p = m.answer()
    check("BA after a second", 0.9 < p.at - begin < 5, p.at - begin)
    equal("status", p.ba.status, 0)
    equal("sequence", p.ba.seq, m.seq)
    equal("lifetime", p.ba.mhtime, 100)
    equal("routing header", p.to_home, m.home)
    equal("extension headers", p.chain, [nut.ROUTING])


def accepted_home_address_is_claimed(n):
    """RFC 6275, 10.4.1: to all nodes, override, not solicited, not a router; repeated."""
    m = n.mobile()
    m.register()
    p = n.link.expect("advertisement", lambda p: is_claim(p, m.home))
    equal("destination", p.dst, "ff02::1")
    equal("flags", p.data[4], 0x20)
    equal("hop limit", p.hops, 255)
    equal("target link-layer address", p.data[24:32],
          b"\x02\x01" + bytes.fromhex(nut.NUT_MAC.replace(":", "")))
    equal("checksum", nut.checksum(p.src, p.dst, ICMP6, p.data), 0)
    n.link.wait("repetitions", lambda: len(m.adverts()) >= 1)


def duplicate_is_refused(n):
    """Defended by its owner, or probed for by another at the same time (RFC 4862, 5.4)."""
    for defend in (True, False):
        m = n.mobile()
        m.send()
        n.link.expect("probe", lambda p: p.icmp == 135 and p.data[8:24] == nut.addr(m.home))
        if defend:
            n.link.neighbour_advert(m.home, "ff02::1", "02:00:00:00:00:88", solicited=False)
        else:
            m.solicit("::")
        p = m.answer()
        equal("status", p.ba.status, 134)
        equal("sequence", p.ba.seq, m.seq)
        check("not claimed", not m.adverts())


def refresh_does_not_probe(n):
    m = n.mobile()
    m.register()
    n.link.drain()
    begin = m.send(units=50)
    p = m.answer()
    equal("status", p.ba.status, 0)
    equal("lifetime", p.ba.mhtime, 50)
    check("no probe", not m.probes())
    check("at once", p.at - begin < 0.9, p.at - begin)
    m.care_of += "aa"
    m.register()  # a new care-of address is no first registration either
    check("no probe", not m.probes())
    m.is_intercepted()


def update_without_a_bit_is_answered(n):
    m = n.mobile()
    m.register(flags=H)


def lifetime_is_limited(n):
    m = n.mobile()
    equal("lifetime", m.register(units=0xFFFF).ba.mhtime, 900)


def old_sequence_is_refused(n):
    m = n.mobile()
    m.register()
    last = m.seq
    for seq in (last, last - 1, last - 32768, last + 32768):
        m.seq = seq - 1
        m.send()
        p = m.answer()
        equal("status", p.ba.status, 135)
        equal("last accepted", p.ba.seq, last)
    m.seq = last + 32766
    m.register()


def alternate_care_of_address_is_the_source(n):
    """Who names another has its data sent to somebody whom the home agent does not see: refused
    (docs/protocol.md, P33)."""
    m = n.mobile()
    m.send(alt="2001:db8:d::1")
    equal("status", m.answer().ba.status, 174)
    m.register(alt=m.care_of)
    m.is_intercepted(m.care_of)


def care_of_address_must_be_unicast(n):
    m = n.mobile()
    for alt in ("ff05::1", "fe80::1"):
        m.send(alt=alt)
        n.silent("BA", esp_to(m))  # RFC 6275, 6.1.7


def link_local_address_is_claimed_too(n):
    m = n.mobile()
    m.register(flags=A | H | L)
    n.link.expect("advertisement", lambda p: is_advert(p, m.link_local()))


def update_without_esp_is_dropped(n):
    m = n.mobile()
    text = nut.binding_update(5, A | H, 100, m.care_of)
    n.link.send(nut.mobile(m.care_of, AGENT, text, home=m.home))
    n.silent("BA", lambda p: p.dst == m.care_of)
    check("no probe", not m.probes())


def update_for_another_node_is_refused(n):
    """RFC 4877, 6: a security association is for one home address."""
    m, other = n.mobile(), n.mobile()
    true, m.home = m.home, other.home
    m.send()
    n.silent("BA", lambda p: p.dst == m.care_of)
    check("no probe", not other.probes())
    m.home = true
    m.register()


def forged_and_replayed_esp_is_dropped(n):
    m = n.mobile()
    m.seq += 1
    packet = m.packet()
    n.link.send(packet[:-1] + bytes([packet[-1] ^ 1]))
    n.silent("BA", lambda p: p.dst == m.care_of)
    n.link.send(packet)
    equal("status", m.answer().ba.status, 0)
    n.link.send(packet)
    n.silent("answer to a replay", lambda p: p.dst == m.care_of)
    with open(os.path.join(n.link.dir, "events")) as f:
        drops = [e for e in map(json.loads, f) if e["event"] == "esp-drop"]
    number = struct.unpack_from("!II", packet, 64)  # behind the Home Address option
    equal("audited", [(e["drop"], e["what"], e["out_src"], e["out_dst"], e["spi"], e["number"])
                      for e in drops[-2:]],
          [(why, "received", m.care_of, AGENT, *number) for why in ("esp-bad-icv", "esp-replay")])


def binding_expires(n):
    m = n.mobile()
    m.register(units=1)
    m.is_intercepted()
    begin = time.monotonic()

    def gone():
        n.link.drain()
        n.link.send(nut.echo(m.peer, m.home, 1))
        n.silent("anything else", lambda p: False)
        return not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p))

    n.link.wait("end of the binding", gone)
    check("not before its time", time.monotonic() - begin > 3)


# ---- The home link -----------------------------------------------------------------------------


def neighbours_get_the_agents_address(n):
    m = n.mobile()
    m.register()
    n.link.drain()
    m.solicit()
    p = n.link.expect("advertisement", lambda p: is_advert(p, m.home) and p.dst == "fe80::77")
    check("solicited", p.data[4] & 0x40)
    check("no router", not p.data[4] & 0x80)  # RFC 6275, 10.4.1
    check("link-layer address", nut.NUT_MAC.replace(":", "") in p.data.hex())


def neighbours_find_the_agent_reachable(n):
    """RFC 4861, 7.3: a neighbour that has the address asks again, by unicast."""
    m = n.mobile()
    m.register()
    n.link.drain()
    m.solicit(dst=m.home)
    p = n.link.expect("advertisement", lambda p: is_advert(p, m.home) and p.dst == "fe80::77")
    check("solicited", p.data[4] & 0x40)
    check("no router", not p.data[4] & 0x80)  # RFC 6275, 10.4.1
    check("not in the tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))


def link_local_packets_are_not_tunnelled(n):
    """RFC 6275, 10.4.2: discarded, and the sender is told: address unreachable."""
    m = n.mobile()
    m.register(flags=A | H | L)
    for src in ("fe80::77", f"{PREFIX}77"):
        n.link.owned[src] = "02:00:00:00:00:77"
        packet = nut.echo(src, m.link_local(), 5)
        n.link.send(packet, "02:00:00:00:00:77")
        p = n.link.expect("unreachable", lambda p: p.icmp == 1 and p.dst == src)
        equal("code", p.data[1], 3)
        equal("quoted packet", p.data[8:48][24:40], nut.addr(m.link_local()))
        check("not in the tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))


def home_address_is_defended(n):
    """Somebody comes to the home link and probes for the home address."""
    m = n.mobile()
    m.register()
    n.link.wait("the claims", lambda: len(m.adverts()) >= 3)
    n.link.drain()
    m.solicit("::")
    n.link.expect("defence", lambda p: is_advert(p, m.home) and p.dst == "ff02::1")


def unregistered_address_is_nobodys(n):
    m = n.mobile()
    m.solicit()
    n.silent("advertisement", lambda p: is_advert(p, m.home))


# ---- Tunnels -----------------------------------------------------------------------------------


def packets_are_intercepted(n):
    m = n.mobile()
    m.register()
    m.is_intercepted()


def packets_are_not_intercepted_before(n):
    m, other = n.mobile(), n.mobile()
    other.register()
    n.link.send(nut.echo(m.peer, m.home, 1))
    other.is_intercepted()
    check("not in a tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))


def test_message_for_a_mobile_node_goes_in_the_tunnel(n):
    m = n.mobile()
    m.register()
    text = nut.mobility(nut.HOT, os.urandom(18))
    packet = nut.mobile(m.peer, m.home, text)
    n.link.send(packet)
    p = n.link.expect("HoT in the tunnel", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
    equal("destination", p.dst, m.care_of)
    equal("message", m.esp.inner(TUNNEL_DOWN, p).data, packet[40:])


def reverse_tunnel_is_forwarded(n):
    m = n.mobile()
    m.register()
    p = m.check_reverse()
    check("hop limit", p.hops in (63, 64), p.hops)
    text = nut.mobility(HOTI, b"\0\0" + os.urandom(8))
    packet = nut.mobile(m.home, m.peer, text)
    m.up(packet)
    p = n.link.expect("HoTI", lambda p: p.kind == HOTI and p.dst == m.peer)
    equal("source", p.src, m.home)
    equal("message", p.data, packet[40:])


def reverse_tunnel_checks_the_outer_source(n):
    m = n.mobile()
    m.register()
    m.ping_up(outer_src="2001:db8:b::dead")
    m.check_reverse()


def reverse_tunnel_checks_the_inner_source(n):
    m = n.mobile()
    m.register()
    for src in ("2001:db8:99::1", f"{PREFIX}{0x1FF:x}", AGENT, m.care_of):
        m.ping_up(inner_src=src)
    m.check_reverse()


def reverse_tunnel_without_esp_is_dropped(n):
    m = n.mobile()
    m.register()
    n.link.send(nut.ip6(m.care_of, AGENT, IP6_NH, nut.echo(m.home, m.peer, 1)))
    m.check_reverse()


def reverse_tunnel_of_an_unregistered_node_is_dropped(n):
    m = n.mobile()
    m.ping_up()
    m.register()
    m.check_reverse()


def vouched_update_is_forwarded(n):
    """BUB: from the care-of address, in the tunnel from there, naming the home address."""
    m = n.mobile()
    m.register()
    text = nut.binding_update(9, A, 100, key=b"k" * 20, care_of=m.care_of, peer=m.peer)
    packet = nut.mobile(m.care_of, m.peer, text, home=m.home)
    m.up(packet)
    p = n.link.expect("BU", lambda p: p.kind == BU and p.dst == m.peer)
    equal("source", p.src, m.care_of)
    equal("home address", p.home, m.home)
    equal("message", p.data, packet[-len(p.data):])


def vouching_has_its_limits(n):
    """Not for another home address, another care-of address, or data."""
    m = n.mobile()
    m.register()
    text = nut.binding_update(9, A, 100, key=b"k" * 20, care_of=m.care_of, peer=m.peer)
    m.up(nut.mobile(m.care_of, m.peer, text, home=f"{PREFIX}1ff"))
    m.up(nut.mobile("2001:db8:b::dead", m.peer, text, home=m.home))
    m.up(nut.mobile(m.care_of, m.peer, text))
    m.up(nut.echo(m.care_of, m.peer, 1, home=m.home))
    m.check_reverse()


# ---- Deregistration ----------------------------------------------------------------------------


def deregistration_by_lifetime(n):
    m = n.mobile()
    m.register()
    m.send(units=0)
    p = m.answer()
    equal("status", p.ba.status, 0)
    equal("lifetime", p.ba.mhtime, 0)
    equal("routing header", p.to_home, m.home)
    n.link.drain()
    m.solicit()
    n.silent("advertisement", lambda p: is_advert(p, m.home))


def deregistration_from_home(n):
    """From the home address: no options, and the answer comes on the home link, without RH2."""
    m = n.mobile()
    m.register()
    n.link.owned[m.home] = "02:00:00:00:00:55"
    m.send(units=0, src=m.home, home=False, alt=False)
    p = m.answer(m.home)
    equal("status", p.ba.status, 0)
    equal("lifetime", p.ba.mhtime, 0)
    equal("extension headers", p.chain, [])
    n.link.drain()
    m.solicit()
    n.silent("advertisement", lambda p: is_advert(p, m.home))


def deregistration_without_entry(n):
    m = n.mobile()
    m.send(units=0)
    p = m.answer()
    equal("status", p.ba.status, 133)
    equal("sequence", p.ba.seq, m.seq)


def old_sequence_from_home_is_told_there(n):
    """RFC 6275, 10.3.2: the mobile node is on the link, though its tunnel still stands."""
    m = n.mobile()
    m.register()
    n.link.owned[m.home] = "02:00:00:00:00:56"
    m.seq -= 1
    m.send(units=0, src=m.home, home=False, alt=False)
    p = m.answer(m.home)
    equal("status", p.ba.status, 135)
    equal("last accepted", p.ba.seq, m.seq)
    equal("extension headers", p.chain, [])
    check("not in the tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))
    del n.link.owned[m.home]
    m.is_intercepted()


# ---- Discovery ---------------------------------------------------------------------------------


def ask_agents(n, src="2001:db8:b::f0"):
    ident = struct.unpack("!H", os.urandom(2))[0]
    n.link.send(nut.icmp6(src, ANYCAST, 144, 0, struct.pack("!HH", ident, 0)))
    p = n.link.expect("reply", lambda p: p.icmp == 145 and p.dst == src)
    equal("source", p.src, AGENT)
    equal("identifier", struct.unpack("!H", p.data[4:6])[0], ident)
    equal("checksum", nut.checksum(p.src, p.dst, ICMP6, p.data), 0)
    equal("extension headers", p.chain, [])
    return [nut.text_of(p.data[i : i + 16]) for i in range(8, len(p.data), 16)]


def home_agents_are_told(n):
    equal("home agents", ask_agents(n), [AGENT])


def other_home_agents_are_told_by_preference(n):
    def advertise(number, preference, lifetime=1800):
        router = f"fe80::{number:x}"
        mac = f"02:00:00:00:00:{number:02x}"
        n.link.owned[router] = mac
        info = struct.pack("!BBHHH", 8, 1, 0, preference, lifetime)
        n.link.advertise([], router, mac, flags=0x20, full=f"{PREFIX}{number:x}", options=info)

    advertise(0x21, 20)
    advertise(0x22, 5)
    n.link.wait("the list", lambda: ask_agents(n) == [f"{PREFIX}21", AGENT, f"{PREFIX}22"])
    advertise(0x22, 30)
    n.link.wait("the list", lambda: ask_agents(n) == [f"{PREFIX}22", f"{PREFIX}21", AGENT])
    advertise(0x21, 20, lifetime=0)
    advertise(0x22, 30, lifetime=0)
    n.link.wait("the list", lambda: ask_agents(n) == [AGENT])


def solicit_prefixes(m, protected=True):
    ident = struct.unpack("!H", os.urandom(2))[0]
    text = nut.icmp6(m.home, AGENT, 146, 0, struct.pack("!HH", ident, 0))[40:]
    proto = ICMP6
    if protected:
        proto, text = m.esp.seal(MPS_UP, proto, text)
    m.link.send(nut.ip6(m.care_of, AGENT, nut.DSTOPT, nut.hao(m.home, proto) + text))
    return ident


def prefixes_are_told(n):
    m = n.mobile()
    m.register()
    ident = solicit_prefixes(m)
    p = n.link.expect("MPA", lambda p: p.dst == m.care_of and m.esp.is_for(MPS_DOWN, p))
    p = m.esp.message(MPS_DOWN, p)
    equal("type", p.icmp, 147)
    equal("routing header", p.to_home, m.home)
    equal("checksum", nut.checksum(p.src, p.true_dst, ICMP6, p.data), 0)
    equal("identifier", struct.unpack("!H", p.data[4:6])[0], ident)
    equal("option", p.data[8:11], b"\x03\x04\x40")
    valid, preferred = struct.unpack("!II", p.data[12:20])
    check("lifetimes", valid >= preferred > 0, (valid, preferred))
    equal("prefix", nut.text_of(p.data[24:40]), PREFIX)


def prefixes_are_told_to_nobody_else(n):
    m = n.mobile()
    m.register()
    solicit_prefixes(m, protected=False)
    n.silent("answer", lambda p: p.icmp == 147 or m.esp.is_for(DOWN, p))
    other = n.mobile()
    solicit_prefixes(other)
    n.silent("answer", lambda p: p.icmp == 147 or other.esp.is_for(DOWN, p))


CASES = (
    first_registration_probes_for_duplicates,
    accepted_home_address_is_claimed,
    duplicate_is_refused,
    refresh_does_not_probe,
    update_without_a_bit_is_answered,
    lifetime_is_limited,
    old_sequence_is_refused,
    alternate_care_of_address_is_the_source,
    care_of_address_must_be_unicast,
    link_local_address_is_claimed_too,
    update_without_esp_is_dropped,
    update_for_another_node_is_refused,
    forged_and_replayed_esp_is_dropped,
    binding_expires,
    neighbours_get_the_agents_address,
    neighbours_find_the_agent_reachable,
    link_local_packets_are_not_tunnelled,
    home_address_is_defended,
    unregistered_address_is_nobodys,
    packets_are_intercepted,
    packets_are_not_intercepted_before,
    test_message_for_a_mobile_node_goes_in_the_tunnel,
    reverse_tunnel_is_forwarded,
    reverse_tunnel_checks_the_outer_source,
    reverse_tunnel_checks_the_inner_source,
    reverse_tunnel_without_esp_is_dropped,
    reverse_tunnel_of_an_unregistered_node_is_dropped,
    vouched_update_is_forwarded,
    vouching_has_its_limits,
    deregistration_by_lifetime,
    deregistration_from_home,
    deregistration_without_entry,
    old_sequence_from_home_is_told_there,
    home_agents_are_told,
    other_home_agents_are_told_by_preference,
    prefixes_are_told,
    prefixes_are_told_to_nobody_else,
)

if __name__ == "__main__":
    sys.exit(nut.main([(Node, CASES)]))
