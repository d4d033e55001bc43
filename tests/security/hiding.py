#!/usr/bin/env python3
"""An agent that is not yours does not exist: whoever may not talk to it, or not manage it, gets byte for byte the
answer for a name that nobody has, on every door, and nothing of what they wrote reaches a model."""

import http.client
import json
import re
import socket
import sys
import time

from withstand import AGENTS, Lab, Model, message, run

HIDDEN, ABSENT = "vault", "vaulx"
PEOPLE = {"stranger": "sid@elsewhere.example/home", "other_tenant": "gil@localhost/home",
          "suspended": "sue@localhost/home", "suspended_owner": "oda@localhost/home", "fellow": "mia@localhost/home"}

ENCRYPTED = ("<message from='{from}' to='{to}' type='chat' id='m5'><body>plain</body>"
             "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted></message>")


def iq(kind, payload):
    return "<iq from='{from}' to='{to}' type='%s' id='q1'>%s</iq>" % (kind, payload)


def command(node, more=""):
    return "<command xmlns='http://jabber.org/protocol/commands' node='%s' %s/>" % (node, more)


STANZAS = {
    "message": message("{from}", "{to}", "Who are you?", "m1"),
    "message_to_resource": message("{from}", "{to}/aiox", "Who are you?", "m2"),
    "message_without_id": "<message from='{from}' to='{to}' type='chat'><body>hello</body></message>",
    "message_without_body": "<message from='{from}' to='{to}' type='chat' id='m3'>"
                            "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
    "message_too_long": message("{from}", "{to}", "x" * 100_000, "m4"),
    "message_encrypted": ENCRYPTED,
    "message_normal": "<message from='{from}' to='{to}' id='m6'><body>hello</body></message>",
    "get": iq("get", "<query xmlns='jabber:iq:version'/>"),
    "set": iq("set", "<query xmlns='jabber:iq:private'/>"),
    "ping": iq("get", "<ping xmlns='urn:xmpp:ping'/>"),
    "info": iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
    "info_of_node": iq("get", "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"),
    "items": iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>"),
    "commands": iq("get", "<query xmlns='http://jabber.org/protocol/disco#items' "
                          "node='http://jabber.org/protocol/commands'/>"),
    "commands_info": iq("get", "<query xmlns='http://jabber.org/protocol/disco#info' "
                               "node='http://jabber.org/protocol/commands'/>"),
    "command_info": iq("get", "<query xmlns='http://jabber.org/protocol/disco#info' node='agent-pause'/>"),
    "command": iq("set", command("agent-pause")),
    "command_for_guests": iq("set", command("conversation-status")),
    "command_unknown": iq("set", command("agent-fly")),
    "command_action_unknown": iq("set", command("agent-pause", "action='jump'")),
    "command_session": iq("set", command("agent-pause", "sessionid='%s' action='complete'" % ("0" * 32))),
    "command_cancel": iq("set", command("agent-pause", "sessionid='%s' action='cancel'" % ("0" * 32))),
    "command_get": iq("get", command("agent-pause")),
    "vcard": iq("get", "<vCard xmlns='vcard-temp'/>"),
    "vcard_set": iq("set", "<vCard xmlns='vcard-temp'/>"),
    "vcard4": iq("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:vcard4'/></pubsub>"),
    "avatar": iq("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                        "<items node='urn:xmpp:avatar:metadata'/></pubsub>"),
    "avatar_data": iq("get", "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                             "<items node='urn:xmpp:avatar:data'><item id='x'/></items></pubsub>"),
    "publish": iq("set", "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
                         "<publish node='urn:xmpp:avatar:data'/></pubsub>"),
    "info_of_client": iq("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>").replace("{to}", "{to}/aiox"),
    "caps": iq("get", "<query xmlns='http://jabber.org/protocol/disco#info' node='urn:aiox:0#x'/>")
    .replace("{to}", "{to}/aiox"),
    "pages": iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'>"
                       "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></query>"),
    "time": iq("get", "<time xmlns='urn:xmpp:time'/>"),
    "last": iq("get", "<query xmlns='jabber:iq:last'/>"),
    "unknown": iq("get", "<query xmlns='urn:unknown'/>"),
    "vcard_of_client": iq("get", "<vCard xmlns='vcard-temp'/>").replace("{to}", "{to}/aiox"),
    "subscribe": "<presence from='{bare}' to='{to}' type='subscribe' id='p1'/>",
    "unsubscribe": "<presence from='{bare}' to='{to}' type='unsubscribe' id='p2'/>",
    "subscribed": "<presence from='{bare}' to='{to}' type='subscribed' id='p3'/>",
    "probe": "<presence from='{from}' to='{to}' type='probe' id='p4'/>",
    "available": "<presence from='{from}' to='{to}'/>",
    "unavailable": "<presence from='{from}' to='{to}' type='unavailable'/>",
}

REQUESTS = [
    ("GET", "", None), ("PATCH", "", {"description": "mine"}), ("DELETE", "", None), ("POST", "/pause", {}),
    ("POST", "/resume", {}), ("POST", "/restore", {}), ("POST", "/rollback", {"version": 1}), ("GET", "/grants", None),
    ("POST", "/grants", {"who": "gil@localhost"}), ("DELETE", "/grants/gil@localhost", None),
    ("GET", "/knowledge", None),
    ("POST", "/knowledge", {"name": "n", "content": "c"}), ("DELETE", "/knowledge/n", None),
]


def set_up(lab, model):
    for slug, owner in (("acme", "olga@localhost"), ("globex", "gil@localhost"), ("initech", "oda@localhost")):
        lab.aiox("tenant", "create", slug, "--owner", owner)
    for person in ("mia@localhost", "sue@localhost"):
        lab.aiox("member", "add", person, "--role", "operator", "--tenant", "acme")
    common = ("--model", "openai/scripted", "--tenant")
    lab.aiox("agent", "create", HIDDEN, "--owner", "olga@localhost", "--visibility", "private", *common, "acme")
    # What the suspended may see as long as they are not: one of their tenant's, one of their own, and one granted.
    lab.aiox("agent", "create", "team", "--owner", "olga@localhost", "--visibility", "tenant", *common, "acme")
    lab.aiox("agent", "create", "own", "--owner", "oda@localhost", "--visibility", "private", *common, "initech")
    lab.aiox("agent", "create", "gone", "--owner", "olga@localhost", "--visibility", "public", *common, "acme")
    lab.aiox("agent", "delete", "gone", "--tenant", "acme", "--yes")
    for person in ("sue@localhost", "oda@localhost"):
        lab.aiox("account", "suspend", person)
    lab.server.up()


def exchange(server, person, name, stanza):
    """Everything that came back for one stanza, as bytes in order, the agent's name replaced."""
    mark = "mark-%d" % time.monotonic_ns()
    before = len(server.stanzas)
    places = {"{from}": person, "{bare}": person.split("/")[0], "{to}": "%s@%s" % (name, AGENTS)}
    for place, value in places.items():
        stanza = stanza.replace(place, value)
    assert server.send(stanza)
    # A refusal comes from memory; what asks for its place in a queue would come after it.
    assert server.send("<iq from='marker@localhost/m' to='%s' type='get' id='%s'><ping xmlns='urn:xmpp:ping'/></iq>"
                       % (AGENTS, mark))
    server.wait(lambda found: found.get("id") == mark, 30, "the mark")
    came = [found.raw for found in server.stanzas[before:] if found.get("id") != mark]
    return "".join(came).replace(name, "NAME")


def compare(server, person, hidden, absent, expect_answers):
    wrong, answered = [], 0
    for what, stanza in STANZAS.items():
        one, other = exchange(server, person, hidden, stanza), exchange(server, person, absent, stanza)
        answered += bool(one)
        if one != other:
            wrong.append("%s: %r, not %r" % (what, one, other))
    assert not wrong, "%s and %s differ: %s" % (hidden, absent, "\n".join(wrong))
    assert answered >= expect_answers, "only %d of %d were answered" % (answered, len(STANZAS))


def who_may_not_talk_to_an_agent_gets_the_answer_for_one_that_is_not_there(lab, model):
    for who, person in PEOPLE.items():
        compare(lab.server, person, HIDDEN + ".acme", ABSENT + ".acme", 24)
        compare(lab.server, person, HIDDEN + ".acme", HIDDEN + ".acmx", 24)


def a_suspended_person_is_a_stranger_to_what_was_theirs(lab, model):
    compare(lab.server, PEOPLE["suspended"], "team.acme", "tean.acme", 24)
    compare(lab.server, PEOPLE["suspended_owner"], "own.initech", "owm.initech", 24)


def a_deleted_agent_was_never_there(lab, model):
    compare(lab.server, PEOPLE["stranger"], "gone.acme", "gonf.acme", 24)


def the_hub_lists_only_what_its_asker_may_see(lab, model):
    seen = {}
    for person in list(PEOPLE.values()) + ["olga@localhost/home"]:
        assert lab.server.send("<iq from='%s' to='%s' type='get' id='%s'><query "
                               "xmlns='http://jabber.org/protocol/disco#items'/></iq>" % (person, AGENTS, person))
        answer = lab.server.wait(lambda found: found.get("id") == person, 30, "the list")
        seen[person] = set(re.findall(r"jid='([a-z.]+)@", answer.raw))
    assert {HIDDEN + ".acme", "team.acme"} <= seen.pop("olga@localhost/home"), seen
    assert "team.acme" in seen[PEOPLE["fellow"]], seen
    for person, names in seen.items():
        assert not names & {HIDDEN + ".acme", "gone.acme", "own.initech"}, (person, names)
    assert "team.acme" not in seen[PEOPLE["suspended"]] | seen[PEOPLE["other_tenant"]] | seen[PEOPLE["stranger"]], seen


def the_comparison_would_see_an_agent_that_answers(lab, model):
    """The control: to its owner the same agent is there, on the same way."""
    owner = "olga@localhost/home"
    info = STANZAS["info"]
    assert exchange(lab.server, owner, HIDDEN + ".acme", info) != exchange(lab.server, owner, ABSENT + ".acme", info)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def request(lab, tenant, method, path, body):
    connection = UnixConnection(lab.environment["AIOX_SOCKET"])
    headers = {"AIOX-Tenant": tenant, "Content-Type": "application/json"}
    connection.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    kept = sorted((name, value) for name, value in answer.getheaders() if name.lower() not in ("date", "x-request-id"))
    request_id = answer.getheader("X-Request-Id") or "none"
    connection.close()
    return answer.status, str(kept), text.replace(request_id, "REQUEST")


def another_tenants_administrator_is_told_that_there_is_no_such_agent(lab, model):
    for method, path, body in REQUESTS:
        answers = []
        for name in (HIDDEN, ABSENT):
            status, headers, text = request(lab, "globex", method, "/agents/" + name + path, body)
            answers.append((status, headers, text.replace(name, "NAME")))
        assert answers[0] == answers[1], "%s %s: %s, not %s" % (method, path, *answers)
        assert answers[0][0] == 404, "%s %s: %s" % (method, path, answers[0])
    assert request(lab, "acme", "GET", "/agents/" + HIDDEN, None)[0] == 200
    listed = request(lab, "globex", "GET", "/agents", None)
    assert listed[0] == 200 and HIDDEN not in listed[2], listed


def a_terminal_in_another_tenant_says_the_same(lab, model):
    for verb in ("show", "pause", "resume", "delete"):
        said = []
        for name in (HIDDEN, ABSENT):
            status, out, errors = lab.aiox("agent", verb, name, "--tenant", "globex", *["--yes"] * (verb == "delete"),
                                           status=None)
            said.append((status, re.sub("[0-9a-f-]{36}", "ID", out + errors).replace(name, "NAME")))
        assert said[0] == said[1] and said[0][0] == 3, said


def a_name_that_another_tenant_uses_is_free(lab, model):
    made = []
    for name in (HIDDEN, ABSENT):
        status, headers, text = request(lab, "globex", "POST", "/agents",
                                        {"name": name, "owner": "gil@localhost", "model": "builtin/echo"})
        made.append((status, re.sub(r"\d+", "N", headers), re.sub("[0-9a-f-]{36}", "ID", text).replace(name, "NAME")))
    assert made[0] == made[1] and made[0][0] in (200, 201), made
    answer = lab.server.ask("gil@localhost/home", "%s.globex@%s" % (HIDDEN, AGENTS), "mine", "mine-1")
    assert answer.body == "mine", answer.raw
    # The first one is still whose it was.
    assert "<service-unavailable" in exchange(lab.server, PEOPLE["other_tenant"], HIDDEN + ".acme", STANZAS["message"])


def nothing_reached_a_model_or_the_journal(lab, model):
    assert model.total() == 0, model.requests()
    # Only the message to the tenant's own agent of that name.
    assert lab.sql("SELECT count(*) FROM accepted") == "1"
    answer = lab.server.ask("olga@localhost/home", "%s.acme@%s" % (HIDDEN, AGENTS), "Anybody?", "olga-1")
    assert answer.body == "You said: Anybody?" and model.total() == 1, answer.raw


def main():
    model = Model()
    lab = None
    well = False
    try:
        lab = Lab("--set", "openai_url=" + model.url)
        set_up(lab, model)
        well = run([
            who_may_not_talk_to_an_agent_gets_the_answer_for_one_that_is_not_there,
            a_suspended_person_is_a_stranger_to_what_was_theirs,
            a_deleted_agent_was_never_there,
            the_hub_lists_only_what_its_asker_may_see,
            the_comparison_would_see_an_agent_that_answers,
            another_tenants_administrator_is_told_that_there_is_no_such_agent,
            a_terminal_in_another_tenant_says_the_same,
            a_name_that_another_tenant_uses_is_free,
            nothing_reached_a_model_or_the_journal,
        ], lab, model)
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
