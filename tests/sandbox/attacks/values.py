"""Attacks by objects that lie, raise or hang when the driver looks at them."""

from tests.sandbox.attacks.attack import Attack

VALUES = [
    Attack(
        name="repr-that-raises",
        code="class A:\n    def __repr__(self):\n        raise SystemExit(self)\nA()",
        outcome="error",
        error="SystemExit",
    ),
    Attack(
        name="repr-that-is-no-text",
        code="class A:\n    def __repr__(self):\n        return 1\nA()",
        outcome="error",
        error="TypeError",
    ),
    Attack(
        name="repr-that-hangs",
        code="class A:\n    def __repr__(self):\n        while True:\n            pass\nA()",
        outcome="timeout",
        error="KeyboardInterrupt",
        timeout=0.3,
    ),
    Attack(
        name="text-subclass-as-repr",
        code="""
class Text(str):
    def __len__(self):
        return -5
    def __getitem__(self, key):
        while True:
            pass
class A:
    def __repr__(self):
        return Text("x" * 100_000)
A()
""",
        outcome="error|timeout",
        error="ValueError|KeyboardInterrupt",
        timeout=0.3,
    ),
    Attack(
        name="exception-that-cannot-be-shown",
        code="""
class Evil(Exception):
    def __str__(self):
        raise SystemExit("no")
    __repr__ = __str__
raise Evil
""",
        outcome="error",
        error="Evil",
    ),
    Attack(
        name="exception-whose-text-hangs",
        code="""
class Evil(Exception):
    def __str__(self):
        while True:
            pass
raise Evil
""",
        outcome="timeout",
        error="Evil|KeyboardInterrupt|",
        timeout=0.3,
    ),
    Attack(
        name="exception-without-a-name",
        code="""
class Meta(type):
    __name__ = property(lambda self: 5)
class Evil(Exception, metaclass=Meta):
    pass
raise Evil
""",
        outcome="error",
        error="Evil",
    ),
    Attack(
        name="exception-with-a-long-text",
        code="raise ValueError('x' * (30 << 20))",
        outcome="error",
        error="ValueError",
    ),
    Attack(
        name="exception-chain",
        code="""
def chain(depth):
    try:
        if depth:
            chain(depth - 1)
        raise ValueError(depth)
    finally:
        raise KeyError(depth)
chain(300)
""",
        outcome="error",
        error="KeyError",
    ),
    Attack(
        name="exception-circle",
        code="""
a, b = ValueError("a"), ValueError("b")
a.__cause__, b.__cause__ = b, a
raise a
""",
        outcome="error",
        error="ValueError",
    ),
    Attack(
        name="exception-groups-in-groups",
        code="""
group = ValueError("x")
for _ in range(5000):
    group = ExceptionGroup("group", [group, ValueError("y")])
raise group
""",
        outcome="error",
        error="ExceptionGroup",
    ),
    Attack(
        name="false-table",
        code="""
class DataFrame:
    def to_string(self, **options):
        return 5
DataFrame.__module__ = "pandas.core"
DataFrame()
""",
        outcome="error",
        error="TypeError",
    ),
    Attack(
        name="table-that-floods",
        code="""
class DataFrame:
    def to_string(self, **options):
        return "cell" * 10_000_000
DataFrame.__module__ = "pandas.core"
DataFrame()
""",
        value=r"(?s)cell.*characters left out.*cell",
    ),
    Attack(
        name="names-that-are-no-text",
        code="globals()[1] = 2\nglobals()['\\ud800'] = 3\nglobals()['x' * 10**6] = 4",
    ),
    Attack(
        name="types-that-lie-when-idle",
        code="""
class Meta(type):
    @property
    def __name__(self):
        raise SystemExit("no")
class Evil(metaclass=Meta):
    pass
evil = Evil()
""",
    ),
    Attack(
        name="types-that-hang-when-idle",
        code="""
class Meta(type):
    @property
    def __name__(self):
        while True:
            pass
class Evil(metaclass=Meta):
    pass
evil = Evil()
""",
    ),
]
