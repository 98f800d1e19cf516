#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ESP of data by the kernel against plain XFRM (needs root and the package user-mode-linux).

        mobile node ---- veth ---- router ---- veth ---- home agent      all in one User Mode Linux

  plain      `ip xfrm` makes the SAs and policies of the tunnel; no bub
  kernel     bub at both ends, esp = kernel
  user       bub at both ends, esp = user

All variants use AES-128-GCM with numbers of 64 bits, natively.  Each has its own network, and all of
them stand in the guest from the start.  The guest has one processor and interprets BPF.

The processor time is the host's, of all that the guest is.  A measurement is a long stream less a
short one, so what it costs to begin is not in it.
"""

import json
import os
import pathlib
import shutil
import sys

import frame

ROOT = frame.HERE.parent
sys.path[:0] = [str(ROOT / "tests/peers"), str(ROOT / "tests/netns")]

import uml_kernel_esp  # noqa: E402

VARIANTS = ("plain", "kernel", "user")
SHORT = 1 << 16
TICK = os.sysconf("SC_CLK_TCK")


def spent(session):
    """Seconds of processor time of a session, also of its processes that are gone and waited for."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == session:
            ticks += sum(int(x) for x in fields[11:15])
    return ticks / TICK


class Guest:
    """The machine, and a network in it for each variant."""

    def __init__(self, bubd):
        self.machine = uml_kernel_esp.machine()
        try:
            self.nets = {x: ",".join(json.loads(self.ask("start", x, bubd))) for x in VARIANTS}
        except BaseException:
            self.machine.close()
            raise

    def ask(self, *words):
        script = str(frame.HERE / "esp_kernel_guest.py")
        status, out, err = uml_kernel_esp.inside(self.machine, "/usr/bin/python3", "-B", script, *words)
        if status != 0:
            raise SystemExit(f"in the guest: {' '.join(words)}: {out}{err[-800:]}")
        return out

    def stream(self, variant, octets):
        """Seconds, and seconds of processor time."""
        before = spent(self.machine.proc.pid)
        seconds = float(self.ask("tcp", self.nets[variant], str(octets)))
        return seconds, spent(self.machine.proc.pid) - before

    def tcp(self, variant, octets):
        (short, short_cpu), (long, long_cpu) = (self.stream(variant, x) for x in (SHORT, octets))
        megabits = (octets - SHORT) * 8 / 1e6
        return {"Mbit/CPU s": megabits / max(long_cpu - short_cpu, 1 / TICK),
                "Mbit/s": megabits / max(long - short, 1e-3)}

    def rtt(self, variant, count):
        return {"us": float(self.ask("rtt", self.nets[variant], str(count)))}


def main():
    bench = frame.Bench("kernel-esp", __doc__)
    bench.argument("bubd")
    bench.argument("--megabytes", type=int, default=48, help="of a stream")
    args = bench.start()
    if os.geteuid() != 0 or shutil.which(uml_kernel_esp.UML) is None:
        raise frame.Missing("needs root and the package user-mode-linux")
    guest = Guest(os.path.abspath(args.bubd))
    try:
        bench.compare("TCP, 1 stream",
                      {x: lambda x=x: guest.tcp(x, args.megabytes << 20) for x in VARIANTS},
                      reach={"kernel": ">= 0.95"})
        bench.compare("idle round trip", {x: lambda x=x: guest.rtt(x, 200) for x in VARIANTS},
                      difference=True)
    finally:
        guest.machine.close()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(frame.ended(main))
