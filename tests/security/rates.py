#!/usr/bin/env python3
"""Rates of a hub as it comes: who sends too much is told when to try again, and takes nothing from others."""

import sys

from withstand import AGENTS, Lab, message, run

ECHO = "echo@" + AGENTS
SENDER, DOMAIN = 6, 10


def flood(server, people, name):
    """All at once, one of each; what came back for each: an answer's text, or `refused`. And one refusal."""
    names = ["%s-%d" % (name, number) for number in range(len(people))]
    server.send("".join(message(person, ECHO, name, name) for person, name in zip(people, names)))
    found = [server.wait(lambda stanza: stanza.is_error and stanza.get("id") == name or stanza.body == name, 30,
                         "what came of " + name) for name in names]
    return (["refused" if answer.is_error else answer.body for answer in found],
            next((answer.raw for answer in found if answer.is_error), ""))


def who_writes_too_fast_is_told_when_to_try_again(lab):
    said, refusal = flood(lab.server, ["fast@localhost/x"] * (SENDER + 2), "fast")
    # Receipts and what else a client sends count too: at least one gets through, and not more than the rate.
    assert said.count("refused") >= 2 and said[0] == "fast-0", said
    assert "resource-constraint" in refusal and "type='wait'" in refusal and "Try again in" in refusal, refusal


def others_are_not_concerned(lab):
    said, _ = flood(lab.server, ["calm@localhost/x"] * 2, "calm")
    assert said == ["calm-0", "calm-1"], said


def another_server_has_one_rate_for_all_its_people(lab):
    said, _ = flood(lab.server, ["p%d@elsewhere.example/x" % number for number in range(DOMAIN + 3)], "p")
    assert 3 <= said.count("refused") < len(said), said


def main():
    lab = None
    well = False
    try:
        lab = Lab("--set", "sender_rate=%d" % SENDER, "--set", "domain_rate=%d" % DOMAIN)
        lab.server.up()
        lab.aiox("agent", "create", "echo", "--visibility", "public", "--model", "builtin/echo")
        well = run([who_writes_too_fast_is_told_when_to_try_again, others_are_not_concerned,
                    another_server_has_one_rate_for_all_its_people], lab)
    finally:
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
