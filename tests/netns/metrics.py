#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bubd serves its metrics over HTTP: what it answers, whom it bears with, and a real Prometheus.

  metrics.py BUBD
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from linux_common import Failure, main, run, wait_for
from world import HOME, Correspondence

PORT, PROMETHEUS_PORT = 9468, 9469
EXTRAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../extras/prometheus")
CONNECTIONS = 8


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Things(Correspondence):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.folder = tempfile.mkdtemp(prefix="bub-metrics-")
        self.children = []
        self.path = os.path.join(self.folder, "metrics.sock")
        self.start_agent(self.g, f'metrics = "unix:{self.path}"\n', interfaces=("e0", "e1"))
        self.peer = self.daemon(self.c, "")
        self.start_mobile(self.m, f'metrics = "[::1]:{PORT}"\n')
        self.register()

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, port=PORT):
        return self.m.inside(lambda: socket.create_connection(("::1", port), timeout=30))

    def http(self, port=PORT):
        c = http.client.HTTPConnection("::1", port, timeout=30)
        c.sock = self.connect(port)
        return c


def ask(connection, path="/metrics", method="GET"):
    connection.request(method, path)
    response = connection.getresponse()
    return response, response.read().decode()


def samples(text):
    return {(s.name, *sorted(s.labels.items())): s.value
            for family in text_string_to_metric_families(text) for s in family.samples}


def answers(t):
    served = ("bub_home_served", ("address", HOME))
    connection = t.http()
    response, text = ask(connection)
    if response.status != 200 or samples(text).get(served) != 1:
        raise Failure(f"{response.status}: {text}")
    if not response.getheader("Content-Type").startswith("application/openmetrics-text"):
        raise Failure(response.getheader("Content-Type"))
    for path, method, status in (("/", "GET", 404), ("/metrics", "POST", 405), ("/metrics", "HEAD", 200)):
        got = ask(t.http(), path, method)[0].status
        if got != status:
            raise Failure(f"{method} {path}: {got}")
    _, text = ask(Unix(t.path))
    if samples(text)[("bub_clients_registered",)] != 1:
        raise Failure(text)
    if os.stat(t.path).st_mode & 0o777 != 0o600:
        raise Failure(f"mode {os.stat(t.path).st_mode:o}")
    t.agent.stop()
    if os.path.exists(t.path):
        raise Failure("the socket stays")


def whoever_is_slow_or_many(t):
    """Connections that never ask hold up neither bubd nor, after their time, others."""
    idle = [t.connect() for _ in range(2 * CONNECTIONS)]
    idle[0].send(b"GET /metrics HTTP/1.1\r\nX: ")
    if not t.mobile.show()["homes"]:
        raise Failure("bubd does not answer")
    if ask(t.http())[0].status != 200:
        raise Failure("no answer after the others' time")
    for s in idle:
        s.close()


def query(t, expr):
    _, text = ask(t.http(PROMETHEUS_PORT), "/api/v1/query?query=" + urllib.parse.quote(expr))
    return json.loads(text)["data"]["result"]


def a_real_prometheus(t):
    if shutil.which("prometheus") is None:
        return
    config = os.path.join(t.folder, "prometheus.yml")
    with open(os.path.join(EXTRAS, "prometheus.yml")) as f:
        text = f.read().replace("15s", "1s")
    with open(config, "w") as f:
        f.write(text)
    shutil.copy(os.path.join(EXTRAS, "alerts.yml"), t.folder)
    with open(os.path.join(t.folder, "log"), "wb") as log:
        t.children.append(t.m.popen(
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={t.folder}/data",
            f"--web.listen-address=[::1]:{PROMETHEUS_PORT}", stdout=log, stderr=log))

    def served():
        try:
            found = query(t, "bub_home_served")
        except (OSError, ValueError):  # it is not ready yet
            return None
        return found or None

    found = wait_for("Prometheus to know the home address", served)
    if found[0]["metric"]["address"] != HOME or found[0]["value"][1] != "1":
        raise Failure(f"{found}")
    if query(t, 'bub_handover_gap_seconds_count{mode="bub"}')[0]["value"][1] != "0":
        raise Failure("no histogram")
    if query(t, "ALERTS"):
        raise Failure("an alert without a cause")


def promtool(t):
    if shutil.which("promtool") is None:
        return
    run("promtool", "check", "rules", os.path.join(EXTRAS, "alerts.yml"))
    run("promtool", "test", "rules", os.path.join(EXTRAS, "alerts_test.yml"))
    _, text = ask(t.http())
    text = text.replace("# EOF\n", "").replace("_total{", "{").replace("_total ", " ")
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("# UNIT"))
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                             capture_output=True)
    # It reads the older format, in which a counter's own name ends in _total.
    bad = [line for line in (checked.stdout + checked.stderr).splitlines()
           if "counter metrics should have" not in line]
    if bad:
        raise Failure("\n".join(bad))


CASES = [answers, whoever_is_slow_or_many, a_real_prometheus, promtool]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
