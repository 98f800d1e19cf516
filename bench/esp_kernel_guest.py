# SPDX-License-Identifier: BSD-2-Clause
"""What bench/esp_kernel.py runs in the guest: makes one variant's network, or measures in it.

usage: esp_kernel_guest.py start VARIANT BUBD | tcp NAMESPACES OCTETS | rtt NAMESPACES COUNT
"""

import ctypes
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

from kernel_esp import Kernel
from world import AGENT, HOME, Tunnel

CARE_OF, REMOTE = "2001:db8:b::2", "2001:db8:d::2"
KEY = "0x" + bytes(range(20)).hex()
SPI = {"up": "0x1000", "down": "0x1001"}
CLONE_NEWNET = 0x40000000
WAIT_S = 60


def plain(bubd):
    """The SAs and policies that a tunnel takes, by hand, as bubd makes them: docs/esp.md."""
    t = Tunnel(bubd)
    t.m.ip("addr", "add", f"{CARE_OF}/64", "dev", "e0", "nodad")
    t.m.ip("addr", "add", f"{HOME}/128", "dev", "lo", "nodad")
    t.g.ip("addr", "add", f"{AGENT}/128", "dev", "lo", "nodad")
    t.m.ip("route", "add", "default", "via", "2001:db8:b::1", "src", HOME)
    ends = {"up": (CARE_OF, REMOTE), "down": (REMOTE, CARE_OF)}
    for ns in (t.m, t.g):
        for way, (src, dst) in ends.items():
            ns.ip("xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp", "spi", SPI[way], "reqid", "1",
                  "mode", "tunnel", "replay-window", "256", "flag", "esn", "aead", "rfc4106(gcm(aes))", KEY, "128")
            inner = (HOME, "::/0") if way == "up" else ("::/0", HOME)
            ns.ip("xfrm", "policy", "add", "src", inner[0], "dst", inner[1],
                  "dir", "out" if (way == "up") == (ns is t.m) else "in",
                  "tmpl", "src", src, "dst", dst, "proto", "esp", "reqid", "1", "mode", "tunnel")
    return t


def start(variant, bubd):
    keep = os.dup(1)
    # Daemons that stay must not hold the pipe on whose end the host waits.
    log = os.open("/run/start.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if variant in ("kernel", "user"):
        t = Kernel(bubd)
        t.begin_with(variant, variant)
        t.wait_for_kernel(variant, variant)
    else:
        t = plain(bubd)
    os.write(keep, json.dumps([t.m.name, t.g.name]).encode())
    os._exit(0)  # what takes the network down again runs at an ordinary end


def at(name, make):
    """A socket of a namespace."""
    with open(f"/run/netns/{name}") as f:
        if ctypes.CDLL(None).setns(f.fileno(), CLONE_NEWNET) != 0:
            raise SystemExit(f"setns: {name}")
    return make()


def tcp(names, octets):
    """Prints the seconds that one stream of so many octets takes, from the mobile node to the home agent."""
    m, g = names.split(",")
    server = at(g, lambda: socket.create_server((AGENT, 0), family=socket.AF_INET6))
    sender = at(m, lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
    sender.settimeout(WAIT_S)
    sender.bind((HOME, 0))
    sender.connect(server.getsockname()[:2])
    taker = server.accept()[0]
    taker.settimeout(WAIT_S)
    got = []

    def take():
        while data := taker.recv(1 << 17):
            got.append(len(data))

    thread = threading.Thread(target=take)
    thread.start()
    begin = time.monotonic()
    sender.sendall(bytes(int(octets)))
    sender.close()
    thread.join()
    if sum(got) != int(octets):
        raise SystemExit(f"{sum(got)} of {octets} octets arrived")
    print(time.monotonic() - begin)


def rtt(names, count):
    """Prints the median, in microseconds."""
    ping = ["ip", "netns", "exec", names.split(",")[0], "ping", "-6", "-i", "0.01", "-c", count, "-I", HOME, AGENT]
    said = subprocess.run(ping, capture_output=True, text=True, check=True).stdout
    print(1000 * statistics.median(float(x) for x in re.findall(r"time=([\d.]+)", said)))


if __name__ == "__main__":
    {"start": start, "tcp": tcp, "rtt": rtt}[sys.argv[1]](*sys.argv[2:])
