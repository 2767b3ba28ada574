"""The library's half inside a sandbox: loads actions, notes calls, tries examples.

Run once in each interpreter, before any other code, with `main` (the agent's namespace) and `cell`
(the driver's) in its globals; the host then speaks to it as the module `treeact_actions`. Standard
library only, for any Python from 3.9 on. Nothing it says is believed by the host.
"""

import ast
import asyncio
import functools
import inspect
import linecache
import random
import sys
import types

# The host sets both when it sends this file.
main = globals()["main"]
cell = globals()["cell"]

ROOM = 2000  # characters of the literals of one example
MOST_ATTEMPTS = 20  # calls of one function in one step whose arguments are looked at
MOST_EXAMPLES = 3  # examples of one function in one step
MOST_NAMES = 200

module = types.ModuleType("treeact_actions")
loaded: dict[object, object] = {}  # actions by their id in the library
defined: list[str] = []  # names of the functions that were defined since the host last asked
seen: dict[object, object] = {}  # what was noted of calls since then, by function
calls_before = 0  # tool calls of earlier steps


class NoLiteral(Exception):
    """A value that no literal of a bearable size can show."""


class Literal:
    """Makes a copy of a value of which `repr` is a Python literal."""

    def __init__(self, describe):
        self.describe = describe  # show what is no literal by its content
        self.room = ROOM

    def copy(self, value):
        """Return the copy."""
        kind = type(value)
        self.spend(8)
        if value is None or kind is bool:
            return value
        if kind is int:
            self.spend(value.bit_length() // 3)
            return value
        if kind is float and value - value == 0:
            return value
        if kind in (str, bytes):
            self.spend(len(value))
            self.spend(len(repr(value)) - len(value))
            return value
        if kind in (list, tuple, set):
            return kind([self.copy(item) for item in value])
        if kind is dict:
            return {self.copy(key): self.copy(item) for key, item in value.items()}
        if not self.describe:
            raise NoLiteral
        return self.description(value, kind)

    def description(self, value, kind):
        """Return the content of an object, with the name of its type."""
        if kind is float:
            return ("float", repr(value))
        if kind is frozenset:
            return ("frozenset", self.copy(set(value)))
        if hasattr(kind, "__dataclass_fields__"):
            fields = {key: getattr(value, key) for key in kind.__dataclass_fields__}
            return (kind.__name__, self.copy(fields))
        if isinstance(value, tuple):
            return (kind.__name__, self.copy(tuple(value)))
        if hasattr(kind, "isoformat"):
            return (kind.__name__, self.copy(value.isoformat()))
        if kind.__module__ in ("decimal", "fractions", "uuid"):
            return (kind.__name__, self.copy(str(value)))
        if kind.__module__.split(".")[0] == "pandas" and hasattr(value, "to_dict"):
            self.spend(4 * getattr(value, "size", ROOM))
            return (kind.__name__, self.copy(value.to_dict()))
        if kind.__module__.split(".")[0] == "numpy" and hasattr(value, "tolist"):
            self.spend(4 * value.size)
            return (kind.__name__, self.copy(value.tolist()))
        raise NoLiteral

    def spend(self, size):
        """Take room for so many characters."""
        self.room -= size
        if self.room < 0:
            raise NoLiteral


def literal(value, describe=False):
    """Return a value as the text of a literal, None if that cannot be."""
    try:
        return repr(Literal(describe).copy(value))
    except KeyboardInterrupt:
        raise
    except BaseException:  # code of the value's own type, too
        return None


# Noting calls --------------------------------------------------------------------------------


class Notes:
    """What was seen of the calls of one function in one step."""

    def __init__(self):
        self.returned = self.raised = self.attempts = 0
        self.examples = {}

    def arguments(self, args, kwargs):
        """Return the arguments as a literal while more examples are wanted, before they change."""
        if self.attempts >= MOST_ATTEMPTS or len(self.examples) >= MOST_EXAMPLES:
            return None
        self.attempts += 1
        return literal((args, kwargs))

    def add(self, arguments, result, start):
        """Note a call that returned."""
        self.returned += 1
        wanted = arguments is not None and len(self.examples) < MOST_EXAMPLES
        if wanted and arguments not in self.examples:
            text = literal(result, describe=True)
            if text is not None and len(arguments) + len(text) <= ROOM:
                self.examples[arguments] = (text, start, tool_calls())


def tool_calls():
    """Return how many calls of the host's tools this step has made."""
    return cell.calls - calls_before


def record(function, key=None):
    """Return a function that does what `function` does and notes its calls."""
    if not callable(function) or isinstance(function, type):
        return function
    key = getattr(function, "__name__", "?") if key is None else key

    def begin(args, kwargs):
        notes = seen.setdefault(key, Notes())
        return notes, notes.arguments(args, kwargs), tool_calls()

    async def call_async(*args, **kwargs):
        notes, arguments, start = begin(args, kwargs)
        try:
            result = await function(*args, **kwargs)
        except Exception:
            notes.raised += 1
            raise
        notes.add(arguments, result, start)
        return result

    def call_plain(*args, **kwargs):
        notes, arguments, start = begin(args, kwargs)
        try:
            result = function(*args, **kwargs)
        except Exception:
            notes.raised += 1
            raise
        notes.add(arguments, result, start)
        return result

    call = call_async if inspect.iscoroutinefunction(function) else call_plain
    functools.update_wrapper(call, function)
    for name in dir(function):  # what a decorator such as lru_cache has added
        if not hasattr(call, name):
            setattr(call, name, getattr(function, name))
    return call


def define(function):
    """Take notice of a function that the agent defines; the outermost decorator of each."""
    name = getattr(function, "__name__", None)
    if isinstance(name, str) and len(defined) < MOST_NAMES:
        defined.append(name)
        seen.pop(name, None)
    return record(function)


def rewrite(tree):
    """Have each function of a piece of code noted; called by the driver before the code runs."""
    global calls_before
    calls_before = cell.calls
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            decorator = ast.parse("__import__('treeact_actions').define", mode="eval").body
            for inner in ast.walk(decorator):
                ast.copy_location(inner, node)
            node.decorator_list.insert(0, decorator)


def take(room):
    """Return what was defined and called since the last time, in at most `room` characters."""
    noted = list(seen.items())[:MOST_NAMES]
    calls = [[key, notes.returned > 0, notes.raised > 0, []] for key, notes in noted]
    report = {"defined": list(dict.fromkeys(defined)), "calls": calls}
    defined.clear()
    seen.clear()
    room -= len(repr(report))
    for entry, (_, notes) in zip(calls, noted):  # noqa: B905 - strict came with Python 3.10
        for arguments, (result, start, end) in notes.examples.items():
            example = [arguments, result, start, end]
            room -= len(repr(example)) + 2
            if room > 0:
                entry[3].append(example)
    return report


# Loading -------------------------------------------------------------------------------------


def load(units, names):
    """Load actions, each after those that it uses; return what failed, by id.

    Each gets a module of its own, so that its constants meet nobody else's. `names` are given to
    the agent's namespace, where they are not taken.
    """
    failed = {}
    for unit in units:
        if unit["id"] not in loaded:
            try:
                loaded[unit["id"]] = load_unit(unit)
            except Exception as error:
                failed[unit["id"]] = f"{type(error).__name__}: {error}"[:300]
    for name, number in names.items():
        if number in loaded:
            main.setdefault(name, loaded[number])
    return failed


def load_unit(unit):
    """Run the module of one action and return the action."""
    name = unit["name"]
    home = types.ModuleType(f"treeact_actions.{name}_v{unit['version']}")
    space = home.__dict__
    space.update({key: main[key] for key in ("ToolError", "display") if key in main})
    space.update({tool: main[tool] for tool in unit["tools"] if tool in main})
    space.update({local: loaded[number] for local, number in unit["uses"].items()})
    sys.modules[home.__name__] = home
    file = f"<step of action {name} v{unit['version']}>"
    code = unit["code"]
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    exec(compile(code, file, "exec", dont_inherit=True), space)
    space[name] = record(space[name], unit["id"])
    return space[name]


class Found:
    """An action that a search found: print it to read it, call it to use it."""

    def __init__(self, number, text):
        self.number, self.text = number, text

    def __call__(self, *args, **kwargs):
        """Call the action."""
        return loaded[self.number](*args, **kwargs)

    def __repr__(self):
        return self.text


def offer_search(name):
    """Wrap the tool that searches, so that what it finds can be called at once."""
    tool = main[name]

    @functools.wraps(tool)
    def search(*args, **kwargs):
        answer = tool(*args, **kwargs)
        load(answer["units"], answer["names"])
        return [Found(number, text) for number, text in answer["found"]]

    main[name] = search


# Trying --------------------------------------------------------------------------------------


def attempt(number, arguments):
    """Call an action with the arguments of an example, under a fixed seed."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    args, kwargs = ast.literal_eval(arguments)
    result = loaded[number](*args, **kwargs)
    if inspect.isawaitable(result):
        result = asyncio.run(wait_for(result))
    return {"result": literal(result, describe=True)}


async def wait_for(work):
    """Await anything that can be awaited."""
    return await work


for public in (define, take, load, offer_search, attempt):
    setattr(module, public.__name__, public)
sys.modules["treeact_actions"] = module
cell.rewrite = rewrite
sys.setrecursionlimit(2 * sys.getrecursionlimit())  # noting a call takes a frame of its own
