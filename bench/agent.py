#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What home agents make of data between two mobile nodes: real daemons against plain forwarding (needs root).

           ha1   ha2          every line a veth pair, no delay, offloads as the kernel has them
             \\   /
      mn1 --- core --- mn2     both mobile nodes away from home, with static care-of addresses

  forwarding      mn1 to mn2, through both home agents' machines, by the kernel's routes alone
  direct          home address to home address in BUB mode, past the home agents
  one tunnel      mn1 to an address behind ha1: ESP from mn1 to ha1
  ESP             home address to home address through both home agents: ESP to the one, ESP from the other
  IPv6-in-IPv6    the same without ESP for data

Each but the first has a network of its own, with its own daemons.
"""

import json
import pathlib
import sys
import tempfile

import frame
import load

NODES = ("ha1", "ha2", "mn1", "mn2")
HOME = {"mn1": "2001:db8:1::10", "mn2": "2001:db8:2::10"}
AGENT = {"ha1": "2001:db8:1::1", "ha2": "2001:db8:2::1"}
LINK = {node: f"2001:db8:c{number}::" for number, node in enumerate(NODES)}
STATIC = {"mn1": "2001:db8:51::1", "mn2": "2001:db8:52::1"}  # forwarded as home addresses would be
BEHIND = "2001:db8:6::1"  # an address of ha1's machine
WAIT_S = 30


class World:
    """The network, and daemons in it if @settings says how (lines of bubd.conf, by section)."""

    def __init__(self, build, label, settings):
        self.build, self.settings = pathlib.Path(build), settings
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.net = load.Net(label + "-")
        self.children = {}
        self.build_network()
        if settings is not None:
            self.start()

    def build_network(self):
        net = self.net
        for node in ("core", *NODES):
            net.node(node, forwards=not node.startswith("mn"))
        for node in NODES:
            net.link("core", f"to-{node}", node, "e0")
            net.ip("core", "addr", "add", f"{LINK[node]}1/64", "dev", f"to-{node}", "nodad")
            net.ip(node, "addr", "add", f"{LINK[node]}2/64", "dev", "e0", "nodad")
            net.ip(node, "route", "add", "default", "via", f"{LINK[node]}1")
        for node, address in AGENT.items():
            net.ip(node, "addr", "add", f"{address}/128", "dev", "lo", "nodad")
            net.ip("core", "route", "add", f"{address[:-1]}/64", "via", f"{LINK[node]}2")
        net.ip("ha1", "addr", "add", f"{BEHIND}/128", "dev", "lo", "nodad")
        # From one mobile node to the other's static address: its own home agent, the other's, the node.
        for mine, other in (("1", "2"), ("2", "1")):
            net.ip(f"mn{mine}", "addr", "add", f"{STATIC['mn' + mine]}/128", "dev", "lo", "nodad")
            target = STATIC["mn" + other]
            for number, (came, goes) in enumerate(((f"mn{mine}", f"ha{mine}"), (f"ha{mine}", f"ha{other}"),
                                                   (f"ha{other}", f"mn{other}"))):
                table = f"{100 + 10 * int(mine) + number}"
                net.ip("core", "-6", "rule", "add", "iif", f"to-{came}", "to", target, "table", table)
                net.ip("core", "route", "add", target, "via", f"{LINK[goes]}2", "table", table)

    def config(self, node):
        number = node[-1]
        home, agent = HOME["mn" + number], AGENT["ha" + number]
        common, section = self.settings
        text = (f'name = "{node}"\ninterfaces = {{"e0"}}\ncontrol = "{self.folder}/{node}.sock"\n'
                f'state-dir = "{self.folder}/state-{node}"\nlog-level = warning\nudp = never\n{common}\n')
        if node in AGENT:
            return text + (f'home-agent {{\naddress = "{agent}"\nprefixes = {{"{agent[:-1]}/64"}}\n{section}\n'
                           f'mobile-node "{home}" {{ psk-file = "secret" }}\n}}\n')
        return text + (f'mobile-node {{\nhome-address = "{home}/64"\nhome-agent = "{agent}"\n{section}\n'
                       'keys { psk-file = "secret" }\n}\n')

    def start(self):
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text("a secret of the benchmark, long enough\n")
        for node in NODES:
            path = self.folder / f"{node}.conf"
            path.write_text(self.config(node))
            self.children[node] = self.net.start(node, str(self.build / "src/bubd/bubd"), "-c", str(path),
                                                 log=self.folder / f"{node}.log")
        for node, peer in (("mn1", "mn2"), ("mn2", "mn1")):
            self.net.reachable(node, HOME[node], HOME[peer])

    def mode(self, node):
        """How it stands with the other mobile node."""
        text = self.net.run(node, str(self.build / "src/bubctl/bubctl"), "-s", f"{self.folder}/{node}.sock",
                            "show", "--json")
        return next((p["mode"] for p in json.loads(text)["peers"] if p["peer"] in HOME.values()), "tunnel")

    def await_bub(self):
        for node, peer in (("mn1", "mn2"), ("mn2", "mn1")):

            def talks(node=node, peer=peer):
                self.net.reachable(node, HOME[node], HOME[peer])
                return self.mode(node) == "bub"

            load.wait_until(f"BUB mode at {node}", talks, WAIT_S)

    def pids(self, nodes):
        return tuple(self.children[node].pid for node in nodes if node in self.children)


NEVER = "route-optimisation = never"
SETTINGS = {  # of a network: common lines, and lines of the sections of mobile nodes and home agents
    "forwarding": None,
    "direct": ("", ""),
    "ESP": (NEVER, ""),
    "IPv6-in-IPv6": (NEVER, "protect-payload = false"),
}
# Variant: network, address of mn1, node at the other end, its address, daemons whose work it is.
VARIANTS = {
    "forwarding": ("forwarding", STATIC["mn1"], "mn2", STATIC["mn2"], NODES),
    "direct": ("direct", HOME["mn1"], "mn2", HOME["mn2"], NODES),
    "one tunnel": ("ESP", HOME["mn1"], "ha1", BEHIND, ("mn1", "ha1")),
    "ESP": ("ESP", HOME["mn1"], "mn2", HOME["mn2"], NODES),
    "IPv6-in-IPv6": ("IPv6-in-IPv6", HOME["mn1"], "mn2", HOME["mn2"], NODES),
}


class Worlds:
    """Each made when it is first wanted."""

    def __init__(self, build):
        self.build = build
        self.there = {}

    def world(self, name):
        if name not in self.there:
            self.there[name] = World(self.build, f"w{len(self.there)}", SETTINGS[name])
            if name == "direct":
                self.there[name].await_bub()
        return self.there[name]

    def measured(self, names, work):
        def measure(name):
            world, source, node, target, carriers = VARIANTS[name]
            world = self.world(world)
            return work(world.net, "mn1", node, source, target, daemons=world.pids(carriers))

        return {name: lambda name=name: measure(name) for name in names}


def main():
    bench = frame.Bench("agent", __doc__)
    bench.argument("build")
    bench.argument("packets")
    bench.argument("--seconds", type=float, default=2, help="of each measurement")
    args = bench.start()
    load.require("iperf3", "taskset", "ping")
    worlds = Worlds(args.build)

    def stream(count):
        return lambda *ends, **more: load.tcp(*ends, streams=count, seconds=args.seconds, **more)

    def small(*ends, **more):
        return load.packets(ends[0], args.packets, *ends[1:], seconds=args.seconds, **more)

    for count in (1, 4):
        bench.compare(f"TCP, streams: {count}", worlds.measured(VARIANTS, stream(count)),
                      reach={"IPv6-in-IPv6": ">= 0.95"})
    bench.compare("UDP, 64 octets", worlds.measured(VARIANTS, small), reach={"IPv6-in-IPv6": ">= 0.95"})
    bench.compare("TCP, 1 stream, two tunnels for one", worlds.measured(("one tunnel", "ESP"), stream(1)),
                  reach={"ESP": ">= 0.45"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
