"""Attacks on the rest of the same sandbox, which is one trust domain: some succeed."""

from tests.sandbox.attacks.attack import Attack, refused

STREAM = """
writable = []
for fd in range(10):
    try:
        open_to_write(f"/proc/{SUPERVISOR}/fd/{fd}")
        writable.append(fd)
    except OSError:
        pass
print(writable)
"""

TRUST = [
    Attack(
        name="kill-processes-of-a-sibling",
        code="""
os.kill(HOST["sibling"], signal.SIGSTOP)
for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
    try:
        if parent(pid) == HOST["sibling"]:
            os.kill(pid, signal.SIGKILL)
    except OSError:
        continue
os.kill(HOST["sibling"], signal.SIGKILL)
time.sleep(0.2)
""",
        harm="siblings",
    ),
    Attack(
        name="kill-everybody",
        code="os.kill(-1, signal.SIGKILL)\ntime.sleep(1)",
        outcome="killed",
        harm="sandbox",
    ),
    Attack(
        name="kill-the-zygote",
        code="os.kill(ZYGOTE, signal.SIGKILL)\ntime.sleep(1)",
        outcome="killed",
        note="the zygote ended",
        harm="sandbox",
    ),
    Attack(
        name="kill-the-supervisor",
        code="""
for number in set(signal.Signals) - {signal.SIGCONT}:
    os.kill(SUPERVISOR, number)
""",
        on=("docker", "bwrap"),  # there it is the first process of its namespace
    ),
    Attack(
        name="kill-the-supervisor",
        code="os.kill(SUPERVISOR, signal.SIGKILL)\ntime.sleep(1)",
        outcome="killed",
        note="the sandbox died",
        harm="sandbox",
        on=("sandlock",),
    ),
    Attack(
        name="stop-the-supervisor",
        code="os.kill(SUPERVISOR, signal.SIGSTOP)",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="stop-the-supervisor",
        # For good, it would cost the branch 30 seconds after its deadline, and then a new sandbox.
        code="""
def stop():
    os.kill(SUPERVISOR, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(SUPERVISOR, signal.SIGCONT)
os.waitpid(spawn(stop), 0)
""",
        on=("sandlock",),
    ),
    refused(
        "limit-the-supervisor",
        """
import resource
attempt("sibling", resource.prlimit, HOST["sibling"], resource.RLIMIT_NOFILE, (3, 3))
attempt("supervisor", resource.prlimit, SUPERVISOR, resource.RLIMIT_NOFILE, (3, 3))
""",
    ),
    refused(
        "slow-the-supervisor-down",
        """
attempt("nice", os.setpriority, os.PRIO_PROCESS, SUPERVISOR, -5)
attempt("realtime", os.sched_setscheduler, SUPERVISOR, os.SCHED_FIFO, os.sched_param(1))
""",
    ),
    Attack(
        name="write-to-the-stream-of-the-supervisor",
        code=STREAM,
        stdout=r"\[\]\n",
        on=("docker", "bwrap"),
    ),
    Attack(
        name="write-to-the-stream-of-the-supervisor",
        code=STREAM,
        stdout=r"\[\d.*\]\n",  # as any branch it can speak for all of its sandbox, and no further
        on=("sandlock",),
    ),
]
