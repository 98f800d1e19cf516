#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""src/esp against another implementation, scapy's IPsec layer: each opens what the other sealed,
with every algorithm, in both modes and with the headers that RFC 3776 puts before ESP.

    independent.py ESP_PEER            the test; 77 without scapy
    independent.py ESP_PEER --vectors  prints the literal packets of test_esp.c
"""
import hashlib
import hmac
import subprocess
import sys

try:
    import logging

    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.layers.inet6 import (
        HAO,
        ICMPv6EchoRequest,
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrRouting,
        MIP6MH_BU,
    )
    from scapy.layers.inet import TCP, UDP
    from scapy.layers.ipsec import ESP, SecurityAssociation
    from scapy.packet import Raw
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)



class Algorithm:
    """Two words of bubd.conf, the key's length, and what comes of it (RFC 2404 to 4868); or AEAD
    ("-"; RFC 4106, RFC 7634), with @high as the first half of each number."""

    SCAPY = {"aes-cbc": "AES-CBC", "3des-cbc": "3DES", "null": "NULL", "-": "NULL",
             "aes-gcm": "AES-GCM", "chacha20-poly1305": "CHACHA20-POLY1305",
             "hmac-sha256-128": "SHA2-256-128", "hmac-sha1-96": "HMAC-SHA1-96"}

    def __init__(self, encryption, integrity, length, high=0):
        self.words = (encryption, integrity, str(length), str(high << 32))
        self.iv, self.block = {"aes-cbc": (16, 16), "3des-cbc": (8, 8), "null": (0, 4),
                               "aes-gcm": (8, 4), "chacha20-poly1305": (8, 4)}[encryption]
        self.digest, self.icv, auth = {"hmac-sha256-128": (hashlib.sha256, 16, 32),
                                       "hmac-sha1-96": (hashlib.sha1, 12, 20),
                                       "-": (None, 16, 4)}[integrity]
        self.crypt_key = bytes(range(0x10, 0x10 + length))
        self.auth_key = bytes(range(0x40, 0x40 + auth))
        self.high = high
        if self.digest is None:  # scapy takes the salt as the key's end
            self.crypt_key += self.auth_key


ALGORITHMS = [
    Algorithm(encryption, integrity, length)
    for integrity in ("hmac-sha256-128", "hmac-sha1-96")
    for encryption, length in (("aes-cbc", 16), ("aes-cbc", 24), ("aes-cbc", 32),
                               ("3des-cbc", 24), ("null", 0))
] + [
    Algorithm(encryption, "-", length, high)
    for encryption, length in (("aes-gcm", 16), ("aes-gcm", 32), ("chacha20-poly1305", 32))
    for high in (0, 5)
]
alg = ALGORITHMS[0]
SPI_TUNNEL, SPI_TRANSPORT = 0x11112222, 0x33334444
COA, HA, HOA = "2001:db8:11::7", "2001:db8:1::1", "2001:db8:1::100"
BASE, WITH_HEADER = 40, 64


def association(spi, tunnel=None, seq=1):
    return SecurityAssociation(
        ESP,
        spi=spi,
        seq_num=seq,
        crypt_algo=alg.SCAPY[alg.words[0]],
        crypt_key=alg.crypt_key or None,
        auth_algo=alg.SCAPY[alg.words[1]],
        auth_key=alg.auth_key,
        tunnel_header=tunnel,
        esn_en=alg.digest is None,
        esn=alg.high,
    )


class Peer:
    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, *alg.words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *words):
        text = " ".join(w.hex() if isinstance(w, bytes) else str(w) for w in words)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def check_frame(packet, at, spi):
    """RFC 4303 by hand: SPI, ICV over SPI to ciphertext, IPv6 payload length."""
    assert int.from_bytes(packet[4:6], "big") == len(packet) - 40
    assert int.from_bytes(packet[at : at + 4], "big") == spi
    if alg.digest is not None:
        icv = hmac.new(alg.auth_key, packet[at : -alg.icv], alg.digest).digest()[: alg.icv]
        assert icv == packet[-alg.icv :], "ICV"
    assert (len(packet) - at - 8 - alg.iv - alg.icv) % alg.block == 0


def without_extension(packet, at):
    """Takes the header between 40 and at out: scapy 2.5 cannot put together what it decrypted behind
    one, and transport mode does not cover what stands before ESP."""
    if at == BASE:
        return packet
    length = int.from_bytes(packet[4:6], "big") - (at - BASE)
    return packet[:4] + length.to_bytes(2, "big") + packet[40:41] + packet[7:40] + packet[at:]


def inner_packets():
    base = IPv6(src=HOA, dst="2001:db8:2::200", tc=0xB9, fl=0x12345)
    yield base / ICMPv6EchoRequest(data=b"x" * 56)
    yield base / TCP(sport=1, dport=2)
    for size in (*range(0, 34), 1200, 1400):
        yield base / UDP(sport=5, dport=6) / Raw(bytes(i & 255 for i in range(size)))


def transport_packets():
    bu = MIP6MH_BU(seq=7, flags=0b1100, mhtime=900)
    dest = IPv6ExtHdrDestOpt(options=[HAO(hoa=HOA)])
    routing = IPv6ExtHdrRouting(type=2, segleft=1, addresses=[HOA])
    yield BASE, IPv6(src=HOA, dst=HA) / bu
    yield WITH_HEADER, IPv6(src=COA, dst=HA) / dest / bu
    yield WITH_HEADER, IPv6(src=HA, dst=COA) / routing / bu
    for size in range(0, 20):
        yield BASE, IPv6(src=HOA, dst=HA) / UDP(sport=5, dport=6) / Raw(b"y" * size)


def test_tunnel(peer):
    outer = IPv6(src=COA, dst=HA)
    theirs = association(SPI_TUNNEL, outer)
    for number, inner in enumerate(inner_packets(), 1):
        plain = bytes(inner)
        sealed = bytes.fromhex(peer.ask("tunnel", plain)[0])
        check_frame(sealed, 40, SPI_TUNNEL)
        head = IPv6(sealed)
        assert (head.src, head.dst, head.nh) == (COA, HA, 50)
        assert (head.tc, head.fl, head.hlim) == (0xB9, 0, 64)
        assert int.from_bytes(sealed[44:48], "big") == number
        assert bytes(association(SPI_TUNNEL, outer).decrypt(IPv6(sealed))) == plain

        answer = peer.ask("open", 40, bytes(theirs.encrypt(inner)))
        assert answer == ["tunnel", plain.hex()], answer


def test_transport(peer):
    theirs = association(SPI_TRANSPORT)
    for number, (at, packet) in enumerate(transport_packets(), 1):
        plain = bytes(packet)
        sealed = bytes.fromhex(peer.ask("transport", at, plain)[0])
        check_frame(sealed, at, SPI_TRANSPORT)
        assert sealed[40:at] == bytes([50]) + plain[41:at] if at > 40 else sealed[6] == 50
        assert int.from_bytes(sealed[at + 4 : at + 8], "big") == number
        opened = association(SPI_TRANSPORT).decrypt(IPv6(without_extension(sealed, at)))
        assert bytes(opened) == without_extension(plain, at)

        answer = peer.ask("open", at, bytes(theirs.encrypt(IPv6(plain))))
        assert answer == ["transport", plain.hex()], answer


def test_refused(peer):
    """A replayed, a damaged and a foreign packet."""
    theirs = association(SPI_TRANSPORT, seq=1000)
    packet = bytes(theirs.encrypt(IPv6(src=HOA, dst=HA) / UDP() / b"z"))
    assert peer.ask("open", 40, packet)[0] == "transport"
    assert peer.ask("open", 40, packet) == ["esp-replay"]
    other = bytearray(bytes(theirs.encrypt(IPv6(src=HOA, dst=HA) / UDP() / b"z")))
    other[-1] ^= 1
    assert peer.ask("open", 40, bytes(other)) == ["esp-bad-icv"]
    stranger = association(0x55556666)
    packet = bytes(stranger.encrypt(IPv6(src=HOA, dst=HA) / UDP() / b"z"))
    assert peer.ask("open", 40, packet) == ["esp-no-sa"]


def vectors():
    iv = bytes(range(0xA0, 0xB0))
    inner = IPv6(src=HOA, dst="2001:db8:2::200", tc=0xB8) / UDP(sport=5, dport=6) / b"vector"
    outer = association(SPI_TUNNEL, IPv6(src=COA, dst=HA, tc=0xB8), seq=258)
    print("tunnel inner", bytes(inner).hex())
    print("tunnel sealed", bytes(outer.encrypt(inner, iv=iv)).hex())
    for at, packet in list(transport_packets())[1:3]:
        print("transport", at, bytes(packet).hex())
        sa = association(SPI_TRANSPORT, seq=258)
        print("sealed", bytes(sa.encrypt(IPv6(bytes(packet)), iv=iv)).hex())


def main():
    if "--vectors" in sys.argv:
        vectors()
        return
    global alg
    for alg in ALGORITHMS:
        peer = Peer(sys.argv[1])
        test_tunnel(peer)
        test_transport(peer)
        test_refused(peer)
        assert peer.close() == 0
        print("scapy and src/esp agree:", *alg.words)


main()
