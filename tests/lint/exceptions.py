"""The named exceptions of exceptions.txt: rows `path function check`. A row that excuses nothing any more is a
complaint, and so is one that the main branch does not have, where that can be asked: the list may only shrink.
"""

import os
import subprocess

import tree

LIST = "tests/lint/exceptions.txt"


def rows_of(text):
    lines = (line.split("#", 1)[0].split() for line in text.splitlines())
    return {tuple(fields) for fields in lines if fields}


class Exceptions:
    """Those of some checks; `allows` marks what was needed."""

    def __init__(self, *checks):
        self.checks = checks
        self.rows = {row for row in rows_of(tree.read(LIST)) if row[-1] in checks}
        self.needed = set()

    def allows(self, path, function, check):
        row = (path, function, check)
        self.needed.add(row)
        return row in self.rows

    def complaints(self):
        for row in sorted(self.rows - self.needed):
            yield_text = " ".join(row)
            yield f"{LIST}:1: \"{yield_text}\" excuses nothing any more: take it out"
        for row in sorted(self.rows - self.of_main_branch()):
            yield f"{LIST}:1: \"{' '.join(row)}\" is new: the list may only shrink"

    def of_main_branch(self):
        reference = os.environ.get("AIOX_LINT_BASE", "origin/main")
        shown = subprocess.run(["git", "-C", tree.ROOT, "show", f"{reference}:{LIST}"], capture_output=True, text=True)
        return rows_of(shown.stdout) if shown.returncode == 0 else self.rows
