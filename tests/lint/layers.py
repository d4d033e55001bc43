"""Who may include whom, and which library has which home: docs/ARCHITECTURE.md as a test.

    component -> everything; orchestrator and xmpp never include each other; both -> base; store -> base, and schema,
    whose headers are made of its SQL; base -> nothing of ours. Inside orchestrator: operations -> governance,
    directory, models, tools, memory -> store, objects, http.
    What decides (core, pipeline and its stages) includes no store, for the simulator has another one.
"""

import os
import re

import tree

# Folder -> folders it may include from. The longest folder that a path starts with is the one that counts.
MAY_INCLUDE = {
    "base": ["base"],
    "xmpp": ["base", "xmpp"],
    "schema": ["base", "schema"],
    "store": ["base", "schema", "store"],
    "orchestrator": ["base", "orchestrator", "store"],
    "orchestrator/http": ["base", "orchestrator/http"],
    "orchestrator/objects": ["base", "orchestrator/objects", "orchestrator/http", "store"],
    "orchestrator/governance": ["base", "orchestrator/*", "-orchestrator/operations", "store"],
    "orchestrator/directory": ["base", "orchestrator/*", "-orchestrator/operations", "store"],
    "orchestrator/models": ["base", "orchestrator/*", "-orchestrator/operations", "store"],
    "orchestrator/tools": ["base", "orchestrator/*", "-orchestrator/operations", "store"],
    "orchestrator/memory": ["base", "orchestrator/*", "-orchestrator/operations", "store"],
    "component": ["base", "xmpp", "schema", "store", "orchestrator", "component"],
    "tests": ["base", "xmpp", "schema", "store", "orchestrator", "component", "tests"],
}

# What decides: files whose includes, and theirs, never reach the store.
DECIDES = re.compile(r"orchestrator/(core|pipeline|meter|authenticate|own|govern|prioritise|turn|world)[a-z_]*\.[ch]")

# A header of a library -> where it may be included. Tests may include any.
HOMES = {
    "libpq-fe.h": ["store/"],
    "libpq/": ["store/"],
    "hiredis/": ["store/cache/"],
    "curl/": ["orchestrator/http/"],
    "jansson.h": ["base/json.c"],
    "sodium.h": ["base/crypto.c"],
    "openssl/": ["base/crypto.c"],
    "stringprep.h": ["base/jid.c"],
    "utf8proc.h": ["base/"],
    "glib.h": ["base/"],
    "sanitizer/": ["base/arena.c"],
    "pcre2.h": ["orchestrator/governance/guardrails/pattern.c"],
    "libexttextcat/": ["orchestrator/governance/guardrails/language.c"],
    "expat.h": ["component/link", "xmpp/reader"],
    "microhttpd.h": ["component/doors/rest"],
    "strophe.h": ["component/terminal/chat"],
    "yaml.h": ["component/settings/yaml"],
    "nats/": ["component/"],
    "rhonabwy.h": ["component/"],
    "md4c": ["base/markdown"],
    "archive.h": ["orchestrator/tools/"],
    "gumbo.h": ["orchestrator/tools/"],
    "seccomp.h": ["orchestrator/tools/"],
    "check.h": [],
}

# The C library and Linux. What is in neither table has no home yet: give it one above.
SYSTEM = re.compile(r"(arpa|asm|linux|net|netinet|sys)/|"
                    r"(aio|alloca|assert|complex|cpio|ctype|dirent|dlfcn|endian|err|errno|execinfo|fcntl|features|fenv|"
                    r"float|fnmatch|fts|ftw|getopt|glob|grp|iconv|ifaddrs|inttypes|langinfo|libgen|limits|link|locale|"
                    r"malloc|math|mqueue|netdb|nl_types|poll|pthread|pwd|regex|sched|search|semaphore|setjmp|signal|"
                    r"spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|"
                    r"syslog|termios|tgmath|threads|time|uchar|ucontext|unistd|utime|wchar|wctype)\.h$")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def rule_of(path):
    folder = os.path.dirname(path)
    while folder not in MAY_INCLUDE and folder:
        folder = os.path.dirname(folder)
    return folder, MAY_INCLUDE.get(folder)


def is_below(path, folder):
    if folder.endswith("/*"):
        folder = folder[:-2]
    return path.startswith(folder + "/")


def may_include(path, included):
    _, allowed = rule_of(path)
    if allowed is None:
        return False
    if any(is_below(included, entry[1:]) for entry in allowed if entry.startswith("-")):
        return False
    return any(is_below(included, entry) for entry in allowed)


def home_of(header):
    for prefix, homes in HOMES.items():
        if header.startswith(prefix):
            return homes
    return None


def check_system(path, header):
    homes = home_of(header)
    if homes is None:
        return None if SYSTEM.match(header) else f"<{header}> has no home in tests/lint/layers.py"
    if path.startswith("tests/") or any(path.startswith(home) for home in homes):
        return None
    return f"<{header}> is included in {', '.join(homes) or 'tests'} only"


def check_own(path, header, known):
    if header not in known and not os.path.isfile(os.path.join(tree.BUILD, header)):
        return f'"{header}" does not exist; our headers are named from the root'
    if not may_include(path, header):
        folder, _ = rule_of(path)
        return f'{folder or path} may not include "{header}"'
    return None


def reaches_store(path, includes, seen):
    """The chain of includes by which a file gets a header of the store, if it does."""
    for header in includes.get(path, []):
        if header.startswith("store/"):
            return [header]
        if header not in seen:
            seen.add(header)
            chain = reaches_store(header, includes, seen)
            if chain:
                return [header] + chain
    return None


def main():
    paths = tree.files(".c", ".h")
    known = set(paths)
    includes = {}
    complaints = []
    for path in paths:
        text = tree.read(path)
        for match in INCLUDE.finditer(text):
            kind, header = match.groups()
            line = text.count("\n", 0, match.start()) + 1
            wrong = check_system(path, header) if kind == "<" else check_own(path, header, known)
            if kind == '"':
                includes.setdefault(path, []).append(header)
            if wrong:
                complaints.append(f"{path}:{line}: {wrong}")
    for path in paths:
        if DECIDES.fullmatch(path):
            chain = reaches_store(path, includes, set())
            if chain:
                complaints.append(f"{path}:1: what decides includes no store, but this does by {' -> '.join(chain)}")
    tree.finish(complaints, len(paths))


main()
