#!/usr/bin/env python3
"""Rates of a hub as it comes: who sends too much is told when to try again, and takes nothing from others."""

import sys

from withstand import AGENTS, Lab, run

ECHO = "echo@" + AGENTS
SENDER, DOMAIN = 6, 10


def flood(server, person, count, name):
    """What came back for each: an answer's text, or an error's condition."""
    found = [server.ask(person, ECHO, "%s %d" % (name, number), "%s-%d" % (name, number)) for number in range(count)]
    return ["refused" if answer.is_error else answer.body for answer in found], found[-1].raw


def who_writes_too_fast_is_told_when_to_try_again(lab):
    said, last = flood(lab.server, "fast@localhost/x", SENDER + 2, "fast")
    # Receipts and what else a client sends count too: at least one gets through, and not more than the rate.
    assert said.count("refused") >= 2 and said[0] == "fast 0", said
    assert "resource-constraint" in last and "type='wait'" in last and "Try again in" in last, last


def others_are_not_concerned(lab):
    said, _ = flood(lab.server, "calm@localhost/x", 2, "calm")
    assert said == ["calm 0", "calm 1"], said


def another_server_has_one_rate_for_all_its_people(lab):
    said = [flood(lab.server, "p%d@elsewhere.example/x" % number, 1, "p%d" % number)[0][0]
            for number in range(DOMAIN + 3)]
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
