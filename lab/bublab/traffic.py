# SPDX-License-Identifier: BSD-2-Clause
"""The applications (lab/traffic.c) and their logs."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import signal

from .system import Child, LabError, binary, run, wait_until
from .topology import Topology

TCP_PORT = "42000"  # ports that capture tools know nothing of
UDP_PORT = "42001"
TCP_BITS_PER_S = 4_000_000
UDP_PER_S = 100


@dataclasses.dataclass(frozen=True)
class Arrival:
    number: int
    sent: float
    received: float


def read_sent(path: pathlib.Path) -> dict[int, float]:
    """Number and time of each packet sent."""
    result = {}
    for line in path.read_text().splitlines():
        number, sent = line.split()
        result[int(number)] = int(sent) / 1e9
    return result


def read_received(path: pathlib.Path) -> list[Arrival]:
    """Arrivals in their order; packets that came twice are there twice."""
    result = []
    for line in path.read_text().splitlines():
        number, sent, received = line.split()
        result.append(Arrival(int(number), int(sent) / 1e9, int(received) / 1e9))
    return result


class Traffic:
    """One TCP stream from mn1 to mn2, and numbered UDP packets in both directions."""

    def __init__(
        self, topology: Topology, addresses: dict[str, str], out: pathlib.Path
    ) -> None:
        self.topology = topology
        self.addresses = addresses  # of mn1 and mn2, as applications know them
        self.logs = out / "logs"
        self.tcp_log = self.logs / "tcp-mn2.received"
        self.tcp_bits_per_s = TCP_BITS_PER_S
        self.udp_per_s = UDP_PER_S
        self.children: dict[str, Child] = {}
        self.results: dict[str, dict] = {}

    def _start(self, name: str, node: str, arguments: list[str]) -> None:
        argv = self.topology.inside(node, [binary("lab/traffic"), *arguments])
        log = self.logs / f"traffic-{name}.log"
        self.children[name] = Child(f"traffic {name} on {node}", argv, log)

    def sent_log(self, node: str) -> pathlib.Path:
        return self.logs / f"udp-{node}.sent"

    def received_log(self, node: str) -> pathlib.Path:
        return self.logs / f"udp-{node}.received"

    def start(self) -> None:
        one, two = self.addresses["mn1"], self.addresses["mn2"]
        for node, local, remote in (("mn1", one, two), ("mn2", two, one)):
            logs = [str(self.sent_log(node)), str(self.received_log(node))]
            arguments = ["udp", local, remote, UDP_PORT, str(self.udp_per_s), *logs]
            self._start(f"udp-{node}", node, arguments)
        self._start("tcp-recv", "mn2", ["tcp-recv", two, TCP_PORT, str(self.tcp_log)])
        wait_until(
            "the TCP receiver to listen",
            lambda: self._listening(),
            5,
            check=self.check,
        )
        self._start("tcp-send", "mn1", ["tcp-send", one, two, TCP_PORT, str(self.tcp_bits_per_s)])

    def _listening(self) -> bool:
        return f":{TCP_PORT}" in run(self.topology.inside("mn2", ["ss", "-6Hltn"]))

    def check(self) -> None:
        for child in self.children.values():
            child.check()

    def arrivals(self, node: str) -> int:
        """How many packets have arrived at @node by now."""
        path = self.received_log(node)
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def tcp_progress(self) -> list[tuple[float, int]]:
        """Times and octets received by then."""
        if not self.tcp_log.exists():
            return []
        lines = self.tcp_log.read_text().split("\n")[:-1]
        return [(int(when) / 1e9, int(octets)) for when, octets in map(str.split, lines)]

    def tcp_octets(self) -> int:
        progress = self.tcp_progress()
        return progress[-1][1] if progress else 0

    def stop(self) -> None:
        """Ends the sending in an orderly way and collects the results."""
        for name in ("tcp-send", "udp-mn1", "udp-mn2"):
            self.children[name].send(signal.SIGTERM)
        for name in ("tcp-send", "tcp-recv", "udp-mn1", "udp-mn2"):
            text = self.children.pop(name).output(30)
            try:
                self.results[name] = json.loads(text)
            except json.JSONDecodeError:
                log = self.logs / f"traffic-{name}.log"
                raise LabError(f"traffic {name} failed: {log.read_text().strip()}") from None

    def kill(self) -> None:
        for child in self.children.values():
            child.stop(1)
        self.children = {}

    def tcp_result(self) -> dict:
        """What the sender and the receiver say of the stream."""
        sender, receiver = self.results.get("tcp-send", {}), self.results.get("tcp-recv", {})
        same = sender.get("sha256") is not None and sender["sha256"] == receiver.get("sha256")
        ok = bool(sender.get("ok")) and same and sender["bytes"] == receiver["bytes"]
        seconds = sender.get("seconds") or 0
        rate = sender.get("bytes", 0) * 8 / seconds if seconds else 0
        return {
            "ok": ok,
            "bytes": sender.get("bytes", 0),
            "sha256_sent": sender.get("sha256"),
            "sha256_received": receiver.get("sha256"),
            "seconds": seconds,
            "mbit_per_s": round(rate / 1e6, 3),
        }
