#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ESP between a mobile node and its home agent goes natively or in UDP, whatever gets through
(docs/field.md).  Two daemons, real packets, a router between them with filters of nftables.

        mobile node m          router r                home agent g
          e0 ------------------ e0   e1 ----------------- e0
          2001:db8:b::/64       2001:db8:d::/64           lo: 2001:db8:c::1, a peer's
"""

import os
import re
import socket
import struct
import sys
import tempfile

from linux_common import Failure, captured, main, run, wait_for
from world import AGENT, HOME, VISITED, Tunnel

PEER = "2001:db8:c::1"
AMOUNT = 4 << 20
MESSAGES, DATA = 4191, 4500

NO_ESP = "meta l4proto esp drop"
NO_UDP = "meta l4proto udp drop"


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.r.ip("route", "add", "2001:db8:c::/64", "via", "2001:db8:d::2")
        self.g.ip("addr", "add", f"{PEER}/128", "dev", "lo")

    def nft(self, text):
        """In the router, in place of what was there."""
        with tempfile.NamedTemporaryFile("w") as f:
            f.write("flush ruleset\n" + text)
            f.flush()
            self.r.exec("nft", "-f", f.name)

    def drop(self, *rules):
        self.nft("table ip6 t {\nchain c {\ntype filter hook forward priority 0;\n"
                 + "\n".join(rules) + "\n}\n}\n")

    def carrier(self):
        return (self.mobile.show()["homes"][0]["carrier"] or {}).get("name")

    def of_client(self):
        return self.agent.show()["clients"][0]["carrier"]

    def ping(self, n=20, *options):
        """From the home address to the peer; the number of answers."""
        text = self.m.exec("ping", "-6", "-i", "0.02", "-c", str(n), "-W", "2", "-I", HOME, *options,
                           PEER, check=False)
        return int(re.search(r"(\d+) received", text)[1])

    def whole(self):
        if self.ping() != 20:
            raise Failure(f"lost: {self.said()}")
        self.transfer_both_ways(self.m, self.g, PEER, AMOUNT)

    def said(self):
        return " ".join(f"{d.counters()} {d.tail()}" for d in self.daemons)


def nothing_is_dropped(t):
    """Both are tried, and native ESP is what it stays at; nothing is told of the copies."""
    sock = t.r.capture("e1")
    t.socks.append(sock)
    t.start(True)
    if t.carrier() != "native" or t.mobile.show()["homes"][0]["carrier"]["why"] != "answered first":
        raise Failure(f"{t.mobile.show()['homes'][0]}")
    t.whole()
    wait_for("native ESP at the home agent", lambda: t.of_client()["name"] == "native")
    before = [d.counters()["udp-out"] for d in t.daemons]
    t.whole()
    if before != [d.counters()["udp-out"] for d in t.daemons]:
        raise Failure("something goes in UDP")
    # The mobile node gets a copy as well, unless the home agent has read its next message before the copy
    # of the one before: it keeps one answer for each mobile node.
    if sum(daemon.counters()["carrier-copy"] for daemon in t.daemons) == 0:
        raise Failure(t.said())
    for daemon in t.daemons:
        if daemon.counters()["esp-replay"] != 0:
            raise Failure(f"{daemon.counters()}")
        if "replay" in daemon.tail():
            raise Failure(daemon.tail())


def esp_is_dropped(t):
    t.drop(NO_ESP)
    t.start(True)
    if t.carrier() != "udp":
        raise Failure(t.said())
    t.whole()
    if "ESP in UDP: answered first" not in t.mobile.tail():
        raise Failure(t.mobile.tail())
    wait_for("UDP at the home agent", lambda: t.of_client()["name"] == "udp")


def esp_is_dropped_on_the_way_out(t):
    one_way(t, 'iifname "e0" ' + NO_ESP)


def esp_is_dropped_on_the_way_back(t):
    one_way(t, 'iifname "e1" ' + NO_ESP)


def one_way(t, rule):
    """UDP at the first try all the same."""
    t.drop(rule)
    t.start(True)
    if t.carrier() != "udp" or t.mobile.show()["homes"][0]["sequence"] != first_sequence(t):
        raise Failure(t.said())
    t.whole()


def first_sequence(t):
    """The number of the only Binding Update."""
    return t.agent.show()["clients"][0]["sequence"]


def udp_is_dropped(t):
    t.drop(NO_UDP)
    t.start(True)
    if t.carrier() != "native":
        raise Failure(t.said())
    t.whole()


def both_are_dropped(t):
    """That is said, and healed when one of them gets through."""
    t.drop(NO_ESP, NO_UDP)
    t.start_agent(t.g, "route-optimisation = never\n")
    t.start_mobile(t.m, "route-optimisation = never\n", "first-timeout = 300\n")
    wait_for("bubd", lambda: all(daemon.show() for daemon in t.daemons))
    t.router.advertise(VISITED)

    def home():
        return t.mobile.show()["homes"][0]

    wait_for("what is wrong", lambda: home()["trouble"] is not None)
    why = "neither native ESP nor UDP is answered"
    if home()["carrier"] != {"name": "native", "why": why, "address": None, "port": 0}:
        raise Failure(f"{home()}")
    t.drop(NO_ESP)
    wait_for("a registration", lambda: home()["state"] == "registered")
    if t.carrier() != "udp" or home()["trouble"] is not None:
        raise Failure(f"{home()}")
    t.whole()


def udp_by_configuration(t):
    """With other ports, and without any port of the other kind."""
    t.start(True, top="udp = always\nudp-port = 5191\nudp-esp-port = 5500\n")
    if t.carrier() != "udp" or t.mobile.show()["homes"][0]["carrier"]["port"] != 5500:
        raise Failure(t.said())
    t.whole()


def no_udp_by_configuration(t):
    t.start(True, top="udp = never\n")
    t.whole()
    for daemon in t.daemons:
        if daemon.counters()["udp-out"] != 0:
            raise Failure(f"{daemon.counters()}")
    if any(str(port) in t.g.exec("ss", "-uln") for port in (MESSAGES, DATA)):
        raise Failure("a port is open")


def translate(t, own, care_of, seen, port, ip="ip6"):
    """A translator without memory, so that it can change its mind: @own is the mobile node's port."""
    t.nft(f"""table {ip} t {{
chain out {{
type filter hook postrouting priority 300;
oifname "e1" meta l4proto esp drop
oifname "e1" udp dport {MESSAGES} udp sport set {port} {ip} saddr set {seen}
oifname "e1" udp dport {DATA} udp sport set {port + 1} {ip} saddr set {seen}
}}
chain in {{
type filter hook prerouting priority -300;
iifname "e1" {ip} daddr {seen} udp dport {{ {port}, {port + 1} }} udp dport set {own} {ip} daddr set {care_of}
}}
}}
""")


def own_port(t):
    """The mobile node's UDP port."""
    found = re.search(r"\*:(\d+)", t.m.exec("ss", "-Huln"))
    return int(found[1])


def port_changes(t):
    """A translator's ports, and then its address, are others from one packet to the next, in the
    middle of a connection."""
    t.drop(NO_ESP)
    t.start(True)
    t.whole()
    care_of = t.mobile.show()["homes"][0]["care_of"]
    changes(t, care_of, ((care_of, 20000), (care_of, 30000), ("2001:db8:d::1", 20000)), "ip6")


def translated_ipv6_is_told(t):
    """NAT66: in the log and in the status of the mobile node, and when it is over."""
    t.drop(NO_ESP)
    t.start(True)
    care_of = t.mobile.show()["homes"][0]["care_of"]
    for seen, words in (("2001:db8:d::1", "IPv6 addresses are translated here (NAT66, masquerade)"),
                        (care_of, "found -> none")):
        translate(t, own_port(t), care_of, seen, 20000)
        t.mobile.ask("refresh")
        is_told = seen != care_of
        wait_for("it to be told", lambda told=is_told:
                 (t.mobile.show()["homes"][0]["nat_refresh_s"] is not None) == told)
        if words not in t.mobile.tail():
            raise Failure(t.mobile.tail())
        if t.ping() != 20:
            raise Failure(t.said())


NAT66 = """table ip6 t {
chain c {
type nat hook postrouting priority 100;
oifname "e1" masquerade
}
}
"""


def refused_once(t):
    """The home agent refused what came natively, and nobody heard of it but the counter."""
    home = t.mobile.show()["homes"][0]
    if t.carrier() != "udp" or home["trouble"] is not None or home["nat_refresh_s"] is None:
        raise Failure(t.said())
    if t.mobile.show()["counters"]["drops"]["ba-translated"] != 1:
        raise Failure(t.said())
    log = t.mobile.tail()
    if ("invalid care-of address" in log or "ESP in UDP: native ESP is refused" not in log
            or log.count("none -> found (IPv6 addresses are translated") != 1):
        raise Failure(log)
    t.whole()


def translator_lets_esp_through(t):
    """NAT66: the native Binding Update is refused, and UDP takes over by itself, without a wait."""
    t.nft(NAT66)
    only = "route-optimisation = never\n"
    t.start_agent(t.g, only)
    t.start_mobile(t.m, only, "first-timeout = 30000\n")
    t.register()
    refused_once(t)
    t.mobile.ask("refresh")
    wait_for("another number", lambda: first_sequence(t) == t.mobile.show()["homes"][0]["sequence"])
    refused_once(t)


def translator_comes_later(t):
    """The same where native ESP has worked."""
    t.start(True)
    if t.carrier() != "native":
        raise Failure(t.said())
    t.nft(NAT66)
    t.mobile.ask("refresh")
    wait_for("UDP", lambda: t.carrier() == "udp")
    wait_for("the translator", lambda: t.mobile.show()["homes"][0]["nat_refresh_s"] is not None)
    refused_once(t)


def changes(t, care_of, ways, ip):
    """The first ping after each change is answered."""
    for seen, port in ways:
        translate(t, own_port(t), care_of, seen, port, ip)
        if t.ping() != 20:
            raise Failure(f"{seen} {port}: {t.said()}")
        way = t.of_client()
        if (way["address"], way["port"]) != (seen, port + 1):
            raise Failure(f"{way}, not {seen} {port + 1}")
        t.transfer_both_ways(t.m, t.g, PEER, AMOUNT)
        t.mobile.ask("refresh")
        t.whole()


def is_udp_to(port):
    return lambda p: p[6] == 17 and p[42:44] == struct.pack("!H", port)


def replays_move_nothing(t):
    """What somebody has recorded, sent again from another place and by the other carrier."""
    t.drop(NO_ESP)
    sock = t.r.capture("e0")
    t.socks.append(sock)
    t.start(True)
    message = captured(sock, is_udp_to(MESSAGES))
    raw = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 255))
    t.socks.append(raw)
    raw.sendto(message[48:], (AGENT, 0))
    wait_for("a copy", lambda: t.agent.counters()["carrier-copy"] == 1)
    if t.of_client()["name"] != "udp":
        raise Failure("the copy has moved the tunnel")
    t.whole()
    data = captured(sock, is_udp_to(DATA))
    way, client = t.of_client(), t.agent.show()["clients"][0]
    other = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    t.socks.append(other)
    before = t.agent.counters()["esp-replay"]
    for packet, port in ((message, MESSAGES), (data, DATA)):
        other.sendto(packet[48:], (AGENT, port))
    wait_for("replays", lambda: t.agent.counters()["esp-replay"] >= before + 2)
    if t.of_client() != way or t.agent.show()["clients"][0]["care_of"] != client["care_of"]:
        raise Failure(f"{t.of_client()}, not {way}")
    if t.ping() != 20:
        raise Failure(t.said())


def agent_restarts(t):
    """A home agent that knows where the mobile node is, and not how it gets there, learns it from
    the first packet of data."""
    t.drop(NO_ESP)
    t.start(True)
    t.whole()
    t.agent.stop()
    t.agent.proc = t.g.popen(t.bubd, "-c", t.agent.conf, stderr=t.agent.log)
    wait_for("bubd", t.agent.show)
    if t.of_client()["name"] != "native":
        raise Failure(f"{t.of_client()}")
    if t.ping() != 20 or t.of_client()["name"] != "udp":
        raise Failure(t.said())
    t.whole()


def garbage(t):
    """What is no ESP of anybody here ends in the kernel, by name, and what is good gets through."""
    t.drop(NO_ESP)
    t.start(True)
    s = t.r.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    t.socks.append(s)
    inner = struct.pack("!IHBB", 6 << 28, 40, 50, 64) + bytes(32) + bytes([9] * 40)
    kinds = (("udp-keep-alive-in", DATA, b"\xff"), ("udp-not-esp", DATA, bytes(60)),
             ("udp-unknown-spi", DATA, b"\x09" * 60), ("udp-malformed", DATA, b"\xff\xff"),
             ("udp-malformed", MESSAGES, b"\x09" * 60), ("udp-malformed", MESSAGES, bytes(60)))
    lost = t.agent.counters()["udp-no-esp"]
    s.sendto(bytes(4) + b"BUBK" + bytes(20), (AGENT, DATA))  # what only a mobile node believes
    wait_for("a hint to be counted", lambda: t.agent.counters()["udp-no-esp"] == lost + 1)
    before = t.agent.counters()
    for _ in range(200):
        for _, port, text in kinds:
            s.sendto(text, (AGENT, port))
        for _ in range(5):
            s.sendto(inner, (AGENT, MESSAGES))
    after = t.agent.counters()
    for name in {kind[0] for kind in kinds}:
        expected = 200 * sum(kind[0] == name for kind in kinds)
        if after[name] - before[name] != expected:
            raise Failure(f"{name}: {after[name] - before[name]}, not {expected}")
    if after["udp-limited"] - before["udp-limited"] < 500:
        raise Failure(f"{after}")
    if t.ping() != 20:
        raise Failure(t.said())


def data_without_esp(t):
    """Signalling goes in UDP, data as it is: a filter of ESP has nothing against that."""
    t.drop(NO_ESP)
    t.start(False)
    if t.carrier() != "udp":
        raise Failure(t.said())
    t.whole()


def path_is_smaller(t):
    """What a router says about datagrams is heard, as what it says about native ESP is."""
    t.drop(NO_ESP)
    t.start(True)
    for ns, dev in ((t.r, "e0"), (t.m, "e0")):
        ns.ip("link", "set", dev, "mtu", "1400")
    text = t.g.exec("ping", "-6", "-i", "0.02", "-c", "20", "-W", "2", "-s", "1342", "-I", PEER, HOME)
    if int(re.search(r"(\d+) received", text)[1]) < 18 or not t.agent.counters()["too-big-applied"]:
        raise Failure(t.said())
    if "mtu 1310" not in t.g.ip("-6", "route", "show", HOME):
        raise Failure(t.g.ip("-6", "route"))
    t.whole()


def nobody_listens(t):
    """A home agent without UDP, behind a filter of ESP: the errors that tell are understood."""
    t.drop(NO_ESP)
    only = "route-optimisation = never\n"
    t.start_agent(t.g, only + "udp = never\n")
    t.start_mobile(t.m, only, "first-timeout = 300\n")
    wait_for("bubd", lambda: all(daemon.show() for daemon in t.daemons))
    t.router.advertise(VISITED)
    wait_for("the reason", lambda: t.mobile.show()["homes"][0]["trouble"] == "prohibited")


def decoded(t):
    """What tshark makes of it: ESP on port 4500."""
    name = os.path.join(t.mobile.dir, "udp.pcap")
    with open(name, "wb") as f:
        f.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))  # raw IP
        while True:
            packet = captured(t.decoding, lambda p: p[6] == 17)
            if packet is None:
                break
            f.write(struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet)
    return run("tshark", "-r", name, "-T", "fields", "-e", "udp.dstport", "-e", "esp.spi", "-e",
               "udp.checksum.status", "-o", "udp.check_checksum:TRUE").splitlines()


def others_read_it(t):
    t.drop(NO_ESP)
    t.m.exec("ethtool", "-K", "e0", "tx", "off")  # checksums are there when it is captured
    t.decoding = t.r.capture("e0")
    t.socks.append(t.decoding)
    t.start(True)
    if t.ping() != 20:
        raise Failure(t.said())
    lines = [line.split("\t") for line in decoded(t)]
    data = [line for line in lines if line[0] == str(DATA)]
    if len(data) < 20 or any(not line[1] or line[2] != "1" for line in data):
        raise Failure(f"{lines[:10]}")


# ---- IPv4 (RFC 5555) -----------------------------------------------------------------------------

AGENT4, SEEN4, HERE4 = "192.0.2.2", "192.0.2.1", "10.0.0.10"


def ipv4_only(t, rules="", inside=""):
    """The visited network has IPv4, and nothing else is announced."""
    for ns, dev, address in ((t.r, "e0", "10.0.0.1/24"), (t.r, "e1", f"{SEEN4}/24"),
                             (t.g, "e0", f"{AGENT4}/24"), (t.m, "e0", f"{HERE4}/24")):
        ns.ip("addr", "add", address, "dev", dev)
    t.r.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    t.m.ip("route", "add", "default", "via", "10.0.0.1")
    t.g.ip("route", "add", "10.0.0.0/24", "via", SEEN4)
    t.nft(rules)
    top = "route-optimisation = never\n"
    t.start_agent(t.g, top, f'ipv4-address = "{AGENT4}"\n{inside}')
    t.start_mobile(t.m, top, f'home-agent-ipv4 = "{AGENT4}"\n')
    try:
        wait_for("bubd", lambda: all(daemon.show() for daemon in t.daemons))
        wait_for("a registration",
                 lambda: t.mobile.show()["homes"][0]["state"] == "registered")
    except Failure as e:
        raise Failure(f"{e}: {t.said()}") from e


def ipv4_without_a_translator(t):
    ipv4_only(t)
    if t.mobile.show()["homes"][0]["carrier"]["why"] != "the network has IPv4 only":
        raise Failure(f"{t.mobile.show()['homes'][0]}")
    t.whole()
    if t.of_client()["address"] != HERE4:
        raise Failure(f"{t.of_client()}")


NAT4 = """table ip t {
chain c {
type nat hook postrouting priority 100;
oifname "e1" masquerade random
}
}
"""


def ipv4_behind_a_translator(t):
    ipv4_only(t, NAT4)
    t.whole()
    way = t.of_client()
    if way["address"] != SEEN4 or way["port"] == own_port(t):
        raise Failure(f"{way}")


def ipv4_translator_changes(t):
    t.r.ip("addr", "add", "192.0.2.3/24", "dev", "e1")
    ipv4_only(t, NAT4)
    changes(t, HERE4, ((SEEN4, 20000), (SEEN4, 30000), ("192.0.2.3", 20000)), "ip")


def keep_alives(t):
    """Where there is a translator and nothing else goes.  (`nat-refresh` is longer than the 20 s of
    silence: a refreshing Binding Update would come first, and serves as well.)"""
    ipv4_only(t, NAT4, "nat-refresh = 40\n")
    wait_for("a keep-alive", lambda: t.agent.counters()["udp-keep-alive-in"] >= 1)
    sent = t.mobile.counters()["udp-keep-alive-out"]
    if t.ping(100) != 100:
        raise Failure(t.said())
    if t.mobile.counters()["udp-keep-alive-out"] > sent + 1:
        raise Failure("keep-alives beside data")


CASES = [
    translated_ipv6_is_told, translator_lets_esp_through, translator_comes_later,
    nothing_is_dropped, esp_is_dropped, esp_is_dropped_on_the_way_out,
    esp_is_dropped_on_the_way_back, udp_is_dropped, both_are_dropped, udp_by_configuration,
    no_udp_by_configuration, path_is_smaller, nobody_listens,
    others_read_it, port_changes, replays_move_nothing, agent_restarts,
    garbage, data_without_esp,
    ipv4_without_a_translator, ipv4_behind_a_translator, ipv4_translator_changes, keep_alives,
]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
