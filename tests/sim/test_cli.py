#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The simulator's command line: replay, topology files and their errors, captures, failures.

  test_cli.py BUBSIM FOLDER
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUBSIM, FOLDER = sys.argv[1:3]

PLACES = """
place one 2001:db8:1::/64 delay 10ms
place two 2001:db8:2::/64 delay 10ms
agent ha at one
"""


def bubsim(*args):
    return subprocess.run([BUBSIM, *args], capture_output=True, text=True, check=False)


def topology(text, *args):
    with tempfile.NamedTemporaryFile("w", suffix=".sim") as f:
        f.write(text)
        f.flush()
        done = bubsim("--topology", f.name, *args)
        done.stderr = done.stderr.replace(f.name, "FILE")
        return done


class Replay(unittest.TestCase):
    def test_a_seed_runs_the_same_way_each_time(self):
        one = bubsim("--seed", "17", "--trace")
        two = bubsim("--seed", "17", "--trace")
        self.assertEqual(one.returncode, 0, one.stdout[-2000:])
        self.assertEqual(one.stdout, two.stdout)
        self.assertRegex(one.stdout, r"hash [0-9a-f]{16}")

    def test_another_seed_is_another_run(self):
        self.assertNotEqual(
            bubsim("--seed", "1", "--trace").stdout, bubsim("--seed", "2", "--trace").stdout
        )

    def test_several_workers_do_what_one_does(self):
        def counts(*args):
            out = bubsim("--seed", "1", "--runs", "12", *args).stdout
            return re.search(r"\d+ packets.*", out).group()

        self.assertEqual(counts("--threads", "3"), counts("--threads", "no"))

    def test_rate_is_told(self):
        out = bubsim("--seed", "1", "--runs", "3").stdout
        self.assertRegex(out, r"3 seeds, 0 failed, .* seeds/s, \d+ simulated seconds a second")

    def test_pairs_and_time_can_be_given(self):
        done = bubsim("--seed", "3", "--pairs", "40", "--time", "20", "--faults", "walk")
        self.assertEqual(done.returncode, 0, done.stdout)


class Failure(unittest.TestCase):
    """No time for anybody to be well: a violation that is always there."""

    ARGS = ("--seed", "5", "--pairs", "3", "--liveness", "1")

    def test_is_told_with_seed_commit_and_oracle_and_shrunk(self):
        done = bubsim(*self.ARGS)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"FAILED seed 5, commit \S+: oracle liveness at ")
        shrunk = re.search(r"shrunk: \(\d+ runs\) bubsim (.*)", done.stdout).group(1)
        self.assertIn("--seed 5 --faults none", shrunk)
        self.assertIn("the end of its trace", done.stdout)
        again = bubsim(*shrunk.split(), "--no-shrink")
        self.assertEqual(again.returncode, 1)
        self.assertIn("oracle liveness", again.stdout)

    def test_the_shown_run_fails_too(self):
        done = bubsim(*self.ARGS, "--trace")
        self.assertEqual(done.returncode, 1)
        self.assertIn("oracle liveness", done.stdout)

    def test_may_be_passed_over(self):
        done = bubsim(*self.ARGS, "--runs", "3", "--keep-going", "--no-shrink")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count("FAILED seed"), 3)


class Usage(unittest.TestCase):
    def test_help_names_every_fault(self):
        out = bubsim("--help").stdout
        for name in ("jitter", "partition", "amnesia", "spoof"):
            self.assertIn(name, out)

    def test_mistakes(self):
        for args, message in (
            (("--seed", "x"), "not a number"),
            (("--seed", "-1"), "not a number"),
            (("--faults", "rain"), "no such fault class: 'rain'"),
            (("--only", "1,64"), "not a list of pair numbers"),
            (("--threads", "0"), "not a number of workers"),
            (("--trace", "--runs", "2"), "of one run"),
            (("--gaps", "--runs", "2"), "of one run"),
            (("7",), "no arguments are taken"),
            (("--topology", "/nonexistent"), "No such file"),
        ):
            with self.subTest(args=args):
                done = bubsim(*args)
                self.assertEqual(done.returncode, 2)
                self.assertIn(message, done.stderr)


class Topology(unittest.TestCase):
    def test_the_example(self):
        done = bubsim("--topology", f"{FOLDER}/roaming.sim", "--check-determinism")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_seed_is_the_files_unless_another_is_given(self):
        text = PLACES + "mobile a agent ha at two\nmobile b agent ha at two\npair a b\ntime 20s\n"

        def run(seed, *args):
            return topology(f"{text}seed {seed}\n", "--trace", *args).stdout

        self.assertIn("well after", run(7))
        self.assertNotEqual(run(7), run(8))
        self.assertEqual(run(7), run(8, "--seed", "7"))
        self.assertEqual(run(0), run(8, "--seed", "0"))
        self.assertNotEqual(run(0), run(1))

    def test_what_is_expected_is_checked(self):
        text = PLACES + "mobile a agent ha at two\nmobile b agent ha at two\npair a b expect ro\n"
        done = topology(text, "--liveness", "30")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not in the mode that the file expects", done.stdout)
        self.assertEqual(topology(text.replace("ro", "bub")).returncode, 0)

    def test_gaps_are_told(self):
        text = PLACES + """
            place three 2001:db8:3::/64 delay 10ms
            mobile a agent ha at two
            mobile b agent ha at two
            pair a b every 1ms
            time 40s
            at 30s move a three
            at 30s move b three
        """
        done = topology(text, "--gaps")
        self.assertEqual(done.returncode, 0, done.stdout)
        # The home agent is told in 20 ms, and so long the data needs from there.
        told = re.search(r"(\d+) handovers, data after: median [\d.]+ ms, 95 % [\d.]+, longest (\d+)",
                         done.stdout)
        self.assertEqual(told.group(1), "2")  # that into the first places counts
        self.assertIn(", direct data after: ", done.stdout)

    def test_loss_begins_when_the_file_says(self):
        def until_faults_stop(when):
            text = PLACES.replace("place two 2001:db8:2::/64 delay 10ms",
                                  f"place two 2001:db8:2::/64 delay 10ms loss 100% from {when}")
            return topology(text + "mobile a agent ha at two\nmobile b agent ha at two\n"
                            "pair a b\ntime 30s\n", "--trace").stdout.split("faults stop")[0]

        self.assertTrue("-> registered" in until_faults_stop("20s"))
        self.assertFalse("-> registered" in until_faults_stop("0s"))

    def test_errors_name_file_and_line(self):
        for text, message in (
            ("plaice x 2001:db8::/64", "FILE:1: no such statement: 'plaice'"),
            ("\n\nplace x 2001:db8::/48", "FILE:3: a prefix of 64 bits"),
            ("place x 2001:db8::1/64", "FILE:1: not a prefix for use here"),
            ("place x fe80::/64", "FILE:1: not a prefix for use here"),
            ("place x 2001:db8::/64 delay 5parsec", "FILE:1: delay: us, ms, s, m or h"),
            ("place x 2001:db8::/64 loss 101%", "FILE:1: loss: a percentage"),
            ("place x 2001:db8::/64 mtu 576", "FILE:1: mtu: a whole number from 1280"),
            ("place x 2001:db8::/64 colour", "FILE:1: a place has no 'colour'"),
            (PLACES + "place one 2001:db8:9::/64", "FILE:5: there is a place 'one' already"),
            (PLACES + "place three 2001:db8:1::/64", "FILE:5: place 'one' has this prefix"),
            (PLACES + "agent hb at one preference 70000", "FILE:5: preference: a whole number"),
            (PLACES + "agent hb at one discover yes", "FILE:5: a node has no 'discover'"),
            (PLACES + "mobile a agent ha preferences 1", "FILE:5: preferences is missing"),
            (PLACES + "mobile a agent ha\nat 1s move a two by 3", "FILE:6: by: a whole number"),
            (PLACES + "mobile a agent nobody", "FILE:5: no node 'nobody'"),
            (PLACES + "mobile a agent ha at sea", "FILE:5: no place 'sea'"),
            (PLACES + "mobile a agent ha bub maybe", "FILE:5: bub: allow, never or require"),
            (PLACES + "mobile a agent ha eager perhaps", "FILE:5: yes or no"),
            (PLACES + "mobile a agent ha lifetime 1s", "FILE:5: lifetime: from 4 s"),
            (PLACES + "mobile a agent ha suites 3", "FILE:5: suites: 1, 2 or both"),
            (PLACES + "mobile a agent ha\npair a a", "FILE:6: a pair is two nodes"),
            (PLACES + "pair ha ha", "FILE:5: a home agent exchanges no data"),
            (PLACES + "attacker at one loss", "FILE:5: an attacker can"),
            (PLACES + "at 1s move ha two", "FILE:5: 'ha' does not move"),
            (PLACES + "at 1s dance", "FILE:5: what is to happen? 'dance'"),
            (PLACES + "at 1s pause ha", "FILE:5: expected 'for'"),
            (PLACES + "at 1s cut", "FILE:5: a place is missing"),
            (PLACES + "seed 1 2", "FILE:5: '2' is too much"),
            (PLACES + "time 1s\nat 2s cut one for 1s", "something happens after the end"),
            ("# nothing\n", "no nodes"),
            ("place " + "x" * 2000, "FILE:1: at most"),
        ):
            with self.subTest(text=text[-60:]):
                done = topology(text)
                self.assertEqual(done.returncode, 2)
                self.assertIn(message, done.stderr)


class Links(unittest.TestCase):
    """Several interfaces, several home agents on one link."""

    def test_make_before_break(self):
        out = topology(
            PLACES
            + """
            mobile a agent ha at two
            mobile b agent ha at two
            pair a b expect bub
            at 5s move a one by 2
            at 6s leave a by 1
            at 10s move a two by 1
            at 12s withdraw a by 2
            """,
            "--trace",
        ).stdout
        self.assertIn("registered -> deregistering (back on the home link)", out)
        self.assertNotIn("registered -> no care-of address", out)
        self.assertIn("well after", out)

    def test_the_preferred_interface_is_used(self):
        text = (
            PLACES
            + "place three 2001:db8:3::/64\nmobile a agent ha at two preferences 1 {}\n"
            + "at 5s move a three by 2\n"
        )
        moved = "registered -> registering (new care-of address)"
        self.assertIn(moved, topology(text.format(2), "--trace").stdout)
        self.assertNotIn(moved, topology(text.format(0), "--trace").stdout)

    def test_home_agent_is_discovered_and_left_for_another(self):
        out = topology(
            PLACES
            + """
            agent hb at one preference 3
            mobile a agent ha at two discover yes
            mobile b agent ha at two
            pair a b expect bub
            at 60s pause hb for 10m
            at 90s move a one
            at 91s move a two
            time 500s
            """,
            "--trace",
        ).stdout
        lines = [line.split()[1] for line in out.splitlines() if "home-binding none -> bound" in line]
        self.assertEqual(lines[0:2], ["ha", "hb"])
        self.assertIn("well after", out)
        bound = [line for line in out.splitlines() if "-> bound (registered) 2001:db8:1::1002" in line]
        self.assertEqual([line.split()[1] for line in bound], ["hb", "ha"])


class Coverage(unittest.TestCase):
    def test_what_no_run_came_across_fails(self):
        calm = ("--seed", "1", "--runs", "3", "--faults", "walk")
        done = bubsim(*calm, "--check-coverage")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED: no run has come across: clocks apart", done.stdout)
        self.assertNotIn("come across: move\n", done.stdout)
        self.assertIn("never dropped for: ", done.stdout)
        done = bubsim(*calm)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"touched: packets lost 0, .* move 3,.*drop reasons \d+ of")


class Capture(unittest.TestCase):
    def test_tshark_reads_it(self):
        if shutil.which("tshark") is None:
            self.skipTest("no tshark")
        with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
            done = bubsim("--topology", f"{FOLDER}/roaming.sim", "--pcap", f.name)
            self.assertEqual(done.returncode, 0, done.stdout)
            out = subprocess.run(
                ["tshark", "-r", f.name, "-Y", "mipv6", "-T", "fields", "-e", "mip6.mhtype"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        # Home Test Init to Binding Acknowledgement, BUB Complete (8) and DH messages (11).
        for kind in ("1", "2", "3", "4", "5", "6", "8", "11"):
            self.assertIn(kind, out)

    def test_what_cannot_be_written_is_told(self):
        done = bubsim("--seed", "1", "--pcap", "/nonexistent/x.pcap")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write /nonexistent/x.pcap", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
