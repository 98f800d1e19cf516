# SPDX-License-Identifier: BSD-2-Clause
"""Networks of namespaces for benchmarks, and loads that go over them: streams, small packets, pings."""

from __future__ import annotations

import json
import pathlib
import re
import resource
import shutil
import statistics
import subprocess

import frame
from bublab import remains
from bublab.system import LabError, inside, run, wait_until

READY_S = 20
PORT = "5201"


def require(*programs: str) -> None:
    """Raises frame.Missing when one of them is not installed."""
    for name in programs:
        if shutil.which(name) is None:
            raise frame.Missing(f"no {name}: ./dev setup bench installs it")


class Child:
    """A program beside the benchmark, which ends with it."""

    def __init__(self, argv: list[str], log: pathlib.Path | None = None, **more: object) -> None:
        self.argv = argv
        self.log = log
        with open(log or "/dev/null", "ab") as errors:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                            text=True, bufsize=1, start_new_session=True, **more)
        self.pid = self.process.pid

    def ask(self, line: str) -> str:
        """One line to it, and the line that it answers."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().strip()

    def await_line(self, text: str) -> None:
        """Until it has printed a line with @text in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        raise SystemExit(f"{' '.join(self.argv)}: ended early: {self.last_words()}")

    def last_words(self) -> str:
        return "" if self.log is None else self.log.read_text(errors="replace")[-1000:]

    def output(self) -> str:
        """Its input ends; waits until it does, too, and returns what else it printed."""
        text = self.process.communicate()[0]
        if self.process.returncode != 0:
            raise SystemExit(f"{' '.join(self.argv)}: exit status {self.process.returncode}: {self.last_words()}")
        return text

    def stop(self) -> None:
        """By SIGTERM."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()


class Net:
    """Namespaces and what connects them.  All of it goes when the program ends (lab/bublab/remains.py)."""

    def __init__(self, label: str = "") -> None:
        self.label = label

    def namespace(self, node: str) -> str:
        return remains.namespace(self.label + node)

    def node(self, name: str, forwards: bool = False) -> None:
        try:
            run(["ip", "netns", "add", self.namespace(name)])
        except LabError as error:
            raise frame.Missing(f"no network namespaces (root is needed): {error}") from None
        self.ip(name, "link", "set", "lo", "up")
        self.sysctl(name, "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                    "net.ipv6.conf.default.accept_ra=0", f"net.ipv6.conf.all.forwarding={int(forwards)}")

    def link(self, a: str, device_a: str, b: str, device_b: str) -> None:
        """A veth pair."""
        run(["ip", "link", "add", device_a, "netns", self.namespace(a), "type", "veth",
             "peer", "name", device_b, "netns", self.namespace(b)])
        self.ip(a, "link", "set", device_a, "up")
        self.ip(b, "link", "set", device_b, "up")

    def ip(self, node: str, *words: str) -> None:
        run(["ip", "-n", self.namespace(node), *words])

    def sysctl(self, node: str, *settings: str) -> None:
        self.run(node, "sysctl", "-qw", *settings)

    def run(self, node: str, *argv: str) -> str:
        return run(inside(self.namespace(node), list(argv)))

    def start(self, node: str, *argv: str, ready: str = "", **more: object) -> Child:
        """@ready: what it prints when it is."""
        child = Child(inside(self.namespace(node), list(argv)), **more)
        if ready:
            child.await_line(ready)
        return child

    def reachable(self, node: str, source: str, target: str) -> None:
        """Waits until a ping is answered."""
        argv = inside(self.namespace(node), ["ping", "-n", "-c1", "-W1", "-I", source, target])
        wait_until(f"an answer of {target} to {source}",
                   lambda: subprocess.run(argv, capture_output=True, check=False).returncode == 0, READY_S)


# ---- Loads: each returns {unit: number} ----------------------------------------------------------


def children_s() -> float:
    """CPU time of programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def tcp(net: Net, sender: str, receiver: str, source: str, target: str, streams: int = 1, seconds: float = 2,
        daemons: tuple[int, ...] = ()) -> dict[str, float]:
    """iperf3.  CPU time is that of both ends and of @daemons, which carry the packets between them."""
    before = children_s() + frame.spent(*daemons)
    server = net.start(receiver, "iperf3", "--forceflush", "-s", "-1", "-B", target, "-p", PORT, ready="listening")
    client = net.start(sender, "iperf3", "-J", "-c", target, "-B", source, "-p", PORT, "-P", str(streams),
                       "-t", str(seconds))
    result = json.loads(client.output())
    if "error" in result:
        raise SystemExit(f"iperf3: {result['error']}")
    server.output()
    cpu = children_s() + frame.spent(*daemons) - before
    received = result["end"]["sum_received"]
    return {"bit/s": received["bits_per_second"], "CPU s/GB": cpu / received["bytes"] * 1e9}


def packets(net: Net, program: str, sender: str, receiver: str, source: str, target: str, seconds: float = 2,
            daemons: tuple[int, ...] = ()) -> dict[str, float]:
    """Datagrams of 64 octets by packets.c, each end on a CPU of its own: what arrives in a second, and CPU time
    for each, that of the sender, in which the kernel does all work of a veth pair, and of @daemons, which
    carry them."""
    server = net.start(receiver, "taskset", "-c", "1", program, "recv", target, PORT, str(seconds), ready="ready")
    before = frame.spent(*daemons)
    client = net.start(sender, "taskset", "-c", "0", program, "send", source, target, PORT, str(seconds + 1))
    rate = float(server.output())
    carried = (frame.spent(*daemons) - before) / (rate * seconds)
    return {"packets/s": rate, "CPU ns/packet": float(client.output()) + carried * 1e9}


def pings(net: Net, node: str, source: str, target: str, count: int = 500) -> dict[str, float]:
    """Median of the round trips, one every two milliseconds: the path is idle."""
    text = net.run(node, "ping", "-n", "-i", "0.002", "-c", str(count), "-I", source, target)
    times = [float(ms) * 1000 for ms in re.findall(r"time=([\d.]+) ms", text)]
    return {"us": statistics.median(times)}


def offloads(net: Net, ends: dict[str, str], on: bool) -> None:
    """Whether interfaces (@ends: node to device) are given large segments and no checksums."""
    state = "on" if on else "off"
    for node, device in ends.items():
        net.run(node, "ethtool", "-K", device, "tx", state, "tso", state, "gso", state)


def merging(net: Net, ends: dict[str, str], on: bool) -> None:
    """Whether interfaces merge what comes in (GRO), as those of real cards do."""
    for node, device in ends.items():
        net.run(node, "ethtool", "-K", device, "gro", "on" if on else "off")

