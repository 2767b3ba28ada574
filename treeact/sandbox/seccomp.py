"""The system calls that sandboxed code is refused, whatever else confines it.

A filter that the driver loads into itself before it starts anything, so that it holds alike in
every container and jail. It closes what they leave open: an engine's own filter lets io_uring and
sockets to the hypervisor through, bubblewrap has none, and sandlock lets processes of one jail take
each other's descriptors and set the limits of its user's other processes.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""What the kernel calls each machine, and its column below."""

# fmt: off
REFUSED = {
    # Other processes: their memory, descriptors and pages.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272), "process_madvise": (440, 440),
    "move_pages": (279, 239), "migrate_pages": (256, 238),
    # Large and often broken parts of the kernel.
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    # Namespaces and mounts.
    "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51), "pivot_root": (155, 41),
    "mount": (165, 40), "umount2": (166, 39), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_by_handle_at": (304, 265), "quotactl": (179, 60),
    # The machine.
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116),
    # Memory that belongs to no process, so that killing one does not give it back.
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
}
"""Numbers on x86-64 and on arm64."""
# fmt: on

# fmt: off
ATTRIBUTES = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "lchown": (94, None), "fchown": (93, 55), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}
"""What changes a file's mode, owner, times and attributes."""
# fmt: on

SOCKET, PRLIMIT = (41, 198), (302, 261)
FAMILIES = (1, 2, 10, 16)
"""Local, IPv4, IPv6 and netlink sockets: those whose reach the network's isolation bounds."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in the kernel's seccomp_data
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_X32 = 0x40000000


def programs(*, freeze_attributes: bool = False) -> dict[str, str]:
    """Return the filter of each machine, as a kernel takes it, in hexadecimal.

    Args:
        freeze_attributes: let calls that change a file's mode, owner, times or attributes do
            nothing, and say that they did. Landlock does not know these calls, so a jail of it
            could make them on any file of its user; refused, they would stop every copying of
            files by Python's library.
    """
    return {
        machine: b"".join(_program(*key, freeze_attributes)).hex()
        for machine, key in MACHINES.items()
    }


def _program(machine: int, column: int, freeze_attributes: bool) -> Iterable[bytes]:
    yield _step(_LOAD, _MACHINE)
    yield _step(_EQUAL, machine, 1, 0)
    yield _fail(errno.ENOSYS)  # 32-bit calls have numbers of their own
    yield _step(_LOAD, _NUMBER)
    yield _step(_AT_LEAST, _X32, 0, 1)
    yield _fail(errno.ENOSYS)
    for numbers in REFUSED.values():
        yield _step(_EQUAL, numbers[column], 0, 1)
        yield _fail(errno.EPERM)
    frozen = [numbers[column] for numbers in ATTRIBUTES.values()] if freeze_attributes else []
    for number in filter(None, frozen):
        yield _step(_EQUAL, number, 0, 1)
        yield _fail(0)
    yield from _only(SOCKET[column], FAMILIES, errno.EAFNOSUPPORT)
    yield from _only(PRLIMIT[column], (0,), errno.EPERM)  # 0: of the calling process
    yield _step(_RETURN, _ALLOW)


def _only(number: int, values: tuple[int, ...], error: int) -> Iterable[bytes]:
    """Let a call through with some values of its first argument only."""
    yield _step(_EQUAL, number, 0, len(values) * 2 + 2)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    for value in values:
        yield _step(_EQUAL, value, 0, 1)
        yield _step(_RETURN, _ALLOW)
    yield _fail(error)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _fail(error: int) -> bytes:
    return _step(_RETURN, _ERROR | error)
