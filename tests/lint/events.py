"""Every type of the table of events (orchestrator/governance/events.c) is emitted by the program and looked for by a
test, and nothing is emitted that is not in the table. An operation's type is derived; the operations' tests have it."""

import re

import tree

TABLE = "orchestrator/governance/events.c"
OWN_TESTS = {"tests/unit/governance/events.c", "tests/lint/events.py"}
# Types that are made of parts: the words before the last full stop, and where the last word comes from.
DERIVED = {"security.": ("orchestrator/governance/watch.c", '"{}"')}
EMITTED = re.compile(r'(?:core_audit|turn_event)\([^;]*?"([a-z]+\.[a-z-]+)"|\.type = TEXT\("([a-z]+\.[a-z-]+)"\)')


def main():
    types = re.findall(r'^\s+\{ "([a-z.-]+)",', tree.read(TABLE), re.M)
    sources = {path: tree.read(path) for path in tree.files(".c") if path != TABLE}
    program = {path: text for path, text in sources.items() if not path.startswith("tests/")}
    tests = [tree.read(path) for path in tree.files(".c", ".py", ".sh")
             if path.startswith("tests/") and path not in OWN_TESTS]
    complaints = []
    for name in types:
        prefix = name[:name.rindex(".") + 1]
        path, form = DERIVED.get(prefix, (None, '"{}"'))
        wanted = form.format(name[len(prefix):] if path else name)
        if not any(wanted in text for at, text in program.items() if path in (None, at)):
            complaints.append(f"{TABLE}: nothing emits {name}")
        if not any(name in text for text in tests):
            complaints.append(f"{TABLE}: no test looks for {name}")
    for path, text in program.items():
        for found in EMITTED.finditer(text):
            name = found.group(1) or found.group(2)
            if name not in types:
                complaints.append(f"{path}: {name} is not in {TABLE}")
    tree.finish(complaints, len(types))


main()
