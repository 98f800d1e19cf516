#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a correspondent that knows nothing but its interface, judged from the wire.

RFC 6275, 6.1 (messages), 9.2 to 9.5 (correspondent); RFC 6275, 5.2 (keys).
"""

import hashlib
import os
import struct
import sys
import time

import nut_common as nut
from nut_common import A, BA, BE, BU, COTI, H, HOTI, Link, check, equal, s6

PREFIX = "2001:db8:1::"
ADDRESS = PREFIX + nut.NUT_IID
PATH_S = 1


class Mobile:
    """A mobile node that the tester plays, with addresses of its own."""

    def __init__(self, node, number):
        self.link = node.link
        self.home = f"2001:db8:a::{number:x}"
        self.care_of = f"2001:db8:b::{number:x}"
        self.seq = 100
        self.ident = number

    def tokens(self, care_of=None):
        self.home_nonce, self.home_token = self.link.token(HOTI, self.home, ADDRESS)
        self.care_nonce, self.care_token = self.link.token(COTI, care_of or self.care_of, ADDRESS)
        self.nonces = (self.home_nonce, self.care_nonce)
        self.kbm = hashlib.sha1(self.home_token + self.care_token).digest()
        self.kbm_delete = hashlib.sha1(self.home_token).digest()

    def update(self, seq=None, flags=A, units=100, alt=None, delete=False, nonces=None, key=None,
               care_of=None, extra=b""):
        """The message alone; signed for what it registers."""
        covered = self.home if delete else alt or care_of or self.care_of
        key = key or (self.kbm_delete if delete else self.kbm)
        return nut.binding_update(
            self.seq if seq is None else seq, flags, units, alt,
            nonces or self.nonces, key, covered, ADDRESS, extra,
        )

    def send(self, text, src=None):
        self.link.send(nut.mobile(src or self.care_of, ADDRESS, text, home=self.home))

    def answer(self, dst=None):
        dst = dst or self.care_of
        p = self.link.expect(f"BA to {dst}", lambda p: p.kind == BA and p.dst == dst)
        equal("source", p.src, ADDRESS)
        p.ba = p.mh
        return p

    def bind(self, **kw):
        """Tokens, update, acknowledgement: all right."""
        self.tokens(kw.get("alt") or kw.get("care_of"))
        self.send(self.update(**kw))
        p = self.answer()
        equal("status", p.ba.status, 0)
        return p

    def echo(self, src, home):
        """The answer to an echo request."""
        self.ident += 0x1000
        ident = self.ident & 0xFFFF
        self.link.send(nut.echo(src, ADDRESS, ident, home=home))

        def reply(p):
            return p.icmp == 129 and struct.unpack("!H", p.data[4:6])[0] == ident

        return self.link.expect(f"echo reply to {home or src}", reply)

    def has_echo(self, src, home, dst, to_home):
        """Does an echo request get an answer to dst with this routing header?"""
        p = self.echo(src, home)
        equal("source", p.src, ADDRESS)
        equal("destination", p.dst, dst)
        equal("routing header", p.to_home, to_home)
        equal("checksum", nut.checksum(p.src, p.true_dst, nut.ICMP6, p.data), 0)

    def is_bound(self, care_of=None):
        care_of = care_of or self.care_of
        # The path follows the acknowledgement, as soon as the kernel has named the next hop.
        end = time.monotonic() + PATH_S
        while self.echo(care_of, self.home).dst != care_of and time.monotonic() < end:
            pass
        self.has_echo(care_of, self.home, care_of, self.home)
        self.has_echo(self.home, None, care_of, self.home)

    def is_not_bound(self):
        self.has_echo(self.home, None, self.home, None)


class Node:
    def __init__(self, bubd):
        self.link = Link("cn")
        self.bubd = bubd
        self.mobiles = 0
        try:
            self.link.start(bubd, "")
            self.link.owned["2001:db8:1::2"] = self.link.mac
            self.link.wait("an answer", self.is_configured)
        except BaseException:
            for line in self.link.tail():
                print(f"# bubd: {line}", flush=True)
            self.link.close()
            raise

    def is_configured(self):
        self.link.advertise([PREFIX])
        return self.is_ready()

    def is_ready(self):
        try:
            self.link.answered(HOTI, "2001:db8:a::ffff", ADDRESS, limit_s=1)
            return True
        except nut.Failure:
            return False

    def mobile(self):
        self.mobiles += 1
        return Mobile(self, self.mobiles)

    def silent(self, what, match):
        self.link.silent(what, match, ADDRESS)


def to(address):
    return lambda p: p.dst == address and p.icmp not in (135, 136)


# ---- Test messages -----------------------------------------------------------------------------


def hoti_is_answered(n):
    p = n.link.answered(HOTI, "2001:db8:a::1", ADDRESS)
    equal("length", len(p.mh), 24)
    check("scapy reads it", isinstance(p.mh, s6.MIP6MH_HoT))
    equal("options", p.options(), [])


def coti_is_answered(n):
    p = n.link.answered(COTI, "2001:db8:b::1", ADDRESS)
    equal("length", len(p.mh), 24)
    check("scapy reads it", isinstance(p.mh, s6.MIP6MH_CoT))
    equal("options", p.options(), [])


def tokens_depend_on_kind_and_address_only(n):
    first = n.link.token(HOTI, "2001:db8:a::1", ADDRESS)
    again = n.link.token(HOTI, "2001:db8:a::1", ADDRESS)
    check("same nonce, same token", first[0] != again[0] or first[1] == again[1])
    check("home is not care-of", n.link.token(COTI, "2001:db8:a::1", ADDRESS)[1] != first[1])
    check("another address", n.link.token(HOTI, "2001:db8:a::2", ADDRESS)[1] != first[1])


def hoti_with_home_address_option_is_dropped(n):
    n.link.test_init(HOTI, "2001:db8:b::2", ADDRESS, home="2001:db8:a::2")
    n.silent("HoTI with HAO", to("2001:db8:b::2"))
    n.silent("HoTI with HAO", to("2001:db8:a::2"))


def coti_with_home_address_option_is_dropped(n):
    n.link.test_init(COTI, "2001:db8:b::2", ADDRESS, home="2001:db8:a::2")
    n.silent("CoTI with HAO", to("2001:db8:b::2"))
    n.silent("CoTI with HAO", to("2001:db8:a::2"))


def bad_checksum_is_dropped(n):
    for kind, src in ((HOTI, "2001:db8:a::3"), (COTI, "2001:db8:b::3"), (200, "2001:db8:b::4")):
        text = bytearray(nut.finish(nut.mobility(kind, b"\0\0" + b"\x5a" * 8), src, ADDRESS))
        for wrong in (text[4:5] + bytes([text[5] ^ 1]), b"\0\0", b"\xff\xff"):
            text[4:6] = wrong
            n.link.send(nut.mobile(src, ADDRESS, bytes(text), fresh=False))
            n.silent(f"type {kind} with a bad checksum", to(src))


def problem(n, src, text, pointer, **kw):
    packet = nut.mobile(src, ADDRESS, text, **kw)
    n.link.send(packet)
    p = n.link.expect("Parameter Problem", lambda p: p.icmp == 4 and p.dst == src)
    equal("code", p.data[1], 0)
    equal("pointer", struct.unpack("!I", p.data[4:8])[0], pointer)
    equal("quoted packet", p.data[8:], packet[: len(p.data) - 8])
    equal("checksum", nut.checksum(p.src, p.dst, nut.ICMP6, p.data), 0)
    equal("source", p.src, ADDRESS)


def payload_proto_gets_parameter_problem(n):
    problem(n, "2001:db8:a::5", nut.mobility(HOTI, b"\0" * 10, proto=6), 40)
    problem(n, "2001:db8:b::5", nut.mobility(COTI, b"\0" * 10, proto=58), 40)


def payload_proto_behind_home_address_option(n):
    text = nut.mobility(BU, struct.pack("!HHH", 1, A, 10), proto=17)
    problem(n, "2001:db8:b::6", text, 64, home="2001:db8:a::6")


def header_length_too_small_gets_parameter_problem(n):
    problem(n, "2001:db8:a::7", nut.mobility(HOTI, b"\0" * 10, length=0), 41)
    problem(n, "2001:db8:b::7", nut.mobility(COTI, b"\0" * 10, length=0), 41)
    problem(n, "2001:db8:b::8", nut.mobility(COTI, b"\0" * 2), 41)
    text = nut.mobility(BU, struct.pack("!HHH", 1, A, 10), length=0)
    problem(n, "2001:db8:b::9", text, 65, home="2001:db8:a::9")


def binding_error(n, src, kind, body, home=None):
    n.link.send(nut.mobile(src, ADDRESS, nut.mobility(kind, body), home=home))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == src)
    equal("extension headers", p.chain, [])
    equal("source", p.src, ADDRESS)
    equal("length", len(p.mh), 24)
    equal("status", p.mh.status, 2)
    equal("home address", p.mh.ha, home or "::")


def unknown_type_gets_binding_error(n):
    binding_error(n, "2001:db8:b::10", 77, os.urandom(18))
    binding_error(n, "2001:db8:b::11", 255, os.urandom(2))


def unknown_type_with_home_address_option(n):
    binding_error(n, "2001:db8:b::12", 77, os.urandom(18), home="2001:db8:a::12")


def type_8_without_a_test_is_unknown(n):
    binding_error(n, "2001:db8:b::13", 8, os.urandom(18))
    binding_error(n, "2001:db8:b::14", 8, os.urandom(2))


def experimental_type_of_others_is_unknown(n):
    binding_error(n, "2001:db8:b::15", 11, b"\xaa" * 10)


def unknown_type_to_or_from_multicast_is_dropped(n):
    time.sleep(1)  # the rate limit of the cases before is over
    text = nut.mobility(77, b"\0" * 2)
    n.link.send(nut.mobile("ff05::7", ADDRESS, text))
    n.link.send(nut.mobile("2001:db8:b::16", "ff02::1", text))
    n.silent("Binding Error", lambda p: p.kind == BE)


def binding_error_is_never_answered(n):
    home = nut.addr("2001:db8:a::17")
    for status in (1, 2, 3, 255):
        text = nut.mobility(BE, bytes([status, 0]) + home)
        n.link.send(nut.mobile("2001:db8:b::17", ADDRESS, text))
    n.silent("answer to a Binding Error", to("2001:db8:b::17"))


def unasked_answers_are_dropped(n):
    """No test runs, nothing is bound: HoT, CoT, BA and BRR are met with silence."""
    src = "2001:db8:b::18"
    for kind, body in ((nut.HOT, b"\0" * 18), (nut.COT, b"\0" * 18), (BA, b"\0" * 6), (0, b"\0\0")):
        n.link.send(nut.mobile(src, ADDRESS, nut.mobility(kind, body)))
    n.silent("answer", to(src))


def unknown_option_is_skipped(n):
    for kind, src in ((HOTI, "2001:db8:a::19"), (COTI, "2001:db8:b::19")):
        cookie = os.urandom(8)
        body = b"\0\0" + cookie + b"\xde\x06" + b"\xff" * 6
        n.link.send(nut.mobile(src, ADDRESS, nut.mobility(kind, body)))
        n.link.expect("the answer", lambda p: p.kind == kind + 2 and p.data[8:16] == cookie)


def reserved_bits_are_ignored(n):
    for kind, src in ((HOTI, "2001:db8:a::1a"), (COTI, "2001:db8:b::1a")):
        cookie = os.urandom(8)
        text = nut.mobility(kind, b"\xff\xff" + cookie, reserved=0xFF)
        n.link.send(nut.mobile(src, ADDRESS, text))
        p = n.link.expect("the answer", lambda p: p.kind == kind + 2 and p.data[8:16] == cookie)
        equal("reserved field", p.data[3], 0)


def test_messages_from_multicast_are_dropped(n):
    for src in ("ff05::1", "::"):
        cookie = n.link.test_init(HOTI, src, ADDRESS)
        n.silent("HoT", lambda p: p.kind == nut.HOT and p.data[8:16] == cookie)


# ---- Binding Updates ---------------------------------------------------------------------------


def update_is_acknowledged(n):
    m = n.mobile()
    p = m.bind(units=50)
    equal("routing header", p.to_home, m.home)
    equal("extension headers", p.chain, [nut.ROUTING])
    equal("sequence", p.ba.seq, m.seq)
    equal("lifetime", p.ba.mhtime, 50)
    equal("flags", p.data[7], 0)
    p.check_signature(m.kbm, m.care_of, ADDRESS)
    equal("options", [kind for kind, _ in p.options()], [5])
    m.is_bound()


def lifetime_is_at_most_105_units(n):
    for units in (106, 0xFFFF):
        m = n.mobile()
        p = m.bind(units=units)
        equal("lifetime", p.ba.mhtime, 105)


def update_without_a_bit_binds_in_silence(n):
    m = n.mobile()
    m.tokens()
    m.send(m.update(flags=0))
    n.silent("BA", lambda p: p.kind == BA and p.dst == m.care_of)
    m.is_bound()


def reserved_flags_and_unknown_options_in_update(n):
    m = n.mobile()
    m.bind(flags=A | 0x00FF, extra=b"\xde\x02\xab\xcd")
    m.is_bound()


def wrong_authenticator_is_dropped(n):
    m = n.mobile()
    m.tokens()
    m.send(m.update(key=b"\x11" * 20))
    m.send(m.update(care_of="2001:db8:b::dead"))  # signed for another care-of address
    wrong = bytearray(m.update())
    wrong[8] ^= 1  # sequence
    m.send(bytes(wrong))
    n.silent("BA", lambda p: p.kind == BA and p.dst == m.care_of)
    m.is_not_bound()


def update_without_authenticator_or_nonces_is_dropped(n):
    m = n.mobile()
    m.tokens()
    m.send(nut.binding_update(1, nonces=m.nonces))
    m.send(nut.binding_update(1, key=m.kbm, care_of=m.care_of, peer=ADDRESS))
    n.silent("BA", lambda p: p.kind == BA and p.dst == m.care_of)
    m.is_not_bound()


def unknown_nonces_are_told(n):
    m = n.mobile()
    m.tokens()
    # An index far from all that the node can have handed out until now.
    bad_home, bad_care_of = m.home_nonce + 20000 & 0xFFFF, m.care_nonce + 20000 & 0xFFFF
    for status, nonces in (
        (136, (bad_home, m.care_nonce)),
        (137, (m.home_nonce, bad_care_of)),
        (138, (bad_home, bad_care_of)),
    ):
        m.seq += 1
        m.send(m.update(nonces=nonces))
        p = m.answer()
        equal("status", p.ba.status, status)
        equal("sequence", p.ba.seq, m.seq)
        equal("options", p.options(), [])
        equal("routing header", p.to_home, m.home)
    m.is_not_bound()


def sequence_window(n):
    """RFC 6275, 9.5.1: with 15 accepted, 0 to 15 and 32783 to 65535 are refused."""
    m = n.mobile()
    m.seq = 15
    m.bind()
    for seq in (15, 14, 0, 65535, 40000, 32783):
        m.send(m.update(seq=seq))
        p = m.answer()
        equal(f"status of {seq}", p.ba.status, 135)
        equal("last accepted", p.ba.seq, 15)
        equal("lifetime", p.ba.mhtime, 0)
        equal("routing header", p.to_home, m.home)
        p.check_signature(m.kbm, m.care_of, ADDRESS)
    for seq in (16, 32782, 65500, 3):
        m.send(m.update(seq=seq))
        p = m.answer()
        equal(f"status of {seq}", p.ba.status, 0)
        equal("sequence", p.ba.seq, seq)
    m.is_bound()


def old_sequence_without_a_bit_is_told(n):
    m = n.mobile()
    m.bind()
    m.send(m.update(flags=0))
    equal("status", m.answer().ba.status, 135)


def home_registration_is_refused(n):
    m = n.mobile()
    m.send(nut.binding_update(7, A | H, 10))
    p = m.answer()
    equal("status", p.ba.status, 131)
    equal("sequence", p.ba.seq, 7)
    equal("routing header", p.to_home, m.home)
    m.is_not_bound()


def care_of_address_must_be_unicast(n):
    for alt in ("ff05::99", "fe80::99", "::", "::1"):
        m = n.mobile()
        m.tokens()
        m.send(m.update(alt=alt))
        n.silent(f"answer for {alt}", to(m.care_of))
        m.is_not_bound()


def alternate_care_of_address_is_bound(n):
    m = n.mobile()
    alt = m.care_of.replace("b::", "c::")
    p = m.bind(alt=alt)
    equal("routing header", p.to_home, m.home)
    p.check_signature(m.kbm, alt, ADDRESS)
    m.is_bound(alt)


def care_of_address_changes(n):
    m = n.mobile()
    m.bind()
    before, m.care_of = m.care_of, m.care_of.replace("b::", "d::")
    m.seq += 1
    m.bind()
    m.is_bound()
    check("another address", before != m.care_of)


def home_address_must_be_unicast(n):
    m = n.mobile()
    m.tokens()
    m.home = "ff05::5"
    m.send(m.update())
    n.silent("answer", to(m.care_of))


def deletion_by_lifetime(n):
    m = n.mobile()
    m.bind()
    m.seq += 1
    m.send(m.update(units=0, delete=True, nonces=(m.home_nonce, 0)))
    p = m.answer()
    equal("status", p.ba.status, 0)
    equal("lifetime", p.ba.mhtime, 0)
    equal("routing header", p.to_home, m.home)
    p.check_signature(m.kbm_delete, m.home, ADDRESS)
    m.is_not_bound()


def deletion_from_home(n):
    m = n.mobile()
    m.bind()
    m.seq += 1
    text = m.update(units=0, delete=True, nonces=(m.home_nonce, 0))
    n.link.send(nut.mobile(m.home, ADDRESS, text))
    p = m.answer(m.home)
    equal("status", p.ba.status, 0)
    equal("extension headers", p.chain, [])
    p.check_signature(m.kbm_delete, m.home, ADDRESS)
    m.is_not_bound()


def deletion_by_care_of_address_equal_home_address(n):
    m = n.mobile()
    m.bind()
    m.seq += 1
    text = m.update(units=100, delete=True, nonces=(m.home_nonce, 0))
    n.link.send(nut.mobile(m.home, ADDRESS, text))
    p = m.answer(m.home)
    equal("status", p.ba.status, 0)
    equal("lifetime", p.ba.mhtime, 0)
    equal("extension headers", p.chain, [])
    m.is_not_bound()


def replay_after_deletion_is_refused(n):
    m = n.mobile()
    m.bind()
    old = m.update()
    m.seq += 1
    m.send(m.update(units=0, delete=True, nonces=(m.home_nonce, 0)))
    equal("status", m.answer().ba.status, 0)
    m.send(old)
    n.silent("acceptance", lambda p: p.kind == BA and p.dst == m.care_of and p.mh.status < 128)
    m.is_not_bound()


def deletion_with_wrong_key_is_dropped(n):
    m = n.mobile()
    m.bind()
    m.seq += 1
    m.send(m.update(units=0, delete=True, key=m.kbm))
    n.silent("BA", lambda p: p.kind == BA and p.dst == m.care_of)
    m.is_bound()


def binding_expires(n):
    m = n.mobile()
    m.bind(units=1)
    begin = time.monotonic()
    m.is_bound()

    def expired():
        try:
            m.is_not_bound()
            return True
        except nut.Failure:
            return False

    n.link.wait("end of the binding", expired, 20)
    check("not before its time", time.monotonic() - begin > 3.5)


def refresh_is_requested_before_expiry(n):
    """RFC 6275, 9.5.5: a Binding Refresh Request to the home address, without routing header."""
    m = n.mobile()
    m.bind(units=6)  # the margin is 10 s, and shorter lives are not worth the question
    m.is_bound()
    p = n.link.expect("BRR", lambda p: p.kind == 0 and p.dst == m.home, 30)
    equal("extension headers", p.chain, [])
    equal("length", len(p.mh), 8)


# ---- Data --------------------------------------------------------------------------------------


def home_address_option_without_binding(n):
    m = n.mobile()
    n.link.send(nut.echo(m.care_of, ADDRESS, 7, home=m.home))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == m.care_of)
    equal("status", p.mh.status, 1)
    equal("home address", p.mh.ha, m.home)
    equal("extension headers", p.chain, [])
    n.silent("echo reply", lambda p: p.icmp == 129)


def home_address_option_with_wrong_care_of_address(n):
    m = n.mobile()
    m.bind()
    other = m.care_of.replace("b::", "e::")
    n.link.send(nut.echo(other, ADDRESS, 7, home=m.home))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == other)
    equal("status", p.mh.status, 1)
    equal("home address", p.mh.ha, m.home)
    m.is_bound()


def deleted_binding_covers_nothing(n):
    """RFC 6275, 9.6: data that still comes with the option gets a Binding Error."""
    m = n.mobile()
    m.bind()
    m.is_bound()
    m.seq += 1
    m.send(m.update(units=0, delete=True, nonces=(m.home_nonce, 0)))
    equal("status", m.answer().ba.status, 0)

    def refused():  # for at most a second the care-of address of before is still good
        n.link.send(nut.echo(m.care_of, ADDRESS, 7, home=m.home))
        return n.link.find(lambda p: p.kind == BE and p.dst == m.care_of)

    p = n.link.wait("Binding Error", refused)[0]
    equal("status", p.mh.status, 1)
    equal("home address", p.mh.ha, m.home)


def unreachable_care_of_address_is_forgotten(n):
    """RFC 6275, 9.3.4: where errors about it persist, not for the first of them."""
    m = n.mobile()
    m.bind()
    m.is_bound()  # its data proves the path
    quoted = nut.ip6(ADDRESS, m.care_of, nut.ROUTING, nut.rh2(m.home, 17) + b"\0" * 64)
    begin = time.monotonic()

    def gone():
        for _ in range(5):
            n.link.send(nut.icmp6("2001:db8:5::1", ADDRESS, 1, 0, b"\0" * 4 + quoted))
        try:
            m.is_not_bound()
            return True
        except nut.Failure:
            return False

    n.link.wait("end of the binding", gone, 60)
    check("not at once", time.monotonic() - begin > 19)
    m.seq += 1
    m.bind()
    m.is_bound()


def mobile_nodes_share_a_care_of_address(n):
    m, other = n.mobile(), n.mobile()
    other.care_of = m.care_of
    m.bind()
    other.bind()
    m.is_bound()
    other.is_bound()
    m.seq += 1
    m.send(m.update(units=0, delete=True, nonces=(m.home_nonce, 0)))
    equal("status", m.answer().ba.status, 0)
    m.is_not_bound()
    other.is_bound()


def deletion_without_entry_is_accepted(n):
    m = n.mobile()
    m.tokens()
    m.send(m.update(units=0, delete=True, nonces=(m.home_nonce, 0)))
    p = m.answer()
    equal("status", p.ba.status, 0)
    equal("lifetime", p.ba.mhtime, 0)
    m.is_not_bound()


def binding_errors_are_limited(n):
    m = n.mobile()
    for i in range(300):
        n.link.send(nut.echo(m.care_of, ADDRESS, i, home=m.home))
    n.silent("too many", lambda p: False)
    found = n.link.find(lambda p: p.kind == BE)
    check("some", len(found) > 0)
    check("not one for each packet", len(found) <= 60, len(found))


def home_address_option_with_multicast(n):
    for home in ("ff05::1", "ff02::1"):
        n.link.send(nut.echo("2001:db8:b::30", ADDRESS, 9, home=home))
    n.silent("echo reply", lambda p: p.icmp == 129)


def type_2_routing_header_is_not_for_us(n):
    """RFC 6275, 6.4: a node with no such home address does not forward."""
    other = "2001:db8:77::1"
    n.link.send(nut.echo("2001:db8:b::31", ADDRESS, 9, to_home=other))
    n.silent("echo reply", lambda p: p.icmp == 129 or p.true_dst == other)
    n.link.send(nut.echo("2001:db8:b::31", ADDRESS, 9, to_home=ADDRESS))
    n.silent("echo reply", lambda p: p.icmp == 129 or p.to_home is not None)


# ---- Restart -----------------------------------------------------------------------------------


def restarted_it_is_ready_and_empty(n):
    m = n.mobile()
    m.bind()
    took = []
    tokens = set()
    for hard in (True, False, True):
        n.link.stop(hard)
        begin = time.monotonic()
        n.link.launch()
        n.link.wait("an answer", n.is_ready)
        took.append(time.monotonic() - begin)
        tokens.add(n.link.token(HOTI, "2001:db8:a::1", ADDRESS)[1])
    equal("tokens of three lives", len(tokens), 3)  # key and nonce are random (RFC 6275, 5.2)
    print("# ready after " + ", ".join(f"{x:.2f} s" for x in took), flush=True)
    check("ready within 2 s", min(took) < 2, took)
    m.is_not_bound()
    n.link.send(nut.echo(m.care_of, ADDRESS, 7, home=m.home))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == m.care_of)
    equal("status", p.mh.status, 1)
    m.seq += 1
    m.send(m.update())  # under tokens of the life before
    n.silent("acceptance", lambda p: p.kind == BA and p.dst == m.care_of and p.mh.status < 128)
    n.link.drain()
    m.bind(seq=1)
    m.is_bound()


CASES = (
    hoti_is_answered,
    coti_is_answered,
    tokens_depend_on_kind_and_address_only,
    hoti_with_home_address_option_is_dropped,
    coti_with_home_address_option_is_dropped,
    bad_checksum_is_dropped,
    payload_proto_gets_parameter_problem,
    payload_proto_behind_home_address_option,
    header_length_too_small_gets_parameter_problem,
    unknown_type_gets_binding_error,
    unknown_type_with_home_address_option,
    type_8_without_a_test_is_unknown,
    experimental_type_of_others_is_unknown,
    unknown_type_to_or_from_multicast_is_dropped,
    binding_error_is_never_answered,
    unasked_answers_are_dropped,
    unknown_option_is_skipped,
    reserved_bits_are_ignored,
    test_messages_from_multicast_are_dropped,
    update_is_acknowledged,
    lifetime_is_at_most_105_units,
    update_without_a_bit_binds_in_silence,
    reserved_flags_and_unknown_options_in_update,
    wrong_authenticator_is_dropped,
    update_without_authenticator_or_nonces_is_dropped,
    unknown_nonces_are_told,
    sequence_window,
    old_sequence_without_a_bit_is_told,
    home_registration_is_refused,
    care_of_address_must_be_unicast,
    alternate_care_of_address_is_bound,
    care_of_address_changes,
    home_address_must_be_unicast,
    deletion_by_lifetime,
    deletion_from_home,
    deletion_by_care_of_address_equal_home_address,
    replay_after_deletion_is_refused,
    deletion_with_wrong_key_is_dropped,
    binding_expires,
    refresh_is_requested_before_expiry,
    home_address_option_without_binding,
    home_address_option_with_wrong_care_of_address,
    deleted_binding_covers_nothing,
    unreachable_care_of_address_is_forgotten,
    mobile_nodes_share_a_care_of_address,
    deletion_without_entry_is_accepted,
    binding_errors_are_limited,
    home_address_option_with_multicast,
    type_2_routing_header_is_not_for_us,
    restarted_it_is_ready_and_empty,
)

if __name__ == "__main__":
    sys.exit(nut.main([(Node, CASES)]))
