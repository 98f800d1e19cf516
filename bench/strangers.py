#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a packet of a stranger costs a home agent: processor time of the kernel and of bubd (needs root).

        sender ---- plain    a host without bubd
               ---- agent    a home agent with one mobile node

  another's       the frame is for another machine: what sending and receiving alone cost
  the kernel      the same packets to the host without bubd
  bubd            .. to the home agent

The table has what is above the first one.  A row "flood" sends as many as go out, of 4,096 sources: what
bubd has to see is let in at so many a second, and the rest ends in its packet filter.  A row "few" sends a
thousand a second, in bursts of 32: that is below most limits, so each goes as far as it can.
"""

import json
import os
import pathlib
import socket
import struct
import sys
import tempfile
import time

import frame
import load

AGENT, HOME = "2001:db8:1::1", "2001:db8:1::10"
HOSTS = {"plain": "2001:db8:a::", "agent": "2001:db8:b::"}
DATA_PORT, MESSAGE_PORT, DIRECT_PORT = 4500, 4191, 62191
SOURCES = 4096
FEW_PER_S = 1000
REACH_NS = 2000
UNKNOWN_SPI = 0x5EED0000
UDP, IPV6, ESP, NONE, DSTOPTS, MH = 17, 41, 50, 59, 60, 135
HOTI, COTI, BU = 1, 2, 5


def addr(text):
    return socket.inet_pton(socket.AF_INET6, text)


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(src, dst, proto, data):
    return src + dst + struct.pack("!IBBBB", len(data), 0, 0, 0, proto) + data


def ip6(src, dst, proto, data):
    return struct.pack("!IHBB", 6 << 28, len(data), proto, 64) + src + dst + data


def udp(src, dst, port, data):
    head = struct.pack("!HHHH", 40000, port, 8 + len(data), 0)
    value = checksum(pseudo(src, dst, UDP, head + data)) or 0xFFFF
    return head[:6] + struct.pack("!H", value) + data


def mobility(src, dst, kind, body, good=True):
    data = struct.pack("!BBBBH", NONE, (6 + len(body)) // 8 - 1, kind, 0, 0) + body
    value = checksum(pseudo(src, dst, MH, data)) ^ (0 if good else 0x5555)
    return data[:4] + struct.pack("!H", value) + data[6:]


def hao(home, proto):
    return struct.pack("!BBBBBBBB", proto, 2, 1, 2, 0, 0, 0xC9, 16) + home


def esp(spi, number, octets=48):
    return struct.pack("!II", spi, number) + os.urandom(octets)


def test_init(kind, good=True):
    return lambda src, dst, i: (MH, mobility(src, dst, kind, bytes(2) + struct.pack("!Q", i), good))


def update(good=True, unknown=True):
    """A Binding Update for a home registration, or to a correspondent, of a home address that nobody knows."""
    def make(src, dst, i):
        home = addr(f"2001:db8:77::{i + 1:x}")
        flags = 0xC000 if unknown else 0x8000
        body = struct.pack("!HHH", i & 0xFFFF, flags, 150) + bytes([1, 2, 0, 0])
        return DSTOPTS, hao(home, MH) + mobility(home, dst, BU, body, good)
    return make


def in_udp(port, data):
    return lambda src, dst, i: (UDP, udp(src, dst, port, data(src, dst, i)))


def kinds(spi):
    """What a row is called: a function of source, destination and number, that makes the protocol and what is behind
    the IPv6 header; and whether it has a reach, being of a kind that needs no key."""
    return {
        "ESP, unknown SPI": (lambda src, dst, i: (ESP, esp(UNKNOWN_SPI + i, 1)), True),
        "ESP, unknown SPI, Home Address option": (
            lambda src, dst, i: (DSTOPTS, hao(addr(HOME), ESP) + esp(UNKNOWN_SPI + i, 1)), True),
        "ESP, bad ICV": (lambda src, dst, i: (ESP, esp(spi, 1000 + i)), False),
        "ESP in UDP, unknown SPI": (in_udp(DATA_PORT, lambda src, dst, i: esp(UNKNOWN_SPI + i, 1)), True),
        "ESP in UDP, bad ICV": (in_udp(DATA_PORT, lambda src, dst, i: esp(spi, 1000 + i)), False),
        "UDP, garbage to the data port": (in_udp(DATA_PORT, lambda src, dst, i: bytes(4) + os.urandom(44)), True),
        "UDP, garbage to the message port": (in_udp(MESSAGE_PORT, lambda src, dst, i: os.urandom(64)), True),
        "UDP, garbage to the port of direct paths": (
            in_udp(DIRECT_PORT, lambda src, dst, i: b"\x60" + os.urandom(63)), True),
        "mobility, bad checksum": (test_init(HOTI, False), True),
        "Binding Update, bad checksum": (update(False), True),
        "HoTI": (test_init(HOTI), True),
        "CoTI": (test_init(COTI), True),
        "Binding Update, home registration, unknown home address": (update(), True),
        "Binding Update, correspondent, unknown home address": (update(unknown=False), True),
        "IPv6 in IPv6": (lambda src, dst, i: (IPV6, ip6(addr(HOME), src, UDP, udp(addr(HOME), src, 9, bytes(48)))),
                         True),
        "data, Home Address option without a binding": (
            lambda src, dst, i: (DSTOPTS, hao(addr(f"2001:db8:77::{i + 1:x}"), UDP) + struct.pack("!HHHH", 9, 9, 8, 0)),
            True),
    }


class World:
    def __init__(self, args):
        self.args, self.build = args, pathlib.Path(args.build)
        self.folder = pathlib.Path(tempfile.mkdtemp())
        net = self.net = load.Net("st-")
        net.node("sender")
        for host, prefix in HOSTS.items():
            net.node(host, forwards=True)
            net.link("sender", f"to-{host}", host, "e0")
            net.ip("sender", "addr", "add", f"{prefix}2/64", "dev", f"to-{host}", "nodad")
            net.ip(host, "addr", "add", f"{prefix}1/64", "dev", "e0", "nodad")
            net.ip(host, "addr", "add", f"{AGENT}/128", "dev", "lo", "nodad")
            # Where answers to strangers go.
            net.ip(host, "route", "add", "blackhole", "2001:db8:f000::/36")
        self.bubd = self.start()
        self.spi = self.inbound_spi()

    def start(self):
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(os.urandom(32).hex() + "\n")
        conf = self.folder / "agent.conf"
        conf.write_text(
            f'name = "agent"\ninterfaces = {{"e0"}}\ncontrol = "{self.folder}/sock"\n'
            f'state-dir = "{self.folder}/state"\nlog-level = warning\n'
            f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"2001:db8:1::/64"}}\n'
            f'mobile-node "{HOME}" {{ secret-file = "secret" }}\n}}\n')
        return self.net.start("agent", "taskset", "-c", "1", str(self.build / "src/bubd/bubd"), "-c", str(conf),
                              log=self.folder / "log")

    def ask(self, *words):
        text = self.net.run("agent", str(self.build / "src/bubctl/bubctl"), "-s", f"{self.folder}/sock", *words,
                            "--json")
        return json.loads(text)

    def inbound_spi(self):
        found = []

        def there():
            try:
                found[:] = [int(str(sa["spi"]), 0) for sa in self.ask("sas", HOME)["sas"]
                            if sa["direction"] == "in" and sa["mode"] == "tunnel"]
            except load.LabError:
                return False
            return bool(found)

        load.wait_until("the home agent", there, load.READY_S)
        return found[0]

    def mac(self, node, device):
        return json.loads(self.net.run(node, "ip", "-j", "link", "show", device))[0]["address"]

    def frames(self, host, make, foreign):
        """A file of them.  @foreign: for another machine."""
        target = bytes.fromhex("02dead000001") if foreign else bytes.fromhex(self.mac(host, "e0").replace(":", ""))
        head = target + bytes.fromhex(self.mac("sender", f"to-{host}").replace(":", "")) + b"\x86\xdd"
        path = self.folder / "frames"
        with path.open("wb") as file:
            for i in range(SOURCES):
                src, dst = addr(f"2001:db8:f{i >> 8:03x}:{i & 0xff:x}::1"), addr(AGENT)
                data = head + ip6(src, dst, *make(src, dst, i))
                file.write(struct.pack("!H", len(data)) + data)
        return path

    def measure(self, host, make, rate, foreign=False):
        path = self.frames(host, make, foreign)
        pids = (self.bubd.pid,) if host == "agent" else ()
        before = frame.spent(*pids)
        text = self.net.run("sender", "taskset", "-c", "0", self.args.frames, f"to-{host}", str(path),
                            str(self.args.seconds), str(rate))
        each, sent = (float(word) for word in text.split())
        time.sleep(0.05)  # what waits in the daemon's sockets
        carried = (frame.spent(*pids) - before) / sent * 1e9
        return {"ns/packet": each + carried, "of bubd": carried, "packets/s": sent / self.args.seconds}


def main():
    bench = frame.Bench("strangers", __doc__)
    bench.argument("build")
    bench.argument("frames")
    bench.argument("--seconds", type=float, default=1, help="of each measurement")
    args = bench.start()
    load.require("taskset")
    world = World(args)
    for name, (make, needs_no_key) in kinds(world.spi).items():
        for rate, how in ((0, "flood"), (FEW_PER_S, "few")):
            bench.compare(f"{name}, {how}", {
                "another's": lambda make=make, rate=rate: world.measure("plain", make, rate, foreign=True),
                "the kernel": lambda make=make, rate=rate: world.measure("plain", make, rate),
                "bubd": lambda make=make, rate=rate: world.measure("agent", make, rate),
            }, reach={"bubd": f"<= {REACH_NS}"} if needs_no_key and not rate else {}, difference=True)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
