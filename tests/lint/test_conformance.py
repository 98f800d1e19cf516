#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checker of docs/CONFORMANCE.md finds what is wrong, and nothing in what is right."""

import pathlib
import tempfile
import unittest

import conformance

HEAD = "| id | requirement | level | code | test | state |\n|---|---|---|---|---|---|\n"
C_FILE = "static int\nlonely(void);\nint bub_decode(int a)\n{\n\treturn other(a);\n}\n"
TEST_FILE = "static void refuses_short(void **state)\n{\n}\n"

GOOD = [
    "| D5.1-1 | a | MUST | `src/a.c:bub_decode` | `tests/t.c:refuses_short` | done |",
    "| D5.1-2 | a | SHOULD | `src/a.c` | – | partial |",
    "| D5.1-3 | a | MAY | – | – | open |",
    "| D5.1-4 | a | MUST NOT | concerns routers only | – | n/a |",
    "| D5.1-5 | one `a|b` in quotes | figure | – | – | open |",
    "| D5.1-6 | a | MUST | `src/a.c:lonely`, `src` | `tests/t.c` | done |",
]

BAD = {
    "| X-1 | a | MUST | `src/none.c` | `tests/t.c` | done |": "no src/none.c",
    "| X-1 | a | MUST | `src/a.c:other` | `tests/t.c` | done |": "no function other",
    "| X-1 | a | MUST | `src/a.c` | `tests/t.c:refuses` | done |": "tests/t.c has no refuses",
    "| X-1 | a | MUST | – | `tests/t.c` | done |": "without a reference",
    "| X-1 | a | MUST | `src/a.c` | – | done |": "without a reference",
    "| X-1 | a | MUST | – | – | partial |": "without a reference to code",
    "| X-1 | a | MUST | – | – | n/a |": "does not say why",
    "| X-1 | a | must | – | – | open |": "level 'must'",
    "| X-1 | a | MUST | – | – | finished |": "state 'finished'",
    "| X-1 | a | MUST | – | open |": "5 cells",
}


class Conformance(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for name, text in {"src/a.c": C_FILE, "tests/t.c": TEST_FILE}.items():
            (self.root / name).parent.mkdir()
            (self.root / name).write_text(text, encoding="utf-8")

    def check(self, *lines):
        return conformance.check(self.root, HEAD + "\n".join(lines) + "\n")

    def test_good_rows_pass(self):
        rows, problems = self.check(*GOOD)
        self.assertEqual(problems, [])
        self.assertEqual(len(rows), len(GOOD))

    def test_each_bad_row_is_named(self):
        for line, expected in BAD.items():
            with self.subTest(line):
                _, problems = self.check(line)
                self.assertEqual(len(problems), 1)
                self.assertIn(expected, problems[0])

    def test_an_id_stands_once(self):
        _, problems = self.check(GOOD[0], GOOD[0])
        self.assertEqual(len(problems), 1)
        self.assertIn("also the id of line 3", problems[0])

    def test_other_tables_are_left_alone(self):
        rows, problems = conformance.check(self.root, "| a | b |\n|---|---|\n| 1 | 2 |\n")
        self.assertEqual((rows, problems), ([], []))


if __name__ == "__main__":
    unittest.main()
