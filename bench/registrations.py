#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Home registrations a second that one core of a home agent's engine does, and the memory of a mobile node:
with 1,000 mobile nodes, and with up to 1,000,000 of them, whose memory no cache holds."""

import sys

import frame

NODES = (1_000, 10_000, 100_000, 1_000_000)


def main():
    bench = frame.Bench("registrations", __doc__)
    bench.argument("program", help="bench_registrations")
    args = bench.start()
    names = {nodes: f"{nodes:,} mobile nodes" for nodes in NODES}
    bench.compare("home registrations, the engine alone",
                  {names[nodes]: lambda nodes=nodes: frame.numbers([args.program, str(nodes)]) for nodes in NODES},
                  reach={names[1_000_000]: ">= 0.6"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
