#!/usr/bin/env python3
"""Limits on two hubs that share one Redis: what one lets through the other has not, also while Redis is away; turns and
messages that wait on one count on the other, by the count of the one model server that both call; and plans of a file,
which is read again while a hub runs."""

import json
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, Model, run, until  # noqa: E402

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


def used(lab, hub, agent, what="messages"):
    rows = json.loads(lab.aiox("limit", "usage", "--json", "--tenant", "installation", hub=hub))["data"]
    return next((row["used"] for row in rows if row["name"] == agent and row["what"] == what), None)


def let_in(server, agent, person, count):
    return sum(answered(server, agent, person, "%s %d" % (person, number))[0] for number in range(count))


def what_one_hub_lets_through_the_other_has_not(lab, _):
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


def who_is_throttled_by_one_hub_is_so_by_the_other_within_seconds_and_free_elsewhere(lab, _):
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


def limited(lab, name, **limits):
    """An agent that asks the model server, which both hubs know with its limits."""
    lab.aiox("agent", "create", name, "--owner", lab.account, "--visibility", "public", "--model", "openai/" + name,
             "--memory", "none")
    for what, amount in limits.items():
        lab.aiox("limit", "set", what, str(amount), "--agent", name)
    for hub in (1, 2):
        until(lambda: all(used(lab, hub, name, what) == 0 for what in limits), 10, "hub %d knows the limits" % hub)
    until(lambda: "not-found" not in answered(lab.servers[1], name + "@" + AGENTS, "first@localhost", "there")[1], 20,
          "the second hub knows the agent")


def speak(server, name, people):
    for person in people:
        assert server.speak("%s@localhost/x" % person, name + "@" + AGENTS, person, "%s-%s" % (name, person))


def said(server, name, people):
    """Who of them has an answer."""
    heard = {stanza.get("to").split("@")[0] for stanza in list(server.answers)
             if stanza.get("from").split("/")[0] == name + "@" + AGENTS}
    return heard & set(people)


def replies(model, **seconds):
    """How long the model takes for messages that hold a word; for others no time. Forgets what was counted."""
    model.reset()
    rules = [{"when": {"contains": word}, "reply": {"text": "done", "first_after": after}}
             for word, after in seconds.items()]
    model.control("PUT", "script", {"rules": rules})


def open_calls(model):
    return model.control("GET", "counts")["open"]


def two_hubs_run_no_more_turns_than_one_may_and_both_go_on(lab, model):
    limited(lab, "queue", turns=2)
    replies(model, crowd=0.4)
    first, second = (["crowd%d%s" % (number, side) for number in range(count)] for side, count in (("a", 12), ("b", 4)))
    speak(lab.servers[0], "queue", first)
    until(lambda: used(lab, 2, "queue", "turns") == 2, 10, "the second hub hears of the turns of the first")
    speak(lab.servers[1], "queue", second)
    until(lambda: said(lab.servers[1], "queue", second), 10, "a turn of the second hub")
    assert len(said(lab.servers[0], "queue", first)) < 12, "the second hub had to wait for all of the first"
    for server, people in zip(lab.servers, (first, second)):
        until(lambda: len(said(server, "queue", people)) == len(people), 30, "all answers")
    most = model.control("GET", "counts")["most_open"]
    assert most == 2, "%d turns ran at once" % most


def what_waits_for_turns_of_another_hub_goes_on_when_they_end(lab, model):
    limited(lab, "handed", turns=2)
    replies(model, long=3)
    speak(lab.servers[0], "handed", ["long1", "long2"])
    until(lambda: used(lab, 2, "handed", "turns") == 2, 10, "the second hub hears of them")
    speak(lab.servers[1], "handed", ["short1", "short2"])
    until(lambda: len(said(lab.servers[0], "handed", ["long1", "long2"])) == 2, 20, "the end of the long ones")
    ended = time.monotonic()
    assert not said(lab.servers[1], "handed", ["short1", "short2"]), "a turn too many ran"
    until(lambda: len(said(lab.servers[1], "handed", ["short1", "short2"])) == 2, 20, "those that waited")
    took = time.monotonic() - ended
    print("# handed over within %.2f s" % took)
    assert took < 2, "the other hub's lanes went on after %.1f s" % took


def messages_that_wait_on_one_hub_count_on_the_other(lab, model):
    limited(lab, "patient", turns=1, waiting=2)
    replies(model, long=3)
    speak(lab.servers[0], "patient", ["long1"])
    until(lambda: open_calls(model) == 1, 10, "a turn")
    speak(lab.servers[0], "patient", ["short1", "short2"])
    until(lambda: used(lab, 2, "patient", "waiting") == 2, 10, "the second hub hears of those that wait")
    let, raw = answered(lab.servers[1], "patient@" + AGENTS, "late@localhost", "now")
    assert not let and "limit of 2 messages that wait is reached." in raw, raw
    until(lambda: len(said(lab.servers[0], "patient", ["long1", "short1", "short2"])) == 3, 20, "all answers")
    until(lambda: used(lab, 2, "patient", "waiting") == 0, 10, "the second hub hears that none waits")
    assert answered(lab.servers[1], "patient@" + AGENTS, "late@localhost", "again")[0]


def hub_that_is_killed_holds_nothing_any_more(lab, model):
    limited(lab, "orphan", turns=2)
    replies(model, long=30)
    speak(lab.servers[0], "orphan", ["long1", "long2"])
    until(lambda: used(lab, 2, "orphan", "turns") == 2, 10, "the second hub hears of them")
    speak(lab.servers[1], "orphan", ["short"])
    until(lambda: open_calls(model) == 2, 10, "calls on their way")
    replies(model)  # who takes them over has an answer at once
    assert not said(lab.servers[1], "orphan", ["short"]), "a turn too many ran"
    os.kill(lab.pid("hub_1"), signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: said(lab.servers[1], "orphan", ["short"]), 20, "what waited for a hub that is dead")
    print("# went on %.1f s after the kill" % (time.monotonic() - killed))
    until(lambda: len(said(lab.servers[1], "orphan", ["long1", "long2"])) == 2, 20, "what the dead hub left")
    lab.lab("start", "hub_1")
    lab.server.wait_for_stream(2)


def while_redis_is_away_each_has_its_part(lab, _):
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


def plans_of_a_file_hold_and_one_with_a_mistake_changes_nothing(lab, _):
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
    lab, model, well = None, None, False
    try:
        model = Model()
        lab = Lab("--set", "openai_url=" + model.url, "--set", "lease_seconds=3", "--set",
                  "security_throttle_seconds=600", servers=2)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        for name in ("shared", "parted"):
            lab.aiox("agent", "create", name, "--owner", lab.account, "--visibility", "public", "--model",
                     "builtin/echo", "--memory", "none")
        for server in lab.servers:
            server.up()
        well = run([what_one_hub_lets_through_the_other_has_not,
                    who_is_throttled_by_one_hub_is_so_by_the_other_within_seconds_and_free_elsewhere,
                    two_hubs_run_no_more_turns_than_one_may_and_both_go_on,
                    what_waits_for_turns_of_another_hub_goes_on_when_they_end,
                    messages_that_wait_on_one_hub_count_on_the_other, hub_that_is_killed_holds_nothing_any_more,
                    plans_of_a_file_hold_and_one_with_a_mistake_changes_nothing,
                    while_redis_is_away_each_has_its_part], lab, model)
    finally:
        if model:
            model.stop()
        if lab:
            lab.down(not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
