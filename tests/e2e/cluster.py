#!/usr/bin/python3
"""Twins on real servers: two hubs, each beside its own node of an ejabberd cluster, share PostgreSQL and Redis. One hub
stands still beyond its lease while a person at each node talks, and wakes up: nothing that was receipted is lost,
nothing is answered under two ids, and the model is asked at most once more than needed."""

import asyncio
import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from person import RATE, Person, in_thread, play, until  # noqa: E402
from withstand import AGENTS, Lab, Model, run  # noqa: E402

AGENT = "slow@" + AGENTS


async def spoken_and_answered(person, seconds, what):
    name = person.speak()
    await until(lambda: person.is_answered(name), seconds, lambda: what)


async def freeze_while_they_talk(lab, near, far):
    """near sits at the node of the hub that freezes."""
    living = [asyncio.ensure_future(person.live()) for person in (near, far)]
    try:
        await until(lambda: near.answers and far.answers, 30, lambda: "an answer at both nodes")
        await until(lambda: len(near.unanswered()) > RATE, 30, lambda: "a queue at the hub that is to freeze")
        owed = set(near.unanswered())
        await in_thread(lab.lab, "kill", "hub_1", "STOP")
        owed &= set(near.unanswered())
        assert owed, "everything was answered before the hub froze"
        known = set(far.receipts)
        await until(lambda: not owed & set(near.unanswered()), 40, lambda: "what the frozen one owed, by the other")
        await until(lambda: len(set(far.receipts) - known) > RATE, 30, lambda: "talk with the other meanwhile")
        print("# owed when it froze: %d; receipted by the other meanwhile: %d" % (len(owed), len(far.receipts - known)))
        await in_thread(lab.lab, "start", "hub_1")
        near.speaking = far.speaking = False
        await until(lambda: not near.unanswered() and not far.unanswered(), 40,
                    lambda: "an answer to %s, %s" % (near.unanswered()[:5], far.unanswered()[:5]))
        # The one that woke up serves again: a word to it is receipted and answered.
        for person in (near, far):
            await spoken_and_answered(person, 30, "an answer after the hub woke up")
    finally:
        near.ended = far.ended = True
        await asyncio.wait(living, timeout=15)


def a_hub_beside_a_cluster_that_freezes_and_wakes_loses_nothing_and_answers_nothing_twice():
    model, lab, well = Model(), None, False
    try:
        model.control("PUT", "script", {"rules": [{"reply": {"text": "done", "first_after": 1}}]})
        lab = Lab("--twins", "2", "--set", "openai_url=" + model.url, "--set", "lease_seconds=3", "--set", "workers=10",
                  servers=0)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "slow", "--owner", lab.account, "--visibility", "public", "--model", "openai/slow",
                 "--memory", "none")
        near = Person(lab, lab.account, lab.environment["ACCOUNT_PASSWORD"], AGENT, 1, "near", threads=True)
        far = Person(lab, *lab.lab("account", "ben").split(), AGENT, 2, "far", threads=True)
        play(freeze_while_they_talk(lab, near, far))
        for person in (near, far):
            print("# %s: sent %d, receipted %d, answered %d, refused %d %s"
                  % (person.jid, person.sent, len(person.receipts), len(person.answers), len(person.refused),
                     sorted(set(person.refused.values()))))
            assert not person.answered_twice(), "answered under two ids: %s" % person.answered_twice()
            assert not person.unanswered(), "receipted and not answered: %s" % person.unanswered()
        calls = collections.Counter(request["messages"][-1]["content"] for request in model.requests())
        often = {text: count for text, count in calls.items() if count > 2}
        assert not often, "asked of the model more than once too often: %s" % often
        assert lab.sql("SELECT count(*) FROM accepted") == lab.sql("SELECT count(*) FROM concluded")
        served = lab.sql("SELECT count(DISTINCT hub) FROM accepted")
        assert served == "2", "messages were accepted by %s hubs" % served
        well = True
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)


if __name__ == "__main__":
    sys.exit(0 if run([a_hub_beside_a_cluster_that_freezes_and_wakes_loses_nothing_and_answers_nothing_twice]) else 1)
