# SPDX-License-Identifier: BSD-2-Clause
"""The emulated internet: who there is, which addresses they have, and the namespaces for it.

        mn1 - - - - home1                                       home2 - - - - mn2
                      |                                           |
                     ha1 ---------------- core ---------------- ha2
                                       /  |  |  \\
                                   ar1a ar1b ar2a ar2b
                                    :     :    :    :
                                   mn1's places   mn2's places

Some scenarios have more access routers, behind which other networks are (networks.py).

Every line is a veth pair on each side of the link emulator, which lives in a namespace of its own
("net") and owns all delays.  A mobile node has one interface, wl0; moving it means that the
emulator cuts its link at one place and joins it at another.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import sys
import time

from . import networks, remains
from .emulator import Emulator
from .networks import NETWORKS
from .system import Child, LabError, inside, run, wait_until

CORE_LINKS = ("ha1", "ha2", "ar1a", "ar1b", "ar2a", "ar2b")
RADIO_LINKS = ("mn1", "mn2")
LINKS = CORE_LINKS + RADIO_LINKS
ROUTERS = CORE_LINKS
MOBILES = RADIO_LINKS
DELAYS_MS = {"ha1": 15, "ha2": 15, "ar1a": 10, "ar1b": 10, "ar2a": 10, "ar2b": 10}
DELAYS_MS.update({"mn1": 5, "mn2": 5})
DELAYS_MS.update(dict.fromkeys(NETWORKS, 10))
# The number of a router is that of its link with the core.
NUMBERS = {router: number for number, router in enumerate((*ROUTERS, *NETWORKS), 1)}

# What a node's access link is called, and its prefix.
PREFIXES = {
    "ha1": "2001:db8:1::",
    "ha2": "2001:db8:2::",
    "ar1a": "2001:db8:1a::",
    "ar1b": "2001:db8:1b::",
    "ar2a": "2001:db8:2a::",
    "ar2b": "2001:db8:2b::",
}
PREFIXES.update({router: network.ipv6 for router, network in NETWORKS.items() if network.ipv6})
HOME_OF = {"mn1": "ha1", "mn2": "ha2"}
HOME_ADDRESS = {"mn1": "2001:db8:1::10", "mn2": "2001:db8:2::10"}
STATIC_ADDRESS = "2001:db8:2a::20"  # of a correspondent that never moves, behind ar2a
STATIC_PLACE = "ar2a"
STRANGER_ADDRESS = "2001:db8:5::2"  # of a host that attacks, right behind the core
STRANGER_ROUTER = "2001:db8:5::1"
GROUP_HOST = "2001:db8:1::50"  # a host on home link 1, where ha1 is a group (group.py)
GROUP_STORE = "2001:db8:e::1"
GROUP_NUMBERS = {"ha1": 0x11, "ha1b": 0x12}

# How long a mobile node has no carrier when it moves: what a radio takes to change its cell.
CARRIER_GAP_MS = 20


@dataclasses.dataclass
class Options:
    """What may be chosen of the topology."""

    delay_ms: dict[str, float] = dataclasses.field(default_factory=dict)
    loss_pct: dict[str, float] = dataclasses.field(default_factory=dict)
    seed: int = 1
    dad: bool = False
    static_peer: bool = False
    stranger: bool = False  # there is one more host, that attacks
    networks: tuple[str, ...] = ()  # which of NETWORKS there are
    group: bool = False  # ha1 is a group of two
    captures: tuple[str, ...] = LINKS
    world: str = ""  # name of this internet, where a lab has several

    @property
    def links(self) -> tuple[str, ...]:
        return (*CORE_LINKS, *self.networks, *RADIO_LINKS)

    def delay(self, link: str) -> float:
        return self.delay_ms.get(link, DELAYS_MS[link])


def router_address(router: str) -> str:
    """Address of a router on its home or access link; of a home agent: the home agent's."""
    return PREFIXES[router] + "1"


def access_interface(router: str) -> str:
    return "home0" if router.startswith("ha") else "acc0"


def access_port(router: str) -> str:
    return ("home-" if router.startswith("ha") else "acc-") + router


def capture_port(link: str) -> str:
    """Where a link is captured: at the mobile node, or at the core's end."""
    return link if link in RADIO_LINKS else f"c-{link}"


def mac(kind: int, number: int) -> str:
    """Stable hardware addresses: link-local and care-of addresses are the same in every run."""
    return f"02:00:00:00:{kind:02x}:{number:02x}"


def neighbour(address: str, hardware: str, interface: str) -> str:
    """Routers of a backbone know each other: no neighbour discovery in the middle of a handover."""
    return f"neigh add {address} lladdr {hardware} dev {interface} nud permanent"


def care_of_address(mobile: str, router: str) -> str:
    """What mn1 or mn2 forms at a router by stateless autoconfiguration (RFC 4862, 5.5.3), or is
    given where there is no IPv6."""
    number = 1 + MOBILES.index(mobile)
    if router not in PREFIXES:
        return networks.node_ipv4(router, number)
    return f"{PREFIXES[router]}ff:fe00:1{number:02x}"


def is_ipv4(router: str) -> bool:
    return router in NETWORKS and bool(NETWORKS[router].ipv4)


def radvd_conf(router: str, withdrawn: bool = False) -> str:
    """@withdrawn: what was announced is so no more."""
    home = router.startswith("ha")
    router_s, valid_s, preferred_s = (0, 0, 0) if withdrawn else (60, 600, 300)
    lines = [
        f"interface {access_interface(router)} {{",
        "  AdvSendAdvert on;",
        "  MinRtrAdvInterval 0.03;",  # RFC 6275, 7.5
        "  MaxRtrAdvInterval 0.07;",
        "  MinDelayBetweenRAs 0.03;",
        f"  AdvDefaultLifetime {router_s};",
        "  AdvSourceLLAddress on;",
        "  AdvIntervalOpt on;",  # radvd then takes intervals below three seconds
        f"  AdvHomeAgentFlag {'on' if home else 'off'};",
        f"  prefix {PREFIXES[router]}/64 {{",
        "    AdvOnLink on;",
        "    AdvAutonomous on;",
        f"    AdvRouterAddr {'on' if home else 'off'};",
        f"    AdvValidLifetime {valid_s};",
        f"    AdvPreferredLifetime {preferred_s};",
        "  };",
        "};",
    ]
    return "\n".join(lines) + "\n"


class Topology:
    """Namespaces, links, router advertisements.  A context manager: it leaves nothing behind."""

    def __init__(self, options: Options, out: pathlib.Path) -> None:
        self.options = options
        self.out = out
        self.prefix = remains.namespace(options.world or "lab")
        self.run_dir = remains.RUN_DIR / str(os.getpid()) / (options.world or "lab")
        self.routers = (*ROUTERS, *options.networks)
        self.nodes = ["core", *self.routers, *MOBILES]
        if options.group:
            self.nodes += ["ha1b", "group"]
        if options.stranger:
            self.nodes.append("stranger")
        self.emulator: Emulator | None = None
        self.children: list[Child] = []
        self.advertisers: dict[str, Child] = {}

    def namespace(self, node: str) -> str:
        return f"{self.prefix}-{node}"

    def inside(self, node: str, argv: list[str]) -> list[str]:
        return inside(self.namespace(node), argv)

    # ---- Building ---------------------------------------------------------------------------

    def __enter__(self) -> Topology:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exc) -> None:
        self.close()

    def _build(self) -> None:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        names = [self.namespace(node) for node in [*self.nodes, "net"]]
        run(["ip", "-batch", "-"], "".join(f"netns add {name}\n" for name in names))
        for node in self.nodes:
            run(self.inside(node, ["sh", "-ec", self._sysctls(node)]))
        off = "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
        run(self.inside("net", ["sh", "-ec", off]))
        run(["ip", "-n", self.namespace("net"), "-batch", "-"], self._veths())
        if self.options.group:
            run(["ip", "-n", self.namespace("group"), "-batch", "-"], self._group_links())
        if self.options.stranger:  # no link of the emulator: his delay is nobody's business
            run(["ip", "-n", self.namespace("core"), "-batch", "-"], self._stranger_link())
        for node in self.nodes:
            run(["ip", "-n", self.namespace(node), "-batch", "-"], self._addresses(node))
            run(self.inside(node, ["sh", "-ec", self._offloads(node)]))
        for router in self.options.networks:
            networks.load_firewall(self.inside(router, []), networks.firewall(router))
        self._start_emulator()
        for router in self.routers:
            if router in PREFIXES:
                self.start_radvd(router)

    def _sysctls(self, node: str) -> str:
        """Before the interfaces come, which take the defaults over."""
        values = {"default/accept_dad": 0, "default/dad_transmits": 0, "all/accept_dad": 0}
        if node in MOBILES:
            values = {"default/router_solicitation_delay": 0, "default/accept_ra": 1}
            if not self.options.dad:
                values.update({"default/accept_dad": 0, "default/dad_transmits": 0})
            if node == "mn2" and self.options.static_peer:
                values["default/autoconf"] = 0
        else:
            values.update({"all/forwarding": 1, "default/forwarding": 1, "default/accept_ra": 0})
        base = "/proc/sys/net/ipv6/conf"
        lines = [f"echo {value} >{base}/{key}" for key, value in values.items()]
        if node not in MOBILES and self.options.networks:
            lines.append("echo 1 >/proc/sys/net/ipv4/ip_forward")
        return "\n".join(lines)

    def _interfaces(self) -> list[tuple[str, str, str, str]]:
        """(port, node, interface, hardware address) of each veth pair."""
        result = []
        for router in self.routers:
            number = NUMBERS[router]
            result.append((f"c-{router}", "core", router, mac(0xC0, number)))
            if self._is_group(router):
                result.append((f"n-{router}", "group", "up-core", mac(0xA0, number)))
                result.append((access_port(router), "group", "up-home", mac(0xA1, number)))
                continue
            result.append((f"n-{router}", router, "core0", mac(0xA0, number)))
            interface = access_interface(router)
            result.append((access_port(router), router, interface, mac(0xA1, number)))
        for number, mobile in enumerate(MOBILES, 1):
            result.append((mobile, mobile, "wl0", mac(1, number)))
        return result

    def _veths(self) -> str:
        lines = []
        # Indices unlike any at the far end: where both are the same, the kernel takes the pair
        # for an ordinary interface and holds carrier events back for up to a second.
        for index, (port, node, interface, address) in enumerate(self._interfaces(), 101):
            lines.append(
                f"link add name p-{port} index {index} type veth "
                f"peer name {interface} address {address} netns {self.namespace(node)}"
            )
            lines.append(f"link set p-{port} up")
        return "\n".join(lines) + "\n"

    def _is_group(self, node: str) -> bool:
        return self.options.group and node in GROUP_NUMBERS

    def _group_links(self) -> str:
        """The bridges of a group, and its home agents' cables."""
        lines = []
        for bridge in ("core", "home", "store"):
            lines.append(f"link add {bridge} type bridge mcast_snooping 0")
            lines.append(f"link set {bridge} up")
            for agent in GROUP_NUMBERS:
                lines.append(
                    f"link add {agent}-{bridge} type veth "
                    f"peer name {bridge}0 netns {self.namespace(agent)}"
                )
                lines.append(f"link set {agent}-{bridge} master {bridge} up")
        lines += ["link set up-core master core", "link set up-home master home"]
        lines.append(f"addr add {GROUP_HOST}/64 dev home nodad")
        lines.append(f"addr add {GROUP_STORE}/64 dev store nodad")
        # What moves with the service, see etc/group/keepalived.conf.
        lines.append("route add default via fe80::61 dev home")
        return "\n".join(lines) + "\n"

    def _group_addresses(self, agent: str) -> list[str]:
        number = GROUP_NUMBERS[agent]
        lines = []
        for dev, prefix in (("core0", "2001:db8:c0:1::"), ("home0", PREFIXES["ha1"]),
                            ("store0", "2001:db8:e::")):
            lines.append(f"link set {dev} up")
            lines.append(f"addr add {prefix}{number:x}/64 dev {dev} nodad")
        lines.append("route add default via 2001:db8:c0:1::1")
        lines.append(neighbour("2001:db8:c0:1::1", mac(0xC0, 1), "core0"))
        return lines

    def _stranger_link(self) -> str:
        return (
            f"link add stranger type veth peer name eth0 netns {self.namespace('stranger')}\n"
            "link set stranger up\n"
            f"addr add {STRANGER_ROUTER}/64 dev stranger nodad\n"
        )

    def _addresses(self, node: str) -> str:
        lines = ["link set lo up"]
        for _port, owner, interface, _address in self._interfaces():
            if owner == node:
                lines.append(f"link set {interface} up")
        if node == "core":
            for router in self.routers:
                number = NUMBERS[router]
                lines.append(f"addr add 2001:db8:c0:{number}::1/64 dev {router} nodad")
                if router in PREFIXES:
                    lines.append(f"route add {PREFIXES[router]}/64 via 2001:db8:c0:{number}::2")
                if not self._is_group(router):
                    lines.append(neighbour(f"2001:db8:c0:{number}::2", mac(0xA0, number), router))
        elif self._is_group(node):
            lines += self._group_addresses(node)
        elif node in self.routers:
            number = NUMBERS[node]
            lines.append(f"addr add 2001:db8:c0:{number}::2/64 dev core0 nodad")
            if node in PREFIXES:
                address = f"{router_address(node)}/64"
                lines.append(f"addr add {address} dev {access_interface(node)} nodad")
            lines.append(f"route add default via 2001:db8:c0:{number}::1")
            lines.append(neighbour(f"2001:db8:c0:{number}::1", mac(0xC0, number), "core0"))
        elif node == "stranger":
            lines.append("link set eth0 up")
            lines.append(f"addr add {STRANGER_ADDRESS}/64 dev eth0 nodad")
            lines.append(f"route add default via {STRANGER_ROUTER}")
        elif node == "mn2" and self.options.static_peer:
            lines.append(f"addr add {STATIC_ADDRESS}/64 dev wl0 nodad")
        return "\n".join([*lines, *self._ipv4(node)]) + "\n"

    def _ipv4(self, node: str) -> list[str]:
        """Of the core, of home agents, and of networks that have it."""
        if not self.options.networks:
            return []
        having = [r for r in self.routers if r in HOME_OF.values() or is_ipv4(r)]
        lines = []
        for router in having if node == "core" else []:
            number = NUMBERS[router]
            lines.append(f"addr add {networks.core_ipv4(number, 1)}/30 dev {router}")
            lines.append(neighbour(networks.core_ipv4(number, 2), mac(0xA0, number), router))
            if is_ipv4(router) and not NETWORKS[router].nat:
                link = f"{NETWORKS[router].ipv4}.0/24"
                lines.append(f"route add {link} via {networks.core_ipv4(number, 2)}")
        if node in having:
            number, core = NUMBERS[node], networks.core_ipv4(NUMBERS[node], 1)
            lines.append(f"addr add {networks.core_ipv4(number, 2)}/30 dev core0")
            lines.append(neighbour(core, mac(0xC0, number), "core0"))
            lines.append(f"route add default via {core}")
        if node in having and is_ipv4(node):
            lines.append(f"addr add {NETWORKS[node].ipv4}.1/24 dev {access_interface(node)}")
        return lines

    def _offloads(self, node: str) -> str:
        """So that captures show packets as they are on a wire."""
        names = [entry[2] for entry in self._interfaces() if entry[1] == node]
        return "\n".join(f"ethtool -K {n} tx off tso off gso off gro off >/dev/null" for n in names)

    def _start_emulator(self) -> None:
        commands = [f"port {entry[0]} p-{entry[0]}" for entry in self._interfaces()]
        for link in self.routers:
            commands.append(f"link {link} c-{link} n-{link} {self.parameters(link)}")
        for link in RADIO_LINKS:
            commands.append(
                f"link {link} {link} {access_port(self.first_place(link))} "
                f"{self.parameters(link)}"
            )
        for link in self.options.captures:
            commands.append(f"capture {capture_port(link)} {self.out}/pcap/{link}.pcap")
        (self.out / "pcap").mkdir(parents=True, exist_ok=True)
        self.emulator = Emulator(
            self.namespace("net"),
            self.run_dir / "linkem.sock",
            "\n".join(commands) + "\n",
            self.out / "logs" / "linkem.log",
            self.options.seed,
        )

    def parameters(self, link: str) -> str:
        loss = self.options.loss_pct.get(link, 0)
        return f"delay={self.options.delay(link):g} loss={loss:g}"

    def first_place(self, mobile: str) -> str:
        if mobile == "mn2" and self.options.static_peer:
            return STATIC_PLACE
        return HOME_OF[mobile]

    def start_radvd(self, router: str, withdrawn: bool = False) -> None:
        conf = self.run_dir / f"radvd-{router}.conf"
        conf.write_text(radvd_conf(router, withdrawn))
        argv = ["radvd", "-n", "-m", "stderr", "-C", str(conf)]
        argv += ["-p", str(self.run_dir / f"radvd-{router}.pid")]
        log = self.out / "logs" / f"radvd-{router}.log"
        child = Child(f"radvd of {router}", self.inside(router, argv), log)
        self.advertisers[router] = child
        self.children.append(child)

    # ---- Using ------------------------------------------------------------------------------

    def check(self) -> None:
        """Raises when something that has to run has ended."""
        for child in self.children:
            child.check()
        if self.emulator is not None:
            self.emulator.child.check()

    def move(self, places: dict[str, str]) -> float:
        """Moves mobile nodes to routers, all in the same instant; returns the time of day."""
        assert self.emulator is not None
        steps = [f"move {m} {access_port(r)} down={CARRIER_GAP_MS}" for m, r in places.items()]
        cut = self.emulator.command("; ".join(steps))
        if self.options.networks:
            for mobile, router in places.items():
                self._lease_ipv4(mobile, router)
        return cut

    def _lease_ipv4(self, mobile: str, router: str) -> None:
        """What a DHCP client does about a move, without its messages: the address of the network
        before goes with the carrier, the new one comes when the carrier is back."""
        ip = ["ip", "-n", self.namespace(mobile)]
        run([*ip, "-4", "addr", "flush", "dev", "wl0"])
        if not is_ipv4(router):
            return
        wait_until(
            f"the carrier of {mobile}",
            lambda: "LOWER_UP" in run([*ip, "-o", "link", "show", "dev", "wl0"]),
            5,
            poll_s=0.005,
            check=self.check,
        )
        address = networks.node_ipv4(router, 1 + MOBILES.index(mobile))
        lines = f"addr add {address}/24 dev wl0\nroute add default via {NETWORKS[router].ipv4}.1\n"
        run([*ip, "-batch", "-"], lines)

    def change_mappings(self, router: str) -> float:
        """Has a NAT forget what it knows; returns the time of day."""
        when = time.time()
        run(self.inside(router, [sys.executable, "-m", "bublab.networks"]))
        return when

    def _stop_radvd(self, router: str) -> None:
        child = self.advertisers.pop(router)
        self.children.remove(child)
        child.stop()

    def stop_ipv6(self, router: str, mobile: str) -> float:
        """The router takes back what it has announced (RFC 4861, 6.2.5), and is silent when @mobile
        has heard it; returns the time of day."""
        self._stop_radvd(router)
        when = time.time()
        self.start_radvd(router, withdrawn=True)
        ip = ["ip", "-6", "-n", self.namespace(mobile), "route", "show", "default", "dev", "wl0"]
        address = f"via fe80::ff:fe00:a1{NUMBERS[router]:02x} "  # others may be there from before
        wait_until(
            f"{mobile} to hear that {router} is no router",
            lambda: address not in run(ip),
            5,
            check=self.check,
        )
        self._stop_radvd(router)
        interface = access_interface(router)
        networks.load_firewall(self.inside(router, []), networks.silence(interface))
        return when

    def start_ipv6(self, router: str) -> float:
        networks.load_firewall(self.inside(router, []), "delete table ip6 silence\n")
        when = time.time()
        self.start_radvd(router)
        return when

    def wait_addresses(self, timeout_s: float = 5) -> None:
        """Until every mobile node has an address at the place where it is, and a router."""
        for mobile in MOBILES:
            place = self.first_place(mobile)
            wait_until(
                f"an address of {mobile} on the link of {place}",
                lambda m=mobile, p=place: self._has_address(m, p),
                timeout_s,
                check=self.check,
            )

    def _has_address(self, mobile: str, place: str) -> bool:
        ip = ["ip", "-6", "-n", self.namespace(mobile)]
        static = mobile == "mn2" and self.options.static_peer
        address = STATIC_ADDRESS if static else care_of_address(mobile, place)
        has = f"inet6 {address}/" in run([*ip, "addr", "show", "dev", "wl0", "-tentative"])
        return has and "default" in run([*ip, "route", "show", "dev", "wl0"])

    # ---- Taking down ------------------------------------------------------------------------

    def close(self) -> None:
        """Stops what was started and removes the namespaces; safe to call twice."""
        for child in self.children:
            child.stop()
        self.children = []
        try:
            if self.emulator is not None:
                self.emulator.close()
        finally:
            self.emulator = None
            remains.remove_namespaces(self.prefix)
            shutil.rmtree(self.run_dir, ignore_errors=True)


def require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and needs root")
