"""Attacks on rights, on the kernel, and on processes outside."""

from tests.sandbox.attacks.attack import Attack, refused

MEMORY = """
for label, pid in {"supervisor": SUPERVISOR, "sibling": HOST["sibling"]}.items():
    attempt(label + ".write", open_to_write, f"/proc/{pid}/mem")
    native(label + ".ptrace", libc.ptrace, 16, pid, 0, 0)
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    native(label + ".readv", libc.process_vm_readv, pid, vector, 1, vector, 1, 0)
    native(label + ".writev", libc.process_vm_writev, pid, vector, 1, vector, 1, 0)
    descriptor = libc.syscall(CALLS["pidfd_open"][ARM], pid, 0)
    syscall("pidfd_getfd", descriptor, 0, 0)
"""
PROC = """
for label, pid in {"supervisor": SUPERVISOR, "sibling": HOST["sibling"]}.items():
    seen = 0
    for act in (
        lambda: os.listdir(f"/proc/{pid}/fd"),
        lambda: read(f"/proc/{pid}/environ"),
        lambda: open(f"/proc/{pid}/mem", "rb").close(),
    ):
        try:
            act()
            seen += 1
        except OSError:
            pass
    print(label, seen)
"""

PRIVILEGE = [
    refused(
        "become-root",
        """
attempt("setuid", os.setuid, 0)
attempt("setgid", os.setgid, 0)
attempt("setgroups", os.setgroups, [0])
syscall("capset", ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)),
        ctypes.byref((ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)))
""",
    ),
    Attack(
        name="setuid-programs",
        code="""
print(subprocess.run(["su", "-c", "id"], stdin=subprocess.DEVNULL, capture_output=True).returncode
      if os.path.exists("/bin/su") else "none")
print(open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0])
""",
        stdout=r"(none|[1-9]\d*)\n1\n",
    ),
    refused("chroot", "attempt('chroot', os.chroot, '.')"),
    refused(
        "mount",
        """
for call in ("mount", "umount2"):
    native(call, getattr(libc, call), b"none", b"/tmp", b"tmpfs", 0, None)
syscall("fsopen", b"tmpfs", 0)
syscall("mount_setattr", -100, b"/", 0, None, 0)
native("pivot_root", libc.pivot_root, b".", b".")
""",
    ),
    refused(
        "new-namespaces",
        """
for label, flag in {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000,
                    "ipc": 0x08000000, "uts": 0x04000000, "cgroup": 0x02000000}.items():
    native(label, libc.unshare, flag)
""",
    ),
    refused(
        "enter-namespaces-of-others",
        """
for label in ("net", "mnt", "user"):
    attempt(label, lambda: libc.setns(os.open(f"/proc/{HOST['pid']}/ns/{label}", 0), 0) or 0)
""",
    ),
    refused(
        "make-devices",
        """
attempt("block", os.mknod, "disk", 0o60666, os.makedev(8, 0))
attempt("mem", os.mknod, "mem", 0o20666, os.makedev(1, 1))
for path in ("/dev/mem", "/dev/kmem", "/dev/kvm", "/dev/fuse", "/dev/sda", "/dev/vda", "/dev/kmsg"):
    attempt(path, read, path)
""",
    ),
    refused(
        "kernel-subsystems",
        """
syscall("bpf", 0, ctypes.byref((ctypes.c_char * 128)()), 128)
syscall("perf_event_open", ctypes.byref((ctypes.c_uint32 * 32)(1, 128)), 0, -1, -1, 0)
syscall("io_uring_setup", 8, ctypes.byref((ctypes.c_char * 128)()))
syscall("userfaultfd", 0)
syscall("init_module", b"x", 1, b"")
syscall("kexec_load", 0, 0, None, 0)
syscall("open_by_handle_at", 3, ctypes.byref((ctypes.c_char * 128)()), 0)
""",
    ),
    refused(
        "keyrings",
        """
syscall("keyctl", 0, -3, 1)
syscall("add_key", b"user", b"name", b"data", 4, -3)
""",
    ),
    refused(
        "machine-wide-settings",
        """
native("reboot", libc.reboot, 0x1234567)
native("sethostname", libc.sethostname, b"pwned", 5)
attempt("settime", time.clock_settime, time.CLOCK_REALTIME, 0)
native("swapoff", libc.swapoff, b"/swap")
native("klogctl", libc.klogctl, 3, ctypes.create_string_buffer(100), 100)
native("vhangup", libc.vhangup)
native("acct", libc.acct, b"/tmp/acct")
""",
    ),
    refused(
        "proc-and-sys-switches",
        """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
             "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory",
             "/sys/kernel/uevent_helper", "/sys/power/state", "/proc/irq/default_smp_affinity",
             "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cgroup.procs",
             "/sys/fs/cgroup/pids/pids.max", "/proc/self/uid_map"):
    attempt(path, open_to_write, path)
""",
    ),
    refused(
        "priority",
        """
attempt("nice", os.nice, -5)
attempt("realtime", os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50))
def protect_from_oom():
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"-1000")
attempt("oom", protect_from_oom)
""",
    ),
    refused(
        "raise-limits",
        """
import resource
for name in ("AS", "FSIZE", "NOFILE", "CORE"):
    unlimited = (ctypes.c_ulong * 2)(2**64 - 1, 2**64 - 1)
    native(name, libc.setrlimit, getattr(resource, "RLIMIT_" + name), unlimited)
""",
    ),
    refused("memory-of-supervisor-and-sibling", MEMORY),
    Attack(
        name="proc-of-supervisor-and-sibling",
        code=PROC,
        stdout="supervisor 0\nsibling 0\n",
        on=("docker",),
    ),
    Attack(
        name="proc-of-supervisor-and-sibling",
        code=PROC,
        # The numbers of their descriptors; none where root's jail could take another user's id.
        stdout=r"supervisor [01]\nsibling [01]\n",
        on=("bwrap",),
    ),
    Attack(
        name="proc-of-supervisor-and-sibling",
        code=PROC,
        stdout="supervisor 3\nsibling 3\n",
        on=("sandlock",),
    ),
    refused(
        "processes-of-the-host",
        """
import resource
for pid in (HOST["pid"], HOST["victim"]):
    attempt("kill", os.kill, pid, signal.SIGKILL)
    attempt("stop", os.kill, pid, signal.SIGSTOP)
    attempt("mem", read, f"/proc/{pid}/mem")
    attempt("environ", read, f"/proc/{pid}/environ")
    attempt("fd", os.listdir, f"/proc/{pid}/fd")
    attempt("cwd", os.listdir, f"/proc/{pid}/cwd/")
    attempt("root", os.listdir, f"/proc/{pid}/root/")
    native("ptrace", libc.ptrace, 16, pid, 0, 0)
    attempt("prlimit", resource.prlimit, pid, resource.RLIMIT_NOFILE, (9, 9))
    attempt("setpriority", os.setpriority, os.PRIO_PROCESS, pid, 19)
    attempt("affinity", os.sched_setaffinity, pid, [0])
    attempt("scheduler", os.sched_setscheduler, pid, os.SCHED_IDLE, os.sched_param(0))
    syscall("ioprio_set", 1, pid, 3 << 13)
    syscall("kcmp", pid, os.getpid(), 1, 0, 0)
    syscall("migrate_pages", pid, 8, ctypes.byref(ctypes.c_long(1)), ctypes.byref(ctypes.c_long(1)))
""",
    ),
    refused(
        "command-line-of-the-host",
        """attempt("cmdline", read, f"/proc/{HOST['victim']}/cmdline")""",
    ),
    refused(
        "sysv-memory-of-the-host",
        """native("shmget", libc.shmget, HOST["shm"], 0, 0)""",
    ),
    refused(
        "posix-queue-of-the-host",
        """
open_queue = ctypes.CDLL("librt.so.1", use_errno=True).mq_open
native("mq_open", open_queue, HOST["queue"].encode(), 0)
""",
    ),
]
