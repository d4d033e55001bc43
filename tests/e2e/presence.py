#!/usr/bin/python3
"""An agent in the contact list of a real client on a real server: it is added, goes away and comes back, its hub is
stopped, started and killed, and it is taken away again. What the client sees of it is what the server made of it."""

import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from person import in_thread, until  # noqa: E402
from unencrypted import connect  # noqa: E402
from withstand import AGENTS, Lab, run  # noqa: E402

import slixmpp  # noqa: E402
from slixmpp.xmlstream.handler import Callback  # noqa: E402
from slixmpp.xmlstream.matcher import MatchXPath  # noqa: E402

AGENT = "desk@" + AGENTS
LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(LOOP)  # slixmpp takes the one that is set


class Watcher:
    """A client that keeps every presence of the agent, in order, as "available", "away (reason)" and the like."""

    def __init__(self, lab, jid, password):
        self.seen, self.stanzas, self.online = [], [], False
        self.client = client = slixmpp.ClientXMPP(jid, password)
        for plugin in ("xep_0030", "xep_0115", "xep_0199"):
            client.register_plugin(plugin)
        client.auto_authorize = client.auto_subscribe = False
        client.add_event_handler("session_start", self.started)
        client.register_handler(Callback("presence", MatchXPath("{jabber:client}presence"), self.take))
        self.address = (lab.environment["XMPP_HOST"], int(lab.environment["XMPP_PORT"]))

    async def started(self, _):
        await self.client.get_roster()
        self.client.send_presence()
        self.online = True

    def take(self, presence):
        if presence["from"].bare != AGENT or presence["type"] == "error":  # that is the server's, when no hub is there
            return
        word = presence["type"] + (" (%s)" % presence["status"] if presence["status"] else "")
        self.seen.append(word)
        self.stanzas.append(presence)

    async def __aenter__(self):
        connect(self.client, self.address)
        await until(lambda: self.online, 30, lambda: "the client's log-in")
        return self

    async def __aexit__(self, *_):
        await self.client.disconnect()

    async def sees(self, expected, since, seconds=30):
        """Exactly this, in this order; the server may tell a client the same thing twice in a row."""
        def new():
            fresh = self.seen[since:]
            return [word for at, word in enumerate(fresh) if at == 0 or fresh[at - 1] != word]

        await until(lambda: new()[:len(expected)] == expected, seconds,
                    lambda: "%s, instead of %s," % (expected, new()))
        assert new() == expected, new()
        return len(self.seen)

    @property
    def subscription(self):
        roster = self.client.client_roster
        return roster[AGENT]["subscription"] if roster.has_jid(AGENT) else "none"


def a_client_sees_its_agent_come_pause_and_go(lab, jid, password):
    async def scene():
        tenant = ("--tenant", "installation")
        async with Watcher(lab, jid, password) as watcher:
            watcher.client.send_presence_subscription(AGENT)
            at = await watcher.sees(["subscribed", "available"], 0)
            await until(lambda: watcher.subscription == "to", 10, lambda: "the contact")
            caps = watcher.stanzas[-1].xml.find("{http://jabber.org/protocol/caps}c")
            assert caps is not None and watcher.stanzas[-1]["from"] == AGENT + "/aiox", watcher.stanzas[-1]
            await in_thread(lab.aiox, "agent", "pause", "desk", "--reason", "Back at noon.", *tenant)
            at = await watcher.sees(["away (Back at noon.)"], at)
            await in_thread(lab.aiox, "agent", "resume", "desk", *tenant)
            await watcher.sees(["available"], at)
        # Who logs in again is told how it is: the server probes.
        await in_thread(lab.aiox, "agent", "pause", "desk", "--reason", "Night.", *tenant)
        async with Watcher(lab, jid, password) as watcher:
            at = await watcher.sees(["away (Night.)"], 0)
            await in_thread(lab.aiox, "agent", "resume", "desk", *tenant)
            await watcher.sees(["available"], at)
            assert lab.sql("SELECT count(*) FROM subscriptions WHERE removed_at IS NULL") == "1"

    LOOP.run_until_complete(scene())


def a_client_sees_the_hub_stop_start_and_come_back_from_a_kill(lab, jid, password):
    async def scene():
        async with Watcher(lab, jid, password) as watcher:
            at = await watcher.sees(["available"], 0)
            await in_thread(lab.stop, "hub_1")
            at = await watcher.sees(["unavailable"], at)
            await in_thread(lab.lab, "start", "hub_1")
            at = await watcher.sees(["available"], at)
            await in_thread(lab.lab, "kill", "hub_1", "KILL")
            await in_thread(lab.lab, "start", "hub_1")
            at = await watcher.sees(["available"], at)
            process = pathlib.Path("/proc/%d" % lab.pid("ejabberd_1"))
            await in_thread(lab.lab, "kill", "ejabberd", "TERM")
            await until(lambda: not process.exists(), 30, lambda: "the server's end")
        await in_thread(lab.lab, "start", "ejabberd")
        async with Watcher(lab, jid, password) as watcher:
            await watcher.sees(["available"], 0, 60)

    LOOP.run_until_complete(scene())


def a_client_loses_the_agent_when_it_may_talk_to_it_no_more(lab, jid, password):
    async def scene():
        tenant = ("--tenant", "installation")
        async with Watcher(lab, jid, password) as watcher:
            at = await watcher.sees(["available"], 0)
            await in_thread(lab.aiox, "grant", "remove", "desk", jid, "--yes", *tenant)
            at = await watcher.sees(["unsubscribed", "unavailable"], at)
            await until(lambda: watcher.subscription == "none", 10, lambda: "the contact's end")
            watcher.client.send_presence_subscription(AGENT)
            at = await watcher.sees(["unsubscribed"], at)
            await in_thread(lab.aiox, "grant", "add", "desk", jid, *tenant)
            watcher.client.send_presence_subscription(AGENT)
            at = await watcher.sees(["subscribed", "available"], at)
            watcher.client.del_roster_item(AGENT)
            await until(lambda: lab.sql("SELECT count(*) FROM subscriptions WHERE removed_at IS NULL") == "0", 20,
                        lambda: "the end of the subscription")
            before = len(watcher.seen)
            await in_thread(lab.aiox, "agent", "pause", "desk", *tenant)
            await asyncio.sleep(1)  # for what should not come
            assert "away" not in " ".join(watcher.seen[before:]), watcher.seen[before:]

    LOOP.run_until_complete(scene())


def main():
    lab = None
    well = False
    try:
        lab = Lab(servers=0)
        jid, password = lab.lab("account", "cleo").split()
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "desk", "--owner", lab.account, "--visibility", "shared", "--model", "builtin/echo",
                 "--memory", "none")
        lab.aiox("grant", "add", "desk", jid)
        well = run([
            a_client_sees_its_agent_come_pause_and_go,
            a_client_sees_the_hub_stop_start_and_come_back_from_a_kill,
            a_client_loses_the_agent_when_it_may_talk_to_it_no_more,
        ], lab, jid, password)
    finally:
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
