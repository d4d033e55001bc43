#!/usr/bin/env python3
"""Two hubs over one database: one stands still beyond its lease and wakes up; and two processes of one name."""

import collections
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, Model, run, until  # noqa: E402

PEOPLE = 60


def ids_by_person(servers):
    """The ids under which each person was answered, on all servers."""
    ids = collections.defaultdict(set)
    for server in servers:
        for answer in list(server.answers):
            ids[answer.get("to").split("/")[0]].add(answer.get("id"))
    return ids


def receipted(servers):
    return {name for server in servers for name in list(server.by_receipt)}


def a_hub_that_was_frozen_and_wakes_answers_nothing_twice_and_loses_nothing():
    model, lab, well = Model(), None, False
    try:
        model.control("PUT", "script", {"rules": [{"reply": {"text": "done", "first_after": 1}}]})
        lab = Lab("--set", "openai_url=" + model.url, "--set", "lease_seconds=3", "--set", "workers=10", servers=2)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "slow", "--owner", lab.account, "--visibility", "public", "--model", "openai/slow",
                 "--memory", "none")
        agent = "slow@" + AGENTS
        for server in lab.servers:
            server.up()
        # The other has heard of the agent, too.
        until(lambda: lab.servers[1].ask("first@localhost/x", agent, "first", "first-%d" % time.monotonic_ns()).body
              == "done", 20, "an answer of the second hub")
        for number in range(PEOPLE):
            assert lab.servers[number % 2].speak("p%d@localhost/x" % number, agent, "text %d" % number, "m%d" % number)
        until(lambda: len(receipted(lab.servers)) > PEOPLE, 30, "every receipt")
        time.sleep(0.5)
        before = len(ids_by_person(lab.servers))
        assert before < PEOPLE, "everything was answered before the hub froze"
        lab.lab("kill", "hub_1", "STOP")
        # What is said to it meanwhile has no receipt, so nothing is promised.
        lab.servers[0].speak("sleeper@localhost/x", agent, "text sleeper", "sleeper")
        until(lambda: len(ids_by_person(lab.servers)) > PEOPLE, 40, "what the frozen one owed, by the other")
        lab.lab("start", "hub_1")
        lab.servers[0].wait_for_stream(2, 40)
        answer = lab.servers[0].ask("after@localhost/x", agent, "text after", "after", seconds=30)
        assert answer.body == "done", answer.raw
        time.sleep(2)
        ids = ids_by_person(lab.servers)
        twice = {person: found for person, found in ids.items() if len(found) != 1 and person != "first@localhost"}
        assert not twice, "answered under two ids: %s" % twice
        missing = [name for name in receipted(lab.servers) if name[0] == "m" and "p%s@localhost" % name[1:] not in ids]
        assert not missing, "receipted and not answered: %s" % missing
        if "sleeper" in receipted(lab.servers):
            until(lambda: "sleeper@localhost" in ids_by_person(lab.servers), 20, "what was receipted on waking up")
        calls = collections.Counter(request["messages"][-1]["content"] for request in model.requests())
        often = {text: count for text, count in calls.items() if count > 2}
        assert not often, "asked of the model more than once too often: %s" % often
        assert lab.sql("SELECT count(*) FROM accepted") == lab.sql("SELECT count(*) FROM concluded")
        well = True
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)


def start_hub(lab, name):
    log = open(lab.folder / "log" / name, "wb")
    environment = {word: value for word, value in lab.environment.items() if not word.startswith("AIOX_")}
    return subprocess.Popen([lab.program, "hub", "--config", lab.environment["AIOX_CONFIG"]], env=environment,
                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def said_and_answered(server, text):
    """Answers to what was said before may come again, under their ids."""
    assert server.speak("ann@localhost/x", "echo@" + AGENTS, text, "id-" + text.replace(" ", "-"))
    server.wait(lambda found: found.body == text and not found.is_error, 30, "an answer to " + text)


def of_two_processes_of_one_name_the_older_exits_and_the_newer_serves():
    lab, well, hubs = None, False, []
    try:
        lab = Lab("--set", "lease_seconds=3")
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "echo", "--owner", lab.account, "--visibility", "public", "--model", "builtin/echo",
                 "--memory", "none")
        server = lab.server
        server.up()
        lab.lab("kill", "hub", "TERM")
        until(lambda: not os.path.exists("/proc/%d/status" % lab.pid()), 30, "the end of the first hub")
        for name in ("older.log", "newer.log"):
            streams = server.streams
            hubs.append(start_hub(lab, name))
            server.wait_for_stream(streams + 1)
            said_and_answered(server, "hello " + name)
        status = hubs[0].wait(20)
        said = (lab.folder / "log/older.log").read_text()
        assert status not in (0, None) and status > 0, "the older ended with %s: %s" % (status, said)
        assert "same name" in said or "another process" in said.lower(), said
        assert hubs[1].poll() is None
        for number in range(20):
            said_and_answered(server, "still %d" % number)
        until(lambda: lab.aiox("agent", "list", status=None)[0] == 0, 10, "an answer on the newer's REST door")
        well = True
    finally:
        for hub in hubs:
            if hub.poll() is None:
                hub.terminate()
                hub.wait(40)
        if lab:
            lab.down(failed=not well)


if __name__ == "__main__":
    sys.exit(0 if run([
        a_hub_that_was_frozen_and_wakes_answers_nothing_twice_and_loses_nothing,
        of_two_processes_of_one_name_the_older_exits_and_the_newer_serves,
    ]) else 1)
