"""The `treeact` command."""

from __future__ import annotations

import os
import sys

from treeact.errors import TreeActError

EXIT_NO_ANSWER = 1
"""The run ended without an answer that its agent stands by, or something is left or failed."""
EXIT_BAD_INPUT = 2
"""Nothing was run: an argument, setting, file, key or sandbox is missing or wrong."""
EXIT_CANCELLED = 130
"""The run was cancelled, for example by Ctrl-C."""
EXIT_BROKEN_PIPE = 141
"""Whoever read the output went away, as shells report it."""

EXIT_WORDS = (
    "Exit status of all commands: 0 done, or answered; 1 no answer, or something failed or is "
    "left; 2 nothing was run, as an argument, setting, file, key or sandbox is missing or wrong; "
    "130 cancelled; 141 the reader of the output went away."
)
"""The same for people."""


def main() -> None:
    """Run the command line; an error that TreeAct raised on purpose is one line, no traceback."""
    try:
        status = _run_command()
        sys.stdout.flush()
    except BrokenPipeError:
        # what is still in the buffer must not fail again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = EXIT_BROKEN_PIPE
    sys.exit(status)


def _run_command() -> int | str | None:
    """Run the command and return its exit status.

    Raises:
        BrokenPipeError: nobody reads the output any more.
    """
    from treeact.cli.app import app

    try:
        app()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer makes a 1 of it
            raise end.__context__ from None
        return end.code
    except TreeActError as error:
        from treeact.trace.redact import Redactor

        print(f"treeact: {Redactor().clean(str(error))}", file=sys.stderr)  # noqa: T201
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    return 0
