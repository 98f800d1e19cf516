#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""names.py finds what it is there to find.

  test_names.py CTAGS
"""

import pathlib
import sys
import tempfile
import unittest

import names
import structure

CTAGS = sys.argv.pop(1)

SOURCES = {
    "src/a.c": "static void twice(void) {}\nstatic void once(void) {}\nvoid shared(void) {}\n",
    "src/b.c": "static int twice(int x)\n{\n\treturn x;\n}\nint main(void) { return 0; }\n",
    "src/c.h": "static inline void shared(void) {}\n",
    "src/d.c": "int main(void) { return 0; }\n",
}


class Names(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as root:
            for name, text in SOURCES.items():
                path = pathlib.Path(root) / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            found = list(structure.functions(CTAGS, root, sorted(SOURCES)))
            self.found = names.clashes(found)

    def test_what_a_clash_is(self):
        self.assertEqual(
            self.found,
            {"twice": {"src/a.c", "src/b.c"}, "shared": {"src/a.c", "src/c.h"}},
        )

    def test_a_list_says_what_there_is(self):
        self.assertEqual(names.compare(self.found, self.found), [])
        self.assertEqual(len(names.compare(self.found, {})), 2)
        self.assertEqual(len(names.compare({}, self.found)), 2)
        self.assertEqual(len(names.compare({"twice": {"src/a.c"}}, {"twice": {"src/b.c"}})), 1)


if __name__ == "__main__":
    unittest.main()
