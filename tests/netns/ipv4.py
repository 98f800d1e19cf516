#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A visited network that has IPv4 only, behind a real NAT (RFC 5555): real daemons, a TCP connection
that goes on while the family changes or the NAT forgets, and what tshark finds on the wire.

        mobile node m          router r, NAT          home agent g              peer c
          e0 ------------------- e0   e1 ---------------- e0   e1 ---------------- e0
          10.0.0.10/24           192.0.2.1/24             192.0.2.2/24
          2001:db8:b::/64        2001:db8:d::/64          2001:db8:c::/64
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from linux_common import Failure, main, wait_for
from world import AGENT, HOME, VISITED, Tunnel

PEER = "2001:db8:c::5"
AGENT4, SEEN4, HERE4 = "192.0.2.2", "192.0.2.1", "10.0.0.10"
MESSAGES, DATA = 4191, 4500
DISSECTOR = os.path.join(os.path.dirname(__file__), "../../extras/wireshark/bub.lua")
BLOCK, MORE = 1000, 40
STREAM_LIMIT_S = 60

NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE = 1, 2
NETLINK_NETFILTER = 12


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd, "c")
        self.c = self.namespaces[3]
        self.join(self.g, "e1", self.c)
        self.r.ip("route", "add", "2001:db8:c::/64", "via", "2001:db8:d::2")
        self.g.ip("addr", "add", "2001:db8:c::1/64", "dev", "e1", "nodad")
        self.c.ip("addr", "add", f"{PEER}/64", "dev", "e0", "nodad")
        self.c.ip("route", "add", "default", "via", "2001:db8:c::1")
        for ns, dev, address in ((self.r, "e0", "10.0.0.1/24"), (self.r, "e1", f"{SEEN4}/24"),
                                 (self.g, "e0", f"{AGENT4}/24")):
            ns.ip("addr", "add", address, "dev", dev)
        self.r.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.capture_process = None

    def close(self):
        if self.capture_process is not None:
            self.capture_process.kill()
            self.capture_process.wait()
        super().close()

    def nat(self, how="masquerade random"):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write("flush ruleset\ntable ip t {\nchain c {\ntype nat hook postrouting priority 100;\n"
                    f'oifname "e1" {how}\n}}\n}}\n')
            f.flush()
            self.r.exec("nft", "-f", f.name)

    def forget(self):
        """The NAT loses all its mappings."""
        s = self.r.inside(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                                NETLINK_NETFILTER))
        with s:
            kind = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE
            s.send(struct.pack("=IHHIIBBH", 20, kind, 1 | 4, 1, 0, socket.AF_UNSPEC, 0, 0))
            answer = s.recv(4096)
        error = struct.unpack("=i", answer[16:20])[0]
        if error != 0:
            raise Failure(f"conntrack: {os.strerror(-error)}")

    def lease(self):
        """As a DHCP client would."""
        self.m.ip("addr", "replace", f"{HERE4}/24", "dev", "e0", "valid_lft", "600",
                  "preferred_lft", "600")
        self.m.ip("route", "replace", "default", "via", "10.0.0.1")

    def leave(self):
        """The carrier goes, and comes back."""
        self.r.ip("link", "set", "e0", "down")
        wait_for("no carrier", lambda: "NO-CARRIER" in self.m.ip("link", "show", "e0"))
        self.r.ip("link", "set", "e0", "up")
        wait_for("the carrier", lambda: "LOWER_UP" in self.m.ip("link", "show", "e0"))

    def begin(self, top="", inside=""):
        self.start_agent(self.g, top, f'ipv4-address = "{AGENT4}"\n{inside}')
        self.start_mobile(self.m, top, f'home-agent-ipv4 = "{AGENT4}"\n')
        wait_for("bubd", lambda: all(daemon.show() for daemon in self.daemons))

    def home(self):
        return self.mobile.show()["homes"][0]

    def at(self, address):
        """Registered from an address that begins so."""
        try:
            wait_for(f"a registration from {address}",
                     lambda: self.home()["state"] == "registered"
                     and (self.home()["care_of"] or "").startswith(address))
        except Failure as e:
            raise Failure(f"{e}: {self.home()} {self.said()}") from e

    def ipv4_only(self, top="", inside=""):
        self.begin(top, inside)
        self.lease()
        self.at(HERE4)

    def ipv6(self):
        """A router of IPv6 speaks up on the visited link."""
        self.r.ip("addr", "replace", "2001:db8:b::1/64", "dev", "e0", "nodad")
        wait_for("the router's address", lambda: "tentative" not in self.r.ip(
            "-6", "addr", "show", "dev", "e0"))
        self.router.advertise(VISITED)

    def tests(self):
        """Test messages sent so far."""
        sent = self.mobile.show()["counters"]["sent"]
        return {name: sent[name] for name in ("hoti", "coti", "bubc")}

    def said(self):
        return " ".join(f"{d.counters()} {d.tail()}" for d in self.daemons)

    def record(self, path):
        """What goes by the link of the home agent."""
        self.capture_process = self.r.popen("tcpdump", "-i", "e1", "-U", "--immediate-mode", "-w", path,
                                            stderr=subprocess.PIPE, text=True)
        for line in self.capture_process.stderr:
            if "listening" in line:
                return
        raise Failure("tcpdump")

    def recorded(self):
        self.capture_process.send_signal(signal.SIGINT)
        self.capture_process.wait()
        self.capture_process = None


class Stream:
    """A TCP connection from the home address to the peer's, whose far end sends everything back."""

    def __init__(self, t):
        server = t.c.inside(lambda: socket.create_server((PEER, 0), family=socket.AF_INET6))
        self.here = t.m.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
        t.socks += [server, self.here]
        self.here.settimeout(STREAM_LIMIT_S)
        self.here.bind((HOME, 0))
        self.here.connect(server.getsockname()[:2])
        self.there, _ = server.accept()
        t.socks.append(self.there)
        self.sent, self.came = [], bytearray()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=f, daemon=True)
                        for f in (self.send, self.echo, self.read)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.over.wait(0.01):
            block = os.urandom(BLOCK)
            self.sent.append(block)
            self.here.sendall(block)
        self.here.shutdown(socket.SHUT_WR)

    def echo(self):
        while part := self.there.recv(1 << 16):
            self.there.sendall(part)
        self.there.shutdown(socket.SHUT_WR)

    def read(self):
        while part := self.here.recv(1 << 16):
            self.came += part

    def goes_on(self, t, what):
        enough = len(self.came) + MORE * BLOCK
        try:
            wait_for(f"data {what}", lambda: len(self.came) >= enough)
        except Failure as e:
            raise Failure(f"{e}: {len(self.came)} octets, {t.said()}") from e

    def whole(self):
        self.over.set()
        for thread in self.threads:
            thread.join(STREAM_LIMIT_S)
        if bytes(self.came) != b"".join(self.sent):
            raise Failure(f"{len(self.came)} octets came of {BLOCK * len(self.sent)}, or others")


# ---- Cases ---------------------------------------------------------------------------------------


def behind_a_nat(t):
    t.nat()
    t.ipv4_only()
    home, client = t.home(), t.agent.show()["clients"][0]
    if (home["nat_refresh_s"], home["interface"]) != (110, "e0"):
        raise Failure(f"{home}")
    if (client["care_of"], client["nat"]) != (SEEN4, True):
        raise Failure(f"{client}")
    stream = Stream(t)
    stream.goes_on(t, "behind the NAT")
    stream.whole()
    if any(t.tests().values()):
        raise Failure(f"{t.tests()}")


def without_a_nat(t):
    t.g.ip("route", "add", "10.0.0.0/24", "via", SEEN4)
    t.ipv4_only()
    home, client = t.home(), t.agent.show()["clients"][0]
    if home["nat_refresh_s"] is not None or (client["care_of"], client["nat"]) != (HERE4, False):
        raise Failure(f"{home} {client}")
    stream = Stream(t)
    stream.goes_on(t, "without a NAT")
    stream.whole()


def family_switch(t):
    """IPv6, IPv4, IPv6, IPv4, in the middle of a connection; the peer is told each time."""
    t.nat()
    peer = t.daemon(t.c, "")
    t.begin()
    t.ipv6()
    t.at("2001:db8:b:")
    stream = Stream(t)
    stream.goes_on(t, "by IPv6")
    wait_for("the direct path", lambda: t.mobile.show()["peers"][0]["path"] == "direct")
    for _ in range(2):
        t.leave()
        t.lease()
        t.at(HERE4)
        stream.goes_on(t, "by IPv4")
        wait_for("the tunnel", lambda: t.mobile.show()["peers"][0]["mode"] == "tunnel")
        before = t.tests()
        stream.goes_on(t, "by IPv4, and on")
        if t.tests() != before:
            raise Failure(f"test messages: {before}, {t.tests()}")
        if [p["peer_care_of"] for p in peer.show()["peers"]] not in ([], [None]):
            raise Failure(f"{peer.show()['peers']}")
        t.leave()
        t.ipv6()
        t.at("2001:db8:b:")
        stream.goes_on(t, "by IPv6 again")
        wait_for("the direct path", lambda: t.mobile.show()["peers"][0]["path"] == "direct")
    stream.whole()


def nat_forgets(t):
    """The next packet makes another mapping, and the home agent follows."""
    t.nat()
    t.ipv4_only("route-optimisation = never\n")
    stream = Stream(t)
    sequence = t.home()["sequence"]
    for i in range(3):
        stream.goes_on(t, f"before the NAT forgets, {i}")
        before = t.agent.show()["clients"][0]["carrier"]["port"]
        t.forget()
        stream.goes_on(t, f"after that, {i}")
        if t.agent.show()["clients"][0]["carrier"]["port"] == before:
            raise Failure("the same port")
    stream.whole()
    if t.home()["sequence"] != sequence:
        raise Failure("a Binding Update was needed")


def ipv6_fails(t):
    """There is a router of IPv6, and nothing gets through it: IPv4 is used, and stays in use."""
    t.nat()
    t.r.exec("nft", "add table ip6 f; add chain ip6 f c { type filter hook forward priority 0; "
             "policy drop; }")
    t.begin()
    t.lease()
    t.at(HERE4)
    t.ipv6()
    wait_for("a try from IPv6", lambda: "no answer from the home agent by 2001:db8:b:" in t.mobile.tail())
    t.at(HERE4)
    stream = Stream(t)
    stream.goes_on(t, "by IPv4")
    stream.whole()


def on_the_wire(t):
    """Layouts of RFC 5555, 4.2, with the keys that the daemons have logged."""
    t.nat()
    folder = tempfile.mkdtemp(prefix="bub-")
    try:
        path = os.path.join(folder, "pcap")
        t.record(path)
        t.ipv4_only('key-log = "keys"\nroute-optimisation = never\n')
        stream = Stream(t)
        stream.goes_on(t, "on the wire")
        stream.whole()
        t.recorded()
        with open(os.path.join(folder, "esp_sa"), "wb") as keys:
            for daemon in t.daemons:
                with open(os.path.join(daemon.dir, "keys"), "rb") as f:
                    shutil.copyfileobj(f, keys)
        check_wire(folder, path)
    finally:
        shutil.rmtree(folder)


FIELDS = ("ip.src", "ip.dst", "udp.srcport", "udp.dstport", "udp.checksum", "ipv6.src", "ipv6.dst",
          "ipv6.opt.mipv6.home_address", "esp.spi", "mip6.mhtype", "mip6.ipv4coa.addr",
          "mip6.acoa.acoa", "mip6.natd.f_flag", "mip6.natd.refresh_t", "tcp.srcport")


def rows(folder, path):
    words = ["tshark", "-r", path, "-X", f"lua_script:{DISSECTOR}", "-Y", "ip", "-T", "fields",
             "-o", "esp.enable_encryption_decode:TRUE", "-E", "separator=|", "-E", "occurrence=a"]
    for field in FIELDS:
        words += ["-e", field]
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          env={**os.environ, "WIRESHARK_CONFIG_DIR": folder})
    if done.returncode != 0:
        raise Failure(done.stderr)
    return [dict(zip(FIELDS, line.split("|"))) for line in done.stdout.splitlines()]


def check_wire(folder, path):
    found = rows(folder, path)
    updates = [r for r in found if r["mip6.mhtype"] == "5"]
    answers = [r for r in found if r["mip6.mhtype"] == "6"]
    data = [r for r in found if DATA in ports(r) and r["tcp.srcport"]]
    if not updates or not answers or len(data) < 2 * MORE:
        raise Failure(f"{len(updates)} updates, {len(answers)} answers, {len(data)} of data")
    for r in updates:
        want = {"ip.src": SEEN4, "ip.dst": AGENT4, "udp.dstport": str(MESSAGES), "ipv6.src": HOME,
                "ipv6.dst": AGENT, "ipv6.opt.mipv6.home_address": "", "mip6.ipv4coa.addr": HERE4,
                "mip6.acoa.acoa": ""}
        compare(r, want)
    for r in answers:
        want = {"ip.src": AGENT4, "ip.dst": SEEN4, "udp.srcport": str(MESSAGES),
                "udp.dstport": updates[0]["udp.srcport"], "ipv6.src": AGENT, "ipv6.dst": HOME,
                "mip6.natd.f_flag": "1", "mip6.natd.refresh_t": "110"}
        compare({**r, "mip6.natd.f_flag": r["mip6.natd.f_flag"].replace("True", "1")}, want)
    for r in data:
        if {r["ipv6.src"], r["ipv6.dst"]} != {HOME, PEER} or not r["esp.spi"]:
            raise Failure(f"{r}")
    strange = [r for r in found if not {MESSAGES, DATA} & set(ports(r)) or not r["udp.checksum"]]
    tests = [r for r in found if r["mip6.mhtype"] in ("1", "2", "3", "4")]
    if strange or tests:
        raise Failure(f"{strange} {tests}")


def ports(row):
    return [int(row[name]) for name in ("udp.srcport", "udp.dstport") if row[name]]


def compare(row, want):
    got = {name: row[name] for name in want}
    if got != want:
        raise Failure(f"{got}, not {want}")


CASES = [behind_a_nat, without_a_nat, family_switch, nat_forgets, ipv6_fails, on_the_wire]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
