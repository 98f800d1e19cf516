#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Linux kernel's IPsec and Mobile IPv6 as a mobile node of our home agent.

        namespace                              User Mode Linux
    tap0 AGENT, CN  ------- TAP ------- vec0 CoA, HoA
    bubd, home agent                       states and policies by `ip xfrm`

What UMIP's daemon leaves to the kernel is set up by hand here, the way it does: ESP in transport
mode for the home registration, with the kernel's own Home Address option and type 2 routing header;
ESP tunnels for the other mobility messages and for payload.  Our side has the same associations
written out in its configuration.  The messages are put together below, from RFC 6275, 6.1.

usage: uml_ipsec.py BUBD [CASE...]
"""
import atexit
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys

import uml_guest
from linux_common import Failure, Namespace, main, wait_for
from uml_mip6 import DEV, GUEST_DEV, MODULES, PINGS, TCP_OCTETS, UDP_COUNT, UML, Machine, expect
from uml_mip6 import open_capture, ping_words, received

WANTED = ("ipv6", "mip6", "xfrm_user", "esp6", "authenc", "echainiv", "seqiv", "cbc", "ecb", "hmac",
          "des_generic", "sha512_generic", "jitterentropy_rng", "drbg")
HOA, AGENT, CN = "2001:db8:1::10", "2001:db8:1::1", "2001:db8:c::1"
ROUTER, COA, COA_NEXT = "2001:db8:a::1", "2001:db8:a::2", "2001:db8:a::22"
HOTI, HOT, BU, BA = 1, 3, 5, 6
A, H = 0x8000, 0x4000
NH_ROUTING, NH_ESP, NH_DSTOPT = 43, 50, 60
ETH_P_IPV6 = 0x86DD

# Configuration's words, the kernel's, octets of the keys.
ALGORITHMS = {
    "aes": ("aes-cbc", "hmac-sha1-96", "cbc(aes)", "hmac(sha1)", 96, 16, 20),
    "aes256": ("aes-cbc", "hmac-sha256-128", "cbc(aes)", "hmac(sha256)", 128, 32, 32),
    "3des": ("3des-cbc", "hmac-sha1-96", "cbc(des3_ede)", "hmac(sha1)", 96, 24, 20),
}
# (what it covers, mode, up) of each association.
SAS = [(covers, mode, up) for covers, mode in (("binding-updates", "transport"),
                                               ("mobility", "tunnel"), ("payload", "tunnel"))
       for up in (True, False)]


class World:
    """The machine, which outlives each case: booting is what takes time."""

    only = None

    @classmethod
    def get(cls):
        if cls.only is None:
            cls.only = cls()
        return cls.only

    def __init__(self):
        self.ns = Namespace("ipsec")
        atexit.register(self.ns.close)
        for name, value in (("conf.all.accept_dad", 0), ("conf.default.accept_dad", 0),
                            ("conf.all.accept_ra", 0), ("conf.all.forwarding", 1)):
            self.ns.sysctl(name, value)
        self.ns.ip("tuntap", "add", DEV, "mode", "tap")
        self.ns.ip("link", "set", DEV, "up")
        self.ns.ip("addr", "add", ROUTER + "/64", "dev", DEV, "nodad")
        for address in (AGENT, CN):
            self.ns.ip("addr", "add", address + "/128", "dev", DEV, "nodad")
        self.machine = Machine(self.ns, WANTED)
        atexit.register(self.machine.close)
        run = self.machine.run
        for name in ("accept_dad", "accept_ra"):
            for where in ("all", "default", GUEST_DEV):
                run("sysctl", "-qw", f"net.ipv6.conf.{where}.{name}=0")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "set", GUEST_DEV, "up")
        for care_of in (COA, COA_NEXT):
            run("ip", "addr", "add", care_of + "/64", "dev", GUEST_DEV, "nodad")
        run("ip", "addr", "add", HOA + "/128", "dev", GUEST_DEV, "home", "nodad")
        run("ip", "route", "add", "default", "via", ROUTER, "dev", GUEST_DEV, "src", HOA)
        wait_for("the link", lambda: received(self.ns.exec(
            *ping_words(ROUTER, COA, 1), check=False)) > 0, 30)
        uml_guest.serve(self.ns.inside(uml_guest.listening))
        self.machine.ask("serve")


class Node:
    """bubd of one case, and what the guest has for it."""

    def __init__(self, bubd):
        world = World.get()
        self.machine, self.ns = world.machine, world.ns
        self.dir = os.path.join(world.machine.dir, "bubd")
        os.mkdir(self.dir)
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.bubd, self.proc = bubd, None
        self.sequence, self.sent = 100, 0
        self.capture = self.ns.inside(open_capture)

    def start(self, names=("aes", "3des", "aes256")):
        """names: the algorithm of each pair in SAS."""
        text = (f'interfaces = {{"{DEV}"}}\ncontrol = "sock"\nstate-dir = "state"\n'
                f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{AGENT}/64"}}\n'
                f'mobile-node "{HOA}" {{\n')
        self.keys = []
        for i, (covers, mode, up) in enumerate(SAS):
            cipher, digest, *_, cipher_len, digest_len = ALGORITHMS[names[i // 2]]
            key, auth = os.urandom(cipher_len).hex(), os.urandom(digest_len).hex()
            self.keys.append((key, auth))
            text += (f'sa "{self.spi(i)}" {{ direction = {"in" if up else "out"} mode = {mode}\n'
                     f'covers = {{{covers}}} encryption = {cipher} integrity = {digest}\n'
                     f'encryption-key = "hex:{key}" integrity-key = "hex:{auth}" }}\n')
        self.names = names
        path = os.path.join(self.dir, "conf")
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(text + "}\n}\n")
        self.proc = self.ns.popen(self.bubd, "-c", path, stdout=self.log, stderr=self.log)
        self.set_guest(COA)
        wait_for("bubd", lambda: "starts as" in self.words())

    def words(self):
        with open(self.log.name, errors="replace") as f:
            return f.read()

    def close(self):
        status = 0
        if self.proc is not None:
            self.proc.terminate()
            status = self.proc.wait(10)
        self.log.close()
        self.capture.close()
        words = self.words()
        shutil.rmtree(self.dir)
        self.clear_guest()
        if status != 0:
            raise Failure(f"bubd ended with {status}: {words}")

    @staticmethod
    def spi(index):
        return f"{0x200 + index:#x}"

    # ---- the guest's kernel ---------------------------------------------------------------------

    def clear_guest(self):
        self.machine.run("ip", "xfrm", "policy", "flush")
        self.machine.run("ip", "xfrm", "state", "flush")

    def set_guest(self, care_of):
        """RFC 4877, 4.3: the ends of the tunnels are the care-of address and the home agent."""
        self.care_of = care_of
        self.sent += 1000  # new states, but not sequence numbers that were used
        self.clear_guest()
        for i, (_, mode, up) in enumerate(SAS):
            ends = (HOA if mode == "transport" else care_of, AGENT)
            self.esp(i, mode, *(ends if up else ends[::-1]))
        self.mip6(HOA, AGENT, "hao")
        self.mip6("::", HOA, "route2", "flag", "wildrecv")
        # What comes first in a packet is the last template.
        self.policy("out", HOA, AGENT, 1, ("proto", "135", "type", str(BU)), self.transport(0),
                    self.ro("hao"))
        self.policy("in", AGENT, HOA, 1, ("proto", "135", "type", str(BA)), self.transport(1),
                    self.ro("route2"))
        for first, priority, what in ((2, 2, ("proto", "135")), (4, 3, ())):
            self.policy("out", HOA, "::/0", priority, what, self.tunnel(first, care_of, AGENT))
            self.policy("in", "::/0", HOA, priority, what, self.tunnel(first + 1, AGENT, care_of))

    def esp(self, index, mode, src, dst):
        *_, cipher, digest, bits, _, _ = ALGORITHMS[self.names[index // 2]]
        key, auth = self.keys[index]
        self.machine.run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp",
                         "spi", self.spi(index), "reqid", str(index + 1), "mode", mode,
                         "replay-window", "32", "replay-oseq", str(self.sent), "auth-trunc", digest, "0x" + auth, str(bits),
                         "enc", cipher, "0x" + key)

    def mip6(self, src, dst, proto, *more):
        self.machine.run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", proto,
                         "mode", "ro", "coa", self.care_of, *more)

    @staticmethod
    def transport(index):
        return ["tmpl", "src", "::", "dst", "::", "proto", "esp", "reqid", str(index + 1), "mode",
                "transport"]

    @staticmethod
    def tunnel(index, src, dst):
        return ["tmpl", "src", src, "dst", dst, "proto", "esp", "reqid", str(index + 1), "mode",
                "tunnel"]

    @staticmethod
    def ro(proto):
        return ["tmpl", "src", "::", "dst", "::", "proto", proto, "mode", "ro"]

    def policy(self, where, src, dst, priority, what, *templates):
        self.machine.run("ip", "xfrm", "policy", "add", "src", src, "dst", dst, *what, "dir", where,
                         "priority", str(priority), *(word for t in templates for word in t))

    # ---- messages -------------------------------------------------------------------------------

    def register(self, units=100):
        """A home Binding Update; its acknowledgement is checked."""
        self.sequence += 1
        text = struct.pack("!BBBBHHHHBB", 59, 0, BU, 0, 0, self.sequence, A | H, units, 1, 0)
        text += b"\x03\x10" + socket.inet_pton(socket.AF_INET6, self.care_of)
        text = text[:1] + bytes([len(text) // 8 - 1]) + text[2:]
        answer = bytes.fromhex(self.machine.ask("mh", HOA, AGENT, text.hex(), BA)[0])
        status, _, sequence, granted = struct.unpack("!BBHH", answer[6:12])
        expect("status", status, 0)
        expect("sequence", sequence, self.sequence)
        expect("lifetime", granted, units)

    def home_test(self):
        cookie = os.urandom(8)
        text = struct.pack("!BBBBHH", 59, 1, HOTI, 0, 0, 0) + cookie
        answer = bytes.fromhex(self.machine.ask("mh", HOA, AGENT, text.hex(), HOT)[0])
        expect("cookie", answer[8:16], cookie)

    def talk(self):
        """Ordinary programs, both ways; the link shows ESP only."""
        inside = self.ns.inside
        self.forms()
        expect("our echo requests", received(self.ns.exec(*ping_words(CN, HOA, 5), check=False)),
               PINGS)
        expect("their echo requests", received(self.machine.run(*ping_words(HOA, CN, 5),
                                                                check=False)), PINGS)
        expect("UDP from us", uml_guest.udp_exchange(
            CN, HOA, UDP_COUNT, inside(lambda: uml_guest.client(socket.SOCK_DGRAM))),
            [UDP_COUNT, [CN]])
        expect("UDP from them", self.machine.ask("udp", HOA, CN, UDP_COUNT), [UDP_COUNT, [HOA]])
        expect("TCP from us", uml_guest.tcp_send(
            CN, HOA, TCP_OCTETS, inside(lambda: uml_guest.client(socket.SOCK_STREAM))), [True, CN])
        expect("TCP from them", self.machine.ask("tcp", HOA, CN, TCP_OCTETS), [True, HOA])
        expect("on the link", self.forms(), {(AGENT, self.care_of, (NH_ESP,), 5),
                                             (self.care_of, AGENT, (NH_ESP,), 4)})

    def forms(self):
        """(source, destination, headers, association) of the packets to or from the home address
        or the home agent since the last call."""
        seen = set()
        while True:
            try:
                packet, where = self.capture.recvfrom(65536)
            except BlockingIOError:
                return seen
            if where[1] != ETH_P_IPV6:
                continue
            src, dst = (socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24))
            chain, proto, at = [], packet[6], 40
            while proto in (NH_ROUTING, NH_DSTOPT):
                chain.append(proto)
                proto, at = packet[at], at + 8 * (packet[at + 1] + 1)
            chain.append(proto)
            spi = struct.unpack("!I", packet[at:at + 4])[0] - 0x200 if proto == NH_ESP else None
            if {src, dst} & {HOA, AGENT, CN}:
                seen.add((src, dst, tuple(chain), spi))


# ---- Cases -------------------------------------------------------------------------------------


def registration(node):
    """Both are transport mode behind the headers of Mobile IPv6 (RFC 3776, 3.1)."""
    node.start()
    node.register()
    seen = {form for form in node.forms() if form[3] in (0, 1)}
    expect("on the link", seen, {(COA, AGENT, (NH_DSTOPT, NH_ESP), 0),
                                 (AGENT, COA, (NH_ROUTING, NH_ESP), 1)})
    for name in ("XfrmInTmplMismatch", "XfrmInNoPols", "XfrmInStateProtoError"):
        expect(name, node.machine.xfrm_stat(name), 0)


def payload(node):
    node.start()
    node.register()
    node.talk()


def payload_with_3des(node):
    node.start(("3des",) * 3)
    node.register()
    node.talk()


def home_test_has_its_own_tunnel(node):
    node.start()
    node.register()
    node.forms()
    node.home_test()
    expect("on the link", node.forms(), {(COA, AGENT, (NH_ESP,), 2), (AGENT, COA, (NH_ESP,), 3)})


def handover(node):
    """The ends of the tunnels move with the Binding Update, at both ends."""
    node.start()
    node.register()
    node.set_guest(COA_NEXT)
    node.register()
    node.talk()


def deregistration(node):
    node.start()
    node.register()
    node.register(units=0)
    expect("echo", received(node.ns.exec(*ping_words(CN, HOA, 1), check=False)), 0)


def wrong_tunnel_is_refused(node):
    """Payload in the association for mobility messages."""
    node.start()
    node.register()
    node.machine.run("ip", "xfrm", "policy", "delete", "src", HOA, "dst", "::/0", "dir", "out")
    node.policy("out", HOA, "::/0", 3, (), node.tunnel(2, COA, AGENT))
    expect("echo", received(node.machine.run(*ping_words(HOA, CN, 1), check=False)), 0)
    expect("on the link", node.forms() & {(COA, AGENT, (NH_ESP,), 2)},
           {(COA, AGENT, (NH_ESP,), 2)})


CASES = [registration, payload, payload_with_3des, home_test_has_its_own_tunnel, handover,
         deregistration, wrong_tunnel_is_refused]

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if shutil.which(UML) is None or not glob.glob(MODULES + "/*/modules.dep"):
        print("1..0 # SKIP package user-mode-linux is not installed")
        sys.exit(0)
    sys.exit(main(CASES, Node))
