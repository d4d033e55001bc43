#!/usr/bin/python3
"""Ad-hoc commands by slixmpp's own plugins, on real servers: run it with tests/lab/with-lab, where paula@localhost is
set as a platform admin."""

import json
import os
import pathlib
import re
import subprocess

from slixmpp.exceptions import IqError
from talk import AGENTS, PATIENCE, Talk, run

PLUGINS = ("xep_0004", "xep_0050")
LAB = pathlib.Path(__file__).resolve().parents[1] / "lab/lab"
OWNER = os.environ["ACCOUNT_JID"]
PEOPLE = {}


def aiox(*words):
    done = subprocess.run(["aiox", *words, "--json"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def person(name):
    """Somebody whom the XMPP server knows, and AIOX does not."""
    if name not in PEOPLE:
        made = subprocess.run([LAB, "account", os.environ["LAB"], name], check=True, capture_output=True, text=True)
        PEOPLE[name] = made.stdout.split()
    return Talk(*PEOPLE[name], PLUGINS)


def tenant(slug, role="admin"):
    aiox("tenant", "create", slug, "--owner", "olga@localhost")
    aiox("member", "add", OWNER, "--role", role, "--tenant", slug)


async def listed(talk, jid):
    items = await talk.client["xep_0050"].get_commands(jid, timeout=PATIENCE)
    assert all(item[0] == jid and item[2] for item in items["disco_items"]["items"]), items
    return {item[1] for item in items["disco_items"]["items"]}


class Command:
    """One command from its beginning to its end; `reply` is what came last."""

    def __init__(self, talk, jid, node):
        self.talk, self.jid, self.node, self.session, self.reply = talk, jid, node, None, None

    async def send(self, action, _session=None, **values):
        form = None
        if values:
            form = self.talk.client["xep_0004"].make_form("submit")
            for name, value in values.items():
                form.add_field(var=name, ftype="text-multi" if isinstance(value, list) else None, value=value)
        answer = await self.talk.client["xep_0050"].send_command(
            self.jid, self.node, action=action, payload=form, sessionid=_session or self.session, timeout=PATIENCE)
        self.reply = answer["command"]
        assert self.reply["node"] == self.node
        self.session = self.reply["sessionid"]
        return self.reply

    async def refused(self, action, **values):
        """The condition, and the command's own beside it."""
        try:
            await self.send(action, **values)
        except IqError as error:
            own = re.findall(r'<([a-z-]+) xmlns="http://jabber.org/protocol/commands"', str(error.iq["error"]))
            return error.condition, (own or [None])[0]
        raise AssertionError("it was not refused: %s" % self.reply)

    @property
    def fields(self):
        return self.reply["form"].get_fields()

    @property
    def rows(self):
        return self.reply["form"]["items"]

    @property
    def notes(self):
        return self.reply["notes"]


async def an_admin_lists_creates_pauses_and_deletes(talk):
    tenant("shop")
    nodes = await listed(talk, AGENTS)
    assert {"agent-create", "agent-delete", "member-add", "execution-list"} <= nodes, nodes
    assert not {"tenant-create", "hub-status", "account-list"} & nodes, nodes

    make = Command(talk, AGENTS, "agent-create")
    reply = await make.send("execute")
    assert reply["status"] == "executing" and reply["actions"] == {"next", "complete"}, reply
    assert list(make.fields) == ["name"] and make.fields["name"]["required"], reply
    reply = await make.send("next", name="Not A Name")
    assert make.notes == [("error", "'name' must be 1 to 63 of a-z, 0-9, '_' and '-'")], reply
    assert make.fields["name"]["value"] == "Not A Name", reply
    reply = await make.send("next", name="helper")
    assert reply["actions"] == {"prev", "complete"} and "name" not in make.fields, reply
    options = [option["value"] for option in make.fields["visibility"]["options"]]
    assert options == ["private", "tenant", "shared", "public"] and make.fields["visibility"]["value"] == "private"
    reply = await make.send("prev", model="builtin/echo", visibility="tenant")
    assert make.fields["name"]["value"] == "helper", reply
    reply = await make.send("next")
    assert make.fields["model"]["value"] == "builtin/echo", reply
    reply = await make.send("complete", tags=["law", "tax"])
    assert reply["status"] == "completed" and make.notes == [("info", "Done.")], reply
    assert make.fields["jid"]["value"] == "helper.shop@" + AGENTS, reply
    shown = aiox("agent", "show", "helper", "--tenant", "shop")
    assert shown["tags"] == ["law", "tax"] and shown["owner"] == OWNER, shown

    jid = "helper.shop@" + AGENTS
    nodes = await listed(talk, jid)
    assert {"agent-pause", "agent-delete", "execution-list", "conversation-status"} <= nodes, nodes
    assert not {"agent-create", "member-list", "worker-list"} & nodes, nodes
    pause = Command(talk, jid, "agent-pause")
    await pause.send("execute")
    assert "agent" not in pause.fields, pause.reply
    await pause.send("complete", reason="Lunch.")
    assert pause.reply["status"] == "completed" and pause.fields["state"]["value"] == "paused", pause.reply
    assert "Lunch." in await talk.ask(jid, "hello")
    # Paused agents still take commands.
    resume = Command(talk, jid, "agent-resume")
    await resume.send("execute")
    assert resume.reply["status"] == "completed" and resume.fields["state"]["value"] == "active", resume.reply
    assert await talk.ask(jid, "hello") == "hello"

    delete = Command(talk, jid, "agent-delete")
    await delete.send("execute")
    assert any(jid in str(field) for field in delete.reply["form"]), delete.reply
    assert delete.reply["actions"] == {"complete"}, delete.reply
    await delete.send("complete", confirm="0")
    assert delete.notes == [("error", "'confirm' must be true to go on")], delete.reply
    await delete.send("complete", confirm="1")
    assert delete.reply["status"] == "completed" and delete.fields["state"]["value"] == "deleted", delete.reply
    assert (await Command(talk, jid, "agent-restore").refused("execute"))[0] == "service-unavailable"


async def executions_are_read_page_by_page(talk):
    tenant("busy")
    jid = "echo.busy@" + AGENTS
    aiox("agent", "create", "echo", "--model", "builtin/echo", "--visibility", "tenant", "--owner", OWNER, "--tenant",
         "busy")
    for number in range(60):
        assert await talk.ask(jid, "number %d" % number) == "number %d" % number
    command = Command(talk, jid, "execution-list")
    await command.send("execute")
    assert "limit" not in command.fields and "after" not in command.fields, command.reply
    await command.send("complete", status="success")
    ids = [row["id"] for row in command.rows]
    assert command.reply["status"] == "executing" and command.reply["actions"] == {"next", "complete"}
    assert len(ids) == 25 and list(command.reply["form"]["reported"])[:3] == ["id", "agent", "status"]
    await command.send("next")
    ids += [row["id"] for row in command.rows]
    await command.send("next")
    ids += [row["id"] for row in command.rows]
    assert command.reply["status"] == "completed"
    assert ids == [row["id"] for row in aiox("execution", "list", "--limit", "200", "--agent", "echo", "--tenant",
                                             "busy")["data"]] and len(ids) == 60
    assert await command.refused("next") == ("not-allowed", "session-expired")


async def a_repeated_completion_runs_once(talk):
    tenant("once")
    command = Command(talk, AGENTS, "agent-create")
    await command.send("execute")
    tenants = [option["value"] for option in command.fields["tenant"]["options"]]
    assert "once" in tenants, command.reply
    answers = []
    for _ in range(2):
        await command.send("complete", tenant="once", name="single")
        answers.append({name: field["value"] for name, field in command.fields.items()})
        assert command.reply["status"] == "completed", command.reply
    assert answers[0] == answers[1] and answers[0]["name"] == "single", answers
    assert await command.refused("complete", name="double") == ("not-allowed", "session-expired")
    assert len(aiox("agent", "list", "--tenant", "once")["data"]) == 1
    assert aiox("agent", "show", "single", "--tenant", "once")["version"] == 1


async def nobody_else_goes_on_with_a_session(talk):
    tenant("mine")
    command = Command(talk, AGENTS, "agent-create")
    await command.send("execute")
    twin = Talk(OWNER + "/elsewhere", os.environ["ACCOUNT_PASSWORD"], PLUGINS)
    async with twin, person("sid") as stranger:
        for other in twin, stranger:
            theirs = Command(other, AGENTS, "agent-create")
            theirs.session = command.session
            never = Command(other, AGENTS, "agent-create")
            never.session = "0" * 32
            for action in "next", "complete", "cancel", "prev":
                assert await theirs.refused(action) == await never.refused(action) == ("not-allowed", "session-expired")
    await command.send("cancel")
    assert command.reply["status"] == "canceled"
    assert await command.refused("complete", name="late") == ("not-allowed", "session-expired")


async def a_stranger_is_offered_what_makes_him_a_member(talk):
    tenant("closed")
    aiox("agent", "create", "secret", "--visibility", "private", "--owner", OWNER, "--tenant", "closed")
    async with person("sid") as stranger:
        assert await listed(stranger, AGENTS) == {"tenant-register", "registration-show", "invite-accept"}
        assert await Command(stranger, AGENTS, "agent-create").refused("execute") == ("forbidden", None)
        assert await Command(stranger, AGENTS, "agent-fly").refused("execute") == ("item-not-found", None)
        for name in "secret.closed@", "absent.closed@":
            assert (await Command(stranger, name + AGENTS, "agent-show").refused("execute"))[0] == "service-unavailable"
            try:
                raise AssertionError(await listed(stranger, name + AGENTS))
            except IqError as error:
                assert error.condition == "service-unavailable", error


async def a_guest_is_offered_what_guests_may(talk):
    tenant("open")
    jid = "echo.open@" + AGENTS
    aiox("agent", "create", "echo", "--model", "builtin/echo", "--visibility", "public", "--owner", OWNER, "--tenant",
         "open")
    async with person("sid") as guest:
        nodes = await listed(guest, jid)
        assert {"conversation-status", "conversation-forget"} <= nodes, nodes
        assert not [node for node in nodes if node.split("-")[0] in ("agent", "execution", "grant", "knowledge")], nodes
        assert nodes < await listed(talk, jid)
        status = Command(guest, jid, "conversation-status")
        await status.send("execute")
        if status.reply["status"] == "executing":
            await status.send("complete")
        assert status.reply["status"] == "completed" and status.fields, status.reply
        assert await Command(guest, jid, "agent-pause").refused("execute") == ("forbidden", None)
    assert aiox("agent", "show", "echo", "--tenant", "open")["state"] == "active"


async def a_viewer_is_offered_less_than_an_admin(talk):
    tenant("views", "viewer")
    aiox("agent", "create", "team", "--visibility", "tenant", "--owner", "olga@localhost", "--tenant", "views")
    jid = "team.views@" + AGENTS
    nodes = await listed(talk, jid)
    assert "agent-show" in nodes and not {"agent-pause", "agent-delete", "grant-add"} & nodes, nodes
    assert await Command(talk, jid, "agent-delete").refused("execute") == ("forbidden", None)
    show = Command(talk, jid, "agent-show")
    await show.send("execute")
    await show.send("complete")
    assert show.fields["name"]["value"] == "team" and "prompt" not in show.fields, show.reply


async def a_platform_admin_by_setting_administers_the_installation(talk):
    async with person("paula") as admin:
        nodes = await listed(admin, AGENTS)
        assert {"hub-status", "tenant-create", "account-list", "settings-show", "agent-create"} <= nodes, nodes
        hub = Command(admin, AGENTS, "hub-status")
        await hub.send("execute")
        assert hub.reply["status"] == "completed" and hub.fields["hub"]["value"] == "hub", hub.reply
        make = Command(admin, AGENTS, "tenant-create")
        await make.send("execute")
        await make.send("complete", slug="bychat", owner=OWNER)
        assert make.reply["status"] == "completed", make.reply
        agents = Command(admin, AGENTS, "agent-list")
        await agents.send("execute")
        await agents.send("complete", tenant="nowhere")
        assert agents.notes == [("error", "there is no such tenant")], agents.reply
        await agents.send("complete", tenant="bychat")
        assert agents.reply["status"] == "completed" and not agents.rows, agents.reply


async def a_command_says_what_it_is(talk):
    tenant("said")
    info = await talk.client["xep_0030"].get_info(AGENTS, node="agent-create", timeout=PATIENCE)
    assert [identity[:2] for identity in info["disco_info"]["identities"]] == [("automation", "command-node")]
    assert {"http://jabber.org/protocol/commands", "jabber:x:data"} <= set(info["disco_info"]["features"])
    for jid in AGENTS, "guide@" + AGENTS, "guide@%s/aiox" % AGENTS:
        info = await talk.client["xep_0030"].get_info(jid, timeout=PATIENCE)
        assert "http://jabber.org/protocol/commands" in info["disco_info"]["features"], jid


if __name__ == "__main__":
    run([an_admin_lists_creates_pauses_and_deletes, executions_are_read_page_by_page, a_repeated_completion_runs_once,
         nobody_else_goes_on_with_a_session, a_stranger_is_offered_what_makes_him_a_member,
         a_guest_is_offered_what_guests_may,
         a_viewer_is_offered_less_than_an_admin, a_platform_admin_by_setting_administers_the_installation,
         a_command_says_what_it_is], PLUGINS)
