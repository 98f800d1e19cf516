#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The parts of bublab that need no namespaces: captures, ESP, bounds, losses, timeline, options."""

import argparse
import ipaddress
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock

import dpkt

from bublab import __main__ as command
from bublab import bounds, daemons, decode, esp, networks, pcap, report, timeline, topology
from bublab.events import Event, EventLogs
from bublab.session import Handover, describe

COA1, COA2 = "2001:db8:1a::ff:fe00:101", "2001:db8:2a::ff:fe00:102"
HOA1, HOA2 = topology.HOME_ADDRESS["mn1"], topology.HOME_ADDRESS["mn2"]


def packed(address):
    return ipaddress.IPv6Address(address).packed


def ip6(src, dst, proto, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + packed(src) + packed(dst) + payload


def rh2(proto, home):
    return struct.pack("!BBBBI", proto, 2, 2, 1, 0) + packed(home)


def hao(proto, home):
    return struct.pack("!BBBB", proto, 2, 1, 2) + bytes(2) + bytes([0xC9, 16]) + packed(home)


def udp(source, target, payload):
    return struct.pack("!HHHH", source, target, 8 + len(payload), 0) + payload


def ip4(src, dst, payload, flags=0):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, flags, 64, 17, 0)
    return head + ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed + payload


def write_pcap(path, frames):
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, snaplen=262144)
        for when, data in frames:
            writer.writepkt(bytes(12) + struct.pack("!H", pcap.ETHERTYPE_IPV6) + data, when)


class Capture(unittest.TestCase):
    def test_route_optimised_data(self):
        data = rh2(60, HOA2) + hao(17, HOA1) + b"\x13\x89\x13\x89\0\x08\0\0"
        packet = pcap.parse(ip6(COA1, COA2, 43, data))
        self.assertEqual((packet.home_src, packet.home_dst), (HOA1, HOA2))
        self.assertEqual((packet.src, packet.dst), (COA1, COA2))
        self.assertTrue(packet.is_data and packet.has_rh2)

    def test_mobility_messages(self):
        for kind, name in ((5, "Binding Update"), (8, "BUB Complete"), (99, "MH 99")):
            header = bytes([59, 1, kind, 0, 0, 0, 0, 0]) + bytes(8)
            packet = pcap.parse(ip6(COA1, HOA2, 60, hao(135, HOA1) + header))
            self.assertEqual(packet.mobility, name)
            self.assertFalse(packet.is_data)
        packet = pcap.parse(ip6(COA1, HOA2, 135, bytes([59, 1, 11, 0, 0, 0, 3, 1]) + bytes(8)))
        self.assertEqual(packet.mobility, "DH3")

    def test_every_truncation_is_survived(self):
        whole = ip6(COA1, COA2, 43, rh2(60, HOA2) + hao(17, HOA1) + bytes(8))
        for length in range(len(whole)):
            packet = pcap.parse(whole[:length])
            self.assertTrue(packet is None or packet.src == COA1)

    def test_what_udp_carries(self):
        """ESP by port 4500, whole packets by port 4191 (RFC 3948, 2; RFC 5555, 4.1), over both."""
        whole = ip6(HOA1, "2001:db8:1::1", 135, bytes([59, 1, 5, 0, 0, 0, 0, 0]) + bytes(8))
        update = pcap.parse(ip4("192.168.0.101", "198.51.100.6", udp(40000, 4191, whole)))
        self.assertEqual((update.src, update.dst), ("192.168.0.101", "198.51.100.6"))
        self.assertEqual(esp.innermost(update, {}).mobility, "Binding Update")
        for carrier in (
            lambda data: ip4("198.51.100.6", "192.168.0.101", udp(4500, 40000, data)),
            lambda data: ip6(COA1, "2001:db8:1::1", 17, udp(40000, 4500, data)),
        ):
            sealed = pcap.parse(carrier(b"\x11\x22\x33\x44" + bytes(40)))
            self.assertEqual((sealed.proto, sealed.payload[:4]), (pcap.ESP, b"\x11\x22\x33\x44"))
            for other in (b"\xff", bytes(40)):  # a keep-alive, IKE
                packet = pcap.parse(carrier(other))
                self.assertFalse(packet.is_data)
                self.assertEqual(packet.proto, pcap.NO_NEXT_HEADER)

    def test_ipv4_that_carries_nothing(self):
        data = udp(5000, 5001, bytes(20))
        self.assertIsNone(pcap.parse(ip4("192.0.2.1", "192.0.2.2", data)))
        esp_data = udp(4500, 40000, bytes([1] * 20))
        self.assertIsNone(pcap.parse(ip4("192.0.2.1", "192.0.2.2", esp_data, flags=1)))
        whole = ip4("192.0.2.1", "192.0.2.2", esp_data)
        for length in range(len(whole)):
            pcap.parse(whole[:length])
            self.assertTrue(pcap.is_cut_short(whole[:length]))
        self.assertFalse(pcap.is_cut_short(whole))

    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.pcap")
            write_pcap(path, [(1700000000.25, ip6(COA1, COA2, 17, bytes(8)))])
            [(when, packet)] = pcap.packets(path)
            self.assertEqual((when, packet.dst), (1700000000.25, COA2))
            whole = path.read_bytes()
            for length in range(len(whole)):
                path.write_bytes(whole[:length])
                self.assertLessEqual(len(list(pcap.packets(path))), 1)
            path.write_bytes(bytes.fromhex("0a0d0d0a") + bytes(60))  # pcapng, and nothing of it
            with self.assertRaises(ValueError):
                list(pcap.packets(path))

    def test_captures_of_real_machines(self):
        data = ip6(COA1, COA2, 17, bytes(8))
        ethertype = struct.pack("!H", pcap.ETHERTYPE_IPV6)
        frames = {
            1: bytes(12) + bytes.fromhex("81000007") + ethertype + data,  # a VLAN
            113: bytes(14) + ethertype + data,
            276: ethertype + bytes(18) + data,
            101: data,
        }
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.pcap")
            for linktype, frame in frames.items():
                with path.open("wb") as file:
                    dpkt.pcap.Writer(file, snaplen=262144, linktype=linktype).writepkt(frame, 5)
                with self.subTest(linktype):
                    self.assertEqual([p.dst for _when, p in pcap.packets(path)], [COA2])
            with path.open("wb") as file:
                dpkt.pcapng.Writer(file).writepkt(bytes(12) + ethertype + data, 5)
            self.assertEqual([(when, p.dst) for when, p in pcap.packets(path)], [(5.0, COA2)])
            with path.open("wb") as file:
                dpkt.pcap.Writer(file, linktype=147)
            with self.assertRaisesRegex(ValueError, "link type 147"):
                list(pcap.packets(path))


class Decode(unittest.TestCase):
    """Octets as docs/protocol.md, 2 to 4 and RFC 6275, 6 have them."""

    def said(self, message):
        return dict(decode.mobility(bytes.fromhex(message.replace(" ", ""))))

    def test_care_of_test_init(self):
        home = packed(HOA1).hex()
        said = self.said("3b05020000000000 0123456789abcdef 120100 081102" + home + "0102 0000")
        self.assertEqual(said["Init cookie"], "0123456789abcdef")
        self.assertEqual(said["BUB option"], "Do BUB")
        self.assertEqual(said["Identity"], HOA1)

    def test_binding_update_and_acknowledgement(self):
        update = "3b030500 0000 002a c000 0384 0100 050c 00112233445566778899aabb"
        said = self.said(update)
        self.assertEqual(said["Sequence number"], "42")
        self.assertEqual(said["Flags"], "A H")
        self.assertEqual(said["Lifetime"], "3600 s")
        self.assertEqual(said["Authenticator"], "00112233445566778899aabb")
        self.assertEqual(decode.remark(bytes.fromhex(update.replace(" ", ""))), "42")
        said = self.said("3b010600 0000 8700 002a 0000 01020000")
        self.assertEqual(said["Status"], "135: sequence number out of window")

    def test_options_of_ipv4(self):
        said = self.said("3b040500 0000 002a c000 0384 1d06 8200 c0000207 2006 0000 cb007109 0102 0000")
        self.assertEqual(said["IPv4 home address"], "192.0.2.7/32, wants a prefix")
        self.assertEqual(said["IPv4 care-of address"], "203.0.113.9")
        said = self.said("3b030600 0000 0000 002a 0384 1e06 8480 c0000207 1f06 8000 0000006e")
        self.assertEqual(said["IPv4 home address acknowledged"],
                         "132: no address is assigned, 192.0.2.7/32")
        self.assertEqual(said["NAT detection"], "refresh after 110 s, UDP is forced")
        said = self.said("3b020600 0000 0000 002a 0384 1f06 0000 ffffffff 01020000")
        self.assertEqual(said["NAT detection"], "none")
        self.assertEqual(decode.option(29, bytes(4)), ("Option 29", "00000000"))

    def test_dh(self):
        items = "01000010" + "aa" * 16 + "04000010" + packed(HOA2).hex()
        said = self.said("3b000b00 0000 0401" + "11" * 8 + "22" * 8 + items + "cc" * 12)
        self.assertEqual((said["sid1"], said["sid2"]), ("11" * 8, "22" * 8))
        self.assertEqual((said["Nonce"], said["Identity"]), ("aa" * 16, HOA2))
        self.assertEqual(said["Signature"], "cc" * 12)

    def test_layers_of_what_udp_carries(self):
        whole = ip6(HOA1, "2001:db8:1::1", 135, bytes([59, 1, 5, 0, 0, 0, 0, 0]) + bytes(8))
        data = ip4("192.168.0.101", "198.51.100.6", udp(40000, 4191, whole))
        titles = [layer.title for layer in decode.layers(data, {})]
        self.assertEqual(titles, ["IPv4", "UDP", "IPv6", "Binding Update"])

    def test_layers_of_a_packet(self):
        update = bytes.fromhex("3b010500 0000 002a 8000 0384 01020000".replace(" ", ""))
        packet = ip6(COA1, COA2, 43, rh2(60, HOA2) + hao(135, HOA1) + update)
        titles = [layer.title for layer in decode.layers(packet, {})]
        self.assertEqual(
            titles, ["IPv6", "Routing header, type 2", "Destination options", "Binding Update"]
        )

    def test_every_truncation_is_survived(self):
        for kind in range(13):
            message = bytes([59, 9, kind]) + bytes(69)
            for length in range(len(message)):
                decode.mobility(message[:length])
                decode.remark(message[:length])
        packet = ip6(COA1, COA2, 50, bytes(80))
        for length in range(len(packet)):
            list(decode.layers(packet[:length], {0: bytes(16)}))


class Esp(unittest.TestCase):
    KEY = bytes.fromhex("06a9214036b8a15b512e03d534120006")

    def test_aes_cbc(self):
        """RFC 3602, 4: case 1."""
        iv = bytes.fromhex("3dafba429d9eb430b422da802c9fac41")
        sealed = bytes.fromhex("e353779c1079aeb82708942dbe77181a")
        self.assertEqual(esp.aes_cbc(self.KEY, iv, sealed), b"Single block msg")

    def test_key_log(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "mn1.keys")
            row = ["IPv6", "*", "*", "0x00001000", "AES-CBC [RFC3602]", "0x" + self.KEY.hex()]
            row += ["HMAC-SHA-256-128 [RFC4868]", "0x" + "11" * 32]
            text = ",".join(f'"{cell}"' for cell in row)
            path.write_text(f"# bub-key Kbm {HOA1} {HOA2} 00\n{text}\n")
            self.assertEqual(esp.read_keys([path]), {0x1000: self.KEY})

    def test_unknown_spi_stays_closed(self):
        packet = pcap.parse(ip6(COA1, "2001:db8:1::1", 50, bytes(120)))
        self.assertIs(esp.innermost(packet, {}), packet)

    def test_plain_tunnel_is_opened(self):
        inner = ip6(HOA2, HOA1, 17, bytes(8))
        packet = pcap.parse(ip6("2001:db8:1::1", COA1, 41, inner))
        self.assertEqual(esp.innermost(packet, {}).dst, HOA1)


class Bounds(unittest.TestCase):
    """The numbers are added up by hand from the default delays."""

    def places(self, one, two, static=False, **delays):
        return bounds.Places(topology.Options(delays), {"mn1": one, "mn2": two}, static)

    def test_paths(self):
        away = self.places("ar1a", "ar2b")
        self.assertEqual(away.home("mn1"), 5 + 10 + 15)
        self.assertEqual(away.direct(), 5 + 10 + 10 + 5)
        self.assertEqual(away.backhaul("mn1", "mn2"), 30 + 15 + 15 + 30)
        self.assertEqual(away.via_home_of("mn1", "mn2"), 5 + 10 + 15 + 15 + 10 + 5)
        home = self.places("ha1", "ar2a")
        self.assertEqual(home.home("mn1"), 5)
        self.assertEqual(home.direct(), 5 + 15 + 10 + 5)
        self.assertEqual(home.backhaul("mn1", "mn2"), 5 + 15 + 15 + 30)

    def test_bounds(self):
        places = self.places("ar1a", "ar2b")
        self.assertEqual(bounds.tunnel_bound(places, "mn1"), 60)
        self.assertEqual(bounds.ro_bound(places, "mn1", "mn2", False), 60 + 60 + 30)
        self.assertEqual(bounds.ro_bound(places, "mn1", "mn2", True), 180 + 60 + 30)
        self.assertEqual(bounds.ro_bound(places, "mn1", "mn2", False, 0), 90)  # through tunnels
        self.assertEqual(bounds.bub_bound(places, "mn1", "mn2", True, None), 60)
        self.assertEqual(bounds.bub_bound(places, "mn1", "mn2", False, None), 90 + 30)

    def test_double_jump(self):
        places = self.places("ar1a", "ar2b")
        # Data through both tunnels is there before the Binding Update has had its effect.
        self.assertEqual(bounds.bub_bound(places, "mn1", "mn2", True, 0), 30 + 30 + 30)
        self.assertEqual(bounds.bub_bound(places, "mn1", "mn2", True, 20), 20 + 90)
        # The peer's home agent hears of the peer's place only after our Binding Update came.
        self.assertEqual(bounds.bub_bound(places, "mn1", "mn2", True, 100), 130 + 30 + 30)
        # The peer was there long before us: our home agent has to hear of us first.
        self.assertEqual(bounds.bub_bound(places, "mn1", "mn2", True, -100), 30 + 30)

    def test_without_a_direct_path(self):
        """The peer is told through the home agents, and sends through them."""
        places = self.places("nat1", "ar2b")
        self.assertEqual(bounds.tunnel_bound(places, "mn1"), 60)
        self.assertEqual(bounds.around_bound(places, "mn1", "mn2"), 60 + 60)
        self.assertEqual(bounds.around_bound(places, "mn1", "mn2", 0), 90)  # both moved
        self.assertFalse(networks.direct("nat1"))
        self.assertTrue(networks.direct("noeh") and networks.direct("ar1a"))

    def test_router_of_ipv4_is_asked_where_it_is(self):
        """Once to and fro over the radio link."""
        for place, unready in (("ipv4", 10), ("nat1", 10), ("dual", 0), ("ar1a", 0), ("ha1", 0)):
            self.assertEqual(self.places(place, "ar2b").unready("mn1"), unready)

    def bound_of_a_move(self, one, mode, **usable):
        h = types.SimpleNamespace(usable=usable)
        return report.bound_of_mode(None, h, self.places(one, "nat2"), "mn1", mode, [])

    def test_bound_has_the_question_for_the_router_in_it(self):
        self.assertEqual(self.bound_of_a_move("nat1", "tunnel", mn1=1.0), 70)
        self.assertEqual(self.bound_of_a_move("nat1", "bub", mn1=1.0), 130)
        self.assertEqual(self.bound_of_a_move("ar1a", "bub", mn1=1.0), 120)
        # Both ask at the same time; and a node that has nothing to ask waits for one that has.
        self.assertEqual(self.bound_of_a_move("nat1", "bub", mn1=1.0, mn2=1.0), 100)
        self.assertEqual(self.bound_of_a_move("ar1a", "bub", mn1=1.0, mn2=1.0), 100)

    def test_silence_of_new_mappings_ends_with_the_next_move(self):
        """What a move costs later is no matter of the NAT's."""
        session = types.SimpleNamespace(
            mappings=[("nat1", 10.0)],
            handovers=[types.SimpleNamespace(cut=5.0, places={"mn1": "nat1"}),
                       types.SimpleNamespace(cut=10.5, places={"mn2": "nat2"})],
            topology=types.SimpleNamespace(options=topology.Options({}), first_place=lambda m: "ha1"),
            traffic=types.SimpleNamespace(received_log=lambda node: node),
        )
        times = [10.01, 10.02, 10.09, 10.1, 10.4, 10.9]
        arrivals = [types.SimpleNamespace(received=when) for when in times]
        with unittest.mock.patch.object(report, "read_received", lambda path: arrivals[:-2]):
            (found,) = report.mapping_figures(session)
        self.assertAlmostEqual(found["silence_ms"], 70)
        with unittest.mock.patch.object(report, "read_received", lambda path: arrivals):
            (found,) = report.mapping_figures(session)
        self.assertAlmostEqual(found["silence_ms"], 300)

    def test_static_peer(self):
        places = self.places("ar1b", "ar2a", static=True)
        self.assertEqual(bounds.ro_bound(places, "mn1", "mn2", False), 4 * 30)

    def test_delays_of_the_command_line(self):
        places = self.places("ar1a", "ar2b", ar1a=1, mn1=2)
        self.assertEqual(places.direct(), 2 + 1 + 10 + 5)


class Losses(unittest.TestCase):
    def test_each_belongs_to_the_last_cut_that_it_may_have_met(self):
        handovers = [Handover("", {"mn1": "ar1a"}, {}, cut, True) for cut in (100.0, 110.0)]
        lost = [50.0, 99.9, 100.2, 109.5, 109.9, 110.1]
        self.assertEqual(report.attribute(lost, handovers), ([3, 2], 1))


    def test_stalls_belong_to_the_cut_that_they_followed(self):
        handovers = [Handover("", {"mn1": "ar1a"}, {}, cut, True) for cut in (100.0, 110.0)]
        progress = [(99.0, 1), (99.95, 2), (102.0, 3), (105.0, 4), (109.95, 5), (113.0, 6)]
        self.assertEqual([round(ms) for ms in report.stalls(progress, handovers)], [4950, 3050])


class Timeline(unittest.TestCase):
    def setUp(self):
        names = timeline.Names()
        for address, name in ((HOA1, "mn1"), (HOA2, "mn2"), ("2001:db8:1::1", "ha1")):
            names.add(address, name)
        self.condenser = timeline.Condenser(names)

    def lines(self, *events):
        found = []
        for event in events:
            found += self.condenser.feed(event)
        return [(line.node, line.text) for line in found + list(self.condenser.flush())]

    def sent(self, when, what, via, number=7, peer=HOA2):
        return Event(when, "mn1", "sent", {"what": what, "via": via, "number": number, "peer": peer})

    def test_copies_share_a_line(self):
        update = "Binding Update"
        lines = self.lines(
            self.sent(1.0, update, "home agent", 3, "2001:db8:1::1"),
            self.sent(1.001, update, "home agents"),
            self.sent(1.001, update, "direct"),
        )
        self.assertEqual(
            lines,
            [
                ("mn1", "-> ha1  Binding Update 3 [ESP]"),
                ("mn1", "-> mn2  Binding Update 7 [through the home agents and direct]"),
            ],
        )

    def test_messages_apart_do_not(self):
        self.assertEqual(
            len(self.lines(self.sent(1.0, "DH1", "direct"), self.sent(1.2, "DH3", "direct"))), 2
        )

    def test_mode(self):
        state = {"machine": "mode", "from": "ro", "to": "bub", "what": "why", "peer": HOA2}
        self.assertEqual(
            self.lines(Event(1, "mn1", "state", state)), [("mn1", "BUB mode with mn2 (why)")]
        )


class Events(unittest.TestCase):
    def test_logs_are_followed_and_half_lines_wait(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "log")
            logs = EventLogs()
            logs.follow(path)
            logs.poll()
            path.write_text('{"time": 2, "node": "mn1", "event": "start"}\n{"time": 1, "no')
            logs.poll()
            self.assertEqual([e.time for e in logs.all], [2])
            with open(path, "a") as file:
                file.write('de": "mn2", "event": "start"}\n')
            logs.poll()
            self.assertEqual([e.time for e in logs.ordered()], [1, 2])


class Control(unittest.TestCase):
    """A daemon that is too busy to take a connection, or to answer one."""

    def ask(self, backlog):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server, \
                socket.socket(socket.AF_UNIX) as first, unittest.mock.patch.object(daemons, "ANSWER_S", 0.1):
            path = pathlib.Path(folder)
            server.bind(str(path / "mn1.sock"))
            server.listen(backlog)
            if backlog == 0:
                first.connect(str(path / "mn1.sock"))
            control = daemons.Daemons(types.SimpleNamespace(run_dir=path), daemons.BubOptions(), path)
            self.assertFalse(control._answers("mn1"))
            with self.assertRaisesRegex(daemons.LabError, "bubd of mn1 has not answered for 0.1 s"):
                control.ask("mn1", "show")

    def test_no_connection(self):
        self.ask(0)

    def test_no_answer(self):
        self.ask(8)


class Options(unittest.TestCase):
    def test_links(self):
        self.assertEqual(command.delay_value("ar1a=2.5"), ("ar1a", 2.5))
        for bad in ("x=1", "ar1a", "ar1a=", "ar1a=-1", "ar1a=many", "ar1a=nan"):
            with self.subTest(bad), self.assertRaises(argparse.ArgumentTypeError):
                command.delay_value(bad)
        with self.assertRaises(argparse.ArgumentTypeError):
            command.loss_value("mn1=101")

    def test_out_folder_with_other_things_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            (out / "precious").touch()
            with self.assertRaises(command.LabError):
                command.prepare_out(out)
            (out / "precious").rename(out / "summary.json")
            with self.assertRaisesRegex(command.LabError, "holds a run already"):
                command.prepare_out(out)
            self.assertTrue((out / "summary.json").exists())
            command.prepare_out(out, replace=True)
            self.assertEqual([p.name for p in out.iterdir()], ["logs"])

    def test_out_folder_of_another_run(self):
        """A run holds its folder until it ends, however it ends."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "out")
            hold = ("import sys, pathlib; from bublab.__main__ import prepare_out;"
                    "prepare_out(pathlib.Path(sys.argv[1])); print(1, flush=True); input()")
            with subprocess.Popen([sys.executable, "-c", hold, out], text=True,
                                  env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
                other.stdout.readline()
                (out / "summary.json").touch()
                with self.assertRaisesRegex(command.LabError, "another run"):
                    command.prepare_out(out, replace=True)
                self.assertTrue((out / "summary.json").exists())
                other.kill()
            command.prepare_out(out, replace=True)
            self.assertFalse((out / "summary.json").exists())

    def test_out_folder_that_cannot_be_made(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "file")
            file.touch()
            for out in (file, file / "below", pathlib.Path("/proc/x")):
                with self.subTest(out), self.assertRaisesRegex(command.LabError, str(out)):
                    command.prepare_out(out)

    def test_configs(self):
        out, run = pathlib.Path("/o"), pathlib.Path("/r")
        mn1 = daemons.config_text("mn1", daemons.BubOptions(direct_copy=False), out, run)
        self.assertIn('home-address = "2001:db8:1::10/64"', mn1)
        self.assertIn("direct-copy = false", mn1)
        self.assertIn("policy = allow", mn1)
        mn2 = daemons.config_text("mn2", daemons.BubOptions(stock_peer=True), out, run)
        self.assertIn("policy = never", mn2)
        static = daemons.BubOptions(static_peer=True)
        self.assertNotIn("mobile-node", daemons.config_text("mn2", static, out, run))
        self.assertNotIn("mn2.secret", daemons.config_text("ha2", static, out, run))
        self.assertIn("mn1.secret", daemons.config_text("ha1", static, out, run))

    def test_what_did_not_come_about(self):
        """A walk goes on, and the run has failed."""
        done = Handover("mn1 moves", {"mn1": "nat1"}, {"mn1": ""}, 1, True, missing="no way")
        vain = Handover("mn1 tries", {"mn1": "noudp"}, {"mn1": ""}, 1, True, in_vain=True)
        rows = [report.Figures(h, "tunnel", {"mn1": None}, {}, {}, [], 0, 0, (0, 0), 0, False)
                for h in (done, vain)]
        said = command.verdict(rows, {"tcp": {"ok": True}}, ["no new mapping"])
        self.assertEqual(said, ["no new mapping", "mn1 moves: no way"])

    def test_networks(self):
        self.assertEqual(topology.care_of_address("mn1", "nat1"), "192.168.0.101")
        self.assertEqual(topology.care_of_address("mn2", "noesp"), "2001:db8:e::ff:fe00:102")
        names = [entry for router in networks.NETWORKS for entry in (f"p-acc-{router}", router)]
        self.assertLess(max(map(len, names)), 16)  # they are interfaces
        for router, network in networks.NETWORKS.items():
            text = networks.firewall(router)
            self.assertEqual(bool(text), bool(network.rules or network.nat), router)
            self.assertEqual(text.count("{"), text.count("}"), router)

    def test_what_a_move_is_called(self):
        before = {"mn1": "ha1", "mn2": "ar2a"}
        self.assertEqual(describe({"mn1": "ar1a"}, before), "mn1 leaves home for ar1a")
        self.assertEqual(
            describe({"mn1": "ar1a", "mn2": "ha2"}, before),
            "mn1 leaves home for ar1a and mn2 returns home in the same instant",
        )


class Remains(unittest.TestCase):
    def test_a_run_that_fails_at_its_begin_leaves_temporary_files_of_others_alone(self):
        program = """
import tempfile
import unittest.mock
from bublab import remains

def fail(then):
    tempfile.gettempdir()  # as temporary_folders() does
    raise RuntimeError("clean() has failed")

with unittest.mock.patch("bublab.remains.clean", fail), unittest.mock.patch("os.geteuid", lambda: 0):
    remains.begin()
"""
        with tempfile.TemporaryDirectory() as folder:
            others = pathlib.Path(folder, "others")
            others.touch()
            run = subprocess.run([sys.executable, "-c", program], env=os.environ | {"TMPDIR": folder},
                                 capture_output=True, text=True, check=False)
            self.assertIn("clean() has failed", run.stderr)
            self.assertTrue(others.exists())


if __name__ == "__main__":
    unittest.main()
