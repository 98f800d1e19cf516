#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the programs know must be in their manuals, and what the manuals show must work.

usage: documented.py SOURCE-FOLDER BUBD BUBCTL
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUBD, BUBCTL = sys.argv[1:4]
del sys.argv[1:4]


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as f:
        return f.read()


def grammar():
    """Keywords by section, from the table."""
    tables = {}
    for section, keyword in re.findall(r'^\t\{IN_(\w+), KIND_\w+, "([\w-]+)",',
                                       read("src", "bubd", "config_keywords.c"), re.M):
        tables.setdefault(section.lower(), []).append(keyword)
    return tables


def literal_blocks(page):
    return re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", page, re.S)


class Documented(unittest.TestCase):
    def test_tables_were_found(self):
        tables = grammar()
        self.assertEqual(sorted(tables), ["adverts", "agent_keys", "bub", "client", "file", "home_agent",
                                          "interface", "keys", "limits", "mobile_node", "peer",
                                          "prefix", "redis", "sa"])
        self.assertGreaterEqual(sum(map(len, tables.values())), 70)

    def test_every_keyword(self):
        page = read("man", "bubd.conf.5")
        start = {
            "file": ".Ss Settings", "interface": ".Ss interface", "mobile_node": ".Ss mobile-node",
            "home_agent": ".Ss home-agent", "client": ".Ss home-agent", "prefix": ".It Cm prefix No",
            "adverts": ".It Cm router-adverts No",
            "bub": ".Ss bub",
            "peer": ".Ss peer", "limits": ".Ss limits", "sa": ".Ss sa",
            "keys": ".Ss keys", "agent_keys": ".Ss keys", "redis": ".Ss redis",
        }
        for table, keywords in grammar().items():
            part = page[page.index(start[table]):]
            part = part[:re.search(r"\n\.S[sh] ", part[4:]).start() + 4]
            for keyword in keywords:
                with self.subTest(table=table, keyword=keyword):
                    section = re.search(rf"^\.Ss {keyword}\b", page, re.M)
                    item = re.search(rf"^\.It Cm {keyword}\b", part, re.M)
                    self.assertTrue(section or item or (table == "client" and keyword in part))

    def test_no_keyword_too_many(self):
        known = {k for keywords in grammar().values() for k in keywords}
        page = read("man", "bubd.conf.5")
        page = page[page.index(".Ss Settings"):page.index(".Sh SECRETS")]
        for keyword in re.findall(r"^\.It Cm ([\w-]+)", page, re.M):
            self.assertIn(keyword, known)

    def test_defaults(self):
        """The defaults of the manual are those of a configuration that sets nothing."""
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            done = subprocess.run([BUBD, "-c", f.name], text=True, capture_output=True,
                                  check=True)
        page = read("man", "bubd.conf.5")

        def default(keyword):
            return re.search(rf"^\.It Cm {keyword} = .*?^\[([^\]]*)\]", page, re.M | re.S)[1]

        for line in (
                f"table {default('route-table')} priority {default('rule-priority')} payload 1",
                f"udp 0 ports {default('udp-port')} {default('udp-esp-port')}",
                f"limits {default('bindings')} {default('peers')} {default('clients')}",
                f"codepoints {default('mh-bubc')} {default('mh-dh')} {default('option')} "
                f"{default('option-path-cookie')} {default('option-path-report')} suites 2 1"):
            self.assertIn(line, done.stdout.splitlines())
        self.assertIn(f"tun {default('tun')} control {default('control')} "
                      f"state-dir {default('state-dir')} log-level 2", done.stdout)
        self.assertEqual(default("log-level"), "info")
        for keyword, value in (("ack-correspondents", "acks 1"), ("static-correspondents", "kabm 0"),
                               ("check-care-of", "check 1"), ("prefix-discovery", "discovery 1"),
                               ("accept-refresh-requests", "accept 1"),
                               ("send-refresh-requests", "send 1")):
            self.assertIn(value, done.stdout)
            self.assertEqual(default(keyword), "true" if value.endswith("1") else "false")
        self.assertIn(f"renew {default('kabm-lifetime')} direct {default('direct-udp-port')}",
                      done.stdout)

    def test_options(self):
        for program, page in ((BUBD, "bubd.8"), (BUBCTL, "bubctl.8")):
            help_text = subprocess.run([program, "-h"], text=True, capture_output=True,
                                       check=True).stdout
            text = read("man", page)
            for option in re.findall(r"(?<![\w-])--?([a-zA-Z]+)", help_text):
                with self.subTest(program=program, option=option):
                    self.assertRegex(text, rf"Fl [^\n]*-?{option}\b")
            for option in re.search(r'getopt\w*\(argc, argv, "([^"]*)"',
                                    read("src", page[:-2], "main.c"))[1].replace(":", ""):
                self.assertRegex(text, rf"\.It Fl {option}\b")

    def test_commands(self):
        page = read("man", "bubctl.8")
        source = read("src", "bubctl", "main.c")
        arguments = dict(re.findall(r'\{"([\w-]+)", ARGUMENT_(\w+),', source))
        self.assertGreater(len(arguments), 5)
        requests = re.findall(r'\{"([\w-]+)", on_\w+\}', read("src", "bubd", "request.c"))
        # What writes a file asks no daemon.
        asked = {command for command, takes in arguments.items() if takes != "FILE"}
        own = re.findall(r'\{"([\w-]+)", ctl_\w+\}', source)
        self.assertEqual(asked | {command for command in own if command in requests}, set(requests))
        self.assertIn("init", own)
        for command in [*arguments, *own]:
            self.assertRegex(page, rf"\.It Cm {command}\b")
        for command in own:
            help_text = subprocess.run([BUBCTL, command, "-h"], text=True, capture_output=True,
                                       check=True).stdout
            for option in re.findall(r"(?<![\w-])--?([a-z-]+)", help_text):
                self.assertRegex(page, rf"Fl -?{option}\b")
        for command in asked:
            self.assertIn(f'{{"cmd": "{command}"', page)

    def test_metrics(self):
        source = read("src", "metrics", "openmetrics.c")
        page = read("man", "bubctl.8")
        page = page[page.index(".Sh METRICS"):page.index(".Sh COUNTERS")]
        metrics = set(re.findall(r'"(bub_[a-z_]+)"', source))
        self.assertGreater(len(metrics), 12)
        for metric in metrics:
            self.assertRegex(page, rf"\b{metric}(_total|_info)?\b")

    def test_json_members(self):
        page = read("man", "bubctl.8")
        page = page[page.index(".Sh JSON"):page.index(".Sh CONTROL")]
        source = read("src", "bubd", "status.c") + read("src", "bubd", "inspect.c") + read(
            "src", "bubd", "keystatus.c")
        members = set(re.findall(r'set\(o, "([a-z_]+)"', source))
        self.assertGreater(len(members), 20)
        for member in members:
            self.assertRegex(page, rf"\.(?:It )?Cm [^\n]*\b{member}\b")

    def test_event_members(self):
        page = read("man", "bubd.conf.5")
        page = page[page.index(".Sh EVENT LOG"):page.index(".Sh KEY LOG")]
        source = read("src", "bubd", "eventlog.c")
        members = set(re.findall(r'(?:jsonline|add)_\w+\(&?j, "(\w+)"', source))
        self.assertGreater(len(members), 15)
        for member in members | set(re.findall(r'= "([a-z-]+)",', source)):
            self.assertRegex(page, rf"\.(?:Cm|It Cm) [^\n]*\b{member}\b")

    def check(self, text):
        """bubd -t on @text, with the secrets and certificates that it names in place."""
        with tempfile.TemporaryDirectory() as folder:
            text = text.replace("/root/", folder + "/").replace("/var/log/", folder + "/")
            for name in re.findall(r'certificate-file = "([\w-]+)\.crt"', text):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=sample", "-keyout",
                                f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"], check=True,
                               capture_output=True)
                os.chmod(f"{folder}/{name}.key", 0o600)
            for name in re.findall(r'(?:secret|psk|password|encryption-key|integrity-key)-file = "([\w.-]+)"', text):
                with open(os.path.join(folder, name), "w", encoding="ascii",
                          opener=lambda p, f: os.open(p, f, 0o600)) as f:
                    f.write("hex:" + "5a" * 32 + "\n")
            path = os.path.join(folder, "bubd.conf")
            with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(text)
            done = subprocess.run([BUBD, "-t", "-c", path], text=True, capture_output=True,
                                  check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), text)

    def test_samples(self):
        for name in ("bubd-mn.conf", "bubd-ha.conf", "bubd-shard-1.conf", "bubd-shard-2.conf",
                     "bubd-testbed.conf", "group/bubd-ha-group.conf"):
            self.check(read("etc", name))

    def test_examples(self):
        page = read("man", "bubd.conf.5")
        page = page[page.index(".Sh EXAMPLES"):]
        blocks = [b for b in literal_blocks(page) if not b.startswith("# ")]
        self.assertEqual(len(blocks), 6)
        for block in blocks:
            self.check(block)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
