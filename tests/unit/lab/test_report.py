#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reports of a made-up run: legs of messages, figures, files."""

import contextlib
import io
import json
import pathlib
import random
import re
import shutil
import tempfile
import unittest
import xml.etree.ElementTree as xml

import dpkt
import made_up
from bublab import __main__ as command
from bublab import clocks, compare, ladder, page, recording, system


class Made(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name, "run")
        made_up.write(cls.folder)
        cls.made = recording.read(cls.folder)
        cls.ladders = [ladder.of_move(cls.made, index) for index in (0, 1)]

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def rows(self, index, text, detail=""):
        return [r for r in self.ladders[index].rows if r.text == text and r.detail.startswith(detail)]

    def way(self, row):
        return [(leg.start, leg.kind, leg.end) for leg in row.legs]


class Legs(Made):
    def test_lanes_are_as_in_the_draft(self):
        self.assertEqual(self.ladders[0].lanes, ["mn1", "ha1", "ha2", "mn2"])

    def test_binding_update_goes_through_both_home_agents(self):
        protected, straight = self.rows(0, "Binding Update", "7")
        self.assertEqual(
            self.way(protected),
            [("mn1", "esp", "ha1"), ("ha1", "plain", "ha2"), ("ha2", "esp", "mn2")],
        )
        self.assertEqual(self.way(straight), [("mn1", "plain", "mn2")])
        self.assertFalse(protected.lost or straight.lost)

    def test_times_are_those_at_the_nodes(self):
        """Captures of home agents are made 15 ms away from them."""
        protected = self.rows(0, "Binding Update", "7")[0]
        times = [ladder.relative(t, self.ladders[0].zero)
                 for leg in protected.legs for t in (leg.left, leg.came)]
        self.assertEqual(times, [0.4, 30.4, 30.4, 60.4, 60.4, 90.4])

    def test_home_registration(self):
        [update] = self.rows(0, "Binding Update", "100")
        [answer] = self.rows(0, "Binding Acknowledgement", "100")
        self.assertEqual(self.way(update), [("mn1", "esp", "ha1")])
        self.assertEqual(self.way(answer), [("ha1", "esp", "mn1")])

    def test_copy_to_where_the_peer_was_is_lost(self):
        protected, straight = self.rows(1, "Binding Update", "8")
        self.assertFalse(protected.lost)
        self.assertEqual((self.way(straight), straight.lost), ([("mn1", "plain", "mn2")], True))

    def test_order(self):
        times = [row.time for row in self.ladders[0].rows]
        self.assertEqual(times, sorted(times))
        words = [row.text for row in self.ladders[0].rows if row.kind != "pause"]
        self.assertEqual(words[0], "link down")
        self.assertLess(words.index("new address usable"), words.index("Binding Update"))
        self.assertLess(words.index("Binding Update"), words.index("Binding Acknowledgement"))

    def test_first_data(self):
        [first] = self.rows(0, "first data")
        self.assertEqual(self.way(first), [("mn2", "plain", "mn1")])
        self.assertEqual(ladder.relative(first.came, self.ladders[0].zero), made_up.GAP["first"])
        ways = {row.detail: self.way(row) for row in self.rows(1, "first data")}
        self.assertEqual([kind for _, kind, _ in ways["reaches mn1"]], ["esp", "plain", "esp"])

    def test_message_of_a_stranger_is_counted_and_not_drawn(self):
        made = recording.read(self.folder)
        forged = made_up.ip6(made_up.HOME["mn2"], made_up.HOME["mn1"], 135, bytes([59, 0, 0, 0, 0, 0]) + bytes(2))
        packet = recording.pcap.parse(forged)
        when = made_up.START + 0.01
        sighting = recording.Sighting(when, "ha1", packet.src, packet.dst, "plain", forged)
        made.messages.append(recording.Message(packet, [sighting]))
        drawn = ladder.of_move(made, 0)
        self.assertEqual(drawn.foreign, {"Binding Refresh Request": 1})
        self.assertNotIn("Binding Refresh Request", [row.text for row in drawn.rows])


class Figures(Made):
    def test_data_of_the_page_is_that_of_the_summary(self):
        chapters, data = page.build(self.made)
        for chapter, row, chart in zip(chapters, self.made.summary["handovers"], data["charts"]):
            for name in ("gap_ms", "bound_ms", "lost", "lost_by_direction", "tcp_stall_ms"):
                self.assertEqual(chapter.figures[name], row[name])
            lost = [cells for cells in chart["packets"] if cells[-1] is not None]
            self.assertEqual(len(lost), row["lost"])
        self.assertEqual(data["charts"][0]["bands"], [
            {"from": -30, "to": 0, "what": "link"}, {"from": 0, "to": 61.0, "what": "gap"},
        ])

    def test_losses_count_where_traffic_began_late(self):
        """As in table.txt; without logs or captures at both ends nobody knows of any."""
        made = recording.read(self.folder)
        made.moves[0].row["with_traffic"] = False
        made.moves[1].row.update(lost=0, lost_by_direction={})
        cells = re.findall(r'data-lost="\d+">([^<]*)<', page.html(made))
        self.assertEqual(cells, [str(made_up.LOST["first"]), "–"])

    def test_real_machines_give_the_same_figures(self):
        """Without a summary they come from captures and event logs."""
        folder = self.folder.with_name("machines")
        shutil.copytree(self.folder, folder)
        (folder / "summary.json").unlink()
        for name in ("ha1", "ha2"):  # home agents are somebody else's
            (folder / "pcap" / f"{name}.pcap").unlink()
        (folder / "pcap" / "mn1.pcap").rename(folder / "mn1-wlan0.pcap")
        made = recording.read(folder)
        self.assertEqual([node.role for node in made.mobiles()], ["mobile node"] * 2)
        for move, key in zip(made.moves, ("first", "second"), strict=True):
            gap = made_up.GAP[key]
            expected = gap if isinstance(gap, dict) else {"mn1": gap}
            self.assertEqual(move.row["gap_ms_by_node"], expected)
            self.assertEqual((move.row["lost"], move.row["mode"]), (made_up.LOST[key], "bub"))
        drawn = ladder.of_move(made, 0)
        [protected, _] = [r for r in drawn.rows if r.text == "Binding Update" and r.detail == "7"]
        self.assertEqual(
            self.way(protected),
            [("mn1", "esp", "ha1"), ("ha1", "unseen", "ha2"), ("ha2", "esp", "mn2")],
        )

    def test_captures_of_all_devices(self):
        """They have a packet once more inside the tunnel, which is no way of its own."""
        folder = self.folder.with_name("all-devices")
        made_up.write(folder, all_devices=True)
        (folder / "summary.json").unlink()
        made = recording.read(folder)
        self.assertEqual(
            [move.row["gap_ms_by_node"] for move in made.moves],
            [move.row["gap_ms_by_node"] for move in self.made.moves],
        )
        self.assertEqual([move.row["lost"] for move in made.moves], list(made_up.LOST.values()))
        drawn = ladder.of_move(made, 0)
        [protected, _] = [r for r in drawn.rows if r.text == "Binding Update" and r.detail == "7"]
        self.assertEqual(
            self.way(protected),
            [("mn1", "esp", "ha1"), ("ha1", "plain", "ha2"), ("ha2", "esp", "mn2")],
        )
        self.assertFalse(protected.lost)

    def test_captures_alone(self):
        folder = self.folder.with_name("bare")
        folder.mkdir()
        shutil.copy(self.folder / "pcap" / "mn1.pcap", folder)
        shutil.copy(self.folder / "logs" / "mn1.keys", folder)
        made = recording.read(folder)
        self.assertEqual(len(made.moves), 2)
        self.assertEqual(made.moves[0].addresses, {"mn1": made_up.care_of("mn1", "ar1b")})
        (folder / "mn1.keys").unlink()
        made = recording.read(folder)
        self.assertEqual(made.moves, [])
        self.assertIn("stay closed", made.remarks[0])
        self.assertIn("No handover", page.html(made))


def shifted(folder, node, seconds):
    """The clock of a node goes ahead by so much: in its capture and its event log."""
    path = folder / "pcap" / f"{node}.pcap"
    with path.open("rb") as file:
        frames = list(dpkt.pcap.UniversalReader(file))
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, nano=True)
        for when, frame in frames:
            writer.writepkt(frame, float(when) + seconds)
    path = folder / "logs" / f"{node}.events.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["time"] += seconds
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


class Machines(Made):
    """Captures and logs of two machines, whose home agents are somebody else's."""

    def machines(self, name):
        folder = self.folder.with_name(name)
        shutil.copytree(self.folder, folder)
        (folder / "summary.json").unlink()
        for agent in ("ha1", "ha2"):
            (folder / "pcap" / f"{agent}.pcap").unlink()
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def figures(self, folder):
        made = recording.read(folder)
        return made, [(move.row["gap_ms_by_node"], move.row["lost"]) for move in made.moves]

    def test_clocks_that_differ(self):
        expected = self.figures(self.machines("right"))[1]
        for seconds in (7.25, -0.2):
            with self.subTest(seconds):
                folder = self.machines(f"clock{seconds}")
                shifted(folder, "mn2", seconds)
                made, figures = self.figures(folder)
                self.assertEqual(len(figures), 2)
                for (gaps, lost), (gaps_right, lost_right) in zip(figures, expected):
                    self.assertEqual((set(gaps), lost), (set(gaps_right), lost_right))
                    for node, gap in gaps.items():
                        self.assertAlmostEqual(gap, gaps_right[node], delta=0.5)
                [remark] = made.remarks
                self.assertIn(f"clock of mn2 is {abs(seconds):.3f} s", remark)
                self.assertIn("ahead of" if seconds > 0 else "behind", remark)
                [copy] = [r for r in ladder.of_move(made, 0).rows
                          if r.text == "Binding Update" and len(r.legs) == 1 and r.legs[0].end == "mn2"]
                self.assertAlmostEqual(copy.came - copy.time, 0.030, places=3)

    def test_difference_that_may_be_the_way(self):
        """30 ms of delay: 20 ms more there and less back may be so."""
        folder = self.machines("near")
        shifted(folder, "mn2", 0.02)
        self.assertEqual(self.figures(folder)[0].remarks, [])
        shifted(folder, "mn2", 0.02)  # 40 ms: packets would arrive before they were sent
        self.assertIn("ahead", self.figures(folder)[0].remarks[0])

    def test_packets_of_one_way_tell_nothing(self):
        packet = recording.pcap.parse(made_up.ip6(made_up.HOME["mn1"], made_up.HOME["mn2"], 17, bytes(8)))
        self.assertEqual(clocks.differences([("a", 1.0, packet), ("b", 9.0, packet)]),
                         {"a": (0.0, "a"), "b": (0.0, "b")})

    def test_packets_that_are_cut_short(self):
        folder = self.machines("short")
        path = folder / "pcap" / "mn1.pcap"
        with path.open("rb") as file:
            frames = list(dpkt.pcap.UniversalReader(file))
        with path.open("wb") as file:
            writer = dpkt.pcap.Writer(file)
            for when, frame in frames:
                writer.writepkt(frame[:96], float(when))
        [remark] = [r for r in recording.read(folder).remarks if r.startswith("mn1: ")]
        self.assertRegex(remark, r"\d+ packets were not captured whole.*tcpdump -s 0")

    def test_damaged_capture(self):
        folder = self.machines("damaged")
        path = folder / "pcap" / "mn1.pcap"
        whole = path.read_bytes()
        for octets in (bytes(16), b"\xff" * 16):
            path.write_bytes(whole[: len(whole) // 2] + octets + whole[len(whole) // 2 :])
            made = recording.read(folder)
            self.assertEqual(len(made.remarks), 1)
            self.assertRegex(made.remarks[0], r"mn1.pcap is damaged(:| at its packet \d+)")
            self.assertTrue(made.moves)

    def test_capture_with_nothing_in_it(self):
        folder = self.machines("nothing")
        for content in (b"", (folder / "pcap" / "mn1.pcap").read_bytes()[:24]):
            (folder / "pcap" / "mn1.pcap").write_bytes(content)
            self.assertIn("mn1.pcap has no IPv6 packets", recording.read(folder).remarks)

    def test_lines_that_are_no_events(self):
        folder = self.machines("lines")
        path = folder / "logs" / "mn1.events.jsonl"
        good = path.read_text()
        wrong = ('{"time": NaN, "node": "mn1", "event": "start"}', "[]", "{}", "\0\0",
                 '{"time": 1, "node": "mn1", "event": "care-of", "address": "nonsense"}')
        path.write_text("\n".join(wrong) + "\n" + good + good[:40])
        made = recording.read(folder)
        self.assertEqual(made.remarks, ["mn1.events.jsonl: 5 lines are no events and are left out"])
        self.assertEqual(len(made.moves), 2)

    def test_whatever_is_damaged(self):
        """There is a page, or a sentence that says why not."""
        dice = random.Random(1)
        with (self.folder / "pcap" / "mn2.pcap").open("rb") as file:
            frames = list(dpkt.pcap.UniversalReader(file))[:200]
        for number in range(12):
            folder = self.machines(f"any{number}")
            if number % 4 == 0:
                shutil.copy(self.folder / "summary.json", folder)
            with (folder / "mn2-ng.pcapng").open("wb") as file:
                writer = dpkt.pcapng.Writer(file)
                for when, frame in frames:
                    writer.writepkt(frame, float(when))
            path = dice.choice(sorted(p for p in folder.rglob("*") if p.is_file()))
            data = bytearray(path.read_bytes())
            at = dice.randrange(min(len(data), dice.choice((64, 10**6))))
            data[at : at + dice.choice((1, 4, 100, 10**6))] = dice.randbytes(dice.choice((0, 1, 4)))
            path.write_bytes(data)
            with self.subTest(number=number, file=path.name), contextlib.suppress(system.LabError):
                made = recording.read(folder)
                for index in range(len(made.moves)):
                    ladder.of_move(made, index)


class SideBySide(Made):
    """A run beside the same once more, of which one handover was left out."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.folder.with_name("other")
        shutil.copytree(cls.folder, cls.other)
        summary = json.loads((cls.other / "summary.json").read_text())
        summary["handovers"].pop()
        (cls.other / "summary.json").write_text(json.dumps(summary))

    def test_pairs(self):
        made = compare.read([self.folder, self.other])
        pairs, data = compare.build(made)
        self.assertEqual([pair.label for pair in pairs], ["mn1 moves from ar1a to ar1b"])
        self.assertEqual(compare.titles_of(made), ["run", "other"])  # both have one scenario
        [[one, two]] = data["charts"]
        self.assertEqual(one["same"], two["same"])
        self.assertEqual(one["packets"], two["packets"])
        numbers = [row["number"] for side in pairs[0].sides
                   for row in side.chapter.narrow["rows"] if "number" in row]
        self.assertEqual(sorted(numbers), list(range(len(data["messages"]))))
        [remark] = compare.remarks_of(made, ["a", "b"])
        self.assertIn("a has 2 handovers, b 1", remark)
        direct = pairs[0].sides[0].figures["direct_ms"]
        self.assertAlmostEqual(direct, made_up.GAP["first"], places=2)

    def test_charts_end_where_the_next_handover_begins(self):
        chart = page.chart_data(self.made, 0, (-1, 100))
        cut = (self.made.moves[1].cut - self.made.moves[0].time) * 1e3
        self.assertLessEqual(chart["packets"][-1][0], cut)

    def test_nothing_to_compare(self):
        bare = self.folder.with_name("no-move")
        (bare / "pcap").mkdir(parents=True)
        shutil.copy(self.folder / "pcap" / "mn1.pcap", bare / "pcap")
        with self.assertRaisesRegex(system.LabError, "no-move has no handover"):
            compare.read([self.folder, bare])


class Files(Made):
    def run_command(self, *argv):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main(["report", *map(str, argv)])
        return status, out.getvalue(), err.getvalue()

    def test_command(self):
        pictures = self.folder.with_name("pictures")
        out = self.folder.with_name("page.html")
        status, said, _ = self.run_command(self.folder, "--out", out, "--svg", pictures)
        self.assertEqual(status, 0)
        self.assertIn("2 handovers", said)
        text = out.read_text()
        for word in ("https:", "http:", "src=", "@import", "url("):  # it needs nothing from elsewhere
            found = [at for at in range(len(text)) if text.startswith(word, at)]
            for at in found:
                self.assertTrue(self.is_only_words(text, at), text[at - 80 : at + 60])
        self.assertIn("Copyright (c) 2006, 2009, 2011, 2012, 2013, 2017", text)
        files = sorted(pictures.iterdir())
        self.assertEqual([f.name[:3] for f in files], ["01-", "02-"])
        for file in files:
            root = xml.parse(file).getroot()
            self.assertTrue(root.tag.endswith("svg"))
            self.assertNotIn("var(", file.read_text())

    def test_two_folders(self):
        pictures = self.folder.with_name("pairs")
        status, said, _ = self.run_command(self.folder, self.folder, "--svg", pictures)
        self.assertEqual(status, 0)
        self.assertIn("2 handovers", said)
        text = (self.folder / "compare.html").read_text()
        self.assertEqual(text.count('class="ladder narrow"'), 4)
        for file in pictures.iterdir():
            root = xml.parse(file).getroot()
            ladders = root.findall("{http://www.w3.org/2000/svg}svg")
            self.assertEqual([float(one.get("width")) for one in ladders], [360, 360])
            self.assertGreater(float(ladders[1].get("x")), 360)
            words = file.read_text()
            self.assertIn("prefers-color-scheme: dark", words)
            self.assertNotIn("var(", words)
            self.assertNotIn("tabindex", words)
        (self.folder / "compare.html").unlink()

    def is_only_words(self, text, at):
        """Namespaces, licences and comments of the library name addresses, but load nothing."""
        before = text[:at]
        inside_script = before.rfind("<script>") > before.rfind("</script>")
        inside_licence = before.rfind("<pre>") > before.rfind("</pre>")
        return inside_script or inside_licence or before.endswith('xmlns="')

    def test_complaints(self):
        status, _, said = self.run_command("/nonexistent")
        self.assertEqual((status, said), (1, "bublab: /nonexistent is no folder\n"))
        with tempfile.TemporaryDirectory() as empty:
            status, _, said = self.run_command(empty)
            self.assertEqual(status, 1)
            self.assertIn("holds no captures", said)
            pathlib.Path(empty, "x.pcap").write_text("no capture at all, just some words of text")
            status, _, said = self.run_command(empty)
            self.assertEqual(status, 1)
            self.assertIn("x.pcap", said)
            made_up.write(pathlib.Path(empty))
            pathlib.Path(empty, "x.pcap").rename(pathlib.Path(empty, "x.keys"))
            pathlib.Path(empty, "x.keys").write_text(",".join(["nonsense"] * 6))
            status, _, said = self.run_command(empty)
            self.assertEqual(status, 1)
            self.assertIn("x.keys is no key log", said)
            pathlib.Path(empty, "x.keys").unlink()
            status, _, said = self.run_command(empty, "--out", "/nonexistent/page.html")
            self.assertEqual((status, said.split(":")[1]), (1, " /nonexistent/page.html"))

    def test_run_that_broke_off(self):
        folder = self.folder.with_name("broken")
        shutil.copytree(self.folder, folder)
        (folder / "summary.json").write_text(
            json.dumps({"scenario": "made-up", "ok": False, "error": "waited <5> s"})
        )
        self.assertEqual(self.run_command(folder)[0], 0)
        self.assertIn("This run failed: waited &lt;5&gt; s", (folder / "report.html").read_text())

    def test_what_is_read_is_not_believed_to_be_markup(self):
        folder = self.folder.with_name("<script>alert(1)</script>".replace("/", "_"))
        shutil.copytree(self.folder, folder)
        (folder / "summary.json").unlink()
        self.assertEqual(self.run_command(folder)[0], 0)
        self.assertNotIn("<script>alert", (folder / "report.html").read_text())

    def test_missing_library(self):
        before, page.DYGRAPHS = page.DYGRAPHS, pathlib.Path("/nonexistent")
        try:
            with self.assertRaisesRegex(system.LabError, "libjs-dygraphs"):
                page.html(self.made)
        finally:
            page.DYGRAPHS = before


if __name__ == "__main__":
    unittest.main()
