"""The reference of the settings in docs/deployment.md is what `aiox settings reference` prints: run
`tests/lint/reference.py BUILD --write` after a setting was changed."""

import os
import subprocess
import sys

import tree

PAGE = "docs/deployment.md"
BEGIN, END = "<!-- begin: aiox settings reference -->\n", "<!-- end: aiox settings reference -->"

printed = subprocess.run([os.path.join(tree.BUILD, "component", "aiox"), "settings", "reference"], check=True,
                         capture_output=True, text=True).stdout.strip()
text = tree.read(PAGE)
before, rest = text.split(BEGIN)
found, after = rest.split(END)
if "--write" in sys.argv:
    with open(os.path.join(tree.ROOT, PAGE), "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + printed + "\n\n" + END + after)
elif found.strip() != printed:
    line = before.count("\n") + 1
    print(f"{PAGE}:{line}: the reference of the settings is not what the program prints")
    sys.exit(1)
