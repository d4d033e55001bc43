#!/usr/bin/env python3
"""A tenant's secret goes to its provider and nowhere else: not into logs, errors, database, audit, list of processes
or their environment. And a provider that a tenant names is not in our own network, unless that is allowed."""

import json
import os
import pathlib
import pty
import subprocess
import sys

from withstand import AGENTS, Lab, Model, Skip, run, until

SECRET = "CANARY-k3y-of-the-tenant"
ROTATED = "CANARY-second-k3y"
PROMPT = "CANARY-prompt"
BODY = "CANARY-body"
TENANT = ("--tenant", "acme")


def given_by_file(lab, *words, value):
    path = lab.folder / "value"
    path.write_text(value + "\n")
    path.chmod(0o600)
    try:
        return lab.aiox(*words, "--value", "@%s" % path, *TENANT)
    finally:
        path.unlink()


def keys(model):
    return [request["key"] for request in model.control("GET", "requests")]


def the_provider_is_sent_the_tenants_own_key(lab, model):
    given_by_file(lab, "secret", "set", "mine", "--host", "127.0.0.1", value=SECRET)
    lab.aiox("agent", "create", "own", "--visibility", "public", "--model", "openai/tenant", "--prompt", PROMPT,
             "--provider-url", model.url, "--provider-key", "mine", *TENANT)
    model.reset()
    answer = lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, BODY, "own-1")
    assert answer.body == "You said: " + BODY, answer.raw
    assert keys(model) == [SECRET], keys(model)
    given_by_file(lab, "secret", "rotate", "mine", value=ROTATED)
    answer = lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, BODY + " again", "own-2")
    assert keys(model) == [SECRET, ROTATED], keys(model)
    listed = json.loads(lab.aiox("secret", "list", "--json", *TENANT))["data"]
    assert listed[0]["name"] == "mine" and listed[0]["last_used_at"] and "CANARY" not in str(listed), listed


def its_use_is_audited_once_a_minute(lab, model):
    def used():
        return json.loads(lab.aiox("audit", "list", "--type", "secret.used", "--json", *TENANT))["data"]

    until(used, 20, "the record of the use")
    assert len(used()) == 1 and "CANARY" not in str(used()), used()
    lab.aiox("audit", "verify", *TENANT)


def a_removed_secret_ends_in_a_sentence_that_does_not_name_it(lab, model):
    lab.aiox("secret", "remove", "mine", "--yes", *TENANT)
    model.reset()
    answer = lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, "Hello?", "own-3")
    assert "<error" in answer.raw and "mine" not in answer.body and "owner" in answer.body, answer.raw
    assert model.total() == 0


def a_secret_on_the_command_line_or_in_a_chat_is_refused(lab, model):
    status, out, errors = lab.aiox("secret", "set", "other", "--value", SECRET, *TENANT, status=None)
    assert status != 0 and "command line" in errors and SECRET not in out + errors, errors
    status, out, errors = lab.aiox("secret", "set", "other", *TENANT, status=None)
    assert status != 0 and "no terminal" in errors, errors
    lab.aiox("member", "add", "adam@localhost", "--role", "admin", *TENANT)
    answer = lab.server.ask("adam@localhost/x", AGENTS, "/secret-set other CANARY-chat tenant=acme", "chat-1")
    assert "form" in answer.body and "CANARY" not in answer.body, answer.raw
    assert json.loads(lab.aiox("secret", "list", "--json", *TENANT))["data"] == []


def a_secret_is_typed_without_echo(lab, model):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(lab.program, ["aiox", "secret", "set", "typed", "--host", "127.0.0.1", *TENANT], lab.environment)
    shown = b""
    while b"value: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, SECRET.encode() + b"\n")
    try:
        while True:
            more = os.read(terminal, 1000)
            if not more:
                break
            shown += more
    except OSError:
        pass
    assert os.waitpid(pid, 0)[1] == 0 and SECRET.encode() not in shown, shown
    told = lab.server.ask("owner@localhost/x", AGENTS, "/agent-update own provider_key=typed", "typed-0")
    assert "<error" not in told.raw, told.raw
    model.reset()
    lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, "Typed", "typed-1")
    assert keys(model) == [SECRET], keys(model)


def nothing_of_it_is_in_clear_outside_of_memory(lab, model):
    pid = lab.pid()
    dump = subprocess.run(["pg_dump", "-U", "postgres", "--inserts"], env=lab.environment, stdout=subprocess.PIPE,
                          check=True)
    places = {
        "log": lab.log().encode(),
        "dump": dump.stdout,
        "command line": pathlib.Path("/proc/%d/cmdline" % pid).read_bytes(),
        "environment": pathlib.Path("/proc/%d/environ" % pid).read_bytes(),
        "metrics": lab.aiox("hub", "status", "--json").encode(),
    }
    for log in lab.folder.glob("log/*.log"):
        places[log.name] = log.read_bytes()
    for name, content in places.items():
        for canary in (SECRET, ROTATED, PROMPT, BODY, "CANARY-chat"):
            assert canary.encode() not in content, "%s is in the %s" % (canary, name)
            assert canary.encode().hex().encode() not in content, "%s is in the %s, as hex" % (canary, name)
    assert len(dump.stdout) > 100_000


def the_hubs_memory_is_its_own(lab, model):
    """What the kernel says of a process that may be neither dumped nor attached to by its user."""
    pid = lab.pid()
    if lab.sanitized:
        raise Skip("a sanitizer looks at the hub as a debugger does")
    assert os.stat("/proc/%d/environ" % pid).st_uid == 0
    locked = [line for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines() if "VmLck" in line]
    assert int(locked[0].split()[1]) > 0, locked
    # As any other user, and as the hub's own where that is not root.
    script = "import ctypes,os; os.setuid(65534); c=ctypes.CDLL(None,use_errno=True); " \
             "print(c.ptrace(16,%d,0,0), ctypes.get_errno())" % pid
    if os.geteuid() == 0:
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout.split() == ["-1", "1"], done.stdout


def the_master_key_is_changed_under_a_hub_that_answers(lab, model):
    new = lab.folder / "secrets/new.key"
    new.write_text(os.urandom(32).hex() + "\n")
    new.chmod(0o600)
    key, pid = lab.folder / "secrets/master.key", lab.pid()
    old = key.read_bytes()
    config = ("--config", lab.environment["AIOX_CONFIG"])
    told = lab.aiox("key", "rotate", str(new), *config)
    assert "3 keys" in told or "2 keys" in told, told
    assert key.read_bytes() != old and (lab.folder / "secrets/master.key.former").read_bytes() == old
    lab.aiox("tenant", "create", "later", "--owner", "owner@localhost")
    answer = lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, "Still?", "key-1")
    assert answer.body == "You said: Still?" and lab.pid() == pid, answer.raw
    status, _, errors = lab.aiox("key", "rotate", str(new), *config, status=None)
    assert status != 0 and "in force already" in errors, errors
    assert "it opens every tenant's key" in lab.aiox("doctor", *config, status=None)[1]
    # A hub that starts now knows the new key alone; with the old one it does not start.
    (lab.folder / "secrets/master.key.former").unlink()
    lab.stop()
    new_bytes = key.read_bytes()
    key.write_bytes(old)
    status, _, errors = lab.aiox("hub", *config, status=None)
    assert status != 0 and "not the one this database was sealed with" in errors, errors
    key.write_bytes(new_bytes)
    lab.lab("start", "hub_1")
    lab.server.up()
    answer = lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, "And now?", "key-2")
    assert answer.body == "You said: And now?", answer.raw
    until(lambda: "operation.key-rotate" in lab.aiox("audit", "list", "--json"), 20, "the record of the change")


def a_provider_in_our_network_is_not_reached_unless_allowed(lab, model):
    settings = lab.folder / "hub_1/aiox.yaml"
    settings.write_text(settings.read_text().replace("allow_private_providers: true", "allow_private_providers: false"))
    os.kill(lab.pid(), 1)
    until(lambda: "settings read again" in lab.log(), 20, "the other settings")
    model.reset()
    answer = lab.server.ask("ann@localhost/x", "own.acme@" + AGENTS, "Reach?", "reach-1")
    assert "<error" in answer.raw and "public internet" in answer.body, answer.raw
    assert model.total() == 0


def main():
    model, lab, well = Model(), None, False
    try:
        lab = Lab("--set", "allow_private_providers=true", "--set", "workers=2")
        lab.aiox("tenant", "create", "acme", "--owner", "owner@localhost")
        lab.server.up()
        well = run([
            the_provider_is_sent_the_tenants_own_key,
            its_use_is_audited_once_a_minute,
            a_removed_secret_ends_in_a_sentence_that_does_not_name_it,
            a_secret_on_the_command_line_or_in_a_chat_is_refused,
            a_secret_is_typed_without_echo,
            nothing_of_it_is_in_clear_outside_of_memory,
            the_hubs_memory_is_its_own,
            the_master_key_is_changed_under_a_hub_that_answers,
            a_provider_in_our_network_is_not_reached_unless_allowed,
        ], lab, model)
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
