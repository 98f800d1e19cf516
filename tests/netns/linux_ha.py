#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The home agent's and the correspondent's side of src/linux.

        home agent g             host h
         bub0
          e0 ------------------- e0     home link 2001:db8:a::/64, g is ::1, h is ::2
"""

import re
import socket
import struct
import sys
import time

from linux_common import (ALL_NODES, ETH_P_ALL, Ctl, Failure, Namespace, addr, came_at, captured,
                          icmp6, ip6, main, text_of, wait_for)

HOME = "2001:db8:a::100"
AGENT = "2001:db8:a::1"
CARE_OF = "2001:db8:b::5"
EADDRINUSE = 98
ENETDOWN = 100


class Things:
    def __init__(self, binary):
        self.binary = binary
        self.g = Namespace("g")
        self.h = Namespace("h")
        self.ctls = []
        g, h = self.g, self.h
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", h.name)
        g.ip("link", "set", "e0", "up")
        h.ip("link", "set", "e0", "up")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "e0", "nodad")
        h.ip("addr", "add", "2001:db8:a::2/64", "dev", "e0", "nodad")
        h.ip("route", "add", "default", "via", AGENT)
        g.link_local("e0")
        h.link_local("e0")

    def start(self, *options, link=True):
        words = ["-A", "-a", AGENT, "-p", "2001:db8:a::/64", *options]
        if link:
            words += ["-l", "e0"]
        c = Ctl(self.binary, self.g, *words)
        self.ctls.append(c)
        if c.first != "open":
            raise Failure(c.first)
        return c

    def close(self):
        for c in self.ctls:
            c.close()
        self.g.close()
        self.h.close()


def dad_free(t):
    c = t.start()
    seen = t.h.capture("e0")
    c.send("dad", "7", HOME)

    def is_probe(p):
        return (p[6] == 58 and p[40] == 135 and p[8:24] == bytes(16) and p[7] == 255 and
                text_of(p[24:40]) == "ff02::1:ff00:100" and text_of(p[48:64]) == HOME)

    wait_for("a probe", lambda: captured(seen, is_probe))
    if c.has("done"):
        raise Failure("a verdict before anybody could answer")
    if c.event("done", "7")[2] != "0":
        raise Failure("no success")
    c.quit()


def dad_taken(t):
    c = t.start()
    t.h.ip("addr", "add", f"{HOME}/64", "dev", "e0", "nodad")
    c.send("dad", "8", HOME)
    if c.event("done", "8")[2] != str(-EADDRINUSE):
        raise Failure("no failure")
    # Others do not matter.
    c.send("dad", "9", "2001:db8:a::101")
    if c.event("done", "9")[2] != "0":
        raise Failure("no success")
    c.quit()


def home_link_comes_later(t):
    """It does not exist at the start, and is made anew later."""
    c = Ctl(t.binary, t.g, "-A", "-a", AGENT, "-p", "2001:db8:cc::/64", "-l", "h0")
    t.ctls.append(c)
    wait_for("a line about it", lambda: c.has(
        "log", "1", "the home link h0 does not exist (yet): bubd waits for it"))
    ids = iter(range(100, 1000))

    def verdict():
        number = str(next(ids))
        c.send("dad", number, "2001:db8:cc::100")
        return int(c.event("done", number)[2])

    if verdict() != -ENETDOWN:
        raise Failure("a probe on no link")
    c.send("proxy-add", "2001:db8:cc::101")
    for times in (1, 2):
        t.g.ip("link", "add", "h0", "type", "veth", "peer", "name", "h0", "netns", t.h.name)
        t.h.ip("link", "set", "h0", "up")
        t.h.ip("addr", "add", "2001:db8:cc::100/64", "dev", "h0", "nodad")
        t.g.ip("link", "set", "h0", "up")
        wait_for("the owner to be heard", lambda: verdict() == -EADDRINUSE)
        wait_for("the proxy entry", lambda: "2001:db8:cc::101" in t.g.ip(
            "-6", "neigh", "show", "proxy", "dev", "h0"))
        with open(f"/proc/{c.proc.pid}/net/anycast6") as f:
            if " h0 " not in f.read():
                raise Failure("no anycast address")
        if t.g.get_sysctl("conf.h0.proxy_ndp") != "1":
            raise Failure("the kernel does not answer")
        t.g.ip("link", "del", "h0")
        wait_for("a line about it", lambda n=times: len(c.has(
            "log", "1", "the home link h0 is gone: bubd waits for it")) == n)
    c.quit()


def dad_race(t):
    """Another node probes for the same address at the same time (RFC 4862, 5.4.3)."""
    c = t.start()
    # Else its probe waits for up to a second, which is as long as ours takes.
    t.h.sysctl("conf.e0.router_solicitation_delay", 0)
    seen = t.h.capture("e0")
    c.send("dad", "8", HOME)
    # Two probes at a time would fail both (RFC 4862, 5.4.3).
    wait_for("a probe", lambda: captured(seen, lambda p: p[6] == 58 and p[40] == 135 and
                                         p[48:64] == addr(HOME)))
    t.h.ip("addr", "add", f"{HOME}/64", "dev", "e0")
    if c.event("done", "8")[2] != str(-EADDRINUSE):
        raise Failure("no failure")
    c.quit()


def dad_hears_claims_only(t):
    """What only asks, or proves not that its sender is on the link, is no claim (RFC 4861, 7.1;
    RFC 4862, 5.4.3)."""
    c = t.start()
    seen = t.h.capture("e0")
    group = "ff02::1:ff00:100"
    option = b"\x02\x01\x02\0\0\0\0\x99"
    asks = icmp6("2001:db8:a::2", group, 135, 0, bytes(4) + addr(HOME))
    says = icmp6("2001:db8:a::2", ALL_NODES, 136, 0, b"\x20\0\0\0" + addr(HOME) + option)
    other = icmp6("2001:db8:a::2", ALL_NODES, 136, 0,
                  b"\x20\0\0\0" + addr("2001:db8:a::101") + option)
    packets = (ip6("2001:db8:a::2", group, 58, asks, 255),
               ip6("2001:db8:a::2", ALL_NODES, 58, says, 64),
               ip6("2001:db8:a::2", ALL_NODES, 58, says[:2] + b"\0\0" + says[4:], 255),
               ip6("2001:db8:a::2", ALL_NODES, 58, other, 255))
    c.send("dad", "7", HOME)
    wait_for("a probe", lambda: captured(seen, lambda p: p[6] == 58 and p[40] == 135))
    s = t.h.inside(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0))
    mac = bytes.fromhex(t.g.mac("e0").replace(":", ""))
    for packet in packets:
        s.sendto(packet, ("e0", 0x86DD, 0, 0, mac))
    if c.event("done", "7")[2] != "0":
        raise Failure("no success")
    # The same as it should be.
    c.send("dad", "8", HOME)
    wait_for("a probe", lambda: captured(seen, lambda p: p[6] == 58 and p[40] == 135))
    s.sendto(ip6("2001:db8:a::2", ALL_NODES, 58, says, 255), ("e0", 0x86DD, 0, 0, mac))
    s.close()
    if c.event("done", "8")[2] != str(-EADDRINUSE):
        raise Failure("no failure")
    c.quit()


def is_advert(flags):
    def match(p):
        return (p[6] == 58 and p[40] == 136 and p[7] == 255 and p[44] == flags and
                text_of(p[48:64]) == HOME and p[64:66] == b"\x02\x01")

    return match


def optimistic(t):
    """Answered for while it is being probed for: who asks is told without Override, and the claim
    comes after the probe (RFC 4429, 3.3; RFC 6275, 10.4.1)."""
    c = t.start()
    seen = t.h.capture("e0")
    c.send("dad", "7", HOME)
    c.send("tunnel-set", HOME, AGENT, CARE_OF)
    c.send("proxy-add", HOME)
    wait_for("a probe", lambda: captured(seen, lambda p: p[6] == 58 and p[40] == 135))
    asked = came_at(seen)
    ping = t.h.popen("ping", "-6", HOME, stdout=-3)
    answer = wait_for("an answer without Override", lambda: captured(seen, is_advert(0x40)))
    if text_of(answer[8:24]) != AGENT and not text_of(answer[8:24]).startswith("fe80:"):
        raise Failure(f"from {text_of(answer[8:24])}")
    packet = bytes.fromhex(c.event("packet", "tun")[-1])
    ping.kill()
    ping.wait()
    if text_of(packet[24:40]) != HOME:
        raise Failure("another packet")
    wait_for("a claim", lambda: captured(seen, is_advert(0x20)))
    if came_at(seen) - asked < 0.99:
        raise Failure(f"claimed {came_at(seen) - asked} s after the probe")
    if c.event("done", "7")[2] != "0":
        raise Failure("no success")
    wait_for("the proxy entry", lambda: HOME in t.g.ip("-6", "neigh", "show", "proxy"))
    c.quit()


def optimistic_and_taken(t):
    """Another node's probe for it is not answered: it gets the address, and we know (RFC 4429, 3.3).
    """
    c = t.start()
    t.h.sysctl("conf.e0.router_solicitation_delay", 0)
    seen = t.h.capture("e0")
    c.send("dad", "8", HOME)
    c.send("proxy-add", HOME)
    wait_for("a probe", lambda: captured(seen, lambda p: p[6] == 58 and p[40] == 135))
    t.h.ip("addr", "add", f"{HOME}/64", "dev", "e0")
    if c.event("done", "8")[2] != str(-EADDRINUSE):
        raise Failure("no failure")
    c.send("proxy-del", HOME)
    c.sync()
    wait_for("the other's detection", lambda: "tentative" not in t.h.ip("-6", "addr", "show", "e0"))
    if "dadfailed" in t.h.ip("-6", "addr") or f"{HOME}/64" not in t.h.ip("-6", "addr"):
        raise Failure("the other node was refused the address")
    if HOME in t.g.ip("-6", "neigh", "show", "proxy"):
        raise Failure("a proxy entry")
    c.quit()


def dad_virtual(t):
    """Nobody else can be on a link that does not exist."""
    c = t.start(link=False)
    c.send("dad", "5", HOME)
    c.sync()
    if [x.split()[2] for x in c.has("done", "5")] != ["0"]:  # a probe would wait for a second
        raise Failure(f"no success at once: {c.lines}")
    c.quit()


def proxy(t):
    before = t.g.state()
    c = t.start()
    c.send("tunnel-set", HOME, AGENT, CARE_OF)
    seen = t.h.capture("e0")
    # The host believes that the mobile node itself is there.
    t.h.ip("neigh", "replace", HOME, "lladdr", "02:00:00:00:00:99", "dev", "e0", "nud", "stale")
    c.send("proxy-add", HOME)

    def is_claim(p):
        return (p[6] == 58 and p[40] == 136 and p[7] == 255 and p[44] == 0x20 and
                text_of(p[24:40]) == "ff02::1" and text_of(p[48:64]) == HOME and
                p[64:66] == b"\x02\x01")

    claims = []
    for _ in range(3):
        wait_for("an unsolicited advertisement", lambda: captured(seen, is_claim))
        claims.append(came_at(seen))
    if min(claims[1] - claims[0], claims[2] - claims[1]) < 0.9:  # a second apart
        raise Failure(f"claims at {claims}")
    mac = t.g.mac("e0")
    wait_for("the neighbour entry", lambda: mac in t.h.ip("-6", "neigh", "show", HOME))
    # Solicitations are answered at once.
    t.h.ip("neigh", "del", HOME, "dev", "e0")
    ping = t.h.popen("ping", "-6", HOME, stdout=-3)
    packet = bytes.fromhex(c.event("packet", "tun")[-1])
    if text_of(packet[24:40]) != HOME or packet[6] != 58:
        raise Failure("another packet")
    ping.kill()
    ping.wait()
    # Nobody else gets the address.
    t.h.ip("addr", "add", f"{HOME}/64", "dev", "e0")
    wait_for("the duplicate", lambda: "dadfailed" in t.h.ip("-6", "addr"))
    last = time.monotonic()
    wait_for("time for a fourth claim", lambda: time.monotonic() > last + 1.5)
    if captured(seen, is_claim):
        raise Failure("more than three claims")
    # At once, which takes no time to show (RFC 4861, 7.2.8).
    if t.g.get_sysctl("neigh.e0.proxy_delay") != "0":
        raise Failure("the proxy waits")
    c.send("proxy-del", HOME)
    c.send("tunnel-del", HOME)
    c.sync()
    if HOME in t.g.ip("-6", "neigh", "show", "proxy"):
        raise Failure("the proxy stays")
    c.send("proxy-add", HOME)
    c.send("tunnel-set", HOME, AGENT, CARE_OF)
    c.quit()
    wait_for("bub0 to go", lambda: "bub0" not in t.g.ip("link"))
    after = t.g.state()
    if after != before:
        raise Failure(f"more: {set(after) - set(before)}, less: {set(before) - set(after)}")
    for name in ("e0", "all"):
        if "= 0" not in t.g.exec("sysctl", f"net.ipv6.conf.{name}.proxy_ndp"):
            raise Failure(f"proxy_ndp of {name} stays")


def anycast(t):
    """The home agents' anycast address of the prefix (RFC 2526), on either kind of home link."""
    for options in ([], ["-p", "2001:db8:cc::/64"]):
        c = t.start(*options) if not options else Ctl(t.binary, t.g, "-A", "-a", AGENT, *options)
        t.ctls.append(c)
        prefix = "2001:db8:cc:0" if options else "2001:db8:a:0"
        address = f"{prefix}:fdff:ffff:ffff:fffe"
        s = t.h.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
        requests = []

        def arrives(c=c, s=s, address=address, requests=requests):
            body = struct.pack("!HH", len(requests), 0)  # each tells itself from the others
            requests.append(ip6("2001:db8:a::2", address, 58,
                                icmp6("2001:db8:a::2", address, 144, 0, body)))
            s.sendto(requests[-1], (address, 0))
            return c.has("packet", "plain")

        wait_for("a request", arrives)
        s.close()
        c.sync()
        packets = [x.split()[-1] for x in c.has("packet")]
        if not set(packets) <= {x.hex() for x in requests}:
            raise Failure("another packet")
        if len(set(packets)) != len(packets):
            raise Failure("twice")
        c.quit()


def forwards(t):
    """Out of the tunnel on to the link, and from the link into the tunnel."""
    c = t.start()
    c.send("tunnel-set", HOME, AGENT, CARE_OF)
    c.send("proxy-add", HOME)
    echo = ip6(HOME, "2001:db8:a::2", 58,
               icmp6(HOME, "2001:db8:a::2", 128, 0, struct.pack("!HH", 7, 1) + b"hello"))
    c.send("deliver", echo.hex())
    packet = bytes.fromhex(c.event("packet", "tun")[-1])
    if packet[40] != 129 or text_of(packet[24:40]) != HOME:
        raise Failure("another packet")
    # Between two mobile nodes of one home agent: in and out of the same interface, no redirect.
    other = "2001:db8:a::101"
    c.send("tunnel-set", other, AGENT, "2001:db8:b::6")
    c.send("deliver", ip6(HOME, other, 58, icmp6(HOME, other, 128, 0, bytes(8))).hex())
    packet = bytes.fromhex(c.event("packet", "tun")[-1])
    if packet[40] != 128 or text_of(packet[24:40]) != other:
        raise Failure(packet.hex())
    if c.has("packet"):
        raise Failure(str(c.lines))
    c.quit()


def scopes_stay(t):
    """Groups and link-local addresses mean nothing beyond the interface, whatever routes lead there
    (RFC 6275, 10.4.2)."""
    c = t.start()
    c.send("tunnel-set", HOME, AGENT, CARE_OF)
    c.sync()
    before = c.counters()["tun-ignored"]
    s = t.g.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"bub0")
    s.bind((AGENT, 0))
    index = t.g.inside(lambda: socket.if_nametoindex("bub0"))
    seen = t.g.capture("bub0", ETH_P_ALL)

    def goes_in(dst):
        s.sendto(ip6(AGENT, dst, 17, bytes(8)), (dst, 0, 0, index))
        return captured(seen, lambda p: text_of(p[24:40]) == dst)

    for dst in ("ff05::5", "ff0e::5", "fe80::5"):
        kind = ("multicast",) if dst.startswith("ff") else ()
        t.g.ip("-6", "route", "add", *kind, f"{dst}/128", "dev", "bub0", "table", "local")
        wait_for(f"the packet to {dst}", lambda dst=dst: goes_in(dst))
    # The interface keeps their order: what comes out of it first is sent last.
    wait_for("the packet to the home address",
             lambda: s.sendto(ip6(AGENT, HOME, 17, bytes(8)), (HOME, 0)) and c.has("packet", "tun"))
    c.sync()
    others = [x for x in c.has("packet", "tun")
              if text_of(bytes.fromhex(x.split()[-1])[24:40]) != HOME]
    if others:
        raise Failure(f"other packets: {others}")
    if c.counters()["tun-ignored"] < before + 3:
        raise Failure("they were not ignored: there were none")
    seen.close()
    s.close()
    c.quit()


def virtual_link(t):
    """A prefix that is on no link: one route for all."""
    home = "2001:db8:cc::1"
    c = Ctl(t.binary, t.g, "-A", "-a", AGENT, "-p", "2001:db8:cc::/64", "-s", "0123456789abcdef",
            "-c", home)
    t.ctls.append(c)
    c.send("tunnel-set", home, AGENT, CARE_OF)
    c.sync()
    routes = t.g.ip("-6", "route")
    if "2001:db8:cc::/64 dev bub0" not in routes or home in routes:
        raise Failure(routes)
    ping = t.h.popen("ping", "-6", home, stdout=-3)
    packet = bytes.fromhex(c.event("packet", "tun")[-1])
    ping.kill()
    ping.wait()
    if text_of(packet[24:40]) != home:
        raise Failure("another packet")
    # The tunnel's path becomes narrow: a sender beyond is told so.  Only what was sent may be
    # quoted: SPI and number, which nobody knows who has not seen it.
    t.g.ip("route", "add", CARE_OF, "via", "2001:db8:a::2")
    seen = t.h.capture("e0")
    c.send("send", "esp-tunnel", home, "-", packet.hex())
    c.sync()
    sent = wait_for("an ESP packet", lambda: captured(seen, lambda p: p[6] == 50))
    s = t.h.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))

    def too_big(mtu, spi, number):
        quoted = sent[:40] + spi + number + sent[48:]
        s.sendto(ip6("2001:db8:a::2", AGENT, 58,
                     icmp6("2001:db8:a::2", AGENT, 2, 0, struct.pack("!I", mtu) + quoted)),
                 (AGENT, 0))

    too_big(1300, bytes(4), sent[44:48])
    too_big(1310, sent[40:44], bytes([0, 0, 1, 0]))
    too_big(1400, sent[40:44], sent[44:48])
    wait_for("a route with an MTU",
             lambda: re.search(home + r" dev bub0 .*mtu 1310", t.g.ip("-6", "route")))
    s.close()
    if c.counters()["too-big-ignored"] != 2:
        raise Failure("a made-up quote was believed")
    c.send("tunnel-del", home)
    c.sync()
    if home in t.g.ip("-6", "route"):
        raise Failure("the route stays")
    c.quit()


def correspondent_path(t):
    """A correspondent that is not mobile: the route to the peer's home address in the main table."""
    c = Ctl(t.binary, t.h, "-i", "e0")
    t.ctls.append(c)
    local, peer = "2001:db8:a::2", "2001:db8:77::7"
    before = t.h.ip("-6", "route")
    c.send("path-set", local, peer, "1", local, CARE_OF, CARE_OF)
    c.sync()
    route = t.h.ip("-6", "route", "get", peer)
    if f"via {AGENT} dev e0" not in route or "mtu 1476" not in route:
        raise Failure(route)
    # The default route changes: the path follows.
    t.h.ip("route", "replace", "default", "via", "2001:db8:a::3", "dev", "e0")
    wait_for("the new next hop",
             lambda: "via 2001:db8:a::3" in t.h.ip("-6", "route", "get", peer))
    t.h.ip("route", "replace", "default", "via", AGENT, "dev", "e0")
    wait_for("the old next hop", lambda: f"via {AGENT}" in t.h.ip("-6", "route", "get", peer))
    c.send("path-del", local, peer)
    c.sync()
    if t.h.ip("-6", "route") != before:
        raise Failure(t.h.ip("-6", "route"))
    c.quit()


def signalling_arrives(t):
    """Mobility headers come to the core, whole, and the kernel answers none of them."""
    c = Ctl(t.binary, t.h, "-i", "e0")
    t.ctls.append(c)
    message = struct.pack("!BBBBHH", 59, 1, 1, 0, 0, 0) + bytes(8)
    seen = t.g.capture("e0")
    packet = ip6(AGENT, "2001:db8:a::2", 135, message)
    s = t.g.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
    wait_for("the packet", lambda: s.sendto(packet, ("2001:db8:a::2", 0)) and c.has("packet", "plain"))
    c.sync()
    if {x.split()[-1] for x in c.has("packet")} != {packet.hex()}:
        raise Failure("another packet")
    c.lines = []
    # An address that comes later is heard as well.
    t.h.ip("addr", "add", "2001:db8:a::22/64", "dev", "e0", "nodad")
    packet = ip6(AGENT, "2001:db8:a::22", 135, message)
    wait_for("the packet to a new address",
             lambda: s.sendto(packet, ("2001:db8:a::22", 0)) and
             [x for x in c.has("packet", "plain") if x.endswith(packet.hex())])
    c.sync()
    # To somebody else: not ours.
    before = c.counters()["signalling-in"]
    s.sendto(ip6(AGENT, "2001:db8:a::33", 135, message), ("2001:db8:a::2", 0))
    if c.counters()["signalling-in"] != before:
        raise Failure("somebody else's packet")
    if captured(seen, lambda p: p[6] == 58 and p[40] == 4 and addr(AGENT) == p[24:40]):
        raise Failure("the kernel answered")
    s.close()
    c.quit()


def proxies_come_back(t):
    """The kernel forgets them with the carrier, or somebody removes them: of neither is there a
    notice."""
    c = t.start()
    c.send("proxy-add", HOME)

    def answers(device="e0"):
        return f"{HOME} dev {device} proxy proto 216" in " ".join(
            t.g.ip("-6", "neigh", "show", "proxy").split())

    wait_for("a proxy entry", answers)
    t.g.ip("-6", "neigh", "del", "proxy", HOME, "dev", "e0")
    wait_for("what somebody has removed", answers)
    c.sync()
    if c.counters()["kernel-repaired"] != 1 or not any(
            f"removed what bubd needs: proxy entry for {HOME} on e0" in x for x in c.has("log", "1")):
        raise Failure(str(c.has("log")))
    t.g.ip("link", "set", "e0", "down")
    t.g.ip("link", "set", "e0", "up")
    wait_for("what was lost with the link", answers)
    # Made anew, as a bridge is: another interface of that name.
    t.g.ip("link", "del", "e0")
    t.g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", t.h.name)
    t.g.ip("link", "set", "e0", "up")
    t.h.ip("link", "set", "e0", "up")
    t.g.ip("addr", "add", f"{AGENT}/64", "dev", "e0", "nodad")
    wait_for("the entry on the new link", answers)
    wait_for("its sysctl", lambda: t.g.get_sysctl("conf.e0.proxy_ndp") == "1")
    # It is what makes the kernel answer.
    t.h.ip("addr", "add", "2001:db8:a::2/64", "dev", "e0", "nodad")
    wait_for("an answer for the mobile node", lambda: " lladdr " in (
        t.h.exec("ping", "-6", "-n", "-c", "1", "-W", "1", HOME, check=False) and
        t.h.ip("-6", "neigh", "show", HOME)))
    c.quit()


CASES = [dad_free, dad_taken, home_link_comes_later, dad_race, dad_hears_claims_only, optimistic,
         optimistic_and_taken, dad_virtual, proxy, anycast, forwards, scopes_stay, virtual_link,
         correspondent_path, signalling_arrives, proxies_come_back]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
