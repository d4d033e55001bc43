#!/usr/bin/python3
"""A real XMPP server that breaks while a real client talks to an agent: it is killed, stands still for half a minute,
and is restarted in good order. Every message that was receipted is answered, under one id."""

import asyncio
import collections
import logging
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, run  # noqa: E402

try:
    logging.disable(logging.CRITICAL)
    import slixmpp
except ImportError:
    print("1..0 # SKIP slixmpp is not installed")
    sys.exit(0)

RATE = 20


class Person:
    """Writes and listens; connects again whenever its stream ends."""

    def __init__(self, lab):
        self.environment = lab.environment
        self.sent, self.receipts, self.answers = 0, set(), collections.defaultdict(set)
        self.refused, self.client, self.streams, self.ended = set(), None, 0, False

    def connect(self):
        client = slixmpp.ClientXMPP(self.environment["ACCOUNT_JID"], self.environment["ACCOUNT_PASSWORD"])
        client.register_plugin("xep_0184")  # confirms what it gets
        client.register_plugin("xep_0199")
        client.online = False
        client.add_event_handler("session_start", self.started)
        client.add_event_handler("message", self.take)
        client.add_event_handler("message_error", self.take_error)
        client.add_event_handler("receipt_received", self.take_receipt)
        client.connect((self.environment["XMPP_HOST"], int(self.environment["XMPP_PORT"])), force_starttls=False,
                       disable_starttls=True)
        self.client = client

    def started(self, _):
        self.streams += 1
        self.client.online = True
        self.client.send_presence()

    def take(self, message):
        if message["type"] != "error" and message["body"] and not message["id"].endswith(".draft"):
            self.answers[message["body"]].add(message["id"])

    def take_error(self, message):
        self.refused.add(message["id"])

    def take_receipt(self, message):
        self.receipts.add(message["receipt"])

    def speak(self):
        self.sent += 1
        message = self.client.make_message("echo@" + AGENTS, "text %d" % self.sent, mtype="chat")
        message["id"] = "m%d" % self.sent
        message["request_receipt"] = True
        message.send()

    def unanswered(self):
        return [name for name in self.receipts if "text " + name[1:] not in self.answers]

    async def live(self):
        """Keeps a stream up, and speaks at RATE while there is one."""
        while not self.ended:
            self.connect()
            patience = time.monotonic() + 10
            while not self.ended and not self.client.online and time.monotonic() < patience:
                await asyncio.sleep(0.1)
            while not self.ended and self.client.online and self.client.is_connected():
                if self.speaking:
                    self.speak()
                await asyncio.sleep(1 / RATE)
            self.client.abort()
            await asyncio.sleep(0.2)

    speaking = True


async def in_thread(function, *arguments):
    await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


async def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "%s did not happen within %d seconds" % (what(), seconds)
        await asyncio.sleep(0.1)


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
        pid, person = lab.pid(), Person(lab)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(break_while_talking(lab, person))
        print("# sent %d, receipted %d, answered %d, streams %d"
              % (person.sent, len(person.receipts), len(person.answers), person.streams))
        assert lab.pid() == pid, "the hub is another process"
        assert person.streams >= 4, "the server never broke"
        twice = {text: ids for text, ids in person.answers.items() if len(ids) > 1}
        assert not twice, "answered under two ids: %s" % twice
        well = True
    finally:
        if lab:
            lab.down(failed=not well)


if __name__ == "__main__":
    sys.exit(0 if run([a_server_that_breaks_costs_no_receipted_message_its_answer]) else 1)
