#!/usr/bin/env python3
"""Stanzas a running hub must get over: what breaks XML, what is merely too much, what lies about who it is, and floods.
After each, an honest person gets an answer, and the hub is the same process."""

import re
import sys
import time

from withstand import AGENTS, Lab, message, run

ECHO = "echo@" + AGENTS
MEGABYTE = 1_000_000

# What only a broken server lets through: the stream is given up and made anew, each time after a longer pause.
BROKEN = {
    "invalid UTF-8": b"<message from='a@localhost' to='echo@agents.localhost'><body>\xff\xfe</body></message>",
    "half a character": b"<message from='a@localhost' to='echo@agents.localhost'><body>\xe2\x82</body></message>",
    "a control character": b"<message from='a@localhost' to='echo@agents.localhost'><body>\x01</body></message>",
    "an undeclared entity": b"<message from='a@localhost' to='echo@agents.localhost'><body>&lol;</body></message>",
    "entities of a DTD": b"<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lots '&lol;&lol;&lol;&lol;&lol;&lol;'>]>",
}

counter = 0


def still_answers(lab, pid, agent=ECHO, seconds=30):
    global counter
    counter += 1
    text, identity = "honest %d" % counter, "honest-%d" % counter
    lab.server.up()
    answer = lab.server.ask("honest@localhost/phone", agent, text, identity, seconds=seconds)
    assert answer.body == text, answer.raw
    assert lab.pid() == pid, "the hub is another process"


def open_stanza(identity, extra=""):
    return "<message from='mallory@localhost/x' to='%s' type='chat' id='%s'%s>" % (ECHO, identity, extra)


def what_is_no_xml_ends_the_stream_and_nothing_else(lab, pid):
    server = lab.server
    for what, data in BROKEN.items():
        server.up()
        streams = server.streams
        assert server.send(data), what
        try:
            server.wait_for_stream(streams + 1)
        except AssertionError as error:
            raise AssertionError("%s: %s" % (what, error))
    still_answers(lab, pid)


def what_is_over_a_limit_is_refused_and_the_stream_kept(lab, pid):
    server = lab.server
    server.up()
    streams = server.streams
    cases = {
        "deep": open_stanza("deep") + "<a>" * 5000 + "</a>" * 5000 + "</message>",
        "large": open_stanza("large") + "<body>" + "x" * 5 * MEGABYTE + "</body></message>",
        "many": open_stanza("many") + "<c/>" * 60_000 + "</message>",
        "attributes": open_stanza("attributes") + "<a " + " ".join("a%d='1'" % i for i in range(5000)) + "/></message>",
        "name": open_stanza("name") + "<%s/></message>" % ("n" * MEGABYTE),
        "value": open_stanza("value") + "<a b='%s'/></message>" % ("v" * MEGABYTE),
        "spaces": open_stanza("spaces") + "".join("<a%d xmlns='urn:%d'/>" % (i, i)
                  for i in range(20_000)) + "</message>",
    }
    for what, stanza in cases.items():
        begun = time.monotonic()
        assert server.send(stanza), what
        error = server.wait(lambda found: found.get("id") == what, 30, "a refusal of what is %s" % what)
        assert error.is_error and "policy-violation" in error.raw, error.raw[:500]
        assert error.get("to") == "mallory@localhost/x" and error.get("from") == ECHO, error.raw[:500]
        assert time.monotonic() - begun < 15, what
        still_answers(lab, pid)
    assert server.streams == streams, "the stream was not kept"


def who_does_not_say_who_it_is_gets_nothing(lab, pid):
    server = lab.server
    server.up()
    streams, before = server.streams, len(server.stanzas)
    body = "<body>who am I</body><request xmlns='urn:xmpp:receipts'/>"
    for attributes in ("to='%s' id='n1' type='chat'" % ECHO,
                       "from='' to='%s' id='n2' type='chat'" % ECHO,
                       "from='@' to='%s' id='n3' type='chat'" % ECHO,
                       "from='a@@b' to='%s' id='n4' type='chat'" % ECHO,
                       "from='\U0001f600@ \t/' to='%s' id='n5' type='chat'" % ECHO,
                       "from='%s@localhost' to='%s' id='n6' type='chat'" % ("l" * 2000, ECHO),
                       "from='mallory@localhost' id='n7' type='chat'",
                       "from='mallory@localhost' to='' id='n8' type='chat'"):
        for stanza in ("<message %s>%s</message>" % (attributes, body),
                       "<iq %s><ping xmlns='urn:xmpp:ping'/></iq>" % attributes.replace("type='chat'", "type='get'"),
                       "<presence %s/>" % attributes.replace("type='chat'", "type='subscribe'")):
            assert server.send(stanza)
    still_answers(lab, pid)
    came = [found.raw for found in server.stanzas[before:] if re.search(r"\bid=['\"]n\d", found.raw)]
    assert not [raw for raw in came if "received" in raw or "<body>who" in raw], came
    assert server.streams == streams, "the stream was not kept"


def what_is_meant_for_others_is_answered_by_nobody_here(lab, pid):
    """A forged `to`: domains that are not ours, and names that only look like an agent's."""
    server = lab.server
    server.up()
    streams, before, committed = server.streams, len(server.stanzas), accepted(lab)
    targets = ["echo@localhost", "echo@agents.localhost.evil.example", "echo@evil.example", "echo@gents.localhost",
               "evil.example", "echo@AGENTS.localhost.", "echo@agents.localhost@agents.localhost", "' or 1=1@" + AGENTS,
               "../echo@" + AGENTS, "echo%00@" + AGENTS, "e" * 1023 + "@" + AGENTS]
    for number, target in enumerate(targets):
        forged = message("mallory@localhost/x", target.replace("'", "&apos;"), "forged", "forged-%d" % number)
        assert server.send(forged)
    still_answers(lab, pid)
    came = [found for found in server.stanzas[before:] if "forged" in found.raw]
    assert not [found.raw for found in came if found.receipt_for or found.body == "forged"], came
    assert accepted(lab) == committed + 1, "something but the honest message was committed"
    assert server.streams == streams, "the stream was not kept"


def accepted(lab):
    return int(lab.sql("SELECT count(*) FROM accepted"))


def database_size(lab):
    return int(lab.sql("SELECT pg_database_size('aiox')"))


def flat(lab, pid, flood, memory_kb, database_bytes):
    """Neither memory nor disk grows with a flood."""
    still_answers(lab, pid)
    memory, size = lab.memory(), database_size(lab)
    flood()
    still_answers(lab, pid, seconds=60)
    grown, more = lab.memory() - memory, database_size(lab) - size
    print("# memory %+d kB, database %+d bytes" % (grown, more))
    # What a sanitizer keeps of freed memory is not the hub's.
    assert grown < memory_kb or lab.sanitized, "memory grew by %d kB" % grown
    assert more < database_bytes, "the database grew by %d bytes" % more


def flood_of(lab, count, stanza, batch=500):
    for first in range(0, count, batch):
        assert lab.server.send("".join(stanza(number) for number in range(first, min(first + batch, count))))


def a_flood_of_queries_costs_nothing(lab, pid):
    def query(number):
        kind, space = [("get", "http://jabber.org/protocol/disco#info"), ("set", "urn:x:%d" % number)][number % 2]
        return ("<iq from='mallory@localhost/x' to='%s' type='%s' id='f%d'><query xmlns='%s'/></iq>"
                % (ECHO, kind, number, space))

    flat(lab, pid, lambda: flood_of(lab, 20_000, query), 30_000, 2_000_000)


def ten_thousand_presences_cost_nothing(lab, pid):
    def presence(number):
        kind = ["", " type='subscribe'", " type='probe'", " type='unavailable'", " type='unsubscribe'"][number % 5]
        return "<presence from='p%d@localhost/x' to='%s'%s><status>%d</status></presence>" % (
            number, ECHO, kind, number)

    flat(lab, pid, lambda: flood_of(lab, 10_000, presence), 30_000, 4_000_000)


def a_stranger_under_twenty_thousand_names_fills_neither_memory_nor_disk(lab, pid):
    def write(number):
        return message("s%d@far%d.example/x" % (number, number % 500), "vault@" + AGENTS, "open %d" % number,
                       "s%d" % number)

    errors = len(lab.server.errors)
    flat(lab, pid, lambda: flood_of(lab, 20_000, write), 60_000, 8_000_000)
    assert len(lab.server.errors) - errors == 20_000
    # Of so many, what was refused is recorded without their names.
    persons = int(lab.sql("SELECT count(*) FROM persons"))
    assert persons < 5_000, "%d persons" % persons


def main():
    lab, well = None, False
    try:
        lab = Lab()
        lab.aiox("member", "add", lab.account, "--role", "owner")
        for name, visibility in (("echo", "public"), ("vault", "private")):
            lab.aiox("agent", "create", name, "--owner", lab.account, "--visibility", visibility, "--model",
                     "builtin/echo", "--memory", "none")
        well = run([
            what_is_no_xml_ends_the_stream_and_nothing_else,
            what_is_over_a_limit_is_refused_and_the_stream_kept,
            who_does_not_say_who_it_is_gets_nothing,
            what_is_meant_for_others_is_answered_by_nobody_here,
            a_flood_of_queries_costs_nothing,
            ten_thousand_presences_cost_nothing,
            a_stranger_under_twenty_thousand_names_fills_neither_memory_nor_disk,
        ], lab, lab.pid())
    finally:
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
