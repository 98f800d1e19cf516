#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Home registrations a second that one core of a home agent does.

The engine alone, and the memory of a mobile node: with 1,000 mobile nodes, and with up to 1,000,000 of
them, whose memory no cache holds.

From socket to socket, with ESP and without: mobile nodes that bubload plays refresh their
registrations and hand over.  The limit is a program that reads, opens, seals and sends as many
messages, many by one system call, and does nothing else (bench/floor_registrations.c).  Under keys
that are agreed on there is no file of sequence numbers; under keys that are derived from a secret each
registration brings a write to that.

Where registrations are stored: in memory only, by LMDB, and in a Redis on the same machine (appendfsync
always), with the keys that mobile nodes agree on and without.  Needs root.
"""

import os
import sys

import frame

NODES = (1_000, 10_000, 100_000, 1_000_000)
REACH = ">= 0.5"
AGREED = 2_000  # mobile nodes that agree on keys, with each measurement: a home agent takes 200 a second


def engine(bench, program):
    names = {nodes: f"{nodes:,} mobile nodes" for nodes in NODES}
    bench.compare("home registrations, the engine alone",
                  {names[nodes]: lambda nodes=nodes: frame.numbers([program, str(nodes)]) for nodes in NODES},
                  reach={names[1_000_000]: ">= 0.6"})


def sockets(bench, args, esp):
    import agents  # what it needs is not there on every machine

    many = agents.Agents(args)
    try:
        agreed = {f"{what}, agreed keys": lambda what=what: many.agreed(min(args.nodes, AGREED), what)
                  for what in ("refresh", "handover")} if esp else {}
        bench.compare(
            f"registrations, from socket to socket, {'ESP' if esp else 'no ESP'}, {args.nodes:,} mobile nodes", {
                "the limit": lambda: many.limit(args.nodes, esp),
                **agreed,
                "refresh": lambda: many.bubd(args.nodes, esp, False),
                "refresh, stored": lambda: many.bubd(args.nodes, esp, True),
                "handover": lambda: many.bubd(args.nodes, esp, False, "handover"),
            }, reach={name: REACH for name in ("refresh", "refresh, stored", "handover", *agreed)})
    finally:
        many.close()


def stores(bench, args):
    import agents

    many = agents.Agents(args)

    def redis(name, more=""):
        agents.need_redis()
        return many.store(name, args.store_nodes, more, redis=True)

    try:
        bench.compare(f"where registrations are stored, refreshes, agreed keys, {args.store_nodes:,} mobile nodes", {
            "in memory": lambda: many.store("in memory", args.store_nodes),
            "LMDB": lambda: many.store("LMDB", args.store_nodes),
            "LMDB, and keys": lambda: many.store("LMDB, and keys", args.store_nodes, "agreed-keys = stored\n"),
            "Redis": lambda: redis("Redis", "agreed-keys = forgotten\n"),
            "Redis, and keys": lambda: redis("Redis, and keys"),
        })
    finally:
        many.close()


def main():
    bench = frame.Bench("registrations", __doc__)
    bench.argument("program", help="bench_registrations")
    bench.argument("bubd")
    bench.argument("bubload")
    bench.argument("floor", help="bench_floor_registrations")
    bench.argument("--nodes", type=int, default=10_000, help="from socket to socket")
    bench.argument("--store-nodes", type=int, default=1_000, help="where it is compared where they are stored")
    args = bench.start()
    engine(bench, args.program)
    if os.geteuid() == 0:
        for esp in (True, False):
            sockets(bench, args, esp)
        stores(bench, args)
    else:
        bench.missing["from socket to socket"] = "needs root"
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
