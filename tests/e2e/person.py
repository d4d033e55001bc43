"""A person at a real XMPP server: slixmpp, which writes to an agent at a steady rate, keeps what comes back, and
connects again whenever its stream ends. Belongs to one event loop."""

import asyncio
import collections
import logging
import sys
import time

from unencrypted import connect

try:
    logging.disable(logging.CRITICAL)
    import slixmpp
except ImportError:
    print("1..0 # SKIP slixmpp is not installed")
    sys.exit(0)

RATE = 20


class Person:
    """What it says is its word and a number, under the id "mN"; with `threads`, each in a conversation of its own."""

    def __init__(self, lab, jid, password, agent, node=1, word="text", threads=False):
        environment = lab.environment
        self.address = (environment["XMPP_HOST"], int(environment.get("XMPP_PORT_%d" % node, environment["XMPP_PORT"])))
        self.jid, self.password, self.agent, self.word, self.threads = jid, password, agent, word, threads
        self.sent, self.receipts, self.answers = 0, set(), collections.defaultdict(set)
        self.refused, self.client, self.streams, self.ended = {}, None, 0, False
        self.speaking = True

    def connect(self):
        client = slixmpp.ClientXMPP(self.jid, self.password)
        client.register_plugin("xep_0184")  # confirms what it gets
        client.register_plugin("xep_0199")
        client.online = False
        client.add_event_handler("session_start", self.started)
        client.add_event_handler("message", self.take)
        client.add_event_handler("message_error", self.take_error)
        client.add_event_handler("receipt_received", self.take_receipt)
        connect(client, self.address)
        self.client = client

    def started(self, _):
        self.streams += 1
        self.client.online = True
        self.client.send_presence()

    def take(self, message):
        if message["type"] != "error" and message["body"] and not message["id"].endswith(".draft"):
            self.answers[message["thread"] or message["body"]].add(message["id"])

    def take_error(self, message):
        self.refused[message["id"]] = message["error"]["text"]

    def take_receipt(self, message):
        if message["type"] != "error":  # a server without the agent's hub sends back the receipt for an answer
            self.receipts.add(message["receipt"])

    def speak(self):
        self.sent += 1
        name = "m%d" % self.sent
        message = self.client.make_message(self.agent, "%s %d" % (self.word, self.sent), mtype="chat")
        message["id"] = name
        if self.threads:
            message["thread"] = name
        message["request_receipt"] = True
        message.send()
        return name

    def is_answered(self, name):
        return (name if self.threads else "%s %s" % (self.word, name[1:])) in self.answers

    def unanswered(self):
        return [name for name in self.receipts if not self.is_answered(name)]

    def answered_twice(self):
        return {what: ids for what, ids in self.answers.items() if len(ids) > 1}

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


async def in_thread(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


async def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "%s did not happen within %d seconds" % (what(), seconds)
        await asyncio.sleep(0.1)


def play(scene):
    """Runs a coroutine to its end; slixmpp takes the loop that is set."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(scene)
