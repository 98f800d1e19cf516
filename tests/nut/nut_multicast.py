#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a home agent whose mobile nodes listen to groups: the tester is the mobile nodes, whose
MLD messages are scapy's, and the neighbours and the multicast router of the home link.

RFC 6275, 10.4.2 and 10.4.3; RFC 2710; RFC 3810, 5 to 9.
"""

import sys

from scapy.layers import inet6 as s6

import nut_common as nut
from nut_common import ICMP6, TUNNEL_DOWN, check, equal
from nut_ha import Node

TO_INCLUDE, TO_EXCLUDE = 3, 4


def mld(src, dst, message, hops=1):
    alert = s6.IPv6ExtHdrHopByHop(options=[s6.RouterAlert(value=0)])
    return bytes(s6.IPv6(src=src, dst=dst, hlim=hops) / alert / message)


def report(m, group, kind=TO_EXCLUDE, src=None, hops=1):
    record = s6.ICMPv6MLDMultAddrRec(rtype=kind, dst=group)
    return mld(src or m.link_local(), "ff02::16", s6.ICMPv6MLReport2(records=[record]), hops)


def send_to_group(n, m, group, ident):
    """A correspondent's packet comes by the home link, as a router forwards it there."""
    n.link.send(nut.echo(m.peer, group, ident), "33:33:" + nut.addr(group)[12:].hex(":"))


def inside(m, packets):
    return [m.esp.inner(TUNNEL_DOWN, p) for p in packets if m.esp.is_for(TUNNEL_DOWN, p)]


def to_group(n, m, group):
    """What has come out of the tunnel of @m for the group."""
    return [p for p in inside(m, n.link.find(lambda p: p.dst == m.care_of)) if p.dst == group]


def joined(n, group, kind=TO_EXCLUDE):
    """The home agent's own report on the home link says so."""
    n.link.expect(f"report of {group} on the home link", lambda p: (
        p.icmp == 143 and p.dst == "ff02::16"
        and bytes([kind, 0, 0, 0]) + nut.addr(group) in p.data))


def settle(n):
    """What has been sent so far has been dealt with."""
    n.silent("nothing", lambda p: False)


def listener_is_asked(n):
    m = n.mobile()
    m.register()
    p = n.link.wait("a query in the tunnel", lambda: [
        p for p in inside(m, n.link.find(lambda p: p.dst == m.care_of)) if p.icmp == 130])[0]
    equal("hop limit", p.hops, 1)
    equal("destination", p.dst, "ff02::1")
    check("source", p.src.startswith("fe80:"), p.src)
    equal("checksum", nut.checksum(p.src, p.dst, ICMP6, p.data), 0)
    packet = s6.IPv6(p.octets)
    alert = packet[s6.IPv6ExtHdrHopByHop].options[0]
    check("router alert", isinstance(alert, s6.RouterAlert) and alert.value == 0, packet)
    query = packet[s6.ICMPv6MLQuery2]
    equal("group", query.mladdr, "::")
    equal("robustness, interval, sources", (query.QRV, query.QQIC, query.sources), (2, 125, []))


def group_is_tunnelled_to_who_listens(n):
    m, other = n.mobile(), n.mobile()
    m.register()
    other.register()
    send_to_group(n, m, "ff1e::1:1", 1)
    m.up(report(m, "ff1e::1:1"))
    joined(n, "ff1e::1:1")
    packet = nut.echo(m.peer, "ff1e::1:1", 2)
    send_to_group(n, m, "ff1e::1:1", 2)
    p = n.link.wait("a copy", lambda: to_group(n, m, "ff1e::1:1"))[0]
    equal("payload", p.data, packet[40:])
    equal("addresses", (p.src, p.dst), (m.peer, "ff1e::1:1"))
    equal("hop limit", p.hops, 63)
    m.up(report(m, "ff1e::1:1", TO_INCLUDE))
    joined(n, "ff1e::1:1", TO_INCLUDE)
    send_to_group(n, m, "ff1e::1:1", 3)
    settle(n)
    equal("copies", len(to_group(n, m, "ff1e::1:1")), 1)
    check("the other listens to nothing", not to_group(n, other, "ff1e::1:1"))


def version_1(n):
    m = n.mobile()
    m.register()
    m.up(mld(m.link_local(), "ff1e::2:1", s6.ICMPv6MLReport(mladdr="ff1e::2:1")))
    joined(n, "ff1e::2:1")
    send_to_group(n, m, "ff1e::2:1", 1)
    n.link.wait("a copy", lambda: to_group(n, m, "ff1e::2:1"))
    m.up(mld(m.link_local(), "ff02::2", s6.ICMPv6MLDone(mladdr="ff1e::2:1")))
    joined(n, "ff1e::2:1", TO_INCLUDE)


def what_is_no_report_is_not_heeded(n):
    """RFC 3810, 7.4; RFC 6275, 10.4.2 and 10.4.5."""
    m, other = n.mobile(), n.mobile()
    m.register()
    other.register()
    groups = [f"ff1e::3:{i}" for i in range(6)]
    m.up(report(m, groups[0], hops=64))
    m.up(report(m, groups[1], src=m.home))
    m.up(report(m, groups[2], src="::"))
    m.up(report(m, groups[3]), src=other.care_of)  # not where it is registered
    n.link.send(report(m, groups[4]))  # not in a tunnel
    spoiled = bytearray(report(m, groups[5]))
    spoiled[-1] ^= 1
    m.up(bytes(spoiled))
    for group in ("ff02::3:1", "ff05::3:1", "ff08::3:1"):
        m.up(report(m, group))
        groups.append(group)
    for group in groups:
        send_to_group(n, m, group, 1)
    settle(n)
    for group in groups:
        check(f"{group} in a tunnel", not to_group(n, m, group) + to_group(n, other, group))


def registration_ends_it(n):
    m = n.mobile()
    m.register()
    m.up(report(m, "ff1e::4:1"))
    joined(n, "ff1e::4:1")
    m.send(units=0)
    equal("status", m.answer().ba.status, 0)
    joined(n, "ff1e::4:1", TO_INCLUDE)


def mobile_node_sends_to_a_group(n):
    """Onto the home link and to others that listen, never back."""
    m, other = n.mobile(), n.mobile()
    for x in (m, other):
        x.register()
        x.up(report(x, "ff1e::5:1"))
    joined(n, "ff1e::5:1")
    packet = nut.echo(m.home, "ff1e::5:1", 7)
    n.link.wait("both listen", lambda: send_to_group(n, m, "ff1e::5:1", 1) or (
        to_group(n, m, "ff1e::5:1") and to_group(n, other, "ff1e::5:1")))
    n.link.drain()
    m.up(packet)
    p = n.link.expect("packet on the home link", lambda p: p.dst == "ff1e::5:1")
    equal("payload", p.data, packet[40:])
    equal("source", p.src, m.home)
    equal("hop limit", p.hops, 63)
    p = n.link.wait("a copy", lambda: to_group(n, other, "ff1e::5:1"))[0]
    equal("source", p.src, m.home)
    equal("hop limit", p.hops, 63)
    settle(n)
    check("not to itself", not [p for p in to_group(n, m, "ff1e::5:1") if p.src == m.home])
    check("only once on the link", not n.link.find(lambda p: p.dst == "ff1e::5:1"))


CASES = (
    listener_is_asked,
    group_is_tunnelled_to_who_listens,
    version_1,
    what_is_no_report_is_not_heeded,
    registration_ends_it,
    mobile_node_sends_to_a_group,
)


def listening(bubd):
    return Node(bubd, "multicast = true")


if __name__ == "__main__":
    sys.exit(nut.main([(listening, CASES)]))
