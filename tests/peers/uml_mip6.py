#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Linux kernel's own Mobile IPv6 as a route-optimised peer.

        namespace                            User Mode Linux
    tap0 CoA1, HoA1  ------- TAP ------- vec0 CoA2, HoA2
    bub's data path                      module mip6, bindings by `ip xfrm`

Bindings are set by hand on both sides, so this is about data packets only: theirs must get past us
and ours past the kernel, which checks the type 2 routing header and the Home Address option by code
that nobody here wrote.  Ordinary programs (ping, UDP, TCP) talk to addresses that the link's own
packets never show in their IPv6 header.

usage: uml_mip6.py DPCTL [CASE...]
"""
import atexit
import glob
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

import uml_guest
from linux_common import Failure, Namespace, main, text_of, wait_for

UML = "linux.uml"
MODULES = "/usr/lib/uml/modules"
WANTED = ("ipv6", "mip6", "xfrm_user")
GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "uml_guest.py")
BOOT_S = 90

# The host's file system, read only, and the guest's commands as its first process.
HOST_FILES = ("mem=128M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={GUEST}")

HOA1, COA1 = "2001:db8:1::1", "2001:db8:a::1"
HOA2, COA2, COA2X = "2001:db8:2::2", "2001:db8:a::2", "2001:db8:a::22"
DEV, GUEST_DEV = "tap0", "vec0"
ROUTE_MTU = 1500 - 48

TCP_OCTETS = 1 << 21
UDP_COUNT = 40
PINGS = 3

NH_ROUTING, NH_DSTOPTS, NH_TCP, NH_UDP, NH_ICMPV6 = 43, 60, 6, 17, 58
ECHO = (128, 129)
ETH_P_ALL, ETH_P_IPV6 = 3, 0x86DD
SO_RCVBUFFORCE = 33


class Machine:
    """User Mode Linux, its interface on a TAP of the namespace @ns; without one, there is none."""

    def __init__(self, ns, modules=WANTED, limit_s=BOOT_S, system=HOST_FILES):
        """limit_s: for the boot, and then for each command; system: memory, files and first process."""
        self.dir = tempfile.mkdtemp(prefix="bub-uml-")
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        self.log = open(os.path.join(self.dir, "log"), "wb")
        popen = subprocess.Popen if ns is None else lambda words, **kw: ns.popen(*words, **kw)
        link = [] if ns is None else [f"vec0:transport=tap,ifname={DEV},depth=64,gro=1"]
        # Its own session, so that all its processes can be ended at once.
        self.proc = popen([
            UML, *system, "con=null", "con0=null,fd:1", f"con1=fd:{fd},fd:{fd}", "quiet",
            *link, f"uml_dir={self.dir}", "umid=bub"],
            pass_fds=[fd], stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True, env=dict(os.environ, TMPDIR=self.dir))
        theirs.close()
        ours.settimeout(limit_s)
        self.line = ours.makefile("rwb", buffering=0)
        try:
            if self.line.readline() != uml_guest.READY:
                raise Failure("it ended")
        except (OSError, Failure) as e:
            raise Failure(f"User Mode Linux did not boot: {e}; {self.last_words()}") from e
        self.load_modules(modules)

    def last_words(self):
        with open(self.log.name, errors="replace") as f:
            return " | ".join(f.read().splitlines()[-8:])

    def ask(self, *words):
        self.line.write(json.dumps(words).encode() + b"\n")
        answer = self.line.readline()
        if not answer:
            raise Failure(f"User Mode Linux ended: {self.last_words()}")
        answer = json.loads(answer)
        if isinstance(answer, str):
            raise Failure(f"in the guest: {answer}")
        return answer

    def run(self, *words, check=True):
        status, out, err = self.ask("run", *words)
        if check and status != 0:
            raise Failure(f"in the guest: {' '.join(words)}: {err.strip()}")
        return out

    def load_modules(self, modules):
        version = self.run("uname", "-r").strip()
        base = os.path.join(MODULES, version)
        needs = {}
        with open(os.path.join(base, "modules.dep")) as f:
            for line in f:
                name, _, rest = line.partition(":")
                needs[name] = rest.split()
        loaded = set()
        for wanted in modules:
            target = next(x for x in needs if os.path.basename(x) == wanted + ".ko")
            # modules.dep lists what is needed the other way round.
            for name in needs[target][::-1] + [target]:
                if name not in loaded and self.ask("insmod", os.path.join(base, name)) != 0:
                    raise Failure(f"{name} does not load: {self.last_words()}")
                loaded.add(name)

    def xfrm_stat(self, name):
        with_numbers = dict(x.split() for x in self.run("cat", "/proc/net/xfrm_stat").splitlines())
        return int(with_numbers[name])

    def close(self):
        try:
            self.line.write(b'["quit"]\n')
            self.proc.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass
        if self.proc.poll() is None:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()
        self.line.close()
        self.log.close()
        shutil.rmtree(self.dir)


class Dpctl:
    def __init__(self, ns, binary):
        self.proc = ns.popen(binary, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             bufsize=1)

    def do(self, *words):
        self.proc.stdin.write(" ".join(words) + "\n")
        answer = self.proc.stdout.readline().rstrip("\n")
        if not answer.startswith("ok"):
            raise Failure(f"{' '.join(words)}: {answer}")
        return answer[3:]

    def counters(self):
        return {k: int(v) for k, v in (w.split("=") for w in self.do("counters").split())}

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(10)
        self.proc.stdout.close()


class World:
    """Everything but the bindings; stays for all cases."""

    def __init__(self, binary):
        self.ns = Namespace("uml")
        atexit.register(self.ns.close)
        for name, value in (("conf.all.accept_dad", 0), ("conf.default.accept_dad", 0),
                            ("conf.all.accept_ra", 0), ("icmp.ratelimit", 0)):
            self.ns.sysctl(name, value)
        self.ns.ip("tuntap", "add", DEV, "mode", "tap")
        self.ns.ip("link", "set", DEV, "up")
        self.ns.ip("addr", "add", COA1 + "/64", "dev", DEV, "nodad")
        self.ns.ip("addr", "add", HOA1 + "/128", "dev", "lo", "nodad")
        self.machine = Machine(self.ns)
        atexit.register(self.machine.close)
        self.set_guest_up()
        self.dp = Dpctl(self.ns, binary)
        atexit.register(self.dp.close)
        for words in (("open", "16"), ("local", COA1, "plain"), ("local", HOA1, "home"),
                      ("attach", DEV), ("listen", DEV, "strangers")):
            self.dp.do(*words)
        uml_guest.serve(self.ns.inside(uml_guest.listening))
        self.machine.ask("serve")

    def close(self):
        """After each case; all goes at exit."""

    def set_guest_up(self):
        run = self.machine.run
        for name in ("accept_dad", "accept_ra"):
            for where in ("all", "default", GUEST_DEV):
                run("sysctl", "-qw", f"net.ipv6.conf.{where}.{name}=0")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "set", GUEST_DEV, "up")
        for care_of in (COA2, COA2X):
            run("ip", "addr", "add", care_of + "/64", "dev", GUEST_DEV, "nodad")
        # The flag is what the kernel's check of the type 2 routing header goes by.
        run("ip", "addr", "add", HOA2 + "/128", "dev", GUEST_DEV, "home", "nodad")
        wait_for("the link", lambda: self.ns.exec(
            "ping", "-6", "-c", "1", "-W", "1", "-I", COA1, COA2, check=False).find(" 1 received")
            > 0, 30)


class Pair:
    """The bindings of one case.  A mobile side is known by its home address, the other by the
    address on the link."""

    def __init__(self, world, we_move, they_move):
        self.world, self.machine, self.dp = world, world.machine, world.dp
        self.we_move, self.they_move = we_move, they_move
        self.us, self.them = HOA1 if we_move else COA1, HOA2 if they_move else COA2
        # As bubd does: room for the headers, and the address that finds the neighbour.
        if we_move or they_move:
            via = ("via", COA2) if they_move else ()
            world.ns.ip("route", "replace", self.them, *via, "dev", DEV, "src", self.us, "mtu",
                        str(ROUTE_MTU))
        if we_move:
            self.machine.run("ip", "route", "replace", HOA1, "via", COA1, "dev", GUEST_DEV, "src",
                             self.them)
        self.set_guest(COA2)
        self.set_ours(COA2)
        self.capture = world.ns.inside(open_capture)

    def set_ours(self, care_of):
        self.dp.do("path", self.us, self.them, "direct", COA1, care_of,
                   care_of if self.they_move else "::")

    def set_guest(self, care_of):
        """What the daemon of a kernel with mip6 sets for a binding update list entry (they move)
        and a binding cache entry (we move)."""
        self.clear_guest()
        out, into = [], []
        if self.they_move:
            self.state(self.them, self.us, "hao", care_of)
            self.state("::", self.them, "route2", care_of, "flag", "wildrecv")
            out.append("hao")
            into.append("route2")
        if self.we_move:
            self.state(self.us, self.them, "hao", COA1)
            self.state(self.them, self.us, "route2", COA1)
            out.append("route2")
            into.insert(0, "hao")  # what comes first in a packet is the last template
        if out:
            self.policy("out", self.them, self.us, out)
            self.policy("in", self.us, self.them, into)

    def state(self, src, dst, proto, care_of, *more):
        self.machine.run("ip", "xfrm", "state", "add", "src", src, "dst", dst, "proto", proto,
                         "mode", "ro", "coa", care_of, *more)

    def policy(self, where, src, dst, protos):
        words = ["ip", "xfrm", "policy", "add", "src", src, "dst", dst, "dir", where]
        for proto in protos:
            words += ["tmpl", "src", "::", "dst", "::", "proto", proto, "mode", "ro", "level", "use"]
        self.machine.run(*words)

    def clear_guest(self):
        self.machine.run("ip", "xfrm", "policy", "flush")
        self.machine.run("ip", "xfrm", "state", "flush")

    def close(self):
        self.capture.close()
        self.clear_guest()
        self.dp.do("unpath", self.us, self.them)
        self.world.ns.ip("route", "del", self.them + "/128", check=False)
        self.machine.run("ip", "route", "del", HOA1, check=False)

    # ---- traffic -------------------------------------------------------------------------------

    def ping(self, wait_s=10):
        """Ours to them; how many of PINGS were answered."""
        return received(self.world.ns.exec(*ping_words(self.us, self.them, wait_s), check=False))

    def ping_back(self, wait_s=10):
        return received(self.machine.run(*ping_words(self.them, self.us, wait_s), check=False))

    def forms(self):
        """The forms of data packets seen on the link since the last call."""
        seen = set()
        while True:
            try:
                packet, where = self.capture.recvfrom(65536)
            except BlockingIOError:
                return seen
            form = form_of(packet) if where[1] == ETH_P_IPV6 else None
            if form is not None:
                seen.add(form)

    def right_forms(self, care_of=COA2):
        """What RFC 6275, 6.3 and 6.4 want on the link: (source, destination, routing header, Home
        Address option)."""
        hoa1 = HOA1 if self.we_move else None
        hoa2 = HOA2 if self.they_move else None
        return {(COA1, care_of, hoa2, hoa1), (care_of, COA1, hoa1, hoa2)}

    def talk(self):
        """Every kind of traffic, both ways."""
        expect("our echo requests", self.ping(), PINGS)
        expect("their echo requests", self.ping_back(), PINGS)
        inside, us, them = self.world.ns.inside, self.us, self.them
        expect("UDP from us", uml_guest.udp_exchange(
            us, them, UDP_COUNT, inside(lambda: uml_guest.client(socket.SOCK_DGRAM))),
            [UDP_COUNT, [us]])
        expect("UDP from them", self.machine.ask("udp", them, us, UDP_COUNT), [UDP_COUNT, [them]])
        expect("forms on the link", self.forms(), self.right_forms())
        expect("TCP from us", uml_guest.tcp_send(
            us, them, TCP_OCTETS, inside(lambda: uml_guest.client(socket.SOCK_STREAM))),
            [True, us])
        expect("TCP from them", self.machine.ask("tcp", them, us, TCP_OCTETS), [True, them])
        expect("forms on the link, TCP", self.forms(), self.right_forms())


def open_capture():
    """Sees what comes before our programs do, and what leaves after: that needs ETH_P_ALL."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    s.setblocking(False)
    s.bind((DEV, ETH_P_ALL))
    return s


def ping_words(source, destination, wait_s):
    """All requests at once.  ping keeps to -W only while it has no answer at all; after that it
    waits for an interval at least, hence -i."""
    return ("ping", "-6", "-n", "-c", str(PINGS), "-l", str(PINGS), "-i", str(wait_s), "-W",
            str(wait_s), "-I", source, destination)


def received(text):
    for line in text.splitlines():
        if " received" in line:
            return int(line.split(" received")[0].split()[-1])
    raise Failure(f"ping: {text}")


def expect(what, got, want):
    if got != want:
        raise Failure(f"{what}: {got!r}, not {want!r}")


def form_of(packet):
    """(source, destination, home address in the routing header, in the option) of a data packet;
    None for what is no data packet."""
    following, at = packet[6], 40
    routing = option = None
    while following in (NH_ROUTING, NH_DSTOPTS):
        length = 8 + packet[at + 1] * 8
        if following == NH_ROUTING:
            expect("routing header", struct.unpack_from("!BBB", packet, at + 1), (2, 2, 1))
            routing = text_of(packet[at + 8:at + 24])
        else:
            option = home_address(packet[at + 2:at + length])
        following, at = packet[at], at + length
    if following in (NH_TCP, NH_UDP) or (following == NH_ICMPV6 and packet[at] in ECHO):
        return text_of(packet[8:24]), text_of(packet[24:40]), routing, option
    return None


def home_address(options):
    at = 0
    while options[at] != 201:
        at += 1 if options[at] == 0 else 2 + options[at + 1]
    return text_of(options[at + 2:at + 18])


# ---- cases -------------------------------------------------------------------------------------


def neither(world):
    """Nobody is mobile: the data path leaves such packets alone."""
    pair = Pair(world, we_move=False, they_move=False)
    try:
        before = world.dp.counters()
        pair.talk()
        expect("counters", world.dp.counters(), before)
    finally:
        pair.close()


def counted(world, we_move, they_move):
    pair = Pair(world, we_move, they_move)
    try:
        before = world.dp.counters()
        pair.talk()
        after = world.dp.counters()
        grown = {k: after[k] - before[k] for k in after if after[k] != before[k]}
        expect("counters that grew", set(grown), {"data-in", "data-out"})
        for name in ("data-in", "data-out"):
            # Echo and UDP, requests and answers, and the stream both ways in frames of any size.
            if grown[name] < 2 * (PINGS + UDP_COUNT) + TCP_OCTETS // 65536:
                raise Failure(f"{name}: only {grown[name]}")
    finally:
        pair.close()


def they_are_mobile(world):
    """Home Address option from the kernel, routing header from us."""
    counted(world, we_move=False, they_move=True)


def we_are_mobile(world):
    """Home Address option from us, routing header from the kernel."""
    counted(world, we_move=True, they_move=False)


def both_are_mobile(world):
    """Both headers, both ways."""
    counted(world, we_move=True, they_move=True)


def both_are_mobile_no_offloads(world):
    """The same with every segment and checksum made before our programs see it."""
    features = ("tx", "tso", "gso", "gro")
    switch = lambda state: world.ns.exec("ethtool", "-K", DEV, *(w for f in features
                                                                 for w in (f, state)))
    switch("off")
    try:
        counted(world, we_move=True, they_move=True)
    finally:
        switch("on")


def they_move_on(world):
    """The kernel gets another care-of address.  Before we know, it is refused."""
    pair = Pair(world, we_move=True, they_move=True)
    try:
        expect("echo before", pair.ping_back(), PINGS)
        pair.set_guest(COA2X)
        before = world.dp.counters()
        expect("echo from an address that is not bound", pair.ping_back(wait_s=1), 0)
        after = world.dp.counters()
        expect("refused", after["data-hao-no-binding"] - before["data-hao-no-binding"], PINGS)
        expect("accepted", after["data-in"] - before["data-in"], 0)
        pair.set_ours(COA2X)
        pair.forms()
        expect("echo after", pair.ping_back(), PINGS)
        expect("our echo after", pair.ping(), PINGS)
        expect("forms on the link", pair.forms(), pair.right_forms(COA2X))
    finally:
        pair.close()


def we_refuse_without_binding(world):
    """RFC 6275, 9.3.1: dropped, counted, and shown to user space for its Binding Error."""
    pair = Pair(world, we_move=False, they_move=True)
    try:
        world.dp.do("unpath", pair.us, pair.them)
        while world.dp.do("recv", "0"):
            pass
        before = world.dp.counters()
        expect("echo without a binding", pair.ping_back(wait_s=1), 0)
        after = world.dp.counters()
        grown = {k: after[k] - before[k] for k in after if after[k] != before[k]}
        expect("counters", grown, {"data-hao-no-binding": PINGS, "hao-no-binding-seen": PINGS})
        shown = bytes.fromhex(world.dp.do("recv", "1000"))
        expect("what user space sees", form_of(shown), (COA2, COA1, None, HOA2))
    finally:
        pair.close()


def we_refuse_another_home(world):
    """RFC 6275, 6.4: a routing header must name a home address of this node."""
    pair = Pair(world, we_move=True, they_move=False)
    try:
        world.dp.do("local", HOA1, "plain")
        before = world.dp.counters()
        expect("echo to what is no home address", pair.ping_back(wait_s=1), 0)
        after = world.dp.counters()
        expect("refused", after["data-rh2-not-home"] - before["data-rh2-not-home"], PINGS)
    finally:
        world.dp.do("local", HOA1, "home")
        pair.close()


def kernel_refuses_ours(world):
    """That the kernel checks at all: without a binding, and with one for another care-of address,
    our packets are refused by it."""
    pair = Pair(world, we_move=True, they_move=False)
    try:
        expect("echo before", pair.ping(), PINGS)
        pair.clear_guest()
        before = world.machine.xfrm_stat("XfrmInNoStates")
        expect("echo without a binding", pair.ping(wait_s=1), 0)
        expect("its count", world.machine.xfrm_stat("XfrmInNoStates") - before, PINGS)
        pair.state(pair.us, pair.them, "hao", "2001:db8:a::bad")
        expect("echo with another binding", pair.ping(wait_s=1), 0)
        expect("its count then", world.machine.xfrm_stat("XfrmInNoStates") - before, 2 * PINGS)
    finally:
        pair.close()


CASES = [neither, they_are_mobile, we_are_mobile, both_are_mobile,
         both_are_mobile_no_offloads, they_move_on, we_refuse_without_binding,
         we_refuse_another_home, kernel_refuses_ours]


class Shared:
    """The world of all cases, which outlives each: booting is what takes time."""

    world = None

    @classmethod
    def setup(cls, binary):
        if cls.world is None:
            cls.world = World(binary)
        return cls.world


if __name__ == "__main__":
    # What atexit has in store is due after meson's time limit too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if shutil.which(UML) is None or not glob.glob(MODULES + "/*/modules.dep"):
        print("1..0 # SKIP package user-mode-linux is not installed")
        sys.exit(0)
    sys.exit(main(CASES, Shared.setup))
