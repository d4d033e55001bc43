"""What a reader of the sources may rely on: nothing is left unfinished, no file is too long, and a header says first
what it is. Files over the limit stand in exceptions.txt, which may only shrink.
"""

import re

import exceptions
import tree

LINE_LIMIT = 120
FILE_LIMIT, TEST_FILE_LIMIT = 600, 800  # lines
TEXTS = (".c", ".h", ".py", ".sh", ".sql", ".md", ".build", ".ts", ".tsx", ".yml", ".txt")
LONG_LINES = (".py", ".sh")  # clang-format has an eye on C
# Put together, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
# Characters that show a line in another order than the compiler reads it.
REORDERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def check_line(path, number, line):
    if REORDERING.search(line):
        yield f"{path}:{number}: a character that changes the direction of writing: escape it"
    if UNFINISHED.search(line):
        yield f"{path}:{number}: finish it, or write it down as an issue"
    if line != line.rstrip() and not path.endswith(".md"):
        yield f"{path}:{number}: white space at the end"
    if "\t" in line and path.endswith((".c", ".h", ".py")):
        yield f"{path}:{number}: a tab"
    if len(line) > LINE_LIMIT and path.endswith(LONG_LINES):
        yield f"{path}:{number}: {len(line)} characters, more than {LINE_LIMIT}"


def check_file(path, text, excepted):
    for number, line in enumerate(text.splitlines(), 1):
        yield from check_line(path, number, line)
    if text and not text.endswith("\n"):
        yield f"{path}:1: no line feed at the end"
    limit = TEST_FILE_LIMIT if path.startswith("tests/") else FILE_LIMIT
    if path.endswith((".c", ".h")) and text.count("\n") > limit and not excepted.allows(path, "-", "file-size"):
        yield f"{path}:1: {text.count(chr(10))} lines, more than {limit}"
    if path.endswith(".h"):
        if not text.startswith("/*"):
            yield f"{path}:1: a header starts with a paragraph that says what it is and what it is not"
        if "#pragma once" not in text:
            yield f"{path}:1: no #pragma once"


def main():
    excepted = exceptions.Exceptions("file-size")
    paths = tree.files(*TEXTS)
    complaints = [complaint for path in paths for complaint in check_file(path, tree.read(path), excepted)]
    tree.finish(complaints + list(excepted.complaints()), len(paths))


main()
