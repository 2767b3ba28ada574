"""Attacks on memory, processes and files."""

from tests.sandbox.attacks.attack import Attack

MEMORY_ERROR = {"outcome": "error", "error": "MemoryError"}

A_LOOK_LATER = "time.sleep(4)  # the watchdog looks less often when a look is slow\n"

FILL_WORKING_FOLDER = """
def fill():
    for number in range(100):
        with open(f"file{number}", "wb", 0) as file:
            for _ in range(8):
                file.write(bytes(1 << 20))
attempt("fill", fill)
"""

FILL_TEMPORARY_FOLDER = """
import tempfile
def fill():
    for number in range(100):
        with open(tempfile.mkstemp()[1], "wb", 0) as file:
            for _ in range(8):
                file.write(bytes(1 << 20))
attempt("fill", fill)
"""

FILL_WITH_DELETED_FILES = """
kept = []
def fill():
    for number in range(100):
        file = open("file", "wb", 0)
        kept.append(file)
        os.unlink("file")
        for _ in range(8):
            file.write(bytes(1 << 20))
attempt("fill", fill)
time.sleep(1)
"""

INODE_FLOOD = """
def flood():
    for number in range(20_000):
        open(f"file{number}", "w").close()
attempt("flood", flood)
"""

FOLDER_FLOOD = """
def flood():
    for number in range(2300):
        os.mkdir(f"folder{number}")
    time.sleep(30)
attempt("flood", flood)
"""

SHARED = """
import mmap
def eat():
    place = mmap.mmap(-1, 100 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    for _ in range(100):
        place.write(bytes(1 << 20))
    time.sleep(30)
pids = [spawn(eat) for _ in range(8)]
"""
COUNT_KILLED = """
print([os.waitpid(pid, os.WNOHANG)[1] for pid in pids].count(signal.SIGKILL) > 0)
"""

DEEP = """
for _ in range(DEPTH):
    os.mkdir("d")
    os.chdir("d")
os.chdir(NODE.work)
print("made")
"""

RESOURCES = [
    Attack(name="memory-at-once", code="block = bytearray(1 << 30)", **MEMORY_ERROR),
    Attack(
        name="memory-bit-by-bit",
        code="blocks = []\nwhile True:\n    blocks.append(bytes(range(256)) * 4096)",
        outcome="error|killed",
        error="MemoryError|",
    ),
    Attack(
        name="memory-of-many-processes",
        code="""
def eat():
    block = bytearray(b"x") * (60 << 20)
    time.sleep(30)
for _ in range(8):
    spawn(eat)
time.sleep(3)
""",
        outcome="killed",
        note="bytes of memory",
        timeout=9,
        on=("sandlock", "bwrap"),
    ),
    Attack(
        name="memory-of-many-processes",
        code="""
def eat():
    block = bytearray(b"x") * (60 << 20)
    time.sleep(30)
pids = [spawn(eat) for _ in range(8)]
time.sleep(1)
print([os.waitpid(pid, os.WNOHANG)[1] for pid in pids].count(signal.SIGKILL) > 0)
""",
        stdout="True\n",
        on=("docker",),
    ),
    Attack(
        name="memory-of-many-processes-shared",
        code=SHARED + "time.sleep(4)",
        outcome="killed",
        note="memory",
        on=("sandlock", "bwrap"),
    ),
    Attack(
        name="memory-of-many-processes-shared",
        code=SHARED + "time.sleep(1)\n" + COUNT_KILLED,
        stdout="(True\n)?",
        outcome="ok|killed",
        on=("docker",),
    ),
    Attack(
        name="memory-mapped",
        code="""
import mmap
attempt("private", mmap.mmap, -1, 1 << 30)
attempt("shared", mmap.mmap, -1, 1 << 30, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
""",
        stdout=r"private ENOMEM\nshared ENOMEM\n",
    ),
    Attack(
        name="memory-without-mapping",
        code="""
import mmap
kept = []
def fill():
    for number in range(30):
        fd = os.memfd_create(str(number))
        kept.append(fd)
        for _ in range(30):
            os.write(fd, bytes(1 << 20))
attempt("memfd", fill)
""",
        stdout="memfd EPERM\n",
    ),
    Attack(
        name="fill-working-folder",
        code=FILL_WORKING_FOLDER,
        stdout=r"fill ENOSPC\n",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="fill-working-folder",
        code=FILL_WORKING_FOLDER + A_LOOK_LATER,
        outcome="killed",
        note="the limit was exceeded: more than \\d+ bytes of files",
        on=("sandlock",),
    ),
    Attack(
        name="fill-temporary-folder",
        code=FILL_TEMPORARY_FOLDER,
        stdout=r"fill ENOSPC\n",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="fill-temporary-folder",
        code=FILL_TEMPORARY_FOLDER + A_LOOK_LATER,
        outcome="killed",
        note="the limit was exceeded: more than \\d+ bytes of files",
        on=("sandlock",),
    ),
    Attack(
        name="fill-shared-memory",
        code="""
def fill():
    with open("/dev/shm/full", "wb", 0) as file:
        for _ in range(40):
            file.write(bytes(1 << 20))
attempt("fill", fill)
if os.path.exists("/dev/shm/full"):
    os.unlink("/dev/shm/full")
""",
        stdout=r"fill (ENOSPC|EROFS|EACCES|ENOENT|EFBIG)\n",
    ),
    Attack(
        name="fill-with-deleted-files",
        code=FILL_WITH_DELETED_FILES,
        stdout=r"fill ENOSPC\n",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="fill-with-deleted-files",
        code=FILL_WITH_DELETED_FILES,
        outcome="killed",
        note="the limit was exceeded: more than \\d+ bytes of files",
        on=("sandlock",),
    ),
    Attack(
        name="inode-flood",
        code=INODE_FLOOD,
        stdout=r"flood ENOSPC\n",
        on=("docker",),
    ),
    Attack(
        name="inode-flood",
        code=INODE_FLOOD,
        timeout=20.0,
        outcome="killed|timeout",
        note="the limit was exceeded: more than \\d+ files",
        on=("sandlock", "bwrap"),
    ),
    Attack(
        name="folder-flood",
        code=FOLDER_FLOOD,
        stdout=r"flood ENOSPC\n",
        on=("docker",),
    ),
    Attack(
        name="folder-flood",
        code=FOLDER_FLOOD,
        timeout=20.0,
        outcome="killed|timeout",
        note="the limit was exceeded: more than \\d+ files",
        on=("sandlock", "bwrap"),
    ),
    Attack(
        name="endless-file",
        code="""
fd = os.open("sparse", os.O_CREAT | os.O_WRONLY)
attempt("truncate", os.ftruncate, fd, 1 << 40)
attempt("seek", os.pwrite, fd, b"x", 1 << 40)
os.close(fd)
""",
        stdout=r"truncate EFBIG\nseek EFBIG\n",
    ),
    Attack(
        name="deep-folders",
        code="DEPTH = 1100" + DEEP,
        stdout="made\n",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="deep-folders",
        code="DEPTH = 150" + DEEP,  # every look at deep ones is slow here
        stdout="made\n",
        on=("sandlock",),
    ),
    Attack(
        name="locked-folders",
        code="""
os.makedirs("a/b/c")
open("a/b/c/file", "w").close()
os.chmod("a/b", 0)
os.chmod("a", 0o500)
print("made")
""",
        stdout="made\n",
    ),
    Attack(
        name="fork-bomb",
        code="""
def bomb():
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.05)
bomb()
""",
        outcome="timeout|killed",
        error="KeyboardInterrupt|",
        timeout=1.5,
    ),
    Attack(
        name="thread-bomb",
        code="""
for number in range(2000):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(2)
""",
        outcome="error|killed",
        error="RuntimeError|MemoryError|",
        lasting=True,
    ),
    Attack(
        name="daemon-of-its-own-session",
        code="""
os.environ["NAME"] = "x"
subprocess.Popen(["sleep", "611"], start_new_session=True)
while True:
    pass
""",
        outcome="timeout",
        timeout=0.3,
        error="KeyboardInterrupt|",
    ),
    Attack(
        name="twice-forked-daemon",
        code="""
def daemon():
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.execvp("sleep", ["sleep", "612"])
os.waitpid(spawn(daemon), 0)
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
""",
        outcome="timeout",
        note="did not react",
        timeout=0.3,
    ),
    Attack(
        name="fork-away-from-the-kill",
        code="""
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    if os.fork():
        os._exit(0)
""",
        outcome="killed|timeout|error",
        error="BlockingIOError|",
        timeout=1,
    ),
    Attack(
        name="ignore-signals",
        code="""
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True:
    pass
""",
        outcome="timeout",
        note="did not react",
        timeout=0.3,
    ),
    Attack(
        name="block-signals",
        code="""
signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
while True:
    pass
""",
        outcome="timeout",
        note="did not react",
        timeout=0.3,
    ),
    Attack(
        name="swallow-interrupts",
        code="""
while True:
    try:
        while True:
            time.sleep(0)
    except BaseException:
        pass
""",
        outcome="timeout",
        note="did not react",
        timeout=0.3,
    ),
    Attack(
        name="stop-oneself",
        code="""
import time
time.sleep(0.4)  # until what was killed before is let be
os.kill(os.getpid(), signal.SIGSTOP)
""",
        outcome="timeout",
        note="did not react",
        timeout=0.8,
    ),
    Attack(
        name="open-file-flood",
        code="""
kept = []
def flood():
    while True:
        kept.append(open(os.devnull))
attempt("open", flood)
""",
        stdout="open EMFILE\n",
        lasting=True,
    ),
    Attack(
        name="pipe-flood",
        code="""
import fcntl
kept = []
def flood():
    while True:
        reader, writer = os.pipe()
        kept.append((reader, writer))
        fcntl.fcntl(writer, 1031, 1 << 20)
        os.set_blocking(writer, False)
        os.write(writer, bytes(1 << 20))
attempt("pipe", flood)
""",
        stdout="pipe (EMFILE|ENFILE|EPERM|EAGAIN)\n",
    ),
    Attack(
        name="memory-left-in-the-kernel",
        code="""
def fill():
    for number in range(8):
        key = libc.shmget(0, 64 << 20, 0o1600)
        if key < 0:
            raise OSError(ctypes.get_errno(), "shmget")
        libc.shmat.restype = ctypes.c_void_p
        place = libc.shmat(key, None, 0)
        ctypes.memset(place, 1, 64 << 20)
        libc.shmdt(ctypes.c_void_p(place))
attempt("shm", fill)
""",
        stdout="shm EPERM\n",
    ),
]
