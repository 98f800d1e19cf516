#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The data path of route optimisation and BUB mode against the plain one (needs root, BPF and iperf3).

        n1  CoA1 e1 ---- veth ---- e2 CoA2  n2         HoA1, HoA2 on lo

  raw       CoA to CoA, no program attached
  beside    CoA to CoA, programs and packet socket of the data path in place
  direct    HoA to HoA: RH2 and HAO in and out, both directions, by tc-BPF
  neutral   the same, and the care-of addresses have the checksums of the home addresses (checksum-neutral)
  in UDP    HoA to HoA: UDP and an inner IPv6 header in place of the two

Without offloads the sender's kernel makes each segment and each checksum, as for cards that do neither.
With GRO the receiver's interface merges what arrives, as those of real cards do.
"""

import ipaddress
import sys

import frame
import load

COA = {"n1": "2001:db8:a::1", "n2": "2001:db8:a::2"}
HOA = {"n1": "2001:db8:1::1", "n2": "2001:db8:2::2"}
OTHER = {"n1": "n2", "n2": "n1"}
DEVICE = {"n1": "e1", "n2": "e2"}


def neutral(care_of, home):
    """@care_of with other 16 bits, as src/link/neutral.c makes it."""
    ours, home = (int(ipaddress.IPv6Address(a)) for a in (care_of, home))
    free = ((ours >> 32 & 0xffff) + home - ours) % 0xffff  # the sum of an address is what is left of it
    return str(ipaddress.IPv6Address(ours & ~(0xffff << 32) | free << 32))


NEUTRAL = {node: neutral(COA[node], HOA[node]) for node in COA}
WAYS = {"direct": ("direct", COA), "neutral": ("direct", NEUTRAL), "in UDP": ("udp", COA)}
COUNTERS = {"direct": "data-out=0 ", "neutral": "data-out=0 ", "in UDP": "data-out-udp=0 "}


class Ctl:
    """The data path of one node, by tests/netns/dpctl.c."""

    def __init__(self, net, node, program, way):
        self.node = node
        self.child = net.start(node, program)
        me, other = node, OTHER[node]
        form, care_of = way
        for line in ("open 1024", f"local {care_of[me]} plain", f"local {HOA[me]} home",
                     f"path {HOA[me]} {HOA[other]} {form} {care_of[me]} {care_of[other]} {care_of[other]}",
                     f"attach {DEVICE[me]}", f"listen {DEVICE[me]} strangers"):
            self.do(line)

    def do(self, line):
        answer = self.child.ask(line)
        if not answer.startswith("ok"):
            raise frame.Missing(f"{line}: {answer}")
        return answer


def build():
    net = load.Net()
    for node in COA:
        net.node(node)
    net.link("n1", "e1", "n2", "e2")
    for node, other in OTHER.items():
        for address in (COA[node], NEUTRAL[node]):
            net.ip(node, "addr", "add", f"{address}/64", "dev", DEVICE[node], "nodad")
        net.ip(node, "addr", "add", f"{HOA[node]}/128", "dev", "lo", "nodad")
        net.ip(node, "route", "add", f"{HOA[other]}/128", "via", COA[other], "dev", DEVICE[node], "src", HOA[node],
               "mtu", "1452")
    return net


def variants(net, dpctl, work):
    """@work: measures between two addresses."""

    def measure(name):
        ctls = [Ctl(net, node, dpctl, WAYS.get(name, WAYS["direct"])) for node in COA] if name != "raw" else []
        try:
            ends = HOA if name in WAYS else COA
            result = work("n1", "n2", ends["n1"], ends["n2"])
            if name in WAYS and COUNTERS[name] in ctls[0].do("counters"):
                raise SystemExit(f"{name}: nothing went through the program")
        finally:
            for ctl in ctls:
                ctl.child.output()  # it takes its programs back
        return result

    return {name: lambda name=name: measure(name) for name in ("raw", "beside", *WAYS)}


def main():
    bench = frame.Bench("direct", __doc__)
    bench.argument("dpctl")
    bench.argument("packets")
    bench.argument("--seconds", type=float, default=2, help="of each measurement")
    args = bench.start()
    load.require("iperf3", "ethtool", "taskset")
    net = build()

    def stream(count):
        return lambda *ends: load.tcp(net, *ends, streams=count, seconds=args.seconds)

    def small(*ends):
        return load.packets(net, args.packets, *ends, seconds=args.seconds)

    for how, offloads, gro in (("", True, False), (", no offloads", False, False),
                               (", no offloads, GRO at the receiver", False, True)):
        load.offloads(net, DEVICE, offloads)
        load.merging(net, DEVICE, gro)
        least = "0.98" if offloads else "0.95"
        for count in (1, 4):
            bench.compare(f"TCP, streams: {count}{how}", variants(net, args.dpctl, stream(count)),
                          reach={"neutral" if gro else "direct": f">= {least}", "in UDP": ">= 0.9"})
    load.offloads(net, DEVICE, True)
    for gro in (False, True):
        load.merging(net, DEVICE, gro)
        bench.compare(f"UDP, 64 octets{', GRO at the receiver' if gro else ''}", variants(net, args.dpctl, small),
                      reach={"direct": ">= 0.92", "in UDP": ">= 0.9"})
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
