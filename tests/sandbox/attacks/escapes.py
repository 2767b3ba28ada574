"""Attacks on the driver from inside the process that runs user code."""

from tests.sandbox.attacks.attack import Attack

FORGED = """
import json
def done(**changes):
    report = {"status": "ok", "value": "forged", "error": None, "files": [], "notes": [],
              "cpu": 0, "memory": 0, "output": False, **changes}
    forge(40, json.dumps(report).encode())
"""
BROKEN = {"outcome": "killed", "note": "broke the protocol|the sandbox sent"}

ESCAPES = [
    Attack(
        name="close-all-descriptors",
        code="os.closerange(0, 300)",
        outcome="killed",
    ),
    Attack(
        name="forge-unknown-kind",
        code="forge(250, b'')",
        **BROKEN,
    ),
    Attack(
        name="forge-a-host-frame",
        code="forge(2, b'{}')",
        **BROKEN,
    ),
    Attack(
        name="forge-a-length-of-4-gigabytes",
        code="os.write(NODE.sink, b'\\0\\0\\0\\0\\xff\\xff\\xff\\xff\\x23' + bytes(100))",
        **BROKEN,
    ),
    Attack(
        name="forge-half-a-frame",
        timeout=0.5,
        code="os.write(NODE.sink, b'\\0\\0\\0\\0\\0\\0\\1\\0\\x28half')",
        outcome="killed|timeout",
    ),
    Attack(
        name="forge-half-a-frame-and-stall",
        timeout=0.3,
        code="os.write(NODE.sink, b'\\0\\0\\0\\0\\0\\0\\1\\0\\x28half')\nwhile True:\n    pass",
        outcome="timeout|killed",
    ),
    Attack(
        name="forge-to-the-supervisor",
        code="forge(250, b'', to=NODE.sock.fileno())\ntime.sleep(0.1)",
        **BROKEN,
    ),
    Attack(
        name="forge-the-end-to-the-supervisor",
        code=FORGED.replace("encode())", "encode(), to=NODE.sock.fileno())")
        + "done()\ntime.sleep(0.05)\n'true'",
        value="'true'|forged",
    ),
    Attack(
        name="forge-garbage",
        code="os.write(NODE.sink, os.urandom(100_000))",
        outcome="killed|timeout",
        timeout=0.5,
    ),
    Attack(
        name="close-the-line",
        code="os.close(NODE.sink)\ntime.sleep(0.1)",
        outcome="killed",
    ),
    Attack(
        name="hang-up-on-the-supervisor",
        code="NODE.sock.close()\ntime.sleep(0.2)",
        outcome="killed",
    ),
    Attack(
        name="send-descriptors",
        code="""
import struct
line = socket.socket(fileno=os.dup(NODE.sink))
fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)] + [*os.pipe(), os.dup(NODE.sink)]
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))]
picture = b"\\x89PNG\\r\\n\\x1a\\n"
for _ in range(8):
    line.sendmsg([struct.pack("!IIB", 0, len(picture), 38) + picture], rights)
for fd in fds:
    os.close(fd)
line.close()
""",
    ),
    Attack(
        name="forge-for-a-sibling",
        code=FORGED
        + """
for branch in range(20):
    forge(35, b"forged output", branch)
""",
        **BROKEN,
    ),
    Attack(
        name="forge-done-and-go-on",
        code=FORGED + "done()\nwhile True:\n    pass",
        value="forged",
        lasting=True,
    ),
    Attack(
        name="forge-done-with-a-wrong-type",
        code=FORGED + "done(cpu='much', memory=-1, files=[['../../etc/passwd', 1]])",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-file-names",
        code=FORGED + "done(files=[['../../etc/passwd', 1]])",
        outcome="killed",
        note="bad file name",
    ),
    Attack(
        name="forge-deep-json",
        code="forge(40, b'{\"value\":' + b'[' * 100_000 + b']' * 100_000 + b'}')",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-wide-json",
        code="forge(40, b'{\"value\":[' + b'[],' * 2_000_000 + b'[]]}')",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-huge-numbers",
        code="forge(40, b'{\"memory\":' + b'9' * 1_000_000 + b'}')",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-infinite-numbers",
        code=FORGED + "done(cpu=float('inf'))",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-not-a-number",
        code=FORGED + "done(cpu=float('nan'))",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-duplicate-keys",
        lasting=True,  # the true end of the run comes when nobody expects it
        code="""
forge(40, b'{"status":"error","status":"ok","value":"1","value":"2","error":null,"files":[],'
          b'"notes":[],"cpu":0,"memory":0,"output":false}')
""",
        value="2",
    ),
    Attack(
        name="forge-surrogates",
        lasting=True,  # the true end of the run comes when nobody expects it
        code=FORGED + "done(value='\\ud800' * 3)",
        value=r"\?\?\?",
    ),
    Attack(
        name="forge-bytes-that-are-no-text",
        code="forge(40, b'\\xff\\xfe\\xfd')",
        outcome="killed",
        note="the sandbox sent",
    ),
    Attack(
        name="forge-a-long-value",
        lasting=True,  # the true end of the run comes when nobody expects it
        code=FORGED + "done(value='v' * 5_000_000, notes=['n' * 1_000_000])",
        value="v+",
    ),
    Attack(
        name="forge-a-tool-call-flood",
        code="""
import json
for number in range(10_000):
    forge(39, json.dumps({"id": number, "tool": "none", "args": [], "kwargs": {}}).encode())
""",
        outcome="killed",
        note="call was under way",
    ),
    Attack(
        name="forge-a-state-in-a-run",
        code="""
for kind, payload in (42, b'{"background": [1, 2, 3]}'), (43, b"{}"), (32, b"{}"):
    forge(kind, payload, to=NODE.sock.fileno())
""",
    ),
    Attack(
        name="read-the-answers-of-others",
        code="""
folder = "/proc/%d/fd" % HOST["sibling"]

def open_sockets():
    for name in os.listdir(folder):
        if os.readlink(f"{folder}/{name}").startswith("socket:"):
            open(f"{folder}/{name}", "rb").close()

attempt("open", open_sockets)
""",
        stdout=r"open (EACCES|ENXIO|ENOENT|EPERM|EINVAL)\n",
    ),
    Attack(
        name="patch-the-library-of-the-driver",
        code="""
import builtins, json, os, random, time, traceback, gc
class Broken:
    def __getattr__(self, name):
        raise ValueError(name)
for module, names in {
    builtins: ["open", "len", "sorted", "isinstance", "repr", "str", "getattr", "compile", "eval"],
    json: ["dumps", "loads"],
    traceback: ["TracebackException"],
    random: ["getstate", "setstate"],
    gc: ["collect", "freeze"],
}.items():
    for name in names:
        setattr(module, name, None)
""",
        outcome="killed|error|ok",
        error=".*",
    ),
    Attack(
        name="patch-what-forks",
        code="""
import random
def broken(*args):
    raise ValueError("no")
os.fork = os.setsid = random.getstate = broken
""",
    ),
    Attack(
        name="trace-the-driver",
        code="""
def spy(frame, event, arg):
    if frame.f_code.co_filename == type(NODE).serve.__code__.co_filename:
        raise ValueError("traced")
    return spy
sys.settrace(spy)
sys.setprofile(spy)
""",
        outcome="killed|error|ok",
        error=".*",
    ),
    Attack(
        name="clear-the-driver",
        code="type(NODE).serve.__globals__.clear()",
        outcome="killed|error",
        error=".*",
    ),
    Attack(
        name="raise-when-collected",
        code="""
class Bomb:
    def __del__(self):
        raise SystemExit("from the grave")
kept = [Bomb() for _ in range(10)]
del kept
Bomb()
1
""",
        value="1",
    ),
    Attack(
        name="loop-when-collected",
        code="""
class Bomb:
    def __del__(self):
        while True:
            pass
import gc
kept = Bomb()
kept.self = kept
del kept
gc.collect()
""",
        outcome="timeout",
        error="KeyboardInterrupt|",
        value=r"(\d+)?",
        timeout=0.3,
    ),
    Attack(
        name="act-at-exit",
        code="""
import atexit
atexit.register(lambda: write("at-exit"))
print("registered")
""",
        stdout="registered\n",
    ),
    Attack(
        name="replace-stdout",
        code="""
class Fake:
    def write(self, text):
        raise ValueError("no")
    def flush(self):
        raise RuntimeError("no")
sys.stdout = sys.stderr = sys.__stdout__ = Fake()
""",
        outcome="error",
        error="RuntimeError",
    ),
    Attack(
        name="close-stdout",
        code="sys.stdout.close()\nsys.stderr.close()\nos.close(1)\n1",
        value="1",
    ),
    Attack(name="exit", code="sys.exit('bye')", outcome="error", error="SystemExit"),
    Attack(name="exit-now", code="os._exit(7)", outcome="killed", note="exited with code 7"),
    Attack(
        name="kill-oneself",
        code="os.kill(os.getpid(), signal.SIGKILL)",
        outcome="killed",
        note="signal 9",
    ),
    Attack(
        name="segfault",
        code="ctypes.string_at(0)",
        outcome="killed",
        note="signal 11",
    ),
    Attack(
        name="replace-the-process",
        code="os.execv('/bin/sh', ['sh', '-c', 'echo replaced; exit 3'])",
        stdout="(replaced\n)?",
        outcome="killed",
        note="exited with code 3|signal 9",
    ),
    Attack(
        name="recursion",
        code="def f():\n    f()\nf()",
        outcome="error",
        error="RecursionError",
    ),
    Attack(
        name="recursion-in-c",
        code="""
sys.setrecursionlimit(10**9)
class A:
    def __getattr__(self, name):
        return getattr(self, name + "x")
deep = None
for _ in range(10**6):
    deep = [deep]
repr(deep)
""",
        outcome="killed|error",
        error="RecursionError|MemoryError|",
        timeout=9,
    ),
    Attack(
        name="syntax-bomb",
        code="eval('(' * 150 + '1' + ')' * 150 + '+(' * 100_000)",
        outcome="error",
        error="SyntaxError|MemoryError|RecursionError",
    ),
    Attack(name="null-bytes", code="x = '\0'", outcome="error", error="SyntaxError|ValueError"),
    Attack(
        name="surrogates-in-code", code="x = '\ud800'", outcome="error", error="UnicodeEncodeError"
    ),
    Attack(
        name="walk-to-the-driver",
        code="""
import gc, inspect
found = [item for item in gc.get_objects() if type(item).__name__ in ("Supervisor", "Peer")]
frame = inspect.currentframe()
while frame.f_back:
    frame = frame.f_back
print(len([item for item in found if getattr(item, "sink", None)]), "serve" in str(frame) or "main")
os.fstat(0)
for fd in range(3, 64):
    try:
        link = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        continue
    if fd not in (NODE.sock.fileno(), NODE.line, NODE.place, NODE.own_stat, *NODE.unread):
        print(fd, link)
""",
        stdout=r"0 \w+\n",
    ),
    Attack(
        name="thread-that-calls-on",
        code="""
def print_on():
    while True:
        time.sleep(0.005)
        sys.stdout.write("thread\\n")
        forge(39, b'{"id": 1, "tool": "x", "args": [], "kwargs": {}}')
threading.Thread(target=print_on, daemon=True).start()
""",
        note="threads still alive",
        stdout="(thread\n)*",
        outcome="ok|killed",
    ),
    Attack(
        name="kill-the-parent",
        code="os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(0.2)\n1",
        outcome="ok|killed",
        value=None,
    ),
    Attack(
        name="stop-the-parent",
        code="os.kill(os.getppid(), signal.SIGSTOP)\n1",
    ),
]
