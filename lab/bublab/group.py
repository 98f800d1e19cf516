# SPDX-License-Identifier: BSD-2-Clause
"""A group of home agents (docs/groups.md) in place of ha1: ha1 and ha1b, a Redis that they share,
keepalived on both.

             core - - (emulator) - - core --+-- core0 ha1  home0 --+-- home - - (emulator) - - mn1
                                            +-- core0 ha1b home0 --+
                                                      store0 of both: store, where Redis is

The bridges core, home and store are in a namespace of their own, "group".  It is also a host on the
home link, which exchanges UDP packets with mn1 through the tunnel.  keepalived and Redis run with
the files of etc/group, in which interfaces, addresses and paths are replaced.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import secrets
import shutil
import signal
import struct
import time
from typing import TYPE_CHECKING

from . import pcap
from .system import Child, LabError, binary, run, wait_until
from .topology import GROUP_HOST, GROUP_STORE, HOME_ADDRESS, Topology
from .traffic import read_received, read_sent

if TYPE_CHECKING:
    from .daemons import Daemons
    from .session import Session

AGENTS = ("ha1", "ha1b")
SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "etc" / "group"
TUNNEL_PORT = "42002"
WINDOW_S = 3  # after a kill, in which losses on the direct path are counted
BEFORE_S = 0.2  # and before it: what was on its way
PACKETS_AFTER = 40  # that have to come through the tunnel before a take-over counts as done


@dataclasses.dataclass
class TakeOver:
    """One kill of the home agent that served."""

    killed: str
    when: float
    moved: bool  # mn1 moved in the same moment, so that its Binding Update found nobody
    active: float = 0  # the other one serves
    updates: int = 0  # Binding Updates that mn1 sent to its home agent
    acknowledged: bool = False
    keys: int = 0  # that mn1 has agreed on since


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        if old not in text:
            raise LabError(f"the sample has no {old!r} any more")
        text = text.replace(old, new)
    return text


def agent_lines() -> list[str]:
    """What a home agent of the group has in its configuration beside what others have."""
    return [
        "  group = standby",
        "  store = redis",
        f'  redis {{ servers = {{"[{GROUP_STORE}]:6379"}}',
        '          password-file = "redis-password"',
        "          timeout = 500 }",
    ]


class Group:
    def __init__(self, topology: Topology, daemons: Daemons, out: pathlib.Path) -> None:
        self.topology = topology
        self.daemons = daemons
        self.out = out
        self.folder = topology.run_dir / "group"
        self.children: list[Child] = []
        self.streams: list[Child] = []
        self.take_overs: list[TakeOver] = []

    # ---- Life -------------------------------------------------------------------------------

    def start_store(self) -> None:
        """Before the home agents, and with the password that is in their configuration."""
        self.folder.mkdir()
        password = secrets.token_hex(16)
        path = self.out / "conf" / "redis-password"
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        text = replaced(
            (SAMPLES / "redis.conf").read_text(),
            ("bind 2001:db8:e::11", f"bind {GROUP_STORE}"),
            ("requirepass CHANGE-THIS", f"requirepass {password}"),
            ("masterauth CHANGE-THIS", ""),
            ("min-replicas-to-write 1", "min-replicas-to-write 0"),  # it is alone
        )
        conf = self.folder / "redis.conf"
        conf.touch(mode=0o600)
        conf.write_text(f"{text}\ndir {self.folder}\n")
        self._start("Redis", "group", ["redis-server", str(conf)], "redis")
        listens = self.topology.inside("group", ["ss", "-6Hltn"])
        wait_until("Redis to listen", lambda: ":6379" in run(listens), 10, check=self.check)

    def serve(self) -> None:
        """ha1 becomes the active one, and then the other keepalived starts."""
        for agent in AGENTS:
            self._start_keepalived(agent)
            self.becomes(agent, "active" if agent == "ha1" else "standby")

    def _start(self, name: str, node: str, argv: list[str], log: str) -> None:
        path = self.out / "logs" / f"{log}.log"
        self.children.append(Child(name, self.topology.inside(node, argv), path))

    def _start_keepalived(self, agent: str) -> None:
        folder = self.folder / agent
        folder.mkdir()
        self._say_alive(agent, True)
        options = f"-s {self.topology.run_dir / (agent + '.sock')}"
        for what in ("check", "notify"):
            shutil.copy(SAMPLES / f"keepalived-{what}", folder / what)
        text = replaced(
            (SAMPLES / "keepalived.conf").read_text(),
            ("interface eth1", "interface home0"),
            ("2001:db8:d::1/64", "2001:db8:c0:1::2/64"),
            ("eth0", "core0"),
            ("/run/bubd.alive", str(folder / "alive")),
            ('"/usr/lib/bub/keepalived-check"', f'"{folder / "check"} {options}"'),
            ("/usr/lib/bub/keepalived-notify", f'"{folder / "notify"} {options}"'),
        )
        (folder / "keepalived.conf").write_text(text)
        bubctl = os.path.dirname(binary("src/bubctl/bubctl"))
        argv = ["env", f"PATH={bubctl}:{os.environ['PATH']}:/usr/sbin", "keepalived", "-n", "-l", "-D",
                "-P", "-f", str(folder / "keepalived.conf"), "-p", str(folder / "pid"), "-r",
                str(folder / "vrrp.pid")]
        self._start(f"keepalived of {agent}", agent, argv, f"keepalived-{agent}")

    def _say_alive(self, agent: str, alive: bool) -> None:
        """What systemd does with bubd-keepalived.conf."""
        (self.folder / agent / "alive").write_text("0\n" if alive else "-254\n")

    def check(self) -> None:
        for child in [*self.children, *self.streams]:
            child.check()

    def stop(self) -> None:
        for child in [*self.streams, *reversed(self.children)]:
            child.stop()
        self.children, self.streams = [], []

    # ---- Data through the tunnel ------------------------------------------------------------

    def log(self, name: str, what: str) -> pathlib.Path:
        return self.out / "logs" / f"tunnel-{name}.{what}"

    def start_stream(self) -> None:
        """UDP packets between mn1 and a host on its home link."""
        for name, node, ends in (("mn1", "mn1", (HOME_ADDRESS["mn1"], GROUP_HOST)),
                                 ("host", "group", (GROUP_HOST, HOME_ADDRESS["mn1"]))):
            argv = [binary("lab/traffic"), "udp", *ends, TUNNEL_PORT, "100",
                    str(self.log(name, "sent")), str(self.log(name, "received"))]
            log = self.out / "logs" / f"traffic-tunnel-{name}.log"
            self.streams.append(Child(f"traffic of {name}", self.topology.inside(node, argv), log))
        self.wait_stream(time.time())

    def wait_stream(self, since: float) -> None:
        for name in ("mn1", "host"):
            wait_until(
                f"data through the tunnel at {name}",
                lambda n=name: sum(a > since for a in self.arrivals(n)) >= PACKETS_AFTER,
                20,
                check=self.check,
            )

    def arrivals(self, name: str) -> list[float]:
        path = self.log(name, "received")
        text = path.read_text() if path.exists() else ""
        return [int(line.split()[2]) / 1e9 for line in text.split("\n")[:-1]]

    def stop_stream(self) -> None:
        for child in self.streams:
            child.send(signal.SIGTERM)
        for child in self.streams:
            child.output(30)
        self.streams = []

    # ---- Dying ------------------------------------------------------------------------------

    def role(self, agent: str) -> str:
        return self.daemons.ask(agent, "group").get("role", "")

    def becomes(self, agent: str, role: str) -> None:
        wait_until(
            f"{agent} to be {role}", lambda: self.role(agent) == role, 15, check=self.check
        )

    def other(self, agent: str) -> str:
        return AGENTS[1 - AGENTS.index(agent)]

    def serving(self) -> str:
        return next(agent for agent in AGENTS if self.role(agent) == "active")

    def keys_agreed(self) -> int:
        return self.daemons.ask("mn1", "show")["counters"]["keys"]["keys-agreed"]

    def kill(self, moved: bool) -> TakeOver:
        agent = self.serving()
        self.keys_before = self.keys_agreed()
        take_over = TakeOver(agent, time.time(), moved)
        self.daemons.kill(agent)
        self._say_alive(agent, False)
        self.take_overs.append(take_over)
        return take_over

    def follow(self, session: Session, take_over: TakeOver) -> None:
        """Until the other one serves, and data goes through the tunnel again."""
        self.becomes(self.other(take_over.killed), "active")
        take_over.active = time.time()
        self.wait_stream(take_over.active)
        session.settle()
        wait_until("the time after a kill to be over",
                   lambda: time.time() > take_over.when + WINDOW_S + BEFORE_S, 10)
        session.poll()
        signalled = [
            e.kind for e in session.logs.all
            if e.node == "mn1" and e.time >= take_over.when
            and session.names(e.get("peer")) == "ha1"
            and e.get("what") in ("Binding Update", "Binding Acknowledgement")
        ]
        take_over.updates = signalled.count("sent")
        take_over.acknowledged = "received" in signalled
        take_over.keys = self.keys_agreed() - self.keys_before

    def revive(self, take_over: TakeOver) -> None:
        """What systemd does: bubd starts again, and is standby."""
        self.daemons.revive(take_over.killed)
        self._say_alive(take_over.killed, True)
        self.becomes(take_over.killed, "standby")


# ---- Figures -------------------------------------------------------------------------------------


def longest_gap(arrivals: list[float], since: float, until: float) -> float | None:
    times = [since] + sorted(t for t in arrivals if since < t < until)
    return max(b - a for a, b in zip(times, times[1:])) if len(times) > 1 else None


def lost_directly(session: Session, take_over: TakeOver) -> int:
    """Packets between the mobile nodes around the kill that never arrived."""
    begin, end, lost = take_over.when - BEFORE_S, take_over.when + WINDOW_S, 0
    for node, peer in (("mn1", "mn2"), ("mn2", "mn1")):
        arrived = {a.number for a in read_received(session.traffic.received_log(peer))}
        sent = read_sent(session.traffic.sent_log(node))
        lost += sum(begin <= at <= end and n not in arrived for n, at in sent.items())
    return lost


def repeated_numbers(session: Session) -> int:
    """ESP packets at mn1 whose number is not above the one before, by SPI."""
    last: dict[int, int] = {}
    repeated = 0
    for _when, packet in pcap.packets(session.out / "pcap" / "mn1.pcap"):
        if packet.proto != pcap.ESP or len(packet.payload) < 8:
            continue
        spi, number = struct.unpack_from("!II", packet.payload)
        repeated += number <= last.get(spi, 0)
        last[spi] = number
    return repeated


def figures(session: Session) -> list[dict]:
    assert session.group is not None
    rows = []
    for one in session.group.take_overs:
        gaps = [longest_gap(session.group.arrivals(name), one.when, one.when + WINDOW_S)
                for name in ("mn1", "host")]
        rows.append({
            "killed": one.killed,
            "moved": one.moved,
            # Where mn1 moves this is only looked at when it has registered.
            "active_ms": None if one.moved else round((one.active - one.when) * 1e3, 1),
            "tunnel_gap_ms": None if None in gaps else round(max(gaps) * 1e3, 1),
            "direct_lost": lost_directly(session, one),
            "updates": one.updates,
            "acknowledged": one.acknowledged,
            "keys_agreed": one.keys,
        })
    return rows


def problems(rows: list[dict], repeated: int) -> list[str]:
    """What a mobile node may not notice of a home agent that dies."""
    found = [f"{repeated} ESP packets have a number that is not above the one before"] if repeated else []
    # A machine that has more to do than it can takes longer.
    limit_ms = 1000 * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))
    for row in rows:
        what = f"when {row['killed']} died"
        if row["keys_agreed"]:
            found.append(f"{what} mn1 agreed on keys anew")
        if row["moved"]:
            if not row["acknowledged"]:
                found.append(f"{what} the Binding Update in flight was never acknowledged")
            continue
        if row["tunnel_gap_ms"] is None or row["tunnel_gap_ms"] > limit_ms:
            found.append(f"{what} the tunnel had no data for {row['tunnel_gap_ms']} ms")
        if row["direct_lost"]:
            found.append(f"{what} {row['direct_lost']} packets were lost on the direct path")
        if row["updates"]:
            found.append(f"{what} mn1 registered anew")
    if not any(row["moved"] and row["updates"] > 1 for row in rows):
        found.append("no Binding Update found nobody who answers")
    return found
