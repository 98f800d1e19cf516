#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bub's tunnel between mobile node and home agent against the raw path, against the least that such a tunnel
has to do, and against other tunnels in user space (needs root, iperf3, and what is compared).

Each has a veth pair of its own between two namespaces (bench/rivals.py); all ratios are to the raw path.
"""

import sys

import frame
import load
import rivals


class Variants:
    """Tunnels, each started when it is first measured."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.paths = {}

    def path(self, kind):
        if kind not in self.paths:
            try:
                self.paths[kind] = kind()
            except frame.LabError as error:
                raise frame.Missing(f"it does not start: {error}") from None
        return self.paths[kind]

    def measured(self, work):
        """@work: measures a path."""
        return {rivals.NAMES[kind]: lambda kind=kind: work(self.path(kind)) for kind in self.kinds}


def main():
    bench = frame.Bench("tunnel", __doc__)
    bench.argument("build")
    bench.argument("floor")
    bench.argument("packets")
    bench.argument("--seconds", type=float, default=2, help="of each measurement")
    bench.argument("--variants", default="", help="only those that have this in their names, and the raw path")
    args = bench.start()
    load.require("iperf3", "taskset", "ping")
    kinds = [kind for kind in rivals.everything(args.build, args.floor)
             if kind is rivals.Path or args.variants in rivals.NAMES[kind]]
    variants = Variants(kinds)

    def stream(count):
        return lambda path: load.tcp(path.net, "m", "a", path.ends["m"], path.ends["a"], count, args.seconds,
                                     path.pids())

    for count in (1, 4):
        bench.compare(f"TCP, streams: {count}", variants.measured(stream(count)),
                      reach={"bub, ESP in UDP": ">= 0.2"})
    bench.compare("UDP, 64 octets", variants.measured(
        lambda path: load.packets(path.net, args.packets, "m", "a", path.ends["m"], path.ends["a"], args.seconds,
                                  path.pids())),
        reach={"bub, ESP in UDP": ">= 0.7"})
    bench.compare("idle round trip, median of 500 pings", variants.measured(
        lambda path: load.pings(path.net, "m", path.ends["m"], path.ends["a"])), difference=True)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
