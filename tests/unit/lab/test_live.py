#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The live page without its worlds: who may ask for what, and reading files that grow."""

import asyncio
import json
import pathlib
import struct
import tempfile
import types
import unittest

import made_up
from aiohttp import test_utils
from bublab import live, pcap, recording, server, topology
from bublab.system import LabError, Lines

OWN = {"Origin": "http://127.0.0.1:{port}", "Content-Type": "application/json"}
MOVE = {"do": "move", "nodes": ["mn1"]}


class FakeWorld:
    """Writes down what it is told."""

    def __init__(self):
        self.session = types.SimpleNamespace(place={"mn1": "ar1a", "mn2": "ar2b"})
        self.cut = []
        self.told = []

    def move(self, places):
        self.told.append(places)
        self.session.place.update(places)

    def cut_link(self, link):
        self.cut.append(link)

    def mend_link(self, link):
        self.cut.remove(link)

    def set_links(self, factor, loss):
        self.told.append((factor, loss))


def fake_worlds():
    worlds = live.Worlds.__new__(live.Worlds)
    worlds.worlds = [FakeWorld(), FakeWorld()]
    worlds.moved = 0.0
    return worlds


class Requests(unittest.TestCase):
    def ask(self, method, path, headers=None, body=None, worlds=None):
        """Status, text and headers of the answer."""
        worlds = worlds or fake_worlds()

        async def run():
            app = server.Server(worlds).application()
            async with test_utils.TestServer(app, host="127.0.0.1") as running:
                async with test_utils.TestClient(running) as client:
                    own = {name: value.format(port=running.port) for name, value in (headers or {}).items()}
                    text = body if isinstance(body, str) else json.dumps(body)
                    data = None if body is None else text.encode()
                    answer = await client.request(method, path, headers=own, data=data)
                    return answer.status, await answer.text(), answer.headers

        return asyncio.run(run())

    def test_page_and_its_files(self):
        status, text, headers = self.ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertIn("Move both", text)
        self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
        self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
        for path in server.FILES:
            with self.subTest(path):
                self.assertIn(f'"{path[1:]}"', text)
                status, file, _ = self.ask("GET", path)
                self.assertEqual(status, 200)
                self.assertGreater(len(file), 100)
        self.assertNotIn("http:", text.replace("http://www.w3.org", ""))
        self.assertEqual(self.ask("GET", "/../etc/passwd")[0], 404)

    def test_only_this_machine_is_asked_for(self):
        """A page of evil.example that had its name led to this address (DNS rebinding)."""
        worlds = fake_worlds()
        for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", "10.0.0.1", ""):
            with self.subTest(host):
                for path in ("/", "/events", "/live.js"):
                    self.assertEqual(self.ask("GET", path, {"Host": host})[0], 403)
                own = {**OWN, "Host": host, "Origin": f"http://{host}"}
                self.assertEqual(self.ask("POST", "/do", own, MOVE, worlds)[0], 403)
        for host in ("localhost", "localhost:99", "127.0.0.1:1", "[::1]:8765", "[::1]"):
            with self.subTest(host):
                self.assertEqual(self.ask("GET", "/", {"Host": host})[0], 200)
        self.assertEqual(worlds.worlds[0].told, [])

    def test_only_the_page_itself_changes_anything(self):
        worlds = fake_worlds()
        for origin in ("http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"):
            with self.subTest(origin):
                self.assertEqual(self.ask("POST", "/do", {**OWN, "Origin": origin}, MOVE, worlds)[0], 403)
        plain = {"Content-Type": "application/json"}  # no page at all
        self.assertEqual(self.ask("POST", "/do", plain, MOVE, worlds)[0], 403)
        form = {**OWN, "Content-Type": "text/plain"}
        self.assertEqual(self.ask("POST", "/do", form, MOVE, worlds)[0], 415)
        self.assertEqual(self.ask("GET", "/do", OWN, worlds=worlds)[0], 405)
        self.assertEqual(worlds.worlds[0].told, [])
        self.assertEqual(self.ask("POST", "/do", OWN, MOVE, worlds)[0], 200)
        self.assertEqual([world.told for world in worlds.worlds], [[{"mn1": "ar1b"}]] * 2)

    def test_requests_that_make_no_sense(self):
        worlds = fake_worlds()
        for asked, words in (
            ([], "expected an object"), ({"do": "fly"}, "move, cut, mend, links"),
            ({"do": ["move"]}, "expected an object"), ({"do": "move"}, '"nodes"'),
            ({"do": "move", "nodes": []}, '"nodes"'), ({"do": "move", "nodes": ["ha1"]}, "mn1, mn2"),
            ({"do": "move", "nodes": [["mn1"]]}, '"nodes"'),
            ({"do": "cut", "link": "ar1a"}, '"link"'), ({"do": "cut", "link": {}}, '"link"'),
            ({"do": "mend", "link": "mn1"}, "is not cut"),
            ({"do": "links", "delay_ms": 30}, '"loss_pct"'),
            ({"do": "links", "delay_ms": -1, "loss_pct": 0}, "from 0 to 300"),
            ({"do": "links", "delay_ms": True, "loss_pct": 0}, '"delay_ms"'),
            ({"do": "links", "delay_ms": 30, "loss_pct": 31}, "from 0 to 30"),
            ({"do": "links", "delay_ms": float("nan"), "loss_pct": 0}, '"delay_ms"'),
        ):
            with self.subTest(asked):
                status, text, _ = self.ask("POST", "/do", OWN, asked, worlds)
                self.assertEqual(status, 409)
                self.assertIn(words, text)
        self.assertEqual(self.ask("POST", "/do", OWN, "{", worlds)[0], 400)
        self.assertEqual(self.ask("POST", "/do", OWN, {**MOVE, "x": "y" * 9999}, worlds)[0], 413)
        self.assertEqual(worlds.worlds[0].told, [])

    def test_both_worlds_do_the_same(self):
        worlds = fake_worlds()
        worlds.do({"do": "move", "nodes": ["mn2", "mn1"]})
        worlds.do({"do": "links", "delay_ms": 60, "loss_pct": 2})
        worlds.do({"do": "cut", "link": "ha1"})
        for world in worlds.worlds:
            self.assertEqual(world.told, [{"mn1": "ar1b", "mn2": "ar2a"}, (2.0, 2.0)])
            self.assertEqual(world.cut, ["ha1"])
        with self.assertRaisesRegex(live.Refused, "cut already"):
            worlds.do({"do": "cut", "link": "ha1"})
        worlds.do({"do": "mend", "link": "ha1"})
        self.assertEqual(worlds.worlds[1].cut, [])

    def test_listens_on_this_machine_only(self):
        with server.listen(0) as sock:
            self.assertEqual(sock.getsockname()[0], "127.0.0.1")
            with self.assertRaisesRegex(LabError, r"\(Address already in use\): give another"):
                server.listen(sock.getsockname()[1])


class Growing(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def test_lines(self):
        path = self.folder / "log"
        lines = Lines(path)
        self.assertEqual(lines.read(), [])
        with path.open("ab", buffering=0) as file:
            got = []
            for octet in b"one\ntwo \xc3\xa4\n\nthr":
                file.write(bytes([octet]))
                got += lines.read()
            self.assertEqual(got, ["one", "two ä", ""])
            file.write(b"ee\n")
            self.assertEqual(lines.read(), ["three"])

    def test_capture_is_the_same_piece_by_piece(self):
        """The file of a run in pieces gives the frames and the messages of the whole."""
        made_up.write(self.folder / "run")
        made_of = self.folder / "run" / "pcap" / "mn1.pcap"
        whole = struct.pack("=IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)  # as linkem writes it
        for when, octets in pcap.ip_frames(made_of):
            frame = bytes(12) + b"\x86\xdd" + octets
            micros = round(when * 1e6)
            whole += struct.pack("=IIII", *divmod(micros, 10**6), len(frame), len(frame)) + frame
        source = self.folder / "mn1.whole"
        source.write_bytes(whole)
        expected = list(pcap.ip_frames(source))
        path = self.folder / "mn1.pcap"
        path.write_bytes(whole[:24])
        tail, got = pcap.Tail(path), []
        made = recording.read(self.folder / "run")
        collector, messages = recording.Collector(made.keys), []
        with path.open("ab", buffering=0) as file:
            for at in range(24, len(whole), 777):
                file.write(whole[at : at + 777])
                for when, octets in tail.frames():
                    got.append((when, octets))
                    collector.add("mn1", when, octets)
                if got:
                    until = got[-1][0] - 0.1  # the last are held back
                    messages += collector.messages(until)
                    collector.forget(until)
        self.assertEqual([octets for _, octets in got], [octets for _, octets in expected])
        for (one, _), (other, _) in zip(got, expected):
            self.assertAlmostEqual(one, other, places=5)
        tail.remove()
        messages += collector.messages()
        at_once = recording.Collector(made.keys)
        at_once.read(source)
        expected = [(m.packet, len(m.sightings)) for m in at_once.messages()]
        self.assertEqual([(m.packet, len(m.sightings)) for m in messages], expected)

    def test_packets_left_out_are_lost(self):
        watch = live.Watch.__new__(live.Watch)
        watch.next_number, watch.missing = {}, {}
        for number, sent in ((10, 1.0), (11, 1.04), (15, 1.2), (13, 1.12)):
            watch.arrived("mn1", number, sent)
        self.assertEqual(sorted(watch.missing), [("mn1", 12), ("mn1", 14)])
        self.assertAlmostEqual(watch.missing["mn1", 12], 1.08)
        watch.arrived("mn1", 16, 1.24)
        self.assertEqual(len(watch.missing), 2)

    def test_longest_silence(self):
        watch = live.Watch.__new__(live.Watch)
        watch.progress = [(t, 0) for t in (1.0, 3.0, 3.1, 3.6)]
        watch.begin(2.9)
        self.assertAlmostEqual(watch.silence(3.7), 0.5)
        self.assertAlmostEqual(watch.silence(4.6), 1.0)  # it goes on
        watch.begin(0.5)
        self.assertAlmostEqual(watch.silence(3.7), 2.0)


class Places(unittest.TestCase):
    def test_other_place(self):
        self.assertEqual(live.other_place("mn1", "ar1a"), "ar1b")
        self.assertEqual(live.other_place("mn2", "ar2b"), "ar2a")

    def test_delay_between_the_nodes(self):
        self.assertEqual(live.direct_ms(topology.Options()), 30)


if __name__ == "__main__":
    unittest.main()
