# SPDX-License-Identifier: BSD-2-Clause
"""How long a group of home agents serves nobody when the active one is killed (docs/groups.md).

Two bubd with one address, a real Redis, a real keepalived on each, as tests/netns/groupworld.py has
them; mobile nodes that bubload has registered, under keys that were agreed on.  bubd that serves is
killed (SIGKILL), and the clock runs until the other one is active: keepalived has noticed, the term is
taken, and all is read.  With few mobile nodes most of it is keepalived and a script that starts; what
many add is the reading.  Needs root.
"""

import json
import os
import sys
import time

import frame
import load

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/netns"))  # its load.py is another

KILLS = 20
FEW = 10


def home(number):
    return f"2001:db8:1:0:1:0:{number >> 16:x}:{number & 0xffff:x}"


class Measured:
    """A group with so many registrations; it is set up when it is first measured."""

    def __init__(self, args, nodes):
        self.args, self.nodes, self.world = args, nodes, None

    def begin(self):
        import groupworld

        self.world = world = groupworld.GroupWorld(self.args.bubd, label=f"{self.nodes}-")
        world.clients = [home(number) for number in range(self.nodes)]
        world.start_redis()
        for agent in world.agents:
            agent.start()
        world.a.start_keepalived()
        world.a.becomes("active")
        world.b.start_keepalived()
        world.b.becomes("standby")
        self.register(world.a)

    def register(self, agent):
        m, r = self.world.mobiles["m"], self.world.r
        m.ip("addr", "add", "2001:db8:b::2/64", "dev", "e0", "nodad")
        m.ip("route", "add", "default", "via", "2001:db8:b::1")
        m.ip("-6", "route", "add", "local", "2001:db8:f::/58", "dev", "lo")
        for prefix in ("2001:db8:ca::/48", "2001:db8:f::/58"):  # care-of addresses; where keys are asked for
            r.ip("route", "add", prefix, "via", "2001:db8:b::2")
        words = ["--agent", "2001:db8:1::1", "--interface", "e0", "--nodes", str(self.nodes), "--home", home(0),
                 "--care-of", "2001:db8:ca::", "--do", "register", "--timeout", "2000", "--tries", "10",
                 "--psk-file", os.path.join(agent.daemon.dir, "secret"), "--key-source", "2001:db8:f::1"]
        json.loads(m.exec(self.args.bubload, *words))
        self.check(agent)

    def check(self, agent):
        there = sum(client["registered"] for client in agent.daemon.show()["clients"])
        if there != self.nodes:
            raise SystemExit(f"{there} of {self.nodes} mobile nodes are registered")

    def measure(self):
        if self.world is None:
            self.begin()
        serving, other = self.world.one_serves()
        before, began = frame.spent(other.daemon.proc.pid), time.monotonic()
        serving.kill()
        other.becomes("active")
        took = time.monotonic() - began
        cpu = frame.spent(other.daemon.proc.pid) - before
        self.check(other)
        serving.revive()
        serving.keepalived_is_backup()
        return {"s until the other serves": took, "s of its CPU": cpu}

    def close(self):
        if self.world is not None:
            self.world.close()


def main():
    bench = frame.Bench("takeover", __doc__)
    bench.argument("bubd")
    bench.argument("bubctl")
    bench.argument("bubload")
    bench.argument("--nodes", type=int, default=10_000, help="mobile nodes, beside a group with ten")
    args = bench.start()
    if os.geteuid() != 0:
        raise frame.Missing("it makes network namespaces, which needs root")
    load.require("redis-server", "redis-cli", "keepalived")
    os.environ["BUBCTL"] = args.bubctl
    groups = {f"{nodes:,} mobile nodes": Measured(args, nodes) for nodes in (FEW, args.nodes)}
    try:
        bench.compare("taken over after a kill", {name: one.measure for name, one in groups.items()},
                      rounds=max(args.rounds, KILLS))
    finally:
        for one in groups.values():
            one.close()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
