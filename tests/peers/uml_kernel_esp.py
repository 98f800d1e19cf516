#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ESP of data by the kernel: tests/netns/kernel_esp.py under User Mode Linux, which has esp6.

All its network namespaces are in the guest, and what it writes is in the guest's memory.

usage: uml_kernel_esp.py KERNEL_ESP BUBD [CASE...]
"""
import glob
import os
import shutil
import sys

from uml_mip6 import MODULES, UML, Machine

WANTED = ("ipv6", "xfrm_user", "esp6", "sha512_generic", "hmac", "drbg", "ctr", "ghash-generic",
          "gcm", "seqiv", "chacha20poly1305", "veth", "tun", "sch_ingress", "cls_bpf")
LIMIT_S = 500


def machine():
    return Machine(None, WANTED, LIMIT_S)


def inside(guest, *words):
    """Runs a program in the guest; what it writes goes to the guest's memory."""
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
    return guest.ask("run", "env", "TMPDIR=/run", f"PYTHONPATH={path}", *words)


def main():
    if os.geteuid() != 0 or shutil.which(UML) is None or not glob.glob(MODULES + "/*/modules.dep"):
        print("1..0 # SKIP needs root and the package user-mode-linux")
        return 0
    test, bubd, *names = sys.argv[1:]
    guest = machine()
    try:
        status, out, err = inside(guest, "/usr/bin/python3", "-B", os.path.abspath(test),
                                  os.path.abspath(bubd), *names)
    finally:
        guest.close()
    print(out + err, end="")
    return 1 if status != 0 or "SKIP" in out else 0


if __name__ == "__main__":
    sys.exit(main())
