"""Repairs of code that does not compile, each kept only when it makes the code compile."""

from __future__ import annotations

import ast
import html
import re
import textwrap
import warnings
from collections.abc import Callable
from itertools import pairwise

CURLY_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'"})
ODD_SPACES = str.maketrans(
    {"\u200b": None, "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None}
    | dict.fromkeys("\u00a0\u2007\u202f\u3000", " ")
)
PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.)(?: |$)(.*)$")
NUMBERED = re.compile(r"^[ \t]*(\d+)(?:[ \t]*[|:.)]|\t|(?= )|$) ?(.*)$")
STATEMENTS = (
    ast.Assign,
    ast.AugAssign,
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.With,
)


def tree_of(code: str) -> ast.Module | None:
    """Return the syntax tree of `code`, or None when it is not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None


def compiles(code: str) -> bool:
    """Tell whether `code` is Python."""
    return tree_of(code) is not None


def looks_like_code(text: str) -> bool:
    """Tell whether text that nothing marks as code is Python that does something.

    Short prose compiles too: `Paris`, `x is not y`, `Answer: Paris`, `Paris (France)`.
    """
    tree = tree_of(text)
    if tree is None:
        return False
    if any(isinstance(node, STATEMENTS) for node in tree.body):
        return True
    has_call = any(isinstance(node, ast.Call) for node in ast.walk(tree))
    return has_call and re.search(r"[\w\])]\(", text) is not None


def does_nothing(code: str) -> bool:
    """Tell whether `code` is blank, or comments alone."""
    return all(not line or line.startswith("#") for line in map(str.strip, code.splitlines()))


def _plain_spaces(code: str) -> str:
    return code if code.isascii() else code.translate(ODD_SPACES)


def _plain_quotes(code: str) -> str:
    return code if code.isascii() else code.translate(CURLY_QUOTES)


def _dedent(code: str) -> str:
    return textwrap.dedent(code) if code[:1] in (" ", "\t") else code


def _strip_prompts(code: str) -> str:
    if ">>>" not in code or not any(line.lstrip().startswith(">>>") for line in code.split("\n")):
        return code
    matches = (PROMPT.match(line) for line in code.split("\n"))
    return "\n".join(match[1] for match in matches if match)


def _strip_line_numbers(code: str) -> str:
    if not code.lstrip()[:1].isdigit():
        return code
    matches = [NUMBERED.match(line) for line in code.split("\n") if line.strip()]
    numbers = [int(match[1][-9:]) for match in matches if match]
    consecutive = all(b == a + 1 for a, b in pairwise(numbers))
    if not numbers or len(numbers) < len(matches) or not consecutive:
        return code
    return textwrap.dedent("\n".join(match[2] for match in matches if match))


def _unescape_newlines(code: str) -> str:
    if "\\n" not in code or "\n" in code.strip():
        return code
    return code.replace("\\n", "\n").replace('\\"', '"').replace("\\t", "\t")


REPAIRS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("removed odd spaces", _plain_spaces),
    ("unescaped HTML", html.unescape),
    ("unescaped newlines", _unescape_newlines),
    ("removed indentation", _dedent),
    ("removed REPL prompts", _strip_prompts),
    ("removed line numbers", _strip_line_numbers),
    ("straightened quotes", _plain_quotes),
)


def mend(code: str) -> tuple[str, tuple[str, ...]]:
    """Return `code` so that it compiles, and the names of the repairs that it took.

    Code that compiles, and code that no repair makes compile, comes back as it was: a syntax error
    is for the interpreter to report.
    """
    changed = [(name, mended) for name, repair in REPAIRS if (mended := repair(code)) != code]
    if not changed or compiles(code):  # most code leaves nothing to repair, and is not parsed
        return code, ()
    for name, mended in changed:
        if compiles(mended):
            return mended, (name,)
    return _mend_together(code)


def _mend_together(code: str) -> tuple[str, tuple[str, ...]]:
    mended, names = code, []
    for name, repair in REPAIRS:
        before, mended = mended, repair(mended)
        if mended == before:
            continue
        names.append(name)
        if compiles(mended):
            return mended, tuple(names)
    return code, ()
