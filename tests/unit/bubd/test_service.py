#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The systemd unit by systemd's own measure.

usage: test_service.py UNIT; 77 without systemd-analyze
"""

import re
import shutil
import subprocess
import sys

EXPOSURE_MAX = 3.0


def check_restarts(path):
    """What may pass is tried again, not too often and without an end; a mistake in the configuration is not.
    Of a command before the daemon systemd would start over whatever it exits with."""
    with open(path, encoding="utf-8") as f:
        unit = dict(re.findall(r"^(\w+)=(.*)$", f.read(), re.M))
    assert unit["Restart"] == "on-failure" and unit["RestartPreventExitStatus"] == "2", unit
    assert int(unit["RestartSec"]) >= 1 and unit["StartLimitIntervalSec"] == "0", unit
    assert "ExecStartPre" not in unit, unit


def main():
    check_restarts(sys.argv[1])
    if shutil.which("systemd-analyze") is None:
        print("SKIP: no systemd-analyze")
        return 77
    # --offline came with systemd 250.
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                           sys.argv[1]], text=True, capture_output=True)
    found = re.search(r"exposure level for bubd\.service: (\d+\.\d)", done.stdout)
    if found is None and re.search("unrecognized option", done.stderr):
        print("SKIP: systemd-analyze cannot do this")
        return 77
    print(done.stdout, done.stderr)
    assert found is not None
    assert float(found.group(1)) <= EXPOSURE_MAX, found.group(1)
    # A directive that is spelled wrong is no protection.
    assert not re.search("Unknown key|Failed to parse", done.stderr), done.stderr
    return 0


sys.exit(main())
