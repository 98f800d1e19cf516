#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd as a correspondent, continued: the corners of Binding Updates and of what may come with them.

The cases follow the public test specifications for correspondents; whether a binding is there is
seen as they see it, by an echo request with the Home Address option and its answer.

RFC 6275, 5.2.6, 6.1.7, 6.2, 9.4 and 9.5.
"""

import os
import struct
import sys

import nut_common as nut
from nut_cn import ADDRESS, PREFIX, Mobile, Node, to
from nut_common import A, BA, BE, COTI, H, HOTI, K, L, check, equal

AUTH = b"\x05\x0c" + b"\0" * 12
INDICES = 4
SECOND = PREFIX + "2:99"


def refused_with_binding_error(m):
    """No binding: data with the option is refused, and none comes back."""
    m.link.send(nut.echo(m.care_of, ADDRESS, 7, home=m.home))

    def answer():
        m.link.send(nut.echo(m.care_of, ADDRESS, 7, home=m.home))
        return m.link.find(lambda p: p.kind == BE and p.dst == m.care_of)

    p = m.link.wait("Binding Error", answer)[0]
    equal("status", p.mh.status, 1)
    equal("home address", p.mh.ha, m.home)


def silent_ba(n, m, *others):
    heard = (m.care_of, m.home) + others
    n.silent("BA or BE", lambda p: p.kind in (BA, BE) and p.dst in heard)


def signed_at(m, text, at, care_of=None):
    """Signs a message whose Binding Authorization Data is not where it should be."""
    covered = text[:4] + b"\0\0" + text[6:at]
    value = nut.hmac.new(m.kbm, nut.addr(care_of or m.care_of) + nut.addr(ADDRESS) + covered,
                         nut.hashlib.sha1).digest()[:12]
    return text[:at] + value + text[at + 12 :]


# ---- Options -----------------------------------------------------------------------------------


def options_of_other_messages_do_not_matter(n):
    """Nonce indices and a care-of address in a test message, refresh advice in an update."""
    indices = b"\x01\0" + struct.pack("!BBHH", 4, 4, 7, 7)
    care_of = nut.padded(b"\0" * 16, 8, 6)[16:] + b"\x03\x10" + nut.addr("2001:db8:b::77")
    for kind, src in ((HOTI, "2001:db8:a::f1"), (COTI, "2001:db8:b::f1")):
        for option in (indices, care_of):
            cookie = os.urandom(8)
            n.link.send(nut.mobile(src, ADDRESS, nut.mobility(kind, b"\0\0" + cookie + option)))
            p = n.link.expect("answer", lambda p: p.kind == kind + 2 and p.data[8:16] == cookie)
            equal("destination", p.dst, src)
    m = n.mobile()
    m.bind(extra=struct.pack("!BBH", 2, 2, 25))
    m.is_bound()


def authenticator_must_be_the_last_option(n):
    """RFC 6275, 6.2.7."""
    m = n.mobile()
    m.tokens()
    indices = struct.pack("!BBHH", INDICES, 4, *m.nonces)
    head = b"\0" * 6 + struct.pack("!HHH", 7, A, 100)
    before = nut.padded(head + indices, 8, 2) + AUTH
    for text in (
        nut.alt_care_of(before, m.care_of),  # indices, authenticator, care-of address
        nut.padded(nut.padded(head, 8, 2) + AUTH, 2, 0) + indices,
        before + b"\x01\x06" + b"\0" * 6,  # padding
    ):
        at = text.index(AUTH) + 2
        m.send(signed_at(m, nut.mobility(nut.BU, text[6:]), at))
        silent_ba(n, m)
    refused_with_binding_error(m)
    m.send(m.update())
    equal("status", m.answer().ba.status, 0)


def flags_for_home_agents_do_not_matter(n):
    for flag in (L, K, L | K):
        m = n.mobile()
        p = m.bind(flags=A | flag)
        equal("flags", p.data[7], 0)
        m.is_bound()


def care_of_address_twice_is_bound(n):
    m = n.mobile()
    m.bind(alt=m.care_of)
    m.is_bound()


# ---- Addresses ---------------------------------------------------------------------------------


def care_of_address_must_be_unicast_and_routable(n):
    """RFC 6275, 6.1.7: silently discarded, whatever names it and whatever is asked for."""
    m = n.mobile()
    for alt in ("ff05::99", "fe80::99", "::", "::1"):
        m.tokens()
        m.send(m.update(alt=alt))
        silent_ba(n, m)
    refused_with_binding_error(m)
    m = n.mobile()
    m.bind()
    m.seq += 1
    for alt in ("ff05::99", "fe80::99"):  # lifetime 0: a deletion, whatever the address
        text = m.update(alt=alt, units=100)
        n.link.send(nut.mobile(m.home, ADDRESS, text))
        silent_ba(n, m)
    m.is_bound()


def source_must_be_unicast_and_routable(n):
    m = n.mobile()
    m.tokens()
    n.link.owned["fe80::99"] = n.link.mac
    for src in ("ff05::99", "fe80::99"):
        m.send(m.update(care_of=src), src=src)
        silent_ba(n, m, src)
    m.bind()
    m.seq += 1
    for src in ("ff05::99", "fe80::99"):  # a deletion from there, without the option
        n.link.send(nut.mobile(src, ADDRESS, m.update(units=0, delete=True)))
        silent_ba(n, m, src)
    m.is_bound()


def care_of_address_may_not_lead_back(n):
    """RFC 6275, 6.1.7: a binding of the care-of address to the home address, the other way round."""
    m = n.mobile()
    m.bind()
    back = Mobile(n, 0)
    back.home, back.care_of = m.care_of, m.home
    back.tokens()
    back.send(back.update())
    n.silent("BA", lambda p: p.kind == BA)
    n.link.send(nut.echo(back.care_of, ADDRESS, 7, home=back.home))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.mh.ha == back.home)
    equal("status", p.mh.status, 1)
    m.is_bound()


def each_address_of_the_node_counts(n):
    """Tests and bindings are for one address of the correspondent."""
    nut.run("ip", "-n", n.link.nut, "addr", "add", SECOND + "/64", "dev", "eth0", "nodad")
    m = n.mobile()

    def has_second():
        try:
            return n.link.answered(HOTI, m.home, SECOND, limit_s=1)
        except nut.Failure:
            return None

    n.link.wait("an answer", has_second)
    n.link.answered(COTI, m.care_of, SECOND)
    m.bind()
    m.is_bound()
    n.link.send(nut.echo(m.care_of, SECOND, 9, home=m.home))
    p = n.link.expect("Binding Error", lambda p: p.kind == BE and p.dst == m.care_of)
    equal("source", p.src, SECOND)
    equal("status", p.mh.status, 1)


# ---- Registration ------------------------------------------------------------------------------


def first_number_may_be_any(n):
    for seq in (0, 32768, 65535):
        m = n.mobile()
        p = m.bind(seq=seq)
        equal("sequence", p.ba.seq, seq)
        m.is_bound()


def tokens_are_good_for_more_than_one_update(n):
    m = n.mobile()
    m.bind()
    m.seq += 1
    m.send(m.update(units=30))
    p = m.answer()
    equal("status", p.ba.status, 0)
    check("lifetime", p.ba.mhtime <= 30, p.ba.mhtime)
    m.is_bound()


def handover_needs_only_a_new_care_of_test(n):
    m = n.mobile()
    m.bind()
    m.care_of = m.care_of.replace("b::", "d::")
    m.care_nonce, m.care_token = n.link.token(COTI, m.care_of, ADDRESS)
    m.nonces = (m.home_nonce, m.care_nonce)
    m.kbm = nut.hashlib.sha1(m.home_token + m.care_token).digest()
    m.seq += 1
    m.send(m.update())
    equal("status", m.answer().ba.status, 0)
    m.is_bound()


def refused_update_leaves_the_binding(n):
    """RFC 6275, 9.5.1: the answer goes to where the update came from; the old binding lives on."""
    m = n.mobile()
    m.bind()
    before, m.care_of = m.care_of, m.care_of.replace("b::", "d::")
    m.tokens()
    m.send(m.update(units=1))
    p = m.answer()
    equal("status", p.ba.status, 135)
    equal("routing header", p.to_home, m.home)
    m.care_of = before
    m.is_bound()
    n.link.send(nut.mobile(m.home, ADDRESS, m.update(units=0, delete=True)))
    p = m.answer(m.home)
    equal("status", p.ba.status, 135)
    equal("extension headers", p.chain, [])
    m.is_bound()


def wrong_tokens_are_no_key(n):
    """Each of the two tokens, for registration and for deletion."""
    m = n.mobile()
    m.bind()
    m.seq += 1
    sha1 = nut.hashlib.sha1
    m.send(m.update(key=sha1(b"\x5a" * 8 + m.care_token).digest()))
    m.send(m.update(key=sha1(m.home_token + b"\x5a" * 8).digest()))
    silent_ba(n, m)
    m.send(m.update(units=0, delete=True, key=sha1(b"\x5a" * 8).digest()))
    text = m.update(units=0, delete=True, key=sha1(b"\x5a" * 8).digest())
    n.link.send(nut.mobile(m.home, ADDRESS, text))
    silent_ba(n, m)
    m.is_bound()


def expired_nonces_are_told_without_a_bit(n):
    """RFC 6275, 9.5.4: an answer to an error does not depend on the A bit."""
    m = n.mobile()
    m.tokens()
    bad = m.home_nonce + 20000 & 0xFFFF
    for status, nonces in ((136, (bad, m.care_nonce)), (137, (m.home_nonce, bad)),
                           (138, (bad, bad))):
        m.seq += 1
        m.send(m.update(flags=0, nonces=nonces))
        p = m.answer()
        equal("status", p.ba.status, status)
        equal("options", p.options(), [])
        equal("routing header", p.to_home, m.home)
    refused_with_binding_error(m)


# ---- Deletion ----------------------------------------------------------------------------------


def every_form_of_deletion_works(n):
    """From abroad and from home, with and without the options, by lifetime and by care-of address;
    the answer has a routing header where the update had the Home Address option and came from
    elsewhere (RFC 6275, 9.5.3 and 9.5.4)."""
    forms = [("care-of", True, None, 0), ("care-of", True, "home", 0),
             ("care-of", True, "home", 100), ("care-of", True, "care-of", 0)]
    forms += [("home", option, alt, units) for option in (False, True)
              for alt in (None, "home") for units in (0, 100)]
    for source, option, alt, units in forms:
        form = f"from {source}, HAO {option}, alternate {alt}, lifetime {units}"
        m = n.mobile()
        m.bind()
        m.is_bound()
        m.seq += 1
        place = {None: None, "home": m.home, "care-of": m.care_of}
        src = place[source]
        text = m.update(units=units, alt=place[alt], delete=True, nonces=(m.home_nonce, 0))
        n.link.send(nut.mobile(src, ADDRESS, text, home=m.home if option else None))
        p = m.answer(src)
        equal(f"{form}: status", p.ba.status, 0)
        equal(f"{form}: lifetime", p.ba.mhtime, 0)
        equal(f"{form}: routing header", p.to_home, m.home if source == "care-of" else None)
        p.check_signature(m.kbm_delete, m.home, ADDRESS)
        m.is_not_bound()


def deletion_needs_the_home_nonce_only(n):
    """RFC 6275, 6.2.6: the care-of nonce index is ignored in a deletion."""
    for nonces, status in (((0, 0xFFFF), 0), ((20000, None), 136), ((20000, 20000), 136)):
        for from_home in (False, True):
            m = n.mobile()
            m.bind()
            m.seq += 1
            home = m.home_nonce + nonces[0] & 0xFFFF
            care_of = m.care_nonce if nonces[1] is None else nonces[1]
            text = m.update(units=0, delete=True, nonces=(home, care_of))
            src = m.home if from_home else m.care_of
            n.link.send(nut.mobile(src, ADDRESS, text, home=None if from_home else m.home))
            p = m.answer(src)
            equal("status", p.ba.status, status)
            equal("routing header", p.to_home, None if from_home else m.home)
            if status == 0:
                p.check_signature(m.kbm_delete, m.home, ADDRESS)
                m.is_not_bound()
            else:
                equal("options", p.options(), [])
                m.is_bound()


def deletion_without_nonce_indices_is_dropped(n):
    m = n.mobile()
    m.bind()
    text = nut.binding_update(m.seq + 1, A, 0, key=m.kbm_delete, care_of=m.home, peer=ADDRESS)
    n.link.send(nut.mobile(m.home, ADDRESS, text))
    m.send(text)
    silent_ba(n, m)
    m.is_bound()


# ---- Home registrations ------------------------------------------------------------------------


def type_of_a_binding_does_not_change(n):
    """RFC 6275, 9.5.1: status 139, for a registration and for a deletion."""
    m = n.mobile()
    m.bind()
    for units in (1, 0):
        m.send(nut.binding_update(m.seq + 1, A | H, units, m.care_of))
        p = m.answer()
        equal("status", p.ba.status, 139)
        equal("sequence", p.ba.seq, m.seq + 1)
        equal("routing header", p.to_home, m.home)
        m.is_bound()


def home_registration_has_no_nonce_indices(n):
    """RFC 6275, 9.5.1: with them it is nothing at all."""
    m = n.mobile()
    m.tokens()
    m.send(m.update(flags=A | H))
    silent_ba(n, m)
    refused_with_binding_error(m)
    m = n.mobile()
    m.bind()
    m.seq += 1
    m.send(m.update(flags=A | H, units=1))
    m.send(m.update(flags=A | H, units=0, delete=True))
    silent_ba(n, m)
    m.is_bound()


# ---- ESP ---------------------------------------------------------------------------------------


def esp_is_the_kernels(n):
    """A correspondent has no associations of bubd's: the kernel gets ESP, and what comes with the
    Home Address option of a bound mobile node, too (RFC 6275, 9.3.1)."""
    m = n.mobile()
    m.bind()
    body = struct.pack("!II", 0x4711, 1) + b"\x5a" * 32

    def delivered():
        text = nut.run("ip", "netns", "exec", n.link.nut, "cat", "/proc/net/snmp6")
        return int(text.split("Ip6InDelivers")[1].split()[0])

    def grows_by(care_of):
        before = delivered()
        for _ in range(50):
            text = nut.hao(m.home, nut.ESP_NH) + body
            n.link.send(nut.ip6(care_of, ADDRESS, nut.DSTOPT, text))
        n.silent("anything", lambda p: False)
        return delivered() - before

    check("delivered", grows_by(m.care_of) >= 50)
    check("without a binding, refused", grows_by("2001:db8:b::dead") < 50)


CASES = (
    options_of_other_messages_do_not_matter,
    authenticator_must_be_the_last_option,
    flags_for_home_agents_do_not_matter,
    care_of_address_twice_is_bound,
    care_of_address_must_be_unicast_and_routable,
    source_must_be_unicast_and_routable,
    care_of_address_may_not_lead_back,
    each_address_of_the_node_counts,
    first_number_may_be_any,
    tokens_are_good_for_more_than_one_update,
    handover_needs_only_a_new_care_of_test,
    refused_update_leaves_the_binding,
    wrong_tokens_are_no_key,
    expired_nonces_are_told_without_a_bit,
    every_form_of_deletion_works,
    deletion_needs_the_home_nonce_only,
    deletion_without_nonce_indices_is_dropped,
    type_of_a_binding_does_not_change,
    home_registration_has_no_nonce_indices,
    esp_is_the_kernels,
)

if __name__ == "__main__":
    sys.exit(nut.main([(Node, CASES)]))
