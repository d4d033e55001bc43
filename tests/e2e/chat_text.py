#!/usr/bin/python3
"""Commands as lines of a chat, by slixmpp on real servers: run it with tests/lab/with-lab."""

import json
import os
import re
import subprocess

from talk import AGENTS, run

GUIDE = "guide@" + AGENTS
OWNER = os.environ["ACCOUNT_JID"]


def aiox(*words):
    done = subprocess.run(["aiox", *words, "--json"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tenant(slug):
    aiox("tenant", "create", slug)
    aiox("member", "add", OWNER, "--role", "owner", "--tenant", slug)


def executions(**wanted):
    rows = aiox("execution", "list", "--limit", "200")["data"]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


async def an_agent_offers_what_concerns_the_conversation(talk):
    text = await talk.ask(GUIDE, "/help")
    assert await talk.ask(GUIDE, "/commands") == text
    for word in "/new", "/status", "/forget", "/stop":
        assert word + ":" in text, text
    assert "agent-" not in text, text
    assert "state: active" in await talk.ask(GUIDE, "/status")


async def a_command_is_receipted_and_answered_like_any_message(talk):
    asked = talk.say(GUIDE, "/status", request_receipt=True)
    assert await talk.receipts.get() == asked
    answer = await talk.next()
    assert answer["id"] and answer["type"] == "chat", answer


async def an_unknown_command_is_answered_and_reaches_no_model(talk):
    before = len(executions())
    text = await talk.ask(GUIDE, "/statsu")
    assert "/statsu" in text and "did you mean 'status'" in text, text
    row = executions()[0]
    assert len(executions()) == before + 1 and row["status"] == "refused", row
    assert aiox("execution", "show", row["id"])["model_calls"] == 0


async def two_slashes_are_one_in_a_text(talk):
    assert "documents" in await talk.ask(GUIDE, "//zqxw")


async def commands_pass_though_the_agent_is_paused(talk):
    aiox("agent", "pause", "guide", "--reason", "tea")
    try:
        assert "guide is paused: tea" in await talk.ask(GUIDE, "hello")
        assert "state: paused" in await talk.ask(GUIDE, "/status")
    finally:
        aiox("agent", "resume", "guide")


async def what_was_said_before_new_is_not_remembered(talk):
    await talk.ask(GUIDE, "How do hubs federate?")
    assert "exchanges: 0" not in await talk.ask(GUIDE, "/status")
    await talk.ask(GUIDE, "/new")
    assert "exchanges: 0" in await talk.ask(GUIDE, "/status")
    await talk.ask(GUIDE, "How do hubs federate?")
    assert "exchanges: 1" in await talk.ask(GUIDE, "/status")


async def forgetting_asks_back_with_a_code(talk):
    await talk.ask(GUIDE, "How do hubs federate?", thread="elsewhere")
    asked = await talk.ask(GUIDE, "/forget")
    code = re.search(r"/forget (\d{4})", asked).group(1)
    wrong = "1000" if code != "1000" else "1001"
    assert "not the code" in await talk.ask(GUIDE, "/forget " + wrong)
    assert "exchanges: 1" in await talk.ask(GUIDE, "/status", thread="elsewhere")
    assert "remembered: 0" in await talk.ask(GUIDE, "/forget " + code)
    assert "exchanges: 0" in await talk.ask(GUIDE, "/status", thread="elsewhere")


async def the_hub_asks_for_what_a_command_lacks(talk):
    tenant("acme")
    assert "`name`" in await talk.ask(AGENTS, "/agent-create model=builtin/echo")
    refused = await talk.ask(AGENTS, "No Name!")
    assert "'name' must be" in refused and "`name`" in refused, refused
    made = await talk.ask(AGENTS, "helper")
    assert "helper.acme@" + AGENTS in made, made
    assert await talk.ask("helper.acme@" + AGENTS, "anybody?") == "anybody?"
    # The question was answered: what follows is no answer to it.
    assert "only know commands" in await talk.ask(AGENTS, "helper")


async def the_rest_of_the_line_is_the_text(talk):
    await talk.ask(AGENTS, "/agent-pause helper Back at noon, or so")
    assert aiox("agent", "show", "helper", "--tenant", "acme")["pause_reason"] == "Back at noon, or so"
    assert "state: active" in await talk.ask(AGENTS, "/agent-resume helper.acme@" + AGENTS)


async def a_limit_set_in_chat_holds_at_once(talk):
    helper = "helper.acme@" + AGENTS
    assert "amount: 2" in await talk.ask(AGENTS, "/limit-set messages amount=2 window=1h agent=helper")
    assert [await talk.ask(helper, "one"), await talk.ask(helper, "two")] == ["one", "two"]
    refused = await talk.ask(helper, "three")
    assert "The agent's limit of 2 messages per hour is reached. Try again in" in refused, refused
    assert "waiting: 0" in await talk.ask(helper, "/status")  # commands are not counted
    asked = await talk.ask(AGENTS, "/limit-remove messages window=1h agent=helper")
    code = re.search(r"write (\d{4})", asked).group(1)
    assert "removed: yes" in await talk.ask(AGENTS, code)
    assert await talk.ask(helper, "three") == "three"


async def a_list_is_a_table(talk):
    table = await talk.ask(AGENTS, "/agent-list")
    assert table.startswith("```\nNAME") and "helper" in table, table


async def destroying_asks_back_and_any_other_word_ends_it(talk):
    asked = await talk.ask(AGENTS, "/agent-delete helper")
    assert "cannot be undone" in asked
    assert "not the code" in await talk.ask(AGENTS, "yes")
    code = re.search(r"write (\d{4})", await talk.ask(AGENTS, "/agent-delete helper")).group(1)
    assert "state: deleted" in await talk.ask(AGENTS, code)
    assert "no such agent" in await talk.ask("helper.acme@" + AGENTS, "hi")


async def several_tenants_are_told_apart(talk):
    tenant("zeta")
    assert "several tenants" in await talk.ask(AGENTS, "/agent-list")
    assert "No agents found." in await talk.ask(AGENTS, "/agent-list tenant=zeta")


async def another_tenants_names_are_not_there(talk):
    aiox("tenant", "create", "theirs")
    aiox("member", "add", "eva@localhost", "--role", "owner", "--tenant", "theirs")
    aiox("agent", "create", "secret", "--owner", "eva@localhost", "--tenant", "theirs")
    absent = await talk.ask(AGENTS, "/agent-show nobody.theirs@" + AGENTS)
    assert await talk.ask(AGENTS, "/agent-show secret.theirs@" + AGENTS) == absent
    assert await talk.ask(AGENTS, "/agent-list tenant=theirs") == await talk.ask(AGENTS, "/agent-list tenant=nowhere")


async def operations_of_platform_admins_are_for_them(talk):
    assert "platform admins" in await talk.ask(AGENTS, "/tenant-create slug=mine")
    assert "/hub-status" not in await talk.ask(AGENTS, "/help")


async def a_repeated_command_runs_once(talk):
    tenant("once")
    body = "/agent-create twin model=builtin/echo tenant=once"
    for _ in range(2):
        message = talk.client.make_message(AGENTS, body, mtype="chat")
        message["id"] = "same"
        message["origin_id"]["id"] = "the-same-command"
        message.send()
        assert "twin.once@" in (await talk.next())["body"]
    assert len(aiox("agent", "list", "--tenant", "once")["data"]) == 1


run([an_agent_offers_what_concerns_the_conversation, a_command_is_receipted_and_answered_like_any_message,
     an_unknown_command_is_answered_and_reaches_no_model, two_slashes_are_one_in_a_text,
     commands_pass_though_the_agent_is_paused, what_was_said_before_new_is_not_remembered,
     forgetting_asks_back_with_a_code, the_hub_asks_for_what_a_command_lacks, the_rest_of_the_line_is_the_text,
     a_limit_set_in_chat_holds_at_once, a_list_is_a_table,
     destroying_asks_back_and_any_other_word_ends_it, several_tenants_are_told_apart,
     another_tenants_names_are_not_there, operations_of_platform_admins_are_for_them, a_repeated_command_runs_once],
    plugins=("xep_0359",))
