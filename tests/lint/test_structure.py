#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""structure.py finds what it is there to find.

  test_structure.py CTAGS
"""

import pathlib
import sys
import tempfile
import unittest

import structure

CTAGS = sys.argv.pop(1)

SOURCES = {
    "src/a/one.c": "static void mine(void) {}\nvoid one(void) { mine(); two(); }\n",
    "src/a/two.c": "void two(void)\n{\n\t/* one() */ puts(\"one()\"); three(one);\n}\n",
    "src/b/three.c": "static void mine(void) { one(); }\nvoid three(void) { mine(); x->two(); }\n",
    "src/c/main.c": "void two(void) {}\nint main(void) { two(); three(); }\n",
}


class Calls(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as root:
            for name, text in SOURCES.items():
                path = pathlib.Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            self.calls = structure.calls_of(CTAGS, root, sorted(SOURCES))

    def test_what_a_call_is(self):
        found = {name: {k: sorted(v) for k, v in to.items()} for name, to in self.calls.items()}
        self.assertEqual(
            found,
            {
                "src/a/one.c": {"src/a/two.c": ["two"]},
                "src/a/two.c": {"src/b/three.c": ["three"]},
                "src/b/three.c": {"src/a/one.c": ["one"]},
                "src/c/main.c": {"src/b/three.c": ["three"]},
            },
        )

    def test_circles(self):
        graph = structure.folder_graph(self.calls)
        folders = structure.circles({"src/a", "src/b", "src/c"}, lambda node: graph[node])
        self.assertEqual(folders, [{"src/a", "src/b"}])


class Lists(unittest.TestCase):
    def test_a_list_says_what_there_is(self):
        self.assertEqual(structure.compare("files", [{"a", "b"}], [{"a", "b"}]), [])

    def test_new_and_larger_and_smaller_circles(self):
        for found, allowed in (
            ([{"a", "b"}], []),
            ([{"a", "b", "c"}], [{"a", "b"}]),
            ([{"a", "b"}], [{"a", "b", "c"}]),
            ([], [{"a", "b"}]),
        ):
            with self.subTest(found=found):
                self.assertEqual(len(structure.compare("files", found, allowed)), 1)

    def test_headers(self):
        with tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root) / "a.h"
            path.write_text("x\n" * 260, encoding="utf-8")
            for allowed, wrong in (({}, 1), ({"a.h": 260}, 0), ({"a.h": 270}, 1), ({"b.h": 260}, 2)):
                with self.subTest(allowed=allowed):
                    self.assertEqual(len(structure.check_headers(root, ["a.h"], allowed)), wrong)


if __name__ == "__main__":
    unittest.main()
