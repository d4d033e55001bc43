#!/usr/bin/env python3
"""SIGHUP: a running hub reads its settings again. What may change while it runs takes effect, of the rest it says that
it waits, and settings with a mistake change nothing."""

import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, Model, run, until  # noqa: E402


def said(lab, event):
    """How often the hub has logged it."""
    return sum(json.loads(line)["event"] == event for line in lab.log().splitlines() if line.startswith("{"))


def change(lab, **settings):
    file = pathlib.Path(lab.environment["AIOX_CONFIG"])
    lines = [line for line in file.read_text().splitlines() if line.split(":")[0] not in settings]
    file.write_text("\n".join(lines + ["%s: %s" % each for each in settings.items()]) + "\n")


def reload(lab, event="settings read again"):
    before = said(lab, event)
    os.kill(lab.pid(), signal.SIGHUP)
    until(lambda: said(lab, event) > before, 20, event)


def shown(lab):
    return {row["name"]: row for row in json.loads(lab.aiox("settings", "show", "--json"))["data"]}


def asked(lab, text):
    answer = lab.server.ask("ann@localhost/x", "thinker@" + AGENTS, text, "id-" + text)
    assert answer.body == "You said: " + text, answer.raw


def settings_that_may_change_take_effect_and_the_others_wait(lab, model):
    change(lab, log_level="debug", workers=3)
    reload(lab)
    rows = shown(lab)
    assert rows["log_level"]["value"] == "debug" and rows["log_level"]["change"] == "reload", rows["log_level"]
    assert rows["workers"]["value"] == "64" and rows["workers"]["change"] == "restart", rows["workers"]
    changes = [json.loads(line) for line in lab.log().splitlines() if '"setting":' in line]
    assert {(line["event"], line["setting"]) for line in changes} == {
        ("setting changed", "log_level"), ("setting takes effect at the next start", "workers")}, changes
    reload(lab)


def a_new_key_is_used_from_the_next_call_on(lab, model):
    asked(lab, "one")
    assert model.control("GET", "counts")["by_key"] == {"first": 1}
    (lab.folder / "secrets/provider").write_text("second")
    reload(lab)
    asked(lab, "two")
    assert model.control("GET", "counts")["by_key"] == {"first": 1, "second": 1}


def a_platform_admin_is_one_as_long_as_the_settings_say(lab, model):
    for number, admins in enumerate((None, [lab.account], ["bob@localhost"])):
        if admins:
            change(lab, platform_admins=json.dumps(admins))
            reload(lab)
        answer = lab.server.ask(lab.account + "/x", AGENTS, "/hub-status", "status-%d" % number).body
        assert ("platform admins" in answer) == (admins != [lab.account]), (admins, answer)
        identity = "command-%d" % number
        lab.server.send("<iq type='set' from='%s/x' to='%s' id='%s'><command node='hub-status' "
                        "xmlns='http://jabber.org/protocol/commands'/></iq>" % (lab.account, AGENTS, identity))
        answer = lab.server.wait(lambda found: found.get("id") == identity, 30, identity).raw
        assert ("<forbidden " in answer) == (admins != [lab.account]), (admins, answer)


def settings_with_a_mistake_change_nothing(lab, model):
    pid = lab.pid()
    for mistake in ({"turn_seconds": "soon"}, {"turn_seconds": 5, "openai_url": "http://models.example/v1"},
                    {"turn_seconds": 5, "openai_key_file": "/nonexistent"}):
        file = pathlib.Path(lab.environment["AIOX_CONFIG"])
        good = file.read_text()
        change(lab, **mistake)
        reload(lab, "settings not read again: those before stay in force")
        file.write_text(good)
        assert shown(lab)["turn_seconds"]["value"] == "300", mistake
    asked(lab, "three")
    assert lab.pid() == pid
    assert lab.server.streams == 1, "the stream broke"


def a_standard_of_a_file_is_known_at_once_and_a_mistake_in_it_changes_nothing(lab, model):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/audit.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    file = lab.folder / "standards.yaml"
    file.write_text(example)
    asked_for = ("compliance", "report", "--standard", "iso-27001-access")
    status, _, errors = lab.aiox(*asked_for, status=None)
    assert status != 0 and "there is no standard 'iso-27001-access'; there are: gdpr" in errors, errors
    change(lab, standards_file=file)
    reload(lab)
    report = lab.aiox(*asked_for)
    assert "## Control A.5.15: Access control" in report and "| %s | member, owner |" % lab.account in report, report
    assert lab.aiox("compliance", "report").startswith("# General Data Protection Regulation")
    file.write_text(example.replace("evidence: access", "evidence: acess"))
    reload(lab, "settings not read again: those before stay in force")
    assert "standards.yaml:7: 'acess' is no evidence; there are: access purposes" in lab.log()
    assert lab.aiox(*asked_for).startswith("# Control of access")
    status, _, errors = lab.aiox("compliance", "report", "--standard", "soc2", status=None)
    assert status != 0 and "there are: gdpr iso-27001-access" in errors, errors
    file.write_text(example)
    reload(lab)


def a_hub_that_is_told_again_and_again_stays_up_and_stops_in_good_order(lab, model):
    for _ in range(200):
        os.kill(lab.pid(), signal.SIGHUP)
    asked(lab, "four")
    os.kill(lab.pid(), signal.SIGHUP)
    os.kill(lab.pid(), signal.SIGTERM)
    until(lambda: said(lab, "hub stopped"), 30, "a stop in good order")


def main():
    model, lab, well = Model(), None, False
    try:
        key = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / ("aiox-key.%d" % os.getpid())
        key.touch(mode=0o600)
        key.write_text("first")
        lab = Lab("--set", "openai_url=" + model.url, "--set", "openai_key_file=%s" % key)
        os.replace(key, lab.folder / "secrets/provider")
        change(lab, openai_key_file=lab.folder / "secrets/provider")
        lab.server.up()
        reload(lab)
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "thinker", "--owner", lab.account, "--visibility", "public", "--model",
                 "openai/scripted", "--memory", "none")
        (lab.folder / "log/hub_1.log").write_text("")
        well = run([
            settings_that_may_change_take_effect_and_the_others_wait,
            a_new_key_is_used_from_the_next_call_on,
            a_platform_admin_is_one_as_long_as_the_settings_say,
            settings_with_a_mistake_change_nothing,
            a_standard_of_a_file_is_known_at_once_and_a_mistake_in_it_changes_nothing,
            a_hub_that_is_told_again_and_again_stays_up_and_stops_in_good_order,
        ], lab, model)
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)
    return well


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
