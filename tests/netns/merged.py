#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP through a tunnel without ESP where the kernel merges segments on receipt (GRO), inside the
tunnel as well: what comes out of it are the segments that went in.  Two daemons, real packets.

        mobile node m          router r          home agent g        host h
          e0 ------------- e0   e1 ------------- e0   e1 ------------ e0
          2001:db8:b::/64        2001:db8:d::/64      2001:db8:1::/64

Cards look at packets in batches; a veth does so with gro_flush_timeout.
"""

import socket
import sys

from daemon import Daemon
from linux_common import Failure, Namespace, Router, main, wait_for
from small_path import transfer

AGENT, HOST, HOME = "2001:db8:1::1", "2001:db8:1::50", "2001:db8:1::10"
OFFLOADS = ("tso", "off", "gso", "off", "gro", "off")


class Things:
    def __init__(self, bubd):
        self.m, self.r, self.g, self.h = (Namespace(name) for name in "mrgh")
        self.socks, self.daemons = [], []
        m, r, g, h = self.m, self.r, self.g, self.h
        for ns in (r, g):
            ns.sysctl("conf.all.forwarding", 1)
        r.ip("link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", m.name)
        r.ip("link", "add", "e1", "type", "veth", "peer", "name", "e0", "netns", g.name)
        g.ip("link", "add", "e1", "type", "veth", "peer", "name", "e0", "netns", h.name)
        m.sysctl("conf.e0.router_solicitation_delay", 0)
        for ns, dev in ((r, "e0"), (m, "e0"), (r, "e1"), (g, "e0"), (g, "e1"), (h, "e0")):
            ns.ip("link", "set", dev, "up")
            ns.exec("ethtool", "-K", dev, *OFFLOADS)
        g.exec("ethtool", "-K", "e0", "gro", "on")
        g.exec("sh", "-c", "echo 2000000 >/sys/class/net/e0/gro_flush_timeout;"
               "echo 3 >/sys/class/net/e0/napi_defer_hard_irqs")
        for ns, dev, address in ((r, "e0", "2001:db8:b::1"), (r, "e1", "2001:db8:d::1"),
                                 (g, "e0", "2001:db8:d::2"), (g, "e1", AGENT), (h, "e0", HOST)):
            ns.ip("addr", "add", f"{address}/64", "dev", dev, "nodad")
        r.ip("route", "add", "2001:db8:1::/64", "via", "2001:db8:d::2")
        g.ip("route", "add", "default", "via", "2001:db8:d::1")
        h.ip("route", "add", "default", "via", AGENT)
        self.router = Router(r, "e0")
        m.link_local("e0")
        extra = "protect-payload = false\n"
        self.agent = Daemon(
            bubd, g, f'route-optimisation = never\nhome-agent {{\naddress = "{AGENT}"\n'
            f'home-link = "e1"\nprefixes = {{"2001:db8:1::/64"}}\ndad = never\n{extra}'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n')
        self.mobile = Daemon(
            bubd, m, f'route-optimisation = never\nmobile-node {{\n{extra}'
            f'home-address = "{HOME}/64"\nhome-agent = "{AGENT}"\nsecret-file = "secret"\n}}\n')
        self.daemons = [self.mobile, self.agent]
        wait_for("bubd", lambda: "homes" in self.mobile.show() and "clients" in self.agent.show())
        self.router.advertise("2001:db8:b::")
        wait_for("a registration",
                 lambda: self.mobile.show()["homes"][0]["state"] == "registered")

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        for s in [*self.socks, self.router.sock]:
            s.close()
        for ns in (self.m, self.r, self.g, self.h):
            ns.close()


def upload(t):
    server = t.h.inside(lambda: socket.create_server((HOST, 0), family=socket.AF_INET6))
    here = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
    t.socks += [server, here]
    here.settimeout(30)
    here.bind((HOME, 0))
    here.connect(server.getsockname()[:2])
    there, _ = server.accept()
    there.settimeout(30)
    t.socks.append(there)
    transfer(here, there)
    transfer(there, here)
    counters = t.agent.counters()
    if counters.get("merged-in", 0) == 0:
        raise Failure(f"nothing was merged: {counters}")
    if counters.get("merged-malformed", 0) or counters.get("merged-lost", 0):
        raise Failure(f"{counters}")
    # A packet handed on whole is too big for the home link, and the kernel says so to the sender.
    said = t.g.exec("nstat", "-az", "Icmp6OutPktTooBigs", "Ip6FragFails")
    if [line.split()[1] for line in said.splitlines()[1:]] != ["0", "0"]:
        raise Failure(said)
    for daemon in t.daemons:
        daemon.stop()


CASES = [upload]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
