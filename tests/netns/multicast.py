#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Multicast through the tunnel: two daemons, the kernels' own listeners, real packets (RFC 6275,
10.4.2, 10.4.3 and 11.3.4).

        host s              home agent g             mobile node m
          e0 ---- home link ---- h0
        2001:db8:1::9       2001:db8:1::1
                                 e0 ------------------- e0     access link 2001:db8:b::/64
"""

import socket
import struct
import sys

import linux_common as common
from daemon import Daemon
from linux_common import Failure, Namespace, Router, main, wait_for

HOST, AGENT, HOME = "2001:db8:1::9", "2001:db8:1::1", "2001:db8:1::10"
GROUP, OTHER = "ff1e::1234", "ff1e::5"
PORT = 5000
MLD_REPORT_2 = 143
ETH_P_ALL = 3


class Things:
    def __init__(self, bubd):
        self.bubd, self.daemons = bubd, []
        self.s, self.g, self.m = Namespace("s"), Namespace("g"), Namespace("m")
        s, g, m = self.s, self.g, self.m
        g.sysctl("conf.all.forwarding", 1)
        g.ip("link", "add", "h0", "type", "veth", "peer", "name", "e0", "netns", s.name)
        g.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", m.name)
        m.sysctl("conf.e0.router_solicitation_delay", 0)
        for ns, dev in ((s, "e0"), (g, "h0"), (g, "e0"), (m, "e0")):
            ns.ip("link", "set", dev, "up")
        s.ip("addr", "add", f"{HOST}/64", "dev", "e0", "nodad")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "h0", "nodad")
        g.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        self.router = Router(g, "e0")
        for ns, dev in ((s, "e0"), (g, "h0"), (m, "e0")):
            ns.link_local(dev)
        self.link = s.capture("e0")
        self.access = m.inside(lambda: capture_all("e0"))

    def start(self, protect):
        both = f"multicast = true\nprotect-payload = {protect}\n"
        self.agent = Daemon(self.bubd, self.g, (
            f'home-agent {{\naddress = "{AGENT}"\nhome-link = "h0"\ndad = never\n{both}'
            'prefixes = {"2001:db8:1::/64"}\n'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n'))
        self.daemons.append(self.agent)
        self.mobile = Daemon(self.bubd, self.m, (
            f'mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n{both}'
            'secret-file = "secret"\n}\n'))
        self.daemons.append(self.mobile)
        wait_for("bubd", lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())

    def close(self):
        for d in self.daemons:
            d.close()
        for sock in (self.router.sock, self.link, self.access):
            sock.close()
        for ns in (self.s, self.g, self.m):
            ns.close()

    def leave_home(self):
        self.router.advertise("2001:db8:b::")
        wait_for("the registration",
                 lambda: self.mobile.show()["homes"][0]["state"] == "registered")

    def wait(self, what, condition):
        try:
            return wait_for(what, condition)
        except Failure as e:
            raise Failure(f"{e}; {self.agent.show()}; {self.mobile.show()}; "
                          f"{self.agent.tail()}; {self.mobile.tail()}") from e

    def groups(self):
        return {(m["group"], m["home"]) for m in self.agent.show()["memberships"]}

    def reported(self, group, record):
        """The home agent's kernel tells the home link's routers of it."""
        def match(p):
            return (p[6] == 0 and p[48] == MLD_REPORT_2
                    and bytes([record, 0, 0, 0]) + common.addr(group) in p)

        self.wait(f"record {record} of {group}",
                  lambda: common.captured(self.link, match) is not None)


def capture_all(dev):
    """Also what bub takes off the link before other sockets see it."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    sock.bind((dev, ETH_P_ALL))
    sock.setblocking(False)
    return sock


def receiver(ns, dev, group):
    def make():
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        sock.bind((group, PORT))
        request = common.addr(group) + struct.pack("=I", socket.if_nametoindex(dev))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        sock.setblocking(False)
        return sock

    return ns.inside(make)


def received(sock):
    """(payload, source, hop limit), or None."""
    try:
        data, control, _, source = sock.recvmsg(2000, 100)
    except BlockingIOError:
        return None
    hops = [struct.unpack("=i", c[:4])[0] for _, kind, c in control
            if kind == socket.IPV6_HOPLIMIT]
    return data, source[0], hops[0]


def sender(ns, dev, source):
    def make():
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(dev))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 9)
        return sock

    return ns.inside(make)


def tunnelled(sock, length):
    """How many packets of the home agent's tunnel with that many octets wait."""
    found = []
    common.captured(sock, lambda p: (
        len(p) == length and p[6] in (50, 41) and common.text_of(p[8:24]) == AGENT
        and found.append(p)))
    return len(found)


def receives(t, protect):
    t.start(protect)
    with receiver(t.m, "bub0", GROUP) as early:  # before the home agent has asked
        t.leave_home()
        t.wait("a membership", lambda: t.groups() == {(GROUP, HOME)})
        t.reported(GROUP, 4)
        with receiver(t.m, "bub0", OTHER) as later, sender(t.s, "e0", HOST) as out:
            t.wait("the second one", lambda: (OTHER, HOME) in t.groups())
            for i in range(3):
                out.sendto(b"%d" % i, (GROUP, PORT))
                got = t.wait("a packet", lambda: received(early))
                if got != (b"%d" % i, HOST, 8):
                    raise Failure(f"received: {got}")
            # Larger than the tunnel, as a group's packet may be: it comes in outer fragments.
            out.sendto(bytes(1452), (GROUP, PORT))
            got = t.wait("a large packet", lambda: received(early))
            if got != (bytes(1452), HOST, 8):
                raise Failure(f"received: {len(got[0])} octets")
            early.close()
            t.wait("the end of the first one", lambda: t.groups() == {(OTHER, HOME)})
            t.reported(GROUP, 3)
            # What nobody listens to does not get into the tunnel.
            tunnelled(t.access, 0)
            out.sendto(b"left", (GROUP, PORT))
            out.sendto(b"none", ("ff1e::6", PORT))
            out.sendto(b"link", ("ff02::5", PORT))
            out.sendto(b"site", ("ff05::5", PORT))
            out.sendto(b"last", (OTHER, PORT))
            if t.wait("a packet", lambda: received(later)) != (b"last", HOST, 8):
                raise Failure("another packet")
            # UDP with four octets; a query would be longer.
            n = tunnelled(t.access, 144 if protect == "true" else 92)
            if n != 1:
                raise Failure(f"{n} of them are in the tunnel")
    t.wait("no membership", lambda: t.groups() == set())
    t.mobile.stop()
    t.agent.stop()


def sends(t, protect):
    """From the home address onto the home link."""
    t.start(protect)
    t.leave_home()
    with receiver(t.s, "e0", GROUP) as there, sender(t.m, "bub0", HOME) as out:
        out.sendto(b"from afar", (GROUP, PORT))
        got = t.wait("a packet", lambda: received(there))
        if got != (b"from afar", HOME, 8):
            raise Failure(f"received: {got}")


def receives_in_esp(t):
    receives(t, "true")


def receives_without_esp(t):
    receives(t, "false")


def sends_in_esp(t):
    sends(t, "true")


def sends_without_esp(t):
    sends(t, "false")


CASES = [receives_in_esp, receives_without_esp, sends_in_esp, sends_without_esp]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
