"""Every shell script, known by its first line, is as shellcheck wants it; .shellcheckrc says what is left out."""

import re
import subprocess

import tree

SHELL = re.compile(r"#!.*\b(ba)?sh$|# shellcheck shell=")


def main():
    tree.need("shellcheck")
    scripts = [path for path in tree.files() if SHELL.match(tree.first_line(path))]
    result = subprocess.run(["shellcheck", "-x", "-f", "gcc", *scripts], cwd=tree.ROOT, capture_output=True, text=True)
    found = result.stdout.splitlines()
    if result.returncode and not found:
        found.append(f"shellcheck failed: {result.stderr[-500:]}")
    tree.finish(found, len(scripts))


main()
