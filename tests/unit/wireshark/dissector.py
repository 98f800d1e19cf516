#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What extras/wireshark/bub.lua says of messages that are made here, octet by octet: of good ones, of
those that the draft forbids, and of signatures with and without the key.  Exit 77: no tshark with Lua.

usage: dissector.py BUB_LUA
"""

import hashlib
import hmac
import ipaddress
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import dpkt

HOTI, COTI, HOT, COT, BU, BA, BUBC, DH = 1, 2, 3, 4, 5, 6, 8, 11


def address(text):
    return ipaddress.IPv6Address(text).packed


HOA1, HOA2 = address("2001:db8:1::10"), address("2001:db8:2::10")
COA1, COA2 = address("2001:db8:1a::1"), address("2001:db8:2a::1")
KBM, KABM = bytes(range(20)), bytes(range(100, 132))
INIT_COOKIE, BUB_COOKIE, PATH_COOKIE = b"care-of1", b"bubcook1", b"pathcook"

FIELDS = ("bub.message", "bub.code", "bub.identity", "bub.path_cookie", "bub.signed_by",
          "bub.dh.message", "bub.dh.suite", "bub.switch.addresses", "bub.switch.options",
          "bub.report.came", "bub.report.cookie",
          "bub.report.waited", "bub.report.port", "mip6.ipv4ha.ha", "mip6.ipv4ha.preflen",
          "mip6.ipv4aa.sts", "mip6.natd.f_flag", "mip6.natd.refresh_t", "mip6.ipv4coa.addr")


def option(kind, value):
    return bytes([kind, len(value)]) + value


DO_BUB, ACK, NACK = (option(18, bytes([code])) for code in range(3))
IDENTITY = option(8, b"\x02" + HOA1)
NONCE_INDICES = option(4, bytes(4))
ALTERNATE = option(3, COA1)


def sign(message, key, care_of, correspondent):
    """Adds Binding Authorization Data (RFC 6275, 6.2.7), aligned to 8n + 2, and the length."""
    lack = (2 - len(message)) % 8
    message += b"" if lack == 0 else b"\0" if lack == 1 else option(1, bytes(lack - 2))
    message += bytes([5, 12])
    message = with_length(message, 12)
    digest = hashlib.sha256 if len(key) == 32 else hashlib.sha1
    return message + hmac.new(key, care_of + correspondent + message, digest).digest()[:12]


def with_length(message, more=0):
    whole = len(message) + more
    assert whole % 8 == 0, whole
    return message[:1] + bytes([whole // 8 - 1]) + message[2:]


def mobility(kind, body, *options):
    return bytes([59, 0, kind, 0, 0, 0]) + body + b"".join(options)


def padded(message):
    lack = -len(message) % 8
    message += b"" if lack == 0 else b"\0" if lack == 1 else option(1, bytes(lack - 2))
    return with_length(message)


def bubc():
    return mobility(BUBC, bytes(2) + INIT_COOKIE + BUB_COOKIE)


def binding_update(*options):
    return mobility(BU, struct.pack("!HHH", 7, 0x8000, 900), *options)


def item(kind, value, parameter=0):
    return struct.pack("!BBH", kind, parameter, len(value)) + value


NONCE, IDENTITY_ITEM = item(1, bytes(16)), item(4, HOA1)
INFO, PUBLIC = item(2, b"\x01\x02\x01"), item(3, b"\x55" * 32, parameter=2)
SIG, MAC = item(5, bytes(32)), item(6, bytes(32))


def dh(number, *items, sid2=b"sid2sid2", key=KBM, cookie=BUB_COOKIE, version=1):
    if number == 1 and sid2 == b"sid2sid2":
        sid2 = bytes(8)
    message = mobility(DH, bytes([number, version]) + b"sid1sid1" + sid2 + b"".join(items))
    lack = -(len(message) + 12) % 8
    if lack:
        message += item(0, bytes((lack - 4) % 8))
    message = with_length(message, 12)
    signed = message + bytes(12) + cookie
    return message + hmac.new(key, signed, hashlib.sha1).digest()[:12]


def packet(src, dst, message, hao=None, rh2=None):
    """An Ethernet frame, with the headers that name the home addresses."""
    chain, following = message, 135
    if hao:
        chain = bytes([following, 2, 1, 2, 0, 0, 0xC9, 16]) + hao + chain
        following = 60
    if rh2:
        chain = bytes([following, 2, 2, 1]) + bytes(4) + rh2 + chain
        following = 43
    ip = struct.pack("!IHBB", 6 << 28, len(chain), following, 64) + src + dst + chain
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x86\xdd" + ip


def direct(message, **headers):
    return packet(COA1, COA2, message, **{"hao": HOA1, "rh2": HOA2, **headers})


def in_udp(src, dst, frame):
    """The frame's packet as it goes on a direct path in UDP."""
    inner = frame[14:]
    udp = struct.pack("!HHHH", 62191, 62191, 8 + len(inner), 0) + inner
    ip = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + src + dst + udp
    return frame[:14] + ip


def in_ipv4(frame):
    """The frame's packet as it comes from a network of IPv4 (RFC 5555, 4.1)."""
    inner = frame[14:]
    udp = struct.pack("!HHHH", 40000, 4191, 8 + len(inner), 0) + inner
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    ends = ipaddress.IPv4Address("203.0.113.9").packed + ipaddress.IPv4Address("198.51.100.6").packed
    return frame[:12] + b"\x08\0" + ip + ends + udp


# RFC 5555, 3.1 and 3.2; Wireshark's own names for what is in them.
IPV4_HOME = option(29, bytes([32 << 2, 0, 192, 0, 2, 7]))
IPV4_REFUSED = option(30, bytes([132, 32 << 2, 192, 0, 2, 7]))
NAT = option(31, struct.pack("!HI", 0x8000, 110))
IPV4_CARE_OF = option(32, bytes([0, 0, 203, 0, 113, 9]))
ACCEPTED = struct.pack("!BBHH", 0, 0, 7, 900)

GOOD = "bub.signature.good"

# Name, frame, what the fields must have, which remarks there must be (and no other of bub's).
CASES = [
    ("BU from IPv4", in_ipv4(packet(HOA1, HOA2, padded(binding_update(IPV4_HOME, IPV4_CARE_OF)))),
     {"mip6.ipv4ha.ha": "192.0.2.7", "mip6.ipv4ha.preflen": "32",
      "mip6.ipv4coa.addr": "203.0.113.9"}, []),
    ("its acknowledgement",
     in_ipv4(packet(HOA2, HOA1, padded(mobility(BA, ACCEPTED, IPV4_REFUSED, NAT)))),
     {"mip6.ipv4aa.sts": "132", "mip6.natd.f_flag": "1", "mip6.natd.refresh_t": "110"}, []),
    ("HoTI asks", packet(HOA1, HOA2, padded(mobility(HOTI, bytes(10), DO_BUB))),
     {"bub.message": "Home Test Init, Do BUB", "bub.code": "0"}, []),
    ("HoT agrees", packet(HOA2, HOA1, padded(mobility(HOT, bytes(18), ACK))),
     {"bub.message": "Home Test, BUB ACK", "bub.code": "1"}, []),
    ("HoT does not", packet(HOA2, HOA1, padded(mobility(HOT, bytes(18), NACK))),
     {"bub.message": "Home Test, BUB NACK", "bub.code": "2"}, []),
    ("CoTI names the sender", packet(COA1, COA2, padded(mobility(COTI, bytes(10), DO_BUB, IDENTITY))),
     {"bub.code": "0", "bub.identity": "2001:db8:1::10"}, []),
    ("CoTI names nobody", packet(COA1, COA2, padded(mobility(COTI, bytes(10), DO_BUB))),
     {"bub.code": "0"}, ["bub.identity.missing"]),
    ("HoT asks", packet(HOA2, HOA1, padded(mobility(HOT, bytes(18), DO_BUB))),
     {"bub.code": "0"}, ["bub.code.wrong"]),
    ("HoTI agrees", packet(HOA1, HOA2, padded(mobility(HOTI, bytes(10), ACK))),
     {"bub.code": "1"}, ["bub.code.wrong"]),
    ("a code that nobody has", packet(HOA2, HOA1, padded(mobility(HOT, bytes(18), option(18, b"\3")))),
     {"bub.code": "3"}, ["bub.code.wrong"]),
    ("a BUB option of two octets",
     packet(HOA1, HOA2, padded(mobility(HOTI, bytes(10), option(18, b"\0\0")))),
     {"bub.code": ""}, ["bub.option.length"]),
    ("RFC 6275 alone", packet(HOA1, HOA2, padded(mobility(HOTI, bytes(10)))),
     {"bub.message": ""}, []),

    ("BUB Complete", packet(COA2, COA1, sign(bubc(), KBM, COA1, HOA2), hao=HOA2),
     {"bub.message": "BUB Complete", "bub.signed_by": "Kbm (key 1 of the key logs)"}, [GOOD]),
    ("BUB Complete of a forger", packet(COA2, COA1, sign(bubc(), bytes(20), COA1, HOA2), hao=HOA2),
     {"bub.signed_by": ""}, ["bub.signature.bad"]),
    ("BUB Complete for another address", packet(COA2, HOA1, sign(bubc(), KBM, COA1, HOA2), hao=HOA2),
     {"bub.signed_by": ""}, ["bub.signature.bad"]),
    ("BUB Complete without HAO", packet(COA2, COA1, sign(bubc(), KBM, COA1, HOA2)),
     {"bub.message": "BUB Complete"}, ["bub.no_hao", GOOD]),
    ("BUB Complete that nobody signed", packet(COA2, COA1, padded(bubc()), hao=HOA2),
     {"bub.message": "BUB Complete"}, ["bub.signature.missing"]),
    ("BUB Complete that is cut", packet(COA2, COA1, padded(mobility(BUBC, bytes(10))), hao=HOA2),
     {"bub.message": "BUB Complete"}, ["bub.malformed"]),

    ("Home Agent Switch", packet(HOA2, HOA1, padded(mobility(12, b"\2\0" + HOA1 + COA1))),
     {"bub.message": "Home Agent Switch", "bub.switch.addresses": "2", "bub.switch.options": ""}, []),
    ("Home Agent Switch with advice",
     packet(HOA2, HOA1, padded(mobility(12, b"\1\0" + HOA1, option(2, b"\0\x0a")))),
     {"bub.switch.addresses": "1", "bub.switch.options": "0202000a01020000"}, []),
    ("Home Agent Switch whose list is too long", packet(HOA2, HOA1, padded(mobility(12, b"\2\0" + HOA1))),
     {"bub.message": "Home Agent Switch"}, ["bub.malformed"]),

    ("DH1", packet(COA1, HOA2, dh(1, NONCE, INFO, PUBLIC), hao=HOA1),
     {"bub.message": "DH1", "bub.dh.message": "1", "bub.dh.suite": "2,1,2"}, [GOOD]),
    ("DH1 without HAO", packet(HOA1, HOA2, dh(1, NONCE, INFO, PUBLIC)),
     {"bub.message": "DH1"}, ["bub.no_hao", GOOD]),
    ("DH1 with sid2", packet(COA1, HOA2, dh(1, NONCE, INFO, PUBLIC, sid2=b"\1" * 8), hao=HOA1),
     {"bub.message": "DH1"}, ["bub.malformed", GOOD]),
    ("DH2", packet(HOA2, HOA1, dh(2, NONCE, item(2, b"\1\2"), PUBLIC)), {"bub.message": "DH2"}, [GOOD]),
    ("DH2 without its nonce", packet(HOA2, HOA1, dh(2, PUBLIC)),
     {"bub.message": "DH2"}, ["bub.malformed", GOOD]),
    ("DH3", packet(COA1, HOA2, dh(3, IDENTITY_ITEM, SIG, MAC), hao=HOA1), {"bub.message": "DH3"}, [GOOD]),
    ("DH4", packet(COA2, HOA1, dh(4, item(2, b"\1\2"), IDENTITY_ITEM, SIG, MAC), hao=HOA2),
     {"bub.message": "DH4"}, [GOOD]),
    ("DH3 under another cookie",
     packet(COA1, HOA2, dh(3, IDENTITY_ITEM, SIG, MAC, cookie=b"whatever"), hao=HOA1),
     {"bub.message": "DH3"}, ["bub.signature.bad"]),
    ("an item that runs over", packet(COA1, HOA2, dh(3, struct.pack("!BBH", 5, 0, 900)), hao=HOA1),
     {"bub.message": "DH3"}, ["bub.malformed", GOOD]),
    ("DH9", packet(COA1, HOA2, dh(9), hao=HOA1), {"bub.message": "DH message"}, ["bub.malformed"]),

    ("BU under Kabm", direct(sign(binding_update(), KABM, COA1, HOA2)),
     {"bub.message": "Binding Update, under Kabm", "bub.signed_by": "Kabm (key 2 of the key logs)"},
     [GOOD]),
    ("BU under Kabm with nonce indices", direct(sign(binding_update(NONCE_INDICES), KABM, COA1, HOA2)),
     {}, [GOOD, "bub.nonce_indices"]),
    ("BU under Kabm with another care-of address",
     direct(sign(binding_update(option(1, b"\0\0"), ALTERNATE), KABM, COA1, HOA2)),
     {}, [GOOD, "bub.alternate_care_of"]),
    ("BU under Kbm may have nonce indices", direct(sign(binding_update(NONCE_INDICES), KBM, COA1, HOA2)),
     {"bub.message": "Binding Update, under Kbm"}, [GOOD]),
    ("BA with a path cookie",
     packet(COA2, COA1, sign(mobility(BA, bytes([0, 0]) + struct.pack("!HH", 7, 900), bytes(2),
                                      option(240, PATH_COOKIE)), KABM, COA1, HOA2),
            hao=HOA2, rh2=HOA1),
     {"bub.message": "Binding Acknowledgement, under Kabm", "bub.path_cookie": PATH_COOKIE.hex()},
     [GOOD]),
    ("BA through the home agents, which names no care-of address",
     packet(HOA2, HOA1, sign(mobility(BA, bytes([0, 0]) + struct.pack("!HH", 7, 900)), KABM, COA1, HOA2)),
     {"bub.message": "Binding Acknowledgement, under Kabm"}, [GOOD]),
    ("BA with a path report",
     packet(HOA2, HOA1, sign(mobility(BA, bytes([0, 0]) + struct.pack("!HH", 7, 900),
                                      option(241, bytes([0xa0, 0]) + struct.pack("!H", 62191))),
                             KABM, COA1, HOA2)),
     {"bub.message": "Binding Acknowledgement, under Kabm", "bub.report.came": "1",
      "bub.report.cookie": "0", "bub.report.waited": "1", "bub.report.port": "62191"}, [GOOD]),
    ("BU in UDP", in_udp(COA1, COA2, packet(HOA1, HOA2, sign(binding_update(), KABM, COA1, HOA2))),
     {"bub.message": "Binding Update, under Kabm", "bub.signed_by": "Kabm (key 2 of the key logs)"},
     [GOOD]),
    ("CoT that brings the cookie back",
     packet(COA1, COA2, sign(mobility(COT, bytes(2) + PATH_COOKIE + bytes(8)), KABM, COA2, HOA1)),
     {"bub.message": "Care-of Test, under Kabm"}, [GOOD]),
    ("a signature of strangers",
     packet(address("2001:db8:9::1"), address("2001:db8:9::2"), sign(binding_update(), KABM, COA1, HOA2)),
     {"bub.signed_by": ""}, []),
]

EXPERTS = [
    "bub.signature.good", "bub.signature.bad", "bub.signature.missing", "bub.no_hao",
    "bub.code.wrong", "bub.option.length", "bub.identity.missing", "bub.alternate_care_of",
    "bub.nonce_indices", "bub.malformed",
]


def read(folder, script, frames, *preferences):
    """One dictionary of fields a frame, as tshark has them with the dissector."""
    capture = folder / "made.pcap"
    with capture.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for n, frame in enumerate(frames):
            writer.writepkt(frame, ts=n)
    fields = [*FIELDS, *EXPERTS]
    argv = ["tshark", "-n", "-X", f"lua_script:{script}", "-r", capture, "-T", "fields",
            "-E", "separator=|"]
    for preference in preferences:
        argv += ["-o", preference]
    for field in fields:
        argv += ["-e", field]
    # A configuration of somebody who happens to use Wireshark here must not count.
    env = {**os.environ, "WIRESHARK_CONFIG_DIR": str(folder)}
    run = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    if run.returncode != 0 or "bub.lua" in run.stderr:
        raise SystemExit(f"tshark failed:\n{run.stderr}")
    return [dict(zip(fields, line.split("|"))) for line in run.stdout.splitlines()]


def main():
    script = sys.argv[1]
    version = shutil.which("tshark") and subprocess.run(
        ["tshark", "--version"], capture_output=True, text=True, check=False).stdout
    if not version or "with Lua" not in " ".join(version.split()):
        print("tshark with Lua is missing")
        return 77
    failures = 0

    def expect(what, got, want):
        nonlocal failures
        if got != want:
            failures += 1
            print(f"{what}: {got!r}, expected {want!r}")

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        keys = folder / "mn1.keys"
        pair = "2001:db8:1::10 2001:db8:2::10"
        keys.write_text(f"# a row of esp_sa\n# bub-key Kbm {pair} {KBM.hex()}\n"
                        f"# bub-key Kabm {pair} {KABM.hex()}\n")
        frames = [frame for _, frame, _, _ in CASES]
        rows = read(folder, script, frames, f"bub.keys:{keys}")
        expect("rows", len(rows), len(CASES))
        for (what, _, fields, remarks), row in zip(CASES, rows):
            for field, want in fields.items():
                expect(f"{what}, {field}", row[field], want)
            expect(f"{what}, remarks", sorted(e for e in EXPERTS if row[e]), sorted(remarks))

        # Without keys nothing is said of signatures.
        for (what, *_), row in zip(CASES, read(folder, script, frames)):
            said = [row[e] for e in ("bub.signed_by", "bub.signature.good", "bub.signature.bad")]
            expect(f"{what}, without keys", said, ["", "", ""])

        # A home agent's capture has no BUB Complete, and so no cookie: nothing is said of the signature.
        home_agent = [frame for what, frame, _, _ in CASES if what.startswith("DH3")]
        for row in read(folder, script, home_agent, f"bub.keys:{keys}"):
            said = [row[e] for e in ("bub.signature.good", "bub.signature.bad")]
            expect("DH3 without BUB Complete", said, ["", ""])

        # Other code points: what has the default ones is somebody else's then.
        others = ("bub.option:19", "bub.mh_bubc:20", "bub.mh_dh:21")
        moved = padded(mobility(20, bytes(2) + INIT_COOKIE + BUB_COOKIE))
        rows = read(folder, script, [frames[0], packet(COA2, COA1, moved, hao=HOA2)], *others)
        expect("the default option", rows[0]["bub.message"], "")
        expect("the configured type", rows[1]["bub.message"], "BUB Complete")

    print(f"{len(CASES)} cases")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
