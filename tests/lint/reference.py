"""What stands between marks in the docs is what the program prints: the references of settings and roles. Run
`tests/lint/reference.py BUILD --write` after a setting or an operation was changed."""

import os
import subprocess
import sys

import tree

PAGES = {"docs/deployment.md": "settings", "docs/roles.md": "roles"}

stale = 0
for page, what in PAGES.items():
    begin, end = f"<!-- begin: aiox {what} reference -->\n", f"<!-- end: aiox {what} reference -->"
    printed = subprocess.run([os.path.join(tree.BUILD, "component", "aiox"), what, "reference"], check=True,
                             capture_output=True, text=True).stdout.strip()
    text = tree.read(page)
    before, rest = text.split(begin)
    found, after = rest.split(end)
    if "--write" in sys.argv:
        with open(os.path.join(tree.ROOT, page), "w", encoding="utf-8") as file:
            file.write(before + begin + "\n" + printed + "\n\n" + end + after)
    elif found.strip() != printed:
        line = before.count("\n") + 1
        print(f"{page}:{line}: the reference of the {what} is not what the program prints")
        stale = 1
sys.exit(stale)
