#!/usr/bin/env python3
"""Presence and subscriptions, from the side of the server: who is subscribed hears what an agent does and when access
ends, byte by byte on the stream; floods, loops and strangers cost next to nothing."""

import re
import sys
import time

from withstand import AGENTS, Lab, message, run, until

HOME = "@localhost/home"


def presence(person, to, kind=None, inner=""):
    """As the person's server sends it: subscriptions from the bare JID, RFC 6121 §3.1."""
    bare = kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed")
    return "<presence from='%s' to='%s'%s>%s</presence>" % (
        person.split("/")[0] if bare else person, to, " type='%s'" % kind if kind else "", inner)


def told(server, person, agent, since=0):
    """What a person was told of an agent, in order: "away (reason)" and the like."""
    said = []
    for stanza in server.stanzas[since:]:
        if stanza.name != "presence" or stanza.get("to").split("/")[0] != person.split("/")[0] or \
                stanza.get("from").split("/")[0] != agent:
            continue
        kind = stanza.get("type") or stanza.texts.get("show") or "available"
        said.append(kind + (" (%s)" % stanza.texts["status"] if "status" in stanza.texts else ""))
        if not stanza.get("type") or kind == "unavailable":
            assert stanza.get("from") == agent + "/aiox", stanza.raw
        else:
            assert stanza.get("from") == agent and stanza.get("to") == person.split("/")[0], stanza.raw
    return said


def hears(server, person, agent, expected, since=0, seconds=20):
    until(lambda: told(server, person, agent, since) == expected, seconds,
          "%s hears %s of %s, not %s" % (person, expected, agent, told(server, person, agent, since)))


def settle(server):
    """Everything that the hub says from memory in answer to what was sent so far has come."""
    mark = "mark-%d" % time.monotonic_ns()
    assert server.send("<iq from='marker@localhost/m' to='%s' type='get' id='%s'><ping xmlns='urn:xmpp:ping'/></iq>"
                       % (AGENTS, mark))
    server.wait(lambda found: found.get("id") == mark, 60, "the mark")


def kept(lab, agent=None):
    of = " AND agent_id IN (SELECT id FROM agents WHERE name = '%s' AND state <> 'deleted')" % agent if agent else ""
    return int(lab.sql("SELECT count(*) FROM subscriptions WHERE removed_at IS NULL" + of))


def subscribe(server, person, agent):
    since = len(server.stanzas)
    server.send(presence(person, agent, "subscribe"))
    hears(server, person, agent, ["subscribed", "available"], since)
    return len(server.stanzas)


def agent(lab, name, visibility, owner="olga@localhost"):
    lab.aiox("agent", "create", name, "--owner", owner, "--visibility", visibility, "--model", "builtin/echo",
             "--memory", "none", "--tenant", "acme")
    return "%s.acme@%s" % (name, AGENTS)


def who_is_subscribed_sees_the_agent_pause_resume_and_go(lab):
    server, desk, zoe = lab.server, agent(lab, "desk", "public"), "zoe" + HOME
    since = len(server.stanzas)
    subscribe(server, zoe, desk)
    assert kept(lab, "desk") == 1
    listed = lab.aiox("subscription", "list", "desk", "--tenant", "acme")
    assert "zoe@localhost" in listed, listed
    lab.aiox("agent", "pause", "desk", "--reason", "Back at noon.", "--tenant", "acme")
    hears(server, zoe, desk, ["subscribed", "available", "away (Back at noon.)"], since)
    lab.aiox("agent", "resume", "desk", "--tenant", "acme")
    hears(server, zoe, desk, ["subscribed", "available", "away (Back at noon.)", "available"], since)
    # Who subscribes again is answered at once, from memory.
    again = len(server.stanzas)
    server.send(presence(zoe, desk, "subscribe"))
    settle(server)
    assert told(server, zoe, desk, again) == ["subscribed", "available"]
    since = len(server.stanzas)
    lab.aiox("agent", "delete", "desk", "--tenant", "acme", "--yes")
    hears(server, zoe, desk, ["unsubscribed", "unavailable"], since)
    assert kept(lab) == 0


def who_unsubscribes_hears_no_more(lab):
    server, hall, zoe = lab.server, agent(lab, "hall", "public"), "zoe" + HOME
    since = subscribe(server, zoe, hall)
    server.send(presence(zoe, hall, "unsubscribe"))
    hears(server, zoe, hall, ["unsubscribed", "unavailable"], since)
    assert kept(lab, "hall") == 0
    lab.aiox("agent", "pause", "hall", "--tenant", "acme")
    settle(server)
    assert told(server, zoe, hall, since) == ["unsubscribed", "unavailable"]
    since = len(server.stanzas)
    # Who changes his mind in one breath is in the end what he said last.
    for _ in range(5):
        server.send(presence(zoe, hall, "subscribe") + presence(zoe, hall, "unsubscribe"))
    server.send(presence(zoe, hall, "subscribe"))
    until(lambda: kept(lab, "hall") == 1 and told(server, zoe, hall, since)[-2:] == ["subscribed", "away"], 20,
          "the last word")


def a_probe_is_answered_from_memory_and_keeps_who_is_held_subscribed_elsewhere(lab):
    server, gate, home = lab.server, agent(lab, "gate", "tenant"), agent(lab, "home", "private")
    since = len(server.stanzas)
    server.send(presence("mia" + HOME, gate, "probe"))
    settle(server)
    assert told(server, "mia" + HOME, gate, since)[:1] == ["available"]
    until(lambda: kept(lab, "gate") == 1, 20, "the subscription of whose server probed")
    lab.aiox("agent", "pause", "gate", "--reason", "Closed.", "--tenant", "acme")
    until(lambda: told(server, "mia" + HOME, gate, since)[-1] == "away (Closed.)", 20, "the pause")
    since = len(server.stanzas)
    for target in (gate, home, "void.acme@" + AGENTS):
        server.send(presence("zoe" + HOME, target, "probe"))
        settle(server)
        assert told(server, "zoe" + HOME, target, since) == ["unsubscribed"], target
    assert kept(lab, "gate") == 1 and kept(lab, "home") == 0


def the_hub_itself_is_a_contact_of_whom_it_keeps_no_list(lab):
    server, since, before = lab.server, len(lab.server.stanzas), kept(lab)
    for kind in ("subscribe", "probe"):
        server.send(presence("zoe" + HOME, AGENTS, kind))
    settle(server)
    said = [(found.get("type"), found.get("from")) for found in server.stanzas[since:] if found.name == "presence"]
    assert said == [("subscribed", AGENTS), ("", AGENTS), ("", AGENTS)], said
    assert kept(lab) == before


def a_store_that_stands_still_or_is_gone_holds_up_no_presence(lab):
    server, dark = lab.server, agent(lab, "dark", "public")
    lab.lab("kill", "postgres", "STOP")
    try:
        since = len(server.stanzas)
        server.send(presence("zoe" + HOME, dark, "probe"))
        settle(server)
        assert told(server, "zoe" + HOME, dark, since) == ["available"]
        for person in ("amy", "ann"):
            server.send(presence(person + HOME, dark, "subscribe"))
        settle(server)  # nobody waits for the store
    finally:
        lab.lab("start", "postgres")
    until(lambda: kept(lab, "dark") == 3, 60, "what could be kept at last")
    lab.lab("kill", "postgres", "KILL")
    before = len(server.stanzas)
    server.send(presence("bea" + HOME, dark, "subscribe") + presence("bob" + HOME, dark, "probe"))
    hears(server, "bea" + HOME, dark, ["error"], before)
    error = server.wait(lambda found: found.is_error and found.get("to") == "bea@localhost")
    assert "resource-constraint" in error.raw and "wait" in error.raw, error.raw
    assert told(server, "bob" + HOME, dark, before) == ["available"]  # who did not ask is not told
    lab.lab("start", "postgres")
    for person in ("amy", "ann"):
        until(lambda: told(server, person + HOME, dark, since)[:2] == ["subscribed", "available"], 20, "the answer")


def when_access_ends_the_subscriber_is_told_and_forgotten(lab):
    server = lab.server
    lent, team, wide = agent(lab, "lent", "shared"), agent(lab, "team", "tenant"), agent(lab, "wide", "public")

    def ended(person, target, name, end):
        since = subscribe(server, person, target)
        end()
        hears(server, person, target, ["unsubscribed", "unavailable"], since)
        until(lambda: kept(lab, name) == 0, 20, "the row to go")
        since = len(server.stanzas)
        server.send(presence(person, target, "subscribe"))
        settle(server)
        assert told(server, person, target, since) == ["unsubscribed"]

    tenant = ("--tenant", "acme")
    lab.aiox("grant", "add", "lent", "zoe@localhost", *tenant)
    ended("zoe" + HOME, lent, "lent", lambda: lab.aiox("grant", "remove", "lent", "zoe@localhost", "--yes", *tenant))
    soon = time.strftime("%FT%TZ", time.gmtime(time.time() + 8))
    lab.aiox("grant", "add", "lent", "elsewhere.example", "--expires", soon, *tenant)
    ended("eve@elsewhere.example/x", lent, "lent", lambda: None)  # by itself
    lab.aiox("member", "add", "mia@localhost", "--role", "viewer", *tenant)
    ended("mia" + HOME, team, "team", lambda: lab.aiox("member", "remove", "mia@localhost", "--yes", *tenant))
    ended("zoe" + HOME, wide, "wide", lambda: lab.aiox("agent", "update", "wide", "--visibility", "tenant", *tenant))
    lab.aiox("agent", "update", "wide", "--visibility", "public", *tenant)
    lab.aiox("account", "create", "sue@localhost")
    ended("sue" + HOME, wide, "wide", lambda: lab.aiox("account", "suspend", "sue@localhost", "--yes"))
    ended("zoe" + HOME, wide, "wide", lambda: lab.aiox("tenant", "update", "acme", "--state", "suspended"))
    lab.aiox("tenant", "update", "acme", "--state", "active")
    # One that is ended by the owner may come back.
    since = subscribe(server, "zoe" + HOME, wide)
    lab.aiox("subscription", "remove", "wide", "--who", "zoe@localhost", "--yes", *tenant)
    hears(server, "zoe" + HOME, wide, ["unsubscribed", "unavailable"], since)
    subscribe(server, "zoe" + HOME, wide)


def a_stop_says_goodbye_and_every_start_says_hello(lab):
    server, lamp, people = lab.server, agent(lab, "lamp", "public"), ["p%d%s" % (i, HOME) for i in range(30)]
    lab.stop("hub_2")  # from here on there is only one
    until(lambda: not lab.servers[1].connection, 30, "the end of the second")
    for person in people:
        subscribe(server, person, lamp)
    since = len(server.stanzas)
    lab.stop("hub_1")
    for person in people:
        hears(server, person, lamp, ["unavailable"], since)
    until(lambda: not server.connection, 30, "the end of the stream")
    for end in ("TERM", "KILL"):
        since = len(server.stanzas)
        lab.lab("start", "hub_1")
        for person in people:
            hears(server, person, lamp, ["available"], since)
        if end == "TERM":
            lab.lab("kill", "hub_1", "KILL")
            until(lambda: not server.connection, 30, "the end of the stream")
    # And a stream that breaks is followed by another hello.
    since = len(server.stanzas)
    server.close()
    for person in people:
        hears(server, person, lamp, ["available"], since, 40)


def ten_thousand_subscriptions_of_strangers_leave_nothing(lab):
    server, safe = lab.server, agent(lab, "safe", "private")
    count = "SELECT (SELECT count(*) FROM operation_log) || ' ' || (SELECT count(*) FROM subscriptions)"
    before, memory, begun = lab.sql(count), lab.memory(), time.monotonic()
    since = len(server.stanzas)
    for start in range(0, 10000, 500):
        server.send("".join(presence("s%d@localhost" % i, safe, "subscribe") for i in range(start, start + 500)))
        settle(server)
    answers = [stanza.get("type") for stanza in server.stanzas[since:] if stanza.name == "presence"]
    assert answers == ["unsubscribed"] * 10000, (len(answers), set(answers))
    grown = lab.memory() - memory
    print("# %.1f s, %d kB" % (time.monotonic() - begun, grown))
    assert lab.sql(count) == before, "%s, not %s" % (lab.sql(count), before)
    assert grown < (60_000 if lab.sanitized else 20_000), grown


def another_tenants_agent_keeps_no_subscription(lab):
    server = lab.server
    lab.aiox("tenant", "create", "globex", "--owner", "gil@localhost")
    agent(lab, "inner", "tenant")
    for name in ("inner.acme", "void.acme", "inner.globex"):
        since = len(server.stanzas)
        server.send(presence("gil" + HOME, "%s@%s" % (name, AGENTS), "subscribe"))
        settle(server)
        assert told(server, "gil" + HOME, "%s@%s" % (name, AGENTS), since) == ["unsubscribed"]
    assert kept(lab, "inner") == 0


def one_who_subscribes_and_unsubscribes_without_end_is_slowed_down(lab):
    server, door = lab.server, agent(lab, "door", "public")
    operations = "SELECT count(*) FROM operation_log WHERE operation LIKE 'subscription-%'"
    before, since = int(lab.sql(operations)), len(server.stanzas)
    for _ in range(400):
        server.send(presence("bot@localhost", door, "subscribe") + presence("bot@localhost", door, "unsubscribe"))
    settle(server)
    until(lambda: told(server, "bot@localhost", door, since)[-1:] != [], 10, "an answer")
    time.sleep(1)  # for what should not happen
    said = told(server, "bot@localhost", door, since)
    ran = int(lab.sql(operations)) - before
    print("# %d operations, %d answers" % (ran, len(said)))
    assert ran <= 130, ran
    assert set(said) <= {"subscribed", "unsubscribed", "available", "unavailable", "error"}, set(said)
    limits = [stanza for stanza in server.stanzas[since:] if stanza.name == "presence" and stanza.is_error]
    assert not limits or ("resource-constraint" in limits[0].raw and "wait" in limits[0].raw)
    subscribe(server, "patient" + HOME, door)  # others are served


def another_bot_that_answers_everything_gets_no_loop(lab):
    """It answers every presence with a subscription, its end, and a presence of its own."""
    server, hook = lab.server, agent(lab, "hook", "public")
    since = answered = len(server.stanzas)
    server.send(presence("loop@localhost", hook, "subscribe"))
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for stanza in server.stanzas[answered:]:
            if stanza.name == "presence" and stanza.get("to").startswith("loop@localhost"):
                for kind in ("subscribe", "subscribed", "unsubscribe", "subscribe", "probe", None):
                    server.send(presence("loop@localhost" + ("" if kind else "/x"), hook, kind))
        answered = len(server.stanzas)
        time.sleep(0.01)
    said = [stanza for stanza in server.stanzas[since:] if stanza.get("to").startswith("loop@localhost")]
    print("# %d stanzas in 5 s" % len(said))
    assert len(said) < 4000, len(said)
    assert not [stanza for stanza in said if stanza.get("type") in ("subscribe", "unsubscribe", "probe")]
    settle(server)
    subscribe(server, "calm" + HOME, hook)


def agents_keep_no_contacts_and_none_talks_to_itself_for_long(lab):
    server, one, two = lab.server, agent(lab, "one", "public"), agent(lab, "two", "public")
    before = kept(lab)
    for sender in (one, two):
        since = len(server.stanzas)
        server.send(presence(sender, two, "subscribe"))
        settle(server)
        assert told(server, sender, two, since) == ["unsubscribed"], sender
        server.send(presence(sender + "/aiox", two, "probe") + presence(sender, two, "unsubscribe"))
        settle(server)
    assert kept(lab) == before
    # A server that routes an agent's words back to the agent they are for.
    routed = {"count": 0}
    done = len(server.stanzas)
    server.send(message(one + "/aiox", one, "Hello, me.", "self-1"))
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for stanza in server.stanzas[done:]:
            if stanza.get("to").split("/")[0] in (one, two) and stanza.name in ("message", "presence"):
                routed["count"] += 1
                server.send(re.sub(r" xmlns='jabber:component:accept'", "", stanza.raw))
        done = len(server.stanzas)
        time.sleep(0.01)
    print("# %d stanzas routed back in 5 s" % routed["count"])
    assert 0 < routed["count"] < 10, routed


def presence_of_people_is_counted_and_nothing_else(lab):
    server, memory = lab.server, lab.memory()
    target = agent(lab, "quiet", "public")
    subscribe(server, "amy" + HOME, target)
    settle(server)
    since = len(server.stanzas)
    caps = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='%s'/>"
    for start in range(0, 20000, 1000):
        server.send("".join(presence("amy@localhost/%d" % i, target, (None, "unavailable")[i % 2], caps % i)
                            for i in range(start, start + 1000)))
    settle(server)
    answers = [stanza for stanza in server.stanzas[since:] if stanza.name != "iq"]
    assert not answers, answers[0].raw
    assert lab.memory() - memory < (60_000 if lab.sanitized else 10_000)
    subscribe(server, "ann" + HOME, target)


def another_hub_of_the_domain_goes_on_without_a_goodbye(lab):
    one, two, shop = lab.servers[0], lab.servers[1], agent(lab, "shop", "public")
    two.up()
    since = len(two.stanzas)
    subscribe(one, "zoe" + HOME, shop)
    until(lambda: "available" in told(two, "zoe" + HOME, shop, since), 20, "the other hub to know")
    since = [len(one.stanzas), len(two.stanzas)]
    lab.aiox("agent", "pause", "shop", "--tenant", "acme")
    for server, before in zip((one, two), since):
        until(lambda: told(server, "zoe" + HOME, shop, before) == ["away"], 20, "away by both")
    lab.stop("hub_1")
    until(lambda: not one.connection, 30, "the end of the first")
    assert told(one, "zoe" + HOME, shop, since[0]) == ["away"], told(one, "zoe" + HOME, shop, since[0])
    since[1] = len(two.stanzas)
    lab.stop("hub_2")
    hears(two, "zoe" + HOME, shop, ["unavailable"], since[1])
    for name, server in (("hub_1", one), ("hub_2", two)):
        before = len(server.stanzas)
        lab.lab("start", name)
        hears(server, "zoe" + HOME, shop, ["away"], before)


def main():
    lab = None
    well = False
    try:
        lab = Lab(servers=2)
        lab.aiox("tenant", "create", "acme", "--owner", "olga@localhost")
        lab.aiox("member", "add", "mia@localhost", "--role", "viewer", "--tenant", "acme")
        lab.server.up()
        well = run([
            who_is_subscribed_sees_the_agent_pause_resume_and_go,
            who_unsubscribes_hears_no_more,
            a_probe_is_answered_from_memory_and_keeps_who_is_held_subscribed_elsewhere,
            the_hub_itself_is_a_contact_of_whom_it_keeps_no_list,
            a_store_that_stands_still_or_is_gone_holds_up_no_presence,
            when_access_ends_the_subscriber_is_told_and_forgotten,
            another_hub_of_the_domain_goes_on_without_a_goodbye,
            a_stop_says_goodbye_and_every_start_says_hello,
            ten_thousand_subscriptions_of_strangers_leave_nothing,
            another_tenants_agent_keeps_no_subscription,
            one_who_subscribes_and_unsubscribes_without_end_is_slowed_down,
            another_bot_that_answers_everything_gets_no_loop,
            agents_keep_no_contacts_and_none_talks_to_itself_for_long,
            presence_of_people_is_counted_and_nothing_else,
        ], lab)
    finally:
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
