#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The data path on the kernel of Debian 12: tests/netns/datapath_test.py under User Mode Linux.

All three of its network namespaces are in the guest, so nothing depends on the emulated network.
Programs for tc that a newer kernel takes, its verifier may refuse.

usage: uml_datapath.py DATAPATH_TEST DPCTL [unittest arguments]
"""
import glob
import os
import shutil
import sys

from uml_mip6 import MODULES, UML, Machine

WANTED = ("ipv6", "mip6", "xfrm_user", "esp6", "ah6", "authenc", "echainiv", "seqiv", "cbc", "hmac",
          "sha512_generic", "drbg", "veth", "sch_ingress", "cls_bpf")
LIMIT_S = 500


def main():
    if os.geteuid() != 0 or shutil.which(UML) is None or not glob.glob(MODULES + "/*/modules.dep"):
        print("skipped: needs root and the package user-mode-linux")
        return 77
    test, dpctl, *names = sys.argv[1:]
    machine = Machine(None, WANTED, LIMIT_S)
    try:
        status, out, err = machine.ask("run", "/usr/bin/python3", "-B", os.path.abspath(test),
                                       os.path.abspath(dpctl), *names)
    finally:
        machine.close()
    print(out + err, end="")
    # That kernel has all that is needed: to skip something is to fail.
    return 1 if status != 0 or "skipped" in out + err else 0


if __name__ == "__main__":
    sys.exit(main())
