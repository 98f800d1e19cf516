#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A network that lets neither ESP nor UDP through: what goes between a mobile node and its home
agent goes in TLS then, if that is configured (docs/field.md).  The namespaces are those of
carrier.py."""

import hashlib
import hmac
import os
import signal
import socket
import struct
import subprocess
import sys

from carrier import AGENT4, AMOUNT, HERE4, NO_ESP, NO_UDP, SEEN4, Things
from linux_common import Failure, main, wait_for
from world import AGENT, HOME, HOME_PREFIX, VISITED

PORT, KEYS = 443, 7872
TOP = f"route-optimisation = never\ntcp-port = {PORT}\n"
NO_KEYS = f"tcp dport {KEYS} drop"
STREAMS = 40
IDENTITY = f"bub-psk-1:{HOME}"


def psk(secret, identity):
    """The key of TLS (docs/keys.md)."""
    info = b"bub keys psk 1\0mobile node>home agent\0" + identity.encode()
    key = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(key, info + b"\1", hashlib.sha256).hexdigest()


def s_client(key):
    return (f"timeout 20 openssl s_client -connect [{AGENT}]:{PORT} -tls1_3 -alpn bub-tcp/1 -quiet "
            f"-ciphersuites TLS_AES_128_GCM_SHA256 -psk {key} -psk_identity {IDENTITY}")


class Blocked(Things):
    """With keys that are agreed on."""

    def start_agent(self, ns, top="", inside="", interfaces=("e0",)):
        self.agent = self.daemon(
            ns, f'{top}home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{HOME_PREFIX}"}}\n{inside}'
            f'mobile-node "{HOME}" {{ psk-file = "secret" }}\n}}\n', interfaces)

    def start_mobile(self, ns, top="", inside=""):
        self.mobile = self.daemon(
            ns, f'{top}mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n{inside}'
            'keys { psk-file = "secret" }\n}\n')

    def begin(self, *rules, agent=TOP, mobile=TOP, inside="", more=""):
        self.drop(*rules)
        self.start_agent(self.g, agent, inside)
        self.start_mobile(self.m, mobile, f"first-timeout = 300\n{more}")
        wait_for("bubd", lambda: all(daemon.show() for daemon in self.daemons))
        self.router.advertise(VISITED)

    def home(self):
        return self.mobile.show()["homes"][0]

    def registered(self):
        try:
            wait_for("a registration", lambda: self.home()["state"] == "registered")
        except Failure as e:
            raise Failure(f"{e}: {self.home()} {self.said()}") from e

    def is_by(self, name):
        try:
            wait_for(name, lambda: (self.carrier(), self.of_client()["name"]) == (name, name))
        except Failure as e:
            raise Failure(f"{e}: {self.said()}") from e

    def connections(self):
        """Of the home agent, at the port."""
        return self.g.exec("ss", "-Htn", "state", "established", f"sport = :{PORT}").splitlines()


def last_resort(t):
    """Neither gets through, TCP does; and it is left for UDP when that comes back."""
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    t.whole()
    way = t.home()["carrier"]
    if (way["address"], way["port"]) != (AGENT, PORT) or "last resort" not in way["why"]:
        raise Failure(f"{way}")
    if "ESP in TLS over TCP: the last resort" not in t.mobile.tail():
        raise Failure(t.mobile.tail())
    t.mobile.ask("refresh")
    t.is_by("tcp")
    t.whole()
    if len(t.connections()) != 1:
        raise Failure(f"{t.connections()}")
    t.drop(NO_ESP)
    t.mobile.ask("refresh")
    t.is_by("udp")
    wait_for("the end of the connection", lambda: not t.connections())
    t.whole()


def native_comes_back(t):
    """The same for native ESP, in the middle of a connection."""
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    t.drop(NO_UDP)
    t.mobile.ask("refresh")
    t.is_by("native")
    t.whole()


def one_direction_only(t):
    """Questions arrive by all three, answers by TCP only."""
    t.begin('iifname "e1" ' + NO_ESP, 'iifname "e1" ' + NO_UDP)
    t.registered()
    t.is_by("tcp")
    t.whole()


def keys_go_there_too(t):
    """Where nothing but that port is open, keys are agreed on by it."""
    t.begin(NO_ESP, NO_UDP, NO_KEYS)
    t.registered()
    t.is_by("tcp")
    t.whole()


def off_by_default(t):
    """Then the network is none to get home from, and status and log say so."""
    top = "route-optimisation = never\n"
    t.begin(NO_ESP, NO_UDP, agent=top, mobile=top)
    wait_for("what is wrong", lambda: t.home()["carrier"] is not None and
             t.home()["carrier"]["why"] == "neither native ESP nor UDP is answered")
    wait_for("status and log", lambda: t.home()["trouble"] is not None and
             "does not answer" in t.mobile.tail())
    if f":{PORT} " in t.g.exec("ss", "-Htln"):
        raise Failure("the port is open")


def nobody_listens(t):
    """The mobile node has it, its home agent has not: a line says which port is closed."""
    t.begin(NO_ESP, NO_UDP, agent="route-optimisation = never\n")
    wait_for("a line", lambda: f"no connection to TCP port {PORT}" in t.mobile.tail())


def connection_is_lost(t):
    """Cut by a router that forgets: a new one takes its place, by itself."""
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    before = t.connections()
    t.g.exec("ss", "-K", "sport", "=", f":{PORT}", check=False)
    wait_for("another connection", lambda: t.connections() and t.connections() != before)
    wait_for("answers", lambda: t.ping(5) == 5)
    t.whole()


def agent_restarts(t):
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    t.agent.proc.terminate()
    t.agent.proc.wait()
    t.agent.proc = t.g.popen(t.bubd, "-c", t.agent.conf, stderr=t.agent.log)
    wait_for("bubd", t.agent.show)
    wait_for("answers", lambda: t.ping(5) == 5)
    t.is_by("tcp")


def strangers(t):
    """Who has no identity gets no connection; who says nothing holds nobody up."""
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    for _ in range(STREAMS):
        t.socks.append(t.r.inside(lambda: socket.create_connection((AGENT, PORT))))
    for s in t.socks[-STREAMS // 2:]:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
    said = t.r.exec("sh", "-c", f"{s_client('00' * 32)} 2>&1 </dev/null", check=False)
    if "alert" not in said:
        raise Failure(said)
    t.whole()
    t.is_by("tcp")


def garbage(t):
    """Who has an identity, but no ESP, moves nothing and is closed; he may be heard for ten seconds."""
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    with open(os.path.join(t.agent.dir, "secret"), "rb") as f:
        key = psk(f.read().strip(), IDENTITY)
    inner = struct.pack("!IHBB", 6 << 28, 40, 17, 64) + bytes(32) + bytes(40)
    forged = struct.pack("!II", 0x12345678, 1) + bytes(60)
    frames = (struct.pack("!HI", len(inner) + 6, 0) + inner,
              struct.pack("!H", len(forged) + 2) + forged, b"\0\3\xff")
    before, way = t.agent.counters(), t.of_client()
    for text in (b"".join(frames), b"\0\0"):  # the second is no frame
        one = t.r.popen("sh", "-c", s_client(key), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        one.stdin.write(text)
        one.stdin.flush()
        one.wait(timeout=30)
        one.stdin.close()
    after = t.agent.counters()
    for name in ("tcp-no-esp", "esp-no-sa"):
        if after[name] != before[name] + 1:
            raise Failure(f"{name}: {after[name]}, not {before[name] + 1}: {t.said()}")
    if t.of_client() != way or len(t.connections()) != 1:
        raise Failure(f"{t.of_client()}, not {way}: {t.connections()}")
    t.whole()


def nobody_reads(t):
    """A mobile node that has stopped holds nothing up: what is too much is dropped, the connection
    given up, and another one opened when it goes on."""
    t.begin(NO_ESP, NO_UDP)
    t.registered()
    t.is_by("tcp")
    s = t.g.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    t.socks.append(s)
    s.bind((AGENT, 0))

    def counts(name):
        for _ in range(500):
            s.sendto(bytes(1200), (HOME, 9))
        return t.agent.counters()[name] > 0

    t.mobile.proc.send_signal(signal.SIGSTOP)
    try:
        wait_for("a full queue", lambda: counts("tcp-full"))
        wait_for("the end of it", lambda: counts("tcp-unconnected"))
    finally:
        t.mobile.proc.send_signal(signal.SIGCONT)
    wait_for("answers", lambda: t.ping(5) == 5)
    t.is_by("tcp")
    t.whole()


def over_ipv4(t):
    """The visited network has IPv4 only, and drops UDP."""
    for ns, dev, address in ((t.r, "e0", "10.0.0.1/24"), (t.r, "e1", f"{SEEN4}/24"),
                             (t.g, "e0", f"{AGENT4}/24"), (t.m, "e0", f"{HERE4}/24")):
        ns.ip("addr", "add", address, "dev", dev)
    t.r.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    t.m.ip("route", "add", "default", "via", "10.0.0.1")
    t.g.ip("route", "add", "10.0.0.0/24", "via", SEEN4)
    t.nft(f"table ip t {{\nchain c {{\ntype filter hook forward priority 0;\n{NO_UDP}\n}}\n}}\n")
    t.start_agent(t.g, TOP, f'ipv4-address = "{AGENT4}"\n')
    t.start_mobile(t.m, TOP, f'home-agent-ipv4 = "{AGENT4}"\nfirst-timeout = 300\n')
    wait_for("bubd", lambda: all(daemon.show() for daemon in t.daemons))
    t.registered()
    t.is_by("tcp")
    t.whole()
    t.nft("")
    t.mobile.ask("refresh")
    t.is_by("udp")
    t.whole()


CASES = [
    last_resort, native_comes_back, one_direction_only, keys_go_there_too, off_by_default,
    nobody_listens, connection_is_lost, agent_restarts, strangers, garbage, nobody_reads,
    over_ipv4,
]

if __name__ == "__main__":
    sys.exit(main(CASES, Blocked))
