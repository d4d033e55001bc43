#!/usr/bin/env python3
"""Ad-hoc commands in hostile hands: sessions by the thousand, forms that are too much or none at all, and floods. After
each, an honest member's command is still carried out, by the same process."""

import re
import sys
import time

from withstand import AGENTS, Lab, run

ECHO = "echo.acme@" + AGENTS
OLGA = "olga@localhost/desk"
COMMANDS = "http://jabber.org/protocol/commands"
PEOPLE, WINDOW = 10_000, 8

counter = 0


def command(person, to, node, identity, session=None, action="execute", form=""):
    session = " sessionid='%s'" % session if session else ""
    return ("<iq type='set' from='%s' to='%s' id='%s'><command xmlns='%s' node='%s' action='%s'%s>%s</command></iq>"
            % (person, to, identity, COMMANDS, node, action, session, form))


def submit(**values):
    fields = "".join("<field var='%s'><value>%s</value></field>" % item for item in values.items())
    return "<x xmlns='jabber:x:data' type='submit'>%s</x>" % fields


def ask(lab, person, to, node, session=None, action="execute", form=""):
    global counter
    counter += 1
    identity = "c%d" % counter
    assert lab.server.send(command(person, to, node, identity, session, action, form))
    return lab.server.wait(lambda found: found.get("id") == identity, 30, "an answer to %s" % identity).raw


def session_of(raw):
    return re.search(r"sessionid='([0-9a-f]{32})'", raw).group(1)


def forget(lab):
    with lab.server.lock:
        lab.server.stanzas.clear()


def still_works(lab, pid):
    begun = ask(lab, OLGA, ECHO, "agent-pause")
    done = ask(lab, OLGA, ECHO, "agent-pause", session_of(begun), "complete", submit(reason="Tea."))
    assert "status='completed'" in done and "paused" in done, done
    assert "status='completed'" in ask(lab, OLGA, ECHO, "agent-resume"), "it was not resumed"
    assert lab.pid() == pid, "the hub is another process"
    forget(lab)


def ten_thousand_sessions_leave_the_memory_flat_and_room_for_members(lab, pid):
    """Each of another guest, on an agent that everybody may talk to; each would stay at its question."""
    opened, refused, before = 0, 0, 0
    for first in range(0, PEOPLE, WINDOW):
        names = ["s%d" % number for number in range(first, first + WINDOW)]
        for number, name in enumerate(names, first):
            person = "p%d@domain%d.example/x" % (number, number % 200)
            assert lab.server.send(command(person, ECHO, "conversation-forget", name))
        for name in names:
            raw = lab.server.wait(lambda found, name=name: found.get("id") == name, 30, name).raw
            opened += "status='executing'" in raw
            refused += "resource-constraint" in raw
        forget(lab)
        if first == PEOPLE // 2:
            before = lab.memory()
    assert opened + refused == PEOPLE and 0 < opened <= 500, (opened, refused)
    grown = lab.memory() - before
    print("# %d were opened, %d refused; the second half took %d kB" % (opened, refused, grown))
    assert lab.sanitized or grown < 4096, "it took %d kB" % grown
    still_works(lab, pid)


def what_is_too_much_is_refused_and_the_session_goes_on(lab, pid):
    begun = ask(lab, OLGA, ECHO, "agent-pause")
    session = session_of(begun)
    raw = ask(lab, OLGA, ECHO, "agent-pause", session, "complete", submit(reason="x" * 1_000_000))
    assert "policy-violation" in raw and len(raw) < 1000, raw[:500]
    raw = ask(lab, OLGA, ECHO, "agent-pause", session, "complete", submit(reason="x" * 200_000))
    assert "status='executing'" in raw and "<note type='error'>" in raw, raw[:500]
    many = "".join("<field var='f%d'><value>1</value></field>" % number for number in range(900))
    raw = ask(lab, OLGA, ECHO, "agent-pause", session, "complete",
              "<x xmlns='jabber:x:data' type='submit'>%s</x>" % many)
    assert "was not asked for" in raw, raw[:500]
    values = "<field var='reason'>%s</field>" % ("<value>1</value>" * 900)
    raw = ask(lab, OLGA, ECHO, "agent-pause", session, "complete",
              "<x xmlns='jabber:x:data' type='submit'>%s</x>" % values)
    assert "takes one value" in raw, raw[:500]
    for form in ("<x xmlns='jabber:x:data'/>", "<x xmlns='jabber:x:data' type='result'/>",
                 "<x xmlns='jabber:x:data' type='submit'><field/></x>"):
        assert "bad-payload" in ask(lab, OLGA, ECHO, "agent-pause", session, "complete", form)
    raw = ask(lab, OLGA, ECHO, "agent-pause", session, "complete", "<x xmlns='jabber:x:data' type='cancel'/>")
    assert "status='canceled'" in raw, raw
    still_works(lab, pid)


def what_is_typed_into_a_form_is_only_text(lab, pid):
    for text in ("'; DROP TABLE agents; --", "%s%n", "\\x00", "&lt;/value&gt;&lt;script&gt;", "&#9;"):
        begun = ask(lab, OLGA, ECHO, "agent-pause")
        raw = ask(lab, OLGA, ECHO, "agent-pause", session_of(begun), "complete", submit(reason=text))
        assert "status='completed'" in raw, raw
        assert "status='completed'" in ask(lab, OLGA, ECHO, "agent-resume")
        raw = ask(lab, OLGA, AGENTS, "agent-show")
        raw = ask(lab, OLGA, AGENTS, "agent-show", session_of(raw), "complete", submit(agent=text))
        assert "<note type='error'>" in raw, raw
    still_works(lab, pid)


def a_flood_of_questions_keeps_nobody_else_waiting(lab, pid):
    """Most are answered with `wait` at once; nothing of it is a job that others wait for."""
    items = ("<iq type='get' from='mallory@localhost/x' to='%s' id='f%d'>"
             "<query xmlns='http://jabber.org/protocol/disco#items' node='%s'/></iq>")
    assert lab.server.send("".join(items % (AGENTS, number, COMMANDS) for number in range(3000)))
    begun = time.monotonic()
    still_works(lab, pid)
    assert time.monotonic() - begun < 5, "others waited %.1f s" % (time.monotonic() - begun)


def what_was_refused_is_recorded(lab, pid):
    raw = ask(lab, "mia@localhost/x", ECHO, "agent-delete")
    assert "<forbidden " in raw and "sessionid" not in raw, raw
    count = lab.sql("SELECT count(*) FROM operation_log WHERE operation = 'agent-delete' AND outcome = 'forbidden' "
                    "AND door = 'command'")
    assert count == "1", count
    still_works(lab, pid)


def a_hub_that_starts_again_knows_no_session(lab, pid):
    session = session_of(ask(lab, OLGA, ECHO, "agent-pause"))
    lab.lab("kill", "hub")
    lab.lab("start", "hub")
    lab.server.up()
    raw = ask(lab, OLGA, ECHO, "agent-pause", session, "complete", submit(reason="Tea."))
    assert "<not-allowed " in raw and "<session-expired " in raw, raw
    still_works(lab, lab.pid())


def main():
    lab, well = None, False
    try:
        lab = Lab()
        lab.aiox("tenant", "create", "acme", "--owner", "olga@localhost")
        lab.aiox("member", "add", "mia@localhost", "--role", "viewer", "--tenant", "acme")
        lab.aiox("agent", "create", "echo", "--model", "builtin/echo", "--visibility", "public", "--tenant", "acme",
                 "--owner", "olga@localhost")
        lab.server.up()
        well = run([
            what_is_too_much_is_refused_and_the_session_goes_on,
            what_is_typed_into_a_form_is_only_text,
            what_was_refused_is_recorded,
            a_flood_of_questions_keeps_nobody_else_waiting,
            ten_thousand_sessions_leave_the_memory_flat_and_room_for_members,
            a_hub_that_starts_again_knows_no_session,
        ], lab, lab.pid())
    finally:
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
