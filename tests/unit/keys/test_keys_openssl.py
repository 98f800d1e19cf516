#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Both ends against the programs of OpenSSL: certificates by `openssl req` and `openssl ca`, handshakes
by `openssl s_client` and `openssl s_server`.   usage: test_keys_openssl.py KEYS_PEER"""

import hashlib
import hmac
import os
import pathlib
import select
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PEER = os.path.abspath(sys.argv.pop(1))
HOME = "2001:db8:1::5"
SECRET = b"correct horse battery"
REQUEST = (b"version: 1\r\nmip6-suitelist: aes-128-gcm\r\nspi-transport: 4097\r\nspi-tunnel: 4098\r\n"
           b"mip6-ip6-hoa: " + HOME.encode() + b"\r\n\r\n")
CA_CONF = """
[ca]
default_ca = x
[x]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
default_md = sha256
default_crl_days = 30
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def frame(content):
    return b"\0\1" + struct.pack("!H", len(content)) + content


def psk(name):
    """As docs/keys.md has it (RFC 5869)."""
    prk = hmac.new(bytes(32), SECRET, hashlib.sha256).digest()
    info = b"bub keys psk 1\0mobile node>home agent\0bub-psk-1:" + name.encode()
    return hmac.new(prk, info + b"\1", hashlib.sha256).hexdigest()


class OpenSsl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "ca.conf").write_text(CA_CONF)
        (cls.folder / "index.txt").write_text("")
        (cls.folder / "serial").write_text("1000\n")
        (cls.folder / "crlnumber").write_text("1000\n")
        cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=our CA", "-days", "30")
        cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "self.key", "-out", "self.crt", "-subj", "/CN=somebody", "-days", "30")
        cls.issue("agent", "DNS:agent.example.org")
        cls.issue("good", "IP:" + HOME)
        cls.issue("other", "IP:2001:db8:1::6")
        cls.issue("revoked", "IP:" + HOME)
        cls.issue("expired", "IP:" + HOME, "20200101000000Z", "20200201000000Z")
        cls.issue("early", "IP:" + HOME, "20990101000000Z", "20990201000000Z")
        cls.openssl("ca", "-batch", "-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.crt",
                    "-revoke", "revoked.crt")
        cls.openssl("ca", "-batch", "-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.crt",
                    "-gencrl", "-out", "crl.pem")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    @classmethod
    def openssl(cls, *words):
        done = subprocess.run(["openssl", *words], cwd=cls.folder, capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{words}: {done.stderr}")
        return done.stdout

    @classmethod
    def issue(cls, name, alt, since="20200101000000Z", until="20990101000000Z"):
        cls.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName={alt}")
        cls.openssl("ca", "-batch", "-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.crt", "-in",
                    f"{name}.csr", "-out", f"{name}.crt", "-notext", "-startdate", since, "-enddate",
                    until)

    def agent(self, *files):
        """A home agent that is ready."""
        socket = self.folder / "socket"
        socket.unlink(missing_ok=True)
        child = subprocess.Popen([PEER, "home-agent", socket, *files], cwd=self.folder, text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait, 60)
        self.addCleanup(child.stdin.close)
        self.assertEqual(child.stdout.readline(), "ready\n")
        return child

    def client(self, *words, request=REQUEST, alpn="bub-keys/1"):
        """What s_client prints, with the octets that came."""
        argv = ["openssl", "s_client", "-unix", "socket", "-quiet", "-ign_eof", "-alpn", alpn, *words]
        done = subprocess.run(argv, cwd=self.folder, input=frame(request), capture_output=True,
                              timeout=60, check=False)
        return done.stdout, done.stderr.decode()

    def try_all(self, cases, *files):
        child = self.agent(*files)
        for words, heard, alert, line in cases:
            with self.subTest(words):
                out, err = self.client(*words)
                said = child.stdout.readline()
                self.assertIn(heard, out, err + said)
                self.assertIn(alert, err, said)
                self.assertRegex(said, line)

    @staticmethod
    def with_certificate(name, *more):
        return ("-cert", f"{name}.crt", "-key", f"{name}.key", *more)

    def test_certificates(self):
        self.try_all((
            (self.with_certificate("good"), b"status-code: 200\r\n", "",
             '^agreed certificate "good" sha256:'),
            (self.with_certificate("other"), b"status-code: 401\r\nreason: home-not-permitted\r\n", "",
             f'^home-not-permitted certificate "other".* home address {HOME}'),
            (self.with_certificate("revoked"), b"", "certificate revoked", "^certificate-revoked "),
            (self.with_certificate("expired"), b"", "certificate expired",
             "^certificate-expired .*valid until 2020-02-01 00:00:00 UTC, and it is 20"),
            (self.with_certificate("early"), b"", "bad certificate",
             "^certificate-not-yet-valid .*not valid before 2099-01-01 00:00:00 UTC, and it is 20"),
            (self.with_certificate("self"), b"", "unknown ca", "^unknown-ca "),
            ((), b"", "certificate required", "^no-certificate "),
            (self.with_certificate("good", "-tls1_2"), b"", "protocol version", "^no-common-version "),
            (self.with_certificate("good", "-groups", "P-521"), b"", "handshake failure",
             "^no-common-algorithm "),
            (self.with_certificate("good", "-ciphersuites", "TLS_AES_128_CCM_SHA256"), b"",
             "handshake failure", "^no-common-algorithm "),
            (self.with_certificate("good", "-ciphersuites", "TLS_AES_256_GCM_SHA384"),
             b"status-code: 200\r\n", "", "^agreed "),
        ), "agent.crt", "agent.key", "ca.crt", "crl.pem")

    def test_pre_shared_keys(self):
        def key(digits, name=HOME):
            return ("-psk", digits, "-psk_identity", f"bub-psk-1:{name}", "-tls1_3")
        self.try_all((
            (key(psk(HOME)), b"status-code: 200\r\n", "", f'^agreed pre-shared key "{HOME}"'),
            (key(SECRET.hex().ljust(64, "0")), b"", "illegal parameter", "^wrong-psk "),
            (key(psk("2001:db8::9"), "2001:db8::9"), b"", "illegal parameter", "^unknown-identity "),
        ), "agent.crt", "agent.key", "ca.crt")

    def test_another_protocol(self):
        child = self.agent("agent.crt", "agent.key", "ca.crt")
        _, err = self.client(*self.with_certificate("good"), alpn="h2")
        self.assertIn("no application protocol", err)
        self.assertRegex(child.stdout.readline(), "^other-protocol ")

    def test_no_session_is_kept(self):
        self.agent("agent.crt", "agent.key", "ca.crt")
        self.client(*self.with_certificate("good"), "-sess_out", "session")
        self.assertFalse((self.folder / "session").exists())

    def server(self, *words):
        """`openssl s_server`, ready; what it hears goes to standard output."""
        socket = self.folder / "socket"
        socket.unlink(missing_ok=True)
        argv = ["openssl", "s_server", "-unix", "socket", "-quiet", "-alpn", "bub-keys/1", *words]
        child = subprocess.Popen(argv, cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait, 60)
        self.addCleanup(child.kill)
        self.addCleanup(child.stdin.close)
        end = time.monotonic() + 60
        while not socket.exists() and time.monotonic() < end:
            select.select([], [], [], 0.02)
        return child

    def node(self, *files):
        """Starts a mobile node."""
        child = subprocess.Popen([PEER, "mobile-node", self.folder / "socket", *files], text=True,
                                 cwd=self.folder, stdout=subprocess.PIPE)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait, 60)
        return child

    def answered(self, server, node):
        """Answers the request that came, and returns the node's last line."""
        heard = b""
        while not heard.endswith(b"\r\n\r\n"):
            self.assertTrue(select.select([server.stdout], [], [], 60)[0], "nothing was asked")
            more = os.read(server.stdout.fileno(), 4096)
            self.assertNotEqual(more, b"")
            heard += more
        self.assertTrue(heard.startswith(b"\0\1"), heard)
        self.assertIn(b"\r\nspi-transport: 4097\r\nspi-tunnel: 4098\r\n", heard)
        server.stdin.write(frame(
            b"status-code: 200\r\nmip6-ip6-hoa: " + HOME.encode() + b"\r\nmip6-haa-ip6: 2001:db8:1::1\r\n"
            b"mip6-ciphersuite: aes-256-gcm\r\nspi-transport: 8193\r\nspi-tunnel: 8194\r\n"
            b"sa-lifetime: 60\r\n\r\n"))
        server.stdin.flush()
        return node.stdout.readline()

    def test_mobile_node(self):
        spki = subprocess.run("openssl x509 -in agent.crt -noout -pubkey | openssl pkey -pubin "
                              "-outform DER", shell=True, cwd=self.folder, capture_output=True,
                              check=True).stdout
        fingerprint = "sha256:" + hashlib.sha256(spki).hexdigest()
        server = self.server("-cert", "agent.crt", "-key", "agent.key", "-Verify", "3", "-CAfile",
                             "ca.crt", "-verify_return_error", "-tls1_3")
        self.assertRegex(self.answered(server, self.node("good.crt", "good.key", fingerprint)),
                         '^agreed certificate "agent" sha256:')
        wrong = self.node("good.crt", "good.key", "sha256:" + 64 * "0")
        self.assertRegex(wrong.stdout.readline(), "^fingerprint-differs ")

    def test_mobile_node_by_psk(self):
        server = self.server("-nocert", "-psk", psk(HOME), "-psk_identity", f"bub-psk-1:{HOME}",
                             "-tls1_3")
        self.assertRegex(self.answered(server, self.node()), f'^agreed pre-shared key "{HOME}"')


if __name__ == "__main__":
    unittest.main()
