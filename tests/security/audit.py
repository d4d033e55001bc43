#!/usr/bin/env python3
"""The audit from outside: signed ends in a file and with a witness, an export that others verify by themselves, what
the owner of the database cannot hide; and what is unusual."""

import csv
import hashlib
import io
import json
import os
import pathlib
import signal
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from withstand import AGENTS, Lab, is_gone, run, until  # noqa: E402

WITNESS = "wilma@elsewhere.example"


def speak(lab, count=3):
    for number in range(count):
        identity = "id-%d-%d" % (len(lab.server.stanzas), number)
        answer = lab.server.ask(lab.account + "/x", "parrot@" + AGENTS, "hello", identity)
        assert answer.body == "hello", answer.raw


def heads_file(lab):
    return lab.folder / "secrets/audit.heads"


def heads(lab):
    return [json.loads(line) for line in heads_file(lab).read_text().splitlines()] if heads_file(lab).exists() else []


def tenant_of(slug):
    return "(SELECT id FROM tenants WHERE slug = '%s')" % slug


def last(lab, slug="installation"):
    return int(lab.sql("SELECT coalesce(max(position), 0) FROM audit WHERE tenant_id = " + tenant_of(slug)))


def is_signed(lab, slug="installation"):
    """Until the file says where the chain ends now: the audit of what was asked for it comes later."""
    end, tenant = last(lab, slug), lab.sql("SELECT " + tenant_of(slug))
    until(lambda: any(head["position"] >= end and head["tenant"] == tenant for head in heads(lab)), 20, "a signed end")
    return end


def verify(lab, *words, status=0):
    done = lab.aiox("audit", "verify", "--json", *words, status=None)
    assert done[0] == status or (status and done[0] != 0), done
    return json.loads(done[1]) if status == 0 else done[2]


def a_witness_has_every_signed_end_in_chat(lab):
    speak(lab)
    is_signed(lab)
    end = max(head["position"] for head in heads(lab))
    lab.server.wait(lambda found: found.get("to") == WITNESS and '"position":%d' % end in (found.body or ""), 20,
                    "the witness's copy")
    copy = lab.folder / "witnessed"
    said = [found.body for found in lab.server.stanzas if found.get("to") == WITNESS and found.body]
    assert all(found.get("from") == AGENTS for found in lab.server.stanzas if found.get("to") == WITNESS)
    copy.write_text("\n".join(said) + "\n")
    assert set(heads_file(lab).read_text().split()) <= set(copy.read_text().split())
    result = verify(lab, "--heads", "@%s" % copy)
    assert result["intact"] and result["heads"] > 0 and result["unchecked_hubs"] == [], result
    assert result["chains"][0]["signed_to"] >= end, result
    assert verify(lab)["unchecked_hubs"] == ["hub"]
    key = heads(lab)[0]["key"]
    assert key == json.loads(lab.aiox("hub", "status", "--json"))["audit_key"]
    assert key in lab.aiox("doctor", status=None)[1]
    assert (lab.folder / "secrets/audit.key").stat().st_mode & 0o777 == 0o600
    assert verify(lab, "--heads", "@%s" % copy, "--keys", key)["intact"]
    refused = verify(lab, "--heads", "@%s" % copy, "--keys", "A" * 43 + "=", status=1)
    assert "signed by a key that does not count" in refused, refused


def parts(*texts):
    """SHA-256 over each with its length (eight bytes, lowest first) before it."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.digest()


def recompute(record, previous):
    ids = [uuid.UUID(record[name]).bytes if record[name] else bytes(16)
           for name in ("tenant", "message", "agent", "person")]
    return parts(b"aiox audit 1", previous, *ids, record["hub"].encode(), int(record["position"]).to_bytes(8, "big"),
                 int(record["at_us"]).to_bytes(8, "big"), record["type"].encode(), record["severity"].encode(),
                 record["facts"].encode())


def exported(lab, form):
    """Page by page, as a pipe has it."""
    text, after = "", []
    while True:
        status, out, notes = lab.aiox("audit", "export", "--format", form, "--limit", "7", *after, status=None)
        assert status == 0, notes
        text += out
        if "There are more" not in notes:
            return text
        after = ["--after", notes.split()[-1]]


def an_export_is_verified_by_others_alone(lab):
    records = [json.loads(line) for line in exported(lab, "jsonl").splitlines()]
    table = list(csv.DictReader(io.StringIO(exported(lab, "csv"))))
    assert len(records) > 8, records
    assert [row["hash"] for row in table[:len(records)]] == [record["hash"] for record in records]
    for rows in (records, table):
        previous = bytes(32)
        for position, record in enumerate(rows, 1):
            assert int(record["position"]) == position, record
            previous = recompute(record, previous)
            assert previous.hex() == record["hash"], record
    end = heads(lab)[0]
    assert records[end["position"] - 1]["hash"] == end["hash"], end


def an_end_that_was_cut_off_is_named(lab):
    t = ["--tenant", "quiet"]
    lab.aiox("tenant", "create", "quiet", "--owner", "olga@elsewhere.example")
    lab.aiox("agent", "create", "idle", *t)
    # That it is verified is recorded as well: now, and then once a minute.
    verify(lab, *t)
    verify(lab, "--heads", "@%s" % heads_file(lab), *t)
    verified = "type = 'operation.audit-verify' AND tenant_id = " + tenant_of("quiet")
    until(lambda: lab.sql("SELECT count(*) FROM audit WHERE " + verified) != "0", 20, "the record of it")
    end = is_signed(lab, "quiet")
    cut = "tenant_id = %s AND position >= %d" % (tenant_of("quiet"), end)
    lab.sql("CREATE TABLE cut (LIKE audit); WITH gone AS (DELETE FROM audit WHERE %s RETURNING *) "
            "INSERT INTO cut SELECT * FROM gone" % cut)
    assert verify(lab, *t)["intact"]
    refused = verify(lab, "--heads", "@%s" % heads_file(lab), *t, status=1)
    assert "was cut off; record %d, signed at" % end in refused, refused
    lab.sql("INSERT INTO audit SELECT * FROM cut; DROP TABLE cut")
    assert verify(lab, "--heads", "@%s" % heads_file(lab), *t)["intact"]


def altered_heads_are_no_heads(lab):
    copy = lab.folder / "altered"
    own = lab.sql("SELECT " + tenant_of("installation"))
    line = [head for head in heads(lab) if head["tenant"] == own][-1]
    line["position"] -= 1
    copy.write_text(json.dumps(line) + "\n")
    assert "does not bear its key's signature" in verify(lab, "--heads", "@%s" % copy, status=1)
    # One that a full disk cut off is left out, and counted; a file of nothing else is none.
    copy.write_text(heads_file(lab).read_text() + '{"hub":"hu\n')
    result = verify(lab, "--heads", "@%s" % copy)
    assert result["intact"] and result["unreadable_lines"] == 1 and result["unchecked_hubs"] == [], result
    copy.write_text("what is this\n")
    assert "line 1 of the heads" in verify(lab, "--heads", "@%s" % copy, status=1)


def another_tenant_learns_nothing_from_heads(lab):
    lab.aiox("tenant", "create", "other", "--owner", "olga@elsewhere.example")
    result = verify(lab, "--heads", "@%s" % heads_file(lab), "--tenant", "other")
    assert result["heads"] == len([head for head in heads(lab) if head["tenant"] == lab.sql(
        "SELECT id FROM tenants WHERE slug = 'other'")]), result
    assert "parrot" not in lab.aiox("audit", "export", "--tenant", "other")


def a_hub_that_is_killed_before_it_signed_still_verifies_and_signs_later(lab):
    speak(lab, 1)
    pid, end = lab.pid(), last(lab)
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_gone(pid), 20, "the hub's end")
    heads_file(lab).write_text("".join(line for line in heads_file(lab).read_text().splitlines(True)
                                       if json.loads(line)["position"] < end))
    lab.lab("start", "hub_1")
    lab.server.wait_for_stream(2)
    is_signed(lab)
    result = verify(lab, "--heads", "@%s" % heads_file(lab))
    assert result["intact"] and result["chains"][0]["signed_to"] >= end, result


def a_burst_is_compared_with_the_days_before_the_hub_began(lab):
    """The hub has just begun: what is usual stands in the database alone, of one of two people."""
    lab.aiox("tenant", "create", "east", "--owner", "east@localhost")
    lab.aiox("agent", "create", "open", "--visibility", "public", "--model", "builtin/echo", "--tenant", "east")
    for person in ("calm@localhost", "new@localhost"):
        assert lab.server.ask(person + "/x", "open.east@" + AGENTS, "hi", "first-" + person).body == "hi"
        if person.startswith("calm"):
            lab.sql("INSERT INTO usage_days (tenant_id, day, person_id, agent_id, model, messages) SELECT tenant_id, "
                    "(now() AT TIME ZONE 'UTC')::date - n, person_id, agent_id, '', 5 FROM accepted, "
                    "generate_series(1, 10) n WHERE tenant_id = (SELECT id FROM tenants WHERE slug = 'east')")
    for person in ("new@localhost", "calm@localhost"):
        for number in range(101):
            heard = lab.server.ask(person + "/x", "open.east@" + AGENTS, "again", "%s-burst-%d" % (person, number))
            assert heard.body == "again", heard.raw
    event, = until(lambda: rows(lab, "security", "list", "--tenant", "east"), 20, "the event")
    assert event["kind"] == "volume" and event["facts"]["usual"] == 5 and event["facts"]["count"] >= 101, event
    assert "calm@localhost" in [row["name"] for row in rows(lab, "limit", "list", "--tenant", "east")]
    record, = until(lambda: rows(lab, "audit", "list", "--type", "security.volume", "--tenant", "east"), 20,
                    "the record")
    assert record["person"] == event["person"], (record, event)


def rows(lab, *words):
    return json.loads(lab.aiox(*words, "--json"))["data"]


def refusals_again_and_again_are_told_to_admins_limited_and_lifted(lab):
    lab.aiox("agent", "create", "own", "--owner", lab.account, "--model", "builtin/echo")
    lab.aiox("account", "create", "nosy@localhost")
    for number in range(25):
        assert lab.server.ask("nosy@localhost/x", "own@" + AGENTS, "hello", "nosy-%d" % number).is_error
    said = lab.server.wait(lambda found: found.get("to") == lab.account and "again and again" in (found.body or ""), 20,
                           "a word to the admin")
    assert said.get("from") == AGENTS and "nosy@localhost" in said.body and "Limited" in said.body, said.raw
    found, = [row for row in rows(lab, "security", "list") if row["kind"] == "refusals"]
    assert found["account"] == "nosy@localhost" and found["severity"] == "warning" and found["limited_until"], found
    assert rows(lab, "audit", "list", "--type", "security.refusals")
    assert rows(lab, "security", "list", "--tenant", "other") == []

    def limits():
        return [row for row in rows(lab, "limit", "list") if row["name"] == "nosy@localhost"]

    assert limits(), rows(lab, "limit", "list")
    until(lambda: "own" not in lab.server.ask("nosy@localhost/x", "parrot@" + AGENTS, "x", os.urandom(6).hex()).raw and
          lab.server.ask("nosy@localhost/x", "parrot@" + AGENTS, "x", os.urandom(6).hex()).is_error, 20, "the limit")
    assert json.loads(lab.aiox("security", "lift", found["id"], "--json"))["lifted"]
    assert not limits()
    assert lab.server.ask("nosy@localhost/x", "parrot@" + AGENTS, "y", "after").body == "y"
    assert not json.loads(lab.aiox("security", "lift", found["id"], "--json"))["lifted"]


def knock(lab, person, agent, count):
    """So many messages to an agent that refuses them all: everybody sees it, and it is paused."""
    for number in range(count):
        assert lab.server.ask(person + "/x", agent, "hello", "%s-%d" % (person, number)).is_error


def is_limited(lab, person, agent):
    heard = lab.server.ask(person + "/x", agent, "y", os.urandom(6).hex()).raw
    return "limit of 10 messages" in heard


def limited(lab, *words):
    return {row["name"]: row["subject"] for row in rows(lab, "limit", "list", *words)}


def who_is_refused_by_one_tenant_is_limited_there_and_nowhere_else(lab):
    for slug in ("north", "south"):
        t = ["--tenant", slug]
        lab.aiox("tenant", "create", slug, "--owner", "%s@localhost" % slug)
        for name in ("shut", "open"):
            lab.aiox("agent", "create", name, "--visibility", "public", "--model", "builtin/echo", *t)
        lab.aiox("agent", "pause", "shut", *t)
    lab.aiox("account", "create", "pest@localhost")
    t, shut = ["--tenant", "north"], "shut.north@" + AGENTS
    # With an account, without one, and many of a domain.
    knock(lab, "pest@localhost", shut, 25)
    knock(lab, "ghost@far.example", shut, 25)
    for number in range(60):
        knock(lab, "p%d@many.example" % number, shut, 1)
    for number in range(60):
        knock(lab, "p%d@localhost" % number, shut, 1)
    wanted = {"pest@localhost", "ghost@far.example", "many.example"}
    until(lambda: wanted <= set(limited(lab, *t)), 20, "the limits")
    assert set(limited(lab, *t).values()) == {"sender"}, limited(lab, *t)
    assert "localhost" not in limited(lab, *t)
    assert not wanted & (set(limited(lab, "--tenant", "south")) | set(limited(lab)))
    events = rows(lab, "security", "list", *t)
    assert {(event["kind"], event["account"]) for event in events if event["kind"] != "domain"} == {
        ("refusals", "pest@localhost"), ("refusals", "ghost@far.example"), ("domain-refusals", None)}, events
    assert [event["domain"] for event in events if event["kind"] == "domain-refusals"] == ["many.example"], events
    assert rows(lab, "audit", "list", "--type", "security.domain-refusals", *t)
    assert not any("refusals" in event["kind"] for event in rows(lab, "security", "list", "--tenant", "south"))
    for person in ("pest@localhost", "ghost@far.example", "new@many.example"):
        until(lambda: is_limited(lab, person, "open.north@" + AGENTS), 20, person)
        for agent in ("open.south@", "parrot@"):
            heard = lab.server.ask(person + "/x", agent + AGENTS, "free", os.urandom(6).hex())
            assert heard.body == "free", heard.raw
    assert not is_limited(lab, "p1@localhost", "open.north@" + AGENTS)


def the_tenants_own_admin_lifts_it_and_another_tenants_cannot(lab):
    t = ["--tenant", "north"]
    event, = [row for row in rows(lab, "security", "list", *t) if row["account"] == "pest@localhost"]
    status, _, notes = lab.aiox("security", "lift", event["id"], "--tenant", "south", status=None)
    assert status != 0 and "there is no such security event" in notes, notes
    assert is_limited(lab, "pest@localhost", "open.north@" + AGENTS)
    assert json.loads(lab.aiox("security", "lift", event["id"], "--json", *t))["lifted"]
    assert "pest@localhost" not in limited(lab, *t)
    assert not is_limited(lab, "pest@localhost", "open.north@" + AGENTS)
    # And one limits by hand, also whom nobody knows.
    lab.aiox("limit", "set", "messages", "1", "--window", "hour", "--sender", "pest@localhost", *t)
    heard = lab.server.ask("pest@localhost/x", "open.north@" + AGENTS, "z", "once")
    assert heard.body == "z", heard.raw
    heard = lab.server.ask("pest@localhost/x", "open.north@" + AGENTS, "z", "twice")
    assert "limit of 1 messages per hour is reached." in heard.raw, heard.raw
    assert lab.server.ask("pest@localhost/x", "open.south@" + AGENTS, "z", "thrice").body == "z"
    lab.aiox("limit", "remove", "messages", "--window", "hour", "--sender", "pest@localhost", "--yes", *t)


def a_limit_whose_time_is_over_is_lifted_by_itself_and_a_new_domain_is_said_once(lab):
    for number in range(2):
        lab.server.ask("zoe@elsewhere.example/x", "parrot@" + AGENTS, "hi", "zoe-%d" % number)
    event, = until(lambda: [row for row in rows(lab, "security", "list")
                            if row["kind"] == "domain" and row["domain"] == "elsewhere.example"], 20, "the event")
    assert event["limited_until"], event
    lab.sql("UPDATE security_events SET until = now() WHERE id = '%s'" % event["id"])
    until(lambda: [row for row in rows(lab, "security", "list") if row["id"] == event["id"] and row["lifted_at"]], 20,
          "the end of the limit")
    assert not [row for row in rows(lab, "limit", "list") if row["name"] == "elsewhere.example"]


def a_tenants_log_says_what_went_wrong_and_no_word_that_was_written(lab):
    said = rows(lab, "log", "list")
    assert any(row["sentence"].startswith("A message was refused") for row in said), said
    assert any(row["sentence"] == "Somebody was refused again and again." for row in said), said
    assert "hello" not in json.dumps(said)
    assert rows(lab, "log", "list", "--level", "error") == []
    assert not any("refused" in row["sentence"] for row in rows(lab, "log", "list", "--tenant", "other"))


def a_report_shows_who_had_access_and_what_was_exported_and_deleted_to_its_tenant_alone(lab):
    lab.aiox("grant", "add", "parrot", "gus@partner.example")
    lab.aiox("agent", "delete", "own", "--yes")
    until(lambda: rows(lab, "audit", "list", "--type", "operation.agent-delete"), 20, "the record")
    text = lab.aiox("compliance", "report")
    assert text.startswith("# General Data Protection Regulation"), text
    for wanted in ("\n\nThe installation, from ", "## Article 15(1)(c)", "| gus@partner.example | writes to parrot |",
                   "| %s | member, owner |" % lab.account, "operation.audit-export", "operation.agent-delete",
                   "| security.refusals | warning, 1 times |", "| parrot, version 1 | policy "):
        assert wanted in text, (wanted, text)
    other = lab.aiox("compliance", "report", "--tenant", "other")
    assert "\n\nTenant other, from " in other, other
    for unwanted in ("gus@", "parrot", lab.account, "agent-delete"):
        assert unwanted not in other, (unwanted, other)
    report = json.loads(lab.aiox("compliance", "report", "--format", "json", "--since", "2020-01-01T00:00:00Z",
                                 "--until", "2020-02-01T00:00:00Z", "--json"))
    assert [section["number"] for section in report["sections"]][0] == "15(1)(a)", report
    assert not any(section["evidence"] for section in report["sections"]), report


def main():
    lab, well = None, False
    try:
        lab = Lab("--set", "audit_witness_jid=" + WITNESS, "--set", "audit_heads_seconds=1",
                  "--set", "security_throttle_seconds=600")
        lab.server.up()
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "parrot", "--owner", lab.account, "--visibility", "public", "--model",
                 "builtin/echo")
        well = run([
            a_witness_has_every_signed_end_in_chat,
            an_export_is_verified_by_others_alone,
            an_end_that_was_cut_off_is_named,
            altered_heads_are_no_heads,
            another_tenant_learns_nothing_from_heads,
            refusals_again_and_again_are_told_to_admins_limited_and_lifted,
            who_is_refused_by_one_tenant_is_limited_there_and_nowhere_else,
            the_tenants_own_admin_lifts_it_and_another_tenants_cannot,
            a_limit_whose_time_is_over_is_lifted_by_itself_and_a_new_domain_is_said_once,
            a_tenants_log_says_what_went_wrong_and_no_word_that_was_written,
            a_report_shows_who_had_access_and_what_was_exported_and_deleted_to_its_tenant_alone,
            a_hub_that_is_killed_before_it_signed_still_verifies_and_signs_later,
            a_burst_is_compared_with_the_days_before_the_hub_began,
        ], lab)
    finally:
        if lab:
            lab.down(failed=not well)
    return well


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
