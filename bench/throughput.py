#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What mobility costs a stream: real daemons in BUB mode and in tunnel mode against the raw path.

           ha1   ha2          every line a veth pair, no delay, offloads as the kernel has them
             \\   /
      mn1 --- core --- mn2     both mobile nodes away from home, with static care-of addresses

  raw     care-of address to care-of address, programs and daemons in place, nothing of ours on it
  bub     home address to home address in BUB mode: direct path, RH2 and HAO both ways by tc-BPF
  tunnel  the same with route optimisation forbidden: ESP in user space through both home agents

The machine is shared: only the ratios of one run mean anything.  Rounds of raw and bub are
interleaved; medians.  Usage: throughput.py BUILD-DIR [--rounds N] [--seconds S]; needs root.
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lab"))

from bublab import remains  # noqa: E402

PREFIX = remains.namespace("t-")
NODES = ("core", "ha1", "ha2", "mn1", "mn2")
HOME = {"mn1": "2001:db8:1::10", "mn2": "2001:db8:2::10"}
AGENT = {"ha1": "2001:db8:1::1", "ha2": "2001:db8:2::1"}
CARE_OF = {"mn1": "2001:db8:1a::10", "mn2": "2001:db8:2a::10"}
WAIT_S = 30


def run(*argv: str, check: bool = True) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def inside(node: str, *argv: str) -> list[str]:
    return ["ip", "netns", "exec", f"{PREFIX}{node}", *argv]


def ip(node: str, *argv: str) -> None:
    run(*inside(node, "ip", "-6", *argv))


def build_network() -> None:
    for node in NODES:
        run("ip", "netns", "add", f"{PREFIX}{node}")
        run(*inside(node, "ip", "link", "set", "lo", "up"))
        run(*inside(node, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0",
                    "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.accept_ra=0"))
        if not node.startswith("mn"):
            run(*inside(node, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"))
    for number, node in enumerate(NODES[1:]):
        run("ip", "link", "add", f"to-{node}", "netns", f"{PREFIX}core", "type", "veth",
            "peer", "name", "eth0", "netns", f"{PREFIX}{node}")
        for where, device in (("core", f"to-{node}"), (node, "eth0")):
            run(*inside(where, "ip", "link", "set", device, "up"))
        link = f"2001:db8:c{number}::"
        prefix = CARE_OF[node][:-2] if node in CARE_OF else link
        ip("core", "addr", "add", f"{prefix}1/64", "dev", f"to-{node}", "nodad")
        address = CARE_OF.get(node, f"{link}2")
        ip(node, "addr", "add", f"{address}/64", "dev", "eth0", "nodad")
        ip(node, "route", "add", "default", "via", f"{prefix}1", "dev", "eth0")
        if node in AGENT:
            ip(node, "addr", "add", f"{AGENT[node]}/128", "dev", "lo", "nodad")
            ip("core", "route", "add", f"{AGENT[node][:-1]}/64", "via", f"{link}2")


def config(node: str, folder: pathlib.Path, route_optimisation: str) -> str:
    secret = f'secret-file = "{folder}/mn{node[-1]}.secret"'
    text = f"""name = "{node}"
interfaces = {{"eth0"}}
control = "{folder}/{node}.sock"
state-dir = "{folder}/state-{node}"
log-level = warning
route-optimisation = {route_optimisation}
"""
    agent = AGENT["ha" + node[-1]]
    home = HOME["mn" + node[-1]]
    if node in AGENT:
        return text + f"""home-agent {{
  address = "{agent}"
  prefixes = {{"{agent[:-1]}/64"}}
  mobile-node "{home}" {{ {secret} }}
}}
"""
    return text + f"""mobile-node {{
  home-address = "{home}/64"
  home-agent = "{agent}"
  {secret}
}}
"""


class Daemons:
    def __init__(self, build: pathlib.Path, folder: pathlib.Path, route_optimisation: str) -> None:
        self.build, self.folder = build, folder
        self.running = []
        for node in NODES[1:]:
            path = folder / f"{node}.conf"
            path.write_text(config(node, folder, route_optimisation))
            log = (folder / f"{node}.log").open("w")
            argv = inside(node, str(build / "src/bubd/bubd"), "-c", str(path))
            self.running.append(subprocess.Popen(argv, stderr=log, stdin=subprocess.DEVNULL))

    def show(self, node: str) -> dict:
        argv = inside(node, str(self.build / "src/bubctl/bubctl"), "-s",
                      f"{self.folder}/{node}.sock", "show", "--json")
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait(self, node: str, mode: str) -> None:
        """Traffic towards the peer is what makes the two talk to each other."""
        peer = HOME["mn2" if node == "mn1" else "mn1"]
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            run(*inside(node, "ping", "-6", "-c1", "-W1", "-I", HOME[node], peer), check=False)
            peers = self.show(node).get("peers", [])
            if any(p["peer"] == peer and p["mode"] == mode for p in peers):
                return
        logs = "".join((self.folder / f"{n}.log").read_text() for n in NODES[1:])
        raise SystemExit(f"{node} is not in mode {mode} after {WAIT_S} s\n{logs}")

    def stop(self) -> None:
        for daemon in self.running:
            daemon.terminate()
        for daemon in self.running:
            daemon.wait(timeout=10)


def iperf(source: str, target: str, streams: int, seconds: float) -> float:
    server = subprocess.Popen(inside("mn2", "iperf3", "-6", "-s", "-1", "-B", target, "--forceflush"),
                              stdout=subprocess.PIPE, text=True)
    while "listening" not in (server.stdout.readline() if server.stdout else "listening"):
        pass
    text = run(*inside("mn1", "iperf3", "-6", "-J", "-c", target, "-B", source,
                       "-t", str(seconds), "-P", str(streams)))
    server.communicate(timeout=10)
    return float(json.loads(text)["end"]["sum_received"]["bits_per_second"])


def measure(rounds: int, seconds: float, streams: int, ways: dict[str, tuple[str, str]]) -> dict:
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (source, target) in ways.items():
            rates[name].append(iperf(source, target, streams, seconds))
    return {name: statistics.median(values) for name, values in rates.items()}


RAW = (CARE_OF["mn1"], CARE_OF["mn2"])
HOMES = (HOME["mn1"], HOME["mn2"])


def bench(build: pathlib.Path, folder: pathlib.Path, rounds: int, seconds: float) -> None:
    for name in ("mn1", "mn2"):
        path = folder / f"{name}.secret"
        path.touch(mode=0o600)
        path.write_text(f"a secret of the benchmark for {name}\n")
    print(f"{'':8}{'streams':>8}{'raw Gbit/s':>12}{'Gbit/s':>9}{'ratio':>8}")
    for way, setting in (("bub", "allow"), ("tunnel", "never")):
        daemons = Daemons(build, folder, setting)
        try:
            for node in ("mn1", "mn2"):
                if way == "bub":
                    daemons.wait(node, "bub")
            wait_ping()
            for streams in (1, 4):
                got = measure(rounds, seconds, streams, {"raw": RAW, way: HOMES})
                print(f"{way:8}{streams:8}{got['raw'] / 1e9:12.2f}{got[way] / 1e9:9.2f}"
                      f"{got[way] / got['raw']:8.3f}", flush=True)
        finally:
            daemons.stop()


def wait_ping() -> None:
    end = time.monotonic() + WAIT_S
    argv = inside("mn1", "ping", "-6", "-c1", "-W1", "-I", HOMES[0], HOMES[1])
    while subprocess.run(argv, check=False, capture_output=True).returncode != 0:
        if time.monotonic() > end:
            raise SystemExit("no ping between the home addresses")


def main() -> None:
    parser = argparse.ArgumentParser(description="bub's throughput against the raw path")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    args = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("iperf3") is None:
        print("skipped: needs root and iperf3")
        sys.exit(77)
    remains.interruptible()
    remains.begin()
    build_network()
    bench(args.build.resolve(), pathlib.Path(tempfile.mkdtemp()), args.rounds, args.seconds)


if __name__ == "__main__":
    main()
