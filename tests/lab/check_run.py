# SPDX-License-Identifier: BSD-2-Clause
"""Runs a scenario of the lab and checks its captures with a decoder of their own.

Usage: check_run.py SCENARIO OUT [lab options]; prints TAP.  What is asserted is what the draft and
RFC 6275 say of the wire, not what bubd's logs say: the logs only tell when a handover was.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator

import dpkt

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from decode import (  # noqa: E402
    BA, BU, BUBC, COT, COTI, DESTINATION, DH, ESP, FRAGMENT, HOT, HOTI, ICMPV6, ROUTING, TCP, UDP,
    Address, Key, Packet, is_signed, is_signed_dh, read, read_bub_keys,
)

DISSECTOR = pathlib.Path(__file__).resolve().parents[2] / "extras" / "wireshark" / "bub.lua"
NODES = ("mn1", "mn2")
ALT_CARE_OF, NONCE_INDICES, AUTH, BUB_OPTION, PATH_COOKIE = 3, 4, 5, 18, 240
ALIGNMENT = {2: (2, 0), 3: (8, 6), 4: (2, 0), 5: (8, 2)}  # option: n, remainder (RFC 6275, 6.2)
MESSAGES, DATA, ICMPV4 = 4191, 4500, 1  # ports of home agents; a protocol
SETTLE_S = 1.8  # a handover's messages, a copy that waits for the home agent's DAD included


class Run:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.summary = json.loads((folder / "summary.json").read_text())
        links = self.summary["options"]["delay_ms"]
        self.pcap = {name: read(folder / "pcap" / f"{name}.pcap") for name in links}
        self.home = {
            name: Address(self.summary["nodes"][name]["home_address"])
            for name in NODES
            if self.summary["nodes"].get(name, {}).get("home_address")
        }
        self.agent = {
            name: Address(self.summary["nodes"][name]["home_agent"])
            for name in NODES
            if self.summary["nodes"].get(name, {}).get("home_agent")
        }

    def keys(self, name: str) -> list[Key]:
        """Those of that name that a mobile node logged."""
        paths = [self.folder / "logs" / f"{node}.keys" for node in NODES]
        return [k for k in read_bub_keys(paths) if k.name == name]

    def handovers(self, mode: str) -> list[dict]:
        return [h for h in self.summary["handovers"] if h["mode"] == mode]

    def peer(self, node: str) -> str:
        return "mn2" if node == "mn1" else "mn1"

    def everything(self) -> list[tuple[str, Packet]]:
        return [(name, p) for name, packets in self.pcap.items() for p in packets]


def within(run: Run, link: str, start: float) -> list[Packet]:
    """What passed from a handover on, before the next one began."""
    later = [h["time"] for h in run.summary["handovers"] if h["time"] > start + 0.1]
    end = min([start + SETTLE_S] + [t - 0.02 for t in later])
    return [p for p in run.pcap[link] if start - 0.005 <= p.time < end]


def check_mobility_headers(run: Run) -> None:
    seen = 0
    for link, p in run.everything():
        if p.mobility is None:
            continue
        seen += 1
        assert p.mobility.checksum_good, f"{link}: checksum of MH type {p.mobility.kind}"
        for kind, at, _ in p.mobility.options:
            n, rest = ALIGNMENT.get(kind, (1, 0))
            assert at % n == rest, f"{link}: option {kind} at {at}"
    assert seen > 0, "no mobility message in any capture"


def check_extension_headers(run: Run) -> None:
    both = 0
    for link, p in run.everything():
        if p.hao is not None:
            assert p.hao_at % 8 == 6, f"{link}: Home Address option at {p.hao_at}"
        if p.hao is not None and p.rh2 is not None:
            both += 1
            assert p.chain.index(ROUTING) < p.chain.index(DESTINATION), f"{link}: RH2 after HAO"
    if run.handovers("bub"):
        assert both > 0, "no packet with both headers"


def check_only_esp_with_home_agents(run: Run) -> None:
    for node in run.agent:
        for p in run.pcap[node]:
            if run.agent[node] not in (p.src, p.dst) or p.upper_proto == ICMPV6:
                continue
            # Data that is sent through the tunnel meanwhile may be cut behind its encryption.
            carries = p.upper[0] if p.upper_proto == FRAGMENT else p.upper_proto
            assert carries == ESP, f"{node}: {p.src} -> {p.dst} next header {carries}"


def check_data_checksums(run: Run) -> None:
    from decode import checksum

    for node in NODES:
        for p in run.pcap[node]:
            # The direct path in UDP has none of its own (docs/protocol.md, 7.8): a packet is in it.
            if p.upper_proto == UDP and p.upper[6:8] == b"\0\0" and p.upper[8] >> 4 == 6:
                continue
            if p.upper_proto in (TCP, UDP):
                good = checksum(p.home_src, p.home_dst, p.upper_proto, p.upper) == 0
                assert good, f"{node}: checksum of {p.home_src} -> {p.home_dst} at {p.time}"


def check_bub_update(p: Packet) -> None:
    assert p.mobility is not None
    assert p.mobility.bu_flags & 0x8000, "A is not set"
    assert not p.mobility.bu_flags & 0x4000, "H is set"
    assert p.mobility.option(ALT_CARE_OF) is None, "alternate care-of address"
    assert p.mobility.option(NONCE_INDICES) is None, "nonce indices"
    assert len(p.mobility.option(AUTH) or b"") == 12, "no Binding Authorization Data"


def mobile_messages(packets: list[Packet], kind: int, home_src: Address) -> list[Packet]:
    return [
        p for p in packets
        if p.mobility is not None and p.mobility.kind == kind and p.home_src == home_src
    ]


def proofs(run: Run, link: str, start: float) -> list[Packet]:
    """CoT under Kabm: what proves a new care-of address (docs/protocol.md, 7.2)."""
    return [
        p for p in within(run, link, start)
        if p.mobility is not None and p.mobility.kind == COT and p.mobility.option(AUTH) is not None
    ]


def check_proof(run: Run, node: str, start: float, answer: Packet) -> None:
    """The cookie of the acknowledgement goes back, once; from home there is nothing to prove."""
    cookie = answer.mobility.option(PATH_COOKIE)
    back = [p for p in proofs(run, node, start) if p.src == answer.dst]
    if answer.dst == run.home[node]:
        assert cookie is None and not back, f"{node}: a path cookie at home"
        return
    assert cookie is not None, f"{node}: no path cookie"
    assert len(back) == 1, f"{node}: {len(back)} proofs"
    assert back[0].dst == answer.src and back[0].mobility.octets[8:16] == cookie


def check_mover(run: Run, node: str, start: float, copies: bool, alone: bool) -> None:
    """One Binding Update through both home agents, one acknowledgement straight back."""
    peer = run.peer(node)
    agent_link = "ha" + node[-1]
    backhaul = [
        p for p in mobile_messages(within(run, agent_link, start), BU, run.home[node])
        if p.dst == run.home[peer]
    ]
    assert len(backhaul) == 1, f"{node}: {len(backhaul)} Binding Updates left {agent_link}"
    assert backhaul[0].rh2 is None
    if backhaul[0].src != run.home[node]:
        assert backhaul[0].hao == run.home[node]
    check_bub_update(backhaul[0])
    assert any(
        p.mobility.octets == backhaul[0].mobility.octets
        for p in mobile_messages(within(run, "ha" + peer[-1], start), BU, run.home[node])
    ), "the Binding Update did not come by the peer's home agent"
    direct = mobile_messages(within(run, node, start), BU, run.home[node])
    direct = [p for p in direct if p.rh2 == run.home[peer]]
    if not copies:
        assert not direct, f"{node}: a direct copy although it is off"
    elif alone:
        assert len(direct) == 1, f"{node}: {len(direct)} direct copies"
    for p in direct:
        assert p.mobility.octets == backhaul[0].mobility.octets, "the copy has other octets"
    answers = mobile_messages(within(run, node, start), BA, run.home[peer])
    answers = [p for p in answers if p.dst == backhaul[0].src]
    assert len(answers) == 1, f"{node}: {len(answers)} acknowledgements"
    assert answers[0].mobility.sequence == backhaul[0].mobility.sequence
    check_proof(run, node, start, answers[0])


def check_bub_handovers(run: Run) -> None:
    copies = run.summary["options"]["direct_copy"]
    for h in run.handovers("bub"):
        for node in h["nodes"]:
            check_mover(run, node, h["time"], copies, len(h["nodes"]) == 1)
        for link in run.pcap:
            allowed = proofs(run, link, h["time"])
            for p in within(run, link, h["time"]):
                kind = p.mobility.kind if p.mobility else None
                if kind in (HOTI, COTI, HOT, COT) and p not in allowed:
                    raise AssertionError(f"{link}: MH type {kind} in a handover")


def check_sequence_numbers(run: Run) -> None:
    for node in NODES:
        numbers: list[int] = []
        for p in mobile_messages(run.pcap["ha" + node[-1]], BU, run.home[node]):
            if p.mobility.option(NONCE_INDICES) is None and p.dst == run.home[run.peer(node)]:
                numbers.append(p.mobility.sequence)
        for before, after in zip(numbers, numbers[1:]):
            assert (after - before) % 65536 == 1, f"{node}: {before} and then {after}"


def check_bubc_signature(run: Run, p: Packet, coti: Packet) -> None:
    """Kbm over the initiator's care-of address and the responder's home address (draft, 5.1;
    docs/protocol.md, 3.4)."""
    assert p.hao is not None
    assert len(p.mobility.option(AUTH) or b"") == 12, "not signed"
    initiator = next(home for home in run.home.values() if home != p.hao)
    mine = [k.octets for k in run.keys("Kbm") if (k.local, k.peer) == (initiator, p.hao)]
    assert any(is_signed(p.mobility, key, coti.src, p.hao) for key in mine), "no Kbm signed it"
    # The addresses are covered: nobody else's would do.
    assert not any(is_signed(p.mobility, key, initiator, p.hao) for key in mine)
    assert not any(is_signed(p.mobility, key, coti.src, p.src) for key in mine)


def check_authenticators(run: Run) -> None:
    """Binding Updates, Acknowledgements and signed tests between the two: by a key that was logged,
    over the care-of address and the home address of the node that was asked (RFC 6275, 6.2.7)."""
    keys = [k.octets for k in run.keys("Kbm") + run.keys("Kabm")]
    homes = set(run.home.values())
    seen = dict.fromkeys((BU, BA), 0)
    for link, p in run.everything():
        m = p.mobility
        if m is None or m.kind not in (BU, BA, COTI, COT) or m.option(AUTH) is None:
            continue
        asks = m.kind in (BU, COTI)
        if not {p.home_src, p.home_dst} & homes or (m.kind == BU and m.bu_flags & 0x4000):
            continue
        care_of = p.src if asks else p.dst
        if m.kind == BA and p.dst in homes and p.rh2 is None and p.hao is None:
            continue  # through the home agents: does not name the care-of address
        asked = p.home_dst if asks else p.home_src
        candidates = homes if asked not in homes else {asked}
        assert any(is_signed(m, key, care_of, a) for key in keys for a in candidates), (
            f"{link}: MH type {m.kind} of {p.home_src} at {p.time} was signed by no logged key")
        if m.kind in seen:
            seen[m.kind] += 1
    assert all(seen.values()), f"signed messages seen: {seen}"


def check_dh_signatures(run: Run) -> None:
    """First(96, HMAC_SHA1(Kbm, DH_Message | BUB cookie)) (draft, 5.1)."""
    cookies = [bytes(8)] + [
        p.mobility.octets[16:24] for _, p in run.everything()
        if p.mobility is not None and p.mobility.kind == BUBC
    ]
    keys = [k.octets for k in run.keys("Kbm") + run.keys("Kabm")]
    for link, p in run.everything():
        if p.mobility is not None and p.mobility.kind == DH:
            good = any(is_signed_dh(p.mobility, k, c) for k in keys for c in cookies)
            assert good, f"{link}: DH{p.mobility.octets[6]} at {p.time}"


def check_bub_complete(run: Run) -> None:
    found = 0
    for node in NODES:
        packets = run.pcap[node]
        for at, p in enumerate(packets):
            if p.mobility is None or p.mobility.kind != BUBC or p.home_dst == run.home[node]:
                continue
            cookie = p.mobility.octets[8:16]
            before = [q for q in packets[:at] if q.mobility is not None]
            asked = [q for q in before if q.mobility.kind == COTI and q.mobility.octets[8:16] == cookie]
            tested = [q for q in before if q.mobility.kind == COT and q.mobility.octets[8:16] == cookie]
            assert asked and tested, f"{node}: BUB Complete before its CoT"
            assert (p.src, p.dst) == (tested[0].src, tested[0].dst), "not on the path of the CoT"
            assert p.dst == asked[0].src
            assert p.hao in run.home.values(), "no Home Address option"
            check_bubc_signature(run, p, asked[0])
            found += 1
    assert found >= 2, "BUB Complete was not seen at both ends"


def check_dh(run: Run) -> None:
    seen: dict[int, list[tuple[str, Packet]]] = {1: [], 2: [], 3: [], 4: []}
    for link, p in run.everything():
        if p.mobility is not None and p.mobility.kind == DH:
            seen[p.mobility.octets[6]].append((link, p))
    assert all(seen.values()), f"DH messages seen: {[k for k, v in seen.items() if v]}"
    direct = [p for link, p in seen[2] if link in NODES and p.hao is not None]
    through = [p for link, p in seen[2] if link in ("ha1", "ha2") and p.hao is None]
    assert direct and through, "DH2 did not take two paths"
    assert {p.mobility.without_checksum for p in direct} == {
        p.mobility.without_checksum for p in through
    }, "the copies of DH2 differ"
    for number in (1, 3, 4):
        for _, p in seen[number]:
            assert p.dst in run.home.values() and p.hao in run.home.values(), f"DH{number}: path"


def is_at_home(run: Run, link: str, time: float) -> bool:
    """Whether the mobile node of that home link was on it."""
    node = {"ha1": "mn1", "ha2": "mn2"}[link]
    places = [h["places"][node] for h in run.summary["handovers"]
              if node in h["places"] and h["time"] < time]
    return places[-1:] == [link]


def check_direct_data(run: Run) -> None:
    """Between handovers nothing but signalling goes by the home agents; the direct path of a mobile
    node that is at home crosses its home link."""
    times = [h["time"] for h in run.summary["handovers"]]
    first = run.handovers("bub") and run.handovers("bub")[0]["time"]
    if not first:
        return
    for link in ("ha1", "ha2"):
        for p in run.pcap[link]:
            if p.upper_proto not in (TCP, UDP) or p.time < first - 0.5:
                continue
            if any(t - 1.0 < p.time < t + 2.5 for t in times):
                continue
            if (p.hao or p.rh2) and is_at_home(run, link, p.time):
                continue
            raise AssertionError(f"{link}: data at {p.time} although no handover is near")


def check_sizes(run: Run) -> None:
    """Connections know the MTU of the path that they are on, but for a packet that was under way."""
    for name in NODES:
        too_big = run.summary["nodes"][name]["counters"]["data"]["data-too-big"]
        assert too_big <= 20, f"{name}: {too_big} packets were too big for their path"


def check_counts(run: Run) -> None:
    """The event logs and the captures tell of the same messages."""
    for h in run.summary["handovers"]:
        for which in ("messages_peer", "messages_home"):
            logged, captured = h[which], h["captured_" + which]
            assert logged == captured, f"{h['label']}: {which} {logged}, captured {captured}"


def check_no_bub(run: Run) -> None:
    for link, p in run.everything():
        assert p.mobility is None or p.mobility.kind not in (BUBC, DH), f"{link}: BUB message"
        if p.mobility is not None and p.mobility.kind in (HOT, COT):
            answer = p.mobility.option(BUB_OPTION)
            assert answer in (None, b"\x02"), f"{link}: BUB option {answer!r}"
    assert not run.handovers("bub")
    assert run.handovers("ro"), "no handover in route optimisation"


def check_tshark_reads_all(run: Run) -> None:
    """With the logged keys and bub's own dissector nothing is malformed, no signature is wrong, and
    the streams are not taken for other things."""
    if shutil.which("tshark") is None:
        return
    wrong = "_ws.malformed or _ws.expert.severity >= error or (udp and not data and not icmpv6)"
    key_logs = sorted((run.folder / "logs").glob("*.keys"))
    with tempfile.TemporaryDirectory() as home:
        table = pathlib.Path(home, "wireshark", "esp_sa")
        table.parent.mkdir()
        table.write_text("".join(p.read_text() for p in key_logs))
        for name in run.pcap:
            path = run.folder / "pcap" / f"{name}.pcap"
            command = ["tshark", "-o", "esp.enable_encryption_decode:TRUE", "-r", path]
            command += ["-X", f"lua_script:{DISSECTOR}"]
            command += ["-o", "bub.keys:" + ":".join(str(p) for p in key_logs)]
            read_by = subprocess.run(
                [*command, "-Y", wrong], env={**os.environ, "XDG_CONFIG_HOME": home},
                capture_output=True, text=True, check=False,
            )
            assert read_by.returncode == 0, read_by.stderr
            assert read_by.stdout == "", f"{path}: {read_by.stdout.splitlines()[0]}"
            assert "bub.lua" not in read_by.stderr, read_by.stderr


COMMON = (
    check_mobility_headers, check_extension_headers, check_only_esp_with_home_agents,
    check_data_checksums, check_sizes, check_counts, check_tshark_reads_all,
)
BUB = (
    check_bub_handovers, check_sequence_numbers, check_bub_complete, check_dh, check_direct_data,
    check_authenticators, check_dh_signatures,
)
def check_stranger(run: Run) -> None:
    """Nothing that nobody signs may worsen a path that works."""
    stranger = run.summary["stranger"]
    assert stranger["sent_packets"] > 200, stranger
    for node, share in run.summary["direct_share"].items():
        assert share > 0.99, f"{node} got {share:.1%} of its data on the direct path"
    later = run.summary["handovers"][1:]
    for h in later:
        assert h["mode"] == "bub", f"{h['label']}: told in {h['mode']} mode"
    excess = sorted(h["gap_ms"] - h["bound_ms"] for h in later)
    # On a quiet machine it is a few milliseconds; a budget that strangers had spent costs hundreds.
    assert excess[len(excess) // 2] < 100, f"ms above the bound: {excess}"
    assert stranger["received_octets"] <= stranger["sent_octets"], stranger


def ipv4_frames(path: pathlib.Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for _when, frame in dpkt.pcap.Reader(file):
            if frame[12:14] == b"\x08\x00":
                yield frame[14:]


def check_ipv4(run: Run) -> None:
    """Over IPv4 there is nothing but UDP at the home agents' ports, with good lengths (RFC 5555, 4.1;
    RFC 3948); both ways, and messages as well as data."""
    ports: dict[int, int] = {}
    for link in ("nat1", "nat2", "ipv4", "dual"):
        path = run.folder / "pcap" / f"{link}.pcap"
        for octets in ipv4_frames(path) if path.exists() else ():
            if octets[9] == ICMPV4:  # the end of a mapping
                continue
            assert octets[9] == UDP, f"{link}: IPv4 protocol {octets[9]}"
            if octets[6] & 0x1F or octets[7]:
                continue  # a later fragment
            source, target, length = struct.unpack_from("!HHH", octets, 20)
            whole = not octets[6] & 0x20
            assert not whole or length == len(octets) - 20, f"{link}: UDP of {length} octets"
            known = {source, target} & {MESSAGES, DATA}
            assert known, f"{link}: UDP from {source} to {target}"
            ports[source] = ports.get(source, 0) + 1
            ports[target] = ports.get(target, 0) + 1
    for port in (MESSAGES, DATA):
        assert ports.get(port, 0) > 1, f"nothing at port {port}: {ports}"


def check_gaps(run: Run) -> None:
    """Whatever the network: data is back as soon as after other moves, the median of them."""
    moves = [h for h in run.summary["handovers"] if h["with_traffic"] and not h["in_vain"]]
    excess = sorted(h["gap_ms"] - h["bound_ms"] for h in moves)
    assert excess[len(excess) // 2] < 100, f"ms above the bound: {excess}"
    for change in run.summary.get("mappings", []):
        assert change["silence_ms"] is not None, change


def check_esp_numbers(run: Run) -> None:
    """Whichever home agent serves: under one SPI the numbers rise (RFC 4303, 3.3.3)."""
    last: dict[int, int] = {}
    for p in run.pcap["mn1"]:
        if p.upper_proto == ESP:
            spi, number = struct.unpack_from("!II", p.upper)
            before = last.get(spi, 0)
            assert number > before, f"SPI {spi:08x}: {number} after {before} at {p.time}"
            last[spi] = number
    assert len(last) >= 4, f"SPIs: {last}"  # messages and data, both ways


def check_direct_while_dead(run: Run) -> None:
    """While nobody serves, data between the mobile nodes goes on, without a detour."""
    quiet = next(one for one in run.summary["take_overs"] if not one["moved"])
    start = run.summary["started"] + run.summary["marks"]["killed"]
    for node in NODES:
        direct = [p for p in run.pcap[node]
                  if start < p.time < start + 1 and p.rh2 == run.home[node] and p.upper_proto == UDP]
        # A hundred a second; some are cut into the next second where a machine is late.
        assert len(direct) > 80, f"{node}: {len(direct)} packets on the direct path, {quiet}"


# What goes natively and in UDP at the same time is counted twice, and tshark's words for ESP in UDP
# are others.
NETWORKS = tuple(
    c for c in COMMON
    if c not in (check_only_esp_with_home_agents, check_counts, check_tshark_reads_all)
) + (check_gaps,)

CHECKS: dict[str, tuple[Callable[[Run], None], ...]] = {
    "handover": COMMON + BUB,
    "double-jump": COMMON + BUB,
    "double-jump-ro": COMMON + (check_no_bub,),
    "first-contact": COMMON + BUB,
    # The stranger's messages in the peer's name blur the counts at the edges of a handover.
    "under-attack": tuple(c for c in COMMON if c is not check_counts) + (check_stranger,),
    "static-peer": COMMON + (check_no_bub,),
    "stock-peer": COMMON + (check_no_bub,),
    # Key agreement goes in UDP to the home agent, and TShark is not told all keys of a group.
    "home-agent-dies": (
        check_mobility_headers, check_extension_headers, check_data_checksums, check_sizes,
        check_bub_complete, check_dh, check_direct_data, check_authenticators, check_dh_signatures,
        check_esp_numbers, check_direct_while_dead,
    ),
    "any-network": NETWORKS + (check_ipv4,),
    "family-switch": NETWORKS + (check_ipv4,),
    "ipv4-only": NETWORKS + (check_ipv4,),
    "nat": NETWORKS + (check_ipv4,),
    "no-eh": NETWORKS,
    "no-esp": NETWORKS,
    "udp-blocked": NETWORKS,
}


def main(scenario: str, out: str, extra: list[str]) -> int:
    lab = [sys.executable, "-m", "bublab", "run", scenario, "--out", out, "--replace", *extra]
    ran = subprocess.run(lab, capture_output=True, text=True, check=False)
    checks = CHECKS[scenario]
    print(f"1..{len(checks) + 1}")
    for line in (ran.stdout + ran.stderr).splitlines()[-25:]:
        print(f"# {line}")
    print(f"{'ok' if ran.returncode == 0 else 'not ok'} 1 - the scenario passes")
    if ran.returncode != 0:
        return 1
    run = Run(pathlib.Path(out))
    failed = 0
    for number, check in enumerate(checks, 2):
        try:
            check(run)
            print(f"ok {number} - {check.__name__}")
        except AssertionError as error:
            failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1].lineno
            print(f"not ok {number} - {check.__name__}\n# line {where}: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
