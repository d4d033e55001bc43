#!/usr/bin/env python3
"""Budgets on two hubs over one database and one cache, against the books of the one model server that both call: a
thousand messages and a budget for a hundred; a hub that is killed with calls on their way; a cache that forgets
everything, comes back as it was, or stays away; and what people see of it."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, Model, is_gone, run, until  # noqa: E402

TOKENS = 8  # that a call is billed, whatever it might have been
PRICE = 100  # of a million of them
UNIT = TOKENS * PRICE * 1000  # what that costs, in nano


class Stage:
    """One lab for all: each test has an agent of its own, and so a budget of its own."""
    lab = model = None

    @classmethod
    def up(cls):
        cls.model = Model()
        cls.lab = lab = Lab("--set", "openai_url=" + cls.model.url, "--set", "lease_seconds=3", "--set", "workers=48",
                            servers=2)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        for server in lab.servers:
            server.up()

    @classmethod
    def down(cls, failed):
        if cls.model:
            cls.model.stop()
        if cls.lab:
            cls.lab.down(failed)


def agent(name, bound=1, budget=None, price=PRICE):
    """Makes one, whose calls are billed a unit and might be billed `bound` of them; it may spend `budget` a day."""
    Stage.lab.aiox("agent", "create", name, "--owner", Stage.lab.account, "--visibility", "public", "--model",
                   "openai/" + name, "--memory", "none", "--max-tokens", str(TOKENS * bound), "--completion-price",
                   str(price))
    if budget:
        limit(name, budget)
    return name + "@" + AGENTS


def limit(name, budget):
    Stage.lab.aiox("limit", "set", "money-nano", str(budget * UNIT), "--window", "day", "--agent", name)


def script(first=(), **reply):
    usage = {"prompt_tokens": 1, "completion_tokens": TOKENS, "total_tokens": TOKENS + 1}
    Stage.model.control("PUT", "script", {"rules": [
        *({**rule, "reply": {"text": "done", "usage": usage, **rule["reply"]}} for rule in first),
        {"reply": {"text": "done", "usage": usage, **reply}}]})


def calls(name):
    """Of the provider: its own count, and what the output limits of its calls add up to, in units."""
    limits = [request.get("max_tokens") or request["max_completion_tokens"] for request in Stage.model.requests()
              if request["model"] == name]
    return len(limits), limits


def heard(bare):
    """What became of each person's message: an answer's text, or that of an error."""
    found = {}
    for server in Stage.lab.servers:
        for stanza in list(server.answers) + list(server.errors.values()):
            if stanza.get("from").split("/")[0] == bare:
                found[stanza.get("to").split("/")[0]] = stanza
    return found


def speak(bare, number, prefix):
    server = Stage.lab.servers[number % 2]
    until(lambda: server.speak("%s%d@localhost/x" % (prefix, number), bare, "text %d" % number,
                               "%s%d" % (prefix, number)), 20, "a stream")


def wait_for_all(bare, count, seconds):
    until(lambda: len(heard(bare)) >= count, seconds, "a word to each of %d" % count)
    return [stanza.body if not stanza.is_error else "error" for stanza in heard(bare).values()]


def known(bare):
    """Both hubs have heard of the agent: who writes too early hears that there is none."""
    for number in range(2):
        until(lambda: shown(bare, number, "w%d@localhost" % number), 10, "presence of " + bare)


def shown(bare, number, person):
    """The presence that the agent shows to somebody subscribed, the last stanza that came; None when it shows none."""
    server = Stage.lab.servers[number]
    server.send("<presence from='%s/x' to='%s' type='probe'/>" % (person, bare))
    time.sleep(0.05)
    seen = [stanza for stanza in list(server.stanzas) if stanza.name == "presence" and not stanza.get("type")
            and stanza.get("from").split("/")[0] == bare and stanza.get("to").split("/")[0] == person]
    return seen[-1] if seen else None


def spent(name):
    """What the ledger says."""
    return int(Stage.lab.sql("SELECT coalesce(sum(c.cost_nano), 0) FROM concluded c JOIN agents a ON a.id = c.agent_id "
                             "WHERE a.name = '%s'" % name))


def used_of(name, hub=1):
    """What `limit usage` says of the agent's budget: spent, reserved, left, and all of it as people read it."""
    rows = json.loads(Stage.lab.aiox("limit", "usage", "--json", "--tenant", "installation", hub=hub))["data"]
    row = next(row for row in rows if row["name"] == name and row["what"] == "money-nano")
    return row["used"], row["reserved"], row["remaining"], row["in_use"]


def thousand_against_a_hundred(name, bound):
    script(first_after=0.02)
    bare = agent(name, bound, 100)
    known(bare)
    begun = time.monotonic()
    for number in range(1000):
        speak(bare, number, name)
    said = wait_for_all(bare, 1000, 60)
    count, limits = calls(name)
    print("# bound %d: %d calls in %.1f s, refused %d" % (bound, count, time.monotonic() - begun,
                                                          len(said) - said.count("done")))
    assert said.count("done") == 100, "%d were answered" % said.count("done")
    assert count == 100, "the provider was called %d times" % count
    assert spent(name) == 100 * UNIT, "%d nano of %d are spent" % (spent(name), 100 * UNIT)
    return limits


def a_thousand_messages_and_a_budget_for_a_hundred_are_a_hundred_calls():
    limits = thousand_against_a_hundred("exact", 1)
    assert set(limits) == {TOKENS}, set(limits)


def a_bound_five_times_the_cost_leaves_nothing_unspent_and_nothing_overspent():
    limits = thousand_against_a_hundred("loose", 5)
    assert max(limits) == 5 * TOKENS and min(limits) < 5 * TOKENS, "no limit was lowered at the end: %s" % set(limits)


def waiting(hub=1):
    found = re.search(r'"waiting_for_budget": *(\d+)', Stage.lab.aiox("hub", "status", "--json", hub=hub))
    return int(found.group(1)) if found else None


def who_waits_for_a_budget_costs_another_tenant_nothing():
    """One call holds all of a budget, and sixty messages wait for what it leaves, on a hub of forty-eight workers."""
    lab, server = Stage.lab, Stage.lab.servers[0]
    script(first=[{"when": {"model": "hoarder"}, "reply": {"first_after": 5}}])
    bare = agent("hoarder", 1, 1)
    lab.aiox("tenant", "create", "other", "--owner", lab.account)
    lab.aiox("agent", "create", "shop", "--owner", lab.account, "--visibility", "public", "--model", "openai/shop",
             "--memory", "none", "--max-tokens", "8", "--completion-price", "1", "--tenant", "other")
    other = "shop.other@" + AGENTS
    known(bare)
    known(other)
    speak(bare, 0, "hoards")
    until(lambda: calls("hoarder")[0] == 1, 10, "the call that holds the budget")
    for number in range(2, 122, 2):
        speak(bare, number, "hoards")
    begun = time.monotonic()
    for number in range(5):
        answer = server.ask("bob%d@localhost/x" % number, other, "are you there", "waits-%d" % number, seconds=3)
        assert answer.body == "done", answer.raw
    print("# five answers of another tenant in %.2f s while sixty turns wait" % (time.monotonic() - begun))
    until(lambda: waiting() == 60, 3, "sixty turns that wait")
    # Who stops hears of it at once; a pause ends what waits, and leaves what runs.
    assert server.ask("hoards2@localhost/x", bare, "/stop", "waits-stop", seconds=3).body == "Stopped."
    until(lambda: waiting() == 59, 3, "one less that waits")
    lab.aiox("agent", "pause", "hoarder", "--reason", "a rest")
    until(lambda: waiting() == 0, 3, "nobody who waits")
    lab.aiox("agent", "resume", "hoarder")
    said = wait_for_all(bare, 61, 30)
    assert said.count("done") == 1, said
    assert calls("hoarder")[0] == 1


def people_see_that_an_agent_is_over_budget_until_its_limit_is_raised():
    script()
    bare = agent("seen", 1, 1)
    known(bare)
    server, ann = Stage.lab.servers[0], "ann@localhost"
    server.send("<presence from='%s' to='%s' type='subscribe'/>" % (ann, bare))
    server.wait(lambda stanza: stanza.get("type") == "subscribed" and stanza.get("from") == bare, 10, "a subscription")

    def told(find, what):
        return server.wait(lambda stanza: stanza.name == "presence" and stanza.get("to").split("/")[0] == ann
                           and stanza.get("from").split("/")[0] == bare and find(stanza), 10, what)

    told(lambda stanza: "show" not in stanza.texts and not stanza.get("type"), "presence")
    assert server.ask(ann + "/x", bare, "first", "seen-1").body == "done"
    for hub in (1, 2):
        until(lambda: used_of("seen", hub) == (UNIT, 0, 0, "0.0008 EUR"), 10, "what is spent, on hub %d" % hub)
    refused = server.ask(ann + "/x", bare, "second", "seen-2")
    assert "budget" in refused.raw and "0.0008 EUR" in refused.raw and "opens again" in refused.raw, refused.raw
    dnd = told(lambda stanza: stanza.texts.get("show") == "dnd", "that it is over budget")
    assert re.match(r"Over its limit until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", dnd.texts["status"]), dnd.raw
    # From now on nobody waits for a turn to be told so; and who asks for help gets it.
    third = server.ask(ann + "/x", bare, "third", "seen-3")
    assert third.is_error and "resource-constraint" in third.raw and "opens again" in third.raw, third.raw
    assert "/new" in server.ask(ann + "/x", bare, "/help", "seen-4").body
    before = len(server.stanzas)
    limit("seen", 2)
    told(lambda stanza: "show" not in stanza.texts and not stanza.get("type")
         and server.stanzas.index(stanza) >= before, "that it is there again")
    assert server.ask(ann + "/x", bare, "fourth", "seen-5").body == "done"


def a_hub_that_is_killed_with_calls_on_their_way_leaves_the_provider_within_the_budget():
    lab = Stage.lab
    script(first_after=1.5)
    bare = agent("killed", 1, 30)
    known(bare)
    for number in range(0, 80, 2):
        speak(bare, number, "killed")  # to the first hub, which makes the calls
    until(lambda: calls("killed")[0] >= 25, 20, "calls on their way")
    for number in range(1, 80, 2):
        speak(bare, number, "killed")
    pid = lab.pid("hub_1")
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_gone(pid), 10, "the end of the hub")
    before = calls("killed")[0]
    lab.lab("start", "hub_1")
    lab.servers[0].wait_for_stream(2)
    until(lambda: lab.sql("SELECT count(*) FROM accepted a "
                          "WHERE NOT EXISTS (SELECT FROM concluded c WHERE c.id = a.id)")
          == "0", 60, "the end of all that was accepted")
    count, _ = calls("killed")
    print("# killed after %d calls; %d calls in all, %d units booked" % (before, count, spent("killed") // UNIT))
    assert count <= 30, "the provider was called %d times" % count
    assert count * UNIT <= spent("killed") <= 30 * UNIT, spent("killed")
    presumed = lab.sql("SELECT count(*) FROM steps WHERE kind = 4")
    assert int(presumed) > 0, "nothing was presumed"


def budgets_are(state, hub):
    return '"budgets": "%s"' % state in Stage.lab.aiox("hub", "status", "--json", hub=hub).replace('":"', '": "')


def both_are(state):
    """A hub that has not noticed yet refuses what comes just then."""
    for hub in (1, 2):
        until(lambda: budgets_are(state, hub), 30, "budgets that are " + state)


def a_cache_that_forgets_is_summed_up_again_without_a_hand():
    lab = Stage.lab
    script(first_after=0.05)
    bare = agent("forgot", 1, 40)
    known(bare)
    for number in range(20):
        speak(bare, number, "forgot")
    assert wait_for_all(bare, 20, 30).count("done") == 20
    for number in range(20, 100):
        speak(bare, number, "forgot")
        if number in (30, 50):
            lab.redis("flushall")
    wait_for_all(bare, 100, 60)
    both_are("open")
    assert calls("forgot")[0] <= 40 and spent("forgot") <= 40 * UNIT, (calls("forgot"), spent("forgot"))
    # What is left can be spent, on each hub, and not more.
    for number in range(100, 180):
        speak(bare, number, "forgot")
    wait_for_all(bare, 180, 60)
    print("# %d calls, %d units booked" % (calls("forgot")[0], spent("forgot") // UNIT))
    assert calls("forgot")[0] <= 40 and spent("forgot") == 40 * UNIT, (calls("forgot")[0], spent("forgot"))


def answered(bare, first, last, prefix):
    for number in range(first, last):
        speak(bare, number, prefix)
    said = wait_for_all(bare, last, 30)
    return said.count("done")


def a_cache_that_comes_back_as_it_was_before_is_not_believed():
    lab = Stage.lab
    script()
    bare = agent("copied", 1, 10)
    known(bare)
    assert answered(bare, 0, 3, "copied") == 3
    lab.stop("redis")
    both_are("away")
    subprocess.run(["cp", "-a", lab.folder / "redis", lab.folder / "redis.copy"], check=True)
    lab.lab("start", "redis")
    both_are("open")
    assert answered(bare, 3, 7, "copied") == 7
    lab.lab("kill", "redis", "KILL")
    both_are("away")
    shutil.rmtree(lab.folder / "redis")
    shutil.move(lab.folder / "redis.copy", lab.folder / "redis")
    lab.lab("start", "redis")
    both_are("open")
    assert answered(bare, 7, 20, "copied") == 10, "what was spent since is forgotten, or what was left"
    assert calls("copied")[0] == 10


def while_the_cache_is_away_what_is_free_is_answered_and_what_costs_is_refused():
    lab = Stage.lab
    script()
    paid, free = agent("paid", 1, 10), agent("free", 1, None, 0)
    known(paid)
    known(free)
    server = lab.servers[0]
    assert server.ask("ann@localhost/x", paid, "before", "away-1").body == "done"
    lab.lab("kill", "redis", "KILL")
    both_are("away")
    refused = server.ask("ann@localhost/x", paid, "meanwhile", "away-2")
    assert refused.is_error and "cannot be checked" in refused.raw, refused.raw
    assert used_of("paid") == (None, None, None, "unknown")
    assert server.ask("ann@localhost/x", free, "meanwhile", "away-3").body == "done"
    assert server.ask("ann@localhost/x", paid, "/help", "away-4").body
    lab.lab("start", "redis")
    both_are("open")
    assert server.ask("ann@localhost/x", paid, "after", "away-5").body == "done"
    assert spent("paid") == 2 * UNIT


TESTS = [
    a_thousand_messages_and_a_budget_for_a_hundred_are_a_hundred_calls,
    a_bound_five_times_the_cost_leaves_nothing_unspent_and_nothing_overspent,
    who_waits_for_a_budget_costs_another_tenant_nothing,
    people_see_that_an_agent_is_over_budget_until_its_limit_is_raised,
    a_cache_that_forgets_is_summed_up_again_without_a_hand,
    a_cache_that_comes_back_as_it_was_before_is_not_believed,
    while_the_cache_is_away_what_is_free_is_answered_and_what_costs_is_refused,
    a_hub_that_is_killed_with_calls_on_their_way_leaves_the_provider_within_the_budget,
]

if __name__ == "__main__":
    well = False
    try:
        Stage.up()
        well = run(TESTS)
    finally:
        Stage.down(not well)
    sys.exit(0 if well else 1)
