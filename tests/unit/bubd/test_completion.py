#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What bash and zsh offer behind "bubctl".  A bubctl that is made up here stands for the daemon's peers.
Exit 77: no bash-completion.   usage: test_completion.py BUBCTL FOLDER
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(sys.argv.pop(2)).resolve()
BUBCTL = os.path.abspath(sys.argv.pop(1))
BASH_COMPLETION = pathlib.Path("/usr/share/bash-completion/bash_completion")

FAKE = """#!/bin/sh
[ "$2" = "--help" ] && exec BUBCTL "$@"
peers='2001:db8:2::10 2001:db8:3::10'
[ "$1 $2" = "-s /tmp/other" ] && peers=2001:db8:9::9 && shift 2
[ "$*" = "prefer --json" ] && printf '{\\n  "interface": "wlan0",\\n  "once": false,\\n' && exit
[ "$*" = "show --peers --json" ] || exit 2
printf '{\\n  "node": "mn1",\\n  "peers": [\\n'
for peer in $peers; do
	printf '    {\\n      "local": "2001:db8:1::10",\\n      "peer": "%s",\\n    },\\n' "$peer"
done
"""

ASK = """
source "$1"
source "$2"
COMP_LINE=$3 COMP_POINT=${#3} COMP_TYPE=9 COMP_KEY=9
eval "words_of_line=($3)"
[[ $3 == *' ' ]] && words_of_line+=('')
# As readline does: a colon is a word of its own.
COMP_WORDS=()
for w in "${words_of_line[@]}"; do
	[[ -z $w ]] && COMP_WORDS+=('') && continue
	while [[ $w == *:* ]]; do
		[[ -n ${w%%:*} ]] && COMP_WORDS+=("${w%%:*}")
		rest=${w#"${w%%:*}"}
		colons=${rest%%[!:]*}
		COMP_WORDS+=("$colons")
		w=${rest#"$colons"}
	done
	[[ -n $w ]] && COMP_WORDS+=("$w")
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_bubctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def usage():
    return subprocess.run([BUBCTL, "--help"], text=True, capture_output=True, check=True).stdout


def commands():
    return set(re.findall(r"^  ([a-z][a-z-]+)", usage(), re.MULTILINE))


def options(command):
    own = subprocess.run([BUBCTL, command, "--help"], text=True, capture_output=True, check=True).stdout
    if own != usage():
        return set(re.findall(r"(?<![\w-])--[a-z-]+", own))
    lines = re.findall(rf"^  {command} (.*)$", usage(), re.MULTILINE)
    return {option for line in lines for option in re.findall(r"--[a-z]+", line)}


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        fake = self.folder / "bubctl"
        fake.write_text(FAKE.replace("BUBCTL", BUBCTL))
        fake.chmod(0o755)
        self.env = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}

    def offered(self, line):
        done = subprocess.run(
            ["bash", "--norc", "-c", ASK, "ask", str(BASH_COMPLETION), str(FOLDER / "bubctl.bash"), line],
            text=True, capture_output=True, timeout=60, check=False, env=self.env, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_commands(self):
        self.assertTrue(commands())
        self.assertEqual({word for word in self.offered("bubctl ") if word[0] != "-"}, commands())
        self.assertEqual(self.offered("bubctl co"), {"counters"})
        self.assertEqual(self.offered("bubctl -s /tmp/other ref"), {"refresh"})

    def test_options(self):
        for command in commands():
            with self.subTest(command):
                self.assertEqual(self.offered(f"bubctl {command} --"), options(command))

    def test_peers(self):
        self.assertEqual(self.offered("bubctl forget "), {"2001:db8:2::10", "2001:db8:3::10"})
        self.assertEqual(self.offered("bubctl -s /tmp/other bub-start "), {"2001:db8:9::9"})
        self.assertEqual(self.offered("bubctl show "), {"2001:db8:2::10", "2001:db8:3::10"})
        self.assertEqual(self.offered("bubctl show --mode "), {"bub", "ro", "tunnel", "plain"})
        # Bash has the part up to the last colon already.
        self.assertEqual(self.offered("bubctl forget 2001:db8:3:"), {":10"})

    def test_interfaces(self):
        self.assertEqual(self.offered("bubctl prefer "), {"wlan0"})
        self.assertEqual(self.offered("bubctl -s /tmp/sock move wl"), set())

    def test_files(self):
        (self.folder / "mn1.secret").touch()
        self.assertIn("mn1.secret", self.offered("bubctl genkey mn1"))
        self.assertIn("mn1.secret", self.offered("bubctl -s mn1"))

    def test_zsh_knows_the_same(self):
        text = (FOLDER / "_bubctl").read_text()
        self.assertEqual(set(re.findall(r"^\t\t'([a-z-]+):", text, re.MULTILINE)), commands())
        for command in commands():
            for option in options(command):
                self.assertIn(option, text)
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n", str(FOLDER / "_bubctl")], check=True, timeout=60)


if __name__ == "__main__":
    if not BASH_COMPLETION.exists():
        print("bash-completion is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
