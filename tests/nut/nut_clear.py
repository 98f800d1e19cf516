#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd with signalling in ESP and payload in the clear, as suites and other stacks come set up.

Pairs of associations for Binding Updates and for the other mobility messages; prefix discovery with
one or without; plain IPv6-in-IPv6 for payload.  The home agent is then a correspondent of its own
mobile nodes like any other: suites look into its binding cache by an echo request with the Home
Address option.

RFC 6275, 5.1, 9.3 and 10.4.5; RFC 3776, 4.
"""

import struct
import sys
import time

import nut_common as nut
import nut_ha as ha
import nut_mn as mn
from nut_common import (BE, COTI, DSTOPT, HOT, HOTI, IP6_NH, MPS_DOWN, MPS_UP, TUNNEL_DOWN,
                        TUNNEL_UP, StaticEsp, check, equal)
from nut_testbed import (MN_STORY, NOT_BUB, after, registration_is_accepted,
                         unprotected_answer_is_dropped)

CLEAR = "protect-payload = false"


class ClearPayload(StaticEsp):
    """In the tunnels nothing is sealed but mobility messages."""

    def __init__(self, names, first_spi=0x111, discovery=True):
        super().__init__(names + names[-1:], first_spi)
        self.discovery = discovery

    def config(self, at_home_agent):
        sections = super().config(at_home_agent).split("sa ")
        wanted = ("binding-updates", "{mobility}") + ("prefix-discovery",) * self.discovery
        return "".join("sa " + s for s in sections[1:] if any(w in s for w in wanted))

    def is_clear(self, index):
        return index in (MPS_UP, MPS_DOWN) and not self.discovery

    def seal(self, index, proto, data):
        if self.is_clear(index):
            return proto, data
        if index in (TUNNEL_UP, TUNNEL_DOWN) and not nut.is_mobility(data):
            return IP6_NH, data
        return super().seal(index, proto, data)

    def is_for(self, index, packet):
        if self.is_clear(index):
            return packet.icmp == (146 if index == MPS_UP else 147)
        if index in (TUNNEL_UP, TUNNEL_DOWN) and packet.proto == IP6_NH:
            return True
        return packet.proto == nut.ESP_NH and packet.data[:4] == self.spis(index)[0]

    def open(self, index, packet):
        if packet.proto != nut.ESP_NH:
            sealed = packet.proto != IP6_NH or not nut.is_mobility(packet.data)
            check("mobility messages are sealed", sealed, packet)
            return packet.proto, packet.data
        proto, data = super().open(index, packet)
        check("payload is not sealed", proto != IP6_NH or nut.is_mobility(data), packet)
        return proto, data


# ---- Home agent --------------------------------------------------------------------------------


def has_echo(m, care_of=None):
    """Asked with the Home Address option, the home agent answers with a routing header."""
    m.ident += 1
    care_of = care_of or m.care_of
    m.link.send(nut.echo(care_of, ha.AGENT, m.ident, home=m.home))
    p = m.link.expect("echo reply", lambda p: p.icmp == 129 and p.dst == care_of)
    equal("source", p.src, ha.AGENT)
    equal("extension headers", p.chain, [nut.ROUTING])
    equal("routing header", p.to_home, m.home)
    equal("identifier", p.data[4:6], struct.pack("!H", m.ident))
    equal("checksum", nut.checksum(p.src, p.true_dst, nut.ICMP6, p.data), 0)


def has_no_echo(m, care_of=None):
    care_of = care_of or m.care_of

    def refused():  # for at most a second the care-of address of before is still good
        m.link.send(nut.echo(care_of, ha.AGENT, 7, home=m.home))
        return m.link.find(lambda p: p.kind == BE and p.dst == care_of)

    p = m.link.wait("Binding Error", refused)[0]
    equal("status", p.mh.status, 1)
    equal("home address", p.mh.ha, m.home)
    m.link.drain()


def registration_is_a_binding_of_the_agents_own(n):
    """RFC 6275, 9.3.1 and 9.3.2: from registration to the end of it, from the care-of address."""
    m = n.mobile()
    has_no_echo(m)
    m.register()
    has_echo(m)
    has_no_echo(m, "2001:db8:b::dead")
    m.is_intercepted()  # what others send goes in the tunnel as ever
    m.care_of += "aa"
    m.register()
    has_echo(m)
    has_no_echo(m, m.care_of[:-2])
    m.send(units=0)
    equal("status", m.answer().ba.status, 0)
    has_no_echo(m)


def refused_update_changes_no_binding(n):
    """As suites look: old numbers, and updates that are not protected."""
    m = n.mobile()
    m.register()
    before, m.care_of = m.care_of, m.care_of + "bb"
    m.seq -= 1
    m.send()
    equal("status", m.answer().ba.status, 135)
    m.seq += 1
    text = nut.binding_update(m.seq, nut.A | nut.H, 100, m.care_of)
    n.link.send(nut.mobile(m.care_of, ha.AGENT, text, home=m.home))
    has_no_echo(m)
    m.care_of = before
    has_echo(m)


def agent_answers_test_messages_through_the_tunnel(n):
    """RFC 6275, 6.1.5: no routing header in a Home Test, whatever the binding cache says."""
    m = n.mobile()
    m.register()
    text = nut.mobility(HOTI, b"\0\0" + b"cookie 1")
    m.up(nut.mobile(m.home, ha.AGENT, text))
    p = n.link.expect("HoT in the tunnel", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
    equal("destination", p.dst, m.care_of)
    inner = m.esp.inner(TUNNEL_DOWN, p)
    equal("message", (inner.kind, inner.data[8:16]), (HOT, b"cookie 1"))
    equal("addresses", (inner.src, inner.dst), (ha.AGENT, m.home))


def test_message_in_the_clear_is_dropped(n):
    """RFC 6275, 5.5: the association is for all Home Test Inits."""
    m = n.mobile()
    m.register()
    packet = nut.mobile(m.home, m.peer, nut.mobility(HOTI, b"\0\0" + b"cookie 2"))
    n.link.send(nut.ip6(m.care_of, ha.AGENT, IP6_NH, packet))
    m.check_reverse()


HA_STORY = (
    ha.first_registration_probes_for_duplicates,
    ha.refresh_does_not_probe,
    ha.test_message_for_a_mobile_node_goes_in_the_tunnel,
    ha.packets_are_intercepted,
    ha.reverse_tunnel_is_forwarded,
    ha.reverse_tunnel_checks_the_outer_source,
    ha.reverse_tunnel_checks_the_inner_source,
    ha.deregistration_by_lifetime,
    ha.deregistration_from_home,
    ha.prefixes_are_told,
    registration_is_a_binding_of_the_agents_own,
    refused_update_changes_no_binding,
    agent_answers_test_messages_through_the_tunnel,
)

# ---- Mobile node -------------------------------------------------------------------------------


def home_agent_may_use_the_direct_path(n):
    """With a routing header there, with the Home Address option back (RFC 6275, 11.3.1)."""

    def ask():  # the kernel may answer before bubd has read the acknowledgement that came ahead
        n.link.send(nut.echo(mn.AGENT, n.care_of, 0x5151, to_home=mn.HOME))
        n.link.take(0.2)
        return n.link.find(lambda p: p.icmp == 129 and p.dst == mn.AGENT)

    p = n.link.wait("direct echo reply", ask)[0]
    equal("source", p.src, n.care_of)
    equal("extension headers", p.chain, [DSTOPT])
    equal("home address option", p.octets[40:64], nut.hao(mn.HOME, nut.ICMP6))
    equal("identifier", p.data[4:6], b"\x51\x51")
    equal("checksum", nut.checksum(mn.HOME, mn.AGENT, nut.ICMP6, p.data), 0)
    n.link.drain()


def tunnelled_request_of_the_home_agent(n):
    """Answered as well, and no reason for return routability: it has a binding."""
    n.tunnel(nut.echo(mn.AGENT, mn.HOME, 0x5252))
    p = n.link.expect("echo reply", lambda p: p.icmp == 129 and p.dst == mn.AGENT)
    equal("home address option", p.octets[40:64], nut.hao(mn.HOME, nut.ICMP6))
    equal("identifier", p.data[4:6], b"\x52\x52")
    end = time.monotonic() + 1.5
    n.link.wait("the end", lambda: time.monotonic() > end)
    found = n.link.find(lambda p: p.kind == COTI or n.esp.is_for(TUNNEL_UP, p))
    check("no test messages", not found, found)


def home_agent_may_refuse_the_direct_path(n):
    """RFC 6275, 9.3.3: a Binding Error for each packet; the tunnel when it has gone on for 3 s."""
    text = nut.mobility(BE, b"\x01\0" + nut.addr(mn.HOME))

    def ask():  # through the tunnel: a routing header would say that the direct path works
        n.tunnel(nut.echo(mn.AGENT, mn.HOME, 0x5353))
        n.link.take(0.2)
        if n.link.find(lambda p: p.icmp == 129 and p.dst == mn.AGENT):
            n.link.send(nut.mobile(mn.AGENT, n.care_of, text))
        return n.link.find(lambda p: n.esp.is_for(TUNNEL_UP, p)
                           and n.esp.inner(TUNNEL_UP, p).icmp == 129)

    start = time.monotonic()
    inner = n.esp.inner(TUNNEL_UP, n.link.wait("tunnelled echo reply", ask, 20)[0])
    equal("addresses", (inner.src, inner.dst), (mn.HOME, mn.AGENT))
    check("not at the first complaint", time.monotonic() - start > 2.5)
    n.link.drain()


def test_message_in_the_clear_is_no_answer(n):
    """A Home Test that was not protected, though the association is there."""
    peer = mn.Peer(n, 0x30)
    peer.ping()
    cookie = peer.home_init()
    text = nut.mobility(HOT, struct.pack("!H", peer.nonces[0]) + cookie + peer.home_token)
    inner = nut.mobile(peer.addr, mn.HOME, text)
    peer.care_of_test(peer.care_of_init())
    n.link.send(nut.ip6(mn.AGENT, n.care_of, IP6_NH, inner))
    again = peer.home_init()  # repeated, with another cookie
    check("another cookie", again != cookie)
    check("no BU", not n.link.find(lambda p: p.kind == nut.BU and p.dst == peer.addr))


# With associations for mobility messages the answer counts in ESP only.
PROTECTED_STORY = after(mn.moved_it_registers, MN_STORY, unprotected_answer_is_dropped)


def mobile_node(bubd, discovery=True):
    esp = ClearPayload(("3des-sha1",) * 3, discovery=discovery)
    extra = NOT_BUB if discovery else "unprotected = {prefix-discovery}\n" + NOT_BUB
    return mn.Node(bubd, extra=extra, esp=esp, keys=CLEAR + "\n" + esp.config(False))


def mobile_node_without_discovery(bubd):
    return mobile_node(bubd, discovery=False)


def home_agent(bubd, discovery=True):
    names = ("aes-sha1", "3des-sha1", "aes-sha1")
    esps = {i: ClearPayload(names, 0x100 + 16 * i, discovery) for i in range(1, ha.MOBILES)}
    head = "" if discovery else "unprotected = {prefix-discovery}\n"
    return ha.Node(bubd, CLEAR, esps, head, lambda i: esps[i].config(True))


def home_agent_without_discovery(bubd):
    return home_agent(bubd, discovery=False)


if __name__ == "__main__":
    sys.exit(
        nut.main(
            [
                (home_agent, HA_STORY + (test_message_in_the_clear_is_dropped,)),
                (home_agent_without_discovery, (ha.prefixes_are_told,)),
                (mobile_node, PROTECTED_STORY),
                (mobile_node_without_discovery, (
                    mn.moved_it_registers,
                    registration_is_accepted,
                    home_agent_may_use_the_direct_path,
                    tunnelled_request_of_the_home_agent,
                    home_agent_may_refuse_the_direct_path,
                    test_message_in_the_clear_is_no_answer,
                )),
            ]
        )
    )
