#!/usr/bin/env python3
"""What a person left in a tenant is given to it, and erased when it wants that: nothing of it opens afterwards, not
with database and master key together, while the audit stays whole, sums stay right and everybody else is untouched."""

import json
import os
import subprocess
import sys
import time

from withstand import AGENTS, Lab, Model, run, until

AGENT, SLOW = "desk.acme@" + AGENTS, "slow.acme@" + AGENTS
ANN, BEN, DORA = "ann-canary@localhost", "ben@localhost", "dora-canary@localhost"
TENANT = ("--tenant", "acme")


def sealed(lab, person=None):
    """Every sealed value that there is of messages, in hexadecimal; of one person's, by what stands in persons."""
    where = "WHERE a.person_id = '%s'" % person if person else ""
    rows = lab.sql("SELECT v FROM accepted a LEFT JOIN concluded c ON c.id = a.id "
                   "LEFT JOIN steps s ON s.message_id = a.id, "
                   "LATERAL unnest(ARRAY[a.body, a.reply_to, c.answer, c.explanation, s.payload]) AS v "
                   "%s" % where).split()
    return {row[2:] for row in rows if len(row) > 2}


def person_of(lab, message):
    return lab.sql("SELECT a.person_id FROM accepted a JOIN agents g ON g.id = a.agent_id ORDER BY a.id "
                   "LIMIT 1 OFFSET %d" % message)


def dump(lab):
    return subprocess.run(["pg_dump", "-U", "postgres", "--inserts"], env=lab.environment, stdout=subprocess.PIPE,
                          check=True, text=True, errors="replace").stdout


def sums(lab):
    return lab.sql("SELECT count(*), sum(prompt_tokens), sum(completion_tokens), sum(cost_nano) FROM concluded")


def react(lab, person, message, identity):
    assert lab.server.send("<message from='%s/x' to='%s' type='chat' id='%s'><reactions xmlns='urn:xmpp:reactions:0' "
                           "id='%s'><reaction>+</reaction></reactions></message>" % (person, AGENT, identity, message))


def asked(lab, person, words):
    answer = lab.server.ask(person + "/x", AGENTS, words, "op-%d" % time.monotonic_ns())
    return answer.body


def confirmed(lab, person, words):
    answer = asked(lab, person, words)
    code = "".join(character if character.isdigit() else " " for character in answer).split()
    assert code, answer
    return asked(lab, person, code[-1])


def set_up(lab):
    server = lab.server
    lab.aiox("tenant", "create", "acme", "--owner", "owner@localhost")
    lab.aiox("agent", "create", "desk", "--visibility", "public", "--model", "openai/desk", *TENANT)
    lab.aiox("agent", "create", "slow", "--visibility", "public", "--model", "openai/slow-10", *TENANT)
    lab.aiox("grant", "add", "desk", ANN, *TENANT)
    server.up()
    for number in range(3):
        for person in (ANN, BEN):
            answer = server.ask(person + "/x", AGENT, "I am %s, %d" % (person, number), "m-%s-%d" % (person, number))
            assert answer.body.startswith("You said"), answer.raw
    lab.aiox("invite", "create", "--jid", ANN, *TENANT)
    server.send("<presence from='%s' to='%s' type='subscribe' id='s1'/>" % (ANN, AGENT))
    until(lambda: lab.sql("SELECT count(*) FROM subscriptions") == "1", 20, "a subscription")
    first = lab.sql("SELECT a.id FROM accepted a JOIN agents g ON g.id = a.agent_id ORDER BY a.id LIMIT 1")
    react(lab, ANN, first, "r1")
    until(lambda: lab.sql("SELECT count(*) FROM feedback") == "1", 20, "feedback")


def a_person_is_given_all_and_an_admin_only_what_it_was_about(lab, model):
    metadata = json.loads(lab.aiox("person", "export", "--jid", ANN, "--json", *TENANT))
    assert len(metadata["data"]) == 3 and not metadata["readable"] and "I am" not in str(metadata), metadata
    assert metadata["feedback"] and metadata["subscriptions"] and metadata["grants"], metadata
    own = asked(lab, ANN, "/person-export agent=%s" % AGENT)
    assert own.count("I am " + ANN) >= 3 and "I am " + BEN not in own, own
    others = asked(lab, BEN, "/person-export jid=%s agent=%s" % (ANN, AGENT))
    assert "I am" not in others and "admin" in others, others
    for words in ("/person-export tenant=", "/person-export jid=%s tenant=" % ANN):
        here, nowhere = (asked(lab, "nobody@localhost", words + slug) for slug in ("acme", "nowhere"))
        assert here == nowhere and "CANARY" not in here.upper(), (here, nowhere)


def a_text_that_was_moved_to_another_row_is_shown_to_nobody(lab, model):
    """By who owns the database: to another row, from another column, from another table."""
    ids = lab.sql("SELECT a.id FROM accepted a JOIN agents g ON g.id = a.agent_id WHERE g.name = 'desk' ORDER BY a.id "
                  "LIMIT 2").split()
    moves = ["UPDATE accepted SET body = (SELECT body FROM accepted WHERE id = '%s') WHERE id = '%s'"
             % (ids[1], ids[0]),
             "UPDATE accepted SET body = reply_to WHERE id = '%s'" % ids[0],
             "UPDATE accepted SET body = (SELECT answer FROM concluded WHERE id = '%s') WHERE id = '%s'"
             % (ids[0], ids[0])]
    kept = lab.sql("SELECT encode(body, 'hex') FROM accepted WHERE id = '%s'" % ids[0])
    for move in moves:
        lab.sql(move)
        own = asked(lab, ANN, "/person-export agent=%s" % AGENT)
        assert "I am" not in own and "moved or altered" in own, own
    lab.sql("UPDATE accepted SET body = decode('%s', 'hex') WHERE id = '%s'" % (kept, ids[0]))
    assert "I am " + ANN in asked(lab, ANN, "/person-export agent=%s" % AGENT)


def leave_traces(lab, ann):
    """As a turn with tools, a conversation begun anew and a throttle that is over leave them."""
    of_hers = "FROM (SELECT * FROM accepted WHERE person_id = '%s' ORDER BY id LIMIT 1) a" % ann
    lab.sql("SET session_replication_role = replica; "
            "INSERT INTO steps (message_id, ordinal, tenant_id, sequence, hub, key_id, kind, payload) "
            "SELECT id, 1, tenant_id, sequence, hub, key_id, 1, body || '\\x00' %s; "
            "INSERT INTO conversation_starts (tenant_id, agent_id, person_id, conversation, after) "
            "SELECT tenant_id, agent_id, person_id, 0, id %s" % (of_hers, of_hers))
    lab.sql("INSERT INTO limits (tenant_id, id, subject, subject_name, what, window_us, amount, removed_at) "
            "SELECT id, gen_random_uuid(), 'sender', '%s', 'messages', 600000000, 10, now() FROM tenants "
            "WHERE slug = 'acme'" % ANN)
    assert int(lab.sql("SELECT count(*) FROM operation_log WHERE result IS NOT NULL")) > 3


def after_an_erasure_nothing_of_it_opens(lab, model):
    ann = person_of(lab, 0)
    leave_traces(lab, ann)
    before, bens = sealed(lab, ann), sealed(lab) - sealed(lab, ann)
    assert len(before) >= 9 and len(bens) >= 9
    totals = sums(lab)
    # One of hers is being answered.
    assert lab.server.speak(ANN + "/x", SLOW, "I am %s, slowly" % ANN, "slow-1")
    until(lambda: "slow-1" in lab.server.by_receipt, 20, "the receipt")
    until(lambda: model.control("GET", "counts")["open"] == 1, 20, "a stream of the model")
    result = json.loads(lab.aiox("person", "erase", "--jid", ANN, "--yes", "--json", *TENANT))
    assert result["messages"] == 4 and result["feedback"] == 1 and result["grants"] == 1, result
    assert result["invites"] == 1, result
    until(lambda: model.control("GET", "counts")["open"] == 0, 20, "the end of her running turn")
    assert sealed(lab, ann) == set()
    # What operations had answered may name her; only the erasure itself was after that.
    assert lab.sql("SELECT string_agg(operation, ' ') FROM operation_log o JOIN tenants t ON t.id = o.tenant_id "
                   "WHERE t.slug = 'acme' AND result IS NOT NULL") == "person-erase"
    assert lab.sql("SELECT count(*) FROM conversation_starts WHERE person_id = '%s'" % ann) == "0"
    lab.aiox("keep")
    everything = dump(lab)
    for value in before:
        assert value not in everything, "a sealed value of hers is still there"
    for value in bens:
        assert value in everything, "a sealed value of somebody else is gone"
    assert ANN not in everything
    assert lab.sql("SELECT jid IS NULL AND erased_at IS NOT NULL FROM persons WHERE id = '%s'" % ann) == "t"
    # One more message, cancelled; the sums of those before are the same.
    assert sums(lab).split("|")[1:] == totals.split("|")[1:], (sums(lab), totals)
    verdict = lab.aiox("audit", "verify", *TENANT)
    assert "operation.person-erase" in lab.aiox("audit", "list", *TENANT, "--json"), verdict


def others_go_on_as_before(lab, model):
    own = asked(lab, BEN, "/person-export agent=%s" % AGENT)
    assert own.count("I am " + BEN) >= 3, own
    answer = lab.server.ask(BEN + "/x", AGENT, "Still there?", "ben-9")
    assert answer.body == "You said: Still there?", answer.raw
    # And she may come back, as somebody of whom nothing is known.
    answer = lab.server.ask(ANN + "/x", AGENT, "Hello again", "ann-9")
    assert answer.body == "You said: Hello again", answer.raw
    told = model.control("GET", "requests")[-1]["body"]["messages"]
    assert "I am" not in str(told), told
    # She has a name again, and what was hers is given out to nobody, herself included.
    row = "SELECT count(jid) || ' ' || count(erased_at) FROM persons WHERE id = '%s'" % person_of(lab, 0)
    assert lab.sql(row) == "1 0"
    own = asked(lab, ANN, "/person-export agent=%s" % AGENT)
    assert own.count("Hello again") >= 1 and "I am" not in own, own
    export = json.loads(lab.aiox("person", "export", "--jid", ANN, "--json", *TENANT))
    assert len(export["data"]) == 1 and not export["feedback"], export
    assert json.loads(lab.aiox("person", "erase", "--jid", ANN, "--yes", "--json", *TENANT))["messages"] == 1
    answer = lab.server.ask(ANN + "/x", AGENT, "Hello, I am back", "ann-10")
    assert answer.body == "You said: Hello, I am back", answer.raw
    assert "again" not in str(model.control("GET", "requests")[-1]["body"]["messages"])


def the_person_erases_itself_by_chat(lab, model):
    answer = confirmed(lab, BEN, "/person-erase agent=%s" % AGENT)
    assert "messages" in answer.lower(), answer
    assert lab.sql("SELECT count(*) FROM accepted a JOIN agents g ON g.id = a.agent_id WHERE a.body IS NOT NULL "
                   "AND g.name = 'desk'") == "1"


def whole_table_walk(lab, needle):
    """Lines of everything that the database holds, with the text as it is or as bytes."""
    return [line[:200] for line in dump(lab).splitlines() if needle in line or needle.encode().hex() in line]


def an_account_is_erased_everywhere_by_a_word_in_chat(lab, model):
    lab.aiox("tenant", "create", "globex", "--owner", DORA)
    lab.aiox("agent", "create", "own", "--visibility", "public", "--model", "openai/own", "--tenant", "globex")
    lab.aiox("member", "add", DORA, "--role", "viewer", *TENANT)
    lab.aiox("grant", "add", "desk", DORA, *TENANT)
    for agent in (AGENT, "own.globex@" + AGENTS):
        answer = lab.server.ask(DORA + "/x", agent, "I am " + DORA, "m-dora-" + agent)
        assert answer.body.startswith("You said"), answer.raw
    # Others are told the same of her as of nobody, and do not hear where she is.
    for other in (BEN, "owner@localhost"):
        here, nobody = (confirmed(lab, other, "/account-erase jid=" + jid) for jid in (DORA, "nobody@localhost"))
        assert here == nobody and "platform admins" in here and "globex" not in here, (here, nobody)
    # She owns a workspace alone: which one, she is told, and an administrator of the installation.
    answer = confirmed(lab, DORA, "/account-erase")
    assert "in globex: make somebody else an owner, or delete it" in answer and "acme" not in answer, answer
    lab.aiox("member", "add", "owner@localhost", "--role", "owner", "--tenant", "globex")
    lab.aiox("agent", "delete", "own", "--yes", "--tenant", "globex")
    answer = confirmed(lab, DORA, "/account-erase")
    assert "messages" in answer.lower() and "globex" not in answer, answer
    assert lab.sql("SELECT count(*) FROM erasures WHERE NOT named") == "1", "the message that asked"
    asking = lab.sql("SELECT person_id FROM erasures WHERE NOT named")
    assert sealed(lab, asking)
    lab.sql("UPDATE erasures SET begun_at = begun_at - interval '2 minutes'")
    lab.aiox("keep")
    assert sealed(lab, asking) == set() and lab.sql("SELECT count(*) FROM erasures") == "0"
    assert whole_table_walk(lab, DORA) == []
    for tenant in ("acme", "globex"):
        assert "operation.account-erase" in lab.aiox("audit", "list", "--tenant", tenant, "--json")
        lab.aiox("audit", "verify", "--tenant", tenant)
        assert DORA not in lab.aiox("member", "list", "--tenant", tenant)
    lab.aiox("audit", "verify")
    # The same address is somebody new, whom nobody knows.
    assert "no account" in asked(lab, DORA, "/profile-show")
    answer = lab.server.ask(DORA + "/x", AGENT, "Hello", "dora-9")
    assert answer.body == "You said: Hello", answer.raw
    assert "I am" not in str(model.control("GET", "requests")[-1]["body"]["messages"])
    lab.aiox("account", "create", "--jid", DORA)
    assert json.loads(lab.aiox("account", "show", DORA, "--json"))["tenants"] == []
    result = json.loads(lab.aiox("account", "erase", "--jid", DORA, "--yes", "--json"))
    assert result["account"] and result["messages"] >= 1, result
    assert whole_table_walk(lab, DORA) == []


def what_is_older_than_it_may_be_goes_with_keep(lab, model):
    lab.sql("SELECT make_parts(current_date - 12, current_date - 9)")
    lab.sql("SET session_replication_role = replica; "
            "CREATE TEMP TABLE m AS SELECT a.* FROM accepted a JOIN tenants t ON t.id = a.tenant_id "
            "WHERE body IS NOT NULL AND t.slug = 'acme' LIMIT 1; "
            "UPDATE m SET id = overlay(lowest_id(current_date - 10) placing 'a' from 36 for 1)::uuid; "
            "INSERT INTO accepted SELECT * FROM m; "
            "CREATE TEMP TABLE n AS SELECT c.* FROM concluded c WHERE answer IS NOT NULL LIMIT 1; "
            "UPDATE n SET id = (SELECT id FROM m), concluded_at = now() - interval '10 days', "
            "tenant_id = (SELECT tenant_id FROM m); "
            "INSERT INTO concluded SELECT * FROM n")
    hers = "accepted a JOIN agents g ON g.id = a.agent_id AND g.name = 'desk' WHERE a.body IS NOT NULL"
    young = lab.sql("SELECT count(*) FROM " + hers)
    assert "erased 0 messages" in lab.aiox("keep", "--body-days", "11")
    # By the tenant's own figure, of which the other tenants know nothing.
    lab.aiox("tenant", "create", "later", "--owner", "owner@localhost")
    lab.aiox("limit", "set", "body-days", "9", "--tenant", "later")
    assert "erased" not in lab.aiox("keep")
    lab.aiox("limit", "set", "body-days", "9", *TENANT)
    assert "erased 1 messages" in lab.aiox("keep")
    assert "erased 0 messages" in lab.aiox("keep", "--body-days", "9")
    assert int(lab.sql("SELECT count(*) FROM " + hers)) == int(young) - 1
    assert lab.sql("SELECT answer IS NULL FROM concluded WHERE concluded_at < now() - interval '9 days'") == "t"


def an_erasure_that_is_cut_off_is_finished_by_keep(lab, model):
    """The hub dies while the eraser waits for a row that somebody else holds."""
    mine = "a.body IS NOT NULL AND a.agent_id IN (SELECT id FROM agents WHERE name = 'desk')"
    ann = lab.sql("SELECT person_id FROM accepted a WHERE %s LIMIT 1" % mine)
    holder = subprocess.Popen(["psql", "-XAtq", "-U", "postgres"], env=lab.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; SELECT 'held' FROM accepted a WHERE %s FOR UPDATE;\n" % mine)
    holder.stdin.flush()
    assert holder.stdout.readline().strip() == "held"
    lab.aiox("grant", "add", "desk", ANN, *TENANT)
    asking = subprocess.Popen(["aiox", "person", "erase", "--jid", ANN, "--yes", *TENANT], env=lab.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, executable=lab.program)
    until(lambda: lab.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'aiox_eraser' "
                          "AND wait_event_type = 'Lock'") == "1", 20, "the eraser at the held row")
    lab.lab("kill", "hub_1", "KILL")
    asking.wait(timeout=20)
    holder.communicate("ROLLBACK;\n", timeout=20)
    until(lambda: lab.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'aiox_eraser'") == "0", 20,
          "the end of the eraser's connection")
    # What needed her name is done; what she wrote is still there, and one that has just begun is left to who began it.
    assert lab.sql("SELECT count(*) FROM grants WHERE subject = '%s'" % ANN) == "0"
    assert sealed(lab, ann)
    assert "finished" not in lab.aiox("keep") and sealed(lab, ann)
    lab.sql("UPDATE erasures SET begun_at = begun_at - interval '2 minutes'")
    assert "finished 1 erasures that were broken off" in lab.aiox("keep")
    assert sealed(lab, ann) == set() and lab.sql("SELECT count(*) FROM erasures") == "0"
    assert "finished" not in lab.aiox("keep")
    assert lab.sql("SELECT door || ' ' || (facts::json->>'person' = '%s') FROM operation_log WHERE operation = "
                   "'person-erase' ORDER BY at DESC LIMIT 1" % ann) == "keep true"
    lab.lab("start", "hub_1")
    until(lambda: lab.sql("SELECT count(*) FROM audit WHERE type = 'operation.person-erase' AND facts::text LIKE "
                          "'%%%s%%'" % ann) == "3", 20, "the finished erasure in the audit")
    lab.aiox("audit", "verify", *TENANT)


def a_hub_hears_of_an_erasure_by_others(lab, model):
    """Done by `aiox keep`, while the hub remembers that the person has a row."""
    lab.server.ask(ANN + "/x", AGENT, "Hello once more", "ann-11")
    ann = lab.sql("SELECT person_id FROM accepted a JOIN agents g ON g.id = a.agent_id AND g.name = 'desk' "
                  "ORDER BY a.id DESC LIMIT 1")
    row = "SELECT count(jid) FROM persons WHERE id = '%s'" % ann
    assert lab.sql(row) == "1"
    lab.sql("INSERT INTO erasures (tenant_id, person_id, up_to, except_id, begun_at) SELECT tenant_id, id, "
            "gen_random_uuid(), gen_random_uuid(), now() - interval '2 minutes' FROM persons WHERE id = '%s'" % ann)
    assert "finished 1 erasures" in lab.aiox("keep") and lab.sql(row) == "0"
    numbers = iter(range(100))

    def named():
        number = next(numbers)
        lab.server.ask(ANN + "/x", AGENT, "And again", "ann-again-%d" % number)
        return lab.sql(row) == "1"
    until(named, 20, "the name")


def main():
    model, lab, well = Model(), None, False
    try:
        lab = Lab("--set", "openai_url=" + model.url, "--set", "workers=4", "--set", "sender_rate=0")
        set_up(lab)
        well = run([
            a_person_is_given_all_and_an_admin_only_what_it_was_about,
            a_text_that_was_moved_to_another_row_is_shown_to_nobody,
            after_an_erasure_nothing_of_it_opens,
            others_go_on_as_before,
            the_person_erases_itself_by_chat,
            an_account_is_erased_everywhere_by_a_word_in_chat,
            what_is_older_than_it_may_be_goes_with_keep,
            an_erasure_that_is_cut_off_is_finished_by_keep,
            a_hub_hears_of_an_erasure_by_others,
        ], lab, model)
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
