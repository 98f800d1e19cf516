#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The home agent's port for keys, attacked from outside: what strangers can send, certificates that
are no good, and those who are let in and then send rubbish.  Each gets one counter and, as far as it
is told at all, one line; the mobile node that renews its keys every four seconds meanwhile loses no
packet, and nothing stays behind.

The namespaces are those of keys.py; the strangers are at the router, in networks of their own.
"""

import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

from keys import Things, client_hello, expect, openssl, says
from linux_common import main, wait_for
from world import AGENT, HOME

BY_PSK = "2001:db8:1::20"
CA_CONFIG = """[ca]
default_ca = all
[all]
database = index.txt
serial = serial
crlnumber = serial
new_certs_dir = .
default_md = sha256
policy = any
certificate = ca.pem
private_key = ca.key
default_crl_days = 20
[any]
commonName = supplied
"""


def frame(content, length=None):
    """As RFC 6618, 5.1 has it; @length  in place of the right one"""
    return struct.pack("!BBH", 0, 1, len(content) if length is None else length) + content


class Strangers:
    """Who connects to the port.  Each method ends when the home agent has ended the connection, and
    returns what it sent last."""

    def __init__(self, t):
        self.t, self.count = t, 0
        for i in range(100):
            t.r.ip("addr", "add", f"2001:db8:f:{i:x}::1/128", "dev", "lo")

    def connect(self):
        self.count += 1
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.bind((f"2001:db8:f:{self.count % 100:x}::1", 0))
        s.settimeout(30)
        s.connect((AGENT, 7872))
        return s

    def octets(self, data):
        with self.connect() as s:
            s.sendall(data)
            try:
                return s.recv(4096)
            except ConnectionResetError:
                return b""

    def leaves(self, data):
        """Sends, and is gone at once."""
        with self.connect() as s:
            s.sendall(data)

    def dribbles(self, data):
        """An octet each tenth of a second, until the home agent has had enough."""
        with self.connect() as s:
            s.settimeout(0.1)
            for octet in data:
                try:
                    s.send(bytes([octet]))
                    if s.recv(16) == b"":
                        return
                except TimeoutError:
                    pass
                except OSError:
                    return

    def tls(self, certificate=None, data=b"", alpn="bub-keys/1", newest=None, key=None):
        """@key  the name of its file, where that is another one"""
        path = self.t.certificates.path
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols([alpn])
        if newest:
            context.maximum_version = newest
        if certificate:
            context.load_cert_chain(path(f"{certificate}.pem"), path(f"{key or certificate}.key"))
        heard = b""
        try:
            with self.connect() as s, context.wrap_socket(s) as tls:
                tls.sendall(data)
                while part := tls.recv(4096):
                    heard += part
        except (ssl.SSLError, ConnectionError) as e:
            return str(e).encode()
        return heard

    def psk(self, name):
        subprocess.run(["openssl", "s_client", "-tls1_3", "-alpn", "bub-keys/1", "-connect",
                        f"[{AGENT}]:7872", "-psk_identity", name, "-psk", "11" * 32],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False, timeout=30)


def make_certificates(c):
    c.certificate("agent", f"IP:{AGENT}")
    for name in ("mobile", "revoked"):
        c.certificate(name, f"IP:{HOME}")
    c.certificate("old", f"IP:{HOME}", days=-1)
    c.ca("strange")
    c.certificate("stranger", f"IP:{HOME}", ca="strange")
    for name, text in (("index.txt", ""), ("serial", "77\n"), ("ca.cnf", CA_CONFIG)):
        with open(c.path(name), "w") as f:
            f.write(text)
    c.certificate("early", f"IP:{HOME}")
    openssl("ca", "-batch", "-config", "ca.cnf", "-in", "early.csr", "-startdate",
            "20500101000000Z", "-enddate", "20510101000000Z", "-out", "early.pem", "-notext",
            folder=c.dir)
    openssl("ca", "-config", "ca.cnf", "-revoke", "revoked.pem", folder=c.dir)
    openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem", folder=c.dir)
    with open(c.path("mobile.pem")) as mobile, open(c.path("ca.pem")) as ca:
        text, more = mobile.read(), ca.read()
    for name, n in (("chain", 20), ("endless", 60)):
        with open(c.path(f"{name}.pem"), "w") as f:
            f.write(text + n * more)


def attacks(s, hello):
    """What strangers do, and how it is counted."""
    record = b"\x16\x03\x01\x40\x00"
    return [
        ("not-tls", lambda: s.octets(b"GET / HTTP/1.1\r\n\r\n")),
        ("not-tls", lambda: s.octets(bytes(5000))),
        ("too-much", lambda: s.octets(record + b"\x01\xff\xff\xff" + bytes(16380))),
        ("bad-frame", lambda: s.octets(b"\x15\x03\x03\x00\x02\x02\x28")),
        ("bad-frame", lambda: s.octets(b"\x15\x03\x03\x00\x02\x01\x5a" * 100)),
        ("bad-frame", lambda: s.octets(b"\x14\x03\x03\x00\x01\x01" * 500)),
        # Early data that nobody has allowed, and a second hello.
        ("bad-frame", lambda: s.octets(hello + b"\x17\x03\x03\x00\x20" + bytes(32))),
        ("bad-frame", lambda: s.octets(2 * hello)),
        ("closed", lambda: s.leaves(hello)),
        ("silent", lambda: s.leaves(b"")),
        ("no-common-version", lambda: s.tls("mobile", newest=ssl.TLSVersion.TLSv1_2)),
        ("other-protocol", lambda: s.tls("mobile", alpn="h2")),
        ("other-protocol", lambda: s.tls("mobile", alpn=None)),
        ("no-certificate", s.tls),
        ("certificate-expired", lambda: s.tls("old")),
        ("certificate-not-yet-valid", lambda: s.tls("early")),
        ("certificate-revoked", lambda: s.tls("revoked")),
        ("unknown-ca", lambda: s.tls("stranger")),
        ("wrong-psk", lambda: s.psk(f"bub-psk-1:{BY_PSK}")),
        ("unknown-identity", lambda: s.psk("bub-psk-1:2001:db8:1::99")),
        ("unknown-identity", lambda: s.psk("Client_identity")),
        # Those are let in.
        ("too-much", lambda: s.tls("endless", key="mobile")),
        ("no-common-version", lambda: s.tls("chain", frame(b"\r\n"), key="mobile")),
        ("bad-frame", lambda: s.tls("mobile", frame(12000 * b"x", 65535))),
        ("bad-frame", lambda: s.tls("mobile", frame(2049 * b"x"))),
        ("bad-frame", lambda: s.tls("mobile", frame(b""))),
        ("too-much", lambda: s.tls("mobile", bytes(40000))),
    ]


def slow_attacks(s, hello):
    """Those that the home agent ends after five seconds; all at once."""
    return [
        ("timed-out", lambda: s.dribbles(hello)),
        ("timed-out", lambda: s.octets(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc" + bytes(16000))),
        ("timed-out", lambda: s.tls("mobile")),
        ("timed-out", lambda: s.tls("mobile", b"\x00\x01")),
        ("silent", lambda: s.octets(b"")),
    ]


def tally(t):
    return t.agent.show()["counters"]["keys"]


def run_attack(t, name, go):
    before = tally(t)[f"keys-{name}"]
    t.r.inside(go)
    wait_for(f"keys-{name} to grow", lambda: tally(t)[f"keys-{name}"] == before + 1)


def attacked(t):
    c = t.certificates
    make_certificates(c)
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    t.start(t.agent_text(f'mobile-node "{HOME}" {{ }}\n'
                         f'mobile-node "{BY_PSK}" {{ psk-file = "secret" }}',
                         c.own("agent", f'{ca}crl-file = "{c.path("crl.pem")}"\nlifetime = 4\n')),
            t.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'))
    stream = t.stream()
    hello = client_hello()
    s = Strangers(t)
    descriptors = f"/proc/{t.agent.proc.pid}/fd"
    there = len(os.listdir(descriptors))
    every = attacks(s, hello)
    for name, go in every:
        run_attack(t, name, go)
    slow = slow_attacks(s, hello)
    before = tally(t)
    threads = [threading.Thread(target=t.r.inside, args=(go,)) for _, go in slow]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("timed-out", "silent"):
        n = sum(name == one for one, _ in slow)
        wait_for(f"{n} more of keys-{name}",
                 lambda name=name, n=n: tally(t)[f"keys-{name}"] == before[f"keys-{name}"] + n)
    # Nothing else was counted, and none of them was let in.
    failed = sum(v for k, v in tally(t).items() if k != "keys-agreed")
    expect(failed == len(every) + len(slow), tally(t))
    wait_for("the connections to be closed", lambda: len(os.listdir(descriptors)) <= there)
    with open(os.path.join(t.agent.dir, "log")) as f:
        log = f.read()
    for name, _ in every:
        if name.startswith("certificate-") or name in ("unknown-ca", "wrong-psk"):
            expect(log.count(f": {name}: ") == 1, (name, log))
    expect(t.keys()["why"] is None and t.client()["keys"]["why"] is None, t.keys())
    lost = stream.stop()
    says(f"{len(every) + len(slow)} attacks, {t.agreed()} agreements: {lost} of {stream.sent} lost")
    expect(lost == 0, lost)
    t.mobile.stop()
    t.agent.stop()


if __name__ == "__main__":
    os.environ["PATH"] = ":".join([os.path.dirname(os.environ["BUBCTL"]),
                                   os.path.dirname(os.path.abspath(sys.argv[1])),
                                   os.environ["PATH"]])
    sys.exit(main([attacked], Things))
