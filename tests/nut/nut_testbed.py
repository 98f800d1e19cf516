#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd set up as test beds set up a node: associations written out, or none at all.

One pair of associations for each kind of message, with the algorithms that other stacks have; the
other end begins its ESP numbers at 1 again for every test.  Then the same without IPsec.  Each
node is restarted in the middle: it has forgotten everything, the tester has not.

RFC 6275, 5.1 (protection), 11.7.3 (sequence numbers); RFC 3776, 4 (associations).
"""

import struct
import sys
import time

import nut_common as nut
import nut_ha as ha
import nut_mn as mn
from nut_common import A, MPS_UP, Bare, StaticEsp, equal

NOT_BUB = "bub { policy = never }"
NO_IPSEC = "unprotected = {binding-updates, mobility, prefix-discovery}\n"


# ---- Mobile node -------------------------------------------------------------------------------


def registration_is_accepted(n):
    n.acknowledge(n.seq)
    n.link.expect("MPS", lambda p: n.esp.is_for(MPS_UP, p) and n.esp.message(MPS_UP, p).icmp == 146)


def restarted_it_goes_on_from_the_home_agents_number(n):
    """Killed and started again while away: its home agent knows a greater number, and says so."""
    n.link.stop(hard=True)
    n.link.drain()
    begin = time.monotonic()
    n.link.launch()
    p = n.update()
    print(f"# Binding Update {p.at - begin:.2f} s after the start", flush=True)
    last = p.bu.seq + 20000 & 0xFFFF
    n.acknowledge(p.bu.seq, status=135)  # no number that the home agent could have
    n.acknowledge(last, status=135, units=0)
    p = n.update()
    equal("sequence", p.bu.seq, last + 1 & 0xFFFF)
    n.acknowledge(p.bu.seq)
    peer = mn.Peer(n, 0x20)
    ident = peer.ping()
    n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))


def restarted_with_an_equal_number_it_finds_on(n):
    """The home agent's last number is the one that was drawn, by chance."""
    n.link.stop()
    n.link.drain()
    n.link.launch()
    p = n.update()
    n.acknowledge(p.bu.seq, status=135, units=0)
    p = n.update()
    n.acknowledge(p.bu.seq)
    peer = mn.Peer(n, 0x21)
    ident = peer.ping()
    n.tunnelled("echo reply", lambda p: peer.is_reply(p, ident))


def unprotected_answer_is_dropped(n):
    n.acknowledge(n.seq, protected=False)
    p = n.update()  # still repeated
    n.seq = p.bu.seq


def answer_of_another_than_the_home_agent_is_dropped(n):
    """Without IPsec, the address is all there is."""
    text = nut.mobility(nut.BA, struct.pack("!BBHH", 0, 0, n.seq, 100))
    n.link.send(nut.mobile("2001:db8:66::1", n.care_of, text, to_home=mn.HOME))
    p = n.update()  # still repeated
    n.seq = p.bu.seq


MN_STORY = (
    mn.at_home_it_is_a_host,
    mn.moved_it_registers,
    registration_is_accepted,
    mn.tunnelled_packet_starts_return_routability,
    mn.tokens_make_a_binding_update,
    mn.acknowledged_it_sends_directly,
    mn.moved_again_it_tells_everybody,
    mn.returned_it_deregisters,
    mn.returned_it_deletes_the_bindings,
)
RESTARTS = (
    mn.moved_it_registers,
    restarted_it_goes_on_from_the_home_agents_number,
    restarted_with_an_equal_number_it_finds_on,
)


def after(case, story, more):
    at = story.index(case) + 1
    return story[:at] + (more,) + story[at:]


def old_mobile_node(bubd):
    esp = StaticEsp(("3des-sha1",) * 4)
    return mn.Node(bubd, extra=NOT_BUB, esp=esp, keys=esp.config(False))


def mixed_mobile_node(bubd):
    esp = StaticEsp(("null-sha1", "aes-sha1", "null-sha1", "aes-sha256"))
    return mn.Node(bubd, extra=NOT_BUB, esp=esp, keys=esp.config(False))


def bare_mobile_node(bubd):
    return mn.Node(bubd, extra=NO_IPSEC + NOT_BUB, esp=Bare(), keys="protect-payload = false")


# ---- Home agent --------------------------------------------------------------------------------


def restarted_it_serves_on(n):
    """It has the registration again (RFC 6275, 10.1): the tunnel, the interception, and the last
    number, so that an update from before is refused; and its numbers in ESP go on."""
    m = n.mobile()
    m.register()
    n.link.stop(hard=True)
    n.link.drain()
    begin = time.monotonic()
    n.link.launch()
    n.link.wait("an answer", n.is_ready)
    print(f"# ready after {time.monotonic() - begin:.2f} s", flush=True)
    m.check_reverse()
    m.is_intercepted()
    m.register()
    m.check_reverse()


def address_that_comes_late_is_told(n):
    """The operator has misspelt it, or its link is not up yet."""
    ip = ("ip", "-n", n.link.nut, "addr")
    n.link.stop()
    nut.run(*ip, "del", f"{ha.AGENT}/64", "dev", "eth0")
    n.link.launch()
    n.link.wait("a warning", lambda: any(f"{ha.AGENT} is on no interface (yet)" in line
                                         for line in n.link.tail()))
    nut.run(*ip, "add", f"{ha.AGENT}/64", "dev", "eth0", "nodad")
    nut.run("ip", "-n", n.link.nut, "route", "replace", "default", "via", "fe80::1", "dev", "eth0")
    n.link.wait("an answer", n.is_ready)
    n.mobile().register()


def update_without_home_bit_is_a_correspondents(n):
    """Not a registration, however little is protected: it has no authenticator."""
    m = n.mobile()
    m.send(flags=A)
    n.silent("BA", lambda p: p.dst == m.care_of)
    m.register()


def update_for_an_unknown_node_is_refused(n):
    """Administratively prohibited (RFC 6275, 10.3.1): without IPsec there is somebody to tell."""
    m = n.mobile()
    m.home = f"{ha.PREFIX}1ff"
    m.send()
    equal("status", m.answer().ba.status, 129)


HA_STORY = (
    ha.first_registration_probes_for_duplicates,
    ha.refresh_does_not_probe,
    ha.old_sequence_is_refused,
    ha.alternate_care_of_address_is_the_source,
    ha.test_message_for_a_mobile_node_goes_in_the_tunnel,
    ha.reverse_tunnel_is_forwarded,
    ha.reverse_tunnel_checks_the_outer_source,
    ha.reverse_tunnel_checks_the_inner_source,
    ha.deregistration_by_lifetime,
    ha.deregistration_from_home,
    ha.prefixes_are_told,
    restarted_it_serves_on,
)
PROTECTED = (ha.update_without_esp_is_dropped, ha.update_for_another_node_is_refused)
NAMES = (
    ("3des-sha1",) * 4,
    ("aes-sha1",) * 4,
    ("null-sha1", "aes-sha1", "null-sha1", "null-sha1"),
    ("aes-sha256", "3des-sha1", "aes-sha1", "aes-sha256"),
)


def old_home_agent(bubd):
    esps = {i: StaticEsp(NAMES[i % len(NAMES)], 0x100 + 16 * i) for i in range(1, ha.MOBILES)}
    return ha.Node(bubd, esps=esps, keys=lambda i: esps[i].config(True))


def bare_home_agent(bubd):
    esps = {i: Bare() for i in range(1, ha.MOBILES)}
    return ha.Node(bubd, "protect-payload = false\ndad = never", esps, NO_IPSEC, lambda i: "")


if __name__ == "__main__":
    sys.exit(
        nut.main(
            [
                (old_mobile_node, after(mn.moved_it_registers, MN_STORY,
                                        unprotected_answer_is_dropped)),
                (mixed_mobile_node, RESTARTS),
                (bare_mobile_node, after(mn.moved_it_registers, MN_STORY,
                                         answer_of_another_than_the_home_agent_is_dropped)),
                (old_home_agent, HA_STORY + PROTECTED),
                (bare_home_agent, HA_STORY[1:] + (
                    address_that_comes_late_is_told,
                    update_without_home_bit_is_a_correspondents,
                    update_for_an_unknown_node_is_refused,
                )),
            ]
        )
    )
