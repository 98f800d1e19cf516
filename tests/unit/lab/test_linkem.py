#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""linkem in namespaces of its own: what it does to frames, to carriers and to bad commands.

           p-a .-------------. p-b
     a  wl0----|             |----wl0  b
               |     net     | p-c
               |   (linkem)  |----wl0  c
               '-------------'

Lower bounds of times are strict; upper ones are loose, since the machine may be busy.

  test_linkem.py LINKEM            runs the tests; 77 where namespaces cannot be made
  test_linkem.py --send COUNT SIZE   helper inside a namespace: sends numbered frames
  test_linkem.py --receive IDLE_S    helper: prints number and time of each that arrives
"""

import errno
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "lab"))

from bublab import remains  # noqa: E402

ETHERTYPE = 0x88B5  # for local experiments
NODES = ("a", "b", "c")
SKIP = 77
LINKEM = ""


def send_frames(count, size):
    """Numbered frames, all at once."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("wl0", 0))
        for number in range(count):
            head = b"\xff" * 6 + b"\x02" * 6 + struct.pack("!HI", ETHERTYPE, number)
            sock.send(head.ljust(size, b"\0"))


def receive_frames(idle_s):
    """Prints each frame that arrives, until none has come for so long after standard input was
    closed: then everything has been sent, however long the sender took to start."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("wl0", ETHERTYPE))
        sock.settimeout(idle_s)
        print("ready", flush=True)
        while True:
            all_sent = select.select([sys.stdin], [], [], 0)[0]
            try:
                frame = sock.recv(65536)
            except TimeoutError:
                if all_sent:
                    return
                continue
            except OSError as error:  # the carrier may go while this waits
                if error.errno != errno.ENETDOWN:
                    raise
                continue
            print(struct.unpack("!I", frame[14:18])[0], time.monotonic(), flush=True)


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def wait_until(condition, timeout_s=10):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("timed out")
        time.sleep(0.01)


class Control:
    """A connection to the control socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(path)

    def ask(self, line):
        self.sock.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.sock.recv(65536)
        return answer.decode().splitlines()

    def ok(self, line):
        answer = self.ask(line)
        assert answer[-1].startswith("ok "), answer
        return answer

    def stat(self):
        return json.loads(self.ok("stat")[0])


class Network(unittest.TestCase):
    """Three nodes around an emulator's namespace; the tests start linkem themselves."""

    @staticmethod
    def ns(node):
        return remains.namespace(node)

    @classmethod
    def inside(cls, node, *argv):
        return ["nsenter", f"--net=/run/netns/{cls.ns(node)}", "--", *argv]

    @classmethod
    def setUpClass(cls):
        for name in ("net", *NODES):
            run("ip", "netns", "add", cls.ns(name))
            off = "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"
            if name == "net":
                run(*cls.inside(name, "sh", "-c", off))
            else:
                base = "/proc/sys/net/ipv6/conf/default"
                quiet = f"echo 0 >{base}/accept_dad; echo 0 >{base}/router_solicitations"
                run(*cls.inside(name, "sh", "-c", quiet))
        for index, node in enumerate(NODES, 101):
            run("ip", "-n", cls.ns("net"), "link", "add", "name", f"p-{node}", "index",
                str(index), "type", "veth", "peer", "name", "wl0", "netns", cls.ns(node))
            run("ip", "-n", cls.ns("net"), "link", "set", f"p-{node}", "up")
            run("ip", "-n", cls.ns(node), "link", "set", "wl0", "up")
            run("ip", "-n", cls.ns(node), "addr", "add", f"fd00::{node}/64", "dev", "wl0",
                "nodad")
        cls.folder = tempfile.mkdtemp(prefix="linkem-")

    @classmethod
    def tearDownClass(cls):
        for name in ("net", *NODES):
            subprocess.run(["ip", "netns", "del", cls.ns(name)], check=False)
        shutil.rmtree(cls.folder)

    def start(self, commands="", seed=1, options=()):
        """linkem with the three ports open."""
        path = os.path.join(self.folder, "control")
        script = pathlib.Path(self.folder, "script")
        ports = "".join(f"port {node} p-{node}\n" for node in NODES)
        script.write_text(ports + commands)
        argv = [LINKEM, "--control", path, "--seed", str(seed), *options, str(script)]
        child = subprocess.Popen(
            self.inside("net", *argv), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(self.stop, child)
        self.assertEqual(child.stdout.readline(), "ready\n", "linkem did not start")
        self.child = child
        self.control = Control(path)
        self.addCleanup(self.control.sock.close)

    def stop(self, child):
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        error = child.communicate(timeout=10)[1]
        for node in NODES:  # a test may have left its carrier down
            run("ip", "-n", self.ns("net"), "link", "set", f"p-{node}", "up")
        self.assertEqual((child.returncode, error), (0, ""))

    def receiver(self, node, idle_s=0.6):
        child = subprocess.Popen(
            self.inside(node, sys.executable, __file__, "--receive", str(idle_s)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.assertEqual(child.stdout.readline(), "ready\n")
        return child

    def send(self, node, count, size=100):
        run(*self.inside(node, sys.executable, __file__, "--send", str(count), str(size)))

    def received(self, child):
        lines = child.communicate(timeout=30)[0].splitlines()
        return [(int(number), float(when)) for number, when in (l.split() for l in lines)]

    def pass_frames(self, count, size=100, sender="a", to="b"):
        child = self.receiver(to)
        self.send(sender, count, size)
        return self.received(child)

    def ping(self, count=20, interval=0.02):
        """Round-trip times in milliseconds; the first pings of all are not among them."""
        ping = ["ping", "-n", "-c", "2", "-i", "0.1", "-W", "3", "fd00::b"]
        subprocess.run(self.inside("a", *ping), check=False, capture_output=True)
        ping = ["ping", "-n", "-c", str(count), "-i", str(interval), "-W", "3", "fd00::b"]
        lines = run(*self.inside("a", *ping)).splitlines()
        return [float(line.split("time=")[1].split()[0]) for line in lines if "time=" in line]


class Impairments(Network):
    def test_delay(self):
        self.start("link l a b delay=10\n")
        times = sorted(self.ping())
        self.assertEqual(len(times), 20)
        self.assertGreaterEqual(times[0], 20)
        self.assertLess(times[len(times) // 2], 30)

    def test_delay_can_be_changed_while_it_runs(self):
        self.start("link l a b\n")
        self.assertLess(sorted(self.ping())[5], 10)
        self.control.ok("set l delay=15")
        self.assertGreaterEqual(min(self.ping()), 30)

    def test_jitter_stays_in_bounds_and_keeps_order(self):
        self.start("link l a b delay=20 jitter=10\n")
        times = self.ping(count=40)
        self.assertGreaterEqual(min(times), 20)
        self.assertGreater(max(times) - min(times), 5)
        numbers = [number for number, _ in self.pass_frames(200)]
        self.assertEqual(numbers, list(range(200)))

    def test_rate(self):
        self.start("link l a b rate=1mbit\n")
        arrivals = self.pass_frames(26, size=1000)  # 8 ms each
        self.assertEqual(len(arrivals), 26)
        taken = arrivals[-1][1] - arrivals[0][1]
        self.assertGreater(taken, 0.19)
        self.assertLess(taken, 0.4)

    def test_queue_limit(self):
        self.start("link l a b delay=300 queue=5\n")
        self.silence()
        wait_until(lambda: self.forth()["queued"] == 0)
        self.assertEqual([n for n, _ in self.pass_frames(20)], [0, 1, 2, 3, 4])
        self.assertGreaterEqual(self.forth()["overflow"], 15)
        self.speak_again()

    def forth(self):
        return self.control.stat()["links"]["l"]["directions"][0]

    def silence(self):
        """Nothing but the test's own frames leaves a: its IPv6 takes no place in a queue and draws
        from no dice."""
        run("ip", "-n", self.ns("a"), "link", "set", "wl0", "down")
        run(*self.inside("a", "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/wl0/disable_ipv6"))
        run("ip", "-n", self.ns("a"), "link", "set", "wl0", "up")

    def speak_again(self):
        run(*self.inside("a", "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/wl0/disable_ipv6"))
        run("ip", "-n", self.ns("a"), "addr", "replace", "fd00::a/64", "dev", "wl0", "nodad")

    def lost_numbers(self, seed):
        self.start("link l a b loss=10\n", seed)
        self.silence()
        got = {number for number, _ in self.pass_frames(1000)}
        self.speak_again()
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(10)
        return set(range(1000)) - got

    def test_loss_follows_the_seed(self):
        first, again, other = (self.lost_numbers(seed) for seed in (7, 7, 8))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        for lost in (first, other):  # 10 %, four standard deviations around it
            self.assertGreater(len(lost), 60)
            self.assertLess(len(lost), 140)

    def test_link_set_down_loses_everything_but_the_carrier(self):
        self.start("link l a b\n")
        self.control.ok("set l up=no")
        self.assertEqual(self.pass_frames(5), [])
        self.assertIn("LOWER_UP", run("ip", "-n", self.ns("a"), "link", "show", "wl0"))
        self.control.ok("set l up=yes")
        self.assertEqual(len(self.pass_frames(5)), 5)


class Moves(Network):
    def test_move_takes_the_carrier_and_gives_it_back(self):
        self.start("link l a b\n")
        monitor = subprocess.Popen(
            self.inside("a", "ip", "monitor", "link"), stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(monitor.stdout.close)
        self.addCleanup(monitor.wait)
        self.addCleanup(monitor.kill)
        # The monitor is listening as soon as it has shown a change of ours.
        for number in range(1000):
            run("ip", "-n", self.ns("a"), "link", "set", "wl0", "alias", f"watched{number}")
            if select.select([monitor.stdout], [], [], 0.05)[0]:
                break
        self.control.ok("move l c down=50")
        seen = []
        while "down" not in seen or "up" not in seen[seen.index("down") :]:
            line = monitor.stdout.readline()
            if "wl0" in line and "watched" not in line:
                seen.append("down" if "NO-CARRIER" in line else "up")
        wait_until(lambda: not self.control.stat()["links"]["l"]["moving"])
        self.assertEqual(len(self.pass_frames(3, to="c")), 3)
        self.assertEqual(self.pass_frames(3, to="b"), [])

    def test_frames_under_way_are_cut(self):
        self.start("link l a b delay=2000\n")
        at_b, at_c = self.receiver("b"), self.receiver("c")
        self.send("a", 10)
        self.control.ok("move l c")
        self.assertEqual(self.received(at_b), [])
        self.assertEqual(self.received(at_c), [])
        self.assertGreaterEqual(self.control.stat()["links"]["l"]["directions"][0]["cut"], 10)

    def test_detach_and_attach(self):
        self.start("link l a b\n")
        self.control.ok("detach l")
        wait_until(lambda: "NO-CARRIER" in run("ip", "-n", self.ns("a"), "link", "show", "wl0"))
        self.control.ok("attach l c")
        wait_until(lambda: "LOWER_UP" in run("ip", "-n", self.ns("a"), "link", "show", "wl0"))
        self.assertEqual(len(self.pass_frames(3, to="c")), 3)

    def test_commands_of_one_line_are_all_executed_or_none(self):
        self.start("link l a b\n")
        self.assertTrue(self.control.ask("set l delay=7; move l nowhere")[-1].startswith("error"))
        link = self.control.stat()["links"]["l"]
        self.assertEqual((link["delay_ms"], link["ports"]), (0, ["a", "b"]))
        self.control.ok("set l delay=7; move l c")
        wait_until(lambda: self.control.stat()["links"]["l"]["ports"] == ["a", "c"])
        self.assertEqual(self.control.stat()["links"]["l"]["delay_ms"], 7)


class Captures(Network):
    def test_tshark_reads_both_ends(self):
        near, far = (os.path.join(self.folder, name) for name in ("near.pcap", "far.pcap"))
        self.start(f"link l a b delay=40\ncapture a {near}\ncapture b {far}\n")
        self.pass_frames(5, size=200)
        self.control.ok("sync")
        times = []
        for path in (near, far):
            with open(path, "rb") as file:
                self.assertEqual(struct.unpack("<I", file.read(4))[0], 0xA1B2C3D4)
            fields = ["-T", "fields", "-e", "frame.time_epoch", "-e", "frame.len"]
            lines = run("tshark", "-r", path, "-Y", f"eth.type == {ETHERTYPE}", *fields)
            rows = [line.split() for line in lines.splitlines()]
            self.assertEqual([row[1] for row in rows], ["200"] * 5)
            times.append([float(row[0]) for row in rows])
        for sent, arrived in zip(*times):
            self.assertGreaterEqual(arrived - sent, 0.03999)
            self.assertLess(arrived - sent, 0.06)
        self.assertLess(abs(times[0][0] - time.time()), 60)

    def test_goes_on_in_another_file(self):
        first, second = (os.path.join(self.folder, name) for name in ("1.pcap", "2.pcap"))
        self.start(f"link l a b\ncapture b {first}\n")
        self.pass_frames(2, size=200)
        self.control.ok(f"capture b {second}")
        before = os.path.getsize(first)  # nothing of it waits in a buffer
        self.pass_frames(3, size=200)
        self.control.ok("sync")
        count = [run("tshark", "-r", path, "-Y", f"eth.type == {ETHERTYPE}").count("\n")
                 for path in (first, second)]
        self.assertEqual(count, [2, 3])
        self.assertEqual(os.path.getsize(first), before)


class Commands(Network):
    REFUSED = [
        ("bogus", "no command 'bogus'"),
        ("port a p-a", "port 'a' exists"),
        ("port x nowhere", "no interface 'nowhere'"),
        ("port much-too-long-a-name p-a", "is no name"),
        ("port x", "usage: port NAME INTERFACE"),
        ("link l a b", "link 'l' exists"),
        ("link m a c", "port 'a' is on link 'l'"),
        ("link m c c", "two different ports"),
        ("link m c x", "no port 'x'"),
        ("set l", "usage: set LINK"),
        ("set x delay=1", "no link 'x'"),
        ("set l delay", "is not KEY=VALUE"),
        ("set l delay=", "is not a number"),
        ("set l delay=ten", "is not a number"),
        ("set l delay=nan", "is not a number"),
        ("set l delay=-1", "is not between"),
        ("set l loss=101", "is not between"),
        ("set l rate=5", "rate: '5' is not"),
        ("set l rate=1bit", "is not between 1kbit"),
        ("set l up=maybe", "is not yes or no"),
        ("set l colour=red", "is not one of"),
        ("move l", "usage: move LINK PORT"),
        ("move l x", "no port 'x'"),
        ("move l a", "cannot lead back"),
        ("move l c 5", "is not down=MS"),
        ("move l c; move l c", "named twice"),
        ("attach l c", "use move"),
        ("stat; stat", "must stand alone"),
        ("capture c /nowhere/file", "No such file or directory"),
        ("set l " + "delay=1 " * 20, "no more than 16 words"),
        ("x" * 3000, "line too long"),
    ]

    def test_refused_with_a_reason_and_without_effect(self):
        self.start("link l a b delay=3\n")
        before = self.control.stat()["links"]["l"]["ports"]
        for line, reason in self.REFUSED:
            with self.subTest(line=line):
                answer = self.control.ask(line)
                self.assertEqual(len(answer), 1)
                self.assertTrue(answer[0].startswith("error: "), answer)
                self.assertIn(reason, answer[0])
        link = self.control.stat()["links"]["l"]
        self.assertEqual((link["ports"], link["delay_ms"]), (before, 3))

    def test_empty_lines_and_comments(self):
        self.start("\n# nothing\n")
        self.control.ok("")
        self.control.ok("  # set l delay=5")

    def test_port_is_claimed_while_a_link_is_on_its_way_there(self):
        self.start("link l a -\n")
        self.control.ok("move l c down=500")
        self.assertIn("on the move", self.control.ask("move l b")[-1])
        self.control.ok("link m b -")
        self.assertIn("awaited", self.control.ask("attach m c")[-1])


class Start(Network):
    def fails(self, *arguments, script=None):
        argv = [LINKEM, *arguments]
        if script is not None:
            path = pathlib.Path(self.folder, "bad")
            path.write_text(script)
            argv.append(str(path))
        done = subprocess.run(
            self.inside("net", *argv), capture_output=True, text=True, check=False, timeout=10
        )
        return done.returncode, done.stderr

    def test_bad_options(self):
        control = os.path.join(self.folder, "c")
        self.assertEqual(self.fails()[0], 2)
        self.assertIn("--control SOCKET is needed", self.fails()[1])
        code, error = self.fails("--control", control, "--seed", "x")
        self.assertEqual(code, 2)
        self.assertIn("--seed: 'x' is not a number", error)
        self.assertEqual(self.fails("--control", control, "--bogus")[0], 2)

    def test_bad_script_names_the_line(self):
        control = os.path.join(self.folder, "c")
        code, error = self.fails("--control", control, script="# fine\nport x nowhere\n")
        self.assertEqual(code, 1)
        self.assertIn("bad:2: error: no interface 'nowhere'", error)
        self.assertFalse(os.path.exists(control))

    def test_segmentation_offload_passes_with_virtio_headers(self):
        self.start("link l a b\n", options=["--vnet-hdr"])
        script = (
            "import socket,sys\n"
            "s=socket.socket(socket.AF_INET6); s.bind(('::', 7000)); s.listen(1)\n"
            "print('ready', flush=True)\n"
            "c,_=s.accept(); n=0\n"
            "while True:\n"
            "  d=c.recv(1<<16)\n"
            "  if not d: break\n"
            "  n+=len(d)\n"
            "print(n)\n"
        )
        argv = self.inside("b", sys.executable, "-c", script)
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.readline(), "ready\n")
        script = (
            "import socket\n"
            "s=socket.create_connection(('fd00::b', 7000), 10); s.sendall(b'x'*5000000)\n"
        )
        run(*self.inside("a", sys.executable, "-c", script))
        self.assertEqual(child.communicate(timeout=10)[0], "5000000\n")
        frames = self.control.stat()["links"]["l"]["directions"][0]["frames"]
        self.assertLess(frames, 2000)  # 3500 segments would go without the offload


def main():
    global LINKEM
    if sys.argv[1] == "--send":
        return send_frames(int(sys.argv[2]), int(sys.argv[3]))
    if sys.argv[1] == "--receive":
        return receive_frames(float(sys.argv[2]))
    if os.geteuid() != 0:
        print("network namespaces need root")
        return SKIP
    remains.interruptible()
    remains.begin()
    LINKEM = os.path.abspath(sys.argv.pop(1))
    return 0 if unittest.main(exit=False, verbosity=2).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
