"""The names that tools may have."""

from __future__ import annotations

import keyword

from treeact.errors import ConfigError

FINAL_ANSWER = "final_answer"
"""The name of the tool that gives the answer."""
SEARCH_TOOLS = "search_tools"
"""The name of the tool that finds others, where there are many."""
RESERVED = frozenset({FINAL_ANSWER, "ToolError", "display"})
"""Names that every sandbox defines itself."""


def check_name(name: str, *, builtin: bool = False) -> None:
    """Check that code can call a tool by `name`.

    Raises:
        ConfigError: it cannot, or the name is taken.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"a tool cannot be named {name!r}: give a Python name with @tool(name=)")
    if name.startswith("__"):
        raise ConfigError(f"a tool cannot be named {name!r}: take the underscores off its name")
    if name in RESERVED and not builtin:
        raise ConfigError(f"the name {name!r} is taken by TreeAct: give another with @tool(name=)")
