"""Attacks with output, values and pictures, and on deadlines."""

from tests.sandbox.attacks.attack import Attack

MEMORY_ERROR = {"outcome": "error", "error": "MemoryError"}

OUTPUT = [
    Attack(
        name="stdout-flood",
        code="for _ in range(100):\n    print('x' * (1 << 20))",
        stdout=r"(?s)x+\n\.\.\. \d+ bytes left out \.\.\.\nx+\n",
    ),
    Attack(
        name="stderr-flood",
        code="for _ in range(50):\n    sys.stderr.write('x' * (1 << 20))",
    ),
    Attack(
        name="descriptor-flood",
        code="for _ in range(100):\n    os.write(1, b'\\xff' * (1 << 20))",
        stdout=r"(?s)\ufffd+\n\.\.\. \d+ bytes left out \.\.\.\n\ufffd+",
    ),
    Attack(
        name="endless-print",
        code="while True:\n    print('y')",
        stdout=r"(?s)[y\n]+\.\.\. \d+ bytes left out \.\.\.\n[y\n]+",
        outcome="timeout",
        error="KeyboardInterrupt|",
        timeout=0.5,
    ),
    Attack(
        name="flood-from-a-process",
        code="""
subprocess.Popen(["yes"])
time.sleep(0.3)
print("over")
""",
        stdout=r"(?s)[y\n]+\.\.\. \d+ bytes left out \.\.\.\n[y\nover]+",
    ),
    Attack(
        name="value-of-a-gigabyte",
        code="""
class Big:
    def __repr__(self):
        return "x" * (1 << 30)
Big()
""",
        **MEMORY_ERROR,
    ),
    Attack(
        name="long-value",
        code="'z' * (40 << 20)",
        value=r"(?s)'z+\n\.\.\. \d+ characters left out \.\.\.\nz+'",
    ),
    Attack(
        name="picture-flood",
        code="""
class Picture:
    def _repr_png_(self):
        return b"\\x89PNG\\r\\n\\x1a\\n" + bytes(1000)
for _ in range(100):
    display(Picture())
""",
        note="pictures after the first 8 were dropped",
        stdout="(?s).*",
    ),
    Attack(
        name="huge-picture",
        code="""
class Picture:
    def _repr_png_(self):
        return b"\\x89PNG\\r\\n\\x1a\\n" + bytes(50 << 20)
    def __repr__(self):
        return "shown"
Picture()
""",
        note="too large",
        value="shown",
    ),
    Attack(
        name="no-picture-at-all",
        code="""
class Picture:
    def _repr_png_(self):
        return b"GIF89a"
    def __repr__(self):
        return "shown"
Picture()
""",
        note="no PNG",
        value="shown",
    ),
    Attack(
        name="sleep-past-the-deadline",
        code="time.sleep(60)",
        outcome="timeout",
        error="KeyboardInterrupt",
        timeout=0.3,
    ),
    Attack(
        name="busy-in-c",
        code="sum(range(10**11))",
        outcome="timeout",
        note="did not react",
        timeout=0.3,
    ),
    Attack(
        name="regex-bomb",
        code="import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
        outcome="timeout",
        error="KeyboardInterrupt|",
        timeout=0.3,
    ),
    Attack(
        name="number-bomb",
        code="x = 10**10**8",
        outcome="timeout",
        error="KeyboardInterrupt|",
        timeout=0.3,
    ),
    Attack(
        name="alarm-between-runs",
        code="signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)",
    ),
]
