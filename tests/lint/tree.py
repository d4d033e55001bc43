"""What the checks of this folder share: the tree's files, the compiler's commands, and how a result is told.

A check prints path:line: sentence for each thing that is wrong and ends with finish(). Skipped is exit code 77.
"""

import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, "build")

SKIPPED = 77


def files(*endings):
    """Paths below the root, sorted: what git knows or would take, or everything where there is no git."""
    try:
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], check=True,
                                capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = [os.path.relpath(os.path.join(folder, name), ROOT)
                  for folder, _, names in os.walk(ROOT) for name in names
                  if not os.path.relpath(folder, ROOT).startswith((".git", "build", "var", "node_modules"))]
    return sorted(path for path in set(listed)
                  if path.endswith(endings or ("",)) and os.path.isfile(os.path.join(ROOT, path)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def first_line(path):
    """As text, whatever the file is."""
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.readline(200).decode(errors="replace").rstrip()


def commands():
    """The compiler's commands of the build for our C files, save generated ones: path -> entry."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        full = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        path = os.path.relpath(full, ROOT)
        is_ours = not path.startswith("..") and not full.startswith(BUILD + os.sep)
        if path.endswith(".c") and is_ours:
            found.setdefault(path, entry)
    return found


def need(program):
    if not shutil.which(program):
        print(f"{program} is not installed")
        sys.exit(SKIPPED)
    return program


def finish(complaints, checked):
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} complaints, {checked} checked")
    sys.exit(1 if complaints else 0)
