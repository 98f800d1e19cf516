#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ESP of data by the kernel (docs/esp.md): real daemons, under keys that they agree on.  Needs a
kernel with esp6, so tests/peers/uml_kernel_esp.py runs it under User Mode Linux.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64              2001:db8:d::/64
"""

import os
import signal
import sys
import time

from keys import Stream, Things, expect, says
from linux_common import Namespace, main, wait_for
from world import AGENT, HOME, VISITED

OTHER = "2001:db8:bb::"
NATIVE = "udp = never\n"  # of both ways the one that is answered first is taken


class Kernel(Things):
    """Both daemons with a policy of their own."""

    PEER = "2001:db8:c::5"

    def correspondent(self):
        """A third node behind the router, with bubd."""
        self.namespaces.append(Namespace("c"))
        c = self.namespaces[-1]
        self.join(self.r, "e2", c)
        self.r.ip("addr", "add", "2001:db8:c::1/64", "dev", "e2", "nodad")
        c.ip("addr", "add", f"{self.PEER}/64", "dev", "e0", "nodad")
        c.ip("route", "add", "default", "via", "2001:db8:c::1")
        self.daemon(c, "")
        return c

    def begin_with(self, agent="kernel", mobile="kernel", keys="", more=NATIVE):
        self.begin(f"esp = {agent}\n{more}" + self.agent_text(keys=keys),
                   f"esp = {mobile}\n{more}" + self.mobile_text())
        self.register()

    def by(self):
        """By whom data goes at the mobile node and at the home agent."""
        return self.home()["esp"]["by"], self.client()["esp"]["by"]

    def wait_for_kernel(self, *by):
        wait_for(f"ESP by {by}", lambda: self.by() == by)

    def of_kernel(self, ns):
        """SAs and policies of bub's there: reqid and priorities are 0x627562."""
        states = [x for x in ns.ip("xfrm", "state").split("src ") if "reqid 6452578" in x]
        policies = [x for x in ns.ip("xfrm", "policy").splitlines() if "priority 16518" in x]
        return len(states), len(policies)

    def passed(self):
        """Packets through the kernel: out and in of the mobile node, in and out of the agent."""
        m, g = self.home()["esp"], self.client()["esp"]
        return m["out_packets"], m["in_packets"], g["in_packets"], g["out_packets"]


def both_ways(t, by):
    """Data both ways, and by whom: where the kernel does it no bubd has seen it.  An end that does
    it itself opens what the other end's kernel has sealed."""
    t.wait_for_kernel(*by)
    before = t.mobile.counters(), t.agent.counters(), t.passed()
    t.transfer_both_ways(t.m, t.g, AGENT, 200000)
    after = t.mobile.counters(), t.agent.counters(), t.passed()
    mobile, agent = (x == "kernel" for x in by)
    for i, sends in enumerate((mobile, agent)):
        went = after[i]["tun-in"] - before[i]["tun-in"] > 20
        expect(went != sends, (i, by, "sent"))
    taken = [after[i]["tun-out"] - before[i]["tun-out"] > 20 for i in range(2)]
    expect(taken == [not (mobile and agent)] * 2, (by, taken))
    kernel = [b - a > 20 for a, b in zip(before[2], after[2])]
    expect(kernel == [mobile, mobile and agent, mobile and agent, agent], (by, kernel))


def kernel_at_both_ends(t):
    t.begin_with()
    both_ways(t, ("kernel", "kernel"))
    expect(t.home()["esp"]["why"] is None, t.home())
    expect(min(sum((t.of_kernel(ns) for ns in (t.m, t.g)), ())) > 0, "nothing to find")
    for daemon in (t.mobile, t.agent):
        daemon.stop()
    expect([t.of_kernel(ns) for ns in (t.m, t.g)] == [(0, 0)] * 2, "left over")


def kernel_at_the_mobile_node(t):
    """The home agent's own ESP opens what the kernel has sealed."""
    t.begin_with(agent="user")
    both_ways(t, ("kernel", "user"))
    expect(t.client()["esp"]["why"] == "configured", t.client())


def kernel_at_the_home_agent(t):
    """Where nothing is said the kernel does it, as it can."""
    t.begin_with(agent="auto", mobile="user")
    both_ways(t, ("user", "kernel"))


def in_udp(t):
    """What goes in UDP is bubd's, and both ends say so."""
    t.begin_with(more="udp = always\n")
    both_ways(t, ("user", "user"))
    for end in (t.home(), t.client()):
        expect(end["esp"]["why"] == "it does not go as native ESP", end)


def handover(t):
    """Under data both ways: what is in flight to the address before still arrives."""
    t.begin_with()
    t.wait_for_kernel("kernel", "kernel")
    down, up = t.stream(), Stream(t.m, t.g, HOME, AGENT)
    t.streams.append(up)
    t.r.ip("addr", "add", OTHER + "1/64", "dev", "e0", "nodad")
    before = t.agreed()
    for prefix, gone in ((OTHER, VISITED), (VISITED, OTHER)) * 2:
        t.router.advertise(prefix)
        wait_for("both addresses", lambda: len(t.mobile.ask("prefer")["care_ofs"]) == 2)
        t.m.ip("addr", "flush", "dev", "e0", "to", f"{gone}/64")
        wait_for("a registration elsewhere",
                 lambda p=prefix: (t.home()["care_of"] or "").startswith(p[:-1]) and
                 t.home()["state"] == "registered")
        begin = time.monotonic()
        for stream in (down, up):
            wait_for("datagrams there", lambda s=stream, b=begin: s.flows(b))
        t.wait_for_kernel("kernel", "kernel")
    lost = down.stop(), up.stop()
    says(f"{down.sent} and {up.sent} datagrams over four handovers: {lost[0]} and {lost[1]} lost")
    expect(t.agreed() == before, "new keys")
    passed = t.passed()
    expect(min(passed) > 20, passed)
    for name in ("XfrmInStateSeqError", "XfrmInStateProtoError", "XfrmInTmplMismatch"):
        for ns in (t.m, t.g):
            said = dict(x.split() for x in ns.exec("cat", "/proc/net/xfrm_stat").splitlines())
            expect(said[name] == "0", (name, said[name]))
    wait_for("the SAs at the addresses before to go",
             lambda: [t.of_kernel(ns)[0] for ns in (t.m, t.g)] == [2, 2])


def renewals_lose_nothing(t):
    """Keys that end every eight seconds, under data both ways."""
    t.begin_with(keys="lifetime = 8\n")
    t.wait_for_kernel("kernel", "kernel")
    down, up = t.stream(), Stream(t.m, t.g, HOME, AGENT)
    t.streams.append(up)
    first = t.agreed()
    wait_for("two renewals", lambda: t.agreed() >= first + 2)
    lost = down.stop(), up.stop()
    says(f"{down.sent} and {up.sent} datagrams over {t.agreed() - first} renewals: "
         f"{lost[0]} and {lost[1]} lost")
    expect(lost == (0, 0), lost)
    expect(t.by() == ("kernel", "kernel"), t.by())
    expect(max(t.of_kernel(ns)[0] for ns in (t.m, t.g)) <= 6, "SAs pile up")


def renewal_by_octets(t):
    """Keys for one megabyte: the kernel counts, and says when it is time."""
    t.begin_with(keys="megabytes = 1\n")
    t.wait_for_kernel("kernel", "kernel")
    first = t.agreed()
    t.transfer_both_ways(t.m, t.g, AGENT, 1500000)
    wait_for("a renewal", lambda: t.agreed() > first)
    t.wait_for_kernel("kernel", "kernel")
    expect("have ended" not in t.mobile.tail(), t.mobile.tail())


def killed(t):
    """What a crash leaves in the kernel goes at the next start, and all is as before."""
    t.begin_with()
    t.wait_for_kernel("kernel", "kernel")
    for daemon, ns in ((t.mobile, t.m), (t.agent, t.g)):
        daemon.proc.send_signal(signal.SIGKILL)
        daemon.proc.wait()
        os.unlink(daemon.sock)
        expect(t.of_kernel(ns)[0] == 2, "nothing left of a crash")
    for daemon, ns in ((t.agent, t.g), (t.mobile, t.m)):
        daemon.proc = ns.popen(t.bubd, "-c", daemon.conf, stderr=daemon.log)
    t.register()
    both_ways(t, ("kernel", "kernel"))
    wait_for("what was left to go",
             lambda: [t.of_kernel(ns)[0] for ns in (t.m, t.g)] == [2, 2])


def flushed(t):
    """Somebody removes all that the kernel has.  The mobile node has new keys at once; the home
    agent goes on by itself until there are some."""
    t.begin_with()
    t.wait_for_kernel("kernel", "kernel")
    first = t.agreed()
    t.m.ip("xfrm", "policy", "flush")
    t.m.ip("xfrm", "state", "flush")
    wait_for("new keys", lambda: t.agreed() > first)
    both_ways(t, ("kernel", "kernel"))
    t.g.ip("xfrm", "policy", "flush")
    t.g.ip("xfrm", "state", "flush")
    t.wait_for_kernel("kernel", "user")
    t.transfer_both_ways(t.m, t.g, AGENT, 100000)
    t.wait_for_words(t.agent, "the kernel has lost")


def route_optimisation(t):
    """The core hears of data that the kernel's ESP brings, and what goes directly then passes the
    kernel's ESP by."""
    c = t.correspondent()
    t.begin(f"esp = kernel\n{NATIVE}{t.agent_text()}",
            f"esp = kernel\n{NATIVE}" + t.mobile_text().replace("route-optimisation = never\n", ""))
    t.register()
    t.wait_for_kernel("kernel", "kernel")
    begin = time.monotonic()
    down, up = Stream(c, t.m, t.PEER, HOME), Stream(t.m, c, HOME, t.PEER)
    t.streams += [down, up]
    wait_for("datagrams", lambda: down.flows(begin) and up.flows(begin))
    expect(min(t.passed()) > 0, t.passed())
    wait_for("the direct path", lambda: min(t.mobile.counters()[x] for x in (
        "data-in", "data-out")) > 50)
    before, begin = t.passed(), time.monotonic()
    wait_for("more datagrams", lambda: down.flows(begin) and up.flows(begin))
    after = t.passed()
    expect(max(b - a for a, b in zip(before, after)) < 5, (before, after))
    lost = down.stop(), up.stop()
    says(f"{down.sent} and {up.sent} datagrams: {lost[0]} and {lost[1]} lost")
    expect(max(lost) < 3, lost)


CASES = [kernel_at_both_ends, kernel_at_the_mobile_node, kernel_at_the_home_agent,
         in_udp, route_optimisation, handover, renewals_lose_nothing, renewal_by_octets, killed,
         flushed]

if __name__ == "__main__":
    sys.exit(main(CASES, Kernel))
