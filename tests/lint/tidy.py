"""clang-tidy, with .clang-tidy of the root, over what the build compiles. What was clean stays clean until the
preprocessed file, the tool or its configuration changes: that is kept in the build folder, for the analyzer is slow.
Tests do without the analyzer: they run under sanitizers.

Functions over the limits of size and complexity stand in exceptions.txt, which may only shrink.
"""

import concurrent.futures
import hashlib
import os
import re
import shlex
import subprocess
import time

import exceptions
import tree

JOBS = 2
LIMITS = {"readability-function-size": "function-size", "readability-function-cognitive-complexity": "complexity"}
FOUND = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*) \[(?P<checks>[^\]]+)\]$",
                   re.MULTILINE)
FUNCTION = re.compile(r"function '([^']+)'")
# Those that clang does not know, or that only slow it down.
DROPPED = re.compile(r"-(M.*|fstack-clash-protection|ftrivial-auto-var-init.*|fcf-protection.*|Werror|O[0-9s]|o|c)$")


def arguments_of(entry):
    words = shlex.split(entry["command"])
    # Without the compiler, which may stand behind ccache.
    words = words[next(i for i, word in enumerate(words) if word.startswith("-")):]
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MQ", "-MF", "-MT"):
            skip = True
        elif word != entry["file"] and not DROPPED.match(word) and "_FORTIFY_SOURCE" not in word:
            kept.append(word)
    return kept


def key_of(path, entry, tool):
    source = subprocess.run(["clang", "-E", "-P", *arguments_of(entry), entry["file"]], cwd=entry["directory"],
                            capture_output=True, check=True).stdout
    digest = hashlib.sha256()
    for part in (tool, tree.read(".clang-tidy").encode(), tree.read(path).encode(), source):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def examine(path, entry, tool, kept):
    """What clang-tidy says of one file, as it says it."""
    place = os.path.join(kept, path.replace("/", "_") + "." + key_of(path, entry, tool))
    if os.path.exists(place):
        os.utime(place)
        with open(place, encoding="utf-8") as file:
            return file.read()
    checks = ["--checks=-clang-analyzer-*,-cert-err34-c"] if path.startswith("tests/") else []
    result = subprocess.run(["clang-tidy", "--quiet", *checks, os.path.join(tree.ROOT, path), "--", "-Wno-everything",
                             *arguments_of(entry), "-I" + entry["directory"]],
                            cwd=entry["directory"], capture_output=True, text=True)
    if "clang-diagnostic-error" not in result.stdout:
        with open(place, "w", encoding="utf-8") as file:
            file.write(result.stdout)
    return result.stdout


def complaints_of(output, excepted):
    for match in FOUND.finditer(output):
        path = os.path.relpath(os.path.join(tree.BUILD, match["path"]), tree.ROOT)
        if path.startswith(".."):
            continue
        check = match["checks"].split(",")[0]
        function = FUNCTION.search(match["text"])
        if check in LIMITS and function and excepted.allows(path, function.group(1), LIMITS[check]):
            continue
        yield f"{path}:{match['line']}: {match['text']} [{check}]"


def forget_old(kept):
    """What no build of the last week asked for."""
    for name in os.listdir(kept):
        place = os.path.join(kept, name)
        if os.path.getmtime(place) < time.time() - 7 * 86400:
            os.remove(place)


def main():
    tree.need("clang-tidy")
    tool = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    kept = os.path.join(tree.BUILD, "tidy")
    os.makedirs(kept, exist_ok=True)
    excepted = exceptions.Exceptions(*LIMITS.values())
    entries = tree.commands()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        outputs = list(pool.map(lambda item: examine(*item, tool, kept), sorted(entries.items())))
    found = sorted({complaint for output in outputs for complaint in complaints_of(output, excepted)})
    forget_old(kept)
    tree.finish(found + list(excepted.complaints()), len(entries))


main()
