#!/usr/bin/python3
"""A scripted model that costs money: what it used times the price of its moment is what `aiox usage` says, to the
nano-unit. Run it with tests/e2e/answers.sh usage.py."""

import csv
import io
import json
import os
import subprocess
import sys
import time
import urllib.request

MODEL = os.environ["MODEL_SERVER_URL"].removesuffix("/v1")
BILLION = 10**9
USED = {"prompt_tokens": 1000, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 600}}
# In units of money for a million tokens; with a margin of a fifth. The first does not come out even.
PRICES = {"prompt-tokens": 2500000001, "completion-tokens": 10 * BILLION, "cached-tokens": 1250000000}


def aiox(*words, check=True, env=None):
    done = subprocess.run(["aiox", *words], capture_output=True, text=True, timeout=90,
                          env={**os.environ, **(env or {})})
    if check:
        assert done.returncode == 0, f"aiox {' '.join(words)}: {done.returncode} {done.stderr}"
    return done


def ask(agent, question):
    done = aiox("chat", agent + "@agents.localhost", "--server", f"{os.environ['XMPP_HOST']}:{os.environ['XMPP_PORT']}",
                "--account", os.environ["ACCOUNT_JID"], "--ask", question, "--timeout", "20",
                env={"AIOX_CHAT_PASSWORD": os.environ["ACCOUNT_PASSWORD"]})
    assert done.stdout == "Yes.\n", done


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return value


def shown(*words):
    return json.loads(aiox("usage", "show", "--json", *words).stdout)


def used_of(agent):
    """What is said of the agent once so many messages to it are counted."""
    rows = {row["name"]: row for row in shown("--group", "agent")["data"]}
    return rows.get(agent, {"messages": 0})


def cost(prompt, completion, cached):
    """In nano-units, rounded up, of what the model says it used and such prices."""
    return -(-(400 * prompt + 600 * cached + 200 * completion) // 10**6)


def charged(meter):
    return -(-PRICES[meter] * 12 // 10)


def money(nano):
    text = f"{nano // BILLION}.{nano % BILLION:09}".rstrip("0")
    return text + "0" * (2 - len(text.split(".")[1])) + " EUR"


def price_in_force():
    rows = json.loads(aiox("price", "list", "--json", "--model", "openai/paid").stdout)["data"]
    return len(rows) == len(PRICES) and all(row["in_force"] for row in rows)


def main():
    script = {"rules": [{"when": {}, "reply": {"text": "Yes.", "usage": USED}}]}
    urllib.request.urlopen(urllib.request.Request(MODEL + "/control/script", json.dumps(script).encode(), method="PUT"))
    question = "Is it so? " * 120  # no more tokens than bytes
    for name, price in (("plain", []), ("dear", ["--prompt-price", "20", "--completion-price", "1"])):
        aiox("agent", "create", name, "--model", "openai/paid", "--memory", "none", "--visibility", "public", *price)
    ask("plain", question)
    free = wait_for(lambda: (used := used_of("plain"))["messages"] == 1 and used)
    assert free["cost_nano"] == 0 and free["cached_tokens"] == 600, free
    for meter, nano in PRICES.items():
        aiox("price", "set", meter, f"{nano // BILLION}.{nano % BILLION:09}", "--model", "openai/paid", "--margin",
             "20")
    wait_for(price_in_force)
    refused = aiox("agent", "create", "cheap", "--model", "openai/paid", "--prompt-price", "1", check=False)
    assert refused.returncode == 2 and "--prompt-price must be at least 3.000000002" in refused.stderr, refused
    # The version was read before the price was set, and is the same.
    ask("plain", question)
    plain = cost(charged("prompt-tokens"), charged("completion-tokens"), charged("cached-tokens"))
    said = wait_for(lambda: (used := used_of("plain"))["messages"] == 2 and used)
    assert said["cost_nano"] == plain and said["cost"] == money(plain), (said, plain)
    # Its own price where that is the higher one.
    ask("dear", question)
    dear = cost(20 * BILLION, charged("completion-tokens"), charged("cached-tokens"))
    said = wait_for(lambda: (used := used_of("dear"))["messages"] == 1 and used)
    assert said["cost_nano"] == dear, (said, dear)
    total = shown()["total"]
    assert total["cost_nano"] == plain + dear and total["prompt_tokens"] == 3000, total
    table = aiox("usage").stdout.splitlines()
    assert table[0].split()[0] == "NAME" and table[-1].startswith("total"), table
    assert table[-1].endswith(money(plain + dear)), (table, plain + dear)
    lines = list(csv.DictReader(io.StringIO(aiox("usage", "export").stdout)))
    assert sum(int(line["cost_nano"]) for line in lines) == plain + dear, lines
    assert {line["model"] for line in lines if line["agent"] == "plain"} == {"openai/paid"}, lines
    executions = json.loads(aiox("execution", "list", "--json").stdout)["data"]
    costs = [json.loads(aiox("execution", "show", row["id"], "--json").stdout) for row in executions]
    assert sorted(row["cost_nano"] for row in costs) == sorted([0, plain, dear]), costs
    assert {row["cached_tokens"] for row in costs} == {600}, costs


print("1..1")
try:
    main()
    print("ok 1 - tokens_times_price_is_what_usage_says_to_the_nano_unit")
except Exception as trouble:  # pylint: disable=broad-except
    print("not ok 1 - tokens_times_price_is_what_usage_says_to_the_nano_unit\n# "
          + f"{type(trouble).__name__}: {str(trouble)[:2000]}".replace("\n", "\n# "))
    sys.exit(1)
