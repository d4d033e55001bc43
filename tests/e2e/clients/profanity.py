#!/usr/bin/python3
"""A conversation in Profanity, which runs in a terminal of tmux's: what it is told is typed, what it does is read from
its screen, and both are printed. Run it with tests/e2e/clients/run; each test goes on where the one before it ended."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

AGENTS = os.environ["AGENTS_DOMAIN"]
DESK, TIRED, SECRET, NOBODY = ("%s@%s" % (name, AGENTS) for name in
                               ("desk.acme", "tired.acme", "secret.zeta", "nobody.zeta"))
PATIENCE = 30
SETTINGS = """[ui]
splash=false
roster=false
"""


class Skip(Exception):
    pass


class Terminal:
    """Profanity on a screen of its own, with a home that ends with it."""

    def __init__(self, home):
        self.home, self.shown = pathlib.Path(home), set()
        config = self.home / "config/profanity"
        config.mkdir(parents=True)
        (config / "profrc").write_text(SETTINGS)
        environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": home + "/config",
                       "XDG_DATA_HOME": home + "/data", "TERM": "screen-256color", "LANG": "C.UTF-8"}
        self.tmux("new-session", "-d", "-x", "150", "-y", "100", "profanity", env=environment)

    def tmux(self, *words, **options):
        done = subprocess.run(["tmux", "-S", str(self.home / "tmux"), "-f", "/dev/null", *words], check=True,
                              capture_output=True, text=True, timeout=PATIENCE, **options)
        return done.stdout

    def end(self):
        subprocess.run(["tmux", "-S", str(self.home / "tmux"), "kill-server"], capture_output=True)

    def screen(self, *options):
        """Its lines; those with a time are printed once."""
        lines = [line.rstrip() for line in self.tmux("capture-pane", "-p", *options).split("\n")]
        for line in lines if not options else ():
            if re.match(r"\d\d:\d\d:\d\d|        ", line) and line not in self.shown and len(line) > 12:
                self.shown.add(line)
                print("# " + line, flush=True)
        return lines

    def until(self, pattern, after=0):
        """The first match on the screen; of what came `after` times before, the next one."""
        end = time.monotonic() + PATIENCE
        while True:
            lines = self.screen()
            found = list(re.finditer(pattern, "\n".join(lines), re.M))
            if len(found) > after:
                return found[after]
            if time.monotonic() > end:
                raise AssertionError("%r did not appear on:\n%s" % (pattern, "\n".join(filter(None, lines))))
            time.sleep(0.05)

    def type(self, line, secret=False):
        print("# > " + ("(the password)" if secret else line), flush=True)
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def colours(self, text):
        """Those of the line that ends with a text, as terminals are told."""
        line = next(line for line in self.screen("-e") if re.sub(r"\x1b\[[0-9;]*m", "", line).endswith(text))
        return re.findall(r"\x1b\[([0-9;]*)m", line)


def a_person_logs_in(terminal):
    terminal.until("Profanity")
    terminal.type("/connect %s server %s port %s tls disable" % (
        os.environ["ACCOUNT_JID"], os.environ["XMPP_HOST"], os.environ["XMPP_PORT"]))
    terminal.until("Enter password:")
    terminal.type(os.environ["ACCOUNT_PASSWORD"], secret=True)
    terminal.until("logged in successfully")
    for setting in "/receipts request on", "/intype titlebar on", "/correction on":
        terminal.type(setting)
    terminal.until("Correction (is already )?enabled")


def a_subscription_is_accepted_and_shows_the_agent_online(terminal):
    terminal.type("/sub request " + DESK)
    terminal.until(r"Subscription received from %s" % DESK)
    terminal.until(r"\+\+ %s \(aiox\) is online" % DESK)
    terminal.type("/roster")
    terminal.until(r"%s - to$" % DESK)


def the_agent_says_what_it_is(terminal):
    terminal.type("/info " + DESK)
    terminal.until(r"Identity: AIOX bot client")
    terminal.type("/ping %s/aiox" % DESK)
    terminal.until(r"Ping response from %s/aiox" % DESK)


def a_question_shows_typing_and_is_answered(terminal):
    terminal.type("/msg %s When are you open?" % DESK)
    terminal.until(r"%s \[online\].*\(typing\.\.\.\)" % DESK)
    print("# " + terminal.screen()[0])
    terminal.until(r"%s/aiox: We are open from nine to five, \*Monday to Friday\*\." % DESK)
    assert "typing" not in terminal.screen()[0], terminal.screen()[0]


def a_waiting_message_can_be_corrected(terminal):
    terminal.type("/msg %s There is no hurry." % DESK)
    terminal.until(r"\(typing\.\.\.\)")
    terminal.type("/msg %s Paint it red." % DESK)
    terminal.until(r"me: Paint it red\.")
    terminal.type("/correct Paint it blue.")
    terminal.until(r"\+ me: Paint it blue\.")
    terminal.until(r"/aiox: Here I am again\.")
    terminal.until(r"/aiox: Blue it is\.")
    assert "Red it is" not in "\n".join(terminal.screen())


def a_command_runs_as_a_line_of_chat(terminal):
    terminal.type("/msg %s /status" % DESK)
    terminal.until(r"state: active")


def commands_are_listed_and_run_as_forms(terminal):
    terminal.type("/cmd list " + DESK)
    terminal.until(r"! +conversation-status$")
    terminal.type("/msg " + DESK)
    terminal.type("/cmd exec agent-pause " + DESK)
    terminal.until(r"Form title: Agent pause")
    terminal.type('/field1 "Having lunch."')
    terminal.until(r"\[field1\] Reason: Having lunch\.")
    terminal.type("/form submit")
    terminal.until(r"\] state: paused")
    terminal.type("/msg %s Hello?" % DESK)
    terminal.until(r"Error from %s: desk is paused: Having lunch\." % DESK)
    terminal.type("/cmd exec agent-resume " + DESK)
    terminal.until(r"\] state: active")


def a_command_of_several_steps_is_walked_through(terminal):
    terminal.type("/cmd exec agent-create " + AGENTS)
    terminal.until(r"\[field1\] Name \(required\)")
    terminal.type("/field1 clerk")
    terminal.until(r"\[field1\] Name \(required\): clerk")
    terminal.type("/form submit")
    terminal.until(r"\] Model: builtin/extractive")
    terminal.type("/form submit")
    terminal.until(r"\] jid: clerk\.acme@%s" % AGENTS)


def a_paused_agent_is_away_and_says_why_it_does_not_answer(terminal):
    terminal.type("/win console")
    terminal.type("/sub request " + TIRED)
    terminal.until(r'\+\+ %s \(aiox\) is away, "Back at noon\."' % TIRED)
    terminal.type("/msg %s Are you there?" % TIRED)
    terminal.until(r"Error from %s: tired is paused: Back at noon\." % TIRED)


def what_got_a_receipt_looks_delivered_and_what_was_refused_does_not(terminal):
    refused = terminal.colours("me: Are you there?")
    terminal.type("/msg %s Thank you." % DESK)
    terminal.until(r"/aiox: You said: Thank you\.")
    delivered = terminal.colours("me: Thank you.")
    print("# colours: delivered %s, refused %s" % (delivered, refused))
    assert "31" in refused and "31" not in delivered


def a_private_agent_is_exactly_as_absent(terminal):
    said = []
    for name in SECRET, NOBODY:
        terminal.type("/win console")
        terminal.type("/sub request " + name)
        terminal.until(r"%s deleted subscription" % name)
        terminal.type("/msg %s Hello?" % name)
        said.append(terminal.until(r"^\S+ (! Error from %s: .*)$" % name).group(1).replace(name, "NAME"))
        said.append(terminal.screen()[0].replace(name, "NAME"))
    assert said[:2] == said[2:] and "no such agent" in said[0], said


def the_agents_card_is_read(terminal):
    terminal.type("/win console")
    terminal.type("/vcard get " + DESK)
    if "Unknown" in terminal.until(r"Unknown command: /vcard|Front desk").group():
        raise Skip("this version has no /vcard")


def the_agents_picture_is_shown(_):
    raise Skip("Profanity draws none, and saves those only that a PEP event announces")


def a_message_is_retracted(_):
    raise Skip("Profanity retracts nothing")


TESTS = [a_person_logs_in, a_subscription_is_accepted_and_shows_the_agent_online, the_agent_says_what_it_is,
         a_question_shows_typing_and_is_answered, a_waiting_message_can_be_corrected, a_command_runs_as_a_line_of_chat,
         commands_are_listed_and_run_as_forms, a_command_of_several_steps_is_walked_through,
         a_paused_agent_is_away_and_says_why_it_does_not_answer,
         what_got_a_receipt_looks_delivered_and_what_was_refused_does_not, a_private_agent_is_exactly_as_absent,
         the_agents_card_is_read, the_agents_picture_is_shown, a_message_is_retracted]


def main():
    version = subprocess.run(["profanity", "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    print("1..%d\n# %s" % (len(TESTS), version), flush=True)
    failed = False
    with tempfile.TemporaryDirectory(prefix="aiox-profanity.") as home:
        terminal = Terminal(home)
        try:
            for number, test in enumerate(TESTS, 1):
                try:
                    test(terminal)
                    print("ok %d - %s" % (number, test.__name__), flush=True)
                except Skip as reason:
                    print("ok %d - %s # SKIP %s" % (number, test.__name__, reason), flush=True)
                except Exception:
                    failed = True
                    print("\n".join("# " + line for line in traceback.format_exc().splitlines()))
                    print("not ok %d - %s" % (number, test.__name__), flush=True)
        finally:
            terminal.end()
    sys.exit(failed)


for program in "profanity", "tmux":
    if not shutil.which(program):
        print("1..0 # SKIP %s is not installed" % program)
        sys.exit(0)
main()
