#!/usr/bin/env python3
"""Two tenants through one worker, the same people writing to both: nothing of one reaches the other, neither as text,
history, prompt nor knowledge. And a turn whose owner was altered in the store does not run."""

import sys
import time

from withstand import AGENTS, Lab, Model, message, run, until

TENANTS = {"acme": "XYLOPHONE", "globex": "MARZIPAN"}
PEOPLE, ROUNDS, EACH = 40, 3, 6
EACH_WAY = PEOPLE * ROUNDS * EACH


def canary_is_alone(slug, text):
    other = [word for tenant, word in TENANTS.items() if tenant != slug]
    return TENANTS[slug] in text and not any(word in text for word in other)


def set_up(lab):
    for slug, word in TENANTS.items():
        lab.aiox("tenant", "create", slug, "--owner", "owner@%s.example" % slug)
        common = ("--visibility", "public", "--tenant", slug)
        lab.aiox("agent", "create", "talk", *common, "--model", "openai/" + slug, "--prompt", "The word is %s." % word,
                 "--memory-messages", "6")
        lab.aiox("agent", "create", "know", *common, "--model", "builtin/extractive", "--memory", "none")
        lab.aiox("knowledge", "add", "know", "--name", "vault", "--tenant", slug, "--content",
                 "# The vault\n\nThe vault opens with the word %s at noon." % word)


def nothing_crosses_between_tenants_that_share_a_worker(lab, model):
    server = lab.server
    server.up()
    sent = 0
    for around in range(ROUNDS):
        expected = len(server.answers) + PEOPLE * EACH * 4
        for number in range(EACH):
            batch = []
            for person in range(PEOPLE):
                for slug, word in TENANTS.items():
                    sent += 1
                    sender = "person%d@localhost/x" % person
                    batch.append(message(sender, "talk.%s@%s" % (slug, AGENTS), "I say %s %d" % (word, sent),
                                         "t%d" % sent, "thread" if person % 2 else None))
                    batch.append(message(sender, "know.%s@%s" % (slug, AGENTS), "Which word opens the vault?",
                                         "k%d" % sent))
            assert server.send("".join(batch))
        until(lambda: len(server.answers) >= expected or server.errors, 120, "round %d" % around)
        assert not server.errors, next(iter(server.errors.values())).raw
    answers = list(server.answers)
    assert len(answers) == EACH_WAY * 4, len(answers)
    for answer in answers:
        slug = answer.get("from").split("@")[0].split(".")[1]
        assert canary_is_alone(slug, answer.body), answer.raw
    requests = model.requests()
    assert len(requests) == EACH_WAY * 2, len(requests)
    for request in requests:
        assert canary_is_alone(request["model"], str(request["messages"])), request
    assert max(len(request["messages"]) for request in requests) == 1 + 6 + 1, "no history was told"


def a_turn_whose_owner_was_altered_in_the_store_does_not_run(lab, model):
    server, agent = lab.server, "swapped.acme@" + AGENTS
    lab.aiox("member", "add", "mallory@localhost", "--role", "viewer", "--tenant", "acme")
    lab.aiox("agent", "create", "swapped", "--visibility", "public", "--model", "openai/acme", "--tenant", "acme",
             "--prompt", "secret")
    model.reset()
    changed = lab.sql("SET session_replication_role = replica; "
                      "UPDATE agent_versions v SET owner_id = a.id FROM agents g, accounts a "
                      "WHERE g.name = 'swapped' AND v.id = g.version_id AND a.jid = 'mallory@localhost' RETURNING 1")
    assert changed == "1", changed
    answer = server.ask("person1@localhost/x", agent, "Whose are you?", "swapped-1")
    assert "<error" in answer.raw and "owner" in answer.body, answer.raw
    assert model.total() == 0
    # Put right, it runs.
    lab.aiox("agent", "update", "swapped", "--tenant", "acme", "--prompt", "another")
    until(lambda: server.ask("person1@localhost/x", agent, "And now?", "swapped-%d" % time.monotonic_ns()).body
          == "You said: And now?", 20, "an answer")


def a_version_that_was_moved_to_another_tenant_is_not_read(lab, model):
    lab.aiox("agent", "create", "moved", "--visibility", "public", "--model", "openai/acme", "--tenant", "acme",
             "--prompt", "secret")
    model.reset()
    changed = lab.sql("SET session_replication_role = replica; "
                      "UPDATE agent_versions v SET tenant_id = t.id FROM agents g, tenants t "
                      "WHERE g.name = 'moved' AND v.id = g.version_id AND t.slug = 'globex' RETURNING 1")
    assert changed == "1", changed
    answer = lab.server.ask("person1@localhost/x", "moved.acme@" + AGENTS, "Whose are you?", "moved-1")
    assert "<error" in answer.raw and model.total() == 0, answer.raw


def who_takes_an_agent_from_its_owner_has_nothing_of_before_told_to_a_model(lab, model):
    server, agent = lab.server, "diary.acme@" + AGENTS
    lab.aiox("agent", "create", "diary", "--visibility", "public", "--model", "openai/acme", "--tenant", "acme",
             "--prompt", "Keep it.")
    lab.aiox("member", "add", "adam@acme.example", "--role", "admin", "--tenant", "acme")
    server.ask("person1@localhost/x", agent, "My XYLOPHONE is blue.", "taken-1")
    server.ask("person1@localhost/x", agent, "What did I say?", "taken-2")
    assert "blue" in str(model.requests()[-1]["messages"]), "no history was told"
    lab.aiox("agent", "update", "diary", "--owner", "adam@acme.example", "--tenant", "acme")
    model.reset()
    until(lambda: server.ask("person1@localhost/x", agent, "Whose are you?", "taken-%d" % time.monotonic_ns()).body
          == "You said: Whose are you?", 20, "an answer")
    assert model.requests() and "blue" not in str(model.requests()), model.requests()


def main():
    model, lab, well = Model(), None, False
    try:
        lab = Lab("--set", "openai_url=" + model.url, "--set", "workers=1")
        set_up(lab)
        well = run([
            nothing_crosses_between_tenants_that_share_a_worker,
            a_turn_whose_owner_was_altered_in_the_store_does_not_run,
            a_version_that_was_moved_to_another_tenant_is_not_read,
            who_takes_an_agent_from_its_owner_has_nothing_of_before_told_to_a_model,
        ], lab, model)
    finally:
        model.stop()
        if lab:
            lab.down(failed=not well)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
