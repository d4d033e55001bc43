#!/usr/bin/env python3
"""Every operation by REST and by the terminal, against a running hub: run it with tests/lab/with-lab."""

import concurrent.futures
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

SOCKET = os.environ["AIOX_SOCKET"]
CASES = []


def case(function):
    CASES.append(function)
    return function


class Connection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("hub", timeout=30)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(SOCKET)


def rest(method, path, body=None, headers=None, raw=None):
    connection = Connection()
    headers = dict(headers or {})
    if body is not None:
        raw = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, "/api/v1" + path, body=raw, headers=headers)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply, text


def ask(method, path, body=None, tenant=None, headers=None):
    headers = dict(headers or {})
    if tenant:
        headers["AIOX-Tenant"] = tenant
    reply, text = rest(method, path, body, headers)
    assert reply.status == 200, f"{method} {path}: {reply.status} {text}"
    assert reply.headers["Content-Type"] == "application/json"
    return json.loads(text)


def aiox(*words, stdin=None, check=True, env=None):
    done = subprocess.run(["aiox", *words], input=stdin, capture_output=True, text=True, timeout=90,
                          env={**os.environ, **(env or {})})
    if check:
        assert done.returncode == 0, f"aiox {' '.join(words)}: {done.returncode} {done.stderr}"
    return done


def chat(agent, question, **options):
    words = ["chat", agent, "--server", f"{os.environ['XMPP_HOST']}:{os.environ['XMPP_PORT']}", "--account",
             os.environ["ACCOUNT_JID"], "--ask", question, "--timeout", "20"]
    password = options.get("password", os.environ["ACCOUNT_PASSWORD"])
    return aiox(*words, check=False, env={"AIOX_CHAT_PASSWORD": password})


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def operations():
    """Name -> (noun, verb), as help lists them."""
    listed = aiox("help").stdout.split("Asked of the running hub:")[1]
    return [tuple(line.split()[:2]) for line in listed.splitlines() if re.match("  [a-z]", line)]


def event_of(tenant):
    """A security event of this tenant, which limits nobody."""
    return sql(f"""INSERT INTO security_events (tenant_id, id, at, hub, kind, severity)
                   SELECT id, gen_random_uuid(), now(), 'hub', 'domain', 'info' FROM tenants WHERE slug = '{tenant}'
                   RETURNING id""")


@case
def every_operation_answers_by_rest():
    ask("POST", "/workspaces", {"slug": "rest", "owner": "olga@localhost"})
    ask("POST", "/accounts", {"jid": "rita@localhost", "name": "Rita"})
    tenant = "rest"
    calls = [
        ("GET", "/workspaces", None), ("GET", "/workspaces/rest", None),
        ("PATCH", "/workspaces/rest", {"name": "By REST"}),
        ("POST", "/members", {"jid": "mia@localhost", "role": "viewer"}), ("GET", "/members", None),
        ("DELETE", "/members/mia@localhost", None),
        ("GET", "/accounts", None), ("GET", "/accounts/rita@localhost", None),
        ("POST", "/accounts/rita@localhost/suspend", {"reason": "test"}),
        ("POST", "/accounts/rita@localhost/resume", {}), ("DELETE", "/account?jid=rita@localhost", None),
        ("POST", "/agents", {"name": "echo", "model": "builtin/echo", "visibility": "public"}),
        ("GET", "/agents", None),
        ("GET", "/agents/echo", None), ("PATCH", "/agents/echo", {"goal": "Repeat.", "tags": ["a", "b"]}),
        ("POST", "/agents/echo/pause", {"reason": "Back soon."}), ("POST", "/agents/echo/resume", {}),
        ("POST", "/agents/echo/rollback", {"version": 1}),
        ("POST", "/agents/echo/grants", {"who": "carol@elsewhere.org"}), ("GET", "/agents/echo/grants", None),
        ("DELETE", "/agents/echo/grants/carol@elsewhere.org", None),
        ("GET", "/agents/echo/subscriptions", None), ("GET", "/audit", None), ("GET", "/audit/export", None),
        ("POST", "/audit/verification", {}), ("GET", "/compliance", None), ("GET", "/log", None),
        ("GET", "/security", None),
        ("POST", "/security/" + event_of("rest") + "/lift", {}),
        ("POST", "/limits", {"what": "messages", "amount": 100}), ("GET", "/limits", None),
        ("GET", "/limits/usage", None), ("GET", "/plans", None), ("GET", "/plans/free", None),
        ("DELETE", "/limits?what=messages", None),
        ("POST", "/agents/echo/conversation/new", {}), ("GET", "/agents/echo/conversation", None),
        ("POST", "/agents/echo/conversation/stop", {}), ("DELETE", "/agents/echo/conversation", None),
        ("DELETE", "/agents/echo/subscriptions?who=carol@x.org,b@x.org", None),
        ("POST", "/agents/echo/knowledge", {"name": "a.md", "content": "# A\n\nText."}),
        ("GET", "/agents/echo/knowledge", None), ("DELETE", "/agents/echo/knowledge/a.md", None),
        ("PATCH", "/policy", {"max_output": 100000}), ("GET", "/policy", None),
        ("GET", "/violations", None), ("GET", "/violations/counts", None),
        ("GET", "/persons?jid=carol@elsewhere.org", None), ("DELETE", "/persons?jid=carol@elsewhere.org", None),
        ("POST", "/secrets", {"name": "own", "value": "x"}), ("GET", "/secrets", None),
        ("POST", "/secrets/own/rotate", {"value": "y"}), ("DELETE", "/secrets/own", None),
        ("DELETE", "/agents/echo", None), ("POST", "/agents/echo/restore", {}),
        ("GET", "/registration", None), ("POST", "/invites", {"role": "viewer"}), ("GET", "/invites", None),
        ("DELETE", "/workspaces/rest", None), ("POST", "/workspaces/rest/restore", {}),
        ("GET", "/usage", None), ("GET", "/usage/export?format=jsonl", None), ("GET", "/usage/tenants", None),
        ("POST", "/prices", {"meter": "tool-runs", "price": 1.5, "margin": 20}), ("GET", "/prices", None),
        ("GET", "/workspaces/rest/export", None),
        ("GET", "/workers", None), ("GET", "/hub", None), ("GET", "/settings", None),
        ("GET", "/invocations", None),
    ]
    for method, path, body in calls:
        everywhere = path.startswith(("/workspaces", "/account", "/hub", "/settings", "/registration", "/prices",
                                      "/usage/tenants", "/workers"))
        ask(method, path, body, tenant=None if everywhere else tenant)
    ask("DELETE", "/invites/" + ask("GET", "/invites", tenant=tenant)["data"][0]["id"], tenant=tenant)
    for method, path, body, status in (("POST", "/registration", {"slug": "mine"}, 400),
                                       ("POST", "/invites/accept", {"code": "guess"}, 404),
                                       ("GET", "/profile", None, 400), ("PATCH", "/profile", {"name": "x"}, 400),
                                       ("POST", "/profile/proof", {"code": "1"}, 400),
                                       ("DELETE", "/membership", None, 404)):
        reply, text = rest(method, path, body, {"AIOX-Tenant": tenant} if path == "/membership" else None)
        assert reply.status == status, (method, path, text)
    worker = ask("GET", "/workers")["data"][0]["id"]
    ask("GET", "/workers/" + urllib.parse.quote(worker, safe=""))
    answer = chat("echo.rest@agents.localhost", "over REST")
    assert answer.stdout == "over REST\n", answer
    execution = wait_for(lambda: ask("GET", "/invocations?agent=echo", tenant=tenant)["data"])[0]
    shown = ask("GET", "/invocations/" + execution["id"], tenant=tenant)
    assert shown["status"] == "success" and "over REST" not in json.dumps(shown), shown
    assert 0 < shown["admission_ms"] < shown["total_ms"], shown
    ask("POST", f"/invocations/{execution['id']}/cancel", {}, tenant=tenant)
    used = ask("GET", "/usage", tenant=tenant)["total"]
    assert used["messages"] >= 1 and used["api_calls"] > 20 and used["cost"] == "0.00 EUR", used
    assert ask("GET", "/feedback", tenant=tenant)["data"] == []


@case
def every_operation_answers_on_the_terminal():
    with tempfile.NamedTemporaryFile("w", suffix=".md") as document:
        document.write("# Hours\n\nWe open at nine.\n")
        document.flush()
        t = ["--tenant", "term"]
        calls = [
            ["tenant", "create", "term", "--owner", "olga@localhost"], ["tenant", "list"], ["tenant", "show", "term"],
            ["tenant", "update", "term", "--name", "On a terminal"],
            ["tenant", "export", "term"], ["tenant", "delete", "term", "--yes"],
            ["tenant", "restore", "term"], ["registration", "show"],
            ["invite", "create", "--role", "viewer", *t], ["invite", "list", *t],
            ["member", "add", "mia@localhost", "--role", "viewer", *t], ["member", "list", *t],
            ["member", "remove", "mia@localhost", "--yes", *t],
            ["account", "create", "--jid", "tom@localhost"], ["account", "list"], ["account", "show", "tom@localhost"],
            ["account", "suspend", "tom@localhost", "--reason", "test"], ["account", "resume", "tom@localhost"],
            ["account", "erase", "--jid", "tom@localhost", "--yes"],
            ["agent", "create", "desk", "--visibility", "public", *t], ["agent", "list", *t],
            ["agent", "show", "desk", *t],
            ["agent", "update", "desk", "--goal", "Help.", *t], ["agent", "pause", "desk", *t],
            ["agent", "resume", "desk.term@agents.localhost"], ["agent", "rollback", "desk", *t],
            ["grant", "add", "desk", "carol@elsewhere.org", "--messages-per-minute", "5", *t],
            ["grant", "list", "desk", *t],
            ["grant", "remove", "desk", "carol@elsewhere.org", "--yes", *t],
            ["subscription", "list", "desk", *t],
            ["subscription", "remove", "desk", "--who", "carol@elsewhere.org", "--yes", *t],
            ["knowledge", "add", "desk", "hours.md", "@" + document.name, *t], ["knowledge", "list", "desk", *t],
            ["conversation", "new", "desk", *t], ["conversation", "status", "desk", *t],
            ["conversation", "stop", "desk", *t], ["conversation", "forget", "desk", "--yes", *t],
            ["limit", "set", "messages", "--amount", "100", "--agent", "desk", *t], ["limit", "list", *t],
            ["limit", "usage", *t], ["plan", "list"], ["plan", "show", "free"],
            ["limit", "remove", "messages", "--agent", "desk", "--yes", *t],
            ["policy", "set", "--max-output", "100000", *t], ["policy", "show", *t],
            ["violation", "list", *t], ["violation", "count", *t],
            ["person", "export", "--jid", "carol@elsewhere.org", *t],
            ["person", "erase", "--jid", "carol@elsewhere.org", "--yes", *t],
            ["secret", "set", "own", "--value", "@" + document.name, *t], ["secret", "list", *t],
            ["secret", "rotate", "own", "@" + document.name, *t], ["secret", "remove", "own", "--yes", *t],
            ["audit", "list", *t], ["audit", "export", *t], ["audit", "verify", *t],
            ["compliance", "report", *t], ["log", "list", *t], ["security", "list", *t],
            ["feedback", "list", *t],
            ["agent", "delete", "desk", "--yes", *t], ["agent", "restore", "desk", *t],
            ["usage", "show", *t], ["usage", "export", *t], ["usage", "list"],
            ["price", "set", "tool-runs", "1.5", "--margin", "20"], ["price", "list"],
            ["worker", "list"], ["hub", "status"], ["settings", "show"],
        ]
        done = {tuple(words[:2]) for words in calls}
        for words in calls:
            aiox(*words)
        answer = chat("desk.term@agents.localhost", "When do you open?")
        assert "We open at nine." in answer.stdout, answer
        execution = wait_for(lambda: json.loads(aiox("execution", "list", "--json", *t).stdout)["data"])[0]["id"]
        for words in (["security", "lift", event_of("term"), *t],
                      ["knowledge", "remove", "desk", "hours.md", "--yes", *t], ["execution", "list", *t],
                      ["execution", "show", execution, *t], ["execution", "cancel", execution, *t],
                      ["worker", "show", json.loads(aiox("worker", "list", "--json").stdout)["data"][0]["id"]]):
            done.add(tuple(words[:2]))
            aiox(*words)
        invite = json.loads(aiox("invite", "list", "--json", *t).stdout)["data"][0]["id"]
        aiox("invite", "revoke", invite, "--yes", *t)
        done.add(("invite", "revoke"))
        used = aiox("usage", *t).stdout.splitlines()
        assert used[0].startswith("NAME") and used[-1].startswith("total") and used[-1].endswith("0.00 EUR"), used
        # Who has no address is no person.
        for words in (["tenant", "register", "mine"], ["invite", "accept", "guess"], ["profile", "show"],
                      ["profile", "update", "--name", "x"], ["profile", "prove", "1"],
                      ["member", "leave", "--yes", *t]):
            refused = aiox(*words, check=False)
            assert refused.returncode != 0 and re.search("only people|there is no such", refused.stderr), refused
            done.add(tuple(words[:2]))
        # Nor has he contacts.
        refused = aiox("subscription", "add", "desk", *t, check=False)
        assert refused.returncode == 2 and "only people" in refused.stderr, refused
        done.add(("subscription", "add"))
        refused = aiox("feedback", "add", execution, "--reactions", "+", *t, check=False)
        assert refused.returncode != 0 and "of yours" in refused.stderr, refused
        done.add(("feedback", "add"))
    assert done == set(operations()), done ^ set(operations())


@case
def errors_are_problem_documents():
    cases = [
        ("GET", "/nothing", None, 404, "not-found"), ("GET", "/agents/absent", None, 404, "not-found"),
        ("PUT", "/agents", {}, 405, "unsupported"), ("POST", "/agents", {"nmae": "x"}, 400, "invalid"),
        ("POST", "/agents", {}, 400, "invalid"), ("POST", "/agents", ["x"], 400, "invalid"),
        ("POST", "/agents", {"name": "x" * 5000}, 413, "too-large"),
        ("POST", "/workspaces", {"slug": "installation"}, 409, "conflict"),
        ("POST", "/agents/absent/grants", {"who": "*@*"}, 400, "invalid"),
        ("GET", "/agents?limit=1000", None, 400, "invalid"), ("GET", "/agents?limit=1&limit=2", None, 400, "invalid"),
        ("GET", "/agents?name=%00", None, 400, "invalid"), ("GET", "/agents?tenant=absent", None, 404, "not-found"),
        ("GET", "/agents?tenant=%ff", None, 404, "not-found"), ("GET", "/invocations/1", None, 400, "invalid"),
        ("GET", "/invocations/0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01", None, 404, "not-found"),
    ]
    for method, path, body, status, code in cases:
        reply, text = rest(method, path, body)
        problem = json.loads(text)
        assert (reply.status, problem["code"], problem["status"]) == (status, code, status), (method, path, problem)
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert problem["type"] == "urn:aiox:problem:" + code and problem["detail"] and reply.headers["X-Request-Id"]
    reply, _ = rest("PUT", "/agents", {})
    assert reply.headers["Allow"] == "POST, GET"
    for raw, kind in ((b"{", "application/json"), (b"\xff", "application/json"),
                      (b"a=1", "application/x-www-form-urlencoded"),
                      (b'{"name":"a","name":"b"}', "application/json"),
                      (b'{"name":"\\ud800"}', "application/json"), (b'{"name":1e400}', "application/json")):
        reply, text = rest("POST", "/agents", raw=raw, headers={"Content-Type": kind})
        assert reply.status == 400, (raw[:20], text)


@case
def bodies_over_a_mebibyte_are_refused_and_heard():
    for size in (1024 * 1024 + 1, 8 * 1024 * 1024):
        reply, text = rest("POST", "/agents", raw=b"x" * size, headers={"Content-Type": "application/json"})
        assert reply.status == 413, text
    before = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{hub_pid()}/status").read()).group(1))
    for _ in range(20):
        rest("POST", "/agents", raw=b"x" * 8 * 1024 * 1024, headers={"Content-Type": "application/json"})
    after = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{hub_pid()}/status").read()).group(1))
    assert after < before + (200000 if is_sanitized() else 20000), (before, after)


def is_sanitized():
    """What is freed stays for a while, to be told when it is used."""
    return b"__asan_init" in open(f"/proc/{hub_pid()}/exe", "rb").read()


def hub_pid():
    """Who listens on the socket."""
    probe = socket.socket(socket.AF_UNIX)
    probe.connect(SOCKET)
    credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    probe.close()
    return int.from_bytes(credentials[:4], sys.byteorder)


@case
def bad_http_costs_nobody_else_anything():
    junk = [b"\x00\x01\x02\r\n\r\n", b"GET", b"GET / HTTP/9.9\r\n\r\n", b"POST /api/v1/agents HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: -1\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
            b"POST /api/v1/agents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
    held = []
    for bytes_ in junk * 5:
        probe = socket.socket(socket.AF_UNIX)
        probe.connect(SOCKET)
        probe.sendall(bytes_)
        held.append(probe)
        ask("GET", "/hub")
    for probe in held:
        probe.close()


@case
def a_request_under_one_key_is_done_once():
    headers = {"Idempotency-Key": "e2e-1"}
    first = rest("POST", "/agents", {"name": "once"}, headers)[1]
    assert rest("POST", "/agents", {"name": "once"}, headers)[1] == first
    reply, _ = rest("POST", "/agents", {"name": "twice"}, headers)
    assert reply.status == 409
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: rest("POST", "/agents", {"name": "raced"}, {"Idempotency-Key": "e2e-2"})[1],
                                range(16)))
    assert len(set(answers)) == 1, set(answers)
    reply, _ = rest("POST", "/agents", {"name": "x"}, {"Idempotency-Key": "k" * 256})
    assert reply.status == 400


@case
def many_callers_at_once_are_all_answered():
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda i: rest("GET", "/agents" if i % 2 else "/hub")[0].status, range(600)))
    assert set(statuses) == {200}, set(statuses)


@case
def a_change_holds_for_the_next_message():
    aiox("tenant", "create", "now", "--owner", "olga@localhost")
    t = ["--tenant", "now"]
    aiox("agent", "create", "quick", "--model", "builtin/echo", "--visibility", "public", *t)
    assert chat("quick.now@agents.localhost", "one").stdout == "one\n"
    aiox("agent", "pause", "quick", "--reason", "Back at noon.", *t)
    paused = chat("quick.now@agents.localhost", "two")
    assert paused.returncode not in (0, 1) and "Back at noon." in paused.stderr, paused
    aiox("agent", "resume", "quick", *t)
    assert chat("quick.now@agents.localhost", "three").stdout == "three\n"
    aiox("agent", "update", "quick", "--visibility", "shared", *t)
    absent = chat("nobody.now@agents.localhost", "x")
    hidden = chat("quick.now@agents.localhost", "x")
    assert (absent.returncode, absent.stderr) == (hidden.returncode, hidden.stderr) and absent.returncode == 3, hidden
    aiox("grant", "add", "quick", os.environ["ACCOUNT_JID"], *t)
    assert chat("quick.now@agents.localhost", "four").stdout == "four\n"
    aiox("account", "suspend", os.environ["ACCOUNT_JID"])
    suspended = chat("quick.now@agents.localhost", "x")
    assert (suspended.returncode, suspended.stderr) == (absent.returncode, absent.stderr), suspended
    aiox("account", "resume", os.environ["ACCOUNT_JID"])
    aiox("agent", "delete", "quick", "--yes", *t)
    deleted = chat("quick.now@agents.localhost", "x")
    assert (deleted.returncode, deleted.stderr) == (absent.returncode, absent.stderr), deleted


@case
def the_terminal_says_what_is_wrong_and_ends_with_its_code():
    cases = [
        (["agent", "pause", "absent"], 3, "there is no such agent"),
        (["agent", "paus"], 2, "did you mean 'agent pause'"),
        (["agent", "list", "--stat", "paused"], 2, "did you mean --state?"),
        (["agent", "list", "--state", "tired"], 2, "--state must be one of active|paused|deleted"),
        (["audit", "list", "--severity", "warn"], 2, "--severity must be one of info|warning|critical; did you mean"),
        (["audit", "list", "--type", "mesage.refused"], 2, "--type: no record's type begins so; did you mean "
                                                           "'message.refused'?"),
        (["tenant", "update", "installation", "--billing-day", "32"], 2, "--billing-day must be a whole number, 1 to"),
        (["limit", "set", "messages", "10"], 2, "name one tenant with --tenant, or say --everybody for all tenants"),
        (["limit", "set", "messages"], 2, "--amount is missing"),
        (["usage", "--period", "previous", "--from", "2026-01-01"], 2, "say --period, or --from and --to, not both"),
        (["agent", "show", "a", "b"], 2, "'b' is one word too many"),
        (["agent", "delete", "absent"], 2, "add --yes"),
        (["agent", "create", "x", "--prompt", "@/nonexistent"], 2, "cannot read /nonexistent"),
        (["tenant", "create", "installation"], 6, "already"),
        (["agent", "list", "--socket", "/nonexistent"], 10, "is `aiox hub` running"),
        (["agent", "list", "--tenant", "absent"], 3, "there is no such tenant"),
        (["hub", "--worker", "1"], 2, "did you mean 'workers'"),
        (["completion", "tcsh"], 2, "bash, zsh and fish"),
    ]
    for words, code, sentence in cases:
        done = aiox(*words, check=False, stdin="")
        assert done.returncode == code and sentence in done.stderr and done.stdout == "", (words, done)
    assert json.loads(aiox("agent", "list", "--json").stdout)["has_more"] is False
    assert "\033" not in aiox("tenant", "list").stdout
    page = aiox("tenant", "list", "--limit", "1")
    assert "--after" in page.stderr
    assert aiox("agent", "pause", "--help").stdout == aiox("help", "agent", "pause").stdout
    for noun, verb in operations():
        text = aiox("help", noun, verb).stdout
        assert f"Usage: aiox {noun} {verb}" in text and "REST: " in text


@case
def what_people_read_fits_a_terminal_and_is_not_json():
    t = ["--tenant", "fits"]
    aiox("tenant", "create", "fits", "--owner", "olga@localhost", "--plan", "free")
    for words in (["violation", "list", *t], ["invite", "list", *t], ["limit", "list", *t], ["secret", "list", *t]):
        done = aiox(*words)
        assert (done.stdout, bool(re.fullmatch(r"No [a-z ]+ found\.\n", done.stderr))) == ("", True), done
        assert json.loads(aiox(*words, "--json").stdout)["data"] == []
    aiox("agent", "create", "receptionist", "--visibility", "public", "--model", "builtin/echo", *t)
    aiox("invite", "create", "--jid", "somebody@example.org", *t)
    aiox("limit", "set", "money-nano", "5250000000", "--window", "month", "--agent", "receptionist", *t)
    aiox("price", "set", "completion-tokens", "12.5", "--model", "openai/gpt-4o-mini", "--margin", "20")
    assert chat("receptionist.fits@agents.localhost", "hello").stdout == "hello\n"
    wait_for(lambda: json.loads(aiox("execution", "list", "--json", *t).stdout)["data"])
    for words in (["usage", *t], ["usage", "list"], ["price", "list"], ["agent", "list", *t], ["invite", "list", *t],
                  ["execution", "list", *t], ["limit", "usage", *t], ["limit", "list", *t], ["tenant", "list"],
                  ["plan", "list"], ["worker", "list"], ["plan", "show", "free"], ["policy", "show", *t],
                  ["hub", "status"], ["audit", "verify", *t]):
        lines = aiox(*words).stdout.splitlines()
        assert len(lines) > 1, (words, lines)
        for line in lines:
            assert len(line) <= 100 and not re.search(r'[{}"]', line), (words, line)
    assert "limits\n  agents               5\n" in aiox("plan", "show", "free").stdout
    for noun, verb in operations():
        for line in aiox("help", noun, verb).stdout.splitlines():
            assert len(line) <= 100 or line.startswith(("  aiox ", "Usage: ")), (noun, verb, line)
    for noun, verb, absent in (("price", "list", "--tenant"), ("plan", "list", "--tenant"),
                               ("tenant", "show", "--tenant"), ("limit", "list", "--yes"),
                               ("limit", "list", "--idempotency-key")):
        assert absent not in aiox("help", noun, verb).stdout.split("Options:")[1], (noun, verb)
    assert "Separated by commas" in aiox("help", "policy", "set").stdout


@case
def completion_scripts_are_scripts():
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
        script = aiox("completion", shell).stdout
        assert "pause" in script and "visibility" in script
        try:
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(script)
                file.flush()
                subprocess.run([*check, file.name], check=True, capture_output=True)
        except FileNotFoundError:
            print(f"# {shell} is not installed: its script was not read")
    probe = ("source <(aiox completion bash); COMP_WORDS=(aiox agent create --visibility pu); COMP_CWORD=4; _aiox; "
             "echo ${COMPREPLY[*]}; COMP_WORDS=(aiox hub st); COMP_CWORD=2; _aiox; echo ${COMPREPLY[*]}")
    assert subprocess.run(["bash", "-c", probe], capture_output=True, text=True).stdout == "public\nstatus\n"


@case
def chat_tells_apart_what_can_go_wrong():
    assert chat("guide@agents.localhost", "x", password="wrong").returncode == 4
    cases = [
        (["chat", "guide@agents.localhost"], 2, "--account"),
        (["chat", "agents.localhost", "--account", "a@localhost"], 2, "must be an address"),
        (["chat", "g@a", "--account", "a@localhost"], 2, "--password-file or AIOX_CHAT_PASSWORD"),
        (["chat", "g@a", "--account", "a@localhost", "--password-file", "/nonexistent"], 2, "cannot read"),
        (["chat"], 2, "usage: aiox chat JID"),
    ]
    for words, code, sentence in cases:
        done = aiox(*words, check=False)
        assert done.returncode == code and sentence in done.stderr, (words, done)
    done = aiox("chat", "g@a", "--account", "a@localhost", "--server", "127.0.0.1:1", check=False,
                env={"AIOX_CHAT_PASSWORD": "x"})
    assert done.returncode == 10, done


@case
def doctor_finds_what_is_broken():
    assert "FAILED" not in aiox("doctor").stdout
    cases = [
        (["--redis", "redis://127.0.0.1:1/0"], "redis", 10),
        (["--master-key-file", "/etc/hostname"], "master key", None),
        (["--database", "host=127.0.0.1 port=1 dbname=x"], "database", 10),
        (["--component-secret-file", "/nonexistent"], "secrets", 2),
        (["--server", "192.0.2.1:5347"], "plain text", 8),
    ]
    for options, check, code in cases:
        done = aiox("doctor", "--json", *options, check=False)
        bad = [finding for finding in json.loads(done.stdout) if finding["state"] == "bad"]
        assert bad and bad[0]["check"] == check and bad[0]["fix"], (options, done.stdout)
        assert done.returncode == code or (code is None and done.returncode != 0), (options, done)
    settings = dict(line.split(maxsplit=1) for line in aiox("settings", "check").stdout.splitlines())
    empty = settings["database"].replace("dbname=aiox", "dbname=postgres")
    findings = json.loads(aiox("doctor", "--json", "--database", empty, check=False).stdout)
    states = {finding["check"]: finding["state"] for finding in findings}
    assert (states["schema"], states["partitions"], states["master key"]) == ("bad", "skipped", "skipped"), findings


def sql(text):
    done = subprocess.run(["psql", "-XAtq", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text], check=True,
                          capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


@case
def the_audit_names_the_first_record_that_was_altered():
    ask("POST", "/workspaces", {"slug": "audited", "owner": "olga@localhost"})
    for number in range(3):
        ask("POST", "/agents", {"name": f"a{number}"}, tenant="audited")
    made = "/audit?type=operation.agent-"
    records = wait_for(lambda: len(found := ask("GET", made, tenant="audited")["data"]) == 3 and found, 20)
    assert [record["position"] for record in records] == sorted((r["position"] for r in records), reverse=True)
    page = ask("GET", made + "&limit=2", tenant="audited")
    assert [r["cursor"] for r in page["data"]] == [r["cursor"] for r in records[:2]] and page["has_more"]
    after = ask("GET", f"{made}&limit=2&after={page['after']}", tenant="audited")["data"]
    assert [r["cursor"] for r in after] == [records[2]["cursor"]], after
    assert rest("GET", "/audit?after=1", headers={"AIOX-Tenant": "audited"})[0].status == 400
    assert len(ask("GET", "/audit?type=operation.tenant-", tenant="audited")["data"]) == 1
    assert "intact" in aiox("audit", "verify", "--tenant", "audited").stdout
    altered = "tenant_id = (SELECT id FROM tenants WHERE slug = 'audited') AND position = 2"
    before = sql(f"SELECT facts FROM audit WHERE {altered}")
    sql(f"UPDATE audit SET facts = '{{}}' WHERE {altered}")
    try:
        done = aiox("audit", "verify", "--tenant", "audited", check=False)
        assert done.returncode != 0 and "breaks at record 2" in done.stderr, done
        assert "intact" in aiox("audit", "verify").stdout  # another tenant's chain is another one
    finally:
        sql(f"UPDATE audit SET facts = $${before}$$ WHERE {altered}")
    sql(f"DELETE FROM audit WHERE {altered}")
    assert "breaks at record 2" in aiox("audit", "verify", "--tenant", "audited", check=False).stderr


@case
def only_root_and_the_hubs_user_are_let_in():
    assert os.stat(SOCKET).st_mode & 0o777 == 0o600
    if os.geteuid() != 0:
        print("# another user's attempt needs root: left out")
        return
    probe = ("import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX)\n"
             "try: s.connect(sys.argv[1])\nexcept OSError: sys.exit(7)\n")
    assert subprocess.run([sys.executable, "-c", probe, SOCKET]).returncode == 7


failed = 0
for number, function in enumerate(CASES, 1):
    try:
        function()
        print(f"ok {number} - {function.__name__}", flush=True)
    except Exception as trouble:  # pylint: disable=broad-except
        failed += 1
        report = f"not ok {number} - {function.__name__}\n# {type(trouble).__name__}: {str(trouble)[:2000]}"
        print(report.replace("\n", "\n# ")
              .replace("# # ", "# "), flush=True)
print(f"1..{len(CASES)}")
sys.exit(1 if failed else 0)
