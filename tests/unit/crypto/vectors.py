#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes vectors.h: the expected values of test_crypto.c and test_kex.c.

An oracle of its own: Python's hashlib and hmac, and oracle.py for the two groups.  Nothing here
comes from libcrypto or from bub.  The formulas are those of RFC 6275, 5.2.5, of the draft, 5.1, and
of docs/protocol.md.

    ./vectors.py > vectors.h
"""
import hashlib
import hmac
from ipaddress import IPv6Address

from oracle import group14_prime, x25519


def mac(alg, key, *parts):
    return hmac.new(key, b"".join(parts), alg).digest()


def emit(name, value):
    print(f"#define {name} \\")
    text = value.hex()
    lines = [text[i : i + 80] for i in range(0, len(text), 80)]
    print(" \\\n".join(f'\t"{line}"' for line in lines))


def tokens():
    kcn = bytes(range(0x10, 0x24))
    nonce = bytes.fromhex("a1a2a3a4a5a6a7a8")
    home, care_of = (IPv6Address(a).packed for a in ("2001:db8:1::100", "2001:db8:11::7"))
    t_home = mac("sha1", kcn, home, nonce, b"\0")[:8]
    t_care_of = mac("sha1", kcn, care_of, nonce, b"\1")[:8]
    emit("V_HOME_TOKEN", t_home)
    emit("V_CARE_OF_TOKEN", t_care_of)
    emit("V_KBM", hashlib.sha1(t_home + t_care_of).digest())
    emit("V_KBM_DELETE", hashlib.sha1(t_home).digest())


def signatures():
    mh = bytearray(range(64))
    care_of, peer = (IPv6Address(a).packed for a in ("2001:db8:11::7", "2001:db8:2::200"))
    key32 = bytes(range(0x80, 0xA0))
    zeroed = bytes(mh[:4]) + b"\0\0" + bytes(mh[6:])
    emit("V_AUTH_SHA256", mac("sha256", key32, care_of, peer, zeroed[:52])[:12])
    signed = zeroed[:52] + bytes(12)
    cookie = bytes.fromhex("c0c1c2c3c4c5c6c7")
    emit("V_DH_SIGNATURE_KBM", mac("sha1", bytes(range(20)), signed, cookie)[:12])
    emit("V_DH_SIGNATURE_KABM", mac("sha1", key32, signed, cookie)[:12])
    # A signature that does not stand last: what follows it is covered too.
    middle = zeroed[:16] + bytes(12) + zeroed[28:]
    emit("V_DH_SIGNATURE_MIDDLE", mac("sha1", bytes(range(20)), middle, cookie)[:12])


def bubc():
    """BUB Complete from MN2 at 2001:db8:22::9 to MN1 at 2001:db8:11::7 (docs/protocol.md, 3.4): the
    Mobility Header with its checksum zero, and what other addresses would give."""
    kbm = hashlib.sha1(b"a Kbm").digest()
    hoa1, coa1, hoa2, coa2 = (
        IPv6Address(a).packed
        for a in ("2001:db8:1::100", "2001:db8:11::7", "2001:db8:2::200", "2001:db8:22::9")
    )
    cookies = bytes.fromhex("c1c2c3c4c5c6c7c8") + bytes.fromhex("b1b2b3b4b5b6b7b8")
    covered = bytes([59, 4, 8, 0, 0, 0, 0, 0]) + cookies + bytes([1, 0, 5, 12])
    emit("V_BUBC_KBM", kbm)
    emit("V_BUBC", covered + mac("sha1", kbm, coa1, hoa2, covered)[:12])
    emit("V_BUBC_OF_HOMES", mac("sha1", kbm, hoa1, hoa2, covered)[:12])
    emit("V_BUBC_OF_CARE_OFS", mac("sha1", kbm, coa1, coa2, covered)[:12])
    emit("V_BUBC_SWAPPED", mac("sha1", kbm, hoa2, coa1, covered)[:12])


def exchange(prefix, alg, gx, gy, secret):
    n1, n2 = bytes(range(0x20, 0x30)), bytes(range(0x40, 0x50))
    sid1, sid2 = bytes(range(0x60, 0x68)), bytes(range(0x70, 0x78))
    mn1, mn2 = (IPv6Address(a).packed for a in ("2001:db8:1::100", "2001:db8:2::200"))
    kbm = bytes(range(20))
    info1, info2 = b"\1\2\1", b"\1\2"
    seed = mac(alg, n1 + n2, secret)
    km = mac(alg, seed, b"bub km", sid1, sid2, mn1, mn2, b"\1")
    emit(prefix + "_PUBLIC1", gx)
    emit(prefix + "_PUBLIC2", gy)
    emit(prefix + "_KM", km)
    emit(prefix + "_KABM", mac(alg, seed, b"bub kabm", sid1, sid2, mn1, mn2, b"\1"))
    emit(prefix + "_SIG3", mac(alg, kbm, n2, sid1, gx, info1, info2))
    emit(prefix + "_SIG4", mac(alg, kbm, n1, sid2, gy, info2, info1))
    emit(prefix + "_MAC3", mac(alg, km, mn1))
    emit(prefix + "_MAC4", mac(alg, km, mn2))


def main():
    print("/* SPDX-License-Identifier: BSD-2-Clause */")
    print("/* Expected values, written by vectors.py (an implementation of its own: see there). */")
    print("#ifndef BUB_TEST_CRYPTO_VECTORS_H\n#define BUB_TEST_CRYPTO_VECTORS_H\n")
    tokens()
    signatures()
    bubc()

    p = group14_prime()
    emit("V_GROUP14_P", p.to_bytes(256, "big"))
    x, y = (int.from_bytes(bytes((i * 7 + s) & 255 for i in range(64)), "big") for s in (1, 2))
    gx, gy = pow(2, x, p), pow(2, y, p)
    exchange("V_S1", "sha1", *(v.to_bytes(256, "big") for v in (gx, gy, pow(gy, x, p))))

    # RFC 7748, 6.1: the private keys of Alice and Bob.
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    nine = (9).to_bytes(32, "little")
    gx, gy = x25519(alice, nine), x25519(bob, nine)
    shared = x25519(alice, gy)
    assert shared.hex() == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    exchange("V_S2", "sha256", gx, gy, shared)
    print("\n#endif")


main()
