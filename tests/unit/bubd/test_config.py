#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Configuration files and what bubd says to them: message, line, exit status.

usage: test_config.py BUBD, where BUBD is the daemon or its stand-in without a network.
"""

import ipaddress
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUBD = sys.argv.pop(1)

SECRET = "hex:00112233445566778899aabbccddeeff"
MN = """mobile-node {
    home-address = "2001:db8:1::10/64"
    home-agent = "2001:db8:1::1"
    secret-file = "mn1.secret"
"""
HA = """home-agent {
    address = "2001:db8:1::1"
    prefixes = {"2001:db8:1::/64"}
"""

STATIC = MN.replace('    secret-file = "mn1.secret"\n', "")
# A key, and a certificate of it that vouches for itself for a hundred years.
PEM_KEY = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKZcYERE4PeG0bSGEh6W5i0htI6KPk79jzLEUD1KO53uoAoGCCqGSM49
AwEHoUQDQgAEsmwZ8DnV3awGZ5mp/OwCMvvfgUnrKb8d8JP+f9oxzdspDwIXTXdz
NjemQ4KAwJSrli3YFQlZzCu9n/deNsa/kg==
-----END EC PRIVATE KEY-----
"""
PEM = """\
-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUHWGH1rQ9uS+Y0mCs3EHyBLIgYOUwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjkyMzA2MjFaGA8yMTI2MTEwNTIzMDYy
MVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLJs
GfA51d2sBmeZqfzsAjL734FJ6ym/HfCT/n/aMc3bKQ8CF013czY3pkOCgMCUq5Yt
2BUJWcwrvZ/3XjbGv5KjUzBRMB0GA1UdDgQWBBQh5fEo0J/8xXd2SP3jcZdHGiKs
1DAfBgNVHSMEGDAWgBQh5fEo0J/8xXd2SP3jcZdHGiKs1DAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIHa6yhVNcE9RpOMkcWfEw72VliPgyCracR1T
XyjFgdZIAiAps1RoGEsq0FwpszPKyIz81VP/lzcVDlLFsg43Z4un9A==
-----END CERTIFICATE-----
"""
CERTIFIED = 'certificate-file = "test.pem" key-file = "test.key"'
FINGERPRINT = "sha256:" + "5a" * 32
KEYS = ('encryption = "aes-cbc" encryption-key-file = "aes.secret" '
        'integrity = "hmac-sha256-128" integrity-key-file = "sha256.secret"')


def sa(spi, direction, mode, covers, rest=KEYS):
    """An sa section on one line."""
    return f'sa "{spi}" {{ direction = {direction} mode = {mode} covers = {{{covers}}} {rest} }}\n'


def pairs(first=0x7d0):
    """Everything covered, one pair of SAs for each class."""
    classes = (("transport", "binding-updates"), ("tunnel", "mobility"),
               ("transport", "prefix-discovery"), ("tunnel", "payload"))
    return [sa(hex(first + 2 * i + k), direction, mode, covers)
            for i, (mode, covers) in enumerate(classes)
            for k, direction in enumerate(("out", "in"))]


def static(change=None, without=(), before=""):
    """STATIC with all SAs, of which the first (line 4) is replaced by @change."""
    lines = pairs()
    if change is not None:
        lines[0] = change
    return STATIC + before + "".join(s for i, s in enumerate(lines) if i not in without) + "}\n"


def first(**words):
    """The first SA with some of its words replaced."""
    line = pairs()[0]
    for old, new in words.values():
        assert old in line
        line = line.replace(old, new)
    return line


# name: (file, line, words that the message must have)
WRONG = {
    **{f"home agent {text[:12]}": (
        MN.replace('"2001:db8:1::1"', f'"{text}"') + "}\n", 3, ["home-agent", "expected an IPv6 address"])
       for text in ("192.0.2.1", "2001:db8::1::1", "ha..org", "-ha.org", "ha-.org", "ha example", ".",
                    "x" * 64 + ".org", "a." * 126 + "ab", "ha.example.1")},
    "unknown keyword": ("tun = bub0\ntunn = bub1\n", 2, ['"tunn"', 'did you mean "tun"?']),
    "unknown keyword in a section": (
        MN + "    care-of = 1\n}\n", 5, ['"care-of"', "expected one of", "home-agent"]),
    "keyword of another section": ("bub {\n tun = bub0\n}\n", 2, ['"tun"', "cannot stand in bub", "in front of"]),
    "no value": ("tun\n", 1, ["ends too early", "expected"]),
    "environment": ('tun = "${HOME}"\n', 1, ["${", "plain text"]),
    "no equal sign": ('tun "bub0"\n', 1, ['"tun"', 'expected "="']),
    "section without a body": ("bub = 3\n", 1, ['"bub"', 'expected "{"']),
    "section not closed": ("tun = bub0\nbub {\n eager = true\n", 2, ["not closed", '"}"']),
    "list not closed": ("\ninterfaces = {wl0,\n", 2, ["not closed", '"}"']),
    "nested too deeply": ("bub {\n" + "a{" * 20000, 2, ['"a"', "expected one of"]),
    "value missing at the end": ("tun =\n", 1, ["ends too early"]),
    "brace too many": ("tun = bub0\n}\n", 2, ['"}"', "the end of the file"]),
    "peer without an address": ("peer { }\n", 1, ['"peer"', "title"]),
    "string not closed": ('tun = "bub0\nlog-level = info\n', 1, ["string", "closing"]),
    "comment not closed": ("/* one */\n/* two\n\n", 2, ["comment", '"*/"']),
    "backslash": ("tun = 'a\\b'\n", 1, ["backslash"]),
    "stray character": ("tun = bub0\n; tun\n", 2, ['stray ";"']),
    "quotes of a word processor": ("name = “x”\n", 1, ["a quotation mark of a word processor"]),
    "a blank that does not break": ("name\u00a0= x\n", 1, ["a blank that does not break"]),
    "control character": ("tun = bub0\n\x01 = x\n", 2, ["0x01", "expected text"]),
    "no text at all": ("\x00\x7f", 1, ["0x00"]),
    "C comments do not shift lines": ("/* a */\n/* b\nc */\nfoo = 1\n", 4, ['"foo"']),
    "given twice": ("tun = a\n\ntun = b\n", 3, ["twice", "line 1"]),
    "list given twice": ("interfaces = {a, b}\ninterfaces = {c}\n", 2, ["twice", "line 1"]),
    "added to what takes one value": ("tun = a\ntun += b\n", 2, ['"tun"', 'followed by "+="']),
    "zero in a string": ('name = "a\0b"\n', 1, ["0x00", "text"]),
    "plus": ("route-table = +300\n", 1, ['stray "+"']),
    "list given twice, empty": ("interfaces = {}\ninterfaces = {c}\n", 2, ["twice", "line 1"]),
    "a section's title that is none": ("bub x { }\n", 1, ['followed by "x"', 'expected "{"']),
    "list for one value": ("tun = {a}\n", 1, ["one value"]),
    "section for a setting": ("tun { a = b }\n", 1, ['followed by "{"', 'expected "="']),
    "section of an interface twice": (
        "interfaces = {a}\ninterface a { }\ninterface 'a' { }\n", 3, ["interface a", "twice", "line 2"]),
    "empty name": ('"" = 1\n', 1, ['keyword ""', "expected one of"]),

    "interface name too long": ("tun = abcdefghijklmnop\n", 1, ["tun:", "1 to 15"]),
    "interface name with a slash": ("interfaces = {wl0,\n 'a/b'}\n", 2, ["a/b", "interfaces:"]),
    "interface name empty": ("tun = ''\n", 1, ["tun:"]),
    "listen-interfaces without interfaces": (
        "listen-interfaces = {wl0}\n" + MN + "}\n", 1, ["listen-interfaces", "expected interfaces"]),
    "listened to, and bub's own": ("listen-interfaces = {bub0}\n", 1, ["bub0", "tun"]),
    "preference where no care-of address can be": (
        "interfaces = {wl0}\nlisten-interfaces = {wl1}\ninterface wl1 { preference = 3 }\n", 3,
        ["wl1", "list"]),
    "interface listed twice": ("interfaces = {wl0, wl0}\n", 1, ["twice"]),
    "interface is bub's own": ("interfaces = {bub0}\n", 1, ["bub0", "tun"]),
    "too many interfaces": (
        "interfaces = {" + ",".join(f"e{i}" for i in range(16)) + ",\n e16}\n", 2, ["16"]),
    "preference of no interface": (
        'interfaces = {"wl0"}\n\ninterface "wl1" {\n preference = 3\n}\n', 3, ["wl1", "list"]),
    "preference out of bounds": (
        'interfaces = {"wl0"}\ninterface "wl0" { preference = -1 }\n', 2, ["-1", "0 to 1000000"]),
    "name with a blank": ('name = "mn 1"\n', 1, ["name:", "blanks"]),
    "log-level": ("log-level = chatty\n", 1, ["chatty", "error, warning, info or debug"]),
    "policy": ("route-optimisation = sometimes\n", 1, ["sometimes", "allow, never or require"]),
    "udp of no kind": ("udp = maybe\n", 1, ["maybe", "auto"]),
    "udp-port of nobody": ("udp-port = 0\n", 1, ["0", "1 to 65535"]),
    "tcp-port with nobody to be": (
        "tcp-port = 443\n" + STATIC + 'secret-file = "mn1.secret"\n}\n', 1,
        ["tcp-port", "agreed on"]),
    "tcp-port of nobody": ("tcp-port = 65536\n", 1, ["65536", "0 to 65535"]),
    "udp ports that are one": (
        "udp-esp-port = 4191\n", 1, ["udp-esp-port", "4191"]),
    "route-table no number": ("route-table = main\n", 1, ["main", "number from 256"]),
    "route-table without room behind": (
        "route-table = 4294967275\n", 1, ["4294967275", "256 to 4294967274"]),
    "route-table of the kernel": ("\nroute-table = 255\n", 2, ["255", "256 to 4294967274"]),
    "rule-priority without room behind": (
        "rule-priority = 32761\n", 1, ["32761", "1 to 32760"]),
    "metrics for everybody": ('metrics = "[::]:9468"\n', 1, ["metrics:", "[::1]:PORT"]),
    "metrics at a relative path": ('metrics = "unix:run/m.sock"\n', 1, ["metrics:", "unix:PATH"]),
    "metrics without a port": ('metrics = "[::1]"\n', 1, ["metrics:", "PORT"]),
    "metrics at no port": ('metrics = "127.0.0.1:70000"\n', 1, ["metrics:", "PORT"]),
    "control path too long": ('control = "/' + "a" * 108 + '"\n', 1, ["control:", "path"]),
    "event-log folder": ('event-log = "/no/such/folder/x"\n', 1, ["/no/such/folder", "folder"]),
    "event-log is a folder": ('event-log = "/tmp"\n', 1, ["event-log:", "expected a file"]),
    "key-log folder": ('key-log = "/no/such/folder/x"\n', 1, ["key-log", "folder"]),

    "no home address": (
        'mobile-node {\n home-agent = "2001:db8::1"\n}\n', 1, ["lacks home-address"]),
    "prefix preferred longer than valid": (
        HA + " prefix-valid = 100\n prefix-preferred = 101\n}\n", 5, ["101", "at most"]),
    "prefix that is not in the list": (
        HA + ' prefix "2001:db8:2::/64" { valid = 5 }\n}\n', 4, ["2001:db8:2::/64", "list"]),
    "prefix with preferred longer than valid": (
        HA + ' prefix "2001:db8:1::/64" { valid = 5\n preferred = 6 }\n}\n', 5,
        ["6", "valid", "at most"]),
    "prefix-advert-max below the least": (
        HA + " prefix-advert-min = 20\n prefix-advert-max = 19\n}\n", 5, ["19", "at least"]),
    "router-adverts without a link": (HA + " router-adverts { }\n}\n", 4, ["home-link"]),
    "router-adverts too often": (
        HA + ' home-link = "e0"\n router-adverts { interval-max = 69 }\n}\n', 5,
        ["69", "70 to"]),
    "router-adverts interval-min": (
        HA + ' home-link = "e0"\n router-adverts {\n interval-min = 76\n interval-max = 100\n}\n}'
        "\n", 6, ["76", "three quarters"]),
    "router-adverts lifetime": (
        HA + ' home-link = "e0"\n router-adverts { router-lifetime = 599 }\n}\n', 5,
        ["599", "interval-max"]),
    "router-adverts agent-lifetime": (
        HA + ' home-link = "e0"\n router-adverts { agent-lifetime = 0 }\n}\n', 5, ["1 to 65535"]),
    "renumber with another prefix length": (
        MN.replace("::10/64", "::10/60") + "renumber = true\n}\n", 5, ["60 bits", "64"]),
    "renumber without a secret": (
        static().replace('home-agent = "', 'renumber = true\n    home-agent = "', 1), 3,
        ["renumber", "secret-file"]),
    "renumber into another one's address": (
        HA.replace("1::/64", '1::/64", "2001:db8:2::/64')
        + ' mobile-node "2001:db8:1::10" { secret-file = "mn1.secret"\n renumber = true }\n'
        ' mobile-node "2001:db8:2::10" { secret-file = "mn1.secret" }\n}\n', 6,
        ["renumber", "interface identifier"]),
    "preference too high": (HA + " preference = 65536\n}\n", 4, ["0 to 65535"]),
    "kabm-lifetime too short": ("bub { kabm-lifetime = 59 }\n", 1, ["60 to"]),
    "no secret": (
        'mobile-node {\n home-address = "2001:db8::2/64"\n home-agent = "2001:db8::1"\n}\n', 1,
        ["lacks secret-file"]),
    "home address without a length": (
        MN.replace("::10/64", "::10") + "}\n", 2, ["2001:db8:1::10", "ADDRESS/LENGTH"]),
    "home address, length 0": (MN.replace("/64", "/0") + "}\n", 2, ["1 to 128"]),
    "home address, length 129": (MN.replace("/64", "/129") + "}\n", 2, ["1 to 128"]),
    "home address, length no number": (MN.replace("/64", "/6x") + "}\n", 2, ["1 to 128"]),
    "home address no address": (MN.replace("db8:1::10", "db8:1::10::") + "}\n", 2,
                                ["no address", "IPv6"]),
    "home address IPv4": (MN.replace("2001:db8:1::10/64", "192.0.2.1/24") + "}\n", 2,
                          ["192.0.2.1", "IPv6"]),
    "home address link-local": (MN.replace("2001:db8:1::10", "fe80::1") + "}\n", 2,
                                ["fe80::1", "link-local"]),
    "home address multicast": (MN.replace("2001:db8:1::10", "ff02::1") + "}\n", 2, ["unicast"]),
    "home address is the home agent's": (
        MN.replace("db8:1::10", "db8:1::1") + "}\n", 2, ["home agent's too"]),
    "mobile node served twice": (
        HA + 'mobile-node "2001:db8:1::10" { secret-file = "mn1.secret" }\n'
        'mobile-node "2001:db8:1:0::10" { secret-file = "mn1.secret" }\n}\n', 5,
        ["mobile-node", "section already"]),
    "peer twice": (
        'peer "2001:db8:2::10" { }\npeer "2001:db8:2::11" { }\npeer "2001:db8:2::10" { }\n', 3,
        ["peer", "section already"]),
    "home address twice": (MN + "}\n" + MN + "}\n", 7, ["section already"]),
    "too many homes": (
        "".join(MN.replace("::10/", f"::1{i}/") + "}\n" for i in range(5)), 21, ["at most 4"]),
    "lifetime too short": (MN + " lifetime = 3\n}\n", 5, ["lifetime", "4 to 262140"]),
    "lifetime too long": (MN + " lifetime = 262141\n}\n", 5, ["4 to 262140"]),
    "lifetime with a unit": (MN + " lifetime = 10m\n}\n", 5, ["10m"]),
    "first timeout too short": (MN + " first-timeout = 99\n}\n", 5, ["99", "100 to 32000"]),
    "first timeout too long": (MN + " first-timeout = 32001\n}\n", 5, ["100 to 32000"]),
    "keep-alive too long": (MN + " keep-alive = 86401\n}\n", 5, ["keep-alive", "0 to 86400"]),
    "bool": (MN + " alternate-care-of = maybe\n}\n", 5, ["maybe", "false or true"]),
    "secret missing": (MN.replace("mn1.", "mn2.") + "}\n", 4, ["mn2.secret", "does not exist"]),
    "secret short": (MN.replace("mn1.", "short.") + "}\n", 4, ["too short", "16"]),
    "secret readable by others": (MN.replace("mn1.", "open.") + "}\n", 4, ["0600"]),
    "secret writable by its group": (MN.replace("mn1.", "group.") + "}\n", 4, ["0600"]),
    "secret with two lines": (MN.replace("mn1.", "two.") + "}\n", 4, ["more than one line"]),
    "secret with odd digits": (MN.replace("mn1.", "odd.") + "}\n", 4, ["odd number"]),
    "secret no hex": (MN.replace("mn1.", "nohex.") + "}\n", 4, ["0-9, a-f"]),
    "secret short hex": (MN.replace("mn1.", "shorthex.") + "}\n", 4, ["too short"]),
    "secret too long": (MN.replace("mn1.", "long.") + "}\n", 4, ["too long"]),
    "secret behind a blank": (MN.replace("mn1.", "blank.") + "}\n", 4, ["in front of"]),
    "secret behind a byte order mark": (MN.replace("mn1.", "bom.") + "}\n", 4, ["in front of"]),
    "secret empty": (MN.replace("mn1.", "empty.") + "}\n", 4, ["too short"]),
    "secret is a folder": (MN.replace("mn1.secret", ".") + "}\n", 4, ["regular file"]),

    "sa and secret": (static(before='secret-file = "mn1.secret"\n'), 4,
                      ["secret-file", "sa sections"]),
    "sa: SPI no number": (static(first(a=("0x7d0", "x7d0"))), 4, ["x7d0", "256 to"]),
    "sa: SPI with a rest": (static(first(a=("0x7d0", "2000s"))), 4, ["2000s"]),
    "sa: SPI reserved": (static(first(a=("0x7d0", "255"))), 4, ["255", "256 to"]),
    "sa: SPI too large": (static(first(a=("0x7d0", "0x100000000"))), 4, ["256 to"]),
    "sa: SPI in use": (static(first(a=("0x7d0", "2005"))), 9, ["0x7d5", "line 4"]),
    "sa: title in use": (static(first(a=("0x7d0", "0x7d5"))), 9, ["sa 0x7d5", "twice", "line 4"]),
    "sa: SPI of another mobile node": (
        HA + ' mobile-node "2001:db8:1::10" {\n' + "".join(pairs()) + "}\n"
        ' mobile-node "2001:db8:1::11" {\n' + "".join(
            [pairs()[0].replace("0x7d0", "2000")] + pairs(0x900)[1:]) + "}\n}\n", 15,
        ["2000", "line 5"]),
    "sa: no direction": (static(first(a=("direction = out", ""))), 4,
                         ["lacks direction", "out or in"]),
    "sa: direction": (static(first(a=("= out", "= up"))), 4, ["up", "out or in"]),
    "sa: no mode": (static(first(a=("mode = transport", ""))), 4, ["lacks mode"]),
    "sa: mode": (static(first(a=("transport", "beet"))), 4, ["beet", "transport or tunnel"]),
    "sa: covers nothing": (static(first(a=("binding-updates", ""))), 4, ["lacks covers"]),
    "sa: covers": (static(first(a=("binding-updates", "bu"))), 4, ["bu", "binding-updates"]),
    "sa: payload in transport mode": (
        static(first(a=("binding-updates", "binding-updates, payload"))), 4,
        ["payload", "mode = tunnel"]),
    "sa: binding updates in tunnel mode": (
        static(first(a=("transport", "tunnel"))), 4, ["binding-updates", "mode = transport"]),
    "sa: covered twice": (
        static(first(a=("binding-updates", "binding-updates, prefix-discovery"))), 8,
        ["line 4", "expected one"]),
    "sa: covered one way": (static(without=(3,)), 1, ["no sa covers mobility, direction in"]),
    "sa: covered the other way": (static(without=(6,)), 1, ["payload, direction out"]),
    "sa: no payload": (static(without=(6, 7)), 1, ["no sa covers payload;", "protect-payload"]),
    "sa: no prefix discovery": (static(without=(4, 5)), 1,
                                ["no sa covers prefix-discovery;", "prefix-discovery = false"]),
    "sa: no binding updates": (static(without=(0, 1)), 1, ["no sa covers binding-updates;"]),
    "unprotected: a word": (
        "\nunprotected = {binding-updates, bu}\n", 2, ["unprotected:", '"bu"', "mobility"]),
    "unprotected: payload": (
        "unprotected = {payload}\n", 1, ["payload", "protect-payload = false"]),
    "unprotected, and a secret": (
        "unprotected = {mobility}\n" + MN + "}\n", 5, ["secret-file", "unprotected"]),
    "unprotected, and an sa for it": (
        "unprotected = {mobility}\n" + static(), 2, ["covers mobility", "expected one of them"]),
    "unprotected, but not the rest": (
        "unprotected = {mobility}\n" + static(without=(0, 1, 2, 3)), 2,
        ["no sa covers binding-updates;"]),
    "unprotected, but not payload": (
        "unprotected = {binding-updates, mobility, prefix-discovery}\n" + STATIC + "}\n", 2,
        ["no sa covers payload;", "protect-payload = false"]),
    "sa: cipher": (static(first(a=("aes-cbc", "aes-gcm"))), 4, ["aes-gcm", "3des-cbc"]),
    "sa: no cipher": (static(first(a=('encryption = "aes-cbc"', ""))), 4, ["lacks encryption;"]),
    "sa: integrity": (static(first(a=("hmac-sha256-128", "hmac-md5-96"))), 4,
                      ["hmac-md5-96", "hmac-sha1-96"]),
    "sa: no integrity": (static(first(a=('integrity = "hmac-sha256-128"', ""))), 4,
                         ["lacks integrity;"]),
    "sa: no key": (static(first(a=('encryption-key-file = "aes.secret"', ""))), 4,
                   ["lacks encryption-key"]),
    "sa: no integrity key": (static(first(a=('integrity-key-file = "sha256.secret"', ""))), 4,
                             ["lacks integrity-key"]),
    "sa: key missing": (static(first(a=("aes.", "nokey."))), 4, ["nokey", "does not exist"]),
    "sa: key open": (static(first(a=("aes.", "open."))), 4, ["0600"]),
    "sa: AES key length": (static(first(a=("aes.", "sha1."))), 4,
                           ["20 octets", "16, 24 or 32 for aes-cbc"]),
    "sa: 3DES key length": (static(first(a=("aes-cbc", "3des-cbc"))), 4,
                            ["16 octets", "24 for 3des-cbc"]),
    "sa: SHA256 key length": (static(first(a=("sha256.", "sha1."))), 4,
                              ["integrity-key", "20 octets", "32 for hmac-sha256-128"]),
    "sa: SHA1 key length": (static(first(a=("hmac-sha256-128", "hmac-sha1-96"))), 4,
                            ["32 octets", "20 for hmac-sha1-96"]),
    "sa: key for null": (static(first(a=("aes-cbc", "null"))), 4, ["null", "expected none"]),
    "sa: mobility in the clear": (
        static(sa("0x900", "out", "tunnel", "mobility",
                  'encryption = null integrity = "hmac-sha256-128" '
                  'integrity-key-file = "sha256.secret"'), (2,)), 4, ["null", "tokens"]),
    "sa: key in an open configuration": (
        static(first(a=('-key-file = "aes.secret"', '-key = "hex:' + "5a" * 16 + '"'))), 4,
        ["open to other users", "encryption-key-file", "0600"]),
    "sa: key twice": (
        static(first(a=('encryption-key-file', 'encryption-key = x encryption-key-file'))), 4,
        ["beside encryption-key"]),
    "sa: replay-check out": (static(first(a=(" }", " replay-check = false }"))), 4,
                             ["replay-check", "direction = in"]),
    "sa: another keyword": (static(first(a=(" }", " lifetime = 3 }"))), 4,
                            ["lifetime", "cannot stand in sa", "mobile-node"]),

    "home agent without prefixes": (
        'home-agent {\n address = "2001:db8:1::1"\n}\n', 1, ["lacks prefixes"]),
    "home agent without an address": (
        'home-agent {\n prefixes = {"2001:db8:1::/64"}\n}\n', 1, ["lacks address"]),
    "home agent twice": (HA + "}\n" + HA + "}\n", 5, ["twice", "line 1"]),
    "prefix without a length": (
        HA.replace("1::/64", "1::") + "}\n", 3, ["prefixes", "ADDRESS/LENGTH"]),
    "too many prefixes": (
        'home-agent {\n address = "2001:db8:1::1"\n prefixes = {'
        + ",\n".join(f'"2001:db8:{i}::/64"' for i in range(9)) + "}\n}\n", 11, ["at most 8"]),
    "dad": (HA + " dad = later\n}\n", 4, ["later", "before, meanwhile, never, optimistic or watched"]),
    "backhaul": (HA + " backhaul = fast\n}\n", 4, ["fast", "plain or encapsulated"]),
    "home address to be assigned, by a pre-shared key": (
        'mobile-node {\nhome-agent = "2001:db8:1::1" keys { psk-file = "mn1.secret" }\n}\n', 1,
        ["lacks home-address", "certificate"]),
    "home address to be assigned by nobody": (
        f'mobile-node {{\nkeys {{ {CERTIFIED} fingerprint = "{FINGERPRINT}" }}\n}}\n', 1,
        ["lacks home-address", "home-agent"]),
    "home addresses to be assigned": (
        f'mobile-node {{ home-agent = "2001:db8:1::1" keys {{ {CERTIFIED} ca-file = "test.pem" }} }}\n' * 2,
        2, ["lacks home-address", "line 1", "one of them"]),
    "keys beside a secret": (
        STATIC + 'keys { psk-file = "mn1.secret" }\nsecret-file = "mn1.secret"\n}\n', 5,
        ["secret-file", "beside keys"]),
    "keys beside nothing": (
        "unprotected = {mobility}\n" + STATIC + 'keys { psk-file = "mn1.secret" }\n}\n', 2,
        ["unprotected", "sa sections"]),
    "keys: nothing": (STATIC + "keys { }\n}\n", 4, ["certificate-file or psk-file"]),
    "keys: two": (
        STATIC + f'keys {{ {CERTIFIED} ca-file = "test.pem" }} keys {{ }}\n}}\n', 4, ["keys"]),
    "keys: a pre-shared key and a CA": (
        STATIC + 'keys { ca-file = "test.pem"\npsk-file = "mn1.secret" }\n}\n', 4,
        ["ca-file stands beside psk-file"]),
    "keys: nobody is trusted": (STATIC + f"keys {{\n{CERTIFIED} }}\n}}\n", 5,
                                ["whom to trust", "ca-file", "fingerprint"]),
    "keys: no key": (
        STATIC + f'keys {{\ncertificate-file = "test.pem" fingerprint = "{FINGERPRINT}" }}\n}}\n', 5,
        ["certificate-file stands without key-file"]),
    "keys: no PEM": (
        STATIC + f'keys {{\ncertificate-file = "mn1.secret" key-file = "test.key"\n'
        f'fingerprint = "{FINGERPRINT}" }}\n}}\n', 5, ["keys: "]),
    "keys: certificate missing": (
        STATIC + f'keys {{\ncertificate-file = "no.pem" key-file = "test.key"\n'
        f'fingerprint = "{FINGERPRINT}" }}\n}}\n', 5, ["no.pem", "does not exist"]),
    "keys: key open to others": (
        STATIC + f'keys {{\ncertificate-file = "test.pem" key-file = "test.pem"\n'
        f'fingerprint = "{FINGERPRINT}" }}\n}}\n', 5, ["test.pem", "0600"]),
    "keys: fingerprint": (
        STATIC + f'keys {{ {CERTIFIED}\nfingerprint = "5a5a" }}\n}}\n', 5, ["5a5a", "64 hexadecimal"]),
    "keys: crl without ca": (
        STATIC + f'keys {{ {CERTIFIED} fingerprint = "{FINGERPRINT}"\ncrl-file = "test.pem" }}\n}}\n', 5,
        ["crl-file stands without ca-file"]),
    "keys: algorithm": (
        STATIC + 'keys { psk-file = "mn1.secret"\nalgorithms = {"aes-cbc"} }\n}\n', 5,
        ["aes-cbc", "chacha20-poly1305"]),
    "keys: lifetime at a mobile node": (
        STATIC + 'keys { psk-file = "mn1.secret"\nlifetime = 100 }\n}\n', 5, ["lifetime"]),
    "client: two ways to agree": (
        HA + f'\nmobile-node "2001:db8:1::10" {{ psk-file = "mn1.secret"\n identity = "a" }}\n}}\n', 5,
        ["psk-file stands beside identity"]),
    "client: fingerprint, and no certificate here": (
        HA + f'\nmobile-node "2001:db8:1::10" {{ fingerprint = "{FINGERPRINT}" }}\n}}\n', 5,
        ["fingerprint", "certificate-file", "home-agent"]),
    "client: name, and no CA": (
        HA + f'\nkeys {{ {CERTIFIED} }} mobile-node "2001:db8:1::10" {{\nidentity = "a" }}\n}}\n', 6,
        ["identity", "ca-file"]),
    "client outside of the prefixes": (
        HA + '\n mobile-node "2001:db8:2::10" { secret-file = "mn1.secret" }\n}\n', 5,
        ["2001:db8:2::10", "outside", "prefixes"]),
    "client without a secret": (
        HA + ' mobile-node "2001:db8:1::10" { }\n}\n', 4, ["lacks secret-file"]),
    "client no address": (
        HA + ' mobile-node "mn1" { secret-file = "mn1.secret" }\n}\n', 4, ["mn1", "no address"]),
    "client twice": (
        HA + ' mobile-node "2001:db8:1::10" { secret-file = "mn1.secret" }\n' * 2 + "}\n", 5,
        ["2001:db8:1::10", "already"]),
    "client twice, written differently": (
        HA + ' mobile-node "2001:db8:1::10" { secret-file = "mn1.secret" }\n'
        ' mobile-node "2001:DB8:1:0::10" { secret-file = "mn1.secret" }\n}\n', 5, ["already"]),
    "client is the home agent": (
        HA + ' mobile-node "2001:db8:1::1" { secret-file = "mn1.secret" }\n}\n', 4,
        ["home agent's own"]),
    "more clients than limits": (
        HA + ' mobile-node "2001:db8:1::10" { secret-file = "mn1.secret" }\n'
        ' mobile-node "2001:db8:1::11" { secret-file = "mn1.secret" }\n}\nlimits { clients = 1 }\n',
        1, ["2 mobile-node sections", "clients = 1"]),
    "its own home agent": (MN + "}\n" + HA + "}\n", 7, ["another node"]),
    "payload at odds": (
        MN + " protect-payload = false\n}\n\n" + HA.replace("1::1\"", "1::2\"") + "}\n", 8,
        ["protect-payload", "true here", "false in the section of line 5"]),

    "bub twice": ("bub { }\nbub { }\n", 2, ["twice"]),
    "mh-bubc of RFC 6275": ("bub {\n mh-bubc = 7\n}\n", 2, ["mh-bubc", '"7"', "8 to 255"]),
    "mh-dh of RFC 6275": ("bub {\n\n mh-dh = 0\n}\n", 3, ["mh-dh", '"0"', "8 to 255"]),
    "mh-dh equals mh-bubc": ("bub {\n mh-bubc = 13\n mh-dh = 13\n}\n", 3, ["both 13"]),
    "two names": (MN.replace('"2001:db8:1::1"', '{"2001:db8:1::1", "ha.example.org"}') + "}\n", 3,
                  ['"ha.example.org" is a name', "one name alone, or addresses"]),
    "one home agent twice": (
        MN.replace('"2001:db8:1::1"', '{"2001:db8:1::1", "2001:db8:1::1"}') + "}\n", 3,
        ["listed twice"]),
    "several that assign": (
        'mobile-node {\nhome-agent = {"2001:db8:1::1", "2001:db8:1::2"} keys { certificate-file = "a" '
        'key-file = "b" ca-file = "c" }\n}\n', 1, ["lacks home-address"]),
    "mh-dh of RFC 5142": ("bub {\n mh-dh = 12\n}\n", 2, ["mh-dh", "12 is that of Home Agent Switch"]),
    "mh-bubc of RFC 5142": ("bub {\n mh-bubc = 12\n}\n", 2, ["mh-bubc", "Home Agent Switch"]),
    "mh-bubc equals mh-dh's default": ("bub {\n mh-bubc = 11\n}\n", 2, ["both 11"]),
    "mh-dh too large": ("bub {\n mh-dh = 256\n}\n", 2, ["8 to 255"]),
    "option of RFC 6275": ("bub {\n option = 5\n}\n", 2, ["option", '"5"', "6 to 255"]),
    "one number for two options": ("bub {\n option-path-cookie = 18\n}\n", 2,
                                   ["option-path-cookie", "both 18"]),
    "one number for path cookie and report": ("bub {\n option-path-report = 240\n}\n", 2,
                                              ["option-path-report", "both 240"]),
    "one port for two things": ("bub {\n direct-udp-port = 4191\n}\n", 2,
                                ["direct-udp-port", "4191"]),
    "path cookie of RFC 6275": ("bub {\n option-path-cookie = 4\n}\n", 2,
                                ["option-path-cookie", '"4"', "6 to 255"]),
    "option of RFC 4283": ("bub {\n option = 8\n}\n", 2, ["option: 8", "RFC 4283"]),
    "suite unknown": ("bub {\n suites = {x25519-sha256,\n  p256}\n}\n", 3, ["p256", "modp2048"]),
    "suite twice": ("bub { suites = {x25519-sha256, x25519-sha256} }\n", 1, ["twice"]),
    "no suite": ("bub {\n suites = {}\n}\n", 2, ["empty"]),
    "BUB required without route optimisation": (
        "route-optimisation = never\nbub {\n policy = require\n}\n", 3, ["policy", "never"]),
    "no address of IPv4": (
        MN + '    home-agent-ipv4 = "2001:db8::1"\n}\n', 5, ["2001:db8::1", "expected an IPv4 address"]),
    "IPv4 of this host": (
        MN + '    home-agent-ipv4 = "127.0.0.1"\n}\n', 5, ["127.0.0.1", "unicast"]),
    "IPv4 without UDP": (
        "udp = never\n" + HA + '    ipv4-address = "192.0.2.7"\n}\n', 5,
        ["ipv4-address", "udp is never"]),
    "IPv4 without ESP": (
        MN + '    home-agent-ipv4 = "192.0.2.7"\n    protect-payload = false\n}\n', 5,
        ["home-agent-ipv4", "protect-payload = true"]),
    "IPv4 of nobody": (HA + '    ipv4-address = "169.254.1.1"\n}\n', 4, ["169.254", "link-local"]),
    "IPv4 of an agent to be discovered": (
        MN.replace('home-agent = "2001:db8:1::1"', 'home-agent-ipv4 = "192.0.2.1"') + "}\n", 3,
        ["home-agent-ipv4", "IPv6 address as well"]),
    "refreshed too often": (HA + "    nat-refresh = 9\n}\n", 4, ["nat-refresh", "10 to 3600"]),
    "option of RFC 5555": ("bub {\n option = 31\n}\n", 2, ["option", "31", "RFC 5555"]),
    "cookie in an option of RFC 5555": (
        "bub {\n option-path-cookie = 29\n}\n", 2, ["option-path-cookie", "29", "RFC 5555"]),
    "peer no address": ('peer "example.org" { }\n', 1, ["example.org", "no address"]),
    "peer twice": ('peer "2001:db8::1" { }\npeer "2001:db8::1" { }\n', 2, ["already"]),
    "peer twice, written differently": (
        'peer "2001:db8::1" { }\npeer "2001:db8:0::1" { }\n', 2, ["already"]),
    "peer at odds": (
        'peer "2001:db8::1" {\n bub = require\n route-optimisation = never\n}\n', 1, ["never"]),
    "limits twice": ("limits { }\n\nlimits { }\n", 3, ["twice", "line 1"]),
    "limit of zero": ("limits {\n peers = 0\n}\n", 2, ["peers", "1 to"]),
}

FULL = """/* every keyword */ name = "mn1"
tun = "bub7"            # the interface
interfaces = {"wl0", "en0"}
interface "wl0" { preference = 10 optimistic-dad = true checksum-neutral = true }   // Wi-Fi
control = "run/ctl"
event-log = "events.jsonl"
key-log = "keys.log"
state-dir = "/tmp/state"
log-level = debug
route-table = 3000
rule-priority = 500
udp = always
udp-port = 4192
udp-esp-port = 4501
route-optimisation = require
ack-correspondents = false
accept-refresh-requests = false
send-refresh-requests = false
prefix-discovery = false
mobile-node {
    home-address = "2001:db8:1::10/60"
    home-agent = "2001:db8:1::1"
    home-agent-ipv4 = 192.0.2.1
    secret-file = "mn1.secret"
    lifetime = 600
    first-timeout = 2500
    keep-alive = 40
    alternate-care-of = false
    link-local = true
    multicast = true
    protect-payload = true
}
home-agent {
    address = "2001:db8:7::1"
    ipv4-address = "192.0.2.7"
    nat-refresh = 30
    home-link = "home0"
    prefixes = {"2001:db8:7::/64", "2001:db8:8::/48"}
    lifetime-max = 1200
    refresh-advice = 600
    prefix-valid = 2000
    prefix-preferred = 1000
    prefix "2001:db8:8::/48" { valid = 500  preferred = 0 }
    managed-addresses = true
    prefix-adverts = false
    prefix-advert-min = 5
    prefix-advert-max = 50
    router-adverts { interval-min = 30  interval-max = 70  interval-option = false
        router-lifetime = 0 }
    preference = 7
    backhaul = encapsulated
    alternate-care-of = any
    multicast = true
    protect-payload = true
    mobile-node "2001:db8:7::10" { secret-file = "text.secret" }
}
bub {
    policy = require
    direct-copy = false
    eager = false
    static-after = 60
    static-correspondents = true
    direct-udp-port = 4000
    check-care-of = true
    accept-encapsulated = true
    kabm-lifetime = 7200
    lifetime = 900
    suites = {"modp2048-sha1"}
    mh-bubc = 200
    mh-dh = 201
    option = 202
    option-path-cookie = 203
    option-path-report = 204
}
peer "2001:db8:2::10" { route-optimisation = allow  bub = never }
peer "2001:db8:2::11" { }
limits { bindings = 10  peers = 11  clients = 12 }
"""


class Config(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        secrets = {
            "mn1": (SECRET + "\n", 0o600), "text": ("correct horse battery", 0o400),
            "short": ("fifteen letters", 0o600), "open": (SECRET, 0o644),
            "group": (SECRET, 0o620), "two": (SECRET + "\n" + SECRET, 0o600),
            "odd": (SECRET + "0", 0o600), "nohex": (SECRET[:-1] + "g", 0o600),
            "aes": ("hex:" + "a1" * 16, 0o600), "des": ("hex:" + bytes(range(24)).hex(), 0o600),
            "sha1": ("hex:" + "b2" * 20, 0o600), "sha256": ("hex:" + "c3" * 32, 0o400),
            "blank": (" " + SECRET, 0o600), "bom": ("\ufeff" + SECRET, 0o600),
            "shorthex": (SECRET[:-2], 0o600), "long": ("x" * 257, 0o600), "empty": ("", 0o600),
        }
        files = {f"{name}.secret": secret for name, secret in secrets.items()}
        files |= {"test.key": (PEM_KEY, 0o600), "test.pem": (PEM, 0o644)}
        for name, (text, mode) in files.items():
            path = self.path(name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(path, mode)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_bubd(self, text, *options, mode=0o644):
        with open(self.path("bubd.conf"), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path("bubd.conf"), mode)
        return subprocess.run([BUBD, "-c", self.path("bubd.conf"), *options], text=True,
                              capture_output=True, timeout=60, check=False)

    def test_mistakes(self):
        """Each is one line that says what was expected."""
        for name, (text, line, words) in WRONG.items():
            with self.subTest(name):
                done = self.run_bubd(text, "-t")
                self.assertEqual(done.returncode, 2, done.stderr)
                first, *more = done.stderr.splitlines()
                self.assertEqual(more, [])
                self.assertRegex(first, rf"^{self.path('bubd.conf')}:{line}:\d+: ")
                self.assertRegex(first, "expected|did you mean")
                for word in words:
                    self.assertIn(word, first)
                self.assertEqual(done.stdout, "")

    def test_all_mistakes_are_shown(self):
        done = self.run_bubd("tun = 'a/b'\nlog-level = x\nbub {\n eager = x\n}\n", "-t")
        lines = [message.split(":")[1] for message in done.stderr.splitlines()]
        self.assertEqual(lines, ["1", "2", "4"])

    def mistakes(self, text, mode=0o644):
        """Line, column and text of each message."""
        done = self.run_bubd(text, "-t", mode=mode)
        self.assertEqual(done.returncode, 2)
        return [(int(m[1]), int(m[2]), m[3]) for m in
                (re.fullmatch(r".*?:(\d+):(\d+): (.*)", line) for line in done.stderr.splitlines())]

    def test_places(self):
        """Every mistake has its own line and column, and none leads to another."""
        text = ("tun a\n"                                     # no equal sign
                "interfaces = {wl0, en0 b,\n  c}\n"            # no comma; the rest of the list is skipped
                "log-level = 'x\n"                            # string not closed
                "bub = {policy = never, x\n}\n"                # a section taken for a list
                "limits { peers = 0 clints = 5 }\n"           # a value; a keyword that was meant
                "home-agent { address = ; }\n"
                "peer { bub = x }\n"
                "name = a b = c\n"
                "route-table = 1 route-table = 400\n")
        self.assertEqual([(line, column) for line, column, _ in self.mistakes(text)],
                         [(1, 5), (2, 24), (4, 13), (5, 5), (7, 18), (7, 20), (8, 24), (9, 6),
                          (10, 10), (11, 15), (11, 17)])

    def test_missing_beside_wrong(self):
        """What is missing is told unless it may be what nobody knows."""
        wrong = "mobile-node {\n lifetime = 10m\n"
        self.assertEqual([line for line, _, _ in self.mistakes(wrong + "}\n")], [2, 1])
        self.assertEqual([line for line, _, _ in self.mistakes(wrong + " home-adress = x\n}\n")],
                         [2, 3])
        self.assertEqual([line for line, _, _ in self.mistakes(wrong + " home-address = x\n}\n")],
                         [2, 3])

    def test_agreed_keys(self):
        """How mobile nodes prove who they are, and by what a home agent is known."""
        done = self.run_bubd(
            STATIC + f'keys {{ {CERTIFIED} ca-file = "test.pem" home-agent-name = "ha.example"\n'
            'algorithms = {"chacha20-poly1305", "aes-256-gcm"} } }\n'
            + STATIC.replace("::10", "::11") + 'keys { psk-file = "mn1.secret" port = 99 } }\n'
            + HA.replace("::1\"", "::2\"")
            + f'keys {{ {CERTIFIED} ca-file = "test.pem" lifetime = 60 megabytes = 5 }}\n'
            'mobile-node "2001:db8:1::20" { psk-file = "mn1.secret" }\n'
            f'mobile-node "2001:db8:1::21" {{ fingerprint = "{FINGERPRINT}" }}\n'
            'mobile-node "2001:db8:1::22" { identity = "abc" }\n'
            'mobile-node "2001:db8:1::23" { }\n'
            'mobile-node "2001:db8:1::24" { secret-file = "mn1.secret" }\n}\n')
        self.assertEqual(done.stderr, "")
        lines = [line for line in done.stdout.splitlines() if line.startswith(("keys", "pair"))]
        octets, secret = len(PEM), SECRET[4:]
        self.assertEqual(lines, [
            "pair 2001:db8:1::10 own  keys 1",
            "pair 2001:db8:1::11 own  keys 1",
            f"pair 2001:db8:1::20 served {secret} keys 2",
            f"pair 2001:db8:1::21 served {'5a' * 32} keys 4",
            "pair 2001:db8:1::22 served 616263 keys 3",
            "pair 2001:db8:1::23 served  keys 1",
            f"pair 2001:db8:1::24 served {secret}",
            f"keys own port 7872 lifetime 0 megabytes 0 name ha.example certificate {octets} "
            f"ca {octets} psk  chacha20-poly1305 aes-256-gcm",
            f"keys own port 99 lifetime 0 megabytes 0 name  certificate 0 ca 0 psk {secret}",
            f"keys served port 7872 lifetime 60 megabytes 5 name  certificate {octets} "
            f"ca {octets} psk ",
        ])

    def test_store(self):
        """Where registrations are stored, and what goes with that."""
        with open(self.path("redis.secret"), "w") as f:
            f.write("a password for Redis\n")
        os.chmod(self.path("redis.secret"), 0o600)

        def agent(store, client='psk-file = "text.secret"', top=""):
            return (f'{top}home-agent {{ address = "2001:db8:7::1"\nprefixes = {{"2001:db8:7::/64"}}\n'
                    f'mobile-node "2001:db8:7::10" {{ {client} }}\n{store}\n}}\n')

        servers = 'servers = {"unix:/run/redis.sock"}'
        for store in (f"store = redis redis {{ {servers} }}",
                      "durability = at-once when-store-fails = accept",
                      'store = redis durability = at-once redis { servers = {"2001:db8::5", '
                      '"[2001:db8::6]:7000", "192.0.2.1:6380"} sentinel = home user = bub '
                      'password-file = "redis.secret" prefix = "x:" group = g replicas = 2 '
                      'timeout = 200 }'):
            done = self.run_bubd(agent(store), "-t")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        for store, word in (("store = redis", "lacks a section redis"),
                            (f"redis {{ {servers} }}", "without store = redis"),
                            ("store = redis redis { }", "lacks servers"),
                            ('store = redis redis { servers = {"redis.example:1"} }', "is none"),
                            (f"store = redis redis {{ {servers} user = bub }}", "password-file"),
                            (f'store = redis redis {{ {servers} group = "a{{b" }}', "brace"),
                            (f"store = redis refresh-advice = 60 redis {{ {servers} }}",
                             "not stored"),
                            ("store = disk", "expected lmdb or redis"),
                            ("agreed-keys = yes", "expected forgotten or stored")):
            with self.subTest(store=store):
                (_, _, text), = self.mistakes(agent(store))
                self.assertIn(word, text)
        (_, _, text), = self.mistakes(agent(f"store = redis redis {{ {servers} }}",
                                            'secret-file = "text.secret"'))
        self.assertIn("static keys", text)

    def test_group(self):
        """What a home agent of a group cannot have for itself."""
        def agent(store, more="", group="standby"):
            return (f'home-agent {{ address = "2001:db8:7::1"\nprefixes = {{"2001:db8:7::/64"}}\n'
                    f'home-link = "eth1"\ngroup = {group}\n{store}\n{more}\n}}\n')

        redis = 'store = redis redis { servers = {"unix:/run/redis.sock"} }'
        for group in ("standby", "active"):
            self.assertEqual(self.run_bubd(agent(redis, group=group), "-t").returncode, 0)
        for text in (agent(""), agent(redis, "durability = at-once"),
                     agent(redis, "when-store-fails = accept")):
            (_, _, said), = self.mistakes(text)
            self.assertIn("expected store = redis", said)
        (_, _, said), = self.mistakes(agent(redis, "router-adverts { }"))
        self.assertIn("another program", said)

    def test_mistakes_are_capped(self):
        self.assertEqual(len(self.mistakes("log-level = x\nx = y\n" * 30)), 20)

    def test_what_was_meant(self):
        for wrong, meant in (("interface", "interfaces"), ("Tun", "tun"), ("statedir", "state-dir"),
                             ("log-levle", "log-level"), ("route-optimization", "route-optimisation")):
            self.assertIn(f'did you mean "{meant}"?', self.mistakes(f"{wrong}x = a\n"
                          if wrong == "interface" else f"{wrong} = a\n")[0][2])
        self.assertIn("expected it in mobile-node or in home-agent",
                      self.mistakes("protect-payload = true\n")[0][2])

    def test_brace_forgotten(self):
        """What comes behind is told once."""
        said = self.mistakes("bub {\n eager = true\nlog-level = info\nname = a\nlimits { }\n")
        self.assertEqual([line for line, _, _ in said], [3, 1])
        self.assertIn('"log-level" cannot stand in bub', said[0][2])
        self.assertIn('"{" that is not closed', said[1][2])

    def test_keys_are_not_shown(self):
        for text in ("encryption-key sesame", "encryption-key = {sesame}", "encryption-key = 'sesame"):
            for _, _, said in self.mistakes(static(first(a=('encryption-key-file = "aes.secret"', text))),
                                            mode=0o600):
                self.assertNotIn("sesame", said)

    def test_missing_file(self):
        done = subprocess.run([BUBD, "-t", "-c", "/no/such/file"], text=True, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/no/such/file: cannot open it", done.stderr)

    def test_what_is_no_file(self):
        """Nothing that has no end, or waits for somebody, is read: a FIFO, a device, a folder."""
        os.mkfifo(self.path("fifo"), 0o600)
        for path in (self.path("fifo"), "/dev/zero", self.folder.name):
            with self.subTest(path):
                done = subprocess.run([BUBD, "-t", "-c", path], text=True, capture_output=True,
                                      check=False, timeout=60)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f"{path}: cannot open it: it is no regular file", done.stderr)
        done = self.run_bubd(MN.replace("mn1.secret", "fifo") + "}\n", "-t")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no regular file", done.stderr)
        done = self.run_bubd(static(first(a=("aes.secret", "fifo"))), "-t")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is no regular file", done.stderr)

    def test_many_mobile_nodes(self):
        """More than a mebibyte; each is there, in order, also round others of their kind."""
        n = 20000
        clients = [f"2001:db8:1::1:{i >> 8:x}:{(i & 255) + 1:x}" for i in range(n)]
        peers = 'peer "2001:db8:9::%d" { }\n'
        text = (peers % 1 + "limits { clients = 30000 }\n" + HA +
                "".join(f'    mobile-node "{c}" {{ secret-file = "mn1.secret" }}\n'
                        for c in clients) + "}\n" + peers % 2 + peers % 3)
        self.assertGreater(len(text), 1 << 20)
        done = self.run_bubd(text)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        served = [line.split()[1] for line in lines if line.startswith("pair ")]
        self.assertEqual([ipaddress.ip_address(a) for a in served],
                         [ipaddress.ip_address(c) for c in clients])
        self.assertEqual([line.split()[1] for line in lines if line.startswith("peer ")],
                         ["2001:db8:9::1", "2001:db8:9::2", "2001:db8:9::3"])

    def test_room_for_more_clients(self):
        """A reload may bring as many again, where limits does not say how many."""
        def limit(n, text=""):
            done = self.run_bubd(text + HA + "".join(
                f'mobile-node "2001:db8:1::1:{i:x}" {{ secret-file = "mn1.secret" }}\n'
                for i in range(n)) + "}\n")
            self.assertEqual(done.stderr, "")
            return int(re.search(r"^limits \d+ \d+ (\d+)$", done.stdout, re.M).group(1))

        self.assertEqual(limit(3), 1024)
        self.assertEqual(limit(512), 1024)
        self.assertEqual(limit(513), 1026)
        self.assertEqual(limit(3, "limits { clients = 3 }\n"), 3)
        self.assertEqual(limit(600, "limits { peers = 9 }\n"), 1200)

    def test_truncated_anywhere(self):
        """No prefix of a good file may crash bubd or be taken for something else in silence."""
        for end in range(0, len(FULL), 7):
            done = self.run_bubd(FULL[:end], "-t")
            self.assertIn(done.returncode, (0, 2), done.stderr)
            self.assertEqual(done.returncode == 0, done.stderr == "")

    def test_check_says_nothing(self):
        done = self.run_bubd(FULL, "-t")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_static_sas(self):
        for text in (static(), static(without=(6, 7)).replace("mobile-node {",
                                                              "mobile-node { protect-payload=false"),
                     "prefix-discovery = false\n" + static(without=(4, 5))):
            done = self.run_bubd(text, "-t")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), text)

    def test_keys_in_the_configuration(self):
        """Right when nobody else can read it; and still of the right length."""
        for key, mode, status in (("hex:" + "5a" * 16, 0o600, 0), ("sixteen octets..", 0o400, 0),
                                  ("hex:" + "5a" * 16, 0o640, 2), ("hex:" + "5a" * 16, 0o604, 2),
                                  ("short", 0o600, 2), ("hex:5", 0o600, 2), ("hex:xx", 0o600, 2),
                                  ("x" * 257, 0o600, 2), ("", 0o600, 2)):
            text = static(first(a=('-key-file = "aes.secret"', f'-key = "{key}"')))
            done = self.run_bubd(text, "-t", mode=mode)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1 if status else 0, done.stderr)
            if status:
                self.assertRegex(done.stderr, r":4:\d+: encryption-key: ")

    def test_options(self):
        for options, status in ((["-V"], 0), (["-h"], 0), (["-x"], 2), (["extra"], 2)):
            done = subprocess.run([BUBD, *options], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, status)


class Values(Config):
    """What a good file comes to; only the stand-in shows that."""

    test_mistakes = test_all_mistakes_are_shown = None
    test_places = test_mistakes_are_capped = test_what_was_meant = test_keys_are_not_shown = None
    test_brace_forgotten = test_missing_beside_wrong = None
    test_missing_file = test_truncated_anywhere = test_check_says_nothing = test_options = None
    test_static_sas = test_keys_in_the_configuration = None

    def values(self, text):
        done = self.run_bubd(text)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_full(self):
        self.assertEqual(self.values(FULL), [
            f"node mn1 tun bub7 control {self.path('run/ctl')} state-dir /tmp/state log-level 3",
            f"logs {self.path('events.jsonl')} {self.path('keys.log')}",
            "interface wl0 preference 10 optimistic 1 neutral 1",
            "interface en0 preference 0 optimistic 0 neutral 0",
            "table 3000 priority 500 payload 1",
            "udp 2 ports 4192 4501",
            "home 2001:db8:1::10/60 lifetime 600 first 2500 alternate 0 alive 40",
            "home-agent 2001:db8:1::1",
            "home-agent-ipv4 ::ffff:192.0.2.1",
            "serves 2001:db8:7::1 link home0 max 1200 backhaul 1 preference 7 any 1",
            "ipv4 ::ffff:192.0.2.7 nat 30",
            "flags 1 0 told 0 5 50",
            "adverts 30 70 0 30 lifetimes 0 1 preference 7 prefixes 2",
            "prefix 2001:db8:7::/64 2000 1000",
            "prefix 2001:db8:8::/48 500 0",
            "pair 2001:db8:1::10 own 00112233445566778899aabbccddeeff",
            "pair 2001:db8:7::10 served " + b"correct horse battery".hex(),
            "ro 2 bub 2 copy 0 eager 0 static 60 lifetime 900",
            "acks 0 accept 0 send 0 discovery 0 kabm 1 check 1 wrapped 1 renew 7200 direct 4000",
            "codepoints 200 201 202 203 204 suites 1",
            "limits 10 11 12",
            "peer 2001:db8:2::10 ro 0 bub 1",
            "peer 2001:db8:2::11 ro 2 bub 2",
        ])

    def test_defaults(self):
        values = self.values(MN + "}\n")
        self.assertIn("tun bub0 control /run/bub/bubd.sock state-dir /var/lib/bub log-level 2",
                      values[0])
        self.assertEqual(values[1:], [
            "logs  ",
            "table 2116 priority 1000 payload 1",
            "udp 0 ports 4191 4500",
            "home 2001:db8:1::10/64 lifetime 3600 first 1500 alternate 1 alive 150",
            "home-agent 2001:db8:1::1",
            "pair 2001:db8:1::10 own 00112233445566778899aabbccddeeff",
            "ro 0 bub 0 copy 1 eager 1 static 420 lifetime 3600",
            "acks 1 accept 1 send 1 discovery 1 kabm 0 check 1 wrapped 0 renew 86400 direct 62191",
            "codepoints 8 11 18 240 241 suites 2 1",
            "limits 1024 256 1024",
        ])

    def test_empty_file_is_a_correspondent(self):
        self.assertIn("limits 1024 256 1024", self.values(""))

    def test_home_agent_to_be_discovered(self):
        text = MN.replace('home-agent = "2001:db8:1::1"', "") + "}\n"
        self.assertIn("home-agent ::", self.values(text))

    def test_home_agent_with_a_name(self):
        for name in ("ha.example.org", "ha", "HA-1.example.org.", "_x.a1", "1.2.3.x"):
            text = MN.replace('"2001:db8:1::1"', f'"{name}"') + "}\n"
            self.assertIn(f"home-agent {name}", self.values(text))

    def test_several_home_agents(self):
        both = '{"2001:db8:1::1", "2001:db8:1::2"}'
        lines = self.values(MN.replace('"2001:db8:1::1"', both) + "}\n")
        self.assertIn("home-agent 2001:db8:1::1 2001:db8:1::2", lines)
        # One in braces is one.
        lines = self.values(MN.replace('"2001:db8:1::1"', '{"2001:db8:1::1"}') + "}\n")
        self.assertIn("home-agent 2001:db8:1::1", lines)

    def test_static_values(self):
        old = sa("0x900", "in", "tunnel", "mobility, payload",
                 'encryption = "3des-cbc" encryption-key-file = "des.secret" replay-check = false '
                 'integrity = "hmac-sha1-96" integrity-key-file = "sha1.secret"')
        clear = sa("2000", "out", "transport", "binding-updates, prefix-discovery",
                   'encryption = "null" integrity = "hmac-sha1-96" integrity-key = "' + "k" * 20
                   + '"')
        rest = [line for i, line in enumerate(pairs()) if i in (1, 2, 5, 6)]
        text = HA + ' mobile-node "2001:db8:1::10" {\n' + old + clear + "".join(rest) + "}\n}\n"
        done = self.run_bubd(text, mode=0o600)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        usual = "aes-cbc " + "a1" * 16 + " hmac-sha256-128 " + "c3" * 32
        self.assertEqual([s for s in done.stdout.splitlines() if s[:3] in ("sa ", "pai")], [
            "pair 2001:db8:1::10 served ",
            "sa 00000900 2001:db8:1::10 in tunnel covers a 3des-cbc " + bytes(range(24)).hex()
            + " hmac-sha1-96 " + "b2" * 20 + " unchecked",
            "sa 000007d0 2001:db8:1::10 out transport covers 5 null  hmac-sha1-96 " + "6b" * 20,
            "sa 000007d1 2001:db8:1::10 in transport covers 1 " + usual,
            "sa 000007d2 2001:db8:1::10 out tunnel covers 2 " + usual,
            "sa 000007d5 2001:db8:1::10 in transport covers 4 " + usual,
            "sa 000007d6 2001:db8:1::10 out tunnel covers 8 " + usual,
        ])

    def test_unprotected(self):
        words = "unprotected = {binding-updates, mobility, prefix-discovery}\n"
        bare = self.values(words + STATIC + " protect-payload = false\n}\n")
        self.assertIn("unprotected 7", bare)
        self.assertIn("pair 2001:db8:1::10 own ", bare)
        self.assertIn("unprotected 2", self.values(
            "unprotected = {mobility}\n" + static(without=(2, 3))))

    def test_last_tables_and_priorities(self):
        self.assertIn("table 4294967274 priority 32760 payload 1",
                      self.values("route-table = 4294967274\nrule-priority = 32760\n"))

    def test_data_without_esp(self):
        self.assertIn("table 2116 priority 1000 payload 0",
                      self.values(MN + "    protect-payload = false\n}\n"))

    def test_windows_line_ends(self):
        self.assertIn("table 777 priority 1000 payload 1",
                      self.values("# x\r\nroute-table = 777\r\n"))

    def test_list_in_parts(self):
        self.assertEqual([v for v in self.values("interfaces += wl0\ninterfaces += {en0, en1,}\n")
                          if v.startswith("interface ")],
                         [f"interface {name} preference 0 optimistic 0 neutral 0" for name in ("wl0", "en0", "en1")])

    def test_words_end_at_comments(self):
        self.assertIn("node /a/b tun", self.values("name = /a/b//c\n")[0])
        self.assertIn("node a/ tun", self.values("name = a/#c\n")[0])
        self.assertIn("node a tun", self.values("name = a/* b */\n")[0])

    def test_order_of_suites(self):
        self.assertIn("codepoints 8 11 18 240 241 suites 1 2",
                      self.values("bub { suites = {modp2048-sha1, x25519-sha256} }"))


if __name__ == "__main__":
    if "no_daemon" not in BUBD:
        del Values
    unittest.main(argv=sys.argv[:1])
