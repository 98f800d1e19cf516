# SPDX-License-Identifier: BSD-2-Clause
"""Namespaces, packets and the lnxctl driver for the linux_*.py tests.

Nothing waits for a fixed time: wait_for() polls a condition and fails with its name.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lab"))

from bublab import remains  # noqa: E402

CLONE_NEWNET = 0x40000000
SIOCGSTAMPNS = 0x8907
ETH_P_ALL = 3
LIMIT_S = 45  # a program that loads its filters on a busy machine may take half of that
ALL_NODES = "ff02::1"

libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    pass


def run(*words, check=True, quiet=True):
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if check and r.returncode != 0:
        raise Failure(f"{' '.join(words)}: {r.stderr.strip()}")
    return r.stdout


def wait_for(what, condition, limit_s=LIMIT_S):
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {limit_s} s for: {what}")
        time.sleep(0.01)


class Namespace:
    there = []  # those that are not closed yet

    def __init__(self, name):
        self.name = remains.namespace(name)
        run("ip", "netns", "add", self.name)
        Namespace.there.append(self)
        self.ip("link", "set", "lo", "up")

    def close(self):
        run("ip", "netns", "del", self.name, check=False)
        if self in Namespace.there:
            Namespace.there.remove(self)

    @staticmethod
    def close_all():
        """What a set-up that failed half-way has left, programs and all."""
        for one in list(Namespace.there):
            for pid in run("ip", "netns", "pids", one.name, check=False).split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            one.close()

    def ip(self, *words, check=True):
        return run("ip", "-n", self.name, *words, check=check)

    def sysctl(self, name, value):
        self.exec("sysctl", "-qw", f"net.ipv6.{name}={value}")

    def get_sysctl(self, name):
        return self.exec("sysctl", "-n", f"net.ipv6.{name}").strip()

    def exec(self, *words, check=True):
        return run("ip", "netns", "exec", self.name, *words, check=check)

    def popen(self, *words, **kw):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *words], **kw)

    def inside(self, make):
        """Calls make() in the namespace: a socket that it makes stays there."""
        with open("/proc/self/ns/net") as before, open(f"/run/netns/{self.name}") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise Failure("setns")
            try:
                return make()
            finally:
                libc.setns(before.fileno(), CLONE_NEWNET)

    def mac(self, dev):
        return self.ip("-br", "link", "show", dev).split()[2]

    def link_local(self, dev):
        def find():
            for line in self.ip("-6", "-o", "addr", "show", "dev", dev).splitlines():
                word = line.split()[3]
                if word.startswith("fe80:") and "tentative" not in line:
                    return word.split("/")[0]
            return None

        return wait_for(f"a link-local address on {dev}", find)

    def ifindex(self, dev):
        return self.inside(lambda: socket.if_nametoindex(dev))

    def capture(self, dev, kind=0x86DD):
        """IPv6 packets that come in by @dev; with ETH_P_ALL whatever goes out, too."""
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind))
            s.bind((dev, kind))
            s.setblocking(False)
            try:
                came_at(s)  # from now on the kernel remembers when
            except FileNotFoundError:
                pass  # none has come yet
            return s

        return self.inside(make)

    def state(self):
        """Everything that lnx_close() has to leave as it was."""
        text = ""
        for words in (
            ("-6", "rule"),
            ("-6", "route", "show", "table", "all"),
            ("-6", "-o", "addr"),
            ("-6", "neigh", "show", "proxy"),
            ("-br", "link"),
        ):
            text += self.ip(*words)
        keep = [x.split(" expires ")[0].split(" valid_lft ")[0].rstrip() for x in text.splitlines()]
        # Whether a link has a carrier is not lnx_close()'s, and is seen late in some of these.
        carrier = re.compile(
            r" +(linkdown|UP|DOWN|LOWERLAYERDOWN|UNKNOWN)(?= )|NO-CARRIER,|,LOWER_UP")
        return sorted(re.sub(" +", " ", carrier.sub("", x)) for x in keep)


def captured(sock, match):
    """The first waiting packet that match() likes, or None."""
    while True:
        try:
            packet = sock.recv(65536)
        except BlockingIOError:
            return None
        if match(packet):
            return packet


def came_at(sock):
    """When the packet that was read last was on the link, in seconds: however late it was read."""
    seconds, nanoseconds = struct.unpack("@qq", fcntl.ioctl(sock, SIOCGSTAMPNS, bytes(16)))
    return seconds + nanoseconds / 1e9


def soon(what, go, bounds, tries=5):
    """Something that takes no longer than that: @go does it once and returns what it took, in the
    order of @bounds.  What always takes too long is a defect; once in a few times is a busy
    machine."""
    took = []
    for _ in range(tries):
        took.append(go())
        if all(one <= most for one, most in zip(took[-1], bounds)):
            return
    raise Failure(f"{what} took {took} s, at most {bounds}")


class Ctl:
    """One lnxctl process."""

    def __init__(self, binary, ns, *options):
        self.ns = ns
        self.lines = []
        self.partial = b""
        self.proc = ns.popen(
            binary, *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        os.set_blocking(self.proc.stdout.fileno(), False)
        self.first = wait_for("lnxctl's first line", self._first)

    def _first(self):
        self.read()
        for x in self.lines:
            if x == "open" or x.startswith("error"):
                return x
        return None

    def read(self):
        while True:
            try:
                data = os.read(self.proc.stdout.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                return
            *whole, self.partial = (self.partial + data).split(b"\n")
            self.lines += [x.decode() for x in whole]

    def send(self, *words):
        self.proc.stdin.write((" ".join(words) + "\n").encode())

    def sync(self):
        """Returns when every command before has been carried out."""
        self.lines = [x for x in self.lines if x != "synced"]
        self.send("sync")
        self.event("synced")

    def has(self, *beginning):
        self.read()
        text = " ".join(beginning)
        return [x for x in self.lines if x == text or x.startswith(text + " ")]

    def event(self, *beginning, limit_s=LIMIT_S):
        """Waits for an event, takes it out and returns its words.  The limit is not for telling
        what is quick from what is slow: see soon()."""
        text = " ".join(beginning)
        try:
            line = wait_for(text, lambda: self.has(*beginning), limit_s)[0]
        except Failure as e:
            raise Failure(f"{e}; lines: {self.lines}") from e
        self.lines.remove(line)
        return line.split()

    def counters(self):
        self.send("counters")
        return {k: int(v) for k, v in (x.split("=") for x in self.event("counters")[1:])}

    def quit(self):
        self.send("quit")
        self.event("closed")
        if self.proc.wait(LIMIT_S) != 0:
            raise Failure(f"lnxctl ended with {self.proc.returncode}")

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()


def checksum(src, dst, proto, data):
    pseudo = socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, dst)
    pseudo += struct.pack("!IHBB", len(data), 0, 0, proto)
    text = pseudo + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(text) // 2}H", text))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip6(src, dst, proto, payload, hops=64):
    head = struct.pack("!IHBB", 6 << 28, len(payload), proto, hops)
    return head + addr(src) + addr(dst) + payload


def addr(text):
    return socket.inet_pton(socket.AF_INET6, text)


def text_of(octets):
    return socket.inet_ntop(socket.AF_INET6, octets)


def icmp6(src, dst, kind, code, body):
    data = struct.pack("!BBH", kind, code, 0) + body
    return data[:2] + struct.pack("!H", checksum(src, dst, 58, data)) + data[4:]


def rh2(home, next_header):
    return struct.pack("!BBBBI", next_header, 2, 2, 1, 0) + addr(home)


def hao(home, next_header):
    return struct.pack("!BBBBBBBB", next_header, 2, 1, 2, 0, 0, 201, 16) + addr(home)


class Router:
    """Sends Router Advertisements on one link when told to, and never by itself."""

    def __init__(self, ns, dev):
        self.ns, self.dev = ns, dev
        self.addr = ns.link_local(dev)

        def make():
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            s.setsockopt(
                socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(dev)
            )
            return s

        self.sock = ns.inside(make)

    def advertise(self, prefix, lifetime=1800, valid=86400, preferred=14400, mtu=0):
        msg = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0)
        msg += struct.pack("!BB", 1, 1) + bytes.fromhex(self.ns.mac(self.dev).replace(":", ""))
        msg += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, valid, preferred, 0) + addr(prefix)
        if mtu:
            msg += struct.pack("!BBHI", 5, 1, 0, mtu)
        self.sock.sendto(msg, (ALL_NODES, 0, 0, self.ns.ifindex(self.dev)))

    def claim(self, target):
        """A neighbour advertisement to all nodes: somebody on the link has the address."""
        msg = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + addr(target)
        msg += struct.pack("!BB", 2, 1) + bytes.fromhex(self.ns.mac(self.dev).replace(":", ""))
        self.sock.sendto(msg, (ALL_NODES, 0, 0, self.ns.ifindex(self.dev)))


def main(cases, setup):
    """Runs each case in a fresh setup; prints TAP for meson."""
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        print("1..0 # SKIP needs root and /dev/net/tun")
        return 0
    remains.interruptible()
    remains.begin()
    binary = sys.argv[1]
    wanted = sys.argv[2:]
    cases = [c for c in cases if not wanted or c.__name__ in wanted]
    failed = 0
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        things = None
        try:
            things = setup(binary)
            case(things)
            print(f"ok {number} - {case.__name__}", flush=True)
        except Exception:  # noqa: BLE001: whatever it is, the next case still runs
            failed += 1
            print(f"not ok {number} - {case.__name__}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
        finally:
            # What a case closes may be less than all: some share a machine with the next case.
            if things is not None:
                things.close()
            else:
                Namespace.close_all()
    return 1 if failed else 0
