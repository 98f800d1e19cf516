#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes docs/protocol-example.md, or says how it differs from what would be written.

`example` (tests/scenario/example.c) plays a run and prints its packets and the few secrets that are
not on the wire.  Here every octet is decoded anew, and every checksum, token, key, authenticator and
signature is computed anew: nothing of src/ is used, only hashlib, hmac, integers for group 14 and the
ladder of RFC 7748 (vectors.py).  A value that does not come out as it was sent ends the program.

    example.py EXAMPLE PAGE [--write]
"""

import dataclasses
import difflib
import hashlib
import hmac
import ipaddress
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "unit" / "crypto"))
from oracle import group14_prime, x25519  # noqa: E402

Address = ipaddress.IPv6Address

BRR, HOTI, COTI, HOT, COT, BU, BA, BE, BUBC, DH = 0, 1, 2, 3, 4, 5, 6, 7, 8, 11
MH_NAMES = {BRR: "Binding Refresh Request", HOTI: "HoTI", COTI: "CoTI", HOT: "HoT", COT: "CoT",
            BU: "Binding Update", BA: "Binding Acknowledgement", BE: "Binding Error", BUBC: "BUBC",
            DH: "DH"}
PAD1, PADN, ALT_CARE_OF, NONCE_INDICES, AUTH, IDENTITY, BUB, PATH_COOKIE, PATH_REPORT = (
    0, 1, 3, 4, 5, 8, 18, 240, 241)
ITEM_NAMES = ["padding", "nonce N", "info", "public value", "identity", "SIG", "MAC"]
PRIVATE_LEN = 64  # octets of randomness for each suite

NODES = {
    "2001:db8:1::10": "HoA1", "2001:db8:2::10": "HoA2", "2001:db8:1::1": "HA1",
    "2001:db8:2::1": "HA2",
}
LINKS = {"2001:db8:1a::": "CoA1", "2001:db8:1b::": "CoA1'", "2001:db8:1c::": "CoA1''",
         "2001:db8:2a::": "CoA2"}
WAYS = {
    "plain": "plain",
    "transport": "ESP in transport mode behind the extension headers, taken off here",
    "tunnel": "inner packet of the ESP tunnel",
}


class Wrong(Exception):
    """The run is not what the page says."""


def must(condition, what):
    if not condition:
        raise Wrong(what)


def name_of(address):
    text = str(address)
    if text in NODES:
        return NODES[text]
    network = ipaddress.IPv6Network((int(address) >> 64 << 64, 64)).network_address
    return LINKS[str(network)]


# ---- Octets to fields -----------------------------------------------------------------------------


@dataclasses.dataclass
class Field:
    octets: bytes
    what: str


class Reader:
    """Takes octets off the front and notes what each was."""

    def __init__(self, octets):
        self.octets, self.at, self.fields = octets, 0, []

    def take(self, count, what):
        value = self.octets[self.at : self.at + count]
        must(len(value) == count, f"{what}: cut off")
        self.at += count
        self.fields.append(Field(value, what))
        return value

    def left(self):
        return len(self.octets) - self.at


@dataclasses.dataclass
class Message:
    time: int
    node: str
    way: str
    octets: bytes
    src: Address
    dst: Address
    rh2: Address | None = None
    hao: Address | None = None
    mh: bytes = b""
    mh_at: int = 0
    fields: list = dataclasses.field(default_factory=list)
    options: dict = dataclasses.field(default_factory=dict)  # type: value
    items: dict = dataclasses.field(default_factory=dict)  # (type, parameter): value

    @property
    def kind(self):
        return self.mh[2]

    @property
    def home_src(self):
        return self.hao or self.src

    @property
    def home_dst(self):
        return self.rh2 or self.dst

    @property
    def bub_code(self):
        return self.options[BUB][0] if BUB in self.options else None

    @property
    def number(self):
        return int.from_bytes(self.mh[6:8] if self.kind == BU else self.mh[8:10], "big")

    @property
    def lifetime(self):
        return 4 * int.from_bytes(self.mh[10:12], "big")

    @property
    def covered(self):
        """What an Authenticator covers of the message: up to it, the checksum as zero."""
        return self.mh[:4] + bytes(2) + self.mh[6:-12]

    def title(self):
        names = {0: " with Do BUB", 1: " with BUB ACK", 2: " with BUB NACK", None: ""}
        if self.kind == DH:
            return f"DH{self.mh[6]}"
        if self.kind == BU and self.mh[8] & 0x40:
            return "Binding Update to the home agent"
        return MH_NAMES[self.kind] + names[self.bub_code]


def checksum(src, dst, octets):
    whole = src.packed + dst.packed + len(octets).to_bytes(4, "big") + bytes([0, 0, 0, 135]) + octets
    total = sum(int.from_bytes(whole[i : i + 2], "big") for i in range(0, len(whole), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def decode(time, node, way, octets):
    r = Reader(octets)
    r.take(4, "version 6, traffic class, flow label")
    length = int.from_bytes(r.take(2, "payload length"), "big")
    must(length == len(octets) - 40, "payload length")
    following = r.take(1, "next header")[0]
    r.fields[-1].what = f"next header {following}"
    r.take(1, "hop limit")
    src = Address(r.take(16, "source"))
    r.fields[-1].what = f"source {name_of(src)}"
    dst = Address(r.take(16, "destination"))
    r.fields[-1].what = f"destination {name_of(dst)}"
    m = Message(time, node, way, octets, src, dst)
    if following == 43:
        following = r.take(1, "routing header: next header")[0]
        must(r.take(3, "length 2, type 2, one segment left") == b"\2\2\1", "routing header")
        r.take(4, "reserved")
        m.rh2 = Address(r.take(16, "home address"))
        r.fields[-1].what = f"home address {name_of(m.rh2)}"
    if following == 60:
        following = r.take(1, "destination options: next header")[0]
        must(r.take(1, "length 2") == b"\2", "destination options")
        must(r.take(4, "PadN of four octets") == b"\1\2\0\0", "destination options")
        must(r.take(2, "Home Address option: type, length") == b"\xc9\x10", "HAO")
        m.hao = Address(r.take(16, "home address"))
        r.fields[-1].what = f"home address {name_of(m.hao)}"
    must(following == 135, f"next header {following}")
    m.mh_at, m.mh = r.at, octets[r.at :]
    decode_mh(r, m)
    m.fields = r.fields
    must(checksum(m.home_src, m.home_dst, m.mh) == 0, f"checksum of {m.title()}")
    return m


def decode_mh(r, m):
    r.take(1, "payload proto: none")
    must(8 + 8 * r.take(1, "Header Len")[0] == len(m.mh), "Header Len")
    r.take(1, f"MH type {m.kind}")
    r.take(1, "reserved")
    r.take(2, f"checksum, over {name_of(m.home_src)} and {name_of(m.home_dst)}")
    if m.kind == DH:
        decode_dh(r, m)
        return
    decode_fixed(r, m.kind)
    while r.left():
        decode_option(r, m)


def decode_fixed(r, kind):
    if kind in (HOTI, COTI):
        r.take(2, "reserved")
        r.take(8, "home init cookie" if kind == HOTI else "care-of init cookie")
    elif kind in (HOT, COT):
        which = "home" if kind == HOT else "care-of"
        r.take(2, f"{which} nonce index")
        r.take(8, f"{which} init cookie")
        r.take(8, f"{which} keygen token")
    elif kind == BU:
        number = int.from_bytes(r.take(2, ""), "big")
        r.fields[-1].what = f"sequence number {number}"
        flags = r.take(2, "")[0]
        names = [n for bit, n in ((0x80, "A"), (0x40, "H"), (0x20, "L"), (0x10, "K")) if flags & bit]
        r.fields[-1].what = "flags: " + (", ".join(names) or "none")
        lifetime = 4 * int.from_bytes(r.take(2, ""), "big")
        r.fields[-1].what = f"lifetime: {lifetime} s"
    elif kind == BA:
        status = r.take(1, "")[0]
        r.fields[-1].what = f"status {status}"
        r.take(1, "flags")
        number = int.from_bytes(r.take(2, ""), "big")
        r.fields[-1].what = f"sequence number {number}"
        lifetime = 4 * int.from_bytes(r.take(2, ""), "big")
        r.fields[-1].what = f"lifetime: {lifetime} s"
    elif kind == BUBC:
        r.take(2, "reserved")
        r.take(8, "care-of init cookie")
        r.take(8, "BUB cookie")
    elif kind == BE:
        r.take(2, "status, reserved")
        r.take(16, "home address")
    else:
        r.take(2, "reserved")


def decode_option(r, m):
    kind = r.octets[r.at]
    if kind == PAD1:
        r.take(1, "Pad1")
        return
    length = r.octets[r.at + 1]
    if kind == PADN:
        r.take(2 + length, f"PadN, {2 + length} octets")
        return
    names = {ALT_CARE_OF: "alternate care-of address", NONCE_INDICES: "nonce indices",
             AUTH: "Binding Authorization Data", IDENTITY: "mobile node identifier", BUB: "BUB option",
             PATH_COOKIE: "path cookie", PATH_REPORT: "path report"}
    must(kind in names, f"option {kind}")
    r.take(2, f"{names[kind]}: type, length")
    if kind == IDENTITY:
        r.take(1, "subtype 2: IPv6 address")
        m.options[kind] = r.take(16, f"home address {name_of(m.home_src) if m.kind == HOTI else ''}")
        r.fields[-1].what = f"home address {name_of(Address(m.options[kind]))}"
    elif kind == NONCE_INDICES:
        m.options[kind] = r.take(2, "home nonce index") + r.take(2, "care-of nonce index")
    elif kind == BUB:
        m.options[kind] = r.take(1, "")
        r.fields[-1].what = ["Do BUB", "BUB ACK", "BUB NACK"][m.options[kind][0]]
    elif kind == PATH_REPORT:
        m.options[kind] = r.take(1, "what has come: 80 headers of data, 40 the cookie; 20 waited")
        r.take(1, "reserved")
        r.take(2, "UDP port")
    elif kind == ALT_CARE_OF:
        m.options[kind] = r.take(16, "")
        r.fields[-1].what = f"care-of address {name_of(Address(m.options[kind]))}"
    else:
        m.options[kind] = r.take(length, "Authenticator" if kind == AUTH else "cookie")


def decode_dh(r, m):
    r.take(1, f"message {m.mh[6]}")
    must(r.take(1, "format version 1") == b"\1", "version")
    r.take(8, "sid1")
    r.take(8, "sid2")
    while r.left() > 12:
        kind, parameter = r.octets[r.at], r.octets[r.at + 1]
        length = int.from_bytes(r.octets[r.at + 2 : r.at + 4], "big")
        what = ITEM_NAMES[kind] + (f" of suite {parameter}" if kind == 3 else "")
        r.take(4, f"{what}: type, parameter, length {length}")
        m.items[kind, parameter] = r.take(length, what) if length else b""
    r.take(12, "signature")


# ---- Arithmetic -----------------------------------------------------------------------------------


def mac(alg, key, *parts):
    return hmac.new(key, b"".join(parts), alg).digest()


def alg_of(key):
    return "sha256" if len(key) == 32 else "sha1"


def check_authenticator(m, key, care_of, home):
    right = mac(alg_of(key), key, care_of.packed, home.packed, m.covered)[:12]
    must(m.options.get(AUTH) == right, f"Authenticator of {m.title()} at {m.time} ms")


def check_signature(m, key, cookie):
    zeroed = m.mh[:4] + bytes(2) + m.mh[6:-12] + bytes(12)
    must(mac("sha1", key, zeroed, cookie)[:12] == m.mh[-12:], f"signature of {m.title()}")


@dataclasses.dataclass
class Exchange:
    """One DH exchange, with everything that follows from it computed anew."""

    dh: list  # DH1, DH2 copy a, DH2 copy b, DH3, DH4
    key: bytes  # that signs
    cookie: bytes
    private: tuple  # of the initiator, of the responder; by the places in their lists of suites
    suites: tuple  # the two lists

    def __post_init__(self):
        d1, d2, _, d3, d4 = self.dh
        self.sid1, self.sid2 = d2.mh[8:16], d2.mh[16:24]
        self.n1, self.n2 = d1.items[1, 0], d2.items[1, 0]
        self.info1, self.info2 = d1.items[2, 0], d2.items[2, 0]
        self.suite = self.info2[1]
        self.alg = "sha1" if self.suite == 1 else "sha256"
        self.gx, self.gy = d1.items[3, self.suite], d2.items[3, self.suite]
        self.homes = d1.home_src, d1.home_dst
        self.priv = [
            private[PRIVATE_LEN * suites.index(self.suite) :][:PRIVATE_LEN]
            for private, suites in zip(self.private, self.suites)
        ]
        self.secret = self.agree()
        both = self.homes[0].packed + self.homes[1].packed
        tail = self.sid1 + self.sid2 + both + b"\1"
        self.seed = mac(self.alg, self.n1 + self.n2, self.secret)
        self.km = mac(self.alg, self.seed, b"bub km", tail)
        self.kabm = mac(self.alg, self.seed, b"bub kabm", tail)
        self.sig3 = mac(self.alg, self.key, self.n2, self.sid1, self.gx, self.info1, self.info2)
        self.sig4 = mac(self.alg, self.key, self.n1, self.sid2, self.gy, self.info2, self.info1)
        must(d3.items[5, 0] == self.sig3 and d4.items[5, 0] == self.sig4, "SIG")
        must(d3.items[6, 0] == mac(self.alg, self.km, self.homes[0].packed), "MAC in DH3")
        must(d4.items[6, 0] == mac(self.alg, self.km, self.homes[1].packed), "MAC in DH4")
        must(self.dh[1].mh[6:] == self.dh[2].mh[6:], "the copies of DH2")
        for message in self.dh:
            check_signature(message, self.key, self.cookie)

    def agree(self):
        if self.suite == 2:
            nine = (9).to_bytes(32, "little")
            x, y = (p[:32] for p in self.priv)
            must((x25519(x, nine), x25519(y, nine)) == (self.gx, self.gy), "public values")
            must(x25519(x, self.gy) == x25519(y, self.gx), "shared secret")
            return x25519(x, self.gy)
        p = group14_prime()
        x, y = (int.from_bytes(k, "big") for k in self.priv)
        must((pow(2, x, p), pow(2, y, p)) == tuple(int.from_bytes(v, "big") for v in (self.gx, self.gy)),
             "public values")
        return pow(2, x * y, p).to_bytes(256, "big")


# ---- The run --------------------------------------------------------------------------------------


class Run:
    def __init__(self, program, *args):
        out = subprocess.run([program, *args], check=True, capture_output=True, text=True).stdout
        self.messages, self.secrets = [], []
        for line in out.splitlines():
            words = line.split()
            if words[0] == "message":
                self.messages.append(decode(int(words[1]), words[2], words[3], bytes.fromhex(words[4])))
            else:
                self.secrets.append((words[1], words[2], bytes.fromhex(words[3])))
        self.at = 0

    def next(self, node, kind, **wanted):
        """The next message of that node and kind, whose properties are these."""
        for at in range(self.at, len(self.messages)):
            m = self.messages[at]
            if m.node == node and m.kind == kind and all(getattr(m, k) == v for k, v in wanted.items()):
                return m
        raise Wrong(f"no {MH_NAMES[kind]} of {node} behind message {self.at}: {wanted}")

    def skip_to(self, message):
        self.at = self.messages.index(message)

    def after(self, message):
        self.at = self.messages.index(message) + 1

    def secret(self, name, node):
        return [octets for n, who, octets in self.secrets if (n, who) == (name, node)]

    def nonce(self, node, index):
        return next(octets[2:] for octets in self.secret("nonce", node) if octets[:2] == index)

    def exchange(self, key, cookie, private, suites):
        """The next one; @private: how many each end had before."""
        d1 = self.next("mn1", DH)
        must(d1.mh[6] == 1, "DH1 comes first")
        self.after(d1)
        d2a = self.next("mn2", DH, hao=None)
        d2b = self.next("mn2", DH, dst=d1.src)
        must(d2a.mh[6] == d2b.mh[6] == 2, "DH2")
        self.after(d2b)
        d3 = self.next("mn1", DH)
        must(d3.mh[6] == 3, "DH3")
        self.after(d3)
        d4 = self.next("mn2", DH)
        must(d4.mh[6] == 4, "DH4")
        self.after(d4)
        octets = tuple(self.secret("private", n)[private] for n in ("mn1", "mn2"))
        return Exchange([d1, d2a, d2b, d3, d4], key, cookie, octets, suites)


# ---- The page -------------------------------------------------------------------------------------


def rows(octets, width=16):
    return [octets[i : i + width].hex(" ", -4) for i in range(0, len(octets), width)]


class Page:
    def __init__(self):
        self.lines = []

    def text(self, *paragraphs):
        for paragraph in paragraphs:
            self.lines += [*paragraph.strip().splitlines(), ""]

    def message(self, m, note=""):
        headers = "".join(
            f", {name}({name_of(a)})" for name, a in (("RH2", m.rh2), ("HAO", m.hao)) if a is not None
        )
        self.lines += [f"**{m.title()}**{note}: {name_of(m.src)} → {name_of(m.dst)}{headers}; "
                       f"{WAYS[m.way]}.", "", "```"]
        for field in m.fields:
            parts = rows(field.octets) or [""]
            self.lines.append(f"{parts[0]:<36}  {field.what}".rstrip())
            self.lines += parts[1:]
        self.lines += ["```", ""]

    def values(self, *pairs):
        self.lines.append("```")
        for what, octets in pairs:
            if isinstance(octets, str):
                self.lines.append(f"{what} = {octets}")
                continue
            parts = rows(octets, 32)
            self.lines.append(f"{what} =")
            self.lines += [f"    {part}" for part in parts]
        self.lines += ["```", ""]


INTRO = """
# Worked example

<!-- Written by tests/scenario/example.py out of a run of the engine.  Do not edit. -->

One run of two mobile nodes, in octets, for [protocol.md](protocol.md). MN1 (HoA1 2001:db8:1::10) is the
initiator, MN2 (HoA2 2001:db8:2::10) the responder. Their home agents are HA1 and HA2. MN2 has left home
first and has registered with MN1 in route optimisation. Then MN1 leaves, too.

Each line is one field: its octets in hexadecimal, then what it is. ESP is left out. Every value here was
sent by the engine with a fixed random source and then computed anew from the octets, with Python's
`hashlib` and `hmac`; so each of them comes from two implementations.

Private values, Kcn and nonces are a node's own. They are here so that every key can be followed.
"""


def registration(page, run):
    page.text("## 1. MN1 leaves home", "MN1 registers with its home agent (RFC 6275, 11.7.1).")
    home_bu = run.next("mn1", BU, way="transport")
    run.after(home_bu)
    home_ba = run.next("ha1", BA, number=home_bu.number)
    page.message(home_bu)
    page.message(home_ba)


def keygen_token(run, page, m, address, last):
    kcn = run.secret("Kcn", "mn2")[0]
    nonce = run.nonce("mn2", m.mh[6:8])
    token = mac("sha1", kcn, address.packed, nonce, bytes([last]))[:8]
    must(token == m.mh[16:24], "keygen token")
    which = "home" if last == 0 else "care-of"
    page.values(
        (f"{which} keygen token = First(64, HMAC_SHA1(Kcn, {name_of(address)} | nonce | 0{last}))", token),
        ("Kcn of MN2", kcn), ("nonce with that index", nonce),
    )


def test(page, run):
    page.text("## 2. The BUB test", "It rides on return routability (protocol.md, 3).")
    hoti = run.next("mn1", HOTI, bub_code=0)
    coti = run.next("mn1", COTI, bub_code=0)
    hot = run.next("mn2", HOT, bub_code=1)
    cot = run.next("mn2", COT, bub_code=1)
    must(coti.options[IDENTITY] == hoti.src.packed, "identity")
    must(hot.mh[8:16] == hoti.mh[8:16] and cot.mh[8:16] == coti.mh[8:16], "init cookies")
    page.message(hoti)
    page.message(coti)
    page.message(hot)
    keygen_token(run, page, hot, hoti.src, 0)
    page.message(cot)
    keygen_token(run, page, cot, coti.src, 1)
    kbm = hashlib.sha1(hot.mh[16:24] + cot.mh[16:24]).digest()
    page.values(("Kbm = SHA1(home keygen token | care-of keygen token)", kbm))
    bubc = run.next("mn2", BUBC)
    must((bubc.src, bubc.dst) == (cot.src, cot.dst), "the path of BUBC")
    check_authenticator(bubc, kbm, coti.src, bubc.hao)
    page.message(bubc)
    page.text("The Authenticator is First(96, HMAC_SHA1(Kbm, CoA1 | HoA2 | MH data)). This is the input:")
    page.values(("CoA1 | HoA2 | MH data", coti.src.packed + bubc.hao.packed + bubc.covered))
    return hot, cot, kbm, bubc


def under_kbm(page, run, hot, cot, kbm):
    bu = run.next("mn1", BU, way="plain", options={**run.next("mn1", BU, way="plain").options})
    must(bu.options[NONCE_INDICES] == hot.mh[6:8] + cot.mh[6:8], "nonce indices")
    ba = run.next("mn2", BA, number=bu.number)
    check_authenticator(bu, kbm, bu.src, bu.dst)
    check_authenticator(ba, kbm, bu.src, bu.dst)
    page.text("## 3. Binding Update and Acknowledgement under Kbm",
              "Route optimisation, meanwhile. Authenticator: First(96, HMAC_SHA1(Kbm, CoA1 | HoA2 | MH "
              "data)), in both.")
    page.message(bu)
    page.message(ba)
    return bu


def show_exchange(page, e, names):
    d1, d2a, d2b, d3, d4 = e.dh
    page.message(d1)
    page.message(d2a, ", copy a")
    page.message(d2b, ", copy b")
    hmac_name = "HMAC_SHA1" if e.suite == 1 else "HMAC_SHA256"
    private = "the private value, of 512 bits" if e.suite == 1 else "the private value"
    octets = 64 if e.suite == 1 else 32
    page.text(f"The responder has chosen suite {e.suite}. The two copies differ in the checksum.")
    page.values(
        (f"x, {private} of MN1", e.priv[0][:octets]), (f"y, {private} of MN2", e.priv[1][:octets]),
        ("g^xy", e.secret),
        (f"seed = {hmac_name}(N1 | N2, g^xy)", e.seed),
        (f'Km = {hmac_name}(seed, "bub km" | sid1 | sid2 | HoA1 | HoA2 | 01)', e.km),
        (f'Kabm = {hmac_name}(seed, "bub kabm" | sid1 | sid2 | HoA1 | HoA2 | 01)', e.kabm),
    )
    page.message(d3)
    page.message(d4)
    page.text(f"SIG in DH3 is {hmac_name}({names[0]}, N2 | sid1 | gX | info1 | info2), in DH4 {hmac_name}("
              f"{names[0]}, N1 | sid2 | gY | info2 | info1). MAC is {hmac_name}(Km, identity). The "
              f"signature is First(96, HMAC_SHA1({names[0]}, MH | {names[1]})), MH with checksum and "
              "signature as zero. For DH3, these are the inputs:")
    zeroed = d3.mh[:4] + bytes(2) + d3.mh[6:-12] + bytes(12)
    page.values(
        ("N2 | sid1 | gX | info1 | info2", e.n2 + e.sid1 + e.gx + e.info1 + e.info2),
        (f"MH | {names[1]}", zeroed + e.cookie),
    )


def copies(run, node, lifetime=None):
    """The next Binding Update under Kabm: what went through the home agents, and the direct copy."""
    backhaul = direct = None
    for m in run.messages[run.at :]:
        if m.node != node or m.kind != BU or m.mh[8] & 0x40 or NONCE_INDICES in m.options:
            continue
        if direct is not None and backhaul is not None:
            break
        if m.rh2 is not None:
            direct = direct or m
        else:
            backhaul = backhaul or m
    must(backhaul is not None and direct is not None, f"two copies of {node}'s BU")
    must(backhaul.mh == direct.mh, "the copies are the same")
    must(lifetime is None or backhaul.lifetime == lifetime, "lifetime")
    return backhaul, direct


def update(page, run, kabm, text, lifetime=None):
    backhaul, direct = copies(run, "mn1", lifetime)
    deletes = backhaul.lifetime == 0
    care_of = backhaul.home_src if deletes else backhaul.src
    check_authenticator(backhaul, kabm, care_of, backhaul.dst)
    ba = run.next("mn2", BA, number=backhaul.number, way="plain")
    check_authenticator(ba, kabm, care_of, backhaul.dst)
    page.text(text)
    page.message(backhaul, " through the home agents")
    page.message(direct, ", direct copy")
    page.values((f"{name_of(care_of)} | HoA2 | MH data, which the Authenticator covers",
                 care_of.packed + backhaul.dst.packed + backhaul.covered))
    page.message(ba)
    run.after(ba)
    return ba


def main_run(page, program):
    run = Run(program)
    registration(page, run)
    hot, cot, kbm, bubc = test(page, run)
    under_kbm(page, run, hot, cot, kbm)
    run.skip_to(bubc)
    page.text("## 4. The DH exchange",
              "MN1 offers both suites. Kbm and the BUB cookie sign (protocol.md, 4).")
    e = run.exchange(kbm, bubc.mh[16:24], 0, ([2, 1], [2, 1]))
    show_exchange(page, e, ("Kbm", "BUB cookie"))
    page.text("## 5. BUB mode")
    update(page, run, e.kabm, "The first Binding Update under Kabm shows MN2 that DH4 has come "
           "(protocol.md, 5.1). Authenticator: First(96, HMAC_SHA256(Kabm, CoA1 | HoA2 | MH data)), in "
           "all three.")
    return run, e


def proof(page, run, kabm, ba):
    cot = run.next("mn1", COT, bub_code=None, dst=ba.src)
    must(cot.mh[8:16] == ba.options[PATH_COOKIE] and cot.mh[6:8] + cot.mh[16:24] == bytes(10), "proof")
    check_authenticator(cot, kabm, ba.src, ba.home_dst)
    page.text("MN1 sends the path cookie back in a CoT under Kabm, which proves the new address "
              "(protocol.md, 7.2). The Authenticator covers CoA2, the source of the acknowledgement, and "
              "HoA1, the home address of who answers.")
    page.message(cot)


def handover(page, run, kabm):
    page.text("## 6. A handover", "MN1 moves from CoA1 to CoA1'. The Binding Update to HA1 goes first; it "
              "is like that of section 1.")
    ba = update(page, run, kabm, "The Binding Update under Kabm follows right behind it.")
    must(PATH_COOKIE in ba.options, "a path cookie")
    proof(page, run, kabm, ba)


def report(page, run, kabm):
    ba = run.next("mn2", BA)
    while PATH_REPORT not in ba.options:
        run.after(ba)
        ba = run.next("mn2", BA)
    must(ba.options[PATH_REPORT][0] == 0xa0 and PATH_COOKIE not in ba.options, "a report")
    page.message(ba)


def signed_tests(page, run, kabm):
    page.text("## 7. A path report, CoTI and CoT under Kabm",
              "MN1 has moved once more, and the CoT with the cookie gets lost. So MN2 acknowledges again, "
              "through the home agents, and reports that the headers of data came, and the cookie did "
              "not (protocol.md, 7.5).")
    report(page, run, kabm)
    coti = run.next("mn2", COTI, bub_code=None)
    while run.next("mn1", COT, bub_code=None, dst=coti.src).mh[8:16] != coti.mh[8:16]:
        run.after(run.next("mn1", COT, bub_code=None, dst=coti.src))
    cot = run.next("mn1", COT, bub_code=None, dst=coti.src)
    home1, home2 = (Address(a) for a in ("2001:db8:1::10", "2001:db8:2::10"))
    must(coti.options[IDENTITY] == home2.packed and coti.mh[8:16] == cot.mh[8:16], "CoTI and CoT")
    check_authenticator(coti, kabm, coti.src, home1)
    check_authenticator(cot, kabm, coti.src, home1)
    page.text(f"What MN1 sends then gets lost, too. It is at {name_of(coti.dst)}, and MN2 asks whether the direct path is open "
              "(protocol.md, 5.8). The Authenticator covers CoA2, the source of the CoTI, and HoA1, the home address of "
              "who answers, in both.")
    page.message(coti)
    page.message(cot)


def renewal(page, run, old):
    page.text("## 8. Renewal of Kabm", "The old Kabm and a BUB cookie of eight zeros sign. SIG is made "
              "with the old Kabm, too (protocol.md, 5.9).")
    e = run.exchange(old, bytes(8), 1, ([2, 1], [2, 1]))
    show_exchange(page, e, ("old Kabm", "eight zeros"))
    return e


def suite_one(page, program):
    page.text("## 10. Suite 1", "The same run up to the exchange, with a responder that prefers suite 1. "
              "What differs from section 4:")
    run = Run(program, "1")
    hot, cot = run.next("mn2", HOT, bub_code=1), run.next("mn2", COT, bub_code=1)
    kbm = hashlib.sha1(hot.mh[16:24] + cot.mh[16:24]).digest()
    bubc = run.next("mn2", BUBC)
    run.skip_to(bubc)
    e = run.exchange(kbm, bubc.mh[16:24], 0, ([2, 1], [1, 2]))
    must(e.suite == 1, "suite 1")
    page.values(("Kbm", kbm), ("BUB cookie", e.cookie))
    show_exchange(page, e, ("Kbm", "BUB cookie"))
    update(page, run, e.kabm, "Authenticator: First(96, HMAC_SHA1(Kabm, CoA1 | HoA2 | MH data)).")


def write(program):
    page = Page()
    page.text(INTRO)
    run, e = main_run(page, program)
    handover(page, run, e.kabm)
    signed_tests(page, run, e.kabm)
    second = renewal(page, run, e.kabm)
    page.text("## 9. Return home", "The Authenticator covers HoA1 in place of the care-of address "
              "(protocol.md, 5.10). It is under the new Kabm.")
    update(page, run, second.kabm, "The first Binding Update under the new key:")
    update(page, run, second.kabm, "And the one that deletes, from home:", 0)
    must(run.secret("Kabm", "mn1") == run.secret("Kabm", "mn2") == [second.kabm], "Kabm at the end")
    suite_one(page, program)
    return "\n".join(page.lines).rstrip("\n") + "\n"


def main():
    program, path = sys.argv[1:3]
    page = pathlib.Path(path)
    try:
        text = write(program)
    except Wrong as wrong:
        sys.exit(f"the run is not what docs/protocol.md says: {wrong}")
    if "--write" in sys.argv:
        page.write_text(text, encoding="utf-8")
        return
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if old != text:
        lines = difflib.unified_diff(old.splitlines(), text.splitlines(), "the page", "the run",
                                     lineterm="", n=1)
        print("\n".join(list(lines)[:40]))
        sys.exit(f"{path} is not what the engine does now.  If it ought to be:\n"
                 f"    tests/scenario/example.py {program} {path} --write")


if __name__ == "__main__":
    main()
