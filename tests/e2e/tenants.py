#!/usr/bin/python3
"""People come to workspaces by slixmpp on real servers: run it with tests/lab/with-lab, where registration is open."""

import asyncio
import email
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

from slixmpp.exceptions import IqError
from talk import AGENTS, PATIENCE, Talk, run

PLUGINS = ("xep_0004", "xep_0050", "xep_0077")
REGISTER = "jabber:iq:register"
LAB = pathlib.Path(__file__).resolve().parents[1] / "lab/lab"
PEOPLE = {}


def aiox(*words, check=True):
    done = subprocess.run(["aiox", *words, "--json"], capture_output=True, text=True, timeout=30)
    assert not check or done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def person(name):
    """Somebody whom the XMPP server knows, and AIOX does not."""
    if name not in PEOPLE:
        made = subprocess.run([LAB, "account", os.environ["LAB"], name], check=True, capture_output=True, text=True)
        PEOPLE[name] = made.stdout.split()
    return Talk(*PEOPLE[name], PLUGINS)


async def features(talk):
    info = await talk.client["xep_0030"].get_info(AGENTS, timeout=PATIENCE)
    return info["disco_info"]["features"]


async def asked(talk):
    iq = talk.client.make_iq_get(queryxmlns=REGISTER, ito=AGENTS)
    return (await iq.send(timeout=PATIENCE)).xml.find("{%s}query" % REGISTER)


async def sent(talk, **values):
    iq = talk.client.make_iq_set(ito=AGENTS)
    form = talk.client["xep_0004"].make_form("submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value=REGISTER)
    for name, value in values.items():
        form.add_field(var=name.replace("_", "-"), value=value)
    iq["register"].append(form)
    return await iq.send(timeout=PATIENCE)


async def error_of(awaitable):
    try:
        await awaitable
    except IqError as error:
        return error.iq["error"]["condition"], error.iq["error"]["text"]
    raise AssertionError("it was not refused")


async def works(talk, slug):
    """An agent, and an answer."""
    made = await talk.ask(AGENTS, "/agent-create echo model=builtin/echo tenant=" + slug)
    assert "echo.%s@%s" % (slug, AGENTS) in made, made
    answer = await talk.ask("echo.%s@%s" % (slug, AGENTS), "anybody?")
    assert answer == "anybody?", answer


async def a_client_that_registers_with_the_hub_has_a_workspace(_):
    async with person("rita") as talk:
        assert REGISTER in await features(talk)
        query = await asked(talk)
        assert query.find("{%s}registered" % REGISTER) is None
        names = [field.get("var") for field in query.iter("{jabber:x:data}field")]
        assert names == ["FORM_TYPE", "username", "name", "x-code"], names
        assert (await error_of(sent(talk, username="No Name")))[0] == "bad-request"
        await sent(talk, username="ritas", name="Rita's")
        await works(talk, "ritas")
        query = await asked(talk)
        assert query.find("{%s}registered" % REGISTER) is not None
        assert query.find("{%s}username" % REGISTER).text == "ritas"
        assert (await error_of(sent(talk, username="ritas2")))[0] == "conflict"
        iq = talk.client.make_iq_set(ito=AGENTS)
        iq["register"]["remove"] = True
        condition, text = await error_of(iq.send(timeout=PATIENCE))
        assert condition == "not-allowed" and "/tenant-delete" in text, (condition, text)
        plan = [row for row in aiox("tenant", "list")["data"] if row["slug"] == "ritas"][0]["plan"]
        assert plan == "free", plan


async def a_client_without_forms_registers_by_its_elements(_):
    async with person("otto") as talk:
        iq = talk.client.make_iq_set(ito=AGENTS)
        iq["register"]["username"] = "ottos"
        await iq.send(timeout=PATIENCE)
        assert "/agent-create" in await talk.ask(AGENTS, "/help")
        assert "slug: ottos" in await talk.ask(AGENTS, "/registration-show")


async def who_writes_to_the_hub_is_told_how_and_registers_by_chat(_):
    async with person("carl") as talk:
        hello = await talk.ask(AGENTS, "hello")
        assert "/tenant-register" in hello, hello
        assert "`slug`" in await talk.ask(AGENTS, "/tenant-register")
        made = await talk.ask(AGENTS, "carls")
        assert "plan: free" in made, made
        await works(talk, "carls")
        assert "/tenant-register" not in await talk.ask(AGENTS, "hello again")


async def whoever_follows_an_invitations_link_is_a_member(_):
    async with person("rita") as owner, person("guest") as talk:
        invited = await owner.ask(AGENTS, "/invite-create role=operator jid=guest@localhost")
        link = re.search(r"link: (\S+)", invited.replace("\\", "")).group(1)
        uri = urllib.parse.urlsplit(link)
        assert uri.scheme == "xmpp" and uri.path == AGENTS and uri.query.startswith("message;body="), link
        body = urllib.parse.unquote(uri.query.partition("body=")[2])
        async with person("thief") as thief:
            assert "no such invitation" in await thief.ask(AGENTS, body)
        full = await talk.ask(AGENTS, body)
        assert "limit of 1 members" in full, full  # of the plan `free`
        aiox("tenant", "update", "ritas", "--plan", "enterprise")
        accepted = await talk.ask(AGENTS, body)
        assert "tenant: ritas" in accepted and "role: operator" in accepted, accepted
        made = await talk.ask(AGENTS, "/agent-create mine model=builtin/echo")
        assert "mine.ritas@" in made, made
        answer = await talk.ask("mine.ritas@" + AGENTS, "hi")
        assert answer == "hi", answer
        again = await talk.ask(AGENTS, body)
        assert "used up" in again, again


async def command(talk, node, **values):
    form = None
    if values:
        form = talk.client["xep_0004"].make_form("submit")
        for name, value in values.items():
            form.add_field(var=name, value=value)
    first = await talk.client["xep_0050"].send_command(AGENTS, node, timeout=PATIENCE)
    if first["command"]["status"] == "completed":
        return first["command"]
    answer = await talk.client["xep_0050"].send_command(AGENTS, node, action="complete", payload=form,
                                                        sessionid=first["command"]["sessionid"], timeout=PATIENCE)
    return answer["command"]


async def a_workspace_is_made_by_the_form_of_a_command(_):
    async with person("fay") as talk:
        reply = await command(talk, "tenant-register", slug="fays")
        assert reply["status"] == "completed", reply
        values = reply["form"].get_values()
        assert values["slug"] == "fays" and values["plan"] == "free", values


async def what_is_exported_is_what_its_owner_may_read(_):
    async with person("rita") as talk:
        page = await command(talk, "tenant-export", slug="ritas", limit="200")
        assert page["status"] in ("completed", "executing"), page
    admin = aiox("tenant", "export", "ritas", "--limit", "200")["data"]
    assert {row["kind"] for row in admin} >= {"tenant", "member", "agent", "version", "execution"}, admin
    assert "anybody?" not in json.dumps(admin) and not any(row.get("readable") for row in admin)
    owner = next(row for row in admin if row["kind"] == "agent" and row["name"] == "echo")["owner"]
    assert owner == "rita@localhost", owner


async def what_is_deleted_is_absent_at_once_and_answers_again_when_restored(_):
    async with person("carl") as talk:
        agent = "echo.carls@" + AGENTS
        code = re.search(r"write (\d{4})", await talk.ask(AGENTS, "/tenant-delete carls")).group(1)
        assert "state: deleted" in await talk.ask(AGENTS, code)
        absent = await talk.ask("nobody.carls@" + AGENTS, "hi")
        assert await talk.ask(agent, "hi") == absent
        assert "no such tenant" in await talk.ask(AGENTS, "/tenant-show carls")
        assert "no such tenant" in aiox("tenant", "show", "carls", check=False)
        assert "state: active" in await talk.ask(AGENTS, "/tenant-restore carls")
        assert await talk.ask(agent, "hi") == "hi"


class MailServer(asyncio.Protocol):
    """As much of RFC 5321 as one mail takes."""

    heard = []

    def connection_made(self, transport):
        self.transport, self.lines, self.data = transport, b"", None
        self.answer("220 mail.test")

    def answer(self, line):
        self.transport.write(line.encode() + b"\r\n")

    def data_received(self, data):
        self.lines += data
        while b"\r\n" in self.lines:
            line, _, self.lines = self.lines.partition(b"\r\n")
            self.take(line.decode())

    def take(self, line):
        if self.data is not None:
            if line == ".":
                self.heard.append(("DATA", "\n".join(self.data)))
                self.data = None
                self.answer("250 taken")
            else:
                self.data.append(line)
            return
        self.heard.append(("LINE", line))
        verb = line.split(":")[0].upper()
        if verb == "DATA":
            self.data = []
        self.answer("354 go on" if verb == "DATA" else
                    "550 nobody here" if verb == "RCPT TO" and "unwanted" in line else "250 mail.test")


async def set_setting(name, value):
    """In the hub's file, and in force when the hub says so."""
    config = pathlib.Path(os.environ["AIOX_CONFIG"])
    lines = [line for line in config.read_text().splitlines() if not line.startswith(name + ":")]
    config.write_text("\n".join(lines + ['%s: "%s"' % (name, value)]) + "\n")
    subprocess.run([LAB, "kill", os.environ["LAB"], "hub", "HUP"], check=True)
    for _ in range(200):
        shown = {row["name"]: row["value"] for row in aiox("settings", "show")["data"]}
        if shown[name] == value:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the setting is not in force")


async def an_address_is_proved_by_a_mail(_):
    server = await asyncio.get_running_loop().create_server(MailServer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with person("rita") as talk:
        assert "sends no mail" in await talk.ask(AGENTS, "/profile-update email=rita@mail.example")
        await set_setting("smtp_url", "smtp://127.0.0.1:%d" % port)
        assert "refuses this mail" in await talk.ask(AGENTS, "/profile-update email=unwanted@mail.example")
        told = await talk.ask(AGENTS, "/profile-update email=rita@mail.example time_zone=Europe/Vienna")
        assert "on its way" in told and "Europe/Vienna" in told, told
        assert ("LINE", "RCPT TO:<rita@mail.example>") in MailServer.heard, MailServer.heard
        mail = email.message_from_string([text for kind, text in MailServer.heard if kind == "DATA"][-1])
        assert mail["To"] == "<rita@mail.example>" and mail["Message-ID"], mail.as_string()
        body = mail.get_payload(decode=True).decode()
        code = re.search(r"/profile-prove (\d{8})", body).group(1)
        wrong = "%08d" % ((int(code) + 1) % 100000000)
        assert "not the code" in await talk.ask(AGENTS, "/profile-prove " + wrong)
        assert "email proved: yes" in await talk.ask(AGENTS, "/profile-prove " + code)
    server.close()


async def where_registration_is_closed_nothing_of_it_is_offered(_):
    await set_setting("registration", "closed")
    async with person("late") as talk:
        assert REGISTER not in await features(talk)
        assert (await error_of(asked(talk)))[0] == "service-unavailable"
        assert (await error_of(sent(talk, username="lates")))[0] == "service-unavailable"
        assert "tenant-register" not in await talk.ask(AGENTS, "/help")
        assert "nobody makes workspaces" in await talk.ask(AGENTS, "/tenant-register lates")


run([a_client_that_registers_with_the_hub_has_a_workspace, a_client_without_forms_registers_by_its_elements,
     who_writes_to_the_hub_is_told_how_and_registers_by_chat, whoever_follows_an_invitations_link_is_a_member,
     a_workspace_is_made_by_the_form_of_a_command, what_is_exported_is_what_its_owner_may_read,
     what_is_deleted_is_absent_at_once_and_answers_again_when_restored, an_address_is_proved_by_a_mail,
     where_registration_is_closed_nothing_of_it_is_offered], plugins=PLUGINS)
