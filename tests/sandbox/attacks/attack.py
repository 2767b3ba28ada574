"""What an attack is: code, what it is seen to do, and what it costs others."""

from dataclasses import dataclass
from typing import Literal

Harm = Literal["none", "siblings", "sandbox"]
"""Whose state had to be rebuilt: nobody's, that of branches of the same sandbox, that of all."""

PRELUDE = r"""
import ctypes, errno, os, platform, signal, socket, subprocess, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"
CALLS = {  # where the C library has no function: numbers of x86-64 and arm64
    "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425),
    "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "init_module": (175, 105),
    "kexec_load": (246, 104), "memfd_create": (319, 279), "kcmp": (312, 272),
    "open_by_handle_at": (304, 265), "fsopen": (430, 430), "mount_setattr": (442, 442),
    "process_madvise": (440, 440), "move_pages": (279, 239), "capset": (126, 91),
    "migrate_pages": (256, 238), "ioprio_set": (251, 30), "process_mrelease": (448, 448),
}


def name_of(number):
    return errno.errorcode.get(number, str(number))


def attempt(label, act, *args, **options):
    try:
        act(*args, **options)
    except OSError as error:
        print(label, name_of(error.errno))
    except Exception as error:
        print(label, type(error).__name__)
    else:
        print(label, "done")


def native(label, function, *args):
    ctypes.set_errno(0)
    failed = function(*args) == -1
    print(label, name_of(ctypes.get_errno()) if failed else "done")


def syscall(label, *args):
    native(label, libc.syscall, CALLS[label][ARM], *args)


def connect(label, address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    def act():
        with socket.socket(family, kind) as sock:
            sock.settimeout(1)
            sock.connect(address)
            sock.send(b"hello")
    attempt(label, act)


def read(path):
    with open(path, "rb") as file:
        return file.read(100)


def write(path):
    with open(path, "ab") as file:
        file.write(b"pwned")


def open_to_write(path):  # and leave it at that: what it switches may be the machine's
    os.close(os.open(path, os.O_WRONLY))


def spawn(act):
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return pid


def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


ZYGOTE = parent(os.getppid())
SUPERVISOR = parent(ZYGOTE)
CELL = display.__self__  # the driver's own objects are in reach of user code
NODE = CELL.node


def forge(kind, payload, branch=0, to=None):
    import struct
    frame = struct.pack("!IIB", branch, len(payload), kind) + payload
    os.write(NODE.sink if to is None else to, frame)
"""
"""What every attacker is given to begin with."""

REFUSALS = (
    "EPERM|EACCES|EROFS|ENOENT|ENOSYS|ENODEV|ENXIO|ENETUNREACH|EHOSTUNREACH|ECONNREFUSED|"
    "EADDRNOTAVAIL|EAFNOSUPPORT|EPROTONOSUPPORT|ESRCH|ENOTDIR|ELOOP|ENOSPC|EXDEV|EINVAL|ETXTBSY|ESOCKTNOSUPPORT"
)
REFUSED = rf"(\S+ ({REFUSALS})\n)+"
"""Every attempt of an attack failed with an error that says it is not allowed or not there."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack, and what it is seen to come to."""

    name: str
    code: str
    stdout: str = ""
    """Pattern of the whole of stdout."""
    outcome: str = "ok"
    """Pattern of the execution's outcome."""
    error: str = ""
    """Pattern of the exception's type; empty when there is to be none."""
    note: str = ""
    """Pattern found in the execution's notes."""
    value: str | None = None
    """Pattern of the whole value."""
    harm: Harm = "none"
    timeout: float = 5.0
    lasting: bool = False
    """The attacker's own branch may not work afterwards."""
    on: tuple[str, ...] = ("docker", "sandlock", "bwrap")
    """Where this is what happens; another entry of the same name says what happens elsewhere."""


def refused(name: str, code: str) -> Attack:
    """Return an attack that every kind refuses."""
    return Attack(name=name, code=code, stdout=REFUSED)
