#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubctl bugreport: much is in it, and no secret.   usage: test_bugreport.py BUBCTL BUBD"""

import base64
import os
import pathlib
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

BUBD = os.path.abspath(sys.argv.pop(2))
BUBCTL = os.path.abspath(sys.argv.pop(1))

TEXT_SECRET = "correct horse battery staple, and more"
HEX_SECRET = bytes(range(0x40, 0x60))
KEYS = [bytes([n] * 32) for n in (0xa1, 0xa2)]
TEXT_KEY = "sixteen letters!sixteen letters!"
COMMENTED = bytes(range(0x20, 0x40))

CONF = f"""
name = "mn1" # the old key was hex:{COMMENTED.hex()}
/* and before that
   {TEXT_SECRET} */
event-log = "events.jsonl"
control = "sock"
mobile-node {{
    home-address = "2001:db8:1::10/64"
    home-agent = "2001:db8:1::1" secret-file = "text.secret"
}}
mobile-node {{
    home-address = "2001:db8:1::11/64"  home-agent = "2001:db8:1::1"
    secret-file = "hex.secret"
}}
mobile-node {{
    home-address = "2001:db8:1::12/64"
    home-agent = "2001:db8:1::1"
    sa "0x7d0" {{ direction = out mode = transport covers = {{binding-updates, mobility}}
        encryption = aes-cbc   encryption-key =
            "hex:{KEYS[0].hex()}"
        integrity = hmac-sha256-128  integrity-key = "{TEXT_KEY}"
    }}
    sa "0x7d1" {{ direction = in mode = tunnel covers = {{mobility}}
        encryption = aes-cbc   encryption-key = "hex:{KEYS[1].hex().upper()}"
    }}
}}
"""


class Bugreport(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "bubd").symlink_to(BUBD)
        self.env = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        self.conf = self.folder / "bubd.conf"
        self.archive = self.folder / "report.tar.gz"
        for name, text in (("text.secret", TEXT_SECRET), ("hex.secret", "hex:" + HEX_SECRET.hex())):
            (self.folder / name).write_text(text + "\n")
            (self.folder / name).chmod(0o600)
        # Where a secret has no business to be, but was written all the same.
        (self.folder / "events.jsonl").write_text(
            '{"event":"start"}\n{"what":"' + HEX_SECRET.hex().upper() + TEXT_SECRET + '",'
            '"peer":"2001:db8:5::7","local":"2001:db8:1::10"}\n')
        self.write(CONF)

    def write(self, text):
        self.conf.write_text(text)
        self.conf.chmod(0o600)

    def report(self, *words):
        done = subprocess.run([BUBCTL, "bugreport", "-c", str(self.conf), *words, str(self.archive)],
                              text=True, capture_output=True, env=self.env, timeout=100, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        with tarfile.open(self.archive) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
            self.assertEqual({m.mode for m in tar.getmembers()}, {0o600})
        self.archive.unlink()
        return done.stdout, members

    def assert_no_secret(self, octets):
        for raw in (TEXT_SECRET.encode(), HEX_SECRET, *KEYS, TEXT_KEY.encode(), COMMENTED):
            for form in (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)):
                # A part of it is no better than all of it.
                for at in range(0, len(form) - 15):
                    self.assertNotIn(form[at:at + 16], octets)

    def test_no_secret(self):
        for text in (CONF, CONF.replace("event-log", "bogus = 1\nevent-log")):  # with a mistake, too
            self.write(text)
            said, members = self.report()
            self.assert_no_secret(b"\n".join([*members.values(), said.encode()]))
            conf = members["bubreport/bubd.conf"].decode()
            for kept in ('secret-file = "text.secret"', 'home-address = "2001:db8:1::11/64"',
                         'encryption = aes-cbc', 'integrity-key = "(cut)"', 'sa "0x7d1"'):
                self.assertIn(kept, conf)
            self.assertNotIn("old key", conf)

    def test_what_is_inside(self):
        # The sections that bubd would not take are gone: the file has no mistake.
        self.write(CONF[:CONF.rindex("mobile-node")])
        said, members = self.report()
        for name in ("bubd.conf", "version.txt", "kernel.txt", "show.txt", "doctor.txt", "events.jsonl"):
            self.assertIn(f"bubreport/{name}", members)
            self.assertIn(f"  {name} ", said)
        self.assert_no_secret(b"\n".join(members.values()))
        self.assertIn(b"bubd ", members["bubreport/version.txt"])
        self.assertIn(b"has no mistakes", members["bubreport/doctor.txt"])
        self.assertNotIn(b"fingerprint", b"".join(members.values()))
        self.assertIn(b"cannot reach bubd", members["bubreport/show.txt"])
        self.assertIn("Read it before you send it", said)

    def test_what_bubd_says(self):
        self.write(CONF[:CONF.rindex("mobile-node")])
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(str(self.folder / "sock"))
        listener.listen()

        def answer():
            while True:
                try:
                    s, _ = listener.accept()
                except OSError:
                    return
                with s:
                    s.makefile().readline()
                    s.sendall(b'{"node":"mn1","homes":[],"why":"' + TEXT_SECRET.encode() + b'"}\n')

        threading.Thread(target=answer, daemon=True).start()
        _, members = self.report()
        self.assertIn(b'"node": "mn1"', members["bubreport/show.json"])
        self.assertIn("bubreport/counters.json", members)
        self.assert_no_secret(b"\n".join(members.values()))

    def test_other_addresses(self):
        self.write(CONF[:CONF.rindex("mobile-node")])
        _, members = self.report("--anonymize")
        everything = b"\n".join(members.values()).decode()
        for address in ("2001:db8:1::1", "2001:db8:5::7"):
            self.assertNotIn(address, everything)
        conf = members["bubreport/bubd.conf"].decode()
        homes = [line.split('"')[1] for line in conf.splitlines() if "home-address" in line]
        prefixes = {home.split("::")[0] for home in homes}
        self.assertEqual((len(set(homes)), len(prefixes)), (2, 1), conf)  # still in one prefix
        self.assertTrue(all(home.endswith("/64") for home in homes))
        # The same address is the same everywhere.
        self.assertIn(f'"local":"{homes[0][:-3]}"', members["bubreport/events.jsonl"].decode())

    def test_usage(self):
        for words, status in ((("--bogus",), 2), (("a", "b"), 2), (("/nowhere/x.tar.gz",), 1),
                              ((str(self.conf),), 1)):
            done = subprocess.run([BUBCTL, "bugreport", *words], capture_output=True, check=False)
            self.assertEqual(done.returncode, status, words)
        self.assertEqual(self.conf.read_text(), CONF)  # nothing is written over


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
