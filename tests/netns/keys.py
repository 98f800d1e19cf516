#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keys that mobile node and home agent agree on (docs/keys.md): real daemons, real packets, a link
between them that is looked at.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64              2001:db8:d::/64

Times that it measures are in its output.
"""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

from daemon import Daemon
from linux_common import Failure, addr, main, wait_for
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

    def __init__(self, ns, mobile, source=AGENT, to=HOME, more=0):
        """@more  octets behind what each datagram needs"""
        self.more = bytes(more)
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
                self.out.sendto(struct.pack("!Id", self.sent, time.monotonic()) + self.more,
                                self.to)
                self.sent += 1
            except OSError:
                pass  # the home agent is down, and says so
            time.sleep(EVERY_S)

    def receive(self):
        quiet = 0
        while quiet < 5:
            try:
                number, sent = struct.unpack_from("!Id", self.into.recv(2048))
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
        for_data = [sa for sa in sas if sa["covers"] == ["payload"]]  # which the kernel may have, by turns
        expect(len(sas) - len(for_data) == 4 and len(for_data) <= 2 and
               all(sa["integrity"] is None for sa in sas), sas)
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
    t.mobile.stop()
    t.agent.stop()


def ciphers_of_the_processor(t):
    """AES where the processor has instructions for it, as nobody has said anything else."""
    with open("/proc/cpuinfo") as f:
        words = f.read().split()
    fast = "aes" in words and ("pclmulqdq" in words or "pmull" in words)
    t.start()
    expect(f": {'aes-128-gcm' if fast else 'chacha20-poly1305'}, for" in t.mobile.tail(),
           t.mobile.tail())


def by_certificates(t):
    """Of a CA: the home agent's for its address, the mobile node's for its home address."""
    c = t.certificates
    c.certificate("agent", f"IP:{AGENT}")
    c.certificate("mobile", f"IP:{HOME}")
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    t.start(t.agent_text(f'mobile-node "{HOME}" {{ }}', c.own("agent", ca)),
            t.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'))
    keys = t.keys()
    expect(keys["kind"] == "agreed" and keys["certificate"]["ends_in_s"] > 86400, keys)
    expect(t.agent.show()["keys"]["certificate"]["ends_in_s"] > 86400, t.agent.show()["keys"])


def by_fingerprints(t):
    """Certificates that nobody vouches for but whoever wrote the fingerprints down."""
    c = t.certificates
    c.ca("agent")
    c.ca("mobile")
    t.start(t.agent_text(f'mobile-node "{HOME}" {{ fingerprint = "{c.fingerprint("mobile")}" }}',
                         c.own("agent")),
            t.mobile_text(f'keys {{\n{c.own("mobile")}fingerprint = "{c.fingerprint("agent")}"\n}}'))
    keys = t.keys()
    expect(keys["certificate"]["fingerprint"] == c.fingerprint("mobile"), keys)


def renewals_lose_nothing(t):
    """Keys that end every four seconds, under data both ways: not one packet is lost."""
    t.start(t.agent_text(keys="lifetime = 4\n"))
    down = t.stream()
    up = Stream(t.m, t.g, HOME, AGENT)
    t.streams.append(up)
    first = t.agreed()
    wait_for("three renewals", lambda: t.agreed() >= first + 3)
    lost = down.stop(), up.stop()
    says(f"{down.sent} and {up.sent} datagrams over {t.agreed() - first} renewals: "
         f"{lost[0]} and {lost[1]} lost")
    expect(lost == (0, 0), lost)
    for daemon in (t.mobile, t.agent):
        expect(len(daemon.ask("sas")["sas"]) <= 18, daemon.ask("sas"))


def renewals_by_octets_lose_nothing(t):
    """Keys for one megabyte: of what goes down, as little goes up."""
    t.start(t.agent_text(keys="megabytes = 1\n"))
    down = Stream(t.g, t.m, more=1200)
    up = Stream(t.m, t.g, HOME, AGENT)
    t.streams += [down, up]
    first = t.agreed()
    wait_for("two renewals", lambda: t.agreed() >= first + 2, 120)
    expect(t.keys()["renews_in_s"] > 20000, t.keys())
    lost = down.stop(), up.stop()
    says(f"{down.sent} and {up.sent} datagrams over {t.agreed() - first} renewals: "
         f"{lost[0]} and {lost[1]} lost")
    expect(lost == (0, 0), lost)
    expect(down.sent * 1200 > 1 << 20, down.sent)
    for daemon in (t.mobile, t.agent):
        expect("have ended" not in daemon.tail(), daemon.tail())


def restarted_agent(t):
    """Killed and started again, while data goes to the mobile node only: healed by itself."""
    t.start(mobile=t.mobile_text(inside="keep-alive = 0\n"))
    stream = t.stream()
    for restart in ("first", "second"):
        t.kill_agent()
        begin = t.revive_agent()
        wait_for("bubd", t.agent.show)
        ready = time.monotonic()
        first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
        t.wait_for_words(t.mobile, "has restarted and lost its keys")
        says(f"{restart} restart: first datagram {first - begin:.3f} s after the start of the "
             f"process, {first - ready:.3f} s after it answered")
        expect(first - ready < 2.0, first - ready)


def changed_at_the_home_agent(t):
    """A reload there ends the keys, while data goes to the mobile node only: it agrees anew; and once
    it may not any more, it says so."""
    t.start(mobile=t.mobile_text(inside="keep-alive = 0\n"))
    stream = t.stream()
    before = t.agreed()
    t.agent.reload(t.agent_text(AGENT_PSK.replace("}", "renumber = true }")))
    wait_for("new keys", lambda: t.agreed() > before)
    begin = time.monotonic()
    wait_for("datagrams", lambda: stream.flows(begin))
    t.agent.reload(t.agent_text(AGENT_PSK.replace(HOME, "2001:db8:1::99")))
    wait_for("the reason", lambda: t.keys()["why"] and t.keys()["attempts"] > 0)
    expect("compare both files and names" in t.keys()["why"], t.keys())


def restarted_agent_without_its_files(t):
    """Tokens and registrations are gone as well: the mobile node finds out by asking."""
    t.start(mobile=t.mobile_text(inside="keep-alive = 1\n"))
    stream = t.stream()
    t.kill_agent()
    for name in ("tokens.mdb", "store.mdb"):
        os.unlink(os.path.join(t.agent.dir, "state", name))
    begin = t.revive_agent()
    first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
    says(f"first datagram {first - begin:.3f} s after the start of the process")


def restarted_mobile(t):
    """It agrees anew; and so do both when both were killed."""
    t.start()
    stream = t.stream()
    for both in (False, True):
        t.mobile.proc.send_signal(signal.SIGKILL)
        t.mobile.proc.wait()
        os.unlink(t.mobile.sock)
        if both:
            t.kill_agent()
            t.revive_agent()
        begin = time.monotonic()
        t.mobile.proc = t.m.popen(t.bubd, "-c", t.mobile.conf, stderr=t.mobile.log)
        wait_for("bubd", t.mobile.show)
        t.router.advertise(VISITED)
        first = wait_for("datagrams", lambda: stream.flows(begin))
        says(f"{'both' if both else 'the mobile node'}: {first - begin:.3f} s after its start")


def begin_in_ipv4(t, inside=""):
    """There is no IPv6 where the mobile node starts."""
    t.r.exec("sysctl", "-qw", "net.ipv4.ip_forward=1")
    for ns, dev, address in ((t.r, "e0", "192.0.2.1/24"), (t.r, "e1", "198.51.100.1/24"),
                             (t.g, "e0", "198.51.100.2/24"), (t.m, "e0", "192.0.2.10/24")):
        ns.ip("addr", "add", address, "dev", dev)
    t.g.ip("-4", "route", "add", "default", "via", "198.51.100.1")
    t.m.ip("-4", "route", "add", "default", "via", "192.0.2.1")
    t.begin(t.agent_text(AGENT_PSK + '\nipv4-address = "198.51.100.2"'),
            t.mobile_text(inside='home-agent-ipv4 = "198.51.100.2"\n' + inside))
    try:
        wait_for("keys", lambda: t.mobile.show() and t.agreed() == 1)
    except Failure as e:
        raise Failure(f"{e}: {t.mobile.tail()} {t.agent.tail()}") from e


def in_a_network_of_ipv4(t):
    """Keys are agreed on over IPv4."""
    begin_in_ipv4(t)
    t.wait_for_words(t.agent, f"keys of {HOME} agreed with ::ffff:192.0.2.10")


NAT = """table ip t {
chain c {
type nat hook postrouting priority 100;
oifname "e1" masquerade random
}
}
"""


def way(t, order):
    """Where data goes to the mobile node, as a token's record has it; @order  of the port's octets"""
    return addr("::ffff:198.51.100.1") + struct.pack(f"{order}H", t.client()["carrier"]["port"])


def way_is_stored(t):
    """A record is the home address, and a version, a token and the way (tokens.c)."""
    with open(os.path.join(t.agent.dir, "state", "tokens.mdb"), "rb") as f:
        octets = f.read()
    seen = way(t, "=")
    return any(octets[m.end() + 17:m.end() + 35] == seen
               for m in re.finditer(re.escape(addr(HOME)), octets))


def begin_beyond_a_nat(t):
    """The mobile node hears only from where it has sent to, and does not send by itself."""
    with tempfile.NamedTemporaryFile("w") as f:
        f.write(NAT)
        f.flush()
        t.r.exec("nft", "-f", f.name)
    begin_in_ipv4(t, "keep-alive = 0\n")
    wait_for("a registration", lambda: t.home()["state"] == "registered")


def restarted_agent_beyond_a_nat(t):
    """The NAT knows one way in: where the home agent's data came from before it was killed."""
    begin_beyond_a_nat(t)
    stream = t.stream()
    wait_for("the way on the disk", lambda: way_is_stored(t))
    t.kill_agent()
    begin = t.revive_agent()
    wait_for("bubd", t.agent.show)
    ready = time.monotonic()
    first = wait_for("datagrams after the restart", lambda: stream.flows(begin))
    t.wait_for_words(t.mobile, "has restarted and lost its keys")
    says(f"first datagram {first - begin:.3f} s after the start of the process, "
         f"{first - ready:.3f} s after it answered")
    expect(first - ready < 2.0, first - ready)


def assigned_home_address(t):
    """The configuration has none: the home agent knows by the certificate which one it is."""
    c = t.certificates
    c.certificate("agent", f"IP:{AGENT}")
    c.certificate("mobile", "DNS:robot.example")
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    mobile = (f'route-optimisation = never\nmobile-node {{\nhome-agent = "{AGENT}"\n'
              f'keys {{\n{c.own("mobile", ca)}}}\n}}\n')
    t.router.advertise(VISITED)  # a way to the home agent
    t.mobile = t.daemon(t.m, mobile)
    t.wait_for_words(t.mobile, "no home address is assigned")
    t.mobile.stop()  # while it waits
    t.agent = t.daemon(t.g, t.agent_text(f'mobile-node "{HOME}" {{ identity = "robot.example" }}',
                                         c.own("agent", ca)))
    t.mobile = t.daemon(t.m, mobile)
    t.wait_for_words(t.mobile, f"has assigned the home address {HOME}/64")
    t.daemons.pop(0).close()
    t.register()
    t.stream()
    expect(t.mobile.ask("reload")["restart_for"] is None, "reload")


def fails(t, agent, mobile, agent_words, mobile_words, reason=None):
    """No keys come, and both ends say why in their logs; the mobile node in its status, too."""
    t.begin(agent, mobile)
    wait_for("bubd", lambda: t.mobile.show() and t.agent.show())
    t.router.advertise(VISITED)
    t.wait_for_words(t.mobile, *mobile_words)
    t.wait_for_words(t.agent, *agent_words)
    keys = t.keys()
    expect(keys["algorithm"] is None and keys["why"], keys)
    if reason:
        expect(keys["last_failure"]["reason"] == reason, keys)
        expect(t.mobile.show()["counters"]["keys"][f"keys-{reason}"] > 0, keys)
    expect(t.agent.show()["keys"]["failures"], t.agent.show()["keys"])
    # The home address says so as well, and nothing blames the silence.
    expect("no keys yet: " in t.home()["why"] and t.home()["trouble"] is None, t.home())
    expect("does not answer" not in t.mobile.tail(), t.mobile.tail())
    for daemon, ns in ((t.mobile, t.m), (t.agent, t.g)):
        findings = json.loads(ns.exec("bubctl", "doctor", "-c", daemon.conf, "--json",
                                      check=False))["findings"]
        expect(any(f["check"] == "keys" and "no " in f["what"] and "keys " in f["what"]
                   for f in findings), findings)
    # They slow down: 1, 2, 4 seconds, and not ten in one.
    expect(keys["attempts"] < 10, keys)


def wrong_psk(t):
    other = os.path.join(t.certificates.dir, "other")
    with os.fdopen(os.open(other, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("another secret of sixteen octets\n")
    fails(t, None, t.mobile_text(f'keys {{ psk-file = "{other}" }}'), ["wrong-psk", HOME],
          ["keys of", "pre-shared key"])


def expired(t):
    c = t.certificates
    c.certificate("agent", f"IP:{AGENT}")
    c.certificate("mobile", f"IP:{HOME}", days=-1)
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    fails(t, t.agent_text(f'mobile-node "{HOME}" {{ }}', c.own("agent", ca)),
          t.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'), ["certificate-expired"],
          ["keys of", "expired"])


def unknown_ca(t):
    c = t.certificates
    c.ca("strange")
    c.certificate("agent", f"IP:{AGENT}", ca="strange")
    c.certificate("mobile", f"IP:{HOME}")
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    fails(t, t.agent_text(f'mobile-node "{HOME}" {{ }}', c.own("agent", ca)),
          t.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'), ["keys"], ["unknown-ca"], "unknown-ca")


def other_home(t):
    """A good certificate, for another home address."""
    c = t.certificates
    c.certificate("agent", f"IP:{AGENT}")
    c.certificate("mobile", "IP:2001:db8:1::99")
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    fails(t, t.agent_text(f'mobile-node "{HOME}" {{ }}', c.own("agent", ca)),
          t.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'), ["home-not-permitted", HOME],
          ["home-not-permitted", HOME], "home-not-permitted")


def what_is_in_use_lives_on(t):
    """The mobile node's certificate is replaced by one that has expired: renewals fail and are told,
    data goes on; and with a good one again all is well, without a restart."""
    c = t.certificates
    c.certificate("agent", f"IP:{AGENT}")
    c.certificate("mobile", f"IP:{HOME}")
    ca = f'ca-file = "{c.path("ca.pem")}"\n'
    t.start(t.agent_text(f'mobile-node "{HOME}" {{ }}', c.own("agent", ca + "megabytes = 16\n")),
            t.mobile_text(f'keys {{\n{c.own("mobile", ca)}}}'))
    os.rename(c.path("mobile.pem"), c.path("good.pem"))
    os.rename(c.path("mobile.key"), c.path("good.key"))
    c.certificate("mobile", f"IP:{HOME}", days=-1)
    expect("error" not in t.mobile.ask("reload"), "reload")
    expect("certificate has ended" in t.keys()["why"], t.keys())
    before = t.agreed()
    # They are renewed after 90 % of that, and end at 110 %, which is minutes of the stream away.
    t.transfer_both_ways(t.m, t.g, AGENT, 15 << 20)
    stream = t.stream()
    wait_for("a failure", lambda: t.keys()["attempts"] > 0)
    begin = time.monotonic()
    wait_for("datagrams", lambda: stream.flows(begin))
    keys = t.keys()
    expect(keys["algorithm"] and "expired" in keys["why"], keys)
    t.wait_for_words(t.agent, "certificate-expired")
    os.rename(c.path("good.pem"), c.path("mobile.pem"))
    os.rename(c.path("good.key"), c.path("mobile.key"))
    expect("error" not in t.mobile.ask("reload"), "reload")
    wait_for("keys", lambda: t.agreed() > before)
    wait_for("no complaint", lambda: t.keys()["why"] is None)
    expect(stream.stop() == 0, "data was lost")


class Flood:
    """Connections to the home agent's port from many addresses: some silent, some with rubbish, and
    some that begin a handshake and never go on."""

    def __init__(self, t, hello):
        self.over, self.opened, self.t, self.hello = False, 0, t, hello
        self.thread = threading.Thread(target=lambda: t.r.inside(self.run))
        self.thread.start()

    def run(self):
        kept = []
        while not self.over:
            s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            s.setblocking(False)
            try:
                s.bind((f"2001:db8:f:{self.opened % 100:x}::1", 0))
                s.connect((AGENT, 7872))
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                continue
            kept.append(s)
            self.opened += 1
            if len(kept) > 100:
                old = kept[-50]
                try:
                    old.send((b"", b"GET / HTTP/1.1\r\n\r\n", self.hello)[self.opened % 3])
                except OSError:
                    pass
            if len(kept) > 400:
                kept.pop(0).close()
            time.sleep(0.003)
        for s in kept:
            s.close()

    def stop(self):
        self.over = True
        self.thread.join()


def client_hello():
    """What openssl says first."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = subprocess.Popen(
            ["openssl", "s_client", "-tls1_3", "-alpn", "bub-keys/1", "-connect",
             f"127.0.0.1:{server.getsockname()[1]}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peer, _ = server.accept()
        with peer:
            hello = peer.recv(4096)
        client.kill()
        client.wait()
    return hello


def flooded(t):
    """Hundreds of handshakes that are never finished, while a mobile node agrees and its data
    goes; what is dropped is counted."""
    for i in range(100):
        t.r.ip("addr", "add", f"2001:db8:f:{i:x}::1/128", "dev", "lo")
    t.begin()
    wait_for("bubd", lambda: t.mobile.show() and t.agent.show())
    flood = Flood(t, client_hello())
    try:
        wait_for("a flood", lambda: t.agent.show()["counters"]["keys"]["keys-oldest-dropped"] > 100)
        begin = time.monotonic()
        t.router.advertise(VISITED)
        try:
            wait_for("a registration", lambda: t.home()["state"] == "registered")
        except Failure as e:
            raise Failure(f"{e}: {t.agent.show()['counters']['keys']} {t.mobile.tail()}") from e
        says(f"registered {time.monotonic() - begin:.3f} s after the address, "
             f"with {flood.opened} connections of others")
        stream = t.stream()
        begin = time.monotonic()
        for _ in range(20):
            t.agent.show()
        says(f"an answer of the home agent takes {(time.monotonic() - begin) / 20 * 1000:.1f} ms")
        expect(stream.stop() == 0, "data was lost")
    finally:
        flood.stop()
    says(str({k: v for k, v in t.agent.show()["counters"]["keys"].items() if v}))


def report_of(t, daemon, ns):
    """All that a bug report has."""
    path = os.path.join(t.certificates.dir, f"{ns.name}.tar.gz")
    ns.exec("bubctl", "-s", daemon.sock, "bugreport", "-c", daemon.conf, path)
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}


def what_a_machine_tells(t, daemon, ns):
    """By name: the daemon's files, what the kernel tells of it, and what it says of itself."""
    told = report_of(t, daemon, ns)
    for name in ("cmdline", "environ", "comm", "maps"):
        with open(f"/proc/{daemon.proc.pid}/{name}", "rb") as f:
            told[f"/proc/{name}"] = f.read()
    for cmd in ("show", "sas", "counters", "bindings"):
        told[cmd] = json.dumps(daemon.ask(cmd)).encode()
    for folder, _, names in os.walk(daemon.dir):
        for path in (os.path.join(folder, name) for name in names):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    told[path] = f.read()
    return told


def keys_are_told_nowhere(t):
    """What the key-log says the keys are is in no file, no answer, and no bug report; nor is the
    pre-shared key anywhere but in its own file."""
    logs = [os.path.join(t.certificates.dir, f"log{i}") for i in range(2)]
    t.start(f'key-log = "{logs[0]}"\n' + t.agent_text(keys="lifetime = 4\n"),
            f'key-log = "{logs[1]}"\n' + t.mobile_text())
    first = t.agreed()
    wait_for("renewals", lambda: t.agreed() >= first + 2)
    told = [(daemon, what_a_machine_tells(t, daemon, ns))
            for daemon, ns in ((t.agent, t.g), (t.mobile, t.m))]
    keys = set()
    for log in logs:
        with open(log) as f:
            keys |= {bytes.fromhex(part[2:]) for line in f if line.startswith('"IPv6"')
                     for part in line.replace('"', "").split(",")
                     if part.startswith("0x") and len(part) > 20}
    expect(len(keys) >= 12, keys)
    for daemon, things in told:
        expect(len(things) > 10, things.keys())
        secret = things.pop(os.path.join(daemon.dir, "secret")).strip()
        for name, octets in things.items():
            for key in (*keys, secret):
                parts = key[:12], key[:12].hex().encode(), key[:12].hex().upper().encode()
                expect(not any(part in octets for part in parts), name)


CASES = [by_pre_shared_key, ciphers_of_the_processor, by_certificates, by_fingerprints,
         renewals_lose_nothing, renewals_by_octets_lose_nothing, restarted_agent,
         changed_at_the_home_agent, restarted_agent_without_its_files, restarted_mobile,
         in_a_network_of_ipv4, restarted_agent_beyond_a_nat, assigned_home_address, wrong_psk,
         expired,
         unknown_ca, other_home, what_is_in_use_lives_on, flooded, keys_are_told_nowhere]

if __name__ == "__main__":
    os.environ["PATH"] = ":".join([os.path.dirname(os.environ["BUBCTL"]),
                                   os.path.dirname(os.path.abspath(sys.argv[1])),
                                   os.environ["PATH"]])
    sys.exit(main(CASES, Things))
