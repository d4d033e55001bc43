#!/usr/bin/env python3
"""A tenant next door: its owner, who has every right at home, tries every operation there is on everything that another
tenant has, by chat, by form and by REST. He does the same in two places, one of which has no such neighbour: what he is
answered must be the same in both, and nothing of the neighbour's may be in it. The operations come from the program's
own rows, so that a new one is tried without a line here."""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

import commands
import hiding
from withstand import AGENTS, Lab, Model, run

MALLORY = "mallory@localhost/den"
HOME, VICTIM = "burrow", "vault"
CANARIES = {word: "canary-%s-%s" % (word, os.urandom(6).hex())
            for word in ("prompt", "goal", "body", "knowledge", "secret", "reason")}
OWNER, AGENT, DOCUMENT, SECRET = "valerie@localhost", "keeper", "blueprints", "provider"
SAMPLES = {"TEXT": "some", "SECRET": "of the den", "NAME": "fresh", "AGENT": "hole", "JID": "zed@localhost",
           "WHO": "zed@localhost", "NUMBER": 3, "true|false": True, "LIST": "one,two", "DURATION": "2h",
           "TIME": "2027-01-01T00:00:00Z"}
WORDS = ("TEXT", "NAME", "AGENT", "JID", "WHO", "LIST", "SECRET", "ID")
CODE = ("'; DROP TABLE tenants; --", "x' OR '1'='1", "\\'); DELETE FROM agents; --", "$1 %s%n {{7*7}} ${HOME} <!--",
        "'||(SELECT current_setting('data_directory'))||'")
TABLES = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind IN ('r', 'p', 'v')"
# What would end the home that the others are tried from is tried on the neighbour's only.
ENDS_HOME = ("tenant-delete", "member-leave", "tenant-restore")
# Lists of what was done.
RECORDS = ("audit-", "log-", "security-", "usage-", "violation-", "compliance-")
# A workspace's name is part of its agents' addresses: that one is taken is public.
PUBLIC = [("tenant-register", "slug")]


def rows():
    program = pathlib.Path(os.environ["AIOX_BUILD"]) / "tests/security/rows"
    return [json.loads(line) for line in subprocess.run([program], check=True, stdout=subprocess.PIPE,
                                                        text=True).stdout.splitlines()]


def set_up_neighbour(lab):
    lab.aiox("tenant", "create", VICTIM, "--owner", OWNER)
    there = ("--tenant", VICTIM)
    lab.aiox("agent", "create", AGENT, "--owner", OWNER, "--visibility", "tenant", "--model", "openai/scripted",
             "--prompt", CANARIES["prompt"], "--goal", CANARIES["goal"], *there)
    lab.aiox("knowledge", "add", AGENT, DOCUMENT, "--content", CANARIES["knowledge"], *there)
    lab.aiox("grant", "add", AGENT, "walter@localhost", *there)
    lab.aiox("limit", "set", "messages", "1000", "--window", "1h", "--agent", AGENT, *there)
    path = lab.folder / "secrets/neighbour"
    path.write_text(CANARIES["secret"])
    lab.aiox("secret", "set", SECRET, "--value", "@%s" % path, *there)
    answer = lab.server.ask(OWNER + "/office", "%s.%s@%s" % (AGENT, VICTIM, AGENTS), CANARIES["body"], "first")
    assert CANARIES["body"] in answer.body, answer.raw
    lab.aiox("agent", "pause", AGENT, "--reason", CANARIES["reason"], *there)


def set_up_home(lab):
    lab.aiox("tenant", "create", HOME, "--owner", MALLORY.split("/")[0])
    lab.aiox("agent", "create", "hole", "--owner", MALLORY.split("/")[0], "--visibility", "public", "--model",
             "builtin/echo", "--tenant", HOME)


def ids_of_the_neighbour(lab):
    """Every kind of id that stands in a row of theirs."""
    tables = lab.sql("SELECT c.table_name || ' ' || c.column_name FROM information_schema.columns c "
                     "JOIN pg_class t ON t.relname = c.table_name AND t.relkind IN ('r', 'p') AND NOT t.relispartition "
                     "WHERE c.table_schema = 'public' AND c.data_type = 'uuid' AND c.column_name ~ '(^|_)id$' "
                     "AND EXISTS (SELECT FROM information_schema.columns o WHERE o.table_name = c.table_name "
                     "AND o.column_name = 'tenant_id')").splitlines()
    tenant = lab.sql("SELECT id FROM tenants WHERE slug = '%s'" % VICTIM)
    found = {tenant}
    for line in tables:
        table, column = line.split()
        for value in lab.sql("SELECT DISTINCT %s FROM %s WHERE tenant_id = '%s' AND %s IS NOT NULL LIMIT 2"
                             % (column, table, tenant, column)).split():
            found.add(value)
    assert len(found) >= 8, found
    return sorted(found)


def temptations(row, field, ids):
    """What of the neighbour's could be named here."""
    kind = field["type"]
    if kind == "AGENT":
        return [AGENT, "%s.%s" % (AGENT, VICTIM), "%s.%s@%s" % (AGENT, VICTIM, AGENTS)]
    if kind == "ID":
        return ids
    if field["tenant"]:
        return [VICTIM]
    if kind in ("JID", "WHO"):
        return [OWNER]
    if kind in ("NAME", "TEXT"):
        return [DOCUMENT, SECRET, AGENT] + [VICTIM] * (row["name"] not in ENDS_HOME)
    return []


def sample(field):
    if field["choices"]:
        return field["choices"].split("|")[0]
    return HOME if field["tenant"] else SAMPLES.get(field["type"], "11111111-1111-7111-8111-111111111111")


def plain(text):
    """Ids, numbers and codes are other ones each time; columns are as wide as those."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}", "ID", text)
    return re.sub(r" +", " ", re.sub(r"[0-9]+([.][0-9]+)*", "N", text))


def by_chat(lab, row, values):
    lab.count += 1
    words = "".join(" %s=%s" % (name, '"%s"' % value if " " in str(value) else value) for name, value in values.items())
    answer = lab.server.ask(MALLORY, AGENTS, "/%s%s" % (row["name"], words), "n%d" % lab.count)
    code = re.search(r"write ([0-9]{4,})", answer.body or "")
    said = answer.body or answer.raw
    if row["destroys"] and code:
        lab.count += 1
        said += (lab.server.ask(MALLORY, AGENTS, code.group(1), "n%d" % lab.count).body or "")
    return said


def by_form(lab, row, values):
    raw = commands.ask(lab, MALLORY, AGENTS, row["name"])
    for _ in range(3):
        if "status='executing'" not in raw:
            break
        form = commands.submit(**{name: value for name, value in values.items()})
        raw = commands.ask(lab, MALLORY, AGENTS, row["name"], commands.session_of(raw), "complete", form)
    return re.sub(r"( id| sessionid)='[^']*'", "", raw)


def by_rest(lab, row, values):
    """Acts in the tenant at home. Behind this door is a platform admin, who may see which tenants there are."""
    if not row["tenant"]:
        return ""
    path, rest = row["path"], dict(values)
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace("{%s}" % name, urllib.parse.quote(str(rest.pop(name, "fresh")), safe=""))
    if row["method"] in ("GET", "DELETE") and rest:
        path, rest = path + "?" + urllib.parse.urlencode(rest), None
    status, _, text = hiding.request(lab, HOME, row["method"], path, rest)
    return "%d %s" % (status, text)


def attempts(ids):
    """Every operation with each thing of the neighbour's in each of its fields, and what else it needs."""
    for row in rows():
        if row["platform"]:
            continue
        for field in row["fields"]:
            if (row["name"], field["name"]) in PUBLIC or row["name"] in ENDS_HOME and not field["tenant"]:
                continue
            others = {other["name"]: sample(other) for other in row["fields"]
                      if other["required"] and other is not field}
            for value in temptations(row, field, ids):
                yield row, {**others, field["name"]: value}


def compared(labs, door):
    wrong, told, count = [], [], 0
    for row, values in attempts(labs[0].ids):
        said = [door(lab, row, values) for lab in labs]
        told += ["%s %s tells the %s" % (row["name"], values, word)
                 for word, canary in CANARIES.items() if canary in said[0]]
        count += 1
        with_one, without = map(plain, said)
        if with_one != without:
            wrong.append("%s %s:\n  %.1000s\nnot\n  %.1000s" % (row["name"], values, with_one, without))
        for lab in labs:
            commands.forget(lab)
    print("# %d names tried" % count)
    assert not told, "\n".join(told)
    assert not wrong, "%d of %d made a difference:\n%s" % (len(wrong), count, "\n".join(wrong[:8]))
    assert count > 200, count


def whatever_is_named_in_a_chat_is_not_there(labs):
    compared(labs, by_chat)


def whatever_is_named_in_a_form_is_not_there(labs):
    compared(labs, by_form)


def whatever_is_named_by_rest_is_not_there(labs):
    compared(labs, by_rest)


def lists_at_home_hold_nothing_of_the_neighbours(labs):
    for row in rows():
        if row["method"] == "GET" and not row["platform"] and not any(field["required"] for field in row["fields"]):
            for door in (by_chat, by_form, by_rest):
                said = [door(lab, row, {}) for lab in labs]
                theirs = list(CANARIES.values())
                # Of what he tried there is a record, but perhaps not yet.
                if not row["name"].startswith(RECORDS):
                    theirs += labs[0].ids
                    assert plain(said[0]) == plain(said[1]), (row["name"], said)
                assert not [word for word in theirs if word in said[0]], (row["name"], said[0])


def code_in_any_field_is_only_text(labs):
    """Said by a platform admin at home, who may do everything: refused or kept, and never carried out."""
    lab, broke, count = labs[0], [], 0
    tables = lab.sql(TABLES)
    for row in rows():
        for field in row["fields"]:
            if row["name"] in ENDS_HOME or field["type"] not in WORDS:
                continue
            others = {other["name"]: sample(other) for other in row["fields"] if other["required"]}
            for code in CODE:
                said = by_rest(lab, {**row, "tenant": True}, {**others, field["name"]: code})
                count += 1
                if not re.match(r"[24]\d\d ", said):
                    broke.append("%s %s=%s: %.300s" % (row["name"], field["name"], code, said))
    print("# %d fields filled" % count)
    assert not broke, "\n".join(broke)
    assert lab.sql(TABLES) == tables, "other tables"
    assert lab.sql("SELECT state FROM tenants WHERE slug = '%s'" % VICTIM) == "active"
    assert lab.server.streams == 1, "the hub is another process"


def nothing_next_door_has_changed(labs):
    lab = labs[0]
    now = snapshot(lab)
    assert now == lab.before, (now, lab.before)
    records = lab.aiox("audit", "list", "--tenant", VICTIM, "--json")
    assert "mallory" not in records, records
    lab.aiox("agent", "resume", AGENT, "--tenant", VICTIM)
    answer = lab.server.ask(OWNER + "/office", "%s.%s@%s" % (AGENT, VICTIM, AGENTS), "Still there?", "last")
    assert "Still there?" in answer.body, answer.raw


def snapshot(lab):
    """What the neighbour has, as its own administrator sees it."""
    return [lab.aiox(*words, "--tenant", VICTIM) for words in (
        ("agent", "show", AGENT), ("agent", "list"), ("member", "list"), ("grant", "list", AGENT),
        ("knowledge", "list", AGENT), ("limit", "list"), ("secret", "list"), ("execution", "list"))]


def main():
    model, labs, well = Model(), [], False
    try:
        for _ in range(2):
            labs.append(Lab("--set", "openai_url=" + model.url))
            labs[-1].count = 0
            labs[-1].server.up()
            set_up_home(labs[-1])
        set_up_neighbour(labs[0])
        labs[0].ids, labs[0].before = ids_of_the_neighbour(labs[0]), snapshot(labs[0])
        well = run([
            whatever_is_named_in_a_chat_is_not_there,
            whatever_is_named_in_a_form_is_not_there,
            whatever_is_named_by_rest_is_not_there,
            lists_at_home_hold_nothing_of_the_neighbours,
            code_in_any_field_is_only_text,
            nothing_next_door_has_changed,
        ], labs)
    finally:
        model.stop()
        for lab in labs:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
