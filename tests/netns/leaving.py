#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mobile node that the home agent has no binding of registers from away: its data goes both ways
while the home link is probed, and all of that is undone where somebody else has the address
(docs/protocol.md, 9.4).  Two daemons, real packets, a home link, a correspondent.

        host h                    home agent g --- access 2001:db8:b::/64 --- e0 mobile node m
          e0 --- home link --- e1            \\--- 2001:db8:c::/64 --------- e0 correspondent c
          2001:db8:1::50          2001:db8:1::1                    2001:db8:1::10
"""

import socket
import sys
import threading
import time

from daemon import Daemon
from linux_common import Failure, Namespace, Router, main, wait_for

AGENT, HOST, HOME, LINK = "2001:db8:1::1", "2001:db8:1::50", "2001:db8:1::10", "2001:db8:b::"
PEER = "2001:db8:c::2"
PORT = 9000
EVERY_S = 0.005


class Flow:
    """Datagrams from one place to another, and when the first of them arrived."""

    def __init__(self, source, src, sink, dst):
        self.first, self.over = None, False
        self.out = source.inside(lambda: self.bound(src, 0))
        self.into = sink.inside(lambda: self.bound(dst, PORT))
        self.to = (dst, PORT)
        self.threads = [threading.Thread(target=x) for x in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def bound(address, port):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.settimeout(0.1)
        s.bind((address, port))
        return s

    def send(self):
        while not self.over:
            try:
                self.out.sendto(b"data", self.to)
            except OSError:
                pass  # there is no way yet
            time.sleep(EVERY_S)

    def receive(self):
        while not self.over and self.first is None:
            try:
                self.into.recv(64)
            except OSError:
                continue
            self.first = time.monotonic()

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.out.close()
        self.into.close()


class Things:
    def __init__(self, bubd):
        self.h, self.g, self.m, self.c = (Namespace(name) for name in "hgmc")
        h, g, m, c = self.h, self.g, self.m, self.c
        g.sysctl("conf.all.forwarding", 1)
        for dev, other in (("e0", m), ("e1", h), ("e2", c)):
            g.ip("link", "add", dev, "type", "veth", "peer", "name", "e0", "netns", other.name)
            g.ip("link", "set", dev, "up")
        m.sysctl("conf.e0.router_solicitation_delay", 0)
        for ns in (h, m, c):
            ns.ip("link", "set", "e0", "up")
        for ns, dev, address in ((g, "e0", "2001:db8:b::1"), (g, "e1", AGENT), (h, "e0", HOST),
                                 (g, "e2", "2001:db8:c::1"), (c, "e0", PEER)):
            ns.ip("addr", "add", f"{address}/64", "dev", dev, "nodad")
        h.ip("route", "add", "default", "via", AGENT)
        c.ip("route", "add", "default", "via", "2001:db8:c::1")
        for ns, dev in ((m, "e0"), (h, "e0"), (c, "e0"), (g, "e1"), (g, "e2")):
            ns.link_local(dev)
        self.router = Router(g, "e0")
        self.flows = []
        self.agent = Daemon(
            bubd, g, f'home-agent {{\naddress = "{AGENT}"\nhome-link = "e1"\n'
            f'prefixes = {{"2001:db8:1::/64"}}\nmobile-node "{HOME}" {{ secret-file = "secret" }}\n'
            '}\n', ("e0", "e1", "e2"))
        self.mobile = Daemon(
            bubd, m, f'route-optimisation = never\nmobile-node {{\nhome-address = "{HOME}/64"\n'
            f'home-agent = "{AGENT}"\nsecret-file = "secret"\n}}\n')
        try:
            wait_for("bubd",
                     lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())
        except Failure as e:
            raise Failure(f"{e}: {self.mobile.tail()} {self.agent.tail()}") from e

    def flow(self, *ends):
        self.flows.append(Flow(*ends))
        return self.flows[-1]

    def state(self):
        return self.mobile.show()["homes"][0]["state"]

    def client(self):
        return self.agent.show()["clients"][0]

    def close(self):
        for x in (*self.flows, self.agent, self.mobile):
            x.close()
        self.router.sock.close()
        for ns in (self.h, self.g, self.m, self.c):
            ns.close()


def data_does_not_wait(t):
    """The acknowledgement takes the second that the probe takes, and data does not."""
    there = t.flow(t.c, PEER, t.m, HOME)
    back = t.flow(t.m, HOME, t.c, PEER)
    t.router.advertise(LINK)
    wait_for("a tunnel ahead of the registration", lambda: t.client()["provisional"])
    wait_for("the registration", lambda: t.state() == "registered")
    registered = time.monotonic()
    wait_for("data both ways", lambda: there.first and back.first)
    print(f"# {registered - there.first:.2f} s and {registered - back.first:.2f} s before the "
          "registration", flush=True)
    if max(there.first, back.first) > registered:
        raise Failure("data waited for the registration")
    wait_for("the proxy entry", lambda: HOME in t.g.ip("-6", "neigh", "show", "proxy"))
    if t.client()["provisional"] or not t.client()["registered"]:
        raise Failure(str(t.client()))


def undone_where_somebody_has_it(t):
    """Another host of the home link has the address, and keeps it."""
    t.h.ip("addr", "add", f"{HOME}/64", "dev", "e0", "nodad")
    reaches = ("ping", "-6", "-n", "-c", "1", "-W", "1", HOME)
    wait_for("the owner", lambda: "1 received" in t.c.exec(*reaches, check=False))
    before = t.g.ip("-6", "route")
    t.router.advertise(LINK)
    wait_for("the refusal", lambda: "duplicate" in t.mobile.show()["homes"][0]["why"].lower())
    client = t.client()
    if client["registered"] or client["provisional"] or client["care_of"] is not None:
        raise Failure(str(client))
    wait_for("the routes as they were", lambda: t.g.ip("-6", "route") == before)
    if HOME in t.g.ip("-6", "neigh", "show", "proxy"):
        raise Failure("a proxy entry is left")
    wait_for("the owner again", lambda: "1 received" in t.c.exec(*reaches, check=False))
    if f"{HOME} is in use on the home link" not in t.agent.tail():
        raise Failure(f"the operator is not told: {t.agent.tail()}")
    # The owner has gone: the next attempt asks first, and is accepted.
    t.h.ip("addr", "del", f"{HOME}/64", "dev", "e0")
    t.mobile.ask("refresh")
    wait_for("the registration", lambda: t.state() == "registered")


CASES = [data_does_not_wait, undone_where_somebody_has_it]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
