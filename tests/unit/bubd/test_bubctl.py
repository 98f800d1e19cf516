#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubctl against a daemon that is made up here.   usage: test_bubctl.py BUBCTL"""

import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families

BUBCTL = sys.argv.pop(1)

STATUS = {
    "node": "mn1",
    "roles": ["mobile-node", "home-agent", "correspondent"],
    "homes": [{
        "address": "2001:db8:1::10", "home_agent": "2001:db8:1::1", "care_of": "2001:db8:a::10",
        "interface": "wlan0", "state": "registered", "why": "acknowledged", "lifetime_s": 3599, "sequence": 12,
        "prefix": "deprecated", "prefix_lifetime_s": 77,
        "keys": {"kind": "agreed", "algorithm": "aes-128-gcm", "age_s": 65, "renews_in_s": 7200,
                 "ends_in_s": 9000, "why": "the certificate ends in 3 days", "attempts": 2,
                 "next_attempt_s": 4},
    }],
    "peers": [
        {"local": "2001:db8:1::10", "peer": "2001:db8:2::10", "mode": "bub",
         "why": "since the DH exchange", "path": "direct", "out_src": "2001:db8:a::10",
         "direct_path": "udp", "direct_path_why": "what is in UDP got through",
         "out_dst": "2001:db8:b::10", "test": "passed", "local_care_of": "2001:db8:a::10",
         "peer_care_of": "2001:db8:b::10", "sequence_out": 7, "sequence_in": 9,
         "lifetime_s": 3661, "peer_lifetime_s": 59, "handovers": 3,
         "key": "Kabm", "key_age_s": 130,
         "last_handover": {"age_s": 75, "result": "done", "moved": "both", "gap_us": 93400},
         "direct": {"packets_in": 1, "octets_in": 2, "packets_out": 3, "octets_out": 4},
         "tunnel": {"packets_in": 11, "octets_in": 12, "packets_out": 13, "octets_out": 14}},
        {"local": "2001:db8:1::10", "peer": "2001:db8:3::1", "mode": "tunnel",
         "why": "the peer does not answer", "path": "tunnel", "out_src": None, "out_dst": None,
         "test": "running", "local_care_of": None,
         "peer_care_of": None, "sequence_out": 0, "sequence_in": 0, "lifetime_s": 0,
         "peer_lifetime_s": 0, "handovers": 0,
         "last_handover": {"age_s": 7, "result": "unanswered", "moved": "local", "gap_us": None}},
    ],
    "clients": [
        {"home": "2001:db8:7::10", "care_of": "192.0.2.9", "nat": True, "lifetime_s": 60,
         "sequence": 4, "registered": True},
        {"home": "2001:db8:7::11", "care_of": "2001:db8:dddd:dddd::1", "lifetime_s": 7200,
         "sequence": 65535, "registered": True},
        {"home": "2001:db8:7::122", "care_of": None, "lifetime_s": 0, "sequence": 0,
         "registered": False},
        {"home": "2001:db8:7::12", "care_of": "2001:db8:d::12", "lifetime_s": 0, "sequence": 0,
         "registered": False, "provisional": True},
    ],
    "served": {"all": 4, "registered": 2},
    "memberships": [
        {"home": "2001:db8:7::10", "group": "ff1e::1234", "lifetime_s": 251},
        {"home": "2001:db8:7::122", "group": "ff1e::5", "lifetime_s": 9},
    ],
    "handover_gaps": {"bub": {"sum_us": 1500000, "buckets": [
        {"below_ms": 25, "n": 2}, {"below_ms": 1000, "n": 3}, {"below_ms": None, "n": 0}]}},
    "counters": {
        "drops": {"mh-checksum": 5, "hao-no-binding": 0},
        "sent": {"bu": 6, "dh1": 0},
        "received": {"bu": 0, "dh1": 0},
        "engine": {"handovers": 11, "dh-failed": 0},
        "data": {"data-out": 123456, "esp-replay": 0},
        "discarded": {"mh-checksum": 5, "hao-no-binding": 0, "esp-replay": 0},
        "keys": {"keys-agreed": 8, "keys-wrong-psk": 0},
    },
}

SHOW = """\
node mn1: mobile-node, home-agent, correspondent

home address 2001:db8:1::10
  state             registered
  why               acknowledged
  care-of address   2001:db8:a::10 on wlan0
  home agent        2001:db8:1::1
  keys              agreed, aes-128-gcm, 1 min 5 s old, renewed in 2 h 0 min
                    the certificate ends in 3 days
                    2 attempts failed, the next one in 4 s
  registration      59 min 59 s left
  home prefix       deprecated

peer 2001:db8:3::1
  local address     2001:db8:1::10
  mode              tunnel (through the home agent)
  why               the peer does not answer
  path              through the home agent
  BUB test          running
  handovers         0
  last handover     7 s ago, unanswered

peer 2001:db8:2::10
  local address     2001:db8:1::10
  mode              bub (Binding Update Backhauling)
  why               since the DH exchange
  path              direct in UDP, 2001:db8:a::10 to 2001:db8:b::10
  not as headers    what is in UDP got through
  our care-of       2001:db8:a::10, 1 h 1 min left
  its care-of       2001:db8:b::10, 59 s left
  key               2 min 10 s old
  data, direct      in 1 packet, 2 octets; out 3 packets, 4 octets
  data, tunnelled   in 11 packets, 12 octets; out 13 packets, 14 octets
  handovers         3
  last handover     1 min 15 s ago, gap 93 ms

home agent, 2 of 4 registered
  home address     care-of address        left
  2001:db8:7::10   192.0.2.9 (NAT)        1 min 0 s
  2001:db8:7::11   2001:db8:dddd:dddd::1  2 h 0 min
  2001:db8:7::122  not registered
  2001:db8:7::12   2001:db8:d::12         home link is being probed

groups that mobile nodes listen to
  home address     group
  2001:db8:7::10   ff1e::1234
  2001:db8:7::122  ff1e::5
"""

COUNTERS = """\
protocol
  handovers  11
mobility messages sent
  bu  6
data path
  data-out  123456
discarded, by reason
  mh-checksum  5
"""

COUNTERS_ALL = """\
protocol
  handovers  11
  dh-failed  0
mobility messages sent
  bu   6
  dh1  0
mobility messages received
  bu   0
  dh1  0
data path
  data-out  123456
discarded, by reason
  mh-checksum     5
  hao-no-binding  0
  esp-replay      0
"""


class Bubctl(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "ctl")
        self.requests = []

    def serve(self, reply):
        """Answers the next connection with the octets @reply; None closes it."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(1)

        def run():
            s, _ = listener.accept()
            with s, s.makefile("rb") as lines:
                self.requests.append(json.loads(lines.readline()))
                if reply is not None:
                    s.sendall(reply)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def finish():
            thread.join(30)
            listener.close()
            os.unlink(self.path)

        return finish

    def run_bubctl(self, *args, **env):
        return subprocess.run([BUBCTL, "-s", self.path, *args], text=True, capture_output=True,
                              timeout=60, check=False,
                              env={**{k: v for k, v in os.environ.items() if k != "COLUMNS"}, **env})

    def ask(self, reply, *args, **env):
        finish = self.serve(reply if isinstance(reply, (bytes, type(None)))
                            else json.dumps(reply).encode() + b"\n")
        done = self.run_bubctl(*args, **env)
        finish()
        return done

    def assert_output(self, done, text):
        self.assertEqual((done.stdout, done.stderr, done.returncode), (text, "", 0))

    def test_show(self):
        self.assert_output(self.ask(STATUS, "show"), SHOW)
        self.assertEqual(self.requests, [{"cmd": "show", "only": ["homes", "peers", "clients"]}])

    def test_show_is_the_default(self):
        self.assert_output(self.ask(STATUS), SHOW)

    def test_show_correspondent(self):
        status = {"node": "cn", "roles": ["correspondent"], "homes": [], "peers": [],
                  "clients": [], "counters": {}}
        self.assert_output(self.ask(status), "node cn: correspondent\n\npeers: none\n")
        status["roles"] = ["home-agent", "correspondent"]
        self.assertIn("no mobile node is configured", self.ask(status).stdout)

    def test_show_group(self):
        """That nobody is registered on a standby must not read as if nobody were at all."""
        group = {"role": "standby", "drained": True, "has_address": False, "term": 0,
                 "why": "it was drained"}
        status = {"node": "ha", "roles": ["home-agent"], "homes": [], "peers": [],
                  "clients": [{"home": "2001:db8:7::10", "registered": False}], "group": group}
        self.assert_output(self.ask(status), (
            "node ha: home-agent\n\npeers: none\n\n"
            "home agent of a group: standby, the address is not here: it was drained\n"
            "  it serves nobody; who is registered is shown where it is active\n"))
        group.update(role="active", drained=False, has_address=True, term=4, why=None)
        shown = self.ask(status).stdout
        self.assertIn("home agent of a group: active, term 4, the address is here\n", shown)
        self.assertIn("home agent, 0 of 1 registered", shown)

    def test_drain(self):
        """Who was standby before does not know whether anybody serves."""
        done = self.ask({"role": "standby", "drained": True}, "drain")
        self.assertEqual(done.returncode, 0)
        self.assertIn("it was standby before", done.stdout)
        self.assertNotIn("serves", done.stdout)

    def test_show_asks_for_what_is_wanted(self):
        for args, members in (
                (["--json"], {}), (["--check"], {}), (["--peers"], {"only": ["peers"]}),
                (["--clients", "--homes", "--json"], {"only": ["homes", "clients"]}),
                (["--mode", "ro"], {"only": ["peers"], "mode": "ro"}),
                (["2001:db8::1"], {"only": ["peers", "clients"], "peer": "2001:db8::1"}),
                (["2001:db8::1", "--peers"], {"only": ["peers"], "peer": "2001:db8::1"})):
            self.ask(STATUS, "show", *args)
            self.assertEqual(self.requests.pop(), {"cmd": "show", **members})

    def peers(self, n, **changed):
        modes = ("bub", "bub", "ro", "tunnel")
        return {"node": "mn1", "roles": ["mobile-node"], "homes": [], "peers": [
            {**STATUS["peers"][0], "peer": f"2001:db8:{i + 2:x}::10", "mode": modes[i % 4],
             **changed} for i in range(n)]}

    def table(self, done):
        """Its title, and the rows by their first column."""
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.split("\n\n")[-1].splitlines()
        return lines[0], lines[1], lines[2:]

    def test_many_peers_are_a_table(self):
        title, head, rows = self.table(self.ask(self.peers(4)))
        self.assertEqual(title, "peers: 4, 2 bub, 1 ro, 1 tunnel")
        # The worst is first.
        self.assertEqual([row.split()[:2] for row in rows], [
            ["2001:db8:5::10", "tunnel"], ["2001:db8:4::10", "ro"], ["2001:db8:2::10", "bub"],
            ["2001:db8:3::10", "bub"]])
        # Columns begin below their titles.
        for word, text in (("mode", "tunnel"), ("path", "direct"), ("why", "since the DH"),
                           ("handover", "     75s"), ("gap ms", "    93")):
            self.assertTrue(rows[0][head.index(word):].startswith(text), rows[0])

    def test_what_nobody_knows_has_no_column(self):
        known = self.peers(4, key_age_s=130, direct={"packets_in": 1200, "packets_out": 7},
                           tunnel={"packets_in": 34, "packets_out": 5})
        _, head, rows = self.table(self.ask(known, COLUMNS="120"))
        for word in ("key", "in", "out"):
            self.assertIn(word, head.split())
        self.assertIn(["2m", "1.2k", "12"], [row.split()[3:6] for row in rows])
        unknown = self.peers(4, key_age_s=None, direct=None, tunnel=None)
        _, head, _ = self.table(self.ask(unknown, COLUMNS="120"))
        for word in ("key", "in", "out"):
            self.assertNotIn(word, head.split())

    def test_trouble_is_a_warning(self):
        home = {**STATUS["homes"][0], "trouble": "loop", "why": "packets to it go round"}
        answer = self.ask({**STATUS, "homes": [{**home, "prefix": "preferred"}]}, "show", "--check")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("BUB WARNING - 2001:db8:1::10: packets to it go round; ", answer.stdout)

    def test_wrong_usage_takes_a_line(self):
        for words in (("shwo",), ("show", "--jsn")):
            done = subprocess.run([BUBCTL, *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("bubctl help lists", done.stderr)
            self.assertLessEqual(len(done.stderr.splitlines()), 2)
        self.assertIn("  doctor ", subprocess.run([BUBCTL, "help"], capture_output=True, text=True, check=True).stdout)

    def test_a_client_that_is_refused_has_a_why(self):
        client = {"home": "2001:db8:7::10", "registered": False, "care_of": None, "why": "no such key"}
        text = self.ask({**STATUS, "clients": [client]}).stdout
        self.assertIn("\n\ntrouble with these\n  2001:db8:7::10: no such key\n", text)
        # All of it, whatever the width: the end of the sentence says what is wrong.
        client["why"] = 20 * "in many words " + "the key differs"
        strangers = [{"home": "2001:db8:7::99", "why": "no line has it"}]
        for width in ("60", "80", "200"):
            text = self.ask({**STATUS, "clients": [client], "strangers": strangers}, COLUMNS=width).stdout
            self.assertIn(client["why"], " ".join(text.split()))
            self.assertLessEqual(max(map(len, text.splitlines())), int(width))
            self.assertIn("\n\nnot served here, and try to register\n  2001:db8:7::99: no line has it\n", text)
        self.assertNotIn("trouble with these", self.ask(STATUS).stdout)

    def test_a_long_why_goes_on_below_itself(self):
        home = {**STATUS["homes"][0], "why": 20 * "long "}
        rows = self.ask({**STATUS, "homes": [home]}, COLUMNS="60").stdout.splitlines()
        at = next(i for i, row in enumerate(rows) if row.startswith("  why"))
        self.assertEqual(rows[at:at + 3], ["  why               " + " ".join(8 * ["long"]),
                                           20 * " " + " ".join(8 * ["long"]),
                                           20 * " " + " ".join(4 * ["long"])])

    def test_a_table_fits_the_line(self):
        long = "2001:db8:1234:5678:9abc:def0:1234:5678"
        reply = self.peers(4, peer=long, why="a sentence that is longer than what any line has room for")
        for width, words in (("200", "has room for"), ("80", "..."), ("60", "direct"), ("50", "tunnel")):
            lines = self.ask(reply, COLUMNS=width).stdout.splitlines()
            self.assertLessEqual(max(map(len, lines)), int(width))
            self.assertIn(words, "".join(lines))
            self.assertEqual([line for line in lines if line != line.rstrip()], [])
            self.assertEqual(sum(long in line for line in lines), 4)
        # Without a terminal, and where COLUMNS is none, a line has 80.
        for env in ({}, {"COLUMNS": "x"}, {"COLUMNS": "-5"}, {"COLUMNS": "99999999999"}):
            text = self.ask(reply, **env).stdout
            self.assertEqual(max(map(len, text.splitlines())), 80)

    def test_very_many_peers_fit_a_screen(self):
        reply = self.peers(10000)
        begin = time.monotonic()
        title, _, rows = self.table(self.ask(reply))
        self.assertLess(time.monotonic() - begin, 20)
        self.assertEqual(title, "peers: 10000, 5000 bub, 2500 ro, 2500 tunnel")
        self.assertEqual(len(rows), 13)
        self.assertEqual({row.split()[1] for row in rows[:-1]}, {"tunnel"})
        self.assertEqual(rows[-1], "  and 9988 more: bubctl show --peers")
        self.assertEqual(len(self.table(self.ask(reply, "show", "--peers"))[2]), 10000)

    def test_many_clients(self):
        clients = [{**STATUS["clients"][2 if i % 2 else 0], "home": f"2001:db8:7::{i:x}"}
                   for i in range(50)]
        reply = {"node": "ha", "roles": ["home-agent"], "clients": clients}
        title, _, rows = self.table(self.ask(reply))
        self.assertEqual(title, "home agent, 25 of 50 registered")
        self.assertEqual(rows[-1], "  and 38 more: bubctl show --clients")
        # The answer has only the first of them.
        cut = {**reply, "served": {"all": 9000, "registered": 8000}, "more": {"clients": 50}}
        title, _, rows = self.table(self.ask(cut))
        self.assertEqual(title, "home agent, 8000 of 9000 registered")
        self.assertEqual(rows[-1], "  and 8988 more: bubctl show --clients")
        rows = self.table(self.ask(reply, "show", "--clients"))[2]
        self.assertEqual(["not registered" in row for row in rows], 25 * [False] + 25 * [True])

    def coloured(self, **env):
        """What a terminal gets that has 100 columns."""
        finish = self.serve(json.dumps(self.peers(4)).encode() + b"\n")
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        with os.fdopen(ours, "rb", 0) as screen:
            subprocess.run([BUBCTL, "-s", self.path], stdout=theirs, timeout=60, check=True,
                           env={**os.environ, "NO_COLOR": "", "TERM": "xterm", **env})
            os.close(theirs)
            text = b""
            try:
                while part := screen.read(65536):
                    text += part
            except OSError:  # the other end is closed
                pass
        finish()
        return text.decode()

    def test_colours_on_a_terminal_only(self):
        text = self.coloured()
        self.assertIn("\033[33mtunnel\033[0m", text)
        bare = re.sub(r"\033\[\d+m", "", text).replace("\r", "")
        self.assertEqual(bare, self.ask(self.peers(4), COLUMNS="100").stdout)
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\033", self.coloured(**env))
        self.assertNotIn("\033", self.ask(self.peers(4)).stdout)

    def test_show_json(self):
        done = self.ask(STATUS, "show", "--json")
        self.assertEqual(json.loads(done.stdout), STATUS)
        self.assertEqual(list(json.loads(done.stdout)), list(STATUS))

    def test_show_survives_odd_replies(self):
        for reply in ({}, [], {"homes": 7, "peers": [None, 3, {}], "roles": [1], "node": []},
                      {"roles": ["home-agent"], "clients": [{}, []]}):
            self.assertEqual(self.ask(reply, "show").returncode, 0)
            self.assertEqual(self.ask(reply, "counters").returncode, 0)

    def test_counters(self):
        reply = {"node": "mn1", "counters": STATUS["counters"]}
        self.assert_output(self.ask(reply, "counters"), COUNTERS)
        self.assert_output(self.ask(reply, "counters", "--all"), COUNTERS_ALL)
        self.assert_output(self.ask(reply, "--all", "counters"), COUNTERS_ALL)
        self.assertEqual(json.loads(self.ask(reply, "counters", "--json").stdout), reply)
        self.assert_output(self.ask({"counters": {"discarded": {"x": 0}}}, "counters"),
                           "every counter is zero\n")

    def check(self, **changed):
        done = self.ask({**STATUS, **changed}, "show", "--check")
        self.assertEqual(done.stdout.count("\n"), 1)
        return done.returncode, done.stdout

    def home(self, **changed):
        return {**STATUS["homes"][0], "prefix": "preferred", **changed}

    def test_check(self):
        self.assertEqual(self.check(homes=[self.home()]), (0, (
            "BUB OK - 1 of 1 home addresses served, 1 of 2 peers on the direct path, "
            "2 of 4 mobile nodes registered here | served=1 homes=1 direct=1 peers=2 "
            "registered=2 clients=4\n")))
        self.assertEqual(self.check(homes=[])[0], 0)
        self.assertEqual(self.check(homes=[self.home(state="at home", lifetime_s=0)])[0], 0)

    def test_check_warns(self):
        status, line = self.check(homes=[self.home(), self.home(state="registering")])
        self.assertEqual(status, 1)
        self.assertIn("BUB WARNING - 2001:db8:1::10: registering; 1 of 2 home", line)
        status, line = self.check()
        self.assertEqual(status, 1)
        self.assertIn("prefix is going away", line)

    def test_check_tells_the_worst(self):
        lost = self.home(address="2001:db8:9::10", state="no care-of address", lifetime_s=0)
        status, line = self.check(homes=[self.home(state="registering"), lost, self.home()])
        self.assertEqual(status, 2)
        self.assertIn("BUB CRITICAL - 2001:db8:9::10: no care-of address; 1 of 3", line)

    def test_check_knows_nothing(self):
        for done in (self.run_bubctl("show", "--check"), self.ask({"error": "no"}, "show", "--check"),
                     self.ask(b"HTTP/1.0 400\n", "show", "--check")):
            self.assertEqual(done.returncode, 3)
            self.assertTrue(done.stdout.startswith("BUB UNKNOWN - "), done.stdout)

    def metrics(self, status):
        done = self.ask(status, "counters", "--openmetrics")
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        self.assertEqual(self.requests.pop(), {"cmd": "show"})
        # What reads the older format knows these three types and no other one of ours.
        self.assertEqual(set(re.findall(r"^# TYPE \S+ (\S+)$", done.stdout, re.MULTILINE)),
                         {"counter", "gauge", "histogram"})
        found = {}
        for family in text_string_to_metric_families(done.stdout):
            for sample in family.samples:
                found[sample.name, *sorted(sample.labels.items())] = sample.value
        return found

    def test_openmetrics(self):
        found = self.metrics(STATUS)
        pair = (("local", "2001:db8:1::10"), ("peer", "2001:db8:2::10"))
        for name, value in {
            ("bub_node_info", ("node", "mn1")): 1,
            ("bub_home_served", ("address", "2001:db8:1::10")): 1,
            ("bub_home_lifetime_seconds", ("address", "2001:db8:1::10")): 3599,
            ("bub_peer_mode", pair[0], ("mode", "bub"), pair[1]): 1,
            ("bub_peer_mode", pair[0], ("mode", "ro"), pair[1]): 0,
            ("bub_peer_direct_path", *pair, ("state", "udp")): 1,
            ("bub_peer_direct_path", *pair, ("state", "open")): 0,
            ("bub_peer_handovers_total", *pair): 3,
            ("bub_peer_packets_total", ("direction", "in"), pair[0], ("path", "direct"), pair[1]): 1,
            ("bub_peer_bytes_total", ("direction", "out"), pair[0], ("path", "tunnel"), pair[1]): 14,
            ("bub_handover_gap_seconds_bucket", ("le", "0.025"), ("mode", "bub")): 2,
            ("bub_handover_gap_seconds_bucket", ("le", "1.0"), ("mode", "bub")): 5,
            ("bub_handover_gap_seconds_bucket", ("le", "+Inf"), ("mode", "bub")): 5,
            ("bub_handover_gap_seconds_count", ("mode", "bub")): 5,
            ("bub_handover_gap_seconds_sum", ("mode", "bub")): 1.5,
            ("bub_clients",): 4,
            ("bub_clients_registered",): 2,
            ("bub_handovers_total",): 11,
            ("bub_messages_sent_total", ("message", "bu")): 6,
            ("bub_messages_received_total", ("message", "bu")): 0,
            ("bub_data_path_total", ("counter", "data-out")): 123456,
            ("bub_dropped_total", ("reason", "mh-checksum")): 5,
            ("bub_keys_total", ("result", "keys-agreed")): 8,
            ("bub_home_keys_end_seconds", ("address", "2001:db8:1::10")): 9000,
        }.items():
            self.assertEqual(found.get(name), value, name)

    def test_openmetrics_of_odd_replies(self):
        self.assertEqual(self.metrics({})["bub_clients",], 0)
        name = 'a "quoted" \\ name\non two lines'
        self.assertEqual(self.metrics({"node": name})["bub_node_info", ("node", name)], 1)

    EVENTS = [
        ({"time": 1.25, "node": "mn1", "event": "state", "machine": "registration",
          "local": "2001:db8:1::10", "peer": "2001:db8:2::10", "from": "idle", "to": "waiting",
          "what": "moved"},
         "registration 2001:db8:1::10 with 2001:db8:2::10: idle -> waiting (moved)"),
        ({"event": "state", "machine": "home", "local": "2001:db8:1::10", "from": "at home",
          "to": "registering"}, "home 2001:db8:1::10: at home -> registering"),
        ({"event": "sent", "what": "BU", "peer": "2001:db8:2::10", "via": "home agents", "number": 7},
         "sent BU to 2001:db8:2::10, home agents, number 7"),
        ({"event": "received", "what": "BA", "peer": "2001:db8:2::10", "number": 7},
         "received BA from 2001:db8:2::10, direct, number 7"),
        ({"event": "drop", "drop": "mh-checksum", "rule": "RFC 6275, 9.2", "peer": "2001:db8::1",
          "local": "2001:db8:1::10"},
         "dropped: mh-checksum (RFC 6275, 9.2), from 2001:db8::1 to 2001:db8:1::10"),
        ({"event": "esp-drop", "what": "received", "drop": "replay", "out_src": "2001:db8::1",
          "out_dst": "2001:db8::2", "spi": 0xABC},
         "ESP received and dropped: replay, 2001:db8::1 to 2001:db8::2, SPI 0x00000abc"),
        ({"event": "path", "what": "set", "direct": True, "local": "2001:db8:1::10",
          "peer": "2001:db8:2::10", "out_src": "2001:db8:a::1", "out_dst": "2001:db8:b::1"},
         "path 2001:db8:1::10 to 2001:db8:2::10: direct, 2001:db8:a::1 to 2001:db8:b::1"),
        ({"event": "path", "what": "set", "direct": False, "local": "2001:db8:1::10",
          "peer": "2001:db8:2::10"}, "path 2001:db8:1::10 to 2001:db8:2::10: as routed"),
        ({"event": "path", "what": "del", "local": "2001:db8:1::10", "peer": "2001:db8:2::10"},
         "path 2001:db8:1::10 to 2001:db8:2::10: removed"),
        ({"event": "care-of", "address": "2001:db8:a::1", "interface": "wlan0", "usable": True},
         "care-of address 2001:db8:a::1 on wlan0 is usable"),
        ({"event": "care-of", "address": "2001:db8:a::1", "interface": "wlan0", "usable": False},
         "care-of address 2001:db8:a::1 on wlan0 is gone"),
        ({"event": "handover", "local": "2001:db8:1::10", "peer": "2001:db8:2::10", "mode": "bub",
          "result": "done", "moved": "both", "from": "2001:db8:a::1", "to": "2001:db8:b::1",
          "peer_from": "2001:db8:c::1", "peer_to": "2001:db8:d::1", "data_in_us": 92040,
          "gap_us": 95500},
         "handover of 2001:db8:1::10 with 2001:db8:2::10 by bub, done: moved from 2001:db8:a::1 to "
         "2001:db8:b::1, peer moved from 2001:db8:c::1 to 2001:db8:d::1, data again after 92.0 ms, "
         "silence of 95.5 ms"),
        ({"event": "handover", "local": "2001:db8:1::10", "peer": "2001:db8:2::10", "mode": "ro",
          "result": "unanswered", "moved": "local", "from": "2001:db8:a::1", "to": "2001:db8:b::1"},
         "handover of 2001:db8:1::10 with 2001:db8:2::10 by ro, unanswered: moved from 2001:db8:a::1 "
         "to 2001:db8:b::1"),
        ({"event": "link-down", "interface": "wlan0"}, "link wlan0 is down"),
        ({"event": "start", "what": "0.1.0"}, "bubd 0.1.0 starts"),
        ({"event": "stop", "what": "SIGTERM"}, "bubd stops: SIGTERM"),
        ({"event": "lost", "number": 12}, "12 events are not shown: this reads too slowly"),
        ({"event": "new"}, '{"event":"new"}'),
    ]

    def monitor(self, *options):
        lines = [{"ok": True}, *(event for event, _ in self.EVENTS)]
        reply = "".join(json.dumps(line) + "\n" for line in lines).encode()
        done = self.ask(reply, "monitor", *options)
        self.assertEqual(self.requests.pop(), {"cmd": "monitor"})
        # It goes on for as long as the daemon does.
        self.assertEqual(done.returncode, 3)
        self.assertIn("closed the connection", done.stderr)
        return done.stdout.splitlines()

    def test_monitor(self):
        first, *others = self.monitor()
        self.assertRegex(first, r"\A\d\d:\d\d:01\.250 registration 2001")
        self.assertEqual([first[13:], *others], [text for _, text in self.EVENTS])

    def test_monitor_json(self):
        self.assertEqual([json.loads(line) for line in self.monitor("--json")],
                         [event for event, _ in self.EVENTS])

    def test_monitor_refused(self):
        done = self.ask({"error": "too many connections; close some"}, "monitor")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("too many", done.stderr)

    def test_genkey(self):
        secret = self.run_bubctl("genkey").stdout
        self.assertRegex(secret, r"\Ahex:[0-9a-f]{64}\n\Z")
        self.assertNotEqual(self.run_bubctl("genkey").stdout, secret)
        file = self.path + ".secret"
        self.assert_output(self.run_bubctl("genkey", file), "")
        with open(file, encoding="ascii") as text:
            written = text.read()
        self.assertRegex(written, r"\Ahex:[0-9a-f]{64}\n\Z")
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        done = self.run_bubctl("genkey", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("move it away first", done.stderr)
        with open(file, encoding="ascii") as text:
            self.assertEqual(text.read(), written)
        done = self.run_bubctl("genkey", "/nonexistent/secret")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/secret", done.stderr)

    def test_genkey_full_disk(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([BUBCTL, "genkey"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_commands(self):
        for args, request in (
                (["bub-start", "2001:db8::1"], {"cmd": "bub-start", "peer": "2001:db8::1"}),
                (["forget", "2001:db8::1"], {"cmd": "forget", "peer": "2001:db8::1"}),
                (["refresh"], {"cmd": "refresh"})):
            self.assert_output(self.ask({"ok": True}, *args), "")
            self.assertEqual(self.requests.pop(), request)

    def test_daemon_says_no(self):
        done = self.ask({"error": "nothing is known of that peer"}, "forget", "2001:db8::1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "bubctl: bubd says no: nothing is known of that peer\n")

    def test_reload(self):
        reply = {"ok": True, "messages": [], "added": 2, "changed": 0, "removed": 1, "restart_for": None}
        self.assert_output(self.ask(reply, "reload"),
                           "taken over: log-level, peers, home prefixes, mobile nodes "
                           "(2 added, 0 changed, 1 removed)\n")
        self.assertEqual(self.requests.pop(), {"cmd": "reload"})
        reply["restart_for"] = "tun, interfaces"
        self.assertIn("a restart of bubd is needed for: tun, interfaces\n",
                      self.ask(reply, "reload").stdout)
        self.assertEqual(json.loads(self.ask(reply, "reload", "--json").stdout), reply)

    def test_reload_with_mistakes(self):
        reply = {"error": "nothing was changed", "messages": ["a:1:2: one", "a:3:4: two"]}
        words = "a:1:2: one\na:3:4: two\nbubctl: bubd says no: nothing was changed\n"
        done = self.ask(reply, "reload")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", words))
        done = self.ask(reply, "reload", "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout), done.stderr), (1, reply, words))

    PREFERRED = {
        "interface": "wlan0", "once": False, "care_ofs": [
            {"address": "2001:db8:a::10", "interface": "wlan0", "router": "fe80::1", "preference": 5,
             "failures": 0, "in_use": True},
            {"address": "2001:db8:b::10", "interface": "eth0", "router": None, "preference": 100,
             "failures": 0, "in_use": False},
            {"address": "2001:db8:c::10", "interface": "wwan0", "router": None, "preference": 0,
             "failures": 1, "in_use": False}]}

    def test_prefer(self):
        for args, request in (
                (["prefer"], {"cmd": "prefer"}),
                (["prefer", "wlan0"], {"cmd": "prefer", "interface": "wlan0"}),
                (["prefer", "--default"], {"cmd": "prefer", "interface": None}),
                (["move", "wlan0"], {"cmd": "move", "interface": "wlan0"})):
            self.assert_output(self.ask(self.PREFERRED, *args), """\
preferred: wlan0, until bubctl prefer --default or a restart of bubd
  interface  care-of address  preference  state
  wlan0      2001:db8:a::10            5  in use
  eth0       2001:db8:b::10          100  standing by
  wwan0      2001:db8:c::10            0  no answer by it, 1 time
""")
            self.assertEqual(self.requests.pop(), request)
        for changed, words in (({"once": True}, "preferred: wlan0, while it has a care-of address\n"),
                               ({"interface": None}, "preferred: as configured\n"),
                               ({"care_ofs": []}, "\nno interface has a care-of address\n")):
            self.assertIn(words, self.ask({**self.PREFERRED, **changed}, "prefer").stdout)
        self.assertEqual(json.loads(self.ask(self.PREFERRED, "move", "wlan0", "--json").stdout),
                         self.PREFERRED)

    def test_ping_without_a_path(self):
        reply = {"local": "2001:db8:1::10", "away": True, "own_ifindex": 7, "mark": 1, "paths": [
            {"path": "direct", "why": "nothing is known of that peer"},
            {"path": "home-agents", "why": "registering"}]}
        done = self.ask(reply, "ping", "2001:db8::1")
        self.assertEqual((done.returncode, done.stdout), (1, """\
no path that is direct: nothing is known of that peer
no path through the home agent: registering
"""))
        self.assertEqual(self.requests.pop(), {"cmd": "ping", "peer": "2001:db8::1"})
        paths = json.loads(self.ask(reply, "ping", "2001:db8::1", "--json").stdout)["paths"]
        self.assertEqual([(path["sent"], path["answer"]) for path in paths], 2 * [(0, None)])
        self.assertEqual(self.ask({"error": "no"}, "ping", "2001:db8::1").returncode, 1)

    def test_ping_of_this_host(self):
        """The kernel answers for itself, where raw sockets may be had."""
        reply = {"local": None, "away": False, "own_ifindex": 7, "mark": 0, "paths": [
            {"path": "direct", "why": "the peer is at home"}, {"path": "routed", "why": None}]}
        if os.geteuid() != 0:
            self.assertIn("try as root", self.ask(reply, "ping", "::1").stderr)
            return
        done = self.ask(reply, "ping", "::1", "-c", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^  routed  2 of 2  +\d+\.\d\d  ")
        self.assertIn("no path that is direct: the peer is at home\n", done.stdout)

    BINDINGS = {
        "here": [{"home": "2001:db8:2::10", "care_of": "2001:db8:b::10", "with": "2001:db8:1::10",
                  "home_registration": False, "lifetime_s": 3599, "sequence": 9, "signed_by": "kabm"},
                 {"home": "2001:db8:1::20", "care_of": "2001:db8:c::10", "with": None,
                  "home_registration": True, "lifetime_s": 9, "sequence": 65535,
                  "signed_by": "ipsec"}],
        "there": []}

    def test_bindings(self):
        self.assert_output(self.ask(self.BINDINGS, "bindings"), """\
bindings of others here: 2
  home address    care-of address  registered with  left  number  signed by
  2001:db8:2::10  2001:db8:b::10   2001:db8:1::10    59m       9  kabm
  2001:db8:1::20  2001:db8:c::10   home agent         9s   65535  ipsec

bindings of this node elsewhere: 0
""")
        self.assertEqual(self.requests.pop(), {"cmd": "bindings"})
        self.ask(self.BINDINGS, "bindings", "2001:db8::1")
        self.assertEqual(self.requests.pop(), {"cmd": "bindings", "peer": "2001:db8::1"})
        self.assertEqual(json.loads(self.ask(self.BINDINGS, "bindings", "--json").stdout), self.BINDINGS)

    def test_sas(self):
        sa = {"spi": 0xabcd, "direction": "out", "mode": "tunnel", "home": "2001:db8:1::10",
              "local": None, "remote": None, "covers": ["payload"], "encryption": "aes-cbc",
              "integrity": "hmac-sha256-128", "state": "ready", "sequence": 1234567,
              "packets": 123456, "octets": 9876543, "errors": {"esp-replay": 2, "esp-bad-icv": 1},
              "age_s": 200000}
        reply = {"sas": [sa, {**sa, "spi": 0x12345678, "direction": "in", "state": "stopped",
                              "errors": {}, "integrity": None, "encryption": "aes-gcm"}]}
        self.assert_output(self.ask(reply, "sas", COLUMNS="200"), """\
security associations: 2
  SPI       direction   home address    state     number  packets  octets  refused  age  algorithm
  0000abcd  out tunnel  2001:db8:1::10  ready    1234567     123k    9.8M        3   2d  aes-cbc hmac-sha256-128
  12345678  in tunnel   2001:db8:1::10  stopped  1234567     123k    9.8M        0   2d  aes-gcm
""")
        self.assertLessEqual(max(map(len, self.ask(reply, "sas").stdout.splitlines())), 80)
        self.assertEqual(json.loads(self.ask(reply, "sas", "--json").stdout), reply)
        self.assert_output(self.ask({"sas": []}, "sas"), "security associations: 0\n")

    def test_large_reply(self):
        status = dict(STATUS, clients=STATUS["clients"] * 5000)
        done = self.ask(status, "show", "--json")
        self.assertEqual(len(json.loads(done.stdout)["clients"]), 20000)

    def test_usage(self):
        for args in (["halt"], ["show", "x"], ["show", "::1", "::2"],
                     ["show", "--check", "--peers"], ["show", "--mode"], ["counters", "--peers"],
                     ["bindings", "x"], ["sas", "a", "b"], ["sas", "--check"],
                     ["ping"], ["ping", "mn2"], ["ping", "::1", "-c", "0"], ["ping", "::1", "-c", "1x"],
                     ["ping", "::1", "-c", "1001"], ["ping", "::1", "-c", "-1"], ["show", "-c", "1"],
                     ["prefer", "a", "b"], ["prefer", "a", "--default"], ["move"], ["move", "--default"],
                     ["forget"], ["forget", "mn2"], ["forget", "a", "b"],
                     ["refresh", "--json"], ["reload", "--all"], ["--none"], ["bub-start"],
                     ["refresh", "2001:db8::1"], ["counters", "--check"], ["show", "--openmetrics"],
                     ["show", "--json", "--check"], ["counters", "--json", "--openmetrics"],
                     ["genkey", "--json"], ["genkey", "a", "b"], ["monitor", "x"], ["monitor", "--check"]):
            done = self.run_bubctl(*args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
            self.assertNotEqual(done.stderr, "")

    def test_no_daemon(self):
        done = self.run_bubctl()
        self.assertEqual(done.returncode, 3)
        self.assertIn(self.path, done.stderr)
        self.assertIn("is bubd running?", done.stderr)

    def test_dead_daemon(self):
        s = socket.socket(socket.AF_UNIX)
        s.bind(self.path)
        s.close()
        done = self.run_bubctl()
        self.assertEqual(done.returncode, 3)
        self.assertIn("start it again", done.stderr)

    def test_bad_answers(self):
        for reply, words in ((None, "closed the connection"), (b"{\"node\":", "closed"),
                             (b"HTTP/1.0 400\n", "is not bubd")):
            done = self.ask(reply)
            self.assertEqual(done.returncode, 3)
            self.assertIn(words, done.stderr)

    def test_path_too_long(self):
        self.path = "/" + "x" * 200
        self.assertEqual(self.run_bubctl().returncode, 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
