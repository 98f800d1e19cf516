#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Compares what libbub's decoder (wire_dump) sees in captures of another Mobile IPv6 implementation
with what tshark sees, message by message.  Exit 77: no captures, or no tshark.

usage: captures.py WIRE_DUMP FOLDER   (BUB_CAPTURES overrides the folder)
"""

import glob
import os
import re
import shutil
import subprocess
import sys

# Our column: tshark's field, by message type; None stands for every type.
MH_FIELDS = {
    None: {"hao": "ipv6.opt.mipv6.home_address", "rh2": "ipv6.routing.mipv6.home_address",
           "advice": "mip6.bra.interval", "acoa": "mip6.acoa.acoa", "hni": "mip6.ni.hni",
           "cni": "mip6.ni.cni", "auth": "mip6.bad.auth"},
    "1": {"cookie": "mip6.hoti.cookie"},
    "2": {"cookie": "mip6.coti.cookie"},
    "3": {"cookie": "mip6.hot.cookie", "token": "mip6.hot.token", "nindex": "mip6.hot.nindex"},
    "4": {"cookie": "mip6.cot.cookie", "token": "mip6.hot.token", "nindex": "mip6.cot.nindex"},
    "5": {"seq": "mip6.bu.seqnr", "lifetime": "mip6.bu.lifetime", "a": "mip6.bu.a_flag",
          "h": "mip6.bu.h_flag", "l": "mip6.bu.l_flag", "k": "mip6.bu.k_flag"},
    "6": {"seq": "mip6.ba.seqnr", "lifetime": "mip6.ba.lifetime", "status": "mip6.ba.status",
          "k": "mip6.ba.k_flag"},
    "7": {"status": "mip6.be.status", "home": "mip6.be.haddr"},
}
ICMP_FIELDS = {
    None: {"code": "icmpv6.code"},
    "134": {"lifetime": "icmpv6.nd.ra.router_lifetime", "h": "icmpv6.nd.ra.flag.h",
            "interval": "icmpv6.opt.advertisement_interval", "prefix": "icmpv6.opt.prefix",
            "plen": "icmpv6.opt.prefix.length", "valid": "icmpv6.opt.prefix.valid_lifetime"},
    "144": {"id": "icmpv6.mip6.identifier"},
    "145": {"id": "icmpv6.mip6.identifier"},
    "146": {"id": "icmpv6.mip6.identifier"},
    "147": {"id": "icmpv6.mip6.identifier", "prefix": "icmpv6.opt.prefix",
            "plen": "icmpv6.opt.prefix.length", "valid": "icmpv6.opt.prefix.valid_lifetime"},
}
ICMP_TYPES = ("2", "4", "134", "144", "145", "146", "147")

failures = 0


def expect(what, got, want):
    global failures
    if got != want:
        failures += 1
        print(f"{what}: {got!r}, tshark has {want!r}")


def normal(value):
    """Numbers of tshark's in base 10, flags as 0 or 1, octets without colons."""
    value = {"True": "1", "False": "0"}.get(value, value)
    if re.fullmatch(r"0x[0-9a-f]{16}", value):
        return value[2:]
    if re.fullmatch(r"0x[0-9a-f]+", value):
        return str(int(value, 16))
    return value


def tshark_rows(capture):
    names = {f for table in (MH_FIELDS, ICMP_FIELDS) for t in table.values() for f in t.values()}
    fields = sorted(names) + ["frame.number", "mip6.mhtype", "icmpv6.type",
                              "icmpv6.checksum.status", "_ws.malformed"]
    # Errors quote packets, which are not messages of their own.
    command = ["tshark", "-r", capture, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a",
               "-Y", "mipv6 || icmpv6"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return [dict(zip(fields, line.split("|"))) for line in done.stdout.splitlines()]


def compare(where, ours, row, table, kind):
    columns = dict(table[None], **table.get(kind, {}))
    for column, field in columns.items():
        value = normal(row[field])
        if field.startswith("icmpv6.opt.prefix") and "," in value:
            continue  # several prefixes: wire_dump prints one
        expect(f"{where}, {column}", ours.get(column, ""), value)


def check(dump, capture):
    """Returns the number of messages compared."""
    done = subprocess.run([dump, capture], check=True, capture_output=True, text=True)
    ours = {}
    for line in done.stdout.splitlines():
        frame, layer, *pairs = line.split("\t")
        ours.setdefault((frame, layer), []).append(dict(p.split("=", 1) for p in pairs))
    compared = 0
    for row in tshark_rows(capture):
        frame = row["frame.number"]
        where = f"{os.path.basename(capture)}, frame {frame}"
        if row["icmpv6.type"] != "":
            bad = row["icmpv6.checksum.status"].split(",")[0] == "0"
            if row["icmpv6.type"] not in ICMP_TYPES and not bad:
                continue
            got = ours.pop((frame, "icmp"), [{}])[0]
            if bad:
                expect(f"{where}, checksum", got.get("refused"), "icmp6-checksum")
            else:
                expect(f"{where}, type", got.get("type"), row["icmpv6.type"])
                compare(where, got, row, ICMP_FIELDS, row["icmpv6.type"])
        else:
            got = ours.pop((frame, "mh"), [{}])[0]
            expect(f"{where}, type", got.get("type"), row["mip6.mhtype"])
            compare(where, got, row, MH_FIELDS, row["mip6.mhtype"])
        compared += 1
    expect(f"{os.path.basename(capture)}, messages that only we see", ours, {})
    return compared


def main():
    dump, folder = sys.argv[1:3]
    folder = os.environ.get("BUB_CAPTURES", folder)
    captures = sorted(glob.glob(os.path.join(folder, "*.pcap")))
    if not captures:
        print(f"SKIP: no captures in {folder}")
        return 77
    if shutil.which("tshark") is None:
        print("SKIP: tshark is absent")
        return 77
    compared = sum(check(dump, capture) for capture in captures)
    expect("captures hold messages", compared > 0, True)
    print(f"{compared} messages in {len(captures)} captures: " +
          (f"{failures} differences" if failures else "the same"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
