# SPDX-License-Identifier: BSD-2-Clause
"""The real daemons: configuration files, starting and stopping, asking them how they are."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import secrets
import signal
import socket

from . import group, networks
from .system import Child, LabError, binary, wait_until
from .topology import HOME_ADDRESS, HOME_OF, MOBILES, NUMBERS, PREFIXES, Topology, router_address

HOME_AGENTS = ("ha1", "ha2")
ANSWER_S = 15  # a machine may have other things to do


@dataclasses.dataclass
class BubOptions:
    """What a scenario may change in the configuration."""

    direct_copy: bool = True
    eager: bool = True
    protect_payload: bool = True
    agent_dad: str = "optimistic"  # when a home agent probes its link for a new home address
    optimistic_dad: bool = False  # mobile nodes use an address while its detection goes on
    stock_peer: bool = False  # mn2 has BUB switched off
    no_bub: bool = False  # both have
    static_peer: bool = False  # mn2 is a correspondent and nothing else
    ipv4: bool = False  # home agents have an address of IPv4, too
    group: bool = False  # ha1 is a group of two, with which mn1 agrees on keys


def quoted(value: object) -> str:
    return f'"{value}"'


def common(
    node: str, interfaces: list[str], options: BubOptions, out: pathlib.Path, run_dir: pathlib.Path
) -> str:
    names = ", ".join(quoted(name) for name in interfaces)
    return (
        f"name = {quoted(node)}\n"
        f'tun = "bub0"\n'
        f"interfaces = {{{names}}}\n"
        f"control = {quoted(run_dir / (node + '.sock'))}\n"
        f"event-log = {quoted(out / 'logs' / (node + '.events.jsonl'))}\n"
        f"key-log = {quoted(out / 'logs' / (node + '.keys'))}\n"
        f"state-dir = {quoted(run_dir / ('state-' + node))}\n"
        "log-level = debug\n"
        # Where all networks let native ESP through each message is on the wire once, to be counted.
        + ("" if options.ipv4 else "udp = never\n")
    )


def bub_section(node: str, options: BubOptions) -> str:
    off = options.no_bub or (options.stock_peer and node == "mn2")
    policy = "never" if off else "allow"
    return (
        "bub {\n"
        f"  policy = {policy}\n"
        f"  direct-copy = {str(options.direct_copy).lower()}\n"
        f"  eager = {str(options.eager).lower()}\n"
        "}\n"
    )


def agent_ipv4(agent: str) -> str:
    return networks.core_ipv4(NUMBERS[agent], 2)


def mobile_section(node: str, options: BubOptions) -> str:
    return (
        "mobile-node {\n"
        f"  home-address = {quoted(HOME_ADDRESS[node] + '/64')}\n"
        f"  home-agent = {quoted(router_address(HOME_OF[node]))}\n"
        + (f"  home-agent-ipv4 = {quoted(agent_ipv4(HOME_OF[node]))}\n" if options.ipv4 else "")
        + f"  {secret_of(node, options)}\n"
        "  lifetime = 3600\n"
        f"  protect-payload = {str(options.protect_payload).lower()}\n"
        "}\n"
    )


def secret_of(mobile: str, options: BubOptions, agent: bool = False) -> str:
    """The line about the secret; with a group mn1 agrees on keys by it."""
    if not options.group or mobile != "mn1":
        return f"secret-file = {quoted(mobile + '.secret')}"
    line = f"psk-file = {quoted(mobile + '.secret')}"
    return line if agent else f"keys {{ {line} }}"


def agent_section(node: str, options: BubOptions) -> str:
    in_group = options.group and node in group.AGENTS
    node = "ha1" if in_group else node
    clients = [mobile for mobile in MOBILES if HOME_OF[mobile] == node]
    if options.static_peer:
        clients = [mobile for mobile in clients if mobile != "mn2"]
    lines = [
        "home-agent {",
        f"  address = {quoted(router_address(node))}",
        '  home-link = "home0"',
        f"  prefixes = {{{quoted(PREFIXES[node] + '/64')}}}",
        *([f"  ipv4-address = {quoted(agent_ipv4(node))}"] if options.ipv4 else []),
        "  lifetime-max = 3600",
        "  backhaul = plain",
        f"  dad = {options.agent_dad}",
        f"  protect-payload = {str(options.protect_payload).lower()}",
        *(group.agent_lines() if in_group else []),
    ]
    for mobile in clients:
        secret = secret_of(mobile, options, agent=True)
        lines.append(f"  mobile-node {quoted(HOME_ADDRESS[mobile])} {{ {secret} }}")
    return "\n".join([*lines, "}"]) + "\n"


def config_text(
    node: str, options: BubOptions, out: pathlib.Path, run_dir: pathlib.Path
) -> str:
    """The configuration file of one node."""
    if node in HOME_AGENTS or (options.group and node in group.AGENTS):
        text = common(node, ["core0", "home0"], options, out, run_dir)
        return text + agent_section(node, options)
    text = common(node, ["wl0"], options, out, run_dir)
    if options.optimistic_dad:
        text += 'interface "wl0" { optimistic-dad = true }\n'
    if not (options.static_peer and node == "mn2"):
        text += mobile_section(node, options)
    return text + bub_section(node, options)


class Daemons:
    """The four bubd processes of a run."""

    def __init__(self, topology: Topology, options: BubOptions, out: pathlib.Path) -> None:
        self.topology = topology
        self.options = options
        self.out = out
        self.nodes = [*HOME_AGENTS, *(["ha1b"] if options.group else []), *MOBILES]
        self.children: dict[str, Child] = {}

    def write_configs(self) -> None:
        for folder in ("conf", "logs"):
            (self.out / folder).mkdir(parents=True, exist_ok=True)
        for mobile in MOBILES:
            path = self.out / "conf" / f"{mobile}.secret"
            path.touch(mode=0o600)
            path.write_text(f"hex:{secrets.token_hex(32)}\n")
        for node in self.nodes:
            text = config_text(node, self.options, self.out, self.topology.run_dir)
            (self.out / "conf" / f"{node}.conf").write_text(text)

    def event_log(self, node: str) -> pathlib.Path:
        return self.out / "logs" / f"{node}.events.jsonl"

    def key_logs(self) -> list[pathlib.Path]:
        return [self.out / "logs" / f"{node}.keys" for node in self.nodes]

    def start(self) -> None:
        for node in self.nodes:
            (self.topology.run_dir / f"state-{node}").mkdir(exist_ok=True)
            self._start(node)
        for node in self.nodes:
            self._wait(node)

    def _start(self, node: str) -> None:
        conf = self.out / "conf" / f"{node}.conf"
        log = self.out / "logs" / f"{node}.log"
        argv = [binary("src/bubd/bubd"), "-c", str(conf)]
        self.children[node] = Child(f"bubd of {node}", self.topology.inside(node, argv), log)

    def _wait(self, node: str) -> None:
        wait_until(
            f"bubd of {node} to answer on its control socket",
            lambda: self._answers(node),
            10,
            check=self.children[node].check,
        )

    def kill(self, node: str) -> None:
        child = self.children.pop(node)
        child.send(signal.SIGKILL)
        child.stop()

    def revive(self, node: str) -> None:
        self._start(node)
        self._wait(node)

    def _answers(self, node: str) -> bool:
        try:
            self.ask(node, "show")
        except (FileNotFoundError, ConnectionRefusedError, LabError):
            return False  # not yet
        return True

    def ask(self, node: str, command: str, **arguments: str) -> dict:
        """One request over the control socket, as bubctl makes it."""
        answer = b""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(ANSWER_S)
            try:
                sock.connect(str(self.topology.run_dir / f"{node}.sock"))
                sock.sendall(json.dumps({"cmd": command, **arguments}).encode() + b"\n")
                while not answer.endswith(b"\n"):
                    got = sock.recv(65536)
                    if not got:
                        break
                    answer += got
            except (TimeoutError, BlockingIOError):  # the latter: its queue is full
                raise LabError(f"bubd of {node} has not answered for {ANSWER_S} s") from None
        if not answer:
            raise LabError(f"bubd of {node} closed its control socket without an answer")
        reply = json.loads(answer)
        if "error" in reply:
            raise LabError(f"bubd of {node}: {command}: {reply['error']}")
        return reply

    def home(self, node: str) -> dict:
        """What @node says of its home address; empty: it has none."""
        homes = self.ask(node, "show")["homes"]
        return homes[0] if homes else {}

    def home_state(self, node: str) -> str:
        return self.home(node).get("state", "")

    def peer(self, node: str, peer: str) -> dict:
        """What @node knows of @peer; empty: nothing."""
        entries = self.ask(node, "show")["peers"]
        return next((entry for entry in entries if entry["peer"] == peer), {})

    def mode(self, node: str, peer: str) -> str:
        """How @node stands with @peer: plain, tunnel, ro or bub."""
        return self.peer(node, peer).get("mode", "plain")

    def registered(self, node: str, peer: str) -> str:
        """In which mode a move of @node has to be told to @peer: ro, bub, or "" for not at all."""
        entry = self.peer(node, peer)
        if entry.get("mode") == "bub":
            return "bub"
        return "ro" if entry.get("local_care_of") else ""

    def check(self) -> None:
        for child in self.children.values():
            child.check()

    def stop(self) -> list[str]:
        """Stops all; returns what did not end as it should."""
        problems = []
        for node in reversed(list(self.children)):
            child = self.children.pop(node)
            was_alive = child.alive()
            status = child.stop()
            if status != 0 or not was_alive:
                problems.append(f"bubd of {node} ended with status {status}")
        return problems


def require_binaries() -> None:
    """Fails before anything is built up when something was not compiled."""
    for name in ("lab/linkem", "lab/traffic", "src/bubd/bubd"):
        binary(name)


def save_status(daemons: Daemons, out: pathlib.Path) -> dict[str, dict]:
    """Asks every daemon for everything and keeps the answers; returns the counters."""
    counters = {}
    for node in daemons.nodes:
        status = daemons.ask(node, "show")
        counters[node] = status["counters"]
        path = out / "logs" / f"{node}.status.json"
        path.write_text(json.dumps(status, indent=2) + "\n")
        os.chmod(path, 0o644)
    return counters
