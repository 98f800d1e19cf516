#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The data path between real sockets, in network namespaces made here (needs root and BPF).

        n1                        r (router)                        n2
   HoA1 on lo                                                  HoA2 on lo
   CoA1 e1 ----------------- r1          r2 ----------------- e2 CoA2
   (CoA1x: second care-of address)             (CoA2x: the same)

The router knows no route to the home addresses, so what is not rewritten does not arrive.
IPsec between the two is the kernel's: class IpsecTest is skipped where it has none, and
tests/peers/uml_datapath.py runs it where it has.

Usage: datapath_test.py DPCTL [unittest arguments].  Exits with 77 where a feature is missing.
"""
import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lab"))

from bublab import remains  # noqa: E402

DPCTL = ""
NS = {name: remains.namespace(name) for name in ("n1", "r", "n2")}
HOA1, HOA2 = "2001:db8:1::1", "2001:db8:2::2"
COA1, COA1X = "2001:db8:a::1", "2001:db8:a::11"
COA2, COA2X = "2001:db8:b::2", "2001:db8:b::22"
STRANGER = "2001:db8:f::f"
MTU = 1500
ROUTE_MTU = MTU - 48
UDP_SEGMENT = 103
PORT = 62191  # of direct paths in UDP
NH_ESP, NH_AH = 50, 51
ETH_P_ALL, ETH_P_IPV6 = 3, 0x86dd
LIMIT_S = 20

libc = ctypes.CDLL(None, use_errno=True)


def skip_all(why):
    print("skipped: " + why)
    sys.exit(77)


def run(*args, check=True):
    return subprocess.run(args, check=check, capture_output=True, text=True)


def ip(ns, *args):
    return run("ip", "-n", NS[ns], *args)


@contextlib.contextmanager
def inside(ns):
    """This thread is in the namespace @ns meanwhile; sockets made here stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + NS[ns], os.O_RDONLY)
    try:
        if libc.setns(there, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(home, 0)
        os.close(home)
        os.close(there)


def make_socket(ns, family, kind, proto=0):
    with inside(ns):
        s = socket.socket(family, kind, proto)
    s.settimeout(LIMIT_S)
    return s


def udp(ns, addr, port=0):
    s = make_socket(ns, socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((addr, port))
    return s


def wait_until(what, condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (LIMIT_S, what))
        time.sleep(0.01)


class Ctl:
    """dpctl in a namespace."""

    def __init__(self, ns, *args):
        self.proc = subprocess.Popen(
            ["ip", "netns", "exec", NS[ns], DPCTL, *args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, line):
        self.proc.stdin.write(line + "\n")
        return self.proc.stdout.readline().rstrip("\n")

    def do(self, line):
        answer = self.ask(line)
        if not answer.startswith("ok"):
            raise AssertionError("%s: %s" % (line, answer))
        return answer[3:]

    def path(self, local, peer, out_src, out_dst, in_care_of, way="direct"):
        self.do("path %s %s %s %s %s %s" % (local, peer, way, out_src, out_dst, in_care_of))

    def counters(self):
        return {k: int(v) for k, v in (w.split("=") for w in self.do("counters").split())}

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(LIMIT_S)
        self.proc.stdout.close()


class Capture:
    """tcpdump on @device of @ns."""

    def __init__(self, ns, device, what):
        self.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        self.proc = subprocess.Popen(
            ["ip", "netns", "exec", NS[ns], "tcpdump", "-Z", "root", "-U", "--immediate-mode",
             "-s", "0", "-B", "16384", "-w", self.file.name, "-i", device, what],
            stderr=subprocess.PIPE, text=True)
        for line in self.proc.stderr:
            if "listening on" in line:
                return
        raise AssertionError("tcpdump did not start")

    def fields(self, *names, only=""):
        """A list of lists of strings.  Stops capturing."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGINT)
            self.proc.wait(LIMIT_S)
            self.proc.stderr.close()
        args = ["tshark", "-n", "-r", self.file.name, "-o", "tcp.check_checksum:TRUE", "-o",
                "udp.check_checksum:TRUE", "-T", "fields", "-E", "separator=;"]
        for name in names:
            args += ["-e", name]
        if only:
            args += ["-Y", only]
        return [line.split(";") for line in run(*args).stdout.splitlines()]

    def wait_for(self, n, size):
        """At least @n packets of about @size octets each are in the file."""
        wait_until("capture", lambda: os.path.getsize(self.file.name) >= n * size)


def set_offloads(on):
    state = "on" if on else "off"
    for ns, device in (("n1", "e1"), ("r", "r1"), ("r", "r2"), ("n2", "e2")):
        run("ip", "netns", "exec", NS[ns], "ethtool", "-K", device, "tx", state, "tso", state,
            "gso", state, "gro", state, check=False)


def make_namespaces():
    for ns in NS:
        if run("ip", "netns", "add", NS[ns], check=False).returncode != 0:
            skip_all("no network namespaces (root is needed)")
        run("ip", "netns", "exec", NS[ns], "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0",
            "net.ipv6.conf.default.accept_dad=0", "net.ipv6.icmp.ratelimit=0",
            "net.ipv6.conf.all.forwarding=%d" % (ns == "r"))
        ip(ns, "link", "set", "lo", "up")
    for node, device, port, net, coas, hoa, peer in (
            ("n1", "e1", "r1", "2001:db8:a::", (COA1, COA1X), HOA1, HOA2),
            ("n2", "e2", "r2", "2001:db8:b::", (COA2, COA2X), HOA2, HOA1)):
        run("ip", "link", "add", device, "mtu", str(MTU), "netns", NS[node], "type", "veth",
            "peer", "name", port, "mtu", str(MTU), "netns", NS["r"])
        ip("r", "addr", "add", net + "ff/64", "dev", port, "nodad")
        ip("r", "link", "set", port, "up")
        for coa in coas:
            ip(node, "addr", "add", coa + "/64", "dev", device, "nodad")
        ip(node, "addr", "add", hoa + "/128", "dev", "lo", "nodad")
        ip(node, "link", "set", device, "up")
        ip(node, "route", "add", "default", "via", net + "ff", "dev", device)
        ip(node, "route", "add", peer + "/128", "via", net + "ff", "dev", device, "src", hoa,
           "mtu", str(ROUTE_MTU))


def address(text):
    return socket.inet_pton(socket.AF_INET6, text)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_segment(src, dst, sport, dport, payload):
    length = 8 + len(payload)
    head = struct.pack("!HHHH", sport, dport, length, 0)
    pseudo = address(src) + address(dst) + struct.pack("!II", length, 17)
    return struct.pack("!HHHH", sport, dport, length,
                       checksum(pseudo + head + payload) or 0xffff) + payload


def send_raw(ns, device, src, dst, next_header, payload):
    """Sends an IPv6 packet as it is, to the router's or the peer's link-layer address."""
    mac = open_mac(ns, device)
    packet = struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64) + address(src) + \
        address(dst) + payload
    s = make_socket(ns, socket.AF_PACKET, socket.SOCK_DGRAM)
    s.sendto(packet, (device, 0x86dd, 0, 0, mac))
    s.close()


def packets(ns, device):
    """What passes there from now on, for forms()."""
    s = make_socket(ns, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
    s.bind((device, ETH_P_ALL))
    s.setblocking(False)
    return s


def headers(packet):
    """Next headers up to the first that is none of ours, and where that begins."""
    chain, at = [packet[6]], 40
    while chain[-1] in (43, 60):
        chain.append(packet[at])
        at += 8 * (packet[at + 1] + 1)
    return tuple(chain), at


def each_packet(sock):
    """(source, destination, next headers, packet, offset of what is no header of ours)."""
    while True:
        try:
            packet, where = sock.recvfrom(65536)
        except BlockingIOError:
            return
        if where[1] != ETH_P_IPV6:
            continue
        chain, at = headers(packet)
        if chain not in ((58,), (0,)):  # neighbour discovery, and multicast listener discovery
            yield (*(socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24)), chain,
                   packet, at)


def forms(sock):
    return {x[:3] for x in each_packet(sock)}


def open_mac(ns, device):
    """Link-layer address at the other end of @device."""
    peer = {"e1": ("r", "r1"), "e2": ("r", "r2"), "r1": ("n1", "e1"), "r2": ("n2", "e2")}[device]
    text = run("ip", "netns", "exec", NS[peer[0]], "cat",
               "/sys/class/net/%s/address" % peer[1]).stdout
    return bytes.fromhex(text.strip().replace(":", ""))


class Pair(unittest.TestCase):
    """Both are mobile, and bound to each other."""

    def setUp(self):
        self.c1, self.c2 = Ctl("n1"), Ctl("n2")
        self.addCleanup(self.c1.close)
        self.addCleanup(self.c2.close)
        for c, device, coas, hoa in ((self.c1, "e1", (COA1, COA1X), HOA1),
                                     (self.c2, "e2", (COA2, COA2X), HOA2)):
            c.do("open 64")
            for coa in coas:
                c.do("local %s plain" % coa)
            c.do("local %s home" % hoa)
            c.do("attach " + device)
        self.c1.path(HOA1, HOA2, COA1, COA2, COA2)
        self.c2.path(HOA2, HOA1, COA2, COA1, COA1)
        set_offloads(True)

    # ---- traffic -------------------------------------------------------------------------------

    def transfer(self, size, sender, receiver):
        """Sends @size octets by TCP, (namespace, address) to another; checks what arrives."""
        data = os.urandom(1 << 16) * (size >> 16)
        server = make_socket(receiver[0], socket.AF_INET6, socket.SOCK_STREAM)
        server.bind((receiver[1], 0))
        server.listen()
        client = make_socket(sender[0], socket.AF_INET6, socket.SOCK_STREAM)
        client.bind((sender[1], 0))
        got = hashlib.sha256()

        def receive():
            conn, peer = server.accept()
            self.assertEqual(peer[0], sender[1])
            conn.settimeout(LIMIT_S)
            for part in iter(lambda: conn.recv(1 << 16), b""):
                got.update(part)
            conn.close()

        thread = threading.Thread(target=receive)
        thread.start()
        client.connect(server.getsockname()[:2])
        client.sendall(data)
        client.close()
        thread.join(LIMIT_S)
        server.close()
        self.assertEqual(got.digest(), hashlib.sha256(data).digest())

    def assert_counted(self, ctl, before, **expected):
        now = ctl.counters()
        for name, least in expected.items():
            name = name.replace("_", "-")
            self.assertGreaterEqual(now[name] - before[name], least, name)
        return now

    def datagram(self, src, dst, text=b"hello"):
        """One datagram from @src to @dst; (namespace, address) both."""
        server, client = udp(*dst), udp(*src)
        client.sendto(text, server.getsockname()[:2])
        got, peer = server.recvfrom(2048)
        server.close()
        client.close()
        self.assertEqual((got, peer[0]), (text, src[1]))


class DatapathTest(Pair):
    def test_tcp_with_offloads(self):
        for on in (True, False):
            set_offloads(on)
            b1, b2 = self.c1.counters(), self.c2.counters()
            self.transfer(32 << 20, ("n1", HOA1), ("n2", HOA2))
            self.transfer(32 << 20, ("n2", HOA2), ("n1", HOA1))
            for c, before in ((self.c1, b1), (self.c2, b2)):
                self.assert_counted(c, before, data_out=100, data_in=100)

    def test_ping(self):
        for size in ("56", str(ROUTE_MTU - 48), "4000"):  # the last one goes in fragments
            run("ip", "netns", "exec", NS["n1"], "ping", "-6", "-c", "3", "-i", "0.05", "-W", "2",
                "-s", size, "-I", HOA1, HOA2)

    def test_static_correspondent(self):
        """One of the two is not mobile, or at home: one header only."""
        capture = Capture("r", "r1", "proto 43 or proto 60")
        self.c1.path(HOA1, COA2, COA1, COA2, "::")
        self.c2.path(COA2, HOA1, COA2, COA1, COA1)
        self.datagram(("n1", HOA1), ("n2", COA2))
        self.datagram(("n2", COA2), ("n1", HOA1))
        capture.wait_for(2, 54 + 24 + 8)
        rows = capture.fields("ipv6.src", "ipv6.dst", "ipv6.nxt")
        self.assertEqual(rows[0][:2], ["%s" % COA1, COA2])
        self.assertEqual(rows[0][2], "60")
        self.assertEqual(rows[1][2], "43")

    def test_udp_gso(self):
        """Segments are cut by the receiving end of the veth pair, or by the sending kernel.

        Without checksum offload, Linux 6.11 and newer cannot segment a datagram to which a tc
        program has added headers (it keeps the checksum's place only where offload is on); older
        ones refuse UDP GSO there to begin with.
        """
        for segmentation in ("on", "off"):
            run("ip", "netns", "exec", NS["n1"], "ethtool", "-K", "e1", "tx-udp-segmentation",
                segmentation)
            server, client = udp("n2", HOA2), udp("n1", HOA1)
            segment, n = ROUTE_MTU - 48, 40
            data = b"".join(bytes([i]) * segment for i in range(n))
            client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
            client.sendto(data, server.getsockname()[:2])
            for i in range(n):
                self.assertEqual(server.recv(2048), bytes([i]) * segment)
            server.close()
            client.close()

    def test_udp_in_fragments(self):
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        data = os.urandom(5000)
        client.sendto(data, server.getsockname()[:2])
        self.assertEqual(server.recv(8192), data)
        server.close()
        client.close()

    def test_whatever_is_inside(self):
        """RFC 6275, 11.3.2: ESP and AH come behind our headers.  The octets are arbitrary, as those
        of ESP look here, whole and in fragments: no byte of them may change or be looked at."""
        capture = packets("r", "r2")
        seen = set()
        for proto in (NH_ESP, NH_AH, 4, 41, 47, 59, 132, 253):
            for src, dst in ((("n1", HOA1), ("n2", HOA2)), (("n2", HOA2), ("n1", HOA1))):
                server = make_socket(dst[0], socket.AF_INET6, socket.SOCK_RAW, proto)
                client = make_socket(src[0], socket.AF_INET6, socket.SOCK_RAW, proto)
                server.bind((dst[1], 0))
                client.bind((src[1], 0))
                for size in (1, 8, 333, ROUTE_MTU - 40, 4000):
                    # A first fragment has to hold all headers, AH among them (RFC 8200, 4.5).
                    data = (bytes([253, 4] if proto == NH_AH else []) + os.urandom(size))[:size]
                    client.sendto(data, (dst[1], 0))
                    got, peer = server.recvfrom(8192)
                    self.assertEqual((got, peer[0]), (data, src[1]), (proto, size))
                server.close()
                client.close()
            seen |= forms(capture)
            want = ((COA1, COA2), (COA2, COA1))
            self.assertEqual(seen, {(*way, (43, 60, *how)) for way in want
                                    for how in ((proto,), (44,))})
            seen.clear()
        capture.close()

    def test_hop_by_hop_and_options(self):
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        skip = bytes([0, 0, 0x1e, 4, 1, 2, 3, 4])
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, skip)
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, skip)
        capture = Capture("r", "r2", "ip6")
        client.sendto(b"hello", server.getsockname()[:2])
        self.assertEqual(server.recv(64), b"hello")
        capture.wait_for(1, 54 + 48 + 16 + 13)
        rows = capture.fields("frame.protocols", only="udp")
        self.assertIn("ipv6.hopopts:ipv6.routing:ipv6.dstopts:ipv6.dstopts:udp", rows[0][0])
        server.close()
        client.close()

    # ---- on the wire ---------------------------------------------------------------------------

    def test_wire_format(self):
        set_offloads(False)
        capture = Capture("r", "r1", "ip6")
        self.transfer(1 << 17, ("n1", HOA1), ("n2", HOA2))
        capture.wait_for(100, 1400)
        rows = capture.fields("ipv6.src", "ipv6.dst", "ipv6.routing.type", "ipv6.routing.segleft",
                              "frame.protocols", "tcp.checksum.status", "frame.len",
                              "tcp.flags.syn",
                              only="tcp")
        self.assertGreater(len(rows), 100)
        sizes = set()
        for src, dst, kind, left, protocols, status, length, _ in rows:
            # RH2 before HAO; tshark sums with the home addresses (1: good).
            self.assertIn("ipv6:ipv6.routing:ipv6.dstopts:tcp", protocols)
            self.assertEqual((kind, left, status), ("2", "1", "1"))
            self.assertIn((src.split(",")[0], dst.split(",")[0]), ((COA1, COA2), (COA2, COA1)))
            sizes.add(int(length))
        self.assertEqual(max(sizes), 14 + MTU)  # the route's MTU leaves no octet unused
        with open(capture.file.name, "rb") as f:
            frame = f.read()[24 + 16:]  # the first: SYN from n1
        want = bytes([60, 2, 2, 1, 0, 0, 0, 0]) + address(HOA2) + \
            bytes([6, 2, 1, 2, 0, 0, 0xc9, 16]) + address(HOA1)
        self.assertEqual(frame[14 + 40:14 + 88], want)
        self.assertEqual(frame[14 + 8:14 + 40], address(COA1) + address(COA2))
        self.assertEqual(struct.unpack("!H", frame[18:20])[0], 48 + 40)

    def test_forwarded_is_untouched(self):
        """The router runs the data path, too, with bindings of its own."""
        with contextlib.closing(Ctl("r")) as router:
            router.do("open 64")
            router.do("local 2001:db8:a::ff home")
            router.path("2001:db8:a::ff", HOA2, "2001:db8:b::ff", COA2, COA2)
            router.do("attach r1")
            router.do("attach r2")
            b1, b2 = self.c1.counters(), self.c2.counters()
            self.transfer(1 << 20, ("n1", HOA1), ("n2", HOA2))
            self.datagram(("n1", COA1), ("n2", COA2))
            self.assert_counted(self.c1, b1, data_out=1, data_in=1)
            self.assert_counted(self.c2, b2, data_out=1, data_in=1)
            self.assertEqual(set(router.counters().values()), {0})

    def test_too_big_for_the_link(self):
        """A route that forgot the headers: counted, not sent."""
        ip("n1", "route", "change", HOA2 + "/128", "via", "2001:db8:a::ff", "dev", "e1", "src",
           HOA1)
        self.addCleanup(ip, "n1", "route", "change", HOA2 + "/128", "via", "2001:db8:a::ff", "dev",
                        "e1", "src", HOA1, "mtu", str(ROUTE_MTU))
        before = self.c1.counters()
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        client.sendto(bytes(MTU - 48), server.getsockname()[:2])
        after = self.assert_counted(self.c1, before, data_too_big=1)
        self.assertEqual(after["data-out"], before["data-out"])
        client.sendto(bytes(ROUTE_MTU - 48), server.getsockname()[:2])
        self.assertEqual(len(server.recv(2048)), ROUTE_MTU - 48)
        server.close()
        client.close()

    # ---- what must not get through -------------------------------------------------------------

    def refused(self, counter, **args):
        """n2 sends to UDP at n1 by the path in @args; it must not arrive, but count."""
        server = udp("n1", "::")
        port = server.getsockname()[1]
        self.c2.path(args["local"], args["peer"], args["out_src"], args["out_dst"], "::")
        ip("n2", "route", "replace", args["peer"] + "/128", "via", "2001:db8:b::ff", "dev", "e2",
           "mtu", str(ROUTE_MTU))
        before = self.c1.counters()
        client = make_socket("n2", socket.AF_INET6, socket.SOCK_DGRAM)
        client.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND: any source will do
        client.bind((args["local"], 0))
        client.sendto(b"bad", (args["peer"], port))
        # The fence goes to a care-of address, on the same way.
        fence = udp("n2", COA2)
        fence.sendto(b"fence", (COA1, port))
        self.assertEqual(server.recvfrom(64)[0], b"fence")
        for s in (server, client, fence):
            s.close()
        after = self.c1.counters()
        changed = {k: after[k] - before[k] for k in after if after[k] != before[k]}
        self.assertEqual(changed.pop(counter), 1)
        changed.pop("hao-no-binding-seen", None)
        self.assertEqual(changed, {})

    def test_spoofed_care_of(self):
        self.refused("data-hao-no-binding", local=HOA2, peer=HOA1, out_src=COA2X, out_dst=COA1)

    def test_unknown_home_address(self):
        self.c1.do("listen e1 strangers")
        self.refused("data-hao-no-binding", local=STRANGER, peer=HOA1, out_src=COA2, out_dst=COA1)
        seen = bytes.fromhex(self.c1.do("recv 5000"))
        self.assertEqual(seen[8:40], address(COA2) + address(COA1))
        self.assertEqual(seen[40 + 24 + 8:40 + 48], address(STRANGER))
        self.assertEqual(self.c1.do("recv 0"), "")
        self.assertEqual(self.c1.counters()["hao-no-binding-seen"], 1)

    def test_rh2_of_another_home(self):
        self.refused("data-rh2-not-home", local=COA2, peer=STRANGER, out_src=COA2, out_dst=COA1)

    def test_malformed(self):
        before = self.c1.counters()
        rh2 = bytes([17, 2, 2, 3, 0, 0, 0, 0]) + address(HOA1)
        send_raw("r", "r1", COA2, COA1, 43, rh2 + udp_segment(COA2, HOA1, 7, 7, b"x"))
        wait_until("drop", lambda: self.c1.counters()["data-malformed"] ==
                   before["data-malformed"] + 1)

    def test_other_options_beside_hao(self):
        server = udp("n1", HOA1)
        port = server.getsockname()[1]
        rh2 = bytes([60, 2, 2, 1, 0, 0, 0, 0]) + address(HOA1)
        for options in (
                bytes([0x1e, 4, 9, 9, 9, 9, 1, 4, 0, 0, 0, 0, 0xc9, 16]) + address(HOA2),
                bytes([1, 2, 0, 0, 0xc9, 16]) + address(HOA2) + bytes([0x1e, 6, 1, 1, 1, 1, 1, 1]),
                bytes([0, 1, 1, 0, 0xc9, 16]) + address(HOA2) + bytes([1, 5, 0, 0, 0, 0, 0, 0])):
            header = bytes([17, (len(options) + 2) // 8 - 1]) + options
            send_raw("r", "r1", COA2, COA1, 43,
                     rh2 + header + udp_segment(HOA2, HOA1, 9, port, b"options"))
            got = server.recvfrom(64)
            self.assertEqual((got[0], got[1][0]), (b"options", HOA2))
        server.close()

    # ---- signalling ----------------------------------------------------------------------------

    def param_problems(self, next_header, n=3):
        """n2 sends @n packets of @next_header to n1; how many ICMPv6 errors come back."""
        icmp = make_socket("n2", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        icmp.setsockopt(socket.IPPROTO_ICMPV6, 1, struct.pack("8I", *([0] * 8)))
        for _ in range(n):
            send_raw("r", "r1", COA2, COA1, next_header, bytes([59, 1, 0, 0, 0, 0, 0, 0]) * 2)
        send_raw("r", "r1", COA2, COA1, 58, b"")  # malformed: n1 stays silent
        echo = struct.pack("!BBHHH", 128, 0, 0, 1, 1)
        icmp.sendto(echo, (COA1, 0))
        errors = 0
        while True:
            kind = icmp.recv(2048)[0]
            if kind == 129:
                break
            errors += kind == 4
        icmp.close()
        return errors

    def test_kernel_does_not_answer_signalling(self):
        self.c1.do("unlocal " + COA1)
        self.assertEqual(self.param_problems(135), 3)  # the kernel's own way
        self.c1.do("local %s plain" % COA1)
        before = self.c1.counters()
        for next_header in (135, 50):
            self.assertEqual(self.param_problems(next_header), 0)
        after = self.c1.counters()
        self.assertEqual(after["signalling-taken"] - before["signalling-taken"], 6)

    def signalling(self, *packets):
        for next_header, payload in packets:
            send_raw("r", "r1", COA2, COA1, next_header, payload)
            seen = bytes.fromhex(self.c1.do("recv 5000"))
            self.assertEqual(seen[6:7] + seen[40:], bytes([next_header]) + payload)

    def test_signalling_is_seen(self):
        self.c1.do("listen e1 strangers")
        mh = bytes([59, 1, 5, 0, 0, 0, 0, 0]) * 2
        hao = bytes([135, 2, 1, 2, 0, 0, 0xc9, 16])
        too_big = struct.pack("!BBHI", 2, 0, 0, 1400) + bytes(48)
        self.signalling((135, mh), (60, hao + address(STRANGER) + mh), (58, too_big))
        # ESP that there is no SA for is nobody's; the packet behind it comes next.
        before = self.c1.counters()["esp-unknown-spi"]
        send_raw("r", "r1", COA2, COA1, 50, bytes(32))
        self.signalling((135, mh))
        self.assertEqual(self.c1.counters()["esp-unknown-spi"], before + 1)
        # Of a peer, on a socket of its own.
        self.c1.do("spi 0x5a5a5a5a")
        self.c1.do("known " + HOA2)
        self.c1.do("listen e1 known")
        send_raw("r", "r1", COA2, COA1, 135, mh)
        self.signalling((50, b"\x5a" * 32), (60, hao + address(HOA2) + mh))
        # Neither data nor what is sent.
        self.datagram(("n1", HOA1), ("n2", HOA2))
        self.datagram(("n2", HOA2), ("n1", HOA1))
        self.datagram(("n2", COA2), ("n1", COA1))
        self.assertEqual(self.c1.do("recv 0"), "")

    def test_own_signalling_leaves_as_it_is(self):
        """A Mobility Header between home addresses, as bub sends it through its own socket."""
        capture = Capture("r", "r1", "ip6")
        s = make_socket("n1", socket.AF_INET6, socket.SOCK_RAW, 135)
        s.bind((HOA1, 0))
        s.sendto(bytes([59, 1, 5, 0, 0, 0, 0, 0]) * 2, (HOA2, 0))
        capture.wait_for(1, 40 + 14 + 16)
        rows = capture.fields("ipv6.src", "ipv6.dst", "ipv6.nxt", only="ipv6.src == " + HOA1)
        self.assertEqual(rows[0], [HOA1, HOA2, "135"])
        s.close()

    # ---- handover ------------------------------------------------------------------------------

    def test_grace(self):
        server, client = udp("n1", HOA1), udp("n2", HOA2)
        to = server.getsockname()[:2]
        server.settimeout(0.05)
        before = self.c1.counters()
        begin = time.monotonic()
        self.c1.path(HOA1, HOA2, COA1, COA2X, COA2X)  # n2 has moved but still sends from COA2
        end = time.monotonic()
        # However late this process runs: what is taken was sent before a second had gone since @end,
        # and what is not was looked at when a second had gone since @begin.
        while True:
            client.sendto(struct.pack("!d", time.monotonic()), to)
            try:
                self.assertLess(struct.unpack("!d", server.recv(64))[0] - end, 1.1)
            except socket.timeout:
                if self.c1.counters()["data-hao-no-binding"] > before["data-hao-no-binding"]:
                    break
        self.assertGreater(time.monotonic() - begin, 0.95)
        after = self.assert_counted(self.c1, before, data_in_grace=2, data_hao_no_binding=1)
        self.assertEqual(after["data-in"] - before["data-in"],
                         after["data-in-grace"] - before["data-in-grace"])
        server.settimeout(LIMIT_S)
        self.c2.path(HOA2, HOA1, COA2X, COA1, COA1)
        client.sendto(b"new", to)
        self.assertEqual(server.recv(64), b"new")
        server.close()
        client.close()

    def test_handovers_lose_nothing(self):
        """n1 moves to and fro under a stream: the receiver first, then the sender."""
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        server.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        client.connect(server.getsockname()[:2])
        stop = threading.Event()
        sent = [0]

        def send():
            while not stop.is_set():
                client.send(struct.pack("!I", sent[0]))
                sent[0] += 1

        thread = threading.Thread(target=send)
        thread.start()
        for i in range(10):
            mark = sent[0]
            wait_until("traffic", lambda: sent[0] > mark + 500)
            coa = (COA1X, COA1)[i % 2]
            self.c2.path(HOA2, HOA1, COA2, coa, coa)
            self.c1.path(HOA1, HOA2, coa, COA2, COA2)
        stop.set()
        thread.join()
        for i in range(sent[0]):
            self.assertEqual(server.recv(64), struct.pack("!I", i))
        self.assertGreater(sent[0], 5000)
        server.close()
        client.close()

    def test_credit(self):
        """To an address that nobody has vouched for goes what there is credit for; the rest comes
        out of bub's own interface as the application sent it."""
        with inside("n1"):
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            # TUNSETIFF; IFF_TUN | IFF_NO_PI
            fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"bubt", 0x1001))
        ip("n1", "link", "set", "bubt", "up")
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        server.settimeout(1)
        direct, through = set(), {}

        def read():
            while True:
                try:
                    packet = os.read(tun, 2048)
                except BlockingIOError:
                    return
                if packet[6] == 17:
                    self.assertEqual((packet[8:24], packet[24:40]), (address(HOA1), address(HOA2)))
                    pseudo = packet[8:40] + struct.pack("!II", len(packet) - 40, 17)
                    self.assertEqual(checksum(pseudo + packet[40:]), 0)
                    through[packet[48]] = len(packet)

        try:
            self.c1.do("tun bubt")
            self.c1.do("path %s %s credit %s %s %s" % (HOA1, HOA2, COA1, COA2X, COA2X))
            before = self.c1.counters()
            for i in range(20):
                client.sendto(bytes([i]) * 976, (HOA2, server.getsockname()[1]))  # 1 KiB
            wait_until("all on one way or the other",
                       lambda: self.c1.counters()["data-out-no-credit"] ==
                       before["data-out-no-credit"] + 16)
            wait_until("what came through", lambda: (read(), len(through))[1] == 16)
            for _ in range(4):
                direct.add(server.recv(2048)[0])
            self.assertEqual((direct, set(through)), (set(range(4)), set(range(4, 20))))
            self.assert_counted(self.c1, before, data_out=4)
            # What comes from the peer may go back: three of ours for four of its own.
            self.c2.path(HOA2, HOA1, COA2X, COA1, COA1)
            for i in range(4):
                server.sendto(bytes(800), client.getsockname()[:2])
                client.recv(2048)
            through.clear()
            for i in range(10):
                client.sendto(bytes([i]) * 976, (HOA2, server.getsockname()[1]))
            wait_until("what came through", lambda: (read(), len(through))[1] == 7)
            self.assertEqual(set(through), set(range(3, 10)))
        finally:
            os.close(tun)
            self.c1.do("path %s %s direct %s %s %s" % (HOA1, HOA2, COA1, COA2, COA2))
            server.close()
            client.close()

    # ---- interfaces ----------------------------------------------------------------------------

    def qdisc(self):
        return run("tc", "-n", NS["n1"], "qdisc", "show", "dev", "e1").stdout

    def filters(self):
        return run("tc", "-n", NS["n1"], "filter", "show", "dev", "e1", "ingress").stdout

    def test_detach_leaves_nothing(self):
        self.assertIn("clsact", self.qdisc())
        self.c1.do("detach e1")
        self.assertNotIn("clsact", self.qdisc())
        self.c1.do("attach e1")
        self.datagram(("n1", HOA1), ("n2", HOA2))

    def test_detach_keeps_what_others_made(self):
        def tc(*args):
            run("tc", "-n", NS["n1"], *args)

        self.addCleanup(run, "tc", "-n", NS["n1"], "qdisc", "del", "dev", "e1", "clsact",
                        check=False)
        tc("filter", "add", "dev", "e1", "ingress", "protocol", "ip", "prio", "7", "u32", "match",
           "u32", "0", "0")
        self.assertIn("ingress_ether", self.filters())
        self.c1.do("detach e1")
        self.assertIn("u32", self.filters())
        self.assertNotIn("bpf", self.filters())
        self.c1.do("attach e1")
        self.datagram(("n1", HOA1), ("n2", HOA2))
        tc("filter", "del", "dev", "e1", "ingress", "prio", "7")
        self.c1.do("detach e1")
        self.assertIn("clsact", self.qdisc())  # not made by the second attach

    def test_attach_heals(self):
        run("tc", "-n", NS["n1"], "qdisc", "del", "dev", "e1", "clsact")
        self.c1.do("attach e1")
        self.datagram(("n1", HOA1), ("n2", HOA2))

    def test_ingress_qdisc_in_the_way(self):
        self.c1.do("detach e1")
        run("tc", "-n", NS["n1"], "qdisc", "add", "dev", "e1", "ingress")
        self.addCleanup(run, "tc", "-n", NS["n1"], "qdisc", "del", "dev", "e1", "ingress")
        self.assertRegex(self.c1.ask("attach e1"), "error .*clsact")
        self.assertNotIn("bpf", self.filters())

    def test_interface_gone(self):
        ip("n1", "link", "add", "gone", "type", "veth", "peer", "name", "gone2")
        self.c1.do("attach gone")
        ip("n1", "link", "del", "gone")
        self.assertRegex(self.c1.ask("attach gone"), "error 19 ")

    def test_raw_ip_link(self):
        """A link without Ethernet header between n1 and n2."""
        wire = Ctl("n1", "wire", NS["n1"], "raw1", NS["n2"], "raw2")
        self.addCleanup(wire.close)
        if wire.proc.stdout.readline() != "ok\n":
            self.skipTest("no TUN interfaces")
        coa = {"n1": "2001:db8:c::1", "n2": "2001:db8:c::2"}
        hoa = {"n1": "2001:db8:1::7", "n2": "2001:db8:2::7"}
        for c, me, other, device in ((self.c1, "n1", "n2", "raw1"), (self.c2, "n2", "n1", "raw2")):
            ip(me, "addr", "add", coa[me] + "/64", "dev", device, "nodad")
            ip(me, "addr", "add", hoa[me] + "/128", "dev", "lo", "nodad")
            self.addCleanup(ip, me, "addr", "del", hoa[me] + "/128", "dev", "lo")
            ip(me, "link", "set", device, "up")
            ip(me, "route", "add", hoa[other] + "/128", "dev", device, "src", hoa[me], "mtu",
               str(ROUTE_MTU))
            c.do("local %s plain" % coa[me])
            c.do("local %s home" % hoa[me])
            c.path(hoa[me], hoa[other], coa[me], coa[other], coa[other])
            c.do("attach " + device)
        capture = Capture("n2", "raw2", "tcp or udp or proto 43")
        self.c2.do("listen raw2 strangers")
        self.transfer(1 << 20, ("n1", hoa["n1"]), ("n2", hoa["n2"]))
        self.datagram(("n2", hoa["n2"]), ("n1", hoa["n1"]))
        capture.wait_for(100, 1000)
        rows = capture.fields("frame.protocols", only="tcp")
        for (protocols,) in rows:
            self.assertTrue(protocols.startswith("raw:ipv6:ipv6.routing:ipv6.dstopts:tcp"))
        self.assertEqual(self.c2.do("recv 0"), "")
        self.assertGreater(self.c1.counters()["data-in"], 10)

    def test_not_permitted(self):
        got = subprocess.run(
            ["setpriv", "--bounding-set", "-bpf,-sys_admin", "--inh-caps", "-bpf,-sys_admin",
             DPCTL], input="open 8\n", capture_output=True, text=True, check=False)
        self.assertIn("CAP_BPF", got.stdout)


class UdpTest(Pair):
    """In UDP in place of the two headers."""

    def setUp(self):
        super().setUp()
        self.both()

    def both(self, src=COA1, dst=COA2):
        self.c1.path(HOA1, HOA2, src, dst, dst, "udp")
        self.c2.path(HOA2, HOA1, dst, src, src, "udp")

    test_ping = DatapathTest.test_ping
    test_udp_in_fragments = DatapathTest.test_udp_in_fragments
    test_too_big_for_the_link = DatapathTest.test_too_big_for_the_link

    def test_tcp_with_offloads(self):
        capture = packets("r", "r2")
        for on in (True, False):
            set_offloads(on)
            b1, b2 = self.c1.counters(), self.c2.counters()
            self.transfer(32 << 20, ("n1", HOA1), ("n2", HOA2))
            self.transfer(32 << 20, ("n2", HOA2), ("n1", HOA1))
            for c, before in ((self.c1, b1), (self.c2, b2)):
                self.assert_counted(c, before, data_out_udp=100, data_in_udp=100)
        self.assertEqual(forms(capture), {(COA1, COA2, (17,)), (COA2, COA1, (17,))})
        capture.close()

    def test_wire_format(self):
        capture = packets("r", "r2")
        self.datagram(("n1", HOA1), ("n2", HOA2))
        src, dst, chain, packet, at = next(each_packet(capture))
        capture.close()
        self.assertEqual((src, dst, chain), (COA1, COA2, (17,)))
        length = len(packet) - 40
        self.assertEqual(struct.unpack("!HHHH", packet[at:at + 8]), (PORT, PORT, length, 0))
        inner = packet[at + 8:]
        self.assertEqual((inner[0] >> 4, inner[6], inner[8:40]),
                         (6, 17, address(HOA1) + address(HOA2)))
        self.assertEqual(struct.unpack("!H", packet[4:6])[0], length)

    def test_udp_gso(self):
        """What is not cut into datagrams yet takes the other way (here: there is none)."""
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        before = self.c1.counters()
        client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        client.sendto(bytes(10000), server.getsockname()[:2])
        server.close()
        client.close()
        self.assert_counted(self.c1, before, data_out_failed=1)

    def test_static_correspondent(self):
        self.c1.path(HOA1, COA2, COA1, COA2, "::", "udp")
        self.c2.path(COA2, HOA1, COA2, COA1, COA1, "udp")
        before = self.c1.counters()
        self.datagram(("n1", HOA1), ("n2", COA2))
        self.datagram(("n2", COA2), ("n1", HOA1))
        self.assert_counted(self.c1, before, data_out_udp=1, data_in_udp=1)

    def inside(self, src, dst, payload=None, next_header=17):
        payload = payload or udp_segment(src, dst, 7, 7, b"hello")
        packet = struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64) + address(src) + \
            address(dst) + payload
        return struct.pack("!HHHH", PORT, PORT, 8 + len(packet), 0) + packet

    def refused(self, counter, payload, src=COA2, n=1):
        server = udp("n1", "::", 7)
        before = self.c1.counters()
        send_raw("r", "r1", src, COA1, 17, payload)
        wait_until(counter, lambda: self.c1.counters()[counter] - before[counter] == n)
        server.setblocking(False)
        with self.assertRaises(BlockingIOError):
            server.recv(100)
        server.close()

    def test_what_may_not_come(self):
        """As RFC 6275, 9.3.1, has it of a Home Address option."""
        self.refused("data-hao-no-binding", self.inside(HOA2, HOA1), COA2X)
        self.refused("data-hao-no-binding", self.inside(STRANGER, HOA1))
        self.refused("data-malformed", self.inside(COA2, COA1))
        hao = bytes([17, 2, 1, 2, 0, 0, 0xc9, 16]) + address(STRANGER)
        self.refused("data-malformed", self.inside(
            HOA2, HOA1, hao + udp_segment(STRANGER, HOA1, 7, 7, b"hello"), 60))
        self.refused("signalling-taken", self.inside(HOA2, HOA1, bytes(16), 135))
        # What is for nobody here is the kernel's, and so is what no packet is in.
        for payload in (self.inside(HOA2, STRANGER), struct.pack("!HHHH", PORT, PORT, 60, 0) + bytes(52)):
            before = self.c1.counters()
            send_raw("r", "r1", COA2, COA1, 17, payload)
            self.datagram(("n2", HOA2), ("n1", HOA1))
            now = self.c1.counters()
            self.assertEqual(now["data-in-udp"] - before["data-in-udp"], 1)
            self.assertEqual(now["data-malformed"], before["data-malformed"])

    def test_signalling_is_seen(self):
        self.c1.do("known " + HOA2)
        self.c1.do("listen e1 known")
        payload = self.inside(HOA2, HOA1, bytes([59, 1, 5, 0, 0, 0, 0, 0]) * 2, 135)
        send_raw("r", "r1", COA2, COA1, 17, payload)
        seen = bytes.fromhex(self.c1.do("recv 5000"))
        self.assertEqual(seen[40:], payload)
        self.datagram(("n2", HOA2), ("n1", HOA1))
        self.datagram(("n2", COA2), ("n1", COA1))
        self.assertEqual(self.c1.do("recv 0"), "")

    def test_moves_lose_nothing(self):
        b = self.c2.counters()
        for coa in (COA1, COA1X) * 5:
            self.c2.path(HOA2, HOA1, COA2, coa, coa, "udp")
            self.c1.path(HOA1, HOA2, coa, COA2, COA2, "udp")
            self.datagram(("n1", HOA1), ("n2", HOA2))
            self.datagram(("n2", HOA2), ("n1", HOA1))
        self.assert_counted(self.c2, b, data_in_udp=10, data_out_udp=10)


class IpsecTest(Pair):
    """RFC 6275, 11.3.2: the kernels' IPsec, set up by hand for the home addresses only.  It sees
    nothing of care-of addresses, and what it made is behind our headers on the way."""

    @classmethod
    def setUpClass(cls):
        answer = xfrm("n1", "state", "add", "src", HOA1, "dst", HOA2, *cls.state("esp", 1),
                      check=False)
        if answer.returncode != 0:
            raise unittest.SkipTest("no IPsec in this kernel: " + answer.stderr.strip())

    def setUp(self):
        super().setUp()
        self.addCleanup(self.forget)
        self.before = {ns: xfrm_counters(ns) for ns in ("n1", "n2")}
        self.capture = packets("r", "r2")
        self.addCleanup(self.capture.close)

    @staticmethod
    def state(proto, spi):
        words = ["proto", proto, "spi", str(0x1000 + spi), "reqid", str(spi), "mode", "transport",
                 "replay-window", "32", "auth-trunc", "hmac(sha256)", "0x" + "%02x" % spi * 32,
                 "128"]
        return words + (["enc", "cbc(aes)", "0x" + "5a" * 16] if proto == "esp" else [])

    @staticmethod
    def forget():
        for ns in ("n1", "n2"):
            xfrm(ns, "policy", "flush")
            xfrm(ns, "state", "flush")

    def protect(self, proto, peers=((HOA1, HOA2),), nodes=("n1", "n2")):
        """Whatever goes between two addresses, by one association each way."""
        self.forget()
        for one, other in peers:
            for ns, near in zip(nodes, (one, other)):
                for spi, (src, dst) in enumerate(((one, other), (other, one)), 1):
                    xfrm(ns, "state", "add", "src", src, "dst", dst, *self.state(proto, spi))
                    xfrm(ns, "policy", "add", "src", src, "dst", dst, "dir",
                         "out" if src == near else "in", "tmpl", "proto", proto, "reqid",
                         str(spi), "mode", "transport")

    def refused_by_ipsec(self, ns):
        return {k: n - self.before[ns][k] for k, n in xfrm_counters(ns).items()
                if n != self.before[ns][k]}

    def talk(self, one=HOA1, other=HOA2):
        for src, dst in ((("n1", one), ("n2", other)), (("n2", other), ("n1", one))):
            self.datagram(src, dst, os.urandom(1000))
            self.transfer(1 << 20, src, dst)

    def numbers(self, care_of1, care_of2, chain=(43, 60, NH_ESP)):
        """Checks that nothing else was on the way; {SPI: sequence numbers} of what was."""
        seen = {}
        for src, dst, got, packet, at in each_packet(self.capture):
            self.assertIn((src, dst, got), ((care_of1, care_of2, chain),
                                            (care_of2, care_of1, chain)))
            if chain[-1] == NH_AH:
                at += 4
            spi, number = struct.unpack("!II", packet[at:at + 8])
            self.assertEqual(spi, 0x1001 if src == care_of1 else 0x1002)
            seen.setdefault(spi, []).append(number)
        self.assertEqual(set(seen), {0x1001, 0x1002})
        return seen

    def move(self):
        self.c2.path(HOA2, HOA1, COA2, COA1X, COA1X)
        self.c1.path(HOA1, HOA2, COA1X, COA2, COA2)

    def survives_moves(self, proto, number):
        self.protect(proto)
        self.talk()
        before = self.numbers(COA1, COA2, (43, 60, number))
        self.move()
        self.talk()
        after = self.numbers(COA1X, COA2, (43, 60, number))
        for spi, numbers in after.items():
            # The same association goes on: no number is left out, none comes twice.
            self.assertEqual(before[spi] + numbers, list(range(1, numbers[-1] + 1)))
        for ns in ("n1", "n2"):
            self.assertEqual(self.refused_by_ipsec(ns), {})
            text = xfrm(ns, "state").stdout + xfrm(ns, "policy").stdout
            self.assertFalse([a for a in (COA1, COA1X, COA2) if a + " " in text], text)

    def test_esp_survives_moves(self):
        self.survives_moves("esp", NH_ESP)

    def test_ah_survives_moves(self):
        self.survives_moves("ah", NH_AH)

    def test_esp_with_a_static_peer(self):
        """One header only, each way its own."""
        self.c1.path(HOA1, COA2, COA1, COA2, "::")
        self.c2.path(COA2, HOA1, COA2, COA1, COA1)
        ip("n1", "route", "replace", COA2 + "/128", "via", "2001:db8:a::ff", "dev", "e1", "src",
           HOA1, "mtu", str(ROUTE_MTU))
        self.addCleanup(ip, "n1", "route", "del", COA2 + "/128")
        self.protect("esp", ((HOA1, COA2),))
        self.talk(HOA1, COA2)
        self.assertEqual(forms(self.capture), {(COA1, COA2, (60, NH_ESP)),
                                               (COA2, COA1, (43, NH_ESP))})

    def test_policy_sees_home_addresses(self):
        """What comes from the home address without ESP is refused after our headers are off."""
        self.protect("esp")
        xfrm("n1", "policy", "flush")
        server, client = udp("n2", HOA2), udp("n1", HOA1)
        client.sendto(b"plain", server.getsockname()[:2])
        wait_until("refused", lambda: self.refused_by_ipsec("n2") == {"XfrmInTmplMismatch": 1})
        self.assertEqual(forms(self.capture), {(COA1, COA2, (43, 60, socket.IPPROTO_UDP))})
        server.setblocking(False)
        with self.assertRaises(BlockingIOError):
            server.recv(64)
        server.close()
        client.close()


def xfrm(ns, *args, check=True):
    return run("ip", "-n", NS[ns], "xfrm", *args, check=check)


def xfrm_counters(ns):
    text = run("ip", "netns", "exec", NS[ns], "cat", "/proc/net/xfrm_stat").stdout
    return {k: int(v) for k, v in (line.split() for line in text.splitlines())}


def main():
    global DPCTL
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    DPCTL = os.path.abspath(sys.argv.pop(1))
    for tool in ("ip", "tc", "tcpdump", "tshark", "ethtool", "setpriv"):
        if run("sh", "-c", "command -v " + tool, check=False).returncode != 0:
            skip_all("no " + tool)
    remains.interruptible()
    remains.begin()
    make_namespaces()
    with contextlib.closing(Ctl("n1")) as probe:
        for line in ("open 8", "attach e1"):
            answer = probe.ask(line)
            if not answer.startswith("ok"):
                skip_all(answer)
    unittest.main(verbosity=2)


main()
