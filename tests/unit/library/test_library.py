#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""libbub as somebody else finds it: installed into an empty folder and asked for by pkg-config.

Its symbols are those that the headers declare, each header stands alone in C and C++, and
examples/minimal.c works with the shared and the static library.

usage: test_library.py SOURCE BUILD PREFIX COMPILER

COMPILER is the command with the flags that the library's own sanitizers need.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD, PREFIX, COMPILER = sys.argv[1:]
del sys.argv[1:]
COMPILER = COMPILER.split()
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
          "-Wundef", "-Werror"]
# The oldest of each language that the headers promise.
DIALECTS = {"c99": "c", "c++11": "c++"}

# What the example prints: Binding Updates at 1.5 s, and after twice the time each
# (RFC 6275, 11.8: InitialBindackTimeoutFirstReg, and exponential back-off).
UPDATE = "send a Binding Update to 2001:db8:1::1"
UPDATE_TIMES = ["0.0 s", "1.5 s", "4.5 s", "10.5 s", "22.5 s"]

# C++ that calls functions and uses what the headers say in other words there.
CALLER = """
#include <bub/engine.h>
int main()
{
	const bub_codepoints codepoints = BUB_CODEPOINTS_DEFAULT;
	bub_config config;
	uint8_t header[BUB_LIMIT_HDR_LEN];

	bub_config_init(&config);
	bub_limit_encode(BUB_NH_NONE, 4, header);
	return config.codepoints.mh_bubc != codepoints.mh_bubc || header[0] != BUB_NH_NONE ||
	       !bub_time_is_never(bub_time_add_s(BUB_TIME_NEVER, 1)) ||
	       bub_strerror(BUB_ERR_INVALID) == nullptr;
}
"""


def run(argv, **env):
    done = subprocess.run([str(word) for word in argv], env={**os.environ, **env}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: {done.returncode}\n{done.stdout}")
    return done.stdout


def declared(header):
    """The functions that a header declares and does not define."""
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"^[ \t]*#(.*\\\n)*.*", "", text, flags=re.M)
    text = re.sub(r"\bBUB_API_(BEGIN|END)\b", "", text)
    while "{" in text:
        text = re.sub(r"(\)\s*)?\{[^{}]*\}", lambda m: ") ;" if m[1] else "", text)
    statements = [statement.strip() for statement in text.split(";")]
    return {
        re.search(r"(\w+)\s*\(", statement)[1]
        for statement in statements
        if "(" in statement and not statement.startswith("static ")
    }


def visible(nm_options, library):
    """Names that the library defines for others, without those that C reserves for compilers."""
    lines = run(["nm", "--defined-only", "--extern-only", *nm_options, library]).splitlines()
    names = {fields[2] for fields in map(str.split, lines) if len(fields) == 3}
    return {name for name in names if not re.match(r"_[_A-Z]", name)}


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name, "root")
        run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.root])
        [pc] = cls.root.rglob("libbub.pc")
        cls.pkg_config_env = {"PKG_CONFIG_PATH": str(pc.parent),
                              "PKG_CONFIG_SYSROOT_DIR": str(cls.root),
                              "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1",
                              "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
        cls.lib = pc.parent.parent
        cls.headers = sorted((cls.root / PREFIX.lstrip("/") / "include/bub").glob("*.h"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def pkg_config(self, *options):
        return run(["pkg-config", *options, "libbub"], **self.pkg_config_env).split()

    def source(self, name, text):
        path = pathlib.Path(self.folder.name, name)
        path.write_text(text, encoding="utf-8")
        return path

    def build(self, source, *options):
        program = pathlib.Path(self.folder.name, "program")
        run([*COMPILER, *STRICT, *self.pkg_config("--cflags"), source, "-o", program, *options])
        return program

    def check_example(self, *libraries):
        program = self.build(pathlib.Path(SOURCE, "examples/minimal.c"), "-std=c99", *libraries)
        lines = run([program], LD_LIBRARY_PATH=str(self.lib)).splitlines()
        sent = [line for line in lines if UPDATE in line]
        self.assertEqual(sent, [f"{when}: {UPDATE}" for when in UPDATE_TIMES])

    def test_symbols_are_those_of_the_headers(self):
        names = set().union(*map(declared, self.headers))
        self.assertGreater(len(names), 40)
        self.assertEqual({name for name in names if not name.startswith("bub_")}, set())
        self.assertEqual(visible(["--dynamic"], self.lib / "libbub.so"), names)
        self.assertEqual(visible([], self.lib / "libbub.a"), names)

    def test_soname_has_the_version(self):
        version = self.pkg_config("--modversion")[0].split(".")
        soname = f"libbub.so.{version[0]}.{version[1]}"
        self.assertIn(f"[{soname}]", run(["readelf", "-d", self.lib / "libbub.so"]))
        self.assertTrue((self.lib / soname).is_file())

    def test_each_header_compiles_alone(self):
        self.assertGreater(len(self.headers), 3)
        compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
        self.assertTrue(compilers)
        for header in self.headers:
            source = self.source("alone", f"#include <bub/{header.name}>\nextern int alone;\n")
            for compiler in compilers:
                for dialect, language in DIALECTS.items():
                    with self.subTest(header=header.name, compiler=compiler, dialect=dialect):
                        run([compiler, f"-std={dialect}", *STRICT, *self.pkg_config("--cflags"),
                             "-fsyntax-only", "-x", language, source])

    def test_code_of_the_guide_compiles(self):
        guide = pathlib.Path(SOURCE, "docs/libbub.md").read_text(encoding="utf-8")
        [code] = re.findall(r"^```c\n(.*?)^```", guide, flags=re.M | re.S)
        source = self.source("guide.c", code + "\nint main(void)\n{\n\trun(0);\n}\n")
        run([*COMPILER, *STRICT, *self.pkg_config("--cflags"), "-c", source, "-o", os.devnull])

    def test_guide_has_every_event_and_action(self):
        guide = pathlib.Path(SOURCE, "docs/libbub.md").read_text(encoding="utf-8")
        for name, prefix in (("event.h", "BUB_EV_"), ("action.h", "BUB_ACT_")):
            text = pathlib.Path(SOURCE, "include/bub", name).read_text(encoding="utf-8")
            for word in re.findall(rf"^\t{prefix}(\w+),", text, flags=re.M):
                last = word.rsplit("_", maxsplit=1)[-1]
                self.assertTrue(re.search(rf"`({prefix}{word}|{word}|{last})`", guide), word)

    def test_example_with_the_shared_library(self):
        self.check_example(*self.pkg_config("--libs"))

    def test_example_with_the_static_library(self):
        libraries = self.pkg_config("--static", "--libs")
        self.assertIn("-lcrypto", libraries)
        self.check_example(*["-l:libbub.a" if word == "-lbub" else word for word in libraries])

    def test_cpp_calls_it(self):
        source = self.source("caller.cc", CALLER)
        program = self.build(source, "-std=c++11", *self.pkg_config("--libs"), "-lstdc++")
        run([program], LD_LIBRARY_PATH=str(self.lib))


if __name__ == "__main__":
    unittest.main()
