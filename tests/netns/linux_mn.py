#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mobile node's side of src/linux.

        mobile m                     router r
         bub0                 lo: 2001:db8:99::1 (server)
          e0 ------- port ---- br-a  2001:db8:a::1   home link
                           \\__ br-b  2001:db8:b::1   foreign link

The port is plugged into one bridge or the other.
"""

import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from linux_common import (LIMIT_S, Ctl, Failure, Namespace, Router, addr, captured, hao, icmp6, ip6,
                          main, rh2, soon, text_of, wait_for)

HOME = "2001:db8:a::100"
AGENT = "2001:db8:a::1"
SERVER = "2001:db8:99::1"
PEER = "2001:db8:77::7"
PEER_CARE_OF = "2001:db8:66::6"
SECRET = "sixteen octets or more"
MARK = "proto", "216"  # bub's, of rules and routes


class Things:
    def __init__(self, binary):
        self.binary = binary
        self.r = Namespace("r")
        self.m = Namespace("m")
        self.ctls = []
        self.socks = []
        r, m = self.r, self.m
        r.sysctl("conf.all.forwarding", 1)
        r.ip("addr", "add", SERVER, "dev", "lo")
        for link in "ab":
            r.ip("link", "add", f"br-{link}", "type", "bridge")
            r.ip("link", "set", f"br-{link}", "up")
            r.ip("addr", "add", f"2001:db8:{link}::1/64", "dev", f"br-{link}", "nodad")
        r.ip("link", "add", "port", "type", "veth", "peer", "name", "e0", "netns", m.name)
        m.ip("link", "set", "e0", "up")
        self.plug("a")
        self.a = Router(r, "br-a")
        self.unplug()
        self.plug("b")
        self.b = Router(r, "br-b")
        self.unplug()

    def plug(self, link):
        self.r.ip("link", "set", "port", "master", f"br-{link}")
        self.r.ip("link", "set", "port", "up")

    def join(self, ctl, link):
        """Plugs into a link, and returns its address when it is usable.  An advertisement that
        comes before the kernel has told of the carrier is of the link before: there may have to
        be a second one."""
        self.plug(link)
        router = self.a if link == "a" else self.b

        def usable():
            router.advertise(f"2001:db8:{link}::")
            try:
                return ctl.event("care-of-new", limit_s=1)
            except Failure:
                return None

        return wait_for(f"an address on link {link}", usable)[1]

    def unplug(self):
        self.r.ip("link", "set", "port", "down")

    def start(self, *options):
        c = Ctl(self.binary, self.m, "-i", "e0", "-m", f"{HOME}/64", "-a", AGENT, "-s", SECRET,
                *options)
        self.ctls.append(c)
        if c.first != "open":
            raise Failure(c.first)
        return c

    def usable(self, ctl, link):
        """Plugs into a link, waits until its address is usable, returns it."""
        self.unplug()
        ctl.event("link-down")
        return self.join(ctl, link)

    def close(self):
        for c in self.ctls:
            c.close()
        for s in self.socks:
            s.close()
        self.m.close()
        self.r.close()


def usable_after_dad(t):
    c = t.start()
    t.plug("b")
    solicited = t.r.capture("br-b")
    wait_for("a solicitation", lambda: captured(solicited, lambda p: p[6] == 58 and p[40] == 133))
    if c.has("care-of-new"):
        raise Failure("usable before any router was heard")
    t.b.advertise("2001:db8:b::")
    wait_for("the address", lambda: "2001:db8:b:" in t.m.ip("-6", "addr", "show", "tentative"))
    if c.has("care-of-new"):
        raise Failure("usable while tentative")
    event = c.event("care-of-new")
    if event[1] in t.m.ip("-6", "addr", "show", "tentative"):
        raise Failure("usable while tentative")
    # From the address, over the router that announced its prefix.
    get = t.m.ip("-6", "route", "get", SERVER, "from", event[1])
    if f"via {t.b.addr} dev e0" not in get:
        raise Failure(get)
    c.quit()


def lifetime_is_told(t):
    """How long an address is valid, as routers say it, and say it again."""

    def seconds_are(event, at_most):
        if not at_most - 10 <= int(event[-1]) <= at_most:
            raise Failure(f"{event}, expected about {at_most} s")

    c = t.start()
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::", valid=100, preferred=50)
    event = c.event("care-of-new")
    seconds_are(event, 100)
    t.b.advertise("2001:db8:b::", valid=9000, preferred=50)
    seconds_are(c.event("care-of-changed", event[1]), 9000)
    t.b.advertise("2001:db8:b::", valid=0xFFFFFFFF, preferred=0xFFFFFFFF)
    seconds_are(c.event("care-of-changed", event[1]), 0)
    if c.has("care-of-new") or c.has("care-of-gone"):
        raise Failure("it was there all the time")
    c.quit()


def optimistic_address(t):
    """RFC 4429: used while detection goes on, where that is wanted; its switches go back after."""
    switches = ["optimistic_dad", "use_optimistic"]
    before = [t.m.get_sysctl(f"conf.e0.{s}") for s in switches]
    c = t.start("-o")
    if [t.m.get_sysctl(f"conf.e0.{s}") for s in switches] != ["1", "1"]:
        raise Failure("the kernel was not told")
    seen = t.r.capture("br-b")
    t.socks.append(seen)
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::")
    care_of = c.event("care-of-new")[1]
    if care_of not in t.m.ip("-6", "addr", "show", "tentative"):
        raise Failure("detection has passed already: the test tests nothing")
    c.send("attach", HOME, "away", care_of, "e0")
    c.send("tunnel-set", HOME, care_of, AGENT)
    heard = t.m.capture("e0")
    t.socks.append(heard)
    # It sends, and the router can answer: by its own solicitation, for which ours MUST NOT come
    # from the address (RFC 4429, 3.2).
    echo = icmp6(care_of, SERVER, 128, 0, struct.pack("!HH", 7, 9) + b"payload")
    c.send("send", "plain", "::", "-", ip6(care_of, SERVER, 58, echo).hex())
    wait_for("the answer", lambda: captured(heard, lambda p: p[6] == 58 and p[40] == 129))
    if captured(seen, lambda p: p[6] == 58 and p[40] == 135 and text_of(p[8:24]) == care_of):
        raise Failure("a solicitation from the optimistic address")
    wait_for("the end of detection",
             lambda: care_of not in t.m.ip("-6", "addr", "show", "tentative"))
    c.sync()
    if c.has("care-of-gone") or c.has("care-of-new"):
        raise Failure(str(c.lines))
    c.quit()
    if [t.m.get_sysctl(f"conf.e0.{s}") for s in switches] != before:
        raise Failure("the switches stay")


def optimistic_address_is_taken(t):
    """Another node has it: it is given up."""
    c = t.start("-o")
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::")
    care_of = c.event("care-of-new")[1]
    t.b.claim(care_of)
    if c.event("care-of-gone")[1] != care_of:
        raise Failure("another address")
    c.quit()


def optimistic_only_where_wanted(t):
    """The kernel would let it be used, the configuration does not."""
    for switch in ("optimistic_dad", "use_optimistic"):
        t.m.sysctl(f"conf.e0.{switch}", 1)
    c = t.start()
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::")
    wait_for("the address", lambda: "optimistic" in t.m.ip("-6", "addr", "show", "dev", "e0"))
    if c.has("care-of-new"):
        raise Failure("usable while tentative")
    if c.event("care-of-new")[1] in t.m.ip("-6", "addr", "show", "tentative"):
        raise Failure("usable while tentative")
    c.quit()


def link_down_and_back(t):
    c = t.start()
    t.plug("a")
    t.a.advertise("2001:db8:a::")
    first = c.event("care-of-new")[1]
    t.unplug()
    c.event("link-down")
    # Another link: the address of the one before still stands in the kernel, and does not count.
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::")
    second = c.event("care-of-new")[1]
    if not second.startswith("2001:db8:b:"):
        raise Failure(second)
    if first not in t.m.ip("-6", "addr"):
        raise Failure("the old address has gone: the test tests nothing")
    if t.a.addr not in t.m.ip("-6", "route", "show", "default"):
        raise Failure("the old default route has gone: the test tests nothing")
    get = t.m.ip("-6", "route", "get", SERVER, "from", second)
    if f"via {t.b.addr} dev e0" not in get:
        raise Failure(get)
    # Hosts of the link before are not here, though the kernel has a route that says so.
    get = t.m.ip("-6", "route", "get", "2001:db8:a::55")
    if "2001:db8:a::/64 dev e0" not in t.m.ip("-6", "route") or "dev bub0" not in get:
        raise Failure(get)
    t.unplug()
    c.event("link-down")
    if c.has("link-down"):
        raise Failure("link-down twice")
    # Routes follow at the end of the turn.
    wait_for("the tunnel for a prefix of the link that is down",
             lambda: "dev bub0" in t.m.ip("-6", "route", "get", "2001:db8:b::55"))

    def back():
        """The advertisement alone is enough."""
        t.unplug()
        if not c.has("link-down"):
            wait_for("no carrier", lambda: "LOWER_UP" not in t.m.ip("link", "show", "e0"))
        c.sync()
        c.lines = []
        t.plug("a")
        wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
        begin = time.monotonic()
        t.a.advertise("2001:db8:a::")
        third = c.event("care-of-new")[1]
        if third != first:
            raise Failure(third)
        return [time.monotonic() - begin]

    soon("the return", back, [1])
    c.quit()


def address_goes(t):
    c = t.start()
    t.plug("b")
    t.b.advertise("2001:db8:b::")
    first = c.event("care-of-new")[1]
    t.m.ip("addr", "del", f"{first}/64", "dev", "e0")
    if c.event("care-of-gone")[1] != first:
        raise Failure("another address")
    if first in t.m.ip("-6", "rule"):
        raise Failure("its rule stays")
    c.quit()


def address_is_deprecated(t):
    """RFC 4862, 5.5.4: still there, but for use only where there is no other."""
    c = t.start()
    t.join(c, "b")
    t.m.ip("addr", "add", "2001:db8:b::77/64", "dev", "e0", "nodad")
    c.event("care-of-new", "2001:db8:b::77")
    for lifetime, state in ("0", "deprecated"), ("forever", "preferred"):
        t.m.ip("addr", "change", "2001:db8:b::77/64", "dev", "e0", "nodad", "preferred_lft",
               lifetime)
        if c.event("care-of-changed", "2001:db8:b::77")[-2] != state:
            raise Failure(f"not {state}")
    if c.has("care-of-gone"):
        raise Failure("gone")
    c.quit()


def home_at_once(t):
    """On the home link, the home address needs no duplicate detection."""
    c = t.start()
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::")
    c.event("care-of-new")
    t.unplug()
    c.event("link-down")
    # Others take longer than this test waits.
    t.m.sysctl("conf.e0.dad_transmits", 60)
    t.plug("a")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.a.advertise("2001:db8:a::")
    c.event("care-of-new", HOME)
    if "2001:db8:a:" not in t.m.ip("-6", "addr", "show", "tentative"):
        raise Failure("other addresses are usable as well: the test tests nothing")
    c.quit()


def moved_without_carrier_loss(t):
    """The port is plugged from one bridge into the other: the old router does not answer."""
    c = t.start()
    t.plug("a")
    t.a.advertise("2001:db8:a::")
    c.event("care-of-new", HOME)
    wait_for("another address", lambda: c.has("care-of-new"))
    other = c.event("care-of-new")[1]
    t.r.ip("link", "set", "port", "master", "br-b")
    t.b.advertise("2001:db8:b::")
    c.event("care-of-gone", HOME)
    c.event("care-of-gone", other)
    care_of = c.event("care-of-new")[1]
    if not care_of.startswith("2001:db8:b:") or c.has("link-down"):
        raise Failure(f"{care_of}, {c.lines}")
    # And back again, at once: detection of duplicates would take longer than this test waits.
    t.m.sysctl("conf.e0.dad_transmits", 60)
    t.r.ip("link", "set", "port", "master", "br-a")
    t.a.advertise("2001:db8:a::")
    c.event("care-of-new", HOME)
    c.event("care-of-new", other)
    c.event("care-of-gone", care_of)
    c.quit()


def two_routers(t):
    """Both are alive: nothing goes when one of them speaks, and what is in use stays preferred to
    an address that is as good, until its router answers no more (RFC 6275, 11.5.1)."""
    t.plug("b")
    second = Namespace("s")
    try:
        second.sysctl("conf.all.forwarding", 1)
        t.r.ip("link", "add", "port2", "type", "veth", "peer", "name", "e0", "netns", second.name)
        t.r.ip("link", "set", "port2", "master", "br-b", "up")
        second.ip("link", "set", "e0", "up")
        other = Router(second, "e0")
        c = t.start()
        t.b.advertise("2001:db8:b::")
        _, first, _, preference, _ = c.event("care-of-new")
        c.send("attach", HOME, "away", first, "e0")
        seen = second.capture("e0")
        t.socks.append(seen)
        asked = t.r.capture("br-b")
        t.socks.append(asked)
        other.advertise("2001:db8:cc::")
        wait_for("a question", lambda: captured(
            asked, lambda p: p[6] == 58 and p[40] == 135 and text_of(p[48:64]) == t.b.addr))
        new = c.event("care-of-new")
        if int(new[3]) >= int(preference):
            raise Failure(f"{new}: no less preferred than {first} with {preference}")
        # The probes of a dead router would have ended long before an address passes detection.
        if c.has("care-of-gone"):
            raise Failure(f"{first} is gone")
        t.r.ip("-6", "addr", "flush", "dev", "br-b", "scope", "link")

        def noticed():
            other.advertise("2001:db8:cc::")
            return c.has("care-of-changed", new[1], preference)

        wait_for("another preference", noticed)
        c.event("care-of-gone", first)
        c.quit()
    finally:
        second.close()


def static_configuration(t):
    t.m.ip("addr", "add", "2001:db8:b::5/64", "dev", "e0", "nodad")
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    c = t.start()
    c.sync()
    if c.has("care-of-new"):
        raise Failure("usable without a router")
    t.m.ip("route", "add", "default", "via", "2001:db8:b::1", "dev", "e0")
    c.event("care-of-new", "2001:db8:b::5")
    t.unplug()
    c.event("link-down")
    t.plug("b")
    c.event("care-of-new", "2001:db8:b::5")
    c.quit()


def starts_while_others_come_and_go(t):
    """Containers: dumps of the kernel's tables, which take several parts, are interrupted."""
    many = [f"link add c{i} type veth peer name d{i}" for i in range(50)]
    many += [f"addr add 2001:db8:f::{i:x}/128 dev lo nodad" for i in range(1, 301)]
    churn = [f"link add x{i} type veth peer name y{i}\naddr add 2001:db8:e::{i:x}/128 dev x{i}\n"
             f"link del x{i}" for i in range(1, 300)]
    with tempfile.NamedTemporaryFile("w") as first, tempfile.NamedTemporaryFile("w") as on:
        print(*many, sep="\n", file=first, flush=True)
        print(*churn, sep="\n", file=on, flush=True)
        t.m.ip("-batch", first.name)
        busy = [t.m.popen("sh", "-c", f"while :; do ip -batch {on.name}; done", stderr=-3,
                          stdout=-3) for _ in range(3)]
        try:
            for _ in range(6):
                t.start().quit()
        finally:
            for p in busy:
                p.kill()
                p.wait()


def tunnel_mtu(t):
    """The tunnel takes what the links that are up take; an interface that is down, as ip6tnl0 is
    wherever its module is loaded, has no say."""

    def is_mtu(mtu):
        return f"mtu {mtu} " in t.m.ip("link", "show", "bub0")

    t.m.ip("link", "add", "small0", "mtu", "1300", "type", "veth", "peer", "name", "other0")
    t.m.ip("link", "set", "other0", "up")
    c = t.start("-i", "small0")
    t.plug("b")
    wait_for("the MTU of e0 less ESP", lambda: is_mtu(1406))
    t.m.ip("link", "set", "small0", "up")
    wait_for("that of the smaller one", lambda: is_mtu(1280))
    t.m.ip("link", "set", "small0", "mtu", "1400")
    wait_for("a change of it", lambda: is_mtu(1310))
    t.m.ip("link", "set", "small0", "down")
    wait_for("that of e0 again", lambda: is_mtu(1406))
    t.unplug()
    c.event("link-down")
    c.sync()
    if not is_mtu(1406):
        raise Failure("a node between two links has no new MTU")
    c.quit()


def notifications_lost(t):
    """The kernel has dropped notifications: everything is read again."""
    c = t.start()
    t.plug("b")
    t.b.advertise("2001:db8:b::")
    first = c.event("care-of-new")[1]
    c.proc.send_signal(signal.SIGSTOP)
    batch = ""
    for i in range(30000):
        batch += f"addr {'add' if i % 2 == 0 else 'del'} 2001:db8:b::99/64 dev e0 nodad\n"
    t.m.popen("ip", "-batch", "-", stdin=subprocess.PIPE).communicate(batch.encode())
    t.m.ip("addr", "add", "2001:db8:b::88/64", "dev", "e0", "nodad")
    t.m.ip("addr", "del", f"{first}/64", "dev", "e0")
    c.proc.send_signal(signal.SIGCONT)
    c.event("care-of-new", "2001:db8:b::88")
    c.event("care-of-gone", first)
    if c.counters()["netlink-overrun"] == 0:
        raise Failure("nothing was lost: the test tests nothing")
    c.quit()


def known_at_start(t):
    """What stood before the start is used at once."""
    t.plug("a")
    t.a.advertise("2001:db8:a::")
    wait_for("an address", lambda: re.search(r"2001:db8:a:\S+/64 scope global (dynamic|mngtmp)",
                                             t.m.ip("-6", "addr", "show", "-tentative")))
    c = t.start()
    c.sync()
    if not c.has("care-of-new"):
        raise Failure(f"not at once: {c.lines}")
    c.quit()


def connect(t, source=None):
    """A TCP connection from the mobile node to the server: both ends."""
    server = t.r.inside(lambda: socket.create_server((SERVER, 0), family=socket.AF_INET6))
    there = server.getsockname()[:2]
    here = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
    if source:
        here.bind((source, 0))
    here.settimeout(30)
    here.connect(there)
    far, _ = server.accept()
    far.settimeout(30)
    server.close()
    t.socks += [here, far]
    return here, far


def exchange(here, far):
    here.sendall(b"ping")
    if far.recv(4) != b"ping":
        raise Failure("nothing came over")
    far.sendall(b"pong")
    if here.recv(4) != b"pong":
        raise Failure("nothing came back")


def connection_survives(t):
    c = t.start()
    t.join(c, "a")
    c.send("attach", HOME, "home", "::", "e0")
    c.sync()
    # An unbound socket gets the home address, at home as well.
    here, far = connect(t)
    if here.getsockname()[0] != HOME:
        raise Failure(f"local address {here.getsockname()[0]}")
    exchange(here, far)

    # Away, at first without a care-of address: packets go into the TUN, the socket sees no error.
    t.unplug()
    c.event("link-down")
    c.send("attach", HOME, "away", "::", "lo")
    c.sync()
    here.sendall(b"x")
    packet = bytes.fromhex(c.event("packet", "tun")[-1])
    if packet[8:24] != addr(HOME) or packet[24:40] != addr(SERVER):
        raise Failure("another packet")
    if HOME in t.m.ip("-6", "addr", "show", "dev", "e0"):
        raise Failure("the home address is still on the link")
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    seen = t.r.capture("br-b")
    t.b.advertise("2001:db8:b::")
    care_of = c.event("care-of-new")[1]
    c.send("attach", HOME, "away", care_of, "e0")

    # The router is told whose link-layer address that is (RFC 4861, 7.2.3).
    def is_greeting(p):
        return (p[6] == 58 and p[40] == 135 and text_of(p[8:24]) == care_of and
                text_of(p[48:64]) == t.b.addr and p[64:66] == b"\x01\x01")

    wait_for("a solicitation of the router", lambda: captured(seen, is_greeting))
    wait_for("a neighbour entry", lambda: care_of in t.r.ip("-6", "neigh", "show", "dev", "br-b"))
    probe = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    t.socks.append(probe)
    probe.connect((SERVER, 9))
    if probe.getsockname()[0] != HOME:
        raise Failure(f"an unbound socket got {probe.getsockname()[0]}")
    # The home prefix is not on this link, whatever the kernel still believes.
    get = t.m.ip("-6", "route", "get", "2001:db8:a::55")
    if "dev bub0" not in get:
        raise Failure(get)

    # Home again: what was lost is sent again, on the same connection.
    t.unplug()
    c.event("link-down")
    t.plug("a")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    seen = t.r.capture("br-a")
    t.a.advertise("2001:db8:a::")
    c.event("care-of-new")
    c.send("attach", HOME, "home", "::", "e0")

    def is_claim(p):
        return (p[6] == 58 and p[40] == 136 and p[44] == 0x20 and text_of(p[48:64]) == HOME and
                text_of(p[24:40]) == "ff02::1" and text_of(p[8:24]) == HOME)

    for _ in range(3):
        wait_for("an unsolicited advertisement", lambda: captured(seen, is_claim))
    if far.recv(1) != b"x":
        raise Failure("not what was sent")
    exchange(here, far)
    c.quit()


def sent_by_care_of(t):
    """A raw packet from the care-of address goes to that address's own router."""
    c = t.start()
    t.join(c, "a")
    care_of = t.usable(c, "b")
    c.send("attach", HOME, "away", care_of, "e0")
    if t.a.addr not in t.m.ip("-6", "route", "show", "default"):
        raise Failure("the old default route has gone: the test tests nothing")
    echo = icmp6(care_of, SERVER, 128, 0, struct.pack("!HH", 7, 9) + b"payload")
    seen = t.m.capture("e0")
    t.socks.append(seen)
    c.send("send", "plain", "::", "-", ip6(care_of, SERVER, 58, echo).hex())
    wait_for("the answer",
             lambda: captured(seen, lambda p: p[6] == 58 and p[40] == 129 and
                              text_of(p[24:40]) == care_of))
    c.quit()


def path_routes(t):
    c = t.start()
    t.join(c, "a")
    care_of = t.usable(c, "b")
    c.send("attach", HOME, "away", care_of, "e0")
    c.send("path-set", HOME, PEER, "1", care_of, PEER_CARE_OF, "::")
    c.sync()
    get = t.m.ip("-6", "route", "get", PEER, "from", HOME)
    if f"via {t.b.addr} dev e0" not in get or "mtu 1452" not in get:
        raise Failure(get)  # 1500 less both headers
    # Others still go into the tunnel.
    if "dev bub0" not in t.m.ip("-6", "route", "get", SERVER, "from", HOME):
        raise Failure("no tunnel")

    def too_big(mtu, out_dst=PEER_CARE_OF):
        inner = rh2(PEER, 60) + hao(HOME, 17) + b"\0" * 1200
        quoted = ip6(care_of, out_dst, 43, inner + b"\0" * 200)[:1200]
        body = struct.pack("!I", mtu) + quoted
        packet = ip6(SERVER, care_of, 58, icmp6(SERVER, care_of, 2, 0, body))
        s = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
        s.sendto(packet, (care_of, 0))
        s.close()

    def mtu():
        get = t.m.ip("-6", "route", "get", PEER, "from", HOME)
        return int(re.search(r"mtu (\d+)", get).group(1))

    too_big(1400)
    wait_for("a lower MTU", lambda: mtu() == 1352)
    too_big(1500)  # never up
    too_big(600)  # no link has that
    too_big(1300, "2001:db8:66::1234")  # not ours
    wait_for("all of them", lambda: c.counters()["too-big-ignored"] == 2)
    if mtu() != 1352:
        raise Failure(f"MTU {mtu()}")
    too_big(1280)
    wait_for("the lowest MTU", lambda: mtu() == 1232)
    # What speaks of a path of ours is for the core to tell the sockets.
    told = [int(line.split()[-1][88:96], 16) for line in c.has("packet", "plain")]
    if told != [1400, 1500, 1280]:
        raise Failure(f"passed on: {told}")

    # The peer at home: one header less.  Not direct: back into the tunnel.
    c.send("path-set", HOME, PEER, "1", care_of, PEER, "::")
    c.sync()
    if mtu() != 1476:
        raise Failure(f"MTU {mtu()}")
    c.send("path-set", HOME, PEER, "0", "::", "::", PEER_CARE_OF)
    c.sync()
    if "dev bub0" not in t.m.ip("-6", "route", "get", PEER, "from", HOME):
        raise Failure("no tunnel")
    # A neighbour on the foreign link is reached directly.
    c.send("path-set", HOME, PEER, "1", care_of, "2001:db8:b::1234", "::")
    c.sync()
    get = t.m.ip("-6", "route", "get", PEER, "from", HOME)
    if "via 2001:db8:b::1234 dev e0" not in get:
        raise Failure(get)
    c.send("path-del", HOME, PEER)
    c.sync()
    if "dev bub0" not in t.m.ip("-6", "route", "get", PEER, "from", HOME):
        raise Failure("no tunnel")

    # The tunnel's own path.
    c.send("tunnel-set", HOME, care_of, AGENT)
    c.sync()
    seen = t.r.capture("br-b")
    c.send("send", "esp-tunnel", HOME, "-", ip6(HOME, SERVER, 59, b"\0" * 100).hex())
    c.sync()
    quoted = wait_for("an ESP packet", lambda: captured(seen, lambda p: p[6] == 50))
    packet = ip6(SERVER, care_of, 58,
                 icmp6(SERVER, care_of, 2, 0, struct.pack("!I", 1440) + quoted))
    s = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
    s.sendto(packet, (care_of, 0))
    s.close()
    # 1440 less outer header, SPI, sequence, IV and ICV leaves 1360: 85 blocks, two octets trailer.
    wait_for("a lower MTU of the tunnel",
             lambda: "mtu 1358" in t.m.ip("-6", "route", "get", SERVER, "from", HOME))
    c.quit()


def flows_are_told(t):
    """Data on a direct path passes bubd by; that there was some, and whether some came in, comes to
    the core all the same."""
    c = t.start()
    care_of = t.join(c, "b")
    idle, sends, fixed, mobile = (f"2001:db8:77::{i}" for i in range(1, 5))
    c.send("attach", HOME, "away", care_of, "e0")
    for peer in (idle, sends, fixed):
        c.send("path-set", HOME, peer, "1", care_of, peer, "::")
    c.send("path-set", HOME, mobile, "0", "::", "::", PEER_CARE_OF)
    c.sync()

    came = set()

    def told():
        lines = [x.split() for x in c.has("flow")]
        found = {words[2] for words in lines}
        came.update(words[2] for words in lines if words[3] == "came")
        c.lines = [x for x in c.lines if not x.startswith("flow")]
        return found

    # The first look comes at once, before there was any: from now on.
    told()
    s = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    t.socks.append(s)
    s.bind((HOME, 0))
    s.sendto(b"x", (sends, 9))
    out = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
    t.socks.append(out)
    udp = struct.pack("!HHHH", 9, 9, 8, 0)
    out.sendto(ip6(fixed, care_of, 43, rh2(HOME, 17) + udp), (care_of, 0))
    out.sendto(ip6(PEER_CARE_OF, care_of, 43, rh2(HOME, 60) + hao(mobile, 17) + udp), (care_of, 0))
    seen = set()
    wait_for("three of them", lambda: seen.update(told()) or len(seen) == 3, 30)
    if seen != {sends, fixed, mobile} or came != {fixed, mobile}:
        raise Failure(f"{seen}, came from {came}")
    # Use that is over is told no more, from the third look on; each look tells of the fourth.
    for _ in range(4):
        seen = told()
        s.sendto(b"x", (idle, 9))
        wait_for("the fourth", lambda: seen.update(told()) or idle in seen, 30)
    if seen != {idle}:
        raise Failure(f"use that is over is told: {seen}")
    c.quit()


def esp_both_ways(t, *options):
    """Ping through the tunnel, with the router as home agent."""
    t.r.ip("route", "add", "2001:db8:a::200/128", "dev", "lo")
    c = t.start(*options)
    agent = Ctl(t.binary, t.r, "-A", "-a", AGENT, "-l", "br-a", "-p", "2001:db8:a::/64", "-s",
                SECRET, "-c", HOME, *options)
    t.ctls.append(agent)
    if agent.first != "open":
        raise Failure(agent.first)
    care_of = t.join(c, "b")
    c.send("attach", HOME, "away", care_of, "e0")
    c.send("tunnel-set", HOME, care_of, AGENT)
    agent.send("tunnel-set", HOME, AGENT, care_of)
    agent.sync()
    if f"{HOME} dev bub0" not in t.r.ip("-6", "route"):
        raise Failure("no route at the home agent")

    # Transport mode: a mobility header with its home address option, as a Binding Update has.
    message = struct.pack("!BBBBHH", 59, 0, 5, 0, 0, 0)
    update = ip6(care_of, AGENT, 60, hao(HOME, 135) + message)
    c.send("send", "esp-transport", HOME, "-", update.hex())
    event = agent.event("packet", "esp-transport")
    if bytes.fromhex(event[-1])[6:] != update[6:] or event[3] != HOME:
        raise Failure(str(event))

    ping = t.m.popen("ping", "-6", "-c", "1", "-W", "30", "-I", HOME, SERVER, stdout=-3)
    packet = c.event("packet", "tun")
    c.send("send", "esp-tunnel", HOME, "-", packet[-1])
    way = "ip-tunnel" if "-u" in options else "esp-tunnel"
    event = agent.event("packet", way)
    if event[-1] != packet[-1] or event[4:6] != [care_of, AGENT]:
        raise Failure(str(event))
    if way == "esp-tunnel" and event[3] != HOME:
        raise Failure(str(event))
    agent.send("deliver", event[-1])
    packet = agent.event("packet", "tun")
    agent.send("send", "esp-tunnel", HOME, "-", packet[-1])
    event = c.event("packet", way)
    c.send("deliver", event[-1])
    if ping.wait(40) != 0:
        raise Failure("no answer")

    # Signalling is protected in any case.
    message = ip6(HOME, PEER, 135, struct.pack("!BBBBHH", 59, 1, 1, 0, 0, 0) + bytes(8))
    c.send("send", "esp-tunnel", HOME, "-", message.hex())
    if agent.event("packet", "esp-tunnel")[-1] != message.hex():
        raise Failure("another packet")
    # Nobody has answered with an ICMPv6 error.
    if c.has("packet", "plain") or agent.has("packet", "plain"):
        raise Failure(str(c.lines + agent.lines))
    agent.send("tunnel-del", HOME)
    agent.sync()
    if f"{HOME} dev bub0" in t.r.ip("-6", "route"):
        raise Failure("the route stays")
    agent.quit()
    c.quit()


def plain_tunnel_both_ways(t):
    esp_both_ways(t, "-u")


def fragments_of_the_kernel(t):
    """What the kernel cuts is put together here, and what is cut here by the kernel: inner packets
    of 1280 octets on a link that takes no more (RFC 2473, 7.1 (b))."""
    t.r.ip("link", "set", "port", "mtu", "1280")
    t.m.ip("link", "set", "e0", "mtu", "1280")
    c = t.start("-u")
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    t.b.advertise("2001:db8:b::")
    care_of = c.event("care-of-new")[1]
    c.send("attach", HOME, "away", care_of, "e0")
    c.send("tunnel-set", HOME, care_of, AGENT)
    c.sync()
    agent = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 41))
    t.socks.append(agent)
    agent.bind((AGENT, 0))
    agent.settimeout(LIMIT_S)
    for number in range(5):
        echo = struct.pack("!HH", 7, number) + bytes(i & 255 for i in range(1280 - 48))
        there = ip6(HOME, SERVER, 58, icmp6(HOME, SERVER, 128, 0, echo))
        c.send("send", "esp-tunnel", HOME, "-", there.hex())
        if agent.recv(2000) != there:
            raise Failure("another packet")
        back = ip6(SERVER, HOME, 58, icmp6(SERVER, HOME, 129, 0, echo))
        agent.sendto(back, (care_of, 0))
        event = c.event("packet", "ip-tunnel")
        if event[3:] != [HOME, AGENT, care_of, back.hex()]:
            raise Failure(str(event))
    counters = c.counters()
    if counters["sent-in-fragments"] != 5 or counters["from-fragments"] != 5:
        raise Failure(str(counters))
    c.quit()


def no_trace(t):
    t.plug("a")
    t.a.advertise("2001:db8:a::")
    wait_for("an address", lambda: "2001:db8:a:" in t.m.ip("-6", "addr", "show", "-tentative"))
    before = t.m.state()
    c = t.start()
    care_of = c.event("care-of-new")[1]
    c.send("attach", HOME, "away", care_of, "e0")
    c.send("tunnel-set", HOME, care_of, AGENT)
    c.send("path-set", HOME, PEER, "1", care_of, PEER_CARE_OF, "::")
    c.send("attach", HOME, "home", "::", "e0")
    c.send("path-set", HOME, SERVER, "1", HOME, PEER_CARE_OF, "::")
    c.sync()
    if PEER not in t.m.ip("-6", "route"):
        raise Failure("no route to the peer")
    c.quit()
    wait_for("bub0 to go", lambda: "bub0" not in t.m.ip("link"))
    after = t.m.state()
    if after != before:
        raise Failure(f"more: {set(after) - set(before)}, less: {set(before) - set(after)}")
    if "clsact" in t.m.exec("tc", "qdisc"):
        raise Failure("a qdisc stays")


def path_over_plain_routes(t):
    """At home the system's own routes say where the peer's care-of address is, and how much fits."""
    c = t.start()
    t.join(c, "a")
    c.send("attach", HOME, "home", "::", "e0")
    t.m.ip("-6", "route", "add", "2001:db8:66::/64", "via", "2001:db8:a::6", "dev", "e0", "mtu", "1400")
    t.m.ip("-6", "route", "add", "unreachable", "2001:db8:67::/64")

    def route():
        c.sync()
        return t.m.ip("-6", "route", "show", PEER, *MARK)

    def path(care_of):
        c.send("path-set", HOME, PEER, "1", HOME, care_of, "::")
        return route()

    for care_of, expected in (
        (PEER_CARE_OF, ("via 2001:db8:a::6 dev e0", "mtu 1376")),  # less the type 2 routing header
        (SERVER, (f"via {t.a.addr} dev e0", "mtu 1476")),
        ("2001:db8:67::1", ()),
        ("2001:db8:a::1234", ("via 2001:db8:a::1234 dev e0", "mtu 1476")),  # a neighbour
        (HOME, ()),  # this node itself
        (PEER_CARE_OF, ("via 2001:db8:a::6 dev e0", "mtu 1376")),
    ):
        told = path(care_of)
        if bool(told) != bool(expected) or any(x not in told for x in expected):
            raise Failure(f"to {care_of}: {told}")
    # Many at once, each with an answer of its own; the last questions are of paths that go again.
    peers = [f"2001:db8:77::1:{i:x}" for i in range(60)]
    for i, peer in enumerate(peers):
        c.send("path-set", HOME, peer, "1", HOME, (PEER_CARE_OF, SERVER)[i % 2], "::")
    for peer in peers[50:]:
        c.send("path-del", HOME, peer)

    def ways():
        c.sync()
        lines = t.m.ip("-6", "route", "show", *MARK).splitlines()
        return [x.split()[2] for x in lines if x.startswith("2001:db8:77::1:")]

    wait_for("50 routes", lambda: len(ways()) == 50)
    if ways().count("2001:db8:a::6") != 25:
        raise Failure(str(ways()))
    c.quit()


def connections_see_a_path_at_home(t):
    """A connection from before the path learns its MTU: the headers have to fit."""
    c = t.start()
    t.join(c, "a")
    c.send("attach", HOME, "home", "::", "e0")
    c.sync()
    s = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    t.socks.append(s)
    s.connect((PEER, 9))

    def mtu():
        s.send(b"x")
        return s.getsockopt(socket.IPPROTO_IPV6, 24)  # IPV6_MTU

    if mtu() != 1500:
        raise Failure(f"at first {mtu()}")
    c.send("path-set", HOME, PEER, "1", HOME, PEER_CARE_OF, "::")
    c.sync()
    if mtu() != 1500 - 24:
        raise Failure(f"with a type 2 routing header {mtu()}")
    c.send("path-del", HOME, PEER)
    c.sync()
    if mtu() != 1500:
        raise Failure(f"afterwards {mtu()}")
    c.quit()


def start_after_crash(t):
    t.plug("a")
    t.a.advertise("2001:db8:a::")
    wait_for("an address", lambda: "2001:db8:a:" in t.m.ip("-6", "addr", "show", "-tentative"))
    before = t.m.state()
    c = t.start()
    care_of = c.event("care-of-new")[1]
    c.send("attach", HOME, "home", "::", "e0")
    c.send("path-set", HOME, PEER, "1", HOME, PEER_CARE_OF, "::")
    c.sync()
    c.close()
    if "lookup 2" not in t.m.ip("-6", "rule"):
        raise Failure("nothing was left: the test tests nothing")
    wait_for("bub0 to go", lambda: "bub0" not in t.m.ip("link"))
    c = t.start()
    if c.event("care-of-new")[1] != care_of:
        raise Failure("another address")
    if PEER in t.m.ip("-6", "route", "show", "table", "all"):
        raise Failure("the old route stays")
    c.quit()
    wait_for("bub0 to go", lambda: "bub0" not in t.m.ip("link"))
    after = t.m.state()
    if after != before:
        raise Failure(f"more: {set(after) - set(before)}, less: {set(before) - set(after)}")
    if "clsact" in t.m.exec("tc", "qdisc"):
        raise Failure("the qdisc stays")


def ipv6_switched_off(t):
    t.m.sysctl("conf.all.disable_ipv6", 1)
    c = t.start()
    c.sync()
    if not c.has("log", "1", "IPv6 is switched off: set net.ipv6.conf.all.disable_ipv6=0"):
        raise Failure(str(c.lines))
    c.quit()


def bad_starts(t):
    def error(*options):
        c = Ctl(t.binary, t.m, *options)
        t.ctls.append(c)
        if not c.first.startswith("error"):
            raise Failure(f"{options}: {c.first}")
        return c.first

    if "set net.ipv6.conf.all.forwarding=1" not in error("-A", "-a", AGENT):
        raise Failure("forwarding")
    before = t.m.state()
    c = t.start()
    if "is another bubd running?" not in error("-i", "e0"):
        raise Failure("a second one")
    if "lookup" not in t.m.ip("-6", "rule", "show", "prio", "1002"):
        raise Failure("the second one took the first one's rules away")
    c.quit()
    wait_for("bub0 to go", lambda: "bub0" not in t.m.ip("link"))
    if t.m.state() != before:
        raise Failure(str(t.m.state()))


CASES = [usable_after_dad, lifetime_is_told, optimistic_address, optimistic_address_is_taken,
         optimistic_only_where_wanted, link_down_and_back, address_goes, address_is_deprecated,
         home_at_once, moved_without_carrier_loss, two_routers, static_configuration,
         starts_while_others_come_and_go, tunnel_mtu, notifications_lost, known_at_start,
         connection_survives, sent_by_care_of, path_routes, path_over_plain_routes, flows_are_told,
         connections_see_a_path_at_home, esp_both_ways, plain_tunnel_both_ways,
         fragments_of_the_kernel, no_trace, start_after_crash, ipv6_switched_off, bad_starts]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
