"""cppcheck over what the build compiles; what it found last time is kept in the build folder."""

import json
import os
import subprocess

import tree

SUPPRESSED = (
    "missingIncludeSystem",
    "normalCheckLevelMaxBranches",
    "checkersReport",
    "unmatchedSuppression",
    "invalidPrintfArgType_sint",  # compilers check formats, and know our integer types
    "constParameterCallback",
    "varFuncNullUB",  # compilers want the NULL, by the sentinel attribute
)


def main():
    cppcheck = tree.need("cppcheck")
    kept = os.path.join(tree.BUILD, "cppcheck")
    os.makedirs(kept, exist_ok=True)
    entries = tree.commands()
    ours = os.path.join(kept, "compile_commands.json")
    with open(ours, "w", encoding="utf-8") as file:
        json.dump([entry for path, entry in entries.items() if not path.startswith("tests/unit/")], file)
    result = subprocess.run(
        [cppcheck, f"--project={ours}", f"--cppcheck-build-dir={kept}", "-j2", "--quiet", "--inline-suppr", "--std=c11",
         "--enable=warning,performance,portability", "--template={file}:{line}: {message} [{id}]",
         *(f"--suppress={name}" for name in SUPPRESSED)],
        cwd=tree.ROOT, capture_output=True, text=True)
    found = sorted({line.replace(tree.ROOT + "/", "") for line in result.stderr.splitlines()
                    if line.startswith((tree.ROOT, *(path for path in entries)))})
    if result.returncode:
        found.append(f"cppcheck failed: {result.stderr[-500:]}")
    tree.finish(found, len(entries))


main()
