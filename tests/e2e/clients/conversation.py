#!/usr/bin/python3
"""A conversation by slixmpp, from the subscription to its end, printed as it goes: run it with tests/e2e/clients/run.
Each test goes on where the one before it ended."""

import asyncio
import base64
import hashlib
import os
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import tostring
from talk import AGENTS, PATIENCE, run

DESK, TIRED, SECRET, NOBODY = ("%s@%s" % (name, AGENTS) for name in
                               ("desk.acme", "tired.acme", "secret.zeta", "nobody.zeta"))
PLUGINS = ("xep_0004", "xep_0050", "xep_0054", "xep_0060", "xep_0085", "xep_0092", "xep_0115", "xep_0153", "xep_0308",
           "xep_0333", "xep_0359", "xep_0424")
COMMANDS = "http://jabber.org/protocol/commands"


def note(text):
    print("# " + text.replace("\n", "\n#     "), flush=True)


def told(stanza):
    """A message or presence in a line, but for what it carries for programs alone."""
    parts = [str(stanza["type"])] if stanza["type"] in ("error", "subscribe", "subscribed", "unsubscribe",
                                                        "unsubscribed", "unavailable") else []
    if stanza["type"] == "error":
        parts.append("%(condition)s: %(text)s" % stanza["error"])
    elif stanza.name == "presence":
        parts += [stanza["show"] or "available"] if not parts else []
        parts += [stanza["status"]] if stanza["status"] else []
    else:
        for name in "received", "displayed", "replace", "apply-to", "retract":
            for child in stanza.xml.iter():
                if child.tag.endswith("}" + name):
                    parts.append("<%s %s>" % (name, child.get("id") or ""))
        parts += ["<%s>" % stanza["chat_state"]] if stanza["chat_state"] else []
        parts += [stanza["body"]] if stanza["body"] else []
    return "%s → %s: %s" % (str(stanza["from"]) or os.environ["ACCOUNT_JID"], stanza["to"], " ".join(parts))


class Ear:
    """What comes from one address, in order, until somebody asks for it."""

    def __init__(self, talk, *jids):
        self.talk, self.jids, self.stanzas = talk, jids, asyncio.Queue()
        for way in "in", "out":
            talk.client.add_filter(way, getattr(self, "note_" + way))

    def note_out(self, stanza):
        if stanza.name in ("message", "presence") and stanza["to"].bare in self.jids:
            note(told(stanza))
        return stanza

    def note_in(self, stanza):
        if stanza.name in ("message", "presence") and stanza["from"].bare in self.jids:
            note(told(stanza))
            self.stanzas.put_nowait(stanza)
        return stanza

    async def until(self, is_it):
        """The stanza awaited, behind all that came before it."""
        passed = []
        while not passed or not is_it(passed[-1]):
            passed.append(await asyncio.wait_for(self.stanzas.get(), PATIENCE))
        return passed

    async def answer(self):
        return await self.until(lambda stanza: stanza.name == "message" and
                                (stanza["body"] or stanza["type"] == "error"))


def has(stanza, name, space, **attributes):
    return any(child.tag == "{%s}%s" % (space, name) and all(child.get(n) == v for n, v in attributes.items())
               for child in stanza.xml)


async def asked(talk, jid, name, space, **attributes):
    """The payload of an answer to an IQ, with none of slixmpp's own ideas of it."""
    iq = talk.client.make_iq_get(ito=jid)
    child = "<%s xmlns='%s'%s/>" % (name, space, "".join(" %s='%s'" % pair for pair in attributes.items()))
    iq.append(ElementTree.fromstring(child))
    return (await iq.send(timeout=PATIENCE)).xml[0]


async def a_subscription_is_accepted_and_shows_the_agent_available(talk):
    ear = Ear(talk, DESK)
    talk.client.send_presence_subscription(DESK, ptype="subscribe")
    passed = await ear.until(lambda stanza: stanza.name == "presence" and stanza["type"] == "available")
    assert [stanza["from"].full for stanza in passed if stanza["type"] == "subscribed"] == [DESK], passed
    presence = passed[-1]
    assert presence["from"].full == DESK + "/aiox" and not presence["show"], presence
    caps = presence["caps"]
    info = (await talk.client["xep_0030"].get_info(DESK + "/aiox", "%(node)s#%(ver)s" % caps, cached=False,
                                                   timeout=PATIENCE))["disco_info"]
    assert talk.client["xep_0115"].generate_verstring(info, caps["hash"]) == caps["ver"], info
    assert ("client", "bot") in {identity[:2] for identity in info["identities"]}, info
    note("%s is a %s and does %s" % (DESK, "client/bot", ", ".join(sorted(info["features"]))))
    await talk.client.get_roster()
    assert talk.client.client_roster[DESK]["subscription"] == "to", talk.client.client_roster


async def a_person_who_comes_back_sees_the_agent_at_once(talk):
    ear = Ear(talk, DESK)
    talk.client.send_presence()
    presence = (await ear.until(lambda stanza: stanza.name == "presence"))[-1]
    assert presence["type"] == "available" and presence["from"].full == DESK + "/aiox", presence


async def a_picture_is_the_same_by_presence_vcard_and_pep(talk):
    ear = Ear(talk, DESK)
    talk.client.send_presence()
    presence = (await ear.until(lambda stanza: stanza.name == "presence"))[-1]
    announced = presence["vcard_temp_update"]["photo"]
    vcard = (await talk.client["xep_0054"].get_vcard(DESK, timeout=PATIENCE))["vcard_temp"]
    photo = vcard["PHOTO"]["BINVAL"]
    note("vCard: %s; a picture of type %s, %d bytes" % (vcard["FN"], vcard["PHOTO"]["TYPE"], len(photo)))
    assert vcard["FN"] == "Front desk" and photo.startswith(b"\x89PNG"), vcard
    assert hashlib.sha1(photo).hexdigest() == announced, announced

    async def published(node):
        found = await talk.client["xep_0060"].get_items(DESK, node, timeout=PATIENCE)
        items = list(found["pubsub"]["items"])
        assert len(items) == 1, found
        return items[0]

    item = await published("urn:xmpp:avatar:metadata")
    info = item.xml[0][0]
    assert info.get("id") == announced and info.get("bytes") == str(len(photo)), str(item)
    item = await published("urn:xmpp:avatar:data")
    assert item["id"] == announced
    assert base64.b64decode(item.xml[0].text) == photo
    card = tostring((await published("urn:xmpp:vcard4")).xml)
    assert "Front desk" in card and "vcard-4.0" in card, card
    note("SHA-1 %s in presence, vCard, and PEP's metadata and data" % announced)


async def a_question_is_receipted_thought_about_and_answered(talk):
    ear = Ear(talk, DESK)
    asked_id = talk.say(DESK, "When are you open?", request_receipt=True, chat_state="active")
    passed = await ear.answer()
    answer = passed[-1]

    def place(name, space):
        return next(i for i, stanza in enumerate(passed) if has(stanza, name, space))

    receipt = place("received", "urn:xmpp:receipts")
    typing = place("composing", "http://jabber.org/protocol/chatstates")
    assert receipt < typing < len(passed) - 1, passed
    assert has(passed[receipt], "received", "urn:xmpp:receipts", id=asked_id)
    text = "We are open from nine to five, *Monday to Friday*.\n\nShall I keep an hour for you?"
    assert answer["body"] == text, answer
    assert answer["from"].full == DESK + "/aiox" and answer["to"].bare == os.environ["ACCOUNT_JID"], answer
    assert answer["id"] and answer["origin_id"]["id"] == answer["id"], answer
    assert answer["request_receipt"] and answer["chat_state"] == "active", answer


async def a_waiting_message_can_be_corrected(talk):
    ear = Ear(talk, DESK)
    talk.say(DESK, "There is no hurry.")
    first = talk.say(DESK, "Paint it red.", request_receipt=True)
    await ear.until(lambda stanza: has(stanza, "received", "urn:xmpp:receipts", id=first))
    correction = talk.client.make_message(DESK, "Paint it blue.", mtype="chat")
    correction["replace"]["id"] = first
    correction.send()
    assert (await ear.answer())[-1]["body"] == "Here I am again."
    assert (await ear.answer())[-1]["body"] == "Blue it is."
    # What was corrected is not answered any more, and the conversation goes on.
    talk.say(DESK, "/status")
    assert "waiting: 0" in (await ear.answer())[-1]["body"]


async def a_waiting_message_can_be_retracted(talk):
    ear = Ear(talk, DESK)
    talk.say(DESK, "There is no hurry.")
    first = talk.say(DESK, "Paint it red.", request_receipt=True)
    await ear.until(lambda stanza: has(stanza, "received", "urn:xmpp:receipts", id=first))
    talk.client["xep_0424"].send_retraction(DESK, first)
    second = talk.say(DESK, "Or paint it red.", request_receipt=True)
    await ear.until(lambda stanza: has(stanza, "received", "urn:xmpp:receipts", id=second))
    retraction = talk.client.make_message(DESK, "", mtype="chat")
    retraction.append(ElementTree.fromstring(
        "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/>" % second))
    retraction.send()
    assert (await ear.answer())[-1]["body"] == "Here I am again."
    talk.say(DESK, "/status")
    assert "waiting: 0" in (await ear.answer())[-1]["body"]


async def a_command_runs_as_a_line_and_as_a_form_alike(talk):
    ear = Ear(talk, DESK)
    talk.say(DESK, "/status")
    line = (await ear.answer())[-1]["body"]
    items = await talk.client["xep_0050"].get_commands(DESK, timeout=PATIENCE)
    names = {item[1]: item[2] for item in items["disco_items"]["items"]}
    note("commands of %s: %s" % (DESK, ", ".join(sorted(names))))
    reply = await talk.client["xep_0050"].send_command(DESK, "conversation-status", timeout=PATIENCE)
    if reply["command"]["status"] == "executing":
        reply = await talk.client["xep_0050"].send_command(
            DESK, "conversation-status", action="complete", sessionid=reply["command"]["sessionid"], timeout=PATIENCE)
    command = reply["command"]
    assert command["status"] == "completed", command
    fields = {name: field["value"] for name, field in command["form"].get_fields().items()}
    note("conversation-status: %s" % fields)
    assert fields["state"] == "active" and "state: active" in line, (fields, line)


async def a_paused_agent_is_away_and_says_why_it_does_not_answer(talk):
    ear = Ear(talk, TIRED)
    talk.client.send_presence_subscription(TIRED, ptype="subscribe")
    presence = (await ear.until(lambda stanza: stanza.name == "presence" and stanza["from"].resource))[-1]
    assert presence["show"] == "away" and presence["status"] == "Back at noon.", presence
    talk.say(TIRED, "Are you there?", request_receipt=True)
    passed = await ear.answer()
    error = passed[-1]["error"]
    assert (error["type"], error["condition"]) == ("wait", "recipient-unavailable"), passed
    assert "Back at noon." in error["text"], passed
    assert not any(has(stanza, "received", "urn:xmpp:receipts") for stanza in passed), passed
    talk.client.send_presence_subscription(TIRED, ptype="unsubscribe")


async def refusals(talk, jid):
    """All that an address answers, with the address itself left out."""
    ear, heard = Ear(talk, jid), []
    talk.client.send_presence_subscription(jid, ptype="subscribe")
    heard += await ear.until(lambda stanza: stanza["type"] != "subscribe")
    talk.say(jid, "Hello?", request_receipt=True)
    heard += await ear.answer()
    talk.say(jid, "/status")
    heard += await ear.answer()
    for name, space, attributes in (
            ("query", "http://jabber.org/protocol/disco#info", {}),
            ("query", "http://jabber.org/protocol/disco#items", {"node": COMMANDS}),
            ("vCard", "vcard-temp", {}), ("ping", "urn:xmpp:ping", {}), ("query", "jabber:iq:version", {})):
        for resource in "", "/aiox":
            try:
                raise AssertionError(tostring(await asked(talk, jid + resource, name, space, **attributes)))
            except IqError as error:
                heard.append(error.iq)
    command = talk.client.make_iq_set(ito=jid)
    command.append(ElementTree.fromstring(
        "<command xmlns='%s' node='conversation-status' action='execute'/>" % COMMANDS))
    try:
        raise AssertionError(await command.send(timeout=PATIENCE))
    except IqError as error:
        heard.append(error.iq)
    return [re.sub(r' id="[^"]*"', "", str(stanza)).replace(jid, "NAME") for stanza in heard]


async def a_private_agent_is_exactly_as_absent(talk):
    secret, absent = await refusals(talk, SECRET), await refusals(talk, NOBODY)
    for one, other in zip(secret, absent):
        assert one == other, "%s\n%s" % (one, other)
    assert len(secret) == len(absent)
    note("%d answers alike, byte for byte but for the names; the last: %s" % (len(secret), secret[-1]))


async def a_subscription_ends_when_the_person_ends_it(talk):
    ear = Ear(talk, DESK)
    talk.client.send_presence_subscription(DESK, ptype="unsubscribe")
    await ear.until(lambda stanza: stanza["type"] in ("unavailable", "unsubscribed"))
    listed = subprocess.run(["aiox", "subscription", "list", "desk", "--tenant", "acme"], capture_output=True,
                            text=True)
    assert os.environ["ACCOUNT_JID"] not in listed.stdout, listed


run([a_subscription_is_accepted_and_shows_the_agent_available, a_person_who_comes_back_sees_the_agent_at_once,
     a_picture_is_the_same_by_presence_vcard_and_pep, a_question_is_receipted_thought_about_and_answered,
     a_waiting_message_can_be_corrected, a_waiting_message_can_be_retracted,
     a_command_runs_as_a_line_and_as_a_form_alike, a_paused_agent_is_away_and_says_why_it_does_not_answer,
     a_private_agent_is_exactly_as_absent, a_subscription_ends_when_the_person_ends_it], PLUGINS)
