# SPDX-License-Identifier: BSD-2-Clause
"""A tester at the other end of the node's only link, the way conformance suites work.

bubd runs in a namespace with one interface; at the other end of the veth there is no IPv6 stack,
only a packet socket.  So every frame that the node sends is seen here, and every one that it gets
is made here, with scapy and the few lines below: nothing of bub's own codec.  Where nothing may
happen, a good message is sent behind the bad one: bubd takes packets in order, so silence is
certain once the good one is answered.  No case waits for a fixed time to show that.

RFC 6275, 6.1 (messages), 5.2.5 and 6.2.7 (keys); RFC 4861.
"""

import ctypes
import hashlib
import hmac
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lab"))

from bublab import remains  # noqa: E402

import logging

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers import inet6 as s6  # noqa: E402
from scapy.layers.ipsec import ESP, SecurityAssociation  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

LIMIT_S = 45  # a program that loads its filters on a busy machine may take half of that
NUT_MAC = "02:00:00:00:00:99"
NUT_IID = "ff:fe00:99"  # its EUI-64
MH, ICMP6, ESP_NH, IP6_NH, DSTOPT, ROUTING, NO_NEXT = 135, 58, 50, 41, 60, 43, 59
BRR, HOTI, COTI, HOT, COT, BU, BA, BE = range(8)
A, H, L, K = 0x8000, 0x4000, 0x2000, 0x1000
PARSERS = {
    BRR: s6.MIP6MH_BRR,
    HOTI: s6.MIP6MH_HoTI,
    COTI: s6.MIP6MH_CoTI,
    HOT: s6.MIP6MH_HoT,
    COT: s6.MIP6MH_CoT,
    BU: s6.MIP6MH_BU,
    BA: s6.MIP6MH_BA,
    BE: s6.MIP6MH_BE,
}


class Failure(Exception):
    pass


def check(what, condition, seen=None):
    if not condition:
        raise Failure(what if seen is None else f"{what}: {seen!r}")


def equal(what, got, wanted):
    check(what, got == wanted, f"{got!r} instead of {wanted!r}")


def addr(text):
    return socket.inet_pton(socket.AF_INET6, text)


def text_of(octets):
    return socket.inet_ntop(socket.AF_INET6, octets)


def run(*words):
    r = subprocess.run(words, capture_output=True, text=True)
    if r.returncode != 0:
        raise Failure(f"{' '.join(words)}: {(r.stdout + r.stderr).strip()}")
    return r.stdout  # without warnings, as ip has them about others' namespaces


# ---- Octets ------------------------------------------------------------------------------------


def checksum(src, dst, proto, data):
    """RFC 8200, 8.1.  Over data that has its checksum in place: 0."""
    text = addr(src) + addr(dst) + struct.pack("!IHBB", len(data), 0, 0, proto) + data
    text += b"\0" * (len(text) % 2)
    total = sum(struct.unpack(f"!{len(text) // 2}H", text))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def padded(text, multiple, remainder):
    """Pads up to the alignment of a mobility option (RFC 6275, 6.2.1): xn + y."""
    n = (remainder - len(text)) % multiple
    if n == 1:
        return text + b"\0"
    return text + (struct.pack("!BB", 1, n - 2) + b"\0" * (n - 2) if n else b"")


def mobility(kind, body, proto=NO_NEXT, length=None, reserved=0):
    """A Mobility Header without its checksum; the body begins behind the checksum."""
    text = padded(struct.pack("!BBBBH", proto, 0, kind, reserved, 0) + body, 8, 0)
    length = len(text) // 8 - 1 if length is None else length
    return text[:1] + bytes([length]) + text[2:]


def finish(text, src, dst):
    return text[:4] + struct.pack("!H", checksum(src, dst, MH, text)) + text[6:]


def alt_care_of(text, care_of):
    return padded(text, 8, 6) + b"\x03\x10" + addr(care_of)


def binding_update(
    seq, flags=A, units=100, alt=None, nonces=None, key=None, care_of=None, peer=None, extra=b""
):
    """key None: without Binding Authorization Data.  extra: options, before all others."""
    text = b"\0" * 6 + struct.pack("!HHH", seq & 0xFFFF, flags, units) + extra
    if alt is not None:
        text = alt_care_of(text, alt)
    if nonces is not None:
        text = padded(text, 2, 0) + struct.pack("!BBHH", 4, 4, *nonces)
    if key is not None:
        text = padded(text, 8, 2) + b"\x05\x0c" + b"\0" * 12
    text = mobility(BU, text[6:])
    return signed(text, key, care_of, peer) if key is not None else text


def authenticator(text, key, care_of, peer):
    """RFC 6275, 6.2.7: the checksum counts as zero, and the option is the last one."""
    covered = text[:4] + b"\0\0" + text[6:-12]
    return hmac.new(key, addr(care_of) + addr(peer) + covered, hashlib.sha1).digest()[:12]


def signed(text, key, care_of, peer):
    return text[:-12] + authenticator(text, key, care_of, peer)


def hao(home, next_header):
    """RFC 6275, 6.3: at 8n + 6."""
    return struct.pack("!BBBBBBBB", next_header, 2, 1, 2, 0, 0, 201, 16) + addr(home)


def rh2(home, next_header, left=1):
    return struct.pack("!BBBBI", next_header, 2, 2, left, 0) + addr(home)


def ip6(src, dst, proto, payload, hops=64):
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, hops)
    return head + addr(src) + addr(dst) + payload


def mobile(src, dst, text, home=None, to_home=None, fresh=True):
    """A packet with a mobility message; home: in a Home Address option; to_home: in RH2."""
    if fresh:
        text = finish(text, home or src, to_home or dst)
    proto = MH
    if home is not None:
        text, proto = hao(home, proto) + text, DSTOPT
    if to_home is not None:
        text, proto = rh2(to_home, proto) + text, ROUTING
    return ip6(src, dst, proto, text)


def icmp6(src, dst, kind, code, body, hops=64, true_src=None, true_dst=None):
    text = struct.pack("!BBH", kind, code, 0) + body
    total = checksum(true_src or src, true_dst or dst, ICMP6, text)
    return ip6(src, dst, ICMP6, text[:2] + struct.pack("!H", total) + text[4:], hops)


def echo(src, dst, ident, home=None, to_home=None):
    packet = icmp6(
        src, dst, 128, 0, struct.pack("!HH", ident, 1), true_src=home, true_dst=to_home
    )
    text, proto = packet[40:], ICMP6
    if home is not None:
        text, proto = hao(home, proto) + text, DSTOPT
    if to_home is not None:
        text, proto = rh2(to_home, proto) + text, ROUTING
    return ip6(src, dst, proto, text)


class Packet:
    """What the node sent, taken apart octet by octet; its message by scapy."""

    def __init__(self, octets, at):
        self.at = at
        self.octets = octets
        self.src, self.dst = text_of(octets[8:24]), text_of(octets[24:40])
        self.proto, self.hops = octets[6], octets[7]
        self.chain, self.home, self.to_home = [], None, None
        end = 40 + struct.unpack("!H", octets[4:6])[0]
        here = 40
        while self.proto in (0, DSTOPT, ROUTING) and here + 8 <= end:
            header = octets[here : here + 8 + 8 * octets[here + 1]]
            self.chain.append(self.proto)
            if self.proto == DSTOPT and len(header) == 24 and header[6] == 201:
                self.home = text_of(header[8:])
            if self.proto == ROUTING and header[2:4] == b"\x02\x01":
                self.to_home = text_of(header[8:24])
            self.proto = header[0]
            here += len(header)
        self.data = octets[here:end]
        self.true_src, self.true_dst = self.home or self.src, self.to_home or self.dst
        self.kind = self.data[2] if self.proto == MH and len(self.data) >= 8 else None
        self.icmp = self.data[0] if self.proto == ICMP6 and len(self.data) >= 4 else None

    @property
    def mh(self):
        """The mobility message; nobody gets one that is not well-formed past this."""
        equal("checksum", checksum(self.true_src, self.true_dst, MH, self.data), 0)
        equal("Payload Proto", self.data[0], NO_NEXT)
        equal("Header Len", (self.data[1] + 1) * 8, len(self.data))
        return PARSERS[self.kind](self.data)

    def options(self):
        """(type, value) of the mobility options without padding."""
        at = {BU: 12, BA: 12, HOT: 24, COT: 24, HOTI: 16, COTI: 16, BE: 24, BRR: 8}[self.kind]
        found = []
        while at < len(self.data):
            kind = self.data[at]
            if kind == 0:
                at += 1
                continue
            value = self.data[at + 2 : at + 2 + self.data[at + 1]]
            if kind != 1:
                found.append((kind, value))
            at += 2 + len(value)
        return found

    def check_signature(self, key, care_of, peer):
        check("no Binding Authorization Data at the end", self.data[-14:-12] == b"\x05\x0c")
        check("its alignment", (len(self.data) - 14) % 8 == 2)
        check("its value", self.data[-12:] == authenticator(self.data, key, care_of, peer))

    def __repr__(self):
        return f"<{self.src} > {self.dst} {self.chain} {self.proto} {self.data[:32].hex()}>"


def socket_in(namespace, *kind):
    """A namespace belongs to a thread: in and out again; a socket stays where it was made."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as before, open(f"/run/netns/{namespace}") as there:
        check("setns", libc.setns(there.fileno(), 0x40000000) == 0)
        try:
            return socket.socket(*kind)
        finally:
            libc.setns(before.fileno(), 0x40000000)


# ---- The link ----------------------------------------------------------------------------------


class Link:
    """The node's namespace, the wire, and the tester at its end."""

    def __init__(self, name, forwarding=False):
        self.nut = remains.namespace(name)
        self.tester = f"{self.nut}-t"
        self.sock = None
        self.packets = []
        self.owned = {}  # address: MAC that answers for it
        self.routers = set()
        self.beacon, self.beacon_at = None, 0.0  # the router's advertisements
        self.proc = None
        self.dir = tempfile.mkdtemp(prefix="bub-nut-")
        self.log = open(os.path.join(self.dir, "log"), "wb")
        run("ip", "netns", "add", self.nut)
        run("ip", "netns", "add", self.tester)
        run("ip", "link", "add", "eth0", "netns", self.nut, "address", NUT_MAC, "type", "veth",
            "peer", "name", "t0", "netns", self.tester)
        for ns, dev in ((self.nut, "eth0"), (self.tester, "t0")):
            run("ip", "netns", "exec", ns, "ethtool", "-K", dev, "tx", "off", "gro", "off")
        self.sysctl(self.tester, "conf.all.disable_ipv6", 1)
        self.sysctl(self.nut, "conf.eth0.router_solicitation_delay", 0)
        if forwarding:
            self.sysctl(self.nut, "conf.all.forwarding", 1)
        run("ip", "-n", self.tester, "link", "set", "t0", "up")
        self.sock = self._open_socket()
        self.router("fe80::1", "02:00:00:00:00:01")
        run("ip", "-n", self.nut, "link", "set", "lo", "up")
        run("ip", "-n", self.nut, "link", "set", "eth0", "up")

    def sysctl(self, ns, name, value):
        run("ip", "netns", "exec", ns, "sysctl", "-qw", f"net.ipv6.{name}={value}")

    def _open_socket(self):
        s = socket_in(self.tester, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD))
        s.bind(("t0", 0x86DD))
        s.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
        s.setblocking(False)
        return s

    def close(self):
        if self.proc is not None:
            self.stop(hard=True)
        if self.sock is not None:
            self.sock.close()
        self.log.close()
        for ns in (self.nut, self.tester):
            subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- bubd

    def start(self, bubd, text):
        head = (
            f'name = "nut"\nudp = never\ninterfaces = {{"eth0"}}\ncontrol = "{self.dir}/sock"\n'
            f'state-dir = "{self.dir}/state"\nevent-log = "{self.dir}/events"\n'
        )
        path = self.secret("bubd.conf", head + text)
        self.command = ["ip", "netns", "exec", self.nut, bubd, "-c", path]
        self.launch()

    def launch(self):
        self.proc = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)

    def stop(self, hard=False):
        if self.proc is None:
            return
        proc, self.proc = self.proc, None
        (proc.kill if hard else proc.terminate)()
        status = proc.wait(LIMIT_S)
        check("bubd ends well", hard or status == 0, status)  # also what a sanitizer says

    def secret(self, name, text):
        path = os.path.join(self.dir, name)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(text + "\n")
        return path

    def tail(self):
        self.log.flush()
        with open(self.log.name, errors="replace") as f:
            return f.read().splitlines()[-25:]

    # -- frames

    def router(self, address, mac):
        self.owned[address] = mac
        self.routers.add(address)
        self.mac = mac

    def send(self, packet, mac=None):
        dst = packet[24:40]
        to = "33:33:" + ":".join(f"{x:02x}" for x in dst[12:]) if dst[0] == 0xFF else NUT_MAC
        self.sock.send(bytes(Ether(src=mac or self.mac, dst=to, type=0x86DD) / Raw(packet)))

    def neighbour_advert(self, target, to, mac=None, solicited=True, src=None):
        mac = mac or self.owned.get(target) or self.mac
        # Without the router flag the node would drop its default route (RFC 4861, 7.2.5).
        flags = 0x20000000 | (0x40000000 if solicited else 0) | (target in self.routers) << 31
        option = b"\x02\x01" + bytes.fromhex(mac.replace(":", ""))
        body = struct.pack("!I", flags) + addr(target) + option
        self.send(icmp6(src or target, to, 136, 0, body, hops=255), mac)

    def take(self, wait_s):
        if self.beacon is not None and time.monotonic() - self.beacon_at > 1:
            self.beacon_at = time.monotonic()
            self.beacon()
        if not select.select([self.sock], [], [], max(wait_s, 0))[0]:
            return
        while True:
            try:
                frame = self.sock.recv(65536)
            except BlockingIOError:
                return
            if len(frame) < 54:
                continue
            p = Packet(frame[14:], time.monotonic())
            p.mac = ":".join(f"{x:02x}" for x in frame[6:12])
            if p.icmp == 135 and len(p.data) >= 24:
                target = text_of(p.data[8:24])
                if target in self.owned:
                    to = "ff02::1" if p.src == "::" else p.src
                    self.neighbour_advert(target, to, solicited=p.src != "::")
            self.packets.append(p)

    def drain(self):
        """What has come so far is forgotten."""
        self.take(0)
        self.packets = []

    def find(self, match):
        self.take(0)
        return [p for p in self.packets if match(p)]

    def expect(self, what, match, limit_s=LIMIT_S):
        """Waits for a packet, takes it out and returns it."""
        end = time.monotonic() + limit_s
        while True:
            for p in self.packets:
                if match(p):
                    self.packets.remove(p)
                    return p
            if time.monotonic() > end:
                got = [p for p in self.packets if p.icmp not in (133, 135, 136, 143)]
                raise Failure(f"waited {limit_s} s for: {what}; there were {got[-6:]}")
            if self.proc is not None and self.proc.poll() is not None:
                raise Failure(f"bubd ended with {self.proc.returncode}")
            self.take(min(0.2, end - time.monotonic()))

    def wait(self, what, condition, limit_s=LIMIT_S):
        """Goes on answering the node while it waits."""
        end = time.monotonic() + limit_s
        while True:
            value = condition()
            if value:
                return value
            check(f"waited {limit_s} s for: {what}", time.monotonic() < end)
            self.take(0.02)

    def advertise(self, prefixes, router="fe80::1", mac=None, lifetime=1800, flags=0, full=None,
                  options=b"", preferred=3600):
        """prefixes: of length 64, for address configuration.  full: address with the R bit."""
        mac = mac or self.owned[router]
        body = struct.pack("!BBHII", 64, flags, lifetime, 0, 0)
        body += b"\x01\x01" + bytes.fromhex(mac.replace(":", ""))
        for prefix in prefixes:
            body += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 7200, preferred, 0) + addr(prefix)
        if full is not None:
            body += struct.pack("!BBBBIII", 3, 4, 64, 0xE0, 7200, 3600, 0) + addr(full)
        self.send(icmp6(router, "ff02::1", 134, 0, body + options, hops=255), mac)

    # -- exchanges

    def test_init(self, kind, src, nut, cookie=None, **kw):
        cookie = cookie or os.urandom(8)
        self.send(mobile(src, nut, mobility(kind, b"\0\0" + cookie), **kw))
        return cookie

    def answered(self, kind, src, nut, limit_s=LIMIT_S):
        """Sends HoTI or CoTI; returns the HoT or CoT, checked."""
        cookie = self.test_init(kind, src, nut)
        answer = HOT if kind == HOTI else COT
        p = self.expect(
            f"answer to {'HoTI' if kind == HOTI else 'CoTI'}",
            lambda p: p.kind == answer and p.data[8:16] == cookie,
            limit_s,
        )
        equal("source", p.src, nut)
        equal("destination", p.dst, src)
        equal("extension headers", p.chain, [])
        return p

    def token(self, kind, src, nut):
        m = self.answered(kind, src, nut)
        return struct.unpack("!H", m.data[6:8])[0], m.data[16:24]

    def silent(self, what, match, nut, marker="2001:db8:ffff::1"):
        """Nothing that matches has come, and the node has done what it was asked to do."""
        self.answered(COTI, marker, nut)
        found = [p for p in self.packets if match(p)]
        check(f"{what}: should be silence", not found, found)


# ---- ESP ---------------------------------------------------------------------------------------


UP, DOWN, TUNNEL_UP, TUNNEL_DOWN, MPS_UP, MPS_DOWN, DATA_UP, DATA_DOWN = range(8)
CLASSES = ("binding-updates", "mobility", "prefix-discovery", "payload")


def is_mobility(packet):
    return Packet(packet, 0).proto == MH


class Esp:
    """The four associations of docs/esp.md, seen from the tester: keys by HKDF (RFC 5869)."""

    def __init__(self, secret, home, agent):
        prk = hmac.new(b"bub esp 1", secret, hashlib.sha256).digest()
        self.sa = []
        for index in range(4):
            info = addr(home) + addr(agent) + bytes([index])
            out, block = b"", b""
            for n in (1, 2):
                block = hmac.new(prk, block + info + bytes([n]), hashlib.sha256).digest()
                out += block
            self.sa.append(
                SecurityAssociation(
                    ESP,
                    spi=struct.unpack("!I", out[48:52])[0] & ~3 | index,
                    crypt_algo="AES-CBC",
                    crypt_key=out[:16],
                    auth_algo="SHA2-256-128",
                    auth_key=out[16:48],
                )
            )
        self.sa = [self.sa[i] for i in (0, 1, 2, 3, 0, 1, 2, 3)]  # one pair for each mode

    def seal(self, index, proto, data):
        """(protocol, octets) that follow on the headers that stay outside."""
        if index in (TUNNEL_UP, TUNNEL_DOWN) and not is_mobility(data):
            index += DATA_UP - TUNNEL_UP
        packet = s6.IPv6(src="::1", dst="::2", nh=proto) / Raw(data)
        return ESP_NH, bytes(self.sa[index].encrypt(packet).payload)

    def spis(self, index):
        twin = index + DATA_UP - TUNNEL_UP if index in (TUNNEL_UP, TUNNEL_DOWN) else index
        return [struct.pack("!I", self.sa[i].spi) for i in (index, twin)]

    def open(self, index, packet):
        """(protocol, data) of an ESP packet; raises when it is not authentic."""
        check("its association", self.is_for(index, packet), packet)
        of_mobility = packet.data[:4] == self.spis(index)[0]
        sa = self.sa[index if of_mobility else index + DATA_UP - TUNNEL_UP]
        outer = s6.IPv6(src=packet.src, dst=packet.dst, nh=ESP_NH) / ESP(packet.data)
        plain = bytes(sa.decrypt(outer))
        if len(set(self.spis(index))) > 1:
            equal("for mobility messages", of_mobility, is_mobility(plain[40:]))
        return plain[6], plain[40:]

    def is_for(self, index, packet):
        return packet.proto == ESP_NH and packet.data[:4] in self.spis(index)

    def inner(self, index, packet):
        """The packet in a tunnel."""
        proto, data = self.open(index, packet)
        equal("protocol inside", proto, IP6_NH)
        return Packet(data, packet.at)

    def message(self, index, packet):
        """The packet of a transport association, as it were without ESP."""
        proto, data = self.open(index, packet)
        plain = ip6(packet.src, packet.dst, proto, data)
        if packet.home is not None:
            plain = ip6(packet.src, packet.dst, DSTOPT, hao(packet.home, proto) + data)
        if packet.to_home is not None:
            plain = ip6(packet.src, packet.dst, ROUTING, rh2(packet.to_home, proto) + data)
        return Packet(plain, packet.at)


class StaticEsp(Esp):
    """A pair of associations for each kind of message, the way test beds have them."""

    # The configuration's words; scapy's; octets of the keys.
    ALGORITHMS = {
        "3des-sha1": ("3des-cbc", "hmac-sha1-96", "3DES", "HMAC-SHA1-96", 24, 20),
        "aes-sha1": ("aes-cbc", "hmac-sha1-96", "AES-CBC", "HMAC-SHA1-96", 16, 20),
        "aes-sha256": ("aes-cbc", "hmac-sha256-128", "AES-CBC", "SHA2-256-128", 32, 32),
        "null-sha1": ("null", "hmac-sha1-96", "NULL", "HMAC-SHA1-96", 0, 20),
    }

    def __init__(self, names, first_spi=0x111):
        """names: of the algorithms, one for each of CLASSES."""
        self.sa, self.text = [], []
        for i in range(8):
            cipher, digest, crypt, auth, crypt_len, auth_len = self.ALGORITHMS[names[i // 2]]
            key = (f"{first_spi + i:x}-" + "abcdefghijklmnop" * 2)[:32]
            key, auth_key = key[:crypt_len], key[::-1][:auth_len]
            self.sa.append(SecurityAssociation(
                ESP, spi=first_spi + i, crypt_algo=crypt, crypt_key=key.encode() or None,
                auth_algo=auth, auth_key=auth_key.encode()))
            self.text.append(
                f'mode = {"transport" if i // 2 in (0, 2) else "tunnel"} '
                f'covers = {{{CLASSES[i // 2]}}}\nencryption = {cipher} integrity = {digest}\n'
                + (f'encryption-key = "{key}"\n' if key else "")
                + f'integrity-key = "{auth_key}"\n')

    def config(self, at_home_agent):
        text = ""
        for i in range(8):
            inbound = i % 2 == (0 if at_home_agent else 1)
            text += f'sa "{self.sa[i].spi:#x}" {{\ndirection = {"in" if inbound else "out"} '
            text += self.text[i] + ("replay-check = false\n" if inbound else "") + "}\n"
        return text


class Bare(Esp):
    """Nothing is protected; the protocol says what a packet is."""

    def __init__(self):
        pass

    def seal(self, index, proto, data):
        return proto, data

    def is_for(self, index, packet):
        if index in (MPS_UP, MPS_DOWN):
            return packet.icmp == (146 if index == MPS_UP else 147)
        return packet.proto == (MH if index in (UP, DOWN) else IP6_NH)

    def open(self, index, packet):
        check("its kind", self.is_for(index, packet), packet)
        return packet.proto, packet.data


# ---- TAP ---------------------------------------------------------------------------------------


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def case(self, name, link, action):
        """Returns what the action does, or None when it fails."""
        self.number += 1
        try:
            value = action()
            print(f"ok {self.number} - {name}", flush=True)
            return value
        except Exception:  # noqa: BLE001: whatever it is, the next case still runs
            self.failed += 1
            print(f"not ok {self.number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            for line in link.tail() if link is not None else []:
                print(f"# bubd: {line}", flush=True)
        return None


def run_group(tap, setup, cases):
    """The cases and, as the last one, that bubd ends as it should."""
    node = None

    def one(case):
        nonlocal node
        check("the node could not be set up", node is not None or case is cases[0])
        if node is None:
            node = setup()
        node.link.drain()
        case(node)

    def end():
        check("the node could not be set up", node is not None)
        node.link.stop()

    try:
        for case in cases:
            tap.case(case.__name__, node and node.link, lambda case=case: one(case))
        tap.case("stopped_it_ends_without_error", node and node.link, end)
    finally:
        if node is not None:
            node.link.close()


def main(groups):
    """groups: (setup, cases).  The cases of a group share a node; each setup makes a new one."""
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        print("1..0 # SKIP needs root and /dev/net/tun")
        return 0
    bubd, wanted = sys.argv[1], sys.argv[2:]
    groups = [(s, [c for c in cases if not wanted or c.__name__ in wanted]) for s, cases in groups]
    print(f"1..{sum(len(cases) + 1 for _, cases in groups if cases)}")
    remains.interruptible()
    remains.begin()
    tap = Tap()
    for setup, cases in groups:
        if cases:
            run_group(tap, lambda setup=setup: setup(bubd), cases)
    return 1 if tap.failed else 0
