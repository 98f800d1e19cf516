#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""protocol.py finds what it is there to find."""

import unittest

import protocol

PAGE = """# Title
## 1. Names
### 1.1 More: of them
[1](#1-names) [more](#11-more-of-them)
## 2. Decisions
| id | decision | why |
|---|---|---|
| P1 | a | b |
| P2 | a | b |
"""
PLACES = protocol.headings(PAGE)[0] | set(protocol.decisions(PAGE))


class Citations(unittest.TestCase):
    def cited(self, text):
        return [place for _, places in protocol.citations(text) for place in places]

    def test_forms(self):
        for text, places in (
            ("(protocol.md, 5)", ["5"]),
            ("(protocol.md 2)", ["2"]),
            ("(draft, 5.1; docs/protocol.md, 3.4).", ["3.4"]),
            ("/* protocol.md, P9 */", ["P9"]),
            ("protocol.md, 1, 5 and P14)", ["1", "5", "P14"]),
            ("protocol.md, 6 and decision P12", ["6", "P12"]),
            (" * (protocol.md,\n * 1 and\n * P9)", ["1", "P9"]),
            ("docs/protocol.md says so in 3 words", []),
            ("protocol.md, 10. Then 7 more", ["10"]),
        ):
            with self.subTest(text=text):
                self.assertEqual(self.cited(text), places)

    def test_a_place_that_is_not_there_is_found(self):
        self.assertEqual(protocol.check_citations("a.c", "x\n(protocol.md, 1.1 and P2)", PLACES), [])
        wrong = protocol.check_citations("a.c", "x\n(protocol.md, 1.2, P2 and P3)", PLACES)
        self.assertEqual(wrong, ["a.c:2: docs/protocol.md has no 1.2", "a.c:2: docs/protocol.md has no P3"])

    def test_by_title(self):
        self.assertEqual(len(protocol.check_citations("a.c", 'protocol.md, "DH"', PLACES)), 1)


class Page(unittest.TestCase):
    def test_good(self):
        self.assertEqual(protocol.check_page(PAGE), [])

    def test_link_to_nowhere(self):
        self.assertEqual(len(protocol.check_page(PAGE + "[x](#3-nothing)")), 1)

    def test_decisions_in_order(self):
        self.assertEqual(protocol.check_page(PAGE + "| P4 | a | b |\n"), [])
        for row in ("| P2 | a | b |", "| P1 | a | b |"):
            self.assertEqual(len(protocol.check_page(PAGE + row + "\n")), 1)


class Values(unittest.TestCase):
    def test_value_of_a_constant(self):
        for macro, value, cell, good in (
            ("A_S", "30u", "30 s", True),
            ("A_S", "30u", "31 s", False),
            ("A_MS", "2000u", "2 s", True),
            ("A_MS", "200u", "at least 200 ms", True),
            ("A_MS", "1500u", "1.5 s, 1 s", True),
            ("A", "3600u", "3,600 s", True),
            ("A", "2u", "two in a row", True),
            ("A", "2u", "one a second", False),
            ("A", "(B - C)", "whatever", True),
        ):
            with self.subTest(macro=macro, value=value, cell=cell):
                self.assertEqual(protocol.stands_in(macro, value, cell), good)

    def test_cells(self):
        rows = list(protocol.rows("| a | b |\n|---|---|\n| x \\| y | z |\n"))
        self.assertEqual(rows, [(3, ["a", "b"], ["x \\| y", "z"])])


if __name__ == "__main__":
    unittest.main()
