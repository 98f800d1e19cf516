#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keys that mobile node and home agent agree on (docs/keys.md): real daemons, real packets, a link
between them that is looked at.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64              2001:db8:d::/64

Times that it measures are in its output.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon
from linux_common import Failure, main, wait_for
from world import AGENT, HOME, HOME_PREFIX, VISITED, Tunnel

PORT = 9000
EVERY_S = 0.005
PSK = 'keys { psk-file = "secret" }'
AGENT_PSK = f'mobile-node "{HOME}" {{ psk-file = "secret" }}'
FINGERPRINT_OF = ("openssl pkey -in {0} -pubout -outform DER | openssl dgst -sha256 -r")


def openssl(*words, folder, text=None):
    done = subprocess.run(["openssl", *words], cwd=folder, input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Failure(f"openssl {' '.join(words)}: {done.stderr}")
    return done.stdout


class Certificates:
    """A folder with a CA of its own, keys and certificates."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="bub-ca-")
        self.ca("ca")

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                f"{name}.key", folder=self.dir)
        os.chmod(self.path(f"{name}.key"), 0o600)

    def ca(self, name):
        self.key(name)
        openssl("req", "-new", "-x509", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days",
                "30", "-out", f"{name}.pem", folder=self.dir)

    def certificate(self, name, alternative, ca="ca", days=30):
        """@days  below 0: it has ended"""
        self.key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out",
                f"{name}.csr", folder=self.dir)
        with open(self.path(f"{name}.ext"), "w") as f:
            f.write(f"subjectAltName = {alternative}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out",
                f"{name}.pem", folder=self.dir)

    def fingerprint(self, name):
        out = subprocess.run(FINGERPRINT_OF.format(self.path(f"{name}.key")), shell=True,
                             check=True, capture_output=True, text=True).stdout
        return f"sha256:{out.split()[0]}"

    def own(self, name, more=""):
        return (f'certificate-file = "{self.path(name)}.pem"\n'
                f'key-file = "{self.path(name)}.key"\n{more}')


class Stream:
    """Datagrams from @ns to the home address: when each was sent, and when it arrived."""

    def __init__(self, ns, mobile, source=AGENT, to=HOME):
        self.heard, self.over, self.sent = set(), False, 0
        self.at = []
        self.out = ns.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.out.bind((source, 0))
        self.into = mobile.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        self.into.settimeout(0.1)
        self.into.bind((to, PORT))
        self.to = (to, PORT)
        self.threads = [threading.Thread(target=x) for x in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.over:
            try:
                self.out.sendto(struct.pack("!Id", self.sent, time.monotonic()), self.to)
                self.sent += 1
            except OSError:
                pass  # the home agent is down, and says so
            time.sleep(EVERY_S)

    def receive(self):
        quiet = 0
        while quiet < 5:
            try:
                number, sent = struct.unpack("!Id", self.into.recv(64))
            except socket.timeout:
                quiet += self.over
                continue
            self.heard.add(number)
            self.at.append((sent, time.monotonic()))

    def flows(self, since):
        """When the first datagram that was sent after @since arrived, and more did."""
        late = [at for sent, at in self.at if sent > since]
        return late[0] if len(late) > 20 else None

    def stop(self):
        """Ends it, and returns how many of those between the first and the last were lost."""
        self.over = True
        for thread in self.threads:
            thread.join()
        return sum(n not in self.heard for n in range(min(self.heard), max(self.heard)))

    def close(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        self.out.close()
        self.into.close()


class Things(Tunnel):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.certificates = Certificates()
        self.streams = []
        self.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo")

    def close(self):
        for stream in self.streams:
            stream.close()
        self.certificates.close()
        super().close()

    def agent_text(self, clients=AGENT_PSK, keys=""):
        keys = f"keys {{\n{keys}}}\n" if keys else ""
        return ("route-optimisation = never\n"
                f'home-agent {{\naddress = "{AGENT}"\nprefixes = {{"{HOME_PREFIX}"}}\n{keys}'
                f"{clients}\n}}\n")

    def mobile_text(self, keys=PSK, inside=""):
        return ("route-optimisation = never\n"
                f'mobile-node {{\nhome-address = "{HOME}/64"\nhome-agent = "{AGENT}"\n{inside}'
                f"{keys}\n}}\n")

    def begin(self, agent=None, mobile=None):
        self.agent = self.daemon(self.g, agent or self.agent_text())
        self.mobile = self.daemon(self.m, mobile or self.mobile_text())

    def start(self, agent=None, mobile=None):
        self.begin(agent, mobile)
        self.register()

    def home(self):
        return self.mobile.show()["homes"][0]

    def keys(self):
        return self.home()["keys"]

    def client(self):
        return self.agent.show()["clients"][0]

    def agreed(self):
        return self.mobile.show()["counters"]["keys"]["keys-agreed"]

    def stream(self):
        begin = time.monotonic()
        self.streams.append(Stream(self.g, self.m))
        wait_for("datagrams", lambda: self.streams[-1].flows(begin))
        return self.streams[-1]

    def kill_agent(self):
        self.agent.proc.send_signal(signal.SIGKILL)
        self.agent.proc.wait()
        os.unlink(self.agent.sock)

    def revive_agent(self):
        begin = time.monotonic()
        self.agent.proc = self.g.popen(self.bubd, "-c", self.agent.conf, stderr=self.agent.log)
        return begin

    def wait_for_words(self, daemon, *words):
        try:
            wait_for(" ".join(words), lambda: all(word in daemon.tail() for word in words))
        except Failure as e:
            raise Failure(f"{e}: {daemon.tail()}") from e


def says(text):
    print(f"# {text}", flush=True)


def expect(condition, what):
    if not condition:
        raise Failure(str(what))


def by_pre_shared_key(t):
    """Agreed, used both ways, told at both ends; no file of sequence numbers; a move needs nothing."""
    t.start()
    keys = t.keys()
    expect(keys["kind"] == "agreed" and keys["algorithm"] and keys["why"] is None, keys)
    expect(0 < keys["renews_in_s"] <= 28800 * 0.9, keys)
    wait_for("the home agent's words", lambda: t.client()["keys"]["confirmed"])
    expect(t.client()["keys"]["algorithm"] == keys["algorithm"], t.client())
    stream = t.stream()
    for daemon in (t.mobile, t.agent):
        expect("esp.mdb" not in os.listdir(os.path.join(daemon.dir, "state")) if os.path.isdir(
            os.path.join(daemon.dir, "state")) else True, "a file of numbers")
        sas = daemon.ask("sas")["sas"]
        expect(len(sas) == 4 and all(sa["integrity"] is None for sa in sas), sas)
    # Another care-of address, and no handshake.
    before = t.agreed()
    t.r.ip("addr", "add", "2001:db8:bb::1/64", "dev", "e0", "nodad")
    t.router.advertise("2001:db8:bb::")
    t.m.ip("addr", "flush", "dev", "e0", "to", f"{VISITED}/64")
    wait_for("a registration elsewhere",
             lambda: (t.home()["care_of"] or "").startswith("2001:db8:bb:") and
             t.home()["state"] == "registered")
    begin = time.monotonic()
    wait_for("datagrams there", lambda: stream.flows(begin))
    expect(t.agreed() == before, "a handshake for a move")


CASES = [by_pre_shared_key]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
