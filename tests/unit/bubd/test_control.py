#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The control socket: the file, its mode, lines, limits.   usage: test_control.py ECHO_CONTROL"""

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

SERVER = sys.argv.pop(1)
CLIENTS_MAX = 16
REQUEST_MAX = 1024
TOO_MANY = b'{"error":"too many connections; close some"}\n'


class Control(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "run", "ctl")

    def start(self):
        server = subprocess.Popen([SERVER, self.path], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.stop, server)
        self.assertEqual(server.stdout.readline(), "ready\n")
        return server

    def stop(self, server):
        if server.poll() is None:
            server.terminate()
        _, errors = server.communicate(timeout=30)
        self.assertEqual((server.returncode, errors), (0, ""))

    def dial(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(self.path)
        self.addCleanup(s.close)
        return s

    def ask(self, s, line):
        s.sendall(line + b"\n")
        return self.line(s)

    def line(self, s):
        text = b""
        while not text.endswith(b"\n"):
            more = s.recv(1)
            if not more:
                break
            text += more
        return text

    def wait_until_served(self):
        """The server sees that a client has left when it sees it: ask until there is room."""
        answer = b""
        while answer != b"Y\n":
            s = self.dial()
            try:
                answer = self.ask(s, b"y")
            except ConnectionError:
                pass
            s.close()
            self.assertIn(answer, (b"", b"Y\n", TOO_MANY))

    def refused(self):
        done = subprocess.run([SERVER, self.path], text=True, capture_output=True, timeout=30,
                              check=False)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_mode_and_removal(self):
        server = self.start()
        mode = os.stat(self.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.stop(server)
        self.assertFalse(os.path.exists(self.path))

    def test_lines(self):
        self.start()
        s = self.dial()
        self.assertEqual(self.ask(s, b"one"), b"ONE\n")
        self.assertEqual(self.ask(s, b""), b"\n")
        s.sendall(b"two\nthr")
        self.assertEqual(self.line(s), b"TWO\n")
        self.assertEqual(self.ask(s, b"ee"), b"THREE\n")

    def test_octet_by_octet(self):
        self.start()
        s = self.dial()
        for c in b"slowly":
            s.sendall(bytes([c]))
        self.assertEqual(self.ask(s, b""), b"SLOWLY\n")

    def test_longest_line(self):
        self.start()
        s = self.dial()
        self.assertEqual(self.ask(s, b"x" * (REQUEST_MAX - 1)), b"X" * (REQUEST_MAX - 1) + b"\n")

    def test_line_too_long(self):
        self.start()
        s = self.dial()
        s.sendall(b"x" * REQUEST_MAX)
        self.assertEqual(self.line(s), b'{"error":"the request is too long"}\n')
        self.assertEqual(s.recv(1), b"")
        self.assertEqual(self.ask(self.dial(), b"still"), b"STILL\n")

    def test_too_many_connections(self):
        self.start()
        held = [self.dial() for _ in range(CLIENTS_MAX - 1)]
        for s in held:
            self.assertEqual(self.ask(s, b"x"), b"X\n")
        for _ in range(50):
            s = self.dial()
            self.assertEqual(self.line(s), TOO_MANY)
            self.assertEqual(s.recv(1), b"")
        many = [self.dial() for _ in range(20)]  # at once: libuv has to keep accepting
        for s in many:
            self.assertEqual(self.line(s), TOO_MANY)
        held.pop().close()
        self.wait_until_served()

    def test_client_leaves_early(self):
        self.start()
        for _ in range(50):
            s = self.dial()
            s.sendall(b"a\n" * 100)
            s.close()
        self.wait_until_served()

    def test_client_that_never_reads(self):
        self.start()
        s = self.dial()
        with self.assertRaises((ConnectionError, socket.timeout)):
            while True:
                s.sendall((b"x" * 1000 + b"\n") * 64)
        self.assertEqual(self.ask(self.dial(), b"x"), b"X\n")

    def lines_until(self, s, last):
        """What comes up to the line @last, which is not in it."""
        with s.makefile("rb") as lines:
            found = []
            for line in lines:
                if line == last:
                    return found
                found.append(line)
        self.fail("the connection ended")

    def test_watchers_hear_what_is_published(self):
        self.start()
        watcher, other, asker = self.dial(), self.dial(), self.dial()
        self.assertEqual(self.ask(watcher, b"watch"), b"WATCH\n")
        self.assertEqual(self.ask(other, b"hello"), b"HELLO\n")
        self.assertEqual(self.ask(asker, b"publish 3"), b"PUBLISH 3\n")
        # A watcher may go on asking.
        watcher.sendall(b"end\n")
        self.assertEqual([b'"event"' in line for line in self.lines_until(watcher, b"END\n")],
                         [True] * 3)
        self.assertEqual(self.ask(other, b"again"), b"AGAIN\n")

    def test_watcher_that_leaves_is_forgotten(self):
        self.start()
        watcher = self.dial()
        self.assertEqual(self.ask(watcher, b"watch"), b"WATCH\n")
        watcher.close()
        # Its place may be another's, who did not ask to watch.
        s = self.dial()
        for _ in range(20):
            self.assertEqual(self.ask(s, b"publish 1"), b"PUBLISH 1\n")

    def test_slow_watcher_is_told_how_much_it_lost(self):
        self.start()
        watcher, asker = self.dial(), self.dial()
        self.assertEqual(self.ask(watcher, b"watch"), b"WATCH\n")
        self.assertEqual(self.ask(asker, b"publish 100000"), b"PUBLISH 100000\n")
        self.assertEqual(self.ask(asker, b"hello"), b"HELLO\n")
        # Once it reads again there is room for the next event, before which it is told.
        lines, heard, lost = watcher.makefile("rb"), 0, 0
        self.addCleanup(lines.close)
        while heard + lost < 100001:
            if heard % 1000 == 999 and lost == 0:
                asker.sendall(b"publish 1\n")
                self.line(asker)
            line = json.loads(lines.readline())
            if line["event"] == "lost":
                lost += line["number"]
                break
            heard += 1
        self.assertGreater(lost, 0)
        self.assertGreater(heard, 1000)
        self.assertLess(heard, 100000)

    def test_stale_socket_is_replaced(self):
        os.makedirs(os.path.dirname(self.path))
        s = socket.socket(socket.AF_UNIX)
        s.bind(self.path)
        s.close()
        self.start()
        self.assertEqual(self.ask(self.dial(), b"x"), b"X\n")

    def test_live_socket_is_left_alone(self):
        self.start()
        self.assertIn("another bubd answers there", self.refused())
        self.assertEqual(self.ask(self.dial(), b"x"), b"X\n")

    def test_no_socket_is_left_alone(self):
        os.makedirs(os.path.dirname(self.path))
        with open(self.path, "w", encoding="ascii") as f:
            f.write("precious")
        self.assertIn(self.path, self.refused())
        with open(self.path, encoding="ascii") as f:
            self.assertEqual(f.read(), "precious")

    def test_no_folder(self):
        self.path = "/no/such/folder/ctl"
        self.assertIn("/no/such/folder/ctl", self.refused())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
