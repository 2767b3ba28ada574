"""A process that saves actions and acknowledges each; `test_writers` starts it and kills it.

python -m tests.agents.library.writer LIBRARY NAME
"""

import sys
from itertools import count
from pathlib import Path

from tests.agents.library.support import exercised
from treeact.agents.library import ActionLibrary


def main() -> None:
    path, name = sys.argv[1:]
    with ActionLibrary(Path(path)) as library:
        for number in count():
            exercised(library, f"def {name}_{number}(x): return shared(x)\ndef shared(x): return x")
            sys.stdout.write(f"{name}_{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
