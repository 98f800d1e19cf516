#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubctl enroll: keys, certificates and the lines for both ends.   usage: test_enroll.py BUBCTL BUBD"""

import datetime
import hashlib
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import serialization

BUBD = os.path.abspath(sys.argv.pop(2))
BUBCTL = os.path.abspath(sys.argv.pop(1))
HOME = "2001:db8:1::10"
STEM = "2001-db8-1--10"


class Enroll(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(os.path.realpath(folder.name))

    def enroll(self, *words):
        return subprocess.run([BUBCTL, "enroll", *words, "-d", str(self.folder)], text=True,
                              capture_output=True, timeout=60, check=False)

    def good(self, *words):
        done = self.enroll(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def bad(self, *words, says, status=2):
        done = self.enroll(*words)
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        self.assertIn(says, done.stderr)

    def certificate(self, stem=STEM):
        return x509.load_pem_x509_certificate((self.folder / f"{stem}.crt").read_bytes())

    def fingerprint(self, stem=STEM):
        """By another library: the SHA-256 of SubjectPublicKeyInfo."""
        spki = self.certificate(stem).public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return "sha256:" + hashlib.sha256(spki).hexdigest()

    def key(self, stem=STEM):
        return serialization.load_pem_private_key((self.folder / f"{stem}.key").read_bytes(), None)

    def files(self):
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def test_mobile_node(self):
        said = self.good("mobile-node", HOME, "--name", "laptop of me")
        self.assertEqual(set(self.files()), {f"{STEM}.key", f"{STEM}.crt"})
        self.assertEqual(stat.S_IMODE((self.folder / f"{STEM}.key").stat().st_mode), 0o600)
        self.assertEqual(self.key().public_key().public_numbers(),
                         self.certificate().public_key().public_numbers())
        self.assertEqual(self.certificate().subject.rfc4514_string(), "CN=laptop of me")
        self.assertIn(f'certificate-file = "{self.folder}/{STEM}.crt"', said)
        self.assertIn(f'key-file = "{self.folder}/{STEM}.key"', said)
        self.assertIn('fingerprint = "sha256:..."', said)
        self.assertIn(f'mobile-node "{HOME}" {{ fingerprint = "{self.fingerprint()}" }}', said)

    def test_home_agent(self):
        said = self.good("home-agent")
        self.assertEqual(set(self.files()), {"home-agent.key", "home-agent.crt"})
        self.assertIn(f'fingerprint = "{self.fingerprint("home-agent")}"', said)
        self.assertNotIn("psk", said)

    def test_with_the_other_fingerprint(self):
        agent = re.search(r'fingerprint = "(.*)"', self.good("home-agent"))[1]
        said = self.good("mobile-node", HOME, "--fingerprint", "sha256:" + agent[7:].upper())
        self.assertIn(f'        fingerprint = "{agent}"\n', said)
        self.assertNotIn("...", said)

    def test_psk(self):
        said = self.good("mobile-node", HOME, "--psk")
        file = self.folder / f"{STEM}.psk"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertRegex(file.read_text(), "^hex:[0-9a-f]{64}\n$")
        self.assertIn(f'keys {{ psk-file = "{file}" }}', said)
        self.assertIn(f'mobile-node "{HOME}" {{ psk-file = "{STEM}.psk" }}', said)
        before = self.files()
        self.assertIn("nothing was made", self.good("mobile-node", HOME, "--psk"))
        self.assertEqual(self.files(), before)

    def takes(self, text):
        """bubd takes this configuration."""
        conf = self.folder / "bubd.conf"
        conf.write_text(text)
        done = subprocess.run([BUBD, "-t", "-c", str(conf)], text=True, capture_output=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), text)

    def test_bubd_takes_the_lines(self):
        """Those that are printed, and as they are."""
        agent_keys, for_nodes = self.good("home-agent").split("Here, ")[1].split("\n\n")
        fingerprint = re.search(r"sha256:\w+", for_nodes)[0]
        for more in (("--fingerprint", fingerprint), ("--psk",)):
            here, there = self.good("mobile-node", HOME, *more).split("Here, ")[1].split("\n\n")
            keys, node = ("\n".join(line for line in part.splitlines() if line.startswith("    "))
                          for part in (here, there.split("\nand the same file")[0]))
            self.takes(f'mobile-node {{\n home-address = "{HOME}/64"\n'
                       f' home-agent = "2001:db8:1::1"\n{keys}\n}}\n')
            agent = "\n".join(line for line in agent_keys.splitlines() if line.startswith("    "))
            self.takes('home-agent {\n address = "2001:db8:1::1"\n prefixes = {"2001:db8:1::/64"}\n'
                       f"{agent}\n{node}\n}}\n")

    def test_nothing_is_written_over(self):
        self.good("mobile-node", HOME)
        before = self.files()
        again = self.good("mobile-node", HOME)
        self.assertIn("nothing was made", again)
        self.assertIn(self.fingerprint(), again)
        self.assertEqual(self.files(), before)
        (self.folder / f"{STEM}.crt").unlink()
        self.bad("mobile-node", HOME, says="--renew makes that", status=1)
        self.assertEqual(self.files(), {f"{STEM}.key": before[f"{STEM}.key"]})
        self.good("mobile-node", HOME, "--renew")
        (self.folder / f"{STEM}.key").unlink()
        self.bad("mobile-node", HOME, says="move it away first", status=1)
        self.bad("mobile-node", HOME, "--renew", says="No such file", status=1)
        self.assertEqual(list(self.files()), [f"{STEM}.crt"])

    def test_each_key_is_another(self):
        self.good("mobile-node", HOME)
        self.good("mobile-node", "2001:db8:1::11")
        self.assertNotEqual(self.fingerprint(), self.fingerprint("2001-db8-1--11"))

    def test_dates(self):
        self.good("mobile-node", HOME, "--days", "30")
        now = datetime.datetime.utcnow()
        day = datetime.timedelta(days=1)
        first = self.certificate()
        self.assertTrue(now - 1.1 * day < first.not_valid_before < now - 0.9 * day)
        self.assertTrue(now + 29.9 * day < first.not_valid_after < now + 30.1 * day)
        key = (self.folder / f"{STEM}.key").read_bytes()
        fingerprint = self.fingerprint()
        self.assertIn("the fingerprint is what it was",
                      self.good("mobile-node", HOME, "--renew", "--days", "300"))
        self.assertEqual(self.fingerprint(), fingerprint)
        self.assertEqual((self.folder / f"{STEM}.key").read_bytes(), key)
        self.assertTrue(now + 299.9 * day < self.certificate().not_valid_after < now + 300.1 * day)
        self.assertEqual(set(self.files()), {f"{STEM}.key", f"{STEM}.crt"})

    def test_mask(self):
        """Whatever the shell's mask is, a key is for its owner and a certificate for all."""
        for mask in (0, 0o777):
            done = subprocess.run(["sh", "-c", f"umask {mask:o}; exec \"$0\" enroll mobile-node "
                                   f"2001:db8::{mask:x} -d {self.folder}", BUBCTL],
                                  capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            stem = f"2001-db8--{mask:x}" if mask else "2001-db8--"
            self.assertEqual(stat.S_IMODE((self.folder / f"{stem}.key").stat().st_mode), 0o600)
            self.assertEqual(stat.S_IMODE((self.folder / f"{stem}.crt").stat().st_mode), 0o644)

    def test_openssl_takes_it(self):
        self.good("home-agent")
        done = subprocess.run(["openssl", "verify", "-CAfile", self.folder / "home-agent.crt",
                               "-purpose", "sslserver", self.folder / "home-agent.crt"],
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_wrong_words(self):
        for words, says in (
                ((), "usage"), (("client",), "usage"), (("mobile-node",), "usage"),
                (("home-agent", HOME), "usage"), (("mobile-node", HOME, "x"), "usage"),
                (("mobile-node", "::"), "no home address"),
                (("mobile-node", "fe80::1"), "no home address"),
                (("mobile-node", "laptop"), "no home address"),
                (("home-agent", "--psk"), "for a mobile node"),
                (("mobile-node", HOME, "--psk", "--renew"), "for certificates"),
                (("mobile-node", HOME, "--days", "0"), "from 1 to"),
                (("mobile-node", HOME, "--days", "1x"), "from 1 to"),
                (("mobile-node", HOME, "--name", ""), "--name"),
                (("mobile-node", HOME, "--name", "x" * 65), "--name"),
                (("mobile-node", HOME, "--fingerprint", "sha256:00"), "64 hexadecimal digits"),
                (("mobile-node", HOME, "--what"), "usage")):
            with self.subTest(words):
                self.bad(*words, says=says)
        self.assertEqual(self.files(), {})

    def test_no_folder(self):
        done = subprocess.run([BUBCTL, "enroll", "home-agent", "-d", "/nonexistent"], text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
