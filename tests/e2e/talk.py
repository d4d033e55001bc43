"""One person in a chat, on a real server by slixmpp: writes, and waits for what comes back. Tests are coroutines that
get one; run() plays them in order, printing TAP. Reads what `lab env` prints."""

import asyncio
import logging
import os
import sys
import traceback

from unencrypted import connect

try:
    logging.disable(logging.CRITICAL)
    import slixmpp
except ImportError:
    print("1..0 # SKIP slixmpp is not installed")
    sys.exit(0)

PATIENCE = 30
AGENTS = os.environ["AGENTS_DOMAIN"]


class Talk:
    """Messages with a body, errors among them, wait in `heard`, in the order they came."""

    def __init__(self, jid, password, plugins=()):
        self.heard, self.receipts = asyncio.Queue(), asyncio.Queue()
        self.client = client = slixmpp.ClientXMPP(jid, password)
        for plugin in ("xep_0030", "xep_0199", "xep_0184") + tuple(plugins):
            client.register_plugin(plugin)
        client.auto_authorize = client.auto_subscribe = False
        client.online = asyncio.get_running_loop().create_future()
        client.add_event_handler("session_start", self.started)
        client.add_event_handler("message", self.take)
        client.add_event_handler("message_error", self.take)
        client.add_event_handler("receipt_received", lambda message: self.receipts.put_nowait(message["receipt"]))

    def started(self, _):
        self.client.send_presence()
        self.client.online.set_result(True)

    def take(self, message):
        if message["body"] or message["type"] == "error":
            self.heard.put_nowait(message)

    async def __aenter__(self):
        connect(self.client, (os.environ["XMPP_HOST"], int(os.environ["XMPP_PORT"])))
        await asyncio.wait_for(self.client.online, PATIENCE)
        return self

    async def __aexit__(self, *_):
        await self.client.disconnect()

    def say(self, to, body, **parts):
        message = self.client.make_message(to, body, mtype="chat")
        message["id"] = self.client.new_id()
        for name, value in parts.items():
            message[name] = value
        message.send()
        return message["id"]

    async def next(self, patience=PATIENCE):
        return await asyncio.wait_for(self.heard.get(), patience)

    async def ask(self, to, body, **parts):
        """The text of the next message that comes."""
        self.say(to, body, **parts)
        heard = await self.next()
        if heard["type"] == "error":
            return "%(condition)s: %(text)s" % heard["error"]
        return heard["body"]


async def play(test, plugins):
    async with Talk(os.environ["ACCOUNT_JID"], os.environ["ACCOUNT_PASSWORD"], plugins) as talk:
        await test(talk)


def run(tests, plugins=()):
    """Each in a stream of its own; the person is the lab's, `tests` are coroutine functions."""
    failed = 0
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    print("1..%d" % len(tests))
    for number, test in enumerate(tests, 1):
        try:
            loop.run_until_complete(play(test, plugins))
            print("ok %d - %s" % (number, test.__name__), flush=True)
        except Exception:
            failed += 1
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()))
            print("not ok %d - %s" % (number, test.__name__), flush=True)
    sys.stdout.flush()
    os._exit(failed > 0)  # slixmpp leaves tasks behind that complain of a loop that has ended
