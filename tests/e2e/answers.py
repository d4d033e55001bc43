#!/usr/bin/python3
"""Answers that take a while, from a scripted model, to a client by slixmpp on real servers: they grow, are stopped,
corrected and taken back. Run it with tests/e2e/answers.sh."""

import asyncio
import json
import os
import subprocess
import time
import urllib.request
from xml.etree import ElementTree

from talk import AGENTS, PATIENCE, run

MODEL = os.environ["MODEL_SERVER_URL"].removesuffix("/v1")
CORRECTIONS = ("xep_0308", "xep_0334")


def agent(name, model, *options):
    made = subprocess.run(["aiox", "agent", "create", name, "--model", "openai/" + model, "--visibility", "public",
                           *options], capture_output=True, text=True, timeout=30)
    assert made.returncode == 0, made.stderr
    return "%s@%s" % (name, AGENTS)


def control(method, path):
    request = urllib.request.Request(MODEL + "/control/" + path, method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.loads(reply.read() or "null")


def asked():
    """What the model was last told by people, question by question."""
    return [[part["content"] for part in request["body"]["messages"] if part["role"] == "user"]
            for request in control("GET", "requests")]


async def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def model_is_talking():
    await until(lambda: control("GET", "counts")["open"] == 1, "the model was not called")


async def model_is_silent():
    await until(lambda: control("GET", "counts")["open"] == 0, "the model's call goes on")


def replaced(message):
    found = message.xml.find("{urn:xmpp:message-correct:0}replace")
    return None if found is None else found.get("id")


async def an_answer_grows_where_the_client_shows_corrections(talk):
    growing = agent("growing", "slow-8", "--streaming")
    talk.say(growing, "Count.")
    drafts, message = [], await talk.next()
    while message["id"].endswith(".draft") or "{urn:xmpp:hints}no-store" in [child.tag for child in message.xml]:
        drafts.append(message)
        message = await talk.next()
    assert 1 <= len(drafts) <= 6, drafts
    first = drafts[0]["id"]
    assert first.endswith(".draft") and replaced(drafts[0]) is None, drafts[0]
    assert all(replaced(draft) == first for draft in drafts[1:])
    assert all(message["body"].startswith(draft["body"].rstrip()) for draft in drafts)
    assert message["id"] == first.removesuffix(".draft") and replaced(message) == first, message
    assert message["body"].startswith("piece 0 ") and "piece 18" in message["body"]


async def an_agent_that_does_not_stream_says_it_once(talk):
    talk.say(agent("plain", "slow-3"), "Count.")
    message = await talk.next()
    assert "piece 18" in message["body"] and replaced(message) is None, message


async def stopping_in_mid_stream_keeps_the_partial_text_and_ends_the_call(talk):
    control("POST", "reset")
    slow = agent("slow", "slow-25")
    talk.say(slow, "Count.")
    await model_is_talking()
    await asyncio.sleep(2.6)  # so that two pieces are there, more than a second apart
    begun = time.monotonic()
    talk.say(slow, "/stop")
    said = sorted([(await talk.next())["body"], (await talk.next())["body"]], key=len)
    print("# what there was of the answer came %d ms after /stop was written" % ((time.monotonic() - begun) * 1000))
    await model_is_silent()
    assert said[0] == "Stopped.", said
    assert said[1].startswith("piece 0 ") and said[1].endswith("\n\nStopped."), said
    assert "piece 18" not in said[1]


async def a_correction_of_a_waiting_message_is_asked_instead_of_it(talk):
    control("POST", "reset")
    busy = agent("busy", "slow-3")
    talk.say(busy, "First.")
    await model_is_talking()
    wrong = talk.say(busy, "Wehn?")
    message = talk.client.make_message(busy, "When?", mtype="chat")
    message["id"] = talk.client.new_id()
    message["replace"]["id"] = wrong
    message.send()
    await talk.next(), await talk.next()
    assert [question[-1] for question in asked()] == ["First.", "When?"], asked()
    assert "state: active" in await talk.ask(busy, "/status")


async def a_message_taken_back_is_stopped_and_not_spoken_of(talk):
    control("POST", "reset")
    regret = agent("regret", "slow-25")
    oops = talk.say(regret, "Oops.")
    await model_is_talking()
    message = talk.client.make_message(regret, mtype="chat")
    message["id"] = talk.client.new_id()
    message.xml.append(ElementTree.fromstring("<retract xmlns='urn:xmpp:message-retract:1' id='%s'/>" % oops))
    message.send()
    await model_is_silent()
    said = await talk.ask(regret, "/status")
    if said.endswith("Stopped."):  # a word of the answer was there already
        said = (await talk.next())["body"]
    assert "waiting: 0" in said, said


async def forgetting_while_a_turn_runs_waits_for_it(talk):
    control("POST", "reset")
    mindful = agent("mindful", "slow-2")
    code = (await talk.ask(mindful, "/forget")).split("/forget ")[-1][:4]
    talk.say(mindful, "My name is Ann.")
    await model_is_talking()
    talk.say(mindful, "/forget " + code)
    assert "piece 18" in (await talk.next())["body"]
    assert "remembered: 0" in (await talk.next())["body"]
    await talk.ask(mindful, "What is my name?")
    assert asked()[-1] == ["What is my name?"], asked()[-1]


run([an_answer_grows_where_the_client_shows_corrections, an_agent_that_does_not_stream_says_it_once,
     stopping_in_mid_stream_keeps_the_partial_text_and_ends_the_call,
     a_correction_of_a_waiting_message_is_asked_instead_of_it, a_message_taken_back_is_stopped_and_not_spoken_of,
     forgetting_while_a_turn_runs_waits_for_it], CORRECTIONS)
