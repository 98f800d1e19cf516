#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Linux kernel's IPsec and Mobile IPv6 at the other end of a home registration.

        namespace                              User Mode Linux
    tap0 AGENT, CN  ------- TAP ------- vec0 CoA, HoA
    bubd, home agent                       mobile node: states and policies by `ip xfrm`

    tap0 ROUTER     ------- TAP ------- vec0 CoA, FAR_AGENT, FAR
    bubd, mobile node FAR_HOA              home agent, the same way

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
          "des_generic", "sha512_generic", "drbg")
HOA, AGENT, CN = "2001:db8:1::10", "2001:db8:1::1", "2001:db8:c::1"
FAR_HOA, FAR_AGENT, FAR = "2001:db8:2::10", "2001:db8:2::1", "2001:db8:d::1"
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
            self.ns.ip("addr", "add", address + "/128", "dev", "lo", "nodad")
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
        for address in (FAR_AGENT, FAR):
            run("ip", "addr", "add", address + "/128", "dev", GUEST_DEV, "nodad")
        run("ip", "route", "add", "default", "via", ROUTER, "dev", GUEST_DEV, "src", HOA)
        wait_for("the link", lambda: received(self.ns.exec(
            *ping_words(ROUTER, COA, 1), check=False)) > 0, 30)
        uml_guest.serve(self.ns.inside(uml_guest.listening))
        self.machine.ask("serve")
        self.machine.ask("mh-hear")


class Node:
    """bubd of one case, and what the guest has for it."""

    # Of the association: the mobile node's home address, its home agent; of the data: our end,
    # theirs.
    home, agent, near, far = HOA, AGENT, CN, HOA
    at_home_agent = True

    def __init__(self, bubd):
        world = World.get()
        self.machine, self.ns = world.machine, world.ns
        self.dir = os.path.join(world.machine.dir, "bubd")
        os.mkdir(self.dir)
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.bubd, self.proc = bubd, None
        self.sequence, self.sent = 100, 0
        self.capture = self.ns.inside(open_capture)

    def start(self, names=("aes", "3des", "aes256"), more=""):
        """names: the algorithm of each pair in SAS."""
        self.names, self.keys, sas = names, [], ""
        for i, (covers, mode, up) in enumerate(SAS):
            cipher, digest, *_, cipher_len, digest_len = ALGORITHMS[names[i // 2]]
            key, auth = os.urandom(cipher_len).hex(), os.urandom(digest_len).hex()
            self.keys.append((key, auth))
            sas += (f'sa "{self.spi(i)}" {{ direction = '
                    f'{"in" if up == self.at_home_agent else "out"} mode = {mode}\n'
                    f'covers = {{{covers}}} encryption = {cipher} integrity = {digest}\n'
                    f'encryption-key = "hex:{key}" integrity-key = "hex:{auth}" }}\n')
        text = f'interfaces = {{"{DEV}"}}\ncontrol = "sock"\nstate-dir = "state"\n{more}\n'
        path = os.path.join(self.dir, "conf")
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(text + self.role(sas))
        self.set_guest(COA if self.at_home_agent else ROUTER)
        self.proc = self.ns.popen(self.bubd, "-c", path, stdout=self.log, stderr=self.log)
        wait_for("bubd", lambda: "starts as" in self.words())

    @staticmethod
    def role(sas):
        return (f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{AGENT}/64"}}\n'
                f'mobile-node "{HOA}" {{\n{sas}}}\n}}\n')

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
        home, agent = self.home, self.agent
        self.care_of = care_of
        self.sent += 1000  # new states, but not sequence numbers that were used
        self.clear_guest()
        for i, (_, mode, up) in enumerate(SAS):
            ends = (home if mode == "transport" else care_of, agent)
            self.esp(i, mode, *(ends if up else ends[::-1]))
        if self.at_home_agent:
            up, down = "out", "in"
            self.mip6(home, agent, "hao", care_of)
            self.mip6("::", home, "route2", care_of, "flag", "wildrecv")
        else:
            up, down = "in", "out"
            self.mip6("::", "::", "hao", "::", "flag", "wildrecv")
            self.mip6(agent, home, "route2", care_of)
        # Out, the first template is the innermost; in, what comes first in a packet is the last.
        self.policy(up, home, agent, 1, ("proto", "135", "type", str(BU)), self.transport(0),
                    self.ro("hao"))
        self.policy(down, agent, home, 1, ("proto", "135", "type", str(BA)), self.transport(1),
                    self.ro("route2"))
        for first, priority, what in ((2, 2, ("proto", "135")), (4, 3, ())):
            self.policy(up, home, "::/0", priority, what, self.tunnel(first, care_of, agent))
            self.policy(down, "::/0", home, priority, what, self.tunnel(first + 1, agent, care_of))

    def esp(self, index, mode, src, dst):
        *_, cipher, digest, bits, _, _ = ALGORITHMS[self.names[index // 2]]
        key, auth = self.keys[index]
        self.machine.run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp",
                         "spi", self.spi(index), "reqid", str(index + 1), "mode", mode,
                         "replay-window", "32", "replay-oseq", str(self.sent), "auth-trunc", digest,
                         "0x" + auth, str(bits), "enc", cipher, "0x" + key)

    def mip6(self, src, dst, proto, care_of, *more):
        self.machine.run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", proto,
                         "mode", "ro", "coa", care_of, *more)

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
        text = struct.pack("!BBBBHHHHBB", 59, 3, BU, 0, 0, self.sequence, A | H, units, 1, 0)
        text += b"\x03\x10" + socket.inet_pton(socket.AF_INET6, self.care_of)
        answer, peer = self.machine.ask("mh", HOA, AGENT, text.hex(), BA)
        status, _, sequence, granted = struct.unpack("!BBHH", bytes.fromhex(answer)[6:12])
        expect("source", peer, AGENT)
        expect("status", status, 0)
        expect("sequence", sequence, self.sequence)
        expect("lifetime", granted, units)

    def home_test(self):
        cookie = os.urandom(8)
        text = struct.pack("!BBBBHH", 59, 1, HOTI, 0, 0, 0) + cookie
        answer, peer = self.machine.ask("mh", HOA, AGENT, text.hex(), HOT)
        expect("source", peer, AGENT)
        expect("cookie", bytes.fromhex(answer)[8:16], cookie)

    def pings(self, wait_s=10):
        return received(self.ns.exec(*ping_words(self.near, self.far, wait_s), check=False))

    def pings_back(self, wait_s=10):
        return received(self.machine.run(*ping_words(self.far, self.near, wait_s), check=False))

    def talk(self):
        """Ordinary programs, both ways; the link shows ESP only."""
        inside, near, far = self.ns.inside, self.near, self.far
        self.forms()
        expect("our echo requests", self.pings(), PINGS)
        expect("their echo requests", self.pings_back(), PINGS)
        expect("UDP from us", uml_guest.udp_exchange(
            near, far, UDP_COUNT, inside(lambda: uml_guest.client(socket.SOCK_DGRAM))),
            [UDP_COUNT, [near]])
        expect("UDP from them", self.machine.ask("udp", far, near, UDP_COUNT), [UDP_COUNT, [far]])
        expect("TCP from us", uml_guest.tcp_send(
            near, far, TCP_OCTETS, inside(lambda: uml_guest.client(socket.SOCK_STREAM))),
            [True, near])
        expect("TCP from them", self.machine.ask("tcp", far, near, TCP_OCTETS), [True, far])
        expect("on the link", self.forms(), {(self.agent, self.care_of, (NH_ESP,), 5),
                                             (self.care_of, self.agent, (NH_ESP,), 4)})

    def forms(self):
        """(source, destination, headers, association) of the packets to or from one of the
        addresses of the case since the last call."""
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
            if {src, dst} & {self.home, self.agent, self.near, self.far}:
                seen.add((src, dst, tuple(chain), spi))


class MobileNode(Node):
    """The roles the other way round; the namespace is abroad from the beginning."""

    home, agent, near, far = FAR_HOA, FAR_AGENT, FAR_HOA, FAR
    at_home_agent = False

    def start(self, *args, **kw):
        self.ns.ip("route", "replace", "default", "via", COA, "dev", DEV, "proto", "static")
        super().start(*args, **kw)

    @staticmethod
    def role(sas):
        return (f'prefix-discovery = false\nbub {{ policy = never }}\n'
                f'mobile-node {{\nhome-address = "{FAR_HOA}/64"\nhome-agent = "{FAR_AGENT}"\n'
                f'lifetime = 400\n{sas}}}\n')

    def register(self):
        """Takes its Binding Update, which the kernel has checked, and acknowledges it."""
        text, peer = self.machine.ask("mh-take", FAR_AGENT, BU)
        text = bytes.fromhex(text)
        sequence, flags, units = struct.unpack("!HHH", text[6:12])
        expect("source, by its Home Address option", peer, FAR_HOA)
        expect("flags", flags, A | H)
        expect("lifetime", units, 100)
        expect("alternate care-of address", text[14:], b"\x03\x10" + socket.inet_pton(
            socket.AF_INET6, self.care_of))
        text = struct.pack("!BBBBHBBHHBBH", 59, 1, BA, 0, 0, 0, 0, sequence, units, 1, 2, 0)
        self.machine.ask("mh", FAR_AGENT, FAR_HOA, text.hex(), None)
        wait_for("the registration", lambda: "acknowledged by the home agent" in self.words())


class Lab:
    """What a case has of its own."""

    def __init__(self, bubd):
        self.bubd, self.node = bubd, None

    def make(self, kind, *args, **kw):
        self.node = kind(self.bubd)
        self.node.start(*args, **kw)
        return self.node

    def close(self):
        if self.node is not None:
            self.node.close()


# ---- Cases -------------------------------------------------------------------------------------


def registration(lab):
    """Both are transport mode behind the headers of Mobile IPv6 (RFC 3776, 3.1)."""
    node = lab.make(Node)
    node.register()
    seen = {form for form in node.forms() if form[3] in (0, 1)}
    expect("on the link", seen, {(COA, AGENT, (NH_DSTOPT, NH_ESP), 0),
                                 (AGENT, COA, (NH_ROUTING, NH_ESP), 1)})
    for name in ("XfrmInTmplMismatch", "XfrmInNoPols", "XfrmInStateProtoError"):
        expect(name, node.machine.xfrm_stat(name), 0)


def payload(lab):
    node = lab.make(Node)
    node.register()
    node.talk()


def payload_with_3des(lab):
    node = lab.make(Node, ("3des",) * 3)
    node.register()
    node.talk()


def home_test_has_its_own_tunnel(lab):
    node = lab.make(Node)
    node.register()
    node.forms()
    node.home_test()
    expect("on the link", node.forms(), {(COA, AGENT, (NH_ESP,), 2), (AGENT, COA, (NH_ESP,), 3)})


def handover(lab):
    """The ends of the tunnels move with the Binding Update, at both ends."""
    node = lab.make(Node)
    node.register()
    node.set_guest(COA_NEXT)
    node.register()
    node.talk()


def deregistration(lab):
    node = lab.make(Node)
    node.register()
    node.register(units=0)
    expect("echo", node.pings(wait_s=1), 0)


def wrong_tunnel_is_refused(lab):
    """Payload in the association for mobility messages."""
    node = lab.make(Node)
    node.register()
    node.machine.run("ip", "xfrm", "policy", "delete", "src", HOA, "dst", "::/0", "dir", "out")
    node.policy("out", HOA, "::/0", 3, (), node.tunnel(2, COA, AGENT))
    expect("echo", node.pings_back(wait_s=1), 0)
    expect("on the link", node.forms() & {(COA, AGENT, (NH_ESP,), 2)},
           {(COA, AGENT, (NH_ESP,), 2)})


def mobile_node_registers(lab):
    """The kernel takes bubd's Binding Update, and bubd the kernel's acknowledgement."""
    node = lab.make(MobileNode)
    node.register()
    seen = {form for form in node.forms() if form[3] in (0, 1)}
    expect("on the link", seen, {(ROUTER, FAR_AGENT, (NH_DSTOPT, NH_ESP), 0),
                                 (FAR_AGENT, ROUTER, (NH_ROUTING, NH_ESP), 1)})


def mobile_node_has_payload(lab):
    node = lab.make(MobileNode, more="route-optimisation = never")
    node.register()
    node.talk()


def mobile_node_has_payload_with_3des(lab):
    node = lab.make(MobileNode, ("3des",) * 3, more="route-optimisation = never")
    node.register()
    node.talk()


def mobile_node_sends_home_tests(lab):
    """What the far host gets came out of the tunnel for mobility messages."""
    node = lab.make(MobileNode)
    node.register()
    node.forms()
    expect("echo", node.pings(), PINGS)
    text, peer = node.machine.ask("mh-take", FAR, HOTI)
    expect("source", peer, FAR_HOA)
    expect("length", len(text), 2 * 16)
    expect("on the link", (ROUTER, FAR_AGENT, (NH_ESP,), 2) in node.forms(), True)


CASES = [registration, payload, payload_with_3des, home_test_has_its_own_tunnel, handover,
         deregistration, wrong_tunnel_is_refused, mobile_node_registers, mobile_node_has_payload,
         mobile_node_has_payload_with_3des, mobile_node_sends_home_tests]

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if shutil.which(UML) is None or not glob.glob(MODULES + "/*/modules.dep"):
        print("1..0 # SKIP package user-mode-linux is not installed")
        sys.exit(0)
    sys.exit(main(CASES, Lab))
