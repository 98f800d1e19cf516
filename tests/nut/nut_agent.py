#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a home agent, continued: the corners of registration, what the home link gets to see of
a mobile node that is away, and the tunnels as hops (sizes, fragments, hop limits, groups).

RFC 6275, 9.2, 9.5.1, 10.3, 10.4; RFC 2473, 3 and 7; RFC 4861, 7.2 and 7.3.
"""

import os
import socket
import struct
import sys
import time

import nut_common as nut
from nut_common import A, BE, H, HOTI, ICMP6, K, L, MH, TUNNEL_DOWN, UP, check, equal
from nut_ha import AGENT, Node, esp_to, is_advert, is_claim

THIEF = "02:00:00:00:00:88"


# ---- Registration ------------------------------------------------------------------------------


def link_local_duplicate_is_refused(n):
    """RFC 6275, 10.3.1: with L either address in use means that neither is accepted."""
    m = n.mobile()
    m.send(flags=A | H | L)
    n.link.expect("probe", lambda p: p.icmp == 135 and p.data[8:24] == nut.addr(m.link_local()))
    n.link.neighbour_advert(m.link_local(), "ff02::1", THIEF, solicited=False)
    equal("status", m.answer().ba.status, 134)
    check("not claimed", not n.link.find(lambda p: is_claim(p, m.home)))
    m.register()  # without L nobody asks for that address


def key_management_bit_is_cleared(n):
    """RFC 6275, 10.3.1: nothing moves the endpoints of associations that are written down."""
    m = n.mobile()
    equal("flags", m.register(flags=A | H | K).data[7], 0)


def reserved_bits_and_unknown_options_are_ignored(n):
    m = n.mobile()
    m.register(flags=A | H | 0x00FF, extra=b"\xde\x02\xab\xcd")
    m.is_intercepted()


def update_with_nonce_indices_is_dropped(n):
    """RFC 6275, 9.5.1."""
    m = n.mobile()
    m.send(nonces=(1, 2))
    n.silent("BA", esp_to(m))
    check("no probe", not m.probes())
    m.register()


def update_without_home_address_option_is_dropped(n):
    """RFC 6275, 10.3.1: only a deletion may come from the home address itself."""
    m = n.mobile()
    n.link.owned[m.home] = "02:00:00:00:00:55"
    m.send(src=m.home, home=False, alt=False)  # care-of address is home address: a deletion
    equal("status", m.answer(m.home).ba.status, 133)
    text = nut.finish(nut.binding_update(m.seq + 1, A | H, 100, m.care_of), m.home, AGENT)
    proto, text = m.esp.seal(UP, MH, text)
    n.link.send(nut.ip6(m.home, AGENT, proto, text))
    n.silent("BA", esp_to(m))
    check("no probe", not m.probes())


def care_of_address_that_leads_back_is_refused(n):
    """RFC 2473, 4.1.2: two tunnels into each other would never end."""
    m, other = n.mobile(), n.mobile()
    for alt in (other.home, AGENT):
        m.send(alt=alt)
        equal("status", m.answer().ba.status, 174)
    check("no probe", not m.probes())


def header_checks(n):
    """RFC 6275, 9.2, here as at a correspondent."""
    src = "2001:db8:b::e0"
    text = bytearray(nut.finish(nut.mobility(77, b"\0" * 10), src, AGENT))
    text[5] ^= 1
    n.link.send(nut.mobile(src, AGENT, bytes(text), fresh=False))
    n.silent("answer", lambda p: p.dst == src)
    n.link.send(nut.mobile(src, AGENT, nut.mobility(77, b"\0" * 10)))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == src)
    equal("status", p.mh.status, 2)
    for pointer, words in ((40, {"proto": 6}), (41, {"length": 0})):
        n.link.send(nut.mobile(src, AGENT, nut.mobility(HOTI, b"\0" * 10, **words)))
        p = n.link.expect("Parameter Problem", lambda p: p.icmp == 4 and p.dst == src)
        equal("code", p.data[1], 0)
        equal("pointer", struct.unpack("!I", p.data[4:8])[0], pointer)


def next_registration_is_a_first_one(n):
    m = n.mobile()
    m.register()
    m.send(units=0)
    equal("status", m.answer().ba.status, 0)
    n.link.drain()
    m.send()
    n.link.expect("probe", lambda p: p.icmp == 135 and p.data[8:24] == nut.addr(m.home))
    equal("status", m.answer().ba.status, 0)
    m.is_intercepted()


# ---- The home link -----------------------------------------------------------------------------


def somebody_elses_claim_is_contested(n):
    m = n.mobile()
    m.register()
    n.link.wait("the claims", lambda: len(m.adverts()) >= 3)
    n.link.drain()

    def claim():
        n.link.neighbour_advert(m.home, "ff02::1", THIEF, solicited=False, src="fe80::88")

    begin = time.monotonic()
    claim()
    p = n.link.expect("claim", lambda p: is_advert(p, m.home) and p.dst == "ff02::1")
    equal("flags", p.data[4], 0x20)
    check("link-layer address", nut.NUT_MAC.replace(":", "") in p.data.hex())
    m.is_intercepted()

    def again():
        claim()
        return m.adverts()

    second = n.link.wait("the next claim", again)[0]
    check("at most one a second", second.at - begin > 0.9, second.at - begin)


def nothing_defends_it_after_deregistration(n):
    """RFC 6275, 10.3.2: neither to who asks, nor against who claims it, nor by itself."""
    m, other = n.mobile(), n.mobile()
    m.register()
    n.link.expect("claim", lambda p: is_advert(p, m.home))
    m.send(units=0)
    equal("status", m.answer().ba.status, 0)
    n.link.drain()
    m.solicit()
    m.solicit("::")
    m.solicit(dst=m.home)
    n.link.neighbour_advert(m.home, "ff02::1", THIEF, solicited=False, src="fe80::88")
    n.silent("advertisement", lambda p: is_advert(p, m.home))
    other.register()  # whose claims all come later than those of m would have
    n.link.wait("the claims", lambda: len(other.adverts()) >= 3)
    check("no more claims", not n.link.find(lambda p: is_advert(p, m.home)))


# ---- Tunnels -----------------------------------------------------------------------------------


def multicast_is_not_tunnelled(n):
    """RFC 6275, 10.4.2: only to groups that the mobile node is in; it is in none."""
    m = n.mobile()
    m.register()
    tail = nut.addr(m.home)[13:].hex()
    for group in ("ff01::1", "ff02::1", f"ff02::1:ff{tail[:2]}:{tail[2:]}", "ff05::1", "ff0e::5"):
        n.link.send(nut.echo(m.peer, group, 3))
    m.is_intercepted()
    check("in the tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))


def multicast_router(n, source, group):
    """A multicast router on the node: source and group from the tunnels to the home link.  None
    where the kernel has none to offer (linux/mroute6.h)."""
    init, add_mif, add_mfc = 200, 202, 204

    def index(dev):
        return int(nut.run("ip", "-n", n.link.nut, "-o", "link", "show", dev).split(":")[0])

    def sockaddr(a):
        return struct.pack("=HHI", socket.AF_INET6, 0, 0) + nut.addr(a) + b"\0" * 4

    s = nut.socket_in(n.link.nut, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    try:
        s.setsockopt(socket.IPPROTO_IPV6, init, 1)
    except OSError:
        s.close()
        return None
    for number, dev in enumerate(("bub0", "eth0")):
        mif = struct.pack("=HBBHxxI", number, 0, 1, index(dev), 0)
        s.setsockopt(socket.IPPROTO_IPV6, add_mif, mif)
    mfc = sockaddr(source) + sockaddr(group) + struct.pack("=Hxx8I", 0, 2, *[0] * 7)
    s.setsockopt(socket.IPPROTO_IPV6, add_mfc, mfc)
    return s


def multicast_out_of_the_tunnel(n):
    """RFC 6275, 10.4.5: never beyond a link's scope; else as the node's multicast routing says,
    which is nowhere where it does none."""
    m = n.mobile()
    m.register()
    groups = ("ff01::5", "ff02::5", "ff0e::5")
    for group in groups:
        m.up(nut.echo(m.home, group, 3))
    m.check_reverse()
    check("no router", not n.link.find(lambda p: p.src == m.home and p.dst in groups))
    router = multicast_router(n, m.home, "ff0e::5")
    if router is None:
        print("# no multicast routing in this kernel", flush=True)
        return
    with router:
        for group in groups:
            m.up(nut.echo(m.home, group, 3))
        p = n.link.expect("packet on the home link", lambda p: p.dst == "ff0e::5" and p.icmp == 128)
        equal("source", p.src, m.home)
        check("hop limit", p.hops < 64, p.hops)
        check("no other", not n.link.find(lambda p: p.src == m.home and p.dst in groups[:2]))


def fragments_are_intercepted(n):
    m = n.mobile()
    m.register()
    for offset_and_more in (1, 64 << 3):
        head = struct.pack("!BBHI", ICMP6, 0, offset_and_more, 99)
        packet = nut.ip6(m.peer, m.home, 44, head + os.urandom(512))
        n.link.send(packet)
        p = n.link.expect("fragment", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
        inner = m.esp.inner(TUNNEL_DOWN, p)
        equal("protocol", inner.proto, 44)
        equal("payload", inner.data, packet[40:])


def routing_header_of_type_2_is_as_any_other(n):
    m = n.mobile()
    m.register()
    packet = nut.echo(m.peer, m.home, 3, to_home=m.home)
    n.link.send(packet)
    p = n.link.expect("packet", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
    equal("all of it", m.esp.inner(TUNNEL_DOWN, p).octets[40:], packet[40:])


def echo_of(src, dst, size, hops=64):
    return nut.icmp6(src, dst, 128, 0, struct.pack("!HH", 7, 7) + b"x" * (size - 48), hops)


def too_big_for_the_tunnel(n):
    """RFC 2473, 7.1: the sender is told what fits, and that does fit."""
    m = n.mobile()
    m.register()
    packet = echo_of(m.peer, m.home, 1500)
    n.link.send(packet)
    p = n.link.expect("Packet Too Big", lambda p: p.icmp == 2 and p.dst == m.peer)
    mtu = struct.unpack("!I", p.data[4:8])[0]
    check("MTU", 1280 <= mtu < 1500, mtu)
    equal("quoted packet", p.data[16:48], packet[8:40])
    check("not in the tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))
    packet = echo_of(m.peer, m.home, mtu)
    n.link.send(packet)
    p = n.link.expect("packet", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
    check("outer length", len(p.octets) <= 1500, len(p.octets))
    equal("payload", m.esp.inner(TUNNEL_DOWN, p).data, packet[40:])


def hop_limit_ends_at_the_agent(n):
    """Down the tunnel and up: the home agent is a hop, and says so when it is the last."""
    m = n.mobile()
    m.register()
    n.link.send(echo_of(m.peer, m.home, 100, hops=1))
    p = n.link.expect("Time Exceeded", lambda p: p.icmp == 3 and p.dst == m.peer)
    equal("code", p.data[1], 0)
    check("not in the tunnel", not n.link.find(lambda p: m.esp.is_for(TUNNEL_DOWN, p)))
    m.up(echo_of(m.home, m.peer, 100, hops=1))
    p = n.link.expect("Time Exceeded", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
    inner = m.esp.inner(TUNNEL_DOWN, p)
    equal("type and destination", (inner.icmp, inner.dst), (3, m.home))


def mobile_nodes_talk_through_the_agent(n):
    """Out of one tunnel into another, also from one care-of address; no redirect."""
    m, other = n.mobile(), n.mobile()
    other.care_of = m.care_of
    m.register()
    other.register()
    n.link.drain()
    packet = nut.echo(m.home, other.home, 3)
    m.up(packet)
    p = n.link.expect("packet", lambda p: other.esp.is_for(TUNNEL_DOWN, p))
    inner = other.esp.inner(TUNNEL_DOWN, p)
    equal("addresses", (inner.src, inner.dst), (m.home, other.home))
    equal("hop limit", inner.hops, 63)
    equal("payload", inner.data, packet[40:])
    m.up(echo_of(m.home, other.home, 100, hops=1))
    p = n.link.expect("Time Exceeded", lambda p: m.esp.is_for(TUNNEL_DOWN, p))
    equal("type", m.esp.inner(TUNNEL_DOWN, p).icmp, 3)
    check("no redirect", not n.link.find(lambda p: p.icmp == 137))
    # The one's deletion leaves the other's binding.
    m.send(units=0)
    equal("status", m.answer().ba.status, 0)
    other.is_intercepted()


def earlier_refresh_is_advised(n):
    m = n.mobile()
    equal("options", m.register(units=100).options(), [(2, struct.pack("!H", 10))])
    equal("options", m.register(units=10).options(), [])  # never as long as the lifetime
    m.send(units=0)
    equal("options", m.answer().options(), [])


CASES = (
    link_local_duplicate_is_refused,
    key_management_bit_is_cleared,
    reserved_bits_and_unknown_options_are_ignored,
    update_with_nonce_indices_is_dropped,
    update_without_home_address_option_is_dropped,
    care_of_address_that_leads_back_is_refused,
    header_checks,
    next_registration_is_a_first_one,
    somebody_elses_claim_is_contested,
    nothing_defends_it_after_deregistration,
    multicast_is_not_tunnelled,
    multicast_out_of_the_tunnel,
    fragments_are_intercepted,
    routing_header_of_type_2_is_as_any_other,
    too_big_for_the_tunnel,
    hop_limit_ends_at_the_agent,
    mobile_nodes_talk_through_the_agent,
)


def advising(bubd):
    return Node(bubd, "refresh-advice = 40")


if __name__ == "__main__":
    sys.exit(nut.main([(Node, CASES), (advising, (earlier_refresh_is_advised,))]))
