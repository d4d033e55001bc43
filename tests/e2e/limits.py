#!/usr/bin/env python3
"""Limits on two hubs that share one Redis: what one lets through the other has not, also while Redis is away; and plans
from a file, read again while a hub runs."""

import json
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, run, until  # noqa: E402

PLANS = """
free:
  messages per minute: 5
small:
  title: Small
  messages per hour: 3
  agents: 2
"""


def answered(server, agent, person, text):
    """Whether it was let in; what it heard."""
    heard = server.ask(person + "/x", agent, text, "%s-%s" % (person.split("@")[0], text.replace(" ", "-")))
    return "resource-constraint" not in heard.raw, heard.raw


def used(lab, hub, agent):
    rows = json.loads(lab.aiox("limit", "usage", "--json", "--tenant", "installation", hub=hub))["data"]
    return next(row["used"] for row in rows if row["name"] == agent)


def let_in(server, agent, person, count):
    return sum(answered(server, agent, person, "%s %d" % (person, number))[0] for number in range(count))


def what_one_hub_lets_through_the_other_has_not(lab):
    agent = "shared@" + AGENTS
    until(lambda: answered(lab.servers[1], agent, "early@localhost", "there")[0], 20, "the second hub knows the agent")
    lab.aiox("limit", "set", "messages", "10", "--window", "hour", "--agent", "shared")
    for hub in (1, 2):
        until(lambda: used(lab, hub, "shared") == 0, 10, "hub %d knows the limit" % hub)
    assert let_in(lab.servers[0], agent, "ann@localhost", 7) == 7
    until(lambda: used(lab, 2, "shared") == 7, 20, "the second hub hears of it")
    assert let_in(lab.servers[1], agent, "bob@localhost", 6) == 3
    until(lambda: used(lab, 1, "shared") == 10, 20, "and the first of that")
    let, raw = answered(lab.servers[0], agent, "eve@localhost", "late")
    assert not let and "limit of 10 messages per hour is reached. Try again in" in raw, raw


def who_is_throttled_by_one_hub_is_so_by_the_other_within_seconds_and_free_elsewhere(lab):
    for slug in ("north", "south"):
        lab.aiox("tenant", "create", slug, "--owner", "%s@localhost" % slug)
        for name in ("shut", "open"):
            lab.aiox("agent", "create", name, "--visibility", "public", "--model", "builtin/echo", "--memory", "none",
                     "--tenant", slug)
    lab.aiox("agent", "pause", "shut", "--tenant", "north")
    for number in range(25):
        assert lab.servers[0].ask("pest@localhost/x", "shut.north@" + AGENTS, "let me in", "in-%d" % number).is_error

    def rows(words, hub):
        return [row for row in json.loads(lab.aiox("limit", words, "--json", "--tenant", "north", hub=hub))["data"]
                if row["name"] == "pest@localhost"]

    until(lambda: rows("list", 1), 20, "the limit")
    began = time.monotonic()
    until(lambda: rows("usage", 2)[0]["used"] is not None, 20, "the second hub knows it")
    took = time.monotonic() - began
    assert took < 3, "%.1f s" % took  # within two, and a call of the terminal
    assert let_in(lab.servers[1], "open.south@" + AGENTS, "pest@localhost", 12) == 12
    assert let_in(lab.servers[1], "open.north@" + AGENTS, "pest@localhost", 12) == 10


def while_redis_is_away_each_has_its_part(lab):
    agent = "parted@" + AGENTS
    until(lambda: answered(lab.servers[1], agent, "early@localhost", "there too")[0], 20, "an agent on both hubs")
    lab.aiox("limit", "set", "messages", "10", "--window", "hour", "--agent", "parted")
    for hub in (1, 2):
        until(lambda: used(lab, hub, "parted") == 0, 10, "hub %d knows the limit" % hub)
    lab.lab("kill", "redis", "KILL")
    for hub in (1, 2):
        until(lambda: "each lets through its part" in (lab.folder / ("log/hub_%d.log" % hub)).read_text(), 20,
              "hub %d notices" % hub)
    people = ("carl@localhost", "cleo@localhost")
    let = [let_in(server, agent, person, 7) for server, person in zip(lab.servers, people)]
    assert let == [5, 5], let


def plans_of_a_file_hold_and_one_with_a_mistake_changes_nothing(lab):
    file = pathlib.Path(lab.environment["AIOX_CONFIG"])
    plans = lab.folder / "plans.yaml"
    plans.write_text(PLANS)
    file.write_text(file.read_text() + "plans_file: %s\n" % plans)
    log = lab.folder / "log/hub_1.log"
    os.kill(lab.pid(), signal.SIGHUP)
    until(lambda: "small" in lab.aiox("plan", "list"), 20, "the plans of the file")
    lab.aiox("tenant", "create", "acme", "--owner", lab.account, "--plan", "small")
    for name in ("one", "two"):
        lab.aiox("agent", "create", name, "--visibility", "public", "--model", "builtin/echo", "--memory", "none",
                 "--tenant", "acme")
    status, _, errors = lab.aiox("agent", "create", "three", "--tenant", "acme", status=None)
    assert status != 0 and "limit of 2 agents is reached (the tenant's plan is small)" in errors, errors
    heard = [answered(lab.server, "one.acme@" + AGENTS, "zoe@localhost", "turn %d" % number) for number in range(4)]
    assert [let for let, _ in heard] == [True, True, True, False], heard
    assert "limit of 3 messages per hour is reached." in heard[3][1], heard[3]
    plans.write_text(PLANS.replace("agents: 2", "agent: 9"))
    os.kill(lab.pid(), signal.SIGHUP)
    wanted = "'agent' is nothing that a plan has; did you mean 'agents'?"
    until(lambda: wanted in log.read_text(), 20, "the mistake by its name")
    assert json.loads(lab.aiox("plan", "show", "small", "--json"))["limits"]["agents"] == 2


def main():
    lab, well = None, False
    try:
        lab = Lab("--set", "security_throttle_seconds=600", servers=2)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        for name in ("shared", "parted"):
            lab.aiox("agent", "create", name, "--owner", lab.account, "--visibility", "public", "--model",
                     "builtin/echo", "--memory", "none")
        for server in lab.servers:
            server.up()
        well = run([what_one_hub_lets_through_the_other_has_not,
                    who_is_throttled_by_one_hub_is_so_by_the_other_within_seconds_and_free_elsewhere,
                    plans_of_a_file_hold_and_one_with_a_mistake_changes_nothing,
                    while_redis_is_away_each_has_its_part], lab)
    finally:
        if lab:
            lab.down(not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
