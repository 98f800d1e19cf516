#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the compiler and the linker can do against an overflow is in the programs as built.

usage: test_hardening.py READELF fortified|plain PROGRAM...
"""

import re
import subprocess
import sys
import unittest

READELF, FORTIFY, PROGRAMS = sys.argv[1], sys.argv[2], sys.argv[3:]
del sys.argv[1:]


def elf(program, *options):
    return subprocess.run([READELF, "-W", *options, program], text=True, check=True,
                          capture_output=True).stdout


class Hardened(unittest.TestCase):
    def each(self, check):
        self.assertTrue(PROGRAMS)
        for program in PROGRAMS:
            with self.subTest(program=program):
                check(program)

    def test_address_is_random(self):
        self.each(lambda p: self.assertRegex(elf(p, "-h"), r"Type:\s+DYN \(Position-Independent"))

    def test_table_of_functions_is_read_only(self):
        def check(program):
            self.assertIn("GNU_RELRO", elf(program, "-l"))
            self.assertRegex(elf(program, "-d"), r"BIND_NOW|\(FLAGS_1\).*\bNOW\b")

        self.each(check)

    def test_no_memory_is_code_and_writable(self):
        def check(program):
            flags = re.findall(r"^  (LOAD|GNU_STACK) .*0x\w+ ([RWE ]{3}) 0x", elf(program, "-l"),
                               re.M)
            self.assertIn("GNU_STACK", [kind for kind, _ in flags])
            self.assertGreater(len(flags), 2)
            self.assertEqual([x for x in flags if "W" in x[1] and "E" in x[1]], [])

        self.each(check)

    def test_stack_is_guarded(self):
        self.each(lambda p: self.assertIn("__stack_chk_fail", elf(p, "-s")))

    @unittest.skipIf(FORTIFY == "plain", "not optimised, or with sanitizers")
    def test_lengths_are_checked(self):
        self.each(lambda p: self.assertRegex(elf(p, "--dyn-syms"), r"__\w+_chk\b"))


unittest.main()
