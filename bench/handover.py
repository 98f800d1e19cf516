#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long no data arrives when mobile nodes move: the laboratory (docs/lab.md), 1,000 packets a second, no loss.

Two internets side by side, one with BUB and one with route optimisation alone, move in turn.  A gap is the
time from the care-of address that is usable to the first data packet at it; where both nodes move, the
longer of the two.  Its lower bound is what the links' delays allow in BUB mode.  Needs root.
"""

import os
import pathlib
import sys
import tempfile

import frame
from bublab import daemons, esp, report, topology
from bublab.session import Session

PACKETS_PER_S = 1000
TCP_BITS_PER_S = 1_000_000  # there is a stream, too; its packets count as data
MODES = {"BUB": "bub", "route optimisation": "ro"}
ONE, BOTH, LEAVING = "one node moves", "both move at once", "a node leaves home"
REACH_MS = {ONE: 2, BOTH: 3, LEAVING: 2}


class World:
    """One internet, both nodes away from home, with traffic."""

    def __init__(self, mode):
        out = pathlib.Path(tempfile.mkdtemp())
        for folder in ("logs", "pcap"):
            (out / folder).mkdir()
        self.mode = mode
        options = topology.Options(captures=topology.RADIO_LINKS, world=mode)
        self.session = Session(out, options, daemons.BubOptions(no_bub=mode == "ro"), live=False)
        self.session.traffic.udp_per_s = PACKETS_PER_S
        self.session.traffic.tcp_bits_per_s = TCP_BITS_PER_S
        self.kinds = {}  # of moves, by their place in the session's list
        self.side = {node: "a" for node in topology.MOBILES}

    def start(self):
        self.session.start()
        self.session.start_traffic()
        self.session.move(mn1="ar1a", mn2="ar2a")
        self.settle()

    def settle(self):
        for node in topology.MOBILES:
            self.session.wait_mode(node, self.mode)

    def other_link(self, node):
        """Each move is to another link: on one that it has never left nothing is registered anew."""
        self.side[node] = "b" if self.side[node] == "a" else "a"
        return f"ar{node[-1]}{self.side[node]}"

    def move(self, kind):
        if kind == LEAVING:
            self.session.move(mn1="ha1")
        self.kinds[len(self.session.handovers)] = kind
        movers = ("mn1", "mn2") if kind == BOTH else ("mn1",)
        self.session.move(**{node: self.other_link(node) for node in movers})
        self.settle()

    def results(self):
        """{kind: rows of the lab's table with the octets of the messages}"""
        rows, _ = report.all_figures(self.session)
        captures = report.Captures(self.session)
        found = {}
        for index, kind in self.kinds.items():
            found.setdefault(kind, []).append((rows[index], octets(captures, rows[index].handover)))
        return found


def octets(captures, handover):
    """Of the mobility messages between the mobile nodes: Mobility Headers, without what carries them."""
    total = 0
    for node in topology.MOBILES:
        for _, packet in captures.between(node, handover.cut, report.end_of(handover)):
            inner = esp.innermost(packet, captures.keys)
            if inner.mobility and captures.names(inner.home_src) == node and \
                    captures.names(inner.home_dst) in topology.MOBILES:
                total += len(inner.payload)
    return total


def play(bench, jumps):
    """Both worlds, to their end; {mode: {kind: rows}}"""
    worlds = {name: World(mode) for name, mode in MODES.items()}
    started = []
    try:
        for world in worlds.values():
            world.session.__enter__()
            started.append(world)
            world.start()
        for kind in (ONE, BOTH, LEAVING):
            for number in range(jumps):
                for name, world in worlds.items():
                    bench.busy.show(f"{kind}, {number + 1} of {jumps}: {name}")
                    try:
                        world.move(kind)
                    except frame.LabError as error:
                        raise frame.LabError(f"{name}: {kind}, number {number + 1}: {error}") from None
        for world in worlds.values():
            world.session.stop()
    finally:
        for world in started:
            world.session.__exit__()
    bench.busy.show("reading the captures")
    return {name: world.results() for name, world in worlds.items()}


def in_turn(rows, value):
    values = iter([value(*row) for row in rows])
    return lambda: next(values)


def no_gap(kind):
    raise SystemExit(f"{kind}: data never came to the new address")


def gap(row, _octets):
    return {"ms": row.gap if row.gap is not None else no_gap(row.handover.label)}


def main():
    bench = frame.Bench("handover", __doc__)
    bench.argument("build", type=pathlib.Path)
    bench.argument("--jumps", type=int, default=50, metavar="N", help="of each kind")
    args = bench.start()
    os.environ["BUB_BUILD"] = str(args.build)
    topology.require_root()
    daemons.require_binaries()
    got = play(bench, args.jumps)
    for kind, reach_ms in REACH_MS.items():
        bub = got["BUB"][kind]
        bench.compare(f"gap, {kind}", {
            "lower bound": in_turn(bub, lambda row, _: {"ms": row.bound}),
            **{name: in_turn(got[name][kind], gap) for name in MODES},
        }, reach={"BUB": f"<= {reach_ms}"}, difference=True, rounds=args.jumps)
    for kind in REACH_MS:
        bench.compare(f"messages between the mobile nodes, {kind}", {
            name: in_turn(got[name][kind], lambda row, size: {"messages": len(row.messages), "octets": size,
                                                              "packets lost": sum(row.lost.values())})
            for name in ("route optimisation", "BUB")}, rounds=args.jumps)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
