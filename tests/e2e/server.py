#!/usr/bin/python3
"""A real XMPP server that breaks while a real client talks to an agent: it is killed, stands still for half a minute,
and is restarted in good order. Every message that was receipted is answered, under one id."""

import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from person import RATE, Person, in_thread, play, until  # noqa: E402
from withstand import AGENTS, Lab, run  # noqa: E402


async def break_while_talking(lab, person):
    living = asyncio.ensure_future(person.live())
    try:
        async def heard(what):
            known = len(person.receipts)
            await until(lambda: len(person.receipts) > known + RATE, 60, lambda: "talk after " + what)

        await heard("the start")
        for around in range(2):
            await in_thread(lab.lab, "kill", "ejabberd", "KILL")
            await in_thread(lab.lab, "start", "ejabberd")
            await heard("a kill")
        await in_thread(lab.lab, "kill", "ejabberd", "STOP")
        await asyncio.sleep(30)
        await in_thread(lab.lab, "start", "ejabberd")
        await heard("half a minute")
        await in_thread(lab.lab, "kill", "ejabberd", "TERM")
        await asyncio.sleep(2)
        await in_thread(lab.lab, "start", "ejabberd")
        await heard("a restart")
        person.speaking = False
        await until(lambda: not person.unanswered(), 60, lambda: "an answer to %s" % person.unanswered()[:5])
    finally:
        person.ended = True
        await asyncio.wait([living], timeout=15)


def a_server_that_breaks_costs_no_receipted_message_its_answer():
    lab, well = None, False
    try:
        lab = Lab(servers=0)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "echo", "--owner", lab.account, "--visibility", "public", "--model", "builtin/echo",
                 "--memory", "none")
        pid = lab.pid()
        person = Person(lab, lab.account, lab.environment["ACCOUNT_PASSWORD"], "echo@" + AGENTS)
        play(break_while_talking(lab, person))
        print("# sent %d, receipted %d, answered %d, streams %d"
              % (person.sent, len(person.receipts), len(person.answers), person.streams))
        assert lab.pid() == pid, "the hub is another process"
        assert person.streams >= 4, "the server never broke"
        assert not person.answered_twice(), "answered under two ids: %s" % person.answered_twice()
        well = True
    finally:
        if lab:
            lab.down(failed=not well)


if __name__ == "__main__":
    sys.exit(0 if run([a_server_that_breaks_costs_no_receipted_message_its_answer]) else 1)
