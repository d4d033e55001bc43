#!/usr/bin/env python3
"""A model may hang, break off, lie or never stop: every message still ends in exactly one answer or one explained
failure, within its deadline, and the hub stays well. And what a model is told is what belongs to that conversation."""

import sys
import threading
import time

from withstand import AGENTS, Lab, Model, run

TURN_SECONDS = 8
PATIENCE = 60  # the machine may be busy; the deadline itself is looked at in one test

# What the model does; what people must read: a text, or None for an explained failure.
MISHAPS = {
    "fault-hang": None, "fault-hang-midway": None, "fault-break-off": None, "fault-reset": None,
    "fault-reset-midway": None, "fault-end-early": None, "fault-empty": None, "fault-only-done": None,
    "fault-garbage": None, "fault-garbage-body": None, "fault-garbage-json": None, "fault-wrong-types": None,
    "fault-html": None, "fault-error-midway": None, "fault-endless": None, "fault-endless-comments": None,
    "fault-endless-calls": None, "fault-long-line": None, "fault-long-body": None, "fault-long-headers": None,
    "fault-half-character-end": None, "fault-redirect": None,
    "status-429": None, "status-500": None, "status-401": None, "status-400": None,
    "fault-drip": "You said: hello", "fault-never-closes": "You said: hello", "plain": "You said: hello",
}
# These may be read as an answer or as a failure, but as one of them, and as clean text.
EITHER = ["fault-half-character", "fault-lone-surrogate"]


def agent_for(model_name):
    return model_name.replace("fault-", "").replace("status-", "s") + "@" + AGENTS


def answers_to(server, person):
    return [found for found in server.answers if found.get("to").split("/")[0] == person]


def every_mishap_ends_in_one_answer_or_one_explained_failure(lab, model):
    server = lab.server
    server.up()
    pid = lab.pid()
    names = list(MISHAPS) + EITHER
    for name in names:
        assert server.speak("p-%s@localhost/x" % name, agent_for(name), "hello", "h-" + name)
    wrong = []
    for name in names:
        person = "p-%s@localhost" % name
        try:
            answer = server.wait(lambda found: found in answers_to(server, person), PATIENCE, "an answer of " + name)
        except AssertionError as error:
            wrong.append(str(error))
            continue
        expected, failed = MISHAPS.get(name, ""), "<error" in answer.raw
        if expected is None and not (failed and answer.body.strip()):
            wrong.append("%s is no explained failure: %s" % (name, answer.raw))
        elif expected and (failed or answer.body != expected):
            wrong.append("%s: %s" % (name, answer.raw))
        if "h-" + name not in server.by_receipt:
            wrong.append("%s was not receipted" % name)
    time.sleep(2)
    for name in names:
        found = answers_to(server, "p-%s@localhost" % name)
        if len({one.get("id").split(".")[0] for one in found}) > 1:
            wrong.append("%s has %d answers" % (name, len(found)))
    assert not wrong, "\n".join(wrong)
    assert lab.pid() == pid
    assert lab.sql("SELECT count(*) FROM accepted") == lab.sql("SELECT count(*) FROM concluded")


def a_hub_that_has_seen_all_that_is_well(lab, model):
    answer = lab.server.ask("well@localhost/x", "scripted@" + AGENTS, "Are you well?", "well-1", seconds=PATIENCE)
    assert answer.body == "You said: Are you well?", answer.raw
    memory = lab.memory()
    assert memory < 300_000 or lab.sanitized, "the hub holds %d kB" % memory
    lab.aiox("hub", "status")


def a_model_that_hangs_is_given_up_at_the_deadline(lab, model):
    begun = time.monotonic()
    answer = lab.server.ask("late@localhost/x", "hang@" + AGENTS, "Are you there?", "late-1", seconds=PATIENCE)
    took = time.monotonic() - begun
    assert "<error" in answer.raw and TURN_SECONDS - 2 < took < TURN_SECONDS + 10, "%.1f s: %s" % (took, answer.raw)


def a_model_that_asks_for_patience_is_asked_again_when_it_said(lab, model):
    model.reset()
    model.control("PUT", "script", {"rules": [
        {"when": {"contains": "busy"}, "times": 1, "reply": {"status": 429, "headers": {"Retry-After": "2"},
                                                             "body": {"error": {"message": "Slow down."}}}},
        {"when": {"contains": "fails"}, "times": 1, "reply": {"status": 500}},
        {"when": {"contains": "long"}, "times": 9, "reply": {"status": 429, "headers": {"Retry-After": "3600"}}},
    ]})
    server = lab.server
    begun = time.monotonic()
    answer = server.ask("busy@localhost/x", "scripted@" + AGENTS, "busy?", "busy-1", seconds=PATIENCE)
    assert answer.body == "You said: busy?" and time.monotonic() - begun >= 1.9, answer.raw
    answer = server.ask("fails@localhost/x", "scripted@" + AGENTS, "fails?", "fails-1", seconds=PATIENCE)
    assert answer.body == "You said: fails?", answer.raw
    assert model.total() == 4
    # One that asks for more patience than the message has is not waited for.
    answer = server.ask("long@localhost/x", "scripted@" + AGENTS, "long?", "long-1", seconds=PATIENCE)
    assert "<error" in answer.raw and model.total() == 5, answer.raw


def a_model_is_told_its_conversation_and_nothing_else(lab, model):
    model.reset()
    server, agent = lab.server, "careful@" + AGENTS
    conversations = [("ann@localhost/x", None), ("ann@localhost/x", "t1"), ("ben@localhost/x", None),
                     ("ann@localhost/y", "t2")]
    for turn in range(3):
        for number, (person, thread) in enumerate(conversations):
            text = "conversation %d turn %d" % (number, turn)
            answer = server.ask(person, agent, text, "c-%d-%d" % (number, turn), thread, PATIENCE)
            assert answer.body == "You said: " + text, answer.raw
    requests = model.requests()
    assert len(requests) == 12, len(requests)
    for at, request in enumerate(requests):
        turn, number = divmod(at, 4)
        told = request["messages"]
        assert [one["role"] for one in told] == ["system"] + ["user", "assistant"] * turn + ["user"], told
        system = told[0]["content"]
        assert "Answer with care." in system and "Say nothing of prices" in system, system
        expected = []
        for before in range(turn):
            text = "conversation %d turn %d" % (number, before)
            expected += [text, "You said: " + text]
        expected.append("conversation %d turn %d" % (number, turn))
        assert [one["content"] for one in told[1:]] == expected, told
        assert request["model"] == "careful" and request["max_tokens"] == 321 and request["stream"] is True, request
        assert "ann" not in str(request) and "localhost" not in str(request), request


def main():
    model, lab, well = Model(), None, False
    try:
        lab = Lab("--set", "openai_url=" + model.url, "--set", "turn_seconds=%d" % TURN_SECONDS, "--set", "workers=40")
        lab.aiox("member", "add", lab.account, "--role", "owner")
        common = ("--owner", lab.account, "--visibility", "public")
        names = list(MISHAPS) + EITHER + ["scripted"]
        makers = [threading.Thread(target=lab.aiox, args=(
            "agent", "create", agent_for(name).split("@")[0], *common, "--model", "openai/" + name, "--memory", "none"))
                  for name in names]
        for first in range(0, len(makers), 8):
            for maker in makers[first:first + 8]:
                maker.start()
            for maker in makers[first:first + 8]:
                maker.join()
        lab.aiox("agent", "create", "careful", *common, "--model", "openai/careful", "--prompt", "Answer with care.",
                 "--constraints", "Say nothing of prices", "--max-tokens", "321")
        well = run([
            every_mishap_ends_in_one_answer_or_one_explained_failure,
            a_hub_that_has_seen_all_that_is_well,
            a_model_that_hangs_is_given_up_at_the_deadline,
            a_model_that_asks_for_patience_is_asked_again_when_it_said,
            a_model_is_told_its_conversation_and_nothing_else,
        ], lab, model)
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
