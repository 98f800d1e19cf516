# SPDX-License-Identifier: BSD-2-Clause
"""The scenarios.  Each step waits for the thing itself; a step that does not come about fails the
run with the name of what was waited for."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from .daemons import BubOptions
from .networks import NETWORKS
from .session import Session

DOUBLE_JUMPS = 5
# Where mn1 goes when its home agent dies, until one of its Binding Updates found nobody there.
IN_FLIGHT_PLACES = ("ar1b", "ar1a", "ar1b", "ar1a", "ar1b")
ATTACKED_ROUNDS = 3  # of one move of each node and one of both


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    summary: str
    run: Callable[[Session], None]
    bub: BubOptions = dataclasses.field(default_factory=BubOptions)
    stranger: bool = False  # a host that attacks is part of the internet
    networks: tuple[str, ...] = ()  # of networks.py, that are part of the internet


def reach(session: Session, mode: str) -> None:
    """Until both nodes are in a mode; they test each other for BUB as soon as both are away."""
    for node in ("mn1", "mn2"):
        session.wait_mode(node, mode)
    session.mark(mode)
    session.settle()


def reach_bub(session: Session) -> None:
    reach(session, "bub")


def handover(session: Session) -> None:
    session.start()
    session.start_traffic()
    session.move(mn1="ar1a")
    session.wait_mode("mn1", "ro")
    session.move(mn2="ar2a")
    reach_bub(session)
    session.move(mn1="ar1b")
    session.move(mn2="ar2b")
    session.move(mn1="ar1a", mn2="ar2a")
    session.move(mn1="ha1")
    session.move(mn1="ar1b")
    session.stop()


def double_jump(session: Session) -> None:
    double_jumps(session, "bub")


def double_jump_ro(session: Session) -> None:
    double_jumps(session, "ro")


def double_jumps(session: Session, mode: str) -> None:
    session.start()
    session.start_traffic()
    session.move(mn1="ar1a", mn2="ar2a")
    reach(session, mode)
    for number in range(1, DOUBLE_JUMPS + 1):
        side = "b" if number % 2 == 1 else "a"
        session.move(mn1=f"ar1{side}", mn2=f"ar2{side}")
    session.stop()


def first_contact(session: Session) -> None:
    session.start()
    session.move(mn1="ar1a", mn2="ar2a")
    session.start_traffic(wait=False)
    start = time.time()
    session.settle()
    for node in ("mn1", "mn2"):
        session.wait_event(
            f"{node} to register with its peer",
            start - 1,
            lambda e, n=node: e.node == n
            and e.is_message("Binding Acknowledgement")
            and e.kind == "received"
            and session.names(e.get("peer")).startswith("mn"),
        )
    reach_bub(session)
    session.move(mn1="ar1b")
    session.stop()


def under_attack(session: Session) -> None:
    session.start()
    session.start_traffic()
    session.attack(session.attack_name)
    session.move(mn1="ar1a", mn2="ar2a")
    reach_bub(session)
    for _ in range(ATTACKED_ROUNDS):
        session.move(mn1="ar1b")
        session.move(mn2="ar2b")
        session.move(mn1="ar1a", mn2="ar2a")
    session.mark("end")
    session.end_attack()
    session.stop()


def static_peer(session: Session) -> None:
    session.start()
    session.start_traffic()
    session.move(mn1="ar1a")
    session.wait_mode("mn1", "ro")
    session.settle()
    for place in ("ar1b", "ar1a", "ar1b"):
        session.move(mn1=place)
    session.stop()


def stock_peer(session: Session) -> None:
    session.start()
    session.start_traffic()
    session.move(mn1="ar1a")
    session.move(mn2="ar2a")
    session.wait_event(
        "the BUB test that mn1 launches to fail",
        session.handovers[0].cut,
        lambda e: e.node == "mn1"
        and e.kind == "state"
        and e.get("machine") == "bub-test"
        and e.get("to") == "failed",
        timeout_s=45,
    )
    session.mark("test failed")
    for node in ("mn1", "mn2"):
        session.wait_mode(node, "ro")
    session.move(mn1="ar1b")
    session.move(mn2="ar2b")
    session.move(mn1="ar1a")
    session.stop()


# ---- Other networks (networks.py) ----------------------------------------------------------------


def away_in_bub(session: Session) -> None:
    """Both in plain networks, in BUB mode: where a walk begins."""
    session.start()
    session.start_traffic()
    session.move(mn1="ar1a", mn2="ar2a")
    reach_bub(session)


def there_and_back(session: Session, network: str) -> None:
    """Twice: the second time it is known.  And straight from home."""
    away_in_bub(session)
    for plain in ("ar1b", "ar1a"):
        session.try_move(mn1=network)
        session.try_move(mn1=plain)
    session.try_move(mn1="ha1")
    session.try_move(mn1=network)
    session.try_move(mn1="ar1b")
    session.stop()


def nat(session: Session) -> None:
    away_in_bub(session)
    session.try_move(mn1="nat1")
    session.change_mappings("nat1")
    session.try_move(mn2="nat2")
    session.try_move(mn1="ar1b")
    session.try_move(mn1="nat1", mn2="ar2b")
    session.try_move(mn1="ha1")
    session.try_move(mn1="nat1")
    session.try_move(mn1="ar1a")
    session.stop()


def ipv4_only(session: Session) -> None:
    there_and_back(session, "ipv4")


def no_esp(session: Session) -> None:
    there_and_back(session, "noesp")


def no_eh(session: Session) -> None:
    there_and_back(session, "noeh")


def udp_blocked(session: Session) -> None:
    away_in_bub(session)
    session.move_in_vain("mn1", "noudp")
    session.try_move(mn1="ar1b")
    session.stop()


def family_switch(session: Session) -> None:
    away_in_bub(session)
    session.try_move(mn1="ipv4")
    session.try_move(mn1="dual")
    session.change_family("mn1", ipv6=False)
    session.change_family("mn1", ipv6=True)
    session.try_move(mn1="nat1")
    session.try_move(mn1="ar1b")
    session.stop()


def any_network(session: Session) -> None:
    away_in_bub(session)
    for place in ("noesp", "ipv4", "noeh", "nat1", "dual"):
        session.try_move(mn1=place)
    session.try_move(mn1="nat1", mn2="nat2")
    session.move_in_vain("mn1", "noudp")
    session.try_move(mn1="noeh", mn2="ar2b")
    session.try_move(mn1="ha1")
    session.try_move(mn1="ipv4")
    session.try_move(mn1="ar1a")
    session.stop()


def home_agent_dies(session: Session) -> None:
    away_in_bub(session)
    group = session.group
    assert group is not None
    group.start_stream()
    session.say(f"{group.serving()} is killed")
    session.mark("killed")
    died = group.kill(moved=False)
    group.follow(session, died)
    group.revive(died)
    for place in IN_FLIGHT_PLACES:
        session.say(f"{group.serving()} is killed, and mn1 moves")
        died = group.kill(moved=True)
        session.move(mn1=place)
        group.follow(session, died)
        group.revive(died)
        if died.updates > 1:
            break
    session.mark("end")
    session.stop()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "handover",
            "both leave home, reach BUB mode, move one after the other and together",
            handover,
        ),
        Scenario(
            "double-jump",
            f"BUB mode, then {DOUBLE_JUMPS} times both move in the same instant",
            double_jump,
        ),
        Scenario(
            "double-jump-ro",
            "the same moves with BUB switched off at both: route optimisation alone",
            double_jump_ro,
            BubOptions(no_bub=True),
        ),
        Scenario(
            "first-contact",
            "both are away before the first packet between them",
            first_contact,
        ),
        Scenario(
            "under-attack",
            "handovers in BUB mode while a stranger sends what nobody signs (--attack)",
            under_attack,
            stranger=True,
        ),
        Scenario(
            "static-peer",
            "a correspondent that never moves: stays route optimisation",
            static_peer,
            BubOptions(static_peer=True),
        ),
        Scenario(
            "stock-peer",
            "a peer with BUB switched off: the test fails, route optimisation goes on",
            stock_peer,
            BubOptions(stock_peer=True),
        ),
        Scenario(
            "nat",
            "IPv4 behind NATs: one node, then both; the NAT's mappings change",
            nat,
            networks=("nat1", "nat2"),
        ),
        Scenario(
            "ipv4-only",
            "a network with public IPv4 addresses only, twice, and straight from home",
            ipv4_only,
            networks=("ipv4",),
        ),
        Scenario(
            "no-esp",
            "an IPv6 network that drops ESP, twice, and straight from home",
            no_esp,
            networks=("noesp",),
        ),
        Scenario(
            "no-eh",
            "a network that drops extension and Mobility Headers between mobile nodes",
            no_eh,
            networks=("noeh",),
        ),
        Scenario(
            "udp-blocked",
            "a network where nothing but TCP passes: said, and over when it is left",
            udp_blocked,
            networks=("noudp",),
        ),
        Scenario(
            "family-switch",
            "between IPv6 and IPv4 and back, also on one link that loses IPv6",
            family_switch,
            networks=("ipv4", "dual", "nat1"),
        ),
        Scenario(
            "any-network",
            "a walk through all of these networks with one TCP stream",
            any_network,
            networks=tuple(NETWORKS),
        ),
        Scenario(
            "home-agent-dies",
            "the active home agent of a group is killed, in BUB mode and with data in the tunnel",
            home_agent_dies,
            BubOptions(group=True),
        ),
    )
}
