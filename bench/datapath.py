#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The route-optimised data path against the plain one, in one run (needs root, BPF and iperf3).

        n1  CoA1 e1 ---- veth ---- e2 CoA2  n2         HoA1, HoA2 on lo

  plain      CoA to CoA, no program attached
  beside     CoA to CoA, programs and packet socket of the data path in place
  optimised  HoA to HoA: RH2 and HAO in and out, both directions
  in UDP     HoA to HoA: UDP and an inner IPv6 header in place of the two

The machine is shared: only the ratios of one run mean anything.  Rounds are interleaved; medians.
Two figures a row: what arrives in a second, and what it costs in CPU time (a packet, or a bit).  The
second one stands still when others use the machine; both are given so that more is better.
Usage: datapath.py DPCTL DATAPATH_UDP [--rounds N] [--seconds S] [--only TEXT]
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab"))

from bublab import remains  # noqa: E402

NS = {name: remains.namespace(name) for name in ("n1", "n2")}
COA = {"n1": "2001:db8:a::1", "n2": "2001:db8:a::2"}
HOA = {"n1": "2001:db8:1::1", "n2": "2001:db8:2::2"}
OTHER = {"n1": "n2", "n2": "n1"}
DEVICE = {"n1": "e1", "n2": "e2"}
PORT = "5201"


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def run(*args, check=True):
    return subprocess.run(args, check=check, capture_output=True, text=True)


def inside(ns, *args, **more):
    return subprocess.Popen(["ip", "netns", "exec", NS[ns], *args], text=True,
                            stdout=subprocess.PIPE, stdin=subprocess.PIPE, **more)


class Ctl:
    def __init__(self, ns, program):
        self.ns = ns
        self.proc = inside(ns, program, bufsize=1)

    def do(self, line):
        self.proc.stdin.write(line + "\n")
        answer = self.proc.stdout.readline()
        if not answer.startswith("ok"):
            skip(answer.strip())
        return answer

    def open(self, way):
        me, other = self.ns, OTHER[self.ns]
        self.do("open 1024")
        self.do("local %s plain" % COA[me])
        self.do("local %s home" % HOA[me])
        self.do("path %s %s %s %s %s %s" % (HOA[me], HOA[other], way, COA[me], COA[other],
                                            COA[other]))
        self.do("attach " + DEVICE[me])
        self.do("listen %s strangers" % DEVICE[me])
        return self

    def close(self):
        self.proc.stdin.close()
        self.proc.wait()


def make_namespaces():
    for ns in NS:
        if run("ip", "netns", "add", NS[ns], check=False).returncode != 0:
            skip("no network namespaces (root is needed)")
    run("ip", "link", "add", "e1", "netns", NS["n1"], "type", "veth", "peer", "name", "e2", "netns",
        NS["n2"])
    for ns in NS:
        for args in (("link", "set", "lo", "up"),
                     ("addr", "add", COA[ns] + "/64", "dev", DEVICE[ns], "nodad"),
                     ("addr", "add", HOA[ns] + "/128", "dev", "lo", "nodad"),
                     ("link", "set", DEVICE[ns], "up"),
                     ("route", "add", HOA[OTHER[ns]] + "/128", "via", COA[OTHER[ns]], "dev",
                      DEVICE[ns], "src", HOA[ns], "mtu", "1452")):
            run("ip", "-n", NS[ns], *args)


def set_offloads(state):
    for ns in NS:
        run("ip", "netns", "exec", NS[ns], "ethtool", "-K", DEVICE[ns], "tx", state, "tso", state,
            "gso", state)


def tcp(streams, seconds, addr):
    """Bits a second at the receiver, and for a second of CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    server = inside("n2", "iperf3", "--forceflush", "-s", "-1", "-B", addr["n2"], "-p", PORT)
    for line in server.stdout:
        if "listening" in line:
            break
    client = inside("n1", "iperf3", "-c", addr["n2"], "-B", addr["n1"], "-p", PORT, "-P",
                    str(streams), "-t", str(seconds), "-J")
    result = json.loads(client.communicate()[0])
    server.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    received = result["end"]["sum_received"]
    return received["bits_per_second"], received["bytes"] * 8 / cpu


def udp(program, seconds, addr):
    """Datagrams a second at the receiver, and for a second of the sender's CPU time."""
    server = inside("n2", "taskset", "-c", "1", program, "recv", addr["n2"], PORT, str(seconds))
    server.stdout.readline()
    client = inside("n1", "taskset", "-c", "0", program, "send", addr["n1"], addr["n2"], PORT,
                    str(seconds + 1))
    result = float(server.communicate()[0])
    return result, 1e9 / float(client.communicate()[0])


def measure(args, variant, work):
    ctls = []
    if variant != "plain":
        way = "udp" if variant == "in UDP" else "direct"
        ctls = [Ctl(ns, args.dpctl).open(way) for ns in NS]
    result = work(HOA if variant in ("optimised", "in UDP") else COA)
    counter = {"optimised": "data-out=0 ", "in UDP": "data-out-udp=0 "}.get(variant)
    if counter and counter in ctls[0].do("counters"):
        raise SystemExit("nothing went by the data path")
    for ctl in ctls:
        ctl.close()
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dpctl")
    parser.add_argument("udp")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    args = parser.parse_args()
    for tool in ("iperf3", "ethtool", "taskset"):
        if run("sh", "-c", "command -v " + tool, check=False).returncode != 0:
            skip("no " + tool)
    remains.interruptible()
    remains.begin()
    make_namespaces()
    rows = (("TCP, 1 stream", "on", lambda a: tcp(1, args.seconds, a)),
            ("TCP, 4 streams", "on", lambda a: tcp(4, args.seconds, a)),
            ("UDP, 64 octets, packets/s", "on", lambda a: udp(args.udp, args.seconds, a)),
            ("TCP, 1 stream, no offloads", "off", lambda a: tcp(1, args.seconds, a)),
            ("TCP, 4 streams, no offloads", "off", lambda a: tcp(4, args.seconds, a)))
    variants = ("plain", "beside", "optimised", "in UDP")
    print("%-29s %9s" % ("", "plain"), *("%-18s" % (v + " / plain") for v in variants[1:]))
    print("%-29s %9s" % ("", ""), *("%8s %8s " % ("rate", "CPU") for _ in variants[1:]))
    for name, offloads, work in rows:
        if args.only not in name:
            continue
        set_offloads(offloads)
        got = {v: [] for v in variants}
        for _ in range(args.rounds):
            for variant in variants:
                got[variant].append(measure(args, variant, work))
        median = {v: [statistics.median(g[i] for g in got[v]) for i in (0, 1)] for v in variants}
        ratio = ["%8.3f %8.3f " % tuple(median[v][i] / median["plain"][i] for i in (0, 1))
                 for v in variants[1:]]
        print("%-29s %9.3g" % (name, median["plain"][0]), *ratio, flush=True)


main()
