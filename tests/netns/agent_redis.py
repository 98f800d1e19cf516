#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home agent whose registrations are in a Redis that others share (docs/storage.md): real daemons,
a real redis-server, real packets.

        mobile node m          router r           home agent g
          e0 ------------------- e0   e1 ------------- e0
          2001:db8:b::/64              2001:db8:d::/64

Times that it measures are in its output.
"""

import os
import shutil
import sys
import time

import keys
from keys import expect, says
from linux_common import main, wait_for
from redis_server import Redis
from world import AGENT, HOME


class Things(keys.Things):
    def __init__(self, bubd):
        super().__init__(bubd)
        self.redis = Redis()
        self.more = ""

    def close(self):
        super().close()
        self.redis.close()

    def agent_text(self, clients=keys.AGENT_PSK, keys=""):
        store = (f'store = redis\n{self.more}redis {{ servers = {{"unix:{self.redis.sock}"}} '
                 "timeout = 500 }\n")
        return super().agent_text(store + clients, keys)

    def plain_text(self, inside):
        """Without Redis."""
        return super().agent_text(inside + keys.AGENT_PSK)

    def store(self):
        return self.agent.show().get("store") or {}

    def another_machine(self):
        """What the home agent has on its disk is gone, too.  Returns when the new one was begun."""
        self.kill_agent()
        shutil.rmtree(os.path.join(self.agent.dir, "state"), ignore_errors=True)
        return self.revive_agent()

    def not_stored(self):
        return self.agent.show()["counters"]["drops"].get("home-bu-not-stored", 0)


def killed_and_elsewhere(t):
    """Killed, and another one with the same configuration takes its place: the registration is there,
    and data flows."""
    t.redis.start()
    t.start(mobile=t.mobile_text(inside="keep-alive = 0\n"))
    store = t.store()
    expect(store["name"] == "redis" and store["answers"] and store["active"] and store["term"] == 1,
           store)
    stream = t.stream()
    up = keys.Stream(t.m, t.g, HOME, AGENT)
    t.streams.append(up)
    before, agreed = t.client(), t.agreed()
    for turn in range(3):
        begin = t.another_machine()
        down = wait_for("datagrams after the restart", lambda b=begin: stream.flows(b))
        back = wait_for("datagrams of the mobile node", lambda b=begin: up.flows(b))
        says(f"first datagrams after the start of the process: {down - begin:.3f} s to the mobile "
             f"node, {back - begin:.3f} s from it")
        after = t.client()
        expect(after["registered"] and after["care_of"] == before["care_of"] and
               after["sequence"] == before["sequence"], (before, after))
        expect(t.agreed() == agreed, "keys were agreed on anew")
        expect(t.store()["term"] == 2 + turn, t.store())
    t.mobile.stop()
    t.agent.stop()


def killed_beyond_a_nat(t):
    """The NAT lets in what comes from one address and port: data goes there, before the mobile node
    has sent anything, and under the keys of before."""
    t.redis.start()
    keys.begin_beyond_a_nat(t)
    stream = t.stream()
    wait_for("the way in Redis",
             lambda: keys.way(t, "!") in t.redis.octets("HVALS", "bub:{home}:records"))
    before, agreed = t.client(), t.agreed()
    for _turn in range(2):
        begin = t.another_machine()
        down = wait_for("datagrams after the restart", lambda b=begin: stream.flows(b))
        ready = wait_for("bubd", lambda: t.agent.show() and time.monotonic())
        says(f"beyond a NAT: first datagram to the mobile node {down - begin:.3f} s after the start of the process")
        # Without the stored way it would come with the mobile node's next packet for the NAT.
        expect(down - ready < 2.0, (down, ready))
        after = t.client()
        expect(after["registered"] and after["carrier"] == before["carrier"], (before, after))
    up = keys.Stream(t.m, t.g, HOME, AGENT)
    t.streams.append(up)
    begin = time.monotonic()
    wait_for("datagrams of the mobile node", lambda: up.flows(begin))
    expect(t.agreed() == agreed, "keys were agreed on anew")


def killed_on_one_machine(t):
    """The same without Redis, where keys are stored as well."""
    t.start(t.plain_text("agreed-keys = stored\n"), t.mobile_text(inside="keep-alive = 0\n"))
    stream = t.stream()
    agreed = t.agreed()
    t.kill_agent()
    begin = t.revive_agent()
    down = wait_for("datagrams after the restart", lambda: stream.flows(begin))
    says(f"first datagram after the start of the process: {down - begin:.3f} s")
    expect(t.agreed() == agreed, "keys were agreed on anew")
    expect(t.store()["name"] == "lmdb", t.store())


def redis_is_gone(t):
    """What runs goes on; what is new is refused (130), said once and counted, until Redis is back."""
    t.redis.start()
    t.start(mobile=t.mobile_text(inside="keep-alive = 0\n"))
    stream = t.stream()
    t.redis.kill()
    wait_for("the loss to be told", lambda: not t.store()["answers"])
    expect(t.store()["why"], t.store())

    def refused():
        t.mobile.ask("refresh")
        return t.not_stored() > 2

    wait_for("refusals", refused)
    begin = time.monotonic()
    wait_for("datagrams while Redis is gone", lambda: stream.flows(begin))
    expect(t.agent.tail().count("are refused (130)") == 1, t.agent.tail())
    t.redis.start()

    def accepted():
        t.mobile.ask("refresh")
        return t.home()["state"] == "registered" and t.store()["answers"] and \
            t.store()["waiting"] == 0

    wait_for("a registration", accepted)
    t.wait_for_words(t.agent, "answers again", "can be stored again")
    expect(t.store()["reconnects"] == 1, t.store())


def accepted_while_it_is_gone(t):
    """By the other policy: acknowledged, and in Redis once that is back."""
    t.more = "when-store-fails = accept\n"
    t.redis.start()
    t.start(mobile=t.mobile_text(inside="keep-alive = 0\n"))
    t.redis.kill()
    wait_for("the loss to be told", lambda: not t.store()["answers"])
    before = t.client()["sequence"]
    t.mobile.ask("refresh")
    wait_for("a registration", lambda: t.client()["sequence"] != before)
    wait_for("its acknowledgement", lambda: t.home()["state"] == "registered")
    expect(t.not_stored() == 0, t.agent.show()["counters"]["drops"])
    after = t.client()["sequence"]
    t.redis.start()
    wait_for("Redis to have it", lambda: t.store()["answers"] and t.store()["waiting"] == 0)
    t.another_machine()
    wait_for("bubd", lambda: "clients" in t.agent.show())
    wait_for("the registration", lambda: t.client()["registered"])
    expect(t.client()["sequence"] == after, t.client())


def waits_for_redis(t):
    """Redis is not there yet: the home agent waits for it, and can be ended meanwhile."""
    t.begin()
    wait_for("bubd", lambda: "clients" in t.agent.show())
    t.wait_for_words(t.agent, "Redis at unix:")
    expect(not t.store()["active"], t.store())
    t.agent.stop()
    t.revive_agent()
    wait_for("bubd", lambda: "clients" in t.agent.show())
    t.redis.start()
    t.register()
    expect(t.store()["active"], t.store())


def fenced(t):
    """Another home agent of the group takes over: this one acknowledges nothing more, and ends."""
    t.redis.start()
    t.start()
    other = t.daemon(t.r, t.agent_text(), interfaces=("e0", "e1"))
    wait_for("the other one", lambda: (other.show().get("store") or {}).get("active"))
    status = t.agent.proc.wait(30)
    expect(status == 0 and "has taken over" in t.agent.tail(), (status, t.agent.tail()))
    expect(other.show()["clients"][0]["registered"], other.show()["clients"])
    expect(other.show()["store"]["term"] == 2, other.show()["store"])


def refuses_what_is_newer(t):
    """What is there was written by a newer bubd: this one does not start, and says so."""
    t.redis.start()
    t.redis.ask("SET", "bub:{home}:version", "bub-store 9")
    t.agent = t.daemon(t.g, t.agent_text())
    status = t.agent.proc.wait(30)
    expect(status == 1 and "newer bubd" in t.agent.tail(), (status, t.agent.tail()))


CASES = [killed_and_elsewhere, killed_beyond_a_nat, killed_on_one_machine, redis_is_gone, accepted_while_it_is_gone,
         waits_for_redis, fenced, refuses_what_is_newer]

if __name__ == "__main__":
    sys.exit(main(CASES, Things))
