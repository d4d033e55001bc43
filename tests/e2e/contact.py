#!/usr/bin/python3
"""An agent as a contact, to a client by slixmpp on real servers: what it says of itself, what is seen while it
answers, what it makes of reactions and of what it cannot read. Run it with tests/lab/with-lab, where contact_addresses
is set."""

import asyncio
import hashlib
import json
import subprocess
from xml.etree import ElementTree

from slixmpp.exceptions import IqError
from talk import AGENTS, PATIENCE, run

PLUGINS = ("xep_0004", "xep_0012", "xep_0030", "xep_0054", "xep_0059", "xep_0060", "xep_0084", "xep_0085", "xep_0092",
           "xep_0115", "xep_0128", "xep_0153", "xep_0202", "xep_0203", "xep_0359", "xep_0444")
ECHO = "echo@" + AGENTS
CLIENT = "{jabber:client}"
STATES = "{http://jabber.org/protocol/chatstates}"
MARKERS = "{urn:xmpp:chat-markers:0}"
RECEIPTS = "{urn:xmpp:receipts}"
REPLY = "{urn:xmpp:reply:0}reply"


def aiox(*words):
    done = subprocess.run(["aiox", *words, "--json"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def agent(name, *options):
    aiox("agent", "create", name, "--model", "builtin/echo", "--memory", "none", *options)


def executions(name):
    return aiox("execution", "list", "--agent", name)["data"]


class Wire:
    """Every message stanza that comes, as XML, in order."""

    def __init__(self, talk):
        self.talk, self.came = talk, asyncio.Queue()
        talk.client.add_filter("in", self.take)

    def take(self, stanza):
        if stanza.name == "message":
            self.came.put_nowait(stanza.xml)
        return stanza

    def send(self, to, content, kind="chat", name=None):
        name = name or self.talk.client.new_id()
        xml = "<message xmlns='jabber:client' to='%s' type='%s' id='%s'>%s</message>" % (to, kind, name, content)
        self.talk.client.send_xml(ElementTree.fromstring(xml))
        return name

    async def until_body(self):
        """Everything up to the next message with a body or an error."""
        seen = []
        while not seen or not (seen[-1].find(CLIENT + "body") is not None or seen[-1].get("type") == "error"):
            seen.append(await asyncio.wait_for(self.came.get(), PATIENCE))
        return seen

    async def nothing(self, to=ECHO):
        """What an answer to a further message overtakes does not come any more."""
        self.send(to, "<body>the end</body>")
        seen = await self.until_body()
        assert seen[-1].findtext(CLIENT + "body") == "the end", ElementTree.tostring(seen[-1])
        return seen[:-1]


async def info(talk, jid, node=None):
    found = await talk.client["xep_0030"].get_info(jid, node=node, timeout=PATIENCE)
    return found["disco_info"]


async def the_hub_says_what_it_is_and_whom_to_turn_to(talk):
    found = await info(talk, AGENTS)
    assert ("component", "generic", None, "AIOX") in found["identities"], found["identities"]
    assert {"http://jabber.org/protocol/disco#items", "urn:xmpp:ping"} <= found["features"]
    values = found["form"].get_values()
    assert values["FORM_TYPE"] == ["http://jabber.org/network/serverinfo"] or \
        values["FORM_TYPE"] == "http://jabber.org/network/serverinfo", values
    assert values["admin-addresses"] == ["mailto:root@localhost"], values


async def the_hub_lists_agents_page_by_page(talk):
    for number in range(7):
        agent("page%d" % number, "--visibility", "public")
    agent("hidden", "--visibility", "private", "--owner", "olga@localhost")
    pages, names = 0, []
    iterator = await talk.client["xep_0030"].get_items(AGENTS, iterator=True)
    iterator.amount = 3
    async for page in iterator:
        items = page["disco_items"]["items"]
        assert 0 < len(items) <= 3, items
        pages += 1
        names += sorted(jid for jid, node, name in items)  # slixmpp keeps a page as a set
    assert names == sorted(names) and len(names) == len(set(names)) and pages > 2, names
    assert {"page%d@%s" % (number, AGENTS) for number in range(7)} | {ECHO} <= set(names), names
    assert "hidden@" + AGENTS not in names


async def presence(talk, jid):
    came = asyncio.get_running_loop().create_future()

    def take(stanza):
        if stanza["from"].bare == jid and not came.done():
            came.set_result(stanza)

    talk.client.add_event_handler("presence_available", take)
    talk.client.send_presence_subscription(jid)
    return await asyncio.wait_for(came, PATIENCE)


async def presence_carries_the_sum_of_what_discovery_says(talk):
    seen = await presence(talk, ECHO)
    assert seen["from"].resource == "aiox"
    caps = seen["caps"]
    found = await info(talk, seen["from"].full, caps["node"] + "#" + caps["ver"])
    assert caps["hash"] == "sha-1" and ("client", "bot", None, "AIOX") in found["identities"], found["identities"]
    assert talk.client["xep_0115"].generate_verstring(found, "sha-1") == caps["ver"]
    account = await info(talk, ECHO)
    assert {("account", "registered", None, None), ("client", "bot", None, "echo")} <= account["identities"], \
        account["identities"]


async def a_picture_is_found_by_presence_card_and_node(talk):
    # It was subscribed to before; a probe of ours asks again.
    seen = await presence(talk, "page1@" + AGENTS)
    promised = seen["vcard_temp_update"]["photo"]
    card = await talk.client["xep_0054"].get_vcard("page1@" + AGENTS, timeout=PATIENCE)
    photo = card["vcard_temp"]["PHOTO"]
    assert card["vcard_temp"]["FN"] == "page1" and photo["TYPE"] == "image/png"
    assert hashlib.sha1(photo["BINVAL"]).hexdigest() == promised
    assert photo["BINVAL"].startswith(b"\x89PNG\r\n")
    items = await talk.client["xep_0060"].get_items("page1@" + AGENTS, "urn:xmpp:avatar:metadata", timeout=PATIENCE)
    described = items.xml.find(".//{urn:xmpp:avatar:metadata}info").attrib
    assert described["id"] == promised and int(described["bytes"]) == len(photo["BINVAL"]), described
    data = await talk.client["xep_0084"].retrieve_avatar("page1@" + AGENTS, promised, timeout=PATIENCE)
    assert data["pubsub"]["items"]["item"]["avatar_data"]["value"] == photo["BINVAL"]


async def a_card_says_what_an_agent_is_for(talk):
    aiox("agent", "update", "page2", "--description", "Turns pages.")
    card = await talk.client["xep_0054"].get_vcard("page2@" + AGENTS, timeout=PATIENCE)
    assert card["vcard_temp"]["DESC"] == "Turns pages."
    items = await talk.client["xep_0060"].get_items("page2@" + AGENTS, "urn:xmpp:vcard4", timeout=PATIENCE)
    raw = str(items)
    assert "<fn><text>page2</text></fn>" in raw and "xmpp:page2@" in raw and "Turns pages." in raw, raw


async def a_contact_answers_what_contacts_are_asked(talk):
    await talk.ask(ECHO, "so that it has done something")
    for jid in (ECHO, ECHO + "/aiox", AGENTS):
        assert await talk.client["xep_0199"].ping(jid, timeout=PATIENCE) >= 0
        version = await talk.client["xep_0092"].get_version(jid, timeout=PATIENCE)
        assert version["software_version"]["name"] == "AIOX" and version["software_version"]["version"]
        time = await talk.client["xep_0202"].get_entity_time(jid, timeout=PATIENCE)
        utc = time.xml.findtext(".//{urn:xmpp:time}utc")  # slixmpp's own reading of it is wrong
        assert utc.startswith("20") and utc.endswith("Z") and len(utc) == len("2006-12-19T17:58:35Z"), utc
        last = await talk.client["xep_0012"].get_last_activity(jid, timeout=PATIENCE)
        assert 0 <= int(last["last_activity"]["seconds"]) < 3600


async def what_nobody_offers_is_refused_as_such(talk):
    for jid in (ECHO, ECHO + "/aiox", ECHO + "/elsewhere", AGENTS, "absent@" + AGENTS):
        for kind in ("get", "set"):
            iq = talk.client.make_iq(ito=jid, itype=kind)
            iq.append(ElementTree.Element("{urn:unknown}query"))
            try:
                await iq.send(timeout=PATIENCE)
            except IqError as error:
                assert error.condition == "service-unavailable", (jid, error.condition)
            else:
                raise AssertionError("%s answered" % jid)


async def who_writes_sees_that_he_is_read_and_answered(talk):
    wire = Wire(talk)
    name = wire.send(ECHO, "<body>look</body><markable xmlns='urn:xmpp:chat-markers:0'/>"
                           "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='look-1'/>")
    seen = await wire.until_body()
    signs = [[number for number, stanza in enumerate(seen) if stanza.find(sign) is not None]
             for sign in (RECEIPTS + "received", MARKERS + "displayed", STATES + "composing", STATES + "active")]
    assert all(len(places) == 1 for places in signs) and signs == sorted(signs) and signs[3] == [len(seen) - 1], signs
    displayed = [stanza.find(MARKERS + "displayed") for stanza in seen]
    assert [sign.get("id") for sign in displayed if sign is not None] == [name]
    assert seen[-1].find(REPLY) is None and seen[-1].find("{urn:xmpp:sid:0}origin-id").get("id") == seen[-1].get("id")


async def who_does_not_chat_is_shown_no_states(talk):
    wire = Wire(talk)
    wire.send(ECHO, "<body>plain</body>", kind="normal")
    tags = {child.tag for stanza in await wire.until_body() for child in stanza}
    assert not [tag for tag in tags if tag.startswith(STATES) or tag.startswith(MARKERS)], tags


async def a_reply_is_read_without_what_it_quotes_and_answered_by_one(talk):
    wire = Wire(talk)
    name = wire.send(ECHO, "<body>&gt; \u00fcber\nand now</body><reply xmlns='urn:xmpp:reply:0' to='%s' id='x'/>"
                           "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='7'/>"
                           "</fallback>" % ECHO)
    answer = (await wire.until_body())[-1]
    assert answer.findtext(CLIENT + "body") == "and now"
    assert answer.find(REPLY).get("id") == name


async def a_reaction_is_kept_changed_and_taken_back(talk):
    async def kept(wanted):
        for _ in range(PATIENCE * 10):
            rows = {row["id"]: set(row["reactions"]) for row in aiox("feedback", "list", "--agent", "echo")["data"]}
            if rows.get(answer.get("id"), set()) == wanted:
                return
            await asyncio.sleep(0.1)
        raise AssertionError("%s, not %s" % (rows, wanted))

    wire = Wire(talk)
    wire.send(ECHO, "<body>judge me</body>")
    answer = (await wire.until_body())[-1]
    for reactions in ({"\U0001F44D", "\u2764"}, {"\U0001F44E"}, set()):
        talk.client["xep_0444"].send_reactions(ECHO, answer.get("id"), reactions)
        await kept(reactions)
    assert not [stanza for stanza in await wire.nothing() if stanza.find(STATES + "composing") is None]


ENCRYPTED = ("<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><key rid='2'>a2V5</key>"
             "<iv>aXY=</iv></header><payload>c2VjcmV0</payload></encrypted>"
             "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>"
             "<body>I sent you an OMEMO encrypted message</body>")


async def who_writes_encrypted_is_told_once_how_to_stop(talk):
    wire = Wire(talk)
    agent("blind", "--visibility", "public")
    for _ in range(3):
        wire.send("blind@" + AGENTS, ENCRYPTED)
    told = (await wire.until_body())[-1]
    assert told.get("type") == "chat" and "Conversations" in told.findtext(CLIENT + "body"), ElementTree.tostring(told)
    assert not [stanza for stanza in await wire.nothing("blind@" + AGENTS) if stanza.find(CLIENT + "body") is not None]
    assert len(executions("blind")) == 1, "something encrypted was accepted"
    # To those who may not talk to it, an agent that reads nothing is one that is not there.
    for name in ("hidden", "absent"):
        wire.send("%s@%s" % (name, AGENTS), ENCRYPTED)
        error = (await wire.until_body())[-1]
        assert error.get("type") == "error" and "Conversations" not in "".join(error.itertext()), name


async def a_late_copy_is_not_answered_anew(talk):
    wire = Wire(talk)
    agent("late", "--visibility", "public")
    copy = "<body>once</body><origin-id xmlns='urn:xmpp:sid:0' id='once-1'/><request xmlns='urn:xmpp:receipts'/>"
    wire.send("late@" + AGENTS, copy, name="once-1")
    first = (await wire.until_body())[-1].get("id")
    wire.send("late@" + AGENTS, copy + "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-01-01T00:00:00Z'/>",
              name="once-1")
    again = await wire.until_body()
    assert again[-1].get("id") == first, "the copy has an answer of its own"
    assert [stanza for stanza in again if stanza.find(RECEIPTS + "received") is not None], "no receipt for the copy"
    assert len(executions("late")) == 1


async def what_is_no_word_to_the_agent_is_answered_by_nothing(talk):
    wire = Wire(talk)
    agent("mute", "--visibility", "public")
    mute = "mute@" + AGENTS
    wire.send(mute, "<body>news</body>", kind="headline")
    wire.send(mute, "<body>to all</body>", kind="groupchat")
    wire.send(mute, "<body>broken</body><error type='cancel'><service-unavailable "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", kind="error")
    wire.send(mute, "<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></sent><body>copy</body>")
    wire.send(mute, "<active xmlns='http://jabber.org/protocol/chatstates'/>")
    wire.send(mute, "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>")
    wire.send(mute, "<received xmlns='urn:xmpp:receipts' id='x'/>")
    wire.send(mute, "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>+</reaction></reactions>")
    before = await wire.nothing(mute)
    assert not [stanza for stanza in before if stanza.find(STATES + "composing") is None], before
    assert len(executions("mute")) == 1


async def what_is_written_as_markdown_is_shown_as_styling(talk):
    for markdown, shown in (("**bold** and [a page](https://a.example/)", "*bold* and a page (https://a.example/)"),
                            ("- one\n- two", "\u2022 one\n\u2022 two"), ("plain * text", "plain * text")):
        assert await talk.ask(ECHO, markdown) == shown


async def an_answer_names_its_message_while_others_wait(talk):
    wire = Wire(talk)
    names = [wire.send(ECHO, "<body>%d</body>" % number) for number in range(5)]
    quoted = {}
    for _ in names:
        answer = (await wire.until_body())[-1]
        reply = answer.find(REPLY)
        if reply is not None:
            quoted[answer.findtext(CLIENT + "body")] = reply.get("id")
    for number, name in quoted.items():
        assert names[int(number)] == name, quoted


if __name__ == "__main__":
    aiox("member", "add", "olga@localhost", "--role", "viewer")
    agent("echo", "--visibility", "public")
    run([
        the_hub_says_what_it_is_and_whom_to_turn_to,
        the_hub_lists_agents_page_by_page,
        presence_carries_the_sum_of_what_discovery_says,
        a_picture_is_found_by_presence_card_and_node,
        a_card_says_what_an_agent_is_for,
        a_contact_answers_what_contacts_are_asked,
        what_nobody_offers_is_refused_as_such,
        who_writes_sees_that_he_is_read_and_answered,
        who_does_not_chat_is_shown_no_states,
        a_reply_is_read_without_what_it_quotes_and_answered_by_one,
        a_reaction_is_kept_changed_and_taken_back,
        who_writes_encrypted_is_told_once_how_to_stop,
        a_late_copy_is_not_answered_anew,
        what_is_no_word_to_the_agent_is_answered_by_nothing,
        what_is_written_as_markdown_is_shown_as_styling,
        an_answer_names_its_message_while_others_wait,
    ], PLUGINS)
