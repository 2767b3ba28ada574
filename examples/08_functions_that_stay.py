"""DynaSaur: a function written for one task is kept, verified, and used in another task.

python examples/08_functions_that_stay.py [--model openai/gpt-5-mini]
"""

import tempfile
from argparse import ArgumentParser
from pathlib import Path

from treeact import ActionLibrary, DynaSaur, ScriptedModel

FIRST = [
    '''I write it so that it can be used again.
```python
def roman(number: int) -> str:
    """Return a whole number from 1 to 3999 in Roman numerals."""
    signs = {1000: "M", 900: "CM", 500: "D", 400: "CD", 100: "C", 90: "XC", 50: "L", 40: "XL",
             10: "X", 9: "IX", 5: "V", 4: "IV", 1: "I"}
    text = ""
    for value, sign in signs.items():
        count, number = divmod(number, value)
        text += sign * count
    return text

print(roman(1994))
```''',
    "<answer>MCMXCIV</answer>",
]
SECOND = [
    """The library has roman().
```python
print(max(range(1, 100), key=lambda number: len(roman(number))))
```""",
    "<answer>88</answer>",
]

arguments = ArgumentParser(description=__doc__)
arguments.add_argument("--model", help="by default two scripts")
model = arguments.parse_args().model

with tempfile.TemporaryDirectory() as folder, ActionLibrary(Path(folder, "mine.sqlite")) as library:
    first = DynaSaur(model or ScriptedModel(FIRST), library=library)
    print("first answer:", first.run_sync("What is 1994 in Roman numerals?").answer)
    for action in library.actions():
        print(f"kept: {action.header} ({action.status})")

    # Another run, another sandbox: the function is offered in the prompt, and loaded when code
    # names it. `frozen=True` would use the library and write nothing, as for a test split.
    second = DynaSaur(model or ScriptedModel(SECOND), library=library)
    result = second.run_sync("Which number below 100 is longest in Roman numerals?")
    print("second answer:", result.answer)
    (roman,) = library.actions()
    print(f"calls that returned: {roman.successes}, that failed: {roman.failures}")
