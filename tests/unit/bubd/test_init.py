#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubctl init: what it writes is what bubd takes.   usage: test_init.py BUBCTL BUBD"""

import os
import pathlib
import pty
import select
import stat
import subprocess
import sys
import tempfile
import time
import unittest

BUBD = os.path.abspath(sys.argv.pop(2))
BUBCTL = os.path.abspath(sys.argv.pop(1))

MOBILE = ("--home-address", "2001:db8:1::10/64", "--home-agent", "2001:db8:1::1")
AGENT = ("--address", "2001:db8:1::1", "--prefix", "2001:db8:1::/64")


class Init(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.conf = self.folder / "new" / "bubd.conf"
        # bubctl looks for bubd as a shell does.
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "bubd").symlink_to(BUBD)
        self.env = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def init(self, *words):
        return subprocess.run([BUBCTL, "init", words[0], "-c", str(self.conf), *words[1:]], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, env=self.env,
                              timeout=60, check=False)

    def good(self, *words):
        done = self.init(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        checked = subprocess.run([BUBD, "-t", "-c", str(self.conf)], text=True, capture_output=True,
                                 check=False)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        return done.stdout, self.conf.read_text()

    def bad(self, *words, says, status=2):
        done = self.init(*words)
        self.assertEqual(done.returncode, status, done.stdout)
        for one in [says] if isinstance(says, str) else says:
            self.assertIn(one, done.stderr)
        self.assertFalse(self.conf.exists())
        return done.stderr

    def test_mobile_node(self):
        said, text = self.good("mobile-node", *MOBILE, "--interface", "wlan0", "--interface", "wwan0",
                               "--name", "mn1")
        secret = self.conf.parent / "2001-db8-1--10.secret"
        self.assertEqual(stat.S_IMODE(secret.stat().st_mode), 0o600)
        self.assertRegex(secret.read_text(), "^hex:[0-9a-f]{64}\n$")
        self.assertNotIn(secret.read_text()[4:20], text + said)
        for line in ('name = "mn1"', 'interfaces = {"wlan0", "wwan0"}',
                     '    home-address = "2001:db8:1::10/64"', '    home-agent = "2001:db8:1::1"',
                     '    keys { psk-file = "2001-db8-1--10.secret" }'):
            self.assertIn(line, text.splitlines())
        # What the other end needs, and what comes next here.
        for line in (f"wrote a new secret, {secret}", f"    scp {secret} root@[2001:db8:1::1]:/etc/bub/",
                     '    mobile-node "2001:db8:1::10" { psk-file = "2001-db8-1--10.secret" }',
                     f"    bubd -c {self.conf}", f"    bubctl doctor -c {self.conf}"):
            self.assertIn(line, said.splitlines())

    def test_home_agent(self):
        """The prefix may come behind the mobile nodes; a secret that is there is used."""
        self.conf.parent.mkdir()
        there = self.conf.parent / "2001-db8-1--11.secret"
        there.write_text("hex:" + "5a" * 32 + "\n")
        there.chmod(0o600)
        said, text = self.good("home-agent", "--mobile-node", "2001:db8:1::10,2001:db8:1::11",
                               "--mobile-node", "2001:db8:2:0:8000::1", "--home-link", "eth1", *AGENT,
                               "--prefix", "2001:db8:2:0:8000::/65")
        self.assertEqual(there.read_text(), "hex:" + "5a" * 32 + "\n")
        self.assertIn(f"the secret {there} was there, and is used", said)
        for line in ('    address = "2001:db8:1::1"', '    home-link = "eth1"',
                     '    prefixes = {"2001:db8:1::/64", "2001:db8:2:0:8000::/65"}',
                     '    mobile-node "2001:db8:1::11" { psk-file = "2001-db8-1--11.secret" }'):
            self.assertIn(line, text.splitlines())
        self.assertIn("    bubctl init mobile-node --home-address 2001:db8:1::10/64 --home-agent "
                      "2001:db8:1::1 --secret 2001-db8-1--10.secret", said.splitlines())
        self.assertIn("--home-address 2001:db8:2:0:8000::1/65 ", said)
        self.assertIn("    sysctl -w net.ipv6.conf.all.forwarding=1", said)

    def test_bare_home_agent(self):
        said, _ = self.good("home-agent", *AGENT)
        self.assertIn("No mobile node is served yet", said)

    def test_the_other_ends_secret(self):
        """The line that one end prints works at the other: both have one secret."""
        self.good("home-agent", *AGENT, "--mobile-node", "2001:db8:1::10")
        secret = (self.conf.parent / "2001-db8-1--10.secret").read_bytes()
        self.conf = self.folder / "other" / "bubd.conf"
        self.conf.parent.mkdir()
        copy = self.conf.parent / "2001-db8-1--10.secret"
        copy.write_bytes(secret)
        copy.chmod(0o600)
        self.good("mobile-node", *MOBILE, "--secret", "2001-db8-1--10.secret")
        self.assertEqual(copy.read_bytes(), secret)

    def test_nothing_is_written_over(self):
        self.good("mobile-node", *MOBILE)
        secret = self.conf.parent / "2001-db8-1--10.secret"
        before, kept = self.conf.read_text(), secret.read_text()
        done = self.init("mobile-node", *MOBILE, "--name", "other")
        self.assertEqual(done.returncode, 1)
        self.assertIn("File exists; --force writes it anew", done.stderr)
        self.assertEqual(self.conf.read_text(), before)
        self.good("mobile-node", *MOBILE, "--name", "other", "--force")
        self.assertIn('name = "other"', self.conf.read_text())
        self.assertEqual(secret.read_text(), kept)

    def test_secret_of_no_use(self):
        self.conf.parent.mkdir()
        there = self.conf.parent / "2001-db8-1--10.secret"
        there.write_text("short\n")
        there.chmod(0o644)
        done = self.init("mobile-node", *MOBILE)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is open to other users; expected mode 0600", done.stderr)

    def test_options_that_lack(self):
        self.bad("mobile-node", says="init mobile-node needs --home-address ADDRESS/LENGTH and "
                 "--home-agent ADDRESS; without a terminal nobody can be asked")
        self.bad("home-agent", "--address", "2001:db8:1::1", says="init home-agent needs --prefix "
                 "PREFIX/LENGTH;")
        self.bad("correspondent", says="usage: bubctl init")
        self.bad("mobile-node", *MOBILE, "--bogus", says="usage: bubctl init")
        self.bad("mobile-node", *MOBILE, "more", says='"more" is one argument too many')

    def test_bad_answers(self):
        for role, words, says in (
                ("mobile-node", ("--home-address", "2001:db8:1::10"), "has no prefix length"),
                ("mobile-node", ("--home-address", "2001:db8:1::10/129"), "1 to 128"),
                ("mobile-node", ("--home-address", "2001:db8:1::10/"), "1 to 128"),
                ("mobile-node", ("--home-address", "192.0.2.1/24"), "is no address"),
                ("mobile-node", ("--home-address", "fe80::1/64"), "that is not link-local"),
                ("mobile-node", ("--home-agent", "::"), "expected a unicast address"),
                ("mobile-node", ("--home-agent", "ff02::1"), "expected a unicast address"),
                ("mobile-node", (*MOBILE, "--home-agent", "2001:db8:1::10"), "is the home address"),
                ("mobile-node", ("--home-agent", "2001:db8:1::1", "--home-address", "2001:db8:1::1/64"),
                 "is the home agent's"),
                ("mobile-node", (*MOBILE, "--interface", "a/b"), "is no interface name"),
                ("mobile-node", (*MOBILE, "--secret", "a b"), "is no usable path"),
                ("mobile-node", (*MOBILE, "--name", 'a"b'), "is no name"),
                ("mobile-node", (*MOBILE, "--address", "2001:db8:1::1"), "has no option --address"),
                ("home-agent", (*AGENT, "--prefix", "2001:db8:2::1/64"), "the prefix alone"),
                ("home-agent", (*AGENT, "--prefix", "2001:db8:1::/64"), "twice"),
                ("home-agent", (*AGENT, "--mobile-node", "2001:db8:9::10"), "is outside"),
                ("home-agent", ("--mobile-node", "2001:db8:9::10", *AGENT), "is outside"),
                ("home-agent", (*AGENT, "--mobile-node", "2001:db8:1::1"), "the home agent's own"),
                ("home-agent", (*AGENT, "--mobile-node", "2001:db8:1::10/64"), "has a length"),
                ("home-agent", (*AGENT, "--mobile-node", "2001:db8:1::10 2001:db8:1::10"), "twice"),
        ):
            with self.subTest(words=words):
                self.bad(role, *words, says=says)

    def test_answers_on_a_terminal(self):
        """Each bad answer is told at once, and asked again."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(BUBCTL, [BUBCTL, "init", "mobile-node", "-c", str(self.conf)], self.env)
        heard = ""
        for question, answer in (
                ("Home address", "2001:db8:1::10"), ("has no prefix length", None),
                ("Home address", "2001:db8:1::10/64"),
                ("home agent", "nowhere"), ("is no address", None), ("home agent", "2001:db8:1::1"),
                ("secret that both share", ""), ("bubctl show", None)):
            end = time.monotonic() + 60
            while question not in heard:
                if not select.select([fd], [], [], end - time.monotonic())[0]:
                    self.fail(f"no {question!r} in {heard!r}")
                heard += os.read(fd, 4096).decode()
            heard = heard[heard.index(question) + len(question):]
            if answer is not None:
                os.write(fd, answer.encode() + b"\n")
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        os.close(fd)
        text = self.conf.read_text()
        self.assertIn('home-address = "2001:db8:1::10/64"', text)
        subprocess.run([BUBD, "-t", "-c", str(self.conf)], check=True)

    def test_no_answer_on_a_terminal(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(BUBCTL, [BUBCTL, "init", "home-agent", "-c", str(self.conf)], self.env)
        heard = b""
        while b": " not in heard:
            heard += os.read(fd, 4096)
        os.write(fd, b"\x04")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 1)
        os.close(fd)
        self.assertFalse(self.conf.parent.exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
