#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Has tshark and scapy read what libbub's encoder writes (wire_emit) and what the test vectors say,
and compares with the values that were meant.  Exit 77: one of them, or dpkt, is absent.

usage: independent.py WIRE_EMIT VECTORS_DIR
"""

import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

try:
    import dpkt
    import scapy  # noqa: F401
except ImportError as absent:
    print(f"SKIP: {absent.name} is absent")
    sys.exit(77)

HOA1, HOA2 = "2001:db8:1::1001", "2001:db8:2::2002"
COA1, COA2 = "2001:db8:a::a1", "2001:db8:b::b2"
HA1 = "2001:db8:1::1"


def octets(first, n):
    return bytes(range(first, first + n))


COOKIE = "0x" + octets(0x11, 8).hex()
TOKEN = "0x" + octets(0x21, 8).hex()
AUTH = octets(0xA0, 12).hex()

# What tshark calls the fields; one row a packet, in the order of wire_emit.c.  "*" in front of a
# name: an option, of which all values are listed.
PACKETS = [
    {"ipv6.src": HOA2, "ipv6.dst": HOA1, "mip6.mhtype": 0, "mip6.hlen": 0},
    {"ipv6.src": HOA1, "mip6.mhtype": 1, "mip6.hlen": 1, "mip6.hoti.cookie": COOKIE},
    {"mip6.mhtype": 1, "mip6.hlen": 2, "mip6.hoti.cookie": COOKIE, "mip6.em.data": "00"},
    {"mip6.mhtype": 2, "mip6.coti.cookie": COOKIE, "mip6.em.data": "00", "mip6.mnid.subtype": 2},
    {"mip6.mhtype": 3, "mip6.hot.cookie": COOKIE, "mip6.hot.token": TOKEN,
     "mip6.hot.nindex": 0x0102, "mip6.em.data": "01"},
    {"mip6.mhtype": 4, "mip6.cot.cookie": COOKIE, "mip6.hot.token": TOKEN,
     "mip6.cot.nindex": 0x0102, "mip6.em.data": "02"},
    {"ipv6.src": COA1, "ipv6.dst": HA1, "ipv6.opt.mipv6.home_address": HOA1, "mip6.mhtype": 5,
     "mip6.bu.seqnr": 0x8001, "mip6.bu.a_flag": 1, "mip6.bu.h_flag": 1, "mip6.bu.l_flag": 1,
     "mip6.bu.k_flag": 0, "mip6.bu.lifetime": 900, "mip6.acoa.acoa": COA1},
    {"ipv6.src": COA1, "ipv6.opt.mipv6.home_address": HOA1,
     "ipv6.routing.mipv6.home_address": HOA2, "mip6.mhtype": 5, "mip6.bu.a_flag": 1,
     "mip6.bu.h_flag": 0, "mip6.bu.l_flag": 0, "mip6.bu.k_flag": 1, "mip6.bu.lifetime": 105,
     "mip6.ni.hni": 3, "mip6.ni.cni": 65534, "mip6.bad.auth": AUTH},
    {"ipv6.routing.mipv6.home_address": HOA1, "mip6.mhtype": 6, "mip6.ba.status": 1,
     "mip6.ba.k_flag": 1, "mip6.ba.seqnr": 0x8001, "mip6.ba.lifetime": 65535,
     "mip6.bra.interval": 600},
    {"ipv6.opt.mipv6.home_address": HOA2, "ipv6.routing.mipv6.home_address": HOA1,
     "mip6.mhtype": 6, "mip6.ba.status": 135, "mip6.ba.k_flag": 0, "mip6.ba.lifetime": 0,
     "mip6.bad.auth": AUTH},
    {"mip6.mhtype": 7, "mip6.be.status": 2, "mip6.be.haddr": HOA1},
    # tshark takes MH type 8 for its later owner, Fast Binding Update; 11 it knows by number only.
    {"ipv6.opt.mipv6.home_address": HOA2, "mip6.mhtype": 8, "mip6.hlen": 4},
    {"ipv6.opt.mipv6.home_address": HOA1, "mip6.mhtype": 11},
    {"icmpv6.type": 2, "icmpv6.mtu": 1400},
    {"icmpv6.type": 4, "icmpv6.code": 2, "icmpv6.pointer": 42},
    {"icmpv6.type": 134, "icmpv6.nd.ra.cur_hop_limit": 64, "icmpv6.nd.ra.flag.h": 1,
     "icmpv6.nd.ra.router_lifetime": 1800, "icmpv6.opt.src_linkaddr": "020000000001",
     "icmpv6.opt.prefix.length": 64, "icmpv6.opt.prefix.flag.l": 1,
     "icmpv6.opt.prefix.flag.a": 0, "icmpv6.opt.prefix.flag.r": 1,
     "icmpv6.opt.prefix.valid_lifetime": 86400, "icmpv6.opt.prefix.preferred_lifetime": 14400,
     "icmpv6.opt.prefix": HA1, "icmpv6.opt.advertisement_interval": 3000,
     "icmpv6.opt.home_agent_preference": 10, "icmpv6.opt.home_agent_lifetime": 1200},
    {"icmpv6.type": 144, "icmpv6.mip6.identifier": 0xBEEF},
    {"icmpv6.type": 145, "icmpv6.mip6.identifier": 0xBEEF,
     "icmpv6.mip6.home_agent_address": HA1 + "," + HOA2},
    {"icmpv6.type": 146, "icmpv6.mip6.identifier": 0xCAFE, "ipv6.opt.mipv6.home_address": HOA1},
    {"icmpv6.type": 147, "icmpv6.mip6.identifier": 0xCAFE, "icmpv6.mip6.flag.m": 1,
     "icmpv6.mip6.flag.o": 0, "ipv6.routing.mipv6.home_address": HOA1,
     "icmpv6.opt.prefix.length": 64, "icmpv6.opt.prefix.flag.a": 1,
     "icmpv6.opt.prefix.valid_lifetime": 7200},
    {"ipv6.src": HOA1, "ipv6.dst": HA1, "mip6.mhtype": 5, "mip6.ipv4ha.preflen": 28,
     "mip6.ipv4ha.p_flag": 1, "mip6.ipv4ha.ha": "192.0.2.7", "mip6.ipv4coa.addr": "10.0.0.7"},
    {"ipv6.src": HA1, "ipv6.dst": HOA1, "mip6.mhtype": 6, "mip6.ipv4aa.sts": 133,
     "mip6.natd.f_flag": 1, "mip6.natd.refresh_t": 110},
]

# The vectors of tests/vectors/mld.
MLD = {
    "done": {"icmpv6.type": 132, "icmpv6.mld.multicast_address": "ff1e::1234"},
    "query": {"icmpv6.type": 130, "icmpv6.mld.maximum_response_code": 1000,
              "icmpv6.mld.multicast_address": "::", "icmpv6.mld.flag.qrv": 2,
              "icmpv6.mld.qqi": 125, "icmpv6.mld.nb_sources": 0},
    "report1": {"icmpv6.type": 131, "icmpv6.mld.multicast_address": "ff1e::1234"},
    "report2": {"icmpv6.type": 143, "icmpv6.mldr.nb_mcast_records": 4,
                "icmpv6.mldr.mar.record_type": "4,3,1,6",
                "icmpv6.mldr.mar.nb_sources": "0,0,2,1",
                "icmpv6.mldr.mar.multicast_address": "ff1e::1234,ff1e::5,ff3e::6,ff3e::7",
                "icmpv6.mldr.mar.source_address": "2001:db8:c::1,2001:db8:c::2,2001:db8:c::1"},
}

failures = 0


def expect(what, got, want):
    global failures
    if got != want:
        failures += 1
        print(f"{what}: {got!r}, expected {want!r}")


def normal(value):
    """tshark prints numbers in base 10 or 16 by its own taste, and flags as 1 or True."""
    value = {"True": "1", "False": "0"}.get(value, value)
    if re.fullmatch(r"0x[0-9a-f]+", value) and len(value) < 18:
        return str(int(value, 16))
    return re.sub(r"(?<=[0-9a-f]{2}):(?=[0-9a-f]{2}(:|$))", "", value) \
        if re.fullmatch(r"([0-9a-f]{2}:)+[0-9a-f]{2}", value) else value


def tshark_rows(capture, fields):
    command = ["tshark", "-r", capture, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return [dict(zip(fields, line.split("|"))) for line in done.stdout.splitlines()]


def check_tshark(capture):
    fields = sorted({name for packet in PACKETS for name in packet})
    extra = ["_ws.malformed", "icmpv6.checksum.status", "_ws.expert.severity"]
    rows = tshark_rows(capture, fields + extra)
    expect("number of packets", len(rows), len(PACKETS))
    for n, (row, packet) in enumerate(zip(rows, PACKETS), 1):
        for name, want in packet.items():
            got = row[name]
            if name.startswith("ipv6.") and "mipv6" not in name:
                got = got.split(",")[0]
            if "," not in got:
                got = normal(got)
            expect(f"packet {n}, {name}", got, str(want))
        expect(f"packet {n}, malformed", row["_ws.malformed"], "")
        if "icmpv6.type" in packet:
            expect(f"packet {n}, checksum status", row["icmpv6.checksum.status"], "1")


def load_vector(path):
    with open(path, encoding="ascii") as f:
        return bytes.fromhex("".join(line.split("#")[0] for line in f))


def write_capture(path, packets):
    with open(path, "wb") as f:
        writer = dpkt.pcap.Writer(f, snaplen=65535, linktype=dpkt.pcap.DLT_RAW)
        for p in packets:
            writer.writepkt(p, 0)


def check_vectors_with_tshark(folder, scratch):
    paths = sorted(glob.glob(os.path.join(folder, "*.hex")))
    capture = os.path.join(scratch, "vectors.pcap")
    write_capture(capture, [load_vector(p) for p in paths])
    rows = tshark_rows(capture, ["_ws.malformed", "mip6.mhtype", "icmpv6.checksum.status"])
    expect("number of vectors", len(rows), len(paths))
    kinds = {"brr": "0", "hoti": "1", "coti": "2", "hot": "3", "cot": "4", "bu": "5", "ba": "6",
             "be": "7", "bubc": "8", "switch": "12",
             "dh1": "11", "dh2": "11", "dh3": "11", "dh4": "11"}
    for path, row in zip(paths, rows):
        name = os.path.basename(path)[:-4]
        if name != "switch":  # tshark 4.0 looks for its options in the last home agent's address
            expect(f"{name}, malformed", row["_ws.malformed"], "")
        if name.startswith("icmp6-"):
            expect(f"{name}, checksum status", row["icmpv6.checksum.status"].split(",")[0], "1")
        elif not name.startswith("ip6-"):
            expect(f"{name}, type", row["mip6.mhtype"], kinds[name.split("-")[0]])
    return paths


def check_mld(folder, scratch):
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop, RouterAlert, in6_chksum

    paths = sorted(glob.glob(os.path.join(folder, "mld", "*.hex")))
    expect("MLD vectors", [os.path.basename(p)[:-4] for p in paths], sorted(MLD))
    capture = os.path.join(scratch, "mld.pcap")
    write_capture(capture, [load_vector(p) for p in paths])
    fields = sorted({name for want in MLD.values() for name in want})
    extra = ["_ws.malformed", "icmpv6.checksum.status", "ipv6.opt.router_alert"]
    for (name, want), row in zip(sorted(MLD.items()), tshark_rows(capture, fields + extra)):
        for field, value in want.items():
            expect(f"{name}, {field}", normal(row[field]), str(value))
        expect(f"{name}, malformed", row["_ws.malformed"], "")
        expect(f"{name}, checksum status", row["icmpv6.checksum.status"], "1")
        expect(f"{name}, router alert", row["ipv6.opt.router_alert"], "0")
    for path in paths:
        packet = IPv6(load_vector(path))
        options = packet[IPv6ExtHdrHopByHop].options
        expect(f"{path}, scapy's router alert",
               [o.value for o in options if isinstance(o, RouterAlert)], [0])
        upper = bytes(packet[IPv6ExtHdrHopByHop].payload)
        plain = IPv6(src=packet.src, dst=packet.dst, nh=58)
        expect(f"{path}, scapy's checksum", struct.unpack("!H", upper[2:4])[0],
               in6_chksum(58, plain, upper[:2] + b"\0\0" + upper[4:]))


def mh_layer(packet):
    """The Mobility Header's octets in a scapy packet, and the layer in front of it."""
    from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrRouting

    layer = packet
    while isinstance(layer.payload, (IPv6ExtHdrDestOpt, IPv6ExtHdrRouting)):
        layer = layer.payload
    return layer, bytes(layer.payload)


def check_scapy_checksum(what, raw):
    """scapy's own sum, over the addresses that RFC 6275 puts into the pseudo-header."""
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, in6_chksum

    packet = IPv6(raw)
    _, upper = mh_layer(packet)
    src, dst = packet.src, packet.dst
    if IPv6ExtHdrDestOpt in packet:
        for option in packet[IPv6ExtHdrDestOpt].options:
            if option.otype == 0xC9:
                src = option.hoa
    layer = packet
    while layer:
        if isinstance(layer, IPv6ExtHdrRouting) and layer.type == 2 and layer.segleft:
            dst = layer.addresses[0]
        layer = layer.payload
    plain = IPv6(src=src, dst=dst, nh=135)
    zeroed = upper[:4] + b"\0\0" + upper[6:]
    expect(f"{what}, scapy's checksum", struct.unpack("!H", upper[4:6])[0],
           in6_chksum(135, plain, zeroed))


def check_scapy(capture):
    from scapy.layers import inet6 as s
    from scapy.utils import rdpcap

    packets = [s.IPv6(bytes(p)) for p in rdpcap(capture)]
    expect("scapy: number of packets", len(packets), len(PACKETS))
    for n, (packet, want) in enumerate(zip(packets, PACKETS), 1):
        if "mip6.mhtype" not in want:
            continue
        check_scapy_checksum(f"packet {n}", bytes(packet))
        _, upper = mh_layer(packet)
        expect(f"packet {n}, length of the MH", len(upper), 8 * (upper[1] + 1))
    coti, home_bu, bu, home_ba, be = (packets[i] for i in (3, 6, 7, 8, 10))
    expect("scapy: CoTI's cookie", bytes(coti[s.MIP6MH_CoTI].cookie), octets(0x11, 8))
    expect("scapy: options of CoTI", [o.otype for o in coti[s.MIP6MH_CoTI].options], [18, 8, 1])
    m = home_bu[s.MIP6MH_BU]
    expect("scapy: home BU", (m.seq, m.mhtime, str(m.flags)), (0x8001, 900, "LHA"))
    expect("scapy: alternate care-of address", [o.acoa for o in m.options if o.otype == 3], [COA1])
    m = bu[s.MIP6MH_BU]
    expect("scapy: BU's nonces", [(o.hni, o.coni) for o in m.options if o.otype == 4],
           [(3, 65534)])
    expect("scapy: BU's last option", m.options[-1].otype, 5)
    expect("scapy: BU's authenticator", m.options[-1].authenticator,
           int.from_bytes(octets(0xA0, 12), "big"))
    m = home_ba[s.MIP6MH_BA]
    expect("scapy: BA", (m.status, m.seq, m.mhtime), (1, 0x8001, 65535))
    expect("scapy: refresh advice", [o.rinter for o in m.options if o.otype == 2], [600])
    expect("scapy: BE", (be[s.MIP6MH_BE].status, be[s.MIP6MH_BE].ha), (2, HOA1))
    m = packets[15][s.ICMPv6ND_RA]
    expect("scapy: RA", (m.H, m.M, m.O, m.routerlifetime), (1, 0, 0, 1800))
    expect("scapy: prefix", (m[s.ICMPv6NDOptPrefixInfo].R, m[s.ICMPv6NDOptPrefixInfo].prefix),
           (1, HA1))
    m = packets[17][s.ICMPv6HAADReply]
    expect("scapy: discovery reply", (m.id, m.addresses), (0xBEEF, [HA1, HOA2]))
    expect("scapy: prefix solicitation", packets[18][s.ICMPv6MPSol].id, 0xCAFE)
    m = packets[19][s.ICMPv6MPAdv]
    expect("scapy: prefix advertisement", (m.id, int(m.flags)), (0xCAFE, 2))


def main():
    emit, vectors = sys.argv[1:3]
    if shutil.which("tshark") is None:
        print("SKIP: tshark is absent")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        capture = os.path.join(scratch, "emitted.pcap")
        subprocess.run([emit, capture], check=True)
        check_tshark(capture)
        check_scapy(capture)
        check_mld(vectors, scratch)
        for path in check_vectors_with_tshark(vectors, scratch):
            raw = load_vector(path)
            if not os.path.basename(path).startswith(("ip6-", "icmp6-")):
                check_scapy_checksum(os.path.basename(path), raw)
    print("independent decoders: " + (f"{failures} differences" if failures else "all agree"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
