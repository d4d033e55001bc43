"""Every C file is as `clang-format -i` leaves it, under the version whose output the tree has. Others differ in
details, so they are a skip; repair with: clang-format -i $(git ls-files '*.c' '*.h')
"""

import re
import subprocess
import sys

import tree

VERSION = "14"


def main():
    formatter = tree.need("clang-format")
    says = subprocess.run([formatter, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\d+)", says).group(1)
    if version != VERSION:
        print(f"the tree is formatted by clang-format {VERSION}; here is {version}")
        sys.exit(tree.SKIPPED)
    paths = tree.files(".c", ".h")
    result = subprocess.run([formatter, "--dry-run", "-Werror", *paths], cwd=tree.ROOT, capture_output=True, text=True)
    places = [line.split(":")[:2] for line in result.stderr.splitlines() if ": error:" in line]
    first = dict(reversed(places))
    tree.finish([f"{path}:{line}: run clang-format -i {path}" for path, line in sorted(first.items())], len(paths))


main()
