"""Every path that README.md or a page of docs/ names exists: links, and paths between back ticks that start with one of
our folders or name one of our programs.
"""

import glob
import os
import re

import tree

PROGRAMS = ("quickstart", "check", "meson.build", "meson_options.txt")
FOLDERS = ("base", "component", "orchestrator", "store", "xmpp", "schema", "ejabberd", "web", "tests", "docs", ".ci")
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"(?:\./)?([A-Za-z0-9_.*-]+(?:/[A-Za-z0-9_.*-]+)*/?)$")


def named_in(text):
    """(line, path, is relative to the page)"""
    for number, line in enumerate(text.splitlines(), 1):
        for link in LINK.findall(line):
            if "://" not in link and not link.startswith("mailto:"):
                yield number, link, True
        for code in CODE.findall(line):
            word = code.split()[0] if code.split() else ""
            match = PATH.match(word)
            if not match:
                continue
            path = match.group(1)
            if path.split("/")[0] in FOLDERS and "/" in path or code.startswith("./") and path in PROGRAMS:
                yield number, path, False


def main():
    pages = [path for path in tree.files(".md") if path.startswith("docs/") or "/" not in path]
    complaints, checked = [], 0
    for page in pages:
        for number, path, is_relative in named_in(tree.read(page)):
            checked += 1
            base = os.path.dirname(page) if is_relative else ""
            if not glob.glob(os.path.join(tree.ROOT, base, path)):
                complaints.append(f"{page}:{number}: {path} does not exist")
    tree.finish(complaints, checked)


main()
