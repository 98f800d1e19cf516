# SPDX-License-Identifier: BSD-2-Clause
"""Tunnels in user space, ours and those that somebody could use in its place, for bench/tunnel.py.

Each stands between two namespaces that are joined by a veth pair, as its own users would set it up:

        m  2001:db8:b::2  e0 ------- e0  2001:db8:b::1  a

Inside it are two addresses, mobile() and agent().
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile

import frame
import load
from bublab.system import run

OUTER = {"m": "2001:db8:b::2", "a": "2001:db8:b::1"}
INNER = {"m": "fd00::2", "a": "fd00::1"}
OTHER = {"m": "a", "a": "m"}


class Path:
    """The veth pair alone, and what all that goes over it has in common."""

    label = "raw"
    needs: tuple[str, ...] = ()
    ends = OUTER

    def __init__(self) -> None:
        load.require(*self.needs)
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.net = load.Net(self.label + "-")
        self.children: list[load.Child] = []
        for node in OUTER:
            self.net.node(node)
        self.net.link("m", "e0", "a", "e0")
        for node, address in OUTER.items():
            self.net.ip(node, "addr", "add", f"{address}/64", "dev", "e0", "nodad")
        self.net.ip("m", "route", "add", "default", "via", OUTER["a"])
        self.start()
        self.net.reachable("m", self.ends["m"], self.ends["a"])

    def start(self) -> None:
        """Nothing."""

    def daemon(self, node: str, *argv: str, ready: str = "", **more: object) -> None:
        child = self.net.start(node, *argv, ready=ready, log=self.folder / f"{node}.log", **more)
        self.children.append(child)

    def pids(self) -> tuple[int, ...]:
        return tuple(child.pid for child in self.children)

    def address(self, node: str, device: str, mtu: int = 0) -> None:
        """The inner address, on a device that a daemon has made."""
        self.net.ip(node, "addr", "add", f"{INNER[node]}/64", "dev", device, "nodad")
        self.net.ip(node, "link", "set", device, *(["mtu", str(mtu)] if mtu else []), "up")

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        return path


# ---- Ours ----------------------------------------------------------------------------------------


class Bub(Path):
    """Mobile node and home agent, keys by TLS, all data through the tunnel."""

    label = "bub"
    udp = "never"
    build = pathlib.Path()
    ends = {"m": "2001:db8:1::10", "a": "2001:db8:5::1"}
    AGENT = "2001:db8:1::1"

    def config(self, node: str, more: str) -> str:
        return (f'name = "{node}"\ninterfaces = {{"e0"}}\ncontrol = "{self.folder}/{node}.sock"\n'
                f'state-dir = "{self.folder}/state-{node}"\nlog-level = warning\n'
                f"route-optimisation = never\nudp = {self.udp}\n{more}")

    def start(self) -> None:
        self.write("secret", "a secret of the benchmark, long enough\n")
        self.net.sysctl("a", "net.ipv6.conf.all.forwarding=1")
        for address in (self.AGENT, self.ends["a"]):
            self.net.ip("a", "addr", "add", f"{address}/128", "dev", "lo", "nodad")
        sections = {
            "a": f'home-agent {{\naddress = "{self.AGENT}"\nprefixes = {{"2001:db8:1::/64"}}\n'
                 f'mobile-node "{self.ends["m"]}" {{ psk-file = "secret" }}\n}}\n',
            "m": f'mobile-node {{\nhome-address = "{self.ends["m"]}/64"\nhome-agent = "{self.AGENT}"\n'
                 'keys { psk-file = "secret" }\n}\n',
        }
        for node, section in sections.items():
            path = self.write(f"{node}.conf", self.config(node, section))
            self.daemon(node, str(self.build / "src/bubd/bubd"), "-c", str(path))


class BubUdp(Bub):
    label = "bubudp"
    udp = "always"


class Floor(Path):
    """bench/floor.c: cipher and batches, and nothing else."""

    label = "floor"
    way = "udp"
    program = ""
    ends = INNER

    def start(self) -> None:
        for node in OUTER:
            self.daemon(node, self.program, self.way, "t0", OUTER[node], OUTER[OTHER[node]], ready="ready")
            self.address(node, "t0", 1400)


class FloorEsp(Floor):
    label = "flooresp"
    way = "esp"


# ---- Others' -------------------------------------------------------------------------------------


class StrongSwan(Path):
    """ESP in UDP by its kernel-libipsec."""

    label = "swan"
    needs = ("charon-systemd", "swanctl")
    ends = INNER
    PLUGINS = "random nonce openssl hmac kdf kernel-libipsec kernel-netlink socket-default vici"

    def connection(self, node: str) -> str:
        other = OTHER[node]
        return f"""
connections {{
  bench {{
    version = 2
    local_addrs = {OUTER[node]}
    remote_addrs = {OUTER[other]}
    encap = yes
    proposals = aes128-sha256-x25519
    local {{
      auth = psk
      id = {node}
    }}
    remote {{
      auth = psk
      id = {other}
    }}
    children {{
      bench {{
        local_ts = {INNER[node]}/128
        remote_ts = {INNER[other]}/128
        esp_proposals = aes128gcm16
      }}
    }}
  }}
}}
secrets {{
  ike-bench {{
    secret = "a secret of the benchmark"
  }}
}}
"""

    def start(self) -> None:
        for node in OUTER:
            self.net.ip(node, "addr", "add", f"{INNER[node]}/128", "dev", "lo", "nodad")
            socket = f"unix://{self.folder}/{node}.vici"
            conf = self.write(f"{node}.conf", f"""charon-systemd {{
  load = {self.PLUGINS}
  plugins {{
    vici {{
      socket = {socket}
    }}
  }}
}}
""")
            self.write(f"{node}/swanctl.conf", self.connection(node))
            self.daemon(node, "charon-systemd", env={**os.environ, "STRONGSWAN_CONF": str(conf)})
            load.wait_until("strongSwan", lambda n=node: (self.folder / f"{n}.vici").exists(), load.READY_S)
            self.net.run(node, "env", f"SWANCTL_DIR={self.folder}/{node}", f"STRONGSWAN_CONF={conf}", "swanctl",
                         "--load-all", "--uri", socket)
        self.net.run("m", "swanctl", "--initiate", "--child", "bench", "--uri", f"unix://{self.folder}/m.vici")


class WireGuard(Path):
    """wireguard-go."""

    label = "wg"
    needs = ("wireguard-go", "wg")
    ends = INNER
    PORT = "51820"

    def start(self) -> None:
        # Its sockets have one folder for all namespaces.
        device = {node: f"bub{node}{os.getpid()}" for node in OUTER}
        keys, public = {}, {}
        for node in OUTER:
            secret = run(["wg", "genkey"])
            keys[node] = self.write(f"{node}.key", secret)
            public[node] = run(["wg", "pubkey"], secret).strip()
        for node, other in OTHER.items():
            self.daemon(node, "wireguard-go", device[node], env={**os.environ, "WG_PROCESS_FOREGROUND": "1"})
            load.wait_until("wireguard-go", pathlib.Path(f"/var/run/wireguard/{device[node]}.sock").exists,
                            load.READY_S)
            self.net.run(node, "wg", "set", device[node], "listen-port", self.PORT, "private-key", str(keys[node]),
                         "peer", public[other], "endpoint", f"[{OUTER[other]}]:{self.PORT}",
                         "allowed-ips", f"{INNER[other]}/128")
            self.address(node, device[node])


class OpenVpn(Path):
    """In UDP, with AES-128-GCM."""

    label = "ovpn"
    needs = ("openvpn", "openssl")
    ends = INNER

    def start(self) -> None:
        prints = {}
        for node in OUTER:
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-days", "2", "-subj", f"/CN={node}", "-keyout", f"{self.folder}/{node}.key",
                 "-out", f"{self.folder}/{node}.pem"])
            text = run(["openssl", "x509", "-in", f"{self.folder}/{node}.pem", "-noout", "-fingerprint", "-sha256"])
            prints[node] = text.strip().split("=")[1]
        for node, other in OTHER.items():
            role = ["--tls-server", "--dh", "none"] if node == "a" else ["--tls-client"]
            self.daemon(node, "openvpn", "--dev", "t0", "--dev-type", "tun", "--proto", "udp6",
                        "--local", OUTER[node], "--remote", OUTER[other], *role,
                        "--cert", f"{self.folder}/{node}.pem", "--key", f"{self.folder}/{node}.key",
                        "--peer-fingerprint", prints[other], "--data-ciphers", "AES-128-GCM",
                        "--ifconfig-ipv6", f"{INNER[node]}/64", INNER[other])


def everything(build: str, floor: str) -> list[type[Path]]:
    """The raw path first."""
    Bub.build = pathlib.Path(build)
    Floor.program = floor
    return [Path, Bub, BubUdp, Floor, FloorEsp, StrongSwan, WireGuard, OpenVpn]


NAMES = {Path: "raw", Bub: "bub, ESP", BubUdp: "bub, ESP in UDP", Floor: "floor: UDP, GSO and GRO, AES-GCM",
         FloorEsp: "floor: ESP, sendmmsg, AES-GCM", StrongSwan: "strongSwan, kernel-libipsec",
         WireGuard: "wireguard-go", OpenVpn: "OpenVPN, AES-128-GCM"}
