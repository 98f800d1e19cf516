#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP through a tunnel without ESP where the kernel merges segments on receipt (GRO), inside the
tunnel as well: what comes out of it are the segments that went in.  Two daemons, real packets.

        mobile node m          router r          home agent g        host h
          e0 ------------- e0   e1 ------------- e0   e1 ------------ e0
          2001:db8:b::/64        2001:db8:d::/64      2001:db8:1::/64

Cards look at packets in batches; a veth does so with gro_flush_timeout.
"""

import sys

from linux_common import Failure, main
from world import AGENT, Tunnel

HOST = "2001:db8:1::50"
AMOUNT = 2 << 20
OFFLOADS = ("tso", "off", "gso", "off", "gro", "off")


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd, "h")
        m, r, g, h = self.namespaces
        self.h = h
        self.join(g, "e1", h)
        for ns, dev in ((r, "e0"), (m, "e0"), (r, "e1"), (g, "e0"), (g, "e1"), (h, "e0")):
            ns.exec("ethtool", "-K", dev, *OFFLOADS)
        g.exec("ethtool", "-K", "e0", "gro", "on")
        g.exec("sh", "-c", "echo 2000000 >/sys/class/net/e0/gro_flush_timeout;"
               "echo 3 >/sys/class/net/e0/napi_defer_hard_irqs")
        g.ip("addr", "add", f"{AGENT}/64", "dev", "e1", "nodad")
        h.ip("addr", "add", f"{HOST}/64", "dev", "e0", "nodad")
        h.ip("route", "add", "default", "via", AGENT)
        self.start(False, agent='home-link = "e1"\ndad = never\n')


def upload(t):
    t.transfer_both_ways(t.m, t.h, HOST, AMOUNT)
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
