#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The frame of the benchmarks: the order of measurements, ratios, what is missing, files of results.

usage: test_frame.py BENCH-FOLDER [unittest arguments]
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, sys.argv.pop(1))

import frame  # noqa: E402


class Frame(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        frame.RESULTS = pathlib.Path(folder.name) / "results"
        self.addCleanup(setattr, sys, "argv", sys.argv)
        self.order = []

    def bench(self, *options):
        sys.argv = ["test", *options]
        bench = frame.Bench("test", "a test")
        bench.parser.set_defaults(rounds=3)
        with unittest.mock.patch("frame.remains.begin"), unittest.mock.patch("frame.remains.interruptible"):
            bench.start()
        return bench

    def variant(self, name, *values):
        """Gives these values in turn."""
        values = iter(values)

        def measure():
            self.order.append(name)
            value = next(values)
            if isinstance(value, Exception):
                raise value
            return {"units/s": value}

        return measure

    def run_it(self, bench, *rows, **more):
        """Status, what was printed, and the file."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            for name, variants in rows:
                bench.compare(name, variants, **more)
            status = bench.finish()
        files = list(frame.RESULTS.glob("*.json"))
        return status, out.getvalue(), json.loads(files[0].read_text()) if files else None

    def test_turns(self):
        """Variants take turns, and each is divided by the base of its own round."""
        # The machine is twice and four times as fast in later rounds; the ratio does not move.
        variants = {"base": self.variant("a", 1, 2, 4), "other": self.variant("b", 0.5, 1, 2)}
        status, text, result = self.run_it(self.bench(), ("row", variants), reach={"other": ">= 0.5"})
        self.assertEqual((status, self.order), (0, ["a", "b"] * 3))
        base, other = result["rows"]
        self.assertEqual((other["median"], other["low"], other["high"]), (0.5, 0.5, 0.5))
        self.assertEqual((base["values"], "median" in base), ([1, 2, 4], False))
        self.assertIn("reaches >= 0.5", text)
        for key in ("cpu", "kernel", "load", "revision"):
            self.assertIn(key, result["began"])

    def test_short(self):
        variants = {"base": self.variant("a", 1, 1, 1), "other": self.variant("b", 0.1, 0.4, 0.3)}
        _, text, result = self.run_it(self.bench(), ("row", variants), reach={"other": ">= 0.5"})
        self.assertIn("SHORT OF >= 0.5", text)
        other = result["rows"][1]
        self.assertEqual((other["median"], other["low"], other["high"]), (0.3, 0.1, 0.4))

    def test_difference(self):
        variants = {"base": self.variant("a", 1, 1, 1), "other": self.variant("b", 3, 4, 9)}
        _, _, result = self.run_it(self.bench(), ("row", variants), difference=True)
        self.assertEqual(result["rows"][1]["median"], 3)

    def test_missing(self):
        """It is named, once, and the others go on."""
        variants = {"base": self.variant("a", 1, 1, 1), "rival": self.variant("b", frame.Missing("no rival"))}
        status, text, result = self.run_it(self.bench(), ("row", variants), ("again", {
            "base": self.variant("a", 1, 1, 1), "rival": variants["rival"]}))
        self.assertEqual((status, self.order.count("a"), self.order.count("b")), (0, 6, 1))
        self.assertEqual((text.count("no rival"), result["missing"]), (1, {"rival": "no rival"}))

    def test_nothing(self):
        """Nothing measured is no success."""
        variants = {"base": self.variant("a", *[frame.Missing("no root")] * 3)}
        status, text, result = self.run_it(self.bench(), ("row", variants))
        self.assertEqual((status, result), (frame.SKIPPED, None))
        self.assertIn("no root", text)

    def test_only(self):
        rows = [(name, {"base": self.variant(name, 1, 1, 1)}) for name in ("wanted", "not")]
        self.run_it(self.bench("--only", "want"), *rows)
        self.assertEqual(set(self.order), {"wanted"})

    def test_before(self):
        """Ratios of an earlier run stand beside."""
        for ratio in (0.125, 1):
            variants = {"base": self.variant("a", 1, 1, 1), "other": self.variant("b", *[ratio] * 3)}
            old = list(frame.RESULTS.glob("*.json"))
            options = ["--compare", str(old[0])] if old else []
            _, text, _ = self.run_it(self.bench(*options), ("row", variants))
        self.assertIn("before: 0.125", text)

    def test_numbers(self):
        argv = [sys.executable, "-c", "print('home registrations/s 1000'); print('octets 3.5')"]
        self.assertEqual(frame.numbers(argv), {"home registrations/s": 1000, "octets": 3.5})
        with self.assertRaises(frame.Missing):
            frame.numbers([sys.executable, "-c", f"raise SystemExit({frame.SKIPPED})"])


if __name__ == "__main__":
    unittest.main()
