# SPDX-License-Identifier: BSD-2-Clause
"""What tests of whole daemons set up: namespaces joined by links, a home agent and a mobile node in
them, and an end of all of it."""

import os
import socket
import threading

from daemon import Daemon
from linux_common import Failure, Namespace, Router, wait_for

AGENT, HOME = "2001:db8:1::1", "2001:db8:1::10"
HOME_PREFIX, VISITED = "2001:db8:1::/64", "2001:db8:b::"
TCP_LIMIT_S = 30


class World:
    """Namespaces, daemons and sockets that are closed together."""

    def __init__(self, bubd, names):
        self.bubd = bubd
        self.namespaces = [Namespace(name) for name in names]
        self.daemons, self.socks = [], []
        self.agent = self.mobile = self.router = None

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        for s in self.socks:
            s.close()
        for ns in self.namespaces:
            ns.close()

    def join(self, one, dev, other, mtu=1500):
        """From @dev of @one to e0 of @other, up; who is there asks for routers at once."""
        one.ip("link", "add", dev, "type", "veth", "peer", "name", "e0", "netns", other.name)
        other.sysctl("conf.e0.router_solicitation_delay", 0)
        for ns, end in ((one, dev), (other, "e0")):
            ns.ip("link", "set", end, "mtu", str(mtu), "up")

    def daemon(self, ns, text, interfaces=("e0",)):
        self.daemons.append(Daemon(self.bubd, ns, text, interfaces))
        return self.daemons[-1]

    def visited_by(self, ns, dev, mobile):
        """The link on @dev of @ns, with a router that speaks when told to, is where @mobile will be."""
        self.router = Router(ns, dev)
        self.socks.append(self.router.sock)
        mobile.link_local("e0")

    def start_agent(self, ns, top="", inside="", interfaces=("e0",)):
        """@top, @inside  more lines, of the file and of the section"""
        self.agent = self.daemon(
            ns, f'{top}home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{HOME_PREFIX}"}}\n{inside}'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n', interfaces)

    def start_mobile(self, ns, top="", inside=""):
        self.mobile = self.daemon(
            ns, f'{top}mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n{inside}'
            f'secret-file = "secret"\n}}\n')

    def register(self):
        """All daemons answer, the mobile node comes to the visited link and has registered."""
        try:
            wait_for("bubd", lambda: all(daemon.show() for daemon in self.daemons))
            self.router.advertise(VISITED)
            wait_for("a registration",
                     lambda: self.mobile.show()["homes"][0]["state"] == "registered")
        except Failure as e:
            logs = " ".join(daemon.tail() for daemon in self.daemons)
            raise Failure(f"{e}: {logs}") from e

    def transfer_both_ways(self, mobile, ns, address, amount):
        """A TCP connection from the home address to @address, with @amount octets each way."""
        server = ns.inside(lambda: socket.create_server((address, 0), family=socket.AF_INET6))
        here = mobile.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
        self.socks += [server, here]
        here.settimeout(TCP_LIMIT_S)
        here.bind((HOME, 0))
        here.connect(server.getsockname()[:2])
        there, _ = server.accept()
        there.settimeout(TCP_LIMIT_S)
        self.socks.append(there)
        transfer(here, there, amount)
        transfer(there, here, amount)


def transfer(source, target, amount):
    """@amount octets from one end of a connection to the other."""
    data = os.urandom(amount)
    sender = threading.Thread(target=source.sendall, args=(data,))
    sender.start()
    heard = b""
    while len(heard) < amount:
        part = target.recv(1 << 16)
        if not part:
            break
        heard += part
    sender.join()
    if heard != data:
        raise Failure("other octets")


class Correspondence(World):
    """
        mobile node m       home agent and router g       correspondent c
          e0 ------------------- e0   e1 ------------------- e0
          2001:db8:b::/64        lo: 2001:db8:1::1           2001:db8:c::5/64
    """

    PEER = "2001:db8:c::5"

    def __init__(self, bubd):
        super().__init__(bubd, "gmc")
        self.g, self.m, self.c = g, m, c = self.namespaces
        self.peer = None
        g.sysctl("conf.all.forwarding", 1)
        g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")
        self.join(g, "e0", m)
        self.join(g, "e1", c)
        g.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        g.ip("addr", "add", "2001:db8:c::1/64", "dev", "e1", "nodad")
        c.ip("addr", "add", f"{self.PEER}/64", "dev", "e0", "nodad")
        c.ip("route", "add", "default", "via", "2001:db8:c::1")
        self.visited_by(g, "e0", m)

    def start(self):
        self.start_agent(self.g, interfaces=("e0", "e1"))
        self.peer = self.daemon(self.c, "")
        self.start_mobile(self.m)
        self.register()


class Tunnel(World):
    """
        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64              2001:db8:d::/64

    Data goes through the tunnel only.
    """

    def __init__(self, bubd, more="", mtu=1500):
        """@more  names of namespaces beside the three; @mtu  of the visited link"""
        super().__init__(bubd, "mrg" + more)
        self.m, self.r, self.g = m, r, g = self.namespaces[:3]
        for ns in (r, g):
            ns.sysctl("conf.all.forwarding", 1)
        self.join(r, "e0", m, mtu)
        self.join(r, "e1", g)
        r.ip("addr", "add", "2001:db8:b::1/64", "dev", "e0", "nodad")
        r.ip("addr", "add", "2001:db8:d::1/64", "dev", "e1", "nodad")
        g.ip("addr", "add", "2001:db8:d::2/64", "dev", "e0", "nodad")
        r.ip("route", "add", HOME_PREFIX, "via", "2001:db8:d::2")
        g.ip("route", "add", "default", "via", "2001:db8:d::1")
        self.visited_by(r, "e0", m)

    def start(self, protect, agent="", top=""):
        """@protect  data has ESP; @agent  more lines of the home agent's section; @top  of both
        daemons' settings"""
        extra = "" if protect else "protect-payload = false\n"
        only = "route-optimisation = never\n" + top
        self.start_agent(self.g, only, extra + agent)
        self.start_mobile(self.m, only, extra)
        self.register()
