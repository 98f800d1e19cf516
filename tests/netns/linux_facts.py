#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel tells of interfaces, and who else might: the mobile node of linux_mn.py."""

import fcntl
import os
import re
import socket
import struct
import sys

from linux_common import Ctl, Failure, addr, icmp6, ip6, main, wait_for
from linux_mn import AGENT, HOME, PEER, PEER_CARE_OF, SECRET, SERVER, Things

WAITS_FOR_LATE0 = "log", "1", "the interface late0 does not exist (yet): bubd waits for it"


def late0_comes(t):
    """It comes, on link b, where a router speaks."""
    t.r.ip("link", "add", "port2", "type", "veth", "peer", "name", "late0", "netns", t.m.name)
    t.r.ip("link", "set", "port2", "master", "br-b", "up")
    t.m.ip("link", "set", "late0", "mtu", "1400", "up")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "late0"))
    t.b.advertise("2001:db8:b::")


def only_interface_comes_late(t):
    """As at boot: it is waited for, which is said once."""
    c = Ctl(t.binary, t.m, "-i", "late0", "-m", f"{HOME}/64", "-a", AGENT, "-s", SECRET)
    t.ctls.append(c)
    if c.first != "open" or len(c.has(*WAITS_FOR_LATE0)) != 1:
        raise Failure(str(c.lines))
    late0_comes(t)
    care_of = c.event("care-of-new")
    if care_of[2] != str(t.m.ifindex("late0")) or len(c.has(*WAITS_FOR_LATE0)) != 1:
        raise Failure(f"{care_of}; {c.lines}")
    t.r.ip("link", "del", "port2")
    c.event("link-down")
    late0_comes(t)  # and again, as another one of that name
    c.event("care-of-new")
    c.quit()


def late_interface(t):
    """An interface that comes after the start is used like the others."""
    c = t.start("-i", "late0")
    if not c.has(*WAITS_FOR_LATE0):
        raise Failure(str(c.lines))
    late0_comes(t)
    event = c.event("care-of-new")
    # Its preference, 1, comes before what else counts (src/link/choice.c).
    if event[2] != str(t.m.ifindex("late0")) or int(event[3]) // 16 != 1:
        raise Failure(str(event))
    c.send("attach", HOME, "away", event[1], "late0")
    c.send("tunnel-set", HOME, event[1], AGENT)
    c.send("path-set", HOME, PEER, "1", event[1], PEER_CARE_OF, "::")
    c.sync()

    def mtu(of):
        get = t.m.ip("-6", "route", "get", of, "from", HOME)
        return int(re.search(r"mtu (\d+)", get).group(1))

    if (mtu(SERVER), mtu(PEER)) != (1310, 1352):
        raise Failure(f"MTU {mtu(SERVER)}, {mtu(PEER)}")
    t.m.ip("link", "set", "late0", "mtu", "1500")
    wait_for("another MTU", lambda: (mtu(SERVER), mtu(PEER)) == (1406, 1452))
    # The router names a smaller one (RFC 4861, 4.6.4).
    t.b.advertise("2001:db8:b::", mtu=1450)
    wait_for("the router's MTU", lambda: (mtu(SERVER), mtu(PEER)) == (1358, 1402))
    t.r.ip("link", "del", "port2")
    c.event("link-down")
    c.quit()


def others_are_no_kernel(t):
    """Who may configure the network can send to any netlink socket; only the kernel is believed."""
    c = t.start()
    t.plug("b")
    t.b.advertise("2001:db8:b::")
    c.event("care-of-new")
    # RTM_DELLINK of e0, to the monitor and to the sockets of requests.
    body = struct.pack("=BxHiII", 0, 1, t.m.ifindex("e0"), 0, 0)
    message = struct.pack("=IHHII", 16 + len(body), 17, 0, 0, 0) + body
    rows = [x.split() for x in t.m.exec("cat", "/proc/net/netlink").splitlines()[1:]]
    ports = [int(x[2]) for x in rows if x[1] == "0" and x[2] != "0"]
    with t.m.inside(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)) as s:
        for port in ports:
            s.sendto(message, (port, 0))
    wait_for("a count of one", lambda: c.counters()["netlink-foreign"] >= 1)
    t.m.ip("addr", "add", "2001:db8:b::88/64", "dev", "e0", "nodad")
    c.event("care-of-new", "2001:db8:b::88")
    if c.counters()["netlink-foreign"] < 2:
        raise Failure(f"the sockets of requests have believed it: {ports}")
    if c.has("link-down") or c.has("care-of-gone"):
        raise Failure(str(c.lines))
    c.quit()


class Tap:
    """An interface whose other end, and whose carrier, is this test."""

    SETIFF, SETCARRIER = 0x400454CA, 0x400454E2
    TAP, NO_PI = 2, 0x1000
    MAC = bytes([2, 0, 0, 0, 0, 0])

    def __init__(self, ns, name):
        def make():
            fd = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(fd, self.SETIFF, struct.pack("16sH22x", name.encode(), self.TAP | self.NO_PI))
            return fd

        self.fd = ns.inside(make)
        ns.ip("link", "set", name, "up")
        ns.link_local(name)

    def carrier(self, on):
        fcntl.ioctl(self.fd, self.SETCARRIER, struct.pack("i", on))

    def advertise(self, router, prefix):
        """A router on the other end announces itself once, and answers nothing."""
        mac = self.MAC[:5] + bytes([router])
        source, nodes = f"fe80::{router}", "ff02::1"
        body = struct.pack("!BBHII", 64, 0, 1800, 0, 0) + struct.pack("!BB", 1, 1) + mac
        body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + addr(prefix)
        packet = ip6(source, nodes, 58, icmp6(source, nodes, 134, 0, body), hops=255)
        os.write(self.fd, bytes.fromhex("333300000001") + mac + b"\x86\xdd" + packet)

    def close(self):
        os.close(self.fd)


def carrier_in_time(t):
    """The kernel tells of a carrier up to a second late, and not at all of a loss that is shorter.
    A router that is heard meanwhile is one of the new link: it announces itself once only."""
    tap = Tap(t.m, "tap0")
    t.socks.append(tap)
    c = t.start("-i", "tap0")
    tap.advertise(1, "2001:db8:b::")
    first = c.event("care-of-new")[1]
    for number, link in ((2, "c"), (3, "d"), (4, "e")):
        tap.carrier(False)
        tap.carrier(True)
        tap.advertise(number, f"2001:db8:{link}::")
        c.event("link-down")
        care_of = c.event("care-of-new")[1]
        if not care_of.startswith(f"2001:db8:{link}:"):
            raise Failure(f"{care_of} after {first}; {c.lines}")
    # The same where the loss was told, and the return is not yet.
    tap.carrier(False)
    c.event("link-down")
    tap.carrier(True)
    tap.advertise(5, "2001:db8:f::")
    care_of = c.event("care-of-new")[1]
    if not care_of.startswith("2001:db8:f:") or c.has("link-down") or c.has("care-of-new"):
        raise Failure(f"{care_of}; {c.lines}")
    c.quit()


def deaf_to_routers(t):
    """Where the kernel forwards it takes no router advertisements: told at the start, and when it
    changes, once each."""
    line = ("log", "1", "e0 forwards, so the kernel is deaf to router advertisements there: set "
            "net.ipv6.conf.e0.accept_ra=2, or there is no care-of address by them")
    t.m.sysctl("conf.e0.forwarding", 1)
    c = t.start()
    c.sync()
    t.plug("b")
    wait_for("a carrier", lambda: "LOWER_UP" in t.m.ip("link", "show", "e0"))
    wait_for("the interface", lambda: c.has("log", "2", "e0 has a link"))
    if len(c.has(*line)) != 1:
        raise Failure(f"at the start: {c.lines}")
    t.m.sysctl("conf.e0.accept_ra", 2)
    t.b.advertise("2001:db8:b::")
    c.event("care-of-new")
    t.m.sysctl("conf.e0.forwarding", 0)
    t.m.sysctl("conf.e0.accept_ra", 1)
    t.m.ip("link", "set", "e0", "mtu", "1400")
    t.m.sysctl("conf.all.forwarding", 1)
    wait_for("a second line", lambda: len(c.has(*line)) == 2)
    c.quit()


CASES = [late_interface, only_interface_comes_late, others_are_no_kernel, deaf_to_routers,
         carrier_in_time]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
