#!/usr/bin/env python3
"""A disk that fills: PostgreSQL's write-ahead log lies on a small file system of its own. Whoever writes meanwhile is
told to wait; what was receipted is answered; and once there is room again and PostgreSQL is back, nobody has to touch
the hub."""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "security"))

from withstand import AGENTS, Lab, Skip, run, until  # noqa: E402

ECHO = "echo@" + AGENTS


def mounting_is_permitted():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0


def fill(folder):
    """Takes all the room there is."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (1_000_000, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return ballast


def write(server, first, count):
    for number in range(first, first + count):
        # Text that fills the log's segments soon.
        server.speak("p%d@localhost/x" % (number % 20), ECHO, "%d %s" % (number, os.urandom(8_000).hex()),
                     "m%d" % number)


def a_disk_that_fills_makes_people_wait_and_loses_no_receipted_message():
    if not mounting_is_permitted():
        raise Skip("mounting is forbidden here")
    lab, well = None, False
    try:
        lab = Lab("--wal-size", "24M")
        lab.aiox("member", "add", lab.account, "--role", "owner")
        lab.aiox("agent", "create", "echo", "--owner", lab.account, "--visibility", "public", "--model", "builtin/echo",
                 "--memory", "none")
        server, pid = lab.server, lab.pid()
        server.up()
        assert server.ask("first@localhost/x", ECHO, "first", "first").body == "first"
        ballast = fill(pathlib.Path(lab.environment["PG_WAL"]))
        sent = 0
        deadline = time.monotonic() + 40
        while not server.errors:
            assert time.monotonic() < deadline, "the disk never filled"
            write(server, sent, 20)
            sent += 20
            time.sleep(0.2)
        refused = next(iter(server.errors.values()))
        assert "type='wait'" in refused.raw.replace('"', "'"), refused.raw
        time.sleep(1)
        receipts = len(server.by_receipt)
        write(server, sent, 20)
        sent += 20
        time.sleep(6)
        assert len(server.by_receipt) == receipts, "receipts although nothing can be written"
        # Room again, and PostgreSQL, which has given up, is started.
        ballast.unlink()
        until(lambda: restarted(lab), 30, "PostgreSQL's start")
        until(lambda: answers(server), 60, "an answer after the disk had room")
        assert lab.pid() == pid, "the hub is another process"
        # Every message had a receipt and is answered, or was refused.
        until(lambda: not unsettled(server, sent), 60, "what was promised")
        false = [error.raw for name, error in server.errors.items() if "type='wait'" not in error.raw.replace('"', "'")]
        assert not false, false[0]
        well = True
    finally:
        if lab:
            lab.down(failed=not well)


def restarted(lab):
    try:
        lab.lab("start", "postgres")
        return True
    except AssertionError:
        return False


def answers(server):
    try:
        return server.ask("last@localhost/x", ECHO, "last", "last-%d" % time.monotonic_ns(), seconds=5).body == "last"
    except AssertionError:
        return False


def unsettled(server, sent):
    """Messages that were receipted and not answered, or neither receipted nor refused."""
    answered = {answer.body.split(" ")[0] for answer in list(server.answers)}
    return [number for number in range(sent)
            if ("m%d" % number in server.by_receipt) != (str(number) in answered)
            or not ("m%d" % number in server.by_receipt or "m%d" % number in server.errors)]


if __name__ == "__main__":
    sys.exit(0 if run([a_disk_that_fills_makes_people_wait_and_loses_no_receipted_message]) else 1)
