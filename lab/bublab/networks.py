# SPDX-License-Identifier: BSD-2-Clause
"""Visited networks that are not plain IPv6: IPv4 with and without NAT, and firewalls that drop what
bub sends.  Filters and NATs are nftables rules in the access router's namespace.
"""

from __future__ import annotations

import dataclasses
import socket
import struct

from .system import LabError, run

# Nothing but this gets through where UDP is blocked: what a browser needs.
TCP_ONLY = ("meta l4proto != { tcp, ipv6-icmp } counter drop",)
NO_ESP = ("meta l4proto esp counter drop",)
HOME_AGENTS = "{ 2001:db8:1::1, 2001:db8:2::1 }"
NO_EXTENSION_HEADERS = (
    f"ip6 saddr {HOME_AGENTS} accept",
    f"ip6 daddr {HOME_AGENTS} accept",
    "rt type 2 counter drop",
    "exthdr dst exists counter drop",
    "meta l4proto mobility-header counter drop",
)


@dataclasses.dataclass(frozen=True)
class Network:
    """An access router and the link behind it."""

    summary: str
    ipv6: str = ""  # its prefix; "": none
    ipv4: str = ""  # the first three octets of its link; "": none
    nat: bool = False
    rules: tuple[str, ...] = ()  # of what it forwards
    way: bool = True  # is there any to a home agent?

    @property
    def direct(self) -> bool:
        """Is there a path between two mobile nodes, without home agents?"""
        return bool(self.ipv6) and self.way


# Names are short: interfaces are called after them.
NETWORKS = {
    "nat1": Network("IPv4 behind a NAT", ipv4="192.168.0", nat=True),
    # The same private addresses as behind the other.
    "nat2": Network("IPv4 behind a NAT", ipv4="192.168.0", nat=True),
    "ipv4": Network("IPv4 with public addresses", ipv4="203.0.113"),
    "dual": Network("IPv6, and IPv4 with public addresses", "2001:db8:d::", "192.0.2"),
    "noesp": Network("ESP is dropped", "2001:db8:e::", rules=NO_ESP),
    "noeh": Network(
        "extension and Mobility Headers are dropped, but to and from home agents",
        "2001:db8:f::",
        rules=NO_EXTENSION_HEADERS,
    ),
    "noudp": Network("nothing but TCP passes", "2001:db8:a::", rules=TCP_ONLY, way=False),
}


def direct(router: str) -> bool:
    """Whether a node behind this router, of these or a plain one, can have a direct path."""
    return router not in NETWORKS or NETWORKS[router].direct


def core_ipv4(number: int, end: int) -> str:
    """On a router's link with the core, whose number is the router's; @end: 1 the core, 2 the router."""
    return f"198.51.100.{4 * number + end}"


def node_ipv4(router: str, number: int) -> str:
    """What mn1 (1) or mn2 (2) is given there."""
    return f"{NETWORKS[router].ipv4}.{100 + number}"


def firewall(router: str) -> str:
    """For nft -f; "": none."""
    network, text = NETWORKS[router], ""
    if network.rules:
        lines = "\n".join(network.rules)
        text += (
            "table ip6 lab {\nchain through {\n"
            f"type filter hook forward priority filter; policy accept;\n{lines}\n}}\n}}\n"
        )
    if network.nat:  # another port each time, so a mapping that is lost does not come back the same
        text += (
            "table ip lab {\nchain out {\ntype nat hook postrouting priority srcnat; policy accept;\n"
            'oifname "core0" masquerade random\n}\n}\n'
        )
    return text


def silence(interface: str) -> str:
    """Neither takes nor sends IPv6 there."""
    chains = "".join(
        f"chain {hook} {{\ntype filter hook {hook} priority filter; policy accept;\n"
        f'{side} "{interface}" drop\n}}\n'
        for hook, side in (("input", "iifname"), ("output", "oifname"), ("forward", "iifname"))
    )
    return f"table ip6 silence {{\n{chains}}}\n"


def load_firewall(inside: list[str], text: str) -> None:
    """@inside: how a program is started in the router's namespace."""
    try:
        run([*inside, "nft", "-f", "-"], text)
    except LabError as error:
        raise LabError(
            "this scenario needs nftables with filters for IPv6 extension headers and NAT for IPv4 "
            "(the program nft; CONFIG_NF_TABLES, NFT_NAT, NFT_MASQ, NF_TABLES_IPV6 in the kernel): "
            f"{error}"
        ) from None


# ---- Mappings of a NAT ---------------------------------------------------------------------------

NETLINK_NETFILTER = 12
CONNTRACK_DELETE = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
REQUEST_WITH_ANSWER = 1 | 4  # NLM_F_REQUEST, NLM_F_ACK


def forget_mappings() -> None:
    """Of the namespace that this runs in: what goes out next gets a new port."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
        head = struct.pack("=IHHII", 20, CONNTRACK_DELETE, REQUEST_WITH_ANSWER, 0, 0)
        sock.sendto(head + struct.pack("!BBH", socket.AF_INET, 0, 0), (0, 0))
        error = struct.unpack_from("=i", sock.recv(4096), 16)[0]
    if error:
        raise OSError(-error, "connection tracking did not forget its entries")


if __name__ == "__main__":
    forget_mappings()
