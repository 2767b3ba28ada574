"""The `treeact` command."""

from __future__ import annotations

import sys

from treeact.errors import TreeActError

EXIT_NO_ANSWER = 1
"""The run ended without an answer that its agent stands by."""
EXIT_BAD_INPUT = 2
"""Nothing was run: an argument, file, key or sandbox is missing or wrong."""
EXIT_CANCELLED = 130
"""The run was cancelled, for example by Ctrl-C."""


def main() -> None:
    """Run the command line; an error that TreeAct raised on purpose is one line, no traceback."""
    from treeact.cli.app import app

    try:
        app()
    except TreeActError as error:
        from treeact.trace.redact import Redactor

        print(f"treeact: {Redactor().clean(str(error))}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(EXIT_CANCELLED)
    except BrokenPipeError:  # the reader of a pipe went away
        sys.stderr.close()
        sys.exit(EXIT_NO_ANSWER)
