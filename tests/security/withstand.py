"""What tests from outside need: `Server`, the server's side of XEP-0114 that sends any bytes and keeps what comes back
byte for byte; `Lab`, a stack of its own whose hubs are linked to such servers; `run`, which prints TAP. Not a judge of
what is right. A server's stream is read by a thread of its own; everything else belongs to the caller's."""

import hashlib
import json
import os
import pathlib
import random
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import xml.parsers.expat

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LAB = REPOSITORY / "tests/lab/lab"
AGENTS = "agents.localhost"


def free_port():
    with socket.socket() as probe:
        while True:
            port = random.randint(32000, 39999)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def until(condition, seconds=30, what="it"):
    """What condition() says once that is true; fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "%s did not happen within %d seconds" % (what, seconds)
        time.sleep(0.02)


class Stanza:
    def __init__(self, name, attributes, raw, texts):
        self.name, self.attributes, self.raw, self.texts = name, attributes, raw, texts

    def get(self, name):
        return self.attributes.get(name, "")

    @property
    def body(self):
        return self.texts.get("body")

    @property
    def receipt_for(self):
        found = re.search(r"<received [^>]*?\bid=['\"]([^'\"]*)", self.raw)
        return found and found.group(1)

    @property
    def is_error(self):
        return self.get("type") == "error"


class Splitter:
    """Cuts a stream into its elements, each with the very bytes it came in."""

    def __init__(self):
        self.parser = xml.parsers.expat.ParserCreate()
        self.parser.SetReparseDeferralEnabled(False) if hasattr(self.parser, "SetReparseDeferralEnabled") else None
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.bytes, self.offset, self.depth, self.ready, self.ended = bytearray(), 0, 0, [], False
        self.header = None

    def start(self, name, attributes):
        self.depth += 1
        if self.depth == 1:
            self.header = attributes
        elif self.depth == 2:
            self.begin, self.name, self.attributes, self.texts = self.parser.CurrentByteIndex, name, attributes, {}
        self.inner = name if self.depth == 3 else None

    def text(self, text):
        if self.depth == 3 and self.inner:
            self.texts[self.inner] = self.texts.get(self.inner, "") + text

    def end(self, name):
        self.depth -= 1
        self.inner = None
        if self.depth == 1:
            # Of an empty element expat says where it ended, of any other where its end tag begins.
            end = self.parser.CurrentByteIndex - self.offset
            if self.bytes.startswith(b"</" + name.encode(), end):
                end = self.bytes.index(b">", end) + 1
            raw = self.bytes[self.begin - self.offset:end].decode()
            self.ready.append(Stanza(self.name, self.attributes, raw, self.texts))
            del self.bytes[:end]
            self.offset += end
        elif self.depth == 0:
            self.ended = True

    def feed(self, data):
        self.bytes += data
        self.parser.Parse(data, False)
        ready, self.ready = self.ready, []
        return ready


class Server:
    """Takes one component at a time. `streams` counts handshakes; `stanzas` holds all that came, pings excepted."""

    def __init__(self, secret=None):
        self.secret, self.stanzas, self.streams, self.pings, self.broken = secret, [], 0, 0, 0
        self.lock, self.arrived = threading.RLock(), threading.Condition()
        self.by_receipt, self.answers, self.errors = {}, [], {}
        self.connection = None
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = free_port()
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        splitter, up = Splitter(), False
        try:
            while not splitter.ended:
                data = connection.recv(65536)
                if not data:
                    break
                ready = splitter.feed(data)
                if splitter.header and not up and not ready and not getattr(splitter, "greeted", False):
                    splitter.greeted = True
                    connection.sendall(b"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                                       b"xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='%s'>"
                                       % splitter.header.get("to", "").encode())
                for stanza in ready:
                    if not up:
                        up = self.shake(connection, stanza)
                    else:
                        self.take(connection, stanza)
        except (OSError, xml.parsers.expat.ExpatError) as error:
            if not isinstance(error, OSError):
                self.broken += 1
        with self.lock:
            if self.connection is connection:
                self.connection = None
        connection.close()

    def shake(self, connection, stanza):
        digest = hashlib.sha1(("s1" + self.secret).encode()).hexdigest()
        if stanza.name != "handshake" or digest not in stanza.raw:
            connection.sendall(b"<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                               b"</stream:error></stream:stream>")
            return False
        with self.lock:
            connection.sendall(b"<handshake/>")
            self.connection = connection
            self.streams += 1
        return True

    def take(self, connection, stanza):
        if stanza.name == "iq" and "urn:xmpp:ping" in stanza.raw and stanza.get("type") == "get":
            self.pings += 1
            self.send("<iq type='result' from='%s' to='%s' id='%s'/>"
                      % (stanza.get("to"), stanza.get("from"), stanza.get("id")))
            return
        with self.arrived:
            self.stanzas.append(stanza)
            if stanza.name == "message":
                if stanza.receipt_for:
                    self.by_receipt[stanza.receipt_for] = stanza
                elif stanza.is_error:
                    self.errors[stanza.get("id")] = stanza
                elif stanza.body is not None and not stanza.get("id").endswith(".draft"):
                    self.answers.append(stanza)
            self.arrived.notify_all()

    def send(self, xml):
        """Sends it as it is. False when there is no stream, or it broke."""
        with self.lock:
            try:
                self.connection.sendall(xml if isinstance(xml, bytes) else xml.encode())
                return True
            except (OSError, AttributeError):
                return False

    def close(self):
        with self.lock:
            if self.connection:
                self.connection.shutdown(socket.SHUT_RDWR)

    def up(self, seconds=40):
        until(lambda: self.connection, seconds, "a stream from the hub")

    def wait_for_stream(self, count, seconds=40):
        until(lambda: self.streams >= count and self.connection, seconds, "another stream")

    def wait(self, find, seconds=30, what="the stanza"):
        """The first stanza, of all that came, for which find(stanza) holds."""
        deadline, seen = time.monotonic() + seconds, 0
        with self.arrived:
            while True:
                for stanza in self.stanzas[seen:]:
                    if find(stanza):
                        return stanza
                seen = len(self.stanzas)
                left = deadline - time.monotonic()
                assert left > 0, "%s did not come within %d seconds" % (what, seconds)
                self.arrived.wait(left)

    def speak(self, person, agent, text, identity, thread=None):
        return self.send(message(person, agent, text, identity, thread))

    def ask(self, person, agent, text, identity, thread=None, seconds=30):
        """The answer to a message that wants a receipt, or the stanza error."""
        before = len(self.stanzas)
        assert self.speak(person, agent, text, identity, thread), "there is no stream"
        bare = person.split("/")[0]

        def is_answer(stanza):
            if stanza.name != "message" or stanza.get("to").split("/")[0] != bare:
                return False
            if stanza.is_error:
                return stanza.get("id") == identity
            return (stanza.body is not None and not stanza.receipt_for and not stanza.get("id").endswith(".draft")
                    and "urn:xmpp:message-correct:0" not in stanza.raw
                    and (thread is None or stanza.texts.get("thread") == thread)
                    and self.stanzas.index(stanza) >= before)

        return self.wait(is_answer, seconds, "an answer to %s" % identity)


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def message(person, agent, text, identity, thread=None):
    """A chat message as a client sends it, which asks for a receipt."""
    return ("<message from='%s' to='%s' type='chat' id='%s'><body>%s</body>%s"
            "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>"
            % (person, agent, identity, escape(text), "<thread>%s</thread>" % thread if thread else "", identity))


def is_gone(pid):
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Lab:
    def __init__(self, *options, servers=1, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aiox-lab.", dir=os.environ.get("TMPDIR", "/tmp")))
        self.environment = {**os.environ, "INITDB_OPTIONS": "--no-sync", **(environment or {})}
        self.servers = [Server() for _ in range(servers)]
        links = [word for server in self.servers for word in ("--link", "127.0.0.1:%d" % server.port)]
        try:
            (self.folder / "secrets").mkdir(mode=0o700)
            secret = os.urandom(16).hex()
            (self.folder / "secrets/component").write_text(secret + "\n")
            (self.folder / "secrets/component").chmod(0o600)
            for server in self.servers:
                server.secret = secret
            self.lab("up", *links, *options)
            self.read_environment()
        except BaseException:
            self.down(failed=True)
            raise

    @property
    def server(self):
        return self.servers[0]

    def read_environment(self):
        lines = self.lab("env").splitlines()
        for line in lines:
            for word in shlex.split(line):
                if "=" in word:
                    name, _, value = word.partition("=")
                    self.environment[name] = value
        self.account = self.environment["ACCOUNT_JID"]

    def lab(self, verb, *arguments):
        done = subprocess.run([LAB, verb, self.folder, *arguments], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, "lab %s %s: %s" % (verb, arguments, done.stderr)
        return done.stdout

    def aiox(self, *words, hub=None, status=0):
        """Runs `aiox WORDS`; what it printed. status None: (exit status, output, errors)."""
        environment = self.environment
        if hub:
            environment = {**environment, "AIOX_SOCKET": environment["AIOX_SOCKET_%d" % hub],
                           "AIOX_CONFIG": environment["AIOX_CONFIG_%d" % hub]}
        done = subprocess.run(["aiox", *words], env=environment, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              executable=self.program, timeout=150)
        if status is None:
            return done.returncode, done.stdout, done.stderr
        assert done.returncode == status, "aiox %s: %s%s" % (" ".join(words), done.stdout, done.stderr)
        return done.stdout

    @property
    def program(self):
        return self.environment["PATH"].split(":")[0] + "/aiox"

    @property
    def sanitized(self):
        return b"__asan_init" in pathlib.Path(self.program).read_bytes()

    def sql(self, text):
        """Runs SQL as the one user that no row security binds."""
        done = subprocess.run(["psql", "-XAtq", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", text],
                              env={**self.environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def redis(self, *words):
        done = subprocess.run(["redis-cli", "--no-auth-warning", "-u", self.environment["REDIS_URL"], *words],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def pid(self, server="hub_1"):
        return int((self.folder / "pid" / server).read_text().split()[0])

    def stop(self, server="hub_1", seconds=60):
        """In good order, and until it has ended: a start meanwhile would take it for the one that is wanted."""
        pid = self.pid(server)
        self.lab("kill", server, "TERM")
        until(lambda: is_gone(pid), seconds, "the end of " + server)

    def memory(self, server="hub_1"):
        """Resident, in kB."""
        status = pathlib.Path("/proc/%d/status" % self.pid(server)).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def log(self, server="hub_1"):
        return (self.folder / "log" / (server + ".log")).read_text(errors="replace")

    def down(self, failed=False):
        if failed:
            for file in sorted(self.folder.glob("log/*.log")):
                print("# --- %s" % file.name)
                for line in file.read_text(errors="replace").splitlines()[-25:]:
                    print("# " + line)
        subprocess.run([LAB, "down", self.folder], env=self.environment, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        if not os.environ.get("LAB_KEEP"):
            subprocess.run(["rm", "-rf", self.folder])


class Model:
    """The scripted model server, as a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen([REPOSITORY / "tests/lab/model-server"], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def control(self, method, what, value=None):
        import urllib.request

        request = urllib.request.Request(self.url.removesuffix("/v1") + "/control/" + what, method=method,
                                         data=None if value is None else json.dumps(value).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def total(self):
        return self.control("GET", "counts")["total"]

    def requests(self):
        return [request["body"] for request in self.control("GET", "requests")]

    def reset(self):
        self.control("POST", "reset")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Skip(Exception):
    pass


def run(tests, *arguments):
    """Prints TAP; words on the command line choose tests by name. True when all went well."""
    chosen = [test for test in tests if not sys.argv[1:] or test.__name__ in sys.argv[1:]]
    print("1..%d" % len(chosen), flush=True)
    well = True
    for number, test in enumerate(chosen, 1):
        begun = time.monotonic()
        try:
            test(*arguments)
            print("ok %d - %s\n# %.1f s" % (number, test.__name__, time.monotonic() - begun), flush=True)
        except Skip as reason:
            print("ok %d - %s # SKIP %s" % (number, test.__name__, reason), flush=True)
        except Exception:
            well = False
            print("not ok %d - %s" % (number, test.__name__), flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    return well
